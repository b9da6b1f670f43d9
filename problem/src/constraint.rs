//! What a point must satisfy besides its bounds.
//!
//! `m` functions of the parameters, each between a lower and an upper limit: equal limits are an equality, an infinite one is none.

use thiserror::Error;

use crate::failure::TrialFailure;
use crate::key::SampleKey;
use crate::objective::Workspace;

/// Why limits make no sense.
#[derive(Clone, Debug, Error, PartialEq)]
#[error("the limits of the constraint `{name}` are no interval: from {lower} to {upper}")]
pub struct LimitError {
    /// Its name.
    pub name: String,
    /// Lower limit.
    pub lower: f64,
    /// Upper limit.
    pub upper: f64,
}

/// A named constraint.
#[derive(Clone, Debug, PartialEq)]
pub struct Constraint {
    /// Name, for reports.
    pub name: String,
    /// Least value; minus infinity for none.
    pub lower: f64,
    /// Greatest value; infinity for none.
    pub upper: f64,
}

impl Constraint {
    /// `c(x) = value`.
    pub fn equals(name: impl Into<String>, value: f64) -> Self {
        Self { name: name.into(), lower: value, upper: value }
    }

    /// `c(x) <= value`.
    pub fn at_most(name: impl Into<String>, value: f64) -> Self {
        Self { name: name.into(), lower: f64::NEG_INFINITY, upper: value }
    }

    /// `c(x) >= value`.
    pub fn at_least(name: impl Into<String>, value: f64) -> Self {
        Self { name: name.into(), lower: value, upper: f64::INFINITY }
    }

    /// `lower <= c(x) <= upper`.
    pub fn between(name: impl Into<String>, lower: f64, upper: f64) -> Self {
        Self { name: name.into(), lower, upper }
    }

    /// The value nearest to `c` that is allowed.
    pub fn nearest(&self, c: f64) -> f64 {
        c.max(self.lower).min(self.upper)
    }

    /// Whether the limits are an interval that allows some finite value.
    ///
    /// # Errors
    /// [`LimitError`].
    pub fn check(&self) -> Result<(), LimitError> {
        let Self { lower, upper, .. } = *self;
        if lower <= upper && lower < f64::INFINITY && upper > f64::NEG_INFINITY {
            return Ok(());
        }
        Err(LimitError { name: self.name.clone(), lower, upper })
    }
}

/// Values of constraints and their derivatives at a point.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConstraintValues {
    /// `c`, `m` entries.
    pub values: Vec<f64>,
    /// `dc/dx`, `m x n` row-major, where it was wanted.
    pub jacobian: Option<Vec<f64>>,
}

/// Functions of the parameters that must lie within limits.
pub trait Constraints: Sync {
    /// Names and limits, always the same.
    fn constraints(&self) -> &[Constraint];

    /// Values at `x` (`n` entries, physical units), with the Jacobian where `jacobian` says so.
    ///
    /// # Errors
    /// A [`TrialFailure`] where the point has no values.
    fn evaluate(
        &self,
        x: &[f64],
        jacobian: bool,
        key: SampleKey,
        ws: &mut Workspace,
    ) -> Result<ConstraintValues, TrialFailure>;
}

#[cfg(test)]
mod tests {
    use super::Constraint;

    #[test]
    fn limits_are_an_interval() {
        assert_eq!(Constraint::between("c", -1.0, 2.0).nearest(3.0), 2.0);
        assert_eq!(Constraint::equals("c", 1.0).nearest(-4.0), 1.0);
        assert!(Constraint::at_most("c", 1.0).check().is_ok());
        for (lower, upper) in [(2.0, 1.0), (f64::NAN, 1.0), (f64::INFINITY, f64::INFINITY)] {
            assert!(Constraint::between("c", lower, upper).check().is_err());
        }
    }
}
