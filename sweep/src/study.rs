//! The folder of a sweep: which points it has, where each stands, and running one.
//!
//! ```text
//! FOLDER/sweep.toml           the plan
//! FOLDER/sweep.json           its points, with their addresses
//! FOLDER/points/ADDRESS/      the run folder of a point
//! FOLDER/failures/ADDRESS.txt why a point could not be run
//! ```

use std::fs;
use std::path::{Path, PathBuf};

use cotangent_harness::folder::clear;
use cotangent_harness::whole_file::write_whole;
use cotangent_harness::{Harness, HarnessError, Job, Judge, Manifest, Summary};
use cotangent_scenarios::diagnostic::Diagnostic;
use cotangent_scenarios::{Loaded, load};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::plan::Plan;

/// Marks an index as one of ours.
const PROGRAM: &str = "cotangent sweep";
const INDEX: &str = "sweep.json";

/// Why a sweep could not go on.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SweepError {
    /// Something is wrong with the plan, or with the scenario at one of its points.
    #[error("the scenario cannot be loaded{}", .0.first().map(|d| format!(": {d}")).unwrap_or_default())]
    Input(Vec<Diagnostic>),
    /// A file or a run.
    #[error(transparent)]
    Harness(#[from] HarnessError),
    /// The folder is somebody else's.
    #[error("{0} is not the folder of this sweep; choose another with --out")]
    Foreign(PathBuf),
    /// There is no sweep in the folder.
    #[error("{0} is not the folder of a sweep: it has no `sweep.json` of one")]
    NoSweep(PathBuf),
    /// The scenario, or a file that it names, is no longer what was planned.
    #[error(
        "{scenario} or a file that it names has changed since the sweep was planned; plan it anew with `cotangent sweep`"
    )]
    Changed {
        /// The scenario.
        scenario: PathBuf,
    },
    /// A signal stopped the point at hand, which has its checkpoint.
    #[error("interrupted; the same command goes on")]
    Interrupted,
    /// There is no such point.
    #[error("the sweep has {count} points, and none of number {point}")]
    NoPoint {
        /// What was asked for.
        point: usize,
        /// How many there are.
        count: usize,
    },
}

/// Name of a point's run folder: the first 16 digits of the hash of everything that determines its run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Address(String);

impl Address {
    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A point of the index.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) address: Address,
    /// Keys that are varied, with their values in TOML.
    pub(crate) settings: Vec<(String, String)>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Index {
    program: String,
    name: String,
    scenario: PathBuf,
    points: Vec<Entry>,
}

/// Where a point stands.
#[derive(Clone, Debug, PartialEq)]
pub enum State {
    /// Nothing was done.
    Waiting,
    /// It was begun, and goes on from its checkpoint.
    Started,
    /// It is finished.
    Done {
        /// Whether its goal was met.
        goal_met: bool,
    },
    /// It has no answer, and why.
    Failed(String),
}

/// The folder of a sweep.
#[derive(Clone, Debug)]
pub struct Study {
    folder: PathBuf,
    index: Index,
}

impl Study {
    /// Makes the folder of a sweep, or brings that of an earlier plan of the same name up to date: every point is loaded and
    /// addressed before anything runs. What was computed stays.
    ///
    /// # Errors
    /// [`SweepError`]; nothing is written where a point does not load.
    pub fn plan(plan: &Plan, folder: &Path) -> Result<Self, SweepError> {
        // another process may be about to name the index of the same plan
        let begun = format!("{INDEX}.");
        let is_other = |name: std::ffi::OsString| !name.to_string_lossy().starts_with(&begun);
        let occupied = fs::read_dir(folder)
            .is_ok_and(|entries| entries.flatten().any(|entry| is_other(entry.file_name())));
        match Self::open(folder) {
            Ok(earlier) if earlier.index.name != plan.name => {
                return Err(SweepError::Foreign(folder.into()));
            }
            Err(_) if occupied => return Err(SweepError::Foreign(folder.into())),
            _ => {}
        }
        let (scenario, points) = addressed(plan)?;
        let index = Index { program: PROGRAM.into(), name: plan.name.clone(), scenario, points };
        let path = folder.join(INDEX);
        let text =
            serde_json::to_string_pretty(&index).map_err(|e| HarnessError::json(&path, e))?;
        // the index first: by it the folder is known
        write_whole(&path, text.as_bytes())?;
        write_whole(&folder.join("sweep.toml"), plan.text.as_bytes())?;
        Ok(Self { folder: folder.into(), index })
    }

    /// Loads the scenario at every point of a plan, and writes nothing.
    ///
    /// # Errors
    /// [`SweepError::Input`]: the first point that does not load.
    pub fn check(plan: &Plan) -> Result<(), SweepError> {
        addressed(plan).map(|_| ())
    }

    /// Opens the folder of a sweep.
    ///
    /// # Errors
    /// [`SweepError::NoSweep`].
    pub fn open(folder: &Path) -> Result<Self, SweepError> {
        let none = || SweepError::NoSweep(folder.into());
        let text = fs::read_to_string(folder.join(INDEX)).map_err(|_| none())?;
        let index: Index = serde_json::from_str(&text).map_err(|_| none())?;
        if index.program == PROGRAM {
            Ok(Self { folder: folder.into(), index })
        } else {
            Err(none())
        }
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.index.name
    }

    /// The scenario of which it is a sweep.
    pub fn scenario(&self) -> &Path {
        &self.index.scenario
    }

    /// Number of points.
    pub fn len(&self) -> usize {
        self.index.points.len()
    }

    /// Whether it has no points.
    pub fn is_empty(&self) -> bool {
        self.index.points.is_empty()
    }

    pub(crate) fn entries(&self) -> &[Entry] {
        &self.index.points
    }

    fn entry(&self, point: usize) -> Result<&Entry, SweepError> {
        let count = self.len();
        self.index.points.get(point).ok_or(SweepError::NoPoint { point, count })
    }

    /// The run folder of a point.
    pub(crate) fn run_folder(&self, address: &Address) -> PathBuf {
        self.folder.join("points").join(address.as_str())
    }

    fn failure(&self, address: &Address) -> PathBuf {
        self.folder.join("failures").join(format!("{}.txt", address.as_str()))
    }

    /// Where a point stands.
    ///
    /// # Errors
    /// [`SweepError::NoPoint`].
    pub fn state(&self, point: usize) -> Result<State, SweepError> {
        let address = &self.entry(point)?.address;
        let run = self.run_folder(address);
        if let Some(summary) = summary(&run) {
            return Ok(if summary.status == "failed" {
                State::Failed(summary.advice)
            } else {
                State::Done { goal_met: summary.goal_met }
            });
        }
        if let Ok(why) = fs::read_to_string(self.failure(address)) {
            return Ok(State::Failed(why));
        }
        let begun = run.join("manifest.json").exists();
        Ok(if begun { State::Started } else { State::Waiting })
    }

    /// The points that are not finished, each address once; with `failed` those too that have no answer.
    ///
    /// # Errors
    /// [`SweepError`].
    pub fn open_points(&self, failed: bool) -> Result<Vec<usize>, SweepError> {
        let mut seen = std::collections::BTreeSet::new();
        let mut open = Vec::new();
        for (k, entry) in self.index.points.iter().enumerate() {
            let wanted = match self.state(k)? {
                State::Waiting | State::Started => true,
                State::Failed(_) => failed,
                State::Done { .. } => false,
            };
            if wanted && seen.insert(&entry.address) {
                open.push(k);
            }
        }
        Ok(open)
    }

    /// Notes that a point is not to be tried again unless the failed are asked for, and why.
    ///
    /// # Errors
    /// [`SweepError`].
    pub fn give_up(&self, point: usize, why: &str) -> Result<(), SweepError> {
        Ok(write_whole(&self.failure(&self.entry(point)?.address), why.as_bytes())?)
    }

    /// Runs a point: from its start, from its checkpoint, or not at all where it is finished; with `failed` also where it has no
    /// answer. It writes no pictures.
    ///
    /// # Errors
    /// The sweep is not to go on: the scenario has changed. That the point has no answer is a [`State::Failed`], and remembered.
    pub fn run(&self, point: usize, failed: bool) -> Result<State, SweepError> {
        let state = self.state(point)?;
        if matches!(state, State::Done { .. }) || (matches!(state, State::Failed(_)) && !failed) {
            return Ok(state);
        }
        let entry = self.entry(point)?;
        // a run that ended without an answer is made anew; one that could not end goes on
        let again = summary(&self.run_folder(&entry.address)).is_some();
        let overrides: Vec<String> =
            entry.settings.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let (loaded, mut job) = loaded(&self.index.scenario, &overrides)?;
        if address(&job) != entry.address {
            return Err(SweepError::Changed { scenario: self.index.scenario.clone() });
        }
        let (folder, failure) = (self.run_folder(&entry.address), self.failure(&entry.address));
        let _ = fs::remove_file(&failure);
        job.folder = Some(folder.clone());
        job.force = again;
        match carry_out(&loaded, &job, &folder) {
            Ok(0) => self.state(point),
            Ok(_) => Err(SweepError::Interrupted),
            // another process is at it
            Err(Failure::Run(HarnessError::InUse(_))) => Ok(State::Started),
            Err(Failure::Run(error @ HarnessError::Io { .. })) => Err(error.into()),
            Err(failed) => {
                let why = match failed {
                    Failure::Prepare(why) => why,
                    Failure::Run(error) => error.to_string(),
                };
                write_whole(&failure, why.as_bytes())?;
                Ok(State::Failed(why))
            }
        }
    }
}

/// The result of a finished run.
pub(crate) fn summary(run: &Path) -> Option<Summary> {
    serde_json::from_str(&fs::read_to_string(run.join("result.json")).ok()?).ok()
}

/// The scenario of a plan, by its whole path, and its points with their addresses.
fn addressed(plan: &Plan) -> Result<(PathBuf, Vec<Entry>), SweepError> {
    let io = |source| HarnessError::Io { path: plan.scenario.clone(), source };
    let scenario = std::path::absolute(&plan.scenario).map_err(io)?;
    let mut points = Vec::with_capacity(plan.points.len());
    for point in &plan.points {
        let (_, job) = loaded(&scenario, &point.overrides())?;
        points.push(Entry { address: address(&job), settings: point.settings.clone() });
    }
    Ok((scenario, points))
}

fn loaded(scenario: &Path, overrides: &[String]) -> Result<(Loaded, Job), SweepError> {
    let loaded = load(scenario, overrides).map_err(SweepError::Input)?;
    let job = loaded.job(overrides)?;
    Ok((loaded, job))
}

fn address(job: &Job) -> Address {
    let whole = job.input.as_ref().map(cotangent_harness::Input::address).unwrap_or_default();
    Address(whole.chars().take(16).collect())
}

/// Why a point has no answer.
enum Failure {
    Prepare(String),
    Run(HarnessError),
}

/// Carries a run out, from its checkpoint where there is one. What a power failure has left of a run that was too short to be kept
/// safe from it, files that are empty or older than those beside them, is made anew. Returns the signal that stopped it, 0 for none.
fn carry_out(loaded: &Loaded, job: &Job, folder: &Path) -> Result<i32, Failure> {
    let prepared = loaded.scenario.prepare().map_err(Failure::Prepare)?;
    let space = loaded.scenario.space();
    let (objective, judge): (_, &dyn Judge) = (prepared.objective(), prepared.as_ref());
    let start = |job| Harness::start(objective, &space, job, judge, &mut ());
    let begun = Manifest::read(folder).map_err(Failure::Run)?.is_some();
    let anew = Job { force: true, ..job.clone() };
    let harness = if !begun {
        // whose its files are is known by its place in the sweep
        clear(folder).map_err(Failure::Run)?;
        start(job)
    } else if job.force {
        start(job)
    } else {
        match Harness::resume(objective, &space, job, judge, folder, &mut ()) {
            Err(HarnessError::Checkpoint { .. }) => start(&anew),
            harness => harness,
        }
    };
    harness.and_then(|h| h.finish(&mut ())).map(|r| r.summary.signal).map_err(Failure::Run)
}
