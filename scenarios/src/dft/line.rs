//! `dft-1d-molecules`: molecules on a line, and what is asked of their energies, densities and forces.

use std::sync::Arc;

use cotangent_dft::one_d::formula::centred;
use cotangent_dft::one_d::{Lda, LineMolecule, LineSimulation, LineTheory};
use cotangent_problem::Simulation;

use super::super::document::{Grammar, Settings};
use super::super::general::{self, COMBINATION, CONSTRAINT, GOAL, PARAMETER, Study, TERM};
use super::super::keys::{List, TEXT, choice, key, keys, one_of, required};
use super::super::{Domain, Scenario};
use super::{
    FUNCTIONAL_FILE, GRID_POINTS, GRID_SPACING, INTERACTION, Repulsion, SOFTENING, formula_of,
    functional_file, model, too_large,
};
use crate::diagnostic::Diagnostic;

/// The kind.
pub(crate) struct Molecules;

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

const MOLECULE: List =
    List { name: "molecule", keys: MOLECULE_KEYS, required: true, doc: "a molecule on the line" };

const LISTS: &[List] = &[MOLECULE, PARAMETER, TERM, GOAL, CONSTRAINT, COMBINATION];

const TEMPLATE: &[(&str, &[u8])] = &[
    ("scenario.toml", include_bytes!("../../h4-design.toml")),
    ("h4-density.csv", include_bytes!("../../h4-density.csv")),
];

impl Domain for Molecules {
    fn kind(&self) -> &'static str {
        "dft-1d-molecules"
    }
    fn summary(&self) -> &'static str {
        "molecules on a line: nuclei, potentials or a functional from energies, densities and forces"
    }
    fn grammar(&self) -> Grammar {
        Grammar { keys: KEYS, lists: LISTS, open_tables: general::OPEN_TABLES }
    }
    fn template(&self) -> &'static [(&'static str, &'static [u8])] {
        TEMPLATE
    }
    fn simulation(&self, s: &Settings) -> Option<Result<Box<dyn Simulation>, Vec<Diagnostic>>> {
        Some(simulation(s).and_then(|m| Ok(m.fixed(s)?.simulation)))
    }
    fn load(&self, s: &Settings) -> Result<Box<dyn Scenario>, Vec<Diagnostic>> {
        Ok(Box::new(Study::new(simulation(s)?, s)?))
    }
}

/// The simulation of the file's molecules.
fn simulation(s: &Settings) -> Result<general::Model, Vec<Diagnostic>> {
    let mut problems = Vec::new();
    let model = model(s, &mut problems);
    let exactly = s.get(THEORY) == Electrons::Exact;
    if exactly && s.get(FUNCTIONAL_FILE).is_some() {
        let message = "exact electrons have no functional";
        let help = "leave one of functional.kind and functional.file out";
        let code = "cotangent::scenario::contradiction";
        problems.push(s.problem(code, FUNCTIONAL_FILE, message, help));
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
                formula_of(m, FORMULA, &model, exactly).map_err(|p| problems.push(p)).ok()?;
            problems.extend(too_large(s, &model, &formula).filter(|_| exactly));
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
    let simulation = Box::new(LineSimulation::new(model, theory, molecules));
    Ok(general::Model { simulation, notes: Vec::new(), draw: None })
}
