//! Doors: the map of a scenario in Python and over HTTP, beside the library's own.

use std::path::{Path, PathBuf};
use std::process::Command;

use cotangent_problem::{At, CheckedMap, SampleKey, Workspace};

use super::Measure;
use crate::clock;
use crate::peer::{self, PeerError, Peers};
use crate::report::{Item, Proof, Row};

pub(super) const ROWS: &[Measure] = measurements![a_call];
pub(super) const PROOFS: &[Measure] = measurements![python_tests];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Calls of one measurement, of which the best of five counts.
const CALLS: u32 = 2000;

/// A pullback of one step, in Rust and called from Python: what a call costs is the difference.
fn a_call(peers: &Peers) -> Result<Vec<Item>, PeerError> {
    let work = "one pullback of one step of a double pendulum";
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
        must: "at most 20 us".into(),
        measured: format!("{:.1} us", (theirs - ours) * 1e6),
        holds: theirs - ours <= 20e-6,
    };
    Ok(vec![Row::cpu_us(work, ours, ("from Python", theirs), None), Item::Proof(overhead)])
}

/// The package's tests: values and derivatives in NumPy, SciPy, JAX and torch and through both servers, to the bits of the command
/// line.
fn python_tests(peers: &Peers) -> Result<Vec<Item>, PeerError> {
    let what = "the Python package beside the command line, SciPy, JAX, torch, UM-Bridge's and Tesseract's clients";
    let program = std::env::current_exe()?.with_file_name("cotangent");
    let proof = |measured: String, holds: bool| {
        let must = "every test passes".into();
        vec![Item::Proof(Proof { what: what.into(), must, measured, holds })]
    };
    let python = match peers.python("cotangent") {
        Ok(python) => python,
        Err(why) => return Ok(proof(format!("not run: {why}"), false)),
    };
    if !program.exists() {
        let build = "cargo build --release -p cotangent-cli";
        return Ok(proof(format!("not run: there is no {}; {build}", program.display()), false));
    }
    let done = Command::new(python)
        .args(["-m", "pytest", "-q", "-p", "no:cacheprovider", "--cotangent"])
        .arg(&program)
        .arg(root().join("python/tests"))
        .output()?;
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    let last = said.lines().last().unwrap_or_default().trim_matches(['=', ' ']).to_owned();
    Ok(proof(last, done.status.success()))
}
