//! The differentiation core.
#![expect(clippy::unnecessary_wraps, reason = "all measures have one signature")]

mod adbench;
mod differential;
mod heat;
mod loops;
mod pendulum;

use super::Measure;

pub(super) const ROWS: &[Measure] = measurements![
    pendulum::rows,
    adbench::gmm_rows,
    adbench::lstm_rows,
    adbench::ba_rows,
    adbench::hand_rows,
    loops::rows,
    heat::rows,
    heat::ring_rows,
];

pub(super) const PROOFS: &[Measure] = measurements![
    pendulum::proofs,
    adbench::proofs,
    adbench::hand_proofs,
    adbench::program_proofs,
    heat::proofs,
    differential::proofs,
];
