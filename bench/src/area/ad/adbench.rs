//! ADBench beside hand-written Rust adjoints and JAX.

use std::process::Command;

use cotangent_ad::program::{ItemProgram, Program, Traced};
use cotangent_ad::{Dual, Num};
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::adbench::ba::Ba;
use crate::adbench::gmm::{self, Gmm};
use crate::adbench::hand::Hand;
use crate::adbench::lstm::Lstm;
use crate::adbench::{difference, norm, original};
use crate::clock;
use crate::peer::{self, PeerError, Peers};
use crate::report::{Item, Proof, Row};

const GMM_FILE: &str = "gmm/gmm_d10_K25.txt";
const LSTM_FILE: &str = "lstm/lstm_l2_c1024.txt";
const HAND_FILES: [&str; 2] =
    ["hand/simple/hand1_t26_c100.txt", "hand/complicated/hand1_t26_c100.txt"];
const BA_FILE: &str = "ba/ba1_n49_m7776_p31843.txt";
const ROUNDS: usize = 5;
const REPEATS: usize = 20;

fn gmm_problem() -> (Gmm, Vec<f64>) {
    let read = original(GMM_FILE).and_then(|path| Gmm::read(&path));
    read.unwrap_or_else(|| Gmm::generate(10, 25, 1000))
}

fn lstm_problem() -> (Lstm, Vec<f64>) {
    let read = original(LSTM_FILE).and_then(|path| Lstm::read(&path));
    read.unwrap_or_else(|| Lstm::generate(2, 1024, 14))
}

fn ba_problem() -> Ba {
    let read = original(BA_FILE).and_then(|path| Ba::read(&path));
    read.unwrap_or_else(|| Ba::generate(49, 7776, 31843))
}

/// Least CPU seconds of each of `work`, measured in turn, on one thread.
fn in_turn<const N: usize>(mut work: [Box<dyn FnMut() + Send + '_>; N]) -> [f64; N] {
    let pool = ThreadPoolBuilder::new().num_threads(1).build().expect("one worker");
    let mut best = [f64::INFINITY; N];
    for _ in 0..ROUNDS {
        for (best, work) in best.iter_mut().zip(&mut work) {
            *best = best.min(pool.install(|| clock::best(REPEATS, work)));
        }
    }
    best
}

fn discard<T>(value: T) {
    drop(std::hint::black_box(value));
}

pub(super) fn gmm_rows(peers: &Peers) -> Result<Vec<Item>, PeerError> {
    let (g, p) = gmm_problem();
    let recorded = g.record(&p).expect("the mixture records");
    let [hand, generic, adjoint, ours] = in_turn([
        Box::new(|| discard(gmm::by_hand(&g, &p))),
        Box::new(|| discard(g.objective(&p))),
        Box::new(|| discard(gmm::adjoint(&g, &p))),
        Box::new(|| discard(recorded.gradient(&g, &p).expect("no guard flips"))),
    ]);
    let work = "GMM d10 K25 n1000, gradient";
    let mut rows = vec![
        Row::cpu_us("GMM d10 K25 n1000, objective", generic, ("by hand", hand), Some(1.2)),
        Row::cpu_us(work, ours, ("Rust adjoint by hand", adjoint), Some(1.3)),
    ];
    let (value, gradient) = recorded.gradient(&g, &p).expect("no guard flips");
    let found = [value, norm(&gradient)];
    rows.push(beside_jax(peers, work, ours, (GMM_FILE, "adbench_jax.py"), found, 1.0)?);
    Ok(rows)
}

/// A gradient beside `jit(value_and_grad)` of the same objective, on the original file.
fn beside_jax(
    peers: &Peers,
    work: &str,
    ours: f64,
    (file, name): (&str, &str),
    found: [f64; 2],
    must: f64,
) -> Result<Item, PeerError> {
    let python = match peers.python("jax") {
        Err(why) => return Ok(Row::skipped(work, ours, "JAX", &why)),
        Ok(python) => python,
    };
    let Some(file) = original(file) else {
        return Ok(Row::skipped(work, ours, "JAX", "the original file is not there"));
    };
    let jax = peer::run(Command::new(python).arg(peer::script(name)).arg(file).arg("60"))?;
    let theirs = &jax["gradient"];
    for (found, theirs) in found.iter().zip(&theirs.values) {
        assert!((found - theirs).abs() < 1e-10 * theirs.abs(), "the same value and gradient");
    }
    Ok(Row::cpu_us(work, ours, ("JAX jit(value_and_grad)", theirs.cpu_s), Some(must)))
}

pub(super) fn lstm_rows(peers: &Peers) -> Result<Vec<Item>, PeerError> {
    let (n, p) = lstm_problem();
    let program = n.record(&p).expect("the step records");
    let [hand, generic, adjoint, ours] = in_turn([
        Box::new(|| discard(n.by_hand(&p))),
        Box::new(|| discard(n.objective(&p))),
        Box::new(|| discard(n.adjoint(&p))),
        Box::new(|| discard(n.gradient(&program, &p).expect("no guard flips"))),
    ]);
    let work = "LSTM l2 c1024, gradient";
    let (value, gradient) = n.gradient(&program, &p).expect("no guard flips");
    let found = [value, norm(&gradient)];
    Ok(vec![
        Row::cpu_us("LSTM l2 c1024, objective", generic, ("by hand", hand), Some(1.2)),
        Row::cpu_us(work, ours, ("Rust adjoint by hand", adjoint), Some(1.3)),
        beside_jax(peers, work, ours, (LSTM_FILE, "lstm_jax.py"), found, 0.5)?,
    ])
}

pub(super) fn ba_rows(_: &Peers) -> Result<Vec<Item>, PeerError> {
    let ba = ba_problem();
    let program = ba.record().expect("an observation records");
    let [objective, hand, ours] = in_turn([
        Box::new(|| discard(ba.residuals())),
        Box::new(|| discard(ba.by_hand())),
        Box::new(|| discard(ba.jacobian(&program).expect("no guard flips"))),
    ]);
    let work = "BA ba1, sparse Jacobian";
    Ok(vec![
        Row::cpu_us(work, ours, ("Rust adjoint by hand", hand), Some(1.5)),
        Row::cpu_us(work, ours, ("its objective", objective), Some(10.0)),
    ])
}

fn hand_problem(complicated: bool) -> (Hand, Vec<f64>) {
    let read = original(HAND_FILES[usize::from(complicated)])
        .and_then(|path| Hand::read(&path, complicated));
    read.unwrap_or_else(|| Hand::generate(100, complicated))
}

const HANDS: [(bool, &str); 2] = [(false, "HAND simple"), (true, "HAND complicated")];

pub(super) fn hand_rows(_: &Peers) -> Result<Vec<Item>, PeerError> {
    let row = |(complicated, name): (bool, &str)| {
        let (hand, p) = hand_problem(complicated);
        let program = hand.record(&p);
        let [objective, ours] = in_turn([
            Box::new(|| discard(hand.distances(&p))),
            Box::new(|| discard(hand.jacobian(&program, &p).expect("no guard flips"))),
        ]);
        let work = format!("{name}, 100 points, Jacobian");
        Row::cpu_us(&work, ours, ("its objective", objective), Some(8.0))
    };
    Ok(HANDS.map(row).to_vec())
}

/// Every entry of both Jacobians, and GradBench's numbers.
pub(super) fn hand_proofs(_: &Peers) -> Result<Vec<Item>, PeerError> {
    // norms of distances and Jacobian
    const GOLDEN: [[f64; 2]; 2] = [
        [1.767_693_375_260_226_4, 17.381_328_354_735_807],
        [1.796_389_465_391_408_5, 17.383_422_192_082_136],
    ];
    let mut items = Vec::new();
    for ((complicated, name), exact) in HANDS.into_iter().zip(GOLDEN) {
        let (hand, p) = hand_problem(complicated);
        let jacobian = hand.jacobian(&hand.record(&p), &p).expect("no guard flips");
        let what = format!("{name}, all {} entries of the Jacobian", jacobian.len());
        items.push(against_duals(&what, &jacobian, &hand.by_duals(&p)));
        if original(HAND_FILES[usize::from(complicated)]).is_some() {
            let distances = norm(&hand.distances(&p));
            items.push(golden(&format!("{name}, norm of the distances"), distances, exact[0]));
            let size = norm(&jacobian);
            items.push(golden(&format!("{name}, norm of the Jacobian"), size, exact[1]));
        }
    }
    Ok(items)
}

/// Recording and optimising a long program, and using a second core.
pub(super) fn program_proofs(_: &Peers) -> Result<Vec<Item>, PeerError> {
    let x: Vec<f64> = (0..64).map(|k| 0.5 + 0.01 * f64::from(k)).collect();
    let long = |x: &[Traced]| {
        let mut s = x.to_vec();
        for k in 0..33_334 {
            let (i, j) = (k % 64, (7 * k + 3) % 64);
            s[i] = s[j] * 0.99 + s[i].sin();
        }
        s
    };
    let record = clock::best(5, || Program::record(long, &x));
    let recorded = Program::record(long, &x).len();
    let items: Vec<f64> = (0..100_000).map(|k| f64::from(k) * 1e-5).collect();
    let f = |item: &[Traced], p: &[Traced]| {
        (0..40).fold(vec![item[0]], |v, _| vec![(v[0] * p[0]).sin() + v[0].exp() * 0.1])
    };
    let program = ItemProgram::record(f, 1, &[1.1], &items).expect("it records");
    let pool = |n| ThreadPoolBuilder::new().num_threads(n).build().expect("workers");
    let pools = [pool(1), pool(2)];
    let wall = |pool: &ThreadPool| {
        let start = std::time::Instant::now();
        pool.install(|| discard(program.map(&items, &[1.1]).expect("no guard flips")));
        start.elapsed().as_secs_f64()
    };
    // in turn, so that both meet the same neighbours; the best of each
    let mut best = [f64::INFINITY; 2];
    for _ in 0..40 {
        for (best, pool) in best.iter_mut().zip(&pools) {
            *best = best.min(wall(pool));
        }
    }
    let speedup = best[0] / best[1];
    Ok(vec![
        Item::Proof(Proof {
            what: format!("record and optimise a program of {recorded} values"),
            must: "< 50 ms".into(),
            measured: format!("{:.1} ms", record * 1e3),
            holds: record < 0.05,
        }),
        Item::Proof(Proof {
            what: "map over 100 000 items, two workers against one (wall time)".into(),
            must: ">= 1.8".into(),
            measured: format!("{speedup:.2}"),
            holds: speedup >= 1.8,
        }),
    ])
}

/// The gradient of `f` by duals, eight entries at once.
fn by_duals(p: &[f64], f: impl Fn(&[Dual<f64, 8>]) -> Dual<f64, 8>) -> Vec<f64> {
    let mut gradient = Vec::with_capacity(p.len());
    for first in (0..p.len()).step_by(8) {
        let seed = |(k, x): (usize, &f64)| match k.checked_sub(first) {
            Some(lane) if lane < 8 => Dual::<f64, 8>::seed(*x, lane),
            _ => Dual::lit(*x),
        };
        let x: Vec<_> = p.iter().enumerate().map(seed).collect();
        gradient.extend_from_slice(&f(&x).eps[..8.min(p.len() - first)]);
    }
    gradient
}

fn against_duals(what: &str, found: &[f64], duals: &[f64]) -> Item {
    let error = difference(found, duals);
    Item::Proof(Proof {
        what: format!("{what} against duals"),
        must: "normwise <= 1e-12".into(),
        measured: format!("{error:.1e}"),
        holds: error <= 1e-12,
    })
}

/// Against GradBench's hand-written C++ on the original files.
fn golden(what: &str, found: f64, exact: f64) -> Item {
    let error = ((found - exact) / exact).abs();
    Item::Proof(Proof {
        what: format!("{what} against GradBench's C++"),
        must: "<= 1e-12".into(),
        measured: format!("{error:.1e}"),
        holds: error <= 1e-12,
    })
}

/// Every gradient entry against duals, and golden numbers.
pub(super) fn proofs(_: &Peers) -> Result<Vec<Item>, PeerError> {
    let (g, p) = gmm_problem();
    let (value, gradient) =
        g.record(&p).and_then(|r| r.gradient(&g, &p)).expect("the mixture records");
    let mut items = vec![against_duals(
        &format!("GMM d10 K25, all {} entries of the gradient", p.len()),
        &gradient,
        &by_duals(&p, |x| g.objective(x)),
    )];
    let (n, q) = lstm_problem();
    let (lstm_value, lstm_gradient) =
        n.record(&q).and_then(|r| n.gradient(&r, &q)).expect("the step records");
    items.push(against_duals(
        &format!("LSTM l2 c1024, all {} entries of the gradient", q.len()),
        &lstm_gradient,
        &by_duals(&q, |x| n.objective(x)),
    ));
    let ba = ba_problem();
    let jacobian = ba.record().and_then(|r| ba.jacobian(&r)).expect("it records");
    let [found, exact] = ba.beside_duals(&jacobian);
    let what = format!("BA ba1, all {} entries of the observations' blocks", exact.len());
    items.push(against_duals(&what, &found, &exact));
    if original(GMM_FILE).is_some() {
        items.push(golden("GMM d10 K25, value", value, -32_901.630_503_640_55));
        items.push(golden(
            "GMM d10 K25, norm of the gradient",
            norm(&gradient),
            2_780.194_491_084_968,
        ));
    }
    if original(LSTM_FILE).is_some() {
        items.push(golden("LSTM l2 c1024, value", lstm_value, 0.666_665_179_558_852_2));
        let size = norm(&lstm_gradient);
        items.push(golden("LSTM l2 c1024, norm of the gradient", size, 0.094_741_380_114_460_77));
    }
    if original(BA_FILE).is_some() {
        items.push(golden("BA ba1, first residual", ba.residuals()[0], 0.101_335_837_914_508_86));
        items.push(golden("BA ba1, norm of the Jacobian", jacobian.norm(), 473_881.661_422_847_1));
    }
    Ok(items)
}
