//! Quaternions of frames: products along the joints, from the world outward.
//!
//! Turning a frame by a small `d` in world axes moves its quaternion by `(0, d) q / 2`.

use cotangent_ad::{Mat3, Quat, Real, Vec3};

use super::{MOST_NUMBERS, Wrenches};
use crate::model::{JointKind, Model, Mount};
use crate::spatial::Force;

/// Of the two quaternions of a rotation, that without a negative real part.
fn constant<T: Real>(rotation: &Mat3<f64>) -> Quat<T> {
    let q = Quat::from_mat(rotation).0;
    Quat::lit(if q[0] < 0.0 { q.map(|x| -x) } else { q })
}

/// The quaternion of a frame in the world.
fn in_world<T: Real>(model: &Model, mount: &Mount, q: &[T]) -> Quat<T> {
    let mut sum = constant(&mount.placement.rotation);
    let mut next = mount.link;
    while let Some(index) = next {
        let link = &model.links[index];
        let x = &q[link.q_at..];
        match link.joint {
            JointKind::Hinge(axis) => {
                sum = Quat::from_axis_angle(Vec3::lit(axis.0), x[0] - link.reference) * sum;
            }
            JointKind::Ball => sum = Quat([x[0], x[1], x[2], x[3]]).normalized() * sum,
            JointKind::Slide(_) | JointKind::Translation => {}
        }
        sum = constant(&link.placement.rotation) * sum;
        next = link.parent;
    }
    sum
}

/// The quaternions of a frame and of the conjugate of that from which it is seen.
fn pair<T: Real>(
    model: &Model,
    (of, relative_to): (&Mount, Option<&Mount>),
    q: &[T],
) -> (Quat<T>, Quat<T>) {
    let from = relative_to.map(|from| in_world(model, from, q).conjugate());
    (from.unwrap_or_else(Quat::identity), in_world(model, of, q))
}

/// The four numbers.
pub(super) fn read<T: Real>(
    model: &Model,
    mounts: (&Mount, Option<&Mount>),
    q: &[T],
) -> [T; MOST_NUMBERS] {
    let (from, of) = pair(model, mounts, q);
    (from * of).0
}

/// Adds what the cotangent of [`read`] gives, as torques on the links of both frames.
pub(super) fn pull(
    model: &Model,
    mounts: (&Mount, Option<&Mount>),
    y_bar: &[f64],
    q: &[f64],
    wrenches: &mut Wrenches,
) {
    let (from, of) = pair(model, mounts, q);
    let along = |k: usize| {
        let Vec3([x, y, z]) = Vec3::unit(k);
        let moved = (from * Quat([0.0, x, y, z]) * of).0;
        0.5 * moved.iter().zip(y_bar).map(|(m, bar)| m * bar).sum::<f64>()
    };
    let turn = Vec3([0, 1, 2].map(along));
    for (mount, angular) in [(Some(mounts.0), turn), (mounts.1, -turn)] {
        let Some(link) = mount.and_then(|mount| mount.link) else { continue };
        wrenches.place[link] += Force { angular, linear: Vec3::zero() };
    }
}
