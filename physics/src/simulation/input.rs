//! The inputs of motions: names and values, how they set the model and the starts, and how cotangents come back.

use std::sync::Arc;

use cotangent_ad::{Quat, Real, Vec3};
use cotangent_problem::name::element;
use cotangent_problem::{Axis, Quantity, Transform};

use super::constraint::{self, ConstraintInput};
use super::course::CourseBar;
use super::{MotionPart, prefix};
use crate::constraint::pull_weights;
use crate::derivative::Cotangent;
use crate::model::{ActivationLaw, JointKind, Model, Parameters};
use crate::spatial::SpatialInertia;
use crate::state::State;

/// What an input is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum InputKind {
    Gravity,
    Mass {
        link: usize,
    },
    Center {
        link: usize,
    },
    Gyration {
        link: usize,
    },
    Joint {
        joint: usize,
        number: JointNumber,
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
    /// Weights of a policy, from the first of these on.
    Policy {
        first: usize,
    },
}

impl InputKind {
    /// Whether it is a number of the model, and not of a start or of what drives a motion.
    pub(super) fn is_of_model(self) -> bool {
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
    fn moves_mass(self) -> bool {
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
    fn of<T>(self, p: &mut Parameters<T>) -> &mut Vec<T> {
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
    fn of<T>(self, p: &mut Parameters<T>, actuator: usize) -> &mut [T] {
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
    fn of<T>(self, p: &mut Parameters<T>) -> &mut Vec<T> {
        match self {
            Self::Stiffness => &mut p.tendon_stiffness,
            Self::Damping => &mut p.tendon_damping,
        }
    }
}

/// Everything that inputs set.
#[derive(Clone, Debug)]
pub(super) struct Setting<T> {
    /// The model's numbers.
    pub(super) parameters: Parameters<T>,
    /// Mass, centre and gyration of each link, of which the inertias are made.
    bodies: Vec<BodyNumbers<T>>,
    /// Start of each motion.
    pub(super) starts: Vec<State<T>>,
    /// Controls of each motion, `steps x nu`.
    pub(super) controls: Vec<Vec<T>>,
    /// Weights of the policy that makes them; none without one.
    pub(super) policy: Vec<T>,
}

/// The inertia of a link as mass, centre of mass and gyration tensor: physical for any positive mass.
#[derive(Clone, Copy, Debug)]
struct BodyNumbers<T> {
    mass: T,
    center: Vec3<T>,
    gyration: [T; 6],
}

/// `|c|^2 1 - c c^T`, its six numbers.
fn steiner<T: Real>(c: Vec3<T>) -> [T; 6] {
    let [x, y, z] = c.0;
    [y * y + z * z, x * x + z * z, x * x + y * y, -(x * y), -(x * z), -(y * z)]
}

impl BodyNumbers<f64> {
    fn of(inertia: &SpatialInertia<f64>) -> Self {
        let mass = inertia.mass;
        let center = if mass > 0.0 { inertia.moment * (1.0 / mass) } else { Vec3::zero() };
        let about = steiner(center);
        let per_mass = |k: usize| inertia.rotational[k] / mass - about[k];
        let gyration = std::array::from_fn(|k| if mass > 0.0 { per_mass(k) } else { 0.0 });
        Self { mass, center, gyration }
    }

    fn lift<T: Real>(&self) -> BodyNumbers<T> {
        BodyNumbers {
            mass: T::lit(self.mass),
            center: Vec3::lit(self.center.0),
            gyration: self.gyration.map(T::lit),
        }
    }
}

impl<T: Real> BodyNumbers<T> {
    /// `m, m c, m (G + |c|^2 1 - c c^T)`.
    fn inertia(&self) -> SpatialInertia<T> {
        let about = steiner(self.center);
        SpatialInertia {
            mass: self.mass,
            moment: self.center * self.mass,
            rotational: std::array::from_fn(|k| (self.gyration[k] + about[k]) * self.mass),
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
    }
    joint_rows(model, &mut rows);
    actuator_rows(model, &mut rows);
    tendon_rows(model, &mut rows);
    constraint::rows(model, &mut rows);
    for (k, (part, [_, steps])) in parts.iter().zip(axes).enumerate() {
        part_rows(model, part, k, steps, &mut rows);
    }
    rows
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
            let quantity = Quantity::scalar(format!("{name}.{what}"), unit, value)
                .scaled(if value == 0.0 { 1.0 } else { value.abs() })
                .about(summary);
            let positive = number != JointNumber::Rest;
            let quantity = if positive { quantity.within(0.0, f64::INFINITY) } else { quantity };
            rows.push((InputKind::Joint { joint: index, number }, quantity));
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

impl Setting<f64> {
    /// What the model and the motions are without inputs: their own numbers, controls of 0, and so many weights of 0.
    pub(super) fn of(model: &Model, parts: &[MotionPart], weights: usize) -> Self {
        Self {
            bodies: model.parameters().inertia.iter().map(BodyNumbers::of).collect(),
            parameters: model.parameters().clone(),
            starts: parts.iter().map(|p| p.start.clone()).collect(),
            controls: parts.iter().map(|p| vec![0.0; p.steps * model.nu()]).collect(),
            policy: vec![0.0; weights],
        }
    }

    /// The same in another scalar.
    pub(super) fn lift<T: Real>(&self) -> Setting<T> {
        let lift = |x: &Vec<f64>| x.iter().map(|x| T::lit(*x)).collect();
        let lift_state = |s: &State| State { q: lift(&s.q), v: lift(&s.v), act: lift(&s.act) };
        Setting {
            parameters: self.parameters.lift(),
            bodies: self.bodies.iter().map(BodyNumbers::lift).collect(),
            starts: self.starts.iter().map(lift_state).collect(),
            controls: self.controls.iter().map(lift).collect(),
            policy: lift(&self.policy),
        }
    }
}

impl<T: Real> Setting<T> {
    /// Gives input `kind` the value `x`.
    pub(super) fn set(&mut self, model: &Model, kind: InputKind, x: &[T]) {
        match kind {
            InputKind::Gravity => self.parameters.gravity = Vec3([x[0], x[1], x[2]]),
            InputKind::Mass { link } => self.set_body(link, |b| b.mass = x[0]),
            InputKind::Center { link } => {
                self.set_body(link, |b| b.center = Vec3([x[0], x[1], x[2]]));
            }
            InputKind::Gyration { link } => {
                self.set_body(link, |b| b.gyration.copy_from_slice(x));
            }
            InputKind::Joint { joint, number } => {
                let (first, count) = model.joints()[joint].v;
                number.of(&mut self.parameters)[first..first + count].fill(x[0]);
            }
            InputKind::Gear { actuator } => self.parameters.gear[actuator] = x[0],
            InputKind::Actuator { actuator, number } => {
                number.of(&mut self.parameters, actuator).copy_from_slice(x);
            }
            InputKind::Tendon { tendon, number } => {
                number.of(&mut self.parameters)[tendon] = x[0];
            }
            InputKind::Constraint(input) => {
                input.of(&mut self.parameters.constraints).copy_from_slice(x);
            }
            InputKind::StartPosition { part, joint } => {
                let first = model.joints()[joint].q.0;
                self.starts[part].q[first..first + x.len()].copy_from_slice(x);
            }
            InputKind::StartRotation { part, joint } => {
                let (first, count) = model.joints()[joint].q;
                let turned = Quat::exp(Vec3([x[0], x[1], x[2]]));
                self.starts[part].q[first + count - 4..first + count].copy_from_slice(&turned.0);
            }
            InputKind::StartVelocity { part, joint } => {
                let first = model.joints()[joint].v.0;
                self.starts[part].v[first..first + x.len()].copy_from_slice(x);
            }
            InputKind::StartActivation { part, actuator } => {
                if let Some(activation) = model.actuators()[actuator].activation {
                    self.starts[part].act[activation.at] = x[0];
                }
            }
            InputKind::Control { part, actuator } => {
                let controls = self.controls[part][actuator..].iter_mut().step_by(model.nu());
                controls.zip(x).for_each(|(u, x)| *u = *x);
            }
            InputKind::Policy { first } => self.policy[first..][..x.len()].copy_from_slice(x),
        }
    }

    /// After all inputs of `kinds` are set: the inverse inertias that scale constraints, where one of them moves the mass matrix.
    pub(super) fn weigh(&mut self, model: &Model, mut kinds: impl Iterator<Item = InputKind>) {
        if model.is_constrained() && kinds.any(InputKind::moves_mass) {
            self.parameters.constraints.weights = model.weights_at_reference(&self.parameters);
        }
    }

    fn set_body(&mut self, link: usize, change: impl FnOnce(&mut BodyNumbers<T>)) {
        change(&mut self.bodies[link]);
        self.parameters.inertia[link] = self.bodies[link].inertia();
    }
}

/// Cotangents of everything that inputs set.
pub(super) struct SettingBar {
    pub(super) parameters: Parameters<f64>,
    pub(super) starts: Vec<Cotangent>,
    pub(super) controls: Vec<Vec<f64>>,
    pub(super) policy: Vec<f64>,
}

impl SettingBar {
    /// Those of nothing.
    pub(super) fn zero(setting: &Setting<f64>) -> Self {
        Self {
            parameters: setting.parameters.zero_like(),
            starts: vec![],
            controls: vec![],
            policy: vec![0.0; setting.policy.len()],
        }
    }

    /// Adds those of the next motion.
    pub(super) fn add(&mut self, next: CourseBar) {
        let mut numbers = next.parameters.numbers().into_iter();
        self.parameters = self.parameters.map(|sum| sum + numbers.next().unwrap_or_default());
        self.policy.iter_mut().zip(next.policy).for_each(|(sum, bar)| *sum += bar);
        self.starts.push(next.start);
        self.controls.push(next.controls);
    }

    /// The adjoint of [`Setting::weigh`], before the first [`SettingBar::pull`].
    pub(super) fn unweigh(
        &mut self,
        model: &Model,
        parameters: &Parameters<f64>,
        mut kinds: impl Iterator<Item = InputKind>,
    ) {
        if model.is_constrained() && kinds.any(InputKind::moves_mass) {
            pull_weights(model, parameters, &mut self.parameters);
        }
    }

    /// The cotangent of input `kind`, whose value is `x`.
    pub(super) fn pull(
        &mut self,
        model: &Model,
        setting: &Setting<f64>,
        kind: InputKind,
        x: &[f64],
    ) -> Vec<f64> {
        match kind {
            InputKind::Gravity => self.parameters.gravity.0.to_vec(),
            InputKind::Mass { link } => vec![self.body(setting, link).0],
            InputKind::Center { link } => self.body(setting, link).1.0.to_vec(),
            InputKind::Gyration { link } => self.body(setting, link).2.to_vec(),
            InputKind::Joint { joint, number } => {
                let (first, count) = model.joints()[joint].v;
                vec![number.of(&mut self.parameters)[first..first + count].iter().sum()]
            }
            InputKind::Gear { actuator } => vec![self.parameters.gear[actuator]],
            InputKind::Actuator { actuator, number } => {
                number.of(&mut self.parameters, actuator).to_vec()
            }
            InputKind::Tendon { tendon, number } => {
                vec![number.of(&mut self.parameters)[tendon]]
            }
            InputKind::Constraint(input) => input.of(&mut self.parameters.constraints).to_vec(),
            InputKind::StartPosition { part, joint } => {
                self.starts[part].q[model.joints()[joint].v.0..][..x.len()].to_vec()
            }
            InputKind::StartRotation { part, joint } => {
                // q = exp(x) moves by exp(J_r(x) dx) on its right
                let (first, count) = model.joints()[joint].v;
                let bar = &self.starts[part].q[first + count - 3..];
                let through = Quat::exp_right_jacobian(Vec3([x[0], x[1], x[2]]));
                through.transpose_mul(Vec3([bar[0], bar[1], bar[2]])).0.to_vec()
            }
            InputKind::StartVelocity { part, joint } => {
                self.starts[part].v[model.joints()[joint].v.0..][..x.len()].to_vec()
            }
            InputKind::StartActivation { part, actuator } => {
                let at = model.actuators()[actuator].activation.map(|a| a.at);
                vec![at.map_or(0.0, |at| self.starts[part].act[at])]
            }
            InputKind::Control { part, actuator } => {
                self.controls[part][actuator..].iter().step_by(model.nu()).copied().collect()
            }
            InputKind::Policy { first } => self.policy[first..][..x.len()].to_vec(),
        }
    }

    /// Cotangents of mass, centre and gyration of a link, from those of its ten numbers.
    fn body(&self, setting: &Setting<f64>, link: usize) -> (f64, Vec3<f64>, [f64; 6]) {
        let (b, bar) = (&setting.bodies[link], &self.parameters.inertia[link]);
        let about = steiner(b.center);
        let [xx, yy, zz, xy, xz, yz] = bar.rotational;
        let [x, y, z] = b.center.0;
        let per_mass = (0..6).map(|k| bar.rotational[k] * (b.gyration[k] + about[k])).sum::<f64>();
        let mass = bar.mass + bar.moment.dot(b.center) + per_mass;
        let by_steiner = Vec3([
            2.0 * x * (yy + zz) - y * xy - z * xz,
            2.0 * y * (xx + zz) - x * xy - z * yz,
            2.0 * z * (xx + yy) - x * xz - y * yz,
        ]);
        let center = (bar.moment + by_steiner) * b.mass;
        (mass, center, bar.rotational.map(|r| r * b.mass))
    }
}
