//! The differentiation core.
#![expect(clippy::unnecessary_wraps, reason = "all measures have one signature")]

mod adbench;
mod build;
mod differential;
mod equations;
mod heat;
mod loops;
mod pendulum;
mod solutions;
#[path = "../../../../tests/tests/systems/mod.rs"]
mod systems;

use super::Measure;

pub(super) const ROWS: &[Measure] = measurements![
    pendulum::rows,
    adbench::gmm_rows,
    adbench::lstm_rows,
    adbench::ba_rows,
    adbench::hand_rows,
    loops::rows,
    equations::hares_rows,
    equations::network_rows,
    equations::explicit_rows,
    equations::stiff_rows,
    heat::rows,
    heat::ring_rows,
];

pub(super) const PROOFS: &[Measure] = measurements![
    pendulum::proofs,
    adbench::proofs,
    adbench::hand_proofs,
    adbench::program_proofs,
    heat::proofs,
    solutions::order_proofs,
    solutions::state_proofs,
    solutions::gradient_proofs,
    solutions::event_proofs,
    build::proofs,
    differential::proofs,
];
