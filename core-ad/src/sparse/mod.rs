//! Sparse Jacobians and Hessians: which entries there are, and how few directions give them all.
//!
//! Griewank & Walther 2008, chapter 8; Gebremedhin, Manne, Pothen, "What color is your Jacobian?" (2005). A [`Pattern`] is found
//! once, at a point that takes the branches that matter; a [`Colouring`] groups columns that share no row; then every
//! Jacobian costs one tangent a colour, whatever its size.
//!
//! ```
//! use cotangent_ad::sparse::{Colouring, jacobian, jacobian_pattern};
//! use cotangent_ad::{Real, VectorFn};
//!
//! struct Differences;
//! impl VectorFn for Differences {
//!     fn call<R: Real>(&self, x: &[R]) -> Vec<R> {
//!         x.windows(2).map(|w| w[1] * w[1] - w[0]).collect()
//!     }
//! }
//! let x = [1.0, 2.0, 3.0, 4.0, 5.0];
//! let colouring = Colouring::columns(&jacobian_pattern(&Differences, &x));
//! assert_eq!(colouring.colours(), 2);
//! let j = jacobian(&Differences, &x, &colouring);
//! assert_eq!((j.get(1, 2), j.get(1, 1), j.get(1, 4)), (6.0, -1.0, 0.0));
//! ```

mod colouring;
mod pattern;

use crate::api::{VectorFn, grad};
use crate::dual::Dual;
use crate::real::Num;
use crate::tape::Var;

pub use colouring::Colouring;
pub use pattern::{Pattern, ScalarFn, hessian_pattern, jacobian_pattern};

/// Tangents carried at once.
pub(crate) const LANES: usize = 8;

/// A matrix of the entries of a [`Pattern`], in its order.
#[derive(Clone, Debug, PartialEq)]
pub struct SparseMatrix<R = f64> {
    /// Which entries.
    pub pattern: Pattern,
    /// They, row by row.
    pub values: Vec<R>,
}

impl<R: Num> SparseMatrix<R> {
    /// Entry `(i, j)`, 0 outside of the pattern.
    pub fn get(&self, i: usize, j: usize) -> R {
        let range = self.pattern.range(i);
        match self.pattern.row(i).binary_search(&j) {
            Ok(k) => self.values[range.start + k],
            Err(_) => R::lit(0.0),
        }
    }
}

/// Duals of `x` whose tangents are the sums of the columns of `LANES` colours from `first` on.
fn seeded<R: Num>(x: &[R], colouring: &Colouring, first: usize) -> Vec<Dual<R, LANES>> {
    let seed = |(j, x): (usize, &R)| match colouring.of(j).checked_sub(first) {
        Some(lane) if lane < LANES => Dual::seed(*x, lane),
        _ => Dual::konst(*x),
    };
    x.iter().enumerate().map(seed).collect()
}

/// The Jacobian of `f` at `x`, forward, one tangent a colour.
///
/// # Panics
/// Where `x` or the outputs are not of the size that was coloured.
pub fn jacobian(f: &impl VectorFn, x: &[f64], colouring: &Colouring) -> SparseMatrix {
    let compressed = |inputs: &[Dual<f64, LANES>]| f.call(inputs);
    expand(x, colouring, compressed)
}

/// The Hessian of `f` at `x`, forward over reverse, one tangent a colour.
///
/// # Panics
/// Where `x` is not of the size that was coloured.
pub fn hessian(f: &impl ScalarFn, x: &[f64], colouring: &Colouring) -> SparseMatrix {
    let gradient = |inputs: &[Dual<f64, LANES>]| grad(|x: &[Var<_>]| f.call(x), inputs);
    expand(x, colouring, gradient)
}

/// The Jacobian of a function at any scalar, from the sums of its columns of one colour.
pub(crate) fn expand<R: Num>(
    x: &[R],
    colouring: &Colouring,
    f: impl Fn(&[Dual<R, LANES>]) -> Vec<Dual<R, LANES>>,
) -> SparseMatrix<R> {
    let pattern = colouring.pattern().clone();
    assert_eq!(x.len(), pattern.cols(), "inputs as coloured");
    let mut values = vec![R::lit(0.0); pattern.entries()];
    for first in (0..colouring.colours()).step_by(LANES) {
        let y = f(&seeded(x, colouring, first));
        assert_eq!(y.len(), pattern.rows(), "outputs as coloured");
        for (i, y) in y.iter().enumerate() {
            for (k, j) in pattern.range(i).zip(pattern.row(i)) {
                if let Some(lane) = colouring.of(*j).checked_sub(first).filter(|l| *l < LANES) {
                    values[k] = y.eps[lane];
                }
            }
        }
    }
    SparseMatrix { pattern, values }
}
