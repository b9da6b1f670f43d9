//! The regularised-restored strongly constrained and appropriately normed functional.
//!
//! # Source
//! Furness, Kaplan, Ning, Perdew & Sun, J. Phys. Chem. Lett. 11, 8208 (2020), doi:10.1021/acs.jpclett.0c02405; its numbers of
//! equations are those of the supporting information. SCAN itself: Sun, Ruzsinszky & Perdew, Phys. Rev. Lett. 115, 036402 (2015).

use cotangent_ad::{Dual, Real};

use super::density::SpinDensity;
use super::perdew_burke_ernzerhof::{gamma, phi, scaled_gradient_squared};
use super::perdew_wang::{PerdewWangConstants, energy_per_electron};
use super::slater::uniform_gas;

/// Where the polynomial of the switch ends.
const END: f64 = 2.5;
/// Regularises the iso-orbital indicator.
const ETA: f64 = 0.001;
const D_P2: f64 = 0.361;
/// `h_x^0`: the enhancement of one orbital.
const H0_X: f64 = 1.174;
const B1: f64 = 0.0285764;
const B2: f64 = 0.0889;
const B3: f64 = 0.125541;
/// Added to `s^2`, which is of the order of 1: keeps the derivative of its fourth root finite at 0.
const BESIDE_ZERO: f64 = 1e-24;

/// The function that leads from one orbital (`alpha = 0`, value 1) to the uniform gas (`alpha = 1`, value 0) and beyond.
struct Switch {
    below: f64,
    polynomial: [f64; 8],
    /// Amplitude and rate.
    above: [f64; 2],
}

const EXCHANGE: Switch = Switch {
    below: 0.667,
    polynomial: [
        1.0,
        -0.667,
        -0.4445555,
        -0.663086601049,
        1.451297044490,
        -0.887998041597,
        0.234528941479,
        -0.023185843322,
    ],
    above: [1.24, 0.8],
};
const CORRELATION: Switch = Switch {
    below: 0.64,
    polynomial: [
        1.0,
        -0.64,
        -0.4352,
        -1.535685604549,
        3.061560252175,
        -1.915710236206,
        0.516884468372,
        -0.051848879792,
    ],
    above: [0.7, 1.5],
};

impl Switch {
    /// `exp(-c_1 a/(1 - a))` below 0, a polynomial up to 2.5, `-d exp(c_2/(1 - a))` beyond. All three are computed, each within
    /// its own range, and one is taken: so points side by side go the same way through the code.
    fn value<R: Real>(&self, a: R) -> R {
        let [is_below, is_above] = [-a, a - END].map(|x| {
            let sign = x.sign();
            (sign * sign + sign) * 0.5 // 1 where x > 0, else 0
        });
        let is_inner = -is_below - is_above + 1.0;
        let below = a * is_below;
        let below = (below * -self.below / (-below + 1.0)).exp();
        let above = a * is_above + (-is_above + 1.0) * END;
        let above = (R::lit(self.above[1]) / (-above + 1.0)).exp() * -self.above[0];
        let inner = a * is_inner;
        let inner = self.polynomial.iter().rev().fold(R::lit(0.0), |sum, c| sum * inner + *c);
        is_below * below + is_above * above + is_inner * inner
    }

    /// `sum i c_i`: the slope of the polynomial at 1.
    fn slope(&self) -> f64 {
        self.polynomial.iter().enumerate().map(|(i, c)| i as f64 * c).sum()
    }
}

/// `3/10 (3 pi^2)^(2/3)`.
fn uniform_kinetic() -> f64 {
    0.3 * (3.0 * std::f64::consts::PI.powi(2)).powf(2.0 / 3.0)
}

/// `exp(-p^2/d_p2^4)`.
fn damped<R: Real>(p: R) -> R {
    (p * p * (-1.0 / D_P2.powi(4))).exp()
}

/// Energy density of exchange, in hartree/bohr^3: that of the uniform gas times
/// `(h_1 + f(alpha) (h_0 - h_1)) g(p)`, `g = 1 - exp(-4.9479 p^(-1/4))`, `p = s^2`.
pub fn r2scan_exchange<R: Real>(at: &SpinDensity<R>) -> R {
    const K1: f64 = 0.065;
    at.by_spin_scaling(|channel| {
        let n = channel.density;
        let p = channel.reduced_gradient_squared() + BESIDE_ZERO;
        let single = channel.sigma / n * 0.125;
        let uniform = n * channel.cbrt * channel.cbrt * uniform_kinetic();
        let alpha = (channel.tau - single) / (uniform + single * ETA);
        let c_2 = -EXCHANGE.slope() * (1.0 - H0_X);
        let x = (damped(p) * ((20.0 / 27.0 + ETA * 5.0 / 3.0) * c_2) + 10.0 / 81.0) * p;
        let h_1 = -((x * (1.0 / K1) + 1.0).recip() * K1) + (1.0 + K1);
        let g = -(-(p.sqrt().sqrt().recip() * 4.9479)).exp() + 1.0;
        let enhancement = (h_1 + EXCHANGE.value(alpha) * (-h_1 + H0_X)) * g;
        n * channel.cbrt * enhancement * uniform_gas()
    })
}

/// `chi = (3 pi^2/16)^(2/3) beta_inf/(c_x - f_0)`, 0.128026 in print: with it the gradient terms of exchange and correlation of one
/// orbital cancel at low density. `beta_inf = 0.066725 0.1/0.1778`, `c_x = -3/(4 pi) (9 pi/4)^(1/3)`, `f_0 = -0.9`.
fn chi() -> f64 {
    use std::f64::consts::PI;
    let beta = 0.066725 * 0.1 / 0.1778;
    let difference = 0.9 - 0.75 / PI * (2.25 * PI).cbrt();
    (3.0 * PI * PI / 16.0).powf(2.0 / 3.0) * beta / difference
}

/// `eps_LDA0 = -b_1/(1 + b_2 r_s^(1/2) + b_3 r_s)`: correlation of one orbital in the limit of a uniform density.
fn single_orbital<R: Real>(rs: R) -> R {
    -((rs.sqrt() * B2 + rs * B3 + 1.0).recip() * B1)
}

/// `g_c(zeta) = (1 - 2.363 (d_x(zeta) - 1)) (1 - zeta^12)`, nothing where it is 1.
fn single_orbital_polarisation<R: Real>(at: &SpinDensity<R>) -> Option<R> {
    let d_x = at.mean_over_spins(|x, root| x * root)?;
    let zeta = at.zeta()?;
    Some((-((d_x - 1.0) * 2.363) + 1.0) * (-zeta.powi(12) + 1.0))
}

/// Energy density of correlation, in hartree/bohr^3: `n (eps_1 + f(alpha) (eps_0 - eps_1))` between the uniform gas and one orbital.
pub fn r2scan_correlation<R: Real>(at: &SpinDensity<R>) -> R {
    let n = at.total;
    let n_5_3 = n * at.cbrt_total * at.cbrt_total;
    let rs = at.wigner_seitz_radius();
    let fermi = (3.0 * std::f64::consts::PI.powi(2)).cbrt();
    let n_4_3 = n * at.cbrt_total;
    let p = at.sigma_total / (n_4_3 * n_4_3) * (0.25 / (fermi * fermi));

    let d_s = at.mean_over_spins(|x, root| x * root * root);
    let single = at.sigma_total / n * 0.125;
    let uniform = d_s.map_or(n_5_3, |d_s| n_5_3 * d_s) * uniform_kinetic();
    let alpha = (at.tau_total - single) / (uniform + single * ETA);

    let one_orbital = one_orbital_energy(at, rs, p);
    let gas = slowly_varying_energy(at, rs, p, d_s);
    n * (gas + CORRELATION.value(alpha) * (one_orbital - gas))
}

/// `(eps_LDA0 + H_0) g_c`, `H_0 = b_1 ln(1 + w_0 (1 - (1 + 4 chi p)^(-1/4)))`, `w_0 = exp(-eps_LDA0/b_1) - 1`.
fn one_orbital_energy<R: Real>(at: &SpinDensity<R>, rs: R, p: R) -> R {
    let lda = single_orbital(rs);
    let w = (lda * (-1.0 / B1)).exp() - 1.0;
    let g = (p * (4.0 * chi()) + 1.0).sqrt().sqrt().recip();
    let energy = lda + (w * (-g + 1.0) + 1.0).ln() * B1;
    single_orbital_polarisation(at).map_or(energy, |g_c| energy * g_c)
}

/// `eps_LSDA + H_1`, `H_1 = gamma phi^3 ln(1 + w_1 (1 - (1 + 4(y - delta_y))^(-1/4)))`.
fn slowly_varying_energy<R: Real>(at: &SpinDensity<R>, rs: R, p: R, d_s: Option<R>) -> R {
    let (lsda, slope_lsda) =
        with_slope(rs, at, |at, rs| energy_per_electron(at, rs, PerdewWangConstants::Extended));
    let (mut lsda_0, mut slope_0) = with_slope(rs, at, |_, rs| single_orbital(rs));
    if let Some(g_c) = single_orbital_polarisation(at) {
        lsda_0 *= g_c;
        slope_0 *= g_c;
    }
    let mut scale = R::lit(gamma());
    let mut t_2 = scaled_gradient_squared(at);
    if let Some(phi) = phi(at) {
        scale = phi.powi(3) * gamma();
        t_2 /= phi * phi;
    }
    let w = (-lsda / scale).exp() - 1.0;
    let beta = (rs * 0.1 + 1.0) / (rs * 0.1778 + 1.0) * BETA;
    let y = beta * t_2 / w * (1.0 / gamma());
    let restored = rs * (slope_0 - slope_lsda) * 20.0 - (lsda_0 - lsda) * (45.0 * ETA);
    let share = restored * p * damped(p) * (CORRELATION.slope() / 27.0);
    let delta_y = share / (scale * w);
    let delta_y = d_s.map_or(delta_y, |d_s| delta_y / d_s);
    let g = ((y - delta_y) * 4.0 + 1.0).sqrt().sqrt().recip();
    lsda + scale * (w * (-g + 1.0) + 1.0).ln()
}

/// `beta` of the gradient expansion at high density.
const BETA: f64 = 0.066_724_550_603_149_22;

/// An energy per electron and its derivative by `r_s` at constant polarisation.
fn with_slope<R: Real>(
    rs: R,
    at: &SpinDensity<R>,
    energy: impl Fn(&SpinDensity<Dual<R, 1>>, Dual<R, 1>) -> Dual<R, 1>,
) -> (R, R) {
    let found = energy(&at.constant(), Dual::seed(rs, 0));
    (found.re, found.eps[0])
}

impl<R: Real> SpinDensity<R> {
    /// The same as constants of a derivative by something else.
    fn constant(&self) -> SpinDensity<Dual<R, 1>> {
        self.map(Dual::konst)
    }
}

#[cfg(test)]
mod tests {
    use cotangent_ad::Dual;

    use super::{CORRELATION, EXCHANGE};

    #[test]
    fn the_switch_takes_one_branch_with_its_slope() {
        for switch in [&EXCHANGE, &CORRELATION] {
            for (a, value) in [
                (-0.7_f64, (switch.below * 0.7 / 1.7).exp()),
                (3.1, -switch.above[0] * (switch.above[1] / (1.0 - 3.1)).exp()),
                (1.0, switch.polynomial.iter().sum::<f64>()),
                (0.0, 1.0),
            ] {
                let found = switch.value(a);
                assert!((found - value).abs() < 1e-15, "{a}: {found} {value}");
            }
            for a in [-3.0, -0.2, 0.4, 1.7, 2.8, 40.0] {
                let slope = switch.value(Dual::<f64, 1>::seed(a, 0)).eps[0];
                let difference = (switch.value(a + 1e-6) - switch.value(a - 1e-6)) / 2e-6;
                assert!((slope - difference).abs() < 1e-8, "{a}: {slope} {difference}");
            }
        }
    }
}
