//! The gradient of a rollout by the adjoint of its steps: states are stored, steps replayed, nothing is taped.
//!
//! A slot holds a state and, once a step has left it, what that step found. Its adjoint then places links and finds contacts anew, but looks for
//! no accelerations.

use cotangent_ad::{Schedule, checkpoint::Action};

use super::step::{Cotangent, Inputs, StepAdjoint};
use crate::integrate::{StepOptions, step};
use crate::known::Known;
use crate::model::{Model, Parameters};
use crate::scratch::Scratch;
use crate::state::State;

/// A cost of the states that a rollout passes.
pub trait Cost {
    /// Cost of state `k` (0: the initial state, `steps`: the last).
    fn value(&self, k: usize, state: &State, s: &mut Scratch) -> f64;

    /// Adds the derivative of [`Cost::value`] to `bar`, the configuration's in its tangent space.
    fn pull(&self, k: usize, state: &State, bar: &mut Cotangent, s: &mut Scratch);
}

/// A motion of some steps under given controls.
#[derive(Clone, Copy, Debug)]
pub struct Rollout<'a> {
    /// The model.
    pub model: &'a Model,
    /// Its numbers; those of the model, or others.
    pub parameters: &'a Parameters<f64>,
    /// Length and method of a step.
    pub options: StepOptions,
    /// Number of steps.
    pub steps: usize,
    /// Which states the reversal keeps.
    pub schedule: Schedule,
}

/// The derivatives of a rollout's cost.
#[derive(Clone, Debug, PartialEq)]
pub struct RolloutGradient {
    /// The cost.
    pub value: f64,
    /// By the initial state.
    pub initial: Cotangent,
    /// By the controls, `steps x nu`, row-major.
    pub controls: Vec<f64>,
    /// By the parameters, where they were wanted.
    pub parameters: Option<Parameters<f64>>,
}

/// A state, and what the step from it found.
#[derive(Clone, Debug)]
struct Kept {
    state: State,
    known: Known,
}

/// The state at hand and those that are kept.
#[derive(Clone, Debug)]
struct Slots {
    at: State,
    /// The slot that holds the state at hand.
    home: Option<usize>,
    kept: Vec<Kept>,
    /// Of a state that no slot holds.
    unknown: Known,
}

impl Slots {
    fn new(initial: &State, slots: usize) -> Self {
        let empty = Kept { state: initial.clone(), known: Known::default() };
        let kept = vec![empty; slots];
        Self { at: initial.clone(), home: None, kept, unknown: Known::default() }
    }

    fn store(&mut self, slot: usize) {
        self.kept[slot].state.clone_from(&self.at);
        self.kept[slot].known.forget();
        self.home = Some(slot);
    }

    fn restore(&mut self, slot: usize) {
        self.at.clone_from(&self.kept[slot].state);
        self.home = Some(slot);
    }

    /// The state at hand was left by a step, whose findings are still in `s`.
    fn left(&mut self, options: &StepOptions, s: &Scratch) {
        if let Some(slot) = self.home.take() {
            self.kept[slot].known.keep(options, s);
        }
    }

    /// What the step from the state at hand found.
    fn known(&self) -> &Known {
        self.home.map_or(&self.unknown, |slot| &self.kept[slot].known)
    }
}

impl Rollout<'_> {
    /// Runs from `initial` under `controls` (`steps x nu`, row-major), calls `visit` with each state `0..=steps` and returns the last.
    ///
    /// # Panics
    /// Where `controls` has not `steps x nu` entries.
    pub fn run(
        &self,
        initial: &State,
        controls: &[f64],
        s: &mut Scratch,
        mut visit: impl FnMut(usize, &State, &mut Scratch),
    ) -> State {
        self.check(controls);
        let n = self.steps;
        let mut state = initial.clone();
        visit(0, &state, s);
        for k in 0..n {
            self.advance(&mut state, controls, k, s);
            visit(k + 1, &state, s);
        }
        state
    }

    fn check(&self, controls: &[f64]) {
        let (n, nu) = (self.steps, self.model.nu());
        assert!(controls.len() == n * nu, "{} controls, not {n} x {nu}", controls.len());
    }

    fn advance(&self, state: &mut State, controls: &[f64], k: usize, s: &mut Scratch) {
        let nu = self.model.nu();
        step(self.model, self.parameters, &self.options, state, &controls[k * nu..][..nu], s);
    }

    /// Sum of the cost over all states, and its derivatives.
    ///
    /// The cost's values are summed while the states are first passed, in the order of time, so the value is the same under any
    /// schedule, bit for bit, and so are the derivatives.
    ///
    /// # Panics
    /// Where `controls` has not `steps x nu` entries, or a schedule has no slot.
    pub fn gradient(
        &self,
        initial: &State,
        controls: &[f64],
        cost: &impl Cost,
        by_parameters: bool,
        s: &mut Scratch,
    ) -> RolloutGradient {
        self.check(controls);
        let (model, n, nu) = (self.model, self.steps, self.model.nu());
        let mut value = 0.0;
        let mut last = initial.clone();
        value += cost.value(0, &last, s);
        let mut slots = Slots::new(initial, self.schedule.slots(n));
        let mut bar = Cotangent::zero(model);
        let mut u_bar = vec![0.0; n * nu];
        let mut parameters_bar = by_parameters.then(|| self.parameters.zero_like());
        let mut adjoint = StepAdjoint::new(model);
        let inputs = Inputs { model, parameters: self.parameters, options: &self.options };
        let mut seen = 0;
        for action in self.schedule.actions(n) {
            // a step has no tape of its own: its state is kept, and it is evaluated once more
            let action = match action {
                Action::Tape { step, slot } => {
                    slots.store(slot);
                    Action::Advance { from: step, to: step + 1 }
                }
                Action::ReverseTaped { step, slot } => {
                    slots.restore(slot);
                    Action::Reverse { step }
                }
                action => action,
            };
            match action {
                Action::Store { slot, .. } => slots.store(slot),
                Action::Restore { slot, .. } => slots.restore(slot),
                Action::Advance { from, to } => {
                    for k in from..to {
                        self.advance(&mut slots.at, controls, k, s);
                        slots.left(&self.options, s);
                        if k == seen {
                            value += cost.value(k + 1, &slots.at, s);
                            seen += 1;
                        }
                    }
                }
                Action::Reverse { step: k } => {
                    if k + 1 == n {
                        last.clone_from(&slots.at);
                        self.advance(&mut last, controls, k, s);
                        value += cost.value(n, &last, s);
                        cost.pull(n, &last, &mut bar, s);
                    }
                    let point = (&slots.at, &controls[k * nu..][..nu], slots.known());
                    let bars = (&mut bar, &mut u_bar[k * nu..][..nu], parameters_bar.as_mut());
                    adjoint.pull_known(&inputs, point, bars, s);
                    cost.pull(k, &slots.at, &mut bar, s);
                }
                Action::Tape { .. } | Action::ReverseTaped { .. } | Action::Discard { .. } => {}
            }
        }
        if n == 0 {
            cost.pull(0, initial, &mut bar, s);
        }
        RolloutGradient { value, initial: bar, controls: u_bar, parameters: parameters_bar }
    }
}
