//! Measurements beside peers, and the long proofs.
//!
//! ```text
//! cargo run --release -p cotangent-bench -- AREA [--peer-python PATH] [--format json]
//! cargo run --release -p cotangent-bench -- verify AREA [--only TEXT]
//! cargo run --release -p cotangent-bench -- AREA --list
//! ```
//!
//! The first prints one row a measurement. Both sides of a row are measured in turn in the same run,
//! as process CPU time; a peer that is not installed is reported as skipped, never quoted from memory.
//! The second runs all rows and long proofs of an area and writes its table to `docs/verify-AREA.md`; with `--only` it runs the
//! measurements whose name contains the text, and replaces or adds their lines. The third prints these names.

mod adbench;
mod area;
mod clock;
mod memory;
mod page;
mod peer;
mod report;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};

use crate::area::Area;
use crate::peer::{Copies, Peers};
use crate::report::{Item, Report};

#[global_allocator]
static ALLOCATOR: memory::Counting = memory::Counting;

#[derive(Parser, Debug)]
#[command(about = "Measure Cotangent beside its peers", version)]
struct Args {
    /// `verify` followed by an area, or an area alone.
    #[arg(num_args = 1..=2, value_names = ["verify", "AREA"], required = true)]
    what: Vec<String>,
    /// Run only the measurements and proofs whose name contains this; `verify` then replaces their lines and keeps all others.
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// Of the goals of scenarios, only those of this file of `scenarios/`; may be given several times.
    #[arg(long, value_name = "NAME")]
    scenario: Vec<String>,
    /// Print the names of the area's measurements and proofs, and run none.
    #[arg(long, conflicts_with_all = ["only", "peer_python"])]
    list: bool,
    /// A Python interpreter in which the peers (jax, ...) are installed.
    #[arg(long, value_name = "PATH")]
    peer_python: Option<PathBuf>,
    /// A copy of the repository of `GradBench`, whose own evaluations are run.
    #[arg(long, value_name = "DIR")]
    gradbench: Option<PathBuf>,
    /// The conformance suite of UM-Bridge: the folder `testing/protocol_conformity_1.0` of its repository.
    #[arg(long, value_name = "DIR")]
    umbridge_suite: Option<PathBuf>,
    /// How to print rows on standard output.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// One readable line a row.
    Human,
    /// One JSON object a line.
    Json,
}

fn main() -> ExitCode {
    let args = Args::parse();
    match run(&args) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: {error}");
            ExitCode::from(2)
        }
    }
}

/// Runs what was asked. `Ok(false)`: it ran, and a row or proof does not hold.
fn run(args: &Args) -> Result<bool, Box<dyn std::error::Error>> {
    let (verify, name) = match args.what.as_slice() {
        [verb, area] if verb == "verify" => (true, area),
        [area] if area != "verify" => (false, area),
        _ => return Err("say AREA, or `verify AREA`".into()),
    };
    let area = Area::parse(name)?;
    if args.list {
        let mut out = io::stdout().lock();
        area.names().try_for_each(|name| writeln!(out, "{name}"))?;
        return Ok(true);
    }
    let selected = area.selected(verify, args.only.as_deref())?;
    let copies =
        Copies { gradbench: args.gradbench.clone(), umbridge: args.umbridge_suite.clone() };
    let peers = Peers::new(args.peer_python.clone(), copies, args.scenario.clone())?;
    let mut report = Report::new(area.name);
    let print = |item: &Item| -> io::Result<()> {
        let mut out = io::stdout().lock();
        match args.format {
            Format::Human => writeln!(out, "{item}"),
            Format::Json => {
                writeln!(out, "{}", serde_json::to_string(item).map_err(io::Error::other)?)
            }
        }
    };
    for measure in selected {
        for item in (measure.run)(&peers)? {
            print(&item)?;
            report.push(item);
        }
    }
    if verify {
        let is_part = args.only.is_some() || !args.scenario.is_empty();
        let path = report.write(is_part)?;
        writeln!(io::stderr(), "wrote {}", path.display())?;
    }
    Ok(report.holds())
}
