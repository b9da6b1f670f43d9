//! `[[species]]`: several molecules that share the parameters of their functional.

use cotangent_dft::molecule::MoleculeSimulation;
use cotangent_problem::name::element;
use cotangent_problem::{Joined, Simulation};

use super::super::document::Settings;
use super::super::general::Model;
use super::super::keys::{Key, Kind, key, required};
use super::{CONTRADICTION, basis_on, molecule, options};
use crate::diagnostic::Diagnostic;

pub(super) const KEYS: &[Key] = &[
    required("label", Kind::Text, "what it is called: its names begin with species.LABEL"),
    required("file", Kind::File, "XYZ or extended XYZ file"),
    key("unit", Kind::Choice(&["angstrom", "bohr"]), "\"angstrom\"", "unit of its coordinates"),
    key("charge", Kind::Integer { min: -100, max: 1000 }, "0", "charge of the whole"),
    key("multiplicity", Kind::Integer { min: 1, max: 1000 }, "1", "unpaired electrons and one"),
];

/// Where a table says what a molecule is: file, unit, charge, multiplicity.
pub(super) const PATHS: [&str; 4] = ["file", "unit", "charge", "multiplicity"];

/// The molecules of a file as one simulation.
pub(super) fn model(s: &Settings) -> Result<Model, Vec<Diagnostic>> {
    // a resolved file says what is not there too
    let files =
        ["molecule.file", "scf.orbitals"].into_iter().filter(|path| !s.text(path).is_empty());
    let scan = (s.number("scan.to") > 0.0).then_some("scan.to");
    if let Some(path) = files.chain(scan).next() {
        let message = format!("`{path}` is of one molecule, and there are [[species]]");
        let help = "leave it out, or write a scenario of one molecule";
        return Err(vec![s.problem(CONTRADICTION, path, message, help)]);
    }
    let mut members: Vec<(String, Box<dyn Simulation>)> = Vec::new();
    let mut problems = Vec::new();
    for (k, entry) in s.list("species").iter().enumerate() {
        match member(s, entry) {
            Ok(simulation) => {
                let name = element("species", entry.text("label"), k);
                members.push((name, Box::new(simulation)));
            }
            Err(problem) => problems.push(problem),
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let joined = Joined::new(members, |name| name.starts_with("functional.")).map_err(|e| {
        let help = "this is a fault of the program";
        vec![s.problem(CONTRADICTION, "species", e.to_string(), help)]
    })?;
    Ok(Model { simulation: Box::new(joined), notes: Vec::new(), draw: None })
}

fn member(s: &Settings, entry: &Settings) -> Result<MoleculeSimulation, Diagnostic> {
    let molecule = molecule(entry, PATHS)?;
    let basis = basis_on(s, &molecule)?;
    let options = options(s, &molecule, &basis)?;
    Ok(MoleculeSimulation::new(molecule, basis, options))
}
