//! Linear systems known by their products, without symmetry: minimal residuals over Krylov spaces.

use super::matrix::dot;
use super::norm;

/// What an iteration found.
pub(crate) struct Iterated {
    pub(crate) x: Vec<f64>,
    /// The residual beside the right side.
    pub(crate) residual: f64,
    /// Products with the matrix.
    pub(crate) products: usize,
}

/// `A^-1 b` by GMRES (Saad & Schultz 1986), preconditioned from the right and orthogonalised twice, begun anew with the
/// residual after every `restart` products.
///
/// It ends at the tolerance, at `max_products`, where a restart gains nothing, or where a product is not finite; whether
/// the residual is small enough is for the caller to judge.
pub(crate) fn gmres(
    apply: impl Fn(&[f64]) -> Vec<f64>,
    precondition: impl Fn(&[f64]) -> Vec<f64>,
    b: &[f64],
    (tolerance, restart, max_products): (f64, usize, usize),
) -> Iterated {
    let scale = norm(b);
    let mut found = Iterated { x: vec![0.0; b.len()], residual: 1.0, products: 0 };
    if scale == 0.0 {
        return Iterated { residual: 0.0, ..found };
    }
    let mut r = b.to_vec();
    loop {
        let before = found.residual;
        let left = max_products.saturating_sub(found.products).min(restart.max(1));
        let cycle = Cycle::run(&apply, &precondition, &r, tolerance * scale, left);
        found.products += cycle.columns.len();
        let step = precondition(&cycle.combination());
        found.x.iter_mut().zip(&step).for_each(|(x, s)| *x += s);
        // the true residual, not the recurrence's
        let image = apply(&found.x);
        found.products += 1;
        r = b.iter().zip(&image).map(|(b, y)| b - y).collect();
        found.residual = norm(&r) / scale;
        let stagnates = found.residual > 0.5 * before && cycle.exhausted;
        let done = found.residual <= tolerance || found.products >= max_products || stagnates;
        if done || !found.residual.is_finite() || found.residual >= before {
            return found;
        }
    }
}

/// One Krylov space.
struct Cycle {
    basis: Vec<Vec<f64>>,
    /// Columns of the triangular factor of the Hessenberg matrix.
    columns: Vec<Vec<f64>>,
    /// The rotated right side; its last entry is the residual.
    right: Vec<f64>,
    /// Whether the space cannot grow any more.
    exhausted: bool,
}

impl Cycle {
    fn run(
        apply: impl Fn(&[f64]) -> Vec<f64>,
        precondition: impl Fn(&[f64]) -> Vec<f64>,
        r: &[f64],
        enough: f64,
        most: usize,
    ) -> Self {
        let size = norm(r);
        let first = r.iter().map(|r| r / size).collect::<Vec<f64>>();
        let mut cycle =
            Self { basis: vec![first], columns: Vec::new(), right: vec![size], exhausted: false };
        let mut rotations: Vec<(f64, f64)> = Vec::new();
        for k in 0..most {
            let mut w = apply(&precondition(&cycle.basis[k]));
            let before = norm(&w);
            if !before.is_finite() || before == 0.0 {
                cycle.exhausted = true;
                break;
            }
            let mut column = vec![0.0; k + 1];
            for _ in 0..2 {
                for (h, v) in column.iter_mut().zip(&cycle.basis) {
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
            if radius == 0.0 {
                cycle.exhausted = true;
                break;
            }
            let (c, s) = (column[k] / radius, rest / radius);
            column[k] = radius;
            rotations.push((c, s));
            cycle.columns.push(column);
            let last = cycle.right[k];
            cycle.right[k] = c * last;
            cycle.right.push(-s * last);
            cycle.exhausted = rest <= f64::EPSILON * before;
            if cycle.right[k + 1].abs() <= enough || cycle.exhausted {
                break;
            }
            cycle.basis.push(w.iter().map(|w| w / rest).collect());
        }
        cycle
    }

    /// Back substitution, then the combination of the basis.
    fn combination(&self) -> Vec<f64> {
        let k = self.columns.len();
        let mut weights = self.right[..k].to_vec();
        for i in (0..k).rev() {
            weights[i] /= self.columns[i][i];
            for j in 0..i {
                weights[j] -= self.columns[i][j] * weights[i];
            }
        }
        let entry = |i: usize| self.basis.iter().zip(&weights).map(|(v, w)| v[i] * w).sum();
        (0..self.basis[0].len()).map(entry).collect()
    }
}
