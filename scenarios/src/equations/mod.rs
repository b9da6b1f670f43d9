//! `equations`: differential equations that the scenario itself writes down.

mod read;
#[cfg(test)]
mod tests;

use cotangent_ad::ode::{Method, Options};
use cotangent_equations::{EquationsSimulation, Model as Written};

use super::document::{Grammar, Settings};
use super::domain::{Domain, Makes};
use super::first;
use super::general::{self, COMBINATION, CONSTRAINT, GOAL, Model, PARAMETER, TERM};
use super::keys::{
    AMOUNTS, Amounts, FLAG, Kind, List, TEXT, TEXTS, choice, count, key, keys, list, number,
    one_of, required,
};
use crate::diagnostic::Diagnostic;

choice! { Method: "explicit" => Self::Tsit5, "stiff" => Self::Rodas5p }

const TOLERANCE: Kind<f64> = number("", 0.0, 1.0);
const COUNT: Kind<usize> = count(1, 1 << 40);

keys! {
    KEYS;
    OWN_UNITS: [String] = key("model.own_units", TEXTS, "[]",
        "words for what is counted, as units: person, cell");
    TIME_UNIT: str = key("time.unit", TEXT, "\"\"", "unit of the time t");
    START: Amounts = key("time.start", AMOUNTS, "0", "when it starts");
    DURATION: Amounts = required("time.duration", AMOUNTS, "how long it lasts");
    EVERY: Amounts = key("time.every", AMOUNTS, "0",
        "outputs are looked at so often; a hundredth of the duration");
    AT: Amounts = key("time.at", AMOUNTS, "[]", "times of the outputs instead");
    METHOD: Method = key("solver.method", one_of(), "\"explicit\"", "how steps are made");
    RELATIVE: f64 = key("solver.relative", TOLERANCE, "1e-8",
        "local error of a state, relative to it");
    ABSOLUTE: f64 = key("solver.absolute", TOLERANCE, "1e-10",
        "and what is added to that, in the state's unit");
    MAX_STEPS: usize = key("solver.max_steps", COUNT, "100000", "most steps");
    MAX_EVENTS: usize = key("solver.max_events", COUNT, "10000", "most events");
}

keys! {
    EVENT_KEYS;
    EVENT_LABEL: str = required("label", TEXT, "its name, as in event.LABEL.time");
    EVENT_WHEN: str = key("when", TEXT, "\"\"", "a comparison: it happens when that becomes true");
    EVENT_AT: Amounts = key("at", AMOUNTS, "[]", "or times: numbers, or expressions in parameters");
    EVENT_SET: [String] = key("set", TEXTS, "[]", "what changes: \"state = expression\"");
    EVENT_ENDS: bool = key("ends", FLAG, "false", "whether everything ends with it");
}

keys! {
    EXPERIMENT_KEYS;
    EXPERIMENT_LABEL: str = required("label", TEXT, "its name, as in experiment.LABEL.STATE");
    OWN_START: Amounts = key("start", AMOUNTS, "0", "when it starts; time.start");
    OWN_DURATION: Amounts = key("duration", AMOUNTS, "0", "how long it lasts; time.duration");
    OWN_VALUES: [String] = key("values", TEXTS, "[]", "parameters of its own: \"dose = 5 mg\"");
}

const EVENT: List = list("event", EVENT_KEYS, "what happens at a moment");
const EXPERIMENT: List =
    list("experiment", EXPERIMENT_KEYS, "a course of the model, where there are several");

const LISTS: &[List] = &[EVENT, EXPERIMENT, PARAMETER, TERM, GOAL, CONSTRAINT, COMBINATION];

/// The kind.
pub(crate) const DOMAIN: Domain = Domain {
    kind: "equations",
    summary: "differential equations written in the scenario: states, parameters, units, events; fit them to data or design by them",
    grammar: Grammar { keys: KEYS, lists: LISTS, open_tables: TABLES },
    template: &[
        ("scenario.toml", include_bytes!("../../lynx-hare.toml")),
        ("lynx-hare.csv", include_bytes!("../../lynx-hare.csv")),
    ],
    makes: Makes::Simulation(model),
    first: Some((&["csv"], first::equations::scenario)),
};

const TABLES: &[&str] = &["parameters", "states", "definitions", "equations", general::VALUES];

/// The simulation of a scenario's equations.
fn model(s: &Settings) -> Result<Model, Vec<Diagnostic>> {
    let description = read::description(s)?;
    let written = Written::new(&description).map_err(|e| read::diagnostics(s, e))?;
    let options = Options {
        method: s.get(METHOD),
        relative: s.get(RELATIVE),
        absolute: s.get(ABSOLUTE),
        max_steps: s.get(MAX_STEPS),
        max_events: s.get(MAX_EVENTS),
        ..Options::default()
    };
    let experiments = read::experiments(s, &description)?;
    let simulation = EquationsSimulation::new(written, experiments, options)
        .map_err(|e| read::diagnostics(s, e))?;
    Ok(Model::with_portrait(simulation))
}
