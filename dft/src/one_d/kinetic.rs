//! Kinetic energy by finite differences.

use serde::{Deserialize, Serialize};

use crate::one_d::grid::Grid;
use crate::one_d::linear::banded::Pentadiagonal;

/// Finite-difference stencil of the second derivative; the function is zero outside the grid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stencil {
    /// `(1, -2, 1)/h^2`, second order.
    ThreePoint,
    /// `(-1/12, 4/3, -5/2, 4/3, -1/12)/h^2`, fourth order.
    #[default]
    FivePoint,
}

impl Stencil {
    /// `[d, e, f]`: main, first and second off-diagonal of `-1/2 d^2/dx^2`, in hartree.
    pub fn kinetic_coefficients(self, grid: &Grid) -> [f64; 3] {
        let s = -0.5 / (grid.spacing_bohr() * grid.spacing_bohr());
        match self {
            Self::ThreePoint => [-2.0 * s, s, 0.0],
            Self::FivePoint => [-2.5 * s, 4.0 / 3.0 * s, -s / 12.0],
        }
    }

    /// The Hamiltonian `-1/2 d^2/dx^2 + v` as a pentadiagonal matrix.
    ///
    /// # Shapes
    /// `potential`: `n`, in hartree.
    pub fn hamiltonian(self, grid: &Grid, potential: &[f64]) -> Pentadiagonal {
        let [d, e, f] = self.kinetic_coefficients(grid);
        let diagonal = potential.iter().map(|v| d + v).collect();
        Pentadiagonal { diagonal, first: e, second: f }
    }
}
