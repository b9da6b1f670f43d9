//! A density matrix as a product of few columns.
//!
//! `P = L L^T` has as many columns as there are occupied orbitals, a fifth of the functions or less: products with `L` and with `L^T` are less
//! work than one with `P`. The columns are those of a Cholesky decomposition with pivots (Higham, *Accuracy and Stability of Numerical
//! Algorithms*, 2nd ed. (2002), sec. 10.3), which is taken where it gives `P` again to rounding.

use super::block::{Product, multiply};
use crate::molecule::grid::basis_values::{Active, Values};

/// Diagonal entries that are left, relative to the largest: rounding.
const ROUNDING: f64 = 1e-14;
/// What entries of `L L^T` may be off those of `P`, relative to the largest diagonal entry.
const AGREEMENT: f64 = 1e-12;

/// A symmetric matrix of all basis functions, factored where it pays.
pub(super) struct DensityMatrix<'a> {
    matrix: &'a [f64],
    size: usize,
    /// Columns of `L`, one after the other.
    factor: Option<Vec<Vec<f64>>>,
}

/// Its rows of active functions.
pub(super) enum ActiveMatrix {
    /// Rows and columns of `P`.
    Full(Vec<f64>),
    /// Rows of `L`, column by column, and the same transposed.
    Factor { rank: usize, columns: Vec<f64>, rows: Vec<f64> },
}

/// The columns of `L`, or nothing where they are no fewer than half of the functions or do not give the matrix again.
fn cholesky(matrix: &[f64], size: usize) -> Option<Vec<Vec<f64>>> {
    let mut diagonal: Vec<f64> = (0..size).map(|i| matrix[i * size + i]).collect();
    let largest = diagonal.iter().fold(0.0_f64, |most, d| most.max(*d));
    let mut columns: Vec<Vec<f64>> = Vec::new();
    loop {
        let mut pivot = 0;
        for i in 1..size {
            if diagonal[i] > diagonal[pivot] {
                pivot = i;
            }
        }
        if size == 0 || diagonal[pivot] <= ROUNDING * largest {
            break;
        }
        if 2 * (columns.len() + 1) > size {
            return None;
        }
        let mut next = matrix[pivot * size..(pivot + 1) * size].to_vec();
        for column in &columns {
            let share = column[pivot];
            next.iter_mut().zip(column).for_each(|(x, l)| *x -= share * l);
        }
        let scale = 1.0 / diagonal[pivot].sqrt();
        next.iter_mut().for_each(|x| *x *= scale);
        diagonal.iter_mut().zip(&next).for_each(|(d, x)| *d -= x * x);
        columns.push(next);
    }
    let mut rest = matrix.to_vec();
    for column in &columns {
        for (row, l) in rest.chunks_exact_mut(size).zip(column) {
            row.iter_mut().zip(column).for_each(|(x, m)| *x -= l * m);
        }
    }
    rest.iter().all(|x| x.abs() <= AGREEMENT * largest).then_some(columns)
}

impl<'a> DensityMatrix<'a> {
    pub(super) fn new(matrix: &'a [f64], size: usize) -> Self {
        Self { matrix, size, factor: cholesky(matrix, size) }
    }

    pub(super) fn of_active(&self, active: &Active) -> ActiveMatrix {
        let functions = &active.functions;
        let Some(factor) = &self.factor else {
            let row = |i: &usize| {
                let start = i * self.size;
                functions.iter().map(move |j| self.matrix[start + j])
            };
            return ActiveMatrix::Full(functions.iter().flat_map(row).collect());
        };
        let columns = factor.iter().flat_map(|column| functions.iter().map(|i| column[*i]));
        let rows = functions.iter().flat_map(|i| factor.iter().map(|column| column[*i]));
        ActiveMatrix::Factor {
            rank: factor.len(),
            columns: columns.collect(),
            rows: rows.collect(),
        }
    }
}

impl ActiveMatrix {
    /// `A P` for a matrix `A` of points by functions.
    pub(super) fn times(&self, points: usize, functions: usize, a: &[f64]) -> Vec<f64> {
        let mut found = vec![0.0; points * functions];
        let size = [points, functions, functions];
        match self {
            Self::Full(matrix) => multiply(&Product::Plain, size, a, matrix, &mut found),
            Self::Factor { rank, rows, .. } => {
                let Some(orbitals) = self.orbitals(points, functions, a) else { return found };
                let size = [points, *rank, functions];
                multiply(&Product::Plain, size, &orbitals, rows, &mut found);
            }
        }
        found
    }

    /// `A L`, where there is a factor that is not empty.
    fn orbitals(&self, points: usize, functions: usize, a: &[f64]) -> Option<Vec<f64>> {
        match self {
            Self::Factor { rank, columns, .. } if *rank > 0 => {
                let mut orbitals = vec![0.0; points * rank];
                let size = [points, functions, *rank];
                multiply(&Product::Plain, size, a, columns, &mut orbitals);
                Some(orbitals)
            }
            _ => None,
        }
    }

    /// `n = sum_k (phi L)_k^2`, where there is a factor.
    pub(super) fn density(&self, values: &Values) -> Option<Vec<f64>> {
        let (n, f) = (values.points, values.functions);
        let Self::Factor { .. } = self else { return None };
        let mut density = vec![0.0; n];
        let orbitals = self.orbitals(n, f, values.of(0)).unwrap_or_default();
        for orbital in orbitals.chunks_exact(n) {
            density.iter_mut().zip(orbital).for_each(|(d, x)| *d += x * x);
        }
        Some(density)
    }
}

#[cfg(test)]
mod tests {
    use super::cholesky;

    #[test]
    fn only_what_is_a_product_of_few_columns_is_taken_for_one() {
        let column = |k: usize| (0..6_u8).map(move |i| (1.3 * f64::from(i) + 0.7 * k as f64).sin());
        let product = |columns: usize, sign: f64| -> Vec<f64> {
            let mut matrix = vec![0.0; 36];
            for k in 0..columns {
                let sign = if k == 0 { sign } else { 1.0 };
                for (i, x) in column(k * k).enumerate() {
                    for (j, y) in column(k * k).enumerate() {
                        matrix[i * 6 + j] += sign * x * y;
                    }
                }
            }
            matrix
        };
        assert_eq!(cholesky(&product(2, 1.0), 6).map(|c| c.len()), Some(2));
        assert_eq!(cholesky(&vec![0.0; 36], 6).map(|c| c.len()), Some(0));
        assert!(cholesky(&product(2, -1.0), 6).is_none()); // indefinite
        let mut full = product(2, 1.0);
        (0..6).for_each(|i| full[7 * i] += 1.0);
        assert!(cholesky(&full, 6).is_none());
        let hollow: Vec<f64> = (0..36).map(|k| if k % 7 == 0 { 0.0 } else { 1.0 }).collect();
        assert!(cholesky(&hollow, 6).is_none()); // no diagonal at all
    }
}
