//! Exchange-correlation functionals of a molecule: energy densities, written once.
//!
//! A functional is one generic function, [`EnergyFunctional::energy_density`]; its potential, its kernel and its derivatives by its
//! parameters follow from it, as recorded programs that run over many points at the processor's vector width. One of your own is
//! no different from those that have names:
//!
//! ```
//! use cotangent_ad::Real;
//! use cotangent_dft::molecule::functional::{
//!     EnergyFunctional, ExchangeCorrelation, Ingredients, Parameter, SpinDensity, slater_exchange,
//! };
//!
//! /// Slater's X-alpha: `3/2 alpha` of the exchange of the uniform gas.
//! #[derive(Clone)]
//! struct XAlpha;
//!
//! impl EnergyFunctional for XAlpha {
//!     fn ingredients(&self) -> Ingredients {
//!         Ingredients::Density
//!     }
//!     fn parameters(&self) -> Vec<Parameter> {
//!         vec![Parameter { name: "alpha", value: 0.7 }]
//!     }
//!     fn energy_density<R: Real>(&self, at: &SpinDensity<R>, p: &[R]) -> R {
//!         slater_exchange(at) * p[0] * 1.5
//!     }
//! }
//! let functional = ExchangeCorrelation::new(&XAlpha);
//! let at = functional.evaluate(cotangent_dft::molecule::functional::Spins::Restricted, &[0.3])?;
//! // v = 4/3 e/n
//! assert!((at[1] - at[0] / 0.3 * 4.0 / 3.0).abs() < 1e-15);
//! # Ok::<(), cotangent_dft::molecule::functional::FunctionalError>(())
//! ```

mod becke88;
mod density;
mod exchange_correlation;
mod interpolation;
mod lee_yang_parr;
mod perdew_burke_ernzerhof;
mod perdew_wang;
mod r2scan;
mod slater;
mod standard;
mod vosko_wilk_nusair;

use cotangent_ad::Real;
use thiserror::Error;

pub use self::becke88::becke88_correction;
pub use self::density::{Channel, SpinDensity};
pub(in crate::molecule) use self::exchange_correlation::DENSITY_THRESHOLD;
pub use self::exchange_correlation::{ExchangeCorrelation, Spins};
pub use self::lee_yang_parr::lee_yang_parr_correlation;
pub use self::perdew_burke_ernzerhof::{
    PBE_BETA, PBE_KAPPA, PBE_MU, pbe_correlation, pbe_exchange,
};
pub use self::perdew_wang::{PerdewWangConstants, perdew_wang_correlation};
pub use self::r2scan::{r2scan_correlation, r2scan_exchange};
pub use self::slater::slater_exchange;
pub use self::standard::StandardFunctional;
pub use self::vosko_wilk_nusair::{vwn_rpa_correlation, vwn5_correlation};

/// What an energy density depends on; each includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ingredients {
    /// The density.
    Density,
    /// Its gradient.
    Gradient,
    /// The kinetic energy density `tau`.
    KineticEnergy,
}

/// A constant of a functional that may be free.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Parameter {
    /// Its name, unique within the functional.
    pub name: &'static str,
    /// Its published value.
    pub value: f64,
}

/// A functional, as the energy density at a point.
pub trait EnergyFunctional: Clone + Send + Sync + 'static {
    /// What the energy density depends on.
    fn ingredients(&self) -> Ingredients;

    /// Energy per volume, in hartree/bohr^3, without exact exchange. It is asked at densities that are positive.
    fn energy_density<R: Real>(&self, at: &SpinDensity<R>, parameters: &[R]) -> R;

    /// Constants that may be free.
    fn parameters(&self) -> Vec<Parameter> {
        Vec::new()
    }

    /// The share of exact exchange in the energy.
    fn exact_exchange<R: Real>(&self, parameters: &[R]) -> R {
        let _ = parameters;
        R::lit(0.0)
    }

    /// Whether there may be exact exchange: a field of a functional without it never builds it.
    fn is_hybrid(&self) -> bool {
        false
    }
}

/// A name that no functional has.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("there is no functional \"{name}\"; known are {known}")]
pub struct UnknownFunctional {
    /// What was asked for.
    pub name: String,
    /// What there is.
    pub known: String,
}

/// A functional without a value.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum FunctionalError {
    /// A wrong number of values.
    #[error("{what} has {found} numbers, expected {expected}")]
    Shape {
        /// Of what.
        what: &'static str,
        /// How many are needed.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// A point at which the functional is not finite.
    #[error(
        "the functional has no finite value at point {point}, where the density is {density:.3e} 1/bohr^3: its energy density must be finite with its derivatives at every positive density"
    )]
    NotFinite {
        /// Number of the point.
        point: usize,
        /// Density there.
        density: f64,
    },
    /// The recorded program does not run: more branches than it follows, or a rule without a value.
    #[error("the functional's program stopped: {0}")]
    Program(#[from] cotangent_ad::program::ReplayError),
}
