//! Two electrons that do not interact: `(h x 1 + 1 x h + gap - 2 e_0)^-1` on symmetric matrices, approximately.
//!
//! `X a + a X = R` with `a = h + gap/2 - e_0` is a Sylvester equation. It is solved by alternating directions (Peaceman &
//! Rachford, J. SIAM 3, 28 (1955)): banded solves only, no product of matrices.

use pulp::Arch;

use crate::one_d::linear::banded::{Ldl, Pentadiagonal};

/// The approximate inverse.
pub(in crate::one_d) struct Independent<'a> {
    h: &'a Pentadiagonal,
    /// `a = h + offset` is positive definite.
    offset: f64,
    /// Shifts `p`, and the factors of `a + p`.
    sweeps: Vec<(f64, Ldl)>,
}

impl<'a> Independent<'a> {
    /// `lowest_ha` is the lowest eigenvalue of `h`, `gap` what two electrons in that state are to cost; both in hartree.
    pub(in crate::one_d) fn new(
        h: &'a Pentadiagonal,
        lowest_ha: f64,
        gap: f64,
        sweeps: u32,
    ) -> Self {
        let lowest = 0.5 * gap;
        let offset = lowest - lowest_ha;
        // Gershgorin
        let highest = h.diagonal.iter().copied().fold(f64::MIN, f64::max)
            + 2.0 * (h.first.abs() + h.second.abs())
            + offset;
        let shift = |k: u32| {
            let t = (f64::from(k) + 0.5) / f64::from(sweeps);
            let p = lowest * (highest / lowest).powf(t);
            (p, h.ldl(-(offset + p)))
        };
        Self { h, offset, sweeps: (0..sweeps).map(shift).collect() }
    }

    /// The symmetric `X` for the symmetric `r`, both `n x n`.
    ///
    /// For each `p`: `(a + p) Y = R - X (a - p)`, then `X (a + p) = R - (a - p) Y`. With `Z = Y^T` both halves read
    /// `Z (a + p) = R - (X (a - p))^T`, `X` the matrix before, so that one routine does both.
    pub(in crate::one_d) fn apply(&self, r: &[f64]) -> Vec<f64> {
        let n = self.h.len();
        let r = strips(n, r);
        let mut x = vec![[0.0; STRIP]; r.len()];
        let mut next = x.clone();
        for (p, factor) in &self.sweeps {
            for _ in 0..2 {
                let strips = next.chunks_exact_mut(n).zip(r.chunks_exact(n));
                for (s, (z, r)) in strips.enumerate() {
                    Arch::new().dispatch(|| {
                        self.right_side(self.offset - p, r, &x, s, z);
                        factor.solve_rows(z);
                    });
                }
                std::mem::swap(&mut x, &mut next);
            }
        }
        symmetric_part(n, &x)
    }

    /// Strip `s` of `R - (X (h + shift))^T`, tile by tile.
    #[expect(clippy::inline_always, reason = "into the dispatch on the processor")]
    #[inline(always)]
    fn right_side(&self, shift: f64, r: &Strip, x: &Strip, s: usize, z: &mut Strip) {
        let n = self.h.len();
        let mut tile = [[0.0; STRIP]; STRIP];
        let tiles = z.chunks_mut(STRIP).zip(r.chunks(STRIP));
        for (x, (z, r)) in x.chunks_exact(n).zip(tiles) {
            for (column, j) in tile.iter_mut().zip(s * STRIP..n) {
                *column = self.h.column_from_right(shift, x, j);
            }
            z.copy_from_slice(r);
            for (q, z) in z.iter_mut().enumerate() {
                z.iter_mut().zip(&tile).for_each(|(z, column)| *z -= column[q]);
            }
        }
    }
}

/// Rows of a matrix that stand together: those of 513 points fill 128 KiB, half a small second-level cache.
const STRIP: usize = 32;

/// A strip, or several: `n` columns each.
type Strip = [[f64; STRIP]];

/// A square matrix by strips of rows; rows beyond the last are zero.
fn strips(n: usize, matrix: &[f64]) -> Vec<[f64; STRIP]> {
    let mut out = vec![[0.0; STRIP]; n.div_ceil(STRIP) * n];
    for (s, strip) in out.chunks_exact_mut(n).enumerate() {
        let first = s * STRIP;
        let width = STRIP.min(n - first);
        for (to, column) in strip.iter_mut().zip(matrix.chunks_exact(n)) {
            to[..width].copy_from_slice(&column[first..first + width]);
        }
    }
    out
}

/// `(X + X^T)/2` of a matrix in strips, by columns: a singlet's spatial part is symmetric.
fn symmetric_part(n: usize, x: &Strip) -> Vec<f64> {
    let mut out = vec![0.0; n * n];
    for (s, rows) in x.chunks_exact(n).enumerate() {
        let first = s * STRIP;
        let width = STRIP.min(n - first);
        for (j, row) in rows.iter().enumerate() {
            let columns = &x[j / STRIP * n + first..][..width];
            let to = &mut out[j * n + first..][..width];
            for ((to, a), b) in to.iter_mut().zip(row).zip(columns) {
                *to = 0.5 * (a + b[j % STRIP]);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::Independent;
    use crate::one_d::linear::banded::Pentadiagonal;

    /// `n` leaves a last strip of one row.
    #[test]
    fn many_sweeps_solve_the_sylvester_equation() {
        let n = 65;
        let diagonal = (0..n).map(|i| 2.6 + 0.1 * (1.7 * i as f64).sin()).collect();
        let h = Pentadiagonal { diagonal, first: -4.0 / 3.0, second: 1.0 / 12.0 };
        let gap = 0.4;
        let inverse = Independent::new(&h, 0.0, gap, 12);
        let entry = |i: usize, j: usize| {
            [h.diagonal[i] + 0.5 * gap, h.first, h.second].get(i.abs_diff(j)).copied()
        };
        let solution =
            |i: usize, j: usize| (0.3 * (i + j) as f64).sin() + (0.2 * (i * j) as f64).cos();
        let near = |i: usize| i.saturating_sub(2)..(i + 3).min(n);
        let source: Vec<f64> = (0..n * n)
            .map(|at| {
                let (i, j) = (at % n, at / n);
                let left = near(i).map(|k| entry(i, k).unwrap() * solution(k, j)).sum::<f64>();
                let right = near(j).map(|k| solution(i, k) * entry(k, j).unwrap()).sum::<f64>();
                left + right
            })
            .collect();
        let found = inverse.apply(&source);
        let largest = (0..n * n).map(|at| (found[at] - solution(at % n, at / n)).abs());
        let largest = largest.fold(0.0, f64::max);
        assert!(largest < 1e-6, "{largest:e}");
    }
}
