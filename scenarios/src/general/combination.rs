//! `[[combination]]`: linear combinations of outputs as outputs of their own.

use cotangent_problem::{Combination, Combined, Part, Quantity, Simulation};

use super::super::document::Settings;
use super::super::keys::{INF, TEXT, TEXTS, key, keys, numbers, required};
use super::{COMBINATION, select};
use crate::diagnostic::{CONTRADICTION, Diagnostic};

keys! {
    pub(super) KEYS;
    NAME: str = required("name", TEXT, "terms, goals and constraints call it combination.NAME");
    OF: [String] = required("of", TEXTS,
        "outputs of one unit and shape, or single entries of them as NAME[entry]");
    WEIGHTS: [f64] = key("weights", numbers("", -INF, INF), "[]", "what each of them counts; 1");
}

/// The simulation with the combinations that a file asks for behind its own outputs.
pub(super) fn combined(
    simulation: Box<dyn Simulation>,
    s: &Settings,
) -> Result<Box<dyn Simulation>, Vec<Diagnostic>> {
    let list = s.list(COMBINATION);
    if list.is_empty() {
        return Ok(simulation);
    }
    let mut combinations: Vec<Combination> = Vec::new();
    let mut problems = Vec::new();
    for entry in list {
        match read(simulation.outputs(), entry) {
            Ok(found) if combinations.iter().any(|c| c.name == found.name) => {
                let message = format!("two combinations are called `{}`", entry.get(NAME));
                problems.push(entry.problem(
                    CONTRADICTION,
                    NAME,
                    message,
                    "give each its own name",
                ));
            }
            Ok(found) => combinations.push(found),
            Err(problem) => problems.push(problem),
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    match Combined::new(simulation, combinations) {
        Ok(combined) => Ok(Box::new(combined)),
        Err(error) => {
            let help = "combine outputs of one unit and shape, or single entries as NAME[entry]";
            let code = "cotangent::scenario::combination";
            Err(vec![s.problem(code, COMBINATION, error.to_string(), help)])
        }
    }
}

fn read(outputs: &[Quantity], s: &Settings) -> Result<Combination, Diagnostic> {
    let (of, given) = (s.get(OF), s.get(WEIGHTS));
    if !given.is_empty() && given.len() != of.len() {
        let message = format!("there are {} weights for {} outputs", given.len(), of.len());
        let help = "give one weight for each output, in their order";
        return Err(s.problem("cotangent::scenario::length", WEIGHTS, message, help));
    }
    let mut parts = Vec::new();
    for (k, name) in of.iter().enumerate() {
        let weight = given.get(k).copied().unwrap_or(1.0);
        let Some((output, entry)) = meant(outputs, name) else {
            let message = format!("`{name}` is not one output, nor an entry of one");
            let help = select::help(name, outputs, "output");
            let code = "cotangent::scenario::unknown_output";
            return Err(s.problem(code, OF, message, help));
        };
        parts.push(Part { output, entry, weight });
    }
    Ok(Combination { name: format!("combination.{}", s.get(NAME)), parts })
}

/// The output of a name, or the entry that its last brackets tell.
fn meant(outputs: &[Quantity], name: &str) -> Option<(usize, Option<usize>)> {
    if let [one] = select::matching(name, outputs)[..] {
        return Some((one, None));
    }
    let (output, entry) = name.strip_suffix(']')?.rsplit_once('[')?;
    match select::matching(output, outputs)[..] {
        [one] => Some((one, Some(entry.parse().ok()?))),
        _ => None,
    }
}
