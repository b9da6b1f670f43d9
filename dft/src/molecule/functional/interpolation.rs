//! Correlation of the uniform gas between no and full polarisation.

use cotangent_ad::Real;

use super::density::{CBRT_2, SpinDensity};

/// `f(zeta) = ((1 + zeta)^(4/3) + (1 - zeta)^(4/3) - 2)/(2^(4/3) - 2)`: 0 without, 1 with full polarisation.
pub(super) fn polarisation<R: Real>(at: &SpinDensity<R>) -> Option<R> {
    let mean = at.mean_over_spins(|x, root| x * root)?;
    Some((mean - 1.0) * (1.0 / (CBRT_2 - 1.0)))
}

/// `f''(0) = 4/(9 (2^(1/3) - 1))`.
pub(super) fn curvature() -> f64 {
    4.0 / (9.0 * (CBRT_2 - 1.0))
}

/// `eps_P + alpha_c f/f''(0) (1 - zeta^4) + (eps_F - eps_P) f zeta^4`; all but the first are asked of open shells only.
///
/// # Source
/// Vosko, Wilk & Nusair, Can. J. Phys. 58, 1200 (1980), doi:10.1139/p80-159, eqs. 2.2, 3.2 and 3.3.
pub(super) fn with_stiffness<R: Real>(
    at: &SpinDensity<R>,
    unpolarised: R,
    polarised: impl FnOnce() -> R,
    stiffness: impl FnOnce() -> R,
    curvature: f64,
) -> R {
    let (Some(zeta), Some(f)) = (at.zeta(), polarisation(at)) else {
        return unpolarised;
    };
    let zeta_4 = zeta.powi(4);
    unpolarised
        + stiffness() * f * (-zeta_4 + 1.0) * (1.0 / curvature)
        + (polarised() - unpolarised) * f * zeta_4
}
