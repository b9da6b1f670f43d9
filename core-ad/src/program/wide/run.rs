//! Carries out the groups of [`Wide`] code.
#![expect(
    clippy::inline_always,
    reason = "vector code is made where it is inlined into a function with the target features"
)]
#![expect(unsafe_code, reason = "places were checked when the code was made, see `Wide::checked`")]

use super::{Access, Group, Kind, ROUND, Wide};
use crate::program::code::machine::power;
use crate::program::error::Stop;
use crate::program::graph::{Binary, Graph, Unary};
#[cfg(target_arch = "x86_64")]
use crate::program::simd::Avx2;
use crate::program::simd::functions::{self, for_binary, for_unary};
use crate::program::simd::{Plain, SimdLevel, Vector, simd_level};

/// Memory of a replay, to be used again.
#[derive(Clone, Debug, Default)]
pub(in crate::program) struct Values(Vec<f64>);

impl Values {
    /// Memory for `code`, constants in place.
    pub(in crate::program) fn new(code: &Wide) -> Self {
        let mut values = vec![0.0; code.len];
        for (at, v) in &code.constants {
            values[*at as usize] = *v;
        }
        Self(values)
    }

    /// The inputs, to be set before a run.
    pub(in crate::program) fn inputs(&mut self, code: &Wide) -> &mut [f64] {
        &mut self.0[..code.inputs]
    }

    /// The outputs of the last run.
    pub(in crate::program) fn outputs<'a>(
        &'a self,
        code: &'a Wide,
    ) -> impl Iterator<Item = f64> + 'a {
        code.outputs.iter().map(|at| self.0[*at as usize])
    }

    /// Adds the outputs of the last run from number `skipped` on to `sums`.
    pub(in crate::program) fn add_outputs(&self, code: &Wide, skipped: usize, sums: &mut [f64]) {
        for &(first, at, len) in &code.runs {
            let cut = skipped.saturating_sub(first).min(len);
            let to = (first + cut).saturating_sub(skipped);
            let found = &self.0[at + cut..at + len];
            sums[to..to + len - cut].iter_mut().zip(found).for_each(|(sum, y)| *sum += y);
        }
    }
}

/// Computes all values at the inputs that were set.
///
/// # Errors
/// A guard that goes the other way; else a rule without a value.
pub(in crate::program) fn run(code: &Wide, graph: &Graph, values: &mut Values) -> Result<(), Stop> {
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
            let len = group.len as usize;
            macro_rules! each {
                ($x:ident => $y:expr) => {{
                    let a = of.access(0);
                    let mut first = 0;
                    while first < len {
                        let [$x] = self.fetch::<V, 1>(a, first);
                        of.write(first, $y);
                        first += V::LANES;
                    }
                }};
            }
            macro_rules! each_pair {
                ($a:ident, $b:ident => $y:expr) => {{
                    let (a, b) = (of.access(0), of.access(1));
                    let mut first = 0;
                    while first < len {
                        let ([$a], [$b]) =
                            (self.fetch::<V, 1>(a, first), self.fetch::<V, 1>(b, first));
                        of.write(first, $y);
                        first += V::LANES;
                    }
                }};
            }
            match group.kind {
                Kind::Unary(op) => for_unary!(V, op, each),
                Kind::Exact(op) => each!(x => functions::by_lanes(op, x)),
                Kind::Binary(op) => for_binary!(V, op, each_pair),
                Kind::Power(n) => each!(x => power(x, n)),
                Kind::Sum(counts) => of.sums::<V>(counts),
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

    /// `N` vectors of the operand, in the lanes from `first` on.
    #[inline(always)]
    fn fetch<V: Vector, const N: usize>(&self, access: Access, first: usize) -> [V; N] {
        let mut x = [V::splat(0.0); N];
        // SAFETY: the places of checked code are among the values, lanes up to the next multiple of four included.
        unsafe {
            match access {
                Access::Run(at) => {
                    for n in 0..N {
                        x[n] = V::load(self.values.add(at as usize + first + n * V::LANES));
                    }
                }
                Access::Same(at) => x = [V::splat(*self.values.add(at as usize)); N],
                Access::List(at) => {
                    let list = self.code.lists.as_ptr().add(at as usize + first);
                    for n in 0..N {
                        x[n] = V::gather(self.values, list.add(n * V::LANES));
                    }
                }
            }
        }
        x
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

    /// All sums of the group, up to four vectors at once: where an operand stands is looked up once for sixteen members.
    #[inline(always)]
    fn sums<V: Vector>(&self, counts: [u32; 4]) {
        let len = self.group.len as usize;
        let mut first = 0;
        while first < len {
            match (len - first).div_ceil(V::LANES) {
                1 => self.sum::<V, 1>(counts, first),
                2 => self.sum::<V, 2>(counts, first),
                3 => self.sum::<V, 3>(counts, first),
                _ => self.sum::<V, 4>(counts, first),
            }
            first += 4 * V::LANES;
        }
    }

    #[inline(always)]
    fn sum<V: Vector, const N: usize>(&self, [p, m, v, w]: [u32; 4], first: usize) {
        let [p, m, v, w] = [p, m, v, w].map(|n| n as usize);
        let mut y = [V::splat(-0.0); N];
        let mut at = 0;
        for _ in 0..p {
            let (a, b) = (self.operand::<V, N>(at, first), self.operand::<V, N>(at + 1, first));
            for n in 0..N {
                y[n] = a[n].fused(b[n], y[n]);
            }
            at += 2;
        }
        for _ in 0..m {
            let (a, b) = (self.operand::<V, N>(at, first), self.operand::<V, N>(at + 1, first));
            for n in 0..N {
                y[n] = a[n].fused_minus(b[n], y[n]);
            }
            at += 2;
        }
        for k in at..at + v {
            let a = self.operand::<V, N>(k, first);
            for n in 0..N {
                y[n] = y[n].add(a[n]);
            }
        }
        for k in at + v..at + v + w {
            let a = self.operand::<V, N>(k, first);
            for n in 0..N {
                y[n] = y[n].sub(a[n]);
            }
        }
        for n in 0..N {
            self.write(first + n * V::LANES, y[n]);
        }
    }

    /// Operand `k` in the lanes from `first` on.
    #[inline(always)]
    fn operand<V: Vector, const N: usize>(&self, k: usize, first: usize) -> [V; N] {
        self.runner.fetch(self.access(k), first)
    }
}
