//! What every simulation can be asked: which of its inputs are free, what is asked of its outputs, when that is enough.
//!
//! `[[parameter]]` names inputs, `[[term]]` outputs and what they should be, `[[constraint]]` what the search must keep to, `[[goal]]`
//! what the answer must satisfy, `[[combination]]` sums and differences of outputs, `[values]` inputs that stay as given. A kind of scenario only makes the simulation; the rest is here, the same for every kind.

mod combination;
mod conclude;
mod constraint;
mod data;
mod figures;
mod goal;
mod image;
mod parameter;
mod parameter_keys;
mod pixel;
pub(crate) mod select;
mod table;
mod term;
mod term_keys;

pub(super) use data::{asked_times, read as read_csv};
pub use image::film;
pub(super) use parameter_keys::NAME as INPUT;
pub use table::tables;
pub(super) use term_keys::{OUTPUT, TARGET};

use std::sync::Arc;

use cotangent_problem::name::is_pattern;
use cotangent_problem::{
    Asked, Capabilities, Choice, Goal, Keep, Limited, Objective, Quantity, Simulation, Space, Term,
};

use super::document::Settings;
use super::keys::{List, list};
use super::{Prepared, Scenario};
use crate::diagnostic::Diagnostic;
use cotangent_answer::{Conclusion, Finished, Judge, Limits, Look, Portrait, Volume};

// the lists of tables that a general kind may have
pub(super) const PARAMETER: List = list("parameter", parameter_keys::KEYS, "an input that is free");
pub(super) const TERM: List = list("term", term_keys::KEYS, "what is asked of an output");
pub(super) const GOAL: List = list("goal", goal::KEYS, "what the answer must satisfy");
pub(super) const CONSTRAINT: List =
    list("constraint", constraint::KEYS, "what the search must keep to");
pub(super) const COMBINATION: List = list(
    "combination",
    combination::KEYS,
    "a linear combination of outputs, which is an output too",
);

/// The table of inputs that stay as given.
pub(super) const VALUES: &str = "values";
/// The open tables of every general kind.
pub(super) const OPEN_TABLES: &[&str] = &[VALUES];

/// A simulation as a kind of scenario makes it.
pub(super) struct Model {
    /// The simulation.
    pub(super) simulation: Box<dyn Simulation>,
    /// What was not understood of its files, or is not simulated.
    pub(super) notes: Vec<String>,
    /// Shows what only the simulation knows of an answer.
    pub(super) portrait: Option<Box<dyn Portrait>>,
}

impl Model {
    /// A simulation whose outputs are all that there is to see of it.
    pub(super) fn plain(simulation: impl Simulation + 'static) -> Self {
        Self { simulation: Box::new(simulation), notes: Vec::new(), portrait: None }
    }

    /// A simulation that shows more of an answer itself.
    pub(super) fn with_portrait(simulation: impl Simulation + Portrait + Clone + 'static) -> Self {
        let portrait: Option<Box<dyn Portrait>> = Some(Box::new(simulation.clone()));
        Self { portrait, ..Self::plain(simulation) }
    }

    /// With the inputs that `[values]` names at what it says, and with the combinations of outputs.
    ///
    /// # Errors
    /// Names and values that make no sense.
    pub(super) fn fixed(mut self, s: &Settings) -> Result<Self, Vec<Diagnostic>> {
        fix_values(self.simulation.as_mut(), s)?;
        self.simulation = combination::combined(self.simulation, s)?;
        Ok(self)
    }
}

/// A simulation with what is free and what is asked.
pub(super) struct Study {
    simulation: Arc<dyn Simulation>,
    asked: Asked,
    goals: Vec<Goal>,
    /// The map that answers are judged by, without derivatives, where goals speak of outputs of which no term does.
    judged: Option<Asked>,
    /// What the search must keep to, and the units of its values.
    limited: Option<(Limited, Vec<String>)>,
    /// Picked outputs, and the first entry of each: those of terms, then those of goals alone.
    outputs: Vec<(usize, usize)>,
    /// Which terms compare with data, and whether each states its noise; `None` for a term that does not.
    measured: Vec<Option<bool>>,
    notes: Vec<String>,
    portrait: Option<Box<dyn Portrait>>,
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
        let Model { simulation, mut notes, portrait } = model.fixed(s)?;
        let simulation: Arc<dyn Simulation> = Arc::from(simulation);
        let mut problems = Vec::new();
        for list in [PARAMETER, TERM].into_iter().filter(|l| s.list(*l).is_empty()) {
            let message = format!("there is no `[[{}]]`: {}", list.name, list.doc);
            let help = "`cotangent list FILE` prints the names that it may have";
            problems.push(s.problem("cotangent::scenario::missing_key", list, message, help));
        }
        let free = parameter::read(simulation.as_ref(), s.list(PARAMETER), &mut problems);
        let mut picks = Picks::default();
        let terms = term::read(simulation.outputs(), s.list(TERM), &mut picks, &mut problems);
        if !problems.is_empty() {
            return Err(problems);
        }
        let choice = Choice::new(simulation.as_ref(), free).map_err(|e| {
            let code = "cotangent::scenario::parameter";
            vec![s.problem(code, PARAMETER, e.to_string(), "choose each entry once")]
        })?;
        let of_terms = picks.outputs.len();
        let goals = goal::read(
            simulation.as_ref(),
            choice.space(),
            &terms,
            s.list(GOAL),
            &mut picks,
            &mut problems,
        );
        let limited = constrained(&simulation, &choice, s, &mut problems);
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
                    vec![s.problem(code, PARAMETER, e.to_string(), "leave it out")]
                })
        };
        let asked = map_of(&outputs[..of_terms], terms, differentiated)?;
        // only what terms speak of is differentiated, and computed at every iteration
        let is_judged_apart = outputs.len() > of_terms;
        let judged = is_judged_apart.then(|| map_of(&outputs, Vec::new(), false)).transpose()?;
        let is_measured = |t: &Settings| t.is_given(TARGET) && !t.is_given(term_keys::TOLERANCE);
        let measured = s
            .list(TERM)
            .iter()
            .map(|t| is_measured(t).then(|| t.is_given(term_keys::SCALE)))
            .collect();
        let plan = asked.map().plan(Keep::Linearisation);
        notes.insert(0, format!("{}, {:.1} MB", plan.work, plan.bytes as f64 / 1e6));
        let outputs = picks.outputs;
        Ok(Self { simulation, asked, goals, judged, limited, outputs, measured, notes, portrait })
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

/// What the list of constraints asks of the simulation; none where it is empty.
fn constrained(
    simulation: &Arc<dyn Simulation>,
    choice: &Choice,
    s: &Settings,
    problems: &mut Vec<Diagnostic>,
) -> Option<(Limited, Vec<String>)> {
    let list = s.list(CONSTRAINT);
    let mut picks = Picks::default();
    let found = constraint::read(simulation.as_ref(), choice.space(), list, &mut picks, problems);
    let first = list.first().filter(|_| problems.is_empty())?;
    let mut refuse = |message: String, help: &str| {
        let code = "cotangent::scenario::constraint";
        problems.push(first.problem(code, OUTPUT, message, help));
        None
    };
    let outputs: Vec<usize> = picks.outputs.iter().map(|(k, _)| *k).collect();
    if !differentiable(simulation.as_ref(), choice, &outputs) {
        let message =
            "a constraint needs derivatives, which an input or output of it does not have";
        return refuse(message.into(), "judge it by a [[goal]], or leave the parameter out");
    }
    let simulation = Arc::clone(simulation);
    let asked = match Asked::new(simulation, choice.clone(), &outputs, found.terms, true) {
        Ok(asked) => asked,
        Err(error) => return refuse(error.to_string(), "leave it out"),
    };
    if asked.map().is_stochastic() {
        let message = "a constraint needs outputs that do not change from draw to draw";
        return refuse(message.into(), "ask for a range in a [[term]] instead");
    }
    Some((Limited::new(asked, found.constraints, found.subjects), found.units))
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
        s.open_keys(VALUES).into_iter().partition(|key| is_pattern(key));
    for key in patterns.into_iter().chain(names) {
        let path = format!("{VALUES}.{key}");
        if let Err(problem) = fix_value(simulation, s, key, &path) {
            problems.push(problem);
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

/// Gives inputs the starts of the parameters that set them, where the file has no value of them in `[values]`.
///
/// # Errors
/// Parameters that make no sense.
pub(crate) fn start_from_parameters(
    simulation: &mut dyn Simulation,
    s: &Settings,
) -> Result<(), Vec<Diagnostic>> {
    let inputs = simulation.inputs();
    let keys = s.open_keys(VALUES);
    let kept: Vec<usize> = keys.iter().flat_map(|k| select::matching(k, inputs)).collect();
    let mut values: Vec<Vec<f64>> = inputs.iter().map(|q| q.value.clone()).collect();
    let mut problems = Vec::new();
    for entry in s.list(PARAMETER).iter().filter(|entry| entry.is_given(parameter_keys::START)) {
        let free = parameter::read(simulation, std::slice::from_ref(entry), &mut problems);
        for (start, places) in free.iter().flat_map(|f| f.start.iter().zip(&f.sets)) {
            for (input, place) in places.iter().filter(|(input, _)| !kept.contains(input)) {
                values[*input][*place] = *start;
            }
        }
    }
    for (input, value) in values.iter().enumerate() {
        if problems.is_empty() && *value != simulation.inputs()[input].value {
            let refused = simulation.fix(input, value).err();
            problems.extend(refused.map(|e| {
                let help = "change its start";
                s.problem("cotangent::scenario::parameter", PARAMETER, e.to_string(), help)
            }));
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
        let Some(given) = s.open_quantities(path, &quantity.unit)? else { continue };
        let value =
            select::broadcast(&given, quantity.len(), &quantity.shape).ok_or_else(|| {
                let message =
                    format!("`{}` has shape {}", quantity.name, select::shape(&quantity.shape));
                let (code, help) = ("cotangent::scenario::length", "give it one number, or all");
                s.open_problem(code, path, message, help)
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
        self.portrait.as_ref().map_or(Ok(Vec::new()), |p| p.looks(&self.inputs_at(x)))
    }

    fn volumes(&self, x: &[f64]) -> Result<Vec<Volume>, String> {
        self.portrait.as_ref().map_or(Ok(Vec::new()), |p| p.volumes(&self.inputs_at(x)))
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
    fn limits(&self) -> Option<Limits<'_>> {
        let (limited, units) = self.study.limited.as_ref()?;
        Some(Limits { constraints: limited, units })
    }

    fn conclude(&self, run: &Finished) -> Result<Conclusion, String> {
        conclude::conclude(self.study, run)
    }
}
