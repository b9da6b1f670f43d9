//! Energy and Fock matrices of density matrices.

use std::fmt;

use crate::molecule::functional_integral::FunctionalIntegral;
use crate::molecule::integrals::repulsion::store::{Repulsion, RepulsionOptions};
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

    /// Energy and Fock matrices.
    fn build(&self, densities: &[Matrix]) -> Field;

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

    /// `J[P_up + P_down] - K[P]` of each of several sets of densities.
    fn coulomb_exchange(&self, sets: &[Vec<Matrix>]) -> Vec<Vec<(Matrix, Matrix)>> {
        let all: Vec<Matrix> = sets.iter().flatten().cloned().collect();
        let mut found = self.repulsion.coulomb_exchange(&all).into_iter();
        let pairs = |set: &Vec<Matrix>| {
            let parts: Vec<_> = found.by_ref().take(set.len()).collect();
            let spins = if set.len() == 1 { 2.0 } else { 1.0 };
            let mut coulomb = Matrix::zeros(self.core.basis.len(), self.core.basis.len());
            parts.iter().for_each(|part| coulomb.add(spins, &part.coulomb));
            parts.into_iter().map(|part| (coulomb.clone(), part.exchange)).collect()
        };
        sets.iter().map(pairs).collect()
    }
}

impl FockBuilder for HartreeFock {
    fn core(&self) -> &Core {
        &self.core
    }

    fn two_electron(&self) -> TwoElectron<'_> {
        TwoElectron { repulsion: &self.repulsion, exact_exchange: 1.0, functional: None }
    }

    fn build(&self, densities: &[Matrix]) -> Field {
        let spins = if densities.len() == 1 { 2.0 } else { 1.0 };
        let mut energies = Energies { nuclear: self.core.nuclear_ha, ..Energies::default() };
        let mut fock = Vec::new();
        let parts = self.coulomb_exchange(&[densities.to_vec()]).remove(0);
        for (density, (coulomb, exchange)) in densities.iter().zip(&parts) {
            energies.one_electron += spins * density.dot(&self.core.hamiltonian);
            energies.coulomb += 0.5 * spins * density.dot(coulomb);
            energies.exchange_correlation -= 0.5 * spins * density.dot(exchange);
            let mut matrix = self.core.hamiltonian.clone();
            matrix.add(1.0, coulomb);
            matrix.add(-1.0, exchange);
            fock.push(matrix);
        }
        Field { energies, fock }
    }

    fn response(&self, _densities: &[Matrix], changes: &[Vec<Matrix>]) -> Vec<Vec<Matrix>> {
        let difference = |(mut coulomb, exchange): (Matrix, Matrix)| {
            coulomb.add(-1.0, &exchange);
            coulomb
        };
        let parts = self.coulomb_exchange(changes);
        parts.into_iter().map(|set| set.into_iter().map(difference).collect()).collect()
    }
}
