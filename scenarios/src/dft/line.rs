//! `dft-1d-molecules`: molecules on a line, and what is asked of their energies, densities and forces.

use std::sync::Arc;

use cotangent_dft::one_d::formula::centred;
use cotangent_dft::one_d::{Lda, LineMolecule, LineSimulation, LineTheory};

use super::super::document::{Grammar, Settings};
use super::super::domain::{Domain, Makes};
use super::super::general::{self, COMBINATION, CONSTRAINT, GOAL, PARAMETER, TERM};
use super::super::keys::{List, TEXT, choice, key, keys, list, one_of, required};
use super::{
    FUNCTIONAL_FILE, GRID_POINTS, GRID_SPACING, INTERACTION, Repulsion, SOFTENING, formula_of,
    functional_file, model,
};
use crate::diagnostic::{CONTRADICTION, Diagnostic};

/// The electrons, by the name of their theory in a file.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Electrons {
    KohnSham,
    Exact,
}

choice! { Electrons: "kohn-sham" => Self::KohnSham, "exact" => Self::Exact }

keys! {
    KEYS;
    GRID_POINTS;
    GRID_SPACING;
    SOFT: Repulsion = INTERACTION.or("\"soft-coulomb\"");
    SOFTENING;
    THEORY: Electrons = key("functional.kind", one_of(), "\"kohn-sham\"",
        "the electrons: Kohn-Sham with the functional of functional.file, or the exact ground state");
    FUNCTIONAL_FILE;
}

keys! {
    MOLECULE_KEYS;
    LABEL: str = required("label", TEXT, "its name, as in molecule.LABEL.energy");
    FORMULA: str = required("formula", TEXT,
        "nuclei from left to right with the distances in bohr between them, as in \"H 1.52 H\" or \"He 1.52 H +\"");
}

const MOLECULE: List = list("molecule", MOLECULE_KEYS, "a molecule on the line").needed();

const LISTS: &[List] = &[MOLECULE, PARAMETER, TERM, GOAL, CONSTRAINT, COMBINATION];

/// The kind.
pub(crate) const DOMAIN: Domain = Domain {
    kind: "dft-1d-molecules",
    summary: "molecules on a line: nuclei, potentials or a functional from energies, densities and forces",
    grammar: Grammar { keys: KEYS, lists: LISTS, open_tables: general::OPEN_TABLES },
    template: &[
        ("scenario.toml", include_bytes!("../../h4-design.toml")),
        ("h4-density.csv", include_bytes!("../../h4-density.csv")),
    ],
    makes: Makes::Simulation(simulation),
    first: None,
};

/// The simulation of the file's molecules.
fn simulation(s: &Settings) -> Result<general::Model, Vec<Diagnostic>> {
    let mut problems = Vec::new();
    let model = model(s, &mut problems);
    let exactly = s.get(THEORY) == Electrons::Exact;
    if exactly && s.get(FUNCTIONAL_FILE).is_some() {
        let message = "exact electrons have no functional";
        let help = "leave one of functional.kind and functional.file out";
        problems.push(s.problem(CONTRADICTION, FUNCTIONAL_FILE, message, help));
    }
    let theory = match functional_file(s, &model) {
        _ if exactly => LineTheory::Exact,
        Ok(Some(file)) => LineTheory::Trained(file),
        Ok(None) => LineTheory::KohnSham(Arc::new(Lda::default())),
        Err(problem) => {
            problems.push(problem);
            LineTheory::Exact
        }
    };
    let molecules: Vec<LineMolecule> = s
        .list(MOLECULE)
        .iter()
        .filter_map(|m| {
            let formula =
                formula_of((s, m), FORMULA, &model, exactly).map_err(|p| problems.push(p)).ok()?;
            Some(LineMolecule {
                name: m.get(LABEL).to_owned(),
                positions_bohr: centred(&formula.spacings_bohr(0.0)),
                charges: formula.charges().to_vec(),
                electrons: formula.electrons(),
                masses_u: formula.masses_u(),
            })
        })
        .collect();
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(general::Model::plain(LineSimulation::new(model, theory, molecules)))
}
