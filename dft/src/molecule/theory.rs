//! Which energy of a molecule is made self-consistent.

use crate::molecule::functional::ExchangeCorrelation;
use crate::molecule::functional_integral::{GridResponse, IntegralError};
use crate::molecule::gradient::{EnergyGradient, GradientError, Inputs};
use crate::molecule::grid::GridOptions;
use crate::molecule::integrals::repulsion::store::RepulsionOptions;
use crate::molecule::kohn_sham::KohnSham;
use crate::molecule::scf::{Core, FockBuilder, HartreeFock, Scf};

/// How electrons see each other.
#[derive(Clone, Debug, Default)]
pub enum Theory {
    /// Exact exchange and no correlation.
    #[default]
    HartreeFock,
    /// A functional on a grid.
    KohnSham {
        /// The functional.
        functional: ExchangeCorrelation,
        /// The grid.
        grid: GridOptions,
    },
}

/// An energy of density matrices, of either kind.
#[derive(Debug)]
pub(in crate::molecule) enum MeanField {
    HartreeFock(Box<HartreeFock>),
    KohnSham(Box<KohnSham>),
}

impl Theory {
    /// Integrals, and the functional at these values of its parameters.
    pub(in crate::molecule) fn mean_field(
        &self,
        core: Core,
        repulsion: RepulsionOptions,
        parameters: &[f64],
    ) -> Result<MeanField, IntegralError> {
        Ok(match self {
            Self::HartreeFock => {
                MeanField::HartreeFock(Box::new(HartreeFock::new(core, repulsion)))
            }
            Self::KohnSham { functional, grid } => {
                let builder = KohnSham::new(core, repulsion, functional, grid)?;
                MeanField::KohnSham(Box::new(builder.with_parameters(parameters)?))
            }
        })
    }
}

impl MeanField {
    pub(in crate::molecule) fn builder(&self) -> &dyn FockBuilder {
        match self {
            Self::HartreeFock(builder) => builder.as_ref(),
            Self::KohnSham(builder) => builder.as_ref(),
        }
    }

    pub(in crate::molecule) fn core(&self) -> &Core {
        self.builder().core()
    }

    /// Why the functional has no value, where that is what ended the field.
    pub(in crate::molecule) fn failure(&self) -> Option<&IntegralError> {
        match self {
            Self::HartreeFock(_) => None,
            Self::KohnSham(builder) => builder.failure(),
        }
    }

    /// Derivatives of the energy at a stationary field; the grid responds.
    pub(in crate::molecule) fn gradient(
        &self,
        scf: &Scf,
        inputs: Inputs,
    ) -> Result<EnergyGradient, GradientError> {
        match self {
            Self::HartreeFock(builder) => EnergyGradient::hartree_fock(builder, scf, inputs),
            Self::KohnSham(builder) => {
                EnergyGradient::kohn_sham(builder, scf, inputs, GridResponse::Included)
            }
        }
    }

    /// Derivatives of the energy by the functional's parameters.
    pub(in crate::molecule) fn by_parameters(&self, scf: &Scf) -> Result<Vec<f64>, IntegralError> {
        match self {
            Self::HartreeFock(_) => Ok(Vec::new()),
            Self::KohnSham(builder) => builder.by_parameters(&scf.densities()),
        }
    }
}
