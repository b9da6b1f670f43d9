//! The self-consistent field.
//!
//! A [`FockBuilder`] gives energy and Fock matrices of density matrices: [`HartreeFock`] here, a Kohn-Sham functional elsewhere.
//! [`self_consistent_field`] iterates with DIIS from a superposition of atoms, goes on with a second-order method where that
//! does not converge, and looks whether what it found is a minimum.

pub mod core;
mod diis;
pub mod fock;
mod guess;
pub(in crate::molecule) mod newton;
mod orbital_file;
pub mod orbitals;
pub(in crate::molecule) mod rotation;
mod solve;
mod stability;

pub use self::core::{Core, CoreError};
pub use fock::{Energies, Field, FockBuilder, HartreeFock, TwoElectron};
pub use guess::superposition_of_atoms;
pub use orbital_file::{OrbitalFileError, check_orbitals, orbitals_from_json, orbitals_to_json};
pub use orbitals::{Orbitals, Reference};
pub use solve::{
    Iteration, Method, Scf, ScfError, ScfOptions, ScfStatus, Start, self_consistent_field,
    with_spins_apart,
};
pub use stability::{Stability, StabilityCheck};
