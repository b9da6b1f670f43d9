//! The evaluations, one a file.

mod ba;
mod descent;
mod det;
mod gmm;
mod hello;
mod ht;
mod kmeans;
mod llsq;
mod lse;
mod lstm;
mod ode;
mod particle;
mod saddle;

use serde_json::Value;

use crate::output::Output;

/// A prepared function: each call computes it anew.
pub(crate) type Compute = Box<dyn FnMut() -> Result<Output, String>>;

/// Prepares a function of a module for an input.
pub(crate) type Prepare = fn(&str, &Value) -> Result<Compute, String>;

/// A module by its name.
pub(crate) fn find(module: &str) -> Option<Prepare> {
    Some(match module {
        "ba" => ba::prepare,
        "det" => det::prepare,
        "gmm" => gmm::prepare,
        "hello" => hello::prepare,
        "ht" => ht::prepare,
        "kmeans" => kmeans::prepare,
        "llsq" => llsq::prepare,
        "lse" => lse::prepare,
        "lstm" => lstm::prepare,
        "ode" => ode::prepare,
        "particle" => particle::prepare,
        "saddle" => saddle::prepare,
        _ => return None,
    })
}

/// That a module has no such function.
fn unknown<T>(function: &str) -> Result<T, String> {
    Err(format!("there is no function {function:?}"))
}
