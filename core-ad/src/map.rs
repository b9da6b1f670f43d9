//! Sums over items as a unit of differentiation.

use rayon::prelude::*;

use crate::real::{Num, Real};
use crate::rule::DerivativeFailure;
use crate::tape::map_sum::taped_pullback;

/// One item's share of a sum: `R^D x R^p -> R^O`.
///
/// Items are data; what is differentiated by are the parameters. The kernel is run on every item by [`Real::map_sum`].
///
/// ```
/// use cotangent_ad::{Kernel, Num, Real, grad, program::Program};
///
/// /// `(a exp(b t) - y)^2` at an item `(t, y)`.
/// #[derive(Clone)]
/// struct Residual;
/// impl Kernel<2, 1> for Residual {
///     fn share<R: Real>(&self, [t, y]: [R; 2], p: &[R]) -> [R; 1] {
///         let r = p[0] * (p[1] * t).exp() - y;
///         [r * r]
///     }
/// }
/// fn loss<R: Real>(data: &[[f64; 2]], p: &[R]) -> R {
///     R::map_sum(&Residual, data, p)[0]
/// }
/// let data = [[0.0, 1.0], [1.0, 2.0], [2.0, 5.0]];
/// let g = grad(|p| loss(&data, p), &[1.0, 0.5]);
/// // recorded, the kernel is one program that is replayed over all items
/// let program = Program::record(|p| vec![loss(&data, p)], &[1.0, 0.5]);
/// let (_, again) = program.vjp(&[1.0, 0.5], &[1.0])?;
/// assert!(program.len() < 10 && (g[1] - again[1]).abs() < 1e-12);
/// # Ok::<(), cotangent_ad::program::ReplayError>(())
/// ```
pub trait Kernel<const D: usize, const O: usize>: Clone + Send + Sync + 'static {
    /// The item's share.
    fn share<R: Real>(&self, item: [R; D], parameters: &[R]) -> [R; O];
}

/// Items of one partial sum: it fixes the order of additions, whatever the number of workers.
const CHUNK: usize = 512;

/// The sum over items that follow each other.
pub(crate) fn plain_sum<R: Real, const D: usize, const O: usize, K: Kernel<D, O>>(
    kernel: &K,
    items: &[[f64; D]],
    p: &[R],
) -> [R; O] {
    let mut sum = [R::lit(0.0); O];
    for item in items {
        let share = kernel.share(item.map(R::lit), p);
        sum.iter_mut().zip(share).for_each(|(sum, y)| *sum += y);
    }
    sum
}

/// Adds entry by entry.
pub(crate) fn add<R: Num>(to: &mut [R], from: impl IntoIterator<Item = R>) {
    to.iter_mut().zip(from).for_each(|(to, x)| *to += x);
}

/// [`Real::map_sum`] where there are no workers to share with.
pub(crate) fn serial_sum<R: Real, const D: usize, const O: usize, K: Kernel<D, O>>(
    kernel: &K,
    items: &[[f64; D]],
    p: &[R],
) -> [R; O] {
    let mut sum = [R::lit(0.0); O];
    items.chunks(CHUNK).for_each(|items| add(&mut sum, plain_sum(kernel, items, p)));
    sum
}

/// [`serial_sum`]'s pullback.
pub(crate) fn serial_pullback<R: Real, const D: usize, const O: usize, K: Kernel<D, O>>(
    kernel: &K,
    items: &[[f64; D]],
    p: &[R],
    y_bar: &[R],
) -> Result<Vec<R>, DerivativeFailure> {
    let mut p_bar = vec![R::lit(0.0); p.len()];
    for items in items.chunks(CHUNK) {
        add(&mut p_bar, taped_pullback(kernel, items, p, y_bar)?);
    }
    Ok(p_bar)
}

/// [`serial_sum`] in `f64` on all workers, to the same bits.
pub(crate) fn parallel_sum<const D: usize, const O: usize, K: Kernel<D, O>>(
    kernel: &K,
    items: &[[f64; D]],
    p: &[f64],
) -> [f64; O] {
    let chunks: Vec<[f64; O]> =
        items.par_chunks(CHUNK).map(|items| plain_sum(kernel, items, p)).collect();
    let mut sum = [0.0; O];
    chunks.into_iter().for_each(|chunk| add(&mut sum, chunk));
    sum
}

/// [`serial_pullback`] in `f64` on all workers, each with sessions of its own, to the same bits.
pub(crate) fn parallel_pullback<const D: usize, const O: usize, K: Kernel<D, O>>(
    kernel: &K,
    items: &[[f64; D]],
    p: &[f64],
    y_bar: &[f64],
) -> Result<Vec<f64>, DerivativeFailure> {
    let chunks: Vec<_> =
        items.par_chunks(CHUNK).map(|items| taped_pullback(kernel, items, p, y_bar)).collect();
    let mut p_bar = vec![0.0; p.len()];
    for chunk in chunks {
        add(&mut p_bar, chunk?);
    }
    Ok(p_bar)
}
