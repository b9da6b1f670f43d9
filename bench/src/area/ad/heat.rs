//! Ten implicit steps of heat on a grid, by all conductivities; and a loop of many scalar states.

use std::process::Command;

use cotangent_ad::linalg::SparseFactor;
use cotangent_ad::sparse::SparseMatrix;
use cotangent_ad::{Dual, Num, Real, Step, Var, grad, hvp, tape};

use crate::area::ad::pendulum::assert_same;
use crate::peer::{self, PeerError, Peers};
use crate::report::{Item, Proof, Row};
use crate::{clock, memory};

const SIDE: usize = 100;
const CELLS: usize = SIDE * SIDE;
const STEPS: usize = 10;
/// Of a time step of 1e-3 on the unit square: its length by the square of a cell's side.
const RATE: f64 = 10.0;
const REPEATS: usize = 5;
const MEBIBYTE: f64 = 1_048_576.0;

/// `1 + RATE L(k)`: each cell exchanges with its neighbours by the mean of both conductivities.
fn matrix<R: Real>(k: &[R]) -> SparseMatrix<R> {
    let mut entries: Vec<(usize, usize, R)> = (0..CELLS).map(|i| (i, i, R::lit(1.0))).collect();
    for i in 0..CELLS {
        let right = (i % SIDE + 1 < SIDE).then_some(i + 1);
        let below = (i + SIDE < CELLS).then_some(i + SIDE);
        for j in [right, below].into_iter().flatten() {
            let flow = (k[i] + k[j]) * (0.5 * RATE);
            entries.extend([(i, i, flow), (j, j, flow), (i, j, -flow), (j, i, -flow)]);
        }
    }
    SparseMatrix::from_triplets(CELLS, CELLS, &entries)
}

/// What is left, weighed, of a warm spot.
fn loss<R: Real>(k: &[R]) -> R {
    let factor = SparseFactor::cholesky(matrix(k)).expect("a square matrix");
    let apart = |i: usize, middle: f64| (i as f64 - middle * SIDE as f64).powi(2);
    let warm = |i: usize| (-0.01 * (apart(i / SIDE, 0.3) + apart(i % SIDE, 0.4))).exp();
    let start: Vec<R> = (0..CELLS).map(|i| R::lit(warm(i))).collect();
    let end = (0..STEPS).fold(start, |u, _| factor.solve(&u).expect("positive definite"));
    let weighed = |(i, u): (usize, &R)| *u * *u * (1.0 + (i % SIDE) as f64 / SIDE as f64);
    end.iter().enumerate().map(weighed).sum()
}

fn conductivities() -> Vec<f64> {
    (0..CELLS).map(|i| 1.0 + 0.5 * (0.1 * i as f64).sin()).collect()
}

fn direction() -> Vec<f64> {
    (0..CELLS).map(|i| 1.0 + 0.5 * (0.01 * i as f64).cos()).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Value, gradient and product with the Hessian beside JAX.
pub(super) fn rows(peers: &Peers) -> Result<Vec<Item>, PeerError> {
    let (k, v) = (conductivities(), direction());
    let ours = [
        ("value", clock::best(REPEATS, || loss(&k))),
        ("gradient", clock::best(REPEATS, || grad(loss, &k))),
        ("hvp", clock::best(REPEATS, || hvp(loss, &k, &v))),
    ];
    let work =
        |name: &str| format!("heat, 100 x 100, 10 implicit steps, 10^4 conductivities: {name}");
    let python = match peers.python("jax") {
        Ok(python) => python,
        Err(why) => {
            let skipped =
                |(name, ours): &(&str, f64)| Row::skipped(&work(name), *ours, "JAX", &why);
            return Ok(ours.iter().map(skipped).collect());
        }
    };
    let arguments = [SIDE, STEPS, REPEATS].map(|a| a.to_string());
    let script = peer::script("heat_jax.py");
    let jax = peer::run(Command::new(python).arg(script).args(arguments))?;
    let slope = dot(&grad(loss, &k), &v);
    assert_same("heat", &[loss(&k), slope], &jax["gradient"].values);
    assert_same("heat, hvp", &[0.0, dot(&hvp(loss, &k, &v), &v)], &jax["hvp"].values);
    let row = |(name, ours): &(&str, f64)| {
        let must = (*name != "value").then_some(1.0);
        Row::cpu_us(&work(name), *ours, ("JAX jit, conjugate gradients", jax[*name].cpu_s), must)
    };
    Ok(ours.iter().map(row).collect())
}

/// The slope at 0 by central differences at two lengths: what is left is their fourth power, and rounding over the length.
fn fourth_order_difference(f: impl Fn(f64) -> f64) -> f64 {
    let h = 1e-3;
    let central = |h: f64| (f(h) - f(-h)) / (2.0 * h);
    (4.0 * central(h) - central(2.0 * h)) / 3.0
}

/// The gradient against tangents and differences, and what it holds.
pub(super) fn proofs(_: &Peers) -> Result<Vec<Item>, PeerError> {
    let (k, v) = (conductivities(), direction());
    let moved = |h: f64| -> Vec<f64> { k.iter().zip(&v).map(|(k, v)| k + h * v).collect() };
    let along: Vec<Dual<f64, 1>> =
        k.iter().zip(&v).map(|(k, v)| Dual { re: *k, eps: [*v] }).collect();
    let gradient = grad(loss, &k);
    let slope = dot(&gradient, &v);
    let tangent = loss(&along).eps[0];
    let difference = fourth_order_difference(|h| loss(&moved(h)));
    let second = dot(&hvp(loss, &k, &v), &v);
    let gradients = fourth_order_difference(|h| dot(&grad(loss, &moved(h)), &v));
    let relative = |a: f64, b: f64| (a - b).abs() / b.abs();
    let proof = |what: &str, must: f64, found: f64| {
        Item::Proof(Proof {
            what: what.into(),
            must: format!("<= {must:.0e}"),
            measured: format!("{found:.1e}"),
            holds: found <= must,
        })
    };
    tape::trim();
    let held = memory::most_held(|| grad(loss, &k)) as f64 / MEBIBYTE;
    tape::trim();
    let held_twice = memory::most_held(|| hvp(loss, &k, &v)) as f64 / MEBIBYTE;
    tape::trim();
    let mebibytes = |what: &str, found: f64| {
        Item::Proof(Proof {
            what: what.into(),
            must: "<= 64 MiB".into(),
            measured: format!("{found:.1} MiB"),
            holds: found <= 64.0,
        })
    };
    Ok(vec![
        proof(
            "heat, 10^4 conductivities: gradient against a tangent",
            1e-8,
            relative(slope, tangent),
        ),
        proof("heat: gradient against central differences", 1e-8, relative(slope, difference)),
        proof(
            "heat: hvp against central differences of gradients",
            1e-8,
            relative(second, gradients),
        ),
        mebibytes("heat: most that the gradient holds at once", held),
        mebibytes("heat: most that the hvp holds at once", held_twice),
    ])
}

/// Scalar states of the loop.
const STATES: usize = 64;
const LOOPS: usize = 10_000;

/// A ring of states, each drawn by the next.
#[derive(Clone)]
struct Ring;
impl Step<STATES, 2> for Ring {
    fn step<R: Real>(&self, x: [R; STATES], p: [R; 2]) -> [R; STATES] {
        std::array::from_fn(|k| x[k] + (p[0] * x[(k + 1) % STATES].sin() - p[1] * x[k]) * 0.01)
    }
}

fn ring(p: &[Var<f64>]) -> Var<f64> {
    let start = std::array::from_fn(|k| Num::lit(0.1 * (k as f64 + 1.0) / STATES as f64));
    Real::scan(&Ring, LOOPS, start, [p[0], p[1]]).into_iter().map(|x| x * x).sum()
}

/// The gradient of a loop of 64 scalar states beside `jit(grad(scan))` over a tuple.
pub(super) fn ring_rows(peers: &Peers) -> Result<Vec<Item>, PeerError> {
    let (work, p) = ("gradient of a scan of 64 scalar states, 10^4 steps", [1.1, 0.8]);
    let ours = clock::best(3, || grad(ring, &p));
    let python = match peers.python("jax") {
        Ok(python) => python,
        Err(why) => return Ok(vec![Row::skipped(work, ours, "JAX", &why)]),
    };
    let arguments = [STATES, LOOPS, 2].map(|a| a.to_string());
    let jax = peer::run(Command::new(python).arg(peer::script("scan_jax.py")).args(arguments))?;
    let jax = &jax["reverse"];
    assert_same(work, &grad(ring, &p), &jax.values[1..]);
    Ok(vec![Row::cpu_us(work, ours, ("JAX jit(grad(scan)) over a tuple", jax.cpu_s), Some(0.05))])
}
