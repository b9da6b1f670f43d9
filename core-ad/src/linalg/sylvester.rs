//! Symmetric Sylvester equations.

use super::eigh::decompose;
use super::gap::Refuse;
use super::matrix::{Matrix, unpack};
use super::{LinalgError, check_shape};
use crate::real::Real;
use crate::rule::SliceRule;

/// `X` of `A X - X B = C`, with the symmetric parts of `A: n x n`, `B: m x m`.
#[derive(Clone, Debug)]
struct Sylvester {
    n: usize,
    m: usize,
}

impl Sylvester {
    fn split<R: Copy>(&self, x: &[R]) -> [Matrix<R>; 3] {
        unpack(x, [(self.n, self.n), (self.m, self.m), (self.n, self.m)])
    }

    fn again<R: Real>(
        &self,
        a: &Matrix<R>,
        b: &Matrix<R>,
        c: &Matrix<R>,
    ) -> Result<Matrix<R>, LinalgError> {
        let x = R::slice_rule(self, &[a.data(), b.data(), c.data()].concat())?;
        Ok(Matrix::new(self.n, self.m, x))
    }
}

impl SliceRule for Sylvester {
    type Error = LinalgError;

    fn primal(&self, x: &[f64]) -> Result<Vec<f64>, LinalgError> {
        let [a, b, c] = self.split(x);
        let (alpha, u) = decompose(a.data(), self.n)?;
        let (beta, v) = decompose(b.data(), self.m)?;
        let mut inner = u.transpose().matmul(&c).matmul(&v);
        let size = alpha.iter().chain(&beta).fold(0.0, |s, v| f64::max(s, v.abs()));
        for (i, j) in (0..self.n * self.m).map(|k| (k / self.m, k % self.m)) {
            let gap = alpha[i] - beta[j];
            if gap.abs() <= size * f64::EPSILON * (self.n + self.m) as f64 {
                return Refuse.primal(&[gap.abs()]);
            }
            inner[(i, j)] /= gap;
        }
        Ok(u.matmul(&inner).matmul(&v.transpose()).into_data())
    }

    fn jvp<R: Real>(&self, x: &[R], y: &[R], x_dot: &[R]) -> Result<Vec<R>, LinalgError> {
        let ([a, b, _], [a_dot, b_dot, c_dot]) = (self.split(x), self.split(x_dot));
        let y = Matrix::new(self.n, self.m, y.to_vec());
        let by_matrices = &y.matmul(&b_dot.symmetric_part()) - &a_dot.symmetric_part().matmul(&y);
        Ok(self.again(&a, &b, &(&c_dot + &by_matrices))?.into_data())
    }

    fn vjp<R: Real>(&self, x: &[R], y: &[R], y_bar: &[R]) -> Result<Vec<R>, LinalgError> {
        let [a, b, _] = self.split(x);
        let y = Matrix::new(self.n, self.m, y.to_vec());
        let z = self.again(&a, &b, &Matrix::new(self.n, self.m, y_bar.to_vec()))?;
        let a_bar = (-&z.matmul(&y.transpose())).symmetric_part();
        let b_bar = y.transpose().matmul(&z).symmetric_part();
        Ok([a_bar.into_data(), b_bar.into_data(), z.into_data()].concat())
    }
}

/// `X` of `A X - X B = C`, with the symmetric parts of `A` and `B`.
///
/// # Errors
/// [`LinalgError::IllConditioned`] where an eigenvalue of `A` is one of `B`; shapes, entries that are not finite.
pub fn solve_sylvester<R: Real>(
    a: &Matrix<R>,
    b: &Matrix<R>,
    c: &Matrix<R>,
) -> Result<Matrix<R>, LinalgError> {
    let (n, m) = (a.rows(), b.rows());
    check_shape("columns of A", n, a.cols())?;
    check_shape("columns of B", m, b.cols())?;
    check_shape("rows of C", n, c.rows())?;
    check_shape("columns of C", m, c.cols())?;
    Sylvester { n, m }.again(a, b, c)
}
