//! The inputs of motions: names and values.

use std::sync::Arc;

use cotangent_ad::Quat;
use cotangent_problem::name::element;
use cotangent_problem::{Axis, Quantity, Transform};

use super::constraint::{self, ConstraintInput};
use super::setting::BodyNumbers;
use super::{MotionPart, prefix};
use crate::model::{ActivationLaw, JointKind, Model, Parameters};

/// What an input is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum InputKind {
    Gravity,
    /// Density, or viscosity.
    Fluid {
        index: usize,
    },
    Mass {
        link: usize,
    },
    Center {
        link: usize,
    },
    Gyration {
        link: usize,
    },
    /// Share of the weight of a link that is held.
    Held {
        link: usize,
    },
    Joint {
        joint: usize,
        number: JointNumber,
    },
    /// Further terms of a joint's damping, or of its spring.
    Polynomial {
        joint: usize,
        is_spring: bool,
    },
    Gear {
        actuator: usize,
    },
    Actuator {
        actuator: usize,
        number: ActuatorNumber,
    },
    Tendon {
        tendon: usize,
        number: TendonNumber,
    },
    Constraint(ConstraintInput),
    StartPosition {
        part: usize,
        joint: usize,
    },
    StartRotation {
        part: usize,
        joint: usize,
    },
    StartVelocity {
        part: usize,
        joint: usize,
    },
    StartActivation {
        part: usize,
        actuator: usize,
    },
    Control {
        part: usize,
        actuator: usize,
    },
    /// Force, or torque, on a link from outside.
    External {
        part: usize,
        link: usize,
        is_torque: bool,
    },
    /// Weights of a policy, from the first of these on.
    Policy {
        first: usize,
    },
}

impl InputKind {
    /// Whether a step reads it among its parameters, and not in its state or its controls.
    pub(super) fn is_parameter(self) -> bool {
        !matches!(
            self,
            Self::StartPosition { .. }
                | Self::StartRotation { .. }
                | Self::StartVelocity { .. }
                | Self::StartActivation { .. }
                | Self::Control { .. }
                | Self::Policy { .. }
        )
    }

    /// Whether the mass matrix depends on it.
    pub(super) fn moves_mass(self) -> bool {
        match self {
            Self::Mass { .. } | Self::Center { .. } | Self::Gyration { .. } => true,
            Self::Joint { number, .. } => number == JointNumber::Armature,
            _ => false,
        }
    }
}

/// A number of a joint, the same for each of its coordinates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum JointNumber {
    Damping,
    Armature,
    Stiffness,
    Rest,
}

impl JointNumber {
    /// Where it stands among a model's numbers, an entry for each coordinate.
    pub(super) fn of<T>(self, p: &mut Parameters<T>) -> &mut Vec<T> {
        match self {
            Self::Damping => &mut p.damping,
            Self::Armature => &mut p.armature,
            Self::Stiffness => &mut p.stiffness,
            Self::Rest => &mut p.rest,
        }
    }
}

/// Numbers of an actuator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ActuatorNumber {
    Gain,
    Bias,
    TimeConstant,
}

impl ActuatorNumber {
    /// Where they stand among a model's numbers.
    pub(super) fn of<T>(self, p: &mut Parameters<T>, actuator: usize) -> &mut [T] {
        match self {
            Self::Gain => &mut p.gain[actuator],
            Self::Bias => &mut p.bias[actuator],
            Self::TimeConstant => std::slice::from_mut(&mut p.time_constant[actuator]),
        }
    }
}

/// A number of a tendon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TendonNumber {
    Stiffness,
    Damping,
}

impl TendonNumber {
    /// Where it stands among a model's numbers, an entry for each tendon.
    pub(super) fn of<T>(self, p: &mut Parameters<T>) -> &mut Vec<T> {
        match self {
            Self::Stiffness => &mut p.tendon_stiffness,
            Self::Damping => &mut p.tendon_damping,
        }
    }
}

/// Which links carry mass, with the name of the first body that is fixed to each.
fn bodies(model: &Model) -> Vec<(usize, String)> {
    let of_link = |link: usize| {
        let index = model.bodies().iter().position(|b| b.link == Some(link))?;
        let has_mass = model.parameters().inertia[link].mass > 0.0;
        has_mass.then(|| (link, element("body", &model.bodies()[index].name, index)))
    };
    (0..model.links().len()).filter_map(of_link).collect()
}

/// All inputs of motions, in order.
pub(super) fn table(
    model: &Model,
    parts: &[MotionPart],
    axes: &[[Arc<Axis>; 2]],
) -> Vec<(InputKind, Quantity)> {
    let p = model.parameters();
    let about = "acceleration of gravity";
    let gravity = Quantity::input("gravity", "m/s^2", &[3], p.gravity.0.to_vec()).about(about);
    let mut rows = vec![(InputKind::Gravity, gravity.vectors())];
    for (link, name) in bodies(model) {
        let b = BodyNumbers::of(&p.inertia[link]);
        let row = |what: &str, unit, shape: &[usize], value| {
            Quantity::input(format!("{name}.{what}"), unit, shape, value)
        };
        let radius = (b.gyration[0] + b.gyration[1] + b.gyration[2]).max(1e-12).sqrt();
        let mass = row("mass", "kg", &[], vec![b.mass])
            .within(0.0, f64::INFINITY)
            .through(Transform::Log)
            .scaled(0.5)
            .about("mass of everything fixed to it; its shape stays");
        let center = row("center", "m", &[3], b.center.0.to_vec())
            .scaled(radius)
            .vectors()
            .about("centre of mass in the frame of its link");
        let gyration = row("gyration", "m^2", &[6], b.gyration.to_vec())
            .scaled(radius * radius)
            .about("rotational inertia about the centre of mass per mass: xx yy zz xy xz yz");
        rows.push((InputKind::Mass { link }, mass));
        rows.push((InputKind::Center { link }, center));
        rows.push((InputKind::Gyration { link }, gyration));
        if model.has_gravity_compensation {
            let held = row("gravcomp", "", &[], vec![p.gravity_compensation[link]])
                .about("share of its weight that is held");
            rows.push((InputKind::Held { link }, held));
        }
    }
    fluid_rows(model, &mut rows);
    joint_rows(model, &mut rows);
    polynomial_rows(model, &mut rows);
    actuator_rows(model, &mut rows);
    tendon_rows(model, &mut rows);
    constraint::rows(model, &mut rows);
    for (k, (part, [_, steps])) in parts.iter().zip(axes).enumerate() {
        part_rows(model, part, k, steps, &mut rows);
        external_rows(model, part, k, steps, &mut rows);
    }
    rows
}

/// What is pushed and turned from outside.
fn external_rows(
    model: &Model,
    part: &MotionPart,
    k: usize,
    steps: &Arc<Axis>,
    rows: &mut Vec<(InputKind, Quantity)>,
) {
    let before = prefix(part);
    for (link, name) in bodies(model) {
        let mut row = |is_torque: bool, what: &str, unit: &str, about: &str| {
            let own = model.parameters.external.get(link).copied().unwrap_or_default();
            let value = own[3 * usize::from(is_torque)..][..3].repeat(part.steps);
            let name = format!("{before}{name}.{what}");
            let quantity = Quantity::input(name, unit, &[part.steps, 3], value)
                .along(steps)
                .vectors()
                .about(about);
            rows.push((InputKind::External { part: k, link, is_torque }, quantity));
        };
        let about = "from outside, in world axes, at the centre of mass that the file gives it";
        row(false, "force", "N", about);
        row(true, "torque", "N m", "from outside, in world axes");
    }
}

/// The fluid around, where there is one.
fn fluid_rows(model: &Model, rows: &mut Vec<(InputKind, Quantity)>) {
    if model.fluid.is_empty() {
        return;
    }
    let names = [("density", "kg/m^3"), ("viscosity", "Pa s")];
    for (index, (name, unit)) in names.into_iter().enumerate() {
        let value = model.parameters().fluid[index];
        let quantity = Quantity::scalar(format!("fluid.{name}"), unit, value)
            .scaled(if value == 0.0 { 1.0 } else { value })
            .within(0.0, f64::INFINITY)
            .about("of the fluid around");
        rows.push((InputKind::Fluid { index }, quantity));
    }
}

fn actuator_rows(model: &Model, rows: &mut Vec<(InputKind, Quantity)>) {
    let mut parameters = model.parameters().clone();
    for (actuator, motor) in model.actuators().iter().enumerate() {
        let name = element("actuator", &motor.name, actuator);
        let gear = parameters.gear[actuator];
        let quantity = Quantity::scalar(format!("{name}.gear"), "", gear)
            .scaled(if gear == 0.0 { 1.0 } else { gear.abs() })
            .about("force on its coordinate per control");
        rows.push((InputKind::Gear { actuator }, quantity));
        let mut row = |number: ActuatorNumber, what: &str, unit: &str, summary: &str| {
            let value = number.of(&mut parameters, actuator).to_vec();
            let size = value.iter().fold(0.0_f64, |m, x| m.max(x.abs()));
            let shape: &[usize] = if value.len() == 1 { &[] } else { &[value.len()] };
            let quantity = Quantity::input(format!("{name}.{what}"), unit, shape, value)
                .scaled(if size > 0.0 { size } else { 1.0 })
                .about(summary);
            let positive = number == ActuatorNumber::TimeConstant;
            let quantity = if positive {
                quantity.within(0.0, f64::INFINITY).through(Transform::Log).scaled(0.5)
            } else {
                quantity
            };
            rows.push((InputKind::Actuator { actuator, number }, quantity));
        };
        if motor.servo {
            let about = "force per control or activation: constant, by length, by velocity";
            row(ActuatorNumber::Gain, "gain", "", about);
            let about = "force beside it: constant, by length, by velocity";
            row(ActuatorNumber::Bias, "bias", "", about);
        }
        if motor.activation.is_some_and(|a| a.law != ActivationLaw::Integrator) {
            let about = "time in which its activation follows its control";
            row(ActuatorNumber::TimeConstant, "time_constant", "s", about);
        }
    }
}

fn tendon_rows(model: &Model, rows: &mut Vec<(InputKind, Quantity)>) {
    let mut parameters = model.parameters().clone();
    for (k, tendon) in model.tendons().iter().enumerate() {
        let name = element("tendon", &tendon.name, k);
        let spatial = !tendon.pieces.is_empty();
        for (number, what, unit, about) in [
            (TendonNumber::Stiffness, "stiffness", "N/m", "spring towards its rest length"),
            (TendonNumber::Damping, "damping", "N s/m", "force against the rate of its length"),
        ] {
            let value = number.of(&mut parameters)[k];
            let quantity =
                Quantity::scalar(format!("{name}.{what}"), if spatial { unit } else { "" }, value)
                    .scaled(if value == 0.0 { 1.0 } else { value.abs() })
                    .within(0.0, f64::INFINITY)
                    .about(about);
            rows.push((InputKind::Tendon { tendon: k, number }, quantity));
        }
    }
}

/// Whether a joint turns, and so is measured in radians.
fn turns(model: &Model, joint: usize) -> bool {
    matches!(model.links()[model.joints()[joint].link].joint, JointKind::Hinge(_) | JointKind::Ball)
}

fn joint_rows(model: &Model, rows: &mut Vec<(InputKind, Quantity)>) {
    let mut parameters = model.parameters().clone();
    for (index, joint) in model.joints().iter().enumerate() {
        let name = element("joint", &joint.name, index);
        let (rotary, single) = (turns(model, index), joint.v.1 == 1);
        let unit = |rotary_unit, linear_unit| if rotary { rotary_unit } else { linear_unit };
        let mut row = |number: JointNumber, what: &str, unit: &str, summary: &str| {
            let value = number.of(&mut parameters)[joint.v.0];
            rows.push(joint_row(index, (&name, value), number, (what, unit, summary)));
        };
        let damping = unit("N m s/rad", "N s/m");
        row(JointNumber::Damping, "damping", damping, "force against its velocity");
        let armature = unit("kg m^2", "kg");
        row(JointNumber::Armature, "armature", armature, "inertia added to its coordinates");
        if single {
            let stiffness = unit("N m/rad", "N/m");
            row(JointNumber::Stiffness, "stiffness", stiffness, "spring towards its rest");
            row(JointNumber::Rest, "rest", unit("rad", "m"), "where its spring is at rest");
        }
    }
}

fn joint_row(
    joint: usize,
    (name, value): (&str, f64),
    number: JointNumber,
    (what, unit, summary): (&str, &str, &str),
) -> (InputKind, Quantity) {
    let quantity = Quantity::scalar(format!("{name}.{what}"), unit, value)
        .scaled(if value == 0.0 { 1.0 } else { value.abs() })
        .about(summary);
    let positive = number != JointNumber::Rest;
    let quantity = if positive { quantity.within(0.0, f64::INFINITY) } else { quantity };
    (InputKind::Joint { joint, number }, quantity)
}

/// Further terms of dampings and springs, where a model has such.
fn polynomial_rows(model: &Model, rows: &mut Vec<(InputKind, Quantity)>) {
    let p = model.parameters();
    for (joint, of) in model.joints().iter().enumerate() {
        let name = element("joint", &of.name, joint);
        let mut row = |is_spring: bool, what: &str, value: [f64; 2], about: &str| {
            let size = value[0].abs().max(value[1].abs());
            let quantity = Quantity::input(format!("{name}.{what}"), "", &[2], value.to_vec())
                .scaled(if size > 0.0 { size } else { 1.0 })
                .about(about);
            rows.push((InputKind::Polynomial { joint, is_spring }, quantity));
        };
        if model.has_polynomial_damping {
            let about = "further terms of its damping: with |v| v, with v^3";
            row(false, "damping_poly", p.damping_poly[of.v.0], about);
        }
        if model.has_polynomial_stiffness && of.v.1 == 1 {
            let about = "further terms of its spring: with x^2, with x^3";
            row(true, "stiffness_poly", p.stiffness_poly[of.v.0], about);
        }
    }
}

fn part_rows(
    model: &Model,
    part: &MotionPart,
    k: usize,
    steps: &Arc<Axis>,
    rows: &mut Vec<(InputKind, Quantity)>,
) {
    let before = prefix(part);
    for (index, joint) in model.joints().iter().enumerate() {
        let name = format!("{before}start.{}", element("joint", &joint.name, index));
        let (q, v) = (&part.start.q[joint.q.0..][..joint.q.1], &part.start.v[joint.v.0..]);
        let rotary = turns(model, index);
        let coordinates = if joint.v.1 == 6 { 3 } else { usize::from(joint.v.1 == 1) };
        if coordinates > 0 {
            let shape: &[usize] = if coordinates == 3 { &[3] } else { &[] };
            let unit = if rotary { "rad" } else { "m" };
            let value = q[..coordinates].to_vec();
            let mut quantity = Quantity::input(format!("{name}.position"), unit, shape, value)
                .about("coordinate at the start");
            if let Some([lower, upper]) = joint.range.filter(|_| coordinates == 1) {
                quantity = quantity.within(lower, upper).scaled(0.25 * (upper - lower));
            }
            rows.push((InputKind::StartPosition { part: k, joint: index }, quantity));
        }
        if joint.v.1 >= 3 {
            let quat = Quat([q[q.len() - 4], q[q.len() - 3], q[q.len() - 2], q[q.len() - 1]]);
            let value = quat.log().0.to_vec();
            let quantity = Quantity::input(format!("{name}.rotation"), "rad", &[3], value)
                .through(Transform::RotationVector)
                .about("rotation vector at the start");
            rows.push((InputKind::StartRotation { part: k, joint: index }, quantity));
        }
        let (shape, unit): (&[usize], _) = match (joint.v.1, rotary) {
            (1, true) => (&[], "rad/s"),
            (1, false) => (&[], "m/s"),
            (3, _) => (&[3], "rad/s"),
            _ => (&[6], "m/s and rad/s"),
        };
        let value = v[..joint.v.1].to_vec();
        let quantity = Quantity::input(format!("{name}.velocity"), unit, shape, value)
            .about("velocity at the start");
        rows.push((InputKind::StartVelocity { part: k, joint: index }, quantity));
    }
    for (actuator, motor) in model.actuators().iter().enumerate() {
        let Some(activation) = motor.activation else { continue };
        let name = element("actuator", &motor.name, actuator);
        let name = format!("{before}start.{name}.activation");
        let value = part.start.act[activation.at];
        let [lower, upper] = activation.range.unwrap_or([f64::NEG_INFINITY, f64::INFINITY]);
        let quantity =
            Quantity::scalar(name, "", value).within(lower, upper).about("activation at the start");
        rows.push((InputKind::StartActivation { part: k, actuator }, quantity));
    }
    for (actuator, motor) in model.actuators().iter().enumerate() {
        let name = format!("{before}{}.control", element("actuator", &motor.name, actuator));
        let [lower, upper] = motor.range.unwrap_or([f64::NEG_INFINITY, f64::INFINITY]);
        let width = 0.5 * (upper - lower);
        let value = vec![0.0_f64.clamp(lower, upper); part.steps];
        let quantity = Quantity::input(name, "", &[part.steps], value)
            .within(lower, upper)
            .scaled(if width.is_finite() && width > 0.0 { width } else { 1.0 })
            .along(steps)
            .about("control, constant during each step");
        rows.push((InputKind::Control { part: k, actuator }, quantity));
    }
}
