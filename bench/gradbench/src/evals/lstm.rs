//! Loss of a recurrent network, and its gradient by a program of one step, checkpointed over the sequence.

use serde_json::Value;

use super::{Compute, unknown};
use crate::adbench::lstm::Lstm;
use crate::input::matrix;
use crate::output::Output;

pub(super) fn prepare(function: &str, input: &Value) -> Result<Compute, String> {
    let (main, width) = matrix(input, "main_params")?;
    let (extra, cells) = matrix(input, "extra_params")?;
    let (state, state_width) = matrix(input, "state")?;
    let (sequence, sequence_width) = matrix(input, "sequence")?;
    let layers = main.len() / (8 * cells).max(1);
    let fits = cells > 0
        && width == 4 * cells
        && main.len() == 8 * cells * layers
        && extra.len() == 3 * cells
        && (state_width, state.len()) == (cells, 2 * cells * layers)
        && sequence_width == cells
        && sequence.len() > cells;
    if !fits {
        return Err("the parameters, the state and the sequence do not fit each other".into());
    }
    let network = Lstm::new(layers, cells, state, sequence);
    let p = [main, extra].concat();
    Ok(match function {
        "objective" => Box::new(move || Ok(Output::Number(network.objective(&p)))),
        "jacobian" => {
            let program = network.record(&p).map_err(|e| e.to_string())?;
            Box::new(move || {
                let (_, gradient) = network.gradient(&program, &p).map_err(|e| e.to_string())?;
                Ok(Output::List(gradient))
            })
        }
        _ => return unknown(function),
    })
}
