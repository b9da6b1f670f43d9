//! Energy and Fock matrices of density matrices.

use std::fmt;

use crate::molecule::functional_integral::FunctionalIntegral;
use crate::molecule::integrals::repulsion::direct::{Measure, TwoElectronMatrices};
use crate::molecule::integrals::repulsion::store::{CoulombExchange, Repulsion, RepulsionOptions};
use crate::molecule::matrix::Matrix;
use crate::molecule::scf::core::Core;

/// Parts of an energy, hartree.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Energies {
    /// Repulsion of the nuclei, with their energy in an electric field.
    pub nuclear: f64,
    /// Kinetic energy, attraction of the nuclei, energy in an electric field.
    pub one_electron: f64,
    /// Classical repulsion of the electrons' density.
    pub coulomb: f64,
    /// Exchange and correlation, exact exchange included.
    pub exchange_correlation: f64,
}

impl Energies {
    /// The total energy.
    pub fn total_ha(&self) -> f64 {
        self.nuclear + self.one_electron + self.coulomb + self.exchange_correlation
    }
}

/// Energy and Fock matrices of a density.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// The energy by its parts.
    pub energies: Energies,
    /// `F = dE/dP` by set of orbitals, for the density matrix of one spin, hartree.
    pub fock: Vec<Matrix>,
    /// Coulomb and exchange matrices, from which those of a nearby density may be made.
    pub repelled: TwoElectronMatrices,
}

/// What a two-electron energy is made of: `J - a K/2 + E_xc`.
#[derive(Clone, Copy, Debug)]
pub struct TwoElectron<'a> {
    /// The repulsion integrals.
    pub repulsion: &'a Repulsion,
    /// The share `a` of exact exchange.
    pub exact_exchange: f64,
    /// The functional on its grid, where there is one.
    pub functional: Option<&'a FunctionalIntegral>,
}

/// An energy of density matrices.
///
/// Densities are of one spin, `P = C_occ C_occ^T`: one matrix stands for two equal spins, two stand for up and down.
pub trait FockBuilder: fmt::Debug + Sync {
    /// The one-electron part.
    fn core(&self) -> &Core;

    /// The two-electron part.
    fn two_electron(&self) -> TwoElectron<'_>;

    /// Energy and Fock matrices. The field of densities nearby may save work, and changes the result by less than the cutoff of the integrals.
    fn build(&self, densities: &[Matrix], near: Option<&Field>) -> Field;

    /// Changes of the Fock matrices for each of several changes of the densities, to first order.
    fn response(&self, densities: &[Matrix], changes: &[Vec<Matrix>]) -> Vec<Vec<Matrix>>;
}

/// Hartree-Fock.
#[derive(Debug)]
pub struct HartreeFock {
    core: Core,
    repulsion: Repulsion,
}

impl HartreeFock {
    /// Integrals of a molecule's core.
    pub fn new(core: Core, options: RepulsionOptions) -> Self {
        let repulsion = Repulsion::new(&core.molecule, &core.basis, options);
        Self { core, repulsion }
    }

    /// The repulsion integrals.
    pub fn repulsion(&self) -> &Repulsion {
        &self.repulsion
    }
}

/// `J` of all electrons from those of each set of orbitals.
pub(in crate::molecule) fn coulomb_of_all(parts: &[CoulombExchange]) -> Matrix {
    let spins = if parts.len() == 1 { 2.0 } else { 1.0 };
    let (first, rest) = parts.split_first().expect("a set of orbitals");
    let mut coulomb = first.coulomb.scaled(spins);
    rest.iter().for_each(|part| coulomb.add(spins, &part.coulomb));
    coulomb
}

impl FockBuilder for HartreeFock {
    fn core(&self) -> &Core {
        &self.core
    }

    fn two_electron(&self) -> TwoElectron<'_> {
        TwoElectron { repulsion: &self.repulsion, exact_exchange: 1.0, functional: None }
    }

    fn build(&self, densities: &[Matrix], near: Option<&Field>) -> Field {
        let spins = if densities.len() == 1 { 2.0 } else { 1.0 };
        let mut energies = Energies { nuclear: self.core.nuclear_ha, ..Energies::default() };
        let mut fock = Vec::new();
        let repelled = self.repulsion.matrices(densities, true, near.map(|field| &field.repelled));
        let coulomb = coulomb_of_all(&repelled.parts);
        for (density, CoulombExchange { exchange, .. }) in densities.iter().zip(&repelled.parts) {
            energies.one_electron += spins * density.dot(&self.core.hamiltonian);
            energies.coulomb += 0.5 * spins * density.dot(&coulomb);
            energies.exchange_correlation -= 0.5 * spins * density.dot(exchange);
            let mut matrix = self.core.hamiltonian.clone();
            matrix.add(1.0, &coulomb);
            matrix.add(-1.0, exchange);
            fock.push(matrix);
        }
        Field { energies, fock, repelled }
    }

    fn response(&self, _densities: &[Matrix], changes: &[Vec<Matrix>]) -> Vec<Vec<Matrix>> {
        let of_change = |parts: Vec<CoulombExchange>| {
            let coulomb = coulomb_of_all(&parts);
            parts.iter().map(|part| coulomb.plus(-1.0, &part.exchange)).collect()
        };
        matrices_of_changes(&self.repulsion, true, changes).map(of_change).collect()
    }
}

/// The matrices of each of several changes of the densities. Integrals are met once for all of them.
pub(in crate::molecule) fn matrices_of_changes(
    repulsion: &Repulsion,
    with_exchange: bool,
    changes: &[Vec<Matrix>],
) -> impl Iterator<Item = Vec<CoulombExchange>> {
    let all: Vec<Matrix> = changes.iter().flatten().cloned().collect();
    let mut parts = repulsion.make(&all, with_exchange, Measure::Relative).into_iter();
    let lengths: Vec<usize> = changes.iter().map(Vec::len).collect();
    lengths.into_iter().map(move |sets| parts.by_ref().take(sets).collect())
}
