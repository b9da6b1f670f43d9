//! Rules of the user inside a program: erased at `f64` for their values and at [`Traced`] for their derivatives, which
//! are recorded like any code, so that derivatives of any order pass through.

use std::any::Any;
use std::fmt;

use super::traced::Traced;
use crate::program::error::ReplayError;
use crate::rule::{Rule, SliceRule};

/// What a derivative is at the point of recording, or that there is none.
pub(in crate::program) type Derived = Result<Vec<Traced>, ReplayError>;

/// A [`Rule`] or [`SliceRule`] without its type.
pub(in crate::program) trait TracedRule: Send + Sync {
    /// The value, or why there is none.
    fn primal(&self, x: &[f64]) -> Result<Vec<f64>, ReplayError>;
    /// `J x_dot`, recorded.
    fn jvp(&self, x: &[Traced], y: &[Traced], x_dot: &[Traced]) -> Derived;
    /// `J^T y_bar`, recorded.
    fn vjp(&self, x: &[Traced], y: &[Traced], y_bar: &[Traced]) -> Derived;
    /// The rule's type.
    fn name(&self) -> &'static str;
}

impl fmt::Debug for dyn TracedRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A [`Rule`] of fixed size.
pub(in crate::program) struct Sized<U, const I: usize, const O: usize>(pub(in crate::program) U);

fn array<T: Copy, const N: usize>(x: &[T]) -> [T; N] {
    std::array::from_fn(|k| x[k])
}

impl<const I: usize, const O: usize, U: Rule<I, O>> TracedRule for Sized<U, I, O> {
    fn primal(&self, x: &[f64]) -> Result<Vec<f64>, ReplayError> {
        Ok(self.0.primal(array(x)).to_vec())
    }
    fn jvp(&self, x: &[Traced], y: &[Traced], x_dot: &[Traced]) -> Derived {
        Ok(self.0.jvp(array(x), array(y), array(x_dot)).to_vec())
    }
    fn vjp(&self, x: &[Traced], y: &[Traced], y_bar: &[Traced]) -> Derived {
        Ok(self.0.vjp(array(x), array(y), array(y_bar)).to_vec())
    }
    fn name(&self) -> &'static str {
        std::any::type_name::<U>()
    }
}

fn recorded<U: SliceRule>(found: Result<Vec<Traced>, U::Error>) -> Derived {
    let rule = std::any::type_name::<U>();
    found.map_err(|error| ReplayError::NoDerivative { rule, message: error.to_string() })
}

/// A [`SliceRule`].
pub(in crate::program) struct Sliced<U>(pub(in crate::program) U);

impl<U: SliceRule> TracedRule for Sliced<U> {
    fn primal(&self, x: &[f64]) -> Result<Vec<f64>, ReplayError> {
        self.0.primal(x).map_err(|e| match (&e as &dyn Any).downcast_ref::<ReplayError>() {
            // a program within a program
            Some(inner) => inner.clone(),
            None => ReplayError::Rule { item: 0, message: format!("{e:?}") },
        })
    }
    fn jvp(&self, x: &[Traced], y: &[Traced], x_dot: &[Traced]) -> Derived {
        recorded::<U>(self.0.jvp(x, y, x_dot))
    }
    fn vjp(&self, x: &[Traced], y: &[Traced], y_bar: &[Traced]) -> Derived {
        recorded::<U>(self.0.vjp(x, y, y_bar))
    }
    fn name(&self) -> &'static str {
        std::any::type_name::<U>()
    }
}
