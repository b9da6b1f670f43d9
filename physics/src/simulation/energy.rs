//! The derivative of the energies of a state, by hand.
//!
//! `T = 1/2 v^T M v` and `V = -sum g . (m c)_i + 1/2 sum k (q - rest)^2`. With inverse dynamics `tau(q, v, a)` at rest,
//! `M a = tau(q, 0, a)` without gravity and `dV/dq = tau(q, 0, 0)` with it, so both come from the recursions that the
//! equations of motion use.

use cotangent_ad::Vec3;

use crate::derivative::{Cotangent, Multiplier, inverse_dynamics_pullback};
use crate::force::pull_spring_energy;
use crate::kinematics::kinematics;
use crate::model::{Model, Parameters};
use crate::rnea::rnea;
use crate::routes::lay;
use crate::scratch::Scratch;
use crate::spatial::SpatialInertia;
use crate::state::State;

/// Pulls cotangents of the energies back to states and parameters, reusing its memory.
pub(super) struct EnergyPullback {
    weightless: Parameters<f64>,
    multiplier: Multiplier,
    still: Vec<f64>,
}

impl EnergyPullback {
    pub(super) fn new(model: &Model, parameters: &Parameters<f64>) -> Self {
        Self {
            weightless: Parameters { gravity: Vec3::zero(), ..parameters.clone() },
            multiplier: Multiplier::new(model),
            still: vec![0.0; model.nv()],
        }
    }

    /// Adds the derivative of `kinetic_bar T` to the cotangents.
    pub(super) fn kinetic(
        &mut self,
        model: &Model,
        state: &State,
        kinetic_bar: f64,
        bar: &mut Cotangent,
        parameters_bar: &mut Parameters<f64>,
        s: &mut Scratch,
    ) {
        let mut placed = kinematics(model, &self.weightless, &state.q, s);
        let tau = rnea(model, &self.weightless, &self.still, Some(&state.v), &mut placed);
        for d in 0..model.nv() {
            bar.v[d] += kinetic_bar * tau[d];
            self.multiplier.lambda[d] = 0.5 * kinetic_bar * state.v[d];
        }
        // gravity has no part in it: what its cotangent gets is dropped
        let gravity = parameters_bar.gravity;
        let mut by_velocity = vec![0.0; model.nv()];
        inverse_dynamics_pullback(
            model,
            &self.weightless,
            (&self.still, &state.v),
            &mut self.multiplier,
            &mut placed,
            (&mut bar.q, &mut by_velocity),
            Some(parameters_bar),
        );
        parameters_bar.gravity = gravity;
    }

    /// Adds the derivative of `potential_bar V` to the cotangents.
    pub(super) fn potential(
        &mut self,
        model: &Model,
        parameters: &Parameters<f64>,
        state: &State,
        potential_bar: f64,
        bar: &mut Cotangent,
        parameters_bar: &mut Parameters<f64>,
        s: &mut Scratch,
    ) {
        let mut placed = kinematics(model, parameters, &state.q, s);
        let tau = rnea(model, parameters, &self.still, None, &mut placed);
        bar.q.iter_mut().zip(tau).for_each(|(q, tau)| *q += potential_bar * tau);
        for i in 0..model.links().len() {
            let pose = placed.link_pose(Some(i));
            let inertia = parameters.inertia[i];
            let along = parameters.gravity * -potential_bar;
            parameters_bar.inertia[i] += SpatialInertia {
                mass: along.dot(pose.translation),
                moment: pose.rotation.transpose_mul(along),
                rotational: [0.0; 6],
            };
            let moment = pose.rotation * inertia.moment + pose.translation * inertia.mass;
            parameters_bar.gravity -= moment * potential_bar;
        }
        let bars = (bar.q.as_mut_slice(), parameters_bar);
        lay(model, &state.q, s);
        pull_spring_energy(model, parameters, (&state.q, &s.routes), potential_bar, bars);
    }
}
