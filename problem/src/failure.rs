//! Why a trial point has no value.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Why a trial point has no value. A line search backs off from the recoverable ones.
#[derive(Clone, Debug, Error, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum TrialFailure {
    /// An inner iteration (SCF, Newton, contact solve) did not converge.
    #[error(
        "{what} did not converge: residual {residual:.3e} after {iterations} iterations; {advice}"
    )]
    NotConverged {
        /// The iteration that stopped.
        what: String,
        /// Its residual when it stopped.
        residual: f64,
        /// Iterations made.
        iterations: usize,
        /// What the user may change.
        advice: String,
    },
    /// A value or derivative is not finite.
    #[error("{what} is not finite")]
    NonFinite {
        /// The quantity, with its index where it has one.
        what: String,
    },
    /// The point lies where the model has no meaning (a negative mass, atoms on top of each other).
    #[error("outside the model's domain: {why}")]
    OutOfDomain {
        /// Which condition is broken.
        why: String,
    },
    /// A derivative was wanted that the objective cannot give. Backing off does not help.
    #[error("{parameter} cannot be differentiated: {why}")]
    NotDifferentiable {
        /// Name of the parameter.
        parameter: String,
        /// The reason.
        why: String,
    },
    /// The caller broke the contract: wrong number of parameters, an unsupported [`Want`](crate::Want).
    #[error("{0}")]
    Contract(String),
}

impl TrialFailure {
    /// Whether another point may succeed, so that a line search should back off rather than end.
    pub fn is_recoverable(&self) -> bool {
        !matches!(self, Self::NotDifferentiable { .. } | Self::Contract(_))
    }
}
