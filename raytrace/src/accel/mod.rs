//! The bounding volume hierarchy: built by binned surface area, traversed front to back.

mod bounds;
mod build;
mod traverse;
mod triangle;

pub use traverse::{Bvh, Hit};
