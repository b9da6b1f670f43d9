//! The exact ground state of two electrons, on the full product grid.
//!
//! `H Psi = h Psi + Psi h + W o Psi` for the symmetric `n x n` matrix `Psi_ij = Psi(x_i, x_j)`, `W_ij = w(x_i - x_j)`. The
//! one-electron `h` is banded, so applying `H` is cheap; the lowest singlet is found by Davidson's method (J. Comput. Phys.
//! 17, 87 (1975)), preconditioned with two electrons that do not interact.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::one_d::exact::alternating_directions::Independent;
use crate::one_d::field::scf::Model;
use crate::one_d::linear::banded::Pentadiagonal;
use crate::one_d::linear::davidson::{Limits, davidson};
use crate::one_d::linear::eigen::{EigenError, EigenOptions, lowest_states};
use crate::one_d::linear::vector::dot;
use crate::one_d::system::{System, SystemError};

/// Settings of [`two_electrons`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ExactOptions {
    /// Residual norm `|H Psi - E Psi|` to reach, in hartree.
    pub tol_residual_ha: f64,
    /// Most Davidson iterations.
    pub max_iterations: usize,
    /// Size of the subspace at which it is collapsed to the current vector.
    pub restart: usize,
    /// Most bytes to take: see [`ExactOptions::bytes`].
    pub most_bytes: usize,
}

impl Default for ExactOptions {
    fn default() -> Self {
        Self { tol_residual_ha: 1e-9, max_iterations: 100, restart: 12, most_bytes: MOST_BYTES }
    }
}

/// Memory that an exact reference may take unless its options say otherwise: 2 GiB.
pub(in crate::one_d) const MOST_BYTES: usize = 1 << 31;

impl ExactOptions {
    /// Memory that [`two_electrons`] takes on a grid of `points` points: matrices of `n x n` numbers, two for each vector of the
    /// subspace, and eight to make the next one.
    pub fn bytes(&self, points: usize) -> usize {
        8 * (2 * self.restart + 8) * points * points
    }
}

/// An exact ground state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroundState {
    /// Electronic energy in hartree, without the repulsion of the nuclei.
    pub energy_ha: f64,
    /// Density, `n` entries, in 1/bohr.
    pub density: Vec<f64>,
    /// Residual norm reached, in hartree.
    pub residual_ha: f64,
    /// Estimated error of the energy in hartree: 0 where the method is exact on the grid.
    pub error_ha: f64,
    /// Davidson iterations made.
    pub iterations: usize,
}

/// Why there is no exact ground state.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum ExactError {
    /// The system does not have one electron of each spin.
    #[error(
        "the product-grid solver takes one electron of each spin, found {up} up and {down} down"
    )]
    Electrons {
        /// Spin up.
        up: usize,
        /// Spin down.
        down: usize,
    },
    /// The system does not fit the grid.
    #[error(transparent)]
    System(#[from] SystemError),
    /// The orbitals that the iteration starts from were not found.
    #[error("the one-electron Hamiltonian: {0}")]
    OneElectron(#[from] EigenError),
    /// The wave functions would take too much memory.
    #[error(
        "the exact state of two electrons on {points} points takes {} MB, more than the {} MB that are allowed; use at most {most_points} points",
        bytes / 1_000_000, most / 1_000_000
    )]
    Memory {
        /// Points of the grid.
        points: usize,
        /// What they take.
        bytes: usize,
        /// What is allowed.
        most: usize,
        /// Points that fit.
        most_points: usize,
    },
    /// The iteration stopped short.
    #[error(
        "Davidson's method stopped at a residual of {residual_ha:.2e} Ha after {iterations} iterations; allow more iterations or a larger subspace"
    )]
    NotConverged {
        /// Residual when it stopped.
        residual_ha: f64,
        /// Iterations made.
        iterations: usize,
    },
}

/// The two-electron Hamiltonian of a system. Wave functions are stored by columns.
pub(in crate::one_d) struct TwoElectrons {
    n: usize,
    /// The one-electron Hamiltonian.
    h: Pentadiagonal,
    /// `w(k h)`, `n` entries.
    w: Vec<f64>,
    /// The two lowest one-electron states, and their energies.
    orbitals: Vec<Vec<f64>>,
    energies_ha: Vec<f64>,
}

impl TwoElectrons {
    fn new(model: &Model, system: &System) -> Result<Self, ExactError> {
        let v = system.external_potential(&model.grid, model.interaction);
        Ok(Self::of(model, model.stencil.hamiltonian(&model.grid, &v))?)
    }

    /// With any one-electron Hamiltonian.
    pub(in crate::one_d) fn of(model: &Model, h: Pentadiagonal) -> Result<Self, EigenError> {
        let n = model.grid.points();
        let pairs = lowest_states(&h, 2, &[], &EigenOptions::default())?;
        let at = |k: usize| model.interaction.energy(k as f64 * model.grid.spacing_bohr());
        let w = (0..n).map(at).collect();
        Ok(Self { n, h, w, orbitals: pairs.states, energies_ha: pairs.energies_ha })
    }

    /// Column `j` of `Psi (h + shift)`, a combination of neighbouring columns, added to `out`.
    fn add_column(&self, shift: f64, psi: &[f64], j: usize, out: &mut [f64]) {
        let (n, h) = (self.n, &self.h);
        let centre = h.diagonal[j] + shift;
        let column = |k: usize| &psi[k * n..(k + 1) * n];
        if j < 2 || j + 2 >= n {
            for k in j.saturating_sub(2)..(j + 3).min(n) {
                let c = [centre, h.first, h.second][k.abs_diff(j)];
                out.iter_mut().zip(column(k)).for_each(|(o, x)| *o += c * x);
            }
            return;
        }
        let near = column(j - 1).iter().zip(column(j + 1));
        let far = column(j - 2).iter().zip(column(j + 2));
        for (((o, x), (a, b)), (c, d)) in out.iter_mut().zip(column(j)).zip(near).zip(far) {
            *o += centre * x + h.first * (a + b) + h.second * (c + d);
        }
    }

    /// `Psi (h + shift)`, added to `image`.
    fn add_from_right(&self, shift: f64, psi: &[f64], image: &mut [f64]) {
        for (j, out) in image.chunks_exact_mut(self.n).enumerate() {
            self.add_column(shift, psi, j, out);
        }
    }

    /// `H Psi`.
    fn apply(&self, psi: &[f64]) -> Vec<f64> {
        let n = self.n;
        let mut image = vec![0.0; n * n];
        for (j, (out, psi)) in image.chunks_exact_mut(n).zip(psi.chunks_exact(n)).enumerate() {
            self.h.apply(psi, out);
            let (above, below) = out.split_at_mut(j);
            let pairs = above.iter_mut().rev().zip(psi[..j].iter().rev());
            pairs.zip(&self.w[1..]).for_each(|((o, x), w)| *o += w * x);
            below.iter_mut().zip(&psi[j..]).zip(&self.w).for_each(|((o, x), w)| *o += w * x);
        }
        self.add_from_right(0.0, psi, &mut image);
        image
    }

    /// `(h x 1 + 1 x h + gap - 2 e_0)^-1`, approximately.
    fn independent(&self, gap: f64, sweeps: u32) -> Independent<'_> {
        Independent::new(&self.h, self.energies_ha[0], gap, sweeps)
    }

    /// `(h x 1 + 1 x h + gap - 2 e_0)^-1` on a symmetric matrix, to one part in 10^6 or so.
    pub(in crate::one_d) fn independent_inverse(&self, gap: f64, source: &[f64]) -> Vec<f64> {
        // the error of the slowest mode falls below 1/50, at each refinement again
        const SWEEPS: u32 = 5;
        const REFINEMENTS: usize = 4;
        let shift = gap - 2.0 * self.energies_ha[0];
        let inverse = self.independent(gap, SWEEPS);
        let mut x = inverse.apply(source);
        for _ in 0..REFINEMENTS {
            let mut residual = vec![0.0; x.len()];
            for (out, column) in residual.chunks_exact_mut(self.n).zip(x.chunks_exact(self.n)) {
                self.h.apply(column, out);
            }
            self.add_from_right(shift, &x, &mut residual);
            residual.iter_mut().zip(source).for_each(|(r, s)| *r = s - *r);
            let correction = inverse.apply(&residual);
            x.iter_mut().zip(&correction).for_each(|(x, c)| *x += c);
        }
        x
    }

    /// Repulsion of two electrons in the lowest orbital: what the preconditioner adds to the one-electron energies.
    fn repulsion_estimate(&self) -> f64 {
        let phi = &self.orbitals[0];
        let square = |i: usize| phi[i] * phi[i];
        let row = |i: usize| (0..self.n).map(|j| self.w[i.abs_diff(j)] * square(j)).sum::<f64>();
        (0..self.n).map(|i| square(i) * row(i)).sum()
    }

    /// `phi_0 phi_0 - 0.3 phi_1 phi_1`: covalent from the start, so that stretched molecules converge as fast.
    fn start(&self) -> Vec<f64> {
        let (a, b) = (&self.orbitals[0], &self.orbitals[1]);
        let mut psi: Vec<f64> = Vec::with_capacity(self.n * self.n);
        for j in 0..self.n {
            psi.extend((0..self.n).map(|i| a[i] * a[j] - 0.3 * b[i] * b[j]));
        }
        psi
    }
}

/// Of the preconditioner: with five the iterations are as many, and each costs half as much again.
const SWEEPS: u32 = 3;

/// The singlet ground state of two electrons.
///
/// # Errors
/// [`ExactError`]: other electrons than one of each spin, a nucleus outside the box, no convergence.
pub fn two_electrons(
    model: &Model,
    system: &System,
    options: &ExactOptions,
) -> Result<GroundState, ExactError> {
    let [up, down] = system.electrons_by_spin();
    if (up, down) != (1, 1) {
        return Err(ExactError::Electrons { up, down });
    }
    system.check_inside(&model.grid)?;
    let (points, most) = (model.grid.points(), options.most_bytes);
    let bytes = options.bytes(points);
    if bytes > most {
        let most_points = (most / options.bytes(1).max(1)).isqrt();
        return Err(ExactError::Memory { points, bytes, most, most_points });
    }
    let hamiltonian = TwoElectrons::new(model, system)?;
    let apart = 2.0 * hamiltonian.energies_ha[0] + hamiltonian.repulsion_estimate();
    let limits = Limits {
        tol_residual_ha: options.tol_residual_ha,
        max_iterations: options.max_iterations,
        restart: options.restart,
    };
    let mut made: Option<Independent> = None;
    let precondition = |r: &[f64], energy_ha: f64| {
        // what two electrons in the lowest orbital cost above the first estimate of the energy
        let gap = (apart - energy_ha).max(0.05);
        made.get_or_insert_with(|| hamiltonian.independent(gap, SWEEPS)).apply(r)
    };
    let found =
        davidson(hamiltonian.start(), limits, |x| hamiltonian.apply(x), precondition).map_err(
            |(residual_ha, iterations)| ExactError::NotConverged { residual_ha, iterations },
        )?;
    Ok(GroundState {
        energy_ha: found.energy_ha,
        density: density(&found.vector, hamiltonian.n, model.grid.spacing_bohr()),
        residual_ha: found.residual_ha,
        error_ha: 0.0,
        iterations: found.iterations,
    })
}

/// `n_i = 2 sum_j Psi_ij^2 / h`.
fn density(psi: &[f64], n: usize, spacing: f64) -> Vec<f64> {
    let column = |x: &[f64]| 2.0 / spacing * dot(x, x);
    psi.chunks_exact(n).map(column).collect()
}

#[cfg(test)]
mod tests {
    use faer::{Mat, Side};

    use super::{ExactError, ExactOptions, two_electrons};
    use crate::one_d::{Grid, Interaction, Model, Stencil, System};

    #[test]
    fn a_small_grid_agrees_with_dense_diagonalisation() {
        let n = 25;
        let model = Model {
            grid: Grid::new(n, 0.5).unwrap(),
            stencil: Stencil::FivePoint,
            interaction: Interaction::BAKER,
        };
        let system = System::molecule(&[(-0.7, 1.0), (0.9, 1.5)], 2).unwrap();
        let exact = two_electrons(&model, &system, &ExactOptions::default()).unwrap();
        let v = system.external_potential(&model.grid, model.interaction);
        let one = model.stencil.hamiltonian(&model.grid, &v);
        let h = |i: usize, j: usize| {
            [one.diagonal[i], one.first, one.second].get(i.abs_diff(j)).copied().unwrap_or(0.0)
        };
        let delta = |i: usize, j: usize| f64::from(u8::from(i == j));
        let full = Mat::from_fn(n * n, n * n, |a, b| {
            let (i, j, k, l) = (a / n, a % n, b / n, b % n);
            let w = model.interaction.energy(model.grid.x(i) - model.grid.x(j));
            h(i, k) * delta(j, l) + h(j, l) * delta(i, k) + w * delta(i, k) * delta(j, l)
        });
        let values = full.self_adjoint_eigenvalues(Side::Lower).unwrap();
        assert!((exact.energy_ha - values[0]).abs() < 1e-12, "{} {}", exact.energy_ha, values[0]);
        assert!((model.grid.integral(&exact.density) - 2.0).abs() < 1e-12);
    }

    #[test]
    fn helium_and_hydrogen_match_the_published_energies() {
        // DMRG of Li et al. (2021) for helium; for H2 an independent product-grid solver in Python (E without E_nn)
        let model = Model::default();
        let energy = |system: System| {
            two_electrons(&model, &system, &ExactOptions::default()).unwrap().energy_ha
        };
        assert!((energy(System::chain(1, 2.0, 0.0).unwrap()) + 2.23778185).abs() < 1e-8);
        let repulsion =
            System::chain(2, 1.0, 1.52).unwrap().nuclear_repulsion_ha(model.interaction);
        let hydrogen = System::chain(2, 1.0, 1.52).unwrap().on_grid(&model.grid);
        let minimum = energy(hydrogen) + repulsion;
        assert!((minimum + 1.440671).abs() < 1e-6, "{minimum}");
    }

    #[test]
    fn a_grid_that_does_not_fit_in_memory_is_refused_with_the_number() {
        let model = Model { grid: Grid::new(8001, 0.01).unwrap(), ..Model::default() };
        let helium = System::chain(1, 2.0, 0.0).unwrap();
        let options = ExactOptions::default();
        let refused = two_electrons(&model, &helium, &options).unwrap_err();
        let ExactError::Memory { bytes, most, most_points, .. } = refused else {
            panic!("{refused}")
        };
        assert!(bytes > 16_000_000_000 && most == 1 << 31, "{bytes} {most}");
        assert!(options.bytes(most_points) <= most && options.bytes(most_points + 1) > most);
    }

    #[test]
    fn other_electron_numbers_are_refused() {
        let lithium = System::chain(1, 3.0, 0.0).unwrap();
        let refused =
            two_electrons(&Model::default(), &lithium, &ExactOptions::default()).unwrap_err();
        assert_eq!(refused, ExactError::Electrons { up: 2, down: 1 });
    }
}
