//! From a graph to instructions: what is not needed is left out, what does not depend on an item is computed once, sums
//! of products become one instruction, and values that are not needed any more give their place to others.

use super::graph::{Binary, Graph, Id, Node, Relation, Unary};

/// Marks an operand that is uniform: one `f64` for all items.
pub(super) const UNIFORM: u32 = 1 << 31;
/// No place yet.
const NOWHERE: u32 = u32::MAX;

/// What an instruction does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Op {
    Add,
    Sub,
    Mul,
    Div,
    Neg,
    Unary(Unary),
    Binary(Binary),
    Power(i32),
    /// Sum of the segments `a..a + b`.
    Dot,
    /// The same, added to output `to`.
    Accumulate,
    /// The guard `to`.
    Guard(Relation, bool),
    /// The call `to`.
    Call,
}

/// One instruction: `to = op(a, b)`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Instruction {
    pub(super) op: Op,
    pub(super) to: u32,
    pub(super) a: u32,
    pub(super) b: u32,
}

/// Kinds of terms of a sum. `V` is a value of the item, `U` uniform.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Term {
    Value,
    MinusValue,
    Uniform,
    MinusUniform,
    ProductVU,
    MinusProductVU,
    ProductVV,
    MinusProductVV,
}

/// A run of terms of one kind.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment {
    pub(super) kind: Term,
    pub(super) from: u32,
    pub(super) to: u32,
}

/// Where a value is to be found.
pub(super) type Place = u32;

/// Compiled instructions: `once` on uniform values, `body` for each pack of items.
#[derive(Clone, Debug, Default)]
pub(super) struct Code {
    pub(super) once: Vec<Instruction>,
    pub(super) body: Vec<Instruction>,
    pub(super) segments: Vec<Segment>,
    pub(super) terms: Vec<[u32; 2]>,
    /// Places of constants.
    pub(super) constants: Vec<(Place, f64)>,
    /// Places of inputs that are used: number of the input, place (tagged where uniform).
    pub(super) inputs: Vec<(u32, Place)>,
    /// Places of calls' inputs and outputs.
    pub(super) calls: Vec<(u32, Vec<Place>, Vec<Place>)>,
    /// Guards' numbers, by the instructions' `to`.
    pub(super) uniform_len: usize,
    pub(super) varying_len: usize,
    pub(super) outputs: usize,
}

/// A term before operands have places.
type RawTerm = (Term, Id, Id);

/// An instruction before operands have places.
#[derive(Debug)]
enum Step {
    Node(Id),
    Sum(Id, Vec<RawTerm>),
    Output(u32, Vec<RawTerm>),
    Guard(u32),
    Call(u32),
}

struct Compiler<'a> {
    graph: &'a Graph,
    varying: Vec<bool>,
    uses: Vec<u32>,
    absorbed: Vec<bool>,
    code: Code,
    place: Vec<Place>,
}

impl Code {
    /// Code for `outputs` of `graph`, in which the inputs that `varying` says differ from item to item. Every output is
    /// added to an accumulator of its own.
    pub(super) fn compile(graph: &Graph, outputs: &[Id], varying: impl Fn(u32) -> bool) -> Self {
        let n = graph.nodes.len();
        let mut compiler = Compiler {
            graph,
            varying: graph.depends_on(varying),
            uses: vec![0; n],
            absorbed: vec![false; n],
            code: Self { outputs: outputs.len(), ..Self::default() },
            place: vec![NOWHERE; n],
        };
        compiler.count_uses(outputs);
        let sums = compiler.find_sums();
        let steps = compiler.order(outputs, sums);
        compiler.place_all(&steps);
        compiler.code
    }
}

impl Compiler<'_> {
    /// Uses of every node that an output or a guard needs; 0 marks the dead.
    fn count_uses(&mut self, outputs: &[Id]) {
        for id in outputs {
            self.uses[*id as usize] += 1;
        }
        for g in &self.graph.guards {
            // two: a compared value is not absorbed into a sum
            self.uses[g.a as usize] += 2;
            self.uses[g.b as usize] += 2;
        }
        let mut called = vec![false; self.graph.calls.len()];
        for (id, node) in self.graph.nodes.iter().enumerate().rev() {
            if self.uses[id] == 0 {
                continue;
            }
            if let Node::Output { call, .. } = *node
                && !std::mem::replace(&mut called[call as usize], true)
            {
                for input in &self.graph.calls[call as usize].inputs {
                    self.uses[*input as usize] += 2;
                }
            }
            for operand in node.operands().into_iter().flatten() {
                self.uses[operand as usize] += 1;
            }
        }
    }

    /// Whether a sum for `parent` may swallow `id`: nothing else uses it, and it belongs to the same section.
    fn may_absorb(&self, parent: Id, id: Id) -> bool {
        self.uses[id as usize] == 1 && self.varying[id as usize] == self.varying[parent as usize]
    }

    /// The terms of the sum `root`, from left to right, with the nodes between swallowed.
    fn terms(&mut self, root: Id) -> Vec<RawTerm> {
        let mut terms = Vec::new();
        let mut stack = vec![(root, false)];
        while let Some((id, minus)) = stack.pop() {
            let open = id == root || self.may_absorb(root, id);
            let node = self.graph.nodes[id as usize];
            self.absorbed[id as usize] |= open && id != root && is_sum_or_product(node);
            match node {
                Node::Binary(op @ (Binary::Add | Binary::Sub), a, b) if open => {
                    stack.push((b, minus ^ (op == Binary::Sub)));
                    stack.push((a, minus));
                }
                Node::Unary(Unary::neg, a) if open => stack.push((a, !minus)),
                Node::Binary(Binary::Mul, a, b) if open => {
                    let (a, b) = if self.varying[a as usize] { (a, b) } else { (b, a) };
                    let mixed = self.varying[a as usize] && !self.varying[b as usize];
                    terms.push(match (mixed, minus) {
                        (true, false) => (Term::ProductVU, a, b),
                        (true, true) => (Term::MinusProductVU, a, b),
                        (false, false) => (Term::ProductVV, a, b),
                        (false, true) => (Term::MinusProductVV, a, b),
                    });
                }
                _ => terms.push(match (self.varying[id as usize], minus) {
                    (true, false) => (Term::Value, id, id),
                    (true, true) => (Term::MinusValue, id, id),
                    (false, false) => (Term::Uniform, id, id),
                    (false, true) => (Term::MinusUniform, id, id),
                }),
            }
        }
        terms.sort_by_key(|t| t.0);
        terms
    }

    /// Sums of more than two values, or with products in them.
    fn find_sums(&mut self) -> Vec<Option<Vec<RawTerm>>> {
        let mut sums: Vec<Option<Vec<RawTerm>>> = Vec::new();
        sums.resize_with(self.graph.nodes.len(), || None);
        for (id, node) in self.graph.numbered().rev() {
            if self.uses[id as usize] == 0 || self.absorbed[id as usize] {
                continue;
            }
            if let Node::Binary(Binary::Add | Binary::Sub, a, b) = *node {
                let inner = |x: Id| {
                    self.may_absorb(id, x) && is_sum_or_product(self.graph.nodes[x as usize])
                };
                if inner(a) || inner(b) {
                    sums[id as usize] = Some(self.terms(id));
                }
            }
        }
        sums
    }

    /// The order of evaluation: as recorded, each output as soon as its value is there.
    fn order(&mut self, outputs: &[Id], mut sums: Vec<Option<Vec<RawTerm>>>) -> Vec<Step> {
        let n = self.graph.nodes.len();
        let mut wanted: Vec<Vec<u32>> = vec![Vec::new(); n];
        for (k, id) in (0..).zip(outputs) {
            wanted[*id as usize].push(k);
        }
        let mut guards: Vec<Vec<u32>> = vec![Vec::new(); n];
        for (k, g) in (0..).zip(&self.graph.guards) {
            guards[g.a.max(g.b) as usize].push(k);
        }
        let mut called = vec![false; self.graph.calls.len()];
        let mut steps = Vec::new();
        for (id, node) in self.graph.numbered() {
            let at = id as usize;
            if self.uses[at] == 0 || self.absorbed[at] {
                continue;
            }
            // a value that is only an output goes straight to its accumulator
            let only_output = self.varying[at] && self.uses[at] == 1 && wanted[at].len() == 1;
            if only_output && is_sum_or_product(*node) {
                let terms = sums[at].take().unwrap_or_else(|| self.terms(id));
                steps.push(Step::Output(wanted[at][0], terms));
                continue;
            }
            match (node, sums[at].take()) {
                (Node::Input(_) | Node::Constant(_), _) => {}
                (Node::Output { call, .. }, _) => {
                    if !std::mem::replace(&mut called[*call as usize], true) {
                        steps.push(Step::Call(*call));
                    }
                }
                (_, Some(terms)) => steps.push(Step::Sum(id, terms)),
                _ => steps.push(Step::Node(id)),
            }
            steps.extend(guards[at].iter().map(|&k| Step::Guard(k)));
            let kind = if self.varying[at] { Term::Value } else { Term::Uniform };
            steps.extend(wanted[at].iter().map(|&k| Step::Output(k, vec![(kind, id, id)])));
        }
        steps
    }

    /// Operands of a step.
    fn operands(&self, step: &Step, mut each: impl FnMut(Id)) {
        match step {
            Step::Node(id) => {
                self.graph.nodes[*id as usize].operands().into_iter().flatten().for_each(each);
            }
            Step::Sum(_, terms) | Step::Output(_, terms) => terms.iter().for_each(|&(_, a, b)| {
                each(a);
                each(b);
            }),
            Step::Guard(k) => {
                let g = self.graph.guards[*k as usize];
                each(g.a);
                each(g.b);
            }
            Step::Call(c) => self.graph.calls[*c as usize].inputs.iter().copied().for_each(each),
        }
    }

    /// Gives every value a place and writes the instructions.
    fn place_all(&mut self, steps: &[Step]) {
        let n = self.graph.nodes.len();
        let mut last = vec![usize::MAX; n];
        for (at, step) in steps.iter().enumerate() {
            self.operands(step, |id| last[id as usize] = at);
        }
        let mut free = Vec::new();
        let mut varying_len = 0;
        let take = |free: &mut Vec<Place>, len: &mut u32| {
            free.pop().unwrap_or_else(|| {
                *len += 1;
                *len - 1
            })
        };
        for (id, node) in self.graph.nodes.iter().enumerate() {
            if self.uses[id] == 0 {
                continue;
            }
            match *node {
                Node::Input(k) => {
                    self.place[id] = if self.varying[id] {
                        take(&mut free, &mut varying_len)
                    } else {
                        self.uniform_place()
                    };
                    self.code.inputs.push((k, self.place[id]));
                }
                Node::Constant(bits) => {
                    self.place[id] = self.uniform_place();
                    self.code.constants.push((self.place[id] & !UNIFORM, f64::from_bits(bits)));
                }
                _ => {}
            }
        }
        for (at, step) in steps.iter().enumerate() {
            let mut ended = Vec::new();
            self.operands(step, |id| {
                if last[id as usize] == at && self.varying[id as usize] {
                    last[id as usize] = usize::MAX; // once, however often it is an operand
                    ended.push(self.place[id as usize]);
                }
            });
            let results: Vec<Id> = match step {
                Step::Node(id) | Step::Sum(id, _) => vec![*id],
                Step::Call(c) => {
                    let call = &self.graph.calls[*c as usize];
                    (call.first..call.first + call.outputs).collect()
                }
                Step::Output(..) | Step::Guard(_) => Vec::new(),
            };
            // an instruction reads all operands before it writes; a call does not promise that
            let early = !matches!(step, Step::Call(_));
            let operands = self.encode(step);
            if early {
                free.extend(&ended);
            }
            for id in &results {
                self.place[*id as usize] = if self.varying[*id as usize] {
                    take(&mut free, &mut varying_len)
                } else {
                    self.uniform_place()
                };
                // never read: its place is free again at once
                if last[*id as usize] == usize::MAX && self.varying[*id as usize] {
                    free.push(self.place[*id as usize]);
                }
            }
            if !early {
                free.extend(&ended);
            }
            self.emit(step, operands, &results);
        }
        self.code.varying_len = varying_len as usize;
    }

    fn uniform_place(&mut self) -> Place {
        self.code.uniform_len += 1;
        let at = u32::try_from(self.code.uniform_len - 1).expect("fewer than 2^31 uniform values");
        at | UNIFORM
    }

    /// Operands' places, before the results get theirs.
    fn encode(&mut self, step: &Step) -> (u32, u32) {
        match step {
            Step::Node(id) => {
                let [a, b] = self.graph.nodes[*id as usize].operands();
                let place = |id: Option<Id>| id.map_or(0, |id| self.place[id as usize]);
                (place(a), place(b))
            }
            Step::Guard(k) => {
                let g = self.graph.guards[*k as usize];
                (self.place[g.a as usize], self.place[g.b as usize])
            }
            Step::Sum(_, terms) | Step::Output(_, terms) => self.encode_terms(terms),
            Step::Call(c) => {
                let inputs = &self.graph.calls[*c as usize].inputs;
                let places = inputs.iter().map(|id| self.place[*id as usize]).collect();
                self.code.calls.push((*c, places, Vec::new()));
                (index(self.code.calls.len() - 1), 0)
            }
        }
    }

    fn encode_terms(&mut self, terms: &[RawTerm]) -> (u32, u32) {
        let first = self.code.segments.len();
        for run in terms.chunk_by(|a, b| a.0 == b.0) {
            let from = index(self.code.terms.len());
            let places = run.iter().map(|&(_, a, b)| {
                // the kind says which operands are uniform
                [self.place[a as usize] & !UNIFORM, self.place[b as usize] & !UNIFORM]
            });
            self.code.terms.extend(places);
            let to = index(self.code.terms.len());
            self.code.segments.push(Segment { kind: run[0].0, from, to });
        }
        (index(first), index(self.code.segments.len() - first))
    }

    fn emit(&mut self, step: &Step, (a, b): (u32, u32), results: &[Id]) {
        let place = |id: Id| self.place[id as usize];
        let (op, to, varying) = match step {
            Step::Node(id) => {
                let op = match self.graph.nodes[*id as usize] {
                    Node::Binary(Binary::Add, ..) => Op::Add,
                    Node::Binary(Binary::Sub, ..) => Op::Sub,
                    Node::Binary(Binary::Mul, ..) => Op::Mul,
                    Node::Binary(Binary::Div, ..) => Op::Div,
                    Node::Binary(op, ..) => Op::Binary(op),
                    Node::Unary(Unary::neg, _) => Op::Neg,
                    Node::Unary(op, _) => Op::Unary(op),
                    Node::Power(_, n) => Op::Power(n),
                    Node::Input(_) | Node::Constant(_) | Node::Output { .. } => {
                        unreachable!("no instruction of its own")
                    }
                };
                (op, place(*id), self.varying[*id as usize])
            }
            Step::Sum(id, _) => (Op::Dot, place(*id), self.varying[*id as usize]),
            Step::Output(k, _) => (Op::Accumulate, *k, true),
            Step::Guard(k) => {
                let g = self.graph.guards[*k as usize];
                let varying = self.varying[g.a as usize] || self.varying[g.b as usize];
                (Op::Guard(g.relation, g.held), *k, varying)
            }
            Step::Call(_) => {
                let outputs: Vec<Place> = results.iter().map(|id| place(*id)).collect();
                let varying = results.first().is_some_and(|id| self.varying[*id as usize]);
                self.code.calls[a as usize].2 = outputs;
                (Op::Call, a, varying)
            }
        };
        let instruction = Instruction { op, to, a, b };
        if varying { &mut self.code.body } else { &mut self.code.once }.push(instruction);
    }
}

/// What a sum can swallow.
fn is_sum_or_product(node: Node) -> bool {
    matches!(
        node,
        Node::Binary(Binary::Add | Binary::Sub | Binary::Mul, ..) | Node::Unary(Unary::neg, _)
    )
}

fn index(n: usize) -> u32 {
    u32::try_from(n).expect("fewer than 2^32 instructions")
}
