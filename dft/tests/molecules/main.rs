//! Molecules beside PySCF, and every derivative against differences.

mod direct;
mod formats;
mod hartree_fock;
mod internal;
mod kohn_sham;
mod other_molecules;
mod second_derivatives;
mod volumes;

use cotangent_dft::molecule::{Atom, Element, Molecule};

/// The molecule of a record: symbols, positions in bohr, charge, multiplicity.
fn molecule(
    symbols: &[String],
    positions_bohr: &[[f64; 3]],
    charge: i32,
    multiplicity: usize,
) -> Molecule {
    let known = |symbol: &String| Element::of_symbol(symbol).expect("an element");
    let atoms = symbols.iter().zip(positions_bohr).map(|(s, x)| Atom::new(known(s), *x)).collect();
    Molecule::new(atoms, charge, multiplicity).expect("a molecule of a peer's")
}
