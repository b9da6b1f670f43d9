//! Actuators and the tendons that they may pull.

use cotangent_ad::{Pose, Vec3};

use super::Mount;
use crate::wrap::Spool;

/// How an actuator's force reaches the coordinates.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Transmission {
    /// Along one coordinate of a hinge or slide.
    Coordinate {
        /// Its entry in `v`.
        dof: usize,
        /// Its entry in `q`.
        q_at: usize,
    },
    /// A torque on a ball about a unit direction of its body axes; the length is the rotation vector's part along it.
    Ball {
        /// The ball's link.
        link: usize,
        /// The direction.
        direction: [f64; 3],
    },
    /// Force in world axes and torque in body axes on a free joint, together of length 1; it has no length.
    Free {
        /// The joint's first entry in `v`.
        dof: usize,
        /// Force and torque.
        direction: [f64; 6],
    },
    /// Along a tendon, by index.
    Tendon(usize),
    /// Force and torque at a site, by index among [`Model::thrusts`](super::Model::thrusts). It has a length where it is against a second site.
    Site(usize),
    /// Along the axis of a slider-crank, by index among [`Model::cranks`](super::Model::cranks).
    SliderCrank(usize),
}

impl Transmission {
    /// The tendon, thrust or slider-crank along which it acts, as [`crate::routes`] counts them.
    pub(crate) fn course(&self, model: &super::Model) -> Option<usize> {
        let thrusts = model.tendons.len();
        match self {
            Self::Tendon(tendon) => Some(*tendon),
            Self::Site(thrust) => Some(thrusts + thrust),
            Self::SliderCrank(crank) => Some(thrusts + model.thrusts.len() + crank),
            _ => None,
        }
    }
}

/// A force and a torque at a site, together of length 1: in its axes and against the world or, where there is a second site, in that one's axes and
/// against it.
#[derive(Clone, Debug, PartialEq)]
pub struct Thrust {
    /// The site.
    pub site: usize,
    /// The second site.
    pub against: Option<usize>,
    /// The frames of both, on the links that carry them; the second one is the world's where there is no second site.
    pub(crate) mounts: [Mount; 2],
    /// The force.
    pub(crate) force: Vec3<f64>,
    /// The torque.
    pub(crate) torque: Vec3<f64>,
    /// Coordinates of `v` that move one of the sites and not the other, ascending.
    pub(crate) dofs: Vec<usize>,
    /// Of each, which site it moves: 0 or 1.
    pub(crate) sides: Vec<usize>,
    /// Place of its moments among those of all tendons and thrusts.
    pub(crate) at: usize,
}

/// A point that moves along an axis at the end of a rod whose other end is a crank.
#[derive(Clone, Debug, PartialEq)]
pub struct Crank {
    /// The site of the crank's end.
    pub crank: usize,
    /// The site along whose z axis the slider moves, and from which its place counts.
    pub slider: usize,
    /// Length of the rod, m.
    pub rod: f64,
    /// The crank's end.
    pub(crate) end: PieceEnd,
    /// The slider's frame.
    pub(crate) mount: Mount,
    /// Coordinates of `v` that move one of the sites, ascending.
    pub(crate) dofs: Vec<usize>,
    /// Place of its moments among those of all tendons, thrusts and slider-cranks.
    pub(crate) at: usize,
}

/// How an activation follows the control.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActivationLaw {
    /// `a' = u`.
    Integrator,
    /// `a' = (u - a)/T`, by Euler's step.
    Filter,
    /// `a' = (u - a)/T`, by its exact solution over the step.
    ExactFilter,
}

/// A state of an actuator that follows its control and drives it in its place. Its time constant is among the
/// [`Parameters`](crate::Parameters).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Activation {
    /// How it follows.
    pub law: ActivationLaw,
    /// Least and greatest activation; a step that would leave it ends there, and its derivative is 0.
    pub range: Option<[f64; 2]>,
    /// Whether the force takes what the activation will be after the step.
    pub early: bool,
    /// Its place among the activations of a state.
    pub at: usize,
}

/// A force by a control, through a transmission: `f = clamp((g0 + g1 l + g2 w) d + b0 + b1 l + b2 w)`, with the drive `d`, which is the control
/// within its range or the activation, the length `l` and velocity `w` of its transmission, gear included, and gains and biases among the
/// [`Parameters`](crate::Parameters).
#[derive(Clone, Debug, PartialEq)]
pub struct Actuator {
    /// Its name; may be empty.
    pub name: String,
    /// Where it acts.
    pub transmission: Transmission,
    /// Least and greatest control; beyond them the control is clamped and its derivative 0.
    pub range: Option<[f64; 2]>,
    /// What follows the control and drives it in its place.
    pub activation: Option<Activation>,
    /// Least and greatest force, before the gear; beyond them it is clamped and its derivative 0.
    pub force_range: Option<[f64; 2]>,
    /// Whether length and velocity matter.
    pub(crate) servo: bool,
    /// Whether it is a position servo of a rotation vector, which does not tell whole turns apart.
    pub(crate) wraps: bool,
}

impl Actuator {
    /// The coordinate of `v` that it drives, where it is one.
    pub fn dof(&self) -> Option<usize> {
        match self.transmission {
            Transmission::Coordinate { dof, .. } => Some(dof),
            _ => None,
        }
    }
}

/// A coordinate's part of a fixed tendon.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TendonPart {
    /// The joint's entry in `v`.
    pub dof: usize,
    /// The joint's entry in `q`.
    pub q_at: usize,
    /// Length of tendon by the coordinate.
    pub coefficient: f64,
}

/// A point that is fixed to a link or to the world.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PieceEnd {
    /// The link; `None` is the world.
    pub link: Option<usize>,
    /// The point in its frame.
    pub point: Vec3<f64>,
}

/// What a piece of a spatial tendon may wind around: a ball or a cylinder that a geom has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Winding {
    /// The link that carries it; `None` is the world.
    pub link: Option<usize>,
    /// Its frame in the link's.
    pub placement: Pose<f64>,
    /// What it is.
    pub spool: Spool,
    /// A point on whose side the tendon passes; where it is inside, the tendon does too.
    pub side: Option<PieceEnd>,
}

/// A piece of a spatial tendon: straight, or around something that is in its way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Piece {
    /// Its ends.
    pub ends: [PieceEnd; 2],
    /// What it may wind around.
    pub winding: Option<Winding>,
    /// By what a pulley divides its length.
    pub divisor: f64,
}

/// A tendon, with a spring and a damper along it. The length of a fixed one is `sum c_j q_j` of hinges and slides; a spatial one runs from point
/// to point, straight or around balls and cylinders.
#[derive(Clone, Debug, PartialEq)]
pub struct Tendon {
    /// Its name; may be empty.
    pub name: String,
    /// The joints that a fixed one runs over, each once, in the order of `v`.
    pub parts: Vec<TendonPart>,
    /// The pieces of a spatial one.
    pub pieces: Vec<Piece>,
    /// Lengths between which its spring is slack; mostly twice the same.
    pub rest: [f64; 2],
    /// Least and greatest length. Where it is enforced, there is a [`Stop`](super::Stop).
    pub range: Option<[f64; 2]>,
    /// Length where the model was described.
    pub(crate) reference: f64,
    /// Coordinates of `v` that move it, ascending.
    pub(crate) dofs: Vec<usize>,
    /// Place of its moments among those of all tendons.
    pub(crate) at: usize,
}
