//! Linear systems, inverses and log-determinants.
//!
//! Giles, "Collected matrix derivative results" (2008), sections 2.2.3 and 2.3.

use super::elimination::Eliminated;
use super::factor::{Cache, Factor};
use super::matrix::{Matrix, unpack};
use super::{LinalgError, check_shape};
use crate::real::Real;
use crate::rule::SliceRule;

/// `X = op(A)^-1 B`, with `A: n x n` and `B: n x m`.
#[derive(Clone, Debug)]
struct Solve {
    n: usize,
    m: usize,
    transposed: bool,
    symmetric: bool,
    cache: Cache<Factor>,
}

impl Solve {
    fn factor(&self, a: &[f64]) -> Result<std::sync::Arc<Factor>, LinalgError> {
        let make = if self.symmetric { Factor::llt } else { Factor::lu };
        self.cache.get(a, |a| make(a, self.n))
    }

    fn split<R: Copy>(&self, x: &[R]) -> [Matrix<R>; 2] {
        unpack(x, [(self.n, self.n), (self.n, self.m)])
    }

    /// The same matrix, or its transpose, with another right side.
    fn again<R: Real>(
        &self,
        transposed: bool,
        a: &Matrix<R>,
        b: &Matrix<R>,
    ) -> Result<Matrix<R>, LinalgError> {
        let rule = Self { transposed, m: b.cols(), ..self.clone() };
        let x = R::slice_rule(&rule, &[a.data(), b.data()].concat())?;
        Ok(Matrix::new(self.n, b.cols(), x))
    }

    /// What of `A` counts: `A`, `A^T` or its symmetric part.
    fn op<R: Real>(&self, a: Matrix<R>) -> Matrix<R> {
        if self.symmetric {
            a.symmetric_part()
        } else if self.transposed {
            a.transpose()
        } else {
            a
        }
    }
}

impl SliceRule for Solve {
    type Error = LinalgError;

    fn primal(&self, x: &[f64]) -> Result<Vec<f64>, LinalgError> {
        let (a, b) = x.split_at(self.n * self.n);
        Ok(self.factor(a)?.solve(b, self.n, self.transposed))
    }

    fn jvp<R: Real>(&self, x: &[R], y: &[R], x_dot: &[R]) -> Result<Vec<R>, LinalgError> {
        let ([a, _], [a_dot, b_dot]) = (self.split(x), self.split(x_dot));
        let y = Matrix::new(self.n, self.m, y.to_vec());
        let right = if a_dot.is_zero() { b_dot } else { &b_dot - &self.op(a_dot).matmul(&y) };
        Ok(self.again(self.transposed, &a, &right)?.into_data())
    }

    fn vjp<R: Real>(&self, x: &[R], y: &[R], y_bar: &[R]) -> Result<Vec<R>, LinalgError> {
        let [a, _] = self.split(x);
        let y = Matrix::new(self.n, self.m, y.to_vec());
        let b_bar =
            self.again(!self.transposed, &a, &Matrix::new(self.n, self.m, y_bar.to_vec()))?;
        let a_bar = self.op(-&b_bar.matmul(&y.transpose()));
        Ok([a_bar.into_data(), b_bar.into_data()].concat())
    }
}

fn solve_by<R: Real>(
    symmetric: bool,
    a: &Matrix<R>,
    b: &Matrix<R>,
) -> Result<Matrix<R>, LinalgError> {
    let n = a.rows();
    check_shape("columns of a square matrix", n, a.cols())?;
    check_shape("rows of the right side", n, b.rows())?;
    let rule = Solve { n, m: b.cols(), transposed: false, symmetric, cache: Cache::default() };
    if n == 0 || b.cols() == 0 {
        return Ok(b.clone());
    }
    rule.again(false, a, b)
}

/// A square matrix with its LU factors, which are made once and kept: for every right side, for the reverse sweep, tangents and
/// second derivatives. Those of a few unknowns are computed in `R`'s own arithmetic, larger ones are one rule.
#[derive(Clone, Debug)]
pub struct MatrixFactor<R> {
    matrix: Matrix<R>,
    kind: Kind<R>,
}

/// How the factors are kept.
#[derive(Clone, Debug)]
enum Kind<R> {
    /// Or why there are none, which is an error of the solve.
    Eliminated(Result<Eliminated<R>, LinalgError>),
    Rule(Solve),
}

impl<R: Real> MatrixFactor<R> {
    /// Of a matrix that stays the same.
    ///
    /// # Errors
    /// [`LinalgError::Shape`] where it is not square; a singular matrix is an error of the solve.
    pub fn lu(matrix: &Matrix<R>) -> Result<Self, LinalgError> {
        let n = matrix.rows();
        check_shape("columns of a square matrix", n, matrix.cols())?;
        let rule = || {
            let cache = Cache::default();
            Kind::Rule(Solve { n, m: 1, transposed: false, symmetric: false, cache })
        };
        let kind = Eliminated::of_few(matrix).map_or_else(rule, Kind::Eliminated);
        Ok(Self { matrix: matrix.clone(), kind })
    }

    /// `A^-1 b`.
    ///
    /// # Errors
    /// [`LinalgError::Singular`], shapes, entries that are not finite.
    pub fn solve(&self, b: &[R]) -> Result<Vec<R>, LinalgError> {
        self.solve_either(false, b)
    }

    /// `A^-T b`, by the same factors.
    ///
    /// # Errors
    /// As [`MatrixFactor::solve`].
    pub fn solve_transposed(&self, b: &[R]) -> Result<Vec<R>, LinalgError> {
        self.solve_either(true, b)
    }

    fn solve_either(&self, transposed: bool, b: &[R]) -> Result<Vec<R>, LinalgError> {
        check_shape("rows of the right side", self.matrix.rows(), b.len())?;
        if b.is_empty() {
            return Ok(Vec::new());
        }
        match &self.kind {
            Kind::Eliminated(factors) => {
                let factors = factors.as_ref().map_err(Clone::clone)?;
                Ok(if transposed { factors.solve_transposed(b) } else { factors.solve(b) })
            }
            Kind::Rule(rule) => {
                let b = Matrix::new(b.len(), 1, b.to_vec());
                Ok(rule.again(transposed, &self.matrix, &b)?.into_data())
            }
        }
    }
}

/// `A^-1 b`.
///
/// ```
/// use cotangent_ad::linalg::{Matrix, solve};
/// use cotangent_ad::grad;
/// // x = b / a: d/da = -x / a, d/db = 1 / a
/// let g = grad(|v| solve(&Matrix::new(1, 1, vec![v[0]]), &v[1..]).unwrap()[0], &[2.0, 6.0]);
/// assert_eq!(g, [-1.5, 0.5]);
/// ```
///
/// # Errors
/// [`LinalgError::Singular`], shapes, entries that are not finite.
pub fn solve<R: Real>(a: &Matrix<R>, b: &[R]) -> Result<Vec<R>, LinalgError> {
    Ok(solve_by(false, a, &Matrix::new(b.len(), 1, b.to_vec()))?.into_data())
}

/// `A^-1 B`.
///
/// # Errors
/// As [`solve`].
pub fn solve_matrix<R: Real>(a: &Matrix<R>, b: &Matrix<R>) -> Result<Matrix<R>, LinalgError> {
    solve_by(false, a, b)
}

/// `S^-1 B` for the symmetric part `S = (A + A^T)/2`, by Cholesky.
///
/// # Errors
/// [`LinalgError::NotPositiveDefinite`], shapes, entries that are not finite.
pub fn solve_spd<R: Real>(a: &Matrix<R>, b: &Matrix<R>) -> Result<Matrix<R>, LinalgError> {
    solve_by(true, a, b)
}

/// `A^-1`.
///
/// # Errors
/// As [`solve`].
pub fn inverse<R: Real>(a: &Matrix<R>) -> Result<Matrix<R>, LinalgError> {
    solve_by(false, a, &Matrix::identity(a.rows()))
}

/// `log |det A|`.
#[derive(Clone, Debug)]
struct LogDet {
    solve: Solve,
}

impl LogDet {
    /// `A^-T`, or `S^-1`.
    fn gradient<R: Real>(&self, x: &[R]) -> Result<Matrix<R>, LinalgError> {
        let n = self.solve.n;
        self.solve.again(true, &Matrix::new(n, n, x.to_vec()), &Matrix::identity(n))
    }
}

impl SliceRule for LogDet {
    type Error = LinalgError;

    fn primal(&self, x: &[f64]) -> Result<Vec<f64>, LinalgError> {
        Ok(vec![self.solve.factor(x)?.log_det()])
    }

    fn jvp<R: Real>(&self, x: &[R], _: &[R], x_dot: &[R]) -> Result<Vec<R>, LinalgError> {
        Ok(vec![super::dot(self.gradient(x)?.data(), x_dot)])
    }

    fn vjp<R: Real>(&self, x: &[R], _: &[R], y_bar: &[R]) -> Result<Vec<R>, LinalgError> {
        let y_bar = y_bar[0];
        Ok(self.gradient(x)?.data().iter().map(|g| *g * y_bar).collect())
    }
}

fn log_det_by<R: Real>(symmetric: bool, a: &Matrix<R>) -> Result<R, LinalgError> {
    let n = a.rows();
    check_shape("columns of a square matrix", n, a.cols())?;
    let solve = Solve { n, m: n, transposed: false, symmetric, cache: Cache::default() };
    Ok(R::slice_rule(&LogDet { solve }, a.data())?[0])
}

/// `log |det A|`; its derivative is `A^-T`.
///
/// # Errors
/// As [`solve`].
pub fn log_det<R: Real>(a: &Matrix<R>) -> Result<R, LinalgError> {
    log_det_by(false, a)
}

/// `log det S` of the symmetric part `S = (A + A^T)/2`, by Cholesky.
///
/// # Errors
/// As [`solve_spd`].
pub fn log_det_spd<R: Real>(a: &Matrix<R>) -> Result<R, LinalgError> {
    log_det_by(true, a)
}
