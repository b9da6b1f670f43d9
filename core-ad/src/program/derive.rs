//! Derivatives of a graph, recorded onto the same graph.
//!
//! The partials come from the one table, evaluated on [`Traced`] values: so a derivative is a program like any other,
//! shares what it can with the values, is optimised with them, and can be differentiated again.

use super::error::ReplayError;
use super::graph::{Binary, Graph, Id, Node, Unary};
use super::traced::{Recorder, Traced};
use crate::real::Num;
use crate::rules::{arithmetic_table, binary_table, integer_power, power_by_base};

/// Sweeps over a recorded graph.
pub(super) struct Derivation {
    recorder: &'static Recorder,
    /// The nodes as they were before.
    graph: Graph,
}

/// A partial derivative, and what is known of it.
#[derive(Clone, Copy)]
struct Partial {
    value: Traced,
    kind: PartialKind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum PartialKind {
    /// Finite wherever the operands are.
    Finite,
    /// It may be infinite: a sensitivity that is exactly 0 stays so.
    Pole,
    /// The function has no second derivative where this is infinite, and this is a second derivative: a sensitivity that is
    /// 0 there may be a zero of a convention, and must not hide it.
    Undefined,
    /// Infinite, or NaN where it is steep: a sensitivity that is 0 stays so on the way back only.
    Steep,
    /// 0 or 1, for the operand that a maximum or minimum takes: what is not taken contributes exactly 0.
    Choice,
}

impl Partial {
    /// The tangent times this.
    fn times_tangent(self, tangent: Traced) -> Traced {
        match self.kind {
            PartialKind::Steep => tangent * self.value,
            _ => self.times(tangent),
        }
    }

    /// The cotangent times this.
    fn times(self, sensitivity: Traced) -> Traced {
        match self.kind {
            PartialKind::Finite | PartialKind::Undefined => sensitivity * self.value,
            PartialKind::Pole | PartialKind::Steep => masked(sensitivity, self.value),
            PartialKind::Choice => masked(self.value, sensitivity),
        }
    }

    /// The same for a cotangent that came through a pole, so that it may be infinite where the value is not: an operand
    /// that does not move the pole gets 0.
    fn times_beyond_a_pole(self, cotangent: Traced) -> Traced {
        match self.kind {
            PartialKind::Finite => self.value.binary(Binary::BeyondPole, cotangent),
            _ => self.times(cotangent),
        }
    }
}

/// The product, and exactly 0 where the first factor is 0.
fn masked(first: Traced, second: Traced) -> Traced {
    first.binary(Binary::Masked, second)
}

/// Adds where there is something already.
fn add(slot: &mut Option<Traced>, x: Traced) {
    *slot = Some(slot.map_or(x, |s| s + x));
}

fn subtract(slot: &mut Option<Traced>, x: Traced) {
    *slot = Some(slot.map_or_else(|| -x, |s| s - x));
}

/// The partials that stand in the tables, for a [`Binary`].
macro_rules! partials_of_operators {
    ($($op:ident $method:ident $assign:ident $assigning:ident
        |$a:ident, $b:ident, $y:ident| $value:expr; $by_a:expr, $by_b:expr;)*) => {
        fn operator_partials(op: Binary, a: Traced, b: Traced, y: Traced) -> Option<[Traced; 2]> {
            match op {
                $(Binary::$op => {
                    let [$a, $b, $y] = [a, b, y];
                    let _ = ($a, $b);
                    Some([$by_a, $by_b])
                })*
                _ => None,
            }
        }
    };
}
arithmetic_table!(partials_of_operators);

macro_rules! partials_of_functions {
    ($($name:ident: |$a:ident, $b:ident, $y:ident| $by_a:expr, $by_b:expr;)*) => {
        /// A function of two arguments by its name in the table.
        mod named {
            use crate::program::traced::Traced;
            use crate::real::Num;
            $(pub(super) fn $name($a: Traced, $b: Traced, $y: Traced) -> [Traced; 2] {
                [$by_a, $by_b]
            })*
        }
    };
}
binary_table!(partials_of_functions);

/// Whether the derivative is infinite somewhere where the value is finite.
fn has_finite_pole(node: Node) -> bool {
    match node {
        Node::Unary(op, _) => op.has_finite_pole(),
        Node::Binary(op, ..) => matches!(op, Binary::PowerLog(_)),
        _ => false,
    }
}

impl Derivation {
    pub(super) fn new(recorder: &'static Recorder, graph: Graph) -> Self {
        recorder.mark_as_derivative();
        Self { recorder, graph }
    }

    fn at(&self, id: Id) -> Traced {
        self.recorder.value(id)
    }

    /// Partials of a function of two arguments.
    fn partials(&self, op: Binary, a: Id, b: Id, y: Id) -> [Option<Partial>; 2] {
        let [x, z, y] = [a, b, y].map(|id| self.at(id));
        let all = |kind, values: [Traced; 2]| {
            values.map(|value| (!value.is_constant_zero()).then_some(Partial { value, kind }))
        };
        let choice = |second: Traced| all(PartialKind::Choice, [-second + 1.0, second]);
        let second_order =
            if self.graph.is_derivative { PartialKind::Undefined } else { PartialKind::Pole };
        match op {
            Binary::Div => {
                all(PartialKind::Pole, operator_partials(op, x, z, y).expect("an operator"))
            }
            Binary::Add | Binary::Sub | Binary::Mul => {
                all(PartialKind::Finite, operator_partials(op, x, z, y).expect("an operator"))
            }
            Binary::PowerLog(0) => {
                let [by_base, by_exponent] = named::powf(x, z, y);
                // below an exponent of 1/2 it is steep at zero, above it is not
                let below = z.binary(Binary::Min, Traced::konst(0.5)) - 0.5;
                let by_base = by_base + masked(below, by_base) * 0.0;
                let is_steep = !below.is_constant_zero();
                let kind = if is_steep { PartialKind::Steep } else { PartialKind::Pole };
                let [first, _] = all(kind, [by_base, by_exponent]);
                let [_, second] = all(PartialKind::Pole, [by_base, by_exponent]);
                [first, second]
            }
            Binary::PowerLog(k) => {
                all(PartialKind::Pole, [power_by_base(x, z, k), x.power_log(z, k + 1)])
            }
            Binary::Atan2 => all(PartialKind::Steep, named::atan2(x, z, y)),
            Binary::Hypot => all(PartialKind::Finite, named::hypot(x, z, y)),
            Binary::OverNorm => all(second_order, [z.recip(), -y * z.recip()]),
            Binary::Max => choice(z.binary(Binary::Greater, x)),
            Binary::Min => choice(x.binary(Binary::Greater, z)),
            Binary::Greater => [None, None],
            Binary::BeyondPole => all(PartialKind::Undefined, [z, x]),
            Binary::Masked => [
                Some(Partial { value: z, kind: PartialKind::Pole }),
                Some(Partial { value: x, kind: PartialKind::Choice }),
            ],
        }
    }

    fn unary_partial(&self, op: Unary, a: Id, y: Id) -> Option<Partial> {
        let x = self.at(a);
        if op == Unary::sign && self.graph.is_derivative {
            // 0, and NaN at the jump: the derivative of |x| there is a convention, and has no derivative
            return Some(Partial { value: x.recip() * 0.0, kind: PartialKind::Undefined });
        }
        let kind = match op {
            _ if op.is_smooth() => PartialKind::Finite,
            _ if self.graph.is_derivative && op.has_finite_pole() => PartialKind::Undefined,
            Unary::cbrt => PartialKind::Steep,
            _ => PartialKind::Pole,
        };
        op.partial(x, self.at(y)).map(|value| Partial { value, kind })
    }

    fn power_partial(&self, a: Id, n: i32) -> Partial {
        let kind = if n < 1 { PartialKind::Pole } else { PartialKind::Finite };
        Partial { value: integer_power(self.at(a), n), kind }
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
        // whose cotangent came through a function that is finite where its derivative is not
        let mut beyond_a_pole = vec![false; self.graph.nodes.len()];
        for (id, node) in self.graph.numbered().rev() {
            let (true, Some(y_bar)) = (depends[id as usize], bar[id as usize]) else { continue };
            let beyond = beyond_a_pole[id as usize] || has_finite_pole(*node);
            let times = |partial: Partial| {
                if beyond_a_pole[id as usize] {
                    partial.times_beyond_a_pole(y_bar)
                } else {
                    partial.times(y_bar)
                }
            };
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
                        add(&mut bar[a as usize], times(p));
                    }
                }
                Node::Power(a, n) => {
                    add(&mut bar[a as usize], times(self.power_partial(a, n)));
                }
                Node::Binary(op, a, b) => {
                    let partials = self.partials(op, a, b, id);
                    for (x, p) in [a, b].into_iter().zip(partials) {
                        if let (true, Some(p)) = (depends[x as usize], p) {
                            add(&mut bar[x as usize], times(p));
                        }
                    }
                }
                Node::Output { call, output } => {
                    self.reverse_call(call, id - output, &mut bar)?;
                }
            }
            for operand in node.operands().into_iter().flatten() {
                beyond_a_pole[operand as usize] |= beyond;
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
                    op => self.unary_partial(op, a, id).map(|p| p.times_tangent(x_dot)),
                }),
                Node::Power(a, n) => {
                    dot[a as usize].map(|x_dot| self.power_partial(a, n).times_tangent(x_dot))
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
                        add(&mut y_dot, p.times_tangent(x_dot));
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
