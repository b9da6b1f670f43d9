//! Molecular orbitals as a Molden file, which programs that draw orbitals read.
//!
//! # Source
//! Schaftenaar & Noordik, J. Comput.-Aided Mol. Des. 14, 123 (2000), doi:10.1023/A:1008193805436; the sections `[Atoms]`, `[GTO]`, `[5D7F]` and `[MO]`.

use std::fmt::Write as _;

use thiserror::Error;

use crate::molecule::basis::Basis;
use crate::molecule::basis::harmonics::Form;
use crate::molecule::scf::{Core, Orbitals, Reference, Scf};

/// Why there is no file.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum MoldenError {
    /// Readers do not agree on the norm of these functions.
    #[error(
        "programs read Cartesian d and f functions of a Molden file with different norms, so that orbitals in them would be misread: \
         take spherical functions"
    )]
    Cartesian,
}

/// Letters of the angular momenta.
const LETTERS: [char; 4] = ['s', 'p', 'd', 'f'];

/// The text of a Molden file: atoms in bohr, contractions of norm 1 over normalised primitives, orbitals with their energies in hartree
/// and occupations.
///
/// # Errors
/// [`MoldenError`].
pub fn molden(core: &Core, scf: &Scf) -> Result<String, MoldenError> {
    let basis = &core.basis;
    if basis.form() == Form::Cartesian && basis.shells().iter().any(|shell| shell.l > 1) {
        return Err(MoldenError::Cartesian);
    }
    let mut text = String::from("[Molden Format]\n[Title]\norbitals by cotangent\n[Atoms] AU\n");
    for (k, atom) in core.molecule.atoms().iter().enumerate() {
        let [x, y, z] = atom.position_bohr;
        let (symbol, number) = (atom.element.symbol(), atom.element.number());
        let _ = writeln!(text, "{symbol} {} {number} {x:.12} {y:.12} {z:.12}", k + 1);
    }
    let order = write_shells(core, &mut text);
    if basis.form() == Form::Spherical {
        text.push_str("[5D7F]\n");
    }
    text.push_str("[MO]\n");
    let electrons = scf.reference.spins_per_set();
    for (set, spin) in scf.orbitals.iter().zip(["Alpha", "Beta"]) {
        write_orbitals(set, spin, electrons, &order, &mut text);
    }
    debug_assert!(scf.reference == Reference::Unrestricted || scf.orbitals.len() == 1);
    Ok(text)
}

/// Writes the shells atom by atom; returns the functions in the order in which they then stand.
fn write_shells(core: &Core, text: &mut String) -> Vec<usize> {
    let basis = &core.basis;
    let mut order = Vec::with_capacity(basis.len());
    text.push_str("[GTO]\n");
    for atom in 0..core.molecule.atoms().len() {
        let _ = writeln!(text, "{} 0", atom + 1);
        for (index, shell) in basis.shells().iter().enumerate().filter(|(_, s)| s.atom == atom) {
            let _ = writeln!(text, " {} {} 1.00", LETTERS[shell.l], shell.exponents.len());
            for (exponent, coefficient) in
                shell.exponents.iter().zip(shell.normalised_coefficients())
            {
                let _ = writeln!(text, "  {exponent:.12e} {coefficient:.12e}");
            }
            let start = basis.functions(index).start;
            order.extend(places(basis, shell.l).into_iter().map(|m| start + m));
        }
        text.push('\n');
    }
    order
}

/// The functions of a shell in Molden's order: `0, +1, -1, +2, -2, ...` for d and f, and `x, y, z` for p.
fn places(basis: &Basis, l: usize) -> Vec<usize> {
    if l < 2 {
        return (0..basis.form().count(l)).collect();
    }
    let mut places = vec![l];
    places.extend((1..=l).flat_map(|m| [l + m, l - m]));
    places
}

fn write_orbitals(set: &Orbitals, spin: &str, electrons: f64, order: &[usize], text: &mut String) {
    for (k, energy) in set.energies_ha.iter().enumerate() {
        let occupation = if k < set.occupied { electrons } else { 0.0 };
        let _ = writeln!(
            text,
            " Sym= {}a\n Ene= {energy:.12e}\n Spin= {spin}\n Occup= {occupation:.6}",
            k + 1
        );
        for (place, function) in order.iter().enumerate() {
            let _ = writeln!(text, " {} {:.12e}", place + 1, set.coefficients.at(*function, k));
        }
    }
}
