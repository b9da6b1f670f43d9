//! `dft-1d-potential`: the exchange-correlation potential whose orbitals have the exact density.

use cotangent_answer::Task;
use cotangent_dft::one_d::study::PotentialStudy;
use cotangent_dft::one_d::{Formula, Model};

use super::super::document::{Grammar, Settings};
use super::super::domain::{Domain, Makes};
use super::super::keys::{File, INF, OPTIONAL_FILE, TEXT, key, keys, number, required};
use super::density_file;
use super::{GRID_POINTS, GRID_SPACING, INTERACTION, SOFTENING, formula_of, model};
use crate::diagnostic::{CONTRADICTION, Diagnostic};

keys! {
    KEYS;
    GRID_POINTS;
    GRID_SPACING;
    INTERACTION;
    SOFTENING;
    FORMULA: str = required("molecule.formula", TEXT,
        "nuclei from left to right with the distances in bohr between them, as in \"H 1.52 H\" or \"Z1.5 2.0 Z2 +1.5\"");
    DENSITY_FILE: Option<File> = key("density.file", OPTIONAL_FILE, "\"\"",
        "CSV of the density whose potential is wanted: a header, then x in bohr and density in 1/bohr; empty: the exact one");
    DENSITY_ERROR: f64 = key("goal.density_error", number("", 0.0, INF), "1e-5",
        "integral of |n - n_exact| in electrons that may be left");
    AGREEMENT: f64 = key("goal.agreement", number("", 0.0, INF), "1e-3",
        "largest difference in Ha from the potential by Newton's method, where the density is above 1e-3");
}

/// The kind.
pub(crate) const DOMAIN: Domain = Domain {
    kind: "dft-1d-potential",
    summary: "find the exact exchange-correlation potential of a molecule from its exact density, in one dimension",
    grammar: Grammar::of_keys(KEYS),
    template: &[("scenario.toml", include_bytes!("../../h2-stretched-potential.toml"))],
    makes: Makes::Task(load),
    first: None,
};

/// Makes sense of the settings.
fn load(s: &Settings) -> Result<Box<dyn Task>, Vec<Diagnostic>> {
    let mut problems = Vec::new();
    let model = model(s, &mut problems);
    let file = s.get(DENSITY_FILE);
    let read = |file| density_file::read(s, DENSITY_FILE, file, &model.grid);
    let given = file.and_then(|file| read(file).map_err(|p| problems.push(p)).ok());
    let exactly = file.is_none();
    let formula = formula_of((s, s), FORMULA, &model, exactly).map_err(|p| problems.push(p));
    let given = match (&formula, given) {
        (Ok(formula), Some(density)) => {
            scaled(s, &model, formula, density).map_err(|p| problems.push(p)).ok()
        }
        _ => None,
    };
    match formula {
        Ok(formula) if problems.is_empty() => Ok(Box::new(PotentialStudy {
            model,
            formula,
            given,
            density_error: s.get(DENSITY_ERROR),
            agreement: s.get(AGREEMENT),
        })),
        _ => Err(problems),
    }
}

/// The density of the file with exactly as many electrons as the molecule has, where it has them but for what was rounded.
fn scaled(
    s: &Settings,
    model: &Model,
    formula: &Formula,
    mut density: Vec<f64>,
) -> Result<Vec<f64>, Diagnostic> {
    let (held, electrons) = (model.grid.integral(&density), formula.electrons() as f64);
    let close = (held - electrons).abs() <= 1e-3 * electrons;
    if !close {
        let message =
            format!("the density holds {held:.4} electrons, \"{formula}\" has {electrons}");
        let help = "give the molecule as many electrons by its charge, or scale the density";
        return Err(s.problem(CONTRADICTION, DENSITY_FILE, message, help));
    }
    density.iter_mut().for_each(|n| *n *= electrons / held);
    Ok(density)
}
