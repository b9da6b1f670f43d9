//! A loop whose step is a program.

pub(super) mod rule;
pub(super) mod tangent;

use std::sync::{Arc, OnceLock};

use crate::checkpoint::{Action, Schedule};
use crate::program::derive::{Derivation, Sensitivity};
use crate::program::error::ReplayError;
use crate::program::graph::{Graph, GuardLine, Id};
use crate::program::record::{Recorder, Traced};
use crate::program::wide::Wide;
use crate::program::wide::run::{Values, run};

/// A loop over items: `(state, item, parameters) -> (next state, outputs)`, with the outputs added up over the steps.
///
/// The step is recorded once; the loop, forward and reverse, is the engine's. Its memory follows a [`Schedule`], under any of
/// which the result is the same, bit for bit.
///
/// ```
/// use cotangent_ad::program::{ScanProgram, Traced};
/// use cotangent_ad::{Num, Schedule};
///
/// // exponential smoothing, and the squared error of predicting the next item
/// let step = |s: &[Traced], x: &[Traced], p: &[Traced]| {
///     let error = x[0] - s[0];
///     (vec![s[0] + p[0] * error], vec![error * error])
/// };
/// let series = [1.0, 0.5, 0.75, 0.25];
/// let program = ScanProgram::record(step, &[0.0], &series[..1], &[0.3])?;
/// let found = program.vjp(&[0.0], &series, &[0.3], &[0.0], &[1.0], Schedule::StoreAll)?;
/// let loss = |a: f64| {
///     let (mut s, mut y) = (0.0, 0.0);
///     for x in series {
///         y += (x - s) * (x - s);
///         s += a * (x - s);
///     }
///     y
/// };
/// let slope = (loss(0.3 + 1e-6) - loss(0.3 - 1e-6)) / 2e-6;
/// assert!((found.outputs[0] - loss(0.3)).abs() < 1e-15 && (found.p_bar[0] - slope).abs() < 1e-9);
/// # Ok::<(), cotangent_ad::program::ReplayError>(())
/// ```
#[derive(Debug)]
pub struct ScanProgram {
    pub(in crate::program) graph: Graph,
    /// Next state, outputs.
    pub(in crate::program) results: Vec<Id>,
    pub(in crate::program) code: Wide,
    /// Cotangents of state and parameters; those of the results are further inputs.
    pub(in crate::program) pullback: OnceLock<Result<(Graph, Wide), ReplayError>>,
    /// The loop over states with their tangents.
    pub(in crate::program) tangent: OnceLock<Result<Arc<Self>, ReplayError>>,
    pub(in crate::program) state: usize,
    pub(in crate::program) width: usize,
    pub(in crate::program) parameters: usize,
}

/// What [`ScanProgram::vjp`] finds.
#[derive(Clone, Debug, PartialEq)]
pub struct ScanGradient {
    /// The state after the last step.
    pub state: Vec<f64>,
    /// Outputs, added up over the steps.
    pub outputs: Vec<f64>,
    /// Cotangent of the initial state.
    pub state_bar: Vec<f64>,
    /// Cotangent of the parameters.
    pub p_bar: Vec<f64>,
}

impl ScanProgram {
    /// Records the step `f` at a state, an item and parameters; it returns the next state and the step's outputs.
    ///
    /// # Errors
    /// Where the next state has another length than the state.
    pub fn record(
        f: impl FnOnce(&[Traced], &[Traced], &[Traced]) -> (Vec<Traced>, Vec<Traced>),
        state: &[f64],
        item: &[f64],
        p: &[f64],
    ) -> Result<Self, ReplayError> {
        let mut next_len = 0;
        let (results, graph) = Recorder::extend(Graph::default(), |recorder| {
            let inputs = [state, item, p].map(|x| {
                let input = |x: &f64| recorder.input(*x);
                x.iter().map(input).collect::<Vec<Traced>>()
            });
            let (next, outputs) = f(&inputs[0], &inputs[1], &inputs[2]);
            next_len = next.len();
            next.into_iter().chain(outputs).map(|y| recorder.node(y)).collect::<Vec<Id>>()
        });
        ReplayError::shape("next state", state.len(), next_len)?;
        let code = Wide::compile(&graph, &results);
        let (state, width, parameters) = (state.len(), item.len(), p.len());
        let (pullback, tangent) = (OnceLock::new(), OnceLock::new());
        Ok(Self { graph, results, code, pullback, tangent, state, width, parameters })
    }

    /// Number of outputs.
    pub fn outputs(&self) -> usize {
        self.results.len() - self.state
    }

    fn steps(&self, state: &[f64], items: &[f64], p: &[f64]) -> Result<usize, ReplayError> {
        ReplayError::shape("state", self.state, state.len())?;
        ReplayError::shape("parameters", self.parameters, p.len())?;
        if self.width == 0 || !items.len().is_multiple_of(self.width) {
            return Err(ReplayError::Items { width: self.width, found: items.len() });
        }
        Ok(items.len() / self.width)
    }

    /// The last state, and the outputs added up.
    ///
    /// # Errors
    /// Wrong lengths; a branch that goes another way at some item, a rule without a value.
    pub fn call(
        &self,
        state: &[f64],
        items: &[f64],
        p: &[f64],
    ) -> Result<(Vec<f64>, Vec<f64>), ReplayError> {
        let n = self.steps(state, items, p)?;
        let mut forward = Forward::new(self, items, p);
        let (mut state, mut sums) = (state.to_vec(), vec![0.0; self.outputs()]);
        for k in 0..n {
            forward.step(k, &mut state, Some(&mut sums))?;
        }
        Ok((state, sums))
    }

    /// Values and cotangents, for cotangents `state_bar` of the last state and `y_bar` of the outputs.
    ///
    /// # Errors
    /// As [`ScanProgram::call`].
    ///
    /// # Panics
    /// Where the schedule has no slot at all.
    pub fn vjp(
        &self,
        state: &[f64],
        items: &[f64],
        p: &[f64],
        state_bar: &[f64],
        y_bar: &[f64],
        schedule: Schedule,
    ) -> Result<ScanGradient, ReplayError> {
        let n = self.steps(state, items, p)?;
        ReplayError::shape("state_bar", self.state, state_bar.len())?;
        ReplayError::shape("y_bar", self.outputs(), y_bar.len())?;
        let mut forward = Forward::new(self, items, p);
        let mut backward = Backward::new(self, items, p, y_bar)?;
        let mut kept = vec![state.to_vec(); schedule.slots(n)];
        let (mut at, mut last) = (state.to_vec(), state.to_vec());
        let mut outputs = vec![0.0; self.outputs()];
        let mut state_bar = state_bar.to_vec();
        let mut seen = 0;
        for action in schedule.actions(n) {
            let mut go = |at: &mut Vec<f64>, k: usize| {
                // outputs count when a step is first passed
                let sums = (k == seen).then_some(&mut outputs);
                seen = seen.max(k + 1);
                forward.step(k, at, sums)
            };
            match action {
                Action::Advance { from, to } => {
                    (from..to).try_for_each(|k| go(&mut at, k))?;
                }
                Action::Store { slot, .. } => kept[slot].copy_from_slice(&at),
                Action::Restore { slot, .. } => at.copy_from_slice(&kept[slot]),
                // a step has no tape of its own: its state is kept
                Action::Tape { step, slot } => {
                    kept[slot].copy_from_slice(&at);
                    go(&mut at, step)?;
                }
                Action::Reverse { step } => {
                    if step + 1 == n {
                        last.copy_from_slice(&at);
                        go(&mut last, step)?;
                    }
                    backward.step(step, &at, &mut state_bar)?;
                }
                Action::ReverseTaped { step, slot } => {
                    backward.step(step, &kept[slot], &mut state_bar)?;
                }
                Action::Discard { .. } => {}
            }
        }
        Ok(ScanGradient { state: last, outputs, state_bar, p_bar: backward.p_bar })
    }

    fn pullback(&self) -> Result<&(Graph, Wide), ReplayError> {
        let found = self.pullback.get_or_init(|| {
            let record = |recorder: &'static Recorder| -> Result<Vec<Id>, ReplayError> {
                let bars: Vec<Traced> = self.results.iter().map(|_| recorder.input(1.0)).collect();
                let derivation = Derivation::new(recorder, self.graph.clone());
                let items = self.state..self.state + self.width;
                let active = |k: u32| !items.contains(&(k as usize));
                // the cotangents of a state are those of the step after it: a zero among them may have been computed
                let seeds = bars.into_iter().enumerate().map(|(k, bar)| {
                    if k < self.state {
                        Sensitivity::of_asked(bar)
                    } else {
                        Sensitivity::of_seed(bar)
                    }
                });
                let x_bar = derivation.reverse(&self.results, seeds, active)?;
                let wanted = x_bar.into_iter().enumerate().filter(|(k, _)| !items.contains(k));
                let zero = Traced::konst(0.0);
                Ok(wanted.map(|(_, x_bar)| recorder.node(x_bar.unwrap_or(zero))).collect())
            };
            let (outputs, graph) = Recorder::extend(self.graph.clone(), record);
            let code = Wide::compile(&graph, &outputs?);
            Ok((graph, code))
        });
        found.as_ref().map_err(Clone::clone)
    }
}

/// A step's program with its inputs.
struct Step<'a> {
    graph: &'a Graph,
    code: &'a Wide,
    values: Values,
    items: &'a [f64],
    width: usize,
}

impl<'a> Step<'a> {
    fn new(
        scan: &ScanProgram,
        (graph, code): (&'a Graph, &'a Wide),
        items: &'a [f64],
        p: &[f64],
    ) -> Self {
        let mut values = Values::new(code);
        let first = scan.state + scan.width;
        values.inputs(code)[first..first + p.len()].copy_from_slice(p);
        Self { graph, code, values, items, width: scan.width }
    }

    /// Runs step `k` from `state`.
    fn run(&mut self, k: usize, state: &[f64]) -> Result<(), ReplayError> {
        let inputs = self.values.inputs(self.code);
        inputs[..state.len()].copy_from_slice(state);
        let item = &self.items[k * self.width..][..self.width];
        inputs[state.len()..][..self.width].copy_from_slice(item);
        let guard = |g: u32| GuardLine(self.graph, &self.graph.guards[g as usize]).to_string();
        run(self.code, self.graph, &mut self.values)
            .map_err(|stop| ReplayError::stopped(k, stop, guard))
    }
}

struct Forward<'a>(Step<'a>);

impl<'a> Forward<'a> {
    fn new(scan: &'a ScanProgram, items: &'a [f64], p: &[f64]) -> Self {
        Self(Step::new(scan, (&scan.graph, &scan.code), items, p))
    }

    fn step(
        &mut self,
        k: usize,
        state: &mut [f64],
        sums: Option<&mut Vec<f64>>,
    ) -> Result<(), ReplayError> {
        self.0.run(k, state)?;
        let mut results = self.0.values.outputs(self.0.code);
        state.iter_mut().zip(&mut results).for_each(|(s, next)| *s = next);
        if let Some(sums) = sums {
            sums.iter_mut().zip(results).for_each(|(sum, y)| *sum += y);
        }
        Ok(())
    }
}

struct Backward<'a> {
    step: Step<'a>,
    p_bar: Vec<f64>,
}

impl<'a> Backward<'a> {
    fn new(
        scan: &'a ScanProgram,
        items: &'a [f64],
        p: &[f64],
        y_bar: &[f64],
    ) -> Result<Self, ReplayError> {
        let (graph, code) = scan.pullback()?;
        let mut step = Step::new(scan, (graph, code), items, p);
        let first = scan.state + scan.width + scan.parameters + scan.state;
        step.values.inputs(code)[first..].copy_from_slice(y_bar);
        Ok(Self { step, p_bar: vec![0.0; p.len()] })
    }

    fn step(&mut self, k: usize, state: &[f64], state_bar: &mut [f64]) -> Result<(), ReplayError> {
        let first = state.len() + self.step.width + self.p_bar.len();
        let inputs = self.step.values.inputs(self.step.code);
        inputs[first..first + state.len()].copy_from_slice(state_bar);
        self.step.run(k, state)?;
        let Step { values, code, .. } = &self.step;
        state_bar.iter_mut().zip(values.outputs(code)).for_each(|(s, next)| *s = next);
        values.add_outputs(code, state_bar.len(), &mut self.p_bar);
        Ok(())
    }
}
