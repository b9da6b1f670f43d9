//! One motion of a simulation: forward by steps, and back by the adjoint of every step.

use std::borrow::Cow;

use cotangent_ad::Real;
use cotangent_problem::TrialFailure;

use super::during::{observe, pull_forces};
use super::map::{Picked, diverged};
use super::observed::ObservedCutoffs;
use super::output::{OutputPullback, What};
use super::policy::{Controller, ControllerPullback};
use super::sensor::Rays;
use super::setting::Setting;
use super::{MotionPart, MotionSimulation};
use crate::derivative::{Cotangent, StepAdjoint};
use crate::integrate::step;
use crate::model::Parameters;
use crate::scratch::Scratch;
use crate::state::State;

/// A motion of a simulation, and what is seen of it.
pub(super) struct Course<'a> {
    simulation: &'a MotionSimulation,
    part: usize,
    /// What is seen; entries of each follow those of the one before.
    picked: Vec<Picked>,
    seen: Vec<What>,
}

/// What a motion leaves behind.
pub(super) struct Passed<T> {
    /// Entries of what is seen, one output after the other.
    pub(super) entries: Vec<T>,
    /// Controls, `steps x nu`.
    pub(super) controls: Vec<T>,
}

/// Cotangents of what moves one motion.
pub(super) struct CourseBar {
    pub(super) parameters: Parameters<f64>,
    pub(super) start: Cotangent,
    pub(super) controls: Vec<f64>,
    /// `steps x links`; empty where nothing pushes.
    pub(super) external: Vec<[f64; 6]>,
    pub(super) policy: Vec<f64>,
}

/// The model's numbers with what pushes from outside during a step.
pub(super) struct Pushed<'a, T: Clone> {
    parameters: Cow<'a, Parameters<T>>,
    /// `steps x links`; empty where nothing pushes.
    external: &'a [[T; 6]],
}

impl<'a, T: Real> Pushed<'a, T> {
    pub(super) fn new(parameters: &'a Parameters<T>, external: &'a [[T; 6]]) -> Self {
        Self { parameters: Cow::Borrowed(parameters), external }
    }

    /// The numbers of step `k`; after the last one, those of the last.
    pub(super) fn at(&mut self, k: usize) -> &Parameters<T> {
        let links = self.parameters.inertia.len();
        let pushes = self.external.chunks_exact(links.max(1)).nth(k);
        if let Some(pushes) = pushes {
            let external = &mut self.parameters.to_mut().external;
            external.clear();
            external.extend_from_slice(pushes);
        }
        &self.parameters
    }
}

impl<'a> Course<'a> {
    /// Motion `part` of which `outputs` are seen, among those of other motions.
    pub(super) fn new(simulation: &'a MotionSimulation, part: usize, outputs: &[Picked]) -> Self {
        let (mut picked, mut first) = (Vec::new(), 0);
        for output in outputs.iter().filter(|o| o.kind.part == part) {
            picked.push(Picked { first, ..*output });
            first += simulation.outputs[output.index].len();
        }
        let seen = picked.iter().map(|o| o.kind.what).collect();
        Self { simulation, part, picked, seen }
    }

    fn motion(&self) -> &'a MotionPart {
        &self.simulation.parts[self.part]
    }

    fn len(&self, output: &Picked) -> usize {
        self.simulation.outputs[output.index].len()
    }

    /// Number of entries of what is seen.
    fn entries(&self) -> usize {
        self.picked.iter().map(|o| self.len(o)).sum()
    }

    /// What rays meet, of the outputs that are seen and of those that are observed.
    pub(super) fn rays(&self) -> Rays {
        Rays::new(self.simulation, self.part, &self.picked)
    }

    /// What goes beyond a cutoff, of the outputs that are observed and not seen.
    pub(super) fn observed_cutoffs(&self) -> ObservedCutoffs<'a> {
        ObservedCutoffs::new(self.simulation, self.part, &self.picked)
    }

    /// Takes the entries of all motions' `outputs` that are of this one, or puts them there: calls `pair` with both places.
    pub(super) fn each(
        &self,
        outputs: &[Picked],
        mut pair: impl FnMut(std::ops::Range<usize>, std::ops::Range<usize>),
    ) {
        let whole = outputs.iter().filter(|o| o.kind.part == self.part);
        for (own, among_all) in self.picked.iter().zip(whole) {
            let len = self.len(own);
            pair(own.first..own.first + len, among_all.first..among_all.first + len);
        }
    }

    /// Moves, if anything is seen of it, and calls `visit` with each state.
    pub(super) fn run<T: Real>(
        &self,
        setting: &Setting<T>,
        mut visit: impl FnMut(&State<T>),
    ) -> Result<Passed<T>, TrialFailure> {
        let MotionSimulation { model, options, .. } = self.simulation;
        let (nu, motion) = (model.nu(), self.motion());
        let mut entries = vec![T::lit(0.0); self.entries()];
        let mut controls = setting.controls[self.part].clone();
        if self.picked.is_empty() {
            return Ok(Passed { entries, controls });
        }
        let (mut s, mut drive) = (Scratch::new(model), vec![T::lit(0.0); nu]);
        let mut decisions = Decisions::new(self.simulation);
        let mut pushed = Pushed::new(&setting.parameters, &setting.external[self.part]);
        let mut state = setting.starts[self.part].clone();
        for k in 0..=motion.steps {
            let mut numbers = state.q.iter().chain(&state.v).chain(&state.act);
            if !numbers.all(|x| x.concrete().is_finite()) {
                return Err(diverged(self.simulation, motion, k, s.constraints.failure));
            }
            decisions.at(k, setting, (&state, &mut controls), &mut s);
            let u = (k < motion.steps).then(|| &controls[k * nu..][..nu]);
            let inputs = (model, pushed.at(k), options);
            let place = (self.picked.as_slice(), self.seen.as_slice(), k);
            observe(inputs, place, (&state, u), (&mut drive, &mut s), &mut entries);
            visit(&state);
            let Some(u) = u else { break };
            step(model, pushed.at(k), options, &mut state, u, &mut s);
        }
        Ok(Passed { entries, controls })
    }

    /// Goes back through its `states`, none where nothing is seen of it, with the cotangents of its own entries.
    pub(super) fn pull(
        &self,
        setting: &Setting<f64>,
        states: &[State],
        y_bar: &[f64],
        by_model: bool,
    ) -> CourseBar {
        let MotionSimulation { model, options, controller, .. } = self.simulation;
        let (parameters, nu) = (&setting.parameters, model.nu());
        let external = &setting.external[self.part];
        let mut pushed = Pushed::new(parameters, external);
        let controls = &setting.controls[self.part];
        let mut s = Scratch::new(model);
        let mut adjoint = StepAdjoint::new(model);
        let mut outputs = OutputPullback::new(model, parameters);
        let mut decisions = controller.as_ref().map(ControllerPullback::new);
        let mut bars = CourseBar {
            parameters: parameters.zero_like(),
            start: Cotangent::zero(model),
            controls: vec![0.0; controls.len()],
            external: vec![[0.0; 6]; external.len()],
            policy: vec![0.0; setting.policy.len()],
        };
        let picked = self.picked.as_slice();
        for (k, state) in states.iter().enumerate().rev() {
            if k + 1 < states.len() {
                let parameters = pushed.at(k);
                bars.parameters.external.resize(parameters.external.len(), [0.0; 6]);
                let (point, inputs) =
                    ((state, &controls[k * nu..][..nu]), (model, parameters, options));
                let u_bar = &mut bars.controls[k * nu..][..nu];
                let by_parameters = by_model.then_some(&mut bars.parameters);
                let bar = &mut bars.start;
                adjoint.pull(model, parameters, options, point, bar, u_bar, by_parameters, &mut s);
                let by = (bar, u_bar, &mut bars.parameters);
                pull_forces(inputs, point, (picked, k, y_bar), &mut adjoint, by, &mut s);
                if !external.is_empty() {
                    // what pushes is the step's own
                    let of_step = std::mem::take(&mut bars.parameters.external);
                    bars.external[k * of_step.len()..][..of_step.len()].copy_from_slice(&of_step);
                }
            }
            let rows = |o: &Picked| {
                let forces = o.kind.what.is_of_step();
                if forces { &[][..] } else { &y_bar[o.first + k * o.row..][..o.row] }
            };
            let rows: Vec<&[f64]> = picked.iter().map(rows).collect();
            let CourseBar { start: bar, parameters: parameters_bar, .. } = &mut bars;
            outputs.pull(state, &self.seen, &rows, bar, parameters_bar, &mut s);
            if let Some(decisions) = &mut decisions {
                self.pull_decision((setting, state, k), decisions, &mut outputs, &mut bars, &mut s);
            }
        }
        bars.parameters.external.resize(parameters.external.len(), [0.0; 6]);
        bars
    }

    /// The adjoint of what the policy decides at state `k`, if it does.
    fn pull_decision(
        &self,
        (setting, state, k): (&Setting<f64>, &State, usize),
        decisions: &mut ControllerPullback<'_>,
        outputs: &mut OutputPullback<'_>,
        bars: &mut CourseBar,
        s: &mut Scratch,
    ) {
        let MotionSimulation { model, options, .. } = self.simulation;
        let held = bars.controls[k * model.nu()..].chunks_exact(model.nu());
        let Some(u_bar) = decisions.of_interval(k, held) else { return };
        let point = (model, &setting.parameters, setting.policy.as_slice());
        let by = (&mut bars.start, &mut bars.parameters, bars.policy.as_mut_slice());
        decisions.pull(point, (state, k as f64 * options.dt), &u_bar, outputs, by, s);
    }
}

/// What the policy of a simulation decides, where there is one.
struct Decisions<'a, T> {
    simulation: &'a MotionSimulation,
    /// The numbers that lead to a decision.
    values: Vec<T>,
}

impl<'a, T: Real> Decisions<'a, T> {
    fn new(simulation: &'a MotionSimulation) -> Self {
        let len = simulation.controller.as_ref().map_or(0, Controller::values);
        Self { simulation, values: vec![T::lit(0.0); len] }
    }

    /// Writes the controls from step `k` on until the next decision, where there is one to make at this step.
    fn at(
        &mut self,
        k: usize,
        setting: &Setting<T>,
        (state, controls): (&State<T>, &mut [T]),
        s: &mut Scratch<T>,
    ) {
        let MotionSimulation { model, options, controller, .. } = self.simulation;
        let (nu, first) = (model.nu(), k * model.nu());
        let Some(controller) = controller.as_ref().filter(|c| k.is_multiple_of(c.hold)) else {
            return;
        };
        if first == controls.len() {
            return;
        }
        let point = (model, &setting.parameters, setting.policy.as_slice());
        let (first, later) = controls[first..].split_at_mut(nu);
        let time = k as f64 * options.dt;
        controller.decide(point, (state, time), (&mut self.values, s), first);
        for held in later.chunks_exact_mut(nu).take(controller.hold - 1) {
            held.copy_from_slice(first);
        }
    }
}
