//! Rigid bodies: a step and a rollout's gradient beside a step of C MuJoCo.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use cotangent_ad::Schedule;
use cotangent_physics::derivative::{Cost, Cotangent, Rollout};
use cotangent_physics::io::mjcf::{Mjcf, read_mjcf};
use cotangent_physics::{Integrator, Scratch, State, StepOptions, step};

use super::Measure;
use crate::clock;
use crate::peer::{self, PeerError, Peers};
use crate::report::{Item, Row};

pub(super) const ROWS: &[Measure] = &[beside_mujoco];

const STEPS: usize = 500;
const REPEATS: usize = 40;
const ROUNDS: usize = 5;
/// `(name, file, coordinates)`.
const MODELS: [(&str, &str, usize); 2] =
    [("arm", "scenarios/arm.xml", 5), ("zoo", "physics/tests/data/zoo.xml", 15)];

/// The last configuration's first number.
struct Last(usize);

impl Cost for Last {
    fn value(&self, k: usize, state: &State, _: &mut Scratch) -> f64 {
        if k == self.0 { state.q[0] } else { 0.0 }
    }
    fn pull(&self, k: usize, _: &State, bar: &mut Cotangent, _: &mut Scratch) {
        if k == self.0 {
            bar.q[0] += 1.0;
        }
    }
}

struct Motion {
    read: Mjcf,
    options: StepOptions,
    controls: Vec<f64>,
    scratch: Scratch,
}

fn path(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file)
}

impl Motion {
    fn new(file: &str) -> Result<Self, PeerError> {
        let read = read_mjcf(&fs::read_to_string(path(file))?);
        let read =
            read.map_err(|e| PeerError::Failed { what: file.into(), stderr: e.to_string() })?;
        let options = StepOptions { integrator: Integrator::Euler, ..read.options };
        let controls = vec![0.1; STEPS * read.model.nu()];
        let scratch = Scratch::new(&read.model);
        Ok(Self { read, options, controls, scratch })
    }

    fn forward(&mut self) -> State {
        let (model, nu) = (&self.read.model, self.read.model.nu());
        let mut state = State::at_reference(model);
        for k in 0..STEPS {
            let u = &self.controls[k * nu..][..nu];
            step(model, model.parameters(), &self.options, &mut state, u, &mut self.scratch);
        }
        state
    }

    fn gradient(&mut self) -> f64 {
        let model = &self.read.model;
        let rollout = Rollout {
            model,
            parameters: model.parameters(),
            options: self.options,
            schedule: Schedule::StoreAll,
        };
        let start = State::at_reference(model);
        rollout.gradient(&start, &self.controls, &Last(STEPS), false, &mut self.scratch).value
    }
}

/// Costs of one step: forward, and its share of a rollout's value and gradient.
fn beside_mujoco(peers: &Peers) -> Result<Vec<Item>, PeerError> {
    let mut motions = Vec::new();
    for (_, file, _) in MODELS {
        motions.push(Motion::new(file)?);
    }
    let python = peers.python("mujoco");
    let mut best = [[f64::INFINITY; 3]; MODELS.len()];
    for _ in 0..ROUNDS {
        for (best, motion) in best.iter_mut().zip(&mut motions) {
            let a_step = |s: f64| s / STEPS as f64;
            best[0] = best[0].min(a_step(clock::best(REPEATS, || motion.forward())));
            best[1] = best[1].min(a_step(clock::best(REPEATS, || motion.gradient())));
        }
        if let Ok(python) = python {
            let named = MODELS.map(|(name, file, _)| format!("{name}={}", path(file).display()));
            let counts = [STEPS.to_string(), REPEATS.to_string()];
            let script = peer::script("physics_mujoco.py");
            let found = peer::run(Command::new(python).arg(script).args(counts).args(named))?;
            for (k, (name, ..)) in MODELS.iter().enumerate() {
                best[k][2] = best[k][2].min(found[*name].cpu_s);
                assert_same(name, &motions[k].forward().q, &found[*name].values);
            }
        }
    }
    let mut items = Vec::new();
    for ((name, _, nv), [forward, gradient, peer]) in MODELS.iter().zip(best) {
        let works = [
            (format!("{name}, {nv} coordinates: a step"), forward, Some(1.2)),
            (
                format!("{name}, {nv} coordinates: value and gradient of a rollout, a step"),
                gradient,
                Some(4.0),
            ),
        ];
        for (work, ours, must) in works {
            items.push(match &python {
                Ok(_) => Row::cpu_us(&work, ours, ("a step of C MuJoCo", peer), must),
                Err(why) => Row::skipped(&work, ours, "C MuJoCo", why),
            });
        }
        let work = format!("{name}: value and gradient against our own step");
        items.push(Row::cpu_us(&work, gradient, ("our step", forward), None));
    }
    Ok(items)
}

/// Both sides must have gone to the same place; chaos lets rounding grow over the steps.
fn assert_same(name: &str, ours: &[f64], theirs: &[f64]) {
    for (a, b) in ours.iter().zip(theirs) {
        let error = (a - b).abs() / b.abs().max(1.0);
        assert!(error <= 1e-6, "{name}: {a} differs from MuJoCo's {b}");
    }
}
