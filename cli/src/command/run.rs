//! `run`: from a scenario to a report.

use std::fmt::Write as _;
use std::path::Path;

use super::{Failure, Voice};
use crate::args::Input;
use crate::exit::Exit;
use crate::export::{self, Export};
use crate::plot::number;
use crate::report;
use crate::run::{self, Harness, Record, Summary};
use cotangent_scenarios::{self as scenario, Loaded};

/// Checks a scenario and where its run would go; nothing is left behind.
pub(super) fn plan(
    input: &Input,
    out: Option<&Path>,
    force: bool,
    voice: Voice,
) -> Result<Exit, Failure> {
    let loaded = scenario::load(&input.scenario, &input.changes.overrides())?;
    let name = loaded.name();
    run::folder::probe(name, out, force)?;
    voice.tell(&match out {
        Some(folder) => format!("the run would go to {}", folder.display()),
        None => format!("the run would go to a new folder in runs/{name}"),
    });
    super::check::check(std::slice::from_ref(&input.scenario), &input.changes, voice)
}

/// Runs a scenario.
pub(super) fn run(
    input: &Input,
    out: Option<&Path>,
    force: bool,
    exports: &[Export],
    voice: Voice,
) -> Result<Exit, Failure> {
    let overrides = input.changes.overrides();
    let loaded = scenario::load(&input.scenario, &overrides)?;
    // before minutes of preparation
    run::folder::probe(loaded.name(), out, force)?;
    exports.iter().try_for_each(|format| export::check(&loaded, *format))?;
    let mut job = loaded.job(&overrides)?;
    job.command = typed();
    job.folder = out.map(Path::to_path_buf);
    job.force = force;
    announce(&loaded, voice);
    let prepared = loaded.scenario.prepare().map_err(Failure::Numerical)?;
    let space = loaded.scenario.space();
    let judge: &dyn run::Judge = prepared.as_ref();
    let mut progress = voice.progress();
    let harness = Harness::start(prepared.objective(), &space, &job, judge, &mut progress)?;
    voice.tell(&format!("run folder {}", harness.folder().display()));
    let record = harness.finish(&mut progress)?;
    let exit = conclude(&record, voice)?;
    if record.summary.signal == 0 && !record.summary.failed {
        let folder = &record.summary.run_dir;
        Record::add_files(folder, &export::export(folder, exports)?)?;
    }
    Ok(exit)
}

/// The command as it was typed, quoted where a shell needs it.
pub(super) fn typed() -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./=:,+@%".contains(c);
    let word = |word: std::ffi::OsString| {
        let word = word.to_string_lossy().into_owned();
        let needs = word.is_empty() || !word.chars().all(plain);
        if needs { format!("'{}'", word.replace('\'', "'\\''")) } else { word }
    };
    let words: Vec<_> = std::env::args_os().skip(1).map(word).collect();
    format!("cotangent {}", words.join(" "))
}

/// Says what is about to be computed.
pub(super) fn announce(loaded: &Loaded, voice: Voice) {
    let method = loaded.method.info().name;
    voice.tell(&format!("{}: {}", loaded.name(), loaded.domain.summary));
    voice.tell(&format!("{method} from seed {}; {}", loaded.seed, loaded.scenario.cost()));
}

/// Says how it ended.
pub(super) fn conclude(record: &Record, voice: Voice) -> Result<Exit, Failure> {
    if record.summary.signal == 0 {
        report::write(record, &record.summary.run_dir)?;
    }
    let summary = &record.summary;
    let exit = match summary.signal {
        0 if summary.failed => Exit::Numerical,
        0 if summary.goal_met => Exit::Done,
        0 => Exit::GoalNotMet,
        1 => Exit::HungUp,
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
            let _ = match c.met {
                Some(true) => {
                    writeln!(text, "  met: {}: {} (must: {})", c.what, c.measured, c.must)
                }
                Some(false) => {
                    writeln!(text, "  NOT MET: {}: {} (must: {})", c.what, c.measured, c.must)
                }
                None => writeln!(text, "  -: {}: {}", c.what, c.measured),
            };
        }
        for c in &summary.constraints {
            let unit = if c.unit.is_empty() { String::new() } else { format!(" {}", c.unit) };
            let _ = writeln!(
                text,
                "  constraint {}: {}{unit} (must: {}), multiplier {}",
                c.name,
                number(c.value),
                c.interval(),
                number(c.multiplier)
            );
        }
        for warning in &summary.warnings {
            let _ = writeln!(text, "  warning: {warning}");
        }
        let judged = summary.criteria.iter().any(|c| c.met.is_some());
        let verdict = match (summary.goal_met, judged) {
            (true, true) => "goal met",
            (false, true) => "goal not met",
            (true, false) => "converged; no goal was stated",
            (false, false) => "not converged; no goal was stated",
        };
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
