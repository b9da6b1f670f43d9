//! Constraints by the method of multipliers.
//!
//! Conn, Gould & Toint, *LANCELOT*, 1992, algorithm 14.4.1, with the safeguards of Birgin & Martinez, *Practical Augmented
//! Lagrangian Methods for Constrained Optimization*, SIAM 2014, algorithm 4.1: any optimizer of this crate minimises the augmented
//! Lagrangian within the bounds, then the multipliers follow from what is left of the constraints, and the penalty grows where
//! that has not become small enough. Bounds hold at every evaluation; constraints hold at the end.
//!
//! A run claims success where the constraints hold to [`Options::feasibility`] and the inner optimizer has shown a stationary point of the
//! Lagrangian. Where the penalty has grown to its limit and the constraints still do not hold, the run says so and names the worst.

mod function;
mod multipliers;

use cotangent_problem::{
    ConstraintValues, Constraints, Evaluation, LimitError, Objective, SampleKey, Space, TermValue,
    Want, Workspace,
};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::evaluator::Counts;
use crate::method::Method;
use crate::outcome::{Iteration, Observer, Outcome, Status, Stop};
use crate::problem::Problem;
use crate::run::{Run, StartError, StepResult};
use function::{Lagrangian, constraints_at};
use multipliers::Conditions;

/// An objective, what its point must satisfy, and its parameters.
#[derive(Clone, Copy)]
pub struct Constrained<'a> {
    /// What is minimised.
    pub objective: &'a dyn Objective,
    /// What must hold.
    pub constraints: &'a dyn Constraints,
    /// Its parameters.
    pub space: &'a Space,
}

impl std::fmt::Debug for Constrained<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Constrained").field("space", self.space).finish_non_exhaustive()
    }
}

/// Options of the method of multipliers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// A constraint holds where it is off by no more than this fraction of its limit, or of what changes of the parameters by
    /// their own sizes would change it by.
    pub feasibility: f64,
    /// Most minimisations of a Lagrangian.
    pub max_rounds: usize,
    /// Most iterations of each.
    pub inner_iterations: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { feasibility: 1e-8, max_rounds: 60, inner_iterations: 200 }
    }
}

/// Why a constrained run cannot start.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum ConstrainedStartError {
    /// As without constraints.
    #[error(transparent)]
    Start(#[from] StartError),
    /// Limits that allow nothing.
    #[error(transparent)]
    Limits(#[from] LimitError),
    /// As many multipliers as constraints are needed.
    #[error("{given} multipliers were given for {constraints} constraints")]
    Multipliers {
        /// How many there were.
        given: usize,
        /// How many there must be.
        constraints: usize,
    },
}

/// Factor on the penalty where the constraints have not come closer.
const GROWTH: f64 = 10.0;
/// How much closer they must have come.
const CLOSER: f64 = 0.25;
/// Largest penalty, in units of the first.
const MOST_PENALTY: f64 = 1e14;
/// What may be left of the gradient of the Lagrangian, as a fraction of its largest part.
const BALANCED: f64 = 1e-3;
/// The same as a fraction of the value, which changes of the parameters by their own sizes would change by it.
const UNSEEN: f64 = 1e-6;
/// Violation that grows by this in a round shows that the Lagrangian has no minimum near.
const ASTRAY: f64 = 10.0;

/// The end of a constrained run.
#[derive(Clone, Debug, PartialEq)]
pub struct ConstrainedOutcome {
    /// How it ended, at which point, after what; the value is the objective's own.
    pub outcome: Outcome,
    /// Values of the constraints there.
    pub constraints: Vec<f64>,
    /// A multiplier for each, in the unit of the value over that of the constraint: `grad f + sum_k y_k grad c_k` vanishes along every
    /// parameter that no bound holds. Not negative at an upper limit, not positive at a lower one, 0 in between; to first order
    /// the least value falls by `y_k` times what an active limit is raised by.
    pub multipliers: Vec<f64>,
    /// Minimisations of a Lagrangian.
    pub rounds: usize,
}

/// The whole state of a constrained optimisation, between two iterations of the inner optimizer. Serialised and restored, it goes on
/// with the same bits.
#[derive(Debug, Serialize, Deserialize)]
pub struct ConstrainedRun {
    method: Method,
    stop: Stop,
    options: Options,
    key: SampleKey,
    scales: Vec<f64>,
    /// In units of the value, for constraints in units of their scales.
    multipliers: Vec<f64>,
    penalty: f64,
    first_penalty: f64,
    /// The objective at the start.
    first_value: f64,
    /// Complementary violation at the end of the last round.
    violation: f64,
    x: Vec<f64>,
    /// Largest parameters of all rounds, optimizer coordinates.
    sizes: Vec<f64>,
    counts: Counts,
    iterations: usize,
    rounds: usize,
    /// The minimisation in progress; none after the end.
    inner: Option<Run>,
    /// How it ended, unless by a failure.
    ended: Option<Status>,
    reported_start: bool,
}

/// What a call of [`ConstrainedRun::step`] gave.
#[derive(Clone, Debug, PartialEq)]
pub enum ConstrainedStep {
    /// An iteration of the inner optimizer; its value is that of the augmented Lagrangian, and a term says which part of it stands for
    /// the constraints.
    Continue(Iteration),
    /// The run is over.
    Done(ConstrainedOutcome),
}

impl ConstrainedRun {
    /// Evaluates the start and scales the constraints by their derivatives there. `multipliers`, of a run before, start it warm.
    ///
    /// # Errors
    /// [`ConstrainedStartError`].
    pub fn start(
        problem: &Constrained,
        method: Method,
        stop: Stop,
        options: Options,
        x0: &[f64],
        multipliers: Option<&[f64]>,
        key: SampleKey,
    ) -> Result<Self, ConstrainedStartError> {
        let list = problem.constraints.constraints();
        list.iter().try_for_each(cotangent_problem::Constraint::check)?;
        problem.space.check_start(x0).map_err(StartError::from)?;
        let mut ws = Workspace::new();
        let failed = |failure| ConstrainedStartError::Start(StartError::Start(failure));
        let found = constraints_at(problem.constraints, x0, true, key, &mut ws).map_err(failed)?;
        let value = problem
            .objective
            .evaluate(x0, Want::VALUE, key, &mut Workspace::new())
            .map_err(failed)?
            .value;
        let scales = scales(problem, x0, found.jacobian.as_deref().unwrap_or_default());
        let given = multipliers.unwrap_or_default();
        if multipliers.is_some() && given.len() != list.len() {
            let (given, constraints) = (given.len(), list.len());
            return Err(ConstrainedStartError::Multipliers { given, constraints });
        }
        let own = |k: usize| given.get(k).map_or(0.0, |y| y * scales[k]);
        let multipliers = (0..list.len()).map(own).collect();
        let off = |k: usize| (found.values[k] - list[k].nearest(found.values[k])) / scales[k];
        let square = 0.5 * (0..list.len()).map(|k| off(k).powi(2)).sum::<f64>();
        let violation = (0..list.len()).map(|k| off(k).abs()).fold(0.0, f64::max);
        let penalty = 10.0 * value.abs().max(1e-3) / square.max(1.0);
        let mut run = Self {
            method,
            stop,
            options,
            key,
            scales,
            multipliers,
            penalty,
            first_penalty: penalty,
            first_value: value,
            violation,
            x: x0.to_vec(),
            sizes: Vec::new(),
            counts: Counts { evaluations: 1, ..Counts::default() },
            iterations: 0,
            rounds: 0,
            inner: None,
            ended: None,
            reported_start: false,
        };
        run.begin_round(problem)?;
        Ok(run)
    }

    fn lagrangian<'a>(&'a self, problem: &Constrained<'a>) -> Lagrangian<'a> {
        Lagrangian {
            objective: problem.objective,
            constraints: problem.constraints,
            scales: &self.scales,
            multipliers: &self.multipliers,
            penalty: self.penalty,
        }
    }

    /// Starts the inner optimizer at the point where the last round ended.
    fn begin_round(&mut self, problem: &Constrained) -> Result<(), StartError> {
        let stop = Stop {
            max_iterations: self
                .options
                .inner_iterations
                .min(self.stop.max_iterations.saturating_sub(self.iterations)),
            max_evaluations: self.stop.max_evaluations.saturating_sub(self.counts.evaluations),
            target_value: None,
            ..self.stop
        };
        let lagrangian = self.lagrangian(problem);
        let whole = Problem { objective: &lagrangian, space: problem.space };
        let mut inner = Run::start(&whole, self.method.clone(), stop, &self.x, self.key)?;
        inner.widen(&self.sizes);
        self.inner = Some(inner);
        Ok(())
    }

    /// One iteration of the inner optimizer, or the end of a round and the first iteration of the next.
    pub fn step(&mut self, problem: &Constrained) -> ConstrainedStep {
        loop {
            let Some(mut inner) = self.inner.take() else {
                // after a limit that has been raised, or a failure, it goes on with the next round
                let by_limit =
                    |s: &Status| matches!(s, Status::MaxIterations | Status::MaxEvaluations);
                if let Some(status) = self.ended.clone().filter(|s| self.is_spent() || !by_limit(s))
                {
                    return self.finished(problem, status);
                }
                if let Err(status) = self.next_round(problem) {
                    return self.finished(problem, status);
                }
                continue;
            };
            let stepped = {
                let lagrangian = self.lagrangian(problem);
                inner.step(&Problem { objective: &lagrangian, space: problem.space })
            };
            match stepped {
                StepResult::Continue(mut iteration) => {
                    let spent = inner.counts();
                    self.inner = Some(inner);
                    if iteration.index == 0 && self.reported_start {
                        continue; // the next round starts where the last one ended
                    }
                    if iteration.index > 0 {
                        self.iterations += 1;
                    }
                    self.reported_start = true;
                    iteration.index = self.iterations;
                    iteration.evaluations = self.counts.evaluations + spent.evaluations;
                    iteration.gradient_evaluations += self.counts.gradient_evaluations;
                    iteration.failures += self.counts.failures;
                    return ConstrainedStep::Continue(iteration);
                }
                StepResult::Done(outcome) => {
                    self.sizes = inner.sizes().to_vec();
                    if let Some(status) = self.end_round(problem, &outcome) {
                        return self.finished(problem, status);
                    }
                    if let Err(status) = self.next_round(problem) {
                        return self.finished(problem, status);
                    }
                }
            }
        }
    }

    fn next_round(&mut self, problem: &Constrained) -> Result<(), Status> {
        self.begin_round(problem).map_err(|error| match error {
            StartError::Start(failure) => Status::Failed { failure },
            _ => Status::Interrupted,
        })
    }

    fn is_spent(&self) -> bool {
        self.counts.evaluations >= self.stop.max_evaluations
            || self.iterations >= self.stop.max_iterations
    }

    /// The end of the run, which further calls repeat.
    fn finished(&mut self, problem: &Constrained, status: Status) -> ConstrainedStep {
        self.ended = Some(status.clone()).filter(|s| !matches!(s, Status::Failed { .. }));
        ConstrainedStep::Done(self.outcome(problem, status))
    }

    /// Judges the point, and moves the multipliers or the penalty; the end of the run, where it is that.
    fn end_round(&mut self, problem: &Constrained, outcome: &Outcome) -> Option<Status> {
        self.rounds += 1;
        self.counts.evaluations += outcome.evaluations;
        self.counts.gradient_evaluations += outcome.gradient_evaluations;
        self.counts.failures += outcome.failures;
        let mut ws = Workspace::new();
        let found = match constraints_at(problem.constraints, &outcome.x, true, self.key, &mut ws) {
            Ok(found) => found,
            Err(failure) => return Some(Status::Failed { failure }),
        };
        let lagrangian = self.lagrangian(problem);
        let excess = lagrangian.excess(&found.values);
        // c - P(c + lambda/rho): how far from the limit that the multiplier presses against
        let off: Vec<f64> =
            (0..excess.len()).map(|k| excess[k] - self.multipliers[k] / self.penalty).collect();
        let most = off.iter().fold(0.0, |most: f64, e| most.max(e.abs()));
        let rows = found.jacobian.as_deref().unwrap_or_default();
        let open = self.worst(problem, &outcome.x, rows, &off);
        let success = outcome.status.is_success();
        if open.is_none() && success {
            self.accept(outcome, &excess);
            let at = problem.objective.evaluate(&self.x, Want::GRADIENT, self.key, &mut ws);
            if at.is_ok_and(|at| self.is_stationary(problem, &found, at)) {
                return Some(outcome.status.clone());
            }
            // a penalty so steep that its kink looks like a minimum: a gentler one finds the multipliers
            self.penalty = (self.penalty * self.first_penalty).sqrt();
        }
        if self.is_spent() || matches!(outcome.status, Status::MaxEvaluations) {
            self.accept(outcome, &excess);
            let by_calls = self.counts.evaluations >= self.stop.max_evaluations;
            return Some(if by_calls { Status::MaxEvaluations } else { Status::MaxIterations });
        }
        let refused = open.is_none() && success;
        if !success && most > ASTRAY * self.violation.max(1.0) {
            // no minimum near with this penalty: back to where the round began
            self.penalty *= GROWTH;
        } else if !refused {
            let closer = open.is_none() || most <= CLOSER * self.violation;
            self.accept(outcome, &excess);
            self.violation = most;
            if !closer {
                self.penalty *= GROWTH;
            }
        }
        if self.penalty > MOST_PENALTY * self.first_penalty
            || self.rounds >= self.options.max_rounds
        {
            return Some(self.not_found(problem, &outcome.x, &found));
        }
        None
    }

    /// How a run ends that has found no answer: with the constraint that is furthest outside, or all inside.
    fn not_found(&self, problem: &Constrained, x: &[f64], found: &ConstraintValues) -> Status {
        let list = problem.constraints.constraints();
        let outside =
            |k: usize| (found.values[k] - list[k].nearest(found.values[k])) / self.scales[k];
        let outside: Vec<f64> = (0..list.len()).map(outside).collect();
        let rows = found.jacobian.as_deref().unwrap_or_default();
        if let Some((constraint, violation)) = self.worst(problem, x, rows, &outside) {
            return Status::Infeasible { constraint, violation };
        }
        let why = "the constraints hold, but no multipliers balance the gradient".into();
        Status::Stalled { gradient_norm: None, why }
    }

    /// Whether the objective's gradient is balanced by the multipliers along every parameter that no bound holds, to
    /// [`BALANCED`] of the largest of its parts: what the inner optimizer has shown of the Lagrangian, seen without the penalty. The
    /// multipliers then become those that balance it best.
    fn is_stationary(
        &mut self,
        problem: &Constrained,
        found: &ConstraintValues,
        at: Evaluation,
    ) -> bool {
        let Some(gradient) = at.gradient.filter(|g| g.len() == self.x.len()) else {
            return true; // an inner optimizer without gradients
        };
        let entries: Vec<_> = problem.space.entries().collect();
        let conditions = Conditions {
            x: &self.x,
            entries: &entries,
            sizes: &sizes(problem.space, &self.x),
            gradient: &gradient,
            constraints: problem.constraints.constraints(),
            rows: found.jacobian.as_deref().unwrap_or_default(),
        };
        let multipliers: Vec<f64> =
            self.multipliers.iter().zip(&self.scales).map(|(y, s)| y / s).collect();
        let balance = conditions.balance(&multipliers);
        let unseen = UNSEEN * at.value.abs().max(self.first_value.abs());
        let most = balance.most();
        if most.is_nan() || most > unseen.max(BALANCED * balance.largest) {
            return false;
        }
        let best = conditions.best(&multipliers);
        self.multipliers = best.iter().zip(&self.scales).map(|(y, s)| y * s).collect();
        true
    }

    /// Takes the point and its multipliers.
    fn accept(&mut self, outcome: &Outcome, excess: &[f64]) {
        self.x.clone_from(&outcome.x);
        self.multipliers = excess.iter().map(|e| self.penalty * e).collect();
    }

    /// The constraint that is furthest from holding, and by how much, in its unit; `None` where all hold.
    fn worst(
        &self,
        problem: &Constrained,
        x: &[f64],
        jacobian: &[f64],
        off: &[f64],
    ) -> Option<(String, f64)> {
        let sizes = sizes(problem.space, x);
        let list = problem.constraints.constraints();
        let relative = |k: usize| {
            let row = &jacobian[k * x.len()..(k + 1) * x.len()];
            let reach: f64 = row.iter().zip(&sizes).map(|(j, s)| (j * s).abs()).sum();
            let limit = [list[k].lower, list[k].upper].into_iter().filter(|l| l.is_finite());
            let size = limit.map(f64::abs).fold(reach, f64::max);
            let amount = off[k].abs() * self.scales[k];
            (amount, amount / (self.options.feasibility * size.max(f64::MIN_POSITIVE)))
        };
        let worst = (0..off.len()).max_by(|&a, &b| relative(a).1.total_cmp(&relative(b).1))?;
        let (amount, share) = relative(worst);
        (share.is_nan() || share > 1.0).then(|| (list[worst].name.clone(), amount))
    }

    /// The end of this run with `status`, at the point of the last round that ended.
    pub fn outcome(&self, problem: &Constrained, status: Status) -> ConstrainedOutcome {
        let mut ws = Workspace::new();
        let value = problem.objective.evaluate(&self.x, Want::VALUE, self.key, &mut ws);
        let mut ws = Workspace::new();
        let constraints = constraints_at(problem.constraints, &self.x, false, self.key, &mut ws);
        let multipliers = self.multipliers.iter().zip(&self.scales).map(|(y, s)| y / s).collect();
        let Counts { evaluations, gradient_evaluations, failures } = self.counts;
        ConstrainedOutcome {
            outcome: Outcome {
                status,
                x: self.x.clone(),
                value: value.map_or(f64::NAN, |found| found.value),
                iterations: self.iterations,
                evaluations,
                gradient_evaluations,
                failures,
            },
            constraints: constraints.map(|found| found.values).unwrap_or_default(),
            multipliers,
            rounds: self.rounds,
        }
    }

    /// The objective at the start.
    pub fn first_value(&self) -> f64 {
        self.first_value
    }

    /// The criteria that it stops by; raise a limit before resuming.
    pub fn stop_mut(&mut self) -> &mut Stop {
        &mut self.stop
    }
}

/// Sizes of changes of the parameters: their own, or their scale where they are smaller.
fn sizes(space: &Space, x: &[f64]) -> Vec<f64> {
    let slopes = space.slopes(x);
    x.iter().zip(&slopes).map(|(x, s)| x.abs().max(s.abs())).collect()
}

/// Lengths of the constraints' gradients in optimizer coordinates; the size of its limit for one that is stationary at the start.
fn scales(problem: &Constrained, x: &[f64], jacobian: &[f64]) -> Vec<f64> {
    let slopes = problem.space.slopes(x);
    let length =
        |row: &[f64]| row.iter().zip(&slopes).map(|(j, s)| (j * s).powi(2)).sum::<f64>().sqrt();
    let list = problem.constraints.constraints();
    let scale = |k: usize| {
        let own = length(&jacobian[k * x.len()..(k + 1) * x.len()]);
        let limit = [list[k].lower, list[k].upper].into_iter().filter(|l| l.is_finite());
        let limit = limit.map(f64::abs).fold(0.0, f64::max);
        match (own > 0.0, limit > 0.0) {
            (true, _) => own,
            (false, true) => limit,
            (false, false) => 1.0,
        }
    };
    (0..list.len()).map(scale).collect()
}

/// Runs a constrained minimisation to its end.
///
/// # Errors
/// [`ConstrainedStartError`]; once started a run always ends in a [`ConstrainedOutcome`].
pub fn minimize_constrained(
    problem: &Constrained,
    method: Method,
    stop: Stop,
    options: Options,
    x0: &[f64],
    key: SampleKey,
    observer: &mut dyn Observer,
) -> Result<ConstrainedOutcome, ConstrainedStartError> {
    let mut run = ConstrainedRun::start(problem, method, stop, options, x0, None, key)?;
    loop {
        match run.step(problem) {
            ConstrainedStep::Done(outcome) => return Ok(outcome),
            ConstrainedStep::Continue(iteration) => {
                if observer.iteration(&iteration).is_break() {
                    return Ok(run.outcome(problem, Status::Interrupted));
                }
            }
        }
    }
}

/// The share of the constraints in a value of the augmented Lagrangian.
pub fn penalty_of(terms: &[TermValue]) -> f64 {
    terms.iter().filter(|t| t.name == function::PENALTY).map(|t| t.value).sum()
}
