//! Checkpoints: the whole state of a run between two iterations.

use std::fs;
use std::path::{Path, PathBuf};

use cotangent_optim::Run;
use serde::{Deserialize, Serialize};

use super::folder::{input_hash, lasting, write_whole};
use super::{HarnessError, Input};

/// Version of the program that a checkpoint is of.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// SIMD level that numbers were computed on. There is one so far: the portable baseline.
pub const SIMD: &str = "baseline";

/// The answer so far.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Answer {
    /// Iteration that it is from.
    pub iteration: usize,
    /// Parameters in physical units.
    pub x: Vec<f64>,
    /// Objective.
    pub value: f64,
    /// What it was chosen by: the score, or the objective.
    pub rank: f64,
    /// Whether a score chose it.
    pub scored: bool,
}

/// A checkpoint: of a borrowed run while it is written, of an owned one when it is read.
#[derive(Debug, Serialize, Deserialize)]
pub struct Checkpoint<R = Run> {
    /// [`VERSION`] of the program that wrote it.
    pub version: String,
    /// [`SIMD`] level.
    pub simd: String,
    /// Hash of the scenario.
    pub input: String,
    /// The optimizer's state.
    pub run: R,
    /// Value at the start.
    pub initial: f64,
    /// The answer so far.
    pub answer: Option<Answer>,
    /// Rows of the history.
    pub rows: usize,
    /// Wall time so far.
    pub wall_s: f64,
}

/// Where it stands in a run folder.
pub fn path(folder: &Path) -> PathBuf {
    folder.join("checkpoints").join("latest.json")
}

impl Checkpoint<&Run> {
    /// Writes it whole.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, folder: &Path) -> Result<(), HarnessError> {
        let path = path(folder);
        let json = serde_json::to_vec(self).map_err(|e| HarnessError::json(&path, e))?;
        write_whole(&path, &json)
    }
}

impl Checkpoint {
    /// Reads one and checks that it is of this program, this SIMD level and this input.
    ///
    /// # Errors
    /// It cannot be read, or is of something else: the message says what differs.
    pub fn read(folder: &Path, input: &Input) -> Result<Self, HarnessError> {
        let path = path(folder);
        let text = fs::read_to_string(&path).map_err(|source| HarnessError::Io { path, source })?;
        let refuse = |why: String| HarnessError::Checkpoint { folder: folder.into(), why };
        let unreadable = |e| refuse(format!("it is not a checkpoint of this version: {e}"));
        let found: Self = serde_json::from_str(&text).map_err(unreadable)?;
        if found.version != VERSION {
            return Err(refuse(format!(
                "it was written by version {}, this is {VERSION}",
                found.version
            )));
        }
        if found.simd != SIMD {
            return Err(refuse(format!(
                "it was computed on SIMD level {}, this is {SIMD}",
                found.simd
            )));
        }
        if found.input != input_hash(input) {
            return Err(refuse(differences(folder, input)));
        }
        Ok(found)
    }
}

/// Which settings and files differ from those that the run in `folder` was started with.
fn differences(folder: &Path, input: &Input) -> String {
    let then = fs::read_to_string(folder.join("resolved.toml")).unwrap_or_default();
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let (then, now) = (lines(&then), lines(&input.resolved));
    let gone =
        then.iter().filter(|l| lasting(l) && !now.contains(l)).map(|l| format!("then `{l}`"));
    let new = now.iter().filter(|l| lasting(l) && !then.contains(l)).map(|l| format!("now `{l}`"));
    let mut differ: Vec<String> = gone.chain(new).collect();
    if differ.is_empty() {
        let names: Vec<_> = input.files.iter().map(|f| f.display().to_string()).collect();
        differ.push(format!("one of its files has changed: {}", names.join(", ")));
    }
    format!("its input differs: {}", differ.join("; "))
}
