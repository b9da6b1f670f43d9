//! Exact exchange.

use rayon::prelude::*;

use crate::molecule::gradient::Inputs;
use crate::molecule::gradient::pair_density::PairDensity;
use crate::molecule::gradient::pair_sums::PairSums;
use crate::molecule::integrals::repulsion::list::{PairList, ShellPair};
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
    let exchange = Exchange {
        list,
        density: PairDensity { total: None, densities, exact_exchange: factor },
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
    density: PairDensity<'a>,
    cutoff: f64,
    extra: usize,
}

impl Exchange<'_> {
    fn add_pair(&self, bra: &ShellPair, kernel: &mut Kernel, sums: &mut PairSums) {
        let degree = bra.degree + self.extra;
        let found = self.density.cotangents(self.list, bra, degree, self.cutoff, kernel);
        for (product, x) in bra.products.iter().zip(&found) {
            sums.add_product(&self.list.shells, bra.shells, product, x);
        }
    }
}
