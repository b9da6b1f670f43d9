//! The Cholesky factor of a sparse matrix, row by row.
//!
//! T. A. Davis, "Direct Methods for Sparse Linear Systems" (2006), chapter 4: the elimination tree, the pattern of a row of the
//! factor as a part of that tree, and the up-looking factorization.

use super::super::LinalgError;
use crate::sparse::Pattern;

const NONE: usize = usize::MAX;

/// `P S P^T = L L^T` for the symmetric part `S` of a matrix.
#[derive(Clone, Debug)]
pub(super) struct SparseCholesky {
    /// Row `k` of the factor is row `order[k]` of the matrix.
    order: Vec<usize>,
    /// Columns of `L`, the diagonal first.
    starts: Vec<usize>,
    rows: Vec<usize>,
    values: Vec<f64>,
}

/// Upper triangle of the permuted symmetric part, column by column.
struct Upper {
    starts: Vec<usize>,
    rows: Vec<usize>,
    values: Vec<f64>,
}

impl Upper {
    fn new(pattern: &Pattern, entries: &[f64], order: &[usize]) -> Self {
        let n = order.len();
        let mut place = vec![0; n];
        order.iter().enumerate().for_each(|(k, i)| place[*i] = k);
        let mut columns: Vec<Vec<(usize, f64)>> = vec![Vec::new(); n];
        for i in 0..n {
            for (j, a) in pattern.row(i).iter().zip(&entries[pattern.range(i)]) {
                let (row, column) = (place[i].min(place[*j]), place[i].max(place[*j]));
                columns[column].push((row, if i == *j { *a } else { 0.5 * a }));
            }
        }
        let mut upper = Self { starts: vec![0], rows: Vec::new(), values: Vec::new() };
        for column in &mut columns {
            // an entry and its mirror image are summed in the same order wherever they stand
            column.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
            for &(row, a) in column.iter() {
                if upper.rows.len() > upper.starts[upper.starts.len() - 1]
                    && upper.rows[upper.rows.len() - 1] == row
                {
                    *upper.values.last_mut().expect("there is one") += a;
                } else {
                    upper.rows.push(row);
                    upper.values.push(a);
                }
            }
            upper.starts.push(upper.rows.len());
        }
        upper
    }

    fn column(&self, k: usize) -> impl Iterator<Item = (usize, f64)> {
        let range = self.starts[k]..self.starts[k + 1];
        self.rows[range.clone()].iter().copied().zip(self.values[range].iter().copied())
    }
}

/// The parent of each column: the first row below its diagonal in which it has an entry.
fn elimination_tree(upper: &Upper, n: usize) -> Vec<usize> {
    let (mut parent, mut ancestor) = (vec![NONE; n], vec![NONE; n]);
    for k in 0..n {
        for (mut i, _) in upper.column(k) {
            while i != NONE && i < k {
                let next = ancestor[i];
                ancestor[i] = k;
                if next == NONE {
                    parent[i] = k;
                }
                i = next;
            }
        }
    }
    parent
}

/// The columns in which row `k` of the factor has entries, ancestors after descendants.
fn row_pattern(
    upper: &Upper,
    k: usize,
    parent: &[usize],
    visited: &mut [usize],
    found: &mut Vec<usize>,
) {
    found.clear();
    visited[k] = k;
    for (mut i, _) in upper.column(k) {
        let first = found.len();
        while i != NONE && i < k && visited[i] != k {
            visited[i] = k;
            found.push(i);
            i = parent[i];
        }
        // a path is found from its lowest column up, and goes before the paths that it ends in
        found[first..].reverse();
    }
    found.reverse();
}

impl SparseCholesky {
    pub(super) fn new(
        pattern: &Pattern,
        entries: &[f64],
        order: &[usize],
    ) -> Result<Self, LinalgError> {
        let n = order.len();
        let upper = Upper::new(pattern, entries, order);
        let parent = elimination_tree(&upper, n);
        let (mut visited, mut found) = (vec![NONE; n], Vec::new());
        let mut counts = vec![1; n];
        for k in 0..n {
            row_pattern(&upper, k, &parent, &mut visited, &mut found);
            found.iter().for_each(|i| counts[*i] += 1);
        }
        let mut starts = vec![0];
        starts.extend(counts.iter().scan(0, |end, count| {
            *end += count;
            Some(*end)
        }));
        let (mut rows, mut values) = (vec![0; starts[n]], vec![0.0; starts[n]]);
        // where the next entry of each column goes
        let mut next = starts[..n].to_vec();
        let mut x = vec![0.0; n];
        visited.fill(NONE);
        for k in 0..n {
            row_pattern(&upper, k, &parent, &mut visited, &mut found);
            upper.column(k).for_each(|(i, a)| x[i] = a);
            let mut diagonal = std::mem::take(&mut x[k]);
            for &i in &found {
                let factor = std::mem::take(&mut x[i]) / values[starts[i]];
                let column = starts[i] + 1..next[i];
                for (row, l) in rows[column.clone()].iter().zip(&values[column]) {
                    x[*row] -= l * factor;
                }
                diagonal -= factor * factor;
                (rows[next[i]], values[next[i]]) = (k, factor);
                next[i] += 1;
            }
            if diagonal.is_nan() || diagonal <= 0.0 {
                return Err(LinalgError::NotPositiveDefinite { pivot: order[k] });
            }
            (rows[next[k]], values[next[k]]) = (k, diagonal.sqrt());
            next[k] += 1;
        }
        Ok(Self { order: order.to_vec(), starts, rows, values })
    }

    /// Rows and values of column `k` below the diagonal.
    fn below(&self, k: usize) -> impl Iterator<Item = (usize, f64)> {
        let range = self.starts[k] + 1..self.starts[k + 1];
        self.rows[range.clone()].iter().copied().zip(self.values[range].iter().copied())
    }

    /// `S^-1 b`.
    pub(super) fn solve(&self, b: &[f64]) -> Vec<f64> {
        let n = self.order.len();
        let mut x: Vec<f64> = self.order.iter().map(|i| b[*i]).collect();
        for k in 0..n {
            x[k] /= self.values[self.starts[k]];
            let known = x[k];
            self.below(k).for_each(|(row, l)| x[row] -= l * known);
        }
        for k in (0..n).rev() {
            let sum = self.below(k).fold(x[k], |sum, (row, l)| sum - l * x[row]);
            x[k] = sum / self.values[self.starts[k]];
        }
        let mut found = vec![0.0; n];
        self.order.iter().zip(x).for_each(|(i, x)| found[*i] = x);
        found
    }
}
