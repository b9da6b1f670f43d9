//! Derivatives of a graph, recorded onto the same graph.
//!
//! The partials come from the one table, evaluated on [`Traced`] values: so a derivative is a program like any other,
//! shares what it can with the values, is optimised with them, and can be differentiated again.

use super::error::ReplayError;
use super::graph::{Binary, Graph, Id, Node, Unary};
use super::traced::{Recorder, Traced};
use crate::real::Num;
use crate::rules::integer_power;

/// Sweeps over a recorded graph.
pub(super) struct Derivation {
    recorder: &'static Recorder,
    /// The nodes as they were before.
    graph: Graph,
}

/// A sensitivity times a partial that may be infinite: exactly 0 where the sensitivity is.
fn masked(sensitivity: Traced, partial: Traced) -> Traced {
    sensitivity.binary(Binary::Masked, partial)
}

/// Adds where there is something already.
fn add(slot: &mut Option<Traced>, x: Traced) {
    *slot = Some(slot.map_or(x, |s| s + x));
}

fn subtract(slot: &mut Option<Traced>, x: Traced) {
    *slot = Some(slot.map_or_else(|| -x, |s| s - x));
}

impl Derivation {
    pub(super) fn new(recorder: &'static Recorder, graph: Graph) -> Self {
        Self { recorder, graph }
    }

    fn at(&self, id: Id) -> Traced {
        self.recorder.value(id)
    }

    /// Partials of a function of two arguments, each with whether it may be infinite.
    fn partials(&self, op: Binary, a: Id, b: Id, y: Id) -> [Option<(Traced, bool)>; 2] {
        let [x, z, y] = [a, b, y].map(|id| self.at(id));
        let one = Traced::konst(1.0);
        let finite = |p| Some((p, false));
        let pole = |p| Some((p, true));
        match op {
            Binary::Add => [finite(one), finite(one)],
            Binary::Sub => [finite(one), finite(-one)],
            Binary::Mul => [finite(z), finite(x)],
            Binary::Div => [pole(z.recip()), pole(-y * z.recip())],
            Binary::Powf => [
                (!z.is_constant_zero()).then(|| (z * x.powf(z - 1.0), true)),
                pole(masked(y, x.ln())),
            ],
            Binary::Atan2 => {
                let square = x * x + z * z;
                [pole(z / square), pole(-x / square)]
            }
            Binary::Hypot => [pole(masked(x, y.recip())), pole(masked(z, y.recip()))],
            Binary::Max => {
                let second = z.binary(Binary::Greater, x);
                [finite(-second + 1.0), finite(second)]
            }
            Binary::Min => {
                let second = x.binary(Binary::Greater, z);
                [finite(-second + 1.0), finite(second)]
            }
            Binary::Greater => [None, None],
            Binary::Masked => [pole(z), pole(x)],
        }
    }

    fn unary_partial(&self, op: Unary, a: Id, y: Id) -> Option<(Traced, bool)> {
        op.partial(self.at(a), self.at(y)).map(|p| (p, !op.is_smooth()))
    }

    fn power_partial(&self, a: Id, n: i32) -> (Traced, bool) {
        (integer_power(self.at(a), n), n < 1)
    }

    fn times(sensitivity: Traced, (partial, pole): (Traced, bool)) -> Traced {
        if pole { masked(sensitivity, partial) } else { sensitivity * partial }
    }

    /// Cotangents of the inputs, for cotangents of `outputs`; none where no output depends on it. Only inputs for which
    /// `active` holds are followed.
    ///
    /// # Errors
    /// A rule without a derivative.
    pub(super) fn reverse(
        &self,
        outputs: &[Id],
        y_bar: &[Traced],
        active: impl Fn(u32) -> bool,
    ) -> Result<Vec<Option<Traced>>, ReplayError> {
        let depends = self.graph.depends_on(active);
        let mut bar: Vec<Option<Traced>> = vec![None; self.graph.nodes.len()];
        for (id, y_bar) in outputs.iter().zip(y_bar) {
            add(&mut bar[*id as usize], *y_bar);
        }
        let mut inputs = vec![None; self.graph.inputs as usize];
        for (id, node) in self.graph.numbered().rev() {
            let (true, Some(y_bar)) = (depends[id as usize], bar[id as usize]) else { continue };
            match *node {
                Node::Input(k) => inputs[k as usize] = Some(y_bar),
                Node::Constant(_) => {}
                Node::Unary(Unary::neg, a) => subtract(&mut bar[a as usize], y_bar),
                Node::Binary(Binary::Sub, a, b) => {
                    if depends[a as usize] {
                        add(&mut bar[a as usize], y_bar);
                    }
                    if depends[b as usize] {
                        subtract(&mut bar[b as usize], y_bar);
                    }
                }
                Node::Unary(op, a) => {
                    if let Some(p) = self.unary_partial(op, a, id) {
                        add(&mut bar[a as usize], Self::times(y_bar, p));
                    }
                }
                Node::Power(a, n) => {
                    add(&mut bar[a as usize], Self::times(y_bar, self.power_partial(a, n)));
                }
                Node::Binary(op, a, b) => {
                    let partials = self.partials(op, a, b, id);
                    for (x, p) in [a, b].into_iter().zip(partials) {
                        if let (true, Some(p)) = (depends[x as usize], p) {
                            add(&mut bar[x as usize], Self::times(y_bar, p));
                        }
                    }
                }
                Node::Output { call, output } => {
                    self.reverse_call(call, id - output, &mut bar)?;
                }
            }
        }
        Ok(inputs)
    }

    /// Through a rule, once, when the last of its outputs that has a cotangent is reached: the others are cleared.
    fn reverse_call(
        &self,
        call: u32,
        first: Id,
        bar: &mut [Option<Traced>],
    ) -> Result<(), ReplayError> {
        let call = &self.graph.calls[call as usize];
        let outputs = first..first + call.outputs;
        let y_bar: Vec<Traced> = outputs
            .clone()
            .map(|id| bar[id as usize].take().unwrap_or(Traced::konst(0.0)))
            .collect();
        let x: Vec<Traced> = call.inputs.iter().map(|id| self.at(*id)).collect();
        let y: Vec<Traced> = outputs.map(|id| self.at(id)).collect();
        for (id, x_bar) in call.inputs.iter().zip(call.rule.vjp(&x, &y, &y_bar)?) {
            if !x_bar.is_constant_zero() {
                add(&mut bar[*id as usize], x_bar);
            }
        }
        Ok(())
    }

    /// Tangents of `outputs`, for tangents of the inputs; none where it is zero by structure.
    ///
    /// # Errors
    /// A rule without a derivative.
    pub(super) fn forward(
        &self,
        outputs: &[Id],
        x_dot: &[Option<Traced>],
    ) -> Result<Vec<Option<Traced>>, ReplayError> {
        let mut dot: Vec<Option<Traced>> = vec![None; self.graph.nodes.len()];
        for (id, node) in self.graph.numbered() {
            let y_dot = match *node {
                Node::Input(k) => x_dot[k as usize],
                Node::Constant(_) => None,
                Node::Unary(op, a) => dot[a as usize].and_then(|x_dot| match op {
                    Unary::neg => Some(-x_dot),
                    op => self.unary_partial(op, a, id).map(|p| Self::times(x_dot, p)),
                }),
                Node::Power(a, n) => {
                    dot[a as usize].map(|x_dot| Self::times(x_dot, self.power_partial(a, n)))
                }
                Node::Binary(op, a, b) => self.forward_binary(op, [a, b, id], &dot),
                Node::Output { call, output } => {
                    if output == 0 {
                        self.forward_call(call, id, &mut dot)?;
                    }
                    continue;
                }
            };
            dot[id as usize] = y_dot;
        }
        Ok(outputs.iter().map(|id| dot[*id as usize]).collect())
    }

    fn forward_binary(
        &self,
        op: Binary,
        [a, b, y]: [Id; 3],
        dot: &[Option<Traced>],
    ) -> Option<Traced> {
        let (a_dot, b_dot) = (dot[a as usize], dot[b as usize]);
        match (op, a_dot, b_dot) {
            (_, None, None) => None,
            (Binary::Sub, Some(a_dot), Some(b_dot)) => Some(a_dot - b_dot),
            (Binary::Sub, None, Some(b_dot)) => Some(-b_dot),
            _ => {
                let mut y_dot = None;
                let partials = self.partials(op, a, b, y);
                for (x_dot, p) in [a_dot, b_dot].into_iter().zip(partials) {
                    if let (Some(x_dot), Some(p)) = (x_dot, p) {
                        add(&mut y_dot, Self::times(x_dot, p));
                    }
                }
                y_dot
            }
        }
    }

    fn forward_call(
        &self,
        call: u32,
        first: Id,
        dot: &mut [Option<Traced>],
    ) -> Result<(), ReplayError> {
        let call = &self.graph.calls[call as usize];
        if call.inputs.iter().all(|id| dot[*id as usize].is_none()) {
            return Ok(());
        }
        let outputs = first..first + call.outputs;
        let x: Vec<Traced> = call.inputs.iter().map(|id| self.at(*id)).collect();
        let y: Vec<Traced> = outputs.clone().map(|id| self.at(id)).collect();
        let zero = Traced::konst(0.0);
        let x_dot: Vec<Traced> =
            call.inputs.iter().map(|id| dot[*id as usize].unwrap_or(zero)).collect();
        for (id, y_dot) in outputs.zip(call.rule.jvp(&x, &y, &x_dot)?) {
            dot[id as usize] = (!y_dot.is_constant_zero()).then_some(y_dot);
        }
        Ok(())
    }
}

/// Row, column and value of an entry.
type Entry = ([usize; 2], Traced);
/// A graph, the nodes in it that are entries of a Jacobian, and their rows and columns.
pub(super) type Entries = (Graph, Vec<Id>, Vec<[usize; 2]>);

/// A graph that computes the entries of the Jacobian of `outputs` by the inputs `columns` that are not zero by
/// structure: those nodes, and their rows and columns (as places in `columns`). Forward or reverse, whichever records
/// fewer values.
///
/// # Errors
/// A rule without a derivative, in both directions.
pub(super) fn jacobian(
    graph: &Graph,
    outputs: &[Id],
    columns: &[u32],
) -> Result<Entries, ReplayError> {
    let forward = |d: &Derivation| -> Result<Vec<Entry>, ReplayError> {
        let mut entries = Vec::new();
        for (column, k) in columns.iter().enumerate() {
            let seed = |i| (i == *k).then(|| Traced::konst(1.0));
            let x_dot: Vec<_> = (0..graph.inputs).map(seed).collect();
            for (row, y_dot) in d.forward(outputs, &x_dot)?.into_iter().enumerate() {
                entries.extend(y_dot.map(|y_dot| ([row, column], y_dot)));
            }
        }
        entries.sort_by_key(|e| e.0);
        Ok(entries)
    };
    let reverse = |d: &Derivation| -> Result<Vec<Entry>, ReplayError> {
        let mut entries = Vec::new();
        for (row, id) in outputs.iter().enumerate() {
            let x_bar = d.reverse(&[*id], &[Traced::konst(1.0)], |k| columns.contains(&k))?;
            for (column, k) in columns.iter().enumerate() {
                entries.extend(x_bar[*k as usize].map(|x_bar| ([row, column], x_bar)));
            }
        }
        Ok(entries)
    };
    let build = |sweep: &dyn Fn(&Derivation) -> Result<Vec<Entry>, ReplayError>| -> Result<Entries, ReplayError> {
        let (entries, built) = Recorder::extend(graph.clone(), |recorder| -> Result<Vec<([usize; 2], Id)>, ReplayError> {
            let derivation = Derivation::new(recorder, graph.clone());
            let entries = sweep(&derivation)?;
            Ok(entries.into_iter().map(|(at, x)| (at, recorder.node(x))).collect())
        });
        let (pattern, nodes) = entries?.into_iter().unzip();
        Ok((built, nodes, pattern))
    };
    match (build(&forward), build(&reverse)) {
        (Ok(a), Ok(b)) if b.0.nodes.len() < a.0.nodes.len() => Ok(b),
        (Ok(a), _) => Ok(a),
        (Err(_), found) => found,
    }
}
