//! Ellipsoids with any shape but planes: the points at which two convex surfaces are nearest, or deepest in each other.
//!
//! Spheres and capsules are a point and a segment with a radius around. With `n` the unit normal from the first to the second, `x` and `y`
//! the points, of parameters `s` and `t` on a feature of each shape (a face, an edge, a corner, the whole of an ellipsoid):
//!
//! ```text
//! y(t) - x(s) = d n,      n . dx/ds = 0,      n . dy/dt = 0,      n . n = 1
//! ```
//!
//! Where the shapes meet, the nearest points of the second shape moved away along `n` give the next `n`, which converges to a place where
//! these equations hold; its start is the best of the shapes' own axes. Newton's method then solves them to rounding, going on to a
//! neighbouring feature where a parameter leaves its feature or the normal its cone. By the implicit function theorem the same matrix
//! gives the derivative. MuJoCo iterates too, to a tolerance.

use cotangent_ad::{Dual, Pose, Real, Vec3};

use super::Touches;
use super::gjk::nearest;
use crate::model::Shape;
use crate::scratch::lift_pose;

/// `s`, `t`, `n` and `d`.
const UNKNOWNS: usize = 8;
const NEWTON_ITERATIONS: usize = 30;
/// Moves to a neighbouring feature.
const CHANGES: usize = 12;
/// Rounds of moving apart.
const ROUNDS: usize = 12;
/// Residuals and steps below this share of the shapes' size are rounding.
const ROUNDING: f64 = 1e-13;
/// What is accepted where rounding lets them fall no further.
const ACCEPTED: f64 = 1e-10;

/// A part of a surface on which points have up to two parameters.
#[derive(Clone, Copy, Debug)]
enum Feature {
    /// The centre of a sphere.
    Center,
    /// A capsule's segment between its ends, by its coordinate.
    Segment,
    /// An end of it, by its side.
    End(f64),
    /// An ellipsoid around a direction of its unit sphere, by two directions across.
    Ellipsoid([Vec3<f64>; 3]),
    /// A cylinder's side, by the angle from this one and the height.
    Side(f64),
    /// The edge of a cylinder's cap, by the angle from this one; which cap.
    Rim(f64, f64),
    /// A cap, by two coordinates.
    Cap(f64),
    /// A box where coordinates are at their least or greatest; 0 where they are free.
    Box([f64; 3]),
}

/// Points on a feature and how they move with its parameters.
struct On<T> {
    point: Vec3<T>,
    tangents: [Option<Vec3<T>>; 2],
}

/// A shape with its numbers: sizes and pose.
#[derive(Clone, Copy, Debug)]
pub(super) struct Solid<'a, T> {
    pub(super) shape: &'a Shape,
    pub(super) size: [T; 3],
    pub(super) pose: &'a Pose<T>,
}

impl<T: Real> Solid<'_, T> {
    /// Of the ball around its points.
    fn radius(&self) -> T {
        match self.shape {
            Shape::Sphere { .. } | Shape::Capsule { .. } => self.size[0],
            _ => T::lit(0.0),
        }
    }

    /// A point of a feature in the world.
    fn on(&self, feature: Feature, p: [T; 2]) -> On<T> {
        let (zero, one) = (T::lit(0.0), T::lit(1.0));
        let [a, b, _] = self.size;
        let along = |k: usize| Vec3::unit(k);
        let around = |angle: f64, z: T| {
            let (sin, cos) = (p[0] + angle).sin_cos();
            (Vec3([a * cos, a * sin, z]), Vec3([-(a * sin), a * cos, zero]))
        };
        let (point, tangents) = match feature {
            Feature::Center => (Vec3::zero(), [None, None]),
            Feature::Segment => (Vec3([zero, zero, p[0]]), [Some(along(2)), None]),
            Feature::End(side) => (Vec3([zero, zero, b * side]), [None, None]),
            Feature::Ellipsoid([w, e, f]) => {
                let (e, f) = (Vec3::lit(e.0), Vec3::lit(f.0));
                let w = Vec3::<T>::lit(w.0) + e * p[0] + f * p[1];
                let scale = w.norm().recip();
                let unit = w * scale;
                let stretched = |x: Vec3<T>| Vec3(std::array::from_fn(|k| x[k] * self.size[k]));
                let across = |x: Vec3<T>| Some(stretched((x - unit * unit.dot(x)) * scale));
                (stretched(unit), [across(e), across(f)])
            }
            Feature::Side(angle) => {
                let (point, tangent) = around(angle, p[1]);
                (point, [Some(tangent), Some(along(2))])
            }
            Feature::Rim(angle, side) => {
                let (point, tangent) = around(angle, b * side);
                (point, [Some(tangent), None])
            }
            Feature::Cap(side) => (Vec3([p[0], p[1], b * side]), [Some(along(0)), Some(along(1))]),
            Feature::Box(sides) => {
                let (mut point, mut tangents, mut free) = (Vec3::zero(), [None, None], 0);
                for (k, side) in sides.into_iter().enumerate() {
                    if side == 0.0 && free < 2 {
                        (point[k], tangents[free]) = (p[free], Some(along(k)));
                        free += 1;
                    } else {
                        point[k] = self.size[k] * side;
                    }
                }
                (point, tangents)
            }
        };
        let turned = |t: Option<Vec3<T>>| t.map(|t| self.pose.direction(t * one));
        On { point: self.pose.point(point), tangents: tangents.map(turned) }
    }
}

impl Solid<'_, f64> {
    /// The point, without the radius around, that is farthest along a direction of the world.
    fn support(&self, direction: Vec3<f64>) -> Vec3<f64> {
        let d = self.pose.rotation.transpose_mul(direction);
        let side = |x: f64| if x < 0.0 { -1.0 } else { 1.0 };
        let [a, b, _] = self.size;
        let point = match self.shape {
            Shape::Capsule { .. } => Vec3([0.0, 0.0, b * side(d[2])]),
            Shape::Cylinder { .. } => {
                let across = d[0].hypot(d[1]);
                let [x, y] = if across > 0.0 { [d[0] / across, d[1] / across] } else { [1.0, 0.0] };
                Vec3([a * x, a * y, b * side(d[2])])
            }
            Shape::Ellipsoid { .. } => {
                let scaled = Vec3(std::array::from_fn(|k| d[k] * self.size[k]));
                let length = scaled.norm();
                Vec3(std::array::from_fn(|k| {
                    if length > 0.0 { scaled[k] * self.size[k] / length } else { 0.0 }
                }))
            }
            Shape::Box { .. } => Vec3(std::array::from_fn(|k| self.size[k] * side(d[k]))),
            _ => Vec3::zero(),
        };
        self.pose.point(point)
    }

    /// The feature on which a point of the surface is, and its parameters.
    fn feature(&self, at: Vec3<f64>) -> (Feature, [f64; 2]) {
        let x = self.pose.inverse_point(at);
        let side = |x: f64| if x < 0.0 { -1.0 } else { 1.0 };
        let [a, b, _] = self.size;
        let near = |gap: f64, size: f64| gap.abs() <= 1e-6 * size;
        match self.shape {
            Shape::Capsule { .. } if near(b - x[2].abs(), b) => {
                (Feature::End(side(x[2])), [0.0; 2])
            }
            Shape::Capsule { .. } => (Feature::Segment, [x[2], 0.0]),
            Shape::Ellipsoid { .. } => {
                let w = Vec3(std::array::from_fn(|k| x[k] / self.size[k])).normalized();
                let least = (0..3).min_by(|i, j| w[*i].abs().total_cmp(&w[*j].abs())).unwrap_or(0);
                let e = w.cross(Vec3::unit(least)).normalized();
                (Feature::Ellipsoid([w, e, w.cross(e)]), [0.0; 2])
            }
            Shape::Cylinder { .. } => {
                let (across, angle) = (x[0].hypot(x[1]), x[1].atan2(x[0]));
                match (near(b - x[2].abs(), b), near(a - across, a)) {
                    (true, true) => (Feature::Rim(angle, side(x[2])), [0.0; 2]),
                    (true, false) => (Feature::Cap(side(x[2])), [x[0], x[1]]),
                    _ => (Feature::Side(angle), [0.0, x[2]]),
                }
            }
            Shape::Box { .. } => {
                let gap = |k: &usize| (self.size[*k] - x[*k].abs()).abs();
                let nearest = (0..3).min_by(|i, j| gap(i).total_cmp(&gap(j))).unwrap_or(0);
                let fixed = |k: usize| k == nearest || near(gap(&k), self.size[k]);
                let sides = std::array::from_fn(|k| if fixed(k) { side(x[k]) } else { 0.0 });
                (Feature::Box(sides), free_coordinates(sides, x.0))
            }
            _ => (Feature::Center, [0.0; 2]),
        }
    }

    /// The feature to go on with where the parameters, or the normal out of the shape, say that the solution is on another one.
    fn neighbour(
        &self,
        feature: Feature,
        p: [f64; 2],
        out: Vec3<f64>,
    ) -> Option<(Feature, [f64; 2])> {
        let n = self.pose.rotation.transpose_mul(out);
        let [a, b, _] = self.size;
        let side = |x: f64| if x < 0.0 { -1.0 } else { 1.0 };
        // a normal may leave its cone by rounding
        let outward = -1e-12;
        match feature {
            Feature::Segment if p[0].abs() > b => Some((Feature::End(side(p[0])), [0.0; 2])),
            Feature::End(end) if n[2] * end < outward => Some((Feature::Segment, [end * b, 0.0])),
            Feature::Side(angle) if p[1].abs() > b => {
                Some((Feature::Rim(angle + p[0], side(p[1])), [0.0; 2]))
            }
            Feature::Cap(end) if p[0].hypot(p[1]) > a => {
                Some((Feature::Rim(p[1].atan2(p[0]), end), [0.0; 2]))
            }
            Feature::Rim(angle, end) => {
                let (sin, cos) = (angle + p[0]).sin_cos();
                if n[2] * end < outward {
                    Some((Feature::Side(angle + p[0]), [0.0, end * b]))
                } else if n[0] * cos + n[1] * sin < outward {
                    Some((Feature::Cap(end), [a * cos, a * sin]))
                } else {
                    None
                }
            }
            Feature::Box(sides) => self.neighbour_of_box(sides, p, n),
            _ => None,
        }
    }

    fn neighbour_of_box(
        &self,
        sides: [f64; 3],
        p: [f64; 2],
        n: Vec3<f64>,
    ) -> Option<(Feature, [f64; 2])> {
        let mut free = p.into_iter();
        let x: [f64; 3] = std::array::from_fn(|k| {
            if sides[k] == 0.0 { free.next().unwrap_or(0.0) } else { sides[k] * self.size[k] }
        });
        let beyond = (0..3).find(|k| sides[*k] == 0.0 && x[*k].abs() > self.size[*k]);
        let fixed = sides.iter().filter(|s| **s != 0.0).count();
        let inward = (0..3).find(|k| fixed > 1 && sides[*k] * n[*k] < -1e-12);
        let mut changed = sides;
        if let Some(k) = beyond {
            changed[k] = if x[k] < 0.0 { -1.0 } else { 1.0 };
        } else {
            changed[inward?] = 0.0;
        }
        Some((Feature::Box(changed), free_coordinates(changed, x)))
    }
}

/// The coordinates of a point of a box that its feature leaves free.
fn free_coordinates(sides: [f64; 3], x: [f64; 3]) -> [f64; 2] {
    let mut free = sides.into_iter().zip(x).filter(|(side, _)| *side == 0.0).map(|(_, x)| x);
    std::array::from_fn(|_| free.next().unwrap_or(0.0))
}

/// The equations of a pair at `(s, t, n, d)`.
fn residual<T: Real>(
    [first, second]: [&Solid<'_, T>; 2],
    features: [Feature; 2],
    z: &[T; UNKNOWNS],
) -> [T; UNKNOWNS] {
    let (n, d) = (Vec3([z[4], z[5], z[6]]), z[7]);
    let (x, y) = (first.on(features[0], [z[0], z[1]]), second.on(features[1], [z[2], z[3]]));
    let apart = y.point - x.point - n * d;
    let mut r = [T::lit(0.0); UNKNOWNS];
    r[..3].copy_from_slice(&apart.0);
    let tangents = x.tangents.into_iter().chain(y.tangents);
    for (k, tangent) in tangents.enumerate() {
        // what a feature has no parameter for stays 0
        r[3 + k] = tangent.map_or(z[k], |tangent| n.dot(tangent));
    }
    r[7] = (n.norm_squared() - 1.0) * 0.5;
    r
}

type Square = [[f64; UNKNOWNS]; UNKNOWNS];

/// The inverse of the equations' Jacobian; `None` where it is singular.
fn inverse(
    solids: [&Solid<'_, f64>; 2],
    features: [Feature; 2],
    z: &[f64; UNKNOWNS],
) -> Option<Square> {
    type Lane = Dual<f64, UNKNOWNS>;
    let poses = solids.map(|s| lift_pose::<Lane>(s.pose));
    let lifted: [Solid<'_, Lane>; 2] = std::array::from_fn(|k| Solid {
        shape: solids[k].shape,
        size: solids[k].size.map(Lane::konst),
        pose: &poses[k],
    });
    let z = std::array::from_fn(|k| Lane::seed(z[k], k));
    let r = residual([&lifted[0], &lifted[1]], features, &z);
    let mut left = r.map(|r| r.eps);
    let mut right: Square =
        std::array::from_fn(|i| std::array::from_fn(|j| f64::from(u8::from(i == j))));
    for k in 0..UNKNOWNS {
        let pivot = (k..UNKNOWNS).max_by(|i, j| left[*i][k].abs().total_cmp(&left[*j][k].abs()))?;
        left.swap(k, pivot);
        right.swap(k, pivot);
        let scale = left[k][k].recip();
        if !scale.is_finite() || scale.abs() > 1e12 {
            return None;
        }
        left[k].iter_mut().chain(&mut right[k]).for_each(|x| *x *= scale);
        let (row, inverse_row) = (left[k], right[k]);
        for i in (0..UNKNOWNS).filter(|i| *i != k) {
            let factor = left[i][k];
            left[i].iter_mut().zip(row).for_each(|(x, r)| *x -= factor * r);
            right[i].iter_mut().zip(inverse_row).for_each(|(x, r)| *x -= factor * r);
        }
    }
    Some(right)
}

/// `z - J^-1 r`.
fn corrected<T: Real>(z: &[T; UNKNOWNS], inverse: &Square, r: &[T; UNKNOWNS]) -> [T; UNKNOWNS] {
    std::array::from_fn(|i| {
        r.iter().zip(inverse[i]).fold(z[i], |sum, (r, weight)| sum - *r * weight)
    })
}

/// A place where the equations hold.
struct Found {
    features: [Feature; 2],
    z: [f64; UNKNOWNS],
    inverse: Square,
}

/// Distance along a direction: how far the second shape is beyond the first.
fn gap([first, second]: [&Solid<'_, f64>; 2], n: Vec3<f64>) -> f64 {
    (second.support(-n) - first.support(n)).dot(n)
}

/// The normal and points of nearest approach, or of least depth, nearly.
fn approach(solids: [&Solid<'_, f64>; 2], size: f64) -> Option<(Vec3<f64>, [Vec3<f64>; 2])> {
    let between = solids[1].pose.translation - solids[0].pose.translation;
    let axes = solids.iter().flat_map(|s| (0..3).map(|k| s.pose.rotation.column(k)));
    let mut n = if between.norm() > 0.0 { between.normalized() } else { Vec3::unit(2) };
    for axis in axes.flat_map(|axis| [axis, -axis]) {
        n = if gap(solids, axis) > gap(solids, n) { axis } else { n };
    }
    let mut points = None;
    for _ in 0..ROUNDS {
        let clearance = 0.02 * size;
        let apart = n * (clearance - gap(solids, n)).max(0.0);
        let support = |k: usize, d: Vec3<f64>| {
            let x = solids[k].support(d);
            if k == 1 { x + apart } else { x }
        };
        let [x, y] = nearest(support, n)?;
        let next = (y - x).normalized();
        let change = (next - n).norm();
        points = Some((next, [x, y - apart]));
        n = next;
        if apart.norm() == 0.0 || change < 1e-7 {
            break;
        }
    }
    points
}

/// Newton's method, from feature to feature.
fn solve(solids: [&Solid<'_, f64>; 2]) -> Option<Found> {
    let size = solids.iter().map(|s| s.size.iter().fold(0.0_f64, |m, x| m.max(x.abs()))).sum();
    let (n, points) = approach(solids, size)?;
    let [(one, s), (two, t)] = [solids[0].feature(points[0]), solids[1].feature(points[1])];
    let mut features = [one, two];
    let d = (points[1] - points[0]).dot(n);
    let mut z = [s[0], s[1], t[0], t[1], n[0], n[1], n[2], d];
    for _ in 0..CHANGES {
        let inverse = newton(solids, features, &mut z, size)?;
        let n = Vec3([z[4], z[5], z[6]]);
        let changed = [
            solids[0].neighbour(features[0], [z[0], z[1]], n),
            solids[1].neighbour(features[1], [z[2], z[3]], -n),
        ];
        if changed.iter().all(Option::is_none) {
            return Some(Found { features, z, inverse });
        }
        for (side, change) in changed.into_iter().enumerate() {
            if let Some((feature, p)) = change {
                features[side] = feature;
                z[2 * side..][..2].copy_from_slice(&p);
            }
        }
    }
    None
}

fn newton(
    solids: [&Solid<'_, f64>; 2],
    features: [Feature; 2],
    z: &mut [f64; UNKNOWNS],
    size: f64,
) -> Option<Square> {
    let mut last = f64::INFINITY;
    for _ in 0..NEWTON_ITERATIONS {
        let inverse = inverse(solids, features, z)?;
        let r = residual(solids, features, z);
        let next = corrected(z, &inverse, &r);
        let step = next.iter().zip(&*z).fold(0.0_f64, |m, (a, b)| m.max((a - b).abs()));
        *z = next;
        let small = step / size.min(1.0);
        if small <= ROUNDING || (small <= ACCEPTED && step >= 0.5 * last) {
            return Some(inverse);
        }
        last = step;
    }
    None
}

fn concrete<T: Real>(pose: &Pose<T>) -> Pose<f64> {
    Pose {
        rotation: cotangent_ad::Mat3(pose.rotation.0.map(|row| row.map(Real::concrete))),
        translation: Vec3(pose.translation.0.map(Real::concrete)),
    }
}

/// One point; its distance is NaN where it is not found, which no solution of the constraints outlives.
pub(super) fn collide<T: Real>(solids: [Solid<'_, T>; 2], margin: T, out: &mut Touches<T>) {
    let poses = [concrete(solids[0].pose), concrete(solids[1].pose)];
    let values: [Solid<'_, f64>; 2] = std::array::from_fn(|k| Solid {
        shape: solids[k].shape,
        size: solids[k].size.map(Real::concrete),
        pose: &poses[k],
    });
    let Some(found) = solve([&values[0], &values[1]]) else {
        out.push(T::lit(f64::NAN), Vec3::zero(), Vec3::unit(2), None);
        return;
    };
    let both = [&solids[0], &solids[1]];
    let mut z = found.z.map(T::lit);
    for _ in 0..T::ORDER {
        z = corrected(&z, &found.inverse, &residual(both, found.features, &z));
    }
    let normal = Vec3([z[4], z[5], z[6]]);
    let [inner, outer] = both.map(Solid::radius);
    let distance = z[7] - inner - outer;
    if distance <= margin {
        let x = solids[0].on(found.features[0], [z[0], z[1]]).point + normal * inner;
        out.push(distance, x + normal * (distance * 0.5), normal, None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cotangent_ad::Quat;
    use cotangent_ad::random::Stream;

    const SHAPES: [Shape; 5] = [
        Shape::Ellipsoid { half: [0.1, 0.07, 0.13] },
        Shape::Sphere { radius: 0.1 },
        Shape::Capsule { radius: 0.06, half_length: 0.12 },
        Shape::Cylinder { radius: 0.09, half_length: 0.11 },
        Shape::Box { half: [0.11, 0.08, 0.13] },
    ];

    fn size(shape: &Shape) -> [f64; 3] {
        match *shape {
            Shape::Sphere { radius } => [radius, 0.0, 0.0],
            Shape::Capsule { radius, half_length } | Shape::Cylinder { radius, half_length } => {
                [radius, half_length, 0.0]
            }
            Shape::Box { half } | Shape::Ellipsoid { half } => half,
            _ => [0.0; 3],
        }
    }

    fn solid<'a>(shape: &'a Shape, pose: &'a Pose<f64>) -> Solid<'a, f64> {
        Solid { shape, size: size(shape), pose }
    }

    /// Far and near, and overlapping by up to a third: the distance is what the shapes are apart along the normal, and along no other
    /// direction are they further apart.
    #[test]
    fn no_direction_separates_more() {
        let random = Stream::new(&[11]);
        let directions: Vec<Vec3<f64>> = (0..3000)
            .map(|k| Vec3([0, 1, 2].map(|i| random.normal(90_000 + 3 * k + i))).normalized())
            .collect();
        for (k, second) in (0..400_u64).map(|k| (k, &SHAPES[k as usize % SHAPES.len()])) {
            let x: [f64; 9] = std::array::from_fn(|i| random.normal(9 * k + i as u64));
            let turn = |i: usize| Quat::exp(Vec3([x[i], x[i + 1], x[i + 2]])).to_mat();
            let away = Vec3([x[6], x[7], x[8]]).normalized();
            let (first, at) = (&SHAPES[0], Pose { rotation: turn(0), translation: Vec3::zero() });
            let mut other = Pose { rotation: turn(3), translation: Vec3::zero() };
            // as far as the shapes reach along a direction, a little less, or more
            let still = other;
            let pair = [solid(first, &at), solid(second, &still)];
            let reach = pair[1].radius() - gap([&pair[0], &pair[1]], away);
            other.translation = away * (reach * (0.7 + 0.1 * (k % 7) as f64));
            let (a, b) = (solid(first, &at), solid(second, &other));
            let round = b.radius();
            let mut touches = Touches::new();
            collide([a, b], f64::INFINITY, &mut touches);
            let [touch] = touches.all() else { panic!("{k}: one contact") };
            let apart = |n: Vec3<f64>| gap([&a, &b], n) - round;
            let scale = 1e-12;
            assert!((apart(touch.frame[0]) - touch.distance).abs() < scale, "{k}: {touch:?}");
            for n in &directions {
                assert!(apart(*n) <= touch.distance + scale, "{k}, {second:?}: {n:?} {touch:?}");
            }
        }
    }
}
