//! The recording scalar as a [`Real`]: loops, sums over items and rules become single calls of a program.

use std::sync::Arc;

use super::graph::{Binary, Relation};
use super::items::sum::ItemSum;
use super::record::{Sized, Sliced, Traced};
use super::scan::rule::Loop;
use crate::checkpoint::ScanOptions;
use crate::map::{self, Kernel};
use crate::real::Real;
use crate::rule::{Rule, SliceRule};
use crate::scan::{Step, plain_loop};

/// Steps from which on a loop is one rule; fewer are recorded as they are.
const UNROLLED_BELOW: usize = 32;

impl Real for Traced {
    fn scan_with<const S: usize, const P: usize, F: Step<S, P>>(
        step: &F,
        n: usize,
        state: [Self; S],
        parameters: [Self; P],
        options: &ScanOptions,
    ) -> [Self; S] {
        let at = (&state, &parameters);
        let recorded = (n >= UNROLLED_BELOW).then(|| Loop::record(step, n, at, options.schedule));
        match recorded {
            Some(Ok(y)) => std::array::from_fn(|k| y[k]),
            // a few steps, or steps that do not all branch alike: plain code
            _ => plain_loop(step, n, state, parameters),
        }
    }

    fn map_sum<const D: usize, const O: usize, K: Kernel<D, O>>(
        kernel: &K,
        items: &[[f64; D]],
        parameters: &[Self],
    ) -> [Self; O] {
        let sum = ItemSum::of_kernel(kernel, items, parameters);
        match sum.and_then(|sum| sum.apply(parameters)) {
            Ok(y) => std::array::from_fn(|k| y[k]),
            // no item, or more paths through the kernel than are worth recording: plain code
            Err(_) => map::serial_sum(kernel, items, parameters),
        }
    }

    fn concrete(self) -> f64 {
        // a number that is not equal to itself is kept as such
        let held = if self.value.is_nan() { self } else { Self::konst(self.value) };
        self.compare(Relation::Equal, held);
        self.value
    }

    fn max(self, other: Self) -> Self {
        self.binary(Binary::Max, other)
    }
    fn min(self, other: Self) -> Self {
        self.binary(Binary::Min, other)
    }

    fn rule<const I: usize, const O: usize, U: Rule<I, O>>(rule: &U, x: [Self; I]) -> [Self; O] {
        let y = rule.primal(x.map(|x| x.value));
        match x.iter().find_map(|x| x.checked()) {
            None => y.map(Self::konst),
            Some(recorder) => {
                let out = recorder.call(Arc::new(Sized::<U, I, O>(rule.clone())), &x, &y);
                std::array::from_fn(|k| out[k])
            }
        }
    }

    fn slice_rule<U: SliceRule>(rule: &U, x: &[Self]) -> Result<Vec<Self>, U::Error> {
        let values: Vec<f64> = x.iter().map(|x| x.value).collect();
        let y = rule.primal(&values)?;
        Ok(match x.iter().find_map(|x| x.checked()) {
            None => y.into_iter().map(Self::konst).collect(),
            Some(recorder) => recorder.call(Arc::new(Sliced(rule.clone())), x, &y),
        })
    }
}
