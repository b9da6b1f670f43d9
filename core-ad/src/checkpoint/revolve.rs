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

#[cfg(test)]
mod tests {
    use super::revolve_steps;
    use crate::checkpoint::{Action, Schedule};

    /// Carries a schedule out on paper and returns the number of step evaluations.
    fn simulate(schedule: Schedule, n: usize) -> u64 {
        let mut slots: Vec<Option<usize>> = vec![None; schedule.slots(n)];
        let (mut at, mut evaluations, mut next) = (0, 0, n);
        for action in schedule.actions(n) {
            match action {
                Action::Advance { from, to } => {
                    assert!(at == from && from < to);
                    evaluations += (to - from) as u64;
                    at = to;
                }
                Action::Store { state, slot } => {
                    assert!(at == state && slots[slot].is_none());
                    slots[slot] = Some(state);
                }
                Action::Restore { state, slot } => {
                    assert_eq!(slots[slot], Some(state));
                    at = state;
                }
                Action::Reverse { step } => {
                    assert!(at == step && step + 1 == next, "steps are reversed last to first");
                    next = step;
                    evaluations += 1;
                }
                Action::Discard { slot } => assert!(slots[slot].take().is_some()),
            }
        }
        assert_eq!(next, 0, "every step was reversed");
        evaluations
    }

    /// Exhaustive dynamic programming over all places of the next checkpoint.
    fn optimum(most_steps: usize, most_slots: usize) -> Vec<Vec<u64>> {
        let mut cost = vec![vec![0; most_steps + 1]; most_slots + 1];
        for s in 1..=most_slots {
            for n in 1..=most_steps {
                let one_slot = (n * (n + 1) / 2) as u64;
                let split = |m: usize| m as u64 + cost[s - 1][n - m] + cost[s][m];
                let best = if s == 1 { None } else { (1..n).map(split).min() };
                cost[s][n] = if n == 1 { 1 } else { best.unwrap_or(one_slot) };
            }
        }
        cost
    }

    #[test]
    fn the_schedule_and_its_prediction_are_optimal() {
        let cost = optimum(90, 9);
        for s in 1..=9 {
            for n in 1..=90 {
                let schedule = Schedule::Revolve { slots: s };
                assert_eq!(simulate(schedule, n), cost[s][n], "n {n} s {s}");
                assert_eq!(schedule.plan(n, 8).evaluations, cost[s][n], "n {n} s {s}");
            }
        }
    }

    #[test]
    fn large_counts_are_those_of_the_literature() {
        // checkpoint-schedules 1.0.4, optimal_steps_binomial
        for (n, s, steps) in
            [(100, 3, 590), (100, 10, 322), (1000, 5, 7284), (1000, 50, 2948), (10_000, 20, 47_976)]
        {
            assert_eq!(revolve_steps(n, s), steps);
            assert_eq!(simulate(Schedule::Revolve { slots: s }, n), steps);
        }
    }

    #[test]
    fn storing_all_computes_each_step_twice_but_the_last() {
        for n in [0, 1, 2, 17] {
            assert_eq!(simulate(Schedule::StoreAll, n), Schedule::StoreAll.plan(n, 8).evaluations);
        }
    }

    #[test]
    #[should_panic(expected = "at least one slot")]
    fn no_slot_at_all_panics() {
        let _ = Schedule::Revolve { slots: 0 }.actions(3).count();
    }
}
