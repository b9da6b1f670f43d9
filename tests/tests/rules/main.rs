//! Every rule against independent derivatives, in both modes and to second order.
#![allow(
    clippy::float_cmp,
    clippy::redundant_closure,
    clippy::redundant_closure_for_method_calls,
    clippy::unwrap_used,
    reason = "equal bits are tested, and a closure keeps a generic model generic"
)]

mod bad_input;
mod event;
mod implicit;
mod ivp;
mod kinks;
mod linalg;
mod nn;
mod ode;
mod primitives;
mod singular;
mod special;
mod spectral;
#[path = "../systems/mod.rs"]
mod systems;

use std::convert::Infallible;

use cotangent_ad::check::{dot_product, taylor, taylor_second};
use cotangent_ad::program::{Program, Traced};
use cotangent_ad::random::Stream;
use cotangent_ad::{Dual, Real, Var, VectorFn, grad, hvp, jvp, vjp};

/// Some numbers in [-1, 1).
fn numbers(seed: u64, n: usize) -> Vec<f64> {
    let stream = Stream::new(&[seed]);
    (0..n as u64).map(|k| 2.0 * stream.uniform(k) - 1.0).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// A function at every scalar that it is tested with: one table of pointers, so that the tests are compiled once.
struct Modes<'a> {
    plain: At<'a, f64>,
    dual: At<'a, Dual<f64, 1>>,
    tape: At<'a, Var<f64>>,
    /// Forward over reverse.
    taped: At<'a, Var<Dual<f64, 1>>>,
    /// Reverse over reverse.
    doubly_taped: At<'a, Var<Var<f64>>>,
    /// Forward over forward.
    nested: At<'a, Dual<Dual<f64, 1>, 1>>,
    /// A program: forward over reverse, and reverse over reverse, where the pullback of a rule is itself pulled back.
    recorded: At<'a, Traced>,
}

type At<'a, R> = &'a dyn Fn(&[R]) -> Vec<R>;

/// Proves the derivatives of `f` at `x`, see [`Modes::prove`].
fn prove(f: &impl VectorFn, x: &[f64]) {
    let modes = Modes {
        plain: &|x| f.call(x),
        dual: &|x| f.call(x),
        tape: &|x| f.call(x),
        taped: &|x| f.call(x),
        doubly_taped: &|x| f.call(x),
        nested: &|x| f.call(x),
        recorded: &|x| f.call(x),
    };
    modes.prove(x);
}

/// `sum w_k (y_k + y_k^2 / 2)`: its cotangent `w_k (1 + y_k)` moves with the outputs, so that the pullback of a rule is
/// differentiated by what it pulls back too, and no weights are symmetric, so that a transpose too many shows.
fn bent<R: Real>(y: &[R], w: &[f64]) -> R {
    y.iter().zip(w).fold(R::lit(0.0), |s, (y, w)| s + *y * (*y * 0.5 + 1.0) * *w)
}

/// The outputs weighted by `w`.
fn weighted<R: Real>(y: &[R], w: &[f64]) -> R {
    y.iter().zip(w).fold(R::lit(0.0), |s, (y, w)| s + *y * *w)
}

impl Modes<'_> {
    /// Dot product and Taylor slope of the first derivatives in both modes; of the second, forward over reverse against
    /// forward over forward, Taylor slope and central differences of gradients; of what bends their outputs, tape and program
    /// against forward over forward.
    fn prove(&self, x: &[f64]) {
        let outputs = (self.plain)(x).len();
        let (v, u, w) = (numbers(1, x.len()), numbers(2, x.len()), numbers(3, outputs));
        let (y, y_dot) = jvp(self.dual, x, &v);
        let (same, x_bar) = vjp(self.tape, x, &w);
        assert_eq!(y, same, "the value is the same in both modes");
        assert_eq!(y, (self.plain)(x), "and the plain one");
        let mismatch = dot_product(&y_dot, &w, &v, &x_bar);
        assert!(mismatch < 1e-12, "dot-product test: {mismatch:e}");
        let slope = dot(&x_bar, &v);
        let value = |x: &[f64]| Ok::<_, Infallible>(weighted(&(self.plain)(x), &w));
        let test = taylor(value, x, &v, slope, 1e-2, 10).unwrap();
        assert!(test.passes(), "Taylor: {test:?}");

        let second = hvp(|x| weighted(&(self.taped)(x), &w), x, &v);
        let test = taylor_second(value, x, &v, [slope, dot(&second, &v)], 1e-2, 8).unwrap();
        assert!(test.passes(), "Taylor of second order: {test:?}");
        let by_reverse = dot(&second, &u);
        let (one, zero) = (|re, eps| Dual { re, eps: [eps] }, 0.0);
        let twice: Vec<_> =
            (0..x.len()).map(|k| Dual { re: one(x[k], u[k]), eps: [one(v[k], zero)] }).collect();
        let outputs = (self.nested)(&twice);
        let by_forward = weighted(&outputs, &w).eps[0].eps[0];
        let size = second.iter().fold(1e-3_f64, |s, h| s.max(h.abs()));
        assert!((by_reverse - by_forward).abs() < 1e-9 * size, "{by_reverse} {by_forward}");
        let gradient = |t: f64| {
            let moved: Vec<f64> = x.iter().zip(&v).map(|(x, v)| x + t * v).collect();
            grad(|x| weighted(&(self.tape)(x), &w), &moved)
        };
        let (above, below) = (gradient(1e-5), gradient(-1e-5));
        for k in 0..x.len() {
            let difference = (above[k] - below[k]) / 2e-5;
            assert!(
                (second[k] - difference).abs() < 3e-6 * size,
                "{k}: {} {difference}",
                second[k]
            );
        }
        let by_forward = bent(&outputs, &w).eps[0].eps[0];
        for (mode, product) in self.bent_products(x, &v, &w) {
            let (along, size) =
                (dot(&product, &u), product.iter().fold(1e-3, |s, h| f64::max(s, h.abs())));
            assert!((along - by_forward).abs() < 1e-9 * size, "{mode}: {along} {by_forward}");
        }
    }

    /// The Hessian of [`bent`] times `v` by the tape and by a program, each forward over reverse and reverse over reverse.
    fn bent_products(&self, x: &[f64], v: &[f64], w: &[f64]) -> [(&'static str, Vec<f64>); 4] {
        let gradient =
            |x: &[Var<f64>]| -> Vec<Var<f64>> { grad(|x| bent(&(self.doubly_taped)(x), w), x) };
        let program = Program::record(|x| vec![bent(&(self.recorded)(x), w)], x);
        let call = |z: &[Var<Var<f64>>]| Real::slice_rule(&program, z).unwrap()[0];
        [
            ("tape, forward over reverse", hvp(|x| bent(&(self.taped)(x), w), x, v)),
            ("tape, reverse over reverse", grad(|x| weighted(&gradient(x), v), x)),
            ("program, forward over reverse", program.hvp(x, v).unwrap().1),
            ("program, reverse over reverse", grad(|x| weighted(&grad(call, x), v), x)),
        ]
    }
}
