//! `resume`: go on from a checkpoint.

use std::path::Path;

use super::run::{announce, conclude, typed};
use super::{Failure, Voice};
use crate::exit::Exit;
use crate::run::{Harness, HarnessError, Judge, Manifest};
use cotangent_scenarios as scenario;

/// Resumes the run in `folder` by what is in it alone: its settings, which name its own copies of the input files.
pub(super) fn resume(folder: &Path, limits: &[String], voice: Voice) -> Result<Exit, Failure> {
    let read = |name: &str| {
        let path = folder.join(name);
        std::fs::read_to_string(&path).map_err(|source| HarnessError::Io { path, source })
    };
    let manifest = Manifest::of(folder)?;
    let resolved = read("resolved.toml")?;
    let loaded = scenario::load_text(&folder.join("resolved.toml"), &resolved, limits)?;
    let mut overrides = manifest.overrides;
    overrides.retain(|earlier| !limits.contains(earlier));
    overrides.extend_from_slice(limits);
    let mut job = loaded.job_given(read("scenario.toml")?, &overrides)?;
    job.command = typed();
    announce(&loaded, voice);
    let prepared = loaded.scenario.prepare().map_err(Failure::Numerical)?;
    let space = loaded.scenario.space();
    let judge: &dyn Judge = prepared.as_ref();
    let mut progress = voice.progress();
    let objective = prepared.objective();
    let harness = Harness::resume(objective, &space, &job, judge, folder, &mut progress)?;
    conclude(&harness.finish(&mut progress)?, voice)
}
