//! The derivative of an eigenvector.

use super::position_of_largest;
use crate::one_d::linear::banded::{BandedLu, Pentadiagonal};
use crate::one_d::linear::twisted::Twisted;
use crate::one_d::linear::vector::{axpy, dot, project_out};

/// Residual, relative to the right-hand side, above which the solve without exchanged pivots is not trusted.
const TRUSTED: f64 = 1e-9;

/// Adjoint of an eigenvector: `x` with `(H - e) x = (I - P) b`, `x` orthogonal to `phi` and to `with`.
///
/// `d phi = -(H - e)^+ dH phi`, so a cotangent `b` of `phi` becomes `-phi_i x_i` on the potential. `with` lists other
/// states of the same occupation: their contributions to a density's derivative cancel pairwise, so projecting them out
/// is exact and keeps a degenerate pair of occupied states from dividing by zero.
///
/// One banded solve: the row where `|phi|` is largest is pinned, which makes the singular matrix regular, and the
/// projection afterwards restores orthogonality. A second solve, of what the first one leaves, stands for pivoting; where that does
/// not do, pivots are exchanged.
///
/// # Shapes
/// `phi`, each of `with`, `b` and the result: `n`.
pub fn eigenvector_adjoint(
    h: &Pentadiagonal,
    energy_ha: f64,
    phi: &[f64],
    with: &[&[f64]],
    b: &[f64],
) -> Vec<f64> {
    let project = |x: &mut [f64]| project_out(std::iter::once(phi).chain(with.iter().copied()), x);
    let mut right = b.to_vec();
    project(&mut right);
    let largest = position_of_largest(phi).min(phi.len() - 2);
    let factor = Twisted::new(h, energy_ha, largest);
    let mut x = right.clone();
    factor.solve_pinned(&mut x);
    project(&mut x);
    let mut left = remainder(h, energy_ha, &x, &right);
    project(&mut left);
    let allowed = TRUSTED * dot(&right, &right).sqrt();
    if dot(&left, &left).sqrt() > 1e-3 * allowed {
        factor.solve_pinned(&mut left);
        project(&mut left);
        axpy(&mut x, 1.0, &left);
        left = remainder(h, energy_ha, &x, &right);
        project(&mut left);
    }
    // written so that a residual that is no number is not trusted either
    let trusted = dot(&left, &left).sqrt() <= allowed;
    if !trusted {
        x = right;
        BandedLu::pinned(h, energy_ha, largest).solve(&mut x);
        project(&mut x);
    }
    x
}

/// `b - (H - e) x`.
fn remainder(h: &Pentadiagonal, energy_ha: f64, x: &[f64], b: &[f64]) -> Vec<f64> {
    let mut image = vec![0.0; x.len()];
    h.apply(x, &mut image);
    (0..x.len()).map(|i| b[i] - image[i] + energy_ha * x[i]).collect()
}
