//! What is said of an answer: goals with numbers, uncertainties, tables.

use std::fmt::Write as _;

use cotangent_problem::{
    Finding, Must, NoError, Objective, Quantity, SampleKey, Uncertainty, Want, Workspace,
    uncertainty,
};

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
        artifacts: tables(study, &after.entries),
        ..Conclusion::default()
    };
    if let Some(found) = uncertainty_of(study, run.answer) {
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
        Some(Must::AtMost(bound)) => format!("at most {bound:.6}{unit}"),
        Some(Must::AtLeast(bound)) => format!("at least {bound:.6}{unit}"),
        None => String::new(),
    };
    let error = finding.standard_error.map_or(String::new(), |e| format!(" +- {e:.2e}"));
    Criterion {
        what: format!("{}: {}", finding.label, finding.what),
        must,
        measured: format!("{}{error}{unit}", shown(finding.measured)),
        met: finding.met,
    }
}

/// A number with four figures.
fn shown(value: f64) -> String {
    if value == 0.0 || (1e-3..1e5).contains(&value.abs()) {
        let digits =
            if value == 0.0 { 1 } else { (3.0 - value.abs().log10().floor()).max(0.0) as usize };
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
        let name = if name.contains([',', '"']) {
            format!("\"{}\"", name.replace('"', "\"\""))
        } else {
            name
        };
        let _ = writeln!(text, "{name},{},{start},{answer},{error}", units[k]);
    }
    text
}

/// The outputs of the answer as CSV: those along one axis in one table.
fn tables(study: &Study, y: &[f64]) -> Vec<(String, Vec<u8>)> {
    let mut tables: Vec<(Vec<f64>, String, Vec<(String, Vec<f64>)>)> = Vec::new();
    for &(index, first) in &study.outputs {
        let quantity = &study.simulation.outputs()[index];
        let Some(axis) = &quantity.axis else { continue };
        let columns = columns(quantity, &y[first..first + quantity.len()]);
        match tables.iter_mut().find(|(values, ..)| *values == axis.values) {
            Some((_, _, known)) => known.extend(columns),
            None => tables.push((
                axis.values.clone(),
                format!("{} ({})", axis.name, axis.unit),
                columns,
            )),
        }
    }
    let text = |(values, name, columns): (Vec<f64>, String, Vec<(String, Vec<f64>)>)| {
        let mut text = name;
        columns.iter().for_each(|(name, _)| text.push_str(&format!(",{}", name.replace(',', ";"))));
        text.push('\n');
        for (row, value) in values.iter().enumerate() {
            let _ = write!(text, "{value:.9}");
            columns.iter().for_each(|(_, column)| {
                let _ = write!(text, ",{:.9e}", column[row]);
            });
            text.push('\n');
        }
        text.into_bytes()
    };
    let name =
        |k: usize| if k == 0 { "outputs.csv".into() } else { format!("outputs-{}.csv", k + 1) };
    tables.into_iter().enumerate().map(|(k, table)| (name(k), text(table))).collect()
}

/// Columns of a quantity along its axis, with their names.
pub(crate) fn columns(quantity: &Quantity, y: &[f64]) -> Vec<(String, Vec<f64>)> {
    let column = |c: usize| y.iter().skip(c).step_by(quantity.row_len()).copied().collect();
    column_names(quantity).into_iter().enumerate().map(|(c, name)| (name, column(c))).collect()
}

/// Names of the columns that a quantity has in a table along its axis.
pub(super) fn column_names(quantity: &Quantity) -> Vec<String> {
    let row = quantity.row_len();
    let component = |c: usize| match (row, quantity.is_vector) {
        (1, _) => quantity.name.clone(),
        (3, true) => format!("{}.{}", quantity.name, ["x", "y", "z"][c]),
        _ => format!("{}[{c}]", quantity.name),
    };
    (0..row).map(component).collect()
}
