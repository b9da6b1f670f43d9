//! A loop of run-time sizes as one block of the tape: states under a checkpoint schedule, each step on a tape of its own.
//!
//! The pullback of a step needs the step's own statements only, so they are recorded on a tape that is rewound after every
//! step and stays in the cache. The parameters stand below the mark that it is rewound to: their cotangents add up there,
//! and a sweep costs what the step costs, however many parameters the loop has.

use super::var::Var;
use super::{Mark, Session};
use crate::checkpoint::{Action, ScanMode, ScanOptions};
use crate::dual::Dual;
use crate::real::Real;
use crate::rule::DerivativeFailure;
use crate::scan::{SliceStep, plain_slice_loop};

/// Tangents that forward mode carries along at once.
const LANES: usize = 4;

/// Records steps `0..n` as one block.
pub(super) fn record_slice_scan<T: Real, F: SliceStep>(
    step: &F,
    n: usize,
    state: &[Var<T>],
    parameters: &[Var<T>],
    options: &ScanOptions,
) -> Vec<Var<T>> {
    let inputs = [state, parameters].concat();
    let values = |x: &[Var<T>]| -> Vec<T> { x.iter().map(|x| x.value()).collect() };
    let (s, p) = (values(state), values(parameters));
    if !inputs.iter().any(Var::is_active) {
        return plain_slice_loop(step, 0..n, &s, &p).into_iter().map(Var::konst).collect();
    }
    if options.mode == ScanMode::Forward {
        return forward_block(step, n, &s, &p, &inputs);
    }
    let schedule = options.schedule;
    let slots = vec![T::lit(0.0); schedule.slots(n) * s.len()];
    let mut replay = Replay { slots, state: s };
    // the first sweep, before any reversal, gives the value as well: it lacks the last step only
    let mut done = 0;
    for action in schedule.actions(n) {
        if matches!(action, Action::Reverse { .. } | Action::ReverseTaped { .. }) {
            break;
        }
        replay.act(step, &p, action);
        done += 1;
    }
    let value = plain_slice_loop(step, n.saturating_sub(1)..n, &replay.state, &p);
    let arena = inputs.iter().find_map(Var::checked_arena);
    let (step, size) = (step.clone(), value.len());
    let pull = move |y_bar: &[T], x_bar: &mut [T]| {
        let mut local = LocalTape::new(&p, y_bar);
        let mut replay = replay.clone();
        for action in schedule.actions(n).skip(done) {
            let reversed = match action {
                Action::Reverse { step: number } => local.reverse(&step, number, &replay.state),
                // the state is kept, the step is recorded when it is reversed
                Action::ReverseTaped { step: number, slot } => {
                    local.reverse(&step, number, replay.slot(slot))
                }
                action => {
                    replay.act(&step, &p, action);
                    Ok(())
                }
            };
            if let Err(failure) = reversed {
                Var::fail(arena, failure);
                return;
            }
        }
        x_bar[..size].copy_from_slice(&local.state_bar);
        x_bar[size..].copy_from_slice(&local.adjoint[1..=p.len()]);
    };
    Var::loop_block(&inputs, value, Box::new(pull))
}

/// All tangents of the active inputs carried along; the block keeps the Jacobian.
fn forward_block<T: Real, F: SliceStep>(
    step: &F,
    n: usize,
    s: &[T],
    p: &[T],
    inputs: &[Var<T>],
) -> Vec<Var<T>> {
    let active: Vec<usize> = (0..inputs.len()).filter(|k| inputs[*k].is_active()).collect();
    let mut value = s.to_vec();
    let mut columns: Vec<Vec<T>> = Vec::with_capacity(active.len());
    for seeded in active.chunks(LANES) {
        let dual = |k: usize, x: &T| match seeded.iter().position(|a| *a == k) {
            Some(lane) => Dual::<T, LANES>::seed(*x, lane),
            None => Dual::konst(*x),
        };
        let x: Vec<_> = s.iter().chain(p).enumerate().map(|(k, x)| dual(k, x)).collect();
        let end = plain_slice_loop(step, 0..n, &x[..s.len()], &x[s.len()..]);
        value = end.iter().map(|y| y.re).collect();
        columns.extend((0..seeded.len()).map(|l| end.iter().map(|y| y.eps[l]).collect()));
    }
    let pull = move |y_bar: &[T], x_bar: &mut [T]| {
        for (k, column) in active.iter().zip(&columns) {
            for (y_bar, slope) in y_bar.iter().zip(column) {
                x_bar[*k] += *y_bar * *slope;
            }
        }
    };
    Var::loop_block(inputs, value, Box::new(pull))
}

/// What a schedule keeps, and the state at hand.
#[derive(Clone)]
struct Replay<T> {
    /// A state a slot, one after the other.
    slots: Vec<T>,
    state: Vec<T>,
}

impl<T: Real> Replay<T> {
    fn slot(&self, number: usize) -> &[T] {
        let size = self.state.len();
        &self.slots[number * size..][..size]
    }

    fn store(&mut self, slot: usize) {
        let size = self.state.len();
        self.slots[slot * size..][..size].copy_from_slice(&self.state);
    }

    fn act<F: SliceStep>(&mut self, step: &F, p: &[T], action: Action) {
        match action {
            Action::Advance { from, to } => {
                self.state = plain_slice_loop(step, from..to, &self.state, p);
            }
            Action::Store { slot, .. } => self.store(slot),
            Action::Restore { slot, .. } => {
                let size = self.state.len();
                self.state.copy_from_slice(&self.slots[slot * size..][..size]);
            }
            Action::Tape { step: number, slot } => {
                self.store(slot);
                self.state = plain_slice_loop(step, number..number + 1, &self.state, p);
            }
            Action::Reverse { .. } | Action::ReverseTaped { .. } | Action::Discard { .. } => {}
        }
    }
}

/// A tape for one step at a time, with the parameters at its bottom.
struct LocalTape<T: Real> {
    session: Session<T>,
    parameters: Vec<Var<T>>,
    mark: Mark,
    /// Cotangents of all statements; those of the parameters add up from step to step.
    adjoint: Vec<T>,
    /// Cotangents of the state after the step to be reversed next.
    state_bar: Vec<T>,
}

impl<T: Real> LocalTape<T> {
    fn new(p: &[T], y_bar: &[T]) -> Self {
        let session = Session::new();
        let parameters = p.iter().map(|p| session.input(*p)).collect();
        let mark = session.mark();
        let adjoint = vec![T::lit(0.0); p.len() + 1];
        Self { session, parameters, mark, adjoint, state_bar: y_bar.to_vec() }
    }

    /// Pulls the cotangents through step `number` from `state`.
    fn reverse<F: SliceStep>(
        &mut self,
        step: &F,
        number: usize,
        state: &[T],
    ) -> Result<(), DerivativeFailure> {
        let before: Vec<Var<T>> = state.iter().map(|s| self.session.input(*s)).collect();
        let after = step.step(number, &before, &self.parameters);
        self.session.pull_back_to(&self.mark, &after, &self.state_bar, &mut self.adjoint)?;
        let first = self.parameters.len() + 1;
        self.state_bar.copy_from_slice(&self.adjoint[first..first + state.len()]);
        self.session.rewind(&self.mark);
        Ok(())
    }
}
