//! Rays through the tree: the closest hit, and whether anything is in the way.
#![expect(clippy::inline_always, reason = "the walk takes the instruction set of its caller")]

use pulp::Arch;

use super::beam::Beam;
use super::bounds::Bounds;
use super::build::build;
use super::leaf::{Leaves, bounds};
use super::node::{Child, Link, Node, WIDTH};
use super::octet::{EIGHT, Octet, Task, dispatch};
use super::segment::Segment;
use super::triangle::{Ray, Triangle};
use crate::geometry::V3;

/// Most children that wait: all but one of each node on the way down, which has no more nodes than `build` bounds.
pub(super) const STACK: usize = (WIDTH - 1) * 64 + WIDTH;

/// Most that wait in nearly all trees: to clear more would take longer than the walk.
const FEW: usize = 48;

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
    pub(super) leaves: Leaves,
    /// In the order of the leaves.
    pub(super) triangles: Vec<Triangle>,
}

impl Bvh {
    /// The tree over these triangles.
    pub fn new(corners: &[[V3; 3]]) -> Self {
        let (nodes, leaves, triangles) = build(corners);
        Self { nodes, leaves, triangles }
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
                    Child::Leaf(leaf) => {
                        self.leaves.refit(leaf, &self.triangles);
                        bounds(&self.triangles[self.leaves.leaf(leaf).range()])
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
        let axes = Ray::axes(Ray::main(direction));
        let beam = Beam::new(origin, direction, axes);
        let ray = || Ray::new(origin, direction);
        self.nearest(Link::ROOT, (ray, &beam), [0.0, far], None, skip)
    }

    /// The first hit within a subtree and a range; of a hit that is known already, the nearer one.
    #[inline(always)]
    pub(super) fn nearest(
        &self,
        root: Link,
        (ray, beam): (impl Fn() -> Ray, &Beam),
        [near, limit]: [f64; 2],
        known: Option<Hit>,
        skip: impl Fn(u32) -> bool,
    ) -> Option<Hit> {
        let mut nearest = Nearest {
            bvh: self,
            ray,
            near,
            limit,
            best: known,
            count: 0,
            waiting: [(0, 0, 0.0); WAIT],
        };
        let mut far = self.walk::<false>(
            (root, beam),
            [near, limit],
            #[inline(always)]
            |candidate, far| {
                if !skip(candidate.face) {
                    nearest.take(&candidate, beam, far);
                }
                false
            },
        );
        nearest.settle(beam, &mut far.1);
        nearest.best
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
                    Child::Leaf(leaf) => {
                        let range = self.leaves.leaf(leaf).range();
                        self.triangles[range].iter().for_each(|t| each(t.face));
                    }
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
        let axes = Ray::axes(Ray::main(direction));
        let beam = Beam::new(origin, direction, axes);
        self.any(Link::ROOT, (|| Ray::new(origin, direction), &beam), [near, far], skip)
    }

    /// Whether a face of a subtree is met within a range.
    #[inline(always)]
    pub(super) fn any(
        &self,
        root: Link,
        (ray, beam): (impl Fn() -> Ray, &Beam),
        [near, limit]: [f64; 2],
        skip: impl Fn(u32) -> bool,
    ) -> bool {
        let within = beam.within(limit);
        let (stopped, _) = self.walk::<true>(
            (root, beam),
            [near, limit],
            #[inline(always)]
            |candidate, _| {
                if skip(candidate.face) {
                    return false;
                }
                if candidate.certain && candidate.to < within {
                    return true;
                }
                let hit = self.triangle(candidate.place, candidate.number).intersect(&ray());
                hit.is_some_and(|[t, ..]| t > near && t < limit)
            },
        );
        stopped
    }

    /// [`Self::occluded`] of a segment.
    pub(super) fn occluded_on(&self, s: &Segment) -> bool {
        self.occluded(s.origin, s.direction, s.near, s.far, |f| s.skip.contains(&f))
    }

    /// The first hit on a segment that begins where its ray does.
    pub(super) fn first_on(&self, s: &Segment) -> Option<Hit> {
        self.first(s.origin, s.direction, s.far, |f| s.skip.contains(&f))
    }

    /// Asks for a node or leaf that will be visited soon.
    #[inline(always)]
    fn fetch<O: Octet>(&self, o: O, link: Link) {
        match link.child() {
            Child::None => {}
            Child::Node(node) => {
                if let Some(node) = self.nodes.get(node) {
                    (0..6).step_by(2).for_each(
                        #[inline(always)]
                        |k| o.fetch(&node.planes[k]),
                    );
                    o.fetch(&node.links);
                }
            }
            Child::Leaf(leaf) => self.leaves.fetch(o, leaf),
        }
    }

    /// A triangle of a leaf.
    #[inline(always)]
    fn triangle(&self, place: usize, number: usize) -> Triangle {
        let leaf = self.leaves.leaf(place);
        leaf.exact(number).unwrap_or_else(|| self.triangles[leaf.range().start + number])
    }

    /// Visits triangles of a subtree that the ray may meet within its limits, those of near boxes first, until `visit` says stop; it may
    /// shorten the far one. Whether it was stopped, and the far limit. `ANY` says that no order is asked for.
    #[inline(always)]
    fn walk<const ANY: bool>(
        &self,
        (root, beam): (Link, &Beam),
        [near, far]: [f64; 2],
        visit: impl FnMut(Candidate, &mut f32) -> bool,
    ) -> (bool, f32) {
        let limits = [beam.far(near), beam.far(far)];
        let mut walk = Walk::<_, ANY> { bvh: self, root, beam, limits, visit };
        // by reference: to move what has just been written would wait until it is in the cache
        let stopped = dispatch(Arch::new(), &mut walk);
        (stopped, walk.limits[1])
    }
}

/// A triangle that a ray may meet, and between which distances it would.
#[derive(Clone, Copy)]
struct Candidate {
    /// Of its leaf, and which of it.
    place: usize,
    number: usize,
    face: u32,
    /// It does meet it.
    certain: bool,
    from: f32,
    to: f32,
}

/// Most triangles that wait for the test in double precision.
const WAIT: usize = 6;

/// The search for the first hit. Triangles that are met for certain shorten it at once; only when it has ended are those that may be
/// first tried in double precision, nearly always one. To fetch its corners takes as long as several nodes.
struct Nearest<'a, R> {
    bvh: &'a Bvh,
    ray: R,
    near: f64,
    limit: f64,
    best: Option<Hit>,
    count: usize,
    /// Leaves, triangles of these, and from where on each may be met.
    waiting: [(usize, usize, f32); WAIT],
}

impl<R: Fn() -> Ray> Nearest<'_, R> {
    #[inline(always)]
    fn take(&mut self, candidate: &Candidate, beam: &Beam, far: &mut f32) {
        if self.count == WAIT {
            self.settle(beam, far);
        }
        self.waiting[self.count] = (candidate.place, candidate.number, candidate.from);
        self.count += 1;
        if candidate.certain && candidate.to < *far {
            *far = candidate.to;
        }
    }

    /// Tries those that wait and may be nearer than `far`.
    #[inline(never)]
    fn settle(&mut self, beam: &Beam, far: &mut f32) {
        if self.count == 0 {
            return;
        }
        let ray = (self.ray)();
        for k in 0..self.count {
            let (place, number, from) = self.waiting[k];
            if from > *far {
                continue;
            }
            let triangle = self.bvh.triangle(place, number);
            if let Some([t, u, v]) = triangle.intersect(&ray)
                && t > self.near
                && (t < self.limit || self.best.is_some_and(|b| t <= b.t && triangle.face < b.face))
            {
                self.limit = t;
                self.best = Some(Hit { face: triangle.face, t, uv: [u, v] });
                let nearer = beam.far(t);
                *far = if nearer < *far { nearer } else { *far };
            }
        }
        self.count = 0;
    }
}

/// One ray through a tree.
struct Walk<'a, V, const ANY: bool> {
    bvh: &'a Bvh,
    root: Link,
    beam: &'a Beam,
    limits: [f32; 2],
    visit: V,
}

impl<V: FnMut(Candidate, &mut f32) -> bool, const ANY: bool> Task for &mut Walk<'_, V, ANY> {
    type Output = bool;

    #[inline(always)]
    fn run<O: Octet>(self, octet: O) -> bool {
        let mut few = [(Link::ROOT, 0.0_f32); FEW];
        self.within(octet, &mut few).unwrap_or_else(|| {
            let mut most = vec![(Link::ROOT, 0.0_f32); STACK];
            self.within(octet, &mut most).expect("no tree is deeper than its builder allows")
        })
    }
}

impl<V: FnMut(Candidate, &mut f32) -> bool, const ANY: bool> Walk<'_, V, ANY> {
    /// With this place for children that wait, and where the ray enters their boxes; `None` where that does not suffice.
    /// Triangles that were visited by then are visited again, which changes nothing: they are no nearer.
    #[inline(always)]
    fn within<O: Octet>(&mut self, o: O, stack: &mut [(Link, f32)]) -> Option<bool> {
        let mut depth = 0;
        let mut link = self.root;
        loop {
            match link.child() {
                Child::None => {}
                Child::Node(node) => {
                    let node = &self.bvh.nodes[node];
                    let (met, enter) = self.beam.enter(o, node, self.limits[1]);
                    if depth + WIDTH > stack.len() {
                        return None;
                    }
                    if met.is_power_of_two() {
                        link = node.links[met.trailing_zeros() as usize % WIDTH];
                        self.bvh.fetch(o, link);
                        continue;
                    }
                    depth = self.push::<O>(o, stack, depth, (&node.links, met, &enter));
                }
                Child::Leaf(leaf) => {
                    if self.try_leaf(o, leaf) {
                        return Some(true);
                    }
                }
            }
            loop {
                if depth == 0 {
                    return Some(false);
                }
                depth -= 1;
                if ANY || stack[depth].1 <= self.limits[1] {
                    break;
                }
            }
            link = stack[depth].0;
        }
    }

    /// Lets the children wait that are met, the nearest on top where an order is asked for; how many wait then.
    #[inline(always)]
    fn push<O: Octet>(
        &self,
        o: O,
        stack: &mut [(Link, f32)],
        bottom: usize,
        (links, mut met, enter): (&[Link; WIDTH], u32, &[f32; WIDTH]),
    ) -> usize {
        let mut depth = bottom;
        while met != 0 {
            let c = met.trailing_zeros() as usize % WIDTH;
            met &= met - 1;
            let mut k = depth;
            while !ANY && k > bottom && stack[k - 1].1 < enter[c] {
                stack[k] = stack[k - 1];
                k -= 1;
            }
            stack[k] = (links[c], enter[c]);
            self.bvh.fetch(o, links[c]);
            depth += 1;
        }
        depth
    }

    /// Visits the triangles of a leaf that may be met; whether it was stopped.
    #[inline(always)]
    fn try_leaf<O: Octet>(&mut self, o: O, place: usize) -> bool {
        let leaf = self.bvh.leaves.leaf(place);
        let met = self.beam.candidates(o, &leaf, self.limits);
        let mut possible = met.possible;
        if possible == 0 {
            return false;
        }
        let (from, to) = (o.store(met.from), o.store(met.to));
        while possible != 0 {
            let k = possible.trailing_zeros() as usize % EIGHT;
            possible &= possible - 1;
            let candidate = Candidate {
                place,
                number: k,
                face: leaf.face(k),
                certain: met.certain >> k & 1 == 1,
                from: from[k],
                to: to[k],
            };
            if (self.visit)(candidate, &mut self.limits[1]) {
                return true;
            }
        }
        false
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
            // leaves hold these as they are
            let single = |p: V3| V3::from(p.0.map(|x| f64::from(x as f32)));
            let corners: Vec<[V3; 3]> = corners.iter().map(|c| c.map(single)).collect();
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
    fn the_tree_is_the_same_on_any_number_of_threads() {
        // more than one thread builds alone
        let corners = soup(30_000, 0.02);
        let built = [1, 2, 3].map(|threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            let bvh = pool.expect("a pool of threads").install(|| Bvh::new(&corners));
            let order: Vec<u32> = bvh.triangles.iter().map(|t| t.face).collect();
            (format!("{:?}", bvh.nodes), order)
        });
        assert!(built[0].0 == built[1].0 && built[0].0 == built[2].0);
        assert!(built[0].1 == built[1].1 && built[0].1 == built[2].1);
        let mut faces = built[0].1.clone();
        faces.sort_unstable();
        assert!(faces.into_iter().eq(0..30_000));
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
