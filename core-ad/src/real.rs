//! The two traits that a model is written over.

use std::fmt::Debug;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Sub, SubAssign};

use crate::checkpoint::ScanOptions;
use crate::map::{self, Kernel};
use crate::rule::{DerivativeFailure, Rule, SliceRule};
use crate::scan::{NotEnded, SliceStep, Step, plain_loop, plain_slice_loop};
use crate::special::hyperbolic;

/// A number: arithmetic and elementary functions, no comparison.
///
/// Literals go on the right (`x * 2.0`) or through [`Num::lit`]; `2.0 * x` compiles where `x` is of a known type such as
/// [`Dual`](crate::Dual) or [`Var`](crate::Var), not where it is generic.
pub trait Num:
    Copy
    + Debug
    + 'static
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + Add<f64, Output = Self>
    + Sub<f64, Output = Self>
    + Mul<f64, Output = Self>
    + Div<f64, Output = Self>
    + AddAssign
    + SubAssign
    + MulAssign
    + DivAssign
    + Sum
{
    /// The constant `v`: its derivative is zero.
    fn lit(v: f64) -> Self;
    /// Whether this is a constant zero: value and every derivative that it carries. A tangent or cotangent for which
    /// this holds contributes exactly 0, whatever it is multiplied by.
    fn is_constant_zero(&self) -> bool;

    /// How many derivatives of each other a value carries: 0 for plain numbers, one more a level of duals or tape.
    const ORDER: usize;
    /// The number itself, without derivatives, where it is known: what a program records is known only when it is replayed. For
    /// decisions and indices take [`Real::concrete`] or comparisons, of which a program keeps guards.
    fn known(&self) -> Option<f64>;
    /// Whether the number and every derivative that it carries are finite as far as they are known; whoever asks whether a number
    /// is finite takes [`Real::is_finite`].
    fn is_sound(&self) -> bool;
    /// The same number with NaN for every derivative by something active: what is made of it by a derivative is refused.
    #[must_use]
    fn undifferentiable(self) -> Self;

    /// On which side of 0 the number lies just beyond this point, along the derivatives that it carries: the sign of the value, or
    /// where that is 0 of the first derivative that is not. 0 where all are, NaN where a number is known only when a program is
    /// replayed.
    fn heading(&self) -> f64 {
        self.known().map_or(f64::NAN, Num::sign)
    }
    /// The derivative of `|x|`: the sign, which has no derivative of its own at 0.
    #[must_use]
    fn slope_of_size(self) -> Self {
        self.sign()
    }

    /// Sine.
    fn sin(self) -> Self;
    /// Cosine.
    fn cos(self) -> Self;
    /// Sine and cosine.
    fn sin_cos(self) -> (Self, Self) {
        (self.sin(), self.cos())
    }
    /// Tangent.
    fn tan(self) -> Self;
    /// Inverse sine; its derivative is infinite at +-1.
    fn asin(self) -> Self;
    /// Inverse cosine; its derivative is infinite at +-1.
    fn acos(self) -> Self;
    /// Inverse tangent.
    fn atan(self) -> Self;
    /// Hyperbolic sine.
    fn sinh(self) -> Self;
    /// Hyperbolic cosine.
    fn cosh(self) -> Self;
    /// Hyperbolic tangent. That of `f64` is our own, whose last bit need not be that of `f64::tanh`.
    fn tanh(self) -> Self;
    /// Inverse hyperbolic sine.
    fn asinh(self) -> Self;
    /// Inverse hyperbolic cosine.
    fn acosh(self) -> Self;
    /// Inverse hyperbolic tangent.
    fn atanh(self) -> Self;
    /// Exponential.
    fn exp(self) -> Self;
    /// `exp(x) - 1`, accurate near 0.
    fn exp_m1(self) -> Self;
    /// Natural logarithm.
    fn ln(self) -> Self;
    /// `ln(1 + x)`, accurate near 0.
    fn ln_1p(self) -> Self;
    /// Square root; its derivative is infinite at 0.
    fn sqrt(self) -> Self;
    /// Cube root; its derivative is infinite at 0.
    fn cbrt(self) -> Self;
    /// `1/x`.
    fn recip(self) -> Self;
    /// Absolute value; its derivative at 0 is 0, the mean of both sides. Within a second derivative it is the branch towards which
    /// the derivatives lead ([`Num::heading`]), so that even powers of `|x|` come out right; where they lead to none it is refused.
    fn abs(self) -> Self;
    /// -1, 0 or 1; its derivative is 0 everywhere.
    fn sign(self) -> Self;
    /// Integer power; `0^0 = 1` with derivative 0.
    fn powi(self, n: i32) -> Self;
    /// `x^p`. At `x = 0` the derivative with respect to `p` is 0 where `p > 0`, and NaN at the jump `p = 0`.
    fn powf(self, p: Self) -> Self;
    /// `x^p ln^k x`, the `k`-th derivative of `x^p` by `p`: at `x = 0` it is 0 where `p > 0`, and NaN at `p = 0 < k`.
    fn power_log(self, p: Self, k: u8) -> Self;
    /// `x / norm`, and 0 where the norm is: the derivative of a norm by one of its entries `x`.
    #[must_use]
    #[track_caller]
    fn over_norm(self, norm: Self) -> Self {
        if Self::ORDER > 0 && norm.known() == Some(0.0) {
            norm.undifferentiable()
        } else if norm.is_constant_zero() {
            Self::lit(0.0)
        } else {
            self / norm
        }
    }
    /// The sum of products `a_k b_k`, first to last: one statement on a tape, see [`dot`](crate::linalg::dot).
    #[must_use]
    #[track_caller]
    fn dot(a: &[Self], b: &[Self]) -> Self {
        a.iter().zip(b).map(|(a, b)| *a * *b).reduce(|s, t| s + t).unwrap_or(Self::lit(0.0))
    }
    /// Angle of the point `(x, self)`.
    fn atan2(self, x: Self) -> Self;
    /// `sqrt(x^2 + y^2)` without overflow; its derivative at the origin is 0, the least of the subgradients. There is no second
    /// derivative there: it is NaN, also of a composition that is smooth again (write the square as a square).
    fn hypot(self, y: Self) -> Self;
}

/// The number, NaN where only a replay knows it: no comparison with it holds then.
#[inline]
pub(crate) fn number<T: Num>(x: &T) -> f64 {
    x.known().unwrap_or(f64::NAN)
}

/// What a model is written over: a [`Num`] that compares by value, and the engine's constructs.
///
/// A comparison with a literal needs no [`Num::lit`]: `x > 0.0`.
pub trait Real: Num + PartialOrd + PartialOrd<f64> {
    /// Whether the number is neither infinite nor NaN, whatever its derivatives are. A [`Program`](crate::program::Program) keeps
    /// the answer as a guard, like that of a comparison.
    #[track_caller]
    fn is_finite(self) -> bool {
        // comparisons alone: a tape keeps nothing of them
        self < f64::INFINITY && self > f64::NEG_INFINITY
    }

    /// The larger. Where they tie its derivative is the mean of both, as that of `(a + b + |a - b|) / 2`.
    #[must_use]
    #[track_caller]
    fn max(self, other: Self) -> Self {
        if other > self {
            other
        } else if Self::ORDER > 0 && other == self {
            self.tied(other, 1.0)
        } else {
            self
        }
    }
    /// The smaller. Where they tie its derivative is the mean of both, as that of `(a + b - |a - b|) / 2`.
    #[must_use]
    #[track_caller]
    fn min(self, other: Self) -> Self {
        if other < self {
            other
        } else if Self::ORDER > 0 && other == self {
            self.tied(other, -1.0)
        } else {
            self
        }
    }
    /// The larger of two equal values for `side = 1`, the smaller for -1: `(a + b + side |a - b|) / 2`, and the first of infinite
    /// ones.
    #[doc(hidden)]
    #[must_use]
    #[track_caller]
    fn tied(self, other: Self, side: f64) -> Self {
        if self.known().is_some_and(f64::is_infinite) {
            return self;
        }
        let apart = other - self;
        self + (apart + apart.abs() * side) * 0.5
    }
    /// `a` where `condition` holds, else `b`: what is not chosen contributes exactly 0 to every derivative.
    #[must_use]
    fn select(condition: bool, a: Self, b: Self) -> Self {
        if condition { a } else { b }
    }

    /// Applies `step` `n` times to `state`: the loop that the engine differentiates as one unit.
    ///
    /// On a tape it is one block whose memory follows a checkpoint schedule; see [`ScanOptions`]. In a
    /// [`Program`](crate::program::Program) it is one rule, from 32 steps on, unless steps branch each their own way.
    fn scan<const S: usize, const P: usize, F: Step<S, P>>(
        step: &F,
        n: usize,
        state: [Self; S],
        parameters: [Self; P],
    ) -> [Self; S] {
        Self::scan_with(step, n, state, parameters, &ScanOptions::default())
    }

    /// [`Real::scan`] with a mode and a checkpoint schedule of the caller's.
    fn scan_with<const S: usize, const P: usize, F: Step<S, P>>(
        step: &F,
        n: usize,
        state: [Self; S],
        parameters: [Self; P],
        options: &ScanOptions,
    ) -> [Self; S] {
        let _ = options; // without a tape there is nothing to store
        plain_loop(step, n, state, parameters)
    }

    /// [`Real::scan_with`] where the sizes of state and parameters are known at run time; steps are numbered from 0.
    ///
    /// On a tape it is one block whose reversal costs what recording and sweeping its steps one by one does, however many
    /// parameters there are. In a [`Program`](crate::program::Program) the steps are recorded one after the other.
    ///
    /// # Panics
    /// Where a step changes the length of the state.
    fn scan_slice<F: SliceStep>(
        step: &F,
        n: usize,
        state: &[Self],
        parameters: &[Self],
        options: &ScanOptions,
    ) -> Vec<Self> {
        let _ = options; // without a tape there is nothing to store
        plain_slice_loop(step, 0..n, state, parameters)
    }

    /// Applies `step` while `goes_on` holds of state and parameters, at most `most` times; the state, and the number of steps.
    ///
    /// On a tape the steps are counted on values first; the loop is then one block under `options`, as by
    /// [`Real::scan_with`]. The derivative is that of the loop with this number of steps: the condition contributes none.
    ///
    /// ```
    /// use cotangent_ad::{Num, Real, ScanOptions, Step, Var, grad};
    ///
    /// #[derive(Clone)]
    /// struct Halve;
    /// impl Step<1, 1> for Halve {
    ///     fn step<R: Real>(&self, [x]: [R; 1], [p]: [R; 1]) -> [R; 1] {
    ///         [x * p]
    ///     }
    /// }
    /// let above = |s: &[Var<f64>; 1], _: &[Var<f64>; 1]| s[0] > Var::lit(0.1);
    /// let g = grad(
    ///     |p| {
    ///         let options = ScanOptions::default();
    ///         let found = Real::scan_while(&Halve, above, 100, [Var::lit(1.0)], [p[0]], &options);
    ///         found.expect("it falls below 0.1").0[0]
    ///     },
    ///     &[0.5],
    /// );
    /// assert_eq!(g, [4.0 * 0.5_f64.powi(3)]); // p^4
    /// ```
    ///
    /// # Errors
    /// Where the condition holds after `most` steps.
    fn scan_while<const S: usize, const P: usize, F: Step<S, P>>(
        step: &F,
        goes_on: impl Fn(&[Self; S], &[Self; P]) -> bool,
        most: usize,
        mut state: [Self; S],
        parameters: [Self; P],
        options: &ScanOptions,
    ) -> Result<([Self; S], usize), NotEnded> {
        let _ = options; // without a tape there is nothing to store
        let mut steps = 0;
        while goes_on(&state, &parameters) {
            if steps == most {
                return Err(NotEnded { steps });
            }
            state = step.step(state, parameters);
            steps += 1;
        }
        Ok((state, steps))
    }

    /// The sum of `kernel`'s shares over `items`: the map that the engine differentiates as one unit.
    ///
    /// In `f64` it runs on all workers of the current thread pool. On a tape it is one block that keeps no item's
    /// statements: the sweep runs the kernel once more, each worker on tapes of its own. In a
    /// [`Program`](crate::program::Program) it is one rule, whose kernel is recorded once and replayed over all items.
    /// Partial sums are of 512 items, so that every level adds in the same order on any number of workers.
    fn map_sum<const D: usize, const O: usize, K: Kernel<D, O>>(
        kernel: &K,
        items: &[[f64; D]],
        parameters: &[Self],
    ) -> [Self; O] {
        map::serial_sum(kernel, items, parameters)
    }

    /// `J^T y_bar` of [`Real::map_sum`] by the parameters.
    ///
    /// # Errors
    /// The first rule in the kernel that has no derivative.
    fn map_sum_pullback<const D: usize, const O: usize, K: Kernel<D, O>>(
        kernel: &K,
        items: &[[f64; D]],
        parameters: &[Self],
        y_bar: &[Self],
    ) -> Result<Vec<Self>, DerivativeFailure> {
        map::serial_pullback(kernel, items, parameters, y_bar)
    }

    /// The value, out of the reach of differentiation: for sizes, indices and decisions. A
    /// [`Program`](crate::program::Program) keeps it as a guard, so that a replay at which it differs is an error, never stale.
    fn concrete(self) -> f64;

    /// Applies a user's [`Rule`].
    fn rule<const I: usize, const O: usize, U: Rule<I, O>>(rule: &U, x: [Self; I]) -> [Self; O];

    /// Applies a [`SliceRule`], whose sizes are known at run time.
    ///
    /// # Errors
    /// What the rule's primal returns, and on forward levels its `jvp`. What its `vjp` returns meets the caller of the
    /// reverse sweep, see [`Session::try_pullback`](crate::Session::try_pullback).
    fn slice_rule<U: SliceRule>(rule: &U, x: &[Self]) -> Result<Vec<Self>, U::Error>;
}

/// Sums of iterators, for types that are added one by one.
macro_rules! sum_by_addition {
    ($([$($generics:tt)*] $number:ty;)*) => { $(
        impl<$($generics)*> std::iter::Sum for $number {
            #[track_caller]
            fn sum<I: Iterator<Item = Self>>(terms: I) -> Self {
                terms.reduce(|sum, term| sum + term).unwrap_or($crate::real::Num::lit(0.0))
            }
        }
    )* };
}
pub(crate) use sum_by_addition;

macro_rules! std_functions {
    ($($name:ident),*) => { $(
        #[inline]
        fn $name(self) -> f64 { f64::$name(self) }
    )* };
}

/// Both by one call of the C library's `sincos`, where the compiler knows of one, with the bits of `sin` and `cos`. It puts two calls
/// together within a function; inlined, it moves the cosine to where it is used and makes two of them again.
#[inline(never)]
fn sine_and_cosine(x: f64) -> (f64, f64) {
    f64::sin_cos(x)
}

impl Num for f64 {
    #[inline]
    fn lit(v: f64) -> f64 {
        v
    }
    #[inline]
    fn is_constant_zero(&self) -> bool {
        *self == 0.0
    }
    std_functions! {
        sin, cos, tan, asin, acos, atan, sinh, cosh, asinh, acosh, atanh, exp, exp_m1, ln, ln_1p, sqrt, cbrt, recip,
        abs
    }
    #[inline]
    fn tanh(self) -> f64 {
        hyperbolic::tanh(self)
    }
    const ORDER: usize = 0;
    #[inline]
    fn known(&self) -> Option<f64> {
        Some(*self)
    }
    #[inline]
    fn is_sound(&self) -> bool {
        f64::is_finite(*self)
    }
    #[inline]
    fn undifferentiable(self) -> f64 {
        self
    }
    #[inline]
    fn sin_cos(self) -> (f64, f64) {
        sine_and_cosine(self)
    }
    #[inline]
    fn sign(self) -> f64 {
        if self == 0.0 { 0.0 } else { self.signum() }
    }
    #[inline]
    fn powi(self, n: i32) -> f64 {
        f64::powi(self, n)
    }
    #[inline]
    fn powf(self, p: f64) -> f64 {
        f64::powf(self, p)
    }
    fn power_log(self, p: f64, k: u8) -> f64 {
        let power = f64::powf(self, p);
        match (k, power == 0.0 && self == 0.0) {
            (0, _) => power,
            (_, true) => 0.0,
            // 0^0 jumps, and its logarithm does not exist
            _ if self == 0.0 && p == 0.0 => f64::NAN,
            _ => power * self.ln().powi(i32::from(k)),
        }
    }
    #[inline]
    fn atan2(self, x: f64) -> f64 {
        f64::atan2(self, x)
    }
    #[inline]
    fn hypot(self, y: f64) -> f64 {
        f64::hypot(self, y)
    }
}

impl Real for f64 {
    fn map_sum<const D: usize, const O: usize, K: Kernel<D, O>>(
        kernel: &K,
        items: &[[f64; D]],
        p: &[f64],
    ) -> [f64; O] {
        map::parallel_sum(kernel, items, p)
    }
    fn map_sum_pullback<const D: usize, const O: usize, K: Kernel<D, O>>(
        kernel: &K,
        items: &[[f64; D]],
        p: &[f64],
        y_bar: &[f64],
    ) -> Result<Vec<f64>, DerivativeFailure> {
        map::parallel_pullback(kernel, items, p, y_bar)
    }
    #[inline]
    fn concrete(self) -> f64 {
        self
    }
    #[inline]
    fn rule<const I: usize, const O: usize, U: Rule<I, O>>(rule: &U, x: [f64; I]) -> [f64; O] {
        rule.primal(x)
    }
    fn slice_rule<U: SliceRule>(rule: &U, x: &[f64]) -> Result<Vec<f64>, U::Error> {
        rule.primal(x)
    }
}
