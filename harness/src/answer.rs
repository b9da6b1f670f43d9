//! The best that a search has found.

use serde::{Deserialize, Serialize};

/// The answer so far.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Answer {
    /// Iteration that it is from.
    pub iteration: usize,
    /// Parameters in physical units.
    pub x: Vec<f64>,
    /// Objective.
    pub value: f64,
    /// What it was chosen by: the score, or the objective.
    pub rank: f64,
    /// Whether a score chose it.
    pub scored: bool,
}
