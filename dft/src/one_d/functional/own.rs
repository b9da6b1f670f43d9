//! A functional of one's own: the energy as one generic function, everything else derived.
//!
//! `E_xc[n; theta]` is written once over [`Real`]. Its potential `v_i = (1/h) dE/dn_i` is the tape's gradient, and the adjoint of energy
//! and potential that training and response need, `e_bar grad E + Hess E (v_bar/h)`, the gradient of the same function on a tape of
//! duals (forward over reverse). So whatever can be computed with `Real` can be trained and differentiated through the
//! self-consistent field: of the density at a point, of its slope, or of all of it.

use cotangent_ad::{Dual, Real, Var, value_and_grad};

use crate::one_d::functional::{ExchangeCorrelation, Functional};
use crate::one_d::grid::Grid;
use crate::one_d::mirror::Mirror;

/// The energy of a functional, as a function of densities and parameters.
pub trait EnergyFunctional: Sync {
    /// `E_xc` in hartree.
    ///
    /// # Shapes
    /// `density`: `channels x n` in 1/bohr; `parameters`: as many as [`EnergyFunctional::parameters`] has.
    fn energy<R: Real>(&self, grid: &Grid, density: &[R], parameters: &[R]) -> R;

    /// Values of the parameters.
    fn parameters(&self) -> &[f64] {
        &[]
    }

    /// Whether it is a functional of a density (1 channel), or of the densities of spin up and spin down (2 channels).
    fn takes(&self, channels: usize) -> bool {
        channels == 1
    }
}

/// An [`EnergyFunctional`] as a [`Functional`].
///
/// ```
/// use cotangent_ad::Real;
/// use cotangent_dft::one_d::*;
///
/// /// The LDA with a correction by the slope of the density: `E = int n eps_LDA(n) dx + a int (dn/dx)^2 dx`.
/// struct Corrected([f64; 1]);
///
/// impl EnergyFunctional for Corrected {
///     fn energy<R: Real>(&self, grid: &Grid, n: &[R], a: &[R]) -> R {
///         let (lda, h) = (Lda::default(), grid.spacing_bohr());
///         let local = n.iter().fold(R::lit(0.0), |sum, n| sum + *n * lda.energy_per_electron(*n));
///         let slopes = n.windows(2).fold(R::lit(0.0), |sum, n| sum + (n[1] - n[0]) * (n[1] - n[0]));
///         local * h + a[0] * slopes * (1.0 / h)
///     }
///     fn parameters(&self) -> &[f64] {
///         &self.0
///     }
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let model = Model { grid: Grid::new(161, 0.16)?, ..Model::default() };
/// let prepared = Prepared::new(&model, &"H 1.6 H".parse::<Formula>()?.system(0.0)?)?;
/// let options = ScfOptions { tol_density: 1e-11, ..ScfOptions::converged() };
/// let solve = |a: f64| {
///     let functional = FromEnergy(Corrected([a]));
///     let scf = self_consistent_field(&model, &prepared, &functional, &options)?;
///     Ok::<_, ScfError>((scf, functional))
/// };
/// let (scf, functional) = solve(0.02)?;
/// // dE/da through the field, beside a difference of two fields
/// let none = vec![0.0; model.grid.points()];
/// let linear = ImplicitOptions::default();
/// let slope = implicit_adjoint(&model, &prepared, &functional, &options, &scf, 1.0, &none, &linear)?.parameters[0];
/// let difference = (solve(0.021)?.0.energy_ha() - solve(0.019)?.0.energy_ha()) / 0.002;
/// assert!((slope - difference).abs() < 1e-6, "{slope} {difference}");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct FromEnergy<F>(pub F);

/// Each channel averaged with its image, where there is a mirror.
fn symmetrised(grid: &Grid, f: &[f64], mirror: Option<Mirror>) -> Vec<f64> {
    let mut f = f.to_vec();
    if let Some(mirror) = mirror {
        f.chunks_exact_mut(grid.points()).for_each(|channel| mirror.symmetrise(channel));
    }
    f
}

impl<F: EnergyFunctional> Functional for FromEnergy<F> {
    fn takes(&self, channels: usize) -> bool {
        self.0.takes(channels)
    }

    /// `E = E_0[S n]` and `v = S v_0[S n]`, `S` the average with the image.
    fn evaluate(
        &self,
        grid: &Grid,
        density: &[f64],
        mirror: Option<Mirror>,
    ) -> ExchangeCorrelation {
        let (all, h) = (density.len(), grid.spacing_bohr());
        let x = [symmetrised(grid, density, mirror).as_slice(), self.0.parameters()].concat();
        let energy = |x: &[Var<f64>]| self.0.energy(grid, &x[..all], &x[all..]);
        let (energy_ha, gradient) = value_and_grad(energy, &x);
        let potential_ha: Vec<f64> = gradient[..all].iter().map(|g| g / h).collect();
        ExchangeCorrelation { energy_ha, potential_ha: symmetrised(grid, &potential_ha, mirror) }
    }

    fn energy(&self, grid: &Grid, density: &[f64], mirror: Option<Mirror>) -> f64 {
        self.0.energy(grid, &symmetrised(grid, density, mirror), self.0.parameters())
    }

    fn parameter_count(&self) -> usize {
        self.0.parameters().len()
    }

    fn adjoint(
        &self,
        grid: &Grid,
        density: &[f64],
        mirror: Option<Mirror>,
        energy_bar: f64,
        potential_bar: &[f64],
        parameters_bar: &mut [f64],
    ) -> Vec<f64> {
        type D = Dual<f64, 1>;
        let (all, h) = (density.len(), grid.spacing_bohr());
        let direction = symmetrised(grid, potential_bar, mirror);
        let moved = symmetrised(grid, density, mirror)
            .into_iter()
            .zip(&direction)
            .map(|(re, d)| D { re, eps: [d / h] });
        let x: Vec<D> = moved.chain(self.0.parameters().iter().map(|p| D::konst(*p))).collect();
        let energy = |x: &[Var<D>]| self.0.energy(grid, &x[..all], &x[all..]);
        let gradient = value_and_grad(energy, &x).1;
        let pulled: Vec<f64> = gradient.iter().map(|g| energy_bar * g.re + g.eps[0]).collect();
        let (by_density, by_parameters) = pulled.split_at(all);
        parameters_bar.iter_mut().zip(by_parameters).for_each(|(bar, p)| *bar += p);
        symmetrised(grid, by_density, mirror)
    }
}

#[cfg(test)]
mod tests {
    use cotangent_ad::Real;

    use super::{EnergyFunctional, FromEnergy};
    use crate::one_d::functional::tests::adjoint_agrees_with_differences;
    use crate::one_d::{Functional, Grid, Lda, Mirror, System};

    /// The LDA, a slope and something of all points: `theta_0 int n eps + theta_1 int n'^2 + (int n^2)^theta_2`.
    struct Mixed([f64; 3]);

    impl EnergyFunctional for Mixed {
        fn energy<R: Real>(&self, grid: &Grid, n: &[R], theta: &[R]) -> R {
            let (lda, h) = (Lda::default(), grid.spacing_bohr());
            let zero = R::lit(0.0);
            let local = n.iter().fold(zero, |sum, n| sum + *n * lda.energy_per_electron(*n));
            let slope = n.windows(2).fold(zero, |sum, n| sum + (n[1] - n[0]) * (n[1] - n[0]));
            let square = n.iter().fold(zero, |sum, n| sum + *n * *n);
            theta[0] * local * h
                + theta[1] * slope * (1.0 / h)
                + ((square * h).ln() * theta[2]).exp()
        }
        fn parameters(&self) -> &[f64] {
            &self.0
        }
        fn takes(&self, _: usize) -> bool {
            true
        }
    }

    /// The LDA by its energy alone.
    struct Plain;

    impl EnergyFunctional for Plain {
        fn energy<R: Real>(&self, grid: &Grid, n: &[R], _: &[R]) -> R {
            let each = |n: &R| *n * Lda::default().energy_per_electron(*n);
            n.iter().fold(R::lit(0.0), |sum, n| sum + each(n)) * grid.spacing_bohr()
        }
    }

    fn density(grid: &Grid) -> Vec<f64> {
        grid.coordinates().iter().map(|x| 0.9 * (-(x - 0.2).powi(2) / 4.0).exp() + 1e-5).collect()
    }

    #[test]
    fn the_lda_by_its_energy_alone_is_the_lda() {
        let grid = Grid::new(41, 0.3).unwrap();
        let n = density(&grid);
        let bar: Vec<f64> = (0..41).map(|i| (0.4 * f64::from(i)).sin()).collect();
        let (derived, by_hand) = (FromEnergy(Plain), Lda::default());
        let (a, b) = (derived.evaluate(&grid, &n, None), by_hand.evaluate(&grid, &n, None));
        assert!((a.energy_ha - b.energy_ha).abs() < 1e-13);
        let pulled = |f: &dyn Functional| f.adjoint(&grid, &n, None, 0.7, &bar, &mut []);
        let (c, d) = (pulled(&derived), pulled(&by_hand));
        for i in 0..41 {
            assert!((a.potential_ha[i] - b.potential_ha[i]).abs() < 1e-13, "{i}");
            assert!((c[i] - d[i]).abs() < 1e-12 * d[i].abs().max(1.0), "{i}: {} {}", c[i], d[i]);
        }
    }

    #[test]
    fn potential_and_adjoint_of_any_functional_agree_with_differences() {
        let grid = Grid::new(41, 0.3).unwrap();
        let mixed = FromEnergy(Mixed([1.1, 0.05, 0.8]));
        let n = density(&grid);
        let h2 = System::chain(2, 1.0, 1.2).unwrap();
        let mirror = Mirror::of(&h2, &grid);
        assert!(mirror.is_some());
        for mirror in [None, mirror] {
            adjoint_agrees_with_differences(&mixed, &grid, &n, mirror);
        }
        let spins = [n.clone(), n.iter().map(|n| 0.3 * n * n + 1e-4).collect()].concat();
        adjoint_agrees_with_differences(&mixed, &grid, &spins, None);
        // by the parameters too
        let bar: Vec<f64> = (0..41).map(|i| (0.4 * f64::from(i)).sin()).collect();
        let mut parameters_bar = vec![0.0; 3];
        mixed.adjoint(&grid, &n, mirror, 0.7, &bar, &mut parameters_bar);
        for k in 0..3 {
            let at = |t: f64| {
                let mut theta = mixed.0.0;
                theta[k] += t;
                let xc = FromEnergy(Mixed(theta)).evaluate(&grid, &n, mirror);
                let with_bar = xc.potential_ha.iter().zip(&bar).map(|(v, b)| v * b);
                0.7 * xc.energy_ha + with_bar.sum::<f64>()
            };
            let difference = (at(1e-5) - at(-1e-5)) / 2e-5;
            let exact = parameters_bar[k];
            assert!((exact - difference).abs() < 1e-8 * exact.abs().max(1.0), "{k}");
        }
    }
}
