//! Exchange of the uniform electron gas.

use cotangent_ad::Real;

use super::density::SpinDensity;

/// `-(3/4) (3/pi)^(1/3)`: exchange energy of the unpolarised gas is this times `n^(4/3)`.
pub(super) fn uniform_gas() -> f64 {
    -0.75 * (3.0 / std::f64::consts::PI).cbrt()
}

/// Energy density `-(3/4) (3/pi)^(1/3) n^(4/3)` of a closed shell, in hartree/bohr^3; of others by spin scaling.
///
/// # Source
/// Dirac, Proc. Camb. Phil. Soc. 26, 376 (1930), doi:10.1017/S0305004100016108.
pub fn slater_exchange<R: Real>(at: &SpinDensity<R>) -> R {
    at.by_spin_scaling(|channel| channel.density * channel.cbrt * uniform_gas())
}
