//! The Kohn-Sham energy of density matrices: a functional in place of exact exchange, or beside a share of it.
//!
//! ```
//! use cotangent_dft::molecule::gradient::{EnergyGradient, Inputs};
//! use cotangent_dft::molecule::scf::{Core, Reference, ScfOptions, self_consistent_field};
//! use cotangent_dft::molecule::*;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let hydrogen = |z| Atom::new(Element::of_symbol("H").unwrap(), [0.0, 0.0, z]);
//! let molecule = Molecule::new(vec![hydrogen(0.0), hydrogen(1.4)], 0, 1)?;
//! let basis = Basis::new(&molecule, &basis_set("STO-3G")?.unwrap(), Form::Spherical)?;
//! let core = Core::new(&molecule, &basis, [0.0; 3])?;
//! let pbe = StandardFunctional::Pbe.into(); // or ExchangeCorrelation::new(&yours)
//! let builder = KohnSham::new(core, Default::default(), &pbe, &GridOptions::default())?;
//! let scf = self_consistent_field(&builder, Reference::Restricted, &ScfOptions::default())?;
//! assert!((scf.energy_ha() + 1.152064).abs() < 1e-6);
//! let gradient =
//!     EnergyGradient::kohn_sham(&builder, &scf, Inputs::Molecule, GridResponse::Included)?;
//! assert!((gradient.positions[0][2] + gradient.positions[1][2]).abs() < 1e-10);
//! // and by the functional's own constants: mu, kappa, beta
//! assert_eq!(builder.by_parameters(&scf.densities())?.len(), 3);
//! # Ok(())
//! # }
//! ```

use std::sync::OnceLock;

use crate::molecule::functional::ExchangeCorrelation;
use crate::molecule::functional_integral::{FunctionalIntegral, GridResponse, IntegralError};
use crate::molecule::grid::GridOptions;
use crate::molecule::grid::basis_pullback::ShellBars;
use crate::molecule::integrals::repulsion::store::{CoulombExchange, Repulsion, RepulsionOptions};
use crate::molecule::matrix::Matrix;
use crate::molecule::scf::core::Core;
use crate::molecule::scf::fock::{
    Energies, Field, FockBuilder, TwoElectron, coulomb_of_all, matrices_of_changes,
};

/// `E[P] = E_core + J + E_xc - a K/2`, `a` the functional's share of exact exchange.
///
/// Where the functional has no finite value, energy and Fock matrices are NaN, which ends the field; [`KohnSham::failure`] says why.
#[derive(Debug)]
pub struct KohnSham {
    core: Core,
    repulsion: Repulsion,
    integral: FunctionalIntegral,
    exact_exchange: f64,
    failure: OnceLock<IntegralError>,
}

impl KohnSham {
    /// A functional at its published parameters, on a grid.
    ///
    /// # Errors
    /// Where the grid does not exist.
    pub fn new(
        core: Core,
        options: RepulsionOptions,
        functional: &ExchangeCorrelation,
        grid: &GridOptions,
    ) -> Result<Self, IntegralError> {
        let integral = FunctionalIntegral::new(&core.molecule, &core.basis, functional, grid)?;
        let repulsion = Repulsion::new(&core.molecule, &core.basis, options);
        let exact_exchange = functional.exact_exchange(integral.parameters()).0;
        Ok(Self { core, repulsion, integral, exact_exchange, failure: OnceLock::new() })
    }

    /// The same with other values of the functional's parameters.
    ///
    /// # Errors
    /// Where their number is another.
    pub fn with_parameters(mut self, parameters: &[f64]) -> Result<Self, IntegralError> {
        self.integral = self.integral.with_parameters(parameters)?;
        self.exact_exchange = self.integral.functional().exact_exchange(parameters).0;
        Ok(self)
    }

    /// The repulsion integrals.
    pub fn repulsion(&self) -> &Repulsion {
        &self.repulsion
    }

    /// The functional on its grid.
    pub fn integral(&self) -> &FunctionalIntegral {
        &self.integral
    }

    /// The share of exact exchange.
    pub fn exact_exchange(&self) -> f64 {
        self.exact_exchange
    }

    /// Why the functional had no value the first time that it had none.
    pub fn failure(&self) -> Option<&IntegralError> {
        self.failure.get()
    }

    /// Derivatives of the energy by the functional's parameters at a stationary field, whose orbitals need no derivative.
    ///
    /// # Errors
    /// As [`FunctionalIntegral::field`].
    pub fn by_parameters(&self, densities: &[Matrix]) -> Result<Vec<f64>, IntegralError> {
        let scaled = of_all_electrons(densities);
        let mut by = self.integral.by_parameters(&views(&scaled))?.1;
        let functional = self.integral.functional();
        if functional.is_hybrid() {
            let (_, share_by) = functional.exact_exchange(self.integral.parameters());
            let spins = if densities.len() == 1 { 2.0 } else { 1.0 };
            let parts = self.repulsion.coulomb_exchange(densities);
            let exchange: f64 = densities.iter().zip(&parts).map(|(d, p)| d.dot(&p.exchange)).sum();
            by.iter_mut().zip(share_by).for_each(|(b, s)| *b -= 0.5 * spins * s * exchange);
        }
        Ok(by)
    }

    /// What the functional adds to the derivatives of the energy by the positions of the nuclei.
    pub(in crate::molecule) fn gradient(
        &self,
        densities: &[Matrix],
        response: GridResponse,
    ) -> Result<Vec<[f64; 3]>, IntegralError> {
        self.integral.gradient(&views(&of_all_electrons(densities)), response)
    }

    /// What it adds to those by the primitives of the basis.
    pub(in crate::molecule) fn by_basis(
        &self,
        densities: &[Matrix],
    ) -> Result<Vec<ShellBars>, IntegralError> {
        self.integral.by_basis(&views(&of_all_electrons(densities)))
    }

    /// Whether matrices of exchange are needed.
    fn has_exchange(&self) -> bool {
        self.exact_exchange != 0.0
    }

    /// The densities whose repulsion is asked for: of all electrons together where there is no exchange of each spin.
    fn repelling(&self, densities: &[Matrix]) -> Vec<Matrix> {
        if self.has_exchange() {
            return densities.to_vec();
        }
        let spins = if densities.len() == 1 { 2.0 } else { 1.0 };
        let mut total = densities[0].scaled(spins);
        densities[1..].iter().for_each(|d| total.add(spins, d));
        vec![total]
    }

    /// `J` of all electrons from the parts of [`KohnSham::repelling`].
    fn coulomb_of(&self, parts: &[CoulombExchange]) -> Matrix {
        if self.has_exchange() { coulomb_of_all(parts) } else { parts[0].coulomb.clone() }
    }
}

/// The functional takes the density of both spins together where they share one: twice that of one spin.
pub(in crate::molecule) fn of_all_electrons(densities: &[Matrix]) -> Vec<Matrix> {
    match densities {
        [one] => vec![one.scaled(2.0)],
        _ => densities.to_vec(),
    }
}

pub(in crate::molecule) fn views(matrices: &[Matrix]) -> Vec<&[f64]> {
    matrices.iter().map(Matrix::entries).collect()
}

impl FockBuilder for KohnSham {
    fn core(&self) -> &Core {
        &self.core
    }

    fn two_electron(&self) -> TwoElectron<'_> {
        TwoElectron {
            repulsion: &self.repulsion,
            exact_exchange: self.exact_exchange,
            functional: Some(&self.integral),
        }
    }

    fn build(&self, densities: &[Matrix], near: Option<&Field>) -> Field {
        let spins = if densities.len() == 1 { 2.0 } else { 1.0 };
        let size = self.core.basis.len();
        let (repelling, with_exchange) = (self.repelling(densities), self.has_exchange());
        let near = near.map(|field| &field.repelled);
        let repelled = self.repulsion.matrices(&repelling, with_exchange, near);
        let coulomb = self.coulomb_of(&repelled.parts);
        let mut energies = Energies { nuclear: self.core.nuclear_ha, ..Energies::default() };
        let integrated = self.integral.field(&views(&of_all_electrons(densities)));
        let (energy, potential) = match integrated {
            Ok(field) => (field.energy_ha, field.potential),
            Err(error) => {
                let _ = self.failure.set(error); // the first is kept
                (f64::NAN, vec![vec![f64::NAN; size * size]; densities.len()])
            }
        };
        energies.exchange_correlation = energy;
        let mut fock = Vec::new();
        for (spin, (density, potential)) in densities.iter().zip(potential).enumerate() {
            energies.one_electron += spins * density.dot(&self.core.hamiltonian);
            energies.coulomb += 0.5 * spins * density.dot(&coulomb);
            let mut matrix = self.core.hamiltonian.clone();
            matrix.add(1.0, &coulomb);
            matrix.add(1.0, &Matrix::from_entries(size, size, potential));
            if with_exchange {
                let (share, exchange) = (self.exact_exchange, &repelled.parts[spin].exchange);
                energies.exchange_correlation -= 0.5 * spins * share * density.dot(exchange);
                matrix.add(-share, exchange);
            }
            fock.push(matrix);
        }
        Field { energies, fock, repelled }
    }

    fn response(&self, densities: &[Matrix], changes: &[Vec<Matrix>]) -> Vec<Vec<Matrix>> {
        let size = self.core.basis.len();
        let scaled: Vec<Vec<Matrix>> = changes.iter().map(|c| of_all_electrons(c)).collect();
        let change_views: Vec<Vec<&[f64]>> = scaled.iter().map(|c| views(c)).collect();
        let integrated =
            self.integral.response(&views(&of_all_electrons(densities)), &change_views);
        let zero = || vec![vec![vec![f64::NAN; size * size]; densities.len()]; changes.len()];
        let repelling: Vec<Vec<Matrix>> = changes.iter().map(|c| self.repelling(c)).collect();
        let with_exchange = self.has_exchange();
        let parts = matrices_of_changes(&self.repulsion, with_exchange, &repelling);
        let each = |(potentials, parts): (Vec<Vec<f64>>, Vec<CoulombExchange>)| {
            let coulomb = self.coulomb_of(&parts);
            let matrices = potentials.into_iter().enumerate().map(|(spin, potential)| {
                let mut matrix = Matrix::from_entries(size, size, potential);
                matrix.add(1.0, &coulomb);
                if with_exchange {
                    matrix.add(-self.exact_exchange, &parts[spin].exchange);
                }
                matrix
            });
            matrices.collect()
        };
        let potentials = integrated.unwrap_or_else(|_| zero());
        potentials.into_iter().zip(parts).map(each).collect()
    }
}
