//! Projectors on invariant subspaces of symmetric matrices.
//!
//! `P = sum_(i in range) q_i q_i^T` is smooth wherever the eigenvalues inside the range differ from those outside, however close
//! they are to each other. From `A P = P A` and `P^2 = P`: `dP = X + X^T` with `A X - X A = -(I - P) dA P`, a Sylvester
//! equation that never sees the gaps inside the range.

use std::ops::Range;

use super::eigh::decompose;
use super::gap::Refuse;
use super::matrix::Matrix;
use super::sylvester::solve_sylvester;
use super::{LinalgError, check_shape};
use crate::real::Real;
use crate::rule::SliceRule;

#[derive(Clone, Debug)]
struct Subspace {
    n: usize,
    range: Range<usize>,
}

impl Subspace {
    /// `X` of `A X - X A = (I - P) C P`, `X = (I - P) X P`.
    ///
    /// As a regular equation: `A` is moved away, on the part that `X` does not reach, by twice its own size.
    fn across<R: Real>(
        &self,
        a: &Matrix<R>,
        p: &Matrix<R>,
        c: &Matrix<R>,
    ) -> Result<Matrix<R>, LinalgError> {
        let q = &Matrix::identity(self.n) - p;
        let size = super::dot(a.data(), a.data()).sqrt() + 1.0;
        let outside = &q.matmul(a).matmul(&q) + &p.scale(size * 2.0);
        let inside = &p.matmul(a).matmul(p) - &q.scale(size * 2.0);
        solve_sylvester(&outside, &inside, &q.matmul(c).matmul(p))
    }

    fn split<R: Real>(&self, x: &[R], y: &[R], c: &[R]) -> [Matrix<R>; 3] {
        let square = |v: &[R]| Matrix::new(self.n, self.n, v.to_vec());
        [square(x).symmetric_part(), square(y), square(c).symmetric_part()]
    }
}

impl SliceRule for Subspace {
    type Error = LinalgError;

    fn primal(&self, x: &[f64]) -> Result<Vec<f64>, LinalgError> {
        let (n, Range { start, end }) = (self.n, self.range.clone());
        let (values, q) = decompose(x, n)?;
        let size = values.iter().fold(0.0, |s, v| f64::max(s, v.abs()));
        for border in [start, end].into_iter().filter(|b| (1..n).contains(b)) {
            let gap = values[border] - values[border - 1];
            if gap <= size * f64::EPSILON * 4.0 * n as f64 {
                return Refuse.primal(&[gap]);
            }
        }
        let entry = |k: usize| (start..end).map(|l| q[(k / n, l)] * q[(k % n, l)]).sum();
        Ok((0..n * n).map(entry).collect())
    }

    fn jvp<R: Real>(&self, x: &[R], y: &[R], x_dot: &[R]) -> Result<Vec<R>, LinalgError> {
        let [a, p, a_dot] = self.split(x, y, x_dot);
        let half = -&self.across(&a, &p, &a_dot)?;
        Ok((&half + &half.transpose()).into_data())
    }

    fn vjp<R: Real>(&self, x: &[R], y: &[R], y_bar: &[R]) -> Result<Vec<R>, LinalgError> {
        let [a, p, p_bar] = self.split(x, y, y_bar);
        let z = self.across(&a, &p, &p_bar)?;
        let q = &Matrix::identity(self.n) - &p;
        Ok(q.matmul(&z).matmul(&p).symmetric_part().scale(R::lit(-2.0)).into_data())
    }
}

/// The projector on the eigenvectors of the symmetric part of `A` whose numbers, by ascending eigenvalue, are in `range`.
///
/// ```
/// use cotangent_ad::grad;
/// use cotangent_ad::linalg::{Matrix, eigh_subspace};
/// // the two lowest of diag(1, 1, 3): degenerate inside, smooth outside
/// let f = |x: &[_]| eigh_subspace(&Matrix::new(3, 3, x.to_vec()), 0..2).unwrap()[(0, 2)];
/// let g = grad(f, &[1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 3.0]);
/// assert!((g[2] + 0.25).abs() < 1e-15); // dA_02 / (1 - 3), shared with A_20
/// ```
///
/// # Errors
/// [`LinalgError::IllConditioned`] where the range cuts a cluster; shapes, entries that are not finite.
pub fn eigh_subspace<R: Real>(
    a: &Matrix<R>,
    range: Range<usize>,
) -> Result<Matrix<R>, LinalgError> {
    let n = a.rows();
    check_shape("columns of a square matrix", n, a.cols())?;
    if range.end > n || range.start > range.end {
        let what = "end of the range, at most the rows";
        return Err(LinalgError::Shape { what, expected: n, found: range.end });
    }
    Ok(Matrix::new(n, n, R::slice_rule(&Subspace { n, range }, a.data())?))
}
