//! How orbitals answer: derivatives of what is no energy.
//!
//! A [`Property`] is the derivative of an energy by a strength `t`: `E_t` has the operator `t A` beside the core Hamiltonian and the density
//! `P + t q` in place of `P`. So the dipole moment is `-dE/dF`, and the energy of a level is what an electron put into it adds. Its own derivatives
//! are second derivatives of the energy. The orbitals turn by `kappa` with `h kappa = -C_v^T (A + G[q]) C_o` (coupled-perturbed
//! equations), and the derivatives by everything else follow from the changed density, `df/dx = d/dt (dE/dx)(P + t D, W + t W', ...)` with
//! `D = q + P'`: one solve for all inputs (Handy & Schaefer, J. Chem. Phys. 81, 5031 (1984), doi:10.1063/1.447489).

pub(in crate::molecule) mod coupled_perturbed;
mod property;

use thiserror::Error;

pub use self::property::Property;

use self::coupled_perturbed::solve;
use crate::molecule::functional_integral::IntegralError;
use crate::molecule::gradient::{Change, EnergyGradient, GradientError, Inputs};
use crate::molecule::kohn_sham::{of_all_electrons, views};
use crate::molecule::matrix::Matrix;
use crate::molecule::scf::rotation::Point;
use crate::molecule::scf::{FockBuilder, Scf};

/// Why there is no response.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum ResponseError {
    /// The field is not stationary.
    #[error(transparent)]
    Gradient(#[from] GradientError),
    /// The functional has no value.
    #[error(transparent)]
    Integral(#[from] IntegralError),
    /// A rotation of the orbitals lowers the energy, so that a response has no meaning.
    #[error(
        "the field is no minimum: a rotation of the orbitals has a curvature of {curvature_ha:.1e} Ha; follow it down first"
    )]
    NoMinimum {
        /// The curvature along a direction that was met.
        curvature_ha: f64,
    },
    /// One level of a degenerate group has no derivative.
    #[error(
        "levels {} and {} are {gap_ha:.1e} Ha apart, one degenerate level, of which only sums over all of it have a derivative: give its \
         levels the same weight",
        levels[0],
        levels[1]
    )]
    Degenerate {
        /// Places of the levels, from 0.
        levels: [usize; 2],
        /// How far apart they are, hartree.
        gap_ha: f64,
    },
    /// The equations were not solved.
    #[error(
        "the coupled-perturbed equations did not converge: residual {residual:.1e} of the right side after {products} products"
    )]
    NotConverged {
        /// Relative residual.
        residual: f64,
        /// Products that were made.
        products: usize,
    },
}

/// Derivatives of a property.
#[derive(Clone, Debug, PartialEq)]
pub struct PropertyGradient {
    /// By positions, charges, field and basis, in units of the property.
    pub by: EnergyGradient,
    /// By the functional's parameters; empty without a functional.
    pub parameters: Vec<f64>,
}

impl Property<'_> {
    /// Derivatives by everything that the energy depends on; of a functional on a grid, as it is integrated.
    ///
    /// # Errors
    /// [`ResponseError`].
    pub fn gradient(&self, inputs: Inputs) -> Result<PropertyGradient, ResponseError> {
        self.gradient_of(answers(std::slice::from_ref(self))?.remove(0), inputs)
    }

    /// The same with the answer of the orbitals.
    fn gradient_of(
        &self,
        answer: Answer,
        inputs: Inputs,
    ) -> Result<PropertyGradient, ResponseError> {
        let change = Change {
            densities: answer.densities,
            energy_weighted: answer.energy_weighted.plus(1.0, &self.overlap),
            electric_field: self.electric_field,
        };
        let mut by = EnergyGradient::along(self.builder, self.scf, &change, inputs)?;
        by.charges.iter_mut().zip(&self.charges).for_each(|(by, own)| *by += own);
        let parameters = self.by_parameters(&change.densities)?;
        Ok(PropertyGradient { by, parameters })
    }

    /// `d/dt` of the energy's derivatives by the functional's parameters: `dE_xc/dp` along the change, and `-a' tr(D K[P])`.
    fn by_parameters(&self, changes: &[Matrix]) -> Result<Vec<f64>, IntegralError> {
        let two_electron = self.builder.two_electron();
        let Some(integral) = two_electron.functional else { return Ok(Vec::new()) };
        if integral.parameters().is_empty() {
            return Ok(Vec::new());
        }
        let densities = self.scf.densities();
        let (all, moved) = (of_all_electrons(&densities), of_all_electrons(changes));
        let mut by = integral.by_parameters_change(&views(&all), &views(&moved))?;
        if integral.functional().is_hybrid() {
            let (_, share_by) = integral.functional().exact_exchange(integral.parameters());
            let spins = self.scf.reference.spins_per_set();
            let parts = two_electron.repulsion.coulomb_exchange(&densities);
            let exchange: f64 = changes.iter().zip(&parts).map(|(d, p)| d.dot(&p.exchange)).sum();
            by.iter_mut().zip(share_by).for_each(|(b, s)| *b -= spins * s * exchange);
        }
        Ok(by)
    }
}

/// How density and `W` change with the strengths of several properties of one field.
fn answers(properties: &[Property<'_>]) -> Result<Vec<Answer>, ResponseError> {
    let Some(Property { builder, scf, .. }) = properties.first() else { return Ok(Vec::new()) };
    scf.check_stationary()?;
    let point = Point::new(*builder, &scf.orbitals, &scf.fock);
    let own = scf.densities();
    let is_zero =
        |change: &Vec<Matrix>| change.iter().all(|m| m.entries().iter().all(|x| *x == 0.0));
    // A + G[change] of each property
    let answered = |changes: &[Vec<Matrix>]| -> Vec<Vec<Matrix>> {
        let fields = builder.response(&own, changes);
        let pairs = properties.iter().zip(fields);
        let of_one = |(property, field): (&Property<'_>, Vec<Matrix>)| {
            property.operator.iter().zip(field).map(|(a, g)| a.plus(1.0, &g)).collect()
        };
        pairs.map(of_one).collect()
    };
    let given: Vec<Vec<Matrix>> = properties.iter().map(|p| p.density.clone()).collect();
    let sources: Vec<_> = if given.iter().all(is_zero) {
        // of nothing there is no field
        properties.iter().map(|property| point.project(&property.operator)).collect()
    } else {
        answered(&given).iter().map(|b| point.project(b)).collect()
    };
    let turned: Vec<Vec<Matrix>> =
        solve(&point, &sources)?.iter().map(|kappa| point.density_change(kappa)).collect();
    let sum = |(turned, given): (&Vec<Matrix>, &Vec<Matrix>)| {
        turned.iter().zip(given).map(|(p, q)| p.plus(1.0, q)).collect()
    };
    let densities: Vec<Vec<Matrix>> = turned.iter().zip(&given).map(sum).collect();
    let fock_changes = answered(&densities);
    let spins = scf.reference.spins_per_set();
    let answer =
        |((turned, fock_change), densities): ((&Vec<Matrix>, Vec<Matrix>), Vec<Matrix>)| {
            let n = own[0].rows();
            let mut energy_weighted = Matrix::zeros(n, n);
            for (set, p) in own.iter().enumerate() {
                // W = P F P
                let half = turned[set].times(&scf.fock[set]).times(p);
                energy_weighted.add(spins, &half);
                energy_weighted.add(spins, &half.transposed());
                energy_weighted.add(spins, &p.times(&fock_change[set]).times(p));
            }
            Answer { densities, energy_weighted }
        };
    Ok(turned.iter().zip(fock_changes).zip(densities).map(answer).collect())
}

/// Changes to first order.
struct Answer {
    /// Of the densities of one spin, by set.
    densities: Vec<Matrix>,
    /// Of `W`, both spins.
    energy_weighted: Matrix,
}

impl Answer {
    /// What it makes of the dipole moment per strength; a strength of `m.mu` is a field along `-m`.
    fn dipole(&self, builder: &dyn FockBuilder) -> [f64; 3] {
        let last = &self.densities[self.densities.len() - 1];
        let change = self.densities[0].plus(1.0, last);
        [0, 1, 2].map(|axis| change.dot(&builder.core().dipole[axis]))
    }
}

/// The three components of the dipole moment.
fn dipoles<'a>(builder: &'a dyn FockBuilder, scf: &'a Scf) -> [Property<'a>; 3] {
    [0, 1, 2].map(|axis| {
        let mut direction = [0.0; 3];
        direction[axis] = 1.0;
        Property::zero(builder, scf).with_dipole(direction)
    })
}

/// How the dipole moment answers.
#[derive(Clone, Debug, PartialEq)]
pub struct DipoleResponse {
    /// The static polarisability `alpha_km = d mu_k/dF_m`, bohr^3.
    pub polarisability: [[f64; 3]; 3],
    /// `d mu_k/dR`, e: for each component of the dipole moment its derivatives by the positions of all nuclei.
    pub by_positions: [Vec<[f64; 3]>; 3],
}

/// The static polarisability `alpha_km = d mu_k/dF_m`, bohr^3.
///
/// # Errors
/// [`ResponseError`].
pub fn polarisability(
    builder: &dyn FockBuilder,
    scf: &Scf,
) -> Result<[[f64; 3]; 3], ResponseError> {
    let answers = answers(&dipoles(builder, scf))?;
    let mut alpha = [[0.0; 3]; 3];
    alpha.iter_mut().zip(&answers).for_each(|(row, answer)| *row = answer.dipole(builder));
    Ok(alpha)
}

/// The polarisability and the dipole moment's derivatives by the positions, by the same answer of the orbitals to a field.
///
/// # Errors
/// [`ResponseError`].
pub fn dipole_response(
    builder: &dyn FockBuilder,
    scf: &Scf,
) -> Result<DipoleResponse, ResponseError> {
    let properties = dipoles(builder, scf);
    let mut found =
        DipoleResponse { polarisability: [[0.0; 3]; 3], by_positions: Default::default() };
    for (k, (property, answer)) in properties.iter().zip(answers(&properties)?).enumerate() {
        found.polarisability[k] = answer.dipole(builder);
        found.by_positions[k] = property.gradient_of(answer, Inputs::Molecule)?.by.positions;
    }
    Ok(found)
}
