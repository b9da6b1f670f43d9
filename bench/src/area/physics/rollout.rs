//! Whole motions in contact: their gradients with few states kept, under a policy, and many at once.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use cotangent_ad::Schedule;
use cotangent_ad::nn::Activation;
use cotangent_ad::random::Stream;
use cotangent_physics::derivative::Rollout;
use cotangent_physics::io::ModelFile;
use cotangent_physics::io::mjcf::read_mjcf_file;
use cotangent_physics::{
    Integrator, MotionPart, MotionSimulation, Observation, Policy, Scratch, State, StepOptions,
    step,
};
use cotangent_problem::{Keep, Map, SampleKey, Simulation, Workspace};

use super::{Last, path};
use crate::clock;
use crate::peer::{self, PeerError, Peers};
use crate::report::{Item, Proof, Row, Skipped};

/// Steps of a motion.
const STEPS: usize = 1000;
/// Steps before its start.
const BEFORE: usize = 400;
/// States that are kept of them where not all are.
const SLOTS: usize = 64;
const REPEATS: usize = 3;
const ROUNDS: usize = 3;
/// Models: those of `dm_control` by name, our own by their file.
const MODELS: [&str; 3] = ["humanoid", "humanoid_CMU", "bench/models/chain-100-floor.xml"];

#[expect(clippy::needless_pass_by_value, reason = "errors are given away")]
fn failed(what: &str, stderr: impl ToString) -> PeerError {
    PeerError::Failed { what: what.into(), stderr: stderr.to_string() }
}

fn read(file: &Path) -> Result<ModelFile, PeerError> {
    read_mjcf_file(file).map_err(|e| failed(&file.display().to_string(), &e.0[0].problem))
}

/// A motion from the state where the peer begins.
struct Long {
    read: ModelFile,
    options: StepOptions,
    start: State,
    controls: Vec<f64>,
}

impl Long {
    fn new(file: &Path, numbers: &[f64]) -> Result<Self, PeerError> {
        let read = read(file)?;
        let integrator = match read.options.integrator {
            Integrator::RungeKutta4 => Integrator::Euler,
            of_file => of_file,
        };
        let options = StepOptions { integrator, ..read.options };
        let model = &read.model;
        let (q, rest) = numbers[4..].split_at(model.nq());
        let (v, act) = rest.split_at(model.nv());
        let start = State { q: q.to_vec(), v: v.to_vec(), act: act.to_vec() };
        let controls = vec![0.1; STEPS * model.nu()];
        Ok(Self { read, options, start, controls })
    }

    /// Least CPU seconds of a step's share of value and gradient.
    fn gradient(&self, schedule: Schedule) -> f64 {
        let model = &self.read.model;
        let parameters = model.parameters();
        let rollout = Rollout { model, parameters, options: self.options, steps: STEPS, schedule };
        let mut s = Scratch::new(model);
        let work = || {
            let gradient =
                rollout.gradient(&self.start, &self.controls, &Last(STEPS), false, &mut s);
            assert!(gradient.initial.v.iter().all(|bar| bar.is_finite()), "a finite gradient");
        };
        clock::best(REPEATS, work) / STEPS as f64
    }

    /// CPU seconds from the file to the end of a first step.
    fn start_up(file: &Path) -> Result<f64, PeerError> {
        let mut steps = Ok(());
        let seconds = clock::best(10, || match read(file) {
            Err(e) => steps = Err(e),
            Ok(read) => {
                let model = &read.model;
                let (mut s, mut state) = (Scratch::new(model), State::at_reference(model));
                let u = vec![0.1; model.nu()];
                step(model, model.parameters(), &read.options, &mut state, &u, &mut s);
            }
        });
        steps.map(|()| seconds)
    }
}

/// Value and gradient of a thousand steps in contact, in steps of MuJoCo over the same motion.
pub(super) fn in_contact(peers: &Peers) -> Result<Vec<Item>, PeerError> {
    let python = match peers.python("dm_control") {
        Ok(python) => python,
        Err(why) => {
            let (what, must) = ("1000 steps in contact: value and gradient".into(), "4".into());
            return Ok(vec![Item::Skipped(Skipped { what, must, why })]);
        }
    };
    let named =
        MODELS.map(|m| if m.contains('/') { path(m).display().to_string() } else { m.into() });
    let ask = || {
        let counts = [BEFORE, STEPS, REPEATS].map(|n| n.to_string());
        let script = peer::script("physics_rollout.py");
        peer::run(Command::new(python).arg(script).args(counts).args(&named))
    };
    let mut theirs = ask()?;
    let mut items = Vec::new();
    let files: Vec<String> = theirs.keys().cloned().collect();
    let mut motions = Vec::new();
    for file in &files {
        motions.push((Long::new(Path::new(file), &theirs[file].values)?, [f64::INFINITY; 2]));
        if Path::new(file).file_stem().is_some_and(|stem| stem == "humanoid") {
            let seconds = Long::start_up(Path::new(file))?;
            items.push(Item::Proof(Proof {
                what: "humanoid: from its file to the end of a first step, CPU time".into(),
                must: "20 ms".into(),
                measured: format!("{:.1} ms", 1e3 * seconds),
                holds: seconds <= 0.02,
            }));
        }
    }
    for round in 0..ROUNDS {
        if round > 0 {
            for (file, again) in ask()? {
                let seconds = theirs[&file].cpu_s.min(again.cpu_s);
                theirs.entry(file).and_modify(|m| m.cpu_s = seconds);
            }
        }
        for (motion, best) in &mut motions {
            let schedules = [Schedule::StoreAll, Schedule::Revolve { slots: SLOTS }];
            let seconds = schedules.map(|schedule| motion.gradient(schedule));
            best.iter_mut().zip(seconds).for_each(|(best, s)| *best = best.min(s));
        }
    }
    for (file, (motion, best)) in files.iter().zip(&motions) {
        let stem = Path::new(file).file_stem().map(|s| s.to_string_lossy().into_owned());
        let (name, nv) = (stem.unwrap_or_default(), motion.read.model.nv());
        let kept = ["all states kept".to_owned(), format!("{SLOTS} states kept")];
        for (kept, ours) in kept.into_iter().zip(best) {
            let work = format!(
                "{name}, {nv} coordinates in contact: value and gradient of {STEPS} steps, {kept}, a step"
            );
            let peer = ("a step of C MuJoCo", theirs[file].cpu_s);
            items.push(Row::cpu_us(&work, *ours, peer, Some(4.0)));
        }
    }
    Ok(items)
}

/// Motions of our own quadruped of 17 bodies under a policy of 1 296 weights, from so many starts.
fn under_policy(starts: usize, steps: usize) -> Result<Arc<MotionSimulation>, PeerError> {
    const FILE: &str = "bench/models/seventeen.xml";
    let read = read(&path(FILE))?;
    let observation = |output: &str, entries: &[usize]| Observation {
        output: output.into(),
        entries: entries.into(),
        scale: 1.0,
    };
    let mut observations = vec![
        observation("joint.free.velocity", &[]),
        observation("body.trunk.orientation", &[6, 7, 8]),
    ];
    for end in ["front_left", "front_right", "hind_left", "hind_right"] {
        for joint in ["hip", "knee"] {
            observations.push(observation(&format!("joint.{end}_{joint}.position"), &[]));
        }
    }
    let policy = Policy {
        observations,
        periods: vec![0.5],
        hidden: vec![46],
        activation: Activation::Tanh,
        hold: 1,
        seed: 1,
    };
    let random = Stream::new(&[6]);
    let part = |k: usize| {
        let mut start = State::at_reference(&read.model);
        let push = |i: usize| random.uniform((6 * k + i) as u64) - 0.5;
        start.v.iter_mut().take(6).enumerate().for_each(|(i, v)| *v = push(i));
        MotionPart { label: format!("world {k}"), start, steps }
    };
    let parts = (0..starts).map(part).collect();
    let simulation = MotionSimulation::with_policy(read.model, read.options, parts, &policy);
    simulation.map(Arc::new).map_err(|e| failed(FILE, e))
}

/// The map from the weights to the trunk's places, and the weights.
fn by_weights(simulation: &Arc<MotionSimulation>) -> Result<(Box<dyn Map>, Vec<f64>), PeerError> {
    let inputs = simulation.inputs();
    let is_weight = |k: &usize| inputs[*k].name.starts_with("policy.");
    let weights: Vec<usize> = (0..inputs.len()).filter(is_weight).collect();
    let is_place = |k: &usize| simulation.outputs()[*k].name.ends_with("body.trunk.position");
    let places: Vec<usize> = (0..simulation.outputs().len()).filter(is_place).collect();
    let x = weights.iter().flat_map(|k| inputs[*k].value.clone()).collect();
    let map = Arc::clone(simulation).map(&weights, &places, true);
    map.map(|map| (map, x)).map_err(|e| failed("a policy", e))
}

/// The gradient of how far all get; `y_bar` has a 1 for each motion's last place along x.
fn gradient(map: &dyn Map, x: &[f64], y_bar: &[f64]) -> Result<Vec<f64>, PeerError> {
    let run = map
        .run(x, Keep::Linearisation, SampleKey(0), &mut Workspace::new())
        .map_err(|e| failed("a policy", e))?;
    let mut bars = run.pullback(&[y_bar]).map_err(|e| failed("a policy", e))?;
    Ok(bars.remove(0))
}

fn last_places(map: &dyn Map, motions: usize) -> Vec<f64> {
    let mut y_bar = vec![0.0; map.output_len()];
    let len = y_bar.len() / motions;
    y_bar.chunks_exact_mut(len).for_each(|of_motion| of_motion[len - 3] = 1.0);
    y_bar
}

/// The first row of table 1 of Degrave et al. (2019): 17 bodies, 1 296 weights, 1000 steps with gradient, 8.17 s there.
pub(super) fn policy_of_degrave(_: &Peers) -> Result<Vec<Item>, PeerError> {
    let (map, x) = by_weights(&under_policy(1, STEPS)?)?;
    assert_eq!(x.len(), 1296, "weights");
    let y_bar = last_places(map.as_ref(), 1);
    let seconds = clock::best(10, || gradient(map.as_ref(), &x, &y_bar).is_ok());
    let name = "17 bodies in contact under a policy of 1296 weights";
    let error = against_duals()?;
    Ok(vec![
        Item::Proof(Proof {
            what: format!(
                "{name}, {STEPS} steps: value and gradient, CPU time (Degrave 2019, table 1: 8.17 s)"
            ),
            must: "82 ms".into(),
            measured: format!("{:.1} ms", 1e3 * seconds),
            holds: seconds <= 0.082,
        }),
        Item::Proof(Proof {
            what: format!("{name}, {COMPARED} steps: the gradient along a direction against duals"),
            must: "1e-9 of the sum of its terms".into(),
            measured: format!("{error:.1e}"),
            holds: error <= 1e-9,
        }),
    ])
}

/// Steps of the comparison of both modes.
const COMPARED: usize = 1000;

/// The difference of both modes along a direction, as a share of the sum of the gradient's terms.
fn against_duals() -> Result<f64, PeerError> {
    let (map, x) = by_weights(&under_policy(1, COMPARED)?)?;
    let y_bar = last_places(map.as_ref(), 1);
    let by_weights = gradient(map.as_ref(), &x, &y_bar)?;
    let random = Stream::new(&[7]);
    let v: Vec<f64> = (0..x.len()).map(|k| random.normal(k as u64)).collect();
    let run = map
        .run(&x, Keep::Linearisation, SampleKey(0), &mut Workspace::new())
        .map_err(|e| failed("a policy", e))?;
    let columns = run.pushforward(&[&v]).map_err(|e| failed("a policy", e))?;
    let forward = columns[0][y_bar.len() - 3];
    let reverse: f64 = by_weights.iter().zip(&v).map(|(bar, v)| bar * v).sum();
    let terms: f64 = by_weights.iter().zip(&v).map(|(bar, v)| (bar * v).abs()).sum();
    Ok((forward - reverse).abs() / terms)
}

/// 64 motions at once: value and gradient on two threads beside one.
pub(super) fn worlds(_: &Peers) -> Result<Vec<Item>, PeerError> {
    const WORLDS: usize = 64;
    let (map, x) = by_weights(&under_policy(WORLDS, 200)?)?;
    let y_bar = last_places(map.as_ref(), WORLDS);
    let pool = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.map_err(|e| failed("threads", e))
    };
    let pools = [pool(1)?, pool(2)?];
    let (mut wall, mut cpu) = ([f64::INFINITY; 2], [f64::INFINITY; 2]);
    let mut gradients = [vec![], vec![]];
    for _ in 0..7 {
        for (k, pool) in pools.iter().enumerate() {
            let begin = Instant::now();
            let mut found = Ok(vec![]);
            let seconds =
                clock::once(|| found = pool.install(|| gradient(map.as_ref(), &x, &y_bar)));
            wall[k] = wall[k].min(begin.elapsed().as_secs_f64());
            cpu[k] = cpu[k].min(seconds);
            gradients[k] = found?;
        }
    }
    let same = gradients[0].iter().zip(&gradients[1]).all(|(a, b)| a.to_bits() == b.to_bits());
    let (faster, more) = (wall[0] / wall[1], cpu[1] / cpu[0]);
    let name = "64 motions of 17 bodies under a policy, 200 steps each, value and gradient";
    Ok(vec![
        Item::Proof(Proof {
            what: format!("{name}: one thread against two"),
            must: ">= 1.8 of wall time".into(),
            measured: format!("{faster:.2}; CPU time of two {more:.2} that of one"),
            holds: faster >= 1.8,
        }),
        Item::Proof(Proof {
            what: format!("{name}: two threads against one"),
            must: "the same bits".into(),
            measured: if same { "the same bits" } else { "other bits" }.into(),
            holds: same,
        }),
    ])
}
