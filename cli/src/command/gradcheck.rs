//! `gradcheck`: the gradient at the start against finite differences.

use std::fmt::Write as _;

use super::{Failure, Voice};
use crate::args::Input;
use crate::exit::Exit;
use crate::run::gradcheck::{Gradcheck, GradcheckOptions, gradcheck as check};
use cotangent_scenarios as scenario;
use cotangent_scenarios::diagnostic::Diagnostic;

/// Checks a scenario's gradient.
pub(super) fn gradcheck(
    input: &Input,
    tolerance: Option<f64>,
    samples: u32,
    only: &[String],
    voice: Voice,
) -> Result<Exit, Failure> {
    let loaded = scenario::load(&input.scenario, &input.changes.overrides())?;
    let (space, start) = (loaded.scenario.space(), loaded.scenario.start(loaded.seed));
    let exists = |name: &&String| (0..start.len()).any(|i| space.name_of(i).starts_with(*name));
    if let Some(name) = only.iter().find(|name| !exists(name)) {
        let message = format!("`--only {name}`: no parameter's name begins so");
        let help = format!("`cotangent list {}` has the names", input.scenario.display());
        let code = "cotangent::gradcheck::no_such_parameter";
        return Err(Failure::Input(vec![Diagnostic::plain(code, message, help)]));
    }
    voice.tell(&loaded.scenario.cost());
    let prepared = loaded.scenario.prepare().map_err(Failure::Numerical)?;
    let stochastic = prepared.objective().capabilities().stochastic;
    let options = GradcheckOptions {
        tolerance: tolerance.unwrap_or(if stochastic { 0.02 } else { 1e-6 }),
        samples,
        seed: loaded.seed,
        only: only.to_vec(),
    };
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
    let stochastic = found.samples > 1;
    let last = if stochastic { "s.e." } else { "slope" };
    let mut text = format!(
        "{:<28} {:>14} {:>14} {:>9} {last:>7}\n",
        "parameter", "gradient", "difference", "error"
    );
    for e in &found.parameters {
        let slope = match e.taylor_slope {
            _ if stochastic => format!("{:.1e}", e.uncertainty / e.gradient.abs()),
            Some(slope) => format!("{slope:.2}"),
            None => "-".into(),
        };
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
