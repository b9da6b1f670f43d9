//! From a graph to instructions: what is not needed is left out, what does not depend on an item is computed once, sums
//! of products become one instruction, and values that are not needed any more give their place to others.

use std::collections::HashMap;

use super::{CallCode, Code, Instruction, Op, Place, Sum, UNIFORM};
use crate::program::graph::{Binary, Graph, Id, Node, Unary};

/// No place yet.
const NOWHERE: Place = Place::MAX;

/// A term of a sum before operands have places.
#[derive(Clone, Copy, Debug)]
pub(in crate::program) struct Term {
    pub(in crate::program) minus: bool,
    pub(in crate::program) a: Id,
    /// The second factor.
    pub(in crate::program) b: Option<Id>,
}

/// An instruction before operands have places.
#[derive(Debug)]
pub(in crate::program) enum Step {
    Node(Id),
    Sum(Id, Vec<Term>),
    Output(u32, Vec<Term>),
    Guard(u32),
    Call(u32),
}

pub(in crate::program) struct Compiler<'a> {
    graph: &'a Graph,
    varying: Vec<bool>,
    uses: Vec<u32>,
    /// What guards read: computed exactly as it was recorded.
    exact: Vec<bool>,
    absorbed: Vec<bool>,
    code: Code,
    place: Vec<Place>,
    free: Vec<Place>,
    /// Places of constants, by their bits.
    constants: HashMap<u64, Place>,
    /// Uniform values and their negatives.
    negatives: HashMap<Place, Place>,
}

impl Code {
    /// Code for `outputs` of `graph`, in which the inputs that `varying` says differ from item to item. Every output is
    /// handed over by an instruction of its own.
    pub(in crate::program) fn compile(
        graph: &Graph,
        outputs: &[Id],
        varying: impl Fn(u32) -> bool,
    ) -> Self {
        let mut compiler = Compiler::new(graph, graph.depends_on(varying));
        compiler.count_uses(outputs);
        let steps = compiler.order(outputs);
        compiler.code.outputs = outputs.len();
        compiler.place_all(&steps);
        compiler.code.checked()
    }
}

impl<'a> Compiler<'a> {
    fn new(graph: &'a Graph, varying: Vec<bool>) -> Self {
        let n = graph.nodes.len();
        Self {
            graph,
            varying,
            uses: vec![0; n],
            exact: graph.read_by_guards(),
            absorbed: vec![false; n],
            code: Code::default(),
            place: vec![NOWHERE; n],
            free: Vec::new(),
            constants: HashMap::new(),
            negatives: HashMap::new(),
        }
    }

    /// What is to be done for `outputs`, in order, for one item.
    pub(in crate::program) fn steps(graph: &'a Graph, outputs: &[Id]) -> Vec<Step> {
        let mut compiler = Self::new(graph, vec![true; graph.nodes.len()]);
        compiler.count_uses(outputs);
        compiler.order(outputs)
    }

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
        // a fused multiply-add rounds once where the recording rounded twice
        !self.exact[parent as usize]
            && self.uses[id as usize] == 1
            && self.varying[id as usize] == self.varying[parent as usize]
            && is_sum_or_product(self.graph.nodes[id as usize])
    }

    /// The terms of the sum `root`, from left to right, with the nodes between swallowed.
    fn terms(&mut self, root: Id) -> Vec<Term> {
        let mut terms = Vec::new();
        let mut stack = vec![(root, false)];
        while let Some((id, minus)) = stack.pop() {
            let open = id == root || self.may_absorb(root, id);
            self.absorbed[id as usize] |= open && id != root;
            match self.graph.nodes[id as usize] {
                Node::Binary(op @ (Binary::Add | Binary::Sub), a, b) if open => {
                    stack.push((b, minus ^ (op == Binary::Sub)));
                    stack.push((a, minus));
                }
                Node::Unary(Unary::neg, a) if open => stack.push((a, !minus)),
                Node::Binary(Binary::Mul, a, b) if open => {
                    let (a, b) = if self.varying[a as usize] { (a, b) } else { (b, a) };
                    terms.push(Term { minus, a, b: Some(b) });
                }
                _ => terms.push(Term { minus, a: id, b: None }),
            }
        }
        terms
    }

    /// Which nodes are sums that swallow others or mix sections, with their terms.
    fn find_sums(&mut self) -> Vec<Option<Vec<Term>>> {
        let mut sums: Vec<Option<Vec<Term>>> = Vec::new();
        sums.resize_with(self.graph.nodes.len(), || None);
        for (id, node) in self.graph.numbered().rev() {
            if self.uses[id as usize] == 0 || self.absorbed[id as usize] {
                continue;
            }
            let is_sum = match *node {
                Node::Binary(Binary::Add | Binary::Sub, a, b) => {
                    let mixed = self.varying[a as usize] != self.varying[b as usize];
                    mixed || self.may_absorb(id, a) || self.may_absorb(id, b)
                }
                Node::Unary(Unary::neg, a) => self.may_absorb(id, a),
                _ => false,
            };
            if is_sum {
                sums[id as usize] = Some(self.terms(id));
            }
        }
        sums
    }

    /// The order of evaluation: as recorded, each output as soon as its value is there.
    fn order(&mut self, outputs: &[Id]) -> Vec<Step> {
        let mut sums = self.find_sums();
        let mut wanted: Vec<(Id, u32)> = outputs.iter().copied().zip(0..).collect();
        wanted.sort_unstable();
        let mut wanted = wanted.into_iter().peekable();
        let mut guards: Vec<(Id, u32)> =
            self.graph.guards.iter().map(|g| g.a.max(g.b)).zip(0..).collect();
        guards.sort_unstable();
        let mut guards = guards.into_iter().peekable();
        let mut called = vec![false; self.graph.calls.len()];
        let mut steps = Vec::with_capacity(self.graph.nodes.len());
        for (id, node) in self.graph.numbered() {
            let at = id as usize;
            if self.uses[at] == 0 || self.absorbed[at] {
                continue;
            }
            let terms = sums[at].take();
            // a value that is only an output goes straight there
            if let Some(&(_, k)) = wanted.peek().filter(|w| w.0 == id)
                && self.varying[at]
                && self.uses[at] == 1
                && is_sum_or_product(*node)
            {
                wanted.next();
                let terms = terms.unwrap_or_else(|| self.terms(id));
                steps.push(Step::Output(k, terms));
                continue;
            }
            match (node, terms) {
                (Node::Input(_) | Node::Constant(_), _) => {}
                (Node::Output { call, .. }, _) => {
                    if !std::mem::replace(&mut called[*call as usize], true) {
                        steps.push(Step::Call(*call));
                    }
                }
                (_, Some(terms)) => steps.push(Step::Sum(id, terms)),
                _ => steps.push(Step::Node(id)),
            }
            while let Some((_, k)) = guards.next_if(|g| g.0 == id) {
                steps.push(Step::Guard(k));
            }
            while let Some((_, k)) = wanted.next_if(|w| w.0 == id) {
                steps.push(Step::Output(k, vec![Term { minus: false, a: id, b: None }]));
            }
        }
        steps
    }

    /// Operands of a step.
    fn operands(&self, step: &Step, mut each: impl FnMut(Id)) {
        match step {
            Step::Node(id) => {
                self.graph.nodes[*id as usize].operands().into_iter().flatten().for_each(each);
            }
            Step::Sum(_, terms) | Step::Output(_, terms) => terms.iter().for_each(|t| {
                each(t.a);
                t.b.into_iter().for_each(&mut each);
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
        let mut last = vec![usize::MAX; self.graph.nodes.len()];
        for (at, step) in steps.iter().enumerate() {
            self.operands(step, |id| last[id as usize] = at);
        }
        self.place_inputs();
        let mut ended = Vec::new();
        for (at, step) in steps.iter().enumerate() {
            ended.clear();
            self.operands(step, |id| {
                if last[id as usize] == at && self.varying[id as usize] {
                    last[id as usize] = usize::MAX; // once, however often it is an operand
                    ended.push(self.place[id as usize]);
                }
            });
            // an instruction reads an operand before it writes there; a call does not promise that
            let early = !matches!(step, Step::Call(_));
            let instruction = self.encode(step);
            if early {
                self.free.extend(&ended);
            }
            let results = match step {
                Step::Node(id) | Step::Sum(id, _) => *id..*id + 1,
                Step::Call(c) => {
                    let call = &self.graph.calls[*c as usize];
                    call.first..call.first + call.outputs
                }
                Step::Output(..) | Step::Guard(_) => 0..0,
            };
            for id in results.clone() {
                self.place[id as usize] = self.place_of(id);
                // never read: its place is free again at once
                if last[id as usize] == usize::MAX && self.varying[id as usize] {
                    self.free.push(self.place[id as usize]);
                }
            }
            if !early {
                self.free.extend(&ended);
            }
            self.emit(step, instruction, results);
        }
    }

    fn place_inputs(&mut self) {
        for (id, node) in self.graph.numbered() {
            if self.uses[id as usize] == 0 {
                continue;
            }
            match *node {
                Node::Input(k) => {
                    let place = self.place_of(id);
                    self.place[id as usize] = place;
                    let varying = self.varying[id as usize];
                    let code = &mut self.code;
                    let list =
                        if varying { &mut code.varying_inputs } else { &mut code.uniform_inputs };
                    list.push((k, place));
                }
                Node::Constant(bits) => {
                    self.place[id as usize] = self.constant(f64::from_bits(bits));
                }
                _ => {}
            }
        }
    }

    /// A new place for a value.
    fn place_of(&mut self, id: Id) -> Place {
        if !self.varying[id as usize] {
            return self.uniform_place();
        }
        self.free.pop().unwrap_or_else(|| {
            self.code.varying_len += 1;
            index(self.code.varying_len - 1)
        })
    }

    fn uniform_place(&mut self) -> Place {
        self.code.uniform_len += 1;
        let at = index(self.code.uniform_len - 1);
        assert!(at < UNIFORM, "fewer than 2^31 uniform values");
        at
    }

    /// The uniform place of a constant.
    fn constant(&mut self, v: f64) -> Place {
        if let Some(place) = self.constants.get(&v.to_bits()) {
            return *place;
        }
        let place = self.uniform_place();
        self.constants.insert(v.to_bits(), place);
        self.code.constants.push((place, v));
        place
    }

    /// The uniform place of the negative of what is at `place`.
    fn negative(&mut self, place: Place) -> Place {
        if let Some(negative) = self.negatives.get(&place) {
            return *negative;
        }
        let to = self.uniform_place();
        self.code.once.push(Instruction { op: Op::Unary(Unary::neg), to, a: place, b: 0 });
        self.negatives.insert(place, to);
        to
    }

    /// The operand of an instruction that takes either kind.
    fn marked(&self, id: Id, varying: bool) -> Place {
        let place = self.place[id as usize];
        // an instruction of the uniform section has uniform operands only
        if varying && !self.varying[id as usize] { place | UNIFORM } else { place }
    }

    /// What a step does, with the operands' places, before the results get theirs.
    fn encode(&mut self, step: &Step) -> Instruction {
        let (op, a, b) = match step {
            Step::Node(id) => {
                let operands = self.graph.nodes[*id as usize].operands();
                let varying = self.varying[*id as usize];
                let [a, b] = operands.map(|x| x.map_or(0, |x| self.marked(x, varying)));
                match self.graph.nodes[*id as usize] {
                    Node::Binary(Binary::Mul, ..) if a & UNIFORM != 0 => {
                        (Op::Scale, b, a & !UNIFORM)
                    }
                    Node::Binary(Binary::Mul, ..) if b & UNIFORM != 0 => {
                        (Op::Scale, a, b & !UNIFORM)
                    }
                    Node::Binary(Binary::Add, ..) => (Op::Add, a, b),
                    Node::Binary(Binary::Sub, ..) => (Op::Sub, a, b),
                    Node::Binary(Binary::Mul, ..) => (Op::Mul, a, b),
                    Node::Binary(op, ..) => (Op::Binary(op), a, b),
                    Node::Unary(op, _) if op.has_vector_code() && self.exact[*id as usize] => {
                        (Op::Exact(op), a, b)
                    }
                    Node::Unary(op, _) => (Op::Unary(op), a, b),
                    Node::Power(_, n) => (Op::Power(n), a, b),
                    Node::Input(_) | Node::Constant(_) | Node::Output { .. } => {
                        unreachable!("no instruction of its own")
                    }
                }
            }
            Step::Guard(k) => {
                let g = self.graph.guards[*k as usize];
                let varying = self.varying[g.a as usize] || self.varying[g.b as usize];
                let [a, b] = [g.a, g.b].map(|x| self.marked(x, varying));
                (Op::Guard(g.relation, g.held), a, b)
            }
            Step::Sum(id, terms) => {
                let varying = self.varying[*id as usize];
                (Op::Sum, self.encode_terms(terms, varying), 0)
            }
            Step::Output(_, terms) => (Op::Output, self.encode_terms(terms, true), 0),
            Step::Call(c) => {
                let call = &self.graph.calls[*c as usize];
                let varying = call.inputs.iter().any(|id| self.varying[*id as usize]);
                let inputs = call.inputs.iter().map(|id| self.marked(*id, varying)).collect();
                self.code.calls.push(CallCode { call: *c, inputs, outputs: Vec::new() });
                (Op::Call, index(self.code.calls.len() - 1), 0)
            }
        };
        Instruction { op, to: 0, a, b }
    }

    /// Writes the terms of a sum in the section that `varying` says; what of it is uniform is added up once.
    fn encode_terms(&mut self, terms: &[Term], varying: bool) -> u32 {
        let mut uniform: Vec<[Place; 2]> = Vec::new();
        let [mut scaled, mut products, mut minus_products] = [const { Vec::new() }; 3];
        for &Term { minus, a, b } in terms {
            let place = |id: Id| self.place[id as usize];
            let one = if minus { -1.0 } else { 1.0 };
            match (self.varying[a as usize], b) {
                (false, None) if varying => {
                    let a = place(a);
                    uniform.push([a, self.constant(one)]);
                }
                (_, None) => {
                    let a = place(a);
                    scaled.push([a, self.constant(one)]);
                }
                (_, Some(b)) if varying && !self.varying[b as usize] => {
                    let (a, b) = (place(a), place(b));
                    scaled.push([a, if minus { self.negative(b) } else { b }]);
                }
                (_, Some(b)) if minus => minus_products.push([place(a), place(b)]),
                (_, Some(b)) => products.push([place(a), place(b)]),
            }
        }
        // what adding to changes nothing, the sign of a zero included
        let zero = self.constant(-0.0);
        let start = match uniform[..] {
            [] => zero,
            [[a, one]] if one == self.constant(1.0) => a,
            _ => {
                let to = self.uniform_place();
                let a = self.push_sum(zero, [&uniform, &[], &[]]);
                self.code.once.push(Instruction { op: Op::Sum, to, a, b: 0 });
                to
            }
        };
        self.push_sum(start, [&scaled, &products, &minus_products])
    }

    fn push_sum(&mut self, start: Place, runs: [&[[Place; 2]]; 3]) -> u32 {
        let from = index(self.code.terms.len());
        let [scaled, products, minus_products] = runs.map(|r| index(r.len()));
        runs.into_iter().for_each(|r| self.code.terms.extend_from_slice(r));
        self.code.sums.push(Sum { start, from, scaled, products, minus_products });
        index(self.code.sums.len() - 1)
    }

    fn emit(&mut self, step: &Step, mut i: Instruction, results: std::ops::Range<Id>) {
        let first = results.start as usize;
        let varying = match step {
            Step::Node(_) | Step::Sum(..) => {
                i.to = self.place[first];
                self.varying[first]
            }
            Step::Output(k, _) => {
                i.to = *k;
                true
            }
            Step::Guard(k) => {
                i.to = *k;
                let g = self.graph.guards[*k as usize];
                self.varying[g.a as usize] || self.varying[g.b as usize]
            }
            Step::Call(_) => {
                let varying = !results.is_empty() && self.varying[first];
                let outputs = results.map(|id| self.place[id as usize]).collect();
                self.code.calls[i.a as usize].outputs = outputs;
                varying
            }
        };
        if varying { &mut self.code.body } else { &mut self.code.once }.push(i);
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
    u32::try_from(n).expect("fewer than 2^32 places and instructions")
}
