//! Axis-aligned boxes.

use crate::geometry::V3;

/// A box; the empty one is inside out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Bounds {
    pub(crate) lo: V3,
    pub(crate) hi: V3,
}

impl Bounds {
    pub(crate) fn empty() -> Self {
        Self { lo: V3::lit([f64::INFINITY; 3]), hi: V3::lit([f64::NEG_INFINITY; 3]) }
    }

    pub(crate) fn of(points: &[V3]) -> Self {
        points.iter().fold(Self::empty(), |b, p| b.with(*p))
    }

    pub(crate) fn with(mut self, p: V3) -> Self {
        for k in 0..3 {
            self.lo[k] = self.lo[k].min(p[k]);
            self.hi[k] = self.hi[k].max(p[k]);
        }
        self
    }
}
