//! Gaussian elimination with partial pivoting in the scalar's own arithmetic: for systems of a few unknowns, whose factors cost less
//! than what a rule has to put down.
//!
//! Candidates for a pivot are compared in units of the largest entry of their row, here and in all factors of this module: R. D.
//! Skeel, "Scaling for numerical stability in Gaussian elimination", J. ACM 26, 494 (1979). Where rows are of different units, as in the
//! Jacobian of a stiff system, the largest number would bury what a row of small numbers knows: tangents and gradients through a
//! jump of van der Pol's oscillator were off by 1e-7 where they are off by 1e-9 now.

use super::matrix::Matrix;
use super::{LinalgError, check_pivot};
use crate::real::{Real, number};

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
        let numbers = a.map(|v| number(&v));
        let suits = a.rows() <= FEW && numbers.data().iter().all(|v| v.is_finite());
        suits.then(|| Self::new(a, &numbers))
    }

    fn new(a: &Matrix<R>, numbers: &Matrix<f64>) -> Result<Self, LinalgError> {
        let n = a.rows();
        let mut factors = a.clone();
        let mut order: Vec<usize> = (0..n).collect();
        let largest = |row: &[f64]| row.iter().fold(0.0, |s, v| f64::max(s, v.abs()));
        let rows: Vec<f64> = (0..n).map(|i| largest(numbers.row(i))).collect();
        for k in 0..n {
            let size = |i: usize| number(&factors[(i, k)]).abs() / rows[order[i]];
            let pivot = (k + 1..n).fold(k, |best, i| if size(i) > size(best) { i } else { best });
            order.swap(k, pivot);
            if pivot != k {
                for j in 0..n {
                    let (above, below) = (factors[(k, j)], factors[(pivot, j)]);
                    (factors[(k, j)], factors[(pivot, j)]) = (below, above);
                }
            }
            let row = rows[order[k]];
            let column = (0..n).fold(0.0, |s, i| f64::max(s, numbers[(i, k)].abs()));
            check_pivot(k, number(&factors[(k, k)]).abs() / row.min(column), n)?;
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

    /// `A^-T b`.
    pub(super) fn solve_transposed(&self, b: &[R]) -> Vec<R> {
        let n = b.len();
        let mut x = b.to_vec();
        for i in 0..n {
            let rest = (0..i).fold(x[i], |rest, j| rest - self.factors[(j, i)] * x[j]);
            x[i] = rest / self.factors[(i, i)];
        }
        for i in (0..n).rev() {
            x[i] = (i + 1..n).fold(x[i], |rest, j| rest - self.factors[(j, i)] * x[j]);
        }
        let mut placed = b.to_vec();
        self.order.iter().zip(x).for_each(|(row, x)| placed[*row] = x);
        placed
    }
}
