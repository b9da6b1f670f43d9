//! Ellipsoids and cylinders with any shape but planes: the points at which two convex surfaces are nearest, or deepest in each other.
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
//!
//! Along parallel lines, or a line on a flat side, every point is as near as every other and the matrix is singular. Then the point is the one
//! at the end of the line that a small turn singles out, with that point's derivative. Flat sides against each other have none, see
//! [`manifold`](super::manifold).

use cotangent_ad::{Dual, Pose, Quat, Real, Vec3};

use super::Touches;
use super::gjk::nearest;
use super::solid::{Feature, Solid, extent, gap};
use crate::scratch::lift_pose;

/// `s`, `t`, `n` and `d`.
const UNKNOWNS: usize = 8;
const NEWTON_ITERATIONS: usize = 30;
/// Moves to a neighbouring feature.
const CHANGES: usize = 12;
/// Directions from which depths are sought.
const STARTS: usize = 4;
/// Rounds of moving apart.
const ROUNDS: usize = 12;
/// Residuals and steps below this share of the shapes' size are rounding.
const ROUNDING: f64 = 1e-13;
/// What is accepted where rounding lets them fall no further.
const ACCEPTED: f64 = 1e-10;
/// The turn that singles out an end of parallel lines.
const TURN: f64 = 1e-5;
/// About which axes it is tried: shares of the two tangents.
const TURN_AXES: [[f64; 2]; 2] = [[0.6, 0.8], [-0.8, 0.6]];

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

/// The normal and points of nearest approach, or of least depth, nearly.
///
/// Of shapes that meet, the depth may be least among its neighbours along several directions: the best of what the likely directions lead to.
pub(super) fn approach(
    solids: [&Solid<'_, f64>; 2],
    size: f64,
) -> Option<(Vec3<f64>, [Vec3<f64>; 2])> {
    let between = solids[1].pose.translation - solids[0].pose.translation;
    let own = |side: usize| (0..3).map(move |k| solids[side].pose.rotation.column(k));
    let across = own(0).flat_map(|a| own(1).map(move |b| a.cross(b)));
    let radial = [0, 1].map(|side| {
        let axis = solids[side].pose.rotation.column(2);
        between - axis * axis.dot(between)
    });
    let likely = own(0).chain(own(1)).chain(across).flat_map(|axis| [axis, -axis]);
    let mut starts = [(f64::NEG_INFINITY, Vec3::unit(2)); STARTS];
    for n in likely.chain(radial).chain([between]) {
        if n.norm_squared() > 1e-12 * size * size {
            let n = n.normalized();
            let (least, separation) = (starts.len() - 1, gap(solids, n));
            if separation > starts[least].0 {
                starts[least] = (separation, n);
                starts.sort_by(|a, b| b.0.total_cmp(&a.0));
            }
        }
    }
    // what is apart has one nearest approach
    let tried = if starts[0].0 > 0.0 { 1 } else { STARTS };
    let ends = starts[..tried].iter().filter_map(|(_, n)| descend(solids, size, *n));
    ends.max_by(|(a, _), (b, _)| gap(solids, *a).total_cmp(&gap(solids, *b)))
}

/// Where moving apart along a normal, which the nearest points then give anew, leads to.
fn descend(
    solids: [&Solid<'_, f64>; 2],
    size: f64,
    mut n: Vec3<f64>,
) -> Option<(Vec3<f64>, [Vec3<f64>; 2])> {
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

/// A place where the equations hold, or at parallel lines that of an end.
fn solve(solids: [&Solid<'_, f64>; 2]) -> Option<Found> {
    let size = extent(solids);
    if let Some(found) = begin(solids, size).and_then(|(at, z)| walk(solids, at, z, size)) {
        return Some(found);
    }
    let (n, _) = approach(solids, size)?;
    let [_, one, other] = super::frame(n, None);
    TURN_AXES.iter().find_map(|[share, rest]| {
        let turn = Quat::exp((one * *share + other * *rest) * TURN).to_mat();
        let pose = Pose { rotation: turn * solids[1].pose.rotation, ..*solids[1].pose };
        let turned = [solids[0], &Solid { pose: &pose, ..*solids[1] }];
        let (features, z) = begin(turned, size)?;
        let Found { features, z, .. } = walk(turned, features, z, size)?;
        walk(solids, features, z, size)
    })
}

/// The features that approach each other, and nearly where.
fn begin(solids: [&Solid<'_, f64>; 2], size: f64) -> Option<([Feature; 2], [f64; UNKNOWNS])> {
    let (n, points) = approach(solids, size)?;
    let [(one, s), (two, t)] = [solids[0].feature(points[0]), solids[1].feature(points[1])];
    let d = (points[1] - points[0]).dot(n);
    Some(([one, two], [s[0], s[1], t[0], t[1], n[0], n[1], n[2], d]))
}

/// Newton's method, from feature to feature.
fn walk(
    solids: [&Solid<'_, f64>; 2],
    mut features: [Feature; 2],
    mut z: [f64; UNKNOWNS],
    size: f64,
) -> Option<Found> {
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

/// Where two surfaces are nearest, or deepest in each other.
pub(super) struct Deepest<T> {
    /// From the first to the second.
    pub(super) normal: Vec3<T>,
    pub(super) distance: T,
    /// Midway between the surfaces.
    pub(super) position: Vec3<T>,
}

/// Values of a pair of shapes, and the poses that they refer to.
pub(super) fn with_values<T: Real, R>(
    solids: &[Solid<'_, T>; 2],
    then: impl FnOnce([&Solid<'_, f64>; 2]) -> R,
) -> R {
    let poses = [concrete(solids[0].pose), concrete(solids[1].pose)];
    let values: [Solid<'_, f64>; 2] = std::array::from_fn(|k| Solid {
        shape: solids[k].shape,
        size: solids[k].size.map(Real::concrete),
        pose: &poses[k],
    });
    then([&values[0], &values[1]])
}

/// The point where two shapes are nearest or deepest; `None` where it is not found.
pub(super) fn deepest<T: Real>(solids: &[Solid<'_, T>; 2]) -> Option<Deepest<T>> {
    let found = with_values(solids, solve)?;
    let both = [&solids[0], &solids[1]];
    let mut z = found.z.map(T::lit);
    for _ in 0..T::ORDER {
        z = corrected(&z, &found.inverse, &residual(both, found.features, &z));
    }
    let normal = Vec3([z[4], z[5], z[6]]);
    let [inner, outer] = both.map(Solid::radius);
    let distance = z[7] - inner - outer;
    let x = solids[0].on(found.features[0], [z[0], z[1]]).point + normal * inner;
    Some(Deepest { normal, distance, position: x + normal * (distance * 0.5) })
}

/// What stands for a point that is not found: its distance is NaN, which no solution of the constraints outlives.
pub(super) fn push_unknown<T: Real>(out: &mut Touches<T>) {
    out.push(T::lit(f64::NAN), Vec3::zero(), Vec3::unit(2), None);
}

/// One point of an ellipsoid and another shape.
pub(super) fn collide<T: Real>(solids: [Solid<'_, T>; 2], margin: T, out: &mut Touches<T>) {
    match deepest(&solids) {
        None => push_unknown(out),
        Some(at) if at.distance <= margin => out.push(at.distance, at.position, at.normal, None),
        Some(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Shape;
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

    /// A cylinder with a capsule, a cylinder and a box as in the test above, and a little in each other at parallel lines and flat sides.
    #[test]
    fn no_direction_separates_a_cylinder_more() {
        let random = Stream::new(&[12]);
        let directions: Vec<Vec3<f64>> = (0..3000)
            .map(|k| Vec3([0, 1, 2].map(|i| random.normal(90_000 + 3 * k + i))).normalized())
            .collect();
        let first = &SHAPES[3];
        for k in 0..300_u64 {
            let second = &SHAPES[2 + k as usize % 3];
            let x: [f64; 6] = std::array::from_fn(|i| random.normal(6 * k + i as u64));
            let at = Pose { rotation: Quat::identity().to_mat(), translation: Vec3::zero() };
            // every fourth along an axis, turned by a quarter about another or not
            let aligned = k % 4 == 0;
            let turn = if aligned {
                Vec3::unit((k / 4) as usize % 3)
                    * (std::f64::consts::FRAC_PI_2 * (k / 12 % 2) as f64)
            } else {
                Vec3([x[0], x[1], x[2]])
            };
            let away = if aligned {
                Vec3::unit((k / 24) as usize % 3) + Vec3([x[3], x[4], x[5]]) * 1e-2
            } else {
                Vec3([x[3], x[4], x[5]])
            };
            let mut other = Pose { rotation: Quat::exp(turn).to_mat(), translation: Vec3::zero() };
            let still = other;
            let away = away.normalized();
            let pair = [solid(first, &at), solid(second, &still)];
            let reach = pair[1].radius() - gap([&pair[0], &pair[1]], away);
            other.translation = away * (reach * (0.85 + 0.05 * (k % 7) as f64));
            let solids = [solid(first, &at), solid(second, &other)];
            let round = solids[1].radius();
            let apart = |n: Vec3<f64>| gap([&solids[0], &solids[1]], n) - round;
            let flat = |n: Vec3<f64>, s: &Solid<'_, f64>| {
                (0..3).any(|k| s.pose.rotation.column(k).dot(n).abs() > 1.0 - 1e-12)
            };
            let Some(found) = deepest(&solids) else {
                // flat sides on each other have no deepest point
                let (n, _) =
                    approach([&solids[0], &solids[1]], extent([&solids[0], &solids[1]])).unwrap();
                assert!(solids.iter().all(|s| flat(n, s)), "{k}, {second:?}: {n:?}");
                continue;
            };
            let scale = 1e-12;
            assert!((apart(found.normal) - found.distance).abs() < scale, "{k}, {second:?}");
            for n in &directions {
                let depth = found.distance + scale;
                assert!(apart(*n) <= depth, "{k}, {second:?}: {n:?} {:?}", found.normal);
            }
        }
    }
}
