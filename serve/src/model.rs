//! A map with a name, shared by the threads that evaluate it.

use std::sync::{Mutex, PoisonError};

use cotangent_problem::{At, CallError, CheckedMap, CheckedRun, SampleKey, Workspace};

/// A map that is offered under a name. A stochastic map draws by its key, the same draws for every request, so that it is a
/// function of its inputs.
#[derive(Debug)]
pub struct Model {
    name: String,
    map: CheckedMap<'static>,
    key: SampleKey,
    /// Scratch memory of evaluations that are over, for those that come; never more than were at work at once.
    workspaces: Mutex<Vec<Workspace>>,
}

impl Model {
    /// A map under a name, with the draws of `key`.
    pub fn new(name: &str, map: CheckedMap<'static>, key: SampleKey) -> Self {
        Self { name: name.into(), map, key, workspaces: Mutex::new(Vec::new()) }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The map.
    pub fn map(&self) -> &CheckedMap<'static> {
        &self.map
    }

    /// The outputs at `x`.
    pub(crate) fn values(&self, x: &[f64]) -> Result<Vec<f64>, CallError> {
        self.with_workspace(|ws| self.map.values(At { x, key: self.key }, ws))
    }

    /// What `ask` asks of a run at `x`.
    pub(crate) fn linearised<T>(
        &self,
        x: &[f64],
        ask: impl FnOnce(&CheckedRun<'_>) -> Result<T, CallError>,
    ) -> Result<T, CallError> {
        self.with_workspace(|ws| ask(&self.map.linearise(At { x, key: self.key }, ws)?))
    }

    fn with_workspace<T>(&self, work: impl FnOnce(&mut Workspace) -> T) -> T {
        let pool = || self.workspaces.lock().unwrap_or_else(PoisonError::into_inner);
        let mut workspace = pool().pop().unwrap_or_default();
        let done = work(&mut workspace);
        pool().push(workspace);
        done
    }
}

/// Whose fault it is that a call has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Blame {
    /// What was given is wrong.
    Input,
    /// What was asked for does not exist.
    Feature,
    /// The simulation has no answer at this point.
    Output,
}

/// Whose fault an error is.
pub(crate) fn blame(error: &CallError) -> Blame {
    use cotangent_problem::TrialFailure;
    match error {
        CallError::Value(_) | CallError::Length { .. } | CallError::NotFinite { .. } => {
            Blame::Input
        }
        CallError::Failed(TrialFailure::OutOfDomain { .. }) => Blame::Input,
        CallError::Unsupported(_) => Blame::Feature,
        CallError::Failed(TrialFailure::NotDifferentiable { .. } | TrialFailure::Contract(_)) => {
            Blame::Feature
        }
        _ => Blame::Output,
    }
}
