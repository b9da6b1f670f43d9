//! `min_x max_y |x|^2 - |y|^2` (Siskind & Pearlmutter, Trends in Functional Programming 9, 2008): a gradient descent whose function
//! ascends by gradients of its own.

use std::marker::PhantomData;

use cotangent_ad::Real;
use serde_json::Value;

use super::descent::{Alone, Forward, Function, Inner, Mode, Reverse, argmin};
use super::{Compute, unknown};
use crate::input::array;
use crate::output::Output;

fn height<R: Real>(x: &[R], y: &[R]) -> R {
    (x[0] * x[0] + x[1] * x[1]) - (y[0] * y[0] + y[1] * y[1])
}

/// What is least where the height is greatest by `y`; `x` is outside.
struct Depth;

impl Inner for Depth {
    fn value<R: Real>(&self, y: &[R], x: &[R]) -> R {
        -height(x, y)
    }
}

/// The greatest height by `y`, from a start; its ascent differentiates by `M`.
struct Ridge<M> {
    start: [f64; 2],
    mode: PhantomData<M>,
}

impl<M: Mode> Ridge<M> {
    fn top<R: Real>(&self, x: &[R]) -> Vec<R> {
        argmin::<R, _, M>(&Depth, &self.start.map(R::lit), x)
    }
}

impl<M: Mode> Function for Ridge<M> {
    fn value<R: Real>(&self, x: &[R]) -> R {
        height(x, &self.top(x))
    }
}

fn saddle<Outer: Mode, M: Mode>(start: [f64; 2]) -> Vec<f64> {
    let ridge = Alone(Ridge::<M> { start, mode: PhantomData });
    let mut point = argmin::<f64, _, Outer>(&ridge, &start, &[]);
    let top = ridge.0.top(&point);
    point.extend(top);
    point
}

pub(super) fn prepare(function: &str, input: &Value) -> Result<Compute, String> {
    let start = array(input, "start")?;
    let solve = match function {
        "ff" => saddle::<Forward, Forward>,
        "fr" => saddle::<Forward, Reverse>,
        "rf" => saddle::<Reverse, Forward>,
        "rr" => saddle::<Reverse, Reverse>,
        _ => return unknown(function),
    };
    Ok(Box::new(move || Ok(Output::List(solve(start)))))
}
