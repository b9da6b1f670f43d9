//! Code for one item: equal operations that do not wait for each other are carried out together, on values that stand side
//! by side. So the fourteen cells of a layer, written as a loop, become vector instructions.
//!
//! Steps are grouped by their level (the longest way from an input) and by what they do. The results of a group stand side
//! by side; an operand is a run of such results, one value for all, or a list of places.

pub(super) mod run;

use crate::program::code::Place;
use crate::program::code::compile::{Compiler, Step, Term};
use crate::program::graph::{Binary, Graph, Id, Node, Unary};

/// Places are handed out by fours: the widest vector.
pub(in crate::program) const ROUND: usize = 4;

/// What a group does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::program) enum Kind {
    Unary(Unary),
    /// The same by `f64`'s own function, see [`Graph::read_by_guards`].
    Exact(Unary),
    Binary(Binary),
    Power(i32),
    /// Products, products to subtract, values, values to subtract.
    Sum([u32; 4]),
    /// The call of this number, alone in its group.
    Call(u32),
}

impl Kind {
    /// Number of operands of a member.
    pub(in crate::program) fn operands(self) -> usize {
        match self {
            Self::Unary(_) | Self::Exact(_) | Self::Power(_) => 1,
            Self::Binary(_) => 2,
            Self::Sum([p, m, v, w]) => 2 * (p as usize + m as usize) + v as usize + w as usize,
            Self::Call(_) => 0,
        }
    }
}

/// Where the members of a group find an operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::program) enum Access {
    /// From this place on, side by side.
    Run(Place),
    /// All at this place.
    Same(Place),
    /// In the list of places from this number on.
    List(u32),
}

/// Members that are carried out together.
#[derive(Clone, Copy, Debug)]
pub(in crate::program) struct Group {
    pub(in crate::program) kind: Kind,
    /// Place of the first result.
    pub(in crate::program) to: Place,
    pub(in crate::program) len: u32,
    /// Number of the first operand's access.
    pub(in crate::program) access: u32,
}

/// A guard: number, places.
#[derive(Clone, Copy, Debug)]
pub(in crate::program) struct GuardAt {
    pub(in crate::program) guard: u32,
    pub(in crate::program) a: Place,
    pub(in crate::program) b: Place,
}

/// A call: number in the graph, places of inputs, first place of the outputs.
#[derive(Clone, Debug)]
pub(in crate::program) struct CallAt {
    pub(in crate::program) call: u32,
    pub(in crate::program) inputs: Vec<Place>,
}

/// The groups in order, and where things are.
#[derive(Clone, Debug, Default)]
pub(in crate::program) struct Wide {
    pub(in crate::program) groups: Vec<Group>,
    pub(in crate::program) accesses: Vec<Access>,
    pub(in crate::program) lists: Vec<Place>,
    pub(in crate::program) calls: Vec<CallAt>,
    pub(in crate::program) guards: Vec<GuardAt>,
    pub(in crate::program) constants: Vec<(Place, f64)>,
    /// Number of inputs, which stand first.
    pub(in crate::program) inputs: usize,
    pub(in crate::program) outputs: Vec<Place>,
    /// Outputs that stand side by side: number of the first, its place, how many.
    pub(in crate::program) runs: Vec<(usize, usize, usize)>,
    pub(in crate::program) len: usize,
}

/// A step before it is grouped.
struct Job {
    level: u32,
    kind: Kind,
    /// Operands, those of sums in the order of the kind.
    from: usize,
    result: Made,
}

/// Whose value a job makes.
#[derive(Clone, Copy)]
enum Made {
    Node(Id),
    Output(u32),
}

struct Grouping<'a> {
    graph: &'a Graph,
    exact: Vec<bool>,
    wide: Wide,
    level: Vec<u32>,
    place: Vec<Place>,
    jobs: Vec<Job>,
    operands: Vec<Id>,
}

impl Wide {
    /// Code for `outputs` of `graph`.
    pub(in crate::program) fn compile(graph: &Graph, outputs: &[Id]) -> Self {
        let n = graph.nodes.len();
        let steps = Compiler::steps(graph, outputs);
        let mut grouping = Grouping {
            graph,
            exact: graph.read_by_guards(),
            wide: Self { outputs: vec![0; outputs.len()], ..Self::default() },
            level: vec![0; n],
            place: vec![0; n],
            jobs: Vec::with_capacity(steps.len()),
            operands: Vec::with_capacity(2 * steps.len()),
        };
        grouping.place_leaves();
        grouping.make_jobs(&steps);
        grouping.group();
        grouping.finish(&steps);
        grouping.wide.checked()
    }

    /// Checks every place: what a replay relies on.
    ///
    /// # Panics
    /// Where the grouping made a mistake.
    fn checked(mut self) -> Self {
        self.len = self.len.next_multiple_of(ROUND) + ROUND;
        let len = self.len;
        let mut first = 0;
        for run in self.outputs.chunk_by(|a, b| a + 1 == *b) {
            self.runs.push((first, run[0] as usize, run.len()));
            first += run.len();
        }
        let within = |at: Place| assert!((at as usize) < len, "a place out of range");
        self.lists.iter().for_each(|at| within(*at));
        self.outputs.iter().for_each(|at| within(*at));
        self.constants.iter().for_each(|c| within(c.0));
        assert!(self.inputs <= len, "an input out of range");
        self.calls.iter().flat_map(|c| &c.inputs).for_each(|at| within(*at));
        self.guards.iter().for_each(|g| [g.a, g.b].into_iter().for_each(within));
        for group in &self.groups {
            let padded = (group.len as usize).next_multiple_of(ROUND);
            assert!(group.to as usize + padded <= len, "a result out of range");
            let accesses = &self.accesses[group.access as usize..][..group.kind.operands()];
            for access in accesses {
                let end = match *access {
                    Access::Run(at) => at as usize + padded <= len,
                    Access::Same(at) => (at as usize) < len,
                    Access::List(at) => at as usize + padded <= self.lists.len(),
                };
                assert!(end, "an operand out of range");
            }
        }
        self
    }
}

impl Grouping<'_> {
    fn take(&mut self, len: usize) -> Place {
        let at = Place::try_from(self.wide.len).expect("fewer than 2^32 places");
        self.wide.len += len;
        at
    }

    /// Inputs in their own order, so that those which belong together stand side by side; then constants.
    fn place_leaves(&mut self) {
        self.wide.inputs = self.graph.inputs as usize;
        self.wide.len = self.wide.inputs;
        for (id, node) in self.graph.numbered() {
            if let Node::Input(k) = *node {
                self.place[id as usize] = k;
            }
        }
        for (id, node) in self.graph.numbered() {
            if let Node::Constant(bits) = *node {
                self.place[id as usize] = self.take(1);
                self.wide.constants.push((self.place[id as usize], f64::from_bits(bits)));
            }
        }
        self.wide.len = self.wide.len.next_multiple_of(ROUND);
    }

    fn make_jobs(&mut self, steps: &[Step]) {
        for step in steps {
            let from = self.operands.len();
            let (kind, result) = match step {
                Step::Node(id) => {
                    let node = self.graph.nodes[*id as usize];
                    self.operands.extend(node.operands().into_iter().flatten());
                    let kind = match node {
                        // short sums: exactly, as a sum starts with -0
                        Node::Binary(Binary::Mul, ..) => Kind::Sum([1, 0, 0, 0]),
                        Node::Binary(Binary::Add, ..) => Kind::Sum([0, 0, 2, 0]),
                        Node::Binary(Binary::Sub, ..) => Kind::Sum([0, 0, 1, 1]),
                        Node::Binary(op, ..) => Kind::Binary(op),
                        Node::Unary(op, _) if op.has_vector_code() && self.exact[*id as usize] => {
                            Kind::Exact(op)
                        }
                        Node::Unary(op, _) => Kind::Unary(op),
                        Node::Power(_, n) => Kind::Power(n),
                        _ => unreachable!("no instruction of its own"),
                    };
                    (kind, Made::Node(*id))
                }
                Step::Sum(id, terms) => (self.sum(terms), Made::Node(*id)),
                Step::Output(k, terms) => match terms[..] {
                    [Term { minus: false, b: None, .. }] => continue,
                    _ => (self.sum(terms), Made::Output(*k)),
                },
                Step::Call(c) => {
                    let call = &self.graph.calls[*c as usize];
                    self.operands.extend(&call.inputs);
                    (Kind::Call(*c), Made::Node(call.first))
                }
                Step::Guard(_) => continue,
            };
            let operands = &self.operands[from..];
            let level = 1 + operands.iter().map(|id| self.level[*id as usize]).max().unwrap_or(0);
            if let Made::Node(id) = result {
                let results = match kind {
                    Kind::Call(c) => self.graph.calls[c as usize].outputs,
                    _ => 1,
                };
                (id..id + results).for_each(|id| self.level[id as usize] = level);
            }
            self.jobs.push(Job { level, kind, from, result });
        }
    }

    /// The kind of a sum, whose operands are put down.
    fn sum(&mut self, terms: &[Term]) -> Kind {
        let of = |product: bool, minus: bool| {
            move |t: &&Term| t.b.is_some() == product && t.minus == minus
        };
        let mut counts = [0; 4];
        let runs = [(true, false), (true, true), (false, false), (false, true)];
        for (count, (product, minus)) in counts.iter_mut().zip(runs) {
            for term in terms.iter().filter(of(product, minus)) {
                self.operands.push(term.a);
                self.operands.extend(term.b);
                *count += 1;
            }
        }
        Kind::Sum(counts)
    }

    fn group(&mut self) {
        let mut jobs = std::mem::take(&mut self.jobs);
        jobs.sort_by_key(|a| (a.level, a.kind));
        for members in jobs.chunk_by_mut(|a, b| (a.level, a.kind) == (b.level, b.kind)) {
            if let Kind::Call(c) = members[0].kind {
                self.call(c);
                continue;
            }
            let kind = members[0].kind;
            let count = kind.operands();
            // side by side as their first operands are
            members.sort_by_key(|j| self.place[self.operands[j.from] as usize]);
            let access = u32::try_from(self.wide.accesses.len()).expect("fewer than 2^32");
            for k in 0..count {
                let operand = |j: &Job| self.place[self.operands[j.from + k] as usize];
                let places: Vec<Place> = members.iter().map(operand).collect();
                let access = self.access(&places);
                self.wide.accesses.push(access);
            }
            let to = self.take(members.len().next_multiple_of(ROUND));
            for (job, at) in members.iter().zip(to..) {
                match job.result {
                    Made::Node(id) => self.place[id as usize] = at,
                    Made::Output(k) => self.wide.outputs[k as usize] = at,
                }
            }
            let len = u32::try_from(members.len()).expect("fewer than 2^32");
            self.wide.groups.push(Group { kind, to, len, access });
        }
    }

    fn call(&mut self, c: u32) {
        let call = &self.graph.calls[c as usize];
        let (first, outputs) = (call.first, call.outputs);
        let inputs = call.inputs.iter().map(|id| self.place[*id as usize]).collect();
        let number = u32::try_from(self.wide.calls.len()).expect("fewer than 2^32 calls");
        self.wide.calls.push(CallAt { call: c, inputs });
        let to = self.take((outputs as usize).next_multiple_of(ROUND));
        for (id, at) in (first..first + outputs).zip(to..) {
            self.place[id as usize] = at;
        }
        self.wide.groups.push(Group { kind: Kind::Call(number), to, len: outputs, access: 0 });
    }

    fn access(&mut self, places: &[Place]) -> Access {
        let first = places[0];
        if places.iter().zip(first..).all(|(p, at)| *p == at) && places.len() > 1 {
            return Access::Run(first);
        }
        if places.iter().all(|p| *p == first) {
            return Access::Same(first);
        }
        let at = u32::try_from(self.wide.lists.len()).expect("fewer than 2^32 operands");
        self.wide.lists.extend_from_slice(places);
        // lanes beyond the last member repeat it
        let last = places[places.len() - 1];
        self.wide.lists.resize(self.wide.lists.len().next_multiple_of(ROUND), last);
        Access::List(at)
    }

    /// Outputs that are values of nodes, and guards.
    fn finish(&mut self, steps: &[Step]) {
        for step in steps {
            match step {
                Step::Output(k, terms) => {
                    if let [Term { minus: false, a, b: None }] = terms[..] {
                        self.wide.outputs[*k as usize] = self.place[a as usize];
                    }
                }
                Step::Guard(k) => {
                    let g = self.graph.guards[*k as usize];
                    let [a, b] = [g.a, g.b].map(|id| self.place[id as usize]);
                    self.wide.guards.push(GuardAt { guard: *k, a, b });
                }
                _ => {}
            }
        }
    }
}
