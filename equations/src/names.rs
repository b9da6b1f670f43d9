//! What the names of a model mean.

use std::collections::BTreeMap;

use crate::description::Description;
use crate::error::{ModelError, Problem};
use crate::expression::is_name;
use crate::function::Function;
use crate::graph::{Graph, Node, index};
use crate::lower::{Meaning, Measure, Scope};
use crate::unit::{Unit, Units};

/// The table in which a name stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Table {
    Parameter,
    State,
    Definition,
}

impl Table {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Parameter => "parameters",
            Self::State => "states",
            Self::Definition => "definitions",
        }
    }
}

/// The names of a model with the units of what they name.
#[derive(Debug)]
pub(crate) struct Names<'a> {
    pub(crate) units: Units,
    /// Where each name stands: in which table, and there.
    pub(crate) places: BTreeMap<&'a str, (Table, usize)>,
    pub(crate) time: Unit,
    pub(crate) parameters: Vec<Unit>,
    pub(crate) states: Vec<Unit>,
    /// Whether units are checked at all.
    pub(crate) is_checked: bool,
}

impl<'a> Names<'a> {
    /// All names and units of a description.
    ///
    /// # Errors
    /// Words and units that are none, names that mean something already.
    pub(crate) fn new(d: &'a Description) -> Result<Self, Vec<ModelError>> {
        let units = Units::with_own(&d.own_units)
            .map_err(|e| vec![ModelError::new("model.own_units", e.into())])?;
        let parameters = d.parameters.iter().map(|q| ("parameters", q));
        let states = d.states.iter().map(|s| ("states", &s.quantity));
        let is_checked = parameters.clone().chain(states.clone()).any(|(_, q)| !q.unit.is_empty());
        let mut errors = Vec::new();
        let mut unit = |path: String, text: &str| match units.parse(text) {
            Ok(unit) if is_checked => unit,
            Ok(_) => Unit::default(),
            Err(e) => {
                errors.push(ModelError::new(path, e.into()));
                Unit::default()
            }
        };
        let time = unit("time.unit".into(), &d.time_unit);
        let mut all = |(table, q): (&str, &cotangent_problem::Quantity)| {
            unit(format!("{table}.{}", q.name), &q.unit)
        };
        let parameters = parameters.map(&mut all).collect();
        let states = states.map(&mut all).collect();
        let mut names =
            Self { units, places: BTreeMap::new(), time, parameters, states, is_checked };
        names.enter(d, &mut errors);
        if d.states.is_empty() {
            errors.push(ModelError::new("states", Problem::NoState));
        }
        if errors.is_empty() { Ok(names) } else { Err(errors) }
    }

    /// Enters every name, once.
    fn enter(&mut self, d: &'a Description, errors: &mut Vec<ModelError>) {
        let parameters = d.parameters.iter().map(|q| q.name.as_str()).enumerate();
        let states = d.states.iter().map(|s| s.quantity.name.as_str()).enumerate();
        let definitions = d.definitions.iter().map(|d| d.name.as_str()).enumerate();
        let all = (parameters.map(|(k, name)| (Table::Parameter, k, name)))
            .chain(states.map(|(k, name)| (Table::State, k, name)))
            .chain(definitions.map(|(k, name)| (Table::Definition, k, name)));
        for (table, place, name) in all {
            let meaning = match name {
                "t" => Some("the time".to_owned()),
                "pi" => Some("a constant".to_owned()),
                "and" | "or" | "not" => Some("a word of the language".to_owned()),
                _ if Function::named(name).is_some() => Some("a function".to_owned()),
                _ => self.places.get(name).map(|(t, _)| format!("named under [{}]", t.name())),
            };
            let problem = match meaning {
                _ if !is_name(name) => Problem::NoName { name: name.into() },
                Some(meaning) => Problem::Taken { name: name.into(), meaning },
                None => {
                    self.places.insert(name, (table, place));
                    continue;
                }
            };
            errors.push(ModelError::new(format!("{}.{name}", table.name()), problem));
        }
    }

    /// A graph with the inputs that names mean, in the order that [`Self::meaning`] counts on.
    pub(crate) fn graph(&self) -> Graph {
        let mut graph = Graph::default();
        graph.add(Node::Time);
        for k in 0..index(self.states.len()) {
            graph.add(Node::State(k));
        }
        for k in 0..index(self.parameters.len()) {
            graph.add(Node::Parameter(k));
        }
        graph
    }

    /// What a name means, where definitions mean these; states are their starts, where some are given.
    pub(crate) fn meaning(
        &self,
        name: &str,
        definitions: &[Option<Meaning>],
        starts: &[Option<Meaning>],
    ) -> Option<Meaning> {
        if name == "t" {
            return Some((0, Measure::Number(self.time.clone())));
        }
        let (table, k) = *self.places.get(name)?;
        match table {
            Table::Definition => definitions[k].clone(),
            Table::State => starts
                .get(k)
                .cloned()
                .flatten()
                .or_else(|| Some((1 + index(k), Measure::Number(self.states[k].clone())))),
            Table::Parameter => {
                let id = index(1 + self.states.len() + k);
                Some((id, Measure::Number(self.parameters[k].clone())))
            }
        }
    }

    /// Everything that an expression may name.
    pub(crate) fn all(&self) -> Vec<&str> {
        self.places.keys().copied().chain(["t", "pi"]).collect()
    }

    /// Calls `with` the scope of these meanings.
    pub(crate) fn within<T>(
        &self,
        definitions: &[Option<Meaning>],
        starts: &[Option<Meaning>],
        with: impl FnOnce(&Scope<'_>) -> T,
    ) -> T {
        let meaning = |name: &str| self.meaning(name, definitions, starts);
        with(&Scope { meaning: &meaning, names: &self.all() })
    }
}
