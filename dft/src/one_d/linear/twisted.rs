//! `L D L^T` of a pentadiagonal matrix from both ends towards a twist.
//!
//! Rows are eliminated from the first downwards and from the last upwards until rows `r` and `r + 1` are left, whose Schur
//! complement `S` (2 x 2) closes the factorisation. No pivots are exchanged. With `r` where an eigenvector is large and the
//! shift near its eigenvalue, only `S` is nearly singular, where a one-sided factorisation would have a tiny pivot on its way
//! (Parlett & Dhillon, Linear Algebra Appl. 267, 247 (1997), for tridiagonal matrices). The two chains of dependent arithmetic
//! run beside each other, which halves the time.
//!
//! An unlucky shift makes a leading block singular; then the solution is inaccurate, and whoever solves looks at the residual.

use crate::one_d::linear::banded::Pentadiagonal;

/// `A - shift`, factorised.
#[derive(Clone, Debug)]
pub(in crate::one_d) struct Twisted {
    /// Of each eliminated row: what it takes from the next row towards the twist and from the one after, and `1/pivot`.
    rows: Vec<[f64; 3]>,
    /// First row of the block that is left.
    twist: usize,
    /// `S_rr`, `S_r,r+1`, `S_r+1,r+1`.
    schur: [f64; 3],
    negative: usize,
    tiny: f64,
}

/// Elimination from one end.
struct Arm {
    first: f64,
    second: f64,
    tiny: f64,
    /// Coupling of the last row to the next, after what came before it.
    coupling: f64,
    /// Multipliers of the last row; `far` also of the row before it.
    near: f64,
    far: [f64; 2],
    negative: usize,
}

impl Arm {
    fn new(a: &Pentadiagonal, tiny: f64) -> Self {
        let (first, second) = (a.first, a.second);
        Self { first, second, tiny, coupling: 0.0, near: 0.0, far: [0.0; 2], negative: 0 }
    }

    /// What the rows so far take from the diagonal of the next.
    fn taken(&self) -> f64 {
        self.coupling * self.near + self.second * self.far[0]
    }

    fn eliminate(&mut self, diagonal: f64) -> [f64; 3] {
        let mut pivot = diagonal - self.taken();
        if pivot.abs() < self.tiny {
            pivot = -self.tiny; // an eigenvalue of a leading block: count it as below
        }
        self.negative += usize::from(pivot < 0.0);
        let inverse = 1.0 / pivot;
        self.coupling = self.first - self.second * self.near;
        self.near = self.coupling * inverse;
        self.far = [self.far[1], self.second * inverse];
        [self.near, self.far[1], inverse]
    }
}

impl Twisted {
    /// Factorises `a - shift` with the block at rows `twist` and `twist + 1`; the last two rows where there is no such row.
    pub(in crate::one_d) fn new(a: &Pentadiagonal, shift: f64, twist: usize) -> Self {
        let (n, d) = (a.len(), &a.diagonal);
        let twist = twist.min(n - 2);
        let tiny = f64::EPSILON * (a.first.abs() + a.second.abs()).max(f64::MIN_POSITIVE);
        let mut rows = vec![[0.0; 3]; n];
        let (mut top, mut bottom) = (Arm::new(a, tiny), Arm::new(a, tiny));
        let (above, below) = (twist, n - 2 - twist);
        let both = above.min(below);
        for i in 0..above - both {
            rows[i] = top.eliminate(d[i] - shift);
        }
        for i in (n - (below - both)..n).rev() {
            rows[i] = bottom.eliminate(d[i] - shift);
        }
        let (upper, lower) = (above - both, twist + 2 + both);
        for j in 0..both {
            let (i, k) = (upper + j, lower - 1 - j);
            rows[i] = top.eliminate(d[i] - shift);
            rows[k] = bottom.eliminate(d[k] - shift);
        }
        let schur = [
            d[twist] - shift - top.taken() - a.second * bottom.far[1],
            a.first - a.second * (top.near + bottom.near),
            d[twist + 1] - shift - bottom.taken() - a.second * top.far[1],
        ];
        let [p, q, s] = schur;
        let determinant = p * s - q * q;
        let of_block = match (determinant > 0.0, p + s > 0.0) {
            (true, true) => 0,
            (true, false) => 2,
            (false, _) => 1,
        };
        let negative = top.negative + bottom.negative + of_block;
        Self { rows, twist, schur, negative, tiny }
    }

    /// Number of eigenvalues below the shift (Sylvester).
    pub(in crate::one_d) fn negative_pivots(&self) -> usize {
        self.negative
    }

    /// Solves `(A - shift) x = b` in place. Of a singular matrix the solution is large, along the null vector.
    ///
    /// # Shapes
    /// `x`: `n`, holds `b` on entry.
    pub(in crate::one_d) fn solve(&self, x: &mut [f64]) {
        let [g, h] = self.towards_the_twist(x);
        let [p, q, s] = self.schur;
        let regular = |pivot: f64| if pivot.abs() < self.tiny { self.tiny } else { pivot };
        // elimination with the larger pivot first
        let (y, z);
        if p.abs() >= q.abs() {
            let m = q / regular(p);
            z = (h - m * g) / regular(s - m * q);
            y = (g - q * z) / regular(p);
        } else {
            let m = p / q;
            z = (g - m * h) / regular(q - m * s);
            y = (h - s * z) / q;
        }
        self.away_from_the_twist(x, [y, z]);
    }

    /// Solves in place with unknown and equation of the twist row left out: `x_r = 0`. For a shift that is an eigenvalue, with
    /// `b` orthogonal to its eigenvector, this is a solution of all equations.
    pub(in crate::one_d) fn solve_pinned(&self, x: &mut [f64]) {
        let [_, h] = self.towards_the_twist(x);
        let pivot = self.schur[2];
        let pivot = if pivot.abs() < self.tiny { self.tiny } else { pivot };
        self.away_from_the_twist(x, [0.0, h / pivot]);
    }

    /// Forward substitution; the right-hand side of the block.
    fn towards_the_twist(&self, x: &mut [f64]) -> [f64; 2] {
        let (n, r, rows) = (x.len(), self.twist, &self.rows);
        let x = &mut x[..rows.len()];
        let (above, below) = (r, n - 2 - r);
        let both = above.min(below);
        // what the last two rows of each arm take from the next row, and from the one after that
        let (mut top, mut bottom) = ([0.0; 2], [0.0; 2]);
        let pass = |x: &mut f64, row: &[f64; 3], taken: &mut [f64; 2]| {
            let y = *x - taken[0];
            *x = y;
            *taken = [taken[1] + row[0] * y, row[1] * y];
        };
        for i in 0..above - both {
            pass(&mut x[i], &rows[i], &mut top);
        }
        for i in (n - (below - both)..n).rev() {
            pass(&mut x[i], &rows[i], &mut bottom);
        }
        let (upper, lower) = (above - both, r + 2 + both);
        for j in 0..both {
            let (i, k) = (upper + j, lower - 1 - j);
            pass(&mut x[i], &rows[i], &mut top);
            pass(&mut x[k], &rows[k], &mut bottom);
        }
        [x[r] - top[0] - bottom[1], x[r + 1] - top[1] - bottom[0]]
    }

    /// Backward substitution from the block's solution.
    fn away_from_the_twist(&self, x: &mut [f64], [y, z]: [f64; 2]) {
        let (n, r, rows) = (x.len(), self.twist, &self.rows);
        let x = &mut x[..rows.len()];
        (x[r], x[r + 1]) = (y, z);
        let (above, below) = (r, n - 2 - r);
        let both = above.min(below);
        let (mut top, mut bottom) = ([y, z], [z, y]);
        let pass = |x: &mut f64, row: &[f64; 3], known: &mut [f64; 2]| {
            let value = *x * row[2] - row[1] * known[1] - row[0] * known[0];
            *x = value;
            *known = [value, known[0]];
        };
        for j in 0..both {
            let (i, k) = (r - 1 - j, r + 2 + j);
            pass(&mut x[i], &rows[i], &mut top);
            pass(&mut x[k], &rows[k], &mut bottom);
        }
        for i in (0..above - both).rev() {
            pass(&mut x[i], &rows[i], &mut top);
        }
        for i in n - (below - both)..n {
            pass(&mut x[i], &rows[i], &mut bottom);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Twisted;
    use crate::one_d::linear::banded::Pentadiagonal;

    fn matrix(n: usize) -> Pentadiagonal {
        let diagonal = (0..n).map(|i| 2.6 + (1.7 * i as f64).sin()).collect();
        Pentadiagonal { diagonal, first: -4.0 / 3.0, second: 1.0 / 12.0 }
    }

    #[test]
    fn it_solves_and_counts_whatever_the_twist() {
        for n in [7, 40] {
            let a = matrix(n);
            let b: Vec<f64> = (0..n).map(|i| (0.3 * i as f64).cos()).collect();
            for twist in 0..n {
                for shift in [-3.0, 0.4, 1.3, 2.63, 3.9, 7.0] {
                    let factor = Twisted::new(&a, shift, twist);
                    assert_eq!(factor.negative_pivots(), a.ldl(shift).negative_pivots());
                    let (mut x, mut image) = (b.clone(), vec![0.0; n]);
                    factor.solve(&mut x);
                    a.apply(&x, &mut image);
                    let size = x.iter().fold(1.0, |m: f64, x| m.max(x.abs()));
                    for i in 0..n {
                        let residual = image[i] - shift * x[i] - b[i];
                        assert!(residual.abs() < 1e-10 * size, "{n} {twist} {shift}: {residual}");
                    }
                }
            }
        }
    }

    #[test]
    fn pinned_it_solves_all_equations_but_that_of_the_twist() {
        let (n, shift) = (40, 1.3);
        let a = matrix(n);
        let b: Vec<f64> = (0..n).map(|i| (0.3 * i as f64).cos()).collect();
        for twist in 0..n - 1 {
            let (mut x, mut image) = (b.clone(), vec![0.0; n]);
            Twisted::new(&a, shift, twist).solve_pinned(&mut x);
            assert_eq!(x[twist], 0.0);
            a.apply(&x, &mut image);
            let size = x.iter().fold(1.0, |m: f64, x| m.max(x.abs()));
            for i in (0..n).filter(|i| *i != twist) {
                let residual = image[i] - shift * x[i] - b[i];
                assert!(residual.abs() < 1e-10 * size, "{twist} {i}: {residual}");
            }
        }
    }
}
