//! What is in the picture.

mod camera;
mod kind;
mod overlay;
mod parameter;
mod slot;
mod world;

use std::collections::BTreeSet;
use std::sync::Arc;

use thiserror::Error;

pub use camera::SceneCamera;
pub(crate) use overlay::{Edge, EdgeSide};
pub(crate) use parameter::Columns;
pub use parameter::{ParameterInfo, Selection};
pub(crate) use slot::Layout;
pub use world::World;
pub(crate) use world::{Face, Surface, Wanted};

use crate::geometry::Rgb;
use crate::sensor::CameraView;
use crate::shape::TriangleMesh;

/// How far light travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Light sources seen directly, nothing else.
    Emission,
    /// And light that is reflected once on its way to the camera.
    Direct,
}

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
    /// Fraction of light that is reflected diffusely, from both sides.
    pub albedo: Rgb,
    /// Radiance that every face emits on its front side, where it is a light.
    pub emission: Option<Rgb>,
    /// Factor of albedo and emission at every vertex, linear within a face; `None` is one everywhere.
    pub tint: Option<Arc<Vec<Rgb>>>,
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
            emission: None,
            tint: None,
        }
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
        /// Meshes or cameras.
        kind: &'static str,
        /// Their name.
        name: String,
    },
    /// The camera does not see.
    #[error(
        "the camera `{0}` does not see: target, up and position must span a plane, fov_deg lie in (0, 180), the film have \
         pixels, and its distortion not fold the film"
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

/// Cameras and meshes.
#[derive(Clone, Debug, PartialEq)]
pub struct Scene {
    pub(crate) cameras: Vec<SceneCamera>,
    pub(crate) meshes: Vec<SceneMesh>,
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
        }
        let scene = Self { cameras, meshes, transport };
        scene.check()?;
        Ok(scene)
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
        Layout::new(self.meshes.iter().map(|m| m.shape.vertices().len()), self.cameras.len())
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
