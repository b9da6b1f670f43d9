//! A number of 31 digits, to check others against; functions are right to 29.
//!
//! The sum of two `f64` that do not overlap (Dekker 1971; Hida, Li & Bailey, "Library for double-double and quad-double
//! arithmetic", 2007). Functions are sums of their series after a reduction, or Newton's method on those; nothing is shared
//! with the derivatives that it checks.

use std::cmp::Ordering;
use std::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Sub, SubAssign};

use crate::real::{Num, Real, sum_by_addition};
use crate::rule::{Rule, SliceRule};

/// `high + low` with `low` below the last place of `high`.
///
/// ```
/// use cotangent_ad::{Num, check::Precise};
/// let e = Precise::lit(1.0).exp();
/// let difference = e.ln() - 1.0;
/// assert!(difference.value().abs() < 1e-29);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Precise {
    high: f64,
    low: f64,
}

const PI_2: Precise = Precise { high: std::f64::consts::FRAC_PI_2, low: 6.123_233_995_736_766e-17 };
const LN_2: Precise = Precise { high: std::f64::consts::LN_2, low: 2.319_046_813_846_299_6e-17 };

impl Precise {
    /// Rounded to an `f64`.
    pub fn value(self) -> f64 {
        self.high + self.low
    }

    /// The exact sum of two numbers.
    fn sum(a: f64, b: f64) -> Self {
        let high = a + b;
        let part = high - a;
        Self { high, low: (a - (high - part)) + (b - part) }
    }

    fn product(a: f64, b: f64) -> Self {
        let high = a * b;
        Self { high, low: a.mul_add(b, -high) }
    }

    fn times_power_of_two(self, n: i32) -> Self {
        // in two factors: the whole power may be outside of the range
        let (half, rest) = (2.0_f64.powi(n / 2), 2.0_f64.powi(n - n / 2));
        Self { high: self.high * half * rest, low: self.low * half * rest }
    }

    /// `sum_k c_k x^k` with `c_0 = first` and `c_(k+1) / c_k = ratio(k)`, until terms vanish.
    fn series(self, first: Self, ratio: impl Fn(f64) -> f64) -> Self {
        let (mut term, mut sum) = (first, first);
        for k in 0..60 {
            term = term * self / ratio(f64::from(k));
            sum += term;
            if term.high.abs() < 1e-34 * sum.high.abs() {
                break;
            }
        }
        sum
    }

    /// Sine and cosine of a reduced argument.
    fn reduced_sin_cos(self) -> (Self, Self) {
        let minus_square = -(self * self);
        let sine = minus_square.series(self, |k| (2.0 * k + 2.0) * (2.0 * k + 3.0));
        let cosine = minus_square.series(Self::lit(1.0), |k| (2.0 * k + 1.0) * (2.0 * k + 2.0));
        (sine, cosine)
    }

    /// The angle of `(x, y)` from a first guess.
    fn angle(y: Self, x: Self, guess: f64) -> Self {
        let (s, c) = Self::lit(guess).sin_cos();
        // what is left is as small as rounding, and its tangent is itself
        (y * c - x * s) / (x * c + y * s) + guess
    }
}

impl PartialEq for Precise {
    fn eq(&self, other: &Self) -> bool {
        self.partial_cmp(other) == Some(Ordering::Equal)
    }
}

impl PartialOrd for Precise {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        let by_low = || self.low.partial_cmp(&other.low);
        self.high.partial_cmp(&other.high).and_then(|o| if o.is_eq() { by_low() } else { Some(o) })
    }
}

impl PartialEq<f64> for Precise {
    fn eq(&self, other: &f64) -> bool {
        *self == Self::lit(*other)
    }
}

impl PartialOrd<f64> for Precise {
    fn partial_cmp(&self, other: &f64) -> Option<Ordering> {
        self.partial_cmp(&Self::lit(*other))
    }
}

sum_by_addition!([] Precise;);

impl Neg for Precise {
    type Output = Self;
    fn neg(self) -> Self {
        Self { high: -self.high, low: -self.low }
    }
}

impl Add for Precise {
    type Output = Self;
    fn add(self, o: Self) -> Self {
        let (high, low) = (Self::sum(self.high, o.high), Self::sum(self.low, o.low));
        let first = Self::sum(high.high, high.low + low.high);
        Self::sum(first.high, first.low + low.low)
    }
}

impl Sub for Precise {
    type Output = Self;
    fn sub(self, o: Self) -> Self {
        self + -o
    }
}

impl Mul for Precise {
    type Output = Self;
    fn mul(self, o: Self) -> Self {
        let product = Self::product(self.high, o.high);
        Self::sum(product.high, product.low + (self.high * o.low + self.low * o.high))
    }
}

impl Div for Precise {
    type Output = Self;
    fn div(self, o: Self) -> Self {
        let first = self.high / o.high;
        let rest = self - o * Self::lit(first);
        let second = rest.high / o.high;
        let rest = rest - o * Self::lit(second);
        Self::sum(first, second) + Self::lit(rest.high / o.high)
    }
}

macro_rules! with_literals {
    ($($op:ident $method:ident $assign:ident $assigning:ident;)*) => { $(
        impl $op<f64> for Precise {
            type Output = Self;
            fn $method(self, o: f64) -> Self {
                self.$method(Self::lit(o))
            }
        }
        impl $assign for Precise {
            fn $assigning(&mut self, o: Self) {
                *self = self.$method(o);
            }
        }
    )* };
}
with_literals! {
    Add add AddAssign add_assign;
    Sub sub SubAssign sub_assign;
    Mul mul MulAssign mul_assign;
    Div div DivAssign div_assign;
}

impl Num for Precise {
    const ORDER: usize = 0;
    fn lit(v: f64) -> Self {
        Self { high: v, low: 0.0 }
    }
    fn is_constant_zero(&self) -> bool {
        self.high == 0.0
    }
    fn known(&self) -> Option<f64> {
        Some(self.value())
    }
    fn is_sound(&self) -> bool {
        self.high.is_finite()
    }
    fn undifferentiable(self) -> Self {
        self
    }
    fn sin_cos(self) -> (Self, Self) {
        let turns = (self.high * std::f64::consts::FRAC_2_PI).round();
        let (s, c) = (self - PI_2 * turns).reduced_sin_cos();
        match turns.rem_euclid(4.0) {
            0.0 => (s, c),
            1.0 => (c, -s),
            2.0 => (-s, -c),
            _ => (-c, s),
        }
    }
    fn sin(self) -> Self {
        self.sin_cos().0
    }
    fn cos(self) -> Self {
        self.sin_cos().1
    }
    fn tan(self) -> Self {
        let (s, c) = self.sin_cos();
        s / c
    }
    fn asin(self) -> Self {
        Self::angle(self, (-(self * self) + 1.0).sqrt(), self.high.asin())
    }
    fn acos(self) -> Self {
        Self::angle((-(self * self) + 1.0).sqrt(), self, self.high.acos())
    }
    fn atan(self) -> Self {
        Self::angle(self, Self::lit(1.0), self.high.atan())
    }
    fn sinh(self) -> Self {
        let e = self.exp();
        (e - e.recip()) * 0.5
    }
    fn cosh(self) -> Self {
        let e = self.exp();
        (e + e.recip()) * 0.5
    }
    fn tanh(self) -> Self {
        // of the negative size, which does not overflow
        let m = (self.abs() * -2.0).exp_m1();
        -m / (m + 2.0) * self.sign()
    }
    fn asinh(self) -> Self {
        let size = self.abs();
        (size + (size * size + 1.0).sqrt()).ln() * self.sign()
    }
    fn acosh(self) -> Self {
        (self + (self * self - 1.0).sqrt()).ln()
    }
    fn atanh(self) -> Self {
        ((self + 1.0) / (-self + 1.0)).ln() * 0.5
    }
    /// `exp x = 2^n exp(r)^16`: every squaring doubles the relative error, so there are few.
    fn exp(self) -> Self {
        let n = (self.high / LN_2.high).round();
        let r = (self - LN_2 * n) * (1.0 / 16.0);
        let mut y = r.series(Self::lit(1.0), |k| k + 1.0);
        for _ in 0..4 {
            y = y * y;
        }
        #[expect(clippy::cast_possible_truncation, reason = "an exponent within the range of f64")]
        let n = n as i32;
        y.times_power_of_two(n)
    }
    fn exp_m1(self) -> Self {
        if self.high.abs() < 0.1 {
            self * self.series(Self::lit(1.0), |k| k + 2.0)
        } else {
            self.exp() - 1.0
        }
    }
    fn ln(self) -> Self {
        let mut y = Self::lit(self.high.ln());
        for _ in 0..2 {
            y += self * (-y).exp() - 1.0;
        }
        y
    }
    fn ln_1p(self) -> Self {
        (self + 1.0).ln()
    }
    fn sqrt(self) -> Self {
        if self.high == 0.0 {
            return self;
        }
        let mut y = Self::lit(self.high.sqrt());
        for _ in 0..2 {
            y = (y + self / y) * 0.5;
        }
        y
    }
    fn cbrt(self) -> Self {
        if self.high == 0.0 {
            return self;
        }
        let mut y = Self::lit(self.high.cbrt());
        for _ in 0..2 {
            y = (y * 2.0 + self / (y * y)) / 3.0;
        }
        y
    }
    fn recip(self) -> Self {
        Self::lit(1.0) / self
    }
    fn abs(self) -> Self {
        if self.high < 0.0 { -self } else { self }
    }
    fn sign(self) -> Self {
        Self::lit(Num::sign(self.high))
    }
    fn powi(self, n: i32) -> Self {
        let power = (0..n.unsigned_abs()).fold(Self::lit(1.0), |y, _| y * self);
        if n < 0 { power.recip() } else { power }
    }
    fn powf(self, p: Self) -> Self {
        if self.high == 0.0 {
            return Self::lit(0.0_f64.powf(p.high));
        }
        (p * self.ln()).exp()
    }
    fn power_log(self, p: Self, k: u8) -> Self {
        self.powf(p) * self.ln().powi(i32::from(k))
    }
    fn atan2(self, x: Self) -> Self {
        Self::angle(self, x, self.high.atan2(x.high))
    }
    fn hypot(self, y: Self) -> Self {
        (self * self + y * y).sqrt()
    }
}

/// Rules are of plain numbers: they are applied to the rounded value.
impl Real for Precise {
    fn concrete(self) -> f64 {
        self.value()
    }
    fn rule<const I: usize, const O: usize, U: Rule<I, O>>(rule: &U, x: [Self; I]) -> [Self; O] {
        rule.primal(x.map(Self::value)).map(Self::lit)
    }
    fn slice_rule<U: SliceRule>(rule: &U, x: &[Self]) -> Result<Vec<Self>, U::Error> {
        let values: Vec<f64> = x.iter().map(|x| x.value()).collect();
        Ok(rule.primal(&values)?.into_iter().map(Self::lit).collect())
    }
}
