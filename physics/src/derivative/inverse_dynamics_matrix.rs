//! The derivatives of inverse dynamics as matrices.
//!
//! With the sums over the subtree of a link, of inertias `I`, of forces `F`, and of the linear maps `B w = v x* I w - w x* I v - I (v x w)`
//! (less the drag of a fluid), `H_i = I S_i`, `G_i = B S_i` and `p_j = v_p x S_j`, where `j` is on the way from `i` to the world or on its link:
//!
//! ```text
//! dtau_i/dq_j = p_j . G_i + (v_p x p_j - S_j x a_p) . H_i           dtau_i/dv_j = S_j . G_i + ((v_p + v_j) x S_j) . H_i
//! dtau_j/dq_i = S_j . (B^T p_i + I (v_p x p_i - S_i x a_p) + S_i x* F)      dtau_j/dv_i = S_j . (B^T S_i + I ((v_p + v_i) x S_i))
//! ```
//!
//! the latter for `j` above the link of `i`; all other entries are 0. Weight that is held adds `K (S x a_0)`, `K` being the sum of the held
//! shares of the inertias; forces from outside add `S_j . E S_i` for `j` on the way from `i` to the world, and `S_j . E^T S_i` for `j` above the link of
//! `i`, with the map `E` of `force/external.rs`. Carpentier & Mansard, RSS 2018, in the frame of the tree's origin.

use cotangent_ad::Vec3;

use crate::force::{each_drag_matrix, each_push, push_matrices};
use crate::model::{Model, Parameters};
use crate::rnea::{link_force, world_acceleration};
use crate::scratch::Scratch;
use crate::spatial::{Force, Motion, SpatialInertia, symmetric};

/// A linear map from motions to forces, by columns.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MotionToForce([Force<f64>; 6]);

impl MotionToForce {
    /// The map `f`, from what it does to the unit motions.
    pub(crate) fn of(f: impl Fn(Motion<f64>) -> Force<f64>) -> Self {
        Self(std::array::from_fn(|k| {
            let (unit, zero) = (Vec3::unit(k % 3), Vec3::zero());
            f(if k < 3 {
                Motion { angular: unit, linear: zero }
            } else {
                Motion { angular: zero, linear: unit }
            })
        }))
    }

    /// `B w = v x* I w - w x* I v - I (v x w)` of a rigid body with the momentum `(L, p) = I v`: with `v = (omega, u)` and `w = (a, b)`, by
    /// Jacobi's identity, no force but the moment
    ///
    /// ```text
    /// ([omega] J - J [omega] + [L] + 2 (u . h) 1 - h u^T - u h^T) a + 2 p x b
    /// ```
    fn of_inertia(inertia: &SpatialInertia<f64>, v: Motion<f64>) -> Self {
        let Force { angular, linear } = inertia.apply(v);
        let turned = v.angular.skew() * symmetric(inertia.rotational);
        let (u, h) = (v.linear, inertia.moment);
        let twice = 2.0 * u.dot(h);
        let moment = |moment: Vec3<f64>| Force { angular: moment, linear: Vec3::zero() };
        let turning = |k: usize| {
            let mut sum = turned.column(k) + turned.row(k) + angular.cross(Vec3::unit(k));
            sum[k] += twice;
            moment(sum - h * u[k] - u * h[k])
        };
        let moving = |k: usize| moment(linear.cross(Vec3::unit(k)) * 2.0);
        Self([turning(0), turning(1), turning(2), moving(0), moving(1), moving(2)])
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(a, b)| *a += *b);
    }

    fn apply(&self, m: Motion<f64>) -> Force<f64> {
        let mut sum = Force::zero();
        for k in 0..3 {
            sum += self.0[k] * m.angular[k] + self.0[3 + k] * m.linear[k];
        }
        sum
    }

    fn transposed(&self, m: Motion<f64>) -> Force<f64> {
        let dot = |k: usize| m.dot(self.0[k]);
        Force { angular: Vec3([dot(0), dot(1), dot(2)]), linear: Vec3([dot(3), dot(4), dot(5)]) }
    }
}

/// Sums over the subtree of each link.
#[derive(Clone, Copy, Debug)]
struct Subtree {
    inertia: SpatialInertia<f64>,
    held: SpatialInertia<f64>,
    by_velocity: MotionToForce,
    force: Force<f64>,
}

/// Writes `dtau/dq` and `dtau/dv` of inverse dynamics less the forces on links into the first `2 nv` columns of `rows`, each `width` long,
/// after [`prepare`](super::inverse_dynamics::prepare).
pub(super) fn matrices(
    model: &Model,
    parameters: &Parameters<f64>,
    s: &Scratch,
    (rows, width): (&mut [f64], usize),
) {
    let (n, world) = (model.nv(), world_acceleration(parameters));
    let held_weight = model.has_gravity_compensation;
    let sums = subtrees(model, parameters, s);
    let turnings = turnings(model, parameters, s);
    for (i, link) in model.links().iter().enumerate() {
        let sum = &sums[i];
        let (v_p, a_p) = around(model, i, s, world);
        let dofs = link.v_at..link.v_at + link.joint.nv();
        let above = model.last_dof(link.parent);
        for d in dofs.clone() {
            let axis = s.axis[d];
            let (h, g) = (sum.inertia.apply(axis), sum.by_velocity.apply(axis));
            let held = held_weight.then(|| sum.held.apply(axis));
            let turning = turnings.get(i).map(|turning| turning.apply(axis));
            let p = v_p.cross(axis);
            let mut by_q = sum.by_velocity.transposed(p)
                + sum.inertia.apply(v_p.cross(p) - axis.cross(a_p))
                + axis.cross_force(sum.force);
            if held_weight {
                by_q += sum.held.apply(axis.cross(world));
            }
            if let Some(turning) = turnings.get(i) {
                by_q += turning.transposed(axis);
            }
            let by_v = sum.by_velocity.transposed(axis)
                + sum.inertia.apply((v_p + s.velocity[i]).cross(axis));
            // rows of this coordinate: columns on its link, and above it
            let mut row = |e: usize| {
                let other = model.dof_link[e];
                let (v, a) = around(model, other, s, world);
                let axis = s.axis[e];
                let p = v.cross(axis);
                let row = &mut rows[d * width..];
                row[e] = p.dot(g) + (v.cross(p) - axis.cross(a)).dot(h);
                if let Some(held) = held {
                    row[e] += axis.cross(world).dot(held);
                }
                if let Some(turning) = turning {
                    row[e] += axis.dot(turning);
                }
                row[n + e] = axis.dot(g) + (v + s.velocity[other]).cross(axis).dot(h);
            };
            dofs.clone().for_each(&mut row);
            let mut up = above;
            while let Some(e) = up {
                row(e);
                up = model.dof_parent[e];
            }
            let mut up = above;
            while let Some(e) = up {
                rows[e * width + d] = s.axis[e].dot(by_q);
                rows[e * width + n + d] = s.axis[e].dot(by_v);
                up = model.dof_parent[e];
            }
        }
    }
}

/// Adds `d(M x)/dq` into the first `nv` columns of `rows`, each `width` long, after the mass matrix and its composite inertias `I`.
///
/// What is left of the formulas above where nothing moves: with the accelerations `a` and the forces `F` that `x` alone gives,
///
/// ```text
/// d(M x)_i/dq_j = -(S_j x a_p) . I_i S_i           d(M x)_j/dq_i = S_j . (S_i x* F - I_i (S_i x a_p))
/// ```
pub(super) fn add_mass_slopes(
    model: &Model,
    x: &[f64],
    s: &mut Scratch,
    (rows, width): (&mut [f64], usize),
) {
    for (i, link) in model.links().iter().enumerate() {
        let dofs = link.v_at..link.v_at + link.joint.nv();
        let around = link.parent.map_or_else(Motion::zero, |p| s.acceleration[p]);
        s.acceleration[i] = dofs.fold(around, |sum, d| sum + s.axis[d] * x[d]);
        s.force[i] = s.inertia[i].apply(s.acceleration[i]);
    }
    for (i, link) in model.links().iter().enumerate().rev() {
        let above = model.last_dof(link.parent);
        let own = around(model, i, s, Motion::zero()).1;
        for d in link.v_at..link.v_at + link.joint.nv() {
            let axis = s.axis[d];
            let needed = s.composite[i].apply(axis);
            let by_q = axis.cross_force(s.force[i]) - s.composite[i].apply(axis.cross(own));
            let mut up = Some(link.v_at + link.joint.nv() - 1);
            while let Some(e) = up {
                let (_, a) = around(model, model.dof_link[e], s, Motion::zero());
                rows[d * width + e] -= s.axis[e].cross(a).dot(needed);
                up = model.dof_parent[e];
            }
            let mut up = above;
            while let Some(e) = up {
                rows[e * width + d] += s.axis[e].dot(by_q);
                up = model.dof_parent[e];
            }
        }
        if let Some(p) = link.parent {
            let force = s.force[i];
            s.force[p] += force;
        }
    }
}

/// Velocity and acceleration of what a link hangs on.
fn around(
    model: &Model,
    link: usize,
    s: &Scratch,
    world: Motion<f64>,
) -> (Motion<f64>, Motion<f64>) {
    let parent = model.links()[link].parent;
    parent.map_or((Motion::zero(), world), |p| (s.velocity[p], s.acceleration[p]))
}

fn subtrees(model: &Model, parameters: &Parameters<f64>, s: &Scratch) -> Vec<Subtree> {
    let world = world_acceleration(parameters);
    let own = |i: usize| {
        let (inertia, v) = (s.inertia[i], s.velocity[i]);
        let held = inertia * parameters.gravity_compensation[i];
        let by_velocity = MotionToForce::of_inertia(&inertia, v);
        let force = link_force(s, i) - held.apply(world);
        Subtree { inertia, held, by_velocity, force }
    };
    let mut sums: Vec<Subtree> = (0..model.links().len()).map(own).collect();
    each_drag_matrix(model, parameters, s, |link, drag, by_velocity| {
        sums[link].force = sums[link].force - drag;
        sums[link].by_velocity.add(&by_velocity);
    });
    each_push(model, parameters, s, |link, push| sums[link].force = sums[link].force - push);
    for (i, link) in model.links().iter().enumerate().rev() {
        if let Some(p) = link.parent {
            let below = sums[i];
            let sum = &mut sums[p];
            sum.inertia += below.inertia;
            sum.held += below.held;
            sum.by_velocity.add(&below.by_velocity);
            sum.force += below.force;
        }
    }
    sums
}

/// How forces from outside turn with the world, summed over the subtree of each link; none where nothing pushes.
fn turnings(model: &Model, parameters: &Parameters<f64>, s: &Scratch) -> Vec<MotionToForce> {
    let mut sums = push_matrices(model, parameters, s);
    for link in (0..sums.len()).rev() {
        if let Some(parent) = model.links()[link].parent {
            let below = sums[link];
            sums[parent].add(&below);
        }
    }
    sums
}
