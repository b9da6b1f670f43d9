//! `motion`: one or several motions of a model from a MuJoCo file.

use cotangent_physics::io::{Effect, Keyframe, ModelFile, Note};
use cotangent_physics::{Integrator, MotionPart, MotionSimulation, State, StepOptions};
use cotangent_problem::name::{element, segment};
use cotangent_problem::{MapError, Simulation};

use super::super::document::{Grammar, Settings};
use super::super::domain::{Domain, Makes};
use super::super::first;
use super::super::general::{self, COMBINATION, CONSTRAINT, GOAL, Model, PARAMETER, TERM};
use super::super::keys::{List, TEXT, TEXTS, key, keys, list, number, required};
use super::model_file::{BASE, GROUND, MODEL_FILE, MOTORS, TIMESTEP, read};
use super::policy::{self, ACTIVATION, HIDDEN, HOLD, OBSERVATION, PERIODS};
use crate::diagnostic::{CONTRADICTION, Diagnostic, nearest};

keys! {
    KEYS;
    MODEL_FILE;
    BASE;
    GROUND;
    MOTORS;
    TIMESTEP;
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
    KEYFRAME: str = key("keyframe", TEXT, "\"\"",
        "where it starts, with the controls of that: a keyframe of the MJCF file by its name; the file's reference at rest");
}

const MOTION: List = list("motion", MOTION_KEYS, "a motion of the model").needed();

const LISTS: &[List] = &[MOTION, OBSERVATION, PARAMETER, TERM, GOAL, CONSTRAINT, COMBINATION];

/// The kind.
pub(crate) const DOMAIN: Domain = Domain {
    kind: "motion",
    summary: "motions of an articulated model from an MJCF or URDF file: drive it, or identify it from recordings",
    grammar: Grammar { keys: KEYS, lists: LISTS, open_tables: general::OPEN_TABLES },
    template: &[
        ("scenario.toml", include_bytes!("../../arm.toml")),
        ("arm.xml", include_bytes!("../../arm.xml")),
    ],
    makes: Makes::Simulation(model),
    first: Some((&["xml", "urdf"], first::motion::scenario)),
};

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
    let held = held_controls(s, &read);
    let mut simulation = policy::simulation(s, read.model, options, parts)?;
    for (name, control) in held {
        hold(&mut simulation, &name, control).map_err(|e| {
            let help = "leave the keyframe out, and give starts and controls in [values]";
            vec![s.problem("cotangent::scenario::keyframe", MOTION, e.to_string(), help)]
        })?;
    }
    Ok(Model { notes, ..Model::with_portrait(simulation) })
}

/// The model without what the scenario turns off by name. A file that asks for what is not simulated is refused.
fn simulated(s: &Settings, mut read: ModelFile) -> Result<ModelFile, Vec<Diagnostic>> {
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

/// The keyframe that a motion starts from, where it names one.
fn keyframe<'r>(m: &Settings, read: &'r ModelFile) -> Result<Option<&'r Keyframe>, Diagnostic> {
    let name = m.get(KEYFRAME);
    if name.is_empty() {
        return Ok(None);
    }
    if let Some(keyframe) = read.keyframes.iter().find(|k| k.name == name) {
        return Ok(Some(keyframe));
    }
    let names = || read.keyframes.iter().map(|k| k.name.as_str()).filter(|n| !n.is_empty());
    let help = match nearest(name, names()) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None if names().next().is_none() => "the model's file names no keyframe".into(),
        None => format!("there are {}", names().collect::<Vec<_>>().join(", ")),
    };
    let message = format!("no keyframe is called \"{name}\"");
    Err(m.problem("cotangent::scenario::keyframe", KEYFRAME, message, help))
}

/// The controls of the keyframes that motions start from, by the names of the inputs.
fn held_controls(s: &Settings, read: &ModelFile) -> Vec<(String, f64)> {
    let mut held = Vec::new();
    for m in s.list(MOTION) {
        let Ok(Some(keyframe)) = keyframe(m, read) else { continue };
        let before = match m.get(LABEL) {
            "" => String::new(),
            label => format!("motion.{}.", segment(label)),
        };
        let motors = read.model.actuators().iter().enumerate();
        held.extend(motors.zip(&keyframe.controls).map(|((k, motor), control)| {
            (format!("{before}{}.control", element("actuator", &motor.name, k)), *control)
        }));
    }
    held
}

/// Holds a control at a number, within its range, through the whole motion; a policy's controls are no inputs.
fn hold(simulation: &mut MotionSimulation, name: &str, control: f64) -> Result<(), MapError> {
    let inputs = simulation.inputs();
    let Some(index) = inputs.iter().position(|q| q.name == name) else { return Ok(()) };
    let range = inputs[index].lower.iter().zip(&inputs[index].upper);
    let held: Vec<f64> = range.map(|(lower, upper)| control.clamp(*lower, *upper)).collect();
    simulation.fix(index, &held)
}

/// The motions, each from its keyframe, else from the model's reference configuration at rest.
fn parts(s: &Settings, read: &ModelFile) -> Result<Vec<MotionPart>, Vec<Diagnostic>> {
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
        let start = keyframe(m, read).map_err(|problem| problems.push(problem));
        let start = start.ok().flatten().map(|k| k.state.clone());
        let start = start.unwrap_or_else(|| State::at_reference(&read.model));
        parts.push(MotionPart { label, start, steps });
    }
    if problems.is_empty() { Ok(parts) } else { Err(problems) }
}
