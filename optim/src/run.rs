//! A run: the whole state of an optimisation, one iteration at a time.

use cotangent_problem::{NoStages, SampleKey, SpaceError, TrialFailure, Workspace};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::context::{Advance, Context, NoValue};
use crate::convergence::Sizes;
use crate::evaluator::Counts;
use crate::method::{Method, State};
use crate::outcome::{Iteration, Observer, Outcome, Status, Stop};
use crate::problem::Problem;

/// Why a run cannot start.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum StartError {
    /// The start makes no sense.
    #[error(transparent)]
    Space(#[from] SpaceError),
    /// Objective and parameters differ in size.
    #[error("the objective has {objective} parameters, the space {space}")]
    Dimension {
        /// The objective's.
        objective: usize,
        /// The space's.
        space: usize,
    },
    /// The method needs what the objective does not give.
    #[error("{method} needs {needs}, which this objective does not give; try {instead}")]
    Unsupported {
        /// The method.
        method: &'static str,
        /// What it needs.
        needs: &'static str,
        /// A method that would work.
        instead: &'static str,
    },
    /// The method goes by stages, which the objective does not have.
    #[error("{method} goes by the stages of a trajectory: {why}")]
    NoStages {
        /// The method.
        method: &'static str,
        /// What does not fit.
        why: NoStages,
    },
    /// The objective has no value at the start.
    #[error("the objective has no value at the start: {0}")]
    Start(TrialFailure),
}

/// The whole state of an optimisation. Serialised between two iterations and restored, it goes on with the same bits.
#[derive(Debug, Serialize, Deserialize)]
pub struct Run {
    method: Method,
    stop: Stop,
    key: SampleKey,
    counts: Counts,
    iteration: usize,
    value: f64,
    best_z: Vec<f64>,
    best_value: f64,
    /// Largest `|z_i|` of all iterates; an entry that starts at 0 counts as 1 there, the unit that its scale makes.
    sizes: Vec<f64>,
    state: State,
    reported_start: bool,
    #[serde(skip)]
    ws: Workspace,
}

/// What a call of [`Run::step`] gave.
#[derive(Clone, Debug, PartialEq)]
pub enum StepResult {
    /// An iteration; there may be more.
    Continue(Iteration),
    /// The run is over.
    Done(Outcome),
}

impl Run {
    /// Evaluates the start and sets up the method.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn start(
        problem: &Problem,
        method: Method,
        stop: Stop,
        x0: &[f64],
        key: SampleKey,
    ) -> Result<Self, StartError> {
        check(problem, &method)?;
        problem.space.check_start(x0)?;
        let (lower, upper) = problem.space.bounds();
        let mut z = problem.space.encode(x0);
        let mut counts = Counts::default();
        let mut ws = Workspace::new();
        z.iter_mut().zip(lower.iter().zip(&upper)).for_each(|(z, (l, u))| *z = z.clamp(*l, *u));
        let size = |z: &f64| if *z == 0.0 { 1.0 } else { z.abs() };
        let sizes: Vec<f64> = z.iter().map(size).collect();
        let positions = problem.space.positions();
        // the start has a value or there is no run: that call is not limited
        let unlimited = Stop { max_evaluations: u64::MAX, ..stop };
        let mut context = Context {
            problem,
            lower: &lower,
            upper: &upper,
            sizes: Sizes { most: &sizes, positions: &positions },
            key,
            counts: &mut counts,
            ws: &mut ws,
            iteration: 0,
            stop: &unlimited,
        };
        let (state, value) =
            State::start(&mut context, z.clone(), &method).map_err(|error| match error {
                NoValue::Failed(failure) => StartError::Start(failure),
                NoValue::Spent => {
                    StartError::Start(TrialFailure::Contract("no call is left".into()))
                }
            })?;
        let (best_z, best_value) = (z, value);
        Ok(Self {
            method,
            stop,
            key,
            counts,
            iteration: 0,
            value,
            best_z,
            best_value,
            sizes,
            state,
            reported_start: false,
            ws,
        })
    }

    /// The best point so far, in physical units, and its value.
    pub fn best(&self, problem: &Problem) -> (Vec<f64>, f64) {
        (problem.space.decode(&self.best_z), self.best_value)
    }

    /// Iterations made.
    pub fn iteration(&self) -> usize {
        self.iteration
    }

    /// Calls of the objective.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Largest `|z_i|` of all iterates.
    pub(crate) fn sizes(&self) -> &[f64] {
        &self.sizes
    }

    /// Takes the sizes of a run before this one: a parameter that is near zero where this one starts may not be small.
    pub(crate) fn widen(&mut self, sizes: &[f64]) {
        self.sizes.iter_mut().zip(sizes).for_each(|(own, other)| *own = own.max(*other));
    }

    /// The criteria that it stops by; raise a limit before resuming.
    pub fn stop_mut(&mut self) -> &mut Stop {
        &mut self.stop
    }

    /// One iteration. The first call reports the start as iteration 0.
    pub fn step(&mut self, problem: &Problem) -> StepResult {
        if !self.reported_start {
            self.reported_start = true;
            return StepResult::Continue(self.report_start(problem));
        }
        if let Some(status) = self.limit() {
            return StepResult::Done(self.outcome(problem, status));
        }
        let (lower, upper) = problem.space.bounds();
        let positions = problem.space.positions();
        let mut context = Context {
            problem,
            lower: &lower,
            upper: &upper,
            sizes: Sizes { most: &self.sizes, positions: &positions },
            key: self.key,
            counts: &mut self.counts,
            ws: &mut self.ws,
            iteration: self.iteration + 1,
            stop: &self.stop,
        };
        let Some(advance) = self.state.iterate(&mut context, &self.method) else {
            let why = format!("this state is not that of {}", self.method.info().name);
            let failure = TrialFailure::Contract(why);
            return StepResult::Done(self.outcome(problem, Status::Failed { failure }));
        };
        match advance {
            Advance { end: Some(status), z, value, .. } => {
                let status = self.claimed(status, z, value);
                StepResult::Done(self.outcome(problem, status))
            }
            advance => StepResult::Continue(self.accept(problem, advance)),
        }
    }

    /// What may be said of the answer where a method ended with `status` at `z`. A gradient speaks for its own point: where the
    /// best value is as low as there, that point is the answer; where another was lower, nothing has been shown of it.
    fn claimed(&mut self, status: Status, z: Vec<f64>, value: f64) -> Status {
        if !matches!(status, Status::GradientConverged { .. }) {
            return status;
        }
        if value - self.best_value > self.stop.value_tolerance * self.best_value.abs() {
            let why = "the method has converged where the value is higher than at a point on its way, which is the answer: start there";
            return Status::Stalled { gradient_norm: None, why: why.into() };
        }
        (self.best_z, self.best_value) = (z, value);
        status
    }

    fn accept(&mut self, problem: &Problem, advance: Advance) -> Iteration {
        self.iteration += 1;
        self.value = advance.value;
        if advance.value < self.best_value {
            self.best_value = advance.value;
            self.best_z.clone_from(&advance.z);
        }
        self.sizes.iter_mut().zip(&advance.z).for_each(|(size, z)| *size = size.max(z.abs()));
        Iteration {
            index: self.iteration,
            value: advance.value,
            best_value: self.best_value,
            gradient_norm: advance.gradient_norm,
            step_norm: advance.step_norm,
            evaluations: self.counts.evaluations,
            gradient_evaluations: self.counts.gradient_evaluations,
            failures: self.counts.failures,
            x: problem.space.decode(&advance.z),
            terms: advance.terms,
            note: None,
        }
    }

    fn report_start(&self, problem: &Problem) -> Iteration {
        let stochastic = problem.objective.capabilities().stochastic;
        let frozen = stochastic && !self.method.info().draws_anew;
        let (lower, upper) = problem.space.bounds();
        let gradient_norm = self.state.gradient_norm(&lower, &upper);
        let terms = self.state.terms().to_vec();
        Iteration {
            index: 0,
            value: self.value,
            best_value: self.best_value,
            gradient_norm,
            step_norm: 0.0,
            evaluations: self.counts.evaluations,
            gradient_evaluations: self.counts.gradient_evaluations,
            failures: self.counts.failures,
            x: problem.space.decode(&self.best_z),
            terms,
            note: frozen.then(|| {
                format!("the objective is stochastic: its sample is frozen at key {}", self.key.0)
            }),
        }
    }

    /// The limits that are the same for all methods.
    fn limit(&self) -> Option<Status> {
        if self.stop.target_value.is_some_and(|t| self.best_value <= t) {
            Some(Status::TargetReached)
        } else if self.iteration >= self.stop.max_iterations {
            Some(Status::MaxIterations)
        } else if self.counts.evaluations >= self.stop.max_evaluations {
            Some(Status::MaxEvaluations)
        } else {
            None
        }
    }

    /// The end of this run with `status`.
    pub fn outcome(&self, problem: &Problem, status: Status) -> Outcome {
        let (x, value) = self.best(problem);
        let Counts { evaluations, gradient_evaluations, failures } = self.counts;
        Outcome {
            status,
            x,
            value,
            iterations: self.iteration,
            evaluations,
            gradient_evaluations,
            failures,
        }
    }
}

/// Whether the method suits the objective.
fn check(problem: &Problem, method: &Method) -> Result<(), StartError> {
    let (objective, space) = (problem.objective.dim(), problem.space.dim());
    if objective != space {
        return Err(StartError::Dimension { objective, space });
    }
    let (info, can) = (method.info(), problem.objective.capabilities());
    if info.needs_residuals && can.residuals.is_none() {
        let instead = if can.gradient { "lbfgsb" } else { "cma-es" };
        return Err(StartError::Unsupported { method: info.name, needs: "residuals", instead });
    }
    if info.needs_gradient && !can.gradient {
        return Err(StartError::Unsupported {
            method: info.name,
            needs: "gradients",
            instead: "cma-es",
        });
    }
    if let (true, Err(why)) = (info.needs_stages, problem.objective.stages()) {
        return Err(StartError::NoStages { method: info.name, why });
    }
    Ok(())
}

/// Runs a method to its end.
///
/// # Errors
/// [`StartError`]; once started a run always ends in an [`Outcome`].
pub fn minimize(
    problem: &Problem,
    method: Method,
    stop: Stop,
    x0: &[f64],
    key: SampleKey,
    observer: &mut dyn Observer,
) -> Result<Outcome, StartError> {
    let mut run = Run::start(problem, method, stop, x0, key)?;
    loop {
        match run.step(problem) {
            StepResult::Done(outcome) => return Ok(outcome),
            StepResult::Continue(iteration) => {
                if observer.iteration(&iteration).is_break() {
                    return Ok(run.outcome(problem, Status::Interrupted));
                }
            }
        }
    }
}
