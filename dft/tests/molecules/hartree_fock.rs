//! Molecules against PySCF 2.14.0 (`peers/molecules.py`), and their derivatives against central differences of their own energies.

#![expect(clippy::unwrap_used, reason = "tests fail where a fixed case is wrong")]

use cotangent_dft::molecule::gradient::{EnergyGradient, GradientError, Inputs};
use cotangent_dft::molecule::integrals::one_electron::{
    attraction, dipole, kinetic, overlap, second_moments,
};
use cotangent_dft::molecule::integrals::repulsion::store::{Repulsion, RepulsionOptions};
use cotangent_dft::molecule::response::{Property, ResponseError, polarisability};
use cotangent_dft::molecule::scf::{
    Core, CoreError, FockBuilder, HartreeFock, Method, Reference, Scf, ScfError, ScfOptions,
    ScfStatus, StabilityCheck, Start, self_consistent_field, with_spins_apart,
};
use cotangent_dft::molecule::{
    Atom, BOHR_ANGSTROM, Basis, Conditions, Element, Form, Matrix, Molecule, MoleculeOptions,
    MoleculeSimulation, Shell, basis_set,
};
use cotangent_problem::{Keep, SampleKey, Simulation, Workspace};
use serde::Deserialize;
use std::sync::Arc;

#[derive(Deserialize)]
struct Record {
    name: String,
    basis: String,
    charge: i32,
    multiplicity: usize,
    cartesian: bool,
    symbols: Vec<String>,
    positions_bohr: Vec<[f64; 3]>,
    functions: usize,
    energy_ha: f64,
    orbital_energies_ha: serde_json::Value,
    dipole_e_bohr: [f64; 3],
    gradient: Vec<[f64; 3]>,
    spin_square: f64,
    sums: Option<Sums>,
}

#[derive(Deserialize)]
struct Sums {
    overlap: f64,
    kinetic: f64,
    attraction: f64,
    dipole: [f64; 3],
    second_moments: [f64; 6],
    repulsion: f64,
}

fn records() -> Vec<Record> {
    serde_json::from_str(include_str!("../data/molecules.json")).unwrap()
}

fn atom(symbol: &str, position_bohr: [f64; 3]) -> Atom {
    Atom::new(Element::of_symbol(symbol).unwrap(), position_bohr)
}

impl Record {
    fn molecule(&self) -> Molecule {
        let atoms = self.symbols.iter().zip(&self.positions_bohr);
        let atoms = atoms.map(|(symbol, position)| atom(symbol, *position)).collect();
        Molecule::new(atoms, self.charge, self.multiplicity).unwrap()
    }

    fn basis(&self, molecule: &Molecule) -> Basis {
        let name = self.basis.replace("ppgss", "++G**").replace("gs", "G*");
        let set = basis_set(&name).unwrap().unwrap();
        let form = if self.cartesian { Form::Cartesian } else { Form::Spherical };
        Basis::new(molecule, &set, form).unwrap()
    }
}

fn reference(molecule: &Molecule) -> Reference {
    if molecule.multiplicity() == 1 { Reference::Restricted } else { Reference::Unrestricted }
}

/// Converged as far as differences of energies need it.
fn tight() -> ScfOptions {
    ScfOptions { tol_energy_ha: 1e-11, tol_gradient_ha: 1e-9, ..ScfOptions::default() }
}

fn exact() -> RepulsionOptions {
    RepulsionOptions { cutoff_ha: 1e-15, ..RepulsionOptions::default() }
}

fn solve(
    molecule: &Molecule,
    basis: &Basis,
    field: [f64; 3],
    options: &ScfOptions,
) -> (HartreeFock, Scf) {
    let builder = HartreeFock::new(Core::new(molecule, basis, field).unwrap(), exact());
    let scf = self_consistent_field(&builder, reference(molecule), options).unwrap();
    (builder, scf)
}

fn weighted(entries: &[f64]) -> f64 {
    entries.iter().enumerate().map(|(k, x)| (k as f64 + 1.0).sin() * x).sum()
}

#[test]
fn sums_over_all_integrals_match_pyscf() {
    for record in records() {
        let Some(sums) = &record.sums else { continue };
        let molecule = record.molecule();
        let basis = record.basis(&molecule);
        let close = |what: &str, found: f64, wanted: f64| {
            let error = (found - wanted).abs();
            assert!(error < 2e-9, "{} of {} is off by {error:e}", what, record.name);
        };
        assert_eq!(basis.len(), record.functions);
        close("overlap", weighted(overlap(&molecule, &basis).entries()), sums.overlap);
        close("kinetic", weighted(kinetic(&molecule, &basis).entries()), sums.kinetic);
        close("attraction", weighted(attraction(&molecule, &basis).entries()), sums.attraction);
        for (found, wanted) in dipole(&molecule, &basis, [0.0; 3]).iter().zip(sums.dipole) {
            close("dipole", weighted(found.entries()), wanted);
        }
        let second = second_moments(&molecule, &basis, [0.0; 3]);
        for (found, wanted) in second.iter().zip(sums.second_moments) {
            close("second moments", weighted(found.entries()), wanted);
        }
        let repulsion = Repulsion::new(&molecule, &basis, exact());
        close("repulsion", weighted(&repulsion.packed()), sums.repulsion);
    }
}

#[test]
fn energies_orbitals_dipoles_and_gradients_match_pyscf() {
    for record in records() {
        let molecule = record.molecule();
        let (builder, scf) = solve(&molecule, &record.basis(&molecule), [0.0; 3], &tight());
        let core = builder.core();
        let name = format!("{} in {}", record.name, record.basis);
        assert!(matches!(scf.status, ScfStatus::Minimum(_)), "{name}: {:?}", scf.status);
        assert!((scf.energy_ha() - record.energy_ha).abs() < 1e-9, "{name}: {}", scf.energy_ha());
        assert!((scf.spin_square(core) - record.spin_square).abs() < 1e-7, "{name}");
        let wanted: Vec<Vec<f64>> = match scf.reference {
            Reference::Restricted => {
                vec![serde_json::from_value(record.orbital_energies_ha).unwrap()]
            }
            Reference::Unrestricted => serde_json::from_value(record.orbital_energies_ha).unwrap(),
        };
        for (orbitals, wanted) in scf.orbitals.iter().zip(&wanted) {
            for (found, wanted) in orbitals.energies_ha.iter().zip(wanted) {
                assert!((found - wanted).abs() < 1e-7, "{name}: level {found} for {wanted}");
            }
        }
        let dipole = core.dipole_moment(&scf.total_density());
        for axis in 0..3 {
            assert!((dipole[axis] - record.dipole_e_bohr[axis]).abs() < 1e-6, "{name}: {dipole:?}");
        }
        let charges = core.mulliken_charges(&scf.total_density());
        assert!((charges.iter().sum::<f64>() - f64::from(record.charge)).abs() < 1e-9, "{name}");
        let gradient = EnergyGradient::hartree_fock(&builder, &scf, Inputs::Molecule).unwrap();
        for (found, wanted) in gradient.positions.iter().zip(&record.gradient) {
            for axis in 0..3 {
                assert!((found[axis] - wanted[axis]).abs() < 1e-7, "{name}: {found:?}");
            }
        }
        for axis in 0..3 {
            let sum: f64 = gradient.positions.iter().map(|g| g[axis]).sum();
            assert!(sum.abs() < 1e-11, "{name}: forces add up to {sum:e}");
        }
    }
}

/// `f'(0)` by central differences of fourth order.
fn difference(step: f64, f: impl Fn(f64) -> f64) -> f64 {
    (8.0 * (f(step) - f(-step)) - (f(2.0 * step) - f(-2.0 * step))) / (12.0 * step)
}

/// A molecule with every derivative compared: by positions, charges and field to 1e-8, by exponents and coefficients to 1e-6 of
/// themselves.
fn compare_with_differences(molecule: &Molecule, basis: &Basis) {
    let field = [0.01, -0.02, 0.015];
    let quick = ScfOptions { stability: StabilityCheck::Off, ..tight() };
    let (builder, scf) = solve(molecule, basis, field, &quick);
    let quick = ScfOptions { start: Start::Orbitals(scf.orbitals.clone()), ..quick };
    let energy = |molecule: &Molecule, basis: &Basis, field| {
        let (_, scf) = solve(molecule, basis, field, &quick);
        assert!(scf.is_stationary());
        scf.energy_ha()
    };
    let gradient = EnergyGradient::hartree_fock(&builder, &scf, Inputs::MoleculeAndBasis).unwrap();
    for k in 0..molecule.atoms().len() {
        for axis in 0..3 {
            let found = difference(1e-3, |t| {
                let mut at: Vec<_> = molecule.atoms().iter().map(|a| a.position_bohr).collect();
                at[k][axis] += t;
                energy(&molecule.with_positions(&at).unwrap(), basis, field)
            });
            assert!((found - gradient.positions[k][axis]).abs() < 1e-8, "atom {k}, axis {axis}");
        }
        let found = difference(1e-3, |t| {
            let mut charges: Vec<_> = molecule.atoms().iter().map(|a| a.charge).collect();
            charges[k] += t;
            energy(&molecule.with_charges(&charges).unwrap(), basis, field)
        });
        assert!((found - gradient.charges[k]).abs() < 1e-8, "charge {k}");
    }
    for axis in 0..3 {
        let found = difference(1e-3, |t| {
            let mut field = field;
            field[axis] += t;
            energy(molecule, basis, field)
        });
        assert!((found - gradient.electric_field[axis]).abs() < 1e-8, "field {axis}");
    }
    for (index, shell) in basis.shells().iter().enumerate() {
        for k in 0..shell.exponents.len() {
            let changed = |t: f64, of_coefficient: bool| {
                let mut shells = basis.shells().to_vec();
                if of_coefficient {
                    shells[index].coefficients[k] *= 1.0 + t;
                } else {
                    shells[index].exponents[k] *= 1.0 + t;
                }
                energy(molecule, &Basis::from_shells(shells, basis.form()).unwrap(), field)
            };
            let wanted = gradient.exponents[index][k] * shell.exponents[k];
            let found = difference(2e-3, |t| changed(t, false));
            let error = (found - wanted).abs();
            assert!(error < 1e-8 + 1e-6 * wanted.abs(), "exponent {index}, {k}: {error:e}");
            let wanted = gradient.coefficients[index][k] * shell.coefficients[k];
            let found = difference(2e-3, |t| changed(t, true));
            let error = (found - wanted).abs();
            assert!(error < 1e-8 + 1e-6 * wanted.abs(), "coefficient {index}, {k}: {error:e}");
        }
        let along: f64 =
            gradient.coefficients[index].iter().zip(&shell.coefficients).map(|(g, c)| g * c).sum();
        assert!(along.abs() < 1e-10, "a normalised contraction has no scale: {along:e}");
    }
}

/// Shells of every angular momentum, two of them contracted, on two atoms.
fn mixed_basis(form: Form) -> Basis {
    let shell = |atom, l, exponents: &[f64], coefficients: &[f64]| Shell {
        atom,
        l,
        exponents: exponents.to_vec(),
        coefficients: coefficients.to_vec(),
    };
    let shells = vec![
        shell(0, 0, &[9.0, 1.4], &[0.3, 0.8]),
        shell(0, 0, &[0.35], &[1.0]),
        shell(0, 3, &[0.9], &[1.0]),
        shell(1, 0, &[0.6], &[1.0]),
        shell(1, 1, &[1.9, 0.4], &[0.5, -0.2]),
        shell(1, 2, &[0.8], &[1.0]),
    ];
    Basis::from_shells(shells, form).unwrap()
}

#[test]
fn derivatives_match_central_differences() {
    let molecule = |charge, multiplicity| {
        let atoms = vec![atom("He", [0.1, 0.2, 0.0]), atom("H", [0.3, -0.4, 1.3])];
        Molecule::new(atoms, charge, multiplicity).unwrap()
    };
    compare_with_differences(&molecule(1, 1), &mixed_basis(Form::Spherical));
    compare_with_differences(&molecule(0, 2), &mixed_basis(Form::Cartesian));
}

fn hydrogens(distance_bohr: f64) -> Molecule {
    Molecule::new(vec![atom("H", [0.0; 3]), atom("H", [0.0, 0.0, distance_bohr])], 0, 1).unwrap()
}

#[test]
fn torn_apart_hydrogen_is_said_to_want_unrestricted_orbitals_and_gets_them() {
    let molecule = hydrogens(16.0);
    let basis =
        Basis::new(&molecule, &basis_set("6-31G").unwrap().unwrap(), Form::Spherical).unwrap();
    let (builder, restricted) = solve(&molecule, &basis, [0.0; 3], &tight());
    let ScfStatus::Minimum(stability) = restricted.status else {
        panic!("{:?}", restricted.status)
    };
    assert!(stability.spins_want_to_differ());
    assert!(restricted.advice().unwrap().contains("unrestricted"));
    let start = with_spins_apart(&builder, &restricted).unwrap();
    let options = ScfOptions { start, ..tight() };
    let apart = self_consistent_field(&builder, Reference::Unrestricted, &options).unwrap();
    // two atoms: twice the energy of one, and one electron of each spin
    let atoms = 2.0 * records()[0].energy_ha;
    assert!((apart.energy_ha() - atoms).abs() < 1e-6, "{}", apart.energy_ha());
    assert!((apart.spin_square(builder.core()) - 1.0).abs() < 1e-4);
    assert!(apart.energy_ha() < restricted.energy_ha() - 0.2);
    assert!(matches!(apart.status, ScfStatus::Minimum(_)) && apart.advice().is_none());
    assert!(with_spins_apart(&builder, &apart).is_none());
    // the same orbitals for both spins are a saddle among unrestricted ones
    let same = vec![restricted.orbitals[0].clone(), restricted.orbitals[0].clone()];
    let options = ScfOptions { start: Start::Orbitals(same), ..tight() };
    let saddle = self_consistent_field(&builder, Reference::Unrestricted, &options).unwrap();
    assert!(matches!(saddle.status, ScfStatus::Saddle(_)), "{:?}", saddle.status);
    assert!(saddle.advice().unwrap().contains("no minimum"));
    let options = ScfOptions { follow_down: true, ..options };
    let followed = self_consistent_field(&builder, Reference::Unrestricted, &options).unwrap();
    assert!((followed.energy_ha() - apart.energy_ha()).abs() < 1e-9);
    assert!(followed.iterations.iter().any(|i| i.method == Method::Descent));
}

#[test]
fn the_second_order_method_and_every_start_lead_to_the_same_energy() {
    let record = records().remove(5); // OH, whose pi level is degenerate
    let molecule = record.molecule();
    let basis = record.basis(&molecule);
    for (start, max_diis) in [(Start::CoreHamiltonian, 50), (Start::Atoms, 3)] {
        let options = ScfOptions { start, max_diis, follow_down: true, ..tight() };
        let (_, scf) = solve(&molecule, &basis, [0.0; 3], &options);
        assert!((scf.energy_ha() - record.energy_ha).abs() < 1e-9, "{}", scf.energy_ha());
        let newton = scf.iterations.iter().any(|i| i.method == Method::Newton);
        assert!(newton || max_diis > 3);
    }
    let shifted = ScfOptions { level_shift_ha: 0.2, ..tight() };
    let (_, scf) = solve(&molecule, &basis, [0.0; 3], &shifted);
    assert!((scf.energy_ha() - record.energy_ha).abs() < 1e-9, "{}", scf.energy_ha());
}

#[test]
fn what_is_no_field_is_refused_or_said() {
    let record = records().remove(1);
    let molecule = record.molecule();
    let basis = record.basis(&molecule);
    let short = ScfOptions { max_diis: 1, max_newton: 0, ..tight() };
    let (builder, scf) = solve(&molecule, &basis, [0.0; 3], &short);
    assert!(!scf.is_stationary() && scf.advice().unwrap().contains("did not converge"));
    let refused = EnergyGradient::hartree_fock(&builder, &scf, Inputs::Molecule);
    assert!(matches!(refused, Err(GradientError::NotConverged { .. })));
    let triplet = Molecule::new(molecule.atoms().to_vec(), 0, 3).unwrap();
    let builder = HartreeFock::new(Core::new(&triplet, &basis, [0.0; 3]).unwrap(), exact());
    let refused = self_consistent_field(&builder, Reference::Restricted, &tight());
    assert!(matches!(refused, Err(ScfError::OpenShell { up: 6, down: 4 })));
    let other = ScfOptions { start: Start::Orbitals(scf.orbitals), ..tight() };
    let refused = self_consistent_field(&builder, Reference::Unrestricted, &other);
    assert!(matches!(refused, Err(ScfError::StartDoesNotFit)));
    let crowded = Molecule::new(vec![atom("H", [0.0; 3])], -3, 3).unwrap();
    let set = basis_set("6-31G").unwrap().unwrap();
    let basis = Basis::new(&crowded, &set, Form::Spherical).unwrap();
    let refused = Core::new(&crowded, &basis, [0.0; 3]);
    assert!(matches!(refused, Err(CoreError::TooFewFunctions { electrons: 3, functions: 2 })));
}

#[test]
fn functions_that_others_make_are_left_out_and_counted() {
    let molecule = hydrogens(1.4);
    let set = basis_set("6-31G").unwrap().unwrap();
    let basis = Basis::new(&molecule, &set, Form::Spherical).unwrap();
    let (builder, scf) = solve(&molecule, &basis, [0.0; 3], &tight());
    assert_eq!(builder.core().dependent_functions(), 0);
    let mut shells = basis.shells().to_vec();
    shells.push(shells[0].clone());
    let twice = Basis::from_shells(shells, Form::Spherical).unwrap();
    let (builder, with_copy) = solve(&molecule, &twice, [0.0; 3], &tight());
    assert_eq!(builder.core().dependent_functions(), 1);
    assert!((scf.energy_ha() - with_copy.energy_ha()).abs() < 1e-10);
}

#[test]
fn integrals_made_anew_give_the_same_matrices_as_kept_ones() {
    let record = records().remove(3);
    let molecule = record.molecule();
    let basis = record.basis(&molecule);
    let kept = Repulsion::new(&molecule, &basis, RepulsionOptions::default());
    let direct = RepulsionOptions { memory_bytes: 0, ..RepulsionOptions::default() };
    let direct = Repulsion::new(&molecule, &basis, direct);
    assert!(kept.is_kept() && !direct.is_kept());
    let n = basis.len();
    let entries = (0..n * n).map(|at| ((at / n + at % n) as f64).cos()).collect();
    let densities = [Matrix::from_entries(n, n, entries)];
    let (kept, direct) = (kept.coulomb_exchange(&densities), direct.coulomb_exchange(&densities));
    assert_eq!(kept, direct);
}

/// Places of the outputs that have derivatives.
fn answering(simulation: &MoleculeSimulation) -> Vec<usize> {
    let outputs = simulation.outputs().iter().enumerate();
    outputs.filter(|(_, q)| q.not_differentiable.is_none()).map(|(k, _)| k).collect()
}

#[test]
fn derivatives_of_all_that_answers_match_central_differences() {
    let atoms = || vec![atom("He", [0.1, 0.2, 0.0]), atom("H", [0.3, -0.4, 1.3])];
    for (charge, multiplicity) in [(1, 1), (0, 2)] {
        let molecule = Molecule::new(atoms(), charge, multiplicity).unwrap();
        let scf = ScfOptions { stability: StabilityCheck::Off, ..tight() };
        let options = MoleculeOptions { repulsion: exact(), scf, ..MoleculeOptions::default() };
        let basis = mixed_basis(Form::Spherical);
        let mut simulation = MoleculeSimulation::new(molecule, basis, options);
        simulation.fix(0, &[0.01, -0.02, 0.015]).unwrap();
        let simulation = Arc::new(simulation);
        let all: Vec<usize> = (0..simulation.inputs().len()).collect();
        let x: Vec<f64> = simulation.inputs().iter().flat_map(|q| q.value.clone()).collect();
        let outputs = answering(&simulation);
        let map = Arc::clone(&simulation).map(&all, &outputs, true).unwrap();
        let at = |x: &[f64]| {
            map.run(x, Keep::Linearisation, SampleKey(0), &mut Workspace::new()).unwrap()
        };
        let mut y_bar: Vec<f64> =
            (0..map.output_len()).map(|k| (1.3 * k as f64 + 0.8).sin()).collect();
        // levels that are nearly one count alike
        let here = at(&x).values().entries.clone();
        for k in (1..here.len()).filter(|k| (here[*k] - here[k - 1]).abs() < 1e-3) {
            y_bar[k] = y_bar[k - 1];
        }
        let x_bar = at(&x).pullback(&[&y_bar]).unwrap().remove(0);
        let objective = |x: &[f64]| -> f64 {
            at(x).values().entries.iter().zip(&y_bar).map(|(y, bar)| y * bar).sum()
        };
        // every input at once, each by its own share, in directions without symmetry
        for seed in 1..=4 {
            let direction: Vec<f64> = (0..x.len())
                .map(|k| x[k].abs().max(0.5) * (f64::from(seed) * (k as f64 + 1.7)).sin())
                .collect();
            let found = difference(1e-3, |t| {
                let moved: Vec<f64> = x.iter().zip(&direction).map(|(x, d)| x + t * d).collect();
                objective(&moved)
            });
            let wanted: f64 = x_bar.iter().zip(&direction).map(|(bar, d)| bar * d).sum();
            let error = (found - wanted).abs();
            assert!(error < 1e-8 * (1.0 + wanted.abs()), "{found} for {wanted}");
        }
        // without the levels, of which some are degenerate here
        let outputs: Vec<usize> = outputs
            .into_iter()
            .filter(|k| !simulation.outputs()[*k].name.contains("orbital"))
            .collect();
        let map = simulation.map(&all, &outputs, true).unwrap();
        let run = map.run(&x, Keep::Linearisation, SampleKey(0), &mut Workspace::new()).unwrap();
        let y_bar: Vec<f64> = (0..map.output_len()).map(|k| (k as f64).sin()).collect();
        let tangent: Vec<f64> = (0..x.len()).map(|k| (k as f64).cos()).collect();
        let x_bar = run.pullback(&[&y_bar]).unwrap().remove(0);
        let y_dot = run.pushforward(&[&tangent]).unwrap().remove(0);
        let forward: f64 = y_dot.iter().zip(&y_bar).map(|(y, bar)| y * bar).sum();
        let reverse: f64 = tangent.iter().zip(&x_bar).map(|(x, bar)| x * bar).sum();
        assert!((forward - reverse).abs() < 1e-10 * reverse.abs().max(1.0));
    }
}

#[test]
fn the_dipole_of_formaldehyde_answers_as_published() {
    // PySCF 2.14.0, STO-3G, from central differences of its dipole moment
    let angstrom = 1.0 / BOHR_ANGSTROM;
    let at = |symbol, y: f64, z: f64| atom(symbol, [0.0, y * angstrom, z * angstrom]);
    let atoms = vec![
        at("C", 0.0, -0.5265),
        at("O", 0.0, 0.6644),
        at("H", 0.9369, -1.1129),
        at("H", -0.9369, -1.1129),
    ];
    let molecule = Molecule::new(atoms, 0, 1).unwrap();
    let set = basis_set("STO-3G").unwrap().unwrap();
    let basis = Basis::new(&molecule, &set, Form::Spherical).unwrap();
    let (builder, scf) = solve(&molecule, &basis, [0.0; 3], &tight());
    assert!((scf.energy_ha() + 112.352_759).abs() < 1e-6, "{}", scf.energy_ha());
    let dipole = |direction| {
        let property = Property::zero(&builder, &scf).with_dipole(direction);
        property.gradient(Inputs::Molecule).unwrap().by
    };
    let check = |found: &[[f64; 3]], wanted: [f64; 4]| {
        let found = [found[0][2], found[1][2], found[2][1], found[2][2]];
        for (found, wanted) in found.iter().zip(wanted) {
            assert!((found - wanted).abs() < 1e-6, "{found} for {wanted}");
        }
    };
    let (along_y, along_z) = (dipole([0.0, 1.0, 0.0]), dipole([0.0, 0.0, 1.0]));
    check(&along_z.positions, [0.261_018_711, -0.325_460_978, -0.019_317_943_3, 0.032_221_133_5]);
    let levels = &scf.orbitals[0];
    for (k, energy, wanted) in [
        (7, -0.352_250_371, [0.067_966_807_9, -0.035_818_125_2, 0.026_854_014_5, -0.016_074_341_3]),
        (8, 0.291_996_539, [0.192_009_388, -0.195_467_644, 0.014_578_976_4, 0.001_729_128_2]),
    ] {
        assert!((levels.energies_ha[k] - energy).abs() < 1e-7, "{}", levels.energies_ha[k]);
        let mut weights = vec![0.0; levels.energies_ha.len()];
        weights[k] = 1.0;
        let property = Property::zero(&builder, &scf).with_levels(0, &weights).unwrap();
        check(&property.gradient(Inputs::Molecule).unwrap().by.positions, wanted);
    }
    // the polarisability is the derivative by the field
    let alpha = polarisability(&builder, &scf).unwrap();
    for axis in 0..3 {
        assert!((along_y.electric_field[axis] - alpha[1][axis]).abs() < 1e-8);
        assert!((along_z.electric_field[axis] - alpha[axis][2]).abs() < 1e-8);
    }
}

#[test]
fn one_level_of_a_degenerate_pair_is_refused_and_their_sum_is_not() {
    let at = |z: f64| {
        let atoms = vec![atom("F", [0.0; 3]), atom("H", [0.0, 0.0, z])];
        let molecule = Molecule::new(atoms, 0, 1).unwrap();
        let set = basis_set("6-31G*").unwrap().unwrap();
        let basis = Basis::new(&molecule, &set, Form::Spherical).unwrap();
        solve(&molecule, &basis, [0.0; 3], &tight())
    };
    let (builder, scf) = at(1.75);
    let mut weights = vec![0.0; scf.orbitals[0].energies_ha.len()];
    weights[4] = 1.0;
    let one = Property::zero(&builder, &scf).with_levels(0, &weights);
    let Err(ResponseError::Degenerate { levels: [3, 4], .. }) = one else {
        panic!("the pi level is a pair")
    };
    weights[3] = 1.0;
    let pair = Property::zero(&builder, &scf).with_levels(0, &weights).unwrap();
    let found = pair.gradient(Inputs::Molecule).unwrap().by.positions[1][2];
    let wanted = difference(1e-3, |t| {
        let levels = &at(1.75 + t).1.orbitals[0].energies_ha;
        levels[3] + levels[4]
    });
    assert!((found - wanted).abs() < 1e-7, "{found} for {wanted}");
}

#[test]
fn vibrations_of_water_match_an_analytic_hessian() {
    // PySCF 2.14.0 (`peers/vibrations.py`), RHF/STO-3G: analytic second derivatives; frequencies and thermochemistry with the masses of the commonest isotopes
    let atoms = vec![
        atom("O", [0.0, 0.0, 0.2397]),
        atom("H", [0.0, 1.4325, -0.9588]),
        atom("H", [0.0, -1.4325, -0.9588]),
    ];
    let molecule = Molecule::new(atoms, 0, 1).unwrap();
    let basis = Basis::new(&molecule, &basis_set("STO-3G").unwrap().unwrap(), Form::Spherical);
    let conditions = Conditions { symmetry_number: 2.0, ..Conditions::default() };
    let options = MoleculeOptions { scf: tight(), conditions, ..MoleculeOptions::default() };
    let simulation = Arc::new(MoleculeSimulation::new(molecule, basis.unwrap(), options));
    let names = ["hessian", "vibration.frequencies", "thermo.zero_point", "thermo.entropy"];
    let names = [names.as_slice(), &["thermo.enthalpy", "thermo.gibbs"]].concat();
    let places: Vec<usize> = names
        .iter()
        .map(|name| simulation.outputs().iter().position(|q| q.name == *name).unwrap())
        .collect();
    let map = simulation.map(&[], &places, false).unwrap();
    let found = map.run(&[], Keep::Values, SampleKey(0), &mut Workspace::new()).unwrap();
    let found = &found.values().entries;
    // by rows: O x, O y, O z; H x, H y
    for (row, column, wanted) in [
        (0, 0, -0.001_610_135),
        (0, 3, 0.000_805_067),
        (1, 1, 0.809_324_161),
        (1, 5, 0.339_233_771),
        (2, 2, 0.636_153_205),
        (2, 4, 0.218_066_632),
        (4, 4, 0.441_396_997),
        (4, 8, 0.060_583_570),
        (5, 8, 0.017_366_089),
    ] {
        let error = found[9 * row + column] - wanted;
        assert!(error.abs() < 5e-7, "{row} {column}: {error:e}");
    }
    let frequencies = [2_166.991_040, 4_151.054_865, 4_403.747_866];
    for (found, wanted) in found[81..84].iter().zip(frequencies) {
        assert!((found - wanted).abs() < 0.01, "{found} for {wanted}");
    }
    for (found, wanted, tolerance) in [
        (found[84], 0.024_426_043, 1e-7),
        (found[85], 7.214_947_92e-5, 1e-10),
        (found[86], -74.937_695_222, 1e-7),
        (found[87], -74.959_206_589, 1e-7),
    ] {
        assert!((found - wanted).abs() < tolerance, "{found} for {wanted}");
    }
}
