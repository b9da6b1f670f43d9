//! Exchange-correlation energy of density matrices: a functional, integrated over a grid.
//!
//! `E[P] = sum_g w_g e(n(r_g), |grad n|^2, tau)`, its derivatives by the density matrices, by the positions of the nuclei, by the
//! functional's parameters, and the response to a change of the density matrices. Points are worked off in blocks of neighbours, in
//! which few basis functions are not negligible; sums are in a fixed order, so that bits are the same on any number of threads.

mod block;
mod density_matrix;
mod force_response;
mod forces;
mod response;

use rayon::prelude::*;
use thiserror::Error;

pub use self::forces::GridResponse;

use self::block::{BlockDensity, Potential, functional_points, scatter_symmetric};
use self::density_matrix::DensityMatrix;
use crate::molecule::basis::Basis;
use crate::molecule::functional::{
    DENSITY_THRESHOLD, ExchangeCorrelation, FunctionalError, Ingredients, Spins,
};
use crate::molecule::geometry::Molecule;
use crate::molecule::grid::basis_values::{Active, BasisOnGrid, Derivatives, Values};
use crate::molecule::grid::{GridError, GridOptions, MolecularGrid};

/// Sums over blocks are sums of so many partial sums, whatever the number of threads.
const PARTIAL_SUMS: usize = 16;

/// A functional and a basis on a grid.
#[derive(Debug)]
pub struct FunctionalIntegral {
    grid: MolecularGrid,
    basis: BasisOnGrid,
    functional: ExchangeCorrelation,
    parameters: Vec<f64>,
    threshold: f64,
}

/// An integral that has no value.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum IntegralError {
    /// The grid does not exist.
    #[error(transparent)]
    Grid(#[from] GridError),
    /// The functional has no value.
    #[error(transparent)]
    Functional(#[from] FunctionalError),
}

/// Energy and potential of density matrices.
#[derive(Clone, Debug, PartialEq)]
pub struct IntegratedField {
    /// Exchange and correlation without exact exchange, in hartree.
    pub energy_ha: f64,
    /// Number of electrons by the grid: what it is off the true number shows the grid's error.
    pub electrons: f64,
    /// `dE/dP` of each spin, symmetric matrices of all basis functions; of both together there is one.
    pub potential: Vec<Vec<f64>>,
}

/// One block with its values.
struct Block<'a> {
    weights: &'a [f64],
    active: Active,
    values: Values,
    first: usize,
}

impl FunctionalIntegral {
    /// Puts a basis and a functional at its published parameters on a grid.
    ///
    /// # Errors
    /// Where the grid does not exist.
    pub fn new(
        molecule: &Molecule,
        basis: &Basis,
        functional: &ExchangeCorrelation,
        options: &GridOptions,
    ) -> Result<Self, IntegralError> {
        Ok(Self {
            grid: MolecularGrid::new(molecule, options)?,
            basis: BasisOnGrid::new(molecule, basis),
            functional: functional.clone(),
            parameters: functional.parameter_values(),
            threshold: DENSITY_THRESHOLD,
        })
    }

    /// The same with other values of the functional's parameters.
    ///
    /// # Errors
    /// Where their number is another.
    pub fn with_parameters(mut self, parameters: &[f64]) -> Result<Self, IntegralError> {
        FunctionalError::shape("parameters", self.parameters.len(), parameters.len())?;
        self.parameters = parameters.to_vec();
        Ok(self)
    }

    /// The same with another density, in 1/bohr^3, below which a point contributes nothing.
    pub fn with_threshold(mut self, density: f64) -> Self {
        self.threshold = density;
        self
    }

    /// The grid.
    pub fn grid(&self) -> &MolecularGrid {
        &self.grid
    }

    /// The functional.
    pub fn functional(&self) -> &ExchangeCorrelation {
        &self.functional
    }

    /// Its parameters.
    pub fn parameters(&self) -> &[f64] {
        &self.parameters
    }

    fn ingredients(&self) -> Ingredients {
        self.functional.ingredients()
    }

    /// Derivatives of basis functions that a density needs.
    fn needed(&self) -> Derivatives {
        match self.ingredients() {
            Ingredients::Density => Derivatives::None,
            _ => Derivatives::First,
        }
    }

    /// Energy, and derivatives by the density matrices: of both spins together, or of each.
    ///
    /// # Errors
    /// Points at which the functional is not finite.
    ///
    /// # Panics
    /// Unless there are one or two symmetric matrices of all basis functions.
    pub fn field(&self, densities: &[&[f64]]) -> Result<IntegratedField, IntegralError> {
        let size = self.basis.functions();
        let zero = IntegratedField {
            energy_ha: 0.0,
            electrons: 0.0,
            potential: vec![vec![0.0; size * size]; densities.len()],
        };
        let spins = Self::spins(densities, size);
        let matrices = self.factored(densities);
        let each = |block: &Block<'_>, sum: &mut IntegratedField| {
            let on_block = self.block_densities(block, &matrices);
            let (e, rows) = self.evaluated(spins, &on_block)?;
            for (g, w) in block.weights.iter().enumerate() {
                sum.energy_ha += w * e[g];
                sum.electrons += w * on_block.iter().map(|d| d.density[g]).sum::<f64>();
            }
            for (spin, matrix) in sum.potential.iter_mut().enumerate() {
                let potential = Potential::new(
                    spins,
                    self.ingredients(),
                    spin,
                    &on_block,
                    &rows,
                    block.weights,
                );
                let half = potential.half_matrix(&block.values);
                scatter_symmetric(&half, &block.active, matrix, size);
            }
            Ok(())
        };
        let add = |total: &mut IntegratedField, part: IntegratedField| {
            total.energy_ha += part.energy_ha;
            total.electrons += part.electrons;
            for (total, part) in total.potential.iter_mut().zip(part.potential) {
                total.iter_mut().zip(part).for_each(|(t, p)| *t += p);
            }
        };
        self.over_blocks(self.needed(), &zero, each, add)
    }

    /// The energy, and its derivatives by the functional's parameters at constant density matrices; exact exchange is not in it.
    ///
    /// # Errors
    /// As [`FunctionalIntegral::field`].
    ///
    /// # Panics
    /// As there.
    pub fn by_parameters(&self, densities: &[&[f64]]) -> Result<(f64, Vec<f64>), IntegralError> {
        let spins = Self::spins(densities, self.basis.functions());
        let zero = (0.0, vec![0.0; self.parameters.len()]);
        let matrices = self.factored(densities);
        let each = |block: &Block<'_>, sum: &mut (f64, Vec<f64>)| {
            let on_block = self.block_densities(block, &matrices);
            let points = functional_points(spins, self.ingredients(), &on_block);
            let (energy, by) = self.functional.energy_by_parameters(
                spins,
                &points,
                block.weights,
                &self.parameters,
                self.threshold,
            )?;
            sum.0 += energy;
            sum.1.iter_mut().zip(by).for_each(|(s, b)| *s += b);
            Ok(())
        };
        let add = |total: &mut (f64, Vec<f64>), part: (f64, Vec<f64>)| {
            total.0 += part.0;
            total.1.iter_mut().zip(part.1).for_each(|(t, p)| *t += p);
        };
        self.over_blocks(self.needed(), &zero, each, add)
    }

    fn spins(densities: &[&[f64]], size: usize) -> Spins {
        assert!(
            densities.iter().all(|d| d.len() == size * size),
            "density matrices are of all basis functions"
        );
        match densities.len() {
            1 => Spins::Restricted,
            2 => Spins::Unrestricted,
            found => panic!("one or two density matrices, not {found}"),
        }
    }

    fn factored<'a>(&self, densities: &[&'a [f64]]) -> Vec<DensityMatrix<'a>> {
        let size = self.basis.functions();
        densities.iter().map(|matrix| DensityMatrix::new(matrix, size)).collect()
    }

    /// Densities at the points of a block; products with the matrices are not needed.
    fn block_densities(
        &self,
        block: &Block<'_>,
        matrices: &[DensityMatrix<'_>],
    ) -> Vec<BlockDensity> {
        let of = |matrix: &DensityMatrix<'_>| {
            let matrix = matrix.of_active(&block.active);
            BlockDensity::without_products(&block.values, &matrix, self.ingredients())
        };
        matrices.iter().map(of).collect()
    }

    /// Energy densities, and rows of their derivatives by the numbers of the points.
    fn evaluated(
        &self,
        spins: Spins,
        densities: &[BlockDensity],
    ) -> Result<(Vec<f64>, Vec<f64>), IntegralError> {
        let points = functional_points(spins, self.ingredients(), densities);
        let found =
            self.functional.evaluate_with(spins, &points, &self.parameters, self.threshold)?;
        let width = spins.width(self.ingredients()) + 1;
        let rows = found.chunks_exact(width);
        let energies = rows.clone().map(|row| row[0]).collect();
        Ok((energies, rows.flat_map(|row| &row[1..]).copied().collect()))
    }

    /// Works off all blocks: each partial sum takes a run of them in order, and partial sums are added in order.
    fn over_blocks<S: Clone + Send + Sync>(
        &self,
        wanted: Derivatives,
        zero: &S,
        each: impl Fn(&Block<'_>, &mut S) -> Result<(), IntegralError> + Sync,
        add: impl Fn(&mut S, S),
    ) -> Result<S, IntegralError> {
        let blocks = self.grid.blocks();
        let run = blocks.len().div_ceil(PARTIAL_SUMS).max(1);
        let parts: Vec<Result<S, IntegralError>> = blocks
            .par_chunks(run)
            .map(|blocks| {
                let mut sum = zero.clone();
                for range in blocks {
                    let points = &self.grid.points()[range.clone()];
                    let active = self.basis.active(points);
                    if active.functions.is_empty() {
                        continue;
                    }
                    let values = self.basis.values(&active, points, wanted);
                    let weights = &self.grid.weights()[range.clone()];
                    each(&Block { weights, active, values, first: range.start }, &mut sum)?;
                }
                Ok(sum)
            })
            .collect();
        let mut total = zero.clone();
        for part in parts {
            add(&mut total, part?);
        }
        Ok(total)
    }
}

#[cfg(test)]
mod tests;
