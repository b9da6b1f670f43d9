//! The objectives: their gradients, and that they refuse what has no value.

#![allow(
    clippy::unwrap_used,
    clippy::float_cmp,
    reason = "a test may end, and asks for equal bits"
)]

mod common;

use common::{close, randoms};
use cotangent_ad::{Vec3, check};
use cotangent_physics::io::mjcf::read_mjcf;
use cotangent_physics::task::{Reach, ReachError, Throw, Waypoint};
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

/// The zoo without its free tree's needs: the task only reads motors, ranges and a site.
fn reach(effort_weight: f64) -> Reach {
    let read = read_mjcf(include_str!("data/zoo.xml")).unwrap();
    let q = read.model.reference_configuration().to_vec();
    let at = |step, x| Waypoint { step, position: Vec3(x) };
    let waypoints = vec![at(20, [0.4, 0.0, 0.6]), at(43, [0.5, 0.2, 0.4])];
    Reach::new(read.model, read.options, q, (43, 5), "finger", waypoints, 0.005)
        .unwrap()
        .with_effort_weight(effort_weight)
}

#[test]
fn reach_has_a_right_gradient() {
    let reach = reach(0.3);
    assert_eq!(reach.dim(), 9 * 3);
    let x: Vec<f64> = randoms(9, reach.dim()).iter().map(|u| 0.3 * u).collect();
    passes(&reach, &x, 0.02);
}

#[test]
fn reach_measures_what_it_says() {
    let reach = reach(0.0);
    let x = vec![0.1; reach.dim()];
    let motion = reach.motion(&x);
    assert_eq!(motion.states.len(), 44);
    // gears 3, -8 and 10; the motion lasts 43 x 4 ms
    let expected = 0.172 * (0.09 + 0.64 + 1.0);
    assert!((motion.effort - expected).abs() < 1e-12, "{} {expected}", motion.effort);
    assert!(!motion.is_feasible(0.005));
    assert!(motion.misses.iter().all(|m| *m > 0.01));
    let held = reach.holding();
    assert_eq!(held.len(), x.len());
    let read = read_mjcf(include_str!("data/zoo.xml")).unwrap();
    let q = read.model.reference_configuration().to_vec();
    let late = vec![Waypoint { step: 11, position: Vec3([0.0; 3]) }];
    let new = |tip: &str, waypoints| {
        Reach::new(read.model.clone(), read.options, q.clone(), (10, 5), tip, waypoints, 0.005)
    };
    assert_eq!(new("finger", late).unwrap_err(), ReachError::Late { step: 11, steps: 10 });
    assert_eq!(new("toe", vec![]).unwrap_err(), ReachError::NoSite("toe".into()));
}
