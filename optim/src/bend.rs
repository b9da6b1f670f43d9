//! What a linear model of residuals misses along a step.
//!
//! `r(z + p) = r + J p + c`, and a second step `q` from the same Jacobian answers the bend `c`: it minimises
//! `|J q + c|^2 + lambda |D q|^2`, with the damping of `p`. To second order in `p` that is half the geodesic acceleration of Transtrum &
//! Sethna (arXiv:1201.5885), had from residuals that the trial of `p` has anyway; in constrained optimization it is the second-order
//! correction (Nocedal & Wright, sect. 18.3). Along a narrow valley that bends, `p` alone leaves the floor quadratically and `p + q` by
//! the third power.

use serde::{Deserialize, Serialize};

use crate::evaluator::dot;

/// Entries of a Jacobian up to which it is kept between iterations; a larger one leaves its triangular factor alone.
const KEPT: usize = 1 << 16;

/// Residuals and Jacobian of an iterate.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Rows {
    residuals: Vec<f64>,
    /// Row-major.
    jacobian: Vec<f64>,
}

impl Rows {
    /// `None` where the Jacobian is too large to be kept.
    pub(crate) fn kept(residuals: Vec<f64>, jacobian: Vec<f64>) -> Option<Self> {
        (jacobian.len() <= KEPT).then_some(Self { residuals, jacobian })
    }

    /// `J^T c` of the bend `c` along `step`, at whose end the residuals are `there`.
    pub(crate) fn pulled_bend(&self, step: &[f64], there: &[f64]) -> Vec<f64> {
        let mut pulled = vec![0.0; step.len()];
        let rows = self.jacobian.chunks_exact(step.len());
        for ((row, here), there) in rows.zip(&self.residuals).zip(there) {
            let bend = there - here - dot(row, step);
            pulled.iter_mut().zip(row).for_each(|(sum, slope)| *sum += slope * bend);
        }
        pulled
    }
}
