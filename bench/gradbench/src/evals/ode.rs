//! `y_0' = x_0`, `y_i' = x_i y_(i-1)` from 0 over two units of time by `s` steps of the classical method of Runge and Kutta, and the
//! gradient of the last component: a loop that is reversed from its checkpoints.

use cotangent_ad::{Real, ScanOptions, SliceStep, grad};
use serde_json::Value;

use super::{Compute, unknown};
use crate::input::{count, list};
use crate::output::Output;

/// A step of this length.
#[derive(Clone)]
struct RungeKutta {
    h: f64,
}

fn slope<R: Real>(x: &[R], y: &[R]) -> Vec<R> {
    let first = std::iter::once(x[0]);
    first.chain(x[1..].iter().zip(y).map(|(x, y)| *x * *y)).collect()
}

impl SliceStep for RungeKutta {
    fn step<R: Real>(&self, _: usize, y: &[R], x: &[R]) -> Vec<R> {
        let ahead =
            |k: &[R], h: f64| -> Vec<R> { y.iter().zip(k).map(|(y, k)| *y + *k * h).collect() };
        let k1 = slope(x, y);
        let k2 = slope(x, &ahead(&k1, 0.5 * self.h));
        let k3 = slope(x, &ahead(&k2, 0.5 * self.h));
        let k4 = slope(x, &ahead(&k3, self.h));
        let next = |i: usize| y[i] + (k1[i] + k2[i] * 2.0 + k3[i] * 2.0 + k4[i]) * (self.h / 6.0);
        (0..y.len()).map(next).collect()
    }
}

/// The state after `s` steps.
fn solve<R: Real>(x: &[R], s: usize) -> Vec<R> {
    let start = vec![R::lit(0.0); x.len()];
    let step = RungeKutta { h: 2.0 / s as f64 };
    R::scan_slice(&step, s, &start, x, &ScanOptions::default())
}

pub(super) fn prepare(function: &str, input: &Value) -> Result<Compute, String> {
    let (x, s) = (list(input, "x")?, count(input, "s")?);
    if x.is_empty() || s == 0 {
        return Err("there is nothing to solve".into());
    }
    Ok(match function {
        "primal" => Box::new(move || Ok(Output::List(solve(&x, s)))),
        "gradient" => Box::new(move || Ok(Output::List(grad(|x| solve(x, s)[x.len() - 1], &x)))),
        _ => return unknown(function),
    })
}
