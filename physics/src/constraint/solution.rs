//! The solution of the constraints' problem, apart from the memory that found it.

use super::Constraints;
use super::law::MOST;

/// What is enough to stand at a solution again without a search: accelerations and residuals. The residuals are not made of the accelerations
/// anew, for those of stiff constraints have digits that a difference would lose.
#[derive(Clone, Debug, Default)]
pub(crate) struct Solution {
    pub(super) a: Vec<f64>,
    /// `e = J a - a_ref` of each block.
    pub(super) residuals: Vec<[f64; MOST]>,
}

impl Solution {
    /// Becomes the last solution that was found.
    pub(crate) fn keep(&mut self, constraints: &Constraints<f64>) {
        self.a.clone_from(&constraints.a);
        self.residuals.clear();
        self.residuals.extend_from_slice(constraints.newton.residuals());
    }
}
