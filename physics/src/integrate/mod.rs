//! One step of time.

mod euler;
mod rk4;

pub(crate) use euler::euler_acceleration;
pub(crate) use rk4::{HALVES, WEIGHTS, stages};

use cotangent_ad::Real;

use crate::model::{Model, Parameters};
use crate::scratch::Scratch;
use crate::state::State;

/// The method of a step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Integrator {
    /// Semi-implicit Euler: velocities first. Order 1, no drift of the energy over long times.
    ///
    /// `(M + h diag(damping)) a = tau - c`, `v+ = v + h a`, `q+ = q (+) h v+`: joint damping is implicit, as MuJoCo's.
    #[default]
    Euler,
    /// As [`Integrator::Euler`], but damping as explicit as everything else.
    EulerExplicitDamping,
    /// The classical Runge-Kutta method in the tangent space at the step's start (Munthe-Kaas 1999), order 4.
    RungeKutta4,
}

/// Length and method of a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepOptions {
    /// Length, s.
    pub dt: f64,
    /// Method.
    pub integrator: Integrator,
}

/// Advances `state` by one step under the controls `u` (`nu` entries, constant over the step).
///
/// Nothing is allocated. The caller checks for values that are not finite.
pub fn step<T: Real>(
    model: &Model,
    parameters: &Parameters<T>,
    options: &StepOptions,
    state: &mut State<T>,
    u: &[T],
    s: &mut Scratch<T>,
) {
    match options.integrator {
        Integrator::Euler | Integrator::EulerExplicitDamping => {
            euler::step(model, parameters, options, state, u, s);
        }
        Integrator::RungeKutta4 => rk4::step(model, parameters, options.dt, state, u, s),
    }
}
