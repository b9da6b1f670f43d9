//! Mirror symmetry about the centre of a molecule.

use crate::one_d::grid::Grid;
use crate::one_d::system::System;

/// A reflection that maps grid points to grid points: `i -> sum - i`. The centre is a point or half-way between two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mirror {
    sum: usize,
}

impl Mirror {
    /// The mirror of a system, where nuclei and charges are their own image under a reflection of the grid.
    pub fn of(system: &System, grid: &Grid) -> Option<Self> {
        let nuclei = system.nuclei();
        let positions = || nuclei.iter().map(|a| a.position_bohr);
        let twice_centre = positions().fold(f64::INFINITY, f64::min)
            + positions().fold(f64::NEG_INFINITY, f64::max);
        let has_image = |a: &crate::one_d::system::Nucleus| {
            nuclei.iter().any(|b| {
                (a.position_bohr + b.position_bohr - twice_centre).abs() < 1e-9
                    && (a.charge - b.charge).abs() < 1e-12
            })
        };
        let sum = twice_centre / grid.spacing_bohr() + (grid.points() - 1) as f64;
        let on_grid =
            (sum - sum.round()).abs() < 1e-6 && sum > 0.0 && sum < 2.0 * (grid.points() - 1) as f64;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "within the grid, checked"
        )]
        let mirror = Self { sum: sum.round() as usize };
        (on_grid && nuclei.iter().all(has_image)).then_some(mirror)
    }

    /// The average of a function and its image, in place. Points whose image lies outside the grid keep their value, so
    /// the map is linear and symmetric: its own adjoint.
    pub fn symmetrise(self, f: &mut [f64]) {
        let first = self.sum.saturating_sub(f.len() - 1);
        for i in first..=self.sum / 2 {
            let j = self.sum - i;
            let mean = 0.5 * (f[i] + f[j]);
            f[i] = mean;
            f[j] = mean;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Mirror;
    use crate::one_d::{Grid, System};

    #[test]
    fn centres_on_and_between_points_are_found() {
        let grid = Grid::new(9, 1.0).unwrap();
        let mirror =
            |nuclei: &[(f64, f64)]| Mirror::of(&System::molecule(nuclei, 1).unwrap(), &grid);
        assert_eq!(mirror(&[(-1.0, 1.0), (1.0, 1.0)]), Some(Mirror { sum: 8 }));
        assert_eq!(mirror(&[(-1.0, 1.0), (2.0, 1.0)]), Some(Mirror { sum: 9 }));
        assert_eq!(mirror(&[(-1.0, 1.0), (1.3, 1.0)]), None, "off the grid");
        assert_eq!(mirror(&[(-1.0, 1.0), (1.0, 2.0)]), None, "charges differ");
        assert_eq!(mirror(&[(-1.0, 1.0), (0.0, 1.0), (2.0, 1.0)]), None);
    }

    #[test]
    fn the_average_is_symmetric_and_a_projection() {
        let mut f = vec![1.0, 2.0, 3.0, 4.0, 5.0];
        Mirror { sum: 5 }.symmetrise(&mut f);
        assert_eq!(f, [1.0, 3.5, 3.5, 3.5, 3.5]);
        let again = f.clone();
        Mirror { sum: 5 }.symmetrise(&mut f);
        assert_eq!(f, again);
    }
}
