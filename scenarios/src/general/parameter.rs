//! `[[parameter]]`: which inputs are free.

use std::path::Path;

use cotangent_problem::{Free, Parameter, Quantity, Simulation, Space, SpaceError, Transform};

use super::super::document::{Numbers, Settings};
use super::super::keys::{Amounts, AnyKey, Key, Named};
use super::parameter_keys::{
    ENTRIES, HOLD, LABEL, LOWER, NAME, SCALE, SHARED, SPREAD, START, TRANSFORM, UPPER,
};
use super::{data, select};
use crate::diagnostic::{CONTRADICTION, Diagnostic};

/// The free parameters of the list.
pub(super) fn read(
    simulation: &dyn Simulation,
    list: &[Settings],
    problems: &mut Vec<Diagnostic>,
) -> Vec<Free> {
    let mut free = Vec::new();
    for s in list {
        match of_entry(simulation, s) {
            Ok(found) => free.extend(found),
            Err(problem) => problems.push(problem),
        }
    }
    chosen_twice(&free, list, simulation.inputs(), problems);
    free
}

/// The parameters that one entry of the list makes.
fn of_entry(simulation: &dyn Simulation, s: &Settings) -> Result<Vec<Free>, Diagnostic> {
    let inputs = simulation.inputs();
    let name = s.get(NAME);
    let matching = select::matching(name, inputs);
    if matching.is_empty() {
        let message = format!("there is no input `{name}`");
        let help = select::help(name, inputs, "input");
        return Err(s.problem("cotangent::scenario::unknown_input", NAME, message, help));
    }
    let mut free =
        matching.iter().map(|k| of_input(simulation, *k, s)).collect::<Result<Vec<Free>, _>>()?;
    if s.get(SHARED) && free.len() > 1 {
        free = vec![shared(free, s)?];
    } else if s.get(SHARED) {
        let (message, help) =
            ("only one input matches, so there is nothing to share", "leave it out");
        return Err(s.problem(CONTRADICTION, SHARED, message, help));
    }
    if free.len() > 1 && !s.get(LABEL).is_empty() {
        let message =
            format!("`{name}` means {} parameters, which cannot have one label", free.len());
        let help = "leave the label out; each has the name of its input";
        return Err(s.problem("cotangent::scenario::label", LABEL, message, help));
    }
    if let [only] = free.as_mut_slice()
        && !s.get(LABEL).is_empty()
    {
        s.get(LABEL).clone_into(&mut only.parameter.name);
    }
    Ok(free)
}

/// One parameter whose entries set those of all.
fn shared(free: Vec<Free>, s: &Settings) -> Result<Free, Diagnostic> {
    let mut all = free.into_iter();
    let Some(mut first) = all.next() else {
        return Err(s.problem("cotangent::scenario::parameter", SHARED, "nothing matches", ""));
    };
    for other in all {
        if other.parameter.unit != first.parameter.unit || other.sets.len() != first.sets.len() {
            let message = format!(
                "`{}` and `{}` differ in unit or size, so they cannot share a value",
                first.parameter.name, other.parameter.name
            );
            let help = "name inputs of one kind";
            return Err(s.problem("cotangent::scenario::parameter", SHARED, message, help));
        }
        for (set, more) in first.sets.iter_mut().zip(other.sets) {
            set.extend(more);
        }
        let tighter = |a: &mut Vec<f64>, b: &[f64], pick: fn(f64, f64) -> f64| {
            a.iter_mut().zip(b).for_each(|(a, b)| *a = pick(*a, *b));
        };
        tighter(&mut first.parameter.lower, &other.parameter.lower, f64::max);
        tighter(&mut first.parameter.upper, &other.parameter.upper, f64::min);
    }
    s.get(NAME).clone_into(&mut first.parameter.name);
    Ok(first)
}

/// What `start` says where it says no numbers.
enum Start {
    /// Nothing: numbers of its own, or the present value.
    Own,
    /// Values of the whole input, by the name of an initialiser.
    Named(Vec<f64>),
    /// Values of what is free, from a file.
    Given(Numbers),
}

fn given_start(
    simulation: &dyn Simulation,
    index: usize,
    s: &Settings,
) -> Result<Start, Diagnostic> {
    let quantity = &simulation.inputs()[index];
    if let Some(file) = s.get(START) {
        let own = if s.get(LABEL).is_empty() { &quantity.name } else { s.get(LABEL) };
        return data::start(s, Path::new(file), [own, &quantity.unit]).map(Start::Given);
    }
    let Some(word) = s.word(START) else { return Ok(Start::Own) };
    simulation.initial(index, word).map(Start::Named).ok_or_else(|| {
        let message = format!("`{}` has no start \"{word}\"", quantity.name);
        let help = simulation.initial_names(index).join(", ");
        let help = if help.is_empty() {
            "give it numbers".to_owned()
        } else {
            format!("its starts are: {help}")
        };
        s.problem("cotangent::scenario::unknown_choice", START, message, help)
    })
}

fn of_input(simulation: &dyn Simulation, index: usize, s: &Settings) -> Result<Free, Diagnostic> {
    let quantity = &simulation.inputs()[index];
    let groups = groups(quantity, s)?;
    let whole = groups.len() == quantity.len();
    let shape = match quantity.row_len() {
        _ if whole => quantity.shape.clone(),
        row if s.is_given(HOLD) && row > 1 => vec![groups.len() / row, row],
        _ => vec![groups.len()],
    };
    // what is held together starts from its mean, and is bounded by all
    let mean = |values: &[f64]| -> Vec<f64> {
        groups.iter().map(|g| g.iter().map(|e| values[*e]).sum::<f64>() / g.len() as f64).collect()
    };
    let tightest = |values: &[f64], pick: fn(f64, f64) -> f64| -> Vec<f64> {
        groups.iter().map(|g| g.iter().map(|e| values[*e]).fold(values[g[0]], pick)).collect()
    };
    let spread_out = |key: Key<Amounts>, given: &Numbers| {
        select::broadcast(given, groups.len(), &shape).ok_or_else(|| {
            let shape = select::shape(&shape);
            let message = format!("`{}` must be one number, or {shape}", key.path());
            s.problem("cotangent::scenario::length", key, message, "one for each free entry")
        })
    };
    let filled = |key: Key<Amounts>, own: Vec<f64>| -> Result<Vec<f64>, Diagnostic> {
        let Some(given) = s.quantities(key, &quantity.unit)? else { return Ok(own) };
        spread_out(key, &given)
    };
    let start = match given_start(simulation, index, s)? {
        Start::Own => filled(START, mean(&quantity.value))?,
        Start::Named(values) => mean(&values),
        Start::Given(numbers) => spread_out(START, &numbers)?,
    };
    let (least, greatest) =
        (tightest(&quantity.lower, f64::max), tightest(&quantity.upper, f64::min));
    let lower = filled(LOWER, least.clone())?;
    let upper = filled(UPPER, greatest.clone())?;
    for (key, beyond) in [
        (LOWER, lower.iter().zip(&least).any(|(own, meant)| own < meant)),
        (UPPER, upper.iter().zip(&greatest).any(|(own, meant)| own > meant)),
    ] {
        if beyond {
            let message = format!("`{}` goes beyond what `{}` may be", key.path(), quantity.name);
            let help = "`cotangent list FILE` prints its range";
            return Err(s.problem("cotangent::scenario::out_of_range", key, message, help));
        }
    }
    let transform = s.get(TRANSFORM).unwrap_or(quantity.transform);
    let logarithmic = matches!(transform, Transform::Log | Transform::Logit);
    let scale_unit = if logarithmic { "" } else { quantity.unit.as_str() };
    // a scale is after the transform, so that of another transform means nothing
    let largest = quantity.value.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
    let own = match transform {
        _ if transform == quantity.transform => quantity.scale,
        Transform::Identity if largest > 0.0 => largest,
        Transform::Log => 0.5,
        _ => 1.0,
    };
    let scale = s.quantity(SCALE, scale_unit)?.unwrap_or(own);
    let (name, unit) = (quantity.name.clone(), quantity.unit.clone());
    let is_position = quantity.is_position && transform == Transform::Identity;
    let parameter = Parameter { name, unit, shape, lower, upper, scale, transform, is_position };
    let contradicts = |key: AnyKey, e: SpaceError| {
        let help = "change its start, bounds, scale or transform";
        s.problem("cotangent::scenario::parameter", key, e.to_string(), help)
    };
    let space = Space::new(vec![parameter.clone()]).map_err(|e| contradicts(NAME.any, e))?;
    space.check_start(&start).map_err(|e| contradicts(START.any, e))?;
    let sets = groups.iter().map(|g| g.iter().map(|e| (index, *e)).collect()).collect();
    Ok(Free { parameter, start, spread: s.get(SPREAD), sets })
}

/// The entries that follow each free number.
fn groups(quantity: &Quantity, s: &Settings) -> Result<Vec<Vec<usize>>, Diagnostic> {
    let entries = s.get(ENTRIES);
    if let Some(bad) = entries.iter().find(|e| **e >= quantity.len()) {
        let message =
            format!("`{}` has {} entries, there is no entry {bad}", quantity.name, quantity.len());
        let code = "cotangent::scenario::length";
        return Err(s.problem(code, ENTRIES, message, "entries count from 0"));
    }
    if s.is_given(HOLD) && !entries.is_empty() {
        let (message, help) = ("`entries` has no effect beside `hold`", "leave one of them out");
        return Err(s.problem(CONTRADICTION, ENTRIES, message, help));
    }
    Ok(match held(quantity, s)? {
        Some(groups) => groups,
        None if (1..entries.len()).any(|k| entries[..k].contains(&entries[k])) => {
            let (message, help) = ("an entry is named twice", "name each once");
            return Err(s.problem("cotangent::scenario::length", ENTRIES, message, help));
        }
        None if entries.is_empty() => (0..quantity.len()).map(|e| vec![e]).collect(),
        None => entries.iter().map(|e| vec![*e]).collect(),
    })
}

/// Groups of entries that are held together along the axis.
fn held(quantity: &Quantity, s: &Settings) -> Result<Option<Vec<Vec<usize>>>, Diagnostic> {
    if !s.is_given(HOLD) {
        return Ok(None);
    }
    let refuse = |message: String, help: &str| {
        Err(s.problem("cotangent::scenario::parameter", HOLD, message, help))
    };
    let Some(axis) = quantity.axis.as_ref() else {
        let message = format!("`{}` does not change along an axis", quantity.name);
        return refuse(message, "hold is for what has a number for each step");
    };
    let step = axis.weights.first().copied().unwrap_or(1.0);
    let hold = s.quantity(HOLD, &axis.unit)?.unwrap_or(step);
    let steps = (hold / step).round();
    if steps < 1.0 || (steps * step - hold).abs() > 1e-9 * hold.abs() {
        let message = format!("{hold} {} is no whole number of steps of {step}", axis.unit);
        return refuse(
            message,
            &format!("the nearest is {:.6} {}", steps.max(1.0) * step, axis.unit),
        );
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a whole number")]
    let steps = steps as usize;
    // each component of a vector on its own, the intervals after each other
    let (row, places) = (quantity.row_len(), axis.values.len());
    let group = |first: usize, component: usize| {
        (first..(first + steps).min(places)).map(|step| step * row + component).collect()
    };
    let intervals = (0..places).step_by(steps);
    Ok(Some(intervals.flat_map(|first| (0..row).map(move |k| group(first, k))).collect()))
}

/// Entries that two parameters choose.
fn chosen_twice(
    free: &[Free],
    list: &[Settings],
    inputs: &[Quantity],
    problems: &mut Vec<Diagnostic>,
) {
    let mut owners: std::collections::BTreeMap<(usize, usize), &str> =
        std::collections::BTreeMap::new();
    for f in free {
        for place in f.sets.iter().flatten() {
            if let Some(first) = owners.insert(*place, &f.parameter.name) {
                let input = &inputs[place.0].name;
                let message = format!(
                    "`{input}` is chosen twice, as `{first}` and as `{}`",
                    f.parameter.name
                );
                let last = list.iter().rfind(|s| !select::matching(s.get(NAME), inputs).is_empty());
                let code = "cotangent::scenario::parameter";
                problems
                    .extend(last.map(|s| s.problem(code, NAME, message, "choose each entry once")));
                return;
            }
        }
    }
}
