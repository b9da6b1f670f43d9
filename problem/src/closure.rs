//! A function of one's own as a simulation.
//!
//! ```
//! use std::sync::Arc;
//! use cotangent_ad::{Num, program::Traced};
//! use cotangent_problem::{Closure, Keep, Quantity, SampleKey, Simulation, Workspace};
//!
//! let measured = [9.1, 3.9, 1.2]; // data that the function holds
//! let inputs = vec![Quantity::scalar("amplitude", "V", 8.0), Quantity::scalar("rate", "1/s", 0.5)];
//! let outputs = vec![Quantity::output("difference", "V", &[3])];
//! let decay = Arc::new(Closure::new(inputs, outputs, move |x: &[Traced]| {
//!     (0..3).map(|k| x[0] * (-x[1] * f64::from(k)).exp() - measured[k as usize]).collect()
//! }));
//! // the amplitude stays at 8 V; the map is from the rate alone
//! let map = decay.map(&[1], &[0], true)?;
//! let run = map.run(&[0.7], Keep::Linearisation, SampleKey(0), &mut Workspace::new())?;
//! let by_rate = run.pullback(&[&[0.0, 1.0, 0.0]])?;
//! assert!((by_rate[0][0] + 8.0 * (-0.7_f64).exp()).abs() < 1e-14);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use cotangent_ad::Num;
use cotangent_ad::program::{Program, ReplayError, Traced};

use crate::failure::TrialFailure;
use crate::key::SampleKey;
use crate::objective::Workspace;
use crate::quantity::Quantity;
use crate::simulation::{
    Cost, Keep, Linearised, Map, MapError, Simulation, Values, check_picks, fix_quantity,
};

/// The function: all inputs, entry after entry, to all outputs.
type Function = dyn Fn(&[Traced]) -> Vec<Traced> + Send + Sync;

/// A simulation made of a function over [`Traced`] numbers.
///
/// The function is recorded as a [`Program`] and replayed; where one of its branches goes another way it is recorded anew, so a
/// result never depends on where it was recorded.
#[derive(Clone)]
pub struct Closure {
    inputs: Vec<Quantity>,
    outputs: Vec<Quantity>,
    function: Arc<Function>,
}

impl fmt::Debug for Closure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Closure").field("inputs", &self.inputs).finish_non_exhaustive()
    }
}

impl Closure {
    /// The simulation of `function`, which takes the entries of all inputs to the entries of all outputs.
    pub fn new(
        inputs: Vec<Quantity>,
        outputs: Vec<Quantity>,
        function: impl Fn(&[Traced]) -> Vec<Traced> + Send + Sync + 'static,
    ) -> Self {
        Self { inputs, outputs, function: Arc::new(function) }
    }
}

impl Simulation for Closure {
    fn inputs(&self) -> &[Quantity] {
        &self.inputs
    }

    fn outputs(&self) -> &[Quantity] {
        &self.outputs
    }

    fn fix(&mut self, input: usize, value: &[f64]) -> Result<(), MapError> {
        fix_quantity(&mut self.inputs, input, value)
    }

    fn map(
        self: Arc<Self>,
        inputs: &[usize],
        outputs: &[usize],
        differentiated: bool,
    ) -> Result<Box<dyn Map>, MapError> {
        check_picks(self.as_ref(), inputs, outputs, differentiated)?;
        let base: Vec<f64> = self.inputs.iter().flat_map(|q| q.value.clone()).collect();
        Ok(Box::new(ClosureMap {
            free: positions(&self.inputs, inputs),
            kept: positions(&self.outputs, outputs),
            produced: self.outputs.iter().map(Quantity::len).sum(),
            base,
            function: Arc::clone(&self.function),
            programs: [Mutex::new(None), Mutex::new(None)],
        }))
    }
}

/// Positions of the picked quantities' entries among those of all.
fn positions(all: &[Quantity], picks: &[usize]) -> Vec<usize> {
    let first = |pick: usize| all[..pick].iter().map(Quantity::len).sum::<usize>();
    picks.iter().flat_map(|pick| first(*pick)..first(*pick) + all[*pick].len()).collect()
}

/// Which recording of the function is meant.
#[derive(Clone, Copy)]
enum Recording {
    /// `x -> y`.
    Function = 0,
    /// `(x, w) -> <w, y>`, whose Hessian-vector products are the map's second derivatives.
    Weighted = 1,
}

struct ClosureMap {
    base: Vec<f64>,
    free: Vec<usize>,
    kept: Vec<usize>,
    produced: usize,
    function: Arc<Function>,
    /// The last recording of each kind: whether it can be used at a point is decided by its guards.
    programs: [Mutex<Option<Program>>; 2],
}

impl ClosureMap {
    fn record(&self, recording: Recording, x: &[f64]) -> Program {
        let n = self.base.len();
        match recording {
            Recording::Function => Program::record(|x| self.kept_of(&(self.function)(x)), x),
            Recording::Weighted => Program::record(
                |xw| {
                    let y = self.kept_of(&(self.function)(&xw[..n]));
                    let zero = Traced::lit(0.0);
                    vec![y.iter().zip(&xw[n..]).fold(zero, |sum, (y, w)| sum + *y * *w)]
                },
                x,
            ),
        }
    }

    fn kept_of(&self, y: &[Traced]) -> Vec<Traced> {
        assert_eq!(y.len(), self.produced, "the function returns an entry for each of its outputs");
        self.kept.iter().map(|k| y[*k]).collect()
    }

    /// What `replay` makes of the recording; it is made anew where a branch goes another way.
    fn with<T>(
        &self,
        recording: Recording,
        x: &[f64],
        replay: impl Fn(&Program) -> Result<T, ReplayError>,
    ) -> Result<T, TrialFailure> {
        let slot = &self.programs[recording as usize];
        let last = slot.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(program) = last {
            match replay(&program) {
                Err(ReplayError::GuardFlipped { .. }) => {}
                result => return result.map_err(failure),
            }
        }
        let program = self.record(recording, x);
        let result = replay(&program).map_err(failure);
        *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(program);
        result
    }
}

fn failure(error: ReplayError) -> TrialFailure {
    match error {
        ReplayError::NoDerivative { rule, message } => {
            TrialFailure::NotDifferentiable { parameter: rule.into(), why: message }
        }
        other => TrialFailure::OutOfDomain { why: other.to_string() },
    }
}

impl Map for ClosureMap {
    fn input_len(&self) -> usize {
        self.free.len()
    }

    fn output_len(&self) -> usize {
        self.kept.len()
    }

    fn plan(&self, _: Keep) -> Cost {
        let work = format!("a function of {} numbers to {}", self.base.len(), self.produced);
        Cost { work, bytes: 8 * (self.base.len() + self.produced) as u64 }
    }

    fn has_second(&self) -> bool {
        true
    }

    fn run<'a>(
        &'a self,
        x: &[f64],
        _: Keep,
        _: SampleKey,
        _: &mut Workspace,
    ) -> Result<Box<dyn Linearised + 'a>, TrialFailure> {
        let mut all = self.base.clone();
        self.free.iter().zip(x).for_each(|(k, x)| all[*k] = *x);
        let entries = self.with(Recording::Function, &all, |p| p.call(&all))?;
        if let Some(k) = entries.iter().position(|y| !y.is_finite()) {
            return Err(TrialFailure::NonFinite { what: format!("entry {k} of the outputs") });
        }
        let values = Values { entries, ..Values::default() };
        Ok(Box::new(ClosureRun { map: self, x: all, values }))
    }
}

struct ClosureRun<'a> {
    map: &'a ClosureMap,
    x: Vec<f64>,
    values: Values,
}

impl ClosureRun<'_> {
    fn free_of(&self, by_x: &[f64]) -> Vec<f64> {
        self.map.free.iter().map(|k| by_x[*k]).collect()
    }

    fn spread(&self, tangent: &[f64]) -> Vec<f64> {
        let mut x_dot = vec![0.0; self.x.len()];
        self.map.free.iter().zip(tangent).for_each(|(k, t)| x_dot[*k] = *t);
        x_dot
    }
}

impl Linearised for ClosureRun<'_> {
    fn values(&self) -> &Values {
        &self.values
    }

    fn pullback(&self, cotangents: &[&[f64]]) -> Result<Vec<Vec<f64>>, TrialFailure> {
        let one = |y_bar: &&[f64]| {
            let replay = |p: &Program| p.vjp(&self.x, y_bar);
            Ok(self.free_of(&self.map.with(Recording::Function, &self.x, replay)?.1))
        };
        cotangents.iter().map(one).collect()
    }

    fn pushforward(&self, tangents: &[&[f64]]) -> Result<Vec<Vec<f64>>, TrialFailure> {
        let one = |x_dot: &&[f64]| {
            let x_dot = self.spread(x_dot);
            let replay = |p: &Program| p.jvp(&self.x, &x_dot);
            Ok(self.map.with(Recording::Function, &self.x, replay)?.1)
        };
        tangents.iter().map(one).collect()
    }

    fn second(&self, y_bar: &[f64], x_dot: &[f64]) -> Option<Result<Vec<f64>, TrialFailure>> {
        let weighted = [&self.x[..], y_bar].concat();
        let mut direction = self.spread(x_dot);
        direction.resize(weighted.len(), 0.0);
        let replay = |p: &Program| p.hvp(&weighted, &direction);
        let product = self.map.with(Recording::Weighted, &weighted, replay);
        Some(product.map(|(_, by_all)| self.free_of(&by_all)))
    }
}
