//! Banded systems.

use super::factor::Cache;
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

/// LU factors of a banded matrix with partial pivoting.
#[derive(Debug)]
struct BandLu {
    /// Rows of `U`, each from its diagonal on.
    upper: Matrix<f64>,
    /// Multipliers of the rows below each pivot, in the order after its exchange.
    lower: Matrix<f64>,
    /// The row that each pivot's row was exchanged with.
    exchanged: Vec<usize>,
}

impl BandLu {
    fn new(a: &Banded<f64>) -> Result<Self, LinalgError> {
        check_finite(a.bands.data())?;
        let (n, width) = (a.rows(), a.lower + a.upper + 1 + a.lower);
        // row i of the work array starts at column start[i]
        let mut start: Vec<usize> = (0..n).map(|i| i.saturating_sub(a.lower)).collect();
        let mut work = Matrix::from_fn(n, width, |i, k| {
            let j = i.saturating_sub(a.lower) + k;
            if j < n { a.get(i, j) } else { 0.0 }
        });
        let mut size: Vec<f64> =
            (0..n).map(|i| work.row(i).iter().fold(0.0, |s, v| f64::max(s, v.abs()))).collect();
        let mut lower = Matrix::zeros(n, a.lower);
        let mut exchanged = Vec::with_capacity(n);
        for k in 0..n {
            let last = (k + a.lower + 1).min(n);
            // in units of the row, as in `elimination`
            let candidate = |i: usize| work[(i, k - start[i])].abs() / size[i];
            let pivot =
                (k..last).fold(k, |best, i| if candidate(i) > candidate(best) { i } else { best });
            check_pivot(k, candidate(pivot), n)?;
            exchanged.push(pivot);
            if pivot != k {
                swap_rows(&mut work, k, pivot);
                start.swap(k, pivot);
                size.swap(k, pivot);
            }
            let mut top = work.row(k)[k - start[k]..].to_vec();
            top.resize(width, 0.0);
            for i in k + 1..last {
                let factor = work[(i, k - start[i])] / top[0];
                // what is left of the row starts at the next column
                let mut left = work.row(i)[k - start[i] + 1..].to_vec();
                left.resize(width, 0.0);
                left.iter_mut().zip(&top[1..]).for_each(|(r, t)| *r -= factor * t);
                work.row_mut(i).copy_from_slice(&left);
                start[i] = k + 1;
                lower[(k, i - k - 1)] = factor;
            }
            work.row_mut(k).copy_from_slice(&top);
        }
        Ok(Self { upper: work, lower, exchanged })
    }

    /// `A^-1 B` in place.
    fn solve(&self, b: &mut Matrix<f64>) {
        let (n, width) = (self.exchanged.len(), self.upper.cols());
        for k in 0..n {
            if self.exchanged[k] != k {
                swap_rows(b, k, self.exchanged[k]);
            }
            let right = b.row(k).to_vec();
            for i in k + 1..(k + 1 + self.lower.cols()).min(n) {
                let factor = self.lower[(k, i - k - 1)];
                b.row_mut(i).iter_mut().zip(&right).for_each(|(r, t)| *r -= factor * t);
            }
        }
        for k in (0..n).rev() {
            let mut row = b.row(k).to_vec();
            for j in k + 1..(k + width).min(n) {
                let factor = self.upper[(k, j - k)];
                row.iter_mut().zip(b.row(j)).for_each(|(r, x)| *r -= factor * x);
            }
            let pivot = self.upper[(k, 0)];
            b.row_mut(k).iter_mut().zip(row).for_each(|(b, r)| *b = r / pivot);
        }
    }

    /// `A^-T B` in place.
    fn solve_transposed(&self, b: &mut Matrix<f64>) {
        let (n, width) = (self.exchanged.len(), self.upper.cols());
        for k in 0..n {
            let pivot = self.upper[(k, 0)];
            b.row_mut(k).iter_mut().for_each(|b| *b /= pivot);
            let known = b.row(k).to_vec();
            for j in k + 1..(k + width).min(n) {
                let factor = self.upper[(k, j - k)];
                b.row_mut(j).iter_mut().zip(&known).for_each(|(r, x)| *r -= factor * x);
            }
        }
        for k in (0..n).rev() {
            let mut row = b.row(k).to_vec();
            for i in k + 1..(k + 1 + self.lower.cols()).min(n) {
                let factor = self.lower[(k, i - k - 1)];
                row.iter_mut().zip(b.row(i)).for_each(|(r, x)| *r -= factor * x);
            }
            b.row_mut(k).copy_from_slice(&row);
            if self.exchanged[k] != k {
                swap_rows(b, k, self.exchanged[k]);
            }
        }
    }
}

fn swap_rows(a: &mut Matrix<f64>, i: usize, j: usize) {
    let kept = a.row(i).to_vec();
    let other = a.row(j).to_vec();
    a.row_mut(i).copy_from_slice(&other);
    a.row_mut(j).copy_from_slice(&kept);
}

/// `(bands, B) -> A^-1 B`, or `A^-T B`.
#[derive(Clone, Debug)]
struct SolveBanded {
    n: usize,
    m: usize,
    lower: usize,
    upper: usize,
    transposed: bool,
    cache: Cache<BandLu>,
}

impl SolveBanded {
    fn new<R: Num>(a: &Banded<R>) -> Self {
        let (n, lower, upper) = (a.bands.rows(), a.lower, a.upper);
        Self { n, m: 1, lower, upper, transposed: false, cache: Cache::default() }
    }

    fn split<R: Real>(&self, x: &[R]) -> (Banded<R>, Matrix<R>) {
        let width = self.lower + 1 + self.upper;
        let (bands, b) = x.split_at(self.n * width);
        let bands = Matrix::new(self.n, width, bands.to_vec());
        (Banded { lower: self.lower, upper: self.upper, bands }, self.right(b))
    }

    fn right<R: Real>(&self, b: &[R]) -> Matrix<R> {
        Matrix::new(self.n, self.m, b.to_vec())
    }

    /// The same matrix, or its transpose, with another right side.
    fn again<R: Real>(
        &self,
        transposed: bool,
        a: &Banded<R>,
        b: &Matrix<R>,
    ) -> Result<Matrix<R>, LinalgError> {
        check_shape("rows of the right side", self.n, b.rows())?;
        let rule = Self { transposed, m: b.cols(), ..self.clone() };
        let x = R::slice_rule(&rule, &[a.bands.data(), b.data()].concat())?;
        Ok(Matrix::new(b.rows(), b.cols(), x))
    }
}

impl SliceRule for SolveBanded {
    type Error = LinalgError;

    fn primal(&self, x: &[f64]) -> Result<Vec<f64>, LinalgError> {
        let (a, mut b) = self.split(x);
        check_finite(b.data())?;
        let factors = self.cache.get(a.bands.data(), |_| BandLu::new(&a))?;
        if self.transposed {
            factors.solve_transposed(&mut b);
        } else {
            factors.solve(&mut b);
        }
        Ok(b.into_data())
    }

    fn jvp<R: Real>(&self, x: &[R], y: &[R], x_dot: &[R]) -> Result<Vec<R>, LinalgError> {
        let ((a, _), (a_dot, b_dot)) = (self.split(x), self.split(x_dot));
        if a_dot.bands.is_zero() {
            return Ok(self.again(self.transposed, &a, &b_dot)?.into_data());
        }
        let a_dot = if self.transposed { a_dot.transpose() } else { a_dot };
        let right = &b_dot - &a_dot.matmul(&self.right(y));
        Ok(self.again(self.transposed, &a, &right)?.into_data())
    }

    fn vjp<R: Real>(&self, x: &[R], y: &[R], y_bar: &[R]) -> Result<Vec<R>, LinalgError> {
        let (a, _) = self.split(x);
        let y = self.right(y);
        let b_bar = self.again(!self.transposed, &a, &self.right(y_bar))?;
        let (rows, columns) = if self.transposed { (&y, &b_bar) } else { (&b_bar, &y) };
        let outer = |i: usize, j: usize| -super::dot(rows.row(i), columns.row(j));
        let a_bar = Banded::from_fn(self.n, self.lower, self.upper, outer);
        Ok([a_bar.bands.into_data(), b_bar.into_data()].concat())
    }
}

/// A banded matrix with its factors, which are made at the first solve and kept: for every right side, for the reverse sweep,
/// tangents and second derivatives. A loop over time makes it once.
#[derive(Clone, Debug)]
pub struct BandedFactor<R> {
    matrix: Banded<R>,
    rule: SolveBanded,
}

impl<R: Real> BandedFactor<R> {
    /// Of a matrix that stays the same.
    pub fn new(matrix: &Banded<R>) -> Self {
        // what sticks out of the matrix must not spoil the check for NaN
        let inside =
            Banded::from_fn(matrix.rows(), matrix.lower, matrix.upper, |i, j| matrix.get(i, j));
        Self { rule: SolveBanded::new(&inside), matrix: inside }
    }

    /// `A^-1 B`, in `O(n (lower + upper))` for each column after the first solve.
    ///
    /// # Errors
    /// [`LinalgError::Singular`], shapes, entries that are not finite.
    pub fn solve(&self, b: &Matrix<R>) -> Result<Matrix<R>, LinalgError> {
        self.rule.again(false, &self.matrix, b)
    }
}

/// `A^-1 B` for a banded `A`, in `O(n (lower + upper)^2)`; its derivative uses the same factors.
///
/// # Errors
/// [`LinalgError::Singular`], shapes, entries that are not finite.
pub fn solve_banded<R: Real>(a: &Banded<R>, b: &Matrix<R>) -> Result<Matrix<R>, LinalgError> {
    BandedFactor::new(a).solve(b)
}
