//! The recorded expression graph: static single assignment, equal expressions shared.

mod index;
mod node;

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use self::index::Index;
use super::record::TracedRule;

pub(in crate::program) use self::node::{Binary, Id, Node, Relation, Unary, evaluate};

/// A comparison that the recorded code branched on, and its outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::program) struct Guard {
    pub(in crate::program) relation: Relation,
    pub(in crate::program) a: Id,
    pub(in crate::program) b: Id,
    pub(in crate::program) held: bool,
}

/// A rule applied to values.
#[derive(Clone, Debug)]
pub(in crate::program) struct Call {
    pub(in crate::program) rule: Arc<dyn TracedRule>,
    pub(in crate::program) inputs: Vec<Id>,
    /// The first of its outputs' nodes, which follow each other.
    pub(in crate::program) first: Id,
    pub(in crate::program) outputs: u32,
}

/// All that was recorded.
#[derive(Clone, Debug, Default)]
pub(in crate::program) struct Graph {
    pub(in crate::program) nodes: Vec<Node>,
    /// Values where it was recorded.
    pub(in crate::program) values: Vec<f64>,
    pub(in crate::program) guards: Vec<Guard>,
    pub(in crate::program) calls: Vec<Call>,
    pub(in crate::program) inputs: u32,
    /// Whether a derivative was recorded here, so that the next is of second order.
    pub(in crate::program) is_derivative: bool,
    index: Index,
    guarded: HashSet<Guard>,
}

impl Graph {
    /// The node, which is shared with an equal one.
    pub(in crate::program) fn push(&mut self, node: Node, value: f64) -> Id {
        let next = Id::try_from(self.nodes.len()).expect("a program holds at most 2^32 values");
        let id = self.index.find_or_insert(&node, next, &self.nodes);
        if id == next {
            self.nodes.push(node);
            self.values.push(value);
        }
        id
    }

    /// A new input.
    pub(in crate::program) fn input(&mut self, value: f64) -> Id {
        self.inputs += 1;
        self.push(Node::Input(self.inputs - 1), value)
    }

    /// The nodes with their numbers.
    pub(in crate::program) fn numbered(&self) -> impl DoubleEndedIterator<Item = (Id, &Node)> {
        (0..Id::try_from(self.nodes.len()).expect("numbers fit")).zip(&self.nodes)
    }

    /// Keeps a comparison.
    pub(in crate::program) fn guard(&mut self, relation: Relation, a: Id, b: Id) -> bool {
        let held = relation.holds(self.values[a as usize], self.values[b as usize]);
        let guard = Guard { relation, a, b, held };
        if self.guarded.insert(guard) {
            self.guards.push(guard);
        }
        held
    }

    /// Which nodes a guard reads, directly or through others.
    ///
    /// Replays compute them as plain `f64` code does, each operation rounded by itself and the functions those of `f64`: so a
    /// program branches at its own recording point as the recording did.
    pub(in crate::program) fn read_by_guards(&self) -> Vec<bool> {
        let mut read = vec![false; self.nodes.len()];
        for guard in &self.guards {
            read[guard.a as usize] = true;
            read[guard.b as usize] = true;
        }
        for (id, node) in self.nodes.iter().enumerate().rev() {
            if !read[id] {
                continue;
            }
            node.operands().into_iter().flatten().for_each(|i| read[i as usize] = true);
            if let Node::Output { call, .. } = *node {
                self.calls[call as usize].inputs.iter().for_each(|i| read[*i as usize] = true);
            }
        }
        read
    }

    /// Which nodes depend on an input that is `active`.
    pub(in crate::program) fn depends_on(&self, active: impl Fn(u32) -> bool) -> Vec<bool> {
        let mut depends = vec![false; self.nodes.len()];
        for (id, node) in self.nodes.iter().enumerate() {
            depends[id] = match *node {
                Node::Input(k) => active(k),
                Node::Output { call, .. } => {
                    self.calls[call as usize].inputs.iter().any(|&i| depends[i as usize])
                }
                node => node.operands().iter().flatten().any(|&i| depends[i as usize]),
            };
        }
        depends
    }
}

/// One value of a printed program.
pub(in crate::program) struct Line<'a>(pub(in crate::program) &'a Graph, pub(in crate::program) Id);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(graph, id) = *self;
        match graph.nodes[id as usize] {
            Node::Input(k) => write!(f, "x{k}"),
            Node::Constant(bits) => write!(f, "{:?}", f64::from_bits(bits)),
            _ => write!(f, "%{id}"),
        }
    }
}

impl fmt::Display for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |id| Line(self, id);
        for (id, node) in self.numbered() {
            match *node {
                Node::Input(_) | Node::Constant(_) => {}
                Node::Unary(op, a) => writeln!(f, "%{id} = {} {}", op.name(), name(a))?,
                Node::Power(a, n) => writeln!(f, "%{id} = {}^{n}", name(a))?,
                Node::Binary(op, a, b) => {
                    let sign = match op {
                        Binary::Add => "+",
                        Binary::Sub => "-",
                        Binary::Mul => "*",
                        Binary::Div => "/",
                        Binary::PowerLog(0) => "^",
                        Binary::PowerLog(_) => "^ln",
                        Binary::Atan2 => "atan2",
                        Binary::Hypot => "hypot",
                        Binary::Max => "max",
                        Binary::Min => "min",
                        Binary::Share => "share",
                        Binary::Gated => "?",
                        Binary::OverNorm => "/0",
                    };
                    writeln!(f, "%{id} = {} {sign} {}", name(a), name(b))?;
                }
                Node::Output { call, output } => {
                    let Call { rule, inputs, .. } = &self.calls[call as usize];
                    write!(f, "%{id} = output {output} of {rule:?} at")?;
                    inputs.iter().try_for_each(|&i| write!(f, " {}", name(i)))?;
                    writeln!(f)?;
                }
            }
        }
        for g in &self.guards {
            writeln!(f, "guard {}", GuardLine(self, g))?;
        }
        Ok(())
    }
}

/// A guard, printed.
pub(in crate::program) struct GuardLine<'a>(
    pub(in crate::program) &'a Graph,
    pub(in crate::program) &'a Guard,
);

impl fmt::Display for GuardLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(graph, g) = *self;
        let sign = match g.relation {
            Relation::Less => "<",
            Relation::LessOrEqual => "<=",
            Relation::Equal => "==",
        };
        write!(f, "({} {sign} {}) is {}", Line(graph, g.a), Line(graph, g.b), g.held)
    }
}
