//! Cholesky factor and its derivative.
//!
//! Murray, "Differentiation of the Cholesky decomposition" (arXiv:1602.07527), equations 8 and 10.

use std::convert::Infallible;

use faer::linalg::matmul::triangular::{BlockStructure, matmul};
use faer::{Accum, MatMut, MatRef, Par};

use super::factor::Factor;
use super::matrix::{Matrix, unpack};
use super::triangular::{Triangle, congruence};
use super::{LinalgError, check_shape};
use crate::real::{Num, Real};
use crate::rule::SliceRule;

/// `L` with `L L^T = (A + A^T)/2`.
#[derive(Clone, Debug)]
struct Cholesky {
    n: usize,
}

/// Lower triangle, its diagonal halved: `Phi` of Murray.
fn phi<R: Num>(mut a: Matrix<R>) -> Matrix<R> {
    for i in 0..a.rows() {
        let (_, from_diagonal) = a.row_mut(i).split_at_mut(i);
        from_diagonal[0] *= R::lit(0.5);
        from_diagonal[1..].fill(R::lit(0.0));
    }
    a
}

/// The lower triangle of `A^T B`, of two lower triangular matrices: a third of the product's work.
#[derive(Clone, Debug)]
struct LowerProduct {
    n: usize,
}

/// What stands in `j <= i`.
fn lower<R: Num>(a: &Matrix<R>) -> Matrix<R> {
    Matrix::from_fn(a.rows(), a.cols(), |i, j| if j <= i { a[(i, j)] } else { R::lit(0.0) })
}

impl LowerProduct {
    /// Of `A` and `B`, row-major.
    fn of<R: Real>(&self, a: &[R], b: &[R]) -> Matrix<R> {
        let Ok(c) = R::slice_rule(self, &[a, b].concat());
        Matrix::new(self.n, self.n, c)
    }

    fn split<R: Copy>(&self, x: &[R]) -> [Matrix<R>; 2] {
        unpack(x, [(self.n, self.n), (self.n, self.n)])
    }
}

impl SliceRule for LowerProduct {
    type Error = Infallible;

    fn primal(&self, x: &[f64]) -> Result<Vec<f64>, Infallible> {
        let n = self.n;
        let mut c = vec![0.0; n * n];
        let [a, b] = [0, 1].map(|k| MatRef::from_row_major_slice(&x[k * n * n..][..n * n], n, n));
        matmul(
            MatMut::from_row_major_slice_mut(&mut c, n, n),
            BlockStructure::TriangularLower,
            Accum::Replace,
            a.transpose(),
            BlockStructure::TriangularUpper,
            b,
            BlockStructure::TriangularLower,
            1.0,
            Par::Seq,
        );
        Ok(c)
    }

    fn jvp<R: Real>(&self, x: &[R], _: &[R], x_dot: &[R]) -> Result<Vec<R>, Infallible> {
        let ([a, b], [a_dot, b_dot]) = (self.split(x), self.split(x_dot));
        let [a, b, a_dot, b_dot] = [&a, &b, &a_dot, &b_dot].map(Matrix::data);
        Ok((&self.of(a_dot, b) + &self.of(a, b_dot)).into_data())
    }

    fn vjp<R: Real>(&self, x: &[R], _: &[R], y_bar: &[R]) -> Result<Vec<R>, Infallible> {
        let [a, b] = self.split(x).map(|m| lower(&m));
        let c_bar = lower(&Matrix::new(self.n, self.n, y_bar.to_vec()));
        let (a_bar, b_bar) = (b.matmul(&c_bar.transpose()), a.matmul(&c_bar));
        Ok([lower(&a_bar).into_data(), lower(&b_bar).into_data()].concat())
    }
}

impl SliceRule for Cholesky {
    type Error = LinalgError;

    fn primal(&self, x: &[f64]) -> Result<Vec<f64>, LinalgError> {
        let n = self.n;
        let Factor::Llt(llt) = Factor::llt(x, n)? else { unreachable!("made as Cholesky") };
        let l = llt.L();
        Ok(Matrix::from_fn(n, n, |i, j| if j <= i { l[(i, j)] } else { 0.0 }).into_data())
    }

    fn jvp<R: Real>(&self, _: &[R], y: &[R], x_dot: &[R]) -> Result<Vec<R>, LinalgError> {
        let n = self.n;
        let a_dot = Matrix::new(n, n, x_dot.to_vec()).symmetric_part();
        let turned = congruence(y, Triangle::Lower, a_dot);
        Ok(Matrix::new(n, n, y.to_vec()).matmul(&phi(turned)).into_data())
    }

    fn vjp<R: Real>(&self, _: &[R], y: &[R], y_bar: &[R]) -> Result<Vec<R>, LinalgError> {
        let n = self.n;
        let p = phi(LowerProduct { n }.of(y, y_bar));
        let mut a_bar = congruence(y, Triangle::LowerTransposed, p);
        a_bar.make_symmetric();
        Ok(a_bar.into_data())
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
