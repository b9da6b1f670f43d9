//! Vector units: their levels, vectors of them, and functions over any vector.

pub(super) mod functions;
mod level;
mod vector;
#[cfg(target_arch = "x86_64")]
mod x86;

pub use self::level::{SimdLevel, simd_level, widest_simd_level};
pub(super) use self::vector::{Plain, Vector};
#[cfg(target_arch = "x86_64")]
pub(super) use self::x86::Avx2;
