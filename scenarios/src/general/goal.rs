//! `[[goal]]`: what the answer must satisfy.

use cotangent_problem::{
    Goal, Loss, Measure, Misfit, Must, Simulation, Space, Statistic, Transform,
};

use super::super::document::Settings;
use super::super::keys::{
    AMOUNTS, Amounts, AnyKey, DATA, Key, Named, TEXT, TEXTS, choice, counts, key, keys, one_of,
};
use super::term::{self, Spoken};
use super::{Picks, select, term_keys};
use crate::diagnostic::{CONTRADICTION, Diagnostic, nearest};

/// What is made of several entries; `None` is what the term does.
type OwnStatistic = Option<Statistic>;

choice! { OwnStatistic:
    "auto" => None,
    "largest" => Some(Statistic::Largest),
    "rms" => Some(Statistic::RootMeanSquare),
    "total" => Some(Statistic::Total),
    "total-square" => Some(Statistic::TotalSquare),
}

keys! {
    pub(super) KEYS;
    LABEL: str = key("label", TEXT, "\"\"", "its name in reports");
    OF: str = key("of", TEXT, "\"\"", "the label of a term");
    OUTPUT: str = key("output", TEXT, "\"\"", "an output, as in a term");
    PARAMETER: str = select::PARAMETER;
    AT: Amounts = key("at", AMOUNTS, "[]", "times (coordinates) at which it counts; all");
    ENTRIES: [usize] = key("entries", counts(0, 1 << 40), "[]", "entries that count; all");
    TARGET: Amounts = key("target", DATA, "0", "what it should be: numbers, or a CSV file");
    COLUMNS: [String] = key("columns", TEXTS, "[]", "columns of the file");
    TIME_COLUMN: str = key("time_column", TEXT, "\"\"", "column of the times");
    UNIT: str = key("unit", TEXT, "\"\"", "unit of the file's numbers");
    BEYOND: Amounts = key("beyond", AMOUNTS, "[]", "\"range\" or [least, greatest]");
    TRUE: Amounts = key("true", AMOUNTS, "0", "true value of a parameter");
    WITHIN: Amounts = key("within", AMOUNTS, "0",
        "largest distance that is met, or a share such as \"1 %\"");
    AT_MOST: Amounts = key("at_most", AMOUNTS, "0", "largest value that is met");
    AT_LEAST: Amounts = key("at_least", AMOUNTS, "0", "least value that is met");
    STATISTIC: OwnStatistic = key("statistic", one_of(), "\"auto\"",
        "of several entries; auto is what the term sums, or the largest distance");
}

/// What a goal may speak of.
const SUBJECTS: [Key<str>; 3] = [OF, OUTPUT, PARAMETER];

/// The goals of the list.
pub(super) fn read(
    simulation: &dyn Simulation,
    space: &Space,
    terms: &[Spoken],
    list: &[Settings],
    picks: &mut Picks,
    problems: &mut Vec<Diagnostic>,
) -> Vec<Goal> {
    let mut goals = Vec::new();
    for s in list {
        let kinds = SUBJECTS.into_iter().filter(|k| !s.get(*k).is_empty()).count();
        let goal = if let Some(idle) = idle_key(s) {
            let message = format!("`{}` has no effect here", idle.path);
            let help = "`of` takes a statistic and a bound; `parameter` takes `true` and a bound; `output` what a term has";
            Err(s.problem(CONTRADICTION, idle, message, help))
        } else if kinds != 1 {
            let (message, help) =
                ("a goal speaks of one thing", "give one of `of`, `output` and `parameter`");
            Err(s.problem(CONTRADICTION, OF, message, help))
        } else if !s.get(PARAMETER).is_empty() {
            of_parameter(space, s)
        } else if !s.get(OF).is_empty() {
            of_term(terms, s)
        } else {
            of_output(simulation, s, picks)
        };
        match goal {
            Ok(goal) => goals.push(goal),
            Err(problem) => problems.push(problem),
        }
    }
    goals
}

/// A key that is given and does not act beside what the goal speaks of.
fn idle_key(s: &Settings) -> Option<AnyKey> {
    let (of_parameter, of_term) = (!s.get(PARAMETER).is_empty(), !s.get(OF).is_empty());
    let shared = [LABEL.any, WITHIN.any, AT_MOST.any, AT_LEAST.any];
    let is_shared = |key: &AnyKey| {
        shared.iter().chain(&SUBJECTS.map(|k| k.any)).any(|known| known.path == key.path)
    };
    let acts = |key: &AnyKey| match (of_parameter, of_term) {
        (true, _) => key.path == TRUE.path() || is_shared(key),
        (false, true) => key.path == STATISTIC.path() || is_shared(key),
        (false, false) => key.path != TRUE.path(),
    };
    KEYS.iter().copied().find(|key| s.is_given(*key) && !acts(key))
}

/// What a goal's number bounds.
type Bound = fn(f64) -> Must;

/// The bound, in `unit`; a share in percent where `relative` is allowed.
fn must(s: &Settings, unit: &str, relative: bool) -> Result<(Must, bool), Diagnostic> {
    let bounds: [(Key<Amounts>, Bound); 3] =
        [(WITHIN, Must::Within), (AT_MOST, Must::AtMost), (AT_LEAST, Must::AtLeast)];
    let given: Vec<_> = bounds.into_iter().filter(|(key, _)| s.is_given(*key)).collect();
    let [(key, must)] = given[..] else {
        let (message, help) = ("a goal has one bound", "give one of within, at_most, at_least");
        return Err(s.problem(CONTRADICTION, WITHIN, message, help));
    };
    let (bound, is_share) = match s.percent(key) {
        Some(percent) if relative => (percent, true),
        _ => (s.quantity(key, unit)?.unwrap_or(0.0), false),
    };
    let must = must(bound);
    if !bound.is_finite() || (matches!(must, Must::Within(_)) && bound < 0.0) {
        let message = format!("`{}` = {bound} is out of range", key.path());
        let help = "a bound that can be missed";
        return Err(s.problem("cotangent::scenario::out_of_range", key, message, help));
    }
    Ok((must, is_share))
}

fn named(s: &Settings, otherwise: &str) -> String {
    let names = [s.get(LABEL), otherwise, s.get(OUTPUT)];
    names.into_iter().find(|n| !n.is_empty()).unwrap_or_default().to_owned()
}

fn of_parameter(space: &Space, s: &Settings) -> Result<Goal, Diagnostic> {
    let name = s.get(PARAMETER);
    let code = "cotangent::scenario::goal";
    let (p, first) = select::free_parameter(space, s, code)?;
    let Some(given) = s.quantities(TRUE, &p.unit)? else {
        let (message, help) = ("there is nothing to compare it with", "add `true`");
        return Err(s.problem("cotangent::scenario::goal", TRUE, message, help));
    };
    let truth = select::broadcast(&given, p.len(), &p.shape).ok_or_else(|| {
        let message = format!("`{name}` has shape {}", select::shape(&p.shape));
        s.problem("cotangent::scenario::length", TRUE, message, "one number for each entry")
    })?;
    let (must, relative) = must(s, &p.unit, true)?;
    if relative && truth.contains(&0.0) {
        let (message, help) = ("a share of 0 is 0", "give the distance in the parameter's unit");
        return Err(s.problem("cotangent::scenario::goal", WITHIN, message, help));
    }
    let rotation = p.transform == Transform::RotationVector;
    let entries = (first..first + p.len()).collect();
    Ok(Goal {
        label: named(s, name),
        what: format!("{name} from its true value"),
        unit: if relative { "%".into() } else { p.unit.clone() },
        measure: Measure::Parameter { entries, truth, relative, rotation },
        must,
    })
}

fn of_term(terms: &[Spoken], s: &Settings) -> Result<Goal, Diagnostic> {
    let label = s.get(OF);
    let Some(spoken) = terms.iter().find(|t| t.term.label == label) else {
        let message = format!("no term has the label \"{label}\"");
        let near = nearest(label, terms.iter().map(|t| t.term.label.as_str()));
        let help = near
            .map_or("name the label of a [[term]]".into(), |n| format!("did you mean \"{n}\"?"));
        return Err(s.problem("cotangent::scenario::goal", OF, message, help));
    };
    if spoken.is_of_blocks {
        let message = format!("the term \"{label}\" is of blocks of pixels");
        let help = "judge the pixels: give the goal the `output` and its `target`";
        return Err(s.problem("cotangent::scenario::goal", OF, message, help));
    }
    of_spoken(spoken, s)
}

fn of_output(
    simulation: &dyn Simulation,
    s: &Settings,
    picks: &mut Picks,
) -> Result<Goal, Diagnostic> {
    // a goal is a term that only measures: without target and range, the value itself
    let asks = s.is_given(TARGET) || s.is_given(BEYOND);
    let small = if asks { None } else { Some(Loss::Value) };
    let completed = s.completed(term_keys::KEYS);
    let spoken = term::of_entry(simulation.outputs(), &completed, small, picks)?;
    if !asks && spoken.term.groups() > 1 && s.get(STATISTIC).is_none() {
        let message = format!("{} has {} values", spoken.words, spoken.term.groups());
        let help = "say which with `at` and `entries`, or give a `statistic`";
        return Err(s.problem("cotangent::scenario::goal", OUTPUT, message, help));
    }
    of_spoken(&spoken, s)
}

/// The goal of a term's misfits: their largest, or what the term makes small.
fn of_spoken(spoken: &Spoken, s: &Settings) -> Result<Goal, Diagnostic> {
    let term = &spoken.term;
    let own = match term.loss {
        Loss::Value | Loss::Negative => Statistic::Total,
        Loss::Square if spoken.is_small => Statistic::TotalSquare,
        Loss::Absolute if spoken.is_small => Statistic::Total,
        _ => Statistic::Largest,
    };
    let statistic = s.get(STATISTIC).unwrap_or(own);
    let mut term = term.clone();
    // the distance itself is judged, with nothing forgiven
    if let Misfit::Distance { tolerance } = &mut term.misfit {
        *tolerance = 0.0;
    }
    if let Misfit::Beyond { lower, upper } = &mut term.misfit {
        lower.iter_mut().for_each(|b| *b -= spoken.margin);
        upper.iter_mut().for_each(|b| *b += spoken.margin);
    }
    // misfits are lengths, of vectors as a whole; only a value that is itself small or large keeps its sign
    let signed = matches!(term.loss, Loss::Value | Loss::Negative);
    if term.misfit == Misfit::Difference && !signed && statistic != Statistic::TotalSquare {
        term.group = spoken.vector;
        term.misfit = Misfit::Distance { tolerance: 0.0 };
        term.weights = term.weights.chunks(spoken.vector).map(|w| w[0]).collect();
    }
    let unit = match statistic {
        Statistic::TotalSquare => spoken.square_unit(),
        Statistic::Total => spoken.total_unit(),
        _ => spoken.unit.clone(),
    };
    let (must, _) = must(s, &unit, false)?;
    let verb = match (statistic, &term.misfit) {
        (Statistic::TotalSquare, _) => "sum of the squares of",
        (Statistic::Total, _) => "",
        (Statistic::RootMeanSquare, _) => "root mean square of",
        (Statistic::Largest, Misfit::Beyond { .. }) => "largest excess of",
        (Statistic::Largest, _) => "largest misfit of",
    };
    Ok(Goal {
        label: named(s, &spoken.term.label),
        what: format!("{verb} {}", spoken.words).trim().to_owned(),
        unit,
        measure: Measure::Outputs(term, statistic),
        must,
    })
}
