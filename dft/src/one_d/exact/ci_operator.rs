//! The Hamiltonian of a few electrons on antisymmetric tensors.
//!
//! A wave function of `N = up + down` electrons in `m` orbitals is the tensor `Psi(i_1, ..., i_N)`, electrons of spin up first,
//! antisymmetric among equals. With the reduced Hamiltonian of a pair
//!
//! `K[pq, rs] = (pr|qs) + (h_pr d_qs + d_pr h_qs)/(N - 1)`
//!
//! `H = sum_(a<b) K_ab`: products of matrices only. Pairs of one kind (up-up, down-down, up-down) give the same product, up to
//! a permutation and its sign.

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};

/// One- and two-electron integrals over orthonormal orbitals, and who is in them.
pub(in crate::one_d) struct CiOperator {
    m: usize,
    up: usize,
    electrons: usize,
    /// `K`, `m^2 x m^2`, symmetric.
    pair: Vec<f64>,
    classes: Vec<Class>,
}

/// Pairs of one kind.
struct Class {
    /// Axes of the pair for which the product is made, then the others.
    front: Vec<usize>,
    /// Its inverse.
    back: Vec<usize>,
    /// For each pair: the permutation that leads there, and its sign.
    pairs: Vec<(Vec<usize>, f64)>,
}

impl Class {
    fn new(electrons: usize, representative: (usize, usize), pairs: &[(usize, usize)]) -> Self {
        let (r, s) = representative;
        let mut front = vec![r, s];
        front.extend((0..electrons).filter(|k| *k != r && *k != s));
        let back = inverse(&front);
        let lead = |&(a, b): &(usize, usize)| {
            let mut axes: Vec<usize> = (0..electrons).collect();
            let mut sign = 1.0;
            for (from, to) in [(r, a), (s, b)] {
                if axes[from] != to {
                    let other = axes.iter().position(|x| *x == to).unwrap_or(from);
                    axes.swap(from, other);
                    sign = -sign;
                }
            }
            (inverse(&axes), sign)
        };
        Self { front, back, pairs: pairs.iter().map(lead).collect() }
    }
}

impl CiOperator {
    /// For `up` and `down` electrons.
    ///
    /// # Shapes
    /// `one`: `h`, `m x m`; `two`: `(pr|qs)` at `(p + m r) + m^2 (q + m s)`.
    pub(in crate::one_d) fn new(
        m: usize,
        [up, down]: [usize; 2],
        one: &[f64],
        two: &[f64],
    ) -> Self {
        let electrons = up + down;
        let share = 1.0 / (electrons as f64 - 1.0);
        let m2 = m * m;
        let mut pair = vec![0.0; m2 * m2];
        for (row, column) in (0..m2).flat_map(|c| (0..m2).map(move |r| (r, c))) {
            let ((p, q), (r, s)) = ((row % m, row / m), (column % m, column / m));
            let mut k = two[(p + m * r) + m2 * (q + m * s)];
            if q == s {
                k += share * one[p + m * r];
            }
            if p == r {
                k += share * one[q + m * s];
            }
            pair[row + m2 * column] = k;
        }
        let among = |first: usize, last: usize| -> Vec<(usize, usize)> {
            (first..last).flat_map(|a| (a + 1..last).map(move |b| (a, b))).collect()
        };
        let mixed: Vec<_> = (0..up).flat_map(|a| (up..electrons).map(move |b| (a, b))).collect();
        let classes =
            [((0, 1), among(0, up)), ((up, up + 1), among(up, electrons)), ((0, up), mixed)];
        let classes = classes
            .iter()
            .filter(|(_, pairs)| !pairs.is_empty())
            .map(|(representative, pairs)| Class::new(electrons, *representative, pairs))
            .collect();
        Self { m, up, electrons, pair, classes }
    }

    /// The determinant of the lowest orbitals, of norm 1.
    pub(in crate::one_d) fn lowest_determinant(&self) -> Vec<f64> {
        let mut psi = vec![0.0; size(self.m, self.electrons)];
        let orbital = |axis: usize| if axis < self.up { axis } else { axis - self.up };
        let at: usize = (0..self.electrons).rev().fold(0, |at, a| at * self.m + orbital(a));
        psi[at] = 1.0;
        self.antisymmetrise(&mut psi);
        let norm = psi.iter().map(|x| x * x).sum::<f64>().sqrt();
        psi.iter_mut().for_each(|x| *x /= norm);
        psi
    }

    /// `H Psi`.
    pub(in crate::one_d) fn apply(&self, psi: &[f64]) -> Vec<f64> {
        let (m2, rest) = (self.m * self.m, psi.len() / (self.m * self.m));
        let k = MatRef::from_column_major_slice(&self.pair, m2, m2);
        let mut image = vec![0.0; psi.len()];
        for class in &self.classes {
            let front = permuted(self.m, psi, &class.front);
            let mut product = vec![0.0; psi.len()];
            matmul(
                MatMut::from_column_major_slice_mut(&mut product, m2, rest),
                Accum::Replace,
                k,
                MatRef::from_column_major_slice(&front, m2, rest),
                1.0,
                Par::Seq,
            );
            let product = permuted(self.m, &product, &class.back);
            for (axes, sign) in &class.pairs {
                let moved = permuted(self.m, &product, axes);
                image.iter_mut().zip(&moved).for_each(|(y, x)| *y += sign * x);
            }
        }
        image
    }

    /// `sum_(a<b) K[i_a i_b, i_a i_b]`: the energies of products of orbitals.
    pub(in crate::one_d) fn diagonal(&self) -> Vec<f64> {
        let (m, m2) = (self.m, self.m * self.m);
        let of_pair: Vec<f64> = (0..m2).map(|k| self.pair[k + m2 * k]).collect();
        let at = |mut k: usize| {
            let mut index = [0; MOST_ELECTRONS];
            for i in &mut index[..self.electrons] {
                (*i, k) = (k % m, k / m);
            }
            let index = &index[..self.electrons];
            let with = |a: usize| index[a + 1..].iter().map(move |j| of_index(index[a], *j, m));
            (0..self.electrons).flat_map(with).map(|k| of_pair[k]).sum()
        };
        (0..size(m, self.electrons)).map(at).collect()
    }

    /// Projects on tensors that are antisymmetric in the electrons of each spin.
    pub(in crate::one_d) fn antisymmetrise(&self, psi: &mut Vec<f64>) {
        for (first, last) in [(0, self.up), (self.up, self.electrons)] {
            // the sum over all permutations as a product of sums over transpositions
            for grown in first + 1..last {
                let mut sum = psi.clone();
                for other in first..grown {
                    let mut axes: Vec<usize> = (0..self.electrons).collect();
                    axes.swap(other, grown);
                    let moved = permuted(self.m, psi, &axes);
                    sum.iter_mut().zip(&moved).for_each(|(s, x)| *s -= x);
                }
                let factor = 1.0 / (grown - first + 1) as f64;
                sum.iter_mut().for_each(|s| *s *= factor);
                *psi = sum;
            }
        }
    }

    /// The one-particle density matrix of the electrons of one spin, `m x m`; its trace is their number.
    pub(in crate::one_d) fn density_matrix(&self, psi: &[f64], spin_up: bool) -> Vec<f64> {
        let (axis, count) =
            if spin_up { (0, self.up) } else { (self.up, self.electrons - self.up) };
        let mut gamma = vec![0.0; self.m * self.m];
        if count > 0 {
            let mut order = vec![axis];
            order.extend((0..self.electrons).filter(|k| *k != axis));
            let front = permuted(self.m, psi, &order);
            let x = MatRef::from_column_major_slice(&front, self.m, psi.len() / self.m);
            let target = MatMut::from_column_major_slice_mut(&mut gamma, self.m, self.m);
            matmul(target, Accum::Replace, x, x.transpose(), count as f64, Par::Seq);
        }
        gamma
    }
}

impl CiOperator {
    /// The two-particle density matrix of all ordered pairs of electrons, `G[pq, rs]`, `m^2 x m^2`, symmetric: with the
    /// one-particle `gamma`, `E = sum h_pr gamma_pr + 1/2 sum (pr|qs) G[pq, rs]`.
    pub(in crate::one_d) fn pair_density(&self, psi: &[f64]) -> Vec<f64> {
        let (m, m2) = (self.m, self.m * self.m);
        let mut sum = vec![0.0; m2 * m2];
        for class in &self.classes {
            let front = permuted(m, psi, &class.front);
            let x = MatRef::from_column_major_slice(&front, m2, psi.len() / m2);
            let mut of_one = vec![0.0; m2 * m2];
            let target = MatMut::from_column_major_slice_mut(&mut of_one, m2, m2);
            matmul(target, Accum::Replace, x, x.transpose(), class.pairs.len() as f64, Par::Seq);
            let swapped = |k: usize| k / m + m * (k % m);
            for (column, row) in (0..m2).flat_map(|c| (0..m2).map(move |r| (c, r))) {
                sum[row + m2 * column] +=
                    of_one[row + m2 * column] + of_one[swapped(row) + m2 * swapped(column)];
            }
        }
        sum
    }
}

/// More electrons than this make the tensor too large.
pub(in crate::one_d) const MOST_ELECTRONS: usize = 4;

/// `m^axes`.
fn size(m: usize, axes: usize) -> usize {
    (0..axes).fold(1, |size, _| size * m)
}

/// The permutation that undoes `axes`.
fn inverse(axes: &[usize]) -> Vec<usize> {
    let mut back = vec![0; axes.len()];
    axes.iter().enumerate().for_each(|(k, &axis)| back[axis] = k);
    back
}

fn of_index(i: usize, j: usize, m: usize) -> usize {
    i + m * j
}

/// `y(i_0, i_1, ...) = x` with `i_k` at axis `axes[k]`; the first axis varies fastest in both.
fn permuted(m: usize, x: &[f64], axes: &[usize]) -> Vec<f64> {
    if axes.iter().enumerate().all(|(k, a)| k == *a) {
        return x.to_vec();
    }
    let stride: Vec<usize> = axes.iter().map(|a| size(m, *a)).collect();
    let mut y = Vec::with_capacity(x.len());
    let mut index = vec![0; axes.len()];
    let mut from = 0;
    while y.len() < x.len() {
        y.extend((0..m).map(|i| x[from + i * stride[0]]));
        for k in 1..axes.len() {
            index[k] += 1;
            from += stride[k];
            if index[k] < m {
                break;
            }
            from -= m * stride[k];
            index[k] = 0;
        }
    }
    y
}
