//! Exact exchange.

use rayon::prelude::*;

use crate::molecule::gradient::Inputs;
use crate::molecule::gradient::pair_sums::PairSums;
use crate::molecule::integrals::hermite::count;
use crate::molecule::integrals::lane::Lane;
use crate::molecule::integrals::repulsion::list::{Batch, PairList, ShellPair, charge_factor};
use crate::molecule::integrals::repulsion::quartet::Kernel;
use crate::molecule::integrals::repulsion::store::{PARTS, Repulsion};
use crate::molecule::matrix::Matrix;

/// Adds the derivatives of `-factor/2 sum over spins, abcd of (ab|cd) P_ac P_bd` for densities of one spin: one of two equal spins, or two.
///
/// Only the pair on the left is differentiated; each of two pairs stands there once.
pub(in crate::molecule) fn add(
    repulsion: &Repulsion,
    densities: &[Matrix],
    factor: f64,
    inputs: Inputs,
    sums: &mut PairSums,
) {
    let list = repulsion.list();
    let spins = if densities.len() == 1 { 2.0 } else { 1.0 };
    let largest = densities.iter().fold(0.0_f64, |most, density| most.max(density.largest()));
    let exchange = Exchange {
        list,
        densities,
        factor: factor * spins,
        cutoff: repulsion.cutoff() / (largest * largest).max(1.0),
        extra: PairSums::extra_degree(inputs),
    };
    let empty = {
        let mut empty = sums.clone();
        empty.clear();
        empty
    };
    let part = |part: usize| {
        let mut sums = empty.clone();
        let mut kernel = Kernel::new();
        for bra in list.pairs.iter().skip(part).step_by(PARTS) {
            exchange.add_pair(bra, &mut kernel, &mut sums);
        }
        sums
    };
    let parts: Vec<PairSums> = (0..PARTS).into_par_iter().map(part).collect();
    parts.iter().for_each(|part| sums.merge(part));
}

struct Exchange<'a> {
    list: &'a PairList,
    densities: &'a [Matrix],
    factor: f64,
    cutoff: f64,
    extra: usize,
}

impl Exchange<'_> {
    fn add_pair(&self, bra: &ShellPair, kernel: &mut Kernel, sums: &mut PairSums) {
        let degree = bra.degree + self.extra;
        let block = count(degree) * bra.size();
        let mut cotangents = vec![0.0; bra.products.len() * block];
        let mut weights = Vec::new();
        for ket in &self.list.batches {
            if bra.bound * ket.bound <= self.cutoff {
                continue;
            }
            self.weights(bra, ket, &mut weights);
            for (product, x) in bra.products.iter().zip(cotangents.chunks_mut(block)) {
                let half = kernel.potential(product.exponent, product.centre, degree, ket);
                for (half, x) in half.chunks(ket.size).zip(x.chunks_mut(bra.size())) {
                    for (weights, x) in weights.chunks(ket.size).zip(x) {
                        let pairs = weights.iter().zip(half);
                        *x += pairs.fold(Lane::ZERO, |sum, (w, h)| sum + *w * *h).sum();
                    }
                }
            }
        }
        for (product, x) in bra.products.iter().zip(cotangents.chunks_mut(block)) {
            let factor = charge_factor(product.exponent);
            x.iter_mut().for_each(|x| *x *= factor);
            sums.add_product(&self.list.shells, bra.shells, product, x);
        }
    }

    /// What each `(ab|cd)` counts: `-m m' (P_ac P_bd + P_ad P_bc)/2`, `m` the orders of the shells of a pair.
    fn weights(&self, bra: &ShellPair, ket: &Batch, out: &mut Vec<Lane>) {
        out.clear();
        out.resize(bra.size() * ket.size, Lane::ZERO);
        for (lane, at) in ket.pairs.iter().enumerate().take(ket.filled) {
            let pair = &self.list.pairs[*at];
            let scale = -0.5 * self.factor * bra.orders() * pair.orders();
            for ([a, b], row) in bra.each_product().zip(out.chunks_mut(ket.size)) {
                for ([c, d], weight) in pair.each_product().zip(row) {
                    for p in self.densities {
                        let direct = p.at(a, c) * p.at(b, d) + p.at(a, d) * p.at(b, c);
                        weight.0[lane] += scale * direct;
                    }
                }
            }
        }
    }
}
