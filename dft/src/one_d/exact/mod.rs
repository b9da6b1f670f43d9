//! Exact ground states of a few electrons, by the method that their number allows.

mod alternating_directions;
pub(in crate::one_d) mod ci_operator;
pub mod full_ci;
mod pair_orbitals;
pub mod reference;
pub mod two_electrons;
