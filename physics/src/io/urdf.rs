//! A reader of URDF, the robot format of ROS: links with their inertia and collision primitives, joints, limits and damping.
//!
//! A link is a body, and its frame is that of the joint above it. The root is fixed to the world, unless the caller frees it. What is
//! looked at (`visual`, `material`), what controllers read (`transmission`, `gazebo`, `safety_controller`, `calibration`) and meshes, which
//! have no part in the inertia of a URDF, are skipped. A joint that mimics another is refused. Dry friction has MuJoCo's default softness;
//! limits are ranges of the model's joints, which nothing enforces, and collision shapes touch nothing. Effort limits are the range of the actuators' force.

use std::collections::{BTreeMap, BTreeSet};

use cotangent_ad::{Mat3, Pose, Quat, Vec3};
use roxmltree::{Document, Node};
use thiserror::Error;

use crate::model::{BuildError, JointSpec, Mobility, Model, ModelBuilder, Shape, Weight};
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

/// Reads a robot whose root link is fixed to the world, or floats where `floating`.
///
/// ```
/// let text = r#"<robot name="pole">
///   <link name="base"/>
///   <link name="rod"><inertial><origin xyz="0 0 -0.5"/><mass value="1"/>
///     <inertia ixx="0.1" iyy="0.1" izz="0.01" ixy="0" ixz="0" iyz="0"/></inertial></link>
///   <joint name="pivot" type="continuous"><parent link="base"/><child link="rod"/><axis xyz="0 1 0"/></joint>
/// </robot>"#;
/// let model = cotangent_physics::io::urdf::read_urdf(text, false).unwrap();
/// assert_eq!((model.nv(), model.mass()), (1, 1.0));
/// ```
///
/// # Errors
/// All that is not well-formed, not supported, or has no meaning, each with its place.
pub fn read_urdf(text: &str, floating: bool) -> Result<Model, Vec<UrdfError>> {
    let document = Document::parse(text).map_err(|e| {
        let place = e.pos();
        vec![UrdfError { message: e.to_string(), line: place.row, column: place.col }]
    })?;
    let robot = Robot::read(&document)?;
    robot.build(floating)
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
    fn build(&self, floating: bool) -> Result<Model, Vec<UrdfError>> {
        let mut builder = ModelBuilder::new();
        let (mut problems, mut count) = (vec![], 0);
        let mut open = vec![(self.root, None, None)];
        while let Some((name, parent, joint)) = open.pop() {
            count += 1;
            let added = self.body(&mut builder, (name, parent, joint), floating);
            let body = match added {
                Ok(body) => Some(body),
                Err(e) => {
                    problems.push(e);
                    parent
                }
            };
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
        if !problems.is_empty() {
            return Err(problems);
        }
        builder.build().map_err(|e| vec![self.error(root, e.to_string())])
    }

    fn body(
        &self,
        builder: &mut ModelBuilder,
        (name, parent, joint): (&str, Option<usize>, Option<Node<'d, 'a>>),
        floating: bool,
    ) -> Result<usize, UrdfError> {
        let link = self.links[name];
        let built = |node, r: Result<_, BuildError>| {
            r.map_err(|e: BuildError| self.error(node, e.to_string()))
        };
        let (placement, joints) = match joint {
            None if floating => {
                (Pose::identity(), vec![JointSpec::new("floating_base", Mobility::Free)])
            }
            None => (Pose::identity(), vec![]),
            Some(joint) => (self.origin(joint)?, self.joint(joint)?),
        };
        let body = built(link, builder.body(name, parent, placement, &joints))?;
        if let Some(inertial) = child(link, "inertial") {
            let (inertia, pose) = self.inertial(inertial)?;
            built(inertial, builder.inertia(body, inertia.transformed(&pose)).map(|()| body))?;
        }
        for collision in link.children().filter(|c| c.has_tag_name("collision")) {
            let Some(shape) = self.shape(collision)? else { continue };
            let (name, pose) =
                (collision.attribute("name").unwrap_or_default(), self.origin(collision)?);
            let added = builder.geom(name, Some(body), shape, pose, Weight::Mass(0.0));
            built(collision, added.map(|()| body))?;
        }
        Ok(body)
    }

    fn joint(&self, joint: Node<'d, 'a>) -> Result<Vec<JointSpec>, UrdfError> {
        let name = joint.attribute("name").unwrap_or_default();
        if let Some(mimic) = child(joint, "mimic") {
            return Err(self.error(mimic, format!("joint `{name}`: `mimic` is not supported")));
        }
        let axis = match child(joint, "axis") {
            Some(axis) => self.numbers(axis, "xyz")?.unwrap_or([1.0, 0.0, 0.0]),
            None => [1.0, 0.0, 0.0],
        };
        let kind = joint.attribute("type").unwrap_or_default();
        let mobility = match kind {
            "fixed" => return Ok(vec![]),
            "revolute" | "continuous" => Mobility::Hinge(axis),
            "prismatic" => Mobility::Slide(axis),
            "floating" => Mobility::Free,
            _ => {
                let message = format!(
                    "joint `{name}` is `{kind}`: fixed, revolute, continuous, prismatic or floating is supported"
                );
                return Err(self.error(joint, message));
            }
        };
        let mut spec = JointSpec::new(name, mobility);
        if let Some(dynamics) = child(joint, "dynamics") {
            spec.damping = self.number(dynamics, "damping")?.unwrap_or(0.0);
            spec.friction_loss = self.number(dynamics, "friction")?.unwrap_or(0.0);
        }
        if let Some(limit) = child(joint, "limit") {
            let bound = |name| self.number(limit, name).map(|x| x.unwrap_or(0.0));
            let range = [bound("lower")?, bound("upper")?];
            let limited = ["revolute", "prismatic"].contains(&kind) && range[0] < range[1];
            spec.range = limited.then_some(range);
            let effort = bound("effort")?;
            let scalar = matches!(mobility, Mobility::Hinge(_) | Mobility::Slide(_));
            spec.force_range = (scalar && effort > 0.0).then_some([-effort, effort]);
        }
        Ok(vec![spec])
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

    /// A primitive; `None` for a mesh.
    fn shape(&self, collision: Node<'d, 'a>) -> Result<Option<Shape>, UrdfError> {
        let geometry = child(collision, "geometry");
        let shape = geometry.and_then(|g| g.children().find(Node::is_element));
        let shape =
            shape.ok_or_else(|| self.error(collision, "`collision` needs a geometry".into()))?;
        let size = |name| {
            let number = self.number(shape, name)?;
            number.ok_or_else(|| self.error(shape, format!("the shape needs `{name}`")))
        };
        Ok(Some(match shape.tag_name().name() {
            "sphere" => Shape::Sphere { radius: size("radius")? },
            "cylinder" => {
                Shape::Cylinder { radius: size("radius")?, half_length: 0.5 * size("length")? }
            }
            "capsule" => {
                Shape::Capsule { radius: size("radius")?, half_length: 0.5 * size("length")? }
            }
            "box" => {
                let edges = self.numbers(shape, "size")?;
                let edges =
                    edges.ok_or_else(|| self.error(shape, "the box needs `size`".into()))?;
                Shape::Box { half: edges.map(|x| 0.5 * x) }
            }
            "mesh" => return Ok(None),
            other => return Err(self.error(shape, format!("shape `{other}` is not supported"))),
        }))
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
