//! Why a replay has no result.

use thiserror::Error;

use crate::rule::DerivativeFailure;

/// Why a program could not be replayed.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// An argument has another length than the program's.
    #[error("{what}: the program takes {expected} numbers, {found} were given")]
    Shape {
        /// The argument.
        what: &'static str,
        /// What the program takes.
        expected: usize,
        /// What was given.
        found: usize,
    },
    /// Items do not fill whole rows.
    #[error("{found} numbers are no whole number of items of {width}")]
    Items {
        /// Numbers in one item.
        width: usize,
        /// Numbers given.
        found: usize,
    },
    /// A branch goes another way than where the program was recorded; record it anew there.
    #[error("item {item}: the recorded branch {guard} goes the other way here")]
    GuardFlipped {
        /// The item; 0 for a program without items.
        item: usize,
        /// The comparison and what it was.
        guard: String,
    },
    /// The items take more different paths through the code than are worth recording.
    #[error(
        "more than {limit} different paths through the recorded code; item {item} takes another"
    )]
    TooManyPaths {
        /// Paths recorded at most.
        limit: usize,
        /// The first item on a further path.
        item: usize,
    },
    /// A rule has a value but no derivative where the program was recorded.
    #[error("no derivative of {rule}: {message}")]
    NoDerivative {
        /// The rule's type.
        rule: &'static str,
        /// What the rule said.
        message: String,
    },
    /// A rule has no value.
    #[error("item {item}: a rule has no value: {message}")]
    Rule {
        /// The item; 0 for a program without items.
        item: usize,
        /// What the rule said.
        message: String,
    },
}

impl From<DerivativeFailure> for ReplayError {
    fn from(failure: DerivativeFailure) -> Self {
        Self::NoDerivative { rule: failure.rule, message: failure.source.to_string() }
    }
}

impl ReplayError {
    pub(super) fn shape(what: &'static str, expected: usize, found: usize) -> Result<(), Self> {
        if expected == found { Ok(()) } else { Err(Self::Shape { what, expected, found }) }
    }

    /// The error of a rule, met at an outer program's item.
    pub(super) fn at(self, item: usize) -> Self {
        match self {
            Self::Rule { message, .. } => Self::Rule { item, message },
            other => other,
        }
    }

    pub(super) fn stopped(item: usize, stop: Stop, guard: impl Fn(u32) -> String) -> Self {
        match stop {
            Stop::Flipped { guard: g, .. } => Self::GuardFlipped { item, guard: guard(g) },
            Stop::Rule { error, .. } => error.at(item),
        }
    }
}

/// Why a replay stopped.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Stop {
    /// This guard, in this lane first.
    Flipped { guard: u32, lane: usize },
    /// This lane's rule has no value.
    Rule { lane: usize, error: ReplayError },
}
