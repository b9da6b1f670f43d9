//! `run`: from a scenario to a report.

use std::fmt::Write as _;
use std::path::Path;

use super::{Failure, Voice};
use crate::args::Input;
use crate::exit::Exit;
use crate::run::{self, Harness, Job, Summary};
use crate::scenario::{self, Loaded};

/// Runs a scenario.
pub(super) fn run(
    input: &Input,
    out: Option<&Path>,
    force: bool,
    voice: Voice,
) -> Result<Exit, Failure> {
    let overrides = input.changes.overrides();
    let loaded = scenario::load(&input.scenario, &overrides)?;
    let mut job = job(&loaded, &input.scenario, &overrides, voice);
    job.folder = out.map(Path::to_path_buf);
    job.force = force;
    announce(&loaded, voice);
    let prepared = loaded.scenario.prepare().map_err(Failure::Numerical)?;
    let space = loaded.scenario.space();
    let judge: &dyn run::Judge = prepared.as_ref();
    let harness = Harness::start(prepared.objective(), &space, &job, judge)?;
    voice.tell(&format!("run folder {}", harness.folder().display()));
    let summary = harness.finish()?;
    conclude(&summary, voice)
}

/// The job that a scenario asks for.
pub(super) fn job(loaded: &Loaded, path: &Path, overrides: &[String], voice: Voice) -> Job {
    let settings = &loaded.settings;
    let path = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    Job {
        name: settings.text("scenario.name").into(),
        folder: None,
        force: false,
        method: loaded.method.clone(),
        stop: loaded.stop,
        start: loaded.scenario.start(loaded.seed),
        seed: loaded.seed,
        input: Some(run::Input {
            path,
            given: settings.source().text.to_string(),
            overrides: overrides.to_vec(),
            resolved: settings.resolved(),
            files: settings.files(),
        }),
        progress: voice.progress(),
    }
}

/// Says what is about to be computed.
pub(super) fn announce(loaded: &Loaded, voice: Voice) {
    let method = loaded.method.info().name;
    voice.tell(&format!("{}: {}", loaded.settings.text("scenario.name"), loaded.domain.summary()));
    voice.tell(&format!("{method} from seed {}; {}", loaded.seed, loaded.scenario.cost()));
}

/// Says how it ended.
pub(super) fn conclude(summary: &Summary, voice: Voice) -> Result<Exit, Failure> {
    let exit = match summary.signal {
        0 if summary.failed => Exit::Numerical,
        0 if summary.goal_met => Exit::Done,
        0 => Exit::GoalNotMet,
        2 => Exit::Interrupted,
        _ => Exit::Terminated,
    };
    let mut text = String::new();
    let folder = summary.run_dir.display();
    if summary.signal != 0 {
        let _ = writeln!(text, "interrupted; go on with: cotangent resume {folder}");
    } else {
        let Summary { objective_initial, objective_final, .. } = summary;
        let _ = writeln!(
            text,
            "{} after {} iterations, {} evaluations, {:.1} s: objective {objective_initial:.6e} -> {objective_final:.6e}",
            summary.status, summary.iterations, summary.evaluations, summary.wall_s
        );
        for c in &summary.criteria {
            let mark = if c.met { "met" } else { "NOT MET" };
            let _ = writeln!(text, "  {mark}: {}: {} (must: {})", c.what, c.measured, c.must);
        }
        for warning in &summary.warnings {
            let _ = writeln!(text, "  warning: {warning}");
        }
        let verdict = if summary.goal_met { "goal met" } else { "goal not met" };
        let _ = writeln!(text, "{verdict}; report: {folder}/report.html");
        if !summary.goal_met && !summary.advice.is_empty() {
            let _ = writeln!(text, "advice: {}", summary.advice);
        }
    }
    voice.tell(text.trim_end());
    if voice.json() {
        let value = serde_json::to_value(summary).map_err(|e| Failure::Output(e.into()))?;
        voice.data("", &value)?;
    }
    Ok(exit)
}
