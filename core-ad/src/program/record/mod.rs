//! Recording: the scalar that records, and the rules that a recording calls.

mod rule;
mod traced;

pub(super) use self::rule::{Derived, Sized, Sliced, TracedRule};
pub(super) use self::traced::Recorder;
pub use self::traced::Traced;
