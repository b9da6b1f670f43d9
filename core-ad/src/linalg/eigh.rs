//! Eigenvalues and eigenvectors of symmetric matrices.
//!
//! Giles 2008, section 3.1, with the division by gaps as in [`LinalgError::IllConditioned`].

use faer::{Mat, Side};

use super::gap::{largest, over_gap, weighed_over_gap};
use super::matrix::{Matrix, dot, unpack};
use super::{LinalgError, check_finite, check_shape};
use crate::real::Real;
use crate::rule::SliceRule;

/// `(A + A^T)/2 = Q diag(values) Q^T`.
#[derive(Clone, Debug)]
pub struct Eigh<R> {
    /// Ascending.
    pub values: Vec<R>,
    /// One a column, unit, the entry that is largest in size positive.
    pub vectors: Matrix<R>,
}

/// Ascending eigenvalues and vectors, row-major with one a column, of a symmetric part.
pub(super) fn decompose(a: &[f64], n: usize) -> Result<(Vec<f64>, Matrix<f64>), LinalgError> {
    check_finite(a)?;
    if n == 0 {
        return Ok((Vec::new(), Matrix::zeros(0, 0)));
    }
    let symmetric = Mat::from_fn(n, n, |i, j| (a[i * n + j] + a[j * n + i]) * 0.5);
    let found = symmetric
        .self_adjoint_eigen(Side::Lower)
        .map_err(|_| LinalgError::NotConverged("the symmetric eigen-decomposition"))?;
    let values = (0..n).map(|i| found.S()[i]).collect();
    let q = found.U();
    let sign = |j: usize| {
        let largest =
            (0..n).fold(0.0_f64, |s, i| if q[(i, j)].abs() > s.abs() { q[(i, j)] } else { s });
        largest.signum()
    };
    let signs: Vec<f64> = (0..n).map(sign).collect();
    Ok((values, Matrix::from_fn(n, n, |i, j| q[(i, j)] * signs[j])))
}

#[derive(Clone, Debug)]
struct SymmetricEigen {
    n: usize,
}

impl SymmetricEigen {
    fn split<R: Copy>(&self, y: &[R]) -> [Matrix<R>; 2] {
        unpack(y, [(1, self.n), (self.n, self.n)])
    }
}

impl SliceRule for SymmetricEigen {
    type Error = LinalgError;

    fn primal(&self, x: &[f64]) -> Result<Vec<f64>, LinalgError> {
        let (values, vectors) = decompose(x, self.n)?;
        Ok([values, vectors.into_data()].concat())
    }

    /// `dlambda = diag B`, `dQ = Q W` with `B = Q^T dA Q`, `W_ij = B_ij / (lambda_j - lambda_i)`.
    fn jvp<R: Real>(&self, _: &[R], y: &[R], x_dot: &[R]) -> Result<Vec<R>, LinalgError> {
        let n = self.n;
        let [values, q] = self.split(y);
        let (values, size) = (values.data(), largest(values.data()));
        let a_dot = Matrix::new(n, n, x_dot.to_vec()).symmetric_part();
        let b = q.transpose().matmul(&a_dot).matmul(&q);
        let noise = largest(a_dot.data()) * n as f64;
        let mut w = Matrix::zeros(n, n);
        for (i, j) in (0..n * n).map(|k| (k / n, k % n)).filter(|(i, j)| i != j) {
            w[(i, j)] = over_gap(b[(i, j)], values[j] - values[i], size, noise)?;
        }
        let values_dot = (0..n).map(|i| b[(i, i)]).collect();
        Ok([values_dot, q.matmul(&w).into_data()].concat())
    }

    /// `A_bar = Q (diag(lambda_bar) + M) Q^T`, `M_ij = (G_ij - G_ji) / 2 (lambda_j - lambda_i)`, `G = Q^T Q_bar`.
    fn vjp<R: Real>(&self, _: &[R], y: &[R], y_bar: &[R]) -> Result<Vec<R>, LinalgError> {
        let n = self.n;
        let ([values, q], [values_bar, q_bar]) = (self.split(y), self.split(y_bar));
        let (values, size) = (values.data(), largest(values.data()));
        let mut m = Matrix::diagonal(values_bar.data());
        if !q_bar.is_zero() {
            let g = q.transpose().matmul(&q_bar);
            let noise = largest(q_bar.data()) * n as f64;
            for (i, j) in (0..n).flat_map(|j| (0..j).map(move |i| (i, j))) {
                let weights = [g[(i, j)], g[(j, i)]];
                let numerator = (weights[0] - weights[1]) * 0.5;
                let gap = values[j] - values[i];
                m[(i, j)] = weighed_over_gap(numerator, &weights, gap, size, noise)?;
                m[(j, i)] = m[(i, j)];
            }
        }
        Ok(q.matmul(&m).matmul(&q.transpose()).symmetric_part().into_data())
    }
}

/// Eigenvalues alone: their derivative divides by no gap.
#[derive(Clone, Debug)]
struct SymmetricValues {
    n: usize,
}

impl SymmetricValues {
    /// The vectors, to be differentiated again with their gaps.
    fn vectors<R: Real>(&self, x: &[R]) -> Result<Matrix<R>, LinalgError> {
        let pairs = SymmetricEigen { n: self.n };
        let [_, q] = pairs.split(&R::slice_rule(&pairs, x)?);
        Ok(q)
    }
}

impl SliceRule for SymmetricValues {
    type Error = LinalgError;

    fn primal(&self, x: &[f64]) -> Result<Vec<f64>, LinalgError> {
        Ok(decompose(x, self.n)?.0)
    }

    /// `dlambda_i = q_i^T dA q_i`.
    fn jvp<R: Real>(&self, x: &[R], _: &[R], x_dot: &[R]) -> Result<Vec<R>, LinalgError> {
        let (n, q) = (self.n, self.vectors(x)?);
        let moved = Matrix::new(n, n, x_dot.to_vec()).symmetric_part().matmul(&q);
        Ok((0..n).map(|i| dot(&q.column(i), &moved.column(i))).collect())
    }

    /// `A_bar = Q diag(lambda_bar) Q^T`.
    fn vjp<R: Real>(&self, x: &[R], _: &[R], y_bar: &[R]) -> Result<Vec<R>, LinalgError> {
        let q = self.vectors(x)?;
        let weighed = Matrix::from_fn(self.n, self.n, |i, j| q[(i, j)] * y_bar[j]);
        Ok(weighed.matmul(&q.transpose()).symmetric_part().into_data())
    }
}

/// All eigenvalues, ascending, of the symmetric part of `A`.
///
/// # Derivative
/// `q_i^T dA q_i`, in every mode: no gap is divided by. In a cluster that is degenerate to rounding a single value gets a
/// member of the Clarke subdifferential, a sum of values that is smooth its derivative. The second derivative divides by
/// gaps as that of [`eigh`](fn@eigh) does, and is [`LinalgError::IllConditioned`] in a cluster: a function of all values is
/// best written as the trace of a [`spectral_function`](super::spectral_function).
///
/// # Errors
/// Shapes, entries that are not finite.
pub fn eigenvalues<R: Real>(a: &Matrix<R>) -> Result<Vec<R>, LinalgError> {
    let n = a.rows();
    check_shape("columns of a square matrix", n, a.cols())?;
    R::slice_rule(&SymmetricValues { n }, a.data())
}

/// All eigenvalues and eigenvectors of the symmetric part of `A`.
///
/// # Derivative
/// Of vectors: divided by the gaps of eigenvalues. A gap below `1.5e-8` of the largest eigenvalue belongs to a cluster, whose
/// single vectors have no derivative: forward mode answers where the perturbation does not mix them, reverse mode where
/// they are not used, and [`LinalgError::IllConditioned`] is the answer elsewhere. Functions of a cluster as a whole are
/// [`eigh_subspace`](super::eigh_subspace) and [`spectral_function`](super::spectral_function); the values alone are
/// [`eigenvalues`].
///
/// # Errors
/// Shapes, entries that are not finite.
pub fn eigh<R: Real>(a: &Matrix<R>) -> Result<Eigh<R>, LinalgError> {
    let n = a.rows();
    check_shape("columns of a square matrix", n, a.cols())?;
    let rule = SymmetricEigen { n };
    let [values, vectors] = rule.split(&R::slice_rule(&rule, a.data())?);
    Ok(Eigh { values: values.into_data(), vectors })
}
