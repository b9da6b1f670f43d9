//! The derivatives by hand against duals through the generic code.

#![allow(
    clippy::unwrap_used,
    clippy::float_cmp,
    clippy::cast_possible_truncation,
    clippy::print_stdout,
    reason = "a test: it may end, compares exact bits where they must be, and says what it skips"
)]

mod common;

use common::{close, flatten, forced_zoo, randoms, state, zoo};
use cotangent_ad::{Dual, Num, Real, Schedule, jacobian_forward};
use cotangent_physics::derivative::{
    Cost, Cotangent, Multiplier, Rollout, StepAdjoint, StepJacobian, inverse_dynamics_pullback,
};
use cotangent_physics::io::mjcf::read_mjcf;
use cotangent_physics::{
    Integrator, Model, Parameters, Scratch, State, StepOptions, difference, displace, kinematics,
    rnea, step,
};

const ALL: [Integrator; 5] = [
    Integrator::Euler,
    Integrator::EulerExplicitDamping,
    Integrator::RungeKutta4,
    Integrator::ImplicitFast,
    Integrator::Adaptive { tolerance: 1e-4 },
];

/// Parameters from a flat list.
fn unflatten<T: Num>(like: &Parameters<f64>, x: &[T]) -> Parameters<T> {
    // `map` visits inertia part by part in the order of `flatten`
    let mut all = x.iter();
    like.map(|_| *all.next().expect("as many numbers as parameters"))
}

/// State `start (+) x[..nv]`, velocity `x[nv..2 nv]`; activations are given.
fn moved<T: Real>(model: &Model, start: &State, x: &[T], act: &[T]) -> State<T> {
    let n = model.nv();
    let q0: Vec<T> = start.q.iter().map(|q| T::lit(*q)).collect();
    let mut q = q0.clone();
    displace(model, &q0, &x[..n], &mut q);
    State { q, v: (0..n).map(|d| x[n + d] + start.v[d]).collect(), act: act.to_vec() }
}

#[test]
fn inverse_dynamics_pullback_agrees_with_duals() {
    let model = zoo();
    let n = model.nv();
    let count = flatten(model.parameters()).len();
    for key in 0..3 {
        let start = state(&model, 10 + key);
        let (a, lambda) = (randoms(20 + key, n), randoms(30 + key, n));
        let scalar = |x: &[Dual<f64, 8>]| {
            let mut s = Scratch::new(&model);
            let p = unflatten(model.parameters(), &x[2 * n..]);
            let now = moved(&model, &start, x, &[]);
            let mut placed = kinematics(&model, &p, &now.q, &mut s);
            let a: Vec<_> = a.iter().map(|a| Dual::konst(*a)).collect();
            let tau = rnea(&model, &p, &now.v, Some(&a), &mut placed);
            vec![(0..n).fold(Dual::konst(0.0), |sum, d| sum + tau[d] * lambda[d])]
        };
        let mut x = vec![0.0; 2 * n];
        x.extend(flatten(model.parameters()));
        let by_duals = jacobian_forward(scalar, &x);

        let mut s = Scratch::new(&model);
        let mut m = Multiplier::new(&model);
        m.lambda.copy_from_slice(&lambda);
        let mut bar = Cotangent::zero(&model);
        let mut p_bar = model.parameters().zero_like();
        let mut placed = kinematics(&model, model.parameters(), &start.q, &mut s);
        inverse_dynamics_pullback(
            &model,
            model.parameters(),
            (&start.v, &a),
            &mut m,
            &mut placed,
            (&mut bar.q, &mut bar.v),
            Some(&mut p_bar),
        );
        close(&bar.q, &by_duals[..n], 1e-13);
        close(&bar.v, &by_duals[n..2 * n], 1e-13);
        let p_bar = flatten(&p_bar);
        close(&p_bar, &by_duals[2 * n..], 1e-13);
        assert_eq!(p_bar.len(), count);
    }
}

#[test]
fn step_adjoint_agrees_with_duals() {
    for model in [zoo(), forced_zoo()] {
        step_adjoint_agrees(&model, model.tendons().len() > 1);
    }
}

/// Through the moments of spatial tendons: springs, dampers, actuators, stops, dry friction and couplings along them.
#[test]
fn step_adjoint_of_spatial_tendons_agrees_with_duals() {
    let read = read_mjcf(include_str!("data/tendons.xml")).unwrap();
    step_adjoint_agrees(&read.model, false);
    let smooth = read.model.without_stops().without_dry_friction().without_equalities();
    step_adjoint_agrees(&smooth, false);
}

/// Around spheres and cylinders, and through their insides, where the points at which they touch move with everything.
#[test]
fn step_adjoint_of_tendons_around_geoms_agrees_with_duals() {
    for text in [include_str!("data/windings.xml"), include_str!("data/windings-inside.xml")] {
        let read = read_mjcf(text).unwrap();
        step_adjoint_agrees(&read.model, false);
        let smooth = read.model.without_stops().without_dry_friction().without_equalities();
        step_adjoint_agrees(&smooth, false);
    }
}

/// Through lengths and moments between sites and of slider-cranks, which are apart: a length's derivative between sites is no moment.
#[test]
fn step_adjoint_of_transmissions_agrees_with_duals() {
    let read = read_mjcf(include_str!("data/transmissions.xml")).unwrap();
    step_adjoint_agrees(&read.model, false);
}

/// Under a force and a torque on each link from outside.
fn pushed(model: &Model) -> Model {
    let mut p = model.parameters().clone();
    let numbers = randoms(80, 6 * model.links().len());
    p.external = numbers.chunks_exact(6).map(|x| x.try_into().unwrap()).collect();
    model.clone().with_parameters(p).unwrap()
}

/// Of free bodies and of links that turn in every way.
#[test]
fn step_adjoint_under_forces_from_outside_agrees_with_duals() {
    for text in [include_str!("data/zoo.xml"), include_str!("data/forces.xml")] {
        step_adjoint_agrees(&pushed(&read_mjcf(text).unwrap().model), false);
    }
}

fn step_adjoint_agrees(model: &Model, forced: bool) {
    let (n, nu, size) = (model.nv(), model.nu(), 2 * model.nv() + model.na());
    for (key, integrator) in ALL.into_iter().enumerate() {
        let options = StepOptions { dt: 0.05, integrator };
        let start = state(model, 40 + key as u64);
        let u = randoms(50 + key as u64, nu);
        let p0 = model.parameters();
        let mut s = Scratch::new(model);
        let mut end = start.clone();
        step(model, p0, &options, &mut end, &u, &mut s);
        let next = |x: &[Dual<f64, 8>]| {
            let mut s = Scratch::new(model);
            let p = unflatten(p0, &x[size + nu..]);
            let mut now = moved(model, &start, x, &x[2 * n..size]);
            step(model, &p, &options, &mut now, &x[size..size + nu], &mut s);
            let end_q: Vec<_> = end.q.iter().map(|q| Dual::konst(*q)).collect();
            let mut out = vec![Dual::konst(0.0); n];
            difference(model, &end_q, &now.q, &mut out);
            out.extend(now.v);
            out.extend(now.act);
            out
        };
        let mut x = vec![0.0; 2 * n];
        x.extend(&start.act);
        x.extend(&u);
        x.extend(flatten(p0));
        let jacobian = jacobian_forward(next, &x);
        let y_bar = randoms(60 + key as u64, size);
        let by_duals: Vec<f64> = (0..x.len())
            .map(|j| (0..size).map(|i| y_bar[i] * jacobian[i * x.len() + j]).sum())
            .collect();

        let mut adjoint = StepAdjoint::new(model);
        let (q, v, act) = (y_bar[..n].into(), y_bar[n..2 * n].into(), y_bar[2 * n..].into());
        let mut bar = Cotangent { q, v, act };
        let (mut u_bar, mut p_bar) = (vec![0.0; nu], p0.zero_like());
        let point = (&start, u.as_slice());
        adjoint.pull(model, p0, &options, point, &mut bar, &mut u_bar, Some(&mut p_bar), &mut s);
        let mut whole = StepJacobian::default();
        adjoint.jacobian(model, p0, &options, point, &mut whole, &mut s);
        let rows = || jacobian.chunks_exact(x.len());
        let by_state: Vec<f64> = rows().flat_map(|row| &row[..size]).copied().collect();
        close(&whole.a, &by_state, 1e-12);
        let by_controls: Vec<f64> = rows().flat_map(|row| &row[size..][..nu]).copied().collect();
        close(&whole.b, &by_controls, 1e-12);
        let mut by_hand = bar.q;
        by_hand.extend(bar.v);
        by_hand.extend(bar.act);
        by_hand.extend(u_bar);
        close(&by_hand, &by_duals[..size + nu], 1e-12);
        let by_parameters = flatten(&p_bar);
        close(&by_parameters, &by_duals[size + nu..], 1e-12);
        // every kind acts: no derivative that is zero for want of an effect
        if forced {
            let names = ["fluid", "compensation", "gain", "tendon stiffness", "damping poly"];
            let parts = [
                p_bar.fluid.to_vec(),
                p_bar.gravity_compensation.clone(),
                p_bar.gain.concat(),
                p_bar.tendon_stiffness.clone(),
                p_bar.damping_poly.concat(),
            ];
            for (name, part) in names.iter().zip(parts) {
                assert!(part.iter().any(|x| x.abs() > 1e-6), "{name}: {part:?}");
            }
        }
    }
}

/// `1/2 |q|^2 + sin(v)` of every third state, by entries.
struct Wave;

impl Cost for Wave {
    fn value(&self, k: usize, x: &State, _: &mut Scratch) -> f64 {
        if k % 3 == 1 { x.v.iter().map(|v| v.sin()).sum() } else { 0.0 }
    }
    fn pull(&self, k: usize, x: &State, bar: &mut Cotangent, _: &mut Scratch) {
        if k % 3 == 1 {
            x.v.iter().zip(&mut bar.v).for_each(|(v, bar)| *bar += v.cos());
        }
    }
}

#[test]
fn rollout_gradient_agrees_with_duals_under_any_schedule() {
    let model = zoo();
    let (n, nu, steps) = (model.nv(), model.nu(), 25);
    let start = state(&model, 70);
    let controls: Vec<f64> = randoms(71, steps * nu).iter().map(|u| 0.6 * u).collect();
    for integrator in ALL {
        let options = StepOptions { dt: 0.01, integrator };
        let gradient = |schedule| {
            let p = model.parameters();
            let rollout = Rollout { model: &model, parameters: p, options, steps, schedule };
            rollout.gradient(&start, &controls, &Wave, true, &mut Scratch::new(&model))
        };
        let by_hand = gradient(Schedule::StoreAll);
        for slots in [1, 3, 25] {
            assert_eq!(gradient(Schedule::Revolve { slots }), by_hand);
        }
        let cost = |x: &[Dual<f64, 8>]| {
            let mut s = Scratch::new(&model);
            let p = unflatten(model.parameters(), &x[2 * n + steps * nu..]);
            let mut now = moved(&model, &start, x, &[]);
            let mut sum = Dual::konst(0.0);
            for k in 0..steps {
                step(&model, &p, &options, &mut now, &x[2 * n + k * nu..][..nu], &mut s);
                if (k + 1) % 3 == 1 {
                    sum = now.v.iter().fold(sum, |sum, v| sum + v.sin());
                }
            }
            vec![sum]
        };
        let mut x = vec![0.0; 2 * n];
        x.extend(&controls);
        x.extend(flatten(model.parameters()));
        let by_duals = jacobian_forward(cost, &x);
        close(&by_hand.initial.q, &by_duals[..n], 1e-12);
        close(&by_hand.initial.v, &by_duals[n..2 * n], 1e-12);
        close(&by_hand.controls, &by_duals[2 * n..][..steps * nu], 1e-12);
        let p_bar = flatten(by_hand.parameters.as_ref().unwrap());
        close(&p_bar, &by_duals[2 * n + steps * nu..], 1e-12);
    }
}

/// A slot keeps what the step from its state found. The adjoint of every step alone, which looks for all of it anew, has the same bits.
#[test]
fn what_a_step_found_changes_no_bit_of_its_adjoint() {
    let walker = include_str!("../../bench/models/runner.xml");
    for text in [walker, include_str!("data/tendons.xml"), include_str!("data/forces.xml")] {
        let read = read_mjcf(text).unwrap();
        let (model, p) = (&read.model, read.model.parameters());
        let (nu, steps) = (model.nu(), 60);
        let controls: Vec<f64> = randoms(72, steps * nu).iter().map(|u| 0.3 * u).collect();
        for integrator in &ALL[..4] {
            let options = StepOptions { integrator: *integrator, ..read.options };
            let start = State::at_reference(model);
            let mut s = Scratch::new(model);
            let mut states = vec![start.clone()];
            for u in controls.chunks_exact(nu) {
                let mut next = states[states.len() - 1].clone();
                step(model, p, &options, &mut next, u, &mut s);
                states.push(next);
            }
            assert!(states[steps].q.iter().all(|q| q.is_finite()), "{:?}", read.name);
            let (mut bar, mut u_bar) = (Cotangent::zero(model), vec![0.0; steps * nu]);
            let (mut p_bar, mut adjoint) = (p.zero_like(), StepAdjoint::new(model));
            Wave.pull(steps, &states[steps], &mut bar, &mut s);
            for k in (0..steps).rev() {
                let (now, u_bar) = (&states[k], &mut u_bar[k * nu..][..nu]);
                let point = (now, &controls[k * nu..][..nu]);
                let by = Some(&mut p_bar);
                adjoint.pull(model, p, &options, point, &mut bar, u_bar, by, &mut s);
                Wave.pull(k, now, &mut bar, &mut s);
            }
            let revolve = [1, 5, 20].map(|slots| Schedule::Revolve { slots });
            let mixed = [Schedule::StoreAll, Schedule::Mixed { slots: 7 }];
            for schedule in revolve.into_iter().chain(mixed) {
                let rollout = Rollout { model, parameters: p, options, steps, schedule };
                let found = rollout.gradient(&start, &controls, &Wave, true, &mut s);
                let name = (&read.name, integrator, schedule);
                assert_eq!(found.initial, bar, "{name:?}");
                assert_eq!(found.controls, u_bar, "{name:?}");
                assert_eq!(found.parameters.as_ref(), Some(&p_bar), "{name:?}");
            }
        }
    }
}

/// The first velocity after so many steps.
struct FirstVelocity(usize);

impl Cost for FirstVelocity {
    fn value(&self, k: usize, x: &State, _: &mut Scratch) -> f64 {
        if k == self.0 { x.v[0] } else { 0.0 }
    }
    fn pull(&self, k: usize, _: &State, bar: &mut Cotangent, _: &mut Scratch) {
        bar.v[0] += if k == self.0 { 1.0 } else { 0.0 };
    }
}

/// A walker and a quadruped over a thousand steps in contact: duals pass the same states bit for bit, and so the adjoint agrees with them, and with the product
/// of the steps' Jacobians, as over a few.
#[test]
fn duals_pass_the_states_of_a_long_motion_in_contact() {
    let walker = include_str!("../../bench/models/runner.xml");
    for text in [walker, include_str!("../../bench/models/seventeen.xml")] {
        let read = read_mjcf(text).unwrap();
        let (model, p, options) = (&read.model, read.model.parameters(), read.options);
        let (n, nu, steps) = (model.nv(), model.nu(), 1000);
        let controls: Vec<f64> = randoms(72, steps * nu).iter().map(|u| 0.3 * u).collect();
        let mut tangent = randoms(80, 2 * n);
        let seeded = |d: &f64| Dual::<f64, 1> { re: 0.0, eps: [*d] };
        let along: Vec<_> = tangent.iter().map(seeded).collect();
        let mut dual = moved(model, &State::at_reference(model), &along, &[]);
        let p_dual = p.map(Dual::konst);
        let value = |x: &[Dual<f64, 1>]| x.iter().map(|x| x.re).collect::<Vec<f64>>();
        let start = State { q: value(&dual.q), v: value(&dual.v), act: vec![] };
        let (mut now, mut s, mut s_dual) =
            (start.clone(), Scratch::new(model), Scratch::new(model));
        let (mut adjoint, mut jacobian) = (StepAdjoint::new(model), StepJacobian::default());
        for (k, u) in controls.chunks_exact(nu).enumerate() {
            adjoint.jacobian(model, p, &options, (&now, u), &mut jacobian, &mut s);
            let rows = jacobian.a.chunks_exact(2 * n);
            tangent = rows.map(|row| row.iter().zip(&tangent).map(|(a, t)| a * t).sum()).collect();
            step(model, p, &options, &mut now, u, &mut s);
            let u: Vec<_> = u.iter().map(|u| Dual::konst(*u)).collect();
            step(model, &p_dual, &options, &mut dual, &u, &mut s_dual);
            assert_eq!(value(&dual.q), now.q, "{:?} after step {k}", read.name);
            assert_eq!(value(&dual.v), now.v, "{:?} after step {k}", read.name);
        }
        let schedule = Schedule::Revolve { slots: 32 };
        let rollout = Rollout { model, parameters: p, options, steps, schedule };
        let cost = FirstVelocity(steps);
        let bar = rollout.gradient(&start, &controls, &cost, false, &mut s).initial;
        let terms = bar.q.iter().chain(&bar.v).zip(&along).map(|(bar, d)| bar * d.eps[0]);
        let size: f64 = terms.clone().map(f64::abs).sum();
        let slope: f64 = terms.sum();
        for other in [dual.v[0].eps[0], tangent[n]] {
            let error = (slope - other).abs() / size;
            assert!(error < 1e-11, "{:?}: {slope} {other}, {error:.1e}", read.name);
        }
    }
}

/// A model without motors moves, and has a gradient by its start and its numbers.
#[test]
fn a_rollout_needs_no_motor() {
    let mut b = cotangent_physics::ModelBuilder::new();
    let hinge =
        cotangent_physics::JointSpec::new("j", cotangent_physics::Mobility::Hinge([0.0, 1.0, 0.0]));
    let pole = b.body("pole", None, common::pose(1), &[hinge]).unwrap();
    let ball = cotangent_physics::Shape::Sphere { radius: 0.1 };
    b.geom("", Some(pole), ball, common::pose(2), cotangent_physics::Weight::Mass(1.0)).unwrap();
    let model = b.build().unwrap();
    let options = StepOptions { dt: 0.01, integrator: Integrator::Euler };
    let (parameters, schedule) = (model.parameters(), Schedule::StoreAll);
    let rollout = Rollout { model: &model, parameters, options, steps: 20, schedule };
    let mut s = Scratch::new(&model);
    let value = |q: f64, s: &mut Scratch| {
        let start = State { q: vec![q], v: vec![0.2], act: vec![] };
        rollout.gradient(&start, &[], &Wave, true, s)
    };
    let gradient = value(0.3, &mut s);
    let difference = (value(0.3 + 1e-5, &mut s).value - value(0.3 - 1e-5, &mut s).value) / 2e-5;
    assert!((gradient.initial.q[0] - difference).abs() < 1e-7 * difference.abs());
    assert!(gradient.controls.is_empty());
}
