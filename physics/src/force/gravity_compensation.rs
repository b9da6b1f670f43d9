//! Forces that hold a share `c` of a link's weight: `-c m g` at its centre of mass, as the wrench `c I a_0` with gravity as the
//! acceleration `a_0 = -g` of the world.

use cotangent_ad::Num;

use super::LinkSums;
use crate::model::{Model, Parameters};
use crate::rnea::world_acceleration;
use crate::scratch::{Scratch, lift_pose};
use crate::spatial::{Motion, SpatialInertia};

pub(super) fn subtract<T: Num>(model: &Model, parameters: &Parameters<T>, s: &mut Scratch<T>) {
    if !model.has_gravity_compensation {
        return;
    }
    let world = world_acceleration(parameters);
    for (i, share) in parameters.gravity_compensation.iter().enumerate() {
        s.force[i] = s.force[i] - s.inertia[i].apply(world) * *share;
    }
}

pub(super) fn pull(
    model: &Model,
    parameters: &Parameters<f64>,
    s: &Scratch,
    virtual_velocity: &[Motion<f64>],
    sums: &mut [LinkSums],
    mut parameters_bar: Option<&mut Parameters<f64>>,
) {
    if !model.has_gravity_compensation {
        return;
    }
    let world = world_acceleration(parameters);
    for (i, share) in parameters.gravity_compensation.iter().enumerate() {
        let (w, inertia) = (virtual_velocity[i], &s.inertia[i]);
        sums[i].f = sums[i].f - inertia.apply(world) * *share;
        // h = I w stands in the sums already
        let h = sums[i].h;
        sums[i].c += h * *share;
        if let Some(bar) = &mut parameters_bar {
            bar.gravity_compensation[i] -= world.dot(h);
            bar.gravity += h.linear * *share;
            let mut pose = lift_pose::<f64>(&s.pose[i]);
            pose.translation -= s.origin(model, i);
            bar.inertia[i] += SpatialInertia::cotangent(&pose, &[(w * -share, world)]);
        }
    }
}
