//! Objectives that are no sum of terms on a simulation's outputs.

use cotangent_problem::{Capabilities, Objective, Space};

use crate::Judge;

/// An objective of its own, with its parameters, before what it needs is computed.
pub trait Task: Send + Sync {
    /// The parameters.
    fn space(&self) -> Space;

    /// The start, which the seed perturbs.
    fn start(&self, seed: u64) -> Vec<f64>;

    /// What the objective will be able to give.
    fn capabilities(&self) -> Capabilities;

    /// What an evaluation with gradient takes, in a sentence.
    fn cost(&self) -> String;

    /// Computes what the objective needs (reference data).
    ///
    /// # Errors
    /// A message for people.
    fn prepare(&self) -> Result<Box<dyn Prepared + '_>, String>;
}

/// An objective that can be evaluated, and whoever judges its answers.
pub trait Prepared: Judge + Send + Sync {
    /// The objective.
    fn objective(&self) -> &dyn Objective;
}
