//! A ray in single precision, as boxes and leaves see it.
//!
//! Where it says no, the test in double precision says no as well. For boxes: the origin is rounded twice, up where boxes begin and down where
//! they end, and what is left is relative: four roundings in each distance, for which the far end is widened (Ize, JCGT 2(2), 2013).
//!
//! For triangles: let `r` be the unit roundoff, `c` the greatest coordinate of a leaf, `o` that of the origin, `e` the leaf's extent. A sheared
//! corner is off by at most `d = 12 r (c + o)`. A ray that meets the leaf's box passes every corner within `2 e`, so that an edge function, two
//! products of such corners, is off by less than `8 d e + 2 d^2` from what it was made of and by `4 d e + 2 d^2` from its own roundings,
//! since `2 r e <= 4 r c`. A triangle is left out where one edge function is below `-14 d (d + e)` and another above its opposite, or where
//! all corners are farther away than the limit, or behind the origin, by more than `d`. It is met for certain where all three are beyond
//! that bound on the same side, and all corners are in front of the origin by more than `d`.
#![expect(clippy::inline_always, reason = "the tests take the instruction set of the caller")]

use super::leaf::Leaf;
use super::node::{Node, WIDTH};
use super::octet::Octet;
use crate::geometry::V3;

/// Widens the far end of boxes by more than four roundings of both distances, and that of limits by more than theirs.
const FAR: f32 = 1.0 + 12.0 * f32::EPSILON;
/// Of a sheared corner's error, in sums of coordinates.
const CORNER: f32 = 6.0 * f32::EPSILON;
/// Longest components of directions that are taken as they are.
const MODERATE: std::ops::Range<f64> = 1e-12..1e12;
/// Up to here edge functions stay in range.
const LARGEST: f32 = 1e18;
/// Of an edge function's error, in errors of corners times extents.
const EDGE: f32 = 14.0;

/// A ray in single precision. Distances are in multiples of the direction, or of that whose longest component is 1 where they would leave the
/// range else. (To divide by that always would be a division more before the first box can be tried.)
#[derive(Clone, Copy, Debug)]
pub(super) struct Beam {
    /// The origin as seen from the planes where the ray enters boxes, and where it leaves them.
    enters: [f32; 3],
    leaves: [f32; 3],
    inverse: [f32; 3],
    /// The same, by so much longer that the far end is widened.
    widened: [f32; 3],
    /// Along which axes it goes to smaller coordinates.
    backwards: [bool; 3],
    /// A multiple of the given direction in these distances.
    length: f64,
    /// The origin by the axes of the ray, its greatest coordinate, and the shear.
    origin: [f32; 3],
    reach: f32,
    shear: [f32; 2],
    /// Distance by the coordinate along the main axis.
    stretch: f32,
    axes: [usize; 3],
}

/// What is known of the triangles of a leaf: bits for those that the ray may meet, and for those that it meets if it is long enough;
/// and the distances between which it meets them.
pub(super) struct Candidates<O: Octet> {
    pub(super) possible: u32,
    pub(super) certain: u32,
    pub(super) from: O::Numbers,
    pub(super) to: O::Numbers,
}

impl Beam {
    /// Of a ray by origin and direction, whose main axis stands last of these.
    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "what rounding loses is added again")]
    pub(super) fn new(origin: V3, direction: V3, axes: [usize; 3]) -> Self {
        let along = direction[axes[2]];
        let inverse = along.recip();
        let moderate = MODERATE.contains(&along.abs());
        let (length, scale) = if moderate { (1.0, 1.0) } else { (along.abs(), inverse.abs()) };
        let (mut enters, mut leaves) = ([0.0; 3], [0.0; 3]);
        let (mut steps, mut backwards) = ([0.0; 3], [false; 3]);
        let mut reach = 0.0;
        for k in 0..3 {
            let own = origin[k] as f32;
            steps[k] = ((direction[k] * scale) as f32).recip();
            let lost = (own.abs() * f32::EPSILON + f32::MIN_POSITIVE).copysign(steps[k]);
            (enters[k], leaves[k]) = (own + lost, own - lost);
            backwards[k] = steps[k].is_sign_negative();
            reach = if own.abs() > reach { own.abs() } else { reach };
        }
        let place = [origin[axes[0]] as f32, origin[axes[1]] as f32, origin[axes[2]] as f32];
        // no number where the reciprocal of the direction is none: then nothing is left out
        let sheared = |k: usize| (direction[axes[k]] * inverse) as f32;
        let shear = [sheared(0), sheared(1)].map(|s| if s.abs() <= 1.001 { s } else { f32::NAN });
        Self {
            enters,
            leaves,
            inverse: steps,
            widened: steps.map(|x| x * FAR),
            backwards,
            length,
            origin: place,
            reach,
            shear,
            stretch: (inverse * length) as f32,
            axes,
        }
    }

    /// A limit in multiples of the direction, as boxes measure it.
    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "what rounding loses is added again")]
    pub(super) fn far(&self, limit: f64) -> f32 {
        (limit * self.length) as f32 * FAR + f32::MIN_POSITIVE
    }

    /// A distance that no limit exceeds, as boxes measure it.
    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "more than rounding is taken off")]
    pub(super) fn within(&self, limit: f64) -> f32 {
        (limit * self.length) as f32 * (2.0 - FAR) - f32::MIN_POSITIVE
    }

    /// Which children's boxes it meets within `(0, far)`, and where it enters each.
    #[inline(always)]
    pub(super) fn enter<O: Octet>(&self, o: O, node: &Node, far: f32) -> (u32, [f32; WIDTH]) {
        let (a, b) = (self.slab(o, node, 0), self.slab(o, node, 1));
        let c = self.slab(o, node, 2);
        // a ray within a slab's plane may give 0 * inf = NaN, of which the second number is taken, and the last is one
        let near = o.greater(o.greater(a.0, b.0), o.greater(c.0, o.all(0.0)));
        let exit = o.lesser(o.lesser(a.1, b.1), o.lesser(c.1, o.all(far)));
        (o.at_most(near, exit), o.store(near))
    }

    /// Where it enters and leaves the children's slabs along an axis.
    #[inline(always)]
    fn slab<O: Octet>(&self, o: O, node: &Node, k: usize) -> (O::Numbers, O::Numbers) {
        let after = 3 * usize::from(self.backwards[k]);
        let first = o.sub(o.load(&node.planes[k + after]), o.all(self.enters[k]));
        let last = o.sub(o.load(&node.planes[k + 3 - after]), o.all(self.leaves[k]));
        (o.mul(first, o.all(self.inverse[k])), o.mul(last, o.all(self.widened[k])))
    }

    /// Which triangles of a leaf it may meet within `(near, far)`.
    #[inline(always)]
    pub(super) fn candidates<O: Octet>(
        &self,
        o: O,
        leaf: &Leaf,
        [near, far]: [f32; 2],
    ) -> Candidates<O> {
        let reach = leaf.reach() + self.reach;
        let corner = CORNER * reach + f32::MIN_POSITIVE;
        let edge = EDGE * corner * (corner + leaf.extent()) + f32::MIN_POSITIVE;
        // beyond, products overflow and say nothing
        let edge = if reach < LARGEST { edge } else { f32::NAN };
        let origin = [o.all(self.origin[0]), o.all(self.origin[1]), o.all(self.origin[2])];
        let shear = [o.all(self.shear[0]), o.all(self.shear[1])];
        let [ax, ay, az] = self.seen(o, leaf, 0, origin, shear);
        let [bx, by, bz] = self.seen(o, leaf, 1, origin, shear);
        let [cx, cy, cz] = self.seen(o, leaf, 2, origin, shear);
        let u = o.sub(o.mul(cx, by), o.mul(cy, bx));
        let v = o.sub(o.mul(ax, cy), o.mul(ay, cx));
        let w = o.sub(o.mul(bx, ay), o.mul(by, ax));
        let least = o.lesser(o.lesser(u, v), w);
        let most = o.greater(o.greater(u, v), w);
        let outside = o.at_most(least, o.all(-edge)) & o.at_most(o.all(edge), most);
        let inside = o.at_most(o.all(edge), least) | o.at_most(most, o.all(-edge));
        let stretch = o.all(self.stretch);
        let (az, bz, cz) = (o.mul(az, stretch), o.mul(bz, stretch), o.mul(cz, stretch));
        let margin = o.all(corner * self.stretch.abs() + f32::MIN_POSITIVE);
        let from = o.sub(o.lesser(o.lesser(az, bz), cz), margin);
        let to = o.add(o.greater(o.greater(az, bz), cz), margin);
        let beyond = o.at_most(o.all(far), from);
        let behind = o.at_most(to, o.all(0.0));
        let ahead = o.at_most(o.all(near), from);
        let possible = leaf.all() & !(outside | beyond | behind);
        Candidates { possible, certain: inside & ahead, from, to }
    }

    /// The corners of eight triangles in the frame of a [`super::triangle::Ray`].
    #[inline(always)]
    fn seen<O: Octet>(
        &self,
        o: O,
        leaf: &Leaf,
        corner: usize,
        origin: [O::Numbers; 3],
        shear: [O::Numbers; 2],
    ) -> [O::Numbers; 3] {
        let z = o.sub(o.load(leaf.row(corner, self.axes[2])), origin[2]);
        let x = o.sub(o.load(leaf.row(corner, self.axes[0])), origin[0]);
        let y = o.sub(o.load(leaf.row(corner, self.axes[1])), origin[1]);
        [o.sub(x, o.mul(shear[0], z)), o.sub(y, o.mul(shear[1], z)), z]
    }
}

#[cfg(test)]
mod tests {
    use cotangent_ad::random::Stream;
    use pulp::Arch;

    use super::{Beam, Candidates};
    use crate::accel::leaf::{Leaf, Leaves};
    use crate::accel::octet::{Octet, Plain, Task, dispatch};
    use crate::accel::triangle::{Ray, Triangle};
    use crate::geometry::V3;

    struct Try<'a>(&'a Beam, Leaf<'a>, f32);

    impl Task for Try<'_> {
        type Output = (u32, u32, [f32; 8], [f32; 8]);

        #[inline(always)]
        fn run<O: Octet>(self, o: O) -> Self::Output {
            let Candidates { possible, certain, from, to } =
                self.0.candidates(o, &self.1, [0.0, self.2]);
            (possible, certain & possible, o.store(from), o.store(to))
        }
    }

    fn point(stream: &Stream, k: u64) -> V3 {
        V3::from([0, 1, 2].map(|c| 2.0 * stream.uniform(3 * k + c) - 1.0))
    }

    /// Places of leaves and sizes of their triangles, from which the error of single precision is a part or a multiple of the triangle.
    const SIZES: [(f64, f64); 6] =
        [(0.0, 1.0), (1.0, 0.01), (30.0, 1e-4), (1e4, 1e-3), (1e-20, 1e-20), (1e20, 1e20)];

    #[test]
    fn a_leaf_leaves_out_nothing_that_is_met_and_is_certain_of_nothing_that_is_not() {
        let stream = Stream::new(&[31]);
        let (mut met, mut asked, mut certain) = ([0; SIZES.len()], [0; SIZES.len()], 0);
        for (s, (place, size)) in SIZES.into_iter().enumerate() {
            for k in 0..4000 {
                let p = |c: u64| point(&stream, 100_000 * s as u64 + 24 * k + c);
                let middle = p(0) * place;
                let [a, b] = [middle + p(1) * size, middle + p(2) * size];
                // a fan around an edge, a triangle without area, and one that is anywhere
                let faces = [[a, b, middle + p(3) * size], [b, a, middle + p(4) * size], [a, b, a]];
                let others = [5, 8].map(|c| [0, 1, 2].map(|i| middle + p(c + i) * size));
                let corners: Vec<[V3; 3]> = faces.into_iter().chain(others).collect();
                let triangles: Vec<Triangle> =
                    corners.iter().map(|c| Triangle::new(*c, 7)).collect();
                let (leaves, _) = Leaves::new(&triangles, &[[0, triangles.len() as u32]]);
                let origin = middle + p(11) * (3.0 * size);
                let along = [0.0, 1.0, 0.5, stream.uniform(k)][k as usize % 4];
                let aim = if k % 5 == 0 { middle + p(12) * size } else { a + (b - a) * along };
                let mut direction = (aim - origin) * [1.0, 1e-12, 1e15][k as usize % 3];
                if k % 7 == 0 {
                    direction[(k % 3) as usize] = 0.0;
                }
                let ray = Ray::new(origin, direction);
                let beam = Beam::new(origin, direction, ray.axes);
                let far = [f64::INFINITY, 1.0][k as usize % 2];
                let limit = beam.far(far);
                let bits = dispatch(Arch::new(), Try(&beam, leaves.leaf(0), limit));
                let plain = Try(&beam, leaves.leaf(0), limit).run(Plain);
                assert_eq!((bits.0, bits.1), (plain.0, plain.1));
                let (possible, sure, from, to) = bits;
                for (n, triangle) in triangles.iter().enumerate() {
                    let t = triangle.intersect(&ray).map(|h| h[0]).filter(|t| *t > 0.0);
                    let [is_possible, is_sure] = [possible, sure].map(|b| b >> n & 1 == 1);
                    assert!(is_possible || t.is_none_or(|t| t >= far), "{s} {k} {n}");
                    if is_sure {
                        let t = t.expect("it is met") * beam.length;
                        assert!(f64::from(from[n]) <= t && t <= f64::from(to[n]), "{s} {k} {n}");
                        certain += 1;
                    }
                    met[s] += u32::from(t.is_some_and(|t| t < far));
                    asked[s] += u32::from(is_possible);
                }
            }
        }
        assert!(certain > 1000, "{certain} are certain");
        // of five triangles two share the edge at which most rays are aimed, and one without area never is left out then
        assert!(met[0] > 2000 && asked[0] < 2 * 5000 && asked[1] < 2 * 5000, "{met:?} {asked:?}");
    }
}
