//! Loops of run-time sizes, and factors.

use cotangent_ad::linalg::{
    Matrix, Triangle, cholesky, dot, log_det_spd, solve_spd, solve_triangular,
};
use cotangent_ad::{Real, ScanOptions, SliceStep, Var, grad};

use crate::clock;
use crate::peer::{PeerError, Peers};
use crate::report::{Item, Row};

const STEPS: usize = 1000;
/// Entries of the state, and of what a row of weights is applied to: the state and four waves.
const STATE: usize = 14;
const INPUTS: usize = STATE + 4;

/// `h <- tanh(W (h, waves))` with 252 weights.
#[derive(Clone)]
struct Network;
impl SliceStep for Network {
    fn step<R: Real>(&self, number: usize, state: &[R], weights: &[R]) -> Vec<R> {
        let wave = |k: usize| R::lit((number as f64 * 0.01 * (k + 1) as f64).sin());
        let inputs: Vec<R> = state.iter().copied().chain((0..4).map(wave)).collect();
        weights.chunks(INPUTS).map(|row| dot(row, &inputs).tanh()).collect()
    }
}

fn network<R: Real>(weights: &[R]) -> R {
    let start = vec![R::lit(0.1); STATE];
    let end = R::scan_slice(&Network, STEPS, &start, weights, &ScanOptions::default());
    dot(&end, &end)
}

/// `y^T K^-1 y + log det K`, `K = exp(-(i - j)^2 / 2 l^2) + s I`, by a Cholesky factor or by rules of the whole.
fn likelihood<R: Real>(p: &[R], n: usize, by_factor: bool) -> R {
    let kernel = |i: usize, j: usize| {
        let apart = (i as f64 - j as f64) * 0.1;
        let smooth = (p[0] * (-0.5 * apart * apart)).exp();
        if i == j { smooth + p[1] } else { smooth }
    };
    let k = Matrix::from_fn(n, n, kernel);
    let y = Matrix::from_fn(n, 1, |i, _| R::lit((i as f64 * 0.37).sin()));
    if by_factor {
        let l = cholesky(&k).expect("positive definite");
        let z = solve_triangular(&l, Triangle::Lower, &y);
        let log_det = (0..n).fold(R::lit(0.0), |s, i| s + l[(i, i)].ln() * 2.0);
        return dot(z.data(), z.data()) + log_det;
    }
    let z = solve_spd(&k, &y).expect("positive definite");
    dot(z.data(), y.data()) + log_det_spd(&k).expect("positive definite")
}

/// Gradients beside the values they are of.
pub(super) fn rows(_: &Peers) -> Result<Vec<Item>, PeerError> {
    let weights: Vec<f64> = (0..STATE * INPUTS).map(|k| 0.3 * (k as f64).sin()).collect();
    let (value, gradient) =
        (clock::best(20, || network(&weights)), clock::best(20, || grad(network, &weights)));
    let p = [1.3, 0.1];
    let whole = clock::best(5, || grad(|p: &[Var<f64>]| likelihood(p, 200, false), &p));
    let factor = clock::best(5, || grad(|p: &[Var<f64>]| likelihood(p, 200, true), &p));
    Ok(vec![
        Row::cpu_us(
            "gradient of scan_slice by 252 parameters, 1000 steps",
            gradient,
            ("the value", value),
            Some(6.0),
        ),
        Row::cpu_us(
            "GP likelihood gradient, n = 200, by cholesky and solve_triangular",
            factor,
            ("by solve_spd and log_det_spd", whole),
            Some(1.25),
        ),
    ])
}
