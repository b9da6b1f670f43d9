//! A molecule as a differentiable map from positions, charges, a field and a basis to energy, forces and dipole moment.

mod failure;
mod quantities;
mod run;
mod second;

pub(in crate::molecule) use second::second_derivatives;

use std::sync::Arc;

use cotangent_problem::{
    Cost, Keep, Linearised, Map, MapError, Quantity, SampleKey, Simulation, TrialFailure,
    Workspace, check_picks, fix_quantity,
};

use crate::molecule::basis::{Basis, Shell};
use crate::molecule::geometry::Molecule;
use crate::molecule::integrals::repulsion::store::RepulsionOptions;
use crate::molecule::scf::{Core, Reference, Scf, ScfOptions, ScfStatus, self_consistent_field};
use crate::molecule::theory::{MeanField, Theory};
use crate::molecule::vibrations::Conditions;
use quantities::{Output, inputs, outputs};
use run::MoleculeRun;
use second::Memory;

/// Which orbitals are taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReferenceChoice {
    /// Restricted for a singlet, unrestricted for everything else.
    #[default]
    ByMultiplicity,
    /// Restricted.
    Restricted,
    /// Unrestricted.
    Unrestricted,
}

/// How a molecule is computed.
#[derive(Clone, Debug, Default)]
pub struct MoleculeOptions {
    /// Which orbitals are taken.
    pub reference: ReferenceChoice,
    /// What is computed of the repulsion integrals, and where it is kept.
    pub repulsion: RepulsionOptions,
    /// How the field is made self-consistent.
    pub scf: ScfOptions,
    /// Hartree-Fock or Kohn-Sham.
    pub theory: Theory,
    /// Of the thermochemistry.
    pub conditions: Conditions,
}

/// Hartree-Fock or Kohn-Sham for a molecule in a basis as a simulation.
///
/// # Inputs
/// `field` (hartree/(e bohr)); of each atom `atom[k].position` (bohr) and `atom[k].charge` (e, of the nucleus; electrons stay as many);
/// of each shell `shell[k].exponents` (1/bohr^2) and `shell[k].coefficients`; of a functional its parameters, `functional.NAME`.
///
/// # Outputs
/// `energy` (hartree), `dipole` (e bohr, about the origin), `force` of each atom (hartree/bohr), `orbital.energies` of each set (hartree),
/// `spin_square`, `mulliken` charge of each atom (e), `polarisability` (bohr^3), and the curvatures of the energy by the orbitals,
/// `stability.*` (hartree); `hessian` (hartree/bohr^2, of Hartree-Fock by response, of Kohn-Sham by differences of forces),
/// `vibration.frequencies` (1/cm, imaginary ones negative) and `thermo.*` of an ideal gas of rigid rotors (hartree, hartree/K), for elements up
/// to Ar. Energy, dipole, levels, charges and `<S^2>` are differentiable by every input; one level of a degenerate group is
/// refused, sums over the group are not.
#[derive(Clone, Debug)]
pub struct MoleculeSimulation {
    molecule: Molecule,
    basis: Basis,
    options: MoleculeOptions,
    inputs: Vec<Quantity>,
    outputs: Vec<Quantity>,
    output_kinds: Vec<Output>,
    second: Memory,
}

/// Inputs before those of the atoms.
const FIXED_INPUTS: usize = 1;
/// Inputs of an atom or a shell.
const EACH: usize = 2;

/// The place among the inputs of an atom's position.
pub(in crate::molecule) fn position_of_atom(atom: usize) -> usize {
    FIXED_INPUTS + EACH * atom
}

/// The atom of a molecule whose position an input is.
pub(in crate::molecule) fn atom_of_position(input: usize, molecule: &Molecule) -> Option<usize> {
    (0..molecule.atoms().len()).find(|atom| position_of_atom(*atom) == input)
}

/// What the values of all inputs stand for.
struct At {
    molecule: Molecule,
    basis: Basis,
    field: [f64; 3],
    parameters: Vec<f64>,
}

impl MoleculeSimulation {
    /// A molecule in a basis.
    pub fn new(molecule: Molecule, basis: Basis, options: MoleculeOptions) -> Self {
        let mut inputs = inputs(&molecule, &basis);
        let outputs =
            outputs(&molecule, &basis, options.reference.of(&molecule), options.scf.stability);
        if let Theory::KohnSham { functional, .. } = &options.theory {
            inputs.extend(functional.parameters().iter().map(|parameter| {
                Quantity::scalar(format!("functional.{}", parameter.name), "", parameter.value)
                    .about("a constant of the functional")
                    .scaled(0.1 * parameter.value.abs().max(1e-3))
            }));
        }
        let (output_kinds, outputs) = outputs.into_iter().unzip();
        let second = Memory::default();
        Self { molecule, basis, options, inputs, outputs, output_kinds, second }
    }

    /// The molecule as it was given.
    pub fn molecule(&self) -> &Molecule {
        &self.molecule
    }

    /// The molecule, basis, field and parameters of the functional for values of all inputs.
    ///
    /// # Errors
    /// [`TrialFailure::OutOfDomain`] for what is no molecule or no basis.
    fn at(&self, values: &[Vec<f64>]) -> Result<At, TrialFailure> {
        let domain = |why: String| TrialFailure::OutOfDomain { why };
        let vector = |value: &[f64]| [value[0], value[1], value[2]];
        let field = vector(&values[0]);
        let (atoms, rest) = values[FIXED_INPUTS..].split_at(EACH * self.molecule.atoms().len());
        let (shells, parameters) = rest.split_at(EACH * self.basis.shells().len());
        let positions: Vec<[f64; 3]> = atoms.iter().step_by(EACH).map(|p| vector(p)).collect();
        let charges: Vec<f64> = atoms.iter().skip(1).step_by(EACH).map(|c| c[0]).collect();
        let molecule = self
            .molecule
            .with_positions(&positions)
            .and_then(|m| m.with_charges(&charges))
            .map_err(|error| domain(error.to_string()))?;
        let changed = |(shell, pair): (&Shell, &[Vec<f64>])| Shell {
            exponents: pair[0].clone(),
            coefficients: pair[1].clone(),
            ..shell.clone()
        };
        let shells = self.basis.shells().iter().zip(shells.chunks(EACH)).map(changed).collect();
        let basis = Basis::from_shells(shells, self.basis.form())
            .map_err(|error| domain(error.to_string()))?;
        Ok(At { molecule, basis, field, parameters: parameters.concat() })
    }

    /// The field for values of all inputs.
    fn solved(&self, values: &[Vec<f64>]) -> Result<(MeanField, Scf), TrialFailure> {
        let At { molecule, basis, field, parameters } = self.at(values)?;
        let core = Core::new(&molecule, &basis, field)?;
        let dependent = core.dependent_functions();
        if dependent > 0 {
            let why = format!(
                "{dependent} basis functions are combinations of others; atoms are too near, or exponents too alike"
            );
            return Err(TrialFailure::OutOfDomain { why });
        }
        let options = &self.options;
        let field = options.theory.mean_field(core, options.repulsion, &parameters)?;
        let reference = options.reference.of(&molecule);
        let scf = self_consistent_field(field.builder(), reference, &options.scf)
            .map_err(|error| field.failure().cloned().map_or(error.into(), TrialFailure::from))?;
        if let (ScfStatus::NotConverged { .. } | ScfStatus::Saddle(_), Some(advice)) =
            (scf.status, scf.advice())
        {
            let (residual, iterations) = match scf.status {
                ScfStatus::NotConverged { gradient_ha } => (gradient_ha, scf.iterations.len()),
                _ => (0.0, scf.iterations.len()),
            };
            let what = "the self-consistent field".into();
            return Err(TrialFailure::NotConverged { what, residual, iterations, advice });
        }
        Ok((field, scf))
    }

    /// The self-consistent field for values of all inputs, in their order: orbitals to draw, or to go on from.
    ///
    /// # Errors
    /// What has no value there: no molecule, no basis, a field that does not converge or is no minimum.
    pub fn answer(&self, values: &[Vec<f64>]) -> Result<MoleculeAnswer, TrialFailure> {
        let (field, scf) = self.solved(values)?;
        Ok(MoleculeAnswer { core: field.core().clone(), scf })
    }
}

/// A molecule with its self-consistent field.
#[derive(Clone, Debug)]
pub struct MoleculeAnswer {
    /// The molecule in its basis.
    pub core: Core,
    /// Its field.
    pub scf: Scf,
}

impl ReferenceChoice {
    /// What it means for a molecule.
    pub fn of(self, molecule: &Molecule) -> Reference {
        let shared = match self {
            Self::Restricted => true,
            Self::Unrestricted => false,
            Self::ByMultiplicity => molecule.multiplicity() == 1,
        };
        if shared { Reference::Restricted } else { Reference::Unrestricted }
    }
}

impl Simulation for MoleculeSimulation {
    fn inputs(&self) -> &[Quantity] {
        &self.inputs
    }

    fn outputs(&self) -> &[Quantity] {
        &self.outputs
    }

    fn fix(&mut self, input: usize, value: &[f64]) -> Result<(), MapError> {
        fix_quantity(&mut self.inputs, input, value)
    }

    fn map(
        self: Arc<Self>,
        inputs: &[usize],
        outputs: &[usize],
        differentiated: bool,
    ) -> Result<Box<dyn Map>, MapError> {
        check_picks(self.as_ref(), inputs, outputs, differentiated)?;
        let (inputs, outputs) = (inputs.to_vec(), outputs.to_vec());
        Ok(Box::new(MoleculeMap { simulation: self, inputs, outputs }))
    }
}

struct MoleculeMap {
    simulation: Arc<MoleculeSimulation>,
    inputs: Vec<usize>,
    outputs: Vec<usize>,
}

impl Map for MoleculeMap {
    fn input_len(&self) -> usize {
        self.inputs.iter().map(|k| self.simulation.inputs[*k].len()).sum()
    }

    fn output_len(&self) -> usize {
        self.outputs.iter().map(|k| self.simulation.outputs[*k].len()).sum()
    }

    fn plan(&self, _keep: Keep) -> Cost {
        let n = self.simulation.basis.len() as u64;
        let kinds = &self.simulation.output_kinds;
        let vibrates = self.outputs.iter().any(|k| kinds[*k].is_of_vibrations());
        let atoms = self.simulation.molecule.atoms().len();
        let more = match &self.simulation.options.theory {
            _ if !vibrates => String::new(),
            Theory::HartreeFock => format!(", and its answers to {} motions", 3 * atoms),
            Theory::KohnSham { .. } => format!(", and {} more with forces", 12 * atoms),
        };
        let unique = n * (n + 1) / 2 * (n * (n + 1) / 2 + 1) / 2 * 8;
        Cost {
            work: format!("a self-consistent field of {n} basis functions{more}"),
            bytes: unique.min(self.simulation.options.repulsion.memory_bytes) + 100 * 8 * n * n,
        }
    }

    fn run<'a>(
        &'a self,
        x: &[f64],
        _keep: Keep,
        _key: SampleKey,
        _ws: &mut Workspace,
    ) -> Result<Box<dyn Linearised + 'a>, TrialFailure> {
        let simulation = self.simulation.as_ref();
        let mut values: Vec<Vec<f64>> =
            simulation.inputs.iter().map(|quantity| quantity.value.clone()).collect();
        let mut rest = x;
        for input in &self.inputs {
            let (own, after) = rest.split_at(simulation.inputs[*input].len());
            values[*input] = own.to_vec();
            rest = after;
        }
        let (field, scf) = simulation.solved(&values)?;
        let run = MoleculeRun::new(self, field, scf, values)?;
        Ok(Box::new(run))
    }
}
