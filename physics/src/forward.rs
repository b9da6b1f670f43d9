//! Forward dynamics: accelerations under motors, damping and springs.

use cotangent_ad::Real;

use crate::crba::{composite_masses, factorize, solve};
use crate::kinematics::kinematics;
use crate::model::{JointKind, Model, Motor, Parameters};
use crate::rnea::rnea;
use crate::scratch::Scratch;
use crate::state::State;

/// A control within its motor's range.
#[inline]
pub(crate) fn clamp<T: Real>(motor: &Motor, u: T) -> T {
    match motor.range {
        Some([least, greatest]) => u.max(T::lit(least)).min(T::lit(greatest)),
        None => u,
    }
}

/// Forces of motors, damping and springs on the coordinates:
/// `tau = gear clamp(u) - damping v - stiffness (q - rest)`.
///
/// # Shapes
/// `q`: `nq`; `v`, `tau`: `nv`; `u`: `nu`.
pub fn applied_forces<T: Real>(
    model: &Model,
    parameters: &Parameters<T>,
    q: &[T],
    v: &[T],
    u: &[T],
    tau: &mut [T],
) {
    for d in 0..model.nv() {
        tau[d] = -(parameters.damping[d] * v[d]);
    }
    for link in model.links() {
        if matches!(link.joint, JointKind::Hinge(_) | JointKind::Slide(_)) {
            let d = link.v_at;
            tau[d] -= parameters.stiffness[d] * (q[link.q_at] - parameters.rest[d]);
        }
    }
    for (k, motor) in model.motors().iter().enumerate() {
        tau[motor.dof] += parameters.gear[k] * clamp(motor, u[k]);
    }
}

/// Controls under which the motors hold `state` still, as far as their ranges allow; one for each motor.
pub(crate) fn holding_controls(model: &Model, p: &Parameters<f64>, state: &State) -> Vec<f64> {
    let mut s = Scratch::new(model);
    let (mut needed, mut given) = (vec![0.0; model.nv()], vec![0.0; model.nv()]);
    let still = vec![0.0; model.nv()];
    kinematics(model, p, &state.q, &mut s);
    rnea(model, p, &still, None, &mut s, &mut needed);
    // what springs give already
    applied_forces(model, p, &state.q, &still, &vec![0.0; model.nu()], &mut given);
    let hold = |(k, motor): (usize, &Motor)| {
        let control = (needed[motor.dof] - given[motor.dof]) / p.gear[k];
        clamp(motor, if control.is_finite() { control } else { 0.0 })
    };
    model.motors().iter().enumerate().map(hold).collect()
}

/// Accelerations into `s.a`: `(M + h diag(damping)) a = tau - c`. The factors stay in `s`.
pub(crate) fn forward_dynamics<T: Real>(
    model: &Model,
    parameters: &Parameters<T>,
    (q, v, u): (&[T], &[T], &[T]),
    h: f64,
    s: &mut Scratch<T>,
) {
    kinematics(model, parameters, q, s);
    composite_masses(model, parameters, s);
    factorize(model, &parameters.damping, h, s);
    let (mut bias, mut a) = (std::mem::take(&mut s.tau), std::mem::take(&mut s.a));
    rnea(model, parameters, v, None, s, &mut bias);
    applied_forces(model, parameters, q, v, u, &mut a);
    for d in 0..model.nv() {
        a[d] -= bias[d];
    }
    solve(model, &s.factor, &mut a);
    (s.tau, s.a) = (bias, a);
}

/// Accelerations under motors, damping and springs: `M a = tau(q, v, u) - c(q, v)`.
///
/// # Shapes
/// `q`: `nq`; `v`, the result: `nv`; `u`: `nu`.
pub fn acceleration<'s, T: Real>(
    model: &Model,
    parameters: &Parameters<T>,
    q: &[T],
    v: &[T],
    u: &[T],
    s: &'s mut Scratch<T>,
) -> &'s [T] {
    forward_dynamics(model, parameters, (q, v, u), 0.0, s);
    &s.a
}
