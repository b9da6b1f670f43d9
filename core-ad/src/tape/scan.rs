//! A loop as one block of the tape: forward by duals, or reverse with its states under a checkpoint schedule.

use std::array;

use super::var::Var;
use crate::checkpoint::{Action, ScanMode, ScanOptions, Schedule};
use crate::dual::Dual;
use crate::real::Real;
use crate::scan::{Step, plain_loop};

/// Active inputs up to which forward mode is cheaper: a step's tangents then cost less than storing the state and
/// evaluating the step once more with all its tangents.
const FORWARD_UP_TO: usize = 4;

/// Records `n` steps as one block.
pub(super) fn record_scan<T: Real, const S: usize, const P: usize, F: Step<S, P>>(
    step: &F,
    n: usize,
    state: [Var<T>; S],
    parameters: [Var<T>; P],
    options: &ScanOptions,
) -> [Var<T>; S] {
    let inputs: Vec<Var<T>> = state.iter().chain(&parameters).copied().collect();
    let active: Vec<usize> = (0..S + P).filter(|&k| inputs[k].is_active()).collect();
    let (s, p) = (state.map(Var::value), parameters.map(Var::value));
    let forward = match options.mode {
        ScanMode::Forward => true,
        ScanMode::Reverse => false,
        ScanMode::Automatic => active.len() <= FORWARD_UP_TO,
    };
    let block = if active.is_empty() {
        plain_loop(step, n, s, p).map(Var::konst).to_vec()
    } else if forward {
        forward_block(step, n, s, p, &inputs, active)
    } else {
        reverse_block(step.clone(), n, s, p, &inputs, options.schedule)
    };
    array::from_fn(|k| block[k])
}

/// All tangents of the active inputs carried along; the block keeps the Jacobian.
fn forward_block<T: Real, const S: usize, const P: usize, F: Step<S, P>>(
    step: &F,
    n: usize,
    s: [T; S],
    p: [T; P],
    inputs: &[Var<T>],
    active: Vec<usize>,
) -> Vec<Var<T>> {
    let mut value = s;
    let mut columns: Vec<[T; S]> = Vec::with_capacity(active.len());
    let mut rest = active.as_slice();
    while !rest.is_empty() {
        let taken = match rest.len() {
            1 => tangents::<T, S, P, F, 1>(step, n, s, p, rest, &mut value, &mut columns),
            2 => tangents::<T, S, P, F, 2>(step, n, s, p, rest, &mut value, &mut columns),
            3 => tangents::<T, S, P, F, 3>(step, n, s, p, rest, &mut value, &mut columns),
            _ => tangents::<T, S, P, F, 4>(step, n, s, p, rest, &mut value, &mut columns),
        };
        rest = &rest[taken..];
    }
    let pull = move |y_bar: &[T], x_bar: &mut [T]| {
        for (k, column) in active.iter().zip(&columns) {
            for (y_bar, slope) in y_bar.iter().zip(column) {
                x_bar[*k] += *y_bar * *slope;
            }
        }
    };
    Var::block(inputs, value.to_vec(), Box::new(pull))
}

/// `W` tangents at once; returns how many inputs were seeded.
fn tangents<T: Real, const S: usize, const P: usize, F: Step<S, P>, const W: usize>(
    step: &F,
    n: usize,
    s: [T; S],
    p: [T; P],
    active: &[usize],
    value: &mut [T; S],
    columns: &mut Vec<[T; S]>,
) -> usize {
    let lane = |k: usize| active.iter().take(W).position(|&a| a == k);
    let dual =
        |x: T, k: usize| lane(k).map_or_else(|| Dual::<T, W>::konst(x), |l| Dual::seed(x, l));
    let s = array::from_fn(|k| dual(s[k], k));
    let p = array::from_fn(|k| dual(p[k], S + k));
    let end = plain_loop(step, n, s, p);
    *value = end.map(|y| y.re);
    let taken = active.len().min(W);
    columns.extend((0..taken).map(|l| end.map(|y| y.eps[l])));
    taken
}

/// States kept by the schedule; each step differentiated locally when the sweep reaches it.
fn reverse_block<T: Real, const S: usize, const P: usize, F: Step<S, P>>(
    step: F,
    n: usize,
    s: [T; S],
    p: [T; P],
    inputs: &[Var<T>],
    schedule: Schedule,
) -> Vec<Var<T>> {
    let mut stored = Vec::new();
    let mut value = s;
    if schedule == Schedule::StoreAll {
        stored.reserve_exact(n);
        for _ in 0..n {
            stored.push(value);
            value = step.step(value, p);
        }
    } else {
        value = plain_loop(&step, n, s, p);
    }
    let pull = move |y_bar: &[T], x_bar: &mut [T]| {
        let mut bars = Bars { state: array::from_fn(|k| y_bar[k]), parameters: [T::lit(0.0); P] };
        if schedule == Schedule::StoreAll {
            for state in stored.iter().rev() {
                bars.reverse(&step, *state, p);
            }
        } else {
            reverse_by_schedule(&step, n, s, p, schedule, &mut bars);
        }
        x_bar[..S].copy_from_slice(&bars.state);
        x_bar[S..].copy_from_slice(&bars.parameters);
    };
    Var::block(inputs, value.to_vec(), Box::new(pull))
}

/// Carries out a schedule's actions.
fn reverse_by_schedule<T: Real, const S: usize, const P: usize, F: Step<S, P>>(
    step: &F,
    n: usize,
    start: [T; S],
    p: [T; P],
    schedule: Schedule,
    bars: &mut Bars<T, S, P>,
) {
    let mut slots: Vec<Option<[T; S]>> = vec![None; schedule.slots(n)];
    let mut state = start;
    for action in schedule.actions(n) {
        match action {
            Action::Advance { from, to } => state = plain_loop(step, to - from, state, p),
            Action::Store { slot, .. } => slots[slot] = Some(state),
            Action::Restore { slot, .. } => {
                state = slots[slot].expect("a schedule restores what it stored");
            }
            Action::Reverse { .. } => bars.reverse(step, state, p),
            Action::Discard { slot } => slots[slot] = None,
        }
    }
}

/// Cotangents on their way back through the loop.
struct Bars<T, const S: usize, const P: usize> {
    state: [T; S],
    parameters: [T; P],
}

impl<T: Real, const S: usize, const P: usize> Bars<T, S, P> {
    /// Through one step from `state`, by its local Jacobian in dual lanes.
    #[inline]
    fn reverse<F: Step<S, P>>(&mut self, step: &F, state: [T; S], p: [T; P]) {
        if S + P <= 2 {
            self.reverse_in_lanes::<F, 2>(step, state, p);
        } else if S + P <= 4 {
            self.reverse_in_lanes::<F, 4>(step, state, p);
        } else if S + P <= 5 {
            self.reverse_in_lanes::<F, 5>(step, state, p);
        } else {
            self.reverse_in_lanes::<F, 8>(step, state, p);
        }
    }

    #[inline]
    fn reverse_in_lanes<F: Step<S, P>, const W: usize>(
        &mut self,
        step: &F,
        state: [T; S],
        p: [T; P],
    ) {
        let y_bar = self.state;
        let mut first = 0;
        while first < S + P {
            let dual = |x: T, k: usize| {
                if k >= first && k < first + W {
                    Dual::<T, W>::seed(x, k - first)
                } else {
                    Dual::konst(x)
                }
            };
            let y = step
                .step(array::from_fn(|k| dual(state[k], k)), array::from_fn(|k| dual(p[k], S + k)));
            for lane in 0..W.min(S + P - first) {
                let mut x_bar = T::lit(0.0);
                for o in 0..S {
                    x_bar += y_bar[o] * y[o].eps[lane];
                }
                match first + lane {
                    k if k < S => self.state[k] = x_bar,
                    k => self.parameters[k - S] += x_bar,
                }
            }
            first += W;
        }
    }
}
