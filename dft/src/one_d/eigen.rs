//! The lowest states of a banded Hamiltonian, and the derivative of an eigenpair.
//!
//! Shifted subspace (inverse) iteration: with `sigma` just below the lowest eigenvalue, `H - sigma` is positive definite,
//! so its banded `L D L^T` is stable without pivoting, and each iteration damps the error by
//! `(e_k - sigma)/(e_m - sigma)`, `m` the size of the block. A Rayleigh-Ritz step in the block keeps near-degenerate
//! states apart. At the end an inertia count proves that no state was missed. (Parlett, *The Symmetric Eigenvalue
//! Problem*, ch. 14.)

use thiserror::Error;

use super::banded::{BandedLu, Pentadiagonal};

/// Settings of [`lowest_states`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EigenOptions {
    /// Largest residual `|H phi - e phi|` that counts as converged, in hartree.
    pub tol_residual_ha: f64,
    /// Most subspace iterations.
    pub max_iterations: usize,
    /// States beyond the wanted ones that the block carries: they set the rate of convergence.
    pub guard_states: usize,
}

impl Default for EigenOptions {
    fn default() -> Self {
        Self { tol_residual_ha: 1e-11, max_iterations: 200, guard_states: 2 }
    }
}

/// The lowest eigenpairs, ascending.
#[derive(Clone, Debug)]
pub struct EigenPairs {
    /// Eigenvalues in hartree; the wanted ones, then the guards' estimates.
    pub energies_ha: Vec<f64>,
    /// Eigenvectors, each of `n` entries with `sum phi^2 = 1` and a positive sum (or first moment).
    pub states: Vec<Vec<f64>>,
    /// Number of pairs that were asked for and are converged; the rest are guards.
    pub wanted: usize,
    /// Largest residual of the wanted pairs, in hartree.
    pub residual_ha: f64,
    /// Subspace iterations made.
    pub iterations: usize,
}

impl EigenPairs {
    /// Of a spin without electrons.
    pub(super) fn none() -> Self {
        Self {
            energies_ha: Vec::new(),
            states: Vec::new(),
            wanted: 0,
            residual_ha: 0.0,
            iterations: 0,
        }
    }
}

/// Why eigenpairs were not found.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum EigenError {
    /// More states were asked for than the grid has points to spare.
    #[error(
        "{wanted} states on a grid of {points} points; a grid holds at most half as many states as points"
    )]
    TooManyStates {
        /// States asked for.
        wanted: usize,
        /// Grid points.
        points: usize,
    },
    /// The potential is not finite.
    #[error("the potential is not finite at grid point {point}")]
    NonFinite {
        /// Where.
        point: usize,
    },
    /// The iteration stopped short.
    #[error(
        "eigenpairs not converged: residual {residual_ha:.3e} Ha after {iterations} iterations"
    )]
    NotConverged {
        /// Residual when it stopped.
        residual_ha: f64,
        /// Iterations made.
        iterations: usize,
    },
}

/// The `wanted` lowest eigenpairs of `h`.
///
/// `start` holds vectors to start from (of an earlier solve); it changes the number of iterations and rounding, so a
/// computation that must be reproducible passes what it can recompute.
///
/// # Errors
/// [`EigenError`]: too many states, a potential that is not finite, no convergence.
pub fn lowest_states(
    h: &Pentadiagonal,
    wanted: usize,
    start: &[Vec<f64>],
    options: &EigenOptions,
) -> Result<EigenPairs, EigenError> {
    let n = h.len();
    if wanted == 0 || 2 * wanted > n {
        return Err(EigenError::TooManyStates { wanted, points: n });
    }
    if let Some(point) = h.diagonal.iter().position(|v| !v.is_finite()) {
        return Err(EigenError::NonFinite { point });
    }
    let block = (wanted + options.guard_states).min(n);
    let mut states = starting_block(h, block, start);
    let mut energies = rayleigh_ritz(h, &mut states);
    let mut residual = f64::INFINITY;
    for iteration in 0..options.max_iterations {
        residual =
            (0..wanted).map(|k| residual_norm(h, energies[k], &states[k])).fold(0.0, f64::max);
        if residual <= options.tol_residual_ha {
            let missed = count_below(h, energies[wanted - 1], residual) > wanted;
            if !missed {
                states.iter_mut().for_each(|s| fix_sign(s));
                let pairs = EigenPairs {
                    energies_ha: energies,
                    states,
                    wanted,
                    residual_ha: residual,
                    iterations: iteration,
                };
                return Ok(pairs);
            }
            // the block lies across an invariant subspace that lacks a lower state: stir it
            stir(&mut states, iteration);
        }
        let factor = factor_below(h, &energies, residual);
        for state in &mut states {
            factor.solve(state);
        }
        energies = rayleigh_ritz(h, &mut states);
    }
    Err(EigenError::NotConverged { residual_ha: residual, iterations: options.max_iterations })
}

/// `L D L^T` at a shift just below the lowest eigenvalue: as close as positive definiteness allows.
fn factor_below(h: &Pentadiagonal, energies: &[f64], residual: f64) -> super::banded::Ldl {
    let spread = energies[energies.len() - 1] - energies[0];
    // within the residual the lowest Ritz value is that far above an eigenvalue at most
    let mut distance = (0.05 * spread).max(2.0 * residual.min(spread)).max(1e-6);
    loop {
        let factor = h.ldl(energies[0] - distance);
        if factor.negative_pivots() == 0 {
            return factor;
        }
        distance *= 4.0;
    }
}

/// Number of eigenvalues that are at most `energy`, up to rounding.
fn count_below(h: &Pentadiagonal, energy: f64, residual: f64) -> usize {
    let margin = residual.max(1e-13 * h.first.abs().max(1.0));
    h.ldl(energy - margin).negative_pivots() + 1
}

/// Vectors to start from: those given, then sines over the well that no potential is orthogonal to.
fn starting_block(h: &Pentadiagonal, block: usize, start: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let n = h.len();
    let mut states: Vec<Vec<f64>> =
        start.iter().filter(|s| s.len() == n).take(block).cloned().collect();
    let lowest = h.diagonal.iter().copied().fold(f64::INFINITY, f64::min);
    for k in states.len()..block {
        let wave = |i: usize| {
            let t = (i as f64 + 1.0) / (n as f64 + 1.0);
            let well = 1.0 / (0.05 + h.diagonal[i] - lowest);
            well * (1.0 + (2.4 * (k as f64 + 1.0) * t + 0.7 * k as f64).sin())
                + 1e-3 * ((i * (k + 3)) as f64).sin()
        };
        states.push((0..n).map(wave).collect());
    }
    states
}

/// Breaks a symmetry that keeps a state out of the block.
fn stir(states: &mut [Vec<f64>], iteration: usize) {
    for (k, state) in states.iter_mut().enumerate() {
        for (i, x) in state.iter_mut().enumerate() {
            *x += 1e-3 * (1.3 * ((i + 1) * (k + 1 + iteration)) as f64).sin();
        }
    }
}

/// Orthonormalises the block, diagonalises `h` in it, and returns the Ritz values, ascending.
fn rayleigh_ritz(h: &Pentadiagonal, states: &mut Vec<Vec<f64>>) -> Vec<f64> {
    orthonormalise(states);
    let m = states.len();
    let mut image = vec![0.0; h.len()];
    let mut projected = vec![0.0; m * m];
    for j in 0..m {
        h.apply(&states[j], &mut image);
        for i in 0..=j {
            let entry = dot(&states[i], &image);
            projected[i * m + j] = entry;
            projected[j * m + i] = entry;
        }
    }
    let (values, vectors) = jacobi(projected, m);
    let rotated = (0..m).map(|k| combination(states, |j| vectors[j * m + k])).collect();
    *states = rotated;
    values
}

fn combination(states: &[Vec<f64>], coefficient: impl Fn(usize) -> f64) -> Vec<f64> {
    let mut sum = vec![0.0; states[0].len()];
    for (j, state) in states.iter().enumerate() {
        let c = coefficient(j);
        sum.iter_mut().zip(state).for_each(|(s, x)| *s += c * x);
    }
    sum
}

/// Modified Gram-Schmidt, twice: enough for full orthogonality (Giraud et al. 2005).
pub(super) fn orthonormalise(states: &mut [Vec<f64>]) {
    for k in 0..states.len() {
        let (done, rest) = states.split_at_mut(k);
        let state = &mut rest[0];
        for _ in 0..2 {
            for other in &*done {
                let c = dot(other, state);
                state.iter_mut().zip(other).for_each(|(x, o)| *x -= c * o);
            }
            let norm = dot(state, state).sqrt();
            state.iter_mut().for_each(|x| *x /= norm);
        }
    }
}

/// Eigenvalues (ascending) and eigenvectors (columns, `m x m` row-major) of a small symmetric matrix by cyclic Jacobi
/// rotations (Golub & Van Loan, alg. 8.5.3).
pub(super) fn jacobi(mut a: Vec<f64>, m: usize) -> (Vec<f64>, Vec<f64>) {
    let mut v: Vec<f64> = (0..m * m).map(|k| f64::from(u8::from(k % (m + 1) == 0))).collect();
    for _ in 0..30 {
        let off: f64 = (0..m)
            .flat_map(|i| (0..i).map(move |j| (i, j)))
            .map(|(i, j)| a[i * m + j].powi(2))
            .sum();
        if off == 0.0 {
            break;
        }
        for p in 0..m {
            for q in p + 1..m {
                rotate(&mut a, &mut v, m, p, q);
            }
        }
    }
    let mut order: Vec<usize> = (0..m).collect();
    order.sort_by(|&i, &j| a[i * m + i].total_cmp(&a[j * m + j]));
    let values = order.iter().map(|&k| a[k * m + k]).collect();
    let mut sorted = vec![0.0; m * m];
    for (to, &from) in order.iter().enumerate() {
        for i in 0..m {
            sorted[i * m + to] = v[i * m + from];
        }
    }
    (values, sorted)
}

/// One Jacobi rotation that annihilates `a[p][q]`.
fn rotate(a: &mut [f64], v: &mut [f64], m: usize, p: usize, q: usize) {
    let apq = a[p * m + q];
    if apq.abs() < f64::MIN_POSITIVE {
        a[p * m + q] = 0.0;
        a[q * m + p] = 0.0;
        return;
    }
    let theta = (a[q * m + q] - a[p * m + p]) / (2.0 * apq);
    let t = theta.signum() / (theta.abs() + (theta * theta + 1.0).sqrt());
    let c = 1.0 / (t * t + 1.0).sqrt();
    let s = t * c;
    for k in 0..m {
        let (x, y) = (a[k * m + p], a[k * m + q]);
        (a[k * m + p], a[k * m + q]) = (c * x - s * y, s * x + c * y);
    }
    for k in 0..m {
        let (x, y) = (a[p * m + k], a[q * m + k]);
        (a[p * m + k], a[q * m + k]) = (c * x - s * y, s * x + c * y);
        let (x, y) = (v[k * m + p], v[k * m + q]);
        (v[k * m + p], v[k * m + q]) = (c * x - s * y, s * x + c * y);
    }
    a[p * m + q] = 0.0;
    a[q * m + p] = 0.0;
}

fn residual_norm(h: &Pentadiagonal, energy: f64, state: &[f64]) -> f64 {
    let mut image = vec![0.0; state.len()];
    h.apply(state, &mut image);
    image.iter().zip(state).map(|(y, x)| (y - energy * x).powi(2)).sum::<f64>().sqrt()
}

/// A sign that does not depend on how the state was found: positive sum, or first moment where the sum vanishes.
fn fix_sign(state: &mut [f64]) {
    let sum: f64 = state.iter().sum();
    let centre = 0.5 * (state.len() as f64 - 1.0);
    let moment: f64 = state.iter().enumerate().map(|(i, x)| (i as f64 - centre) * x).sum();
    let decisive = if sum.abs() > 1e-3 { sum } else { moment };
    if decisive < 0.0 {
        state.iter_mut().for_each(|x| *x = -*x);
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Adjoint of an eigenvector: `x` with `(H - e) x = (I - P) b`, `x` orthogonal to `phi` and to `with`.
///
/// `d phi = -(H - e)^+ dH phi`, so a cotangent `b` of `phi` becomes `-phi_i x_i` on the potential. `with` lists other
/// states of the same occupation: their contributions to a density's derivative cancel pairwise, so projecting them out
/// is exact and keeps a degenerate pair of occupied states from dividing by zero.
///
/// One banded solve: the row where `|phi|` is largest is pinned, which makes the singular matrix regular, and the
/// projection afterwards restores orthogonality.
///
/// # Shapes
/// `phi`, each of `with`, `b` and the result: `n`.
pub fn eigenvector_adjoint(
    h: &Pentadiagonal,
    energy_ha: f64,
    phi: &[f64],
    with: &[&[f64]],
    b: &[f64],
) -> Vec<f64> {
    let project = |x: &mut [f64]| {
        for state in std::iter::once(&phi).chain(with) {
            let c = dot(state, x);
            x.iter_mut().zip(*state).for_each(|(x, s)| *x -= c * s);
        }
    };
    let mut x = b.to_vec();
    project(&mut x);
    let largest = (0..phi.len()).fold(0, |p, i| if phi[i].abs() > phi[p].abs() { i } else { p });
    BandedLu::pinned(h, energy_ha, largest).solve(&mut x);
    project(&mut x);
    x
}

#[cfg(test)]
mod tests {
    use super::{EigenError, EigenOptions, dot, eigenvector_adjoint, lowest_states};
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
        for (charge, reference) in
            [(1.0, -0.6700250533), (2.0, -1.4829295265), (3.0, -2.3349352070)]
        {
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
                assert!(
                    (pairs.energies_ha[k] - values[k]).abs() < 1e-11,
                    "R {separation} state {k}"
                );
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
            dot(
                &lowest_states(&h, k + 1, &[], &EigenOptions::default()).unwrap().states[k],
                &weight,
            )
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
}
