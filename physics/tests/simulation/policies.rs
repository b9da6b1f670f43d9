//! Motions under a policy: their derivatives, what is decided when, and what is refused.

use std::sync::Arc;

use cotangent_ad::nn::Activation;
use cotangent_ad::random::Stream;
use cotangent_physics::io::mjcf::read_mjcf;
use cotangent_physics::{
    MotionPart, MotionSimulation, Observation, Policy, PolicyError, State, displace,
};
use cotangent_problem::{Keep, Quantity, SampleKey, Simulation, Workspace};

use super::common::randoms;
use super::{dot, has_exact_derivatives, whole};

/// A leg on the floor with a tail: contact, a tendon, a sensor, a servo, a motor and a muscle-like filter.
const LEG: &str = r#"<mujoco>
  <option timestep="0.01"/>
  <worldbody>
    <geom name="floor" type="plane" size="1 1 1"/>
    <body name="trunk" pos="0 0 0.42">
      <freejoint name="free"/>
      <geom type="box" size="0.1 0.1 0.05"/>
      <site name="top" pos="0 0 0.06"/>
      <body name="leg" pos="0 0 -0.05">
        <joint name="hip" type="hinge" axis="0 1 0" range="-60 60" damping="0.2"/>
        <geom name="foot" type="capsule" fromto="0 0 0 0.05 0 -0.3" size="0.03"/>
      </body>
      <body name="tail" pos="-0.1 0 0">
        <joint name="tail" type="ball" damping="0.02"/>
        <geom type="capsule" fromto="0 0 0 -0.2 0 0" size="0.02" contype="0" conaffinity="0"/>
        <site name="end" pos="-0.2 0 0"/>
      </body>
    </body>
  </worldbody>
  <tendon><spatial name="string" stiffness="20" damping="0.5"><site site="top"/><site site="end"/></spatial></tendon>
  <actuator>
    <position name="hip" joint="hip" kp="8" ctrlrange="-0.5 0.9"/>
    <motor name="wag" joint="tail" gear="0.1 0.3 0.2" ctrlrange="-1 1"/>
    <general name="pull" tendon="string" dyntype="filter" dynprm="0.05" ctrlrange="0 2"/>
  </actuator>
  <sensor><gyro name="gyro" site="top"/></sensor>
</mujoco>"#;

/// Two bars that a motor each drives, without anything that switches.
const BARS: &str = r#"<mujoco>
  <option timestep="0.01"/>
  <worldbody>
    <body name="upper">
      <joint name="shoulder" type="hinge" axis="0 1 0" damping="0.1"/>
      <geom type="capsule" fromto="0 0 0 0.3 0 0" size="0.03"/>
      <body name="lower" pos="0.3 0 0">
        <joint name="elbow" type="hinge" axis="0 1 0" damping="0.1"/>
        <geom type="capsule" fromto="0 0 0 0.3 0 0" size="0.03"/>
        <site name="tip" pos="0.3 0 0"/>
      </body>
    </body>
  </worldbody>
  <actuator>
    <motor name="shoulder" joint="shoulder" gear="4" ctrlrange="-1 1.5"/>
    <motor name="elbow" joint="elbow" gear="2" ctrlrange="-1 1"/>
  </actuator>
</mujoco>"#;

fn observation(output: &str) -> Observation {
    Observation { output: output.into(), entries: vec![], scale: 2.0 }
}

/// A policy that observes these, with a clock.
fn policy(observations: Vec<Observation>, hold: usize) -> Policy {
    Policy {
        observations,
        periods: vec![0.3],
        hidden: vec![5, 4],
        activation: Activation::Tanh,
        hold,
        seed: 7,
    }
}

/// Motions of so many steps, each from another start.
fn parts(model: &cotangent_physics::Model, steps: &[usize]) -> Vec<MotionPart> {
    let part = |(k, steps): (usize, &usize)| {
        let mut start = State::at_reference(model);
        let along: Vec<f64> = randoms(40 + k as u64, model.nv()).iter().map(|x| 0.1 * x).collect();
        displace(model, &start.q.clone(), &along, &mut start.q);
        start.v = randoms(50 + k as u64, model.nv());
        MotionPart { label: format!("m{k}"), start, steps: *steps }
    };
    steps.iter().enumerate().map(part).collect()
}

fn under(text: &str, policy: &Policy, steps: &[usize]) -> Arc<MotionSimulation> {
    let read = read_mjcf(text).unwrap();
    let parts = parts(&read.model, steps);
    Arc::new(MotionSimulation::with_policy(read.model, read.options, parts, policy).unwrap())
}

/// Everything that may be observed is, and every input of two motions is held against all outputs.
#[test]
fn motions_under_a_policy_have_exact_derivatives() {
    let read = read_mjcf(LEG).unwrap();
    let all = MotionSimulation::observable(&read.model, &read.options);
    assert!(
        ["sensor.gyro", "tendon.string.velocity", "energy.total", "actuator.pull.activation"]
            .iter()
            .all(|name| all.iter().any(|q| q.name == *name))
    );
    let observations: Vec<Observation> = all.iter().map(|q| observation(&q.name)).collect();
    for hold in [1, 3] {
        let simulation = under(LEG, &policy(observations.clone(), hold), &[5, 4]);
        let shapes = simulation.inputs().iter().filter(|q| q.name.starts_with("policy."));
        let shapes: Vec<(&str, &[usize])> =
            shapes.map(|q| (q.name.as_str(), q.shape.as_slice())).collect();
        assert_eq!(
            shapes[2..],
            [
                ("policy.layer[1].weight", &[4, 5][..]),
                ("policy.layer[1].bias", &[4]),
                ("policy.layer[2].weight", &[3, 4]),
                ("policy.layer[2].bias", &[3]),
            ]
        );
        has_exact_derivatives(&format!("hold {hold}"), &simulation);
    }
}

/// Without switches: extrapolated central differences to 1e-9, and a remainder of second order.
#[test]
fn derivatives_by_weights_have_the_slope_of_taylor() {
    let seen = ["joint.shoulder.position", "joint.elbow.velocity", "site.tip.position"];
    let simulation = under(BARS, &policy(seen.map(observation).into(), 2), &[80]);
    let weights: Vec<usize> = (0..simulation.inputs().len())
        .filter(|k| simulation.inputs()[*k].name.starts_with("policy."))
        .collect();
    let outputs: Vec<usize> = (0..simulation.outputs().len()).collect();
    let x: Vec<f64> = weights.iter().flat_map(|k| simulation.inputs()[*k].value.clone()).collect();
    let map = Arc::clone(&simulation).map(&weights, &outputs, true).unwrap();
    let w = randoms(3, map.output_len());
    let run =
        |x: &[f64]| map.run(x, Keep::Linearisation, SampleKey(0), &mut Workspace::new()).unwrap();
    let value = |x: &[f64]| dot(&run(x).values().entries, &w);
    let v = randoms(4, x.len());
    let slope = dot(&run(&x).pullback(&[&w]).unwrap()[0], &v);
    let moved = |h: f64| value(&x.iter().zip(&v).map(|(x, v)| x + h * v).collect::<Vec<_>>());
    let central = |h: f64| (moved(h) - moved(-h)) / (2.0 * h);
    let extrapolated = |h: f64| (4.0 * central(h) - central(2.0 * h)) / 3.0;
    // of order six: what is left of order four is taken away
    let most_exact = |h: f64| (16.0 * extrapolated(h) - extrapolated(2.0 * h)) / 15.0;
    let error = (most_exact(2e-4) - slope).abs() / slope.abs();
    assert!(error < 1e-9, "{error:.1e}: {slope} {}", most_exact(2e-4));
    let remainder = |h: f64| (moved(h) - moved(0.0) - h * slope).abs();
    let order = (remainder(2e-4) / remainder(1e-4)).log2();
    assert!((order - 2.0).abs() < 0.05, "{order}");
}

/// What a policy decided, given as controls, makes the same motion bit for bit; a decision is kept for its interval and within its range.
#[test]
fn decisions_are_controls_that_are_kept() {
    let (hold, steps) = (3, [8, 5]);
    let simulation = under(LEG, &policy(vec![observation("joint.hip.position")], hold), &steps);
    let (map, x) = whole(&simulation);
    let run = map.run(&x, Keep::Values, SampleKey(0), &mut Workspace::new()).unwrap();
    let read = read_mjcf(LEG).unwrap();
    let mut plain =
        MotionSimulation::new(read.model.clone(), read.options, parts(&read.model, &steps));
    let (mut first, mut all) = (0, vec![]);
    for output in simulation.outputs() {
        let entries = &run.values().entries[first..][..output.len()];
        first += output.len();
        if !output.name.ends_with(".control") {
            all.extend_from_slice(entries);
            continue;
        }
        assert!(entries.iter().all(|u| (output.lower[0]..=output.upper[0]).contains(u)));
        for interval in entries.chunks(hold) {
            assert!(interval.iter().all(|u| *u == interval[0]), "{}", output.name);
        }
        assert!(entries[0] != entries[hold], "{}", output.name);
        let k = plain.inputs().iter().position(|q| q.name == output.name).unwrap();
        plain.fix(k, entries).unwrap();
    }
    let (plain_map, plain_x) = whole(&Arc::new(plain));
    let plain = plain_map.run(&plain_x, Keep::Values, SampleKey(0), &mut Workspace::new()).unwrap();
    assert_eq!(plain.values().entries, all);
    // its controls are no longer inputs, and no stages of their own
    assert!(simulation.inputs().iter().all(|q| !q.name.ends_with(".control")));
    assert!(map.trajectory().err().unwrap().contains("policy"));
}

#[test]
fn weights_start_by_name_and_by_seed() {
    let seen = || vec![observation("joint.hip.position")];
    let simulation = under(LEG, &policy(seen(), 1), &[1]);
    let input = |name: &str| simulation.inputs().iter().position(|q| q.name == name).unwrap();
    let (weight, bias) = (input("policy.layer[1].weight"), input("policy.layer[1].bias"));
    assert_eq!(simulation.initial_names(weight), ["glorot", "lecun", "he"]);
    let starts = ["glorot", "lecun", "he"].map(|name| simulation.initial(weight, name).unwrap());
    assert_eq!(starts[0], simulation.inputs()[weight].value);
    assert!(starts[1] != starts[0] && starts[2] != starts[1]);
    assert_eq!(simulation.initial(bias, "he").unwrap(), [0.0; 4]);
    assert!(simulation.initial(weight, "holding").is_none());
    let other = under(LEG, &Policy { seed: 8, ..policy(seen(), 1) }, &[1]);
    assert!(other.inputs()[weight].value != starts[0]);
}

#[test]
fn policies_that_make_no_sense_are_refused() {
    let refused = |text: &str, policy: &Policy| {
        let read = read_mjcf(text).unwrap();
        let parts = parts(&read.model, &[2]);
        MotionSimulation::with_policy(read.model, read.options, parts, policy).unwrap_err()
    };
    let seen = || policy(vec![observation("joint.hip.position")], 1);
    let error = refused(&LEG.replace(r#" ctrlrange="-1 1""#, ""), &seen());
    assert_eq!(error, PolicyError::NoRange { actuator: "actuator.wag".into() });
    let unknown = policy(vec![observation("joint.hop.position")], 1);
    assert!(matches!(refused(LEG, &unknown), PolicyError::NotObservable { .. }));
    let of_a_step = policy(vec![observation("actuator.hip.force")], 1);
    assert!(matches!(refused(LEG, &of_a_step), PolicyError::NotObservable { .. }));
    let beyond = Observation { entries: vec![2, 3], ..observation("body.leg.position") };
    let no_entry = PolicyError::NoEntry { output: "body.leg.position".into(), entry: 3, count: 3 };
    assert_eq!(refused(LEG, &policy(vec![beyond], 1)), no_entry);
    let blind = Policy { periods: vec![], ..policy(vec![], 1) };
    assert_eq!(refused(LEG, &blind), PolicyError::Blind);
    for (name, wrong) in [
        ("hidden width", Policy { hidden: vec![3, 0], ..seen() }),
        ("hold", Policy { hold: 0, ..seen() }),
        ("period", Policy { periods: vec![f64::NAN], ..seen() }),
        ("scale", policy(vec![Observation { scale: 0.0, ..observation("energy.total") }], 1)),
    ] {
        let error = refused(LEG, &wrong);
        assert!(matches!(error, PolicyError::NotPositive { what, .. } if what == name), "{error}");
    }
}

/// A slide with an eye that sees a box as long as it is before it. What is observed and no output is told by switches too.
#[test]
fn what_an_observed_ray_meets_is_a_switch() {
    let text = "<mujoco><worldbody><geom type='box' size='.1 .2 .3' pos='1 0 0'/>
        <body><joint name='s' type='slide' axis='0 1 0'/><geom size='.1'/><site name='eye' zaxis='1 0 0'/></body></worldbody>
        <actuator><motor name='s' joint='s' ctrlrange='-1 1'/></actuator>
        <sensor><rangefinder name='sight' site='eye'/></sensor></mujoco>";
    let met = |position: f64, observations: Vec<Observation>| {
        let read = read_mjcf(text).unwrap();
        let start = State::new(&read.model, vec![position], vec![0.0]).unwrap();
        let parts = vec![MotionPart { label: String::new(), start, steps: 2 }];
        let policy = policy(observations, 1);
        let simulation =
            MotionSimulation::with_policy(read.model, read.options, parts, &policy).unwrap();
        let place = simulation.outputs().iter().position(|q| q.name == "joint.s.position");
        let map = Arc::new(simulation).map(&[], &[place.unwrap()], false).unwrap();
        let run = map.run(&[], Keep::Values, SampleKey(0), &mut Workspace::new()).unwrap();
        run.values().switches.clone()
    };
    let sight = || vec![observation("sensor.sight")];
    let [before, past] = [0.1, 0.3].map(|position| met(position, sight()));
    assert_eq!(before.len(), 1);
    assert_eq!(before[0].name, "what sensor.sight meets");
    assert_ne!(before[0].state, past[0].state, "the box, and nothing");
    assert!(met(0.1, vec![]).is_empty(), "a clock alone sees no box");
}

/// A slide whose gauge reads its place up to a cutoff. Decisions alone look at it: of three steps, two.
#[test]
fn an_observed_cutoff_is_a_switch() {
    let text = "<mujoco><worldbody>
        <body><joint name='s' type='slide' axis='0 1 0'/><geom size='.1'/></body></worldbody>
        <actuator><motor name='s' joint='s' ctrlrange='-1 1'/></actuator>
        <sensor><jointpos name='gauge' joint='s' cutoff='.2'/></sensor></mujoco>";
    let switches = |position: f64, observations: Vec<Observation>, output: &str| {
        let read = read_mjcf(text).unwrap();
        let start = State::new(&read.model, vec![position], vec![0.0]).unwrap();
        let parts = vec![MotionPart { label: String::new(), start, steps: 3 }];
        let policy = policy(observations, 2);
        let simulation =
            MotionSimulation::with_policy(read.model, read.options, parts, &policy).unwrap();
        let place = simulation.outputs().iter().position(|q| q.name == output);
        let map = Arc::new(simulation).map(&[], &[place.unwrap()], false).unwrap();
        let run = map.run(&[], Keep::Values, SampleKey(0), &mut Workspace::new()).unwrap();
        run.values().switches.clone()
    };
    let gauge = || vec![observation("sensor.gauge")];
    for (position, beyond) in [(0.1, 0), (0.3, 2), (-0.3, 2)] {
        let found = switches(position, gauge(), "joint.s.position");
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].name, "sensor.gauge, as observed, beyond its cutoff");
        assert_eq!(found[0].state, beyond, "at {position}");
    }
    // an output tells of itself, at all its times, and what nothing observes of nothing
    let seen = switches(0.3, gauge(), "sensor.gauge");
    assert_eq!(seen.len(), 1);
    assert_eq!((seen[0].name.as_str(), seen[0].state), ("sensor.gauge beyond its cutoff", 4));
    let place = vec![observation("joint.s.position")];
    assert!(switches(0.3, place, "joint.s.position").is_empty());
}

/// Under first weights the motion of a quadruped is chaotic: after 1000 steps the terms of a derivative sum to 9e15. Both modes are of the same motion.
#[test]
fn a_long_motion_under_a_policy_has_one_derivative() {
    let read = read_mjcf(include_str!("../../../bench/models/seventeen.xml")).unwrap();
    let mut observations = vec![
        observation("joint.free.velocity"),
        Observation { entries: vec![6, 7, 8], ..observation("body.trunk.orientation") },
    ];
    for end in ["front_left", "front_right", "hind_left", "hind_right"] {
        for joint in ["hip", "knee"] {
            observations.push(observation(&format!("joint.{end}_{joint}.position")));
        }
    }
    let mut start = State::at_reference(&read.model);
    let random = Stream::new(&[6]);
    let push = |(k, v): (usize, &mut f64)| *v = random.uniform(k as u64) - 0.5;
    start.v.iter_mut().take(6).enumerate().for_each(push);
    let parts = vec![MotionPart { label: String::new(), start, steps: 1000 }];
    let policy =
        Policy { hidden: vec![46], periods: vec![0.5], seed: 1, ..policy(observations, 1) };
    let simulation = MotionSimulation::with_policy(read.model, read.options, parts, &policy);
    let simulation = Arc::new(simulation.unwrap());
    let inputs = simulation.inputs().iter().enumerate();
    let is_weight = |(k, q): (usize, &Quantity)| q.name.starts_with("policy.").then_some(k);
    let weights: Vec<usize> = inputs.filter_map(is_weight).collect();
    let x: Vec<f64> = weights.iter().flat_map(|k| simulation.inputs()[*k].value.clone()).collect();
    let place = simulation.outputs().iter().position(|q| q.name == "body.trunk.position");
    let map = Arc::clone(&simulation).map(&weights, &[place.unwrap()], true).unwrap();
    let run = map.run(&x, Keep::Linearisation, SampleKey(0), &mut Workspace::new()).unwrap();
    let mut y_bar = vec![0.0; map.output_len()];
    let last = y_bar.len() - 3;
    y_bar[last] = 1.0;
    let by_weights = run.pullback(&[&y_bar]).unwrap().remove(0);
    let v = randoms(7, x.len());
    let forward = run.pushforward(&[&v]).unwrap()[0][last];
    let terms: f64 = by_weights.iter().zip(&v).map(|(bar, v)| (bar * v).abs()).sum();
    let error = (forward - dot(&by_weights, &v)).abs() / terms;
    assert!(terms > 1e12, "{terms:.1e}: not chaotic any more");
    assert!(error < 1e-11, "{forward} of {terms:.1e}: {error:.1e}");
}
