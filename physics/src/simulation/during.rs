//! What is seen of a motion at each state and, of forces, accelerations and controls, during each step; and the adjoint of the latter.

use std::borrow::Cow;

use cotangent_ad::Real;

use super::map::Picked;
use super::output::{What, see};
use super::sensor;
use crate::activation::{self, follow};
use crate::constraint::MOST;
use crate::derivative::{Cotangent, StepAdjoint};
use crate::force::{Bars, Point, geared_force, pull_geared};
use crate::forward::forward_dynamics;
use crate::integrate::{Implicit, StepOptions};
use crate::kinematics::place_links;
use crate::model::{Model, Parameters};
use crate::routes::{self, lay};
use crate::scratch::Scratch;
use crate::state::State;

/// Model, numbers and options of a step.
type Inputs<'a, T> = (&'a Model, &'a Parameters<T>, &'a StepOptions);

/// Writes what is seen of the state before step `k` and, where there are controls, during it.
pub(super) fn observe<T: Real>(
    (model, parameters, options): Inputs<'_, T>,
    (picked, seen, k): (&[Picked], &[What], usize),
    (state, u): (&State<T>, Option<&[T]>),
    (drive, s): (&mut [T], &mut Scratch<T>),
    y: &mut [T],
) {
    see(model, parameters, state, seen, s, &mut |index, entries| {
        let Picked { first, row, .. } = picked[index];
        y[first + k * row..][..row].copy_from_slice(entries);
    });
    let Some(u) = u.filter(|_| picked.iter().any(|o| o.kind.what.is_of_step())) else { return };
    for output in picked {
        if let What::Control(actuator) = output.kind.what {
            y[output.first + k] = u[actuator];
        }
    }
    follow(model, parameters, options, (&state.act, u), s);
    drive.copy_from_slice(&s.stages[0].drive);
    lay_courses(model, parameters, &state.q, s);
    let routes = std::mem::take(&mut s.routes);
    let (q, v) = (&state.q, &state.v);
    let point = Point { model, parameters, q, v, drive, routes: &routes };
    see_actuators(&point, picked, k, y);
    see_dynamics(&point, picked, k, s, y);
    s.routes = routes;
}

/// Lays tendons and thrusts: all that the force of an actuator asks of the links.
fn lay_courses<T: Real>(model: &Model, parameters: &Parameters<T>, q: &[T], s: &mut Scratch<T>) {
    if model.has_courses() {
        place_links(model, parameters, q, s);
        lay(model, q, s);
    }
}

/// Writes the forces of actuators during step `k`.
fn see_actuators<T: Real>(point: &Point<'_, T>, picked: &[Picked], k: usize, y: &mut [T]) {
    for output in picked {
        let force = match output.kind.what {
            What::Force(actuator) => Some(geared_force(point, actuator)),
            What::StepSensor(sensor) => sensor::see_actuator(point, sensor),
            _ => None,
        };
        force.into_iter().for_each(|force| y[output.first + k] = force);
    }
}

/// Whether an output is of what forward dynamics finds.
fn needs_dynamics(model: &Model, what: What) -> bool {
    match what {
        What::StepSensor(sensor) => sensor::needs_dynamics(model, sensor),
        _ => what.is_constraint(),
    }
}

/// Whether an output is of a sensor with a cutoff.
fn is_cut(model: &Model, what: What) -> bool {
    matches!(what, What::StepSensor(k) if model.sensors[k].cutoff.is_some())
}

/// Writes the forces of constraints and the accelerations during step `k`.
fn see_dynamics<T: Real>(
    point: &Point<'_, T>,
    picked: &[Picked],
    k: usize,
    s: &mut Scratch<T>,
    y: &mut [T],
) {
    let wanted = |o: &&Picked| needs_dynamics(point.model, o.kind.what);
    if !picked.iter().any(|o| wanted(&o)) {
        return;
    }
    forward_dynamics(point, Implicit::Nothing, s);
    let accelerates = |o: &Picked| matches!(o.kind.what, What::StepSensor(k) if sensor::is_of_acceleration(point.model, k));
    if picked.iter().any(accelerates) {
        sensor::accelerate(point, s);
    }
    for output in picked.iter().filter(wanted) {
        let entries = &mut y[output.first + k * output.row..][..output.row];
        match output.kind.what {
            What::NormalForce(geom) => entries[0] = s.constraints.normal_force(point.model, geom),
            What::ConstraintForce(joint) => {
                let first = point.model.joints()[joint].v.0;
                for (d, entry) in entries.iter_mut().enumerate() {
                    *entry = s.constraints.coordinate_force(first + d);
                }
            }
            What::StepSensor(sensor) => {
                entries.copy_from_slice(&sensor::see_dynamics(point, sensor, s)[..entries.len()]);
            }
            _ => {}
        }
    }
}

/// The adjoint of [`see_dynamics`].
fn pull_dynamics(
    point: &Point<'_, f64>,
    (picked, k, y_bar): (&[Picked], usize, &[f64]),
    adjoint: &mut StepAdjoint,
    bars: &mut Bars<'_>,
    s: &mut Scratch,
) {
    let model = point.model;
    let row = |o: &Picked| &y_bar[o.first + k * o.row..][..o.row];
    let wanted =
        |o: &&Picked| needs_dynamics(model, o.kind.what) && row(o).iter().any(|b| *b != 0.0);
    if !picked.iter().any(|o| wanted(&o)) {
        return;
    }
    forward_dynamics(point, Implicit::Nothing, s);
    if picked.iter().any(|o| wanted(&o) && is_cut(model, o.kind.what)) {
        sensor::accelerate(point, s);
    }
    let c = &s.constraints;
    let mut along = vec![0.0; model.nv()];
    let mut block_bars = vec![[0.0; MOST]; c.blocks.list.len()];
    let mut moving = vec![];
    for output in picked.iter().filter(wanted) {
        let y_bar = row(output);
        match output.kind.what {
            What::NormalForce(geom) => {
                for (block, bar) in c.blocks.list.iter().zip(&mut block_bars) {
                    bar[0] += if c.touches(model, block, geom) { y_bar[0] } else { 0.0 };
                }
            }
            What::ConstraintForce(joint) => {
                let first = model.joints()[joint].v.0;
                along[first..].iter_mut().zip(y_bar).for_each(|(a, b)| *a += b);
            }
            What::StepSensor(sensor) => {
                let y_bar = match model.sensors[sensor].cutoff {
                    Some(_) => Cow::Owned(sensor::within_cutoff(point, sensor, y_bar, s)),
                    None => Cow::Borrowed(y_bar),
                };
                sensor::pull_contacts(model, (sensor, &y_bar), &mut block_bars, s);
                if sensor::is_of_acceleration(model, sensor) {
                    moving.push((sensor, y_bar));
                }
            }
            _ => {}
        }
    }
    if !moving.is_empty() {
        sensor::pull_accelerations(point, &moving, adjoint, bars, s);
    }
    if !block_bars.is_empty() {
        adjoint.constraint_forces(point, (&along, &block_bars), bars, s);
    }
}

/// The adjoint of the forces that are seen during a step.
pub(super) fn pull_forces(
    (model, parameters, options): Inputs<'_, f64>,
    (state, u): (&State, &[f64]),
    (picked, k, y_bar): (&[Picked], usize, &[f64]),
    adjoint: &mut StepAdjoint,
    (bar, u_bar, parameters_bar): (&mut Cotangent, &mut [f64], &mut Parameters<f64>),
    s: &mut Scratch,
) {
    if !picked.iter().any(|o| o.kind.what.is_of_step()) {
        return;
    }
    for output in picked {
        if let What::Control(actuator) = output.kind.what {
            u_bar[actuator] += y_bar[output.first + k];
        }
    }
    follow(model, parameters, options, (&state.act, u), s);
    let drive = s.stages[0].drive.clone();
    let mut drive_bar = vec![0.0; drive.len()];
    lay_courses(model, parameters, &state.q, s);
    let routes = s.routes.clone();
    let mut moments = vec![0.0; routes.moments.len()];
    let (q, v) = (&state.q, &state.v);
    let point = Point { model, parameters, q, v, drive: &drive, routes: &routes };
    let mut at_start = Bars {
        q: &mut bar.q,
        v: &mut bar.v,
        drive: &mut drive_bar,
        moments: &mut moments,
        parameters: Some(&mut *parameters_bar),
    };
    for output in picked {
        let y_bar = y_bar[output.first + k * output.row];
        match output.kind.what {
            What::Force(a) => pull_geared(&point, a, y_bar, &mut at_start),
            What::StepSensor(sensor) => sensor::pull_actuator(&point, sensor, y_bar, &mut at_start),
            _ => {}
        }
    }
    pull_dynamics(&point, (picked, k, y_bar), adjoint, &mut at_start, s);
    // what went between has left the kinematics of this point
    routes::pull(model, &moments, &mut bar.q, s);
    let mut act_bar = vec![0.0; state.act.len()];
    let (point, bars) = ((state.act.as_slice(), u), (act_bar.as_mut_slice(), u_bar));
    let by_drive = std::slice::from_ref(&drive_bar);
    let wanted = Some(parameters_bar);
    // of its drives only the first is seen
    let part = (options.integrator.tableau(), options.dt);
    activation::pull((model, parameters), part, point, by_drive, bars, wanted);
    bar.act.iter_mut().zip(&act_bar).for_each(|(to, x)| *to += x);
}
