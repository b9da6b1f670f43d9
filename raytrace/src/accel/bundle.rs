//! Rays side by side: those of a pixel, or from its points to a light, meet much the same boxes and triangles, and a processor's vector
//! instructions try one of these with several rays at once (Wald, Slusallek, Benthin & Wagner, EG 2001).
//!
//! A box is tried with all rays of a bundle; where few meet it these go on alone. What is found is, to the bit, what each ray alone
//! finds: the arithmetic with triangles is the same, boxes only decide what is tried at all, and of several hits the one that counts does not depend
//! on the order in which they are met.
#![expect(clippy::inline_always, reason = "the loops take the instruction set of the caller")]
#![expect(
    clippy::needless_bitwise_bool,
    reason = "loops without branches become vector instructions"
)]
#![expect(clippy::float_cmp, reason = "numbers of faces are whole, and ties are ties")]

use pulp::{Arch, NullaryFnOnce};

use super::beam::Beam;
use super::node::{Child, Link, Node, WIDTH};
use super::segment::Segment;
use super::traverse::{Bvh, Hit, STACK};
use super::triangle::{Ray, Triangle};
use crate::geometry::ZERO;

/// The most rays of a bundle.
pub(crate) const RAYS: usize = 64;
/// Lanes come in multiples of this.
const STEP: usize = 8;
/// A subtree that fewer than one in so many rays enter is left to these alone.
const FEW: usize = 8;
/// Of a scene with more nodes, fewer rays that have nothing in common than this are not bundled.
const SMALL: usize = 4;
const MANY: usize = 2 * RAYS;
/// Widens the far end of boxes by more than the rounding of limits and distances.
const FAR: f32 = 1.0 + 12.0 * f32::EPSILON;
/// No face.
const NONE: f64 = -1.0;

/// How much rays have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coherence {
    /// They start or end close to each other.
    Close,
    /// Nothing.
    None,
}

/// Casts rays in bundles, where that gains something. It is used again and again.
#[derive(Debug, Default)]
pub(crate) struct Bundle(Option<Box<Lanes>>);

impl Bundle {
    /// The first hit of every segment, as [`Bvh::closest`] has it.
    pub(crate) fn closest(
        &mut self,
        bvh: &Bvh,
        segments: &[Segment],
        coherence: Coherence,
        hits: &mut Vec<Option<Hit>>,
    ) {
        hits.clear();
        if go_alone(bvh, segments.len(), coherence) {
            hits.extend(segments.iter().map(|s| bvh.first_on(s)));
            return;
        }
        hits.resize(segments.len(), None);
        let each = |number: usize, hit| hits[number] = Some(hit);
        self.lanes().trace::<false>(Arch::new(), bvh, segments, each);
    }

    /// Whether anything is in the way, of every segment.
    pub(crate) fn occluded(&mut self, bvh: &Bvh, segments: &[Segment], hidden: &mut Vec<bool>) {
        hidden.clear();
        if go_alone(bvh, segments.len(), Coherence::Close) {
            hidden.extend(segments.iter().map(|s| bvh.occluded_on(s)));
            return;
        }
        hidden.resize(segments.len(), false);
        let each = |number: usize, _| hidden[number] = true;
        self.lanes().trace::<true>(Arch::new(), bvh, segments, each);
    }

    fn lanes(&mut self) -> &mut Lanes {
        self.0.get_or_insert_with(|| Box::new(Lanes::new()))
    }
}

/// Whether a bundle would gain nothing.
fn go_alone(bvh: &Bvh, count: usize, coherence: Coherence) -> bool {
    count < STEP || (coherence == Coherence::None && count < MANY && bvh.nodes.len() > SMALL)
}

/// Rays of the same main axis side by side, and what was found of each.
#[derive(Debug)]
#[repr(align(64))]
struct Lanes {
    /// Numbers of the rays along each axis, of those that were asked about, and how many there are.
    along: [(Vec<usize>, usize); 3],
    /// Number of each ray of the bundle.
    numbers: [usize; RAYS],
    /// Rays, and lanes: more than rays, so that no vector is cut; no triangle is within the limits of the others.
    count: usize,
    padded: usize,
    /// The main axis last.
    axes: [usize; 3],
    origin: [[f64; RAYS]; 3],
    shear: [[f64; RAYS]; 3],
    near: [f64; RAYS],
    /// Hits must be nearer.
    limit: [f64; RAYS],
    skip: [[f64; RAYS]; 2],
    /// The longest component of the direction.
    length: [f64; RAYS],
    /// Of a hit: face and barycentric coordinates.
    face: [f64; RAYS],
    u: [f64; RAYS],
    v: [f64; RAYS],
    /// Origins rounded up and down, and the reciprocal of the direction whose longest component is 1.
    above: [[f32; RAYS]; 3],
    below: [[f32; RAYS]; 3],
    inverse: [[f32; RAYS]; 3],
    far: [f32; RAYS],
    /// On which side of its three edges rays pass the triangle that was tried last.
    sides: [[f64; RAYS]; 3],
    /// Which rays meet the box that was tried last.
    enters: [u32; RAYS],
}

/// All rays of a bundle through the tree; `ANY` says that any hit will do.
struct Walk<'a, const ANY: bool> {
    lanes: &'a mut Lanes,
    bvh: &'a Bvh,
}

impl<const ANY: bool> NullaryFnOnce for Walk<'_, ANY> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        self.lanes.walk::<ANY>(self.bvh);
    }
}

impl Lanes {
    fn new() -> Self {
        let (doubles, floats) = ([0.0; RAYS], [0.0; RAYS]);
        Self {
            along: Default::default(),
            numbers: [0; RAYS],
            count: 0,
            padded: 0,
            axes: [0, 1, 2],
            origin: [doubles; 3],
            shear: [doubles; 3],
            near: doubles,
            limit: doubles,
            skip: [doubles; 2],
            length: doubles,
            face: doubles,
            u: doubles,
            v: doubles,
            above: [floats; 3],
            below: [floats; 3],
            inverse: [floats; 3],
            far: floats,
            sides: [doubles; 3],
            enters: [0; RAYS],
        }
    }

    /// Bundles of rays of the same main axis, one after the other; `ANY` says that any hit will do.
    fn trace<const ANY: bool>(
        &mut self,
        arch: Arch,
        bvh: &Bvh,
        segments: &[Segment],
        mut each: impl FnMut(usize, Hit),
    ) {
        self.sort(segments);
        for main in 0..3 {
            let mut done = 0;
            while done < self.along[main].1 {
                done += self.load(main, done, segments);
                arch.dispatch(Walk::<ANY> { lanes: self, bvh });
                for k in 0..self.count {
                    if self.face[k] != NONE {
                        each(self.numbers[k], self.hit(k));
                    }
                }
            }
        }
    }

    /// Sorts numbers of rays by main axis.
    fn sort(&mut self, segments: &[Segment]) {
        for (numbers, count) in &mut self.along {
            numbers.resize(numbers.len().max(segments.len()), 0);
            *count = 0;
        }
        for (number, s) in (0..).zip(segments) {
            let (numbers, count) = &mut self.along[Ray::main(s.direction)];
            numbers[*count] = number;
            *count += 1;
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the face's number itself"
    )]
    fn hit(&self, k: usize) -> Hit {
        Hit { face: self.face[k] as u32, t: self.limit[k], uv: [self.u[k], self.v[k]] }
    }

    /// Takes rays of a main axis up to its size, but for those that are `done`; returns how many.
    fn load(&mut self, main: usize, done: usize, segments: &[Segment]) -> usize {
        self.count = RAYS.min(self.along[main].1 - done);
        self.numbers[..self.count].copy_from_slice(&self.along[main].0[done..done + self.count]);
        match main {
            0 => self.gather::<0>(segments),
            1 => self.gather::<1>(segments),
            _ => self.gather::<2>(segments),
        }
        self.padded = self.count.next_multiple_of(STEP);
        for k in self.count..self.padded {
            for c in 0..3 {
                (self.origin[c][k], self.shear[c][k]) = (self.origin[c][0], self.shear[c][0]);
            }
            (self.near[k], self.limit[k]) = (0.0, NONE);
        }
        self.count
    }

    /// Brings its rays side by side.
    fn gather<const MAIN: usize>(&mut self, segments: &[Segment]) {
        self.axes = Ray::axes(MAIN);
        for k in 0..self.count.min(RAYS) {
            let s = &segments[self.numbers[k]];
            for (c, axis) in Ray::axes(MAIN).into_iter().enumerate() {
                self.origin[c][k] = s.origin[axis];
                self.shear[c][k] = s.direction[axis];
            }
            (self.near[k], self.limit[k]) = (s.near, s.far);
            for c in 0..2 {
                self.skip[c][k] = f64::from(s.skip[c]);
            }
        }
    }

    /// Makes of origins and directions what boxes and triangles need.
    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "what rounding loses is added again")]
    fn prepare(&mut self) {
        let lanes = self.padded.min(RAYS);
        for c in 0..3 {
            for k in 0..lanes {
                let origin = self.origin[c][k] as f32;
                let lost = origin.abs() * f32::EPSILON + f32::MIN_POSITIVE;
                (self.above[c][k], self.below[c][k]) = (origin + lost, origin - lost);
            }
        }
        for k in 0..lanes {
            let along = self.shear[2][k];
            self.length[k] = along.abs();
            let sign = 1.0_f64.copysign(along);
            for c in 0..2 {
                self.shear[c][k] /= along;
                // a division in single precision costs a quarter of one in double precision
                self.inverse[c][k] = ((self.shear[c][k] * sign) as f32).recip();
            }
            self.inverse[2][k] = sign as f32;
            self.shear[2][k] = along.recip();
            self.face[k] = NONE;
        }
        self.fit();
    }

    /// Limits as boxes measure them; returns the bits of the greatest, as an integer that grows with it.
    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "what rounding loses is added again")]
    fn fit(&mut self) -> i32 {
        let mut most = i32::MIN;
        for k in 0..self.padded.min(RAYS) {
            let far = (self.limit[k] * self.length[k]) as f32 * FAR + f32::MIN_POSITIVE;
            // below zero where no hit counts any more
            let far = if self.limit[k] < 0.0 { -1.0 } else { far };
            self.far[k] = far;
            most = most.max(far.to_bits().cast_signed());
        }
        most
    }

    /// How many rays meet the box of a child, and the bits of the least distance at which one enters it, which grow with that.
    #[inline(always)]
    fn enter(&mut self, node: &Node, child: usize) -> (u32, u32) {
        let corner = |from: usize| self.axes.map(|axis| node.planes[from + axis][child]);
        let (lo, hi) = (corner(0), corner(3));
        let (mut count, mut first) = (0, u32::MAX);
        for k in 0..self.padded.min(RAYS) {
            let (mut near, mut exit) = (0.0_f32, self.far[k]);
            for c in 0..3 {
                // the origin is rounded away from both: neither is 0 where the ray is within the slab, whose product with infinity
                // would be no number
                let a = (lo[c] - self.above[c][k]) * self.inverse[c][k];
                let b = (hi[c] - self.below[c][k]) * self.inverse[c][k];
                let (enter, leave) = if a < b { (a, b) } else { (b, a) };
                let leave = leave * FAR;
                near = if enter > near { enter } else { near };
                exit = if leave < exit { leave } else { exit };
            }
            let enters = u32::from(near <= exit);
            self.enters[k] = enters;
            count += enters;
            first = first.min(near.to_bits() | enters.wrapping_sub(1));
        }
        (count, first)
    }

    /// Tries a triangle with all rays; whether a limit changed. The arithmetic is that of [`Triangle::intersect`].
    #[inline(always)]
    fn meet<const ANY: bool>(&mut self, triangle: &Triangle) -> bool {
        let [a, b, c] = triangle.corners.map(|p| self.axes.map(|axis| p[axis]));
        let lanes = self.padded.min(RAYS);
        let mut within = 0_u64;
        for k in 0..lanes {
            let [o, s] = [&self.origin, &self.shear].map(|x| [x[0][k], x[1][k], x[2][k]]);
            let (az, bz, cz) = (a[2] - o[2], b[2] - o[2], c[2] - o[2]);
            let (ax, ay) = (a[0] - o[0] - s[0] * az, a[1] - o[1] - s[1] * az);
            let (bx, by) = (b[0] - o[0] - s[0] * bz, b[1] - o[1] - s[1] * bz);
            let (cx, cy) = (c[0] - o[0] - s[0] * cz, c[1] - o[1] - s[1] * cz);
            let u = cx * by - cy * bx;
            let v = ax * cy - ay * cx;
            let w = bx * ay - by * ax;
            (self.sides[0][k], self.sides[1][k], self.sides[2][k]) = (u, v, w);
            let outside = ((u < 0.0) | (v < 0.0) | (w < 0.0)) & ((u > 0.0) | (v > 0.0) | (w > 0.0));
            within |= u64::from(!outside);
        }
        within != 0 && self.take::<ANY>(f64::from(triangle.face), [a[2], b[2], c[2]])
    }

    /// Takes the hits of a triangle that count; its corners have these coordinates along the main axis.
    #[inline(always)]
    fn take<const ANY: bool>(&mut self, face: f64, corners: [f64; 3]) -> bool {
        let mut met = 0_u64;
        for k in 0..self.padded.min(RAYS) {
            let [u, v, w] = [self.sides[0][k], self.sides[1][k], self.sides[2][k]];
            let [az, bz, cz] = corners.map(|z| self.shear[2][k] * (z - self.origin[2][k]));
            let sum = u + v + w;
            let inverse = sum.recip();
            let t = (u * az + v * bz + w * cz) * inverse;
            let outside = ((u < 0.0) | (v < 0.0) | (w < 0.0)) & ((u > 0.0) | (v > 0.0) | (w > 0.0));
            let flat = (sum == 0.0) | !sum.is_finite();
            let limit = self.limit[k];
            let nearer = (t < limit) | ((t == limit) & (face < self.face[k]));
            let skipped = (face == self.skip[0][k]) | (face == self.skip[1][k]);
            let hit = !outside & !flat & (t > self.near[k]) & nearer & !skipped;
            self.limit[k] = if hit { if ANY { NONE } else { t } } else { limit };
            self.face[k] = if hit { face } else { self.face[k] };
            self.u[k] = if hit { v * inverse } else { self.u[k] };
            self.v[k] = if hit { w * inverse } else { self.v[k] };
            met |= u64::from(hit);
        }
        met != 0
    }

    /// Through the tree, near boxes first.
    #[inline(always)]
    fn walk<const ANY: bool>(&mut self, bvh: &Bvh) {
        self.prepare();
        // children that wait, with the bits of the distance at which the first ray enters them
        let mut stack = [(Link::ROOT, 0_u32); STACK];
        let mut depth = 1;
        let mut farthest = i32::MAX;
        while depth > 0 {
            depth -= 1;
            let (link, entered) = stack[depth];
            if entered.cast_signed() > farthest {
                continue;
            }
            match link.child() {
                Child::None => {}
                Child::Node(node) => {
                    let node = &bvh.nodes[node];
                    let bottom = depth;
                    for child in 0..WIDTH {
                        let link = node.links[child];
                        if link.child() == Child::None {
                            continue;
                        }
                        let (count, entered) = self.enter(node, child);
                        if count == 0 {
                            continue;
                        }
                        if count as usize * FEW < self.count {
                            self.alone::<ANY>(bvh, link);
                            farthest = self.fit();
                            continue;
                        }
                        let mut k = depth;
                        while k > bottom && stack[k - 1].1 < entered {
                            stack[k] = stack[k - 1];
                            k -= 1;
                        }
                        stack[k] = (link, entered);
                        depth += 1;
                    }
                }
                Child::Leaf(leaf) => {
                    let mut met = false;
                    for triangle in &bvh.triangles[bvh.leaves.leaf(leaf).range()] {
                        met |= self.meet::<ANY>(triangle);
                    }
                    if met {
                        farthest = self.fit();
                    }
                }
            }
        }
    }

    /// The rays that meet the box that was tried last go through what is in it, one after the other.
    fn alone<const ANY: bool>(&mut self, bvh: &Bvh, link: Link) {
        for k in 0..self.count {
            if self.enters[k] == 0 {
                continue;
            }
            let lane = |x: &[[f64; RAYS]; 3]| [x[0][k], x[1][k], x[2][k]];
            let ray = Ray::sheared_by(self.axes, lane(&self.origin), lane(&self.shear));
            let mut direction = ZERO;
            (0..2).for_each(|c| direction[self.axes[c]] = ray.shear[c]);
            direction[self.axes[2]] = 1.0;
            let beam =
                Beam::new(ray.origin, direction * self.length[k].copysign(ray.shear[2]), self.axes);
            let ray = || ray;
            let range = [self.near[k], self.limit[k]];
            let skip = [self.skip[0][k], self.skip[1][k]];
            let skip = |face: u32| skip.contains(&f64::from(face));
            if ANY {
                if bvh.any(link, (ray, &beam), range, skip) {
                    (self.limit[k], self.face[k]) = (NONE, 0.0);
                }
                continue;
            }
            let known = (self.face[k] != NONE).then(|| self.hit(k));
            if let Some(hit) = bvh.nearest(link, (ray, &beam), range, known, skip) {
                (self.limit[k], self.face[k]) = (hit.t, f64::from(hit.face));
                [self.u[k], self.v[k]] = hit.uv;
            }
        }
    }
}

#[cfg(test)]
mod tests;
