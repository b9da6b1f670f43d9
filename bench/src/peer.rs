//! Driving peers: C compiled on the spot, Python scripts in an interpreter that the user names.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;
use thiserror::Error;

/// Why a peer could not be measured. A peer that is absent is not an error: see [`Peers::python`].
#[derive(Debug, Error)]
pub(crate) enum PeerError {
    /// The temporary folder for compiled peers could not be made.
    #[error("no temporary folder for compiled peers, or no pipe to a peer: {0}")]
    Folder(#[from] std::io::Error),
    /// A peer ran and failed.
    #[error("{what} failed:\n{stderr}")]
    Failed {
        /// The command.
        what: String,
        /// What it said.
        stderr: String,
    },
    /// A peer printed something else than rows.
    #[error("{what} printed a line that is no row: {line:?}")]
    Output {
        /// The command.
        what: String,
        /// The line.
        line: String,
    },
    /// A peer that answers questions has ended.
    #[error("the peer's process has ended")]
    Gone,
}

/// One variant's line: CPU seconds, then the numbers that it computed.
#[derive(Clone, Debug)]
pub(crate) struct Measured {
    /// Least process CPU seconds.
    pub cpu_s: f64,
    /// Values for checking that both sides computed the same.
    pub values: Vec<f64>,
}

/// Copies of repositories of peers, where they are at hand.
#[derive(Clone, Debug, Default)]
pub(crate) struct Copies {
    /// That of `GradBench`.
    pub gradbench: Option<PathBuf>,
    /// The conformance suite in that of UM-Bridge.
    pub umbridge: Option<PathBuf>,
}

/// The peers of one run.
#[derive(Debug)]
pub(crate) struct Peers {
    python: Option<PathBuf>,
    pub(crate) copies: Copies,
    /// The scenarios whose goals are looked at; all where it is empty.
    pub(crate) scenarios: Vec<String>,
    build: TempDir,
}

impl Peers {
    pub(crate) fn new(
        python: Option<PathBuf>,
        copies: Copies,
        scenarios: Vec<String>,
    ) -> Result<Self, PeerError> {
        Ok(Self { python, copies, scenarios, build: TempDir::new()? })
    }

    /// A folder of this run's own.
    pub(crate) fn folder(&self) -> &Path {
        self.build.path()
    }

    /// Compiles a file of `peers`, in C or C++, with the system's compiler, at the machine's own instruction set: the limit should
    /// be a real one. `None` where there is no compiler.
    pub(crate) fn compile(
        &self,
        source: &str,
        libraries: &[&str],
    ) -> Result<Option<PathBuf>, PeerError> {
        let path = script(source);
        let (variable, usual) =
            if path.extension().is_some_and(|e| e == "c") { ("CC", "cc") } else { ("CXX", "c++") };
        let binary = self.build.path().join(path.file_stem().unwrap_or_default());
        let compiler = std::env::var(variable).unwrap_or_else(|_| usual.into());
        let built = Command::new(&compiler)
            .args(["-O3", "-march=native", "-o"])
            .arg(&binary)
            .arg(path)
            .args(libraries.iter().map(|l| format!("-l{l}")))
            .output();
        match built {
            Err(_) => Ok(None),
            Ok(out) if out.status.success() => Ok(Some(binary)),
            Ok(out) => Err(PeerError::Failed {
                what: format!("{compiler} {source}"),
                stderr: String::from_utf8_lossy(&out.stderr).into_owned(),
            }),
        }
    }

    /// The interpreter, where it was named and has `module`; else why this peer is skipped.
    pub(crate) fn python(&self, module: &str) -> Result<&Path, String> {
        let python = self.python.as_deref().ok_or("no --peer-python given")?;
        let found = Command::new(python).args(["-c", &format!("import {module}")]).output();
        match found {
            Ok(out) if out.status.success() => Ok(python),
            // not its path: the tables are of no particular machine
            Ok(_) => Err(format!("the interpreter of --peer-python has no module {module}")),
            Err(e) => Err(format!("the interpreter of --peer-python does not run: {e}")),
        }
    }
}

/// Path of a file in `bench/peers`.
pub(crate) fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("peers").join(name)
}

/// Runs a peer that prints `name cpu_seconds value...` lines.
pub(crate) fn run(command: &mut Command) -> Result<BTreeMap<String, Measured>, PeerError> {
    let what = format!("{command:?}");
    let out = command.output()?;
    if !out.status.success() {
        let stderr = String::from_utf8_lossy(&out.stderr).into_owned();
        return Err(PeerError::Failed { what, stderr });
    }
    let text = String::from_utf8_lossy(&out.stdout);
    text.lines()
        .map(|line| {
            parse(line).ok_or_else(|| PeerError::Output { what: what.clone(), line: line.into() })
        })
        .collect()
}

fn parse(line: &str) -> Option<(String, Measured)> {
    let mut words = line.split_whitespace();
    let name = words.next()?.to_owned();
    let numbers: Vec<f64> = words.map(|w| w.parse().ok()).collect::<Option<_>>()?;
    let (&cpu_s, values) = numbers.split_first()?;
    Some((name, Measured { cpu_s, values: values.to_vec() }))
}
