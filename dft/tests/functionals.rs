//! Functionals of molecules beside libxc, and their derivatives beside independent ones.

#![expect(clippy::unwrap_used, reason = "tests fail where a fixed case is wrong")]

use std::collections::BTreeMap;

use cotangent_ad::{Dual, Real};
use cotangent_dft::molecule::functional::{
    EnergyFunctional, ExchangeCorrelation, FunctionalError, Ingredients, Parameter, SpinDensity,
    Spins, StandardFunctional, slater_exchange,
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Reference {
    restricted: Vec<Vec<f64>>,
    unrestricted: Vec<Vec<f64>>,
}

/// Written by `dft/peers/functionals_libxc.py`.
fn references() -> Vec<(StandardFunctional, Spins, Vec<Vec<f64>>)> {
    let text = include_str!("data/functionals.json");
    let found: BTreeMap<String, Reference> = serde_json::from_str(text).unwrap();
    let both = |(name, reference): (String, Reference)| {
        let functional: StandardFunctional = name.parse().unwrap();
        [
            (functional, Spins::Restricted, reference.restricted),
            (functional, Spins::Unrestricted, reference.unrestricted),
        ]
    };
    found.into_iter().flat_map(both).collect()
}

fn points(rows: &[Vec<f64>], width: usize) -> Vec<f64> {
    rows.iter().flat_map(|row| &row[..width]).copied().collect()
}

/// Energies to 1e-11. Potentials to 1e-9 of themselves, or of a thousandth of the energy by the number of the point: several change
/// their sign.
#[test]
fn energies_and_potentials_are_those_of_libxc() {
    for (functional, spins, rows) in references() {
        let width = spins.width(functional.ingredients());
        let derived = ExchangeCorrelation::from(functional);
        let found = derived.evaluate(spins, &points(&rows, width)).unwrap();
        for (row, found) in rows.iter().zip(found.chunks_exact(width + 1)) {
            let energy = row[width];
            for (j, (found, libxc)) in found.iter().zip(&row[width..]).enumerate() {
                let allowed = match j {
                    0 => 1e-11 * energy.abs(),
                    _ => 1e-9 * libxc.abs().max(1e-3 * (energy / row[j - 1]).abs()),
                };
                let error = (found - libxc).abs();
                assert!(error < allowed, "{functional} {spins:?} {j}: {error:e} at {row:?}");
            }
        }
    }
}

#[test]
fn kernels_are_derivatives_of_potentials() {
    for (functional, spins, rows) in references() {
        let width = spins.width(functional.ingredients());
        let derived = ExchangeCorrelation::from(functional);
        for row in rows.iter().take(12) {
            let x = &row[..width];
            let kernel = derived.kernel(spins, x, &derived.parameter_values(), 1e-15).unwrap();
            for k in 0..width {
                let h = 1e-5 * x[k].abs(); // steps beyond a branch of r2SCAN would see its jump
                let potential = |t: f64| {
                    let mut x = x.to_vec();
                    x[k] += t;
                    derived.evaluate(spins, &x).unwrap()
                };
                let near = [potential(h), potential(-h)];
                let far = [potential(2.0 * h), potential(-2.0 * h)];
                for j in 0..width {
                    let slope = |pair: &[Vec<f64>; 2], h: f64| {
                        (pair[0][j + 1] - pair[1][j + 1]) / (2.0 * h)
                    };
                    let difference = (4.0 * slope(&near, h) - slope(&far, 2.0 * h)) / 3.0;
                    let exact = kernel[j * width + k];
                    let scale = (row[width + 1 + j] / x[k]).abs().max(exact.abs());
                    let error = (exact - difference).abs() / scale;
                    assert!(error < 1e-6, "{functional} {spins:?} {j} {k}: {exact} {difference}");
                    let mirrored = kernel[k * width + j];
                    assert!((exact - mirrored).abs() <= 1e-9 * exact.abs().max(mirrored.abs()));
                }
            }
        }
    }
}

/// The program's derivatives beside duals of the plain function.
#[test]
fn programs_are_the_function_that_was_written() {
    for (functional, spins, rows) in references() {
        let width = spins.width(functional.ingredients());
        let derived = ExchangeCorrelation::from(functional);
        let p: Vec<Dual<f64, 1>> =
            derived.parameter_values().into_iter().map(Dual::konst).collect();
        for row in rows.iter().take(8) {
            let found = derived.evaluate(spins, &row[..width]).unwrap();
            for k in 0..width {
                let x = |j: usize| match row[..width].get(j) {
                    None => Dual::konst(0.0),
                    Some(x) if j == k => Dual::seed(*x, 0),
                    Some(x) => Dual::konst(*x),
                };
                let at = match spins {
                    Spins::Restricted => SpinDensity::closed_shell(x(0), x(1), x(2)),
                    Spins::Unrestricted => {
                        SpinDensity::open_shell([x(0), x(1)], [x(2), x(3), x(4)], [x(5), x(6)])
                    }
                };
                let e = functional.energy_density(&at, &p);
                assert!((e.re - found[0]).abs() < 1e-13 * e.re.abs(), "{functional} {spins:?}");
                let scale = (e.re / row[k]).abs().max(e.eps[0].abs());
                assert!(
                    (e.eps[0] - found[k + 1]).abs() < 1e-12 * scale,
                    "{functional} {spins:?} {k}"
                );
            }
        }
    }
}

#[test]
fn both_kinds_of_density_agree_where_spins_are_equal_and_all_is_finite_where_one_is_empty() {
    for functional in StandardFunctional::all() {
        let derived = ExchangeCorrelation::from(functional);
        let ingredients = functional.ingredients();
        let closed = [0.4, 0.3, 0.5];
        let open = [0.2, 0.2, 0.075, 0.075, 0.075, 0.25, 0.25];
        let energy = |spins: Spins, x: &[f64]| {
            derived.evaluate(spins, &x[..spins.width(ingredients)]).unwrap()
        };
        let [one, two] = [energy(Spins::Restricted, &closed), energy(Spins::Unrestricted, &open)];
        assert!((one[0] - two[0]).abs() < 1e-14, "{functional}: {} {}", one[0], two[0]);
        assert!((one[1] - two[1]).abs() < 1e-13, "{functional}");
        for empty in [
            [0.4, 0.0, 0.3, 0.0, 0.0, 0.5, 0.0],
            [0.0, 1e-9, 0.0, 0.0, 1e-13, 0.0, 1e-9],
            [1e-13, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
        ] {
            let x = &empty[..Spins::Unrestricted.width(ingredients)];
            let parameters = derived.parameter_values();
            let kernel = derived.kernel(Spins::Unrestricted, x, &parameters, 1e-15);
            assert!(energy(Spins::Unrestricted, x).iter().all(|v| v.is_finite()));
            assert!(kernel.unwrap().iter().all(|v| v.is_finite()), "{functional}");
        }
        let nothing = [0.0; 7];
        let found = energy(Spins::Unrestricted, &nothing);
        assert!(found.iter().all(|v| *v == 0.0));
    }
}

#[test]
fn names_are_read_as_people_write_them() {
    for functional in StandardFunctional::all() {
        assert_eq!(functional.to_string().parse(), Ok(functional));
    }
    assert_eq!("B3-LYP".parse(), Ok(StandardFunctional::B3lyp));
    assert_eq!("SVWN".parse(), Ok(StandardFunctional::LdaVwn5));
    let unknown = "b3lpy".parse::<StandardFunctional>().unwrap_err().to_string();
    assert!(unknown.contains("b3lpy") && unknown.contains("r2scan"), "{unknown}");
}

/// A functional of one's own that branches, and one that has no value.
#[derive(Clone)]
struct Own {
    broken: bool,
}

impl EnergyFunctional for Own {
    fn ingredients(&self) -> Ingredients {
        Ingredients::Gradient
    }
    fn parameters(&self) -> Vec<Parameter> {
        vec![Parameter { name: "share", value: 0.3 }]
    }
    fn energy_density<R: Real>(&self, at: &SpinDensity<R>, p: &[R]) -> R {
        if self.broken {
            return (at.total - 0.5).sqrt();
        }
        let slope = at.sigma_total / at.total;
        slater_exchange(at) + if slope > 0.1 { p[0] * slope } else { p[0] * slope * slope * 10.0 }
    }
}

#[test]
fn a_functional_of_ones_own_may_branch_and_is_refused_where_it_has_no_value() {
    let own = ExchangeCorrelation::new(&Own { broken: false });
    let points = [0.4, 0.2, 0.4, 0.01, 0.3, 0.5];
    let found = own.evaluate(Spins::Restricted, &points).unwrap();
    for (x, row) in points.chunks(2).zip(found.chunks(3)) {
        let slope = x[1] / x[0];
        let expected = if slope > 0.1 { 0.3 / x[0] } else { 6.0 * slope / x[0] };
        assert!((row[2] - expected).abs() < 1e-13, "{row:?}");
    }
    let broken = ExchangeCorrelation::new(&Own { broken: true });
    let found = broken.evaluate(Spins::Restricted, &[0.7, 0.1, 0.2, 0.1]);
    assert!(matches!(found, Err(FunctionalError::NotFinite { point: 1, .. })), "{found:?}");
    let found = broken.evaluate(Spins::Restricted, &[0.7]);
    assert!(matches!(found, Err(FunctionalError::Shape { .. })), "{found:?}");
}
