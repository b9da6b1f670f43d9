//! `dft-1d-potential`: the exchange-correlation potential whose orbitals have the exact density.

use cotangent_dft::one_d::{
    Formula, Functional, GroundState, InversionOptions, Lda, LiebFunctional, Model,
    Prepared as Atoms, System, ground_state, invert,
};
use cotangent_problem::{Capabilities, Objective, TrialFailure};
use cotangent_problem::{Parameter, Space};

use super::super::document::{Grammar, Settings};
use super::super::keys::Key;
use super::super::{Domain, Prepared, Scenario};
use super::figures::{densities, on_grid, potentials, table};
use super::{
    GRID_POINTS, GRID_SPACING, INF, INTERACTION, MOLECULE, SOFTENING, key, model, molecule, number,
};
use crate::diagnostic::Diagnostic;
use crate::plot::{Figure, Mark};
use crate::run::{Conclusion, Criterion, Finished, Judge};

/// The domain.
pub(crate) struct Potential;

const KEYS: &[Key] = &[
    GRID_POINTS,
    GRID_SPACING,
    INTERACTION,
    SOFTENING,
    MOLECULE,
    key(
        "goal.density_error",
        number("", 0.0, INF),
        "1e-5",
        "integral of |n - n_exact| in electrons that may be left",
    ),
    key(
        "goal.agreement",
        number("", 0.0, INF),
        "1e-3",
        "largest difference in Ha from the potential by Newton's method, where the density is above 1e-3",
    ),
];

const TEMPLATE: &[u8] = include_bytes!("../../../../scenarios/h2-stretched-potential.toml");

impl Domain for Potential {
    fn kind(&self) -> &'static str {
        "dft-1d-potential"
    }
    fn summary(&self) -> &'static str {
        "find the exact exchange-correlation potential of a molecule from its exact density, in one dimension"
    }
    fn grammar(&self) -> Grammar {
        Grammar::of_keys(KEYS)
    }
    fn template(&self) -> &'static [(&'static str, &'static [u8])] {
        &[("scenario.toml", TEMPLATE)]
    }

    fn load(&self, s: &Settings) -> Result<Box<dyn Scenario>, Vec<Diagnostic>> {
        let mut problems = Vec::new();
        let model = model(s, &mut problems);
        let formula = molecule(s, &model, 4).map_err(|p| problems.push(p));
        match formula {
            Ok(formula) if problems.is_empty() => Ok(Box::new(Study {
                model,
                formula,
                density_error: s.number("goal.density_error"),
                agreement: s.number("goal.agreement"),
            })),
            _ => Err(problems),
        }
    }
}

struct Study {
    model: Model,
    formula: Formula,
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
        format!(
            "{points} values of a potential; {} orbitals an evaluation, and an exact ground state of {electrons} electrons beforehand",
            electrons.div_ceil(2)
        )
    }

    fn prepare(&self) -> Result<Box<dyn Prepared + '_>, String> {
        let system = self.system()?;
        let exact = ground_state(&self.model, &system).map_err(|e| e.to_string())?;
        let atoms = Atoms::new(&self.model, &system).map_err(|e| e.to_string())?;
        let lieb = LiebFunctional::new(self.model, &atoms, exact.density.clone())
            .ok_or("the exact density does not hold the electrons of the molecule")?;
        Ok(Box::new(Ready { study: self, system, atoms, exact, lieb }))
    }
}

struct Ready<'a> {
    study: &'a Study,
    system: System,
    atoms: Atoms,
    exact: GroundState,
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
        let Self { study, system, atoms, exact, lieb } = self;
        let found = lieb.respond(run.answer).map_err(|e: TrialFailure| e.to_string())?;
        let mut xc = lieb.exchange_correlation_ha(run.answer);
        // a density leaves the constant to its furthest tails: the exact highest orbital energy says it
        let highest = found.energies_ha[found.energies_ha.len() - 1];
        let ionisation = study.ionisation_energy(system, exact)?;
        let shift = -ionisation - highest;
        xc.iter_mut().for_each(|v| *v += shift);
        let newton = invert(&study.model, atoms, &exact.density, &InversionOptions::default())
            .map_err(|e| e.to_string())?;
        let inside: Vec<usize> = (0..xc.len()).filter(|&i| exact.density[i] > DETERMINED).collect();
        let differences = || inside.iter().map(|&i| xc[i] - newton.exchange_correlation_ha[i]);
        let constant = differences().sum::<f64>() / inside.len() as f64;
        let apart = differences().map(|d| (d - constant).abs()).fold(0.0, f64::max);
        let goal = |what: &str, must: String, measured: String, met: bool| Criterion {
            what: what.into(),
            must,
            measured,
            met,
        };
        let criteria = vec![
            goal(
                "the orbitals have the exact density",
                format!("within {:.0e} electrons", study.density_error),
                format!("{:.1e} electrons", found.residual),
                found.residual <= study.density_error,
            ),
            goal(
                "the potential agrees with that of Newton's method",
                format!(
                    "within {:.0e} Ha where the density is above {DETERMINED:.0e}",
                    study.agreement
                ),
                format!("{apart:.1e} Ha apart, but for a constant"),
                apart <= study.agreement,
            ),
            goal(
                "the constant, by the highest orbital energy that is minus the ionisation energy",
                "as found".into(),
                format!(
                    "ionisation energy {ionisation:.6} Ha; the potential moved by {shift:+.4} Ha"
                ),
                shift.is_finite(),
            ),
        ];
        let lda = Lda::default().evaluate(&study.model.grid, &exact.density, None).potential_ha;
        let columns: [(&str, &[f64]); 5] = [
            ("density_exact_per_bohr", &exact.density),
            ("density_found_per_bohr", &found.density),
            ("v_xc_ha", &xc),
            ("v_xc_lda_ha", &lda),
            ("v_ext_ha", &atoms.external_ha),
        ];
        Ok(Conclusion {
            criteria,
            figures: self.figures(&found.density, &xc, &lda),
            artifacts: vec![("potential.csv".into(), table(&study.model.grid, &columns))],
            ..Conclusion::default()
        })
    }
}

impl Ready<'_> {
    fn figures(&self, density: &[f64], xc: &[f64], lda: &[f64]) -> Vec<Figure> {
        let (grid, formula) = (&self.study.model.grid, &self.study.formula);
        let reach = 0.5 * formula.spacings_bohr(0.0).iter().sum::<f64>() + 5.0;
        let line = |label: &str, mark, f: &[f64]| on_grid(label, mark, grid, f, reach);
        vec![
            potentials(
                "potential",
                &format!("Exchange-correlation potential of {formula}"),
                vec![
                    line("exact, from the exact density", Mark::Line, xc),
                    line("LDA of the exact density", Mark::Dashes, lda),
                ],
            ),
            densities(
                "density",
                &format!("Density of {formula}"),
                vec![
                    line("exact", Mark::Line, &self.exact.density),
                    line("of the potential found", Mark::Dots, density),
                ],
            ),
        ]
    }
}
