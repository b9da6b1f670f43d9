//! Molecules in three dimensions: nuclei, electrons, and Gaussian basis functions between them.
//!
//! A [`Molecule`] has nuclei, a charge and a multiplicity; a [`BasisSet`] by name or from a file gives every element its shells, and a
//! [`Basis`] is these shells put on the molecule's nuclei. Everything is in Hartree atomic units: lengths in bohr, energies in hartree.

pub mod basis;
pub mod geometry;

pub use basis::harmonics::Form;
pub use basis::{Basis, BasisError, BasisSet, Shell, ShellTemplate};
pub use geometry::element::Element;
pub use geometry::{Atom, BOHR_ANGSTROM, GeometryError, Molecule};
