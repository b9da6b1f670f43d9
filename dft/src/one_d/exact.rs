//! The exact ground state of two electrons, on the full product grid.
//!
//! `H Psi = h Psi + Psi h + W o Psi` for the symmetric `n x n` matrix `Psi_ij = Psi(x_i, x_j)`, `W_ij = w(x_i - x_j)`. The
//! one-electron `h` is banded, so applying `H` is cheap; the lowest singlet is found by Davidson's method, preconditioned
//! in the eigenbasis of `h`, where the one-electron part is diagonal, with Olsen's correction. Davidson, J. Comput. Phys. 17,
//! 87 (1975); Olsen, Jorgensen & Simons, Chem. Phys. Lett. 169, 463 (1990).

use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, Par, Side};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::scf::Model;
use super::system::{System, SystemError};

/// Settings of [`two_electrons`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ExactOptions {
    /// Residual norm `|H Psi - E Psi|` to reach, in hartree.
    pub tol_residual_ha: f64,
    /// Most Davidson iterations.
    pub max_iterations: usize,
    /// Size of the subspace at which it is collapsed to the current vector.
    pub restart: usize,
}

impl Default for ExactOptions {
    fn default() -> Self {
        Self { tol_residual_ha: 1e-9, max_iterations: 100, restart: 12 }
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
    /// The dense diagonalisation of the one-electron Hamiltonian failed.
    #[error("the one-electron Hamiltonian could not be diagonalised")]
    OneElectron,
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

/// The two-electron Hamiltonian of a system.
struct TwoElectrons {
    n: usize,
    /// Main diagonal of `h`, and its two off-diagonals.
    h: super::banded::Pentadiagonal,
    /// `w(k h)`, `n` entries.
    w: Vec<f64>,
    /// Eigenvectors of `h`, columns.
    modes: Mat<f64>,
    /// Eigenvalues of `h`, ascending.
    energies: Vec<f64>,
}

impl TwoElectrons {
    fn new(model: &Model, system: &System) -> Result<Self, ExactError> {
        let n = model.grid.points();
        let h = model
            .stencil
            .hamiltonian(&model.grid, &system.external_potential(&model.grid, model.interaction));
        let dense = Mat::from_fn(n, n, |i, j| match i.abs_diff(j) {
            0 => h.diagonal[i],
            1 => h.first,
            2 => h.second,
            _ => 0.0,
        });
        let eigen = dense.self_adjoint_eigen(Side::Lower).map_err(|_| ExactError::OneElectron)?;
        let energies = (0..n).map(|k| eigen.S()[k]).collect();
        let w = (0..n)
            .map(|k| model.interaction.energy(k as f64 * model.grid.spacing_bohr()))
            .collect();
        Ok(Self { n, h, w, modes: eigen.U().to_owned(), energies })
    }

    /// `H Psi`, in real space.
    fn apply(&self, psi: &Mat<f64>) -> Mat<f64> {
        let n = self.n;
        let mut image = Mat::zeros(n, n);
        let mut column = vec![0.0; n];
        for j in 0..n {
            let psi_j = psi.col_as_slice(j);
            self.h.apply(psi_j, &mut column);
            // (Psi h)_ij = sum_k Psi_ik h_kj, a combination of the neighbouring columns
            let near = |k: usize| (1..=2).contains(&k.abs_diff(j)).then(|| psi.col_as_slice(k));
            let out = image.col_as_slice_mut(j);
            for i in 0..n {
                out[i] = column[i] + (self.h.diagonal[j] + self.w[i.abs_diff(j)]) * psi_j[i];
            }
            for k in j.saturating_sub(2)..(j + 3).min(n) {
                let Some(other) = near(k) else { continue };
                let c = if k.abs_diff(j) == 1 { self.h.first } else { self.h.second };
                out.iter_mut().zip(other).for_each(|(o, x)| *o += c * x);
            }
        }
        image
    }

    /// `(h x 1 + 1 x h + shift - E)^-1` of several matrices at once, in the eigenbasis of `h`.
    fn precondition(&self, shift: f64, energy: f64, r: &Mat<f64>) -> Mat<f64> {
        let n = self.n;
        let mut half = Mat::zeros(n, n);
        let mut inner = Mat::zeros(n, n);
        let u = self.modes.as_ref();
        matmul(&mut half, Accum::Replace, u.transpose(), r, 1.0, Par::Seq);
        matmul(&mut inner, Accum::Replace, &half, u, 1.0, Par::Seq);
        for j in 0..n {
            for (i, c) in inner.col_as_slice_mut(j).iter_mut().enumerate() {
                let gap = self.energies[i] + self.energies[j] + shift - energy;
                *c /= gap.max(0.05);
            }
        }
        matmul(&mut half, Accum::Replace, u, &inner, 1.0, Par::Seq);
        matmul(&mut inner, Accum::Replace, &half, u.transpose(), 1.0, Par::Seq);
        inner
    }

    /// Repulsion of two electrons in the lowest orbital: what the preconditioner adds to the one-electron energies.
    fn repulsion_estimate(&self) -> f64 {
        let phi = self.modes.col_as_slice(0);
        let square = |i: usize| phi[i] * phi[i];
        let row = |i: usize| (0..self.n).map(|j| self.w[i.abs_diff(j)] * square(j)).sum::<f64>();
        (0..self.n).map(|i| square(i) * row(i)).sum()
    }

    /// `phi_0 phi_0 - 0.3 phi_1 phi_1`: covalent from the start, so that stretched molecules converge as fast.
    fn start(&self) -> Mat<f64> {
        let (a, b) = (self.modes.col_as_slice(0), self.modes.col_as_slice(1));
        let mut psi = Mat::from_fn(self.n, self.n, |i, j| a[i] * a[j] - 0.3 * b[i] * b[j]);
        let length = norm(&psi);
        scale(&mut psi, 1.0 / length);
        psi
    }
}

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
    let hamiltonian = TwoElectrons::new(model, system)?;
    let shift = hamiltonian.repulsion_estimate();
    let mut vectors = vec![hamiltonian.start()];
    let mut images = vec![hamiltonian.apply(&vectors[0])];
    let mut residual_ha = f64::INFINITY;
    for iteration in 0..options.max_iterations {
        let (energy, weights) = lowest_ritz(&vectors, &images);
        let psi = combine(&vectors, &weights);
        let mut residual = combine(&images, &weights);
        axpy(&mut residual, -energy, &psi);
        residual_ha = norm(&residual);
        if residual_ha <= options.tol_residual_ha {
            let density = density(&psi, model.grid.spacing_bohr());
            return Ok(GroundState {
                energy_ha: energy,
                density,
                residual_ha,
                iterations: iteration,
            });
        }
        if vectors.len() >= options.restart {
            let image = combine(&images, &weights);
            (vectors, images) = (vec![psi.clone()], vec![image]);
        }
        // Olsen: the step orthogonal to Psi in the preconditioned sense
        let step = hamiltonian.precondition(shift, energy, &residual);
        let along = hamiltonian.precondition(shift, energy, &psi);
        let mut next = step;
        let factor = -dot(&psi, &next) / dot(&psi, &along);
        axpy(&mut next, factor, &along);
        symmetrise_exchange(&mut next);
        for _ in 0..2 {
            for v in &vectors {
                let c = -dot(v, &next);
                axpy(&mut next, c, v);
            }
        }
        let length = norm(&next);
        scale(&mut next, 1.0 / length);
        images.push(hamiltonian.apply(&next));
        vectors.push(next);
    }
    Err(ExactError::NotConverged { residual_ha, iterations: options.max_iterations })
}

/// Lowest eigenpair of the Hamiltonian in the subspace.
fn lowest_ritz(vectors: &[Mat<f64>], images: &[Mat<f64>]) -> (f64, Vec<f64>) {
    let m = vectors.len();
    let projected = Mat::from_fn(m, m, |i, j| dot(&vectors[i.max(j)], &images[i.min(j)]));
    let Ok(eigen) = projected.self_adjoint_eigen(Side::Lower) else {
        return (f64::NAN, vec![0.0; m]);
    };
    (eigen.S()[0], (0..m).map(|k| eigen.U()[(k, 0)]).collect())
}

/// `n_i = 2 sum_j Psi_ij^2 / h`.
fn density(psi: &Mat<f64>, spacing: f64) -> Vec<f64> {
    let n = psi.nrows();
    (0..n).map(|j| 2.0 / spacing * psi.col_as_slice(j).iter().map(|x| x * x).sum::<f64>()).collect()
}

fn dot(a: &Mat<f64>, b: &Mat<f64>) -> f64 {
    let column = |j: usize| -> f64 {
        a.col_as_slice(j).iter().zip(b.col_as_slice(j)).map(|(a, b)| a * b).sum()
    };
    (0..a.ncols()).map(column).sum()
}

fn norm(a: &Mat<f64>) -> f64 {
    dot(a, a).sqrt()
}

fn axpy(y: &mut Mat<f64>, c: f64, x: &Mat<f64>) {
    for j in 0..y.ncols() {
        y.col_as_slice_mut(j).iter_mut().zip(x.col_as_slice(j)).for_each(|(y, x)| *y += c * x);
    }
}

fn scale(y: &mut Mat<f64>, c: f64) {
    for j in 0..y.ncols() {
        y.col_as_slice_mut(j).iter_mut().for_each(|y| *y *= c);
    }
}

fn combine(vectors: &[Mat<f64>], weights: &[f64]) -> Mat<f64> {
    let mut sum = Mat::zeros(vectors[0].nrows(), vectors[0].ncols());
    for (v, w) in vectors.iter().zip(weights) {
        axpy(&mut sum, *w, v);
    }
    sum
}

/// `(Psi + Psi^T)/2`: a singlet's spatial part is symmetric.
fn symmetrise_exchange(psi: &mut Mat<f64>) {
    for j in 0..psi.ncols() {
        for i in 0..j {
            let mean = 0.5 * (psi[(i, j)] + psi[(j, i)]);
            psi[(i, j)] = mean;
            psi[(j, i)] = mean;
        }
    }
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
    fn other_electron_numbers_are_refused() {
        let lithium = System::chain(1, 3.0, 0.0).unwrap();
        let refused =
            two_electrons(&Model::default(), &lithium, &ExactOptions::default()).unwrap_err();
        assert_eq!(refused, ExactError::Electrons { up: 2, down: 1 });
    }
}
