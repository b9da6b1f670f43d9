//! Taylor mode: derivatives of high order at the price of a product of polynomials.
//!
//! Griewank & Walther, "Evaluating Derivatives" (2008), chapter 13: every function is the recurrence that its differential
//! equation gives for coefficients, `O(N^2)` for order `N`, where nesting duals costs `2^N`.

mod arithmetic;
mod functions;

use std::array;
use std::cmp::Ordering;

use crate::real::{Num, Real, number, sum_by_addition};
use crate::rule::{Rule, SliceRule};

/// The first `N` Taylor coefficients `c_k = f^(k) / k!` along a curve: order `N - 1`.
///
/// ```
/// use cotangent_ad::{Num, jet::derivatives};
/// let d: [f64; 11] = derivatives(|x| (x * 2.0).sin(), 0.0);
/// assert!((d[9] - 512.0).abs() < 1e-12); // 2^9 cos 0
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Jet<T, const N: usize> {
    c: [T; N],
    /// How many coefficients are known; the others are zero. Fewer than `N` only inside of rules.
    known: usize,
    /// Whether it was made as a constant, so that the coefficients beyond those that are carried are zeros as well.
    fixed: bool,
}

impl<T: Num, const N: usize> Jet<T, N> {
    /// From its coefficients.
    pub fn new(c: [T; N]) -> Self {
        const { assert!(N > 0, "a jet has a value") };
        Self { c, known: N, fixed: false }
    }

    /// A constant.
    pub fn konst(value: T) -> Self {
        Self { fixed: true, ..Self::resting(value, N) }
    }

    /// A value that does not move along the curve to the order that is known.
    fn resting(value: T, known: usize) -> Self {
        let c = array::from_fn(|k| if k == 0 { value } else { T::lit(0.0) });
        Self { known, ..Self::new(c) }
    }

    /// The independent variable at `x`: slope one.
    pub fn variable(x: T) -> Self {
        Self::new(array::from_fn(|k| match k {
            0 => x,
            1 => T::lit(1.0),
            _ => T::lit(0.0),
        }))
    }

    /// The value.
    pub fn value(self) -> T {
        self.c[0]
    }

    /// Taylor coefficients.
    pub fn coefficients(self) -> [T; N] {
        self.c
    }

    /// Derivatives: coefficient `k` times `k!`.
    pub fn derivatives(self) -> [T; N] {
        let mut factorial = 1.0;
        array::from_fn(|k| {
            factorial *= k.max(1) as f64;
            self.c[k] * factorial
        })
    }

    /// Builds coefficient after coefficient: `next(k, c)` gives the `k`-th from those before it.
    #[track_caller]
    fn grow(known: usize, first: T, mut next: impl FnMut(usize, &[T; N]) -> T) -> Self {
        let mut jet = Self::resting(first, known);
        for k in 1..known {
            jet.c[k] = next(k, &jet.c);
        }
        jet
    }

    /// The first `known` coefficients.
    fn truncated(self, known: usize) -> Self {
        let c = array::from_fn(|k| if k < known { self.c[k] } else { T::lit(0.0) });
        Self { c, known: known.min(self.known), fixed: self.fixed }
    }

    /// Whether the first `order` coefficients are zeros, others follow, and derivatives above the first are asked for.
    fn vanishes(self, order: usize) -> bool {
        T::ORDER == 0
            && N > 2
            && self.known > order
            && self.c[..order].iter().all(|c| c.known() == Some(0.0))
    }

    /// `x / t^order`, of a curve whose first coefficients are zeros.
    fn lowered(self, order: usize) -> Self {
        let known = self.known.saturating_sub(order).max(1);
        let c = array::from_fn(|k| {
            if k < known && k + order < N { self.c[k + order] } else { T::lit(0.0) }
        });
        Self { c, known, fixed: false }
    }

    /// `t^order x`, to `known` coefficients.
    fn raised(self, order: usize, known: usize) -> Self {
        let c = array::from_fn(|k| if k < order { T::lit(0.0) } else { self.c[k - order] });
        Self { c, known, fixed: false }.truncated(known)
    }

    /// The derivative along the curve: one coefficient fewer.
    fn slope(self) -> Self {
        let c = array::from_fn(|k| {
            if k + 1 < self.known { self.c[k + 1] * (k + 1) as f64 } else { T::lit(0.0) }
        });
        Self { c, known: (self.known - 1).max(1), fixed: false }
    }

    /// `value + int partial dx`: the function whose partial derivative along `self` is `partial`.
    #[track_caller]
    fn integrate(self, value: T, partial: impl FnOnce(Self) -> Self) -> Self {
        if self.is_constant() {
            return self.constant_value(value, || partial(self.truncated(1)).c[0]);
        }
        let along = (partial(self.truncated(self.known - 1)) * self.slope()).c;
        Self::grow(self.known, value, |k, _| along[k - 1] / k as f64)
    }

    /// The function of an argument that does not move along the curve to the order that is known. At a pole that is enough for
    /// the first derivative where the second coefficient is known to vanish, unless the pole is steep; higher ones depend on what
    /// is not known of the argument. A constant is known to every order.
    fn constant_value(self, value: T, partial: impl FnOnce() -> T) -> Self {
        if self.fixed {
            return Self { fixed: true, ..Self::resting(value, self.known) };
        }
        let mut y = Self::resting(value, self.known);
        let partial = partial();
        if value.known().is_some_and(f64::is_finite) && !partial.is_sound() {
            let first = if number(&partial).is_nan() || self.known == 2 { 1 } else { 2 };
            y.c[first.min(self.known)..self.known].fill(T::lit(0.0) / T::lit(0.0));
        }
        y
    }

    /// Whether all but the value is a constant zero.
    fn is_constant(&self) -> bool {
        self.c[1..].iter().all(Num::is_constant_zero)
    }
}

/// The derivatives of order `0..N` of `f` at `x`.
pub fn derivatives<T: Real, const N: usize>(
    f: impl FnOnce(Jet<T, N>) -> Jet<T, N>,
    x: T,
) -> [T; N] {
    f(Jet::variable(x)).derivatives()
}

impl<T: PartialEq, const N: usize> PartialEq for Jet<T, N> {
    fn eq(&self, other: &Self) -> bool {
        self.c[0] == other.c[0]
    }
}

impl<T: PartialOrd, const N: usize> PartialOrd for Jet<T, N> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.c[0].partial_cmp(&other.c[0])
    }
}

impl<T: PartialEq<f64>, const N: usize> PartialEq<f64> for Jet<T, N> {
    fn eq(&self, other: &f64) -> bool {
        self.c[0] == *other
    }
}

impl<T: PartialOrd<f64>, const N: usize> PartialOrd<f64> for Jet<T, N> {
    fn partial_cmp(&self, other: &f64) -> Option<Ordering> {
        self.c[0].partial_cmp(other)
    }
}

sum_by_addition!([T: Num, const N: usize] Jet<T, N>;);

/// The coefficients of `y = f(x)` from `y' = J(x) x'`, one order after the other.
///
/// The derivative of a rule at order `k` is asked only for coefficients below `k`, so a rule whose derivative calls itself
/// (a solve) ends; it then costs `2^N` primals, as nesting does.
fn extend<T: Num, const N: usize, E>(
    x: &[Jet<T, N>],
    y: &[T],
    jvp: impl Fn(&[Jet<T, N>], &[Jet<T, N>], &[Jet<T, N>]) -> Result<Vec<Jet<T, N>>, E>,
) -> Result<Vec<Jet<T, N>>, E> {
    let known = x.iter().map(|x| x.known).min().unwrap_or(N);
    let mut y: Vec<Jet<T, N>> = y.iter().map(|y| Jet::resting(*y, N)).collect();
    if !x.iter().all(Jet::is_constant) {
        let slope: Vec<Jet<T, N>> = x.iter().map(|x| x.slope()).collect();
        let upto =
            |v: &[Jet<T, N>], k| -> Vec<Jet<T, N>> { v.iter().map(|v| v.truncated(k)).collect() };
        for k in 1..known {
            let found = jvp(&upto(x, k), &upto(&y, k), &upto(&slope, k))?;
            y.iter_mut().zip(found).for_each(|(y, d)| y.c[k] = d.c[k - 1] / k as f64);
        }
    }
    y.iter_mut().for_each(|y| y.known = known);
    Ok(y)
}

impl<T: Real, const N: usize> Real for Jet<T, N> {
    fn concrete(self) -> f64 {
        self.c[0].concrete()
    }

    fn rule<const I: usize, const O: usize, U: Rule<I, O>>(rule: &U, x: [Self; I]) -> [Self; O] {
        let y = T::rule(rule, x.map(|x| x.c[0]));
        let jvp = |x: &[Self], y: &[Self], d: &[Self]| {
            let found = rule.jvp(
                array::from_fn(|i| x[i]),
                array::from_fn(|i| y[i]),
                array::from_fn(|i| d[i]),
            );
            Ok::<_, std::convert::Infallible>(found.to_vec())
        };
        let Ok(out) = extend(&x, &y, jvp);
        array::from_fn(|k| out[k])
    }

    fn slice_rule<U: SliceRule>(rule: &U, x: &[Self]) -> Result<Vec<Self>, U::Error> {
        let values: Vec<T> = x.iter().map(|x| x.c[0]).collect();
        extend(x, &T::slice_rule(rule, &values)?, |x, y, d| rule.jvp(x, y, d))
    }
}
