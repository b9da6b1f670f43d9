//! A loop of run-time sizes as one block of the tape: states under a checkpoint schedule, each step on a tape of its own.
//!
//! The pullback of a step needs the step's own statements only, so they are recorded on a tape that is rewound after every
//! step and stays in the cache. The parameters stand below the mark that it is rewound to: their cotangents add up there,
//! and a sweep costs what the step costs, however many parameters the loop has.

use super::inputs::Inputs;
use super::var::Var;
use super::{Mark, Session};
use crate::checkpoint::{Action, ScanMode, ScanOptions, Schedule};
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
    if F::TAKES_FORWARD_MODE && options.mode == ScanMode::Forward {
        return forward_block(step, n, &s, &p, &inputs);
    }
    let schedule = options.schedule;
    let (replay, value, done) = match step.known_states() {
        Some(states) if T::ORDER == 0 && schedule == Schedule::StoreAll && n > 0 => {
            let numbers: Vec<T> = states.iter().map(|s| T::lit(*s)).collect();
            let (before, value) = numbers.split_at(n * s.len());
            let state = before[before.len() - s.len()..].to_vec();
            let done = first_sweep(schedule, n).count();
            (Replay { slots: before.to_vec(), state }, value.to_vec(), done)
        }
        _ => swept_forward(step, n, s, &p, schedule),
    };
    let arena = inputs.iter().find_map(Var::checked_arena);
    let (step, size) = (step.clone(), value.len());
    let pull = move |y_bar: &[T], x_bar: &mut [T]| {
        let mut local = StepTape::new(&p, y_bar);
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

/// The actions of a schedule before any reversal.
fn first_sweep(schedule: Schedule, n: usize) -> impl Iterator<Item = Action> {
    let is_reversal =
        |action: &Action| matches!(action, Action::Reverse { .. } | Action::ReverseTaped { .. });
    schedule.actions(n).take_while(move |action| !is_reversal(action))
}

/// What a schedule keeps of the first sweep, the state after the last step, and how many of its actions that took.
fn swept_forward<T: Real, F: SliceStep>(
    step: &F,
    n: usize,
    state: Vec<T>,
    p: &[T],
    schedule: Schedule,
) -> (Replay<T>, Vec<T>, usize) {
    let slots = vec![T::lit(0.0); schedule.slots(n) * state.len()];
    let mut replay = Replay { slots, state };
    let mut done = 0;
    for action in first_sweep(schedule, n) {
        replay.act(step, p, action);
        done += 1;
    }
    // the sweep lacks the last step only
    let value = plain_slice_loop(step, n.saturating_sub(1)..n, &replay.state, p);
    (replay, value, done)
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
#[derive(Debug)]
pub struct StepTape<T: Real> {
    session: Session<T>,
    parameters: Inputs<T>,
    mark: Mark,
    /// Cotangents of all statements; those of the parameters add up from step to step.
    adjoint: Vec<T>,
    /// Cotangents of the state after the step to be reversed next.
    state_bar: Vec<T>,
}

/// A function of a step's that stands on its tape until it is pulled back.
#[derive(Debug)]
pub struct Part<T: Real> {
    /// Where the tape stood before its inputs, and behind them.
    start: Mark,
    behind_inputs: Mark,
    outputs: Vec<Var<T>>,
}

impl<T: Real> Part<T> {
    /// The values of the function.
    pub(crate) fn values(&self) -> Vec<T> {
        self.outputs.iter().map(|y| y.value()).collect()
    }
}

impl<T: Real> StepTape<T> {
    fn new(p: &[T], y_bar: &[T]) -> Self {
        let session = Session::new();
        let parameters = session.inputs(p);
        let mark = session.mark();
        let adjoint = vec![T::lit(0.0); p.len() + 1];
        Self { session, parameters, mark, adjoint, state_bar: y_bar.to_vec() }
    }

    /// Cotangents of the state: after the step before it is pulled back, and before it then.
    pub(crate) fn state_bar(&mut self) -> &mut Vec<T> {
        &mut self.state_bar
    }

    /// Records a function of `x` and the parameters.
    pub(crate) fn record(
        &mut self,
        x: &[T],
        f: impl FnOnce(&[Var<T>], &[Var<T>]) -> Vec<Var<T>>,
    ) -> Part<T> {
        let start = self.session.mark();
        let (session, inputs) = (&self.session, self.session.inputs(x));
        let behind_inputs = session.mark();
        let outputs = session.lend(&self.parameters, |p| session.lend(&inputs, |x| f(x, p)));
        Part { start, behind_inputs, outputs }
    }

    /// Pulls cotangents of the last part that was recorded back to its `x`, and forgets it; those of the parameters add up.
    ///
    /// # Errors
    /// The first rule without a derivative.
    pub(crate) fn pull(
        &mut self,
        part: &Part<T>,
        y_bar: &[T],
    ) -> Result<Vec<T>, DerivativeFailure> {
        Ok(self.sweep(part, y_bar)?.to_vec())
    }

    /// The same, to where the cotangents stand until something else is recorded.
    fn sweep(&mut self, part: &Part<T>, y_bar: &[T]) -> Result<&[T], DerivativeFailure> {
        let Part { start, behind_inputs, outputs } = part;
        let (first, end) = (start.statements, behind_inputs.statements);
        self.session.pull_back_to((behind_inputs, first), outputs, y_bar, &mut self.adjoint)?;
        self.session.rewind(start);
        Ok(&self.adjoint[first..end])
    }

    /// Pulls the cotangents through step `number` from `state`.
    fn reverse<F: SliceStep>(
        &mut self,
        step: &F,
        number: usize,
        state: &[T],
    ) -> Result<(), DerivativeFailure> {
        if step.pull_back(number, state, self)? {
            return Ok(());
        }
        self.session.rewind(&self.mark);
        let whole = self.record(state, |state, p| step.step(number, state, p));
        let mut state_bar = std::mem::take(&mut self.state_bar);
        let before = self.sweep(&whole, &state_bar)?;
        state_bar.copy_from_slice(before);
        self.state_bar = state_bar;
        Ok(())
    }
}
