//! Rays side by side that certainly meet nothing: most of those that a scene reflects leave it, and most that look for a light see it.
//!
//! In single precision boxes and triangles of a small tree are tried, and of a larger one what stands below its root. A triangle is missed for certain where
//! the ray passes two of its sides on different sides by more than rounding can move it: then the test in double precision, which
//! looks at these signs first, does not accept it either. So rays that are held back here, and no others, need be cast, and what is found is
//! to the bit what it was.
#![expect(clippy::inline_always, reason = "the loops take the instruction set of the caller")]
#![expect(
    clippy::needless_bitwise_bool,
    reason = "loops without branches become vector instructions"
)]

use super::bundle::RAYS;
use super::node::{Child, Node, WIDTH};
use super::traverse::Bvh;
use super::triangle::Triangle;

/// What fewer than one in so many rays enter is not looked into: these are held back.
const FEW: usize = 8;
/// A tree of no more nodes is tried whole.
const NODES: usize = 16;
/// Lanes come in multiples of this, so that no vector is cut.
const STEP: usize = 16;
/// Widens the far end of boxes by more than the rounding of distances.
const FAR: f32 = 1.0 + 12.0 * f32::EPSILON;
/// A side of a triangle is `d . (a x b)` for its ends as the ray's origin sees them. With `s` a bound on coordinates of differences, of which
/// each is wrong by `s` times half of this epsilon twice, a cross product's coordinate is by 6 epsilons of `s^2`, and the product with `d` by 10 times
/// the sum of its coordinates. The rest is for what is of second order and for the test in double precision.
const SIDE: f32 = 16.0 * f32::EPSILON;

/// Three numbers of every ray.
pub(crate) type Columns<T> = [[T; RAYS]; 3];

/// Finds out which rays may meet something. It is used again and again.
#[derive(Debug)]
#[repr(align(64))]
pub(crate) struct Sieve {
    origin: Columns<f32>,
    /// Origins rounded up and down.
    above: Columns<f32>,
    below: Columns<f32>,
    direction: Columns<f32>,
    inverse: Columns<f32>,
    /// How far a side must be from zero to be certain.
    slack: [f32; RAYS],
    /// Which rays meet the box that was tried last: all bits, or none.
    enters: [u32; RAYS],
    /// Not 0 where something may be met.
    held: [u32; RAYS],
}

impl Sieve {
    pub(crate) const NEW: Self = {
        let (columns, column) = ([[0.0; RAYS]; 3], [0.0; RAYS]);
        Self {
            origin: columns,
            above: columns,
            below: columns,
            direction: columns,
            inverse: columns,
            slack: column,
            enters: [0; RAYS],
            held: [0; RAYS],
        }
    };

    /// Holds back which of the first `count` rays may meet a face that `skip` does not name between their origin and `far`.
    #[inline(always)]
    pub(crate) fn sift(
        &mut self,
        bvh: &Bvh,
        count: usize,
        [origin, direction]: [&Columns<f64>; 2],
        skip: [&[u32; RAYS]; 2],
        far: f32,
    ) {
        let lanes = count.next_multiple_of(STEP).min(RAYS);
        let Some(root) = bvh.nodes.first() else { return self.hold_none() };
        self.load(root, lanes, [origin, direction]);
        let whole = bvh.nodes.len() <= NODES;
        let mut open = [0; NODES];
        let (mut next, mut last) = (0, 1);
        while next < last {
            let node = &bvh.nodes[open[next % NODES]];
            next += 1;
            for child in 0..WIDTH {
                let inner = node.child(child);
                if inner == Child::None {
                    continue;
                }
                let entering = self.enter((node, child), lanes, far) as usize;
                if entering == 0 {
                    continue;
                }
                match inner {
                    Child::Leaf(leaf) if entering * FEW >= lanes => {
                        for triangle in &bvh.triangles[bvh.leaves.leaf(leaf).range()] {
                            self.pass(triangle, lanes, skip);
                        }
                    }
                    Child::Node(number) if whole && entering * FEW >= lanes => {
                        open[last % NODES] = number;
                        last += 1;
                    }
                    _ => (0..lanes).for_each(|k| self.held[k] |= self.enters[k]),
                }
            }
        }
    }

    /// Holds back none.
    pub(crate) fn hold_none(&mut self) {
        self.held = [0; RAYS];
    }

    /// Holds back all.
    pub(crate) fn hold_all(&mut self) {
        self.held = [u32::MAX; RAYS];
    }

    /// Whether a ray is held back.
    #[inline(always)]
    pub(crate) fn holds(&self, k: usize) -> bool {
        self.held[k] != 0
    }

    /// Rounds rays, of which nothing is known yet.
    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "what rounding loses is added again")]
    fn load(&mut self, root: &Node, lanes: usize, [origin, direction]: [&Columns<f64>; 2]) {
        let reach = reach(root);
        for k in 0..lanes {
            let (mut most, mut sum) = (0.0_f32, 0.0_f32);
            for c in 0..3 {
                let o = origin[c][k] as f32;
                let lost = o.abs() * f32::EPSILON + f32::MIN_POSITIVE;
                (self.above[c][k], self.below[c][k]) = (o + lost, o - lost);
                self.origin[c][k] = o;
                let d = direction[c][k] as f32;
                self.direction[c][k] = d;
                self.inverse[c][k] = d.recip();
                most = if o.abs() > most { o.abs() } else { most };
                sum += d.abs();
            }
            let size = most + reach;
            self.slack[k] = SIDE * size * size * sum + f32::MIN_POSITIVE;
            self.held[k] = 0;
        }
    }

    /// Finds which rays meet the box of a child, as bundles do; how many do that are not held back yet.
    #[inline(always)]
    fn enter(&mut self, (node, child): (&Node, usize), lanes: usize, far: f32) -> u32 {
        let plane = |from: usize| [0, 1, 2].map(|axis| node.planes[from + axis][child]);
        let (lo, hi) = (plane(0), plane(3));
        let mut count = 0;
        for k in 0..lanes {
            let (mut near, mut exit) = (0.0_f32, far * FAR);
            for c in 0..3 {
                let a = (lo[c] - self.above[c][k]) * self.inverse[c][k];
                let b = (hi[c] - self.below[c][k]) * self.inverse[c][k];
                let (enter, leave) = if a < b { (a, b) } else { (b, a) };
                let leave = leave * FAR;
                near = if enter > near { enter } else { near };
                exit = if leave < exit { leave } else { exit };
            }
            // what is no number is not certain
            self.enters[k] = if near > exit { 0 } else { u32::MAX };
            count += self.enters[k] & !self.held[k] & 1;
        }
        count
    }

    /// Holds back rays in the box that was tried last which may meet a triangle.
    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "the slack is more than rounding loses")]
    fn pass(&mut self, triangle: &Triangle, lanes: usize, skip: [&[u32; RAYS]; 2]) {
        let corners = triangle.corners.map(|p| [0, 1, 2].map(|c| p[c] as f32));
        for k in 0..lanes {
            let [o, d] =
                [&self.origin, &self.direction].map(|columns| [0, 1, 2].map(|c| columns[c][k]));
            let [a, b, c] = corners.map(|p| [p[0] - o[0], p[1] - o[1], p[2] - o[2]]);
            let side = |p: [f32; 3], q: [f32; 3]| {
                d[0] * (p[1] * q[2] - p[2] * q[1])
                    + d[1] * (p[2] * q[0] - p[0] * q[2])
                    + d[2] * (p[0] * q[1] - p[1] * q[0])
            };
            let (u, v, w) = (side(b, c), side(c, a), side(a, b));
            let slack = self.slack[k];
            let above = (u > slack) | (v > slack) | (w > slack);
            let below = (u < -slack) | (v < -slack) | (w < -slack);
            let skipped = (triangle.face == skip[0][k]) | (triangle.face == skip[1][k]);
            let missed = (above & below) | skipped;
            self.held[k] |= if missed { 0 } else { self.enters[k] };
        }
    }
}

/// The greatest coordinate of the boxes of a node.
#[inline(always)]
fn reach(node: &Node) -> f32 {
    let children = (0..WIDTH).filter(|child| node.child(*child) != Child::None);
    let planes = children.flat_map(|child| node.planes.map(|plane| plane[child].abs()));
    planes.fold(0.0, f32::max)
}

#[cfg(test)]
mod tests {
    use cotangent_ad::random::Stream;

    use super::{RAYS, Sieve};
    use crate::accel::Bvh;
    use crate::geometry::{V3, across, circle};

    /// Triangles of a mesh and of a floor below it, all times a scale.
    fn triangles(scale: f64) -> Vec<[V3; 3]> {
        let floor = [[-6.0, 0.0, -6.0], [6.0, 0.0, -6.0], [6.0, 0.0, 6.0], [-6.0, 0.0, 6.0]];
        let floor = floor.map(V3::from);
        let sphere = crate::reference::icosphere([0.0, 0.6, 0.0], 0.5, 2);
        let corner = |v: &u32| sphere.vertices()[*v as usize];
        let mut all: Vec<[V3; 3]> =
            sphere.faces().iter().map(|f| f.each_ref().map(corner)).collect();
        all.push([floor[0], floor[1], floor[2]]);
        all.push([floor[0], floor[2], floor[3]]);
        all.into_iter().map(|t| t.map(|p| p * scale)).collect()
    }

    /// A ray from a point of a face to the outside of it, or along an axis or a side.
    fn ray(corners: [V3; 3], kind: usize, u: [f64; 4]) -> [V3; 2] {
        let [a, b, c] = corners;
        let root = u[0].sqrt();
        let x = a * (1.0 - root) + b * (root * (1.0 - u[1])) + c * (root * u[1]);
        let n = (b - a).cross(c - a);
        let n = n * n.norm_squared().sqrt().recip();
        let n = if n[1] < 0.0 && corners.iter().all(|p| p[1] == 0.0) { -n } else { n };
        let ([p, q], [cos, sin]) = (across(n), circle(u[2]));
        match kind % 8 {
            0 => [x, V3::unit(1)],
            1 => [x, b - a],
            2 => [b, n],
            _ => [x, p * (cos * u[3].sqrt()) + q * (sin * u[3].sqrt()) + n * (1.0 - u[3]).sqrt()],
        }
    }

    #[test]
    fn what_is_not_held_back_meets_nothing() {
        for (scale, far) in [(1.0, f32::INFINITY), (1.0, 1.0), (1e-30, 1.0), (1e25, 1.0)] {
            let all = triangles(scale);
            let (bvh, mut sieve) = (Bvh::new(&all), Sieve::NEW);
            let stream = Stream::new(&[far.to_bits().into()]);
            let (mut passed, mut missed) = (0, 0);
            for round in 0..400 {
                let (mut origin, mut direction) = ([[0.0; RAYS]; 3], [[0.0; RAYS]; 3]);
                let mut skip = [0; RAYS];
                let mut rays = Vec::new();
                for k in 0..RAYS {
                    let number = (round * RAYS + k) as u64;
                    let u = [0, 1, 2, 3].map(|d| stream.uniform(4 * number + d));
                    // half of them begin on the floor
                    let face = if k % 2 == 0 { 320 + k / 2 % 2 } else { (7 * round + k) % 320 };
                    let [o, d] = ray(all[face], round + k, u);
                    let d = if far.is_finite() { d * (3.0 * scale) } else { d };
                    for c in 0..3 {
                        (origin[c][k], direction[c][k]) = (o[c], d[c]);
                    }
                    skip[k] = face as u32;
                    rays.push([o, d]);
                }
                sieve.sift(&bvh, RAYS, [&origin, &direction], [&skip, &skip], far);
                for (k, [o, d]) in rays.into_iter().enumerate() {
                    let hit = bvh.occluded(o, d, 0.0, far.into(), |f| f == skip[k]);
                    assert!(sieve.holds(k) || !hit, "ray {k} of round {round}, scale {scale}");
                    missed += u32::from(!hit);
                    passed += u32::from(!sieve.holds(k));
                }
            }
            // what has no square in single precision is always held back
            let certain = !(1e-20..1e20).contains(&scale) || 2 * passed > missed;
            assert!(certain, "{passed} of {missed} rays are known to miss, scale {scale}");
        }
    }
}
