//! Constraints and contact: values against MuJoCo 4.0.0 (`data/constraints.json` by `peers/golden_constraints.py`) and of cylinders against 3.17.0
//! (`data/cylinders.json` by `peers/golden_cylinders.py`), derivatives against duals through the generic code and against differences.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test: it may end, and says which case it is at"
)]

mod common;

use common::randoms;
use cotangent_ad::{Dual, Num, Real, Schedule, jacobian_forward};
use cotangent_physics::derivative::{Cost, Cotangent, Rollout, StepAdjoint, StepJacobian};
use cotangent_physics::io::{Effect, ModelFile, mjcf::read_mjcf};
use cotangent_physics::{
    Integrator, Model, Parameters, Scratch, State, StepOptions, acceleration, difference, displace,
    step,
};
use serde_json::Value;

fn numbers(v: &Value) -> Vec<f64> {
    match v {
        Value::Array(all) => all.iter().flat_map(numbers).collect(),
        _ => vec![v.as_f64().unwrap()],
    }
}

/// Cases of the golden numbers: name, model, and its states.
fn cases() -> Vec<(String, ModelFile, Vec<Value>)> {
    let texts = [include_str!("data/constraints.json"), include_str!("data/cylinders.json")];
    texts.into_iter().flat_map(cases_of).collect()
}

fn cases_of(text: &str) -> Vec<(String, ModelFile, Vec<Value>)> {
    let golden: Value = serde_json::from_str(text).unwrap();
    let case = |case: &Value| {
        let name = case["name"].as_str().unwrap().to_owned();
        let read = read_mjcf(case["xml"].as_str().unwrap());
        let read = read.unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!(read.unsimulated.is_empty(), "{name}: {:?}", read.unsimulated);
        (name, read, case["states"].as_array().unwrap().clone())
    };
    golden["cases"].as_array().unwrap().iter().map(case).collect()
}

/// The largest difference as a share of the largest number, or of 1.
fn error(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    let scale = a.iter().chain(b).fold(1.0_f64, |m, x| m.max(x.abs()));
    let worst = |m: f64, (x, y): (&f64, &f64)| if (x - y).abs() <= m { m } else { (x - y).abs() };
    a.iter().zip(b).fold(0.0, worst) / scale
}

fn near(what: &str, a: &[f64], b: &[f64], tolerance: f64) {
    let error = error(a, b);
    assert!(error <= tolerance, "{what}: {error:.2e}");
}

#[test]
fn accelerations_and_steps_agree_with_mujoco() {
    let mut wrong = vec![];
    for (name, read, states) in cases() {
        let model = &read.model;
        let (p, mut s) = (model.parameters(), Scratch::new(model));
        // MuJoCo's polytope leaves its normals less exact than ours, which no direction betters by 1e-12; flat sides it has exactly
        let is_flat = ["2 shared", "4 shared"].iter().any(|points| name.contains(points));
        let iterates = name.starts_with("convex") || (name.starts_with("cylinder") && !is_flat);
        let tolerance = if iterates { 3e-5 } else { 1e-8 };
        for r in states {
            let state = State::new(model, numbers(&r["qpos"]), numbers(&r["qvel"])).unwrap();
            let a = acceleration(model, p, &read.options, (&state, &[]), &mut s);
            let mut check = |what: &str, found: f64| {
                if found.is_nan() || found > tolerance {
                    wrong.push(format!("{name}, {what}: {found:.2e}"));
                }
            };
            check("acceleration", error(a, &numbers(&r["qacc"])));
            for (method, integrator) in [
                ("Euler", Integrator::Euler),
                ("RK4", Integrator::RungeKutta4),
                ("implicitfast", Integrator::ImplicitFast),
            ] {
                if r[method].is_null() {
                    continue;
                }
                let options = StepOptions { integrator, ..read.options };
                let mut next = state.clone();
                step(model, p, &options, &mut next, &[], &mut s);
                let mut moved = vec![0.0; model.nv()];
                difference(model, &numbers(&r[method]["qpos"]), &next.q, &mut moved);
                check(method, error(&moved, &vec![0.0; model.nv()]));
                check(method, error(&next.v, &numbers(&r[method]["qvel"])));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Parameters from a flat list.
fn unflatten<T: Num>(like: &Parameters<f64>, x: &[T]) -> Parameters<T> {
    let mut all = x.iter();
    like.map(|_| *all.next().unwrap())
}

/// The state after a step from `start (+) x`, as `difference` from `end` and a velocity; `x` ends with the parameters.
fn next<T: Real>(
    model: &Model,
    options: &StepOptions,
    (start, end): (&State, &State),
    x: &[T],
) -> Vec<T> {
    let (n, mut s) = (model.nv(), Scratch::new(model));
    let p = unflatten(model.parameters(), &x[2 * n..]);
    let lift = |q: &[f64]| q.iter().map(|q| T::lit(*q)).collect::<Vec<T>>();
    let (q0, end_q) = (lift(&start.q), lift(&end.q));
    let mut q = q0.clone();
    displace(model, &q0, &x[..n], &mut q);
    let v = (0..n).map(|d| x[n + d] + start.v[d]).collect();
    let mut now = State { q, v, act: vec![] };
    step(model, &p, options, &mut now, &[], &mut s);
    let mut out = vec![T::lit(0.0); n];
    difference(model, &end_q, &now.q, &mut out);
    out.extend(now.v);
    out
}

/// Every fifth case of the closed forms of contact, and all others, under three integrators in turn: by hand against duals, in the state and in every parameter.
#[test]
fn step_adjoint_agrees_with_duals() {
    for (k, (name, read, states)) in cases().into_iter().enumerate() {
        let always = ["stops", "mixed", "ties", "capsule box", "box box", "convex", "cylinder"];
        if k % 5 != 3 && !always.iter().any(|start| name.starts_with(start)) {
            continue;
        }
        let integrators = [Integrator::Euler, Integrator::RungeKutta4, Integrator::ImplicitFast];
        let integrator = integrators[k / 5 % 3];
        println!("{name}, {integrator:?}");
        let (model, n) = (&read.model, read.model.nv());
        let options = StepOptions { integrator, ..read.options };
        let r = &states[0];
        let start = State::new(model, numbers(&r["qpos"]), numbers(&r["qvel"])).unwrap();
        let (mut s, mut end) = (Scratch::new(model), start.clone());
        step(model, model.parameters(), &options, &mut end, &[], &mut s);
        let mut x = vec![0.0; 2 * n];
        x.extend(model.parameters().numbers());
        let map = |x: &[Dual<f64, 8>]| next(model, &options, (&start, &end), x);
        let jacobian = jacobian_forward(map, &x);
        let y_bar = randoms(60 + k as u64, 2 * n);
        let by_duals: Vec<f64> = (0..x.len())
            .map(|j| (0..2 * n).map(|i| y_bar[i] * jacobian[i * x.len() + j]).sum())
            .collect();
        let mut bar = Cotangent { q: y_bar[..n].to_vec(), v: y_bar[n..].to_vec(), act: vec![] };
        let mut p_bar = model.parameters().zero_like();
        let mut adjoint = StepAdjoint::new(model);
        let point = (&start, [].as_slice());
        let p = model.parameters();
        adjoint.pull(model, p, &options, point, &mut bar, &mut [], Some(&mut p_bar), &mut s);
        near("by configuration", &bar.q, &by_duals[..n], 1e-10);
        near("by velocity", &bar.v, &by_duals[n..2 * n], 1e-10);
        let mut whole = StepJacobian::default();
        adjoint.jacobian(model, p, &options, point, &mut whole, &mut s);
        let by_state: Vec<f64> =
            jacobian.chunks_exact(x.len()).flat_map(|row| &row[..2 * n]).copied().collect();
        near("the whole Jacobian", &whole.a, &by_state, 1e-10);
        near("by parameters", &p_bar.numbers(), &by_duals[2 * n..], 1e-10);
        // the numbers of constraints are the last
        let constraints = p_bar.constraints.weights;
        let weighed = constraints.bodies.concat().into_iter().chain(constraints.coordinates);
        assert!(weighed.into_iter().any(|w| w.abs() > 1e-9), "{name}: a constraint acts");
        differences_agree(model, &options, (&start, &end), (&x, &jacobian), k as u64);
    }
}

/// Two arms of a trunk that flies touch each other: the coordinates of the trunk carry both geoms of a contact, which turns with them.
#[test]
fn the_jacobian_of_links_that_touch_each_other_agrees_with_duals() {
    let cones = [("pyramidal", 3), ("elliptic", 4), ("elliptic", 6)];
    let integrators =
        [Integrator::Euler, Integrator::EulerExplicitDamping, Integrator::ImplicitFast];
    for (key, ((cone, directions), integrator)) in cones.into_iter().zip(integrators).enumerate() {
        let touching = format!("condim='{directions}' friction='.7 .1 .05' mass='.5'");
        let text = format!(
            "<mujoco><option cone='{cone}'/><worldbody><body pos='0 0 1'><freejoint/>
             <geom size='.1' pos='.1 .5 0' mass='2' contype='0' conaffinity='0'/>
             <body pos='-.1 0 0'><joint type='ball' damping='.1'/>
             <geom type='capsule' size='.05' fromto='0 0 0 .1 0 .2' {touching}/></body>
             <body pos='.2 0 .15' gravcomp='.4'><joint axis='0 1 .2' damping='.2' stiffness='3'/>
             <geom type='box' size='.1 .1 .1' pos='-.054 0 0' euler='3 0 5' {touching}/></body>
             </body></worldbody></mujoco>"
        );
        let read = read_mjcf(&text).unwrap();
        let (model, n) = (&read.model, read.model.nv());
        let (p, options) = (model.parameters(), StepOptions { integrator, ..read.options });
        let mut start = State::at_reference(model);
        let mut turned = randoms(30 + key as u64, n);
        turned[6..].fill(0.0);
        let reference = start.q.clone();
        displace(model, &reference, &turned, &mut start.q);
        start.v = randoms(33 + key as u64, n);
        let mut s = Scratch::new(model);
        let held = acceleration(model, p, &options, (&start, &[]), &mut s).to_vec();
        let apart = read.clone().without(Effect::Contact).model;
        let mut alone = Scratch::new(&apart);
        let free = acceleration(&apart, apart.parameters(), &options, (&start, &[]), &mut alone);
        assert!(error(&held, free) > 1e-2, "the arms touch");
        let mut end = start.clone();
        step(model, p, &options, &mut end, &[], &mut s);
        let mut x = vec![0.0; 2 * n];
        x.extend(p.numbers());
        let map = |x: &[Dual<f64, 8>]| next(model, &options, (&start, &end), x);
        let jacobian = jacobian_forward(map, &x);
        let by_state: Vec<f64> =
            jacobian.chunks_exact(x.len()).flat_map(|row| &row[..2 * n]).copied().collect();
        let mut whole = StepJacobian::default();
        let point = (&start, [].as_slice());
        StepAdjoint::new(model).jacobian(model, p, &options, point, &mut whole, &mut s);
        near(&format!("{cone} {directions}"), &whole.a, &by_state, 1e-10);
    }
}

/// The duals themselves, along random directions of state and parameters, against differences of the plain step.
fn differences_agree(
    model: &Model,
    options: &StepOptions,
    states: (&State, &State),
    (x, jacobian): (&[f64], &[f64]),
    key: u64,
) {
    let n = model.nv();
    let scale = |k: usize| if k < 2 * n { 1.0 } else { 0.1 * x[k].abs() };
    let direction: Vec<f64> =
        randoms(90 + key, x.len()).iter().enumerate().map(|(k, d)| d * scale(k)).collect();
    let along: Vec<f64> = (0..2 * n)
        .map(|i| (0..x.len()).map(|j| jacobian[i * x.len() + j] * direction[j]).sum())
        .collect();
    let at = |h: f64| {
        let moved: Vec<f64> = x.iter().zip(&direction).map(|(x, d)| x + h * d).collect();
        next(model, options, states, &moved)
    };
    // a width that steps over a switch of a contact says nothing; the least does not
    let by_differences = |h: f64| {
        let (up, down) = (at(h), at(-h));
        let slopes = up.iter().zip(&down).map(|(u, d)| (u - d) / (2.0 * h));
        error(&along, &slopes.collect::<Vec<f64>>())
    };
    let least = [1e-6, 1e-7, 1e-8].map(by_differences).into_iter().fold(f64::INFINITY, f64::min);
    assert!(least < 1e-6, "along a direction: {least:.2e}");
}

/// A sphere of radius 0.1 on a vertical slide above a plane, with these attributes of its geom.
fn drop(mass: f64, surface: &str) -> ModelFile {
    let text = format!(
        "<mujoco><worldbody><geom type='plane' size='1 1 1' condim='1'/>
         <body pos='0 0 .1'><joint type='slide' axis='0 0 1'/>
         <geom size='.1' mass='{mass}' condim='1' priority='1' {surface}/></body></worldbody></mujoco>"
    );
    read_mjcf(&text).unwrap()
}

/// `(1 - d) g / k` of a constant impedance whatever the mass (MuJoCo's issue tracker, 732 and 1165), and its derivative by `k` through
/// 4000 steps.
#[test]
fn a_direct_reference_rests_at_its_depth() {
    let cases = [
        (1.0, 1000.0, 50.0, ".9 .9", 9.81e-4),
        (7.0, 1000.0, 50.0, ".9 .9", 9.81e-4),
        (1.0, 1000.0, 50.0, ".5 .5", 4.905e-3),
        (1.0, 4000.0, 50.0, ".8 .8", 4.905e-4),
        (1.0, 1000.0, 50.0, ".9 .95", 6.371_762_168_75e-4),
    ];
    for (mass, k, b, impedance, depth) in cases {
        let read = drop(mass, &format!("solref='-{k} -{b}' solimp='{impedance} .001 .5 2'"));
        let (model, steps) = (&read.model, 4000);
        let rollout = Rollout {
            model,
            parameters: model.parameters(),
            options: read.options,
            steps,
            schedule: Schedule::StoreAll,
        };
        let start = State::at_reference(model);
        let mut s = Scratch::new(model);
        let g = rollout.gradient(&start, &[], &Last(steps), true, &mut s);
        assert!((g.value + depth).abs() < 1e-12, "{mass} {k} {impedance}: {}", g.value);
        if impedance != ".9 .95" {
            let by_k = -g.parameters.unwrap().constraints.surfaces[1].softness.reference[0];
            assert!((by_k - depth / k).abs() < 1e-9 * depth / k, "{by_k} {}", depth / k);
        }
    }
}

/// The last height.
struct Last(usize);

impl Cost for Last {
    fn value(&self, k: usize, x: &State, _: &mut Scratch) -> f64 {
        if k == self.0 { x.q[0] } else { 0.0 }
    }
    fn pull(&self, k: usize, _: &State, bar: &mut Cotangent, _: &mut Scratch) {
        bar.q[0] += if k == self.0 { 1.0 } else { 0.0 };
    }
}

/// An impedance that falls with depth (MuJoCo's issue tracker, 2630): forces of one contact on a mass of 1 kg.
#[test]
fn an_impedance_may_fall_with_depth() {
    let read = drop(1.0, "solimp='.99 .95 .001 .5 2'");
    let model = &read.model;
    let mut s = Scratch::new(model);
    let cases = [
        (0.5e-3, 0.0, 10.818_885_6),
        (0.5e-3, -0.5, 61.871_517_17),
        (2e-3, 0.0, 14.3195),
        (5e-3, -1.0, 121.8195),
        (10e-3, -1.0, 134.3195),
    ];
    for (depth, speed, force) in cases {
        let state = State { q: vec![-depth], v: vec![speed], act: vec![] };
        let a = acceleration(model, model.parameters(), &read.options, (&state, &[]), &mut s)[0];
        assert!((a + 9.81 - force).abs() < 2e-8 * force, "{depth} {speed}: {}", a + 9.81);
    }
}

/// At rest with exactly no slip on an elliptic cone (mujoco_warp 1657): the step's derivatives by velocities and applied wrenches.
#[test]
fn a_body_at_rest_without_slip_has_derivatives() {
    let model = |geom: &str| {
        let motors: String = (0..6)
            .map(|k| {
                let gear: Vec<&str> = (0..6).map(|i| if i == k { "1" } else { "0" }).collect();
                format!("<motor joint='free' gear='{}'/>", gear.join(" "))
            })
            .collect();
        let text = format!(
            "<mujoco><option cone='elliptic'/><worldbody><geom type='plane' size='1 1 1' friction='.6'/>
             <body pos='0 0 .0995'><joint type='free' name='free'/><geom {geom} mass='1' friction='.6'/></body>
             </worldbody><actuator>{motors}</actuator></mujoco>"
        );
        read_mjcf(&text).unwrap()
    };
    // (velocity of the next state, by control or velocity, derivative)
    let sphere =
        [(0, 6, 1.43956e-3), (4, 6, 1.397608e-2), (0, 0, 0.941_005_85), (4, 0, 1.471_166_52)];
    let cube = [
        (0, 6, 7.723_810_53e-5),
        (4, 6, 3.835_909_98e-4),
        (2, 8, 3.973_509_93e-5),
        (3, 9, 3.923_473_60e-3),
        (5, 11, 2.013_422_82e-3),
        (0, 0, 0.797_604_011),
        (2, 2, 0.793_656_326),
        (5, 5, 0.790_886_613),
    ];
    let all = [
        ("size='.1'", 8.9865e-4, &sphere[..]),
        ("type='box' size='.1 .1 .1'", 2.121_618_4e-3, &cube[..]),
    ];
    for (geom, rise, expected) in all {
        let read = model(geom);
        let (model, p) = (&read.model, read.model.parameters());
        let (start, mut s) = (State::at_reference(model), Scratch::new(model));
        let mut end = start.clone();
        step(model, p, &read.options, &mut end, &[0.0; 6], &mut s);
        assert!((end.v[2] - rise).abs() < 1e-4 * rise, "{}", end.v[2]);
        for (row, column, derivative) in expected {
            let mut bar = Cotangent::zero(model);
            bar.v[*row] = 1.0;
            let mut by_control = vec![0.0; 6];
            let point = (&start, [0.0; 6].as_slice());
            let mut adjoint = StepAdjoint::new(model);
            adjoint.pull(model, p, &read.options, point, &mut bar, &mut by_control, None, &mut s);
            let found = if *column < 6 { bar.v[*column] } else { by_control[column - 6] };
            assert!((found - derivative).abs() < 1e-5 * derivative, "{row} {column}: {found}");
        }
    }
}

/// 500 steps of a box that is thrown on a plane and slides, by the adjoint under two schedules and by duals along a direction.
#[test]
fn a_rollout_in_contact_has_an_exact_gradient() {
    let (_, read, states) =
        cases().into_iter().find(|(name, ..)| name == "plane box elliptic 3").unwrap();
    let (model, n, steps) = (&read.model, read.model.nv(), 500);
    let r = &states[0];
    let start = State::new(model, numbers(&r["qpos"]), numbers(&r["qvel"])).unwrap();
    let gradient = |schedule| {
        let (parameters, options) = (model.parameters(), read.options);
        let rollout = Rollout { model, parameters, options, steps, schedule };
        rollout.gradient(&start, &[], &Last(steps), true, &mut Scratch::new(model))
    };
    let by_hand = gradient(Schedule::StoreAll);
    assert_eq!(gradient(Schedule::Revolve { slots: 9 }), by_hand);
    let direction = randoms(7, 2 * n);
    let mut s = Scratch::new(model);
    let seeded: Vec<Dual<f64, 1>> = direction.iter().map(|d| Dual { re: 0.0, eps: [*d] }).collect();
    let q0: Vec<Dual<f64, 1>> = start.q.iter().map(|q| Dual::konst(*q)).collect();
    let mut q = q0.clone();
    displace(model, &q0, &seeded[..n], &mut q);
    let v = (0..n).map(|d| seeded[n + d] + start.v[d]).collect();
    let (mut now, p) = (State { q, v, act: vec![] }, model.parameters().lift());
    for _ in 0..steps {
        step(model, &p, &read.options, &mut now, &[], &mut s);
    }
    let bars = by_hand.initial.q.iter().chain(&by_hand.initial.v);
    let along: f64 = bars.zip(&direction).map(|(b, d)| b * d).sum();
    let by_duals = now.q[0].eps[0];
    assert!((along - by_duals).abs() < 1e-9 * by_duals.abs().max(1.0), "{along} {by_duals}");
}

/// The speed after half a second of a ball of radius `r` that starts at rest on a box tilted by 30 degrees.
fn rolled(r: f64, option: &str, surface: &str) -> f64 {
    let (sin, cos) = (std::f64::consts::PI / 6.0).sin_cos();
    let text = format!(
        "<mujoco><option {option}/><default><geom {surface}/></default><worldbody>
         <body euler='0 30 0'><geom type='box' size='5 1 .1' pos='0 0 -.1'/></body>
         <body pos='{} 0 {}'><freejoint/><geom size='{r}' mass='1'/></body></worldbody></mujoco>",
        sin * r,
        cos * r
    );
    let read = read_mjcf(&text).unwrap();
    let (model, mut s) = (&read.model, Scratch::new(&read.model));
    let mut now = State::at_reference(model);
    for _ in 0..250 {
        step(model, model.parameters(), &read.options, &mut now, &[], &mut s);
    }
    now.v[..3].iter().map(|v| v * v).sum::<f64>().sqrt()
}

/// A ball that rolls without slip has `v = 5/7 g t sin 30`; soft contact slips (MuJoCo's issue tracker, 1895), more for a small ball: by as much as
/// MuJoCo 3.17 solved to rounding, and in proportion to what is left of the impedance.
#[test]
fn a_rolling_ball_slips_in_proportion_to_softness() {
    let golden = [
        ("pyramidal", 0.1, 1.750_909_491_862_329_6),
        ("pyramidal", 0.01, 1.736_098_766_208_910_2),
        ("pyramidal", 0.003, 1.695_754_989_675_266),
        ("elliptic", 0.1, 1.750_535_787_282_963_4),
        ("elliptic", 0.01, 1.735_711_780_921_310_5),
        ("elliptic", 0.003, 1.695_330_434_872_029_3),
    ];
    for (cone, r, speed) in golden {
        let found = rolled(r, &format!("cone='{cone}'"), "");
        assert!((found - speed).abs() < 1e-8, "{cone} {r}: {found} {speed}");
    }
    let slip = |softness: f64| {
        let d = 1.0 - softness;
        let surface = format!("solimp='{d} {d} .001'");
        5.0 / 7.0 * 9.81 * 0.5 * 0.5 - rolled(0.1, "cone='elliptic'", &surface)
    };
    let [soft, hard, harder] = [0.1, 0.01, 0.001].map(slip);
    let slopes = [(soft - hard) / 0.09, (hard - harder) / 0.009];
    println!("slip by softness: {slopes:?}, at none {:.1e}", harder - 0.001 * slopes[1]);
    assert!((slopes[0] / slopes[1] - 1.0).abs() < 0.01, "{slopes:?}");
    // what is left is the settling at the start, over steps of 2 ms
    assert!((harder - 0.001 * slopes[1]).abs() < 5e-5, "{harder}");
}

#[test]
fn without_a_solution_no_derivative_is_a_finite_number() {
    // dry friction acts at every state; the pole of a cart has a mass matrix that moves with its place
    let model = read_mjcf(
        r#"<mujoco><worldbody><body name="cart"><joint name="slide" type="slide" axis="1 0 0" frictionloss="1"/>
        <geom type="sphere" size="0.1" mass="1"/><body name="pole"><joint name="hinge" axis="0 1 0" damping="0.1"/>
        <geom type="capsule" fromto="0 0 0 0 0 0.5" size="0.02" mass="0.3"/></body></body></worldbody>
        <actuator><motor joint="slide"/><general joint="hinge" dyntype="filter" dynprm="0.1"/></actuator></mujoco>"#,
    )
    .unwrap()
    .model;
    let (n, parameters) = (model.nv(), model.parameters());
    let sound = State { v: vec![0.3, -0.2], ..State::at_reference(&model) };
    let broken = |place: f64| {
        let mut state = sound.clone();
        state.q[1] = place;
        state
    };
    let u = [0.4, -0.1];
    for integrator in [Integrator::Euler, Integrator::ImplicitFast, Integrator::RungeKutta4] {
        let options = StepOptions { dt: 0.01, integrator };
        for (first, broken) in
            [None, Some(&sound)].into_iter().zip([f64::NAN, f64::INFINITY].map(broken))
        {
            // in fresh memory, and in memory with the solution of another state
            let (mut s, mut adjoint) = (Scratch::new(&model), StepAdjoint::new(&model));
            let mut jacobian = StepJacobian::default();
            if let Some(first) = first {
                adjoint.jacobian(&model, parameters, &options, (first, &u), &mut jacobian, &mut s);
                assert!(jacobian.a.iter().chain(&jacobian.b).all(|x| x.is_finite()));
            }
            adjoint.jacobian(&model, parameters, &options, (&broken, &u), &mut jacobian, &mut s);
            assert!(jacobian.a[..2 * n * (2 * n + 1)].iter().all(|x| x.is_nan()), "{integrator:?}");
            assert!(jacobian.b[..2 * n * 2].iter().all(|x| x.is_nan()), "{integrator:?}");
            let mut bar = Cotangent { v: vec![1.0; n], ..Cotangent::zero(&model) };
            let (mut u_bar, mut by) = ([0.0; 2], parameters.zero_like());
            let point = (&broken, u.as_slice());
            adjoint.pull(
                &model,
                parameters,
                &options,
                point,
                &mut bar,
                &mut u_bar,
                Some(&mut by),
                &mut s,
            );
            let all = bar.q.iter().chain(&bar.v).chain(&u_bar[..1]);
            assert!(all.chain(&by.armature).all(|x| x.is_nan()), "{integrator:?}");
            // and the memory is as good as new
            adjoint.jacobian(&model, parameters, &options, (&sound, &u), &mut jacobian, &mut s);
            assert!(jacobian.a.iter().chain(&jacobian.b).all(|x| x.is_finite()));
        }
    }
}

/// Through onsets and ends of contact of a ball and a capsule, and of a stop, under both cones: parts of a step by hand against duals along directions of
/// state and parameters, and against differences, which lack nothing of what the moments of onsets move.
#[test]
fn parts_of_a_step_have_the_derivative_of_onsets() {
    for cone in ["pyramidal", "elliptic"] {
        let text = format!(
            "<mujoco><compiler autolimits='true'/><option cone='{cone}' gravity='1 0 -9.81'/>
             <default><geom friction='.5 .01 .01' solref='.02 1' solimp='.3 .95 .01 .5 2' condim='4'/></default><worldbody>
             <geom type='plane' size='1 1 1'/><geom type='box' size='.5 .5 .1' pos='0 0 .1'/>
             <body pos='.12 0 .258' euler='0 80 2'><freejoint/><geom type='capsule' size='.05 .1' mass='1'/></body>
             <body pos='-1 .2 .1'><freejoint/><geom size='.05' mass='.3' margin='.002'/></body>
             <body pos='0 0 2'><joint axis='0 1 0' range='-20 20' damping='.01'/>
             <geom size='.05' pos='.3 0 0' mass='.2' contype='0'/></body></worldbody></mujoco>"
        );
        let model = &read_mjcf(&text).unwrap().model;
        let (n, p) = (model.nv(), model.parameters());
        let options =
            StepOptions { dt: 0.12, integrator: Integrator::Adaptive { tolerance: 1e-8 } };
        let mut start = State::at_reference(model);
        (start.v[0], start.v[2], start.v[6], start.v[8]) = (1.5, -0.3, 0.4, -1.0);
        let (mut s, mut end) = (Scratch::new(model), start.clone());
        step(model, p, &options, &mut end, &[], &mut s);
        let y_bar = randoms(5, 2 * n);
        let mut bar = Cotangent { q: y_bar[..n].to_vec(), v: y_bar[n..].to_vec(), act: vec![] };
        let (point, mut p_bar) = ((&start, [].as_slice()), p.zero_like());
        let by = Some(&mut p_bar);
        StepAdjoint::new(model).pull(model, p, &options, point, &mut bar, &mut [], by, &mut s);
        let by_hand = [bar.q, bar.v, p_bar.numbers()].concat();
        let x = [vec![0.0; 2 * n], p.numbers()].concat();
        for key in 0..3 {
            let random = randoms(80 + key, x.len());
            let scale = |k: usize| if k < 2 * n { 1.0 } else { 0.1 * x[k].abs() };
            let along: Vec<f64> = (0..x.len()).map(|k| random[k] * scale(k)).collect();
            let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
            let slope = dot(&by_hand, &along);
            let lift = |(x, d): (&f64, &f64)| Dual::<f64, 1> { re: *x, eps: [*d] };
            let lifted: Vec<_> = x.iter().zip(&along).map(lift).collect();
            let moved = next(model, &options, (&start, &end), &lifted);
            let by_duals = dot(&y_bar, &moved.iter().map(|y| y.eps[0]).collect::<Vec<f64>>());
            let at = |h: f64| {
                let x: Vec<f64> = x.iter().zip(&along).map(|(x, d)| x + h * d).collect();
                dot(&y_bar, &next(model, &options, (&start, &end), &x))
            };
            near("against duals", &[slope], &[by_duals], 1e-9);
            // other parts on either side leave the tolerance over the width
            let miss = |h: f64| error(&[slope], &[(at(h) - at(-h)) / (2.0 * h)]);
            let least = [1e-4, 1e-5, 1e-6].map(miss).into_iter().fold(f64::INFINITY, f64::min);
            assert!(least < 1e-5, "{cone}, against differences: {least:.1e}");
        }
    }
}

/// Place along `y` after the last step.
struct Place(usize);

impl Cost for Place {
    fn value(&self, k: usize, state: &State, _: &mut Scratch) -> f64 {
        if k == self.0 { state.q[1] } else { 0.0 }
    }
    fn pull(&self, k: usize, _: &State, bar: &mut Cotangent, _: &mut Scratch) {
        bar.q[1] += if k == self.0 { 1.0 } else { 0.0 };
    }
}

/// The tossed cube of `bench/src/area/physics/cube.rs`, -0.26090 and 0.5758 by MuJoCo's steps of 2.5e-6 s and differences: both converge with the tolerance.
#[test]
fn a_tossed_cube_has_the_derivative_of_its_motion() {
    let read = read_mjcf(
        "<mujoco><option gravity='0 0 -2'><flag refsafe='disable'/></option>
         <default><geom solimp='0 .95 .001 .5 2' solref='.005 1'/></default><worldbody>
         <geom type='plane' contype='0' conaffinity='1' size='20 20 .1'/><body pos='0 0 .1'><freejoint/>
         <geom type='box' size='.05 .05 .05' density='100' euler='60 0 0'/></body></worldbody></mujoco>",
    );
    let (model, steps) = (&read.unwrap().model, 100);
    let mut start = State::at_reference(model);
    (start.q[2], start.v[1], start.v[2]) = (0.2, -0.1, -2.0);
    for (tolerance, place_within, slope_within) in [(1e-6, 1e-5, 4e-3), (1e-8, 1e-6, 1e-4)] {
        let options = StepOptions { dt: 0.01, integrator: Integrator::Adaptive { tolerance } };
        let (parameters, schedule) = (model.parameters(), Schedule::StoreAll);
        let rollout = Rollout { model, parameters, options, steps, schedule };
        let found = rollout.gradient(&start, &[], &Place(steps), false, &mut Scratch::new(model));
        let (place, slope) = (found.value, found.initial.v[2]);
        assert!((place + 0.260896).abs() < place_within, "{tolerance}: {place}");
        assert!((slope / 0.57577 - 1.0).abs() < slope_within, "{tolerance}: {slope}");
    }
}
