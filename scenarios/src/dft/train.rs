//! `dft-1d`: train an exchange-correlation functional through the self-consistent field, in one dimension.

use cotangent_answer::Task;
use cotangent_dft::one_d::family::{Family, FamilyError};
use cotangent_dft::one_d::study::TrainingStudy;
use cotangent_dft::one_d::study::misfit::{Misfit, shared};
use cotangent_dft::one_d::{Architecture, FunctionalFile, Model, ScfOptions, TrainingOptions};

use super::super::document::{Grammar, Settings};
use super::super::domain::{Domain, Makes};
use super::super::keys::{
    FLAG, File, INF, Key, Kind, Named, POSITIVE, TEXTS, count, counts, key, keys, number, numbers,
    required,
};
use super::{
    FUNCTIONAL_FILE, GRID_POINTS, GRID_SPACING, INTERACTION, SOFTENING, functional_file, model,
    unfit,
};
use crate::diagnostic::{CONTRADICTION, Diagnostic};

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
    makes: Makes::Task(load),
    first: None,
};

/// Makes sense of the settings.
fn load(s: &Settings) -> Result<Box<dyn Task>, Vec<Diagnostic>> {
    let mut problems = Vec::new();
    let model = model(s, &mut problems);
    let (skipped, steps) = (s.get(SKIP_STEPS), s.get(STEPS));
    if skipped >= steps {
        let message = format!(
            "loss.skip_steps = {skipped} leaves no step of scf.steps = {steps} to train on"
        );
        let help = "skip fewer steps, or make more";
        problems.push(s.problem(CONTRADICTION, SKIP_STEPS, message, help));
    }
    if s.get(ENERGY_WEIGHT) + s.get(DENSITY_WEIGHT) == 0.0 {
        let message = "both weights are 0: there is nothing to minimise";
        let help = "set one of loss.energy_weight and loss.density_weight above 0";
        problems.push(s.problem(CONTRADICTION, ENERGY_WEIGHT, message, help));
    }
    let lists = [TRAIN, VALIDATE, TEST];
    let families = lists.map(|key| families(s, key, &model, &mut problems));
    for (later, earlier) in [(1, 0), (2, 0), (2, 1)] {
        let [path, before] = [later, earlier].map(|k| lists[k].path());
        for [label, twin] in shared(&families[later], &families[earlier]) {
            let message = if twin == label {
                format!("\"{label}\" stands in both `{before}` and `{path}`")
            } else {
                format!("\"{label}\" in `{path}` is the same system as \"{twin}\" in `{before}`")
            };
            let help = "training, validation and test molecules must differ: nothing that is judged may have been seen";
            problems.push(s.problem(CONTRADICTION, lists[later], message, help));
        }
    }
    if s.get(LARGEST_ERROR).len() > families[2].len() {
        let message = "there are more numbers than texts in `test.molecules`";
        let help = "write one number for each text, 0 where any error will do";
        problems.push(s.problem(CONTRADICTION, LARGEST_ERROR, message, help));
    }
    let file = functional_file(s, &model).map_err(|problem| problems.push(problem));
    match file {
        Ok(file) if problems.is_empty() => Ok(Box::new(study(s, model, file, families))),
        _ => Err(problems),
    }
}

/// The molecules of `key`, with what is wrong with them added to `problems`.
fn families(
    s: &Settings,
    key: Key<[String]>,
    model: &Model,
    problems: &mut Vec<Diagnostic>,
) -> Vec<Family> {
    let mut families: Vec<Family> = Vec::new();
    for text in s.get(key) {
        let read = text.parse().map_err(|e: FamilyError| {
            let help = "write it as \"H R H: 1.28, 3.84\", or an atom as \"Li\"";
            s.problem("cotangent::scenario::molecule", key, e.to_string(), help)
        });
        families.extend(read.map_err(|problem| problems.push(problem)));
    }
    if s.get(key).is_empty() {
        let (message, help) = (format!("`{}` is empty", key.path()), "name at least one molecule");
        problems.push(s.problem(CONTRADICTION, key, message, help));
    }
    let misfits = families.iter().flat_map(|family| Misfit::of_family(model, family));
    problems.extend(misfits.map(|(misfit, more)| unfit((s, s), key.any, &misfit, more)));
    families
}

/// What is studied.
fn study(
    s: &Settings,
    model: Model,
    file: Option<FunctionalFile>,
    [train, validate, test]: [Vec<Family>; 3],
) -> TrainingStudy {
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
    TrainingStudy {
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
