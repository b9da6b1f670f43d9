//! Four lanes in a 256-bit register. The level of 512 bits runs the same code with more registers.
#![expect(
    clippy::inline_always,
    reason = "vector code is made where it is inlined into a function with the target features"
)]
#![expect(unsafe_code, reason = "vector instructions of processors that were found to have them")]

use std::arch::x86_64::{
    __m256d, __m256i, _CMP_EQ_OQ, _CMP_LE_OQ, _CMP_LT_OQ, _mm256_add_epi64, _mm256_add_pd,
    _mm256_and_pd, _mm256_blendv_pd, _mm256_castpd_si256, _mm256_castsi256_pd, _mm256_cmp_pd,
    _mm256_div_pd, _mm256_fmadd_pd, _mm256_fnmadd_pd, _mm256_loadu_pd, _mm256_movemask_pd,
    _mm256_mul_pd, _mm256_or_pd, _mm256_set_pd, _mm256_set1_epi64x, _mm256_set1_pd,
    _mm256_sllv_epi64, _mm256_sqrt_pd, _mm256_srlv_epi64, _mm256_storeu_pd, _mm256_sub_pd,
    _mm256_xor_pd,
};
use std::slice;

use super::vector::Vector;
use crate::program::graph::Relation;

/// Lanes of a processor with AVX2 and FMA. Values of this type are made in code that runs on such processors only.
#[derive(Clone, Copy, Debug)]
#[repr(transparent)]
pub(in crate::program) struct Avx2(__m256d);

/// Evaluates intrinsics.
macro_rules! avx2 {
    ($e:expr) => {
        // SAFETY: values of this type exist only where the processor has AVX2 and FMA, see `replay`.
        Self(unsafe { $e })
    };
}

#[inline(always)]
fn integer(b: u64) -> __m256i {
    // SAFETY: called by methods of `Avx2` only.
    unsafe { _mm256_set1_epi64x(b.cast_signed()) }
}

impl Avx2 {
    #[inline(always)]
    fn integers(self) -> __m256i {
        // SAFETY: as for all methods.
        unsafe { _mm256_castpd_si256(self.0) }
    }
}

impl Vector for Avx2 {
    const LANES: usize = 4;
    #[inline(always)]
    fn splat(v: f64) -> Self {
        avx2!(_mm256_set1_pd(v))
    }
    #[inline(always)]
    unsafe fn gather(from: *const f64, list: *const u32) -> Self {
        // SAFETY: the caller's promise.
        let [a, b, c, d] = unsafe {
            let [a, b, c, d] = list.cast::<[u32; 4]>().read().map(|at| at as usize);
            [*from.add(a), *from.add(b), *from.add(c), *from.add(d)]
        };
        avx2!(_mm256_set_pd(d, c, b, a))
    }
    #[inline(always)]
    unsafe fn load(at: *const f64) -> Self {
        avx2!(_mm256_loadu_pd(at))
    }
    #[inline(always)]
    unsafe fn store(self, at: *mut f64) {
        // SAFETY: the caller's promise, and as for all methods.
        unsafe { _mm256_storeu_pd(at, self.0) }
    }
    #[inline(always)]
    fn lanes(&self) -> &[f64] {
        // SAFETY: the register's type is four `f64` of stricter alignment.
        unsafe { slice::from_raw_parts((&raw const self.0).cast(), 4) }
    }
    #[inline(always)]
    fn lanes_mut(&mut self) -> &mut [f64] {
        // SAFETY: as above.
        unsafe { slice::from_raw_parts_mut((&raw mut self.0).cast(), 4) }
    }
    #[inline(always)]
    fn add(self, b: Self) -> Self {
        avx2!(_mm256_add_pd(self.0, b.0))
    }
    #[inline(always)]
    fn sub(self, b: Self) -> Self {
        avx2!(_mm256_sub_pd(self.0, b.0))
    }
    #[inline(always)]
    fn mul(self, b: Self) -> Self {
        avx2!(_mm256_mul_pd(self.0, b.0))
    }
    #[inline(always)]
    fn div(self, b: Self) -> Self {
        avx2!(_mm256_div_pd(self.0, b.0))
    }
    #[inline(always)]
    fn sqrt(self) -> Self {
        avx2!(_mm256_sqrt_pd(self.0))
    }
    #[inline(always)]
    fn fused(self, b: Self, c: Self) -> Self {
        avx2!(_mm256_fmadd_pd(self.0, b.0, c.0))
    }
    #[inline(always)]
    fn fused_minus(self, b: Self, c: Self) -> Self {
        avx2!(_mm256_fnmadd_pd(self.0, b.0, c.0))
    }
    #[inline(always)]
    fn less(self, b: Self, x: Self, y: Self) -> Self {
        avx2!(_mm256_blendv_pd(y.0, x.0, _mm256_cmp_pd::<_CMP_LT_OQ>(self.0, b.0)))
    }
    #[inline(always)]
    fn signed(self, x: Self, y: Self) -> Self {
        avx2!(_mm256_blendv_pd(y.0, x.0, self.0))
    }
    #[inline(always)]
    fn and(self, b: u64) -> Self {
        avx2!(_mm256_and_pd(self.0, _mm256_castsi256_pd(integer(b))))
    }
    #[inline(always)]
    fn or(self, b: u64) -> Self {
        avx2!(_mm256_or_pd(self.0, _mm256_castsi256_pd(integer(b))))
    }
    #[inline(always)]
    fn xor(self, b: Self) -> Self {
        avx2!(_mm256_xor_pd(self.0, b.0))
    }
    #[inline(always)]
    fn plus(self, b: u64) -> Self {
        avx2!(_mm256_castsi256_pd(_mm256_add_epi64(self.integers(), integer(b))))
    }
    #[inline(always)]
    fn shl(self, n: u32) -> Self {
        avx2!(_mm256_castsi256_pd(_mm256_sllv_epi64(self.integers(), integer(u64::from(n)))))
    }
    #[inline(always)]
    fn shr(self, n: u32) -> Self {
        avx2!(_mm256_castsi256_pd(_mm256_srlv_epi64(self.integers(), integer(u64::from(n)))))
    }
    #[inline(always)]
    fn holds(relation: Relation, a: Self, b: Self) -> u32 {
        // SAFETY: as for all methods.
        let bits = unsafe {
            _mm256_movemask_pd(match relation {
                Relation::Less => _mm256_cmp_pd::<_CMP_LT_OQ>(a.0, b.0),
                Relation::LessOrEqual => _mm256_cmp_pd::<_CMP_LE_OQ>(a.0, b.0),
                Relation::Equal => _mm256_cmp_pd::<_CMP_EQ_OQ>(a.0, b.0),
            })
        };
        bits.cast_unsigned()
    }
}
