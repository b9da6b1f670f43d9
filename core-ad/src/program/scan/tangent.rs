//! Directional derivatives of a loop: a loop over states and their tangents, which is a [`ScanProgram`] itself. Its
//! pullback is second order: reverse over forward.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use super::{ScanGradient, ScanProgram};
use crate::checkpoint::Schedule;
use crate::program::derive::inline::tangents;
use crate::program::error::ReplayError;
use crate::program::graph::{Graph, Id};
use crate::program::record::{Recorder, Traced};
use crate::program::wide::Wide;

/// What [`ScanProgram::jvp`] finds.
#[derive(Clone, Debug, PartialEq)]
pub struct ScanTangent {
    /// The state after the last step, and its tangent.
    pub state: [Vec<f64>; 2],
    /// Outputs, added up over the steps, and their tangents.
    pub outputs: [Vec<f64>; 2],
}

/// What [`ScanProgram::hvp`] finds of `state_bar . state + y_bar . outputs`.
#[derive(Clone, Debug, PartialEq)]
pub struct ScanCurvature {
    /// Gradient by the initial state, and the Hessian's product there.
    pub state: [Vec<f64>; 2],
    /// Gradient by the parameters, and the Hessian's product there.
    pub p: [Vec<f64>; 2],
}

fn halves(mut x: Vec<f64>) -> [Vec<f64>; 2] {
    let second = x.split_off(x.len() / 2);
    [x, second]
}

fn pair(x: &[f64], x_dot: &[f64]) -> Vec<f64> {
    [x, x_dot].concat()
}

impl ScanProgram {
    /// The last state and the outputs with their derivatives along `state_dot` and `p_dot`.
    ///
    /// # Errors
    /// As [`ScanProgram::call`].
    pub fn jvp(
        &self,
        state: &[f64],
        items: &[f64],
        p: &[f64],
        (state_dot, p_dot): (&[f64], &[f64]),
    ) -> Result<ScanTangent, ReplayError> {
        self.check_tangents(state_dot, p_dot)?;
        let (state, outputs) =
            self.tangent()?.call(&pair(state, state_dot), items, &pair(p, p_dot))?;
        Ok(ScanTangent { state: halves(state), outputs: halves(outputs) })
    }

    /// Gradient of `state_bar . state + y_bar . outputs`, and its Hessian times `(state_dot, p_dot)`.
    ///
    /// # Errors
    /// As [`ScanProgram::call`].
    ///
    /// # Panics
    /// Where the schedule has no slot at all.
    pub fn hvp(
        &self,
        (state, items, p): (&[f64], &[f64], &[f64]),
        (state_dot, p_dot): (&[f64], &[f64]),
        (state_bar, y_bar): (&[f64], &[f64]),
        schedule: Schedule,
    ) -> Result<ScanCurvature, ReplayError> {
        self.check_tangents(state_dot, p_dot)?;
        // the cotangent of the tangents alone: theirs are gradients, those of the values products with the Hessian
        let of_tangents = |bar: &[f64]| pair(&vec![0.0; bar.len()], bar);
        let found = self.tangent()?.vjp(
            &pair(state, state_dot),
            items,
            &pair(p, p_dot),
            &of_tangents(state_bar),
            &of_tangents(y_bar),
            schedule,
        )?;
        let ScanGradient { state_bar, p_bar, .. } = found;
        let gradient_first = |x| {
            let [product, gradient] = halves(x);
            [gradient, product]
        };
        Ok(ScanCurvature { state: gradient_first(state_bar), p: gradient_first(p_bar) })
    }

    fn check_tangents(&self, state_dot: &[f64], p_dot: &[f64]) -> Result<(), ReplayError> {
        ReplayError::shape("state_dot", self.state, state_dot.len())?;
        ReplayError::shape("p_dot", self.parameters, p_dot.len())
    }

    /// `((s, s_dot), item, (p, p_dot)) -> ((s, s_dot) next, (y, y_dot))`.
    pub(in crate::program) fn tangent(&self) -> Result<Arc<Self>, ReplayError> {
        let found = self.tangent.get_or_init(|| {
            let (s, w) = (self.state, self.width);
            let record = |recorder: &'static Recorder| -> Result<Vec<Id>, ReplayError> {
                // inputs are the first nodes of a graph, in their order
                let inputs = |range: Range<usize>| -> Vec<Traced> {
                    self.graph.values[range].iter().map(|x| recorder.input(*x)).collect()
                };
                let (state, state_dot) = (inputs(0..s), inputs(0..s));
                let item = inputs(s..s + w);
                let of_p = s + w..s + w + self.parameters;
                let (p, p_dot) = (inputs(of_p.clone()), inputs(of_p));
                let nodes = self.graph.inlined(recorder, &[&state[..], &item, &p].concat());
                let y: Vec<Traced> = self.results.iter().map(|id| nodes[*id as usize]).collect();
                let (x, x_dot) = ([state, p].concat(), [state_dot, p_dot].concat());
                let y_dot = tangents(&y, &x, &x_dot)?;
                let (next, outputs) = y.split_at(s);
                let (next_dot, outputs_dot) = y_dot.split_at(s);
                let results = [next, next_dot, outputs, outputs_dot].concat();
                Ok(results.into_iter().map(|y| recorder.node(y)).collect())
            };
            let (results, graph) = Recorder::extend(Graph::default(), record);
            let results = results?;
            let code = Wide::compile(&graph, &results);
            Ok(Arc::new(Self {
                graph,
                results,
                code,
                pullback: OnceLock::new(),
                tangent: OnceLock::new(),
                state: 2 * s,
                width: w,
                parameters: 2 * self.parameters,
            }))
        });
        found.clone()
    }
}
