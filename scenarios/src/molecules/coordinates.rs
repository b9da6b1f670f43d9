//! `[[coordinate]]`: distances and angles of atoms, and what the atoms are moved by.

use cotangent_dft::molecule::internal::ChartError;
use cotangent_dft::molecule::{
    Coordinate, CoordinateSystem, Molecule, MoleculeSimulation, NamedCoordinate, WithCoordinates,
};
use cotangent_problem::name::element;

use super::super::document::Settings;
use super::super::keys::{TEXT, choice, counts, key, keys, required};
use super::keys::{COORDINATE, COORDINATES};
use crate::diagnostic::{CONTRADICTION, Diagnostic};

choice! { CoordinateSystem: "cartesian" => Self::Cartesian, "internal" => Self::Internal }

keys! {
    pub(super) KEYS;
    LABEL: str = key("label", TEXT, "\"\"", "its name, as in coordinate.LABEL; else it is counted");
    ATOMS: [usize] = required("atoms", counts(0, 9_999),
        "two for their distance, three for the angle at the second, four for the turn about the middle two; from 0");
}

/// The molecule with its coordinates; `None` where it has no more than positions.
pub(super) fn with_coordinates(
    s: &Settings,
    molecule: &MoleculeSimulation,
) -> Result<Option<WithCoordinates>, Vec<Diagnostic>> {
    let (system, list) = (s.get(COORDINATES), s.list(COORDINATE));
    if system == CoordinateSystem::Cartesian && list.is_empty() {
        return Ok(None);
    }
    let mut named: Vec<NamedCoordinate> = Vec::new();
    let mut problems = Vec::new();
    for (k, entry) in list.iter().enumerate() {
        match read(entry, k, molecule.molecule()) {
            Ok(one) if named.iter().any(|known| known.name == one.name) => {
                let message = format!("two coordinates are called `{}`", one.name);
                let help = "give each its own label";
                problems.push(entry.problem(CONTRADICTION, LABEL, message, help));
            }
            Ok(one) => named.push(one),
            Err(problem) => problems.push(problem),
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let names: Vec<String> = named.iter().map(|one| one.name.clone()).collect();
    let found = WithCoordinates::new(molecule.clone(), named, system);
    found.map(Some).map_err(|error| {
        let code = "cotangent::molecule::coordinate";
        let (ChartError::OnALine { name } | ChartError::Dependent { name }) = &error else {
            let help = "molecule.coordinates = \"cartesian\"";
            return vec![s.problem(code, COORDINATES, error.to_string(), help)];
        };
        let help = "leave it out or take other atoms, or molecule.coordinates = \"cartesian\"";
        let entry = names.iter().position(|known| known == name).and_then(|k| list.get(k));
        vec![entry.unwrap_or(s).problem(code, ATOMS, error.to_string(), help)]
    })
}

fn read(s: &Settings, k: usize, molecule: &Molecule) -> Result<NamedCoordinate, Diagnostic> {
    let code = "cotangent::molecule::coordinate";
    let (atoms, count) = (s.get(ATOMS), molecule.atoms().len());
    if let Some(atom) = atoms.iter().find(|atom| **atom >= count) {
        let message = format!("there is no atom {atom}: the molecule has {count}");
        let help = "atoms are counted from 0, in the order of the file";
        return Err(s.problem(code, ATOMS, message, help));
    }
    let Some(coordinate) = Coordinate::between(atoms) else {
        let message = format!("{atoms:?} are no distance, angle or dihedral angle");
        let help = "two, three or four atoms, none of them twice";
        return Err(s.problem(code, ATOMS, message, help));
    };
    Ok(NamedCoordinate { name: element("coordinate", s.get(LABEL), k), coordinate })
}
