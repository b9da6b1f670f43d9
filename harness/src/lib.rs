//! The harness: anyone's objective from its start to a run folder with history, checkpoints and a record of the answer, and the
//! check of its gradient. It knows no terminal, no flags and no drawing; who calls it shows progress by [`Progress`] and draws
//! the [`Record`].
//!
//! ```
//! use cotangent_ad::Num;
//! use cotangent_harness::{Job, run};
//! use cotangent_problem::{
//!     Capabilities, Evaluation, Objective, Parameter, SampleKey, Space, TrialFailure, Want, Workspace,
//! };
//!
//! /// `x^2 + (y - 1)^4`, least at (0, 1).
//! struct Mine;
//! impl Objective for Mine {
//!     fn dim(&self) -> usize {
//!         2
//!     }
//!     fn capabilities(&self) -> Capabilities {
//!         Capabilities { gradient: true, ..Default::default() }
//!     }
//!     fn evaluate(&self, x: &[f64], _: Want, _: SampleKey, _: &mut Workspace) -> Result<Evaluation, TrialFailure> {
//!         let (value, gradient) = cotangent_ad::value_and_grad(|x| x[0] * x[0] + (x[1] - 1.0).powi(4), x);
//!         Ok(Evaluation { value, gradient: Some(gradient), ..Default::default() })
//!     }
//! }
//!
//! # let place = tempfile::TempDir::new().unwrap();
//! # let folder = place.path().join("mine");
//! let space = Space::new(vec![Parameter::vector("x", 2)]).unwrap();
//! let job = Job { folder: Some(folder), ..Job::new("mine", &[1.0, 2.0]) };
//! let record = run(&Mine, &space, &job, &mut ()).unwrap();
//! assert!(record.summary.objective_initial == 2.0 && record.summary.objective_final < 1e-9);
//! let answer = &record.found[0].value;
//! assert!(answer[0].abs() < 1e-4 && (answer[1] - 1.0).abs() < 1e-2);
//! assert!(record.summary.run_dir.join("history.csv").exists());
//! ```

#![cfg_attr(
    test,
    allow(
        clippy::float_cmp,
        clippy::unwrap_used,
        reason = "tests compare exact bits where bits must be exact, and may panic"
    )
)]

pub mod answer;
pub mod checkpoint;
pub mod folder;
pub mod gradcheck;
pub mod history;
mod history_figures;
mod input;
mod manifest;
pub mod name;
mod progress;
mod record;
mod restarts;
mod search;
mod session;
pub mod signals;
pub mod simd;
pub mod whole_file;

use std::path::{Path, PathBuf};

use cotangent_optim::{Method, Stop};
use cotangent_problem::{Objective, Space};
use thiserror::Error;

pub use cotangent_answer::{Conclusion, Criterion, Finished, Indifferent, Judge, Limits, Score};
pub use history_figures::history_figures;
pub use input::{Input, InputFile};
pub use manifest::Manifest;
pub use name::{NameError, check_name};
pub use progress::{Progress, Stage};
pub use record::{Found, Held, Note, Record, Summary};
pub use restarts::{Restarts, Start};
pub use search::Search;
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
    /// Further searches from other starts; none unless said.
    pub restarts: Restarts,
    /// What is asked, in a sentence; empty where nobody says.
    pub asked: String,
    /// The command that was typed; empty where the run is started from a program.
    pub command: String,
    /// The scenario, where there is one.
    pub input: Option<Input>,
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
            restarts: Restarts::default(),
            asked: String::new(),
            command: String::new(),
            input: None,
        }
    }
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
    /// The name is no folder's.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The folder holds files, and no run: it is somebody's.
    #[error("{0} holds files that are not a run's; choose a new folder with --out")]
    NotARun(PathBuf),
    /// There is no run in the folder.
    #[error("{0} is not the folder of a run: it has no `manifest.json` of one")]
    NoRun(PathBuf),
    /// The run in the folder has no answer yet.
    #[error("the run in {0} has not finished: it has no answer yet")]
    Unfinished(PathBuf),
    /// Another process works in the run folder.
    #[error("another process is working in {0}; wait for it, or stop it")]
    InUse(PathBuf),
    /// The run folder is taken.
    #[error("{0} exists already; choose another with --out, or overwrite it with --force")]
    Exists(PathBuf),
    /// The optimizer cannot start.
    #[error(transparent)]
    Start(#[from] cotangent_optim::StartError),
    /// The constraints cannot be kept.
    #[error(transparent)]
    Constraints(cotangent_optim::ConstrainedStartError),
    /// A checkpoint is of something else.
    #[error("the checkpoint in {folder} cannot be resumed: {why}")]
    Checkpoint {
        /// The run folder.
        folder: PathBuf,
        /// What differs.
        why: String,
    },
    /// The domain could not judge the answer.
    #[error("judging the answer: {0}")]
    Conclude(String),
}

impl HarnessError {
    /// A file that is not the JSON it should be.
    pub fn json(path: &Path, error: serde_json::Error) -> Self {
        Self::Io { path: path.into(), source: error.into() }
    }
}

/// Runs a job on anyone's objective, from its start to its record; `&mut ()` shows no progress.
///
/// # Errors
/// [`HarnessError`].
pub fn run(
    objective: &dyn Objective,
    space: &Space,
    job: &Job,
    progress: &mut dyn Progress,
) -> Result<Record, HarnessError> {
    Harness::start(objective, space, job, &Indifferent, progress)?.finish(progress)
}
