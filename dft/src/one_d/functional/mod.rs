//! What the self-consistent field asks of an exchange-correlation functional.

mod convolution;
mod features;
pub mod file;
pub mod lda;
pub mod network;
pub mod own;
mod plane;
mod signal;

use std::any::Any;
use std::sync::Arc;

use crate::one_d::grid::Grid;
use crate::one_d::mirror::Mirror;

/// Energy and potential of a density.
#[derive(Clone, Debug, PartialEq)]
pub struct ExchangeCorrelation {
    /// `E_xc[n]` in hartree.
    pub energy_ha: f64,
    /// `v_xc,i = (1/h) dE_xc/dn_i` in hartree, of each spin channel: `channels x n`.
    pub potential_ha: Vec<f64>,
}

/// What an evaluation leaves for an adjoint at the same density; nothing, where a functional has nothing to keep.
#[derive(Clone, Default)]
pub struct Kept(Option<Arc<dyn Any + Send + Sync>>);

impl Kept {
    /// Keeps `content`.
    pub fn new<T: Any + Send + Sync>(content: T) -> Self {
        Self(Some(Arc::new(content)))
    }

    /// The content, where it is a `T`.
    pub fn get<T: Any>(&self) -> Option<&T> {
        self.0.as_deref().and_then(<dyn Any + Send + Sync>::downcast_ref)
    }
}

impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() { "Kept(something)" } else { "Kept(nothing)" })
    }
}

/// An exchange-correlation functional.
pub trait Functional: Sync {
    /// Whether it is one of a density (1 channel), or of the densities of spin up and spin down (2 channels).
    fn takes(&self, channels: usize) -> bool {
        channels == 1
    }

    /// Energy and potential of a density (`channels x n`, in 1/bohr). `mirror` is the symmetry of the system where it has one
    /// and it is to be enforced.
    fn evaluate(&self, grid: &Grid, density: &[f64], mirror: Option<Mirror>)
    -> ExchangeCorrelation;

    /// [`Functional::evaluate`], with what [`Functional::adjoint_of`] would compute again.
    fn evaluate_and_keep(
        &self,
        grid: &Grid,
        density: &[f64],
        mirror: Option<Mirror>,
    ) -> (ExchangeCorrelation, Kept) {
        (self.evaluate(grid, density, mirror), Kept::default())
    }

    /// Energy alone, in hartree.
    fn energy(&self, grid: &Grid, density: &[f64], mirror: Option<Mirror>) -> f64 {
        self.evaluate(grid, density, mirror).energy_ha
    }

    /// Number of parameters.
    fn parameter_count(&self) -> usize {
        0
    }

    /// Vector-Jacobian product of [`Functional::evaluate`]: the cotangent of the density, with those of the
    /// parameters added to `parameters_bar`.
    ///
    /// Since `v = (1/h) dE/dn`, this is second order in the functional.
    ///
    /// # Shapes
    /// `density`, `potential_bar` and the result: `channels x n`; `parameters_bar`: [`Functional::parameter_count`].
    fn adjoint(
        &self,
        grid: &Grid,
        density: &[f64],
        mirror: Option<Mirror>,
        energy_bar: f64,
        potential_bar: &[f64],
        parameters_bar: &mut [f64],
    ) -> Vec<f64>;

    /// [`Functional::adjoint`] at a density whose evaluation left `kept`.
    fn adjoint_of(
        &self,
        kept: &Kept,
        grid: &Grid,
        density: &[f64],
        mirror: Option<Mirror>,
        energy_bar: f64,
        potential_bar: &[f64],
        parameters_bar: &mut [f64],
    ) -> Vec<f64> {
        let _ = kept;
        self.adjoint(grid, density, mirror, energy_bar, potential_bar, parameters_bar)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use crate::one_d::Functional;
    use crate::one_d::{Grid, Mirror};

    /// Potential against differences of the energy, adjoint against differences of both.
    pub(crate) fn adjoint_agrees_with_differences(
        f: &impl Functional,
        grid: &Grid,
        density: &[f64],
        mirror: Option<Mirror>,
    ) {
        let n = density.len();
        let h = grid.spacing_bohr();
        let potential_bar: Vec<f64> = (0..n).map(|i| (0.4 * i as f64).sin()).collect();
        let energy_bar = 0.7;
        let direction: Vec<f64> = (0..n).map(|i| (0.23 * i as f64).cos() * density[i]).collect();
        let value = |t: f64| {
            let moved: Vec<f64> = density.iter().zip(&direction).map(|(n, d)| n + t * d).collect();
            let xc = f.evaluate(grid, &moved, mirror);
            let dot: f64 = xc.potential_ha.iter().zip(&potential_bar).map(|(v, b)| v * b).sum();
            (xc.energy_ha, energy_bar * xc.energy_ha + dot)
        };
        let xc = f.evaluate(grid, density, mirror);
        let mut parameters_bar = vec![0.0; f.parameter_count()];
        let density_bar =
            f.adjoint(grid, density, mirror, energy_bar, &potential_bar, &mut parameters_bar);
        let along = |g: &[f64]| g.iter().zip(&direction).map(|(g, d)| g * d).sum::<f64>();
        let t = 1e-5;
        let (above, below) = (value(t), value(-t));
        let fd_energy = (above.0 - below.0) / (2.0 * t);
        let fd_both = (above.1 - below.1) / (2.0 * t);
        let energy_slope = along(&xc.potential_ha) * h;
        assert!(
            (energy_slope - fd_energy).abs() < 1e-8 * fd_energy.abs(),
            "{energy_slope} {fd_energy}"
        );
        let both_slope = along(&density_bar);
        assert!((both_slope - fd_both).abs() < 1e-7 * fd_both.abs(), "{both_slope} {fd_both}");
    }
}
