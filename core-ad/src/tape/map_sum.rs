//! The pullback of a sum over items, on small tapes.

use super::Session;
use crate::map::{Kernel, add, plain_sum};
use crate::real::Real;
use crate::rule::DerivativeFailure;

/// Items on a worker's tape at once, few enough for a cache.
const TAPED: usize = 16;

/// `J^T y_bar` of the sum over some items, on tapes of their own.
pub(crate) fn taped_pullback<R: Real, const D: usize, const O: usize, K: Kernel<D, O>>(
    kernel: &K,
    items: &[[f64; D]],
    p: &[R],
    y_bar: &[R],
) -> Result<Vec<R>, DerivativeFailure> {
    let mut p_bar = vec![R::lit(0.0); p.len()];
    for items in items.chunks(TAPED) {
        let session = Session::<R>::new();
        let p = session.inputs(p);
        let sum = session.lend(&p, |p| plain_sum(kernel, items, p));
        add(&mut p_bar, session.try_pullback(&sum, y_bar, p.vars())?);
    }
    Ok(p_bar)
}
