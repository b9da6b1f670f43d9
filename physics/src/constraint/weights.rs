//! Inverse inertias at the reference configuration, which scale the softness of constraints (MuJoCo's `invweight0`).
//!
//! Of a body `tr(J M^-1 J^T)/3`, with `J` the velocity of its centre of mass, and its angular velocity; of a coordinate the mean of the
//! diagonal of `M^-1` over its joint, translation and rotation apart; of a tendon `J M^-1 J^T`. A lone body on slides alone, along its
//! own axes, counts as one over its mass.

use cotangent_ad::{Num, Pose, Real, Vec3};

use crate::aba::{factorize, solve};
use crate::kinematics::place_links;
use crate::model::{Model, Parameters, Weights};
use crate::routes::lay;
use crate::scratch::Scratch;
use crate::spatial::{Force, Motion, SpatialInertia};

/// What an inverse inertia is of.
#[derive(Clone, Copy, Debug)]
enum Of {
    /// A body's, for translation or rotation.
    Body(usize, usize),
    /// Coordinates from the first on, which share it.
    Coordinates(usize, usize),
    Tendon(usize),
}

impl Of {
    fn add<T: Num>(self, w: &mut Weights<T>, x: T) {
        match self {
            Self::Body(body, k) => w.bodies[body][k] += x,
            Self::Coordinates(first, count) => {
                w.coordinates[first..first + count].iter_mut().for_each(|w| *w += x);
            }
            Self::Tendon(tendon) => w.tendons[tendon] += x,
        }
    }

    /// The cotangent of one term of it.
    fn sum(self, w: &Weights<f64>) -> f64 {
        match self {
            Self::Body(body, k) => w.bodies[body][k],
            Self::Coordinates(first, count) => w.coordinates[first..first + count].iter().sum(),
            Self::Tendon(tendon) => w.tendons[tendon],
        }
    }
}

/// A sparse row of a Jacobian.
type SparseRow<T> = Vec<(usize, T)>;

/// Calls `visit` with every row `j` whose `j M^-1 j^T`, times a factor, is part of an inverse inertia; after kinematics at the reference.
fn each_row<T: Real>(
    model: &Model,
    s: &mut Scratch<T>,
    mut visit: impl FnMut(Of, f64, &SparseRow<T>, &mut Scratch<T>),
) {
    const THIRD: f64 = 1.0 / 3.0;
    for (b, body) in model.bodies.iter().enumerate() {
        let Some(link) = body.link.filter(|_| !body.sliding) else { continue };
        let center = s.pose[link].point(Vec3::lit(body.center.0)) - s.origin(model, link);
        for k in 0..6 {
            let unit = Vec3::unit(k % 3);
            let turn = Force { angular: unit, linear: Vec3::zero() };
            let force = if k < 3 { Force::at(center, unit) } else { turn };
            let mut row = vec![];
            let mut dof = Some(model.links[link].v_at + model.links[link].joint.nv() - 1);
            while let Some(d) = dof {
                row.push((d, s.axis[d].dot(force)));
                dof = model.dof_parent[d];
            }
            visit(Of::Body(b, k / 3), THIRD, &row, s);
        }
    }
    let slid = sliding_coordinates(model);
    for joint in &model.joints {
        let (first, count) = joint.v;
        let shared = count.min(3);
        for d in (first..first + count).filter(|d| slid[*d].is_none()) {
            let of = Of::Coordinates(d - (d - first) % shared, shared);
            visit(of, 1.0 / shared as f64, &vec![(d, T::lit(1.0))], s);
        }
    }
    for tendon in 0..model.tendons.len() {
        let row = s.routes.parts(model, tendon).collect();
        visit(Of::Tendon(tendon), 1.0, &row, s);
    }
}

/// Of each coordinate of a sliding body, the link that carries its mass.
fn sliding_coordinates(model: &Model) -> Vec<Option<usize>> {
    let mut slid = vec![None; model.nv()];
    for body in model.bodies.iter().filter(|b| b.sliding) {
        let mut link = body.link;
        while let Some(l) = link {
            slid[model.links[l].v_at] = body.link;
            link = model.links[l].parent;
        }
    }
    slid
}

/// Kinematics and factors at the reference configuration.
fn at_reference<T: Real>(model: &Model, parameters: &Parameters<T>) -> Scratch<T> {
    let mut s = Scratch::new(model);
    let q: Vec<T> = model.q0.iter().map(|x| T::lit(*x)).collect();
    place_links(model, parameters, &q, &mut s);
    lay(model, &q, &mut s);
    factorize(model, parameters, |_| None, &mut s);
    s
}

/// `M^-1 j^T`.
fn solved<T: Num>(model: &Model, row: &SparseRow<T>, s: &mut Scratch<T>) -> Vec<T> {
    let mut x = vec![T::lit(0.0); model.nv()];
    row.iter().for_each(|(dof, rate)| x[*dof] += *rate);
    solve(model, &mut x, s);
    x
}

/// The inverse inertias of a model with these numbers.
pub(crate) fn weights<T: Real>(model: &Model, parameters: &Parameters<T>) -> Weights<T> {
    let (mut s, zero) = (at_reference(model, parameters), T::lit(0.0));
    let mut w = Weights {
        bodies: vec![[zero; 2]; model.bodies.len()],
        coordinates: vec![zero; model.nv()],
        tendons: vec![zero; model.tendons.len()],
    };
    each_row(model, &mut s, |of, factor, row, s| {
        let x = solved(model, row, s);
        let product = row.iter().fold(zero, |sum, (dof, rate)| sum + *rate * x[*dof]);
        of.add(&mut w, product * factor);
    });
    for (b, body) in model.bodies.iter().enumerate().filter(|(_, b)| b.sliding) {
        if let Some(link) = body.link {
            w.bodies[b][0] = parameters.inertia[link].mass.recip();
        }
    }
    for (d, link) in sliding_coordinates(model).into_iter().enumerate() {
        if let Some(link) = link {
            w.coordinates[d] = parameters.inertia[link].mass.recip();
        }
    }
    w
}

/// Adds to the cotangents of inertias and armatures what those of the inverse inertias in `bar` give.
///
/// `d (j M^-1 j^T) = -x^T dM x` with `x = M^-1 j^T`, which is a product of each link's velocities under `x`.
pub(crate) fn pull_weights(model: &Model, parameters: &Parameters<f64>, bar: &mut Parameters<f64>) {
    let mut s = at_reference(model, parameters);
    let weights_bar = bar.constraints.weights.clone();
    each_row(model, &mut s, |of, factor, row, s| {
        let by = -factor * of.sum(&weights_bar);
        if by == 0.0 {
            return;
        }
        let x = solved(model, row, s);
        for (d, x) in x.iter().enumerate() {
            bar.armature[d] += by * x * x;
        }
        for (i, link) in model.links.iter().enumerate() {
            let mut v = link.parent.map_or_else(Motion::zero, |p| s.velocity[p]);
            for d in link.v_at..link.v_at + link.joint.nv() {
                v += s.axis[d] * x[d];
            }
            s.velocity[i] = v;
            let translation = s.pose[i].translation - s.origin(model, i);
            let pose = Pose { translation, ..s.pose[i] };
            bar.inertia[i] += SpatialInertia::cotangent(&pose, &[(v * by, v)]);
        }
    });
    for (b, body) in model.bodies.iter().enumerate().filter(|(_, b)| b.sliding) {
        if let Some(link) = body.link {
            let mass = parameters.inertia[link].mass;
            bar.inertia[link].mass -= weights_bar.bodies[b][0] / (mass * mass);
        }
    }
    for (d, link) in sliding_coordinates(model).into_iter().enumerate() {
        if let Some(link) = link {
            let mass = parameters.inertia[link].mass;
            bar.inertia[link].mass -= weights_bar.coordinates[d] / (mass * mass);
        }
    }
}
