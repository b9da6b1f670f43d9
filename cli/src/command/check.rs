//! `check`: everything that can be known before a run.

use std::fmt::Write as _;
use std::path::PathBuf;

use serde_json::json;

use super::{Failure, Voice, as_text};
use crate::args::Changes;
use crate::exit::Exit;
use cotangent_scenarios as scenario;

/// Checks every file; all problems of all files are reported.
pub(super) fn check(
    scenarios: &[PathBuf],
    changes: &Changes,
    voice: Voice,
) -> Result<Exit, Failure> {
    let mut problems = Vec::new();
    let (mut text, mut found) = (String::new(), Vec::new());
    for path in scenarios {
        match scenario::load(path, &changes.overrides()) {
            Err(mut wrong) => problems.append(&mut wrong),
            Ok(loaded) => {
                let space = loaded.scenario.space();
                let _ = writeln!(
                    text,
                    "{}: ok\n  {} ({}), {} from seed {}, {} parameters in {} blocks\n  {}",
                    path.display(),
                    loaded.name(),
                    loaded.domain.kind,
                    loaded.method.info().name,
                    loaded.seed,
                    space.dim(),
                    space.parameters().len(),
                    loaded.scenario.cost()
                );
                found.push(json!({
                    "scenario": loaded.name(),
                    "file": as_text(path),
                    "kind": loaded.domain.kind,
                    "method": loaded.method.info().name,
                    "seed": loaded.seed,
                    "parameters": space.dim(),
                    "cost": loaded.scenario.cost(),
                }));
            }
        }
    }
    if !problems.is_empty() {
        return Err(problems.into());
    }
    if voice.json() {
        voice.data("", &json!({ "ok": true, "scenarios": found }))?;
    } else {
        voice.tell(text.trim_end());
    }
    Ok(Exit::Done)
}
