//! Roots of systems that are known by their residual alone: Newton's method with iterated steps.
//!
//! Knoll & Keyes, "Jacobian-free Newton-Krylov methods: a survey of approaches and applications", J. Comput. Phys. 193, 357 (2004);
//! here the products with the Jacobian are exact tangents and cotangents, not differences.

use super::root::{newton, pulled, pushed};
use super::{ImplicitError, Options, Residual};
use crate::api::{jvp, vjp};
use crate::dual::Dual;
use crate::linalg::{KrylovOptions, LinearOperator, solve_operator, solve_operator_transposed};
use crate::real::Real;
use crate::rule::SliceRule;
use crate::tape::Var;

/// `F_y(y, p)`, with `(y, p)` as parameters.
#[derive(Clone, Debug)]
struct Slope<F> {
    equations: F,
    unknowns: usize,
}

impl<F: Residual> LinearOperator for Slope<F> {
    fn apply<R: Real>(&self, at: &[R], x: &[R]) -> Vec<R> {
        let (y, p) = at.split_at(self.unknowns);
        let p: Vec<Dual<R, 1>> = p.iter().map(|p| Dual::konst(*p)).collect();
        jvp(|y| self.equations.residual(y, &p), y, x).1
    }

    fn apply_transposed(&self, at: &[f64], x: &[f64]) -> Vec<f64> {
        let (y, p) = at.split_at(self.unknowns);
        let p: Vec<Var<f64>> = p.iter().map(|p| Var::konst(*p)).collect();
        vjp(|y| self.equations.residual(y, &p), y, x).1
    }

    fn precondition(&self, at: &[f64], r: &[f64], transposed: bool) -> Vec<f64> {
        let (y, p) = at.split_at(self.unknowns);
        self.equations.precondition(y, p, r, transposed)
    }
}

/// `p -> y` with `F(y, p) = 0`, by products with `F_y`.
#[derive(Clone, Debug)]
struct KrylovImplicit<F> {
    slope: Slope<F>,
    start: Vec<f64>,
    options: Options,
    krylov: KrylovOptions,
}

impl<F: Residual> SliceRule for KrylovImplicit<F> {
    type Error = ImplicitError;

    fn primal(&self, p: &[f64]) -> Result<Vec<f64>, ImplicitError> {
        let step = |y: &[f64], r: &[f64]| {
            Ok(solve_operator(&self.slope, &[y, p].concat(), r, &self.krylov)?)
        };
        newton(&self.slope.equations, step, &self.start, p, &self.options)
    }

    /// `F_y y_dot = -F_p p_dot`.
    fn jvp<R: Real>(&self, x: &[R], y: &[R], x_dot: &[R]) -> Result<Vec<R>, ImplicitError> {
        let moved = pushed(&self.slope.equations, y, x, x_dot);
        let right: Vec<R> = moved.iter().map(|r| -*r).collect();
        Ok(solve_operator(&self.slope, &[y, x].concat(), &right, &self.krylov)?)
    }

    /// `p_bar = -F_p^T F_y^-T y_bar`.
    fn vjp<R: Real>(&self, x: &[R], y: &[R], y_bar: &[R]) -> Result<Vec<R>, ImplicitError> {
        let at = [y, x].concat();
        let multipliers = solve_operator_transposed(&self.slope, &at, y_bar, &self.krylov)?;
        let bar = pulled(&self.slope.equations, y, x, &multipliers);
        Ok(bar.iter().map(|r| -*r).collect())
    }
}

/// [`root`](super::root()) without a matrix: Newton's steps and the derivative are solved by iteration, with the products of `F_y` and
/// its transpose by tangents and cotangents of the residual, and [`Residual::precondition`].
///
/// # Errors
/// [`ImplicitError`]; [`LinalgError::NotSolved`](crate::linalg::LinalgError::NotSolved) within it where the iteration did not reach
/// its tolerance.
pub fn root_krylov<R: Real, F: Residual>(
    equations: &F,
    start: &[f64],
    p: &[R],
    options: &Options,
    krylov: &KrylovOptions,
) -> Result<Vec<R>, ImplicitError> {
    let slope = Slope { equations: equations.clone(), unknowns: start.len() };
    let rule = KrylovImplicit { slope, start: start.to_vec(), options: *options, krylov: *krylov };
    R::slice_rule(&rule, p)
}
