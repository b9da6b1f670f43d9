//! Building a model body by body.

mod actuator;
mod constraint;
mod damping_ratio;
mod error;
mod finish;
mod sensor;
mod spec;
mod tendon;

use std::collections::BTreeSet;

use cotangent_ad::{Mat3, Pose, Quat, Vec3};

pub(crate) use constraint::{MOST_PAIRS, Touching, are_held};
pub(crate) use damping_ratio::with_damping_ratios;
pub use error::BuildError;
use error::named;
pub(crate) use sensor::{sees_the_unknown, unmeasured};
pub use spec::{
    ActivationSpec, ActuatorSpec, CouplingSpec, Drive, JointSpec, Mobility, PairSpec, StopSpec,
    SurfaceSpec, TendonSpec, TieSpec, Waypoint, Weight,
};

use self::constraint::{Contacts, check_line, is_aligned_slide};
use super::{
    Body, ConstraintOptions, Geom, Joint, JointKind, Line, Link, Model, Parameters, Shape, Sight,
    Site, Surface, SurfaceNumbers, sizes,
};
use crate::spatial::SpatialInertia;

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
    names: BTreeSet<(&'static str, String)>,
    /// What stands beside each body of the model.
    loads: Vec<Load>,
    contacts: Contacts,
    /// Whether bodies fixed to each other count as one where constraints are scaled.
    fused: bool,
}

/// The inertia of one body, in its frame, and how it is held.
#[derive(Clone, Debug, Default)]
struct Load {
    inertia: Option<SpatialInertia<f64>>,
    /// Frame and principal moments, where one part with mass gives them.
    principal: Option<(Pose<f64>, [f64; 3])>,
    parts: usize,
    /// Where it stands in its parent's frame.
    place: [f64; 3],
    gravity_compensation: f64,
    jointed: bool,
    parent: Option<usize>,
    /// Whether it moves by slides along its own axes through its origin alone.
    slides: bool,
}

impl Default for ModelBuilder {
    fn default() -> Self {
        Self::new()
    }
}

pub(super) fn finite(what: &'static str, of: &str, values: &[f64]) -> Result<(), BuildError> {
    check(what, of, values, "finite", |_| true)
}

fn not_negative(what: &'static str, of: &str, values: &[f64]) -> Result<(), BuildError> {
    check(what, of, values, "not negative", |x| x >= 0.0)
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

fn proper_range(what: &'static str, of: &str, range: Option<[f64; 2]>) -> Result<(), BuildError> {
    let Some([least, greatest]) = range else { return Ok(()) };
    finite(what, of, &[least, greatest])?;
    check(what, of, &[greatest - least], "of positive width", |x| x > 0.0)
}

fn finite_pose(of: &str, pose: &Pose<f64>) -> Result<(), BuildError> {
    finite("position", of, &pose.translation.0)?;
    finite("rotation", of, pose.rotation.0.as_flattened())
}

fn shift(translation: Vec3<f64>) -> Pose<f64> {
    Pose { rotation: Mat3::identity(), translation }
}

impl ModelBuilder {
    /// An empty world with gravity `(0, 0, -9.81)`.
    pub fn new() -> Self {
        let model = Model {
            links: vec![],
            joints: vec![],
            bodies: vec![],
            geoms: vec![],
            sites: vec![],
            sensors: vec![],
            actuators: vec![],
            tendons: vec![],
            thrusts: vec![],
            cranks: vec![],
            stops: vec![],
            dry_friction: vec![],
            couplings: vec![],
            ties: vec![],
            surfaces: vec![],
            sights: vec![],
            touch_pairs: vec![],
            constraint_options: ConstraintOptions::default(),
            fluid: vec![],
            free_bodies: vec![],
            has_polynomial_damping: false,
            has_polynomial_stiffness: false,
            has_gravity_compensation: false,
            parameters: Parameters::empty([0.0, 0.0, -9.81]),
            dof_link: vec![],
            dof_parent: vec![],
            q0: vec![],
        };
        Self {
            model,
            names: BTreeSet::new(),
            loads: vec![],
            contacts: Contacts::default(),
            fused: false,
        }
    }

    fn unique(&mut self, kind: &'static str, name: &str) -> Result<(), BuildError> {
        if !name.is_empty() && !self.names.insert((kind, name.to_owned())) {
            return Err(BuildError::Duplicate { kind, name: name.into() });
        }
        Ok(())
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

    /// Density, kg/m^3, and viscosity, Pa s, of the fluid around. Where both are 0 there is none.
    ///
    /// # Errors
    /// Where one is negative or not finite.
    pub fn fluid(&mut self, density: f64, viscosity: f64) -> Result<(), BuildError> {
        not_negative("density or viscosity", "the fluid", &[density, viscosity])?;
        self.model.parameters.fluid = [density, viscosity];
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
        finite_pose(&named("body", name), &placement)?;
        self.unique("bodies", name)?;
        let around = parent.and_then(|p| self.model.bodies[p].link);
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
        let (center, sliding) = (at.translation, false);
        self.model.bodies.push(Body {
            name: name.into(),
            link,
            placement: at,
            parent,
            inertia: SpatialInertia::zero(),
            center,
            sliding,
        });
        if let (Some(link), false) = (link, joints.is_empty()) {
            self.model.links[link].around = around;
        }
        let jointed = !joints.is_empty();
        let slides = jointed && joints.iter().all(is_aligned_slide);
        let place = placement.translation.0;
        self.loads.push(Load { place, jointed, parent, slides, ..Load::default() });
        Ok(self.model.bodies.len() - 1)
    }

    fn check_joint(&mut self, joint: &JointSpec) -> Result<(), BuildError> {
        self.unique("joints", &joint.name)?;
        let name = &named("joint", &joint.name);
        finite("anchor", name, &joint.anchor)?;
        finite("reference", name, &[joint.reference, joint.rest])?;
        not_negative("damping", name, &[joint.damping])?;
        finite("polynomial damping", name, &joint.damping_poly)?;
        not_negative("armature", name, &[joint.armature])?;
        not_negative("stiffness", name, &[joint.stiffness])?;
        finite("polynomial stiffness", name, &joint.stiffness_poly)?;
        not_negative("friction", name, &[joint.friction_loss])?;
        proper_range("range", name, joint.range)?;
        proper_range("range of the actuators' force", name, joint.force_range)?;
        check_line(name, joint.stop, &joint.friction)?;
        let nv = match joint.mobility {
            Mobility::Hinge(_) | Mobility::Slide(_) => return Ok(()),
            Mobility::Ball => 3,
            Mobility::Free => 6,
        };
        let what = if joint.force_range.is_some() {
            "a range of the actuators' force"
        } else if joint.stiffness_poly.iter().any(|x| *x != 0.0) {
            "a polynomial spring"
        } else {
            return Ok(());
        };
        Err(BuildError::NotScalar { what, joint: joint.name.clone(), nv })
    }

    /// Adds the links of a joint; the last of them.
    fn joint(
        &mut self,
        parent: Option<usize>,
        placement: Pose<f64>,
        spec: &JointSpec,
    ) -> Result<usize, BuildError> {
        let unit = |axis: [f64; 3]| {
            finite("axis", &named("joint", &spec.name), &axis)?;
            let length = Vec3(axis).norm();
            if length < 1e-12 {
                return Err(BuildError::ZeroAxis(spec.name.clone()));
            }
            Ok(Vec3(axis) * length.recip())
        };
        let (first, q_at, v_at) = (self.model.links.len(), self.model.q0.len(), self.model.nv());
        let last = match spec.mobility {
            Mobility::Hinge(a) => {
                self.link(parent, placement, JointKind::Hinge(unit(a)?), spec, &[spec.reference])
            }
            Mobility::Slide(a) => {
                self.link(parent, placement, JointKind::Slide(unit(a)?), spec, &[spec.reference])
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
        self.model.joints.push(Joint {
            name: spec.name.clone(),
            link: first,
            q,
            v,
            range: spec.range,
            force_range: spec.force_range,
        });
        let line = Line::Joint(self.model.joints.len() - 1);
        let friction = (spec.friction_loss, spec.friction);
        self.constrain_line(line, (spec.range, spec.stop), friction);
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
        let (reference, around, spring) = (spec.reference, None, false);
        let link = Link { parent, root, joint, placement, reference, q_at, v_at, around, spring };
        model.links.push(link);
        model.q0.extend(start);
        let mut before = parent.map(|p| model.links[p].v_at + model.links[p].joint.nv() - 1);
        let p = &mut model.parameters;
        for dof in v_at..v_at + joint.nv() {
            model.dof_link.push(index);
            model.dof_parent.push(before);
            before = Some(dof);
            p.damping.push(spec.damping);
            p.damping_poly.push(spec.damping_poly);
            p.armature.push(spec.armature);
            p.stiffness.push(spec.stiffness);
            p.stiffness_poly.push(spec.stiffness_poly);
            p.rest.push(match joint {
                JointKind::Translation => start[dof - v_at],
                JointKind::Ball => 0.0,
                _ => spec.rest,
            });
        }
        p.inertia.push(SpatialInertia::zero());
        p.gravity_compensation.push(0.0);
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
        self.unique("geoms", name)?;
        let of = &named("geom", name);
        finite_pose(of, &placement)?;
        if !shape.is_proper() {
            return Err(BuildError::BadShape { geom: name.into(), shape });
        }
        let mass = match weight {
            Weight::Density(density) => density * shape.volume(),
            Weight::Mass(mass) => mass,
        };
        not_negative("mass", of, &[mass])?;
        if let Some(body) = body
            && mass > 0.0
        {
            self.weigh(body, mass, placement, shape.unit_inertia().map(|i| i * mass))?;
        }
        let in_link = body.map_or(placement, |b| self.model.bodies[b].placement * placement);
        self.model.geoms.push(Geom { name: name.into(), body, shape, placement: in_link });
        self.model.surfaces.push(Surface::NONE);
        self.model.sights.push(Sight::WHOLE);
        let SurfaceSpec { friction, margin, mix, softness, .. } = SurfaceSpec::DEFAULT;
        let size = sizes(&shape);
        let numbers = SurfaceNumbers { size, friction, margin, mix, softness };
        self.model.parameters.constraints.surfaces.push(numbers);
        Ok(())
    }

    /// Adds a mass to a body, with its centre and principal axes at `placement` in the body's frame, and its principal moments
    /// along these axes. A body fixed to the world weighs, but does not move.
    ///
    /// # Errors
    /// An inertia that no body has.
    ///
    /// # Panics
    /// Where there is no such body.
    pub fn weigh(
        &mut self,
        body: usize,
        mass: f64,
        placement: Pose<f64>,
        moments: [f64; 3],
    ) -> Result<(), BuildError> {
        let own = SpatialInertia::from_center(mass, Vec3::zero(), Mat3::diagonal(moments));
        self.add_inertia(body, own.transformed(&placement), Some((placement, moments)))
    }

    /// Adds inertia, stated in the body's frame, to a body. A body fixed to the world weighs, but does not move.
    ///
    /// # Errors
    /// An inertia that no body has.
    ///
    /// # Panics
    /// Where there is no such body.
    pub fn inertia(&mut self, body: usize, inertia: SpatialInertia<f64>) -> Result<(), BuildError> {
        self.add_inertia(body, inertia, None)
    }

    fn add_inertia(
        &mut self,
        body: usize,
        inertia: SpatialInertia<f64>,
        principal: Option<(Pose<f64>, [f64; 3])>,
    ) -> Result<(), BuildError> {
        let unphysical = |why| {
            let body = self.model.bodies[body].name.clone();
            BuildError::Unphysical { body, why }
        };
        inertia.check().map_err(unphysical)?;
        let load = &mut self.loads[body];
        load.parts += 1;
        load.principal = if load.parts == 1 { principal } else { None };
        load.inertia = Some(load.inertia.map_or(inertia, |sum| sum + inertia));
        Ok(())
    }

    /// Multiplies the masses of all bodies, of those fixed to the world too, so that they add up to `total`, kg.
    ///
    /// # Errors
    /// A total that is not positive.
    pub fn total_mass(&mut self, total: f64) -> Result<(), BuildError> {
        check("total mass", "the model", &[total], "positive", |x| x > 0.0)?;
        let sum: f64 = self.loads.iter().filter_map(|l| l.inertia).map(|i| i.mass).sum();
        let scale = total / sum.max(1e-15);
        for load in &mut self.loads {
            load.inertia = load.inertia.map(|i| i * scale);
            load.principal = load.principal.map(|(pose, m)| (pose, m.map(|x| x * scale)));
        }
        Ok(())
    }

    /// The share of a body's weight that is held. Bodies that are fixed to each other must have the same.
    ///
    /// # Errors
    /// A share that is not finite.
    ///
    /// # Panics
    /// Where there is no such body.
    pub fn gravity_compensation(&mut self, body: usize, share: f64) -> Result<(), BuildError> {
        let name = named("body", &self.model.bodies[body].name);
        finite("gravity compensation", &name, &[share])?;
        self.loads[body].gravity_compensation = share;
        Ok(())
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
        self.unique("sites", name)?;
        finite_pose(&named("site", name), &placement)?;
        let (link, placement) = match body.map(|b| &self.model.bodies[b]) {
            None => (None, placement),
            Some(body) => (body.link, body.placement * placement),
        };
        self.model.sites.push(Site { name: name.into(), body, link, placement });
        Ok(self.model.sites.len() - 1)
    }

    /// The centre of mass of a body in its link's frame, by what it weighs so far; `None` where it does not.
    pub(crate) fn center_so_far(&self, body: usize) -> Option<Vec3<f64>> {
        let inertia = self.loads[body].inertia.filter(|i| i.mass > 0.0)?;
        Some(self.model.bodies[body].placement.point(inertia.moment * inertia.mass.recip()))
    }

    /// What has been built so far, for readers that refer to it. Masses come last, with [`ModelBuilder::build`].
    pub fn so_far(&self) -> &Model {
        &self.model
    }
}
