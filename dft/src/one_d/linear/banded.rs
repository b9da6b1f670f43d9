//! Symmetric pentadiagonal matrices with constant off-diagonals, and their banded solves.

/// A symmetric pentadiagonal matrix: any main diagonal, constant first and second off-diagonals.
#[derive(Clone, Debug, PartialEq)]
pub struct Pentadiagonal {
    /// Main diagonal, `n` entries.
    pub diagonal: Vec<f64>,
    /// The first off-diagonal's one value.
    pub first: f64,
    /// The second off-diagonal's one value.
    pub second: f64,
}

impl Pentadiagonal {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.diagonal.len()
    }

    /// Whether it has no rows.
    pub fn is_empty(&self) -> bool {
        self.diagonal.is_empty()
    }

    /// `y = A x`.
    ///
    /// # Shapes
    /// `x`, `y`: `n`.
    pub fn apply(&self, x: &[f64], y: &mut [f64]) {
        let n = self.len();
        let edge = |i: usize| {
            let at = |j: Option<usize>| j.and_then(|j| x.get(j)).copied().unwrap_or(0.0);
            self.diagonal[i] * x[i]
                + self.first * (at(i.checked_sub(1)) + at(Some(i + 1)))
                + self.second * (at(i.checked_sub(2)) + at(Some(i + 2)))
        };
        for i in (0..n.min(2)).chain(n.saturating_sub(2).max(2)..n) {
            y[i] = edge(i);
        }
        let inner = self.diagonal.iter().zip(&mut y[..n]).skip(2);
        for ((d, y), x) in inner.zip(x.windows(5)) {
            *y = d * x[2] + self.first * (x[1] + x[3]) + self.second * (x[0] + x[4]);
        }
    }

    /// Column `j` of `X (A + shift)`, for `W` rows of `X`.
    ///
    /// # Shapes
    /// `x`: `n` columns of `W` entries.
    #[expect(clippy::inline_always, reason = "into its caller's dispatch on the processor")]
    #[inline(always)]
    pub(in crate::one_d) fn column_from_right<const W: usize>(
        &self,
        shift: f64,
        x: &[[f64; W]],
        j: usize,
    ) -> [f64; W] {
        let none = [0.0; W];
        let column = |k: Option<usize>| k.and_then(|k| x.get(k)).unwrap_or(&none);
        let [a, b] = [column(j.checked_sub(1)), column(Some(j + 1))];
        let [c, d] = [column(j.checked_sub(2)), column(Some(j + 2))];
        let (centre, middle) = (self.diagonal[j] + shift, &x[j]);
        std::array::from_fn(|i| {
            centre * middle[i] + self.first * (a[i] + b[i]) + self.second * (c[i] + d[i])
        })
    }

    /// Factorises `A - shift = L D L^T` without pivoting.
    ///
    /// Stable where `A - shift` is positive definite, which [`Ldl::negative_pivots`] tells. Elsewhere the number of
    /// negative pivots is the number of eigenvalues below the shift (Sylvester), and solves should use [`BandedLu`].
    pub fn ldl(&self, shift: f64) -> Ldl {
        let n = self.len();
        let mut factor =
            Ldl { inverse_pivot: vec![0.0; n], l1: vec![0.0; n], l2: vec![0.0; n], negative: 0 };
        let tiny = f64::EPSILON * (self.first.abs() + self.second.abs()).max(f64::MIN_POSITIVE);
        // d1, d2: pivots one and two rows above; e1: l1 of the row above, times its pivot
        let (mut d1, mut d2, mut l1_above) = (0.0, 0.0, 0.0);
        for i in 0..n {
            let l2 = if i >= 2 { self.second / d2 } else { 0.0 };
            let l1 = if i >= 1 { (self.first - l2 * d2 * l1_above) / d1 } else { 0.0 };
            let mut pivot = self.diagonal[i] - shift - l1 * l1 * d1 - l2 * l2 * d2;
            if pivot.abs() < tiny {
                pivot = -tiny; // an eigenvalue of a leading block: count it as below
            }
            factor.negative += usize::from(pivot < 0.0);
            factor.l1[i] = l1;
            factor.l2[i] = l2;
            factor.inverse_pivot[i] = 1.0 / pivot;
            (d2, d1, l1_above) = (d1, pivot, l1);
        }
        factor
    }
}

/// `A - shift = L D L^T`, `L` unit lower triangular with two subdiagonals.
#[derive(Clone, Debug)]
pub struct Ldl {
    inverse_pivot: Vec<f64>,
    l1: Vec<f64>,
    l2: Vec<f64>,
    negative: usize,
}

impl Ldl {
    /// Number of negative pivots: of eigenvalues below the shift.
    pub fn negative_pivots(&self) -> usize {
        self.negative
    }

    /// Solves `X (A - shift) = B` in place for `W` rows together.
    ///
    /// # Shapes
    /// `x`: `n` columns of `W` entries, holds `B` on entry.
    #[expect(clippy::inline_always, reason = "into its caller's dispatch on the processor")]
    #[inline(always)]
    pub fn solve_rows<const W: usize>(&self, x: &mut [[f64; W]]) {
        let n = x.len();
        let none = [0.0; W];
        for j in 0..n {
            let (before, at) = x.split_at_mut(j);
            let y1 = before.last().unwrap_or(&none);
            let y2 = if j > 1 { &before[j - 2] } else { &none };
            let (c1, c2) = (self.l1[j], self.l2[j]);
            for (x, (y1, y2)) in at[0].iter_mut().zip(y1.iter().zip(y2)) {
                *x = *x - c1 * y1 - c2 * y2;
            }
        }
        // factors beyond the last row are zero
        let factor = |l: &[f64], j: usize| l.get(j).copied().unwrap_or(0.0);
        for j in (0..n).rev() {
            let (at, after) = x[j..].split_at_mut(1);
            let (y1, y2) = (after.first().unwrap_or(&none), after.get(1).unwrap_or(&none));
            let (c1, c2) = (factor(&self.l1, j + 1), factor(&self.l2, j + 2));
            let pivot = self.inverse_pivot[j];
            for (x, (y1, y2)) in at[0].iter_mut().zip(y1.iter().zip(y2)) {
                *x = *x * pivot - c1 * y1 - c2 * y2;
            }
        }
    }

    /// Solves `(A - shift) x = b` in place.
    ///
    /// # Shapes
    /// `x`: `n`, holds `b` on entry.
    pub fn solve(&self, x: &mut [f64]) {
        let n = x.len();
        let (mut y1, mut y2) = (0.0, 0.0);
        for i in 0..n {
            let y = x[i] - self.l1[i] * y1 - self.l2[i] * y2;
            x[i] = y * self.inverse_pivot[i];
            (y2, y1) = (y1, y);
        }
        for i in (0..n).rev() {
            let ahead1 = if i + 1 < n { self.l1[i + 1] * x[i + 1] } else { 0.0 };
            let ahead2 = if i + 2 < n { self.l2[i + 2] * x[i + 2] } else { 0.0 };
            x[i] -= ahead1 + ahead2;
        }
    }
}

/// Banded LU with partial pivoting of `A - shift` with row and column `pinned` replaced by the identity's.
///
/// For an eigenvalue `shift` of `A` with eigenvector `phi`, pinning a point where `phi` is not small leaves a regular
/// matrix: the bordered system of the eigenpair's derivative costs one banded solve.
#[derive(Clone, Debug)]
pub struct BandedLu {
    /// Row `i` of `U`: entries at columns `i .. i + 5`.
    upper: Vec<[f64; 5]>,
    /// Multipliers of the two rows below pivot `i`, after the exchanges.
    lower: Vec<[f64; 2]>,
    /// Row exchanged with row `i` when it was the pivot row: `i + exchange`.
    exchange: Vec<u8>,
    pinned: usize,
}

impl BandedLu {
    /// Factorises. A pivot that vanishes is replaced by a tiny one, so that a solve with an exactly singular matrix
    /// gives the null vector's direction, as in inverse iteration.
    pub fn pinned(a: &Pentadiagonal, shift: f64, pinned: usize) -> Self {
        let n = a.len();
        let entry = |i: usize, j: usize| -> f64 {
            if i >= n || j >= n {
                return 0.0;
            }
            if i == pinned || j == pinned {
                return if i == j { 1.0 } else { 0.0 };
            }
            match i.abs_diff(j) {
                0 => a.diagonal[i] - shift,
                1 => a.first,
                2 => a.second,
                _ => 0.0,
            }
        };
        // rows i, i+1, i+2 at columns i .. i+5, in elimination order
        let row =
            |i: usize, from: usize| -> [f64; 5] { std::array::from_fn(|k| entry(i, from + k)) };
        let mut window = [row(0, 0), row(1, 0), row(2, 0)];
        let tiny = f64::EPSILON * (a.first.abs() + a.second.abs()).max(f64::MIN_POSITIVE);
        let mut lu = Self {
            upper: Vec::with_capacity(n),
            lower: Vec::with_capacity(n),
            exchange: Vec::with_capacity(n),
            pinned,
        };
        for i in 0..n {
            let pick =
                (0..3).fold(0, |p, r| if window[r][0].abs() > window[p][0].abs() { r } else { p });
            window.swap(0, pick);
            if window[0][0].abs() < tiny {
                window[0][0] = tiny;
            }
            let top = window[0];
            let multipliers = [window[1][0] / top[0], window[2][0] / top[0]];
            let shifted = |r: usize, m: f64| -> [f64; 5] {
                std::array::from_fn(|k| if k < 4 { window[r][k + 1] - m * top[k + 1] } else { 0.0 })
            };
            let next = [shifted(1, multipliers[0]), shifted(2, multipliers[1]), row(i + 3, i + 1)];
            lu.upper.push(top);
            lu.lower.push(multipliers);
            lu.exchange.push(u8::try_from(pick).unwrap_or(0));
            window = next;
        }
        lu
    }

    /// Solves in place; the pinned entry of the solution is zero.
    ///
    /// # Shapes
    /// `x`: `n`, holds the right-hand side on entry.
    pub fn solve(&self, x: &mut [f64]) {
        let n = x.len();
        x[self.pinned] = 0.0;
        for i in 0..n {
            x.swap(i, i + usize::from(self.exchange[i]));
            for (k, m) in self.lower[i].iter().enumerate() {
                if i + 1 + k < n {
                    x[i + 1 + k] -= m * x[i];
                }
            }
        }
        for i in (0..n).rev() {
            let mut y = x[i];
            for k in 1..5.min(n - i) {
                y -= self.upper[i][k] * x[i + k];
            }
            x[i] = y / self.upper[i][0];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{BandedLu, Pentadiagonal};

    fn matrix(n: usize) -> Pentadiagonal {
        let diagonal = (0..n).map(|i| 2.6 + (1.7 * i as f64).sin()).collect();
        Pentadiagonal { diagonal, first: -4.0 / 3.0, second: 1.0 / 12.0 }
    }

    fn residual(a: &Pentadiagonal, shift: f64, x: &[f64], b: &[f64]) -> Vec<f64> {
        let mut y = vec![0.0; x.len()];
        a.apply(x, &mut y);
        (0..x.len()).map(|i| y[i] - shift * x[i] - b[i]).collect()
    }

    #[test]
    fn ldl_solves_a_definite_matrix() {
        let a = matrix(60);
        let b: Vec<f64> = (0..60).map(|i| (0.3 * f64::from(i)).cos()).collect();
        let factor = a.ldl(-3.0);
        assert_eq!(factor.negative_pivots(), 0);
        let mut x = b.clone();
        factor.solve(&mut x);
        assert!(residual(&a, -3.0, &x, &b).iter().all(|r| r.abs() < 1e-13));
    }

    #[test]
    fn rows_are_solved_together_as_one_by_one() {
        let n = 20;
        let factor = matrix(n).ldl(-3.0);
        let row =
            |i: usize| -> Vec<f64> { (0..n).map(|j| (0.7 * (3 * j + i) as f64).sin()).collect() };
        let mut x: Vec<[f64; 3]> = (0..n).map(|j| [0, 1, 2].map(|i| row(i)[j])).collect();
        factor.solve_rows(&mut x);
        for i in 0..3 {
            let mut alone = row(i);
            factor.solve(&mut alone);
            assert!(alone.iter().zip(&x).all(|(a, b)| (a - b[i]).abs() < 1e-14));
        }
    }

    #[test]
    fn negative_pivots_count_eigenvalues_below_the_shift() {
        let a = matrix(40);
        let dense = faer::Mat::from_fn(40, 40, |i, j| match i.abs_diff(j) {
            0 => a.diagonal[i],
            1 => a.first,
            2 => a.second,
            _ => 0.0,
        });
        let values = dense.self_adjoint_eigenvalues(faer::Side::Lower).unwrap();
        for shift in [-1.0, 0.4, 1.3, 2.6, 3.9, 7.0] {
            let below = values.iter().filter(|v| **v < shift).count();
            assert_eq!(a.ldl(shift).negative_pivots(), below, "shift {shift}");
        }
    }

    #[test]
    fn pinned_lu_solves_an_indefinite_matrix_outside_the_pinned_row() {
        let a = matrix(60);
        let mut b: Vec<f64> = (0..60).map(|i| (0.3 * f64::from(i)).cos()).collect();
        for (shift, pinned) in [(2.0, 31), (3.3, 0), (0.9, 59), (1.1, 1)] {
            let mut x = b.clone();
            BandedLu::pinned(&a, shift, pinned).solve(&mut x);
            assert_eq!(x[pinned], 0.0);
            let r = residual(&a, shift, &x, &b);
            for (i, r) in r.iter().enumerate() {
                assert!(i == pinned || r.abs() < 1e-11, "shift {shift} row {i}: {r}");
            }
        }
        b[0] = 0.0;
        assert!(b[1] > 0.0);
    }
}
