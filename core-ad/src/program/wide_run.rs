//! Carries out the groups of [`Wide`] code.
#![expect(
    clippy::inline_always,
    reason = "vector code is made where it is inlined into a function with the target features"
)]
#![expect(unsafe_code, reason = "places were checked when the code was made, see `Wide::checked`")]

use super::functions::{self, Operands};
use super::graph::Graph;
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

    /// The outputs of the last run.
    pub(super) fn outputs<'a>(&'a self, code: &'a Wide) -> impl Iterator<Item = f64> + 'a {
        code.outputs.iter().map(|at| self.0[*at as usize])
    }
}

/// Computes all values at the inputs `x`.
///
/// # Errors
/// A guard that goes the other way; else a rule without a value.
pub(super) fn run(
    code: &Wide,
    graph: &Graph,
    x: impl Fn(u32) -> f64,
    values: &mut Values,
) -> Result<(), Stop> {
    assert!(values.0.len() >= code.len, "a number for every place");
    for (k, at) in &code.inputs {
        values.0[*at as usize] = x(*k);
    }
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
            match group.kind {
                Kind::Unary(op) => functions::unary::<V>(op, of),
                Kind::Binary(op) => functions::binary::<V>(op, of),
                Kind::Power(n) => of.each(|x: V| power(x, n)),
                Kind::Sum(counts) => of.sum::<V>(counts),
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
                    V::from_lanes(|l| *self.values.add(*list.add(l) as usize))
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
        y.map(|_| ()).map_err(|message| Stop::Rule { lane: 0, message })
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

    /// Evaluates `f` of the first lane's number for all lanes, by vectors.
    #[inline(always)]
    fn write<V: Vector>(&self, f: impl Fn(usize) -> V) {
        for first in (0..self.group.len as usize).step_by(V::LANES) {
            let y = f(first);
            // SAFETY: a checked group's results are among the values, up to the next multiple of four.
            unsafe { y.store(self.runner.values.add(self.group.to as usize + first)) };
        }
    }

    #[inline(always)]
    fn sum<V: Vector>(&self, [p, m, v, w]: [u32; 4]) {
        let [p, m, v, w] = [p, m, v, w].map(|n| n as usize);
        self.write(|first| {
            let operand = |k: usize| self.runner.fetch::<V>(self.access(k), first);
            let mut y = V::splat(-0.0);
            let mut at = 0;
            for _ in 0..p {
                y = operand(at).fused(operand(at + 1), y);
                at += 2;
            }
            for _ in 0..m {
                y = operand(at).fused_minus(operand(at + 1), y);
                at += 2;
            }
            for k in at..at + v {
                y = y.add(operand(k));
            }
            for k in at + v..at + v + w {
                y = y.sub(operand(k));
            }
            y
        });
    }
}

impl<V: Vector> Operands<V> for Members<'_> {
    #[inline(always)]
    fn each(self, f: impl Fn(V) -> V) {
        let a = self.access(0);
        self.write(|first| f(self.runner.fetch(a, first)));
    }
    #[inline(always)]
    fn each_pair(self, f: impl Fn(V, V) -> V) {
        let (a, b) = (self.access(0), self.access(1));
        self.write(|first| f(self.runner.fetch(a, first), self.runner.fetch(b, first)));
    }
}
