//! What a contact adds to the derivative of the constraints' problem, as a matrix.
//!
//! Of `-J^T f(e)` with `e = J x + k d r`, `x = a + b v`, the row of coordinate `i` and the column of `j` are, with the curvature `W`,
//!
//! ```text
//! by q_j   (W J)_i . d(J x)/dq_j - (J_i . df/dr) dr/dq_j - dJ_i/dq_j . f           by v_j   b (W J)_i . J_j
//! ```
//!
//! Turning what is above joint `j` turns the axes `S_i` below it, `dS_i = S_j x S_i`, and the velocities `V` under `x` by `S_j x (V - V_p)`; it moves the
//! contact's point and frame as the geometry of its pair says. This is what the pullbacks in [`super::adjoint`] sum over links: for a whole Jacobian it is less work
//! to go over the coordinates of each contact.

use cotangent_ad::Vec3;

use super::block::{Block, ContactAt};
use super::contact::{Slopes, geom_pose};
use super::law::MOST;
use crate::force::Point;
use crate::model::Model;
use crate::scratch::Scratch;
use crate::spatial::{Force, Motion};

/// How a contact moves with one coordinate that carries one of its geoms, or both.
#[derive(Clone, Copy, Debug)]
struct Moved {
    dof: usize,
    /// Which of the geoms it carries.
    carries: [bool; 2],
    gap: f64,
    position: Vec3<f64>,
    frame: [Vec3<f64>; 3],
    /// `d(J x)/dq` along each direction.
    rate: [f64; MOST],
}

/// What the coordinates of a contact are walked through with.
pub(super) struct ContactRows<'a> {
    pub(super) point: &'a Point<'a, f64>,
    pub(super) s: &'a Scratch,
    pub(super) block: &'a Block<f64>,
    pub(super) contact: &'a ContactAt<f64>,
    pub(super) slopes: &'a Slopes,
    /// Derivative of the forces by the gap.
    pub(super) gap_slope: [f64; MOST],
    pub(super) damping: f64,
    pub(super) force: [f64; MOST],
    pub(super) curvature: [[f64; MOST]; MOST],
    /// Velocities of the links under `a` and `v`.
    pub(super) fields: [&'a [Motion<f64>]; 2],
}

impl ContactRows<'_> {
    fn model(&self) -> &Model {
        self.point.model
    }

    /// The links that carry the two geoms.
    fn links(&self) -> [Option<usize>; 2] {
        let model = self.model();
        let geoms = model.touch_pairs[self.contact.pair].geoms;
        geoms.map(|g| model.geoms[g].body.and_then(|b| model.bodies[b].link))
    }

    /// Velocity of a link under `x`.
    fn velocity(&self, link: Option<usize>) -> Motion<f64> {
        let [by_a, by_v] = self.fields;
        link.map_or_else(Motion::zero, |l| by_a[l] + by_v[l] * self.damping)
    }

    /// Adds the contact's part to the rows of its coordinates, each `width` long.
    pub(super) fn add(&self, (rows, width): (&mut [f64], usize)) {
        let (s, n) = (self.s, self.model().nv());
        let (dofs, jacobian) = s.constraints.blocks.of(self.block);
        let moved = self.moved();
        let (force, torque) = self.acting(&self.contact.frame);
        for (c, &i) in dofs.iter().enumerate() {
            let along: [f64; MOST] = std::array::from_fn(|k| {
                if k < self.block.directions { jacobian[k * dofs.len() + c] } else { 0.0 }
            });
            let dot =
                |x: &[f64; MOST], y: &[f64; MOST]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>();
            let curved = self.curvature.map(|row| dot(&row, &along));
            let by_gap = dot(&along, &self.gap_slope);
            let side = usize::from(moved.iter().any(|m| m.dof == i && m.carries[1]));
            let sign = [-1.0, 1.0][side];
            let (axis, from) = (
                s.axis[i],
                self.contact.position - s.origin(self.model(), self.model().dof_link[i]),
            );
            let lever = axis.at(from);
            let wrench = Force { angular: from.cross(force) + torque, linear: force };
            let turned = axis.cross_force(wrench);
            let by_position = force.cross(axis.angular);
            let row = &mut rows[i * width..][..width];
            for m in &moved {
                let (force, torque) = self.acting(&m.frame);
                let mut held =
                    m.position.dot(by_position) + lever.dot(force) + axis.angular.dot(torque);
                if m.carries[side] && self.model().dof_link[m.dof] <= self.model().dof_link[i] {
                    held += s.axis[m.dof].dot(turned);
                }
                row[m.dof] += dot(&curved, &m.rate) - by_gap * m.gap - sign * held;
            }
            for (k, by) in curved.iter().enumerate().take(self.block.directions) {
                let line = &jacobian[k * dofs.len()..][..dofs.len()];
                dofs.iter().zip(line).for_each(|(d, j)| row[n + d] += self.damping * by * j);
            }
        }
    }

    /// Force and torque in the world along a frame.
    fn acting(&self, frame: &[Vec3<f64>; 3]) -> (Vec3<f64>, Vec3<f64>) {
        let f = &self.force;
        let mut torque = Vec3::zero();
        if self.block.directions > 3 {
            torque = frame[0] * f[3] + frame[1] * f[4] + frame[2] * f[5];
        }
        (frame[0] * f[0] + frame[1] * f[1] + frame[2] * f[2], torque)
    }

    /// All coordinates that carry a geom.
    fn moved(&self) -> Vec<Moved> {
        let (model, s) = (self.model(), self.s);
        let links = self.links();
        let geoms = model.touch_pairs[self.contact.pair].geoms;
        let places = geoms.map(|g| geom_pose(model, &model.geoms[g], s).translation);
        let velocities = links.map(|l| self.velocity(l));
        let mut ends = links.map(|l| model.last_dof(l));
        let mut moved = Vec::new();
        while let Some(dof) = ends[0].max(ends[1]) {
            let carries = ends.map(|end| end == Some(dof));
            moved.push(self.moved_by(dof, carries, places, velocities));
            for (end, carries) in ends.iter_mut().zip(carries) {
                *end = if carries { model.dof_parent[dof] } else { *end };
            }
        }
        moved
    }

    fn moved_by(
        &self,
        dof: usize,
        carries: [bool; 2],
        places: [Vec3<f64>; 2],
        velocities: [Motion<f64>; 2],
    ) -> Moved {
        let (model, s, frame) = (self.model(), self.s, &self.contact.frame);
        let (link, axis) = (model.dof_link[dof], s.axis[dof]);
        let origin = s.origin(model, link);
        let of = |side: usize, x: Vec3<f64>| if carries[side] { x } else { Vec3::zero() };
        let shift = |side: usize| of(side, axis.at(places[side] - origin));
        let turn = |side: usize| of(side, axis.angular);
        let motions = (shift(1) - shift(0), turn(1), turn(0));
        let slopes = self.slopes.along(motions);
        let position = slopes.position + shift(0);
        let around = self.velocity(model.links()[link].parent);
        let from = self.contact.position - origin;
        let (mut linear, mut angular) = (Vec3::zero(), Vec3::zero());
        let (mut apart, mut turning) = (Vec3::zero(), Vec3::zero());
        for (side, sign) in [(0, -1.0), (1, 1.0)] {
            let Some(carrier) = self.links()[side] else { continue };
            let velocity = velocities[side];
            let at = self.contact.position - s.origin(model, carrier);
            apart += velocity.at(at) * sign;
            turning += velocity.angular * sign;
            if carries[side] {
                let change = axis.cross(velocity - around);
                linear += change.at(from) * sign;
                angular += change.angular * sign;
            }
        }
        linear += turning.cross(position);
        let rate = std::array::from_fn(|k| {
            if k >= self.block.directions {
                0.0
            } else if k < 3 {
                frame[k].dot(linear) + slopes.frame[k].dot(apart)
            } else {
                frame[k - 3].dot(angular) + slopes.frame[k - 3].dot(turning)
            }
        });
        Moved { dof, carries, gap: slopes.distance, position, frame: slopes.frame, rate }
    }
}
