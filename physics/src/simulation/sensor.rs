//! Sensors as outputs: those of a state at each time, those under forces during each step.

use std::borrow::Cow;
use std::sync::Arc;

use cotangent_ad::Real;
use cotangent_problem::name::element;
use cotangent_problem::{Axis, Quantity, Switch};

use super::MotionSimulation;
use super::map::Picked;
use super::output::{OutputKind, What};
use crate::constraint::MOST;
use crate::derivative::{Cotangent, StepAdjoint};
use crate::force::{
    Bars, Point, actuation, actuator_force, pull_actuation, pull_force, pull_travel, travel,
};
use crate::kinematics::{move_links, place_links};
use crate::model::{InteractionReading, JointKind, Model, Parameters, Reading, SubtreeReading};
use crate::rnea::accelerations;
use crate::routes::{self, add_bars, lay};
use crate::scratch::Scratch;
use crate::sensor::{self, MOST_NUMBERS, Wrenches, feels, force_bars, range};
use crate::state::State;

/// What a sensor is as an output: what has a name of its own already is the same.
fn what(model: &Model, sensor: usize) -> What {
    let whole = model.sensors[sensor].cutoff.is_none();
    match model.sensors[sensor].reading {
        Reading::JointPosition(joint) if whole => What::JointPosition(joint),
        Reading::JointVelocity(joint) if whole => What::JointVelocity(joint),
        Reading::TendonLength(tendon) if whole => What::TendonLength(tendon),
        Reading::TendonVelocity(tendon) if whole => What::TendonVelocity(tendon),
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
        Reading::Range { .. } => {
            ("m", "distance to what a ray meets first, -1 where it is nothing")
        }
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
        let components = numbers_of(model, reading);
        let shape: &[usize] = if components == 1 { &[count] } else { &[count, components] };
        let name = format!("{before}{}", element("sensor", &sensor.name, k));
        let (unit, about) = unit(model, reading);
        let quantity = Quantity::output(name, unit, shape).along(axis).about(about);
        rows.push((OutputKind { part, what: what(model, k) }, quantity));
    }
}

/// How many numbers a sensor has; a ball's velocity has three.
fn numbers_of(model: &Model, reading: &Reading) -> usize {
    match *reading {
        Reading::JointVelocity(joint) => model.joints[joint].v.1.min(3),
        _ => reading.numbers(),
    }
}

/// What a sensor reads of a state, before its cutoff.
fn read<T: Real>(point: &Point<'_, T>, reading: &Reading, s: &Scratch<T>) -> [T; MOST_NUMBERS] {
    let model = point.model;
    let mut numbers = [T::lit(0.0); MOST_NUMBERS];
    match *reading {
        Reading::JointPosition(joint) => numbers[0] = point.q[model.joints[joint].q.0],
        Reading::JointVelocity(joint) => {
            let count = numbers_of(model, reading);
            numbers[..count].copy_from_slice(&point.v[model.joints[joint].v.0..][..count]);
        }
        Reading::TendonLength(tendon) => numbers[0] = point.routes.length[tendon],
        Reading::TendonVelocity(tendon) => {
            numbers[0] = point.routes.rate(model, tendon, point.v);
        }
        Reading::ActuatorLength(actuator) => numbers[0] = travel(point, actuator)[0],
        Reading::ActuatorVelocity(actuator) => numbers[0] = travel(point, actuator)[1],
        _ => {
            let read = sensor::read(model, point.parameters, reading, point.q, s);
            numbers = read.unwrap_or(numbers);
        }
    }
    numbers
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
        let sensor = &model.sensors[k];
        let mut numbers = read(&point, &sensor.reading, s);
        sensor::clamp(sensor, &mut numbers);
        write(index, &numbers[..numbers_of(model, &sensor.reading)]);
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
        let sensor = &model.sensors[k];
        let mut within = [0.0; MOST_NUMBERS];
        within[..y_bar.len()].copy_from_slice(y_bar);
        if sensor.cutoff.is_some() {
            sensor::mask(sensor, &read(&point, &sensor.reading, s), &mut within);
        }
        let y_bar = &within[..y_bar.len()];
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
        match sensor.reading {
            Reading::JointPosition(joint) => bar.q[model.joints[joint].v.0] += y_bar[0],
            Reading::JointVelocity(joint) => {
                let v = &mut bar.v[model.joints[joint].v.0..];
                v.iter_mut().zip(y_bar).for_each(|(bar, by)| *bar += by);
            }
            Reading::TendonLength(tendon) => {
                for (d, moment) in routes.parts(model, tendon) {
                    bar.q[d] += y_bar[0] * moment;
                }
            }
            Reading::TendonVelocity(tendon) => {
                for (d, moment) in routes.parts(model, tendon) {
                    bar.v[d] += y_bar[0] * moment;
                }
                add_bars(model, tendon, &mut moments, |d| y_bar[0] * v[d]);
            }
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

/// What an actuator's sensor reads during a step, within its cutoff; `None` of another.
pub(super) fn see_actuator<T: Real>(point: &Point<'_, T>, sensor: usize) -> Option<T> {
    let mut number = [actuator_number(point, sensor)?];
    sensor::clamp(&point.model.sensors[sensor], &mut number);
    Some(number[0])
}

fn actuator_number<T: Real>(point: &Point<'_, T>, sensor: usize) -> Option<T> {
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
    let mut within = [y_bar];
    if let Some(number) = actuator_number(point, sensor) {
        sensor::mask(&point.model.sensors[sensor], &[number], &mut within);
    }
    let [y_bar] = within;
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

/// What a sensor reads under the accelerations and contacts of a step, within its cutoff, after [`accelerate`].
pub(super) fn see_dynamics<T: Real>(
    point: &Point<'_, T>,
    sensor: usize,
    s: &Scratch<T>,
) -> [T; MOST_NUMBERS] {
    let mut numbers = dynamics_numbers(point, sensor, s);
    sensor::clamp(&point.model.sensors[sensor], &mut numbers);
    numbers
}

/// The cotangents of what [`see_dynamics`] gives, before the cutoff.
pub(super) fn within_cutoff(
    point: &Point<'_, f64>,
    sensor: usize,
    y_bar: &[f64],
    s: &Scratch,
) -> Vec<f64> {
    let mut within = y_bar.to_vec();
    sensor::mask(&point.model.sensors[sensor], &dynamics_numbers(point, sensor, s), &mut within);
    within
}

fn dynamics_numbers<T: Real>(
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
    rows: &[(usize, Cow<'_, [f64]>)],
    adjoint: &mut StepAdjoint,
    bars: &mut Bars<'_>,
    s: &mut Scratch,
) {
    let (model, parameters) = (point.model, point.parameters);
    let Some(parameters_bar) = bars.parameters.as_deref_mut() else { return };
    accelerate(point, s);
    let mut wrenches = Wrenches::zero(model);
    for (sensor, y_bar) in rows {
        let (reading, y_bar) = (&model.sensors[*sensor].reading, y_bar.as_ref());
        let to = (&mut wrenches, &mut *bars.q, &mut *parameters_bar);
        sensor::pull(model, parameters, (reading, y_bar), point.q, s, to);
    }
    let mut a_bar = vec![0.0; model.nv()];
    let tangent = (&mut *bars.q, &mut *bars.v, a_bar.as_mut_slice());
    wrenches.pull(model, parameters, s, tangent, &mut parameters_bar.gravity);
    adjoint.pull_acceleration(point, &a_bar, bars, s);
}

/// Of each output of a sensor with a cutoff, how many of its numbers are beyond it: where that changes there is a kink.
pub(super) fn beyond_cutoffs(
    simulation: &MotionSimulation,
    picked: &[Picked],
    entries: &[f64],
) -> Vec<Switch> {
    let mut switches = vec![];
    for output in picked {
        let (What::Sensor(k) | What::StepSensor(k)) = output.kind.what else { continue };
        let Some(cutoff) = simulation.model.sensors[k].cutoff else { continue };
        let quantity = &simulation.outputs[output.index];
        let own = &entries[output.first..][..quantity.len()];
        let state = own.iter().fold(0, |sum, x| sum + i64::from(x.abs() >= cutoff));
        switches.push(Switch { name: format!("{} beyond its cutoff", quantity.name), state });
    }
    switches
}

/// What rays meet on their way through a motion: where that changes their distance jumps or has a kink.
pub(super) struct Rays {
    /// Rangefinders by their outputs, and of each a number that tells the sequences of geoms and facets apart.
    followed: Vec<Followed>,
    memory: Scratch,
}

/// A rangefinder of a motion.
struct Followed {
    output: usize,
    sensor: usize,
    met: i64,
}

impl Rays {
    /// Of motion `part`, those that are among the outputs `picked` and those that its policy observes.
    pub(super) fn new(simulation: &MotionSimulation, part: usize, picked: &[Picked]) -> Self {
        let followed = |(output, kind): (usize, &OutputKind)| {
            let What::Sensor(sensor) = kind.what else { return None };
            let is_ray = matches!(simulation.model.sensors[sensor].reading, Reading::Range { .. });
            let is_observed = simulation.controller.as_ref().is_some_and(|c| c.observes(kind.what));
            let counts = is_observed || picked.iter().any(|o| o.index == output);
            (kind.part == part && is_ray && counts).then_some(Followed { output, sensor, met: 0 })
        };
        let kinds = simulation.output_kinds.iter().enumerate();
        // a motion of which nothing is seen is not made
        let followed =
            if picked.is_empty() { Vec::new() } else { kinds.filter_map(followed).collect() };
        Self { followed, memory: Scratch::new(&simulation.model) }
    }

    /// One more state of the motion.
    pub(super) fn follow(&mut self, model: &Model, parameters: &Parameters<f64>, state: &State) {
        if self.followed.is_empty() {
            return;
        }
        place_links(model, parameters, &state.q, &mut self.memory);
        for Followed { sensor, met, .. } in &mut self.followed {
            let Reading::Range { of, body } = &model.sensors[*sensor].reading else { continue };
            let (_, now) = range(model, parameters, (of, *body), &self.memory);
            let number = |k: usize| 1 + i64::try_from(k).unwrap_or(0);
            for number in now.map_or([0; 2], |now| now.map(number)) {
                *met = met.wrapping_mul(31).wrapping_add(number);
            }
        }
    }

    pub(super) fn switches(&self, simulation: &MotionSimulation) -> Vec<Switch> {
        let name = |ray: &Followed| format!("what {} meets", simulation.outputs[ray.output].name);
        self.followed.iter().map(|ray| Switch { name: name(ray), state: ray.met }).collect()
    }
}
