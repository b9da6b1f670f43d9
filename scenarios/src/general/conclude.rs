//! What is said of an answer: goals with numbers, uncertainties, tables.

use std::fmt::Write as _;

use cotangent_problem::{
    Finding, Must, NoError, Objective, Quantity, SampleKey, Uncertainty, Values, Want, Workspace,
    uncertainty,
};

use super::table::tables;
use super::{Study, figures};
use cotangent_answer::{Conclusion, Criterion, Extras, Finished};
use cotangent_harness::history::csv_field;

/// Entries of a Jacobian up to which the answer's uncertainty is computed.
const MOST_ENTRIES: usize = 20_000_000;
/// Free numbers up to which it is.
const MOST_NUMBERS: usize = 1000;

/// Judges, tabulates and draws the answer of a run.
///
/// # Errors
/// Outputs that have no value at the start or at the answer.
pub(super) fn conclude(study: &Study, run: &Finished) -> Result<Conclusion, String> {
    let (before, after) = (outputs(study, run.start)?, outputs(study, run.answer)?);
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
    if let Some(portrait) = &study.portrait {
        let Extras { files, warnings } = portrait.extras(&study.inputs_at(run.answer));
        conclusion.artifacts.extend(files);
        conclusion.warnings.extend(warnings);
    }
    // what no term depends on a constraint may still hold
    if study.asked.capabilities().gradient && study.limited.is_none() {
        conclusion.warnings.extend(idle_parameters(study, run));
    }
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

/// Draws that are judged together where outputs are stochastic.
const DRAWS: u64 = 8;

/// The outputs at `x`. Stochastic ones that state no error of their own are averaged over several draws, whose spread is it.
fn outputs(study: &Study, x: &[f64]) -> Result<Values, String> {
    let mut ws = Workspace::new();
    let mut draw = |k: u64| {
        let key = SampleKey(0).child("judge", k);
        study.judge().outputs(x, key, &mut ws).map_err(|e| e.to_string())
    };
    let first = draw(0)?;
    if !study.asked.capabilities().stochastic || first.standard_errors.is_some() {
        return Ok(first);
    }
    let (mut mean, mut square) = (first.entries.clone(), vec![0.0; first.entries.len()]);
    for k in 1..DRAWS {
        // Welford's recursion: the sum of the squares is about the mean so far
        for ((y, mean), square) in draw(k)?.entries.iter().zip(&mut mean).zip(&mut square) {
            let away = y - *mean;
            *mean += away / (k + 1) as f64;
            *square += away * (y - *mean);
        }
    }
    let count = DRAWS as f64;
    let errors = square.iter().map(|s| (s / (count * (count - 1.0))).sqrt()).collect();
    Ok(Values { entries: mean, standard_errors: Some(errors), ..first })
}

/// A finding as a statement of the report.
fn criterion(finding: &Finding) -> Criterion {
    let unit = if finding.unit.is_empty() { String::new() } else { format!(" {}", finding.unit) };
    let measured = finding.measured;
    let (must, measured) = match finding.must {
        Some(must) => {
            let (words, bound) = match must {
                Must::Within(bound) => ("within", bound),
                Must::AtMost(bound) => ("at most", bound),
                Must::AtLeast(bound) => ("at least", bound),
            };
            let [bound, measured] = apart(bound, measured);
            (format!("{words} {bound}{unit}"), measured)
        }
        None => (String::new(), shown(measured, 4)),
    };
    let error = finding
        .standard_error
        .filter(|e| *e > 0.0)
        .map_or(String::new(), |e| format!(" +- {e:.2e}"));
    Criterion {
        what: if finding.what.starts_with(&finding.label) {
            finding.what.clone()
        } else {
            format!("{}: {}", finding.label, finding.what)
        },
        must,
        measured: format!("{measured}{error}{unit}"),
        met: finding.met,
    }
}

/// Two numbers with as many figures, four or more, as tell them apart.
fn apart(a: f64, b: f64) -> [String; 2] {
    let with = |figures: usize| [shown(a, figures), shown(b, figures)];
    let tell = |pair: &[String; 2]| a.total_cmp(&b).is_eq() || pair[0] != pair[1];
    (4..17).map(with).find(tell).unwrap_or_else(|| with(17))
}

/// A number with so many figures.
fn shown(value: f64, figures: usize) -> String {
    if value == 0.0 {
        return "0".into();
    }
    let most = if figures > 4 { 20.0 } else { 6.0 };
    if (1e-3..1e5).contains(&value.abs()) {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 20")]
        let digits = (figures as f64 - 1.0 - value.abs().log10().floor()).clamp(0.0, most) as usize;
        format!("{value:.digits$}")
    } else {
        format!("{value:.*e}", figures - 1)
    }
}

/// Standard errors of the answer of a least-squares problem, where they can be had.
fn uncertainty_of(study: &Study, x: &[f64]) -> Option<Uncertainty> {
    if study.limited.is_some() {
        return None; // along a constraint that holds nothing varies, and across it the terms do not vanish
    }
    let can = study.asked.capabilities();
    let rows = can.residuals.filter(|_| !can.stochastic && x.len() <= MOST_NUMBERS)?;
    if rows * x.len() > MOST_ENTRIES {
        return None;
    }
    let key = SampleKey(0).child("judge", 0);
    let found = study.asked.evaluate(x, Want::JACOBIAN, key, &mut Workspace::new()).ok()?;
    let (residuals, jacobian) = (found.residuals?, found.jacobian?);
    let data = measured_rows(study, x.len(), &residuals, &jacobian)?;
    let noise_known = study.measured.iter().flatten().all(|known| *known);
    uncertainty(study.asked.choice().space(), x, &data.0, &data.1, noise_known)
}

/// Residuals and Jacobian rows of the terms that compare with data, in units of their scales: weights are taken out, because
/// they say what is asked and not how noisy it was. `None` where data are weighed differently, or where a term that is no
/// measurement pulls at the answer: then the answer is not the one whose errors these would be.
fn measured_rows(
    study: &Study,
    n: usize,
    residuals: &[f64],
    jacobian: &[f64],
) -> Option<(Vec<f64>, Vec<f64>)> {
    let (mut r, mut j, mut first) = (Vec::new(), Vec::new(), 0);
    let mut weight: Option<f64> = None;
    for (term, measured) in study.asked.terms().iter().zip(&study.measured) {
        for g in 0..term.groups() {
            let row = first + g;
            if measured.is_none() {
                if residuals[row] != 0.0 {
                    return None;
                }
                continue;
            }
            let own = term.weight * term.weights[g];
            let first_weight = *weight.get_or_insert(own);
            if (first_weight - own).abs() > 1e-12 * own || own <= 0.0 {
                return None;
            }
            let factor = 1.0 / own.sqrt();
            r.push(residuals[row] * factor);
            j.extend(jacobian[row * n..][..n].iter().map(|d| d * factor));
        }
        first += term.groups();
    }
    (!r.is_empty()).then_some((r, j))
}

/// Most directions that are named one by one.
const MOST_DIRECTIONS: usize = 3;

fn warnings(found: &Uncertainty) -> Vec<String> {
    let contradicted =
        found.noise_factor.filter(|f| !found.noise_estimated && !(0.5..2.0).contains(f));
    let contradicted = contradicted.map(|factor| {
        format!(
            "the misfits are {factor:.2} times what the scales say, so the standard errors are not to be trusted: change the \
             scales, or see what the model lacks"
        )
    });
    let more = found.undetermined.len().saturating_sub(MOST_DIRECTIONS);
    let more = (more > 0).then(|| {
        format!("the data do not determine {more} further directions: fix some of what is free, or measure more")
    });
    let undetermined = found.undetermined.iter().take(MOST_DIRECTIONS).map(|direction| {
        let shares: Vec<String> = direction
            .shares
            .iter()
            .take(6)
            .map(|(name, share)| format!("{share:+.2} {name}"))
            .collect();
        format!("the data do not determine the direction {}: fix one of these", shares.join(" "))
    });
    contradicted.into_iter().chain(undetermined).chain(more).collect()
}

/// Free parameters on which nothing that is asked depends, neither at the start nor at the answer.
fn idle_parameters(study: &Study, run: &Finished) -> Vec<String> {
    let key = SampleKey(0).child("judge", 0);
    let gradient = |x: &[f64]| {
        let found = study.asked.evaluate(x, Want::GRADIENT, key, &mut Workspace::new());
        found.ok().and_then(|e| e.gradient)
    };
    let (Some(start), Some(answer)) = (gradient(run.start), gradient(run.answer)) else {
        return Vec::new();
    };
    let (mut first, mut idle) = (0, Vec::new());
    for p in study.asked.choice().space().parameters() {
        let own = first..first + p.len();
        first = own.end;
        if start[own.clone()].iter().chain(&answer[own]).all(|g| *g == 0.0) {
            idle.push(format!(
                "nothing that is asked depends on `{}`: its value is that of the start",
                p.name
            ));
        }
    }
    idle
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
        let name = csv_field(&name);
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

#[cfg(test)]
mod tests {
    use super::apart;

    #[test]
    fn a_goal_that_is_nearly_met_shows_by_how_much_it_is_not() {
        assert_eq!(apart(2e-3, 1.5e-3), ["0.002000", "0.001500"]);
        assert_eq!(apart(-76.011, -76.010_9), ["-76.0110", "-76.0109"]);
        assert_eq!(apart(0.02, 0.02), ["0.02000", "0.02000"]);
    }
}
