//! LU factors with partial pivoting, and their derivative at a fixed permutation.
//!
//! de Hoog, Anderssen, Lukas, "Differentiation of matrix functionals using triangular factorization" (2011).

use super::factor::partial_pivoting;
use super::matrix::{Matrix, unpack};
use super::triangular::{Triangle, solve_triangular};
use super::{LinalgError, check_shape};
use crate::real::{Num, Real};
use crate::rule::SliceRule;

/// `A[p, :] = L U`.
#[derive(Clone, Debug)]
pub struct Lu<R> {
    /// Row `i` of `L U` is row `permutation[i]` of `A`. Held fixed by derivatives: it is piecewise constant.
    pub permutation: Vec<usize>,
    /// Unit lower triangular.
    pub l: Matrix<R>,
    /// Upper triangular.
    pub u: Matrix<R>,
}

/// `[L, U]` of a matrix whose rows are already permuted.
#[derive(Clone, Debug)]
struct Unpivoted {
    n: usize,
}

/// Strictly lower and upper triangle.
fn triangles<R: Num>(a: &Matrix<R>) -> (Matrix<R>, Matrix<R>) {
    let part =
        |lower: bool| {
            Matrix::from_fn(a.rows(), a.cols(), |i, j| {
                if (j < i) == lower { a[(i, j)] } else { R::lit(0.0) }
            })
        };
    (part(true), part(false))
}

impl Unpivoted {
    fn split<R: Copy>(&self, y: &[R]) -> [Matrix<R>; 2] {
        unpack(y, [(self.n, self.n), (self.n, self.n)])
    }
}

impl SliceRule for Unpivoted {
    type Error = LinalgError;

    /// Doolittle: the rows stand in pivot order.
    fn primal(&self, x: &[f64]) -> Result<Vec<f64>, LinalgError> {
        let n = self.n;
        let mut u = Matrix::new(n, n, x.to_vec());
        let mut l = Matrix::identity(n);
        for k in 0..n {
            for i in k + 1..n {
                l[(i, k)] = u[(i, k)] / u[(k, k)];
                u[(i, k)] = 0.0;
                for j in k + 1..n {
                    u[(i, j)] -= l[(i, k)] * u[(k, j)];
                }
            }
        }
        Ok([l.into_data(), u.into_data()].concat())
    }

    fn jvp<R: Real>(&self, _: &[R], y: &[R], x_dot: &[R]) -> Result<Vec<R>, LinalgError> {
        let [l, u] = self.split(y);
        let a_dot = Matrix::new(self.n, self.n, x_dot.to_vec());
        // C = L^-1 dA U^-1
        let left = solve_triangular(&l, Triangle::Lower, &a_dot);
        let c = solve_triangular(&u, Triangle::UpperTransposed, &left.transpose()).transpose();
        let (lower, upper) = triangles(&c);
        Ok([l.matmul(&lower).into_data(), upper.matmul(&u).into_data()].concat())
    }

    fn vjp<R: Real>(&self, _: &[R], y: &[R], y_bar: &[R]) -> Result<Vec<R>, LinalgError> {
        let ([l, u], [l_bar, u_bar]) = (self.split(y), self.split(y_bar));
        let (lower, _) = triangles(&l.transpose().matmul(&l_bar));
        let (_, upper) = triangles(&u_bar.matmul(&u.transpose()));
        // L^-T (...) U^-T
        let left = solve_triangular(&l, Triangle::LowerTransposed, &(&lower + &upper));
        Ok(solve_triangular(&u, Triangle::Upper, &left.transpose()).transpose().into_data())
    }
}

/// LU factors with partial pivoting.
///
/// # Errors
/// [`LinalgError::Singular`], shapes, entries that are not finite.
pub fn lu<R: Real>(a: &Matrix<R>) -> Result<Lu<R>, LinalgError> {
    let n = a.rows();
    check_shape("columns of a square matrix", n, a.cols())?;
    let permutation = pivots(a)?;
    let permuted = Matrix::from_fn(n, n, |i, j| a[(permutation[i], j)]);
    let rule = Unpivoted { n };
    let [l, u] = rule.split(&R::slice_rule(&rule, permuted.data())?);
    Ok(Lu { permutation, l, u })
}

/// The order of rows that partial pivoting takes, by values.
fn pivots<R: Real>(a: &Matrix<R>) -> Result<Vec<usize>, LinalgError> {
    let order = R::slice_rule(&PivotOrder { n: a.rows() }, a.data())?;
    let place = |r: &R| (0..a.rows()).position(|k| *r == R::lit(k as f64));
    Ok(order.iter().map(|r| place(r).expect("an order of rows")).collect())
}

/// The numbers of the rows in pivot order: a piecewise constant function.
#[derive(Clone, Debug)]
struct PivotOrder {
    n: usize,
}

impl SliceRule for PivotOrder {
    type Error = LinalgError;

    fn primal(&self, x: &[f64]) -> Result<Vec<f64>, LinalgError> {
        Ok(partial_pivoting(x, self.n)?.P().arrays().0.iter().map(|i| *i as f64).collect())
    }

    fn jvp<R: Real>(&self, _: &[R], _: &[R], _: &[R]) -> Result<Vec<R>, LinalgError> {
        Ok(vec![R::lit(0.0); self.n])
    }

    fn vjp<R: Real>(&self, _: &[R], _: &[R], _: &[R]) -> Result<Vec<R>, LinalgError> {
        Ok(vec![R::lit(0.0); self.n * self.n])
    }
}
