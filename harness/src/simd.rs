//! The vector instructions that numbers were computed with.

use std::env::consts::ARCH;

use cotangent_ad::program::{SimdLevel, simd_level, widest_simd_level};

/// Architecture and SIMD level in use, as manifest and checkpoint record it: `x86_64 avx2`.
///
/// Recorded programs take the level that `COTANGENT_SIMD` names (`baseline`, `avx2`, `avx512`), or the widest there is. The linear
/// algebra below asks the processor itself, so that its level is said too where it differs: `x86_64 baseline (libraries avx512)`.
/// Equal bits are promised for equal texts.
///
/// ```
/// let level = cotangent_harness::simd::level();
/// assert!(level.starts_with(std::env::consts::ARCH));
/// ```
pub fn level() -> String {
    describe(simd_level(), widest_simd_level())
}

fn describe(programs: SimdLevel, libraries: SimdLevel) -> String {
    let name = |level| match level {
        SimdLevel::Baseline => "baseline",
        SimdLevel::Avx2 => "avx2",
        SimdLevel::Avx512 => "avx512",
    };
    if programs == libraries {
        format!("{ARCH} {}", name(programs))
    } else {
        format!("{ARCH} {} (libraries {})", name(programs), name(libraries))
    }
}

#[cfg(test)]
mod tests {
    use cotangent_ad::program::SimdLevel;

    use super::{ARCH, describe};

    #[test]
    fn levels_that_differ_have_texts_that_differ() {
        assert_eq!(describe(SimdLevel::Avx2, SimdLevel::Avx2), format!("{ARCH} avx2"));
        let forced = describe(SimdLevel::Baseline, SimdLevel::Avx2);
        assert_eq!(forced, format!("{ARCH} baseline (libraries avx2)"));
    }
}
