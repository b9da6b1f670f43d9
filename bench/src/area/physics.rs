//! Rigid bodies: a step and a rollout's gradient beside a step of C MuJoCo; whole gradients against duals and closed forms.

mod contact;
mod cube;
mod models;
mod random;
mod rollout;
mod smooth;
mod swing_up;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use cotangent_ad::random::Stream;
use cotangent_ad::{Dual, Num, Schedule, Vec3, jacobian_forward};
use cotangent_physics::derivative::{Cost, Cotangent, Rollout, StepAdjoint, StepJacobian};
use cotangent_physics::impact::{Arena, Ball, Balls, Until, Wall};
use cotangent_physics::io::mjcf::read_mjcf;
use cotangent_physics::io::{Effect, ModelFile};
use cotangent_physics::{Integrator, Scratch, State, StepOptions, step};

use super::Measure;
use crate::clock;
use crate::peer::{self, PeerError, Peers};
use crate::report::{Item, Proof, Row};

pub(super) const ROWS: &[Measure] = measurements![
    beside_mujoco,
    jacobian_beside_mujoco,
    contact::beside_mujoco,
    rollout::in_contact,
    smooth::beside_pinocchio,
    swing_up::cart_pole,
    swing_up::acrobot
];
pub(super) const PROOFS: &[Measure] = measurements![
    rollout_against_duals,
    bounce_against_closed_form,
    rollout::policy_of_degrave,
    rollout::worlds,
    cube::tossed,
    models::beside_mujoco,
    random::beside_mujoco
];

const STEPS: usize = 500;
const REPEATS: usize = 10;
const ROUNDS: usize = 5;
/// `(name, file, coordinates)`.
const MODELS: [(&str, &str, usize); 5] = [
    ("arm", "scenarios/arm.xml", 5),
    ("zoo", "physics/tests/data/zoo.xml", 15),
    ("chain-20", "bench/models/chain-20.xml", 20),
    ("chain-100", "bench/models/chain-100.xml", 100),
    ("chain-200", "bench/models/chain-200.xml", 200),
];

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
    read: ModelFile,
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
        // as the peer runs it
        let read = Effect::ALL.into_iter().fold(read, ModelFile::without);
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
            steps: STEPS,
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

/// A walker of 27 coordinates on its feet: a step in contact, an adjoint step, and the whole Jacobian beside MuJoCo's differences.
fn jacobian_beside_mujoco(peers: &Peers) -> Result<Vec<Item>, PeerError> {
    const FILE: &str = "bench/models/runner.xml";
    const BEFORE: usize = 100;
    const TWENTY: usize = 20;
    let read = read_mjcf(&fs::read_to_string(path(FILE))?)
        .map_err(|e| PeerError::Failed { what: FILE.into(), stderr: e.to_string() })?;
    let (model, p, options) = (&read.model, read.model.parameters(), &read.options);
    let (mut s, u) = (Scratch::new(model), vec![0.1; model.nu()]);
    let mut state = State::at_reference(model);
    for _ in 0..BEFORE {
        step(model, p, options, &mut state, &u, &mut s);
    }
    let (mut adjoint, mut whole) = (StepAdjoint::new(model), StepJacobian::default());
    let (mut best, mut theirs) = ([f64::INFINITY; 3], None);
    let python = peers.python("mujoco");
    for _ in 0..ROUNDS {
        let steps = clock::best(REPEATS, || {
            let mut now = state.clone();
            for _ in 0..TWENTY {
                step(model, p, options, &mut now, &u, &mut s);
            }
        });
        let pulls = clock::best(REPEATS, || {
            for _ in 0..TWENTY {
                let mut bar = Cotangent::zero(model);
                bar.v.fill(1.0);
                let mut u_bar = vec![0.0; model.nu()];
                let point = (&state, u.as_slice());
                adjoint.pull(model, p, options, point, &mut bar, &mut u_bar, None, &mut s);
            }
        });
        let jacobians = clock::best(REPEATS, || {
            adjoint.jacobian(model, p, options, (&state, &u), &mut whole, &mut s);
        });
        let found = [steps / TWENTY as f64, pulls / TWENTY as f64, jacobians];
        best.iter_mut().zip(found).for_each(|(best, found)| *best = best.min(found));
        if let Ok(python) = python {
            let script = peer::script("physics_transition.py");
            let counts = [BEFORE.to_string(), (10 * REPEATS).to_string()];
            let found = peer::run(Command::new(python).arg(script).arg(path(FILE)).args(counts))?;
            assert_same("runner", &state.q, &found["step"].values);
            assert_near(&whole.a, &found["jacobian"].values);
            let [step, jacobian] = theirs.unwrap_or([f64::INFINITY; 2]);
            let (a, b) = (found["step"].cpu_s, found["jacobian"].cpu_s);
            theirs = Some([step.min(a), jacobian.min(b)]);
        }
    }
    let name = "runner, 27 coordinates in contact";
    let works = [
        (format!("{name}: a step"), ("a step of C MuJoCo", 0), 1.2),
        (format!("{name}: value and pullback of a step"), ("a step of C MuJoCo", 0), 4.0),
        (format!("{name}: A and B of a step"), ("mjd_transitionFD, one-sided", 1), 0.2),
    ];
    let row = |((work, (peer, k), must), ours): ((String, (&str, usize), f64), f64)| match &theirs {
        Some(theirs) => Row::cpu_us(&work, ours, (peer, theirs[k]), Some(must)),
        None => {
            Row::skipped(&work, ours, peer, python.as_ref().err().map_or("no peer", String::as_str))
        }
    };
    Ok(works.into_iter().zip(best).map(row).collect())
}

/// As near as centered differences can be in contact.
fn assert_near(ours: &[f64], theirs: &[f64]) {
    let largest = theirs.iter().fold(0.0_f64, |m, x| m.max(x.abs()));
    for (a, b) in ours.iter().zip(theirs) {
        assert!((a - b).abs() <= 5e-6 * largest, "{a} differs from MuJoCo's {b}");
    }
}

/// Both sides must have gone to the same place; chaos lets rounding grow over the steps.
fn assert_same(name: &str, ours: &[f64], theirs: &[f64]) {
    for (a, b) in ours.iter().zip(theirs) {
        let error = (a - b).abs() / b.abs().max(1.0);
        assert!(error <= 1e-6, "{name}: {a} differs from MuJoCo's {b}");
    }
}

/// `sum q . w + v . w` of the last state.
struct End {
    step: usize,
    weights: Vec<f64>,
}

impl Cost for End {
    fn value(&self, k: usize, state: &State, _: &mut Scratch) -> f64 {
        let of = |(x, w): (&f64, &f64)| x * w;
        let numbers = state.q.iter().chain(&state.v).zip(&self.weights);
        if k == self.step { numbers.map(of).sum() } else { 0.0 }
    }
    fn pull(&self, k: usize, state: &State, bar: &mut Cotangent, _: &mut Scratch) {
        if k == self.step {
            let (q, v) = self.weights.split_at(state.q.len());
            bar.q.iter_mut().zip(q).for_each(|(bar, w)| *bar += w);
            bar.v.iter_mut().zip(v).for_each(|(bar, w)| *bar += w);
        }
    }
}

/// Every control's derivative over the arm's 300 steps, by the step adjoint and by duals; and checkpointed against stored.
fn rollout_against_duals(_: &Peers) -> Result<Vec<Item>, PeerError> {
    const STEPS: usize = 300;
    let read = Motion::new(MODELS[0].1)?.read;
    let (model, p) = (&read.model, read.model.parameters());
    let random = Stream::new(&[3]);
    let controls: Vec<f64> =
        (0..STEPS * model.nu()).map(|k| 0.2 * random.uniform(k as u64) - 0.1).collect();
    let weights = (0..model.nq() + model.nv()).map(|k| random.normal(k as u64)).collect();
    let end = End { step: STEPS, weights };
    let start = State::at_reference(model);
    let mut items = Vec::new();
    for integrator in [Integrator::Euler, Integrator::RungeKutta4] {
        let options = StepOptions { integrator, ..read.options };
        let by = |schedule| {
            let rollout = Rollout { model, parameters: p, options, steps: STEPS, schedule };
            rollout.gradient(&start, &controls, &end, false, &mut Scratch::new(model)).controls
        };
        let adjoint = by(Schedule::StoreAll);
        let last = |x: &[Dual<f64, 8>]| {
            let (mut s, p) = (Scratch::new(model), p.map(Dual::lit));
            let lift = |x: &[f64]| x.iter().map(|x| Dual::lit(*x)).collect();
            let mut state = State { q: lift(&start.q), v: lift(&start.v), act: vec![] };
            for u in x.chunks(model.nu()) {
                step(model, &p, &options, &mut state, u, &mut s);
            }
            let numbers = state.q.iter().chain(&state.v).zip(&end.weights);
            vec![numbers.fold(Dual::lit(0.0), |sum, (x, w)| sum + *x * *w)]
        };
        let duals = jacobian_forward(last, &controls);
        let largest = duals.iter().fold(0.0_f64, |most, d| most.max(d.abs()));
        let error = adjoint.iter().zip(&duals).map(|(a, d)| (a - d).abs() / largest);
        let error = error.fold(0.0, f64::max);
        items.push(Item::Proof(Proof {
            what: format!(
                "arm, {STEPS} steps, {integrator:?}: all {} controls, adjoint against duals",
                duals.len()
            ),
            must: "1e-9 of the largest".into(),
            measured: format!("{error:.1e}"),
            holds: error <= 1e-9,
        }));
        let checkpointed = by(Schedule::Revolve { slots: 12 });
        let same = adjoint.iter().zip(&checkpointed).all(|(a, b)| a.to_bits() == b.to_bits());
        items.push(Item::Proof(Proof {
            what: format!(
                "arm, {STEPS} steps, {integrator:?}: 12 checkpoints against all states stored"
            ),
            must: "the same bits".into(),
            measured: if same { "the same bits" } else { "other bits" }.into(),
            holds: same,
        }));
    }
    Ok(items)
}

/// A thousand throws that bounce once: the derivative of the landing by the initial velocity, saltation included.
fn bounce_against_closed_form(_: &Peers) -> Result<Vec<Item>, PeerError> {
    let (random, g, radius) = (Stream::new(&[4]), 9.81, 0.1);
    let mut worst = 0.0_f64;
    for k in 0..1000 {
        let [h, e, vx, vy, vz] = std::array::from_fn(|i| random.uniform(5 * k + i as u64));
        let (fall, e, v) =
            (0.2 + 2.0 * h, 0.3 + 0.6 * e, [4.0 * vx - 2.0, 4.0 * vy - 2.0, 8.0 * vz - 4.0]);
        let arena = Arena {
            balls: vec![Ball { radius, mass: 1.0 }],
            walls: vec![Wall { normal: Vec3::unit(2), offset: 0.0 }],
            gravity: Vec3([0.0, 0.0, -g]),
        };
        let start = Balls { x: vec![Vec3([0.0, 0.0, fall + radius])], v: vec![Vec3(v)] };
        let flight = arena
            .fly(&start, e, Until::Impact(2))
            .map_err(|e| PeerError::Failed { what: "a throw".into(), stderr: e.to_string() })?;
        let by_velocity = |k: usize| {
            let bar = Balls { x: vec![Vec3::unit(k)], v: vec![Vec3::zero()] };
            flight.pull(&arena, &bar).start.v[0].0
        };
        // speed at the plane s, time (vz + s + 2 e s) / g
        let s = (v[2] * v[2] + 2.0 * g * fall).sqrt();
        let (time, by_vz) = ((v[2] + s + 2.0 * e * s) / g, (1.0 + (1.0 + 2.0 * e) * v[2] / s) / g);
        let exact = [time, 0.0, v[0] * by_vz, 0.0, time, v[1] * by_vz];
        for (by_hand, exact) in [0, 1].map(by_velocity).iter().flatten().zip(exact) {
            worst = worst.max((by_hand - exact).abs() / time);
        }
    }
    Ok(vec![Item::Proof(Proof {
        what: "1000 throws with one bounce: derivative of the landing against its closed form"
            .into(),
        must: "1e-12".into(),
        measured: format!("{worst:.1e}"),
        holds: worst <= 1e-12,
    })])
}
