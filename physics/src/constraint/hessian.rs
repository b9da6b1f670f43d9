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

/// `x -= sum_r factor_r y_r`, the last one first. In fours and with wider instructions it took a tenth longer: runs are short.
#[inline]
fn subtract<const N: usize>(x: &mut [f64], factors: &[f64; N], y: [&[f64]; N]) {
    let y = y.map(|y| &y[..x.len()]);
    for (i, x) in x.iter_mut().enumerate() {
        *x = (0..N).rev().fold(*x, |x, r| x - factors[r] * y[r][i]);
    }
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

/// Most rows that are eliminated together.
const MOST_ROWS: usize = 4;

/// Eliminates `N` rows of width `n` from row `first` on, which all couple to `runs` and each to those before it, from the rows `above`. The rows
/// become factors. What it does to a row above it does in one pass, which costs the loads and stores of one elimination; the bits are those of one after the other.
fn eliminate<const N: usize>(
    n: usize,
    first: usize,
    runs: &[[usize; 2]],
    above: &mut [f64],
    panel: &mut [f64],
) -> bool {
    let mut pivots = [0.0; N];
    for r in (0..N).rev() {
        let (before, row) = panel.split_at_mut(r * n);
        let pivot = row[first + r];
        if pivot.is_nan() || pivot <= 0.0 {
            return false;
        }
        pivots[r] = pivot;
        for i in (0..r).rev() {
            let factor = row[first + i] / pivot;
            let target = &mut before[i * n..][..=first + i];
            for &[start, end] in runs {
                subtract(&mut target[start..end], &[factor], [&row[start..end]]);
            }
            subtract(&mut target[first..], &[factor], [&row[first..=first + i]]);
            row[first + i] = factor;
        }
    }
    // from the last, so that an entry is not needed any more once it is a factor
    for (r, &[start, end]) in runs.iter().enumerate().rev() {
        for i in (start..end).rev() {
            let factors = std::array::from_fn(|k| panel[k * n + i] / pivots[k]);
            let rows: [&[f64]; N] = std::array::from_fn(|k| &panel[k * n..][..n]);
            let target = &mut above[i * n..][..=i];
            for &[start, end] in &runs[..r] {
                subtract(&mut target[start..end], &factors, rows.map(|row| &row[start..end]));
            }
            subtract(&mut target[start..], &factors, rows.map(|row| &row[start..=i]));
            (0..N).for_each(|k| panel[k * n + i] = factors[k]);
        }
    }
    true
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
    /// First rows and numbers of rows that are eliminated together, from the last to the first: each couples to what the one before it does, and to that one.
    panels: Vec<(usize, usize)>,
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
        self.lay_panels();
    }

    fn lay_panels(&mut self) {
        self.panels.clear();
        let mut end = self.n;
        while end > 0 {
            let mut first = end - 1;
            while first > 0 && end - first < MOST_ROWS && self.extends_the_row_before(first) {
                first -= 1;
            }
            self.panels.push((first, end - first));
            end = first;
        }
    }

    /// Whether row `k` couples to what row `k - 1` couples to, to `k - 1`, and to nothing else.
    fn extends_the_row_before(&self, k: usize) -> bool {
        let (row, before) =
            (&self.pattern[k * self.words..], &self.pattern[(k - 1) * self.words..]);
        let (word, bit) = ((k - 1) / 64, 1 << ((k - 1) % 64));
        (0..self.words).all(|w| row[w] == before[w] | if w == word { bit } else { 0 })
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
        let Self { n, runs, panels, entries, .. } = self;
        panels.iter().all(|&(first, rows)| {
            let (above, panel) = entries.split_at_mut(first * *n);
            let (panel, runs) = (&mut panel[..rows * *n], runs.of(first));
            match rows {
                1 => eliminate::<1>(*n, first, runs, above, panel),
                2 => eliminate::<2>(*n, first, runs, above, panel),
                3 => eliminate::<3>(*n, first, runs, above, panel),
                _ => eliminate::<MOST_ROWS>(*n, first, runs, above, panel),
            }
        })
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

    /// One row after the other, from the definition.
    fn eliminate_row_by_row(h: &mut Hessian) {
        let n = h.n;
        for k in (0..n).rev() {
            let coupled: Vec<usize> = h.runs.of(k).iter().flat_map(|run| run[0]..run[1]).collect();
            let row: Vec<f64> = h.entries[k * n..][..=k].to_vec();
            for (c, &i) in coupled.iter().enumerate() {
                let factor = row[i] / row[k];
                coupled[..=c].iter().for_each(|&j| h.entries[i * n + j] -= factor * row[j]);
                h.entries[k * n + i] = factor;
            }
        }
    }

    /// Rows that are eliminated together have the bits of one after the other, in panels of every size, over words and with fill.
    #[test]
    fn panels_have_the_bits_of_single_rows() {
        let mut state = 1_u64;
        let mut random = move |below: usize| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % below
        };
        let mut sizes = [0; MOST_ROWS + 1];
        for n in [1, 7, 64, 65, 90] {
            let parents: Vec<Option<usize>> = (0..n)
                .map(|k| match random(8) {
                    _ if k == 0 => None,
                    0 => None,
                    1 => Some(random(k)),
                    _ => Some(k - 1),
                })
                .collect();
            let mut h = Hessian::default();
            h.begin(&parents);
            for _ in 0..n / 20 {
                let mut dofs = [random(n), random(n), random(n)];
                dofs.sort_unstable();
                if dofs[0] < dofs[1] && dofs[1] < dofs[2] {
                    h.join(&dofs);
                }
            }
            h.end();
            h.panels.iter().for_each(|panel| sizes[panel.1] += 1);
            for k in 0..n {
                (0..k).for_each(|j| h.entries[k * n + j] = random(1000) as f64 / 1e3 - 0.5);
                h.entries[k * n + k] = (n + random(5)) as f64 + 0.1;
            }
            let mut single = h.clone();
            eliminate_row_by_row(&mut single);
            assert!(h.factorize());
            for k in 0..n {
                for j in h.runs.of(k).iter().flat_map(|run| run[0]..run[1]).chain([k]) {
                    let (panel, row) = (h.entries[k * n + j], single.entries[k * n + j]);
                    assert_eq!(panel.to_bits(), row.to_bits(), "{n}: {k}, {j}");
                }
            }
        }
        assert!(sizes[1..].iter().all(|size| *size > 0), "{sizes:?}");
    }
}
