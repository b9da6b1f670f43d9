//! Forces from outside: a force and a torque on each link in world axes, at the centre of mass that the model was built with.
//!
//! The derivative: `-w . f` of a link with the force `F` at `x` and the torque `N` is, under the virtual velocity `w`, `-(F . w_x + N . w)`. What
//! turns above joint `j` turns neither `F` nor `N`, which seen from the link turn the other way: that adds `S_j . (F x w_x + N x w)` to the part
//! of forces that turn with their link.

use cotangent_ad::{Num, Vec3};

use super::LinkSums;
use crate::derivative::MotionToForce;
use crate::model::{Model, Parameters};
use crate::scratch::Scratch;
use crate::spatial::{Force, Motion};

/// The force and torque on a link, and where the force acts from the origin of its tree.
struct Push<T> {
    link: usize,
    force: Vec3<T>,
    torque: Vec3<T>,
    point: Vec3<T>,
}

impl<T: Num> Push<T> {
    /// The wrench about the origin of the tree.
    fn wrench(&self) -> Force<T> {
        let force = Force::at(self.point, self.force);
        Force { angular: force.angular + self.torque, ..force }
    }

    /// Velocity of the point where it acts, and angular velocity.
    fn under(&self, w: Motion<T>) -> [Vec3<T>; 2] {
        [w.at(self.point), w.angular]
    }

    /// `F x w_x + N x w`: how a world that turns contracts with its power under `w`.
    fn turning(&self, w: Motion<T>) -> Vec3<T> {
        let [linear, angular] = self.under(w);
        self.force.cross(linear) + self.torque.cross(angular)
    }
}

/// Those on all links, none where nothing pushes.
fn pushes<'a, T: Num>(
    model: &'a Model,
    parameters: &'a Parameters<T>,
    s: &'a Scratch<T>,
) -> impl Iterator<Item = Push<T>> + 'a {
    (0..parameters.external.len()).map(|link| push_on(model, parameters, link, s))
}

fn push_on<T: Num>(
    model: &Model,
    parameters: &Parameters<T>,
    link: usize,
    s: &Scratch<T>,
) -> Push<T> {
    let [fx, fy, fz, nx, ny, nz] = parameters.external[link];
    let built = &model.parameters.inertia[link];
    let center = if built.mass > 0.0 { built.moment * built.mass.recip() } else { Vec3::zero() };
    let point = s.pose[link].point(Vec3::lit(center.0)) - s.origin(model, link);
    Push { link, force: Vec3([fx, fy, fz]), torque: Vec3([nx, ny, nz]), point }
}

/// Calls `f` with each link that is pushed, and the wrench about the origin of its tree.
pub(crate) fn each_push<T: Num>(
    model: &Model,
    parameters: &Parameters<T>,
    s: &Scratch<T>,
    mut f: impl FnMut(usize, Force<T>),
) {
    pushes(model, parameters, s).for_each(|push| f(push.link, push.wrench()));
}

/// What maps a motion of each link to how a turning world contracts with the power of its push under it; none where nothing pushes.
pub(crate) fn push_matrices(
    model: &Model,
    parameters: &Parameters<f64>,
    s: &Scratch,
) -> Vec<MotionToForce> {
    let turning = |push: Push<f64>| {
        MotionToForce::of(|w| Force { angular: push.turning(w), linear: Vec3::zero() })
    };
    pushes(model, parameters, s).map(turning).collect()
}

pub(super) fn subtract<T: Num>(model: &Model, parameters: &Parameters<T>, s: &mut Scratch<T>) {
    for link in 0..parameters.external.len() {
        s.force[link] = s.force[link] - push_on(model, parameters, link, s).wrench();
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
    for push in pushes(model, parameters, s) {
        let (w, sum) = (virtual_velocity[push.link], &mut sums[push.link]);
        sum.f = sum.f - push.wrench();
        sum.turning += push.turning(w);
        if let Some(bar) = &mut parameters_bar {
            subtract_power(push.under(w), &mut bar.external[push.link]);
        }
    }
}

/// Takes the derivatives of the power of a push from the cotangent of its six numbers.
fn subtract_power([linear, angular]: [Vec3<f64>; 2], bar: &mut [f64; 6]) {
    for k in 0..3 {
        bar[k] -= linear[k];
        bar[3 + k] -= angular[k];
    }
}

/// Of the power of what pushes the links of `of` under a motion `w` that they share, taken from a reading: calls `f` with each link and the wrench
/// against small displacements of it that the reading has as its derivative, and adds to the cotangent of the parameters.
pub(crate) fn pull_power(
    model: &Model,
    (parameters, parameters_bar): (&Parameters<f64>, &mut Parameters<f64>),
    (w, of): (Motion<f64>, &[bool]),
    s: &Scratch,
    mut f: impl FnMut(usize, Force<f64>),
) {
    for push in pushes(model, parameters, s).filter(|push| of[push.link]) {
        f(push.link, Force::at(push.point, w.angular.cross(push.force)));
        subtract_power(push.under(w), &mut parameters_bar.external[push.link]);
    }
}
