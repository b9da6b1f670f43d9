//! Singular values and vectors.
//!
//! Townsend, "Differentiating the singular value decomposition" (2016), with every quotient by `s_j^2 - s_i^2` split into one by
//! `s_j - s_i` and one by `s_j + s_i`.

use faer::MatRef;

use super::gap::{largest, over_gap, weighed_over_gap};
use super::matrix::{Matrix, dot, unpack};
use super::solve::solve_spd;
use super::sylvester::solve_sylvester;
use super::{LinalgError, check_finite, check_shape};
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

/// Column `j` divided by `s_j`, for what lies outside of the range of `U`. In reverse mode a column whose `weights` are zero is
/// not used.
fn over_values<R: Real>(
    x: &Matrix<R>,
    weights: Option<&Matrix<R>>,
    s: &[R],
    terms: R,
) -> Result<Matrix<R>, LinalgError> {
    let (size, mut out) = (largest(s), x.clone());
    for j in 0..s.len() {
        let column = weights.map(|w| w.column(j));
        for i in 0..x.rows() {
            out[(i, j)] = match &column {
                None => over_gap(x[(i, j)], s[j], size, terms)?,
                Some(weights) => weighed_over_gap(x[(i, j)], weights, s[j], size, terms)?,
            };
        }
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
        let mut u_dot = u.matmul(&w);
        if self.m > n {
            u_dot = &u_dot + &over_values(&(&av - &u.matmul(&d)), None, s, noise)?;
        }
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
            let weights = [uu[(i, j)], uu[(j, i)], vv[(i, j)], vv[(j, i)]];
            let quotient = |numerator, gap| weighed_over_gap(numerator, &weights, gap, size, noise);
            d_bar[(i, j)] = quotient(k + l, s[j] - s[i])? + quotient(k - l, s[j] + s[i])?;
        }
        let mut left = u.matmul(&d_bar);
        if self.m > n {
            left = &left + &over_values(&(&u_bar - &u.matmul(&uu)), Some(&u_bar), s, noise)?;
        }
        Ok(left.matmul(&v.transpose()).into_data())
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

/// Singular values alone: their derivative divides by no gap.
#[derive(Clone, Debug)]
struct Values {
    svd: ThinSvd,
}

impl Values {
    fn vectors<R: Real>(&self, x: &[R]) -> Result<[Matrix<R>; 2], LinalgError> {
        let [u, _, v] = self.svd.split(&R::slice_rule(&self.svd, x)?);
        Ok([u, v])
    }
}

impl SliceRule for Values {
    type Error = LinalgError;

    fn primal(&self, x: &[f64]) -> Result<Vec<f64>, LinalgError> {
        let [_, s, _] = self.svd.split(&self.svd.primal(x)?);
        Ok(s.into_data())
    }

    /// `ds_i = u_i^T dA v_i`.
    fn jvp<R: Real>(&self, x: &[R], _: &[R], x_dot: &[R]) -> Result<Vec<R>, LinalgError> {
        let (ThinSvd { m, n }, [u, v]) = (self.svd.clone(), self.vectors(x)?);
        let moved = Matrix::new(m, n, x_dot.to_vec()).matmul(&v);
        Ok((0..n).map(|i| dot(&u.column(i), &moved.column(i))).collect())
    }

    /// `A_bar = U diag(s_bar) V^T`.
    fn vjp<R: Real>(&self, x: &[R], _: &[R], y_bar: &[R]) -> Result<Vec<R>, LinalgError> {
        let [u, v] = self.vectors(x)?;
        let weighed = Matrix::from_fn(u.rows(), u.cols(), |i, j| u[(i, j)] * y_bar[j]);
        Ok(weighed.matmul(&v.transpose()).into_data())
    }
}

/// Singular values, descending.
///
/// # Derivative
/// `u_i^T dA v_i`, in every mode: no gap is divided by. In a cluster a single value gets a member of the Clarke
/// subdifferential, a norm that is smooth there its derivative. The second derivative divides by gaps as that of
/// [`svd`](fn@svd) does.
///
/// # Errors
/// As [`svd`](fn@svd).
pub fn singular_values<R: Real>(a: &Matrix<R>) -> Result<Vec<R>, LinalgError> {
    if a.rows() < a.cols() {
        return singular_values(&a.transpose());
    }
    R::slice_rule(&Values { svd: ThinSvd { m: a.rows(), n: a.cols() } }, a.data())
}

/// The polar factor `U V^T` of a matrix with full column rank: the closest one with orthonormal columns.
///
/// # Derivative
/// `(I - P P^T) dA H^-1 + P W` with `H = P^T A` and the antisymmetric `W` of `H W + W H = P^T dA - dA^T P`: smooth also where
/// singular values meet.
#[derive(Clone, Debug)]
struct Polar {
    svd: ThinSvd,
}

impl Polar {
    /// `W` of `H W + W H = C`, and `H`.
    fn rotation<R: Real>(
        a: &Matrix<R>,
        p: &Matrix<R>,
        c: &Matrix<R>,
    ) -> Result<[Matrix<R>; 2], LinalgError> {
        let h = p.transpose().matmul(a).symmetric_part();
        let w = solve_sylvester(&h, &-&h, c)?;
        Ok([w, h])
    }

    fn outside<R: Real>(p: &Matrix<R>, x: &Matrix<R>) -> Matrix<R> {
        x - &p.matmul(&p.transpose().matmul(x))
    }
}

impl SliceRule for Polar {
    type Error = LinalgError;

    fn primal(&self, x: &[f64]) -> Result<Vec<f64>, LinalgError> {
        let [u, s, v] = self.svd.split(&self.svd.primal(x)?);
        let s = s.data();
        if let (Some(first), Some(last)) = (s.first(), s.last())
            && *last <= first * f64::EPSILON * self.svd.m as f64
        {
            return Err(LinalgError::Singular {
                pivot: s.len() - 1,
                ratio: last / first.max(f64::MIN_POSITIVE),
            });
        }
        Ok(u.matmul(&v.transpose()).into_data())
    }

    fn jvp<R: Real>(&self, x: &[R], y: &[R], x_dot: &[R]) -> Result<Vec<R>, LinalgError> {
        let ThinSvd { m, n } = self.svd;
        let [a, p, a_dot] = [x, y, x_dot].map(|v| Matrix::new(m, n, v.to_vec()));
        let c = p.transpose().matmul(&a_dot);
        let [w, h] = Self::rotation(&a, &p, &(&c - &c.transpose()))?;
        let across = solve_spd(&h, &Self::outside(&p, &a_dot).transpose())?.transpose();
        Ok((&across + &p.matmul(&w)).into_data())
    }

    fn vjp<R: Real>(&self, x: &[R], y: &[R], y_bar: &[R]) -> Result<Vec<R>, LinalgError> {
        let ThinSvd { m, n } = self.svd;
        let [a, p, p_bar] = [x, y, y_bar].map(|v| Matrix::new(m, n, v.to_vec()));
        let c = p.transpose().matmul(&p_bar);
        let [w, h] = Self::rotation(&a, &p, &(&c - &c.transpose()))?;
        let across = Self::outside(&p, &solve_spd(&h, &p_bar.transpose())?.transpose());
        Ok((&across + &p.matmul(&w)).into_data())
    }
}

/// The polar factor `U V^T` of `A = U S V^T`, of as many rows as columns or more: the closest matrix with orthonormal columns.
///
/// Smooth wherever the columns are independent, in every mode and to every order, also where singular values meet.
///
/// # Errors
/// [`LinalgError::Singular`] where they depend on each other to rounding; fewer rows than columns, entries that are not finite.
pub fn polar<R: Real>(a: &Matrix<R>) -> Result<Matrix<R>, LinalgError> {
    let (m, n) = (a.rows(), a.cols());
    check_shape("columns, at most the rows", n.min(m), n)?;
    Ok(Matrix::new(m, n, R::slice_rule(&Polar { svd: ThinSvd { m, n } }, a.data())?))
}
