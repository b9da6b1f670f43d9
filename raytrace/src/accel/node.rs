//! Nodes of eight children side by side, in single precision (Dammertz, Hanika & Keller, EGSR 2008; Wald, Benthin & Boulos, RT 2008): one
//! vector instruction for eight boxes.
//!
//! A box must never hide a triangle that the test in double precision accepts, so corners are rounded outwards.

use super::bounds::Bounds;
use super::octet::EIGHT;
use super::split::Extent;
use crate::geometry::V3;

/// Children of a node.
pub(super) const WIDTH: usize = EIGHT;
/// Widens boxes by more than the rounding of a corner's difference to a ray's origin in double precision, relative to its coordinates.
const MARGIN: f64 = 8.0 * f64::EPSILON;

/// The greatest number of single precision that is not above `x`.
#[expect(clippy::cast_possible_truncation, reason = "corrected where it went the wrong way")]
#[inline]
fn down(x: f64) -> f32 {
    let near = x as f32;
    if f64::from(near) > x { near.next_down() } else { near }
}

/// The least one that is not below `x`.
#[inline]
pub(super) fn up(x: f64) -> f32 {
    -down(-x)
}

/// A range of single precision around another, with the margin of boxes.
#[inline]
pub(super) fn rounded(lo: f64, hi: f64) -> [f32; 2] {
    let margin = MARGIN * lo.abs().max(hi.abs());
    [down(lo - margin), up(hi + margin)]
}

/// What a node's place for a child leads to, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Link(u32);

/// The same, spelled out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Child {
    /// Nothing stands there.
    None,
    /// Another node.
    Node(usize),
    /// A leaf: its number, or its place.
    Leaf(usize),
}

impl Link {
    /// The node in which every walk begins.
    pub(super) const ROOT: Self = Self(0);
    /// Nothing: no leaf has this number.
    pub(super) const NONE: Self = Self(u32::MAX);
    /// The mark of a leaf.
    const LEAF: u32 = 1 << 31;

    pub(super) fn node(node: u32) -> Self {
        assert!(node < Self::LEAF, "fewer than two thousand million nodes");
        Self(node)
    }

    pub(super) fn leaf(leaf: u32) -> Self {
        assert!(leaf < Self::LEAF - 1, "fewer than two thousand million leaves");
        Self(leaf | Self::LEAF)
    }

    /// The same where so many nodes and leaves stand before.
    pub(super) fn moved(self, nodes: u32, leaves: u32) -> Self {
        match self.0 & Self::LEAF {
            0 => Self(self.0 + nodes),
            _ if self == Self::NONE => self,
            _ => Self(self.0 + leaves),
        }
    }

    #[inline]
    pub(super) fn child(self) -> Child {
        let number = (self.0 & !Self::LEAF) as usize;
        match self.0 & Self::LEAF {
            0 => Child::Node(number),
            _ if self == Self::NONE => Child::None,
            _ => Child::Leaf(number),
        }
    }
}

/// Children side by side. The boxes of places without one are inside out, so that no ray meets them.
#[derive(Clone, Debug)]
#[repr(align(64))]
pub(super) struct Node {
    /// Where boxes begin along the three axes, then where they end: `planes[axis][child]`.
    pub(super) planes: [[f32; WIDTH]; 6],
    pub(super) links: [Link; WIDTH],
}

impl Node {
    pub(super) const EMPTY: Self = {
        let (first, last) = ([f32::INFINITY; WIDTH], [f32::NEG_INFINITY; WIDTH]);
        Self { planes: [first, first, first, last, last, last], links: [Link::NONE; WIDTH] }
    };

    pub(super) fn child(&self, c: usize) -> Child {
        self.links[c].child()
    }

    /// Gives a child a box around `b`.
    #[inline]
    pub(super) fn set_box(&mut self, c: usize, b: &Bounds) {
        for k in 0..3 {
            [self.planes[k][c], self.planes[k + 3][c]] = rounded(b.lo[k], b.hi[k]);
        }
    }

    /// Gives a child this box.
    #[inline]
    pub(super) fn set_extent(&mut self, c: usize, b: &Extent) {
        for k in 0..3 {
            (self.planes[k][c], self.planes[k + 3][c]) = (-b[k], b[4 + k]);
        }
    }

    /// The box around all children.
    pub(super) fn bounds(&self) -> Bounds {
        let corner = |from: usize, c: usize| {
            V3::from([0, 1, 2].map(|k| f64::from(self.planes[from + k][c])))
        };
        (0..WIDTH)
            .filter(|c| self.links[*c] != Link::NONE)
            .fold(Bounds::empty(), |b, c| b.with(corner(0, c)).with(corner(3, c)))
    }

    /// Whether the box of a child shares a point with another.
    pub(super) fn meets(&self, c: usize, b: &Bounds) -> bool {
        (0..3).all(|k| {
            f64::from(self.planes[k][c]) <= b.hi[k] && b.lo[k] <= f64::from(self.planes[k + 3][c])
        })
    }
}
