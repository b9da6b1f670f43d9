//! Exchange and correlation after Perdew, Burke and Ernzerhof.

use cotangent_ad::Real;

use super::density::SpinDensity;
use super::perdew_wang::{PerdewWangConstants, energy_per_electron};
use super::slater::uniform_gas;

/// `beta` of the correlation's gradient expansion; that of exchange follows, [`PBE_MU`].
pub const PBE_BETA: f64 = 0.066_724_550_603_149_22;
/// `mu = beta pi^2/3`: the gradient terms of exchange and correlation cancel in the linear response of the uniform gas.
pub const PBE_MU: f64 = PBE_BETA * std::f64::consts::PI * std::f64::consts::PI / 3.0;
/// `kappa`: the bound of Lieb and Oxford.
pub const PBE_KAPPA: f64 = 0.804;

/// `(1 - ln 2)/pi^2`.
pub(super) fn gamma() -> f64 {
    (1.0 - std::f64::consts::LN_2) / std::f64::consts::PI.powi(2)
}

/// `phi = ((1 + zeta)^(2/3) + (1 - zeta)^(2/3))/2`, nothing where it is 1.
pub(super) fn phi<R: Real>(at: &SpinDensity<R>) -> Option<R> {
    at.mean_over_spins(|_, root| root * root)
}

/// `phi^2 t^2`, `t = |grad n|/(2 phi k_s n)`, `k_s = (4 (3 pi^2 n)^(1/3)/pi)^(1/2)`.
pub(super) fn scaled_gradient_squared<R: Real>(at: &SpinDensity<R>) -> R {
    use std::f64::consts::PI;
    let fermi = (3.0 * PI * PI).cbrt();
    at.sigma_total / (at.total * at.total * at.cbrt_total) * (PI / (16.0 * fermi))
}

/// Energy density of exchange, in hartree/bohr^3: Slater's times `1 + kappa - kappa/(1 + mu s^2/kappa)`.
///
/// # Source
/// Perdew, Burke & Ernzerhof, Phys. Rev. Lett. 77, 3865 (1996), doi:10.1103/PhysRevLett.77.3865, eq. 14.
pub fn pbe_exchange<R: Real>(at: &SpinDensity<R>, mu: R, kappa: R) -> R {
    at.by_spin_scaling(|channel| {
        let raised = mu * channel.reduced_gradient_squared();
        let enhancement = kappa * raised / (kappa + raised) + 1.0;
        channel.density * channel.cbrt * enhancement * uniform_gas()
    })
}

/// Energy density of correlation, in hartree/bohr^3: `n (eps_c + H)`, `gamma = (1 - ln 2)/pi^2`,
/// `H = gamma phi^3 ln(1 + (beta/gamma) t^2 (1 + A t^2)/(1 + A t^2 + A^2 t^4))`, `A = (beta/gamma)/(exp(-eps_c/(gamma phi^3)) - 1)`.
///
/// # Source
/// Perdew, Burke & Ernzerhof, Phys. Rev. Lett. 77, 3865 (1996), doi:10.1103/PhysRevLett.77.3865, eqs. 7 and 8.
pub fn pbe_correlation<R: Real>(at: &SpinDensity<R>, beta: R) -> R {
    let uniform = energy_per_electron(at, at.wigner_seitz_radius(), PerdewWangConstants::Extended);
    let mut scale = R::lit(gamma());
    let mut t_2 = scaled_gradient_squared(at);
    if let Some(phi) = phi(at) {
        scale = phi.powi(3) * gamma();
        t_2 /= phi * phi;
    }
    let beta = beta * (1.0 / gamma());
    let a_t_2 = beta * t_2 / ((-uniform / scale).exp() - 1.0);
    let ratio = (a_t_2 + 1.0) / (a_t_2 * (a_t_2 + 1.0) + 1.0);
    at.total * (uniform + scale * (beta * t_2 * ratio + 1.0).ln())
}
