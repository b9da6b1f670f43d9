//! Log posterior of a Gaussian mixture, and its gradient by a program that is recorded once.

use serde_json::Value;

use super::{Compute, unknown};
use crate::adbench::gmm::Gmm;
use crate::input::{count, list, matrix, number};
use crate::output::Output;

pub(super) fn prepare(function: &str, input: &Value) -> Result<Compute, String> {
    let (dimensions, components) = (count(input, "d")?, count(input, "k")?);
    let ((x, width), alpha) = (matrix(input, "x")?, list(input, "alpha")?);
    let ((mu, mu_width), (q, q_width)) = (matrix(input, "mu")?, matrix(input, "q")?);
    let (l, l_width) = matrix(input, "l")?;
    let (d, k) = (dimensions, components);
    let fits = [width, mu_width, q_width] == [d; 3] && l_width == d * (d - 1) / 2;
    if d == 0 || !fits || [alpha.len(), mu.len() / d, q.len() / d] != [k; 3] {
        return Err("the parameters of the mixture do not fit each other".into());
    }
    let mut p = [alpha, mu].concat();
    for c in 0..k {
        p.extend_from_slice(&q[c * d..][..d]);
        p.extend_from_slice(&l[c * l_width..][..l_width]);
    }
    let mixture = Gmm::new(d, k, x, number(input, "gamma")?, number(input, "m")?);
    Ok(match function {
        "objective" => Box::new(move || Ok(Output::Number(mixture.objective(&p)))),
        "jacobian" => {
            let recorded = mixture.record(&p).map_err(|e| e.to_string())?;
            Box::new(move || {
                let (_, gradient) = recorded.gradient(&mixture, &p).map_err(|e| e.to_string())?;
                Ok(Output::Mixture { gradient, dimensions, components })
            })
        }
        _ => return unknown(function),
    })
}
