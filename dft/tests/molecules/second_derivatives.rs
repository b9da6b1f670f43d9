//! Second derivatives of Hartree-Fock by response, against differences of analytic forces.

#![expect(clippy::unwrap_used, reason = "tests fail where a fixed case is wrong")]

use cotangent_dft::molecule::gradient::{EnergyGradient, Inputs};
use cotangent_dft::molecule::hessian::SecondDerivatives;
use cotangent_dft::molecule::integrals::repulsion::store::RepulsionOptions;
use cotangent_dft::molecule::response::dipole_response;
use cotangent_dft::molecule::scf::{
    Core, HartreeFock, Reference, Scf, ScfOptions, ScfStatus, StabilityCheck, Start,
    self_consistent_field,
};
use cotangent_dft::molecule::{Atom, Basis, Element, Form, Matrix, Molecule, Shell, basis_set};

struct Case {
    molecule: Molecule,
    basis: Basis,
    field: [f64; 3],
    reference: Reference,
}

impl Case {
    fn new(atoms: &[(&str, [f64; 3])], set: &str, (charge, multiplicity): (i32, usize)) -> Self {
        let atom =
            |(symbol, r): &(&str, [f64; 3])| Atom::new(Element::of_symbol(symbol).unwrap(), *r);
        let atoms = atoms.iter().map(atom).collect();
        let molecule = Molecule::new(atoms, charge, multiplicity).unwrap();
        let set = basis_set(set).unwrap().unwrap();
        let basis = Basis::new(&molecule, &set, Form::Spherical).unwrap();
        let reference =
            if multiplicity == 1 { Reference::Restricted } else { Reference::Unrestricted };
        Self { molecule, basis, field: [0.0; 3], reference }
    }

    /// The same with one more shell of a primitive.
    fn with_shell(mut self, atom: usize, l: usize, exponent: f64) -> Self {
        let mut shells = self.basis.shells().to_vec();
        shells.push(Shell { atom, l, exponents: vec![exponent], coefficients: vec![1.0] });
        self.basis = Basis::from_shells(shells, Form::Spherical).unwrap();
        self
    }

    fn positions(&self) -> Vec<[f64; 3]> {
        self.molecule.atoms().iter().map(|a| a.position_bohr).collect()
    }

    fn at(
        &self,
        positions: &[[f64; 3]],
        start: Start,
        stability: StabilityCheck,
    ) -> (HartreeFock, Scf) {
        let molecule = self.molecule.with_positions(positions).unwrap();
        let core = Core::new(&molecule, &self.basis, self.field).unwrap();
        let options = RepulsionOptions { cutoff_ha: 1e-14, ..RepulsionOptions::default() };
        let builder = HartreeFock::new(core, options);
        let scf = ScfOptions {
            start,
            tol_energy_ha: 1e-11,
            tol_gradient_ha: 1e-10,
            stability,
            follow_down: stability == StabilityCheck::On,
            ..ScfOptions::default()
        };
        let scf = self_consistent_field(&builder, self.reference, &scf).unwrap();
        (builder, scf)
    }

    fn gradient(&self, positions: &[[f64; 3]], near: &Scf) -> Vec<f64> {
        let start = Start::Orbitals(near.orbitals.clone());
        let (builder, scf) = self.at(positions, start, StabilityCheck::Off);
        let found = EnergyGradient::hartree_fock(&builder, &scf, Inputs::Molecule).unwrap();
        found.positions.as_flattened().to_vec()
    }

    /// Second derivatives along one direction of all coordinates against the difference of fourth order of the gradient.
    fn check(&self) {
        let positions = self.positions();
        let (builder, scf) = self.at(&positions, Start::Atoms, StabilityCheck::On);
        assert!(matches!(scf.status, ScfStatus::Minimum(_)), "{:?}", scf.status);
        let found = SecondDerivatives::hartree_fock(&builder, &scf).unwrap();
        let n = 3 * positions.len();
        let direction: Vec<f64> = (0..n).map(|k| (1.7 * k as f64 + 0.4).sin()).collect();
        let mut wanted = vec![0.0; n];
        for (steps, weight) in [(1.0, 8.0), (-1.0, -8.0), (2.0, -1.0), (-2.0, 1.0)] {
            let step = 5e-3;
            let mut moved = positions.clone();
            let entries = moved.as_flattened_mut().iter_mut().zip(&direction);
            entries.for_each(|(x, d)| *x += steps * step * d);
            let gradient = self.gradient(&moved, &scf);
            wanted.iter_mut().zip(gradient).for_each(|(w, g)| *w += weight * g / (12.0 * step));
        }
        for (row, wanted) in wanted.iter().enumerate() {
            let row_of = &found.hessian.entries()[row * n..(row + 1) * n];
            let along: f64 = row_of.iter().zip(&direction).map(|(h, d)| h * d).sum();
            assert!((along - wanted).abs() < 1e-7, "coordinate {row}: {along} for {wanted}");
        }
        // the same from three responses to a field
        let by_field = dipole_response(&builder, &scf).unwrap().by_positions;
        for (ours, theirs) in found.dipole_by_positions.iter().zip(&by_field) {
            for (x, y) in ours.as_flattened().iter().zip(theirs.as_flattened()) {
                assert!((x - y).abs() < 1e-7, "{x} for {y}");
            }
        }
    }
}

#[test]
fn second_derivatives_match_differences_of_forces() {
    // shared orbitals, d functions, a field along no axis
    let water = [("O", [0.1, 0.0, 0.24]), ("H", [0.0, 1.43, -0.96]), ("H", [0.2, -1.40, -0.99])];
    let mut case = Case::new(&water, "STO-3G", (0, 1)).with_shell(0, 2, 0.8);
    case.field = [0.01, -0.02, 0.015];
    case.check();
    // separate orbitals, another multiplicity
    let methylene = [("C", [0.0, 0.05, 0.2]), ("H", [0.1, 1.85, -0.6]), ("H", [0.0, -1.90, -0.5])];
    Case::new(&methylene, "6-31G", (0, 3)).check();
    // f functions, and a charge
    let hydroxide = [("O", [0.0, 0.1, 0.0]), ("H", [0.3, 0.0, 1.75])];
    Case::new(&hydroxide, "STO-3G", (-1, 1)).with_shell(0, 3, 0.9).check();
}

/// The pseudo-inverse of a symmetric matrix, eigenvalues below a bound left out.
fn step(hessian: &Matrix, gradient: &[f64], bound: f64) -> Vec<f64> {
    let (values, vectors) = hessian.eigen().unwrap();
    let n = values.len();
    let mut out = vec![0.0; n];
    for k in (0..n).filter(|k| values[*k].abs() > bound) {
        let along: f64 = (0..n).map(|j| vectors.at(j, k) * gradient[j]).sum();
        (0..n).for_each(|j| out[j] -= along / values[k] * vectors.at(j, k));
    }
    out
}

#[test]
fn a_molecule_as_a_whole_has_no_frequency_at_its_minimum() {
    let water = [("O", [0.3, 0.1, 0.24]), ("H", [0.2, 1.43, -0.96]), ("H", [0.5, -1.40, -0.99])];
    let case = Case::new(&water, "6-31G", (0, 1));
    let mut positions = case.positions();
    let (mut builder, mut scf) = case.at(&positions, Start::Atoms, StabilityCheck::Off);
    let mut hessian = SecondDerivatives::hartree_fock(&builder, &scf).unwrap().hessian;
    let mut largest = f64::INFINITY;
    for _ in 0..8 {
        let gradient = case.gradient(&positions, &scf);
        largest = gradient.iter().fold(0.0, |most: f64, g| most.max(g.abs()));
        if largest < 1e-8 {
            break;
        }
        let newton = step(&hessian, &gradient, 1e-2);
        positions.as_flattened_mut().iter_mut().zip(newton).for_each(|(x, d)| *x += d);
        let start = Start::Orbitals(scf.orbitals.clone());
        (builder, scf) = case.at(&positions, start, StabilityCheck::Off);
        hessian = SecondDerivatives::hartree_fock(&builder, &scf).unwrap().hessian;
    }
    // exact second derivatives make Newton's method quadratic
    assert!(largest < 1e-8, "{largest:e}");
    let masses = [15.994_914_619_57, 1.007_825_032_23, 1.007_825_032_23_f64];
    let weighted =
        (0..81).map(|at| hessian.entries()[at] / (masses[at / 9 / 3] * masses[at % 9 / 3]).sqrt());
    let (values, _) = Matrix::from_entries(9, 9, weighted.collect()).eigen().unwrap();
    // (Ha/bohr^2/u)^(1/2) in 1/cm
    let frequencies = values.iter().map(|v| v.abs().sqrt() * 5_140.487).collect::<Vec<_>>();
    let still = frequencies.iter().filter(|f| **f < 1.0).count();
    assert_eq!(still, 6, "{frequencies:?}");
}
