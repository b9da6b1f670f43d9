//! A checked model: its names resolved, its units compared, its expressions compiled.

use std::sync::Arc;

use cotangent_problem::Quantity;

use crate::bend::{Branched, varies};
use crate::code::Code;
use crate::description::Description;
use crate::dynamics::System;
use crate::error::{ModelError, Problem, nearest};
use crate::expression::Expression;
use crate::function::Binary;
use crate::graph::{Graph, Id, Node};
use crate::lower::{Meaning, in_unit, lower};
use crate::names::{Names, Table};
use crate::order::order;

/// A checked model.
#[derive(Clone, Debug)]
pub struct Model {
    pub(crate) parameters: Vec<Quantity>,
    pub(crate) states: Vec<Quantity>,
    /// The definitions as outputs without an axis: name, unit, summary.
    pub(crate) definitions: Vec<Quantity>,
    pub(crate) definition_ids: Vec<Id>,
    pub(crate) time_unit: String,
    pub(crate) events: Vec<EventOutput>,
    pub(crate) graph: Graph,
    pub(crate) system: Arc<System>,
}

/// What is told of an event.
#[derive(Clone, Debug)]
pub(crate) struct EventOutput {
    pub(crate) label: String,
    /// Whether the moment at which it first happens is an output.
    pub(crate) has_time: bool,
    pub(crate) ends: bool,
}

/// The parts of a model while they are put together.
pub(crate) struct Builder<'a> {
    pub(crate) description: &'a Description,
    pub(crate) names: Names<'a>,
    pub(crate) graph: Graph,
    /// Meanings of the definitions, while states are what they are.
    pub(crate) definitions: Vec<Option<Meaning>>,
    pub(crate) errors: Vec<ModelError>,
}

impl Model {
    /// Checks and compiles a description.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn new(description: &Description) -> Result<Self, Vec<ModelError>> {
        let names = Names::new(description)?;
        let (graph, definitions) = (names.graph(), vec![None; description.definitions.len()]);
        let mut b = Builder { description, names, graph, definitions, errors: Vec::new() };
        let written = b.written_definitions();
        b.stop()?;
        b.define(&written);
        b.stop()?;
        let rates = b.rates();
        let starts = b.starts(&written);
        let (triggers, events) = b.events();
        let (definition_ids, definitions) = b.outputs();
        b.stop()?;
        let Branched { rates, bends } = Branched::new(&mut b.graph, &rates);
        let modes = b.modes(&rates);
        b.stop()?;
        let gaps: Vec<Id> = modes.iter().map(|m| gap(&mut b.graph, *m)).collect();
        let first_mode = description.states.len();
        let plain = |roots: &[Id]| Code::new(&b.graph, roots, &[], first_mode);
        let computed: Vec<Id> = starts.iter().flatten().copied().collect();
        let system = System {
            rate: Code::new(&b.graph, &rates, &modes, first_mode),
            starts: plain(&computed),
            is_start_computed: starts.iter().map(Option::is_some).collect(),
            sides: plain(&modes),
            gaps: gaps.iter().map(|g| plain(&[*g])).collect(),
            bends: modes.iter().map(|m| bends.contains(m)).collect(),
            triggers,
        };
        Ok(Self {
            parameters: description.parameters.clone(),
            states: description.states.iter().map(|s| s.quantity.clone()).collect(),
            definitions,
            definition_ids,
            time_unit: description.time_unit.clone(),
            events,
            graph: b.graph,
            system: Arc::new(system),
        })
    }

    /// The code of some definitions.
    pub(crate) fn code_of(&self, definitions: &[usize]) -> Code {
        let roots: Vec<Id> = definitions.iter().map(|k| self.definition_ids[*k]).collect();
        Code::new(&self.graph, &roots, &[], self.states.len())
    }
}

/// The difference of what a comparison compares: it is negative where the comparison holds.
fn gap(graph: &mut Graph, comparison: Id) -> Id {
    match graph.node(comparison) {
        Node::Less(a, b) => graph.binary(Binary::Subtract, a, b),
        _ => comparison,
    }
}

impl Builder<'_> {
    /// The errors so far, where there are some.
    fn stop(&mut self) -> Result<(), Vec<ModelError>> {
        if self.errors.is_empty() { Ok(()) } else { Err(std::mem::take(&mut self.errors)) }
    }

    /// Parses a text; what is wrong with it is noted.
    pub(crate) fn parsed(&mut self, path: &str, text: &str) -> Option<Expression> {
        Expression::parse(text).map_err(|e| self.errors.push(ModelError::at(path, e))).ok()
    }

    /// Lowers an expression whose states are what they are; what is wrong with it is noted.
    pub(crate) fn lowered(&mut self, path: &str, e: &Expression) -> Option<Meaning> {
        let Self { names, graph, definitions, errors, .. } = self;
        let found = names.within(definitions, &[], |scope| lower(graph, e, scope));
        found.map_err(|e| errors.push(ModelError::at(path, e))).ok()
    }

    /// Notes a problem with a whole text.
    pub(crate) fn note<T>(&mut self, path: &str, result: Result<T, Problem>) -> Option<T> {
        result.map_err(|problem| self.errors.push(ModelError::new(path, problem))).ok()
    }

    fn written_definitions(&mut self) -> Vec<Option<Expression>> {
        let all = &self.description.definitions;
        all.iter().map(|d| self.parsed(&format!("definitions.{}", d.name), &d.expression)).collect()
    }

    /// What each definition and then each start needs of the definitions and starts.
    fn needs(&self, written: &[Option<Expression>], with_starts: bool) -> Vec<Vec<usize>> {
        let count = written.len();
        let needed = |e: &Expression| {
            let mut needs = Vec::new();
            e.names(&mut |name| match self.names.places.get(name) {
                Some((Table::Definition, k)) => needs.push(*k),
                Some((Table::State, k)) if with_starts => needs.push(count + k),
                _ => {}
            });
            needs
        };
        let definitions = written.iter().map(|e| e.as_ref().map(needed).unwrap_or_default());
        let starts = self.description.states.iter().map(|s| {
            let parsed = s.start.as_deref().filter(|_| with_starts).map(Expression::parse);
            parsed.and_then(Result::ok).as_ref().map(needed).unwrap_or_default()
        });
        definitions.chain(starts).collect()
    }

    /// Names of a round of definitions and starts.
    fn round(&self, round: &[usize]) -> Problem {
        let count = self.description.definitions.len();
        let name = |k: &usize| match k.checked_sub(count) {
            None => self.description.definitions[*k].name.clone(),
            Some(state) => self.description.states[state].quantity.name.clone(),
        };
        Problem::Cycle { names: round.iter().map(name).collect() }
    }

    /// Gives every definition its meaning, those first that others need.
    fn define(&mut self, written: &[Option<Expression>]) {
        let needs = self.needs(written, false);
        let ordered = match order(&needs, 0..written.len()) {
            Ok(ordered) => ordered,
            Err(round) => {
                let name = &self.description.definitions[round[0]].name;
                let problem = self.round(&round);
                self.errors.push(ModelError::new(format!("definitions.{name}"), problem));
                return;
            }
        };
        for k in ordered {
            let definition = &self.description.definitions[k];
            let path = format!("definitions.{}", definition.name);
            let Some(e) = &written[k] else { continue };
            // what needs one that is wrong is not wrong itself
            if needs[k].iter().any(|n| self.definitions[*n].is_none()) {
                continue;
            }
            let Some(meaning) = self.lowered(&path, e) else { continue };
            self.definitions[k] = Some(meaning);
        }
    }

    /// The rate of each state.
    fn rates(&mut self) -> Vec<Id> {
        let description = self.description;
        for (name, _) in &description.equations {
            if !matches!(self.names.places.get(name.as_str()), Some((Table::State, _))) {
                let states = description.states.iter().map(|s| s.quantity.name.as_str());
                let problem =
                    Problem::NotAState { name: name.clone(), nearest: nearest(name, states) };
                self.errors.push(ModelError::new(format!("equations.{name}"), problem));
            }
        }
        let mut rates = Vec::new();
        for (k, state) in description.states.iter().enumerate() {
            let name = &state.quantity.name;
            let Some((_, text)) = description.equations.iter().find(|(n, _)| n == name) else {
                let problem = Problem::NoEquation { state: name.clone() };
                self.errors.push(ModelError::new(format!("states.{name}"), problem));
                continue;
            };
            let path = format!("equations.{name}");
            let Some(e) = self.parsed(&path, text) else { continue };
            let Some(meaning) = self.lowered(&path, &e) else { continue };
            let unit = self.names.states[k].per(&self.names.time);
            let what = || format!("the rate of change of `{name}`");
            let rate = in_unit(&mut self.graph, meaning, &unit, what);
            rates.extend(self.note(&path, rate));
        }
        rates
    }

    /// The starts that are expressions, states in them being their starts.
    fn starts(&mut self, written: &[Option<Expression>]) -> Vec<Option<Id>> {
        let (states, count) = (&self.description.states, written.len());
        let mut starts: Vec<Option<Meaning>> = vec![None; states.len()];
        let mut ids = vec![None; states.len()];
        let needs = self.needs(written, true);
        let roots = (0..states.len()).filter(|k| states[*k].start.is_some()).map(|k| count + k);
        let ordered = match order(&needs, roots) {
            Ok(ordered) => ordered,
            Err(round) => {
                let state = round.iter().find_map(|k| k.checked_sub(count)).unwrap_or(0);
                let path = format!("states.{}", states[state].quantity.name);
                let problem = self.round(&round);
                self.errors.push(ModelError::new(path, problem));
                return ids;
            }
        };
        let mut definitions = vec![None; count];
        for k in ordered {
            let Some(state) = k.checked_sub(count) else {
                let Some(e) = &written[k] else { continue };
                let Self { names, graph, .. } = self;
                definitions[k] =
                    names.within(&definitions, &starts, |scope| lower(graph, e, scope)).ok();
                continue;
            };
            let Some(text) = &states[state].start else { continue };
            let path = format!("states.{}", states[state].quantity.name);
            let Some(e) = self.parsed(&path, text) else { continue };
            let Self { names, graph, errors, .. } = self;
            let found = names.within(&definitions, &starts, |scope| lower(graph, &e, scope));
            let Some(meaning) = found.map_err(|e| errors.push(ModelError::at(&path, e))).ok()
            else {
                continue;
            };
            let unit = names.states[state].clone();
            let id = in_unit(graph, meaning, &unit, || "the start".into());
            ids[state] = self.note(&path, id);
            starts[state] = ids[state].map(|id| (id, crate::lower::Measure::Number(unit)));
        }
        ids
    }

    /// The comparisons on which rates depend and that change while time goes on.
    fn modes(&mut self, rates: &[Id]) -> Vec<Id> {
        let is_mode =
            |id: &Id| matches!(self.graph.node(*id), Node::Less(..)) && varies(&self.graph, *id);
        let modes: Vec<Id> =
            self.graph.needed(rates, |_| false).into_iter().filter(is_mode).collect();
        for (rate, state) in rates.iter().zip(&self.description.states) {
            let needed = self.graph.needed(&[*rate], |_| false);
            let jumps = |node| matches!(node, Node::Choose(..));
            if modes.iter().any(|m| needed.contains(m) && self.graph.depends(*m, jumps)) {
                let path = format!("equations.{}", state.quantity.name);
                self.errors.push(ModelError::new(path, Problem::JumpingChoice));
            }
        }
        modes
    }

    /// The definitions as outputs, each in its unit.
    fn outputs(&mut self) -> (Vec<Id>, Vec<Quantity>) {
        let description = self.description;
        let (mut ids, mut quantities) = (Vec::new(), Vec::new());
        for (k, d) in description.definitions.iter().enumerate() {
            let path = format!("definitions.{}", d.name);
            let Some(meaning) = self.definitions[k].clone() else { continue };
            let own = d.unit.as_ref().map(|text| self.names.units.parse(text));
            let (unit, text) = match own {
                Some(Err(e)) => {
                    self.errors.push(ModelError::new(path, e.into()));
                    continue;
                }
                Some(Ok(unit)) if self.names.is_checked => (unit.clone(), unit.to_string()),
                Some(Ok(unit)) => (meaning.1.unit(), unit.to_string()),
                None => (meaning.1.unit(), meaning.1.unit().to_string()),
            };
            let id = match meaning.1 {
                // a condition is 1 where it holds
                crate::lower::Measure::Condition => Ok(meaning.0),
                _ => in_unit(&mut self.graph, meaning, &unit, || format!("`{}`", d.name)),
            };
            if let Some(id) = self.note(&path, id) {
                ids.push(id);
                quantities.push(Quantity::output(&d.name, &text, &[]).about(&d.summary));
            }
        }
        (ids, quantities)
    }
}
