//! Gaussian elimination with partial pivoting in the scalar's own arithmetic: for systems of a few unknowns, whose factors cost less
//! than what a rule has to put down.

use super::matrix::Matrix;
use super::{LinalgError, check_pivot};
use crate::real::Real;

/// Unknowns up to which it is used.
const FEW: usize = 8;

/// `A[order, :] = L U`, both in one matrix; the diagonal of `L` is one.
#[derive(Clone, Debug)]
pub(super) struct Eliminated<R> {
    factors: Matrix<R>,
    order: Vec<usize>,
}

impl<R: Real> Eliminated<R> {
    /// `None` where there are many unknowns, or a number is not finite or known only when a program is replayed.
    ///
    /// # Errors
    /// [`LinalgError::Singular`], by the test of all LU factors here.
    pub(super) fn of_few(a: &Matrix<R>) -> Option<Result<Self, LinalgError>> {
        let numbers = a.map(|v| v.primal());
        let suits = a.rows() <= FEW && numbers.data().iter().all(|v| v.is_finite());
        suits.then(|| Self::new(a, &numbers))
    }

    fn new(a: &Matrix<R>, numbers: &Matrix<f64>) -> Result<Self, LinalgError> {
        let n = a.rows();
        let mut factors = a.clone();
        let mut order: Vec<usize> = (0..n).collect();
        for k in 0..n {
            let size = |i: usize| factors[(i, k)].primal().abs();
            let pivot = (k + 1..n).fold(k, |best, i| if size(i) > size(best) { i } else { best });
            order.swap(k, pivot);
            if pivot != k {
                for j in 0..n {
                    let (above, below) = (factors[(k, j)], factors[(pivot, j)]);
                    (factors[(k, j)], factors[(pivot, j)]) = (below, above);
                }
            }
            let row = (0..n).fold(0.0, |s, j| f64::max(s, numbers[(order[k], j)].abs()));
            let column = (0..n).fold(0.0, |s, i| f64::max(s, numbers[(i, k)].abs()));
            check_pivot(k, factors[(k, k)].primal().abs() / row.min(column), n)?;
            for i in k + 1..n {
                let factor = factors[(i, k)] / factors[(k, k)];
                factors[(i, k)] = factor;
                for j in k + 1..n {
                    let gone = factor * factors[(k, j)];
                    factors[(i, j)] -= gone;
                }
            }
        }
        Ok(Self { factors, order })
    }

    /// `A^-1 b`.
    pub(super) fn solve(&self, b: &[R]) -> Vec<R> {
        let n = b.len();
        let mut x: Vec<R> = self.order.iter().map(|i| b[*i]).collect();
        for i in 0..n {
            x[i] = (0..i).fold(x[i], |rest, j| rest - self.factors[(i, j)] * x[j]);
        }
        for i in (0..n).rev() {
            let rest = (i + 1..n).fold(x[i], |rest, j| rest - self.factors[(i, j)] * x[j]);
            x[i] = rest / self.factors[(i, i)];
        }
        x
    }
}
