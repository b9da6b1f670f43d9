//! Nodes of four children side by side, in single precision (Dammertz, Hanika & Keller, EGSR 2008): half the memory of a binary tree in double
//! precision, and one vector instruction for four boxes.
//!
//! A box must never hide a triangle that the test in double precision accepts. So corners are rounded outwards, the origin of a ray is
//! rounded twice, up where boxes begin and down where they end, and what is left is relative: three roundings in each distance, for
//! which the far end is widened (Ize, JCGT 2(2), 2013).

use std::ops::Range;

use super::bounds::Bounds;
use super::build::Built;
use crate::geometry::{V3, id};

/// Children of a node.
pub(super) const WIDTH: usize = 4;
/// Widens the far end by more than three roundings of both distances.
const FAR: f32 = 1.0 + 8.0 * f32::EPSILON;
/// Widens boxes by more than the rounding of a corner's difference to a ray's origin in double precision, relative to its coordinates.
const MARGIN: f64 = 8.0 * f64::EPSILON;

/// The greatest number of single precision that is not above `x`.
#[expect(clippy::cast_possible_truncation, reason = "corrected where it went the wrong way")]
fn down(x: f64) -> f32 {
    let near = x as f32;
    if f64::from(near) > x { near.next_down() } else { near }
}

/// The least one that is not below `x`.
fn up(x: f64) -> f32 {
    -down(-x)
}

/// What a node's place for a child leads to, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Link(u32);

/// The same, spelled out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Child {
    /// Nothing stands there.
    None,
    /// Another node.
    Node(usize),
    /// Triangles in their order.
    Leaf(Range<usize>),
}

impl Link {
    /// The node in which every walk begins.
    pub(super) const ROOT: Self = Self(0);
    /// Nothing: no leaf is as full.
    const NONE: Self = Self(u32::MAX);
    /// Bits of the number of a node or first triangle; above them stands the count of triangles, 0 of a node.
    const BITS: u32 = 28;

    fn node(node: u32) -> Self {
        assert!(node < 1 << Self::BITS, "fewer than 268 million nodes");
        Self(node)
    }

    fn leaf(first: u32, count: u32) -> Self {
        assert!(first < 1 << Self::BITS && (1..15).contains(&count), "{first}, {count}");
        Self(first | count << Self::BITS)
    }

    #[inline]
    pub(super) fn child(self) -> Child {
        let (first, count) = (self.0 & ((1 << Self::BITS) - 1), self.0 >> Self::BITS);
        match count {
            0 => Child::Node(first as usize),
            _ if self == Self::NONE => Child::None,
            _ => Child::Leaf(first as usize..(first + count) as usize),
        }
    }
}

/// Children side by side: `lo[axis][child]`. The boxes of places without one are inside out, so that no ray meets them.
#[derive(Clone, Debug)]
#[repr(align(64))]
pub(super) struct Node {
    pub(super) lo: [[f32; WIDTH]; 3],
    pub(super) hi: [[f32; WIDTH]; 3],
    pub(super) links: [Link; WIDTH],
}

impl Node {
    fn empty() -> Self {
        Self {
            lo: [[f32::INFINITY; WIDTH]; 3],
            hi: [[f32::NEG_INFINITY; WIDTH]; 3],
            links: [Link::NONE; WIDTH],
        }
    }

    pub(super) fn child(&self, c: usize) -> Child {
        self.links[c].child()
    }

    /// Gives a child a box around `b`.
    pub(super) fn set_box(&mut self, c: usize, b: &Bounds) {
        for k in 0..3 {
            let margin = MARGIN * b.lo[k].abs().max(b.hi[k].abs());
            (self.lo[k][c], self.hi[k][c]) = (down(b.lo[k] - margin), up(b.hi[k] + margin));
        }
    }

    /// The box around all children.
    pub(super) fn bounds(&self) -> Bounds {
        let corner =
            |x: &[[f32; WIDTH]; 3], c: usize| V3::from([x[0][c], x[1][c], x[2][c]].map(f64::from));
        (0..WIDTH)
            .filter(|c| self.links[*c] != Link::NONE)
            .fold(Bounds::empty(), |b, c| b.with(corner(&self.lo, c)).with(corner(&self.hi, c)))
    }

    /// Whether the box of a child shares a point with another.
    pub(super) fn meets(&self, c: usize, b: &Bounds) -> bool {
        (0..3).all(|k| f64::from(self.lo[k][c]) <= b.hi[k] && b.lo[k] <= f64::from(self.hi[k][c]))
    }
}

/// A ray as boxes see it. Distances are in multiples of the direction whose longest component is 1, so that they stay in range.
pub(super) struct Slabs {
    /// The origin as seen from the ends at which the ray enters boxes, and at which it leaves them.
    origins: [[f32; 3]; 2],
    inverse: [f32; 3],
    negative: [bool; 3],
    /// The longest component of the given direction.
    length: f64,
}

impl Slabs {
    #[inline]
    pub(super) fn new(origin: V3, direction: V3) -> Self {
        let length = direction.0.iter().fold(0.0_f64, |m, d| m.max(d.abs()));
        #[expect(clippy::cast_possible_truncation, reason = "one of the three roundings")]
        let inverse = direction.0.map(|d| (length / d) as f32);
        Self::of([origin.0.map(up), origin.0.map(down), inverse], length)
    }

    /// Of an origin rounded up and down, and the reciprocal of the direction whose longest component is 1 and not `length`.
    #[inline]
    pub(super) fn of([above, below, inverse]: [[f32; 3]; 3], length: f64) -> Self {
        let negative = inverse.map(f32::is_sign_negative);
        let pick = |k: usize, forward: bool| if forward { above[k] } else { below[k] };
        let origins =
            [[0, 1, 2].map(|k| pick(k, !negative[k])), [0, 1, 2].map(|k| pick(k, negative[k]))];
        Self { origins, inverse, negative, length }
    }

    /// A limit in multiples of the direction, as boxes measure it.
    #[inline]
    pub(super) fn far(&self, limit: f64) -> f32 {
        up(limit * self.length) * FAR
    }

    /// Entry of every child, infinite where the ray misses within `(0, far)`.
    #[inline]
    pub(super) fn enter(&self, node: &Node, far: f32) -> [f32; WIDTH] {
        let (mut near, mut exit) = ([0.0_f32; WIDTH], [far; WIDTH]);
        for k in 0..3 {
            let (first, second) = if self.negative[k] {
                (&node.hi[k], &node.lo[k])
            } else {
                (&node.lo[k], &node.hi[k])
            };
            for c in 0..WIDTH {
                let a = (first[c] - self.origins[0][k]) * self.inverse[k];
                let b = (second[c] - self.origins[1][k]) * self.inverse[k] * FAR;
                // a ray within a slab's plane gives 0 * inf = NaN, which these comparisons ignore
                near[c] = if a > near[c] { a } else { near[c] };
                exit[c] = if b < exit[c] { b } else { exit[c] };
            }
        }
        let mut enter = [f32::INFINITY; WIDTH];
        for c in 0..WIDTH {
            enter[c] = if near[c] <= exit[c] { near[c] } else { f32::INFINITY };
        }
        enter
    }
}

/// The binary tree with up to four children a node: of a node's children the largest is replaced by its own, until there are four.
/// Parents stand before their children.
pub(super) fn collapse(built: &[Built], boxes: &[Bounds]) -> Vec<Node> {
    let mut nodes = vec![Node::empty()];
    if let [Built::Leaf { first, count }] = built {
        if *count > 0 {
            nodes[0].set_box(0, &boxes.iter().fold(Bounds::empty(), Bounds::union));
            nodes[0].links[0] = Link::leaf(*first, *count);
        }
        return nodes;
    }
    // (where it stands, which of the binary nodes it replaces)
    let mut open = vec![(0_usize, 0_usize)];
    while let Some((at, root)) = open.pop() {
        for (c, (bounds, child)) in gathered(built, root).into_iter().enumerate() {
            nodes[at].set_box(c, &bounds);
            nodes[at].links[c] = match built[child] {
                Built::Leaf { first, count } => Link::leaf(first, count),
                Built::Inner { .. } => {
                    open.push((nodes.len(), child));
                    nodes.push(Node::empty());
                    Link::node(id(nodes.len() - 1))
                }
            };
        }
    }
    nodes
}

/// Up to four descendants of an inner node that hold all that it holds, with their boxes.
fn gathered(built: &[Built], root: usize) -> Vec<(Bounds, usize)> {
    let own = |node: usize| match &built[node] {
        Built::Inner { boxes, children } => Some([0, 1].map(|c| (boxes[c], children[c] as usize))),
        Built::Leaf { .. } => None,
    };
    let mut found: Vec<(Bounds, usize)> = own(root).into_iter().flatten().collect();
    while found.len() < WIDTH {
        let area = |k: &usize| found[*k].0.half_area();
        let inner = (0..found.len()).filter(|k| own(found[*k].1).is_some());
        let Some(largest) = inner.max_by(|a, b| area(a).total_cmp(&area(b))) else { break };
        let (_, opened) = found.swap_remove(largest);
        found.extend(own(opened).into_iter().flatten());
    }
    found
}
