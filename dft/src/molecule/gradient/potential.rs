//! The potential of a mean field: what the Hermite Gaussians of a pair of shells count in the repulsion of the electrons.
//!
//! Where exchange counts, functions meet functions, and the classical repulsion comes with it. Elsewhere the density of a pair is summed over its
//! functions before it meets others (the J engine of White & Head-Gordon, J. Chem. Phys. 104, 2620 (1996), doi:10.1063/1.470986).

use pulp::Arch;

use crate::molecule::gradient::pair_density::{Contract, PairDensity};
use crate::molecule::integrals::lane::Lane;
use crate::molecule::integrals::repulsion::list::{Batch, ShellPair, charge_factor};
use crate::molecule::integrals::repulsion::quartet::{Kernel, Rows};
use crate::molecule::integrals::repulsion::store::Repulsion;
use crate::molecule::matrix::Matrix;

/// The repulsion by the electrons of a density.
#[derive(Debug)]
pub(in crate::molecule) struct MeanField<'a> {
    repulsion: &'a Repulsion,
    density: PairDensity<'a>,
    /// The batches of pairs with their functions summed.
    summed: Vec<Batch>,
}

impl<'a> MeanField<'a> {
    /// Of the density of all electrons, and of a share of exact exchange for densities of one spin: one of two equal spins, or two.
    pub(in crate::molecule) fn new(
        repulsion: &'a Repulsion,
        total: &'a Matrix,
        densities: &'a [Matrix],
        exact_exchange: f64,
    ) -> Self {
        let list = repulsion.list();
        let density = PairDensity { total, densities, exact_exchange };
        let summed = list.batches.iter().map(|b| b.contracted(&list.pairs, total)).collect();
        Self { repulsion, density, summed }
    }

    /// Cotangents of the Hermite coefficients of a pair, `x_t,ab = sum_cd w_ab,cd sum_t' R_(t+t') E_t'^cd`: rows by functions for each product
    /// of primitives, [`Rows::completed`]. Exchange is left out where its integrals with their weights are below the cutoff.
    pub(in crate::molecule) fn cotangents(
        &self,
        bra: &ShellPair,
        rows: Rows,
        kernel: &mut Kernel,
    ) -> Vec<Vec<f64>> {
        let (list, cutoff) = (self.repulsion.list(), self.repulsion.cutoff());
        let (functions, block) = (bra.size(), rows.count() * bra.size());
        let mut cotangents = vec![Lane::ZERO; bra.products.len() * block];
        let mut classical = vec![Lane::ZERO; bra.products.len() * rows.count()];
        let mut weights = Vec::new();
        for (ket, summed) in list.batches.iter().zip(&self.summed) {
            let bound = bra.bound * ket.bound;
            let exchanged = self.density.exact_exchange != 0.0
                && bound > cutoff
                && bound * self.density.exchange(list, bra, ket, &mut weights) > cutoff;
            let products = bra.products.iter().zip(&bra.sizes);
            if exchanged {
                self.density.add_classical(list, bra, ket, &mut weights);
                for ((product, size), x) in products.zip(cotangents.chunks_mut(block)) {
                    let half = kernel.potential(product, *size, rows, ket);
                    let (columns, size, weights) = (ket.size, ket.size, &weights);
                    Arch::new().dispatch(Contract { half, columns, first: 0, weights, size, x });
                }
            } else {
                for ((product, size), sums) in products.zip(classical.chunks_mut(rows.count())) {
                    let half = kernel.potential(product, *size, rows, summed);
                    sums.iter_mut().zip(half).for_each(|(sum, half)| *sum += *half);
                }
            }
        }
        let densities: Vec<f64> =
            bra.each_product().map(|[a, b]| bra.orders() * self.density.total.at(a, b)).collect();
        let of_product = |(at, x): (usize, &[Lane])| {
            let factor = charge_factor(bra.products[at].exponent);
            let classical = &classical[at * rows.count()..][..rows.count()];
            let mut sums = Vec::with_capacity(block);
            for (x, potential) in x.chunks(functions).zip(classical) {
                let potential = potential.sum();
                let both = x.iter().zip(&densities);
                sums.extend(both.map(|(x, d)| factor * (x.sum() + potential * d)));
            }
            rows.completed(functions, sums)
        };
        cotangents.chunks(block).enumerate().map(of_product).collect()
    }
}
