//! The local density approximation of the exponential interaction.
//!
//! Baker et al., Phys. Rev. B 91, 235141 (2015), eqs. 9 and 11: exact exchange of the uniform gas, and a fit to its
//! correlation energy.

use cotangent_ad::{Dual, Real};

use crate::one_d::functional::{ExchangeCorrelation, Functional};
use crate::one_d::grid::Grid;
use crate::one_d::mirror::Mirror;

/// Baker's LDA for `w(u) = A exp(-kappa |u|)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lda {
    /// `A` in hartree.
    pub amplitude_ha: f64,
    /// `kappa` in 1/bohr.
    pub kappa: f64,
}

impl Default for Lda {
    fn default() -> Self {
        Self { amplitude_ha: 1.071295, kappa: 1.0 / 2.385345 }
    }
}

/// Below this density, in 1/bohr, the energy density is its linear limit: `sqrt` has no derivative at zero.
const THRESHOLD: f64 = 1e-18;

/// Coefficients of the correlation energy of the gas without and with full polarisation, by powers of `y^(1/2)`.
const UNPOLARISED: [f64; 7] = [2.0, -1.00077, 6.26099, -11.9041, 9.62614, -1.48334, 1.0];
const POLARISED: [f64; 7] = [180.891, -541.124, 651.615, -356.504, 88.0733, -4.32708, 8.0];

impl Lda {
    /// Exchange and correlation energy per electron `eps_xc(n)`, in hartree.
    ///
    /// `y = pi n/kappa`, `eps_x = A/(2 pi) [ln(1 + y^2)/y - 2 atan y]`,
    /// `eps_c = -(A y/pi)/(2 - 1.00077 y^(1/2) + 6.26099 y - 11.9041 y^(3/2) + 9.62614 y^2 - 1.48334 y^(5/2) + (pi kappa^2/A) y^3)`.
    pub fn energy_per_electron<R: Real>(&self, density: R) -> R {
        if density < R::lit(THRESHOLD) {
            // both parts are linear here: eps_x -> -A y/(2 pi), eps_c -> -A y/(2 pi)
            return density * (-self.amplitude_ha / self.kappa);
        }
        self.exchange(density) + self.correlation(density, UNPOLARISED)
    }

    /// Exchange energy per electron of the unpolarised gas.
    fn exchange<R: Real>(&self, density: R) -> R {
        use std::f64::consts::PI;
        let y = density * (PI / self.kappa);
        if density < R::lit(THRESHOLD) {
            return y * (-0.5 * self.amplitude_ha / PI);
        }
        ((y * y).ln_1p() / y - y.atan() * 2.0) * (0.5 * self.amplitude_ha / PI)
    }

    /// `-(A y/pi)/(c_0 + c_1 y^(1/2) + ... + c_5 y^(5/2) + c_6 (pi kappa^2/A) y^3)`, `y = pi n/kappa`.
    fn correlation<R: Real>(&self, density: R, c: [f64; 7]) -> R {
        use std::f64::consts::PI;
        let y = density * (PI / self.kappa);
        let s = y.sqrt();
        let mut c = c;
        c[6] *= PI * self.kappa * self.kappa / self.amplitude_ha;
        let denominator = c.iter().rev().fold(R::lit(0.0), |sum, c| sum * s + *c);
        -(y * (self.amplitude_ha / PI)) / denominator
    }

    /// Energy density of a gas of two spins, in hartree per bohr.
    ///
    /// Exchange as `E_x[n_up, n_down] = (E_x[2 n_up] + E_x[2 n_down])/2`; correlation between that of the unpolarised and the
    /// polarised gas by the square of the polarisation (Baker et al., sec. IV).
    fn polarised_energy_density<R: Real>(&self, up: R, down: R) -> R {
        let n = up + down;
        let spin = up - down;
        if n < R::lit(THRESHOLD) {
            // all parts are quadratic here
            let correlation = n * n * 0.5 + spin * spin * (1.0 / POLARISED[0] - 0.5);
            return -(up * up + down * down + correlation) * (self.amplitude_ha / self.kappa);
        }
        let exchange = up * self.exchange(up * 2.0) + down * self.exchange(down * 2.0);
        let unpolarised = self.correlation(n, UNPOLARISED);
        let difference = self.correlation(n, POLARISED) - unpolarised;
        exchange + n * unpolarised + spin * spin / n * difference
    }

    /// Energy density `n eps_xc(n)`, in hartree per bohr.
    fn energy_density<R: Real>(&self, density: R) -> R {
        density * self.energy_per_electron(density)
    }
}

impl Functional for Lda {
    fn takes(&self, channels: usize) -> bool {
        channels == 1 || channels == 2
    }

    fn evaluate(
        &self,
        grid: &Grid,
        density: &[f64],
        _mirror: Option<Mirror>,
    ) -> ExchangeCorrelation {
        let (up, down) = density.split_at(grid.points());
        if !down.is_empty() {
            type D = Dual<f64, 2>;
            let at = |(u, d): (&f64, &f64)| {
                self.polarised_energy_density(D::seed(u.max(0.0), 0), D::seed(d.max(0.0), 1))
            };
            let each: Vec<D> = up.iter().zip(down).map(at).collect();
            let energies: Vec<f64> = each.iter().map(|e| e.re).collect();
            let potential = [0, 1].map(|s| each.iter().map(|e| e.eps[s]).collect::<Vec<f64>>());
            let energy_ha = grid.integral(&energies);
            return ExchangeCorrelation { energy_ha, potential_ha: potential.concat() };
        }
        let each = density.iter().map(|n| self.energy_density(Dual::<f64, 1>::seed(n.max(0.0), 0)));
        let (energies, potential): (Vec<f64>, Vec<f64>) = each.map(|e| (e.re, e.eps[0])).unzip();
        ExchangeCorrelation { energy_ha: grid.integral(&energies), potential_ha: potential }
    }

    fn adjoint(
        &self,
        grid: &Grid,
        density: &[f64],
        _mirror: Option<Mirror>,
        energy_bar: f64,
        potential_bar: &[f64],
        _parameters_bar: &mut [f64],
    ) -> Vec<f64> {
        let weight = energy_bar * grid.spacing_bohr();
        let n = grid.points();
        let (up, down) = density.split_at(n);
        if !down.is_empty() {
            type D = Dual<Dual<f64, 2>, 2>;
            let mut bar = vec![0.0; 2 * n];
            for i in 0..n {
                let [u, d] = [up[i], down[i]].map(|x| x.max(0.0));
                let e = self.polarised_energy_density(
                    D::seed(Dual::seed(u, 0), 0),
                    D::seed(Dual::seed(d, 1), 1),
                );
                for s in 0..2 {
                    let [by_up, by_down] = e.eps[s].eps;
                    bar[s * n + i] = weight * e.eps[s].re
                        + potential_bar[i] * by_up
                        + potential_bar[n + i] * by_down;
                }
            }
            return bar;
        }
        let pull = |(n, bar): (&f64, &f64)| {
            let twice = Dual::<Dual<f64, 1>, 1>::seed(Dual::seed(n.max(0.0), 0), 0);
            let e = self.energy_density(twice).eps[0];
            weight * e.re + bar * e.eps[0]
        };
        density.iter().zip(potential_bar).map(pull).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Lda;
    use crate::one_d::functional::tests::adjoint_agrees_with_differences;
    use crate::one_d::{Functional, Grid};

    #[test]
    fn the_energy_is_smooth_through_the_threshold() {
        let lda = Lda::default();
        let at = |n: f64| lda.energy_per_electron(n) / n;
        assert!((at(0.9e-18) / at(1.1e-18) - 1.0).abs() < 1e-7);
        assert_eq!(lda.energy_per_electron(0.0), 0.0);
    }

    #[test]
    fn energies_match_another_implementation() {
        // numpy 2.4.6, the formulas transcribed apart from this code
        let lda = Lda::default();
        let reference =
            [(0.05, -0.11915079109786972), (0.4, -0.3245376059780378), (1.3, -0.4260204446969452)];
        for (n, eps) in reference {
            assert!((lda.energy_per_electron::<f64>(n) - eps).abs() < 1e-15);
        }
    }

    #[test]
    fn the_potential_is_the_derivative_and_the_adjoint_is_right() {
        let grid = Grid::new(41, 0.3).unwrap();
        let density: Vec<f64> =
            (0..41).map(|i| 0.9 * (-grid.x(i).powi(2) / 4.0).exp() + 1e-5).collect();
        adjoint_agrees_with_differences(&Lda::default(), &grid, &density, None);
        let spins: Vec<f64> =
            density.iter().map(|n| 0.8 * n).chain(density.iter().map(|n| 0.2 * n * n)).collect();
        adjoint_agrees_with_differences(&Lda::default(), &grid, &spins, None);
        let vacuum = Lda::default().evaluate(&grid, &[0.0; 41], None);
        assert!(vacuum.energy_ha == 0.0 && vacuum.potential_ha.iter().all(|v| *v == 0.0));
    }
}
