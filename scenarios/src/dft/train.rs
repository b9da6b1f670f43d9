//! `dft-1d`: train an exchange-correlation functional through the self-consistent field, in one dimension.

mod conclude;

use cotangent_dft::one_d::{
    Architecture, FunctionalFile, Model, Molecule, ScfOptions, Training, TrainingOptions,
    ground_state,
};
use cotangent_problem::{Capabilities, Objective};
use cotangent_problem::{Parameter, Space};
use rayon::prelude::*;

use super::super::document::{Grammar, Settings};
use super::super::domain::{Domain, Makes};
use super::super::keys::{
    FLAG, File, INF, Kind, POSITIVE, TEXTS, count, counts, key, keys, number, numbers, required,
};
use super::super::{Prepared, Scenario};
use super::molecules::{Member, Molecules, members, overlaps, read};
use super::{
    FUNCTIONAL_FILE, GRID_POINTS, GRID_SPACING, INTERACTION, SOFTENING, functional_file, model,
    reference_bytes,
};
use crate::diagnostic::{CONTRADICTION, Diagnostic};
use cotangent_harness::{Conclusion, Finished, Judge, Score};

const FRACTION: Kind<f64> = number("", POSITIVE, 1.0);
const WEIGHT: Kind<f64> = number("", 0.0, INF);

keys! {
    KEYS;
    GRID_POINTS;
    GRID_SPACING;
    INTERACTION;
    SOFTENING;
    TRAIN: [String] = required("train.molecules", TEXTS,
        "molecules that are trained on, as in \"H R H: 1.28, 3.84\" (R in bohr) or \"Li\"");
    VALIDATE: [String] = required("validate.molecules", TEXTS,
        "molecules that choose among the iterates");
    TEST: [String] = required("test.molecules", TEXTS,
        "molecules that judge the result; no choice sees them");
    STEPS: usize = key("scf.steps", count(1, 1000), "15", "Kohn-Sham steps of a trajectory");
    MIXING: f64 = key("scf.mixing", FRACTION, "0.5", "first mixing fraction of the density");
    MIXING_DECAY: f64 = key("scf.mixing_decay", FRACTION, "0.9",
        "factor on the mixing fraction each step");
    MIRROR_SYMMETRIC: bool = key("scf.mirror_symmetric", FLAG, "true",
        "enforce the symmetry of the molecule");
    FUNCTIONAL: Option<File> = FUNCTIONAL_FILE.about(
        "a trained functional to start from, whose architecture is taken; empty: weights by the seed");
    GLOBAL_FEATURES: usize = key("network.global_features", count(0, 1000), "15",
        "exponential features beside the density");
    HIDDEN: [usize] = key("network.hidden", counts(1, 1000), "[16, 16]",
        "channels of the hidden convolutions");
    SPIN_ADAPTED: bool = key("network.spin_adapted", FLAG, "false",
        "sees the spin polarisation too; molecules with an unpaired electron have orbitals of each spin");
    SKIP_STEPS: usize = key("loss.skip_steps", count(0, 999), "10",
        "first steps whose energies do not count");
    DISCOUNT: f64 = key("loss.discount", FRACTION, "0.9",
        "weight of a step's energy relative to the next step's");
    ENERGY_WEIGHT: f64 = key("loss.energy_weight", WEIGHT, "1.0",
        "weight of the energy's squared error");
    DENSITY_WEIGHT: f64 = key("loss.density_weight", WEIGHT, "1.0",
        "weight of the density's squared error");
    LOSS_REDUCTION: f64 = key("goal.loss_reduction", number("", 1.0, INF), "100.0",
        "the loss must fall by this factor");
    LARGEST_ERROR: [f64] = key("goal.largest_error", numbers("", 0.0, INF), "[]",
        "largest error of the energy in mHa, for each text of test.molecules in turn; 0, or none: reported and not judged");
}

/// The kind.
pub(crate) const DOMAIN: Domain = Domain {
    kind: "dft-1d",
    summary: "train an exchange-correlation functional through the self-consistent field, in one dimension",
    grammar: Grammar::of_keys(KEYS),
    template: &[("scenario.toml", include_bytes!("../../h2-two-points.toml"))],
    makes: Makes::Objective(load),
    first: None,
};

/// Makes sense of the settings.
fn load(s: &Settings) -> Result<Box<dyn Scenario>, Vec<Diagnostic>> {
    let mut problems = Vec::new();
    let model = model(s, &mut problems);
    if s.get(SKIP_STEPS) >= s.get(STEPS) {
        let message = format!(
            "loss.skip_steps = {} leaves no step of scf.steps = {} to train on",
            s.get(SKIP_STEPS),
            s.get(STEPS)
        );
        let help = "skip fewer steps, or make more";
        problems.push(s.problem(CONTRADICTION, SKIP_STEPS, message, help));
    }
    if s.get(ENERGY_WEIGHT) + s.get(DENSITY_WEIGHT) == 0.0 {
        let message = "both weights are 0: there is nothing to minimise";
        let help = "set one of loss.energy_weight and loss.density_weight above 0";
        problems.push(s.problem(CONTRADICTION, ENERGY_WEIGHT, message, help));
    }
    let [train, validate, test] =
        [TRAIN, VALIDATE, TEST].map(|key| (key, read(s, key, &model, &mut problems)));
    let each = [&train, &validate, &test].map(|(key, list)| (*key, list.as_slice()));
    problems.extend(overlaps(s, &each));
    if s.get(LARGEST_ERROR).len() > test.1.len() {
        let message = "there are more numbers than texts in `test.molecules`";
        let help = "write one number for each text, 0 where any error will do";
        problems.push(s.problem(CONTRADICTION, LARGEST_ERROR, message, help));
    }
    let file = functional_file(s, &model);
    match file {
        Ok(file) if problems.is_empty() => {
            Ok(Box::new(Study::new(s, model, file, [train.1, validate.1, test.1])))
        }
        Ok(_) => Err(problems),
        Err(problem) => {
            problems.push(problem);
            Err(problems)
        }
    }
}

/// A loaded scenario.
struct Study {
    model: Model,
    architecture: Architecture,
    file: Option<FunctionalFile>,
    options: TrainingOptions,
    train: Vec<Molecules>,
    validate: Vec<Molecules>,
    test: Vec<Molecules>,
    loss_reduction: f64,
    largest_error_mha: Vec<f64>,
}

/// A molecule with its exact ground state.
struct Known {
    member: Member,
    molecule: Molecule,
    /// Repulsion of the nuclei, which makes a total energy of an electronic one.
    repulsion_ha: f64,
}

impl Study {
    fn new(
        s: &Settings,
        model: Model,
        file: Option<FunctionalFile>,
        [train, validate, test]: [Vec<Molecules>; 3],
    ) -> Self {
        let given = Architecture {
            global_features: s.get(GLOBAL_FEATURES),
            hidden: s.get(HIDDEN).to_vec(),
            spin_adapted: s.get(SPIN_ADAPTED),
            grid_spacing_bohr: model.grid.spacing_bohr(),
            interaction: model.interaction,
            ..Architecture::paper()
        };
        let scf = ScfOptions {
            steps: s.get(STEPS),
            mixing: s.get(MIXING),
            mixing_decay: s.get(MIXING_DECAY),
            mirror_symmetric: s.get(MIRROR_SYMMETRIC),
            ..ScfOptions::paper()
        };
        let options = TrainingOptions {
            scf,
            skip_steps: s.get(SKIP_STEPS),
            discount: s.get(DISCOUNT),
            energy_weight: s.get(ENERGY_WEIGHT),
            density_weight: s.get(DENSITY_WEIGHT),
        };
        Self {
            model,
            architecture: file.as_ref().map_or(given, |f| f.architecture.clone()),
            file,
            options,
            train,
            validate,
            test,
            loss_reduction: s.get(LOSS_REDUCTION),
            largest_error_mha: s.get(LARGEST_ERROR).to_vec(),
        }
    }

    fn known(&self, member: Member) -> Result<Known, String> {
        let named = |e: &dyn std::fmt::Display| format!("{}: {e}", member.label());
        let system = member.system(&self.model.grid)?;
        let exact = ground_state(&self.model, &system).map_err(|e| named(&e))?;
        let [up, down] = system.electrons_by_spin();
        let polarised = self.architecture.spin_adapted && up != down;
        let make = if polarised { Molecule::polarised } else { Molecule::new };
        let molecule = make(&self.model, &system, exact).map_err(|e| named(&e))?;
        let repulsion_ha = system.nuclear_repulsion_ha(self.model.interaction);
        Ok(Known { member, molecule, repulsion_ha })
    }

    fn all_known(&self, lists: &[Molecules]) -> Result<Vec<Known>, String> {
        let each: Vec<Result<Known, String>> =
            members(lists).into_par_iter().map(|m| self.known(m)).collect();
        each.into_iter().collect()
    }
}

impl Scenario for Study {
    fn space(&self) -> Space {
        let blocks = self.architecture.blocks();
        let parameter = |(name, shape): (String, Vec<usize>)| {
            let gate = name == "gate_width";
            let lower = if gate { 1e-3 } else { f64::NEG_INFINITY };
            Parameter::array(format!("network.{name}"), &shape).within(lower, f64::INFINITY)
        };
        let used = blocks.into_iter().filter(|(_, shape)| !shape.contains(&0));
        Space::new(used.map(parameter).collect())
            .unwrap_or_else(|e| unreachable!("the table of blocks is consistent: {e}"))
    }

    fn start(&self, seed: u64) -> Vec<f64> {
        let by_seed = || self.architecture.initial_parameters(seed);
        self.file.as_ref().map_or_else(by_seed, |f| f.parameters.clone())
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
        let count = |lists: &[Molecules]| members(lists).len();
        let steps = self.options.scf.steps * count(&self.train);
        let operations = 13.0 * (products * points * steps) as f64;
        let kept = steps * points * 8 * 6;
        let all =
            [&self.train, &self.validate, &self.test].map(|list| list.iter()).into_iter().flatten();
        let largest =
            all.map(|list| reference_bytes(&self.model, &list.formula)).max().unwrap_or(0);
        format!(
            "{} parameters; {steps} Kohn-Sham steps on {points} points an evaluation, about {:.0} million multiply-adds with \
             gradient; {:.1} MB kept for the reverse sweep; {} exact references, each of up to {:.0} MB",
            self.architecture.parameter_count(),
            operations / 1e6,
            kept as f64 / 1e6,
            count(&self.train) + count(&self.validate) + count(&self.test),
            largest as f64 / 1e6
        )
    }

    fn prepare(&self) -> Result<Box<dyn Prepared + '_>, String> {
        let train = self.all_known(&self.train)?;
        let validation = self.all_known(&self.validate)?;
        let molecules = train.iter().map(|k| k.molecule.clone()).collect();
        let training =
            Training::new(self.model, self.architecture.clone(), molecules, self.options);
        Ok(Box::new(Ready { study: self, training, train, validation }))
    }
}

/// A study with its references.
struct Ready<'a> {
    study: &'a Study,
    training: Training,
    train: Vec<Known>,
    validation: Vec<Known>,
}

impl Ready<'_> {
    /// Largest energy error over `molecules` in hartree; infinite where an SCF fails.
    fn largest_error(&self, x: &[f64], molecules: &[Known]) -> f64 {
        let error = |k: &Known| {
            let scf = self.training.apply(x, k.molecule.prepared());
            let exact = k.molecule.reference().energy_ha;
            scf.map_or(f64::INFINITY, |s| (s.energy_ha() - exact).abs())
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
