//! A part of a ray, and the faces that count on it.

use crate::geometry::{V3, ZERO};

/// A ray, and what counts on it: faces that `skip` does not name, for `near < t < far`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Segment {
    pub(crate) origin: V3,
    pub(crate) direction: V3,
    pub(crate) near: f64,
    pub(crate) far: f64,
    /// `u32::MAX` names none.
    pub(crate) skip: [u32; 2],
}

impl Segment {
    /// None.
    pub(crate) const EMPTY: Self =
        Self { origin: ZERO, direction: ZERO, near: 0.0, far: 0.0, skip: [u32::MAX; 2] };

    /// All of a ray that begins on a face, or on none.
    #[inline]
    pub(crate) fn ray(origin: V3, direction: V3, face: u32) -> Self {
        Self { origin, direction, near: 0.0, far: f64::INFINITY, skip: [face; 2] }
    }
}
