//! Rays through the tree: the closest hit, and whether anything is in the way.

use super::bounds::Bounds;
use super::build::build;
use super::bundle::Segment;
use super::node::{Child, Link, Node, Slabs, WIDTH, collapse};
use super::triangle::{Ray, Triangle};
use crate::geometry::V3;

/// Most children that wait: all but one of each node on the way down, which has no more nodes than `build` bounds.
pub(super) const STACK: usize = (WIDTH - 1) * 64 + WIDTH;

/// Most that wait in nearly all trees: to clear more would take longer than the walk.
const FEW: usize = 32;

/// Where a ray meets a face.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hit {
    /// The face.
    pub face: u32,
    /// Distance in multiples of the direction.
    pub t: f64,
    /// Barycentric coordinates of the second and third corner.
    pub uv: [f64; 2],
}

impl Hit {
    /// Barycentric coordinates of the three corners.
    #[inline]
    pub(crate) fn barycentric(&self) -> [f64; 3] {
        [1.0 - self.uv[0] - self.uv[1], self.uv[0], self.uv[1]]
    }
}

/// A bounding volume hierarchy over triangles.
#[derive(Clone, Debug)]
pub struct Bvh {
    pub(super) nodes: Vec<Node>,
    pub(super) triangles: Vec<Triangle>,
}

impl Bvh {
    /// The tree over these triangles.
    pub fn new(corners: &[[V3; 3]]) -> Self {
        let boxes: Vec<Bounds> = corners.iter().map(|c| Bounds::of(c)).collect();
        let (built, order) = build(&boxes);
        let triangles = order.iter().map(|f| Triangle::new(corners[*f as usize], *f)).collect();
        let nodes = collapse(&built, &boxes);
        Self { nodes, triangles }
    }

    /// The same tree with its boxes fitted to moved triangles, in the order they were given to [`Bvh::new`].
    ///
    /// # Panics
    /// Where their number differs.
    pub fn refit(&mut self, corners: &[[V3; 3]]) {
        assert_eq!(
            corners.len(),
            self.triangles.len(),
            "as many triangles as the tree was built over"
        );
        for t in &mut self.triangles {
            *t = Triangle::new(corners[t.face as usize], t.face);
        }
        // children stand behind their parents
        for n in (0..self.nodes.len()).rev() {
            for c in 0..WIDTH {
                let bounds = match self.nodes[n].child(c) {
                    Child::None => continue,
                    Child::Leaf(range) => {
                        let faces = self.triangles[range].iter();
                        faces.fold(Bounds::empty(), |b, t| {
                            b.union(&Bounds::of(&corners[t.face as usize]))
                        })
                    }
                    Child::Node(child) => self.nodes[child].bounds(),
                };
                self.nodes[n].set_box(c, &bounds);
            }
        }
    }

    /// The first hit with `0 < t < far`; of hits at the same distance the one with the least face.
    pub fn closest(&self, origin: V3, direction: V3, far: f64) -> Option<Hit> {
        self.first(origin, direction, far, |_| false)
    }

    /// The first hit with `t > 0` of another face than `face`, on which the origin lies.
    pub(crate) fn closest_but(&self, origin: V3, direction: V3, face: u32) -> Option<Hit> {
        self.first(origin, direction, f64::INFINITY, |f| f == face)
    }

    /// The first hit with `t > 0` of a face that `skip` does not name.
    pub(crate) fn closest_beyond(
        &self,
        origin: V3,
        direction: V3,
        skip: impl Fn(u32) -> bool,
    ) -> Option<Hit> {
        self.first(origin, direction, f64::INFINITY, skip)
    }

    #[inline]
    fn first(
        &self,
        origin: V3,
        direction: V3,
        far: f64,
        skip: impl Fn(u32) -> bool,
    ) -> Option<Hit> {
        let slabs = Slabs::new(origin, direction);
        let ray = Ray::new(origin, direction);
        let mut best: Option<Hit> = None;
        let mut limit = far;
        self.walk(Link::ROOT, &slabs, &mut limit, |triangle, limit| {
            if let Some([t, u, v]) = triangle.intersect(&ray)
                && t > 0.0
                && (t < *limit || best.is_some_and(|b| t <= b.t && triangle.face < b.face))
                && !skip(triangle.face)
            {
                *limit = t;
                best = Some(Hit { face: triangle.face, t, uv: [u, v] });
            }
            false
        });
        best
    }

    /// Visits all faces of leaves whose boxes meet a box.
    pub(crate) fn overlapping(&self, bounds: &Bounds, mut each: impl FnMut(u32)) {
        let mut stack = vec![0_usize];
        while let Some(at) = stack.pop() {
            let node = &self.nodes[at];
            for c in (0..WIDTH).filter(|c| node.meets(*c, bounds)) {
                match node.child(c) {
                    Child::None => {}
                    Child::Node(child) => stack.push(child),
                    Child::Leaf(range) => self.triangles[range].iter().for_each(|t| each(t.face)),
                }
            }
        }
    }

    /// Whether a face that `skip` does not name meets `origin + t direction` for `near < t < far`.
    pub fn occluded(
        &self,
        origin: V3,
        direction: V3,
        near: f64,
        far: f64,
        skip: impl Fn(u32) -> bool,
    ) -> bool {
        let mut limit = far;
        let ray = Ray::new(origin, direction);
        self.walk(Link::ROOT, &Slabs::new(origin, direction), &mut limit, |triangle, _| {
            triangle
                .intersect(&ray)
                .is_some_and(|[t, ..]| t > near && t < far && !skip(triangle.face))
        })
    }

    /// [`Self::occluded`] of a segment.
    pub(super) fn occluded_on(&self, s: &Segment) -> bool {
        self.occluded(s.origin, s.direction, s.near, s.far, |f| s.skip.contains(&f))
    }

    /// The first hit on a segment that begins where its ray does.
    pub(super) fn first_on(&self, s: &Segment) -> Option<Hit> {
        self.first(s.origin, s.direction, s.far, |f| s.skip.contains(&f))
    }

    /// Visits triangles of a subtree, those of near boxes first, until `visit` says stop; it may shorten the limit. Whether it was
    /// stopped.
    #[inline]
    pub(super) fn walk(
        &self,
        root: Link,
        slabs: &Slabs,
        limit: &mut f64,
        mut visit: impl FnMut(&Triangle, &mut f64) -> bool,
    ) -> bool {
        let mut few = [(Link::ROOT, 0.0_f32); FEW];
        let stopped = self.walk_within(&mut few, root, slabs, limit, &mut visit);
        stopped.unwrap_or_else(|| {
            let mut most = [(Link::ROOT, 0.0_f32); STACK];
            let stopped = self.walk_within(&mut most, root, slabs, limit, &mut visit);
            stopped.expect("no tree is deeper than its builder allows")
        })
    }

    /// The same with this place for children that wait, and where the ray enters their boxes; `None` where that does not suffice.
    /// Triangles that were visited by then are visited again, which changes nothing: they are no nearer.
    #[inline]
    fn walk_within(
        &self,
        stack: &mut [(Link, f32)],
        root: Link,
        slabs: &Slabs,
        limit: &mut f64,
        mut visit: impl FnMut(&Triangle, &mut f64) -> bool,
    ) -> Option<bool> {
        let mut depth = 0;
        let mut at = root;
        let mut far = slabs.far(*limit);
        loop {
            match at.child() {
                Child::None => {}
                Child::Node(node) => {
                    let node = &self.nodes[node];
                    let bottom = depth;
                    let enter = slabs.enter(node, far);
                    if depth + WIDTH > stack.len() {
                        return None;
                    }
                    for c in 0..WIDTH {
                        if enter[c] == f32::INFINITY {
                            continue;
                        }
                        // the nearest ends on top
                        let mut k = depth;
                        while k > bottom && stack[k - 1].1 < enter[c] {
                            stack[k] = stack[k - 1];
                            k -= 1;
                        }
                        stack[k] = (node.links[c], enter[c]);
                        depth += 1;
                    }
                }
                Child::Leaf(range) => {
                    for triangle in &self.triangles[range] {
                        if visit(triangle, limit) {
                            return Some(true);
                        }
                    }
                    far = slabs.far(*limit);
                }
            }
            loop {
                if depth == 0 {
                    return Some(false);
                }
                depth -= 1;
                if stack[depth].1 <= far {
                    break;
                }
            }
            at = stack[depth].0;
        }
    }
}

#[cfg(test)]
mod tests {
    use cotangent_ad::random::Stream;

    use super::{Bvh, Hit, Ray, Triangle};
    use crate::geometry::V3;

    fn point(stream: &Stream, k: u64) -> V3 {
        V3::from([0, 1, 2].map(|c| 2.0 * stream.uniform(3 * k + c) - 1.0))
    }

    /// Small triangles; every fifth lies in a plane of the axes, where slabs have no thickness.
    fn soup(n: u64, size: f64) -> Vec<[V3; 3]> {
        let stream = Stream::new(&[7, n]);
        let triangle = |k: u64| {
            let centre = point(&stream, 4 * k);
            let mut corners = [1, 2, 3].map(|c| centre + point(&stream, 4 * k + c) * size);
            if k.is_multiple_of(5) {
                corners.iter_mut().for_each(|c| c[(k % 3) as usize] = 0.25);
            }
            corners
        };
        (0..n).map(triangle).collect()
    }

    fn brute(corners: &[[V3; 3]], origin: V3, direction: V3) -> Option<Hit> {
        let hits = corners.iter().enumerate().filter_map(|(f, c)| {
            let [t, u, v] = Triangle::new(*c, f as u32).intersect(&Ray::new(origin, direction))?;
            (t > 0.0).then_some(Hit { face: f as u32, t, uv: [u, v] })
        });
        hits.min_by(|a, b| a.t.total_cmp(&b.t).then(a.face.cmp(&b.face)))
    }

    fn agrees(bvh: &Bvh, corners: &[[V3; 3]], rays: u64) -> usize {
        let stream = Stream::new(&[11]);
        let mut hits = 0;
        for k in 0..rays {
            let origin = point(&stream, 2 * k) * 1.5;
            let mut direction = point(&stream, 2 * k + 1);
            if k % 7 == 0 {
                direction[(k % 3) as usize] = 0.0; // along a slab
            }
            let expected = brute(corners, origin, direction);
            assert_eq!(bvh.closest(origin, direction, f64::INFINITY), expected);
            hits += usize::from(expected.is_some());
            if let Some(hit) = expected {
                let to = |far: f64, skip| bvh.occluded(origin, direction, 0.0, far, |f| f == skip);
                assert!(to(hit.t * 1.0001, u32::MAX) && !to(hit.t, u32::MAX));
                let others: Vec<_> =
                    corners.iter().enumerate().filter(|(f, _)| *f as u32 != hit.face).collect();
                let behind = |(_, c): &(usize, &[V3; 3])| {
                    let found = Triangle::new(**c, 0).intersect(&Ray::new(origin, direction));
                    found.is_some_and(|[t, ..]| t > 0.0 && t < 2.0 * hit.t)
                };
                assert_eq!(to(2.0 * hit.t, hit.face), others.iter().any(behind));
            }
        }
        hits
    }

    #[test]
    fn hits_are_those_of_brute_force() {
        for (n, size, rays) in [(1, 1.0, 4000), (3, 1.0, 2000), (700, 0.1, 2000)] {
            let corners = soup(n, size);
            assert!(agrees(&Bvh::new(&corners), &corners, rays) > 10, "{n} triangles");
        }
    }

    #[test]
    fn coinciding_triangles_are_found_and_the_least_face_wins() {
        let corners = vec![soup(2, 1.0)[1]; 300];
        let bvh = Bvh::new(&corners);
        assert!(agrees(&bvh, &corners, 2000) > 10);
    }

    #[test]
    fn no_ray_leaks_through_an_edge_or_a_vertex_of_a_closed_mesh() {
        let mesh = crate::reference::icosphere([0.3, -0.2, 0.7], 1.3, 3);
        let corner = |v: u32| mesh.vertices()[v as usize];
        let corners: Vec<[V3; 3]> = mesh.faces().iter().map(|f| f.map(corner)).collect();
        let bvh = Bvh::new(&corners);
        let stream = Stream::new(&[13]);
        let mut crossings = [0_u32; 2];
        for (k, [a, b, _]) in corners.iter().cycle().take(40_000).enumerate() {
            let from = V3::from([0.3, -0.2, 0.7]) + point(&stream, k as u64) * 0.6;
            let part = if k % 3 == 0 { 0.0 } else { stream.uniform(1_000_000 + k as u64) };
            let direction = *a + (*b - *a) * part - from;
            crossings[0] += u32::from(bvh.closest(from, direction, f64::INFINITY).is_some());
            crossings[1] += u32::from(bvh.occluded(from, direction, 0.0, f64::INFINITY, |_| false));
        }
        assert_eq!(crossings, [40_000; 2]);
    }

    #[test]
    fn a_refitted_tree_answers_as_a_new_one() {
        let before = soup(500, 0.1);
        let mut bvh = Bvh::new(&before);
        let turn = |p: &V3| V3::from([p[1] + 0.2, -p[0], 1.1 * p[2]]);
        let after: Vec<[V3; 3]> = before.iter().map(|c| [0, 1, 2].map(|k| turn(&c[k]))).collect();
        bvh.refit(&after);
        assert!(agrees(&bvh, &after, 2000) > 100);
    }
}
