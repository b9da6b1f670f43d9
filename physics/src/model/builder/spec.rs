//! What a builder is told of joints, actuators and tendons.

use cotangent_ad::Pose;

use crate::model::{ActivationLaw, Line, Softness, Surface};

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
    /// What keeps it in its range. `None`: the range is not enforced.
    pub stop: Option<StopSpec>,
    /// Dry friction.
    pub friction_loss: f64,
    /// How soft dry friction is.
    pub friction: Softness<f64>,
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
            stop: None,
            friction_loss: 0.0,
            friction: Softness::DEFAULT,
        }
    }
}

/// What keeps a joint or tendon in its range.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct StopSpec {
    /// Distance from the end of the range at which it begins to act.
    pub margin: f64,
    /// How soft it is.
    pub softness: Softness<f64>,
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
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Drive {
    /// A joint.
    Joint(usize),
    /// A tendon.
    Tendon(usize),
    /// A site, in whose axes the six numbers of the gear are a force and a torque.
    Site(usize),
    /// A site against another, in whose axes the six numbers of the gear are a force and a torque.
    SiteAgainst {
        /// The site.
        site: usize,
        /// The other.
        other: usize,
    },
    /// A slider-crank: the place of a slider on an axis.
    SliderCrank {
        /// The site at the crank's end.
        crank: usize,
        /// The site along whose z axis the slider moves.
        slider: usize,
        /// Length of the rod between the crank's end and the slider, m.
        rod: f64,
    },
}

/// An activation, which follows the control and drives an actuator in its place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ActivationSpec {
    /// How it follows.
    pub law: ActivationLaw,
    /// Time constant of a filter, s.
    pub time_constant: f64,
    /// Least and greatest activation.
    pub range: Option<[f64; 2]>,
    /// Whether the force takes what the activation will be after the step.
    pub early: bool,
}

impl ActivationSpec {
    /// Without a range, and not early.
    pub fn new(law: ActivationLaw, time_constant: f64) -> Self {
        Self { law, time_constant, range: None, early: false }
    }
}

/// An actuator: `f = clamp((g0 + g1 l + g2 w) d + b0 + b1 l + b2 w)`, with length `l` and velocity `w` gear included; `d` is the control within
/// its range, or the activation.
#[derive(Clone, Debug, PartialEq)]
pub struct ActuatorSpec {
    /// Its name; may be empty.
    pub name: String,
    /// What it drives.
    pub drive: Drive,
    /// Hinge, slide, tendon, slider-crank: the first. Ball: torque in body axes. Free: force in world axes, torque in body axes. Site: both in the axes
    /// of the site, or of that against which it acts.
    pub gear: [f64; 6],
    /// `g`.
    pub gain: [f64; 3],
    /// `b`.
    pub bias: [f64; 3],
    /// Least and greatest control.
    pub range: Option<[f64; 2]>,
    /// What follows the control and drives it in its place.
    pub activation: Option<ActivationSpec>,
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
            activation: None,
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

/// What a spatial tendon passes on its way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Waypoint {
    /// A site, by index.
    Site(usize),
    /// Around a geom, a sphere or a cylinder, where it is in the way between the sites before and after.
    Geom {
        /// The geom, by index.
        geom: usize,
        /// A site on whose side the tendon passes; where it is inside the geom, the tendon does too.
        side: Option<usize>,
    },
    /// A pulley, which begins a new branch and divides the lengths in it.
    Pulley(f64),
}

/// A tendon: fixed, over joints, or spatial, from site to site and around geoms.
#[derive(Clone, Debug, PartialEq)]
pub struct TendonSpec {
    /// Its name; may be empty.
    pub name: String,
    /// Of a fixed one, joints (hinges and slides, by index) and length by their coordinates.
    pub joints: Vec<(usize, f64)>,
    /// Of a spatial one, its way.
    pub route: Vec<Waypoint>,
    /// Spring constant.
    pub stiffness: f64,
    /// Damping.
    pub damping: f64,
    /// Lengths between which the spring is slack; `None` is the length where all joints' springs are at rest.
    pub rest: Option<[f64; 2]>,
    /// Least and greatest length.
    pub range: Option<[f64; 2]>,
    /// What keeps it in its range. `None`: the range is not enforced.
    pub stop: Option<StopSpec>,
    /// Dry friction.
    pub friction_loss: f64,
    /// How soft dry friction is.
    pub friction: Softness<f64>,
}

impl TendonSpec {
    /// A spatial tendon without spring, damper, friction and range.
    pub fn spatial(name: &str, route: Vec<Waypoint>) -> Self {
        Self { route, ..Self::new(name, vec![]) }
    }

    /// A fixed tendon without spring, damper, friction and range.
    pub fn new(name: &str, joints: Vec<(usize, f64)>) -> Self {
        Self {
            name: name.into(),
            joints,
            route: vec![],
            stiffness: 0.0,
            damping: 0.0,
            rest: None,
            range: None,
            stop: None,
            friction_loss: 0.0,
            friction: Softness::DEFAULT,
        }
    }
}

/// What a geom's surface touches, and how.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SurfaceSpec {
    /// What it may touch, and in how many directions contact has force.
    pub surface: Surface,
    /// Coefficients of sliding, torsional (m) and rolling (m) friction.
    pub friction: [f64; 3],
    /// Distance at which contact begins to act, m.
    pub margin: f64,
    /// Weight of its softness against the other geom's.
    pub mix: f64,
    /// How soft it is.
    pub softness: Softness<f64>,
}

impl SurfaceSpec {
    /// MuJoCo's default: everything touches everything, with friction of 1, 5 mm and 0.1 mm.
    pub const DEFAULT: Self = Self {
        surface: Surface { kind: 1, touches: 1, directions: 3, priority: 0 },
        friction: [1.0, 0.005, 0.0001],
        margin: 0.0,
        mix: 1.0,
        softness: Softness::DEFAULT,
    };
}

/// Two geoms that touch with numbers of their own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PairSpec {
    /// The geoms, by index.
    pub geoms: [usize; 2],
    /// Directions in which contact has force: 1, 3, 4 or 6.
    pub directions: usize,
    /// Coefficients of friction: sliding along two axes, torsional, rolling about two axes.
    pub friction: [f64; 5],
    /// Distance at which contact begins to act, m.
    pub margin: f64,
    /// How soft it is.
    pub softness: Softness<f64>,
}

/// Two bodies whose points, or whose frames, are held together.
#[derive(Clone, Debug, PartialEq)]
pub struct TieSpec {
    /// Its name; may be empty.
    pub name: String,
    /// What is held together: bodies (`None` is the world), and frames in theirs.
    pub ends: [(Option<usize>, Pose<f64>); 2],
    /// Whether the frames may not turn against each other either.
    pub welded: bool,
    /// Weight of a turn against a shift, m.
    pub torque_scale: f64,
    /// How soft it is.
    pub softness: Softness<f64>,
}

/// Two joints or two tendons of which one follows the other, or one that is held.
#[derive(Clone, Debug, PartialEq)]
pub struct CouplingSpec {
    /// Its name; may be empty.
    pub name: String,
    /// What follows.
    pub first: Line,
    /// What it follows; `None`: it is held at the polynomial's constant.
    pub second: Option<Line>,
    /// Displacement of the first from the reference, by that of the second.
    pub polynomial: [f64; 5],
    /// How soft it is.
    pub softness: Softness<f64>,
}
