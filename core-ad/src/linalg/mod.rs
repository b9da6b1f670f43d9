//! Matrices over [`Real`], and factorizations with derivatives of their own.
//!
//! The numbers come from faer in `f64`; the derivatives are [`SliceRule`]s written in matrix notation over [`Real`], so every
//! function here works on `f64`, duals, the tape and all of them nested. A derivative of a solve is a solve: it uses the
//! factors of the primal again.
//!
//! | function | value | derivative |
//! |---|---|---|
//! | [`solve`](fn@solve), [`solve_matrix`], [`MatrixFactor`], [`inverse`] | LU, partial pivoting | `A^-1 (dB - dA X)` |
//! | [`solve_spd`], [`log_det_spd`] | Cholesky of the symmetric part | the same, symmetric |
//! | [`log_det`] | `log |det A|` | `A^-T` |
//! | [`lu`](fn@lu), [`cholesky`](fn@cholesky), [`qr`](fn@qr) | factors | Giles 2008, Murray 2016, Walter 2012 |
//! | [`eigh`](fn@eigh), [`svd`](fn@svd) | all pairs | divided by gaps; see [`LinalgError::IllConditioned`] |
//! | [`eigenvalues`], [`singular_values`] | values alone | no gap is divided by |
//! | [`spectral_function`], [`exp_symmetric`], [`ln_symmetric`], [`sqrt_symmetric`], [`power_symmetric`] | `f(A)`, `A` symmetric | divided differences, exact in clusters, every order |
//! | [`polar`] | `U V^T` | smooth at full rank |
//! | [`eigh_subspace`] | projector on a range of eigenvectors | smooth while the range's own gap is open |
//! | [`expm`](fn@expm) | Padé 13, scaling and squaring | Fréchet derivative by a block matrix |
//! | [`solve_operator`], [`solve_sparse`] | conjugate gradients, BiCGStab, GMRES | a solve by the same iteration |
//! | [`SparseFactor`] | sparse LU or Cholesky, kept | as for [`solve`](fn@solve), at the places of the matrix |
//! | [`solve_banded`], [`BandedFactor`] | band LU | as for [`solve`](fn@solve), within the band |
//! | [`fft`](fn@fft), [`ifft`] | rustfft | linear |

mod banded;
mod cholesky;
mod eigh;
mod elimination;
mod expm;
mod factor;
mod fft;
mod gap;
pub(crate) mod gmres;
mod krylov;
mod lu;
mod matrix;
mod qr;
mod solve;
mod sparse;
mod spectral;
mod subspace;
mod svd;
mod sylvester;
mod triangular;

use thiserror::Error;

use crate::rule::DerivativeFailure;
#[cfg(doc)]
use crate::{real::Real, rule::SliceRule};

pub use banded::{Banded, BandedFactor, solve_banded};
pub use cholesky::cholesky;
pub use eigh::{Eigh, eigenvalues, eigh};
pub use expm::expm;
pub use fft::{fft, ifft};
pub(crate) use krylov::solve_operator_transposed;
pub use krylov::{
    Iteration, KrylovOptions, LinearOperator, SparseOperator, solve_operator, solve_sparse,
};
pub use lu::{Lu, lu};
pub use matrix::{Matrix, dot};
pub use qr::{Qr, qr};
pub use solve::{MatrixFactor, inverse, log_det, log_det_spd, solve, solve_matrix, solve_spd};
pub use sparse::SparseFactor;
pub(crate) use sparse::SparseSolve;
pub use spectral::{
    ScalarFunction, exp_symmetric, ln_symmetric, power_symmetric, spectral_function, sqrt_symmetric,
};
pub use subspace::eigh_subspace;
pub use svd::{Svd, polar, singular_values, svd};
pub use sylvester::solve_sylvester;
pub use triangular::{Triangle, solve_triangular};

/// Why a matrix function has no value or no derivative.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum LinalgError {
    /// Sizes do not fit.
    #[error("{what}: expected {expected}, found {found}")]
    Shape {
        /// Which size.
        what: &'static str,
        /// What would fit.
        expected: usize,
        /// What was given.
        found: usize,
    },
    /// An entry is NaN or infinite.
    #[error("entry {index} (row-major) is {value}")]
    NonFinite {
        /// Index of the first such entry.
        index: usize,
        /// It.
        value: f64,
    },
    /// The matrix is singular to rounding.
    #[error("singular: pivot {pivot} is {ratio:.1e} of its row and column")]
    Singular {
        /// The pivot.
        pivot: usize,
        /// Its size beside the largest entry of its row and column.
        ratio: f64,
    },
    /// A Cholesky factor does not exist.
    #[error("not positive definite: pivot {pivot} is not positive")]
    NotPositiveDefinite {
        /// The pivot.
        pivot: usize,
    },
    /// A derivative would divide by a gap (of eigenvalues, or of singular values) that rounding has swallowed: the single
    /// vectors of a cluster have no derivative. Functions of the whole cluster do: use [`eigh_subspace`],
    /// [`spectral_function`] or [`polar`].
    #[error(
        "ill-conditioned: a gap of {gap:.1e} divides a derivative of single vectors of a cluster"
    )]
    IllConditioned {
        /// The gap.
        gap: f64,
    },
    /// A function of a matrix has no value, or no derivative, at an eigenvalue.
    #[error("the function has no value or no derivative at the eigenvalue {eigenvalue:e}")]
    OutsideOfDomain {
        /// The eigenvalue.
        eigenvalue: f64,
    },
    /// An iteration did not reach its tolerance.
    #[error(
        "after {products} products with the matrix the residual is {residual:.1e} of the right side; a preconditioner, a \
         looser tolerance, or a direct solve"
    )]
    NotSolved {
        /// What is left, beside the right side.
        residual: f64,
        /// Products that were made.
        products: usize,
    },
    /// An iteration inside a factorization did not end.
    #[error("{0} did not converge")]
    NotConverged(&'static str),
    /// Another rule on the same tape has no derivative.
    #[error(transparent)]
    Derivative(DerivativeFailure),
}

impl From<DerivativeFailure> for LinalgError {
    fn from(failure: DerivativeFailure) -> Self {
        failure.downcast_ref::<Self>().cloned().unwrap_or(Self::Derivative(failure))
    }
}

/// That all entries are finite.
fn check_finite(a: &[f64]) -> Result<(), LinalgError> {
    match a.iter().position(|v| !v.is_finite()) {
        Some(index) => Err(LinalgError::NonFinite { index, value: a[index] }),
        None => Ok(()),
    }
}

/// That a pivot is not zero beside its row and column; the ratio is NaN where those are empty, which counts as zero.
fn check_pivot(pivot: usize, ratio: f64, n: usize) -> Result<(), LinalgError> {
    let ratio = if ratio.is_nan() { 0.0 } else { ratio };
    if ratio <= n as f64 * f64::EPSILON {
        return Err(LinalgError::Singular { pivot, ratio });
    }
    Ok(())
}

/// The Euclidean norm, without overflow.
pub(crate) fn norm(x: &[f64]) -> f64 {
    let largest = x.iter().fold(0.0, |s, x| if x.abs() > s || x.is_nan() { x.abs() } else { s });
    if largest == 0.0 || !largest.is_finite() {
        return largest;
    }
    largest * x.iter().map(|x| (x / largest).powi(2)).sum::<f64>().sqrt()
}

fn check_shape(what: &'static str, expected: usize, found: usize) -> Result<(), LinalgError> {
    if expected == found { Ok(()) } else { Err(LinalgError::Shape { what, expected, found }) }
}
