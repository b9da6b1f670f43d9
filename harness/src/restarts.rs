//! Several searches in one run, each from a start of its own: the best of their answers stands.
//!
//! Where the answer depends on the start, one search is one draw. A run with [`Restarts`] makes another search, from the next start,
//! as long as the best answer so far ranks above [`Restarts::until`]; the rank is the score where the judge gives one, else the
//! objective. Every search has the same limits. Which searches are made depends on numbers alone, so a run that is
//! stopped and resumed makes the same ones.

use cotangent_optim::{Outcome, Status};
use serde::{Deserialize, Serialize};

use crate::answer::Answer;

/// Further searches that a run may make.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Restarts {
    /// No further search begins once the best answer ranks at this or below.
    pub until: f64,
    /// The starts of further searches, in turn.
    pub starts: Vec<Start>,
}

/// Where a search begins.
#[derive(Clone, Debug, PartialEq)]
pub struct Start {
    /// Seed of a method that samples, and the sample key of a stochastic objective.
    pub seed: u64,
    /// The parameters, in physical units.
    pub x: Vec<f64>,
}

/// What searches cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cost {
    /// Iterations; where a search follows another, its start counts as one.
    pub iterations: usize,
    /// Calls of the objective.
    pub evaluations: u64,
    /// Calls with derivatives.
    pub gradient_evaluations: u64,
    /// Calls that failed.
    pub failures: u64,
}

impl Cost {
    /// With that of one more search.
    pub(crate) fn and(self, outcome: &Outcome) -> Self {
        Self {
            iterations: self.iterations + outcome.iterations,
            evaluations: self.evaluations + outcome.evaluations,
            gradient_evaluations: self.gradient_evaluations + outcome.gradient_evaluations,
            failures: self.failures + outcome.failures,
        }
    }
}

/// A search that has ended, with its answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Settled {
    /// Which of the run's searches it was, from 0.
    pub search: usize,
    /// The objective at its start.
    pub initial: f64,
    /// How it ended.
    pub status: Status,
    /// Value and multiplier of every constraint at its end.
    pub held: Vec<(f64, f64)>,
    /// Its answer.
    pub answer: Answer,
}

impl Settled {
    /// The better of two answers; the earlier one where neither ranks lower.
    pub(crate) fn or_better(self, earlier: Option<Self>) -> Self {
        match earlier {
            Some(earlier) if self.answer.rank >= earlier.answer.rank => earlier,
            // what has no finite rank is no answer, and ranks below everything
            Some(earlier) if !self.answer.rank.is_finite() => earlier,
            _ => self,
        }
    }
}

/// What a run's searches before the present one found and cost.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Earlier {
    /// How many they were, those included whose start had no value.
    pub searches: usize,
    /// What they cost.
    pub cost: Cost,
    /// The least objective that any of them met.
    pub least: Option<f64>,
    /// The best of their answers.
    pub best: Option<Settled>,
    /// What is still to be noted of them, with the next iteration.
    pub note: Option<String>,
}
