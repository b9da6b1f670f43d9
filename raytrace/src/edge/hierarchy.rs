//! A tree over edges, to find those that throw a shadow's border from a point into a cone.
//!
//! A node is left out where its box lies outside the cone, or where all its edges are bent one way: an edge between two faces
//! of one orientation throws a border from `x` only where `x` sees the front of one and the back of the other, so none does where
//! all normals of a node lie on one side for every point of its box. Normals are bounded by a cone, points by a
//! sphere (after Sander et al., SIGGRAPH 2000, and Li et al. 2018, section 5.2).
//!
//! Points side by side look through it together: a node is tried for all of them by vector instructions.
#![expect(clippy::inline_always, reason = "the loops take the instruction set of the caller")]
#![expect(
    clippy::needless_bitwise_bool,
    reason = "loops without branches become vector instructions"
)]

use pulp::{Arch, NullaryFnOnce};

use super::cone::Cone;
use crate::accel::RAYS;
use crate::geometry::{V3, ZERO, id, length};
use crate::scene::{Edge, World};

/// Edges of a leaf.
const LEAF: usize = 4;
/// More than the rounding of single precision, relative to the distances in question: boxes and cones are widened by it.
const MARGIN: f32 = 1e-6;

/// The cone from a point over a triangle, up to the triangle's plane.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pyramid {
    pub(super) apex: V3,
    /// Normals of the three planes through the apex, inwards.
    pub(super) planes: [V3; 3],
    /// Its product with `q - apex` is 0 at the apex and 1 at the triangle's plane.
    pub(super) depth: V3,
}

/// The most pyramids side by side.
pub(super) const LANES: usize = RAYS;
/// Pyramids come in multiples of this.
const STEP: usize = 16;

/// Pyramids over one triangle, side by side.
#[derive(Debug)]
#[repr(align(64))]
pub(super) struct Pyramids {
    count: usize,
    apex: [[f64; LANES]; 3],
    near: Rounded,
}

/// What boxes are tried with, in single precision.
#[derive(Debug)]
struct Rounded {
    apex: [[f32; LANES]; 3],
    /// Unit normals of the planes through the apex, and of the triangle's plane from the apex to it; 0 of one that has none.
    planes: [[[f32; LANES]; 3]; 3],
    across: [[f32; LANES]; 3],
    /// Distance of the triangle's plane.
    depth: [f32; LANES],
    /// Sum of the apex's coordinates without their signs.
    size: [f32; LANES],
}

impl Pyramids {
    pub(super) fn new() -> Self {
        let (flat, none) = ([0.0; LANES], [[0.0; LANES]; 3]);
        let near = Rounded { apex: none, planes: [none; 3], across: none, depth: flat, size: flat };
        Self { count: 0, apex: [[0.0; LANES]; 3], near }
    }

    pub(super) fn clear(&mut self) {
        self.count = 0;
    }

    /// # Panics
    /// Where there is no place left.
    pub(super) fn push(&mut self, pyramid: &Pyramid) {
        let (lane, near) = (self.count, &mut self.near);
        let direction = |n: V3| {
            let inverse = length(n).recip();
            if inverse.is_finite() { n * inverse } else { ZERO }
        };
        let across = direction(pyramid.depth);
        let planes = pyramid.planes.map(direction);
        for c in 0..3 {
            self.apex[c][lane] = pyramid.apex[c];
            near.apex[c][lane] = single(pyramid.apex[c]);
            near.across[c][lane] = single(across[c]);
            for (lanes, plane) in near.planes.iter_mut().zip(&planes) {
                lanes[c][lane] = single(plane[c]);
            }
        }
        near.depth[lane] = single(length(pyramid.depth).recip());
        near.size[lane] = single(pyramid.apex.0.iter().map(|c| c.abs()).sum());
        self.count += 1;
    }

    /// The bits of all pyramids from whose apexes `p` and `q` lie on one side of the plane through the apex and the edge `[a, b]`.
    #[inline(always)]
    pub(super) fn see_on_one_side(&self, [a, b]: [V3; 2], [p, q]: [V3; 2]) -> u64 {
        let mut bits = 0;
        for first in (0..self.count.min(LANES)).step_by(STEP) {
            for lane in first..first + STEP {
                let x = V3::from([0, 1, 2].map(|c| self.apex[c][lane]));
                let plane = (a - x).cross(b - x);
                bits |= u64::from(plane.dot(p - x) * plane.dot(q - x) > 0.0) << lane;
            }
        }
        bits
    }
}

/// A node, a line of the cache: a box around edges, and a cone around the normals of their faces.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
struct Node {
    centre: [f32; 3],
    half: [f32; 3],
    axis: [f32; 3],
    /// Sine and cosine of half the opening of the normals' cone; those of a right angle where an edge may throw a border from
    /// anywhere.
    opening: [f32; 2],
    /// The second child, the first stands next; of a leaf the first edge and, in `count`, how many.
    next: u32,
    count: u32,
    /// Sum of the edges' lengths, each times how much may jump there.
    power: f32,
}

/// An edge that was drawn, and how often it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pick {
    pub(super) edge: u32,
    pub(super) probability: f64,
}

/// How much may jump at an edge that is bent by no more than this many radians, and per radian; of a border it is 1.
const LEAST_BEND: f64 = 0.02;
const PER_RADIAN: f64 = 2.0 * std::f64::consts::FRAC_1_PI;
/// Cosine below which the estimate of a branch does not fall while something of it is above the horizon.
const LEAST_COS: f64 = 0.02;

/// A tree over edges.
#[derive(Debug)]
pub(super) struct EdgeTree {
    nodes: Vec<Node>,
    /// The greatest sum of the coordinates of a point of it, without their signs.
    size: f32,
    order: Vec<u32>,
    /// Of each edge in that order, its length times how much may jump there.
    powers: Vec<f64>,
}

/// An edge that stands in no leaf yet, and the sum of its ends.
#[derive(Clone, Copy)]
struct Loose {
    edge: u32,
    sum: [f32; 3],
}

/// What a node knows of its edges.
#[derive(Clone, Copy)]
struct Content {
    lo: V3,
    hi: V3,
    /// Around the normals of their faces.
    normals: Cone,
    power: f64,
}

impl Content {
    /// Of one edge.
    fn new(world: &World, edge: u32) -> Self {
        let e: &Edge = &world.edges().all[edge as usize];
        let [p, q] = e.points;
        let normals = normals(world, e);
        let bend = normals.map_or(1.0, |n| (2.0 * n.sin * PER_RADIAN).clamp(LEAST_BEND, 1.0));
        let plain = |s: &crate::scene::EdgeSide| world.surface(s.face).is_plain();
        let seam = !e.seamless && !world.edges().sides(e).iter().all(plain);
        let power = length(q - p) * if seam { 1.0 } else { bend };
        Self { lo: least(p, q), hi: most(p, q), normals: normals.unwrap_or(Cone::ALL), power }
    }

    /// Of both.
    fn with(self, other: Self) -> Self {
        Self {
            lo: least(self.lo, other.lo),
            hi: most(self.hi, other.hi),
            normals: self.normals.with(other.normals),
            power: self.power + other.power,
        }
    }
}

/// The least of both coordinates on every axis.
#[inline]
fn least(p: V3, q: V3) -> V3 {
    V3::from([0, 1, 2].map(|k| p[k].min(q[k])))
}

/// The greatest of both.
#[inline]
fn most(p: V3, q: V3) -> V3 {
    V3::from([0, 1, 2].map(|k| p[k].max(q[k])))
}

/// The cone of the normals of two faces that run the same way round; `None` where every point may see a border.
fn normals(world: &World, edge: &Edge) -> Option<Cone> {
    let [a, b] = world.edges().sides(edge) else { return None };
    let [p, q] = edge.points;
    let face = |s: &crate::scene::EdgeSide| &world.faces[s.face as usize];
    let normal = |s: &crate::scene::EdgeSide| face(s).normal * face(s).inverse;
    let turns = |s: &crate::scene::EdgeSide| {
        (q - p).cross(world.vertices[s.opposite as usize] - p).dot(normal(s)) > 0.0
    };
    let (m, n) = (normal(a), normal(b));
    (turns(a) != turns(b)).then(|| Cone::of(m).with(Cone::of(n)))
}

impl EdgeTree {
    /// The tree over these edges.
    pub(super) fn new(world: &World, edges: impl Iterator<Item = u32>) -> Self {
        let loose = |edge: u32| {
            let [p, q] = world.edges().all[edge as usize].points;
            Loose { edge, sum: (p + q).0.map(single) }
        };
        let mut loose: Vec<Loose> = edges.map(loose).collect();
        let (nodes, powers) = (Vec::with_capacity(loose.len()), Vec::with_capacity(loose.len()));
        let mut tree = Self { nodes, size: 0.0, order: Vec::new(), powers };
        if !loose.is_empty() {
            let Content { lo, hi, .. } = tree.split(world, &mut loose, 0);
            tree.size = single((0..3).map(|k| lo[k].abs().max(hi[k].abs())).sum());
        }
        tree.order = loose.into_iter().map(|l| l.edge).collect();
        tree
    }

    /// Appends the node over `loose` edges, which it sorts; they stand at `first` in the tree's order.
    fn split(&mut self, world: &World, loose: &mut [Loose], first: usize) -> Content {
        let own = self.nodes.len();
        self.nodes.push(Node::EMPTY);
        let (content, next, count) = if loose.len() <= LEAF {
            let each = loose.iter().map(|l| Content::new(world, l.edge));
            let content = each.inspect(|c| self.powers.push(c.power)).reduce(Content::with);
            (content.expect("a node has edges"), first, loose.len())
        } else {
            let middle = loose.len() / 2;
            let axis = widest(loose);
            // edges in one place are told apart by their number, so that the tree is the same on every machine
            loose.select_nth_unstable_by_key(middle, |l| (in_order(l.sum[axis]), l.edge));
            let (left, right) = loose.split_at_mut(middle);
            let left = self.split(world, left, first);
            let second = self.nodes.len();
            (left.with(self.split(world, right, first + middle)), second, 0)
        };
        let Content { lo, hi, normals, power } = content;
        let centre = ((lo + hi) * 0.5).0.map(single);
        // the box is around the rounded centre
        let half = [0, 1, 2].map(|k| {
            let centre = f64::from(centre[k]);
            single((hi[k] - centre).max(centre - lo[k])) * (1.0 + MARGIN)
        });
        let (axis, opening) =
            (normals.axis.0.map(single), normals.widened(4.0 * f64::from(MARGIN)).map(single));
        let (next, count, power) = (id(next), id(count), single(power));
        self.nodes[own] = Node { centre, half, axis, opening, next, count, power };
        content
    }

    /// Estimate of what all edges together change of the light at `x` with the normal `n`.
    pub(super) fn power(&self, x: V3, n: V3) -> f64 {
        self.nodes.first().map_or(0.0, |root| root.estimate(x, n))
    }

    /// The edge that uniform `u` draws, in proportion to estimates of branches; `None` where a branch turns out to hold nothing.
    pub(super) fn pick(&self, world: &World, x: V3, n: V3, mut u: f64) -> Option<Pick> {
        let (mut at, mut probability) = (0_usize, 1.0);
        loop {
            let node = self.nodes.get(at)?;
            if node.count > 0 {
                let first = node.next as usize;
                let edges = &self.order[first..first + node.count as usize];
                let mut shares = [0.0; LEAF];
                for (share, (e, power)) in
                    shares.iter_mut().zip(edges.iter().zip(&self.powers[first..]))
                {
                    let [p, q] = world.edges().all[*e as usize].points;
                    let (lo, hi) = (least(p, q), most(p, q));
                    let centre = (lo + hi) * 0.5;
                    *share = estimate((centre, hi - centre, *power), x, n);
                }
                let total: f64 = shares.iter().sum();
                let mut rest = u * total;
                let last = shares.iter().rposition(|s| *s > 0.0)?;
                let k = shares[..last].iter().position(|s| {
                    let found = rest < *s;
                    rest -= if found { 0.0 } else { *s };
                    found
                });
                let k = k.unwrap_or(last);
                probability *= shares[k] / total;
                return Some(Pick { edge: edges[k], probability });
            }
            let children = [at + 1, node.next as usize];
            let [a, b] = children.map(|c| self.nodes[c].estimate(x, n));
            if a + b <= 0.0 {
                return None;
            }
            let share = a / (a + b);
            if u < share {
                (at, u, probability) = (children[0], u / share, probability * share);
            } else {
                let other = 1.0 - share;
                (at, u, probability) = (children[1], (u - share) / other, probability * other);
            }
        }
    }
}

/// Visits the edges of every leaf of these trees that may throw a border into one of the pyramids, with the bits of these; of each tree only
/// pyramids are asked about whose bits it has been given.
#[inline]
pub(super) fn visit(trees: [(&EdgeTree, u64); 2], pyramids: &Pyramids, each: impl FnMut(u32, u64)) {
    Arch::new().dispatch(Visit { trees, pyramids, each });
}

struct Visit<'a, F> {
    trees: [(&'a EdgeTree, u64); 2],
    pyramids: &'a Pyramids,
    each: F,
}

impl<F: FnMut(u32, u64)> NullaryFnOnce for Visit<'_, F> {
    type Output = ();

    #[inline(always)]
    fn call(mut self) {
        let mut stack = [(0_u32, 0_u64); 64];
        for (tree, asked) in self.trees {
            stack[0] = (0, asked);
            let reach = 3.0 * MARGIN * tree.size;
            let mut depth = 1;
            while depth > 0 {
                depth -= 1;
                let (mut at, mut lanes) = (stack[depth].0 as usize, stack[depth].1);
                while let Some(node) = tree.nodes.get(at) {
                    lanes &= node.throws(self.pyramids, reach);
                    if lanes == 0 {
                        break;
                    }
                    if node.count > 0 {
                        let first = node.next as usize;
                        for edge in &tree.order[first..first + node.count as usize] {
                            (self.each)(*edge, lanes);
                        }
                        break;
                    }
                    stack[depth] = (node.next, lanes);
                    depth += 1;
                    at += 1;
                }
            }
        }
    }
}

/// The axis along which the middles of edges are farthest apart.
fn widest(loose: &[Loose]) -> usize {
    let (mut lo, mut hi) = ([f32::INFINITY; 3], [f32::NEG_INFINITY; 3]);
    for l in loose {
        for k in 0..3 {
            (lo[k], hi[k]) = (lo[k].min(l.sum[k]), hi[k].max(l.sum[k]));
        }
    }
    let size = [0, 1, 2].map(|k| hi[k] - lo[k]);
    (0..3).max_by(|k, l| size[*k].total_cmp(&size[*l])).unwrap_or(0)
}

/// A whole number that is less where `x` is.
fn in_order(x: f32) -> u32 {
    let bits = x.to_bits();
    if bits >> 31 == 0 { bits | 1 << 31 } else { !bits }
}

/// The nearest number of single precision.
#[expect(clippy::cast_possible_truncation, reason = "that is what it is for")]
#[inline(always)]
fn single(x: f64) -> f32 {
    x as f32
}

impl Node {
    /// Of nothing.
    const EMPTY: Self = Self {
        centre: [0.0; 3],
        half: [0.0; 3],
        axis: [0.0; 3],
        opening: [1.0, 0.0],
        next: 0,
        count: 0,
        power: 0.0,
    };

    /// [`estimate`] of its edges.
    #[inline]
    fn estimate(&self, x: V3, n: V3) -> f64 {
        let [centre, half] = [self.centre, self.half].map(|v| V3::from(v.map(f64::from)));
        estimate((centre, half, f64::from(self.power)), x, n)
    }

    /// The bits of all pyramids into which its edges may throw a border: its box may reach into the pyramid, and some face normal may be
    /// across the direction from the apex to some point of the box.
    ///
    /// With `r` the radius of the box, `d` the distance of its centre and `o` the opening of the normals, these directions differ from a
    /// right angle to the axis `a` by at most `o + asin(r/d)`, which is a right one or more where `cos(o) d <= r`, or
    /// `|a.d| <= sin(o) sqrt(d^2 - r^2) + cos(o) r`. All distances are those of rounded points: `size`, and as much by the apex, is more
    /// than they are off by. What is not a number leaves nothing out.
    #[inline(always)]
    fn throws(&self, pyramids: &Pyramids, size: f32) -> u64 {
        let p = &pyramids.near;
        let [sin, cos] = self.opening;
        let r2 = self.half.iter().map(|h| h * h).sum::<f32>() * (1.0 + 4.0 * MARGIN);
        let r = r2.sqrt();
        let mut bits = 0;
        for first in (0..pyramids.count.min(LANES)).step_by(STEP) {
            let mut step = 0_u32;
            for k in 0..STEP {
                let lane = first + k;
                let off = size + 3.0 * MARGIN * p.size[lane];
                let from = [0, 1, 2].map(|c| self.centre[c] - p.apex[c][lane]);
                let of = |n: &[[f32; LANES]; 3]| [n[0][lane], n[1][lane], n[2][lane]];
                let reach = |n: [f32; 3]| {
                    let along = n[0] * from[0] + n[1] * from[1] + n[2] * from[2];
                    let half = n[0].abs() * self.half[0]
                        + n[1].abs() * self.half[1]
                        + n[2].abs() * self.half[2];
                    (along, half + off)
                };
                let (depth, slack) = reach(of(&p.across));
                let mut outside =
                    (depth + slack < 0.0) | (depth - slack > p.depth[lane] * (1.0 + MARGIN));
                for plane in &p.planes {
                    let (height, slack) = reach(of(plane));
                    outside |= height + slack < 0.0;
                }
                let d2 = from[0] * from[0] + from[1] * from[1] + from[2] * from[2];
                let along =
                    self.axis[0] * from[0] + self.axis[1] * from[1] + self.axis[2] * from[2];
                let d = from[0].abs() + from[1].abs() + from[2].abs();
                let q2 = d2 * (1.0 + 4.0 * MARGIN) + off * (2.0 * d + off) - r2;
                let q = q2.max(0.0).sqrt();
                let straight = (cos * cos * d2 > (r + off) * (r + off))
                    & (along.abs() > sin * q + cos * r + off);
                step |= u32::from(!(outside | straight)) << k;
            }
            bits |= u64::from(step) << first;
        }
        bits
    }
}

/// Estimate of what edges of this power in a box, given by its centre and half its sides, change of the light at `x` with the normal
/// `n`: power, times a cosine, over the square of the distance. 0 below the horizon.
#[inline]
fn estimate((centre, half, power): (V3, V3, f64), x: V3, n: V3) -> f64 {
    let from = centre - x;
    let reach: f64 = (0..3).map(|k| n[k].abs() * half[k]).sum();
    let height = n.dot(from) + reach;
    if height <= 0.0 {
        return 0.0;
    }
    let far = from.norm_squared().max(half.norm_squared());
    power * (height / far.sqrt()).clamp(LEAST_COS, 1.0) / far
}

#[cfg(test)]
mod tests {
    use cotangent_ad::random::Stream;

    use super::{EdgeTree, LANES, Pyramid, Pyramids, visit};
    use crate::geometry::V3;
    use crate::reference::{icosphere_shadow, oblique};
    use crate::scene::{Scene, SceneMesh, World};

    #[test]
    fn no_edge_that_throws_a_border_is_left_out_and_most_others_are() {
        // far from the origin single precision rounds points by much of an edge
        for (scene, far) in
            [(icosphere_shadow().scene, 0.0), (oblique(), 0.0), (icosphere_shadow().scene, 3e5)]
        {
            let world = World::new(&moved_by(&scene, far));
            let shift = V3::from([far; 3]);
            let n = world.edges().all.len() as u32;
            let tree = EdgeTree::new(&world, 0..n);
            let stream = Stream::new(&[17]);
            let point = |k: u64, size: f64| {
                V3::from([0, 1, 2].map(|c| size * (2.0 * stream.uniform(3 * k + c) - 1.0)))
            };
            let (mut visited, mut needed) = (0, 0);
            for (k, count) in (0..12).zip([1, 7, 8, 9, 40, LANES, 33, 64, 2, 50, 17, 63]) {
                let first = 64 * k;
                let mut side_by_side = Pyramids::new();
                let cones: Vec<Pyramid> = (first..first + count as u64)
                    .map(|k| {
                        let corners = [0, 1, 2]
                            .map(|c| V3::from([0.0, 3.0, 0.0]) + point(9000 + 3 * k + c, 1.0));
                        pyramid(point(2 * k, 2.0) + shift, corners.map(|c| c + shift))
                    })
                    .collect();
                cones.iter().for_each(|c| side_by_side.push(c));
                let asked = (u64::MAX >> (64 - count)) & !4;
                let mut reached = vec![0_u64; n as usize];
                visit([(&tree, asked), (&tree, 0)], &side_by_side, |e, l| reached[e as usize] |= l);
                for (lane, cone) in cones.iter().enumerate() {
                    let reaches = |e: usize| reached[e] >> lane & 1 == 1;
                    let needs = |e: usize| throws(&world, e, cone);
                    let all = 0..n as usize;
                    if asked >> lane & 1 == 0 {
                        assert!(!all.clone().any(reaches));
                        continue;
                    }
                    assert!(all.clone().all(|e| reaches(e) || !needs(e)), "an edge is left out");
                    needed += all.clone().filter(|e| needs(*e)).count();
                    visited += all.filter(|e| reaches(*e)).count();
                }
            }
            // a tree of a few leaves cannot leave out much
            assert!(
                needed > 20 && (n < 100 || far > 0.0 || visited < 346 * n as usize / 10),
                "{visited} for {needed}"
            );
        }
    }

    /// The same scene, all of it moved along the diagonal.
    fn moved_by(scene: &Scene, far: f64) -> Scene {
        let moved =
            |m: &SceneMesh| SceneMesh { translation: m.translation.map(|c| c + far), ..m.clone() };
        let meshes = scene.meshes().iter().map(moved).collect();
        Scene::with_cameras(scene.cameras().to_vec(), scene.transport, meshes).unwrap()
    }

    /// Whether an edge throws a border from the apex into the pyramid.
    fn throws(world: &World, edge: usize, pyramid: &Pyramid) -> bool {
        let edge = &world.edges().all[edge];
        let [a, b] = edge.points.map(|p| p - pyramid.apex);
        let off = |v: u32| a.cross(b).dot(world.vertices[v as usize] - pyramid.apex) > 0.0;
        let sides = world.edges().sides(edge);
        let inside = (0..=50).any(|k| {
            let q = a + (b - a) * (f64::from(k) / 50.0);
            let depth = pyramid.depth.dot(q);
            depth > 0.0 && depth < 1.0 && pyramid.planes.iter().all(|n| n.dot(q) > 0.0)
        });
        inside && sides.iter().all(|s| off(s.opposite) == off(sides[0].opposite))
    }

    fn pyramid(apex: V3, corners: [V3; 3]) -> Pyramid {
        let sides = corners.map(|c| c - apex);
        let normal = (corners[1] - corners[0]).cross(corners[2] - corners[0]);
        let flip = if normal.dot(sides[0]) < 0.0 { 1.0 } else { -1.0 };
        let planes = [0, 1, 2].map(|k| sides[(k + 1) % 3].cross(sides[k]) * flip);
        Pyramid { apex, planes, depth: normal * normal.dot(sides[0]).recip() }
    }
}
