//! The derivative of what a step has more than `M a` where it is implicit in its forces: `h lambda . E a`.
//!
//! Through the fluid it depends on where the links are. With the velocities `V` of the links under `lambda`, `a` and `v`, and what they
//! contract with summed over the subtree of `j` to `W`, `S_j . -(V_p x* W)` over the three is the derivative by `q_j`: turning what is
//! above joint `j` turns `V_p` against the body.

use super::{Bars, Moments, Point, actuator, fluid};
use crate::integrate::is_on_branch;
use crate::model::Model;
use crate::routes::add_bars;
use crate::scratch::Scratch;
use crate::spatial::{Force, Motion};

/// Memory of the derivative.
#[derive(Clone, Debug)]
pub(crate) struct ImplicitPull {
    /// Velocity of each link under `lambda`, `a` and `v`; empty where there is no fluid.
    fields: [Vec<Motion<f64>>; 3],
    wrenches: [Vec<Force<f64>>; 3],
}

impl ImplicitPull {
    /// Memory for `model`.
    pub(crate) fn new(model: &Model) -> Self {
        let links = if model.fluid.is_empty() { 0 } else { model.links().len() };
        Self {
            fields: std::array::from_fn(|_| vec![Motion::zero(); links]),
            wrenches: std::array::from_fn(|_| vec![Force::zero(); links]),
        }
    }

    /// Adds the derivatives of `h lambda . E a`, but those of the damping of coordinates and of bias forces.
    pub(crate) fn pull(
        &mut self,
        p: &Point<'_, f64>,
        (h, lambda, a): (f64, &[f64], &[f64]),
        bars: &mut Bars<'_>,
        s: &Scratch,
    ) {
        let model = p.model;
        for (k, actuator) in model.actuators.iter().enumerate() {
            let moments = |f: &mut dyn FnMut(usize, f64)| {
                actuator::moments(p, &actuator.transmission, f);
            };
            let slope_bar = h * along_branches(model, &moments, lambda, a);
            actuator::pull_slope(p, k, slope_bar, bars);
            let course = actuator.transmission.course(model);
            if let (Some(course), Some(slope)) = (course, actuator::slope(p, k)) {
                pull_branches(p, course, (h * slope, lambda, a), bars);
            }
        }
        for k in 0..model.tendons.len() {
            let moments = |f: &mut dyn FnMut(usize, f64)| {
                p.routes.parts(model, k).for_each(|(d, m)| f(d, m));
            };
            pull_branches(p, k, (h * p.parameters.tendon_damping[k], lambda, a), bars);
            if let Some(bar) = &mut bars.parameters {
                bar.tendon_damping[k] += h * along_branches(model, &moments, lambda, a);
            }
        }
        if !model.fluid.is_empty() {
            self.pull_fluid(p, (h, [lambda, a, p.v]), bars, s);
        }
    }

    fn pull_fluid(
        &mut self,
        p: &Point<'_, f64>,
        (h, vectors): (f64, [&[f64]; 3]),
        bars: &mut Bars<'_>,
        s: &Scratch,
    ) {
        let links = p.model.links();
        for (field, x) in self.fields.iter_mut().zip(vectors) {
            for (i, link) in links.iter().enumerate() {
                let around = link.parent.map_or_else(Motion::zero, |p| field[p]);
                let dofs = link.v_at..link.v_at + link.joint.nv();
                field[i] = dofs.fold(around, |sum, d| sum + s.axis[d] * x[d]);
            }
        }
        self.wrenches.iter_mut().for_each(|w| w.fill(Force::zero()));
        let parameters_bar = bars.parameters.as_deref_mut();
        fluid::pull_slopes(p, h, &self.fields, &mut self.wrenches, parameters_bar, s);
        for (i, link) in links.iter().enumerate().rev() {
            let mut turned = Force::zero();
            if let Some(p) = link.parent {
                for (field, wrench) in self.fields.iter().zip(&mut self.wrenches) {
                    turned = turned - field[p].cross_force(wrench[i]);
                    let below = wrench[i];
                    wrench[p] += below;
                }
            }
            for d in link.v_at..link.v_at + link.joint.nv() {
                bars.q[d] += s.axis[d].dot(turned);
                bars.v[d] += s.axis[d].dot(self.wrenches[2][i]);
            }
        }
    }
}

/// Adds the derivative of `slope` times [`along_branches`] by the moments of a tendon, thrust or slider-crank.
fn pull_branches(
    p: &Point<'_, f64>,
    course: usize,
    (slope, x, y): (f64, &[f64], &[f64]),
    bars: &mut Bars<'_>,
) {
    add_bars(p.model, course, bars.moments, |i| {
        let on_branch = |(j, m): (usize, f64)| {
            if is_on_branch(p.model, i, j) { m * (x[i] * y[j] + x[j] * y[i]) } else { 0.0 }
        };
        slope * p.routes.parts(p.model, course).map(on_branch).sum::<f64>()
    });
}

/// `sum m_i m_j x_i y_j` over coordinates on one branch.
fn along_branches(model: &Model, moments: Moments<'_, f64>, x: &[f64], y: &[f64]) -> f64 {
    let mut sum = 0.0;
    moments(&mut |i, m| {
        moments(&mut |j, w| {
            sum += if is_on_branch(model, i, j) { m * w * x[i] * y[j] } else { 0.0 };
        });
    });
    sum
}
