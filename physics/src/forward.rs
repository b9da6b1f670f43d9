//! Forward dynamics: accelerations under all forces.

use cotangent_ad::Real;

use crate::activation::follow;
use crate::constraint::{Solution, collect, constrain, constrain_again};
use crate::force::{Point, apply, clamp, control_gain, subtract_link_forces};
use crate::integrate::{Implicit, StepOptions, factorize, solve};
use crate::kinematics::{move_links, place_links};
use crate::model::{Actuator, Model, Parameters};
use crate::rnea::{accelerations, gather, link_forces};
use crate::routes::{Routes, lay};
use crate::scratch::Scratch;
use crate::state::State;

/// Controls under which the actuators hold `state` still, as far as their ranges allow; one for each. Of an actuator on more than one
/// coordinate, or with an activation, it is 0, or the nearest in its range.
pub(crate) fn holding_controls(
    model: &Model,
    parameters: &Parameters<f64>,
    state: &State,
) -> Vec<f64> {
    let mut s = Scratch::new(model);
    let (q, v) = (state.q.as_slice(), vec![0.0; model.nv()]);
    place_links(model, parameters, q, &mut s);
    link_forces(model, parameters, &v, None, &mut s);
    subtract_link_forces(model, parameters, &mut s);
    gather(model, &mut s);
    // what springs give already, and servos without control
    let still = |actuator: &Actuator| match &actuator.activation {
        Some(activation) => state.act[activation.at],
        None => clamp(actuator.range, 0.0),
    };
    let drive: Vec<f64> = model.actuators().iter().map(still).collect();
    let mut given = vec![0.0; model.nv()];
    lay(model, q, &mut s);
    let point = Point { model, parameters, q, v: &v, drive: &drive, routes: &s.routes };
    apply(&point, &mut given);
    let hold = |(k, actuator): (usize, &Actuator)| {
        let idle = clamp(actuator.range, 0.0);
        let dof = actuator.dof().filter(|_| actuator.activation.is_none());
        let Some(dof) = dof else { return idle };
        let control = idle + (s.tau[dof] - given[dof]) / control_gain(&point, k);
        clamp(actuator.range, if control.is_finite() { control } else { 0.0 })
    };
    model.actuators().iter().enumerate().map(hold).collect()
}

/// Accelerations into `s.a`: `(M + h E) a = tau - c + J^T f` with what `implicit` says of `E`, and the constraints' forces `f` under the
/// accelerations that they would give for `h = 0`. The factors stay in `s`, unless there are constraints and nothing is implicit.
///
/// The routes of `p` are not read: they become those of its configuration, in `s`.
pub(crate) fn forward_dynamics<T: Real>(p: &Point<'_, T>, implicit: Implicit, s: &mut Scratch<T>) {
    place_links(p.model, p.parameters, p.q, s);
    lay(p.model, p.q, s);
    let routes = std::mem::take(&mut s.routes);
    placed_dynamics(&Point { routes: &routes, ..*p }, implicit, s);
    s.routes = routes;
}

/// [`forward_dynamics`] where links and tendons are placed.
fn placed_dynamics<T: Real>(p: &Point<'_, T>, implicit: Implicit, s: &mut Scratch<T>) {
    let (model, parameters) = (p.model, p.parameters);
    link_forces(model, parameters, p.v, None, s);
    subtract_link_forces(model, parameters, s);
    gather(model, s);
    let mut a = std::mem::take(&mut s.a);
    apply(p, &mut a);
    for d in 0..model.nv() {
        a[d] -= s.tau[d];
    }
    if collect(p, s) {
        constrain(p, &mut a, s);
        if implicit == Implicit::Nothing {
            a.copy_from_slice(&s.constraints.a);
            s.a = a;
            return;
        }
    }
    factorize(p, implicit, s);
    solve(model, implicit, &mut a, false, s);
    s.a = a;
}

/// What an adjoint reads of [`forward_dynamics`], to the same bits, where that was found before at the same point: the accelerations `a`, and the
/// constraints' solution where anything acts. Neither forces nor a search.
pub(crate) fn forward_dynamics_again(
    p: &Point<'_, f64>,
    implicit: Implicit,
    (a, solution): (&[f64], &Solution),
    s: &mut Scratch,
) {
    let (model, parameters) = (p.model, p.parameters);
    place_links(model, parameters, p.q, s);
    lay(model, p.q, s);
    let routes = std::mem::take(&mut s.routes);
    let p = Point { routes: &routes, ..*p };
    move_links(model, p.v, s);
    accelerations(model, parameters, p.v, None, s);
    s.a.copy_from_slice(a);
    let acts = collect(&p, s);
    if acts {
        constrain_again(&p, solution, s);
    }
    if !acts || implicit != Implicit::Nothing {
        factorize(&p, implicit, s);
    }
    s.routes = routes;
}

/// The accelerations with which a step begins, nothing being implicit: under actuators, damping, springs, tendons, drag, gravity and constraints: `M a = tau(q, v, u) - c(q, v) + J^T f`. They are
/// NaN where the constraints' problem has no solution in finite numbers.
///
/// # Shapes
/// `u`: `nu`; the result: `nv`.
pub fn acceleration<'s, T: Real>(
    model: &Model,
    parameters: &Parameters<T>,
    options: &StepOptions,
    (state, u): (&State<T>, &[T]),
    s: &'s mut Scratch<T>,
) -> &'s [T] {
    follow(model, parameters, options, (&state.act, u), s);
    let drive = std::mem::take(&mut s.stages[0].drive);
    let routes = Routes::default();
    let (q, v) = (&state.q, &state.v);
    let point = Point { model, parameters, q, v, drive: &drive, routes: &routes };
    forward_dynamics(&point, Implicit::Nothing, s);
    s.stages[0].drive = drive;
    &s.a
}
