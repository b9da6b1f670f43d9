//! Runs compiled code: on one value, or on packs of items at the widest level that the processor has.
#![expect(
    clippy::inline_always,
    reason = "vector code is made where it is inlined into a function with the target features"
)]
#![expect(
    unsafe_code,
    reason = "code for wider vector units is called where the processor has them"
)]

use std::sync::OnceLock;

use super::code::{Code, Instruction, Op, Segment, Term, UNIFORM};
use super::graph::{Graph, Relation};
use super::lanes::{LANES, Lane, Pack};

/// Width of the vector instructions of a replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SimdLevel {
    /// What every processor of the architecture has.
    Baseline,
    /// 256 bits, fused multiply-add.
    Avx2,
    /// 512 bits, fused multiply-add.
    Avx512,
}

/// The level that replays run at: the widest that the processor has, or a lower one that the environment variable
/// `COTANGENT_SIMD` names (`baseline`, `avx2`, `avx512`). Equal results are promised for equal levels only.
pub fn simd_level() -> SimdLevel {
    static LEVEL: OnceLock<SimdLevel> = OnceLock::new();
    *LEVEL.get_or_init(|| {
        let wanted = match std::env::var("COTANGENT_SIMD").as_deref() {
            Ok("baseline") => SimdLevel::Baseline,
            Ok("avx2") => SimdLevel::Avx2,
            _ => SimdLevel::Avx512,
        };
        wanted.min(widest())
    })
}

#[cfg(target_arch = "x86_64")]
fn widest() -> SimdLevel {
    let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
    let avx512 = is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl");
    match (avx2, avx512) {
        (true, true) => SimdLevel::Avx512,
        (true, false) => SimdLevel::Avx2,
        _ => SimdLevel::Baseline,
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn widest() -> SimdLevel {
    SimdLevel::Baseline
}

/// Why a replay stopped.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Stop {
    /// This guard, in these lanes (one bit each).
    Flipped { guard: u32, lanes: u8 },
    /// This call's rule has no value.
    Rule { message: String },
}

/// Where operands are and results go.
trait Store<T: Lane> {
    fn varying(&self, at: u32) -> T;
    fn uniform(&self, at: u32) -> T;
    fn any(&self, at: u32) -> T;
    fn write(&mut self, to: u32, value: T);
    fn lane(&self, at: u32, lane: usize) -> f64;
    fn set_lane(&mut self, to: u32, lane: usize, value: f64);
}

/// The uniform section: one number a value.
struct Once<'a>(&'a mut [f64]);

impl Store<f64> for Once<'_> {
    #[inline(always)]
    fn varying(&self, at: u32) -> f64 {
        self.0[at as usize]
    }
    #[inline(always)]
    fn uniform(&self, at: u32) -> f64 {
        self.0[at as usize]
    }
    #[inline(always)]
    fn any(&self, at: u32) -> f64 {
        self.0[(at & !UNIFORM) as usize]
    }
    #[inline(always)]
    fn write(&mut self, to: u32, value: f64) {
        self.0[(to & !UNIFORM) as usize] = value;
    }
    fn lane(&self, at: u32, _: usize) -> f64 {
        self.any(at)
    }
    fn set_lane(&mut self, to: u32, _: usize, value: f64) {
        self.write(to, value);
    }
}

/// The body: a pack a value, uniform values aside.
struct Packs<'a, const FMA: bool> {
    uniform: &'a [f64],
    varying: &'a mut [Pack<FMA>],
}

impl<const FMA: bool> Store<Pack<FMA>> for Packs<'_, FMA> {
    #[inline(always)]
    fn varying(&self, at: u32) -> Pack<FMA> {
        self.varying[at as usize]
    }
    #[inline(always)]
    fn uniform(&self, at: u32) -> Pack<FMA> {
        Pack::splat(self.uniform[at as usize])
    }
    #[inline(always)]
    fn any(&self, at: u32) -> Pack<FMA> {
        if at & UNIFORM == 0 { self.varying(at) } else { self.uniform(at & !UNIFORM) }
    }
    #[inline(always)]
    fn write(&mut self, to: u32, value: Pack<FMA>) {
        self.varying[to as usize] = value;
    }
    fn lane(&self, at: u32, lane: usize) -> f64 {
        self.any(at).0[lane]
    }
    fn set_lane(&mut self, to: u32, lane: usize, value: f64) {
        self.varying[to as usize].0[lane] = value;
    }
}

/// Instructions with what they refer to.
struct Job<'a> {
    code: &'a Code,
    graph: &'a Graph,
}

impl Job<'_> {
    /// Sum of products and values, in registers.
    #[inline(always)]
    fn sum<T: Lane>(&self, i: &Instruction, start: T, store: &impl Store<T>) -> T {
        let mut sum = start;
        for &Segment { kind, from, to } in &self.code.segments[i.a as usize..][..i.b as usize] {
            let terms = &self.code.terms[from as usize..to as usize];
            match kind {
                Term::Value => terms.iter().for_each(|t| sum += store.varying(t[0])),
                Term::MinusValue => terms.iter().for_each(|t| sum -= store.varying(t[0])),
                Term::Uniform => terms.iter().for_each(|t| sum += store.uniform(t[0])),
                Term::MinusUniform => terms.iter().for_each(|t| sum -= store.uniform(t[0])),
                Term::ProductVU => terms
                    .iter()
                    .for_each(|t| sum = store.varying(t[0]).fused(store.uniform(t[1]), sum)),
                Term::MinusProductVU => terms
                    .iter()
                    .for_each(|t| sum = (-store.varying(t[0])).fused(store.uniform(t[1]), sum)),
                Term::ProductVV => terms
                    .iter()
                    .for_each(|t| sum = store.varying(t[0]).fused(store.varying(t[1]), sum)),
                Term::MinusProductVV => terms
                    .iter()
                    .for_each(|t| sum = (-store.varying(t[0])).fused(store.varying(t[1]), sum)),
            }
        }
        sum
    }

    #[inline(always)]
    fn run<T: Lane>(
        &self,
        instructions: &[Instruction],
        lanes: usize,
        store: &mut impl Store<T>,
        sums: &mut [T],
    ) -> Result<(), Stop> {
        for i in instructions {
            let value = match i.op {
                Op::Add => store.any(i.a) + store.any(i.b),
                Op::Sub => store.any(i.a) - store.any(i.b),
                Op::Mul => store.any(i.a) * store.any(i.b),
                Op::Div => store.any(i.a) / store.any(i.b),
                Op::Neg => -store.any(i.a),
                Op::Unary(op) => op.value(store.any(i.a)),
                Op::Binary(op) => T::apply(op, store.any(i.a), store.any(i.b)),
                Op::Power(n) => store.any(i.a).powi(n),
                Op::Dot => self.sum(i, T::splat(0.0), store),
                Op::Accumulate => {
                    let at = i.to as usize;
                    sums[at] = self.sum(i, sums[at], store);
                    continue;
                }
                Op::Guard(relation, held) => {
                    flipped(i, relation, held, lanes, store)?;
                    continue;
                }
                Op::Call => {
                    self.call(i.a as usize, lanes, store)?;
                    continue;
                }
            };
            store.write(i.to, value);
        }
        Ok(())
    }

    /// A rule, lane by lane.
    #[inline(never)]
    fn call<T: Lane>(
        &self,
        at: usize,
        lanes: usize,
        store: &mut impl Store<T>,
    ) -> Result<(), Stop> {
        let (call, inputs, outputs) = &self.code.calls[at];
        let rule = &self.graph.calls[*call as usize].rule;
        for lane in 0..lanes {
            let x: Vec<f64> = inputs.iter().map(|at| store.lane(*at, lane)).collect();
            let y = rule.primal(&x).map_err(|message| Stop::Rule { message })?;
            outputs.iter().zip(y).for_each(|(to, y)| store.set_lane(*to, lane, y));
        }
        Ok(())
    }
}

#[inline(never)]
fn flipped<T: Lane>(
    i: &Instruction,
    relation: Relation,
    held: bool,
    lanes: usize,
    store: &impl Store<T>,
) -> Result<(), Stop> {
    let mut flipped = 0;
    for lane in 0..lanes {
        let holds = relation.holds(store.lane(i.a, lane), store.lane(i.b, lane));
        flipped |= u8::from(holds != held) << lane;
    }
    if flipped == 0 { Ok(()) } else { Err(Stop::Flipped { guard: i.to, lanes: flipped }) }
}

/// Uniform values for `inputs`: constants, inputs, and all that follows from them.
pub(super) fn once(code: &Code, graph: &Graph, x: impl Fn(u32) -> f64) -> Result<Vec<f64>, Stop> {
    let mut uniform = vec![0.0; code.uniform_len];
    for (place, value) in &code.constants {
        uniform[*place as usize] = *value;
    }
    for (k, place) in &code.inputs {
        if place & UNIFORM != 0 {
            uniform[(place & !UNIFORM) as usize] = x(*k);
        }
    }
    Job { code, graph }.run(&code.once, 1, &mut Once(&mut uniform), &mut [])?;
    Ok(uniform)
}

/// Outputs of code in which nothing varies.
pub(super) fn outputs_of_once(code: &Code, graph: &Graph, uniform: &mut [f64]) -> Vec<f64> {
    let mut sums = vec![0.0; code.outputs];
    Job { code, graph }
        .run(&code.body, 1, &mut Once(uniform), &mut sums)
        .expect("what is left are outputs");
    sums
}

/// What a run over items gives.
pub(super) struct Items<'a> {
    /// Inputs of the items, row by row.
    pub(super) rows: &'a [f64],
    /// Numbers in a row.
    pub(super) width: usize,
}

/// Where the outputs of items go.
pub(super) enum Sink<'a> {
    /// Added up.
    Sum(&'a mut [f64]),
    /// Row by row.
    Rows(&'a mut [f64]),
}

/// Runs the body over items, whose column `k` is input `k`.
///
/// # Errors
/// The first item that flips a guard or whose rule has no value, with what stopped it.
pub(super) fn over_items(
    code: &Code,
    graph: &Graph,
    uniform: &[f64],
    items: &Items<'_>,
    sink: &mut Sink<'_>,
) -> Result<(), (usize, Stop)> {
    let job = Job { code, graph };
    match simd_level() {
        SimdLevel::Baseline => packs::<false>(&job, uniform, items, sink),
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the level is no higher than what the processor was found to have.
        SimdLevel::Avx2 => unsafe { packs_avx2(&job, uniform, items, sink) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        SimdLevel::Avx512 => unsafe { packs_avx512(&job, uniform, items, sink) },
        #[cfg(not(target_arch = "x86_64"))]
        _ => packs::<false>(&job, uniform, items, sink),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn packs_avx2(
    job: &Job<'_>,
    uniform: &[f64],
    items: &Items<'_>,
    sink: &mut Sink<'_>,
) -> Result<(), (usize, Stop)> {
    packs::<true>(job, uniform, items, sink)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,avx512f,avx512dq,avx512vl")]
fn packs_avx512(
    job: &Job<'_>,
    uniform: &[f64],
    items: &Items<'_>,
    sink: &mut Sink<'_>,
) -> Result<(), (usize, Stop)> {
    packs::<true>(job, uniform, items, sink)
}

#[inline(always)]
fn packs<const FMA: bool>(
    job: &Job<'_>,
    uniform: &[f64],
    items: &Items<'_>,
    sink: &mut Sink<'_>,
) -> Result<(), (usize, Stop)> {
    let Job { code, .. } = *job;
    let mut varying = vec![Pack::<FMA>::splat(0.0); code.varying_len];
    let mut sums = vec![Pack::<FMA>::splat(0.0); code.outputs];
    let count = items.rows.len().checked_div(items.width).unwrap_or(0);
    let mut first = 0;
    while first < count {
        let lanes = LANES.min(count - first);
        if lanes < LANES && matches!(sink, Sink::Sum(_)) {
            // the sums so far are of full packs; in the last one only some lanes count
            drain(&mut sums, LANES, sink, 0);
        }
        for (k, place) in &code.inputs {
            if place & UNIFORM == 0 {
                let column = *k as usize;
                for lane in 0..LANES {
                    let row = first + lane.min(lanes - 1);
                    varying[*place as usize].0[lane] = items.rows[row * items.width + column];
                }
            }
        }
        let mut store = Packs { uniform, varying: &mut varying };
        job.run(&code.body, lanes, &mut store, &mut sums).map_err(|stop| {
            let lane = match stop {
                Stop::Flipped { lanes, .. } => lanes.trailing_zeros() as usize,
                Stop::Rule { .. } => 0,
            };
            (first + lane, stop)
        })?;
        if lanes < LANES || matches!(sink, Sink::Rows(_)) {
            drain(&mut sums, lanes, sink, first);
        }
        first += lanes;
    }
    if matches!(sink, Sink::Sum(_)) {
        drain(&mut sums, LANES, sink, 0);
    }
    Ok(())
}

/// Moves `lanes` lanes of the accumulators to the sink; for rows they are the items from `first` on.
#[inline(always)]
fn drain<const FMA: bool>(sums: &mut [Pack<FMA>], lanes: usize, sink: &mut Sink<'_>, first: usize) {
    let width = sums.len();
    for (k, sum) in sums.iter_mut().enumerate() {
        match sink {
            Sink::Sum(total) => total[k] += sum.0[..lanes].iter().sum::<f64>(),
            Sink::Rows(rows) => {
                for lane in 0..lanes {
                    rows[(first + lane) * width + k] = sum.0[lane];
                }
            }
        }
        *sum = Pack::splat(0.0);
    }
}
