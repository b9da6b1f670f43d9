//! What integrals that are made anew for every density may leave out: those that meet nothing in it, and all that an earlier density had.
//!
//! # Source
//! Haeser & Ahlrichs, J. Comput. Chem. 10, 104 (1989), doi:10.1002/jcc.540100111: bounds with the density, and Fock matrices of differences.

use crate::molecule::integrals::repulsion::list::{PairList, ShellPair};
use crate::molecule::integrals::repulsion::store::{CoulombExchange, Repulsion};
use crate::molecule::matrix::Matrix;

/// Differences that are added up before all is made anew, so that what they leave out stays small.
const DIFFERENCES: usize = 12;

/// What a product of an integral with a density is measured by, which is left out below the cutoff.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::molecule) enum Measure {
    /// As it is.
    Absolute,
    /// As if the largest entry of the density were 1, where it is smaller: what is left out is small beside the matrices of a density of any
    /// size.
    Relative,
}

/// The largest entries of densities by pair of shells.
pub(super) struct Met {
    shells: usize,
    largest: Vec<f64>,
    with_exchange: bool,
}

impl Met {
    pub(super) fn new(
        list: &PairList,
        densities: &[Matrix],
        measure: Measure,
        with_exchange: bool,
    ) -> Self {
        let shells = list.shells.len();
        let mut largest = vec![0.0_f64; shells * shells];
        for density in densities {
            let most = density.entries().iter().fold(0.0_f64, |most, x| most.max(x.abs()));
            let scale = match measure {
                Measure::Relative if most > 0.0 => (1.0 / most).max(1.0),
                _ => 1.0,
            };
            for (i, a) in list.shells.iter().enumerate() {
                for (j, b) in list.shells.iter().enumerate() {
                    let entry = &mut largest[i * shells + j];
                    for row in a.start..a.start + a.functions {
                        for column in b.start..b.start + b.functions {
                            *entry = entry.max(scale * density.at(row, column).abs());
                        }
                    }
                }
            }
        }
        Self { shells, largest, with_exchange }
    }

    /// The largest factor with which an integral of two pairs enters a matrix.
    pub(super) fn factor(&self, bra: &ShellPair, ket: &ShellPair) -> f64 {
        let at = |i: usize, j: usize| self.largest[i * self.shells + j];
        let ([a, b], [c, d]) = (bra.shells, ket.shells);
        let coulomb = 4.0 * at(a, b).max(at(c, d));
        if !self.with_exchange {
            return coulomb;
        }
        coulomb.max(at(a, c)).max(at(a, d)).max(at(b, c)).max(at(b, d))
    }
}

/// Coulomb matrices of densities, and exchange matrices where they are wanted; with the densities, so that those of nearby ones can be
/// made from the difference.
#[derive(Clone, Debug, PartialEq)]
pub struct TwoElectronMatrices {
    /// `J` and `K` of each density; `K` is empty where it was not wanted.
    pub parts: Vec<CoulombExchange>,
    densities: Vec<Matrix>,
    with_exchange: bool,
    differences: usize,
}

impl Repulsion {
    /// Matrices of symmetric densities. Where integrals are made anew and `near` is given, only those of the difference to its densities are;
    /// what they leave out is below the cutoff, and after some differences all is made again.
    ///
    /// # Panics
    /// Unless every density has the size of the basis.
    pub fn matrices(
        &self,
        densities: &[Matrix],
        with_exchange: bool,
        near: Option<&TwoElectronMatrices>,
    ) -> TwoElectronMatrices {
        let fits = |near: &&TwoElectronMatrices| {
            !self.is_kept()
                && near.with_exchange == with_exchange
                && near.densities.len() == densities.len()
                && near.differences < DIFFERENCES
        };
        let (parts, differences) = match near.filter(fits) {
            None => (self.make(densities, with_exchange, Measure::Relative), 0),
            Some(near) => {
                let pairs = densities.iter().zip(&near.densities);
                let moved: Vec<Matrix> = pairs.map(|(d, old)| d.plus(-1.0, old)).collect();
                let changes = self.make(&moved, with_exchange, Measure::Absolute);
                let sum = |(old, change): (&CoulombExchange, CoulombExchange)| CoulombExchange {
                    coulomb: old.coulomb.plus(1.0, &change.coulomb),
                    exchange: old.exchange.plus(1.0, &change.exchange),
                };
                let parts = near.parts.iter().zip(changes).map(sum).collect();
                (parts, near.differences + 1)
            }
        };
        TwoElectronMatrices { parts, densities: densities.to_vec(), with_exchange, differences }
    }
}
