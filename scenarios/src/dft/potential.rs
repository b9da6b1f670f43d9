//! `dft-1d-potential`: the exchange-correlation potential whose orbitals have the exact density.

use cotangent_dft::one_d::{
    Formula, Functional, GroundState, InversionOptions, Lda, LiebFunctional, Model,
    Prepared as Atoms, System, ground_state, invert,
};
use cotangent_problem::{Capabilities, Must, Objective, Parameter, Space, TrialFailure};

use super::super::document::{Grammar, Settings};
use super::super::domain::{Domain, Makes};
use super::super::keys::{File, INF, OPTIONAL_FILE, TEXT, key, keys, number, required};
use super::super::{Prepared, Scenario};
use super::density_file;
use super::figures::{densities, on_grid, potentials, table};
use super::{
    GRID_POINTS, GRID_SPACING, INTERACTION, SOFTENING, finding, formula_of, model, reference_bytes,
    too_large,
};
use crate::diagnostic::{CONTRADICTION, Diagnostic};
use cotangent_harness::figure::{Figure, Mark};
use cotangent_harness::{Conclusion, Criterion, Finished, Judge};

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
    makes: Makes::Objective(load),
    first: None,
};

/// Makes sense of the settings.
fn load(s: &Settings) -> Result<Box<dyn Scenario>, Vec<Diagnostic>> {
    let mut problems = Vec::new();
    let model = model(s, &mut problems);
    let file = s.get(DENSITY_FILE);
    let read = |file| density_file::read(s, DENSITY_FILE, file, &model.grid);
    let given = file.and_then(|file| read(file).map_err(|p| problems.push(p)).ok());
    let exactly = file.is_none();
    let formula = formula_of(s, FORMULA, &model, exactly).map_err(|p| problems.push(p));
    let given = match (&formula, given) {
        (Ok(formula), Some(density)) => {
            scaled(s, &model, formula, density).map_err(|p| problems.push(p)).ok()
        }
        (Ok(formula), None) if exactly => {
            problems.extend(too_large(s, &model, formula));
            None
        }
        _ => None,
    };
    match formula {
        Ok(formula) if problems.is_empty() => Ok(Box::new(Study {
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

struct Study {
    model: Model,
    formula: Formula,
    /// A density that is not the molecule's own.
    given: Option<Vec<f64>>,
    density_error: f64,
    agreement: f64,
}

impl Study {
    fn system(&self) -> Result<System, String> {
        self.formula.system(0.0).map(|s| s.on_grid(&self.model.grid)).map_err(|e| e.to_string())
    }

    /// What it takes to remove an electron, exactly.
    fn ionisation_energy(&self, system: &System, exact: &GroundState) -> Result<f64, String> {
        let remaining = system.electrons() - 1;
        if remaining == 0 {
            return Ok(-exact.energy_ha);
        }
        let (up, down) = (remaining.div_ceil(2), remaining / 2);
        let ion = System::new(system.nuclei().to_vec(), up, down).map_err(|e| e.to_string())?;
        let ion = ground_state(&self.model, &ion).map_err(|e| e.to_string())?;
        Ok(ion.energy_ha - exact.energy_ha)
    }
}

impl Scenario for Study {
    fn space(&self) -> Space {
        let name = "potential.beyond_fermi_amaldi";
        let potential = Parameter::vector(name, self.model.grid.points()).unit("Ha");
        Space::new(vec![potential]).unwrap_or_else(|e| unreachable!("one free vector: {e}"))
    }

    fn start(&self, _seed: u64) -> Vec<f64> {
        vec![0.0; self.model.grid.points()]
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { gradient: true, hvp: true, ..Capabilities::default() }
    }

    fn cost(&self) -> String {
        let (points, electrons) = (self.model.grid.points(), self.formula.electrons());
        let orbitals = electrons.div_ceil(2);
        let density = match &self.given {
            Some(_) => "a density that is given".to_owned(),
            None => format!(
                "an exact ground state of {electrons} electrons beforehand, {:.0} MB",
                reference_bytes(&self.model, &self.formula) as f64 / 1e6
            ),
        };
        format!("{points} values of a potential; {orbitals} orbitals an evaluation, and {density}")
    }

    fn prepare(&self) -> Result<Box<dyn Prepared + '_>, String> {
        let system = self.system()?;
        let (density, exact) = if let Some(density) = &self.given {
            (density.clone(), None)
        } else {
            let exact = ground_state(&self.model, &system).map_err(|e| e.to_string())?;
            (exact.density.clone(), Some(exact))
        };
        let atoms = Atoms::new(&self.model, &system).map_err(|e| e.to_string())?;
        let lieb = LiebFunctional::new(self.model, &atoms, density.clone())
            .ok_or("the density does not hold the electrons of the molecule")?;
        Ok(Box::new(Ready { study: self, system, atoms, density, exact, lieb }))
    }
}

struct Ready<'a> {
    study: &'a Study,
    system: System,
    atoms: Atoms,
    /// Whose potential is wanted.
    density: Vec<f64>,
    /// The state that has it, where it is the molecule's own.
    exact: Option<GroundState>,
    lieb: LiebFunctional,
}

impl Prepared for Ready<'_> {
    fn objective(&self) -> &dyn Objective {
        &self.lieb
    }
}

/// Densities below this, in 1/bohr, leave a potential undetermined.
const DETERMINED: f64 = 1e-3;

impl Judge for Ready<'_> {
    fn conclude(&self, run: &Finished) -> Result<Conclusion, String> {
        let Self { study, atoms, density, lieb, .. } = self;
        let found = lieb.respond(run.answer).map_err(|e: TrialFailure| e.to_string())?;
        let mut xc = lieb.exchange_correlation_ha(run.answer);
        let mut criteria = vec![Criterion {
            what: "the orbitals have the density".into(),
            must: format!("within {:.0e} electrons", study.density_error),
            measured: format!("{:.1e} electrons", found.residual),
            met: Some(found.residual <= study.density_error),
        }];
        let (agreement, apart_ha) = self.agreement(&xc);
        let findings = [
            (&criteria[0], "electrons", study.density_error, found.residual),
            (&agreement, "Ha", study.agreement, apart_ha),
        ]
        .map(|(c, unit, bound, measured)| {
            finding(&c.what, &c.what, unit, Some(Must::AtMost(bound)), measured)
        });
        criteria.push(agreement);
        if let Some(exact) = &self.exact {
            // a density leaves the constant to its furthest tails: the exact highest orbital energy says it
            let highest = found.energies_ha[found.energies_ha.len() - 1];
            let (measured, shift) = match study.ionisation_energy(&self.system, exact) {
                Ok(ionisation) => {
                    let shift = -ionisation - highest;
                    let text = format!(
                        "ionisation energy {ionisation:.6} Ha; the potential moved by {shift:+.4} Ha"
                    );
                    (text, shift)
                }
                Err(why) => (why, f64::NAN),
            };
            if shift.is_finite() {
                xc.iter_mut().for_each(|v| *v += shift);
            }
            criteria.push(Criterion {
                what: "the constant, by the highest orbital energy that is minus the ionisation energy"
                    .into(),
                must: String::new(),
                measured,
                met: None,
            });
        }
        let lda = Lda::default().evaluate(&study.model.grid, density, None).potential_ha;
        let columns: [(&str, &[f64]); 5] = [
            ("density_wanted_per_bohr", density),
            ("density_found_per_bohr", &found.density),
            ("v_xc_ha", &xc),
            ("v_xc_lda_ha", &lda),
            ("v_ext_ha", &atoms.external_ha),
        ];
        Ok(Conclusion {
            criteria,
            findings: findings.into_iter().filter(|f| f.measured.is_finite()).collect(),
            figures: self.figures(&found.density, &xc, &lda),
            artifacts: vec![("potential.csv".into(), table(&study.model.grid, &columns))],
            ..Conclusion::default()
        })
    }
}

impl Ready<'_> {
    /// The potential beside that of Newton's method, and how far they are apart, Ha; where that one fails, its reason.
    fn agreement(&self, xc: &[f64]) -> (Criterion, f64) {
        let Self { study, atoms, density, .. } = self;
        let what = "the potential agrees with that of Newton's method".into();
        let must = format!(
            "within {:.0e} Ha where the density is above {DETERMINED:.0e}",
            study.agreement
        );
        match invert(&study.model, atoms, density, &InversionOptions::default()) {
            Ok(newton) => {
                let inside = (0..xc.len()).filter(|&i| density[i] > DETERMINED);
                let differences: Vec<f64> =
                    inside.map(|i| xc[i] - newton.exchange_correlation_ha[i]).collect();
                let constant = differences.iter().sum::<f64>() / differences.len() as f64;
                let apart = differences.iter().map(|d| (d - constant).abs()).fold(0.0, f64::max);
                let measured = format!("{apart:.1e} Ha apart, but for a constant");
                (Criterion { what, must, measured, met: Some(apart <= study.agreement) }, apart)
            }
            Err(why) => {
                let criterion =
                    Criterion { what, must, measured: why.to_string(), met: Some(false) };
                (criterion, f64::NAN)
            }
        }
    }

    fn figures(&self, density: &[f64], xc: &[f64], lda: &[f64]) -> Vec<Figure> {
        let (grid, formula) = (&self.study.model.grid, &self.study.formula);
        let reach = 0.5 * formula.spacings_bohr(0.0).iter().sum::<f64>() + 5.0;
        let line = |label: &str, mark, f: &[f64]| on_grid(label, mark, grid, f, reach);
        vec![
            potentials(
                "potential",
                &format!("Exchange-correlation potential of {formula}"),
                vec![
                    line("exact, from the density", Mark::Line, xc),
                    line("LDA of the density", Mark::Dashes, lda),
                ],
            ),
            densities(
                "density",
                &format!("Density of {formula}"),
                vec![
                    line("wanted", Mark::Line, &self.density),
                    line("of the potential found", Mark::Dots, density),
                ],
            ),
        ]
    }
}
