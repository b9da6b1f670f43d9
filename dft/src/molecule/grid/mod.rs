//! Quadrature of space about the atoms of a molecule.
//!
//! Every atom has spheres of Lebedev's points at Treutler and Ahlrichs' radii; Becke's partition shares space out among the atoms.
//! Levels, sizes of atoms and pruning are those of PySCF, so that energies compare to the digit.

pub(in crate::molecule) mod basis_pullback;
pub(in crate::molecule) mod basis_values;
mod blocks;
mod lebedev;
mod lebedev_rules;
mod levels;
mod partition;
mod radial;

use std::ops::Range;

use rayon::prelude::*;
use thiserror::Error;

use self::blocks::{BLOCK, compact};
use self::partition::Partition;
use crate::molecule::geometry::Molecule;

/// Points of smaller weight, in bohr^3, lie deep inside the cells of other atoms: together they do not move an energy by 1e-10 hartree.
const NEGLIGIBLE_WEIGHT: f64 = 1e-15;

/// Whether spheres near a nucleus and far from it have fewer points.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pruning {
    /// All spheres of an atom have the same number.
    None,
    /// As in NWChem.
    #[default]
    Nwchem,
}

/// How fine a grid is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GridOptions {
    /// 0 (coarse) to 8; 3 is usual.
    pub level: usize,
    /// Numbers of radial and angular points of every atom, in place of those of the level.
    pub points: Option<[usize; 2]>,
    /// Whether all spheres are alike.
    pub pruning: Pruning,
}

impl Default for GridOptions {
    fn default() -> Self {
        Self { level: 3, points: None, pruning: Pruning::default() }
    }
}

/// A grid that does not exist.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum GridError {
    /// A level that there is not.
    #[error(
        "there is no grid of level {found}: levels are 0 (coarse) to {}; 3 is usual",
        levels::MAX_LEVEL
    )]
    Level {
        /// What was asked for.
        found: usize,
    },
    /// No rule of so many angular points.
    #[error("there is no rule of {found} points on a sphere: known are {known}")]
    Angular {
        /// What was asked for.
        found: usize,
        /// What there is.
        known: String,
    },
    /// No radial points.
    #[error("a grid needs a radial point at least")]
    Radial,
}

/// Points and weights: `sum_g w_g f(r_g)` is the integral of `f` over space.
#[derive(Debug)]
pub struct MolecularGrid {
    points: Vec<[f64; 3]>,
    weights: Vec<f64>,
    /// The share of the point's atom times this is the weight.
    unshared: Vec<f64>,
    atoms: Vec<usize>,
    blocks: Vec<Range<usize>>,
    size: usize,
    partition: Partition,
}

/// A point of an atom before space is shared out: place and weight.
type AtomPoint = ([f64; 3], f64);

/// The spheres about an atom.
fn spheres(
    options: &GridOptions,
    number: usize,
    centre: [f64; 3],
) -> Result<Vec<AtomPoint>, GridError> {
    let (radial, rule) = levels::size(options, number)?;
    let mut points = Vec::with_capacity(radial * rule.points);
    for [radius, weight] in radial::treutler_ahlrichs(radial, number) {
        let sphere = levels::at_radius(options.pruning, rule, number, radius);
        for (direction, share) in sphere.directions() {
            let at = std::array::from_fn(|x| centre[x] + radius * direction[x]);
            points.push((at, 4.0 * std::f64::consts::PI * weight * share));
        }
    }
    Ok(points)
}

impl MolecularGrid {
    /// The grid about the atoms of a molecule.
    ///
    /// # Errors
    /// A level or a rule that does not exist.
    pub fn new(molecule: &Molecule, options: &GridOptions) -> Result<Self, GridError> {
        let partition = Partition::new(molecule);
        let mut points = Vec::new();
        let mut unshared = Vec::new();
        let mut atoms = Vec::new();
        for (k, atom) in molecule.atoms().iter().enumerate() {
            for (point, weight) in spheres(options, atom.element.number(), atom.position_bohr)? {
                points.push(point);
                unshared.push(weight);
                atoms.push(k);
            }
        }
        let shares: Vec<Vec<f64>> = chunks_of_atoms(&atoms)
            .into_par_iter()
            .map(|chunk| partition.shares(atoms[chunk.start], &points[chunk]))
            .collect();
        let weights: Vec<f64> =
            shares.concat().iter().zip(&unshared).map(|(share, w)| share * w).collect();
        let kept: Vec<usize> =
            (0..points.len()).filter(|g| weights[*g].abs() > NEGLIGIBLE_WEIGHT).collect();
        let kept_points: Vec<[f64; 3]> = kept.iter().map(|g| points[*g]).collect();
        let (order, lengths) = compact(&kept_points);
        let order: Vec<usize> = order.into_iter().map(|k| kept[k]).collect();
        let mut end = 0;
        let block = |length: usize| {
            end += length;
            end - length..end
        };
        Ok(Self {
            size: points.len(),
            points: order.iter().map(|g| points[*g]).collect(),
            weights: order.iter().map(|g| weights[*g]).collect(),
            unshared: order.iter().map(|g| unshared[*g]).collect(),
            atoms: order.iter().map(|g| atoms[*g]).collect(),
            blocks: lengths.into_iter().map(block).collect(),
            partition,
        })
    }

    /// Number of points of all spheres, those of negligible weight too.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Points whose weight is not negligible, in bohr; those of a block lie together.
    pub fn points(&self) -> &[[f64; 3]] {
        &self.points
    }

    /// Their weights, in bohr^3.
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// The atoms that the points move with.
    pub fn atoms(&self) -> &[usize] {
        &self.atoms
    }

    /// Points that are worked off together.
    pub fn blocks(&self) -> &[Range<usize>] {
        &self.blocks
    }

    /// `sum_g bar_g dw_g/dR_A` in its order of atoms, for cotangents of the weights; the same bits on any number of threads.
    ///
    /// # Panics
    /// Unless there is a cotangent for every point.
    pub fn weights_pullback(&self, weights_bar: &[f64]) -> Vec<[f64; 3]> {
        assert_eq!(weights_bar.len(), self.points.len(), "a cotangent for every point");
        let count = self.atom_count();
        let mut by_atom: Vec<usize> = (0..self.points.len()).collect();
        by_atom.sort_by_key(|g| self.atoms[*g]);
        let atoms: Vec<usize> = by_atom.iter().map(|g| self.atoms[*g]).collect();
        let each: Vec<Vec<[f64; 3]>> = chunks_of_atoms(&atoms)
            .into_par_iter()
            .map(|chunk| {
                let members = &by_atom[chunk.clone()];
                let points: Vec<[f64; 3]> = members.iter().map(|g| self.points[*g]).collect();
                let bars: Vec<f64> =
                    members.iter().map(|g| weights_bar[*g] * self.unshared[*g]).collect();
                let mut gradient = vec![[0.0; 3]; count];
                self.partition.pullback(atoms[chunk.start], &points, &bars, &mut gradient);
                gradient
            })
            .collect();
        let mut total = vec![[0.0; 3]; count];
        for gradient in each {
            for (sum, by) in total.as_flattened_mut().iter_mut().zip(gradient.as_flattened()) {
                *sum += by;
            }
        }
        total
    }

    /// Number of atoms.
    pub fn atom_count(&self) -> usize {
        self.partition.atoms()
    }
}

/// Runs of at most [`BLOCK`] points of one atom.
fn chunks_of_atoms(atoms: &[usize]) -> Vec<Range<usize>> {
    let mut start = 0;
    let mut found = Vec::new();
    for run in atoms.chunk_by(|a, b| a == b) {
        for piece in run.chunks(BLOCK) {
            found.push(start..start + piece.len());
            start += piece.len();
        }
    }
    found
}

#[cfg(test)]
mod tests;
