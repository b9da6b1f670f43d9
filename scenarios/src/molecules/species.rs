//! `[[species]]`: several molecules that share the parameters of their functional.

use cotangent_dft::molecule::{CoordinateSystem, LengthUnit, MoleculeSimulation};
use cotangent_problem::name::element;
use cotangent_problem::{Joined, Simulation};

use super::super::document::Settings;
use super::super::general::Model;
use super::super::keys::{self as kinds, File, TEXT, count, integer, key, keys, one_of, required};
use super::coordinates;
use super::keys::{self, COORDINATE, COORDINATES, ORBITALS, SCAN_TO, SPECIES};
use super::{basis_on, molecule, options};
use crate::diagnostic::{CONTRADICTION, Diagnostic};

keys! {
    pub(super) KEYS;
    LABEL: str = required("label", TEXT, "what it is called: its names begin with species.LABEL");
    FILE: File = required("file", kinds::FILE, "XYZ or extended XYZ file");
    UNIT: LengthUnit = key("unit", one_of(), "\"angstrom\"", "unit of its coordinates");
    CHARGE: i64 = key("charge", integer(-100, 1000), "0", "charge of the whole");
    MULTIPLICITY: usize = key("multiplicity", count(1, 1000), "1", "unpaired electrons and one");
}

/// The molecules of a file as one simulation.
pub(super) fn model(s: &Settings) -> Result<Model, Vec<Diagnostic>> {
    // a resolved file says what is not there too
    let files = [keys::FILE, ORBITALS].into_iter().filter(|key| s.get(*key).is_some());
    let scan = (s.get(SCAN_TO) > 0.0).then_some(SCAN_TO.any);
    let internal = (s.get(COORDINATES) != CoordinateSystem::Cartesian).then_some(COORDINATES.any);
    if let Some(entry) = s.list(COORDINATE).first() {
        let message = "[[coordinate]] is of one molecule, and there are [[species]]";
        let help = "leave it out, or write a scenario of one molecule";
        return Err(vec![entry.problem(CONTRADICTION, coordinates::ATOMS, message, help)]);
    }
    if let Some(key) = files.map(|key| key.any).chain(scan).chain(internal).next() {
        let message = format!("`{}` is of one molecule, and there are [[species]]", key.path);
        let help = "leave it out, or write a scenario of one molecule";
        return Err(vec![s.problem(CONTRADICTION, key, message, help)]);
    }
    let mut members: Vec<(String, Box<dyn Simulation>)> = Vec::new();
    let mut problems = Vec::new();
    for (k, entry) in s.list(SPECIES).iter().enumerate() {
        match member(s, entry) {
            Ok(simulation) => {
                let name = element("species", entry.get(LABEL), k);
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
        vec![s.problem(CONTRADICTION, SPECIES, e.to_string(), help)]
    })?;
    Ok(Model::plain(joined))
}

fn member(s: &Settings, entry: &Settings) -> Result<MoleculeSimulation, Diagnostic> {
    let molecule = molecule(entry, (FILE.any, entry.get(FILE)), UNIT, CHARGE, MULTIPLICITY)?;
    let basis = basis_on(s, &molecule)?;
    let options = options(s, &molecule, &basis)?;
    Ok(MoleculeSimulation::new(molecule, basis, options))
}
