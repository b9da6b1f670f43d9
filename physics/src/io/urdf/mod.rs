//! A reader of URDF, the robot format of ROS: links with their inertia and collision primitives, joints, limits and damping.
//!
//! A link is a body, and its frame is that of the joint above it. The root is fixed to the world, unless [`UrdfOptions`] free it. Limits
//! of joints and dry friction are enforced and collision shapes touch each other with MuJoCo's default softness and friction, but those
//! of a link and its moving parent. What is looked at (`visual`, `material`) and what controllers read (`transmission`, `gazebo`,
//! `safety_controller`, `calibration`) is skipped. Collision meshes touch nothing: where they should, the file's
//! [`unsimulated`](ModelFile::unsimulated) says so. A joint that mimics another is refused. Effort limits are the range of the actuators' force.

mod collision;
mod joint;

use std::collections::{BTreeMap, BTreeSet};

use cotangent_ad::{Mat3, Pose, Quat, Vec3};
use roxmltree::{Document, Node};
use thiserror::Error;

use self::collision::Collisions;
use crate::integrate::{Integrator, StepOptions};
use crate::io::model_file::{ModelFile, Note};
use crate::model::{
    BuildError, ConstraintOptions, JointSpec, Mobility, ModelBuilder, Shape, SurfaceSpec, Weight,
};
use crate::spatial::SpatialInertia;

/// One thing that is wrong with a file.
#[derive(Clone, Debug, Error, PartialEq)]
#[error("line {line}, column {column}: {message}")]
pub struct UrdfError {
    /// What is wrong.
    pub message: String,
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1.
    pub column: u32,
}

/// What a URDF file does not say of a motion.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct UrdfOptions {
    /// Whether the root link floats; else it is fixed to the world.
    pub floating: bool,
    /// Height of a floor, m, on which everything stands; `None` is none.
    pub ground: Option<f64>,
    /// Whether each hinge and slide has a motor of its joint's name, whose control is its force.
    pub motors: bool,
    /// Length and method of a step.
    pub step: StepOptions,
}

impl Default for UrdfOptions {
    /// Fixed to the world, without floor and motors, in MuJoCo's steps of 2 ms.
    fn default() -> Self {
        let step = StepOptions { dt: 0.002, integrator: Integrator::Euler };
        Self { floating: false, ground: None, motors: false, step }
    }
}

/// Reads a robot.
///
/// ```
/// let text = r#"<robot name="pole">
///   <link name="base"/>
///   <link name="rod"><inertial><origin xyz="0 0 -0.5"/><mass value="1"/>
///     <inertia ixx="0.1" iyy="0.1" izz="0.01" ixy="0" ixz="0" iyz="0"/></inertial></link>
///   <joint name="pivot" type="continuous"><parent link="base"/><child link="rod"/><axis xyz="0 1 0"/></joint>
/// </robot>"#;
/// use cotangent_physics::io::urdf::{UrdfOptions, read_urdf};
/// let model = read_urdf(text, &UrdfOptions::default()).unwrap().model;
/// assert_eq!((model.nv(), model.mass()), (1, 1.0));
/// ```
///
/// # Errors
/// All that is not well-formed, not supported, or has no meaning, each with its place.
pub fn read_urdf(text: &str, options: &UrdfOptions) -> Result<ModelFile, Vec<UrdfError>> {
    let document = Document::parse(text).map_err(|e| {
        let place = e.pos();
        vec![UrdfError { message: e.to_string(), line: place.row, column: place.col }]
    })?;
    let robot = Robot::read(&document)?;
    robot.build(options)
}

/// Links and joints by name.
struct Robot<'a, 'd> {
    document: &'d Document<'a>,
    links: BTreeMap<&'d str, Node<'d, 'a>>,
    /// Joints by parent, in the order of the file.
    below: BTreeMap<&'d str, Vec<Node<'d, 'a>>>,
    root: &'d str,
}

fn child<'d, 'a>(node: Node<'d, 'a>, tag: &str) -> Option<Node<'d, 'a>> {
    node.children().find(|c| c.has_tag_name(tag))
}

impl<'a, 'd> Robot<'a, 'd> {
    fn read(document: &'d Document<'a>) -> Result<Self, Vec<UrdfError>> {
        let element = document.root_element();
        if !element.has_tag_name("robot") {
            let message =
                format!("the root element is `{}`, not `robot`", element.tag_name().name());
            return Err(vec![error(document, element, message)]);
        }
        let mut robot = Self { document, links: BTreeMap::new(), below: BTreeMap::new(), root: "" };
        let (mut problems, mut children, mut names) = (vec![], BTreeSet::new(), BTreeSet::new());
        for node in element.children().filter(Node::is_element) {
            let tag = node.tag_name().name();
            let name = node.attribute("name").unwrap_or_default();
            match tag {
                "link" => {
                    if robot.links.insert(name, node).is_some() {
                        problems.push(robot.error(node, format!("two links are named `{name}`")));
                    }
                }
                "joint" => {
                    let end = |tag| child(node, tag).and_then(|e| e.attribute("link"));
                    let (Some(parent), Some(below)) = (end("parent"), end("child")) else {
                        let message = format!("joint `{name}` needs `parent` and `child`");
                        problems.push(robot.error(node, message));
                        continue;
                    };
                    if !names.insert(name) {
                        problems.push(robot.error(node, format!("two joints are named `{name}`")));
                    }
                    if !children.insert(below) {
                        let message = format!("link `{below}` has two parents: a loop is no tree");
                        problems.push(robot.error(node, message));
                    }
                    robot.below.entry(parent).or_default().push(node);
                }
                "material" | "transmission" | "gazebo" => {}
                _ => problems.push(robot.error(node, format!("element `{tag}` is not supported"))),
            }
        }
        for joint in robot.below.values().flatten() {
            for end in ["parent", "child"] {
                let name = child(*joint, end).and_then(|e| e.attribute("link")).unwrap_or_default();
                if !robot.links.contains_key(name) {
                    problems.push(robot.error(*joint, format!("no link is named `{name}`")));
                }
            }
        }
        let mut roots = robot.links.keys().filter(|name| !children.contains(*name));
        match (roots.next(), roots.next()) {
            (Some(root), None) => robot.root = root,
            (None, _) => problems.push(robot.error(element, "no link is the root".into())),
            (Some(a), Some(b)) => {
                problems.push(robot.error(element, format!("`{a}` and `{b}` are both roots")));
            }
        }
        if problems.is_empty() { Ok(robot) } else { Err(problems) }
    }

    fn error(&self, node: Node<'_, '_>, message: String) -> UrdfError {
        error(self.document, node, message)
    }

    /// Bodies from the root on, without recursion. As there is one root, no link has two parents and every joint's ends exist, what
    /// is left over could only be a loop, and is refused.
    fn build(&self, options: &UrdfOptions) -> Result<ModelFile, Vec<UrdfError>> {
        let mut builder = ModelBuilder::new();
        let (mut problems, mut count) = (vec![], 0);
        let (mut shapes, mut notes) = (Collisions::default(), vec![]);
        let mut open = vec![(self.root, None, None)];
        while let Some((name, parent, joint)) = open.pop() {
            count += 1;
            let added = self.body(&mut builder, (name, parent, joint), options, &mut shapes);
            let body = match added {
                Ok(body) => Some(body),
                Err(e) => {
                    problems.push(e);
                    parent
                }
            };
            notes.extend(self.note(name));
            let below = self.below.get(name).into_iter().flatten().rev();
            open.extend(below.map(|joint| {
                let name = child(*joint, "child").and_then(|c| c.attribute("link"));
                (name.unwrap_or_default(), body, Some(*joint))
            }));
        }
        let root = self.links[self.root];
        if count < self.links.len() {
            let message = format!("{} links hang in a loop", self.links.len() - count);
            problems.push(self.error(root, message));
        }
        if problems.is_empty() && options.motors {
            problems.extend(self.motors(&mut builder).err());
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        builder.fuse_fixed_bodies();
        let built = ground(&mut builder, options).and_then(|()| builder.build_in_part());
        let (model, touching) = built.map_err(|e| vec![self.error(root, e.to_string())])?;
        let unsimulated = shapes.unsimulated(&model, &touching).into_iter().collect();
        let name = self.document.root_element().attribute("name").map(str::to_owned);
        Ok(ModelFile { name, model, options: options.step, keyframes: vec![], unsimulated, notes })
    }

    /// What a user of MuJoCo may not expect of a link.
    fn note(&self, name: &str) -> Option<Note> {
        let link = self.links[name];
        let weightless = child(link, "inertial").is_none() && child(link, "collision").is_some();
        let line = self.document.text_pos_at(link.range().start).row;
        let message = format!("link `{name}` has shapes and no `inertial`: it has no mass");
        weightless.then_some(Note { message, file: None, line })
    }

    fn body(
        &self,
        builder: &mut ModelBuilder,
        (name, parent, joint): (&str, Option<usize>, Option<Node<'d, 'a>>),
        options: &UrdfOptions,
        shapes: &mut Collisions,
    ) -> Result<usize, UrdfError> {
        let link = self.links[name];
        let built = |node, r: Result<_, BuildError>| {
            r.map_err(|e: BuildError| self.error(node, e.to_string()))
        };
        let (placement, joints) = match joint {
            None if options.floating => {
                (Pose::identity(), vec![JointSpec::new("floating_base", Mobility::Free)])
            }
            None => (Pose::identity(), vec![]),
            Some(joint) => (self.origin(joint)?, self.joint(joint)?),
        };
        // what floats hangs on the world itself; a root that is fixed to it stands where its frame is
        let still = parent.filter(|p| builder.so_far().bodies()[*p].link.is_none());
        let floats = joints.iter().any(|j| j.mobility == Mobility::Free);
        let (parent, placement) = match (still, parent, joint) {
            (Some(root), ..) if floats => {
                (None, builder.so_far().bodies()[root].placement * placement)
            }
            (None, Some(_), Some(joint)) if floats => {
                let own = joint.attribute("name").unwrap_or_default();
                let message = format!(
                    "joint `{own}` floats, and so must hang on a link that is fixed to the world: one that moves carries it, or a root that floats itself"
                );
                return Err(self.error(joint, message));
            }
            _ => (parent, placement),
        };
        let body = built(link, builder.body(name, parent, placement, &joints))?;
        if let Some(inertial) = child(link, "inertial") {
            let (inertia, pose) = self.inertial(inertial)?;
            built(inertial, builder.inertia(body, inertia.transformed(&pose)).map(|()| body))?;
        }
        self.collisions(builder, (link, body), shapes)?;
        Ok(body)
    }

    /// Inertia about the centre of mass in its own frame, and that frame in the link's: both parts of `origin` count.
    fn inertial(
        &self,
        inertial: Node<'d, 'a>,
    ) -> Result<(SpatialInertia<f64>, Pose<f64>), UrdfError> {
        let needed = |tag| {
            child(inertial, tag)
                .ok_or_else(|| self.error(inertial, format!("`inertial` needs `{tag}`")))
        };
        let mass_node = needed("mass")?;
        let mass = self.number(mass_node, "value")?;
        let mass = mass.ok_or_else(|| self.error(mass_node, "`mass` needs `value`".into()))?;
        let tensor = needed("inertia")?;
        let entry = |name| self.number(tensor, name).map(|x| x.unwrap_or(0.0));
        let (xx, yy, zz) = (entry("ixx")?, entry("iyy")?, entry("izz")?);
        let (xy, xz, yz) = (entry("ixy")?, entry("ixz")?, entry("iyz")?);
        let at_center = Mat3([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]]);
        let own = SpatialInertia::from_center(mass, Vec3::zero(), at_center);
        Ok((own, self.origin(inertial)?))
    }

    /// `origin` of an element: `xyz`, and `rpy` about the fixed axes x, y, z in turn.
    fn origin(&self, node: Node<'d, 'a>) -> Result<Pose<f64>, UrdfError> {
        let Some(origin) = child(node, "origin") else { return Ok(Pose::identity()) };
        let xyz = self.numbers(origin, "xyz")?.unwrap_or_default();
        let [roll, pitch, yaw] = self.numbers(origin, "rpy")?.unwrap_or_default();
        let turn = |k, angle| Quat::from_axis_angle(Vec3::unit(k), angle);
        let rotation = (turn(2, yaw) * turn(1, pitch) * turn(0, roll)).to_mat();
        Ok(Pose { rotation, translation: Vec3(xyz) })
    }

    fn numbers<const N: usize>(
        &self,
        node: Node<'d, 'a>,
        name: &str,
    ) -> Result<Option<[f64; N]>, UrdfError> {
        let Some(text) = node.attribute(name) else { return Ok(None) };
        let parsed: Option<Vec<f64>> = text
            .split_ascii_whitespace()
            .map(|x| x.parse().ok().filter(|x: &f64| x.is_finite()))
            .collect();
        let numbers = parsed.and_then(|x| x.try_into().ok());
        numbers.map(Some).ok_or_else(|| {
            self.error(node, format!("`{name}=\"{text}\"`: expected {N} finite numbers"))
        })
    }

    fn number(&self, node: Node<'d, 'a>, name: &str) -> Result<Option<f64>, UrdfError> {
        Ok(self.numbers::<1>(node, name)?.map(|[x]| x))
    }
}

fn error(document: &Document<'_>, node: Node<'_, '_>, message: String) -> UrdfError {
    let place = document.text_pos_at(node.range().start);
    UrdfError { message, line: place.row, column: place.col }
}

/// The floor, and how soft constraints may be: MuJoCo's defaults.
fn ground(builder: &mut ModelBuilder, options: &UrdfOptions) -> Result<(), BuildError> {
    let least_time_constant = 2.0 * options.step.dt;
    builder.constraint_options(ConstraintOptions { least_time_constant, ..Default::default() })?;
    let Some(height) = options.ground else { return Ok(()) };
    let geom = builder.so_far().geoms().len();
    let pose = Pose { translation: Vec3([0.0, 0.0, height]), ..Pose::identity() };
    builder.geom("ground", None, Shape::Plane, pose, Weight::Mass(0.0))?;
    builder.surface(geom, &SurfaceSpec::DEFAULT)
}
