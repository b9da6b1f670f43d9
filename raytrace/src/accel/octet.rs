//! Eight numbers of single precision side by side: the children of a node, the triangles of a leaf. They are one register of AVX, where the
//! program finds that when it runs, or an array. Both round alike.
#![expect(clippy::inline_always, reason = "operations take the instruction set of the caller")]

use pulp::Arch;
#[cfg(target_arch = "x86_64")]
use pulp::{NullaryFnOnce, x86::V3 as Avx2};

/// How many.
pub(super) const EIGHT: usize = 8;

/// How one calculates with eight numbers. Comparisons with what is no number are false.
pub(super) trait Octet: Copy {
    type Numbers: Copy;

    fn load(self, x: &[f32; EIGHT]) -> Self::Numbers;
    fn store(self, a: Self::Numbers) -> [f32; EIGHT];
    fn all(self, x: f32) -> Self::Numbers;
    fn add(self, a: Self::Numbers, b: Self::Numbers) -> Self::Numbers;
    fn sub(self, a: Self::Numbers, b: Self::Numbers) -> Self::Numbers;
    fn mul(self, a: Self::Numbers, b: Self::Numbers) -> Self::Numbers;
    /// Asks for what stands there to be brought into the cache.
    fn fetch<T>(self, place: &T);
    /// `a` where `a < b`, else `b`.
    fn lesser(self, a: Self::Numbers, b: Self::Numbers) -> Self::Numbers;
    /// `a` where `a > b`, else `b`.
    fn greater(self, a: Self::Numbers, b: Self::Numbers) -> Self::Numbers;
    /// The last four first.
    fn swap(self, a: Self::Numbers) -> Self::Numbers;
    /// Bit `k` says whether `a <= b` holds for number `k`.
    fn at_most(self, a: Self::Numbers, b: Self::Numbers) -> u32;
}

/// What is done with them, whichever instructions there are.
pub(super) trait Task {
    type Output;

    fn run<O: Octet>(self, octet: O) -> Self::Output;
}

/// Does it with these instructions.
#[inline(always)]
pub(super) fn dispatch<T: Task>(arch: Arch, task: T) -> T::Output {
    match arch {
        #[cfg(target_arch = "x86_64")]
        Arch::V4(simd) => simd.vectorize(With { octet: Avx(*simd), task }),
        #[cfg(target_arch = "x86_64")]
        Arch::V3(simd) => simd.vectorize(With { octet: Avx(simd), task }),
        _ => task.run(Plain),
    }
}

#[cfg(target_arch = "x86_64")]
struct With<T> {
    octet: Avx,
    task: T,
}

#[cfg(target_arch = "x86_64")]
impl<T: Task> NullaryFnOnce for With<T> {
    type Output = T::Output;

    #[inline(always)]
    fn call(self) -> T::Output {
        self.task.run(self.octet)
    }
}

/// By arrays.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plain;

impl Plain {
    #[inline(always)]
    fn each(a: [f32; EIGHT], b: [f32; EIGHT], f: impl Fn(f32, f32) -> f32) -> [f32; EIGHT] {
        let mut c = a;
        for k in 0..EIGHT {
            c[k] = f(a[k], b[k]);
        }
        c
    }
}

impl Octet for Plain {
    type Numbers = [f32; EIGHT];

    #[inline(always)]
    fn load(self, x: &[f32; EIGHT]) -> [f32; EIGHT] {
        *x
    }

    #[inline(always)]
    fn store(self, a: [f32; EIGHT]) -> [f32; EIGHT] {
        a
    }

    #[inline(always)]
    fn all(self, x: f32) -> [f32; EIGHT] {
        [x; EIGHT]
    }

    #[inline(always)]
    fn add(self, a: [f32; EIGHT], b: [f32; EIGHT]) -> [f32; EIGHT] {
        Self::each(a, b, |a, b| a + b)
    }

    #[inline(always)]
    fn sub(self, a: [f32; EIGHT], b: [f32; EIGHT]) -> [f32; EIGHT] {
        Self::each(a, b, |a, b| a - b)
    }

    #[inline(always)]
    fn mul(self, a: [f32; EIGHT], b: [f32; EIGHT]) -> [f32; EIGHT] {
        Self::each(a, b, |a, b| a * b)
    }

    #[inline(always)]
    fn fetch<T>(self, _: &T) {}

    #[inline(always)]
    fn lesser(self, a: [f32; EIGHT], b: [f32; EIGHT]) -> [f32; EIGHT] {
        Self::each(a, b, |a, b| if a < b { a } else { b })
    }

    #[inline(always)]
    fn greater(self, a: [f32; EIGHT], b: [f32; EIGHT]) -> [f32; EIGHT] {
        Self::each(a, b, |a, b| if a > b { a } else { b })
    }

    #[inline(always)]
    fn swap(self, a: [f32; EIGHT]) -> [f32; EIGHT] {
        [a[4], a[5], a[6], a[7], a[0], a[1], a[2], a[3]]
    }

    #[inline(always)]
    fn at_most(self, a: [f32; EIGHT], b: [f32; EIGHT]) -> u32 {
        (0..EIGHT).fold(0, |bits, k| bits | u32::from(a[k] <= b[k]) << k)
    }
}

/// By AVX.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy, Debug)]
pub(super) struct Avx(Avx2);

#[cfg(target_arch = "x86_64")]
impl Octet for Avx {
    type Numbers = core::arch::x86_64::__m256;

    #[inline(always)]
    fn load(self, x: &[f32; EIGHT]) -> Self::Numbers {
        pulp::cast(*x)
    }

    #[inline(always)]
    fn store(self, a: Self::Numbers) -> [f32; EIGHT] {
        pulp::cast(a)
    }

    #[inline(always)]
    fn all(self, x: f32) -> Self::Numbers {
        self.0.avx._mm256_set1_ps(x)
    }

    #[inline(always)]
    fn add(self, a: Self::Numbers, b: Self::Numbers) -> Self::Numbers {
        self.0.avx._mm256_add_ps(a, b)
    }

    #[inline(always)]
    fn sub(self, a: Self::Numbers, b: Self::Numbers) -> Self::Numbers {
        self.0.avx._mm256_sub_ps(a, b)
    }

    #[inline(always)]
    fn mul(self, a: Self::Numbers, b: Self::Numbers) -> Self::Numbers {
        self.0.avx._mm256_mul_ps(a, b)
    }

    #[inline(always)]
    #[expect(unsafe_code, reason = "the standard library has no other way to say this")]
    fn fetch<T>(self, place: &T) {
        use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a hint reads nothing, and its address is that of a reference
        unsafe { _mm_prefetch::<_MM_HINT_T0>(core::ptr::from_ref(place).cast()) }
    }

    #[inline(always)]
    fn lesser(self, a: Self::Numbers, b: Self::Numbers) -> Self::Numbers {
        self.0.avx._mm256_min_ps(a, b)
    }

    #[inline(always)]
    fn greater(self, a: Self::Numbers, b: Self::Numbers) -> Self::Numbers {
        self.0.avx._mm256_max_ps(a, b)
    }

    #[inline(always)]
    fn swap(self, a: Self::Numbers) -> Self::Numbers {
        self.0.avx._mm256_permute2f128_ps::<1>(a, a)
    }

    #[inline(always)]
    fn at_most(self, a: Self::Numbers, b: Self::Numbers) -> u32 {
        let avx = self.0.avx;
        // less or equal, ordered, quiet
        avx._mm256_movemask_ps(avx._mm256_cmp_ps::<18>(a, b)).cast_unsigned()
    }
}
