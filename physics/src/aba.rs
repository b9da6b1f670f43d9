//! Articulated bodies: accelerations in linear time.

use cotangent_ad::{Mat3, Num, Vec3};

use crate::kinematics::velocities;
use crate::model::{Model, Parameters};
use crate::scratch::Scratch;
use crate::spatial::{Force, Motion, SpatialInertia, symmetric};

/// A symmetric `6 x 6` inertia that need not be a rigid body's.
#[derive(Clone, Copy, Debug)]
struct ArticulatedInertia<T> {
    /// Moment by angular acceleration.
    angular: Mat3<T>,
    /// Moment by linear acceleration; force by angular is its transpose.
    mixed: Mat3<T>,
    /// Force by linear acceleration.
    linear: Mat3<T>,
}

impl<T: Num> ArticulatedInertia<T> {
    fn rigid(i: &SpatialInertia<T>) -> Self {
        Self {
            angular: symmetric(i.rotational),
            mixed: i.moment.skew(),
            linear: Mat3::diagonal([i.mass; 3]),
        }
    }

    fn apply(&self, m: Motion<T>) -> Force<T> {
        Force {
            angular: self.angular * m.angular + self.mixed * m.linear,
            linear: self.mixed.transpose_mul(m.angular) + self.linear * m.linear,
        }
    }

    /// `I += s f f^T`.
    fn add_outer(&mut self, f: Force<T>, s: T) {
        self.angular += f.angular.outer(f.angular) * s;
        self.mixed += f.angular.outer(f.linear) * s;
        self.linear += f.linear.outer(f.linear) * s;
    }

    fn add(&mut self, b: &Self) {
        self.angular += b.angular;
        self.mixed += b.mixed;
        self.linear += b.linear;
    }
}

/// Forward dynamics: the accelerations under the forces `tau` on the coordinates (motors, damping and springs included by the
/// caller). After [`kinematics`](crate::kinematics()).
///
/// Featherstone 2008, table 7.1. The coordinates of a joint are eliminated one by one, which is the block elimination of the
/// table without its inverse. It allocates: a step uses the mass matrix, whose factors the derivative needs too.
///
/// # Shapes
/// `v`, `tau`, the result: `nv`.
pub fn aba<T: Num>(
    model: &Model,
    parameters: &Parameters<T>,
    v: &[T],
    tau: &[T],
    s: &mut Scratch<T>,
) -> Vec<T> {
    velocities(model, v, s);
    let links = model.links();
    let n = model.nv();
    let mut inertia: Vec<_> = s.inertia.iter().map(ArticulatedInertia::rigid).collect();
    let mut bias: Vec<Force<T>> = (0..links.len())
        .map(|i| s.velocity[i].cross_force(s.inertia[i].apply(s.velocity[i])))
        .collect();
    let parent_velocity = |i: usize| links[i].parent.map_or_else(Motion::zero, |p| s.velocity[p]);
    // v_p x v_J = v_p x v_i
    let velocity_term: Vec<Motion<T>> =
        (0..links.len()).map(|i| parent_velocity(i).cross(s.velocity[i])).collect();
    let mut column = vec![Force::zero(); n];
    let mut pivot = vec![T::lit(0.0); n];
    let mut rest = vec![T::lit(0.0); n];
    for (i, link) in links.iter().enumerate().rev() {
        bias[i] += inertia[i].apply(velocity_term[i]);
        for d in (link.v_at..link.v_at + link.joint.nv()).rev() {
            let axis = s.axis[d];
            column[d] = inertia[i].apply(axis);
            pivot[d] = (axis.dot(column[d]) + parameters.armature[d]).recip();
            rest[d] = tau[d] - axis.dot(bias[i]);
            inertia[i].add_outer(column[d], -pivot[d]);
            bias[i] += column[d] * (rest[d] * pivot[d]);
        }
        if let Some(p) = link.parent {
            let own = inertia[i];
            inertia[p].add(&own);
            let force = bias[i];
            bias[p] += force;
        }
    }
    let world = Motion { angular: Vec3::zero(), linear: -parameters.gravity };
    let mut a = vec![T::lit(0.0); n];
    for (i, link) in links.iter().enumerate() {
        let mut acceleration = link.parent.map_or(world, |p| s.acceleration[p]);
        for d in link.v_at..link.v_at + link.joint.nv() {
            a[d] = (rest[d] - acceleration.dot(column[d])) * pivot[d];
            acceleration += s.axis[d] * a[d];
        }
        s.acceleration[i] = acceleration + velocity_term[i];
    }
    a
}
