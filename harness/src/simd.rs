//! The vector instructions that numbers were computed with.

use std::env::consts::ARCH;

use cotangent_ad::program::{SimdLevel, simd_level};

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
    describe(simd_level(), widest())
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

/// What libraries find that dispatch by the processor.
#[cfg(target_arch = "x86_64")]
fn widest() -> SimdLevel {
    let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
    let avx512 = is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl");
    match (avx2, avx512) {
        (true, true) => SimdLevel::Avx512,
        (true, false) => SimdLevel::Avx2,
        _ => SimdLevel::Baseline,
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn widest() -> SimdLevel {
    SimdLevel::Baseline
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
