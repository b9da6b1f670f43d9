//! What a step found, so that its adjoint at the same state need not look for it again.

use crate::constraint::Solution;
use crate::integrate::{Integrator, StepOptions};
use crate::scratch::Scratch;

/// The accelerations of a step, and where its constraints' search ended. Their memory is laid out by the first step that is kept.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    is_set: bool,
    /// The step's own accelerations.
    a: Vec<f64>,
    /// Those under the constraints, nothing being implicit.
    solution: Solution,
}

impl Known {
    /// Becomes what the last step left in `s`, if that is enough: methods of more than one stage, and steps without a solution, leave nothing.
    pub(crate) fn keep(&mut self, options: &StepOptions, s: &Scratch) {
        let of_one_stage = match options.integrator {
            Integrator::Euler | Integrator::EulerExplicitDamping | Integrator::ImplicitFast => true,
            Integrator::RungeKutta4 | Integrator::Adaptive { .. } => false,
        };
        self.is_set = of_one_stage && s.constraints.failure.is_none();
        if self.is_set {
            self.a.clone_from(&s.a);
            self.solution.keep(&s.constraints);
        }
    }

    /// Nothing is known any more.
    pub(crate) fn forget(&mut self) {
        self.is_set = false;
    }

    /// Accelerations and solution, where they are known.
    pub(crate) fn get(&self) -> Option<(&[f64], &Solution)> {
        self.is_set.then_some((&self.a, &self.solution))
    }
}
