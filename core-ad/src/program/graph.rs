//! The recorded expression graph: static single assignment, equal expressions shared.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use super::index::Index;
use super::rule::TracedRule;
use crate::real::Num;
use crate::rules::unary_table;

/// Number of a node: operands come before their users.
pub(super) type Id = u32;

macro_rules! define_unary {
    ($($name:ident: |$x:ident, $y:ident| $partial:expr;)*) => {
        /// Functions of one argument: those of the table of partials, and three without an entry there.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[expect(non_camel_case_types, reason = "named as the table names them")]
        pub(super) enum Unary { neg, sign, abs, $($name),* }

        impl Unary {
            /// The value.
            #[inline(always)]
            pub(super) fn value<T: Num>(self, x: T) -> T {
                match self {
                    Self::neg => -x,
                    Self::sign => x.sign(),
                    Self::abs => x.abs(),
                    $(Self::$name => x.$name(),)*
                }
            }

            /// The derivative by the table; none where it is zero everywhere.
            pub(super) fn partial<T: Num>(self, x: T, y: T) -> Option<T> {
                match self {
                    Self::neg => Some(T::lit(-1.0)),
                    Self::sign => None,
                    Self::abs => Some(x.sign()),
                    $(Self::$name => { let ($x, $y) = (x, y); Some($partial) })*
                }
            }

            /// The function of a name.
            pub(super) fn by_name(name: &str) -> Option<Self> {
                match name {
                    "neg" => Some(Self::neg),
                    "sign" => Some(Self::sign),
                    "abs" => Some(Self::abs),
                    $(stringify!($name) => Some(Self::$name),)*
                    _ => None,
                }
            }

            pub(super) fn name(self) -> &'static str {
                match self {
                    Self::neg => "neg",
                    Self::sign => "sign",
                    Self::abs => "abs",
                    $(Self::$name => stringify!($name),)*
                }
            }
        }
    };
}
unary_table!(define_unary);

impl Unary {
    /// Whether the derivative is finite wherever the argument is, up to overflow.
    pub(super) fn is_smooth(self) -> bool {
        matches!(
            self,
            Self::neg
                | Self::sin
                | Self::cos
                | Self::atan
                | Self::sinh
                | Self::cosh
                | Self::tanh
                | Self::asinh
                | Self::exp
                | Self::exp_m1
                | Self::abs
        )
    }

    /// Whether replays have vector code for it, which may differ from `f64`'s in the last bits.
    pub(super) fn has_vector_code(self) -> bool {
        matches!(self, Self::exp | Self::ln | Self::sin | Self::cos | Self::tanh)
    }
}

/// Functions of two arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Binary {
    Add,
    Sub,
    Mul,
    Div,
    /// `a^b ln^k a`.
    PowerLog(u8),
    Atan2,
    Hypot,
    /// The larger.
    Max,
    /// The smaller.
    Min,
    /// What a maximum takes of its first operand: 0 where the second is larger, 1/2 where they tie, else 1.
    Share,
    /// The second, and exactly 0 where the first is 0, whatever the second.
    Gated,
    /// The quotient, and exactly 0 where the divisor is 0.
    OverNorm,
}

impl Binary {
    /// A number of its own, above those of the functions of one argument.
    pub(super) fn code(self) -> u32 {
        match self {
            Self::Add => 64,
            Self::Sub => 65,
            Self::Mul => 66,
            Self::Div => 67,
            Self::Atan2 => 68,
            Self::Hypot => 69,
            Self::Max => 70,
            Self::Min => 71,
            // 72, 73 and 75 were others once
            Self::OverNorm => 74,
            Self::Gated => 76,
            Self::Share => 77,
            Self::PowerLog(k) => 256 + u32::from(k),
        }
    }

    /// The operation of such a number.
    pub(super) fn by_code(code: u32) -> Option<Self> {
        const NAMED: [Binary; 11] = [
            Binary::Add,
            Binary::Sub,
            Binary::Mul,
            Binary::Div,
            Binary::Atan2,
            Binary::Hypot,
            Binary::Max,
            Binary::Min,
            Binary::OverNorm,
            Binary::Gated,
            Binary::Share,
        ];
        match code.checked_sub(256) {
            Some(k) => u8::try_from(k).ok().map(Self::PowerLog),
            None => NAMED.into_iter().find(|op| op.code() == code),
        }
    }
}

/// One value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Node {
    Input(u32),
    /// Bits of an `f64`.
    Constant(u64),
    Unary(Unary, Id),
    Binary(Binary, Id, Id),
    Power(Id, i32),
    /// An output of a rule's call.
    Output {
        call: u32,
        output: u32,
    },
}

impl Node {
    /// The operands, those of calls aside.
    pub(super) fn operands(self) -> [Option<Id>; 2] {
        match self {
            Self::Input(_) | Self::Constant(_) | Self::Output { .. } => [None; 2],
            Self::Unary(_, a) | Self::Power(a, _) => [Some(a), None],
            Self::Binary(_, a, b) => [Some(a), Some(b)],
        }
    }
}

/// What a branch of the recorded code asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Relation {
    Less,
    LessOrEqual,
    Equal,
}

impl Relation {
    pub(super) fn holds(self, a: f64, b: f64) -> bool {
        match self {
            Self::Less => a < b,
            Self::LessOrEqual => a <= b,
            #[expect(clippy::float_cmp, reason = "the recorded code compared exactly")]
            Self::Equal => a == b,
        }
    }
}

/// A comparison that the recorded code branched on, and its outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Guard {
    pub(super) relation: Relation,
    pub(super) a: Id,
    pub(super) b: Id,
    pub(super) held: bool,
}

/// A rule applied to values.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) rule: Arc<dyn TracedRule>,
    pub(super) inputs: Vec<Id>,
    /// The first of its outputs' nodes, which follow each other.
    pub(super) first: Id,
    pub(super) outputs: u32,
}

/// All that was recorded.
#[derive(Clone, Debug, Default)]
pub(super) struct Graph {
    pub(super) nodes: Vec<Node>,
    /// Values where it was recorded.
    pub(super) values: Vec<f64>,
    pub(super) guards: Vec<Guard>,
    pub(super) calls: Vec<Call>,
    pub(super) inputs: u32,
    /// Whether a derivative was recorded here, so that the next is of second order.
    pub(super) is_derivative: bool,
    index: Index,
    guarded: HashSet<Guard>,
}

impl Graph {
    /// The node, which is shared with an equal one.
    pub(super) fn push(&mut self, node: Node, value: f64) -> Id {
        let next = Id::try_from(self.nodes.len()).expect("a program holds at most 2^32 values");
        let id = self.index.find_or_insert(&node, next, &self.nodes);
        if id == next {
            self.nodes.push(node);
            self.values.push(value);
        }
        id
    }

    /// A new input.
    pub(super) fn input(&mut self, value: f64) -> Id {
        self.inputs += 1;
        self.push(Node::Input(self.inputs - 1), value)
    }

    /// The nodes with their numbers.
    pub(super) fn numbered(&self) -> impl DoubleEndedIterator<Item = (Id, &Node)> {
        (0..Id::try_from(self.nodes.len()).expect("numbers fit")).zip(&self.nodes)
    }

    /// Keeps a comparison.
    pub(super) fn guard(&mut self, relation: Relation, a: Id, b: Id) -> bool {
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
    pub(super) fn read_by_guards(&self) -> Vec<bool> {
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
    pub(super) fn depends_on(&self, active: impl Fn(u32) -> bool) -> Vec<bool> {
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
pub(super) struct Line<'a>(pub(super) &'a Graph, pub(super) Id);

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
pub(super) struct GuardLine<'a>(pub(super) &'a Graph, pub(super) &'a Guard);

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
