//! Kohn-Sham in one dimension.
//!
//! The Hamiltonian on a uniform grid is banded (pentadiagonal), the interaction exponential: eigenpairs cost banded
//! solves and Hartree potentials two recursive passes, both linear in the number of grid points.

pub mod banded;
pub mod eigen;
pub mod grid;
pub mod interaction;
pub mod kinetic;
pub mod system;

pub use eigen::{EigenError, EigenOptions, EigenPairs, lowest_states};
pub use grid::{Grid, GridError};
pub use interaction::Interaction;
pub use kinetic::Stencil;
pub use system::{Nucleus, System, SystemError};
