//! The optimizers by name.

use cotangent_problem::TermValue;
use serde::{Deserialize, Serialize};

use crate::context::{Advance, Algorithm, Context, MethodInfo, NoValue};

/// Makes of one line a method: its entry in [`METHODS`], its variants of [`Method`] and [`State`], and its calls.
macro_rules! methods {
    ($($(#[$about:meta])* $variant:ident($module:ident, $options:ident);)+) => {
        /// An optimizer with its options.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        pub enum Method {
            $($(#[$about])* $variant(crate::$module::$options),)+
        }

        /// All methods.
        pub const METHODS: &[MethodInfo] =
            &[$(<crate::$module::State as Algorithm>::INFO,)+];

        impl Method {
            /// The method of this name with default options.
            pub fn named(name: &str) -> Option<Self> {
                $(if name == <crate::$module::State as Algorithm>::INFO.name {
                    return Some(Self::$variant(crate::$module::$options::default()));
                })+
                None
            }

            /// What it is and needs.
            pub fn info(&self) -> &'static MethodInfo {
                match self {
                    $(Self::$variant(_) => &<crate::$module::State as Algorithm>::INFO,)+
                }
            }
        }

        /// The state of a method between two iterations.
        #[derive(Clone, Debug, Serialize, Deserialize)]
        pub(crate) enum State {
            $($variant(crate::$module::State),)+
        }

        impl State {
            pub(crate) fn start(
                context: &mut Context,
                z: Vec<f64>,
                method: &Method,
            ) -> Result<(Self, f64), NoValue> {
                match method {
                    $(Method::$variant(options) => {
                        let (state, value) = Algorithm::start(context, z, options)?;
                        Ok((Self::$variant(state), value))
                    })+
                }
            }

            /// One iteration; `None` where the state is another method's, which only a checkpoint that was edited by
            /// hand can bring about.
            pub(crate) fn iterate(
                &mut self,
                context: &mut Context,
                method: &Method,
            ) -> Option<Advance> {
                match (self, method) {
                    $((Self::$variant(state), Method::$variant(options)) => {
                        Some(state.iterate(context, options))
                    })+
                    _ => None,
                }
            }

            pub(crate) fn gradient_norm(&self, lower: &[f64], upper: &[f64]) -> Option<f64> {
                match self {
                    $(Self::$variant(state) => state.gradient_norm(lower, upper),)+
                }
            }

            pub(crate) fn terms(&self) -> &[TermValue] {
                match self {
                    $(Self::$variant(state) => state.terms(),)+
                }
            }
        }
    };
}

methods! {
    /// Limited-memory quasi-Newton with bounds.
    Lbfgsb(lbfgsb, LbfgsbOptions);
    /// Adaptive moments, for stochastic gradients.
    Adam(adam, AdamOptions);
    /// Levenberg-Marquardt for sums of squares.
    GaussNewton(gauss_newton, GaussNewtonOptions);
    /// Covariance matrix adaptation, without gradients.
    CmaEs(cmaes, CmaEsOptions);
    /// Newton's method in a trust region.
    TrustRegion(trust_region, TrustRegionOptions);
    /// The simplex of Nelder and Mead, without gradients.
    NelderMead(nelder_mead, NelderMeadOptions);
    /// Differential dynamic programming over the stages of a trajectory.
    Ddp(ddp, DdpOptions);
}

#[cfg(test)]
mod tests {
    use super::{METHODS, Method};

    #[test]
    fn every_method_is_found_by_the_name_that_it_registers() {
        for info in METHODS {
            assert_eq!(Method::named(info.name).map(|m| *m.info()), Some(*info));
        }
        assert_eq!(Method::named("no such"), None);
    }
}
