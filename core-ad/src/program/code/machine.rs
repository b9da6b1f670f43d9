//! Carries out instructions on blocks of `W` vectors: an instruction is decoded once for all items of a block.
#![expect(
    clippy::inline_always,
    reason = "vector code is made where it is inlined into a function with the target features"
)]
#![expect(unsafe_code, reason = "places were checked when the code was made, see `Code::checked`")]

use super::{Code, Instruction, Op, Place, UNIFORM};
use crate::program::error::Stop;
use crate::program::graph::{Binary, Graph, Relation, Unary};
use crate::program::simd::functions::{self, for_binary, for_unary};
use crate::program::simd::{Plain, Vector};

/// How outputs are handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::program) enum Handover {
    /// Added up, a vector an output.
    Sum,
    /// Written, a block an output.
    Block,
}

/// Code with the memory that it works on.
pub(in crate::program) struct Machine<'a, V, const W: usize> {
    code: &'a Code,
    graph: &'a Graph,
    slots: *mut V,
    uniform: *const f64,
    outputs: *mut V,
    handover: Handover,
    /// Items in the block, lanes beyond them are not looked at.
    lanes: usize,
}

impl<'a> Machine<'a, Plain<1>, 1> {
    /// For the uniform section: its values stand where a body finds them.
    pub(in crate::program) fn once(
        code: &'a Code,
        graph: &'a Graph,
        uniform: &'a mut [f64],
    ) -> Self {
        assert!(uniform.len() >= code.uniform_len, "a number for every uniform place");
        let at = uniform.as_mut_ptr();
        Self {
            code,
            graph,
            // `Plain<1>` is one `f64`
            slots: at.cast(),
            uniform: at,
            outputs: std::ptr::null_mut(),
            handover: Handover::Block,
            lanes: 1,
        }
    }

    /// Runs the uniform section.
    pub(in crate::program) fn run_once(&self) -> Result<(), Stop> {
        // SAFETY: this machine's slots are the uniform places, within which the section was checked to stay.
        unsafe { self.run(&self.code.once) }
    }
}

impl<'a, V: Vector, const W: usize> Machine<'a, V, W> {
    /// For the body.
    #[inline(always)]
    pub(in crate::program) fn body(
        (code, graph): (&'a Code, &'a Graph),
        slots: &'a mut [V],
        uniform: &'a [f64],
        outputs: &'a mut [V],
        handover: Handover,
        lanes: usize,
    ) -> Self {
        let per_output = if handover == Handover::Sum { 1 } else { W };
        assert!(slots.len() >= code.varying_len * W, "a block for every place");
        assert!(uniform.len() >= code.uniform_len, "a number for every uniform place");
        assert!(outputs.len() >= code.outputs * per_output, "room for every output");
        let (slots, uniform) = (slots.as_mut_ptr(), uniform.as_ptr());
        Self { code, graph, slots, uniform, outputs: outputs.as_mut_ptr(), handover, lanes }
    }

    /// Runs the body.
    #[inline(always)]
    pub(in crate::program) fn run_body(&self) -> Result<(), Stop> {
        // SAFETY: this machine has a block for every place and room for every output, as asserted above.
        unsafe { self.run(&self.code.body) }
    }

    /// # Safety
    /// `instructions` are checked for this machine's slots.
    #[inline(always)]
    unsafe fn run(&self, instructions: &[Instruction]) -> Result<(), Stop> {
        for i in instructions {
            macro_rules! each {
                ($x:ident => $y:expr) => {
                    for w in 0..W {
                        let $x = self.read(i.a, w);
                        self.write(i.to, w, $y);
                    }
                };
            }
            macro_rules! each_pair {
                ($a:ident, $b:ident => $y:expr) => {
                    for w in 0..W {
                        let ($a, $b) = (self.either(i.a, w), self.either(i.b, w));
                        self.write(i.to, w, $y);
                    }
                };
            }
            macro_rules! values {
                ($op:ident) => {
                    for w in 0..W {
                        self.write(i.to, w, self.read(i.a, w).$op(self.read(i.b, w)));
                    }
                };
            }
            match i.op {
                Op::Add => values!(add),
                Op::Sub => values!(sub),
                Op::Mul => values!(mul),
                Op::Scale => {
                    let u = self.uniform(i.b);
                    each!(x => x.mul(u));
                }
                Op::Unary(op) => for_unary!(V, op, each),
                Op::Exact(op) => each!(x => functions::by_lanes(op, x)),
                Op::Binary(op) => for_binary!(V, op, each_pair),
                Op::Power(n) => each!(x => power(x, n)),
                Op::Sum => {
                    let sum = self.sum(i.a);
                    for w in 0..W {
                        self.write(i.to, w, sum[w]);
                    }
                }
                Op::Output => self.hand_over(i.to, self.sum(i.a)),
                Op::Guard(relation, held) => self.guard(i, relation, held)?,
                Op::Call => self.call(i.a)?,
            }
        }
        Ok(())
    }

    #[inline(always)]
    fn read(&self, at: Place, w: usize) -> V {
        // SAFETY: places of checked code are within the slots.
        unsafe { *self.slots.add(at as usize * W + w) }
    }

    #[inline(always)]
    fn uniform(&self, at: Place) -> V {
        // SAFETY: places of checked code are within the uniform values.
        V::splat(unsafe { *self.uniform.add((at & !UNIFORM) as usize) })
    }

    #[inline(always)]
    fn write(&self, to: Place, w: usize, value: V) {
        // SAFETY: places of checked code are within the slots, which this machine has for itself.
        unsafe { *self.slots.add(to as usize * W + w) = value }
    }

    /// A sum in registers.
    #[inline(always)]
    fn sum(&self, at: u32) -> [V; W] {
        // SAFETY: sums and their terms were checked.
        let (sum, terms) = unsafe {
            let sum = self.code.sums.get_unchecked(at as usize);
            (sum, self.code.terms.get_unchecked(sum.from as usize..sum.ends()[2]))
        };
        let (scaled, products) = terms.split_at(sum.scaled as usize);
        let (products, minus_products) = products.split_at(sum.products as usize);
        let mut y = [self.uniform(sum.start); W];
        for &[a, u] in scaled {
            let u = self.uniform(u);
            for w in 0..W {
                y[w] = self.read(a, w).fused(u, y[w]);
            }
        }
        for &[a, b] in products {
            for w in 0..W {
                y[w] = self.read(a, w).fused(self.read(b, w), y[w]);
            }
        }
        for &[a, b] in minus_products {
            for w in 0..W {
                y[w] = self.read(a, w).fused_minus(self.read(b, w), y[w]);
            }
        }
        y
    }

    #[inline(always)]
    fn hand_over(&self, k: u32, mut y: [V; W]) {
        let k = k as usize;
        match self.handover {
            Handover::Block => {
                for w in 0..W {
                    // SAFETY: outputs of checked code are within the room for them.
                    unsafe { *self.outputs.add(k * W + w) = y[w] };
                }
            }
            Handover::Sum => {
                let mut half = W / 2;
                while half > 0 {
                    for w in 0..half {
                        y[w] = y[w].add(y[w + half]);
                    }
                    half /= 2;
                }
                // SAFETY: as above.
                unsafe { *self.outputs.add(k) = (*self.outputs.add(k)).add(y[0]) };
            }
        }
    }

    #[inline(always)]
    fn guard(&self, i: &Instruction, relation: Relation, held: bool) -> Result<(), Stop> {
        for w in 0..W {
            let lanes = self.lanes.saturating_sub(w * V::LANES).min(V::LANES);
            let holds = V::holds(relation, self.either(i.a, w), self.either(i.b, w));
            let all = (1_u32 << lanes) - 1;
            let flipped = (holds ^ if held { all } else { 0 }) & all;
            if flipped != 0 {
                let lane = w * V::LANES + flipped.trailing_zeros() as usize;
                return Err(Stop::Flipped { guard: i.to, lane });
            }
        }
        Ok(())
    }

    /// An operand of either kind.
    #[inline(always)]
    fn either(&self, at: Place, w: usize) -> V {
        if at & UNIFORM == 0 { self.read(at, w) } else { self.uniform(at) }
    }

    /// A rule, lane by lane.
    #[inline(never)]
    fn call(&self, at: u32) -> Result<(), Stop> {
        let call = &self.code.calls[at as usize];
        let rule = &self.graph.calls[call.call as usize].rule;
        let mut x = vec![0.0; call.inputs.len()];
        for lane in 0..self.lanes {
            let (w, l) = (lane / V::LANES, lane % V::LANES);
            for (x, at) in x.iter_mut().zip(&call.inputs) {
                *x = self.either(*at, w).lanes()[l];
            }
            let y = rule.primal(&x).map_err(|error| Stop::Rule { lane, error })?;
            for (to, y) in call.outputs.iter().zip(y) {
                let mut value = self.read(*to, w);
                value.lanes_mut()[l] = y;
                self.write(*to, w, value);
            }
        }
        Ok(())
    }
}

#[inline(never)]
pub(in crate::program) fn power<V: Vector>(mut x: V, n: i32) -> V {
    x.lanes_mut().iter_mut().for_each(|x| *x = x.powi(n));
    x
}
