//! `asset` and geoms of meshes: read for their mass and inertia, where these count, and for their surface, where rays may meet it.

use std::sync::Arc;

use cotangent_ad::{Mat3, Pose, Quat, Vec3};

use super::Reader;
use crate::io::mesh::{Inertia, Surface};
use crate::io::mjcf::attributes::Attributes;
use crate::io::mjcf::defaults::MAIN;
use crate::io::mjcf::error::{MjcfError, Problem};
use crate::io::mjcf::place::pose;
use crate::io::mjcf::schema;
use crate::io::mjcf::tree::Element;
use crate::model::{Facets, Shape, Weight};

/// A mesh of the file, and what a geom that has asked for it got.
#[derive(Clone, Debug)]
pub(super) struct Mesh<'t> {
    attributes: Attributes<'t>,
    solid: Option<MeshSolid>,
}

/// What a mesh encloses, and its surface in the frame of its principal axes where the file has rays.
#[derive(Clone, Debug)]
struct MeshSolid {
    inertia: Inertia,
    facets: Option<Arc<Facets>>,
}

/// A shape, where it is, and its surface where rays may meet it and it is no primitive.
pub(super) type PlacedShape = (Shape, Pose<f64>, Option<Arc<Facets>>);

impl<'t> Reader<'t, '_> {
    pub(super) fn assets(&mut self, section: &'t Element) {
        for element in self.tree.children(section) {
            match element.tag.as_str() {
                "mesh" => {
                    let read = self.with_class(element, ("mesh", MAIN), schema::MESH);
                    let Some(attributes) = self.keep(read) else { continue };
                    let file = attributes.text("file").unwrap_or_default();
                    let stem = file.rsplit(['/', '\\']).next().unwrap_or_default();
                    let stem = stem.rsplit_once('.').map_or(stem, |(stem, _)| stem);
                    let name = attributes.text("name").unwrap_or(stem);
                    self.meshes.insert(name, Mesh { attributes, solid: None });
                }
                "hfield" => {
                    self.height_fields.insert(element.get("name").unwrap_or_default(), element);
                }
                "texture" | "material" | "skin" => {}
                _ => {
                    let problem = self.unsupported(element, "asset");
                    self.problems.push(problem);
                }
            }
        }
    }

    /// The solid that a mesh encloses; `None` where the geom weighs nothing, and the mesh need not be read for rays or cannot be.
    pub(super) fn mesh_shape(
        &mut self,
        a: &Attributes<'t>,
        weight: Weight,
    ) -> Result<Option<PlacedShape>, MjcfError> {
        let name = a.text("mesh").ok_or_else(|| a.missing("`mesh`"))?;
        if !self.meshes.contains_key(name) {
            let known = self.meshes.keys().map(|k| (*k).to_owned()).collect();
            return Err(
                a.error("mesh", Problem::Unknown { kind: "mesh", name: name.into(), known })
            );
        }
        let weighs = !matches!(weight, Weight::Mass(0.0) | Weight::Density(0.0));
        if !weighs && !self.is_ranged(a) {
            self.note(a.element, "meshes that do not weigh are not read, and collide with nothing");
            return Ok(None);
        }
        let MeshSolid { inertia, facets } = match self.solid_of(name) {
            Ok(solid) => solid,
            Err(error) if !weighs => {
                let why = format!("what a ray may meet is not read: {}", error.problem);
                self.note(a.element, &why);
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let turn = inertia.rotation.to_mat();
        let own = Pose { rotation: turn, translation: inertia.center };
        let shape = Shape::Solid { volume: inertia.volume, unit_inertia: inertia.moments };
        Ok(Some((shape, pose(a, self.compiler.angles)? * own, facets)))
    }

    fn solid_of(&mut self, name: &str) -> Result<MeshSolid, MjcfError> {
        let mesh = &self.meshes[name];
        if let Some(solid) = &mesh.solid {
            return Ok(solid.clone());
        }
        let a = mesh.attributes.clone();
        let bad = |why: String| a.error("file", Problem::Mesh { name: name.into(), why });
        for attribute in ["builtin", "params"] {
            if a.has(attribute) {
                return Err(bad(format!("`{attribute}` is not supported")));
            }
        }
        let kind = a.choice("inertia", &["legacy", "exact"])?;
        let mut surface = self.surface_of(&a, &bad)?;
        let inertia = surface.inertia(kind == "exact").map_err(&bad)?;
        let facets = if self.has_rays() {
            let own = Pose { rotation: inertia.rotation.to_mat(), translation: inertia.center };
            surface.map(|x| own.inverse_point(x));
            let facets = Facets::new(surface.into_triangles());
            Some(Arc::new(facets.map_err(|error| bad(error.to_string()))?))
        } else {
            None
        };
        let solid = MeshSolid { inertia, facets };
        if let Some(mesh) = self.meshes.get_mut(name) {
            mesh.solid = Some(solid.clone());
        }
        Ok(solid)
    }

    /// The surface of a mesh in its own frame, scaled. `bad`: what is wrong with it, at its place.
    fn surface_of(
        &mut self,
        a: &Attributes<'t>,
        bad: &impl Fn(String) -> MjcfError,
    ) -> Result<Surface, MjcfError> {
        let mut surface = match (a.text("file"), a.numbers("vertex", 12, usize::MAX)?) {
            (Some(file), _) => {
                let path = self.mesh_path(file);
                let bytes = self.files.read(&path, None).map_err(bad)?;
                Surface::parse(&path, &bytes).map_err(bad)?
            }
            (None, Some(vertex)) => {
                let faces = a.numbers("face", 3, usize::MAX)?;
                let faces =
                    faces.ok_or_else(|| bad("a mesh of vertices needs `face` here".into()))?;
                Surface::indexed(&vertex, &faces).map_err(bad)?
            }
            (None, None) => return Err(a.missing("`file`")),
        };
        let scale = a.array::<3>("scale")?.unwrap_or([1.0; 3]);
        let at = Vec3(a.array::<3>("refpos")?.unwrap_or_default());
        let turn = Quat(a.array::<4>("refquat")?.unwrap_or([1.0, 0.0, 0.0, 0.0]));
        let turn: Mat3<f64> = turn.normalized().to_mat().transpose();
        surface.map(|x| {
            let moved = turn * (x - at);
            Vec3([moved[0] * scale[0], moved[1] * scale[1], moved[2] * scale[2]])
        });
        Ok(surface)
    }

    pub(super) fn mesh_path(&self, file: &str) -> String {
        let file = if self.compiler.strip_path {
            file.rsplit(['/', '\\']).next().unwrap_or(file)
        } else {
            file
        };
        match self.compiler.mesh_folder.as_str() {
            "" => file.into(),
            folder => format!("{}/{file}", folder.trim_end_matches('/')),
        }
    }
}
