//! The command line: arguments, verbs, progress and drawing, over the harness.

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

pub mod args;
pub mod command;
pub mod diagnostic;
pub mod exit;
pub mod export;
pub mod plot;
pub mod progress;
pub mod report;

pub use cotangent_harness as run;
