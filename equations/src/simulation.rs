//! A model as a differentiable map from parameters and starts to what happens over time.

use std::sync::Arc;

use cotangent_ad::ode::Options;
use cotangent_problem::name::segment;
use cotangent_problem::{Axis, Quantity};

use crate::error::{ModelError, Problem};
use crate::model::Model;

/// One course of a model: when it starts, when it is looked at, and which parameters are its own.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Experiment {
    /// Its name; empty where there is one experiment only.
    pub label: String,
    /// The time at which it starts, in the model's unit.
    pub start: f64,
    /// When it is looked at, ascending; it ends at the last.
    pub times: Vec<f64>,
    /// Parameters that have a value of their own in it: name and value, in the parameter's unit.
    pub values: Vec<(String, f64)>,
}

/// What an output is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// A state over time.
    State(usize),
    /// A definition over time.
    Definition(usize),
    /// When an event first happens.
    EventTime(usize),
    /// When it ends.
    EndTime,
    /// A state at the end.
    EndState(usize),
    /// A definition at the end.
    EndDefinition(usize),
}

/// Inputs of an experiment: places of the model's parameters, and of the starts that are numbers.
#[derive(Clone, Debug)]
pub(crate) struct Inputs {
    pub(crate) parameters: Vec<usize>,
    pub(crate) starts: Vec<usize>,
}

/// A model, integrated in one or several experiments that share its parameters.
///
/// | input | |
/// |---|---|
/// | `PARAMETER` | shared by the experiments that have no value of their own |
/// | `start.STATE` | where a state starts, where that is a number |
///
/// | output | |
/// |---|---|
/// | `STATE`, `DEFINITION` | over time; after an event that ends the integration it keeps the value that it had then |
/// | `event.LABEL.time` | when an event first happens |
/// | `end.time`, `end.STATE`, `end.DEFINITION` | at the end, where an event may bring it about |
///
/// With several experiments the names of what each has for itself begin with `experiment.LABEL.`.
///
/// Derivatives are those of the discrete solution with its steps held, by [`cotangent_ad::ode`]: forwards for few free inputs, by the
/// adjoint for many, of second order by the adjoint of tangents. Moments of events, and whatever follows them, are differentiated
/// as they move.
#[derive(Clone, Debug)]
pub struct EquationsSimulation {
    pub(crate) model: Arc<Model>,
    pub(crate) experiments: Vec<Experiment>,
    pub(crate) options: Options,
    pub(crate) inputs: Vec<Quantity>,
    pub(crate) outputs: Vec<Quantity>,
    pub(crate) places: Vec<Inputs>,
    /// Of each output, its experiment and what it is.
    pub(crate) told: Vec<(usize, What)>,
}

impl EquationsSimulation {
    /// The simulation of a model.
    ///
    /// # Errors
    /// Times that do not ascend from the start, labels that are not unique, values of something that is no parameter or outside
    /// of its bounds, an event before the start.
    pub fn new(
        model: Model,
        experiments: Vec<Experiment>,
        options: Options,
    ) -> Result<Self, Vec<ModelError>> {
        let mut simulation = Self {
            model: Arc::new(model),
            experiments,
            options,
            inputs: Vec::new(),
            outputs: Vec::new(),
            places: Vec::new(),
            told: Vec::new(),
        };
        let mut errors = Vec::new();
        simulation.check(&mut errors);
        simulation.enter_inputs(&mut errors);
        simulation.enter_outputs();
        if errors.is_empty() {
            simulation.events_after_start(&mut errors);
        }
        if errors.is_empty() { Ok(simulation) } else { Err(errors) }
    }

    /// The model's experiments.
    pub fn experiments(&self) -> &[Experiment] {
        &self.experiments
    }

    /// What stands before the names of an experiment's own inputs and outputs.
    pub fn prefix(&self, experiment: usize) -> String {
        match self.experiments[experiment].label.as_str() {
            "" => String::new(),
            label => format!("experiment.{}.", segment(label)),
        }
    }

    /// The same, looked at so often that a line through what is seen has no corners: at `least` times or more in each experiment, the
    /// further ones at equal steps between two of its own, or at equal ratios where these have `ratios`.
    #[must_use]
    pub fn looked_at_more_often(&self, least: usize, ratios: impl Fn(&[f64]) -> bool) -> Self {
        let mut closer = self.clone();
        for experiment in &mut closer.experiments {
            let in_ratios = ratios(&experiment.times);
            experiment.times = denser(&experiment.times, least, in_ratios);
        }
        (closer.outputs, closer.told) = (Vec::new(), Vec::new());
        closer.enter_outputs();
        closer
    }

    fn check(&self, errors: &mut Vec<ModelError>) {
        if self.experiments.is_empty() {
            let what = "there is no experiment".into();
            errors.push(ModelError::new("experiment", Problem::Time { what }));
        }
        for (k, experiment) in self.experiments.iter().enumerate() {
            let mut refuse = |what: String| {
                errors.push(ModelError::new(format!("experiment.{k}"), Problem::Time { what }));
            };
            let mut last = experiment.start;
            for (n, time) in experiment.times.iter().enumerate() {
                let ascends = if n == 0 { *time >= last } else { *time > last };
                if !(time.is_finite() && ascends) {
                    refuse(format!("the time {time} does not come after {last}"));
                    break;
                }
                last = *time;
            }
            if experiment.times.is_empty() || last <= experiment.start || !last.is_finite() {
                refuse("it lasts no time".into());
            }
            let others = &self.experiments[..k];
            if others.iter().any(|o| o.label == experiment.label) {
                refuse(format!("two experiments have the label \"{}\"", experiment.label));
            }
            if experiment.label.is_empty() && self.experiments.len() > 1 {
                refuse("several experiments need a label each".into());
            }
        }
    }

    /// Shared parameters, then what each experiment has for itself.
    fn enter_inputs(&mut self, errors: &mut Vec<ModelError>) {
        let model = Arc::clone(&self.model);
        let own =
            |e: &Experiment, name: &str| e.values.iter().find(|(n, _)| n == name).map(|v| v.1);
        let mut shared = Vec::new();
        for q in &model.parameters {
            let is_shared = self.experiments.iter().any(|e| own(e, &q.name).is_none());
            let value = q.value.first().copied().unwrap_or(f64::NAN);
            within_bounds(&format!("parameters.{}", q.name), q, value, errors);
            shared.push(is_shared.then_some(self.inputs.len()));
            self.inputs.extend(is_shared.then(|| q.clone()));
        }
        for (k, e) in self.experiments.clone().iter().enumerate() {
            let prefix = self.prefix(k);
            for (name, _) in
                e.values.iter().filter(|(n, _)| !model.parameters.iter().any(|q| q.name == *n))
            {
                let names = model.parameters.iter().map(|q| q.name.as_str());
                let nearest = crate::error::nearest(name, names);
                let problem = Problem::UnknownName { name: name.clone(), nearest };
                errors.push(ModelError::new(format!("experiment.{k}.values"), problem));
            }
            let mut parameters = Vec::new();
            for (q, shared) in model.parameters.iter().zip(&shared) {
                let Some(value) = own(e, &q.name) else {
                    parameters.extend(*shared);
                    continue;
                };
                parameters.push(self.inputs.len());
                let name = format!("{prefix}{}", q.name);
                within_bounds(&format!("experiment.{k}.values"), q, value, errors);
                self.inputs.push(Quantity { name, value: vec![value], ..q.clone() });
            }
            let mut starts = Vec::new();
            let computed = &model.system.is_start_computed;
            for (q, _) in model.states.iter().zip(computed).filter(|(_, computed)| !**computed) {
                starts.push(self.inputs.len());
                let name = format!("{prefix}start.{}", q.name);
                let summary = format!("start of {}", q.name);
                let value = q.value.first().copied().unwrap_or(f64::NAN);
                within_bounds(&format!("states.{}", q.name), q, value, errors);
                self.inputs.push(Quantity { name, summary, ..q.clone() });
            }
            self.places.push(Inputs { parameters, starts });
        }
    }

    fn enter_outputs(&mut self) {
        let model = Arc::clone(&self.model);
        let ends = model.events.iter().any(|e| e.ends);
        for (k, e) in self.experiments.clone().iter().enumerate() {
            let prefix = self.prefix(k);
            let axis = Arc::new(axis(&model.time_unit, &e.times));
            let mut add = |what: What, quantity: Quantity| {
                let name = format!("{prefix}{}", quantity.name);
                self.told.push((k, what));
                self.outputs.push(Quantity { name, value: Vec::new(), ..quantity });
            };
            let over_time = |q: &Quantity| {
                let entries = e.times.len();
                let bounds = |b: &[f64]| vec![b.first().copied().unwrap_or(f64::NAN); entries];
                let (lower, upper) = (bounds(&q.lower), bounds(&q.upper));
                Quantity { shape: vec![entries], lower, upper, ..q.clone() }.along(&axis)
            };
            let states = model.states.iter().enumerate();
            let definitions = model.definitions.iter().enumerate();
            states.clone().for_each(|(i, q)| add(What::State(i), over_time(q)));
            definitions.clone().for_each(|(i, q)| add(What::Definition(i), over_time(q)));
            for (i, event) in model.events.iter().enumerate().filter(|(_, e)| e.has_time) {
                let name = format!("event.{}.time", segment(&event.label));
                let about = "when it first happens";
                add(What::EventTime(i), Quantity::output(name, &model.time_unit, &[]).about(about));
            }
            if ends {
                let time = Quantity::output("end.time", &model.time_unit, &[]);
                add(What::EndTime, time.about("when it ends"));
                let at_end =
                    |q: &Quantity| Quantity { name: format!("end.{}", q.name), ..q.clone() };
                states.for_each(|(i, q)| add(What::EndState(i), at_end(q)));
                definitions.for_each(|(i, q)| add(What::EndDefinition(i), at_end(q)));
            }
        }
    }

    /// Times of events that are given, as far as they are known now, are not before the start.
    fn events_after_start(&self, errors: &mut Vec<ModelError>) {
        for (k, (experiment, places)) in self.experiments.iter().zip(&self.places).enumerate() {
            let p: Vec<f64> = places.parameters.iter().map(|i| self.inputs[*i].value[0]).collect();
            for trigger in &self.model.system.triggers {
                let Some(time) = &trigger.time else { continue };
                let time = time.one(experiment.start, &[], &p);
                if time.is_nan() || time < experiment.start {
                    let label = &self.experiments[k].label;
                    let of = if label.is_empty() { String::new() } else { format!(" of {label}") };
                    let what = format!(
                        "the event at {time} is before the start{of} at {}",
                        experiment.start
                    );
                    let path = format!("event.{}.at", trigger.event);
                    errors.push(ModelError::new(path, Problem::Time { what }));
                }
            }
        }
    }
}

/// Notes a value that is not within a quantity's bounds.
fn within_bounds(path: &str, q: &Quantity, value: f64, errors: &mut Vec<ModelError>) {
    let (lower, upper) = (q.lower[0], q.upper[0]);
    if !(value.is_finite() && value >= lower && value <= upper) {
        let what = format!("`{}` = {value} is outside of [{lower}, {upper}]", q.name);
        errors.push(ModelError::new(path, Problem::Value { what }));
    }
}

/// The times, with the weights of the trapezoidal rule.
fn axis(unit: &str, times: &[f64]) -> Axis {
    let mut weights = vec![0.0; times.len()];
    for (k, pair) in times.windows(2).enumerate() {
        let half = 0.5 * (pair[1] - pair[0]);
        weights[k] += half;
        weights[k + 1] += half;
    }
    Axis { name: "time".into(), unit: unit.into(), values: times.to_vec(), weights }
}

/// Times with equally many further ones in every gap, at least `least` together.
fn denser(times: &[f64], least: usize, in_ratios: bool) -> Vec<f64> {
    let steps = least.div_ceil(times.len().max(2) - 1).max(1);
    let mut all = Vec::with_capacity(steps * times.len());
    for gap in times.windows(2) {
        let between = |k: usize| {
            let share = k as f64 / steps as f64;
            if in_ratios && gap[0] > 0.0 {
                gap[0] * (gap[1] / gap[0]).powf(share)
            } else {
                gap[0] + (gap[1] - gap[0]) * share
            }
        };
        all.push(gap[0]);
        all.extend((1..steps).map(between).filter(|t| gap[0] < *t && *t < gap[1]));
    }
    all.extend(times.last());
    all
}
