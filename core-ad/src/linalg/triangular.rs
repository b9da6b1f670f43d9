//! Triangular systems over any scalar.

use std::convert::Infallible;

use faer::linalg::triangular_solve::{
    solve_lower_triangular_in_place, solve_upper_triangular_in_place,
};
use faer::{MatMut, MatRef, Par};

use super::matrix::{Matrix, unpack};
use crate::real::Real;
use crate::rule::SliceRule;

/// Which triangle of a matrix is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Triangle {
    /// `j <= i`.
    Lower,
    /// `j >= i`.
    Upper,
    /// The transpose of what stands in `j <= i`.
    LowerTransposed,
    /// The transpose of what stands in `j >= i`.
    UpperTransposed,
}

impl Triangle {
    /// Whether what stands in the matrix is used transposed, and whether rows are solved from the first on.
    fn transposed_and_forward(self) -> (bool, bool) {
        match self {
            Self::Lower => (false, true),
            Self::Upper => (false, false),
            Self::LowerTransposed => (true, false),
            Self::UpperTransposed => (true, true),
        }
    }

    fn transpose(self) -> Self {
        match self {
            Self::Lower => Self::LowerTransposed,
            Self::Upper => Self::UpperTransposed,
            Self::LowerTransposed => Self::Lower,
            Self::UpperTransposed => Self::Upper,
        }
    }

    /// Whether entry `(i, j)` of the matrix is read.
    fn reads(self, i: usize, j: usize) -> bool {
        match self {
            Self::Lower | Self::LowerTransposed => j <= i,
            Self::Upper | Self::UpperTransposed => j >= i,
        }
    }
}

/// Multiplications from which on a solve is one rule; fewer are plain arithmetic.
const SMALL_SOLVE: usize = 512;

/// `X = op(T)^-1 B`, with `T: n x n` and `B: n x m`.
#[derive(Clone, Debug)]
struct TriangularSolve {
    n: usize,
    m: usize,
    triangle: Triangle,
}

impl TriangularSolve {
    fn split<R: Copy>(&self, x: &[R]) -> [Matrix<R>; 2] {
        unpack(x, [(self.n, self.n), (self.n, self.m)])
    }

    /// The part of a matrix that is read; zeros elsewhere.
    fn part<R: Real>(&self, a: &Matrix<R>) -> Matrix<R> {
        let entry = |i, j| if self.triangle.reads(i, j) { a[(i, j)] } else { R::lit(0.0) };
        Matrix::from_fn(self.n, self.n, entry)
    }
}

impl SliceRule for TriangularSolve {
    type Error = Infallible;

    fn primal(&self, x: &[f64]) -> Result<Vec<f64>, Infallible> {
        let (n, m) = (self.n, self.m);
        let (t, b) = x.split_at(n * n);
        let mut found = b.to_vec();
        let (t, rhs) = (
            MatRef::from_row_major_slice(t, n, n),
            MatMut::from_row_major_slice_mut(&mut found, n, m),
        );
        let (transposed, forward) = self.triangle.transposed_and_forward();
        let t = if transposed { t.transpose() } else { t };
        if forward {
            solve_lower_triangular_in_place(t, rhs, Par::Seq);
        } else {
            solve_upper_triangular_in_place(t, rhs, Par::Seq);
        }
        Ok(found)
    }

    fn jvp<R: Real>(&self, x: &[R], y: &[R], x_dot: &[R]) -> Result<Vec<R>, Infallible> {
        let ([t, _], [t_dot, b_dot]) = (self.split(x), self.split(x_dot));
        if t_dot.is_zero() {
            return Ok(solve_triangular(&t, self.triangle, &b_dot).into_data());
        }
        let moved = self.part(&t_dot);
        let (transposed, _) = self.triangle.transposed_and_forward();
        let moved = if transposed { moved.transpose() } else { moved };
        let right = &b_dot - &moved.matmul(&Matrix::new(self.n, self.m, y.to_vec()));
        Ok(solve_triangular(&t, self.triangle, &right).into_data())
    }

    fn vjp<R: Real>(&self, x: &[R], y: &[R], y_bar: &[R]) -> Result<Vec<R>, Infallible> {
        let [t, _] = self.split(x);
        let [y, y_bar] = [y, y_bar].map(|v| Matrix::new(self.n, self.m, v.to_vec()));
        let b_bar = solve_triangular(&t, self.triangle.transpose(), &y_bar);
        let (transposed, _) = self.triangle.transposed_and_forward();
        let outer =
            if transposed { y.matmul(&b_bar.transpose()) } else { b_bar.matmul(&y.transpose()) };
        Ok([(-&self.part(&outer)).into_data(), b_bar.into_data()].concat())
    }
}

/// `T^-1 B`; the other triangle is not read. Small systems are solved in `R`'s own arithmetic, larger ones by one rule.
///
/// # Panics
/// Where the shapes do not fit. A zero on the diagonal gives infinities, as division does.
pub fn solve_triangular<R: Real>(t: &Matrix<R>, triangle: Triangle, b: &Matrix<R>) -> Matrix<R> {
    let (n, m) = (t.rows(), b.cols());
    assert!(t.cols() == n && b.rows() == n, "T square, as many rows in B");
    if n * n * m >= SMALL_SOLVE {
        let rule = TriangularSolve { n, m, triangle };
        let Ok(x) = R::slice_rule(&rule, &[t.data(), b.data()].concat());
        return Matrix::new(n, m, x);
    }
    let (transposed, forward) = triangle.transposed_and_forward();
    let mut x = b.clone();
    for step in 0..n {
        let i = if forward { step } else { n - 1 - step };
        let mut row = x.row(i).to_vec();
        let known = if forward { 0..i } else { i + 1..n };
        for k in known {
            let factor = if transposed { t[(k, i)] } else { t[(i, k)] };
            row.iter_mut().zip(x.row(k)).for_each(|(r, x)| *r -= factor * *x);
        }
        let pivot = t[(i, i)];
        x.row_mut(i).iter_mut().zip(row).for_each(|(x, r)| *x = r / pivot);
    }
    x
}

/// The transpose of `T^-1 X T^-T`, which is the same where `X` is symmetric; `T` is row-major, with the triangle that is read.
pub(super) fn congruence<R: Real>(t: &[R], triangle: Triangle, x: Matrix<R>) -> Matrix<R> {
    let n = x.rows();
    if n * n * n < SMALL_SOLVE {
        let t = Matrix::new(n, n, t.to_vec());
        let half = solve_triangular(&t, triangle, &x);
        return solve_triangular(&t, triangle, &half.transpose());
    }
    // both solves read the same buffer: the memory that a large one touches would cost as much as its arithmetic
    let rule = TriangularSolve { n, m: n, triangle };
    let mut inputs = [t, x.data()].concat();
    drop(x);
    let Ok(half) = R::slice_rule(&rule, &inputs);
    let right = &mut inputs[n * n..];
    for (i, row) in half.chunks(n).enumerate() {
        row.iter().enumerate().for_each(|(j, entry)| right[j * n + i] = *entry);
    }
    drop(half);
    let Ok(whole) = R::slice_rule(&rule, &inputs);
    Matrix::new(n, n, whole)
}
