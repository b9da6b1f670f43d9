//! Outputs of states that follow each other.

use crate::failure::TrialFailure;

/// The states behind a map's outputs: `x_0, ..., x_N` by `x_(k+1) = f_k(x_k, u_k)`, where every entry of the outputs is seen at one
/// state, or during the step that follows it. A state may have more numbers than directions in which it moves (a quaternion).
///
/// Entries are positions among the map's inputs and outputs.
pub trait Trajectory: Sync {
    /// Number of steps `N`.
    fn steps(&self) -> usize;

    /// Numbers of a state.
    fn state_len(&self) -> usize;

    /// Directions in which a state may be displaced, `nd`.
    fn directions(&self) -> usize;

    /// The first state.
    fn start(&self) -> Vec<f64>;

    /// The controls of a step where the picked inputs are at their present values, `nu` numbers.
    fn controls(&self, step: usize) -> &[f64];

    /// Which control of which step a picked input's entry is: `(step, control)`; `None` where it is something else.
    fn control_at(&self, entry: usize) -> Option<(usize, usize)>;

    /// The state at which an output's entry is seen; of what is seen during a step, the state before.
    fn seen_at(&self, entry: usize) -> usize;

    /// Writes these entries of the outputs, which are seen at state `k`, into their places in `y`, which has one for each entry of the
    /// outputs. `u` is empty at the last state.
    fn see(&self, k: usize, x: &[f64], u: &[f64], entries: &[usize], y: &mut [f64]);

    /// Replaces the state `x` by that after step `k`.
    ///
    /// # Errors
    /// A [`TrialFailure`] where it has no value.
    fn step(&self, k: usize, x: &mut [f64], u: &[f64]) -> Result<(), TrialFailure>;

    /// Writes the derivatives of step `k`, row-major: `A`, `nd x nd`, and `B`, `nd x nu`.
    fn step_slopes(&self, k: usize, x: &[f64], u: &[f64], slopes: [&mut [f64]; 2]);

    /// Writes the derivatives of these entries of the outputs, which are seen at state `k`, a row for each: by the state (`nd`), then by the
    /// controls (`nu`; none at the last state).
    fn seen_slopes(&self, k: usize, x: &[f64], u: &[f64], entries: &[usize], rows: &mut [f64]);

    /// Writes the displacement that leads from `from` to `to`, `nd` entries.
    fn difference(&self, from: &[f64], to: &[f64], displacement: &mut [f64]);
}
