use super::{EigenError, EigenOptions, EigenPairs, eigenvector_adjoint, lowest_states};
use crate::one_d::linear::banded::Pentadiagonal;
use crate::one_d::linear::vector::dot;
use crate::one_d::{Grid, Interaction, Nucleus, Stencil, System};

fn hydrogen_molecule(separation: f64, grid: &Grid) -> Vec<f64> {
    System::molecule(&[(-0.5 * separation, 1.0), (0.5 * separation, 1.0)], 1)
        .unwrap()
        .external_potential(grid, Interaction::BAKER)
}

#[test]
fn one_electron_energies_match_dense_diagonalisation_elsewhere() {
    // numpy 2.4.6, eigh of the dense 513 x 513 matrix; the three-point values are also those of the DMRG data set
    // of Li et al. (2021) for H, He+ and Li++.
    let grid = Grid::PAPER;
    let energy = |charge: f64, stencil: Stencil| {
        let atom = System::new(vec![Nucleus { position_bohr: 0.0, charge }], 1, 0).unwrap();
        let h = stencil.hamiltonian(&grid, &atom.external_potential(&grid, Interaction::BAKER));
        lowest_states(&h, 1, &[], &EigenOptions::default()).unwrap().energies_ha[0]
    };
    for (charge, reference) in [(1.0, -0.6700250533), (2.0, -1.4829295265), (3.0, -2.3349352070)] {
        assert!((energy(charge, Stencil::ThreePoint) - reference).abs() < 1e-9, "Z = {charge}");
    }
    assert!((energy(1.0, Stencil::FivePoint) - -0.6700250533).abs() > 1e-5);
}

#[test]
fn several_states_are_orthonormal_and_equal_to_the_dense_ones() {
    let grid = Grid::new(129, 0.25).unwrap();
    for separation in [0.0, 2.0, 12.0, 20.0] {
        let h = Stencil::FivePoint.hamiltonian(&grid, &hydrogen_molecule(separation, &grid));
        let pairs = lowest_states(&h, 4, &[], &EigenOptions::default()).unwrap();
        let dense = faer::Mat::from_fn(129, 129, |i, j| match i.abs_diff(j) {
            0 => h.diagonal[i],
            1 => h.first,
            2 => h.second,
            _ => 0.0,
        });
        let values = dense.self_adjoint_eigenvalues(faer::Side::Lower).unwrap();
        for k in 0..4 {
            assert!((pairs.energies_ha[k] - values[k]).abs() < 1e-11, "R {separation} state {k}");
            for l in 0..4 {
                let delta = f64::from(u8::from(k == l));
                assert!((dot(&pairs.states[k], &pairs.states[l]) - delta).abs() < 1e-12);
            }
        }
        assert!(pairs.residual_ha <= 1e-11);
    }
}

#[test]
fn the_eigenvector_adjoint_agrees_with_central_differences() {
    let grid = Grid::new(129, 0.25).unwrap();
    let potential = hydrogen_molecule(2.5, &grid);
    let weight: Vec<f64> = (0..129).map(|i| (0.11 * f64::from(i)).sin()).collect();
    let value = |v: &[f64], k: usize| {
        let h = Stencil::FivePoint.hamiltonian(&grid, v);
        dot(&lowest_states(&h, k + 1, &[], &EigenOptions::default()).unwrap().states[k], &weight)
    };
    for k in [0, 1, 2] {
        let h = Stencil::FivePoint.hamiltonian(&grid, &potential);
        let pairs = lowest_states(&h, k + 1, &[], &EigenOptions::default()).unwrap();
        let phi = &pairs.states[k];
        let x = eigenvector_adjoint(&h, pairs.energies_ha[k], phi, &[], &weight);
        for i in [20, 55, 64, 70] {
            let mut v = potential.clone();
            v[i] += 1e-5;
            let above = value(&v, k);
            v[i] -= 2e-5;
            let fd = (above - value(&v, k)) / 2e-5;
            assert!(
                (-phi[i] * x[i] - fd).abs() < 1e-8,
                "state {k} point {i}: {} {fd}",
                -phi[i] * x[i]
            );
        }
    }
}

#[test]
fn what_cannot_be_solved_is_refused() {
    let grid = Grid::new(9, 0.5).unwrap();
    let mut h = Stencil::FivePoint.hamiltonian(&grid, &[0.0; 9]);
    let options = EigenOptions::default();
    let many = lowest_states(&h, 5, &[], &options).unwrap_err();
    assert_eq!(many, EigenError::TooManyStates { wanted: 5, points: 9 });
    h.diagonal[3] = f64::NAN;
    let nan = lowest_states(&h, 1, &[], &options).unwrap_err();
    assert_eq!(nan, EigenError::NonFinite { point: 3 });
}

fn dense_energies(h: &Pentadiagonal) -> Vec<f64> {
    let n = h.len();
    let dense = faer::Mat::from_fn(n, n, |i, j| match i.abs_diff(j) {
        0 => h.diagonal[i],
        1 => h.first,
        2 => h.second,
        _ => 0.0,
    });
    dense.self_adjoint_eigenvalues(faer::Side::Lower).unwrap()
}

fn residual(h: &Pentadiagonal, energy: f64, state: &[f64]) -> f64 {
    let mut image = vec![0.0; state.len()];
    h.apply(state, &mut image);
    image.iter().zip(state).map(|(y, x)| (y - energy * x).powi(2)).sum::<f64>().sqrt()
}

/// The pairs are eigenpairs, orthonormal, and the lowest ones there are.
fn are_the_lowest(h: &Pentadiagonal, pairs: &EigenPairs, what: &str) {
    let all = dense_energies(h);
    let scale = all[all.len() - 1].abs().max(all[0].abs());
    for (k, state) in pairs.states.iter().enumerate() {
        let error = pairs.energies_ha[k] - all[k];
        assert!(error.abs() <= 1e-14 * scale + 1e-11, "{what}: energy {k} off by {error:.1e}");
        let left = residual(h, pairs.energies_ha[k], state);
        assert!(left <= (4e-15 * scale).max(1e-11), "{what}: state {k} leaves {left:.1e}");
        for (l, other) in pairs.states.iter().enumerate() {
            let overlap = dot(state, other) - f64::from(u8::from(k == l));
            assert!(overlap.abs() < 1e-11, "{what}: states {k} and {l} overlap by {overlap:.1e}");
        }
    }
}

/// Potentials on `n` points that are hard in different ways.
fn hard_potentials(n: usize) -> Vec<(&'static str, Vec<f64>)> {
    let noise = cotangent_ad::random::Stream::new(&[7]);
    let of = |f: &dyn Fn(usize) -> f64| (0..n).map(f).collect::<Vec<f64>>();
    let wells = |depth: f64, gap: usize| of(&|i| if i % gap < 2 { -depth } else { 0.0 });
    vec![
        ("none", of(&|_| 0.0)),
        ("noise", of(&|i| 3.0 * noise.uniform(i as u64))),
        ("rough noise", of(&|i| 1e3 * noise.uniform(i as u64))),
        ("equal wells far apart: a nearly degenerate band", wells(40.0, n / 8)),
        ("deep wells: an exactly degenerate band", wells(1e5, n / 6)),
        ("a wall between two equal halves", of(&|i| if i == n / 2 { 1e7 } else { 0.0 })),
        (
            "unequal wells",
            of(&|i| {
                if i == n / 4 {
                    -9.0
                } else if i == 3 * n / 4 {
                    -9.001
                } else {
                    0.0
                }
            }),
        ),
        ("an abyss", of(&|i| if i == n / 3 { -1e9 } else { 0.0 })),
        ("a step", of(&|i| if i < n / 2 { 0.0 } else { 5.0 })),
        ("a slope to the wall", of(&|i| 0.1 * i as f64)),
    ]
}

#[test]
fn whatever_the_potential_the_lowest_states_are_found() {
    let grid = Grid::new(129, 0.16).unwrap();
    for stencil in [Stencil::ThreePoint, Stencil::FivePoint] {
        for (what, potential) in hard_potentials(129) {
            let h = stencil.hamiltonian(&grid, &potential);
            for wanted in [1, 2, 5] {
                let cold = lowest_states(&h, wanted, &[], &EigenOptions::default()).unwrap();
                are_the_lowest(&h, &cold, what);
            }
        }
    }
}

#[test]
fn states_of_any_other_potential_are_a_start() {
    let grid = Grid::new(129, 0.16).unwrap();
    let hamiltonians: Vec<_> = hard_potentials(129)
        .into_iter()
        .map(|(what, v)| (what, Stencil::FivePoint.hamiltonian(&grid, &v)))
        .collect();
    for (from, h) in &hamiltonians {
        let start = lowest_states(h, 4, &[], &EigenOptions::default()).unwrap().states;
        for (to, h) in &hamiltonians {
            let warm = lowest_states(h, 4, &start, &EigenOptions::default()).unwrap();
            are_the_lowest(h, &warm, &format!("from {from} to {to}"));
        }
    }
    // nor do wrong states mislead: higher ones, the same twice, none at all
    let (_, h) = &hamiltonians[8];
    let states = lowest_states(h, 6, &[], &EigenOptions::default()).unwrap().states;
    let same = vec![states[1].clone(), states[1].clone()];
    for start in
        [states[2..4].to_vec(), same, vec![vec![0.0; 129]; 2], vec![vec![f64::NAN; 129]; 2]]
    {
        let found = lowest_states(h, 2, &start, &EigenOptions::default()).unwrap();
        are_the_lowest(h, &found, "from wrong states");
    }
}

#[test]
fn a_fine_grid_is_solved_to_what_rounding_leaves() {
    let grid = Grid::new(2001, 0.002).unwrap();
    let v: Vec<f64> = (0..2001).map(|i| 0.5 * grid.x(i).powi(2)).collect();
    let h = Stencil::FivePoint.hamiltonian(&grid, &v);
    let found = lowest_states(&h, 2, &[], &EigenOptions { tol_residual_ha: 0.0 }).unwrap();
    assert!(found.residual_ha < 1e-8, "{:.1e}", found.residual_ha);
}

#[test]
fn from_one_step_to_the_next_two_solves_do() {
    let grid = Grid::PAPER;
    let at = |r: f64| Stencil::FivePoint.hamiltonian(&grid, &hydrogen_molecule(r, &grid));
    let before = lowest_states(&at(1.52), 1, &[], &EigenOptions::default()).unwrap();
    let after = lowest_states(&at(1.6), 1, &before.states, &EigenOptions::default()).unwrap();
    assert!(after.solves <= 2, "{}", after.solves);
}
