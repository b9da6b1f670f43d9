//! The damped pendulum beside C and JAX.
//!
//! `acc = a - (k sin th + c w); w += dt acc; th += dt w`, 10 000 steps, gradient of `th_N^2 + w_N^2` with
//! respect to `(k, c, a)`. The reference of a derivative is the faster of two hand-written C adjoints.

use std::collections::BTreeMap;
use std::process::Command;

use cotangent_ad::{Real, ScanMode, ScanOptions, Schedule, Session, Step, Var, value_and_grad};

use crate::clock;
use crate::peer::{self, Measured, PeerError, Peers};
use crate::report::{Item, Proof, Row};

const STEPS: usize = 10_000;
const REPEATS: usize = 60;
const ROUNDS: usize = 5;
const DT: f64 = 1e-3;
const AT: [f64; 3] = [9.81, 0.1, 0.5];
const START: [f64; 2] = [1.0, 0.0];
const SLOTS: usize = 140;

/// The model, as a user writes it.
#[derive(Clone)]
struct Pendulum;
impl Step<2, 3> for Pendulum {
    #[inline]
    fn step<R: Real>(&self, [th, w]: [R; 2], [k, c, a]: [R; 3]) -> [R; 2] {
        let w = w + (a - (k * th.sin() + c * w)) * DT;
        [th + w * DT, w]
    }
}

fn loss<R: Real>([th, w]: [R; 2]) -> R {
    th * th + w * w
}

fn scanned(mode: ScanMode, schedule: Schedule, x: &[f64]) -> Vec<f64> {
    let options = ScanOptions { mode, schedule };
    let (y, g) = value_and_grad(
        |p| {
            let start = START.map(Var::konst);
            loss(Var::scan_with(&Pendulum, STEPS, start, [p[0], p[1], p[2]], &options))
        },
        x,
    );
    vec![y, g[0], g[1], g[2]]
}

/// One statement an operation.
fn plain_tape(x: &[f64]) -> Vec<f64> {
    let session = Session::<f64>::new();
    let p = [session.input(x[0]), session.input(x[1]), session.input(x[2])];
    let mut state = START.map(Var::konst);
    for _ in 0..STEPS {
        state = Pendulum.step(state, p);
    }
    let y = loss(state);
    let g = session.pullback(&[y], &[1.0], &p);
    vec![y.value(), g[0], g[1], g[2]]
}

/// What the generic primal may lose against.
#[inline(never)]
fn hand_written_primal(&[k, c, a]: &[f64; 3]) -> f64 {
    let [mut th, mut w] = START;
    for _ in 0..STEPS {
        w += DT * (a - (k * th.sin() + c * w));
        th += DT * w;
    }
    th * th + w * w
}

#[inline(never)]
fn generic_primal(x: &[f64; 3]) -> f64 {
    loss(f64::scan(&Pendulum, STEPS, START, *x))
}

/// The hand-written adjoint in Rust, storing sine, cosine and angular velocity.
fn hand_written_adjoint([k, c, a]: [f64; 3], store: &mut Vec<[f64; 3]>) -> Vec<f64> {
    let [mut th, mut w] = START;
    store.clear();
    for _ in 0..STEPS {
        let (s, co) = th.sin_cos();
        store.push([s, co, w]);
        w += DT * (a - (k * s + c * w));
        th += DT * w;
    }
    let loss = th * th + w * w;
    let (mut th_bar, mut w_bar, mut g) = (2.0 * th, 2.0 * w, [0.0; 3]);
    for &[s, co, w0] in store.iter().rev() {
        w_bar += DT * th_bar;
        let acc_bar = DT * w_bar;
        g[0] -= acc_bar * s;
        g[1] -= acc_bar * w0;
        g[2] += acc_bar;
        w_bar -= acc_bar * c;
        th_bar -= acc_bar * k * co;
    }
    vec![loss, g[0], g[1], g[2]]
}

/// What a row is measured against.
#[derive(Clone, Copy, Debug)]
enum Against {
    /// The faster hand-written C adjoint.
    Adjoint,
    /// The C primal.
    Primal,
    /// Another of ours, by its place in the list.
    Ours(usize),
}

/// One of ours: a name, what it is measured against, what the ratio must be, and the work.
struct Ours {
    work: &'static str,
    against: Against,
    must: Option<f64>,
    run: Box<dyn FnMut() -> Vec<f64>>,
}

impl Ours {
    fn new(
        work: &'static str,
        against: Against,
        must: Option<f64>,
        run: impl FnMut() -> Vec<f64> + 'static,
    ) -> Self {
        Self { work, against, must, run: Box::new(run) }
    }
}

/// All of ours. The places of the hand-written primal and of the stored reverse scan are named by `Against::Ours`.
fn ours() -> Vec<Ours> {
    let mut store = Vec::with_capacity(STEPS);
    let reverse = |schedule| move || scanned(ScanMode::Reverse, schedule, &AT);
    let at = || std::hint::black_box(AT);
    vec![
        Ours::new("pendulum, primal by hand", Against::Primal, None, move || {
            vec![hand_written_primal(&at())]
        }),
        Ours::new("pendulum, generic primal", Against::Ours(0), Some(1.2), move || {
            vec![generic_primal(&at())]
        }),
        Ours::new("pendulum, Rust adjoint by hand", Against::Adjoint, None, move || {
            hand_written_adjoint(at(), &mut store)
        }),
        Ours::new(
            "pendulum, reverse scan, all states stored",
            Against::Adjoint,
            Some(1.5),
            reverse(Schedule::StoreAll),
        ),
        Ours::new(
            "pendulum, reverse scan, Revolve with 140 slots",
            Against::Ours(3),
            Some(2.0),
            reverse(Schedule::Revolve { slots: SLOTS }),
        ),
        Ours::new("pendulum, scan, automatic mode", Against::Adjoint, Some(1.0), || {
            scanned(ScanMode::Automatic, Schedule::StoreAll, &AT)
        }),
        Ours::new("pendulum, plain tape", Against::Adjoint, Some(3.0), || plain_tape(&AT)),
    ]
}

pub(super) fn rows(peers: &Peers) -> Result<Vec<Item>, PeerError> {
    let mut ours = ours();
    let c = peers.compile("pendulum.c", &["m"])?;
    let mut best_ours = vec![f64::INFINITY; ours.len()];
    let mut best_c = BTreeMap::new();
    for _ in 0..ROUNDS {
        for (best, o) in best_ours.iter_mut().zip(&mut ours) {
            *best = best.min(clock::best(REPEATS, &mut o.run));
        }
        if let Some(binary) = &c {
            let arguments = [STEPS.to_string(), REPEATS.to_string()];
            keep_best(&mut best_c, peer::run(Command::new(binary).args(arguments))?);
        }
    }
    if let Some(c) = best_c.get("adjoint_store_state") {
        for o in &mut ours {
            assert_same(o.work, &(o.run)(), &c.values);
        }
    }
    let c_seconds = |names: &[&str]| {
        names.iter().filter_map(|n| best_c.get(*n)).map(|m| m.cpu_s).min_by(f64::total_cmp)
    };
    let row = |(o, best): (&Ours, &f64)| {
        let peer = match o.against {
            Against::Ours(k) => Some((ours[k].work, best_ours[k])),
            Against::Primal => c_seconds(&["primal"]).map(|s| ("C primal", s)),
            Against::Adjoint => c_seconds(&["adjoint_store_state", "adjoint_store_sincos"])
                .map(|s| ("C adjoint", s)),
        };
        match peer {
            Some(peer) => Row::cpu_us(o.work, *best, peer, o.must),
            None => Row::skipped(o.work, *best, "C", "no C compiler"),
        }
    };
    let mut items: Vec<Item> = ours.iter().zip(&best_ours).map(row).collect();
    items.push(beside_jax(peers, &mut ours[3], best_ours[3])?);
    Ok(items)
}

/// Our reverse scan beside `jit(grad(scan))`.
fn beside_jax(peers: &Peers, reverse: &mut Ours, ours_s: f64) -> Result<Item, PeerError> {
    let python = match peers.python("jax") {
        Ok(python) => python,
        Err(why) => return Ok(Row::skipped(reverse.work, ours_s, "JAX", &why)),
    };
    let mut jax = BTreeMap::new();
    let mut best = ours_s;
    for _ in 0..2 {
        let script = peer::script("pendulum_jax.py");
        let arguments = [STEPS.to_string(), REPEATS.to_string()];
        keep_best(&mut jax, peer::run(Command::new(python).arg(script).args(arguments))?);
        best = best.min(clock::best(REPEATS, &mut reverse.run));
    }
    let jax = &jax["reverse"];
    assert_same(reverse.work, &(reverse.run)(), &jax.values);
    Ok(Row::cpu_us(reverse.work, best, ("JAX jit(grad(scan))", jax.cpu_s), None))
}

fn keep_best(best: &mut BTreeMap<String, Measured>, found: BTreeMap<String, Measured>) {
    for (name, m) in found {
        let kept = best.entry(name).or_insert_with(|| m.clone());
        kept.cpu_s = kept.cpu_s.min(m.cpu_s);
    }
}

/// Both sides must have computed the same thing, or the ratio means nothing.
pub(super) fn assert_same(work: &str, ours: &[f64], theirs: &[f64]) {
    for (a, b) in ours.iter().zip(theirs) {
        assert!(
            (a - b).abs() <= 1e-9 * b.abs().max(1.0),
            "{work}: {a} differs from the peer's {b}"
        );
    }
}

/// Gradients under Revolve equal the stored ones bit for bit, at full length.
#[expect(clippy::unnecessary_wraps, reason = "every proof has the signature of a `Measure`")]
pub(super) fn proofs(_: &Peers) -> Result<Vec<Item>, PeerError> {
    let stored = scanned(ScanMode::Reverse, Schedule::StoreAll, &AT);
    let different: Vec<usize> = [1, 5, 20, SLOTS, 1000]
        .into_iter()
        .filter(|&slots| {
            // one slot costs n^2 / 2 steps: still seconds
            scanned(ScanMode::Reverse, Schedule::Revolve { slots }, &AT)
                .iter()
                .zip(&stored)
                .any(|(a, b)| a.to_bits() != b.to_bits())
        })
        .collect();
    Ok(vec![Item::Proof(Proof {
        what: "pendulum, 10 000 steps: Revolve with 1, 5, 20, 140, 1000 slots against all stored"
            .into(),
        must: "equal bits".into(),
        measured: if different.is_empty() {
            "equal bits".into()
        } else {
            format!("different with {different:?} slots")
        },
        holds: different.is_empty(),
    })])
}
