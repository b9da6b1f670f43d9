//! Molecules beside PySCF, and every derivative against differences.

mod formats;
mod hartree_fock;
mod kohn_sham;
mod other_molecules;
