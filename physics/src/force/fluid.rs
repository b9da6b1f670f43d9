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

use super::{LinkSums, Point};
use crate::derivative::MotionToForce;
use crate::model::{FluidBody, Model, Parameters};
use crate::scratch::{Scratch, lift_pose};
use crate::spatial::{Force, Motion};

/// Torque and force in the body's axes, by viscosity and velocity, and by density, velocity and its size.
fn coefficients(edges: [f64; 3]) -> [[f64; 2]; 6] {
    let diameter = (edges[0] + edges[1] + edges[2]) / 3.0;
    std::array::from_fn(|k| {
        let (a, b, c) = (edges[k % 3], edges[(k + 1) % 3], edges[(k + 2) % 3]);
        if k < 3 {
            [PI * diameter.powi(3), a * (b.powi(4) + c.powi(4)) / 64.0]
        } else {
            [3.0 * PI * diameter, 0.5 * b * c]
        }
    })
}

/// Torque and force in the body's axes.
fn drag<T: Real>(edges: [f64; 3], w: Vec3<T>, v: Vec3<T>, density: T, viscosity: T) -> Force<T> {
    let against = |x: T, [by_viscosity, by_density]: [f64; 2]| {
        -(viscosity * x * by_viscosity + density * x.abs() * x * by_density)
    };
    let c = coefficients(edges);
    Force {
        angular: Vec3([0, 1, 2].map(|k| against(w[k], c[k]))),
        linear: Vec3([0, 1, 2].map(|k| against(v[k], c[3 + k]))),
    }
}

/// Calls `f` with the link of each body that the fluid resists, what brings a motion into the body's frame, and how fast torque and force
/// there fall with the velocity of their own direction.
pub(crate) fn each_slope<T: Real>(
    model: &Model,
    parameters: &Parameters<T>,
    s: &Scratch<T>,
    mut f: impl FnMut(usize, &dyn Fn(Motion<T>) -> Motion<T>, [T; 6]),
) {
    let [density, viscosity] = parameters.fluid;
    for body in &model.fluid {
        let frame = frame(model, body, s);
        let v = inside(&frame, s.velocity[body.link]);
        let c = coefficients(body.edges);
        let slopes = std::array::from_fn(|k| {
            let x = if k < 3 { v.angular[k] } else { v.linear[k - 3] };
            viscosity * c[k][0] + density * x.abs() * (2.0 * c[k][1])
        });
        f(body.link, &|m| inside(&frame, m), slopes);
    }
}

/// Calls `f` with each drag: its link, its wrench, and how the wrench falls with the velocity of the link.
pub(crate) fn each_matrix(
    model: &Model,
    parameters: &Parameters<f64>,
    s: &Scratch,
    mut f: impl FnMut(usize, Force<f64>, MotionToForce),
) {
    let [density, viscosity] = parameters.fluid;
    for body in &model.fluid {
        let (frame, c) = (frame(model, body, s), coefficients(body.edges));
        let v = inside(&frame, s.velocity[body.link]);
        let force = outside(&frame, drag(body.edges, v.angular, v.linear, density, viscosity));
        let fall = |k: usize, v: f64, w: f64| {
            (viscosity * c[k][0] + density * v.abs() * (2.0 * c[k][1])) * w
        };
        let matrix = MotionToForce::of(|w| {
            let w = inside(&frame, w);
            let angular = Vec3([0, 1, 2].map(|k| fall(k, v.angular[k], w.angular[k])));
            let linear = Vec3([0, 1, 2].map(|k| fall(3 + k, v.linear[k], w.linear[k])));
            outside(&frame, Force { angular, linear })
        });
        f(body.link, force, matrix);
    }
}

/// Adds the derivatives of `h` times the sum of slope, `lambda`'s and `a`'s velocity over the bodies and their directions, to what those of
/// the three fields of velocities contract with: under `lambda`, `a` and `v`.
pub(super) fn pull_slopes(
    p: &Point<'_, f64>,
    h: f64,
    fields: &[Vec<Motion<f64>>; 3],
    wrenches: &mut [Vec<Force<f64>>; 3],
    mut parameters_bar: Option<&mut Parameters<f64>>,
    s: &Scratch,
) {
    let [density, viscosity] = p.parameters.fluid;
    for body in &p.model.fluid {
        let (frame, c) = (frame(p.model, body, s), coefficients(body.edges));
        let [lambda, a, v] = fields.each_ref().map(|field| inside(&frame, field[body.link]));
        let mut by = [Force::zero(); 3];
        for k in 0..6 {
            let of = |m: &Motion<f64>| if k < 3 { m.angular[k] } else { m.linear[k - 3] };
            let (l, a, v) = (of(&lambda), of(&a), of(&v));
            let slope = viscosity * c[k][0] + 2.0 * density * v.abs() * c[k][1];
            let side = if v == 0.0 { 0.0 } else { v.signum() };
            let by_velocity = 2.0 * density * side * c[k][1] * l * a;
            for (force, x) in by.iter_mut().zip([slope * a, slope * l, by_velocity]) {
                let part = if k < 3 { &mut force.angular } else { &mut force.linear };
                part[k % 3] += h * x;
            }
            if let Some(bar) = &mut parameters_bar {
                bar.fluid[0] += h * 2.0 * v.abs() * c[k][1] * l * a;
                bar.fluid[1] += h * c[k][0] * l * a;
            }
        }
        for (wrenches, force) in wrenches.iter_mut().zip(by) {
            wrenches[body.link] += outside(&frame, force);
        }
    }
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
