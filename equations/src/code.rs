//! A part of the graph as a row of instructions, run over any scalar.

use cotangent_ad::Real;

use crate::function::{Binary, Unary};
use crate::graph::{Graph, Id, Node, index};

/// Registers that stand on the stack; more are allocated.
const ON_STACK: usize = 24;

/// One instruction; its operands are the results of earlier ones, and its result is numbered like itself.
#[derive(Clone, Copy, Debug)]
enum Instruction {
    Number(f64),
    Time,
    State(u32),
    Parameter(u32),
    Unary(Unary, u32),
    Binary(Binary, u32, u32),
    /// A sum with and a product by a number: no derivative goes to it.
    AddNumber(u32, f64),
    Scale(u32, f64),
    Integer(u32, i32),
    Less(u32, u32),
    And(u32, u32),
    Or(u32, u32),
    Not(u32),
    Choose(u32, u32, u32),
}

/// A function of time, states and parameters to some numbers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Code {
    instructions: Vec<Instruction>,
    outputs: Vec<u32>,
}

impl Code {
    /// What computes `roots`. A comparison that stands in `modes` is read from the state of that number (`first_mode` and on)
    /// instead.
    pub(crate) fn new(graph: &Graph, roots: &[Id], modes: &[Id], first_mode: usize) -> Self {
        let mode = |id: Id| modes.iter().position(|m| *m == id);
        let needed = graph.needed(roots, |id| modes.contains(&id));
        let place = |id: Id| needed.binary_search(&id).map_or(0, index);
        let instruction = |id: &Id| match (mode(*id), graph.node(*id)) {
            (Some(k), _) => Instruction::State(index(first_mode + k)),
            (None, node) => instruction(graph, node, &place),
        };
        Self {
            instructions: needed.iter().map(instruction).collect(),
            outputs: roots.iter().map(|r| place(*r)).collect(),
        }
    }

    /// Adds the outputs to `into`.
    pub(crate) fn run<R: Real>(&self, t: R, y: &[R], p: &[R], into: &mut Vec<R>) {
        let count = self.instructions.len();
        if count <= ON_STACK {
            let mut registers = [R::lit(0.0); ON_STACK];
            self.fill(t, y, p, &mut registers[..count]);
            into.extend(self.outputs.iter().map(|o| registers[*o as usize]));
        } else {
            let mut registers = vec![R::lit(0.0); count];
            self.fill(t, y, p, &mut registers);
            into.extend(self.outputs.iter().map(|o| registers[*o as usize]));
        }
    }

    /// The only output.
    pub(crate) fn one<R: Real>(&self, t: R, y: &[R], p: &[R]) -> R {
        let mut result = Vec::with_capacity(1);
        self.run(t, y, p, &mut result);
        result.first().copied().unwrap_or_else(|| R::lit(f64::NAN))
    }

    fn fill<R: Real>(&self, t: R, y: &[R], p: &[R], registers: &mut [R]) {
        let truth = |holds: bool| R::lit(f64::from(u8::from(holds)));
        for (k, instruction) in self.instructions.iter().enumerate() {
            let at = |a: u32| registers[a as usize];
            let holds = |a: u32| registers[a as usize] > 0.5;
            let value = match *instruction {
                Instruction::Number(v) => R::lit(v),
                Instruction::Time => t,
                Instruction::State(i) => y[i as usize],
                Instruction::Parameter(i) => p[i as usize],
                Instruction::Unary(f, a) => f.of(at(a)),
                Instruction::Binary(f, a, b) => f.of(at(a), at(b)),
                Instruction::AddNumber(a, v) => at(a) + v,
                Instruction::Scale(a, v) => at(a) * v,
                Instruction::Integer(a, n) => at(a).powi(n),
                Instruction::Less(a, b) => truth(at(a) < at(b)),
                Instruction::And(a, b) => truth(holds(a) && holds(b)),
                Instruction::Or(a, b) => truth(holds(a) || holds(b)),
                Instruction::Not(a) => truth(!holds(a)),
                Instruction::Choose(c, a, b) => R::select(holds(c), at(a), at(b)),
            };
            registers[k] = value;
        }
    }
}

fn instruction(graph: &Graph, node: Node, place: &impl Fn(Id) -> u32) -> Instruction {
    let value = |id: Id| graph.as_number(id);
    match node {
        Node::Number(bits) => Instruction::Number(f64::from_bits(bits)),
        Node::Time => Instruction::Time,
        Node::State(i) => Instruction::State(i),
        Node::Parameter(i) => Instruction::Parameter(i),
        Node::Unary(f, a) => Instruction::Unary(f, place(a)),
        Node::Binary(f, a, b) => match (f, value(a), value(b)) {
            (Binary::Add, Some(v), None) => Instruction::AddNumber(place(b), v),
            (Binary::Add, None, Some(v)) => Instruction::AddNumber(place(a), v),
            (Binary::Subtract, None, Some(v)) => Instruction::AddNumber(place(a), -v),
            (Binary::Multiply, Some(v), None) => Instruction::Scale(place(b), v),
            (Binary::Multiply, None, Some(v)) => Instruction::Scale(place(a), v),
            _ => Instruction::Binary(f, place(a), place(b)),
        },
        Node::Integer(a, n) => Instruction::Integer(place(a), n),
        Node::Less(a, b) => Instruction::Less(place(a), place(b)),
        Node::And(a, b) => Instruction::And(place(a), place(b)),
        Node::Or(a, b) => Instruction::Or(place(a), place(b)),
        Node::Not(a) => Instruction::Not(place(a)),
        Node::Choose(c, a, b) => Instruction::Choose(place(c), place(a), place(b)),
    }
}
