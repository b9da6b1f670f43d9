//! What is in the picture.

mod parameter;
mod world;

use std::collections::BTreeSet;
use std::sync::Arc;

use thiserror::Error;

pub(crate) use parameter::{Cotangents, Target, Turn};
pub use parameter::{ParameterInfo, Selection};
pub use world::World;
pub(crate) use world::{Face, Surface, Wanted, WorldEdge};

use crate::geometry::Rgb;
use crate::sensor::{Camera, CameraView};
use crate::shape::TriangleMesh;

/// How far light travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Light sources seen directly, nothing else.
    Emission,
    /// And light that is reflected once on its way to the camera.
    Direct,
}

/// A mesh in the scene. A point `X` of its shape stands at `R(rotation) X + translation`.
#[derive(Clone, Debug, PartialEq)]
pub struct SceneMesh {
    /// Name, the middle part of `mesh.NAME.translation`.
    pub name: String,
    /// Triangles, in coordinates of their own.
    pub shape: Arc<TriangleMesh>,
    /// Rotation vector: axis times angle, radians.
    pub rotation: [f64; 3],
    /// Translation, scene units.
    pub translation: [f64; 3],
    /// Fraction of light that is reflected diffusely, from both sides.
    pub albedo: Rgb,
    /// Radiance that every face emits on its front side, where it is a light.
    pub emission: Option<Rgb>,
}

impl SceneMesh {
    /// A grey mesh, not moved, that emits nothing.
    pub fn new(name: &str, shape: TriangleMesh) -> Self {
        Self {
            name: name.into(),
            shape: Arc::new(shape),
            rotation: [0.0; 3],
            translation: [0.0; 3],
            albedo: Rgb([0.5; 3]),
            emission: None,
        }
    }
}

/// What is wrong with a scene, or with the name of a parameter.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum SceneError {
    /// There is nothing to see.
    #[error("the scene has no mesh")]
    Empty,
    /// Two meshes have one name.
    #[error("two meshes are called `{0}`")]
    Twice(String),
    /// The camera does not see.
    #[error(
        "the camera does not see: target, up and position must span a plane, fov_deg lie in (0, 180), the film have pixels"
    )]
    Camera,
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

/// A camera, a film, and meshes.
#[derive(Clone, Debug, PartialEq)]
pub struct Scene {
    pub(crate) camera: Camera,
    /// Moves the pinhole; the frame keeps its directions.
    pub(crate) camera_translation: [f64; 3],
    /// Turns the frame about the pinhole: rotation vector in world axes.
    pub(crate) camera_rotation: [f64; 3],
    pub(crate) meshes: Vec<SceneMesh>,
    /// How far light travels.
    pub transport: Transport,
}

impl Scene {
    /// A scene of these meshes, seen by `view` on a film of `[width, height]` pixels.
    ///
    /// # Errors
    /// A [`SceneError`] without meshes, with two meshes of one name, with a camera that does not see, or with a value out
    /// of its range.
    pub fn new(
        view: &CameraView,
        [width, height]: [usize; 2],
        transport: Transport,
        meshes: Vec<SceneMesh>,
    ) -> Result<Self, SceneError> {
        let camera = Camera::new(view, width, height).ok_or(SceneError::Camera)?;
        if meshes.is_empty() {
            return Err(SceneError::Empty);
        }
        let mut names = BTreeSet::new();
        if let Some(twice) = meshes.iter().find(|m| !names.insert(&m.name)) {
            return Err(SceneError::Twice(twice.name.clone()));
        }
        let (camera_translation, camera_rotation) = ([0.0; 3], [0.0; 3]);
        let scene = Self { camera, camera_translation, camera_rotation, meshes, transport };
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

    /// Columns and rows of the film.
    pub fn film(&self) -> [usize; 2] {
        [self.camera.width, self.camera.height]
    }

    fn check(&self) -> Result<(), SceneError> {
        let finite = |name: String, v: &[f64]| match v.iter().find(|x| !x.is_finite()) {
            Some(&value) => Err(SceneError::Value { name, value, why: "it must be finite" }),
            None => Ok(()),
        };
        finite("camera.translation".into(), &self.camera_translation)?;
        finite("camera.rotation".into(), &self.camera_rotation)?;
        for m in &self.meshes {
            finite(format!("mesh.{}.translation", m.name), &m.translation)?;
            finite(format!("mesh.{}.rotation", m.name), &m.rotation)?;
            let in_range = |name: String, c: Rgb, most: f64, why: &'static str| match c
                .0
                .into_iter()
                .find(|x| !(*x >= 0.0 && *x <= most))
            {
                Some(value) => Err(SceneError::Value { name, value, why }),
                None => Ok(()),
            };
            in_range(format!("mesh.{}.albedo", m.name), m.albedo, 1.0, "it must lie in [0, 1]")?;
            let radiance = m.emission.unwrap_or(Rgb::BLACK);
            let why = "it must be finite and not negative";
            in_range(format!("light.{}.radiance", m.name), radiance, f64::MAX, why)?;
        }
        Ok(())
    }
}
