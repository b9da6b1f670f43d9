//! What changes while a model moves.

use cotangent_ad::{Num, Quat, Real, Vec3};

use crate::model::{JointKind, Model};

/// Configuration and velocity.
///
/// A free joint has `q` = position, quaternion `[w, x, y, z]`; `v` = linear velocity in world axes, angular velocity in body
/// axes. A ball has the quaternion and the angular velocity in body axes.
#[derive(Clone, Debug, PartialEq)]
pub struct State<T = f64> {
    /// Configuration. Entries: `nq`.
    pub q: Vec<T>,
    /// Velocity. Entries: `nv`.
    pub v: Vec<T>,
}

impl<T: Num> State<T> {
    /// The reference configuration at rest.
    pub fn at_reference(model: &Model) -> Self {
        Self {
            q: model.reference_configuration().iter().map(|x| T::lit(*x)).collect(),
            v: vec![T::lit(0.0); model.nv()],
        }
    }
}

/// `out = q (+) d`: moves a configuration along its tangent space, `q exp(d)` for a quaternion, renormalised.
///
/// # Shapes
/// `q`, `out`: `nq`; `d`: `nv`.
pub fn displace<T: Real>(model: &Model, q: &[T], d: &[T], out: &mut [T]) {
    for link in model.links() {
        let (q, d) = (&q[link.q_at..], &d[link.v_at..]);
        let out = &mut out[link.q_at..];
        if link.joint == JointKind::Ball {
            let turn = Quat::exp(Vec3([d[0], d[1], d[2]]));
            let turned = Quat([q[0], q[1], q[2], q[3]]) * turn;
            out[..4].copy_from_slice(&turned.normalized().0);
        } else {
            for k in 0..link.joint.nv() {
                out[k] = q[k] + d[k];
            }
        }
    }
}

/// `d` such that `b = a (+) d`: the shortest.
///
/// # Shapes
/// `a`, `b`: `nq`; `d`: `nv`.
pub fn difference<T: Real>(model: &Model, a: &[T], b: &[T], d: &mut [T]) {
    for link in model.links() {
        let (a, b) = (&a[link.q_at..], &b[link.q_at..]);
        let d = &mut d[link.v_at..];
        if link.joint == JointKind::Ball {
            let quat = |q: &[T]| Quat([q[0], q[1], q[2], q[3]]);
            d[..3].copy_from_slice(&(quat(a).conjugate() * quat(b)).log().0);
        } else {
            for k in 0..link.joint.nv() {
                d[k] = b[k] - a[k];
            }
        }
    }
}
