//! Trajectories by differential dynamic programming with control limits.
//!
//! Tassa, Mansard & Todorov, *Control-limited differential dynamic programming*, ICRA 2014, with the Gauss-Newton part of the dynamics'
//! second derivatives (iLQR: Li & Todorov, ICINCO 2004) and the regularisation of Tassa, Erez & Todorov, IROS 2012, section II. A
//! backward sweep over the stages makes a quadratic model of the cost to go and a feedback policy within the limits; a forward
//! sweep applies it with a step length that the model's expected decrease judges. The limits hold at every trial.
//!
//! A trajectory has converged where an unregularised sweep expects a decrease of at most [`Stop::value_tolerance`] of the cost: what is left
//! by Newton's (Gauss-Newton's) step over the whole trajectory. As a method by name it also asks the objective's own curvature before it
//! claims success, as every method does.
//!
//! ```
//! use cotangent_optim::{Ddp, DdpOptions, Stop};
//! use cotangent_problem::{StageDerivatives, Stages, TrialFailure};
//!
//! /// `x+ = x + u` from 1 in three steps, with `|u| <= 1/4` and the cost `sum u^2/2 + x_3^2/2`.
//! struct Walk;
//! impl Stages for Walk {
//!     fn len(&self) -> usize {
//!         3
//!     }
//!     fn state_len(&self) -> usize {
//!         1
//!     }
//!     fn directions(&self) -> usize {
//!         1
//!     }
//!     fn control_len(&self, _: usize) -> usize {
//!         1
//!     }
//!     fn start(&self) -> Vec<f64> {
//!         vec![1.0]
//!     }
//!     fn control_limits(&self, _: usize) -> [Vec<f64>; 2] {
//!         [vec![-0.25], vec![0.25]]
//!     }
//!     fn step(&self, _: usize, x: &[f64], u: &[f64], next: &mut [f64]) -> Result<f64, TrialFailure> {
//!         next[0] = x[0] + u[0];
//!         Ok(0.5 * u[0] * u[0])
//!     }
//!     fn last_cost(&self, x: &[f64]) -> Result<f64, TrialFailure> {
//!         Ok(0.5 * x[0] * x[0])
//!     }
//!     fn derivatives(&self, stage: usize, x: &[f64], u: &[f64], out: &mut StageDerivatives) -> Result<(), TrialFailure> {
//!         let (one, none) = (vec![1.0], vec![0.0]);
//!         *out = if stage == 3 {
//!             StageDerivatives { cost_x: x.to_vec(), cost_xx: one, ..Default::default() }
//!         } else {
//!             StageDerivatives {
//!                 a: one.clone(),
//!                 b: one.clone(),
//!                 cost_x: none.clone(),
//!                 cost_u: u.to_vec(),
//!                 cost_xx: none.clone(),
//!                 cost_ux: none,
//!                 cost_uu: one,
//!             }
//!         };
//!         Ok(())
//!     }
//! }
//! let mut run = Ddp::start(&Walk, vec![vec![0.0]; 3], DdpOptions::default())?;
//! assert!(run.run(&Walk, &Stop { value_tolerance: 1e-9, ..Stop::default() }).is_success());
//! // without limits every step is -1/4 too: x_3 = 1/4, cost 3/32 + 1/32
//! assert!((run.cost() - 0.125).abs() < 1e-9 && (run.states()[3][0] - 0.25).abs() < 1e-6);
//! # Ok::<(), TrialFailure>(())
//! ```

mod algorithm;
mod box_qp;
mod sweep;

pub(crate) use algorithm::State;

use cotangent_problem::{StageDerivatives, Stages, TrialFailure};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::evaluator::Counts;
use crate::outcome::{Status, Stop};
use sweep::{Policy, backward};

/// Options of the trajectory optimizer.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DdpOptions {
    /// First regularisation of the controls' Hessians, relative to their largest entry.
    pub regularisation: f64,
}

impl Default for DdpOptions {
    fn default() -> Self {
        Self { regularisation: 1e-6 }
    }
}

/// Regularisations beyond this end the run.
const MOST_REGULARISATION: f64 = 1e10;
/// Below it there is none.
const LEAST_REGULARISATION: f64 = 1e-9;
/// Shorter steps are not tried.
const LEAST_LENGTH: f64 = 3e-4;
/// How much longer than the last step the first one is that is tried.
const LENGTHENED: f64 = 3.0;
/// What a step that is too long is shortened to, at least and at most.
const SHORTENED: [f64; 2] = [0.1, 0.6];
/// Least part of the expected decrease that a step must bring.
const SUFFICIENT: f64 = 1e-4;

/// The state of a trajectory optimisation between two iterations. Serialised and restored, it goes on with the same bits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ddp {
    options: DdpOptions,
    /// States, `N + 1`.
    states: Vec<Vec<f64>>,
    /// Controls, `N`.
    controls: Vec<Vec<f64>>,
    cost: f64,
    regularisation: f64,
    /// Length of the last step that was taken.
    length: f64,
    iteration: usize,
    /// Trajectories that were rolled out, and sweeps over the derivatives of one.
    counts: Counts,
    #[serde(skip)]
    memory: Memory,
}

/// What an iteration works with: no part of the run's state.
#[derive(Clone, Debug, Default)]
struct Memory {
    /// Derivatives of the stages.
    stages: Vec<StageDerivatives>,
    /// A trajectory that is tried.
    states: Vec<Vec<f64>>,
    controls: Vec<Vec<f64>>,
}

impl PartialEq for Memory {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// One iteration, or the end.
#[derive(Clone, Debug, PartialEq)]
pub enum DdpStep {
    /// The trajectory got cheaper.
    Improved {
        /// Its cost.
        cost: f64,
        /// What was expected of a step of full length.
        expected: f64,
        /// The length that was taken.
        length: f64,
    },
    /// The run is over.
    Done(Status),
}

impl Ddp {
    /// Rolls the first controls out, brought within their limits.
    ///
    /// # Errors
    /// A [`TrialFailure`] where they have the wrong number or the trajectory no cost.
    pub fn start(
        problem: &dyn Stages,
        controls: Vec<Vec<f64>>,
        options: DdpOptions,
    ) -> Result<Self, TrialFailure> {
        let n = problem.len();
        let fits = |(k, u): (usize, &Vec<f64>)| u.len() == problem.control_len(k);
        if controls.len() != n || !controls.iter().enumerate().all(fits) {
            let found = controls.len();
            let why = format!("{found} controls were given that are not those of {n} stages");
            return Err(TrialFailure::Contract(why));
        }
        let mut run = Self {
            options,
            states: vec![problem.start()],
            controls,
            cost: 0.0,
            regularisation: options.regularisation,
            length: 1.0,
            iteration: 0,
            counts: Counts { evaluations: 1, ..Counts::default() },
            memory: Memory::default(),
        };
        for k in 0..n {
            clamp(&mut run.controls[k], &problem.control_limits(k));
            let mut next = vec![0.0; run.states[k].len()];
            run.cost += problem.step(k, &run.states[k], &run.controls[k], &mut next)?;
            run.states.push(next);
        }
        run.cost += problem.last_cost(&run.states[n])?;
        if run.cost.is_finite() {
            Ok(run)
        } else {
            Err(TrialFailure::NonFinite { what: "the cost of the first trajectory".into() })
        }
    }

    /// The cost of the trajectory.
    pub fn cost(&self) -> f64 {
        self.cost
    }

    /// Its states, one more than there are stages.
    pub fn states(&self) -> &[Vec<f64>] {
        &self.states
    }

    /// Its controls.
    pub fn controls(&self) -> &[Vec<f64>] {
        &self.controls
    }

    /// Iterations made.
    pub fn iterations(&self) -> usize {
        self.iteration
    }

    /// Trajectories that were rolled out, and sweeps over the derivatives of one.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Runs to the end.
    pub fn run(&mut self, problem: &dyn Stages, stop: &Stop) -> Status {
        loop {
            if let DdpStep::Done(status) = self.step(problem, stop) {
                return status;
            }
        }
    }

    /// One iteration. Where it cannot be made, the trajectory stays as it was.
    pub fn step(&mut self, problem: &dyn Stages, stop: &Stop) -> DdpStep {
        if self.iteration >= stop.max_iterations {
            return DdpStep::Done(Status::MaxIterations);
        }
        match self.improve(problem, stop, &mut |_| Ok(true)) {
            Ok(step) => step,
            Err(status) => DdpStep::Done(status),
        }
    }

    /// One iteration, or its end where the sweep expects nothing and `confirm` agrees.
    fn improve(
        &mut self,
        problem: &dyn Stages,
        stop: &Stop,
        confirm: &mut dyn FnMut(&mut Self) -> Result<bool, Status>,
    ) -> Result<DdpStep, Status> {
        self.spend(stop)?;
        let mut memory = std::mem::take(&mut self.memory);
        let stages = self.derivatives(problem, &mut memory.stages);
        self.counts.evaluations += 1;
        self.counts.gradient_evaluations += 1;
        let step = match stages {
            Ok(()) => self.descend(problem, stop, confirm, &mut memory),
            Err(failure) => Err(Status::Failed { failure }),
        };
        self.memory = memory;
        step
    }

    /// A step of the policy that the derivatives in `memory` give.
    fn descend(
        &mut self,
        problem: &dyn Stages,
        stop: &Stop,
        confirm: &mut dyn FnMut(&mut Self) -> Result<bool, Status>,
        memory: &mut Memory,
    ) -> Result<DdpStep, Status> {
        let limits: Vec<[Vec<f64>; 2]> =
            (0..problem.len()).map(|k| problem.control_limits(k)).collect();
        let mut refuted = false;
        loop {
            let found = backward(&memory.stages, &limits, &self.controls, self.regularisation);
            if let Some(policy) = found {
                let expected = policy.expected(1.0);
                let modest = self.regularisation <= self.options.regularisation;
                if modest && !refuted && expected <= stop.value_tolerance * self.cost.abs() {
                    if confirm(self)? {
                        let cost = self.cost.abs().max(f64::MIN_POSITIVE);
                        let relative_decrease = expected.max(0.0) / cost;
                        return Ok(DdpStep::Done(Status::ValueConverged { relative_decrease }));
                    }
                    refuted = true;
                }
                if let Some(length) = self.forward(problem, &policy, (&limits, stop), memory)? {
                    self.iteration += 1;
                    self.regularisation /= if length >= 0.3 { 10.0 } else { 1.0 };
                    if self.regularisation < LEAST_REGULARISATION {
                        self.regularisation = 0.0;
                    }
                    return Ok(DdpStep::Improved { cost: self.cost, expected, length });
                }
            }
            self.regularisation = (10.0 * self.regularisation).max(LEAST_REGULARISATION);
            if self.regularisation > MOST_REGULARISATION {
                // the next call, with other limits or after a resumption, begins as the first one did
                self.regularisation = self.options.regularisation;
                let why =
                    "no policy within the limits lowers the cost, however short its step".into();
                return Err(Status::Stalled { gradient_norm: None, why });
            }
        }
    }

    /// Whether a call of the problem is left.
    fn spend(&self, stop: &Stop) -> Result<(), Status> {
        if self.counts.evaluations >= stop.max_evaluations {
            return Err(Status::MaxEvaluations);
        }
        Ok(())
    }

    fn derivatives(
        &self,
        problem: &dyn Stages,
        stages: &mut Vec<StageDerivatives>,
    ) -> Result<(), TrialFailure> {
        stages.resize_with(problem.len() + 1, StageDerivatives::default);
        let of_stage = |(k, out): (usize, &mut StageDerivatives)| {
            let u = self.controls.get(k).map_or(&[][..], Vec::as_slice);
            problem.derivatives(k, &self.states[k], u, out)?;
            check(problem, k, u.len(), out)
        };
        let failures = stages.par_iter_mut().enumerate().map(of_stage);
        failures.find_first(Result::is_err).unwrap_or(Ok(()))
    }

    /// Applies the policy with a step that lowers the cost enough; its length. A trajectory that bends takes many steps of much the same length: the
    /// first that is tried is a few times the last, and after one that is too long comes the least of the parabola through both costs and the slope.
    fn forward(
        &mut self,
        problem: &dyn Stages,
        policy: &Policy,
        (limits, stop): (&[[Vec<f64>; 2]], &Stop),
        memory: &mut Memory,
    ) -> Result<Option<f64>, Status> {
        let mut length = (LENGTHENED * self.length).min(1.0);
        while length >= LEAST_LENGTH {
            let expected = policy.expected(length);
            if expected <= 0.0 {
                return Ok(None);
            }
            self.spend(stop)?;
            self.counts.evaluations += 1;
            let cost = match self.roll(problem, policy, limits, length, memory) {
                Ok(cost) => cost,
                // no cost there: a shorter step
                Err(failure) if failure.is_recoverable() => {
                    self.counts.failures += 1;
                    f64::INFINITY
                }
                Err(failure) => return Err(Status::Failed { failure }),
            };
            if cost.is_finite() && self.cost - cost >= SUFFICIENT * expected {
                std::mem::swap(&mut self.states, &mut memory.states);
                std::mem::swap(&mut self.controls, &mut memory.controls);
                (self.cost, self.length) = (cost, length);
                return Ok(Some(length));
            }
            let fall = policy.slope() * length;
            let part = fall / (2.0 * (cost - self.cost + fall));
            length *= part.clamp(SHORTENED[0], SHORTENED[1]);
        }
        Ok(None)
    }

    /// Rolls the policy out into `memory`; the cost.
    fn roll(
        &self,
        problem: &dyn Stages,
        policy: &Policy,
        limits: &[[Vec<f64>; 2]],
        length: f64,
        memory: &mut Memory,
    ) -> Result<f64, TrialFailure> {
        let (n, mut total) = (problem.len(), 0.0);
        let Memory { states, controls, .. } = memory;
        states.clone_from(&self.states);
        controls.clone_from(&self.controls);
        let mut displaced = vec![0.0; problem.directions()];
        for k in 0..n {
            let (before, after) = states.split_at_mut(k + 1);
            problem.difference(&self.states[k], &before[k], &mut displaced);
            policy.control(k, (&self.controls[k], length), &displaced, &mut controls[k]);
            clamp(&mut controls[k], &limits[k]);
            total += problem.step(k, &before[k], &controls[k], &mut after[0])?;
        }
        total += problem.last_cost(&states[n])?;
        Ok(total)
    }
}

fn clamp(u: &mut [f64], [lower, upper]: &[Vec<f64>; 2]) {
    for i in 0..u.len() {
        u[i] = u[i].max(lower[i]).min(upper[i]);
    }
}

/// Whether the derivatives have the lengths that the contract promises, and are finite.
fn check(
    problem: &dyn Stages,
    stage: usize,
    nu: usize,
    found: &StageDerivatives,
) -> Result<(), TrialFailure> {
    let nd = problem.directions();
    let last = stage == problem.len();
    let unless_last = |length: usize| if last { 0 } else { length };
    for (what, list, length) in [
        ("A", &found.a, unless_last(nd * nd)),
        ("B", &found.b, unless_last(nd * nu)),
        ("the gradient by the state", &found.cost_x, nd),
        ("the gradient by the control", &found.cost_u, unless_last(nu)),
        ("the Hessian by the state", &found.cost_xx, nd * nd),
        ("the mixed Hessian", &found.cost_ux, unless_last(nu * nd)),
        ("the Hessian by the control", &found.cost_uu, unless_last(nu * nu)),
    ] {
        if list.len() != length {
            let entries = list.len();
            let why = format!("stage {stage} gave {entries} entries of {what}, not {length}");
            return Err(TrialFailure::Contract(why));
        }
        if list.iter().any(|v| !v.is_finite()) {
            return Err(TrialFailure::NonFinite { what: format!("{what} of stage {stage}") });
        }
    }
    Ok(())
}
