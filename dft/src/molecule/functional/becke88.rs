//! Becke's gradient correction to exchange.

use cotangent_ad::Real;

use super::density::{CBRT_2, SpinDensity};

/// Added to the reduced gradient squared, which is of the order of 1: keeps the derivative of its root finite at 0, where the
/// energy is linear in it.
const BESIDE_ZERO: f64 = 1e-30;

/// What Becke's exchange has beyond Slater's, in hartree/bohr^3:
/// `-beta sum_s n_s^(4/3) x_s^2/(1 + 6 beta x_s asinh x_s)`, `x_s = |grad n_s|/n_s^(4/3)`, `beta = 0.0042`.
///
/// # Source
/// Becke, Phys. Rev. A 38, 3098 (1988), doi:10.1103/PhysRevA.38.3098, eq. 8.
pub fn becke88_correction<R: Real>(at: &SpinDensity<R>, beta: R) -> R {
    at.by_spin_scaling(|channel| {
        let n_4_3 = channel.density * channel.cbrt;
        // of half the density, which has a quarter of sigma: x^2 = sigma/4/(n/2)^(8/3)
        let square = channel.sigma / (n_4_3 * n_4_3) * (CBRT_2 * CBRT_2) + BESIDE_ZERO;
        let x = square.sqrt();
        let share = square / (beta * x * x.asinh() * 6.0 + 1.0);
        // both halves: 2 (n/2)^(4/3)
        -(beta * n_4_3 * share * (1.0 / CBRT_2))
    })
}
