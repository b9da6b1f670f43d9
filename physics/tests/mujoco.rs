//! Against MuJoCo 4.0.0 (3.17.0 where it is said): the models of `data/zoo.xml` and `data/forces.xml` (golden numbers by
//! `peers/golden_mujoco.py`), a robot of URDF, and dm_control's models where the reference data lie beside the checkout (`../shared/data/physics`).

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test: it may end, and says what it skips"
)]

mod common;

use std::path::PathBuf;

use common::{close, whole};
use cotangent_physics::io::mjcf::read_mjcf;
use cotangent_physics::io::urdf::{UrdfOptions, read_urdf};
use cotangent_physics::io::{Effect, ModelFile};
use cotangent_physics::{
    Integrator, Model, Parameters, Scratch, State, StepOptions, acceleration, applied_forces, crba,
    difference, energy, kinematics, rnea, step,
};
use serde_json::Value;

fn numbers(v: &Value) -> Vec<f64> {
    match v {
        Value::Array(all) => all.iter().flat_map(numbers).collect(),
        _ => vec![v.as_f64().unwrap()],
    }
}

fn state_of(model: &Model, r: &Value) -> State {
    let act = if model.na() > 0 { numbers(&r["act"]) } else { vec![] };
    State { q: numbers(&r["qpos"]), v: numbers(&r["qvel"]), act }
}

/// All integrators, by their names in the data.
const INTEGRATORS: [(&str, Integrator); 3] = [
    ("Euler", Integrator::Euler),
    ("RK4", Integrator::RungeKutta4),
    ("implicitfast", Integrator::ImplicitFast),
];

/// `names`: those of the data, with their methods.
fn compare(read: &ModelFile, r: &Value, qacc: &Value, steps: &Value, names: &[(&str, Integrator)]) {
    let model = &read.model;
    let (p, n) = (model.parameters(), model.nv());
    let mut s = Scratch::new(model);
    let state = state_of(model, r);
    let u = numbers(&r["ctrl"]);
    let mut placed = kinematics(model, p, &state.q, &mut s);
    close(&whole(crba(model, p, &mut placed), n), &numbers(&r["M"]), 1e-12);
    let places = numbers(&r["xpos"]);
    let skip = places.len() - 3 * model.bodies().len();
    let ours: Vec<f64> =
        (0..model.bodies().len()).flat_map(|b| placed.body_pose(model, b).translation.0).collect();
    close(&ours, &places[skip..], 1e-12);
    let bias = rnea(model, p, &state.v, None, &mut placed);
    close(bias, &numbers(&r["qfrc_bias"]), 1e-11);
    close(acceleration(model, p, &read.options, (&state, &u), &mut s), &numbers(qacc), 1e-11);
    let (potential, kinetic) = energy(model, p, &state, &mut s);
    close(&[potential, kinetic], &numbers(&r["energy"]), 1e-12);
    for &(name, integrator) in names {
        let options = StepOptions { integrator, ..read.options };
        let mut next = state.clone();
        step(model, p, &options, &mut next, &u, &mut s);
        let mut error = vec![0.0; n];
        difference(model, &numbers(&steps[name]["qpos"]), &next.q, &mut error);
        close(&error, &vec![0.0; n], 1e-12);
        close(&next.v, &numbers(&steps[name]["qvel"]), 1e-11);
        if model.na() > 0 {
            close(&next.act, &numbers(&steps[name]["act"]), 1e-13);
        }
    }
}

/// A model without its constraints, which the golden numbers were made without.
fn unconstrained(text: &str) -> ModelFile {
    Effect::ALL.into_iter().fold(read_mjcf(text).unwrap(), ModelFile::without)
}

#[test]
fn zoo_agrees_with_mujoco() {
    let read = unconstrained(include_str!("data/zoo.xml"));
    let model = &read.model;
    let golden: Value = serde_json::from_str(include_str!("data/zoo.json")).unwrap();
    for r in golden["states"].as_array().unwrap() {
        compare(&read, r, &r["qacc"], r, &INTEGRATORS);
        let mut s = Scratch::new(model);
        let placed = kinematics(model, model.parameters(), &numbers(&r["qpos"]), &mut s);
        let poses: Vec<_> = (0..model.sites().len()).map(|k| placed.site_pose(model, k)).collect();
        let places: Vec<f64> = poses.iter().flat_map(|p| p.translation.0).collect();
        close(&places, &numbers(&r["site_xpos"]), 1e-12);
        let turns: Vec<f64> = poses.iter().flat_map(|p| p.rotation.0.concat()).collect();
        close(&turns, &numbers(&r["site_xmat"]), 1e-12);
    }
}

/// Every element of force in one model, with everything else that a file holds around it; implicit steps against 3.17.0.
#[test]
fn forces_agree_with_mujoco() {
    let read = unconstrained(include_str!("data/forces.xml"));
    let explicit = [("Euler", Integrator::Euler), ("RK4", Integrator::RungeKutta4)];
    let implicit = [("implicitfast", Integrator::ImplicitFast)];
    let (golden, older) =
        (include_str!("data/forces.json"), include_str!("data/forces-implicitfast.json"));
    for (text, names) in [(golden, explicit.as_slice()), (older, &implicit)] {
        let golden: Value = serde_json::from_str(text).unwrap();
        for r in golden["states"].as_array().unwrap() {
            compare(&read, r, &r["qacc"], r, names);
        }
    }
}

/// Every kind of actuator, with every law of activation, against 3.17.0.
#[test]
fn actuators_agree_with_mujoco() {
    let read = unconstrained(include_str!("data/actuators.xml"));
    assert_eq!(read.keyframes[0].state.act, vec![0.5; read.model.na()]);
    let golden: Value = serde_json::from_str(include_str!("data/actuators.json")).unwrap();
    for r in golden["states"].as_array().unwrap() {
        compare(&read, r, &r["qacc"], r, &INTEGRATORS);
    }
}

/// Actuators between sites and slider-cranks, of which one is beyond its rod's reach and one servo is a turn away from its angle, against 3.17.0:
/// what each gives to the coordinates, and its moments, to 1e-10.
#[test]
fn transmissions_agree_with_mujoco() {
    let read = unconstrained(include_str!("data/transmissions.xml"));
    let golden: Value = serde_json::from_str(include_str!("data/transmissions.json")).unwrap();
    let names = [("Euler", Integrator::Euler), ("implicitfast", Integrator::ImplicitFast)];
    let (model, options) = (&read.model, &read.options);
    let (n, mut s) = (model.nv(), Scratch::new(model));
    // without gains there is what is no actuator's
    let mut none = model.parameters().clone();
    none.gain.fill([0.0; 3]);
    none.bias.fill([0.0; 3]);
    for r in golden["states"].as_array().unwrap() {
        compare(&read, r, &r["qacc"], r, &names);
        let (state, u) = (state_of(model, r), numbers(&r["ctrl"]));
        let mut forces = |p: &Parameters<f64>| {
            let mut tau = vec![0.0; n];
            applied_forces(model, p, options, (&state, &u), &mut tau, &mut s);
            tau
        };
        let others = forces(&none);
        let mut by_actuators = |p: &Parameters<f64>| -> Vec<f64> {
            forces(p).iter().zip(&others).map(|(all, other)| all - other).collect()
        };
        close(&by_actuators(model.parameters()), &numbers(&r["qfrc_actuator"]), 1e-10);
        let mut moments = vec![];
        for k in 0..model.nu() {
            let mut alone = none.clone();
            alone.bias[k] = [1.0, 0.0, 0.0];
            moments.extend(by_actuators(&alone));
        }
        close(&moments, &numbers(&r["moments"]), 1e-10);
    }
}

/// The same of a model without balls and free joints, which RK4 turns otherwise in 3.17.0.
#[test]
fn hinged_transmissions_agree_with_mujoco_under_runge_kutta() {
    let read = unconstrained(include_str!("data/transmissions-hinged.xml"));
    let golden = include_str!("data/transmissions-hinged.json");
    let golden: Value = serde_json::from_str(golden).unwrap();
    for r in golden["states"].as_array().unwrap() {
        compare(&read, r, &r["qacc"], r, &[("RK4", Integrator::RungeKutta4)]);
    }
}

/// Spatial tendons with pulleys, springs, actuators, stops, dry friction and couplings along them, against 3.17.0.
#[test]
fn tendons_agree_with_mujoco() {
    let text = include_str!("data/tendons.xml");
    let (free, read) = (unconstrained(text), read_mjcf(text).unwrap());
    let golden: Value = serde_json::from_str(include_str!("data/tendons.json")).unwrap();
    for r in golden["states"].as_array().unwrap() {
        compare(&free, r, &r["qacc"], r, &INTEGRATORS);
        compare_constrained(&read, r, &INTEGRATORS);
    }
}

/// Spatial tendons around spheres and cylinders, that move and that stand, with and without a side, against 3.17.0.
#[test]
fn tendons_around_geoms_agree_with_mujoco() {
    let text = include_str!("data/windings.xml");
    let (free, read) = (unconstrained(text), read_mjcf(text).unwrap());
    let golden: Value = serde_json::from_str(include_str!("data/windings.json")).unwrap();
    for r in golden["states"].as_array().unwrap() {
        compare(&free, r, &r["qacc"], r, &INTEGRATORS);
        compare_constrained(&read, r, &INTEGRATORS);
    }
}

/// Spatial tendons through the insides of spheres and cylinders against 3.17.0, which stops where the angles of a bend are equal to 1e-6: of these
/// ways its bends are within 2e-8 rad of where they are equal, by bisection, of others up to 3e-7.
#[test]
fn tendons_inside_geoms_agree_with_mujoco() {
    let read = read_mjcf(include_str!("data/windings-inside.xml")).unwrap();
    let golden: Value = serde_json::from_str(include_str!("data/windings-inside.json")).unwrap();
    for r in golden["states"].as_array().unwrap() {
        compare_constrained(&read, r, &INTEGRATORS);
    }
}

/// Accelerations and steps under the constraints.
fn compare_constrained(read: &ModelFile, r: &Value, names: &[(&str, Integrator)]) {
    let model = &read.model;
    let (p, n, mut s) = (model.parameters(), model.nv(), Scratch::new(model));
    let state = state_of(model, r);
    let u = numbers(&r["ctrl"]);
    let a = acceleration(model, p, &read.options, (&state, &u), &mut s);
    close(a, &numbers(&r["full"]["qacc"]), 1e-8);
    for &(name, integrator) in names {
        let options = StepOptions { integrator, ..read.options };
        let mut next = state.clone();
        step(model, p, &options, &mut next, &u, &mut s);
        let mut error = vec![0.0; n];
        difference(model, &numbers(&r["step"][name]["qpos"]), &next.q, &mut error);
        close(&error, &vec![0.0; n], 1e-8);
        close(&next.v, &numbers(&r["step"][name]["qvel"]), 1e-8);
    }
}

/// `implicitfast` is implicit in the bias forces of a free body that nothing moves against, other bodies fixed to it or not: against 3.17.0.
#[test]
fn a_free_body_with_another_fixed_to_it_is_implicit_as_mujoco_s() {
    let text = "<mujoco><option timestep='.002' integrator='implicitfast' gravity='0 0 0'/><worldbody><body><freejoint/>
        <geom type='box' size='.1 .2 .05' pos='.02 .03 0' euler='20 30 0' contype='0' conaffinity='0'/>
        <body pos='.2 0 .1'><geom type='box' size='.05 .1 .02' contype='0' conaffinity='0'/></body></body></worldbody></mujoco>";
    let read = read_mjcf(text).unwrap();
    let (model, mut s) = (&read.model, Scratch::new(&read.model));
    let mut now = State::at_reference(model);
    now.v = vec![0.3, -0.2, 0.1, 3.0, -2.0, 4.0];
    step(model, model.parameters(), &read.options, &mut now, &[], &mut s);
    let theirs = [
        0.301_541_215_299_986_45,
        -0.198_145_023_895_449,
        0.100_141_243_864_340_94,
        3.002_929_744_798_802,
        -1.988_300_621_056_909_6,
        4.003_206_773_024_709,
    ];
    close(&now.v, &theirs, 1e-12);
}

/// Random models of all kinds of joints, forces, couplings and contact: ten steps, against 3.17.0.
#[test]
fn random_models_agree_with_mujoco() {
    let golden: Value = serde_json::from_str(include_str!("data/random.json")).unwrap();
    let mut wrong = vec![];
    for case in golden["cases"].as_array().unwrap() {
        let read = read_mjcf(case["xml"].as_str().unwrap());
        let read = read.unwrap_or_else(|e| panic!("{}: {e}", case["name"]));
        assert!(read.unsimulated.is_empty(), "{}: {:?}", case["name"], read.unsimulated);
        let model = &read.model;
        let mut now = state_of(model, case);
        let (u, mut s) = (numbers(&case["ctrl"]), Scratch::new(model));
        for _ in 0..golden["steps"].as_u64().unwrap() {
            step(model, model.parameters(), &read.options, &mut now, &u, &mut s);
        }
        let mut apart = vec![0.0; model.nv()];
        difference(model, &numbers(&case["end_qpos"]), &now.q, &mut apart);
        let (end, act) = (numbers(&case["end_qvel"]), numbers(&case["end_act"]));
        let scale = end.iter().fold(1.0_f64, |m, v| m.max(v.abs()));
        let rates = now.v.iter().chain(&now.act).zip(end.iter().chain(&act));
        apart.extend(rates.map(|(a, b)| a - b));
        // NaN is far
        if !apart.iter().all(|x| x.abs() <= 1e-8 * scale) {
            wrong.push(format!(
                "{}: {:.1e}",
                case["name"],
                apart.iter().fold(0.0, |m: f64, x| m.max(x.abs()))
            ));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The file without a section that this crate does not read, and that moves nothing here.
fn without(text: &str, section: &str) -> String {
    let mut text = text.to_owned();
    while let Some(start) = text.find(&format!("<{section}>")) {
        let end = format!("</{section}>");
        let stop = start + text[start..].find(&end).unwrap() + end.len();
        text.replace_range(start..stop, "");
    }
    text
}

#[test]
fn dm_control_models_agree_with_mujoco() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/physics");
    if !folder.exists() {
        println!("skipped: no {}", folder.display());
        return;
    }
    for name in [
        "pendulum",
        "cartpole",
        "acrobot",
        "reacher",
        "hopper",
        "walker",
        "cheetah",
        "mujoco_humanoid",
    ] {
        println!("{name}");
        let mut text = std::fs::read_to_string(folder.join(format!("models/{name}.xml"))).unwrap();
        for section in ["sensor", "keyframe"] {
            text = without(&text, section);
        }
        let read = read_mjcf(&text).unwrap();
        let data = std::fs::read_to_string(folder.join(format!("{name}.json"))).unwrap();
        let data: Value = serde_json::from_str(&data).unwrap();
        let smooth = Effect::ALL.into_iter().fold(read.clone(), ModelFile::without);
        let explicit = text.contains("eulerdamp=\"disable\"");
        let euler = if explicit { Integrator::EulerExplicitDamping } else { Integrator::Euler };
        for r in data["states"].as_array().unwrap() {
            let names = [("Euler", euler), ("RK4", Integrator::RungeKutta4)];
            compare(&smooth, r, &r["smooth"]["qacc"], &r["step_smooth"], &names);
            if read.unsimulated.is_empty() {
                compare_constrained(&read, r, &names);
            } else {
                println!("{name}: {:?}", read.unsimulated);
            }
        }
    }
}

/// A robot of URDF on a floor beside MuJoCo 3.17.0 (`data/gripper.json` by `peers/golden_urdf.py`): beyond its limits, in the floor and in
/// itself, with a link that is fixed to another.
#[test]
fn a_robot_of_urdf_agrees_with_mujoco() {
    let options = UrdfOptions { ground: Some(0.0), motors: true, ..UrdfOptions::default() };
    let read = read_urdf(include_str!("data/gripper.urdf"), &options).unwrap();
    assert!(read.unsimulated.is_empty() && read.notes.is_empty(), "{read:?}");
    let model = &read.model;
    let motors: Vec<_> = model.actuators().iter().map(|a| (a.name.as_str(), a.range)).collect();
    let expected =
        [("shoulder", Some([-40.0, 40.0])), ("elbow", None), ("finger", Some([-15.0, 15.0]))];
    assert_eq!(motors, expected);
    let golden: Value = serde_json::from_str(include_str!("data/gripper.json")).unwrap();
    close(model.reference_configuration(), &numbers(&golden["qpos0"]), 1e-12);
    let (p, u, mut s) = (model.parameters(), [0.0; 3], Scratch::new(model));
    for r in golden["states"].as_array().unwrap() {
        let state = state_of(model, r);
        close(
            acceleration(model, p, &read.options, (&state, &u), &mut s),
            &numbers(&r["qacc"]),
            1e-8,
        );
        // a link without mass begins what floats
        let mut pushed = p.clone();
        pushed.external = vec![[0.0; 6]; model.links().len()];
        let links = (0..model.links().len()).filter(|l| p.inertia[*l].mass > 0.0);
        for (link, push) in links.zip(r["external"].as_array().unwrap()) {
            pushed.external[link].copy_from_slice(&numbers(push));
        }
        let under = acceleration(model, &pushed, &read.options, (&state, &u), &mut s);
        close(under, &numbers(&r["qacc_pushed"]), 1e-8);
        let mut next = state.clone();
        step(model, p, &read.options, &mut next, &u, &mut s);
        let mut error = vec![0.0; model.nv()];
        difference(model, &numbers(&r["next"]["qpos"]), &next.q, &mut error);
        close(&error, &vec![0.0; model.nv()], 1e-8);
        close(&next.v, &numbers(&r["next"]["qvel"]), 1e-8);
    }
}

/// A collision mesh is told of where it would touch something, and only there.
#[test]
fn a_collision_mesh_of_urdf_is_not_dropped_in_silence() {
    let text = include_str!("data/gripper.urdf");
    let mesh = text.replace("<sphere radius=\"0.06\"/>", "<mesh filename=\"fore.stl\"/>");
    let read = read_urdf(&mesh, &UrdfOptions::default()).unwrap();
    let [unsimulated] = &read.unsimulated[..] else { panic!("{:?}", read.unsimulated) };
    assert_eq!((unsimulated.what, unsimulated.line), (Effect::Contact, 28));
    assert_eq!(unsimulated.which.as_deref(), Some("the mesh of link `fore` and a box"));
    assert!(read.without(Effect::Contact).unsimulated.is_empty());
    let twice = UrdfOptions { floating: true, ..UrdfOptions::default() };
    let errors = read_urdf(text, &twice).unwrap_err();
    assert!(errors[0].line == 4 && errors[0].message.contains("`lift` floats"), "{errors:?}");
    let alone = "<robot name='r'><link name='a'><collision><geometry><mesh/></geometry></collision></link></robot>";
    assert!(read_urdf(alone, &UrdfOptions::default()).unwrap().unsimulated.is_empty());
}
