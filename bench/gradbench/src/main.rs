//! Cotangent as a tool of `GradBench`: each evaluation's function is written once, generic over `Real`, and differentiated by the
//! library. Messages are read from standard input, a JSON object a line, and answered on standard output.

mod evals;
mod input;
mod output;
mod protocol;

#[path = "../../src/adbench/mod.rs"]
#[allow(
    dead_code,
    clippy::wildcard_imports,
    reason = "the objectives of the benchmarks, which also have hand-written adjoints and files of their own"
)]
mod adbench;

use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

fn main() -> ExitCode {
    let (input, mut output) = (io::stdin().lock(), BufWriter::new(io::stdout().lock()));
    match protocol::serve(input, &mut output).and_then(|()| output.flush()) {
        // who asks no more has gone
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(e) => {
            let _ = writeln!(io::stderr(), "{e}");
            ExitCode::FAILURE
        }
        Ok(()) => ExitCode::SUCCESS,
    }
}
