//! The differentiation core.

mod pendulum;

use super::Measure;

pub(super) const ROWS: &[Measure] = &[pendulum::rows];

pub(super) const PROOFS: &[Measure] = &[pendulum::proofs];
