//! The lowest states of a banded Hamiltonian, and the derivative of an eigenpair.
//!
//! From states of a similar Hamiltonian a few steps of Rayleigh-quotient iteration lead to eigenpairs, and one count of
//! eigenvalues proves that they are the lowest and that none was missed. Without such states, or where the proof fails,
//! bisection with counts finds the eigenvalues one by one, and inverse iteration their states: this takes longer and always
//! ends. (Parlett, *The Symmetric Eigenvalue Problem*, ch. 3 and 4.)

mod adjoint;
mod bisection;
mod jacobi;
mod rayleigh_quotient;

use thiserror::Error;

use crate::one_d::linear::banded::Pentadiagonal;
use crate::one_d::linear::twisted::Twisted;
use crate::one_d::linear::vector::{axpy, dot, normalise, project_out, slices};

pub use adjoint::eigenvector_adjoint;
pub(in crate::one_d) use jacobi::jacobi;

/// Settings of [`lowest_states`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EigenOptions {
    /// Largest residual `|H phi - e phi|` that counts as converged, in hartree; where rounding leaves more (`8 eps |H|`: on
    /// grids finer than 0.02 bohr), that counts.
    pub tol_residual_ha: f64,
}

impl Default for EigenOptions {
    fn default() -> Self {
        Self { tol_residual_ha: 1e-11 }
    }
}

/// The lowest eigenpairs, ascending.
#[derive(Clone, Debug, PartialEq)]
pub struct EigenPairs {
    /// Eigenvalues in hartree.
    pub energies_ha: Vec<f64>,
    /// Eigenvectors, each of `n` entries with `sum phi^2 = 1` and a positive sum (or first moment).
    pub states: Vec<Vec<f64>>,
    /// Largest residual, in hartree.
    pub residual_ha: f64,
    /// Banded solves made.
    pub solves: usize,
}

impl EigenPairs {
    /// Of a spin without electrons.
    pub(in crate::one_d) fn none() -> Self {
        Self { energies_ha: Vec::new(), states: Vec::new(), residual_ha: 0.0, solves: 0 }
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
    /// Inverse iteration stopped short of the tolerance.
    #[error(
        "eigenpairs not converged: residual {residual_ha:.3e} Ha, wanted {tolerance_ha:.1e} Ha, after {solves} banded solves"
    )]
    NotConverged {
        /// Residual when it stopped.
        residual_ha: f64,
        /// What it was to be.
        tolerance_ha: f64,
        /// Solves made.
        solves: usize,
    },
}

/// Eigenvalues closer than this, in hartree, are found together, so that their states are told apart as well as numbers allow.
const CLOSE_HA: f64 = 1e-4;

/// The `wanted` lowest eigenpairs of `h`.
///
/// `start` holds vectors to start from (of an earlier solve); it changes the number of solves and rounding, so a
/// computation that must be reproducible passes what it can recompute.
///
/// # Errors
/// [`EigenError`]: too many states, a potential that is not finite; no convergence, which no finite potential is known to cause.
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
    let tolerance = options.tol_residual_ha.max(rounding(h));
    let usable = start.len() >= wanted && start[..wanted].iter().all(|s| s.len() == n);
    let warm =
        if usable { rayleigh_quotient::improved(h, &start[..wanted], tolerance) } else { None };
    let mut found = warm.map_or_else(|| bisection::lowest(h, wanted, tolerance), Ok)?;
    found.states.iter_mut().for_each(|s| fix_sign(s));
    Ok(found)
}

/// Residual that rounding leaves: `8 eps |H|`.
fn rounding(h: &Pentadiagonal) -> f64 {
    let largest = h.diagonal.iter().fold(0.0, |m: f64, d| m.max(d.abs()));
    8.0 * f64::EPSILON * (largest + 2.0 * (h.first.abs() + h.second.abs()))
}

/// An approximate eigenpair.
struct Pair {
    state: Vec<f64>,
    energy: f64,
    residual: f64,
}

impl Pair {
    /// Of a vector of norm 1, by its Rayleigh quotient.
    fn of(h: &Pentadiagonal, state: Vec<f64>) -> Self {
        let mut image = vec![0.0; state.len()];
        h.apply(&state, &mut image);
        let energy = dot(&state, &image);
        axpy(&mut image, -energy, &state);
        Self { state, energy, residual: dot(&image, &image).sqrt() }
    }
}

/// `(H - shift)^-1` applied to a state and normalised, outside `others`; the twist where the state is largest.
fn inverse_iteration(h: &Pentadiagonal, shift: f64, state: &[f64], others: &[Pair]) -> Pair {
    let largest = position_of_largest(state);
    let mut next = state.to_vec();
    Twisted::new(h, shift, largest).solve(&mut next);
    normalise(&mut next);
    if !others.is_empty() {
        for _ in 0..2 {
            project_out(others.iter().map(|p| p.state.as_slice()), &mut next);
            normalise(&mut next);
        }
    }
    Pair::of(h, next)
}

fn position_of_largest(x: &[f64]) -> usize {
    (0..x.len()).fold(0, |p, i| if x[i].abs() > x[p].abs() { i } else { p })
}

fn sorted(mut pairs: Vec<Pair>, solves: usize) -> EigenPairs {
    pairs.sort_by(|a, b| a.energy.total_cmp(&b.energy));
    EigenPairs {
        residual_ha: pairs.iter().fold(0.0, |m: f64, p| m.max(p.residual)),
        energies_ha: pairs.iter().map(|p| p.energy).collect(),
        states: pairs.into_iter().map(|p| p.state).collect(),
        solves,
    }
}

/// Orthonormalises the block, diagonalises `h` in it, and returns the Ritz pairs, ascending.
fn rayleigh_ritz(h: &Pentadiagonal, mut states: Vec<Vec<f64>>) -> Vec<Pair> {
    orthonormalise(&mut states);
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
    let vectors = jacobi(projected, m).1;
    let combination = |k: usize| {
        let mut sum = vec![0.0; h.len()];
        for (j, state) in states.iter().enumerate() {
            axpy(&mut sum, vectors[j * m + k], state);
        }
        Pair::of(h, sum)
    };
    (0..m).map(combination).collect()
}

/// Modified Gram-Schmidt, twice: enough for full orthogonality (Giraud et al. 2005).
pub(in crate::one_d) fn orthonormalise(states: &mut [Vec<f64>]) {
    for k in 0..states.len() {
        let (done, rest) = states.split_at_mut(k);
        for _ in 0..2 {
            project_out(slices(done), &mut rest[0]);
            normalise(&mut rest[0]);
        }
    }
}

/// A sign that does not depend on how the state was found: positive sum, or first moment where the sum vanishes.
fn fix_sign(state: &mut [f64]) {
    let sum: f64 = state.iter().sum();
    let centre = 0.5 * (state.len() as f64 - 1.0);
    let moment = || state.iter().enumerate().map(|(i, x)| (i as f64 - centre) * x).sum::<f64>();
    let decisive = if sum.abs() > 1e-3 { sum } else { moment() };
    if decisive < 0.0 {
        state.iter_mut().for_each(|x| *x = -*x);
    }
}

#[cfg(test)]
mod tests;
