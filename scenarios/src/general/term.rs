//! `[[term]]`: what is asked of outputs.

use cotangent_problem::{Loss, Misfit, Quantity, Term};

use super::super::document::{Numbers, Settings};
use super::super::keys::AnyKey;
use super::term_keys::{
    AT, BEYOND, BLOCK, COLUMNS, ENTRIES, LABEL, LOSS, MARGIN, MAXIMISE, MINIMISE, OUTPUT, REDUCE,
    Reduce, SCALE, TARGET, TIME_COLUMN, TOLERANCE, UNIT, WEIGHT,
};
use super::{Picks, data, pixel, select};
use crate::diagnostic::{CONTRADICTION, Diagnostic};

/// A term with what it speaks of.
pub(super) struct Spoken {
    /// The term.
    pub(super) term: Term,
    /// Unit of its misfits.
    pub(super) unit: String,
    /// Unit of the weights: that of the axis, where it is integrated.
    pub(super) weight_unit: String,
    /// What it says, in words.
    pub(super) words: String,
    /// Whether the output itself is to be small or large.
    pub(super) is_small: bool,
    /// How far before the ends of a range the cost starts; goals judge the range itself.
    pub(super) margin: f64,
    /// Components of the output's vectors that are selected; 1 where entries stand alone.
    pub(super) vector: usize,
    /// Whether its misfits are of means over blocks of pixels, which no goal judges.
    pub(super) is_of_blocks: bool,
}

impl Spoken {
    /// Unit of a weighted sum of misfits.
    pub(super) fn total_unit(&self) -> String {
        [self.unit.as_str(), &self.weight_unit].join(" ").trim().to_owned()
    }

    /// Unit of a weighted sum of their squares.
    pub(super) fn square_unit(&self) -> String {
        let square = match self.unit.as_str() {
            "" => String::new(),
            simple if !simple.contains([' ', '/', '^']) => format!("{simple}^2"),
            compound => format!("({compound})^2"),
        };
        [square.as_str(), &self.weight_unit].join(" ").trim().to_owned()
    }
}

/// What an entry of `[[term]]` or `[[goal]]` says of outputs.
pub(super) fn read(
    outputs: &[Quantity],
    list: &[Settings],
    picks: &mut Picks,
    problems: &mut Vec<Diagnostic>,
) -> Vec<Spoken> {
    let mut terms: Vec<Spoken> = Vec::new();
    let given: Vec<&str> = list.iter().map(|s| s.get(LABEL)).collect();
    for (index, s) in list.iter().enumerate() {
        match of_entry(outputs, s, small(s), picks) {
            Ok(mut spoken) => {
                let mut label = s.get(LABEL).to_owned();
                if label.is_empty() {
                    s.get(OUTPUT).clone_into(&mut label);
                    // a name that somebody gave, or that another has already, stays with its owner
                    let taken = |l: &String| terms.iter().any(|t| t.term.label == *l);
                    if given.contains(&label.as_str()) || taken(&label) {
                        label = format!("{label} ({index})");
                    }
                }
                spoken.term.label = label;
                terms.push(spoken);
            }
            Err(problem) => problems.push(problem),
        }
    }
    terms
}

/// What the value itself costs, where it is to be small or large.
fn small(s: &Settings) -> Option<Loss> {
    s.get(MINIMISE).0.or(s.get(MAXIMISE).0)
}

/// One entry of the list as a term without a label; `small` is what the value itself costs, where it is to be small or large.
pub(super) fn of_entry(
    outputs: &[Quantity],
    s: &Settings,
    small: Option<Loss>,
    picks: &mut Picks,
) -> Result<Spoken, Diagnostic> {
    let name = s.get(OUTPUT);
    let matching = select::matching(name, outputs);
    let nothing = || {
        let message = format!("there is no output `{name}`");
        let help = select::help(name, outputs, "output");
        s.problem("cotangent::scenario::unknown_output", OUTPUT, message, help)
    };
    let Some(&first) = matching.first() else { return Err(nothing()) };
    let unit = outputs[first].unit.clone();
    let mut joined: Option<Term> = None;
    for &index in &matching {
        let quantity = &outputs[index];
        if quantity.unit != unit {
            let message = format!(
                "`{name}` means outputs in {unit} (`{}`) and in {} (`{}`)",
                outputs[first].name, quantity.unit, quantity.name
            );
            let help = "write a term for each unit";
            return Err(s.problem("cotangent::scenario::wrong_unit", OUTPUT, message, help));
        }
        if quantity.vector_len() != outputs[first].vector_len() {
            let message = format!(
                "`{}` is of vectors and `{}` is not, or of another length",
                outputs[first].name, quantity.name
            );
            let help = "write a term for each kind";
            return Err(s.problem("cotangent::scenario::length", OUTPUT, message, help));
        }
        let term = of_output(quantity, s, small, picks.first(index, quantity))?;
        joined = Some(match joined {
            None => term,
            Some(sum) => join(sum, term, s)?,
        });
    }
    let Some(mut term) = joined else { return Err(nothing()) };
    if term.groups() == 0 {
        let message = "nothing is selected of the output".to_owned();
        let help = "leave `at` out for all times, or name some";
        return Err(s.problem("cotangent::scenario::length", AT, message, help));
    }
    if s.get(REDUCE) == Reduce::Mean {
        let groups = term.groups() as f64;
        term.weights.iter_mut().for_each(|w| *w /= groups);
    }
    let quantities: Vec<&Quantity> = matching.iter().map(|k| &outputs[*k]).collect();
    let quantity = quantities[0];
    let chosen = s.get(ENTRIES).len();
    let components = if chosen > 0 { chosen } else { quantity.vector_len() };
    let axis = quantity.axis.as_ref().filter(|_| integrated(quantity, s, s.is_given(TARGET)));
    Ok(Spoken {
        term,
        unit,
        weight_unit: axis.map_or(String::new(), |a| a.unit.clone()),
        words: words(s, &quantities),
        margin: s.quantity(MARGIN, &quantity.unit)?.unwrap_or(0.0),
        is_small: small.is_some(),
        vector: if quantity.is_vector { components } else { 1 },
        is_of_blocks: s.get(BLOCK) > 1,
    })
}

/// Two terms of one entry as one.
fn join(mut sum: Term, term: Term, s: &Settings) -> Result<Term, Diagnostic> {
    if sum.group != term.group {
        let message = "vectors of different lengths cannot be one term".to_owned();
        let help = "write a term for each";
        return Err(s.problem("cotangent::scenario::length", OUTPUT, message, help));
    }
    sum.entries.extend(term.entries);
    sum.target.extend(term.target);
    sum.weights.extend(term.weights);
    if let (Misfit::Beyond { lower, upper }, Misfit::Beyond { lower: l, upper: u }) =
        (&mut sum.misfit, term.misfit)
    {
        lower.extend(l);
        upper.extend(u);
    }
    Ok(sum)
}

fn of_output(
    quantity: &Quantity,
    s: &Settings,
    small: Option<Loss>,
    first: usize,
) -> Result<Term, Diagnostic> {
    no_idle_keys(s, small.is_some())?;
    let file = data::table(s, quantity)?;
    let times = file.as_ref().and_then(|f| f.times.as_deref());
    if times.is_some() && s.is_given(AT) {
        let message = "the file says itself at which times it counts";
        let help = "leave `at` out, or the rows that are not wanted";
        return Err(s.problem(CONTRADICTION, AT, message, help));
    }
    if file.is_some() && times.is_none() && quantity.axis.is_some() && !s.is_given(AT) {
        let message = "the file has no column of times";
        let help = "name it by time_column, or give `at` a time for each row";
        return Err(s.problem("cotangent::scenario::data", TARGET, message, help));
    }
    let selected = select::entries(s, quantity, times)?;
    let flat = selected.flat();
    let target = target(quantity, s, &selected, file.as_ref())?;
    let (misfit, group) =
        misfit(quantity, s, &selected, &flat, [small.is_some(), target.is_some()])?;
    let scale = s.quantity(SCALE, &quantity.unit)?.unwrap_or(1.0);
    if scale <= 0.0 {
        let message = format!("`scale` = {scale} is out of range");
        let (code, help) = ("cotangent::scenario::out_of_range", "make it positive");
        return Err(s.problem(code, SCALE, message, help));
    }
    let term = Term {
        label: String::new(),
        weights: weights(quantity, s, &selected, group, target.is_some())?,
        target: target.unwrap_or_else(|| vec![0.0; flat.len()]),
        entries: flat.iter().map(|e| first + e).collect(),
        group,
        misfit,
        scale,
        loss: small.unwrap_or_else(|| s.get(LOSS)),
        weight: s.get(WEIGHT),
    };
    pixel::refined(term, quantity, s)
}

/// Refuses a key that has no effect beside the others: whoever wrote it believes that it has.
fn no_idle_keys(s: &Settings, small: bool) -> Result<(), Diagnostic> {
    let needs = [
        (COLUMNS.any, s.get(TARGET).is_some(), "a file as target"),
        (TIME_COLUMN.any, s.get(TARGET).is_some(), "a file as target"),
        (UNIT.any, s.get(TARGET).is_some(), "a file as target"),
        (TOLERANCE.any, s.is_given(TARGET), "a target"),
        (LOSS.any, !small, "a target or `beyond`; `minimise` says itself what it costs"),
    ];
    match needs.into_iter().find(|(key, there, _)| s.is_given(*key) && !there) {
        None => Ok(()),
        Some((key, _, what)) => {
            let message = format!("`{}` has no effect here", key.path);
            let help = format!("it needs {what}");
            Err(s.problem(CONTRADICTION, key, message, help))
        }
    }
}

/// What the selected entries should be; `None` where nothing is said.
fn target(
    quantity: &Quantity,
    s: &Settings,
    selected: &select::Entries,
    file: Option<&data::Table>,
) -> Result<Option<Vec<f64>>, Diagnostic> {
    let given = match file {
        Some(table) => {
            let columns = table.values.len() / table.rows.max(1);
            Some(Numbers { shape: vec![table.rows, columns], values: table.values.clone() })
        }
        None => s.quantities(TARGET, &quantity.unit)?,
    };
    let Some(given) = given else { return Ok(None) };
    let shape = selected.shape();
    let len = selected.rows.len() * selected.components.len();
    let full = given.shape == [selected.rows.len(), selected.components.len()];
    let value =
        if full { Some(given.values.clone()) } else { select::broadcast(&given, len, &shape) };
    value.map(Some).ok_or_else(|| {
        let message = format!(
            "the target has shape {}, what is selected of `{}` {}",
            select::shape(&given.shape),
            quantity.name,
            select::shape(&shape)
        );
        let help = "one number, one row for all times, or a number for each entry";
        s.problem("cotangent::scenario::length", TARGET, message, help)
    })
}

/// How misfits are measured, and the entries that make one.
fn misfit(
    quantity: &Quantity,
    s: &Settings,
    selected: &select::Entries,
    flat: &[usize],
    [small, has_target]: [bool; 2],
) -> Result<(Misfit, usize), Diagnostic> {
    let beyond = s.is_given(BEYOND);
    let refuse =
        |key: AnyKey, message: &str, help: &str| Err(s.problem(CONTRADICTION, key, message, help));
    if usize::from(small) + usize::from(beyond) + usize::from(has_target) != 1 {
        let help = "give one of target, beyond, minimise, maximise";
        return refuse(OUTPUT.any, "a term asks one thing of its output", help);
    }
    if s.get(MINIMISE).0.is_some() && s.get(MAXIMISE).0.is_some() {
        return refuse(MAXIMISE.any, "it cannot be both small and large", "leave one out");
    }
    if s.is_given(MARGIN) && !beyond {
        return refuse(MARGIN.any, "a margin is of a range", "leave it out, or ask with `beyond`");
    }
    if beyond {
        let (mut lower, mut upper) = bounds(quantity, s, flat)?;
        let margin = s.quantity(MARGIN, &quantity.unit)?.unwrap_or(0.0);
        lower.iter_mut().for_each(|b| *b += margin);
        upper.iter_mut().for_each(|b| *b -= margin);
        if lower.iter().zip(&upper).any(|(l, u)| l > u) {
            return refuse(MARGIN.any, "the margin leaves nothing of the range", "make it smaller");
        }
        return Ok((Misfit::Beyond { lower, upper }, 1));
    }
    let tolerance = s.quantity(TOLERANCE, &quantity.unit)?.unwrap_or(0.0);
    if tolerance < 0.0 {
        return refuse(TOLERANCE.any, "a distance is not negative", "make it 0 or more");
    }
    let distance = tolerance > 0.0 || s.get(LOSS) != Loss::Square;
    if has_target && distance {
        let group = if quantity.is_vector { selected.components.len() } else { 1 };
        return Ok((Misfit::Distance { tolerance }, group));
    }
    Ok((Misfit::Difference, 1))
}

/// Least and greatest values of `beyond`.
fn bounds(
    quantity: &Quantity,
    s: &Settings,
    flat: &[usize],
) -> Result<(Vec<f64>, Vec<f64>), Diagnostic> {
    if s.word(BEYOND) == Some("range") {
        let of = |bounds: &[f64]| flat.iter().map(|e| bounds[*e]).collect::<Vec<_>>();
        let (lower, upper) = (of(&quantity.lower), of(&quantity.upper));
        if lower.iter().chain(&upper).all(|b| b.is_infinite()) {
            let message = format!("`{}` has no range", quantity.name);
            let help = "give [least, greatest]";
            return Err(s.problem(CONTRADICTION, BEYOND, message, help));
        }
        return Ok((lower, upper));
    }
    match s.quantities(BEYOND, &quantity.unit)? {
        Some(Numbers { values, .. }) if values.len() == 2 && values[0] <= values[1] => {
            Ok((vec![values[0]; flat.len()], vec![values[1]; flat.len()]))
        }
        _ => {
            let message = "`beyond` must be \"range\" or two numbers, the lesser first";
            Err(s.problem("cotangent::scenario::wrong_type", BEYOND, message, "such as [-1, 1]"))
        }
    }
}

/// Whether a term sums over its axis with the weights of an integral.
fn integrated(quantity: &Quantity, s: &Settings, has_target: bool) -> bool {
    let whole = quantity.axis.is_some() && !s.is_given(AT);
    match s.get(REDUCE) {
        Reduce::Integral => true,
        Reduce::Auto => whole && !has_target,
        Reduce::Sum | Reduce::Mean => false,
    }
}

/// Weight of each group.
fn weights(
    quantity: &Quantity,
    s: &Settings,
    selected: &select::Entries,
    group: usize,
    has_target: bool,
) -> Result<Vec<f64>, Diagnostic> {
    let in_row = selected.components.len() / group;
    let integral = integrated(quantity, s, has_target);
    match &quantity.axis {
        Some(axis) if integral => {
            Ok(selected.rows.iter().flat_map(|r| vec![axis.weights[*r]; in_row]).collect())
        }
        None if integral => {
            let message = format!("`{}` has no axis to integrate along", quantity.name);
            let help = "use reduce = \"sum\" or \"mean\"";
            Err(s.problem(CONTRADICTION, REDUCE, message, help))
        }
        _ => Ok(vec![1.0; selected.rows.len() * in_row]),
    }
}

/// What is asked, in words.
fn words(s: &Settings, quantities: &[&Quantity]) -> String {
    let what = match quantities {
        [only] => only.name.clone(),
        several => format!("{} ({} outputs)", s.get(OUTPUT), several.len()),
    };
    let axis = quantities.first().and_then(|q| q.axis.as_ref());
    let at = match (axis, s.is_given(AT)) {
        (Some(axis), true) => format!(" at the given {}s", axis.name),
        (Some(axis), false) => format!(" over {}", axis.name),
        (None, _) => String::new(),
    };
    format!("{what}{at}")
}
