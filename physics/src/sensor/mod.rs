//! Sensors: what they read, and the adjoint of that.
//!
//! Three-vectors of frames are functions of where a frame is and of its motion seen from itself ([`frame`]); a cotangent of such a
//! reading is a wrench on the link that carries the frame, and one sweep over the tree takes the wrenches of all readings to the coordinates
//! ([`wrench`]). Sums over a subtree give wrenches too ([`subtree`]), and so do forces between bodies ([`interaction`]), quaternions ([`orientation`]), fields ([`magnetometer`]) and rays ([`ray`]). A touch sensor is a sum of contact forces; [`touch`] says of which.

mod cutoff;
mod frame;
mod interaction;
mod magnetometer;
mod orientation;
mod ray;
mod subtree;
mod touch;
mod wrench;

pub(crate) use cutoff::{clamp, mask};
pub(crate) use interaction::force_bars;
pub(crate) use ray::read as range;
pub(crate) use touch::feels;
pub(crate) use wrench::Wrenches;

use cotangent_ad::{Quat, Real, Vec3};

use crate::model::{Model, Parameters, Reading};
use crate::scratch::Scratch;

/// Most numbers of a reading.
pub(crate) const MOST_NUMBERS: usize = 4;

fn three<T: Real>(v: Vec3<T>) -> [T; MOST_NUMBERS] {
    let [x, y, z] = v.0;
    [x, y, z, T::lit(0.0)]
}

/// The quaternion of a ball joint.
fn quaternion<T: Real>(model: &Model, joint: usize, q: &[T]) -> Quat<T> {
    let first = model.joints[joint].q.0;
    Quat([q[first], q[first + 1], q[first + 2], q[first + 3]])
}

/// Reads a frame, a subtree or a ball, after kinematics, velocities and, where it is of accelerations, these. `None` for what is read otherwise.
pub(crate) fn read<T: Real>(
    model: &Model,
    parameters: &Parameters<T>,
    reading: &Reading,
    q: &[T],
    s: &Scratch<T>,
) -> Option<[T; MOST_NUMBERS]> {
    match *reading {
        Reading::Frame { of, relative_to, what } => {
            let seen = frame::see(model, parameters, &of, s);
            let from = relative_to.map(|from| frame::see(model, parameters, &from, s));
            Some(three(frame::measure(what, &seen, from.as_ref())))
        }
        Reading::Subtree { link, what } => {
            Some(three(subtree::read(model, parameters, (link, what), s)))
        }
        Reading::Orientation { of, relative_to } => {
            Some(orientation::read(model, (&of, relative_to.as_ref()), q))
        }
        Reading::Magnetometer { of, field } => Some(three(magnetometer::read((&of, field), s))),
        Reading::Interaction { body, at, what } => {
            Some(three(interaction::read((model, parameters), (body, &at, what), s)))
        }
        Reading::BallOrientation(joint) => Some(quaternion(model, joint, q).normalized().0),
        Reading::Range { of, body } => {
            let (distance, _) = ray::read(model, parameters, (&of, body), s);
            Some(three(Vec3([distance, T::lit(0.0), T::lit(0.0)])))
        }
        _ => None,
    }
}

/// Adds to wrenches, and to the cotangents of configuration and parameters, what `y_bar` of [`read`] gives.
pub(crate) fn pull(
    model: &Model,
    parameters: &Parameters<f64>,
    (reading, y_bar): (&Reading, &[f64]),
    q: &[f64],
    s: &Scratch,
    (wrenches, q_bar, parameters_bar): (&mut Wrenches, &mut [f64], &mut Parameters<f64>),
) {
    let three = || Vec3([y_bar[0], y_bar[1], y_bar[2]]);
    match *reading {
        Reading::Frame { of, relative_to, what } => {
            let seen = frame::see(model, parameters, &of, s);
            let from = relative_to.map(|from| frame::see(model, parameters, &from, s));
            let bars = frame::pull(what, (&seen, from.as_ref()), three());
            wrenches.add(model, (&of, &seen), &bars[0], s);
            if let (Some(mount), Some(from)) = (&relative_to, &from) {
                wrenches.add(model, (mount, from), &bars[1], s);
            }
        }
        Reading::Subtree { link, what } => {
            let by = (wrenches, parameters_bar);
            subtree::pull(model, parameters, (link, what), three(), s, by);
        }
        Reading::Orientation { of, relative_to } => {
            orientation::pull(model, (&of, relative_to.as_ref()), y_bar, q, wrenches);
        }
        Reading::Magnetometer { of, field } => {
            magnetometer::pull((&of, field), three(), s, wrenches);
        }
        Reading::Interaction { body, at, what } => {
            let by = (parameters, parameters_bar);
            interaction::pull(model, (body, &at, what), three(), by, wrenches, s);
        }
        Reading::Range { of, body } => {
            let to = (wrenches, parameters_bar);
            ray::pull(model, parameters, (&of, body), y_bar[0], to, s);
        }
        Reading::BallOrientation(joint) => {
            // q exp(d) = q + q (0, d)/2
            let (at, unit) = (model.joints[joint].v.0, quaternion(model, joint, q).normalized());
            for k in 0..3 {
                let axis = Vec3::unit(k).0;
                let moved = (unit * Quat([0.0, axis[0], axis[1], axis[2]])).0;
                q_bar[at + k] += 0.5 * moved.iter().zip(y_bar).map(|(m, b)| m * b).sum::<f64>();
            }
        }
        _ => {}
    }
}
