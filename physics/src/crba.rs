//! Composite rigid bodies: the mass matrix, and its sparse factors.

use cotangent_ad::{Num, Real};

use crate::kinematics::kinematics;
use crate::model::{Model, Parameters};
use crate::scratch::Scratch;

/// The mass matrix at `q`, armature included, into [`Scratch::mass_matrix`].
///
/// `M_ij = S_j^T I^c_i S_i` for `j` on the way from `i` to the world (Featherstone 2008, table 6.2).
pub fn crba<T: Real>(model: &Model, parameters: &Parameters<T>, q: &[T], s: &mut Scratch<T>) {
    kinematics(model, parameters, q, s);
    composite_masses(model, parameters, s);
}

/// [`crba`] after [`kinematics`].
pub(crate) fn composite_masses<T: Num>(
    model: &Model,
    parameters: &Parameters<T>,
    s: &mut Scratch<T>,
) {
    let n = model.nv();
    s.composite.copy_from_slice(&s.inertia);
    for (i, link) in model.links().iter().enumerate().rev() {
        for d in link.v_at..link.v_at + link.joint.nv() {
            let force = s.composite[i].apply(s.axis[d]);
            let mut other = Some(d);
            while let Some(e) = other {
                s.mass[d * n + e] = s.axis[e].dot(force);
                other = model.dof_parent[e];
            }
            s.mass[d * n + d] += parameters.armature[d];
        }
        if let Some(p) = link.parent {
            let own = s.composite[i];
            s.composite[p] += own;
        }
    }
}

/// `M + diag(h damping) = L^T D L`, filling no entry that the tree does not have (Featherstone 2008, table 6.3), from the mass
/// matrix in `s` into its factors.
pub(crate) fn factorize<T: Num>(model: &Model, damping: &[T], h: f64, s: &mut Scratch<T>) {
    let n = model.nv();
    for d in 0..n {
        let mut other = Some(d);
        while let Some(e) = other {
            s.factor[d * n + e] = s.mass[d * n + e];
            other = model.dof_parent[e];
        }
        s.factor[d * n + d] += damping[d] * h;
    }
    for k in (0..n).rev() {
        let pivot = s.factor[k * n + k].recip();
        let mut next = model.dof_parent[k];
        while let Some(i) = next {
            let a = s.factor[k * n + i] * pivot;
            let mut other = Some(i);
            while let Some(j) = other {
                let change = a * s.factor[k * n + j];
                s.factor[i * n + j] -= change;
                other = model.dof_parent[j];
            }
            s.factor[k * n + i] = a;
            next = model.dof_parent[i];
        }
    }
}

/// `x <- (L^T D L)^-1 x` with the factors in `s` (tables 6.4 and 6.5).
pub(crate) fn solve<T: Num>(model: &Model, factor: &[T], x: &mut [T]) {
    let n = model.nv();
    for k in (0..n).rev() {
        let at_k = x[k];
        let mut next = model.dof_parent[k];
        while let Some(i) = next {
            x[i] -= factor[k * n + i] * at_k;
            next = model.dof_parent[i];
        }
    }
    for k in 0..n {
        let mut sum = x[k] / factor[k * n + k];
        let mut next = model.dof_parent[k];
        while let Some(i) = next {
            sum -= factor[k * n + i] * x[i];
            next = model.dof_parent[i];
        }
        x[k] = sum;
    }
}
