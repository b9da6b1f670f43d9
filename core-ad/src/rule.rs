//! The door for everything with a better derivative than its arithmetic.
//!
//! A rule states its primal in `f64` and its derivatives generically, so it works on duals, on the tape and on both
//! nested: second order differentiates the derivative's code.

use std::any::type_name;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

use crate::real::Real;

/// A function `R^I -> R^O` with derivatives of its own.
///
/// ```
/// use cotangent_ad::{Real, Rule, grad};
///
/// /// `y^3 = x`.
/// #[derive(Clone)]
/// struct CubeRoot;
/// impl Rule<1, 1> for CubeRoot {
///     fn primal(&self, [x]: [f64; 1]) -> [f64; 1] {
///         [x.cbrt()]
///     }
///     fn jvp<R: Real>(&self, _: [R; 1], [y]: [R; 1], [dx]: [R; 1]) -> [R; 1] {
///         [dx / (y * y * 3.0)]
///     }
///     fn vjp<R: Real>(&self, x: [R; 1], y: [R; 1], y_bar: [R; 1]) -> [R; 1] {
///         self.jvp(x, y, y_bar)
///     }
/// }
/// let g = grad(|x| Real::rule(&CubeRoot, [x[0]])[0], &[8.0]);
/// assert!((g[0] - 1.0 / 12.0).abs() < 1e-16);
/// ```
pub trait Rule<const I: usize, const O: usize>: Clone + Send + Sync + 'static {
    /// The value.
    fn primal(&self, x: [f64; I]) -> [f64; O];
    /// `J x_dot`, with `y` the value at `x`.
    fn jvp<R: Real>(&self, x: [R; I], y: [R; O], x_dot: [R; I]) -> [R; O];
    /// `J^T y_bar`, with `y` the value at `x`.
    fn vjp<R: Real>(&self, x: [R; I], y: [R; O], y_bar: [R; O]) -> [R; I];
}

/// A [`Rule`] whose sizes are known at run time, and whose primal and derivatives may fail.
///
/// Derivatives may call other rules at `R` (a solve's derivative is a solve): the types stay finite.
pub trait SliceRule: Clone + Send + Sync + 'static {
    /// Why there is no value or no derivative.
    type Error: Error + Send + Sync + 'static;
    /// The value.
    ///
    /// # Errors
    /// Where the function has no value at `x`.
    fn primal(&self, x: &[f64]) -> Result<Vec<f64>, Self::Error>;
    /// `J x_dot`, with `y` the value at `x`.
    ///
    /// # Errors
    /// Where the function has a value but no derivative at `x` along `x_dot`.
    fn jvp<R: Real>(&self, x: &[R], y: &[R], x_dot: &[R]) -> Result<Vec<R>, Self::Error>;
    /// `J^T y_bar`, with `y` the value at `x`.
    ///
    /// # Errors
    /// Where the function has a value but no derivative at `x` of what `y_bar` weighs.
    fn vjp<R: Real>(&self, x: &[R], y: &[R], y_bar: &[R]) -> Result<Vec<R>, Self::Error>;
}

/// A rule that had a value but no derivative, found in a reverse sweep.
#[derive(Clone)]
pub struct DerivativeFailure {
    pub(crate) rule: &'static str,
    pub(crate) source: Arc<dyn Error + Send + Sync>,
}

impl DerivativeFailure {
    pub(crate) fn of<U: SliceRule>(source: U::Error) -> Self {
        Self { rule: type_name::<U>(), source: Arc::new(source) }
    }

    /// The rule's own error, where it is an `E`.
    pub fn downcast_ref<E: Error + 'static>(&self) -> Option<&E> {
        self.source.downcast_ref()
    }
}

impl fmt::Display for DerivativeFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no derivative of {}: {}", self.rule, self.source)
    }
}

impl fmt::Debug for DerivativeFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DerivativeFailure({self})")
    }
}

impl Error for DerivativeFailure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.source)
    }
}
