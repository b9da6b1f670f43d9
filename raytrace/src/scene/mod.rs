//! What is in the picture.

mod assign;
mod camera;
mod crossing;
mod edges;
mod environment;
mod kind;
mod lamp;
mod leaves;
mod overlay;
mod owner;
mod parameter;
mod slot;
mod surface;
mod texture;
mod world;

use std::collections::BTreeSet;
use std::sync::Arc;

use thiserror::Error;

pub use camera::SceneCamera;
pub(crate) use edges::{Edge, EdgeSide};
pub use environment::Environment;
pub use lamp::{LampKind, SceneLamp};
pub(crate) use leaves::{Leaves, PartOfLeaves};
pub(crate) use parameter::Columns;
pub use parameter::{ParameterInfo, Selection};
pub(crate) use slot::Layout;
pub(crate) use surface::{Face, Surface};
pub use texture::Texture;
pub use world::{MeshCut, World};
pub(crate) use world::{Wanted, normal_pullback};

use crate::geometry::Rgb;
use crate::material::Material;
use crate::sensor::CameraView;
use crate::shape::{Smoothing, TriangleMesh};

/// How far light travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Light sources seen directly, nothing else.
    Emission,
    /// And light that is reflected once on its way to the camera.
    Direct,
    /// And light that is reflected up to so many times.
    Paths {
        /// The most reflections.
        bounces: u32,
    },
}

impl Transport {
    /// The most reflections on the way to the camera.
    pub fn bounces(self) -> u32 {
        match self {
            Self::Emission => 0,
            Self::Direct => 1,
            Self::Paths { bounces } => bounces,
        }
    }
}

/// What normals a mesh is shaded with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shading {
    /// Those of its faces: every edge that is bent is seen.
    #[default]
    Flat,
    /// Of a vertex the sum of its faces' normals, each as long as its area; linear within a face. They follow the vertices.
    Smooth,
    /// Those that the shape has of its own; they turn with the mesh, and stay when its vertices move.
    Given,
}

/// The least roughness of microfacets: smoother surfaces show edges whose motion is not followed.
pub const LEAST_ROUGHNESS: f64 = 0.01;

/// A mesh in the scene. A point `X` of its shape stands at `R(rotation) scale X + translation`.
#[derive(Clone, Debug, PartialEq)]
pub struct SceneMesh {
    /// Name, the middle part of `mesh.NAME.translation`.
    pub name: String,
    /// Triangles, in coordinates of their own.
    pub shape: Arc<TriangleMesh>,
    /// Factor of the shape's coordinates, positive.
    pub scale: f64,
    /// Rotation vector: axis times angle, radians.
    pub rotation: [f64; 3],
    /// Translation, scene units.
    pub translation: [f64; 3],
    /// Fraction of light that is reflected, from both sides; of a metal or a mirror at normal incidence. Of a transparent body a factor
    /// at each passage.
    pub albedo: Rgb,
    /// How it reflects.
    pub material: Material,
    /// Radiance that every face emits on its front side, where it is a light.
    pub emission: Option<Rgb>,
    /// Factor of albedo and emission at every vertex, linear within a face; `None` is one everywhere.
    pub tint: Option<Arc<Vec<Rgb>>>,
    /// Factor of albedo and emission by the shape's texture coordinates; `None` is one everywhere.
    pub texture: Option<Arc<Texture>>,
    /// What normals it is shaded with.
    pub shading: Shading,
    /// The `lambda` of the coordinates `differential = (I + lambda L) vertices`, in which a step of an optimizer moves all of a surface
    /// (Nicolet et al. 2021): the mesh then has these in place of its vertices as a parameter. Positive.
    pub large_steps: Option<f64>,
}

impl SceneMesh {
    /// A grey mesh, not moved, that emits nothing.
    pub fn new(name: &str, shape: TriangleMesh) -> Self {
        Self {
            name: name.into(),
            shape: Arc::new(shape),
            scale: 1.0,
            rotation: [0.0; 3],
            translation: [0.0; 3],
            albedo: Rgb([0.5; 3]),
            material: Material::Diffuse,
            emission: None,
            tint: None,
            texture: None,
            shading: Shading::Flat,
            large_steps: None,
        }
    }

    /// The map between its vertices and the coordinates of large steps, where it has these.
    pub(crate) fn smoothing(&self) -> Option<Smoothing> {
        self.large_steps.map(|lambda| Smoothing::new(&self.shape, lambda))
    }

    /// Normals that it is shaded with.
    pub(crate) fn normal_count(&self) -> usize {
        match self.shading {
            Shading::Flat => 0,
            Shading::Smooth => self.shape.vertices().len(),
            Shading::Given => self.shape.normals().map_or(0, |n| n.values().len()),
        }
    }

    /// Texture coordinates that its texture is looked up with: of each face which, and all; empty without a texture.
    pub(crate) fn texture_coordinates(&self) -> (&[[u32; 3]], &[[f64; 2]]) {
        match (&self.texture, self.shape.uv()) {
            (Some(_), Some(uv)) => (uv.faces(), uv.values()),
            _ => (&[], &[]),
        }
    }

    /// What its shape lacks of what its looks need.
    fn lacks(&self) -> Option<&'static str> {
        if self.texture.is_some() && self.shape.uv().is_none() {
            return Some("texture coordinates for its texture");
        }
        let given = self.shading == Shading::Given;
        (given && self.shape.normals().is_none()).then_some("normals of its own")
    }
}

/// What is wrong with a scene, or with the name of a parameter.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum SceneError {
    /// There is nothing to see, or nothing that sees it.
    #[error("the scene has no {0}")]
    Empty(&'static str),
    /// Two parts have one name.
    #[error("two {kind} are called `{name}`")]
    Twice {
        /// Meshes, cameras or lights.
        kind: &'static str,
        /// Their name.
        name: String,
    },
    /// The camera does not see.
    #[error(
        "the camera `{0}` does not see: target, up and position must span a plane, fov_deg lie in (0, 180) or its extent be \
         positive, the film have pixels, and its distortion not fold the film"
    )]
    Camera(String),
    /// A mesh has a tint for another number of vertices.
    #[error("the mesh `{name}` has {expected} vertices, its tint {found} colours")]
    Tint {
        /// Name of the mesh.
        name: String,
        /// Its vertices.
        expected: usize,
        /// Colours given.
        found: usize,
    },
    /// A lamp shines nowhere, or in a way that is not followed.
    #[error("the lamp `{name}`: {why}")]
    Lamp {
        /// Name of the lamp.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A mesh has no texture coordinates or normals.
    #[error("the shape of mesh `{name}` has no {what}")]
    Lacks {
        /// Name of the mesh.
        name: String,
        /// What is missing.
        what: &'static str,
    },
    /// Light of a lamp would have to find its way by chance.
    #[error(
        "the light of lamp `{lamp}` reaches surfaces by way of `{mesh}`, which is perfectly smooth, and no path finds that way: give \
         the mesh a roughness of at least {LEAST_ROUGHNESS}, or light the scene by meshes or the environment"
    )]
    Caustic {
        /// Name of the lamp.
        lamp: String,
        /// Name of the mesh.
        mesh: String,
    },
    /// What moves is seen by way of a smooth surface that it is not followed through.
    #[error(
        "`{parameter}` moves edges that are seen by way of `{mesh}`, {why}: their motion is not followed there; a roughness of at \
         least {LEAST_ROUGHNESS} is"
    )]
    Specular {
        /// Name of the parameter.
        parameter: String,
        /// Name of the mesh.
        mesh: String,
        /// What the mesh is.
        why: &'static str,
    },
    /// A picture is no texture.
    #[error("the texture {why}")]
    Texture {
        /// What is wrong with it.
        why: String,
    },
    /// A picture does not fit its camera.
    #[error("the picture for camera {camera} {why}")]
    Picture {
        /// Number of the camera.
        camera: usize,
        /// Sizes that differ, or what is wrong with its mask.
        why: String,
    },
    /// A value is out of its range.
    #[error("`{name}` is {value}: {why}")]
    Value {
        /// Name of the parameter.
        name: String,
        /// Its value.
        value: f64,
        /// What it must be.
        why: &'static str,
    },
    /// No parameter of this name.
    #[error("there is no parameter `{name}`; there are: {known}")]
    Unknown {
        /// The name.
        name: String,
        /// All names.
        known: String,
    },
    /// A parameter without a derivative was asked for one.
    #[error("`{name}` cannot be differentiated: {why}")]
    NotDifferentiable {
        /// The parameter.
        name: String,
        /// The reason.
        why: &'static str,
    },
    /// A parameter was given another number of entries.
    #[error("`{name}` has {expected} entries (found {found})")]
    Length {
        /// The parameter.
        name: String,
        /// Its entries.
        expected: usize,
        /// Entries given.
        found: usize,
    },
}

/// Cameras, meshes and lights.
#[derive(Clone, Debug, PartialEq)]
pub struct Scene {
    pub(crate) cameras: Vec<SceneCamera>,
    pub(crate) meshes: Vec<SceneMesh>,
    pub(crate) lamps: Vec<SceneLamp>,
    pub(crate) environment: Option<Environment>,
    /// How far light travels.
    pub transport: Transport,
}

impl Scene {
    /// A scene of these meshes, seen by one camera, called `main`, on a film of `[width, height]` pixels.
    ///
    /// # Errors
    /// As [`Scene::with_cameras`].
    pub fn new(
        view: &CameraView,
        film: [usize; 2],
        transport: Transport,
        meshes: Vec<SceneMesh>,
    ) -> Result<Self, SceneError> {
        Self::with_cameras(vec![SceneCamera::new("main", view, film)?], transport, meshes)
    }

    /// A scene of these meshes, seen by these cameras.
    ///
    /// # Errors
    /// A [`SceneError`] without meshes or cameras, with two of one name, with a camera that does not see, or with a value out
    /// of its range.
    pub fn with_cameras(
        cameras: Vec<SceneCamera>,
        transport: Transport,
        meshes: Vec<SceneMesh>,
    ) -> Result<Self, SceneError> {
        distinct("meshes", meshes.iter().map(|m| &m.name))?;
        distinct("cameras", cameras.iter().map(|c| &c.name))?;
        for m in &meshes {
            let (expected, found) =
                (m.shape.vertices().len(), m.tint.as_ref().map_or(0, |t| t.len()));
            if m.tint.is_some() && expected != found {
                return Err(SceneError::Tint { name: m.name.clone(), expected, found });
            }
            if let Some(value) = m.large_steps.filter(|l| !(*l > 0.0 && l.is_finite())) {
                let name = format!("large_steps of mesh {}", m.name);
                return Err(SceneError::Value { name, value, why: "it must be positive" });
            }
            if let Some(what) = m.lacks() {
                return Err(SceneError::Lacks { name: m.name.clone(), what });
            }
        }
        let scene = Self { cameras, meshes, lamps: Vec::new(), environment: None, transport };
        scene.check()?;
        Ok(scene)
    }

    /// The scene with these lamps.
    ///
    /// # Errors
    /// A [`SceneError`] with two of one name, one that is also a mesh's, or one that shines nowhere.
    pub fn with_lamps(self, lamps: Vec<SceneLamp>) -> Result<Self, SceneError> {
        let emitting = self.meshes.iter().filter(|m| m.emission.is_some()).map(|m| &m.name);
        distinct("lights", emitting.chain(lamps.iter().map(|l| &l.name))).or_else(|e| match e {
            SceneError::Empty(_) => Ok(()),
            other => Err(other),
        })?;
        let scene = Self { lamps, ..self };
        scene.check()?;
        Ok(scene)
    }

    /// The scene with light from all around.
    ///
    /// # Errors
    /// A [`SceneError`] with a value out of its range.
    pub fn with_environment(self, environment: Environment) -> Result<Self, SceneError> {
        let scene = Self { environment: Some(environment), ..self };
        scene.check()?;
        Ok(scene)
    }

    /// The lamps.
    pub fn lamps(&self) -> &[SceneLamp] {
        &self.lamps
    }

    /// Light from all around.
    pub fn environment(&self) -> Option<&Environment> {
        self.environment.as_ref()
    }

    /// The meshes.
    pub fn meshes(&self) -> &[SceneMesh] {
        &self.meshes
    }

    /// The mesh of this name.
    pub fn mesh(&self, name: &str) -> Option<&SceneMesh> {
        self.meshes.iter().find(|m| m.name == name)
    }

    /// The cameras.
    pub fn cameras(&self) -> &[SceneCamera] {
        &self.cameras
    }

    /// Number of the camera of this name.
    pub fn camera(&self, name: &str) -> Option<usize> {
        self.cameras.iter().position(|c| c.name == name)
    }

    /// Columns and rows of a camera's film.
    ///
    /// # Panics
    /// Where there is no such camera.
    pub fn film(&self, camera: usize) -> [usize; 2] {
        self.cameras[camera].film
    }

    pub(crate) fn layout(&self) -> Layout {
        Layout::new(self)
    }
}

/// At least one, and no two alike.
fn distinct<'a>(
    kind: &'static str,
    names: impl Iterator<Item = &'a String>,
) -> Result<(), SceneError> {
    let mut known = BTreeSet::new();
    for name in names {
        if !known.insert(name) {
            return Err(SceneError::Twice { kind, name: name.clone() });
        }
    }
    if known.is_empty() {
        return Err(SceneError::Empty(kind));
    }
    Ok(())
}
