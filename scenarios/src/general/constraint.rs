//! `[[constraint]]`: what must hold at the answer, whatever the terms ask.

use cotangent_problem::{Constraint, Loss, Simulation, Space, Subject, Term};

use super::super::document::Settings;
use super::super::keys::{AMOUNTS, Amounts, Key, Named, TEXT, counts, key, keys};
use super::{Picks, select, term, term_keys};
use crate::diagnostic::{CONTRADICTION, Diagnostic};

keys! {
    pub(super) KEYS;
    LABEL: str = key("label", TEXT, "\"\"", "its name in reports");
    OUTPUT: str = key("output", TEXT, "\"\"", "an output, as in a term");
    PARAMETER: str = select::PARAMETER;
    AT: Amounts = key("at", AMOUNTS, "[]",
        "times (coordinates) of the output at which it holds; all");
    ENTRIES: [usize] = key("entries", counts(0, 1 << 40), "[]", "entries that it holds for; all");
    AT_MOST: Amounts = key("at_most", AMOUNTS, "0", "greatest value");
    AT_LEAST: Amounts = key("at_least", AMOUNTS, "0", "least value");
    EQUALS: Amounts = key("equals", AMOUNTS, "0", "the value, instead of limits");
}

/// Most constraints of a scenario: each has a row of a dense Jacobian.
const MOST: usize = 10_000;

/// Constraints, and what their values are of.
#[derive(Default)]
pub(super) struct Listed {
    pub(super) constraints: Vec<Constraint>,
    pub(super) subjects: Vec<Subject>,
    pub(super) units: Vec<String>,
    /// A term for every constrained entry of an output.
    pub(super) terms: Vec<Term>,
}

/// The constraints of the list.
pub(super) fn read(
    simulation: &dyn Simulation,
    space: &Space,
    list: &[Settings],
    picks: &mut Picks,
    problems: &mut Vec<Diagnostic>,
) -> Listed {
    let mut listed = Listed::default();
    for s in list {
        if let Err(problem) = listed.add(simulation, space, s, picks) {
            problems.push(problem);
        }
    }
    listed
}

impl Listed {
    fn add(
        &mut self,
        simulation: &dyn Simulation,
        space: &Space,
        s: &Settings,
        picks: &mut Picks,
    ) -> Result<(), Diagnostic> {
        let kinds = [OUTPUT, PARAMETER].into_iter().filter(|k| !s.get(*k).is_empty()).count();
        if kinds != 1 {
            let (message, help) =
                ("a constraint speaks of one thing", "give one of `output` and `parameter`");
            return Err(s.problem(CONTRADICTION, OUTPUT, message, help));
        }
        if !s.get(PARAMETER).is_empty() {
            return self.of_parameter(space, s);
        }
        let (completed, value) = (s.completed(term_keys::KEYS), Some(Loss::Value));
        let spoken = term::of_entry(simulation.outputs(), &completed, value, picks)?;
        let entries = spoken.term.entries;
        let name = |k: usize| entry_name(s, OUTPUT, (k, entries.len()));
        let limits = limits(s, &spoken.unit)?;
        for (k, entry) in entries.iter().enumerate() {
            self.subjects.push(Subject::Output(self.terms.len()));
            self.terms.push(Term::difference(&name(k), vec![*entry], vec![0.0], 1.0));
            self.push(name(k), limits, &spoken.unit, s)?;
        }
        Ok(())
    }

    fn of_parameter(&mut self, space: &Space, s: &Settings) -> Result<(), Diagnostic> {
        let name = s.get(PARAMETER);
        if s.is_given(AT) {
            let (message, help) = ("`at` has no effect here", "a parameter has no times");
            return Err(s.problem(CONTRADICTION, AT, message, help));
        }
        let code = "cotangent::scenario::constraint";
        let (p, first) = select::free_parameter(space, s, code)?;
        let chosen = s.get(ENTRIES);
        let entries = if chosen.is_empty() { (0..p.len()).collect() } else { chosen.to_vec() };
        if let Some(beyond) = entries.iter().find(|k| **k >= p.len()) {
            let message =
                format!("`{name}` has no entry {beyond}: its shape is {}", select::shape(&p.shape));
            let help = "entries are counted from 0, row by row";
            return Err(s.problem("cotangent::scenario::length", ENTRIES, message, help));
        }
        let limits = limits(s, &p.unit)?;
        for (k, entry) in entries.iter().enumerate() {
            self.subjects.push(Subject::Free(first + entry));
            self.push(entry_name(s, PARAMETER, (k, entries.len())), limits, &p.unit, s)?;
        }
        Ok(())
    }

    fn push(
        &mut self,
        name: String,
        [lower, upper]: [f64; 2],
        unit: &str,
        s: &Settings,
    ) -> Result<(), Diagnostic> {
        if self.constraints.len() == MOST {
            let message = format!("there are more than {MOST} constraints");
            let help = "say which with `at` and `entries`, or ask for a range in a [[term]]";
            return Err(s.problem("cotangent::scenario::length", OUTPUT, message, help));
        }
        self.constraints.push(Constraint::between(name, lower, upper));
        self.units.push(unit.to_owned());
        Ok(())
    }
}

/// The label or the name of what it is of; with a number where there are several.
fn entry_name(s: &Settings, of: Key<str>, (k, count): (usize, usize)) -> String {
    let name = if s.get(LABEL).is_empty() { s.get(of) } else { s.get(LABEL) };
    if count == 1 { name.to_owned() } else { format!("{name}[{k}]") }
}

/// The interval, in `unit`.
fn limits(s: &Settings, unit: &str) -> Result<[f64; 2], Diagnostic> {
    let refusal = |key: Key<Amounts>, message: String, help: &str| {
        s.problem("cotangent::scenario::constraint", key, message, help)
    };
    let read = |key: Key<Amounts>| -> Result<Option<f64>, Diagnostic> {
        match s.quantity(key, unit)? {
            Some(v) if !v.is_finite() => {
                let message = format!("`{}` = {v} is no limit", key.path());
                Err(refusal(key, message, "leave it out for none"))
            }
            given => Ok(given),
        }
    };
    match (read(AT_LEAST)?, read(AT_MOST)?, read(EQUALS)?) {
        (None, None, Some(value)) => Ok([value, value]),
        (None, None, None) => {
            let message = "a constraint without a limit holds always".into();
            Err(refusal(AT_MOST, message, "give at_most, at_least, both, or equals"))
        }
        (_, _, Some(_)) => {
            let message = "`equals` stands beside a limit".into();
            Err(refusal(EQUALS, message, "give either equals, or at_most and at_least"))
        }
        (Some(lower), Some(upper), None) if lower > upper => {
            let message = format!("nothing is at least {lower} and at most {upper}");
            Err(refusal(AT_LEAST, message, "exchange them"))
        }
        (lower, upper, None) => {
            Ok([lower.unwrap_or(f64::NEG_INFINITY), upper.unwrap_or(f64::INFINITY)])
        }
    }
}
