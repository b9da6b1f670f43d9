//! The interaction of charges on a line, and the Hartree potential.

use serde::{Deserialize, Serialize};

use crate::one_d::grid::Grid;

/// Interaction energy `w(u)` of two unit charges at distance `u`, in hartree.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Interaction {
    /// `w(u) = A exp(-kappa |u|)`, which mimics the soft Coulomb interaction and keeps the kink of a nucleus.
    ///
    /// Baker et al., Phys. Rev. B 91, 235141 (2015), eq. 3.
    Exponential {
        /// `A` in hartree.
        amplitude_ha: f64,
        /// `kappa` in 1/bohr.
        kappa: f64,
    },
    /// `w(u) = 1/sqrt(u^2 + a^2)`.
    SoftCoulomb {
        /// `a` in bohr.
        softening_bohr: f64,
    },
}

impl Interaction {
    /// The exponential interaction of Baker et al. (2015): `A = 1.071295` Ha, `1/kappa = 2.385345` bohr.
    pub const BAKER: Self = Self::Exponential { amplitude_ha: 1.071295, kappa: 1.0 / 2.385345 };

    /// `w(u)` in hartree.
    pub fn energy(&self, u: f64) -> f64 {
        match *self {
            Self::Exponential { amplitude_ha, kappa } => amplitude_ha * (-kappa * u.abs()).exp(),
            Self::SoftCoulomb { softening_bohr: a } => 1.0 / (u * u + a * a).sqrt(),
        }
    }

    /// `dw/du` in hartree per bohr; 0 at the kink `u = 0`, the mean of both sides.
    pub fn slope(&self, u: f64) -> f64 {
        match *self {
            Self::Exponential { kappa, .. } => {
                let sign = if u > 0.0 {
                    1.0
                } else if u < 0.0 {
                    -1.0
                } else {
                    0.0
                };
                -sign * kappa * self.energy(u)
            }
            Self::SoftCoulomb { softening_bohr: a } => -u * (u * u + a * a).powf(-1.5),
        }
    }

    /// `d^2 w/du^2` in hartree per bohr squared; `None` for the exponential interaction, whose kink has none.
    pub fn curvature(&self, u: f64) -> Option<f64> {
        match *self {
            Self::Exponential { .. } => None,
            Self::SoftCoulomb { softening_bohr: a } => {
                let square = u * u + a * a;
                Some((2.0 * u * u - a * a) * square.powf(-2.5))
            }
        }
    }

    /// Hartree potential `v_i = sum_j w(x_i - x_j) n_j h`.
    ///
    /// Linear in the number of points for the exponential interaction, by [`exponential_filter`]. The map is
    /// symmetric, so it is its own adjoint.
    ///
    /// # Shapes
    /// `density`: `n`; the result: `n`, in hartree.
    pub fn hartree_potential(&self, grid: &Grid, density: &[f64]) -> Vec<f64> {
        let h = grid.spacing_bohr();
        match *self {
            Self::Exponential { amplitude_ha, kappa } => {
                let mut v = vec![0.0; density.len()];
                exponential_filter((-kappa * h).exp(), density, &mut v);
                v.iter_mut().for_each(|v| *v *= amplitude_ha * h);
                v
            }
            Self::SoftCoulomb { .. } => {
                let w: Vec<f64> = (0..density.len()).map(|k| self.energy(k as f64 * h)).collect();
                let sum = |i: usize| -> f64 {
                    density.iter().enumerate().map(|(j, n)| w[i.abs_diff(j)] * n).sum()
                };
                (0..density.len()).map(|i| h * sum(i)).collect()
            }
        }
    }

    /// Hartree energy `1/2 sum_i n_i v_i h` of the density whose potential is `v`.
    pub fn hartree_energy(grid: &Grid, density: &[f64], hartree_potential: &[f64]) -> f64 {
        let sum: f64 = density.iter().zip(hartree_potential).map(|(n, v)| n * v).sum();
        0.5 * sum * grid.spacing_bohr()
    }
}

/// `y_i = sum_j q^|i-j| x_j` in two recursive passes, for `0 <= q < 1`.
///
/// Forward `a_i = x_i + q a_(i-1)`, backward `b_i = x_i + q b_(i+1)`, `y = a + b - x`. Equal to the dense sum up to
/// rounding, and symmetric: the adjoint of the map `x -> y` is the map itself.
///
/// # Panics
/// Where the lengths of `x` and `y` differ.
pub fn exponential_filter(q: f64, x: &[f64], y: &mut [f64]) {
    assert_eq!(x.len(), y.len(), "a filter keeps the number of points");
    let mut a = 0.0;
    for (y, x) in y.iter_mut().zip(x) {
        a = x + q * a;
        *y = a;
    }
    let mut b = 0.0; // q b_(i+1): what comes from the right, the point itself left out
    for (y, x) in y.iter_mut().zip(x).rev() {
        *y += b;
        b = q * (x + b);
    }
}

#[cfg(test)]
mod tests {
    use super::{Interaction, exponential_filter};
    use crate::one_d::Grid;

    fn bumpy(n: usize) -> Vec<f64> {
        (0..n).map(|i| (0.37 * i as f64).sin().powi(2) + 0.01 * i as f64).collect()
    }

    #[test]
    fn the_filter_is_the_dense_sum() {
        let x = bumpy(101);
        for q in [0.0, 0.3, 0.97, 0.9999] {
            let mut y = vec![0.0; x.len()];
            exponential_filter(q, &x, &mut y);
            for i in 0..x.len() {
                let dense: f64 =
                    (0..x.len()).map(|j| f64::powi(q, i.abs_diff(j) as i32) * x[j]).sum();
                assert!(
                    (y[i] - dense).abs() <= 1e-13 * dense.abs(),
                    "q {q} i {i}: {} {dense}",
                    y[i]
                );
            }
        }
    }

    #[test]
    fn the_hartree_potential_is_symmetric_and_the_sum_over_charges() {
        let grid = Grid::new(65, 0.2).unwrap();
        let (a, b) = (bumpy(65), bumpy(65).into_iter().rev().collect::<Vec<_>>());
        for w in [Interaction::BAKER, Interaction::SoftCoulomb { softening_bohr: 1.0 }] {
            let (va, vb) = (w.hartree_potential(&grid, &a), w.hartree_potential(&grid, &b));
            let dot = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>();
            assert!((dot(&va, &b) - dot(&a, &vb)).abs() < 1e-12 * dot(&va, &b).abs());
            let direct: f64 = (0..65).map(|j| w.energy(grid.x(7) - grid.x(j)) * a[j] * 0.2).sum();
            assert!((va[7] - direct).abs() < 1e-13 * direct.abs());
        }
    }

    #[test]
    fn slopes_agree_with_central_differences() {
        for w in [Interaction::BAKER, Interaction::SoftCoulomb { softening_bohr: 0.7 }] {
            for u in [-3.1, -0.2, 0.4, 5.0] {
                let d = 1e-6;
                let fd = (w.energy(u + d) - w.energy(u - d)) / (2.0 * d);
                assert!((w.slope(u) - fd).abs() < 1e-9, "{w:?} at {u}");
            }
            assert_eq!(w.slope(0.0), 0.0);
        }
        let w = Interaction::SoftCoulomb { softening_bohr: 0.7 };
        for u in [-3.1, 0.0, 0.4] {
            let d = 1e-5;
            let fd = (w.slope(u + d) - w.slope(u - d)) / (2.0 * d);
            assert!((w.curvature(u).unwrap() - fd).abs() < 1e-8, "at {u}");
        }
        assert_eq!(Interaction::BAKER.curvature(1.0), None);
    }
}
