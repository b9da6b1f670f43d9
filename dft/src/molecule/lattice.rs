//! Densities and orbitals at the points of a lattice, for programs that draw them.

use std::ops::Range;

use rayon::prelude::*;
use thiserror::Error;

use crate::molecule::geometry::Molecule;
use crate::molecule::grid::basis_values::{BasisOnGrid, Derivatives};
use crate::molecule::matrix::Matrix;
use crate::molecule::scf::{Core, Reference, Scf};

/// Points along the three axes, in equal steps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lattice {
    /// The point with the smallest coordinates, bohr.
    pub origin_bohr: [f64; 3],
    /// Distance of neighbours, bohr.
    pub spacing_bohr: f64,
    /// Points along x, y and z.
    pub counts: [usize; 3],
}

/// What is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// `n = n_up + n_down`, 1/bohr^3.
    Density,
    /// `n_up - n_down`, 1/bohr^3.
    SpinDensity,
    /// An orbital, bohr^(-3/2). Its sign has no meaning.
    Orbital {
        /// 0, or 1 for those of spin down of an unrestricted field.
        set: usize,
        /// Counted from 0, the occupied ones first.
        index: usize,
    },
}

/// Why there are no values.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum LatticeError {
    /// Margin or spacing make no lattice.
    #[error(
        "a lattice has a positive spacing and a margin that is not negative, not {spacing_bohr} and {margin_bohr} bohr"
    )]
    Extent {
        /// Distance of neighbours, bohr.
        spacing_bohr: f64,
        /// Space beyond the outermost nuclei, bohr.
        margin_bohr: f64,
    },
    /// More points than fit.
    #[error(
        "the lattice would have {points:.0} points, and at most {most} are made: take a wider spacing or a smaller margin"
    )]
    TooLarge {
        /// Its points.
        points: f64,
        /// The most that are made.
        most: usize,
    },
    /// An orbital that is not there.
    #[error("there is no orbital {index} of set {set}: there are {sets} sets of {count}")]
    NoSuchOrbital {
        /// The set that was asked for.
        set: usize,
        /// The orbital that was asked for.
        index: usize,
        /// Sets of orbitals.
        sets: usize,
        /// Orbitals of a set.
        count: usize,
    },
}

/// Points that are looked at together where they lie in no lattice.
const ROW: usize = 64;

impl Lattice {
    /// Points that are made at most: at eight bytes each a density of 160 MB.
    pub const MOST_POINTS: usize = 20_000_000;

    /// The lattice that reaches `margin_bohr` beyond the outermost nuclei on every side, or up to half a spacing more, with the molecule in its
    /// middle.
    ///
    /// # Errors
    /// [`LatticeError::Extent`], [`LatticeError::TooLarge`].
    pub fn around(
        molecule: &Molecule,
        spacing_bohr: f64,
        margin_bohr: f64,
    ) -> Result<Self, LatticeError> {
        let is_extent = spacing_bohr > 0.0 && spacing_bohr.is_finite() && margin_bohr >= 0.0;
        if !(is_extent && margin_bohr.is_finite()) {
            return Err(LatticeError::Extent { spacing_bohr, margin_bohr });
        }
        let of_axis = |axis: usize| molecule.atoms().iter().map(move |a| a.position_bohr[axis]);
        let low = [0, 1, 2].map(|axis| of_axis(axis).fold(f64::INFINITY, f64::min));
        let high = [0, 1, 2].map(|axis| of_axis(axis).fold(f64::NEG_INFINITY, f64::max));
        let steps = [0, 1, 2]
            .map(|axis| ((high[axis] - low[axis] + 2.0 * margin_bohr) / spacing_bohr).ceil());
        let points = steps.iter().map(|n| n + 1.0).product::<f64>();
        if points.is_nan() || points > Self::MOST_POINTS as f64 {
            return Err(LatticeError::TooLarge { points, most: Self::MOST_POINTS });
        }
        let origin_bohr =
            [0, 1, 2].map(|axis| 0.5 * (low[axis] + high[axis] - steps[axis] * spacing_bohr));
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "their product is small"
        )]
        let counts = steps.map(|n| n as usize + 1);
        Ok(Self { origin_bohr, spacing_bohr, counts })
    }

    /// Number of points.
    pub fn len(&self) -> usize {
        self.counts.iter().product()
    }

    /// Whether it has no points.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The point of these numbers along the axes, bohr.
    pub fn point(&self, at: [usize; 3]) -> [f64; 3] {
        [0, 1, 2].map(|axis| self.origin_bohr[axis] + at[axis] as f64 * self.spacing_bohr)
    }
}

/// What is `seen` of a field at every point of a lattice, one array each, `z` fastest and `x` slowest.
///
/// Functions below 1e-12 bohr^(-3/2) in a row of points are left out.
///
/// # Errors
/// [`LatticeError::NoSuchOrbital`].
pub fn on_lattice(
    core: &Core,
    scf: &Scf,
    lattice: &Lattice,
    seen: &[Seen],
) -> Result<Vec<Vec<f64>>, LatticeError> {
    check(scf, seen)?;
    let basis = BasisOnGrid::new(&core.molecule, &core.basis);
    let [_, rows, row] = lattice.counts;
    let lines = lattice.counts[0] * rows;
    let of_line = |line: usize| -> Vec<Vec<f64>> {
        let points: Vec<[f64; 3]> =
            (0..row).map(|z| lattice.point([line / rows, line % rows, z])).collect();
        Row::new(&basis, &points).seen(scf, seen)
    };
    // collected in the order of the lines, whoever computes them
    Ok(joined(seen.len(), &(0..lines).into_par_iter().map(of_line).collect::<Vec<_>>()))
}

/// What is `seen` of a field at any points, one array each. As [`on_lattice`] otherwise.
///
/// # Errors
/// [`LatticeError::NoSuchOrbital`].
pub fn at_points(
    core: &Core,
    scf: &Scf,
    points_bohr: &[[f64; 3]],
    seen: &[Seen],
) -> Result<Vec<Vec<f64>>, LatticeError> {
    check(scf, seen)?;
    let basis = BasisOnGrid::new(&core.molecule, &core.basis);
    let rows = points_bohr.par_chunks(ROW);
    Ok(joined(
        seen.len(),
        &rows.map(|points| Row::new(&basis, points).seen(scf, seen)).collect::<Vec<_>>(),
    ))
}

/// Refuses orbitals that are not there.
fn check(scf: &Scf, seen: &[Seen]) -> Result<(), LatticeError> {
    for wanted in seen {
        let Seen::Orbital { set, index } = *wanted else { continue };
        let (sets, count) = (scf.orbitals.len(), scf.orbitals[0].energies_ha.len());
        if set >= sets || index >= count {
            return Err(LatticeError::NoSuchOrbital { set, index, sets, count });
        }
    }
    Ok(())
}

/// Arrays of all rows, from those of each.
fn joined(arrays: usize, rows: &[Vec<Vec<f64>>]) -> Vec<Vec<f64>> {
    (0..arrays).map(|k| rows.iter().flat_map(|row| row[k].iter().copied()).collect()).collect()
}

/// Basis functions along a row of points.
struct Row {
    points: usize,
    functions: Vec<usize>,
    values: Vec<f64>,
}

impl Row {
    fn new(basis: &BasisOnGrid, points: &[[f64; 3]]) -> Self {
        let active = basis.active(points);
        let values = basis.values(&active, points, Derivatives::None);
        Self { points: points.len(), values: values.of(0).to_vec(), functions: active.functions }
    }

    /// `psi = sum_a C_ak phi_a` of a column `k`.
    fn orbital(&self, coefficients: &Matrix, k: usize) -> Vec<f64> {
        let mut psi = vec![0.0; self.points];
        for (a, phi) in self.functions.iter().zip(self.values.chunks_exact(self.points.max(1))) {
            let share = coefficients.at(*a, k);
            psi.iter_mut().zip(phi).for_each(|(psi, phi)| *psi += share * phi);
        }
        psi
    }

    /// `sum_k psi_k^2` over columns.
    fn density(&self, coefficients: &Matrix, columns: Range<usize>) -> Vec<f64> {
        let mut density = vec![0.0; self.points];
        for k in columns {
            let psi = self.orbital(coefficients, k);
            density.iter_mut().zip(psi).for_each(|(n, psi)| *n += psi * psi);
        }
        density
    }

    fn seen(&self, scf: &Scf, seen: &[Seen]) -> Vec<Vec<f64>> {
        let of_densities = |wanted: &Seen| matches!(wanted, Seen::Density | Seen::SpinDensity);
        let up_and_down: Vec<Vec<f64>> = if seen.iter().any(of_densities) {
            let one =
                scf.orbitals.iter().map(|set| self.density(&set.coefficients, 0..set.occupied));
            one.collect()
        } else {
            Vec::new()
        };
        let sum = |sign: f64| -> Vec<f64> {
            let [up, down] = [&up_and_down[0], &up_and_down[up_and_down.len() - 1]];
            up.iter().zip(down).map(|(up, down)| up + sign * down).collect()
        };
        let array = |wanted: &Seen| match *wanted {
            Seen::Density => sum(1.0),
            Seen::SpinDensity if scf.reference == Reference::Restricted => vec![0.0; self.points],
            Seen::SpinDensity => sum(-1.0),
            Seen::Orbital { set, index } => self.orbital(&scf.orbitals[set].coefficients, index),
        };
        seen.iter().map(array).collect()
    }
}
