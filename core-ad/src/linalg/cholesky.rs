//! Cholesky factor and its derivative.
//!
//! Murray, "Differentiation of the Cholesky decomposition" (arXiv:1602.07527), equations 8 and 10.

use super::factor::Factor;
use super::matrix::Matrix;
use super::triangular::{Triangle, solve_triangular};
use super::{LinalgError, check_shape};
use crate::real::{Num, Real};
use crate::rule::SliceRule;

/// `L` with `L L^T = (A + A^T)/2`.
#[derive(Clone, Debug)]
struct Cholesky {
    n: usize,
}

/// Lower triangle, its diagonal halved: `Phi` of Murray.
fn phi<R: Num>(a: &Matrix<R>) -> Matrix<R> {
    Matrix::from_fn(a.rows(), a.cols(), |i, j| match i.cmp(&j) {
        std::cmp::Ordering::Less => R::lit(0.0),
        std::cmp::Ordering::Equal => a[(i, j)] * 0.5,
        std::cmp::Ordering::Greater => a[(i, j)],
    })
}

/// `L^-1 X L^-T`, or `L^-T X L^-1`.
fn congruence<R: Real>(l: &Matrix<R>, triangle: Triangle, x: &Matrix<R>) -> Matrix<R> {
    let half = solve_triangular(l, triangle, x);
    solve_triangular(l, triangle, &half.transpose()).transpose()
}

impl SliceRule for Cholesky {
    type Error = LinalgError;

    fn primal(&self, x: &[f64]) -> Result<Vec<f64>, LinalgError> {
        let n = self.n;
        let Factor::Llt(llt) = Factor::llt(x, n)? else { unreachable!("made as Cholesky") };
        let l = llt.L();
        Ok((0..n * n).map(|k| if k % n <= k / n { l[(k / n, k % n)] } else { 0.0 }).collect())
    }

    fn jvp<R: Real>(&self, _: &[R], y: &[R], x_dot: &[R]) -> Result<Vec<R>, LinalgError> {
        let n = self.n;
        let l = Matrix::new(n, n, y.to_vec());
        let a_dot = Matrix::new(n, n, x_dot.to_vec()).symmetric_part();
        Ok(l.matmul(&phi(&congruence(&l, Triangle::Lower, &a_dot))).into_data())
    }

    fn vjp<R: Real>(&self, _: &[R], y: &[R], y_bar: &[R]) -> Result<Vec<R>, LinalgError> {
        let n = self.n;
        let (l, l_bar) = (Matrix::new(n, n, y.to_vec()), Matrix::new(n, n, y_bar.to_vec()));
        let p = phi(&l.transpose().matmul(&l_bar));
        let a_bar = congruence(&l, Triangle::LowerTransposed, &p);
        Ok(a_bar.symmetric_part().into_data())
    }
}

/// The lower triangular `L` with `L L^T = (A + A^T)/2`.
///
/// # Errors
/// [`LinalgError::NotPositiveDefinite`], shapes, entries that are not finite.
pub fn cholesky<R: Real>(a: &Matrix<R>) -> Result<Matrix<R>, LinalgError> {
    let n = a.rows();
    check_shape("columns of a square matrix", n, a.cols())?;
    Ok(Matrix::new(n, n, R::slice_rule(&Cholesky { n }, a.data())?))
}
