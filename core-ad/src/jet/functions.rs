//! Elementary functions of jets, each by the differential equation that it solves.

use std::array;

use super::Jet;
use super::arithmetic::convolve;
use crate::real::{Num, number};
use crate::rules::{algebraic_table, power_by_base, unless_constant};

impl<T: Num, const N: usize> Jet<T, N> {
    /// `j c_j`: the coefficients of `x dx/dt`.
    fn weighted(&self) -> [T; N] {
        array::from_fn(|j| self.c[j] * j as f64)
    }

    /// `y' = z x'` and `z' = sign y x'`: sine and cosine, or their hyperbolic sisters.
    #[track_caller]
    fn pair(self, y0: T, z0: T, sign: f64) -> (Self, Self) {
        let w = self.weighted();
        let (mut y, mut z) = (Self::resting(y0, self.known), Self::resting(z0, self.known));
        for k in 1..self.known {
            y.c[k] = convolve(&w, &z.c, k, 1, k + 1) / k as f64;
            z.c[k] = convolve(&w, &y.c, k, 1, k + 1) * (sign / k as f64);
        }
        (y, z)
    }

    /// `y' = (1 + sign y^2) x'`: tangent, or its hyperbolic sister.
    #[track_caller]
    fn riccati(self, y0: T, sign: f64) -> Self {
        let w = self.weighted();
        let mut z = Self::konst(y0 * y0 * sign + 1.0).c;
        let mut y = Self::resting(y0, self.known);
        for k in 1..self.known {
            y.c[k] = convolve(&w, &z, k, 1, k + 1) / k as f64;
            z[k] = convolve(&y.c, &y.c, k, 0, k + 1) * sign;
        }
        y
    }

    /// `y' = (y + shift) x'`: exponentials.
    #[track_caller]
    fn growth(self, y0: T, shift: f64) -> Self {
        let w = self.weighted();
        Self::grow(self.known, y0, |k, y| {
            let mut grown = *y;
            grown[0] = y0 + shift;
            convolve(&w, &grown, k, 1, k + 1) / k as f64
        })
    }

    /// `y^2 = x`, from its value.
    #[track_caller]
    fn root_of(square: &[T; N], known: usize, y0: T) -> Self {
        Self::grow(known, y0, |k, y| (square[k] - convolve(y, y, k, 1, k)) / (y0 * 2.0))
    }
}

/// `f' = partial(x)` in jets one order lower.
macro_rules! integrated {
    ($($name:ident: |$x:ident, $y:ident| $partial:expr;)*) => { $(
        #[track_caller]
        fn $name(self) -> Self {
            self.integrate(self.c[0].$name(), |$x| $partial)
        }
    )* };
}

impl<T: Num, const N: usize> Num for Jet<T, N> {
    fn lit(v: f64) -> Self {
        Self::konst(T::lit(v))
    }
    fn is_constant_zero(&self) -> bool {
        self.c.iter().all(Num::is_constant_zero)
    }

    const ORDER: usize = T::ORDER + N - 1;
    fn known(&self) -> Option<f64> {
        self.c[0].known()
    }
    fn is_sound(&self) -> bool {
        self.c.iter().all(Num::is_sound)
    }
    #[track_caller]
    fn undifferentiable(self) -> Self {
        let undefined = T::lit(0.0) / T::lit(0.0);
        let c = array::from_fn(|k| if k == 0 { self.c[0].undifferentiable() } else { undefined });
        Self { c, known: self.known, fixed: false }.truncated(self.known)
    }

    fn heading(&self) -> f64 {
        let along = self.c[..self.known].iter().map(|c| number(c).sign());
        let first = along.chain([self.c[0].heading()]).find(|side| *side != 0.0);
        first.unwrap_or(0.0)
    }

    algebraic_table!(integrated);

    #[track_caller]
    fn sin_cos(self) -> (Self, Self) {
        let (s, c) = self.c[0].sin_cos();
        self.pair(s, c, -1.0)
    }
    #[track_caller]
    fn sin(self) -> Self {
        self.sin_cos().0
    }
    #[track_caller]
    fn cos(self) -> Self {
        self.sin_cos().1
    }
    #[track_caller]
    fn tan(self) -> Self {
        self.riccati(self.c[0].tan(), 1.0)
    }
    #[track_caller]
    fn sinh(self) -> Self {
        self.pair(self.c[0].sinh(), self.c[0].cosh(), 1.0).0
    }
    #[track_caller]
    fn cosh(self) -> Self {
        self.pair(self.c[0].sinh(), self.c[0].cosh(), 1.0).1
    }
    #[track_caller]
    fn tanh(self) -> Self {
        self.riccati(self.c[0].tanh(), -1.0)
    }
    #[track_caller]
    fn exp(self) -> Self {
        self.growth(self.c[0].exp(), 0.0)
    }
    #[track_caller]
    fn exp_m1(self) -> Self {
        self.growth(self.c[0].exp_m1(), 1.0)
    }
    /// From a zero of even order on, `sqrt(t^2 s(t)) = t sqrt s(t)` for `t >= 0`.
    #[track_caller]
    fn sqrt(self) -> Self {
        let y0 = self.c[0].sqrt();
        if self.is_constant() {
            return self.constant_value(y0, || (y0 * 2.0).recip());
        }
        if self.vanishes(2) {
            let mut y = self.lowered(2).sqrt().raised(1, self.known);
            // the next coefficient of the argument would be needed
            y.c[self.known - 1] = T::lit(0.0) / T::lit(0.0);
            return y;
        }
        Self::root_of(&self.c, self.known, y0)
    }
    /// `3 x y' = y x'`.
    #[track_caller]
    fn cbrt(self) -> Self {
        let (x, y0) = (self.c, self.c[0].cbrt());
        if self.is_constant() && (self.fixed || y0.known() != Some(0.0)) {
            return Self { fixed: self.fixed, ..Self::resting(y0, self.known) };
        }
        Self::grow(self.known, y0, |k, y| {
            let term = |j: usize| x[j] * y[k - j] * (j as f64 / 3.0 - (k - j) as f64);
            let sum = (1..=k).map(term).reduce(|s, t| s + t).unwrap_or(T::lit(0.0));
            sum / (x[0] * k as f64)
        })
    }
    #[track_caller]
    fn recip(self) -> Self {
        Self::lit(1.0) / self
    }
    #[track_caller]
    fn abs(self) -> Self {
        if Self::ORDER > 1 && self.c[0].known() == Some(0.0) {
            return match self.heading() {
                side if side > 0.0 => self,
                side if side < 0.0 => -self,
                _ => Self { c: self.c.map(unless_constant), ..self },
            };
        }
        let sign = self.c[0].slope_of_size();
        let mut y = Self { c: self.c.map(|c| c * sign), ..self };
        y.c[0] = self.c[0].abs();
        y
    }
    fn sign(self) -> Self {
        Self { fixed: self.fixed, ..Self::resting(self.c[0].sign(), self.known) }
    }
    #[track_caller]
    fn powi(self, n: i32) -> Self {
        let mut left = n.unsigned_abs();
        let (mut square, mut power) = (self, Self::lit(1.0).truncated(self.known));
        while left > 0 {
            if left % 2 == 1 {
                power *= square;
            }
            square *= square;
            left /= 2;
        }
        power.c[0] = if n < 0 { power.c[0] } else { self.c[0].powi(n) };
        if n < 0 { power.recip() } else { power }
    }
    /// For a constant exponent `y' = p x^(p - 1) x'`, also at 0; else `exp(p ln x)`, and at 0 by both partials.
    #[track_caller]
    fn powf(self, p: Self) -> Self {
        let y0 = self.c[0].powf(p.c[0]);
        if !p.is_constant() {
            if self.c[0].known() == Some(0.0) {
                return self.power_log(p, 0);
            }
            let mut y = (p * self.ln()).exp();
            y.c[0] = y0;
            return y;
        }
        if p.is_constant_zero() || self.known == 1 {
            return Self { fixed: self.fixed, ..Self::resting(y0, self.known) };
        }
        if self.is_constant() {
            return self.constant_value(y0, || power_by_base(self.c[0], p.c[0], 0));
        }
        self.integrate(y0, |x| p.truncated(x.known) * x.powf((p - 1.0).truncated(x.known)))
    }
    #[track_caller]
    fn power_log(self, p: Self, k: u8) -> Self {
        let y0 = self.c[0].power_log(p.c[0], k);
        let known = self.known.min(p.known);
        if known == 1 || self.is_constant() && p.is_constant() {
            return Self::resting(y0, known);
        }
        let mut along = Self::lit(0.0).truncated(known);
        let (x, q) = (self.truncated(known - 1), p.truncated(known - 1));
        if !self.is_constant() {
            along += power_by_base(x, q, k) * self.slope();
        } else if self.c[0].known() == Some(0.0) && !self.fixed {
            // the slope of a base that does not move to the order that is known, see `constant_value`
            along += self.constant_value(y0, || power_by_base(self.c[0], p.c[0], k)).slope();
        }
        if !p.is_constant() {
            along += x.power_log(q, k + 1) * p.slope();
        }
        Self::grow(known, y0, |k, _| along.c[k - 1] / k as f64)
    }
    #[track_caller]
    fn atan2(self, x: Self) -> Self {
        let y0 = self.c[0].atan2(x.c[0]);
        let known = self.known.min(x.known);
        let at_origin = self.c[0].known() == Some(0.0) && x.c[0].known() == Some(0.0);
        if self.is_constant() && x.is_constant() && !at_origin {
            return Self::resting(y0, known);
        }
        let turn = x * self.slope() - self * x.slope();
        let along = (turn / (self * self + x * x)).c;
        Self::grow(known, y0, |k, _| along[k - 1] / k as f64)
    }
    /// Along the curve, from the origin on for `t >= 0`: `|t (a, b)| = t |(a, b)|`.
    #[track_caller]
    fn hypot(self, other: Self) -> Self {
        let y0 = self.c[0].hypot(other.c[0]);
        let known = self.known.min(other.known);
        if self.is_constant() && other.is_constant() {
            return Self::resting(y0, known);
        }
        if y0.known() == Some(0.0) {
            return if Self::ORDER == 1 {
                Self::resting(y0, known)
            } else if T::ORDER > 0 {
                Self::resting(y0, known).undifferentiable()
            } else {
                self.lowered(1).hypot(other.lowered(1)).raised(1, known)
            };
        }
        Self::root_of(&(self * self + other * other).c, known, y0)
    }
}
