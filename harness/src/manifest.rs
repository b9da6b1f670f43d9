//! `manifest.json`: what a run is of, when and with what it was made, and which files are its own.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::HarnessError;
use crate::whole_file::{Safe, write_safe};

/// Marks a manifest as one of ours: other programs call their files so, too.
const PROGRAM: &str = "cotangent";

/// What a run is of and which files are its own. Paths are relative to the run folder, so that it may be moved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    program: String,
    /// Name of the scenario.
    pub name: String,
    /// Version of the program.
    pub version: String,
    /// Architecture and SIMD level, as [`level`](crate::simd::level) says.
    pub simd: String,
    /// Threads.
    pub threads: usize,
    /// Seed.
    pub seed: u64,
    /// The command that was typed; empty where the run was started from a program.
    pub command: String,
    /// Hash of the settings, limits aside, and of the input files.
    pub input_hash: String,
    /// Overrides of the scenario's keys, limits that were raised on resuming included.
    pub overrides: Vec<String>,
    /// Copies of the input files, with their SHA-256.
    pub inputs: Vec<(String, String)>,
    /// When it was started, in UTC.
    pub started: String,
    /// When it was resumed.
    pub resumed: Vec<String>,
    /// When its result was written.
    pub finished: Option<String>,
    /// Every file that the run wrote. Where the run is overwritten these go, and no others.
    pub files: Vec<String>,
}

/// The time, in UTC to the second.
pub(crate) fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

impl Manifest {
    pub(crate) fn new(job: &crate::Job, input: &crate::Input) -> Self {
        Self {
            program: PROGRAM.into(),
            name: job.name.clone(),
            version: crate::checkpoint::VERSION.into(),
            simd: crate::simd::level(),
            threads: rayon::current_num_threads(),
            seed: job.seed,
            command: job.command.clone(),
            input_hash: input.hash(),
            overrides: input.overrides.clone(),
            inputs: input.files.iter().map(|f| (f.name.clone(), f.hash())).collect(),
            started: now(),
            resumed: Vec::new(),
            finished: None,
            files: Vec::new(),
        }
    }

    /// The manifest in `folder`; `None` where there is none of ours.
    ///
    /// # Errors
    /// It is there and cannot be read.
    pub fn read(folder: &Path) -> Result<Option<Self>, HarnessError> {
        let path = folder.join("manifest.json");
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e)
                if matches!(
                    e.kind(),
                    ErrorKind::NotFound | ErrorKind::InvalidData | ErrorKind::IsADirectory
                ) =>
            {
                return Ok(None);
            }
            Err(source) => return Err(HarnessError::Io { path, source }),
        };
        Ok(serde_json::from_str(&text).ok().filter(|m: &Self| m.program == PROGRAM))
    }

    /// The manifest of the run in `folder`.
    ///
    /// # Errors
    /// [`HarnessError::NoRun`]; it is there and cannot be read.
    pub fn of(folder: &Path) -> Result<Self, HarnessError> {
        Self::read(folder)?.ok_or_else(|| HarnessError::NoRun(folder.into()))
    }

    pub(crate) fn write(&self, folder: &Path, safe: Safe) -> Result<(), HarnessError> {
        let path = folder.join("manifest.json");
        let text = serde_json::to_string_pretty(self).map_err(|e| HarnessError::json(&path, e))?;
        write_safe(&path, (text + "\n").as_bytes(), safe)
    }
}
