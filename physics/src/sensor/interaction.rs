//! Force and torque between a body and the one that carries it.
//!
//! What the body and all that is on it press there is, with the links `i` of that part, the wrenches `e_c` of its contacts with others and those
//! `p_i` from outside,
//!
//! ```text
//! F = sum_i (I_i a_i + v_i x* I_i v_i) - sum_c e_c - sum_i p_i
//! ```
//!
//! A number of it is `phi = w . F`, `w` being the motion of the sensor's frame along one of its axes or about it. The derivative of `phi`, with `w`
//! held to the frame and `f_i` the force of a link, is wrenches on the links ([`super::wrench`]):
//!
//! ```text
//! A_i = I_i w,     V_i = -w x* I_i v_i - I_i (v_i x w),     P_i = -w x* f_i,     at the frame  P = w x* F
//! ```
//!
//! A body without joints has a share of its link's inertia, which is that with which it was built.

use cotangent_ad::{Pose, Real, Vec3};

use super::Wrenches;
use crate::constraint::{ContactAt, MOST, pull_point};
use crate::force::{each_push, pull_power};
use crate::model::{InteractionReading, Model, Mount, Parameters};
use crate::scratch::{Scratch, lift_pose};
use crate::spatial::{Force, Motion, SpatialInertia};

/// A body and all that is on it.
struct Part {
    /// Of each body, whether it belongs to it.
    bodies: Vec<bool>,
    /// Of each link, whether it belongs to it whole.
    links: Vec<bool>,
    /// The link of which a share belongs to it, and the share.
    share: Option<(usize, SpatialInertia<f64>)>,
}

impl Part {
    fn of(model: &Model, body: usize) -> Self {
        let mut bodies = vec![false; model.bodies.len()];
        let mut links = vec![false; model.links.len()];
        let carrier = |b: usize| model.bodies[b].parent.and_then(|p| model.bodies[p].link);
        let mut share = None;
        for (b, own) in model.bodies.iter().enumerate().skip(body) {
            bodies[b] = b == body || own.parent.is_some_and(|p| bodies[p]);
            if !bodies[b] {
                continue;
            }
            // the links of its joints; where there are none, a share of its carrier's
            let mut next = own.link;
            while let Some(link) = next.filter(|link| Some(*link) != carrier(b)) {
                links[link] = true;
                next = model.links[link].parent;
            }
            if let Some(link) = own.link.filter(|link| !links[*link]) {
                let (_, sum) = share.get_or_insert((link, SpatialInertia::zero()));
                *sum += own.inertia;
            }
        }
        Self { bodies, links, share }
    }

    /// Inertias in world axes about the tree's origin, by link.
    fn inertias<T: Real>(&self, model: &Model, s: &Scratch<T>) -> Vec<(usize, SpatialInertia<T>)> {
        let whole = (0..self.links.len()).filter(|i| self.links[*i]).map(|i| (i, s.inertia[i]));
        let share = self.share.iter().map(|(link, share)| {
            let translation = s.pose[*link].translation - s.origin(model, *link);
            let ([mass], rotational) = ([share.mass].map(T::lit), share.rotational.map(T::lit));
            let own = SpatialInertia { mass, moment: Vec3::lit(share.moment.0), rotational };
            (*link, own.transformed(&Pose { translation, ..s.pose[*link] }))
        });
        share.chain(whole).collect()
    }

    /// The contacts with what does not belong to it: their blocks, and the sign of their force on it.
    fn contacts<'a, T: Real>(
        &'a self,
        model: &'a Model,
        s: &'a Scratch<T>,
    ) -> impl Iterator<Item = (usize, &'a ContactAt<T>, f64)> {
        let blocks = &s.constraints.blocks;
        let of_part = |geom: usize| model.geoms[geom].body.is_some_and(|b| self.bodies[b]);
        blocks.list.iter().enumerate().filter_map(move |(block, own)| {
            let contact = blocks.contact(own)?;
            match model.touch_pairs[contact.pair].geoms.map(of_part) {
                [true, false] => Some((block, contact, -1.0)),
                [false, true] => Some((block, contact, 1.0)),
                _ => None,
            }
        })
    }
}

/// `I a + v x* I v`.
fn inertial_force<T: Real>(link: usize, inertia: &SpatialInertia<T>, s: &Scratch<T>) -> Force<T> {
    let v = s.velocity[link];
    inertia.apply(s.acceleration[link]) + v.cross_force(inertia.apply(v))
}

/// Force and torque of a contact about its own position, by its force along each direction.
fn of_contact<T: Real>(contact: &ContactAt<T>, force: &[T; MOST]) -> [Vec3<T>; 2] {
    let sum = |first: usize| {
        (0..3).fold(Vec3::zero(), |sum, k| sum + contact.frame[k] * force[first + k])
    };
    [sum(0), sum(3)]
}

/// `F` about the tree's origin, which `origin` is.
fn interaction<T: Real>(
    (model, parameters): (&Model, &Parameters<T>),
    part: &Part,
    origin: Vec3<T>,
    s: &Scratch<T>,
) -> Force<T> {
    let mut sum = Force::zero();
    each_push(model, parameters, s, |link, push| {
        if part.links[link] {
            sum += -push;
        }
    });
    for (link, inertia) in part.inertias(model, s) {
        sum += inertial_force(link, &inertia, s);
    }
    for (block, contact, sign) in part.contacts(model, s) {
        let [force, torque] = of_contact(contact, &s.constraints.block_forces[block]);
        let on_part = Force::at(contact.position - origin, force);
        let whole = Force { angular: on_part.angular + torque, ..on_part };
        sum += whole * T::lit(-sign);
    }
    sum
}

/// Frame of the sensor in the world, and the origin of its tree.
fn place<T: Real>(model: &Model, at: &Mount, s: &Scratch<T>) -> (Pose<T>, Vec3<T>) {
    let pose = s.link_pose(at.link) * lift_pose(&at.placement);
    (pose, at.link.map_or_else(Vec3::zero, |link| s.origin(model, link)))
}

/// The three numbers, under the accelerations and contacts of a step.
pub(super) fn read<T: Real>(
    (model, parameters): (&Model, &Parameters<T>),
    (body, at, what): (usize, &Mount, InteractionReading),
    s: &Scratch<T>,
) -> Vec3<T> {
    let (pose, origin) = place(model, at, s);
    let force = interaction((model, parameters), &Part::of(model, body), origin, s);
    pose.rotation.transpose_mul(match what {
        InteractionReading::Force => force.linear,
        InteractionReading::Torque => {
            force.angular - (pose.translation - origin).cross(force.linear)
        }
    })
}

/// The motion `w` of a cotangent.
fn motion(
    pose: &Pose<f64>,
    origin: Vec3<f64>,
    what: InteractionReading,
    y: Vec3<f64>,
) -> Motion<f64> {
    let along = pose.rotation * y;
    match what {
        InteractionReading::Force => Motion { angular: Vec3::zero(), linear: along },
        InteractionReading::Torque => {
            Motion { angular: along, linear: (pose.translation - origin).cross(along) }
        }
    }
}

/// Adds what the cotangent `y_bar` of [`read`] gives where the forces of contacts are held; [`force_bars`] has their share.
pub(super) fn pull(
    model: &Model,
    (body, at, what): (usize, &Mount, InteractionReading),
    y_bar: Vec3<f64>,
    (parameters, parameters_bar): (&Parameters<f64>, &mut Parameters<f64>),
    wrenches: &mut Wrenches,
    s: &Scratch,
) {
    let (part, (pose, origin)) = (Part::of(model, body), place(model, at, s));
    let w = motion(&pose, origin, what, y_bar);
    for (link, inertia) in part.inertias(model, s) {
        let v = s.velocity[link];
        wrenches.acceleration[link] += inertia.apply(w);
        let turned = w.cross_force(inertia.apply(v)) + inertia.apply(v.cross(w));
        wrenches.velocity[link] += -turned;
        wrenches.place[link] += -w.cross_force(inertial_force(link, &inertia, s));
        if part.links[link] {
            let translation = s.pose[link].translation - origin;
            let pairs = [(w, s.acceleration[link]), (-v.cross(w), v)];
            parameters_bar.inertia[link] +=
                SpatialInertia::cotangent(&Pose { translation, ..s.pose[link] }, &pairs);
        }
    }
    for (block, contact, sign) in part.contacts(model, s) {
        let forces = s.constraints.block_forces[block].map(|f| -sign * f);
        let [force, _] = of_contact(contact, &forces);
        let linear = w.at(contact.position - origin);
        let mut frame_bar = [Vec3::zero(); 3];
        for k in 0..3 {
            frame_bar[k] = linear * forces[k] + w.angular * forces[3 + k];
        }
        let bars = (force.cross(w.angular), frame_bar);
        pull_point(model, (parameters, parameters_bar), contact, bars, &mut wrenches.place, s);
    }
    pull_power(model, (parameters, parameters_bar), (w, &part.links), s, |link, against| {
        wrenches.place[link] += against;
    });
    if let Some(link) = at.link {
        let whole = interaction((model, parameters), &part, origin, s);
        wrenches.place[link] += w.cross_force(whole);
    }
}

/// Adds to the cotangents of the contacts' forces what that of a reading gives.
pub(crate) fn force_bars(
    model: &Model,
    (body, at, what): (usize, &Mount, InteractionReading),
    y_bar: &[f64],
    block_bars: &mut [[f64; MOST]],
    s: &Scratch,
) {
    let (pose, origin) = place(model, at, s);
    let w = motion(&pose, origin, what, Vec3([y_bar[0], y_bar[1], y_bar[2]]));
    for (block, contact, sign) in Part::of(model, body).contacts(model, s) {
        let linear = w.at(contact.position - origin);
        for k in 0..s.constraints.blocks.list[block].directions {
            let by = if k < 3 { linear } else { w.angular };
            block_bars[block][k] -= sign * contact.frame[k % 3].dot(by);
        }
    }
}
