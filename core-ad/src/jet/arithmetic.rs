//! `+ - * /` of jets with jets and with literals.

use std::array;
use std::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Sub, SubAssign};

use super::Jet;
use crate::real::Num;

/// `sum_(j = from..to) a_j b_(k - j)`.
#[track_caller]
pub(super) fn convolve<T: Num>(a: &[T], b: &[T], k: usize, from: usize, to: usize) -> T {
    (from..to).map(|j| a[j] * b[k - j]).reduce(|s, t| s + t).unwrap_or(T::lit(0.0))
}

impl<T: Num, const N: usize> Add for Jet<T, N> {
    type Output = Self;
    #[track_caller]
    fn add(self, o: Self) -> Self {
        let c = array::from_fn(|k| self.c[k] + o.c[k]);
        Self { c, known: self.known, fixed: false }.truncated(self.known.min(o.known))
    }
}

impl<T: Num, const N: usize> Sub for Jet<T, N> {
    type Output = Self;
    #[track_caller]
    fn sub(self, o: Self) -> Self {
        let c = array::from_fn(|k| self.c[k] - o.c[k]);
        Self { c, known: self.known, fixed: false }.truncated(self.known.min(o.known))
    }
}

impl<T: Num, const N: usize> Mul for Jet<T, N> {
    type Output = Self;
    #[expect(clippy::suspicious_arithmetic_impl, reason = "a convolution has sums in it")]
    #[track_caller]
    fn mul(self, o: Self) -> Self {
        let known = self.known.min(o.known);
        Self::grow(known, self.c[0] * o.c[0], |k, _| convolve(&self.c, &o.c, k, 0, k + 1))
    }
}

impl<T: Num, const N: usize> Div for Jet<T, N> {
    type Output = Self;
    #[expect(clippy::suspicious_arithmetic_impl, reason = "a convolution has sums in it")]
    #[track_caller]
    fn div(self, o: Self) -> Self {
        let known = self.known.min(o.known);
        if o.is_constant() {
            let c = array::from_fn(|k| self.c[k] / o.c[0]);
            return Self { c, known: self.known, fixed: false }.truncated(known);
        }
        Self::grow(known, self.c[0] / o.c[0], |k, q| {
            (self.c[k] - convolve(&o.c, q, k, 1, k + 1)) / o.c[0]
        })
    }
}

impl<T: Num, const N: usize> Neg for Jet<T, N> {
    type Output = Self;
    #[track_caller]
    fn neg(self) -> Self {
        Self { c: self.c.map(|c| -c), ..self }
    }
}

impl<T: Num, const N: usize> Add<f64> for Jet<T, N> {
    type Output = Self;
    #[track_caller]
    fn add(mut self, o: f64) -> Self {
        self.c[0] = self.c[0] + o;
        self
    }
}

impl<T: Num, const N: usize> Sub<f64> for Jet<T, N> {
    type Output = Self;
    #[track_caller]
    fn sub(mut self, o: f64) -> Self {
        self.c[0] = self.c[0] - o;
        self
    }
}

impl<T: Num, const N: usize> Mul<f64> for Jet<T, N> {
    type Output = Self;
    #[track_caller]
    fn mul(self, o: f64) -> Self {
        Self { c: self.c.map(|c| c * o), ..self }
    }
}

impl<T: Num, const N: usize> Div<f64> for Jet<T, N> {
    type Output = Self;
    #[track_caller]
    fn div(self, o: f64) -> Self {
        Self { c: self.c.map(|c| c / o), ..self }
    }
}

macro_rules! assigning {
    ($($op:ident $method:ident $with:ident),*) => { $(
        impl<T: Num, const N: usize> $op for Jet<T, N> {
            #[track_caller]
            fn $method(&mut self, o: Self) {
                *self = self.$with(o);
            }
        }
    )* };
}
assigning!(AddAssign add_assign add, SubAssign sub_assign sub, MulAssign mul_assign mul, DivAssign div_assign div);

macro_rules! literal_on_the_left {
    ($($op:ident $method:ident),*) => { $(
        impl<T: Num, const N: usize> $op<Jet<T, N>> for f64 {
            type Output = Jet<T, N>;
            #[track_caller]
            fn $method(self, o: Jet<T, N>) -> Jet<T, N> {
                Jet::lit(self).$method(o)
            }
        }
    )* };
}
literal_on_the_left!(Add add, Sub sub, Mul mul, Div div);
