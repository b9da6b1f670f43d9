//! What a builder is told of joints, actuators and tendons.

/// How a joint moves its body.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mobility {
    /// About an axis of the body.
    Hinge([f64; 3]),
    /// Along an axis of the body.
    Slide([f64; 3]),
    /// About a point.
    Ball,
    /// Everywhere.
    Free,
}

/// A joint between a body and its parent.
#[derive(Clone, Debug, PartialEq)]
pub struct JointSpec {
    /// Its name; may be empty.
    pub name: String,
    /// How it moves.
    pub mobility: Mobility,
    /// Where it acts, in the body's frame.
    pub anchor: [f64; 3],
    /// Coordinate at which the body stands as described (hinge, slide).
    pub reference: f64,
    /// Damping.
    pub damping: f64,
    /// Further terms of the damping: `tau = -(p0 |v| v + p1 v^3)`.
    pub damping_poly: [f64; 2],
    /// Armature.
    pub armature: f64,
    /// Spring constant; of a ball along its rotation vector.
    pub stiffness: f64,
    /// Further terms of the spring (hinge, slide): `tau = -(p0 x^2 + p1 x^3)`.
    pub stiffness_poly: [f64; 2],
    /// Coordinate where the spring is at rest (hinge, slide).
    pub rest: f64,
    /// Least and greatest coordinate; of a ball, 0 and the greatest angle.
    pub range: Option<[f64; 2]>,
    /// Least and greatest sum of the actuators' forces (hinge, slide).
    pub force_range: Option<[f64; 2]>,
    /// Dry friction.
    pub friction_loss: f64,
}

impl JointSpec {
    /// A joint at the body's origin without damping, armature, spring, friction or range.
    pub fn new(name: &str, mobility: Mobility) -> Self {
        Self {
            name: name.into(),
            mobility,
            anchor: [0.0; 3],
            reference: 0.0,
            damping: 0.0,
            damping_poly: [0.0; 2],
            armature: 0.0,
            stiffness: 0.0,
            stiffness_poly: [0.0; 2],
            rest: 0.0,
            range: None,
            force_range: None,
            friction_loss: 0.0,
        }
    }
}

/// Where a geom's mass comes from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Weight {
    /// kg/m^3.
    Density(f64),
    /// kg.
    Mass(f64),
}

/// What an actuator drives, by index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drive {
    /// A joint.
    Joint(usize),
    /// A tendon.
    Tendon(usize),
}

/// An actuator: `f = clamp((g0 + g1 l + g2 w) clamp(u) + b0 + b1 l + b2 w)`, with length `l` and velocity `w` gear included.
#[derive(Clone, Debug, PartialEq)]
pub struct ActuatorSpec {
    /// Its name; may be empty.
    pub name: String,
    /// What it drives.
    pub drive: Drive,
    /// Hinge, slide, tendon: the first. Ball: torque in body axes. Free: force in world axes, torque in body axes.
    pub gear: [f64; 6],
    /// `g`.
    pub gain: [f64; 3],
    /// `b`.
    pub bias: [f64; 3],
    /// Least and greatest control.
    pub range: Option<[f64; 2]>,
    /// Least and greatest force, before the gear.
    pub force_range: Option<[f64; 2]>,
}

impl ActuatorSpec {
    /// A motor of gear 1 without limits: `f = u`.
    pub fn motor(name: &str, drive: Drive) -> Self {
        Self {
            name: name.into(),
            drive,
            gear: [1.0, 0.0, 0.0, 0.0, 0.0, 0.0],
            gain: [1.0, 0.0, 0.0],
            bias: [0.0; 3],
            range: None,
            force_range: None,
        }
    }

    /// A servo towards the position `u`: `f = kp (u - l) - kv w`.
    pub fn position(name: &str, drive: Drive, kp: f64, kv: f64) -> Self {
        Self { gain: [kp, 0.0, 0.0], bias: [0.0, -kp, -kv], ..Self::motor(name, drive) }
    }

    /// A servo towards the velocity `u`: `f = kv (u - w)`.
    pub fn velocity(name: &str, drive: Drive, kv: f64) -> Self {
        Self { gain: [kv, 0.0, 0.0], bias: [0.0, 0.0, -kv], ..Self::motor(name, drive) }
    }
}

/// A fixed tendon.
#[derive(Clone, Debug, PartialEq)]
pub struct TendonSpec {
    /// Its name; may be empty.
    pub name: String,
    /// Joints (hinges and slides, by index) and length by their coordinates.
    pub joints: Vec<(usize, f64)>,
    /// Spring constant.
    pub stiffness: f64,
    /// Damping.
    pub damping: f64,
    /// Lengths between which the spring is slack; `None` is the length where all joints' springs are at rest.
    pub rest: Option<[f64; 2]>,
    /// Least and greatest length.
    pub range: Option<[f64; 2]>,
    /// Dry friction.
    pub friction_loss: f64,
}

impl TendonSpec {
    /// A tendon without spring, damper, friction and range.
    pub fn new(name: &str, joints: Vec<(usize, f64)>) -> Self {
        Self {
            name: name.into(),
            joints,
            stiffness: 0.0,
            damping: 0.0,
            rest: None,
            range: None,
            friction_loss: 0.0,
        }
    }
}
