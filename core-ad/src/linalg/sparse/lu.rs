//! LU factors of a sparse matrix, column by column.
//!
//! Gilbert & Peierls, "Sparse partial pivoting in time proportional to arithmetic operations", SIAM J. Sci. Stat. Comput. 9, 862
//! (1988), as in T. A. Davis, "Direct Methods for Sparse Linear Systems" (2006), section 6.2.

use std::cmp::Ordering;

use super::super::{LinalgError, check_pivot};
use crate::sparse::Pattern;

const NONE: usize = usize::MAX;

/// The diagonal is the pivot where it is at least this share of the largest candidate: the order of elimination was made
/// for it.
const THRESHOLD: f64 = 0.1;

/// Columns of a triangular matrix.
#[derive(Clone, Debug, Default)]
struct Columns {
    starts: Vec<usize>,
    rows: Vec<usize>,
    values: Vec<f64>,
}

impl Columns {
    fn new() -> Self {
        Self { starts: vec![0], ..Self::default() }
    }

    fn push(&mut self, row: usize, value: f64) {
        self.rows.push(row);
        self.values.push(value);
    }

    fn close(&mut self) {
        self.starts.push(self.rows.len());
    }

    fn column(&self, k: usize) -> impl Iterator<Item = (usize, f64)> {
        let range = self.starts[k]..self.starts[k + 1];
        self.rows[range.clone()].iter().copied().zip(self.values[range].iter().copied())
    }
}

/// `P A Q = L U`.
#[derive(Clone, Debug)]
pub(super) struct SparseLu {
    /// Column `k` of the factors is column `columns[k]` of the matrix.
    columns: Vec<usize>,
    /// Row `i` of the matrix is row `places[i]` of the factors.
    places: Vec<usize>,
    /// Without its diagonal of ones.
    lower: Columns,
    /// Without its diagonal.
    upper: Columns,
    diagonal: Vec<f64>,
}

/// The rows that a column of `L^-1 A` has entries in, those that change others first.
struct Reach {
    /// The column that a row was last reached for.
    visited: Vec<usize>,
    /// Finished rows, last first.
    found: Vec<usize>,
    /// Rows on the way down, with the number of entries of their column that were followed.
    path: Vec<(usize, usize)>,
}

impl Reach {
    fn from(&mut self, row: usize, k: usize, lower: &Columns, places: &[usize]) {
        if self.visited[row] == k {
            return;
        }
        self.visited[row] = k;
        self.path.push((row, 0));
        while let Some((row, followed)) = self.path.last_mut() {
            let below = match places[*row] {
                NONE => &[][..],
                place => &lower.rows[lower.starts[place]..lower.starts[place + 1]],
            };
            let next = below[*followed..].iter().position(|r| self.visited[*r] != k);
            if let Some(step) = next {
                let child = below[*followed + step];
                *followed += step + 1;
                self.visited[child] = k;
                self.path.push((child, 0));
            } else {
                self.found.push(*row);
                self.path.pop();
            }
        }
    }
}

/// The matrix by columns, and the largest entries of its rows and columns.
struct ByColumns {
    columns: Columns,
    row_sizes: Vec<f64>,
    column_sizes: Vec<f64>,
}

impl ByColumns {
    fn new(pattern: &Pattern, entries: &[f64]) -> Self {
        let n = pattern.rows();
        let mut lists: Vec<Vec<(usize, f64)>> = vec![Vec::new(); n];
        let (mut row_sizes, mut column_sizes) = (vec![0.0; n], vec![0.0; n]);
        for i in 0..n {
            for (j, a) in pattern.row(i).iter().zip(&entries[pattern.range(i)]) {
                lists[*j].push((i, *a));
                row_sizes[i] = f64::max(row_sizes[i], a.abs());
                column_sizes[*j] = f64::max(column_sizes[*j], a.abs());
            }
        }
        let mut columns = Columns::new();
        for list in &lists {
            list.iter().for_each(|(i, a)| columns.push(*i, *a));
            columns.close();
        }
        Self { columns, row_sizes, column_sizes }
    }
}

impl SparseLu {
    pub(super) fn new(
        pattern: &Pattern,
        entries: &[f64],
        order: &[usize],
    ) -> Result<Self, LinalgError> {
        let n = order.len();
        let a = ByColumns::new(pattern, entries);
        let mut lu = Self {
            columns: order.to_vec(),
            places: vec![NONE; n],
            lower: Columns::new(),
            upper: Columns::new(),
            diagonal: Vec::with_capacity(n),
        };
        let mut reach = Reach { visited: vec![NONE; n], found: Vec::new(), path: Vec::new() };
        let mut x = vec![0.0; n];
        for (k, &column) in order.iter().enumerate() {
            reach.found.clear();
            for (row, _) in a.columns.column(column) {
                reach.from(row, k, &lu.lower, &lu.places);
            }
            a.columns.column(column).for_each(|(row, value)| x[row] = value);
            let pivot = lu.eliminate(column, &reach.found, &mut x, &a.row_sizes);
            let size = if pivot == NONE { 0.0 } else { x[pivot].abs() };
            let scale =
                if pivot == NONE { 1.0 } else { a.row_sizes[pivot].min(a.column_sizes[column]) };
            check_pivot(column, size / scale, n)?;
            lu.divide(pivot, &reach.found, &mut x);
        }
        for row in &mut lu.lower.rows {
            *row = lu.places[*row];
        }
        Ok(lu)
    }

    /// Takes what the columns before change of column `column`, stores its part of `U`, and chooses the pivot's row: candidates are
    /// compared in units of their rows, as in `elimination`.
    fn eliminate(
        &mut self,
        column: usize,
        reach: &[usize],
        x: &mut [f64],
        row_sizes: &[f64],
    ) -> usize {
        let (mut pivot, mut largest) = (NONE, 0.0);
        for &row in reach.iter().rev() {
            let place = self.places[row];
            if place == NONE {
                continue;
            }
            let known = std::mem::take(&mut x[row]);
            self.upper.push(place, known);
            self.lower.column(place).for_each(|(below, l)| x[below] -= l * known);
        }
        self.upper.close();
        for &row in reach.iter().filter(|row| self.places[**row] == NONE) {
            // of equal candidates the first row of the matrix
            let size = x[row].abs() / row_sizes[row];
            let larger = match size.total_cmp(&largest) {
                Ordering::Greater => true,
                Ordering::Equal => size > 0.0 && row < pivot,
                Ordering::Less => false,
            };
            if larger {
                (pivot, largest) = (row, size);
            }
        }
        let on_diagonal = x[column].abs() / row_sizes[column];
        if self.places[column] == NONE && pivot != NONE && on_diagonal >= THRESHOLD * largest {
            pivot = column;
        }
        pivot
    }

    /// Stores a column of `L` and clears what was used of `x`.
    fn divide(&mut self, pivot: usize, reach: &[usize], x: &mut [f64]) {
        let value = std::mem::take(&mut x[pivot]);
        self.places[pivot] = self.diagonal.len();
        self.diagonal.push(value);
        for &row in reach.iter().filter(|row| self.places[**row] == NONE) {
            let l = std::mem::take(&mut x[row]) / value;
            self.lower.push(row, l);
        }
        self.lower.close();
    }

    /// `A^-1 b`, or `A^-T b`.
    pub(super) fn solve(&self, b: &[f64], transposed: bool) -> Vec<f64> {
        let n = self.columns.len();
        let (mut x, mut found) = (vec![0.0; n], vec![0.0; n]);
        if transposed {
            for k in 0..n {
                let right = b[self.columns[k]];
                let sum = self.upper.column(k).fold(right, |sum, (row, u)| sum - u * x[row]);
                x[k] = sum / self.diagonal[k];
            }
            for k in (0..n).rev() {
                x[k] = self.lower.column(k).fold(x[k], |sum, (row, l)| sum - l * x[row]);
            }
            self.places.iter().zip(&mut found).for_each(|(place, f)| *f = x[*place]);
        } else {
            self.places.iter().zip(b).for_each(|(place, b)| x[*place] = *b);
            for k in 0..n {
                let known = x[k];
                self.lower.column(k).for_each(|(row, l)| x[row] -= l * known);
            }
            for k in (0..n).rev() {
                x[k] /= self.diagonal[k];
                let known = x[k];
                self.upper.column(k).for_each(|(row, u)| x[row] -= u * known);
            }
            self.columns.iter().zip(x).for_each(|(column, x)| found[*column] = x);
        }
        found
    }
}
