//! Sensors as outputs: what MuJoCo's read, exact derivatives, cutoffs and rays.

use std::path::Path;
use std::sync::Arc;

use cotangent_physics::io::ModelFile;
use cotangent_physics::io::mjcf::{read_mjcf, read_mjcf_file};
use cotangent_physics::{MotionPart, MotionSimulation, State};
use cotangent_problem::{Keep, SampleKey, Simulation, Workspace};
use serde_json::Value;

use super::pushes::pushed;
use super::{has_exact_derivatives, whole};

/// A motion of the model with a sensor of each kind from one of its golden states.
pub(super) fn with_sensors(state: &Value) -> MotionSimulation {
    motion_of(include_str!("../data/sensors.xml"), state)
}

/// A motion of two steps from a golden state.
pub(super) fn motion_of(text: &str, state: &Value) -> MotionSimulation {
    let read = read_mjcf(text).unwrap();
    assert_eq!(read.notes, []);
    motion_of_model(read, state)
}

fn motion_of_model(read: ModelFile, state: &Value) -> MotionSimulation {
    let numbers = |key: &str| -> Vec<f64> {
        state[key].as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
    };
    let mut start = State::new(&read.model, numbers("qpos"), numbers("qvel")).unwrap();
    if read.model.na() > 0 {
        start.act = numbers("act");
    }
    let part = MotionPart { label: String::new(), start, steps: 2 };
    let controls = numbers("ctrl");
    let names: Vec<String> = read.model.actuators().iter().map(|a| a.name.clone()).collect();
    let mut simulation = MotionSimulation::new(read.model, read.options, vec![part]);
    for (name, control) in names.iter().zip(controls) {
        let name = format!("actuator.{name}.control");
        let k = simulation.inputs().iter().position(|q| q.name == name).unwrap();
        simulation.fix(k, &[control; 2]).unwrap();
    }
    simulation
}

/// Against MuJoCo 3.17.0, `peers/golden_sensors.py`: what every sensor of a motion reads at first, to the `tolerance` of its name.
fn reads_what_mujoco_does(
    simulation: MotionSimulation,
    state: &Value,
    tolerance: impl Fn(&str) -> f64,
) {
    let simulation = Arc::new(simulation);
    let (map, x) = whole(&simulation);
    let run = map.run(&x, Keep::Values, SampleKey(0), &mut Workspace::new()).unwrap();
    let mut first = 0;
    let mut readings = state["readings"].as_object().unwrap().clone();
    for output in simulation.outputs() {
        let entries = &run.values().entries[first..];
        first += output.len();
        let Some(name) = output.name.strip_prefix("sensor.") else { continue };
        let theirs = readings.remove(name.trim_matches('"')).unwrap();
        for (ours, theirs) in entries.iter().zip(theirs.as_array().unwrap()) {
            let theirs = theirs.as_f64().unwrap();
            let error = (ours - theirs).abs() / theirs.abs().max(1.0);
            assert!(error < tolerance(name), "{name}: {ours} {theirs}");
        }
    }
    assert!(readings.is_empty(), "no outputs: {readings:?}");
}

/// With four contacts, one, and none.
#[test]
fn sensors_read_what_mujoco_s_do() {
    let golden: Value = serde_json::from_str(include_str!("../data/sensors.json")).unwrap();
    for state in golden["states"].as_array().unwrap() {
        reads_what_mujoco_does(with_sensors(state), state, |_| 1e-8);
    }
}

/// Rays at every shape, and sensors of every kind beyond their cutoffs and within.
#[test]
fn rays_and_cutoffs_read_what_mujoco_s_do() {
    let golden: Value = serde_json::from_str(include_str!("../data/ranges.json")).unwrap();
    for state in golden["states"].as_array().unwrap() {
        let simulation = motion_of(include_str!("../data/ranges.xml"), state);
        reads_what_mujoco_does(simulation, state, |_| 1e-8);
    }
}

#[test]
fn rays_and_cutoffs_have_exact_derivatives() {
    let golden: Value = serde_json::from_str(include_str!("../data/ranges.json")).unwrap();
    for (name, state) in golden["states"].as_array().unwrap().iter().take(2).enumerate() {
        let simulation = motion_of(include_str!("../data/ranges.xml"), state);
        has_exact_derivatives(&format!("ranges {name}"), &Arc::new(simulation));
    }
}

/// The model of `meshes.xml`, which names a file.
fn among_meshes(state: &Value) -> MotionSimulation {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/meshes.xml");
    let read = read_mjcf_file(Path::new(path)).unwrap();
    // the clear one, which no ray meets
    let notes: Vec<_> = read.notes.iter().map(|note| note.message.as_str()).collect();
    assert_eq!(notes, ["meshes that do not weigh are not read, and collide with nothing"]);
    motion_of_model(read, state)
}

/// Meshes and a height field from all sides and from within. MuJoCo keeps corners in single precision, in a mesh's principal axes: those of the crystal and of
/// the land are fractions of two, and stay what they are there; the others' move by up to 3e-8 m, which a ray along a face makes more.
#[test]
fn rays_at_meshes_and_height_fields_read_what_mujoco_s_do() {
    let golden: Value = serde_json::from_str(include_str!("../data/meshes.json")).unwrap();
    let rounded = |name: &str| ["rock", "dart", "tent"].iter().any(|mesh| name.contains(mesh));
    for state in golden["states"].as_array().unwrap() {
        let tolerance = |name: &str| if rounded(name) { 3e-7 } else { 1e-8 };
        reads_what_mujoco_does(among_meshes(state), state, tolerance);
    }
}

#[test]
fn rays_at_meshes_and_height_fields_have_exact_derivatives() {
    let golden: Value = serde_json::from_str(include_str!("../data/meshes.json")).unwrap();
    for (name, state) in golden["states"].as_array().unwrap().iter().take(2).enumerate() {
        has_exact_derivatives(&format!("meshes {name}"), &Arc::new(among_meshes(state)));
    }
}

/// A slide whose position is read up to an eighth, with an eye that sees a box as long as it is before it.
fn at_an_edge(position: f64) -> MotionSimulation {
    let text = "<mujoco><worldbody><geom type='box' size='.1 .2 .3' pos='1 0 0'/>
        <body><joint name='s' type='slide' axis='0 1 0'/><geom size='.1'/><site name='eye' zaxis='1 0 0'/></body></worldbody>
        <sensor><jointpos name='place' joint='s' cutoff='.125'/><rangefinder name='sight' site='eye'/></sensor></mujoco>";
    let read = read_mjcf(text).unwrap();
    let start = State::new(&read.model, vec![position], vec![0.0]).unwrap();
    let part = MotionPart { label: String::new(), start, steps: 1 };
    MotionSimulation::new(read.model, read.options, vec![part])
}

/// At the edge of a cutoff the derivative is that from within, in both modes; what lies beyond, and that a ray misses, is told by switches.
#[test]
fn cutoffs_and_misses_are_switches() {
    let seen = |position: f64| {
        let simulation = Arc::new(at_an_edge(position));
        let index = |name: &str| simulation.outputs().iter().position(|q| q.name == name).unwrap();
        let q = simulation.inputs().iter().position(|q| q.name == "start.joint.s.position");
        let outputs = [index("sensor.place"), index("sensor.sight")];
        let map = Arc::clone(&simulation).map(&[q.unwrap()], &outputs, false).unwrap();
        let keep = Keep::Linearisation;
        let run = map.run(&[position], keep, SampleKey(0), &mut Workspace::new()).unwrap();
        // the first of two times
        let by_reverse = [0, 2].map(|row| {
            let mut bar = [0.0; 4];
            bar[row] = 1.0;
            run.pullback(&[&bar]).unwrap()[0][0]
        });
        let forward = run.pushforward(&[&[1.0]]).unwrap().remove(0);
        assert_eq!(by_reverse, [forward[0], forward[2]]);
        let values = run.values();
        let states: Vec<i64> = values.switches.iter().map(|s| s.state).collect();
        ([values.entries[0], values.entries[2]], by_reverse, states)
    };
    let (values, slopes, within) = seen(0.1);
    assert_eq!((values, slopes, within[0]), ([0.1, 0.9], [1.0, 0.0], 0));
    // two times at the edge
    let (values, slopes, edge) = seen(0.125);
    assert_eq!((values, slopes, edge[0], edge[1]), ([0.125, 0.9], [1.0, 0.0], 2, within[1]));
    let (values, slopes, beyond) = seen(0.25);
    assert_eq!((values, slopes, beyond[0]), ([0.125, -1.0], [0.0, 0.0], 2));
    assert_ne!(within[1], beyond[1]);
}

/// Length, velocity and force of each actuator between sites and of each slider-crank, against MuJoCo 3.17.0, `peers/golden_mujoco.py`.
#[test]
fn transmissions_read_what_mujoco_s_do() {
    let golden: Value = serde_json::from_str(include_str!("../data/transmissions.json")).unwrap();
    for state in golden["states"].as_array().unwrap() {
        let simulation = Arc::new(motion_of(include_str!("../data/transmissions.xml"), state));
        let (map, x) = whole(&simulation);
        let run = map.run(&x, Keep::Values, SampleKey(0), &mut Workspace::new()).unwrap();
        let mut first = 0;
        let mut readings = vec![];
        for output in simulation.outputs() {
            let start = run.values().entries[first];
            first += output.len();
            readings.extend(output.name.starts_with("sensor.").then_some(start));
        }
        let theirs = state["sensors"].as_array().unwrap();
        assert_eq!(readings.len(), theirs.len());
        for (k, (ours, theirs)) in readings.iter().zip(theirs).enumerate() {
            let theirs = theirs.as_f64().unwrap();
            let error = (ours - theirs).abs() / theirs.abs().max(1.0);
            assert!(error < 1e-10, "{k}: {ours} {theirs}");
        }
    }
}

#[test]
fn transmissions_have_exact_derivatives() {
    let golden: Value = serde_json::from_str(include_str!("../data/transmissions.json")).unwrap();
    let simulation = motion_of(include_str!("../data/transmissions.xml"), &golden["states"][0]);
    has_exact_derivatives("transmissions", &Arc::new(simulation));
}

#[test]
fn sensors_have_exact_derivatives() {
    let golden: Value = serde_json::from_str(include_str!("../data/sensors.json")).unwrap();
    let states = golden["states"].as_array().unwrap();
    for (name, state) in [("four contacts", &states[0]), ("none", &states[3])] {
        has_exact_derivatives(name, &Arc::new(pushed(with_sensors(state))));
    }
}
