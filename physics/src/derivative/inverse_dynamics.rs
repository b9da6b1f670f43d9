//! The derivative of inverse dynamics, contracted with a multiplier, in linear time.
//!
//! With the virtual velocities `w_i = sum S_j lambda_j` the scalar `phi = lambda^T tau(q, v, a)` is
//! `sum_i w_i . (I_i a_i + v_i x* I_i v_i)`. Turning everything above joint `j` by `S_j dq` is, seen from there, turning what
//! is below it the other way: `v_p`, `a_p` and `w_p` change by `-S_j x`, and nothing else. With `f_i` the link's force,
//! `h_i = I_i w_i` and `g_i = -w_i x* I_i v_i - I_i (v_i x w_i) + v_i x* h_i`, summed over the subtree of `j` to `F, H, G`:
//!
//! ```text
//! dphi/dq_j = dv . (G - v_p x* H) - (S_j x a_p) . H - (S_j x w_p) . F,     dv = -S_j x v_p
//! dphi/dv_j = S_j . G + ((v_p + v_j) x S_j) . H
//! ```
//!
//! Wrenches `f_i` on links that depend on the link's velocity and on gravity's direction alone, as a fluid's and those that
//! compensate gravity, join the sums: `-f_i` that of `F`, the derivative of `-w_i . f_i` by `v_i` that of `G`, and what gravity
//! `a_0` contracts with a sum `C` that adds `(S_j x a_0) . C` to `dphi/dq_j`. Those from outside, in world axes, add `S_j . T` with a sum `T`
//! (`force/external.rs`).
//!
//! The matrices whose contraction this is are those of Carpentier & Mansard, RSS 2018.

use crate::force::{LinkSums, pull_link_forces};
use crate::kinematics::{Placed, move_links};
use crate::model::{Model, Parameters};
use crate::rnea::{accelerations, link_force, world_acceleration};
use crate::scratch::{Scratch, lift_pose};
use crate::spatial::{Motion, SpatialInertia};

/// Memory of [`inverse_dynamics_pullback`], and the multiplier itself.
#[derive(Clone, Debug)]
pub struct Multiplier {
    /// `lambda`, `nv` entries.
    pub lambda: Vec<f64>,
    virtual_velocity: Vec<Motion<f64>>,
    /// `F`, `H`, `G`, `C` of each link's subtree.
    sums: Vec<LinkSums>,
}

impl Multiplier {
    /// Memory for `model`; the multiplier is zero.
    pub fn new(model: &Model) -> Self {
        let links = model.links().len();
        Self {
            lambda: vec![0.0; model.nv()],
            virtual_velocity: vec![Motion::zero(); links],
            sums: vec![LinkSums::zero(); links],
        }
    }
}

/// Adds the derivatives of `lambda^T rnea(q, v, a)` by `q` (tangent space), `v` and, where wanted, the parameters.
///
/// # Shapes
/// `v`, `a`, `q_bar`, `v_bar`: `nv`.
pub fn inverse_dynamics_pullback(
    model: &Model,
    parameters: &Parameters<f64>,
    (v, a): (&[f64], &[f64]),
    m: &mut Multiplier,
    placed: &mut Placed<'_>,
    bars: (&mut [f64], &mut [f64]),
    parameters_bar: Option<&mut Parameters<f64>>,
) {
    let s = placed.scratch();
    prepare(model, parameters, (v, a), s);
    pull(model, parameters, a, m, s, bars, (parameters_bar, false));
}

/// Velocities and accelerations of the links, after kinematics: what any number of pulls at one point share.
pub(crate) fn prepare(
    model: &Model,
    parameters: &Parameters<f64>,
    (v, a): (&[f64], &[f64]),
    s: &mut Scratch,
) {
    move_links(model, v, s);
    accelerations(model, parameters, v, Some(a), s);
}

/// [`inverse_dynamics_pullback`] after [`prepare`]; less the forces on links where `with_link_forces`.
pub(crate) fn pull(
    model: &Model,
    parameters: &Parameters<f64>,
    a: &[f64],
    m: &mut Multiplier,
    s: &Scratch,
    (q_bar, v_bar): (&mut [f64], &mut [f64]),
    (mut parameters_bar, with_link_forces): (Option<&mut Parameters<f64>>, bool),
) {
    for (i, link) in model.links().iter().enumerate() {
        let mut w = link.parent.map_or_else(Motion::zero, |p| m.virtual_velocity[p]);
        for d in link.v_at..link.v_at + link.joint.nv() {
            w += s.axis[d] * m.lambda[d];
        }
        m.virtual_velocity[i] = w;
        let (inertia, velocity) = (&s.inertia[i], s.velocity[i]);
        let h = inertia.apply(w);
        let g = velocity.cross_force(h)
            - w.cross_force(inertia.apply(velocity))
            - inertia.apply(velocity.cross(w));
        m.sums[i] = LinkSums { f: link_force(s, i), h, g, ..LinkSums::zero() };
    }
    if let Some(bar) = parameters_bar.as_deref_mut() {
        parameters_pullback(model, a, m, s, bar);
    }
    if with_link_forces {
        let (w, sums) = (&m.virtual_velocity, &mut m.sums);
        pull_link_forces(model, parameters, s, w, sums, parameters_bar);
    }
    let (world, is_pushed) = (world_acceleration(parameters), !parameters.external.is_empty());
    for (i, link) in model.links().iter().enumerate().rev() {
        let LinkSums { f, h, g, c, turning } = m.sums[i];
        let (v_p, a_p, w_p) = match link.parent {
            Some(p) => (s.velocity[p], s.acceleration[p], m.virtual_velocity[p]),
            None => (Motion::zero(), world, Motion::zero()),
        };
        for d in link.v_at..link.v_at + link.joint.nv() {
            let axis = s.axis[d];
            q_bar[d] += v_p.cross(axis).dot(g - v_p.cross_force(h))
                - axis.cross(a_p).dot(h)
                - axis.cross(w_p).dot(f);
            if model.has_gravity_compensation {
                q_bar[d] += axis.cross(world).dot(c);
            }
            if is_pushed {
                q_bar[d] += axis.angular.dot(turning);
            }
            v_bar[d] += axis.dot(g) + (v_p + s.velocity[i]).cross(axis).dot(h);
        }
        if let Some(p) = link.parent {
            let own = m.sums[i];
            m.sums[p].add(&own);
        }
    }
}

/// Inverse dynamics is linear in inertias, armatures and gravity.
fn parameters_pullback(
    model: &Model,
    a: &[f64],
    m: &Multiplier,
    s: &Scratch,
    bar: &mut Parameters<f64>,
) {
    for i in 0..model.links().len() {
        let (w, v) = (m.virtual_velocity[i], s.velocity[i]);
        let mut pose = lift_pose::<f64>(&s.pose[i]);
        pose.translation -= s.origin(model, i);
        let pairs = [(w, s.acceleration[i]), (-v.cross(w), v)];
        bar.inertia[i] += SpatialInertia::cotangent(&pose, &pairs);
        bar.gravity -= m.sums[i].h.linear;
    }
    for d in 0..model.nv() {
        bar.armature[d] += m.lambda[d] * a[d];
    }
}
