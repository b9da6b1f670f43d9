//! Bodies and the frames that hold their contents, without recursion: a file may nest as deep as it likes.

use cotangent_ad::{Mat3, Pose, Quat, Vec3};

use super::Reader;
use crate::io::mjcf::attributes::Attributes;
use crate::io::mjcf::defaults::MAIN;
use crate::io::mjcf::error::{MjcfError, Problem};
use crate::io::mjcf::place::pose;
use crate::io::mjcf::schema;
use crate::io::mjcf::tree::Element;
use crate::model::Shape;
use crate::spatial::principal_axes;

/// An element of a body, with the pose of the frames around it and the class that holds there.
pub(super) struct Content<'t> {
    pub(super) element: &'t Element,
    pub(super) frame: Pose<f64>,
    pub(super) class: &'t str,
}

/// A body that is still to be read.
struct Open<'t> {
    content: Content<'t>,
    parent: Option<usize>,
}

impl<'t> Reader<'t, '_> {
    pub(super) fn world(&mut self, section: &'t Element) {
        let contents = self.contents(section, MAIN);
        let mut open = vec![];
        self.fill(None, contents, &mut open);
        while let Some(next) = open.pop() {
            let read = self.body(&next, &mut open);
            self.keep(read);
        }
    }

    /// What stands in a body or the world, frames resolved, in the order of the file.
    fn contents(&mut self, around: &'t Element, class: &'t str) -> Vec<Content<'t>> {
        let mut contents = vec![];
        let within = |element: &'t Element, frame, class| {
            self.tree.children(element).rev().map(move |element| Content { element, frame, class })
        };
        let mut open: Vec<Content<'t>> = within(around, Pose::identity(), class).collect();
        let mut problems = vec![];
        while let Some(content) = open.pop() {
            if content.element.tag != "frame" {
                contents.push(content);
                continue;
            }
            let a = Attributes::new(self.tree, content.element, None);
            match pose(&a, self.compiler.angles) {
                Ok(own) => {
                    let class = a.text("childclass").unwrap_or(content.class);
                    open.extend(within(content.element, content.frame * own, class));
                }
                Err(e) => problems.push(e),
            }
        }
        self.problems.extend(problems);
        contents
    }

    fn body(&mut self, next: &Open<'t>, open: &mut Vec<Open<'t>>) -> Result<(), MjcfError> {
        let Open { content: Content { element, frame, class }, parent } = *next;
        let a = self.own(element, schema::BODY);
        let class = a.text("childclass").unwrap_or(class);
        let placement = frame * pose(&a, self.compiler.angles)?;
        if a.choice("mocap", &["false", "true"])? == "true" {
            self.note(element, "a mocap body stands where the file puts it");
        }
        let contents = self.contents(element, class);
        let mut joints = vec![];
        for content in &contents {
            if let "joint" | "freejoint" = content.element.tag.as_str() {
                let read = self.joint(content);
                if let Some(name) = content.element.get("name") {
                    self.joints.insert(name, None);
                }
                let Some(joint) = self.keep(read) else { continue };
                joints.push((content.element, joint));
            }
        }
        let specs: Vec<_> = joints.iter().map(|(_, joint)| joint.clone()).collect();
        let first = self.builder.so_far().joints().len();
        let added = self.builder.body(a.name(), parent, placement, &specs);
        let body = self.built(element, added)?;
        for (k, (element, _)) in joints.into_iter().enumerate() {
            if let Some(name) = element.get("name") {
                self.joints.insert(name, Some(first + k));
            }
        }
        let set = self.builder.gravity_compensation(body, a.number("gravcomp", 0.0)?);
        self.built(element, set)?;
        self.fill(Some(body), contents, open);
        Ok(())
    }

    /// Geoms, sites and inertia of a body; its bodies are left open.
    fn fill(&mut self, body: Option<usize>, contents: Vec<Content<'t>>, open: &mut Vec<Open<'t>>) {
        let weighed = contents.iter().any(|c| c.element.tag == "inertial");
        let mut bodies = vec![];
        for content in contents {
            let read = match content.element.tag.as_str() {
                "geom" => self.geom(&content, body, weighed),
                "site" => self.site(&content, body),
                "inertial" if body.is_some() => self.inertial(&content, body),
                "joint" | "freejoint" if body.is_some() => Ok(()), // read with the body
                "light" | "camera" => Ok(()),
                "body" => {
                    bodies.push(Open { content, parent: body });
                    continue;
                }
                _ => {
                    let parent = if body.is_some() { "body" } else { "worldbody" };
                    Err(self.unsupported(content.element, parent))
                }
            };
            self.keep(read);
        }
        // the first on top
        open.extend(bodies.into_iter().rev());
    }

    fn inertial(&mut self, content: &Content<'t>, body: Option<usize>) -> Result<(), MjcfError> {
        let (Some(body), element) = (body, content.element) else { return Ok(()) };
        let a = self.own(element, schema::INERTIAL);
        if self.compiler.inertia_from_geoms == "true" {
            return Ok(());
        }
        if !a.has("pos") {
            return Err(a.missing("`pos`"));
        }
        let [mass] = a.array::<1>("mass")?.ok_or_else(|| a.missing("`mass`"))?;
        let mut place = pose(&a, self.compiler.angles)?;
        let moments = match (a.array::<3>("diaginertia")?, a.array::<6>("fullinertia")?) {
            (Some(diagonal), None) => diagonal,
            (None, Some([xx, yy, zz, xy, xz, yz])) => {
                let full = Mat3([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]]);
                let (moments, turn): (_, Quat<f64>) = principal_axes(&full);
                place.rotation = place.rotation * turn.to_mat();
                moments
            }
            (Some(_), Some(_)) => {
                let problem = Problem::Both { first: "diaginertia", second: "fullinertia" };
                return Err(a.error("fullinertia", problem));
            }
            (None, None) if a.has("mass") => {
                return Err(a.missing("`diaginertia` or `fullinertia`"));
            }
            (None, None) => [0.0; 3],
        };
        self.weigh(element, body, mass, content.frame * place, moments)
    }

    /// Adds a mass, within the bounds that the file asks for.
    pub(super) fn weigh(
        &mut self,
        element: &Element,
        body: usize,
        mass: f64,
        place: Pose<f64>,
        moments: [f64; 3],
    ) -> Result<(), MjcfError> {
        let (least_mass, least) = (self.compiler.least_mass, self.compiler.least_inertia);
        let mass = if least_mass > 0.0 { mass.max(least_mass) } else { mass };
        let mut moments = if least > 0.0 { moments.map(|m| m.max(least)) } else { moments };
        let [a, b, c] = moments;
        let unbalanced = a + b < c || b + c < a || c + a < b;
        if self.compiler.balance_inertia && unbalanced {
            moments = [(a + b + c) / 3.0; 3];
        }
        let added = self.builder.weigh(body, mass, place, moments);
        self.built(element, added)
    }

    fn site(&mut self, content: &Content<'t>, body: Option<usize>) -> Result<(), MjcfError> {
        let element = content.element;
        let a = self.with_class(element, ("site", content.class), schema::SITE)?;
        let (place, half) = match crate::io::mjcf::place::between(&a)? {
            Some((pose, half)) => (pose, Some(half)),
            None => (pose(&a, self.compiler.angles)?, None),
        };
        let added = self.builder.site(a.name(), body, content.frame * place);
        self.built(element, added)?;
        if let Some(volume) = volume(&a, half)? {
            self.volumes.insert(a.name(), volume);
        }
        Ok(())
    }
}

/// The volume of a site, which a touch sensor has; `half` its length where two ends are given. `None` of a mesh.
fn volume(a: &Attributes<'_>, half: Option<f64>) -> Result<Option<Shape>, MjcfError> {
    let [x, y, z] = a.some("size", [0.005; 3])?;
    let lengthy = half.map_or([x, y, z], |half| [x, x, half]);
    let half_length = half.unwrap_or(y);
    Ok(match a.choice("type", &["sphere", "capsule", "ellipsoid", "cylinder", "box", "mesh"])? {
        "sphere" => Some(Shape::Sphere { radius: x }),
        "capsule" => Some(Shape::Capsule { radius: x, half_length }),
        "cylinder" => Some(Shape::Cylinder { radius: x, half_length }),
        "ellipsoid" => Some(Shape::Ellipsoid { half: lengthy }),
        "box" => Some(Shape::Box { half: lengthy }),
        _ => None,
    })
}

/// A direction and a point of a frame.
pub(super) fn through(frame: &Pose<f64>, point: [f64; 3], direction: [f64; 3]) -> [[f64; 3]; 2] {
    [frame.point(Vec3(point)).0, (frame.rotation * Vec3(direction)).0]
}
