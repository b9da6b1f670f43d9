//! Molecules in three dimensions: nuclei, electrons, and Gaussian basis functions between them.
//!
//! A [`Molecule`] has nuclei, a charge and a multiplicity; a [`BasisSet`] by name or from a file gives every element its shells, and a
//! [`Basis`] is these shells put on the molecule's nuclei. Everything is in Hartree atomic units: lengths in bohr, energies in hartree.

pub mod basis;
pub mod geometry;
pub mod gradient;
pub mod integrals;
pub mod matrix;
pub mod response;
pub mod scf;
pub mod simulation;

pub use basis::file::{BasisFileError, BasisProblem, parse_basis};
pub use basis::harmonics::Form;
pub use basis::library::{basis_set, names as basis_names};
pub use basis::{Basis, BasisError, BasisSet, Shell, ShellTemplate};
pub use geometry::element::Element;
pub use geometry::xyz::{LengthUnit, XyzError, XyzProblem, parse_xyz};
pub use geometry::{Atom, BOHR_ANGSTROM, GeometryError, Molecule};
pub use matrix::Matrix;
pub use simulation::{MoleculeOptions, MoleculeSimulation, ReferenceChoice};
