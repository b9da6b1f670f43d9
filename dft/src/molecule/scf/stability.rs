//! Whether a stationary point is a minimum: the lowest eigenvalue of the orbitals' second derivatives.
//!
//! Seeger & Pople, J. Chem. Phys. 66, 3045 (1977), doi:10.1063/1.434318; the eigenvalue by Davidson's method, J. Comput. Phys. 17, 87
//! (1975), doi:10.1016/0021-9991(75)90065-0.

use crate::molecule::matrix::Matrix;
use crate::molecule::scf::newton::{add, dot, norm};
use crate::molecule::scf::rotation::{Point, Rotation, Symmetry};

/// An eigenvalue below this is an instability, hartree; above it, a rotation of degenerate levels costs nothing, which is none.
pub(in crate::molecule) const UNSTABLE_HA: f64 = -1e-5;

/// The residual at which an eigenvalue has the digits that the verdict needs.
const RESIDUAL: f64 = 1e-4;
/// Expansions of the subspace.
const EXPANSIONS: usize = 40;
/// Vectors at which the subspace is begun anew.
const LARGEST_SUBSPACE: usize = 24;

/// Which rotations are tried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StabilityCheck {
    /// None.
    Off,
    /// The lowest eigenvalue decides the verdict.
    #[default]
    On,
}

/// The lowest eigenvalues of the second derivatives by the orbitals, hartree.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stability {
    /// Within the same kind of orbitals.
    pub internal_ha: f64,
    /// From restricted to unrestricted orbitals. `None` for unrestricted ones.
    pub external_ha: Option<f64>,
}

impl Stability {
    /// Whether it is a minimum within its kind of orbitals, neutral rotations aside.
    pub fn is_minimum(&self) -> bool {
        self.internal_ha > UNSTABLE_HA
    }

    /// Whether letting the spins differ would lower the energy.
    pub fn spins_want_to_differ(&self) -> bool {
        self.external_ha.is_some_and(|value| value <= UNSTABLE_HA)
    }
}

/// The lowest eigenvalue and its rotation. `None` where there is nothing to rotate.
pub(in crate::molecule) fn lowest(
    point: &Point<'_>,
    symmetry: Symmetry,
) -> Option<(f64, Rotation)> {
    let gaps = point.gaps();
    if gaps.is_empty() {
        return None;
    }
    let mut basis: Vec<Rotation> = Vec::new();
    let mut images: Vec<Rotation> = Vec::new();
    for start in starts(&gaps) {
        extend(&mut basis, start);
    }
    let mut best = (f64::INFINITY, gaps.clone());
    for _ in 0..EXPANSIONS {
        images.extend(point.hessian(symmetry, &basis[images.len()..]));
        let (value, vector, image) = ritz(&basis, &images)?;
        best = (value, vector);
        let mut residual = image;
        add(&mut residual, -value, &best.1);
        if norm(&residual) < RESIDUAL {
            break;
        }
        if basis.len() >= LARGEST_SUBSPACE {
            basis = vec![best.1.clone()];
            images = point.hessian(symmetry, &basis);
        }
        let scaled = residual.iter().zip(&gaps).map(|(r, gap)| {
            let divisor = gap - value;
            r / if divisor.abs() < 0.05 { 0.05_f64.copysign(divisor) } else { divisor }
        });
        if !extend(&mut basis, scaled.collect()) {
            break;
        }
    }
    Some(best)
}

/// Rotations of the lowest gaps, each with a little of every other so that no symmetry is left out.
fn starts(gaps: &[f64]) -> Vec<Rotation> {
    let mut order: Vec<usize> = (0..gaps.len()).collect();
    order.sort_by(|a, b| gaps[*a].total_cmp(&gaps[*b]));
    let start = |(k, at): (usize, &usize)| {
        let noise = |j: usize| 0.05 * ((j * (7 * k + 13) + k) as f64 * 0.754_877_666).sin();
        let mut rotation: Rotation =
            (0..gaps.len()).map(|j| noise(j) / (1.0 + gaps[j].max(0.0))).collect();
        rotation[*at] += 1.0;
        rotation
    };
    order.iter().take(4).enumerate().map(start).collect()
}

/// Orthonormalises a vector against the basis and adds it, unless nothing of it is left.
fn extend(basis: &mut Vec<Rotation>, mut vector: Rotation) -> bool {
    let first = norm(&vector);
    for _ in 0..2 {
        for other in basis.iter() {
            let overlap = dot(other, &vector);
            add(&mut vector, -overlap, other);
        }
    }
    let left = norm(&vector);
    if left.is_nan() || left <= 1e-10 * first {
        return false;
    }
    vector.iter_mut().for_each(|x| *x /= left);
    basis.push(vector);
    true
}

/// The lowest Ritz value in a subspace, its vector and its image.
fn ritz(basis: &[Rotation], images: &[Rotation]) -> Option<(f64, Rotation, Rotation)> {
    let m = basis.len();
    let entries = (0..m * m).map(|at| {
        let (i, j) = (at / m, at % m);
        0.5 * (dot(&basis[i], &images[j]) + dot(&basis[j], &images[i]))
    });
    let (values, vectors) = Matrix::from_entries(m, m, entries.collect()).eigen()?;
    let combine = |of: &[Rotation]| {
        let mut sum = vec![0.0; of[0].len()];
        of.iter().enumerate().for_each(|(k, x)| add(&mut sum, vectors.at(k, 0), x));
        sum
    };
    Some((values[0], combine(basis), combine(images)))
}
