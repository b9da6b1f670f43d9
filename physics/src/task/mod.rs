//! Tasks as objectives: what an optimizer is given.

mod throw;

pub use throw::Throw;
