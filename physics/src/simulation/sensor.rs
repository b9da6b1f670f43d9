//! Sensors as outputs: those of a state at each time, those under forces during each step.

use std::sync::Arc;

use cotangent_ad::Real;
use cotangent_problem::name::element;
use cotangent_problem::{Axis, Quantity};

use super::output::{OutputKind, What};
use crate::constraint::MOST;
use crate::derivative::{Cotangent, StepAdjoint};
use crate::force::{
    Bars, Point, actuation, actuator_force, pull_actuation, pull_force, pull_travel, travel,
};
use crate::kinematics::{move_links, place_links};
use crate::model::{InteractionReading, JointKind, Model, Parameters, Reading, SubtreeReading};
use crate::rnea::accelerations;
use crate::routes::{self, lay};
use crate::scratch::Scratch;
use crate::sensor::{self, MOST_NUMBERS, Wrenches, feels, force_bars};
use crate::state::State;

/// What a sensor is as an output: what has a name of its own already is the same.
fn what(model: &Model, sensor: usize) -> What {
    match model.sensors[sensor].reading {
        Reading::JointPosition(joint) => What::JointPosition(joint),
        Reading::JointVelocity(joint) => What::JointVelocity(joint),
        Reading::TendonLength(tendon) => What::TendonLength(tendon),
        Reading::TendonVelocity(tendon) => What::TendonVelocity(tendon),
        reading if reading.is_of_step() => What::StepSensor(sensor),
        _ => What::Sensor(sensor),
    }
}

/// Unit and meaning.
fn unit(model: &Model, reading: &Reading) -> (&'static str, &'static str) {
    let turns = |joint: usize| {
        let kind = model.links[model.joints[joint].link].joint;
        matches!(kind, JointKind::Hinge(_) | JointKind::Ball)
    };
    match *reading {
        Reading::JointPosition(j) => (if turns(j) { "rad" } else { "m" }, "coordinate"),
        Reading::JointVelocity(j) => (if turns(j) { "rad/s" } else { "m/s" }, "velocity"),
        Reading::JointActuatorForce(j) => {
            (if turns(j) { "N m" } else { "N" }, "force of its actuators at the start of a step")
        }
        Reading::BallOrientation(_) => ("", "unit quaternion"),
        Reading::TendonLength(_) => ("", "length of a tendon"),
        Reading::TendonVelocity(_) => ("", "rate of the length of a tendon"),
        Reading::ActuatorLength(_) => ("", "length of a transmission times its gear"),
        Reading::ActuatorVelocity(_) => ("", "rate of the length of a transmission times its gear"),
        Reading::ActuatorForce(_) => ("", "force of an actuator at the start of a step"),
        Reading::Frame { what, .. } => (what.unit(), what.about()),
        Reading::Orientation { .. } => ("", "unit quaternion of a frame"),
        Reading::Magnetometer { .. } => ("T", "magnetic field along the axes of a frame"),
        Reading::Interaction { what: InteractionReading::Force, .. } => {
            ("N", "force on what carries a body, in the axes of a frame, at the start of a step")
        }
        Reading::Interaction { .. } => {
            ("N m", "torque on what carries a body, in the axes of a frame, at the start of a step")
        }
        Reading::Subtree { what: SubtreeReading::Center, .. } => ("m", "centre of mass"),
        Reading::Subtree { what: SubtreeReading::LinearVelocity, .. } => {
            ("m/s", "velocity of the centre of mass")
        }
        Reading::Subtree { .. } => ("kg m^2/s", "angular momentum about the centre of mass"),
        Reading::Touch { .. } => {
            ("N", "sum of the normal forces that it feels at the start of a step")
        }
    }
}

/// The rows of all sensors of one motion.
pub(super) fn rows(
    model: &Model,
    (part, before): (usize, &str),
    [times, steps]: [&Arc<Axis>; 2],
    rows: &mut Vec<(OutputKind, Quantity)>,
) {
    for (k, sensor) in model.sensors.iter().enumerate() {
        let reading = &sensor.reading;
        let axis = if reading.is_of_step() { steps } else { times };
        let count = axis.values.len();
        let ball = matches!(*reading, Reading::JointVelocity(j) if model.joints[j].v.1 == 3);
        let components = if ball { 3 } else { reading.numbers() };
        let shape: &[usize] = if components == 1 { &[count] } else { &[count, components] };
        let name = format!("{before}{}", element("sensor", &sensor.name, k));
        let (unit, about) = unit(model, reading);
        let quantity = Quantity::output(name, unit, shape).along(axis).about(about);
        rows.push((OutputKind { part, what: what(model, k) }, quantity));
    }
}

/// Writes what the sensors among `outputs` read of a state.
pub(super) fn see<T: Real>(
    model: &Model,
    parameters: &Parameters<T>,
    state: &State<T>,
    outputs: &[What],
    s: &mut Scratch<T>,
    write: &mut dyn FnMut(usize, &[T]),
) {
    if !outputs.iter().any(|what| matches!(what, What::Sensor(_))) {
        return;
    }
    place_links(model, parameters, &state.q, s);
    lay(model, &state.q, s);
    move_links(model, &state.v, s);
    let (q, v, routes) = (&state.q, &state.v, &s.routes);
    let point = Point { model, parameters, q, v, drive: &[], routes };
    for (index, what) in outputs.iter().enumerate() {
        let What::Sensor(k) = *what else { continue };
        let reading = &model.sensors[k].reading;
        match *reading {
            Reading::ActuatorLength(actuator) => write(index, &travel(&point, actuator)[..1]),
            Reading::ActuatorVelocity(actuator) => write(index, &travel(&point, actuator)[1..]),
            _ => {
                let numbers = sensor::read(model, parameters, reading, q, s);
                numbers.iter().for_each(|n| write(index, &n[..reading.numbers()]));
            }
        }
    }
}

/// Adds the derivatives of `bars` times what [`see`] writes.
pub(super) fn pull(
    model: &Model,
    parameters: &Parameters<f64>,
    (state, outputs, bars): (&State, &[What], &[&[f64]]),
    bar: &mut Cotangent,
    parameters_bar: &mut Parameters<f64>,
    s: &mut Scratch,
) {
    if !outputs.iter().any(|what| matches!(what, What::Sensor(_))) {
        return;
    }
    place_links(model, parameters, &state.q, s);
    lay(model, &state.q, s);
    move_links(model, &state.v, s);
    let routes = std::mem::take(&mut s.routes);
    let mut moments = vec![0.0; routes.moments.len()];
    let mut wrenches = Wrenches::zero(model);
    let (q, v) = (&state.q, &state.v);
    let point = Point { model, parameters, q, v, drive: &[], routes: &routes };
    for (what, y_bar) in outputs.iter().zip(bars) {
        let What::Sensor(k) = *what else { continue };
        let mut by_travel = |actuator: usize, by: [f64; 2]| {
            let mut bars = Bars {
                q: &mut bar.q,
                v: &mut bar.v,
                drive: &mut [],
                moments: &mut moments,
                parameters: Some(&mut *parameters_bar),
            };
            pull_travel(&point, actuator, by, &mut bars);
        };
        match model.sensors[k].reading {
            Reading::ActuatorLength(actuator) => by_travel(actuator, [y_bar[0], 0.0]),
            Reading::ActuatorVelocity(actuator) => by_travel(actuator, [0.0, y_bar[0]]),
            ref reading => {
                let to = (&mut wrenches, bar.q.as_mut_slice(), &mut *parameters_bar);
                sensor::pull(model, parameters, (reading, y_bar), q, s, to);
            }
        }
    }
    let mut none = vec![0.0; model.nv()];
    let tangent = (bar.q.as_mut_slice(), bar.v.as_mut_slice(), none.as_mut_slice());
    wrenches.pull(model, parameters, s, tangent, &mut parameters_bar.gravity);
    s.routes = routes;
    routes::pull(model, &moments, &mut bar.q, s);
}

/// What an actuator's sensor reads during a step; `None` of another.
pub(super) fn see_actuator<T: Real>(point: &Point<'_, T>, sensor: usize) -> Option<T> {
    match point.model.sensors[sensor].reading {
        Reading::ActuatorForce(actuator) => Some(actuator_force(point, actuator)),
        Reading::JointActuatorForce(joint) => Some(actuation(point)[point.model.joints[joint].v.0]),
        _ => None,
    }
}

/// The adjoint of [`see_actuator`].
pub(super) fn pull_actuator(
    point: &Point<'_, f64>,
    sensor: usize,
    y_bar: f64,
    bars: &mut Bars<'_>,
) {
    match point.model.sensors[sensor].reading {
        Reading::ActuatorForce(actuator) => pull_force(point, actuator, y_bar, bars),
        Reading::JointActuatorForce(joint) => {
            let mut tau_bar = vec![0.0; point.model.nv()];
            tau_bar[point.model.joints[joint].v.0] = y_bar;
            pull_actuation(point, &tau_bar, bars);
        }
        _ => {}
    }
}

/// Whether a sensor reads accelerations or contacts, which forward dynamics finds.
pub(super) fn needs_dynamics(model: &Model, sensor: usize) -> bool {
    is_of_acceleration(model, sensor) || is_touch(model, sensor)
}

/// Whether a sensor reads accelerations of links.
pub(super) fn is_of_acceleration(model: &Model, sensor: usize) -> bool {
    let reading = &model.sensors[sensor].reading;
    matches!(reading, Reading::Frame { .. } | Reading::Interaction { .. })
}

/// Whether a sensor reads contacts.
pub(super) fn is_touch(model: &Model, sensor: usize) -> bool {
    matches!(model.sensors[sensor].reading, Reading::Touch { .. })
}

/// The accelerations of the links under those of the coordinates that forward dynamics has found.
pub(super) fn accelerate<T: Real>(point: &Point<'_, T>, s: &mut Scratch<T>) {
    let a = std::mem::take(&mut s.a);
    move_links(point.model, point.v, s);
    accelerations(point.model, point.parameters, point.v, Some(&a), s);
    s.a = a;
}

/// What a sensor reads under the accelerations and contacts of a step, after [`accelerate`].
pub(super) fn see_dynamics<T: Real>(
    point: &Point<'_, T>,
    sensor: usize,
    s: &Scratch<T>,
) -> [T; MOST_NUMBERS] {
    let model = point.model;
    let reading = &model.sensors[sensor].reading;
    let none = [T::lit(0.0); MOST_NUMBERS];
    let Reading::Touch { .. } = reading else {
        return sensor::read(model, point.parameters, reading, point.q, s).unwrap_or(none);
    };
    let felt = touching(model, sensor, s);
    let forces = s.constraints.block_forces.iter().zip(felt).filter(|(_, felt)| *felt);
    let sum = forces.fold(T::lit(0.0), |sum, (force, _)| sum + force[0]);
    [sum, none[1], none[2], none[3]]
}

/// Of each block of constraints, whether a touch sensor feels it.
fn touching<T: Real>(model: &Model, sensor: usize, s: &Scratch<T>) -> Vec<bool> {
    let Reading::Touch { body, at, volume } = &model.sensors[sensor].reading else { return vec![] };
    let blocks = &s.constraints.blocks;
    let felt = |block| {
        let contact = blocks.contact(block);
        contact.is_some_and(|contact| feels(model, (*body, at, volume), contact, s))
    };
    blocks.list.iter().map(felt).collect()
}

/// Adds to the cotangents of the blocks' forces what that of a sensor that reads contacts gives.
pub(super) fn pull_contacts(
    model: &Model,
    (sensor, y_bar): (usize, &[f64]),
    block_bars: &mut [[f64; MOST]],
    s: &Scratch,
) {
    if let Reading::Interaction { body, at, what } = model.sensors[sensor].reading {
        force_bars(model, (body, &at, what), y_bar, block_bars, s);
    }
    let felt = touching(model, sensor, s);
    block_bars
        .iter_mut()
        .zip(felt)
        .for_each(|(bar, felt)| bar[0] += if felt { y_bar[0] } else { 0.0 });
}

/// Adds the derivatives of `rows` of sensors that read accelerations: by what they see directly, and by the accelerations.
pub(super) fn pull_accelerations(
    point: &Point<'_, f64>,
    rows: &[(usize, &[f64])],
    adjoint: &mut StepAdjoint,
    bars: &mut Bars<'_>,
    s: &mut Scratch,
) {
    let (model, parameters) = (point.model, point.parameters);
    let Some(parameters_bar) = bars.parameters.as_deref_mut() else { return };
    accelerate(point, s);
    let mut wrenches = Wrenches::zero(model);
    for &(sensor, y_bar) in rows {
        let reading = &model.sensors[sensor].reading;
        let to = (&mut wrenches, &mut *bars.q, &mut *parameters_bar);
        sensor::pull(model, parameters, (reading, y_bar), point.q, s, to);
    }
    let mut a_bar = vec![0.0; model.nv()];
    let tangent = (&mut *bars.q, &mut *bars.v, a_bar.as_mut_slice());
    wrenches.pull(model, parameters, s, tangent, &mut parameters_bar.gravity);
    adjoint.pull_acceleration(point, &a_bar, bars, s);
}
