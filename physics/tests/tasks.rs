//! The objectives: their gradients, and that they refuse what has no value.

#![allow(
    clippy::unwrap_used,
    clippy::float_cmp,
    reason = "a test may end, and asks for equal bits"
)]

mod common;

use common::{close, randoms};
use cotangent_ad::check;
use cotangent_physics::task::Throw;
use cotangent_problem::{Objective, SampleKey, TrialFailure, Want, Workspace};

fn value(o: &dyn Objective, x: &[f64]) -> Result<f64, TrialFailure> {
    Ok(o.evaluate(x, Want::VALUE, SampleKey(0), &mut Workspace::new())?.value)
}

fn passes(o: &dyn Objective, x: &[f64], step: f64) {
    let evaluation = o.evaluate(x, Want::GRADIENT, SampleKey(0), &mut Workspace::new()).unwrap();
    assert_eq!(evaluation.value, value(o, x).unwrap(), "the same bits with and without gradient");
    let v = randoms(5, x.len());
    let slope: f64 = evaluation.gradient.unwrap().iter().zip(&v).map(|(g, v)| g * v).sum();
    let taylor = check::taylor(|x| value(o, x), x, &v, slope, step, 10).unwrap();
    assert!(taylor.passes(), "{taylor:?}");
    let central = check::central_difference(|x| value(o, x), x, &v, 1e-5).unwrap();
    assert!((central - slope).abs() < 1e-6 * slope.abs(), "{central} against {slope}");
}

#[test]
fn throw_has_a_right_gradient_and_jacobian() {
    let throw = Throw::new(0.1, [0.0, 0.0, 1.2], 9.81, 0.8, 1, [4.0, 1.0]);
    let x = [2.0, 0.3, 3.0];
    passes(&throw, &x, 0.1);
    let at = throw.evaluate(&x, Want::JACOBIAN, SampleKey(0), &mut Workspace::new()).unwrap();
    let gradient = throw.evaluate(&x, Want::GRADIENT, SampleKey(0), &mut Workspace::new()).unwrap();
    let (r, j) = (at.residuals.unwrap(), at.jacobian.unwrap());
    let by_residuals: Vec<f64> = (0..3).map(|k| r[0] * j[k] + r[1] * j[3 + k]).collect();
    close(&by_residuals, &gradient.gradient.unwrap(), 1e-13);
    assert!(matches!(value(&throw, &[1.0]), Err(TrialFailure::Contract(_))));
    assert!(matches!(value(&throw, &[f64::NAN; 3]), Err(TrialFailure::NonFinite { .. })));
}
