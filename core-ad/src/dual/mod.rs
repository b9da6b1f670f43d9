//! Dual numbers: forward derivatives in registers.

mod arithmetic;

use std::array;
use std::cmp::Ordering;
use std::iter;

use crate::real::{Num, Real, number};
use crate::rule::{Rule, SliceRule};
use crate::rules::{
    along, binary_table, integer_power, is_singular, power_by_base, unary_table_but_circles,
    unless_constant,
};

/// A value and `N` directional derivatives: `re + sum_k eps_k e_k` with `e_j e_k = 0`.
///
/// `T` may itself be a dual: differentiation nests by type, so perturbations cannot be confused. Comparisons are by value.
///
/// ```
/// use cotangent_ad::{Dual, Num};
/// let x = Dual::<f64, 1>::seed(0.5, 0);
/// assert_eq!((x * x + 1.0).sin().eps[0], 1.25_f64.cos());
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Dual<T, const N: usize> {
    /// The value.
    pub re: T,
    /// The tangents.
    pub eps: [T; N],
}

impl<T: Num, const N: usize> Dual<T, N> {
    /// A constant: all tangents zero. How an outer variable enters an inner derivative.
    #[inline]
    pub fn konst(re: T) -> Self {
        Self { re, eps: [T::lit(0.0); N] }
    }

    /// The `k`-th independent variable: tangent `k` is one.
    ///
    /// # Panics
    /// Where `k >= N`.
    #[inline]
    pub fn seed(re: T, k: usize) -> Self {
        let mut seeded = Self::konst(re);
        seeded.eps[k] = T::lit(1.0);
        seeded
    }

    /// Whether a tangent is not zero.
    #[inline]
    fn is_active(&self) -> bool {
        !self.eps.iter().all(Num::is_constant_zero)
    }

    /// `|self|` at 0 within a second derivative.
    #[cold]
    #[track_caller]
    fn size_at_zero(self) -> Self {
        match self.heading() {
            side if side > 0.0 => self,
            side if side < 0.0 => -self,
            // a tangent of 0 may be that of a square, or of its negative
            _ => Self { re: self.re.abs(), eps: self.eps.map(unless_constant) },
        }
    }

    /// `f(self)` from its value and its derivative.
    #[inline]
    #[track_caller]
    fn lift(self, value: T, partial: T) -> Self {
        let singular = is_singular(value, partial) && self.is_active();
        let re = if singular { value.undifferentiable() } else { value };
        Self { re, eps: array::from_fn(|k| along(self.eps[k], partial)) }
    }

    /// `f(self, other)` from its value and its derivatives, of which only the one by an active operand is computed. In a direction
    /// in which `other` alone moves, an operand at an infinite derivative is taken to be at rest, to first order, where `rests`
    /// says so: the base 0 of a power that was differentiated by its exponent.
    #[inline]
    #[track_caller]
    fn lift2(
        self,
        other: Self,
        value: T,
        by_self: impl FnOnce() -> T,
        by_other: impl FnOnce() -> T,
        rests: bool,
    ) -> Self {
        let mut made = Self::konst(value);
        // at zero a tangent of zero does not say that the operand does not matter
        if self.is_active() || self.re.known() == Some(0.0) {
            let partial = by_self();
            let singular = is_singular(value, partial) && self.is_active();
            made.re = if singular { value.undifferentiable() } else { value };
            let rests = rests && number(&partial).is_infinite();
            made.eps = array::from_fn(|k| match (self.eps[k], other.eps[k]) {
                (zero, moving)
                    if rests && zero.is_constant_zero() && !moving.is_constant_zero() =>
                {
                    zero.undifferentiable()
                }
                (tangent, _) => along(tangent, partial),
            });
        }
        if other.is_active() {
            let partial = by_other();
            // whichever is singular makes the value so
            made.re = if is_singular(value, partial) { value.undifferentiable() } else { made.re };
            made.eps = array::from_fn(|k| match other.eps[k] {
                inactive if inactive.is_constant_zero() => made.eps[k],
                tangent => made.eps[k] + tangent * partial,
            });
        }
        made
    }
}

impl<T: PartialEq, const N: usize> PartialEq for Dual<T, N> {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        self.re == other.re
    }
}

impl<T: PartialOrd, const N: usize> PartialOrd for Dual<T, N> {
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.re.partial_cmp(&other.re)
    }
}

impl<T: PartialEq<f64>, const N: usize> PartialEq<f64> for Dual<T, N> {
    #[inline]
    fn eq(&self, other: &f64) -> bool {
        self.re == *other
    }
}

impl<T: PartialOrd<f64>, const N: usize> PartialOrd<f64> for Dual<T, N> {
    #[inline]
    fn partial_cmp(&self, other: &f64) -> Option<Ordering> {
        self.re.partial_cmp(other)
    }
}

macro_rules! unary_functions {
    ($($name:ident: |$x:ident, $y:ident| $partial:expr;)*) => { $(
        #[inline]
        #[track_caller]
        fn $name(self) -> Self {
            let $x = self.re;
            let $y = $x.$name();
            self.lift($y, $partial)
        }
    )* };
}

macro_rules! binary_functions {
    ($($name:ident: |$a:ident, $b:ident, $y:ident| $by_a:expr, $by_b:expr;)*) => { $(
        #[inline]
        #[track_caller]
        fn $name(self, other: Self) -> Self {
            let ($a, $b) = (self.re, other.re);
            let $y = $a.$name($b);
            self.lift2(other, $y, || $by_a, || $by_b, false)
        }
    )* };
}

impl<T: Num, const N: usize> Num for Dual<T, N> {
    #[inline]
    fn lit(v: f64) -> Self {
        Self::konst(T::lit(v))
    }
    #[inline]
    fn is_constant_zero(&self) -> bool {
        self.re.is_constant_zero() && self.eps.iter().all(Num::is_constant_zero)
    }
    const ORDER: usize = T::ORDER + 1;
    #[inline]
    fn known(&self) -> Option<f64> {
        self.re.known()
    }
    #[inline]
    fn is_sound(&self) -> bool {
        self.re.is_sound() && self.eps.iter().all(Num::is_sound)
    }
    #[track_caller]
    fn undifferentiable(self) -> Self {
        let undefined = T::lit(0.0) / T::lit(0.0);
        Self { re: self.re.undifferentiable(), eps: [undefined; N] }
    }
    /// Derivatives of derivatives do not count: a square of a first one may be larger, and is not carried.
    fn heading(&self) -> f64 {
        let first = self.eps.iter().map(|e| number(e).sign());
        iter::once(self.re.heading()).chain(first).find(|side| *side != 0.0).unwrap_or(0.0)
    }
    fn slope_of_size(self) -> Self {
        let slope = Self::konst(self.re.slope_of_size());
        if !number(&self.re).is_nan() {
            return slope;
        }
        // whether it is 0 is told by a replay: 0 elsewhere, NaN there
        let jump = self.re.recip() * 0.0;
        Self { eps: self.eps.map(|e| along(e, jump)), ..slope }
    }
    unary_table_but_circles!(unary_functions);
    #[inline]
    #[track_caller]
    fn sin(self) -> Self {
        let (sin, cos) = self.re.sin_cos();
        self.lift(sin, cos)
    }
    #[inline]
    #[track_caller]
    fn cos(self) -> Self {
        let (sin, cos) = self.re.sin_cos();
        self.lift(cos, -sin)
    }
    binary_table!(binary_functions);
    #[track_caller]
    fn power_log(self, p: Self, k: u8) -> Self {
        let (x, q) = (self.re, p.re);
        let (by_base, by_exponent) = (|| power_by_base(x, q, k), || x.power_log(q, k + 1));
        self.lift2(p, x.power_log(q, k), by_base, by_exponent, k > 0)
    }
    #[inline]
    #[track_caller]
    fn abs(self) -> Self {
        if T::ORDER > 0 && self.re.known() == Some(0.0) {
            return self.size_at_zero();
        }
        self.lift(self.re.abs(), self.re.slope_of_size())
    }
    #[inline]
    #[track_caller]
    fn sin_cos(self) -> (Self, Self) {
        let (s, c) = self.re.sin_cos();
        (self.lift(s, c), self.lift(c, -s))
    }
    #[inline]
    #[track_caller]
    fn sign(self) -> Self {
        Self::konst(self.re.sign())
    }
    #[inline]
    #[track_caller]
    fn powi(self, n: i32) -> Self {
        if n == 0 {
            return Self::lit(1.0);
        }
        self.lift(self.re.powi(n), integer_power(self.re, n))
    }
}

impl<T: Real, const N: usize> Real for Dual<T, N> {
    fn concrete(self) -> f64 {
        self.re.concrete()
    }

    fn rule<const I: usize, const O: usize, U: Rule<I, O>>(rule: &U, x: [Self; I]) -> [Self; O] {
        let re = x.map(|x| x.re);
        let y = T::rule(rule, re);
        let mut out = y.map(Self::konst);
        for k in 0..N {
            let y_dot = rule.jvp::<T>(re, y, x.map(|x| x.eps[k]));
            for (out, y_dot) in out.iter_mut().zip(y_dot) {
                out.eps[k] = y_dot;
            }
        }
        out
    }

    fn slice_rule<U: SliceRule>(rule: &U, x: &[Self]) -> Result<Vec<Self>, U::Error> {
        let re: Vec<T> = x.iter().map(|x| x.re).collect();
        let y = T::slice_rule(rule, &re)?;
        let mut out: Vec<Self> = y.iter().map(|y| Self::konst(*y)).collect();
        for k in 0..N {
            let x_dot: Vec<T> = x.iter().map(|x| x.eps[k]).collect();
            if x_dot.iter().all(Num::is_constant_zero) {
                continue;
            }
            for (out, y_dot) in out.iter_mut().zip(rule.jvp::<T>(&re, &y, &x_dot)?) {
                out.eps[k] = y_dot;
            }
        }
        Ok(out)
    }
}
