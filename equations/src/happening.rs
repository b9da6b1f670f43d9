//! Events: from what is written to what the integration watches.

use cotangent_ad::ode::Direction;

use crate::code::Code;
use crate::description::Event;
use crate::dynamics::{Effect, Trigger};
use crate::error::{ModelError, Problem, nearest};
use crate::expression::{Node as Written, Sign};
use crate::function::Binary;
use crate::graph::{Id, Node};
use crate::lower::{alike, in_unit, scaled};
use crate::model::{Builder, EventOutput};
use crate::names::Table;
use crate::unit::quantity;

/// What an event waits for.
struct Moment {
    /// It crosses zero.
    gap: Id,
    direction: Direction,
    /// The time itself, where it is given.
    time: Option<Id>,
}

impl Builder<'_> {
    /// Everything that is watched, and what is told of each event.
    pub(crate) fn events(&mut self) -> (Vec<Trigger>, Vec<EventOutput>) {
        let (mut triggers, mut told) = (Vec::new(), Vec::new());
        for (k, event) in self.description.events.iter().enumerate() {
            let moments = self.moments(k, event);
            let effect = self.effect(k, event);
            for moment in &moments {
                let code = |roots: &[Id]| Code::new(&self.graph, roots, &[], 0);
                triggers.push(Trigger {
                    event: k,
                    gap: code(&[moment.gap]),
                    time: moment.time.map(|t| code(&[t])),
                    direction: moment.direction,
                    effect: effect.clone(),
                });
            }
            told.push(EventOutput {
                label: event.label.clone(),
                has_time: moments.len() == 1,
                ends: event.ends,
            });
        }
        (triggers, told)
    }

    fn moments(&mut self, k: usize, event: &Event) -> Vec<Moment> {
        let whole = format!("event.{k}");
        match (&event.when, event.at.as_slice()) {
            (Some(_), [_, ..]) => {
                let what = "an event is given by `when` or by `at`, not by both";
                self.errors.push(ModelError::new(whole, Problem::Event { what }));
                Vec::new()
            }
            (Some(text), []) => self.trigger(&format!("{whole}.when"), text).into_iter().collect(),
            (None, []) => {
                let what = "an event needs a moment: `when` or `at`";
                self.errors.push(ModelError::new(whole, Problem::Event { what }));
                Vec::new()
            }
            (None, times) => {
                let time =
                    |(n, text): (usize, &String)| self.time(&format!("{whole}.at.{n}"), text);
                times.iter().enumerate().filter_map(time).collect()
            }
        }
    }

    /// A comparison that becomes true.
    fn trigger(&mut self, path: &str, text: &str) -> Option<Moment> {
        let e = self.parsed(path, text)?;
        let Written::Binary(sign, a, b) = &e.node else {
            return self.note(path, Err(Problem::NotATrigger));
        };
        let direction = match sign {
            Sign::Less | Sign::AtMost => Direction::Falling,
            Sign::Greater | Sign::AtLeast => Direction::Rising,
            Sign::Equal => Direction::Both,
            _ => return self.note(path, Err(Problem::NotATrigger)),
        };
        let (a, b) = (self.lowered(path, a)?, self.lowered(path, b)?);
        let sides = alike(&mut self.graph, "a comparison of numbers", [a, b]);
        let ([a, b], _) = self.note(path, sides)?;
        let gap = self.graph.binary(Binary::Subtract, a, b);
        if self.graph.depends(gap, |node| matches!(node, Node::Choose(..))) {
            return self.note(path, Err(Problem::JumpingTrigger));
        }
        if !self.graph.depends(gap, |node| matches!(node, Node::Time | Node::State(_))) {
            let what = "what it compares does not change over time";
            return self.note(path, Err(Problem::Event { what }));
        }
        Some(Moment { gap, direction, time: None })
    }

    /// A time that is given: a number in the unit of time, a quantity, or an expression in parameters.
    fn time(&mut self, path: &str, text: &str) -> Option<Moment> {
        let time = match quantity(text) {
            Some((value, "")) => self.graph.number(value),
            Some((value, unit)) => {
                let unit = self.names.units.parse(unit).map_err(Problem::from);
                let unit = self.note(path, unit)?;
                let number = self.graph.number(value);
                let Some(factor) = unit.conversion(&self.names.time) else {
                    let (found, expected) = (unit.to_string(), self.names.time.to_string());
                    let what = "the time of an event".into();
                    return self.note(path, Err(Problem::WrongUnit { what, found, expected }));
                };
                scaled(&mut self.graph, number, factor)
            }
            None => {
                let e = self.parsed(path, text)?;
                let meaning = self.lowered(path, &e)?;
                let unit = self.names.time.clone();
                let what = || "the time of an event".into();
                let id = in_unit(&mut self.graph, meaning, &unit, what);
                self.note(path, id)?
            }
        };
        if self.graph.depends(time, |node| matches!(node, Node::Time | Node::State(_))) {
            return self.note(path, Err(Problem::MovingTime));
        }
        let now = self.graph.add(Node::Time);
        let gap = self.graph.binary(Binary::Subtract, now, time);
        Some(Moment { gap, direction: Direction::Rising, time: Some(time) })
    }

    /// What an event does.
    fn effect(&mut self, k: usize, event: &Event) -> Effect {
        if event.ends && !event.set.is_empty() {
            let what = "what ends the integration changes nothing";
            let path = format!("event.{k}.set");
            self.errors.push(ModelError::new(path, Problem::Event { what }));
        }
        if event.ends {
            return Effect::End;
        }
        let (mut changed, mut ids) = (Vec::new(), Vec::new());
        for (n, text) in event.set.iter().enumerate() {
            let path = format!("event.{k}.set.{n}");
            if let Some((state, id)) = self.change(&path, text) {
                if changed.contains(&state) {
                    let what = "a state is set twice";
                    self.errors.push(ModelError::new(path, Problem::Event { what }));
                }
                changed.push(state);
                ids.push(id);
            }
        }
        Effect::Change { changed, values: Code::new(&self.graph, &ids, &[], 0) }
    }

    /// `state = expression`.
    fn change(&mut self, path: &str, text: &str) -> Option<(usize, Id)> {
        let Some((name, value)) = text.split_once('=') else {
            let what = "a change is written `state = expression`";
            return self.note(path, Err(Problem::Event { what }));
        };
        let name = name.trim();
        let Some((Table::State, state)) = self.names.places.get(name).copied() else {
            let states = self.description.states.iter().map(|s| s.quantity.name.as_str());
            let problem = Problem::NotAState { name: name.into(), nearest: nearest(name, states) };
            return self.note(path, Err(problem));
        };
        // a place within the text is one after the sign
        let shift = text.len() - value.len();
        let before = self.errors.len();
        let meaning = self.parsed(path, value).and_then(|e| self.lowered(path, &e));
        for error in &mut self.errors[before..] {
            error.span = error.span.take().map(|s| s.start + shift..s.end + shift);
        }
        let unit = self.names.states[state].clone();
        let id = in_unit(&mut self.graph, meaning?, &unit, || format!("the new `{name}`"));
        Some((state, self.note(path, id)?))
    }
}
