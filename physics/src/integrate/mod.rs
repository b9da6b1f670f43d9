//! One step of time.

mod adaptive;
mod euler;
mod gyration;
mod implicit;
mod runge_kutta;

pub(crate) use adaptive::{Adaptive, MOST_PARTS, Part, Parts};
pub(crate) use euler::{euler_acceleration, euler_acceleration_again};
pub(crate) use gyration::pull as pull_gyration;
pub(crate) use implicit::{
    Implicit, ImplicitFactors, add_row, factorize, factorize_matrix, is_on_branch, solve,
    solve_rows,
};
pub(crate) use runge_kutta::{CLASSICAL, EULER, THIRD_ORDER, Tableau, stages};

use cotangent_ad::Real;

use crate::activation::follow;
use crate::model::{Model, Parameters};
use crate::scratch::Scratch;
use crate::state::State;

/// The method of a step.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Integrator {
    /// Semi-implicit Euler: velocities first. Order 1, no drift of the energy over long times.
    ///
    /// `(M + h diag(damping)) a = tau - c`, `v+ = v + h a`, `q+ = q (+) h v+`: joint damping is implicit, as MuJoCo's.
    #[default]
    Euler,
    /// As [`Integrator::Euler`], but damping as explicit as everything else.
    EulerExplicitDamping,
    /// As [`Integrator::Euler`], but implicit in every force that depends on velocities, the bias forces left out: MuJoCo's
    /// `implicitfast`. For stiff servos, dampers and fluids.
    ///
    /// `(M + h E) a = tau - c`, with `E = -d tau/dv` along the branches of each tree; a free body with nothing on it has `dc/dv` too. The
    /// derivative of `E` counts: it is that of the step that is taken. A joint whose actuators are clamped by its own `force_range` keeps
    /// theirs in `E`, as in MuJoCo 3.17 (and not in 4.0).
    ImplicitFast,
    /// The classical Runge-Kutta method in the tangent space at the step's start (Munthe-Kaas 1999), order 4.
    RungeKutta4,
    /// Steps of Bogacki's and Shampine's method (order 3) of as many lengths as `tolerance` asks for within each step, in the same tangent space. They end
    /// where contact, a stop or a piece of a force's law begins or ends to act, so that the derivative has what the moment of an onset moves, and
    /// converges to that of the motion.
    ///
    /// What is longer apart than a step is seen: what touches and leaves within one may be missed. Actuators that act early act as all others. Where a step needs
    /// more than 100 000 parts, as of a motion that breaks down, the state becomes NaN.
    Adaptive {
        /// The error that each part of a step may make: m and rad of the configuration; of a velocity above 1, its share.
        tolerance: f64,
    },
}

impl Integrator {
    /// What a step of length `h` is implicit in.
    pub(crate) fn implicit(self, h: f64) -> Implicit {
        match self {
            Self::Euler => Implicit::Damping(h),
            Self::ImplicitFast => Implicit::Forces(h),
            Self::EulerExplicitDamping | Self::RungeKutta4 | Self::Adaptive { .. } => {
                Implicit::Nothing
            }
        }
    }

    /// Stages of a step, or of its parts.
    pub(crate) fn tableau(self) -> &'static Tableau {
        match self {
            Self::Euler | Self::EulerExplicitDamping | Self::ImplicitFast => &EULER,
            Self::RungeKutta4 => &CLASSICAL,
            Self::Adaptive { .. } => &THIRD_ORDER,
        }
    }
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
/// Nothing is allocated once the memory is laid out. The caller checks for values that are not finite.
pub fn step<T: Real>(
    model: &Model,
    parameters: &Parameters<T>,
    options: &StepOptions,
    state: &mut State<T>,
    u: &[T],
    s: &mut Scratch<T>,
) {
    if !matches!(options.integrator, Integrator::Adaptive { .. }) {
        follow(model, parameters, options, (&state.act, u), s);
    }
    match options.integrator {
        Integrator::Euler | Integrator::EulerExplicitDamping | Integrator::ImplicitFast => {
            euler::step(model, parameters, options, state, s);
        }
        Integrator::RungeKutta4 => runge_kutta::step(model, parameters, options.dt, state, s),
        Integrator::Adaptive { tolerance } => {
            adaptive::step((model, parameters), (options.dt, tolerance), state, u, s);
        }
    }
    state.act.copy_from_slice(&s.activation);
}
