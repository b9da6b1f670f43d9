//! Where every link is, how it moves, and how points on it move with the coordinates.

use cotangent_ad::{Num, Pose, Quat, Real, Vec3};

use crate::model::{JointKind, Model, Parameters};
use crate::scratch::{Scratch, lift_pose};
use crate::spatial::{Force, Motion};

/// Frames, axes and inertias of all links at `q`.
///
/// `X_i = X_p X_T X_J(q)` (Featherstone 2008, eq. 4.3 and table 4.1), in world axes about the tree's origin. Quaternions
/// are used as they are: keep them unit.
pub fn kinematics<T: Real>(model: &Model, parameters: &Parameters<T>, q: &[T], s: &mut Scratch<T>) {
    for (i, link) in model.links().iter().enumerate() {
        let at = s.link_pose(link.parent) * lift_pose(&link.placement);
        let x = &q[link.q_at..];
        s.pose[i] = match link.joint {
            JointKind::Hinge(axis) => {
                let turn = Quat::from_axis_angle(lit(axis), x[0] - link.reference).to_mat();
                Pose { rotation: at.rotation * turn, ..at }
            }
            JointKind::Slide(axis) => {
                let along = lit(axis) * (x[0] - link.reference);
                Pose { translation: at.point(along), ..at }
            }
            JointKind::Ball => {
                let turn = Quat([x[0], x[1], x[2], x[3]]).to_mat();
                Pose { rotation: at.rotation * turn, ..at }
            }
            JointKind::Translation => {
                Pose { translation: at.point(Vec3([x[0], x[1], x[2]])), ..at }
            }
        };
        let from_origin = s.pose[i].translation - s.origin(model, i);
        let Pose { rotation, .. } = s.pose[i];
        let turning = |axis: Vec3<T>| Motion { angular: axis, linear: from_origin.cross(axis) };
        let along = |axis: Vec3<T>| Motion { angular: Vec3::zero(), linear: axis };
        let axis = &mut s.axis[link.v_at..];
        match link.joint {
            JointKind::Hinge(a) => axis[0] = turning(rotation * lit(a)),
            JointKind::Slide(a) => axis[0] = along(rotation * lit(a)),
            JointKind::Ball => (0..3).for_each(|k| axis[k] = turning(rotation.column(k))),
            JointKind::Translation => (0..3).for_each(|k| axis[k] = along(rotation.column(k))),
        }
        let about_origin = Pose { rotation, translation: from_origin };
        s.inertia[i] = parameters.inertia[i].transformed(&about_origin);
    }
}

fn lit<T: Num>(v: Vec3<f64>) -> Vec3<T> {
    Vec3::lit(v.0)
}

/// Velocities of all links, after [`kinematics`] (eq. 5.14 left).
pub fn velocities<T: Num>(model: &Model, v: &[T], s: &mut Scratch<T>) {
    for (i, link) in model.links().iter().enumerate() {
        let mut velocity = link.parent.map_or_else(Motion::zero, |p| s.velocity[p]);
        for d in link.v_at..link.v_at + link.joint.nv() {
            velocity += s.axis[d] * v[d];
        }
        s.velocity[i] = velocity;
    }
}

/// Adds to `q_bar` what the cotangent `x_bar` of a world point fixed to `link` gives: `q_bar += (dx/dq)^T x_bar`, in the
/// tangent space. After [`kinematics`].
pub fn point_pullback(
    model: &Model,
    link: Option<usize>,
    point: Vec3<f64>,
    x_bar: Vec3<f64>,
    s: &Scratch,
    q_bar: &mut [f64],
) {
    let Some(link) = link else { return };
    let force = Force::at(point - s.origin(model, link), x_bar);
    let last = model.links()[link].v_at + model.links()[link].joint.nv() - 1;
    let mut dof = Some(last);
    while let Some(d) = dof {
        q_bar[d] += s.axis[d].dot(force);
        dof = model.dof_parent[d];
    }
}
