//! The leaves of a scene: the points and numbers that its parameters move, in triples.
//!
//! A triple is a point of the world or a *slot*. Slots are numbered mesh by mesh, then camera by camera; a kind of
//! parameter says which leaves its entries move and how fast ([`super::kind`]), and that is all the integrators need to know of it.

use super::{Scene, SceneMesh};
use crate::geometry::id;

/// What a number of a parameter moves: three numbers of the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leaf {
    /// A vertex of the world.
    Point(u32),
    /// A normal for shading.
    Normal(u32),
    /// A slot.
    Slot(u32),
}

const OF_MESH: usize = 3;
const OF_CAMERA: usize = 5;
const OF_LAMP: usize = 4;
const OF_SKY: usize = 2;

/// Slots of a lamp.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LampSlots {
    pub(crate) position: u32,
    pub(crate) direction: u32,
    pub(crate) intensity: u32,
    /// Inner and outer angle; the third is not used.
    pub(crate) cone: u32,
}

/// Where the vertices, normals and slots of each part of a scene are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    /// First vertex of each mesh in the world, and their number.
    pub(crate) first_vertex: Vec<usize>,
    /// The same of normals.
    pub(crate) first_normal: Vec<usize>,
    /// The same of the texels of textures.
    first_texel: Vec<usize>,
    meshes: usize,
    cameras: usize,
    lamps: usize,
    sky_texels: usize,
}

/// The sums of the counts before each, and of all.
fn firsts(counts: impl Iterator<Item = usize>) -> Vec<usize> {
    let mut firsts = vec![0];
    for n in counts {
        firsts.push(firsts[firsts.len() - 1] + n);
    }
    firsts
}

impl Layout {
    pub(super) fn new(scene: &Scene) -> Self {
        let of = |count: fn(&SceneMesh) -> usize| firsts(scene.meshes.iter().map(count));
        Self {
            first_vertex: of(|m| m.shape.vertices().len()),
            first_normal: of(SceneMesh::normal_count),
            first_texel: of(|m| m.texture.as_ref().map_or(0, |t| t.image().pixels.len())),
            meshes: scene.meshes.len(),
            cameras: scene.cameras.len(),
            lamps: scene.lamps.len(),
            sky_texels: scene.environment.as_ref().map_or(0, |e| e.picture.image().pixels.len()),
        }
    }

    /// Vertices of the world.
    pub(crate) fn vertices(&self) -> usize {
        self.first_vertex[self.meshes]
    }

    /// Normals of the world.
    pub(crate) fn normals(&self) -> usize {
        self.first_normal[self.meshes]
    }

    /// Number of slots.
    pub(crate) fn slots(&self) -> usize {
        self.first_sky_texel() + self.sky_texels
    }

    /// Numbers of a lamp.
    pub(crate) fn lamp(&self, lamp: usize) -> LampSlots {
        let first = OF_MESH * self.meshes + OF_CAMERA * self.cameras + OF_LAMP * lamp;
        let [position, direction, intensity, cone] = [0, 1, 2, 3].map(|k| id(first + k));
        LampSlots { position, direction, intensity, cone }
    }

    fn first_of_sky(&self) -> usize {
        OF_MESH * self.meshes + OF_CAMERA * self.cameras + OF_LAMP * self.lamps
    }

    /// Factor of the environment's picture.
    pub(crate) fn sky_radiance(&self) -> u32 {
        id(self.first_of_sky())
    }

    /// Angular velocity of the environment's picture.
    pub(crate) fn sky_spin(&self) -> u32 {
        id(self.first_of_sky() + 1)
    }

    fn first_sky_texel(&self) -> usize {
        self.first_texel_slot() + self.first_texel[self.meshes]
    }

    /// A texel of the environment's picture.
    pub(crate) fn sky_texel(&self, k: usize) -> u32 {
        id(self.first_sky_texel() + k)
    }

    /// Fraction that a mesh reflects.
    #[inline]
    #[expect(clippy::unused_self, reason = "every slot is asked of the layout")]
    pub(crate) fn albedo(&self, mesh: usize) -> u32 {
        id(OF_MESH * mesh)
    }

    /// Radiance that a mesh emits.
    #[inline]
    #[expect(clippy::unused_self, reason = "every slot is asked of the layout")]
    pub(crate) fn radiance(&self, mesh: usize) -> u32 {
        id(OF_MESH * mesh + 1)
    }

    /// Roughness and index of refraction of a mesh; the third is not used.
    #[inline]
    #[expect(clippy::unused_self, reason = "every slot is asked of the layout")]
    pub(crate) fn microfacets(&self, mesh: usize) -> u32 {
        id(OF_MESH * mesh + 2)
    }

    fn camera(&self, camera: usize, k: usize) -> u32 {
        id(OF_MESH * self.meshes + OF_CAMERA * camera + k)
    }

    /// Position of a pinhole.
    pub(crate) fn pinhole(&self, camera: usize) -> u32 {
        self.camera(camera, 0)
    }

    /// Angular velocity of a camera's frame.
    pub(crate) fn spin(&self, camera: usize) -> u32 {
        self.camera(camera, 1)
    }

    /// Focal length and principal point.
    pub(crate) fn lens(&self, camera: usize) -> u32 {
        self.camera(camera, 2)
    }

    /// Coefficients of the radial distortion; the third is not used.
    pub(crate) fn distortion(&self, camera: usize) -> u32 {
        self.camera(camera, 3)
    }

    /// Factor of each channel.
    pub(crate) fn gain(&self, camera: usize) -> u32 {
        self.camera(camera, 4)
    }

    fn first_tint(&self) -> usize {
        self.first_of_sky() + OF_SKY
    }

    /// Factor of colours at a vertex of the world.
    #[inline]
    pub(crate) fn tint(&self, vertex: u32) -> u32 {
        id(self.first_tint()) + vertex
    }

    fn first_texel_slot(&self) -> usize {
        self.first_tint() + self.vertices()
    }

    /// A texel of a mesh's texture.
    #[inline]
    pub(crate) fn texel(&self, mesh: usize, k: usize) -> u32 {
        id(self.first_texel_slot() + self.first_texel[mesh] + k)
    }
}
