//! The bounding volume hierarchy: built by binned surface area, collapsed to four children a node, traversed front to back.

mod bounds;
mod build;
mod bundle;
mod node;
mod traverse;
mod triangle;

pub(crate) use bounds::Bounds;
pub(crate) use bundle::{Bundle, Coherence, RAYS, Segment};
pub use traverse::{Bvh, Hit};
