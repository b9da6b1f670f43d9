//! Derivatives of the integrated energy beside differences of it.

use super::{FunctionalIntegral, GridResponse};
use crate::molecule::basis::harmonics::Form;
use crate::molecule::basis::{Basis, Shell};
use crate::molecule::functional::StandardFunctional;
use crate::molecule::geometry::element::Element;
use crate::molecule::geometry::{Atom, Molecule};
use crate::molecule::grid::{GridOptions, Pruning};

fn molecule(positions: &[[f64; 3]]) -> Molecule {
    let element = |k: usize| Element::of_number([8, 1, 1][k]).unwrap();
    let atoms = positions.iter().enumerate().map(|(k, r)| Atom::new(element(k), *r)).collect();
    Molecule::new(atoms, 0, 1).unwrap()
}

const WATER: [[f64; 3]; 3] = [[0.0, 0.1, 0.2], [0.1, 1.4, -0.9], [-0.1, -1.5, -0.8]];

fn basis(molecule: &Molecule) -> Basis {
    let shell = |atom: usize, l: usize, exponents: &[f64]| Shell {
        atom,
        l,
        exponents: exponents.to_vec(),
        coefficients: vec![1.0; exponents.len()],
    };
    let shells = vec![
        shell(0, 0, &[20.0, 4.0]),
        shell(0, 0, &[0.9]),
        shell(0, 1, &[3.0, 0.6]),
        shell(0, 2, &[0.8]),
        shell(1, 0, &[1.1, 0.3]),
        shell(2, 0, &[1.1, 0.3]),
        shell(2, 1, &[0.7]),
    ];
    assert_eq!(molecule.atoms().len(), 3);
    Basis::from_shells(shells, Form::Spherical).unwrap()
}

/// `C C^T` of made-up orbitals.
fn density(size: usize, orbitals: usize, seed: f64) -> Vec<f64> {
    let c = |i: usize, k: usize| 0.4 * (seed + 1.7 * i as f64 + 2.9 * (k * i) as f64).sin();
    let entry = |i: usize, j: usize| (0..orbitals).map(|k| c(i, k) * c(j, k)).sum();
    (0..size).flat_map(|i| (0..size).map(move |j| entry(i, j))).collect()
}

fn change(size: usize, seed: f64) -> Vec<f64> {
    let entry = |i: usize, j: usize| {
        0.05 * (seed + (i + j) as f64).cos() * (1.0 + 0.3 * (i * j) as f64).sin()
    };
    (0..size).flat_map(|i| (0..size).map(move |j| entry(i, j))).collect()
}

fn moved(densities: &[Vec<f64>], changes: &[Vec<f64>], t: f64) -> Vec<Vec<f64>> {
    let one = |(d, c): (&Vec<f64>, &Vec<f64>)| d.iter().zip(c).map(|(d, c)| d + t * c).collect();
    densities.iter().zip(changes).map(one).collect()
}

fn views(matrices: &[Vec<f64>]) -> Vec<&[f64]> {
    matrices.iter().map(Vec::as_slice).collect()
}

const OPTIONS: GridOptions =
    GridOptions { level: 0, points: Some([24, 50]), pruning: Pruning::None };

fn integral(functional: StandardFunctional, positions: &[[f64; 3]]) -> FunctionalIntegral {
    let molecule = molecule(positions);
    FunctionalIntegral::new(&molecule, &basis(&molecule), &functional.into(), &OPTIONS).unwrap()
}

const FUNCTIONALS: [StandardFunctional; 3] =
    [StandardFunctional::LdaVwn5, StandardFunctional::B3lyp, StandardFunctional::R2scan];

fn cases() -> impl Iterator<Item = (StandardFunctional, Vec<Vec<f64>>, Vec<Vec<f64>>)> {
    let size = basis(&molecule(&WATER)).len();
    let one = (vec![density(size, 5, 0.3)], vec![change(size, 0.2)]);
    let two = (
        vec![density(size, 5, 0.3), density(size, 3, 0.8)],
        vec![change(size, 0.2), change(size, 1.1)],
    );
    FUNCTIONALS.into_iter().flat_map(move |f| [one.clone(), two.clone()].map(|(d, c)| (f, d, c)))
}

#[test]
fn potential_and_response_are_derivatives_of_the_energy() {
    for (functional, densities, changes) in cases() {
        let integral = integral(functional, &WATER);
        let at = |t: f64| integral.field(&views(&moved(&densities, &changes, t))).unwrap();
        let dot = |a: &[Vec<f64>], b: &[Vec<f64>]| -> f64 {
            a.iter().flatten().zip(b.iter().flatten()).map(|(a, b)| a * b).sum()
        };
        let h = 1e-4;
        let [forward, back] = [at(h), at(-h)];
        let slope = dot(&at(0.0).potential, &changes);
        let difference = (forward.energy_ha - back.energy_ha) / (2.0 * h);
        let label = format!("{functional} {}", densities.len());
        assert!((slope - difference).abs() < 1e-7 * slope.abs(), "{label}: {slope} {difference}");
        let response = integral.response(&views(&densities), &[views(&changes)]).unwrap();
        let size = response[0][0].iter().fold(0.0_f64, |most, x| most.max(x.abs()));
        for (spin, found) in response[0].iter().enumerate() {
            let pairs = forward.potential[spin].iter().zip(&back.potential[spin]);
            for (found, (f, b)) in found.iter().zip(pairs) {
                let difference = (f - b) / (2.0 * h);
                assert!((found - difference).abs() < 1e-6 * size, "{label}: {found} {difference}");
            }
        }
    }
}

#[test]
fn gradients_are_derivatives_of_the_energy_and_sum_to_nothing() {
    for (functional, densities, _) in cases() {
        let views = views(&densities);
        let found = integral(functional, &WATER).gradient(&views, GridResponse::Included).unwrap();
        let label = format!("{functional} {}", densities.len());
        for axis in 0..3 {
            let total: f64 = found.iter().map(|g| g[axis]).sum();
            assert!(total.abs() < 1e-10, "{label}: {total}");
        }
        for (atom, axis) in [(0, 1), (1, 2), (2, 0)] {
            let at = |t: f64| {
                let mut positions = WATER;
                positions[atom][axis] += t;
                integral(functional, &positions).field(&views).unwrap().energy_ha
            };
            let h = 1e-3;
            let near = (at(h) - at(-h)) / (2.0 * h);
            let difference = (4.0 * near - (at(2.0 * h) - at(-2.0 * h)) / (4.0 * h)) / 3.0;
            let exact = found[atom][axis];
            assert!(
                (exact - difference).abs() < 1e-7,
                "{label} {atom} {axis}: {exact} {difference}"
            );
        }
    }
}

#[test]
fn the_energy_by_its_parameters_is_as_differences_say() {
    for (functional, densities, _) in cases() {
        let views = views(&densities);
        let parameters = integral(functional, &WATER).parameters().to_vec();
        let (energy, by) = integral(functional, &WATER).by_parameters(&views).unwrap();
        let at = |p: &[f64]| {
            let moved = integral(functional, &WATER).with_parameters(p).unwrap();
            moved.field(&views).unwrap().energy_ha
        };
        assert!((energy - at(&parameters)).abs() < 1e-12 * energy.abs());
        for k in 0..parameters.len() {
            let along = |t: f64| {
                let mut p = parameters.clone();
                p[k] += t;
                at(&p)
            };
            let difference = (along(1e-3) - along(-1e-3)) / 2e-3;
            assert!(
                (by[k] - difference).abs() < 1e-8 * difference.abs().max(1.0),
                "{functional} {k}"
            );
        }
    }
}

#[test]
fn bits_do_not_depend_on_threads_nor_the_energy_on_the_threshold() {
    let size = basis(&molecule(&WATER)).len();
    let densities = vec![density(size, 5, 0.3), vec![0.0; size * size]];
    let integral = integral(StandardFunctional::Pbe, &WATER);
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| integral.field(&views(&densities)).unwrap())
    };
    let one = on(1);
    assert_eq!(one, on(3));
    // no electron of one spin: everything is finite
    assert!(one.potential.iter().flatten().all(|v| v.is_finite()));
    let energy = integral.with_threshold(1e-20).field(&views(&densities)).unwrap().energy_ha;
    assert!((one.energy_ha - energy).abs() < 1e-11, "{} {energy}", one.energy_ha);
}
