//! Thin QR factors and their derivative.
//!
//! Walter, Lehmann, Lamour, "On evaluating higher-order derivatives of the QR decomposition" (2012).

use faer::MatRef;

use super::matrix::{Matrix, unpack};
use super::triangular::{Triangle, solve_triangular};
use super::{LinalgError, check_finite, check_pivot};
use crate::real::Real;
use crate::rule::SliceRule;

/// `A = Q R`.
#[derive(Clone, Debug)]
pub struct Qr<R> {
    /// `m x n` with orthonormal columns.
    pub q: Matrix<R>,
    /// `n x n`, upper triangular, its diagonal positive.
    pub r: Matrix<R>,
}

#[derive(Clone, Debug)]
struct ThinQr {
    m: usize,
    n: usize,
}

impl ThinQr {
    fn split<R: Copy>(&self, y: &[R]) -> [Matrix<R>; 2] {
        unpack(y, [(self.m, self.n), (self.n, self.n)])
    }
}

/// `X R^-1`, or `X R^-T`.
fn over<R: Real>(x: &Matrix<R>, r: &Matrix<R>, transposed: bool) -> Matrix<R> {
    let triangle = if transposed { Triangle::Upper } else { Triangle::UpperTransposed };
    solve_triangular(r, triangle, &x.transpose()).transpose()
}

impl SliceRule for ThinQr {
    type Error = LinalgError;

    fn primal(&self, x: &[f64]) -> Result<Vec<f64>, LinalgError> {
        let &Self { m, n } = self;
        check_finite(x)?;
        let qr = MatRef::from_row_major_slice(x, m, n).qr();
        let (q, r) = (qr.compute_thin_Q(), qr.thin_R());
        for j in 0..n {
            let column = (0..m).map(|i| x[i * n + j].powi(2)).sum::<f64>().sqrt();
            let ratio = r[(j, j)].abs() / column;
            check_pivot(j, ratio, m)?;
        }
        let sign = |j: usize| r[(j, j)].signum();
        let mut y: Vec<f64> = (0..m * n).map(|k| q[(k / n, k % n)] * sign(k % n)).collect();
        let upper = |k: usize| if k % n < k / n { 0.0 } else { r[(k / n, k % n)] * sign(k / n) };
        y.extend((0..n * n).map(upper));
        Ok(y)
    }

    fn jvp<R: Real>(&self, _: &[R], y: &[R], x_dot: &[R]) -> Result<Vec<R>, LinalgError> {
        let [q, r] = self.split(y);
        let d = over(&Matrix::new(self.m, self.n, x_dot.to_vec()), &r, false);
        let c = q.transpose().matmul(&d);
        let omega = Matrix::from_fn(self.n, self.n, |i, j| match i.cmp(&j) {
            std::cmp::Ordering::Less => -c[(j, i)],
            std::cmp::Ordering::Equal => R::lit(0.0),
            std::cmp::Ordering::Greater => c[(i, j)],
        });
        let rest = &c - &omega;
        let q_dot = &d - &q.matmul(&rest);
        Ok([q_dot.into_data(), rest.matmul(&r).into_data()].concat())
    }

    fn vjp<R: Real>(&self, _: &[R], y: &[R], y_bar: &[R]) -> Result<Vec<R>, LinalgError> {
        let ([q, r], [q_bar, r_bar]) = (self.split(y), self.split(y_bar));
        let r_bar =
            Matrix::from_fn(self.n, self.n, |i, j| if j < i { R::lit(0.0) } else { r_bar[(i, j)] });
        let m = &r.matmul(&r_bar.transpose()) - &q_bar.transpose().matmul(&q);
        let lower = Matrix::from_fn(self.n, self.n, |i, j| m[(i.max(j), i.min(j))]);
        Ok(over(&(&q_bar + &q.matmul(&lower)), &r, true).into_data())
    }
}

/// Thin QR factors of an `m x n` matrix of full column rank, `m >= n`.
///
/// # Errors
/// [`LinalgError::Singular`] where columns depend on each other, shapes, entries that are not finite.
pub fn qr<R: Real>(a: &Matrix<R>) -> Result<Qr<R>, LinalgError> {
    let (m, n) = (a.rows(), a.cols());
    if m < n {
        return Err(LinalgError::Shape {
            what: "columns, at most the rows",
            expected: m,
            found: n,
        });
    }
    let rule = ThinQr { m, n };
    let [q, r] = rule.split(&R::slice_rule(&rule, a.data())?);
    Ok(Qr { q, r })
}
