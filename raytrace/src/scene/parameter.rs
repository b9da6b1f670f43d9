//! Parameters by name, and how derivatives by points become derivatives by them.

use std::sync::Arc;

use cotangent_ad::{Mat3, Quat};

use super::{Scene, SceneError, Wanted};
use crate::geometry::{Rgb, V3};

/// What a parameter is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParameterInfo {
    /// Name.
    pub name: String,
    /// Shape, row-major.
    pub shape: Vec<usize>,
    /// Unit.
    pub unit: &'static str,
    /// Why it cannot be differentiated; `None` where it can.
    pub not_differentiable: Option<&'static str>,
}

/// A parameter that can be differentiated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Translation(usize),
    Rotation(usize),
    Vertices(usize),
    Albedo(usize),
    Radiance(usize),
    CameraTranslation,
    CameraRotation,
}

/// Derivatives by the points and colours of the world, from which those by any parameter follow.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Cotangents {
    /// By each vertex of the world.
    pub(crate) vertices: Vec<V3>,
    /// By the albedo of each mesh.
    pub(crate) albedo: Vec<Rgb>,
    /// By the radiance of each mesh.
    pub(crate) radiance: Vec<Rgb>,
    /// By the pinhole's position and by the angular velocity of the camera's frame.
    pub(crate) camera: [V3; 2],
}

/// Parameters chosen by name, in this order.
#[derive(Clone, Debug, PartialEq)]
pub struct Selection {
    pub(crate) targets: Vec<(Target, usize)>,
}

impl Selection {
    /// The parameters of these names.
    ///
    /// # Errors
    /// [`SceneError::Unknown`], or [`SceneError::NotDifferentiable`] where a parameter has no derivative.
    pub fn new(scene: &Scene, names: &[impl AsRef<str>]) -> Result<Self, SceneError> {
        let targets = names.iter().map(|name| {
            let (info, target) = scene.find(name.as_ref())?;
            let entries = info.shape.iter().product();
            match (target, info.not_differentiable) {
                (Some(target), None) => Ok((target, entries)),
                (_, why) => Err(SceneError::NotDifferentiable {
                    name: info.name,
                    why: why.unwrap_or("it is no number"),
                }),
            }
        });
        Ok(Self { targets: targets.collect::<Result<_, _>>()? })
    }

    /// Number of entries.
    pub fn dim(&self) -> usize {
        self.targets.iter().map(|t| t.1).sum()
    }

    /// Values, one parameter after the other.
    pub fn get(&self, scene: &Scene) -> Vec<f64> {
        self.targets.iter().flat_map(|(t, _)| scene.value(*t)).collect()
    }

    /// Sets all values.
    ///
    /// # Errors
    /// A [`SceneError`] where the number of values is wrong, or a value out of its range.
    pub fn set(&self, scene: &mut Scene, values: &[f64]) -> Result<(), SceneError> {
        let (expected, found) = (self.dim(), values.len());
        if expected != found {
            return Err(SceneError::Length { name: "the selection".into(), expected, found });
        }
        let mut rest = values;
        for (target, entries) in &self.targets {
            let (these, others) = rest.split_at(*entries);
            scene.assign(*target, these)?;
            rest = others;
        }
        scene.check()
    }

    /// What must be followed.
    pub(crate) fn wanted(&self, scene: &Scene) -> Wanted {
        let has = |f: &dyn Fn(Target) -> bool| self.targets.iter().any(|t| f(t.0));
        let moves = |m: usize| {
            has(&|t| {
                t == Target::Translation(m) || t == Target::Rotation(m) || t == Target::Vertices(m)
            })
        };
        Wanted {
            moving: (0..scene.meshes.len()).map(moves).collect(),
            camera: has(&|t| t == Target::CameraTranslation || t == Target::CameraRotation),
        }
    }

    /// Derivatives by the parameters from those by points and colours.
    pub(crate) fn pull_back(&self, scene: &Scene, bars: &Cotangents) -> Vec<f64> {
        let first = scene.first_vertices();
        let of = |m: usize| &bars.vertices[first[m]..first[m + 1]];
        let entries = |(target, _): &(Target, usize)| -> Vec<f64> {
            match *target {
                Target::Translation(m) => of(m).iter().fold(V3::zero(), |s, b| s + *b).0.to_vec(),
                Target::Rotation(m) => {
                    let turn = Turn::new(scene.meshes[m].rotation);
                    let shape = scene.meshes[m].shape.vertices().iter();
                    let torque = shape
                        .zip(of(m))
                        .fold(V3::zero(), |s, (x, b)| s + x.cross(turn.matrix.transpose_mul(*b)));
                    turn.jacobian.transpose_mul(torque).0.to_vec()
                }
                Target::Vertices(m) => {
                    let turn = Turn::new(scene.meshes[m].rotation);
                    of(m).iter().flat_map(|b| turn.matrix.transpose_mul(*b).0).collect()
                }
                Target::Albedo(m) => bars.albedo[m].0.to_vec(),
                Target::Radiance(m) => bars.radiance[m].0.to_vec(),
                Target::CameraTranslation => bars.camera[0].0.to_vec(),
                Target::CameraRotation => {
                    let turn = Turn::new(scene.camera_rotation);
                    let body = turn.matrix.transpose_mul(bars.camera[1]);
                    turn.jacobian.transpose_mul(body).0.to_vec()
                }
            }
        };
        self.targets.iter().flat_map(entries).collect()
    }
}

/// A rotation vector's matrix `R`, and `J` with `dR = R [J dv]`.
pub(crate) struct Turn {
    pub(crate) matrix: Mat3<f64>,
    pub(crate) jacobian: Mat3<f64>,
}

impl Turn {
    pub(crate) fn new(v: [f64; 3]) -> Self {
        let v = V3::from(v);
        Self { matrix: Quat::exp(v).to_mat(), jacobian: Quat::exp_right_jacobian(v) }
    }
}

impl Scene {
    /// All parameters.
    pub fn parameters(&self) -> Vec<ParameterInfo> {
        self.table().into_iter().map(|(info, _)| info).collect()
    }

    /// The first vertex of each mesh in the world, and their number.
    pub(crate) fn first_vertices(&self) -> Vec<usize> {
        let mut first = vec![0];
        for m in &self.meshes {
            first.push(first[first.len() - 1] + m.shape.vertices().len());
        }
        first
    }

    fn table(&self) -> Vec<(ParameterInfo, Option<Target>)> {
        let row = |name: String, shape: &[usize], unit, target| {
            let shape = shape.to_vec();
            (ParameterInfo { name, shape, unit, not_differentiable: None }, Some(target))
        };
        let fixed = |name: String, shape: &[usize], unit, why| {
            let shape = shape.to_vec();
            (ParameterInfo { name, shape, unit, not_differentiable: Some(why) }, None)
        };
        let mut rows = vec![
            row("camera.translation".into(), &[3], "scene unit", Target::CameraTranslation),
            row("camera.rotation".into(), &[3], "rad", Target::CameraRotation),
            fixed("camera.fov_deg".into(), &[], "deg", "its derivative is not there yet"),
        ];
        for (k, m) in self.meshes.iter().enumerate() {
            let name = |what: &str| format!("mesh.{}.{what}", m.name);
            rows.push(row(name("translation"), &[3], "scene unit", Target::Translation(k)));
            rows.push(row(name("rotation"), &[3], "rad", Target::Rotation(k)));
            rows.push(row(name("albedo"), &[3], "", Target::Albedo(k)));
            let vertices = [m.shape.vertices().len(), 3];
            rows.push(row(name("vertices"), &vertices, "scene unit", Target::Vertices(k)));
            let faces = [m.shape.faces().len(), 3];
            rows.push(fixed(name("faces"), &faces, "", "it is a list of indices"));
            if m.emission.is_some() {
                let name = format!("light.{}.radiance", m.name);
                rows.push(row(name, &[3], "radiance", Target::Radiance(k)));
            }
        }
        rows
    }

    fn find(&self, name: &str) -> Result<(ParameterInfo, Option<Target>), SceneError> {
        let table = self.table();
        let known = || table.iter().map(|t| t.0.name.as_str()).collect::<Vec<_>>().join(", ");
        table
            .iter()
            .find(|t| t.0.name == name)
            .cloned()
            .ok_or_else(|| SceneError::Unknown { name: name.into(), known: known() })
    }

    /// Shape, unit and differentiability of a parameter.
    ///
    /// # Errors
    /// [`SceneError::Unknown`].
    pub fn parameter(&self, name: &str) -> Result<ParameterInfo, SceneError> {
        self.find(name).map(|(info, _)| info)
    }

    fn value(&self, target: Target) -> Vec<f64> {
        match target {
            Target::Translation(m) => self.meshes[m].translation.to_vec(),
            Target::Rotation(m) => self.meshes[m].rotation.to_vec(),
            Target::Vertices(m) => {
                self.meshes[m].shape.vertices().iter().flat_map(|v| v.0).collect()
            }
            Target::Albedo(m) => self.meshes[m].albedo.0.to_vec(),
            Target::Radiance(m) => self.meshes[m].emission.unwrap_or(Rgb::BLACK).0.to_vec(),
            Target::CameraTranslation => self.camera_translation.to_vec(),
            Target::CameraRotation => self.camera_rotation.to_vec(),
        }
    }

    fn assign(&mut self, target: Target, values: &[f64]) -> Result<(), SceneError> {
        let three = || [values[0], values[1], values[2]];
        match target {
            Target::Translation(m) => self.meshes[m].translation = three(),
            Target::Rotation(m) => self.meshes[m].rotation = three(),
            Target::Vertices(m) => {
                let vertices: Vec<[f64; 3]> =
                    values.chunks_exact(3).map(|v| [v[0], v[1], v[2]]).collect();
                let shape = self.meshes[m].shape.with_vertices(&vertices);
                let refused = |_| SceneError::Value {
                    name: format!("mesh.{}.vertices", self.meshes[m].name),
                    value: f64::NAN,
                    why: "a face lost its area, or a coordinate is not finite",
                };
                self.meshes[m].shape = Arc::new(shape.map_err(refused)?);
            }
            Target::Albedo(m) => self.meshes[m].albedo = Rgb(three()),
            Target::Radiance(m) => self.meshes[m].emission = Some(Rgb(three())),
            Target::CameraTranslation => self.camera_translation = three(),
            Target::CameraRotation => self.camera_rotation = three(),
        }
        Ok(())
    }
}
