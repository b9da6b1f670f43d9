//! How long a user waits for a model to be compiled.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::peer::{PeerError, Peers};
use crate::report::{Item, Proof};

/// Of the model's own crate, in processor seconds.
const MOST: f64 = 5.0;

/// A model of ten lines, as a user writes it.
const MODEL: &str = r#"use cotangent_ad::ode::{Dynamics, Options, solve};
use cotangent_ad::{Num, Real, Var, grad};

#[derive(Clone)]
struct Hares;
impl Dynamics for Hares {
    fn rate<R: Real>(&self, _: R, y: &[R], p: &[R]) -> Vec<R> {
        vec![(p[0] - p[1] * y[1]) * y[0], (p[3] * y[0] - p[2]) * y[1]]
    }
}

fn after_a_year(p: &[Var<f64>]) -> Var<f64> {
    let start = [Num::lit(34.0), Num::lit(6.0)];
    solve(&Hares, 0.0, Num::lit(1.0), &start, p, &[], &Options::default()).unwrap().state[0]
}

fn main() {
    println!("{:?}", grad(after_a_year, &[0.55, 0.028, 0.8, 0.024]));
}
"#;

/// A release build of the model's crate when the library is built, by the profile that cargo gives a new crate.
pub(super) fn proofs(peers: &Peers) -> Result<Vec<Item>, PeerError> {
    let folder = peers.folder().join("model");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    fs::create_dir_all(folder.join("src"))?;
    let library = root.join("core-ad").canonicalize()?;
    let manifest = format!(
        "[package]\nname = \"model\"\nedition = \"2024\"\n\n[dependencies]\ncotangent-ad = {{ path = \"{}\" }}\n\n\
         [workspace]\n",
        library.display()
    );
    fs::write(folder.join("Cargo.toml"), manifest)?;
    fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock"))?;
    fs::write(folder.join("src/main.rs"), MODEL)?;
    cargo(&folder, "build --release")?;
    fs::write(folder.join("src/main.rs"), format!("{MODEL}\n"))?;
    let seconds = cargo(&folder, "build --release")?;
    Ok(vec![Item::Proof(Proof {
        what: "release build of a model's crate after the library is built".into(),
        must: format!("<= {MOST} s of the processor"),
        measured: format!("{seconds:.1} s"),
        holds: seconds <= MOST,
    })])
}

/// Processor seconds of cargo and what it starts, as a shell counts them.
fn cargo(folder: &Path, arguments: &str) -> Result<f64, PeerError> {
    let command = format!("cargo {arguments} --quiet && times");
    let built = Command::new("sh")
        .args(["-c", &command])
        .current_dir(folder)
        .env("CARGO_TARGET_DIR", folder.join("target"))
        .output()?;
    let told = String::from_utf8_lossy(&built.stdout);
    // the second line is of the children: user and system time, each as minutes and seconds
    let children = told.lines().last().filter(|_| built.status.success());
    let seconds = |time: &str| -> Option<f64> {
        let (minutes, seconds) = time.trim_end_matches('s').split_once('m')?;
        Some(60.0 * minutes.parse::<f64>().ok()? + seconds.parse::<f64>().ok()?)
    };
    let sum = children.map(|line| line.split_whitespace().map(seconds).sum::<Option<f64>>());
    sum.flatten().ok_or_else(|| PeerError::Failed {
        what: command,
        stderr: String::from_utf8_lossy(&built.stderr).into_owned(),
    })
}
