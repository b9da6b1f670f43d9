//! Functions defined by equations, differentiated by the implicit function theorem.
//!
//! The iteration that finds `y` runs in `f64` and is not differentiated: from `F(y, p) = 0` follows `dy = -F_y^-1 F_p dp`, whatever
//! found `y`. The start of an iteration therefore has no derivative, and memory does not grow with iterations.
//!
//! | function | `y` | linear system of the derivative |
//! |---|---|---|
//! | [`root`](fn@root) | `F(y, p) = 0` | dense LU of `F_y` |
//! | [`root_sparse`] | `F(y, p) = 0` | sparse LU of `F_y`, which is formed by one tangent a colour |
//! | [`root_krylov`] | `F(y, p) = 0` | matrix-free: CG, BiCGStab or GMRES on `F_y`, by JVPs and VJPs of `F` |
//! | [`fixed_point`](fn@fixed_point) | `y = G(y, p)` | matrix-free GMRES on `I - G_y`, by JVPs and VJPs of `G` |
//! | [`minimiser`](fn@minimiser) | `argmin_y E(y, p)` | dense, the Hessian of `E` |
//! | [`least_squares`] | `argmin_y |r(y, p)|^2 / 2` | dense, its full Hessian, not Gauss and Newton's |
//!
//! All of them are rules: they nest in each other, and every order of derivative goes through them.
//!
//! ```
//! use cotangent_ad::implicit::{Options, Residual, root};
//! use cotangent_ad::{Num, Real, Var, grad};
//!
//! /// Kepler: `E - e sin E = M`.
//! #[derive(Clone)]
//! struct Kepler;
//! impl Residual for Kepler {
//!     fn residual<R: Real>(&self, y: &[R], p: &[R]) -> Vec<R> {
//!         vec![y[0] - p[0] * y[0].sin() - p[1]]
//!     }
//! }
//! let anomaly = |p: &[Var<f64>]| root(&Kepler, &[1.0], p, &Options::default()).unwrap()[0];
//! let g = grad(anomaly, &[0.3, 1.2]);
//! let e = root(&Kepler, &[1.0], &[0.3, 1.2], &Options::default()).unwrap()[0];
//! assert!((g[1] - 1.0 / (1.0 - 0.3 * e.cos())).abs() < 1e-14);
//! ```

mod fixed_point;
mod krylov_root;
mod minimiser;
mod root;
mod sparse_root;

use thiserror::Error;

use crate::linalg::LinalgError;
use crate::rule::DerivativeFailure;

pub use fixed_point::{Map, fixed_point};
pub use krylov_root::root_krylov;
pub use minimiser::{Energy, Residuals, least_squares, minimiser};
pub use root::{Residual, root, root_from};
pub use sparse_root::{root_sparse, unknowns_colouring};

/// When an iteration stops.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// Converged when a step is at most this share of `1 + max |y_i|`, and then of each `|y_i|` itself as far as rounding lets it.
    pub tolerance: f64,
    /// Most iterations.
    pub max_iterations: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { tolerance: 1e-13, max_iterations: 200 }
    }
}

/// Why an implicit function has no value or no derivative.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum ImplicitError {
    /// The iteration ended elsewhere.
    #[error(
        "{what} did not converge: residual {residual:.3e} after {iterations} iterations; {advice}"
    )]
    NotConverged {
        /// Which iteration.
        what: &'static str,
        /// What was left.
        residual: f64,
        /// Iterations made.
        iterations: usize,
        /// What to try.
        advice: &'static str,
    },
    /// A residual, energy or derivative is NaN or infinite.
    #[error("{what} is not finite in iteration {iteration}")]
    NonFinite {
        /// What.
        what: &'static str,
        /// When.
        iteration: usize,
    },
    /// The sizes do not fit.
    #[error("{found} equations for {expected} unknowns")]
    Shape {
        /// Unknowns.
        expected: usize,
        /// Equations.
        found: usize,
    },
    /// The point found is no isolated minimum: its Hessian is not positive definite.
    #[error(
        "no minimum: the Hessian at the stationary point is not positive definite (pivot {pivot})"
    )]
    NotAMinimum {
        /// Pivot of the Cholesky factorization that is not positive.
        pivot: usize,
    },
    /// A linear system of the iteration or of the derivative has no solution.
    #[error(transparent)]
    Linear(#[from] LinalgError),
    /// Another rule on the same tape has no derivative.
    #[error(transparent)]
    Derivative(DerivativeFailure),
}

impl From<DerivativeFailure> for ImplicitError {
    fn from(failure: DerivativeFailure) -> Self {
        match (failure.downcast_ref::<Self>(), failure.downcast_ref::<LinalgError>()) {
            (Some(own), _) => own.clone(),
            (_, Some(linear)) => Self::Linear(linear.clone()),
            _ => Self::Derivative(failure),
        }
    }
}

/// Most steps for unknowns that are small beside others or beside 1.
const MOST_SETTLING: usize = 100;

/// Newton's steps from `y`, where the last one was `last`, until each unknown is settled by its own size: a large one beside it, or the
/// unit of measurement, must not decide how well a small one is known. Near a solution steps shrink with their square, so
/// the root of the tolerance is enough for the last; one that no longer shrinks is rounding.
fn settle(
    mut y: Vec<f64>,
    mut last: Vec<f64>,
    tolerance: f64,
    step: impl Fn(&[f64]) -> Option<Vec<f64>>,
) -> Vec<f64> {
    for _ in 0..MOST_SETTLING {
        if is_settled(&y, &last, tolerance) {
            break;
        }
        let Some(next) = step(&y).filter(|next| size(next).is_finite()) else { break };
        let shrinks = |k: usize| {
            let open = !is_settled(&y[k..=k], &last[k..=k], tolerance);
            open && next[k].abs() < 0.9 * last[k].abs()
        };
        if !(0..y.len()).any(shrinks) {
            break;
        }
        y.iter_mut().zip(&next).for_each(|(y, s)| *y -= s);
        last = next;
    }
    y
}

/// Whether a Newton step is a small part of each unknown.
fn is_settled(y: &[f64], step: &[f64], tolerance: f64) -> bool {
    y.iter().zip(step).all(|(y, s)| s.abs() <= tolerance.sqrt() * y.abs())
}

/// `max |v_i|`, NaN where an entry is.
fn size(v: &[f64]) -> f64 {
    v.iter().fold(0.0, |s, v| if v.abs() > s || v.is_nan() { v.abs() } else { s })
}
