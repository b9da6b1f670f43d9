//! Correlation of the uniform gas after Perdew and Wang.

use cotangent_ad::Real;

use super::density::SpinDensity;
use super::interpolation::{curvature, with_stiffness};

/// Which digits of the constants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PerdewWangConstants {
    /// Amplitudes with two digits more than printed and `f''(0)` exactly, as in the authors' code of PBE: what PBE and r2SCAN are
    /// built on.
    Extended,
    /// As printed in 1992.
    Printed,
}

/// `G(r_s) = -2A (1 + alpha r_s) ln(1 + 1/(2A (beta_1 r_s^(1/2) + beta_2 r_s + beta_3 r_s^(3/2) + beta_4 r_s^2)))`, eq. 10.
struct Fit {
    extended: f64,
    printed: f64,
    alpha: f64,
    beta: [f64; 4],
}

const UNPOLARISED: Fit = Fit {
    extended: 0.0310907,
    printed: 0.031091,
    alpha: 0.21370,
    beta: [7.5957, 3.5876, 1.6382, 0.49294],
};
const POLARISED: Fit = Fit {
    extended: 0.01554535,
    printed: 0.015545,
    alpha: 0.20548,
    beta: [14.1189, 6.1977, 3.3662, 0.62517],
};
/// The fit is of `-alpha_c`.
const STIFFNESS: Fit = Fit {
    extended: 0.0168869,
    printed: 0.016887,
    alpha: 0.11125,
    beta: [10.357, 3.6231, 0.88026, 0.49671],
};

impl Fit {
    fn value<R: Real>(&self, constants: PerdewWangConstants, rs: R, root: R) -> R {
        let a = match constants {
            PerdewWangConstants::Extended => self.extended,
            PerdewWangConstants::Printed => self.printed,
        };
        let [b1, b2, b3, b4] = self.beta;
        let series = root * (root * (root * (root * b4 + b3) + b2) + b1);
        (rs * self.alpha + 1.0) * ((series * (2.0 * a)).recip() + 1.0).ln() * (-2.0 * a)
    }
}

/// `eps_c(r_s, zeta)` in hartree, of the density's polarisation.
pub(super) fn energy_per_electron<R: Real>(
    at: &SpinDensity<R>,
    rs: R,
    constants: PerdewWangConstants,
) -> R {
    let root = rs.sqrt();
    let curvature = match constants {
        PerdewWangConstants::Extended => curvature(),
        PerdewWangConstants::Printed => 1.709921,
    };
    let polarised = || POLARISED.value(constants, rs, root);
    let stiffness = || -STIFFNESS.value(constants, rs, root);
    let unpolarised = UNPOLARISED.value(constants, rs, root);
    with_stiffness(at, unpolarised, polarised, stiffness, curvature)
}

/// Energy density, in hartree/bohr^3.
///
/// # Source
/// Perdew & Wang, Phys. Rev. B 45, 13244 (1992), doi:10.1103/PhysRevB.45.13244, eqs. 8 to 10 and table I.
pub fn perdew_wang_correlation<R: Real>(at: &SpinDensity<R>, constants: PerdewWangConstants) -> R {
    at.total * energy_per_electron(at, at.wigner_seitz_radius(), constants)
}
