//! A scenario file for who asks its simulation from outside: servers, other languages.

use std::path::Path;
use std::sync::Arc;

use cotangent_problem::{CheckedMap, Quantity, Simulation};

use crate::diagnostic::Diagnostic;
use crate::document::Document;
use crate::general::{GOAL, PARAMETER, TERM, select};
use crate::{Loaded, checked, loaded, read};

/// What a scenario file holds: its simulation, and what is asked of it where it says so.
#[derive(Debug)]
pub struct Opened {
    /// The simulation; `None` where the kind has none that runs by itself.
    pub simulation: Option<Arc<dyn Simulation>>,
    /// The whole; `None` where the file says neither what is free nor what is asked.
    pub loaded: Option<Loaded>,
}

/// Reads a scenario file, which need not say what is free and what is asked where its kind has a simulation.
///
/// # Errors
/// Everything that is wrong with it.
pub fn open(path: &Path, overrides: &[String]) -> Result<Opened, Vec<Diagnostic>> {
    let (domain, settings) = checked(Document::parse(path, &read(path)?, overrides)?)?;
    let asking = [PARAMETER, TERM, GOAL];
    let asks = asking.into_iter().any(|list| !settings.list(list).is_empty());
    if !asks && let Some(simulation) = domain.simulation(&settings).transpose()? {
        return Ok(Opened { simulation: Some(Arc::from(simulation)), loaded: None });
    }
    let loaded = loaded(domain, settings)?;
    Ok(Opened { simulation: loaded.scenario.simulation(), loaded: Some(loaded) })
}

/// Positions of the quantities that names or patterns mean, in their order, each once; `role` is `input` or `output`.
///
/// # Errors
/// A name that means nothing.
pub fn pick(
    names: &[String],
    quantities: &[Quantity],
    role: &str,
) -> Result<Vec<usize>, Vec<Diagnostic>> {
    let mut picked: Vec<usize> = Vec::new();
    for name in names {
        let matching = select::matching(name, quantities);
        if matching.is_empty() {
            let help = select::help(name, quantities, role);
            let message = format!("there is no {role} `{name}`");
            return Err(vec![Diagnostic::plain("cotangent::unknown_name", message, help)]);
        }
        let new: Vec<usize> = matching.into_iter().filter(|k| !picked.contains(k)).collect();
        picked.extend(new);
    }
    Ok(picked)
}

impl Opened {
    /// The map from the named inputs of the simulation to the named outputs. Where none are named it is between those that the
    /// scenario makes free and asks of, and where it does not say, between all that have derivatives.
    ///
    /// # Errors
    /// There is no simulation, or nothing of that name.
    pub fn map(
        &self,
        inputs: &[String],
        outputs: &[String],
    ) -> Result<CheckedMap<'static>, Vec<Diagnostic>> {
        let refuse =
            |code, message: String, help: &str| vec![Diagnostic::plain(code, message, help)];
        let Some(simulation) = &self.simulation else {
            let message = "this kind of scenario has no simulation that runs by itself";
            let help = "its objective can be asked, by its parameters";
            return Err(refuse("cotangent::map::kind", message.into(), help));
        };
        let asked = self.loaded.as_ref().and_then(|l| l.scenario.asked());
        let free = asked.map(|a| a.choice().inputs());
        let spoken_of = asked.map(cotangent_problem::Asked::picked);
        let from = chosen(inputs, simulation.inputs(), "input", free)?;
        let to = chosen(outputs, simulation.outputs(), "output", spoken_of)?;
        CheckedMap::of_simulation(simulation, &from, &to)
            .map_err(|e| refuse("cotangent::map", e.to_string(), "choose others"))
    }
}

/// What is named; else what the scenario speaks of; else all that can be differentiated.
fn chosen(
    names: &[String],
    quantities: &[Quantity],
    role: &str,
    spoken_of: Option<&[usize]>,
) -> Result<Vec<usize>, Vec<Diagnostic>> {
    if !names.is_empty() {
        return pick(names, quantities, role);
    }
    let has_derivative = |k: &usize| quantities[*k].not_differentiable.is_none();
    Ok(spoken_of
        .map_or_else(|| (0..quantities.len()).filter(has_derivative).collect(), <[usize]>::to_vec))
}
