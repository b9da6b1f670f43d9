//! Correlation of the uniform gas after Vosko, Wilk and Nusair: the fit to Monte Carlo energies, and that to the random-phase
//! approximation.

use cotangent_ad::Real;

use super::density::SpinDensity;
use super::interpolation::{curvature, polarisation, with_stiffness};

/// A Padé fit in `x = r_s^(1/2)`.
struct Fit {
    amplitude: f64,
    x0: f64,
    b: f64,
    c: f64,
}

const UNPOLARISED: Fit = Fit { amplitude: 0.0310907, x0: -0.10498, b: 3.72744, c: 12.9352 };
const POLARISED: Fit = Fit { amplitude: 0.01554535, x0: -0.32500, b: 7.06042, c: 18.0578 };
const STIFFNESS: Fit = Fit {
    amplitude: -1.0 / (6.0 * std::f64::consts::PI * std::f64::consts::PI),
    x0: -0.0047584,
    b: 1.13107,
    c: 13.0045,
};
const RPA_UNPOLARISED: Fit = Fit { amplitude: 0.0310907, x0: -0.409286, b: 13.0720, c: 42.7198 };
const RPA_POLARISED: Fit = Fit { amplitude: 0.01554535, x0: -0.743294, b: 20.1231, c: 101.578 };

impl Fit {
    /// Eq. 4.4: with `X(x) = x^2 + b x + c`, `Q = (4c - b^2)^(1/2)` and `a = atan(Q/(2x + b))`,
    /// `A {ln(x^2/X) + (2b/Q) a - (b x_0/X(x_0)) [ln((x - x_0)^2/X) + (2(b + 2 x_0)/Q) a]}`.
    fn energy_per_electron<R: Real>(&self, x: R) -> R {
        let &Self { amplitude, x0, b, c } = self;
        let q = (4.0 * c - b * b).sqrt();
        let share = b * x0 / (x0 * x0 + b * x0 + c);
        let denominator = x * x + x * b + c;
        let angle = (R::lit(q) / (x * 2.0 + b)).atan();
        let from_x0 = x - x0;
        ((x * x / denominator).ln() + angle * (2.0 / q * (b - share * (b + 2.0 * x0)))
            - (from_x0 * from_x0 / denominator).ln() * share)
            * amplitude
    }
}

/// Energy density of VWN5, in hartree/bohr^3: the fit to the Monte Carlo energies of Ceperley and Alder.
///
/// # Source
/// Vosko, Wilk & Nusair, Can. J. Phys. 58, 1200 (1980), doi:10.1139/p80-159, eq. 4.4 and table 5.
pub fn vwn5_correlation<R: Real>(at: &SpinDensity<R>) -> R {
    let x = at.wigner_seitz_radius().sqrt();
    let polarised = || POLARISED.energy_per_electron(x);
    let stiffness = || STIFFNESS.energy_per_electron(x);
    let unpolarised = UNPOLARISED.energy_per_electron(x);
    at.total * with_stiffness(at, unpolarised, polarised, stiffness, curvature())
}

/// Energy density of the fit to the random-phase approximation, in hartree/bohr^3: `eps_P + (eps_F - eps_P) f(zeta)`. It is what
/// B3LYP has as its local correlation in most programs.
///
/// # Source
/// As [`vwn5_correlation`].
pub fn vwn_rpa_correlation<R: Real>(at: &SpinDensity<R>) -> R {
    let x = at.wigner_seitz_radius().sqrt();
    let unpolarised = RPA_UNPOLARISED.energy_per_electron(x);
    let per_electron = match polarisation(at) {
        None => unpolarised,
        Some(f) => unpolarised + (RPA_POLARISED.energy_per_electron(x) - unpolarised) * f,
    };
    at.total * per_electron
}
