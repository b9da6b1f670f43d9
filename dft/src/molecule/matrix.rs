//! Dense matrices of basis functions and orbitals.

use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatMut, MatRef, Par, Side};

/// A dense matrix, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix {
    rows: usize,
    columns: usize,
    entries: Vec<f64>,
}

impl Matrix {
    /// Zeros.
    pub fn zeros(rows: usize, columns: usize) -> Self {
        Self { rows, columns, entries: vec![0.0; rows * columns] }
    }

    /// Entries row by row.
    ///
    /// # Panics
    /// Unless there are `rows * columns` entries.
    pub fn from_entries(rows: usize, columns: usize, entries: Vec<f64>) -> Self {
        assert_eq!(entries.len(), rows * columns, "a matrix has rows times columns entries");
        Self { rows, columns, entries }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// All entries, row by row.
    pub fn entries(&self) -> &[f64] {
        &self.entries
    }

    /// All entries, row by row.
    pub fn entries_mut(&mut self) -> &mut [f64] {
        &mut self.entries
    }

    /// One entry.
    pub fn at(&self, row: usize, column: usize) -> f64 {
        self.entries[row * self.columns + column]
    }

    fn view(&self) -> MatRef<'_, f64> {
        MatRef::from_row_major_slice(&self.entries, self.rows, self.columns)
    }

    /// `A B`.
    pub fn times(&self, other: &Self) -> Self {
        let mut out = Self::zeros(self.rows, other.columns);
        let target = MatMut::from_row_major_slice_mut(&mut out.entries, self.rows, other.columns);
        matmul(target, Accum::Replace, self.view(), other.view(), 1.0, Par::Seq);
        out
    }

    /// `A^T`.
    pub fn transposed(&self) -> Self {
        let mut out = Self::zeros(self.columns, self.rows);
        for row in 0..self.rows {
            for column in 0..self.columns {
                out.entries[column * self.rows + row] = self.at(row, column);
            }
        }
        out
    }

    /// The columns of a range.
    pub fn column_range(&self, range: std::ops::Range<usize>) -> Self {
        let rows = self.entries.chunks(self.columns.max(1));
        let entries = rows.flat_map(|row| row[range.clone()].iter().copied()).collect();
        Self { rows: self.rows, columns: range.len(), entries }
    }

    /// `self += factor * other`.
    pub fn add(&mut self, factor: f64, other: &Self) {
        for (x, y) in self.entries.iter_mut().zip(&other.entries) {
            *x += factor * y;
        }
    }

    /// `self + factor * other`.
    pub fn plus(&self, factor: f64, other: &Self) -> Self {
        let mut sum = self.clone();
        sum.add(factor, other);
        sum
    }

    /// `factor * self`.
    pub fn scaled(&self, factor: f64) -> Self {
        let mut out = self.clone();
        out.entries.iter_mut().for_each(|x| *x *= factor);
        out
    }

    /// `sum_ij A_ij B_ij`.
    pub fn dot(&self, other: &Self) -> f64 {
        self.entries.iter().zip(&other.entries).map(|(x, y)| x * y).sum()
    }

    /// The largest absolute entry.
    pub fn largest(&self) -> f64 {
        self.entries.iter().fold(0.0, |most, x| most.max(x.abs()))
    }

    /// Eigenvalues, rising, and eigenvectors as columns of a symmetric matrix. `None` where an entry is not finite.
    pub fn eigen(&self) -> Option<(Vec<f64>, Self)> {
        let n = self.rows;
        if !self.entries.iter().all(|x| x.is_finite()) {
            return None;
        }
        let symmetric = Mat::from_fn(n, n, |i, j| self.at(i.max(j), i.min(j)));
        let found = symmetric.self_adjoint_eigen(Side::Lower).ok()?;
        let values = (0..n).map(|k| found.S()[k]).collect();
        let vectors = found.U();
        let entries = (0..n * n).map(|at| vectors[(at / n, at % n)]).collect();
        Some((values, Self { rows: n, columns: n, entries }))
    }
}
