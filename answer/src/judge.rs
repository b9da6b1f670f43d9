//! What is asked of an objective's owner during and after a search.

use cotangent_problem::{Constraints, Finding};
use serde::{Deserialize, Serialize};

use crate::Figure;

/// A statement about a finished run, with the number that was found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Criterion {
    /// What was asked.
    pub what: String,
    /// What it must be.
    pub must: String,
    /// What it is.
    pub measured: String,
    /// Whether it is met; `None` for what is reported and not judged.
    pub met: Option<bool>,
}

/// A score by which the answer is chosen among the iterates, least first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Score {
    /// What it measures.
    pub name: &'static str,
    /// Its unit.
    pub unit: &'static str,
    /// Its value; infinite where the point has none.
    pub value: f64,
}

/// A run that is over: its two ends, in physical units.
#[derive(Clone, Copy, Debug)]
pub struct Finished<'a> {
    /// Parameters at the start.
    pub start: &'a [f64],
    /// Objective at the start.
    pub start_value: f64,
    /// Parameters of the answer.
    pub answer: &'a [f64],
    /// Objective of the answer.
    pub answer_value: f64,
}

/// What the owner says of a finished run.
#[derive(Clone, Debug, Default)]
pub struct Conclusion {
    /// The goal, statement by statement; where there is none, the goal is that the optimizer succeeds.
    pub criteria: Vec<Criterion>,
    /// The same as numbers, where a simulation's goals were judged.
    pub findings: Vec<Finding>,
    /// Standard error of each number of the answer, where they can be had.
    pub standard_errors: Option<Vec<Option<f64>>>,
    /// What makes the answer doubtful though it was found, each with a remedy.
    pub warnings: Vec<String>,
    /// Pictures.
    pub figures: Vec<Figure>,
    /// Files for `artifacts/`: name and content.
    pub artifacts: Vec<(String, Vec<u8>)>,
}

/// What the answer must satisfy besides its bounds.
#[derive(Clone, Copy)]
pub struct Limits<'a> {
    /// The constraints.
    pub constraints: &'a dyn Constraints,
    /// The unit of each.
    pub units: &'a [String],
}

impl std::fmt::Debug for Limits<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Limits").field("units", &self.units).finish_non_exhaustive()
    }
}

/// The owner of an objective, asked during and after a run.
pub trait Judge {
    /// Constraints, where there are any: the optimizer then searches within the method of multipliers. Always the same.
    fn limits(&self) -> Option<Limits<'_>> {
        None
    }

    /// A score that chooses among the iterates, where it is not the objective itself. Called once an iteration.
    fn score(&self, x: &[f64]) -> Option<Score> {
        let _ = x;
        None
    }

    /// Judges and draws the answer.
    ///
    /// # Errors
    /// A message for people.
    fn conclude(&self, run: &Finished) -> Result<Conclusion, String> {
        let _ = run;
        Ok(Conclusion::default())
    }
}

/// A judge with nothing to say.
#[derive(Clone, Copy, Debug, Default)]
pub struct Indifferent;

impl Judge for Indifferent {}
