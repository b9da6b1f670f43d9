//! A sum over items within a program: a rule whose derivatives are sums over items again.
//!
//! `y = sum_i f(x_i, p)` has `p_bar = sum_i J_i^T y_bar` and `y_dot = sum_i J_i p_dot`: the same items, and for kernels `f` with
//! one derivative more, whose parameters are `(p, y_bar)` and `(p, p_dot)`. So every order is a kernel that is recorded once
//! and replayed over all items.

use std::sync::{Arc, OnceLock};

use super::{ItemProgram, Record};
use crate::map::Kernel;
use crate::program::derive::inline::{cotangents, tangents};
use crate::program::error::ReplayError;
use crate::program::record::{Derived, Traced, TracedRule};

/// A kernel with its items.
pub(in crate::program) struct ItemSum {
    kernel: Arc<Record>,
    program: ItemProgram,
    items: Arc<[f64]>,
    width: usize,
    parameters: usize,
    pushforward: Made,
    pullback: Made,
}

/// A derivative, once it was asked for.
type Made = OnceLock<Result<Arc<ItemSum>, ReplayError>>;

fn values(x: &[Traced]) -> Vec<f64> {
    x.iter().map(|x| x.value).collect()
}

impl ItemSum {
    /// The sum over a user's kernel.
    ///
    /// # Errors
    /// No item.
    pub(in crate::program) fn of_kernel<const D: usize, const O: usize, K: Kernel<D, O>>(
        kernel: &K,
        items: &[[f64; D]],
        p: &[Traced],
    ) -> Result<Arc<Self>, ReplayError> {
        let kernel = kernel.clone();
        let record = move |item: &[Traced], p: &[Traced]| {
            Ok(kernel.share(std::array::from_fn(|k| item[k]), p).to_vec())
        };
        // an item without data gets a number that nobody reads
        let flat = if D == 0 { vec![0.0; items.len()] } else { items.as_flattened().to_vec() };
        Self::new(Arc::new(record), D.max(1), flat.into(), &values(p))
    }

    fn new(
        kernel: Arc<Record>,
        width: usize,
        items: Arc<[f64]>,
        p: &[f64],
    ) -> Result<Arc<Self>, ReplayError> {
        let program = ItemProgram::try_record(Arc::clone(&kernel), width, p, &items)?;
        let (pushforward, pullback) = (OnceLock::new(), OnceLock::new());
        let parameters = p.len();
        Ok(Arc::new(Self { kernel, program, items, width, parameters, pushforward, pullback }))
    }

    /// Records the sum at `p`.
    ///
    /// # Errors
    /// Items that take too many paths through the kernel, a rule without a value.
    pub(in crate::program) fn apply(self: &Arc<Self>, p: &[Traced]) -> Derived {
        let y = self.program.sum(&self.items, &values(p))?;
        Ok(match p.iter().find_map(|p| p.checked()) {
            None => y.into_iter().map(Traced::konst).collect(),
            Some(recorder) => recorder.call(Arc::<Self>::clone(self), p, &y),
        })
    }

    /// The sum over the derived `kernel`, made once, at `x`.
    fn derived(&self, made: &Made, kernel: impl FnOnce() -> Arc<Record>, x: &[Traced]) -> Derived {
        let make = || Self::new(kernel(), self.width, Arc::clone(&self.items), &values(x));
        made.get_or_init(make).as_ref().map_err(Clone::clone)?.apply(x)
    }
}

impl TracedRule for ItemSum {
    fn primal(&self, p: &[f64]) -> Result<Vec<f64>, ReplayError> {
        self.program.sum(&self.items, p)
    }

    fn jvp(&self, p: &[Traced], _: &[Traced], p_dot: &[Traced]) -> Derived {
        let kernel = || -> Arc<Record> {
            let (kernel, n) = (Arc::clone(&self.kernel), self.parameters);
            Arc::new(move |item: &[Traced], x: &[Traced]| {
                let (p, p_dot) = x.split_at(n);
                tangents(&kernel(item, p)?, p, p_dot)
            })
        };
        self.derived(&self.pushforward, kernel, &[p, p_dot].concat())
    }

    fn vjp(&self, p: &[Traced], _: &[Traced], y_bar: &[Traced]) -> Derived {
        let kernel = || -> Arc<Record> {
            let (kernel, n) = (Arc::clone(&self.kernel), self.parameters);
            Arc::new(move |item: &[Traced], x: &[Traced]| {
                let (p, y_bar) = x.split_at(n);
                cotangents(&kernel(item, p)?, y_bar, p)
            })
        };
        self.derived(&self.pullback, kernel, &[p, y_bar].concat())
    }

    fn name(&self) -> &'static str {
        "map_sum"
    }
}
