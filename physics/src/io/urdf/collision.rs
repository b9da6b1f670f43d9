//! `collision`: shapes that touch each other, and the meshes among them, which do not.

use roxmltree::Node;

use super::{Robot, UrdfError, child};
use crate::io::model_file::{Effect, Unsimulated};
use crate::model::{
    MOST_PAIRS, Model, ModelBuilder, Shape, SurfaceSpec, Touching, Weight, are_held,
};

/// A mesh that should touch others: its link's body, and its place.
pub(super) struct CollisionMesh {
    body: usize,
    link: String,
    line: u32,
}

/// Shapes of a robot.
#[derive(Default)]
pub(super) struct Collisions {
    /// Line of each geom of the builder.
    lines: Vec<u32>,
    meshes: Vec<CollisionMesh>,
}

impl<'a, 'd> Robot<'a, 'd> {
    /// The collision shapes of a link.
    pub(super) fn collisions(
        &self,
        builder: &mut ModelBuilder,
        (link, body): (Node<'d, 'a>, usize),
        shapes: &mut Collisions,
    ) -> Result<(), UrdfError> {
        for collision in link.children().filter(|c| c.has_tag_name("collision")) {
            let line = self.document.text_pos_at(collision.range().start).row;
            let Some(shape) = self.shape(collision)? else {
                let link = link.attribute("name").unwrap_or_default().to_owned();
                shapes.meshes.push(CollisionMesh { body, link, line });
                continue;
            };
            let name = collision.attribute("name").unwrap_or_default();
            let pose = self.origin(collision)?;
            let geom = builder.so_far().geoms().len();
            builder
                .geom(name, Some(body), shape, pose, Weight::Mass(0.0))
                .and_then(|()| builder.surface(geom, &SurfaceSpec::DEFAULT))
                .map_err(|e| self.error(collision, e.to_string()))?;
            shapes.lines.push(line);
        }
        Ok(())
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
}

impl Collisions {
    /// The first contact that the robot has and the dynamics do not: of a mesh, or of shapes whose contact is not known.
    pub(super) fn unsimulated(&self, model: &Model, touching: &Touching) -> Option<Unsimulated> {
        let contact = |(line, which): (u32, String)| Unsimulated {
            what: Effect::Contact,
            which: Some(which),
            file: None,
            line,
        };
        if touching.too_many {
            return Some(contact((1, format!("more than {MOST_PAIRS} pairs of shapes"))));
        }
        let link = |body: Option<usize>| body.and_then(|b| model.bodies[b].link);
        let apart = |a: usize, b: Option<usize>| !are_held(model, false, [link(Some(a)), link(b)]);
        let name = |g: usize| model.geoms[g].shape.name();
        let line = |g: usize| self.lines.get(g).copied().unwrap_or(0);
        let pairs = touching
            .unsupported
            .iter()
            .map(|[a, b]| (line(*a).max(line(*b)), format!("{} and {}", name(*a), name(*b))));
        let meshes = self.meshes.iter().enumerate().filter_map(|(k, mesh)| {
            let geom = (0..model.geoms.len()).find(|g| apart(mesh.body, model.geoms[*g].body));
            let other = || self.meshes[..k].iter().find(|m| apart(mesh.body, Some(m.body)));
            let with = geom.map(name).or_else(|| other().map(|_| "mesh"))?;
            Some((mesh.line, format!("the mesh of link `{}` and a {with}", mesh.link)))
        });
        pairs.chain(meshes).min_by_key(|(line, _)| *line).map(contact)
    }
}
