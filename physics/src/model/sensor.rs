//! Sensors: what a file asks to be measured.

use std::sync::Arc;

use cotangent_ad::{Pose, Vec3};

use super::{Facets, Shape};

/// A measurement that a model names.
#[derive(Clone, Debug, PartialEq)]
pub struct Sensor {
    /// Its name; may be empty.
    pub name: String,
    /// What it measures.
    pub reading: Reading,
    /// The greatest size of its numbers: beyond it they are clamped and their derivatives 0.
    pub cutoff: Option<f64>,
}

/// How a geom is seen by rays.
#[derive(Clone, Debug, PartialEq)]
pub struct Sight {
    /// Whether it is.
    pub seen: bool,
    /// Half the sides of a plane, m; along one that is not positive it has no end.
    pub extent: [f64; 2],
    /// The surface of a solid of any form or of a height field; several geoms may share it.
    pub facets: Option<Arc<Facets>>,
}

impl Sight {
    /// What a geom has that nothing is said of: it is seen, and a plane has no end.
    pub const WHOLE: Self = Self { seen: true, extent: [0.0; 2], facets: None };
}

/// A frame fixed to a link or to the world.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mount {
    /// The link; `None` is the world.
    pub link: Option<usize>,
    /// The frame in the link's.
    pub placement: Pose<f64>,
}

/// What a sensor measures; joints, tendons and actuators by index.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reading {
    /// Coordinate of a hinge or slide.
    JointPosition(usize),
    /// Its velocity; of a ball, the angular velocity in its own axes.
    JointVelocity(usize),
    /// Sum of the actuators' forces on a hinge or slide.
    JointActuatorForce(usize),
    /// Unit quaternion of a ball.
    BallOrientation(usize),
    /// Length of a tendon.
    TendonLength(usize),
    /// Rate of its length.
    TendonVelocity(usize),
    /// Length of an actuator's transmission, gear included.
    ActuatorLength(usize),
    /// Rate of that length.
    ActuatorVelocity(usize),
    /// Force of an actuator, without gear.
    ActuatorForce(usize),
    /// Three numbers of a frame, in world axes or, where there is one, seen from a second frame.
    Frame {
        /// The frame.
        of: Mount,
        /// From where it is seen.
        relative_to: Option<Mount>,
        /// Which numbers.
        what: FrameReading,
    },
    /// The unit quaternion of a frame, in the world or, where there is one, in a second frame: a product along the joints, so that it does not
    /// jump; which of the two that are one turn it is, is so chosen that the frame's own has no negative real part.
    Orientation {
        /// The frame.
        of: Mount,
        /// From where it is seen.
        relative_to: Option<Mount>,
    },
    /// A field that is the same everywhere in the world, as the earth's magnetic one, in the axes of a frame.
    Magnetometer {
        /// The frame.
        of: Mount,
        /// The field in world axes, T.
        field: Vec3<f64>,
    },
    /// What a body, with all bodies on it, presses on the body that carries it: the force that its motion needs less that of its contacts, in the
    /// axes of a frame on it. As in MuJoCo, forces of actuators, springs, tendons over joints and a fluid pass through there; of what a spatial tendon or a tie pulls it is refused.
    Interaction {
        /// The body.
        body: usize,
        /// The frame, on the body.
        at: Mount,
        /// Which numbers.
        what: InteractionReading,
    },
    /// Three numbers of a link and all links on it.
    Subtree {
        /// The link.
        link: usize,
        /// Which numbers.
        what: SubtreeReading,
    },
    /// Distance along the z axis of a frame to the first geom that is met, m; -1 where none is. Geoms of a body are not seen.
    Range {
        /// The frame.
        of: Mount,
        /// The body, which carries the frame; `None` is the world.
        body: Option<usize>,
    },
    /// Sum of the normal forces of a body's contacts whose line of force meets a volume on it.
    Touch {
        /// The body; `None` is the world.
        body: Option<usize>,
        /// Where the volume is.
        at: Mount,
        /// The volume.
        volume: Shape,
    },
}

/// What is measured of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameReading {
    /// Its origin, m.
    Position,
    /// One of its axes.
    Axis(usize),
    /// Velocity of its origin, m/s.
    LinearVelocity,
    /// Angular velocity, rad/s.
    AngularVelocity,
    /// Velocity of its origin along its own axes, m/s.
    Velocimeter,
    /// Angular velocity along its own axes, rad/s.
    Gyro,
    /// Acceleration of its origin less that of gravity, m/s^2.
    LinearAcceleration,
    /// Angular acceleration, rad/s^2.
    AngularAcceleration,
    /// Acceleration of its origin less that of gravity, along its own axes, m/s^2.
    Accelerometer,
}

/// What is measured between two bodies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InteractionReading {
    /// The force, N.
    Force,
    /// The torque about the frame's origin, N m.
    Torque,
}

/// What is measured of a subtree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubtreeReading {
    /// Centre of mass, m.
    Center,
    /// Velocity of the centre of mass, m/s.
    LinearVelocity,
    /// Angular momentum about the centre of mass, kg m^2/s.
    AngularMomentum,
}

impl FrameReading {
    /// Whether it is of accelerations, which are known during a step and not after it.
    pub fn is_acceleration(self) -> bool {
        matches!(self, Self::LinearAcceleration | Self::AngularAcceleration | Self::Accelerometer)
    }

    /// What it is, in a few words.
    pub fn about(self) -> &'static str {
        match self {
            Self::Position => "place of a frame",
            Self::Axis(_) => "axis of a frame",
            Self::LinearVelocity => "velocity of a frame",
            Self::AngularVelocity => "angular velocity of a frame",
            Self::Velocimeter => "velocity of a frame along its own axes",
            Self::Gyro => "angular velocity of a frame along its own axes",
            Self::LinearAcceleration => {
                "acceleration of a frame less that of gravity, at the start of a step"
            }
            Self::AngularAcceleration => "angular acceleration of a frame at the start of a step",
            Self::Accelerometer => {
                "acceleration of a frame less that of gravity along its own axes, at the start of a step"
            }
        }
    }

    /// Its unit.
    pub fn unit(self) -> &'static str {
        match self {
            Self::Position => "m",
            Self::Axis(_) => "",
            Self::LinearVelocity | Self::Velocimeter => "m/s",
            Self::AngularVelocity | Self::Gyro => "rad/s",
            Self::LinearAcceleration | Self::Accelerometer => "m/s^2",
            Self::AngularAcceleration => "rad/s^2",
        }
    }
}

impl Reading {
    /// Whether it is measured at the start of each step, under its forces, and not of each state.
    pub fn is_of_step(&self) -> bool {
        match self {
            Self::JointActuatorForce(_)
            | Self::ActuatorForce(_)
            | Self::Touch { .. }
            | Self::Interaction { .. } => true,
            Self::Frame { what, .. } => what.is_acceleration(),
            _ => false,
        }
    }

    /// Whether it has numbers that a cutoff has no meaning for: of axes and quaternions.
    pub fn is_direction(&self) -> bool {
        matches!(
            self,
            Self::BallOrientation(_)
                | Self::Orientation { .. }
                | Self::Frame { what: FrameReading::Axis(_), .. }
        )
    }

    /// How many numbers it has.
    pub fn numbers(&self) -> usize {
        match self {
            Self::Frame { .. }
            | Self::Subtree { .. }
            | Self::Interaction { .. }
            | Self::Magnetometer { .. } => 3,
            Self::BallOrientation(_) | Self::Orientation { .. } => 4,
            _ => 1,
        }
    }
}
