//! The harness on an objective of one's own: run folder, progress, checkpoint, plots and report.
//!
//! `cargo run --release -p cotangent-cli --example own_objective`

use std::io::Write as _;

use cotangent_ad::{Real, value_and_grad};
use cotangent_cli::progress::{Shown, Style};
use cotangent_cli::report;
use cotangent_cli::run::{HarnessError, Job, run};
use cotangent_problem::{
    Capabilities, Evaluation, Objective, Parameter, SampleKey, Space, TrialFailure, Want, Workspace,
};

/// Rosenbrock's valley, written once over [`Real`].
fn valley<R: Real>(x: &[R]) -> R {
    let bend = x[1] - x[0] * x[0];
    (-x[0] + 1.0).powi(2) + bend * bend * 100.0
}

struct Valley;

impl Objective for Valley {
    fn dim(&self) -> usize {
        2
    }
    fn capabilities(&self) -> Capabilities {
        Capabilities { gradient: true, ..Capabilities::default() }
    }
    fn evaluate(
        &self,
        x: &[f64],
        _: Want,
        _: SampleKey,
        _: &mut Workspace,
    ) -> Result<Evaluation, TrialFailure> {
        let (value, gradient) = value_and_grad(valley, x);
        Ok(Evaluation { value, gradient: Some(gradient), ..Evaluation::default() })
    }
}

fn main() -> Result<(), HarnessError> {
    let space =
        Space::new(vec![Parameter::vector("x", 2)]).map_err(cotangent_optim::StartError::from)?;
    let job = Job {
        asked: "The lowest point of Rosenbrock's valley.".into(),
        ..Job::new("valley", &[-1.2, 1.0])
    };
    let record = run(&Valley, &space, &job, &mut Shown::new(Style::Lines))?;
    let folder = &record.summary.run_dir;
    report::write(&record, folder)?;
    let report = folder.join("report.html");
    let _ = writeln!(std::io::stderr(), "x = {:?}; {}", record.found[0].value, report.display());
    Ok(())
}
