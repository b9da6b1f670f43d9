//! The last step of building: masses onto links, boxes for the fluid, and whether the mass matrix can be inverted.

use cotangent_ad::{Pose, Vec3};

use super::constraint::Touching;
use super::{BuildError, Load, ModelBuilder, named, sensor};
use crate::aba::factorize;
use crate::constraint::weights;
use crate::kinematics::place_links;
use crate::model::{FluidBody, Geom, MOST_PAIRS, Model, Weights};
use crate::scratch::Scratch;
use crate::spatial::principal_axes;
use crate::state::displace;

/// A pivot below this share of the coordinate's whole inertia is rounding.
const LEAST_PIVOT: f64 = 1e-12;

impl ModelBuilder {
    /// The model.
    ///
    /// # Errors
    /// A joint without inertia of its own, bodies fixed to each other of different gravity compensation, geoms that may touch and whose
    /// contact is not known, a sensor that would not know all of the force that it measures.
    pub fn build(self) -> Result<Model, BuildError> {
        let (model, touching) = self.build_in_part()?;
        if touching.too_many {
            return Err(BuildError::TooManyPairs(MOST_PAIRS));
        }
        let Some([first, second]) =
            touching.unsupported.first().map(|pair| pair.map(|g| &model.geoms[g]))
        else {
            return Ok(model);
        };
        let name = |geom: &Geom| format!("{} ({})", named("geom", &geom.name), geom.shape.name());
        Err(BuildError::UnsupportedPair { first: name(first), second: name(second) })
    }

    /// The model without the contact of pairs of geoms for which it is not known, and which these are.
    pub(crate) fn build_in_part(self) -> Result<(Model, Touching), BuildError> {
        let Self { mut model, loads, contacts, fused, .. } = self;
        sensor::all_known(&model)?;
        let mut moments = model.tendons.iter().map(|t| t.dofs.len()).sum();
        for thrust in &mut model.thrusts {
            thrust.at = moments;
            moments += thrust.dofs.len();
        }
        for crank in &mut model.cranks {
            crank.at = moments;
            moments += crank.dofs.len();
        }
        let mut held = vec![None; model.links.len()];
        for (body, load) in model.bodies.iter_mut().zip(&loads) {
            let (Some(link), Some(inertia)) = (body.link, load.inertia) else { continue };
            body.inertia = inertia.transformed(&body.placement);
            model.parameters.inertia[link] += body.inertia;
            if inertia.mass > 0.0 {
                if held[link].is_some_and(|share: f64| {
                    share.to_bits() != load.gravity_compensation.to_bits()
                }) {
                    return Err(BuildError::MixedCompensation { body: body.name.clone() });
                }
                held[link] = Some(load.gravity_compensation);
            }
        }
        for (link, share) in held.into_iter().enumerate() {
            model.parameters.gravity_compensation[link] = share.unwrap_or(0.0);
        }
        if model.parameters.fluid.iter().any(|x| *x > 0.0) {
            model.fluid = fluid_bodies(&model, &loads);
        }
        model.free_bodies = free_bodies(&model);
        let parameters = model.parameters.clone();
        model.set_parameters(parameters);
        check_pivots(&model, &loads)?;
        let mut touching = Touching::of(&model, &contacts);
        model.touch_pairs = std::mem::take(&mut touching.pairs);
        place_centers(&mut model, &loads);
        if fused {
            fuse(&mut model);
        }
        weigh_constraints(&mut model);
        Ok((model, touching))
    }
}

/// Centres of mass of the bodies, and which of them slide alone.
fn place_centers(model: &mut Model, loads: &[Load]) {
    let mut has_child = vec![false; loads.len()];
    loads.iter().filter_map(|l| l.parent).for_each(|p| has_child[p] = true);
    for (k, load) in loads.iter().enumerate() {
        let body = &mut model.bodies[k];
        let Some(inertia) = load.inertia.filter(|i| i.mass > 0.0) else {
            // where MuJoCo has the centre of a body without mass: as an inertia says or, where there is none, at the body's own place
            let center = load.principal.map_or(Vec3(load.place), |(pose, _)| pose.translation);
            body.center = body.placement.point(center);
            continue;
        };
        body.center = body.placement.point(inertia.moment * inertia.mass.recip());
        let at_root = load.parent.is_none_or(|p| loads[p].parent.is_none() && !loads[p].jointed);
        body.sliding = load.slides && at_root && !has_child[k] && is_principal(load);
    }
}

/// Bodies of one link have the centre of mass of all of them; one that slides with others fixed to it slides as a body of its own does not.
fn fuse(model: &mut Model) {
    let mut on_link = vec![0; model.links.len()];
    model.bodies.iter().filter_map(|b| b.link).for_each(|link| on_link[link] += 1);
    for body in &mut model.bodies {
        let Some(link) = body.link.filter(|link| on_link[*link] > 1) else { continue };
        let whole = &model.parameters.inertia[link];
        if whole.mass > 0.0 {
            body.center = whole.moment * whole.mass.recip();
            body.sliding = false;
        }
    }
}

/// The inverse inertias of the bodies at their centres.
fn weigh_constraints(model: &mut Model) {
    model.parameters.constraints.weights = if model.is_constrained() {
        weights(model, &model.parameters)
    } else {
        // nothing is scaled by them
        Weights {
            bodies: vec![[0.0; 2]; model.bodies.len()],
            coordinates: vec![0.0; model.nv()],
            tendons: vec![0.0; model.tendons.len()],
        }
    };
}

/// Whether a body's frame is at its centre of mass, along its principal axes.
fn is_principal(load: &Load) -> bool {
    let Some(inertia) = load.inertia else { return false };
    let pose = load.principal.map_or_else(
        || {
            let (_, turn) = principal_axes(&inertia.at_center());
            let translation = inertia.moment * inertia.mass.recip();
            Pose { rotation: turn.to_mat(), translation }
        },
        |(pose, _)| pose,
    );
    let identity: Pose<f64> = Pose::identity();
    let near = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-14);
    near(&pose.translation.0, &[0.0; 3])
        && near(pose.rotation.0.as_flattened(), identity.rotation.0.as_flattened())
}

/// Links of free bodies that nothing moves against.
fn free_bodies(model: &Model) -> Vec<usize> {
    let free = model.joints.iter().filter(|j| j.v.1 == 6).map(|j| j.link + 1);
    let alone = |link: &usize| model.links.iter().all(|l| l.parent != Some(*link));
    free.filter(alone).collect()
}

/// The boxes of moving bodies with mass.
fn fluid_bodies(model: &Model, loads: &[Load]) -> Vec<FluidBody> {
    let mut fluid = vec![];
    for (body, load) in model.bodies.iter().zip(loads) {
        let (Some(link), Some(inertia)) = (body.link, load.inertia) else { continue };
        if inertia.mass < 1e-15 {
            continue;
        }
        let (pose, [a, b, c]) = load.principal.unwrap_or_else(|| {
            let (moments, turn) = principal_axes(&inertia.at_center());
            let translation = inertia.moment * inertia.mass.recip();
            (Pose { rotation: turn.to_mat(), translation }, moments)
        });
        let edge = |twice: f64| (twice.max(1e-15) / inertia.mass * 6.0).sqrt();
        let edges = [edge(b + c - a), edge(a + c - b), edge(a + b - c)];
        fluid.push(FluidBody { link, pose: body.placement * pose, edges });
    }
    fluid
}

/// Refuses a model whose mass matrix is singular wherever it stands: at the reference, and at other configurations.
fn check_pivots(model: &Model, loads: &[Load]) -> Result<(), BuildError> {
    let mut s = Scratch::new(model);
    let mut q = model.q0.clone();
    for attempt in 0..3 {
        // away from a reference that may be singular by chance, such as a gimbal's lock
        let turned = |d: usize| f64::from(attempt) * (0.7 + 0.3 * (1.7 * d as f64).sin());
        let d: Vec<f64> = (0..model.nv()).map(turned).collect();
        displace(model, &model.q0, &d, &mut q);
        place_links(model, &model.parameters, &q, &mut s);
        factorize(model, &model.parameters, |_| None, &mut s);
        let Some(dof) = singular(model, &mut s) else { return Ok(()) };
        if attempt == 2 {
            let link = model.dof_link[dof];
            let joint = model.joints.iter().find(|j| (j.v.0..j.v.0 + j.v.1).contains(&dof));
            let nearest = |l: usize| {
                model.bodies.iter().zip(loads).find(|(b, load)| b.link == Some(l) && load.jointed)
            };
            // a link without a body of its own: the body whose further joints it carries
            let body = (link..model.links.len()).find_map(nearest);
            return Err(BuildError::Massless {
                joint: joint.map(|j| j.name.clone()).unwrap_or_default(),
                body: body.map(|(b, _)| b.name.clone()).unwrap_or_default(),
            });
        }
    }
    Ok(())
}

/// The first coordinate whose pivot is nothing beside the inertia that it moves, others held.
fn singular(model: &Model, s: &mut Scratch) -> Option<usize> {
    s.composite.clone_from(&s.inertia);
    let mut found = None;
    for (i, link) in model.links.iter().enumerate().rev() {
        for d in link.v_at..link.v_at + link.joint.nv() {
            let whole =
                s.axis[d].dot(s.composite[i].apply(s.axis[d])) + model.parameters.armature[d];
            let pivot = s.pivot[d].recip();
            if whole < 1e-15 || pivot.is_nan() || pivot < LEAST_PIVOT * whole {
                found = Some(d);
            }
        }
        if let Some(p) = link.parent {
            let own = s.composite[i];
            s.composite[p] += own;
        }
    }
    found
}
