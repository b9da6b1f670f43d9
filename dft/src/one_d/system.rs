//! Nuclei and electrons on a line.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::one_d::grid::Grid;
use crate::one_d::interaction::Interaction;

/// A nucleus.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Nucleus {
    /// Position in bohr.
    pub position_bohr: f64,
    /// Charge in units of the elementary charge; need not be an integer.
    pub charge: f64,
}

/// Nuclei and the number of electrons of each spin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct System {
    nuclei: Vec<Nucleus>,
    electrons: [usize; 2],
}

/// Why a system makes no sense.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum SystemError {
    /// There is no nucleus.
    #[error("a system needs at least one nucleus")]
    NoNuclei,
    /// There is no electron.
    #[error("a system needs at least one electron")]
    NoElectrons,
    /// A charge is negative, or a number is not finite.
    #[error(
        "nucleus {index}: charge {charge} at {position_bohr} bohr; a charge must be non-negative, both finite"
    )]
    Nucleus {
        /// Which nucleus, from 0.
        index: usize,
        /// Its charge.
        charge: f64,
        /// Its position.
        position_bohr: f64,
    },
    /// So many electrons cannot have so many unpaired.
    #[error(
        "{electrons} electrons cannot have {unpaired} unpaired: both must be even or both odd, and no more unpaired than there are"
    )]
    Spin {
        /// Number of electrons.
        electrons: usize,
        /// Of spin up beyond those of spin down.
        unpaired: usize,
    },
    /// A nucleus lies outside the box.
    #[error(
        "nucleus {index} at {position_bohr} bohr lies outside the box of +-{half_width_bohr} bohr"
    )]
    OutsideBox {
        /// Which nucleus, from 0.
        index: usize,
        /// Its position.
        position_bohr: f64,
        /// Half the width of the box.
        half_width_bohr: f64,
    },
}

impl System {
    /// A system of `up` and `down` electrons.
    ///
    /// # Errors
    /// No nucleus, no electron, a negative charge, a number that is not finite.
    pub fn new(nuclei: Vec<Nucleus>, up: usize, down: usize) -> Result<Self, SystemError> {
        if nuclei.is_empty() {
            return Err(SystemError::NoNuclei);
        }
        if up + down == 0 {
            return Err(SystemError::NoElectrons);
        }
        for (index, &Nucleus { position_bohr, charge }) in nuclei.iter().enumerate() {
            if !(charge.is_finite() && charge >= 0.0 && position_bohr.is_finite()) {
                return Err(SystemError::Nucleus { index, charge, position_bohr });
            }
        }
        Ok(Self { nuclei, electrons: [up, down] })
    }

    /// Nuclei given as `(position in bohr, charge)`, the electrons paired as far as possible.
    ///
    /// # Errors
    /// As [`System::new`].
    pub fn molecule(nuclei: &[(f64, f64)], electrons: usize) -> Result<Self, SystemError> {
        let nucleus = |&(position_bohr, charge)| Nucleus { position_bohr, charge };
        Self::new(nuclei.iter().map(nucleus).collect(), electrons.div_ceil(2), electrons / 2)
    }

    /// Nuclei given as `(position in bohr, charge)`, and electrons of which `unpaired` more are of spin up than of spin down.
    ///
    /// # Errors
    /// Numbers that contradict each other; as [`System::new`].
    pub fn with_spin(
        nuclei: &[(f64, f64)],
        electrons: usize,
        unpaired: usize,
    ) -> Result<Self, SystemError> {
        if unpaired > electrons || !(electrons - unpaired).is_multiple_of(2) {
            return Err(SystemError::Spin { electrons, unpaired });
        }
        let down = (electrons - unpaired) / 2;
        let nucleus = |&(position_bohr, charge)| Nucleus { position_bohr, charge };
        Self::new(nuclei.iter().map(nucleus).collect(), down + unpaired, down)
    }

    /// `count` equal nuclei of charge `charge`, `separation_bohr` apart, centred on the origin; neutral.
    ///
    /// # Errors
    /// As [`System::new`].
    pub fn chain(count: usize, charge: f64, separation_bohr: f64) -> Result<Self, SystemError> {
        let centre = 0.5 * (count as f64 - 1.0);
        let nuclei: Vec<_> =
            (0..count).map(|k| ((k as f64 - centre) * separation_bohr, charge)).collect();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "charges are small and non-negative, or refused just after"
        )]
        let electrons = (charge * count as f64).round().max(0.0) as usize;
        Self::molecule(&nuclei, electrons)
    }

    /// The nuclei.
    pub fn nuclei(&self) -> &[Nucleus] {
        &self.nuclei
    }

    /// Number of electrons, spin up and spin down.
    pub fn electrons_by_spin(&self) -> [usize; 2] {
        self.electrons
    }

    /// Number of electrons.
    pub fn electrons(&self) -> usize {
        self.electrons[0] + self.electrons[1]
    }

    /// Occupation of each spatial orbital, ascending in energy, spin-restricted: 2 for pairs, 1 for what is left.
    pub fn restricted_occupations(&self) -> Vec<f64> {
        let [up, down] = self.electrons;
        let orbitals = up.max(down);
        (0..orbitals).map(|k| f64::from(u8::from(k < up) + u8::from(k < down))).collect()
    }

    /// Whether both are the same system but for where it stands and which way it looks: equal charges at equal distances (to 1e-6),
    /// from left to right or from right to left, and as many electrons of each spin or of the other.
    pub fn is_congruent(&self, other: &Self) -> bool {
        const SAME: f64 = 1e-6;
        let sorted = |nuclei: &[Nucleus], sign: f64| {
            let mut all: Vec<(f64, f64)> =
                nuclei.iter().map(|a| (sign * a.position_bohr, a.charge)).collect();
            all.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
            let first = all[0].0;
            all.iter_mut().for_each(|a| a.0 -= first);
            all
        };
        let [up, down] = other.electrons;
        let spins = self.electrons == [up, down] || self.electrons == [down, up];
        let here = sorted(&self.nuclei, 1.0);
        let agrees = |sign: f64| {
            let there = sorted(&other.nuclei, sign);
            let near = |(a, b): (&(f64, f64), &(f64, f64))| {
                (a.0 - b.0).abs() < SAME && (a.1 - b.1).abs() < SAME
            };
            here.len() == there.len() && here.iter().zip(&there).all(near)
        };
        spins && (agrees(1.0) || agrees(-1.0))
    }

    /// Checks that all nuclei lie in the box.
    ///
    /// # Errors
    /// [`SystemError::OutsideBox`].
    pub fn check_inside(&self, grid: &Grid) -> Result<(), SystemError> {
        let half_width_bohr = grid.half_width_bohr();
        let outside = self.nuclei.iter().position(|n| n.position_bohr.abs() > half_width_bohr);
        outside.map_or(Ok(()), |index| {
            let position_bohr = self.nuclei[index].position_bohr;
            Err(SystemError::OutsideBox { index, position_bohr, half_width_bohr })
        })
    }

    /// External potential `v_i = -sum_a Z_a w(x_i - X_a)` in hartree, `n` entries.
    pub fn external_potential(&self, grid: &Grid, interaction: Interaction) -> Vec<f64> {
        let at = |i: usize| {
            let x = grid.x(i);
            -self
                .nuclei
                .iter()
                .map(|a| a.charge * interaction.energy(x - a.position_bohr))
                .sum::<f64>()
        };
        (0..grid.points()).map(at).collect()
    }

    /// Cotangents of the nuclei from one of the external potential: `(dL/dX_a, dL/dZ_a)` of each nucleus, the
    /// vector-Jacobian product of [`System::external_potential`].
    ///
    /// # Shapes
    /// `potential_bar`: `n`, `dL/dv_i`.
    pub fn external_potential_vjp(
        &self,
        grid: &Grid,
        interaction: Interaction,
        potential_bar: &[f64],
    ) -> Vec<(f64, f64)> {
        let nucleus = |a: &Nucleus| {
            let (mut position, mut charge) = (0.0, 0.0);
            for (i, bar) in potential_bar.iter().enumerate() {
                let u = grid.x(i) - a.position_bohr;
                position += bar * a.charge * interaction.slope(u);
                charge -= bar * interaction.energy(u);
            }
            (position, charge)
        };
        self.nuclei.iter().map(nucleus).collect()
    }

    /// Repulsion of the nuclei `sum_(a<b) Z_a Z_b w(X_a - X_b)` in hartree.
    pub fn nuclear_repulsion_ha(&self, interaction: Interaction) -> f64 {
        let mut energy = 0.0;
        for (b, second) in self.nuclei.iter().enumerate() {
            for first in &self.nuclei[..b] {
                let u = first.position_bohr - second.position_bohr;
                energy += first.charge * second.charge * interaction.energy(u);
            }
        }
        energy
    }

    /// `(dE/dX_a, dE/dZ_a)` of the repulsion of the nuclei, for each nucleus.
    pub fn nuclear_repulsion_gradient(&self, interaction: Interaction) -> Vec<(f64, f64)> {
        let of = |(a, nucleus): (usize, &Nucleus)| {
            let (mut by_x, mut by_z) = (0.0, 0.0);
            for (_, other) in self.nuclei.iter().enumerate().filter(|(b, _)| *b != a) {
                let u = nucleus.position_bohr - other.position_bohr;
                by_x += nucleus.charge * other.charge * interaction.slope(u);
                by_z += other.charge * interaction.energy(u);
            }
            (by_x, by_z)
        };
        self.nuclei.iter().enumerate().map(of).collect()
    }

    /// The system moved right by less than a grid spacing, so that its first nucleus lies on a grid point.
    ///
    /// A nucleus is a kink of the potential: its energy depends on where it lies between grid points (by 1e-3 Ha on the
    /// paper's grid), so a dissociation curve keeps nuclei on the grid.
    #[must_use]
    pub fn on_grid(mut self, grid: &Grid) -> Self {
        let h = grid.spacing_bohr();
        let first = self.nuclei[0].position_bohr / h;
        let shift = ((first - 1e-9).ceil() - first) * h;
        self.nuclei.iter_mut().for_each(|a| a.position_bohr += shift);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::{Nucleus, System, SystemError};
    use crate::one_d::{Grid, Interaction};

    #[test]
    fn chains_are_centred_and_neutral() {
        let h4 = System::chain(4, 1.0, 2.0).unwrap();
        let positions: Vec<f64> = h4.nuclei().iter().map(|n| n.position_bohr).collect();
        assert_eq!(positions, [-3.0, -1.0, 1.0, 3.0]);
        assert_eq!(h4.electrons_by_spin(), [2, 2]);
        assert_eq!(
            System::molecule(&[(0.0, 3.0)], 3).unwrap().restricted_occupations(),
            [2.0, 1.0]
        );
    }

    #[test]
    fn a_system_is_the_same_where_it_is_moved_or_mirrored() {
        let ion = |nuclei: &[(f64, f64)]| System::molecule(nuclei, 2).unwrap();
        let helium_hydride = ion(&[(-0.8, 2.0), (0.72, 1.0)]);
        assert!(helium_hydride.is_congruent(&ion(&[(1.0, 2.0), (2.52, 1.0)])));
        assert!(helium_hydride.is_congruent(&ion(&[(0.0, 1.0), (1.52, 2.0)])));
        assert!(helium_hydride.is_congruent(&ion(&[(1.52, 2.0), (0.0, 1.0)])));
        assert!(!helium_hydride.is_congruent(&ion(&[(0.0, 1.0), (1.6, 2.0)])));
        assert!(!helium_hydride.is_congruent(&ion(&[(0.0, 2.0), (1.52, 2.0)])));
        assert!(!helium_hydride.is_congruent(&ion(&[(0.0, 2.0)])));
        let neutral = System::molecule(&[(-0.8, 2.0), (0.72, 1.0)], 3).unwrap();
        assert!(!helium_hydride.is_congruent(&neutral));
    }

    #[test]
    fn nonsense_is_refused() {
        let at = |position_bohr, charge| vec![Nucleus { position_bohr, charge }];
        assert_eq!(System::new(vec![], 1, 0), Err(SystemError::NoNuclei));
        assert_eq!(System::new(at(0.0, 1.0), 0, 0), Err(SystemError::NoElectrons));
        assert!(matches!(System::new(at(0.0, -1.0), 1, 0), Err(SystemError::Nucleus { .. })));
        let spin = System::with_spin(&[(0.0, 3.0)], 3, 2);
        assert_eq!(spin, Err(SystemError::Spin { electrons: 3, unpaired: 2 }));
        assert!(System::with_spin(&[(0.0, 1.0)], 1, 3).is_err());
        assert_eq!(System::with_spin(&[(0.0, 4.0)], 4, 2).unwrap().electrons_by_spin(), [3, 1]);
        let far = System::new(at(30.0, 1.0), 1, 0).unwrap();
        assert!(matches!(far.check_inside(&Grid::PAPER), Err(SystemError::OutsideBox { .. })));
    }

    #[test]
    fn the_potential_s_vjp_agrees_with_central_differences() {
        let grid = Grid::new(65, 0.3).unwrap();
        let bar: Vec<f64> = (0..65).map(|i| (0.2 * f64::from(i)).cos()).collect();
        let value = |position: f64, charge: f64| -> f64 {
            let s = System::molecule(&[(position, charge), (1.7, 1.0)], 2).unwrap();
            let v = s.external_potential(&grid, Interaction::BAKER);
            v.iter().zip(&bar).map(|(v, b)| v * b).sum()
        };
        let s = System::molecule(&[(-0.81, 1.3), (1.7, 1.0)], 2).unwrap();
        let (dx, dz) = s.external_potential_vjp(&grid, Interaction::BAKER, &bar)[0];
        let d = 1e-6;
        let fd_x = (value(-0.81 + d, 1.3) - value(-0.81 - d, 1.3)) / (2.0 * d);
        let fd_z = (value(-0.81, 1.3 + d) - value(-0.81, 1.3 - d)) / (2.0 * d);
        assert!((dx - fd_x).abs() < 1e-8 && (dz - fd_z).abs() < 1e-8);
    }
}
