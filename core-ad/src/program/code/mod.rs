//! Instructions of a replay.
//!
//! Operands are places. A place of the body is that of a value of the items; one of the uniform section holds one number
//! for all items. Everything is checked when the code is made, so that a replay need not.

pub(super) mod compile;
pub(super) mod machine;
pub(super) mod replay;

use crate::program::graph::{Binary, Relation, Unary};

/// Marks an operand of the body that is uniform.
pub(in crate::program) const UNIFORM: u32 = 1 << 31;

/// Where a value is to be found.
pub(in crate::program) type Place = u32;

/// What an instruction does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::program) enum Op {
    /// Of two values of the items.
    Add,
    Sub,
    Mul,
    /// `a` times the uniform `b`.
    Scale,
    Unary(Unary),
    /// The same by `f64`'s own function.
    Exact(Unary),
    /// Of operands that may be uniform, marked where they are.
    Binary(Binary),
    Power(i32),
    /// The sum `a`.
    Sum,
    /// The sum `a`, to output `to`.
    Output,
    /// The guard `to`, operands as those of `Binary`.
    Guard(Relation, bool),
    /// The call `a`.
    Call,
}

/// One instruction: `to = op(a, b)`.
#[derive(Clone, Copy, Debug)]
pub(in crate::program) struct Instruction {
    pub(in crate::program) op: Op,
    pub(in crate::program) to: u32,
    pub(in crate::program) a: u32,
    pub(in crate::program) b: u32,
}

/// `start + sum a u + sum a b - sum a b`, with uniform `start` and `u`; its terms follow each other in this order.
#[derive(Clone, Copy, Debug)]
pub(in crate::program) struct Sum {
    pub(in crate::program) start: Place,
    pub(in crate::program) from: u32,
    pub(in crate::program) scaled: u32,
    pub(in crate::program) products: u32,
    pub(in crate::program) minus_products: u32,
}

impl Sum {
    /// The ends of its three runs of terms.
    pub(in crate::program) fn ends(&self) -> [usize; 3] {
        let scaled = self.from as usize + self.scaled as usize;
        let products = scaled + self.products as usize;
        [scaled, products, products + self.minus_products as usize]
    }
}

/// A rule's call: its number in the graph, places of its inputs (marked where uniform) and outputs.
#[derive(Clone, Debug)]
pub(in crate::program) struct CallCode {
    pub(in crate::program) call: u32,
    pub(in crate::program) inputs: Vec<Place>,
    pub(in crate::program) outputs: Vec<Place>,
}

/// Compiled instructions: `once` on uniform values, `body` for each block of items.
#[derive(Clone, Debug, Default)]
pub(in crate::program) struct Code {
    pub(in crate::program) once: Vec<Instruction>,
    pub(in crate::program) body: Vec<Instruction>,
    pub(in crate::program) sums: Vec<Sum>,
    pub(in crate::program) terms: Vec<[Place; 2]>,
    /// Constants and their uniform places.
    pub(in crate::program) constants: Vec<(Place, f64)>,
    /// Inputs that are used: number of the input, uniform place.
    pub(in crate::program) uniform_inputs: Vec<(u32, Place)>,
    /// Inputs that are used: number of the input, place.
    pub(in crate::program) varying_inputs: Vec<(u32, Place)>,
    pub(in crate::program) calls: Vec<CallCode>,
    pub(in crate::program) uniform_len: usize,
    pub(in crate::program) varying_len: usize,
    pub(in crate::program) outputs: usize,
}

impl Code {
    /// Checks every place: what a replay relies on.
    ///
    /// # Panics
    /// Where the compiler made a mistake.
    pub(in crate::program) fn checked(self) -> Self {
        let (uniform, varying) = (self.uniform_len, self.varying_len);
        let within = |at: Place, len: usize| assert!((at as usize) < len, "a place out of range");
        self.constants.iter().for_each(|c| within(c.0, uniform));
        self.uniform_inputs.iter().for_each(|i| within(i.1, uniform));
        self.varying_inputs.iter().for_each(|i| within(i.1, varying));
        let marked = |at: Place| match at & UNIFORM {
            0 => within(at, varying),
            _ => within(at & !UNIFORM, uniform),
        };
        for (section, len, once) in [(&self.once, uniform, true), (&self.body, varying, false)] {
            // in the uniform section no operand is marked
            let either = |at: Place| if once { within(at, uniform) } else { marked(at) };
            for i in section {
                match i.op {
                    Op::Add | Op::Sub | Op::Mul => [i.a, i.b].map(|at| within(at, len)),
                    Op::Scale => [within(i.a, len), within(i.b, uniform)],
                    Op::Unary(_) | Op::Exact(_) | Op::Power(_) => [within(i.a, len), ()],
                    Op::Binary(_) | Op::Guard(..) => [i.a, i.b].map(either),
                    Op::Sum | Op::Output => [self.check_sum(i.a, len), ()],
                    Op::Call => {
                        let call = &self.calls[i.a as usize];
                        call.inputs.iter().copied().for_each(either);
                        call.outputs.iter().for_each(|to| within(*to, len));
                        [(); 2]
                    }
                };
                match i.op {
                    Op::Output => within(i.to, self.outputs),
                    Op::Guard(..) | Op::Call => {}
                    _ => within(i.to, len),
                }
            }
        }
        self
    }

    fn check_sum(&self, at: u32, len: usize) {
        let sum = self.sums[at as usize];
        let [scaled, products, end] = sum.ends();
        let in_range = |at: Place, len: usize| (at as usize) < len;
        let uniform = |at: Place| in_range(at, self.uniform_len);
        let (first, rest) = self.terms[sum.from as usize..end].split_at(scaled - sum.from as usize);
        assert_eq!(rest.len(), end - scaled, "terms follow each other");
        assert!(products <= end && uniform(sum.start), "a sum's start out of range");
        assert!(first.iter().all(|t| in_range(t[0], len) && uniform(t[1])), "a scaled term");
        assert!(rest.iter().flatten().all(|at| in_range(*at, len)), "a product's place");
    }
}
