//! `ln sum exp x`, and its gradient.

use cotangent_ad::{Real, grad};
use serde_json::Value;

use super::{Compute, unknown};
use crate::input::list;
use crate::output::Output;

/// Shifted by the largest entry. The shift is a number of no consequence, so it is out of reach of differentiation.
fn log_sum_exp<R: Real>(x: &[R]) -> R {
    let largest = x.iter().map(|x| x.concrete()).fold(f64::NEG_INFINITY, f64::max);
    let sum = x.iter().fold(R::lit(0.0), |sum, x| sum + (*x - largest).exp());
    sum.ln() + largest
}

pub(super) fn prepare(function: &str, input: &Value) -> Result<Compute, String> {
    let x = list(input, "x")?;
    Ok(match function {
        "primal" => Box::new(move || Ok(Output::Number(log_sum_exp(&x)))),
        "gradient" => Box::new(move || Ok(Output::List(grad(log_sum_exp, &x)))),
        _ => return unknown(function),
    })
}
