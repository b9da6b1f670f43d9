//! A tree of rigid links: what does not change while it moves.

mod builder;
mod shape;

pub use builder::{BuildError, JointSpec, Mobility, ModelBuilder, Weight};
pub use shape::Shape;

use cotangent_ad::{Num, Pose, Vec3};

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
    /// Least and greatest coordinate of a hinge or slide. It is not enforced by the dynamics: objectives bound it.
    pub range: Option<[f64; 2]>,
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
    /// The link it is fixed to; `None` is the world.
    pub link: Option<usize>,
    /// Its frame in the link's.
    pub placement: Pose<f64>,
}

/// A force along one coordinate: `tau = gear clamp(u)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Motor {
    /// Its name; may be empty.
    pub name: String,
    /// The coordinate of `v` that it drives.
    pub dof: usize,
    /// Least and greatest control; beyond them the control is clamped and its derivative 0.
    pub range: Option<[f64; 2]>,
}

/// The numbers of a model that a derivative can be taken to. As a cotangent it holds the derivatives by them.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameters<T> {
    /// Acceleration of gravity, m/s^2.
    pub gravity: Vec3<T>,
    /// Inertia of each link in its frame, about its origin.
    pub inertia: Vec<SpatialInertia<T>>,
    /// Damping of each coordinate, N m s/rad or N s/m: `tau = -damping v`. Entries: `nv`.
    pub damping: Vec<T>,
    /// Inertia added to the diagonal of the mass matrix, kg m^2 or kg. Entries: `nv`.
    pub armature: Vec<T>,
    /// Spring constant of each coordinate, N m/rad or N/m: `tau = -stiffness (q - rest)`; zero for balls. Entries: `nv`.
    pub stiffness: Vec<T>,
    /// Coordinate where a spring is at rest. Entries: `nv`.
    pub rest: Vec<T>,
    /// Gear of each motor. Entries: `nu`.
    pub gear: Vec<T>,
}

impl<T: Copy> Parameters<T> {
    /// Every number through `f`.
    pub fn map<U>(&self, mut f: impl FnMut(T) -> U) -> Parameters<U> {
        Parameters {
            gravity: Vec3(self.gravity.0.map(&mut f)),
            inertia: self.inertia.iter().map(|i| map_inertia(i, &mut f)).collect(),
            damping: self.damping.iter().map(|x| f(*x)).collect(),
            armature: self.armature.iter().map(|x| f(*x)).collect(),
            stiffness: self.stiffness.iter().map(|x| f(*x)).collect(),
            rest: self.rest.iter().map(|x| f(*x)).collect(),
            gear: self.gear.iter().map(|x| f(*x)).collect(),
        }
    }
}

fn map_inertia<T: Copy, U>(i: &SpatialInertia<T>, f: &mut impl FnMut(T) -> U) -> SpatialInertia<U> {
    SpatialInertia {
        mass: f(i.mass),
        moment: Vec3(i.moment.0.map(&mut *f)),
        rotational: i.rotational.map(&mut *f),
    }
}

impl Parameters<f64> {
    /// The constants in another scalar.
    pub fn lift<T: Num>(&self) -> Parameters<T> {
        self.map(T::lit)
    }

    /// All zero, of the same sizes: where a cotangent starts.
    pub fn zero_like(&self) -> Self {
        self.map(|_| 0.0)
    }
}

/// An articulated system: links in topological order, and what is fixed to them. Immutable while it moves.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    pub(crate) links: Vec<Link>,
    pub(crate) joints: Vec<Joint>,
    pub(crate) bodies: Vec<Body>,
    pub(crate) geoms: Vec<Geom>,
    pub(crate) sites: Vec<Site>,
    pub(crate) motors: Vec<Motor>,
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

    /// Number of motors.
    pub fn nu(&self) -> usize {
        self.motors.len()
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

    /// Sites.
    pub fn sites(&self) -> &[Site] {
        &self.sites
    }

    /// Motors, in the order of the controls.
    pub fn motors(&self) -> &[Motor] {
        &self.motors
    }

    /// The numbers that a derivative can be taken to.
    pub fn parameters(&self) -> &Parameters<f64> {
        &self.parameters
    }

    /// The same model with other numbers.
    ///
    /// # Panics
    /// Where sizes differ.
    #[must_use]
    pub fn with_parameters(mut self, parameters: Parameters<f64>) -> Self {
        let old = &self.parameters;
        let sizes = |p: &Parameters<f64>| (p.inertia.len(), p.damping.len(), p.gear.len());
        assert_eq!(sizes(old), sizes(&parameters), "sizes of the model's parameters");
        self.parameters = parameters;
        self
    }

    /// Index of the site of this name.
    pub fn site(&self, name: &str) -> Option<usize> {
        self.sites.iter().position(|s| s.name == name)
    }

    /// Index of the joint of this name.
    pub fn joint(&self, name: &str) -> Option<usize> {
        self.joints.iter().position(|j| j.name == name)
    }

    /// Total mass, kg.
    pub fn mass(&self) -> f64 {
        self.parameters.inertia.iter().map(|i| i.mass).sum()
    }

    /// `q` where the model was described: joints at their reference, free bodies where they were placed.
    pub fn reference_configuration(&self) -> &[f64] {
        &self.q0
    }
}
