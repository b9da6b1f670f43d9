//! `abs`, `min` and `max` in rates, as choices between two smooth branches.
//!
//! Where such a function bends, a step across the bend is of low order: its length is held to about the square root of the tolerance by the
//! control of errors, and the derivative of the step is wrong by as much (1e-4 to 1e-3 at a tolerance of 1e-8), though its value is
//! not. So a bend is a choice by a comparison, whose outcome is a mode: steps end where it turns over.

use std::collections::{BTreeMap, BTreeSet};

use crate::function::{Binary, Unary};
use crate::graph::{Graph, Id, Node};

/// Rates without bends, and the comparisons that choose between their branches and are written in no `if`.
pub(crate) struct Branched {
    pub(crate) rates: Vec<Id>,
    pub(crate) bends: BTreeSet<Id>,
}

/// Whether a node changes while time goes on.
pub(crate) fn varies(graph: &Graph, id: Id) -> bool {
    graph.depends(id, |node| matches!(node, Node::Time | Node::State(_)))
}

impl Branched {
    /// The rates with a choice in the place of each bend. What is compared stays as it is written, so that it has no jump.
    pub(crate) fn new(graph: &mut Graph, rates: &[Id]) -> Self {
        let needed = graph.needed(rates, |_| false);
        let is_comparison = |id: &Id| matches!(graph.node(*id), Node::Less(..));
        let written: BTreeSet<Id> = needed.iter().copied().filter(is_comparison).collect();
        let (mut places, mut bends) = (BTreeMap::new(), BTreeSet::new());
        for id in needed {
            let branched = |a: Id| places.get(&a).copied().unwrap_or(a);
            let place = match branches(graph, id, &branched) {
                Some((comparison, choice)) => {
                    bends.insert(comparison);
                    choice
                }
                None if written.contains(&id) => id,
                None => {
                    let node = graph.node(id).with_operands(&branched);
                    graph.add(node)
                }
            };
            places.insert(id, place);
        }
        bends.retain(|comparison| !written.contains(comparison));
        Self { rates: rates.iter().map(|rate| places[rate]).collect(), bends }
    }
}

/// The comparison and the choice that a bend is, where it bends while time goes on.
fn branches(graph: &mut Graph, id: Id, branched: &impl Fn(Id) -> Id) -> Option<(Id, Id)> {
    let (a, b, least) = match graph.node(id) {
        Node::Unary(Unary::Abs, a) => {
            let negative = graph.unary(Unary::Negative, branched(a));
            (a, graph.number(0.0), [negative, branched(a)])
        }
        Node::Binary(Binary::Min, a, b) => (a, b, [branched(a), branched(b)]),
        Node::Binary(Binary::Max, a, b) => (a, b, [branched(b), branched(a)]),
        _ => return None,
    };
    let comparison = graph.add(Node::Less(a, b));
    let [holds, else_] = least;
    varies(graph, comparison)
        .then(|| (comparison, graph.add(Node::Choose(comparison, holds, else_))))
}
