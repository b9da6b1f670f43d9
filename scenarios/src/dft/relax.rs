//! `dft-1d-relax`: bond lengths and force constants of a molecule by the gradient of its energy.

use std::fmt::Write as _;

use cotangent_dft::one_d::{Formula, Model, Relaxation, Theory, wave_numbers};
use cotangent_optim::{LbfgsbOptions, Method, Problem, Run, StepResult, Stop};
use cotangent_problem::{Capabilities, Objective, SampleKey};
use cotangent_problem::{Parameter, Space};
use rayon::prelude::*;

use super::super::document::{Grammar, Settings};
use super::super::keys::{Key, Kind};
use super::super::{Domain, Prepared, Scenario};
use super::figures::exact_in_band;
use super::{
    FUNCTIONAL_FILE, GRID_POINTS, GRID_SPACING, INF, MOLECULE, SOFT, SOFTENING, functional, key,
    model, molecule, number, reference_bytes, too_large,
};
use crate::diagnostic::Diagnostic;
use cotangent_harness::figure::{Figure, Mark, Series};
use cotangent_harness::{Conclusion, Criterion, Finished, Judge};

/// The domain.
pub(crate) struct Relax;

const KEYS: &[Key] = &[
    GRID_POINTS,
    GRID_SPACING,
    SOFT,
    SOFTENING,
    Key {
        doc: "nuclei from left to right with the distances in bohr to start from, as in \"H 2.5 H\" or \"He 2.0 H +\"",
        ..MOLECULE
    },
    key(
        "functional.kind",
        Kind::Choice(&["kohn-sham", "exact"]),
        "\"kohn-sham\"",
        "the electrons: Kohn-Sham with the functional of functional.file, or the exact ground state",
    ),
    FUNCTIONAL_FILE,
    key(
        "goal.force",
        number("", 0.0, INF),
        "1e-6",
        "no force in Ha/bohr along a distance may be larger",
    ),
    key(
        "goal.length_error",
        number("bohr", 0.0, INF),
        "0.1",
        "every distance must be this close to the exact one",
    ),
];

const TEMPLATE: &[u8] = include_bytes!("../../h2-bond.toml");

impl Domain for Relax {
    fn kind(&self) -> &'static str {
        "dft-1d-relax"
    }
    fn summary(&self) -> &'static str {
        "find bond lengths, force constants and vibrations of a molecule, beside the exact ones, in one dimension"
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
        if s.text(SOFT.path) == "exponential" {
            let message = "the exponential interaction has a kink at a nucleus, which makes a notch of the energy at every grid point";
            let help = "set interaction.kind = \"soft-coulomb\"";
            let code = "cotangent::scenario::contradiction";
            problems.push(s.problem(code, SOFT.path, message, help));
        }
        let exactly = s.text("functional.kind") == "exact";
        let most = if exactly { 4 } else { usize::MAX };
        let formula = molecule(s, &model, most).map_err(|p| problems.push(p));
        let functional = functional(s, &model).map_err(|p| problems.push(p));
        let (Ok(formula), Ok((functional, name))) = (formula, functional) else {
            return Err(problems);
        };
        if formula.charges().len() < 2 {
            let message = format!("\"{formula}\" is an atom: there is no distance");
            let help = "name a molecule, as in \"H 2.5 H\"";
            let code = "cotangent::scenario::molecule";
            problems.push(s.problem(code, MOLECULE.path, message, help));
        }
        let unknown = unknown_exactly(s, &model, &formula);
        if exactly {
            problems.extend(too_large(s, &model, &formula));
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let with = |theory| {
            Relaxation::new(model, formula.charges().to_vec(), formula.electrons(), theory)
        };
        let (theory, name) = if exactly {
            (Theory::Exact, "exact theory")
        } else {
            (Theory::KohnSham(functional), name)
        };
        Ok(Box::new(Study {
            relaxation: with(theory),
            exact: unknown.map_or_else(|| Ok(with(Theory::Exact)), Err),
            model,
            formula,
            name,
            force: s.number("goal.force"),
            length_error: s.number("goal.length_error"),
        }))
    }
}

/// Why there is no exact answer to compare with, where there is none.
fn unknown_exactly(s: &Settings, model: &Model, formula: &Formula) -> Option<String> {
    let electrons = formula.electrons();
    if electrons > 4 {
        return Some(format!("not computed for {electrons} electrons"));
    }
    too_large(s, model, formula).map(|problem| problem.message)
}

struct Study {
    relaxation: Relaxation,
    /// Exact theory, or why it is not asked.
    exact: Result<Relaxation, String>,
    model: Model,
    formula: Formula,
    /// Of the theory, for people.
    name: &'static str,
    force: f64,
    length_error: f64,
}

impl Scenario for Study {
    fn space(&self) -> Space {
        let distances = Parameter::vector("distances", self.relaxation.dim())
            .unit("bohr")
            .within(0.1, 2.0 * self.model.grid.half_width_bohr());
        Space::new(vec![distances]).unwrap_or_else(|e| unreachable!("one bounded vector: {e}"))
    }

    fn start(&self, _seed: u64) -> Vec<f64> {
        self.formula.spacings_bohr(0.0)
    }

    fn capabilities(&self) -> Capabilities {
        self.relaxation.capabilities()
    }

    fn cost(&self) -> String {
        let points = self.model.grid.points();
        format!(
            "{} distances; a ground state of {} electrons on {points} points an evaluation; exact ones for the verdict: {}",
            self.relaxation.dim(),
            self.formula.electrons(),
            match &self.exact {
                Ok(_) =>
                    format!("{:.0} MB", reference_bytes(&self.model, &self.formula) as f64 / 1e6),
                Err(why) => why.clone(),
            }
        )
    }

    fn prepare(&self) -> Result<Box<dyn Prepared + '_>, String> {
        Ok(Box::new(Ready(self)))
    }
}

struct Ready<'a>(&'a Study);

impl Prepared for Ready<'_> {
    fn objective(&self) -> &dyn Objective {
        &self.0.relaxation
    }
}

impl Judge for Ready<'_> {
    fn conclude(&self, run: &Finished) -> Result<Conclusion, String> {
        let study = self.0;
        let found = study.minimum(&study.relaxation, run.answer)?;
        // what is known of the minimum is told even where the exact one is not found
        let exact = study
            .exact
            .as_ref()
            .map_err(String::clone)
            .and_then(|exact| study.minimum(exact, &study.relaxed_exactly(exact, run.answer)?));
        let mut warnings = study.relaxation.warnings(run.answer).map_err(|e| e.to_string())?;
        let figures = match study.curve(run, &found, exact.as_ref().ok()) {
            Ok(figure) => vec![figure],
            Err(why) => {
                warnings.push(format!("the curve of the energy is not drawn: {why}"));
                Vec::new()
            }
        };
        let table = study.table(&found, exact.as_ref().ok()).into_bytes();
        Ok(Conclusion {
            criteria: study.criteria(&found, &exact),
            warnings,
            figures,
            artifacts: vec![("minimum.csv".into(), table)],
            ..Conclusion::default()
        })
    }
}

/// What is known at a minimum.
struct Minimum {
    spacings: Vec<f64>,
    energy_ha: f64,
    force: f64,
    constants: Vec<Vec<f64>>,
    /// In 1/cm, ascending; none where a nucleus is no element's.
    wave_numbers: Vec<f64>,
}

impl Minimum {
    /// Second derivative of the energy as all distances grow in proportion, by the first: hartree per bohr squared.
    fn stiffness(&self) -> f64 {
        let positions = cotangent_dft::one_d::formula::centred(&self.spacings);
        let direction: Vec<f64> = positions.iter().map(|x| x / self.spacings[0]).collect();
        let row = |k: &Vec<f64>| k.iter().zip(&direction).map(|(k, d)| k * d).sum::<f64>();
        self.constants.iter().zip(&direction).map(|(k, d)| d * row(k)).sum()
    }
}

fn listed(values: &[f64], digits: usize) -> String {
    values.iter().map(|v| format!("{v:.digits$}")).collect::<Vec<_>>().join(", ")
}

impl Study {
    fn minimum(&self, of: &Relaxation, spacings: &[f64]) -> Result<Minimum, String> {
        let text = |e: cotangent_problem::TrialFailure| e.to_string();
        let (energy_ha, gradient) = of.energy(spacings).map_err(text)?;
        let constants = of.force_constants(spacings).map_err(text)?;
        let masses = self.formula.masses_u();
        Ok(Minimum {
            spacings: spacings.to_vec(),
            energy_ha,
            force: gradient.iter().fold(0.0, |m, g| f64::max(m, g.abs())),
            wave_numbers: masses.map_or(Vec::new(), |m| wave_numbers(&constants, &m)),
            constants,
        })
    }

    /// The exact minimum that is nearest downhill from here.
    fn relaxed_exactly(&self, exact: &Relaxation, from: &[f64]) -> Result<Vec<f64>, String> {
        let space = self.space();
        let problem = Problem { objective: exact, space: &space };
        let stop = Stop { max_iterations: 50, gradient_tolerance: 1e-7, ..Stop::default() };
        let method = Method::Lbfgsb(LbfgsbOptions::default());
        let mut run =
            Run::start(&problem, method, stop, from, SampleKey(0)).map_err(|e| e.to_string())?;
        loop {
            if let StepResult::Done(outcome) = run.step(&problem) {
                return Ok(outcome.x);
            }
        }
    }

    fn criteria(&self, found: &Minimum, exact: &Result<Minimum, String>) -> Vec<Criterion> {
        let beside = |text: &dyn Fn(&Minimum) -> String| match exact {
            Ok(exact) => format!("; exactly {}", text(exact)),
            Err(why) => format!("; exactly: {why}"),
        };
        let off = exact.as_ref().ok().map(|exact| {
            let each = found.spacings.iter().zip(&exact.spacings).map(|(a, b)| (a - b).abs());
            each.fold(0.0, f64::max)
        });
        let unstable = found.wave_numbers.first().is_some_and(|w| *w < 0.0);
        let vibrations = |m: &Minimum| match m.wave_numbers.as_slice() {
            [] => "no masses for fractional charges".into(),
            all => format!("{} 1/cm", listed(all, 0)),
        };
        vec![
            Criterion {
                what: "no force is left".into(),
                must: format!("at most {:.0e} Ha/bohr", self.force),
                measured: format!("{:.1e} Ha/bohr", found.force),
                met: Some(found.force <= self.force),
            },
            Criterion {
                what: format!("distances of {}", self.formula),
                must: match (off, &self.exact) {
                    (None, Err(_)) => String::new(),
                    _ => format!("within {} bohr of the exact ones", self.length_error),
                },
                measured: format!(
                    "{} bohr{}",
                    listed(&found.spacings, 4),
                    beside(&|m| format!("{} bohr", listed(&m.spacings, 4)))
                ),
                // what was to be compared and could not be is not met; without an exact answer nothing is judged
                met: match (off, &self.exact) {
                    (None, Err(_)) => None,
                    (off, _) => Some(off.is_some_and(|off| off <= self.length_error)),
                },
            },
            Criterion {
                what: "harmonic vibrations".into(),
                must: "real: it is a minimum".into(),
                measured: format!("{}{}", vibrations(found), beside(&vibrations)),
                met: Some(!unstable && found.stiffness() > 0.0),
            },
            Criterion {
                what: "force constant of the breathing, by the first distance".into(),
                must: String::new(),
                measured: format!(
                    "{:.5} Ha/bohr^2{}",
                    found.stiffness(),
                    beside(&|m| format!("{:.5} Ha/bohr^2", m.stiffness()))
                ),
                met: None,
            },
        ]
    }

    /// Energies as all distances grow in proportion, over the first, with the parabola of the force constant.
    fn curve(
        &self,
        run: &Finished,
        found: &Minimum,
        exact: Option<&Minimum>,
    ) -> Result<Figure, String> {
        let beside = exact.map_or(found.spacings[0], |exact| exact.spacings[0]);
        let least = found.spacings[0].min(beside);
        let most = found.spacings[0].max(beside).max(run.start[0]);
        let (low, high) = (0.6 * least, (1.15 * most).max(2.2 * least));
        let lengths: Vec<f64> =
            (0..=30).map(|k| low + (high - low) * f64::from(k) / 30.0).collect();
        let energies = |of: &Relaxation, at: &Minimum| -> Result<Vec<(f64, f64)>, String> {
            let one = |r: &f64| {
                let scaled: Vec<f64> = at.spacings.iter().map(|s| s * r / at.spacings[0]).collect();
                of.energy(&scaled).map(|(e, _)| (*r, e)).map_err(|e| e.to_string())
            };
            lengths.par_iter().map(one).collect::<Vec<_>>().into_iter().collect()
        };
        let curve = energies(&self.relaxation, found)?;
        let (r0, e0, k) = (found.spacings[0], found.energy_ha, found.stiffness());
        let parabola = (0..=30).map(|i| r0 * (0.75 + 0.5 * f64::from(i) / 30.0));
        let parabola = parabola.map(|r| (r, e0 + 0.5 * k * (r - r0).powi(2)));
        let start = (run.start[0], run.start_value);
        let mut series = Vec::new();
        if let (Ok(theory), Some(exact)) = (&self.exact, exact) {
            series.extend(exact_in_band(&energies(theory, exact)?));
        }
        series.push(Series::new(self.name, Mark::Dashes, curve));
        series.push(Series::new("its force constant's parabola", Mark::Dots, parabola));
        series.push(Series::new("start", Mark::Crosses, [start]));
        series.push(Series::new("minimum", Mark::Circles, [(r0, e0)]));
        let title = format!("Total energy along the distances, from {}", self.formula);
        Ok(Figure::lines("energy", &title, ["first distance (bohr)", "total energy (Ha)"], series))
    }

    fn table(&self, found: &Minimum, exact: Option<&Minimum>) -> String {
        let mut text = String::from("theory,quantity,value\n");
        let exact = exact.map(|m| ("exact", m));
        for (name, m) in std::iter::once((self.name, found)).chain(exact) {
            let _ = writeln!(text, "{name},energy_ha,{:.10}", m.energy_ha);
            for (k, r) in m.spacings.iter().enumerate() {
                let _ = writeln!(text, "{name},distance_{}_bohr,{r:.8}", k + 1);
            }
            for (k, w) in m.wave_numbers.iter().enumerate() {
                let _ = writeln!(text, "{name},vibration_{}_per_cm,{w:.4}", k + 1);
            }
            let _ = writeln!(text, "{name},breathing_ha_per_bohr2,{:.8}", m.stiffness());
        }
        text
    }
}
