//! Many items on all workers: each worker tapes its items in sessions of its own, and the caller's tape gets one statement.

use rayon::prelude::*;

use super::{Session, Var};
use crate::real::Real;
use crate::rule::DerivativeFailure;

/// Most partial sums: what depends on the number of items only gives the same bits on any number of workers.
const PARTS: usize = 64;

/// `sum_i f(x, item_i)` as one statement of the caller's tape: values and gradients of shares of the items are computed on the
/// workers of the current thread pool. The result has the same bits on any number of them.
///
/// `f` gets the parameters `x` as variables of the worker's session; it captures no `Var`, which could not be sent there.
///
/// ```
/// use cotangent_ad::{DerivativeFailure, Num, Var, tape::parallel_sum, try_value_and_grad};
/// let data: Vec<f64> = (0..100).map(f64::from).collect();
/// let term = |p: &[Var<f64>], t: &f64| Ok::<_, DerivativeFailure>((p[0] * *t).sin() * p[1]);
/// let (_, g) = try_value_and_grad(|p| parallel_sum(&data, p, term), &[0.1, 2.0])?;
/// let exact: f64 = data.iter().map(|t| (0.1 * t).sin()).sum();
/// assert!((g[1] - exact).abs() < 1e-12);
/// # Ok::<(), DerivativeFailure>(())
/// ```
///
/// # Errors
/// The error of the first item that has one: what `f` returns, or a rule without a derivative.
pub fn parallel_sum<T, I, E>(
    items: &[I],
    x: &[Var<T>],
    f: impl Fn(&[Var<T>], &I) -> Result<Var<T>, E> + Sync,
) -> Result<Var<T>, E>
where
    T: Real + Send + Sync,
    I: Sync,
    E: From<DerivativeFailure> + Send,
{
    let values: Vec<T> = x.iter().map(|x| x.value()).collect();
    let share = |items: &[I]| -> Result<(T, Vec<T>), E> {
        let session = Session::new();
        let x = session.inputs(&values);
        let sum = session.lend(&x, |x| {
            items
                .iter()
                .try_fold(Var::konst(T::lit(0.0)), |sum, item| Ok::<_, E>(sum + f(x, item)?))
        })?;
        Ok((sum.value(), session.try_pullback(&[sum], &[T::lit(1.0)], x.vars())?))
    };
    let shares: Vec<_> = items.par_chunks(items.len().div_ceil(PARTS).max(1)).map(share).collect();
    let (mut sum, mut gradient) = (T::lit(0.0), vec![T::lit(0.0); x.len()]);
    for share in shares {
        let (value, of_share) = share?;
        sum += value;
        gradient.iter_mut().zip(of_share).for_each(|(g, s)| *g += s);
    }
    Ok(Var::statement(x, vec![sum], &gradient)[0])
}

/// `f(x, item_i)` of every item, each as one statement of the caller's tape whose Jacobian a worker of the current thread pool
/// computed, by one sweep an output. As [`parallel_sum`] otherwise.
///
/// # Errors
/// As [`parallel_sum`].
pub fn parallel_map<T, I, E>(
    items: &[I],
    x: &[Var<T>],
    f: impl Fn(&[Var<T>], &I) -> Result<Vec<Var<T>>, E> + Sync,
) -> Result<Vec<Vec<Var<T>>>, E>
where
    T: Real + Send + Sync,
    I: Sync,
    E: From<DerivativeFailure> + Send,
{
    let values: Vec<T> = x.iter().map(|x| x.value()).collect();
    let linearised = |item: &I| -> Result<(Vec<T>, Vec<T>), E> {
        let session = Session::new();
        let inputs = session.inputs(&values);
        let (x, y) = (inputs.vars(), session.lend(&inputs, |x| f(x, item))?);
        let mut jacobian = Vec::with_capacity(y.len() * x.len());
        for y in &y {
            jacobian.extend(session.try_pullback(&[*y], &[T::lit(1.0)], x)?);
        }
        Ok((y.iter().map(|y| y.value()).collect(), jacobian))
    };
    let found: Vec<_> = items.par_iter().map(linearised).collect();
    let statement = |found: Result<(Vec<T>, Vec<T>), E>| {
        found.map(|(y, jacobian)| Var::statement(x, y, &jacobian))
    };
    found.into_iter().map(statement).collect()
}
