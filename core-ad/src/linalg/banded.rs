//! Banded systems.

use super::matrix::Matrix;
use super::{LinalgError, check_finite, check_pivot, check_shape};
use crate::real::{Num, Real};
use crate::rule::SliceRule;

/// A square matrix with `lower` diagonals below and `upper` above the main one.
///
/// Row-major by band: `bands[(i, k)] = a_(i, i + k - lower)`. What sticks out of the matrix is not read.
#[derive(Clone, Debug)]
pub struct Banded<R> {
    lower: usize,
    upper: usize,
    bands: Matrix<R>,
}

impl<R: Num> Banded<R> {
    /// From its bands, `n x (lower + 1 + upper)`.
    ///
    /// # Panics
    /// Where the width is another.
    pub fn new(lower: usize, upper: usize, bands: Matrix<R>) -> Self {
        assert_eq!(bands.cols(), lower + 1 + upper, "one column a diagonal");
        Self { lower, upper, bands }
    }

    /// `a_ij = f(i, j)` within the band of an `n x n` matrix.
    pub fn from_fn(n: usize, lower: usize, upper: usize, f: impl Fn(usize, usize) -> R) -> Self {
        let entry = |i: usize, k: usize| match (i + k).checked_sub(lower) {
            Some(j) if j < n => f(i, j),
            _ => R::lit(0.0),
        };
        Self { lower, upper, bands: Matrix::from_fn(n, lower + 1 + upper, entry) }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.bands.rows()
    }

    /// The bands.
    pub fn bands(&self) -> &Matrix<R> {
        &self.bands
    }

    /// `a_ij`, zero outside of the band.
    pub fn get(&self, i: usize, j: usize) -> R {
        match (j + self.lower).checked_sub(i) {
            Some(k) if k < self.bands.cols() => self.bands[(i, k)],
            _ => R::lit(0.0),
        }
    }

    /// `A^T`.
    pub fn transpose(&self) -> Self {
        Self::from_fn(self.rows(), self.upper, self.lower, |i, j| self.get(j, i))
    }

    /// Columns of row `i` within the band.
    fn columns(&self, i: usize) -> std::ops::Range<usize> {
        i.saturating_sub(self.lower)..(i + self.upper + 1).min(self.rows())
    }

    /// `A X`.
    ///
    /// # Panics
    /// Where `X` has other rows.
    pub fn matmul(&self, x: &Matrix<R>) -> Matrix<R> {
        assert_eq!(self.rows(), x.rows(), "A X: columns of A and rows of X");
        Matrix::from_fn(x.rows(), x.cols(), |i, c| {
            self.columns(i).fold(R::lit(0.0), |s, j| s + self.get(i, j) * x[(j, c)])
        })
    }
}

/// Gaussian elimination with partial pivoting in place; `b` becomes the solution.
fn eliminate(a: &Banded<f64>, b: &mut Matrix<f64>) -> Result<(), LinalgError> {
    let (n, width) = (a.rows(), 2 * a.lower + a.upper + 1);
    // row i of the work array starts at column start[i]
    let mut start: Vec<usize> = (0..n).map(|i| i.saturating_sub(a.lower)).collect();
    let mut work = Matrix::from_fn(n, width, |i, k| {
        let j = i.saturating_sub(a.lower) + k;
        if j < n { a.get(i, j) } else { 0.0 }
    });
    let sizes: Vec<f64> =
        (0..n).map(|i| work.row(i).iter().fold(0.0, |s, v| f64::max(s, v.abs()))).collect();
    let mut size = sizes.clone();
    for k in 0..n {
        let last = (k + a.lower + 1).min(n);
        let at = |work: &Matrix<f64>, start: &[usize], i: usize| work[(i, k - start[i])];
        let pivot = (k..last).fold(k, |best, i| {
            if at(&work, &start, i).abs() > at(&work, &start, best).abs() { i } else { best }
        });
        let ratio = at(&work, &start, pivot).abs() / size[pivot];
        check_pivot(k, ratio, n)?;
        if pivot != k {
            swap_rows(&mut work, k, pivot);
            swap_rows(b, k, pivot);
            start.swap(k, pivot);
            size.swap(k, pivot);
        }
        let top = work.row(k)[k - start[k]..].to_vec();
        let right = b.row(k).to_vec();
        for i in k + 1..last {
            let factor = at(&work, &start, i) / top[0];
            // what is left of the row starts at the next column
            let mut left = work.row(i)[k - start[i] + 1..].to_vec();
            left.resize(width, 0.0);
            left.iter_mut().zip(&top[1..]).for_each(|(r, t)| *r -= factor * t);
            work.row_mut(i).copy_from_slice(&left);
            start[i] = k + 1;
            b.row_mut(i).iter_mut().zip(&right).for_each(|(r, t)| *r -= factor * t);
        }
    }
    for k in (0..n).rev() {
        let mut row = b.row(k).to_vec();
        let from = k - start[k];
        for j in k + 1..(start[k] + width).min(n) {
            let factor = work[(k, j - start[k])];
            row.iter_mut().zip(b.row(j)).for_each(|(r, x)| *r -= factor * x);
        }
        b.row_mut(k).iter_mut().zip(row).for_each(|(b, r)| *b = r / work[(k, from)]);
    }
    Ok(())
}

fn swap_rows(a: &mut Matrix<f64>, i: usize, j: usize) {
    let kept = a.row(i).to_vec();
    let other = a.row(j).to_vec();
    a.row_mut(i).copy_from_slice(&other);
    a.row_mut(j).copy_from_slice(&kept);
}

#[derive(Clone, Debug)]
struct SolveBanded {
    n: usize,
    m: usize,
    lower: usize,
    upper: usize,
}

impl SolveBanded {
    fn split<R: Real>(&self, x: &[R]) -> (Banded<R>, Matrix<R>) {
        let width = self.lower + 1 + self.upper;
        let (bands, b) = x.split_at(self.n * width);
        let bands = Matrix::new(self.n, width, bands.to_vec());
        (Banded { lower: self.lower, upper: self.upper, bands }, self.right(b))
    }

    fn right<R: Real>(&self, b: &[R]) -> Matrix<R> {
        Matrix::new(self.n, self.m, b.to_vec())
    }
}

impl SliceRule for SolveBanded {
    type Error = LinalgError;

    fn primal(&self, x: &[f64]) -> Result<Vec<f64>, LinalgError> {
        check_finite(x)?;
        let (a, mut b) = self.split(x);
        eliminate(&a, &mut b)?;
        Ok(b.into_data())
    }

    fn jvp<R: Real>(&self, x: &[R], y: &[R], x_dot: &[R]) -> Result<Vec<R>, LinalgError> {
        let ((a, _), (a_dot, b_dot)) = (self.split(x), self.split(x_dot));
        let right = &b_dot - &a_dot.matmul(&self.right(y));
        Ok(solve_banded(&a, &right)?.into_data())
    }

    fn vjp<R: Real>(&self, x: &[R], y: &[R], y_bar: &[R]) -> Result<Vec<R>, LinalgError> {
        let (a, _) = self.split(x);
        let y = self.right(y);
        let b_bar = solve_banded(&a.transpose(), &self.right(y_bar))?;
        let outer = |i: usize, j: usize| -super::dot(b_bar.row(i), y.row(j));
        let a_bar = Banded::from_fn(self.n, self.lower, self.upper, outer);
        Ok([a_bar.bands.into_data(), b_bar.into_data()].concat())
    }
}

/// `A^-1 B` for a banded `A`, in `O(n (lower + upper)^2)`; its derivative costs as much again.
///
/// # Errors
/// [`LinalgError::Singular`], shapes, entries that are not finite.
pub fn solve_banded<R: Real>(a: &Banded<R>, b: &Matrix<R>) -> Result<Matrix<R>, LinalgError> {
    check_shape("rows of the right side", a.rows(), b.rows())?;
    let rule = SolveBanded { n: a.rows(), m: b.cols(), lower: a.lower, upper: a.upper };
    // what sticks out of the matrix must not spoil the check for NaN
    let inside = Banded::from_fn(a.rows(), a.lower, a.upper, |i, j| a.get(i, j));
    let x = R::slice_rule(&rule, &[inside.bands.data(), b.data()].concat())?;
    Ok(Matrix::new(b.rows(), b.cols(), x))
}
