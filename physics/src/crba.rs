//! Composite rigid bodies: the mass matrix.

use cotangent_ad::Num;

use crate::kinematics::Placed;
use crate::model::{Model, Parameters};
use crate::scratch::Scratch;

/// The mass matrix, armature included: `nv x nv`, row-major, the lower triangle filled and the rest zero.
///
/// `M_ij = S_j^T I^c_i S_i` for `j` on the way from `i` to the world (Featherstone 2008, table 6.2). The first call makes room
/// for it: a step without constraints has no need of the matrix.
pub fn crba<'s, T: Num>(
    model: &Model,
    parameters: &Parameters<T>,
    placed: &'s mut Placed<'_, T>,
) -> &'s [T] {
    mass_matrix(model, parameters, placed.scratch());
    &placed.scratch().mass
}

/// [`crba`] into `s.mass`, after kinematics.
pub(crate) fn mass_matrix<T: Num>(model: &Model, parameters: &Parameters<T>, s: &mut Scratch<T>) {
    let n = model.nv();
    s.mass.resize(n * n, T::lit(0.0));
    s.composite.clone_from(&s.inertia);
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
