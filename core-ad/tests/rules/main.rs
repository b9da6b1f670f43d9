//! Every rule against independent derivatives, in both modes and to second order.
#![allow(
    clippy::float_cmp,
    clippy::redundant_closure,
    clippy::redundant_closure_for_method_calls,
    clippy::unwrap_used,
    reason = "equal bits are tested, and a closure keeps a generic model generic"
)]

mod implicit;
mod linalg;
mod nn;
mod special;

use std::convert::Infallible;

use cotangent_ad::check::{dot_product, taylor};
use cotangent_ad::random::Stream;
use cotangent_ad::{Dual, Real, VectorFn, grad, hvp, jvp, vjp};

/// Some numbers in [-1, 1).
fn numbers(seed: u64, n: usize) -> Vec<f64> {
    let stream = Stream::new(&[seed]);
    (0..n as u64).map(|k| 2.0 * stream.uniform(k) - 1.0).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// `w . f(x)`.
fn weighted<R: Real>(f: &impl VectorFn, w: &[f64], x: &[R]) -> R {
    f.call(x).iter().zip(w).fold(R::lit(0.0), |s, (y, w)| s + *y * *w)
}

/// Taylor slope and dot product of the first derivatives; of the second, forward over reverse against forward over forward
/// and against central differences of gradients.
fn prove(f: &impl VectorFn, x: &[f64]) {
    let outputs = f.call(x).len();
    let (v, u, w) = (numbers(1, x.len()), numbers(2, x.len()), numbers(3, outputs));
    let (y, y_dot) = jvp(|x| f.call(x), x, &v);
    let (same, x_bar) = vjp(|x| f.call(x), x, &w);
    assert_eq!(y, same, "the value is the same in both modes");
    assert_eq!(y, f.call(x), "and the plain one");
    let mismatch = dot_product(&y_dot, &w, &v, &x_bar);
    assert!(mismatch < 1e-12, "dot-product test: {mismatch:e}");
    let slope = dot(&x_bar, &v);
    let value = |x: &[f64]| Ok::<_, Infallible>(weighted(f, &w, x));
    let test = taylor(value, x, &v, slope, 1e-2, 10).unwrap();
    assert!(test.passes(), "Taylor: {test:?}");

    let second = hvp(|x| weighted(f, &w, x), x, &v);
    let by_reverse = dot(&second, &u);
    let twice: Vec<_> = (0..x.len())
        .map(|k| Dual { re: Dual { re: x[k], eps: [u[k]] }, eps: [Dual { re: v[k], eps: [0.0] }] })
        .collect();
    let by_forward = weighted::<Dual<Dual<f64, 1>, 1>>(f, &w, &twice).eps[0].eps[0];
    let size = second.iter().fold(1e-3_f64, |s, h| s.max(h.abs()));
    assert!((by_reverse - by_forward).abs() < 1e-9 * size, "{by_reverse} {by_forward}");
    let gradient = |t: f64| {
        let moved: Vec<f64> = x.iter().zip(&v).map(|(x, v)| x + t * v).collect();
        grad(|x| weighted(f, &w, x), &moved)
    };
    let (above, below) = (gradient(1e-5), gradient(-1e-5));
    for k in 0..x.len() {
        let difference = (above[k] - below[k]) / 2e-5;
        assert!((second[k] - difference).abs() < 3e-6 * size, "{k}: {} {difference}", second[k]);
    }
}
