//! Loops of recorded steps agree with the tape and with duals, and say so where they would not.
#![allow(clippy::float_cmp, reason = "equal bits are what is tested")]

use cotangent_ad::program::{Program, ReplayError, ScanProgram, Traced};
use cotangent_ad::{Num, Real, Schedule, Session, Step, Var, grad, hvp, jacobian_forward};

/// A driven oscillator with three states, and two outputs.
fn step<R: Real>(s: &[R], item: &[R], p: &[R]) -> (Vec<R>, Vec<R>) {
    let force = item[0] * p[0] - (s[0].sin() * p[1] + s[1] * p[2]);
    let v = s[1] + force * 0.05;
    let x = s[0] + v * 0.05;
    let m = s[2] * 0.9 + x.tanh() * item[1];
    (vec![x, v, m], vec![m * x, (v * v + 1.0).ln()])
}

fn record() -> ScanProgram {
    ScanProgram::record(step::<Traced>, &START, &[0.1, 0.2], &AT).expect("the step records")
}

const START: [f64; 3] = [0.5, -0.2, 0.1];
const AT: [f64; 3] = [0.7, 2.0, 0.3];

fn series(n: u32) -> Vec<f64> {
    (0..2 * n).map(|k| (f64::from(k) * 0.3).sin()).collect()
}

/// The weighted results as a plain loop over `(state, parameters)`.
fn plain<R: Real>(z: &[R], items: &[f64]) -> R {
    let (mut s, p) = (z[..3].to_vec(), &z[3..]);
    let mut y = R::lit(0.0);
    for item in items.chunks(2) {
        let item: Vec<R> = item.iter().map(|x| R::lit(*x)).collect();
        let (next, out) = step(&s, &item, p);
        s = next;
        y += out[0] * 0.4 + out[1] * -1.5;
    }
    y + s[0] * 1.0 + s[1] * 2.0 + s[2] * 3.0
}

#[test]
fn a_loop_agrees_with_the_tape_and_with_duals() {
    let (items, program) = (series(57), record());
    let bars = ([1.0, 2.0, 3.0], [0.4, -1.5]);
    let found = program.vjp(&START, &items, &AT, &bars.0, &bars.1, Schedule::StoreAll).unwrap();
    let z = [START, AT].concat();
    let tape = grad(|z| plain(z, &items), &z);
    let duals = jacobian_forward(|z| vec![plain(z, &items)], &z);
    let ours = [&found.state_bar[..], &found.p_bar].concat();
    for ((ours, tape), dual) in ours.iter().zip(&tape).zip(&duals) {
        assert!((ours - dual).abs() < 1e-12 * dual.abs().max(1.0), "{ours} {dual}");
        assert!((ours - tape).abs() < 1e-12 * tape.abs().max(1.0), "{ours} {tape}");
    }
    let (state, outputs) = program.call(&START, &items, &AT).unwrap();
    assert_eq!((&state, &outputs), (&found.state, &found.outputs), "one value");
    let weighted: f64 = state.iter().zip(bars.0).map(|(s, w)| s * w).sum::<f64>()
        + outputs.iter().zip(bars.1).map(|(y, w)| y * w).sum::<f64>();
    assert!((weighted - plain(&z, &items)).abs() < 1e-12);
}

#[test]
fn every_schedule_gives_the_same_bits() {
    let (items, program) = (series(61), record());
    let run = |schedule| {
        program.vjp(&START, &items, &AT, &[1.0, 0.0, 0.5], &[1.0, 1.0], schedule).unwrap()
    };
    let stored = run(Schedule::StoreAll);
    for slots in [1, 2, 5, 61, 100] {
        assert_eq!(run(Schedule::Revolve { slots }), stored);
        assert_eq!(run(Schedule::Mixed { slots }), stored);
    }
}

#[test]
fn directional_and_second_derivatives_agree_with_duals_and_the_tape() {
    let (items, program) = (series(31), record());
    let z = [START, AT].concat();
    let v = [0.3, -0.7, 0.2, 1.1, -0.4, 0.6];
    let along = (&v[..3], &v[3..]);
    let bars = (&[1.0, 2.0, 3.0][..], &[0.4, -1.5][..]);
    let found = program.jvp(&START, &items, &AT, along).unwrap();
    assert_eq!(found.state[0], program.call(&START, &items, &AT).unwrap().0, "one value");
    let weighted = |x: &[f64], w: &[f64]| x.iter().zip(w).map(|(x, w)| x * w).sum::<f64>();
    let slope = weighted(&found.state[1], bars.0) + weighted(&found.outputs[1], bars.1);
    let columns = jacobian_forward(|z| vec![plain(z, &items)], &z);
    assert!((slope - weighted(&columns, &v)).abs() < 1e-12 * slope.abs());
    let expected = [columns, hvp(|z| plain(z, &items), &z, &v)];
    let stored = Schedule::StoreAll;
    let found = program.hvp((&START, &items, &AT), along, bars, stored).unwrap();
    for (order, expected) in expected.iter().enumerate() {
        let ours = [&found.state[order][..], &found.p[order]].concat();
        for (ours, other) in ours.iter().zip(expected) {
            assert!((ours - other).abs() < 1e-11 * other.abs().max(1.0), "{ours} {other}");
        }
    }
    let few = Schedule::Revolve { slots: 3 };
    assert_eq!(program.hvp((&START, &items, &AT), along, bars, few).unwrap(), found);
    assert!(program.jvp(&START, &items, &AT, (&v, &v)).is_err());
}

#[test]
fn no_item_at_all_is_the_identity() {
    let found =
        record().vjp(&START, &[], &AT, &[1.0, 2.0, 3.0], &[1.0, 1.0], Schedule::StoreAll).unwrap();
    assert_eq!((&found.state[..], &found.state_bar[..]), (&START[..], &[1.0, 2.0, 3.0][..]));
    assert_eq!((found.outputs, found.p_bar), (vec![0.0; 2], vec![0.0; 3]));
}

#[test]
fn the_item_at_which_a_branch_turns_is_named() {
    let step = |s: &[Traced], x: &[Traced], _: &[Traced]| {
        let t = s[0] + x[0];
        (vec![if t < 2.5 { t } else { t * 0.5 }], vec![t])
    };
    let program = ScanProgram::record(step, &[0.0], &[1.0], &[]).unwrap();
    assert_eq!(program.call(&[0.0], &[1.0; 2], &[]).unwrap(), (vec![2.0], vec![3.0]));
    let flipped = program.vjp(&[0.0], &[1.0; 6], &[], &[1.0], &[0.0], Schedule::StoreAll);
    assert!(matches!(flipped, Err(ReplayError::GuardFlipped { item: 2, .. })), "{flipped:?}");
    let flipped = program.call(&[0.0], &[1.0; 6], &[]);
    assert!(matches!(flipped, Err(ReplayError::GuardFlipped { item: 2, .. })), "{flipped:?}");
}

#[test]
fn wrong_shapes_are_errors() {
    let program = record();
    let shape = |what, expected, found| ReplayError::Shape { what, expected, found };
    assert_eq!(program.call(&[0.0], &[], &AT).unwrap_err(), shape("state", 3, 1));
    assert_eq!(program.call(&START, &[], &[]).unwrap_err(), shape("parameters", 3, 0));
    let ragged = ReplayError::Items { width: 2, found: 3 };
    assert_eq!(program.call(&START, &[0.0; 3], &AT).unwrap_err(), ragged);
    let vjp = |state_bar: &[f64], y_bar: &[f64]| {
        program.vjp(&START, &[0.0; 2], &AT, state_bar, y_bar, Schedule::StoreAll).unwrap_err()
    };
    assert_eq!(vjp(&[], &[1.0; 2]), shape("state_bar", 3, 0));
    assert_eq!(vjp(&[0.0; 3], &[]), shape("y_bar", 2, 0));
    let short = ScanProgram::record(|s, _, _| (s[1..].to_vec(), vec![]), &START, &[0.0], &[]);
    assert_eq!(short.unwrap_err(), shape("next state", 3, 2));
}

#[test]
#[should_panic(expected = "at least one slot")]
fn a_schedule_without_a_slot_panics() {
    let none = Schedule::Revolve { slots: 0 };
    let _ = record().vjp(&START, &series(3), &AT, &[0.0; 3], &[1.0; 2], none);
}

/// The oscillator without a series.
#[derive(Clone)]
struct Swing;

impl Step<2, 3> for Swing {
    fn step<R: Real>(&self, [x, v]: [R; 2], [g, damping, drive]: [R; 3]) -> [R; 2] {
        let v = v + (drive - (x.sin() * g + v * damping)) * 0.02;
        [x + v * 0.02, v]
    }
}

fn swung<R: Real>(z: &[R], scan: impl Fn([R; 2], [R; 3]) -> [R; 2]) -> R {
    let [x, v] = scan([z[0] * z[1], z[1]], [z[2], z[3], z[4].exp()]);
    x * x + v * z[2]
}

fn in_a_unit<R: Real>(z: &[R]) -> R {
    swung(z, |s, p| R::scan(&Swing, 300, s, p))
}

fn in_a_loop<R: Real>(z: &[R]) -> R {
    swung(z, |s, p| (0..300).fold(s, |s, _| Swing.step(s, p)))
}

#[test]
fn a_loop_in_a_program_is_one_rule_of_any_order() {
    let (z, w) = ([0.6, 0.3, 1.5, 0.2, -0.7], [0.5, -0.2, 0.3, 1.0, 0.4]);
    let program = Program::record(|z| vec![in_a_unit(z)], &z);
    assert!(program.len() < 15, "{} values", program.len());
    let close = |ours: &[f64], other: &[f64]| {
        for (a, b) in ours.iter().zip(other) {
            assert!((a - b).abs() < 1e-11 * b.abs().max(1e-2), "{ours:?} {other:?}");
        }
    };
    let (gradient, product) = (grad(in_a_loop, &z), hvp(in_a_loop, &z, &w));
    let (y, g) = program.vjp(&z, &[1.0]).unwrap();
    close(&y, &[in_a_loop(&z)]);
    close(&g, &gradient);
    let slope: f64 = gradient.iter().zip(w).map(|(g, w)| g * w).sum();
    close(&program.jvp(&z, &w).unwrap().1, &[slope]);
    close(&program.hvp(&z, &w).unwrap().1, &product); // forward over reverse
    let along = |z: &[Var<f64>]| {
        let session = Session::new();
        let inner: Vec<Var<Var<f64>>> = z.iter().map(|z| session.input(*z)).collect();
        let y = Real::slice_rule(&program, &inner).expect("it replays")[0];
        let g = session.pullback(&[y], &[Num::lit(1.0)], &inner);
        g.iter().zip(w).fold(Var::lit(0.0), |sum, (g, w)| sum + *g * w)
    };
    close(&grad(along, &z), &product); // reverse over reverse
}

/// Falls, and turns at the floor.
#[derive(Clone)]
struct Bounce;

impl Step<2, 1> for Bounce {
    fn step<R: Real>(&self, [x, v]: [R; 2], [g]: [R; 1]) -> [R; 2] {
        let x = x + v * 0.02;
        if x < R::lit(0.0) { [-x, -v * 0.9] } else { [x, v - g * 0.02] }
    }
}

#[test]
fn steps_that_branch_each_their_own_way_are_recorded_one_by_one() {
    let fall = |z: &[Traced]| Traced::scan(&Bounce, 100, [z[0], z[1]], [z[2]]).to_vec();
    let at = [1.0, 0.0, 9.81];
    let plain = f64::scan(&Bounce, 100, [1.0, 0.0], [9.81]);
    assert_eq!(Program::record(fall, &at).call(&at).unwrap(), plain);
    // without a bounce it is one rule, which says where one comes
    let high = Program::record(fall, &[100.0, 0.0, 9.81]);
    assert!(high.len() < 10);
    let low = high.call(&at);
    assert!(matches!(low, Err(ReplayError::GuardFlipped { item: 22..24, .. })), "{low:?}");
}
