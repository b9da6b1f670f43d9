//! Doors: the map of a scenario in Python and over HTTP, beside the library's own; sweeps; the entry to `GradBench`.

mod engine;
mod package;
mod sweep;

use std::path::{Path, PathBuf};
use std::process::Command;

use cotangent_problem::{At, CheckedMap, SampleKey, Workspace};

use super::Measure;
use crate::clock;
use crate::peer::{self, PeerError, Peers};
use crate::report::{Item, Proof, Row, Skipped};

pub(super) const ROWS: &[Measure] = measurements![a_call];
pub(super) const PROOFS: &[Measure] =
    measurements![package::tests, sweep::thousand_points, sweep::killed, gradbench];

pub(super) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Calls of one measurement, of which the best of five counts.
const CALLS: u32 = 2000;

/// A pullback of one step, in Rust and called from Python: what a call costs is the difference.
fn a_call(peers: &Peers) -> Result<Vec<Item>, PeerError> {
    let work = "one pullback of one step of a double pendulum";
    let must = "at most 20 us";
    if cfg!(debug_assertions) {
        let why = "a build for tests is no measure of a call";
        return Ok(vec![skipped("what a call from Python costs beyond the work", must, why)]);
    }
    let failed = |stderr: String| PeerError::Failed { what: work.into(), stderr };
    let file = root().join("bench/models/one-step.toml");
    let opened = cotangent_scenarios::open(&file, &[]).map_err(|e| failed(format!("{e:?}")))?;
    let names = ["body.*.mass".to_owned(), "joint.elbow.position".to_owned()];
    let map: CheckedMap<'static> =
        opened.map(&names[..1], &names[1..]).map_err(|e| failed(format!("{e:?}")))?;
    let (x, y_bar, mut ws) = (map.present(), vec![1.0; map.output_len()], Workspace::new());
    let mut pullback = || {
        let run = map.linearise(At { x: &x, key: SampleKey(0) }, &mut ws);
        run.and_then(|run| run.pullback(&y_bar))
    };
    pullback().map_err(|e| failed(e.to_string()))?;
    let ours = clock::best(5, || (0..CALLS).for_each(|_| drop(pullback())));
    let ours = ours / f64::from(CALLS);
    let python = match peers.python("cotangent") {
        Ok(python) => python,
        Err(why) => return Ok(vec![Row::skipped(work, ours, "from Python", &why)]),
    };
    let mut command = Command::new(python);
    command.arg(peer::script("doors_call.py")).arg(&file);
    let measured = peer::run(&mut command)?;
    let missing = || failed("the script printed no row `pullback`".into());
    let theirs = measured.get("pullback").ok_or_else(missing)?.cpu_s;
    let overhead = Proof {
        what: "what a call from Python costs beyond the work".into(),
        must: must.into(),
        measured: format!("{:.1} us", (theirs - ours) * 1e6),
        holds: theirs - ours <= 20e-6,
    };
    Ok(vec![Row::cpu_us(work, ours, ("from Python", theirs), None), Item::Proof(overhead)])
}

/// The command, which is built into the folder of this program.
pub(super) fn command() -> Result<PathBuf, String> {
    let program = std::env::current_exe().map_err(|e| e.to_string())?.with_file_name("cotangent");
    let missing = "the command is not built: cargo build --release -p cotangent-cli";
    if program.exists() { Ok(program) } else { Err(missing.into()) }
}

pub(super) fn skipped(what: &str, must: &str, why: impl Into<String>) -> Item {
    Item::Skipped(Skipped { what: what.into(), must: must.into(), why: why.into() })
}

/// The evaluations of `GradBench`, run by its own programs and judged by its hand-written C++.
fn gradbench(peers: &Peers) -> Result<Vec<Item>, PeerError> {
    let what = "GradBench: its evaluations, judged by its tool `manual`";
    let must = "every answer of all 12 is valid";
    let Some(copy) = &peers.copies.gradbench else {
        return Ok(vec![skipped(what, must, "no --gradbench given")]);
    };
    // where all programs go, or where its own workspace puts it
    let beside = std::env::current_exe()?.with_file_name("cotangent-gradbench");
    let own = root().join("bench/gradbench/target/release/cotangent-gradbench");
    let tool = if beside.exists() { beside } else { own };
    let python = match peers.python("scipy, pydantic, dataclasses_json") {
        Ok(python) => python,
        Err(why) => return Ok(vec![skipped(what, must, why)]),
    };
    if !tool.exists() {
        let build = "the tool is not built: cargo build --release --manifest-path bench/gradbench/Cargo.toml";
        return Ok(vec![skipped(what, must, build)]);
    }
    let mut command = Command::new(python);
    let found = peer::run(command.arg(peer::script("gradbench.py")).arg(copy).arg(&tool))?;
    let valid = |m: &peer::Measured| matches!(m.values[..], [n, valid] if n > 0.0 && n.to_bits() == valid.to_bits());
    let whole = found.values().filter(|m| valid(m)).count();
    let answers: f64 = found.values().filter_map(|m| m.values.first()).sum();
    let measured = format!("{whole} of {}, {answers} answers", found.len());
    let holds = whole == 12 && found.len() == 12;
    Ok(vec![Item::Proof(Proof { what: what.into(), must: must.into(), measured, holds })])
}
