//! `[policy]` and `[[observation]]` of a motion: controls as a function of what is observed.

use cotangent_ad::nn::Activation;
use cotangent_physics::{
    Model, MotionPart, MotionSimulation, Observation, Policy, PolicyError, StepOptions,
};
use cotangent_problem::Quantity;
use cotangent_problem::name::{element, matches, segment};

use super::super::common::SEED;
use super::super::document::Settings;
use super::super::general::{INPUT, PARAMETER, VALUES, select};
use super::super::keys::{
    AMOUNTS, Amounts, AnyKey, INF, Key, List, POSITIVE, TEXT, choice, counts, key, keys, list,
    number, numbers, one_of, required,
};
use super::model_file::MODEL_FILE;
use crate::diagnostic::{CONTRADICTION, Diagnostic};

choice! { Activation:
    "tanh" => Self::Tanh,
    "relu" => Self::Relu,
    "elu" => Self::Elu,
    "softplus" => Self::Softplus,
}

/// The default of [`HIDDEN`].
const DEFAULT_HIDDEN: [usize; 1] = [32];

/// Hidden layers of a policy, its clocks, and how long it keeps a decision.
pub(super) const HIDDEN: Key<[usize]> = key(
    "policy.hidden",
    counts(1, 4096),
    "[32]",
    "units of the hidden layers of the network from observations to controls",
);
pub(super) const ACTIVATION: Key<Activation> =
    key("policy.activation", one_of(), "\"tanh\"", "what follows each hidden layer");
pub(super) const PERIODS: Key<[f64]> = key(
    "policy.periods",
    numbers("s", POSITIVE, INF),
    "[]",
    "it observes the sine and the cosine of the time, too, of each of these periods",
);
pub(super) const HOLD: Key<f64> = key(
    "policy.hold",
    number("s", 0.0, INF),
    "0.0",
    "how long a decision is kept, a whole number of steps; a step",
);

keys! {
    OBSERVATION_KEYS;
    OUTPUT: str = required("output", TEXT,
        "an output of a state that the policy observes, or a pattern of several, without motion.LABEL before it");
    ENTRIES: [usize] = key("entries", counts(0, 1 << 40), "[]", "entries at a time; all");
    SCALE: Amounts = key("scale", AMOUNTS, "1", "what they are divided by: their typical size");
}

/// What a policy observes.
pub(super) const OBSERVATION: List =
    list("observation", OBSERVATION_KEYS, "what a policy observes of each state");

/// Whether the controls are a policy's.
fn is_asked(s: &Settings) -> bool {
    !s.list(OBSERVATION).is_empty() || !s.get(PERIODS).is_empty()
}

/// A key of the policy that says something, though there is no policy.
fn idle(s: &Settings) -> Option<AnyKey> {
    // what a run's folder repeats of the defaults says nothing
    let says = [
        (HIDDEN.any, s.get(HIDDEN) != DEFAULT_HIDDEN),
        (ACTIVATION.any, s.get(ACTIVATION) != Activation::Tanh),
        (HOLD.any, s.get(HOLD) > 0.0),
    ];
    says.into_iter().find(|(_, says)| *says).map(|(key, _)| key)
}

/// The motions, under the policy of the file where it has one.
pub(super) fn simulation(
    s: &Settings,
    model: Model,
    options: StepOptions,
    parts: Vec<MotionPart>,
) -> Result<MotionSimulation, Vec<Diagnostic>> {
    if !is_asked(s) {
        if let Some(key) = idle(s) {
            let message = format!("`{}` has no effect: there is no policy", key.path);
            let help = "say what it observes: add an [[observation]], or policy.periods";
            return Err(vec![s.problem(CONTRADICTION, key, message, help)]);
        }
        return Ok(MotionSimulation::new(model, options, parts));
    }
    controls_given(s, &model, &parts)?;
    let policy = policy(s, &model, &options)?;
    MotionSimulation::with_policy(model, options, parts, &policy).map_err(|e| {
        let message = e.to_string();
        let help = match e {
            PolicyError::NoRange { .. } => {
                "give each actuator a range: a policy's controls fill it"
            }
            PolicyError::NoActuator => "leave the policy out, or give the model an actuator",
            _ => "see the keys of [policy] and of its [[observation]]s",
        };
        vec![s.problem(CONTRADICTION, MODEL_FILE, message, help)]
    })
}

/// What `[policy]` and the observations say.
fn policy(s: &Settings, model: &Model, options: &StepOptions) -> Result<Policy, Vec<Diagnostic>> {
    let outputs = MotionSimulation::observable(model, options);
    let (mut observations, mut problems) = (Vec::new(), Vec::new());
    for entry in s.list(OBSERVATION) {
        match observed(entry, &outputs) {
            Ok(more) => observations.extend(more),
            Err(problem) => problems.push(problem),
        }
    }
    let (hold, dt) = (s.get(HOLD), options.dt);
    let steps = (hold / dt).round().max(1.0);
    if hold > 0.0 && (steps * dt - hold).abs() > 1e-9 * hold {
        let message = format!("{hold} s is no whole number of steps of {dt} s");
        let help = format!("the nearest is {:.6} s", steps * dt);
        problems.push(s.problem("cotangent::scenario::off_grid", HOLD, message, help));
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
    let hold = steps.clamp(1.0, 1e9) as usize;
    Ok(Policy {
        observations,
        periods: s.get(PERIODS).to_vec(),
        hidden: s.get(HIDDEN).to_vec(),
        activation: s.get(ACTIVATION),
        hold,
        seed: s.get(SEED) as u64,
    })
}

/// What one entry of the list observes.
fn observed(s: &Settings, outputs: &[Quantity]) -> Result<Vec<Observation>, Diagnostic> {
    let name = s.get(OUTPUT);
    let matching = select::matching(name, outputs);
    if matching.is_empty() {
        let message = format!("`{name}` is nothing that a policy may observe of a state");
        let help = select::help(name, outputs, "output; those of steps, such as forces, are none");
        return Err(s.problem("cotangent::scenario::unknown_output", OUTPUT, message, help));
    }
    let (entries, mut observations) = (s.get(ENTRIES).to_vec(), Vec::new());
    for quantity in matching.into_iter().map(|k| &outputs[k]) {
        let count = quantity.row_len();
        if let Some(bad) = entries.iter().find(|e| **e >= count) {
            let message =
                format!("`{}` has {count} entries, there is no entry {bad}", quantity.name);
            let code = "cotangent::scenario::length";
            return Err(s.problem(code, ENTRIES, message, "entries count from 0"));
        }
        let scale = s.quantity(SCALE, &quantity.unit)?.unwrap_or(1.0);
        if scale <= 0.0 {
            let message = format!("a scale of {scale} divides nothing");
            let code = "cotangent::scenario::out_of_range";
            return Err(s.problem(code, SCALE, message, "it must be positive"));
        }
        let output = quantity.name.clone();
        observations.push(Observation { output, entries: entries.clone(), scale });
    }
    Ok(observations)
}

/// Refuses controls that the file gives beside the policy.
fn controls_given(
    s: &Settings,
    model: &Model,
    parts: &[MotionPart],
) -> Result<(), Vec<Diagnostic>> {
    let mut controls = Vec::new();
    for MotionPart { label, .. } in parts {
        let of_motion = match label.as_str() {
            "" => String::new(),
            label => format!("motion.{}.", segment(label)),
        };
        for (k, motor) in model.actuators().iter().enumerate() {
            controls.push(format!("{of_motion}{}.control", element("actuator", &motor.name, k)));
        }
    }
    let is_given = |name: &str| controls.iter().any(|control| matches(name, control));
    let message = |name: &str| format!("`{name}` is given, and a policy makes the controls");
    let help = "leave it out, or leave [policy] and every [[observation]] out";
    let free = s.list(PARAMETER).iter().filter(|p| is_given(p.get(INPUT)));
    let mut problems: Vec<Diagnostic> =
        free.map(|p| p.problem(CONTRADICTION, INPUT, message(p.get(INPUT)), help)).collect();
    for name in s.open_keys(VALUES).into_iter().filter(|name| is_given(name)) {
        problems.push(s.open_problem(CONTRADICTION, name, message(name), help));
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}
