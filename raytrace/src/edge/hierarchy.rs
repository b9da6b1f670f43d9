//! A tree over edges, to find those that throw a shadow's border from a point into a cone.
//!
//! A node is left out where its box lies outside the cone, or where all its edges are bent one way: an edge between two faces
//! of one orientation throws a border from `x` only where `x` sees the front of one and the back of the other, so none does where
//! all normals of a node lie on one side for every point of its box. Normals are bounded by a cone, points by a
//! sphere (after Sander et al., SIGGRAPH 2000, and Li et al. 2018, section 5.2).

use crate::geometry::{V3, id, length, unit};
use crate::scene::{Edge, World};

/// Edges of a leaf.
const LEAF: usize = 4;
/// Widens boxes and cones by more than rounding, relative to the distances in question.
const MARGIN: f64 = 1e-9;

/// The cone from a point over a triangle, up to the triangle's plane.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pyramid {
    pub(super) apex: V3,
    /// Normals of the three planes through the apex, inwards.
    pub(super) planes: [V3; 3],
    /// Its product with `q - apex` is 0 at the apex and 1 at the triangle's plane.
    pub(super) depth: V3,
}

/// A node: a box around edges, and a cone around the normals of their faces.
#[derive(Clone, Copy, Debug)]
struct Node {
    centre: V3,
    half: V3,
    axis: V3,
    /// Half the opening of the normals' cone, radians; more than a right angle where an edge may throw a border from anywhere.
    opening: f64,
    /// The second child, the first stands next; of a leaf the first edge and, in `count`, how many.
    next: u32,
    count: u32,
    /// Sum of the edges' lengths, each times how much may jump there.
    power: f64,
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
    order: Vec<u32>,
}

/// What the construction knows of an edge.
#[derive(Clone, Copy)]
struct Item {
    edge: u32,
    lo: V3,
    hi: V3,
    /// Mean of the two normals, and their angle to it.
    axis: V3,
    opening: f64,
    power: f64,
}

impl Item {
    fn new(world: &World, edge: u32) -> Self {
        let e: &Edge = &world.edges().all[edge as usize];
        let [p, q] = e.points;
        let least = |a: f64, b: f64| a.min(b);
        let most = |a: f64, b: f64| a.max(b);
        let each = |f: &dyn Fn(f64, f64) -> f64| V3::from([0, 1, 2].map(|k| f(p[k], q[k])));
        let (axis, opening) = normals(world, e).unwrap_or((V3::unit(0), std::f64::consts::PI));
        let bend =
            normals(world, e).map_or(1.0, |n| (2.0 * n.1 * PER_RADIAN).clamp(LEAST_BEND, 1.0));
        let plain = |s: &crate::scene::EdgeSide| world.surface(s.face).is_plain();
        let seam = !e.seamless && !world.edges().sides(e).iter().all(plain);
        let power = length(q - p) * if seam { 1.0 } else { bend };
        Self { edge, lo: each(&least), hi: each(&most), axis, opening, power }
    }
}

/// The cone of the normals of two faces that run the same way round; `None` where every point may see a border.
fn normals(world: &World, edge: &Edge) -> Option<(V3, f64)> {
    let [a, b] = world.edges().sides(edge) else { return None };
    let [p, q] = edge.points;
    let normal = |s: &crate::scene::EdgeSide| unit(world.faces[s.face as usize].normal);
    let turns = |s: &crate::scene::EdgeSide| {
        (q - p).cross(world.vertices[s.opposite as usize] - p).dot(normal(s)) > 0.0
    };
    let (m, n) = (normal(a), normal(b));
    let sum = m + n;
    let one_way = turns(a) != turns(b) && length(sum) > 1e-6;
    one_way.then(|| (unit(sum), 0.5 * angle(m, n)))
}

/// The angle between two unit vectors.
fn angle(a: V3, b: V3) -> f64 {
    length(a.cross(b)).atan2(a.dot(b))
}

/// A cone around two cones.
fn joined((a, s): (V3, f64), (b, t): (V3, f64)) -> (V3, f64) {
    let between = angle(a, b);
    if between + t <= s {
        return (a, s);
    }
    if between + s <= t {
        return (b, t);
    }
    let sum = a + b;
    if length(sum) < 1e-6 {
        return (a, std::f64::consts::PI);
    }
    let axis = unit(sum);
    (axis, (angle(axis, a) + s).max(angle(axis, b) + t))
}

impl EdgeTree {
    /// The tree over these edges.
    pub(super) fn new(world: &World, edges: impl Iterator<Item = u32>) -> Self {
        let mut items: Vec<Item> = edges.map(|e| Item::new(world, e)).collect();
        let mut nodes = Vec::with_capacity(items.len());
        if !items.is_empty() {
            split(&mut items, 0, &mut nodes);
        }
        Self { nodes, order: items.into_iter().map(|i| i.edge).collect() }
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
                for (share, e) in shares.iter_mut().zip(edges) {
                    let item = Item::new(world, *e);
                    *share = Node::over(item.lo, item.hi, &item).estimate(x, n);
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

    /// Visits the edges of every leaf that may throw a border into the pyramid.
    #[inline]
    pub(super) fn visit(&self, pyramid: &Pyramid, mut each: impl FnMut(u32)) {
        let mut at = 0;
        let mut stack = [0_u32; 64];
        let mut depth = 0;
        while let Some(node) = self.nodes.get(at) {
            let inside = node.meets(pyramid) && node.may_bend(pyramid.apex);
            if inside && node.count == 0 {
                stack[depth] = node.next;
                depth += 1;
                at += 1;
                continue;
            }
            if inside {
                let first = node.next as usize;
                self.order[first..first + node.count as usize].iter().for_each(|e| each(*e));
            }
            if depth == 0 {
                return;
            }
            depth -= 1;
            at = stack[depth] as usize;
        }
    }
}

/// Appends the node over `items`, which it sorts; they stand at `first` in the tree's order.
fn split(items: &mut [Item], first: usize, nodes: &mut Vec<Node>) {
    let own = nodes.len();
    let (lo, hi) = bounds(items);
    let centre = (lo + hi) * 0.5;
    let half = hi - centre;
    nodes.push(Node {
        centre,
        half,
        axis: V3::unit(0),
        opening: 0.0,
        next: id(first),
        count: 0,
        power: items.iter().map(|i| i.power).sum(),
    });
    let cone = if items.len() <= LEAF {
        nodes[own].count = id(items.len());
        let cones = items.iter().map(|i| (i.axis, i.opening));
        cones.reduce(joined).unwrap_or((V3::unit(0), std::f64::consts::PI))
    } else {
        let middle = items.len() / 2;
        let widest = |k: &usize, l: &usize| half[*k].total_cmp(&half[*l]);
        let axis = (0..3).max_by(widest).unwrap_or(0);
        let along = |i: &Item| i.lo[axis] + i.hi[axis];
        // edges in one place are told apart by their number, so that the tree is the same on every machine
        items.select_nth_unstable_by(middle, |a, b| {
            along(a).total_cmp(&along(b)).then(a.edge.cmp(&b.edge))
        });
        let (left, right) = items.split_at_mut(middle);
        split(left, first, nodes);
        let second = nodes.len();
        nodes[own].next = id(second);
        split(right, first + middle, nodes);
        let of = |n: &Node| (n.axis, n.opening);
        joined(of(&nodes[own + 1]), of(&nodes[second]))
    };
    (nodes[own].axis, nodes[own].opening) = cone;
}

fn bounds(items: &[Item]) -> (V3, V3) {
    let (mut lo, mut hi) = (items[0].lo, items[0].hi);
    for i in items {
        for k in 0..3 {
            lo[k] = lo[k].min(i.lo[k]);
            hi[k] = hi[k].max(i.hi[k]);
        }
    }
    (lo, hi)
}

impl Node {
    /// A node of one edge.
    fn over(lo: V3, hi: V3, item: &Item) -> Self {
        let centre = (lo + hi) * 0.5;
        let &Item { axis, opening, power, .. } = item;
        Self { centre, half: hi - centre, axis, opening, next: 0, count: 1, power }
    }

    /// Estimate of what its edges change of the light at `x` with the normal `n`: power, times a cosine, over the square of the
    /// distance. 0 below the horizon.
    #[inline]
    fn estimate(&self, x: V3, n: V3) -> f64 {
        let from = self.centre - x;
        let reach: f64 = (0..3).map(|k| n[k].abs() * self.half[k]).sum();
        let height = n.dot(from) + reach;
        if height <= 0.0 {
            return 0.0;
        }
        let (d2, r2) = (from.norm_squared(), self.half.norm_squared());
        let far = d2.max(r2);
        self.power * (height / far.sqrt()).clamp(LEAST_COS, 1.0) / far
    }

    /// Whether its box may reach into the pyramid.
    #[inline]
    fn meets(&self, pyramid: &Pyramid) -> bool {
        let from = self.centre - pyramid.apex;
        let reach = |n: V3| {
            n[0].abs() * self.half[0] + n[1].abs() * self.half[1] + n[2].abs() * self.half[2]
        };
        let slack = |n: V3| reach(n) * (1.0 + MARGIN) + MARGIN * n.dot(from).abs();
        let depth = pyramid.depth.dot(from);
        let depth_slack = slack(pyramid.depth);
        depth + depth_slack >= 0.0
            && depth - depth_slack <= 1.0
            && pyramid.planes.iter().all(|n| n.dot(from) + slack(*n) >= 0.0)
    }

    /// Whether some face normal may be across the direction from `x` to some point of the box.
    #[inline]
    fn may_bend(&self, x: V3) -> bool {
        let from = self.centre - x;
        let (d2, r2) = (from.norm_squared(), self.half.norm_squared());
        if r2 >= d2 || self.opening >= std::f64::consts::FRAC_PI_2 {
            return true;
        }
        let spread = self.opening + (r2 / d2).sqrt().asin() + MARGIN;
        if spread >= std::f64::consts::FRAC_PI_2 {
            return true;
        }
        // the angle to the axis is within `spread` of a right one
        let cos = self.axis.dot(from) / d2.sqrt();
        cos.abs() <= spread.sin()
    }
}

#[cfg(test)]
mod tests {
    use cotangent_ad::random::Stream;

    use super::{EdgeTree, Pyramid};
    use crate::geometry::V3;
    use crate::reference::{icosphere_shadow, oblique};
    use crate::scene::World;

    #[test]
    fn no_edge_that_throws_a_border_is_left_out_and_most_others_are() {
        for scene in [icosphere_shadow().scene, oblique()] {
            let world = World::new(&scene);
            let n = world.edges().all.len() as u32;
            let tree = EdgeTree::new(&world, 0..n);
            let stream = Stream::new(&[17]);
            let point = |k: u64, size: f64| {
                V3::from([0, 1, 2].map(|c| size * (2.0 * stream.uniform(3 * k + c) - 1.0)))
            };
            let (mut visited, mut needed) = (0, 0);
            for k in 0..400 {
                let apex = point(2 * k, 2.0);
                let corners =
                    [0, 1, 2].map(|c| V3::from([0.0, 3.0, 0.0]) + point(9000 + 3 * k + c, 1.0));
                let pyramid = pyramid(apex, corners);
                let mut found = vec![false; n as usize];
                tree.visit(&pyramid, |e| found[e as usize] = true);
                for (e, edge) in world.edges().all.iter().enumerate() {
                    let [a, b] = edge.points.map(|p| p - apex);
                    let off = |v: u32| a.cross(b).dot(world.vertices[v as usize] - apex) > 0.0;
                    let sides = world.edges().sides(edge);
                    let throws = sides.iter().all(|s| off(s.opposite) == off(sides[0].opposite));
                    let inside = (0..=50).any(|k| {
                        let q = a + (b - a) * (f64::from(k) / 50.0);
                        let depth = pyramid.depth.dot(q);
                        depth > 0.0 && depth < 1.0 && pyramid.planes.iter().all(|n| n.dot(q) > 0.0)
                    });
                    assert!(!(throws && inside) || found[e], "edge {e} is left out");
                    needed += u32::from(throws && inside);
                    visited += u32::from(found[e]);
                }
            }
            // a tree of a few leaves cannot leave out much
            assert!(needed > 20 && (n < 100 || visited < 400 * n / 10), "{visited} for {needed}");
        }
    }

    fn pyramid(apex: V3, corners: [V3; 3]) -> Pyramid {
        let sides = corners.map(|c| c - apex);
        let normal = (corners[1] - corners[0]).cross(corners[2] - corners[0]);
        let flip = if normal.dot(sides[0]) < 0.0 { 1.0 } else { -1.0 };
        let planes = [0, 1, 2].map(|k| sides[(k + 1) % 3].cross(sides[k]) * flip);
        Pyramid { apex, planes, depth: normal * normal.dot(sides[0]).recip() }
    }
}
