//! The matrix `H = M + J^T W J` as sparse factors `L^T D L`.
//!
//! The lower coordinates that a row couples to come in few runs, as a branch's do, which the loops go along.
//!
//! Coordinates are eliminated from the last to the first, so that `M` fills nothing in (Featherstone 2008, section 6.5); constraints
//! between branches of a tree, or trees, do. Row `k` holds what couples to lower coordinates; eliminating `k` couples
//! these among each other, which is to say: with the greatest of them, whose own elimination does the rest (Liu 1990).

use std::ops::Mul;

use cotangent_ad::Num;

use crate::integrate::add_row;

/// Of each row, ascending runs of lower coordinates: their first ones, and those after their last.
#[derive(Clone, Debug, Default)]
pub(crate) struct Runs {
    list: Vec<[usize; 2]>,
    starts: Vec<usize>,
}

impl Runs {
    fn clear(&mut self) {
        self.list.clear();
        self.starts.clear();
        self.starts.push(0);
    }

    /// Those of a tree: each coordinate with all on its way to the world.
    pub(crate) fn of_tree(&mut self, dof_parent: &[Option<usize>]) {
        self.clear();
        for parent in dof_parent {
            if let Some(p) = *parent {
                let first = self.list.len();
                self.list.extend_from_within(self.starts[p]..self.starts[p + 1]);
                self.push(first, p);
            }
            self.starts.push(self.list.len());
        }
    }

    /// Adds a coordinate to the last row, whose runs begin at `first`.
    #[inline]
    fn push(&mut self, first: usize, coordinate: usize) {
        match self.list[first..].last_mut() {
            Some([_, end]) if *end == coordinate => *end += 1,
            _ => self.list.push([coordinate, coordinate + 1]),
        }
    }

    #[inline]
    fn of(&self, row: usize) -> &[[usize; 2]] {
        &self.list[self.starts[row]..self.starts[row + 1]]
    }
}

/// `x . y`, in four sums, so that none waits for the one before.
#[inline]
fn dot<A: Copy, T: Num + Mul<A, Output = T>>(x: &[A], y: &[T]) -> T {
    let mut sums = [T::lit(0.0); 4];
    let (x_four, y_four) = (x.chunks_exact(4), y.chunks_exact(4));
    let rest = x_four.remainder().iter().zip(y_four.remainder());
    let rest = rest.fold(T::lit(0.0), |sum, (x, y)| sum + *y * *x);
    for (x, y) in x_four.zip(y_four) {
        (0..4).for_each(|k| sums[k] += y[k] * x[k]);
    }
    (sums[0] + sums[1]) + (sums[2] + sums[3]) + rest
}

/// `x -= factor y`. In fours and with wider instructions it took a tenth longer: runs are short.
#[inline]
fn subtract(x: &mut [f64], factor: f64, y: &[f64]) {
    x.iter_mut().zip(y).for_each(|(x, y)| *x -= factor * y);
}

/// `y = M x`, of the mass matrix the lower triangle (`nv x nv`) along the runs of a tree.
pub(crate) fn mass_times<T: Num>(runs: &Runs, mass: &[T], x: &[T], y: &mut [T]) {
    let n = x.len();
    for i in 0..n {
        let row = &mass[i * n..][..=i];
        let mut sum = row[i] * x[i];
        for &[first, end] in runs.of(i) {
            let (row, y) = (&row[first..end], &mut y[first..end]);
            sum += dot(row, &x[first..end]);
            y.iter_mut().zip(row).for_each(|(y, m)| *y += *m * x[i]);
        }
        y[i] = sum;
    }
}

/// Rows of coupled coordinates, and the numbers there.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hessian {
    n: usize,
    /// Words of 64 bits a row.
    words: usize,
    /// Which lower coordinates each couples to.
    pattern: Vec<u64>,
    /// The same as runs.
    runs: Runs,
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
        self.runs.clear();
        for k in 0..self.n {
            let first = self.runs.list.len();
            for w in 0..words {
                let mut bits = self.pattern[k * words + w];
                while bits != 0 {
                    self.runs.push(first, 64 * w + bits.trailing_zeros() as usize);
                    bits &= bits - 1;
                }
            }
            self.runs.starts.push(self.runs.list.len());
        }
    }

    /// `H = M`, of which the lower triangle is given.
    pub(crate) fn set(&mut self, mass: &[f64]) {
        let n = self.n;
        for k in 0..n {
            self.entries[k * n + k] = mass[k * n + k];
            for &[first, end] in self.runs.of(k) {
                let own = k * n + first..k * n + end;
                self.entries[own.clone()].copy_from_slice(&mass[own]);
            }
        }
    }

    /// Adds `sum_r x_r y_r^T` over rows along some coordinates, in ascending order, whose couplings are in the pattern.
    pub(crate) fn add_products(&mut self, dofs: &[usize], x: &[f64], y: &[f64]) {
        let n = dofs.len();
        for (x, y) in x.chunks_exact(n).zip(y.chunks_exact(n)) {
            for (i, (row, x)) in dofs.iter().zip(x).enumerate() {
                if *x == 0.0 {
                    continue;
                }
                let entries = &mut self.entries[row * self.n..][..=*row];
                for (column, y) in dofs[..=i].iter().zip(y) {
                    entries[*column] += x * y;
                }
            }
        }
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
            let (row, runs) = (&mut row[..k], self.runs.of(k));
            for (r, &[first, end]) in runs.iter().enumerate() {
                for i in first..end {
                    let factor = row[i] / pivot;
                    let target = &mut above[i * n..][..=i];
                    for &[first, end] in &runs[..r] {
                        subtract(&mut target[first..end], factor, &row[first..end]);
                    }
                    subtract(&mut target[first..], factor, &row[first..=i]);
                }
            }
            for &[first, end] in runs {
                row[first..end].iter_mut().for_each(|x| *x /= pivot);
            }
        }
        true
    }

    /// `x <- H^-1 x`, after [`Hessian::factorize`].
    pub(crate) fn solve<T: Num>(&self, x: &mut [T]) {
        let n = self.n;
        for k in (0..n).rev() {
            let (top, row) = (x[k], &self.entries[k * n..][..k]);
            for &[first, end] in self.runs.of(k) {
                let x = &mut x[first..end];
                x.iter_mut().zip(&row[first..end]).for_each(|(x, h)| *x -= top * *h);
            }
        }
        for k in 0..n {
            let row = &self.entries[k * n..][..=k];
            let mut sum = x[k] / row[k];
            for &[first, end] in self.runs.of(k) {
                sum -= dot(&row[first..end], &x[first..end]);
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
            for j in self.runs.of(k).iter().flat_map(|&[first, end]| first..end) {
                add_row(rows, width, (j, -self.entries[k * n + j], k));
            }
        }
        for k in 0..n {
            let pivot = self.entries[k * n + k];
            rows[k * width..][..width].iter_mut().for_each(|x| *x /= pivot);
            for j in self.runs.of(k).iter().flat_map(|&[first, end]| first..end) {
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
            let twice: Vec<f64> = row.iter().map(|x| 2.0 * x).collect();
            h.add_products(dofs, &row, &twice);
            for (x, &i) in dofs.iter().enumerate() {
                for (y, &j) in dofs.iter().enumerate() {
                    dense[i * n + j] += 2.0 * row[x] * row[y];
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
