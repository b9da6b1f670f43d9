//! The edges of a world, each with its copies and faces, and their order.

use crate::geometry::{V3, id};

/// One face at an edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EdgeSide {
    pub(crate) face: u32,
    /// Its vertex off the edge.
    pub(crate) opposite: u32,
}

/// A mesh edge, or a part of one, that lies on an edge of the world.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Copy {
    pub(crate) mesh: u32,
    pub(crate) ends: [u32; 2],
    /// The ends of the world's edge as fractions of this one.
    pub(crate) part: [f64; 2],
}

/// An edge of the world that is not flat.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Edge {
    pub(crate) points: [V3; 2],
    /// Two faces that share normals for shading and texture coordinates at both ends.
    pub(crate) seamless: bool,
    /// The faces that cut through each other here; `None` of an edge that meshes have.
    pub(crate) cut: Option<[u32; 2]>,
    copies: [u32; 2],
    sides: [u32; 2],
}

/// All edges of a world.
#[derive(Clone, Debug, Default)]
pub(crate) struct Edges {
    pub(crate) all: Vec<Edge>,
    copies: Vec<Copy>,
    sides: Vec<EdgeSide>,
}

impl Edges {
    /// The same edges in the order of a curve that fills space: what is near each other then lies close in memory.
    pub(crate) fn along_curve(&self) -> Self {
        let middle = |e: &Edge| e.points[0] + e.points[1];
        let around = box_around(self.all.iter().map(middle));
        let place = |e: &Edge| place_on_curve(middle(e), around);
        let mut order: Vec<(u64, u32)> =
            self.all.iter().zip(0..).map(|(e, k)| (place(e), k)).collect();
        order.sort_unstable();
        let mut edges = Self {
            all: Vec::with_capacity(self.all.len()),
            copies: Vec::with_capacity(self.copies.len()),
            sides: Vec::with_capacity(self.sides.len()),
        };
        for (_, k) in order {
            let edge = &self.all[k as usize];
            let sides = self.sides(edge).iter().copied();
            edges.push(edge.points, edge.seamless, edge.cut, self.copies(edge), sides);
        }
        edges
    }

    pub(crate) fn copies(&self, edge: &Edge) -> &[Copy] {
        &self.copies[edge.copies[0] as usize..edge.copies[1] as usize]
    }

    pub(crate) fn sides(&self, edge: &Edge) -> &[EdgeSide] {
        &self.sides[edge.sides[0] as usize..edge.sides[1] as usize]
    }

    /// Appends one with its copies and faces.
    pub(super) fn push(
        &mut self,
        points: [V3; 2],
        seamless: bool,
        cut: Option<[u32; 2]>,
        copies: &[Copy],
        sides: impl Iterator<Item = EdgeSide>,
    ) {
        let first = [id(self.copies.len()), id(self.sides.len())];
        self.copies.extend_from_slice(copies);
        self.sides.extend(sides);
        self.all.push(Edge {
            points,
            seamless,
            cut,
            copies: [first[0], id(self.copies.len())],
            sides: [first[1], id(self.sides.len())],
        });
    }
}

impl Copy {
    /// The ends of the world's edge on this one.
    pub(super) fn points(&self, vertices: &[V3]) -> [V3; 2] {
        let [a, b] = self.ends.map(|v| vertices[v as usize]);
        self.part.map(|s| {
            if s <= 0.0 {
                a
            } else if s >= 1.0 {
                b
            } else {
                a + (b - a) * s
            }
        })
    }
}

/// The lower and the upper corner of the box around points.
pub(super) fn box_around(points: impl Iterator<Item = V3>) -> [V3; 2] {
    let (mut lo, mut hi) = (V3::lit([f64::INFINITY; 3]), V3::lit([f64::NEG_INFINITY; 3]));
    for p in points {
        for k in 0..3 {
            (lo[k], hi[k]) = (lo[k].min(p[k]), hi[k].max(p[k]));
        }
    }
    [lo, hi]
}

/// Place of a point of a box on a curve that fills it (Morton 1966): the 21 bits of three coordinates in turn.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "positive; the cast saturates, and a box without extent has one cell"
)]
fn place_on_curve(p: V3, [lo, hi]: [V3; 2]) -> u64 {
    const LAST: f64 = 0x1f_ffff as f64;
    let spread = |k: usize| {
        let bits = ((p[k] - lo[k]) / (hi[k] - lo[k]) * LAST) as u64 & 0x1f_ffff;
        let bits = (bits | bits << 32) & 0x001f_0000_0000_ffff;
        let bits = (bits | bits << 16) & 0x001f_0000_ff00_00ff;
        let bits = (bits | bits << 8) & 0x100f_00f0_0f00_f00f;
        let bits = (bits | bits << 4) & 0x10c3_0c30_c30c_30c3;
        (bits | bits << 2) & 0x1249_2492_4924_9249
    };
    spread(0) | spread(1) << 1 | spread(2) << 2
}
