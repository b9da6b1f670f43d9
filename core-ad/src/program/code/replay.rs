//! Runs compiled code: on one value, or over items at the widest level that the processor has.
#![expect(
    clippy::inline_always,
    reason = "vector code is made where it is inlined into a function with the target features"
)]
#![expect(
    unsafe_code,
    reason = "code for wider vector units is called where the processor has them"
)]

use super::Code;
use super::machine::{Handover, Machine};
use crate::program::error::Stop;
use crate::program::graph::Graph;
#[cfg(target_arch = "x86_64")]
use crate::program::simd::Avx2;
use crate::program::simd::{Plain, SimdLevel, Vector, simd_level};

/// Uniform values for `inputs`: constants, inputs, and all that follows from them.
pub(in crate::program) fn once(
    code: &Code,
    graph: &Graph,
    x: impl Fn(u32) -> f64,
) -> Result<Vec<f64>, Stop> {
    let mut uniform = vec![0.0; code.uniform_len];
    for (place, value) in &code.constants {
        uniform[*place as usize] = *value;
    }
    for (k, place) in &code.uniform_inputs {
        uniform[*place as usize] = x(*k);
    }
    Machine::once(code, graph, &mut uniform).run_once()?;
    Ok(uniform)
}

/// What a run over items is given.
pub(in crate::program) struct Items<'a> {
    /// Inputs of the items, row by row.
    pub(in crate::program) rows: &'a [f64],
    /// Numbers in a row.
    pub(in crate::program) width: usize,
}

/// Where the outputs of items go.
pub(in crate::program) enum Sink<'a> {
    /// Added up.
    Sum(&'a mut [f64]),
    /// Row by row.
    Rows(&'a mut [f64]),
}

/// Runs the body over items, whose column `k` is input `k`.
///
/// # Errors
/// The first item that flips a guard or whose rule has no value, with what stopped it.
pub(in crate::program) fn over_items(
    job: &Job<'_>,
    items: &Items<'_>,
    sink: &mut Sink<'_>,
    level: SimdLevel,
) -> Result<(), (usize, Stop)> {
    match level.min(simd_level()) {
        SimdLevel::Baseline => blocks::<Plain<4>>(job, items, sink),
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the level is no higher than what the processor was found to have.
        SimdLevel::Avx2 => unsafe { blocks_avx2(job, items, sink) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        SimdLevel::Avx512 => unsafe { blocks_avx512(job, items, sink) },
        #[cfg(not(target_arch = "x86_64"))]
        _ => blocks::<Plain<4>>(job, items, sink),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn blocks_avx2(job: &Job<'_>, items: &Items<'_>, sink: &mut Sink<'_>) -> Result<(), (usize, Stop)> {
    blocks::<Avx2>(job, items, sink)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,avx512f,avx512dq,avx512vl")]
fn blocks_avx512(
    job: &Job<'_>,
    items: &Items<'_>,
    sink: &mut Sink<'_>,
) -> Result<(), (usize, Stop)> {
    blocks::<Avx2>(job, items, sink)
}

/// Code and its uniform values.
pub(in crate::program) struct Job<'a> {
    pub(in crate::program) code: &'a Code,
    pub(in crate::program) graph: &'a Graph,
    pub(in crate::program) uniform: &'a [f64],
}

/// Vectors in a block: with four, each instruction is decoded twice as often, and the gradient of a mixture (GMM d10 K25) takes
/// 1.3 times as long although half as much memory is worked on.
const WIDE: usize = 8;
/// Places up to which a block's values stay in the second-level cache.
const MOST_PLACES: usize = 1024;

#[inline(always)]
fn blocks<V: Vector>(
    job: &Job<'_>,
    items: &Items<'_>,
    sink: &mut Sink<'_>,
) -> Result<(), (usize, Stop)> {
    let count = items.rows.len().checked_div(items.width).unwrap_or(0);
    let wide = if job.code.varying_len <= MOST_PLACES { WIDE * V::LANES } else { usize::MAX };
    // what remains goes by vectors, or as a block in which only some lanes count
    let rest = count % wide;
    let by_block = if rest > wide / 4 { count } else { count - rest };
    if by_block > 0 {
        run::<V, WIDE>(job, items, 0..by_block, sink)?;
    }
    if by_block < count { run::<V, 1>(job, items, by_block..count, sink) } else { Ok(()) }
}

/// The items `range` in blocks of `W` vectors.
#[inline(always)]
fn run<V: Vector, const W: usize>(
    job: &Job<'_>,
    items: &Items<'_>,
    range: std::ops::Range<usize>,
    sink: &mut Sink<'_>,
) -> Result<(), (usize, Stop)> {
    let Job { code, graph, uniform } = *job;
    let mut slots = vec![V::splat(0.0); code.varying_len * W];
    let mut sums = vec![V::splat(0.0); if matches!(sink, Sink::Sum(_)) { code.outputs } else { 0 }];
    let mut block = Vec::new();
    let size = W * V::LANES;
    for first in range.clone().step_by(size) {
        let lanes = size.min(range.end - first);
        gather::<V, W>(code, items, first, lanes, &mut slots);
        let whole = lanes == size && matches!(sink, Sink::Sum(_));
        if !whole {
            block.resize(code.outputs * W, V::splat(0.0));
        }
        let (outputs, handover) =
            if whole { (&mut sums, Handover::Sum) } else { (&mut block, Handover::Block) };
        let machine =
            Machine::<V, W>::body((code, graph), &mut slots, uniform, outputs, handover, lanes);
        machine.run_body().map_err(|stop| match stop {
            Stop::Flipped { lane, .. } | Stop::Rule { lane, .. } => (first + lane, stop),
        })?;
        if !whole {
            deliver::<V, W>(&block, first, lanes, sink);
        }
    }
    if let Sink::Sum(total) = sink {
        for (total, sum) in total.iter_mut().zip(&sums) {
            *total += sum.lanes().iter().sum::<f64>();
        }
    }
    Ok(())
}

/// Inputs of the items from `first` on; lanes beyond the last item repeat it.
#[inline(always)]
fn gather<V: Vector, const W: usize>(
    code: &Code,
    items: &Items<'_>,
    first: usize,
    lanes: usize,
    slots: &mut [V],
) {
    for (k, place) in &code.varying_inputs {
        let block = &mut slots[*place as usize * W..][..W];
        for (w, vector) in block.iter_mut().enumerate() {
            for (l, x) in vector.lanes_mut().iter_mut().enumerate() {
                let row = first + (w * V::LANES + l).min(lanes - 1);
                *x = items.rows[row * items.width + *k as usize];
            }
        }
    }
}

/// Hands over the outputs of the items from `first` on, of which `lanes` are in the block.
#[inline(always)]
fn deliver<V: Vector, const W: usize>(
    block: &[V],
    first: usize,
    lanes: usize,
    sink: &mut Sink<'_>,
) {
    let width = block.len() / W;
    for lane in 0..lanes {
        let (w, l) = (lane / V::LANES, lane % V::LANES);
        let row = block.chunks_exact(W).map(|vectors| vectors[w].lanes()[l]);
        match sink {
            Sink::Sum(total) => total.iter_mut().zip(row).for_each(|(t, y)| *t += y),
            Sink::Rows(rows) => {
                let rows = &mut rows[(first + lane) * width..][..width];
                rows.iter_mut().zip(row).for_each(|(to, y)| *to = y);
            }
        }
    }
}

/// A function of many arguments, for tests of its errors.
#[cfg(test)]
pub(in crate::program) fn evaluated(
    op: crate::program::graph::Unary,
    x: &[f64],
    level: SimdLevel,
) -> Vec<f64> {
    use crate::program::graph::Node;
    let mut graph = Graph::default();
    let input = graph.input(0.5);
    let output = graph.push(Node::Unary(op, input), 0.5);
    let code = Code::compile(&graph, &[output], |_| true);
    let mut rows = vec![0.0; x.len()];
    let job = Job { code: &code, graph: &graph, uniform: &once(&code, &graph, |_| 0.0).unwrap() };
    let items = Items { rows: x, width: 1 };
    over_items(&job, &items, &mut Sink::Rows(&mut rows), level).unwrap();
    rows
}
