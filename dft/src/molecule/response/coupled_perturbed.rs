//! The coupled-perturbed equations: how orbitals turn in a perturbation.
//!
//! `h kappa = -C_v^T B C_o` for a perturbation `B` of the Fock matrices. Only gaps between occupied and empty levels are divided by, so
//! that degenerate levels among either do no harm.

use super::ResponseError;
use crate::molecule::scf::newton::{add, dot, norm};
use crate::molecule::scf::rotation::{Point, Rotation, Symmetry};

/// Residual at which the equations are solved, relative to their right side.
const TOLERANCE: f64 = 1e-10;
/// Products with `h` that they may take.
const PRODUCTS: usize = 100;

/// `h kappa = -source` by conjugate gradients with the gaps as preconditioner.
pub(super) fn solve(point: &Point<'_>, source: &[f64]) -> Result<Rotation, ResponseError> {
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
