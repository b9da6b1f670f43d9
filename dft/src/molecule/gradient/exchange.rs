//! Exact exchange.

use pulp::{Arch, NullaryFnOnce};
use rayon::prelude::*;

use crate::molecule::gradient::Inputs;
use crate::molecule::gradient::pair_sums::PairSums;
use crate::molecule::integrals::hermite::count;
use crate::molecule::integrals::lane::Lane;
use crate::molecule::integrals::repulsion::list::{Batch, PairList, ShellPair, charge_factor};
use crate::molecule::integrals::repulsion::quartet::Kernel;
use crate::molecule::integrals::repulsion::store::{NEGLIGIBLE, PARTS, Repulsion};
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
    let exchange = Exchange {
        list,
        densities,
        factor: factor * spins,
        cutoff: repulsion.cutoff(),
        extra: PairSums::extra_degree(inputs),
    };
    let empty = {
        let mut empty = sums.clone();
        empty.clear();
        empty
    };
    let part = |part: usize| {
        let mut sums = empty.clone();
        let mut kernel = Kernel::new(NEGLIGIBLE * repulsion.cutoff());
        for bra in list.pairs.iter().skip(part).step_by(PARTS) {
            exchange.add_pair(bra, &mut kernel, &mut sums);
        }
        sums
    };
    let parts: Vec<PairSums> =
        (0..PARTS).into_par_iter().with_min_len(repulsion.parts_at_once()).map(part).collect();
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
        let mut cotangents = vec![Lane::ZERO; bra.products.len() * block];
        let mut weights = Vec::new();
        for ket in &self.list.batches {
            let bound = bra.bound * ket.bound;
            if bound <= self.cutoff {
                continue;
            }
            let largest = self.weights(bra, ket, &mut weights);
            if bound * largest <= self.cutoff {
                continue;
            }
            let products = bra.products.iter().zip(&bra.sizes);
            for ((product, size), x) in products.zip(cotangents.chunks_mut(block)) {
                let half = kernel.potential(product, *size, degree, ket);
                Arch::new().dispatch(Contract { half, weights: &weights, size: ket.size, x });
            }
        }
        for (product, x) in bra.products.iter().zip(cotangents.chunks(block)) {
            let factor = charge_factor(product.exponent);
            let x: Vec<f64> = x.iter().map(|x| factor * x.sum()).collect();
            sums.add_product(&self.list.shells, bra.shells, product, &x);
        }
    }

    /// What each `(ab|cd)` counts, `-m m' (P_ac P_bd + P_ad P_bc)/2` with `m` the orders of the shells of a pair; and the largest of them.
    fn weights(&self, bra: &ShellPair, ket: &Batch, out: &mut Vec<Lane>) -> f64 {
        out.clear();
        out.resize(bra.size() * ket.size, Lane::ZERO);
        let mut largest = 0.0_f64;
        for (lane, at) in ket.pairs.iter().enumerate().take(ket.filled) {
            let pair = &self.list.pairs[*at];
            let scale = -0.5 * self.factor * bra.orders() * pair.orders();
            let ([c_0, d_0], [n_c, n_d]) = (pair.starts, pair.functions);
            for p in self.densities {
                let n = p.columns();
                for ([a, b], row) in bra.each_product().zip(out.chunks_mut(ket.size)) {
                    let (p_a, p_b) = (&p.entries()[a * n..][..n], &p.entries()[b * n..][..n]);
                    let (a_d, b_d) = (&p_a[d_0..d_0 + n_d], &p_b[d_0..d_0 + n_d]);
                    for (c, row) in (c_0..c_0 + n_c).zip(row.chunks_mut(n_d)) {
                        let (a_c, b_c) = (scale * p_a[c], scale * p_b[c]);
                        for d in 0..n_d {
                            let weight = &mut row[d].0[lane];
                            *weight += a_c * b_d[d] + b_c * a_d[d];
                            largest = largest.max(weight.abs());
                        }
                    }
                }
            }
        }
        largest
    }
}

/// `x_t,ab += sum_cd weight_ab,cd half_t,cd`, lane by lane.
struct Contract<'a> {
    half: &'a [Lane],
    weights: &'a [Lane],
    size: usize,
    x: &'a mut [Lane],
}

impl NullaryFnOnce for Contract<'_> {
    type Output = ();

    #[expect(clippy::inline_always, reason = "compiled with the caller's target features")]
    #[inline(always)]
    fn call(self) {
        let size = self.size;
        let rows = self.weights.len() / size;
        for (half, x) in self.half.chunks_exact(size).zip(self.x.chunks_exact_mut(rows)) {
            for (weights, x) in self.weights.chunks_exact(size).zip(x) {
                let mut sum = *x;
                for (weight, half) in weights.iter().zip(half) {
                    sum += *weight * *half;
                }
                *x = sum;
            }
        }
    }
}
