//! Triangular systems over any scalar.

use super::matrix::Matrix;
use crate::real::Real;

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

/// `T^-1 B` by substitution, in `R`'s own arithmetic. The other triangle is not read.
///
/// # Panics
/// Where the shapes do not fit. A zero on the diagonal gives infinities, as division does.
pub fn solve_triangular<R: Real>(t: &Matrix<R>, triangle: Triangle, b: &Matrix<R>) -> Matrix<R> {
    let n = t.rows();
    assert!(t.cols() == n && b.rows() == n, "T square, as many rows in B");
    let (transposed, forward) = match triangle {
        Triangle::Lower => (false, true),
        Triangle::Upper => (false, false),
        Triangle::LowerTransposed => (true, false),
        Triangle::UpperTransposed => (true, true),
    };
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
