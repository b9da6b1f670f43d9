//! Rules of the user inside a program: erased at `f64` for their values and at [`Traced`] for their derivatives, which
//! are recorded like any code, so that derivatives of any order pass through.

use std::fmt;

use super::traced::Traced;
use crate::rule::{Rule, SliceRule};

/// A [`Rule`] or [`SliceRule`] without its type.
pub(super) trait TracedRule: Send + Sync {
    /// The value, or why there is none.
    fn primal(&self, x: &[f64]) -> Result<Vec<f64>, String>;
    /// `J x_dot`, recorded.
    fn jvp(&self, x: &[Traced], y: &[Traced], x_dot: &[Traced]) -> Vec<Traced>;
    /// `J^T y_bar`, recorded.
    fn vjp(&self, x: &[Traced], y: &[Traced], y_bar: &[Traced]) -> Vec<Traced>;
    /// The rule's type.
    fn name(&self) -> &'static str;
}

impl fmt::Debug for dyn TracedRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A [`Rule`] of fixed size.
pub(super) struct Sized<U, const I: usize, const O: usize>(pub(super) U);

fn array<T: Copy, const N: usize>(x: &[T]) -> [T; N] {
    std::array::from_fn(|k| x[k])
}

impl<const I: usize, const O: usize, U: Rule<I, O>> TracedRule for Sized<U, I, O> {
    fn primal(&self, x: &[f64]) -> Result<Vec<f64>, String> {
        Ok(self.0.primal(array(x)).to_vec())
    }
    fn jvp(&self, x: &[Traced], y: &[Traced], x_dot: &[Traced]) -> Vec<Traced> {
        self.0.jvp(array(x), array(y), array(x_dot)).to_vec()
    }
    fn vjp(&self, x: &[Traced], y: &[Traced], y_bar: &[Traced]) -> Vec<Traced> {
        self.0.vjp(array(x), array(y), array(y_bar)).to_vec()
    }
    fn name(&self) -> &'static str {
        std::any::type_name::<U>()
    }
}

/// # Panics
/// Where the rule has no derivative at the point of recording.
fn recorded<U: SliceRule>(found: Result<Vec<Traced>, U::Error>) -> Vec<Traced> {
    found.unwrap_or_else(|error| panic!("no derivative of {}: {error}", std::any::type_name::<U>()))
}

/// A [`SliceRule`].
pub(super) struct Sliced<U>(pub(super) U);

impl<U: SliceRule> TracedRule for Sliced<U> {
    fn primal(&self, x: &[f64]) -> Result<Vec<f64>, String> {
        self.0.primal(x).map_err(|e| format!("{e:?}"))
    }
    fn jvp(&self, x: &[Traced], y: &[Traced], x_dot: &[Traced]) -> Vec<Traced> {
        recorded::<U>(self.0.jvp(x, y, x_dot))
    }
    fn vjp(&self, x: &[Traced], y: &[Traced], y_bar: &[Traced]) -> Vec<Traced> {
        recorded::<U>(self.0.vjp(x, y, y_bar))
    }
    fn name(&self) -> &'static str {
        std::any::type_name::<U>()
    }
}
