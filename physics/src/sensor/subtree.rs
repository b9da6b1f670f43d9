//! Centre of mass of a subtree, its velocity and its angular momentum: `c = sum (m_i p_i + R_i h_i) / M`, `sum (I_i v_i)_linear / M` and
//! `sum (I_i v_i)_angular - c x sum (I_i v_i)_linear`, with `c` from the point that the momenta are about.

use cotangent_ad::{Real, Vec3};

use super::Wrenches;
use crate::model::{Model, Parameters, SubtreeReading};
use crate::scratch::Scratch;
use crate::spatial::{Force, Motion, SpatialInertia};

/// The links of a subtree, ascending.
fn links(model: &Model, root: usize) -> Vec<usize> {
    let mut within = vec![false; model.links.len()];
    within[root] = true;
    for i in root + 1..within.len() {
        within[i] = model.links[i].parent.is_some_and(|p| within[p]);
    }
    (root..within.len()).filter(|i| within[*i]).collect()
}

/// What is summed of a link: its first moment of mass in the world, or its momentum.
fn part<T: Real>(
    model: &Model,
    parameters: &Parameters<T>,
    (link, what): (usize, SubtreeReading),
    s: &Scratch<T>,
) -> Vec3<T> {
    match what {
        SubtreeReading::Center => {
            let inertia = &parameters.inertia[link];
            // from the tree's origin, about which the inertia in world axes is
            s.inertia[link].moment + s.origin(model, link) * inertia.mass
        }
        SubtreeReading::LinearVelocity => momentum(link, s).linear,
        SubtreeReading::AngularMomentum => momentum(link, s).angular,
    }
}

fn momentum<T: Real>(link: usize, s: &Scratch<T>) -> Force<T> {
    s.inertia[link].apply(s.velocity[link])
}

fn mass<T: Real>(parameters: &Parameters<T>, links: &[usize]) -> T {
    links.iter().fold(T::lit(0.0), |sum, i| sum + parameters.inertia[*i].mass)
}

/// The three numbers; NaN of a subtree without mass.
pub(super) fn read<T: Real>(
    model: &Model,
    parameters: &Parameters<T>,
    (root, what): (usize, SubtreeReading),
    s: &Scratch<T>,
) -> Vec3<T> {
    if what == SubtreeReading::AngularMomentum {
        return angular_momentum(model, parameters, root, s);
    }
    let links = links(model, root);
    let sum =
        links.iter().fold(Vec3::zero(), |sum, i| sum + part(model, parameters, (*i, what), s));
    sum * mass(parameters, &links).recip()
}

/// About the centre of mass.
fn angular_momentum<T: Real>(
    model: &Model,
    parameters: &Parameters<T>,
    root: usize,
    s: &Scratch<T>,
) -> Vec3<T> {
    let sum = links(model, root).iter().fold(Force::zero(), |sum, i| sum + momentum(*i, s));
    let center = read(model, parameters, (root, SubtreeReading::Center), s);
    sum.angular - (center - s.origin(model, root)).cross(sum.linear)
}

/// The adjoint of [`angular_momentum`]: with the motion `u` of a turn about the centre it is `sum u . I_i v_i`, and the centre has a cotangent of its own.
fn pull_angular_momentum(
    model: &Model,
    parameters: &Parameters<f64>,
    (root, y_bar): (usize, Vec3<f64>),
    s: &Scratch,
    (wrenches, parameters_bar): (&mut Wrenches, &mut Parameters<f64>),
) {
    let center = read(model, parameters, (root, SubtreeReading::Center), s);
    let u = Motion { angular: y_bar, linear: (center - s.origin(model, root)).cross(y_bar) };
    let mut linear = Vec3::zero();
    for i in links(model, root) {
        let own = momentum(i, s);
        linear += own.linear;
        wrenches.velocity[i] += s.inertia[i].apply(u);
        wrenches.place[i] += -u.cross_force(own);
        let mut about_origin = s.pose[i];
        about_origin.translation -= s.origin(model, i);
        parameters_bar.inertia[i] +=
            SpatialInertia::cotangent(&about_origin, &[(u, s.velocity[i])]);
    }
    let what = (root, SubtreeReading::Center);
    pull(model, parameters, what, y_bar.cross(linear), s, (wrenches, parameters_bar));
}

/// Adds what the cotangent `y_bar` of the reading gives.
pub(super) fn pull(
    model: &Model,
    parameters: &Parameters<f64>,
    (root, what): (usize, SubtreeReading),
    y_bar: Vec3<f64>,
    s: &Scratch,
    (wrenches, parameters_bar): (&mut Wrenches, &mut Parameters<f64>),
) {
    if what == SubtreeReading::AngularMomentum {
        let by = (wrenches, parameters_bar);
        return pull_angular_momentum(model, parameters, (root, y_bar), s, by);
    }
    let along = y_bar * mass(parameters, &links(model, root)).recip();
    let y = read(model, parameters, (root, what), s);
    for i in links(model, root) {
        let (pose, inertia) = (s.pose[i], &s.inertia[i]);
        let bar = &mut parameters_bar.inertia[i];
        bar.mass -= along.dot(y);
        match what {
            SubtreeReading::Center => {
                // the force `along` on every part of the mass
                let linear = along * inertia.mass;
                wrenches.place[i] += Force { angular: inertia.moment.cross(along), linear };
                bar.mass += along.dot(pose.translation);
                bar.moment += pose.rotation.transpose_mul(along);
            }
            SubtreeReading::LinearVelocity | SubtreeReading::AngularMomentum => {
                let push = Motion { angular: Vec3::zero(), linear: along };
                let momentum = inertia.apply(s.velocity[i]).linear;
                // the momentum turns with the link
                let turned = Force { angular: momentum.cross(along), linear: Vec3::zero() };
                wrenches.place[i] += turned;
                wrenches.velocity[i] += inertia.apply(push);
                let mut about_origin = pose;
                about_origin.translation = pose.translation - s.origin(model, i);
                *bar += SpatialInertia::cotangent(&about_origin, &[(push, s.velocity[i])]);
            }
        }
    }
}
