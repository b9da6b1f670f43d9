//! Building a model body by body.

use cotangent_ad::{Mat3, Pose, Quat, Vec3};
use thiserror::Error;

use super::{Body, Geom, Joint, JointKind, Link, Model, Motor, Parameters, Shape, Site};
use crate::spatial::SpatialInertia;

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
    #[error("two {kind}s are named `{name}`")]
    Duplicate {
        /// Joint, body, ...
        kind: &'static str,
        /// The name.
        name: String,
    },
    /// A free joint below another body, or with other joints.
    #[error("body `{0}`: a free joint must be the only joint of a child of the world")]
    MisplacedFree(String),
    /// A joint that moves no inertia.
    #[error("joint `{joint}` moves no inertia: give its body mass, or the joint an armature")]
    Massless {
        /// The joint.
        joint: String,
    },
    /// A motor of a ball or free joint, which has no single coordinate.
    #[error(
        "motor `{motor}` drives joint `{joint}`, which has {nv} coordinates: only hinges and slides take motors"
    )]
    NotScalar {
        /// The motor.
        motor: String,
        /// The joint.
        joint: String,
        /// Its coordinates.
        nv: usize,
    },
}

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
    /// Armature.
    pub armature: f64,
    /// Spring constant (hinge, slide).
    pub stiffness: f64,
    /// Coordinate where the spring is at rest.
    pub rest: f64,
    /// Least and greatest coordinate.
    pub range: Option<[f64; 2]>,
}

impl JointSpec {
    /// A joint at the body's origin without damping, armature, spring or range.
    pub fn new(name: &str, mobility: Mobility) -> Self {
        Self {
            name: name.into(),
            mobility,
            anchor: [0.0; 3],
            reference: 0.0,
            damping: 0.0,
            armature: 0.0,
            stiffness: 0.0,
            rest: 0.0,
            range: None,
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

/// Builds a [`Model`] body by body, parents first.
///
/// ```
/// use cotangent_ad::{Pose, Vec3};
/// use cotangent_physics::{JointSpec, Mobility, ModelBuilder, Shape, Weight};
///
/// let mut builder = ModelBuilder::new();
/// let hinge = JointSpec::new("pivot", Mobility::Hinge([0.0, 1.0, 0.0]));
/// let pole = builder.body("pole", None, Pose::identity(), &[hinge])?;
/// let below = Pose { translation: Vec3([0.0, 0.0, -1.0]), ..Pose::identity() };
/// builder.geom("bob", Some(pole), Shape::Sphere { radius: 0.1 }, below, Weight::Mass(1.0))?;
/// let model = builder.build()?;
/// assert_eq!((model.nq(), model.nv(), model.mass()), (1, 1, 1.0));
/// # Ok::<(), cotangent_physics::BuildError>(())
/// ```
#[derive(Clone, Debug)]
pub struct ModelBuilder {
    model: Model,
}

impl Default for ModelBuilder {
    fn default() -> Self {
        Self::new()
    }
}

fn finite(what: &'static str, of: &str, values: &[f64]) -> Result<(), BuildError> {
    check(what, of, values, "finite", |_| true)
}

fn not_negative(what: &'static str, of: &str, value: f64) -> Result<(), BuildError> {
    check(what, of, &[value], "not negative", |x| x >= 0.0)
}

fn check(
    what: &'static str,
    of: &str,
    values: &[f64],
    condition: &'static str,
    holds: impl Fn(f64) -> bool,
) -> Result<(), BuildError> {
    match values.iter().find(|x| !x.is_finite() || !holds(**x)) {
        Some(x) => Err(BuildError::BadNumber { what, of: of.into(), value: *x, condition }),
        None => Ok(()),
    }
}

fn finite_pose(of: &str, pose: &Pose<f64>) -> Result<(), BuildError> {
    finite("position", of, &pose.translation.0)?;
    finite("rotation", of, pose.rotation.0.as_flattened())
}

fn unique(kind: &'static str, name: &str, exists: bool) -> Result<(), BuildError> {
    if exists && !name.is_empty() {
        return Err(BuildError::Duplicate { kind, name: name.into() });
    }
    Ok(())
}

fn shift(translation: Vec3<f64>) -> Pose<f64> {
    Pose { rotation: Mat3::identity(), translation }
}

impl ModelBuilder {
    /// An empty world with gravity `(0, 0, -9.81)`.
    pub fn new() -> Self {
        let parameters = Parameters {
            gravity: Vec3([0.0, 0.0, -9.81]),
            inertia: vec![],
            damping: vec![],
            armature: vec![],
            stiffness: vec![],
            rest: vec![],
            gear: vec![],
        };
        let model = Model {
            links: vec![],
            joints: vec![],
            bodies: vec![],
            geoms: vec![],
            sites: vec![],
            motors: vec![],
            parameters,
            dof_link: vec![],
            dof_parent: vec![],
            q0: vec![],
        };
        Self { model }
    }

    /// Acceleration of gravity, m/s^2.
    ///
    /// # Errors
    /// Where it is not finite.
    pub fn gravity(&mut self, gravity: [f64; 3]) -> Result<(), BuildError> {
        finite("gravity", "the model", &gravity)?;
        self.model.parameters.gravity = Vec3(gravity);
        Ok(())
    }

    /// Adds a body that stands at `placement` in its parent's frame (`None`: the world) and moves by `joints`, the first
    /// nearest to the parent; without joints it is fixed. Returns its index.
    ///
    /// # Errors
    /// Names that exist, numbers that are not finite, a misplaced free joint, a zero axis.
    ///
    /// # Panics
    /// Where there is no such parent.
    pub fn body(
        &mut self,
        name: &str,
        parent: Option<usize>,
        placement: Pose<f64>,
        joints: &[JointSpec],
    ) -> Result<usize, BuildError> {
        finite_pose(name, &placement)?;
        unique("body", name, self.model.bodies.iter().any(|b| b.name == name))?;
        let (mut link, mut at) = match parent {
            None => (None, placement),
            Some(p) => (self.model.bodies[p].link, self.model.bodies[p].placement * placement),
        };
        let free = joints.iter().any(|j| j.mobility == Mobility::Free);
        if free && (parent.is_some() || joints.len() > 1) {
            return Err(BuildError::MisplacedFree(name.into()));
        }
        for joint in joints {
            self.check_joint(joint)?;
            let anchor = Vec3(joint.anchor);
            let moved = self.joint(link, at * shift(anchor), joint)?;
            (link, at) = (Some(moved), shift(-anchor));
        }
        if free {
            at = Pose::identity();
        }
        self.model.bodies.push(Body { name: name.into(), link, placement: at });
        Ok(self.model.bodies.len() - 1)
    }

    fn check_joint(&self, joint: &JointSpec) -> Result<(), BuildError> {
        let name = joint.name.as_str();
        unique("joint", name, self.model.joints.iter().any(|j| j.name == name))?;
        finite("anchor", name, &joint.anchor)?;
        finite("reference", name, &[joint.reference, joint.rest])?;
        not_negative("damping", name, joint.damping)?;
        not_negative("armature", name, joint.armature)?;
        not_negative("stiffness", name, joint.stiffness)?;
        if let Some([least, greatest]) = joint.range {
            finite("range", name, &[least, greatest])?;
            check("range's width", name, &[greatest - least], "positive", |x| x > 0.0)?;
        }
        Ok(())
    }

    /// Adds the links of a joint; the last of them.
    fn joint(
        &mut self,
        parent: Option<usize>,
        placement: Pose<f64>,
        spec: &JointSpec,
    ) -> Result<usize, BuildError> {
        let axis = |axis: [f64; 3]| {
            finite("axis", &spec.name, &axis)?;
            let length = Vec3(axis).norm();
            if length < 1e-12 {
                return Err(BuildError::ZeroAxis(spec.name.clone()));
            }
            Ok(Vec3(axis) * length.recip())
        };
        let (first, q_at, v_at) = (self.model.links.len(), self.model.q0.len(), self.model.nv());
        let last = match spec.mobility {
            Mobility::Hinge(a) => {
                self.link(parent, placement, JointKind::Hinge(axis(a)?), spec, &[spec.reference])
            }
            Mobility::Slide(a) => {
                self.link(parent, placement, JointKind::Slide(axis(a)?), spec, &[spec.reference])
            }
            Mobility::Ball => {
                self.link(parent, placement, JointKind::Ball, spec, &[1.0, 0.0, 0.0, 0.0])
            }
            Mobility::Free => {
                let (p, q) = (placement.translation, Quat::from_mat(&placement.rotation));
                let moved = self.link(None, Pose::identity(), JointKind::Translation, spec, &p.0);
                self.link(Some(moved), Pose::identity(), JointKind::Ball, spec, &q.0)
            }
        };
        let q = (q_at, self.model.q0.len() - q_at);
        let v = (v_at, self.model.nv() - v_at);
        let name = spec.name.clone();
        self.model.joints.push(Joint { name, link: first, q, v, range: spec.range });
        Ok(last)
    }

    fn link(
        &mut self,
        parent: Option<usize>,
        placement: Pose<f64>,
        joint: JointKind,
        spec: &JointSpec,
        start: &[f64],
    ) -> usize {
        let model = &mut self.model;
        let index = model.links.len();
        let root = parent.map_or(index, |p| model.links[p].root);
        let (q_at, v_at) = (model.q0.len(), model.dof_link.len());
        let reference = spec.reference;
        model.links.push(Link { parent, root, joint, placement, reference, q_at, v_at });
        model.q0.extend(start);
        let mut before = parent.map(|p| model.links[p].v_at + model.links[p].joint.nv() - 1);
        for dof in v_at..v_at + joint.nv() {
            model.dof_link.push(index);
            model.dof_parent.push(before);
            before = Some(dof);
            model.parameters.damping.push(spec.damping);
            model.parameters.armature.push(spec.armature);
            let scalar = joint.nv() == 1;
            model.parameters.stiffness.push(if scalar { spec.stiffness } else { 0.0 });
            model.parameters.rest.push(if scalar { spec.rest } else { 0.0 });
        }
        model.parameters.inertia.push(SpatialInertia::zero());
        index
    }

    /// Adds a shape at `placement` in the body's frame (`None`: the world), and its mass to the body.
    ///
    /// # Errors
    /// A negative mass, sizes that are not positive, a name that exists.
    pub fn geom(
        &mut self,
        name: &str,
        body: Option<usize>,
        shape: Shape,
        placement: Pose<f64>,
        weight: Weight,
    ) -> Result<(), BuildError> {
        unique("geom", name, self.model.geoms.iter().any(|g| g.name == name))?;
        finite_pose(name, &placement)?;
        if !shape.is_proper() {
            return Err(BuildError::BadShape { geom: name.into(), shape });
        }
        let mass = match weight {
            Weight::Density(density) => density * shape.volume(),
            Weight::Mass(mass) => mass,
        };
        not_negative("mass", if name.is_empty() { "a geom" } else { name }, mass)?;
        if let Some(body) = body {
            let at_center = Mat3::diagonal(shape.unit_inertia().map(|i| i * mass));
            let own = SpatialInertia::from_center(mass, Vec3::zero(), at_center);
            self.inertia(body, own.transformed(&placement));
        }
        let in_link = body.map_or(placement, |b| self.model.bodies[b].placement * placement);
        self.model.geoms.push(Geom { name: name.into(), body, shape, placement: in_link });
        Ok(())
    }

    /// Adds inertia, stated in the body's frame, to a body. On a body fixed to the world it has no effect.
    ///
    /// # Panics
    /// Where there is no such body.
    pub fn inertia(&mut self, body: usize, inertia: SpatialInertia<f64>) {
        let body = &self.model.bodies[body];
        if let Some(link) = body.link {
            self.model.parameters.inertia[link] += inertia.transformed(&body.placement);
        }
    }

    /// Adds a site at `placement` in the body's frame (`None`: the world). Returns its index.
    ///
    /// # Errors
    /// A name that exists, a placement that is not finite.
    pub fn site(
        &mut self,
        name: &str,
        body: Option<usize>,
        placement: Pose<f64>,
    ) -> Result<usize, BuildError> {
        unique("site", name, self.model.sites.iter().any(|s| s.name == name))?;
        finite_pose(name, &placement)?;
        let (link, placement) = match body.map(|b| &self.model.bodies[b]) {
            None => (None, placement),
            Some(body) => (body.link, body.placement * placement),
        };
        self.model.sites.push(Site { name: name.into(), link, placement });
        Ok(self.model.sites.len() - 1)
    }

    /// Adds a motor on a hinge or slide. Returns its index.
    ///
    /// # Errors
    /// A name that exists, numbers that are not finite, a joint of more than one coordinate.
    ///
    /// # Panics
    /// Where there is no such joint.
    pub fn motor(
        &mut self,
        name: &str,
        joint: usize,
        gear: f64,
        range: Option<[f64; 2]>,
    ) -> Result<usize, BuildError> {
        unique("motor", name, self.model.motors.iter().any(|m| m.name == name))?;
        finite("gear", name, &[gear])?;
        if let Some([least, greatest]) = range {
            finite("control range", name, &[least, greatest])?;
            check("width of the control range", name, &[greatest - least], "positive", |x| {
                x > 0.0
            })?;
        }
        let driven = &self.model.joints[joint];
        if driven.v.1 != 1 {
            let joint = driven.name.clone();
            return Err(BuildError::NotScalar { motor: name.into(), joint, nv: driven.v.1 });
        }
        self.model.motors.push(Motor { name: name.into(), dof: driven.v.0, range });
        self.model.parameters.gear.push(gear);
        Ok(self.model.motors.len() - 1)
    }

    /// The model.
    ///
    /// # Errors
    /// A joint that moves no inertia.
    pub fn build(self) -> Result<Model, BuildError> {
        let model = self.model;
        let mut scratch = crate::Scratch::new(&model);
        crate::crba(&model, model.parameters(), &model.q0, &mut scratch);
        for joint in &model.joints {
            for dof in joint.v.0..joint.v.0 + joint.v.1 {
                if scratch.mass_matrix()[dof * model.nv() + dof] < 1e-15 {
                    return Err(BuildError::Massless { joint: joint.name.clone() });
                }
            }
        }
        Ok(model)
    }

    /// What has been built so far, for readers that refer to it.
    pub fn so_far(&self) -> &Model {
        &self.model
    }
}
