//! Drag of a resting fluid on bodies, as boxes of their inertia.
//!
//! MuJoCo's inertia-box model: a body of mass `m` and principal moments `I` is the box of edges `e_k` with those moments. In the
//! axes of its inertia, with angular velocity `w` and linear velocity `v` of its centre of mass, density `rho`, viscosity `mu` and
//! `d = (e_1 + e_2 + e_3) / 3`:
//!
//! ```text
//! torque_i = -pi d^3 mu w_i   - rho e_i (e_j^4 + e_k^4) |w_i| w_i / 64
//! force_i  = -3 pi d mu v_i   - rho e_j e_k |v_i| v_i / 2
//! ```
//!
//! Its pullback differentiates these twelve lines by duals: six velocities, density and viscosity.

use std::f64::consts::PI;

use cotangent_ad::{Dual, Pose, Real, Vec3};

use super::LinkSums;
use crate::model::{FluidBody, Model, Parameters};
use crate::scratch::{Scratch, lift_pose};
use crate::spatial::{Force, Motion};

/// Torque and force in the body's axes.
fn drag<T: Real>(edges: [f64; 3], w: Vec3<T>, v: Vec3<T>, density: T, viscosity: T) -> Force<T> {
    let diameter = (edges[0] + edges[1] + edges[2]) / 3.0;
    let (mut torque, mut force) = (Vec3::zero(), Vec3::zero());
    for i in 0..3 {
        let (a, b, c) = (edges[i], edges[(i + 1) % 3], edges[(i + 2) % 3]);
        let turning = a * (b.powi(4) + c.powi(4)) / 64.0;
        torque[i] =
            -(viscosity * w[i] * (PI * diameter.powi(3)) + density * w[i].abs() * w[i] * turning);
        force[i] = -(viscosity * v[i] * (3.0 * PI * diameter)
            + density * v[i].abs() * v[i] * (0.5 * b * c));
    }
    Force { angular: torque, linear: force }
}

/// A body's frame, from the origin of its tree.
fn frame<T: Real>(model: &Model, body: &FluidBody, s: &Scratch<T>) -> Pose<T> {
    let mut pose = s.pose[body.link] * lift_pose(&body.pose);
    pose.translation -= s.origin(model, body.link);
    pose
}

/// A motion in a frame's axes, at its origin.
fn inside<T: Real>(frame: &Pose<T>, m: Motion<T>) -> Motion<T> {
    Motion {
        angular: frame.rotation.transpose_mul(m.angular),
        linear: frame.rotation.transpose_mul(m.at(frame.translation)),
    }
}

/// A wrench of a frame's axes and origin, in those of the tree.
fn outside<T: Real>(frame: &Pose<T>, f: Force<T>) -> Force<T> {
    let mut all = Force::at(frame.translation, frame.rotation * f.linear);
    all.angular += frame.rotation * f.angular;
    all
}

pub(super) fn subtract<T: Real>(model: &Model, parameters: &Parameters<T>, s: &mut Scratch<T>) {
    for body in &model.fluid {
        let frame = frame(model, body, s);
        let v = inside(&frame, s.velocity[body.link]);
        let [density, viscosity] = parameters.fluid;
        let force = drag(body.edges, v.angular, v.linear, density, viscosity);
        s.force[body.link] = s.force[body.link] - outside(&frame, force);
    }
}

pub(super) fn pull(
    model: &Model,
    parameters: &Parameters<f64>,
    s: &Scratch,
    virtual_velocity: &[Motion<f64>],
    sums: &mut [LinkSums],
    mut parameters_bar: Option<&mut Parameters<f64>>,
) {
    for body in &model.fluid {
        let frame = frame(model, body, s);
        let (v, w) =
            (inside(&frame, s.velocity[body.link]), inside(&frame, virtual_velocity[body.link]));
        let seed = |x: Vec3<f64>, lane: usize| {
            Vec3([0, 1, 2].map(|k| Dual::<f64, 8>::seed(x[k], lane + k)))
        };
        let [density, viscosity] = parameters.fluid;
        let (density, viscosity) = (Dual::seed(density, 6), Dual::seed(viscosity, 7));
        let force = drag(body.edges, seed(v.angular, 0), seed(v.linear, 3), density, viscosity);
        // -w . drag
        let mut by = [0.0; 8];
        for k in 0..3 {
            for (lane, by) in by.iter_mut().enumerate() {
                *by -= w.angular[k] * force.angular[k].eps[lane]
                    + w.linear[k] * force.linear[k].eps[lane];
            }
        }
        let value = Force {
            angular: Vec3(force.angular.0.map(|x| x.re)),
            linear: Vec3(force.linear.0.map(|x| x.re)),
        };
        let by_velocity =
            Force { angular: Vec3([by[0], by[1], by[2]]), linear: Vec3([by[3], by[4], by[5]]) };
        let sum = &mut sums[body.link];
        sum.f = sum.f - outside(&frame, value);
        sum.g += outside(&frame, by_velocity);
        if let Some(bar) = &mut parameters_bar {
            bar.fluid[0] += by[6];
            bar.fluid[1] += by[7];
        }
    }
}
