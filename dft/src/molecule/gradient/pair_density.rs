//! What each repulsion integral counts in the energy: the two-particle density of a mean field, for two pairs of shells.

use pulp::NullaryFnOnce;

use crate::molecule::integrals::lane::Lane;
use crate::molecule::integrals::repulsion::list::{Batch, PairList, ShellPair};
use crate::molecule::matrix::Matrix;

/// `D_ab D_cd - factor/2 sum over spins (P_ac P_bd + P_ad P_bc)`: half of its sum with the integrals is their energy.
#[derive(Debug)]
pub(in crate::molecule) struct PairDensity<'a> {
    /// The density of all electrons.
    pub total: &'a Matrix,
    /// Densities of one spin: one of two equal spins, or two.
    pub densities: &'a [Matrix],
    /// The share of exact exchange.
    pub exact_exchange: f64,
}

impl PairDensity<'_> {
    /// Its entries times the orders of the shells of both pairs: functions of the pair by functions of the batch, row-major, a lane for each
    /// pair of the batch; and the largest of them.
    pub(in crate::molecule) fn weights(
        &self,
        list: &PairList,
        bra: &ShellPair,
        ket: &Batch,
        out: &mut Vec<Lane>,
    ) -> f64 {
        self.exchange(list, bra, ket, out);
        self.add_classical(list, bra, ket, out)
    }

    /// Those of exchange alone, and the largest of these.
    pub(super) fn exchange(
        &self,
        list: &PairList,
        bra: &ShellPair,
        ket: &Batch,
        out: &mut Vec<Lane>,
    ) -> f64 {
        let spins = if self.densities.len() == 1 { 2.0 } else { 1.0 };
        let size = list.pairs[ket.pairs[0]].size();
        out.clear();
        out.resize(bra.size() * size, Lane::ZERO);
        let mut largest = 0.0_f64;
        for (lane, at) in ket.pairs.iter().enumerate().take(ket.filled) {
            let pair = &list.pairs[*at];
            let scale = -0.5 * self.exact_exchange * spins * bra.orders() * pair.orders();
            let ([c_0, d_0], [n_c, n_d]) = (pair.starts, pair.functions);
            for p in self.densities {
                let n = p.columns();
                for ([a, b], row) in bra.each_product().zip(out.chunks_mut(size)) {
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

    /// Adds those of the classical repulsion; the largest of the sums.
    pub(super) fn add_classical(
        &self,
        list: &PairList,
        bra: &ShellPair,
        ket: &Batch,
        out: &mut [Lane],
    ) -> f64 {
        let mut largest = 0.0_f64;
        for (lane, at) in ket.pairs.iter().enumerate().take(ket.filled) {
            let pair = &list.pairs[*at];
            let orders = bra.orders() * pair.orders();
            for ([a, b], row) in bra.each_product().zip(out.chunks_mut(pair.size())) {
                let of_bra = orders * self.total.at(a, b);
                for ([c, d], weight) in pair.each_product().zip(row) {
                    weight.0[lane] += of_bra * self.total.at(c, d);
                    largest = largest.max(weight.0[lane].abs());
                }
            }
        }
        largest
    }
}

/// `x_t,ab += sum_cd weight_ab,cd half_t,cd`, lane by lane, for a block of the columns of `half`.
pub(in crate::molecule) struct Contract<'a> {
    pub half: &'a [Lane],
    /// Columns of `half`.
    pub columns: usize,
    /// The first column of the block.
    pub first: usize,
    pub weights: &'a [Lane],
    /// Columns of the block.
    pub size: usize,
    pub x: &'a mut [Lane],
}

impl NullaryFnOnce for Contract<'_> {
    type Output = ();

    #[expect(clippy::inline_always, reason = "compiled with the caller's target features")]
    #[inline(always)]
    fn call(self) {
        let size = self.size;
        let rows = self.weights.len() / size;
        for (half, x) in self.half.chunks_exact(self.columns).zip(self.x.chunks_exact_mut(rows)) {
            let half = &half[self.first..self.first + size];
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
