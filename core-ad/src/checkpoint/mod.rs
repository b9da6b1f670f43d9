//! Checkpoint schedules: which states of a loop to keep while it is reversed, and what that costs.
//!
//! A [`Schedule`] is a pure iterator of [`Action`]s; it knows nothing of differentiation and is tested without it.
//! [`Schedule::plan`] says before the run how many steps will be computed and how many states held.

mod mixed;
mod revolve;

use std::fmt;

pub use mixed::mixed_steps;
pub use revolve::revolve_steps;

/// What to do next while a loop of `n` steps is reversed. State `k` is the state before step `k`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Compute from state `from` to state `to`.
    Advance {
        /// State at hand.
        from: usize,
        /// State wanted.
        to: usize,
    },
    /// Keep the state at hand.
    Store {
        /// Its number.
        state: usize,
        /// Where.
        slot: usize,
    },
    /// Take a kept state.
    Restore {
        /// Its number.
        state: usize,
        /// Where from.
        slot: usize,
    },
    /// Differentiate `step` at the state at hand (which evaluates it once more) and pull the cotangents through it.
    Reverse {
        /// The step.
        step: usize,
    },
    /// Evaluate `step` at the state at hand, keep what its reversal needs, and go on to the next state.
    Tape {
        /// The step.
        step: usize,
        /// Where.
        slot: usize,
    },
    /// Pull the cotangents through a step whose tape was kept.
    ReverseTaped {
        /// The step.
        step: usize,
        /// Where from.
        slot: usize,
    },
    /// Free a slot.
    Discard {
        /// Which.
        slot: usize,
    },
}

/// Which states are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Schedule {
    /// Every state: `n` slots, each step computed twice.
    #[default]
    StoreAll,
    /// At most `slots` states, the initial one among them, with the least possible number of steps.
    ///
    /// Griewank & Walther, ACM Trans. Math. Softw. 26, 19 (2000), algorithm 799.
    Revolve {
        /// Number of states held at once, at least 1.
        slots: usize,
    },
    /// At most `slots` slots, each for a state or for one step's tape, with the least possible number of steps.
    ///
    /// Fewer steps than [`Schedule::Revolve`] where a step's tape is no larger than a state. Choosing takes `O(n^2 slots)`
    /// operations: for loops of up to a few thousand steps. Maddison, arXiv 2305.09568 (2023).
    Mixed {
        /// Number of states and tapes held at once, at least 1.
        slots: usize,
    },
}

/// How a `scan` on a tape is differentiated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ScanMode {
    /// Forward where few inputs are active, else reverse.
    #[default]
    Automatic,
    /// Forward: tangents carried along, no memory.
    Forward,
    /// Reverse: states kept by the schedule.
    Reverse,
}

/// Mode and schedule of a `scan`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScanOptions {
    /// Forward or reverse.
    pub mode: ScanMode,
    /// Which states reverse mode keeps.
    pub schedule: Schedule,
}

/// What a schedule will cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Steps of the loop.
    pub steps: usize,
    /// Evaluations of the step in the reversal, those for its derivative included.
    pub evaluations: u64,
    /// States held at once.
    pub states: usize,
    /// Bytes that they take.
    pub bytes: usize,
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ratio = self.evaluations as f64 / self.steps.max(1) as f64;
        write!(
            f,
            "{} steps: {} evaluations ({ratio:.2} a step), {} states held ({} bytes)",
            self.steps, self.evaluations, self.states, self.bytes
        )
    }
}

/// The actions of a [`Schedule`], in order.
#[derive(Clone, Debug)]
pub struct Actions(Kind);

#[derive(Clone, Debug)]
enum Kind {
    StoreAll(StoreAll),
    Revolve(revolve::Revolve),
    Mixed(mixed::Mixed),
}

impl Iterator for Actions {
    type Item = Action;

    #[inline]
    fn next(&mut self) -> Option<Action> {
        match &mut self.0 {
            Kind::StoreAll(a) => a.next(),
            Kind::Revolve(a) => a.next(),
            Kind::Mixed(a) => a.next(),
        }
    }
}

/// A few actions that wait to be handed out.
#[derive(Clone, Debug, Default)]
struct Queue {
    waiting: [Option<Action>; 4],
    at: usize,
}

impl Queue {
    /// Fills the empty queue.
    fn put(&mut self, actions: [Option<Action>; 4]) {
        (self.waiting, self.at) = (actions, 0);
    }

    #[inline]
    fn pop(&mut self) -> Option<Action> {
        while self.at < self.waiting.len() {
            self.at += 1;
            if let Some(action) = self.waiting[self.at - 1] {
                return Some(action);
            }
        }
        None
    }
}

/// Every state in a slot of its own.
#[derive(Clone, Debug)]
struct StoreAll {
    n: usize,
    stored: usize,
    reversed: usize,
    queue: Queue,
}

impl StoreAll {
    fn new(n: usize) -> Self {
        Self { n, stored: 0, reversed: 0, queue: Queue::default() }
    }
}

impl Iterator for StoreAll {
    type Item = Action;

    fn next(&mut self) -> Option<Action> {
        if let Some(action) = self.queue.pop() {
            return Some(action);
        }
        if self.stored < self.n {
            let k = self.stored;
            self.stored += 1;
            let onwards = (k + 1 < self.n).then_some(Action::Advance { from: k, to: k + 1 });
            self.queue.put([Some(Action::Store { state: k, slot: k }), onwards, None, None]);
        } else if self.reversed < self.n {
            self.reversed += 1;
            let k = self.n - self.reversed;
            let restore = Some(Action::Restore { state: k, slot: k });
            let reverse = Some(Action::Reverse { step: k });
            self.queue.put([restore, reverse, Some(Action::Discard { slot: k }), None]);
        }
        self.queue.pop()
    }
}

impl Schedule {
    /// The actions that reverse `n` steps, starting with state 0 at hand.
    ///
    /// # Panics
    /// Where a schedule has no slot at all: something must be kept somewhere.
    pub fn actions(self, n: usize) -> Actions {
        Actions(match self {
            Self::StoreAll => Kind::StoreAll(StoreAll::new(n)),
            Self::Revolve { slots } => Kind::Revolve(revolve::Revolve::new(n, slots)),
            Self::Mixed { slots } => Kind::Mixed(mixed::Mixed::new(n, slots)),
        })
    }

    /// Most states (and tapes) held at once while `n` steps are reversed.
    pub fn slots(self, n: usize) -> usize {
        match self {
            Self::StoreAll => n,
            Self::Revolve { slots } => slots.min(n.max(1)),
            Self::Mixed { slots } => slots.min(n),
        }
    }

    /// Predicted cost of reversing `n` steps of a state (or tape) of `state_bytes`.
    ///
    /// # Panics
    /// Where a schedule has no slot at all.
    pub fn plan(self, n: usize, state_bytes: usize) -> Plan {
        let evaluations = match self {
            Self::StoreAll => 2 * n as u64 - u64::from(n > 0),
            Self::Revolve { slots } => revolve_steps(n, slots),
            Self::Mixed { slots } => mixed_steps(n, slots),
        };
        let states = self.slots(n);
        Plan { steps: n, evaluations, states, bytes: states * state_bytes }
    }
}
