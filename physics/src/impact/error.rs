//! Why a motion cannot be followed.

use thiserror::Error;

use super::Pair;

/// Why a motion cannot be followed.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum FlightError {
    /// A number of the arena, the start or the question that has no meaning.
    #[error("{what} is {value}: it must be {condition}")]
    BadNumber {
        /// Which number.
        what: String,
        /// Its value; NaN where only that it is not finite is known.
        value: f64,
        /// What it must be.
        condition: &'static str,
    },
    /// The impact that ends the motion never happens.
    #[error("the motion has {found} impacts and then none, {wanted} were to come")]
    NoImpact {
        /// Impacts that happened.
        found: usize,
        /// Impacts that were wanted.
        wanted: usize,
    },
    /// A ball stays on a wall: it rests or slides, and no longer flies.
    #[error(
        "ball {ball} comes to rest on wall {wall}, or slides along it, at t = {time_s:.6} s with {speed:.3e} m/s: that is no flight"
    )]
    Rests {
        /// The ball.
        ball: usize,
        /// The wall.
        wall: usize,
        /// When.
        time_s: f64,
        /// Its speed, which is along the wall.
        speed: f64,
    },
    /// Two balls meet again and again in less and less time.
    #[error(
        "impacts of {pair:?} accumulate at t = {time_s:.6} s: they stay together, and that is no flight"
    )]
    Accumulation {
        /// Which.
        pair: Pair,
        /// When.
        time_s: f64,
    },
    /// More impacts than are followed.
    #[error("more than {limit} impacts by t = {time_s:.3} s: ask for a shorter motion")]
    TooMany {
        /// The limit.
        limit: usize,
        /// When it was reached.
        time_s: f64,
    },
    /// Two impacts of one ball at once, where the outcome depends on which is first.
    #[error(
        "{first:?} and {second:?} happen at once at t = {time_s:.6} s and their order decides the outcome: rigid impacts do not say which is right; move the start a little"
    )]
    Simultaneous {
        /// One.
        first: Pair,
        /// The other.
        second: Pair,
        /// When.
        time_s: f64,
    },
    /// Two bodies overlap at the start.
    #[error("{pair:?} overlap by {depth:.3e} m at the start")]
    Overlap {
        /// Which.
        pair: Pair,
        /// How deep.
        depth: f64,
    },
}
