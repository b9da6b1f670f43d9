//! Division by gaps between eigenvalues or singular values.

use super::LinalgError;
use crate::real::Real;
use crate::rule::SliceRule;

/// Below this share of the matrix's size a gap belongs to a cluster: half of the digits of a derivative would be lost.
const CLUSTER: f64 = 1.5e-8; // sqrt(eps)

/// `numerator / gap`, and inside a cluster 0 where the numerator is zero to rounding.
///
/// `noise` is what `n` roundings of the numerator's own terms may be, over `eps`; `size` is the size of what the gap is
/// taken of. All decisions are by value.
pub(super) fn over_gap<R: Real>(numerator: R, gap: R, size: R, noise: R) -> Result<R, LinalgError> {
    if gap.abs() > size * CLUSTER {
        return Ok(numerator / gap);
    }
    if numerator.abs() <= noise * (32.0 * f64::EPSILON) {
        return Ok(R::lit(0.0));
    }
    R::slice_rule(&Refuse, &[gap.abs()]).map(|never| never[0])
}

/// Reads the number of a gap out of any scalar, to refuse it.
#[derive(Clone, Debug)]
pub(super) struct Refuse;

impl SliceRule for Refuse {
    type Error = LinalgError;

    fn primal(&self, x: &[f64]) -> Result<Vec<f64>, LinalgError> {
        Err(LinalgError::IllConditioned { gap: x[0] })
    }

    fn jvp<R: Real>(&self, _: &[R], _: &[R], x_dot: &[R]) -> Result<Vec<R>, LinalgError> {
        Ok(x_dot.to_vec())
    }

    fn vjp<R: Real>(&self, _: &[R], _: &[R], y_bar: &[R]) -> Result<Vec<R>, LinalgError> {
        Ok(y_bar.to_vec())
    }
}

/// The largest of some absolute values.
pub(super) fn largest<R: Real>(values: &[R]) -> R {
    values.iter().fold(R::lit(0.0), |s, v| s.max(v.abs()))
}
