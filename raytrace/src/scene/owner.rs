//! The parts of a scene that parameters belong to.

use cotangent_problem::name::segment;

use super::{LampKind, Scene, Shading};

/// What a parameter belongs to; the first part of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// `mesh.NAME.`
    Mesh,
    /// `mesh.NAME.` of a mesh whose vertices are a parameter themselves.
    Plain,
    /// `mesh.NAME.` of a mesh with the coordinates of large steps in their place.
    Smoothed,
    /// `light.NAME.` of a mesh that emits.
    Emitter,
    /// `mesh.NAME.` of a mesh with a tint.
    Tinted,
    /// `mesh.NAME.` of a mesh with microfacets.
    Glossy,
    /// `mesh.NAME.` of a transparent body.
    Transparent,
    /// `mesh.NAME.` of a mesh with a texture.
    Textured,
    /// `mesh.NAME.` of a mesh that is shaded with normals of its own.
    Shaded,
    /// `camera.NAME.`
    Camera,
    /// `light.NAME.` of a lamp.
    Lamp,
    /// `light.NAME.` of a lamp that has a place.
    Placed,
    /// `light.NAME.` of a lamp that has a direction.
    Aimed,
    /// `light.NAME.` of a lamp that has a cone.
    Spot,
    /// `environment.`
    Environment,
}

/// Parts of a scene that are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Group {
    Cameras,
    Environment,
    Lamps,
    Meshes,
}

impl Group {
    /// How many parts there are.
    pub(crate) fn parts(self, scene: &Scene) -> usize {
        match self {
            Self::Cameras => scene.cameras.len(),
            Self::Environment => usize::from(scene.environment.is_some()),
            Self::Lamps => scene.lamps.len(),
            Self::Meshes => scene.meshes.len(),
        }
    }
}

impl Owner {
    /// What it is counted with.
    pub(crate) fn group(self) -> Group {
        match self {
            Self::Camera => Group::Cameras,
            Self::Environment => Group::Environment,
            Self::Lamp | Self::Placed | Self::Aimed | Self::Spot => Group::Lamps,
            Self::Mesh
            | Self::Plain
            | Self::Smoothed
            | Self::Emitter
            | Self::Tinted
            | Self::Glossy
            | Self::Transparent
            | Self::Textured
            | Self::Shaded => Group::Meshes,
        }
    }

    /// Name of its `k`th part in front of a kind's own name; `None` where that part has no such parameters.
    pub(crate) fn prefix(self, scene: &Scene, k: usize) -> Option<String> {
        match self.group() {
            Group::Cameras => {
                return Some(format!("camera.{}.", segment(&scene.cameras.get(k)?.name)));
            }
            Group::Environment => return Some("environment.".into()),
            Group::Lamps => {
                let lamp = scene.lamps.get(k)?;
                let exists = match self {
                    Self::Placed => lamp.kind.position().is_some(),
                    Self::Aimed => lamp.kind.direction().is_some(),
                    Self::Spot => matches!(lamp.kind, LampKind::Spot { .. }),
                    _ => true,
                };
                return exists.then(|| format!("light.{}.", segment(&lamp.name)));
            }
            Group::Meshes => {}
        }
        let mesh = scene.meshes.get(k)?;
        let (kind, exists) = match self {
            Self::Plain => ("mesh", mesh.large_steps.is_none()),
            Self::Smoothed => ("mesh", mesh.large_steps.is_some()),
            Self::Emitter => ("light", mesh.emission.is_some()),
            Self::Tinted => ("mesh", mesh.tint.is_some()),
            Self::Glossy => ("mesh", mesh.material.roughness().is_some()),
            Self::Transparent => ("mesh", mesh.material.index().is_some()),
            Self::Textured => ("mesh", mesh.texture.is_some()),
            Self::Shaded => ("mesh", mesh.shading == Shading::Given),
            _ => ("mesh", true),
        };
        exists.then(|| format!("{kind}.{}.", segment(&mesh.name)))
    }
}
