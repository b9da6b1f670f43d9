//! `sweep`, `gather` and the worker between them.

use std::fmt::Write as _;
use std::io::{BufReader, stdin, stdout};
use std::path::{Path, PathBuf};
use std::process::Command;

use cotangent_scenarios::diagnostic::Diagnostic;
use cotangent_sweep::local::{self, Event};
use cotangent_sweep::{Batch, HYPERQUEUE_CLIENT, Plan, State, Study, SweepError, Tasks};
use serde_json::json;

use super::{Failure, Voice, as_text};
use crate::args::Engine;
use crate::exit::Exit;
use crate::report::Survey;
use crate::run::signals::Signals;
use crate::run::whole_file::write_whole;

/// What is run, and how.
pub(super) struct Wanted<'a> {
    /// The file of the sweep.
    pub(super) plan: &'a Path,
    /// The folder; `sweeps/NAME` where absent.
    pub(super) out: Option<&'a Path>,
    /// Processes at once; one a processor where absent.
    pub(super) jobs: Option<usize>,
    /// Run those again that have no answer.
    pub(super) failed: bool,
    /// Show the points, and the script of a cluster; write and run nothing.
    pub(super) dry_run: bool,
    /// Who runs the points.
    pub(super) engine: Engine,
    /// Tasks of a cluster; one a point where absent.
    pub(super) tasks: Option<usize>,
    /// Options of the cluster's scheduler.
    pub(super) options: &'a [String],
}

/// What was typed after `sweep`.
pub(super) enum Typed<'a> {
    /// `status` and a folder.
    Status(&'a Path),
    /// The file of a sweep.
    Plan(&'a Path),
}

/// Tells the words after `sweep` apart.
pub(super) fn typed(words: &[PathBuf]) -> Result<Typed<'_>, Failure> {
    let message = match words {
        [status, folder] if status.as_os_str() == "status" => return Ok(Typed::Status(folder)),
        [status] if status.as_os_str() == "status" && !status.exists() => {
            "which sweep? `cotangent sweep status DIR` takes its folder"
        }
        [plan] => return Ok(Typed::Plan(plan)),
        _ => "a sweep is `cotangent sweep FILE`, or `cotangent sweep status DIR`",
    };
    Err(vec![Diagnostic::plain("cotangent::sweep::usage", message, "")].into())
}

/// Plans a sweep and runs what is not finished of it.
pub(super) fn sweep(wanted: &Wanted<'_>, voice: Voice) -> Result<Exit, Failure> {
    let plan = Plan::read(wanted.plan)?;
    let folder = wanted.out.map_or_else(|| Path::new("sweeps").join(&plan.name), Path::to_path_buf);
    let batch = match wanted.engine {
        Engine::Local => None,
        Engine::Slurm => Some(Batch::Slurm),
        Engine::Hyperqueue => Some(Batch::HyperQueue),
    };
    if wanted.dry_run {
        Study::check(&plan).map_err(failure)?;
        let all: Vec<usize> = (0..plan.points.len()).collect();
        let script = batch.map(|b| array(b, &plan.name, &folder, &all, wanted)).transpose()?;
        return show(&plan, script.as_ref().map(|(script, _)| script.as_str()), voice);
    }
    let study = Study::plan(&plan, &folder).map_err(failure)?;
    let open = study.open_points(wanted.failed).map_err(failure)?;
    let (all, left) = (study.len(), open.len());
    voice.tell(&format!("{}: {all} points, {left} to run, in {}", plan.name, folder.display()));
    match batch {
        Some(batch) if left > 0 => submit(batch, &study, &open, wanted, voice),
        _ => run_here(&study, &open, wanted, voice),
    }
}

/// Runs points by processes on this machine.
fn run_here(
    study: &Study,
    open: &[usize],
    wanted: &Wanted<'_>,
    voice: Voice,
) -> Result<Exit, Failure> {
    let program = std::env::current_exe()?;
    let mut command = || {
        let mut command = Command::new(&program);
        command.arg("sweep-worker").arg(study.folder()).args([
            "--attached",
            "--quiet",
            "--threads",
            "1",
        ]);
        if wanted.failed {
            command.arg("--failed");
        }
        command
    };
    let jobs = wanted.jobs.unwrap_or_else(rayon::current_num_threads);
    let (left, mut told) = (open.len(), 0_usize);
    let mut tell = |event: &Event| match event {
        Event::Ran(_) => {
            told += 1;
            // at 1, 2, 5, 10, 20, 50, ... and the last
            let ten = 10_usize.pow(told.ilog10());
            if (told % ten == 0 && [1, 2, 5].contains(&(told / ten))) || told == left {
                voice.tell(&format!("{told} of {left}"));
            }
        }
        Event::Died { point, again } => {
            let then = if *again { "another goes on" } else { "it is given up" };
            let number = point + 1;
            voice.tell(&format!("the process of point {number} ended before its time; {then}"));
        }
    };
    let signals = Signals::listen();
    let stopped = || signals.received() != 0;
    let given_up = local::run(open, jobs, &mut command, &stopped, &mut tell)?;
    for point in given_up {
        study.give_up(point, "two processes ended before their time at it").map_err(failure)?;
    }
    let exit = tell_states(study, voice)?;
    Ok(match signals.received() {
        0 => exit,
        1 => Exit::HungUp,
        2 => Exit::Interrupted,
        _ => Exit::Terminated,
    })
}

/// The script of an array of tasks, and the words that submit it.
fn array(
    batch: Batch,
    name: &str,
    folder: &Path,
    points: &[usize],
    wanted: &Wanted<'_>,
) -> Result<(String, Vec<String>), Failure> {
    let (program, folder) = (std::env::current_exe()?, std::path::absolute(folder)?);
    let tasks = wanted.tasks.unwrap_or(points.len()).min(points.len());
    let (failed, options) = (wanted.failed, wanted.options);
    let tasks = Tasks { program: &program, folder: &folder, name, points, tasks, failed, options };
    Ok((batch.script(&tasks), batch.words(&tasks)))
}

/// Submits an array of tasks to a cluster; they run when the cluster pleases.
fn submit(
    batch: Batch,
    study: &Study,
    open: &[usize],
    wanted: &Wanted<'_>,
    voice: Voice,
) -> Result<Exit, Failure> {
    let (script, words) = array(batch, study.name(), study.folder(), open, wanted)?;
    let path = study.folder().join(format!("{}.sh", batch.command()));
    write_whole(&path, script.as_bytes())?;
    let refuse = |message: String| {
        let code = "cotangent::sweep::engine";
        Failure::Input(vec![Diagnostic::plain(code, message, batch.help())])
    };
    let mut command = batch.command().to_owned();
    let mut done = Command::new(&command).args(words).arg(&path).output();
    let is_absent = done.as_ref().is_err_and(|e| e.kind() == std::io::ErrorKind::NotFound);
    if batch == Batch::HyperQueue && is_absent && wanted.options.is_empty() {
        let client = study.folder().join("hyperqueue.py");
        write_whole(&client, HYPERQUEUE_CLIENT.as_bytes())?;
        let tasks = wanted.tasks.unwrap_or(open.len()).min(open.len()).to_string();
        let python = std::env::var_os("COTANGENT_PYTHON").unwrap_or_else(|| "python3".into());
        done = Command::new(&python).arg(client).arg(&path).args([&tasks, study.name()]).output();
        command = format!("hq` is not there, and `{}", python.to_string_lossy());
    }
    let done = done.map_err(|e| refuse(format!("`{command}` cannot be started: {e}")))?;
    if !done.status.success() {
        let said = String::from_utf8_lossy(&done.stderr).trim().to_owned();
        return Err(refuse(format!("`{command}` did not take the sweep: {said}")));
    }
    let said = String::from_utf8_lossy(&done.stdout).trim().to_owned();
    let folder = study.folder().display();
    voice.tell(&format!("submitted; `cotangent sweep status {folder}` says how far it is"));
    voice
        .data(&said, &json!({ "submitted": open.len(), "said": said, "script": as_text(&path) }))?;
    Ok(Exit::Done)
}

/// The points as they are planned.
fn show(plan: &Plan, script: Option<&str>, voice: Voice) -> Result<Exit, Failure> {
    let mut text = format!("{} points of {}\n", plan.points.len(), plan.scenario.display());
    for (k, point) in plan.points.iter().enumerate() {
        let _ = writeln!(text, "  {}: {}", k + 1, point.overrides().join("  "));
    }
    if let Some(script) = script {
        let _ = write!(text, "\n{script}");
    }
    let points: Vec<_> = plan.points.iter().map(cotangent_sweep::Point::overrides).collect();
    let scenario = as_text(&plan.scenario);
    voice.data(&text, &json!({ "points": points, "scenario": scenario, "script": script }))?;
    Ok(Exit::Done)
}

/// How many points stand where.
pub(super) fn status(folder: &Path, voice: Voice) -> Result<Exit, Failure> {
    tell_states(&Study::open(folder).map_err(failure)?, voice)
}

fn tell_states(study: &Study, voice: Voice) -> Result<Exit, Failure> {
    let (mut done, mut met, mut started, mut waiting, mut failures) = (0, 0, 0, 0, Vec::new());
    for point in 0..study.len() {
        match study.state(point).map_err(failure)? {
            State::Waiting => waiting += 1,
            State::Started => started += 1,
            State::Done { goal_met } => {
                done += 1;
                met += u32::from(goal_met);
            }
            State::Failed(why) => failures.push((point, why)),
        }
    }
    let mut text = format!(
        "{done} done ({met} met their goals), {started} begun, {waiting} waiting, {} failed\n",
        failures.len()
    );
    for (point, why) in failures.iter().take(10) {
        let _ = writeln!(text, "  point {}: {why}", point + 1);
    }
    if started + waiting > 0 {
        text.push_str("the same `cotangent sweep` goes on\n");
    } else if !failures.is_empty() {
        text.push_str("`cotangent sweep --failed` runs the failed again\n");
    }
    let failed: Vec<_> =
        failures.iter().map(|(point, why)| json!({ "point": point, "why": why })).collect();
    let counts = json!({ "done": done, "goal_met": met, "started": started, "waiting": waiting, "failed": failed });
    voice.data(&text, &counts)?;
    let whole = started + waiting == 0 && failures.is_empty();
    Ok(if whole { Exit::Done } else { Exit::GoalNotMet })
}

/// Runs points whose numbers come on standard input.
pub(super) fn worker(folder: &Path, failed: bool, attached: bool) -> Result<Exit, Failure> {
    let study = Study::open(folder).map_err(failure)?;
    match local::work(&study, failed, attached, BufReader::new(stdin()), stdout()) {
        Err(SweepError::Interrupted) => Ok(Exit::Interrupted),
        done => done.map(|()| Exit::Done).map_err(failure),
    }
}

/// Writes what was found: a table as `table.csv` and `table.npz`, pictures over what was varied, and `report.html` with all of it.
pub(super) fn gather(folder: &Path, voice: Voice) -> Result<Exit, Failure> {
    let study = Study::open(folder).map_err(failure)?;
    let survey = Survey::of(&study).map_err(failure)?;
    let pictures = survey.pictures();
    let mut files: Vec<(String, Vec<u8>)> = vec![
        ("report.html".into(), survey.page(&pictures).into_bytes()),
        ("table.csv".into(), survey.table().to_csv().into_bytes()),
        ("table.npz".into(), survey.table().to_npz()),
    ];
    files.extend(pictures.into_iter().map(|p| (p.file, p.svg.into_bytes())));
    let mut paths: Vec<PathBuf> = Vec::new();
    for (name, content) in files {
        let path = folder.join(name);
        write_whole(&path, &content)?;
        paths.push(path);
    }
    let unfinished = study.open_points(false).map_err(failure)?.len();
    if unfinished > 0 {
        voice.tell(&format!("{unfinished} of {} points are not finished", study.len()));
    }
    let text: String = paths.iter().map(|p| format!("{}\n", p.display())).collect();
    let paths: Vec<_> = paths.iter().map(|p| as_text(p)).collect();
    voice.data(&text, &json!({ "files": paths, "points": study.len() }))?;
    Ok(Exit::Done)
}

fn failure(error: SweepError) -> Failure {
    let plain = |code, error: &SweepError, help: &str| {
        Failure::Input(vec![Diagnostic::plain(code, error.to_string(), help)])
    };
    match error {
        SweepError::Input(problems) => Failure::Input(problems),
        SweepError::Harness(error) => Failure::Harness(error),
        error @ (SweepError::Foreign(_) | SweepError::NoSweep(_)) => {
            plain("cotangent::sweep::folder", &error, "")
        }
        error => plain("cotangent::sweep", &error, ""),
    }
}
