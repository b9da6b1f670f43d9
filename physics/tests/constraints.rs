//! Constraints and contact: values against MuJoCo 4.0.0 (`data/constraints.json` by `peers/golden_constraints.py`), derivatives against duals through
//! the generic code and against differences.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test: it may end, and says which case it is at"
)]

mod common;

use common::randoms;
use cotangent_ad::{Dual, Num, Real, jacobian_forward};
use cotangent_physics::derivative::{Cotangent, StepAdjoint};
use cotangent_physics::io::mjcf::{Mjcf, read_mjcf};
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
fn cases() -> Vec<(String, Mjcf, Vec<Value>)> {
    let golden: Value = serde_json::from_str(include_str!("data/constraints.json")).unwrap();
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
        for r in states {
            let state = State::new(model, numbers(&r["qpos"]), numbers(&r["qvel"])).unwrap();
            let a = acceleration(model, p, &state.q, &state.v, &[], &mut s);
            let mut check = |what: &str, found: f64| {
                if found.is_nan() || found > 1e-8 {
                    wrong.push(format!("{name}, {what}: {found:.2e}"));
                }
            };
            check("acceleration", error(a, &numbers(&r["qacc"])));
            for (method, integrator) in
                [("Euler", Integrator::Euler), ("RK4", Integrator::RungeKutta4)]
            {
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
    let mut now = State { q, v };
    step(model, &p, options, &mut now, &[], &mut s);
    let mut out = vec![T::lit(0.0); n];
    difference(model, &end_q, &now.q, &mut out);
    out.extend(now.v);
    out
}

/// Every fifth case of contact, and all others, under both integrators: by hand against duals, in the state and in every parameter.
#[test]
fn step_adjoint_agrees_with_duals() {
    for (k, (name, read, states)) in cases().into_iter().enumerate() {
        if k % 5 != 3 && !name.starts_with("stops") && !name.starts_with("mixed") {
            continue;
        }
        let integrators = [Integrator::Euler, Integrator::RungeKutta4];
        let integrator = integrators[k / 5 % 2];
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
        let mut bar = Cotangent { q: y_bar[..n].to_vec(), v: y_bar[n..].to_vec() };
        let mut p_bar = model.parameters().zero_like();
        let mut adjoint = StepAdjoint::new(model);
        let point = (&start, [].as_slice());
        let p = model.parameters();
        adjoint.pull(model, p, &options, point, &mut bar, &mut [], Some(&mut p_bar), &mut s);
        near("by configuration", &bar.q, &by_duals[..n], 1e-10);
        near("by velocity", &bar.v, &by_duals[n..2 * n], 1e-10);
        near("by parameters", &p_bar.numbers(), &by_duals[2 * n..], 1e-10);
        // the numbers of constraints are the last
        let constraints = p_bar.constraints.weights;
        let weighed = constraints.bodies.concat().into_iter().chain(constraints.coordinates);
        assert!(weighed.into_iter().any(|w| w.abs() > 1e-9), "{name}: a constraint acts");
        differences_agree(model, &options, (&start, &end), (&x, &jacobian), k as u64);
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
