//! Mass matrices: what may be singular, and whether a start is consistent.

use super::field::Plain;
use super::{Method, OdeError};
use crate::linalg::{LinalgError, Matrix, solve, svd};

/// That the method can do with the mass matrix, and where it is singular, that the constraints determine the components that
/// it leaves free (index 1). What the state has to be moved by to satisfy them, if they are.
///
/// With `u` the left and `v` the right vectors that a singular `M` takes to 0, the constraints are `u^T f(t, y) = 0`: Newton's step
/// on them within the span of `v` is `-v (u^T f_y v)^-1 u^T f`.
///
/// # Errors
/// [`OdeError::MassMatrix`], [`OdeError::HigherIndex`], shapes, numbers that are not finite.
pub(super) fn correction(
    d: &dyn Plain,
    method: Method,
    t: f64,
    y: &[f64],
    p: &[f64],
) -> Result<Option<Vec<f64>>, OdeError> {
    let Some(mass) = d.mass(p) else { return Ok(None) };
    let n = y.len();
    for found in [mass.rows(), mass.cols()] {
        if found != n {
            return Err(OdeError::Shape { what: "a side of the mass matrix", expected: n, found });
        }
    }
    if !mass.data().iter().all(|m| m.is_finite()) {
        return Err(OdeError::NonFinite { what: "the mass matrix", time: t });
    }
    if method != Method::Rodas5p {
        let reason = "the explicit methods integrate y' = f alone; use Method::Rodas5p";
        return Err(OdeError::MassMatrix { reason });
    }
    if d.events() > 0 {
        let reason = "events are passed for y' = f alone; end the integration there, or multiply by the inverse";
        return Err(OdeError::MassMatrix { reason });
    }
    let failed = |source: LinalgError| OdeError::Stage { time: t, source };
    let parts = svd(&mass).map_err(failed)?;
    let largest = parts.s.iter().fold(0.0, |s, v| f64::max(s, *v));
    let rounding = largest * n as f64 * f64::EPSILON;
    let free: Vec<usize> = (0..n).filter(|k| parts.s[*k] <= rounding).collect();
    if free.is_empty() {
        return Ok(None);
    }
    let (slope, _) = d.slopes(t, y, p);
    if !slope.data().iter().all(|s| s.is_finite()) {
        return Err(OdeError::NonFinite { what: "the Jacobian of the rate", time: t });
    }
    let (u, v) = (columns(&parts.u, &free), columns(&parts.v, &free));
    let constraints = u.transpose().matmul(&slope).matmul(&v);
    let left = u.transpose().matvec(&d.rate(t, y, p));
    match solve(&constraints, &left) {
        Ok(step) => Ok(Some(v.matvec(&step).iter().map(|s| -s).collect())),
        Err(LinalgError::Singular { .. }) => Err(OdeError::HigherIndex { time: t }),
        Err(source) => Err(failed(source)),
    }
}

fn columns(a: &Matrix<f64>, which: &[usize]) -> Matrix<f64> {
    Matrix::from_fn(a.rows(), which.len(), |i, k| a[(i, which[k])])
}
