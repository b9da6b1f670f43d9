//! Several numbers that are computed side by side: one of each of as many shell pairs.
//!
//! Plain arrays and loops, which the compiler turns into vector instructions of the processor's width; products and sums are rounded
//! one by one, so that every width gives the same bits.

use std::ops::{Add, AddAssign, Mul, Sub};

/// How many numbers stand side by side.
pub(in crate::molecule) const LANES: usize = 4;

/// Numbers side by side.
#[derive(Clone, Copy, Debug)]
#[repr(align(32))]
pub(in crate::molecule) struct Lane(pub [f64; LANES]);

impl Lane {
    pub(in crate::molecule) const ZERO: Self = Self([0.0; LANES]);

    #[inline(always)]
    pub(in crate::molecule) fn splat(value: f64) -> Self {
        Self([value; LANES])
    }

    #[inline(always)]
    pub(in crate::molecule) fn map(self, f: impl Fn(f64) -> f64) -> Self {
        let mut out = self;
        for x in &mut out.0 {
            *x = f(*x);
        }
        out
    }

    #[inline(always)]
    pub(in crate::molecule) fn with(self, other: Self, f: impl Fn(f64, f64) -> f64) -> Self {
        let mut out = self;
        for (x, y) in out.0.iter_mut().zip(other.0) {
            *x = f(*x, y);
        }
        out
    }

    /// The sum over the lanes, in their order.
    #[inline(always)]
    pub(in crate::molecule) fn sum(self) -> f64 {
        self.0.iter().sum()
    }
}

impl Add for Lane {
    type Output = Self;
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        self.with(other, |x, y| x + y)
    }
}

impl Sub for Lane {
    type Output = Self;
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        self.with(other, |x, y| x - y)
    }
}

impl Mul for Lane {
    type Output = Self;
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        self.with(other, |x, y| x * y)
    }
}

impl Mul<f64> for Lane {
    type Output = Self;
    #[inline(always)]
    fn mul(self, factor: f64) -> Self {
        self.map(|x| x * factor)
    }
}

impl AddAssign for Lane {
    #[inline(always)]
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}
