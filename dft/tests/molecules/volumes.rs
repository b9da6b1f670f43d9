//! Densities and orbitals on a lattice, beside PySCF 2.14.0's cubegen (`peers/volumes.py`).

#![expect(clippy::unwrap_used, reason = "tests fail where a fixed case is wrong")]

use cotangent_dft::molecule::integrals::repulsion::store::RepulsionOptions;
use cotangent_dft::molecule::scf::{
    Core, HartreeFock, Reference, Scf, ScfOptions, self_consistent_field,
};
use cotangent_dft::molecule::{
    Basis, Form, Lattice, LatticeError, Molecule, Seen, at_points, basis_set, on_lattice,
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Record {
    name: String,
    basis: String,
    cartesian: bool,
    charge: i32,
    multiplicity: usize,
    symbols: Vec<String>,
    positions_bohr: Vec<[f64; 3]>,
    spacing_bohr: f64,
    margin_bohr: f64,
    stride: usize,
    counts: [usize; 3],
    density: Vec<f64>,
    spin: Vec<f64>,
    highest: Vec<f64>,
    lowest: Vec<f64>,
}

impl Record {
    fn molecule(&self) -> Molecule {
        crate::molecule(&self.symbols, &self.positions_bohr, self.charge, self.multiplicity)
    }

    fn field(&self) -> (Core, Scf) {
        let molecule = self.molecule();
        let set = basis_set(&self.basis).unwrap().unwrap();
        let form = if self.cartesian { Form::Cartesian } else { Form::Spherical };
        let basis = Basis::new(&molecule, &set, form).unwrap();
        let core = Core::new(&molecule, &basis, [0.0; 3]).unwrap();
        let repulsion = RepulsionOptions { cutoff_ha: 1e-14, ..RepulsionOptions::default() };
        let builder = HartreeFock::new(core.clone(), repulsion);
        let options = ScfOptions { tol_gradient_ha: 1e-9, ..ScfOptions::default() };
        let reference = match self.multiplicity {
            1 => Reference::Restricted,
            _ => Reference::Unrestricted,
        };
        (core, self_consistent_field(&builder, reference, &options).unwrap())
    }
}

fn records() -> Vec<Record> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/volumes.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn densities_and_orbitals_in_space_are_a_peers() {
    for record in records() {
        let (core, scf) = record.field();
        let lattice =
            Lattice::around(&core.molecule, record.spacing_bohr, record.margin_bohr).unwrap();
        assert_eq!(lattice.counts, record.counts, "{}", record.name);
        let last = scf.orbitals.len() - 1;
        let seen = [
            Seen::Density,
            Seen::SpinDensity,
            Seen::Orbital { set: 0, index: scf.orbitals[0].occupied - 1 },
            Seen::Orbital { set: last, index: scf.orbitals[last].occupied },
        ];
        let found = on_lattice(&core, &scf, &lattice, &seen).unwrap();
        let wanted = [&record.density, &record.spin, &record.highest, &record.lowest];
        for ((what, ours), theirs) in seen.iter().zip(&found).zip(wanted) {
            assert_eq!(ours.len(), lattice.len());
            let ours: Vec<f64> = ours.iter().copied().step_by(record.stride).collect();
            assert_eq!(ours.len(), theirs.len());
            // the sign of an orbital is free
            let product: f64 = ours.iter().zip(theirs).map(|(a, b)| a * b).sum();
            let is_orbital = matches!(what, Seen::Orbital { .. });
            let sign = if is_orbital { product.signum() } else { 1.0 };
            for (k, (a, b)) in ours.iter().zip(theirs).enumerate() {
                let error = (sign * a - b).abs();
                assert!(error < 1e-8, "{} {what:?} at {k}: {a} for {b}", record.name);
            }
        }
    }
}

#[test]
fn densities_are_the_same_bits_on_any_number_of_threads() {
    let record = records().remove(0);
    let (core, scf) = record.field();
    let lattice = Lattice::around(&core.molecule, 0.4, 1.0).unwrap();
    let seen = [Seen::Density, Seen::Orbital { set: 1, index: 0 }];
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| on_lattice(&core, &scf, &lattice, &seen).unwrap())
    };
    assert_eq!(on(1), on(3));
    // at the same points in any order, but for what is left out below 1e-12
    let all = lattice.len();
    let [_, rows, row] = lattice.counts;
    let scattered: Vec<usize> = (0..all).map(|k| (k * 7919) % all).collect();
    let point = |k: &usize| lattice.point([k / (rows * row), k / row % rows, k % row]);
    let points: Vec<[f64; 3]> = scattered.iter().map(point).collect();
    let found = at_points(&core, &scf, &points, &seen).unwrap();
    for (on_lattice, at_points) in on(2).iter().zip(&found) {
        assert_eq!(at_points.len(), all);
        for (k, ours) in scattered.iter().zip(at_points) {
            assert!((ours - on_lattice[*k]).abs() < 1e-11, "{ours} for {}", on_lattice[*k]);
        }
    }
}

#[test]
fn lattices_and_orbitals_that_cannot_be_are_refused() {
    let record = records().remove(1);
    let molecule = record.molecule();
    for (spacing, margin) in [(0.0, 1.0), (f64::NAN, 1.0), (0.1, -1.0), (0.1, f64::INFINITY)] {
        let refused = Lattice::around(&molecule, spacing, margin);
        assert!(matches!(refused, Err(LatticeError::Extent { .. })), "{spacing} {margin}");
    }
    let refused = Lattice::around(&molecule, 1e-3, 5.0);
    assert!(matches!(refused, Err(LatticeError::TooLarge { .. })));
    let (core, scf) = record.field();
    let lattice = Lattice::around(&molecule, 1.0, 0.0).unwrap();
    for (set, index) in [(1, 0), (0, core.basis.len())] {
        let refused = on_lattice(&core, &scf, &lattice, &[Seen::Orbital { set, index }]);
        assert!(matches!(refused, Err(LatticeError::NoSuchOrbital { .. })));
        let refused = at_points(&core, &scf, &[[0.0; 3]], &[Seen::Orbital { set, index }]);
        assert!(matches!(refused, Err(LatticeError::NoSuchOrbital { .. })));
    }
}
