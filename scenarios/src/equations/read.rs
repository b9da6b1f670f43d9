//! A model from the tables of a scenario.

use cotangent_equations::unit::quantity;
use cotangent_equations::{Definition, Description, Event, Experiment, ModelError, State};
use cotangent_problem::name::segment;
use cotangent_problem::{Quantity, Transform};

use super::{
    AT, DURATION, EVENT, EVENT_AT, EVENT_ENDS, EVENT_LABEL, EVENT_SET, EVENT_WHEN, EVERY,
    EXPERIMENT, EXPERIMENT_LABEL, OWN_DURATION, OWN_START, OWN_UNITS, OWN_VALUES, START, TIME_UNIT,
};
use crate::diagnostic::Diagnostic;
use crate::document::Settings;
use crate::general::asked_times;
use crate::keys::{Amounts, Key};
use crate::units::convert;

const PARAMETER: &[&str] = &["value", "unit", "lower", "upper", "scale", "transform", "about"];
const STATE: &[&str] = &["start", "unit", "lower", "upper", "scale", "transform", "about"];

/// Everything that is written down.
pub(super) fn description(s: &Settings) -> Result<Description, Vec<Diagnostic>> {
    let mut problems: Vec<Diagnostic> = [
        ("parameters", PARAMETER),
        ("states", STATE),
        ("definitions", &["expression", "unit", "about"]),
        ("equations", &[]),
    ]
    .into_iter()
    .flat_map(|(table, keys)| s.open_strays(table, keys))
    .collect();
    let (mut parameters, mut states) = (Vec::new(), Vec::new());
    for name in s.open_names("parameters") {
        match scalar(s, "parameters", name, "value") {
            Ok((quantity, None)) => parameters.push(quantity),
            Ok((_, Some(_))) => {
                let (path, help) = (format!("parameters.{name}"), "such as 0.5 or \"0.5 1/h\"");
                let message = format!("`{name}` needs a number as its value");
                let code = "cotangent::scenario::wrong_type";
                problems.push(s.part_problem(code, &path, None, message, help.into()));
            }
            Err(problem) => problems.push(problem),
        }
    }
    for name in s.open_names("states") {
        match scalar(s, "states", name, "start") {
            Ok((quantity, start)) => states.push(State { quantity, start }),
            Err(problem) => problems.push(problem),
        }
    }
    let text =
        |table: &str, name: &str, key: &str| s.open_text(table, name, key).unwrap_or_default();
    let definition = |name: &str| Definition {
        name: name.into(),
        expression: s
            .open_text("definitions", name, "")
            .unwrap_or_else(|| text("definitions", name, "expression")),
        unit: s.open_text("definitions", name, "unit"),
        summary: text("definitions", name, "about"),
    };
    let event = |e: &Settings| Event {
        label: e.get(EVENT_LABEL).into(),
        when: Some(e.get(EVENT_WHEN).to_owned()).filter(|w| !w.is_empty()),
        at: e.items(EVENT_AT),
        set: e.get(EVENT_SET).to_vec(),
        ends: e.get(EVENT_ENDS),
    };
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(Description {
        own_units: s.get(OWN_UNITS).to_vec(),
        time_unit: s.get(TIME_UNIT).into(),
        parameters,
        states,
        definitions: s.open_names("definitions").into_iter().map(definition).collect(),
        equations: (s.open_names("equations").into_iter())
            .map(|name| (name.to_owned(), text("equations", name, "")))
            .collect(),
        events: s.list(EVENT).iter().map(event).collect(),
    })
}

/// A parameter or a state: its number, or else the expression that it starts from.
fn scalar(
    s: &Settings,
    table: &str,
    name: &str,
    key: &str,
) -> Result<(Quantity, Option<String>), Diagnostic> {
    let written = s.open_text(table, name, "").or_else(|| s.open_text(table, name, key));
    let written = written.unwrap_or_default();
    let found = quantity(&written);
    let given = s.open_text(table, name, "unit");
    let unit = given.or_else(|| found.map(|(_, unit)| unit.to_owned())).unwrap_or_default();
    let path = format!("{table}.{name}");
    let value = match found {
        Some((value, "")) => Some(value),
        Some(_) => Some(convert(&written, &unit).map_err(|_| {
            let message = format!("`{path}` is not in {unit}");
            let (code, help) = ("cotangent::scenario::wrong_unit", "give both one unit");
            s.part_problem(code, &path, None, message, help.into())
        })?),
        None => None,
    };
    let number = |key: &str, unit: &str| s.open_number(table, name, key, unit);
    let transform = match s.open_text(table, name, "transform").as_deref() {
        None | Some("identity") => Transform::Identity,
        Some("log") => Transform::Log,
        Some("logit") => Transform::Logit,
        Some(other) => {
            let message = format!("there is no transform \"{other}\"");
            let help = "it is identity, log or logit";
            let path = format!("{path}.transform");
            let code = "cotangent::scenario::unknown_choice";
            return Err(s.open_problem(code, &path, message, help));
        }
    };
    let size = value.unwrap_or(0.0).abs();
    let own_scale = match transform {
        Transform::Log => 0.5,
        Transform::Identity if size > 0.0 => size,
        _ => 1.0,
    };
    let scale_unit = if transform == Transform::Identity { unit.as_str() } else { "" };
    let least = if transform == Transform::Log { 0.0 } else { f64::NEG_INFINITY };
    let bounds = (
        number("lower", &unit)?.unwrap_or(least),
        number("upper", &unit)?.unwrap_or(f64::INFINITY),
    );
    let quantity = Quantity::scalar(name, &unit, value.unwrap_or(0.0))
        .about(s.open_text(table, name, "about").unwrap_or_default())
        .within(bounds.0, bounds.1)
        .scaled(number("scale", scale_unit)?.unwrap_or(own_scale))
        .through(transform);
    Ok((quantity, value.is_none().then_some(written)))
}

/// The experiments with their times: those that the file states, and those at which it asks for something.
pub(super) fn experiments(
    s: &Settings,
    d: &Description,
) -> Result<Vec<Experiment>, Vec<Diagnostic>> {
    let one = |own: Option<&Settings>| -> Result<Experiment, Diagnostic> {
        let number = |key: Key<Amounts>, all: Key<Amounts>| -> Result<f64, Diagnostic> {
            let own = own.map(|e| e.quantity(key, &d.time_unit)).transpose()?.flatten();
            let given = own.map_or_else(|| s.quantity(all, &d.time_unit), |v| Ok(Some(v)))?;
            Ok(given.unwrap_or(0.0))
        };
        let label = own.map_or("", |e| e.get(EXPERIMENT_LABEL)).to_owned();
        let start = number(OWN_START, START)?;
        let duration = number(OWN_DURATION, DURATION)?;
        let (code, help) = ("cotangent::equations::time", "make it positive");
        let positive = |v: f64| v > 0.0 && v.is_finite();
        if !positive(duration) {
            let message = format!("a duration of {duration}");
            return Err(match own.filter(|e| e.is_given(OWN_DURATION)) {
                Some(e) => e.problem(code, OWN_DURATION, message, help),
                None => s.problem(code, DURATION, message, help),
            });
        }
        let at = s.quantities(AT, &d.time_unit)?;
        let every = s.quantity(EVERY, &d.time_unit)?;
        let step = every.unwrap_or(duration / 100.0);
        if !positive(step) || duration / step > 1e7 {
            return Err(s.problem(code, EVERY, format!("outputs every {step}"), help));
        }
        let steps =
            if at.is_some() && every.is_none() { 0.0 } else { (duration / step + 1e-9).floor() };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most 1e7")]
        let grid = (0..=steps as usize).map(|k| start + k as f64 * step);
        let prefix = if label.is_empty() {
            String::new()
        } else {
            format!("experiment.{}.", segment(&label))
        };
        let asked = asked_times(s, &prefix, &d.time_unit);
        let end = start + duration;
        let mut times: Vec<f64> = grid
            .chain(at.map(|a| a.values).unwrap_or_default())
            .chain(asked)
            .chain([end])
            .collect();
        times.retain(|t| (start..=end * (1.0 + 1e-12)).contains(t));
        times.sort_by(f64::total_cmp);
        times.dedup_by(|b, a| (*b - *a).abs() <= 1e-9 * step.min(duration).max(a.abs() * 1e-6));
        let values = own.map(|e| e.get(OWN_VALUES).iter().map(|text| value(e, text, d)).collect());
        Ok(Experiment { label, start, times, values: values.transpose()?.unwrap_or_default() })
    };
    let listed = s.list(EXPERIMENT);
    let all = if listed.is_empty() {
        vec![one(None)]
    } else {
        listed.iter().map(|e| one(Some(e))).collect()
    };
    all.into_iter().collect::<Result<_, _>>().map_err(|problem| vec![problem])
}

/// `dose = 5 mg`, in the parameter's unit.
fn value(e: &Settings, text: &str, d: &Description) -> Result<(String, f64), Diagnostic> {
    let refuse = |message: String| {
        let help = "such as values = [\"dose = 5 mg\"]";
        e.problem("cotangent::scenario::wrong_type", OWN_VALUES, message, help)
    };
    let (name, value) =
        text.split_once('=').ok_or_else(|| refuse(format!("`{text}` is no value")))?;
    let name = name.trim();
    let unit = d.parameters.iter().find(|q| q.name == name).map_or("", |q| &q.unit);
    match convert(value, unit) {
        Ok(v) => Ok((name.to_owned(), v)),
        // a name that is none is told of with its nearest
        Err(_) if unit.is_empty() && quantity(value).is_some() => Ok((name.to_owned(), f64::NAN)),
        Err(_) => Err(refuse(format!("`{}` is no value in {unit}", value.trim()))),
    }
}

/// Problems of the model at their places in the file.
pub(super) fn diagnostics(s: &Settings, errors: Vec<ModelError>) -> Vec<Diagnostic> {
    let diagnostic = |e: ModelError| {
        let (code, message, help) = (e.problem.code(), e.problem.to_string(), e.problem.help());
        let listed = [EVENT, EXPERIMENT].into_iter().find_map(|list| {
            let place = e.path.strip_prefix(list.name)?.strip_prefix('.')?;
            let (number, rest) = place.split_once('.').unwrap_or((place, EVENT_LABEL.any.path));
            Some((s.list(list).get(number.parse::<usize>().ok()?)?, rest.to_owned()))
        });
        match listed {
            Some((entry, path)) => entry.part_problem(code, &path, e.span, message, help),
            None => s.part_problem(code, &e.path, e.span, message, help),
        }
    };
    errors.into_iter().map(diagnostic).collect()
}
