//! The differentiation core: the damped pendulum beside C and JAX.
//!
//! `acc = a - (k sin th + c w); w += dt acc; th += dt w`, 10 000 steps, gradient of `th_N^2 + w_N^2` with
//! respect to `(k, c, a)`. The reference of a derivative is the faster of two hand-written C adjoints.

use std::process::Command;

use super::Measure;
use crate::clock;
use crate::peer::{self, Measured, PeerError, Peers};
use crate::report::{Item, Row};

const STEPS: usize = 10_000;
const REPEATS: usize = 60;
const ROUNDS: usize = 5;
const DT: f64 = 1e-3;
const AT: [f64; 3] = [9.81, 0.1, 0.5];

pub(super) const ROWS: &[Measure] = &[pendulum_beside_c];

/// The hand-written adjoint in Rust: what the generic code is allowed to lose against.
fn hand_written(p: [f64; 3], store: &mut Vec<[f64; 3]>) -> (f64, [f64; 3]) {
    let [k, c, a] = p;
    let (mut th, mut w) = (1.0_f64, 0.0_f64);
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
    (loss, g)
}

/// One of ours: a name, what the ratio must be, and the work.
struct Ours<'a> {
    work: &'static str,
    against: Against,
    must: Option<f64>,
    run: Box<dyn FnMut() -> Vec<f64> + 'a>,
}

#[derive(Clone, Copy, PartialEq)]
enum Against {
    Adjoint,
}

fn pendulum_beside_c(peers: &Peers) -> Result<Vec<Item>, PeerError> {
    let mut store = Vec::with_capacity(STEPS);
    let mut ours = vec![Ours {
        work: "pendulum, hand-written Rust adjoint",
        against: Against::Adjoint,
        must: None,
        run: Box::new(move || {
            let (loss, g) = hand_written(AT, &mut store);
            vec![loss, g[0], g[1], g[2]]
        }),
    }];
    let Some(binary) = peers.compile_c("pendulum")? else {
        let skipped = |o: &mut Ours| {
            Row::skipped(o.work, clock::best(REPEATS, &mut o.run), "C", "no C compiler")
        };
        return Ok(ours.iter_mut().map(skipped).collect());
    };
    let mut best_ours = vec![f64::INFINITY; ours.len()];
    let mut best_c = [f64::INFINITY; 1];
    for _ in 0..ROUNDS {
        for (best, o) in best_ours.iter_mut().zip(&mut ours) {
            *best = best.min(clock::best(REPEATS, &mut o.run));
        }
        let c = peer::run(Command::new(&binary).args([STEPS.to_string(), REPEATS.to_string()]))?;
        best_c[Against::Adjoint as usize] =
            best_c[Against::Adjoint as usize].min(faster_adjoint(&c).cpu_s);
        for o in &mut ours {
            assert_same(o.work, &(o.run)(), &faster_adjoint(&c).values);
        }
    }
    let row = |(o, best): (&Ours, &f64)| {
        Row::cpu_us(o.work, *best, ("C adjoint", best_c[o.against as usize]), o.must)
    };
    Ok(ours.iter().zip(&best_ours).map(row).collect())
}

fn faster_adjoint(c: &std::collections::BTreeMap<String, Measured>) -> &Measured {
    let (a, b) = (&c["adjoint_store_state"], &c["adjoint_store_sincos"]);
    if a.cpu_s < b.cpu_s { a } else { b }
}

/// Both sides must have computed the same thing, or the ratio means nothing.
fn assert_same(work: &str, ours: &[f64], theirs: &[f64]) {
    for (a, b) in ours.iter().zip(theirs) {
        assert!(
            (a - b).abs() <= 1e-9 * b.abs().max(1.0),
            "{work}: {a} differs from the peer's {b}"
        );
    }
}
