//! `[[goal]]`: what the answer must satisfy.

use cotangent_problem::{
    Goal, Loss, Measure, Misfit, Must, Simulation, Space, Statistic, Transform,
};

use super::super::document::Settings;
use super::super::keys::{Key, Kind, key};
use super::term::{self, Spoken};
use super::{Picks, select};
use crate::diagnostic::{Diagnostic, nearest};

pub(super) const KEYS: &[Key] = &[
    key("label", Kind::Text, "\"\"", "its name in reports"),
    key("of", Kind::Text, "\"\"", "the label of a term"),
    key("output", Kind::Text, "\"\"", "an output, as in a term"),
    key("parameter", Kind::Text, "\"\"", "a free parameter, by its name or label"),
    key("at", Kind::Quantity, "[]", "times (coordinates) at which it counts; all"),
    key("entries", Kind::Integers { min: 0, max: 1 << 40 }, "[]", "entries that count; all"),
    key("target", Kind::Data, "0", "what it should be: numbers, or a CSV file"),
    key("columns", Kind::Texts, "[]", "columns of the file"),
    key("time_column", Kind::Text, "\"\"", "column of the times"),
    key("unit", Kind::Text, "\"\"", "unit of the file's numbers"),
    key("beyond", Kind::Quantity, "[]", "\"range\" or [least, greatest]"),
    key("true", Kind::Quantity, "0", "true value of a parameter"),
    key("within", Kind::Quantity, "0", "largest distance that is met, or a share such as \"1 %\""),
    key("at_most", Kind::Quantity, "0", "largest value that is met"),
    key("at_least", Kind::Quantity, "0", "least value that is met"),
    key(
        "statistic",
        Kind::Choice(&["auto", "largest", "rms", "total", "total-square"]),
        "\"auto\"",
        "of several entries; auto is what the term sums, or the largest distance",
    ),
];

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
        let kinds = ["of", "output", "parameter"].iter().filter(|k| !s.text(k).is_empty()).count();
        let goal = if let Some(idle) = idle_key(s) {
            let message = format!("`{idle}` has no effect here");
            let help = "`of` takes a statistic and a bound; `parameter` takes `true` and a bound; `output` what a term has";
            Err(s.problem("cotangent::scenario::contradiction", idle, message, help))
        } else if kinds != 1 {
            let (message, help) =
                ("a goal speaks of one thing", "give one of `of`, `output` and `parameter`");
            Err(s.problem("cotangent::scenario::contradiction", "of", message, help))
        } else if !s.text("parameter").is_empty() {
            of_parameter(space, s)
        } else if !s.text("of").is_empty() {
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
fn idle_key(s: &Settings) -> Option<&'static str> {
    const COMMON: [&str; 5] = ["label", "within", "at_most", "at_least", "statistic"];
    let (own, others): (&[&str], &[&str]) = if !s.text("parameter").is_empty() {
        (&["parameter", "true"], &["label", "within", "at_most", "at_least"])
    } else if !s.text("of").is_empty() {
        (&["of"], &COMMON)
    } else {
        let own =
            &["output", "at", "entries", "target", "columns", "time_column", "unit", "beyond"];
        (own, &COMMON)
    };
    let acts = |key: &str| own.contains(&key) || others.contains(&key);
    let is_subject = |key: &str| ["of", "output", "parameter"].contains(&key);
    KEYS.iter().map(|k| k.path).find(|key| s.is_given(key) && !acts(key) && !is_subject(key))
}

/// The bound, in `unit`; a share in percent where `relative` is allowed.
fn must(s: &Settings, unit: &str, relative: bool) -> Result<(Must, bool), Diagnostic> {
    let given: Vec<&str> =
        ["within", "at_most", "at_least"].into_iter().filter(|k| s.is_given(k)).collect();
    let [path] = given[..] else {
        let (message, help) = ("a goal has one bound", "give one of within, at_most, at_least");
        return Err(s.problem("cotangent::scenario::contradiction", "within", message, help));
    };
    let (bound, is_share) = match s.percent(path) {
        Some(percent) if relative => (percent, true),
        _ => (s.quantity(path, unit)?.unwrap_or(0.0), false),
    };
    if !bound.is_finite() || (path == "within" && bound < 0.0) {
        let (message, help) =
            (format!("`{path}` = {bound} is out of range"), "a bound that can be missed");
        return Err(s.problem("cotangent::scenario::out_of_range", path, message, help));
    }
    let must = match path {
        "at_least" => Must::AtLeast(bound),
        "at_most" => Must::AtMost(bound),
        _ => Must::Within(bound),
    };
    Ok((must, is_share))
}

fn named(s: &Settings, otherwise: &str) -> String {
    let names = [s.text("label"), otherwise, s.text("output")];
    names.into_iter().find(|n| !n.is_empty()).unwrap_or_default().to_owned()
}

fn of_parameter(space: &Space, s: &Settings) -> Result<Goal, Diagnostic> {
    let name = s.text("parameter");
    let code = "cotangent::scenario::goal";
    let (p, first) = select::free_parameter(space, s, code)?;
    let Some(given) = s.quantities("true", &p.unit)? else {
        let (message, help) = ("there is nothing to compare it with", "add `true`");
        return Err(s.problem("cotangent::scenario::goal", "true", message, help));
    };
    let truth = select::broadcast(&given, p.len(), &p.shape).ok_or_else(|| {
        let message = format!("`{name}` has shape {}", select::shape(&p.shape));
        s.problem("cotangent::scenario::length", "true", message, "one number for each entry")
    })?;
    let (must, relative) = must(s, &p.unit, true)?;
    if relative && truth.contains(&0.0) {
        let (message, help) = ("a share of 0 is 0", "give the distance in the parameter's unit");
        return Err(s.problem("cotangent::scenario::goal", "within", message, help));
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
    let label = s.text("of");
    let Some(spoken) = terms.iter().find(|t| t.term.label == label) else {
        let message = format!("no term has the label \"{label}\"");
        let near = nearest(label, terms.iter().map(|t| t.term.label.as_str()));
        let help = near
            .map_or("name the label of a [[term]]".into(), |n| format!("did you mean \"{n}\"?"));
        return Err(s.problem("cotangent::scenario::goal", "of", message, help));
    };
    if spoken.is_of_blocks {
        let message = format!("the term \"{label}\" is of blocks of pixels");
        let help = "judge the pixels: give the goal the `output` and its `target`";
        return Err(s.problem("cotangent::scenario::goal", "of", message, help));
    }
    of_spoken(spoken, s)
}

fn of_output(
    simulation: &dyn Simulation,
    s: &Settings,
    picks: &mut Picks,
) -> Result<Goal, Diagnostic> {
    // a goal is a term that only measures: without target and range, the value itself
    let asks = s.is_given("target") || s.is_given("beyond");
    let minimise = if asks { "" } else { "value" };
    let completed = s.completed(term::KEYS, &[("minimise", minimise), ("reduce", "auto")]);
    let spoken = term::of_entry(simulation.outputs(), &completed, picks)?;
    if !asks && spoken.term.groups() > 1 && s.text("statistic") == "auto" {
        let message = format!("{} has {} values", spoken.words, spoken.term.groups());
        let help = "say which with `at` and `entries`, or give a `statistic`";
        return Err(s.problem("cotangent::scenario::goal", "output", message, help));
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
    let statistic = match s.text("statistic") {
        "largest" => Statistic::Largest,
        "rms" => Statistic::RootMeanSquare,
        "total" => Statistic::Total,
        "total-square" => Statistic::TotalSquare,
        _ => own,
    };
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
