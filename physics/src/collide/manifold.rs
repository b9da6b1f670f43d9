//! Cylinders with capsules, cylinders and boxes: the deepest point ([`convex`](super::convex)) and, where a flat side bears, up to four points
//! of it, as MuJoCo has them since 3.13.
//!
//! * A flat side on a flat side, within about 5 degrees: a cap is a polygon with 16 corners; the second side is clipped by the prism over
//!   the first (Sutherland & Hodgman 1974), what is left goes onto the first side, and distances are those along the second's normal.
//!   Of more than four points four are kept that span a large area.
//! * A line on a flat side: the capsule's or the cylinder's line towards the other shape, clipped by the prism. MuJoCo takes a line that a corner
//!   of its polytope is on, up to a degree away.
//! * Elsewhere the deepest point alone.
//!
//! Which of these, and which points, is decided by values; the derivative is that of these points. Where several choices span the same area,
//! as of a cap that lies whole on a box, MuJoCo's own is one of rounding, and ours may be another.

use cotangent_ad::{Real, Vec3};

use super::Touches;
use super::convex::{approach, deepest, push_unknown, with_values};
use super::solid::{Solid, extent};
use crate::model::Shape;

/// Least cosine between the normals of two flat sides that lie on each other, and between such a normal and that of the contact.
const FLAT: f64 = 0.996;
/// Most sine between a line and a flat side that it lies on.
const ALONG: f64 = 0.0888;
/// Corners of a cap.
const CAP: usize = 16;
/// Most corners of a clipped polygon.
const CORNERS: usize = 2 * CAP + 2;
/// Points that are kept.
const KEPT: usize = 4;
/// What counts as zero in MuJoCo.
const LEAST: f64 = 1e-15;

/// Points in a row that closes.
#[derive(Clone, Copy)]
struct Polygon<T> {
    count: usize,
    corners: [Vec3<T>; CORNERS],
}

/// What of a shape bears the other.
enum Bearing<T> {
    /// A flat side, clockwise seen from outside, and its normal.
    Flat(Polygon<T>, Vec3<T>),
    /// A line on a round side.
    Line(Polygon<T>),
    Point,
}

impl<T: Real> Polygon<T> {
    fn of(points: impl IntoIterator<Item = Vec3<T>>) -> Self {
        let mut polygon = Self { count: 0, corners: [Vec3::zero(); CORNERS] };
        points.into_iter().for_each(|x| polygon.push(x));
        polygon
    }

    fn push(&mut self, corner: Vec3<T>) {
        if self.count < CORNERS {
            self.corners[self.count] = corner;
            self.count += 1;
        }
    }

    fn corners(&self) -> &[Vec3<T>] {
        &self.corners[..self.count]
    }

    /// What is left of it inside the prism over a flat side.
    fn clipped(&self, side: &Self, normal: Vec3<T>) -> Self {
        let mut left = *self;
        for (k, from) in side.corners().iter().enumerate() {
            let to = side.corners()[(k + 1) % side.count];
            left = left.cut(*from, (to - *from).cross(normal).normalized());
        }
        left
    }

    /// What is left of it on one side of a plane.
    fn cut(&self, from: Vec3<T>, inward: Vec3<T>) -> Self {
        let mut left = Self { count: 0, ..*self };
        for (k, p) in self.corners().iter().enumerate() {
            let q = self.corners()[(k + 1) % self.count];
            let [before, after] = [*p, q].map(|x| (x - from).dot(inward));
            let [is_inside, stays] = [before, after].map(|x| x > -LEAST);
            if is_inside != stays {
                let share = before / (before - after);
                if (0.0..=1.0).contains(&share.concrete()) {
                    left.push(*p + (q - *p) * share);
                }
            }
            if stays {
                left.push(q);
            }
        }
        left
    }

    /// Without what is above a flat side by more than the margin.
    fn near(&self, (from, normal): (Vec3<T>, Vec3<T>), margin: f64) -> Self {
        let height = |x: &&Vec3<T>| (**x - from).dot(normal).concrete() <= margin;
        Self::of(self.corners().iter().filter(height).copied())
    }

    /// Four corners that span more than their neighbours do, by MuJoCo's walk around the polygon.
    fn four(&self) -> [usize; KEPT] {
        let at = |k: usize| Vec3(self.corners[k].0.map(Real::concrete));
        let area = |[a, b, c, d]: [usize; KEPT]| (at(c) - at(a)).cross(at(d) - at(b)).norm();
        let next = |k: usize| (k + 1) % self.count;
        let moved = |mut four: [usize; KEPT], k: usize| {
            four[k] = next(four[k]);
            four
        };
        let mut four = [0, 1, 2, 3];
        let (mut best, mut most) = (four, area(four));
        for start in 0..self.count {
            four[0] = start;
            while area(moved(four, 3)) > most {
                four = moved(four, 3);
                (best, most) = (four, area(four));
                for k in [2, 1] {
                    while area(moved(four, k)) > most {
                        four = moved(four, k);
                        (best, most) = (four, area(four));
                    }
                }
            }
            for k in 1..KEPT {
                if four[k] != if k == 1 { start } else { four[k - 1] } {
                    break;
                }
                four = moved(four, k);
            }
        }
        best
    }

    /// The two corners that are farthest apart.
    fn farthest(&self) -> [usize; 2] {
        let (mut best, mut most) = ([0, 1], 0.0);
        for i in 0..self.count {
            for j in i + 1..self.count {
                let square = (self.corners[j] - self.corners[i]).norm_squared().concrete();
                if square > most {
                    (best, most) = ([i, j], square);
                }
            }
        }
        best
    }
}

/// A cap of a cylinder.
fn cap<T: Real>(solid: &Solid<'_, T>, end: f64) -> Polygon<T> {
    let [radius, half, _] = solid.size;
    Polygon::of((0..CAP).map(|k| {
        let (sin, cos) = (std::f64::consts::TAU * k as f64 / CAP as f64).sin_cos();
        solid.pose.point(Vec3([radius * cos, radius * (-sin * end), half * end]))
    }))
}

/// The side of a box across an axis.
fn side<T: Real>(solid: &Solid<'_, T>, axis: usize, end: f64) -> Polygon<T> {
    // signs of the coordinates along the first and the second of the other axes
    let round = match (axis, end > 0.0) {
        (0, true) => [[1.0, 1.0], [1.0, -1.0], [-1.0, -1.0], [-1.0, 1.0]],
        (0, false) => [[1.0, -1.0], [1.0, 1.0], [-1.0, 1.0], [-1.0, -1.0]],
        (1, true) => [[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]],
        (1, false) | (_, true) => [[-1.0, 1.0], [1.0, 1.0], [1.0, -1.0], [-1.0, -1.0]],
        (_, false) => [[1.0, 1.0], [-1.0, 1.0], [-1.0, -1.0], [1.0, -1.0]],
    };
    let others = [[1, 2], [0, 2], [0, 1]][axis];
    Polygon::of(round.map(|signs| {
        let mut corner = Vec3(solid.size);
        corner[axis] *= T::lit(end);
        (0..2).for_each(|k| corner[others[k]] *= T::lit(signs[k]));
        solid.pose.point(corner)
    }))
}

/// What of a shape bears another that is along `out`.
fn bearing<T: Real>(solid: &Solid<'_, T>, out: Vec3<T>) -> Bearing<T> {
    let axis = solid.pose.rotation.column(2);
    let [radius, half, _] = solid.size;
    let end = |cosine: f64| if cosine < 0.0 { -1.0 } else { 1.0 };
    let cosine = axis.dot(out).concrete();
    match solid.shape {
        Shape::Box { .. } => {
            let cosine = |k: usize| solid.pose.rotation.column(k).dot(out).concrete();
            let Some(k) = (0..3).find(|k| cosine(*k).abs() > FLAT) else { return Bearing::Point };
            let end = end(cosine(k));
            Bearing::Flat(side(solid, k, end), solid.pose.rotation.column(k) * T::lit(end))
        }
        Shape::Cylinder { .. } if cosine.abs() > FLAT => {
            let end = end(cosine);
            Bearing::Flat(cap(solid, end), axis * T::lit(end))
        }
        Shape::Cylinder { .. } | Shape::Capsule { .. } if cosine.abs() < ALONG => {
            let is_capsule = matches!(solid.shape, Shape::Capsule { .. });
            let across = if is_capsule { out } else { (out - axis * axis.dot(out)).normalized() };
            let middle = solid.pose.translation + across * radius;
            Bearing::Line(Polygon::of([middle + axis * half, middle - axis * half]))
        }
        _ => Bearing::Point,
    }
}

/// The points of a flat side of the second shape on one of the first.
fn flat_on_flat<T: Real>(
    (first, up): (&Polygon<T>, Vec3<T>),
    (second, down): (&Polygon<T>, Vec3<T>),
    margin: T,
    out: &mut Touches<T>,
) {
    let (origin, other) = (first.corners[0], second.corners[0]);
    let left = second.clipped(first, up).near((origin, up), margin.concrete());
    let mut push = |k: usize| {
        let v = left.corners[k];
        let x = v - up * (v - origin).dot(up);
        let distance = (x - other).dot(down);
        out.push(distance, x - down * (distance * 0.5), -down, None);
    };
    if left.count > KEPT {
        left.four().into_iter().for_each(push);
    } else {
        (0..left.count).for_each(&mut push);
    }
}

/// The ends of a line on a flat side; `contact` is the normal from the first shape to the second.
fn line_on_flat<T: Real>(
    line: &Polygon<T>,
    (side, normal): (&Polygon<T>, Vec3<T>),
    contact: Vec3<T>,
    margin: T,
    out: &mut Touches<T>,
) {
    let origin = side.corners[0];
    let left = line.clipped(side, normal).near((origin, normal), margin.concrete());
    let mut push = |k: usize| {
        let x = left.corners[k];
        let distance = (x - origin).dot(normal);
        out.push(distance, x - normal * (distance * 0.5), contact, None);
    };
    if left.count > 2 {
        left.farthest().into_iter().for_each(push);
    } else {
        (0..left.count).for_each(&mut push);
    }
}

/// One point, or several of a flat side.
pub(super) fn collide<T: Real>(solids: [Solid<'_, T>; 2], margin: T, out: &mut Touches<T>) {
    let single = deepest(&solids);
    let normal = match &single {
        Some(at) if at.distance > margin => return,
        Some(at) => Some(at.normal),
        // flat sides that are parallel to rounding
        None => with_values(&solids, |values| approach(values, extent(values)))
            .map(|(n, _)| Vec3::lit(n.0)),
    };
    let Some(normal) = normal else { return push_unknown(out) };
    let parts = [bearing(&solids[0], normal), bearing(&solids[1], -normal)];
    match &parts {
        [Bearing::Flat(first, up), Bearing::Flat(second, down)]
            if up.dot(*down).concrete() < -FLAT =>
        {
            flat_on_flat((first, *up), (second, *down), margin, out);
        }
        [Bearing::Flat(side, up), Bearing::Line(line)] if is_along(line, *up) => {
            line_on_flat(line, (side, *up), *up, margin, out);
        }
        [Bearing::Line(line), Bearing::Flat(side, down)] if is_along(line, *down) => {
            line_on_flat(line, (side, *down), -*down, margin, out);
        }
        _ => {}
    }
    match single {
        Some(at) if out.count == 0 => out.push(at.distance, at.position, at.normal, None),
        None if out.count == 0 => push_unknown(out),
        _ => {}
    }
}

fn is_along<T: Real>(line: &Polygon<T>, normal: Vec3<T>) -> bool {
    let along = (line.corners[1] - line.corners[0]).normalized();
    along.dot(normal).concrete().abs() < ALONG
}

#[cfg(test)]
mod tests {
    use super::*;
    use cotangent_ad::{Dual, Num, Pose, Quat};

    const BOX: [f64; 3] = [0.3, 0.2, 0.1];
    const ROUND: [f64; 3] = [0.05, 0.12, 0.0];

    /// The points of a shape over a box whose top is at height 0, turned by `tilt` out of lying along x, its centre at `height`.
    fn lying<T: Real>(shape: &Shape, tilt: T, height: T) -> Vec<(T, Vec3<T>)> {
        let below = Pose { translation: Vec3::lit([0.0, 0.0, -BOX[2]]), ..Pose::identity() };
        let quarter = T::lit(std::f64::consts::FRAC_PI_2);
        let turn = Quat::from_axis_angle(Vec3::unit(1), quarter - tilt);
        let translation = Vec3([T::lit(0.0), T::lit(0.0), height]);
        let pose = Pose { rotation: turn.to_mat(), translation };
        let own = Solid { shape, size: ROUND.map(T::lit), pose: &pose };
        let floor = Solid { shape: &Shape::Box { half: BOX }, size: BOX.map(T::lit), pose: &below };
        let mut out = Touches::new();
        collide([own, floor], T::lit(0.0), &mut out);
        out.all().iter().map(|touch| (touch.distance, touch.position)).collect()
    }

    /// A cylinder that lies on a box, level, nearly, and a little tilted, bears at its two ends: their depths are those of circles in
    /// space, and so are their derivatives by the tilt.
    #[test]
    fn a_lying_cylinder_bears_at_its_ends() {
        let shape = Shape::Cylinder { radius: ROUND[0], half_length: ROUND[1] };
        for tilt in [0.0, 1e-9, -1e-4, 0.02, -0.05] {
            let height = 0.04;
            let found = lying(&shape, Dual::<f64, 1>::seed(tilt, 0), Num::lit(height));
            let mut depths: Vec<(f64, f64)> = found.iter().map(|(d, _)| (d.re, d.eps[0])).collect();
            depths.sort_by(|a, b| a.0.total_cmp(&b.0));
            let end = |side: f64| {
                let (sin, cos) = f64::sin_cos(tilt);
                (
                    height + side * ROUND[1] * sin - ROUND[0] * cos,
                    side * ROUND[1] * cos + ROUND[0] * sin,
                )
            };
            let mut expected = [end(1.0), end(-1.0)];
            expected.sort_by(|a, b| a.0.total_cmp(&b.0));
            assert_eq!(depths.len(), 2, "{tilt}: {depths:?}");
            for (found, expected) in depths.iter().zip(expected) {
                assert!((found.0 - expected.0).abs() < 1e-14, "{tilt}: {found:?} {expected:?}");
                // level, either end may come first
                let slope = if tilt == 0.0 {
                    found.1.abs() - expected.1.abs()
                } else {
                    found.1 - expected.1
                };
                assert!(slope.abs() < 1e-9, "{tilt}: {found:?} {expected:?}");
            }
        }
    }

    /// A cylinder that stands upright, or nearly, bears at four points around its cap.
    #[test]
    fn a_standing_cylinder_bears_around_its_cap() {
        let shape = Shape::Cylinder { radius: ROUND[0], half_length: ROUND[1] };
        for lean in [0.0, 1e-12, 1e-8, 1e-4, 0.02] {
            let height = 0.11;
            let found = lying(&shape, std::f64::consts::FRAC_PI_2 - lean, height);
            assert_eq!(found.len(), 4, "{lean}: {found:?}");
            for (depth, at) in &found {
                assert!((at[2] - 0.5 * depth).abs() < 1e-12, "midway: {lean}: {depth} {at:?}");
                let flat = height - ROUND[1] * lean.cos();
                assert!((depth - flat).abs() <= ROUND[0] * lean.sin() + 1e-14, "{lean}: {depth}");
            }
            // seen from its middle there is one on every side
            let middle = Vec3([-ROUND[1] * lean.sin(), 0.0, 0.0]);
            for k in 0..12 {
                let (sin, cos) = (f64::from(k) * 0.5).sin_cos();
                let farthest =
                    found.iter().map(|(_, at)| (*at - middle).dot(Vec3([cos, sin, 0.0])));
                assert!(farthest.fold(0.0, f64::max) > 0.3 * ROUND[0], "{lean}: {found:?}");
            }
        }
    }
}
