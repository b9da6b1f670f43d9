//! `motion`: one or several motions of a model from a MuJoCo file.

use std::path::Path;

use cotangent_physics::io::mjcf::{Effect, Mjcf, Note};
use cotangent_physics::{Integrator, MotionPart, State, StepOptions};
use cotangent_problem::name::element;

use super::super::document::{Grammar, Settings};
use super::super::domain::{Domain, Makes};
use super::super::general::{self, COMBINATION, CONSTRAINT, GOAL, Model, PARAMETER, TERM};
use super::super::keys::{List, TEXT, TEXTS, key, keys, list, number, required};
use super::model_file::{MODEL_FILE, read_file};
use super::policy::{self, ACTIVATION, HIDDEN, HOLD, OBSERVATION, PERIODS};
use crate::diagnostic::{CONTRADICTION, Diagnostic};

keys! {
    KEYS;
    MODEL_FILE;
    IGNORE: [String] = key("model.ignore", TEXTS, "[]",
        "what the file asks for and the motion does without: limit, frictionloss, contact, equality");
    TOLERANCE: f64 = key("model.tolerance", number("", 0.0, 0.1), "0.0",
        "above 0: steps in parts of this error that end at the onsets of contact, in place of the file's integrator");
    HIDDEN;
    ACTIVATION;
    PERIODS;
    HOLD;
}

keys! {
    MOTION_KEYS;
    LABEL: str = key("label", TEXT, "\"\"", "its name, where there are several");
    DURATION: f64 = required("duration", number("s", 0.0, 1e6),
        "how long it lasts, a whole number of steps");
}

const MOTION: List = list("motion", MOTION_KEYS, "a motion of the model").needed();

const LISTS: &[List] = &[MOTION, OBSERVATION, PARAMETER, TERM, GOAL, CONSTRAINT, COMBINATION];

/// The kind.
pub(crate) const DOMAIN: Domain = Domain {
    kind: "motion",
    summary: "motions of an articulated model from an MJCF file: drive it, or identify it from recordings",
    grammar: Grammar { keys: KEYS, lists: LISTS, open_tables: general::OPEN_TABLES },
    template: &[
        ("scenario.toml", include_bytes!("../../arm.toml")),
        ("arm.xml", include_bytes!("../../arm.xml")),
    ],
    makes: Makes::Simulation(model),
    first: Some((&["xml"], first_scenario)),
};

/// A scenario for any model: its controls where it has actuators, else its masses; its last site or body.
fn first_scenario(path: &Path, file: &str) -> Result<String, Vec<Diagnostic>> {
    let read = read_file(path, &|code, message, help| Diagnostic::plain(code, message, help))?;
    let model = &read.model;
    let name = general::name_of(Path::new(file));
    let place = match (model.sites().len(), model.bodies().len()) {
        (0, 0) => "site.*.position".to_owned(),
        (0, bodies) => {
            format!("{}.position", element("body", &model.bodies()[bodies - 1].name, bodies - 1))
        }
        (sites, _) => {
            format!("{}.position", element("site", &model.sites()[sites - 1].name, sites - 1))
        }
    };
    let mut names: Vec<&str> = read.unsimulated.iter().map(|u| u.what.name()).collect();
    names.dedup();
    let ignored: Vec<String> = names.iter().map(|n| format!("\"{n}\"")).collect();
    let ignore = if ignored.is_empty() {
        String::new()
    } else {
        format!(
            "ignore = [{}]        # the file asks for these, and not all of it is simulated\n",
            ignored.join(", ")
        )
    };
    let steps = (1.0 / read.options.dt).round().max(1.0);
    let parameter = if model.nu() > 0 {
        "name = \"actuator.*.control\"\nspread = 0.05                 # the seed moves the start\n"
    } else {
        "name = \"body.*.mass\"\nspread = 0.2                  # the seed moves the start\n"
    };
    Ok(format!(
        "# `cotangent list` prints every input and output of this file with its unit.\n\n[scenario]\nname = {name:?}\n\
         kind = \"motion\"\n\n[model]\nfile = {file:?}\n{ignore}\n[[motion]]\nduration = {duration}              # s\n\n\
         [[parameter]]\n{parameter}\n[[term]]\nlabel = \"place\"\noutput = {place:?}\nat = {duration}                    # s\n\
         target = [0.0, 0.0, 1.0]      # m\nscale = \"1 cm\"                # a miss that matters\n\n[[goal]]\nof = \"place\"\n\
         within = \"1 cm\"\n",
        duration = steps * read.options.dt,
    ))
}

/// The simulation of the file's motions.
fn model(s: &Settings) -> Result<Model, Vec<Diagnostic>> {
    let read = simulated(s, read(s)?)?;
    let parts = parts(s, &read)?;
    let note = |n: &Note| format!("line {} of the model: {}", n.line, n.message);
    let notes = read.notes.iter().map(note).collect();
    let tolerance = s.get(TOLERANCE);
    let integrator = match read.options.integrator {
        _ if tolerance > 0.0 => Integrator::Adaptive { tolerance },
        of_file => of_file,
    };
    let options = StepOptions { integrator, ..read.options };
    let simulation = policy::simulation(s, read.model, options, parts)?;
    Ok(Model { notes, ..Model::with_portrait(simulation) })
}

/// The model, or what is wrong with its file.
fn read(s: &Settings) -> Result<Mjcf, Vec<Diagnostic>> {
    let path = s.get(MODEL_FILE);
    read_file(Path::new(path), &|code, message, help| s.problem(code, MODEL_FILE, message, help))
}

/// The model without what the scenario turns off by name. A file that asks for what is not simulated is refused.
fn simulated(s: &Settings, mut read: Mjcf) -> Result<Mjcf, Vec<Diagnostic>> {
    let mut problems = Vec::new();
    for name in s.get(IGNORE) {
        match Effect::ALL.into_iter().find(|e| *name == e.name()) {
            Some(effect) if read.enables(effect) => read = read.without(effect),
            _ => {
                let message = format!("the model does not ask for \"{name}\"");
                let help = "leave it out of model.ignore";
                problems.push(s.problem(CONTRADICTION, IGNORE, message, help));
            }
        }
    }
    for u in &read.unsimulated {
        let name = u.what.name();
        let which = u.which.as_ref().map(|w| format!(" of {w}")).unwrap_or_default();
        let message = format!("line {} of the model: `{name}`{which} is not simulated", u.line);
        let help = format!("go on without: model.ignore = [\"{name}\"]");
        problems.push(s.problem("cotangent::model::unsimulated", MODEL_FILE, message, help));
    }
    if problems.is_empty() { Ok(read) } else { Err(problems) }
}

/// The motions, each from the model's reference configuration at rest.
fn parts(s: &Settings, read: &Mjcf) -> Result<Vec<MotionPart>, Vec<Diagnostic>> {
    let (list, dt) = (s.list(MOTION), read.options.dt);
    let mut problems = Vec::new();
    let mut parts = Vec::new();
    for m in list {
        let (label, duration) = (m.get(LABEL).to_owned(), m.get(DURATION));
        let steps = (duration / dt).round();
        if steps < 1.0 || (steps * dt - duration).abs() > 1e-9 * duration {
            let message = format!("{duration} s is no whole number of steps of {dt} s");
            let help = format!("the nearest is {:.6} s", steps.max(1.0) * dt);
            let code = "cotangent::scenario::off_grid";
            problems.push(m.problem(code, DURATION, message, help));
        }
        if label.is_empty() && list.len() > 1 {
            let (message, help) = ("several motions need a label each", "add label = \"...\"");
            problems.push(m.problem("cotangent::scenario::label", LABEL, message, help));
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
        let steps = steps.clamp(1.0, 1e9) as usize;
        parts.push(MotionPart { label, start: State::at_reference(&read.model), steps });
    }
    if problems.is_empty() { Ok(parts) } else { Err(problems) }
}
