//! What a mesh looks like: its colours, and how they vary over its faces.

use std::sync::Arc;

use super::texture::{Lookup, Texture};
use super::{Layout, SceneMesh};
use crate::geometry::{Rgb, id};
use crate::material::Material;

/// A face of the world.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Face {
    pub(crate) corners: [u32; 3],
    pub(crate) mesh: u32,
    /// `(b - a) x (c - a)`: twice the area in length.
    pub(crate) normal: crate::geometry::V3,
    /// One over the length of the normal.
    pub(crate) inverse: f64,
    /// Normals of its corners, where it is shaded smoothly.
    pub(crate) normals: Option<[u32; 3]>,
    /// Texture coordinates of its corners, where it has a texture.
    pub(crate) uv: Option<[u32; 3]>,
}

/// Colours of a mesh.
#[derive(Clone, Debug)]
pub(crate) struct Surface {
    pub(crate) albedo: Rgb,
    /// Radiance of a mesh that is a light, which may be dark.
    pub(crate) emission: Option<Rgb>,
    pub(crate) material: Material,
    tint: Option<Arc<Vec<Rgb>>>,
    texture: Option<Arc<Texture>>,
    first_vertex: u32,
    /// Slot of the first texel.
    first_texel: u32,
}

/// The factor of a mesh's colours at a point of a face: tint times texture.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tone {
    pub(crate) tint: Rgb,
    pub(crate) texture: Lookup,
    /// Tints at the corners, where there are any, and derivatives of the texture by the corners' barycentric coordinates.
    tints: Option<[Rgb; 3]>,
    slopes: [Rgb; 3],
}

impl Surface {
    pub(super) fn new(m: &SceneMesh, layout: &Layout, mesh: usize) -> Self {
        Self {
            albedo: m.albedo,
            emission: m.emission,
            material: m.material,
            tint: m.tint.clone(),
            texture: m.texture.clone(),
            first_vertex: id(layout.first_vertex[mesh]),
            first_texel: layout.texel(mesh, 0),
        }
    }

    /// Whether it sends no light on.
    #[inline]
    pub(crate) fn is_dark(&self) -> bool {
        self.material.is_dark(self.albedo)
    }

    /// Whether its colours are the same everywhere.
    #[inline]
    pub(crate) fn is_plain(&self) -> bool {
        self.tint.is_none() && self.texture.is_none()
    }

    /// Slot of a texel of its texture.
    #[inline]
    pub(crate) fn texel(&self, k: u32) -> u32 {
        self.first_texel + k
    }

    /// Tints at the corners of a face, where there are any.
    #[inline]
    pub(crate) fn tints(&self, face: &Face) -> Option<[Rgb; 3]> {
        let tint = self.tint.as_ref()?;
        Some(face.corners.map(|v| tint[(v - self.first_vertex) as usize]))
    }

    /// Factor of the colours at a point of a face; `uv` are the world's texture coordinates.
    #[inline]
    pub(crate) fn tone(&self, uv: &[[f64; 2]], face: &Face, b: [f64; 3]) -> Tone {
        let tints = self.tints(face);
        let mixed = |[p, q, r]: [Rgb; 3]| p * b[0] + q * b[1] + r * b[2];
        let mut tone = Tone {
            tint: tints.map_or(Rgb::WHITE, mixed),
            texture: Lookup { value: Rgb::WHITE, ..Lookup::default() },
            tints,
            slopes: [Rgb::BLACK; 3],
        };
        if let (Some(texture), Some(corners)) = (&self.texture, face.uv) {
            let corners = corners.map(|k| uv[k as usize]);
            let of = |k: usize| (0..3).map(|i| corners[i][k] * b[i]).sum::<f64>();
            tone.texture = texture.at([of(0), of(1)]);
            let [u, v] = tone.texture.slopes;
            tone.slopes = corners.map(|c| u * c[0] + v * c[1]);
        }
        tone
    }
}

impl Tone {
    #[inline]
    pub(crate) fn value(&self) -> Rgb {
        self.tint * self.texture.value
    }

    /// Derivatives by the barycentric coordinates.
    #[inline]
    pub(crate) fn slopes(&self) -> [Rgb; 3] {
        [0, 1, 2].map(|i| {
            let by_tint = self.tints.map_or(Rgb::BLACK, |t| t[i] * self.texture.value);
            by_tint + self.tint * self.slopes[i]
        })
    }
}
