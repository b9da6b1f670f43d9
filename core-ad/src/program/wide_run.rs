//! Carries out the groups of [`Wide`] code.
#![expect(
    clippy::inline_always,
    reason = "vector code is made where it is inlined into a function with the target features"
)]
#![expect(unsafe_code, reason = "places were checked when the code was made, see `Wide::checked`")]

use super::functions::{self, for_binary, for_unary};
use super::graph::{Binary, Graph, Unary};
use super::machine::{Stop, power};
use super::replay::{SimdLevel, simd_level};
use super::vector::{Plain, Vector};
use super::wide::{Access, Group, Kind, ROUND, Wide};
#[cfg(target_arch = "x86_64")]
use super::x86::Avx2;

/// Memory of a replay, to be used again.
#[derive(Clone, Debug, Default)]
pub(super) struct Values(Vec<f64>);

impl Values {
    /// Memory for `code`, constants in place.
    pub(super) fn new(code: &Wide) -> Self {
        let mut values = vec![0.0; code.len];
        for (at, v) in &code.constants {
            values[*at as usize] = *v;
        }
        Self(values)
    }

    /// The inputs, to be set before a run.
    pub(super) fn inputs(&mut self, code: &Wide) -> &mut [f64] {
        &mut self.0[..code.inputs]
    }

    /// The outputs of the last run.
    pub(super) fn outputs<'a>(&'a self, code: &'a Wide) -> impl Iterator<Item = f64> + 'a {
        code.outputs.iter().map(|at| self.0[*at as usize])
    }
}

/// Computes all values at the inputs that were set.
///
/// # Errors
/// A guard that goes the other way; else a rule without a value.
pub(super) fn run(code: &Wide, graph: &Graph, values: &mut Values) -> Result<(), Stop> {
    assert!(values.0.len() >= code.len, "a number for every place");
    let runner = Runner { code, graph, values: values.0.as_mut_ptr() };
    let done = match simd_level() {
        SimdLevel::Baseline => runner.groups::<Plain<ROUND>>(),
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the level is no higher than what the processor was found to have.
        SimdLevel::Avx2 => unsafe { groups_avx2(&runner) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        SimdLevel::Avx512 => unsafe { groups_avx512(&runner) },
        #[cfg(not(target_arch = "x86_64"))]
        _ => runner.groups::<Plain<ROUND>>(),
    };
    // a rule may have failed behind a branch that is not taken here
    for g in &code.guards {
        let guard = &graph.guards[g.guard as usize];
        let (a, b) = (values.0[g.a as usize], values.0[g.b as usize]);
        if guard.relation.holds(a, b) != guard.held {
            return Err(Stop::Flipped { guard: g.guard, lane: 0 });
        }
    }
    done
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn groups_avx2(runner: &Runner<'_>) -> Result<(), Stop> {
    runner.groups::<Avx2>()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,avx512f,avx512dq,avx512vl")]
fn groups_avx512(runner: &Runner<'_>) -> Result<(), Stop> {
    runner.groups::<Avx2>()
}

struct Runner<'a> {
    code: &'a Wide,
    graph: &'a Graph,
    /// A number for every place.
    values: *mut f64,
}

impl Runner<'_> {
    #[inline(always)]
    fn groups<V: Vector>(&self) -> Result<(), Stop> {
        let mut failed = Ok(());
        for group in &self.code.groups {
            let of = Members { runner: self, group };
            let lanes = (0..group.len as usize).step_by(V::LANES);
            macro_rules! each {
                ($x:ident => $y:expr) => {{
                    let a = of.access(0);
                    for first in lanes {
                        let $x: V = self.fetch(a, first);
                        of.write(first, $y);
                    }
                }};
            }
            macro_rules! each_pair {
                ($a:ident, $b:ident => $y:expr) => {{
                    let (a, b) = (of.access(0), of.access(1));
                    for first in lanes {
                        let ($a, $b): (V, V) = (self.fetch(a, first), self.fetch(b, first));
                        of.write(first, $y);
                    }
                }};
            }
            match group.kind {
                Kind::Unary(op) => for_unary!(V, op, each),
                Kind::Binary(op) => for_binary!(V, op, each_pair),
                Kind::Power(n) => each!(x => power(x, n)),
                Kind::Sum(counts) => {
                    for first in lanes {
                        of.write::<V>(first, of.sum(counts, first));
                    }
                }
                Kind::Call(c) => {
                    if let Err(stop) = self.call(c, group)
                        && failed.is_ok()
                    {
                        failed = Err(stop);
                    }
                }
            }
        }
        failed
    }

    /// The operand in the lanes from `first` on.
    #[inline(always)]
    fn fetch<V: Vector>(&self, access: Access, first: usize) -> V {
        // SAFETY: the places of checked code are among the values, lanes up to the next multiple of four included.
        unsafe {
            match access {
                Access::Run(at) => V::load(self.values.add(at as usize + first)),
                Access::Same(at) => V::splat(*self.values.add(at as usize)),
                Access::List(at) => {
                    let list = self.code.lists.as_ptr().add(at as usize + first);
                    V::gather(self.values, list)
                }
            }
        }
    }

    #[inline(never)]
    fn call(&self, number: u32, group: &Group) -> Result<(), Stop> {
        let call = &self.code.calls[number as usize];
        let rule = &self.graph.calls[call.call as usize].rule;
        // SAFETY: as in `fetch`.
        let x: Vec<f64> =
            call.inputs.iter().map(|at| unsafe { *self.values.add(*at as usize) }).collect();
        let y = rule.primal(&x);
        for k in 0..group.len as usize {
            let y = y.as_ref().map_or(f64::NAN, |y| y[k]);
            // SAFETY: a group's results are among the values.
            unsafe { *self.values.add(group.to as usize + k) = y };
        }
        y.map(|_| ()).map_err(|error| Stop::Rule { lane: 0, error })
    }
}

/// The members of a group.
struct Members<'a> {
    runner: &'a Runner<'a>,
    group: &'a Group,
}

impl Members<'_> {
    #[inline(always)]
    fn access(&self, k: usize) -> Access {
        // SAFETY: a checked group's accesses are there.
        unsafe { *self.runner.code.accesses.get_unchecked(self.group.access as usize + k) }
    }

    #[inline(always)]
    fn write<V: Vector>(&self, first: usize, y: V) {
        // SAFETY: a checked group's results are among the values, up to the next multiple of four.
        unsafe { y.store(self.runner.values.add(self.group.to as usize + first)) };
    }

    /// Operand `k` in the lanes from `first` on.
    #[inline(always)]
    fn operand<V: Vector>(&self, k: usize, first: usize) -> V {
        self.runner.fetch(self.access(k), first)
    }

    #[inline(always)]
    fn sum<V: Vector>(&self, [p, m, v, w]: [u32; 4], first: usize) -> V {
        let [p, m, v, w] = [p, m, v, w].map(|n| n as usize);
        let mut y = V::splat(-0.0);
        let mut at = 0;
        for _ in 0..p {
            y = self.operand::<V>(at, first).fused(self.operand(at + 1, first), y);
            at += 2;
        }
        for _ in 0..m {
            y = self.operand::<V>(at, first).fused_minus(self.operand(at + 1, first), y);
            at += 2;
        }
        for k in at..at + v {
            y = y.add(self.operand(k, first));
        }
        for k in at + v..at + v + w {
            y = y.sub(self.operand(k, first));
        }
        y
    }
}
