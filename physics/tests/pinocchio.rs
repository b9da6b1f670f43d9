//! Against Pinocchio 4.1.0, where the reference data lie beside the checkout (`../shared/data/physics/pinocchio_*.json`).

#![allow(
    clippy::unwrap_used,
    clippy::float_cmp,
    clippy::cast_possible_truncation,
    clippy::print_stdout,
    reason = "a test: it may end, compares exact bits where they must be, and says what it skips"
)]

mod common;

use std::path::PathBuf;

use common::{close, inertia, whole};
use cotangent_ad::{Mat3, Pose, Vec3};
use cotangent_physics::derivative::{Multiplier, inverse_dynamics_pullback};
use cotangent_physics::{
    JointSpec, Mobility, Model, ModelBuilder, Scratch, aba, crba, kinematics, rnea,
};
use serde_json::Value;

fn reference(robot: &str) -> Option<Value> {
    let name = format!("../../shared/data/physics/pinocchio_{robot}.json");
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name);
    let Ok(text) = std::fs::read_to_string(&path) else {
        println!("skipped: no {}", path.display());
        return None;
    };
    Some(serde_json::from_str(&text).unwrap())
}

fn numbers(v: &Value) -> Vec<f64> {
    v.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}

fn matrix(v: &Value) -> Vec<f64> {
    v.as_array().unwrap().iter().flat_map(numbers).collect()
}

fn three(v: &Value) -> [f64; 3] {
    numbers(v).try_into().unwrap()
}

fn build(robot: &Value) -> Model {
    let mut b = ModelBuilder::new();
    b.gravity(three(&robot["gravity"])).unwrap();
    for j in robot["joints"].as_array().unwrap() {
        let kind = j["type"].as_str().unwrap();
        let unit = |k: char| match k {
            'X' => [1.0, 0.0, 0.0],
            'Y' => [0.0, 1.0, 0.0],
            _ => [0.0, 0.0, 1.0],
        };
        let last = kind.chars().last().unwrap();
        let mobility = match kind {
            "JointModelFreeFlyer" => Mobility::Free,
            "JointModelPrismaticUnaligned" => Mobility::Slide([0.0, -1.0, 0.0]),
            _ if kind.starts_with("JointModelP") => Mobility::Slide(unit(last)),
            _ => Mobility::Hinge(unit(last)),
        };
        let rows: Vec<[f64; 3]> = j["R"].as_array().unwrap().iter().map(three).collect();
        let rotation = Mat3(rows.try_into().unwrap());
        let placement = Pose { rotation, translation: Vec3(three(&j["p"])) };
        let parent = j["parent"].as_u64().unwrap().checked_sub(1).map(|p| p as usize);
        let spec = JointSpec::new(j["name"].as_str().unwrap(), mobility);
        let body = b.body(&spec.name.clone(), parent, placement, &[spec]).unwrap();
        let at_center: Vec<[f64; 3]> = j["inertia"].as_array().unwrap().iter().map(three).collect();
        let mass = j["mass"].as_f64().unwrap();
        b.inertia(body, inertia(mass, three(&j["lever"]), at_center.try_into().unwrap())).unwrap();
    }
    b.build().unwrap()
}

/// Fixed-base robots share Pinocchio's coordinates: every quantity is compared as it is.
#[test]
fn fixed_robots_agree_with_pinocchio() {
    for name in ["double_pendulum", "panda"] {
        let Some(robot) = reference(name) else { return };
        let model = build(&robot);
        let (p, n) = (model.parameters(), model.nv());
        let mut s = Scratch::new(&model);
        for r in robot["states"].as_array().unwrap() {
            let get = |key: &str| numbers(&r[key]);
            let (v, ddq) = (get("v"), get("ddq"));
            // a continuous joint is (cos, sin) there
            let q = get("q");
            let q: Vec<f64> =
                if q.len() == n { q } else { q.chunks(2).map(|x| x[1].atan2(x[0])).collect() };
            let mut placed = kinematics(&model, p, &q, &mut s);
            close(&whole(crba(&model, p, &mut placed), n), &matrix(&r["M"]), 1e-12);
            close(rnea(&model, p, &v, None, &mut placed), &get("nle"), 1e-12);
            close(rnea(&model, p, &v, Some(&ddq), &mut placed), &get("tau"), 1e-11);
            close(aba(&model, p, &v, &get("tau"), &mut placed), &ddq, 1e-11);
            let (by_q, by_v) = jacobians(&model, &q, &v, &ddq);
            close(&by_q, &matrix(&r["dtau_dq"]), 1e-11);
            close(&by_v, &matrix(&r["dtau_dv"]), 1e-11);
        }
    }
}

/// Rows of the derivatives of inverse dynamics: one contraction a row.
fn jacobians(model: &Model, q: &[f64], v: &[f64], a: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let n = model.nv();
    let (mut s, mut m) = (Scratch::new(model), Multiplier::new(model));
    let (mut by_q, mut by_v) = (vec![0.0; n * n], vec![0.0; n * n]);
    let mut placed = kinematics(model, model.parameters(), q, &mut s);
    for i in 0..n {
        m.lambda.fill(0.0);
        m.lambda[i] = 1.0;
        let bars = (&mut by_q[i * n..][..n], &mut by_v[i * n..][..n]);
        let p = model.parameters();
        inverse_dynamics_pullback(model, p, (v, a), &mut m, &mut placed, bars, None);
    }
    (by_q, by_v)
}

/// Floating robots: Pinocchio's base velocity is in body axes, and its acceleration is the body's spatial one.
#[test]
fn floating_robots_agree_with_pinocchio() {
    for name in ["solo12", "talos"] {
        let Some(robot) = reference(name) else { return };
        let model = build(&robot);
        let p = model.parameters();
        let mut s = Scratch::new(&model);
        for r in robot["states"].as_array().unwrap() {
            let get = |key: &str| numbers(&r[key]);
            let (mut q, mut v, mut a, mut tau) = (get("q"), get("v"), get("ddq"), get("tau"));
            q[3..7].rotate_right(1); // (x, y, z, w)
            let turn = cotangent_ad::Quat([q[3], q[4], q[5], q[6]]);
            let take = |x: &[f64], k: usize| Vec3([x[k], x[k + 1], x[k + 2]]);
            let classical = take(&a, 0) + take(&v, 3).cross(take(&v, 0));
            a[..3].copy_from_slice(&turn.rotate(classical).0);
            for x in [&mut v, &mut tau] {
                let turned = turn.rotate(take(x, 0));
                x[..3].copy_from_slice(&turned.0);
            }
            let mut placed = kinematics(&model, p, &q, &mut s);
            close(rnea(&model, p, &v, Some(&a), &mut placed), &tau, 1e-11);
            close(aba(&model, p, &v, &tau, &mut placed), &a, 1e-11);
        }
    }
}
