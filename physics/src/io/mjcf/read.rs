//! From the document to the model.

use cotangent_ad::{Mat3, Pose, Vec3};
use roxmltree::{Document, Node};

use super::attributes::{Attributes, error_at, tag_span};
use super::defaults::{Defaults, MAIN};
use super::error::{MjcfError, Note, Problem};
use super::place::{Angles, ORIENTATION, between, pose};
use crate::integrate::{Integrator, StepOptions};
use crate::model::{BuildError, JointSpec, Mobility, Model, ModelBuilder, Shape, Weight};
use crate::spatial::SpatialInertia;

/// A model as a file describes it.
#[derive(Clone, Debug, PartialEq)]
pub struct Mjcf {
    /// Its name, where it has one.
    pub name: Option<String>,
    /// The model.
    pub model: Model,
    /// Step length and method that the file asks for.
    pub options: StepOptions,
    /// What the file asks for and the simulation does not do.
    pub notes: Vec<Note>,
}

/// Reads a model.
///
/// ```
/// let text = r#"<mujoco><worldbody><body name="pole">
///   <joint name="pivot" type="hinge" axis="0 1 0"/>
///   <geom type="capsule" fromto="0 0 0 0 0 -1" size="0.02" mass="1"/>
/// </body></worldbody></mujoco>"#;
/// let read = cotangent_physics::io::mjcf::read_mjcf(text)?;
/// assert_eq!(read.model.nv(), 1);
/// let error = cotangent_physics::io::mjcf::read_mjcf(&text.replace("hinge", "gimbal")).unwrap_err();
/// assert_eq!(error.line, 2);
/// # Ok::<(), cotangent_physics::io::mjcf::MjcfError>(())
/// ```
///
/// # Errors
/// What is not well-formed, not supported, or has no meaning, with its place.
pub fn read_mjcf(text: &str) -> Result<Mjcf, MjcfError> {
    let document = Document::parse(text).map_err(|e| {
        let (line, column) = match e {
            // which has no position of its own
            roxmltree::Error::DtdDetected => place(text, "<!DOCTYPE"),
            _ => (e.pos().row, e.pos().col),
        };
        let at = offset(text, line, column);
        MjcfError { problem: Problem::Xml(e.to_string()), span: at..at, line, column }
    })?;
    let root = document.root_element();
    if !root.has_tag_name("mujoco") {
        let problem = Problem::NotMujoco(root.tag_name().name().into());
        return Err(error_at(&document, tag_span(root), problem));
    }
    let mut reader = Reader {
        document: &document,
        builder: ModelBuilder::new(),
        defaults: Defaults::default(),
        angles: Angles { unit: 1.0_f64.to_radians(), sequence: ['x', 'y', 'z'] },
        automatic_limits: true,
        inertia_from_geoms: "auto",
        total_mass: None,
        options: StepOptions { dt: 0.002, integrator: Integrator::Euler },
        contact: true,
        limits: true,
        notes: vec![],
    };
    reader.sections(root)?;
    reader.finish(root)
}

/// Line and column of the first `needle`, from 1.
fn place(text: &str, needle: &str) -> (u32, u32) {
    let before = &text[..text.find(needle).unwrap_or(0)];
    let line = before.bytes().filter(|b| *b == b'\n').fold(1, |n, _| n + 1);
    (line, before.chars().rev().take_while(|c| *c != '\n').fold(1, |n, _| n + 1))
}

fn offset(text: &str, line: u32, column: u32) -> usize {
    let lines = text.split_inclusive('\n').take(line.saturating_sub(1) as usize);
    let start: usize = lines.map(str::len).sum();
    let before = text[start..].chars().take(column.saturating_sub(1) as usize);
    start + before.map(char::len_utf8).sum::<usize>()
}

struct Reader<'a, 'd> {
    document: &'d Document<'a>,
    builder: ModelBuilder,
    defaults: Defaults<'a>,
    angles: Angles,
    automatic_limits: bool,
    inertia_from_geoms: &'static str,
    total_mass: Option<f64>,
    options: StepOptions,
    contact: bool,
    limits: bool,
    notes: Vec<Note>,
}

fn elements<'a>(node: Node<'a, 'a>) -> impl Iterator<Item = Node<'a, 'a>> {
    node.children().filter(Node::is_element)
}

impl<'a, 'd> Reader<'a, 'd>
where
    'd: 'a,
{
    fn own(&self, node: Node<'a, 'a>, known: &[&str]) -> Result<Attributes<'a, 'd>, MjcfError> {
        Attributes::new(self.document, node, None, known)
    }

    fn with_class(
        &self,
        node: Node<'a, 'a>,
        around: &'a str,
        known: &[&[&str]],
    ) -> Result<Attributes<'a, 'd>, MjcfError> {
        let defaults = self.defaults.of(self.document, node, around)?;
        let known: Vec<&str> = known.concat();
        Attributes::new(self.document, node, defaults, &known)
    }

    fn unsupported(&self, node: Node<'a, 'a>, parent: &str) -> MjcfError {
        let element = node.tag_name().name().to_owned();
        let problem = Problem::Element { element, parent: parent.into() };
        error_at(self.document, tag_span(node), problem)
    }

    fn note(&mut self, node: Node<'a, 'a>, message: &str) {
        let line = self.document.text_pos_at(node.range().start).row;
        if self.notes.iter().all(|n| n.message != message) {
            self.notes.push(Note { message: message.into(), line });
        }
    }

    fn built<T>(&self, node: Node<'a, 'a>, r: Result<T, BuildError>) -> Result<T, MjcfError> {
        r.map_err(|e| error_at(self.document, tag_span(node), e.into()))
    }

    /// Settings and defaults first: they hold for the whole file, wherever they stand.
    fn sections(&mut self, root: Node<'a, 'a>) -> Result<(), MjcfError> {
        self.own(root, &["model"])?;
        for section in elements(root) {
            match section.tag_name().name() {
                "compiler" => self.compiler(section)?,
                "option" => self.option(section)?,
                "default" => self.defaults.read(self.document, section, None)?,
                "asset" => {
                    let looked_at =
                        |n: &Node<'_, '_>| n.has_tag_name("texture") || n.has_tag_name("material");
                    if let Some(other) = elements(section).find(|n| !looked_at(n)) {
                        return Err(self.unsupported(other, "asset"));
                    }
                }
                "worldbody" | "actuator" | "visual" | "statistic" => {}
                _ => return Err(self.unsupported(section, "mujoco")),
            }
        }
        for section in elements(root).filter(|n| n.has_tag_name("worldbody")) {
            self.own(section, &[])?;
            self.contents(section, None, MAIN)?;
        }
        for section in elements(root).filter(|n| n.has_tag_name("actuator")) {
            for node in elements(section) {
                if !node.has_tag_name("motor") {
                    return Err(self.unsupported(node, "actuator"));
                }
                self.motor(node)?;
            }
        }
        Ok(())
    }

    fn compiler(&mut self, node: Node<'a, 'a>) -> Result<(), MjcfError> {
        let known =
            ["angle", "eulerseq", "autolimits", "coordinate", "inertiafromgeom", "settotalmass"];
        let a = self.own(node, &known)?;
        if a.choice("angle", &["degree", "radian"])? == "radian" {
            self.angles.unit = 1.0;
        }
        a.choice("coordinate", &["local"])?;
        self.automatic_limits = a.choice("autolimits", &["true", "false"])? == "true";
        self.inertia_from_geoms = a.choice("inertiafromgeom", &["auto", "true", "false"])?;
        self.total_mass = a.array::<1>("settotalmass")?.map(|[m]| m).filter(|m| *m > 0.0);
        if let Some(text) = a.text("eulerseq") {
            let axes: Vec<char> = text.chars().collect();
            match axes[..] {
                [x, y, z] if axes.iter().all(|c| "xyzXYZ".contains(*c)) => {
                    self.angles.sequence = [x, y, z];
                }
                _ => {
                    let (attribute, value) = ("eulerseq".to_owned(), text.to_owned());
                    let expected = "three letters of xyzXYZ".to_owned();
                    let problem = Problem::Value { attribute, value, expected };
                    return Err(a.error("eulerseq", problem));
                }
            }
        }
        Ok(())
    }

    fn option(&mut self, node: Node<'a, 'a>) -> Result<(), MjcfError> {
        // the solver's settings: there are no constraints to solve
        let solver = ["iterations", "ls_iterations", "tolerance", "ls_tolerance", "solver", "cone"];
        let known = [&["timestep", "gravity", "integrator"][..], &solver].concat();
        let a = self.own(node, &known)?;
        self.options.dt = a.number("timestep", self.options.dt)?;
        if self.options.dt <= 0.0 {
            let value = a.text("timestep").unwrap_or_default().to_owned();
            let expected = "a positive number".to_owned();
            let problem = Problem::Numbers { attribute: "timestep".into(), value, expected };
            return Err(a.error("timestep", problem));
        }
        if let Some(gravity) = a.array::<3>("gravity")? {
            let set = self.builder.gravity(gravity);
            self.built(node, set)?;
        }
        if a.choice("integrator", &["Euler", "RK4"])? == "RK4" {
            self.options.integrator = Integrator::RungeKutta4;
        }
        for child in elements(node) {
            if !child.has_tag_name("flag") {
                return Err(self.unsupported(child, "option"));
            }
            self.flag(child)?;
        }
        Ok(())
    }

    fn flag(&mut self, node: Node<'a, 'a>) -> Result<(), MjcfError> {
        let harmless = ["energy", "warmstart", "frictionloss", "equality", "filterparent"];
        let known = [&["contact", "constraint", "limit", "eulerdamp", "gravity"][..], &harmless];
        let a = self.own(node, &known.concat())?;
        let disabled = |name: &str| Ok(a.choice(name, &["enable", "disable"])? == "disable");
        self.contact &= !disabled("contact")?;
        self.limits &= !disabled("limit")?;
        if disabled("constraint")? {
            (self.contact, self.limits) = (false, false);
        }
        if disabled("eulerdamp")? && self.options.integrator == Integrator::Euler {
            self.options.integrator = Integrator::EulerExplicitDamping;
        }
        if disabled("gravity")? {
            let set = self.builder.gravity([0.0; 3]);
            self.built(node, set)?;
        }
        Ok(())
    }

    /// What stands in a body or the world.
    fn contents(
        &mut self,
        node: Node<'a, 'a>,
        body: Option<usize>,
        class: &'a str,
    ) -> Result<(), MjcfError> {
        let weighed = elements(node).any(|n| n.has_tag_name("inertial"));
        for child in elements(node) {
            match child.tag_name().name() {
                "geom" => self.geom(child, body, class, weighed)?,
                "site" => self.site(child, body, class)?,
                "inertial" if body.is_some() => self.inertial(child, body)?,
                "joint" | "freejoint" if body.is_some() => {} // read with the body
                "body" | "light" | "camera" => {}
                _ => return Err(self.unsupported(child, node.tag_name().name())),
            }
        }
        for child in elements(node).filter(|n| n.has_tag_name("body")) {
            self.body(child, body, class)?;
        }
        Ok(())
    }

    fn body(
        &mut self,
        node: Node<'a, 'a>,
        parent: Option<usize>,
        around: &'a str,
    ) -> Result<(), MjcfError> {
        let a = self.own(node, &[&["name", "pos", "childclass"][..], &ORIENTATION].concat())?;
        let class = a.text("childclass").unwrap_or(around);
        let placement = pose(&a, self.angles)?;
        let mut joints = vec![];
        for child in elements(node) {
            match child.tag_name().name() {
                "joint" => joints.push(self.joint(child, class)?),
                "freejoint" => {
                    let a = self.own(child, &["name"])?;
                    joints.push(JointSpec::new(a.text("name").unwrap_or(""), Mobility::Free));
                }
                _ => {}
            }
        }
        let added = self.builder.body(a.text("name").unwrap_or(""), parent, placement, &joints);
        let body = self.built(node, added)?;
        self.contents(node, Some(body), class)
    }

    fn joint(&mut self, node: Node<'a, 'a>, class: &'a str) -> Result<JointSpec, MjcfError> {
        let known = [
            &["name", "class", "type", "pos", "axis", "ref", "springref", "stiffness", "damping"][..],
            &["armature", "range", "limited", "solreflimit", "solimplimit", "margin"],
        ];
        let a = self.with_class(node, class, &known)?;
        let axis = a.array::<3>("axis")?.unwrap_or([0.0, 0.0, 1.0]);
        let mobility = match a.choice("type", &["hinge", "slide", "ball", "free"])? {
            "hinge" => Mobility::Hinge(axis),
            "slide" => Mobility::Slide(axis),
            "ball" => Mobility::Ball,
            _ => Mobility::Free,
        };
        let scalar = matches!(mobility, Mobility::Hinge(_) | Mobility::Slide(_));
        let unit = if matches!(mobility, Mobility::Hinge(_)) { self.angles.unit } else { 1.0 };
        let range = a.range("range", "limited", self.automatic_limits)?;
        let stiffness = a.number("stiffness", 0.0)?;
        for (name, given) in [("stiffness", stiffness != 0.0), ("range", range.is_some())] {
            if given && !scalar {
                let what = format!("{name} on a {} joint", a.text("type").unwrap_or(""));
                let problem = Problem::Attribute { attribute: what, element: "joint".into() };
                return Err(a.error(name, problem));
            }
        }
        if range.is_some() && self.limits {
            self.note(node, "joint limits are not enforced by the dynamics");
        }
        Ok(JointSpec {
            name: a.text("name").unwrap_or("").into(),
            mobility,
            anchor: if mobility == Mobility::Free {
                [0.0; 3]
            } else {
                a.array::<3>("pos")?.unwrap_or_default()
            },
            reference: a.number("ref", 0.0)? * unit,
            damping: a.number("damping", 0.0)?,
            armature: a.number("armature", 0.0)?,
            stiffness,
            rest: a.number("springref", 0.0)? * unit,
            range: range.map(|r| r.map(|x| x * unit)),
        })
    }

    fn geom(
        &mut self,
        node: Node<'a, 'a>,
        body: Option<usize>,
        class: &'a str,
        weighed: bool,
    ) -> Result<(), MjcfError> {
        let constraint = [
            "contype",
            "conaffinity",
            "condim",
            "friction",
            "solref",
            "solimp",
            "margin",
            "gap",
            "priority",
            "solmix",
        ];
        let own = ["name", "class", "type", "size", "pos", "fromto", "mass", "density"];
        let a = self.with_class(node, class, &[&own, &ORIENTATION, &constraint])?;
        let (shape, placement) = self.shape(&a)?;
        if shape == Shape::Plane && body.is_some() {
            let (attribute, value) = ("type".to_owned(), "plane".to_owned());
            let expected = "a plane on the world only".to_owned();
            return Err(a.error("type", Problem::Value { attribute, value, expected }));
        }
        let weight = match a.array::<1>("mass")? {
            _ if weighed && self.inertia_from_geoms == "auto" => Weight::Mass(0.0),
            _ if self.inertia_from_geoms == "false" => Weight::Mass(0.0),
            Some([mass]) => Weight::Mass(mass),
            None => Weight::Density(a.number("density", 1000.0)?),
        };
        if self.contact && !self.builder.so_far().geoms().is_empty() {
            self.note(node, "contacts between geoms are not simulated");
        }
        let name = a.text("name").unwrap_or("");
        let added = self.builder.geom(name, body, shape, placement, weight);
        self.built(node, added)
    }

    fn shape(&self, a: &Attributes<'a, '_>) -> Result<(Shape, Pose<f64>), MjcfError> {
        let kinds = ["sphere", "capsule", "cylinder", "box", "ellipsoid", "plane"];
        let kind = a.choice("type", &kinds)?;
        let size = a.numbers("size", 1, 3)?.unwrap_or_default();
        let need = |n: usize| {
            if size.len() >= n { Ok(()) } else { Err(a.missing(&format!("{n} numbers in `size`"))) }
        };
        if let ("capsule" | "cylinder", Some((pose, half_length))) = (kind, between(a)?) {
            need(1)?;
            let radius = size[0];
            let shape = match kind {
                "capsule" => Shape::Capsule { radius, half_length },
                _ => Shape::Cylinder { radius, half_length },
            };
            return Ok((shape, pose));
        }
        if a.node.has_attribute("fromto") {
            let (attribute, element) = (format!("fromto of a {kind}"), "geom".to_owned());
            return Err(a.error("fromto", Problem::Attribute { attribute, element }));
        }
        need(match kind {
            "plane" => 0,
            "sphere" => 1,
            "capsule" | "cylinder" => 2,
            _ => 3,
        })?;
        let shape = match kind {
            "sphere" => Shape::Sphere { radius: size[0] },
            "capsule" => Shape::Capsule { radius: size[0], half_length: size[1] },
            "cylinder" => Shape::Cylinder { radius: size[0], half_length: size[1] },
            "box" => Shape::Box { half: [size[0], size[1], size[2]] },
            "ellipsoid" => Shape::Ellipsoid { half: [size[0], size[1], size[2]] },
            _ => Shape::Plane,
        };
        Ok((shape, pose(a, self.angles)?))
    }

    fn inertial(&mut self, node: Node<'a, 'a>, body: Option<usize>) -> Result<(), MjcfError> {
        let own = ["pos", "mass", "diaginertia", "fullinertia"];
        let a = self.own(node, &[&own[..], &ORIENTATION].concat())?;
        if self.inertia_from_geoms == "true" {
            return Ok(());
        }
        if !a.has("pos") {
            return Err(a.missing("`pos`"));
        }
        let [mass] = a.array::<1>("mass")?.ok_or_else(|| a.missing("`mass`"))?;
        let at_center = match (a.array::<3>("diaginertia")?, a.array::<6>("fullinertia")?) {
            (Some(diagonal), None) => Mat3::diagonal(diagonal),
            (None, Some([xx, yy, zz, xy, xz, yz])) => {
                Mat3([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])
            }
            (Some(_), Some(_)) => {
                let problem = Problem::Both { first: "diaginertia", second: "fullinertia" };
                return Err(a.error("fullinertia", problem));
            }
            (None, None) => return Err(a.missing("`diaginertia` or `fullinertia`")),
        };
        let least = [at_center.0[0][0], at_center.0[1][1], at_center.0[2][2], mass];
        if let Some(value) = least.into_iter().find(|x| *x < 0.0) {
            let (what, of) = ("mass or inertia", "`inertial`".to_owned());
            let error = BuildError::BadNumber { what, of, value, condition: "not negative" };
            return self.built(node, Err(error));
        }
        let own = SpatialInertia::from_center(mass, Vec3::zero(), at_center);
        if let Some(body) = body {
            self.builder.inertia(body, own.transformed(&pose(&a, self.angles)?));
        }
        Ok(())
    }

    fn site(
        &mut self,
        node: Node<'a, 'a>,
        body: Option<usize>,
        class: &'a str,
    ) -> Result<(), MjcfError> {
        let own = ["name", "class", "pos", "fromto", "type", "size"];
        let a = self.with_class(node, class, &[&own, &ORIENTATION])?;
        let placement = match between(&a)? {
            Some((pose, _)) => pose,
            None => pose(&a, self.angles)?,
        };
        let added = self.builder.site(a.text("name").unwrap_or(""), body, placement);
        self.built(node, added).map(drop)
    }

    fn motor(&mut self, node: Node<'a, 'a>) -> Result<(), MjcfError> {
        let own = ["name", "class", "joint", "gear", "ctrlrange", "ctrllimited"];
        let a = self.with_class(node, MAIN, &[&own])?;
        let joint = a.text("joint").ok_or_else(|| a.missing("`joint`"))?;
        let model = self.builder.so_far();
        let Some(index) = model.joint(joint) else {
            let known = model.joints().iter().map(|j| j.name.clone()).collect();
            let problem = Problem::Unknown { kind: "joint", name: joint.into(), known };
            return Err(a.error("joint", problem));
        };
        let gear = a.numbers("gear", 1, 6)?.unwrap_or_else(|| vec![1.0]);
        if gear[1..].iter().any(|g| *g != 0.0) {
            let value = a.text("gear").unwrap_or_default().to_owned();
            let expected = "one number, for a hinge or slide,".to_owned();
            return Err(
                a.error("gear", Problem::Value { attribute: "gear".into(), value, expected })
            );
        }
        let range = a.range("ctrlrange", "ctrllimited", self.automatic_limits)?;
        let added = self.builder.motor(a.text("name").unwrap_or(""), index, gear[0], range);
        self.built(node, added).map(drop)
    }

    fn finish(self, root: Node<'a, 'a>) -> Result<Mjcf, MjcfError> {
        let place = tag_span(root);
        let built = self.builder.build();
        let mut model = built.map_err(|e| error_at(self.document, place, e.into()))?;
        if let Some(total) = self.total_mass {
            let mut parameters = model.parameters().clone();
            let scale = total / model.mass();
            parameters.inertia.iter_mut().for_each(|i| *i = *i * scale);
            model = model.with_parameters(parameters);
        }
        let name = root.attribute("model").map(str::to_owned);
        Ok(Mjcf { name, model, options: self.options, notes: self.notes })
    }
}
