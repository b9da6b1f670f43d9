//! Certified parameters and standard errors of NIST's 27 regressions, from both starts.

use cotangent_problem::uncertainty;

use super::*;
use crate::nist::{self, Nist};

/// Digits that agree: `-log10` of the relative error.
fn digits(found: f64, right: f64) -> f64 {
    -((found - right) / right).abs().max(1e-16).log10()
}

/// A parameter each, in units of its start.
fn scaled(start: &[f64]) -> Space {
    let parameter =
        |(k, b): (usize, &f64)| Parameter::scalar(format!("b{}", k + 1)).scaled(b.abs());
    Space::new(start.iter().enumerate().map(parameter).collect()).unwrap()
}

/// Least digits of the parameters, and of their standard errors.
fn digits_at(problem: &Nist, x: &[f64]) -> [f64; 2] {
    let n = x.len();
    let objective = free(problem.clone(), n);
    let x = problem.ordered(x);
    let found = objective.evaluate(&x, Want::JACOBIAN, SampleKey(0), &mut Workspace::new());
    let found = found.unwrap();
    let (residuals, jacobian) = (found.residuals.unwrap(), found.jacobian.unwrap());
    let of_errors =
        uncertainty(&scaled(&problem.certified), &x, &residuals, &jacobian, false).unwrap();
    let parameters = (0..n).map(|k| digits(x[k], problem.certified[k]));
    let error =
        |k: usize| of_errors.standard_errors[k].map_or(0.0, |e| digits(e, problem.errors[k]));
    [parameters.fold(16.0, f64::min), (0..n).map(error).fold(16.0, f64::min)]
}

#[test]
fn nists_certified_parameters_and_errors_are_found_to_six_digits() {
    for problem in nist::problems() {
        for (k, start) in problem.starts.iter().enumerate() {
            let objective = free(problem.clone(), start.len());
            let stop = Stop { max_iterations: 3000, max_evaluations: 3000, ..Default::default() };
            let end = solve(&objective, &scaled(start), named("gauss-newton"), stop, start);
            let name = format!("{} of level {} from start {}", problem.name, problem.level, k + 1);
            assert!(end.status.is_success(), "{name}: {end:?}");
            let [parameters, errors] = digits_at(&problem, &end.x);
            assert!(parameters >= 6.0, "{name}: {parameters} digits, {end:?}");
            // Lanczos1 is exact data: its errors follow from residuals of 1e-13, which no tolerance asks for
            if problem.name != "Lanczos1" {
                assert!(errors >= 6.0, "{name}: {errors} digits of the errors");
                assert!(digits(2.0 * end.value, problem.squares) >= 9.0, "{name}: {end:?}");
            }
        }
    }
}
