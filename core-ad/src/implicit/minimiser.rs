//! Minimisers and least squares: stationary points, differentiated as roots of the gradient.

use super::root::{Find, Implicit, Residual};
use super::{ImplicitError, Options, settle, size};
use crate::api::{grad, hessian, jacobian_forward, value_and_grad};
use crate::dual::Dual;
use crate::linalg::{LinalgError, Matrix, cholesky, dot, solve_spd};
use crate::real::Real;
use crate::tape::Var;

/// What is minimised over `y`, at parameters `p`.
pub trait Energy: Clone + Send + Sync + 'static {
    /// `E(y, p)`.
    fn energy<R: Real>(&self, y: &[R], p: &[R]) -> R;
}

/// Residuals `r(y, p)` whose squares are summed.
pub trait Residuals: Clone + Send + Sync + 'static {
    /// `r(y, p)`.
    fn residuals<R: Real>(&self, y: &[R], p: &[R]) -> Vec<R>;
}

/// `|r|^2 / 2`.
#[derive(Clone, Debug)]
struct SumOfSquares<F>(F);

impl<F: Residuals> Energy for SumOfSquares<F> {
    fn energy<R: Real>(&self, y: &[R], p: &[R]) -> R {
        let r = self.0.residuals(y, p);
        dot(&r, &r) * 0.5
    }
}

/// `dE/dy = 0`.
#[derive(Clone, Debug)]
struct Stationary<E>(E);

impl<E: Energy> Residual for Stationary<E> {
    fn residual<R: Real>(&self, y: &[R], p: &[R]) -> Vec<R> {
        let constant: Vec<Var<R>> = p.iter().map(|p| Var::konst(*p)).collect();
        grad(|y| self.0.energy(y, &constant), y)
    }
}

fn not_converged(what: &'static str, residual: f64, iterations: usize) -> ImplicitError {
    let advice = "start closer to the minimum, or check that the energy is bounded below";
    ImplicitError::NotConverged { what, residual, iterations, advice }
}

/// Solves `(H + shift I) s = g` with the least shift of a growing sequence that makes it positive definite.
fn shifted_solve(h: &Matrix<f64>, g: &[f64], mut shift: f64) -> Result<Vec<f64>, LinalgError> {
    let n = g.len();
    let scale = size(h.data());
    loop {
        let shifted = h + &Matrix::identity(n).scale(shift);
        match solve_spd(&shifted, &Matrix::new(n, 1, g.to_vec())) {
            Ok(step) => return Ok(step.into_data()),
            Err(LinalgError::NotPositiveDefinite { .. }) if shift < 1e3 * scale => {
                shift = (10.0 * shift).max(1e-8 * scale);
            }
            Err(error) => return Err(error),
        }
    }
}

/// Newton's method on the gradient, with the Hessian shifted where it is not positive definite (Nocedal & Wright,
/// algorithm 3.3), each step halved until the energy falls.
#[derive(Clone, Debug)]
struct NewtonDescent<E> {
    energy: E,
    start: Vec<f64>,
    options: Options,
}

impl<E: Energy> Find for NewtonDescent<E> {
    fn find(&self, p: &[f64]) -> Result<Vec<f64>, ImplicitError> {
        let taped: Vec<Var<f64>> = p.iter().map(|p| Var::konst(*p)).collect();
        let curved: Vec<Var<Dual<f64, 8>>> =
            p.iter().map(|p| Var::konst(Dual::konst(*p))).collect();
        let second = |y: &[f64]| {
            let h = hessian(|y| self.energy.energy(y, &curved), y);
            Matrix::new(y.len(), y.len(), h)
        };
        let mut y = self.start.clone();
        let mut g = Vec::new();
        for iteration in 1..=self.options.max_iterations {
            let (value, gradient) = value_and_grad(|y| self.energy.energy(y, &taped), &y);
            g = gradient;
            if !value.is_finite() || !size(&g).is_finite() {
                return Err(ImplicitError::NonFinite {
                    what: "the energy or its slope",
                    iteration,
                });
            }
            let h = second(&y);
            let step = shifted_solve(&h, &g, 0.0)?;
            let enough = self.options.tolerance * (1.0 + size(&y));
            let arrived = size(&step) <= enough || size(&g) == 0.0;
            let slope = dot(&g, &step);
            let mut share = 1.0;
            let moved = loop {
                let moved: Vec<f64> = y.iter().zip(&step).map(|(y, s)| y - share * s).collect();
                let there = self.energy.energy(&moved, p);
                // what is below the rounding of the energy cannot be seen to fall
                let noise = 8.0 * f64::EPSILON * value.abs();
                if there <= value - 1e-4 * share * slope + noise {
                    break moved;
                }
                share *= 0.5;
                if share < 1e-10 {
                    return Err(not_converged("the minimiser", size(&g), iteration));
                }
            };
            if arrived {
                let next = |y: &[f64]| {
                    let g = grad(|y| self.energy.energy(y, &taped), y);
                    shifted_solve(&second(y), &g, 0.0).ok()
                };
                let settled = settle(moved.clone(), step, self.options.tolerance, next);
                let h = if settled == moved { h } else { second(&settled) };
                if let Err(LinalgError::NotPositiveDefinite { pivot }) = cholesky(&h) {
                    return Err(ImplicitError::NotAMinimum { pivot });
                }
                return Ok(settled);
            }
            y = moved;
        }
        Err(not_converged("the minimiser", size(&g), self.options.max_iterations))
    }
}

/// Levenberg and Marquardt's method (Madsen, Nielsen, Tingleff 2004, algorithm 3.16), ended by Newton's.
#[derive(Clone, Debug)]
struct LevenbergMarquardt<F> {
    residuals: F,
    start: Vec<f64>,
    options: Options,
}

impl<F: Residuals> Find for LevenbergMarquardt<F> {
    fn find(&self, p: &[f64]) -> Result<Vec<f64>, ImplicitError> {
        let n = self.start.len();
        let constant: Vec<Dual<f64, 8>> = p.iter().map(|p| Dual::konst(*p)).collect();
        let mut y = self.start.clone();
        let mut damping = 1e-3;
        for iteration in 1..=self.options.max_iterations {
            let r = self.residuals.residuals(&y, p);
            let j = jacobian_forward(|y| self.residuals.residuals(y, &constant), &y);
            if !size(&r).is_finite() || !size(&j).is_finite() {
                return Err(ImplicitError::NonFinite {
                    what: "a residual or its slope",
                    iteration,
                });
            }
            let j = Matrix::new(r.len(), n, j);
            let (jt, value) = (j.transpose(), dot(&r, &r));
            let (g, h) = (jt.matvec(&r), jt.matmul(&j));
            let scale = size(h.data()).max(f64::MIN_POSITIVE);
            loop {
                let step = shifted_solve(&h, &g, damping * scale)?;
                // Newton's method takes over near the solution: it converges whatever the residuals
                if size(&step) <= 1e-4 * (1.0 + size(&y)) {
                    let energy = SumOfSquares(self.residuals.clone());
                    return NewtonDescent { energy, start: y, options: self.options }.find(p);
                }
                let moved: Vec<f64> = y.iter().zip(&step).map(|(y, s)| y - s).collect();
                let there = self.residuals.residuals(&moved, p);
                if dot(&there, &there) < value {
                    y = moved;
                    damping = (damping * 0.2).max(1e-12);
                    break;
                }
                damping *= 4.0;
            }
        }
        let r = self.residuals.residuals(&y, p);
        Err(not_converged("least squares", size(&r), self.options.max_iterations))
    }
}

/// The minimum of `E(., p)` that Newton's method finds from `start`, as a function of `p`.
///
/// # Errors
/// [`ImplicitError`]; also where the point found is a saddle or a valley.
pub fn minimiser<R: Real, E: Energy>(
    energy: &E,
    start: &[f64],
    p: &[R],
    options: &Options,
) -> Result<Vec<R>, ImplicitError> {
    let energy = energy.clone();
    let find = NewtonDescent { energy: energy.clone(), start: start.to_vec(), options: *options };
    R::slice_rule(&Implicit { equations: Stationary(energy), find }, p)
}

/// The minimum of `|r(., p)|^2 / 2` that Levenberg and Marquardt's method finds from `start`, as a function of `p`.
///
/// # Errors
/// [`ImplicitError`]; also where the residuals do not determine `y`.
pub fn least_squares<R: Real, F: Residuals>(
    residuals: &F,
    start: &[f64],
    p: &[R],
    options: &Options,
) -> Result<Vec<R>, ImplicitError> {
    let residuals = residuals.clone();
    let find = LevenbergMarquardt {
        residuals: residuals.clone(),
        start: start.to_vec(),
        options: *options,
    };
    R::slice_rule(&Implicit { equations: Stationary(SumOfSquares(residuals)), find }, p)
}
