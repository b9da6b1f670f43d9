//! The harness: run folder, history, checkpoints, signals, plots and report, for anyone's objective.
//!
//! ```no_run
//! use cotangent_problem::{Capabilities, Evaluation, Objective, SampleKey, TrialFailure, Want, Workspace};
//! use cotangent_cli::run::{Job, run};
//! use cotangent_problem::{Parameter, Space};
//!
//! struct Mine;
//! impl Objective for Mine {
//!     fn dim(&self) -> usize {
//!         2
//!     }
//!     fn capabilities(&self) -> Capabilities {
//!         Capabilities { gradient: true, ..Default::default() }
//!     }
//!     fn evaluate(&self, x: &[f64], _: Want, _: SampleKey, _: &mut Workspace) -> Result<Evaluation, TrialFailure> {
//!         let (value, gradient) = cotangent_ad::value_and_grad(|x| x[0] * x[0] + x[1].powi(4), x);
//!         Ok(Evaluation { value, gradient: Some(gradient), ..Default::default() })
//!     }
//! }
//! # use cotangent_ad::Num;
//! let space = Space::new(vec![Parameter::vector("x", 2)]).unwrap();
//! let summary = run(&Mine, &space, &Job::new("mine", &[1.0, 2.0])).unwrap();
//! println!("{} in {}", summary.objective_final, summary.run_dir.display());
//! ```

pub mod checkpoint;
pub mod folder;
pub mod history;
mod judge;
pub mod progress;
mod session;
pub mod signals;

use std::path::{Path, PathBuf};

use cotangent_optim::{Method, Stop};
use cotangent_problem::Space;
use cotangent_problem::{Finding, Objective};
use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use judge::{Conclusion, Criterion, Finished, Indifferent, Judge, Score};
pub use session::Harness;

/// What to run, and where to put it.
#[derive(Clone, Debug)]
pub struct Job {
    /// Name of the scenario: the folder under `runs/`.
    pub name: String,
    /// The run folder; `runs/NAME/TIME-HASH` where absent.
    pub folder: Option<PathBuf>,
    /// Overwrite an existing run folder.
    pub force: bool,
    /// The optimizer.
    pub method: Method,
    /// When it stops.
    pub stop: Stop,
    /// Where it starts, in physical units.
    pub start: Vec<f64>,
    /// Seed: of CMA-ES, and the sample key of a stochastic objective.
    pub seed: u64,
    /// The scenario file, where there is one.
    pub input: Option<Input>,
    /// Progress on stderr.
    pub progress: progress::Style,
}

/// The scenario that a run came from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Input {
    /// Its path.
    pub path: PathBuf,
    /// Its text.
    pub given: String,
    /// `--set` overrides.
    pub overrides: Vec<String>,
    /// Every setting, defaults included.
    pub resolved: String,
    /// Files that it names.
    pub files: Vec<PathBuf>,
}

impl Job {
    /// A job with L-BFGS-B and default stopping.
    pub fn new(name: &str, start: &[f64]) -> Self {
        Self {
            name: name.into(),
            folder: None,
            force: false,
            method: Method::Lbfgsb(cotangent_optim::LbfgsbOptions::default()),
            stop: Stop::default(),
            start: start.to_vec(),
            seed: 0,
            input: None,
            progress: progress::Style::Lines,
        }
    }
}

/// The result of a run, as it stands in `result.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Name of the scenario.
    pub scenario: String,
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
    /// What makes the answer doubtful though it was found, each with a remedy.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// Value at the start.
    pub objective_initial: f64,
    /// Value at the answer.
    pub objective_final: f64,
    /// Score of the answer, where a score chose it.
    pub score: Option<f64>,
    /// Iteration that the answer is from.
    pub answer_iteration: usize,
    /// Iterations made.
    pub iterations: usize,
    /// Calls of the objective.
    pub evaluations: u64,
    /// Calls with derivatives.
    pub gradient_evaluations: u64,
    /// Calls that failed.
    pub failures: u64,
    /// Wall time in seconds, of all parts of a resumed run.
    pub wall_s: f64,
    /// The run folder.
    pub run_dir: PathBuf,
    /// A signal that stopped the run, 0 for none.
    #[serde(skip)]
    pub signal: i32,
    /// Whether it ended in a numerical failure.
    #[serde(skip)]
    pub failed: bool,
}

/// Why a run could not be carried out.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum HarnessError {
    /// A file or folder.
    #[error("{path}: {source}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The run folder is taken.
    #[error("{0} exists already; choose another with --out, or overwrite it with --force")]
    Exists(PathBuf),
    /// The optimizer cannot start.
    #[error(transparent)]
    Start(#[from] cotangent_optim::StartError),
    /// A checkpoint is of something else.
    #[error("the checkpoint in {folder} cannot be resumed: {why}")]
    Checkpoint {
        /// The run folder.
        folder: PathBuf,
        /// What differs.
        why: String,
    },
    /// A picture could not be drawn.
    #[error("drawing {figure}: {why}")]
    Plot {
        /// Which.
        figure: String,
        /// Why.
        why: String,
    },
    /// The domain could not judge the answer.
    #[error("judging the answer: {0}")]
    Conclude(String),
}

impl HarnessError {
    pub(crate) fn json(path: &Path, error: serde_json::Error) -> Self {
        Self::Io { path: path.into(), source: error.into() }
    }
}

/// Runs a job on anyone's objective, from its start to its report.
///
/// # Errors
/// [`HarnessError`].
pub fn run(objective: &dyn Objective, space: &Space, job: &Job) -> Result<Summary, HarnessError> {
    Harness::start(objective, space, job, &Indifferent)?.finish()
}
