//! What an optimizer sees of a simulation: a value, and whatever derivatives it can give.
//!
//! The trait is object-safe and takes `&self`, so one objective serves many threads at once (parallel
//! CMA-ES, multi-start). What an evaluation needs to remember lives in a [`Workspace`] that the
//! caller owns, one a thread.

use std::any::Any;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::failure::TrialFailure;
use crate::key::SampleKey;
use crate::stages::{InStages, NoStages};

/// What the caller wants besides the value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Want {
    /// The gradient of the value, `n` entries.
    pub gradient: bool,
    /// The residuals `r` with `value = 1/2 |r|^2 + constant`, `m` entries.
    pub residuals: bool,
    /// The Jacobian of the residuals, `m x n`, row-major.
    pub jacobian: bool,
}

impl Want {
    /// The value alone.
    pub const VALUE: Self = Self { gradient: false, residuals: false, jacobian: false };
    /// Value and gradient.
    pub const GRADIENT: Self = Self { gradient: true, residuals: false, jacobian: false };
    /// Value and residuals, no derivative.
    pub const RESIDUALS: Self = Self { gradient: false, residuals: true, jacobian: false };
    /// Value, residuals and their Jacobian.
    pub const JACOBIAN: Self = Self { gradient: false, residuals: true, jacobian: true };
}

/// What an objective can give, stated before it is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// Gives gradients.
    pub gradient: bool,
    /// Number of residuals, where the value is a sum of squares.
    pub residuals: Option<usize>,
    /// Gives Hessian-vector products.
    pub hvp: bool,
    /// Depends on the [`SampleKey`].
    pub stochastic: bool,
}

/// A named part of the value, for reports: `("energy", 1.2e-3)`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TermValue {
    /// Name, stable over a run.
    pub name: String,
    /// Its share of the value, in the value's unit.
    pub value: f64,
}

/// A named discrete state of an evaluation: contacts that touch, a branch taken, bounces counted.
///
/// Two evaluations with different states lie on different smooth pieces of the objective, so a finite difference across
/// them says nothing about the derivative on either.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Switch {
    /// Name, such as `bounces`.
    pub name: String,
    /// State.
    pub state: i64,
}

/// The result of one evaluation. Fields that were not wanted are `None`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Evaluation {
    /// Value of the objective.
    pub value: f64,
    /// Gradient, `n` entries.
    pub gradient: Option<Vec<f64>>,
    /// Residuals, `m` entries, `value = 1/2 |r|^2 + constant`.
    pub residuals: Option<Vec<f64>>,
    /// Jacobian of the residuals, `m x n` row-major.
    pub jacobian: Option<Vec<f64>>,
    /// Standard error of the value, of a stochastic objective.
    pub standard_error: Option<f64>,
    /// Named parts of the value.
    pub terms: Vec<TermValue>,
    /// Discrete states that the value depends on; the same names in the same order at every point.
    pub switches: Vec<Switch>,
}

/// Scratch memory that an objective keeps between evaluations, owned by the caller, one a thread.
///
/// It holds whatever the objective puts there (buffers, a warm start that does not change results)
/// and never influences the value: a fresh workspace gives the same bits.
#[derive(Default)]
pub struct Workspace(Option<Box<dyn Any + Send>>);

impl Workspace {
    /// An empty workspace.
    pub fn new() -> Self {
        Self::default()
    }

    /// The content as a `T`, made by `init` where the workspace is empty or holds another type.
    #[expect(clippy::missing_panics_doc, reason = "the content is of this type: made just above")]
    pub fn get_or_insert_with<T: Any + Send>(&mut self, init: impl FnOnce() -> T) -> &mut T {
        if !self.0.as_deref().is_some_and(<dyn Any + Send>::is::<T>) {
            self.0 = Some(Box::new(init()));
        }
        let content = self.0.as_deref_mut().and_then(<dyn Any + Send>::downcast_mut);
        content.expect("made as this type just above")
    }
}

impl fmt::Debug for Workspace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Workspace(filled)" } else { "Workspace(empty)" })
    }
}

/// A function to be minimised.
pub trait Objective: Sync {
    /// Number of parameters `n`.
    fn dim(&self) -> usize;

    /// What it can give.
    fn capabilities(&self) -> Capabilities;

    /// Value at `x` (`n` entries, physical units) and whatever else `want` names.
    ///
    /// # Errors
    /// A [`TrialFailure`] where the point has no value.
    fn evaluate(
        &self,
        x: &[f64],
        want: Want,
        key: SampleKey,
        ws: &mut Workspace,
    ) -> Result<Evaluation, TrialFailure>;

    /// Product of the Hessian at `x` with `v`, both of `n` entries.
    ///
    /// # Errors
    /// A [`TrialFailure`]; the default says that the objective gives none.
    fn hvp(
        &self,
        x: &[f64],
        v: &[f64],
        key: SampleKey,
        ws: &mut Workspace,
    ) -> Result<Vec<f64>, TrialFailure> {
        let _ = (x, v, key, ws);
        Err(TrialFailure::Contract("this objective gives no Hessian-vector products".into()))
    }

    /// The same problem in stages, where it is that of a trajectory's controls.
    ///
    /// # Errors
    /// [`NoStages`]: what does not fit.
    fn stages(&self) -> Result<InStages<'_>, NoStages> {
        Err(NoStages::NoTrajectory("nothing is known of how it came about".into()))
    }
}

#[cfg(test)]
mod tests {
    use super::Workspace;

    #[test]
    fn a_workspace_keeps_its_type_and_replaces_another() {
        let mut ws = Workspace::new();
        ws.get_or_insert_with(|| vec![1.0_f64]).push(2.0);
        assert_eq!(ws.get_or_insert_with(Vec::<f64>::new).len(), 2);
        assert_eq!(*ws.get_or_insert_with(|| 7_u32), 7);
    }
}
