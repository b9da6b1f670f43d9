//! `+ - * /` of duals with duals and with literals on either side.
//!
//! The partials of sums and products are finite wherever the operands are, so no zero needs guarding; a quotient's are not.

use std::array;
use std::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Sub, SubAssign};

use super::Dual;
use crate::real::{Num, sum_by_addition};
use crate::rules::along;

impl<T: Num, const N: usize> Add for Dual<T, N> {
    type Output = Self;
    #[inline]
    #[track_caller]
    fn add(self, o: Self) -> Self {
        Self { re: self.re + o.re, eps: array::from_fn(|k| self.eps[k] + o.eps[k]) }
    }
}

impl<T: Num, const N: usize> Sub for Dual<T, N> {
    type Output = Self;
    #[inline]
    #[track_caller]
    fn sub(self, o: Self) -> Self {
        Self { re: self.re - o.re, eps: array::from_fn(|k| self.eps[k] - o.eps[k]) }
    }
}

impl<T: Num, const N: usize> Mul for Dual<T, N> {
    type Output = Self;
    #[expect(clippy::suspicious_arithmetic_impl, reason = "the product rule has a sum in it")]
    #[inline]
    #[track_caller]
    fn mul(self, o: Self) -> Self {
        let eps = array::from_fn(|k| self.eps[k] * o.re + self.re * o.eps[k]);
        Self { re: self.re * o.re, eps }
    }
}

impl<T: Num, const N: usize> Div for Dual<T, N> {
    type Output = Self;
    #[inline]
    #[track_caller]
    fn div(self, o: Self) -> Self {
        let inverse = o.re.recip();
        let quotient = self.re / o.re;
        let by_other = -quotient * inverse;
        let eps = array::from_fn(|k| along(self.eps[k], inverse) + along(o.eps[k], by_other));
        Self { re: quotient, eps }
    }
}

impl<T: Num, const N: usize> Neg for Dual<T, N> {
    type Output = Self;
    #[inline]
    #[track_caller]
    fn neg(self) -> Self {
        Self { re: -self.re, eps: self.eps.map(|e| -e) }
    }
}

impl<T: Num, const N: usize> Add<f64> for Dual<T, N> {
    type Output = Self;
    #[inline]
    #[track_caller]
    fn add(self, o: f64) -> Self {
        Self { re: self.re + o, eps: self.eps }
    }
}

impl<T: Num, const N: usize> Sub<f64> for Dual<T, N> {
    type Output = Self;
    #[inline]
    #[track_caller]
    fn sub(self, o: f64) -> Self {
        Self { re: self.re - o, eps: self.eps }
    }
}

impl<T: Num, const N: usize> Mul<f64> for Dual<T, N> {
    type Output = Self;
    #[inline]
    #[track_caller]
    fn mul(self, o: f64) -> Self {
        Self { re: self.re * o, eps: self.eps.map(|e| e * o) }
    }
}

impl<T: Num, const N: usize> Div<f64> for Dual<T, N> {
    type Output = Self;
    #[inline]
    #[track_caller]
    fn div(self, o: f64) -> Self {
        Self { re: self.re / o, eps: self.eps.map(|e| e / o) }
    }
}

sum_by_addition!([T: Num, const N: usize] Dual<T, N>;);

macro_rules! literal_on_the_left {
    ($($op:ident $method:ident),*) => { $(
        impl<T: Num, const N: usize> $op<Dual<T, N>> for f64 {
            type Output = Dual<T, N>;
            #[inline]
            #[track_caller]
            fn $method(self, o: Dual<T, N>) -> Dual<T, N> {
                Dual::lit(self).$method(o)
            }
        }
    )* };
}
literal_on_the_left!(Add add, Sub sub, Mul mul, Div div);

macro_rules! assigning {
    ($($op:ident $method:ident $with:ident),*) => { $(
        impl<T: Num, const N: usize> $op for Dual<T, N> {
            #[inline]
            #[track_caller]
            fn $method(&mut self, o: Self) {
                *self = self.$with(o);
            }
        }
    )* };
}
assigning!(AddAssign add_assign add, SubAssign sub_assign sub, MulAssign mul_assign mul, DivAssign div_assign div);
