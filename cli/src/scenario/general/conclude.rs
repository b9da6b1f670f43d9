//! What is said of an answer: goals with numbers, uncertainties, tables.

use std::fmt::Write as _;

use cotangent_problem::{
    Finding, Must, NoError, Objective, Quantity, SampleKey, Uncertainty, Want, Workspace,
    uncertainty,
};

use super::table::{quoted, tables};
use super::{Study, figures};
use crate::run::{Conclusion, Criterion, Finished};

/// Entries of a Jacobian up to which the answer's uncertainty is computed.
const MOST_ENTRIES: usize = 20_000_000;
/// Free numbers up to which it is.
const MOST_NUMBERS: usize = 1000;

/// Judges, tabulates and draws the answer of a run.
///
/// # Errors
/// Outputs that have no value at the start or at the answer.
pub(super) fn conclude(study: &Study, run: &Finished) -> Result<Conclusion, String> {
    let key = SampleKey(0).child("judge", 0);
    let mut ws = Workspace::new();
    let mut outputs = |x: &[f64]| study.asked.outputs(x, key, &mut ws).map_err(|e| e.to_string());
    let (before, after) = (outputs(run.start)?, outputs(run.answer)?);
    let errors = after.standard_errors.as_deref();
    let findings: Vec<Finding> =
        study.goals.iter().map(|g| g.judge(&after.entries, errors, run.answer)).collect();
    let mut conclusion = Conclusion {
        criteria: findings.iter().map(criterion).collect(),
        findings,
        figures: figures::of_run(study, &before.entries, &after.entries, run),
        artifacts: output_tables(study, &after.entries),
        ..Conclusion::default()
    };
    if let Some(found) = uncertainty_of(study, run.answer) {
        let errors = found.standard_errors.iter().map(|e| e.ok()).collect();
        conclusion.standard_errors = Some(errors);
        conclusion.warnings.extend(warnings(&found));
        conclusion
            .artifacts
            .push(("answer.csv".into(), answer_table(study, run, Some(&found)).into_bytes()));
    } else {
        conclusion
            .artifacts
            .push(("answer.csv".into(), answer_table(study, run, None).into_bytes()));
    }
    Ok(conclusion)
}

/// A finding as a statement of the report.
fn criterion(finding: &Finding) -> Criterion {
    let unit = if finding.unit.is_empty() { String::new() } else { format!(" {}", finding.unit) };
    let must = match finding.must {
        Some(Must::AtMost(bound)) => format!("at most {}{unit}", shown(bound)),
        Some(Must::AtLeast(bound)) => format!("at least {}{unit}", shown(bound)),
        None => String::new(),
    };
    let error = finding.standard_error.map_or(String::new(), |e| format!(" +- {e:.2e}"));
    Criterion {
        what: if finding.what.starts_with(&finding.label) {
            finding.what.clone()
        } else {
            format!("{}: {}", finding.label, finding.what)
        },
        must,
        measured: format!("{}{error}{unit}", shown(finding.measured)),
        met: finding.met,
    }
}

/// A number with four figures.
fn shown(value: f64) -> String {
    if value == 0.0 {
        return "0".into();
    }
    if (1e-3..1e5).contains(&value.abs()) {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 6")]
        let digits = (3.0 - value.abs().log10().floor()).clamp(0.0, 6.0) as usize;
        format!("{value:.digits$}")
    } else {
        format!("{value:.3e}")
    }
}

/// Standard errors of the answer of a least-squares problem, where they can be had.
fn uncertainty_of(study: &Study, x: &[f64]) -> Option<Uncertainty> {
    let can = study.asked.capabilities();
    let rows = can.residuals.filter(|_| !can.stochastic && x.len() <= MOST_NUMBERS)?;
    if rows * x.len() > MOST_ENTRIES {
        return None;
    }
    let key = SampleKey(0).child("judge", 0);
    let found = study.asked.evaluate(x, Want::JACOBIAN, key, &mut Workspace::new()).ok()?;
    let (residuals, jacobian) = (found.residuals?, found.jacobian?);
    uncertainty(study.asked.choice().space(), x, &residuals, &jacobian, study.noise_known)
}

fn warnings(found: &Uncertainty) -> Vec<String> {
    found
        .undetermined
        .iter()
        .map(|direction| {
            let shares: Vec<String> = direction
                .shares
                .iter()
                .take(6)
                .map(|(name, share)| format!("{share:+.2} {name}"))
                .collect();
            format!(
                "the data do not determine the direction {}: fix one of these",
                shares.join(" ")
            )
        })
        .collect()
}

/// Every free number with its unit, its start, its answer and its standard error.
fn answer_table(study: &Study, run: &Finished, found: Option<&Uncertainty>) -> String {
    let space = study.asked.choice().space();
    let units: Vec<&str> =
        space.parameters().iter().flat_map(|p| vec![p.unit.as_str(); p.len()]).collect();
    let mut text = String::from("name,unit,start,answer,standard_error\n");
    for (k, (start, answer)) in run.start.iter().zip(run.answer).enumerate() {
        let error = match found.map(|f| f.standard_errors[k]) {
            Some(Ok(error)) => error.to_string(),
            Some(Err(NoError::OnBound)) => "on its bound".into(),
            Some(Err(NoError::Undetermined)) => "not determined".into(),
            None => String::new(),
        };
        let name = space.name_of(k);
        let name = quoted(&name);
        let _ = writeln!(text, "{name},{},{start},{answer},{error}", units[k]);
    }
    text
}

/// The outputs of the answer that are asked of, as CSV.
fn output_tables(study: &Study, y: &[f64]) -> Vec<(String, Vec<u8>)> {
    let all = study.simulation.outputs();
    let quantities: Vec<&Quantity> = study.outputs.iter().map(|(k, _)| &all[*k]).collect();
    tables(&quantities, y).into_iter().map(|(name, text)| (name, text.into_bytes())).collect()
}
