//! A few values side by side: what one machine instruction of a replay works on.
//!
//! Widths do not change results; whether [`Vector::fused`] rounds once or twice does.

#![expect(
    clippy::inline_always,
    reason = "vector code is made where it is inlined into a function with the target features"
)]
#![expect(unsafe_code, reason = "vectors are read and written where the caller says they may be")]

use std::array::from_fn;

use crate::program::graph::Relation;

/// `LANES` numbers. Operations are lane by lane; those named after bits work on the numbers' bits.
pub(in crate::program) trait Vector: Copy {
    /// Number of lanes.
    const LANES: usize;
    /// `v` in every lane.
    fn splat(v: f64) -> Self;
    /// The numbers at places `list` of `from`.
    ///
    /// # Safety
    /// As many places as there are lanes may be read, and the numbers there.
    unsafe fn gather(from: *const f64, list: *const u32) -> Self;
    /// The lanes from `at` on.
    ///
    /// # Safety
    /// They may be read.
    unsafe fn load(at: *const f64) -> Self;
    /// Writes the lanes to `at`.
    ///
    /// # Safety
    /// They may be written.
    unsafe fn store(self, at: *mut f64);
    /// The lanes.
    fn lanes(&self) -> &[f64];
    /// The lanes.
    fn lanes_mut(&mut self) -> &mut [f64];
    /// Sum.
    fn add(self, b: Self) -> Self;
    /// Difference.
    fn sub(self, b: Self) -> Self;
    /// Product.
    fn mul(self, b: Self) -> Self;
    /// Quotient.
    fn div(self, b: Self) -> Self;
    /// Square root.
    fn sqrt(self) -> Self;
    /// `self b + c`.
    fn fused(self, b: Self, c: Self) -> Self;
    /// `c - self b`.
    fn fused_minus(self, b: Self, c: Self) -> Self;
    /// `x` where `self < b`, else `y`.
    fn less(self, b: Self, x: Self, y: Self) -> Self;
    /// `x` where the sign bit of `self` is set, else `y`.
    fn signed(self, x: Self, y: Self) -> Self;
    /// Bits, and.
    fn and(self, b: u64) -> Self;
    /// Bits, or.
    fn or(self, b: u64) -> Self;
    /// Bits, exclusive or.
    fn xor(self, b: Self) -> Self;
    /// Bits, as integers, plus `b`, wrapping.
    fn plus(self, b: u64) -> Self;
    /// Bits, shifted towards the high ones.
    fn shl(self, n: u32) -> Self;
    /// Bits, shifted towards the low ones.
    fn shr(self, n: u32) -> Self;
    /// One bit a lane: whether the relation holds.
    fn holds(relation: Relation, a: Self, b: Self) -> u32;
    /// `-self`.
    #[inline(always)]
    fn neg(self) -> Self {
        self.xor(Self::splat(-0.0))
    }
}

/// Lanes in plain Rust, for every processor. One lane is a number by itself, with `f64`'s own functions.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(in crate::program) struct Plain<const N: usize>([f64; N]);

impl<const N: usize> Plain<N> {
    #[inline(always)]
    fn zip(self, b: Self, f: impl Fn(f64, f64) -> f64) -> Self {
        Self(from_fn(|l| f(self.0[l], b.0[l])))
    }
    #[inline(always)]
    fn bits(self, f: impl Fn(u64) -> u64) -> Self {
        Self(self.0.map(|x| f64::from_bits(f(x.to_bits()))))
    }
}

impl<const N: usize> Vector for Plain<N> {
    const LANES: usize = N;
    #[inline(always)]
    fn splat(v: f64) -> Self {
        Self([v; N])
    }
    #[inline(always)]
    unsafe fn gather(from: *const f64, list: *const u32) -> Self {
        // SAFETY: the caller's promise.
        Self(from_fn(|l| unsafe { *from.add(*list.add(l) as usize) }))
    }
    #[inline(always)]
    unsafe fn load(at: *const f64) -> Self {
        // SAFETY: the caller's promise.
        Self(unsafe { at.cast::<[f64; N]>().read() })
    }
    #[inline(always)]
    unsafe fn store(self, at: *mut f64) {
        // SAFETY: the caller's promise.
        unsafe { at.cast::<[f64; N]>().write(self.0) }
    }
    #[inline(always)]
    fn lanes(&self) -> &[f64] {
        &self.0
    }
    #[inline(always)]
    fn lanes_mut(&mut self) -> &mut [f64] {
        &mut self.0
    }
    #[inline(always)]
    fn add(self, b: Self) -> Self {
        self.zip(b, |a, b| a + b)
    }
    #[inline(always)]
    fn sub(self, b: Self) -> Self {
        self.zip(b, |a, b| a - b)
    }
    #[inline(always)]
    fn mul(self, b: Self) -> Self {
        self.zip(b, |a, b| a * b)
    }
    #[inline(always)]
    fn div(self, b: Self) -> Self {
        self.zip(b, |a, b| a / b)
    }
    #[inline(always)]
    fn sqrt(self) -> Self {
        Self(self.0.map(f64::sqrt))
    }
    // two roundings: without the instruction, `f64::mul_add` is a slow library call
    #[inline(always)]
    fn fused(self, b: Self, c: Self) -> Self {
        self.mul(b).add(c)
    }
    #[inline(always)]
    fn fused_minus(self, b: Self, c: Self) -> Self {
        c.sub(self.mul(b))
    }
    #[inline(always)]
    fn less(self, b: Self, x: Self, y: Self) -> Self {
        Self(from_fn(|l| if self.0[l] < b.0[l] { x.0[l] } else { y.0[l] }))
    }
    #[inline(always)]
    fn signed(self, x: Self, y: Self) -> Self {
        Self(from_fn(|l| if self.0[l].is_sign_negative() { x.0[l] } else { y.0[l] }))
    }
    #[inline(always)]
    fn and(self, b: u64) -> Self {
        self.bits(|a| a & b)
    }
    #[inline(always)]
    fn or(self, b: u64) -> Self {
        self.bits(|a| a | b)
    }
    #[inline(always)]
    fn xor(self, b: Self) -> Self {
        self.zip(b, |a, b| f64::from_bits(a.to_bits() ^ b.to_bits()))
    }
    #[inline(always)]
    fn plus(self, b: u64) -> Self {
        self.bits(|a| a.wrapping_add(b))
    }
    #[inline(always)]
    fn shl(self, n: u32) -> Self {
        self.bits(|a| a << n)
    }
    #[inline(always)]
    fn shr(self, n: u32) -> Self {
        self.bits(|a| a >> n)
    }
    #[inline(always)]
    fn holds(relation: Relation, a: Self, b: Self) -> u32 {
        (0..N).fold(0, |bits, l| bits | u32::from(relation.holds(a.0[l], b.0[l])) << l)
    }
}
