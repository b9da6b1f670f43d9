//! The mixture's gradient by hand: eight points at once, sums over points kept in vector accumulators.
#![expect(
    unsafe_code,
    reason = "the limit is compiled for the vector units that the processor has"
)]

use cotangent_ad::program::{SimdLevel, simd_level};

use super::Gmm;

const LANES: usize = 8;
type Pack = [f64; LANES];

/// Value and gradient.
pub(super) fn adjoint(g: &Gmm, p: &[f64]) -> (f64, Vec<f64>) {
    let (value, of_shared) = match simd_level() {
        // SAFETY: the level is no higher than what the processor was found to have.
        SimdLevel::Avx512 => unsafe { points_avx512(g, &g.shared(p)) },
        // SAFETY: as above.
        SimdLevel::Avx2 => unsafe { points_avx2(g, &g.shared(p)) },
        SimdLevel::Baseline => points(g, &g.shared(p)),
    };
    // from the shared values to the parameters, and the prior: a few thousand operations
    let (prior, mut gradient) = prior(g, p);
    for c in 0..g.k {
        let at = g.k + g.k * g.d + c * g.triangle();
        gradient[c] += of_shared[c];
        for i in 0..g.d {
            gradient[at + i] += of_shared[c] + of_shared[at + i] * p[at + i].exp();
        }
        let lower = at + g.d..at + g.triangle();
        for i in lower.chain(g.k + c * g.d..g.k + (c + 1) * g.d) {
            gradient[i] += of_shared[i];
        }
    }
    (value + prior, gradient)
}

fn prior(g: &Gmm, p: &[f64]) -> (f64, Vec<f64>) {
    let value = g.prior(p);
    let mut gradient = vec![0.0; p.len()];
    let largest = p[..g.k].iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = p[..g.k].iter().map(|a| (a - largest).exp()).sum();
    for c in 0..g.k {
        gradient[c] = -(g.points() as f64) * (p[c] - largest).exp() / sum;
        let at = g.k + g.k * g.d + c * g.triangle();
        for i in 0..g.triangle() {
            let square = g.gamma * g.gamma;
            gradient[at + i] =
                if i < g.d { g.m - square * (2.0 * p[at + i]).exp() } else { -square * p[at + i] };
        }
    }
    (value, gradient)
}

#[target_feature(enable = "avx2,fma,avx512f,avx512dq,avx512vl")]
fn points_avx512(g: &Gmm, shared: &[f64]) -> (f64, Vec<f64>) {
    points(g, shared)
}

#[target_feature(enable = "avx2,fma")]
fn points_avx2(g: &Gmm, shared: &[f64]) -> (f64, Vec<f64>) {
    points(g, shared)
}

#[expect(clippy::inline_always, reason = "compiled with the caller's target features")]
#[inline(always)]
fn each(f: impl Fn(usize) -> f64) -> Pack {
    std::array::from_fn(f)
}

/// Sum of the points' terms, and its gradient by the shared values.
#[expect(clippy::inline_always, reason = "compiled with the caller's target features")]
#[inline(always)]
fn points(g: &Gmm, shared: &[f64]) -> (f64, Vec<f64>) {
    let (d, k) = (g.d, g.k);
    let mut total = 0.0;
    let mut bar: Vec<Pack> = vec![[0.0; LANES]; shared.len()];
    let mut centred = vec![[0.0; LANES]; k * d];
    let mut y = vec![[0.0; LANES]; k * d];
    let mut beta = vec![[0.0; LANES]; k];
    for first in (0..g.points()).step_by(LANES) {
        let lanes = LANES.min(g.points() - first);
        let mut largest = [f64::NEG_INFINITY; LANES];
        for c in 0..k {
            let (mu, factor) = g.component(shared, c);
            let (u, v) = (&mut centred[c * d..(c + 1) * d], &mut y[c * d..(c + 1) * d]);
            for j in 0..d {
                u[j] = each(|l| g.x[(first + l.min(lanes - 1)) * d + j] - mu[j]);
                v[j] = each(|l| factor[j] * u[j][l]);
            }
            let mut at = d;
            for j in 0..d {
                for i in j + 1..d {
                    v[i] = each(|l| factor[at].mul_add(u[j][l], v[i][l]));
                    at += 1;
                }
            }
            let mut square = [0.0; LANES];
            for v in v.iter() {
                square = each(|l| v[l].mul_add(v[l], square[l]));
            }
            beta[c] = each(|l| shared[c] - 0.5 * square[l]);
            largest = each(|l| largest[l].max(beta[c][l]));
        }
        let mut sum = [0.0; LANES];
        for b in &mut beta {
            *b = each(|l| (b[l] - largest[l]).exp());
            sum = each(|l| sum[l] + b[l]);
        }
        total += (0..lanes).map(|l| sum[l].ln() + largest[l]).sum::<f64>();
        for c in 0..k {
            let weight = each(|l| if l < lanes { beta[c][l] / sum[l] } else { 0.0 });
            bar[c] = each(|l| bar[c][l] + weight[l]);
            let (u, v) = (&centred[c * d..(c + 1) * d], &mut y[c * d..(c + 1) * d]);
            for v in v.iter_mut() {
                *v = each(|l| -weight[l] * v[l]);
            }
            pull(g, shared, c, u, v, &mut bar);
        }
    }
    (total, bar.iter().map(|b| b.iter().sum()).collect())
}

/// Through `y = Q (x - mu)` of component `c`.
#[expect(clippy::inline_always, reason = "compiled with the caller's target features")]
#[inline(always)]
fn pull(g: &Gmm, shared: &[f64], c: usize, u: &[Pack], y_bar: &[Pack], bar: &mut [Pack]) {
    let d = g.d;
    let factors = g.k + g.k * d + c * g.triangle();
    let factor = &shared[factors..factors + g.triangle()];
    let mut at = d;
    for j in 0..d {
        let diagonal = &mut bar[factors + j];
        *diagonal = each(|l| y_bar[j][l].mul_add(u[j][l], diagonal[l]));
        let mut u_bar = each(|l| factor[j] * y_bar[j][l]);
        for i in j + 1..d {
            let lower = &mut bar[factors + at];
            *lower = each(|l| y_bar[i][l].mul_add(u[j][l], lower[l]));
            u_bar = each(|l| factor[at].mul_add(y_bar[i][l], u_bar[l]));
            at += 1;
        }
        let mu = &mut bar[g.k + c * d + j];
        *mu = each(|l| mu[l] - u_bar[l]);
    }
}
