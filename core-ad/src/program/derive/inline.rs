//! Derivatives and graphs within a recording in progress.

use super::{Derivation, Sensitivity};
use crate::program::error::ReplayError;
use crate::program::graph::{Graph, Id, Node};
use crate::program::record::{Recorder, Traced};
use crate::real::Num;

/// Outputs of a recording in progress, and which of its inputs a derivative is by.
struct Within {
    derivation: Derivation,
    /// Of each of the recording's inputs its place in `x`.
    places: Vec<Option<usize>>,
    outputs: Vec<Id>,
}

impl Within {
    /// # Panics
    /// Where `x` is empty or holds anything but inputs.
    fn new(y: &[Traced], x: &[Traced]) -> Self {
        let recorder = x.iter().find_map(|x| x.checked()).expect("inputs of a recording");
        let outputs = y.iter().map(|y| recorder.node(*y)).collect();
        let graph = recorder.graph();
        let mut places = vec![None; graph.inputs as usize];
        for (place, x) in x.iter().enumerate() {
            match graph.nodes[recorder.node(*x) as usize] {
                Node::Input(k) => places[k as usize] = Some(place),
                _ => panic!("a derivative by something that is no input"),
            }
        }
        Self { derivation: Derivation::new(recorder, graph), places, outputs }
    }
}

fn or_zero(x: Option<Traced>) -> Traced {
    x.unwrap_or(Traced::konst(0.0))
}

/// Cotangents of the inputs `x` for cotangents `y_bar` of `y`.
///
/// # Errors
/// A rule without a derivative.
pub(in crate::program) fn cotangents(
    y: &[Traced],
    y_bar: &[Traced],
    x: &[Traced],
) -> Result<Vec<Traced>, ReplayError> {
    let within = Within::new(y, x);
    let active = |k: u32| within.places[k as usize].is_some();
    let seeds = y_bar.iter().map(|y_bar| Sensitivity::of_seed(*y_bar));
    let found = within.derivation.reverse(&within.outputs, seeds, active)?;
    let mut x_bar = vec![Traced::konst(0.0); x.len()];
    for (place, bar) in within.places.iter().zip(found) {
        if let Some(place) = place {
            x_bar[*place] = or_zero(bar);
        }
    }
    Ok(x_bar)
}

/// Tangents of `y` for tangents `x_dot` of the inputs `x`.
///
/// # Errors
/// A rule without a derivative.
pub(in crate::program) fn tangents(
    y: &[Traced],
    x: &[Traced],
    x_dot: &[Traced],
) -> Result<Vec<Traced>, ReplayError> {
    let within = Within::new(y, x);
    let seeds: Vec<_> = within.places.iter().map(|place| place.map(|k| x_dot[k])).collect();
    Ok(within.derivation.forward(&within.outputs, &seeds)?.into_iter().map(or_zero).collect())
}

impl Graph {
    /// Records this graph once more, with other inputs that have the same values; returns all its nodes there.
    pub(in crate::program) fn inlined(
        &self,
        recorder: &'static Recorder,
        inputs: &[Traced],
    ) -> Vec<Traced> {
        if self.is_derivative {
            recorder.mark_as_derivative();
        }
        let mut there: Vec<Traced> = Vec::with_capacity(self.nodes.len());
        for (id, node) in self.nodes.iter().enumerate() {
            let at = |id: Id| there[id as usize];
            let found = match *node {
                Node::Input(k) => inputs[k as usize],
                Node::Constant(bits) => Traced::konst(f64::from_bits(bits)),
                Node::Unary(op, a) => op.value(at(a)),
                Node::Binary(op, a, b) => at(a).binary(op, at(b)),
                Node::Power(a, n) => at(a).powi(n),
                Node::Output { output, .. } if output > 0 => continue,
                Node::Output { call, .. } => {
                    let call = &self.calls[call as usize];
                    let x: Vec<Traced> = call.inputs.iter().map(|i| at(*i)).collect();
                    let y = &self.values[id..][..call.outputs as usize];
                    there.extend(recorder.call(call.rule.clone(), &x, y));
                    continue;
                }
            };
            there.push(found);
        }
        for g in &self.guards {
            there[g.a as usize].compare(g.relation, there[g.b as usize]);
        }
        there
    }
}
