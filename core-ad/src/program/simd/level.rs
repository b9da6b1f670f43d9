//! Which vector instructions replays use.

use std::sync::OnceLock;

/// Width of the vector instructions of a replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SimdLevel {
    /// What every processor of the architecture has.
    Baseline,
    /// 256 bits, fused multiply-add.
    Avx2,
    /// 256 bits and twice as many registers, fused multiply-add.
    Avx512,
}

/// The level that replays run at: the widest that the processor has, or a lower one that the environment variable
/// `COTANGENT_SIMD` names (`baseline`, `avx2`, `avx512`). Equal results are promised for equal levels only.
pub fn simd_level() -> SimdLevel {
    static LEVEL: OnceLock<SimdLevel> = OnceLock::new();
    *LEVEL.get_or_init(|| {
        let wanted = match std::env::var("COTANGENT_SIMD").as_deref() {
            Ok("baseline") => SimdLevel::Baseline,
            Ok("avx2") => SimdLevel::Avx2,
            _ => SimdLevel::Avx512,
        };
        wanted.min(widest_simd_level())
    })
}

/// The widest level that the processor has, whatever the environment asks of replays: what libraries find that dispatch by the
/// processor.
#[cfg(target_arch = "x86_64")]
pub fn widest_simd_level() -> SimdLevel {
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

/// Without vector levels of its own, an architecture has the baseline.
#[cfg(not(target_arch = "x86_64"))]
pub fn widest_simd_level() -> SimdLevel {
    SimdLevel::Baseline
}
