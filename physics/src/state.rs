//! What changes while a model moves.

use cotangent_ad::{Num, Quat, Real, Vec3};
use thiserror::Error;

use crate::model::{JointKind, Model};

/// Why numbers are no state of a model.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum StateError {
    /// Not as many as the model has.
    #[error("{found} numbers of {what}: the model has {expected}")]
    Count {
        /// `q`, `v` or `act`.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many must be.
        expected: usize,
    },
    /// Not finite.
    #[error("{what}[{index}] of joint `{joint}` is {value}: it must be finite")]
    NotFinite {
        /// `q` or `v`.
        what: &'static str,
        /// Which entry.
        index: usize,
        /// Of which joint.
        joint: String,
        /// Its value.
        value: f64,
    },
    /// An activation that is not finite.
    #[error("the activation of actuator `{actuator}` is {value}: it must be finite")]
    Activation {
        /// The actuator.
        actuator: String,
        /// Its value.
        value: f64,
    },
    /// A quaternion that is no rotation.
    #[error("the quaternion of joint `{joint}` is zero")]
    ZeroQuaternion {
        /// The joint.
        joint: String,
    },
}

/// Configuration, velocity and activations.
///
/// A free joint has `q` = position, quaternion `[w, x, y, z]`; `v` = linear velocity in world axes, angular velocity in body
/// axes. A ball has the quaternion and the angular velocity in body axes.
#[derive(Clone, Debug, PartialEq)]
pub struct State<T = f64> {
    /// Configuration. Entries: `nq`.
    pub q: Vec<T>,
    /// Velocity. Entries: `nv`.
    pub v: Vec<T>,
    /// Activations of the actuators that have one. Entries: `na`.
    pub act: Vec<T>,
}

impl State {
    /// A state of these numbers, quaternions scaled to length 1, activations 0.
    ///
    /// # Errors
    /// [`StateError`].
    pub fn new(model: &Model, q: Vec<f64>, v: Vec<f64>) -> Result<Self, StateError> {
        for (what, found, expected) in [("q", q.len(), model.nq()), ("v", v.len(), model.nv())] {
            if found != expected {
                return Err(StateError::Count { what, found, expected });
            }
        }
        for joint in model.joints() {
            for (what, numbers, (first, count)) in [("q", &q, joint.q), ("v", &v, joint.v)] {
                for index in first..first + count {
                    let (value, joint) = (numbers[index], joint.name.clone());
                    if !value.is_finite() {
                        return Err(StateError::NotFinite { what, index, joint, value });
                    }
                }
            }
        }
        let mut state = Self { q, v, act: vec![0.0; model.na()] };
        for link in model.links().iter().filter(|l| l.joint == JointKind::Ball) {
            let q = &mut state.q[link.q_at..link.q_at + 4];
            let length = q.iter().map(|x| x * x).sum::<f64>().sqrt();
            if length < 1e-12 {
                let holds = |j: &&crate::model::Joint| (j.q.0..j.q.0 + j.q.1).contains(&link.q_at);
                let joint = model.joints().iter().find(holds);
                let joint = joint.map(|j| j.name.clone()).unwrap_or_default();
                return Err(StateError::ZeroQuaternion { joint });
            }
            q.iter_mut().for_each(|x| *x /= length);
        }
        Ok(state)
    }

    /// The same with these activations.
    ///
    /// # Errors
    /// [`StateError`].
    pub fn with_activations(self, model: &Model, act: Vec<f64>) -> Result<Self, StateError> {
        let (what, found, expected) = ("act", act.len(), model.na());
        if found != expected {
            return Err(StateError::Count { what, found, expected });
        }
        for actuator in model.actuators() {
            let Some(at) = actuator.activation.map(|a| a.at) else { continue };
            if !act[at].is_finite() {
                let (actuator, value) = (actuator.name.clone(), act[at]);
                return Err(StateError::Activation { actuator, value });
            }
        }
        Ok(Self { act, ..self })
    }
}

impl<T: Num> State<T> {
    /// The reference configuration at rest, activations 0.
    pub fn at_reference(model: &Model) -> Self {
        Self {
            q: model.reference_configuration().iter().map(|x| T::lit(*x)).collect(),
            v: vec![T::lit(0.0); model.nv()],
            act: vec![T::lit(0.0); model.na()],
        }
    }
}

/// `out = q (+) d`: moves a configuration along its tangent space, `q exp(d)` for a quaternion, renormalised.
///
/// # Shapes
/// `q`, `out`: `nq`; `d`: `nv`.
pub fn displace<T: Real>(model: &Model, q: &[T], d: &[T], out: &mut [T]) {
    for link in model.links() {
        let (q, d) = (&q[link.q_at..], &d[link.v_at..]);
        let out = &mut out[link.q_at..];
        if link.joint == JointKind::Ball {
            let turn = Quat::exp(Vec3([d[0], d[1], d[2]]));
            let turned = Quat([q[0], q[1], q[2], q[3]]) * turn;
            out[..4].copy_from_slice(&turned.normalized().0);
        } else {
            for k in 0..link.joint.nv() {
                out[k] = q[k] + d[k];
            }
        }
    }
}

/// `d` such that `b = a (+) d`: the shortest.
///
/// # Shapes
/// `a`, `b`: `nq`; `d`: `nv`.
pub fn difference<T: Real>(model: &Model, a: &[T], b: &[T], d: &mut [T]) {
    for link in model.links() {
        let (a, b) = (&a[link.q_at..], &b[link.q_at..]);
        let d = &mut d[link.v_at..];
        if link.joint == JointKind::Ball {
            let quat = |q: &[T]| Quat([q[0], q[1], q[2], q[3]]).normalized();
            d[..3].copy_from_slice(&(quat(a).conjugate() * quat(b)).log().0);
        } else {
            for k in 0..link.joint.nv() {
                d[k] = b[k] - a[k];
            }
        }
    }
}
