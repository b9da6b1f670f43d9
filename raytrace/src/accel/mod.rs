//! The bounding volume hierarchy: built by binned surface area, traversed front to back.

mod bounds;
mod build;
mod traverse;
mod triangle;

pub(crate) use bounds::Bounds;
pub use traverse::{Bvh, Hit};
