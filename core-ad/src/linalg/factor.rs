//! Factors of a matrix, kept so that the derivative of a solve need not factor again.

use std::sync::{Arc, Mutex, PoisonError};

use faer::linalg::solvers::{Llt, PartialPivLu, Solve as _};
use faer::{Mat, MatRef, Side};

use super::matrix::Matrix;
use super::{LinalgError, check_finite, check_pivot};

/// The last matrix and what was made of it. Clones share it; a rule that meets another matrix makes another.
#[derive(Debug)]
pub(super) struct Cache<F>(Arc<Mutex<Option<Kept<F>>>>);

/// A matrix and what was made of it.
type Kept<F> = (Vec<f64>, Arc<F>);

impl<F> Clone for Cache<F> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<F> Default for Cache<F> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<F> Cache<F> {
    /// What `make` makes of `a`, made once.
    pub(super) fn get<E>(
        &self,
        a: &[f64],
        make: impl FnOnce(&[f64]) -> Result<F, E>,
    ) -> Result<Arc<F>, E> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, made)) = &*kept
            && of == a
        {
            return Ok(Arc::clone(made));
        }
        let made = Arc::new(make(a)?);
        *kept = Some((a.to_vec(), Arc::clone(&made)));
        Ok(made)
    }
}

/// Factors of a square matrix.
#[derive(Debug)]
pub(super) enum Factor {
    /// Of the matrix whose rows are multiplied by `scales`.
    Lu {
        lu: PartialPivLu<f64>,
        scales: Vec<f64>,
    },
    Llt(Llt<f64>),
}

/// `P A = L U` by partial pivoting.
///
/// # Errors
/// [`LinalgError::Singular`], entries that are not finite.
pub(super) fn partial_pivoting(a: &[f64], n: usize) -> Result<PartialPivLu<f64>, LinalgError> {
    check_finite(a)?;
    let lu = MatRef::from_row_major_slice(a, n, n).partial_piv_lu();
    let (rows, _) = lu.P().arrays();
    for i in 0..n {
        let row = (0..n).fold(0.0, |s, j| f64::max(s, a[rows[i] * n + j].abs()));
        let column = (0..n).fold(0.0, |s, k| f64::max(s, a[k * n + i].abs()));
        let ratio = lu.U()[(i, i)].abs() / row.min(column);
        check_pivot(i, ratio, n)?;
    }
    Ok(lu)
}

/// The power of two that brings the largest entry of a row to between 1 and 2: multiplying by it rounds nothing.
fn row_scale(row: &[f64]) -> f64 {
    let largest = row.iter().fold(0.0, |s, v| f64::max(s, v.abs()));
    let exponent = ((largest.to_bits() >> 52) & 0x7ff) as i32 - 1023;
    if largest == 0.0 { 1.0 } else { 2.0_f64.powi(-exponent.clamp(-1000, 1000)) }
}

impl Factor {
    /// `P S A = L U`, rows scaled by `S` to one size, so that none buries what another knows (see `elimination`).
    pub(super) fn lu(a: &[f64], n: usize) -> Result<Self, LinalgError> {
        check_finite(a)?;
        let rows = || a.chunks(n.max(1));
        let scales: Vec<f64> = rows().map(row_scale).collect();
        let scaled: Vec<f64> =
            rows().zip(&scales).flat_map(|(row, s)| row.iter().map(move |v| v * s)).collect();
        Ok(Self::Lu { lu: partial_pivoting(&scaled, n)?, scales })
    }

    /// `(A + A^T) / 2 = L L^T`.
    pub(super) fn llt(a: &[f64], n: usize) -> Result<Self, LinalgError> {
        check_finite(a)?;
        let symmetric = Mat::from_fn(n, n, |i, j| (a[i * n + j] + a[j * n + i]) * 0.5);
        match symmetric.llt(Side::Lower) {
            Ok(llt) => Ok(Self::Llt(llt)),
            Err(faer::linalg::cholesky::llt::factor::LltError::NonPositivePivot { index }) => {
                Err(LinalgError::NotPositiveDefinite { pivot: index })
            }
        }
    }

    /// `A^-1 B` or `A^-T B`, `B` row-major.
    pub(super) fn solve(&self, b: &[f64], n: usize, transposed: bool) -> Vec<f64> {
        let m = b.len() / n;
        let right = MatRef::from_row_major_slice(b, n, m);
        let x = match (self, transposed) {
            (Self::Lu { lu, scales }, false) => {
                lu.solve(Mat::from_fn(n, m, |i, j| right[(i, j)] * scales[i]))
            }
            (Self::Lu { lu, scales }, true) => {
                let x = lu.solve_transpose(right);
                Mat::from_fn(n, m, |i, j| x[(i, j)] * scales[i])
            }
            (Self::Llt(llt), _) => llt.solve(right),
        };
        Matrix::from_fn(n, m, |i, j| x[(i, j)]).into_data()
    }

    /// `log |det A|`.
    pub(super) fn log_det(&self) -> f64 {
        match self {
            Self::Lu { lu, scales } => {
                let (rows, _) = lu.P().arrays();
                (0..rows.len()).map(|i| (lu.U()[(i, i)].abs() / scales[rows[i]]).ln()).sum()
            }
            Self::Llt(llt) => (0..llt.L().nrows()).map(|i| llt.L()[(i, i)].ln()).sum::<f64>() * 2.0,
        }
    }
}
