//! A particle among two charges (Siskind & Pearlmutter, Trends in Functional Programming 9, 2008): the place `w` of one of them at
//! which the particle's path, by Euler's method, crosses the axis at the origin. The force is a gradient within the function that
//! gradient descent differentiates.

use std::marker::PhantomData;

use cotangent_ad::Real;
use serde_json::Value;

use super::descent::{Alone, Forward, Function, Inner, Mode, Reverse, argmin};
use super::{Compute, unknown};
use crate::input::number;
use crate::output::Output;

const STEP: f64 = 0.1;
/// Steps after which a path that does not come down is given up.
const MOST_STEPS: usize = 1_000_000;

/// `1/|x - (10, 0)| + 1/|x - (10, 10 - w)|`, the outer variable being `w`.
struct Potential;

impl Inner for Potential {
    fn value<R: Real>(&self, x: &[R], outer: &[R]) -> R {
        let distance = |to: [R; 2]| {
            let (across, up) = (x[0] - to[0], x[1] - to[1]);
            (across * across + up * up).sqrt()
        };
        let ten = R::lit(10.0);
        distance([ten, R::lit(0.0)]).recip() + distance([ten, ten - outer[0]]).recip()
    }
}

/// The square of where the path crosses the axis, by `w`; the force is differentiated by `M`.
struct Miss<M>(PhantomData<M>);

impl<M: Mode> Function for Miss<M> {
    fn value<R: Real>(&self, w: &[R]) -> R {
        let mut x = [R::lit(0.0), R::lit(8.0)];
        let mut v = [R::lit(0.75), R::lit(0.0)];
        for _ in 0..MOST_STEPS {
            let gradient = M::gradient(&Potential, &x, w);
            let next = [x[0] + v[0] * STEP, x[1] + v[1] * STEP];
            if next[1] < R::lit(0.0) {
                break;
            }
            x = next;
            v = [v[0] - gradient[0] * STEP, v[1] - gradient[1] * STEP];
        }
        let crossing = x[0] - x[1] / v[1] * v[0];
        crossing * crossing
    }
}

fn least<Outer: Mode, M: Mode>(start: f64) -> f64 {
    argmin::<f64, _, Outer>(&Alone(Miss::<M>(PhantomData)), &[start], &[])[0]
}

pub(super) fn prepare(function: &str, input: &Value) -> Result<Compute, String> {
    let start = number(input, "w")?;
    let solve = match function {
        "ff" => least::<Forward, Forward>,
        "fr" => least::<Forward, Reverse>,
        "rf" => least::<Reverse, Forward>,
        "rr" => least::<Reverse, Reverse>,
        _ => return unknown(function),
    };
    Ok(Box::new(move || Ok(Output::Number(solve(start)))))
}
