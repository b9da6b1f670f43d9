//! Sorting and order statistics: decisions by value, NaN last, ties in the order given.
//!
//! The derivative is that of the entries picked. Where entries tie it is the one of the entry that was picked, a member of
//! the Clarke subdifferential.

use std::cmp::Ordering;

use crate::real::Real;

/// A total order of values, NaN above all.
#[expect(clippy::eq_op, reason = "only NaN differs from itself")]
fn by_value<R: Real>(a: R, b: R) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| (a != a).cmp(&(b != b)))
}

/// The order of indices that sorts `x` ascending.
pub fn argsort<R: Real>(x: &[R]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..x.len()).collect();
    order.sort_by(|i, j| by_value(x[*i], x[*j]));
    order
}

/// Ascending.
///
/// ```
/// use cotangent_ad::{grad, special::sort};
/// assert_eq!(grad(|x| sort(x)[0] * 2.0 + sort(x)[2], &[3.0, 1.0, 2.0]), [1.0, 2.0, 0.0]);
/// ```
pub fn sort<R: Real>(x: &[R]) -> Vec<R> {
    argsort(x).into_iter().map(|i| x[i]).collect()
}

/// The `k` largest, descending.
///
/// # Panics
/// Where there are fewer.
pub fn top_k<R: Real>(x: &[R], k: usize) -> Vec<R> {
    assert!(k <= x.len(), "the {k} largest of {} entries", x.len());
    argsort(x).into_iter().rev().take(k).map(|i| x[i]).collect()
}

/// The middle entry, or the mean of the two.
///
/// # Panics
/// Where there is no entry.
pub fn median<R: Real>(x: &[R]) -> R {
    quantile(x, 0.5)
}

/// The `q`-quantile, linear between order statistics (Hyndman & Fan 1996, type 7).
///
/// # Panics
/// Where there is no entry, or `q` is outside of [0, 1].
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 <= at < len")]
pub fn quantile<R: Real>(x: &[R], q: f64) -> R {
    assert!(!x.is_empty(), "a quantile of no entries");
    assert!((0.0..=1.0).contains(&q), "quantile {q}, expected 0 to 1");
    let sorted = sort(x);
    let at = q * (x.len() - 1) as f64;
    let (below, part) = (at.floor() as usize, at.fract());
    if part == 0.0 {
        sorted[below]
    } else {
        sorted[below] * (1.0 - part) + sorted[below + 1] * part
    }
}

/// The largest entry; where some tie, its derivative is a mean of theirs ([`Real::max`]).
///
/// # Panics
/// Where there is no entry.
pub fn maximum<R: Real>(x: &[R]) -> R {
    x.iter().copied().reduce(Real::max).expect("the largest of no entries")
}

/// The smallest entry; where some tie, its derivative is a mean of theirs ([`Real::min`]).
///
/// # Panics
/// Where there is no entry.
pub fn minimum<R: Real>(x: &[R]) -> R {
    x.iter().copied().reduce(Real::min).expect("the smallest of no entries")
}
