//! Why a model cannot be built.

use thiserror::Error;

use crate::model::Shape;
use crate::spatial::Unphysical;

/// Why a model cannot be built.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum BuildError {
    /// A number that must be finite, or not negative, is not.
    #[error("{what} of {of} is {value}: it must be finite and {condition}")]
    BadNumber {
        /// Which number.
        what: &'static str,
        /// Of which element.
        of: String,
        /// Its value.
        value: f64,
        /// The condition.
        condition: &'static str,
    },
    /// An axis of length zero.
    #[error("the axis of joint `{0}` is zero")]
    ZeroAxis(String),
    /// A size that is not positive.
    #[error("shape {shape:?} of geom `{geom}`: every size must be finite and positive")]
    BadShape {
        /// The geom.
        geom: String,
        /// The shape.
        shape: Shape,
    },
    /// Two elements of one kind with the same name.
    #[error("two {kind} are named `{name}`")]
    Duplicate {
        /// Joints, bodies, ...
        kind: &'static str,
        /// The name.
        name: String,
    },
    /// A free joint below another body, or with other joints.
    #[error("body `{0}`: a free joint must be the only joint of a child of the world")]
    MisplacedFree(String),
    /// An inertia that no body has.
    #[error("the inertia of body `{body}` is not physical: {why}")]
    Unphysical {
        /// The body.
        body: String,
        /// Why.
        why: Unphysical,
    },
    /// A coordinate that moves no inertia of its own.
    #[error(
        "joint `{joint}` of body `{body}` has no inertia against the joints below it: give the body mass, or the joint an armature"
    )]
    Massless {
        /// The joint.
        joint: String,
        /// Its body.
        body: String,
    },
    /// Bodies that are fixed to each other, held against gravity to different shares.
    #[error(
        "body `{body}` is fixed to bodies of another gravity compensation: all that move together must have the same"
    )]
    MixedCompensation {
        /// The body.
        body: String,
    },
    /// Something that only joints of one coordinate have.
    #[error(
        "{what} of joint `{joint}`, which has {nv} coordinates: only hinges and slides have it"
    )]
    NotScalar {
        /// What.
        what: &'static str,
        /// The joint.
        joint: String,
        /// Its coordinates.
        nv: usize,
    },
    /// A gear of no direction.
    #[error("actuator `{0}`: its gear is zero in every direction that its joint has")]
    ZeroGear(String),
    /// A joint or tendon that is coupled to itself.
    #[error("coupling `{0}` couples something to itself")]
    CoupledToItself(String),
    /// A tie of what cannot move against each other.
    #[error("equality `{0}` ties what is fixed to each other, or to the world, already")]
    TiedToItself(String),
    /// Two geoms that may touch and whose contact is not known.
    #[error(
        "{first} and {second} may touch, and the contact of these shapes is not simulated: give them surfaces that do not touch, or exclude their bodies"
    )]
    UnsupportedPair {
        /// A geom, with its shape.
        first: String,
        /// The other.
        second: String,
    },
    /// More pairs of geoms may touch than a step can look at.
    #[error(
        "more than {0} pairs of geoms may touch: give them kinds that do not touch each other, or exclude bodies"
    )]
    TooManyPairs(usize),
    /// A tendon over nothing.
    #[error(
        "tendon `{0}` runs over nothing: give it joints, or two sites in a row for each branch"
    )]
    EmptyTendon(String),
    /// A tendon around a geom that is not between two sites.
    #[error("tendon `{0}` winds around a geom that is not between two sites")]
    LooseGeom(String),
    /// A tendon around a shape that it cannot wind around.
    #[error("tendon `{tendon}` winds around a {shape}: it can around spheres and cylinders")]
    Unwindable {
        /// The tendon.
        tendon: String,
        /// The shape.
        shape: &'static str,
    },
    /// A sensor of a force between bodies that would not know all of it.
    #[error("sensor `{sensor}`: the force on {of} is not measured")]
    Unmeasured {
        /// The sensor.
        sensor: String,
        /// Of what.
        of: &'static str,
    },
    /// A tendon over joints and sites.
    #[error("tendon `{0}` runs over joints and from site to site: it can do one of them")]
    MixedTendon(String),
}

/// What a number is called that belongs to an element that may have no name.
pub(super) fn named(kind: &str, name: &str) -> String {
    if name.is_empty() { format!("a {kind} without a name") } else { format!("{kind} `{name}`") }
}
