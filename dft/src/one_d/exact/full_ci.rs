//! The exact ground state of two to four electrons in a finite set of orbitals: full configuration interaction.
//!
//! An upper bound that falls with the number `m` of orbitals. The orbitals are optimised: what the energy's gradient by them
//! shows outside the set, `F_p = sum_r gamma_pr h phi_r + sum_qrs G[pq, rs] V_qs phi_r`, preconditioned, is added to it; of the
//! larger set's natural orbitals the most occupied stay (super-CI; Grein & Chang, Chem. Phys. Lett. 12, 44 (1971)). The last
//! set's natural orbitals give smaller ones, so that three energies show how the bound converges: the error of the third,
//! by `E(m) = E + c m^-p` through them, doubled because no set is optimised to its end, is stated as that of the last set. (On systems of two electrons, where the product grid is exact, the estimate
//! is tested.)

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par, Side};
use thiserror::Error;

use crate::one_d::exact::ci_operator::{CiOperator, MOST_ELECTRONS};
use crate::one_d::exact::pair_orbitals::{mean_field, pair_orbitals};
use crate::one_d::exact::two_electrons::{GroundState, MOST_BYTES};
use crate::one_d::field::scf::{Model, ScfError};
use crate::one_d::linear::banded::Pentadiagonal;
use crate::one_d::linear::davidson::{Limits, Lowest, davidson};
use crate::one_d::linear::vector::{dot, project_out, slices};
use crate::one_d::system::System;

/// Settings of [`full_ci`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FullCiOptions {
    /// Three numbers of natural orbitals, ascending, whose energies say how far the answer is from its limit.
    pub orbitals: [usize; 3],
    /// Orbitals beyond the last number in the set that gives the answer.
    pub extra_orbitals: usize,
    /// Times that the orbitals are optimised.
    pub optimisations: usize,
    /// Most Davidson iterations of each.
    pub max_iterations: usize,
    /// Most bytes to take: see [`FullCiOptions::bytes`].
    pub most_bytes: usize,
}

impl Default for FullCiOptions {
    fn default() -> Self {
        Self {
            orbitals: [12, 16, 22],
            extra_orbitals: 6,
            optimisations: 4,
            max_iterations: 100,
            most_bytes: MOST_BYTES,
        }
    }
}

impl FullCiOptions {
    /// Memory that [`full_ci`] takes for so many electrons on a grid of `points` points: matrices of `n x n` numbers for the
    /// pair functions, products of orbitals, and the tensors of the subspace.
    pub fn bytes(&self, points: usize, electrons: usize) -> usize {
        let m = self.orbitals[2] + self.extra_orbitals;
        let tensor = m.saturating_pow(u32::try_from(electrons).unwrap_or(u32::MAX));
        let others = 8 * points * points + 3 * points * m * m + 5 * m.pow(4);
        tensor.saturating_mul(2 * RESTART + 6).saturating_add(others).saturating_mul(8)
    }
}

/// Vectors of Davidson's subspace.
const RESTART: usize = 12;

/// A ground state in a finite set of orbitals.
#[derive(Clone, Debug, PartialEq)]
pub struct CiState {
    /// Energy, its estimated error, and density.
    pub ground: GroundState,
    /// Density of spin up minus that of spin down, `n` entries, in 1/bohr.
    pub spin_density: Vec<f64>,
    /// Numbers of natural orbitals with their energies in hartree.
    pub convergence: [(usize, f64); 3],
    /// Occupations of the natural orbitals, descending.
    pub occupations: Vec<f64>,
}

/// Why there is no such state.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum FullCiError {
    /// Too few or too many electrons.
    #[error("full CI takes 2 to 4 electrons, found {found}")]
    Electrons {
        /// How many.
        found: usize,
    },
    /// The numbers of orbitals do not ascend, or a set cannot hold the electrons.
    #[error(
        "full CI takes three ascending numbers of orbitals, more than {electrons} and at most the grid's {points} points, found {found:?}"
    )]
    Orbitals {
        /// What was asked for.
        found: [usize; 3],
        /// Electrons to hold.
        electrons: usize,
        /// Points of the grid.
        points: usize,
    },
    /// The tensors would take too much memory.
    #[error(
        "full CI of {electrons} electrons on {points} points takes {} MB, more than the {} MB that are allowed; use fewer points",
        bytes / 1_000_000, most / 1_000_000
    )]
    Memory {
        /// Electrons.
        electrons: usize,
        /// Points of the grid.
        points: usize,
        /// What they take.
        bytes: usize,
        /// What is allowed.
        most: usize,
    },
    /// The mean field that the orbitals come from failed.
    #[error("the mean field: {0}")]
    MeanField(#[from] ScfError),
    /// The iteration stopped short.
    #[error(
        "Davidson's method stopped at a residual of {residual_ha:.2e} Ha after {iterations} iterations in {orbitals} orbitals; allow more"
    )]
    NotConverged {
        /// Orbitals.
        orbitals: usize,
        /// Residual when it stopped.
        residual_ha: f64,
        /// Iterations made.
        iterations: usize,
    },
}

/// Residual norm to reach, in hartree: the energy is right to its square.
const TOL_RESIDUAL_HA: f64 = 1e-9;

/// Energy in hartree below the mean field's lowest state at which the gradient is preconditioned.
const SHIFT_HA: f64 = 1.0;

/// The ground state of the spin that the system states.
///
/// # Errors
/// [`FullCiError`].
pub fn full_ci(
    model: &Model,
    system: &System,
    options: &FullCiOptions,
) -> Result<CiState, FullCiError> {
    let electrons = system.electrons();
    if !(2..=MOST_ELECTRONS).contains(&electrons) {
        return Err(FullCiError::Electrons { found: electrons });
    }
    let (found, points) = (options.orbitals, model.grid.points());
    let ascending = found.windows(2).all(|w| w[0] < w[1]);
    let most = found[2] + options.extra_orbitals;
    if !ascending || found[0] <= electrons || most > points {
        return Err(FullCiError::Orbitals { found, electrons, points });
    }
    let (bytes, limit) = (options.bytes(points, electrons), options.most_bytes);
    if bytes > limit {
        return Err(FullCiError::Memory { electrons, points, bytes, most: limit });
    }
    let potential = mean_field(model, system)?;
    let space = Space::new(model, system, &potential, options.max_iterations);
    let mut kept = pair_orbitals(model, system, &potential, found[2])?;
    for _ in 1..options.optimisations {
        let solved = space.solve(&space.grown(&kept, most)?)?;
        kept = natural_orbitals(&solved.density_matrix(), &solved.orbitals).1;
        kept.truncate(found[2]);
    }
    let solved = space.solve(&space.grown(&kept, most)?)?;
    let Solved { operator, orbitals, state: largest } = &solved;
    let [up, down] = [true, false].map(|spin| operator.density_matrix(&largest.vector, spin));
    let both = solved.density_matrix();
    let (occupations, natural) = natural_orbitals(&both, orbitals);
    let mut convergence = found.map(|m| (m, largest.energy_ha));
    for (m, energy_ha) in &mut convergence {
        *energy_ha = space.solve(&natural[..*m])?.state.energy_ha;
    }
    let density = space.density(&both, orbitals);
    let difference: Vec<f64> = up.iter().zip(&down).map(|(a, b)| a - b).collect();
    Ok(CiState {
        ground: GroundState {
            energy_ha: largest.energy_ha,
            density,
            residual_ha: largest.residual_ha,
            error_ha: 2.0 * extrapolated_error(&convergence),
            iterations: largest.iterations,
        },
        spin_density: space.density(&difference, orbitals),
        convergence,
        occupations,
    })
}

/// `E(m_3) - E` of `E(m) = E + c m^-p` through three points; where they do not bend that way, the last difference.
fn extrapolated_error(convergence: &[(usize, f64); 3]) -> f64 {
    let [(m1, e1), (m2, e2), (m3, e3)] = convergence.map(|(m, e)| (m as f64, e));
    let (first, second) = (e1 - e2, e2 - e3);
    let ratio = |p: f64| (m1.powf(-p) - m2.powf(-p)) / (m2.powf(-p) - m3.powf(-p));
    // the ratio of the differences grows with the power
    let (mut low, mut high) = (1.0, 40.0);
    if !(second > 0.0 && first / second > ratio(low)) {
        return second.abs();
    }
    for _ in 0..60 {
        let p = f64::midpoint(low, high);
        if ratio(p) < first / second { low = p } else { high = p }
    }
    second * m3.powf(-low) / (m2.powf(-low) - m3.powf(-low))
}

/// What all sets of orbitals share.
struct Space<'a> {
    model: &'a Model,
    electrons: [usize; 2],
    /// The one-electron Hamiltonian, and that of the mean field.
    bare: Pentadiagonal,
    dressed: Pentadiagonal,
    max_iterations: usize,
}

type Orbitals = Vec<Vec<f64>>;

/// A ground state with the orbitals that it is expressed in.
struct Solved {
    operator: CiOperator,
    orbitals: Orbitals,
    state: Lowest,
}

impl Solved {
    /// Of both spins.
    fn density_matrix(&self) -> Vec<f64> {
        let [up, down] =
            [true, false].map(|spin| self.operator.density_matrix(&self.state.vector, spin));
        up.iter().zip(&down).map(|(a, b)| a + b).collect()
    }
}

impl<'a> Space<'a> {
    fn new(model: &'a Model, system: &System, potential: &[f64], max_iterations: usize) -> Self {
        let v = system.external_potential(&model.grid, model.interaction);
        Self {
            model,
            electrons: system.electrons_by_spin(),
            bare: model.stencil.hamiltonian(&model.grid, &v),
            dressed: model.stencil.hamiltonian(&model.grid, potential),
            max_iterations,
        }
    }

    /// Matrix of a one-electron Hamiltonian.
    fn matrix(h: &Pentadiagonal, orbitals: &[Vec<f64>]) -> Vec<f64> {
        let mut image = vec![0.0; h.len()];
        let mut matrix = Vec::with_capacity(orbitals.len() * orbitals.len());
        for r in orbitals {
            h.apply(r, &mut image);
            matrix.extend(orbitals.iter().map(|p| dot(p, &image)));
        }
        matrix
    }

    /// The ground state in the span of `orbitals`, expressed in eigenvectors of the mean field there.
    fn solve(&self, orbitals: &[Vec<f64>]) -> Result<Solved, FullCiError> {
        let m = orbitals.len();
        let (_, canonical) = rotated(&Self::matrix(&self.dressed, orbitals), orbitals);
        let one = Self::matrix(&self.bare, &canonical);
        let operator = CiOperator::new(m, self.electrons, &one, &self.repulsion(&canonical));
        let diagonal = operator.diagonal();
        let limits = Limits {
            tol_residual_ha: TOL_RESIDUAL_HA,
            max_iterations: self.max_iterations,
            restart: RESTART,
        };
        let precondition = |r: &[f64], energy_ha: f64| {
            let divided = |(r, d): (&f64, &f64)| r / (d - energy_ha).max(0.1);
            let mut x: Vec<f64> = r.iter().zip(&diagonal).map(divided).collect();
            operator.antisymmetrise(&mut x);
            x
        };
        let start = operator.lowest_determinant();
        let state = davidson(start, limits, |x| operator.apply(x), precondition).map_err(
            |(residual_ha, iterations)| FullCiError::NotConverged {
                orbitals: m,
                residual_ha,
                iterations,
            },
        )?;
        Ok(Solved { operator, orbitals: canonical, state })
    }

    /// `count` orthonormal orbitals: those given, and where the energy falls most outside their span.
    fn grown(&self, orbitals: &[Vec<f64>], count: usize) -> Result<Orbitals, FullCiError> {
        let solved = self.solve(orbitals)?;
        let (occupations, natural) = natural_orbitals(&solved.density_matrix(), &solved.orbitals);
        let gradient = self.gradient(&solved);
        let lowest = self.dressed_lowest(&solved.orbitals);
        let factor = self.dressed.ldl(lowest - SHIFT_HA);
        let mut candidates = Vec::with_capacity(natural.len());
        for (occupation, orbital) in occupations.iter().zip(&natural) {
            // the gradient transforms as the orbitals do
            let mut x = vec![0.0; self.bare.len()];
            for (phi, f) in solved.orbitals.iter().zip(&gradient) {
                let c = dot(phi, orbital);
                x.iter_mut().zip(f).for_each(|(x, f)| *x += c * f);
            }
            project_out(slices(&natural), &mut x);
            factor.solve(&mut x);
            project_out(slices(&natural), &mut x);
            let weight = occupation.max(1e-14).sqrt().recip();
            x.iter_mut().for_each(|x| *x *= weight);
            candidates.push(x);
        }
        let gram: Vec<f64> =
            candidates.iter().flat_map(|a| candidates.iter().map(|b| dot(a, b))).collect();
        let directions = rotated(&gram, &candidates).1;
        let mut grown = natural;
        for mut x in directions.into_iter().rev().take(count - orbitals.len()) {
            for _ in 0..2 {
                let norm = dot(&x, &x).sqrt();
                x.iter_mut().for_each(|x| *x /= norm);
                project_out(slices(&grown), &mut x);
            }
            let norm = dot(&x, &x).sqrt();
            x.iter_mut().for_each(|x| *x /= norm);
            grown.push(x);
        }
        Ok(grown)
    }

    /// Lowest energy of the mean field in the span of canonical orbitals.
    fn dressed_lowest(&self, canonical: &[Vec<f64>]) -> f64 {
        let mut image = vec![0.0; self.dressed.len()];
        self.dressed.apply(&canonical[0], &mut image);
        dot(&canonical[0], &image)
    }

    /// `F_p`, half the energy's gradient by each orbital.
    fn gradient(&self, solved: &Solved) -> Orbitals {
        let Solved { operator, orbitals, state } = solved;
        let (m, n) = (orbitals.len(), self.bare.len());
        let gamma = solved.density_matrix();
        let pairs = operator.pair_density(&state.vector);
        let (_, potentials) = self.products(orbitals);
        // W_pr(x) = sum_qs G[pq, rs] V_qs(x): gathered as (pr, qs)
        let mut gathered = vec![0.0; m.pow(4)];
        for (k, value) in gathered.iter_mut().enumerate() {
            let (p, r, q, s) = (k % m, k / m % m, k / m.pow(2) % m, k / m.pow(3));
            *value = pairs[p + m * q + m * m * (r + m * s)];
        }
        let mut fields = vec![0.0; n * m * m];
        matmul(
            MatMut::from_column_major_slice_mut(&mut fields, n, m * m),
            Accum::Replace,
            MatRef::from_column_major_slice(&potentials, n, m * m),
            MatRef::from_column_major_slice(&gathered, m * m, m * m).transpose(),
            1.0,
            Par::Seq,
        );
        let mut image = vec![0.0; n];
        let mut gradient = vec![vec![0.0; n]; m];
        for (r, phi) in orbitals.iter().enumerate() {
            self.bare.apply(phi, &mut image);
            for (p, f) in gradient.iter_mut().enumerate() {
                let field = &fields[(p + m * r) * n..(p + m * r + 1) * n];
                let c = gamma[p + m * r];
                for i in 0..n {
                    f[i] += c * image[i] + field[i] * phi[i];
                }
            }
        }
        gradient
    }

    /// `(pr|qs) = sum_xy phi_p phi_r(x) w(x - y) phi_q phi_s(y)` at `(p + m r) + m^2 (q + m s)`.
    fn repulsion(&self, orbitals: &[Vec<f64>]) -> Vec<f64> {
        let (m, n) = (orbitals.len(), self.bare.len());
        let (products, potentials) = self.products(orbitals);
        let mut two = vec![0.0; m.pow(4)];
        matmul(
            MatMut::from_column_major_slice_mut(&mut two, m * m, m * m),
            Accum::Replace,
            MatRef::from_column_major_slice(&products, n, m * m).transpose(),
            MatRef::from_column_major_slice(&potentials, n, m * m),
            1.0,
            Par::Seq,
        );
        two
    }

    /// `phi_p phi_r` and `V_pr = sum_y w(x - y) phi_p phi_r(y)`, `n x m^2` each.
    fn products(&self, orbitals: &[Vec<f64>]) -> (Vec<f64>, Vec<f64>) {
        let grid = &self.model.grid;
        let length = orbitals.len().pow(2) * self.bare.len();
        let (mut products, mut potentials) =
            (Vec::with_capacity(length), Vec::with_capacity(length));
        for r in orbitals {
            for p in orbitals {
                let product: Vec<f64> = p.iter().zip(r).map(|(a, b)| a * b).collect();
                let v = self.model.interaction.hartree_potential(grid, &product);
                potentials.extend(v.iter().map(|v| v / grid.spacing_bohr()));
                products.extend(product);
            }
        }
        (products, potentials)
    }

    /// `n_i = sum_pq gamma_pq phi_pi phi_qi / h`.
    fn density(&self, gamma: &[f64], orbitals: &[Vec<f64>]) -> Vec<f64> {
        let m = orbitals.len();
        let mut density = vec![0.0; self.bare.len()];
        for (q, b) in orbitals.iter().enumerate() {
            for (p, a) in orbitals.iter().enumerate() {
                let weight = gamma[p + m * q] / self.model.grid.spacing_bohr();
                density.iter_mut().zip(a).zip(b).for_each(|((n, a), b)| *n += weight * a * b);
            }
        }
        density
    }
}

/// Occupations, descending, with their orbitals.
fn natural_orbitals(gamma: &[f64], orbitals: &[Vec<f64>]) -> (Vec<f64>, Orbitals) {
    let (mut occupations, mut natural) = rotated(gamma, orbitals);
    occupations.reverse();
    natural.reverse();
    (occupations, natural)
}

/// Eigenvalues of a symmetric matrix over `orbitals`, ascending, and the combinations that belong to them.
fn rotated(matrix: &[f64], orbitals: &[Vec<f64>]) -> (Vec<f64>, Orbitals) {
    let m = orbitals.len();
    let found = MatRef::from_column_major_slice(matrix, m, m)
        .self_adjoint_eigen(Side::Lower)
        .unwrap_or_else(|_| unreachable!("finite"));
    let combination = |k: usize| {
        let mut sum = vec![0.0; orbitals[0].len()];
        for (j, orbital) in orbitals.iter().enumerate() {
            let c = found.U()[(j, k)];
            sum.iter_mut().zip(orbital).for_each(|(s, x)| *s += c * x);
        }
        sum
    };
    ((0..m).map(|k| found.S()[k]).collect(), (0..m).map(combination).collect())
}

#[cfg(test)]
mod tests {
    use super::{FullCiError, FullCiOptions, full_ci};
    use crate::one_d::{ExactOptions, Grid, Model, System, two_electrons};

    /// Against the product grid: an upper bound, whose estimated error covers the true one.
    #[test]
    fn two_electrons_agree_with_the_product_grid() {
        let model = Model::default();
        for system in [
            System::chain(1, 2.0, 0.0).unwrap(),
            System::chain(2, 1.0, 1.52).unwrap().on_grid(&model.grid),
            System::chain(2, 1.0, 4.8).unwrap(),
        ] {
            let exact = two_electrons(&model, &system, &ExactOptions::default()).unwrap();
            let ci = full_ci(&model, &system, &FullCiOptions::default()).unwrap();
            let error = ci.ground.energy_ha - exact.energy_ha;
            assert!(error > -1e-9 && error < ci.ground.error_ha + 1e-9, "{error:.1e}");
        }
    }

    #[test]
    fn lithium_matches_the_published_energy() {
        // DMRG, Kalita et al., J. Phys. Chem. Lett. 13, 2540 (2022)
        let atom = System::molecule(&[(0.0, 3.0)], 3).unwrap();
        let ci = full_ci(&Model::default(), &atom, &FullCiOptions::default()).unwrap();
        let error = ci.ground.energy_ha + 4.21625397;
        assert!(error.abs() < ci.ground.error_ha + 1e-8, "{error:.1e}");
        assert!(ci.ground.error_ha < 1e-6, "{:.1e}", ci.ground.error_ha);
    }

    #[test]
    fn in_all_orbitals_of_a_small_grid_it_is_exact() {
        // dft/peers/product_grid.py: numpy 2.4.6, scipy 1.17.1
        let h3 = [(-1.8, 1.0), (0.0, 1.0), (1.8, 1.0)];
        let h4 = [(-2.8, 1.0), (-0.7, 1.0), (0.7, 1.0), (2.8, 1.0)];
        for (nuclei, unpaired, points, spacing, reference) in [
            (&h3[..], 1, 21, 0.6, -3.373506165092974),
            (&h3, 3, 21, 0.6, -2.9826976428175107),
            (&h4, 0, 13, 0.7, -4.857445105350201),
            (&h4, 2, 13, 0.7, -4.703042986168861),
        ] {
            let model = Model { grid: Grid::new(points, spacing).unwrap(), ..Model::default() };
            let system = System::with_spin(nuclei, nuclei.len(), unpaired).unwrap();
            let orbitals = [points - 4, points - 2, points - 1];
            let options = FullCiOptions { orbitals, extra_orbitals: 1, ..FullCiOptions::default() };
            let ci = full_ci(&model, &system, &options).unwrap();
            let error = ci.ground.energy_ha - reference;
            assert!(error.abs() < 1e-9, "{unpaired} unpaired: {error:.1e}");
            let spin = model.grid.integral(&ci.spin_density);
            assert!((spin - unpaired as f64).abs() < 1e-9);
            assert!((model.grid.integral(&ci.ground.density) - nuclei.len() as f64).abs() < 1e-9);
        }
    }

    #[test]
    fn what_is_no_such_system_is_refused() {
        let model = Model::default();
        let five = System::molecule(&[(0.0, 5.0)], 5).unwrap();
        let refused = full_ci(&model, &five, &FullCiOptions::default());
        assert_eq!(refused, Err(FullCiError::Electrons { found: 5 }));
        let options = FullCiOptions { orbitals: [20, 20, 25], ..FullCiOptions::default() };
        let refused = full_ci(&model, &System::chain(1, 2.0, 0.0).unwrap(), &options);
        assert!(matches!(refused, Err(FullCiError::Orbitals { .. })));
    }
}
