//! The scene as rays see it: points in world coordinates, lights, edges, the tree.

use std::sync::Arc;

use cotangent_ad::{Quat, Vec3};

use super::overlay::Edges;
use super::slot::Layout;
use super::{Scene, SceneError, SceneMesh, Transport};
use crate::accel::Bvh;
use crate::emitter::Lights;
use crate::geometry::{Rgb, V3, id};
use crate::sensor::Camera;

/// What derivatives must follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// Meshes whose points move.
    pub(crate) moving: Vec<bool>,
    /// The camera's rays move.
    pub(crate) camera: bool,
}

impl Wanted {
    pub(crate) fn any(&self) -> bool {
        self.camera || self.moving.contains(&true)
    }
}

/// A face of the world.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Face {
    pub(crate) corners: [u32; 3],
    pub(crate) mesh: u32,
    /// `(b - a) x (c - a)`: twice the area in length.
    pub(crate) normal: V3,
}

/// Colours of a mesh.
#[derive(Clone, Debug)]
pub(crate) struct Surface {
    pub(crate) albedo: Rgb,
    /// Radiance of a mesh that is a light, which may be dark.
    pub(crate) emission: Option<Rgb>,
    tint: Option<Arc<Vec<Rgb>>>,
    first_vertex: u32,
}

impl Surface {
    fn new(m: &SceneMesh, first_vertex: usize) -> Self {
        Self {
            albedo: m.albedo,
            emission: m.emission,
            tint: m.tint.clone(),
            first_vertex: id(first_vertex),
        }
    }

    /// Tints at the corners of a face, where there are any.
    #[inline]
    pub(crate) fn tints(&self, face: &Face) -> Option<[Rgb; 3]> {
        let tint = self.tint.as_ref()?;
        Some(face.corners.map(|v| tint[(v - self.first_vertex) as usize]))
    }

    /// Factor of the colours at a point of a face.
    #[inline]
    pub(crate) fn tint(&self, face: &Face, barycentric: [f64; 3]) -> Rgb {
        self.tints(face).map_or(Rgb::WHITE, |[a, b, c]| {
            a * barycentric[0] + b * barycentric[1] + c * barycentric[2]
        })
    }
}

/// A scene at one point of its parameters, made ready for rays.
#[derive(Clone, Debug)]
pub struct World {
    /// What it was built from.
    pub(crate) scene: Scene,
    pub(crate) layout: Layout,
    pub(crate) cameras: Vec<Camera>,
    pub(crate) transport: Transport,
    pub(crate) vertices: Vec<V3>,
    pub(crate) faces: Vec<Face>,
    pub(crate) surfaces: Vec<Surface>,
    pub(crate) edges: Edges,
    pub(crate) lights: Lights,
    pub(crate) bvh: Bvh,
}

impl World {
    /// Builds it.
    ///
    /// # Panics
    /// Never: a scene's cameras were placed when it was made, and when they were moved.
    pub fn new(scene: &Scene) -> Self {
        let layout = scene.layout();
        let mut vertices = vec![V3::zero(); layout.vertices()];
        let mut faces = Vec::new();
        for (k, m) in scene.meshes.iter().enumerate() {
            let first = id(layout.first_vertex[k]);
            let normal = V3::zero();
            faces.extend(m.shape.faces().iter().map(|f| Face {
                corners: f.map(|v| first + v),
                mesh: id(k),
                normal,
            }));
        }
        place(scene, &layout, &mut vertices, &mut faces);
        let bvh = Bvh::new(&corners(&vertices, &faces));
        let edges = edges(scene, &vertices, &faces);
        Self::with_points(scene, layout, (vertices, faces, edges, bvh))
    }

    /// The world of a scene, made of this one: where the meshes join the same vertices, the tree keeps its shape and
    /// only its boxes are fitted. Images and derivatives are the same, to the bit, as those of a new world.
    pub fn moved(self, scene: &Scene) -> Self {
        let old = &self.scene.meshes;
        let same = old.len() == scene.meshes.len()
            && old.iter().zip(&scene.meshes).all(|(a, b)| a.shape.same_faces(&b.shape));
        if !same {
            return Self::new(scene);
        }
        let Self { layout, mut vertices, mut faces, edges: mut all_edges, mut bvh, .. } = self;
        if place(scene, &layout, &mut vertices, &mut faces) {
            bvh.refit(&corners(&vertices, &faces));
            all_edges = edges(scene, &vertices, &faces);
        }
        let layout = scene.layout();
        Self::with_points(scene, layout, (vertices, faces, all_edges, bvh))
    }

    fn with_points(
        scene: &Scene,
        layout: Layout,
        (vertices, faces, edges, bvh): (Vec<V3>, Vec<Face>, Edges, Bvh),
    ) -> Self {
        let surfaces: Vec<Surface> = scene
            .meshes
            .iter()
            .zip(&layout.first_vertex)
            .map(|(m, first)| Surface::new(m, *first))
            .collect();
        let placed: Result<Vec<Camera>, SceneError> =
            scene.cameras.iter().map(super::SceneCamera::placed).collect();
        let lights = Lights::new(&faces, &surfaces);
        Self {
            scene: scene.clone(),
            layout,
            cameras: placed.expect("the cameras of a checked scene see"),
            transport: scene.transport,
            vertices,
            faces,
            surfaces,
            edges,
            lights,
            bvh,
        }
    }

    /// The scene that it was built from.
    pub fn scene(&self) -> &Scene {
        &self.scene
    }

    /// Corners of a face.
    #[inline]
    pub(crate) fn corners(&self, face: u32) -> [V3; 3] {
        self.faces[face as usize].corners.map(|v| self.vertices[v as usize])
    }

    /// The surface of a face.
    #[inline]
    pub(crate) fn surface(&self, face: u32) -> &Surface {
        &self.surfaces[self.faces[face as usize].mesh as usize]
    }

    /// Fraction that is reflected at a point of a face.
    #[inline]
    pub(crate) fn albedo(&self, face: u32, barycentric: [f64; 3]) -> Rgb {
        let surface = self.surface(face);
        surface.albedo * surface.tint(&self.faces[face as usize], barycentric)
    }

    /// Radiance of the front at a point of a face.
    #[inline]
    pub(crate) fn emission(&self, face: u32, barycentric: [f64; 3]) -> Rgb {
        let surface = self.surface(face);
        surface
            .emission
            .map_or(Rgb::BLACK, |e| e * surface.tint(&self.faces[face as usize], barycentric))
    }
}

fn edges(scene: &Scene, vertices: &[V3], faces: &[Face]) -> Edges {
    Edges::new(scene.meshes.iter().map(|m| &*m.shape), vertices, faces)
}

fn corners(vertices: &[V3], faces: &[Face]) -> Vec<[V3; 3]> {
    faces.iter().map(|f| f.corners.map(|v| vertices[v as usize])).collect()
}

/// Puts every vertex where the scene has it, and gives every face its normal. Whether anything moved.
fn place(scene: &Scene, layout: &Layout, vertices: &mut [V3], faces: &mut [Face]) -> bool {
    let mut moved = false;
    for (m, first) in scene.meshes.iter().zip(&layout.first_vertex) {
        let (r, t) = (Quat::exp(Vec3(m.rotation)).to_mat(), V3::from(m.translation));
        for (x, place) in m.shape.vertices().iter().zip(&mut vertices[*first..]) {
            let there = r * (*x * m.scale) + t;
            moved |= there != *place;
            *place = there;
        }
    }
    if moved {
        for f in faces {
            let [a, b, c] = f.corners.map(|v| vertices[v as usize]);
            f.normal = (b - a).cross(c - a);
        }
    }
    moved
}
