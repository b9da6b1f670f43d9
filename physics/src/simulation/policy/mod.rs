//! A policy: the controls of each step as a function of what is observed of the state before it.
//!
//! `u = m + r tanh(N(o))` with the middle `m` and the half width `r` of each actuator's range and a perceptron `N`. The
//! observations `o` are entries of outputs of the state, each divided by a scale, then `sin(2 pi t/T)` and `cos(2 pi t/T)` of each
//! period `T`. A policy decides at every `hold`-th step, and what it decides is kept until the next.

mod network;

use std::f64::consts::TAU;

use cotangent_ad::Real;
use cotangent_ad::nn::{Activation, Init, Mlp};
use cotangent_ad::random::Stream;
use cotangent_problem::Quantity;
use cotangent_problem::name::element;
use thiserror::Error;

use self::network::Network;
use super::input::InputKind;
use super::output::{OutputKind, OutputPullback, What, see};
use crate::derivative::Cotangent;
use crate::model::{Model, Parameters};
use crate::scratch::Scratch;
use crate::state::State;

/// What a policy is.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// What it observes.
    pub observations: Vec<Observation>,
    /// Periods of its clocks, s: it sees the sine and the cosine of the time by each.
    pub periods: Vec<f64>,
    /// Units of the hidden layers; none is a linear policy within the range.
    pub hidden: Vec<usize>,
    /// What follows each hidden layer.
    pub activation: Activation,
    /// For so many steps a decision is kept.
    pub hold: usize,
    /// Which of the first weights: each number gives others.
    pub seed: u64,
}

/// Entries of an output that a policy observes.
#[derive(Clone, Debug, PartialEq)]
pub struct Observation {
    /// An output of a state, without the name of a motion before it: one of [`super::MotionSimulation::observable`].
    pub output: String,
    /// Which of its entries at a time; none are all.
    pub entries: Vec<usize>,
    /// What they are divided by.
    pub scale: f64,
}

/// Why there is no such policy.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum PolicyError {
    /// The model has no actuators.
    #[error("the model has no actuator that a policy could drive")]
    NoActuator,
    /// An actuator takes any control.
    #[error("`{actuator}` has no `ctrlrange`, which a policy's controls fill")]
    NoRange {
        /// Its name.
        actuator: String,
    },
    /// It sees nothing.
    #[error("the policy observes nothing")]
    Blind,
    /// No such output.
    #[error("`{output}` is nothing that a policy may observe of a state")]
    NotObservable {
        /// What was asked for.
        output: String,
    },
    /// No such entry.
    #[error("`{output}` has {count} entries at a time, there is no entry {entry}")]
    NoEntry {
        /// The output.
        output: String,
        /// The entry.
        entry: usize,
        /// How many there are.
        count: usize,
    },
    /// A scale, a period, a width or a hold that means nothing.
    #[error("the policy's {what} must be positive, and is {value}")]
    NotPositive {
        /// Which number.
        what: &'static str,
        /// What it is.
        value: f64,
    },
}

/// The starts of weights, by name.
pub(super) const STARTS: &[&str] = &["glorot", "lecun", "he"];

/// An observed output of a state.
#[derive(Clone, Debug, PartialEq)]
struct Seen {
    /// Its entries at a time.
    row: usize,
    /// Those that are observed.
    entries: Vec<usize>,
    /// Where they stand among the observations.
    first: usize,
    /// One over the scale.
    factor: f64,
}

/// A policy of a model, without its weights.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Controller {
    network: Network,
    /// What is observed, and of each which entries.
    whats: Vec<What>,
    seen: Vec<Seen>,
    /// Middle and half width of each actuator's range.
    ranges: Vec<[f64; 2]>,
    periods: Vec<f64>,
    /// For so many steps a decision is kept.
    pub(super) hold: usize,
    seed: u64,
}

fn positive(what: &'static str, value: f64) -> Result<(), PolicyError> {
    if value > 0.0 && value.is_finite() {
        return Ok(());
    }
    Err(PolicyError::NotPositive { what, value })
}

/// Middle and half width of the range of each actuator.
fn ranges(model: &Model) -> Result<Vec<[f64; 2]>, PolicyError> {
    if model.nu() == 0 {
        return Err(PolicyError::NoActuator);
    }
    let range = |(k, motor): (usize, &crate::model::Actuator)| match motor.range {
        Some([lower, upper]) if lower.is_finite() && upper.is_finite() => {
            Ok([f64::midpoint(lower, upper), 0.5 * (upper - lower)])
        }
        _ => Err(PolicyError::NoRange { actuator: element("actuator", &motor.name, k) }),
    };
    model.actuators().iter().enumerate().map(range).collect()
}

impl Controller {
    /// `policy` for `model`, of which `outputs` may be observed.
    pub(super) fn new(
        model: &Model,
        policy: &Policy,
        outputs: &[(OutputKind, Quantity)],
    ) -> Result<Self, PolicyError> {
        let ranges = ranges(model)?;
        policy.periods.iter().try_for_each(|period| positive("period", *period))?;
        policy.hidden.iter().try_for_each(|width| positive("hidden width", *width as f64))?;
        positive("hold", policy.hold as f64)?;
        let (mut whats, mut seen, mut first) = (Vec::new(), Vec::new(), 0);
        for Observation { output, entries, scale } in &policy.observations {
            let is_meant = |(_, quantity): &&(OutputKind, Quantity)| quantity.name == *output;
            let unknown = || PolicyError::NotObservable { output: output.clone() };
            let (kind, quantity) = outputs.iter().find(is_meant).ok_or_else(unknown)?;
            let count = quantity.row_len();
            if let Some(&entry) = entries.iter().find(|entry| **entry >= count) {
                return Err(PolicyError::NoEntry { output: output.clone(), entry, count });
            }
            positive("scale", *scale)?;
            let entries = if entries.is_empty() { (0..count).collect() } else { entries.clone() };
            let more = entries.len();
            whats.push(kind.what);
            seen.push(Seen { row: count, entries, first, factor: scale.recip() });
            first += more;
        }
        let inputs = first + 2 * policy.periods.len();
        if inputs == 0 {
            return Err(PolicyError::Blind);
        }
        let sizes = [&[inputs], policy.hidden.as_slice(), &[model.nu()]].concat();
        let network = Network { sizes, hidden: policy.activation };
        let periods = policy.periods.clone();
        let (hold, seed) = (policy.hold, policy.seed);
        Ok(Self { network, whats, seen, ranges, periods, hold, seed })
    }

    /// Whether it observes this of a state.
    pub(super) fn observes(&self, what: What) -> bool {
        self.whats.contains(&what)
    }

    /// What it observes of a state, and which entries of it.
    pub(super) fn observed(&self) -> impl Iterator<Item = (What, &[usize])> {
        self.whats.iter().zip(&self.seen).map(|(what, seen)| (*what, seen.entries.as_slice()))
    }

    /// Number of weights and biases.
    pub(super) fn weights(&self) -> usize {
        self.network.weights()
    }

    /// Number of values that a decision goes through.
    pub(super) fn values(&self) -> usize {
        self.network.values()
    }

    /// First weights and biases of a layer by the name of their distribution.
    pub(super) fn start(&self, name: &str) -> Option<Vec<f64>> {
        let init = match STARTS.iter().position(|start| *start == name)? {
            0 => Init::Glorot,
            1 => Init::LeCun,
            _ => Init::He,
        };
        let mlp = Mlp::new(&self.network.sizes, self.network.hidden, Activation::Tanh);
        Some(mlp.initial(init, &Stream::new(&[self.seed])))
    }

    /// The inputs that its weights are.
    pub(super) fn inputs(&self) -> Vec<(InputKind, Quantity)> {
        let start = self.start(STARTS[0]).unwrap_or_default();
        let mut rows = Vec::new();
        for (k, layer) in self.network.layers().iter().enumerate() {
            let (inputs, outputs) = (layer.inputs, layer.outputs);
            let scale = (2.0 / (inputs + outputs) as f64).sqrt();
            let bias = layer.weights + inputs * outputs;
            let mut row = |what: &str, first: usize, shape: &[usize], about: &str| {
                let len: usize = shape.iter().product();
                let name = format!("policy.layer[{k}].{what}");
                let quantity = Quantity::input(name, "", shape, start[first..first + len].to_vec());
                let quantity = quantity.scaled(scale).about(about);
                rows.push((InputKind::Policy { first }, quantity));
            };
            let about = "a row for each unit of the policy's layer, of weights of what goes in";
            row("weight", layer.weights, &[outputs, inputs], about);
            row("bias", bias, &[outputs], "what is added for each unit of the policy's layer");
        }
        rows
    }

    /// The controls for `state` at step `k` of `dt`, with the numbers that led to them in `values`.
    pub(super) fn decide<T: Real>(
        &self,
        (model, parameters, weights): (&Model, &Parameters<T>, &[T]),
        (state, time): (&State<T>, f64),
        (values, s): (&mut [T], &mut Scratch<T>),
        u: &mut [T],
    ) {
        see(model, parameters, state, &self.whats, s, &mut |output, entries| {
            let seen = &self.seen[output];
            let slots = values[seen.first..].iter_mut().zip(&seen.entries);
            slots.for_each(|(slot, entry)| *slot = entries[*entry] * seen.factor);
        });
        let clocks = self.network.sizes[0] - 2 * self.periods.len();
        for (slots, period) in values[clocks..].chunks_exact_mut(2).zip(&self.periods) {
            let (sin, cos) = (TAU * time / period).sin_cos();
            slots.copy_from_slice(&[T::lit(sin), T::lit(cos)]);
        }
        self.network.forward(weights, values);
        let outputs = &values[values.len() - u.len()..];
        for ((u, y), [middle, half]) in u.iter_mut().zip(outputs).zip(&self.ranges) {
            *u = *y * *half + *middle;
        }
    }
}

/// Pulls cotangents of decisions back, reusing its memory.
pub(super) struct ControllerPullback<'a> {
    controller: &'a Controller,
    values: Vec<f64>,
    bars: Vec<f64>,
    /// Cotangents of the entries of what is observed.
    rows: Vec<Vec<f64>>,
}

impl<'a> ControllerPullback<'a> {
    pub(super) fn new(controller: &'a Controller) -> Self {
        let len = controller.values();
        let rows = controller.seen.iter().map(|seen| vec![0.0; seen.row]).collect();
        Self { controller, values: vec![0.0; len], bars: vec![0.0; len], rows }
    }

    /// Of the controls' cotangents from step `k` on the sum over those that a decision is kept for, where one is made at `k`.
    pub(super) fn of_interval<'u>(
        &self,
        k: usize,
        held: impl Iterator<Item = &'u [f64]>,
    ) -> Option<Vec<f64>> {
        if !k.is_multiple_of(self.controller.hold) {
            return None;
        }
        let add =
            |sum: Vec<f64>, u_bar: &[f64]| sum.iter().zip(u_bar).map(|(a, b)| a + b).collect();
        held.take(self.controller.hold).map(<[f64]>::to_vec).reduce(|sum, u_bar| add(sum, &u_bar))
    }

    /// Adds to the cotangents of the state, the parameters and the weights what `u_bar` gives, the cotangents of what was decided
    /// for `state`.
    pub(super) fn pull(
        &mut self,
        (model, parameters, weights): (&Model, &Parameters<f64>, &[f64]),
        (state, time): (&State, f64),
        u_bar: &[f64],
        outputs: &mut OutputPullback<'_>,
        (bar, parameters_bar, weights_bar): (&mut Cotangent, &mut Parameters<f64>, &mut [f64]),
        s: &mut Scratch,
    ) {
        let Controller { network, whats, seen, ranges, .. } = self.controller;
        let mut u = vec![0.0; u_bar.len()];
        let point = (model, parameters, weights);
        self.controller.decide(point, (state, time), (&mut self.values, s), &mut u);
        let last = self.bars.len() - u.len();
        let of_outputs = self.bars[last..].iter_mut().zip(u_bar).zip(ranges);
        of_outputs.for_each(|((bar, u_bar), [_, half])| *bar = half * u_bar);
        network.pull(weights, &mut self.values, &mut self.bars, weights_bar);
        for (row, seen) in self.rows.iter_mut().zip(seen) {
            row.fill(0.0);
            for (entry, bar) in seen.entries.iter().zip(&self.bars[seen.first..]) {
                row[*entry] += bar * seen.factor;
            }
        }
        let rows: Vec<&[f64]> = self.rows.iter().map(Vec::as_slice).collect();
        outputs.pull(state, whats, &rows, bar, parameters_bar, s);
    }
}
