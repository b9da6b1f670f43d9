//! Kohn-Sham in one dimension.
//!
//! Electrons on a line repel by `w(u)`, nuclei attract them by `-Z w(u)`; the ground state of up to four electrons is known as
//! exactly as one likes ([`ground_state`]), so every error of an approximate functional is known too. A functional is a network of the
//! density ([`Network`]) whose parameters are fitted so that the self-consistent field ([`self_consistent_field`]) reproduces exact
//! energies and densities of a few molecules; the gradient of that goes through the field ([`Training`]).
//!
//! The Hamiltonian on a uniform grid is banded (pentadiagonal), the interaction exponential: eigenpairs cost banded
//! solves and Hartree potentials two recursive passes, both linear in the number of grid points.
//!
//! # Training on a system of one's own
//!
//! Name the molecules by a line formula, solve them exactly, train, and keep the functional as a file:
//!
//! ```
//! use cotangent_problem::SampleKey;
//! use cotangent_dft::one_d::*;
//! use cotangent_optim::{Method, Problem, Run, StepResult, Stop};
//! use cotangent_problem::{Parameter, Space};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let model = Model { grid: Grid::new(129, 0.2)?, ..Model::default() }; // a coarse one: this is an example
//! let molecule = |text: &str| -> Result<Molecule, Box<dyn std::error::Error>> {
//!     let system = text.parse::<Formula>()?.system(0.0)?.on_grid(&model.grid);
//!     let exact = ground_state(&model, &system)?;
//!     Ok(Molecule::new(&model, &system, exact)?)
//! };
//! let train = vec![molecule("H 1.6 H")?, molecule("He 1.6 H +")?];
//! let validate = molecule("H 2.4 H")?;
//!
//! let architecture = Architecture {
//!     global_features: 3, // exponential averages of the density beside the density itself
//!     hidden: vec![4],    // channels of the convolutions
//!     grid_spacing_bohr: model.grid.spacing_bohr(),
//!     ..Architecture::paper()
//! };
//! let start = architecture.initial_parameters(0);
//! let training = Training::new(model, architecture.clone(), train, TrainingOptions::paper());
//!
//! let space = Space::new(vec![Parameter::vector("theta", start.len())])?;
//! let problem = Problem { objective: &training, space: &space };
//! let stop = Stop { max_iterations: 10, ..Stop::default() }; // some 200 evaluations where it is meant
//! let method = Method::named("lbfgsb").ok_or("no such method")?;
//! let mut run = Run::start(&problem, method, stop, &start, SampleKey(0))?;
//! let (mut best, mut least_error) = (start, f64::INFINITY);
//! while let StepResult::Continue(iterate) = run.step(&problem) {
//!     // a molecule that is not trained on chooses among the iterates
//!     let scf = training.apply(&iterate.x, validate.prepared())?;
//!     let error = (scf.energy_ha() - validate.reference().energy_ha).abs();
//!     if error < least_error {
//!         (best, least_error) = (iterate.x, error);
//!     }
//! }
//! assert!(least_error.is_finite());
//! let file = FunctionalFile { architecture, parameters: best }.to_bytes(); // std::fs::write("functional.npy", file)
//! # assert_eq!(FunctionalFile::from_bytes(&file)?.to_bytes(), file);
//! # Ok(())
//! # }
//! ```
//!
//! The same from a TOML file, with curves and tables of errors, is the scenario kind `dft-1d` of the command line. What can be had
//! beside energies: forces and force constants ([`Converged`]), bond lengths ([`Relaxation`]), the exact potential of a density ([`LiebFunctional`], [`invert`]); and any of energy, density, forces by any
//! of positions, charges, potential and functional ([`LineSimulation`]).

pub mod exact;
mod failure;
pub mod family;
pub mod field;
pub mod formula;
pub mod functional;
pub mod grid;
pub mod interaction;
pub mod kinetic;
pub mod linear;
pub mod mirror;
pub mod simulation;
pub mod study;
pub mod system;
pub mod task;

pub use exact::full_ci::{CiState, FullCiError, FullCiOptions, full_ci};
pub use exact::reference::{ReferenceError, ground_state, ground_state_bytes};
pub use exact::two_electrons::{ExactError, ExactOptions, GroundState, two_electrons};
pub use field::checkpointed::checkpointed_gradient;
pub use field::direct::minimise_energy;
pub use field::implicit::{FixedPointAdjoint, ImplicitError, ImplicitOptions, implicit_adjoint};
pub use field::nuclear::Converged;
pub use field::prepared::Prepared;
pub use field::scf::{Model, Scf, ScfError, ScfOptions, ScfStatus, self_consistent_field};
pub use formula::{Formula, FormulaError};
pub use functional::file::{FunctionalFile, FunctionalFileError};
pub use functional::lda::Lda;
pub use functional::network::{Architecture, Network, NetworkError, Window};
pub use functional::own::{EnergyFunctional, FromEnergy};
pub use functional::{ExchangeCorrelation, Functional, Kept};
pub use grid::{Grid, GridError};
pub use interaction::Interaction;
pub use kinetic::Stencil;
pub use linear::eigen::{EigenError, EigenOptions, EigenPairs, lowest_states};
pub use mirror::Mirror;
pub use simulation::{LineMolecule, LineSimulation, LineTheory};
pub use system::{Nucleus, System, SystemError};
pub use task::geometry::{Relaxation, Theory, wave_numbers};
pub use task::inversion::{Inversion, InversionError, InversionOptions, invert};
pub use task::lieb::LiebFunctional;
pub use task::training::{Molecule, Training, TrainingOptions};
