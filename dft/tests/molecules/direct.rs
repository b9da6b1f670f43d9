//! Fields whose integrals are made anew for every density, beside those that keep them.

#![expect(clippy::unwrap_used, reason = "tests fail where a fixed case is wrong")]

use cotangent_dft::molecule::integrals::repulsion::direct::TwoElectronMatrices;
use cotangent_dft::molecule::integrals::repulsion::store::{Repulsion, RepulsionOptions};
use cotangent_dft::molecule::scf::{
    Core, FockBuilder, HartreeFock, Reference, ScfOptions, self_consistent_field,
};
use cotangent_dft::molecule::{
    Atom, Basis, Element, Form, GridOptions, KohnSham, Matrix, Molecule, StandardFunctional,
    basis_set,
};

/// Hydrogen molecules in a row, so far apart that most pairs of them do not meet in the density.
fn row(charge: i32, multiplicity: usize) -> Molecule {
    let hydrogen = |x: f64, z: f64| Atom::new(Element::of_symbol("H").unwrap(), [x, 0.0, z]);
    let pair = |k: u8| {
        let x = 4.0 * f64::from(k);
        [hydrogen(x, 0.0), hydrogen(x + 0.3, 1.4 + 0.05 * f64::from(k))]
    };
    Molecule::new((0..6).flat_map(pair).collect(), charge, multiplicity).unwrap()
}

fn core(molecule: &Molecule) -> Core {
    let basis =
        Basis::new(molecule, &basis_set("6-31G").unwrap().unwrap(), Form::Spherical).unwrap();
    Core::new(molecule, &basis, [0.0; 3]).unwrap()
}

fn made_anew() -> RepulsionOptions {
    RepulsionOptions { memory_bytes: 0, ..RepulsionOptions::default() }
}

fn energy(builder: &dyn FockBuilder, reference: Reference) -> f64 {
    let options =
        ScfOptions { tol_energy_ha: 1e-11, tol_gradient_ha: 1e-8, ..ScfOptions::default() };
    let scf = self_consistent_field(builder, reference, &options).unwrap();
    assert!(scf.is_stationary(), "{:?}", scf.status);
    scf.energy_ha()
}

#[test]
fn integrals_made_anew_give_the_same_fields_as_kept_ones() {
    let kept = RepulsionOptions::default();
    for (charge, multiplicity, reference) in
        [(0, 1, Reference::Restricted), (1, 2, Reference::Unrestricted)]
    {
        let core = core(&row(charge, multiplicity));
        let of = |options| energy(&HartreeFock::new(core.clone(), options), reference);
        let error = of(made_anew()) - of(kept);
        assert!(error.abs() < 1e-10, "Hartree-Fock of charge {charge}: {error:e}");
    }
    let core = core(&row(0, 1));
    // with exact exchange and without
    for functional in [StandardFunctional::Pbe0, StandardFunctional::LdaVwn5] {
        let of = |options| {
            let grid = GridOptions { level: 0, ..GridOptions::default() };
            let builder = KohnSham::new(core.clone(), options, &functional.into(), &grid).unwrap();
            energy(&builder, Reference::Restricted)
        };
        let error = of(made_anew()) - of(kept);
        assert!(error.abs() < 1e-10, "{functional}: {error:e}");
    }
}

/// A symmetric matrix that decays with the distance of its functions.
fn density(n: usize, size: f64) -> Matrix {
    let entry = |at: usize| {
        let (i, j) = (at / n, at % n);
        size * ((i + j) as f64).cos() * (-0.7 * i.abs_diff(j) as f64).exp()
    };
    Matrix::from_entries(n, n, (0..n * n).map(entry).collect())
}

fn largest_difference(a: &TwoElectronMatrices, b: &TwoElectronMatrices) -> f64 {
    let pairs = a.parts.iter().zip(&b.parts).flat_map(|(a, b)| {
        let coulomb = a.coulomb.entries().iter().zip(b.coulomb.entries());
        coulomb.chain(a.exchange.entries().iter().zip(b.exchange.entries()))
    });
    pairs.fold(0.0, |most: f64, (x, y)| most.max((x - y).abs()))
}

#[test]
fn matrices_of_a_nearby_density_are_those_of_all_of_it() {
    let core = core(&row(0, 1));
    let n = core.basis.len();
    let repulsion = Repulsion::new(&core.molecule, &core.basis, made_anew());
    for with_exchange in [true, false] {
        let matrices = |d: &Matrix, near: Option<&TwoElectronMatrices>| {
            repulsion.matrices(std::slice::from_ref(d), with_exchange, near)
        };
        let mut d = density(n, 1.0);
        let mut near = matrices(&d, None);
        for step in 1..=30_u8 {
            d.add(1.0, &density(n, 0.3_f64.powi(step.into())));
            near = matrices(&d, Some(&near));
            let error = largest_difference(&near, &matrices(&d, None));
            assert!(error < 1e-10, "after {step} steps: {error:e}");
        }
        assert_eq!(near.parts[0].exchange.rows(), if with_exchange { n } else { 0 });
    }
}

#[test]
fn matrices_of_a_small_density_have_as_many_digits_as_of_a_large_one() {
    let core = core(&row(0, 1));
    let n = core.basis.len();
    let repulsion = Repulsion::new(&core.molecule, &core.basis, made_anew());
    // a power of two, so that scaling rounds nothing
    let scale = 2.0_f64.powi(-40);
    let [large, small] = [1.0, scale].map(|size| density(n, 1.0).scaled(size));
    let found = repulsion.coulomb_exchange(&[large, small]);
    let alone = repulsion.coulomb_exchange(&[density(n, scale)]);
    for small in [&found[1], &alone[0]] {
        for (a, b) in [(&found[0].coulomb, &small.coulomb), (&found[0].exchange, &small.exchange)] {
            for (a, b) in a.entries().iter().zip(b.entries()) {
                assert!((a * scale - b).abs() <= 1e-13 * scale, "{a} {b}");
            }
        }
    }
}
