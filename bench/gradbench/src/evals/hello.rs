//! `x^2` and its derivative.

use cotangent_ad::{Real, derivative};
use serde_json::Value;

use super::{Compute, unknown};
use crate::output::Output;

fn square<R: Real>(x: R) -> R {
    x * x
}

pub(super) fn prepare(function: &str, input: &Value) -> Result<Compute, String> {
    let x = input.as_f64().ok_or("the input is no number")?;
    Ok(match function {
        "square" => Box::new(move || Ok(Output::Number(square(x)))),
        "double" => Box::new(move || Ok(Output::Number(derivative(square, x)))),
        _ => return unknown(function),
    })
}
