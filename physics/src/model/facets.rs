//! Triangles that a ray finds: a tree of boxes around halves of them, split at the median along the longest side.
//!
//! Seen along the ray `x + t d`, a corner `a` is a point of a plane: `p = a - x` sheared by `d`, `(p_x - p_z d_x/d_z, p_y - p_z d_y/d_z)`, where `z` is the
//! axis that `d` is nearest to. On which side of an edge the ray goes is the sign of the determinant of two such points; rounding may make it 0, which is inside
//! for both triangles at the edge, and never the opposite. So rays at edges and corners do not leak (Woop, Benthin, Wald 2013, J. Comput. Graph. Tech. 2:65).
//! Both sides of a triangle are met, at `t = n . (a - x)/(n . d)`, whose derivative is that of the triangle's plane.

use cotangent_ad::{Real, Vec3};

use super::BuildError;
use super::builder::finite;

type Triangle = [Vec3<f64>; 3];

/// Triangles in the frame of what they are fixed to, m.
#[derive(Clone, Debug, PartialEq)]
pub struct Facets {
    triangles: Vec<Triangle>,
    /// Each box before those within it.
    boxes: Vec<Bounds>,
}

/// A box, with sides along the axes, around some triangles.
#[derive(Clone, Debug, PartialEq)]
struct Bounds {
    low: [f64; 3],
    high: [f64; 3],
    /// First and number of its triangles.
    triangles: (usize, usize),
    /// The second of the boxes within it, the first being the next one; `None` of a leaf.
    second: Option<usize>,
}

/// A ray, and the nearest that it has met.
struct Search {
    start: Vec3<f64>,
    direction: Vec3<f64>,
    inverse: [f64; 3],
    /// The axes, that of the largest part of the direction last, and the other parts over it.
    axes: [usize; 3],
    shear: [f64; 2],
    distance: f64,
    facet: Option<usize>,
}

impl Facets {
    /// Triangles of a leaf.
    const FEW: usize = 4;

    /// Of triangles in any order.
    ///
    /// # Errors
    /// A corner that is not finite.
    pub fn new(mut triangles: Vec<Triangle>) -> Result<Self, BuildError> {
        for corner in triangles.iter().flatten() {
            finite("corner", "a surface of triangles", &corner.0)?;
        }
        let coordinates = triangles.iter().flatten().flat_map(|corner| corner.0);
        // wider than the rounding of where a ray crosses a side, for starts up to 10^6 sizes away
        let pad = 1e-9 * coordinates.fold(0.0_f64, |most, x| most.max(x.abs()));
        let mut boxes = vec![];
        if !triangles.is_empty() {
            enclose(&mut triangles, 0, pad, &mut boxes);
        }
        Ok(Self { triangles, boxes })
    }

    /// The triangles, in the order of the tree.
    pub fn triangles(&self) -> &[Triangle] {
        &self.triangles
    }

    /// Distance along `direction` from `start`, normal (of any length) and index of the first triangle that is met.
    pub(crate) fn meet<T: Real>(
        &self,
        start: Vec3<T>,
        direction: Vec3<T>,
    ) -> Option<(T, Vec3<T>, usize)> {
        let concrete = |v: Vec3<T>| Vec3(v.0.map(Real::concrete));
        let mut search = Search::new(concrete(start), concrete(direction));
        if !self.boxes.is_empty() && search.enters(&self.boxes[0]).is_some() {
            self.descend(0, &mut search);
        }
        let facet = search.facet?;
        let triangle = &self.triangles[facet];
        let normal = Vec3::lit(normal(triangle).0);
        let distance = normal.dot(Vec3::lit(triangle[0].0) - start) / normal.dot(direction);
        Some((distance, normal, facet))
    }

    /// Looks into a box that the ray enters, into the nearer of the two within it first.
    fn descend(&self, index: usize, search: &mut Search) {
        let bounds = &self.boxes[index];
        let Some(second) = bounds.second else {
            let (first, count) = bounds.triangles;
            (first..first + count).for_each(|k| search.try_triangle(k, &self.triangles[k]));
            return;
        };
        let mut halves = [index + 1, second].map(|k| (search.enters(&self.boxes[k]), k));
        if let [(Some(a), _), (Some(b), _)] = halves
            && b < a
        {
            halves.swap(0, 1);
        }
        for (entry, half) in halves {
            if entry.is_some_and(|entry| entry <= search.distance) {
                self.descend(half, search);
            }
        }
    }
}

impl Search {
    fn new(start: Vec3<f64>, direction: Vec3<f64>) -> Self {
        let size = |k: usize| direction[k].abs();
        let z = (1..3).fold(0, |best, k| if size(k) > size(best) { k } else { best });
        let axes = [(z + 1) % 3, (z + 2) % 3, z];
        Self {
            start,
            direction,
            inverse: direction.0.map(f64::recip),
            axes,
            shear: [axes[0], axes[1]].map(|k| direction[k] / direction[z]),
            distance: f64::INFINITY,
            facet: None,
        }
    }

    /// Where the ray enters a box ahead.
    fn enters(&self, bounds: &Bounds) -> Option<f64> {
        let (mut near, mut far) = (0.0_f64, f64::INFINITY);
        for k in 0..3 {
            let to = |side: f64| (side - self.start[k]) * self.inverse[k];
            let (low, high) = (to(bounds.low[k]), to(bounds.high[k]));
            near = near.max(low.min(high));
            far = far.min(low.max(high));
        }
        (near <= far).then_some(near)
    }

    fn try_triangle(&mut self, index: usize, triangle: &Triangle) {
        let [x, y, z] = self.axes;
        let [a, b, c] = triangle.map(|corner| {
            let p = corner - self.start;
            [p[x] - self.shear[0] * p[z], p[y] - self.shear[1] * p[z]]
        });
        let sides = [(a, b), (b, c), (c, a)].map(|(p, q)| p[0] * q[1] - p[1] * q[0]);
        if sides.iter().any(|s| *s < 0.0) && sides.iter().any(|s| *s > 0.0) {
            return;
        }
        let normal = normal(triangle);
        let distance = normal.dot(triangle[0] - self.start) / normal.dot(self.direction);
        // one that the ray is in, or that has no area, has none
        if distance >= 0.0 && distance < self.distance {
            (self.distance, self.facet) = (distance, Some(index));
        }
    }
}

fn normal([a, b, c]: &Triangle) -> Vec3<f64> {
    (*b - *a).cross(*c - *a)
}

/// Adds the box of these triangles, the first of which is that of index `first` of all, and the boxes within it.
fn enclose(triangles: &mut [Triangle], first: usize, pad: f64, boxes: &mut Vec<Bounds>) {
    let (mut low, mut high) = ([f64::INFINITY; 3], [f64::NEG_INFINITY; 3]);
    for corner in triangles.iter().flatten() {
        for k in 0..3 {
            low[k] = low[k].min(corner[k] - pad);
            high[k] = high[k].max(corner[k] + pad);
        }
    }
    let own = boxes.len();
    boxes.push(Bounds { low, high, triangles: (first, triangles.len()), second: None });
    if triangles.len() <= Facets::FEW {
        return;
    }
    let length = |k: usize| high[k] - low[k];
    let longest = (1..3).fold(0, |best, k| if length(k) > length(best) { k } else { best });
    let middle = |t: &Triangle| t[0][longest] + t[1][longest] + t[2][longest];
    triangles.sort_by(|a, b| middle(a).total_cmp(&middle(b)));
    let half = triangles.len() / 2;
    let (before, after) = triangles.split_at_mut(half);
    enclose(before, first, pad, boxes);
    boxes[own].second = Some(boxes.len());
    enclose(after, first + half, pad, boxes);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers between -1 and 1, the same each time.
    fn numbers(seed: u32) -> impl FnMut() -> f64 {
        let mut state = seed;
        move || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f64::from(state >> 8) / f64::from(1 << 23) - 1.0
        }
    }

    /// A bumpy sphere of `2 n^2` triangles, closed and convex.
    fn boulder(n: usize) -> Vec<Triangle> {
        let at = |i: usize, j: usize| {
            let part = |k: usize| k as f64 / n as f64 * std::f64::consts::PI;
            let (polar, around) = (part(i), 2.0 * part(j % n));
            // the poles are points
            let s = if i.is_multiple_of(n) { 0.0 } else { polar.sin() };
            let radius = 1.0 + 0.02 * s * (5.0 * polar).cos() * (3.0 * around).cos();
            let c = polar.cos();
            Vec3([s * around.cos(), s * around.sin(), c]) * radius
        };
        let cells = (0..n).flat_map(|i| (0..n).map(move |j| (i, j)));
        cells
            .flat_map(|(i, j)| {
                let [a, b, c, d] = [at(i, j), at(i + 1, j), at(i + 1, j + 1), at(i, j + 1)];
                [[a, b, c], [a, c, d]]
            })
            .collect()
    }

    /// The tree finds what looking at all triangles finds, to the bit.
    #[test]
    fn the_tree_finds_the_first_of_all_triangles() {
        let facets = Facets::new(boulder(40)).unwrap();
        let mut number = numbers(1);
        let mut met = 0;
        for _ in 0..300 {
            let mut vector = |scale: f64| Vec3([number(), number(), number()]) * scale;
            let start = vector(2.0);
            let direction = vector(1.0) - start;
            let found = facets.meet(start, direction);
            let mut all = Search::new(start, direction);
            facets.triangles.iter().enumerate().for_each(|(k, t)| all.try_triangle(k, t));
            assert_eq!(found.map(|(distance, ..)| distance), all.facet.map(|_| all.distance));
            met += usize::from(found.is_some());
        }
        assert!((100..250).contains(&met), "{met}");
    }

    /// From within, rays at corners, at points of edges and along the axes do not leak, and neither do those that lie in the plane of a side of a box.
    #[test]
    fn closed_surfaces_have_no_leaks() {
        let facets = Facets::new(boulder(24)).unwrap();
        let mut number = numbers(2);
        for t in facets.triangles().to_vec() {
            let inside = Vec3([number(), number(), number()]) * 0.3;
            let along = 0.5 + 0.5 * number();
            for target in [t[0], t[1], t[0] * along + t[1] * (1.0 - along)] {
                let found = facets.meet(inside, target - inside);
                assert!(found.is_some_and(|(distance, ..)| distance < 1.0 + 1e-9), "{target:?}");
            }
        }
        for k in 0..3 {
            for side in [1.0, -1.0] {
                assert!(facets.meet(Vec3::zero(), Vec3::unit(k) * side).is_some());
            }
        }
    }

    /// A triangle in a plane of coordinates, whose box is flat, is met from both sides, at its edge, and neither from beyond nor along itself.
    #[test]
    fn flat_boxes_are_entered() {
        let triangle = [[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]].map(Vec3);
        let facets = Facets::new(vec![triangle]).unwrap();
        let distance = |x: [f64; 3], d: [f64; 3]| facets.meet(Vec3(x), Vec3(d)).map(|hit| hit.0);
        assert_eq!(distance([0.25, 0.25, 2.0], [0.0, 0.0, -1.0]), Some(2.0));
        assert_eq!(distance([0.25, 0.0, -2.0], [0.0, 0.0, 1.0]), Some(2.0));
        assert_eq!(distance([0.25, 0.25, 2.0], [0.0, 0.0, 1.0]), None);
        assert_eq!(distance([0.75, 0.75, 2.0], [0.0, 0.0, -1.0]), None);
        assert_eq!(distance([-1.0, 0.25, 0.0], [1.0, 0.0, 0.0]), None);
        assert_eq!(distance([f64::NAN, 0.25, 0.0], [1.0, 0.0, 0.0]), None);
        let bad = vec![[Vec3([f64::NAN, 0.0, 0.0]); 3]];
        assert!(matches!(Facets::new(bad), Err(BuildError::BadNumber { what: "corner", .. })));
    }
}
