//! A loop as one block of the tape: forward by duals, or reverse with its states under a checkpoint schedule.

use std::array;

use super::slice_scan::record_slice_scan;
use super::var::Var;
use crate::checkpoint::{Action, ScanMode, ScanOptions, Schedule};
use crate::dual::Dual;
use crate::real::Real;
use crate::scan::{Step, Unsized, plain_loop};

/// Active inputs up to which forward mode is cheaper: a step's tangents then cost less than storing the state and
/// evaluating the step once more with all its tangents.
const FORWARD_UP_TO: usize = 4;

/// Steps that are linearised together under a schedule: their local Jacobians are the tape in work. A schedule's
/// unit is then this many steps, so that 10 000 steps under 140 slots are computed twice instead of thrice.
const TAPED: usize = 64;

/// Inputs of a step up to which its Jacobian is computed by duals in one pass; a wider step is recorded on a tape.
const WIDEST: usize = 8;

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
    Var::loop_block(inputs, value.to_vec(), Box::new(pull))
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

/// States kept by the schedule; each step differentiated locally when the sweep reaches it. A short step's local
/// Jacobians are kept in place of the states where all may be kept: its functions are then evaluated once.
fn reverse_block<T: Real, const S: usize, const P: usize, F: Step<S, P>>(
    step: F,
    n: usize,
    s: [T; S],
    p: [T; P],
    inputs: &[Var<T>],
    schedule: Schedule,
) -> Vec<Var<T>> {
    if S + P > WIDEST {
        // columns in passes would cost in proportion to their number
        let options = ScanOptions { mode: ScanMode::Reverse, schedule };
        let (state, parameters) = inputs.split_at(S);
        return record_slice_scan(&Unsized::<F, S, P>(step), n, state, parameters, &options);
    }
    match S + P {
        0..=2 => reverse_wide::<T, S, P, F, 2>(step, n, s, p, inputs, schedule),
        3 | 4 => reverse_wide::<T, S, P, F, 4>(step, n, s, p, inputs, schedule),
        5 => reverse_wide::<T, S, P, F, 5>(step, n, s, p, inputs, schedule),
        _ => reverse_wide::<T, S, P, F, 8>(step, n, s, p, inputs, schedule),
    }
}

/// [`reverse_block`] with `W` columns of a local Jacobian at once.
fn reverse_wide<T: Real, const S: usize, const P: usize, F: Step<S, P>, const W: usize>(
    step: F,
    n: usize,
    s: [T; S],
    p: [T; P],
    inputs: &[Var<T>],
    schedule: Schedule,
) -> Vec<Var<T>> {
    if schedule == Schedule::StoreAll && S + P <= W {
        stored_jacobians::<T, S, P, F, W>(&step, n, s, p, inputs)
    } else {
        scheduled::<T, S, P, F, W>(step, n, s, p, inputs, schedule)
    }
}

/// Reverse with the local Jacobian of every step kept.
fn stored_jacobians<T: Real, const S: usize, const P: usize, F: Step<S, P>, const W: usize>(
    step: &F,
    n: usize,
    s: [T; S],
    p: [T; P],
    inputs: &[Var<T>],
) -> Vec<Var<T>> {
    let mut value = s;
    let mut jacobians = Vec::with_capacity(n);
    for _ in 0..n {
        let (next, jacobian) = linearise::<T, S, P, F, W>(step, 0, value, p);
        jacobians.push(jacobian);
        value = next;
    }
    let pull = move |y_bar: &[T], x_bar: &mut [T]| {
        let mut bars = Bars::<T, S, P>::new(y_bar);
        for jacobian in jacobians.iter().rev() {
            bars = bars.pulled(0, &bars.state, jacobian);
        }
        bars.write(x_bar);
    };
    Var::loop_block(inputs, value.to_vec(), Box::new(pull))
}

/// Reverse with states kept by a schedule, whose unit is a stretch of steps.
fn scheduled<T: Real, const S: usize, const P: usize, F: Step<S, P>, const W: usize>(
    step: F,
    n: usize,
    s: [T; S],
    p: [T; P],
    inputs: &[Var<T>],
    schedule: Schedule,
) -> Vec<Var<T>> {
    // the columns of a wide step are computed in several passes from the state, one step at a time
    // and a mixed schedule keeps the tapes of single steps
    let unit = match schedule {
        Schedule::Mixed { .. } => 1,
        _ if S + P > W => 1,
        // a little longer, where all stretches then find a slot and none is computed thrice
        Schedule::Revolve { slots } if n.div_ceil(slots.max(1)) <= 2 * TAPED => {
            TAPED.max(n.div_ceil(slots.max(1)))
        }
        _ => TAPED,
    };
    let stretches = n.div_ceil(unit);
    let slots = vec![Slot::State(s); schedule.slots(stretches)];
    let mut replay = Replay::<T, S, W> { slots, state: s, unit };
    // the first sweep, before any reversal, gives the value as well: it lacks the last stretch only
    let mut done = 0;
    for action in schedule.actions(stretches) {
        if matches!(action, Action::Reverse { .. }) {
            break;
        }
        replay.act(&step, p, action);
        done += 1;
    }
    let swept = unit * stretches.saturating_sub(1);
    let value = plain_loop(&step, n - swept, replay.state, p);
    let pull = move |y_bar: &[T], x_bar: &mut [T]| {
        let mut bars = Bars::<T, S, P>::new(y_bar);
        let mut replay = replay.clone();
        let mut tape = Vec::with_capacity(unit);
        for action in schedule.actions(stretches).skip(done) {
            match action {
                Action::Reverse { .. } if S + P > W => {
                    bars.reverse_in_lanes::<F, W>(&step, replay.state, p);
                }
                Action::Reverse { step: k } => {
                    let mut state = replay.state;
                    for _ in k * unit..n.min((k + 1) * unit) {
                        let (next, jacobian) = linearise::<T, S, P, F, W>(&step, 0, state, p);
                        tape.push(jacobian);
                        state = next;
                    }
                    for jacobian in tape.iter().rev() {
                        bars = bars.pulled(0, &bars.state, jacobian);
                    }
                    tape.clear();
                }
                Action::ReverseTaped { slot, .. } => bars.reverse_taped(&replay.slots[slot]),
                action => replay.act(&step, p, action),
            }
        }
        bars.write(x_bar);
    };
    Var::loop_block(inputs, value.to_vec(), Box::new(pull))
}

/// What a schedule keeps in one slot.
#[derive(Clone)]
enum Slot<T, const S: usize, const W: usize> {
    State([T; S]),
    /// A step's local Jacobian, `W` columns each.
    Tape(Vec<[[T; W]; S]>),
}

/// What a schedule keeps, and the state at hand.
#[derive(Clone)]
struct Replay<T, const S: usize, const W: usize> {
    slots: Vec<Slot<T, S, W>>,
    state: [T; S],
    /// Steps in one of the schedule's.
    unit: usize,
}

impl<T: Real, const S: usize, const W: usize> Replay<T, S, W> {
    #[inline]
    fn act<const P: usize, F: Step<S, P>>(&mut self, step: &F, p: [T; P], action: Action) {
        match action {
            Action::Advance { from, to } => {
                self.state = plain_loop(step, (to - from) * self.unit, self.state, p);
            }
            Action::Store { slot, .. } => self.slots[slot] = Slot::State(self.state),
            Action::Restore { slot, .. } => match &self.slots[slot] {
                Slot::State(state) => self.state = *state,
                Slot::Tape(_) => unreachable!("the schedule stored a state there"),
            },
            Action::Tape { slot, .. } => {
                let mut next = self.state;
                let blocks = (0..S + P).step_by(W).map(|first| {
                    let (value, jacobian) = linearise::<T, S, P, F, W>(step, first, self.state, p);
                    next = value;
                    jacobian
                });
                self.slots[slot] = Slot::Tape(blocks.collect());
                self.state = next;
            }
            Action::Reverse { .. } | Action::ReverseTaped { .. } | Action::Discard { .. } => {}
        }
    }
}

/// A step's values at `state`, and `W` columns of its Jacobian by `(state, parameters)` from column `first` on.
#[inline]
fn linearise<T: Real, const S: usize, const P: usize, F: Step<S, P>, const W: usize>(
    step: &F,
    first: usize,
    state: [T; S],
    p: [T; P],
) -> ([T; S], [[T; W]; S]) {
    let dual = |x: T, k: usize| {
        if k >= first && k < first + W { Dual::<T, W>::seed(x, k - first) } else { Dual::konst(x) }
    };
    let y = step.step(array::from_fn(|k| dual(state[k], k)), array::from_fn(|k| dual(p[k], S + k)));
    (y.map(|y| y.re), y.map(|y| y.eps))
}

/// Cotangents on their way back through the loop.
#[derive(Clone, Copy)]
struct Bars<T, const S: usize, const P: usize> {
    state: [T; S],
    parameters: [T; P],
}

impl<T: Real, const S: usize, const P: usize> Bars<T, S, P> {
    fn new(y_bar: &[T]) -> Self {
        Self { state: array::from_fn(|k| y_bar[k]), parameters: [T::lit(0.0); P] }
    }

    fn write(&self, x_bar: &mut [T]) {
        x_bar[..S].copy_from_slice(&self.state);
        x_bar[S..].copy_from_slice(&self.parameters);
    }

    /// Through one step from `state`, `W` columns of its local Jacobian at a time.
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
            let (_, jacobian) = linearise::<T, S, P, F, W>(step, first, state, p);
            *self = self.pulled(first, &y_bar, &jacobian);
            first += W;
        }
    }

    /// Through one step whose local Jacobian was kept.
    fn reverse_taped<const W: usize>(&mut self, slot: &Slot<T, S, W>) {
        let Slot::Tape(blocks) = slot else { unreachable!("the schedule stored a tape there") };
        let y_bar = self.state;
        for (k, jacobian) in blocks.iter().enumerate() {
            *self = self.pulled(k * W, &y_bar, jacobian);
        }
    }

    /// `x_bar = J^T y_bar` for the columns from `first` on; parameters accumulate.
    #[inline]
    fn pulled<const W: usize>(
        mut self,
        first: usize,
        y_bar: &[T; S],
        jacobian: &[[T; W]; S],
    ) -> Self {
        let y_bar = *y_bar;
        for lane in 0..W.min(S + P - first) {
            let mut x_bar = T::lit(0.0);
            for o in 0..S {
                x_bar += y_bar[o] * jacobian[o][lane];
            }
            match first + lane {
                k if k < S => self.state[k] = x_bar,
                k => self.parameters[k - S] += x_bar,
            }
        }
        self
    }
}
