//! Motions as a simulation: every input against every output, in both modes and by differences.

#![allow(
    clippy::unwrap_used,
    clippy::float_cmp,
    reason = "a test may end, and asks for equal bits"
)]

#[path = "../common/mod.rs"]
mod common;
mod policies;
mod pushes;
mod sensors;

use std::sync::Arc;

use common::{forced_zoo, randoms, state, zoo};
use cotangent_ad::{Pose, Vec3};
use cotangent_physics::io::mjcf::read_mjcf;
use cotangent_physics::{
    Integrator, JointSpec, Mobility, Model, ModelBuilder, MotionPart, MotionSimulation, Shape,
    State, StepOptions, Weight, displace,
};
use cotangent_problem::{
    Asked, Choice, Free, InStages, Keep, Loss, Map, Misfit, NoStages, Objective, Parameter,
    Quantity, SampleKey, Simulation, StageDerivatives, Term, Transform, TrialFailure, Want,
    Workspace,
};
use pushes::pushed;
use sensors::{motion_of, with_sensors};
use serde_json::Value;

fn simulation(model: &Model, integrator: Integrator) -> MotionSimulation {
    let part = |label: &str, key, steps| MotionPart {
        label: label.into(),
        start: state(model, key),
        steps,
    };
    let parts = vec![part("first", 3, 12), part("second one", 8, 7)];
    let mut simulation =
        MotionSimulation::new(model.clone(), StepOptions { dt: 0.01, integrator }, parts);
    for k in 0..simulation.inputs().len() {
        let quantity = &simulation.inputs()[k];
        if quantity.name.ends_with(".control") {
            let value: Vec<f64> =
                randoms(k as u64, quantity.len()).iter().map(|u| 0.6 * u).collect();
            simulation.fix(k, &value).unwrap();
        }
    }
    simulation
}

/// The map of everything to everything, and the present values.
fn whole(simulation: &Arc<MotionSimulation>) -> (Box<dyn Map>, Vec<f64>) {
    let inputs: Vec<usize> = (0..simulation.inputs().len()).collect();
    let outputs: Vec<usize> = (0..simulation.outputs().len()).collect();
    let map = Arc::clone(simulation).map(&inputs, &outputs, true).unwrap();
    (map, simulation.inputs().iter().flat_map(|q| q.value.clone()).collect())
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[test]
fn the_adjoint_is_the_transpose_of_the_tangent_and_both_are_right() {
    let integrators =
        [Integrator::Euler, Integrator::EulerExplicitDamping, Integrator::RungeKutta4];
    let each = |model: &Model| integrators.map(|integrator| (model.clone(), integrator));
    let tendons = read_mjcf(include_str!("../data/tendons.xml")).unwrap().model;
    let tendons = tendons.without_stops().without_dry_friction();
    let forced = simulation(&forced_zoo(), Integrator::Euler);
    for name in ["fluid.density", ".gravcomp", ".damping_poly", ".stiffness_poly", ".torque"] {
        assert!(forced.inputs().iter().any(|q| q.name.ends_with(name)), "{name}");
    }
    for (model, integrator) in [each(&zoo()), each(&forced_zoo()), each(&tendons)].concat() {
        let simulation = Arc::new(pushed(simulation(&model, integrator)));
        let (map, x) = whole(&simulation);
        let run = |x: &[f64]| {
            map.run(x, Keep::Linearisation, SampleKey(0), &mut Workspace::new()).unwrap()
        };
        let at_x = run(&x);
        let mut first = 0;
        for (k, quantity) in simulation.inputs().iter().enumerate() {
            // one input at a time, so that each is seen whatever its size
            let mut v = vec![0.0; x.len()];
            let noise = randoms(100 + k as u64, quantity.len());
            let size = 0.1 * quantity.scale.min(1.0);
            v[first..first + quantity.len()].iter_mut().zip(noise).for_each(|(v, n)| *v = size * n);
            first += quantity.len();
            let w = randoms(500 + k as u64, map.output_len());
            let jv = at_x.pushforward(&[&v]).unwrap().remove(0);
            let by_reverse = dot(&v, &at_x.pullback(&[&w]).unwrap()[0]);
            let by_forward = dot(&jv, &w);
            let terms: f64 = jv.iter().zip(&w).map(|(a, b)| (a * b).abs()).sum();
            let error = (by_forward - by_reverse).abs() / terms.max(f64::MIN_POSITIVE);
            assert!(error < 1e-11, "{}: {by_forward} {by_reverse}", quantity.name);
            let moved = |h: f64| -> Vec<f64> { x.iter().zip(&v).map(|(x, v)| x + h * v).collect() };
            // a time constant of 0.02 s beside a damping ratio of 1 moves with the latter's size
            let h = if quantity.name.ends_with(".solref") { 1e-5 } else { 1e-4 };
            let (above, below) = (run(&moved(h)), run(&moved(-h)));
            let largest = jv.iter().fold(0.0_f64, |m, y| m.max(y.abs()));
            for (j, y) in jv.iter().enumerate() {
                let (a, b) = (above.values().entries[j], below.values().entries[j]);
                let difference = (a - b) / (2.0 * h);
                // rounding of values of some hundreds over the step, and the step's own error
                assert!(
                    (y - difference).abs() < 1e-6 * largest + 1e-8,
                    "{}: {y} {difference}",
                    quantity.name
                );
            }
        }
    }
}

/// Each number of a model at 0, as of a servo without a gear: a motion and its derivative are finite, but where something weighs nothing, follows
/// its control in no time or has no size. Numbers too large for what is seen of a state are a failure by name.
#[test]
fn every_number_may_be_zero() {
    let texts = [
        include_str!("../data/actuators.xml"),
        include_str!("../data/transmissions.xml"),
        include_str!("../data/tendons.xml"),
    ];
    for text in texts {
        let read = read_mjcf(text).unwrap();
        let mut start = State::at_reference(&read.model);
        start.v.fill(0.1);
        let part = MotionPart { label: String::new(), start, steps: 3 };
        let simulation = Arc::new(MotionSimulation::new(read.model, read.options, vec![part]));
        let (map, x) = whole(&simulation);
        let run = |quantity: &Quantity, first: usize, value: f64| {
            let mut x = x.clone();
            x[first..first + quantity.len()].fill(value);
            let found = map.run(&x, Keep::Linearisation, SampleKey(0), &mut Workspace::new())?;
            found.pullback(&[&vec![1.0; map.output_len()]])?;
            Ok::<_, TrialFailure>(found.values().entries.iter().all(|y| y.is_finite()))
        };
        let mut first = 0;
        for quantity in simulation.inputs() {
            let needed = [".mass", ".gyration", ".time_constant", ".size"];
            if !needed.iter().any(|end| quantity.name.ends_with(end)) {
                assert_eq!(run(quantity, first, 0.0), Ok(true), "{}", quantity.name);
            }
            if quantity.name.rsplit('.').next() == Some("gear") {
                assert_ne!(run(quantity, first, 1e300), Ok(false), "{}", quantity.name);
            }
            first += quantity.len();
        }
    }
}

#[test]
fn what_is_not_picked_stays_and_is_not_computed() {
    let simulation = Arc::new(simulation(&zoo(), Integrator::Euler));
    let (map, x) = whole(&simulation);
    let all = map.run(&x, Keep::Values, SampleKey(0), &mut Workspace::new()).unwrap();
    let index = |name: &str| simulation.outputs().iter().position(|q| q.name == name).unwrap();
    let name = "motion.\"second one\".site.wrist_tip.position";
    let one = Arc::clone(&simulation).map(&[], &[index(name)], true).unwrap();
    let run = one.run(&[], Keep::Values, SampleKey(0), &mut Workspace::new()).unwrap();
    let first: usize = simulation.outputs()[..index(name)].iter().map(Quantity::len).sum();
    let entries = &run.values().entries;
    assert_eq!(entries.len(), 8 * 3);
    assert_eq!(entries[..], all.values().entries[first..first + entries.len()]);
    let refused = run.pullback(&[&vec![0.0; entries.len()]]);
    assert!(matches!(refused, Err(TrialFailure::Contract(_))), "values alone were kept");
    // a motion of which nothing is seen may go anywhere
    let wild = simulation
        .inputs()
        .iter()
        .position(|q| q.name == "motion.first.start.joint.cart.velocity")
        .unwrap();
    let picks = [index(name), index("motion.first.site.wrist_tip.position")];
    let run = |outputs: &[usize]| {
        let map = Arc::clone(&simulation).map(&[wild], outputs, true).unwrap();
        let weights = vec![1.0; map.output_len()];
        let run = map.run(&[1e300], Keep::Linearisation, SampleKey(0), &mut Workspace::new())?;
        run.pullback(&[&weights])
    };
    assert_eq!(run(&picks[..1]), Ok(vec![vec![0.0]]));
    assert!(matches!(run(&picks), Err(TrialFailure::NonFinite { .. })));
}

#[test]
fn a_motion_that_diverges_names_its_step() {
    let what = |integrator| {
        let simulation = Arc::new(simulation(&zoo(), integrator));
        let index = simulation
            .inputs()
            .iter()
            .position(|q| q.name == "motion.first.start.joint.hip.velocity")
            .unwrap();
        let map = Arc::clone(&simulation).map(&[index], &[0], true).unwrap();
        let run = map.run(&[1e200], Keep::Values, SampleKey(0), &mut Workspace::new());
        let Err(TrialFailure::NonFinite { what }) = run else { panic!("it cannot be finite") };
        assert!(what.contains("`first` at step"), "{what}");
        what
    };
    assert!(!what(Integrator::Euler).contains("parts"));
    let adaptive = what(Integrator::Adaptive { tolerance: 1e-6 });
    assert!(adaptive.contains("more than 100000 parts"), "{adaptive}");
}

#[test]
fn holding_controls_hold_what_their_ranges_allow() {
    // an arm of one hinge
    let joint = JointSpec::new("lift", Mobility::Hinge([0.0, -1.0, 0.0]));
    let mut b = ModelBuilder::new();
    let body = b.body("arm", None, Pose::identity(), &[joint]).unwrap();
    let place = Pose { translation: Vec3([0.3, 0.0, 0.0]), ..Pose::identity() };
    let shape = Shape::Sphere { radius: 0.1 };
    b.geom("", Some(body), shape, place, Weight::Mass(2.0)).unwrap();
    b.motor("lift", 0, 10.0, Some([-1.0, 1.0])).unwrap();
    let built = b.build().unwrap();
    let part = MotionPart { label: String::new(), start: State::at_reference(&built), steps: 50 };
    let options = StepOptions { dt: 0.01, integrator: Integrator::Euler };
    let mut model = MotionSimulation::new(built, options, vec![part]);
    let control = model.inputs().iter().position(|q| q.name == "actuator.lift.control").unwrap();
    let holding = model.initial(control, "holding").unwrap();
    assert!((holding[0] - 2.0 * 9.81 * 0.3 / 10.0).abs() < 1e-12);
    model.fix(control, &holding).unwrap();
    let position = model.outputs().iter().position(|q| q.name == "joint.lift.position").unwrap();
    let map = Arc::new(model).map(&[], &[position], false).unwrap();
    let run = map.run(&[], Keep::Values, SampleKey(0), &mut Workspace::new()).unwrap();
    assert!(run.values().entries.iter().all(|q| q.abs() < 1e-12));
}

/// A model with contact, stops, dry friction and couplings, from the golden numbers, and a state of it.
fn constrained(name: &str, steps: usize) -> MotionSimulation {
    let golden: Value = serde_json::from_str(include_str!("../data/constraints.json")).unwrap();
    let cases = golden["cases"].as_array().unwrap();
    let case = cases.iter().find(|c| c["name"] == name).unwrap();
    let read = read_mjcf(case["xml"].as_str().unwrap()).unwrap();
    let numbers = |v: &Value| v.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect();
    let state = &case["states"][0];
    let (q, v) = (numbers(&state["qpos"]), numbers(&state["qvel"]));
    let start = State::new(&read.model, q, v).unwrap();
    let part = MotionPart { label: String::new(), start, steps };
    pushed(MotionSimulation::new(read.model, read.options, vec![part]))
}

/// Every input against all outputs: reverse mode against forward mode, and that against differences.
fn has_exact_derivatives(name: &str, simulation: &Arc<MotionSimulation>) {
    let (map, x) = whole(simulation);
    let run =
        |x: &[f64]| map.run(x, Keep::Linearisation, SampleKey(0), &mut Workspace::new()).unwrap();
    let at_x = run(&x);
    let w = randoms(500, map.output_len());
    let x_bar = at_x.pullback(&[&w]).unwrap().remove(0);
    let mut first = 0;
    for (k, quantity) in simulation.inputs().iter().enumerate() {
        let mut v = vec![0.0; x.len()];
        let noise = randoms(100 + k as u64, quantity.len());
        for (i, n) in noise.iter().enumerate() {
            v[first + i] = 0.1 * n * quantity.scale.min(1.0);
        }
        first += quantity.len();
        let jv = at_x.pushforward(&[&v]).unwrap().remove(0);
        let by_reverse = dot(&v, &x_bar);
        let terms: f64 = jv.iter().zip(&w).map(|(a, b)| (a * b).abs()).sum();
        let error = (dot(&jv, &w) - by_reverse).abs() / terms.max(1e-9);
        assert!(error < 1e-9, "{name}, {}: {} {by_reverse}", quantity.name, dot(&jv, &w));
        let largest = jv.iter().fold(0.0_f64, |m, y| m.max(y.abs()));
        // a width that steps over a switch of a contact says nothing; the least does not
        let by_differences = |h: f64| {
            let moved = |h: f64| x.iter().zip(&v).map(|(x, v)| x + h * v).collect::<Vec<_>>();
            let (above, below) = (run(&moved(h)), run(&moved(-h)));
            let pairs = above.values().entries.iter().zip(&below.values().entries);
            pairs
                .zip(&jv)
                .fold(0.0_f64, |worst, ((a, b), y)| worst.max((y - (a - b) / (2.0 * h)).abs()))
        };
        // rounding of forces of some thousands over the step, and the step's own error
        let most = 1e-5 * largest + 1e-6;
        let agrees = [1e-4, 1e-5, 1e-6, 1e-2].into_iter().any(|h| by_differences(h) < most);
        assert!(agrees, "{name}, {}: {:.2e} of {largest:.2e}", quantity.name, by_differences(1e-5));
    }
}

/// Every input of a constrained motion, masses through the inverse inertias that scale softness as well, against all outputs, forces of contacts and
/// constraints among them.
#[test]
fn constrained_motions_have_exact_derivatives() {
    let ties = ["connect", "connect within", "weld", "weld within", "weld placed"];
    let ties = ties.into_iter().map(|tie| format!("ties {tie}"));
    let others = ["stops", "mixed elliptic 0", "capsule box elliptic 4", "box box pyramidal 3"];
    for name in ties.chain(others.map(String::from)) {
        let simulation = Arc::new(constrained(&name, 2));
        has_exact_derivatives(&name, &simulation);
        let forces = simulation.outputs().iter().filter(|q| q.name.ends_with("_force")).count();
        assert!(forces > 1, "{name}");
    }
}

/// Every output, sensors and forces among them, as it is seen at a stage, and the stage's step: derivatives by state and controls against
/// central differences, over all directions at once.
fn stages_have_exact_derivatives(name: &str, simulation: &Arc<MotionSimulation>) {
    let (map, _) = whole(simulation);
    let (trajectory, model) = (map.trajectory().unwrap(), simulation.model());
    let (nq, nv, nd) = (model.nq(), model.nv(), trajectory.directions());
    let mut x = trajectory.start();
    for k in 0..2 {
        let u = trajectory.controls(k).to_vec();
        let entries: Vec<usize> =
            (0..map.output_len()).filter(|e| trajectory.seen_at(*e) == k).collect();
        let d = randoms(700 + k as u64, nd + u.len());
        let moved = |h: f64| {
            let along: Vec<f64> = d.iter().map(|d| h * d).collect();
            let mut state = x.clone();
            displace(model, &x[..nq], &along[..nv], &mut state[..nq]);
            state[nq..].iter_mut().zip(&along[nv..nd]).for_each(|(x, d)| *x += d);
            let controls: Vec<f64> = u.iter().zip(&along[nd..]).map(|(u, d)| u + d).collect();
            (state, controls)
        };
        let seen = |h: f64| {
            let (state, controls) = moved(h);
            let mut y = vec![0.0; map.output_len()];
            trajectory.see(k, &state, &controls, &entries, &mut y);
            entries.iter().map(|e| y[*e]).collect::<Vec<f64>>()
        };
        let stepped = |h: f64| {
            let (state, controls) = moved(h);
            let mut next = state;
            trajectory.step(k, &mut next, &controls).unwrap();
            next
        };
        let here = stepped(0.0);
        let (mut a, mut b) = (vec![0.0; nd * nd], vec![0.0; nd * u.len()]);
        trajectory.step_slopes(k, &x, &u, [&mut a, &mut b]);
        let mut rows = vec![0.0; entries.len() * d.len()];
        trajectory.seen_slopes(k, &x, &u, &entries, &mut rows);
        let mut slopes = product(&rows, &d);
        let by_controls = if u.is_empty() { vec![0.0; nd] } else { product(&b, &d[nd..]) };
        slopes.extend(product(&a, &d[..nd]).iter().zip(by_controls).map(|(a, b)| a + b));
        let error = |h: f64| {
            let seen = seen(h).into_iter().zip(seen(-h)).map(|(a, b)| (a - b) / (2.0 * h));
            let (after, before) = (stepped(h), stepped(-h));
            let [mut to_after, mut to_before] = [vec![0.0; nd], vec![0.0; nd]];
            trajectory.difference(&here, &after, &mut to_after);
            trajectory.difference(&here, &before, &mut to_before);
            let ends = to_after.into_iter().zip(to_before).map(|(a, b)| (a - b) / (2.0 * h));
            let all = seen.chain(ends).zip(&slopes);
            all.fold(0.0_f64, |worst, (found, slope)| worst.max((found - slope).abs()))
        };
        let largest = slopes.iter().fold(0.0_f64, |m, y| m.max(y.abs()));
        // a width that steps over a switch of a contact says nothing
        let least = [1e-4, 1e-5, 1e-6, 1e-7].map(error).into_iter().fold(f64::INFINITY, f64::min);
        assert!(
            largest > 0.1 && least < 1e-6 * largest + 1e-6,
            "{name}, {k}: {least:.2e} of {largest:.2e}"
        );
        x = here;
    }
}

#[test]
fn what_is_seen_at_a_stage_has_exact_derivatives() {
    let golden: Value = serde_json::from_str(include_str!("../data/sensors.json")).unwrap();
    for (k, state) in golden["states"].as_array().unwrap().iter().enumerate() {
        stages_have_exact_derivatives(&format!("sensors {k}"), &Arc::new(with_sensors(state)));
    }
    for name in ["mixed elliptic 0", "stops", "ties weld", "capsule box elliptic 4"] {
        stages_have_exact_derivatives(name, &Arc::new(constrained(name, 2)));
    }
    let ranges: Value = serde_json::from_str(include_str!("../data/ranges.json")).unwrap();
    let motion = motion_of(include_str!("../data/ranges.xml"), &ranges["states"][0]);
    stages_have_exact_derivatives("ranges", &Arc::new(motion));
}

/// With masses below 0 the mass matrix is not positive, and the constraints' problem has no minimum.
#[test]
fn constraints_without_a_solution_are_a_failure_and_no_panic() {
    for name in ["stops", "mixed elliptic 0", "ties weld", "box box pyramidal 3"] {
        let simulation = Arc::new(constrained(name, 2));
        let (map, mut x) = whole(&simulation);
        let mut first = 0;
        for quantity in simulation.inputs() {
            if quantity.name.split('.').next_back() == Some("mass") {
                x[first] = -x[first];
            }
            first += quantity.len();
        }
        for keep in [Keep::Values, Keep::Linearisation] {
            let failure = map.run(&x, keep, SampleKey(0), &mut Workspace::new()).err();
            assert!(failure.is_some(), "{name}");
        }
    }
}

/// The controls of a motion, held for five steps, and terms on what is seen of states and during steps: of every kind of output.
fn asked_of_controls(simulation: MotionSimulation) -> Asked {
    let simulation: Arc<dyn Simulation> = Arc::new(simulation);
    let controls = (0..simulation.inputs().len())
        .filter(|k| simulation.inputs()[*k].name.ends_with(".control"));
    let held = |k: usize| {
        let quantity = &simulation.inputs()[k];
        let sets: Vec<Vec<(usize, usize)>> = (0..quantity.len())
            .collect::<Vec<_>>()
            .chunks(5)
            .map(|steps| steps.iter().map(|step| (k, *step)).collect())
            .collect();
        let start: Vec<f64> = randoms(k as u64, sets.len()).iter().map(|u| 0.2 * u).collect();
        let parameter = Parameter::vector(quantity.name.clone(), sets.len()).within(-1.0, 1.0);
        Free { parameter, start, spread: 0.0, sets }
    };
    let choice = Choice::new(simulation.as_ref(), controls.map(held).collect()).unwrap();
    let (mut first, mut terms, mut picked) = (0, Vec::new(), Vec::new());
    for (k, quantity) in simulation.outputs().iter().enumerate() {
        let (row, times) = (quantity.row_len(), quantity.len() / quantity.row_len());
        // all of the last time, and one entry in the middle
        let last = first + row * (times - 1);
        let entries: Vec<usize> = (last..last + row).collect();
        let target: Vec<f64> = randoms(40 + k as u64, row);
        let distance = Term {
            misfit: Misfit::Distance { tolerance: 0.0 },
            group: row,
            weights: vec![1.0],
            ..Term::difference(&format!("{k} last"), entries, target, 0.7)
        };
        terms.push(distance);
        let middle = first + row * (times / 2);
        terms.push(Term::difference(&format!("{k} middle"), vec![middle], vec![0.1], 2.0));
        picked.push(k);
        first += quantity.len();
    }
    Asked::new(simulation, choice, &picked, terms, true).unwrap()
}

/// Derivatives of every stage, and of the last state.
fn stage_derivatives(
    problem: &InStages<'_>,
    controls: &[Vec<f64>],
) -> (Vec<StageDerivatives>, f64) {
    let stages = problem.stages.as_ref();
    let (mut x, mut cost, mut all) = (stages.start(), 0.0, Vec::new());
    let derivatives = |k: usize, x: &[f64], u: &[f64]| {
        let mut out = StageDerivatives::default();
        stages.derivatives(k, x, u, &mut out).unwrap();
        out
    };
    for (k, u) in controls.iter().enumerate() {
        all.push(derivatives(k, &x, u));
        let mut next = vec![0.0; x.len()];
        cost += stages.step(k, &x, u, &mut next).unwrap();
        let mut nowhere = vec![1.0; stages.directions()];
        stages.difference(&next, &next, &mut nowhere);
        assert!(nowhere.iter().all(|d| d.abs() < 1e-15));
        x = next;
    }
    all.push(derivatives(controls.len(), &x, &[]));
    (all, cost + stages.last_cost(&x).unwrap())
}

fn product(matrix: &[f64], x: &[f64]) -> Vec<f64> {
    matrix.chunks_exact(x.len().max(1)).map(|row| dot(row, x)).collect()
}

/// A motion in stages against the whole map: the cost, the gradient by the costates against the adjoint of the motion, and the quadratic
/// model along a direction against the residuals' tangents by duals.
#[test]
fn the_stages_of_a_motion_are_the_motion() {
    let tendons = read_mjcf(include_str!("../data/tendons.xml")).unwrap().model;
    let tendons = tendons.without_stops().without_dry_friction();
    let free = |model: &Model, integrator| {
        let part = MotionPart { label: String::new(), start: state(model, 3), steps: 12 };
        MotionSimulation::new(model.clone(), StepOptions { dt: 0.01, integrator }, vec![part])
    };
    let mut simulations = vec![constrained("box box pyramidal 3", 8), constrained("stops", 8)];
    for integrator in [Integrator::Euler, Integrator::ImplicitFast, Integrator::RungeKutta4] {
        simulations.extend([free(&forced_zoo(), integrator), free(&tendons, integrator)]);
    }
    for simulation in simulations.into_iter().filter(|s| s.model().nu() > 0) {
        let asked = asked_of_controls(simulation);
        let x = asked.choice().start(0);
        let want = Want { gradient: true, residuals: true, jacobian: true };
        let whole = asked.evaluate(&x, want, SampleKey(0), &mut Workspace::new()).unwrap();
        let problem = asked.stages().unwrap();
        let controls = problem.controls(&x);
        assert_eq!(problem.free_numbers(&controls), x);
        let (stages, cost) = stage_derivatives(&problem, &controls);
        assert!((cost - whole.value).abs() < 1e-12 * cost, "{cost} {}", whole.value);
        let mut costate = stages[controls.len()].cost_x.clone();
        let mut by_control = vec![Vec::new(); controls.len()];
        for k in (0..controls.len()).rev() {
            let (stage, nu) = (&stages[k], controls[k].len());
            let pulled = |matrix: &[f64], j: usize, width: usize| {
                matrix[j..].iter().step_by(width).zip(&costate).map(|(m, c)| m * c).sum::<f64>()
            };
            by_control[k] = (0..nu).map(|j| stage.cost_u[j] + pulled(&stage.b, j, nu)).collect();
            let nd = costate.len();
            costate = (0..nd).map(|j| stage.cost_x[j] + pulled(&stage.a, j, nd)).collect();
        }
        let gradient = whole.gradient.unwrap();
        let largest = gradient.iter().fold(0.0_f64, |m, g| m.max(g.abs()));
        for (g, h) in gradient.iter().zip(problem.free_numbers(&by_control)) {
            assert!((g - h).abs() < 1e-10 * largest, "{g} {h} of {largest}");
        }
        // 1/2 |v|^2 and the half square of its length have the same Gauss-Newton part but across the direction of v: ask along the
        // stages' own quadratic what the Jacobian of the residuals says, which is less or equal
        let v = randoms(77, x.len());
        let (mut dx, mut curved) = (vec![0.0; problem.stages.directions()], 0.0);
        for (stage, dv) in stages.iter().zip(problem.controls(&v)) {
            curved += dot(&dx, &product(&stage.cost_xx, &dx))
                + 2.0 * dot(&dv, &product(&stage.cost_ux, &dx))
                + dot(&dv, &product(&stage.cost_uu, &dv));
            let by_control = product(&stage.b, &dv);
            dx = product(&stage.a, &dx).iter().zip(by_control).map(|(a, b)| a + b).collect();
        }
        curved += dot(&dx, &product(&stages[controls.len()].cost_xx, &dx));
        let expected = gauss_newton_of_terms(&asked, &x, &v);
        assert!((curved - expected).abs() < 1e-10 * expected, "{curved} {expected}");
    }
}

/// `y_dot^T H y_dot` with the tangent of the outputs by duals: a distance without tolerance has `H = 1/scale^2`, as a difference has.
fn gauss_newton_of_terms(asked: &Asked, x: &[f64], v: &[f64]) -> f64 {
    let choice = asked.choice();
    let u = choice.scatter(x);
    let run =
        asked.map().run(&u, Keep::Linearisation, SampleKey(0), &mut Workspace::new()).unwrap();
    let y_dot = run.pushforward(&[&choice.push(v)]).unwrap().remove(0);
    assert!(asked.terms().iter().all(|t| t.loss == Loss::Square));
    let of = |t: &Term| t.entries.iter().map(|e| (y_dot[*e] / t.scale).powi(2)).sum::<f64>();
    asked.terms().iter().map(of).sum()
}

#[test]
fn what_does_not_go_by_stages_is_refused_by_name() {
    let stages_of =
        |simulation: MotionSimulation, name: &str, change: &dyn Fn(&mut Free, &mut Term)| {
            let simulation: Arc<dyn Simulation> = Arc::new(simulation);
            let input = simulation.inputs().iter().position(|q| q.name == name).unwrap();
            let mut free = Free::whole(input, &simulation.inputs()[input]);
            let outputs = [simulation.outputs().iter().position(|q| q.row_len() == 1).unwrap()];
            let mut term = Term::difference("both ends", vec![0], vec![0.0], 1.0);
            change(&mut free, &mut term);
            let choice = Choice::new(simulation.as_ref(), vec![free]).unwrap();
            let asked = Asked::new(simulation, choice, &outputs, vec![term], true).unwrap();
            asked.stages().map(|_| ())
        };
    let one = || {
        let part = MotionPart { label: String::new(), start: state(&forced_zoo(), 3), steps: 6 };
        let options = StepOptions { dt: 0.01, integrator: Integrator::Euler };
        MotionSimulation::new(forced_zoo(), options, vec![part])
    };
    let control =
        one().inputs().iter().find(|q| q.name.ends_with(".control")).unwrap().name.clone();
    assert_eq!(stages_of(one(), &control, &|_, _| {}), Ok(()));
    let gravity = stages_of(one(), "gravity", &|_, _| {});
    assert_eq!(gravity, Err(NoStages::NotAControl("gravity".into())));
    let logit = stages_of(one(), &control, &|free, _| {
        free.parameter = free.parameter.clone().within(-1.0, 1.0).through(Transform::Logit);
        free.start.fill(0.0);
    });
    assert_eq!(logit, Err(NoStages::Transform(control.clone())));
    let distance = stages_of(one(), &control, &|_, term| {
        (term.entries, term.target, term.group) = (vec![0, 1], vec![0.0; 2], 2);
        term.misfit = Misfit::Distance { tolerance: 0.0 };
    });
    assert_eq!(distance, Err(NoStages::Term("both ends".into())));
    let two = stages_of(simulation(&zoo(), Integrator::Euler), "gravity", &|_, _| {});
    assert!(
        matches!(&two, Err(NoStages::NoTrajectory(why)) if why.contains("2 motions")),
        "{two:?}"
    );
}
