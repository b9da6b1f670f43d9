//! Semi-implicit Euler.

use cotangent_ad::{Num, Real};

use super::StepOptions;
use crate::force::Point;
use crate::forward::{forward_dynamics, forward_dynamics_again};
use crate::known::Known;
use crate::model::{Model, Parameters};
use crate::routes::Routes;
use crate::scratch::Scratch;
use crate::state::{State, displace};

/// Accelerations of an Euler step into `s.a`, with factors in `s`, under the drives of the first stage.
pub(crate) fn euler_acceleration<T: Real>(
    model: &Model,
    parameters: &Parameters<T>,
    options: &StepOptions,
    (q, v): (&[T], &[T]),
    s: &mut Scratch<T>,
) {
    let implicit = options.integrator.implicit(options.dt);
    let drive = std::mem::take(&mut s.stages[0].drive);
    let routes = Routes::default();
    let point = Point { model, parameters, q, v, drive: &drive, routes: &routes };
    forward_dynamics(&point, implicit, s);
    s.stages[0].drive = drive;
}

/// [`euler_acceleration`] for an adjoint, which looks for nothing that is known.
pub(crate) fn euler_acceleration_again(
    model: &Model,
    parameters: &Parameters<f64>,
    options: &StepOptions,
    (q, v, known): (&[f64], &[f64], &Known),
    s: &mut Scratch,
) {
    let Some(found) = known.get() else {
        return euler_acceleration(model, parameters, options, (q, v), s);
    };
    let implicit = options.integrator.implicit(options.dt);
    let drive = std::mem::take(&mut s.stages[0].drive);
    let routes = Routes::default();
    let point = Point { model, parameters, q, v, drive: &drive, routes: &routes };
    forward_dynamics_again(&point, implicit, found, s);
    s.stages[0].drive = drive;
}

pub(super) fn step<T: Real>(
    model: &Model,
    parameters: &Parameters<T>,
    options: &StepOptions,
    state: &mut State<T>,
    s: &mut Scratch<T>,
) {
    euler_acceleration(model, parameters, options, (&state.q, &state.v), s);
    for d in 0..model.nv() {
        state.v[d] += s.a[d] * options.dt;
    }
    advance(model, options.dt, state, s);
}

/// `q <- q (+) h v`.
fn advance<T: Num + Real>(model: &Model, h: f64, state: &mut State<T>, s: &mut Scratch<T>) {
    let stage = &mut s.stages[0];
    for d in 0..model.nv() {
        stage.displacement[d] = state.v[d] * h;
    }
    displace(model, &state.q, &stage.displacement, &mut stage.q);
    state.q.copy_from_slice(&stage.q);
}
