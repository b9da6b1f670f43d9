//! How the derivatives by positions, basis and parameters change with the density matrices.
//!
//! `d/dt` at `P + t dP` of what [`FunctionalIntegral::gradient`] and its like give. The derivatives by functions are linear in the potential
//! and in the density: `d(2 v X) = 2 dv X + 2 v dX` with `X = phi P`, `dX = phi dP`, and so are those by gradients and `tau`.

use super::block::{BlockDensity, Potential, functional_point_changes, functional_points};
use super::density_matrix::{ActiveMatrix, DensityMatrix};
use super::forces::{FunctionBars, add_bars};
use super::{Block, FunctionalIntegral, GridResponse, IntegralError};
use crate::molecule::functional::Spins;
use crate::molecule::grid::basis_pullback::ShellBars;

/// Density matrices and their changes.
struct Moved<'a> {
    spins: Spins,
    matrices: Vec<DensityMatrix<'a>>,
    changes: Vec<DensityMatrix<'a>>,
}

impl FunctionalIntegral {
    fn moved<'a>(&self, densities: &[&'a [f64]], changes: &[&'a [f64]]) -> Moved<'a> {
        let spins = Self::spins(densities, self.basis.functions());
        assert_eq!(Self::spins(changes, self.basis.functions()), spins, "changes of the densities");
        Moved { spins, matrices: self.factored(densities), changes: self.factored(changes) }
    }

    /// The change of the derivatives by the positions of the nuclei, hartree/bohr, atom by atom.
    ///
    /// # Errors
    /// As [`FunctionalIntegral::field`].
    ///
    /// # Panics
    /// As there; unless there are as many changes as densities.
    pub fn gradient_change(
        &self,
        densities: &[&[f64]],
        changes: &[&[f64]],
        response: GridResponse,
    ) -> Result<Vec<[f64; 3]>, IntegralError> {
        let moved = self.moved(densities, changes);
        self.summed_by_positions(response, |block| self.function_bars_change(block, &moved))
    }

    /// The change of the derivatives by the primitives of the basis, shell by shell.
    ///
    /// # Errors
    /// As [`FunctionalIntegral::field`].
    pub(in crate::molecule) fn by_basis_change(
        &self,
        densities: &[&[f64]],
        changes: &[&[f64]],
    ) -> Result<Vec<ShellBars>, IntegralError> {
        let moved = self.moved(densities, changes);
        self.summed_by_basis(|block| self.function_bars_change(block, &moved))
    }

    /// The change of the derivatives by the functional's parameters; exact exchange is not in it.
    ///
    /// # Errors
    /// As [`FunctionalIntegral::field`].
    ///
    /// # Panics
    /// As [`FunctionalIntegral::gradient_change`].
    pub fn by_parameters_change(
        &self,
        densities: &[&[f64]],
        changes: &[&[f64]],
    ) -> Result<Vec<f64>, IntegralError> {
        let moved = self.moved(densities, changes);
        let spins = moved.spins;
        let ingredients = self.ingredients();
        let width = spins.width(ingredients);
        let each = |block: &Block<'_>, sum: &mut Vec<f64>| {
            let on_block = self.block_densities(block, &moved.matrices);
            let changes = self.block_densities(block, &moved.changes);
            let points = functional_points(spins, ingredients, &on_block);
            let mut weighted = functional_point_changes(spins, ingredients, &on_block, &changes);
            for (row, w) in weighted.chunks_exact_mut(width).zip(block.weights) {
                row.iter_mut().for_each(|dx| *dx *= w);
            }
            let by = self.functional.change_by_parameters(
                spins,
                &points,
                &weighted,
                &self.parameters,
                self.threshold,
            )?;
            sum.iter_mut().zip(by).for_each(|(s, b)| *s += b);
            Ok(())
        };
        let add = |total: &mut Vec<f64>, part: Vec<f64>| {
            total.iter_mut().zip(part).for_each(|(t, p)| *t += p);
        };
        self.over_blocks(self.needed(), &vec![0.0; self.parameters.len()], each, add)
    }

    /// Changes of the energy densities of a block, and of the derivatives by its functions.
    fn function_bars_change(
        &self,
        block: &Block<'_>,
        moved: &Moved<'_>,
    ) -> Result<(Vec<f64>, FunctionBars), IntegralError> {
        let ingredients = self.ingredients();
        let spins = moved.spins;
        let active = |matrices: &[DensityMatrix<'_>]| -> Vec<ActiveMatrix> {
            matrices.iter().map(|matrix| matrix.of_active(&block.active)).collect()
        };
        let on_block = |matrices: &[ActiveMatrix]| -> Vec<BlockDensity> {
            matrices.iter().map(|m| BlockDensity::new(&block.values, m, ingredients)).collect()
        };
        let (matrices, change_matrices) = (active(&moved.matrices), active(&moved.changes));
        let (densities, changes) = (on_block(&matrices), on_block(&change_matrices));
        let (_, rows) = self.evaluated(spins, &densities)?;
        let points = functional_points(spins, ingredients, &densities);
        let kernel = self.functional.kernel(spins, &points, &self.parameters, self.threshold)?;
        let width = spins.width(ingredients);
        let energy_changes = rows
            .chunks_exact(width)
            .zip(
                functional_point_changes(spins, ingredients, &densities, &changes)
                    .chunks_exact(width),
            )
            .map(|(by, dx)| by.iter().zip(dx).map(|(by, dx)| by * dx).sum())
            .collect();
        let mut bars = FunctionBars::zero(block, ingredients);
        for spin in 0..spins.count() {
            let potential =
                Potential::new(spins, ingredients, spin, &densities, &rows, block.weights);
            let changed =
                self.changed(spins, spin, block, (&densities, &changes), (&rows, &kernel));
            add_bars(block, &changed, &densities[spin], &matrices[spin], &mut bars);
            add_bars(block, &potential, &changes[spin], &change_matrices[spin], &mut bars);
        }
        Ok((energy_changes, bars))
    }
}
