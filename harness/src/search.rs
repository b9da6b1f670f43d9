//! What searches: an optimizer alone, or within the method of multipliers.

use cotangent_optim::augmented_lagrangian::Options;
use cotangent_optim::{
    Constrained, ConstrainedOutcome, ConstrainedRun, ConstrainedStartError, ConstrainedStep,
    Iteration, Method, Outcome, Problem, Run, Status, StepResult, Stop,
};
use cotangent_problem::{Constraints, SampleKey};
use serde::{Deserialize, Serialize};

use crate::HarnessError;

/// The state of a search between two iterations.
#[derive(Debug, Serialize, Deserialize)]
pub enum Search {
    /// Only bounds hold it.
    Free(Box<Run>),
    /// Constraints hold it as well.
    Constrained(Box<ConstrainedRun>),
}

/// How a search ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// At which point, after what.
    pub outcome: Outcome,
    /// Value and multiplier of every constraint there; none of a free search.
    pub held: Vec<(f64, f64)>,
}

/// What a call of [`Search::step`] gave.
#[derive(Debug)]
pub(crate) enum SearchStep {
    /// An iteration.
    Continue(Iteration),
    /// The end.
    Done(Ended),
}

impl From<Outcome> for Ended {
    fn from(outcome: Outcome) -> Self {
        Self { outcome, held: Vec::new() }
    }
}

impl From<ConstrainedOutcome> for Ended {
    fn from(found: ConstrainedOutcome) -> Self {
        let held = found.constraints.into_iter().zip(found.multipliers).collect();
        Self { outcome: found.outcome, held }
    }
}

/// The problem with its constraints.
fn with<'a>(problem: &Problem<'a>, constraints: &'a dyn Constraints) -> Constrained<'a> {
    Constrained { objective: problem.objective, constraints, space: problem.space }
}

impl Search {
    /// Evaluates the start.
    ///
    /// # Errors
    /// A start without a value, a method that does not suit, limits that allow nothing.
    pub(crate) fn start(
        problem: &Problem,
        constraints: Option<&dyn Constraints>,
        method: Method,
        stop: Stop,
        x0: &[f64],
        key: SampleKey,
    ) -> Result<Self, HarnessError> {
        let Some(constraints) = constraints else {
            return Ok(Self::Free(Box::new(Run::start(problem, method, stop, x0, key)?)));
        };
        let (problem, options) = (with(problem, constraints), Options::default());
        match ConstrainedRun::start(&problem, method, stop, options, x0, None, key) {
            Ok(run) => Ok(Self::Constrained(Box::new(run))),
            Err(ConstrainedStartError::Start(error)) => Err(error.into()),
            Err(error) => Err(HarnessError::Constraints(error)),
        }
    }

    /// The objective at the start, of a search that has not gone on yet.
    pub(crate) fn first_value(&self, problem: &Problem) -> f64 {
        match self {
            Self::Free(run) => run.best(problem).1,
            Self::Constrained(run) => run.first_value(),
        }
    }

    /// Whether the iterates' values are those of a Lagrangian, so that the answer is the end and not the least of them.
    pub(crate) fn is_constrained(&self) -> bool {
        matches!(self, Self::Constrained(_))
    }

    /// One iteration.
    ///
    /// # Panics
    /// Where a constrained search has lost its constraints.
    pub(crate) fn step(
        &mut self,
        problem: &Problem,
        constraints: Option<&dyn Constraints>,
    ) -> SearchStep {
        match self {
            Self::Free(run) => match run.step(problem) {
                StepResult::Continue(iteration) => SearchStep::Continue(iteration),
                StepResult::Done(outcome) => SearchStep::Done(outcome.into()),
            },
            Self::Constrained(run) => match run.step(&with(problem, expected(constraints))) {
                ConstrainedStep::Continue(iteration) => SearchStep::Continue(iteration),
                ConstrainedStep::Done(outcome) => SearchStep::Done(outcome.into()),
            },
        }
    }

    /// The end of this search with `status`.
    ///
    /// # Panics
    /// Where a constrained search has lost its constraints.
    pub(crate) fn ended(
        &self,
        problem: &Problem,
        constraints: Option<&dyn Constraints>,
        status: Status,
    ) -> Ended {
        match self {
            Self::Free(run) => run.outcome(problem, status).into(),
            Self::Constrained(run) => {
                run.outcome(&with(problem, expected(constraints)), status).into()
            }
        }
    }

    /// The criteria that it stops by; raise a limit before resuming.
    pub(crate) fn stop_mut(&mut self) -> &mut Stop {
        match self {
            Self::Free(run) => run.stop_mut(),
            Self::Constrained(run) => run.stop_mut(),
        }
    }
}

fn expected(constraints: Option<&dyn Constraints>) -> &dyn Constraints {
    constraints
        .expect("a constrained search has its constraints: its input is that of its checkpoint")
}
