//! Kohn-Sham in one dimension.
//!
//! The Hamiltonian on a uniform grid is banded (pentadiagonal), the interaction exponential: eigenpairs cost banded
//! solves and Hartree potentials two recursive passes, both linear in the number of grid points.

pub mod banded;
pub mod checkpointed;
mod ci_operator;
mod convolution;
mod davidson;
pub mod direct;
pub mod eigen;
pub mod exact;
mod features;
pub mod full_ci;
pub mod functional;
pub mod functional_file;
mod gmres;
pub mod grid;
pub mod implicit;
pub mod interaction;
pub mod inversion;
pub mod kinetic;
pub mod lda;
pub mod mirror;
mod mixing;
pub mod network;
pub mod nuclear;
mod pair_orbitals;
pub mod reference;
pub mod scf;
mod signal;
pub mod system;
pub mod training;
pub mod unrolled;

pub use checkpointed::checkpointed_gradient;
pub use direct::minimise_energy;
pub use eigen::{EigenError, EigenOptions, EigenPairs, lowest_states};
pub use exact::{ExactError, ExactOptions, GroundState, two_electrons};
pub use full_ci::{CiState, FullCiError, FullCiOptions, full_ci};
pub use functional::{ExchangeCorrelation, Functional};
pub use functional_file::{FunctionalFile, FunctionalFileError};
pub use grid::{Grid, GridError};
pub use implicit::{FixedPointAdjoint, ImplicitError, ImplicitOptions, implicit_adjoint};
pub use interaction::Interaction;
pub use inversion::{Inversion, InversionError, InversionOptions, invert};
pub use kinetic::Stencil;
pub use lda::Lda;
pub use mirror::Mirror;
pub use network::{Architecture, Network, NetworkError, Window};
pub use nuclear::Converged;
pub use reference::{ReferenceError, ground_state};
pub use scf::{Model, Prepared, Scf, ScfError, ScfOptions, ScfStatus, self_consistent_field};
pub use system::{Nucleus, System, SystemError};
pub use training::{Molecule, Training, TrainingOptions};
