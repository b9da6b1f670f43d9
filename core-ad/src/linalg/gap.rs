//! Division by gaps between eigenvalues or singular values.
//!
//! Inside a cluster the quotient is 0/0 as soon as the numerator vanishes, and what it is then depends on the function that is
//! differentiated: 0 for a function of the cluster as a whole, `f'` for one that weighs the vectors by functions of their own
//! values. A rule sees only tangents or cotangents and cannot tell, so it answers where the quotient does not matter, and
//! refuses elsewhere; [`spectral_function`](super::spectral_function) knows the function, and answers.

use super::LinalgError;
use crate::real::{Num, Real, number};
use crate::rule::SliceRule;

/// Below this share of the matrix's size a gap belongs to a cluster: half of the digits of a derivative would be lost.
const CLUSTER: f64 = 1.5e-8; // sqrt(eps)
/// Above this share a numerator that is zero to rounding makes a quotient that is zero to five digits.
const RESOLVED: f64 = 1e-10;

/// What `n` roundings of a numerator's own terms may leave of a zero, given the size of the terms times `n`.
fn is_rounding<R: Real>(numerator: R, terms: R) -> bool {
    // by plain values: one that a program will replay is not known, and counts as large
    R::ORDER == 0 && number(&numerator).abs() <= number(&terms) * (8.0 * f64::EPSILON)
}

fn is_cluster<R: Real>(gap: R, size: R) -> bool {
    gap.abs() <= size * CLUSTER
}

fn refuse<R: Real>(gap: R) -> Result<R, LinalgError> {
    R::slice_rule(&Refuse, &[gap.abs()]).map(|never| never[0])
}

/// A tangent `numerator / gap`, and inside a cluster 0 where the numerator is zero: the perturbation then does not mix the
/// vectors, and whatever is divided is multiplied by this zero again.
///
/// `terms` is the size of the numerator's own terms times their number; `size` is the size of what the gap is taken of.
/// Decisions are by value; within a second derivative only a constant zero is a zero.
pub(super) fn over_gap<R: Real>(numerator: R, gap: R, size: R, terms: R) -> Result<R, LinalgError> {
    if !is_cluster(gap, size) {
        return Ok(numerator / gap);
    }
    if numerator.is_constant_zero() || is_rounding(numerator, terms) {
        return Ok(R::lit(0.0));
    }
    refuse(gap)
}

/// A cotangent's `numerator / gap`, and inside a cluster 0 where none of its `weights` is there: the vectors are not used.
///
/// A numerator that vanishes as the difference of weights that do not is a 0/0 that only the function knows.
pub(super) fn weighed_over_gap<R: Real>(
    numerator: R,
    weights: &[R],
    gap: R,
    size: R,
    terms: R,
) -> Result<R, LinalgError> {
    if !is_cluster(gap, size) {
        return Ok(numerator / gap);
    }
    let unused = weights.iter().all(Num::is_constant_zero);
    let resolved = number(&gap).abs() > number(&size) * RESOLVED;
    if unused || resolved && is_rounding(numerator, terms) {
        return Ok(R::lit(0.0));
    }
    refuse(gap)
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
