//! Mixed checkpoints: a slot holds a state, or what one step's reversal needs (its tape).
//!
//! With `s` slots and the state before the first of `n` steps at hand, the least number of evaluations is `n` where
//! `n <= s + 1` (every tape but the last is kept), `n (n + 1) / 2 - 1` where `s = 1`, else
//!
//! `C(n, s) = min( 1 + C(n - 1, s - 1), min_i i + C(n - i, s - 1) + C(i, s) )`, `1 < i < n`:
//!
//! keep the first step's tape, or keep the state and go on by `i` steps. Maddison, "Step-based checkpointing with
//! high-level algorithmic differentiation" (arXiv 2305.09568, 2023). The table takes `O(n^2 s)` operations: for loops of up to
//! a few thousand steps.

use std::sync::Arc;

use super::{Action, Queue};

/// Costs and choices for up to `n` steps and `s` slots.
#[derive(Clone, Debug)]
struct Table {
    steps: usize,
    /// Row by slots, column by steps: evaluations, and where the second part starts; 0 where the tape is kept.
    entries: Vec<(u64, u32)>,
}

impl Table {
    fn new(steps: usize, slots: usize) -> Self {
        let mut table = Self { steps, entries: vec![(0, 0); (slots + 1) * (steps + 1)] };
        if steps > 0 {
            table.entries[1].0 = 1; // the last step needs no slot
        }
        for s in 1..=slots {
            for n in 1..=steps {
                table.entries[s * (steps + 1) + n] = table.best(n, s);
            }
        }
        table
    }

    fn at(&self, n: usize, s: usize) -> (u64, u32) {
        self.entries[s * (self.steps + 1) + n]
    }

    fn best(&self, n: usize, s: usize) -> (u64, u32) {
        let number = |i: usize| u32::try_from(i).expect("fewer than 2^32 steps");
        let count = n as u64;
        if n <= s + 1 {
            return (count, 0);
        }
        if s == 1 {
            return (count * (count + 1) / 2 - 1, number(n - 1));
        }
        let split = |i: usize| (i as u64 + self.at(n - i, s - 1).0 + self.at(i, s).0, number(i));
        let tape = (1 + self.at(n - 1, s - 1).0, 0);
        (2..n).map(split).chain([tape]).min_by_key(|c| c.0).expect("there is a choice")
    }
}

/// Least number of step evaluations that reverse `n` steps with `slots` slots, each for a state or a step's tape.
///
/// # Panics
/// Where `slots` is 0.
pub fn mixed_steps(n: usize, slots: usize) -> u64 {
    assert!(slots > 0, "a mixed schedule needs at least one slot, for a state or a tape");
    let slots = slots.min(n);
    Table::new(n, slots).at(n, slots).0
}

#[derive(Clone, Copy, Debug)]
enum Task {
    /// Reverse steps with so many slots free, the state before the first at hand.
    Stretch { from: usize, to: usize, free: usize },
    /// Take the state from its slot, which is free then.
    Back { state: usize, slot: usize },
    /// Pull through a kept tape.
    Pull { step: usize, slot: usize },
}

/// The action iterator.
#[derive(Clone, Debug)]
pub(super) struct Mixed {
    slots: usize,
    table: Arc<Table>,
    tasks: Vec<Task>,
    queue: Queue,
}

impl Mixed {
    pub(super) fn new(n: usize, slots: usize) -> Self {
        assert!(slots > 0, "a mixed schedule needs at least one slot, for a state or a tape");
        let slots = slots.min(n);
        let tasks = (n > 0).then_some(Task::Stretch { from: 0, to: n, free: slots });
        let tasks = tasks.into_iter().collect();
        Self { slots, table: Arc::new(Table::new(n, slots)), tasks, queue: Queue::default() }
    }

    fn expand(&mut self, task: Task) {
        let slot_of = |free: usize| self.slots - free;
        let actions = match task {
            Task::Stretch { from, to, .. } if to - from == 1 => {
                [Some(Action::Reverse { step: from }), None]
            }
            Task::Stretch { from, to, free } => {
                let slot = slot_of(free);
                match self.table.at(to - from, free).1 as usize {
                    0 => {
                        self.tasks.push(Task::Pull { step: from, slot });
                        self.tasks.push(Task::Stretch { from: from + 1, to, free: free - 1 });
                        [Some(Action::Tape { step: from, slot }), None]
                    }
                    i => {
                        let middle = from + i;
                        self.tasks.push(Task::Stretch { from, to: middle, free });
                        self.tasks.push(Task::Back { state: from, slot });
                        self.tasks.push(Task::Stretch { from: middle, to, free: free - 1 });
                        let store = Action::Store { state: from, slot };
                        [Some(store), Some(Action::Advance { from, to: middle })]
                    }
                }
            }
            Task::Back { state, slot } => {
                [Some(Action::Restore { state, slot }), Some(Action::Discard { slot })]
            }
            Task::Pull { step, slot } => {
                [Some(Action::ReverseTaped { step, slot }), Some(Action::Discard { slot })]
            }
        };
        self.queue.put([actions[0], actions[1], None, None]);
    }
}

impl Iterator for Mixed {
    type Item = Action;

    fn next(&mut self) -> Option<Action> {
        loop {
            if let Some(action) = self.queue.pop() {
                return Some(action);
            }
            let task = self.tasks.pop()?;
            self.expand(task);
        }
    }
}
