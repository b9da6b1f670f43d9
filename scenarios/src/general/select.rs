//! Which quantities and which of their entries are meant.

use cotangent_problem::name::{is_pattern, matches};
use cotangent_problem::{Axis, Parameter, Quantity, Space};

use super::super::document::{Numbers, Settings};
use super::super::keys::{Key, TEXT, key};
use super::term_keys::{AT, ENTRIES, TARGET};
use crate::diagnostic::{Diagnostic, nearest};

/// Positions of the quantities that a name or pattern means. A name without its quotes means the quantity too, because a key
/// of TOML that is quoted as a whole cannot carry them.
pub(crate) fn matching(pattern: &str, quantities: &[Quantity]) -> Vec<usize> {
    let plain = |name: &str| name.replace(['"', '\\'], "");
    let meant = |q: &Quantity| matches(pattern, &q.name) || plain(&q.name) == pattern;
    (0..quantities.len()).filter(|k| meant(&quantities[*k])).collect()
}

/// What to do about a name that means nothing.
pub(crate) fn help(pattern: &str, quantities: &[Quantity], role: &str) -> String {
    let names = quantities.iter().map(|q| q.name.as_str());
    match nearest(pattern, names).filter(|_| !is_pattern(pattern)) {
        Some(name) => format!("did you mean `{name}`?"),
        None => format!("`cotangent list FILE` prints every {role}"),
    }
}

/// A shape for people: `3 x 2`, `one number`.
pub(super) fn shape(shape: &[usize]) -> String {
    if shape.is_empty() {
        return "of one number".into();
    }
    shape.iter().map(usize::to_string).collect::<Vec<_>>().join(" x ")
}

/// `given` as `len` entries of a quantity of this shape: itself, one number for all, or one row for every row.
pub(super) fn broadcast(given: &Numbers, len: usize, shape: &[usize]) -> Option<Vec<f64>> {
    let repeated = |times: usize| given.values.repeat(times);
    if given.values.len() == len && (given.shape.len() <= 1 || given.shape == shape) {
        return Some(given.values.clone());
    }
    if given.values.len() == 1 {
        return Some(repeated(len));
    }
    let row: usize = shape.iter().skip(1).product();
    (given.shape.len() == 1 && shape.len() > 1 && given.values.len() == row)
        .then(|| repeated(len / row))
}

/// The key of goals and constraints that names a free parameter.
pub(super) const PARAMETER: Key<str> =
    key("parameter", TEXT, "\"\"", "a free parameter, by its name or label");

/// The free parameter that a goal or a constraint names, and its first number.
///
/// # Errors
/// There is none of this name.
pub(super) fn free_parameter<'a>(
    space: &'a Space,
    s: &Settings,
    code: &'static str,
) -> Result<(&'a Parameter, usize), Diagnostic> {
    let name = s.get(PARAMETER);
    let mut first = 0;
    let mut known = None;
    for p in space.parameters() {
        if p.name == name {
            known = Some((p, first));
        }
        first += p.len();
    }
    known.ok_or_else(|| {
        let message = format!("no free parameter is called `{name}`");
        let near = nearest(name, space.parameters().iter().map(|p| p.name.as_str()));
        let help = near.map_or("name a [[parameter]]".into(), |n| format!("did you mean `{n}`?"));
        s.problem(code, PARAMETER, message, help)
    })
}

/// Entries of an output: rows along its axis, components of each.
pub(super) struct Entries {
    /// Rows along the axis; one row where there is no axis.
    pub(super) rows: Vec<usize>,
    /// Components of a row.
    pub(super) components: Vec<usize>,
    /// Entries of a row.
    pub(super) row_len: usize,
}

impl Entries {
    /// Flat entries, row after row.
    pub(super) fn flat(&self) -> Vec<usize> {
        let row =
            |r: &usize| self.components.iter().map(|c| r * self.row_len + c).collect::<Vec<_>>();
        self.rows.iter().flat_map(row).collect()
    }

    /// Shape of what is selected.
    pub(super) fn shape(&self) -> Vec<usize> {
        match (self.rows.len(), self.components.len()) {
            (1, 1) => Vec::new(),
            (1, c) => vec![c],
            (r, 1) => vec![r],
            (r, c) => vec![r, c],
        }
    }
}

/// The entries that `at` (or `times`, where they come from a file) and `entries` select of a quantity.
///
/// # Errors
/// A coordinate off the axis, with both neighbours; an entry that does not exist.
pub(super) fn entries(
    s: &Settings,
    quantity: &Quantity,
    times: Option<&[f64]>,
) -> Result<Entries, Diagnostic> {
    let (count, row_len) = match &quantity.axis {
        Some(axis) => (axis.values.len(), quantity.row_len()),
        None => (1, quantity.len()),
    };
    let given = match &quantity.axis {
        Some(axis) => s.quantities(AT, &axis.unit)?.map(|n| n.values),
        None if s.is_given(AT) => {
            let message = format!("`{}` has no times", quantity.name);
            let code = "cotangent::scenario::off_grid";
            return Err(s.problem(code, AT, message, "leave `at` out"));
        }
        None => None,
    };
    let wanted = given.as_deref().or(times);
    let rows = match (&quantity.axis, wanted) {
        (Some(axis), Some(values)) => {
            values.iter().map(|v| row(s, axis, *v)).collect::<Result<_, _>>()?
        }
        _ => (0..count).collect(),
    };
    let chosen = s.get(ENTRIES);
    if let Some(bad) = chosen.iter().find(|e| **e >= row_len) {
        let message = format!("`{}` has {row_len} entries, there is no entry {bad}", quantity.name);
        let code = "cotangent::scenario::length";
        return Err(s.problem(code, ENTRIES, message, "entries count from 0"));
    }
    if (1..chosen.len()).any(|k| chosen[..k].contains(&chosen[k])) {
        let (message, help) = ("an entry is named twice", "name each once");
        return Err(s.problem("cotangent::scenario::length", ENTRIES, message, help));
    }
    let components = if chosen.is_empty() { (0..row_len).collect() } else { chosen.to_vec() };
    Ok(Entries { rows, components, row_len })
}

fn row(s: &Settings, axis: &Axis, value: f64) -> Result<usize, Diagnostic> {
    axis.position(value).map_err(|(below, above)| {
        let shown = |k: usize| format!("{} {}", axis.values[k], axis.unit);
        let help = match (below, above) {
            (Some(b), Some(a)) => format!("its neighbours are {} and {}", shown(b), shown(a)),
            (Some(b), None) => format!("the last is {}", shown(b)),
            (None, Some(a)) => format!("the first is {}", shown(a)),
            (None, None) => "there is none".into(),
        };
        let message = format!("{value} {} is not on the grid of {}s", axis.unit, axis.name);
        let key = if s.is_given(AT) { AT } else { TARGET };
        s.problem("cotangent::scenario::off_grid", key, message, help)
    })
}
