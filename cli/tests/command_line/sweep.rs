//! `sweep` and `gather`: points that are run once, whatever dies meanwhile.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

use super::place::{Place, json, stderr, stdout};

/// A valley: one mass that is asked to be another, from several starts.
const MODEL: &str = r#"<mujoco><option timestep="0.01"/><worldbody><body name="bob">
<joint name="hinge" type="hinge" axis="0 1 0" damping="0.1"/><inertial pos="0 0 -1" mass="1" diaginertia="0.1 0.1 0.1"/>
<site name="end" pos="0 0 -1"/></body></worldbody></mujoco>"#;
const SCENARIO: &str = r#"[scenario]
name = "bob"
kind = "motion"
[model]
file = "bob.xml"
[[motion]]
duration = "0.2 s"
[values]
"start.joint.hinge.position" = 1.0
[[parameter]]
name = "joint.hinge.damping"
[[term]]
output = "site.end.position"
at = 0.2
target = [-0.8, 0.0, -0.6]
[stop]
max_iterations = 5
"#;
const SWEEP: &str = r#"[sweep]
name = "starts"
scenario = "bob.toml"
spread = "latin-hypercube"
points = 4
[[list]]
key = "optimizer.method"
values = ["lbfgsb", "gauss-newton"]
[[range]]
key = 'values."start.joint.hinge.position"'
from = 50
to = 70
unit = "deg"
"#;

fn place() -> Place {
    let place = Place::new();
    place.write("bob.xml", MODEL);
    place.write("bob.toml", SCENARIO);
    place.write("sweep.toml", SWEEP);
    place
}

/// The table without what differs from run to run.
fn table(place: &Place, folder: &str) -> Vec<Vec<String>> {
    let done = place.run(&["gather", folder]);
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    super::place::timeless(&place.read(&format!("{folder}/table.csv")))
}

/// When each point's result was written.
fn results(place: &Place, folder: &str) -> BTreeMap<String, std::time::SystemTime> {
    let runs = std::fs::read_dir(place.path(folder).join("points")).unwrap();
    // a process that dies while it tries whether it may write leaves its trial behind
    let folders = runs.map(Result::unwrap).filter(|run| run.path().is_dir());
    let written = folders.map(|run| {
        let result = run.path().join("result.json");
        (
            run.file_name().to_string_lossy().into_owned(),
            result.metadata().unwrap().modified().unwrap(),
        )
    });
    written.collect()
}

#[test]
fn a_sweep_whose_processes_die_ends_as_if_none_had_and_runs_nothing_twice() {
    let place = place();
    let whole = place.run(&["sweep", "sweep.toml", "--out", "whole", "--jobs", "1"]);
    assert_eq!(whole.status.code(), Some(0), "{}", stderr(&whole));
    assert!(stdout(&whole).starts_with("8 done"), "{}", stdout(&whole));

    let mut parts =
        place.command(&["sweep", "sweep.toml", "--out", "parts", "--jobs", "2"]).spawn().unwrap();
    let parent = parts.id().to_string();
    // one of its workers, as soon as there is one
    for _ in 0..200 {
        let children = Command::new("pgrep").args(["-P", &parent]).output();
        let children =
            children.map(|o| String::from_utf8_lossy(&o.stdout).into_owned()).unwrap_or_default();
        if let Some(worker) = children.lines().next() {
            let _ = Command::new("kill").args(["-9", worker]).status();
            break;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(parts.wait().unwrap().code(), Some(0));
    assert_eq!(table(&place, "whole"), table(&place, "parts"));

    let before = results(&place, "parts");
    let again = place.run(&["sweep", "sweep.toml", "--out", "parts"]);
    assert_eq!(again.status.code(), Some(0));
    assert_eq!((before.len(), results(&place, "parts")), (8, before.clone()), "nothing ran again");
    // more points: only those are run
    place.write("sweep.toml", &SWEEP.replace("\"lbfgsb\", ", "\"lbfgsb\", \"adam\", "));
    let more = place.run(&["sweep", "sweep.toml", "--out", "parts"]);
    assert!(stderr(&more).contains("12 points, 4 to run"), "{}", stderr(&more));
    let status = json(&place.run(&["sweep", "status", "parts", "--format", "json"]));
    assert_eq!(status["done"], 12);
    let kept = results(&place, "parts");
    assert!(before.iter().all(|(name, time)| kept[name] == *time));
    let names = &table(&place, "parts")[0];
    for name in ["optimizer.method", "objective_final", "joint.hinge.damping (N m s/rad)"] {
        assert!(names.iter().any(|n| n == name), "{name}: {names:?}");
    }
}

#[test]
fn several_sweeps_of_one_plan_may_be_started_at_once() {
    let place = place();
    let words = ["sweep", "sweep.toml", "--out", "s", "--jobs", "1"];
    let quiet = || place.command(&words).stdout(std::process::Stdio::null()).spawn().unwrap();
    let mut all: Vec<_> = (0..3).map(|_| quiet()).collect();
    for one in &mut all {
        // 1: points that another one is at are left to it
        let code = one.wait().unwrap().code();
        assert!(matches!(code, Some(0 | 1)), "{code:?}");
    }
    let whole = place.run(&words);
    assert!(stdout(&whole).starts_with("8 done"), "{}", stdout(&whole));
}

/// A point that takes minutes, for signals that come meanwhile.
#[cfg(unix)]
fn long(place: &Place) {
    let bob = place.read("bob.toml");
    let long = "[optimizer]\nmethod = \"adam\"\n[stop]\nmax_iterations = 100000000\nmax_evaluations = 1000000000\n";
    let head = bob.split("[stop]").next().unwrap().to_owned();
    place.write("long.toml", &(head + long));
    let plan = "[sweep]\nname = \"long\"\nscenario = \"long.toml\"\nseeds = 2\n";
    place.write("sweep.toml", plan);
}

/// Starts a sweep, waits until its points have been begun, and sends its own process a signal.
#[cfg(unix)]
fn signalled(place: &Place, signal: &str) -> std::process::Output {
    // by its whole path, by which its workers are found
    let folder = place.path("s").to_string_lossy().into_owned();
    let mut command = place.command(&["sweep", "sweep.toml", "--out", &folder, "--jobs", "2"]);
    let sweep = command.stdout(std::process::Stdio::piped()).spawn().unwrap();
    let begun = || {
        let runs = std::fs::read_dir(place.path("s/points")).into_iter().flatten().flatten();
        runs.filter(|run| run.path().join("history.csv").exists()).count()
    };
    while begun() < 2 {
        std::thread::sleep(Duration::from_millis(20));
    }
    let sent = Command::new("kill").args([signal, &sweep.id().to_string()]).status();
    assert!(sent.unwrap().success());
    sweep.wait_with_output().unwrap()
}

/// Waits until the last worker of the sweep has ended.
#[cfg(unix)]
fn until_it_is_left_alone(place: &Place) {
    let folder = place.path("s").to_string_lossy().into_owned();
    let is_at_work =
        || !Command::new("pgrep").args(["-f", &folder]).output().unwrap().stdout.is_empty();
    while is_at_work() {
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[cfg(unix)]
#[test]
fn a_signal_to_the_sweep_alone_stops_its_workers_with_checkpoints() {
    let place = place();
    long(&place);
    let stopped = signalled(&place, "-TERM");
    assert_eq!(stopped.status.code(), Some(143));
    assert!(stdout(&stopped).contains("2 begun"), "{}", stdout(&stopped));
    until_it_is_left_alone(&place);
    for run in std::fs::read_dir(place.path("s/points")).unwrap().flatten() {
        assert!(run.path().join("checkpoints/latest.json").exists());
    }
    // and so does the end of it, of which it cannot know
    signalled(&place, "-KILL");
    until_it_is_left_alone(&place);
}

/// What a power failure may leave: files of short runs that have their names and nothing in them.
#[test]
fn points_that_a_power_failure_has_emptied_are_run_again() {
    let place = place();
    let words = ["sweep", "sweep.toml", "--out", "s", "--jobs", "1"];
    assert_eq!(place.run(&words).status.code(), Some(0));
    let (whole, before) = (table(&place, "s"), results(&place, "s"));
    let names: Vec<&String> = before.keys().collect();
    let empty = |point: usize, files: &[&str]| {
        for file in files {
            place.write(&format!("s/points/{}/{file}", names[point]), "");
        }
    };
    empty(0, &["result.json"]);
    empty(1, &["result.json", "checkpoints/latest.json"]);
    empty(2, &["result.json", "history.csv"]);
    empty(3, &["result.json", "manifest.json", "history.csv", "checkpoints/latest.json"]);
    assert_eq!(place.run(&words).status.code(), Some(0));
    assert_eq!(table(&place, "s"), whole);
    let after = results(&place, "s");
    let again: Vec<bool> = before.iter().map(|(name, time)| after[name] != *time).collect();
    assert_eq!(again, [true, true, true, true, false, false, false, false]);
}

#[test]
fn what_is_wrong_with_a_sweep_is_said_before_anything_runs() {
    let place = place();
    let refused = |words: &[&str], said: &str| {
        let output = place.run(words);
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        assert!(stderr(&output).contains(said), "{}", stderr(&output));
        assert!(!place.path("sweeps").exists());
    };
    place.write("key.toml", &SWEEP.replace("optimizer.method", "optimizer.methd"));
    refused(&["sweep", "key.toml"], "optimizer.methd");
    place.write("value.toml", &SWEEP.replace("gauss-newton", "newton"));
    refused(&["sweep", "value.toml"], "newton");
    place.write("unit.toml", &SWEEP.replace("\"deg\"", "\"kg\""));
    refused(&["sweep", "unit.toml"], "unit");
    place.write("scenario.toml", &SWEEP.replace("bob.toml", "bib.toml"));
    refused(&["sweep", "scenario.toml"], "there is no file");
    std::fs::create_dir(place.path("mine")).unwrap();
    place.write("mine/precious.txt", "");
    refused(&["sweep", "sweep.toml", "--out", "mine"], "not the folder of this sweep");
    refused(&["gather", "mine"], "not the folder of a sweep");
    refused(&["sweep", "status", "mine"], "not the folder of a sweep");
    refused(&["sweep", "status"], "which sweep?");
    refused(&["sweep", "bob.toml"], "this is a scenario");
    refused(&["sweep", "key.toml", "--dry-run"], "optimizer.methd");
    refused(&["sweep", "unit.toml", "--dry-run"], "unit");
    let shown = place.run(&["sweep", "sweep.toml", "--dry-run"]);
    assert!(stdout(&shown).starts_with("8 points of bob.toml"), "{}", stdout(&shown));
}

/// Every optimizer at every start with every mass.
const GRID: &str = r#"[sweep]
name = "grid"
scenario = "bob.toml"
[[list]]
key = "optimizer.method"
values = ["lbfgsb", "gauss-newton"]
[[list]]
key = 'values."start.joint.hinge.position"'
values = [0.9, 1.0, 1.1]
[[list]]
key = 'values."body.bob.mass"'
values = [1, 3]
"#;

#[test]
fn gather_leaves_a_report_with_the_best_point_lines_and_a_heat_map() {
    let place = place();
    place.write("grid.toml", GRID);
    let swept = place.run(&["sweep", "grid.toml", "--out", "g"]);
    assert_eq!(swept.status.code(), Some(0), "{}", stderr(&swept));
    let rows = table(&place, "g");
    let column = |name: &str| rows[0].iter().position(|head| head.contains(name)).unwrap();
    let objective = |row: &Vec<String>| row[column("objective_final")].parse::<f64>().unwrap();
    let best = (1..rows.len())
        .min_by(|a, b| objective(&rows[*a]).total_cmp(&objective(&rows[*b])))
        .unwrap();
    let page = place.read("g/report.html");
    assert!(page.contains("of 12 points 12 are done"), "{page}");
    assert!(page.contains(&format!("Point {best} has the least objective")), "{best} in {page}");
    let mass = rows[best][column("body.bob.mass")].parse::<f64>().unwrap();
    let set = "set: <code>values.&quot;body.bob.mass&quot;</code></dt><dd>";
    assert!(page.contains(&format!("{set}{mass}</dd>")), "{page}");
    assert!(page.contains(&format!("href=\"points/{}/result.json\"", rows[best][column("point")])));
    // a line of medians for each optimizer, and a cell for each pair of numbers
    let lines = place.read("g/plots/objective-over-values.start.joint.hinge.position.svg");
    assert!(lines.contains("gauss-newton, median") && lines.contains("lbfgsb, median"), "{lines}");
    let map = place.read(
        "g/plots/objective-over-values.start.joint.hinge.position-and-values.body.bob.mass.svg",
    );
    assert_eq!(map.matches("<rect").count(), 1 + 3 * 2 + 64, "paper, cells and the bar of colours");
    assert!(page.contains(map.trim()), "the page shows what the file holds");

    // a point without an answer is told with its reason, and the best of the others is the best
    let lost = &rows[best][column("point")];
    std::fs::remove_dir_all(place.path(&format!("g/points/{lost}"))).unwrap();
    std::fs::create_dir_all(place.path("g/failures")).unwrap();
    place.write(&format!("g/failures/{lost}.txt"), "it has <no> value");
    assert_eq!(place.run(&["gather", "g"]).status.code(), Some(0));
    let page = place.read("g/report.html");
    assert!(page.contains("11 of 12 points done") && page.contains("1 have no answer"), "{page}");
    assert!(
        page.contains(&format!("Point {best} has no answer: it has &lt;no&gt; value")),
        "{page}"
    );
    assert!(!page.contains(&format!("Point {best} has the least objective")), "{page}");
}

/// A scheduler that runs the tasks of an array at once, one after the other.
const SCHEDULER: &str = r#"#!/bin/bash
for last; do script="$last"; done
case "$0" in *hq) [[ "$*" =~ --array\ 0-([0-9]+) ]] ;; *) [[ "$(<"$script")" =~ --array=0-([0-9]+) ]] ;; esac
for ((i = 0; i <= BASH_REMATCH[1]; i++)); do
    SLURM_ARRAY_TASK_ID=$i HQ_TASK_ID=$i bash "$script" > /dev/null || exit 1
done
echo "took it"
"#;

#[test]
fn clusters_run_the_same_points_by_arrays_of_tasks() {
    let place = place();
    assert_eq!(place.run(&["sweep", "sweep.toml", "--out", "here"]).status.code(), Some(0));
    for (engine, command) in [("slurm", "sbatch"), ("hyperqueue", "hq")] {
        let words = ["sweep", "sweep.toml", "--engine", engine, "--out", engine, "--tasks", "3"];
        let absent = place.command(&words).env("PATH", place.path("")).output().unwrap();
        assert_eq!(absent.status.code(), Some(2));
        assert!(stderr(&absent).contains(command), "{}", stderr(&absent));
        let program = place.path(command);
        std::fs::write(&program, SCHEDULER).unwrap();
        assert!(Command::new("chmod").arg("+x").arg(&program).status().unwrap().success());
        let path = format!("{}:{}", place.path("").display(), std::env::var("PATH").unwrap());
        let done = place.command(&words).env("PATH", path).output().unwrap();
        assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
        assert_eq!(stdout(&done).trim(), "took it");
        assert_eq!(table(&place, "here"), table(&place, engine));
    }
    let shown =
        place.run(&["sweep", "sweep.toml", "--engine", "slurm", "--dry-run", "--option=--time=5"]);
    assert!(stdout(&shown).contains("#SBATCH --array=0-7\n#SBATCH"), "{}", stdout(&shown));
    assert!(stdout(&shown).contains("#SBATCH --time=5\n"), "{}", stdout(&shown));
}
