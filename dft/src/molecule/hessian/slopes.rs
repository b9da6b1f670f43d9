//! Hermite coefficients of the derivatives of products of primitives by the centres of their functions.

use crate::molecule::integrals::hermite::count;
use crate::molecule::integrals::pair::{Operator, PlacedShell, Product, expand};
use crate::molecule::integrals::repulsion::list::{Batch, PairList, ShellPair};
use crate::molecule::integrals::repulsion::store::PARTS;
use crate::molecule::matrix::Matrix;

/// `d/dA_x, d/dA_y, d/dA_z, d/dB_x, d/dB_y, d/dB_z` of a product of primitives with its weights: coefficients up to the pair's degree and
/// one, Hermite Gaussians by functions.
pub(super) fn slopes(shells: &[PlacedShell], pair: &ShellPair, product: &Product) -> [Vec<f64>; 6] {
    let [a, b] = pair.shells.map(|s| &shells[s]);
    let weight = a.weights[product.primitives[0]] * b.weights[product.primitives[1]];
    std::array::from_fn(|k| {
        let moved = Operator::Centre(k % 3);
        let (of_a, of_b) =
            if k < 3 { (moved, Operator::Identity) } else { (Operator::Identity, moved) };
        let mut out = vec![0.0; count(pair.degree + 1) * pair.size()];
        expand((a, of_a), (b, of_b), product, pair.degree + 1, weight, &mut out);
        out
    })
}

/// Second derivatives being summed, by the coordinates of all atoms.
#[derive(Clone, Debug)]
pub(super) struct Sums {
    coordinates: usize,
    entries: Vec<f64>,
}

impl Sums {
    pub(super) fn zeros(atoms: usize) -> Self {
        let coordinates = 3 * atoms;
        Self { coordinates, entries: vec![0.0; coordinates * coordinates] }
    }

    /// Adds to one entry, of coordinates as atom and axis.
    pub(super) fn add(&mut self, [a, i]: [usize; 2], [b, j]: [usize; 2], value: f64) {
        self.entries[(3 * a + i) * self.coordinates + 3 * b + j] += value;
    }

    /// Adds an entry and its mirror image.
    pub(super) fn add_both(&mut self, first: [usize; 2], second: [usize; 2], value: f64) {
        self.add(first, second, value);
        self.add(second, first, value);
    }

    /// Adds derivatives by all coordinates and the three of one atom, which follow each other.
    pub(super) fn add_columns(&mut self, atom: usize, columns: &[f64]) {
        for (row, values) in columns.chunks_exact(3).enumerate() {
            for (axis, value) in values.iter().enumerate() {
                self.add([row / 3, row % 3], [atom, axis], *value);
            }
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.entries.iter_mut().zip(&other.entries).for_each(|(x, y)| *x += y);
    }

    pub(super) fn into_matrix(self) -> Matrix {
        Matrix::from_entries(self.coordinates, self.coordinates, self.entries)
    }
}

/// The pairs of one part of the work.
pub(super) fn pairs_of(list: &PairList, part: usize) -> impl Iterator<Item = &ShellPair> {
    list.pairs.iter().skip(part).step_by(PARTS)
}

/// Whether any integral of two pairs may count.
pub(super) fn counts(bra: &ShellPair, ket: &Batch, largest: f64, cutoff: f64) -> bool {
    bra.bound * ket.bound * largest > cutoff
}
