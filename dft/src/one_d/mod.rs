//! Kohn-Sham in one dimension.
//!
//! The Hamiltonian on a uniform grid is banded (pentadiagonal), the interaction exponential: eigenpairs cost banded
//! solves and Hartree potentials two recursive passes, both linear in the number of grid points.

pub mod banded;
mod convolution;
pub mod eigen;
pub mod exact;
pub mod functional;
pub mod grid;
pub mod interaction;
pub mod kinetic;
pub mod lda;
pub mod mirror;
pub mod network;
pub mod scf;
pub mod system;
pub mod training;
pub mod unrolled;

pub use eigen::{EigenError, EigenOptions, EigenPairs, lowest_states};
pub use exact::{ExactError, ExactOptions, GroundState, two_electrons};
pub use functional::{ExchangeCorrelation, Functional};
pub use grid::{Grid, GridError};
pub use interaction::Interaction;
pub use kinetic::Stencil;
pub use lda::Lda;
pub use mirror::Mirror;
pub use network::{Architecture, Network, NetworkError};
pub use scf::{Model, Prepared, Scf, ScfError, ScfOptions, ScfStatus, self_consistent_field};
pub use system::{Nucleus, System, SystemError};
pub use training::{Molecule, Training, TrainingOptions};
