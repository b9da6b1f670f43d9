//! Sparse systems by factors that are kept.
//!
//! The factors are made once for a matrix, and serve every right side, both directions of differentiation and every order
//! of it. They are of this crate because a factorization has to show its pivots, by which a singular matrix is refused.

mod cholesky;
mod lu;
mod ordering;

use std::convert::Infallible;
use std::sync::Arc;

use self::cholesky::SparseCholesky;
use self::lu::SparseLu;
use self::ordering::minimum_degree;
use super::factor::Cache;
use super::{LinalgError, check_finite, check_shape};
use crate::real::{Num, Real};
use crate::rule::SliceRule;
use crate::sparse::{Pattern, SparseMatrix};

impl<R: Num> SparseMatrix<R> {
    /// With entries `(row, column, value)` in any order; those of one place are added.
    ///
    /// ```
    /// use cotangent_ad::sparse::SparseMatrix;
    /// let a = SparseMatrix::from_triplets(2, 2, &[(0, 0, 1.0), (1, 1, 3.0), (0, 0, 1.0)]);
    /// assert_eq!((a.get(0, 0), a.get(1, 1), a.get(0, 1)), (2.0, 3.0, 0.0));
    /// ```
    ///
    /// # Panics
    /// Where a place is outside of the matrix.
    pub fn from_triplets(rows: usize, cols: usize, entries: &[(usize, usize, R)]) -> Self {
        let mut lists: Vec<Vec<(usize, R)>> = vec![Vec::new(); rows];
        for (i, j, value) in entries {
            assert!(*i < rows && *j < cols, "entry ({i}, {j}) of a {rows} x {cols} matrix");
            lists[*i].push((*j, *value));
        }
        let mut columns: Vec<Vec<usize>> = Vec::with_capacity(rows);
        let mut values = Vec::with_capacity(entries.len());
        for list in &mut lists {
            list.sort_by_key(|(j, _)| *j);
            let mut row: Vec<usize> = Vec::with_capacity(list.len());
            for &(j, value) in list.iter() {
                if row.last() == Some(&j) {
                    let last = values.len() - 1;
                    values[last] += value;
                } else {
                    row.push(j);
                    values.push(value);
                }
            }
            columns.push(row);
        }
        Self { pattern: Pattern::new(cols, &columns), values }
    }
}

impl<R: Real> SparseMatrix<R> {
    /// `A x`: one block on a tape.
    ///
    /// # Panics
    /// Where `x` has not one entry a column.
    #[track_caller]
    pub fn matvec(&self, x: &[R]) -> Vec<R> {
        assert_eq!(x.len(), self.pattern.cols(), "A x: columns of A and entries of x");
        product(&self.pattern, false, &self.values, x)
    }

    /// `A^T x`.
    ///
    /// # Panics
    /// Where `x` has not one entry a row.
    #[track_caller]
    pub fn matvec_transposed(&self, x: &[R]) -> Vec<R> {
        assert_eq!(x.len(), self.pattern.rows(), "A^T x: rows of A and entries of x");
        product(&self.pattern, true, &self.values, x)
    }
}

fn product<R: Real>(pattern: &Pattern, transposed: bool, entries: &[R], x: &[R]) -> Vec<R> {
    let rule = SparseProduct { pattern: pattern.clone(), transposed };
    let Ok(y) = R::slice_rule(&rule, &[entries, x].concat());
    y
}

/// `(entries, x) -> A x`, or `A^T x`.
#[derive(Clone, Debug)]
struct SparseProduct {
    pattern: Pattern,
    transposed: bool,
}

impl SliceRule for SparseProduct {
    type Error = Infallible;

    fn primal(&self, arguments: &[f64]) -> Result<Vec<f64>, Infallible> {
        let (entries, x) = arguments.split_at(self.pattern.entries());
        let outputs = if self.transposed { self.pattern.cols() } else { self.pattern.rows() };
        let mut y = vec![0.0; outputs];
        for i in 0..self.pattern.rows() {
            for (j, a) in self.pattern.row(i).iter().zip(&entries[self.pattern.range(i)]) {
                let (to, from) = if self.transposed { (*j, i) } else { (i, *j) };
                y[to] += a * x[from];
            }
        }
        Ok(y)
    }

    fn jvp<R: Real>(&self, x: &[R], _: &[R], x_dot: &[R]) -> Result<Vec<R>, Infallible> {
        let ((a, x), (a_dot, x_dot)) =
            (x.split_at(self.pattern.entries()), x_dot.split_at(self.pattern.entries()));
        let moved = product(&self.pattern, self.transposed, a, x_dot);
        if a_dot.iter().all(Num::is_constant_zero) {
            return Ok(moved);
        }
        let changed = product(&self.pattern, self.transposed, a_dot, x);
        Ok(moved.iter().zip(&changed).map(|(m, c)| *m + *c).collect())
    }

    fn vjp<R: Real>(&self, x: &[R], _: &[R], y_bar: &[R]) -> Result<Vec<R>, Infallible> {
        let (a, x) = x.split_at(self.pattern.entries());
        let (rows, columns) = if self.transposed { (x, y_bar) } else { (y_bar, x) };
        let mut bars = outer(&self.pattern, rows, columns, |r, c| r * c);
        bars.extend(product(&self.pattern, !self.transposed, a, y_bar));
        Ok(bars)
    }
}

/// `f(rows_i, columns_j)` at the places of a pattern.
fn outer<R: Copy>(pattern: &Pattern, rows: &[R], columns: &[R], f: impl Fn(R, R) -> R) -> Vec<R> {
    let row = |i: usize| pattern.row(i).iter().map(move |j| (i, *j));
    (0..pattern.rows()).flat_map(row).map(|(i, j)| f(rows[i], columns[j])).collect()
}

/// Which factors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Lu,
    /// Of the symmetric part.
    Cholesky,
}

#[derive(Debug)]
enum Factors {
    Lu(SparseLu),
    Cholesky(SparseCholesky),
}

/// `(entries, b) -> A^-1 b`, or `A^-T b`.
#[derive(Clone, Debug)]
pub(crate) struct SparseSolve {
    pattern: Pattern,
    kind: Kind,
    transposed: bool,
    /// Rows in the order of their elimination.
    order: Arc<Vec<usize>>,
    cache: Cache<Factors>,
}

impl SparseSolve {
    fn new(pattern: &Pattern, kind: Kind) -> Result<Self, LinalgError> {
        check_shape("columns of a square matrix", pattern.rows(), pattern.cols())?;
        let order = Arc::new(minimum_degree(pattern));
        Ok(Self {
            pattern: pattern.clone(),
            kind,
            transposed: false,
            order,
            cache: Cache::default(),
        })
    }

    /// By LU factors.
    pub(crate) fn lu(pattern: &Pattern) -> Result<Self, LinalgError> {
        Self::new(pattern, Kind::Lu)
    }

    /// The same matrix, or its transpose, with another right side.
    pub(crate) fn again<R: Real>(
        &self,
        transposed: bool,
        entries: &[R],
        b: &[R],
    ) -> Result<Vec<R>, LinalgError> {
        check_shape("entries of the pattern", self.pattern.entries(), entries.len())?;
        check_shape("rows of the right side", self.pattern.rows(), b.len())?;
        let rule = Self { transposed, ..self.clone() };
        R::slice_rule(&rule, &[entries, b].concat())
    }

    fn factors(&self, entries: &[f64]) -> Result<Arc<Factors>, LinalgError> {
        self.cache.get(entries, |a| {
            check_finite(a)?;
            Ok(match self.kind {
                Kind::Lu => Factors::Lu(SparseLu::new(&self.pattern, a, &self.order)?),
                Kind::Cholesky => {
                    Factors::Cholesky(SparseCholesky::new(&self.pattern, a, &self.order)?)
                }
            })
        })
    }

    /// `A x`, `A^T x` or `(A + A^T) x / 2`: the product that this solves for.
    fn product<R: Real>(&self, entries: &[R], x: &[R]) -> Vec<R> {
        let by = |transposed| product(&self.pattern, transposed, entries, x);
        match self.kind {
            Kind::Lu => by(self.transposed),
            Kind::Cholesky => {
                by(false).iter().zip(&by(true)).map(|(a, b)| (*a + *b) * 0.5).collect()
            }
        }
    }
}

impl SliceRule for SparseSolve {
    type Error = LinalgError;

    fn primal(&self, x: &[f64]) -> Result<Vec<f64>, LinalgError> {
        let (entries, b) = x.split_at(self.pattern.entries());
        check_finite(b)?;
        Ok(match &*self.factors(entries)? {
            Factors::Lu(lu) => lu.solve(b, self.transposed),
            Factors::Cholesky(cholesky) => cholesky.solve(b),
        })
    }

    /// `A y_dot = b_dot - A_dot y`.
    fn jvp<R: Real>(&self, x: &[R], y: &[R], x_dot: &[R]) -> Result<Vec<R>, LinalgError> {
        let (entries, _) = x.split_at(self.pattern.entries());
        let (a_dot, b_dot) = x_dot.split_at(self.pattern.entries());
        let mut right = b_dot.to_vec();
        if !a_dot.iter().all(Num::is_constant_zero) {
            right.iter_mut().zip(self.product(a_dot, y)).for_each(|(b, moved)| *b -= moved);
        }
        self.again(self.transposed, entries, &right)
    }

    /// `b_bar = A^-T y_bar`, `A_bar = -b_bar y^T` at the places of the pattern.
    fn vjp<R: Real>(&self, x: &[R], y: &[R], y_bar: &[R]) -> Result<Vec<R>, LinalgError> {
        let (entries, _) = x.split_at(self.pattern.entries());
        let b_bar = self.again(!self.transposed, entries, y_bar)?;
        let (rows, columns) = if self.transposed { (y, &b_bar[..]) } else { (&b_bar[..], y) };
        let mut bars = outer(&self.pattern, rows, columns, |r, c| -(r * c));
        if self.kind == Kind::Cholesky {
            let mirrored = outer(&self.pattern, columns, rows, |r, c| -(r * c));
            bars.iter_mut().zip(mirrored).for_each(|(a, m)| *a = (*a + m) * 0.5);
        }
        bars.extend(b_bar);
        Ok(bars)
    }
}

/// A sparse matrix with its factors, which are made at the first solve and kept.
///
/// Every right side, the reverse sweep, tangents and second derivatives use the same factors. The matrix has to be the same
/// object as well: make it once before a loop over time, not in it.
///
/// ```
/// use cotangent_ad::linalg::SparseFactor;
/// use cotangent_ad::sparse::SparseMatrix;
/// use cotangent_ad::{Num, Var, grad};
///
/// // three implicit steps of a chain of two nodes that leaks at both ends
/// let left = |p: &[Var<f64>]| {
///     let d = p[0] * 2.0 + 1.0;
///     let a = SparseMatrix::from_triplets(2, 2, &[(0, 0, d), (0, 1, -p[0]), (1, 0, -p[0]), (1, 1, d)]);
///     let factor = SparseFactor::cholesky(a).unwrap();
///     let start = vec![Num::lit(1.0), Num::lit(1.0)];
///     (0..3).fold(start, |u, _| factor.solve(&u).unwrap())[0]
/// };
/// // a uniform state is divided by 1 + p a step
/// assert!((grad(left, &[0.5])[0] + 3.0 * 1.5_f64.powi(-4)).abs() < 1e-14);
/// ```
#[derive(Clone, Debug)]
pub struct SparseFactor<R> {
    matrix: SparseMatrix<R>,
    rule: SparseSolve,
}

impl<R: Real> SparseFactor<R> {
    fn new(matrix: SparseMatrix<R>, kind: Kind) -> Result<Self, LinalgError> {
        let rule = SparseSolve::new(&matrix.pattern, kind)?;
        check_shape("entries of the pattern", matrix.pattern.entries(), matrix.values.len())?;
        Ok(Self { matrix, rule })
    }

    /// By LU with partial pivoting, for any regular matrix.
    ///
    /// # Errors
    /// [`LinalgError::Shape`]; a singular matrix is an error of the solve.
    pub fn lu(matrix: SparseMatrix<R>) -> Result<Self, LinalgError> {
        Self::new(matrix, Kind::Lu)
    }

    /// By Cholesky of the symmetric part `(A + A^T)/2`: half of the price and memory.
    ///
    /// # Errors
    /// [`LinalgError::Shape`]; a matrix that is not positive definite is an error of the solve.
    pub fn cholesky(matrix: SparseMatrix<R>) -> Result<Self, LinalgError> {
        Self::new(matrix, Kind::Cholesky)
    }

    /// A matrix with other entries at the same places: the order of elimination is used again, the factors are made anew.
    ///
    /// # Errors
    /// Where there are more or fewer entries.
    pub fn with_values(&self, values: Vec<R>) -> Result<Self, LinalgError> {
        check_shape("entries of the pattern", self.matrix.pattern.entries(), values.len())?;
        let matrix = SparseMatrix { pattern: self.matrix.pattern.clone(), values };
        Ok(Self { matrix, rule: SparseSolve { cache: Cache::default(), ..self.rule.clone() } })
    }

    /// The matrix.
    pub fn matrix(&self) -> &SparseMatrix<R> {
        &self.matrix
    }

    /// `A^-1 b`.
    ///
    /// # Errors
    /// [`LinalgError::Singular`] or [`LinalgError::NotPositiveDefinite`], naming the row or column of the pivot; shapes, numbers
    /// that are not finite.
    pub fn solve(&self, b: &[R]) -> Result<Vec<R>, LinalgError> {
        self.rule.again(false, &self.matrix.values, b)
    }

    /// `A^-T b`.
    ///
    /// # Errors
    /// As [`SparseFactor::solve`].
    pub fn solve_transposed(&self, b: &[R]) -> Result<Vec<R>, LinalgError> {
        self.rule.again(true, &self.matrix.values, b)
    }
}
