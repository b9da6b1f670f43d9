//! Gaussian mixture: log posterior of `n` points in `d` dimensions under `k` components.
//!
//! `F = sum_i lse_k beta_ik - n lse(alpha) - n d/2 ln 2pi + prior`, `beta_ik = alpha_k + sum q_k - |Q_k (x_i - mu_k)|^2 / 2`,
//! `Q_k` lower triangular with diagonal `exp q_k` and the strict lower part column by column; Wishart prior
//! `k (N d (ln gamma - ln 2 / 2) - ln Gamma_d(N / 2)) - gamma^2/2 sum |Q_k|^2 + m sum q`, `N = d + m + 1`.
//! Parameters: `alpha`, `mu`, then for each component `q` and the lower part.

use std::path::Path;

use cotangent_ad::Real;
use cotangent_ad::program::{ItemProgram, Program, ReplayError, Traced};
use cotangent_ad::random::Stream;

use super::{numbers, sizes};

/// Sizes and data.
#[derive(Clone, Debug)]
pub(crate) struct Gmm {
    pub(crate) d: usize,
    pub(crate) k: usize,
    /// Points, row by row.
    pub(crate) x: Vec<f64>,
    gamma: f64,
    m: f64,
}

impl Gmm {
    /// Points row by row, and the two numbers of the prior.
    pub(crate) fn new(d: usize, k: usize, x: Vec<f64>, gamma: f64, m: f64) -> Self {
        Self { d, k, x, gamma, m }
    }

    /// Data of the original's shape, and parameters.
    pub(crate) fn generate(d: usize, k: usize, n: usize) -> (Self, Vec<f64>) {
        let stream = Stream::new(&[0x6d6d67, d as u64, k as u64, n as u64]);
        let x = (0..n * d).map(|i| stream.normal(i as u64)).collect();
        let size = k + k * d + k * d * (d + 1) / 2;
        let p = (0..size).map(|i| 0.5 * stream.normal((n * d + i) as u64)).collect();
        (Self::new(d, k, x, 1.0, 0.0), p)
    }

    /// An original file.
    pub(crate) fn read(path: &Path) -> Option<(Self, Vec<f64>)> {
        let all = numbers(path)?;
        let [d, k, n] = sizes(&all);
        let size = k + k * d + k * d * (d + 1) / 2;
        let (p, rest) = all[3..].split_at(size);
        let (x, rest) = rest.split_at(n * d);
        Some((Self::new(d, k, x.to_vec(), rest[0], rest[1]), p.to_vec()))
    }

    pub(crate) fn points(&self) -> usize {
        self.x.len() / self.d
    }

    fn triangle(&self) -> usize {
        self.d * (self.d + 1) / 2
    }

    /// Rows of component `c`: `mu`, the packed factor.
    fn component<'a, R>(&self, p: &'a [R], c: usize) -> (&'a [R], &'a [R]) {
        let factors = self.k + self.k * self.d;
        (
            &p[self.k + c * self.d..][..self.d],
            &p[factors + c * self.triangle()..][..self.triangle()],
        )
    }

    /// What all points share: the parameters with `exp q` in place of `q`, and `alpha_k + sum q_k` in place of `alpha`.
    pub(crate) fn shared<R: Real>(&self, p: &[R]) -> Vec<R> {
        let mut shared = p.to_vec();
        for c in 0..self.k {
            let at = self.k + self.k * self.d + c * self.triangle();
            for i in 0..self.d {
                shared[c] += p[at + i];
                shared[at + i] = p[at + i].exp();
            }
        }
        shared
    }

    /// `lse_k beta_k` of one point. `beta` and `y` are scratch.
    pub(crate) fn point<R: Real>(
        &self,
        x: &[R],
        shared: &[R],
        beta: &mut Vec<R>,
        y: &mut Vec<R>,
    ) -> R {
        let d = self.d;
        beta.clear();
        for c in 0..self.k {
            let (mu, factor) = self.component(shared, c);
            let (diagonal, lower) = factor.split_at(d);
            y.clear();
            y.resize(d, R::lit(0.0));
            let mut at = 0;
            for j in 0..d {
                let centred = x[j] - mu[j];
                y[j] += diagonal[j] * centred;
                let column = &lower[at..at + d - 1 - j];
                for (y, l) in y[j + 1..].iter_mut().zip(column) {
                    *y += *l * centred;
                }
                at += d - 1 - j;
            }
            let square = y.iter().fold(R::lit(0.0), |s, y| s + *y * *y);
            beta.push(shared[c] - square * 0.5);
        }
        log_sum_exp(beta)
    }

    /// Everything but the points' terms.
    pub(crate) fn prior<R: Real>(&self, p: &[R]) -> R {
        let (d, k, n) = (self.d as f64, self.k as f64, self.points() as f64);
        let degrees = d + self.m + 1.0;
        let log_gamma: f64 = (0..self.d).map(|j| ln_gamma(0.5 * (degrees - j as f64))).sum();
        let log_gamma = 0.25 * d * (d - 1.0) * std::f64::consts::PI.ln() + log_gamma;
        let wishart = k * (degrees * d * (self.gamma.ln() - 0.5 * 2.0_f64.ln()) - log_gamma);
        let constant = wishart - n * d * 0.5 * (2.0 * std::f64::consts::PI).ln();
        let (mut squares, mut logs) = (R::lit(0.0), R::lit(0.0));
        for c in 0..self.k {
            let (_, factor) = self.component(p, c);
            for (i, f) in factor.iter().enumerate() {
                let f = if i < self.d {
                    logs += *f;
                    f.exp()
                } else {
                    *f
                };
                squares += f * f;
            }
        }
        let mixture = log_sum_exp(&p[..self.k]) * n;
        logs * self.m - squares * (0.5 * self.gamma * self.gamma) - mixture + constant
    }

    /// The objective.
    pub(crate) fn objective<R: Real>(&self, p: &[R]) -> R {
        let shared = self.shared(p);
        let (mut beta, mut y) = (Vec::new(), Vec::new());
        let mut x = Vec::with_capacity(self.d);
        let mut total = self.prior(p);
        for point in self.x.chunks_exact(self.d) {
            x.clear();
            x.extend(point.iter().map(|v| R::lit(*v)));
            total += self.point(&x, &shared, &mut beta, &mut y);
        }
        total
    }

    /// The objective as programs.
    pub(crate) fn record(&self, p: &[f64]) -> Result<Recorded, ReplayError> {
        let gmm = Self { x: Vec::new(), ..self.clone() };
        let point = move |x: &[Traced], p: &[Traced]| {
            vec![gmm.point(x, &gmm.shared(p), &mut Vec::new(), &mut Vec::new())]
        };
        Ok(Recorded {
            points: ItemProgram::record(point, self.d, p, &self.x)?,
            prior: Program::record(|p| vec![self.prior(p)], p),
        })
    }
}

/// The recorded objective.
#[derive(Debug)]
pub(crate) struct Recorded {
    points: ItemProgram,
    prior: Program,
}

impl Recorded {
    /// Value and gradient.
    pub(crate) fn gradient(&self, g: &Gmm, p: &[f64]) -> Result<(f64, Vec<f64>), ReplayError> {
        let (y, mut gradient) = self.points.sum_vjp(&g.x, p, &[1.0])?;
        let (prior, of_prior) = self.prior.vjp(p, &[1.0])?;
        gradient.iter_mut().zip(of_prior).for_each(|(g, o)| *g += o);
        Ok((y[0] + prior[0], gradient))
    }
}

/// `ln sum exp`, shifted by the largest.
fn log_sum_exp<R: Real>(x: &[R]) -> R {
    let largest = x[1..].iter().fold(x[0], |m, x| m.max(*x));
    let sum = x.iter().fold(R::lit(0.0), |s, x| s + (*x - largest).exp());
    sum.ln() + largest
}

/// `ln Gamma(x)` for `x > 0` (Lanczos, g = 7, n = 9: 15 digits). Only of constants here.
fn ln_gamma(x: f64) -> f64 {
    const C: [f64; 9] = [
        0.999_999_999_999_809_9,
        676.520_368_121_885_1,
        -1_259.139_216_722_402_8,
        771.323_428_777_653_1,
        -176.615_029_162_140_6,
        12.507_343_278_686_905,
        -0.138_571_095_265_720_12,
        9.984_369_578_019_572e-6,
        1.505_632_735_149_311_6e-7,
    ];
    let x = x - 1.0;
    let t = x + 7.5;
    let series = (1..9).fold(C[0], |s, i| s + C[i] / (x + i as f64));
    0.5 * (2.0 * std::f64::consts::PI).ln() + (x + 0.5) * t.ln() - t + series.ln()
}

/// The objective's points' terms by hand, scalar: what generic code may lose against.
pub(crate) fn by_hand(g: &Gmm, p: &[f64]) -> f64 {
    let (d, k) = (g.d, g.k);
    let mut total = g.prior(p);
    let shared = g.shared(p);
    let (mut y, mut beta) = (vec![0.0; d], vec![0.0; k]);
    for x in g.x.chunks_exact(d) {
        let mut largest = f64::NEG_INFINITY;
        for c in 0..k {
            let (mu, factor) = g.component(&shared, c);
            y.fill(0.0);
            let mut at = d;
            for j in 0..d {
                let centred = x[j] - mu[j];
                y[j] += factor[j] * centred;
                for i in j + 1..d {
                    y[i] += factor[at] * centred;
                    at += 1;
                }
            }
            beta[c] = shared[c] - 0.5 * y.iter().map(|y| y * y).sum::<f64>();
            largest = largest.max(beta[c]);
        }
        total += beta.iter().map(|b| (b - largest).exp()).sum::<f64>().ln() + largest;
    }
    total
}

/// Value and gradient by hand, reverse, over eight points at once where the processor can.
pub(crate) fn adjoint(g: &Gmm, p: &[f64]) -> (f64, Vec<f64>) {
    adjoint::adjoint(g, p)
}

mod adjoint;

#[cfg(test)]
mod tests {
    use cotangent_ad::{Dual, grad};

    use super::{Gmm, adjoint, by_hand};
    use crate::adbench::difference;

    #[test]
    fn all_gradients_agree() {
        let (g, p) = Gmm::generate(4, 3, 37);
        let value = g.objective(&p);
        assert!((by_hand(&g, &p) - value).abs() < 1e-12 * value.abs());
        let tape = grad(|p| g.objective(p), &p);
        let duals: Vec<f64> = (0..p.len())
            .map(|k| {
                let x: Vec<Dual<f64, 1>> = (0..p.len())
                    .map(|i| Dual { re: p[i], eps: [f64::from(u8::from(i == k))] })
                    .collect();
                g.objective(&x).eps[0]
            })
            .collect();
        let (program_value, program) = g.record(&p).unwrap().gradient(&g, &p).unwrap();
        let (hand_value, hand) = adjoint(&g, &p);
        assert!((program_value - value).abs() < 1e-13 * value.abs());
        assert!((hand_value - value).abs() < 1e-13 * value.abs());
        for found in [tape, program, hand] {
            assert!(difference(&found, &duals) < 1e-12);
        }
    }
}
