//! Coulomb and exchange matrices from repulsion integrals, which are kept where memory allows and made anew where it does not.

use rayon::prelude::*;

use crate::molecule::basis::Basis;
use crate::molecule::geometry::Molecule;
use crate::molecule::integrals::lane::Lane;
use crate::molecule::integrals::repulsion::direct::{Measure, Met};
use crate::molecule::integrals::repulsion::list::{Batch, PairList, ShellPair};
use crate::molecule::integrals::repulsion::quartet::Kernel;
use crate::molecule::matrix::Matrix;

/// Parts that the work is cut into, whatever the number of threads, so that sums have one order.
pub(in crate::molecule) const PARTS: usize = 16;

/// Pairs of shells below which a molecule is small.
const SMALL: usize = 60;

/// Products of primitives count from this share of the cutoff on: there are many of them in an integral.
pub(in crate::molecule) const NEGLIGIBLE: f64 = 1e-3;

/// What is computed, and where it is kept.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RepulsionOptions {
    /// Integrals whose Schwarz bound is below this are left out, hartree.
    pub cutoff_ha: f64,
    /// Integrals are kept if they fit into this many bytes, and made anew for every Fock matrix if not.
    pub memory_bytes: u64,
}

impl Default for RepulsionOptions {
    fn default() -> Self {
        Self { cutoff_ha: 1e-12, memory_bytes: 2 << 30 }
    }
}

/// The repulsion integrals of a molecule.
#[derive(Debug)]
pub struct Repulsion {
    functions: usize,
    list: PairList,
    cutoff: f64,
    stored: Option<Vec<Vec<f64>>>,
}

/// Coulomb and exchange matrices of a density.
#[derive(Clone, Debug, PartialEq)]
pub struct CoulombExchange {
    /// `J_ab = sum_cd (ab|cd) D_cd`.
    pub coulomb: Matrix,
    /// `K_ac = sum_bd (ab|cd) D_bd`.
    pub exchange: Matrix,
}

impl Repulsion {
    /// Integrals of a molecule in a basis.
    pub fn new(molecule: &Molecule, basis: &Basis, options: RepulsionOptions) -> Self {
        let cutoff = options.cutoff_ha;
        let list = PairList::new(molecule, basis, cutoff);
        let mut repulsion = Self { functions: basis.len(), list, cutoff, stored: None };
        if repulsion.bytes() <= options.memory_bytes {
            let part = |part: usize| {
                let mut kept = Vec::new();
                repulsion.visit(part, None, |_, _, block| kept.extend_from_slice(block));
                kept
            };
            let parts = (0..PARTS).into_par_iter().with_min_len(repulsion.parts_at_once());
            repulsion.stored = Some(parts.map(part).collect());
        }
        repulsion
    }

    /// Bytes of the integrals that are not screened out.
    pub fn bytes(&self) -> u64 {
        let mut count = 0;
        for (at, bra) in self.list.pairs.iter().enumerate() {
            for ket in self.list.pairs[..=at].iter().filter(|k| k.bound * bra.bound > self.cutoff) {
                count += bra.size() * ket.size();
            }
        }
        8 * count as u64
    }

    /// Parts that one thread takes: all of a molecule so small that others would only be waited for.
    pub(in crate::molecule) fn parts_at_once(&self) -> usize {
        if self.list.pairs.len() < SMALL { PARTS } else { 1 }
    }

    /// Whether the integrals are kept in memory.
    pub fn is_kept(&self) -> bool {
        self.stored.is_some()
    }

    pub(in crate::molecule) fn list(&self) -> &PairList {
        &self.list
    }

    pub(in crate::molecule) fn cutoff(&self) -> f64 {
        self.cutoff
    }

    /// Calls `into(bra, ket, (ab|cd))` for the quartets of a part of the work whose bound is above the cutoff, and is so too with the
    /// densities that they meet.
    fn visit(&self, part: usize, met: Option<&Met>, mut into: impl FnMut(usize, usize, &[f64])) {
        let mut kernel = Kernel::new(NEGLIGIBLE * self.cutoff);
        let mut block = Vec::new();
        let pairs = &self.list.pairs;
        for (bra_at, bra) in pairs.iter().enumerate().skip(part).step_by(PARTS) {
            for ket in batches_below(&self.list.batches, bra_at) {
                if bra.bound * ket.bound <= self.cutoff {
                    continue;
                }
                let is_wanted = |ket_at: usize| {
                    let bound = pairs[ket_at].bound * bra.bound;
                    let factor = met.map_or(1.0, |met| met.factor(bra, &pairs[ket_at]).min(1.0));
                    ket_at <= bra_at && bound * factor > self.cutoff
                };
                let wanted = ket.pairs.map(is_wanted);
                if !wanted[..ket.filled].contains(&true) {
                    continue;
                }
                let lanes = kernel.run(bra, ket);
                for (lane, ket_at) in ket.pairs.iter().enumerate().take(ket.filled) {
                    if wanted[lane] {
                        block.clear();
                        block.extend(lanes.iter().map(|x: &Lane| x.0[lane]));
                        into(bra_at, *ket_at, &block);
                    }
                }
            }
        }
    }

    /// Calls `into` for every quartet of a part that is not negligible, from memory or made anew.
    fn each(
        &self,
        part: usize,
        met: Option<&Met>,
        mut into: impl FnMut(&ShellPair, &ShellPair, f64, &[f64]),
    ) {
        let pairs = &self.list.pairs;
        let share = |bra: usize, ket: usize| {
            pairs[bra].share() * pairs[ket].share() * if bra == ket { 0.5 } else { 1.0 }
        };
        let Some(stored) = &self.stored else {
            return self.visit(part, met, |bra, ket, block| {
                into(&pairs[bra], &pairs[ket], share(bra, ket), block);
            });
        };
        let mut rest = stored[part].as_slice();
        for (bra_at, bra) in pairs.iter().enumerate().skip(part).step_by(PARTS) {
            for (ket_at, ket) in pairs[..=bra_at].iter().enumerate() {
                if bra.bound * ket.bound > self.cutoff {
                    let (block, after) = rest.split_at(bra.size() * ket.size());
                    into(bra, ket, share(bra_at, ket_at), block);
                    rest = after;
                }
            }
        }
    }

    /// The densities that integrals meet, where these are made anew.
    fn met(&self, densities: &[Matrix], with_exchange: bool, measure: Measure) -> Option<Met> {
        let met = || Met::new(&self.list, densities, measure, with_exchange);
        (!self.is_kept()).then(met)
    }

    /// Coulomb and exchange matrices of symmetric densities, each `n x n`.
    ///
    /// # Panics
    /// Unless every density has the size of the basis.
    pub fn coulomb_exchange(&self, densities: &[Matrix]) -> Vec<CoulombExchange> {
        self.make(densities, true, Measure::Relative)
    }

    /// Matrices of densities, `K` empty where it is not wanted.
    pub(in crate::molecule) fn make(
        &self,
        densities: &[Matrix],
        with_exchange: bool,
        measure: Measure,
    ) -> Vec<CoulombExchange> {
        let n = self.functions;
        assert!(
            densities.iter().all(|d| d.rows() == n && d.columns() == n),
            "{n} by {n} densities"
        );
        let met = self.met(densities, with_exchange, measure);
        let of_exchange = if with_exchange { n } else { 0 };
        let zeros = || [vec![0.0; n * n], vec![0.0; of_exchange * of_exchange]];
        let part = |part: usize| {
            let mut sums: Vec<[Vec<f64>; 2]> = densities.iter().map(|_| zeros()).collect();
            self.each(part, met.as_ref(), |bra, ket, share, block| {
                for (density, [j, k]) in densities.iter().zip(&mut sums) {
                    if with_exchange {
                        digest(n, (bra, ket), share, block, density.entries(), j, k);
                    } else {
                        add_coulomb(n, (bra, ket), share, block, density.entries(), j);
                    }
                }
            });
            sums
        };
        let parts: Vec<_> =
            (0..PARTS).into_par_iter().with_min_len(self.parts_at_once()).map(part).collect();
        let total = |density: usize, which: usize, size: usize| {
            let mut sum = vec![0.0; size * size];
            for part in &parts {
                sum.iter_mut().zip(&part[density][which]).for_each(|(x, y)| *x += y);
            }
            symmetrised(size, &sum)
        };
        let one = |d: usize| CoulombExchange {
            coulomb: total(d, 0, n),
            exchange: total(d, 1, of_exchange),
        };
        (0..densities.len()).map(one).collect()
    }

    /// All integrals `(ij|kl)` with `i >= j`, `k >= l`, `ij >= kl`, lower triangle of lower triangles.
    pub fn packed(&self) -> Vec<f64> {
        let n = self.functions;
        let pair = |i: usize, j: usize| i.max(j) * (i.max(j) + 1) / 2 + i.min(j);
        let count = n * (n + 1) / 2;
        let mut packed = vec![0.0; count * (count + 1) / 2];
        for part in 0..PARTS {
            self.each(part, None, |bra, ket, _, block| {
                let mut values = block.iter();
                for [a, b] in bra.each_product() {
                    for ([c, d], value) in ket.each_product().zip(&mut values) {
                        packed[pair(pair(a, b), pair(c, d))] = *value;
                    }
                }
            });
        }
        packed
    }
}

/// Batches that hold a pair up to `last`.
pub(in crate::molecule) fn batches_below(batches: &[Batch], last: usize) -> &[Batch] {
    let end = batches.partition_point(|batch| batch.pairs[0] <= last);
    &batches[..end]
}

/// `(M + M^T)/2`.
pub(in crate::molecule) fn symmetrised(n: usize, entries: &[f64]) -> Matrix {
    let mut out = vec![0.0; n * n];
    for i in 0..n {
        for j in 0..n {
            out[i * n + j] = 0.5 * (entries[i * n + j] + entries[j * n + i]);
        }
    }
    Matrix::from_entries(n, n, out)
}

/// The part of `J` of one quartet and its permutations, before it is symmetrised.
fn add_coulomb(
    n: usize,
    (bra, ket): (&ShellPair, &ShellPair),
    share: f64,
    block: &[f64],
    density: &[f64],
    j: &mut [f64],
) {
    let ([n_c, n_d], [c_0, d_0]) = (ket.functions, ket.starts);
    for ([a, b], rows) in bra.each_product().zip(block.chunks_exact(n_c * n_d)) {
        let of_bra = 4.0 * share * density[a * n + b];
        let mut sum = 0.0;
        for (c, row) in rows.chunks_exact(n_d).enumerate() {
            let at = (c_0 + c) * n + d_0;
            let (d_row, j_row) = (&density[at..at + n_d], &mut j[at..at + n_d]);
            for ((value, d), j) in row.iter().zip(d_row).zip(j_row) {
                sum += value * d;
                *j += value * of_bra;
            }
        }
        j[a * n + b] += 4.0 * share * sum;
    }
}

/// The parts of `J` and `K` of one quartet and its permutations, before they are symmetrised.
#[inline]
pub(in crate::molecule) fn digest(
    n: usize,
    (bra, ket): (&ShellPair, &ShellPair),
    share: f64,
    block: &[f64],
    density: &[f64],
    j: &mut [f64],
    k: &mut [f64],
) {
    let ([a_0, b_0], [c_0, d_0]) = (bra.starts, ket.starts);
    let ([n_a, n_b], [n_c, n_d]) = (bra.functions, ket.functions);
    let (twice, four) = (2.0 * share, 4.0 * share);
    let mut rows = block.chunks_exact(n_d);
    for a in a_0..a_0 + n_a {
        let of_a = &density[a * n..(a + 1) * n];
        for b in b_0..b_0 + n_b {
            let of_b = &density[b * n..(b + 1) * n];
            let d_ab = four * of_a[b];
            let mut j_ab = 0.0;
            for (c, row) in (c_0..c_0 + n_c).zip(&mut rows) {
                let (d_ac, d_bc) = (twice * of_a[c], twice * of_b[c]);
                let (mut k_ac, mut k_bc) = (0.0, 0.0);
                let d_c = &density[c * n + d_0..c * n + d_0 + n_d];
                let j_c = &mut j[c * n + d_0..c * n + d_0 + n_d];
                let (of_a, of_b) = (&of_a[d_0..d_0 + n_d], &of_b[d_0..d_0 + n_d]);
                for d in 0..n_d {
                    let value = row[d];
                    j_ab += value * d_c[d];
                    j_c[d] += value * d_ab;
                    k_ac += value * of_b[d];
                    k_bc += value * of_a[d];
                }
                k[a * n + c] += twice * k_ac;
                k[b * n + c] += twice * k_bc;
                let k_a = &mut k[a * n + d_0..a * n + d_0 + n_d];
                k_a.iter_mut().zip(row).for_each(|(k, value)| *k += value * d_bc);
                let k_b = &mut k[b * n + d_0..b * n + d_0 + n_d];
                k_b.iter_mut().zip(row).for_each(|(k, value)| *k += value * d_ac);
            }
            j[a * n + b] += four * j_ab;
        }
    }
}
