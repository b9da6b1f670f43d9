//! The three algorithms agree with each other, and with mechanics.

#![allow(
    clippy::unwrap_used,
    clippy::float_cmp,
    clippy::cast_possible_truncation,
    clippy::print_stdout,
    reason = "a test: it may end, compares exact bits where they must be, and says what it skips"
)]

mod common;

use common::{close, pose, randoms, state, whole, zoo};
use cotangent_ad::{Pose, Quat, Vec3};
use cotangent_physics::{
    Integrator, JointSpec, Mobility, Model, ModelBuilder, Scratch, Shape, State, StepOptions,
    Weight, aba, acceleration, applied_forces, crba, energy, kinematics, momentum, rnea, step,
};

#[test]
fn newton_euler_composite_and_articulated_bodies_agree() {
    let model = zoo();
    let (p, n) = (model.parameters(), model.nv());
    let mut s = Scratch::new(&model);
    for key in 0..5 {
        let now = state(&model, 100 + key);
        let State { q, v, .. } = &now;
        let a = randoms(200 + key, n);
        let mut placed = kinematics(&model, p, q, &mut s);
        let mass = whole(crba(&model, p, &mut placed), n);
        let tau = rnea(&model, p, v, Some(&a), &mut placed).to_vec();
        let bias = rnea(&model, p, v, None, &mut placed);
        let moved: Vec<f64> =
            (0..n).map(|i| bias[i] + (0..n).map(|j| mass[i * n + j] * a[j]).sum::<f64>()).collect();
        close(&moved, &tau, 1e-13);
        close(aba(&model, p, v, &tau, &mut placed), &a, 1e-11);
        let u = randoms(300 + key, model.nu());
        let mut applied = vec![0.0; n];
        let options = StepOptions { dt: 0.01, integrator: Integrator::Euler };
        applied_forces(&model, p, &options, (&now, &u), &mut applied, &mut s);
        let by_factors = acceleration(&model, p, &options, (&now, &u), &mut s).to_vec();
        let mut placed = kinematics(&model, p, q, &mut s);
        close(aba(&model, p, v, &applied, &mut placed), &by_factors, 1e-11);
    }
}

/// Without gravity, friction and springs: energy and both momenta of a free tree stay, to the order of the method.
#[test]
fn runge_kutta_keeps_energy_and_momentum_to_fourth_order() {
    let model = free_pair();
    let drift = |steps: usize| {
        let mut s = Scratch::new(&model);
        let mut now = state(&model, 5);
        let measure = |x: &State, s: &mut Scratch| {
            let (potential, kinetic) = energy(&model, model.parameters(), x, s);
            let (linear, angular) = momentum(&model, model.parameters(), x, s);
            (potential + kinetic, linear, angular)
        };
        let (e0, p0, l0) = measure(&now, &mut s);
        let options = StepOptions { dt: 1.0 / steps as f64, integrator: Integrator::RungeKutta4 };
        for _ in 0..steps {
            step(&model, model.parameters(), &options, &mut now, &[], &mut s);
        }
        let (e1, p1, l1) = measure(&now, &mut s);
        [(e1 - e0).abs(), (p1 - p0).norm(), (l1 - l0).norm()]
    };
    let (coarse, fine) = (drift(40), drift(80));
    for k in 0..3 {
        let order = (coarse[k] / fine[k]).log2();
        assert!(order > 3.7 || fine[k] < 1e-12, "{k}: order {order}, {coarse:?} {fine:?}");
        assert!(fine[k] < 1e-5);
    }
}

/// A free body, and a second on a ball joint; no gravity.
fn free_pair() -> Model {
    let mut b = ModelBuilder::new();
    b.gravity([0.0; 3]).unwrap();
    let half = [0.3, 0.2, 0.1];
    let torso = b.body("a", None, pose(1), &[JointSpec::new("f", Mobility::Free)]).unwrap();
    b.geom("", Some(torso), Shape::Box { half }, pose(2), Weight::Mass(2.0)).unwrap();
    let arm = b.body("b", Some(torso), pose(3), &[JointSpec::new("b", Mobility::Ball)]).unwrap();
    b.geom("", Some(arm), Shape::Box { half }, pose(4), Weight::Mass(1.0)).unwrap();
    b.build().unwrap()
}

fn pendulum() -> Model {
    let mut b = ModelBuilder::new();
    let hinge = JointSpec::new("pivot", Mobility::Hinge([0.0, 1.0, 0.0]));
    let pole = b.body("pole", None, Pose::identity(), &[hinge]).unwrap();
    let below = Pose { translation: Vec3([0.0, 0.0, -1.0]), ..Pose::identity() };
    b.geom("", Some(pole), Shape::Sphere { radius: 0.1 }, below, Weight::Mass(1.0)).unwrap();
    b.build().unwrap()
}

/// `theta'' = -(g/l) m l^2 / (m l^2 + I) sin(theta)`; the period of a large swing by the arithmetic-geometric mean.
#[test]
fn pendulum_has_the_period_of_the_elliptic_integral() {
    let model = pendulum();
    let start = 2.0_f64;
    let omega = (9.81_f64 / (1.0 + 0.4 * 0.01)).sqrt();
    let (mut a, mut b) = (1.0, (start / 2.0).cos());
    for _ in 0..10 {
        (a, b) = (f64::midpoint(a, b), (a * b).sqrt());
    }
    let period = 2.0 * std::f64::consts::PI / (omega * a);
    let order = |integrator, steps: usize| {
        let mut s = Scratch::new(&model);
        let mut now = State { q: vec![start], v: vec![0.0], act: vec![] };
        let options = StepOptions { dt: period / steps as f64, integrator };
        for _ in 0..steps {
            step(&model, model.parameters(), &options, &mut now, &[], &mut s);
        }
        (now.v[0]).hypot(now.q[0] - start)
    };
    let ratio = order(Integrator::RungeKutta4, 800) / order(Integrator::RungeKutta4, 1600);
    assert!((ratio.log2() - 4.0).abs() < 0.3, "order {}", ratio.log2());
    // over whole periods the semi-implicit method shows the order of its twin, leapfrog; not over a quarter
    let quarter = |steps: usize| {
        let mut s = Scratch::new(&model);
        let mut now = State { q: vec![start], v: vec![0.0], act: vec![] };
        let options =
            StepOptions { dt: period / 4.0 / steps as f64, integrator: Integrator::Euler };
        for _ in 0..steps {
            step(&model, model.parameters(), &options, &mut now, &[], &mut s);
        }
        now.q[0].abs()
    };
    let ratio = quarter(1000) / quarter(2000);
    assert!((ratio.log2() - 1.0).abs() < 0.05, "order {}", ratio.log2());
}

/// The energy of a semi-implicit pendulum swings but does not drift: ten times the time, no more error.
#[test]
fn semi_implicit_euler_does_not_drift() {
    let model = pendulum();
    let mut s = Scratch::new(&model);
    let mut now = State { q: vec![1.0], v: vec![0.0], act: vec![] };
    let options = StepOptions { dt: 0.01, integrator: Integrator::Euler };
    let total = |x: &State, s: &mut Scratch| {
        let (potential, kinetic) = energy(&model, model.parameters(), x, s);
        potential + kinetic
    };
    let start = total(&now, &mut s);
    let mut worst = [0.0_f64; 2];
    for k in 0..20_000 {
        step(&model, model.parameters(), &options, &mut now, &[], &mut s);
        let error = (total(&now, &mut s) - start).abs();
        let part = usize::from(k >= 2000);
        worst[part] = worst[part].max(error);
    }
    assert!(worst[0] < 0.2 && worst[1] < 1.02 * worst[0], "{worst:?}");
}

/// A heavy symmetric top in steady precession: `(I1 - I3) cos(t) W^2 - I3 w3' W + m g l = 0` with spin about its axis.
#[test]
fn top_precesses_steadily() {
    let mut b = ModelBuilder::new();
    let tilt = Quat::from_axis_angle(Vec3([1.0, 0.0, 0.0]), 0.6).to_mat();
    let place = Pose { rotation: tilt, translation: Vec3([0.0; 3]) };
    let top = b.body("top", None, place, &[JointSpec::new("tip", Mobility::Ball)]).unwrap();
    let at = Pose { translation: Vec3([0.0, 0.0, 0.5]), ..Pose::identity() };
    let disk = Shape::Cylinder { radius: 0.3, half_length: 0.02 };
    b.geom("disk", Some(top), disk, at, Weight::Mass(1.5)).unwrap();
    let model = b.build().unwrap();
    let [across, _, axial] = disk.unit_inertia().map(|i| i * 1.5);
    let (about_tip, turn, tilt) = (across + 1.5 * 0.25, 1.2_f64, 0.6_f64);
    // I3 (spin + W cos t) W - I1 W^2 cos t = m g l
    let spin = (1.5 * 9.81 * 0.5 + (about_tip - axial) * turn * turn * tilt.cos()) / (axial * turn);
    let mut s = Scratch::new(&model);
    // body axes: W z turned into them, and the spin
    let v = vec![0.0, turn * tilt.sin(), turn * tilt.cos() + spin];
    let mut now = State { q: vec![1.0, 0.0, 0.0, 0.0], v, act: vec![] };
    let options = StepOptions { dt: 1.25e-4, integrator: Integrator::RungeKutta4 };
    for _ in 0..8000 {
        step(&model, model.parameters(), &options, &mut now, &[], &mut s);
    }
    let placed = kinematics(&model, model.parameters(), &now.q, &mut s);
    let axis = placed.body_pose(&model, 0).rotation.column(2);
    // the axis started at -y and turned by W t about z
    let expected = [tilt.sin() * turn.sin(), -tilt.sin() * turn.cos(), tilt.cos()];
    close(&axis.0, &expected, 1e-9);
}

/// Free rotation near the middle axis (Dzhanibekov): `|L|^2` and energy stay while the axis flips.
#[test]
fn a_free_body_flips_about_its_middle_axis() {
    let mut b = ModelBuilder::new();
    b.gravity([0.0; 3]).unwrap();
    let body =
        b.body("nut", None, Pose::identity(), &[JointSpec::new("", Mobility::Free)]).unwrap();
    let shape = Shape::Box { half: [0.3, 0.2, 0.05] };
    b.geom("", Some(body), shape, Pose::identity(), Weight::Mass(1.0)).unwrap();
    let model = b.build().unwrap();
    let mut s = Scratch::new(&model);
    let mut now = State::at_reference(&model);
    now.v[3..].copy_from_slice(&[1e-3, 6.0, 1e-3]);
    let (e0, l0) = (
        energy(&model, model.parameters(), &now, &mut s).1,
        momentum(&model, model.parameters(), &now, &mut s).1,
    );
    let options = StepOptions { dt: 1e-3, integrator: Integrator::RungeKutta4 };
    let mut least = f64::INFINITY;
    for _ in 0..6000 {
        step(&model, model.parameters(), &options, &mut now, &[], &mut s);
        least = least.min(now.v[4]);
    }
    assert!(least < -5.9, "it turned over: {least}");
    let (e1, l1) = (
        energy(&model, model.parameters(), &now, &mut s).1,
        momentum(&model, model.parameters(), &now, &mut s).1,
    );
    assert!((e1 - e0).abs() < 1e-9 && (l1 - l0).norm() < 1e-9, "{} {}", e1 - e0, (l1 - l0).norm());
}

/// Numbers that no model has are refused with their place, whoever brings them.
#[test]
fn numbers_of_a_model_are_checked() {
    use cotangent_physics::{BuildError, ParameterError};
    let model = zoo();
    let changed = |change: fn(&mut cotangent_physics::Parameters<f64>)| {
        let mut p = model.parameters().clone();
        change(&mut p);
        model.clone().with_parameters(p).unwrap_err()
    };
    let named = |e: ParameterError, text: &str| assert!(e.to_string().contains(text), "{e}");
    named(changed(|p| p.damping[3] = f64::NAN), "damping 3 is NaN");
    named(
        changed(|p| p.armature[1] = -1.0),
        "armature 1 is -1: it must be finite and not negative",
    );
    named(
        changed(|p| p.inertia[2].mass = -1.0),
        "inertia of link 2 is not physical: the mass is -1",
    );
    named(changed(|p| p.inertia[2].rotational[0] += 50.0), "none may exceed the sum of the others");
    named(changed(|p| p.gravity.0[2] = f64::INFINITY), "gravity 2 is inf");
    named(changed(|p| p.gear.truncate(3)), "3 numbers of gear: the model has 4");
    let mut b = ModelBuilder::new();
    let body = b.body("odd", None, pose(1), &[]).unwrap();
    let negative =
        common::inertia(-1.0, [0.0; 3], [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]);
    assert!(matches!(b.inertia(body, negative), Err(BuildError::Unphysical { .. })));
}

/// The force between two bodies is not measured where the sensor would leave out a part of it, in whatever order the model is built.
#[test]
fn a_force_that_is_not_known_whole_is_not_measured() {
    use cotangent_physics::{BuildError, InteractionReading, Mount, Reading, Softness, TieSpec};
    let built = |tied: bool| {
        let mut b = ModelBuilder::new();
        let mass =
            common::inertia(1.0, [0.0; 3], [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]);
        let slide = |name: &str| JointSpec::new(name, Mobility::Slide([0.0, 0.0, 1.0]));
        let first = b.body("first", None, pose(1), &[slide("a")]).unwrap();
        b.inertia(first, mass).unwrap();
        let second = b.body("second", Some(first), pose(2), &[slide("b")]).unwrap();
        b.inertia(second, mass).unwrap();
        let at = Mount { link: Some(0), placement: Pose::identity() };
        let what = InteractionReading::Force;
        b.sensor("force", Reading::Interaction { body: first, at, what }, None).unwrap();
        if tied {
            let ends = [(Some(second), Pose::identity()), (None, Pose::identity())];
            let softness = Softness::DEFAULT;
            let name = "rope".into();
            b.tie(&TieSpec { name, ends, welded: false, torque_scale: 1.0, softness }).unwrap();
        }
        b.build()
    };
    assert!(built(false).is_ok());
    let Err(BuildError::Unmeasured { sensor, of }) = built(true) else { panic!("it is tied") };
    assert_eq!((sensor.as_str(), of), ("force", "what is tied to another body"));
}
