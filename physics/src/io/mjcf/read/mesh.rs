//! `asset` and geoms of meshes: read for their mass and inertia, where these count.

use cotangent_ad::{Mat3, Pose, Quat, Vec3};

use super::Reader;
use crate::io::mesh::{Inertia, Surface};
use crate::io::mjcf::attributes::Attributes;
use crate::io::mjcf::defaults::MAIN;
use crate::io::mjcf::error::{MjcfError, Problem};
use crate::io::mjcf::place::pose;
use crate::io::mjcf::schema;
use crate::io::mjcf::tree::Element;
use crate::model::{Shape, Weight};

/// A mesh of the file, with its inertia once a geom has asked for it.
#[derive(Clone, Debug)]
pub(super) struct Mesh<'t> {
    attributes: Attributes<'t>,
    inertia: Option<Inertia>,
}

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
                    self.meshes.insert(name, Mesh { attributes, inertia: None });
                }
                "texture" | "material" | "skin" | "hfield" => {}
                _ => {
                    let problem = self.unsupported(element, "asset");
                    self.problems.push(problem);
                }
            }
        }
    }

    /// The solid that a mesh encloses, placed; `None` where the geom weighs nothing, and the mesh need not be read.
    pub(super) fn mesh_shape(
        &mut self,
        a: &Attributes<'t>,
        weight: Weight,
    ) -> Result<Option<(Shape, Pose<f64>)>, MjcfError> {
        let name = a.text("mesh").ok_or_else(|| a.missing("`mesh`"))?;
        if !self.meshes.contains_key(name) {
            let known = self.meshes.keys().map(|k| (*k).to_owned()).collect();
            return Err(
                a.error("mesh", Problem::Unknown { kind: "mesh", name: name.into(), known })
            );
        }
        if let Weight::Mass(0.0) | Weight::Density(0.0) = weight {
            self.note(a.element, "meshes that do not weigh are not read, and collide with nothing");
            return Ok(None);
        }
        let inertia = self.inertia_of(name)?;
        let turn = inertia.rotation.to_mat();
        let own = Pose { rotation: turn, translation: inertia.center };
        let shape = Shape::Solid { volume: inertia.volume, unit_inertia: inertia.moments };
        Ok(Some((shape, pose(a, self.compiler.angles)? * own)))
    }

    fn inertia_of(&mut self, name: &str) -> Result<Inertia, MjcfError> {
        let mesh = &self.meshes[name];
        if let Some(inertia) = mesh.inertia {
            return Ok(inertia);
        }
        let a = mesh.attributes.clone();
        let bad = |why: String| a.error("file", Problem::Mesh { name: name.into(), why });
        for attribute in ["builtin", "params"] {
            if a.has(attribute) {
                return Err(bad(format!("`{attribute}` is not supported")));
            }
        }
        let kind = a.choice("inertia", &["legacy", "exact"])?;
        let mut surface = match (a.text("file"), a.numbers("vertex", 12, usize::MAX)?) {
            (Some(file), _) => {
                let path = self.mesh_path(file);
                let bytes = self.files.read(&path, None).map_err(&bad)?;
                Surface::parse(&path, &bytes).map_err(&bad)?
            }
            (None, Some(vertex)) => {
                let faces = a.numbers("face", 3, usize::MAX)?;
                let faces =
                    faces.ok_or_else(|| bad("a mesh of vertices needs `face` here".into()))?;
                Surface::indexed(&vertex, &faces).map_err(&bad)?
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
        let inertia = surface.inertia(kind == "exact").map_err(bad)?;
        if let Some(mesh) = self.meshes.get_mut(name) {
            mesh.inertia = Some(inertia);
        }
        Ok(inertia)
    }

    fn mesh_path(&self, file: &str) -> String {
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
