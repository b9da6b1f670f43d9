//! Kohn-Sham against PySCF 2.14.0 (`peers/kohn_sham.py`), and its derivatives against central differences of its own energies.

#![expect(clippy::unwrap_used, reason = "tests fail where a fixed case is wrong")]

use std::sync::Arc;

use cotangent_dft::molecule::gradient::{EnergyGradient, Inputs};
use cotangent_dft::molecule::integrals::repulsion::store::RepulsionOptions;
use cotangent_dft::molecule::scf::{
    Core, FockBuilder as _, Reference, Scf, ScfOptions, ScfStatus, StabilityCheck, Start,
    self_consistent_field,
};
use cotangent_dft::molecule::{
    Atom, BOHR_ANGSTROM, Basis, Element, ExchangeCorrelation, Form, GridOptions, GridResponse,
    KohnSham, Molecule, MoleculeOptions, MoleculeSimulation, Pruning, StandardFunctional, Theory,
    basis_set,
};
use cotangent_problem::{Keep, SampleKey, Simulation, TrialFailure, Workspace};
use serde::Deserialize;

#[derive(Deserialize)]
struct Record {
    name: String,
    basis: String,
    functional: String,
    charge: i32,
    multiplicity: usize,
    level: usize,
    pruned: bool,
    points: usize,
    symbols: Vec<String>,
    positions_bohr: Vec<[f64; 3]>,
    energy_ha: f64,
    orbital_energies_ha: serde_json::Value,
    dipole_e_bohr: [f64; 3],
    gradient: Vec<[f64; 3]>,
    spin_square: f64,
}

fn records() -> Vec<Record> {
    serde_json::from_str(include_str!("../data/kohn_sham.json")).unwrap()
}

impl Record {
    fn molecule(&self) -> Molecule {
        crate::molecule(&self.symbols, &self.positions_bohr, self.charge, self.multiplicity)
    }

    fn grid(&self) -> GridOptions {
        let pruning = if self.pruned { Pruning::Nwchem } else { Pruning::None };
        GridOptions { level: self.level, pruning, ..GridOptions::default() }
    }

    fn functional(&self) -> ExchangeCorrelation {
        self.functional.parse::<StandardFunctional>().unwrap().into()
    }

    fn basis(&self, molecule: &Molecule) -> Basis {
        basis(molecule, &self.basis.replace("gs", "G*"))
    }
}

fn basis(molecule: &Molecule, name: &str) -> Basis {
    Basis::new(molecule, &basis_set(name).unwrap().unwrap(), Form::Spherical).unwrap()
}

fn tight() -> ScfOptions {
    ScfOptions { tol_energy_ha: 1e-11, tol_gradient_ha: 1e-8, ..ScfOptions::default() }
}

fn exact() -> RepulsionOptions {
    RepulsionOptions { cutoff_ha: 1e-15, ..RepulsionOptions::default() }
}

fn builder(
    molecule: &Molecule,
    basis: &Basis,
    functional: &ExchangeCorrelation,
    grid: &GridOptions,
) -> KohnSham {
    let core = Core::new(molecule, basis, [0.0; 3]).unwrap();
    KohnSham::new(core, exact(), functional, grid).unwrap()
}

fn solve(builder: &KohnSham, options: &ScfOptions) -> Scf {
    let restricted = builder.core().molecule.multiplicity() == 1;
    let reference = if restricted { Reference::Restricted } else { Reference::Unrestricted };
    self_consistent_field(builder, reference, options).unwrap()
}

#[test]
fn energies_orbitals_dipoles_and_gradients_match_pyscf() {
    for record in records() {
        let molecule = record.molecule();
        let basis = record.basis(&molecule);
        let builder = builder(&molecule, &basis, &record.functional(), &record.grid());
        let scf = solve(&builder, &tight());
        let core = builder.core();
        let name = format!("{} {}", record.name, record.functional);
        // PySCF fills up with points of weight 0
        let points = builder.integral().grid().size().next_multiple_of(8);
        assert_eq!(points, record.points, "{name}");
        assert!(matches!(scf.status, ScfStatus::Minimum(_)), "{name}: {:?}", scf.status);
        let error = scf.energy_ha() - record.energy_ha;
        assert!(error.abs() < 1e-8, "{name}: off by {error:e}");
        assert!((scf.spin_square(core) - record.spin_square).abs() < 1e-6, "{name}");
        let restricted = scf.reference == Reference::Restricted;
        let levels = record.orbital_energies_ha.clone();
        let levels: Vec<Vec<f64>> = if restricted {
            vec![serde_json::from_value(levels).unwrap()]
        } else {
            serde_json::from_value(levels).unwrap()
        };
        for (orbitals, wanted) in scf.orbitals.iter().zip(&levels).filter(|(o, _)| o.occupied > 0) {
            for (found, wanted) in orbitals.energies_ha.iter().zip(wanted) {
                assert!((found - wanted).abs() < 1e-6, "{name}: level {found} for {wanted}");
            }
        }
        let dipole = core.dipole_moment(&scf.total_density());
        for axis in 0..3 {
            assert!((dipole[axis] - record.dipole_e_bohr[axis]).abs() < 1e-6, "{name}: {dipole:?}");
        }
        let gradient =
            EnergyGradient::kohn_sham(&builder, &scf, Inputs::Molecule, GridResponse::Included)
                .unwrap();
        for (found, wanted) in gradient.positions.iter().zip(&record.gradient) {
            for axis in 0..3 {
                let error = (found[axis] - wanted[axis]).abs();
                assert!(error < 1e-6, "{name}: {found:?} for {wanted:?}");
            }
        }
        for axis in 0..3 {
            let sum: f64 = gradient.positions.iter().map(|g| g[axis]).sum();
            assert!(sum.abs() < 1e-9, "{name}: forces add up to {sum:e}");
        }
    }
}

/// `f'(0)` by central differences of fourth order.
fn difference(step: f64, f: impl Fn(f64) -> f64) -> f64 {
    (8.0 * (f(step) - f(-step)) - (f(2.0 * step) - f(-2.0 * step))) / (12.0 * step)
}

#[test]
fn derivatives_match_central_differences() {
    let at = |position: [f64; 3]| {
        let atom = |number: usize, r| Atom::new(Element::of_number(number).unwrap(), r);
        let atoms = vec![atom(3, [0.1, 0.2, 0.0]), atom(1, position)];
        move |multiplicity: usize, charge: i32| {
            Molecule::new(atoms.clone(), charge, multiplicity).unwrap()
        }
    };
    let place = [0.3, -0.4, 2.8];
    let grid = GridOptions { points: Some([24, 50]), pruning: Pruning::None, level: 0 };
    let quick = ScfOptions { stability: StabilityCheck::Off, ..tight() };
    for (functional, multiplicity, charge) in [
        (StandardFunctional::B3lyp, 1, 0),
        (StandardFunctional::R2scan, 2, 1),
        (StandardFunctional::LdaVwn5, 1, 0),
    ] {
        let functional = ExchangeCorrelation::from(functional);
        let molecule = at(place)(multiplicity, charge);
        let set = basis(&molecule, "STO-3G");
        let here = builder(&molecule, &set, &functional, &grid);
        let scf = solve(&here, &quick);
        let quick = ScfOptions { start: Start::Orbitals(scf.orbitals.clone()), ..quick.clone() };
        let energy = |molecule: &Molecule, basis: &Basis, parameters: &[f64]| {
            let builder = builder(molecule, basis, &functional, &grid);
            let scf = solve(&builder.with_parameters(parameters).unwrap(), &quick);
            assert!(scf.is_stationary());
            scf.energy_ha()
        };
        let p = functional.parameter_values();
        let included = GridResponse::Included;
        let gradient =
            EnergyGradient::kohn_sham(&here, &scf, Inputs::MoleculeAndBasis, included).unwrap();
        for axis in [0, 2] {
            let found = difference(2e-3, |t| {
                let mut place = place;
                place[axis] += t;
                energy(&at(place)(multiplicity, charge), &set, &p)
            });
            let error = (found - gradient.positions[1][axis]).abs();
            assert!(error < 1e-7, "{functional:?} axis {axis}: {error:e}");
        }
        for (index, k) in [(0, 1), (1, 2), (2, 0)] {
            let shell = &set.shells()[index];
            let changed = |t: f64, of_coefficient: bool| {
                let mut shells = set.shells().to_vec();
                if of_coefficient {
                    shells[index].coefficients[k] *= 1.0 + t;
                } else {
                    shells[index].exponents[k] *= 1.0 + t;
                }
                energy(&molecule, &Basis::from_shells(shells, set.form()).unwrap(), &p)
            };
            let wanted = gradient.exponents[index][k] * shell.exponents[k];
            let error = (difference(2e-3, |t| changed(t, false)) - wanted).abs();
            assert!(error < 1e-8 + 1e-6 * wanted.abs(), "exponent {index}, {k}: {error:e}");
            let wanted = gradient.coefficients[index][k] * shell.coefficients[k];
            let error = (difference(2e-3, |t| changed(t, true)) - wanted).abs();
            assert!(error < 1e-8 + 1e-6 * wanted.abs(), "coefficient {index}, {k}: {error:e}");
        }
        let by = here.by_parameters(&scf.densities()).unwrap();
        for k in 0..p.len() {
            let found = difference(1e-3, |t| {
                let mut p = p.clone();
                p[k] += t;
                energy(&molecule, &set, &p)
            });
            let error = (found - by[k]).abs();
            assert!(error < 1e-8 + 1e-6 * by[k].abs(), "parameter {k}: {error:e}");
        }
    }
}

#[test]
fn a_simulation_has_the_parameters_of_its_functional_as_inputs() {
    let atom = |number: usize, z| Atom::new(Element::of_number(number).unwrap(), [0.0, 0.1, z]);
    let molecule = Molecule::new(vec![atom(1, 0.0), atom(9, 1.7)], 0, 1).unwrap();
    let basis = basis(&molecule, "STO-3G");
    let grid = GridOptions { points: Some([24, 50]), pruning: Pruning::None, level: 0 };
    let theory = Theory::KohnSham { functional: StandardFunctional::B3lyp.into(), grid };
    let options = MoleculeOptions { theory, scf: tight(), ..MoleculeOptions::default() };
    let simulation = Arc::new(MoleculeSimulation::new(molecule, basis, options));
    let place = |name: &str| simulation.inputs().iter().position(|q| q.name == name).unwrap();
    let names = ["functional.exact_exchange", "atom[1].position", "functional.becke"];
    let inputs = names.map(place);
    let map = simulation.map(&inputs, &[0], true).unwrap();
    let at = |x: &[f64]| {
        let mut workspace = Workspace::new();
        let run = map.run(x, Keep::Linearisation, SampleKey(0), &mut workspace).unwrap();
        (run.values().entries[0], run.pullback(&[&[1.0]]).unwrap().remove(0))
    };
    let x = [0.2, 0.0, 0.1, 1.7, 0.72];
    let gradient = at(&x).1;
    for k in [0, 3, 4] {
        let found = difference(1e-3, |t| {
            let mut x = x;
            x[k] += t;
            at(&x).0
        });
        assert!((found - gradient[k]).abs() < 1e-7, "{k}: {found} {}", gradient[k]);
    }
}

#[test]
fn a_functional_without_a_value_ends_the_field() {
    use cotangent_ad::Real;
    use cotangent_dft::molecule::functional::{EnergyFunctional, Ingredients, SpinDensity};

    #[derive(Clone)]
    struct Broken;
    impl EnergyFunctional for Broken {
        fn ingredients(&self) -> Ingredients {
            Ingredients::Density
        }
        fn energy_density<R: Real>(&self, at: &SpinDensity<R>, _: &[R]) -> R {
            (at.total - 0.3).sqrt()
        }
    }
    let hydrogen = |z| Atom::new(Element::of_number(1).unwrap(), [0.0, 0.0, z]);
    let molecule = Molecule::new(vec![hydrogen(0.0), hydrogen(1.4)], 0, 1).unwrap();
    let basis = basis(&molecule, "STO-3G");
    let functional = ExchangeCorrelation::new(&Broken);
    let theory = Theory::KohnSham { functional, grid: GridOptions::default() };
    let options = MoleculeOptions { theory, ..MoleculeOptions::default() };
    let simulation = Arc::new(MoleculeSimulation::new(molecule, basis, options));
    let map = simulation.map(&[], &[0], false).unwrap();
    let found = map.run(&[], Keep::Values, SampleKey(0), &mut Workspace::new());
    let Some(TrialFailure::OutOfDomain { why }) = found.err() else { panic!("no value") };
    assert!(why.contains("the functional has no finite value"), "{why}");
}

#[test]
fn the_half_filled_level_of_hydroxyl_converges_where_energies_say_no_more() {
    // its pi orbitals turn along a curved valley of 4e-5 hartree, in which gradients rise before they fall
    let molecule = |distance_angstrom: f64| {
        let atom = |number: usize, z| {
            Atom::new(Element::of_number(number).unwrap(), [0.0, 0.0, z / BOHR_ANGSTROM])
        };
        Molecule::new(vec![atom(8, 0.0), atom(1, distance_angstrom)], 0, 2).unwrap()
    };
    let options = ScfOptions {
        tol_gradient_ha: 1e-7,
        follow_down: true,
        max_diis: 20, // so that the second-order method has to finish
        ..ScfOptions::default()
    };
    let functional = StandardFunctional::B3lyp.into();
    // the lowest that PySCF 2.14.0 has, second order, from eight rotations of its orbitals by 22.5 degrees
    for (distance, lowest) in [(0.95, -75.731_061_352), (0.98, -75.732_085_815)] {
        let molecule = molecule(distance);
        let basis = basis(&molecule, "cc-pVDZ");
        let builder = builder(&molecule, &basis, &functional, &GridOptions::default());
        let scf = solve(&builder, &options);
        assert!(matches!(scf.status, ScfStatus::Minimum(_)), "{distance}: {:?}", scf.status);
        let error = scf.energy_ha() - lowest;
        assert!(error < 1e-7, "{distance}: {error:e}");
    }
}

#[test]
fn what_did_not_converge_is_told_what_is_possible_for_its_kind() {
    let atom = |number: usize, z| Atom::new(Element::of_number(number).unwrap(), [0.0, 0.0, z]);
    for (multiplicity, charge, possible) in [(1, 0, true), (2, 1, false)] {
        let molecule =
            Molecule::new(vec![atom(3, 0.0), atom(1, 3.0)], charge, multiplicity).unwrap();
        let basis = basis(&molecule, "STO-3G");
        let grid = GridOptions { points: Some([24, 50]), pruning: Pruning::None, level: 0 };
        let builder = builder(&molecule, &basis, &StandardFunctional::Pbe.into(), &grid);
        let options = ScfOptions { max_diis: 1, max_newton: 0, ..tight() };
        let scf = solve(&builder, &options);
        assert!(!scf.is_stationary());
        let advice = scf.advice().unwrap();
        assert_eq!(advice.contains("unrestricted"), possible, "{advice}");
    }
}

#[test]
fn what_answers_has_derivatives_by_every_input() {
    let atom = |number: usize, r| Atom::new(Element::of_number(number).unwrap(), r);
    let atoms = vec![atom(3, [0.1, 0.2, 0.0]), atom(1, [0.3, -0.4, 2.8])];
    let grid = GridOptions { points: Some([24, 50]), pruning: Pruning::None, level: 0 };
    for (functional, multiplicity, charge) in [
        (StandardFunctional::B3lyp, 2, 1),
        (StandardFunctional::Pbe, 1, 0),
        (StandardFunctional::R2scan, 2, 1),
        (StandardFunctional::R2scan, 1, 0),
        (StandardFunctional::LdaVwn5, 2, 1),
    ] {
        let molecule = Molecule::new(atoms.clone(), charge, multiplicity).unwrap();
        let basis = basis(&molecule, "STO-3G");
        let theory = Theory::KohnSham { functional: functional.into(), grid };
        let scf = ScfOptions {
            stability: StabilityCheck::Off,
            tol_gradient_ha: 1e-11,
            tol_energy_ha: 1e-12,
            ..ScfOptions::default()
        };
        let options =
            MoleculeOptions { theory, scf, repulsion: exact(), ..MoleculeOptions::default() };
        let mut simulation = MoleculeSimulation::new(molecule, basis, options);
        // a field parts what an axis holds together
        simulation.fix(0, &[0.01, -0.02, 0.015]).unwrap();
        let simulation = Arc::new(simulation);
        let all: Vec<usize> = (0..simulation.inputs().len()).collect();
        let x: Vec<f64> = simulation.inputs().iter().flat_map(|q| q.value.clone()).collect();
        let outputs = simulation.outputs().iter().enumerate();
        let outputs: Vec<usize> =
            outputs.filter(|(_, q)| q.not_differentiable.is_none()).map(|(k, _)| k).collect();
        let map = simulation.map(&all, &outputs, true).unwrap();
        let at = |x: &[f64]| {
            map.run(x, Keep::Linearisation, SampleKey(0), &mut Workspace::new()).unwrap()
        };
        let y_bar: Vec<f64> = (0..map.output_len()).map(|k| (1.3 * k as f64 + 0.8).sin()).collect();
        let x_bar = at(&x).pullback(&[&y_bar]).unwrap().remove(0);
        let objective = |x: &[f64]| -> f64 {
            at(x).values().entries.iter().zip(&y_bar).map(|(y, bar)| y * bar).sum()
        };
        for seed in 1..=2 {
            // the field comes first, and moves what a small gap holds
            let size = |k: usize| if k < 3 { 0.02 } else { 0.3 * x[k].abs().max(0.5) };
            let direction: Vec<f64> = (0..x.len())
                .map(|k| size(k) * (f64::from(seed) * (k as f64 + 1.7)).sin())
                .collect();
            let found = difference(3e-4, |t| {
                let moved: Vec<f64> = x.iter().zip(&direction).map(|(x, d)| x + t * d).collect();
                objective(&moved)
            });
            let wanted: f64 = x_bar.iter().zip(&direction).map(|(bar, d)| bar * d).sum();
            let error = (found - wanted).abs();
            assert!(error < 1e-6 * (1.0 + wanted.abs()), "{functional}: {found} for {wanted}");
        }
    }
}
