//! Forces from outside: what pushes a model, and each body of a motion.

use std::sync::Arc;

use cotangent_physics::{Integrator, MotionSimulation};
use cotangent_problem::{Keep, SampleKey, Simulation, Workspace};

use super::common::{randoms, zoo};
use super::simulation;

/// What pushes a model wherever it moves is the present value of the inputs, and moves as they do; picked or not, its derivatives are finite.
#[test]
fn what_pushes_a_model_pushes_its_motions() {
    let model = zoo();
    let mut p = model.parameters().clone();
    p.external = vec![[0.0; 6]; model.links().len()];
    let of_link = model.links().len() - 1;
    p.external[of_link] = [0.3, -0.2, 0.5, 0.1, 0.2, -0.1];
    let built = simulation(&model.clone().with_parameters(p).unwrap(), Integrator::Euler);
    let (mut given, mut stilled) = (simulation(&model, Integrator::Euler), built.clone());
    let plain = given.clone();
    let mut names = 0;
    for k in 0..given.inputs().len() {
        let value = built.inputs()[k].value.clone();
        if value != given.inputs()[k].value {
            names += 1;
            given.fix(k, &value).unwrap();
            stilled.fix(k, &plain.inputs()[k].value).unwrap();
        }
    }
    assert_eq!(names, 4, "a force and a torque of both motions");
    let runs = [built, given, stilled, plain].map(|simulation| {
        let simulation = Arc::new(simulation);
        let outputs: Vec<usize> = (0..simulation.outputs().len()).collect();
        let map = Arc::clone(&simulation).map(&[0, 1, 2], &outputs, true).unwrap();
        let x: Vec<f64> = simulation.inputs()[..3].iter().flat_map(|q| q.value.clone()).collect();
        let run = map.run(&x, Keep::Linearisation, SampleKey(0), &mut Workspace::new()).unwrap();
        let x_bar = run.pullback(&[&randoms(7, map.output_len())]).unwrap().remove(0);
        (run.values().entries.clone(), x_bar)
    });
    assert_eq!(runs[0], runs[1]);
    assert_eq!(runs[2], runs[3]);
    assert_ne!(runs[0], runs[2]);
}

/// The same with a force and a torque on each body from outside, another at each step.
pub(crate) fn pushed(mut simulation: MotionSimulation) -> MotionSimulation {
    for k in 0..simulation.inputs().len() {
        let quantity = &simulation.inputs()[k];
        let last = quantity.name.rsplit('.').next();
        if last.is_some_and(|last| ["force", "torque"].contains(&last)) {
            let push = randoms(900 + k as u64, quantity.len());
            simulation.fix(k, &push).unwrap();
        }
    }
    simulation
}
