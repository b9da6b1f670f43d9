//! Recursive Newton-Euler: the forces that a motion needs.

use cotangent_ad::Num;

use crate::kinematics::{Placed, move_links};
use crate::model::{Model, Parameters};
use crate::scratch::Scratch;
use crate::spatial::{Force, Motion};

/// Inverse dynamics `tau = M(q) a + c(q, v)`, `c` with gravity and without actuators and passive forces; `a = None` is zero.
///
/// `a_i = a_p + v_p x v_J + S a`, `f_i = I_i a_i + v_i x* I_i v_i`, `tau = S^T sum f` (Featherstone 2008, table 5.1).
///
/// # Shapes
/// `v`, `a`, the result: `nv`.
pub fn rnea<'s, T: Num>(
    model: &Model,
    parameters: &Parameters<T>,
    v: &[T],
    a: Option<&[T]>,
    placed: &'s mut Placed<'_, T>,
) -> &'s [T] {
    inverse_dynamics(model, parameters, v, a, placed.scratch());
    &placed.scratch().tau
}

/// [`rnea`] into `s.tau`, after kinematics.
pub(crate) fn inverse_dynamics<T: Num>(
    model: &Model,
    parameters: &Parameters<T>,
    v: &[T],
    a: Option<&[T]>,
    s: &mut Scratch<T>,
) {
    link_forces(model, parameters, v, a, s);
    gather(model, s);
    if let Some(a) = a {
        for d in 0..model.nv() {
            s.tau[d] += parameters.armature[d] * a[d];
        }
    }
}

/// The forces that the motion of each link needs, into `s.force`.
pub(crate) fn link_forces<T: Num>(
    model: &Model,
    parameters: &Parameters<T>,
    v: &[T],
    a: Option<&[T]>,
    s: &mut Scratch<T>,
) {
    move_links(model, v, s);
    accelerations(model, parameters, v, a, s);
    for i in 0..model.links().len() {
        s.force[i] = link_force(s, i);
    }
}

/// `tau = S^T sum f` over each subtree, from `s.force` into `s.tau`.
pub(crate) fn gather<T: Num>(model: &Model, s: &mut Scratch<T>) {
    for (i, link) in model.links().iter().enumerate().rev() {
        for d in link.v_at..link.v_at + link.joint.nv() {
            s.tau[d] = s.axis[d].dot(s.force[i]);
        }
        if let Some(p) = link.parent {
            let force = s.force[i];
            s.force[p] += force;
        }
    }
}

/// Accelerations of all links, after [`move_links`].
pub(crate) fn accelerations<T: Num>(
    model: &Model,
    parameters: &Parameters<T>,
    v: &[T],
    a: Option<&[T]>,
    s: &mut Scratch<T>,
) {
    let world = world_acceleration(parameters);
    for (i, link) in model.links().iter().enumerate() {
        let mut joint_velocity = Motion::zero();
        let (mut acceleration, parent_velocity) = match link.parent {
            Some(p) => (s.acceleration[p], s.velocity[p]),
            None => (world, Motion::zero()),
        };
        for d in link.v_at..link.v_at + link.joint.nv() {
            joint_velocity += s.axis[d] * v[d];
            if let Some(a) = a {
                acceleration += s.axis[d] * a[d];
            }
        }
        s.acceleration[i] = acceleration + parent_velocity.cross(joint_velocity);
    }
}

/// Gravity as an acceleration of the world.
#[inline]
pub(crate) fn world_acceleration<T: Num>(parameters: &Parameters<T>) -> Motion<T> {
    Motion { linear: -parameters.gravity, ..Motion::zero() }
}

/// `I a + v x* I v` of one link.
#[inline]
pub(crate) fn link_force<T: Num>(s: &Scratch<T>, i: usize) -> Force<T> {
    let (inertia, v) = (&s.inertia[i], s.velocity[i]);
    inertia.apply(s.acceleration[i]) + v.cross_force(inertia.apply(v))
}
