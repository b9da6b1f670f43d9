//! Derivatives of energies by everything that goes into them.
//!
//! At a stationary point the orbitals need no derivative: `dE = sum D_ab dh_ab + sum G_abcd d(ab|cd) - sum W_ab dS_ab` with
//! `W = C_occ e C_occ^T` (Pulay, Mol. Phys. 17, 197 (1969), doi:10.1080/00268976900100941). Every term is contracted with its densities while
//! it is made. For a product of two primitives all of them but the kinetic energy are cotangents of its Hermite coefficients
//! (`pair_sums`), so that positions, exponents and coefficients take the same way.

mod mean_field;
pub(in crate::molecule) mod pair_density;
mod pair_sums;
pub(in crate::molecule) mod potential;

use thiserror::Error;

use crate::molecule::basis::Basis;
use crate::molecule::functional_integral::{GridResponse, IntegralError};
use crate::molecule::geometry::distance;
use crate::molecule::integrals::repulsion::store::Repulsion;
use crate::molecule::kohn_sham::{KohnSham, of_all_electrons, views};
use crate::molecule::matrix::Matrix;
use crate::molecule::scf::core::Core;
use crate::molecule::scf::fock::{FockBuilder, HartreeFock, TwoElectron};
use crate::molecule::scf::orbitals::Orbitals;
use crate::molecule::scf::{Scf, ScfStatus};
use mean_field::Densities;
use pair_sums::PairSums;

/// What is differentiated by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Inputs {
    /// Positions and charges of the nuclei, and the electric field.
    #[default]
    Molecule,
    /// These, and the exponents and coefficients of the basis.
    MoleculeAndBasis,
}

/// Derivatives of an energy, hartree per unit of the input.
#[derive(Clone, Debug, PartialEq)]
pub struct EnergyGradient {
    /// By the positions of the nuclei, hartree/bohr: forces are the negative of these.
    pub positions: Vec<[f64; 3]>,
    /// By the charges of the nuclei, with the basis functions and the electrons as they are.
    pub charges: Vec<f64>,
    /// By the electric field: the negative of the dipole moment.
    pub electric_field: [f64; 3],
    /// By the exponents of the primitives, shell by shell; empty unless asked for.
    pub exponents: Vec<Vec<f64>>,
    /// By the coefficients of the primitives, shell by shell; empty unless asked for. Contractions are normalised again.
    pub coefficients: Vec<Vec<f64>>,
}

/// Why there is no derivative.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum GradientError {
    /// The field is not stationary, so that the orbitals' own change would count.
    #[error(
        "the field is not self-consistent (orbital gradient {gradient_ha:.1e} Ha): converge it before it is differentiated"
    )]
    NotConverged {
        /// The largest entry of the orbital gradient, hartree.
        gradient_ha: f64,
    },
    /// The functional has no value.
    #[error(transparent)]
    Integral(#[from] IntegralError),
}

/// A change of what an energy's derivatives are made of.
#[derive(Debug)]
pub(in crate::molecule) struct Change {
    /// Of the densities of one spin, by set.
    pub densities: Vec<Matrix>,
    /// Of `W`, both spins.
    pub energy_weighted: Matrix,
    pub electric_field: [f64; 3],
}

impl EnergyGradient {
    /// Of a Hartree-Fock energy.
    ///
    /// # Errors
    /// [`GradientError`].
    pub fn hartree_fock(
        builder: &HartreeFock,
        scf: &Scf,
        inputs: Inputs,
    ) -> Result<Self, GradientError> {
        scf.check_stationary()?;
        let core = builder.core();
        let densities = Densities {
            total: &scf.total_density(),
            spins: &scf.densities(),
            energy_weighted: &energy_weighted(scf),
            exact_exchange: 1.0,
        };
        Ok(mean_field(core, builder.repulsion(), densities, inputs).finish(&core.basis))
    }

    /// Of a Kohn-Sham energy: with [`GridResponse::Included`] the derivative of the energy as it is integrated.
    ///
    /// # Errors
    /// [`GradientError`].
    pub fn kohn_sham(
        builder: &KohnSham,
        scf: &Scf,
        inputs: Inputs,
        response: GridResponse,
    ) -> Result<Self, GradientError> {
        scf.check_stationary()?;
        let core = builder.core();
        let densities = scf.densities();
        let parts = Densities {
            total: &scf.total_density(),
            spins: &densities,
            energy_weighted: &energy_weighted(scf),
            exact_exchange: builder.exact_exchange(),
        };
        let mut sums = mean_field(core, builder.repulsion(), parts, inputs);
        let moved = builder.gradient(&densities, response)?;
        add(sums.positions.as_flattened_mut(), moved.as_flattened());
        if inputs == Inputs::MoleculeAndBasis {
            for (shell, bars) in builder.by_basis(&densities)?.iter().enumerate() {
                add(&mut sums.exponents[shell], &bars.exponents);
                add(&mut sums.weights[shell], &bars.weights);
            }
        }
        Ok(sums.finish(&core.basis))
    }

    /// The derivative of the same expression along changes of everything that it takes: densities, `W`, field.
    pub(in crate::molecule) fn along(
        builder: &dyn FockBuilder,
        scf: &Scf,
        change: &Change,
        inputs: Inputs,
    ) -> Result<Self, GradientError> {
        scf.check_stationary()?;
        let TwoElectron { repulsion, exact_exchange, functional } = builder.two_electron();
        let core = builder.core();
        let densities = scf.densities();
        let weighted = energy_weighted(scf);
        // quadratic in the step, so that the half difference is exact
        let side = |t: f64| {
            let electric_field =
                [0, 1, 2].map(|k| core.electric_field[k] + t * change.electric_field[k]);
            let core = Core { electric_field, ..core.clone() };
            let moved: Vec<Matrix> =
                densities.iter().zip(&change.densities).map(|(p, d)| p.plus(t, d)).collect();
            let total = moved[0].plus(1.0, &moved[moved.len() - 1]);
            let weighted = weighted.plus(t, &change.energy_weighted);
            let parts = Densities {
                total: &total,
                spins: &moved,
                energy_weighted: &weighted,
                exact_exchange,
            };
            mean_field(&core, repulsion, parts, inputs)
        };
        let mut sums = side(1.0);
        sums.half_difference(&side(-1.0));
        if let Some(functional) = functional {
            let (all, moved) = (of_all_electrons(&densities), of_all_electrons(&change.densities));
            let (all, moved) = (views(&all), views(&moved));
            let by = functional.gradient_change(&all, &moved, GridResponse::Included)?;
            add(sums.positions.as_flattened_mut(), by.as_flattened());
            if inputs == Inputs::MoleculeAndBasis {
                for (shell, bars) in functional.by_basis_change(&all, &moved)?.iter().enumerate() {
                    add(&mut sums.exponents[shell], &bars.exponents);
                    add(&mut sums.weights[shell], &bars.weights);
                }
            }
        }
        Ok(sums.finish(&core.basis))
    }
}

fn add(sum: &mut [f64], by: &[f64]) {
    sum.iter_mut().zip(by).for_each(|(sum, by)| *sum += by);
}

impl Scf {
    /// Refuses a field that is not stationary.
    pub(in crate::molecule) fn check_stationary(&self) -> Result<(), GradientError> {
        match self.status {
            ScfStatus::NotConverged { gradient_ha } => {
                Err(GradientError::NotConverged { gradient_ha })
            }
            _ => Ok(()),
        }
    }
}

/// Everything of an energy's derivatives that no functional of the density makes.
fn mean_field(
    core: &Core,
    repulsion: &Repulsion,
    densities: Densities<'_>,
    inputs: Inputs,
) -> PairSums {
    let mut sums = PairSums::new(&core.molecule, &core.basis, inputs);
    nuclear(core, densities.total, &mut sums);
    mean_field::add(core, repulsion, densities, inputs, &mut sums);
    sums
}

/// `W = sum over spins of C_occ e C_occ^T`.
pub(in crate::molecule) fn energy_weighted(scf: &Scf) -> Matrix {
    let of_set = |orbitals: &Orbitals| {
        let occupied = orbitals.occupied_coefficients();
        let mut scaled = occupied.clone();
        for row in scaled.entries_mut().chunks_mut(orbitals.occupied.max(1)) {
            row.iter_mut().zip(&orbitals.energies_ha).for_each(|(x, e)| *x *= e);
        }
        scaled.times(&occupied.transposed())
    };
    let mut sum = of_set(&scf.orbitals[0]);
    sum.add(1.0, &of_set(&scf.orbitals[scf.orbitals.len() - 1]));
    sum
}

/// The repulsion of the nuclei, their energy in the field, and the derivative by the field.
fn nuclear(core: &Core, density: &Matrix, sums: &mut PairSums) {
    let atoms = core.molecule.atoms();
    let dipole = core.dipole_moment(density);
    sums.electric_field = dipole.map(|d| -d);
    for (k, a) in atoms.iter().enumerate() {
        for axis in 0..3 {
            sums.positions[k][axis] -= core.electric_field[axis] * a.charge;
            sums.charges[k] -= core.electric_field[axis] * a.position_bohr[axis];
        }
        for (j, b) in atoms.iter().enumerate().filter(|(j, _)| *j != k) {
            let r = distance(a.position_bohr, b.position_bohr);
            sums.charges[k] += atoms[j].charge / r;
            for axis in 0..3 {
                let arm = a.position_bohr[axis] - b.position_bohr[axis];
                sums.positions[k][axis] -= a.charge * b.charge * arm / (r * r * r);
            }
        }
    }
}

impl PairSums {
    /// The derivatives, with those by the weights of primitives carried on to exponents and coefficients.
    fn finish(mut self, basis: &Basis) -> EnergyGradient {
        let mut coefficients = Vec::new();
        if self.with_basis {
            for (index, shell) in basis.shells().iter().enumerate() {
                let mut c_bar = vec![0.0; shell.coefficients.len()];
                shell.weights_pullback(
                    &self.weights[index],
                    &mut self.exponents[index],
                    &mut c_bar,
                );
                coefficients.push(c_bar);
            }
        } else {
            self.exponents.clear();
        }
        EnergyGradient {
            positions: self.positions,
            charges: self.charges,
            electric_field: self.electric_field,
            exponents: self.exponents,
            coefficients,
        }
    }
}
