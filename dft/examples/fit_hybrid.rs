//! Fits two parameters of B3LYP, its exact exchange and its gradient correction, to atomisation energies.
//!
//! `cargo run --release -p cotangent-dft --example fit_hybrid`
#![expect(clippy::print_stdout, reason = "an example talks")]

use std::error::Error;

use cotangent_dft::molecule::integrals::repulsion::store::RepulsionOptions;
use cotangent_dft::molecule::scf::{Core, Reference, ScfOptions, StabilityCheck};
use cotangent_dft::molecule::scf::{FockBuilder as _, self_consistent_field};
use cotangent_dft::molecule::{
    Atom, BOHR_ANGSTROM, Basis, Element, Form, GridOptions, KohnSham, Molecule, StandardFunctional,
    basis_set,
};
use cotangent_optim::{Method, Problem, Run, StepResult, Stop};
use cotangent_problem::{
    Capabilities, Evaluation, Objective, Parameter, SampleKey, Space, TrialFailure, Want, Workspace,
};

/// Without vibration, from experiment, in kcal/mol; distances in angstrom.
const MOLECULES: [(&str, &str, f64, f64); 4] = [
    ("H", "H", 0.741, 109.5),
    ("Li", "H", 1.596, 58.0),
    ("H", "F", 0.917, 141.6),
    ("C", "O", 1.128, 259.6),
];
/// Multiplicities of the atoms.
const ATOMS: [(&str, usize); 5] = [("H", 2), ("Li", 2), ("F", 2), ("C", 3), ("O", 3)];
const KCAL_PER_HARTREE: f64 = 627.509_474;

/// Half the sum of squares of what atomisation energies are off, in kcal/mol.
struct Atomisation;

/// Energy in hartree and its derivatives by the two parameters.
fn energy(molecule: &Molecule, x: &[f64]) -> Result<(f64, Vec<f64>), TrialFailure> {
    let failed = |error: &dyn Error| TrialFailure::OutOfDomain { why: error.to_string() };
    let set = basis_set("6-311++G**").map_err(|e| failed(&e))?;
    let set = set.ok_or(TrialFailure::Contract("no such basis set".into()))?;
    let basis = Basis::new(molecule, &set, Form::Spherical).map_err(|e| failed(&e))?;
    let core = Core::new(molecule, &basis, [0.0; 3])?;
    let grid = GridOptions { level: 1, ..GridOptions::default() };
    let b3lyp = StandardFunctional::B3lyp.into();
    let builder = KohnSham::new(core, RepulsionOptions::default(), &b3lyp, &grid)
        .and_then(|builder| builder.with_parameters(&[x[0], x[1], 0.81]))?;
    let singlet = molecule.multiplicity() == 1;
    let reference = if singlet { Reference::Restricted } else { Reference::Unrestricted };
    let options = ScfOptions { stability: StabilityCheck::Off, ..ScfOptions::default() };
    let scf = self_consistent_field(&builder, reference, &options)?;
    if !scf.is_stationary() {
        let why = format!("{} functions did not converge", builder.core().basis.len());
        return Err(TrialFailure::OutOfDomain { why });
    }
    let by = builder.by_parameters(&scf.densities())?;
    Ok((scf.energy_ha(), by[..2].to_vec()))
}

fn molecule(atoms: &[(&str, f64)], multiplicity: usize) -> Result<Molecule, TrialFailure> {
    let unknown = || TrialFailure::Contract("an element that does not exist".into());
    let atom = |(symbol, z): &(&str, f64)| {
        let element = Element::of_symbol(symbol).ok_or_else(unknown)?;
        Ok(Atom::new(element, [0.0, 0.0, z / BOHR_ANGSTROM]))
    };
    let atoms = atoms.iter().map(atom).collect::<Result<Vec<Atom>, TrialFailure>>()?;
    Molecule::new(atoms, 0, multiplicity)
        .map_err(|error| TrialFailure::OutOfDomain { why: error.to_string() })
}

/// What each atomisation energy is off, in kcal/mol, with its derivatives.
fn errors(x: &[f64]) -> Result<Vec<(f64, Vec<f64>)>, TrialFailure> {
    let of_atom = |(symbol, multiplicity): &(&'static str, usize)| {
        Ok((*symbol, energy(&molecule(&[(*symbol, 0.0)], *multiplicity)?, x)?))
    };
    let atoms = ATOMS.iter().map(of_atom).collect::<Result<Vec<_>, TrialFailure>>()?;
    let of_molecule = |(a, b, distance, experiment): &(&str, &str, f64, f64)| {
        let whole = energy(&molecule(&[(*a, 0.0), (*b, *distance)], 1)?, x)?;
        let mut error = -whole.0 - experiment / KCAL_PER_HARTREE;
        let mut by: Vec<f64> = whole.1.iter().map(|g| -g).collect();
        for symbol in [a, b] {
            for (_, (energy, of)) in atoms.iter().filter(|(known, _)| known == symbol) {
                error += energy;
                by.iter_mut().zip(of).for_each(|(sum, g)| *sum += g);
            }
        }
        by.iter_mut().for_each(|g| *g *= KCAL_PER_HARTREE);
        Ok((error * KCAL_PER_HARTREE, by))
    };
    MOLECULES.iter().map(of_molecule).collect()
}

impl Objective for Atomisation {
    fn dim(&self) -> usize {
        2
    }

    fn capabilities(&self) -> Capabilities {
        let residuals = Some(MOLECULES.len());
        Capabilities { gradient: true, residuals, ..Capabilities::default() }
    }

    fn evaluate(
        &self,
        x: &[f64],
        want: Want,
        _: SampleKey,
        _: &mut Workspace,
    ) -> Result<Evaluation, TrialFailure> {
        let errors = errors(x)?;
        let value = 0.5 * errors.iter().map(|(error, _)| error * error).sum::<f64>();
        let by = |k: usize| errors.iter().map(|(error, by)| error * by[k]).sum::<f64>();
        Ok(Evaluation {
            value,
            gradient: want.gradient.then(|| vec![by(0), by(1)]),
            residuals: want.residuals.then(|| errors.iter().map(|(error, _)| *error).collect()),
            jacobian: want
                .jacobian
                .then(|| errors.iter().flat_map(|(_, by)| by.iter().copied()).collect()),
            ..Evaluation::default()
        })
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let parameters = ["exact_exchange", "becke"];
    let space = Space::new(
        parameters.map(|name| Parameter::scalar(name).within(0.0, 1.5).scaled(0.1)).to_vec(),
    )?;
    let start = [0.2, 0.72];
    let show = |x: &[f64]| -> Result<(), TrialFailure> {
        println!("exact exchange {:.4}, gradient correction {:.4}", x[0], x[1]);
        for ((a, b, _, experiment), (error, _)) in MOLECULES.iter().zip(errors(x)?) {
            println!("  {a}{b}: {experiment:6.1} kcal/mol in experiment, off by {error:+.2}");
        }
        Ok(())
    };
    show(&start)?;
    let problem = Problem { objective: &Atomisation, space: &space };
    let method = Method::named("gauss-newton").ok_or("no such method")?;
    let stop = Stop { max_evaluations: 20, ..Stop::default() };
    let mut run = Run::start(&problem, method, stop, &start, SampleKey(0))?;
    let mut best = start.to_vec();
    while let StepResult::Continue(iteration) = run.step(&problem) {
        println!("{:3} {:.6}", iteration.index, iteration.value);
        best.clone_from(&iteration.x);
    }
    show(&best)?;
    Ok(())
}
