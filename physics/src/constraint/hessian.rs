//! The matrix `H = M + J^T W J` as sparse factors `L^T D L`.
//!
//! Coordinates are eliminated from the last to the first, so that `M` fills nothing in (Featherstone 2008, section 6.5); constraints
//! between branches of a tree, or trees, do. Row `k` holds what couples to lower coordinates; eliminating `k` couples
//! these among each other, which is to say: with the greatest of them, whose own elimination does the rest (Liu 1990).

use cotangent_ad::Num;

use crate::integrate::add_row;

/// Rows of coupled coordinates, and the numbers there.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hessian {
    n: usize,
    /// Words of 64 bits a row.
    words: usize,
    /// Which lower coordinates each couples to.
    pattern: Vec<u64>,
    /// The same as lists: `columns[starts[k]..starts[k + 1]]`, ascending.
    columns: Vec<usize>,
    starts: Vec<usize>,
    /// `n x n`, row-major; only entries of the pattern and the diagonal are meant.
    entries: Vec<f64>,
}

impl Hessian {
    /// The pattern of the mass matrix of `n` coordinates, each with the next on its way to the world.
    pub(crate) fn begin(&mut self, dof_parent: &[Option<usize>]) {
        self.n = dof_parent.len();
        self.words = self.n.div_ceil(64);
        self.pattern.clear();
        self.pattern.resize(self.n * self.words, 0);
        self.entries.resize(self.n * self.n, 0.0);
        for (k, parent) in dof_parent.iter().enumerate() {
            let Some(p) = *parent else { continue };
            for w in 0..self.words {
                self.pattern[k * self.words + w] = self.pattern[p * self.words + w];
            }
            self.couple(k, p);
        }
    }

    fn couple(&mut self, k: usize, lower: usize) {
        self.pattern[k * self.words + lower / 64] |= 1 << (lower % 64);
    }

    /// Couples the coordinates of a constraint, in ascending order, with each other.
    pub(crate) fn join(&mut self, dofs: &[usize]) {
        if let Some((greatest, rest)) = dofs.split_last() {
            rest.iter().for_each(|d| self.couple(*greatest, *d));
        }
    }

    /// Completes the pattern by what elimination fills in.
    pub(crate) fn end(&mut self) {
        let words = self.words;
        for k in (0..self.n).rev() {
            let (below, row) = self.pattern.split_at_mut(k * words);
            let row = &row[..words];
            let Some(w) = row.iter().rposition(|w| *w != 0) else { continue };
            let greatest = 64 * w + 63 - row[w].leading_zeros() as usize;
            let target = &mut below[greatest * words..][..words];
            target.iter_mut().zip(row).for_each(|(t, r)| *t |= r);
            target[greatest / 64] &= !(1 << (greatest % 64));
        }
        self.starts.clear();
        self.columns.clear();
        for k in 0..self.n {
            self.starts.push(self.columns.len());
            for w in 0..words {
                let mut bits = self.pattern[k * words + w];
                while bits != 0 {
                    self.columns.push(64 * w + bits.trailing_zeros() as usize);
                    bits &= bits - 1;
                }
            }
        }
        self.starts.push(self.columns.len());
    }

    /// `H = M`, of which the lower triangle is given.
    pub(crate) fn set(&mut self, mass: &[f64]) {
        let n = self.n;
        for k in 0..n {
            self.entries[k * n + k] = mass[k * n + k];
            for c in self.starts[k]..self.starts[k + 1] {
                let j = self.columns[c];
                self.entries[k * n + j] = mass[k * n + j];
            }
        }
    }

    /// Adds to an entry of the pattern or the diagonal; `row >= column`.
    #[inline]
    pub(crate) fn add(&mut self, row: usize, column: usize, x: f64) {
        self.entries[row * self.n + column] += x;
    }

    /// Factors in place. `false` where a pivot is not positive.
    pub(crate) fn factorize(&mut self) -> bool {
        let n = self.n;
        for k in (0..n).rev() {
            let pivot = self.entries[k * n + k];
            if pivot.is_nan() || pivot <= 0.0 {
                return false;
            }
            let (above, row) = self.entries.split_at_mut(k * n);
            let columns = &self.columns[self.starts[k]..self.starts[k + 1]];
            for (c, &i) in columns.iter().enumerate() {
                let factor = row[i] / pivot;
                let target = &mut above[i * n..][..=i];
                for &j in &columns[..=c] {
                    target[j] -= factor * row[j];
                }
            }
            columns.iter().for_each(|&i| row[i] /= pivot);
        }
        true
    }

    /// `x <- H^-1 x`, after [`Hessian::factorize`].
    pub(crate) fn solve<T: Num>(&self, x: &mut [T]) {
        let n = self.n;
        for k in (0..n).rev() {
            let top = x[k];
            for &j in &self.columns[self.starts[k]..self.starts[k + 1]] {
                x[j] -= top * self.entries[k * n + j];
            }
        }
        for k in 0..n {
            let mut sum = x[k] / self.entries[k * n + k];
            for &j in &self.columns[self.starts[k]..self.starts[k + 1]] {
                sum -= x[j] * self.entries[k * n + j];
            }
            x[k] = sum;
        }
    }
}

impl Hessian {
    /// [`Hessian::solve`] of many right sides at once, in rows of `width`.
    pub(crate) fn solve_rows(&self, rows: &mut [f64], width: usize) {
        let n = self.n;
        for k in (0..n).rev() {
            for &j in &self.columns[self.starts[k]..self.starts[k + 1]] {
                add_row(rows, width, (j, -self.entries[k * n + j], k));
            }
        }
        for k in 0..n {
            let pivot = self.entries[k * n + k];
            rows[k * width..][..width].iter_mut().for_each(|x| *x /= pivot);
            for &j in &self.columns[self.starts[k]..self.starts[k + 1]] {
                add_row(rows, width, (k, -self.entries[k * n + j], j));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two trees and a constraint across them: the solution solves the dense system.
    #[test]
    fn solves_across_branches() {
        let parents = [None, Some(0), Some(1), Some(0), None, Some(4), Some(5), Some(4)];
        let n = parents.len();
        let mut mass = vec![0.0; n * n];
        for k in 0..n {
            mass[k * n + k] = 3.0 + k as f64;
            let mut up = parents[k];
            while let Some(p) = up {
                mass[k * n + p] = 0.3 + 0.1 * (k + p) as f64;
                up = parents[p];
            }
        }
        let blocks: [&[usize]; 3] = [&[0, 1, 2, 4, 5, 6], &[1, 2, 3], &[3, 7]];
        let mut h = Hessian::default();
        h.begin(&parents);
        blocks.iter().for_each(|b| h.join(b));
        h.end();
        h.set(&mass);
        let mut dense: Vec<f64> =
            (0..n * n).map(|k| mass[(k / n).max(k % n) * n + (k / n).min(k % n)]).collect();
        for (b, dofs) in blocks.iter().enumerate() {
            let row: Vec<f64> = dofs.iter().map(|d| 1.0 + (d * (b + 2)) as f64 * 0.3).collect();
            for (x, &i) in dofs.iter().enumerate() {
                for (y, &j) in dofs.iter().enumerate() {
                    dense[i * n + j] += 2.0 * row[x] * row[y];
                    if j <= i {
                        h.add(i, j, 2.0 * row[x] * row[y]);
                    }
                }
            }
        }
        assert!(h.factorize());
        let right: Vec<f64> = (0..n).map(|k| 1.0 - 0.4 * k as f64).collect();
        let mut x = right.clone();
        h.solve(&mut x);
        for i in 0..n {
            let product: f64 = (0..n).map(|j| dense[i * n + j] * x[j]).sum();
            assert!((product - right[i]).abs() < 1e-12, "{i}: {product} {}", right[i]);
        }
    }
}
