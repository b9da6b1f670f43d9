//! Derivatives of closures and of generic functions.
//!
//! Closures where one scalar type is enough; [`VectorFn`], a type with one generic method, where the engine chooses.

use std::convert::Infallible;

use crate::dual::Dual;
use crate::real::Real;
use crate::rule::DerivativeFailure;
use crate::tape::{Session, Var};

/// Width of the blocks of tangents that [`jacobian_forward`] and [`hessian`] carry.
const LANES: usize = 8;

/// A function of many inputs and outputs, written once over [`Real`].
pub trait VectorFn {
    /// The values at `x`.
    fn call<R: Real>(&self, x: &[R]) -> Vec<R>;
}

/// Derivative of `f` at `x`, nested by type: outer variables enter through [`Dual::konst`].
///
/// ```
/// use cotangent_ad::{Dual, derivative, grad};
/// // d/dx [ x d/dy (x + y)|_(y=1) ] = d/dx x = 1: the classic case of perturbation confusion
/// let g = grad(|x| x[0] * derivative(|y| Dual::konst(x[0]) + y, 1.0 + 0.0 * x[0]), &[1.0]);
/// assert_eq!(g, [1.0]);
/// ```
pub fn derivative<R: Real>(f: impl FnOnce(Dual<R, 1>) -> Dual<R, 1>, x: R) -> R {
    f(Dual::seed(x, 0)).eps[0]
}

/// Value and gradient of `f` at `x`, by the tape.
///
/// ```
/// let (y, g) = cotangent_ad::value_and_grad(|x| x[0] * x[1].exp(), &[2.0, 0.0]);
/// assert_eq!((y, g), (2.0, vec![1.0, 2.0]));
/// # use cotangent_ad::Num;
/// ```
pub fn value_and_grad<T: Real>(f: impl FnOnce(&[Var<T>]) -> Var<T>, x: &[T]) -> (T, Vec<T>) {
    let (y, g) = vjp(|x| vec![f(x)], x, &[T::lit(1.0)]);
    (y[0], g)
}

/// Gradient of `f` at `x`, by the tape.
pub fn grad<T: Real>(f: impl FnOnce(&[Var<T>]) -> Var<T>, x: &[T]) -> Vec<T> {
    value_and_grad(f, x).1
}

/// Values of `f` and `J^T y_bar`, by the tape.
///
/// # Panics
/// Where `y_bar` has not one entry an output.
pub fn vjp<T: Real>(
    f: impl FnOnce(&[Var<T>]) -> Vec<Var<T>>,
    x: &[T],
    y_bar: &[T],
) -> (Vec<T>, Vec<T>) {
    let session = Session::new();
    let inputs = session.inputs(x);
    let y = session.lend(&inputs, f);
    let x_bar = session.pullback(&y, y_bar, inputs.vars());
    (y.iter().map(|y| y.value()).collect(), x_bar)
}

/// [`value_and_grad`] of a function that may fail, or meet a rule without a derivative.
///
/// ```
/// use cotangent_ad::linalg::{LinalgError, Matrix, log_det};
/// use cotangent_ad::try_value_and_grad;
///
/// let f = |x: &[_]| log_det(&Matrix::new(2, 2, x.to_vec()));
/// let (y, g) = try_value_and_grad(f, &[2.0, 0.0, 0.0, 4.0]).unwrap();
/// assert_eq!((y, g), (8.0_f64.ln(), vec![0.5, 0.0, 0.0, 0.25]));
/// let singular: Result<_, LinalgError> = try_value_and_grad(f, &[1.0, 2.0, 2.0, 4.0]);
/// assert!(matches!(singular, Err(LinalgError::Singular { .. })));
/// ```
///
/// # Errors
/// What `f` returns, or the [`DerivativeFailure`] of the sweep.
pub fn try_value_and_grad<T: Real, E: From<DerivativeFailure>>(
    f: impl FnOnce(&[Var<T>]) -> Result<Var<T>, E>,
    x: &[T],
) -> Result<(T, Vec<T>), E> {
    let session = Session::new();
    let inputs = session.inputs(x);
    let y = session.lend(&inputs, f)?;
    let x_bar = session.try_pullback(&[y], &[T::lit(1.0)], inputs.vars())?;
    Ok((y.value(), x_bar))
}

/// Values of `f` and `J x_dot`, by duals.
///
/// # Panics
/// Where `x` and `x_dot` differ in length.
pub fn jvp<T: Real>(
    f: impl FnOnce(&[Dual<T, 1>]) -> Vec<Dual<T, 1>>,
    x: &[T],
    x_dot: &[T],
) -> (Vec<T>, Vec<T>) {
    assert_eq!(x.len(), x_dot.len(), "one tangent an input");
    let inputs: Vec<_> = x.iter().zip(x_dot).map(|(x, d)| Dual { re: *x, eps: [*d] }).collect();
    f(&inputs).iter().map(|y| (y.re, y.eps[0])).unzip()
}

/// Duals of `x` with the tangents of `LANES` inputs from `first` on.
fn seeded<T: Real>(x: &[T], first: usize) -> Vec<Dual<T, LANES>> {
    let seed = |(k, x): (usize, &T)| match k.checked_sub(first) {
        Some(lane) if lane < LANES => Dual::seed(*x, lane),
        _ => Dual::konst(*x),
    };
    x.iter().enumerate().map(seed).collect()
}

/// Jacobian, `m x n` row-major, eight columns a pass.
pub fn jacobian_forward<T: Real>(
    f: impl Fn(&[Dual<T, LANES>]) -> Vec<Dual<T, LANES>>,
    x: &[T],
) -> Vec<T> {
    let Ok(jacobian) = try_jacobian_forward(|x| Ok::<_, Infallible>(f(x)), x);
    jacobian
}

/// [`jacobian_forward`] of a function that may fail.
///
/// # Errors
/// The first error of `f`.
pub fn try_jacobian_forward<T: Real, E>(
    f: impl Fn(&[Dual<T, LANES>]) -> Result<Vec<Dual<T, LANES>>, E>,
    x: &[T],
) -> Result<Vec<T>, E> {
    let n = x.len();
    let mut jacobian = Vec::new();
    for first in (0..n).step_by(LANES) {
        let y = f(&seeded(x, first))?;
        jacobian.resize(y.len() * n, T::lit(0.0));
        for (row, y) in y.iter().enumerate() {
            let taken = LANES.min(n - first);
            jacobian[row * n + first..][..taken].copy_from_slice(&y.eps[..taken]);
        }
    }
    Ok(jacobian)
}

/// Jacobian, `m x n` row-major: one recording, one sweep a row.
pub fn jacobian_reverse<T: Real>(f: impl FnOnce(&[Var<T>]) -> Vec<Var<T>>, x: &[T]) -> Vec<T> {
    let session = Session::new();
    let inputs = session.inputs(x);
    let y = session.lend(&inputs, f);
    y.iter().flat_map(|y| session.pullback(&[*y], &[T::lit(1.0)], inputs.vars())).collect()
}

/// Jacobian, `m x n` row-major: forward where the inputs are few for the outputs, else reverse.
///
/// ```
/// use cotangent_ad::{Real, VectorFn, jacobian};
/// struct Polar;
/// impl VectorFn for Polar {
///     fn call<R: Real>(&self, x: &[R]) -> Vec<R> {
///         vec![x[0] * x[1].cos(), x[0] * x[1].sin()]
///     }
/// }
/// assert_eq!(jacobian(&Polar, &[2.0, 0.0]), [1.0, 0.0, 0.0, 2.0]);
/// ```
pub fn jacobian<F: VectorFn>(f: &F, x: &[f64]) -> Vec<f64> {
    let outputs = f.call(x).len();
    // a sweep of the tape costs about as much as a pass with eight tangents
    if x.len() <= LANES * outputs.max(1) {
        jacobian_forward(|x| f.call(x), x)
    } else {
        jacobian_reverse(|x| f.call(x), x)
    }
}

/// Hessian, `n x n` row-major, forward over reverse: the tape carries eight tangents a pass.
///
/// # Panics
/// Where a rule has no derivative; [`try_hessian`] returns that.
pub fn hessian(
    f: impl Fn(&[Var<Dual<f64, LANES>>]) -> Var<Dual<f64, LANES>>,
    x: &[f64],
) -> Vec<f64> {
    try_hessian(|x| Ok::<_, DerivativeFailure>(f(x)), x).unwrap_or_else(|e| panic!("{e}"))
}

/// [`hessian`] of a function that may fail, or meet a rule without a derivative.
///
/// # Errors
/// What `f` returns, or the [`DerivativeFailure`] of the sweep.
pub fn try_hessian<E: From<DerivativeFailure>>(
    f: impl Fn(&[Var<Dual<f64, LANES>>]) -> Result<Var<Dual<f64, LANES>>, E>,
    x: &[f64],
) -> Result<Vec<f64>, E> {
    let n = x.len();
    let mut hessian = vec![0.0; n * n];
    for first in (0..n).step_by(LANES) {
        let (_, gradient) = try_value_and_grad(&f, &seeded(x, first))?;
        for (row, g) in gradient.iter().enumerate() {
            let taken = LANES.min(n - first);
            hessian[row * n + first..][..taken].copy_from_slice(&g.eps[..taken]);
        }
    }
    Ok(hessian)
}

/// Hessian times `v`, forward over reverse.
///
/// # Panics
/// Where `x` and `v` differ in length.
pub fn hvp(
    f: impl FnOnce(&[Var<Dual<f64, 1>>]) -> Var<Dual<f64, 1>>,
    x: &[f64],
    v: &[f64],
) -> Vec<f64> {
    assert_eq!(x.len(), v.len(), "one entry of the direction an input");
    let inputs: Vec<_> = x.iter().zip(v).map(|(x, v)| Dual { re: *x, eps: [*v] }).collect();
    grad(f, &inputs).iter().map(|g| g.eps[0]).collect()
}
