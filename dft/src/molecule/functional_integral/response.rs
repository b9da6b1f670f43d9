//! How the potential changes with the density matrices.

use super::block::{
    BlockDensity, Potential, functional_point_changes, functional_points, scatter_symmetric,
};
use super::{Block, FunctionalIntegral, IntegralError};
use crate::molecule::functional::Spins;

impl FunctionalIntegral {
    /// `d/dt dE/dP` at `P + t dP` for each of several changes `dP`, symmetric: `sum f dn` and what gradients add.
    ///
    /// # Errors
    /// As [`FunctionalIntegral::field`].
    ///
    /// # Panics
    /// As there; unless every change has as many matrices as there are densities.
    pub fn response(
        &self,
        densities: &[&[f64]],
        changes: &[Vec<&[f64]>],
    ) -> Result<Vec<Vec<Vec<f64>>>, IntegralError> {
        let size = self.basis.functions();
        let spins = Self::spins(densities, size);
        for change in changes {
            assert_eq!(Self::spins(change, size), spins, "changes are of the densities");
        }
        let zero = vec![vec![vec![0.0; size * size]; densities.len()]; changes.len()];
        let matrices = self.factored(densities);
        let moved: Vec<_> = changes.iter().map(|change| self.factored(change)).collect();
        let each = |block: &Block<'_>, sum: &mut Vec<Vec<Vec<f64>>>| {
            let on_block = self.block_densities(block, &matrices);
            let (_, rows) = self.evaluated(spins, &on_block)?;
            let points = functional_points(spins, self.ingredients(), &on_block);
            let kernel =
                self.functional.kernel(spins, &points, &self.parameters, self.threshold)?;
            for (change, sum) in moved.iter().zip(sum) {
                let moved = self.block_densities(block, change);
                for (spin, matrix) in sum.iter_mut().enumerate() {
                    let potential =
                        self.changed(spins, spin, block, (&on_block, &moved), (&rows, &kernel));
                    let half = potential.half_matrix(&block.values);
                    scatter_symmetric(&half, &block.active, matrix, size);
                }
            }
            Ok(())
        };
        let add = |total: &mut Vec<Vec<Vec<f64>>>, part: Vec<Vec<Vec<f64>>>| {
            let all = total.iter_mut().flatten().flatten();
            all.zip(part.into_iter().flatten().flatten()).for_each(|(t, p)| *t += p);
        };
        self.over_blocks(self.needed(), &zero, each, add)
    }

    /// `d(de/dx) = f dx`, and where the derivative by a gradient is `2 e_ss grad n_s + ...`, the change of the gradient too.
    pub(super) fn changed(
        &self,
        spins: Spins,
        spin: usize,
        block: &Block<'_>,
        (densities, changes): (&[BlockDensity], &[BlockDensity]),
        (rows, kernel): (&[f64], &[f64]),
    ) -> Potential {
        let ingredients = self.ingredients();
        let width = spins.width(ingredients);
        let moved = functional_point_changes(spins, ingredients, densities, changes);
        let mut changed_rows = Vec::with_capacity(rows.len());
        for (matrix, dx) in kernel.chunks_exact(width * width).zip(moved.chunks_exact(width)) {
            let row = |f: &[f64]| f.iter().zip(dx).map(|(f, dx)| f * dx).sum::<f64>();
            changed_rows.extend(matrix.chunks_exact(width).map(row));
        }
        let weights = block.weights;
        let mut potential =
            Potential::new(spins, ingredients, spin, densities, &changed_rows, weights);
        let mut by_gradient = Potential::new(spins, ingredients, spin, changes, rows, weights);
        by_gradient.density.fill(0.0);
        by_gradient.tau.fill(0.0);
        potential.add(&by_gradient);
        potential
    }
}
