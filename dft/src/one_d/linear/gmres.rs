//! GMRES for a linear map that is only applied.
//!
//! Saad & Schultz, SIAM J. Sci. Stat. Comput. 7, 856 (1986): Arnoldi with modified Gram-Schmidt, the least-squares problem
//! by Givens rotations. Not restarted: the systems here converge in a few dozen applications.

use crate::one_d::linear::vector::dot;

/// How far [`gmres`] came.
#[derive(Clone, Debug)]
pub(in crate::one_d) struct Solution {
    pub x: Vec<f64>,
    /// `|b - A x|/|b|`, from the recurrence.
    pub residual: f64,
    pub applications: usize,
}

/// Solves `A x = b` from zero to `tolerance`, or as far as `most` applications of `a` lead.
pub(in crate::one_d) fn gmres(
    b: &[f64],
    tolerance: f64,
    most: usize,
    mut a: impl FnMut(&[f64]) -> Vec<f64>,
) -> Solution {
    let norm_b = norm(b);
    if norm_b == 0.0 {
        return Solution { x: vec![0.0; b.len()], residual: 0.0, applications: 0 };
    }
    let mut basis = vec![scaled(b, 1.0 / norm_b)];
    let mut columns: Vec<Vec<f64>> = Vec::new(); // of R
    let mut rotations: Vec<(f64, f64)> = Vec::new();
    let mut right = vec![norm_b];
    while columns.len() < most && right[columns.len()].abs() > tolerance * norm_b {
        let j = columns.len();
        let mut w = a(&basis[j]);
        let mut column = Vec::with_capacity(j + 2);
        for v in &basis {
            let c = dot(v, &w);
            w.iter_mut().zip(v).for_each(|(w, v)| *w -= c * v);
            column.push(c);
        }
        let length = norm(&w);
        for (k, (c, s)) in rotations.iter().enumerate() {
            let (x, y) = (column[k], column[k + 1]);
            (column[k], column[k + 1]) = (c * x + s * y, c * y - s * x);
        }
        let radius = column[j].hypot(length);
        if radius == 0.0 || !radius.is_finite() {
            break;
        }
        let (c, s) = (column[j] / radius, length / radius);
        column[j] = radius;
        rotations.push((c, s));
        right.push(-s * right[j]);
        right[j] *= c;
        columns.push(column);
        if length <= f64::EPSILON * radius {
            break;
        }
        basis.push(scaled(&w, 1.0 / length));
    }
    let m = columns.len();
    let mut y = vec![0.0; m];
    for i in (0..m).rev() {
        let known: f64 = (i + 1..m).map(|j| columns[j][i] * y[j]).sum();
        y[i] = (right[i] - known) / columns[i][i];
    }
    let mut x = vec![0.0; b.len()];
    for (y, v) in y.iter().zip(&basis) {
        x.iter_mut().zip(v).for_each(|(x, v)| *x += y * v);
    }
    Solution { x, residual: right[m].abs() / norm_b, applications: m }
}

fn scaled(x: &[f64], factor: f64) -> Vec<f64> {
    x.iter().map(|x| factor * x).collect()
}

fn norm(x: &[f64]) -> f64 {
    dot(x, x).sqrt()
}

#[cfg(test)]
mod tests {
    use super::gmres;

    #[test]
    fn an_unsymmetric_system_is_solved_and_a_short_one_says_how_far_it_came() {
        let n = 12;
        let entry = |i: usize, j: usize| {
            if i == j { 3.0 + i as f64 } else { (1.7 * (i * n + j) as f64).sin() * 0.3 }
        };
        let a = |x: &[f64]| -> Vec<f64> {
            (0..n).map(|i| (0..n).map(|j| entry(i, j) * x[j]).sum()).collect()
        };
        let b: Vec<f64> = (0..n).map(|i| (0.4 * i as f64).cos()).collect();
        let residual = |x: &[f64]| {
            let square: f64 = a(x).iter().zip(&b).map(|(y, b)| (y - b).powi(2)).sum();
            square.sqrt() / b.iter().map(|b| b * b).sum::<f64>().sqrt()
        };
        let full = gmres(&b, 1e-13, 20, a);
        assert!(residual(&full.x) < 1e-12 && full.applications <= n);
        let short = gmres(&b, 1e-13, 4, a);
        assert_eq!(short.applications, 4);
        assert!((short.residual - residual(&short.x)).abs() < 1e-12 && short.residual > 1e-8);
        assert_eq!(gmres(&[0.0; 12], 1e-13, 4, a).x, [0.0; 12]);
    }
}
