//! Recursive Newton-Euler: the forces that a motion needs.

use cotangent_ad::Num;

use crate::kinematics::velocities;
use crate::model::{Model, Parameters};
use crate::scratch::Scratch;
use crate::spatial::{Force, Motion};

/// Inverse dynamics `tau = M(q) a + c(q, v)`, `c` with gravity and without damping, springs and motors. After
/// [`kinematics`](crate::kinematics()); `a = None` is zero.
///
/// `a_i = a_p + v_p x v_J + S a`, `f_i = I_i a_i + v_i x* I_i v_i`, `tau = S^T sum f` (Featherstone 2008, table 5.1).
///
/// # Shapes
/// `v`, `a`, `tau`: `nv`.
pub fn rnea<T: Num>(
    model: &Model,
    parameters: &Parameters<T>,
    v: &[T],
    a: Option<&[T]>,
    s: &mut Scratch<T>,
    tau: &mut [T],
) {
    velocities(model, v, s);
    accelerations(model, parameters, v, a, s);
    for i in 0..model.links().len() {
        s.force[i] = link_force(s, i);
    }
    for (i, link) in model.links().iter().enumerate().rev() {
        for d in link.v_at..link.v_at + link.joint.nv() {
            tau[d] = s.axis[d].dot(s.force[i]);
            if let Some(a) = a {
                tau[d] += parameters.armature[d] * a[d];
            }
        }
        if let Some(p) = link.parent {
            let force = s.force[i];
            s.force[p] += force;
        }
    }
}

/// Accelerations of all links, after [`velocities`].
pub(crate) fn accelerations<T: Num>(
    model: &Model,
    parameters: &Parameters<T>,
    v: &[T],
    a: Option<&[T]>,
    s: &mut Scratch<T>,
) {
    let world = Motion { linear: -parameters.gravity, ..Motion::zero() };
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

/// `I a + v x* I v` of one link.
#[inline]
pub(crate) fn link_force<T: Num>(s: &Scratch<T>, i: usize) -> Force<T> {
    let (inertia, v) = (&s.inertia[i], s.velocity[i]);
    inertia.apply(s.acceleration[i]) + v.cross_force(inertia.apply(v))
}
