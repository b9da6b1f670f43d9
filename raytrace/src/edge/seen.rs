//! A point of a path as its pixel sees it.

use crate::geometry::Rgb;
use crate::integrator::{Eye, Link, Path, Vertex};
use crate::scene::Wanted;
use crate::sink::Seeds;

/// A point of a path that reflects light to a pixel.
pub(super) struct Seen<'a> {
    pub(super) path: &'a Path,
    /// Number of the sample whose path it is.
    pub(super) sample: u32,
    /// Number of the vertex.
    pub(super) k: usize,
    pub(super) pixel: usize,
    /// What the camera records of light that leaves it.
    pub(super) throughput: Rgb,
    pub(super) seeds: Seeds,
}

impl Seen<'_> {
    #[inline]
    pub(super) fn vertex(&self) -> &Vertex {
        &self.path.links[self.k].vertex
    }

    /// Whether the point may move.
    #[inline]
    pub(super) fn moves(&self, eye: Eye, wanted: &Wanted) -> bool {
        let mesh = |l: &Link| wanted.moving[l.vertex.mesh(eye.world)];
        wanted.camera || self.path.links[..=self.k].iter().any(mesh)
    }
}
