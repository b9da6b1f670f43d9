//! What is simulated, what is free, and what is asked.

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

pub mod key;
pub mod objective;
pub mod quantity;
pub mod simulation;
pub mod space;

pub use key::{SampleKey, name_word};
pub use objective::{
    Capabilities, Evaluation, Objective, Switch, TermValue, TrialFailure, Want, Workspace,
};
pub use quantity::{Axis, Quantity};
pub use simulation::{
    Cost, Keep, Linearised, Map, MapError, Simulation, Values, check_picks, check_value,
};
pub use space::{Entry, Parameter, Space, SpaceError, Transform};
