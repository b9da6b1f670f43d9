//! A tree of rigid links: what does not change while it moves.

mod actuator;
mod builder;
mod constraint;
mod facets;
mod parameters;
mod sensor;
mod shape;

pub use crate::wrap::Spool;
pub use actuator::{
    Activation, ActivationLaw, Actuator, Crank, Piece, PieceEnd, Tendon, TendonPart, Thrust,
    Transmission, Winding,
};
pub use builder::{
    ActivationSpec, ActuatorSpec, BuildError, CouplingSpec, Drive, JointSpec, Mobility,
    ModelBuilder, PairSpec, StopSpec, SurfaceSpec, TendonSpec, TieSpec, Waypoint, Weight,
};
pub(crate) use builder::{
    MOST_PAIRS, Touching, are_held, sees_the_unknown, unmeasured, with_damping_ratios,
};
use constraint::sizes;
pub use constraint::{
    Cone, ConstraintNumbers, ConstraintOptions, Coupling, CouplingNumbers, FrictionNumbers, Line,
    PairNumbers, Softness, Stop, StopNumbers, Surface, SurfaceNumbers, Tie, TieEnd, TieNumbers,
    TouchPair, Weights,
};

pub use facets::Facets;
pub use parameters::{ParameterError, Parameters};
pub use sensor::{FrameReading, InteractionReading, Mount, Reading, Sensor, Sight, SubtreeReading};
pub use shape::Shape;

use cotangent_ad::{Pose, Real, Vec3};

use crate::spatial::SpatialInertia;

/// The mobility of a link against its parent. Free joints are a [`JointKind::Translation`] with a [`JointKind::Ball`] on it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum JointKind {
    /// Rotation about a unit axis of the link; one angle.
    Hinge(Vec3<f64>),
    /// Translation along a unit axis of the link; one length.
    Slide(Vec3<f64>),
    /// Rotation; a unit quaternion, and the angular velocity in link coordinates.
    Ball,
    /// Translation along the parent's axes; three lengths.
    Translation,
}

impl JointKind {
    /// Numbers of a configuration.
    pub fn nq(self) -> usize {
        match self {
            Self::Hinge(_) | Self::Slide(_) => 1,
            Self::Translation => 3,
            Self::Ball => 4,
        }
    }

    /// Numbers of a velocity.
    pub fn nv(self) -> usize {
        match self {
            Self::Hinge(_) | Self::Slide(_) => 1,
            Self::Translation | Self::Ball => 3,
        }
    }
}

/// A moving part: one joint, and everything that is fixed to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    /// Parent link, of a lower index; `None` is the world.
    pub parent: Option<usize>,
    /// First link of its tree: all spatial quantities of a tree are about that link's origin.
    pub root: usize,
    /// Its joint.
    pub joint: JointKind,
    /// Placement in the parent's frame where the joint's displacement is zero.
    pub placement: Pose<f64>,
    /// Displacement that counts as zero: `q - reference` moves a hinge or slide.
    pub reference: f64,
    /// First entry in `q`.
    pub q_at: usize,
    /// First entry in `v`.
    pub v_at: usize,
    /// Of the last link of a body, the link that the body around it is fixed to.
    pub(crate) around: Option<usize>,
    /// Whether a ball has a spring.
    pub(crate) spring: bool,
}

/// What the user calls a joint: one or two links.
#[derive(Clone, Debug, PartialEq)]
pub struct Joint {
    /// Its name; may be empty.
    pub name: String,
    /// First link.
    pub link: usize,
    /// First entry in `q`, and how many.
    pub q: (usize, usize),
    /// First entry in `v`, and how many.
    pub v: (usize, usize),
    /// Least and greatest coordinate of a hinge or slide; of a ball, 0 and the greatest angle. Where it is enforced, there is a
    /// [`Stop`].
    pub range: Option<[f64; 2]>,
    /// Least and greatest sum of the actuators' forces on a hinge or slide; beyond them it is clamped and its derivative 0.
    pub force_range: Option<[f64; 2]>,
}

/// A frame that carries geometry: fixed to a link or to the world.
#[derive(Clone, Debug, PartialEq)]
pub struct Body {
    /// Its name; may be empty.
    pub name: String,
    /// The link it is fixed to; `None` is the world.
    pub link: Option<usize>,
    /// Its frame in the link's.
    pub placement: Pose<f64>,
    /// The body that carries it, of a lower index; `None` is the world.
    pub parent: Option<usize>,
    /// The inertia that it was built with, without what is fixed to it, in the link's frame.
    pub(crate) inertia: SpatialInertia<f64>,
    /// Its centre of mass in the link's frame.
    pub(crate) center: Vec3<f64>,
    /// Whether it is a lone body on slides along its own axes, whose inverse inertia MuJoCo takes for one over its mass.
    pub(crate) sliding: bool,
}

/// A shape fixed to a body.
#[derive(Clone, Debug, PartialEq)]
pub struct Geom {
    /// Its name; may be empty.
    pub name: String,
    /// Its body; `None` is the world.
    pub body: Option<usize>,
    /// What it is.
    pub shape: Shape,
    /// Its frame in the link's.
    pub placement: Pose<f64>,
}

/// A named point with axes, fixed to a link or to the world.
#[derive(Clone, Debug, PartialEq)]
pub struct Site {
    /// Its name; may be empty.
    pub name: String,
    /// Its body; `None` is the world.
    pub body: Option<usize>,
    /// The link it is fixed to; `None` is the world.
    pub link: Option<usize>,
    /// Its frame in the link's.
    pub placement: Pose<f64>,
}

/// A body that a fluid around resists.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FluidBody {
    pub(crate) link: usize,
    /// Frame of its inertia, in the link's.
    pub(crate) pose: Pose<f64>,
    /// Edges of the box with its inertia, m.
    pub(crate) edges: [f64; 3],
}

/// An articulated system: links in topological order, and what is fixed to them. Immutable while it moves.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    pub(crate) links: Vec<Link>,
    pub(crate) joints: Vec<Joint>,
    pub(crate) bodies: Vec<Body>,
    pub(crate) geoms: Vec<Geom>,
    pub(crate) sites: Vec<Site>,
    pub(crate) actuators: Vec<Actuator>,
    pub(crate) tendons: Vec<Tendon>,
    pub(crate) thrusts: Vec<Thrust>,
    pub(crate) cranks: Vec<Crank>,
    pub(crate) stops: Vec<Stop>,
    pub(crate) dry_friction: Vec<Line>,
    pub(crate) couplings: Vec<Coupling>,
    pub(crate) ties: Vec<Tie>,
    /// Of each geom.
    pub(crate) surfaces: Vec<Surface>,
    /// Of each geom.
    pub(crate) sights: Vec<Sight>,
    pub(crate) touch_pairs: Vec<TouchPair>,
    pub(crate) sensors: Vec<Sensor>,
    pub(crate) constraint_options: ConstraintOptions,
    /// Bodies that the fluid resists; none where there is no fluid.
    pub(crate) fluid: Vec<FluidBody>,
    /// Links of free bodies with nothing on them.
    pub(crate) free_bodies: Vec<usize>,
    pub(crate) has_polynomial_damping: bool,
    pub(crate) has_polynomial_stiffness: bool,
    pub(crate) has_gravity_compensation: bool,
    pub(crate) parameters: Parameters<f64>,
    /// Link of each coordinate of `v`.
    pub(crate) dof_link: Vec<usize>,
    /// Coordinate before it on the way to the world.
    pub(crate) dof_parent: Vec<Option<usize>>,
    /// Configuration in which the model was described. Entries: `nq`.
    pub(crate) q0: Vec<f64>,
}

impl Model {
    /// Numbers of a configuration: one a hinge or slide, four a ball, seven a free joint.
    pub fn nq(&self) -> usize {
        self.q0.len()
    }

    /// Numbers of a velocity: one a hinge or slide, three a ball, six a free joint.
    pub fn nv(&self) -> usize {
        self.dof_link.len()
    }

    /// Number of actuators.
    pub fn nu(&self) -> usize {
        self.actuators.len()
    }

    /// Number of activations: one for each actuator that has one.
    pub fn na(&self) -> usize {
        self.actuators.iter().filter(|a| a.activation.is_some()).count()
    }

    /// Links, parents first.
    pub fn links(&self) -> &[Link] {
        &self.links
    }

    /// Joints as the user named them, in the order of `q` and `v`.
    pub fn joints(&self) -> &[Joint] {
        &self.joints
    }

    /// Bodies, parents first; the world is not among them.
    pub fn bodies(&self) -> &[Body] {
        &self.bodies
    }

    /// Shapes.
    pub fn geoms(&self) -> &[Geom] {
        &self.geoms
    }

    /// How rays see each geom.
    pub fn sights(&self) -> &[Sight] {
        &self.sights
    }

    /// Sites.
    pub fn sites(&self) -> &[Site] {
        &self.sites
    }

    /// Actuators, in the order of the controls.
    pub fn actuators(&self) -> &[Actuator] {
        &self.actuators
    }

    /// Tendons.
    pub fn tendons(&self) -> &[Tendon] {
        &self.tendons
    }

    /// Forces and torques of actuators at sites.
    pub fn thrusts(&self) -> &[Thrust] {
        &self.thrusts
    }

    /// Slider-cranks that actuators drive.
    pub fn cranks(&self) -> &[Crank] {
        &self.cranks
    }

    /// What keeps joints and tendons in their range.
    pub fn stops(&self) -> &[Stop] {
        &self.stops
    }

    /// Joints and tendons with dry friction.
    pub fn dry_friction(&self) -> &[Line] {
        &self.dry_friction
    }

    /// Joints and tendons that are coupled.
    pub fn couplings(&self) -> &[Coupling] {
        &self.couplings
    }

    /// Bodies that are tied to each other.
    pub fn ties(&self) -> &[Tie] {
        &self.ties
    }

    /// What the surface of each geom may touch.
    pub fn surfaces(&self) -> &[Surface] {
        &self.surfaces
    }

    /// Pairs of geoms that may touch.
    pub fn touch_pairs(&self) -> &[TouchPair] {
        &self.touch_pairs
    }

    /// What the model asks to be measured.
    pub fn sensors(&self) -> &[Sensor] {
        &self.sensors
    }

    /// What holds for all constraints.
    pub fn constraint_options(&self) -> &ConstraintOptions {
        &self.constraint_options
    }

    /// The same model with other options of its constraints.
    pub fn with_constraint_options(mut self, options: ConstraintOptions) -> Self {
        self.constraint_options = options;
        self
    }

    /// The same model without stops.
    pub fn without_stops(mut self) -> Self {
        self.stops.clear();
        self.parameters.constraints.stops.clear();
        self
    }

    /// The same model without dry friction.
    pub fn without_dry_friction(mut self) -> Self {
        self.dry_friction.clear();
        self.parameters.constraints.frictions.clear();
        self
    }

    /// The same model without couplings and ties.
    pub fn without_equalities(mut self) -> Self {
        self.couplings.clear();
        self.ties.clear();
        self.parameters.constraints.couplings.clear();
        self.parameters.constraints.ties.clear();
        self
    }

    /// The same model without contact.
    pub fn without_contact(mut self) -> Self {
        self.touch_pairs.clear();
        self.parameters.constraints.pairs.clear();
        self
    }

    /// The last coordinate that moves a link; `None` is the world.
    pub(crate) fn last_dof(&self, link: Option<usize>) -> Option<usize> {
        link.map(|l| self.links[l].v_at + self.links[l].joint.nv() - 1)
    }

    /// Whether a force on one coordinate may depend on the velocity of another: along a tendon, through an actuator on several coordinates, of
    /// the fluid.
    pub(crate) fn couples_velocities(&self) -> bool {
        let spreads = |a: &Actuator| a.servo && a.dof().is_none();
        !self.fluid.is_empty()
            || self.tendons.iter().any(|t| t.dofs.len() > 1)
            || self.actuators.iter().any(spreads)
    }

    /// Whether it has tendons, thrusts or slider-cranks.
    pub(crate) fn has_courses(&self) -> bool {
        !(self.tendons.is_empty() && self.thrusts.is_empty() && self.cranks.is_empty())
    }

    /// Whether anything may constrain it.
    pub(crate) fn is_constrained(&self) -> bool {
        !(self.stops.is_empty()
            && self.dry_friction.is_empty()
            && self.couplings.is_empty()
            && self.ties.is_empty()
            && self.touch_pairs.is_empty())
    }

    /// The inverse inertias of this model with these numbers: what a file with these masses would have.
    pub fn weights_at_reference<T: Real>(&self, parameters: &Parameters<T>) -> Weights<T> {
        crate::constraint::weights(self, parameters)
    }

    /// The numbers that a derivative can be taken to.
    pub fn parameters(&self) -> &Parameters<f64> {
        &self.parameters
    }

    /// The same model with other numbers.
    ///
    /// # Errors
    /// [`ParameterError`].
    pub fn with_parameters(mut self, parameters: Parameters<f64>) -> Result<Self, ParameterError> {
        parameters.check(&self)?;
        self.set_parameters(parameters);
        Ok(self)
    }

    pub(crate) fn set_parameters(&mut self, parameters: Parameters<f64>) {
        let curved = |x: &[[f64; 2]]| x.iter().flatten().any(|x| *x != 0.0);
        self.has_polynomial_damping = curved(&parameters.damping_poly);
        self.has_polynomial_stiffness = curved(&parameters.stiffness_poly);
        self.has_gravity_compensation = parameters.gravity_compensation.iter().any(|x| *x != 0.0);
        for link in &mut self.links {
            let dofs = link.v_at..link.v_at + link.joint.nv();
            link.spring = parameters.stiffness[dofs].iter().any(|k| *k != 0.0);
        }
        self.parameters = parameters;
    }

    /// The coordinates, where some have damping that is not linear.
    pub(crate) fn polynomial_damping(&self) -> std::ops::Range<usize> {
        0..if self.has_polynomial_damping { self.nv() } else { 0 }
    }

    /// Index of the site of this name.
    pub fn site(&self, name: &str) -> Option<usize> {
        self.sites.iter().position(|s| s.name == name)
    }

    /// Index of the actuator of this name.
    pub fn actuator(&self, name: &str) -> Option<usize> {
        self.actuators.iter().position(|a| a.name == name)
    }

    /// Index of the joint of this name.
    pub fn joint(&self, name: &str) -> Option<usize> {
        self.joints.iter().position(|j| j.name == name)
    }

    /// Mass of all that moves, kg.
    pub fn mass(&self) -> f64 {
        self.parameters.inertia.iter().map(|i| i.mass).sum()
    }

    /// `q` where the model was described: joints at their reference, free bodies where they were placed.
    pub fn reference_configuration(&self) -> &[f64] {
        &self.q0
    }
}
