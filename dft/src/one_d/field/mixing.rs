//! Density mixing: linear, and Anderson's.
//!
//! With residuals `f_k = n_out,k - n_k` and the differences `d_j = f_k - f_j`, `e_j = n_k - n_j` to the last `m` steps,
//!
//! `gamma = argmin |f_k - sum_j gamma_j d_j|^2`,
//! `n_(k+1) = n_k + alpha f_k - sum_j gamma_j (e_j + alpha d_j)`.
//!
//! Anderson, J. ACM 12, 547 (1965); Pulay's DIIS over densities, Chem. Phys. Lett. 73, 393 (1980), gives the same iterates
//! with the weights `c_j = gamma_j`, `c_k = 1 - sum gamma`. No history is linear mixing.

use crate::one_d::linear::vector::dot;

/// Densities and residuals of the steps so far, the latest last.
pub(in crate::one_d) struct History<'a> {
    pub densities: Vec<&'a [f64]>,
    pub residuals: Vec<&'a [f64]>,
}

/// Cotangents of the densities and residuals of the steps so far.
pub(in crate::one_d) struct HistoryBar {
    pub densities: Vec<Vec<f64>>,
    pub residuals: Vec<Vec<f64>>,
}

/// Differences of residuals below this share of the density are rounding: they say nothing of the map, and the smaller they are,
/// the more an adjoint multiplies.
const ROUNDING: f64 = 1e-13;

/// The differences to earlier steps, with the factor of their normal equations.
struct LeastSquares {
    /// Which earlier steps.
    used: Vec<usize>,
    /// `d_j`.
    columns: Vec<Vec<f64>>,
    /// Lower Cholesky factor of `A^T A`, row-major.
    factor: Vec<f64>,
    gamma: Vec<f64>,
}

impl LeastSquares {
    /// Over at most `most` earlier steps, without those whose difference is rounding; the oldest are left out while the
    /// differences are numerically dependent.
    fn new(history: &History, most: usize) -> Self {
        let k = history.residuals.len() - 1;
        let latest = history.residuals[k];
        let least = ROUNDING.powi(2) * dot(history.densities[k], history.densities[k]);
        let (mut used, mut columns): (Vec<usize>, Vec<Vec<f64>>) = (k.saturating_sub(most)..k)
            .map(|j| (j, difference(latest, history.residuals[j])))
            .filter(|(_, d)| dot(d, d) > least)
            .unzip();
        let factor = loop {
            if let Some(factor) = cholesky(&columns) {
                break factor;
            }
            // no columns at all have a factor
            used.remove(0);
            columns.remove(0);
        };
        let gamma = solve(&factor, columns.iter().map(|d| dot(d, latest)).collect());
        Self { used, columns, factor, gamma }
    }
}

/// The next density.
pub(in crate::one_d) fn mix(history: &History, most: usize, alpha: f64) -> Vec<f64> {
    let k = history.densities.len() - 1;
    let fit = LeastSquares::new(history, most);
    let mut next: Vec<f64> =
        history.densities[k].iter().zip(history.residuals[k]).map(|(n, f)| n + alpha * f).collect();
    for ((&j, d), gamma) in fit.used.iter().zip(&fit.columns).zip(&fit.gamma) {
        let e = difference(history.densities[k], history.densities[j]);
        for i in 0..next.len() {
            next[i] -= gamma * (e[i] + alpha * d[i]);
        }
    }
    next
}

/// Adds the cotangents of what [`mix`] used, from that of its result.
///
/// With `mu = (A^T A)^-1 gamma_bar` and `r = f - A gamma`: `f_bar = A mu`, `A_bar_j = mu_j r - gamma_j A mu`.
pub(in crate::one_d) fn mix_adjoint(
    history: &History,
    most: usize,
    alpha: f64,
    next_bar: &[f64],
    bar: &mut HistoryBar,
) {
    let k = history.densities.len() - 1;
    let fit = LeastSquares::new(history, most);
    let latest = history.residuals[k];
    add(&mut bar.densities[k], 1.0, next_bar);
    add(&mut bar.residuals[k], alpha, next_bar);
    let step = |c: usize| {
        let mut step = difference(history.densities[k], history.densities[fit.used[c]]);
        add(&mut step, alpha, &fit.columns[c]);
        step
    };
    let gamma_bar = (0..fit.used.len()).map(|c| -dot(next_bar, &step(c))).collect();
    let mu = solve(&fit.factor, gamma_bar);
    let (mut remainder, mut pulled) = (latest.to_vec(), vec![0.0; latest.len()]);
    for (c, d) in fit.columns.iter().enumerate() {
        add(&mut remainder, -fit.gamma[c], d);
        add(&mut pulled, mu[c], d);
    }
    add(&mut bar.residuals[k], 1.0, &pulled);
    for (c, &j) in fit.used.iter().enumerate() {
        let mut d_bar: Vec<f64> = remainder.iter().map(|r| mu[c] * r).collect();
        add(&mut d_bar, -fit.gamma[c], &pulled);
        add(&mut d_bar, -fit.gamma[c] * alpha, next_bar);
        add(&mut bar.residuals[k], 1.0, &d_bar);
        add(&mut bar.residuals[j], -1.0, &d_bar);
        add(&mut bar.densities[k], -fit.gamma[c], next_bar);
        add(&mut bar.densities[j], fit.gamma[c], next_bar);
    }
}

/// Lower factor of the Gram matrix of the columns; `None` where they are numerically dependent.
fn cholesky(columns: &[Vec<f64>]) -> Option<Vec<f64>> {
    let m = columns.len();
    let mut l = vec![0.0; m * m];
    for i in 0..m {
        for j in 0..=i {
            let entry = dot(&columns[i], &columns[j]);
            let rest = entry - (0..j).map(|k| l[i * m + k] * l[j * m + k]).sum::<f64>();
            if i == j {
                // half the digits are left at this loss
                if rest <= 1e-10 * entry || entry <= f64::MIN_POSITIVE {
                    return None;
                }
                l[i * m + i] = rest.sqrt();
            } else {
                l[i * m + j] = rest / l[j * m + j];
            }
        }
    }
    Some(l)
}

/// Solves `L L^T x = b`.
fn solve(l: &[f64], mut x: Vec<f64>) -> Vec<f64> {
    let m = x.len();
    for i in 0..m {
        let known: f64 = (0..i).map(|k| l[i * m + k] * x[k]).sum();
        x[i] = (x[i] - known) / l[i * m + i];
    }
    for i in (0..m).rev() {
        let known: f64 = (i + 1..m).map(|k| l[k * m + i] * x[k]).sum();
        x[i] = (x[i] - known) / l[i * m + i];
    }
    x
}

fn difference(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a - b).collect()
}

fn add(target: &mut [f64], factor: f64, x: &[f64]) {
    target.iter_mut().zip(x).for_each(|(t, x)| *t += factor * x);
}

#[cfg(test)]
mod tests {
    use super::{History, HistoryBar, dot, mix, mix_adjoint};

    fn vectors(phase: f64) -> Vec<Vec<f64>> {
        let entry = |k: usize, i: usize| ((k * k + 1) as f64 * 0.7 * (i as f64 + phase)).sin();
        (0..4).map(|k| (0..6).map(|i| entry(k, i)).collect()).collect()
    }

    fn history<'a>(n: &'a [Vec<f64>], f: &'a [Vec<f64>]) -> History<'a> {
        let slices = |v: &'a [Vec<f64>]| v.iter().map(Vec::as_slice).collect();
        History { densities: slices(n), residuals: slices(f) }
    }

    #[test]
    fn the_adjoint_agrees_with_central_differences() {
        let (n, f) = (vectors(0.3), vectors(1.9));
        let bar: Vec<f64> = (0..6).map(|i| (1.3 * f64::from(i)).cos()).collect();
        for most in [0, 1, 3] {
            let zero = vec![vec![0.0; 6]; 4];
            let mut found = HistoryBar { densities: zero.clone(), residuals: zero };
            mix_adjoint(&history(&n, &f), most, 0.4, &bar, &mut found);
            let value = |n: &[Vec<f64>], f: &[Vec<f64>]| dot(&mix(&history(n, f), most, 0.4), &bar);
            let t = 1e-5;
            for k in 0..4 {
                for i in 0..6 {
                    let moved = |v: &[Vec<f64>], t: f64| {
                        let mut v = v.to_vec();
                        v[k][i] += t;
                        v
                    };
                    let by_n = (value(&moved(&n, t), &f) - value(&moved(&n, -t), &f)) / (2.0 * t);
                    let by_f = (value(&n, &moved(&f, t)) - value(&n, &moved(&f, -t))) / (2.0 * t);
                    assert!((found.densities[k][i] - by_n).abs() < 1e-8);
                    assert!((found.residuals[k][i] - by_f).abs() < 1e-8, "{most} {k} {i}");
                }
            }
        }
    }

    /// Pulay's DIIS: `c = argmin |sum_j c_j f_j|` with `sum c = 1`, then `sum_j c_j (n_j + alpha f_j)`.
    #[test]
    fn diis_gives_the_same_densities() {
        let (n, f) = (vectors(0.3), vectors(1.9));
        let found = mix(&history(&n, &f), 2, 0.4);
        // c_1 and c_2 of the three latest, c_3 = 1 - c_1 - c_2, by the normal equations
        let d = |j: usize| -> Vec<f64> { f[j].iter().zip(&f[3]).map(|(a, b)| a - b).collect() };
        let (a, b) = (d(1), d(2));
        let (aa, ab, bb) = (dot(&a, &a), dot(&a, &b), dot(&b, &b));
        let (ra, rb) = (-dot(&a, &f[3]), -dot(&b, &f[3]));
        let determinant = aa * bb - ab * ab;
        let c1 = (ra * bb - rb * ab) / determinant;
        let c2 = (rb * aa - ra * ab) / determinant;
        for i in 0..6 {
            let of = |k: usize| n[k][i] + 0.4 * f[k][i];
            let diis = c1 * of(1) + c2 * of(2) + (1.0 - c1 - c2) * of(3);
            assert!((found[i] - diis).abs() < 1e-12);
        }
    }

    #[test]
    fn a_linear_problem_is_solved_in_as_many_steps_as_it_has_dimensions() {
        let residual = |n: &[f64]| -> Vec<f64> {
            (0..3).map(|i| 1.0 - (0.3 + i as f64) * n[i] - 0.1 * n[(i + 1) % 3]).collect()
        };
        let (mut n, mut f) = (vec![vec![0.0; 3]], Vec::new());
        for _ in 0..5 {
            f.push(residual(&n[n.len() - 1]));
            let next = mix(&history(&n, &f), 3, 0.2);
            n.push(next);
        }
        assert!(residual(&n[5]).iter().all(|f| f.abs() < 1e-10), "{:?}", n[5]);
    }
}
