//! Evaluations in optimizer coordinates, counted.

use cotangent_problem::{Evaluation, SampleKey, TrialFailure, Want, Workspace};
use serde::{Deserialize, Serialize};

use crate::run::Problem;

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

/// An evaluation with derivatives by `z`.
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
    if let Some(gradient) = &mut found.gradient {
        if let Some(i) = gradient.iter().position(|g| !g.is_finite()) {
            let what = format!("the gradient of {}", problem.space.name_of(i));
            return Err(TrialFailure::NonFinite { what });
        }
        *gradient = problem.space.pull_gradient(&x, gradient);
    }
    if let Some(jacobian) = &mut found.jacobian {
        let slopes = problem.space.slopes(&x);
        for row in jacobian.chunks_exact_mut(slopes.len()) {
            row.iter_mut().zip(&slopes).for_each(|(j, s)| *j *= s);
        }
    }
    Ok(found)
}

/// Projected gradient in the infinity norm: what is left of the gradient where no bound stops it.
pub(crate) fn projected_gradient_norm(z: &[f64], g: &[f64], lower: &[f64], upper: &[f64]) -> f64 {
    let component = |i: usize| ((z[i] - g[i]).clamp(lower[i], upper[i]) - z[i]).abs();
    (0..z.len()).map(component).fold(0.0, f64::max)
}

pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

pub(crate) fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
}
