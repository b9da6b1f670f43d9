//! Molecules in three dimensions: nuclei, electrons, and Gaussian basis functions between them.
//!
//! A [`Molecule`] has nuclei, a charge and a multiplicity; a [`BasisSet`] by name or from a file gives every element its shells, and a
//! [`Basis`] is these shells put on the molecule's nuclei. Everything is in Hartree atomic units: lengths in bohr, energies in hartree.

pub mod basis;
pub mod functional;
pub mod functional_integral;
pub mod geometry;
pub mod gradient;
pub mod grid;
pub mod hessian;
pub mod integrals;
pub mod internal;
pub mod kohn_sham;
pub mod lattice;
pub mod matrix;
pub mod molden;
pub mod portrait;
pub mod qcschema;
pub mod response;
pub mod scf;
pub mod simulation;
pub mod theory;
pub mod vibrations;

pub use basis::file::{BasisFileError, BasisProblem, parse_basis};
pub use basis::harmonics::Form;
pub use basis::library::{basis_set, names as basis_names};
pub use basis::{Basis, BasisError, BasisSet, Shell, ShellTemplate};
pub use functional::{ExchangeCorrelation, StandardFunctional, UnknownFunctional};
pub use functional_integral::{FunctionalIntegral, GridResponse, IntegralError, IntegratedField};
pub use geometry::element::Element;
pub use geometry::xyz::{LengthUnit, XyzError, XyzProblem, parse_xyz, to_xyz};
pub use geometry::{Atom, BOHR_ANGSTROM, GeometryError, Molecule};
pub use grid::{GridError, GridOptions, MolecularGrid, Pruning};
pub use internal::{Coordinate, CoordinateSystem, NamedCoordinate, WithCoordinates};
pub use kohn_sham::KohnSham;
pub use lattice::{Lattice, LatticeError, Seen, at_points, on_lattice};
pub use matrix::Matrix;
pub use molden::{MoldenError, molden};
pub use portrait::{Extent, MoleculePortrait, Scan};
pub use qcschema::{QcSchemaError, atomic_result, failed_operation};
pub use simulation::{MoleculeAnswer, MoleculeOptions, MoleculeSimulation, ReferenceChoice};
pub use theory::Theory;
pub use vibrations::{Conditions, Thermochemistry, VibrationError, Vibrations};
