//! `dft-1d`: train an exchange-correlation functional through the self-consistent field, in one dimension.

mod conclude;

use cotangent_ad::{Capabilities, Objective};
use cotangent_dft::one_d::{
    Architecture, ExactOptions, Grid, Interaction, Model, Molecule, ScfOptions, Stencil, System,
    Training, TrainingOptions, two_electrons,
};
use cotangent_optim::{Parameter, Space, Transform};
use rayon::prelude::*;

use super::document::Settings;
use super::keys::{Key, Kind};
use super::{Domain, Prepared, Scenario};
use crate::diagnostic::Diagnostic;
use crate::run::{Conclusion, Finished, Judge, Score};

/// The domain.
pub(super) struct OneDimension;

const fn key(path: &'static str, kind: Kind, default: &'static str, doc: &'static str) -> Key {
    Key { path, kind, default: Some(default), doc }
}

const SEPARATIONS: Kind = Kind::Numbers { unit: "bohr", min: 0.0, max: 40.0 };
const FRACTION: Kind = Kind::Number { unit: "", min: f64::MIN_POSITIVE, max: 1.0 };
const WEIGHT: Kind = Kind::Number { unit: "", min: 0.0, max: f64::INFINITY };

const KEYS: &[Key] = &[
    key("grid.points", Kind::Integer { min: 7, max: 100_001 }, "513", "grid points, an odd number"),
    key(
        "grid.spacing",
        Kind::Number { unit: "bohr", min: 1e-3, max: 10.0 },
        "0.08",
        "distance of grid points",
    ),
    key(
        "molecule.charge",
        Kind::Number { unit: "", min: 0.0, max: 10.0 },
        "1.0",
        "charge of each of the two nuclei",
    ),
    key(
        "molecule.electrons",
        Kind::Integer { min: 1, max: 2 },
        "2",
        "electrons; exact references are for 2",
    ),
    Key {
        path: "train.separations",
        kind: SEPARATIONS,
        default: None,
        doc: "separations of the nuclei that are trained on",
    },
    Key {
        path: "validate.separations",
        kind: SEPARATIONS,
        default: None,
        doc: "separations that choose among the iterates",
    },
    Key {
        path: "test.separations",
        kind: SEPARATIONS,
        default: None,
        doc: "separations that judge the result; no choice sees them",
    },
    key("scf.steps", Kind::Integer { min: 1, max: 1000 }, "15", "Kohn-Sham steps of a trajectory"),
    key("scf.mixing", FRACTION, "0.5", "first mixing fraction of the density"),
    key("scf.mixing_decay", FRACTION, "0.9", "factor on the mixing fraction each step"),
    key("scf.mirror_symmetric", Kind::Flag, "true", "enforce the symmetry of the molecule"),
    key(
        "network.global_features",
        Kind::Integer { min: 0, max: 1000 },
        "15",
        "exponential features beside the density",
    ),
    key(
        "network.hidden",
        Kind::Integers { min: 1, max: 1000 },
        "[16, 16]",
        "channels of the hidden convolutions",
    ),
    key(
        "loss.skip_steps",
        Kind::Integer { min: 0, max: 999 },
        "10",
        "first steps whose energies do not count",
    ),
    key("loss.discount", FRACTION, "0.9", "weight of a step's energy relative to the next step's"),
    key("loss.energy_weight", WEIGHT, "1.0", "weight of the energy's squared error"),
    key("loss.density_weight", WEIGHT, "1.0", "weight of the density's squared error"),
    key(
        "goal.loss_reduction",
        Kind::Number { unit: "", min: 1.0, max: f64::INFINITY },
        "100.0",
        "the loss must fall by this factor",
    ),
    key(
        "goal.better_than_lda",
        Kind::Flag,
        "true",
        "errors at test separations between the training ones must be below the LDA's",
    ),
];

const TEMPLATE: &[u8] = include_bytes!("../../../scenarios/h2-two-points.toml");

impl Domain for OneDimension {
    fn kind(&self) -> &'static str {
        "dft-1d"
    }
    fn summary(&self) -> &'static str {
        "train an exchange-correlation functional through the self-consistent field, in one dimension"
    }
    fn keys(&self) -> &'static [Key] {
        KEYS
    }
    fn template(&self) -> &'static [(&'static str, &'static [u8])] {
        &[("scenario.toml", TEMPLATE)]
    }

    fn load(&self, s: &Settings) -> Result<Box<dyn Scenario>, Vec<Diagnostic>> {
        let mut problems = Vec::new();
        let contradiction = "cotangent::scenario::contradiction";
        let grid =
            Grid::new(s.count("grid.points"), s.number("grid.spacing")).unwrap_or_else(|e| {
                problems.push(s.problem(
                    "cotangent::scenario::grid",
                    "grid.points",
                    e.to_string(),
                    "the convolutions need a centre",
                ));
                Grid::PAPER
            });
        if s.count("molecule.electrons") != 2 {
            let help = "set molecule.electrons = 2; charges may be fractional";
            let message = "exact references are computed for two electrons, one of each spin";
            problems.push(s.problem(
                "cotangent::scenario::electrons",
                "molecule.electrons",
                message,
                help,
            ));
        }
        if s.count("loss.skip_steps") >= s.count("scf.steps") {
            let message = format!(
                "loss.skip_steps = {} leaves no step of scf.steps = {} to train on",
                s.count("loss.skip_steps"),
                s.count("scf.steps")
            );
            problems.push(s.problem(
                contradiction,
                "loss.skip_steps",
                message,
                "skip fewer steps, or make more",
            ));
        }
        if s.number("loss.energy_weight") + s.number("loss.density_weight") == 0.0 {
            problems.push(s.problem(
                contradiction,
                "loss.energy_weight",
                "both weights are 0: there is nothing to minimise",
                "set one of loss.energy_weight and loss.density_weight above 0",
            ));
        }
        problems.extend(separation_problems(s, &grid));
        if problems.is_empty() { Ok(Box::new(Study::new(s, grid))) } else { Err(problems) }
    }
}

/// Empty lists, separations that do not fit the box or the grid, and any that serve two purposes.
fn separation_problems(s: &Settings, grid: &Grid) -> Vec<Diagnostic> {
    let lists = ["train.separations", "validate.separations", "test.separations"];
    let mut problems = Vec::new();
    for (k, path) in lists.iter().enumerate() {
        let list = s.numbers(path);
        if list.is_empty() {
            problems.push(s.problem(
                "cotangent::scenario::contradiction",
                path,
                format!("`{path}` is empty"),
                "name at least one separation",
            ));
        }
        for r in list {
            let steps = r / grid.spacing_bohr();
            if (steps - steps.round()).abs() > 1e-6 {
                let near = steps.round() * grid.spacing_bohr();
                let message = format!(
                    "a separation of {r} bohr does not fit a grid of {} bohr",
                    grid.spacing_bohr()
                );
                let help = format!(
                    "nuclei must lie on grid points, or the energy jumps; the nearest is {near:.4}"
                );
                problems.push(s.problem("cotangent::scenario::off_grid", path, message, help));
            }
            if 0.5 * r > grid.half_width_bohr() - 5.0 {
                let message = format!(
                    "nuclei {r} bohr apart come within 5 bohr of the end of the box (+-{:.2} bohr)",
                    grid.half_width_bohr()
                );
                problems.push(s.problem(
                    "cotangent::scenario::outside_box",
                    path,
                    message,
                    "use more grid points",
                ));
            }
            for other in &lists[..k] {
                if s.numbers(other).iter().any(|o| (o - r).abs() < 1e-9) {
                    let message = format!("{r} bohr stands in both `{other}` and `{path}`");
                    let help = "training, validation and test separations must differ: nothing that is judged may have been seen";
                    problems.push(s.problem(
                        "cotangent::scenario::contradiction",
                        path,
                        message,
                        help,
                    ));
                }
            }
        }
    }
    problems
}

/// A loaded scenario.
struct Study {
    model: Model,
    architecture: Architecture,
    options: TrainingOptions,
    charge: f64,
    train: Vec<f64>,
    validate: Vec<f64>,
    test: Vec<f64>,
    loss_reduction: f64,
    better_than_lda: bool,
}

impl Study {
    fn new(s: &Settings, grid: Grid) -> Self {
        let model = Model { grid, stencil: Stencil::FivePoint, interaction: Interaction::BAKER };
        let architecture = Architecture {
            global_features: s.count("network.global_features"),
            hidden: s.counts("network.hidden"),
            grid_spacing_bohr: grid.spacing_bohr(),
            ..Architecture::paper()
        };
        let scf = ScfOptions {
            steps: s.count("scf.steps"),
            mixing: s.number("scf.mixing"),
            mixing_decay: s.number("scf.mixing_decay"),
            mirror_symmetric: s.flag("scf.mirror_symmetric"),
            ..ScfOptions::paper()
        };
        let options = TrainingOptions {
            scf,
            skip_steps: s.count("loss.skip_steps"),
            discount: s.number("loss.discount"),
            energy_weight: s.number("loss.energy_weight"),
            density_weight: s.number("loss.density_weight"),
        };
        Self {
            model,
            architecture,
            options,
            charge: s.number("molecule.charge"),
            train: s.numbers("train.separations").to_vec(),
            validate: s.numbers("validate.separations").to_vec(),
            test: s.numbers("test.separations").to_vec(),
            loss_reduction: s.number("goal.loss_reduction"),
            better_than_lda: s.flag("goal.better_than_lda"),
        }
    }

    fn system(&self, separation: f64) -> Result<System, String> {
        let half = 0.5 * separation;
        let nuclei = [(-half, self.charge), (half, self.charge)];
        let system = System::molecule(&nuclei, 2).map_err(|e| e.to_string())?;
        Ok(system.on_grid(&self.model.grid))
    }

    fn molecule(&self, separation: f64) -> Result<Molecule, String> {
        let system = self.system(separation)?;
        let named = |e: &dyn std::fmt::Display| format!("{separation} bohr: {e}");
        let exact =
            two_electrons(&self.model, &system, &ExactOptions::default()).map_err(|e| named(&e))?;
        Molecule::new(&self.model, &system, exact).map_err(|e| named(&e))
    }

    fn molecules(&self, separations: &[f64]) -> Result<Vec<Molecule>, String> {
        let each: Vec<Result<Molecule, String>> =
            separations.par_iter().map(|r| self.molecule(*r)).collect();
        each.into_iter().collect()
    }
}

impl Scenario for Study {
    fn space(&self) -> Space {
        let blocks = self.architecture.blocks();
        let parameter = |(name, shape): (String, Vec<usize>)| {
            let gate = name == "gate_width";
            Parameter {
                name: format!("network.{name}"),
                unit: String::new(),
                shape,
                lower: if gate { 1e-3 } else { f64::NEG_INFINITY },
                upper: f64::INFINITY,
                scale: 1.0,
                transform: Transform::Identity,
            }
        };
        let used = blocks.into_iter().filter(|(_, shape)| !shape.contains(&0));
        Space::new(used.map(parameter).collect())
            .unwrap_or_else(|e| unreachable!("the table of blocks is consistent: {e}"))
    }

    fn start(&self, seed: u64) -> Vec<f64> {
        self.architecture.initial_parameters(seed)
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { gradient: true, ..Capabilities::default() }
    }

    fn cost(&self) -> String {
        let points = self.model.grid.points();
        let mut inputs = self.architecture.global_features + 1;
        let mut products = 0;
        for &outputs in &self.architecture.hidden {
            products += 3 * inputs * outputs;
            inputs = outputs;
        }
        let steps = self.options.scf.steps * self.train.len();
        let operations = 13.0 * (products * points * steps) as f64;
        let kept = steps * points * 8 * 6;
        format!(
            "{} parameters; {steps} Kohn-Sham steps on {points} points an evaluation, about {:.0} million multiply-adds with \
             gradient; {:.1} MB kept for the reverse sweep; {} exact references beforehand",
            self.architecture.parameter_count(),
            operations / 1e6,
            kept as f64 / 1e6,
            self.train.len() + self.validate.len() + self.test.len()
        )
    }

    fn prepare(&self) -> Result<Box<dyn Prepared + '_>, String> {
        let molecules = self.molecules(&self.train)?;
        let validation = self.molecules(&self.validate)?;
        let training =
            Training::new(self.model, self.architecture.clone(), molecules, self.options);
        Ok(Box::new(Ready { study: self, training, validation }))
    }
}

/// A study with its references.
struct Ready<'a> {
    study: &'a Study,
    training: Training,
    validation: Vec<Molecule>,
}

impl Ready<'_> {
    /// Largest energy error over `molecules` in hartree; infinite where an SCF fails.
    fn largest_error(&self, x: &[f64], molecules: &[Molecule]) -> f64 {
        let error = |m: &Molecule| {
            let scf = self.training.apply(x, m.prepared());
            scf.map_or(f64::INFINITY, |s| (s.energy_ha() - m.reference().energy_ha).abs())
        };
        let each: Vec<f64> = molecules.par_iter().map(error).collect();
        each.into_iter().fold(0.0, f64::max)
    }
}

impl Prepared for Ready<'_> {
    fn objective(&self) -> &dyn Objective {
        &self.training
    }
}

impl Judge for Ready<'_> {
    fn score(&self, x: &[f64]) -> Option<Score> {
        let value = 1e3 * self.largest_error(x, &self.validation);
        Some(Score { name: "validation_error", unit: "mHa", value })
    }

    fn conclude(&self, run: &Finished) -> Result<Conclusion, String> {
        self.judge(run)
    }
}
