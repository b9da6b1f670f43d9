//! The bounding volume hierarchy: built by binned surface area, collapsed to four children a node, traversed front to back.

mod bounds;
mod build;
mod node;
mod traverse;
mod triangle;

pub(crate) use bounds::Bounds;
pub use traverse::{Bvh, Hit};
