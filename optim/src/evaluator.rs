//! Evaluations in optimizer coordinates, checked and counted.

use cotangent_problem::{Evaluation, SampleKey, TrialFailure, Want, Workspace};
use serde::{Deserialize, Serialize};

use crate::problem::Problem;

/// How often the objective was called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Calls, whatever was wanted of them.
    pub evaluations: u64,
    /// Calls that wanted a gradient or a Jacobian.
    pub gradient_evaluations: u64,
    /// Calls that failed.
    pub failures: u64,
}

impl Counts {
    pub(crate) fn add(&mut self, want: Want, failed: bool) {
        self.evaluations += 1;
        self.gradient_evaluations += u64::from(want.gradient || want.jacobian);
        self.failures += u64::from(failed);
    }
}

/// An evaluation with derivatives by `z`. Whatever was wanted is there, finite, and of the length that it must have.
pub(crate) fn evaluate(
    problem: &Problem,
    z: &[f64],
    want: Want,
    key: SampleKey,
    ws: &mut Workspace,
) -> Result<Evaluation, TrialFailure> {
    let x = problem.space.decode(z);
    let mut found = problem.objective.evaluate(&x, want, key, ws)?;
    if !found.value.is_finite() {
        return Err(TrialFailure::NonFinite { what: "the objective's value".into() });
    }
    let n = z.len();
    if want.gradient {
        let gradient = given(found.gradient.take(), "gradient", n)?;
        if let Some(i) = gradient.iter().position(|g| !g.is_finite()) {
            let what = format!("the gradient of {}", problem.space.name_of(i));
            return Err(TrialFailure::NonFinite { what });
        }
        found.gradient = Some(problem.space.pull_gradient(&x, &gradient));
    }
    let m = problem.objective.capabilities().residuals.unwrap_or(0);
    if want.residuals {
        let residuals = given(found.residuals.take(), "list of residuals", m)?;
        finite(&residuals, |i| format!("residual {i}"))?;
        found.residuals = Some(residuals);
    }
    if want.jacobian {
        let mut jacobian = given(found.jacobian.take(), "Jacobian of the residuals", m * n)?;
        finite(&jacobian, |k| {
            format!("the derivative of residual {} by {}", k / n, problem.space.name_of(k % n))
        })?;
        let slopes = problem.space.slopes(&x);
        for row in jacobian.chunks_exact_mut(n) {
            row.iter_mut().zip(&slopes).for_each(|(j, s)| *j *= s);
        }
        found.jacobian = Some(jacobian);
    }
    Ok(found)
}

/// What was wanted, or that the objective broke its contract.
fn given(list: Option<Vec<f64>>, what: &str, length: usize) -> Result<Vec<f64>, TrialFailure> {
    let Some(list) = list else {
        let message = format!("a {what} was wanted, and the objective gave none");
        return Err(TrialFailure::Contract(message));
    };
    if list.len() == length {
        return Ok(list);
    }
    let message = format!("the objective gave a {what} of {} entries, not {length}", list.len());
    Err(TrialFailure::Contract(message))
}

fn finite(list: &[f64], name: impl Fn(usize) -> String) -> Result<(), TrialFailure> {
    match list.iter().position(|v| !v.is_finite()) {
        Some(i) => Err(TrialFailure::NonFinite { what: name(i) }),
        None => Ok(()),
    }
}

/// Projected gradient in the infinity norm: what is left of the gradient where no bound stops it. Entry by entry
/// `min(|g|, distance to the bound that it points at)`, so a small gradient is not lost beside a large `z`.
pub(crate) fn projected_gradient_norm(z: &[f64], g: &[f64], lower: &[f64], upper: &[f64]) -> f64 {
    let component = |i: usize| {
        let room = if g[i] > 0.0 { z[i] - lower[i] } else { upper[i] - z[i] };
        g[i].abs().min(room.max(0.0))
    };
    (0..z.len()).map(component).fold(0.0, f64::max)
}

pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

pub(crate) fn norm(a: &[f64]) -> f64 {
    dot(a, a).sqrt()
}

pub(crate) fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
}
