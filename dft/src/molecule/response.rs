//! How orbitals answer: derivatives of what is no energy.
//!
//! The dipole moment is the derivative of the energy by the electric field, `mu = -dE/dF`; its own derivatives are second derivatives of
//! the energy. For a field along `m` the orbitals turn by `kappa` with `h kappa = -C_v^T (m.r) C_o` (coupled-perturbed equations), and
//! the derivatives by everything else follow from the changed density, `d(m.mu)/dx = -d/dt (dE/dx)(P + t P', W + t W', F + t m)`:
//! one solve for all inputs (Handy & Schaefer, J. Chem. Phys. 81, 5031 (1984), doi:10.1063/1.447489). Only gaps between occupied and
//! empty levels are divided by, so that degenerate levels among either do no harm.

use thiserror::Error;

use crate::molecule::gradient::{EnergyGradient, GradientError, Inputs, Perturbed};
use crate::molecule::matrix::Matrix;
use crate::molecule::scf::newton::{add, dot, norm};
use crate::molecule::scf::rotation::{Point, Rotation, Symmetry};
use crate::molecule::scf::{FockBuilder, HartreeFock, Scf};

/// Residual at which the coupled-perturbed equations are solved, relative to their right side.
const TOLERANCE: f64 = 1e-10;
/// Products with `h` that they may take.
const PRODUCTS: usize = 100;

/// Why there is no response.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum ResponseError {
    /// The field is not stationary.
    #[error(transparent)]
    Gradient(#[from] GradientError),
    /// A rotation of the orbitals lowers the energy, so that a response has no meaning.
    #[error(
        "the field is no minimum: a rotation of the orbitals has a curvature of {curvature_ha:.1e} Ha; follow it down first"
    )]
    NoMinimum {
        /// The curvature along a direction that was met.
        curvature_ha: f64,
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

/// Derivatives of `m.mu` for a direction `m` of the dipole moment, e bohr per unit of the input.
///
/// # Errors
/// [`ResponseError`].
pub fn dipole_gradient(
    builder: &HartreeFock,
    scf: &Scf,
    direction: [f64; 3],
    inputs: Inputs,
) -> Result<EnergyGradient, ResponseError> {
    let core = builder.core();
    let n = core.basis.len();
    let mut perturbation = Matrix::zeros(n, n);
    for (strength, dipole) in direction.iter().zip(&core.dipole) {
        perturbation.add(*strength, dipole);
    }
    let answer = answer(builder, scf, &vec![perturbation; scf.orbitals.len()])?;
    let sides: Result<Vec<EnergyGradient>, GradientError> = [1.0, -1.0]
        .into_iter()
        .map(|t| {
            let perturbed = Perturbed {
                densities: sums(&scf.densities(), t, &answer.densities),
                energy_weighted: t,
                energy_weighted_change: &answer.energy_weighted,
                electric_field: [0, 1, 2].map(|k| core.electric_field[k] + t * direction[k]),
            };
            EnergyGradient::perturbed(builder, scf, &perturbed, inputs)
        })
        .collect();
    // quadratic in the step, so that the difference is exact
    Ok(half_difference(&sides?))
}

/// The static polarisability `alpha_km = d mu_k/dF_m`, bohr^3.
///
/// # Errors
/// [`ResponseError`].
pub fn polarisability(builder: &HartreeFock, scf: &Scf) -> Result<[[f64; 3]; 3], ResponseError> {
    let mut alpha = [[0.0; 3]; 3];
    for axis in 0..3 {
        let dipole = &builder.core().dipole;
        let answer = answer(builder, scf, &vec![dipole[axis].clone(); scf.orbitals.len()])?;
        let mut change = answer.densities[0].clone();
        change.add(1.0, &answer.densities[answer.densities.len() - 1]);
        for other in 0..3 {
            alpha[other][axis] = -change.dot(&dipole[other]);
        }
    }
    Ok(alpha)
}

/// Changes to first order.
struct Answer {
    /// Of the densities of one spin.
    densities: Vec<Matrix>,
    /// Of `W`, both spins.
    energy_weighted: Matrix,
}

/// The answer to a perturbation of the Fock matrices of each set of orbitals.
fn answer(
    builder: &dyn FockBuilder,
    scf: &Scf,
    perturbation: &[Matrix],
) -> Result<Answer, ResponseError> {
    scf.check_stationary()?;
    let point = Point::new(builder, &scf.orbitals, &scf.fock);
    let source = point.project(perturbation);
    let kappa = solve(&point, &source)?;
    let densities = point.density_change(&kappa);
    let induced = builder.response(&scf.densities(), std::slice::from_ref(&densities)).remove(0);
    let spins = scf.reference.spins_per_set();
    let n = densities[0].rows();
    let mut energy_weighted = Matrix::zeros(n, n);
    for (set, change) in densities.iter().enumerate() {
        // W = P F P
        let (p, f) = (scf.orbitals[set].density(), &scf.fock[set]);
        let mut f_change = perturbation[set].clone();
        f_change.add(1.0, &induced[set]);
        let half = change.times(f).times(&p);
        energy_weighted.add(spins, &half);
        energy_weighted.add(spins, &half.transposed());
        energy_weighted.add(spins, &p.times(&f_change).times(&p));
    }
    Ok(Answer { densities, energy_weighted })
}

/// `h kappa = -source` by conjugate gradients with the gaps as preconditioner.
fn solve(point: &Point<'_>, source: &[f64]) -> Result<Rotation, ResponseError> {
    let gaps = point.gaps();
    let scaled =
        |r: &[f64]| -> Rotation { r.iter().zip(&gaps).map(|(r, gap)| r / gap.max(0.05)).collect() };
    let mut kappa = vec![0.0; source.len()];
    let mut residual: Rotation = source.iter().map(|s| -s).collect();
    let wanted = TOLERANCE * norm(source);
    let mut z = scaled(&residual);
    let mut direction = z.clone();
    let mut rz = dot(&residual, &z);
    for _ in 0..PRODUCTS {
        if norm(&residual) <= wanted {
            return Ok(kappa);
        }
        let image = point.hessian(Symmetry::Own, std::slice::from_ref(&direction)).remove(0);
        let curvature = dot(&direction, &image);
        if curvature.is_nan() || curvature <= 0.0 {
            let curvature_ha = curvature / dot(&direction, &direction);
            return Err(ResponseError::NoMinimum { curvature_ha });
        }
        let length = rz / curvature;
        add(&mut kappa, length, &direction);
        add(&mut residual, -length, &image);
        z = scaled(&residual);
        let next = dot(&residual, &z);
        direction = z.iter().zip(&direction).map(|(z, d)| z + next / rz * d).collect();
        rz = next;
    }
    let residual = norm(&residual) / norm(source);
    Err(ResponseError::NotConverged { residual, products: PRODUCTS })
}

/// `densities + t changes`.
fn sums(densities: &[Matrix], t: f64, changes: &[Matrix]) -> Vec<Matrix> {
    let sum = |(density, change): (&Matrix, &Matrix)| {
        let mut sum = density.clone();
        sum.add(t, change);
        sum
    };
    densities.iter().zip(changes).map(sum).collect()
}

/// `-(g_+ - g_-)/2` of everything: the derivative of the dipole moment from those of the energy.
fn half_difference(sides: &[EnergyGradient]) -> EnergyGradient {
    let each = |up: &[f64], down: &[f64]| -> Vec<f64> {
        up.iter().zip(down).map(|(up, down)| -0.5 * (up - down)).collect()
    };
    let vectors = |up: &[[f64; 3]], down: &[[f64; 3]]| -> Vec<[f64; 3]> {
        up.iter().zip(down).map(|(up, down)| [0, 1, 2].map(|k| -0.5 * (up[k] - down[k]))).collect()
    };
    let shells = |up: &[Vec<f64>], down: &[Vec<f64>]| -> Vec<Vec<f64>> {
        up.iter().zip(down).map(|(up, down)| each(up, down)).collect()
    };
    let [up, down] = sides else { unreachable!("two sides are made") };
    EnergyGradient {
        positions: vectors(&up.positions, &down.positions),
        charges: each(&up.charges, &down.charges),
        electric_field: [0, 1, 2].map(|k| -0.5 * (up.electric_field[k] - down.electric_field[k])),
        exponents: shells(&up.exponents, &down.exponents),
        coefficients: shells(&up.coefficients, &down.coefficients),
    }
}
