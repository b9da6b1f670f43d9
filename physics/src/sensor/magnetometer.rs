//! A field that is the same everywhere, seen from a frame: `R^T B`.
//!
//! Turning the frame by a small `d` in world axes changes this by `-R^T (d x B)`, so that a cotangent `y` is one of `d`, `R y x B`.

use cotangent_ad::{Real, Vec3};

use super::Wrenches;
use crate::model::Mount;
use crate::scratch::{Scratch, lift_pose};
use crate::spatial::Force;

/// The field along the frame's axes.
pub(super) fn read<T: Real>((of, field): (&Mount, Vec3<f64>), s: &Scratch<T>) -> Vec3<T> {
    let pose = s.link_pose(of.link) * lift_pose(&of.placement);
    pose.rotation.transpose_mul(Vec3::lit(field.0))
}

/// Adds what the cotangent of [`read`] gives, as a torque on the link.
pub(super) fn pull(
    (of, field): (&Mount, Vec3<f64>),
    y_bar: Vec3<f64>,
    s: &Scratch,
    wrenches: &mut Wrenches,
) {
    let Some(link) = of.link else { return };
    let rotation = (s.link_pose(of.link) * of.placement).rotation;
    let angular = (rotation * y_bar).cross(field);
    wrenches.place[link] += Force { angular, linear: Vec3::zero() };
}
