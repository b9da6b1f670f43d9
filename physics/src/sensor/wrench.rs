//! From wrenches on links to coordinates.
//!
//! A function of the links' places, velocities `v_i` and accelerations `a_i` has as its derivative a wrench `P_i` against small displacements
//! of each link, and wrenches `V_i` and `A_i` against `v_i` and `a_i` as seen from the link. Turning what is above joint `j` by `S_j` changes, as
//! seen from there, the velocity and acceleration of what carries it, by `-S_j x v_p` and `-S_j x a_p`, and no others. With
//! `G_i = V_i + v_i x* A_i`, and `P, G, A` summed over the subtree of `j`:
//!
//! ```text
//! dphi/dq_j = S_j . P + (v_p x S_j) . (G - v_p x* A) - (S_j x a_p) . A
//! dphi/dv_j = S_j . G + ((v_p + v_j) x S_j) . A
//! dphi/da_j = S_j . A
//! ```
//!
//! as for the derivative of inverse dynamics ([`crate::derivative`]), of which this is the dual.

use cotangent_ad::Vec3;

use super::frame::{Bars, Seen};
use crate::model::{Model, Mount, Parameters};
use crate::rnea::world_acceleration;
use crate::scratch::Scratch;
use crate::spatial::{Force, Motion};

/// Wrenches on each link, about the origin of its tree in world axes.
#[derive(Clone, Debug)]
pub(crate) struct Wrenches {
    pub(super) place: Vec<Force<f64>>,
    pub(super) velocity: Vec<Force<f64>>,
    pub(super) acceleration: Vec<Force<f64>>,
}

/// A wrench at a point, about the reference point.
fn at(from: Vec3<f64>, force: Vec3<f64>, torque: Vec3<f64>) -> Force<f64> {
    let force = Force::at(from, force);
    Force { angular: force.angular + torque, ..force }
}

impl Wrenches {
    pub(crate) fn zero(model: &Model) -> Self {
        let none = vec![Force::zero(); model.links.len()];
        Self { place: none.clone(), velocity: none.clone(), acceleration: none }
    }

    /// Adds those of a mounted frame.
    pub(super) fn add(
        &mut self,
        model: &Model,
        (mount, seen): (&Mount, &Seen<f64>),
        bars: &Bars,
        s: &Scratch,
    ) {
        // what is fixed to the world does not move
        let Some(link) = mount.link else { return };
        let from = seen.origin - s.origin(model, link);
        let motion =
            |bar: &Motion<f64>| at(from, seen.rotation * bar.linear, seen.rotation * bar.angular);
        self.place[link] += at(from, bars.shift, bars.turn);
        self.velocity[link] += motion(&bars.velocity);
        self.acceleration[link] += motion(&bars.acceleration);
    }

    /// Adds the cotangents of the coordinates, their velocities and accelerations (`nv` each), and of gravity; kinematics and velocities are
    /// those of the point, and so are the accelerations where there are wrenches against them.
    pub(crate) fn pull(
        mut self,
        model: &Model,
        parameters: &Parameters<f64>,
        s: &Scratch,
        (q_bar, v_bar, a_bar): (&mut [f64], &mut [f64], &mut [f64]),
        gravity_bar: &mut Vec3<f64>,
    ) {
        let world = world_acceleration(parameters);
        for (i, velocity) in s.velocity.iter().enumerate() {
            self.velocity[i] += velocity.cross_force(self.acceleration[i]);
        }
        for (i, link) in model.links.iter().enumerate().rev() {
            let (place, g, a) = (self.place[i], self.velocity[i], self.acceleration[i]);
            let (v_p, a_p) = match link.parent {
                Some(p) if a == Force::zero() => (s.velocity[p], Motion::zero()),
                Some(p) => (s.velocity[p], s.acceleration[p]),
                None => (Motion::zero(), world),
            };
            for d in link.v_at..link.v_at + link.joint.nv() {
                let axis = s.axis[d];
                q_bar[d] += axis.dot(place) + v_p.cross(axis).dot(g - v_p.cross_force(a))
                    - axis.cross(a_p).dot(a);
                v_bar[d] += axis.dot(g) + (v_p + s.velocity[i]).cross(axis).dot(a);
                a_bar[d] += axis.dot(a);
            }
            match link.parent {
                Some(p) => {
                    self.place[p] += place;
                    self.velocity[p] += g;
                    self.acceleration[p] += a;
                }
                None => *gravity_bar -= a.linear,
            }
        }
    }
}
