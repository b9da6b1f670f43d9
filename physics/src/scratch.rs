//! What a model's computations reuse, so that a step allocates nothing.

use cotangent_ad::{Num, Pose, Vec3};

use crate::aba::ArticulatedInertia;
use crate::constraint::Constraints;
use crate::integrate::{Adaptive, ImplicitFactors};
use crate::model::Model;
use crate::routes::Routes;
use crate::spatial::{Force, Motion, SpatialInertia};

/// Reused memory of one model. Every quantity is in world axes about the origin of the tree's first link.
#[derive(Clone, Debug)]
pub struct Scratch<T = f64> {
    /// Frames of the links in the world.
    pub(crate) pose: Vec<Pose<T>>,
    /// Axis of each coordinate.
    pub(crate) axis: Vec<Motion<T>>,
    /// Inertia of each link.
    pub(crate) inertia: Vec<SpatialInertia<T>>,
    /// Velocity of each link.
    pub(crate) velocity: Vec<Motion<T>>,
    /// Acceleration of each link, gravity as an acceleration of the world.
    pub(crate) acceleration: Vec<Motion<T>>,
    /// Forces on, or summed below, each link.
    pub(crate) force: Vec<Force<T>>,
    /// Inertia of everything below each link.
    pub(crate) composite: Vec<SpatialInertia<T>>,
    /// Mass matrix, `nv x nv` row-major; the lower triangle is filled. Empty until it is asked for.
    pub(crate) mass: Vec<T>,
    /// Inertia of each link with what hangs below it, the coordinates there free.
    pub(crate) articulated: Vec<ArticulatedInertia<T>>,
    /// Column of each coordinate in the factors of the mass matrix.
    pub(crate) column: Vec<Force<T>>,
    /// Reciprocal pivot of each coordinate.
    pub(crate) pivot: Vec<T>,
    /// Acceleration of the coordinates.
    pub(crate) a: Vec<T>,
    /// Forces on the coordinates.
    pub(crate) tau: Vec<T>,
    /// Tendons at the last configuration.
    pub(crate) routes: Routes<T>,
    /// Stages of a Runge-Kutta step.
    pub(crate) stages: [Stage<T>; 4],
    /// Activations after the step. Entries: `na`.
    pub(crate) activation: Vec<T>,
    /// Factors of a step that is implicit in all its forces.
    pub(crate) implicit: ImplicitFactors<T>,
    /// What constrains the model at the last state.
    pub(crate) constraints: Constraints<T>,
    /// Parts of a step of its own choice.
    pub(crate) adaptive: Adaptive<T>,
}

/// One stage of a Runge-Kutta step.
#[derive(Clone, Debug)]
pub(crate) struct Stage<T> {
    /// Displacement from the step's start, in the tangent space there. Entries: `nv`, as of all but `q` and the drive.
    pub(crate) displacement: Vec<T>,
    /// Configuration. Entries: `nq`.
    pub(crate) q: Vec<T>,
    /// Velocity.
    pub(crate) v: Vec<T>,
    /// Rate of the displacement.
    pub(crate) rate: Vec<T>,
    /// Acceleration.
    pub(crate) a: Vec<T>,
    /// What drives the actuators. Entries: `nu`.
    pub(crate) drive: Vec<T>,
}

impl<T: Num> Stage<T> {
    fn new(nq: usize, nv: usize, nu: usize) -> Self {
        let zeros = |n| vec![T::lit(0.0); n];
        Self {
            displacement: zeros(nv),
            q: zeros(nq),
            v: zeros(nv),
            rate: zeros(nv),
            a: zeros(nv),
            drive: zeros(nu),
        }
    }
}

impl<T: Num> Scratch<T> {
    /// Memory for `model`.
    pub fn new(model: &Model) -> Self {
        let (links, nv) = (model.links().len(), model.nv());
        Self {
            pose: vec![Pose::identity(); links],
            axis: vec![Motion::zero(); nv],
            inertia: vec![SpatialInertia::zero(); links],
            velocity: vec![Motion::zero(); links],
            acceleration: vec![Motion::zero(); links],
            force: vec![Force::zero(); links],
            composite: vec![SpatialInertia::zero(); links],
            mass: vec![],
            articulated: vec![ArticulatedInertia::zero(); links],
            column: vec![Force::zero(); nv],
            pivot: vec![T::lit(0.0); nv],
            a: vec![T::lit(0.0); nv],
            tau: vec![T::lit(0.0); nv],
            routes: Routes::default(),
            stages: std::array::from_fn(|_| Stage::new(model.nq(), nv, model.nu())),
            activation: vec![T::lit(0.0); model.na()],
            implicit: ImplicitFactors::default(),
            constraints: Constraints::default(),
            adaptive: Adaptive::default(),
        }
    }

    /// Whether this is memory for a model of `model`'s sizes.
    pub fn fits(&self, model: &Model) -> bool {
        self.pose.len() == model.links().len()
            && self.a.len() == model.nv()
            && self.stages[0].q.len() == model.nq()
            && self.stages[0].drive.len() == model.nu()
            && self.activation.len() == model.na()
    }

    /// Frame of a link in the world; `None` is the world.
    #[inline]
    pub(crate) fn link_pose(&self, link: Option<usize>) -> Pose<T> {
        link.map_or_else(Pose::identity, |l| self.pose[l])
    }

    /// Reference point of the tree that `link` belongs to.
    #[inline]
    pub(crate) fn origin(&self, model: &Model, link: usize) -> Vec3<T> {
        self.pose[model.links()[link].root].translation
    }
}

/// A constant pose in another scalar.
#[inline]
pub(crate) fn lift_pose<T: Num>(p: &Pose<f64>) -> Pose<T> {
    Pose {
        rotation: cotangent_ad::Mat3::lit(p.rotation.0),
        translation: Vec3::lit(p.translation.0),
    }
}
