//! What stops a molecule, as what it means for a trial point.

use cotangent_problem::TrialFailure;

use crate::molecule::functional_integral::IntegralError;
use crate::molecule::gradient::GradientError;
use crate::molecule::internal::ChartError;
use crate::molecule::response::ResponseError;
use crate::molecule::scf::{CoreError, ScfError};
use crate::molecule::vibrations::VibrationError;

impl From<CoreError> for TrialFailure {
    fn from(error: CoreError) -> Self {
        Self::OutOfDomain { why: error.to_string() }
    }
}

impl From<ScfError> for TrialFailure {
    fn from(error: ScfError) -> Self {
        match error {
            ScfError::NonFinite { .. } => Self::NonFinite { what: "the Fock matrix".into() },
            ScfError::OpenShell { .. } | ScfError::StartDoesNotFit => {
                Self::Contract(error.to_string())
            }
        }
    }
}

impl From<IntegralError> for TrialFailure {
    fn from(error: IntegralError) -> Self {
        match error {
            IntegralError::Grid(_) => Self::Contract(error.to_string()),
            IntegralError::Functional(_) => Self::OutOfDomain { why: error.to_string() },
        }
    }
}

impl From<GradientError> for TrialFailure {
    fn from(error: GradientError) -> Self {
        match error {
            GradientError::NotConverged { gradient_ha } => Self::NotConverged {
                what: "the self-consistent field".into(),
                residual: gradient_ha,
                iterations: 0,
                advice: "converge it before it is differentiated".into(),
            },
            GradientError::Integral(source) => source.into(),
        }
    }
}

impl From<ResponseError> for TrialFailure {
    fn from(error: ResponseError) -> Self {
        match error {
            ResponseError::Gradient(source) => source.into(),
            ResponseError::Integral(source) => source.into(),
            ResponseError::NoMinimum { .. } => Self::NotDifferentiable {
                parameter: "the answer of the orbitals".into(),
                why: error.to_string(),
            },
            ResponseError::Degenerate { .. } => Self::NotDifferentiable {
                parameter: "an orbital's energy".into(),
                why: error.to_string(),
            },
            ResponseError::NotConverged { residual, products } => Self::NotConverged {
                what: "the response of the orbitals".into(),
                residual,
                iterations: products,
                advice: "the field is nearly unstable: look at its stability".into(),
            },
        }
    }
}

impl From<VibrationError> for TrialFailure {
    fn from(error: VibrationError) -> Self {
        match error {
            VibrationError::NonFinite => Self::NonFinite { what: "a second derivative".into() },
            _ => Self::OutOfDomain { why: error.to_string() },
        }
    }
}

impl From<ChartError> for TrialFailure {
    fn from(error: ChartError) -> Self {
        Self::OutOfDomain { why: error.to_string() }
    }
}
