//! How the table of kinds puts values into a scene.

use std::sync::Arc;

use super::texture::Texture;
use super::{Scene, SceneError};
use crate::film::Image;
use crate::geometry::{Rgb, V3};

#[expect(clippy::unnecessary_wraps, reason = "a row of the table may refuse values")]
pub(super) fn set_three(place: &mut [f64; 3], v: &[f64]) -> Result<(), SceneError> {
    place.copy_from_slice(v);
    Ok(())
}

#[expect(clippy::unnecessary_wraps, reason = "a row of the table may refuse values")]
pub(super) fn set_two(place: &mut [f64; 2], v: &[f64]) -> Result<(), SceneError> {
    place.copy_from_slice(v);
    Ok(())
}

#[expect(clippy::unnecessary_wraps, reason = "a row of the table may refuse values")]
pub(super) fn set_number(place: &mut f64, v: &[f64]) -> Result<(), SceneError> {
    *place = v[0];
    Ok(())
}

pub(super) fn set_vertices(scene: &mut Scene, mesh: usize, v: &[f64]) -> Result<(), SceneError> {
    let vertices: Vec<[f64; 3]> = v.chunks_exact(3).map(|v| [v[0], v[1], v[2]]).collect();
    let shape =
        scene.meshes[mesh].shape.with_vertices(&vertices).map_err(|_| SceneError::Value {
            name: format!("mesh.{}.vertices", scene.meshes[mesh].name),
            value: f64::NAN,
            why: "a face lost its area, or a coordinate is not finite",
        })?;
    scene.meshes[mesh].shape = Arc::new(shape);
    Ok(())
}

pub(super) fn set_texture(scene: &mut Scene, mesh: usize, v: &[f64]) -> Result<(), SceneError> {
    let Some(old) = &scene.meshes[mesh].texture else { return Ok(()) };
    let pixels = v.chunks_exact(3).map(|c| Rgb([c[0], c[1], c[2]])).collect();
    let texture = Texture::new(Image { pixels, ..*old.image() })?;
    scene.meshes[mesh].texture = Some(Arc::new(texture));
    Ok(())
}

pub(super) fn set_normals(scene: &mut Scene, mesh: usize, v: &[f64]) -> Result<(), SceneError> {
    let normals: Vec<V3> = v.chunks_exact(3).map(|n| V3::from([n[0], n[1], n[2]])).collect();
    let shape =
        scene.meshes[mesh].shape.with_normal_values(normals).map_err(|_| SceneError::Value {
            name: format!("mesh.{}.normals", scene.meshes[mesh].name),
            value: 0.0,
            why: "a normal must not be zero",
        })?;
    scene.meshes[mesh].shape = Arc::new(shape);
    Ok(())
}
