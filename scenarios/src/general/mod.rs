//! What every simulation can be asked: which of its inputs are free, what is asked of its outputs, when that is enough.
//!
//! `[[parameter]]` names inputs, `[[term]]` outputs and what they should be, `[[goal]]` what the answer must satisfy, `[values]`
//! inputs that stay as given. A kind of scenario only makes the simulation; the rest is here, the same for every kind.

mod conclude;
mod data;
mod figures;
mod goal;
mod image;
mod parameter;
pub(crate) mod select;
mod table;
mod term;

pub(super) use data::asked_times;
pub use image::film;
pub use table::tables;

use std::sync::Arc;

use cotangent_problem::name::is_pattern;
use cotangent_problem::{
    Asked, Capabilities, Choice, Goal, Keep, Objective, Quantity, Simulation, Space, Term,
};

use super::document::Settings;
use super::keys::{Key, Kind, List};
use super::{Prepared, Scenario};
use crate::diagnostic::Diagnostic;
use crate::look::Look;
use cotangent_harness::figure::Figure;
use cotangent_harness::{Conclusion, Finished, Judge};

const fn optional(path: &'static str, kind: Kind, default: &'static str, doc: &'static str) -> Key {
    Key { path, kind, default: Some(default), doc }
}

const fn required(path: &'static str, kind: Kind, doc: &'static str) -> Key {
    Key { path, kind, default: None, doc }
}

/// The lists of tables that every general kind has.
pub(super) const LISTS: [List; 3] = [
    List {
        name: "parameter",
        keys: parameter::KEYS,
        required: false,
        doc: "an input that is free",
    },
    List { name: "term", keys: term::KEYS, required: false, doc: "what is asked of an output" },
    List { name: "goal", keys: goal::KEYS, required: false, doc: "what the answer must satisfy" },
];

/// The table of inputs that stay as given.
pub(super) const OPEN_TABLES: &[&str] = &["values"];

/// A simulation as a kind of scenario makes it.
pub(super) struct Model {
    /// The simulation.
    pub(super) simulation: Box<dyn Simulation>,
    /// What was not understood of its files, or is not simulated.
    pub(super) notes: Vec<String>,
    /// Draws what the kind knows of an answer, from the inputs at the start and at the answer.
    pub(super) draw: Option<Box<dyn Draw>>,
}

impl Model {
    /// With the inputs that `[values]` names at what it says.
    ///
    /// # Errors
    /// Names and values that make no sense.
    pub(super) fn fixed(mut self, s: &Settings) -> Result<Self, Vec<Diagnostic>> {
        fix_values(self.simulation.as_mut(), s)?;
        Ok(self)
    }
}

/// Pictures that only a kind can draw, and what it has to show in space.
pub(super) trait Draw: Send + Sync {
    /// Pictures of a run: each input's value at the start and at the answer.
    fn figures(&self, start: &[Vec<f64>], answer: &[Vec<f64>]) -> Vec<Figure>;
    /// Bodies in space where the inputs have these values.
    ///
    /// # Errors
    /// There is no value there.
    fn looks(&self, inputs: &[Vec<f64>]) -> Result<Vec<Look>, String> {
        let _ = inputs;
        Ok(Vec::new())
    }
}

/// A simulation with what is free and what is asked.
pub(super) struct Study {
    simulation: Arc<dyn Simulation>,
    asked: Asked,
    goals: Vec<Goal>,
    /// The map that answers are judged by, without derivatives, where goals speak of outputs of which no term does.
    judged: Option<Asked>,
    /// Picked outputs, and the first entry of each: those of terms, then those of goals alone.
    outputs: Vec<(usize, usize)>,
    /// Which terms compare with data, and whether each states its noise; `None` for a term that does not.
    measured: Vec<Option<bool>>,
    notes: Vec<String>,
    draw: Option<Box<dyn Draw>>,
}

/// Outputs that terms and goals speak of, numbered as they are met.
#[derive(Default)]
struct Picks {
    outputs: Vec<(usize, usize)>,
    len: usize,
}

impl Picks {
    /// First entry of output `index`, which is picked if it was not.
    fn first(&mut self, index: usize, quantity: &Quantity) -> usize {
        if let Some((_, first)) = self.outputs.iter().find(|(k, _)| *k == index) {
            return *first;
        }
        let first = self.len;
        self.outputs.push((index, first));
        self.len += quantity.len();
        first
    }
}

impl Study {
    /// Makes sense of the lists of a scenario.
    ///
    /// # Errors
    /// Everything that contradicts itself or the simulation.
    pub(super) fn new(model: Model, s: &Settings) -> Result<Self, Vec<Diagnostic>> {
        let Model { simulation, mut notes, draw } = model.fixed(s)?;
        let simulation: Arc<dyn Simulation> = Arc::from(simulation);
        let mut problems = Vec::new();
        for list in LISTS.iter().filter(|l| l.name != "goal" && s.list(l.name).is_empty()) {
            let message = format!("there is no `[[{}]]`: {}", list.name, list.doc);
            let help = "`cotangent list FILE` prints the names that it may have";
            problems.push(s.problem("cotangent::scenario::missing_key", list.name, message, help));
        }
        let free = parameter::read(simulation.as_ref(), s.list("parameter"), &mut problems);
        let mut picks = Picks::default();
        let terms = term::read(simulation.outputs(), s.list("term"), &mut picks, &mut problems);
        if !problems.is_empty() {
            return Err(problems);
        }
        let choice = Choice::new(simulation.as_ref(), free).map_err(|e| {
            let code = "cotangent::scenario::parameter";
            vec![s.problem(code, "parameter", e.to_string(), "choose each entry once")]
        })?;
        let of_terms = picks.outputs.len();
        let goals = goal::read(
            simulation.as_ref(),
            choice.space(),
            &terms,
            s.list("goal"),
            &mut picks,
            &mut problems,
        );
        if !problems.is_empty() {
            return Err(problems);
        }
        let terms: Vec<Term> = terms.into_iter().map(|t| t.term).collect();
        let outputs: Vec<usize> = picks.outputs.iter().map(|(k, _)| *k).collect();
        let differentiated = differentiable(simulation.as_ref(), &choice, &outputs[..of_terms]);
        let map_of = |outputs: &[usize], terms, differentiated| {
            Asked::new(Arc::clone(&simulation), choice.clone(), outputs, terms, differentiated)
                .map_err(|e| {
                    let code = "cotangent::scenario::not_differentiable";
                    vec![s.problem(code, "parameter", e.to_string(), "leave it out")]
                })
        };
        let asked = map_of(&outputs[..of_terms], terms, differentiated)?;
        // only what terms speak of is differentiated, and computed at every iteration
        let is_judged_apart = outputs.len() > of_terms;
        let judged = is_judged_apart.then(|| map_of(&outputs, Vec::new(), false)).transpose()?;
        let is_measured = |t: &Settings| t.is_given("target") && !t.is_given("tolerance");
        let measured =
            s.list("term").iter().map(|t| is_measured(t).then(|| t.is_given("scale"))).collect();
        let plan = asked.map().plan(Keep::Linearisation);
        notes.insert(0, format!("{}, {:.1} MB", plan.work, plan.bytes as f64 / 1e6));
        Ok(Self { simulation, asked, goals, judged, outputs: picks.outputs, measured, notes, draw })
    }

    /// The map of all outputs that terms or goals speak of.
    fn judge(&self) -> &Asked {
        self.judged.as_ref().unwrap_or(&self.asked)
    }

    /// Value of every input at `x`.
    fn inputs_at(&self, x: &[f64]) -> Vec<Vec<f64>> {
        let mut values: Vec<Vec<f64>> =
            self.simulation.inputs().iter().map(|q| q.value.clone()).collect();
        let choice = self.asked.choice();
        let scattered = choice.scatter(x);
        let mut first = 0;
        for &input in choice.inputs() {
            let len = values[input].len();
            values[input].copy_from_slice(&scattered[first..first + len]);
            first += len;
        }
        values
    }
}

/// Whether every picked input and output has a derivative.
fn differentiable(simulation: &dyn Simulation, choice: &Choice, outputs: &[usize]) -> bool {
    let has = |q: &Quantity| q.not_differentiable.is_none();
    choice.inputs().iter().all(|k| has(&simulation.inputs()[*k]))
        && outputs.iter().all(|k| has(&simulation.outputs()[*k]))
}

/// Gives the inputs that `[values]` names what it says.
fn fix_values(simulation: &mut dyn Simulation, s: &Settings) -> Result<(), Vec<Diagnostic>> {
    let mut problems = Vec::new();
    // what is named by itself has the last word over a pattern
    let (patterns, names): (Vec<&str>, Vec<&str>) =
        s.open_keys("values").into_iter().partition(|key| is_pattern(key));
    for key in patterns.into_iter().chain(names) {
        let path = format!("values.{key}");
        if let Err(problem) = fix_value(simulation, s, key, &path) {
            problems.push(problem);
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

fn fix_value(
    simulation: &mut dyn Simulation,
    s: &Settings,
    key: &str,
    path: &str,
) -> Result<(), Diagnostic> {
    let matching = select::matching(key, simulation.inputs());
    if matching.is_empty() {
        let help = select::help(key, simulation.inputs(), "input");
        let message = format!("there is no input `{key}`");
        return Err(s.open_problem("cotangent::scenario::unknown_input", path, message, help));
    }
    for index in matching {
        let quantity = &simulation.inputs()[index];
        let Some(given) = s.quantities(path, &quantity.unit)? else { continue };
        let value =
            select::broadcast(&given, quantity.len(), &quantity.shape).ok_or_else(|| {
                let message =
                    format!("`{}` has shape {}", quantity.name, select::shape(&quantity.shape));
                s.open_problem(
                    "cotangent::scenario::length",
                    path,
                    message,
                    "give it one number, or all",
                )
            })?;
        simulation.fix(index, &value).map_err(|e| {
            let help = "`cotangent list FILE` shows what each input may be";
            s.open_problem("cotangent::scenario::out_of_range", path, e.to_string(), help)
        })?;
    }
    Ok(())
}

impl Scenario for Study {
    fn space(&self) -> Space {
        self.asked.choice().space().clone()
    }

    fn start(&self, seed: u64) -> Vec<f64> {
        self.asked.choice().start(seed)
    }

    fn capabilities(&self) -> Capabilities {
        self.asked.capabilities()
    }

    fn not_differentiable(&self) -> Vec<(String, String)> {
        let why = |q: &Quantity| Some((q.name.clone(), q.not_differentiable.clone()?));
        let inputs = self.asked.choice().inputs().iter().map(|k| &self.simulation.inputs()[*k]);
        let outputs = self.asked.picked().iter().map(|k| &self.simulation.outputs()[*k]);
        inputs.chain(outputs).filter_map(why).collect()
    }

    fn cost(&self) -> String {
        format!("{} free numbers; {}", self.asked.dim(), self.notes.join("; "))
    }

    fn simulation(&self) -> Option<Arc<dyn Simulation>> {
        Some(Arc::clone(&self.simulation))
    }

    fn asked(&self) -> Option<&Asked> {
        Some(&self.asked)
    }

    fn looks(&self, x: &[f64]) -> Result<Vec<Look>, String> {
        self.draw.as_ref().map_or(Ok(Vec::new()), |draw| draw.looks(&self.inputs_at(x)))
    }

    fn prepare(&self) -> Result<Box<dyn Prepared + '_>, String> {
        Ok(Box::new(Ready { study: self }))
    }
}

/// A study that can be evaluated.
struct Ready<'a> {
    study: &'a Study,
}

impl Prepared for Ready<'_> {
    fn objective(&self) -> &dyn Objective {
        &self.study.asked
    }
}

impl Judge for Ready<'_> {
    fn conclude(&self, run: &Finished) -> Result<Conclusion, String> {
        conclude::conclude(self.study, run)
    }
}
