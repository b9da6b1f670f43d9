//! Derivatives of a graph, recorded onto the same graph.
//!
//! The partials come from the one table, evaluated on [`Traced`] values: so a derivative is a program like any other,
//! shares what it can with the values, is optimised with them, and can be differentiated again.

pub(super) mod inline;

use crate::program::error::ReplayError;
use crate::program::graph::{Binary, Graph, Id, Node, Unary};
use crate::program::record::{Recorder, Traced};
use crate::real::Num;
use crate::rules::{arithmetic_table, binary_table, integer_power, power_by_base};

/// Sweeps over a recorded graph.
pub(in crate::program) struct Derivation {
    recorder: &'static Recorder,
    /// The nodes as they were before.
    graph: Graph,
}

/// A tangent or cotangent of a value.
#[derive(Clone, Copy)]
pub(in crate::program) struct Sensitivity {
    value: Traced,
    /// Not 0 where a seed that is not 0 reaches the value, on a path along which every maximum and minimum takes it: elsewhere the
    /// sensitivity is 0 by structure, and stays so at a pole. A sensitivity that is 0 for another reason does not.
    reach: Traced,
}

impl Sensitivity {
    /// Of a seed whose exact zero says that the value is not asked for.
    pub(in crate::program) fn of_seed(value: Traced) -> Self {
        let reach = if value.is_konst() { Traced::konst(1.0) } else { value.abs() };
        Self { value, reach }
    }

    /// Of a value that is asked for, with a sensitivity that may come out as 0.
    pub(in crate::program) fn of_asked(value: Traced) -> Self {
        Self { value, reach: Traced::konst(1.0) }
    }
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
    /// It may be infinite, or NaN.
    Pole,
    /// 1 for the operand that a maximum or minimum takes and 1/2 where both tie: what is not taken contributes exactly 0, and so
    /// does what is 0 but at a jump.
    Choice,
    /// 1, and exactly 0 where the value is 0.
    Gate,
}

impl Partial {
    /// The sensitivity times this.
    fn times(self, s: Sensitivity) -> Sensitivity {
        let gated = |gate: Traced, x: Traced| gate.binary(Binary::Gated, x);
        let both = |value: Traced| Sensitivity {
            value: gated(self.value, value),
            reach: gated(self.value, s.reach),
        };
        match self.kind {
            PartialKind::Finite => Sensitivity { value: s.value * self.value, ..s },
            PartialKind::Pole => Sensitivity { value: gated(s.reach, s.value * self.value), ..s },
            PartialKind::Choice => both(s.value * self.value),
            PartialKind::Gate => both(s.value),
        }
    }
}

/// Not 0 where one of two numbers that are not negative is not.
fn either(a: Traced, b: Traced) -> Traced {
    if a.is_konst() || a.is_same(b) {
        a
    } else if b.is_konst() {
        b
    } else {
        a + b
    }
}

/// Adds where there is something already. Where no pole is ahead, nobody asks what reaches it.
fn add(slot: &mut Option<Sensitivity>, s: Sensitivity, pole_ahead: bool) {
    *slot = Some(slot.map_or(s, |old| Sensitivity {
        value: old.value + s.value,
        reach: if pole_ahead { either(old.reach, s.reach) } else { old.reach },
    }));
}

fn subtract(slot: &mut Option<Sensitivity>, s: Sensitivity, pole_ahead: bool) {
    *slot = Some(slot.map_or_else(
        || Sensitivity { value: -s.value, ..s },
        |old| Sensitivity {
            value: old.value - s.value,
            reach: if pole_ahead { either(old.reach, s.reach) } else { old.reach },
        },
    ));
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
            use crate::program::record::Traced;
            use crate::real::Num;
            $(pub(in crate::program) fn $name($a: Traced, $b: Traced, $y: Traced) -> [Traced; 2] {
                [$by_a, $by_b]
            })*
        }
    };
}
binary_table!(partials_of_functions);

/// Whether a derivative of the node may be infinite or NaN where its operands are finite.
fn has_pole(node: Node) -> bool {
    match node {
        Node::Input(_) | Node::Constant(_) | Node::Output { .. } => false,
        Node::Unary(op, _) => !op.is_smooth(),
        Node::Power(_, n) => n < 1,
        Node::Binary(op, ..) => {
            use Binary::{Atan2, Div, OverNorm, PowerLog, Share};
            matches!(op, Div | PowerLog(_) | Atan2 | OverNorm | Share)
        }
    }
}

impl Derivation {
    pub(in crate::program) fn new(recorder: &'static Recorder, graph: Graph) -> Self {
        recorder.mark_as_derivative();
        Self { recorder, graph }
    }

    fn at(&self, id: Id) -> Traced {
        self.recorder.value(id)
    }

    /// Operands of a node, and inputs of a rule.
    fn sources(&self, node: Node, mut each: impl FnMut(Id)) {
        node.operands().into_iter().flatten().for_each(&mut each);
        if let Node::Output { call, .. } = node {
            self.graph.calls[call as usize].inputs.iter().for_each(|id| each(*id));
        }
    }

    /// Which nodes are computed through a pole, or have one themselves.
    fn poles_below(&self) -> Vec<bool> {
        let mut below = vec![false; self.graph.nodes.len()];
        for (id, node) in self.graph.numbered() {
            let mut found = has_pole(*node);
            self.sources(*node, |source| found |= below[source as usize]);
            below[id as usize] = found;
        }
        below
    }

    /// Which nodes are used by a pole, directly or through others.
    fn poles_above(&self) -> Vec<bool> {
        let mut above = vec![false; self.graph.nodes.len()];
        for (id, node) in self.graph.numbered().rev() {
            if above[id as usize] || has_pole(*node) {
                self.sources(*node, |source| above[source as usize] = true);
            }
        }
        above
    }

    /// Partials of a function of two arguments.
    fn partials(&self, op: Binary, a: Id, b: Id, y: Id) -> [Option<Partial>; 2] {
        let [x, z, y] = [a, b, y].map(|id| self.at(id));
        let all = |kind, values: [Traced; 2]| {
            values.map(|value| (!value.is_constant_zero()).then_some(Partial { value, kind }))
        };
        let choice = |first: Traced| all(PartialKind::Choice, [first, -first + 1.0]);
        match op {
            Binary::Div => {
                all(PartialKind::Pole, operator_partials(op, x, z, y).expect("an operator"))
            }
            Binary::Add | Binary::Sub | Binary::Mul => {
                all(PartialKind::Finite, operator_partials(op, x, z, y).expect("an operator"))
            }
            Binary::PowerLog(0) => all(PartialKind::Pole, named::powf(x, z, y)),
            Binary::PowerLog(k) => {
                all(PartialKind::Pole, [power_by_base(x, z, k), x.power_log(z, k + 1)])
            }
            Binary::Atan2 => all(PartialKind::Pole, named::atan2(x, z, y)),
            Binary::Hypot => all(PartialKind::Finite, named::hypot(x, z, y)),
            Binary::OverNorm => all(PartialKind::Pole, [z.recip(), -y * z.recip()]),
            Binary::Max => choice(x.binary(Binary::Share, z)),
            Binary::Min => choice(z.binary(Binary::Share, x)),
            Binary::Share => {
                // 0, and NaN where they tie: the mean there is a convention, and has no derivative
                let jump = (x - z).recip() * 0.0;
                all(PartialKind::Choice, [jump, -jump])
            }
            Binary::Gated => [None, Some(Partial { value: x, kind: PartialKind::Gate })],
        }
    }

    fn unary_partial(&self, op: Unary, a: Id, y: Id) -> Option<Partial> {
        let x = self.at(a);
        if op == Unary::sign && self.graph.is_derivative {
            // 0, and NaN at the jump: the derivative of |x| there is a convention, and has no derivative
            return Some(Partial { value: x.recip() * 0.0, kind: PartialKind::Pole });
        }
        let kind = if op.is_smooth() { PartialKind::Finite } else { PartialKind::Pole };
        op.partial(x, self.at(y)).map(|value| Partial { value, kind })
    }

    fn power_partial(&self, a: Id, n: i32) -> Partial {
        let kind = if n < 1 { PartialKind::Pole } else { PartialKind::Finite };
        Partial { value: integer_power(self.at(a), n), kind }
    }

    /// Cotangents of the inputs, for cotangents `seeds` of `outputs`; none where no output depends on it. Only inputs for which
    /// `active` holds are followed.
    ///
    /// # Errors
    /// A rule without a derivative.
    pub(in crate::program) fn reverse(
        &self,
        outputs: &[Id],
        seeds: impl Iterator<Item = Sensitivity>,
        active: impl Fn(u32) -> bool,
    ) -> Result<Vec<Option<Traced>>, ReplayError> {
        let depends = self.graph.depends_on(active);
        let ahead = self.poles_below();
        let mut bar: Vec<Option<Sensitivity>> = vec![None; self.graph.nodes.len()];
        for (id, seed) in outputs.iter().zip(seeds) {
            if !seed.value.is_constant_zero() {
                add(&mut bar[*id as usize], seed, ahead[*id as usize]);
            }
        }
        let mut inputs = vec![None; self.graph.inputs as usize];
        for (id, node) in self.graph.numbered().rev() {
            let (true, Some(y_bar)) = (depends[id as usize], bar[id as usize]) else { continue };
            let mut hand = |to: Id, p: Partial| {
                add(&mut bar[to as usize], p.times(y_bar), ahead[to as usize]);
            };
            match *node {
                Node::Input(k) => inputs[k as usize] = Some(y_bar.value),
                Node::Constant(_) => {}
                Node::Unary(Unary::neg, a) => {
                    subtract(&mut bar[a as usize], y_bar, ahead[a as usize]);
                }
                Node::Binary(Binary::Sub, a, b) => {
                    if depends[a as usize] {
                        add(&mut bar[a as usize], y_bar, ahead[a as usize]);
                    }
                    if depends[b as usize] {
                        subtract(&mut bar[b as usize], y_bar, ahead[b as usize]);
                    }
                }
                Node::Unary(op, a) => {
                    if let Some(p) = self.unary_partial(op, a, id) {
                        hand(a, p);
                    }
                }
                Node::Power(a, n) => hand(a, self.power_partial(a, n)),
                Node::Binary(op, a, b) => {
                    let partials = self.partials(op, a, b, id);
                    for (x, p) in [a, b].into_iter().zip(partials) {
                        if let (true, Some(p)) = (depends[x as usize], p) {
                            hand(x, p);
                        }
                    }
                }
                Node::Output { call, output } => {
                    self.reverse_call(call, id - output, &mut bar, &ahead)?;
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
        bar: &mut [Option<Sensitivity>],
        ahead: &[bool],
    ) -> Result<(), ReplayError> {
        let call = &self.graph.calls[call as usize];
        let outputs = first..first + call.outputs;
        let y_bar: Vec<Option<Sensitivity>> =
            outputs.clone().map(|id| bar[id as usize].take()).collect();
        let x: Vec<Traced> = call.inputs.iter().map(|id| self.at(*id)).collect();
        let y: Vec<Traced> = outputs.map(|id| self.at(id)).collect();
        let reach = y_bar.iter().flatten().map(|s| s.reach).reduce(either);
        let reach = reach.unwrap_or(Traced::konst(1.0));
        let y_bar: Vec<Traced> =
            y_bar.iter().map(|s| s.map_or(Traced::konst(0.0), |s| s.value)).collect();
        for (id, value) in call.inputs.iter().zip(call.rule.vjp(&x, &y, &y_bar)?) {
            if !value.is_constant_zero() {
                let x_bar = Sensitivity { value, reach };
                add(&mut bar[*id as usize], x_bar, ahead[*id as usize]);
            }
        }
        Ok(())
    }

    /// Tangents of `outputs`, for tangents of the inputs, seeds whose exact zero says that an input does not move; none where it is
    /// zero by structure.
    ///
    /// # Errors
    /// A rule without a derivative.
    pub(in crate::program) fn forward(
        &self,
        outputs: &[Id],
        x_dot: &[Option<Traced>],
    ) -> Result<Vec<Option<Traced>>, ReplayError> {
        let ahead = self.poles_above();
        let mut dot: Vec<Option<Sensitivity>> = vec![None; self.graph.nodes.len()];
        for (id, node) in self.graph.numbered() {
            let y_dot = match *node {
                Node::Input(k) => x_dot[k as usize].map(Sensitivity::of_seed),
                Node::Constant(_) => None,
                Node::Unary(op, a) => dot[a as usize].and_then(|s| match op {
                    Unary::neg => Some(Sensitivity { value: -s.value, ..s }),
                    op => self.unary_partial(op, a, id).map(|p| p.times(s)),
                }),
                Node::Power(a, n) => dot[a as usize].map(|s| self.power_partial(a, n).times(s)),
                Node::Binary(op, a, b) => {
                    self.forward_binary(op, [a, b, id], &dot, ahead[id as usize])
                }
                Node::Output { call, output } => {
                    if output == 0 {
                        self.forward_call(call, id, &mut dot)?;
                    }
                    continue;
                }
            };
            dot[id as usize] = y_dot;
        }
        Ok(outputs.iter().map(|id| dot[*id as usize].map(|s| s.value)).collect())
    }

    fn forward_binary(
        &self,
        op: Binary,
        [a, b, y]: [Id; 3],
        dot: &[Option<Sensitivity>],
        ahead: bool,
    ) -> Option<Sensitivity> {
        let (a_dot, b_dot) = (dot[a as usize], dot[b as usize]);
        let mut y_dot = None;
        match (op, a_dot, b_dot) {
            (_, None, None) => {}
            (Binary::Sub, _, Some(b_dot)) => {
                y_dot = a_dot;
                subtract(&mut y_dot, b_dot, ahead);
            }
            _ => {
                let partials = self.partials(op, a, b, y);
                for (s, p) in [a_dot, b_dot].into_iter().zip(partials) {
                    if let (Some(s), Some(p)) = (s, p) {
                        add(&mut y_dot, p.times(s), ahead);
                    }
                }
            }
        }
        y_dot
    }

    fn forward_call(
        &self,
        call: u32,
        first: Id,
        dot: &mut [Option<Sensitivity>],
    ) -> Result<(), ReplayError> {
        let call = &self.graph.calls[call as usize];
        let x_dot: Vec<Option<Sensitivity>> =
            call.inputs.iter().map(|id| dot[*id as usize]).collect();
        let Some(reach) = x_dot.iter().flatten().map(|s| s.reach).reduce(either) else {
            return Ok(());
        };
        let outputs = first..first + call.outputs;
        let x: Vec<Traced> = call.inputs.iter().map(|id| self.at(*id)).collect();
        let y: Vec<Traced> = outputs.clone().map(|id| self.at(id)).collect();
        let x_dot: Vec<Traced> =
            x_dot.iter().map(|s| s.map_or(Traced::konst(0.0), |s| s.value)).collect();
        for (id, value) in outputs.zip(call.rule.jvp(&x, &y, &x_dot)?) {
            let y_dot = Sensitivity { value, reach };
            dot[id as usize] = (!value.is_constant_zero()).then_some(y_dot);
        }
        Ok(())
    }
}

/// Row, column and value of an entry.
type Entry = ([usize; 2], Traced);
/// A graph, the nodes in it that are entries of a Jacobian, and their rows and columns.
pub(in crate::program) type Entries = (Graph, Vec<Id>, Vec<[usize; 2]>);

/// A graph that computes the entries of the Jacobian of `outputs` by the inputs `columns` that are not zero by
/// structure: those nodes, and their rows and columns (as places in `columns`). Forward or reverse, whichever records
/// fewer values.
///
/// # Errors
/// A rule without a derivative, in both directions.
pub(in crate::program) fn jacobian(
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
        let one = Sensitivity::of_seed(Traced::konst(1.0));
        let mut entries = Vec::new();
        for (row, id) in outputs.iter().enumerate() {
            let x_bar = d.reverse(&[*id], [one].into_iter(), |k| columns.contains(&k))?;
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
