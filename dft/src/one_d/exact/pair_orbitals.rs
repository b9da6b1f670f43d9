//! Orbitals in which few electrons are correlated.
//!
//! The references are the occupied states of a mean field. What correlation needs beyond them is in the
//! first-order pair functions `u_ij = -(h_1 + h_2 - e)^-1 w phi_i phi_j`, solved on the whole product grid: the orbitals are the
//! eigenvectors of `sum_ij u_ij u_ij^T` outside the references, the largest first. (Natural orbitals of perturbation theory;
//! Löwdin, Phys. Rev. 97, 1474 (1955).)

use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatRef, Par, Side};

use crate::one_d::exact::two_electrons::TwoElectrons;
use crate::one_d::field::prepared::Prepared;
use crate::one_d::field::scf::{Model, ScfError, ScfOptions, self_consistent_field};
use crate::one_d::functional::lda::Lda;
use crate::one_d::linear::eigen::{EigenOptions, lowest_states};
use crate::one_d::linear::vector::{project_out, slices};
use crate::one_d::system::System;

/// Excitation energy in hartree that regularises the pair functions.
const GAP_HA: f64 = 0.5;

/// The mean field's potential in hartree, `n` entries: the LDA's.
pub(in crate::one_d) fn mean_field(model: &Model, system: &System) -> Result<Vec<f64>, ScfError> {
    let prepared = Prepared::new(model, system)?;
    let options = ScfOptions { tol_density: 1e-6, ..ScfOptions::converged() };
    let mut scf = self_consistent_field(model, &prepared, &Lda::default(), &options)?;
    // converged or not: any mean field will do
    Ok(scf.steps.pop().map_or(prepared.external_ha, |s| s.potential_ha))
}

/// `count` orthonormal orbitals (`n` entries, `sum phi^2 = 1`) for the electrons of `system` in the mean field `potential`.
pub(in crate::one_d) fn pair_orbitals(
    model: &Model,
    system: &System,
    potential: &[f64],
    count: usize,
) -> Result<Vec<Vec<f64>>, ScfError> {
    let n = model.grid.points();
    let h = model.stencil.hamiltonian(&model.grid, potential);
    let failed = |source| ScfError::Eigen { step: 0, source };
    let references = system.restricted_occupations().len();
    let states = lowest_states(&h, references, &[], &EigenOptions::default()).map_err(failed)?;
    let mut orbitals = states.states;
    let pairs = TwoElectrons::of(model, h).map_err(failed)?;
    let w: Vec<f64> =
        (0..n).map(|k| model.interaction.energy(k as f64 * model.grid.spacing_bohr())).collect();
    let mut sum = Mat::<f64>::zeros(n, n);
    for i in 0..references {
        for j in 0..=i {
            let (a, b) = (&orbitals[i], &orbitals[j]);
            let mut source = Vec::with_capacity(n * n);
            for y in 0..n {
                let at = |x: usize| w[x.abs_diff(y)] * (a[x] * b[y] + b[x] * a[y]);
                source.extend((0..n).map(at));
            }
            let mut u = pairs.independent_inverse(GAP_HA, &source);
            u.chunks_exact_mut(n).for_each(|column| project_out(slices(&orbitals), column));
            let u = MatRef::from_column_major_slice(&u, n, n);
            matmul(sum.as_mut(), Accum::Add, u, u.transpose(), 1.0, Par::Seq);
        }
    }
    let found = sum.self_adjoint_eigen(Side::Lower).unwrap_or_else(|_| unreachable!("finite"));
    for k in (0..n).rev().take(count - references) {
        let mut orbital: Vec<f64> = (0..n).map(|i| found.U()[(i, k)]).collect();
        for _ in 0..2 {
            project_out(slices(&orbitals), &mut orbital);
            let norm = orbital.iter().map(|x| x * x).sum::<f64>().sqrt();
            orbital.iter_mut().for_each(|x| *x /= norm);
        }
        orbitals.push(orbital);
    }
    Ok(orbitals)
}
