//! Sweeps: how much of the processors' time goes into the points, and processes that are killed, on every engine.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use super::engine::Engine;
use super::{command, root, skipped};
use crate::peer::{PeerError, Peers};
use crate::report::{Item, Proof};

/// A folder with the file of a sweep over a scenario of this repository.
struct Place(tempfile::TempDir);

/// Results by point, and when each was written.
type Results = BTreeMap<PathBuf, SystemTime>;

impl Place {
    fn new(points: usize, evaluations: u64) -> std::io::Result<Self> {
        let place = tempfile::TempDir::new()?;
        for name in ["double-pendulum.toml", "double-pendulum.xml", "double-pendulum.csv"] {
            fs::copy(root().join("scenarios").join(name), place.path().join(name))?;
        }
        let sweep = format!(
            "[sweep]\nname = \"s\"\nscenario = \"double-pendulum.toml\"\nspread = \"sobol\"\npoints = {points}\n\
             [[list]]\nkey = \"optimizer.method\"\nvalues = [\"nelder-mead\"]\n\
             [[list]]\nkey = \"stop.max_evaluations\"\nvalues = [{evaluations}]\n\
             [[range]]\nkey = 'values.\"start.joint.shoulder.position\"'\nfrom = -0.8\nto = -0.6\n"
        );
        fs::write(place.path().join("sweep.toml"), sweep)?;
        Ok(Self(place))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn sweep(&self, program: &Path, words: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(["sweep", "sweep.toml", "--quiet"]).args(words).current_dir(self.0.path());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// The table of a sweep, its columns by name.
    fn table(
        &self,
        program: &Path,
        folder: &str,
    ) -> std::io::Result<BTreeMap<String, Vec<String>>> {
        let mut gather = Command::new(program);
        gather.args(["gather", folder, "--quiet"]).current_dir(self.0.path()).output()?;
        let text = fs::read_to_string(self.path(folder).join("table.csv"))?;
        let mut lines = text.lines();
        let names: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
        let rows: Vec<Vec<&str>> = lines.map(|line| line.split(',').collect()).collect();
        let column = |k: usize| -> Vec<String> {
            rows.iter().map(|row| (*row.get(k).unwrap_or(&"")).to_owned()).collect()
        };
        Ok(names.iter().enumerate().map(|(k, name)| ((*name).to_owned(), column(k))).collect())
    }

    /// The results that are there.
    fn results(&self, folder: &str) -> Results {
        let runs = fs::read_dir(self.path(folder).join("points")).into_iter().flatten().flatten();
        let written = |run: fs::DirEntry| {
            let result = run.path().join("result.json");
            let time = result.metadata().and_then(|m| m.modified()).ok()?;
            Some((result, time))
        };
        runs.filter_map(written).collect()
    }
}

fn total(seconds: &[String]) -> f64 {
    seconds.iter().filter_map(|s| s.parse::<f64>().ok()).sum()
}

/// Points of the long sweep, and the seconds that each is meant to take.
const POINTS: usize = 1000;
const POINT_S: f64 = 0.05;
const JOBS: usize = 2;

/// A thousand points by two processes: the time that the runs took by themselves, over what two processors had.
pub(super) fn thousand_points(_: &Peers) -> Result<Vec<Item>, PeerError> {
    let what = "a sweep of 1000 points of 50 ms by two processes: time within the runs, of twice the time that it took";
    let must = "at least 0.9";
    let program = match command() {
        Ok(program) => program,
        Err(why) => return Ok(vec![skipped(what, must, why)]),
    };
    // as many evaluations as take the time here and now
    let trial = Place::new(8, 100)?;
    trial.sweep(&program, &["--out", "s", "--jobs", "1"]).status()?;
    let taken = total(&trial.table(&program, "s")?["wall_s"]) / 8.0;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "hundreds")]
    let evaluations = (100.0 * POINT_S / taken.max(1e-4)).clamp(10.0, 1e5) as u64;
    let place = Place::new(POINTS, evaluations)?;
    let start = Instant::now();
    place.sweep(&program, &["--out", "s", "--jobs", &JOBS.to_string()]).status()?;
    let elapsed = start.elapsed().as_secs_f64();
    let table = place.table(&program, "s")?;
    let within = total(&table["wall_s"]);
    let done = table["state"].iter().filter(|state| *state == "done").count();
    let share = within / (JOBS as f64 * elapsed);
    let each = 1e3 * within / POINTS as f64;
    let measured = format!("{share:.3} ({done} points of {each:.0} ms)");
    let holds = share >= 0.9 && done == POINTS;
    Ok(vec![Item::Proof(Proof { what: what.into(), must: must.into(), measured, holds })])
}

/// Processes that run points of the sweep in `folder`.
fn workers(folder: &Path) -> Vec<String> {
    let is_worker = |pid: &String| {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).into_owned();
        let mut words = line.split('\0').skip_while(|word| *word != "sweep-worker").skip(1);
        let cwd = fs::read_link(format!("/proc/{pid}/cwd")).unwrap_or_default();
        words.next().is_some_and(|own| cwd.join(own) == folder)
    };
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|e| e.file_name().into_string().ok());
    pids.filter(|pid| pid.parse::<u32>().is_ok()).filter(is_worker).collect()
}

/// Workers that are killed in a sweep.
const KILLS: u64 = 5;

/// Waits for a sweep, and kills workers of it now and then.
fn kill_while(mut goes_on: impl FnMut() -> bool, folder: &Path, killed: &mut u64) {
    let mut turn = 0_u64;
    while goes_on() {
        std::thread::sleep(Duration::from_millis(60));
        turn += 1;
        let alive = workers(folder);
        if *killed < KILLS && turn.is_multiple_of(4) && !alive.is_empty() {
            // which of them: by a multiplicative hash of the turn
            let pick = usize::try_from(turn.wrapping_mul(0x9e37_79b9) >> 5).unwrap_or(0);
            let done = Command::new("kill").args(["-9", &alive[pick % alive.len()]]).status();
            *killed += u64::from(done.is_ok_and(|s| s.success()));
        }
    }
}

/// How far a sweep is: whether no point is open.
fn is_whole(program: &Path, place: &Place, folder: &str) -> bool {
    let mut status = Command::new(program);
    status.args(["sweep", "status", folder, "--quiet"]).current_dir(place.0.path());
    status.stdout(Stdio::null()).stderr(Stdio::null());
    status.status().is_ok_and(|s| s.success())
}

/// Sweeps by an engine while workers die, submitting again until all points are done. Returns the killed, the submissions, and
/// whether a finished point was run again.
fn sweep_by(
    engine: &mut Engine,
    program: &Path,
    place: &Place,
    out: &str,
) -> std::io::Result<(u64, u32, bool)> {
    let (mut killed, mut rounds, mut twice) = (0, 0, false);
    let mut seen = Results::new();
    let mut look = |place: &Place| {
        for (path, time) in place.results(out) {
            twice |= *seen.entry(path).or_insert(time) != time;
        }
    };
    while rounds < 12 && !is_whole(program, place, out) {
        rounds += 1;
        let mut command = place.sweep(program, engine.words());
        command.args(["--out", out, "--failed"]);
        engine.environment(&mut command);
        let mut child = command.spawn()?;
        let folder = place.path(out);
        kill_while(|| matches!(child.try_wait(), Ok(None)), &folder, &mut killed);
        look(place);
        if !engine.waits() {
            // when the first points are done
            let begun = Instant::now();
            while begun.elapsed() < Duration::from_secs(20) && place.results(out).len() < 5 {
                std::thread::sleep(Duration::from_millis(50));
            }
            engine.disturb()?;
            // the scheduler goes on by itself: until the points are done, or nobody is at them any more
            let mut idle = 0;
            let goes_on = || {
                idle = if workers(&folder).is_empty() { idle + 1 } else { 0 };
                idle < 150
            };
            kill_while(goes_on, &folder, &mut killed);
            look(place);
        }
    }
    look(place);
    Ok((killed, rounds, twice))
}

/// Columns of a table that are the same in every run.
fn timeless(table: &BTreeMap<String, Vec<String>>) -> BTreeMap<&String, &Vec<String>> {
    table.iter().filter(|(name, _)| !name.ends_with("_s")).collect()
}

/// Forty points on each engine while processes are killed: the same table as that of one process, and nothing run twice that had finished.
pub(super) fn killed(peers: &Peers) -> Result<Vec<Item>, PeerError> {
    let must = "the table of one process, nothing run twice that had finished";
    let what = |engine: &str| format!("40 points on {engine}, workers killed -9");
    let engines = ["processes of this machine", "HyperQueue", "Slurm"];
    let program = match command() {
        Ok(program) => program,
        Err(why) => return Ok(engines.iter().map(|e| skipped(&what(e), must, &why)).collect()),
    };
    let place = Place::new(40, 300)?;
    place.sweep(&program, &["--out", "whole", "--jobs", "1"]).status()?;
    let whole = place.table(&program, "whole")?;
    let mut items = Vec::new();
    for name in engines {
        let engine = match name {
            "HyperQueue" => Engine::hyperqueue(peers, place.path("hq")),
            "Slurm" => Engine::slurm(),
            _ => Ok(Engine::Local),
        };
        let mut engine = match engine {
            Ok(engine) => engine,
            Err(why) => {
                items.push(skipped(&what(name), must, why));
                continue;
            }
        };
        let out = name.split(' ').next().unwrap_or(name);
        let (killed, rounds, twice) = sweep_by(&mut engine, &program, &place, out)?;
        let same = timeless(&place.table(&program, out)?) == timeless(&whole);
        let words = if same { "the same table" } else { "another table" };
        let again = if twice { ", A FINISHED POINT WAS RUN AGAIN" } else { "" };
        let restarts = match engine.restarts() {
            0 => String::new(),
            count => format!(", the server killed and started again {count} times"),
        };
        let measured =
            format!("{words}, {killed} killed, submitted {rounds} times{restarts}{again}");
        let holds = same && !twice && killed > 0;
        items.push(Item::Proof(Proof { what: what(name), must: must.into(), measured, holds }));
    }
    Ok(items)
}
