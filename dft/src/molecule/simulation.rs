//! A molecule as a differentiable map from positions, charges, a field and a basis to energy, forces and dipole moment.

use std::sync::Arc;

use cotangent_problem::name::element;
use cotangent_problem::{
    Cost, Keep, Linearised, Map, MapError, Quantity, SampleKey, Simulation, Transform,
    TrialFailure, Values, Workspace, check_picks, fix_quantity,
};

use crate::molecule::basis::{Basis, Shell};
use crate::molecule::functional_integral::IntegralError;
use crate::molecule::geometry::Molecule;
use crate::molecule::gradient::{EnergyGradient, GradientError, Inputs};
use crate::molecule::integrals::repulsion::store::RepulsionOptions;
use crate::molecule::response::{ResponseError, dipole_gradient};
use crate::molecule::scf::{
    Core, CoreError, Reference, Scf, ScfError, ScfOptions, ScfStatus, Stability, StabilityCheck,
    self_consistent_field,
};
use crate::molecule::theory::{MeanField, Theory};

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
}

/// Hartree-Fock or Kohn-Sham for a molecule in a basis as a simulation.
///
/// # Inputs
/// `field` (hartree/(e bohr)); of each atom `atom[k].position` (bohr) and `atom[k].charge` (e, of the nucleus; electrons stay as many);
/// of each shell `shell[k].exponents` (1/bohr^2) and `shell[k].coefficients`; of a functional its parameters, `functional.NAME`.
///
/// # Outputs
/// `energy` (hartree), `dipole` (e bohr, about the origin), `force` of each atom (hartree/bohr), `orbital.energies` of each set (hartree),
/// `spin_square`, `charge` of each atom (Mulliken's), and the curvatures of the energy by the orbitals, `stability.*` (hartree).
/// Energy and dipole are differentiable by every input, of Kohn-Sham the energy alone.
#[derive(Clone, Debug)]
pub struct MoleculeSimulation {
    molecule: Molecule,
    basis: Basis,
    options: MoleculeOptions,
    inputs: Vec<Quantity>,
    outputs: Vec<Quantity>,
}

/// Why forces and the like have no derivative.
const SECOND: &str = "its derivative needs second derivatives of the integrals, which are not there; energy and dipole have one";
const DIPOLE: &str = "the response of Kohn-Sham orbitals is not there; the energy has a derivative, and Hartree-Fock's dipole";
const VERDICT: &str = "it is a verdict on the orbitals, not a property to optimise";

/// Inputs before those of the atoms.
const FIXED_INPUTS: usize = 1;
/// Inputs of an atom or a shell.
const EACH: usize = 2;

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
        let mut outputs = outputs(
            &molecule,
            &basis,
            reference(options.reference, &molecule),
            options.scf.stability,
        );
        if let Theory::KohnSham { functional, .. } = &options.theory {
            inputs.extend(functional.parameters().iter().map(|parameter| {
                Quantity::scalar(format!("functional.{}", parameter.name), "", parameter.value)
                    .about("a constant of the functional")
                    .scaled(0.1 * parameter.value.abs().max(1e-3))
            }));
            let dipole = outputs.iter_mut().find(|output| output.name == "dipole");
            dipole.into_iter().for_each(|output| *output = output.clone().fixed(DIPOLE));
        }
        Self { molecule, basis, options, inputs, outputs }
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
}

fn reference(choice: ReferenceChoice, molecule: &Molecule) -> Reference {
    let shared = match choice {
        ReferenceChoice::Restricted => true,
        ReferenceChoice::Unrestricted => false,
        ReferenceChoice::ByMultiplicity => molecule.multiplicity() == 1,
    };
    if shared { Reference::Restricted } else { Reference::Unrestricted }
}

fn inputs(molecule: &Molecule, basis: &Basis) -> Vec<Quantity> {
    let mut inputs = vec![
        Quantity::input("field", "Ha/(e bohr)", &[3], vec![0.0; 3])
            .about("homogeneous electric field")
            .scaled(1e-2)
            .vectors(),
    ];
    for (k, atom) in molecule.atoms().iter().enumerate() {
        let (name, element_of) = (element("atom", "", k), atom.element);
        let position = atom.position_bohr.to_vec();
        inputs.push(
            Quantity::input(format!("{name}.position"), "bohr", &[3], position)
                .about(format!("where the {element_of} stands"))
                .scaled(0.1)
                .vectors(),
        );
        inputs.push(
            Quantity::scalar(format!("{name}.charge"), "e", atom.charge)
                .about(format!("charge of the nucleus of the {element_of}"))
                .within(0.0, f64::INFINITY)
                .scaled(0.1),
        );
    }
    for (k, shell) in basis.shells().iter().enumerate() {
        let name = element("shell", "", k);
        let of = format!(
            "of {} functions on atom[{}], {}",
            ["s", "p", "d", "f"][shell.l],
            shell.atom,
            molecule.atoms()[shell.atom].element
        );
        let length = shell.exponents.len();
        inputs.push(
            Quantity::input(
                format!("{name}.exponents"),
                "1/bohr^2",
                &[length],
                shell.exponents.clone(),
            )
            .about(format!("exponents {of}"))
            .within(1e-6, 1e12)
            .through(Transform::Log)
            .scaled(0.1),
        );
        inputs.push(
            Quantity::input(
                format!("{name}.coefficients"),
                "",
                &[length],
                shell.coefficients.clone(),
            )
            .about(format!("coefficients {of}; the contraction is normalised"))
            .scaled(0.1),
        );
    }
    inputs
}

fn outputs(
    molecule: &Molecule,
    basis: &Basis,
    reference: Reference,
    stability: StabilityCheck,
) -> Vec<Quantity> {
    let mut outputs = vec![
        Quantity::output("energy", "Ha", &[]).about("total energy, repulsion of nuclei included"),
        Quantity::output("dipole", "e bohr", &[3])
            .about("dipole moment about the origin")
            .vectors(),
        Quantity::output("spin_square", "", &[]).about("<S^2>").fixed(SECOND),
    ];
    if stability == StabilityCheck::On {
        outputs.push(
            Quantity::output("stability.internal", "Ha", &[])
                .about("lowest curvature by the orbitals; a minimum is not below -1e-5")
                .fixed(VERDICT),
        );
    }
    if stability == StabilityCheck::On && reference == Reference::Restricted {
        outputs.push(
            Quantity::output("stability.unrestricted", "Ha", &[])
                .about("the same for spins that part; below -1e-5 unrestricted orbitals are lower")
                .fixed(VERDICT),
        );
    }
    let sets: &[&str] = match reference {
        Reference::Restricted => &["orbital.energies"],
        Reference::Unrestricted => &["orbital.up.energies", "orbital.down.energies"],
    };
    for name in sets {
        outputs.push(
            Quantity::output(*name, "Ha", &[basis.len()])
                .about("energies of the orbitals, the occupied ones first")
                .fixed(SECOND),
        );
    }
    for (k, atom) in molecule.atoms().iter().enumerate() {
        let (name, element_of) = (element("atom", "", k), atom.element);
        outputs.push(
            Quantity::output(format!("{name}.force"), "Ha/bohr", &[3])
                .about(format!("force on the {element_of}"))
                .fixed(SECOND)
                .vectors(),
        );
        outputs.push(
            Quantity::output(format!("{name}.mulliken"), "e", &[])
                .about(format!("Mulliken's charge of the {element_of}"))
                .fixed(SECOND),
        );
    }
    outputs
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
        let unique = n * (n + 1) / 2 * (n * (n + 1) / 2 + 1) / 2 * 8;
        Cost {
            work: format!("a self-consistent field of {n} basis functions"),
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
        let At { molecule, basis, field, parameters } = simulation.at(&values)?;
        let core = Core::new(&molecule, &basis, field)?;
        let dependent = core.dependent_functions();
        if dependent > 0 {
            let why = format!(
                "{dependent} basis functions are combinations of others; atoms are too near, or exponents too alike"
            );
            return Err(TrialFailure::OutOfDomain { why });
        }
        let options = &simulation.options;
        let field = options.theory.mean_field(core, options.repulsion, &parameters)?;
        let reference = reference(options.reference, &molecule);
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
        let mut run = MoleculeRun { map: self, field, scf, values: Values::default() };
        run.values.entries = run.entries()?;
        Ok(Box::new(run))
    }
}

/// Whether an output is the force on an atom.
fn is_force(name: &str) -> bool {
    name.rsplit('.').next() == Some("force")
}

struct MoleculeRun<'a> {
    map: &'a MoleculeMap,
    field: MeanField,
    scf: Scf,
    values: Values,
}

impl MoleculeRun<'_> {
    /// The picked outputs.
    fn entries(&self) -> Result<Vec<f64>, GradientError> {
        let quantities = &self.map.simulation.outputs;
        let (core, density) = (self.field.core(), self.scf.total_density());
        let positions = if self.map.outputs.iter().any(|k| is_force(&quantities[*k].name)) {
            self.field.gradient(&self.scf, Inputs::Molecule)?.positions
        } else {
            Vec::new()
        };
        let mulliken = core.mulliken_charges(&density);
        let stability = match self.scf.status {
            ScfStatus::Minimum(stability) | ScfStatus::Saddle(stability) => stability,
            _ => Stability { internal_ha: f64::NAN, external_ha: None },
        };
        let first_of_atoms = quantities.len() - EACH * core.molecule.atoms().len();
        let mut entries = Vec::new();
        for output in &self.map.outputs {
            let name = quantities[*output].name.as_str();
            let atom = output.saturating_sub(first_of_atoms) / EACH;
            match name {
                "energy" => entries.push(self.scf.energy_ha()),
                "dipole" => entries.extend(core.dipole_moment(&density)),
                "spin_square" => entries.push(self.scf.spin_square(core)),
                "stability.internal" => entries.push(stability.internal_ha),
                "stability.unrestricted" => {
                    entries.push(stability.external_ha.unwrap_or(f64::NAN));
                }
                "orbital.energies" | "orbital.up.energies" => {
                    entries.extend_from_slice(&self.scf.orbitals[0].energies_ha);
                }
                "orbital.down.energies" => {
                    entries.extend_from_slice(&self.scf.orbitals[1].energies_ha);
                }
                _ if is_force(name) => entries.extend(positions[atom].map(|g| -g)),
                _ => entries.push(mulliken[atom]),
            }
        }
        Ok(entries)
    }

    /// Which derivatives are needed.
    fn wanted(&self) -> Inputs {
        let core = self.field.core();
        let first = FIXED_INPUTS + EACH * core.molecule.atoms().len();
        let shells = first..first + EACH * core.basis.shells().len();
        if self.map.inputs.iter().any(|input| shells.contains(input)) {
            Inputs::MoleculeAndBasis
        } else {
            Inputs::Molecule
        }
    }

    /// A gradient in the order of the picked inputs, and derivatives by the functional's parameters.
    fn picked(&self, gradient: &EnergyGradient, by_parameters: &[f64]) -> Vec<f64> {
        let atoms = gradient.positions.len();
        let shells = self.field.core().basis.shells().len();
        let mut entries = Vec::with_capacity(self.map.input_len());
        for input in &self.map.inputs {
            match input.checked_sub(FIXED_INPUTS) {
                None => entries.extend(gradient.electric_field),
                Some(at) if at < EACH * atoms => match at % EACH {
                    0 => entries.extend(gradient.positions[at / EACH]),
                    _ => entries.push(gradient.charges[at / EACH]),
                },
                Some(at) if at >= EACH * (atoms + shells) => {
                    entries.push(by_parameters[at - EACH * (atoms + shells)]);
                }
                Some(at) => {
                    let (shell, which) = ((at - EACH * atoms) / EACH, at % EACH);
                    let of = if which == 0 { &gradient.exponents } else { &gradient.coefficients };
                    entries.extend_from_slice(&of[shell]);
                }
            }
        }
        entries
    }

    /// First entries of the energy and the dipole among the picked outputs.
    fn differentiable(&self) -> (Option<usize>, Option<usize>) {
        let (mut energy, mut dipole, mut first) = (None, None, 0);
        for output in &self.map.outputs {
            let quantity = &self.map.simulation.outputs[*output];
            match quantity.name.as_str() {
                "energy" => energy = Some(first),
                "dipole" => dipole = Some(first),
                _ => {}
            }
            first += quantity.len();
        }
        (energy, dipole)
    }
}

impl Linearised for MoleculeRun<'_> {
    fn values(&self) -> &Values {
        &self.values
    }

    fn pullback(&self, cotangents: &[&[f64]]) -> Result<Vec<Vec<f64>>, TrialFailure> {
        let inputs = self.wanted();
        let (energy, dipole) = self.differentiable();
        let one = |y_bar: &&[f64]| {
            let mut x_bar = vec![0.0; self.map.input_len()];
            let mut add = |factor: f64, gradient: &EnergyGradient, by_parameters: &[f64]| {
                let entries = self.picked(gradient, by_parameters);
                x_bar.iter_mut().zip(entries).for_each(|(x, g)| *x += factor * g);
            };
            if let Some(bar) = energy.map(|first| y_bar[first]).filter(|bar| *bar != 0.0) {
                let by_parameters = self.field.by_parameters(&self.scf)?;
                add(bar, &self.field.gradient(&self.scf, inputs)?, &by_parameters);
            }
            let bar = dipole.map(|first| [y_bar[first], y_bar[first + 1], y_bar[first + 2]]);
            if let Some(bar) = bar.filter(|bar| bar.iter().any(|b| *b != 0.0)) {
                let MeanField::HartreeFock(builder) = &self.field else {
                    return Err(TrialFailure::NotDifferentiable {
                        parameter: "the dipole moment".into(),
                        why: DIPOLE.into(),
                    });
                };
                add(1.0, &dipole_gradient(builder, &self.scf, bar, inputs)?, &[]);
            }
            Ok(x_bar)
        };
        cotangents.iter().map(one).collect()
    }

    fn pushforward(&self, tangents: &[&[f64]]) -> Result<Vec<Vec<f64>>, TrialFailure> {
        let m = self.map.output_len();
        let (energy, dipole) = self.differentiable();
        let rows: Vec<usize> =
            energy.into_iter().chain(dipole.into_iter().flat_map(|d| d..d + 3)).collect();
        let unit =
            |row: usize| -> Vec<f64> { (0..m).map(|k| f64::from(u8::from(k == row))).collect() };
        let units: Vec<Vec<f64>> = rows.iter().map(|row| unit(*row)).collect();
        let cotangents: Vec<&[f64]> = units.iter().map(Vec::as_slice).collect();
        let jacobian = self.pullback(&cotangents)?;
        let one = |x_dot: &&[f64]| {
            let mut y_dot = vec![0.0; m];
            for (row, entries) in rows.iter().zip(&jacobian) {
                y_dot[*row] = entries.iter().zip(*x_dot).map(|(g, x)| g * x).sum();
            }
            y_dot
        };
        Ok(tangents.iter().map(one).collect())
    }
}

impl From<CoreError> for TrialFailure {
    fn from(error: CoreError) -> Self {
        Self::OutOfDomain { why: error.to_string() }
    }
}

impl From<ScfError> for TrialFailure {
    fn from(error: ScfError) -> Self {
        match error {
            ScfError::NonFinite { .. } => Self::NonFinite { what: "the Fock matrix".into() },
            ScfError::OpenShell { .. } | ScfError::StartDoesNotFit => {
                Self::Contract(error.to_string())
            }
        }
    }
}

impl From<IntegralError> for TrialFailure {
    fn from(error: IntegralError) -> Self {
        match error {
            IntegralError::Grid(_) => Self::Contract(error.to_string()),
            IntegralError::Functional(_) => Self::OutOfDomain { why: error.to_string() },
        }
    }
}

impl From<GradientError> for TrialFailure {
    fn from(error: GradientError) -> Self {
        match error {
            GradientError::NotConverged { gradient_ha } => Self::NotConverged {
                what: "the self-consistent field".into(),
                residual: gradient_ha,
                iterations: 0,
                advice: "converge it before it is differentiated".into(),
            },
            GradientError::Integral(source) => source.into(),
        }
    }
}

impl From<ResponseError> for TrialFailure {
    fn from(error: ResponseError) -> Self {
        match error {
            ResponseError::Gradient(source) => source.into(),
            ResponseError::NoMinimum { .. } => Self::NotDifferentiable {
                parameter: "the dipole moment".into(),
                why: error.to_string(),
            },
            ResponseError::NotConverged { residual, products } => Self::NotConverged {
                what: "the response of the orbitals".into(),
                residual,
                iterations: products,
                advice: "the field is nearly unstable: look at its stability".into(),
            },
        }
    }
}
