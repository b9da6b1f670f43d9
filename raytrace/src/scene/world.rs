//! The scene as rays see it: points in world coordinates, lights, edges, the tree.

use super::parameter::Turn;
use super::{Scene, SceneMesh, Transport};
use crate::accel::Bvh;
use crate::emitter::Lights;
use crate::geometry::{Rgb, V3, id, length};
use crate::sensor::Camera;

/// Two faces whose normals differ by less than this angle (radians) form no edge: nothing is discontinuous there.
const FLAT: f64 = 1e-9;

/// What derivatives must follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// Meshes whose points move.
    pub(crate) moving: Vec<bool>,
    /// The camera moves.
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
#[derive(Clone, Copy, Debug)]
pub(crate) struct Surface {
    pub(crate) albedo: Rgb,
    pub(crate) emission: Rgb,
}

/// An edge of the world that is not flat.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WorldEdge {
    pub(crate) ends: [u32; 2],
    pub(crate) mesh: u32,
    /// A face, and its vertex off the edge.
    pub(crate) face: (u32, u32),
    /// The other face, where there is one.
    pub(crate) other: Option<(u32, u32)>,
}

/// A scene at one point of its parameters, made ready for rays.
#[derive(Clone, Debug)]
pub struct World {
    /// What it was built from.
    pub(crate) scene: Scene,
    pub(crate) camera: Camera,
    pub(crate) transport: Transport,
    pub(crate) vertices: Vec<V3>,
    pub(crate) faces: Vec<Face>,
    pub(crate) surfaces: Vec<Surface>,
    pub(crate) edges: Vec<WorldEdge>,
    pub(crate) lights: Lights,
    pub(crate) bvh: Bvh,
}

impl World {
    /// Builds it.
    pub fn new(scene: &Scene) -> Self {
        let (vertices, faces) = placed(scene);
        let surface = |m: &SceneMesh| Surface {
            albedo: m.albedo,
            emission: m.emission.unwrap_or(Rgb::BLACK),
        };
        let surfaces: Vec<Surface> = scene.meshes.iter().map(surface).collect();
        let corners: Vec<[V3; 3]> =
            faces.iter().map(|f| f.corners.map(|v| vertices[v as usize])).collect();
        let lights = Lights::new(&faces, &surfaces);
        let edges = edges(scene, &vertices, &faces);
        Self {
            scene: scene.clone(),
            camera: turned_camera(scene),
            transport: scene.transport,
            bvh: Bvh::new(&corners),
            vertices,
            faces,
            surfaces,
            edges,
            lights,
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
}

fn placed(scene: &Scene) -> (Vec<V3>, Vec<Face>) {
    let (mut vertices, mut faces): (Vec<V3>, Vec<Face>) = (Vec::new(), Vec::new());
    for (k, m) in scene.meshes.iter().enumerate() {
        let first = id(vertices.len());
        let (r, t) = (Turn::new(m.rotation).matrix, V3::from(m.translation));
        vertices.extend(m.shape.vertices().iter().map(|x| r * *x + t));
        faces.extend(m.shape.faces().iter().map(|f| {
            let corners = f.map(|v| first + v);
            let [a, b, c] = corners.map(|v| vertices[v as usize]);
            Face { corners, mesh: id(k), normal: (b - a).cross(c - a) }
        }));
    }
    (vertices, faces)
}

fn turned_camera(scene: &Scene) -> Camera {
    let r = Turn::new(scene.camera_rotation).matrix;
    let c = &scene.camera;
    Camera {
        position: c.position + V3::from(scene.camera_translation),
        forward: r * c.forward,
        right: r * c.right,
        up: r * c.up,
        ..*c
    }
}

fn edges(scene: &Scene, vertices: &[V3], faces: &[Face]) -> Vec<WorldEdge> {
    let mut edges = Vec::new();
    let (mut first_vertex, mut first_face) = (0, 0);
    for (k, m) in scene.meshes.iter().enumerate() {
        let side = |(f, v): (u32, u32)| (first_face + f, first_vertex + v);
        let in_world = m.shape.edges().iter().map(|e| WorldEdge {
            ends: e.ends.map(|v| first_vertex + v),
            mesh: id(k),
            face: side(e.face),
            other: e.other.map(side),
        });
        edges.extend(in_world.filter(|e| !is_flat(e, vertices, faces)));
        first_vertex += id(m.shape.vertices().len());
        first_face += id(m.shape.faces().len());
    }
    edges
}

/// Whether both faces continue each other with the same front.
fn is_flat(e: &WorldEdge, vertices: &[V3], faces: &[Face]) -> bool {
    let Some(other) = e.other else { return false };
    let (n, m) = (faces[e.face.0 as usize].normal, faces[other.0 as usize].normal);
    let at = |v: u32| vertices[v as usize];
    let along = at(e.ends[1]) - at(e.ends[0]);
    let off = |v: u32| along.cross(at(v) - at(e.ends[0]));
    let unfolded = off(e.face.1).dot(off(other.1)) < 0.0;
    unfolded && n.dot(m) > 0.0 && length(n.cross(m)) <= FLAT * length(n) * length(m)
}
