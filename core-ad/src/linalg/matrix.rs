//! A dense row-major matrix over [`Real`].

use std::array;
use std::convert::Infallible;
use std::ops::{Add, Index, IndexMut, Neg, Sub};

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};

use crate::real::{Num, Real};
use crate::rule::SliceRule;

/// Products of fewer multiplications than this are plain loops; larger ones are one rule.
const SMALL_PRODUCT: usize = 64;

/// A dense matrix, row-major.
///
/// ```
/// use cotangent_ad::linalg::Matrix;
/// let a = Matrix::from_rows(&[[1.0, 2.0], [3.0, 4.0]]);
/// assert_eq!(a.matvec(&[1.0, -1.0]), [-1.0, -1.0]);
/// assert_eq!(a.matmul(&a.transpose())[(0, 1)], 11.0);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix<R> {
    rows: usize,
    cols: usize,
    data: Vec<R>,
}

impl<R: Copy> Matrix<R> {
    /// A matrix of `rows x cols` entries, row-major.
    ///
    /// # Panics
    /// Where their number is another.
    pub fn new(rows: usize, cols: usize, data: Vec<R>) -> Self {
        assert_eq!(data.len(), rows * cols, "a {rows} x {cols} matrix");
        Self { rows, cols, data }
    }

    /// `a_ij = f(i, j)`.
    pub fn from_fn(rows: usize, cols: usize, f: impl Fn(usize, usize) -> R) -> Self {
        let mut data = Vec::with_capacity(rows * cols);
        // row by row: a division to find each entry's place would cost more than most entries
        (0..rows).for_each(|i| data.extend((0..cols).map(|j| f(i, j))));
        Self { rows, cols, data }
    }

    /// From arrays of rows.
    pub fn from_rows<const C: usize>(rows: &[[R; C]]) -> Self {
        Self { rows: rows.len(), cols: C, data: rows.as_flattened().to_vec() }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// The entries, row-major.
    pub fn data(&self) -> &[R] {
        &self.data
    }

    /// The entries, row-major.
    pub fn into_data(self) -> Vec<R> {
        self.data
    }

    /// Row `i`.
    pub fn row(&self, i: usize) -> &[R] {
        &self.data[i * self.cols..][..self.cols]
    }

    pub(super) fn row_mut(&mut self, i: usize) -> &mut [R] {
        &mut self.data[i * self.cols..][..self.cols]
    }

    /// Column `j`.
    pub fn column(&self, j: usize) -> Vec<R> {
        (0..self.rows).map(|i| self[(i, j)]).collect()
    }

    /// `A^T`.
    pub fn transpose(&self) -> Self {
        Self::from_fn(self.cols, self.rows, |i, j| self[(j, i)])
    }

    /// `f` of every entry.
    pub fn map<S: Copy>(&self, f: impl Fn(R) -> S) -> Matrix<S> {
        Matrix { rows: self.rows, cols: self.cols, data: self.data.iter().map(|a| f(*a)).collect() }
    }
}

impl<R: Num> Matrix<R> {
    /// All zero.
    pub fn zeros(rows: usize, cols: usize) -> Self {
        Self { rows, cols, data: vec![R::lit(0.0); rows * cols] }
    }

    /// The identity.
    pub fn identity(n: usize) -> Self {
        Self::from_fn(n, n, |i, j| R::lit(f64::from(u8::from(i == j))))
    }

    /// A diagonal matrix.
    pub fn diagonal(d: &[R]) -> Self {
        Self::from_fn(d.len(), d.len(), |i, j| if i == j { d[i] } else { R::lit(0.0) })
    }

    /// A constant matrix of `f64` entries.
    pub fn lit(a: &Matrix<f64>) -> Self {
        a.map(R::lit)
    }

    /// A constant matrix, from arrays of rows.
    pub fn literal<const C: usize>(rows: &[[f64; C]]) -> Self {
        Self::lit(&Matrix::from_rows(rows))
    }

    /// `(A + A^T) / 2`.
    pub fn symmetric_part(&self) -> Self {
        Self::from_fn(self.rows, self.cols, |i, j| (self[(i, j)] + self[(j, i)]) * 0.5)
    }

    /// The same in place of the matrix, which is square.
    pub(super) fn make_symmetric(&mut self) {
        for i in 0..self.rows {
            for j in 0..=i {
                let mean = (self[(i, j)] + self[(j, i)]) * 0.5;
                (self[(i, j)], self[(j, i)]) = (mean, mean);
            }
        }
    }

    /// Sum of the diagonal.
    pub fn trace(&self) -> R {
        (0..self.rows.min(self.cols)).fold(R::lit(0.0), |s, i| s + self[(i, i)])
    }

    /// Every entry times `s`.
    pub fn scale(&self, s: R) -> Self {
        self.map(|a| a * s)
    }

    /// Whether every entry is a constant zero.
    pub(crate) fn is_zero(&self) -> bool {
        self.data.iter().all(Num::is_constant_zero)
    }
}

impl<R: Real> Matrix<R> {
    /// `A x`.
    ///
    /// # Panics
    /// Where `x` has not one entry a column.
    #[track_caller]
    pub fn matvec(&self, x: &[R]) -> Vec<R> {
        assert_eq!(x.len(), self.cols, "A x: columns of A and entries of x");
        self.matmul(&Self { rows: x.len(), cols: 1, data: x.to_vec() }).data
    }

    /// `A B`: one block on a tape.
    ///
    /// # Panics
    /// Where `B` has not one row a column of `A`.
    #[track_caller]
    pub fn matmul(&self, b: &Self) -> Self {
        assert_eq!(self.cols, b.rows, "A B: columns of A and rows of B");
        let (m, k, n) = (self.rows, self.cols, b.cols);
        if m * k * n < SMALL_PRODUCT {
            let entry = |i: usize, j: usize| {
                (0..k).map(|l| self[(i, l)] * b[(l, j)]).reduce(|s, t| s + t).unwrap_or(R::lit(0.0))
            };
            return Self::from_fn(m, n, entry);
        }
        let x = [&self.data[..], &b.data[..]].concat();
        let Ok(data) = R::slice_rule(&Product { m, k, n }, &x);
        Self { rows: m, cols: n, data }
    }
}

/// Sum of products. From a few terms on it is one statement of a tape, whose sweep costs a multiplication a factor.
///
/// # Panics
/// Where the lengths differ.
#[track_caller]
pub fn dot<R: Num>(a: &[R], b: &[R]) -> R {
    assert_eq!(a.len(), b.len(), "a . b: entries of a and of b");
    R::dot(a, b)
}

impl<R> Index<(usize, usize)> for Matrix<R> {
    type Output = R;
    #[inline]
    fn index(&self, (i, j): (usize, usize)) -> &R {
        debug_assert!(j < self.cols);
        &self.data[i * self.cols + j]
    }
}

impl<R> IndexMut<(usize, usize)> for Matrix<R> {
    #[inline]
    fn index_mut(&mut self, (i, j): (usize, usize)) -> &mut R {
        debug_assert!(j < self.cols);
        &mut self.data[i * self.cols + j]
    }
}

macro_rules! entrywise {
    ($($op:ident $method:ident),*) => { $(
        impl<R: Num> $op for &Matrix<R> {
            type Output = Matrix<R>;
            #[track_caller]
            fn $method(self, b: Self) -> Matrix<R> {
                assert_eq!((self.rows, self.cols), (b.rows, b.cols), "two matrices of one shape");
                Matrix::from_fn(self.rows, self.cols, |i, j| self[(i, j)].$method(b[(i, j)]))
            }
        }
    )* };
}
entrywise!(Add add, Sub sub);

impl<R: Num> Neg for &Matrix<R> {
    type Output = Matrix<R>;
    fn neg(self) -> Matrix<R> {
        self.map(|a| -a)
    }
}

/// Cuts `x` into matrices of the given shapes.
pub(super) fn unpack<R: Copy, const K: usize>(
    x: &[R],
    shapes: [(usize, usize); K],
) -> [Matrix<R>; K] {
    let mut from = 0;
    array::from_fn(|k| {
        let (rows, cols) = shapes[k];
        from += rows * cols;
        Matrix::new(rows, cols, x[from - rows * cols..from].to_vec())
    })
}

/// `C = A B`.
#[derive(Clone, Debug)]
struct Product {
    m: usize,
    k: usize,
    n: usize,
}

impl Product {
    fn split<R: Copy>(&self, x: &[R]) -> [Matrix<R>; 2] {
        unpack(x, [(self.m, self.k), (self.k, self.n)])
    }
}

impl SliceRule for Product {
    type Error = Infallible;

    fn primal(&self, x: &[f64]) -> Result<Vec<f64>, Infallible> {
        let &Self { m, k, n } = self;
        let (a, b) = x.split_at(m * k);
        let mut c = vec![0.0; m * n];
        matmul(
            MatMut::from_row_major_slice_mut(&mut c, m, n),
            Accum::Replace,
            MatRef::from_row_major_slice(a, m, k),
            MatRef::from_row_major_slice(b, k, n),
            1.0,
            Par::Seq,
        );
        Ok(c)
    }

    fn jvp<R: Real>(&self, x: &[R], _: &[R], x_dot: &[R]) -> Result<Vec<R>, Infallible> {
        let ([a, b], [a_dot, b_dot]) = (self.split(x), self.split(x_dot));
        Ok(match (a_dot.is_zero(), b_dot.is_zero()) {
            (true, _) => a.matmul(&b_dot),
            (_, true) => a_dot.matmul(&b),
            _ => &a_dot.matmul(&b) + &a.matmul(&b_dot),
        }
        .data)
    }

    fn vjp<R: Real>(&self, x: &[R], _: &[R], y_bar: &[R]) -> Result<Vec<R>, Infallible> {
        let ([a, b], c_bar) = (self.split(x), Matrix::new(self.m, self.n, y_bar.to_vec()));
        let a_bar = c_bar.matmul(&b.transpose());
        let b_bar = a.transpose().matmul(&c_bar);
        Ok([a_bar.data, b_bar.data].concat())
    }
}
