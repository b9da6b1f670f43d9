//! The uniform grid.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A uniform grid of an odd number of points, symmetric about the origin:
/// `x_i = (i - (n - 1)/2) h`. Wave functions vanish outside it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Grid {
    points: usize,
    spacing_bohr: f64,
}

/// Why a grid cannot be made.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum GridError {
    /// The number of points is even or too small for the five-point stencil.
    #[error("a grid needs an odd number of points, at least 7 (found {found}); try {nearest}")]
    Points {
        /// What was asked for.
        found: usize,
        /// The nearest number that works.
        nearest: usize,
    },
    /// The spacing is not a positive finite number.
    #[error("the grid spacing must be positive and finite (found {found} bohr)")]
    Spacing {
        /// What was asked for.
        found: f64,
    },
}

impl Grid {
    /// The grid of Li et al. (2021): 513 points, 0.08 bohr apart.
    pub const PAPER: Self = Self { points: 513, spacing_bohr: 0.08 };

    /// A grid of `points` points `spacing_bohr` apart.
    ///
    /// # Errors
    /// An even or too small number of points, a spacing that is not positive and finite.
    pub fn new(points: usize, spacing_bohr: f64) -> Result<Self, GridError> {
        if points < 7 || points.is_multiple_of(2) {
            return Err(GridError::Points { found: points, nearest: (points + 1).max(7) });
        }
        if !(spacing_bohr.is_finite() && spacing_bohr > 0.0) {
            return Err(GridError::Spacing { found: spacing_bohr });
        }
        Ok(Self { points, spacing_bohr })
    }

    /// Number of points `n`.
    pub fn points(&self) -> usize {
        self.points
    }

    /// Spacing `h` in bohr.
    pub fn spacing_bohr(&self) -> f64 {
        self.spacing_bohr
    }

    /// Coordinate of point `i` in bohr.
    pub fn x(&self, i: usize) -> f64 {
        (i as f64 - ((self.points - 1) / 2) as f64) * self.spacing_bohr
    }

    /// All coordinates in bohr, ascending.
    pub fn coordinates(&self) -> Vec<f64> {
        (0..self.points).map(|i| self.x(i)).collect()
    }

    /// Distance from the centre to either end in bohr.
    pub fn half_width_bohr(&self) -> f64 {
        self.x(self.points - 1)
    }

    /// Integral `sum_i f_i h`.
    pub fn integral(&self, f: &[f64]) -> f64 {
        f.iter().sum::<f64>() * self.spacing_bohr
    }
}

#[cfg(test)]
mod tests {
    use super::{Grid, GridError};

    #[test]
    fn the_grid_is_symmetric_about_the_origin() {
        let grid = Grid::PAPER;
        assert_eq!(grid.x(256), 0.0);
        assert_eq!(grid.x(0), -grid.x(512));
        assert!((grid.half_width_bohr() - 20.48).abs() < 1e-12);
    }

    #[test]
    fn even_small_and_shapeless_grids_are_refused() {
        assert_eq!(Grid::new(512, 0.08), Err(GridError::Points { found: 512, nearest: 513 }));
        assert_eq!(Grid::new(3, 0.08), Err(GridError::Points { found: 3, nearest: 7 }));
        assert!(Grid::new(513, -0.1).is_err());
        assert!(Grid::new(513, f64::NAN).is_err());
    }
}
