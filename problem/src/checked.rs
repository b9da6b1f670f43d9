//! A map for callers who may give anything: every number that goes in and comes out is checked.
//!
//! Inside the house a [`Map`] trusts its caller. Servers and other languages hold a [`CheckedMap`], which knows the names of what
//! goes in and what comes out, and answers each call with numbers that are finite or with an error that says which is not.

use std::ops::Range;
use std::sync::Arc;

use thiserror::Error;

use crate::failure::TrialFailure;
use crate::key::SampleKey;
use crate::objective::{Objective, Workspace};
use crate::quantity::Quantity;
use crate::simulation::{Keep, Linearised, Map, MapError, Simulation, check_value};
use crate::space::Space;
use crate::value_map::ValueMap;

/// Why a call has no answer.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum CallError {
    /// A value that was given does not fit.
    #[error(transparent)]
    Value(#[from] MapError),
    /// A number of a direction, of a tangent or cotangent, does not fit.
    #[error("{what} has {given} entries, {wanted} are needed")]
    Length {
        /// What was given.
        what: &'static str,
        /// Its entries.
        given: usize,
        /// As many as it should have.
        wanted: usize,
    },
    /// A direction is not finite.
    #[error("entry {entry} of {what} is {value}")]
    NotFinite {
        /// What was given.
        what: &'static str,
        /// The entry.
        entry: usize,
        /// Its value.
        value: f64,
    },
    /// The derivative does not exist.
    #[error("{0}")]
    Unsupported(String),
    /// The point has no value, or no derivative.
    #[error(transparent)]
    Failed(#[from] TrialFailure),
    /// What came out is not finite.
    #[error("{what} of `{name}`, entry {entry}, is {value} here")]
    Answer {
        /// `the value`, `the derivative`.
        what: &'static str,
        /// The output, or the input of a derivative by it.
        name: String,
        /// The entry within it.
        entry: usize,
        /// What it is.
        value: f64,
    },
}

/// A map with the names of its inputs and outputs. `J` is its `m x n` Jacobian.
pub struct CheckedMap<'a> {
    inputs: Vec<Quantity>,
    outputs: Vec<Quantity>,
    map: Box<dyn Map + 'a>,
    no_derivative: Option<String>,
}

impl std::fmt::Debug for CheckedMap<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (inputs, outputs) = (self.inputs.len(), self.outputs.len());
        f.debug_struct("CheckedMap")
            .field("inputs", &inputs)
            .field("outputs", &outputs)
            .finish_non_exhaustive()
    }
}

/// Where a call is made: the point, and the draws of a stochastic map.
#[derive(Clone, Copy, Debug)]
pub struct At<'a> {
    /// Entries of all inputs, `n`.
    pub x: &'a [f64],
    /// The draws.
    pub key: SampleKey,
}

impl CheckedMap<'static> {
    /// The map of a simulation between these inputs and outputs, by position. Where one of them has no derivative there are
    /// values only, and a derivative is refused in its name.
    ///
    /// # Errors
    /// What [`Simulation::map`] refuses.
    pub fn of_simulation(
        simulation: &Arc<dyn Simulation>,
        inputs: &[usize],
        outputs: &[usize],
    ) -> Result<Self, MapError> {
        let pick = |all: &[Quantity], picks: &[usize]| -> Vec<Quantity> {
            picks.iter().filter_map(|k| all.get(*k).cloned()).collect()
        };
        let (from, to) = (pick(simulation.inputs(), inputs), pick(simulation.outputs(), outputs));
        let why = |q: &Quantity| Some((q.name.clone(), q.not_differentiable.clone()?));
        let refused = from.iter().chain(&to).find_map(why);
        let map = Arc::clone(simulation).map(inputs, outputs, refused.is_none())?;
        let no_derivative =
            refused.map(|(name, why)| MapError::NotDifferentiable { name, why }.to_string());
        Ok(Self { inputs: from, outputs: to, map, no_derivative })
    }
}

impl<'a> CheckedMap<'a> {
    /// The value of an objective by the parameters of its space, which stand at `x`.
    ///
    /// # Panics
    /// Where `x` has not as many entries as the space.
    pub fn of_objective(objective: &'a dyn Objective, space: &Space, x: &[f64]) -> Self {
        let no_derivative = (!objective.capabilities().gradient)
            .then(|| "this objective has no gradient".to_owned());
        Self {
            inputs: ValueMap::inputs(space, x),
            outputs: vec![ValueMap::output()],
            map: Box::new(ValueMap::new(objective)),
            no_derivative,
        }
    }

    /// What goes in, with its present values.
    pub fn inputs(&self) -> &[Quantity] {
        &self.inputs
    }

    /// What comes out.
    pub fn outputs(&self) -> &[Quantity] {
        &self.outputs
    }

    /// Present values of all inputs, `n` entries.
    pub fn present(&self) -> Vec<f64> {
        self.inputs.iter().flat_map(|q| q.value.iter().copied()).collect()
    }

    /// Number of entries of all inputs, `n`.
    pub fn input_len(&self) -> usize {
        self.map.input_len()
    }

    /// Number of entries of all outputs, `m`.
    pub fn output_len(&self) -> usize {
        self.map.output_len()
    }

    /// Entries of input `k` among all.
    pub fn input_entries(&self, k: usize) -> Range<usize> {
        entries(&self.inputs, k)
    }

    /// Entries of output `k` among all.
    pub fn output_entries(&self, k: usize) -> Range<usize> {
        entries(&self.outputs, k)
    }

    /// Why there are no derivatives; `None` where there are.
    pub fn no_derivative(&self) -> Option<&str> {
        self.no_derivative.as_deref()
    }

    /// Whether there are second derivatives.
    pub fn has_second(&self) -> bool {
        self.no_derivative.is_none() && self.map.has_second()
    }

    /// Whether the outputs are drawn.
    pub fn is_stochastic(&self) -> bool {
        self.map.is_stochastic()
    }

    /// `f(x)`, `m` entries.
    ///
    /// # Errors
    /// [`CallError`].
    pub fn values(&self, at: At<'_>, ws: &mut Workspace) -> Result<Vec<f64>, CallError> {
        let run = self.run(at, Keep::Values, ws)?;
        let y = run.values().entries.clone();
        self.finite_outputs("the value", &y)?;
        Ok(y)
    }

    /// One run at a point, which is then asked for derivatives.
    ///
    /// # Errors
    /// [`CallError`].
    pub fn linearise<'m>(
        &'m self,
        at: At<'_>,
        ws: &mut Workspace,
    ) -> Result<CheckedRun<'m>, CallError> {
        if let Some(why) = &self.no_derivative {
            return Err(CallError::Unsupported(why.clone()));
        }
        let run = self.run(at, Keep::Linearisation, ws)?;
        self.finite_outputs("the value", &run.values().entries)?;
        Ok(CheckedRun { inputs: &self.inputs, outputs: &self.outputs, run })
    }

    fn run<'m>(
        &'m self,
        at: At<'_>,
        keep: Keep,
        ws: &mut Workspace,
    ) -> Result<Box<dyn Linearised + 'm>, CallError> {
        length("the list of all inputs", at.x, self.input_len())?;
        for (k, quantity) in self.inputs.iter().enumerate() {
            check_value(quantity, &at.x[self.input_entries(k)])?;
        }
        Ok(self.map.run(at.x, keep, at.key, ws)?)
    }

    fn finite_outputs(&self, what: &'static str, y: &[f64]) -> Result<(), CallError> {
        finite_answer(what, &self.outputs, y)
    }
}

/// A run whose derivatives are checked.
pub struct CheckedRun<'m> {
    inputs: &'m [Quantity],
    outputs: &'m [Quantity],
    run: Box<dyn Linearised + 'm>,
}

impl std::fmt::Debug for CheckedRun<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CheckedRun").field("values", self.run.values()).finish_non_exhaustive()
    }
}

impl CheckedRun<'_> {
    /// `f(x)`, `m` entries.
    pub fn values(&self) -> &[f64] {
        &self.run.values().entries
    }

    /// `J^T y_bar`, `n` entries.
    ///
    /// # Errors
    /// [`CallError`].
    pub fn pullback(&self, y_bar: &[f64]) -> Result<Vec<f64>, CallError> {
        self.check_cotangent(y_bar)?;
        let x_bar = self.run.pullback(&[y_bar])?.pop().unwrap_or_default();
        finite_answer("the derivative", self.inputs, &x_bar)?;
        Ok(x_bar)
    }

    /// `J x_dot`, `m` entries.
    ///
    /// # Errors
    /// [`CallError`].
    pub fn pushforward(&self, x_dot: &[f64]) -> Result<Vec<f64>, CallError> {
        self.check_tangent(x_dot)?;
        let y_dot = self.run.pushforward(&[x_dot])?.pop().unwrap_or_default();
        finite_answer("the derivative", self.outputs, &y_dot)?;
        Ok(y_dot)
    }

    /// The entries of `J` in these rows and columns, row after row, in the mode with fewer sweeps.
    ///
    /// # Errors
    /// [`CallError`].
    pub fn jacobian(&self, rows: &[usize], columns: &[usize]) -> Result<Vec<f64>, CallError> {
        let n = total(self.inputs);
        let unit = |j: &usize| (0..n).map(|k| f64::from(u8::from(k == *j))).collect();
        let directions: Vec<Vec<f64>> = columns.iter().map(unit).collect();
        let mut jacobian = Vec::with_capacity(rows.len() * columns.len());
        self.run.jacobian_rows(rows, &directions, &mut |_, row| jacobian.extend_from_slice(row))?;
        for (k, row) in rows.iter().enumerate() {
            for value in &jacobian[k * columns.len()..(k + 1) * columns.len()] {
                if !value.is_finite() {
                    return Err(answer("the derivative", self.outputs, *row, *value));
                }
            }
        }
        Ok(jacobian)
    }

    /// The second derivative of `<y_bar, f>` along `x_dot`, `n` entries.
    ///
    /// # Errors
    /// [`CallError`]; the map has no second derivatives.
    pub fn second(&self, y_bar: &[f64], x_dot: &[f64]) -> Result<Vec<f64>, CallError> {
        self.check_cotangent(y_bar)?;
        self.check_tangent(x_dot)?;
        let refuse = || CallError::Unsupported("this map has no second derivatives".into());
        let product = self.run.second(y_bar, x_dot).ok_or_else(refuse)??;
        finite_answer("the second derivative", self.inputs, &product)?;
        Ok(product)
    }

    fn check_cotangent(&self, y_bar: &[f64]) -> Result<(), CallError> {
        length("the cotangent", y_bar, total(self.outputs))?;
        finite("the cotangent", y_bar)
    }

    fn check_tangent(&self, x_dot: &[f64]) -> Result<(), CallError> {
        length("the tangent", x_dot, total(self.inputs))?;
        finite("the tangent", x_dot)
    }
}

fn total(quantities: &[Quantity]) -> usize {
    quantities.iter().map(Quantity::len).sum()
}

fn entries(quantities: &[Quantity], k: usize) -> Range<usize> {
    let first = total(&quantities[..k]);
    first..first + quantities[k].len()
}

fn length(what: &'static str, given: &[f64], wanted: usize) -> Result<(), CallError> {
    let given = given.len();
    if given == wanted { Ok(()) } else { Err(CallError::Length { what, given, wanted }) }
}

fn finite(what: &'static str, given: &[f64]) -> Result<(), CallError> {
    match given.iter().position(|v| !v.is_finite()) {
        Some(entry) => Err(CallError::NotFinite { what, entry, value: given[entry] }),
        None => Ok(()),
    }
}

/// The error of a number that is not finite, at this entry of all.
fn answer(what: &'static str, quantities: &[Quantity], entry: usize, value: f64) -> CallError {
    let holds = |k: &usize| entries(quantities, *k).contains(&entry);
    let (name, first) = match (0..quantities.len()).find(holds) {
        Some(k) => (quantities[k].name.clone(), entries(quantities, k).start),
        None => (String::new(), 0),
    };
    CallError::Answer { what, name, entry: entry - first, value }
}

fn finite_answer(what: &'static str, of: &[Quantity], found: &[f64]) -> Result<(), CallError> {
    match found.iter().position(|v| !v.is_finite()) {
        Some(entry) => Err(answer(what, of, entry, found[entry])),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use cotangent_ad::{Num, program::Traced};

    use super::{At, CallError, CheckedMap};
    use crate::{Closure, Quantity, SampleKey, Simulation, Workspace};

    /// `(a ln b0, a b1)`.
    fn map() -> CheckedMap<'static> {
        let b = Quantity::input("b", "m", &[2], vec![1.0, 3.0]).within(-1.0, 10.0);
        let inputs = vec![Quantity::scalar("a", "s", 2.0), b];
        let outputs = vec![Quantity::output("p", "", &[]), Quantity::output("q", "", &[])];
        let f = |x: &[Traced]| vec![x[0] * x[1].ln(), x[0] * x[2]];
        let simulation: Arc<dyn Simulation> = Arc::new(Closure::new(inputs, outputs, f));
        CheckedMap::of_simulation(&simulation, &[0, 1], &[0, 1]).unwrap()
    }

    fn at(x: &[f64]) -> At<'_> {
        At { x, key: SampleKey(0) }
    }

    #[test]
    fn derivatives_of_every_kind_agree_with_those_by_hand() {
        let map = map();
        assert_eq!(map.present(), [2.0, 1.0, 3.0]);
        let run = map.linearise(at(&[2.0, 1.0, 3.0]), &mut Workspace::new()).unwrap();
        assert_eq!(run.values(), [0.0, 6.0]);
        assert_eq!(run.pullback(&[1.0, 10.0]).unwrap(), [30.0, 2.0, 20.0]);
        assert_eq!(run.pushforward(&[1.0, 1.0, 1.0]).unwrap(), [2.0, 5.0]);
        assert_eq!(run.jacobian(&[1, 0], &[0, 1]).unwrap(), [3.0, 0.0, 0.0, 2.0]);
        // by a and b0 1/b0, by b0 twice -a/b0^2
        assert_eq!(run.second(&[1.0, 0.0], &[1.0, 1.0, 0.0]).unwrap(), [1.0, 1.0 - 2.0, 0.0]);
    }

    #[test]
    fn what_does_not_fit_and_what_is_not_finite_is_named() {
        let (map, ws) = (map(), &mut Workspace::new());
        let refused = |x: &[f64], ws: &mut Workspace| map.values(at(x), ws).unwrap_err();
        assert!(matches!(refused(&[1.0], ws), CallError::Length { given: 1, wanted: 3, .. }));
        assert!(refused(&[1.0, f64::NAN, 1.0], ws).to_string().starts_with("`b`: entry 0 is NaN"));
        assert!(matches!(refused(&[1.0, 11.0, 1.0], ws), CallError::Value(_)));
        let said = refused(&[1.0, 0.0, 1.0], ws).to_string();
        assert!(said.contains("not finite") || said.contains("`p`, entry 0, is -inf"), "{said}");
        let run = map.linearise(at(&[2.0, 1.0, 3.0]), ws).unwrap();
        assert!(matches!(run.pullback(&[1.0]), Err(CallError::Length { .. })));
        assert!(matches!(
            run.pushforward(&[0.0, f64::INFINITY, 0.0]),
            Err(CallError::NotFinite { entry: 1, .. })
        ));
    }
}
