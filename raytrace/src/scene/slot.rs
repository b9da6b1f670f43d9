//! The leaves of a scene: the points and numbers that its parameters move, in triples.
//!
//! A triple is a point of the world or a *slot*. Slots are numbered mesh by mesh, then camera by camera; a kind of
//! parameter says which leaves its entries move and how fast ([`super::kind`]), and that is all the integrators need to know of it.

use crate::geometry::id;

/// What a number of a parameter moves: three numbers of the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leaf {
    /// A vertex of the world.
    Point(u32),
    /// A slot.
    Slot(u32),
}

const OF_MESH: usize = 2;
const OF_CAMERA: usize = 5;

/// Where the vertices and slots of each part of a scene are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    /// First vertex of each mesh in the world, and their number.
    pub(crate) first_vertex: Vec<usize>,
    meshes: usize,
    cameras: usize,
}

impl Layout {
    pub(super) fn new(vertices: impl Iterator<Item = usize>, cameras: usize) -> Self {
        let mut first_vertex = vec![0];
        for n in vertices {
            first_vertex.push(first_vertex[first_vertex.len() - 1] + n);
        }
        let meshes = first_vertex.len() - 1;
        Self { first_vertex, meshes, cameras }
    }

    /// Vertices of the world.
    pub(crate) fn vertices(&self) -> usize {
        self.first_vertex[self.meshes]
    }

    /// Number of slots.
    pub(crate) fn slots(&self) -> usize {
        self.first_tint() + self.vertices()
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
        OF_MESH * self.meshes + OF_CAMERA * self.cameras
    }

    /// Factor of colours at a vertex of the world.
    #[inline]
    pub(crate) fn tint(&self, vertex: u32) -> u32 {
        id(self.first_tint()) + vertex
    }
}
