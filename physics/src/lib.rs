//! Articulated rigid bodies with exact step derivatives.
//!
//! Reduced coordinates over a tree of links (Featherstone 2008). A [`Model`] does not change while it moves, a [`State`] does,
//! and a [`Scratch`] is reused, so that a [`step`] allocates nothing. Everything that a step does is written over
//! [`Real`](cotangent_ad::Real); its derivative is written by hand in [`derivative`] and pinned to the generic code by tests.
//!
//! SI units, right-handed frames, `z` up. Configurations and velocities are laid out as MuJoCo's; see [`State`].

#![cfg_attr(
    test,
    allow(
        clippy::float_cmp,
        clippy::cast_possible_truncation,
        clippy::cast_possible_wrap,
        clippy::cast_sign_loss,
        reason = "tests compare exact bits where bits must be exact, and count with small numbers"
    )
)]

mod aba;
mod activation;
mod collide;
mod constraint;
mod crba;
pub mod derivative;
mod energy;
mod force;
mod forward;
pub mod impact;
mod integrate;
pub mod io;
mod kinematics;
pub mod model;
mod rnea;
mod routes;
mod scratch;
pub mod simulation;
mod spatial;
mod state;

pub use aba::aba;
pub use crba::crba;
pub use energy::{energy, momentum};
pub use force::{actuator_forces, applied_forces};
pub use forward::acceleration;
pub use integrate::{Integrator, StepOptions, step};
pub use kinematics::{Placed, kinematics};
pub use model::{
    ActivationLaw, ActivationSpec, ActuatorSpec, BuildError, Cone, ConstraintOptions, CouplingSpec,
    Drive, JointSpec, Line, Mobility, Model, ModelBuilder, PairSpec, ParameterError, Parameters,
    Shape, Softness, StopSpec, Surface, SurfaceSpec, TendonSpec, TieSpec, Waypoint, Weight,
};
pub use rnea::rnea;
pub use scratch::Scratch;
pub use simulation::{MotionPart, MotionSimulation};
pub use spatial::{Force, Motion, SpatialInertia, Unphysical};
pub use state::{State, StateError, difference, displace};
