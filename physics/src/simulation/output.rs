//! The outputs of motions: names, values over any scalar, and how their cotangents reach states and parameters.

use std::sync::Arc;

use cotangent_ad::{Mat3, Pose, Quat, Real, Vec3};
use cotangent_problem::name::element;
use cotangent_problem::{Axis, Quantity};

use super::energy::EnergyPullback;
use super::{MotionPart, prefix, sensor};
use crate::derivative::Cotangent;
use crate::energy::energy;
use crate::kinematics::{Placed, kinematics, place_links};
use crate::model::{JointKind, Model, Parameters, Transmission};
use crate::routes::{self, add_bars, lay};
use crate::scratch::Scratch;
use crate::state::State;

/// What an output is, and of which motion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OutputKind {
    pub(super) part: usize,
    pub(super) what: What,
}

/// What is seen of a motion at each time (of forces: during each step).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    JointPosition(usize),
    JointOrientation(usize),
    JointVelocity(usize),
    /// Of the state, by its place there.
    Activation(usize),
    TendonLength(usize),
    TendonVelocity(usize),
    Position(Frame),
    Orientation(Frame),
    KineticEnergy,
    PotentialEnergy,
    TotalEnergy,
    Force(usize),
    /// What a policy decided for an actuator.
    Control(usize),
    /// On a geom, from all its contacts.
    NormalForce(usize),
    /// On a joint, of everything that constrains the model.
    ConstraintForce(usize),
    /// What a sensor reads of a state.
    Sensor(usize),
    /// What a sensor reads during a step.
    StepSensor(usize),
}

impl What {
    /// Whether it is seen during a step, and not at a time.
    pub(super) fn is_of_step(self) -> bool {
        self.is_constraint()
            || matches!(self, Self::Force(_) | Self::Control(_) | Self::StepSensor(_))
    }

    /// Whether it is of a tendon.
    fn is_of_tendon(self) -> bool {
        matches!(self, Self::TendonLength(_) | Self::TendonVelocity(_))
    }

    /// Whether it is of the constraints' forces.
    pub(super) fn is_constraint(self) -> bool {
        matches!(self, Self::NormalForce(_) | Self::ConstraintForce(_))
    }
}

/// A named frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Frame {
    Site(usize),
    Body(usize),
}

impl Frame {
    fn pose<T: Real>(self, model: &Model, placed: &Placed<'_, T>) -> Pose<T> {
        match self {
            Self::Site(k) => placed.site_pose(model, k),
            Self::Body(k) => placed.body_pose(model, k),
        }
    }

    /// The link that carries it.
    fn link(self, model: &Model) -> Option<usize> {
        match self {
            Self::Site(k) => model.sites()[k].link,
            Self::Body(k) => model.bodies()[k].link,
        }
    }
}

/// All outputs of motions, in order.
pub(super) fn table(
    model: &Model,
    parts: &[MotionPart],
    axes: &[[Arc<Axis>; 2]],
) -> Vec<(OutputKind, Quantity)> {
    let mut rows = Vec::new();
    for (part, (motion, [times, steps])) in parts.iter().zip(axes).enumerate() {
        let before = prefix(motion);
        let n = times.values.len();
        let mut row = |what, name: String, unit: &str, components: &[usize], summary: &str| {
            let shape = [&[n], components].concat();
            let quantity = Quantity::output(format!("{before}{name}"), unit, &shape);
            rows.push((OutputKind { part, what }, quantity.along(times).about(summary)));
        };
        joint_rows(model, &mut row);
        for (k, actuator) in model.actuators().iter().enumerate() {
            let Some(activation) = actuator.activation else { continue };
            let name = format!("{}.activation", element("actuator", &actuator.name, k));
            let about = "what drives it in the place of its control";
            row(What::Activation(activation.at), name, "", &[], about);
        }
        for (k, tendon) in model.tendons().iter().enumerate() {
            let name = element("tendon", &tendon.name, k);
            let unit = if tendon.pieces.is_empty() { "" } else { "m" };
            let rate = if tendon.pieces.is_empty() { "1/s" } else { "m/s" };
            row(What::TendonLength(k), format!("{name}.length"), unit, &[], "length");
            let about = "rate of its length";
            row(What::TendonVelocity(k), format!("{name}.velocity"), rate, &[], about);
        }
        for (k, site) in model.sites().iter().enumerate() {
            frame_rows(Frame::Site(k), &element("site", &site.name, k), &mut row);
        }
        for (k, body) in model.bodies().iter().enumerate() {
            frame_rows(Frame::Body(k), &element("body", &body.name, k), &mut row);
        }
        for (what, name, summary) in [
            (What::KineticEnergy, "energy.kinetic", "of everything that moves"),
            (What::PotentialEnergy, "energy.potential", "of gravity and springs"),
            (What::TotalEnergy, "energy.total", "kinetic and potential"),
        ] {
            row(what, name.into(), "J", &[], summary);
        }
        for (k, motor) in model.actuators().iter().enumerate() {
            let name = format!("{before}{}.force", element("actuator", &motor.name, k));
            let rotary = |dof: usize| {
                matches!(
                    model.links()[model.dof_link[dof]].joint,
                    JointKind::Hinge(_) | JointKind::Ball
                )
            };
            let unit = match motor.transmission {
                Transmission::Coordinate { dof, .. } if rotary(dof) => "N m",
                Transmission::Ball { .. } => "N m",
                Transmission::Free { .. } | Transmission::Site(_) => "N and N m",
                _ => "N",
            };
            let quantity = Quantity::output(name, unit, &[steps.values.len()]);
            let quantity = quantity
                .along(steps)
                .about("force times gear on its coordinate at the start of a step");
            rows.push((OutputKind { part, what: What::Force(k) }, quantity));
        }
        constraint_rows(model, (part, &before), steps, &mut rows);
        sensor::rows(model, (part, &before), [times, steps], &mut rows);
    }
    for (kind, quantity) in &mut rows {
        mark(model, kind.what, quantity);
    }
    rows
}

/// The controls that a policy decides on, in motion after motion.
pub(super) fn decided(
    model: &Model,
    parts: &[MotionPart],
    axes: &[[Arc<Axis>; 2]],
) -> Vec<(OutputKind, Quantity)> {
    let mut rows = Vec::new();
    for (part, (motion, [_, steps])) in parts.iter().zip(axes).enumerate() {
        for (k, motor) in model.actuators().iter().enumerate() {
            let name = format!("{}{}.control", prefix(motion), element("actuator", &motor.name, k));
            let mut quantity = Quantity::output(name, "", &[motion.steps])
                .along(steps)
                .about("what the policy decides, constant during each step");
            if let Some([lower, upper]) = motor.range {
                quantity.lower.fill(lower);
                quantity.upper.fill(upper);
            }
            rows.push((OutputKind { part, what: What::Control(k) }, quantity));
        }
    }
    rows
}

/// Forces of contacts and of all constraints.
fn constraint_rows(
    model: &Model,
    (part, before): (usize, &str),
    steps: &Arc<Axis>,
    rows: &mut Vec<(OutputKind, Quantity)>,
) {
    if !model.is_constrained() {
        return;
    }
    let count = steps.values.len();
    for (k, geom) in model.geoms().iter().enumerate() {
        if model.touch_pairs().iter().any(|p| p.geoms.contains(&k)) {
            let name = format!("{before}{}.normal_force", element("geom", &geom.name, k));
            let about = "sum of the normal forces on it at the start of a step";
            let quantity = Quantity::output(name, "N", &[count]).along(steps).about(about);
            rows.push((OutputKind { part, what: What::NormalForce(k) }, quantity));
        }
    }
    for (k, joint) in model.joints().iter().enumerate() {
        let name = format!("{before}{}.constraint_force", element("joint", &joint.name, k));
        let turns =
            matches!(model.links()[joint.link].joint, JointKind::Hinge(_) | JointKind::Ball);
        let unit = if joint.v.1 == 6 {
            "N and N m"
        } else if turns {
            "N m"
        } else {
            "N"
        };
        let shape: &[usize] = if joint.v.1 == 1 { &[count] } else { &[count, joint.v.1] };
        let about = "force of stops, dry friction, couplings, ties and contacts on it at the start of a step";
        let quantity = Quantity::output(name, unit, shape).along(steps).about(about);
        rows.push((OutputKind { part, what: What::ConstraintForce(k) }, quantity));
    }
}

/// Vectors and ranges, where an output has such.
fn mark(model: &Model, what: What, quantity: &mut Quantity) {
    quantity.is_vector = match what {
        What::Position(_) => true,
        What::JointPosition(k) => model.joints()[k].v.1 == 6,
        _ => false,
    };
    if let What::JointPosition(k) = what
        && let Some([lower, upper]) = model.joints()[k].range
        && model.joints()[k].v.1 == 1
    {
        quantity.lower.fill(lower);
        quantity.upper.fill(upper);
    }
}

type Row<'a> = &'a mut dyn FnMut(What, String, &str, &[usize], &str);

fn joint_rows(model: &Model, row: Row<'_>) {
    for (k, joint) in model.joints().iter().enumerate() {
        let name = element("joint", &joint.name, k);
        let hinge = matches!(model.links()[joint.link].joint, JointKind::Hinge(_));
        let (position, velocity) = if hinge { ("rad", "rad/s") } else { ("m", "m/s") };
        if joint.v.1 != 3 {
            let components: &[usize] = if joint.v.1 == 6 { &[3] } else { &[] };
            row(
                What::JointPosition(k),
                format!("{name}.position"),
                position,
                components,
                "coordinate",
            );
        }
        if joint.v.1 >= 3 {
            let name = format!("{name}.orientation");
            row(What::JointOrientation(k), name, "", &[3, 3], "rotation matrix");
        }
        let (components, unit): (&[usize], _) = match joint.v.1 {
            1 => (&[], velocity),
            3 => (&[3], "rad/s"),
            _ => (&[6], "m/s and rad/s"),
        };
        row(What::JointVelocity(k), format!("{name}.velocity"), unit, components, "velocity");
    }
}

fn frame_rows(frame: Frame, name: &str, row: Row<'_>) {
    row(What::Position(frame), format!("{name}.position"), "m", &[3], "its origin in the world");
    let summary = "its rotation matrix in the world";
    row(What::Orientation(frame), format!("{name}.orientation"), "", &[3, 3], summary);
}

/// Whether an output needs kinematics.
fn sees_frames(what: What) -> bool {
    matches!(what, What::Position(_) | What::Orientation(_)) || what.is_of_tendon()
}

/// Writes what is seen of a state: `write(output, entries)` for each of `outputs` but forces.
pub(super) fn see<T: Real>(
    model: &Model,
    parameters: &Parameters<T>,
    state: &State<T>,
    outputs: &[What],
    s: &mut Scratch<T>,
    write: &mut dyn FnMut(usize, &[T]),
) {
    sensor::see(model, parameters, state, outputs, s, write);
    let energetic = |what: &What| {
        matches!(what, What::KineticEnergy | What::PotentialEnergy | What::TotalEnergy)
    };
    let energies = outputs.iter().any(energetic).then(|| energy(model, parameters, state, s));
    let sees_frames = outputs.iter().any(|what| sees_frames(*what));
    if outputs.iter().any(|what| what.is_of_tendon()) {
        place_links(model, parameters, &state.q, s);
        lay(model, &state.q, s);
    }
    let placed = sees_frames.then(|| kinematics(model, parameters, &state.q, s));
    let pose = |frame: Frame| placed.as_ref().map(|placed| frame.pose(model, placed));
    for (index, what) in outputs.iter().enumerate() {
        match *what {
            What::JointPosition(k) => {
                let (first, count) = model.joints()[k].q;
                write(index, &state.q[first..first + if count == 7 { 3 } else { 1 }]);
            }
            What::JointOrientation(k) => {
                write(index, quaternion(model, state, k).to_mat().0.as_flattened());
            }
            What::JointVelocity(k) => {
                let (first, count) = model.joints()[k].v;
                write(index, &state.v[first..first + count]);
            }
            What::Activation(at) => write(index, &state.act[at..=at]),
            What::TendonLength(k) => {
                placed.iter().for_each(|placed| write(index, &[placed.routes().length[k]]));
            }
            What::TendonVelocity(k) => {
                let rate = |placed: &Placed<'_, T>| placed.routes().rate(model, k, &state.v);
                placed.iter().for_each(|placed| write(index, &[rate(placed)]));
            }
            What::Position(frame) => {
                pose(frame).iter().for_each(|pose| write(index, &pose.translation.0));
            }
            What::Orientation(frame) => {
                pose(frame).iter().for_each(|pose| write(index, pose.rotation.0.as_flattened()));
            }
            What::KineticEnergy => energies.iter().for_each(|(_, t)| write(index, &[*t])),
            What::PotentialEnergy => energies.iter().for_each(|(v, _)| write(index, &[*v])),
            What::TotalEnergy => energies.iter().for_each(|(v, t)| write(index, &[*v + *t])),
            // during steps, or written already
            _ => {}
        }
    }
}

/// The quaternion of a ball or free joint.
fn quaternion<T: Real>(model: &Model, state: &State<T>, joint: usize) -> Quat<T> {
    let (first, count) = model.joints()[joint].q;
    let q = &state.q[first + count - 4..];
    Quat([q[0], q[1], q[2], q[3]])
}

/// Pulls cotangents of what is seen of states back.
pub(super) struct OutputPullback<'a> {
    model: &'a Model,
    parameters: &'a Parameters<f64>,
    energy: EnergyPullback,
}

impl<'a> OutputPullback<'a> {
    pub(super) fn new(model: &'a Model, parameters: &'a Parameters<f64>) -> Self {
        Self { model, parameters, energy: EnergyPullback::new(model, parameters) }
    }

    /// Adds to the cotangents of a state and of the parameters what `bars` give, the cotangents of the entries of each of
    /// `outputs` at this state.
    pub(super) fn pull(
        &mut self,
        state: &State,
        outputs: &[What],
        bars: &[&[f64]],
        bar: &mut Cotangent,
        parameters_bar: &mut Parameters<f64>,
        s: &mut Scratch,
    ) {
        let (model, seen) = (self.model, (state, outputs, bars));
        sensor::pull(model, self.parameters, seen, bar, parameters_bar, s);
        if bars.iter().any(|y_bar| wanted(y_bar)) {
            self.pull_wanted(seen, bar, parameters_bar, s);
        }
    }

    /// [`OutputPullback::pull`] of what is no sensor's.
    fn pull_wanted(
        &mut self,
        (state, outputs, bars): (&State, &[What], &[&[f64]]),
        bar: &mut Cotangent,
        parameters_bar: &mut Parameters<f64>,
        s: &mut Scratch,
    ) {
        let model = self.model;
        let pairs = || outputs.iter().zip(bars).filter(|(_, y_bar)| wanted(y_bar));
        let mut moment_bars = vec![];
        if outputs.iter().any(|what| what.is_of_tendon()) {
            place_links(model, self.parameters, &state.q, s);
            lay(model, &state.q, s);
            moment_bars.resize(s.routes.moments.len(), 0.0);
        }
        let placed = kinematics(model, self.parameters, &state.q, s);
        let (mut kinetic, mut potential) = (0.0, 0.0);
        for (what, y_bar) in pairs() {
            match *what {
                What::JointPosition(k) => add(&mut bar.q[model.joints()[k].v.0..], y_bar),
                What::JointVelocity(k) => add(&mut bar.v[model.joints()[k].v.0..], y_bar),
                What::Activation(at) => bar.act[at] += y_bar[0],
                What::TendonLength(k) => {
                    let parts = placed.routes().parts(model, k);
                    parts.for_each(|(d, m)| bar.q[d] += m * y_bar[0]);
                }
                What::TendonVelocity(k) => {
                    let parts = placed.routes().parts(model, k);
                    parts.for_each(|(d, m)| bar.v[d] += m * y_bar[0]);
                    add_bars(model, k, &mut moment_bars, |d| state.v[d] * y_bar[0]);
                }
                What::JointOrientation(k) => {
                    let (first, count) = model.joints()[k].v;
                    let rotation = quaternion(model, state, k).to_mat();
                    // R moves by R [d]x for d in the body's axes
                    let turn = turning(&rotation, y_bar);
                    add(&mut bar.q[first + count - 3..], &rotation.transpose_mul(turn).0);
                }
                What::Position(frame) => {
                    let point = frame.pose(model, &placed).translation;
                    let by_point = Vec3([y_bar[0], y_bar[1], y_bar[2]]);
                    placed.point_pullback(model, frame.link(model), point, by_point, &mut bar.q);
                }
                What::Orientation(frame) => {
                    let turn = turning(&frame.pose(model, &placed).rotation, y_bar);
                    placed.turn_pullback(model, frame.link(model), turn, &mut bar.q);
                }
                What::KineticEnergy => kinetic += y_bar[0],
                What::PotentialEnergy => potential += y_bar[0],
                What::TotalEnergy => {
                    kinetic += y_bar[0];
                    potential += y_bar[0];
                }
                _ => {}
            }
        }
        if !moment_bars.is_empty() {
            routes::pull(model, &moment_bars, &mut bar.q, s);
        }
        if kinetic != 0.0 {
            self.energy.kinetic(model, state, kinetic, bar, parameters_bar, s);
        }
        if potential != 0.0 {
            let p = self.parameters;
            self.energy.potential(model, p, state, potential, bar, parameters_bar, s);
        }
    }
}

/// Whether any cotangent is not zero.
fn wanted(y_bar: &[f64]) -> bool {
    y_bar.iter().any(|b| *b != 0.0)
}

fn add(to: &mut [f64], from: &[f64]) {
    to.iter_mut().zip(from).for_each(|(a, b)| *a += b);
}

/// The cotangent of a small turn `w` in world axes, `dR = [w]x R`: `sum_c R_c x R_bar_c` over the columns.
fn turning(rotation: &Mat3<f64>, y_bar: &[f64]) -> Vec3<f64> {
    let by_entry = |row: usize, column: usize| y_bar[3 * row + column];
    let column_bar = |c: usize| Vec3([by_entry(0, c), by_entry(1, c), by_entry(2, c)]);
    (0..3).fold(Vec3::zero(), |sum, c| sum + rotation.column(c).cross(column_bar(c)))
}
