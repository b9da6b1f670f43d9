//! Linear systems known by their product with a vector.

use super::{ImplicitError, size};
use crate::linalg::dot;

/// `A^-1 b` by GMRES without restart (Saad & Schultz 1986), orthogonalised twice.
///
/// Memory is one vector an iteration; a contraction of factor `q` needs about `log tolerance / log q` of them.
pub(super) fn gmres(
    apply: impl Fn(&[f64]) -> Vec<f64>,
    b: &[f64],
    tolerance: f64,
) -> Result<Vec<f64>, ImplicitError> {
    let n = b.len();
    let norm = |v: &[f64]| {
        let s = size(v);
        if s == 0.0 { 0.0 } else { s * v.iter().map(|v| (v / s).powi(2)).sum::<f64>().sqrt() }
    };
    let scale = norm(b);
    if scale == 0.0 {
        return Ok(vec![0.0; n]);
    }
    let mut basis = vec![b.iter().map(|b| b / scale).collect::<Vec<f64>>()];
    let mut columns: Vec<Vec<f64>> = Vec::new(); // of R
    let mut rotations: Vec<(f64, f64)> = Vec::new();
    let mut right = vec![scale];
    let most = (2 * n).min(n + 50);
    for k in 0..most {
        let mut w = apply(&basis[k]);
        if !size(&w).is_finite() {
            return Err(ImplicitError::NonFinite { what: "a product with G_y", iteration: k });
        }
        let before = norm(&w);
        let mut column = vec![0.0; k + 1];
        for _ in 0..2 {
            for (h, v) in column.iter_mut().zip(&basis) {
                let along = dot(&w, v);
                *h += along;
                w.iter_mut().zip(v).for_each(|(w, v)| *w -= along * v);
            }
        }
        let rest = norm(&w);
        for (i, (c, s)) in rotations.iter().enumerate() {
            let (a, b) = (column[i], column[i + 1]);
            (column[i], column[i + 1]) = (c * a + s * b, c * b - s * a);
        }
        let radius = column[k].hypot(rest);
        let (c, s) = (column[k] / radius, rest / radius);
        column[k] = radius;
        rotations.push((c, s));
        columns.push(column);
        let last = right[k];
        right[k] = c * last;
        right.push(-s * last);
        let left = right[k + 1].abs() / scale;
        // where the space is exhausted there is nothing more to gain
        if left <= tolerance || rest <= f64::EPSILON * before {
            return if left <= 1e-8 {
                Ok(combine(&basis, &columns, &right))
            } else {
                Err(failed(left, k))
            };
        }
        basis.push(w.iter().map(|w| w / rest).collect());
    }
    let left = right[most].abs() / scale;
    if left <= 1e-10 { Ok(combine(&basis, &columns, &right)) } else { Err(failed(left, most)) }
}

fn failed(residual: f64, iterations: usize) -> ImplicitError {
    let advice = "the fixed point may not be isolated: an eigenvalue of G_y is close to 1";
    ImplicitError::NotConverged {
        what: "the linear system of a derivative",
        residual,
        iterations,
        advice,
    }
}

/// Back substitution, then the combination of the basis.
fn combine(basis: &[Vec<f64>], columns: &[Vec<f64>], right: &[f64]) -> Vec<f64> {
    let k = columns.len();
    let mut weights = right[..k].to_vec();
    for i in (0..k).rev() {
        weights[i] /= columns[i][i];
        for j in 0..i {
            weights[j] -= columns[i][j] * weights[i];
        }
    }
    let entry = |i: usize| basis.iter().zip(&weights).map(|(v, w)| v[i] * w).sum();
    (0..basis[0].len()).map(entry).collect()
}
