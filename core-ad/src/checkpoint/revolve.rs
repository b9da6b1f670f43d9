//! Revolve: the fewest steps for a given number of slots.
//!
//! With `beta(s, r) = C(s + r, s)`, `n <= beta(s, r)` steps can be reversed with `s` slots when no step is computed more than
//! `r` times before it is reversed; the least number of evaluations is `n + r n - beta(s + 1, r - 1)` with the least such `r`.
//! Griewank & Walther, ACM Trans. Math. Softw. 26, 19 (2000), eqs. 2-4.

use super::{Action, Queue};

/// `C(s + r, s)`, saturating.
pub(super) fn beta(s: usize, r: usize) -> u64 {
    let (k, m) = (s.min(r) as u64, (s + r) as u64);
    let step = |value: u64, i: u64| value.checked_mul(m - k + i).map(|v| v / i);
    (1..=k).try_fold(1, step).unwrap_or(u64::MAX)
}

/// The least `r` with `n <= beta(s, r)`.
fn repetitions(n: usize, s: usize) -> usize {
    let (mut r, mut reach) = (0, 1_u64);
    while reach < n as u64 {
        r += 1;
        reach = reach.checked_mul((s + r) as u64).map_or(u64::MAX, |v| v / r as u64);
    }
    r
}

/// Least number of step evaluations that reverse `n` steps with `slots` slots: each step once for its derivative, and
/// what is needed to recompute states.
///
/// # Panics
/// Where `slots` is 0.
pub fn revolve_steps(n: usize, slots: usize) -> u64 {
    assert!(slots > 0, "Revolve needs at least one slot, for the initial state");
    if n <= 1 {
        return n as u64;
    }
    let r = repetitions(n, slots);
    let n = n as u64;
    n.saturating_mul(r as u64 + 1) - beta(slots + 1, r - 1)
}

/// Where to put the next checkpoint when `n > 1` steps are to be reversed with `s > 1` slots, one of which holds the start:
/// any split with which both parts keep within their repetition numbers is optimal.
fn split(n: usize, s: usize) -> usize {
    let r = repetitions(n, s);
    let right = usize::try_from(beta(s - 1, r)).unwrap_or(usize::MAX);
    let left = if r >= 2 { usize::try_from(beta(s, r - 2)).unwrap_or(usize::MAX) } else { 1 };
    left.max(n.saturating_sub(right)).clamp(1, n - 1)
}

/// A stretch of the loop still to be reversed: its start is in `slot`.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    from: usize,
    to: usize,
    slot: usize,
    /// Whether the state `from` is at hand already.
    at_hand: bool,
}

/// The action iterator.
#[derive(Clone, Debug)]
pub(super) struct Revolve {
    slots: usize,
    stretches: Vec<Stretch>,
    queue: Queue,
}

impl Revolve {
    pub(super) fn new(n: usize, slots: usize) -> Self {
        assert!(slots > 0, "Revolve needs at least one slot, for the initial state");
        let mut revolve = Self { slots, stretches: Vec::new(), queue: Queue::default() };
        if n > 0 {
            let start = Action::Store { state: 0, slot: 0 };
            revolve.queue.put([Some(start), None, None, None]);
            revolve.stretches.push(Stretch { from: 0, to: n, slot: 0, at_hand: true });
        }
        revolve
    }

    /// Actions of the stretch on top, which is replaced by what remains of it.
    fn expand(&mut self, stretch: Stretch) {
        let Stretch { from, to, slot, at_hand } = stretch;
        let n = to - from;
        let restore = (!at_hand).then_some(Action::Restore { state: from, slot });
        let free = self.slots - slot; // slots from this one on
        if n == 1 {
            let reverse = Some(Action::Reverse { step: from });
            self.queue.put([restore, reverse, Some(Action::Discard { slot }), None]);
        } else if free == 1 {
            // no slot left: advance to the last step anew for each
            let advance = Some(Action::Advance { from, to: to - 1 });
            self.queue.put([restore, advance, Some(Action::Reverse { step: to - 1 }), None]);
            self.stretches.push(Stretch { from, to: to - 1, slot, at_hand: false });
        } else {
            let middle = from + split(n, free);
            let advance = Some(Action::Advance { from, to: middle });
            let store = Some(Action::Store { state: middle, slot: slot + 1 });
            self.queue.put([restore, advance, store, None]);
            self.stretches.push(Stretch { from, to: middle, slot, at_hand: false });
            self.stretches.push(Stretch { from: middle, to, slot: slot + 1, at_hand: true });
        }
    }
}

impl Iterator for Revolve {
    type Item = Action;

    #[inline]
    fn next(&mut self) -> Option<Action> {
        loop {
            if let Some(action) = self.queue.pop() {
                return Some(action);
            }
            let stretch = self.stretches.pop()?;
            self.expand(stretch);
        }
    }
}
