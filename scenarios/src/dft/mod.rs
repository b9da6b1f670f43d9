//! Kohn-Sham in one dimension: molecules of which anything is asked (`dft-1d-molecules`), functionals that are trained (`dft-1d`),
//! and the potential of a given density (`dft-1d-potential`).

mod density_file;
mod line;
mod potential;
mod train;

use cotangent_dft::one_d::study::Misfit;
use cotangent_dft::one_d::{
    Formula, FormulaError, FunctionalFile, Grid, Interaction, Model, Stencil,
};

use super::document::Settings;
use super::keys::{AnyKey, File, Key, OPTIONAL_FILE, choice, count, key, number, one_of};
use crate::diagnostic::Diagnostic;

pub(super) use line::DOMAIN as MOLECULES;
pub(super) use potential::DOMAIN as POTENTIAL;
pub(super) use train::DOMAIN as TRAIN;

/// The repulsions of electrons, by their names in a file.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Repulsion {
    Exponential,
    SoftCoulomb,
}

choice! { Repulsion: "exponential" => Self::Exponential, "soft-coulomb" => Self::SoftCoulomb }

const GRID_POINTS: Key<usize> =
    key("grid.points", count(7, 100_001), "513", "grid points, an odd number");
const GRID_SPACING: Key<f64> =
    key("grid.spacing", number("bohr", 1e-3, 10.0), "0.08", "distance of grid points");
const INTERACTION: Key<Repulsion> = key(
    "interaction.kind",
    one_of(),
    "\"exponential\"",
    "repulsion of electrons: A exp(-kappa u) of Baker et al., or 1/sqrt(u^2 + softening^2)",
);
const SOFTENING: Key<f64> = key(
    "interaction.softening",
    number("bohr", 1e-3, 100.0),
    "1.0",
    "soft-coulomb: length at which it is softened",
);
const FUNCTIONAL_FILE: Key<Option<File>> = key(
    "functional.file",
    OPTIONAL_FILE,
    "\"\"",
    "a trained functional, `functional.npy` of another run; empty: the LDA of Baker et al.",
);

/// Grid and interaction, with what is wrong with them added to `problems`.
fn model(s: &Settings, problems: &mut Vec<Diagnostic>) -> Model {
    let grid = Grid::new(s.get(GRID_POINTS), s.get(GRID_SPACING)).unwrap_or_else(|e| {
        let help = "the convolutions need a centre";
        problems.push(s.problem("cotangent::scenario::grid", GRID_POINTS, e.to_string(), help));
        Grid::PAPER
    });
    let interaction = match s.get(INTERACTION) {
        Repulsion::SoftCoulomb => Interaction::SoftCoulomb { softening_bohr: s.get(SOFTENING) },
        Repulsion::Exponential => Interaction::BAKER,
    };
    Model { grid, stencil: Stencil::FivePoint, interaction }
}

/// The formula of `key` in an entry of the file `s`, without a free distance, inside the box, with an exact state where `exactly`.
fn formula_of(
    (s, entry): (&Settings, &Settings),
    key: Key<str>,
    model: &Model,
    exactly: bool,
) -> Result<Formula, Diagnostic> {
    let code = "cotangent::scenario::molecule";
    let formula: Formula = entry.get(key).parse().map_err(|e: FormulaError| {
        let help = "nuclei and distances in bohr alternate, signs of the charge come last";
        entry.problem(code, key, e.to_string(), help)
    })?;
    if formula.is_free() {
        let message = format!("\"{formula}\" has a distance R that nothing says");
        return Err(entry.problem(code, key, message, "write the distance in bohr in its place"));
    }
    let label = formula.to_string();
    let misfit = Misfit::of_width(model, &label, &formula.spacings_bohr(0.0))
        .or_else(|| exactly.then(|| Misfit::of_exact_state(model, &label, &formula)).flatten());
    misfit.map_or(Ok(formula), |misfit| Err(unfit((s, entry), key.any, &misfit, 0)))
}

/// A molecule of an entry of the file `s` that does not fit, and `more` of its list that do not either, where they may be mended.
fn unfit(
    (s, entry): (&Settings, &Settings),
    key: AnyKey,
    misfit: &Misfit,
    more: usize,
) -> Diagnostic {
    let others = if more > 0 { format!(" (and {more} more of its list)") } else { String::new() };
    let message = format!("{misfit}{others}");
    let help = misfit.remedy();
    match misfit {
        Misfit::OffGrid { .. } => {
            entry.problem("cotangent::scenario::off_grid", key, message, help)
        }
        Misfit::OutsideBox { .. } => {
            entry.problem("cotangent::scenario::outside_box", key, message, help)
        }
        Misfit::Electrons { .. } => {
            entry.problem("cotangent::scenario::electrons", key, message, help)
        }
        Misfit::Memory { .. } => {
            s.problem("cotangent::scenario::memory", GRID_POINTS, message, help)
        }
    }
}

/// The functional of the file that is named, and that it fits the model; `None` where none is named.
fn functional_file(s: &Settings, model: &Model) -> Result<Option<FunctionalFile>, Diagnostic> {
    let Some(file) = s.get(FUNCTIONAL_FILE) else { return Ok(None) };
    let help = "`cotangent run` of a dft-1d scenario leaves one in its artifacts/functional.npy";
    let refuse = |message: String, help: &str| {
        s.problem("cotangent::scenario::functional", FUNCTIONAL_FILE, message, help)
    };
    let bytes = std::fs::read(file).map_err(|e| refuse(format!("cannot be read: {e}"), help))?;
    let found = FunctionalFile::from_bytes(&bytes).map_err(|e| refuse(e.to_string(), help))?;
    found.network(&model.grid).map_err(|e| {
        let help = format!("set grid.spacing = {}", found.architecture.grid_spacing_bohr);
        refuse(e.to_string(), &help)
    })?;
    let trained = found.architecture.interaction;
    if trained == model.interaction {
        return Ok(Some(found));
    }
    let message =
        "the functional was trained with another interaction than `interaction.kind` says";
    let help = match trained {
        Interaction::SoftCoulomb { softening_bohr } => format!(
            "set interaction.kind = \"soft-coulomb\" and interaction.softening = {softening_bohr}"
        ),
        Interaction::Exponential { .. } => "set interaction.kind = \"exponential\"".into(),
    };
    Err(refuse(message.into(), &help))
}
