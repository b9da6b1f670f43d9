//! A functional that is trained through the self-consistent field, chosen by molecules that it is not trained on, and judged by others.

use cotangent_answer::{Conclusion, Finished, Judge, Prepared, Score, Task};
use cotangent_problem::{Capabilities, Objective, Parameter, Space};
use rayon::prelude::*;

use super::memory::reference_bytes;
use crate::one_d::exact::reference::ground_state;
use crate::one_d::family::{Family, Member, members};
use crate::one_d::field::scf::Model;
use crate::one_d::functional::file::FunctionalFile;
use crate::one_d::functional::network::Architecture;
use crate::one_d::task::training::{Molecule, Training, TrainingOptions};

/// A functional to train, on what, and what it must then be able to do.
#[derive(Clone, Debug)]
pub struct TrainingStudy {
    /// Grid and interaction.
    pub model: Model,
    /// Form of the functional.
    pub architecture: Architecture,
    /// The functional that it starts from; else its weights come from the seed.
    pub file: Option<FunctionalFile>,
    /// How the field and the loss are computed.
    pub options: TrainingOptions,
    /// Molecules that are trained on.
    pub train: Vec<Family>,
    /// Molecules that choose among the iterates.
    pub validate: Vec<Family>,
    /// Molecules that judge the result.
    pub test: Vec<Family>,
    /// Factor by which the loss must fall.
    pub loss_reduction: f64,
    /// Largest error of the energy for each family of the test, mHa; 0, or none: reported and not judged.
    pub largest_error_mha: Vec<f64>,
}

/// A molecule with its exact ground state.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) member: Member,
    pub(super) molecule: Molecule,
    /// Repulsion of the nuclei, which makes a total energy of an electronic one.
    pub(super) repulsion_ha: f64,
}

impl TrainingStudy {
    pub(super) fn known(&self, member: Member) -> Result<Known, String> {
        let named = |e: &dyn std::fmt::Display| format!("{}: {e}", member.label());
        let system = member.system(&self.model.grid).map_err(|e| named(&e))?;
        let exact = ground_state(&self.model, &system).map_err(|e| named(&e))?;
        let [up, down] = system.electrons_by_spin();
        let polarised = self.architecture.spin_adapted && up != down;
        let make = if polarised { Molecule::polarised } else { Molecule::new };
        let molecule = make(&self.model, &system, exact).map_err(|e| named(&e))?;
        let repulsion_ha = system.nuclear_repulsion_ha(self.model.interaction);
        Ok(Known { member, molecule, repulsion_ha })
    }

    pub(super) fn all_known(&self, lists: &[Family]) -> Result<Vec<Known>, String> {
        let each: Vec<Result<Known, String>> =
            members(lists).into_par_iter().map(|m| self.known(m)).collect();
        each.into_iter().collect()
    }
}

impl Task for TrainingStudy {
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
        let count = |lists: &[Family]| members(lists).len();
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
        Ok(Box::new(ReadyTraining { study: self, training, train, validation }))
    }
}

/// A study with its references.
#[derive(Debug)]
pub(super) struct ReadyTraining<'a> {
    pub(super) study: &'a TrainingStudy,
    pub(super) training: Training,
    pub(super) train: Vec<Known>,
    pub(super) validation: Vec<Known>,
}

impl ReadyTraining<'_> {
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

impl Prepared for ReadyTraining<'_> {
    fn objective(&self) -> &dyn Objective {
        &self.training
    }
}

impl Judge for ReadyTraining<'_> {
    fn score(&self, x: &[f64]) -> Option<Score> {
        let value = 1e3 * self.largest_error(x, &self.validation);
        Some(Score { name: "validation_error", unit: "mHa", value })
    }

    fn conclude(&self, run: &Finished) -> Result<Conclusion, String> {
        self.judge(run)
    }
}
