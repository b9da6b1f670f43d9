//! The exchange-correlation potential whose orbitals have a given density, judged by Newton's method.

use cotangent_answer::{Conclusion, Criterion, Figure, Finished, Judge, Mark, Prepared, Task};
use cotangent_problem::{Capabilities, Finding, Must, Objective, Parameter, Space, TrialFailure};

use super::figures::{densities, on_grid, potentials, table};
use super::memory::reference_bytes;
use crate::one_d::exact::reference::ground_state;
use crate::one_d::exact::two_electrons::GroundState;
use crate::one_d::field::prepared::Prepared as Atoms;
use crate::one_d::field::scf::Model;
use crate::one_d::formula::Formula;
use crate::one_d::functional::Functional;
use crate::one_d::functional::lda::Lda;
use crate::one_d::system::System;
use crate::one_d::task::inversion::{InversionOptions, invert};
use crate::one_d::task::lieb::LiebFunctional;

/// A density whose exchange-correlation potential is wanted.
#[derive(Clone, Debug)]
pub struct PotentialStudy {
    /// Grid and interaction.
    pub model: Model,
    /// The molecule.
    pub formula: Formula,
    /// A density that is not the molecule's own.
    pub given: Option<Vec<f64>>,
    /// Integral of `|n - n_wanted|` that may be left, electrons.
    pub density_error: f64,
    /// Largest difference from the potential by Newton's method, Ha.
    pub agreement: f64,
}

impl PotentialStudy {
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

impl Task for PotentialStudy {
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
        Ok(Box::new(ReadyPotential { study: self, system, atoms, density, exact, lieb }))
    }
}

/// A study with its density.
#[derive(Debug)]
struct ReadyPotential<'a> {
    study: &'a PotentialStudy,
    system: System,
    atoms: Atoms,
    /// Whose potential is wanted.
    density: Vec<f64>,
    /// The state that has it, where it is the molecule's own.
    exact: Option<GroundState>,
    lieb: LiebFunctional,
}

/// Densities below this, in 1/bohr, leave a potential undetermined.
const DETERMINED: f64 = 1e-3;

impl Prepared for ReadyPotential<'_> {
    fn objective(&self) -> &dyn Objective {
        &self.lieb
    }
}

impl Judge for ReadyPotential<'_> {
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
            Finding::new(&c.what, &c.what, unit, Some(Must::AtMost(bound)), measured)
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

impl ReadyPotential<'_> {
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
