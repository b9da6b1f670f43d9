//! Tasks as objectives: what an optimizer is given.

mod reach;
mod throw;

pub use reach::{Reach, ReachError, Reached, Waypoint};
pub use throw::Throw;
