//! What a finished run leaves behind, as data.

use std::fs;
use std::path::{Path, PathBuf};

use cotangent_problem::Finding;
use serde::{Deserialize, Serialize};

use crate::folder::{ANSWER, Folder};
use crate::gradcheck::StartCheck;
use crate::{Criterion, HarnessError, Manifest};
use cotangent_answer::Figure;

/// Something to know that came up during a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// Iteration at which it was noted.
    pub iteration: usize,
    /// What it is.
    pub text: String,
}

/// The result of a run, as it stands in `result.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Name of the scenario.
    pub scenario: String,
    /// What was asked, in a sentence.
    pub asked: String,
    /// The optimizer.
    pub method: String,
    /// How the optimizer ended.
    pub status: String,
    /// What to do about it; empty where all is well.
    pub advice: String,
    /// Whether the goal was met.
    pub goal_met: bool,
    /// The goal, statement by statement.
    pub criteria: Vec<Criterion>,
    /// The goal as numbers, where a simulation's goals were judged.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
    /// The constraints with their multipliers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub constraints: Vec<Held>,
    /// What makes the answer doubtful though it was found, each with a remedy.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// What the check of the gradient at the start said.
    pub start_check: StartCheck,
    /// Things to know that came up during the run.
    pub notes: Vec<Note>,
    /// Value at the start.
    pub objective_initial: f64,
    /// Value at the answer.
    pub objective_final: f64,
    /// Score of the answer, where a score chose it.
    pub score: Option<f64>,
    /// Iteration that the answer is from.
    pub answer_iteration: usize,
    /// Searches made: more than one where the run restarts.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub searches: usize,
    /// Iterations made, of all searches; the start of each but the first counts as one.
    pub iterations: usize,
    /// Calls of the objective.
    pub evaluations: u64,
    /// Calls with derivatives.
    pub gradient_evaluations: u64,
    /// Calls that failed.
    pub failures: u64,
    /// Wall time in seconds, of all parts of a resumed run.
    pub wall_s: f64,
    /// The run folder; `.` in `result.json`, which stands in it.
    #[serde(serialize_with = "as_text")]
    pub run_dir: PathBuf,
    /// A signal that stopped the run, 0 for none.
    #[serde(skip)]
    pub signal: i32,
    /// Whether it ended in a numerical failure.
    #[serde(skip)]
    pub failed: bool,
}

fn one() -> usize {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
fn is_one(n: &usize) -> bool {
    *n == 1
}

/// A constraint at the answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Held {
    /// Name.
    pub name: String,
    /// Unit; empty for a pure number.
    pub unit: String,
    /// Least value; `None` for none.
    pub lower: Option<f64>,
    /// Greatest value; `None` for none.
    pub upper: Option<f64>,
    /// Value at the answer.
    pub value: f64,
    /// By how much the least objective falls for each unit by which the limit that holds is raised, to first order; 0 where none holds.
    pub multiplier: f64,
}

impl Held {
    /// What it must be, in words and in its unit.
    pub fn interval(&self) -> String {
        let unit = if self.unit.is_empty() { String::new() } else { format!(" {}", self.unit) };
        match (self.lower, self.upper) {
            (Some(lower), Some(upper)) if lower < upper => {
                format!("from {lower} to {upper}{unit}")
            }
            (Some(value), Some(_)) => format!("{value}{unit}"),
            (Some(lower), None) => format!("at least {lower}{unit}"),
            (None, Some(upper)) => format!("at most {upper}{unit}"),
            (None, None) => "anything".into(),
        }
    }
}

/// A parameter of the answer, as it stands in `artifacts/answer.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// Name.
    pub name: String,
    /// Unit; empty for a pure number.
    pub unit: String,
    /// Shape; empty for a scalar.
    pub shape: Vec<usize>,
    /// Values at the start, row-major, in the unit.
    pub start: Vec<f64>,
    /// Values that were found.
    pub value: Vec<f64>,
    /// Least value of each entry; `None` for none.
    pub lower: Vec<Option<f64>>,
    /// Greatest value of each entry; `None` for none.
    pub upper: Vec<Option<f64>>,
    /// Standard errors of the values, where there are any; `None` for an entry on its bound, or one that the data do not determine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standard_error: Option<Vec<Option<f64>>>,
}

/// `artifacts/answer.json`.
#[derive(Serialize, Deserialize)]
struct Answer {
    parameters: Vec<Found>,
}

/// A finished run, enough to report it.
#[derive(Clone, Debug)]
pub struct Record {
    /// `result.json`.
    pub summary: Summary,
    /// `artifacts/answer.json`: the parameters of the answer.
    pub found: Vec<Found>,
    /// `artifacts/figures.json`.
    pub figures: Vec<Figure>,
    /// `resolved.toml`.
    pub resolved: String,
    /// `manifest.json`.
    pub manifest: Manifest,
}

impl Record {
    /// Reads the record of a finished run.
    ///
    /// # Errors
    /// [`HarnessError::Unfinished`] of a run without an answer, [`HarnessError::NoRun`], [`HarnessError::Io`].
    pub fn read(folder: &Path) -> Result<Self, HarnessError> {
        let text = |name: &str| {
            let path = folder.join(name);
            fs::read_to_string(&path).map_err(|source| HarnessError::Io { path, source })
        };
        let wrong = |name: &str, e| HarnessError::json(&folder.join(name), e);
        let (result, figures) = ("result.json", "artifacts/figures.json");
        let manifest = Manifest::of(folder)?;
        if !folder.join(result).exists() {
            return Err(HarnessError::Unfinished(folder.into()));
        }
        let summary: Summary =
            serde_json::from_str(&text(result)?).map_err(|e| wrong(result, e))?;
        Ok(Self {
            // wherever the folder has been moved to
            summary: Summary { run_dir: folder.into(), ..summary },
            found: Self::answer(folder)?,
            figures: serde_json::from_str(&text(figures)?).map_err(|e| wrong(figures, e))?,
            resolved: text("resolved.toml")?,
            manifest,
        })
    }

    /// The parameters of a finished run's answer.
    ///
    /// # Errors
    /// A file that is not there or not readable.
    pub fn answer(folder: &Path) -> Result<Vec<Found>, HarnessError> {
        let path = folder.join(ANSWER);
        let io = |source| HarnessError::Io { path: path.clone(), source };
        let text = fs::read_to_string(&path).map_err(io)?;
        let answer: Answer =
            serde_json::from_str(&text).map_err(|e| HarnessError::json(&path, e))?;
        Ok(answer.parameters)
    }

    /// Writes files that are made of a record, such as pictures and a page, into its folder and counts them among the run's.
    ///
    /// # Errors
    /// There is no run; another process works in it; a file that cannot be written.
    pub fn add_files(folder: &Path, files: &[(String, Vec<u8>)]) -> Result<(), HarnessError> {
        Folder::open(folder)?.write(files)
    }

    /// The files that it consists of, `result.json` last: a run is complete where that is there.
    pub(crate) fn files(&self) -> Result<Vec<(String, Vec<u8>)>, HarnessError> {
        let figures = "artifacts/figures.json";
        let drawn = serde_json::to_vec(&self.figures)
            .map_err(|e| HarnessError::json(Path::new(figures), e))?;
        // the folder may be moved
        let summary = Summary { run_dir: PathBuf::from("."), ..self.summary.clone() };
        let result = serde_json::to_string_pretty(&summary)
            .map_err(|e| HarnessError::json(Path::new("result.json"), e))?;
        Ok(vec![(figures.into(), drawn), ("result.json".into(), (result + "\n").into_bytes())])
    }
}

/// The file of the answer's parameters.
pub(crate) fn answer_file(found: &[Found]) -> Result<(String, Vec<u8>), HarnessError> {
    let text = serde_json::to_string_pretty(&Answer { parameters: found.to_vec() })
        .map_err(|e| HarnessError::json(Path::new(ANSWER), e))?;
    Ok((ANSWER.into(), (text + "\n").into_bytes()))
}

/// Paths as text: JSON has no bytes that are not UTF-8, and such a path is shown, not gone back to.
fn as_text<S: serde::Serializer>(path: &Path, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&path.to_string_lossy())
}
