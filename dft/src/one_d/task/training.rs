//! Training a functional through the self-consistent field.
//!
//! The loss of Li et al. (2021), eq. 7: for each molecule, the squared errors of the energies of the last SCF steps, weighted
//! towards the end, and the integrated squared error of the final density, both per electron; the mean over the molecules.

use cotangent_problem::{
    Capabilities, Evaluation, Objective, SampleKey, TermValue, TrialFailure, Want, Workspace,
};
use rayon::prelude::*;

use crate::one_d::exact::two_electrons::GroundState;
use crate::one_d::field::prepared::Prepared;
use crate::one_d::field::scf::{
    Model, Scf, ScfError, ScfOptions, difference, self_consistent_field,
};
use crate::one_d::field::unrolled::reverse_trajectory;
use crate::one_d::functional::network::{Architecture, Network};
use crate::one_d::system::System;

/// A molecule with its exact ground state.
#[derive(Clone, Debug)]
pub struct Molecule {
    prepared: Prepared,
    electrons: usize,
    reference: GroundState,
}

impl Molecule {
    /// Prepares a molecule for training.
    ///
    /// # Errors
    /// As [`Prepared::new`].
    pub fn new(model: &Model, system: &System, reference: GroundState) -> Result<Self, ScfError> {
        let prepared = Prepared::new(model, system)?;
        Ok(Self { prepared, electrons: system.electrons(), reference })
    }

    /// Prepares a molecule whose spins have orbitals of their own, for a spin-adapted functional.
    ///
    /// # Errors
    /// As [`Prepared::new`].
    pub fn polarised(
        model: &Model,
        system: &System,
        reference: GroundState,
    ) -> Result<Self, ScfError> {
        let prepared = Prepared::polarised(model, system)?;
        Ok(Self { prepared, electrons: system.electrons(), reference })
    }

    /// The exact ground state.
    pub fn reference(&self) -> &GroundState {
        &self.reference
    }

    /// External potential and starting density.
    pub fn prepared(&self) -> &Prepared {
        &self.prepared
    }
}

/// Settings of the loss.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrainingOptions {
    /// The trajectory.
    pub scf: ScfOptions,
    /// SCF steps whose energies do not count.
    pub skip_steps: usize,
    /// Weight of a step's energy relative to the next step's.
    pub discount: f64,
    /// Weight of the energy term.
    pub energy_weight: f64,
    /// Weight of the density term.
    pub density_weight: f64,
}

impl TrainingOptions {
    /// The paper's: steps 11 to 15 of 15, discount 0.9.
    ///
    /// The density term is the mean over grid points times the length of the grid, as in the paper's code.
    pub fn paper() -> Self {
        Self {
            scf: ScfOptions::paper(),
            skip_steps: 10,
            discount: 0.9,
            energy_weight: 1.0,
            density_weight: 1.0,
        }
    }
}

/// The training loss as an objective of the network's parameters.
#[derive(Clone, Debug)]
pub struct Training {
    model: Model,
    architecture: Architecture,
    molecules: Vec<Molecule>,
    options: TrainingOptions,
}

/// One molecule's share of the loss.
struct Share {
    energy: f64,
    density: f64,
    gradient: Vec<f64>,
}

impl Training {
    /// A loss over `molecules`.
    pub fn new(
        model: Model,
        architecture: Architecture,
        molecules: Vec<Molecule>,
        options: TrainingOptions,
    ) -> Self {
        Self { model, architecture, molecules, options }
    }

    /// The architecture whose parameters are trained.
    pub fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    /// Discretisation and interaction.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// The molecules.
    pub fn molecules(&self) -> &[Molecule] {
        &self.molecules
    }

    /// The network with these parameters.
    ///
    /// # Errors
    /// A wrong number of parameters, or another grid.
    pub fn network(&self, parameters: &[f64]) -> Result<Network, TrialFailure> {
        Network::new(self.architecture.clone(), parameters, &self.model.grid)
            .map_err(|e| TrialFailure::Contract(e.to_string()))
    }

    fn share(
        &self,
        molecule: &Molecule,
        network: &Network,
        wants_gradient: bool,
    ) -> Result<Share, TrialFailure> {
        let TrainingOptions { scf, skip_steps, discount, energy_weight, density_weight } =
            self.options;
        let options = ScfOptions { energies_from: skip_steps, keep: wants_gradient, ..scf };
        let scf = self_consistent_field(&self.model, &molecule.prepared, network, &options)?;
        let electrons = molecule.electrons as f64;
        let h = self.model.grid.spacing_bohr();
        let last = scf.steps.len() - 1;
        let mut share = Share { energy: 0.0, density: 0.0, gradient: Vec::new() };
        let mut energies_bar = vec![0.0; scf.steps.len()];
        for (k, step) in scf.steps.iter().enumerate().skip(skip_steps) {
            let steps_to_go = i32::try_from(last - k).unwrap_or(i32::MAX);
            let weight = energy_weight * discount.powi(steps_to_go) / electrons;
            let Some(energy_ha) = step.energy_ha else { unreachable!("it was asked for") };
            let error = energy_ha - molecule.reference.energy_ha;
            share.energy += weight * error * error;
            energies_bar[k] = 2.0 * weight * error;
        }
        let weight = density_weight * h / electrons;
        let error = difference(&scf.total_density(), &molecule.reference.density);
        share.density = weight * error.iter().map(|e| e * e).sum::<f64>();
        if wants_gradient {
            let density_bar: Vec<f64> = error.iter().map(|e| 2.0 * weight * e).collect();
            share.gradient = reverse_trajectory(
                &self.model,
                &molecule.prepared,
                network,
                &options,
                &scf,
                &energies_bar,
                &density_bar.repeat(scf.channels),
            )
            .parameters;
        }
        Ok(share)
    }

    /// The SCF of a prepared system with the network of `parameters`, under the training's own SCF settings.
    ///
    /// # Errors
    /// A failed trial.
    pub fn apply(&self, parameters: &[f64], prepared: &Prepared) -> Result<Scf, TrialFailure> {
        let network = self.network(parameters)?;
        let options = ScfOptions { energies_from: usize::MAX, ..self.options.scf };
        Ok(self_consistent_field(&self.model, prepared, &network, &options)?)
    }
}

impl Objective for Training {
    fn dim(&self) -> usize {
        self.architecture.parameter_count()
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { gradient: true, ..Capabilities::default() }
    }

    /// Molecules are computed in parallel and summed in order: the same bits on any number of threads.
    fn evaluate(
        &self,
        x: &[f64],
        want: Want,
        _key: SampleKey,
        _ws: &mut Workspace,
    ) -> Result<Evaluation, TrialFailure> {
        let network = self.network(x)?;
        let shares: Vec<Result<Share, TrialFailure>> =
            self.molecules.par_iter().map(|m| self.share(m, &network, want.gradient)).collect();
        let (mut energy, mut density) = (0.0, 0.0);
        let mut gradient = vec![0.0; if want.gradient { x.len() } else { 0 }];
        let mean = 1.0 / self.molecules.len() as f64;
        for share in shares {
            let share = share?;
            energy += mean * share.energy;
            density += mean * share.density;
            gradient.iter_mut().zip(&share.gradient).for_each(|(g, s)| *g += mean * s);
        }
        let term = |name: &str, value| TermValue { name: name.into(), value };
        Ok(Evaluation {
            value: energy + density,
            gradient: want.gradient.then_some(gradient),
            terms: vec![term("energy", energy), term("density", density)],
            ..Evaluation::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use cotangent_ad::check;
    use cotangent_problem::{Objective, SampleKey, Want, Workspace};

    use super::{GroundState, Molecule, Training, TrainingOptions};
    use crate::one_d::{
        Architecture, ExactOptions, Grid, Interaction, Model, Stencil, System, two_electrons,
    };

    fn training() -> Training {
        let model = Model {
            grid: Grid::new(65, 0.3).unwrap(),
            stencil: Stencil::FivePoint,
            interaction: Interaction::BAKER,
        };
        let architecture = Architecture {
            global_features: 3,
            hidden: vec![4],
            grid_spacing_bohr: 0.3,
            ..Architecture::paper()
        };
        let molecule = |separation| {
            let system = System::chain(2, 1.0, separation).unwrap();
            let exact = two_electrons(&model, &system, &ExactOptions::default()).unwrap();
            Molecule::new(&model, &system, exact).unwrap()
        };
        Training::new(
            model,
            architecture,
            vec![molecule(1.5), molecule(3.0)],
            TrainingOptions::paper(),
        )
    }

    #[test]
    fn the_loss_gradient_passes_the_taylor_test() {
        let training = training();
        let x = training.architecture().initial_parameters(1);
        let mut ws = Workspace::new();
        let gradient =
            training.evaluate(&x, Want::GRADIENT, SampleKey(0), &mut ws).unwrap().gradient.unwrap();
        let v: Vec<f64> = (0..x.len()).map(|k| (1.7 * k as f64).sin()).collect();
        let along: f64 = gradient.iter().zip(&v).map(|(g, v)| g * v).sum();
        let f = |x: &[f64]| {
            training.evaluate(x, Want::VALUE, SampleKey(0), &mut Workspace::new()).map(|e| e.value)
        };
        let test = check::taylor(f, &x, &v, along, 1e-2, 8).unwrap();
        assert!(test.slope.is_some() && test.passes(), "{test:?}");
    }

    #[test]
    fn a_spin_adapted_network_has_a_value_on_ions_from_any_initial_weights() {
        let model = Model::default();
        let architecture = Architecture {
            global_features: 7,
            hidden: vec![8, 8],
            spin_adapted: true,
            ..Architecture::paper()
        };
        // the loss is of no interest here: any reference will do
        let molecule = |charge: f64, electrons: usize| {
            let system = System::molecule(&[(0.0, charge)], electrons).unwrap();
            let make = if electrons % 2 == 1 { Molecule::polarised } else { Molecule::new };
            let density = vec![0.0; model.grid.points()];
            let reference = GroundState {
                energy_ha: -2.0,
                density,
                residual_ha: 0.0,
                error_ha: 0.0,
                iterations: 0,
            };
            make(&model, &system, reference).unwrap()
        };
        let atoms = vec![molecule(2.0, 2), molecule(3.0, 3), molecule(4.0, 2), molecule(4.0, 4)];
        let training = Training::new(model, architecture, atoms, TrainingOptions::paper());
        for seed in 0..8 {
            let x = training.architecture().initial_parameters(seed);
            let found = training.evaluate(&x, Want::VALUE, SampleKey(0), &mut Workspace::new());
            assert!(found.as_ref().is_ok_and(|e| e.value.is_finite()), "seed {seed}: {found:?}");
        }
    }

    #[test]
    fn any_number_of_threads_gives_the_same_bits() {
        let training = training();
        let x = training.architecture().initial_parameters(2);
        let with = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                training.evaluate(&x, Want::GRADIENT, SampleKey(0), &mut Workspace::new()).unwrap()
            })
        };
        assert_eq!(with(1), with(2));
        assert_eq!(with(1), with(3));
    }
}
