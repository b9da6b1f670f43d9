//! Singular values and vectors.
//!
//! Townsend, "Differentiating the singular value decomposition" (2016), with every quotient by `s_j^2 - s_i^2` split into one by
//! `s_j - s_i` and one by `s_j + s_i`, so that functions that are smooth across a cluster (the polar factor, norms) stay so.

use faer::MatRef;

use super::gap::{largest, over_gap};
use super::matrix::{Matrix, unpack};
use super::{LinalgError, check_finite};
use crate::real::Real;
use crate::rule::SliceRule;

/// `A = U diag(s) V^T`, `k = min(m, n)`.
#[derive(Clone, Debug)]
pub struct Svd<R> {
    /// `m x k`.
    pub u: Matrix<R>,
    /// Descending.
    pub s: Vec<R>,
    /// `n x k`.
    pub v: Matrix<R>,
}

/// `m >= n`.
#[derive(Clone, Debug)]
struct ThinSvd {
    m: usize,
    n: usize,
}

impl ThinSvd {
    fn split<R: Copy>(&self, y: &[R]) -> [Matrix<R>; 3] {
        unpack(y, [(self.m, self.n), (1, self.n), (self.n, self.n)])
    }
}

/// `x_j / s_j` a column, for what lies outside of the range of `U`.
fn over_values<R: Real>(x: &Matrix<R>, s: &[R], noise: R) -> Result<Matrix<R>, LinalgError> {
    let (size, mut out) = (largest(s), x.clone());
    for (i, j) in (0..x.rows()).flat_map(|i| (0..s.len()).map(move |j| (i, j))) {
        out[(i, j)] = over_gap(x[(i, j)], s[j], size, noise)?;
    }
    Ok(out)
}

impl SliceRule for ThinSvd {
    type Error = LinalgError;

    fn primal(&self, x: &[f64]) -> Result<Vec<f64>, LinalgError> {
        let &Self { m, n } = self;
        check_finite(x)?;
        let svd = MatRef::from_row_major_slice(x, m, n)
            .thin_svd()
            .map_err(|_| LinalgError::NotConverged("the singular value decomposition"))?;
        let (u, v) = (svd.U(), svd.V());
        let sign = |j: usize| {
            let largest =
                (0..n).fold(0.0_f64, |s, i| if v[(i, j)].abs() > s.abs() { v[(i, j)] } else { s });
            largest.signum()
        };
        let signs: Vec<f64> = (0..n).map(sign).collect();
        let mut y: Vec<f64> = (0..m * n).map(|k| u[(k / n, k % n)] * signs[k % n]).collect();
        y.extend((0..n).map(|j| svd.S()[j]));
        y.extend((0..n * n).map(|k| v[(k / n, k % n)] * signs[k % n]));
        Ok(y)
    }

    /// With `D = U^T dA V`: `ds = diag D`, `dU = U W + (I - U U^T) dA V / s`, `dV = V Z`, where
    /// `W, Z = [(D + D^T)/(s_j - s_i) +- (D - D^T)/(s_j + s_i)] / 2`.
    fn jvp<R: Real>(&self, _: &[R], y: &[R], x_dot: &[R]) -> Result<Vec<R>, LinalgError> {
        let (n, [u, s, v]) = (self.n, self.split(y));
        let (s, size) = (s.data(), largest(s.data()));
        let a_dot = Matrix::new(self.m, n, x_dot.to_vec());
        let noise = largest(x_dot) * self.m as f64;
        let av = a_dot.matmul(&v);
        let d = u.transpose().matmul(&av);
        let (mut w, mut z) = (Matrix::zeros(n, n), Matrix::zeros(n, n));
        for (i, j) in (0..n * n).map(|k| (k / n, k % n)).filter(|(i, j)| i != j) {
            let even = over_gap((d[(i, j)] + d[(j, i)]) * 0.5, s[j] - s[i], size, noise)?;
            let odd = over_gap((d[(i, j)] - d[(j, i)]) * 0.5, s[j] + s[i], size, noise)?;
            (w[(i, j)], z[(i, j)]) = (even + odd, even - odd);
        }
        let outside = over_values(&(&av - &u.matmul(&d)), s, noise)?;
        let u_dot = &u.matmul(&w) + &outside;
        let s_dot = (0..n).map(|i| d[(i, i)]).collect();
        Ok([u_dot.into_data(), s_dot, v.matmul(&z).into_data()].concat())
    }

    /// The transpose of the above: `D_bar = diag(s_bar) + [(K + L)/(s_j - s_i) + (K - L)/(s_j + s_i)] / 2` with
    /// `K, L` the antisymmetric parts of `U^T U_bar`, `V^T V_bar`.
    fn vjp<R: Real>(&self, _: &[R], y: &[R], y_bar: &[R]) -> Result<Vec<R>, LinalgError> {
        let (n, [u, s, v], [u_bar, s_bar, v_bar]) = (self.n, self.split(y), self.split(y_bar));
        let (s, size) = (s.data(), largest(s.data()));
        let mut d_bar = Matrix::diagonal(s_bar.data());
        if u_bar.is_zero() && v_bar.is_zero() {
            return Ok(u.matmul(&d_bar).matmul(&v.transpose()).into_data());
        }
        let noise = (largest(u_bar.data()) + largest(v_bar.data())) * self.m as f64;
        let uu = u.transpose().matmul(&u_bar);
        let vv = v.transpose().matmul(&v_bar);
        for (i, j) in (0..n * n).map(|k| (k / n, k % n)).filter(|(i, j)| i != j) {
            let k = (uu[(i, j)] - uu[(j, i)]) * 0.5;
            let l = (vv[(i, j)] - vv[(j, i)]) * 0.5;
            d_bar[(i, j)] = over_gap(k + l, s[j] - s[i], size, noise)?
                + over_gap(k - l, s[j] + s[i], size, noise)?;
        }
        let outside = over_values(&(&u_bar - &u.matmul(&uu)), s, noise)?;
        Ok((&u.matmul(&d_bar) + &outside).matmul(&v.transpose()).into_data())
    }
}

/// Thin singular value decomposition.
///
/// # Derivative
/// Of values: `u_i^T dA v_i`. Of vectors: divided by gaps, with clusters and zero singular values handled as in
/// [`eigh`](fn@super::eigh).
///
/// # Errors
/// Entries that are not finite.
pub fn svd<R: Real>(a: &Matrix<R>) -> Result<Svd<R>, LinalgError> {
    if a.rows() < a.cols() {
        let Svd { u, s, v } = svd(&a.transpose())?;
        return Ok(Svd { u: v, s, v: u });
    }
    let rule = ThinSvd { m: a.rows(), n: a.cols() };
    let [u, s, v] = rule.split(&R::slice_rule(&rule, a.data())?);
    Ok(Svd { u, s: s.into_data(), v })
}

/// Singular values, descending.
///
/// # Errors
/// As [`svd`](fn@svd).
pub fn singular_values<R: Real>(a: &Matrix<R>) -> Result<Vec<R>, LinalgError> {
    Ok(svd(a)?.s)
}
