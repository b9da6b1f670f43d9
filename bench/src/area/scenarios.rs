//! The scenarios of this repository: whether their goals are met, on any number of threads to the bit, whether the standard errors
//! that they state are those of the spread, and what a search without derivatives makes of them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::Measure;
use super::doors::{command, root, skipped};
use crate::peer::{PeerError, Peers};
use crate::report::{Item, Proof};

pub(super) const ROWS: &[Measure] = &[];
pub(super) const PROOFS: &[Measure] = measurements![coverage, goals, beside_cma_es];

/// The command with these words, in the folder of this repository; its exit code.
fn run(program: &Path, words: &[&str]) -> Result<i32, PeerError> {
    let mut command = Command::new(program);
    command.args(words).current_dir(root());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    Ok(command.status()?.code().unwrap_or(-1))
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// The columns of a table that have these names.
fn columns<const N: usize>(table: &str, names: [&str; N]) -> Vec<[String; N]> {
    let mut lines = table.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let heads = lines.next().unwrap_or_default();
    let places = names.map(|name| heads.iter().position(|head| *head == name));
    let cell = |row: &[&str], place: Option<usize>| {
        place.and_then(|k| row.get(k)).map_or(String::new(), |cell| (*cell).to_owned())
    };
    lines.map(|row| places.map(|place| cell(&row, place))).collect()
}

/// What the recordings are made of: parameters of the double pendulum, in their units.
const TRUTH: [(&str, f64); 4] = [
    ("body.upper.mass", 1.4),
    ("body.lower.mass", 0.6),
    ("joint.shoulder.damping", 0.08),
    ("joint.elbow.damping", 0.03),
];
/// Recordings, each with noise of its own.
const RECORDINGS: usize = 100;
/// Half the width of an interval that holds 95 % of a normal distribution, in standard deviations.
const NOMINAL: f64 = 1.959_964;

/// Makes a recording with noise of this seed, fits it from a start of this seed, and says which parameters' intervals hold the truth.
fn fit(program: &Path, place: &Path, seed: usize) -> Result<[bool; 4], PeerError> {
    let (scenario, seed) = ("scenarios/double-pendulum.toml", seed.to_string());
    let (made, fitted) = (text(&place.join("made")), text(&place.join("fitted")));
    let truth = TRUTH.map(|(name, value)| format!("values.\"{name}\"={value}"));
    let mut words = vec!["simulate", scenario, "--noise", "0.01", "--seed", &seed];
    words.extend(["--output", "joint.*.position", "--out", &made, "--force", "--quiet"]);
    words.extend(truth.iter().flat_map(|set| ["--set", set.as_str()]));
    run(program, &words)?;
    let target = |term: &str| format!("term.{term}.target={:?}", format!("{made}/outputs.csv"));
    let (shoulder, elbow) = (target("shoulder"), target("elbow"));
    let words = ["run", scenario, "--seed", &seed, "--set", &shoulder, "--set", &elbow];
    run(program, &[&words[..], &["--out", &fitted, "--force", "--quiet"]].concat())?;
    let table = fs::read_to_string(Path::new(&fitted).join("artifacts/answer.csv"))?;
    let rows = columns(&table, ["name", "answer", "standard_error"]);
    Ok(TRUTH.map(|(name, truth)| {
        let own = rows.iter().find(|row| row[0] == name);
        let numbers = own.map(|row| [&row[1], &row[2]].map(|cell| cell.parse::<f64>()));
        matches!(numbers, Some([Ok(answer), Ok(error)]) if (answer - truth).abs() <= NOMINAL * error)
    }))
}

/// How often the interval of 95 % holds the truth.
fn coverage(_: &Peers) -> Result<Vec<Item>, PeerError> {
    let must = "in 89 to 99 of 100 fits";
    let what = |name: &str| format!("double-pendulum: the interval of 95 % holds the true {name}");
    let program = match command() {
        Ok(program) => program,
        Err(why) => return Ok(vec![skipped("intervals of 95 %", must, why)]),
    };
    let place = tempfile::TempDir::new()?;
    let mut held = [0_usize; 4];
    for seed in 1..=RECORDINGS {
        for (count, holds) in held.iter_mut().zip(fit(&program, place.path(), seed)?) {
            *count += usize::from(holds);
        }
    }
    let proof = |((name, _), count): (&(&str, f64), usize)| {
        let holds = (89..=99).contains(&count);
        let measured = format!("{count} of {RECORDINGS}");
        Item::Proof(Proof { what: what(name), must: must.into(), measured, holds })
    };
    Ok(TRUTH.iter().zip(held).map(proof).collect())
}

/// The scenarios of this repository, by their names.
fn names() -> std::io::Result<Vec<String>> {
    let entries = fs::read_dir(root().join("scenarios"))?.collect::<Result<Vec<_>, _>>()?;
    let stem = |path: PathBuf| Some(path.file_stem()?.to_str()?.to_owned());
    let is_scenario = |path: &PathBuf| {
        path.extension().is_some_and(|end| end == "toml")
            && fs::read_to_string(path).is_ok_and(|text| text.contains("[scenario]"))
    };
    let mut names: Vec<String> =
        entries.iter().map(fs::DirEntry::path).filter(is_scenario).filter_map(stem).collect();
    names.sort();
    Ok(names)
}

/// What a run has computed: its history without the clock, and its answer.
fn computed(folder: &Path) -> std::io::Result<(Vec<String>, String)> {
    let history = fs::read_to_string(folder.join("history.csv"))?;
    let clock = history.lines().next().unwrap_or_default().split(',').position(|c| c == "wall_s");
    let timeless = |line: &str| {
        let cells = line.split(',').enumerate();
        cells.filter(|(k, _)| Some(*k) != clock).map(|(_, c)| c).collect::<Vec<_>>().join(",")
    };
    let answer = fs::read_to_string(folder.join("artifacts/answer.json"))?;
    Ok((history.lines().map(timeless).collect(), answer))
}

/// Every scenario on one, two and three threads.
fn goals(peers: &Peers) -> Result<Vec<Item>, PeerError> {
    let (met, same) = ("its goals are met", "the same bits on 1, 2 and 3 threads");
    let must = format!("{met}; {same}");
    let program = match command() {
        Ok(program) => program,
        Err(why) => return Ok(vec![skipped("the scenarios", &must, why)]),
    };
    let place = tempfile::TempDir::new()?;
    let mut items = Vec::new();
    let is_asked = |name: &String| peers.scenarios.is_empty() || peers.scenarios.contains(name);
    for name in names()?.into_iter().filter(is_asked) {
        let file = format!("scenarios/{name}.toml");
        let mut runs = Vec::new();
        for threads in ["1", "2", "3"] {
            let folder = place.path().join(format!("{name}-{threads}"));
            let (out, words) = (text(&folder), ["run", &file, "--quiet", "--threads", threads]);
            let code = run(&program, &[&words[..], &["--out", &out]].concat())?;
            runs.push((code, computed(&folder)?));
        }
        let is_met = runs.iter().all(|(code, _)| *code == 0);
        let is_same = runs.iter().all(|(_, computed)| *computed == runs[0].1);
        let goals = if is_met { "met" } else { "not met" };
        let bits = if is_same { "the same bits" } else { "other bits" };
        let measured = format!("{goals}; {bits}");
        let holds = is_met && is_same;
        items.push(Item::Proof(Proof { what: name, must: must.clone(), measured, holds }));
    }
    Ok(items)
}

/// Scenarios that CMA-ES can run within minutes with a hundred times the evaluations of the gradient.
const SEARCHED: [&str; 14] = [
    "acrobot",
    "arm",
    "billiards",
    "blocker-from-shadow",
    "camera-pose",
    "cart-pole",
    "double-pendulum",
    "imu",
    "lamp-and-sky",
    "pose-from-picture",
    "sliding-box",
    "thrown-ball",
    "two-swings",
    "two-views",
];
/// Evaluations of CMA-ES for each of the gradient's.
const MORE: u64 = 100;
/// An objective is reached by what exceeds it by no more than this share.
const AS_GOOD: f64 = 1.01;

/// What a run says of itself: whether its goals are met, its objective, and how often it evaluated that.
fn said(folder: &Path) -> Result<(bool, f64, u64), PeerError> {
    let result: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(folder.join("result.json"))?)
            .map_err(std::io::Error::other)?;
    let objective = result["objective_final"].as_f64().unwrap_or(f64::INFINITY);
    let evaluations = result["evaluations"].as_u64().unwrap_or(0);
    Ok((result["goal_met"] == true, objective, evaluations))
}

/// Evaluations after which a run first had this objective; `None` where it never had.
fn first_reached(folder: &Path, objective: f64) -> std::io::Result<Option<u64>> {
    let history = fs::read_to_string(folder.join("history.csv"))?;
    let rows = columns(&history, ["evaluations", "best"]);
    let reached = |row: &&[String; 2]| row[1].parse().is_ok_and(|value: f64| value <= objective);
    Ok(rows.iter().find(reached).and_then(|row| row[0].parse().ok()))
}

/// The gradient's search beside one without derivatives.
fn beside_cma_es(peers: &Peers) -> Result<Vec<Item>, PeerError> {
    let must = "the gradient's goals are met; CMA-ES takes more evaluations to its objective";
    let program = match command() {
        Ok(program) => program,
        Err(why) => return Ok(vec![skipped("scenarios beside CMA-ES", must, why)]),
    };
    let place = tempfile::TempDir::new()?;
    let mut items = Vec::new();
    let is_asked = |name: &&str| {
        peers.scenarios.is_empty() || peers.scenarios.iter().any(|asked| asked == name)
    };
    for name in SEARCHED.into_iter().filter(is_asked) {
        let file = format!("scenarios/{name}.toml");
        let folders = ["gradient", "cma-es"].map(|by| place.path().join(format!("{name}-{by}")));
        let out = folders.each_ref().map(|folder| text(folder));
        run(&program, &["run", &file, "--quiet", "--out", &out[0]])?;
        let (met, objective, evaluations) = said(&folders[0])?;
        let most = format!("stop.max_evaluations={}", MORE * evaluations);
        let by_cma = ["--set", "optimizer.method=\"cma-es\"", "--set", &most];
        let long = ["--set", "stop.max_iterations=1000000", "--set", "restarts.most=0"];
        let words = ["run", &file, "--quiet", "--out", &out[1]];
        run(&program, &[&words[..], &by_cma, &long].concat())?;
        let (theirs_met, theirs, their_evaluations) = said(&folders[1])?;
        let reached = first_reached(&folders[1], AS_GOOD * objective)?;
        let goals = |met: bool| if met { "goals met" } else { "goals not met" };
        let at = reached.map_or("never".to_owned(), |n| format!("after {n} evaluations"));
        let measured = format!(
            "{}, {objective:.2e} after {evaluations} evaluations; CMA-ES: {}, {theirs:.2e} after {their_evaluations}, that objective {at}",
            goals(met),
            goals(theirs_met)
        );
        let holds = met && reached.is_none_or(|n| n > evaluations);
        let what = format!("{name}: the gradient beside CMA-ES");
        items.push(Item::Proof(Proof { what, must: must.into(), measured, holds }));
    }
    Ok(items)
}
