//! Checkpoint schedules: which states of a loop to keep while it is reversed, and what that costs.
//!
//! A [`Schedule`] is a pure iterator of [`Action`]s; it knows nothing of differentiation and is tested without it.
//! [`Schedule::plan`] says before the run how many steps will be computed and how many states held.

mod revolve;

use std::fmt;

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

impl Schedule {
    /// The actions that reverse `n` steps, starting with state 0 at hand.
    ///
    /// # Panics
    /// Where a schedule has no slot at all: the initial state must be kept somewhere.
    pub fn actions(self, n: usize) -> Box<dyn Iterator<Item = Action>> {
        match self {
            Self::StoreAll => {
                let store = (0..n).flat_map(move |k| {
                    let keep = Action::Store { state: k, slot: k };
                    [Some(keep), (k + 1 < n).then_some(Action::Advance { from: k, to: k + 1 })]
                });
                let reverse = (0..n).rev().flat_map(|k| {
                    [
                        Some(Action::Restore { state: k, slot: k }),
                        Some(Action::Reverse { step: k }),
                        Some(Action::Discard { slot: k }),
                    ]
                });
                Box::new(store.flatten().chain(reverse.flatten()))
            }
            Self::Revolve { slots } => Box::new(revolve::Revolve::new(n, slots)),
        }
    }

    /// Most states held at once while `n` steps are reversed.
    pub fn slots(self, n: usize) -> usize {
        match self {
            Self::StoreAll => n,
            Self::Revolve { slots } => slots.min(n.max(1)),
        }
    }

    /// Predicted cost of reversing `n` steps of a state of `state_bytes`.
    pub fn plan(self, n: usize, state_bytes: usize) -> Plan {
        let evaluations = match self {
            Self::StoreAll => 2 * n as u64 - u64::from(n > 0),
            Self::Revolve { slots } => revolve_steps(n, slots),
        };
        let states = self.slots(n);
        Plan { steps: n, evaluations, states, bytes: states * state_bytes }
    }
}
