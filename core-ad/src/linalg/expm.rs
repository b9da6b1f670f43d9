//! The matrix exponential.
//!
//! Value: Higham, "The scaling and squaring method for the matrix exponential revisited" (2005), Padé order 13. Derivative:
//! Mathias 1996, `exp([[A, E], [0, A]])` has the Fréchet derivative `L(A, E)` in its corner; the adjoint is `L(A^T, .)`.

use super::factor::Factor;
use super::matrix::Matrix;
use super::{LinalgError, check_finite, check_shape};
use crate::real::Real;
use crate::rule::SliceRule;

/// Coefficients of the [13/13] Padé approximant.
const B: [f64; 14] = [
    64764752532480000.0,
    32382376266240000.0,
    7771770303897600.0,
    1187353796428800.0,
    129060195264000.0,
    10559470521600.0,
    670442572800.0,
    33522128640.0,
    1323241920.0,
    40840800.0,
    960960.0,
    16380.0,
    182.0,
    1.0,
];
/// The norm up to which the approximant is exact to double precision.
const THETA_13: f64 = 5.371920351148152;

fn exponential(a: &Matrix<f64>) -> Result<Matrix<f64>, LinalgError> {
    let n = a.rows();
    if n == 0 {
        return Ok(a.clone());
    }
    let norm = (0..n).map(|j| (0..n).map(|i| a[(i, j)].abs()).sum()).fold(0.0, f64::max);
    let mut squarings = 0;
    let mut scaled = a.clone();
    let mut size = norm;
    while size > THETA_13 {
        (squarings, size, scaled) = (squarings + 1, size * 0.5, scaled.scale(0.5));
    }
    let id = Matrix::identity(n);
    let a2 = scaled.matmul(&scaled);
    let a4 = a2.matmul(&a2);
    let a6 = a4.matmul(&a2);
    let combine = |c6: f64, c4: f64, c2: f64| &(&a6.scale(c6) + &a4.scale(c4)) + &a2.scale(c2);
    let high = |k: usize| a6.matmul(&combine(B[k + 12], B[k + 10], B[k + 8]));
    let low = |k: usize| &combine(B[k + 6], B[k + 4], B[k + 2]) + &id.scale(B[k]);
    let u = scaled.matmul(&(&high(1) + &low(1)));
    let v = &high(0) + &low(0);
    let mut e =
        Matrix::new(n, n, Factor::lu((&v - &u).data(), n)?.solve((&v + &u).data(), n, false));
    for _ in 0..squarings {
        e = e.matmul(&e);
    }
    Ok(e)
}

#[derive(Clone, Debug)]
struct Exponential {
    n: usize,
}

impl Exponential {
    /// `L(A, E)`.
    fn frechet<R: Real>(&self, a: &Matrix<R>, e: &Matrix<R>) -> Result<Vec<R>, LinalgError> {
        let n = self.n;
        let block = Matrix::from_fn(2 * n, 2 * n, |i, j| match (i < n, j < n) {
            (true, true) => a[(i, j)],
            (true, false) => e[(i, j - n)],
            (false, true) => R::lit(0.0),
            (false, false) => a[(i - n, j - n)],
        });
        let exp = expm(&block)?;
        Ok((0..n * n).map(|k| exp[(k / n, n + k % n)]).collect())
    }
}

impl SliceRule for Exponential {
    type Error = LinalgError;

    fn primal(&self, x: &[f64]) -> Result<Vec<f64>, LinalgError> {
        check_finite(x)?;
        Ok(exponential(&Matrix::new(self.n, self.n, x.to_vec()))?.into_data())
    }

    fn jvp<R: Real>(&self, x: &[R], _: &[R], x_dot: &[R]) -> Result<Vec<R>, LinalgError> {
        let square = |v: &[R]| Matrix::new(self.n, self.n, v.to_vec());
        self.frechet(&square(x), &square(x_dot))
    }

    fn vjp<R: Real>(&self, x: &[R], _: &[R], y_bar: &[R]) -> Result<Vec<R>, LinalgError> {
        let square = |v: &[R]| Matrix::new(self.n, self.n, v.to_vec());
        self.frechet(&square(x).transpose(), &square(y_bar))
    }
}

/// `e^A`.
///
/// # Errors
/// Shapes, entries that are not finite.
pub fn expm<R: Real>(a: &Matrix<R>) -> Result<Matrix<R>, LinalgError> {
    let n = a.rows();
    check_shape("columns of a square matrix", n, a.cols())?;
    Ok(Matrix::new(n, n, R::slice_rule(&Exponential { n }, a.data())?))
}
