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

pub mod objective;
pub mod space;

pub use objective::{
    Capabilities, Evaluation, Objective, SampleKey, Switch, Term, TrialFailure, Want, Workspace,
};
pub use space::{Parameter, Space, SpaceError, Transform};
