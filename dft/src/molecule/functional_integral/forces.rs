//! Derivatives of the energy by the positions of the nuclei and by the basis, at constant density matrices.
//!
//! The energy depends on them through the basis functions: `dn = 2 sum_mu dphi_mu (phi P)_mu`, and the same of gradient and `tau`. With the
//! response of the grid, points move with their atoms too and weights change by Becke's partition: then the result is the
//! derivative of the integrated energy to the last digit, and it sums to 0 over the atoms.

use super::block::{BlockDensity, Potential};
use super::density_matrix::{ActiveMatrix, DensityMatrix};
use super::{Block, FunctionalIntegral, IntegralError};
use crate::molecule::functional::{Ingredients, Spins};
use crate::molecule::grid::basis_pullback::ShellBars;
use crate::molecule::grid::basis_values::{Derivatives, SECOND};

/// Whether points and weights move with the nuclei.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GridResponse {
    /// They do: the derivative of the integrated energy.
    #[default]
    Included,
    /// They do not: what many programs leave out, an error that falls with the grid's.
    Neglected,
}

/// By atoms, and energy densities at all points of a run of blocks.
type Sums = (Vec<[f64; 3]>, Vec<(usize, Vec<f64>)>);

/// Derivatives of the energy by values and slopes of the active functions, matrices of points by functions.
pub(super) struct FunctionBars {
    pub(super) value: Vec<f64>,
    /// Empty where the functional does not depend on the gradient.
    pub(super) slopes: [Vec<f64>; 3],
}

impl FunctionBars {
    pub(super) fn zero(block: &Block<'_>, ingredients: Ingredients) -> Self {
        let size = block.values.points * block.values.functions;
        let mut slopes = [const { Vec::new() }; 3];
        if ingredients >= Ingredients::Gradient {
            slopes.iter_mut().for_each(|s| s.resize(size, 0.0));
        }
        Self { value: vec![0.0; size], slopes }
    }
}

impl FunctionalIntegral {
    /// `dE/dR` in hartree/bohr at constant density matrices, atom by atom.
    ///
    /// # Errors
    /// As [`FunctionalIntegral::field`].
    ///
    /// # Panics
    /// As there.
    pub fn gradient(
        &self,
        densities: &[&[f64]],
        response: GridResponse,
    ) -> Result<Vec<[f64; 3]>, IntegralError> {
        let spins = Self::spins(densities, self.basis.functions());
        let matrices = self.factored(densities);
        self.summed_by_positions(response, |block| self.function_bars(block, spins, &matrices))
    }

    /// Derivatives by the exponents of all primitives and by their weights in the normalised functions, shell by shell, at constant
    /// density matrices.
    ///
    /// # Errors
    /// As [`FunctionalIntegral::field`].
    pub(in crate::molecule) fn by_basis(
        &self,
        densities: &[&[f64]],
    ) -> Result<Vec<ShellBars>, IntegralError> {
        let spins = Self::spins(densities, self.basis.functions());
        let matrices = self.factored(densities);
        self.summed_by_basis(|block| self.function_bars(block, spins, &matrices))
    }

    /// Carries derivatives by functions and weights on to the nuclei.
    pub(super) fn summed_by_positions(
        &self,
        response: GridResponse,
        bars: impl Fn(&Block<'_>) -> Result<(Vec<f64>, FunctionBars), IntegralError> + Sync,
    ) -> Result<Vec<[f64; 3]>, IntegralError> {
        let wanted = match self.ingredients() {
            Ingredients::Density => Derivatives::First,
            _ => Derivatives::Second,
        };
        let zero: Sums = (vec![[0.0; 3]; self.grid.atom_count()], Vec::new());
        let each = |block: &Block<'_>, (sum, energies): &mut Sums| {
            let (e, bars) = bars(block)?;
            self.add_moved_functions(block, &bars, response, sum);
            energies.push((block.first, e));
            Ok(())
        };
        let add = |total: &mut Sums, part: Sums| {
            let sums = total.0.as_flattened_mut().iter_mut().zip(part.0.as_flattened());
            sums.for_each(|(t, p)| *t += p);
            total.1.extend(part.1);
        };
        let (mut gradient, energies) = self.over_blocks(wanted, &zero, each, add)?;
        if response == GridResponse::Included {
            let mut by_weights = vec![0.0; self.grid.points().len()];
            for (first, e) in energies {
                by_weights[first..first + e.len()].copy_from_slice(&e);
            }
            let moved = self.grid.weights_pullback(&by_weights);
            let sums = gradient.as_flattened_mut().iter_mut().zip(moved.as_flattened());
            sums.for_each(|(t, p)| *t += p);
        }
        Ok(gradient)
    }

    /// Carries derivatives by functions on to the primitives.
    pub(super) fn summed_by_basis(
        &self,
        bars: impl Fn(&Block<'_>) -> Result<(Vec<f64>, FunctionBars), IntegralError> + Sync,
    ) -> Result<Vec<ShellBars>, IntegralError> {
        let each = |block: &Block<'_>, sum: &mut Vec<ShellBars>| {
            let (_, bars) = bars(block)?;
            let points = &self.grid.points()[block.first..block.first + block.values.points];
            self.basis.pullback(&block.active, points, &bars.value, &bars.slopes, sum);
            Ok(())
        };
        let add = |total: &mut Vec<ShellBars>, part: Vec<ShellBars>| {
            total.iter_mut().zip(&part).for_each(|(t, p)| t.add(p));
        };
        self.over_blocks(self.needed(), &self.basis.zero_bars(), each, add)
    }

    /// Energy densities of a block, and `2 (v X + sum_j h_j X_j)` and `2 h_j X + v_tau X_j`, summed over spins.
    fn function_bars(
        &self,
        block: &Block<'_>,
        spins: Spins,
        matrices: &[DensityMatrix<'_>],
    ) -> Result<(Vec<f64>, FunctionBars), IntegralError> {
        let active: Vec<ActiveMatrix> =
            matrices.iter().map(|matrix| matrix.of_active(&block.active)).collect();
        let of =
            |matrix: &ActiveMatrix| BlockDensity::new(&block.values, matrix, self.ingredients());
        let on_block: Vec<BlockDensity> = active.iter().map(of).collect();
        let (e, rows) = self.evaluated(spins, &on_block)?;
        let mut bars = FunctionBars::zero(block, self.ingredients());
        for spin in 0..spins.count() {
            let potential =
                Potential::new(spins, self.ingredients(), spin, &on_block, &rows, block.weights);
            add_bars(block, &potential, &on_block[spin], &active[spin], &mut bars);
        }
        Ok((e, bars))
    }

    /// `-sum_g (d_x phi_mu bar_mu + sum_j d_x d_j phi_mu bar_jmu)` for every function, to its atom; with the opposite sign to the atom
    /// that the point moves with.
    fn add_moved_functions(
        &self,
        block: &Block<'_>,
        bars: &FunctionBars,
        response: GridResponse,
        sum: &mut [[f64; 3]],
    ) {
        let values = &block.values;
        let n = values.points;
        let owners = &self.grid.atoms()[block.first..block.first + n];
        let mut share = vec![0.0; n];
        let mut by_point = vec![0.0; n];
        for axis in 0..3 {
            by_point.fill(0.0);
            for (mu, atom) in block.active.atoms.iter().enumerate() {
                let column = mu * n..(mu + 1) * n;
                let slope = &values.of(1 + axis)[column.clone()];
                let bar = &bars.value[column.clone()];
                (0..n).for_each(|g| share[g] = slope[g] * bar[g]);
                for (j, bar) in bars.slopes.iter().enumerate().filter(|(_, s)| !s.is_empty()) {
                    let second = &values.of(SECOND[axis][j])[column.clone()];
                    let bar = &bar[column.clone()];
                    (0..n).for_each(|g| share[g] += second[g] * bar[g]);
                }
                sum[*atom][axis] -= share.iter().sum::<f64>();
                by_point.iter_mut().zip(&share).for_each(|(total, share)| *total += share);
            }
            if response == GridResponse::Included {
                for (owner, share) in owners.iter().zip(&by_point) {
                    sum[*owner][axis] += share;
                }
            }
        }
    }
}

/// Adds a spin's share to the derivatives by values and slopes: linear in the potential, and in density and matrix together.
pub(super) fn add_bars(
    block: &Block<'_>,
    potential: &Potential,
    density: &BlockDensity,
    matrix: &ActiveMatrix,
    bars: &mut FunctionBars,
) {
    if potential.gradient[0].is_empty() {
        add_scaled(2.0, &potential.density, &density.products[0], &mut bars.value);
        return;
    }
    let applied = potential.applied(1.0, &block.values);
    let y = matrix.times(block.values.points, block.values.functions, &applied);
    bars.value.iter_mut().zip(y).for_each(|(bar, y)| *bar += 2.0 * y);
    for (axis, slope) in bars.slopes.iter_mut().enumerate() {
        add_scaled(2.0, &potential.gradient[axis], &density.products[0], slope);
        if !potential.tau.is_empty() {
            add_scaled(1.0, &potential.tau, &density.products[1 + axis], slope);
        }
    }
}

/// `bar_gmu += factor a_g x_gmu`.
fn add_scaled(factor: f64, a: &[f64], x: &[f64], bar: &mut [f64]) {
    for (bar, x) in bar.chunks_exact_mut(a.len()).zip(x.chunks_exact(a.len())) {
        for ((bar, x), a) in bar.iter_mut().zip(x).zip(a) {
            *bar += factor * a * x;
        }
    }
}
