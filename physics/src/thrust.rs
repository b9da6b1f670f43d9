//! A force and a torque at a site, against the world or against a second site.
//!
//! Against the world they are fixed to the site and have no length. Against a second site, at `x_2` with the axes `R_2`, they are in its axes, `f = R_2 g`
//! and `t = R_2 h`, and act in turn on it. With the coordinates that move one of the two and not the other, the moments are
//!
//! ```text
//! m . v = f . (x_1' - x_2') + t . (w_1 - w_2),     l = g . R_2^T (x_1 - x_2) + h . log(R_2^T R_1)
//! ```
//!
//! as in MuJoCo 3.17 (`mj_transmission`): the length's derivative is another one, for the axes turn too, and a rotation vector is no integral of
//! the angular velocity. It is kept beside the moments.
//!
//! The derivative of the moments: under the velocities `m_bar` with those `V_p` of a link's parent, turning what is above joint `j`
//! changes `V . W` by `-S_j . (V_p x* W)` for a wrench `W` that turns with it. The first site's wrench turns with the second one instead, which the torque
//! `c = f x u + t x w` makes up for, `u` and `w` being the first site's velocities: `-c` on what moves the first, `c` on what moves the second.

use cotangent_ad::{Mat3, Quat, Real, Vec3};

use crate::model::{Model, Thrust};
use crate::scratch::{Scratch, lift_pose};
use crate::spatial::{Force, Motion};

/// A thrust at a configuration, in world axes.
struct Push<T> {
    /// Axes and place of both sites.
    axes: [Mat3<T>; 2],
    places: [Vec3<T>; 2],
    force: Vec3<T>,
    torque: Vec3<T>,
}

fn push<T: Real>(thrust: &Thrust, s: &Scratch<T>) -> Push<T> {
    let frames = thrust.mounts.map(|mount| s.link_pose(mount.link) * lift_pose(&mount.placement));
    let axes = frames.map(|frame| frame.rotation);
    let own = axes[usize::from(thrust.against.is_some())];
    let (force, torque) = (own * Vec3::lit(thrust.force.0), own * Vec3::lit(thrust.torque.0));
    Push { axes, places: frames.map(|frame| frame.translation), force, torque }
}

/// The wrench of a force and a torque at `x` about the origin of a link's tree; none on the world.
fn wrench_on<T: Real>(
    model: &Model,
    link: Option<usize>,
    (x, force, torque): (Vec3<T>, Vec3<T>, Vec3<T>),
    s: &Scratch<T>,
) -> Force<T> {
    link.map_or_else(Force::zero, |link| {
        let about_origin = Force::at(x - s.origin(model, link), force);
        Force { angular: about_origin.angular + torque, ..about_origin }
    })
}

/// The wrenches on both links.
fn wrenches<T: Real>(
    model: &Model,
    thrust: &Thrust,
    push: &Push<T>,
    s: &Scratch<T>,
) -> [Force<T>; 2] {
    let ([first, second], [x, from]) = (thrust.mounts.map(|mount| mount.link), push.places);
    [
        wrench_on(model, first, (x, push.force, push.torque), s),
        wrench_on(model, second, (from, -push.force, -push.torque), s),
    ]
}

/// The length of a thrust; its moments and the derivatives of its length are added to the ends of lists.
pub(crate) fn lay<T: Real>(
    model: &Model,
    thrust: &Thrust,
    (moments, slopes): (&mut Vec<T>, &mut Vec<T>),
    s: &Scratch<T>,
) -> T {
    let push = push(thrust, s);
    let along = |wrenches: [Force<T>; 2]| {
        let each = thrust.dofs.iter().zip(&thrust.sides);
        each.map(move |(d, side)| s.axis[*d].dot(wrenches[*side]))
    };
    moments.extend(along(wrenches(model, thrust, &push, s)));
    if thrust.against.is_none() {
        slopes.extend(thrust.dofs.iter().map(|_| T::lit(0.0)));
        return T::lit(0.0);
    }
    let ([axes, from_axes], [x, from]) = (push.axes, push.places);
    let mut length = push.force.dot(x - from);
    let mut torque = Vec3::zero();
    if thrust.torque != Vec3::zero() {
        // log(R exp(d)) = log R + J_r(log R)^-1 d
        let (angle, by) = (Quat::from_mat(&(from_axes.transpose() * axes)).log(), thrust.torque);
        let by = Vec3::lit(by.0);
        length += by.dot(angle);
        torque = axes * Vec3([0, 1, 2].map(|k| by.dot(Quat::exp_rate(angle, Vec3::unit(k)))));
    }
    let [first, second] = thrust.mounts.map(|mount| mount.link);
    slopes.extend(along([
        wrench_on(model, first, (x, push.force, torque), s),
        wrench_on(model, second, (x, -push.force, -torque), s),
    ]));
    length
}

/// Adds the derivative by the configuration of `sum m_bar . m` over the moments of a thrust.
pub(crate) fn pull(model: &Model, thrust: &Thrust, bars: &[f64], q_bar: &mut [f64], s: &Scratch) {
    let push = push(thrust, s);
    let wrenches = wrenches(model, thrust, &push, s);
    let mut velocity = [Motion::zero(); 2];
    // from the world outward
    for (side, velocity) in velocity.iter_mut().enumerate() {
        let (mut around, mut link) = (Motion::zero(), None);
        for ((d, bar), _) in
            thrust.dofs.iter().zip(bars).zip(&thrust.sides).filter(|x| *x.1 == side)
        {
            if link != Some(model.dof_link[*d]) {
                (around, link) = (*velocity, Some(model.dof_link[*d]));
            }
            q_bar[*d] -= s.axis[*d].dot(around.cross_force(wrenches[side]));
            *velocity += s.axis[*d] * *bar;
        }
    }
    if let (Some(_), Some(link)) = (thrust.against, thrust.mounts[0].link) {
        let moving = velocity[0].at(push.places[0] - s.origin(model, link));
        let torque = push.force.cross(moving) + push.torque.cross(velocity[0].angular);
        for (d, side) in thrust.dofs.iter().zip(&thrust.sides) {
            let by = s.axis[*d].angular.dot(torque);
            q_bar[*d] += if *side == 0 { -by } else { by };
        }
    }
}
