//! The bounding volume hierarchy: built by binned surface area, of eight children a node, traversed front to back.

mod beam;
mod bounds;
mod build;
mod bundle;
mod leaf;
mod node;
mod octet;
mod segment;
mod sieve;
mod split;
mod traverse;
mod triangle;

pub(crate) use bounds::Bounds;
pub(crate) use bundle::{Bundle, Coherence, RAYS};
pub(crate) use segment::Segment;
pub(crate) use sieve::Sieve;
pub use traverse::{Bvh, Hit};
