//! Least squares of a polynomial against a step: `1/2 sum_i (s(t_i) - sum_j x_j t_i^j)^2`, with `t_i` from -1 to 1.

use cotangent_ad::{Kernel, Real, grad};
use serde_json::Value;

use super::{Compute, unknown};
use crate::input::{count, list};
use crate::output::Output;

/// Half the squared residual at `t`, beside the sign of `t`.
#[derive(Clone)]
struct Residual;

impl Kernel<2, 1> for Residual {
    fn share<R: Real>(&self, [t, sign]: [R; 2], x: &[R]) -> [R; 1] {
        let (mut residual, mut power) = (sign, R::lit(1.0));
        for x in x {
            residual -= *x * power;
            power *= t;
        }
        [residual * residual * 0.5]
    }
}

pub(super) fn prepare(function: &str, input: &Value) -> Result<Compute, String> {
    let (x, n) = (list(input, "x")?, count(input, "n")?);
    let at = |i: usize| {
        let t = -1.0 + i as f64 * 2.0 / (n as f64 - 1.0);
        let sign = f64::from(i8::from(t > 0.0) - i8::from(t < 0.0));
        [t, sign]
    };
    let items: Vec<[f64; 2]> = (0..n).map(at).collect();
    Ok(match function {
        "primal" => Box::new(move || {
            let [sum] = f64::map_sum(&Residual, &items, &x);
            Ok(Output::Number(sum))
        }),
        "gradient" => {
            Box::new(move || Ok(Output::List(grad(|x| Real::map_sum(&Residual, &items, x)[0], &x))))
        }
        _ => return unknown(function),
    })
}
