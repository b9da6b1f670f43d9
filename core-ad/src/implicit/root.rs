//! Roots, and the rule that all dense implicit functions share.

use super::{ImplicitError, Options, is_settled, settle, size};
use crate::api::{jacobian_forward, jvp, vjp};
use crate::dual::Dual;
use crate::linalg::{Matrix, solve};
use crate::real::Real;
use crate::rule::SliceRule;
use crate::tape::Var;

/// A system of equations `F(y, p) = 0`, as many as unknowns `y`.
pub trait Residual: Clone + Send + Sync + 'static {
    /// `F(y, p)`.
    fn residual<R: Real>(&self, y: &[R], p: &[R]) -> Vec<R>;

    /// `M^-1 r` for some `M` that is close to `F_y(y, p)`, or its transpose where that is solved; used by
    /// [`root_krylov`](super::root_krylov) alone. None by default.
    fn precondition(&self, y: &[f64], p: &[f64], r: &[f64], transposed: bool) -> Vec<f64> {
        let _ = (y, p, transposed);
        r.to_vec()
    }
}

/// How a point that solves a [`Residual`] is found.
pub(super) trait Find: Clone + Send + Sync + 'static {
    fn find(&self, p: &[f64]) -> Result<Vec<f64>, ImplicitError>;
}

/// `p -> y` with `F(y, p) = 0`.
#[derive(Clone, Debug)]
pub(super) struct Implicit<F, S> {
    pub(super) equations: F,
    pub(super) find: S,
}

impl<F: Residual, S> Implicit<F, S> {
    /// `F_y`.
    fn by_unknowns<R: Real>(&self, y: &[R], p: &[R]) -> Matrix<R> {
        let constant: Vec<Dual<R, 8>> = p.iter().map(|p| Dual::konst(*p)).collect();
        let jacobian = jacobian_forward(|y| self.equations.residual(y, &constant), y);
        Matrix::new(y.len(), y.len(), jacobian)
    }
}

impl<F: Residual, S: Find> SliceRule for Implicit<F, S> {
    type Error = ImplicitError;

    fn primal(&self, x: &[f64]) -> Result<Vec<f64>, ImplicitError> {
        self.find.find(x)
    }

    /// `F_y y_dot = -F_p p_dot`.
    fn jvp<R: Real>(&self, x: &[R], y: &[R], x_dot: &[R]) -> Result<Vec<R>, ImplicitError> {
        let right: Vec<R> = pushed(&self.equations, y, x, x_dot).iter().map(|r| -*r).collect();
        Ok(solve(&self.by_unknowns(y, x), &right)?)
    }

    /// `p_bar = -F_p^T F_y^-T y_bar`.
    fn vjp<R: Real>(&self, x: &[R], y: &[R], y_bar: &[R]) -> Result<Vec<R>, ImplicitError> {
        let multipliers = solve(&self.by_unknowns(y, x).transpose(), y_bar)?;
        Ok(pulled(&self.equations, y, x, &multipliers).iter().map(|r| -*r).collect())
    }
}

/// Newton's method with the exact Jacobian, each step halved until the residual falls.
///
/// `step(y, r)` is `F_y(y)^-1 r`.
pub(super) fn newton<F: Residual>(
    equations: &F,
    step: impl Fn(&[f64], &[f64]) -> Result<Vec<f64>, ImplicitError>,
    start: &[f64],
    p: &[f64],
    options: &Options,
) -> Result<Vec<f64>, ImplicitError> {
    let mut y = start.to_vec();
    let mut r = residual(equations, &y, p, 0)?;
    for iteration in 1..=options.max_iterations {
        if size(&r) == 0.0 {
            return Ok(y);
        }
        let whole = step(&y, &r)?;
        let near = size(&whole) <= options.tolerance * (1.0 + size(&y));
        let mut share = 1.0;
        let found = loop {
            let moved: Vec<f64> = y.iter().zip(&whole).map(|(y, s)| y - share * s).collect();
            match residual(equations, &moved, p, iteration) {
                Ok(there) if size(&there) < size(&r) => break Some((moved, there)),
                // at the solution, rounding decides which is smaller, and that of large residuals does not speak for small unknowns
                Ok(there) if near && !is_settled(&y, &whole, options.tolerance) => {
                    break Some((moved, there));
                }
                _ if near => break Some((y.clone(), r.clone())),
                _ if share < 1e-10 => break None,
                _ => share *= 0.5,
            }
        };
        let Some((moved, there)) = found else {
            return Err(not_converged(size(&r), iteration));
        };
        (y, r) = (moved, there);
        if near {
            let next = |y: &[f64]| step(y, &residual(equations, y, p, iteration).ok()?).ok();
            return Ok(settle(y, whole, options.tolerance, next));
        }
    }
    Err(not_converged(size(&r), options.max_iterations))
}

fn residual<F: Residual>(
    equations: &F,
    y: &[f64],
    p: &[f64],
    iteration: usize,
) -> Result<Vec<f64>, ImplicitError> {
    let r = equations.residual(y, p);
    if r.len() != y.len() {
        return Err(ImplicitError::Shape { expected: y.len(), found: r.len() });
    }
    if size(&r).is_finite() {
        Ok(r)
    } else {
        Err(ImplicitError::NonFinite { what: "the residual", iteration })
    }
}

/// [`newton`] with a dense Jacobian.
#[derive(Clone, Debug)]
struct Newton<F, S> {
    equations: F,
    /// Where to begin, of the values of the parameters.
    start: S,
    options: Options,
}

impl<F: Residual, S: Fn(&[f64]) -> Vec<f64> + Clone + Send + Sync + 'static> Find for Newton<F, S> {
    fn find(&self, p: &[f64]) -> Result<Vec<f64>, ImplicitError> {
        let rule = Implicit { equations: self.equations.clone(), find: self.clone() };
        let step = |y: &[f64], r: &[f64]| Ok(solve(&rule.by_unknowns(y, p), r)?);
        newton(&self.equations, step, &(self.start)(p), p, &self.options)
    }
}

/// `F_p p_dot` at fixed unknowns.
pub(super) fn pushed<R: Real, F: Residual>(equations: &F, y: &[R], p: &[R], p_dot: &[R]) -> Vec<R> {
    let constant: Vec<Dual<R, 1>> = y.iter().map(|y| Dual::konst(*y)).collect();
    jvp(|p| equations.residual(&constant, p), p, p_dot).1
}

/// `F_p^T multipliers` at fixed unknowns.
pub(super) fn pulled<R: Real, F: Residual>(
    equations: &F,
    y: &[R],
    p: &[R],
    multipliers: &[R],
) -> Vec<R> {
    let constant: Vec<Var<R>> = y.iter().map(|y| Var::konst(*y)).collect();
    vjp(|p| equations.residual(&constant, p), p, multipliers).1
}

fn not_converged(residual: f64, iterations: usize) -> ImplicitError {
    let advice = "start closer to a root, or check that there is one";
    ImplicitError::NotConverged { what: "Newton's method", residual, iterations, advice }
}

/// The root of `F(y, p) = 0` that Newton's method finds from `start`, as a function of `p`.
///
/// # Errors
/// [`ImplicitError`].
pub fn root<R: Real, F: Residual>(
    equations: &F,
    start: &[f64],
    p: &[R],
    options: &Options,
) -> Result<Vec<R>, ImplicitError> {
    let start = start.to_vec();
    root_from(equations, move |_| start.clone(), p, options)
}

/// [`root`] with a start that depends on the values of the parameters: in a sequence of roots, the one before.
///
/// The start has no derivative. A step of an implicit integrator passes its old state as parameters and begins there:
///
/// ```
/// use cotangent_ad::implicit::{ImplicitError, Options, Residual, root_from};
/// use cotangent_ad::{Num, Real};
///
/// /// Implicit Euler for `y' = -k y^3`: `p = (k, y before)`.
/// #[derive(Clone)]
/// struct Decay(f64);
/// impl Residual for Decay {
///     fn residual<R: Real>(&self, y: &[R], p: &[R]) -> Vec<R> {
///         vec![y[0] - p[1] + p[0] * y[0].powi(3) * self.0]
///     }
/// }
/// fn after<R: Real>(k: R, steps: usize) -> Result<R, ImplicitError> {
///     let mut y = R::lit(1.0);
///     for _ in 0..steps {
///         y = root_from(&Decay(0.01), |p| vec![p[1]], &[k, y], &Options::default())?[0];
///     }
///     Ok(y)
/// }
/// assert!((after(2.0, 100).unwrap() - 5.0_f64.sqrt().recip()).abs() < 5e-3); // 1 / sqrt(1 + 2 k t)
/// ```
///
/// # Errors
/// [`ImplicitError`].
pub fn root_from<R: Real, F: Residual>(
    equations: &F,
    start: impl Fn(&[f64]) -> Vec<f64> + Clone + Send + Sync + 'static,
    p: &[R],
    options: &Options,
) -> Result<Vec<R>, ImplicitError> {
    let equations = equations.clone();
    let find = Newton { equations: equations.clone(), start, options: *options };
    R::slice_rule(&Implicit { equations, find }, p)
}
