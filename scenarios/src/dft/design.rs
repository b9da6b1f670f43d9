//! `dft-1d-design`: positions (and charges) of nuclei whose electrons have a wanted density.

use std::fmt::Write as _;

use cotangent_ad::random::Stream;
use cotangent_dft::one_d::{Formula, Grid, Model, WantedDensity};
use cotangent_problem::{Capabilities, Objective};
use cotangent_problem::{Parameter, Space};

use super::super::document::{Grammar, Settings};
use super::super::keys::{Key, Kind};
use super::super::{Domain, Prepared, Scenario};
use super::density_file;
use super::figures::{densities, on_grid, table};
use super::{
    FUNCTIONAL_FILE, GRID_POINTS, GRID_SPACING, INF, MOLECULE, SOFT, SOFTENING, functional, key,
    model, molecule, number, required,
};
use crate::diagnostic::Diagnostic;
use cotangent_harness::figure::{Figure, Mark, Series};
use cotangent_harness::{Conclusion, Criterion, Finished, Judge};

/// The domain.
pub(crate) struct Design;

const KEYS: &[Key] = &[
    GRID_POINTS,
    GRID_SPACING,
    SOFT,
    SOFTENING,
    required(
        "wanted.file",
        Kind::File,
        "CSV of the wanted density: a header, then x in bohr and density in 1/bohr, x ascending",
    ),
    Key {
        doc: "nuclei from left to right with the distances in bohr to start from; they sum to the density's electrons",
        ..MOLECULE
    },
    key("design.charges", Kind::Flag, "false", "the charges of the nuclei are free too"),
    key(
        "design.perturbation",
        number("bohr", 0.0, 10.0),
        "0.1",
        "the seed moves each nucleus this far at the start",
    ),
    FUNCTIONAL_FILE,
    key(
        "truth.positions",
        Kind::Numbers { unit: "bohr", min: -1e4, max: 1e4 },
        "[]",
        "where the nuclei of the wanted density stand, where that is known, ascending",
    ),
    key(
        "goal.position_error",
        number("bohr", 0.0, INF),
        "0.1",
        "every nucleus must be this close to the truth, where that is given",
    ),
    key(
        "goal.density_error",
        number("", 0.0, INF),
        "0.1",
        "integral of |n - wanted| in electrons that may be left",
    ),
];

const TEMPLATE: &[u8] = include_bytes!("../../h4-design.toml");
const TEMPLATE_DENSITY: &[u8] = include_bytes!("../../h4-density.csv");

impl Domain for Design {
    fn kind(&self) -> &'static str {
        "dft-1d-design"
    }
    fn summary(&self) -> &'static str {
        "find nuclei whose electrons have a wanted density, in one dimension"
    }
    fn grammar(&self) -> Grammar {
        Grammar::of_keys(KEYS)
    }
    fn template(&self) -> &'static [(&'static str, &'static [u8])] {
        &[("scenario.toml", TEMPLATE), ("h4-density.csv", TEMPLATE_DENSITY)]
    }

    fn load(&self, s: &Settings) -> Result<Box<dyn Scenario>, Vec<Diagnostic>> {
        let mut problems = Vec::new();
        let model = model(s, &mut problems);
        if s.text(SOFT.path) == "exponential" {
            let message = "the exponential interaction has a kink at a nucleus, which makes a notch of the density's error at every grid point";
            let help = "set interaction.kind = \"soft-coulomb\"";
            let code = "cotangent::scenario::contradiction";
            problems.push(s.problem(code, SOFT.path, message, help));
        }
        let formula = molecule(s, &model, usize::MAX).map_err(|p| problems.push(p));
        let wanted =
            density_file::read(s, "wanted.file", &model.grid).map_err(|p| problems.push(p));
        let functional = functional(s, &model).map_err(|p| problems.push(p));
        let (Ok(formula), Ok(wanted), Ok((functional, name))) = (formula, wanted, functional)
        else {
            return Err(problems);
        };
        problems.extend(contradictions(s, &model.grid, &formula, &wanted));
        if !problems.is_empty() {
            return Err(problems);
        }
        let charges_free = s.flag("design.charges");
        let charges = formula.charges().to_vec();
        let aim = WantedDensity::new(
            model,
            charges,
            charges_free,
            formula.electrons(),
            functional,
            wanted,
        );
        Ok(Box::new(Study {
            aim,
            model,
            formula,
            name,
            charges_free,
            perturbation: s.number("design.perturbation"),
            truth: s.numbers("truth.positions").to_vec(),
            position_error: s.number("goal.position_error"),
            density_error: s.number("goal.density_error"),
        }))
    }
}

/// What does not fit between molecule, density and truth.
fn contradictions(s: &Settings, grid: &Grid, formula: &Formula, wanted: &[f64]) -> Vec<Diagnostic> {
    let code = "cotangent::scenario::contradiction";
    let mut problems = Vec::new();
    let (held, electrons) = (grid.integral(wanted), formula.electrons() as f64);
    if (held - electrons).abs() > 0.01 * electrons {
        let message =
            format!("the wanted density holds {held:.4} electrons, \"{formula}\" has {electrons}");
        let help = "give the molecule as many electrons, or scale the density";
        problems.push(s.problem(code, "wanted.file", message, help));
    }
    let (truth, nuclei) = (s.numbers("truth.positions"), formula.charges().len());
    if !truth.is_empty() && truth.len() != nuclei {
        let message = format!("{} positions for {nuclei} nuclei", truth.len());
        let help = "write one position a nucleus, or leave the key out";
        problems.push(s.problem(code, "truth.positions", message, help));
    }
    problems
}

struct Study {
    aim: WantedDensity,
    model: Model,
    formula: Formula,
    /// Of the functional, for people.
    name: &'static str,
    charges_free: bool,
    perturbation: f64,
    truth: Vec<f64>,
    position_error: f64,
    density_error: f64,
}

impl Scenario for Study {
    fn space(&self) -> Space {
        let nuclei = self.formula.charges().len();
        let edge = self.model.grid.half_width_bohr();
        let block = |name: &str, unit: &str, lower, upper| {
            Parameter::vector(name, nuclei).unit(unit).within(lower, upper)
        };
        let mut blocks = vec![block("positions", "bohr", -edge, edge)];
        if self.charges_free {
            blocks.push(block("charges", "", 0.0, 20.0));
        }
        Space::new(blocks).unwrap_or_else(|e| unreachable!("bounded vectors: {e}"))
    }

    fn start(&self, seed: u64) -> Vec<f64> {
        let positions = cotangent_dft::one_d::formula::centred(&self.formula.spacings_bohr(0.0));
        let noise = Stream::new(&[seed, 0x64_6573_6967]);
        let moved = |(k, x): (u64, &f64)| x + self.perturbation * (2.0 * noise.uniform(k) - 1.0);
        let mut start: Vec<f64> = (0..).zip(&positions).map(moved).collect();
        if self.charges_free {
            start.extend(self.formula.charges());
        }
        start
    }

    fn capabilities(&self) -> Capabilities {
        self.aim.capabilities()
    }

    fn cost(&self) -> String {
        format!(
            "{} parameters; a self-consistent field of {} electrons on {} points an evaluation, and its adjoint",
            self.aim.dim(),
            self.formula.electrons(),
            self.model.grid.points()
        )
    }

    fn prepare(&self) -> Result<Box<dyn Prepared + '_>, String> {
        Ok(Box::new(Ready(self)))
    }
}

struct Ready<'a>(&'a Study);

impl Prepared for Ready<'_> {
    fn objective(&self) -> &dyn Objective {
        &self.0.aim
    }
}

impl Judge for Ready<'_> {
    fn conclude(&self, run: &Finished) -> Result<Conclusion, String> {
        let study = self.0;
        let field = |x: &[f64]| study.aim.field(x).map_err(|e| e.to_string());
        let (before, found) = (field(run.start)?.total_density(), field(run.answer)?);
        let after = found.total_density();
        let columns: [(&str, &[f64]); 3] = [
            ("wanted_per_bohr", study.aim.wanted()),
            ("found_per_bohr", &after),
            ("start_per_bohr", &before),
        ];
        Ok(Conclusion {
            criteria: study.criteria(run.answer, &before, &after),
            warnings: found.warnings(&study.model),
            figures: vec![study.figure(run.answer, &before, &after)],
            artifacts: vec![
                ("density.csv".into(), table(&study.model.grid, &columns)),
                ("nuclei.csv".into(), study.nuclei(run).into_bytes()),
            ],
            ..Conclusion::default()
        })
    }
}

impl Study {
    fn criteria(&self, x: &[f64], before: &[f64], after: &[f64]) -> Vec<Criterion> {
        let error = |density: &[f64]| {
            let each: Vec<f64> =
                density.iter().zip(self.aim.wanted()).map(|(n, w)| (n - w).abs()).collect();
            self.model.grid.integral(&each)
        };
        let mut criteria = vec![Criterion {
            what: "the density is the wanted one".into(),
            must: format!("within {} electrons", self.density_error),
            measured: format!(
                "{:.4} electrons away; {:.4} at the start",
                error(after),
                error(before)
            ),
            met: Some(error(after) <= self.density_error),
        }];
        if !self.truth.is_empty() {
            let mut found = x[..self.truth.len()].to_vec();
            found.sort_by(f64::total_cmp);
            let off = found.iter().zip(&self.truth).map(|(a, b)| (a - b).abs());
            let off = off.fold(0.0, f64::max);
            let at: Vec<String> = found.iter().map(|x| format!("{x:.3}")).collect();
            criteria.push(Criterion {
                what: "the nuclei are where those of the wanted density stand".into(),
                must: format!("within {} bohr", self.position_error),
                measured: format!("{off:.4} bohr away, at {}", at.join(", ")),
                met: Some(off <= self.position_error),
            });
        }
        criteria
    }

    fn figure(&self, x: &[f64], before: &[f64], after: &[f64]) -> Figure {
        let grid = &self.model.grid;
        let positions = &x[..self.formula.charges().len()];
        let far = positions.iter().chain(&self.truth).fold(0.0, |m: f64, x| m.max(x.abs()));
        let line = |label: &str, mark, f: &[f64]| on_grid(label, mark, grid, f, far + 6.0);
        let nuclei =
            |label: &str, mark, at: &[f64]| Series::new(label, mark, at.iter().map(|x| (*x, 0.0)));
        let mut series = vec![
            line("wanted", Mark::Line, self.aim.wanted()),
            line("start", Mark::Dashes, before),
            line(&format!("found ({})", self.name), Mark::Dots, after),
            nuclei("nuclei found", Mark::Crosses, positions),
        ];
        if !self.truth.is_empty() {
            series.push(nuclei("nuclei of the wanted density", Mark::Circles, &self.truth));
        }
        densities("density", "Wanted density and what was found", series)
    }

    fn nuclei(&self, run: &Finished) -> String {
        let count = self.formula.charges().len();
        let mut text = String::from("start_bohr,found_bohr,charge\n");
        for a in 0..count {
            let charge =
                if self.charges_free { run.answer[count + a] } else { self.formula.charges()[a] };
            let _ = writeln!(text, "{:.8},{:.8},{charge:.8}", run.start[a], run.answer[a]);
        }
        text
    }
}
