//! `resume`: go on from a checkpoint.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::run::{announce, conclude, job};
use super::{Failure, Voice};
use crate::exit::Exit;
use crate::run::{Harness, HarnessError, Judge};
use crate::scenario;

/// What of `manifest.json` a resumed run needs.
#[derive(Debug, Deserialize)]
struct Manifest {
    scenario: PathBuf,
    overrides: Vec<String>,
}

/// Resumes the run in `folder`: its own copy of the scenario, in the place of the original.
pub(super) fn resume(folder: &Path, limits: &[String], voice: Voice) -> Result<Exit, Failure> {
    let read = |name: &str| {
        let path = folder.join(name);
        fs::read_to_string(&path).map_err(|source| HarnessError::Io { path, source })
    };
    let manifest: Manifest = serde_json::from_str(&read("manifest.json")?)
        .map_err(|e| HarnessError::json(&folder.join("manifest.json"), e))?;
    let overrides: Vec<String> = manifest.overrides.iter().chain(limits).cloned().collect();
    let text = read("scenario.toml")?;
    let loaded = scenario::load_text(&manifest.scenario, &text, &overrides)?;
    let job = job(&loaded, &manifest.scenario, &overrides, voice);
    announce(&loaded, voice);
    let prepared = loaded.scenario.prepare().map_err(Failure::Numerical)?;
    let space = loaded.scenario.space();
    let judge: &dyn Judge = prepared.as_ref();
    let harness = Harness::resume(prepared.objective(), &space, &job, judge, folder)?;
    conclude(&harness.finish()?, voice)
}
