//! `gradcheck`: the gradient at the start against finite differences.

use std::fmt::Write as _;

use super::{Failure, Voice};
use crate::args::Input;
use crate::exit::Exit;
use crate::gradcheck::{Gradcheck, GradcheckOptions, gradcheck as check};
use crate::scenario;

/// Checks a scenario's gradient.
pub(super) fn gradcheck(
    input: &Input,
    tolerance: Option<f64>,
    samples: u32,
    voice: Voice,
) -> Result<Exit, Failure> {
    let loaded = scenario::load(&input.scenario, &input.changes.overrides())?;
    voice.tell(&loaded.scenario.cost());
    let prepared = loaded.scenario.prepare().map_err(Failure::Numerical)?;
    let stochastic = prepared.objective().capabilities().stochastic;
    let options = GradcheckOptions {
        tolerance: tolerance.unwrap_or(if stochastic { 0.02 } else { 1e-6 }),
        samples,
        seed: loaded.seed,
    };
    let (space, start) = (loaded.scenario.space(), loaded.scenario.start(loaded.seed));
    let told = |samples: u32, open: usize| {
        voice.tell(&format!("{samples} samples: {open} entries cannot be told yet"));
    };
    let found = check(prepared.objective(), &space, &start, &options, &told)
        .map_err(|e| Failure::Numerical(e.to_string()))?;
    let json = serde_json::to_value(&found).map_err(|e| Failure::Output(e.into()))?;
    voice.data(&table(&found), &json)?;
    Ok(if found.passed { Exit::Done } else { Exit::GoalNotMet })
}

fn table(found: &Gradcheck) -> String {
    let mut text = format!(
        "{:<28} {:>14} {:>14} {:>9} {:>7}\n",
        "parameter", "gradient", "difference", "error", "slope"
    );
    for e in &found.parameters {
        let slope = e.taylor_slope.map_or("-".into(), |s| format!("{s:.2}"));
        let problem = e.problem.as_ref().map_or(String::new(), |p| format!("  {p}"));
        let _ = writeln!(
            text,
            "{:<28} {:>14.6e} {:>14.6e} {:>9.1e} {slope:>7}{problem}",
            e.name, e.gradient, e.finite_difference, e.relative_error
        );
    }
    let verdict = if found.passed { "passed" } else { "NOT PASSED" };
    let _ = write!(
        text,
        "{verdict}: {} of {} parameters or directions, largest relative error {:.1e} (tolerance {:.0e})",
        found.parameters.len(),
        found.dimension,
        found.max_relative_error,
        found.tolerance
    );
    text
}
