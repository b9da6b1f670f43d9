//! A model's expressions as one graph: what is equal stands once.

use std::collections::BTreeMap;

use crate::function::{Binary, Unary};

/// Place of a node; operands stand before what is made of them.
pub(crate) type Id = u32;

/// A number (its bits, so that equal ones are found), an input, or what is made of other nodes. Conditions are 1 or 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Node {
    Number(u64),
    Time,
    State(u32),
    Parameter(u32),
    Unary(Unary, Id),
    Binary(Binary, Id, Id),
    /// An integer power.
    Integer(Id, i32),
    /// Whether the first is less.
    Less(Id, Id),
    And(Id, Id),
    Or(Id, Id),
    Not(Id),
    /// The second where the first holds, else the third.
    Choose(Id, Id, Id),
}

impl Node {
    /// The nodes that it is made of.
    pub(crate) fn operands(self) -> impl Iterator<Item = Id> {
        let some = match self {
            Self::Number(_) | Self::Time | Self::State(_) | Self::Parameter(_) => [None; 3],
            Self::Unary(_, a) | Self::Integer(a, _) | Self::Not(a) => [Some(a), None, None],
            Self::Binary(_, a, b) | Self::Less(a, b) | Self::And(a, b) | Self::Or(a, b) => {
                [Some(a), Some(b), None]
            }
            Self::Choose(c, a, b) => [Some(c), Some(a), Some(b)],
        };
        some.into_iter().flatten()
    }

    /// The same of other operands.
    pub(crate) fn with_operands(self, of: &impl Fn(Id) -> Id) -> Self {
        match self {
            Self::Number(_) | Self::Time | Self::State(_) | Self::Parameter(_) => self,
            Self::Unary(f, a) => Self::Unary(f, of(a)),
            Self::Binary(f, a, b) => Self::Binary(f, of(a), of(b)),
            Self::Integer(a, n) => Self::Integer(of(a), n),
            Self::Less(a, b) => Self::Less(of(a), of(b)),
            Self::And(a, b) => Self::And(of(a), of(b)),
            Self::Or(a, b) => Self::Or(of(a), of(b)),
            Self::Not(a) => Self::Not(of(a)),
            Self::Choose(c, a, b) => Self::Choose(of(c), of(a), of(b)),
        }
    }
}

/// All nodes of a model.
#[derive(Clone, Debug, Default)]
pub(crate) struct Graph {
    nodes: Vec<Node>,
    known: BTreeMap<Node, Id>,
}

impl Graph {
    pub(crate) fn node(&self, id: Id) -> Node {
        self.nodes[id as usize]
    }

    pub(crate) fn number(&mut self, value: f64) -> Id {
        self.add(Node::Number(value.to_bits()))
    }

    /// The number that a node is, where it is one.
    pub(crate) fn as_number(&self, id: Id) -> Option<f64> {
        match self.node(id) {
            Node::Number(bits) => Some(f64::from_bits(bits)),
            _ => None,
        }
    }

    /// A node, the one that is there already or a new one.
    pub(crate) fn add(&mut self, node: Node) -> Id {
        if let Some(id) = self.known.get(&node) {
            return *id;
        }
        let id = index(self.nodes.len());
        self.nodes.push(node);
        self.known.insert(node, id);
        id
    }

    pub(crate) fn unary(&mut self, function: Unary, a: Id) -> Id {
        match self.as_number(a) {
            Some(a) => self.number(function.of(a)),
            None => self.add(Node::Unary(function, a)),
        }
    }

    pub(crate) fn binary(&mut self, function: Binary, a: Id, b: Id) -> Id {
        let commutes = matches!(function, Binary::Add | Binary::Multiply);
        match (function, self.as_number(a), self.as_number(b)) {
            (_, Some(a), Some(b)) => self.number(function.of(a, b)),
            (Binary::Add, Some(0.0), None) | (Binary::Multiply, Some(1.0), None) => b,
            (Binary::Add | Binary::Subtract, None, Some(0.0))
            | (Binary::Multiply | Binary::Divide, None, Some(1.0)) => a,
            (Binary::Power, None, Some(power)) => self.power(a, power),
            _ if commutes && b < a => self.add(Node::Binary(function, b, a)),
            _ => self.add(Node::Binary(function, a, b)),
        }
    }

    /// `a` to a constant power.
    fn power(&mut self, a: Id, power: f64) -> Id {
        match power {
            1.0 => a,
            0.5 => self.add(Node::Unary(Unary::Sqrt, a)),
            #[expect(clippy::cast_possible_truncation, reason = "a small whole number")]
            _ if power.fract() == 0.0 && power.abs() <= 64.0 => {
                self.add(Node::Integer(a, power as i32))
            }
            _ => {
                let power = self.number(power);
                self.add(Node::Binary(Binary::Power, a, power))
            }
        }
    }

    /// The nodes that `roots` need, in an order in which operands come first; a node for which `is_given` holds needs none.
    pub(crate) fn needed(&self, roots: &[Id], is_given: impl Fn(Id) -> bool) -> Vec<Id> {
        let mut is_needed = vec![false; self.nodes.len()];
        roots.iter().for_each(|r| is_needed[*r as usize] = true);
        // operands stand before what is made of them, so one pass downwards meets every node
        for (k, node) in self.nodes.iter().enumerate().rev() {
            if is_needed[k] && !is_given(index(k)) {
                node.operands().for_each(|a| is_needed[a as usize] = true);
            }
        }
        (0..).zip(is_needed).filter_map(|(id, needed)| needed.then_some(id)).collect()
    }

    /// Whether a node depends on one for which `is` holds.
    pub(crate) fn depends(&self, root: Id, is: impl Fn(Node) -> bool) -> bool {
        self.needed(&[root], |_| false).into_iter().any(|id| is(self.node(id)))
    }
}

#[expect(clippy::cast_possible_truncation, reason = "2^32 names or nodes do not fit in memory")]
pub(crate) fn index(k: usize) -> Id {
    k as Id
}
