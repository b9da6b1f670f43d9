//! What is minimised, and over what.

use cotangent_problem::{Objective, Space};

/// An objective and its parameters.
#[derive(Clone, Copy)]
pub struct Problem<'a> {
    /// What is minimised.
    pub objective: &'a dyn Objective,
    /// Its parameters.
    pub space: &'a Space,
}

impl std::fmt::Debug for Problem<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Problem").field("space", self.space).finish_non_exhaustive()
    }
}
