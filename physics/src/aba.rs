//! Articulated bodies: the mass matrix as factors, and solves with it, in linear time.
//!
//! Featherstone 2008, table 7.1, read as a factorization of `M + diag(d)`: the coordinates are eliminated one by one from the
//! leaves to the roots, which is the block elimination of the table without its inverses. What is kept of coordinate `i` is the
//! column `U_i = I^A S_i` and the pivot `1 / (S_i . U_i + d_i)`; two sweeps over them solve with any right side.

use cotangent_ad::{Num, Vec3};

use crate::kinematics::Placed;
use crate::model::{Model, Parameters};
use crate::rnea::inverse_dynamics;
use crate::scratch::Scratch;
use crate::spatial::{Force, Motion, SpatialInertia};

/// A symmetric `6 x 6` inertia that need not be a rigid body's. Symmetric blocks hold `xx, yy, zz, xy, xz, yz`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ArticulatedInertia<T> {
    /// Moment by angular acceleration.
    angular: [T; 6],
    /// Moment by linear acceleration, row-major; force by angular is its transpose.
    mixed: [T; 9],
    /// Force by linear acceleration.
    linear: [T; 6],
}

#[inline]
fn symmetric_apply<T: Num>([xx, yy, zz, xy, xz, yz]: [T; 6], [a, b, c]: [T; 3]) -> Vec3<T> {
    Vec3([xx * a + xy * b + xz * c, xy * a + yy * b + yz * c, xz * a + yz * b + zz * c])
}

#[inline]
fn symmetric_add_outer<T: Num>(m: &mut [T; 6], [a, b, c]: [T; 3], s: T) {
    let (sa, sb, sc) = (a * s, b * s, c * s);
    m[0] += sa * a;
    m[1] += sb * b;
    m[2] += sc * c;
    m[3] += sa * b;
    m[4] += sa * c;
    m[5] += sb * c;
}

impl<T: Num> ArticulatedInertia<T> {
    pub(crate) fn zero() -> Self {
        let zero = T::lit(0.0);
        Self { angular: [zero; 6], mixed: [zero; 9], linear: [zero; 6] }
    }

    #[inline]
    fn rigid(i: &SpatialInertia<T>) -> Self {
        let (zero, [a, b, c]) = (T::lit(0.0), i.moment.0);
        Self {
            angular: i.rotational,
            mixed: [zero, -c, b, c, zero, -a, -b, a, zero],
            linear: [i.mass, i.mass, i.mass, zero, zero, zero],
        }
    }

    #[inline]
    fn apply(&self, m: Motion<T>) -> Force<T> {
        let ([a, b, c], [x, y, z], mixed) = (m.angular.0, m.linear.0, &self.mixed);
        let moment = Vec3([
            mixed[0] * x + mixed[1] * y + mixed[2] * z,
            mixed[3] * x + mixed[4] * y + mixed[5] * z,
            mixed[6] * x + mixed[7] * y + mixed[8] * z,
        ]);
        let force = Vec3([
            mixed[0] * a + mixed[3] * b + mixed[6] * c,
            mixed[1] * a + mixed[4] * b + mixed[7] * c,
            mixed[2] * a + mixed[5] * b + mixed[8] * c,
        ]);
        Force {
            angular: symmetric_apply(self.angular, m.angular.0) + moment,
            linear: symmetric_apply(self.linear, m.linear.0) + force,
        }
    }

    /// `I += s f f^T`.
    #[inline]
    fn add_outer(&mut self, f: Force<T>, s: T) {
        symmetric_add_outer(&mut self.angular, f.angular.0, s);
        symmetric_add_outer(&mut self.linear, f.linear.0, s);
        for (i, a) in f.angular.0.into_iter().enumerate() {
            let a = a * s;
            for (j, b) in f.linear.0.into_iter().enumerate() {
                self.mixed[3 * i + j] += a * b;
            }
        }
    }

    #[inline]
    fn add(&mut self, b: &Self) {
        (0..6).for_each(|k| self.angular[k] += b.angular[k]);
        (0..9).for_each(|k| self.mixed[k] += b.mixed[k]);
        (0..6).for_each(|k| self.linear[k] += b.linear[k]);
    }
}

/// Factors of `M + diag(extra)`, armature being part of `M`, after kinematics.
pub(crate) fn factorize<T: Num>(
    model: &Model,
    parameters: &Parameters<T>,
    extra: impl Fn(usize) -> Option<T>,
    s: &mut Scratch<T>,
) {
    for (articulated, inertia) in s.articulated.iter_mut().zip(&s.inertia) {
        *articulated = ArticulatedInertia::rigid(inertia);
    }
    for (i, link) in model.links().iter().enumerate().rev() {
        let mut own = s.articulated[i];
        for d in (link.v_at..link.v_at + link.joint.nv()).rev() {
            let axis = s.axis[d];
            let column = own.apply(axis);
            let mut pivot = axis.dot(column) + parameters.armature[d];
            if let Some(extra) = extra(d) {
                pivot += extra;
            }
            s.pivot[d] = pivot.recip();
            s.column[d] = column;
            own.add_outer(column, -s.pivot[d]);
        }
        if let Some(p) = link.parent {
            s.articulated[p].add(&own);
        }
    }
}

/// `x <- (M + diag(extra))^-1 x` with the factors in `s`. Overwrites the forces and accelerations of the links.
pub(crate) fn solve<T: Num>(model: &Model, x: &mut [T], s: &mut Scratch<T>) {
    let links = model.links();
    s.force.fill(Force::zero());
    for (i, link) in links.iter().enumerate().rev() {
        let mut force = s.force[i];
        for d in (link.v_at..link.v_at + link.joint.nv()).rev() {
            let rest = (x[d] - s.axis[d].dot(force)) * s.pivot[d];
            force += s.column[d] * rest;
            x[d] = rest;
        }
        if let Some(p) = link.parent {
            s.force[p] += force;
        }
    }
    for (i, link) in links.iter().enumerate() {
        let mut acceleration = link.parent.map_or_else(Motion::zero, |p| s.acceleration[p]);
        for d in link.v_at..link.v_at + link.joint.nv() {
            x[d] -= acceleration.dot(s.column[d]) * s.pivot[d];
            acceleration += s.axis[d] * x[d];
        }
        s.acceleration[i] = acceleration;
    }
}

/// Forward dynamics: the accelerations under the forces `tau` on the coordinates, `M a = tau - c`, without the model's own
/// actuators, damping and springs.
///
/// # Shapes
/// `v`, `tau`, the result: `nv`.
pub fn aba<'s, T: Num>(
    model: &Model,
    parameters: &Parameters<T>,
    v: &[T],
    tau: &[T],
    placed: &'s mut Placed<'_, T>,
) -> &'s [T] {
    let s = placed.scratch();
    inverse_dynamics(model, parameters, v, None, s);
    factorize(model, parameters, |_| None, s);
    let mut a = std::mem::take(&mut s.a);
    for d in 0..model.nv() {
        a[d] = tau[d] - s.tau[d];
    }
    solve(model, &mut a, s);
    s.a = a;
    &s.a
}
