//! Derivatives by hand: of inverse dynamics, of a step, of a rollout.
//!
//! Cotangents of configurations live in the tangent space: `nv` entries, along right increments `q (+) d`.

mod inverse_dynamics;
mod inverse_dynamics_matrix;
mod jacobian;
mod parts;
mod rollout;
mod step;

pub use inverse_dynamics::{Multiplier, inverse_dynamics_pullback};
pub(crate) use inverse_dynamics_matrix::MotionToForce;
pub use jacobian::StepJacobian;
pub use rollout::{Cost, Rollout, RolloutGradient};
pub use step::{Cotangent, StepAdjoint};
