//! Kohn-Sham in one dimension: molecules of which anything is asked (`dft-1d-molecules`), functionals that are trained (`dft-1d`),
//! and the potential of a given density (`dft-1d-potential`).

mod density_file;
mod line;
mod molecules;
mod potential;
mod train;

use cotangent_dft::one_d::{
    Formula, FunctionalFile, Grid, Interaction, Model, Stencil, ground_state_bytes,
};

use super::document::Settings;
use super::keys::{File, Key, OPTIONAL_FILE, choice, count, key, number, one_of};
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

/// Nuclei must stay this far from the end of the box, in bohr.
const MARGIN_BOHR: f64 = 5.0;

/// The formula of `key`, without a free distance, inside the box, of electrons that can be solved exactly where `exactly`.
fn formula_of(
    s: &Settings,
    key: Key<str>,
    model: &Model,
    exactly: bool,
) -> Result<Formula, Diagnostic> {
    let refuse = |message: String, help: &str| {
        Err(s.problem("cotangent::scenario::molecule", key, message, help))
    };
    let formula: Formula = match s.get(key).parse() {
        Ok(formula) => formula,
        Err(e) => {
            let help = "nuclei and distances in bohr alternate, signs of the charge come last";
            return refuse(format!("{e}"), help);
        }
    };
    if formula.is_free() {
        let message = format!("\"{formula}\" has a distance R that nothing says");
        return refuse(message, "write the distance in bohr in its place");
    }
    if exactly && formula.electrons() > 4 {
        let message = format!("\"{formula}\" has {} electrons", formula.electrons());
        return refuse(message, "exact states are computed of at most 4");
    }
    let half = 0.5 * formula.spacings_bohr(0.0).iter().sum::<f64>();
    let width = model.grid.half_width_bohr();
    if half > width - MARGIN_BOHR {
        let message = format!(
            "\"{formula}\" comes within {MARGIN_BOHR} bohr of the end of the box (+-{width:.2} bohr)"
        );
        return refuse(message, "use more grid points");
    }
    Ok(formula)
}

/// Why a molecule's exact reference does not fit in memory.
fn too_large(s: &Settings, model: &Model, formula: &Formula) -> Option<Diagnostic> {
    let electrons = formula.electrons();
    let (bytes, most) = ground_state_bytes(model, [electrons.div_ceil(2), electrons / 2]);
    (bytes > most).then(|| {
        let message = format!(
            "the exact reference of \"{formula}\" on {} points takes {} MB, more than the {} MB that are allowed",
            model.grid.points(),
            bytes / 1_000_000,
            most / 1_000_000
        );
        let help = "use fewer grid points; twice as many take four times the memory";
        s.problem("cotangent::scenario::memory", GRID_POINTS, message, help)
    })
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
