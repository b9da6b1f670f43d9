//! A first scenario for any molecule: its geometry is optimised.

use std::path::Path;

use cotangent_dft::molecule::{LengthUnit, parse_xyz};

use super::{filled, name_of, quoted};
use crate::diagnostic::Diagnostic;

/// The scenario of the molecule in `path`, which it calls `file`.
pub(crate) fn scenario(path: &Path, file: &str) -> Result<String, Vec<Diagnostic>> {
    let code = "cotangent::scenario::unreadable";
    let text = std::fs::read_to_string(path).map_err(|e| {
        let message = format!("cannot read {}: {e}", path.display());
        vec![Diagnostic::plain(code, message, "an XYZ file is text in UTF-8")]
    })?;
    // a multiplicity that goes with the electrons, where there is nothing else wrong
    let read = |multiplicity| parse_xyz(&text, file, LengthUnit::Angstrom, 0, multiplicity);
    let multiplicity = if read(1).is_err() && read(2).is_ok() { 2 } else { 1 };
    let molecule = read(multiplicity).map_err(|e| {
        let help = "a count, a comment, and a line `symbol x y z` for each atom";
        vec![Diagnostic::plain("cotangent::molecule::xyz", e.to_string(), help)]
    })?;
    // one atom has no internal coordinates
    let (coordinates, free) = if molecule.atoms().len() == 1 {
        ("cartesian", "atom[0].position")
    } else {
        ("internal", "internal")
    };
    let values = [
        ("name", quoted(&name_of(path))),
        ("file", quoted(file)),
        ("multiplicity", multiplicity.to_string()),
        ("coordinates", quoted(coordinates)),
        ("free", quoted(free)),
    ];
    Ok(filled(include_str!("molecules.toml"), &values))
}
