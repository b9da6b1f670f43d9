//! Articulated rigid bodies with exact step derivatives.
//!
//! Reduced coordinates over a tree of links (Featherstone 2008). A [`Model`] does not change while it moves, a [`State`] does,
//! and a [`Scratch`] is reused, so that a [`step`] allocates nothing. Everything that a step does is written over
//! [`Real`](cotangent_ad::Real); its derivative is written by hand in [`derivative`] and pinned to the generic code by tests.
//!
//! A model, a step of it, and its derivatives: of the whole step, and of the lever's end by its torque.
//!
//! ```
//! use cotangent_physics::derivative::{Cotangent, StepAdjoint, StepJacobian};
//! use cotangent_physics::io::mjcf::read_mjcf;
//! use cotangent_physics::{Scratch, State, step};
//!
//! let read = read_mjcf(r#"<mujoco><worldbody><body><joint name="pivot" axis="0 1 0"/><geom size="0.1" pos="0 0 -1"/></body></worldbody>
//!     <actuator><general joint="pivot" dyntype="filter" dynprm="0.1" actearly="true"/></actuator></mujoco>"#)?;
//! let (model, p, mut s) = (&read.model, read.model.parameters(), Scratch::new(&read.model));
//! let (start, u) = (State::at_reference(model), [1.0]);
//! let mut state = start.clone();
//! step(model, p, &read.options, &mut state, &u, &mut s);
//! let (mut adjoint, mut whole) = (StepAdjoint::new(model), StepJacobian::default());
//! adjoint.jacobian(model, p, &read.options, (&start, &u), &mut whole, &mut s);
//! let (mut bar, mut by_control, mut by_number) = (Cotangent::zero(model), [0.0], p.zero_like());
//! bar.q[0] = 1.0;
//! adjoint.pull(model, p, &read.options, (&start, &u), &mut bar, &mut by_control, Some(&mut by_number), &mut s);
//! assert_eq!((whole.a.len(), whole.b.len()), (9, 3)); // a coordinate, its velocity and an activation
//! assert!((by_control[0] - whole.b[0]).abs() < 1e-15 && by_number.time_constant[0] < 0.0);
//! # Ok::<(), cotangent_physics::io::mjcf::MjcfErrors>(())
//! ```
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
mod crank;
mod crba;
pub mod derivative;
mod energy;
mod force;
mod forward;
pub mod impact;
mod inspect;
mod integrate;
pub mod io;
mod kinematics;
mod known;
pub mod model;
mod portrait;
mod rnea;
mod routes;
mod scratch;
mod sensor;
pub mod simulation;
mod spatial;
mod state;
mod thrust;
mod wrap;

pub use aba::aba;
pub use crba::crba;
pub use energy::{energy, momentum};
pub use force::{actuator_forces, applied_forces};
pub use forward::acceleration;
pub use inspect::{InspectedBody, Inspection};
pub use integrate::{Integrator, StepOptions, step};
pub use kinematics::{Placed, kinematics};
pub use model::{
    ActivationLaw, ActivationSpec, ActuatorSpec, BuildError, Cone, ConstraintOptions, CouplingSpec,
    Drive, Facets, FrameReading, InteractionReading, JointSpec, Line, Mobility, Model,
    ModelBuilder, Mount, PairSpec, ParameterError, Parameters, Reading, Sensor, Shape, Sight,
    Softness, StopSpec, SubtreeReading, Surface, SurfaceSpec, TendonSpec, TieSpec, Waypoint,
    Weight,
};
pub use rnea::rnea;
pub use scratch::Scratch;
pub use simulation::{MotionPart, MotionSimulation, Observation, Policy, PolicyError};
pub use spatial::{Force, Motion, SpatialInertia, Unphysical};
pub use state::{State, StateError, difference, displace};
