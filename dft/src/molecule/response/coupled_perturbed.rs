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

/// One right side on its way.
struct Solving {
    kappa: Rotation,
    residual: Rotation,
    direction: Rotation,
    /// Residual times preconditioned residual.
    rz: f64,
    wanted: f64,
}

impl Solving {
    fn is_done(&self) -> bool {
        norm(&self.residual) <= self.wanted
    }

    /// A step of conjugate gradients, with the image of the direction.
    fn step(
        &mut self,
        image: &[f64],
        scaled: &dyn Fn(&[f64]) -> Rotation,
    ) -> Result<(), ResponseError> {
        let curvature = dot(&self.direction, image);
        if curvature.is_nan() || curvature <= 0.0 {
            let curvature_ha = curvature / dot(&self.direction, &self.direction);
            return Err(ResponseError::NoMinimum { curvature_ha });
        }
        let length = self.rz / curvature;
        add(&mut self.kappa, length, &self.direction);
        add(&mut self.residual, -length, image);
        let z = scaled(&self.residual);
        let next = dot(&self.residual, &z);
        let beta = next / self.rz;
        self.direction = z.iter().zip(&self.direction).map(|(z, d)| z + beta * d).collect();
        self.rz = next;
        Ok(())
    }
}

/// `h kappa = -source` for several sources by conjugate gradients with the gaps as preconditioner. Their products with `h` are made
/// together, so that integrals are met once for all of them.
pub(in crate::molecule) fn solve(
    point: &Point<'_>,
    sources: &[Rotation],
) -> Result<Vec<Rotation>, ResponseError> {
    let gaps = point.gaps();
    let scaled =
        |r: &[f64]| -> Rotation { r.iter().zip(&gaps).map(|(r, gap)| r / gap.max(0.05)).collect() };
    let begin = |source: &Rotation| {
        let residual: Rotation = source.iter().map(|s| -s).collect();
        let direction = scaled(&residual);
        let rz = dot(&residual, &direction);
        let wanted = TOLERANCE * norm(source);
        Solving { kappa: vec![0.0; source.len()], residual, direction, rz, wanted }
    };
    let mut all: Vec<Solving> = sources.iter().map(begin).collect();
    for _ in 0..PRODUCTS {
        let mut open: Vec<&mut Solving> = all.iter_mut().filter(|s| !s.is_done()).collect();
        if open.is_empty() {
            break;
        }
        let directions: Vec<Rotation> = open.iter().map(|s| s.direction.clone()).collect();
        let images = point.hessian(Symmetry::Own, &directions);
        for (solving, image) in open.iter_mut().zip(&images) {
            solving.step(image, &scaled)?;
        }
    }
    let done = |(solving, source): (Solving, &Rotation)| {
        if solving.is_done() {
            return Ok(solving.kappa);
        }
        let residual = norm(&solving.residual) / norm(source);
        Err(ResponseError::NotConverged { residual, products: PRODUCTS })
    };
    all.into_iter().zip(sources).map(done).collect()
}
