//! The scene as rays see it: points in world coordinates, lights, edges, the tree.

use std::sync::OnceLock;

use cotangent_ad::{Quat, Vec3};

use super::crossing::crossings;
use super::edges::Edges;
use super::environment::Sky;
use super::overlay::overlaid;
use super::slot::Layout;
use super::surface::{Face, Surface, Tone};
use super::{Scene, SceneError, SceneMesh, Shading, Transport};
use crate::accel::Bvh;
use crate::emitter::Lights;
use crate::geometry::{Rgb, V3, id, length};
use crate::material::Material;
use crate::sensor::Camera;
use crate::shape::Corners;

/// What derivatives must follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// Meshes whose points move.
    pub(crate) moving: Vec<bool>,
    /// The camera's rays move.
    pub(crate) camera: bool,
    /// Normals that meshes have of their own change.
    pub(crate) normals: bool,
    /// Places or directions of lamps change.
    pub(crate) lamps: bool,
}

impl Wanted {
    /// Whether any point or ray moves.
    pub(crate) fn any(&self) -> bool {
        self.camera || self.moving.contains(&true)
    }

    /// Whether anything moves that may move an edge or the border of a shadow.
    pub(crate) fn moves(&self) -> bool {
        self.any() || self.lamps
    }

    /// Whether anything changes but colours.
    pub(crate) fn geometry(&self) -> bool {
        self.any() || self.normals
    }
}

/// Two meshes that cut through each other.
#[derive(Clone, Debug, PartialEq)]
pub struct MeshCut {
    /// Their names, in the order of the scene.
    pub meshes: [String; 2],
    /// A point where they do, world coordinates.
    pub near: [f64; 3],
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
    /// Normals for shading, of any length.
    pub(crate) normals: Vec<V3>,
    /// Texture coordinates.
    pub(crate) uv: Vec<[f64; 2]>,
    pub(crate) surfaces: Vec<Surface>,
    /// Made when a derivative first asks for them: an image needs none.
    edges: OnceLock<Edges>,
    pub(crate) lights: Lights,
    /// Light from all around.
    pub(crate) sky: Option<Sky>,
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
        let mut faces = faces(scene, &layout);
        place(scene, &layout, &mut vertices, &mut faces);
        let bvh = Bvh::new(&corners(&vertices, &faces));
        Self::with_points(scene, layout, (vertices, faces, OnceLock::new(), bvh))
    }

    /// The world of a scene, made of this one: where the meshes join the same vertices, the tree keeps its shape and
    /// only its boxes are fitted. Images and derivatives are the same, to the bit, as those of a new world.
    pub fn moved(self, scene: &Scene) -> Self {
        let old = &self.scene.meshes;
        let same = old.len() == scene.meshes.len()
            && old.iter().zip(&scene.meshes).all(|(a, b)| joins_alike(a, b));
        if !same {
            return Self::new(scene);
        }
        let Self { layout, mut vertices, mut faces, mut edges, mut bvh, .. } = self;
        if place(scene, &layout, &mut vertices, &mut faces) {
            bvh.refit(&corners(&vertices, &faces));
            edges = OnceLock::new();
        }
        let layout = scene.layout();
        Self::with_points(scene, layout, (vertices, faces, edges, bvh))
    }

    fn with_points(
        scene: &Scene,
        layout: Layout,
        (vertices, faces, edges, bvh): (Vec<V3>, Vec<Face>, OnceLock<Edges>, Bvh),
    ) -> Self {
        let surfaces: Vec<Surface> =
            scene.meshes.iter().enumerate().map(|(k, m)| Surface::new(m, &layout, k)).collect();
        let placed: Result<Vec<Camera>, SceneError> =
            scene.cameras.iter().map(super::SceneCamera::placed).collect();
        let lights = Lights::new(&faces, &surfaces);
        let mut world = Self {
            scene: scene.clone(),
            layout,
            cameras: placed.expect("the cameras of a checked scene see"),
            transport: scene.transport,
            vertices,
            faces,
            normals: Vec::new(),
            uv: scene.meshes.iter().flat_map(|m| m.texture_coordinates().1).copied().collect(),
            surfaces,
            edges,
            lights,
            sky: scene.environment.as_ref().map(Sky::new),
            bvh,
        };
        world.normals = world.shading_normals();
        world.step_back();
        world
    }

    /// Lets the rays of orthographic cameras start behind everything.
    fn step_back(&mut self) {
        let vertices = &self.vertices;
        for camera in &mut self.cameras {
            let behind = |v: &V3| -camera.depth(*v);
            let farthest = vertices.iter().map(behind).fold(0.0, f64::max);
            // by more than rounding, and by nothing that a motion of the scene would show
            camera.parallel = camera.parallel.map(|_| 1.0 + 2.0 * farthest);
        }
    }

    /// Normals for shading of all meshes that have any.
    fn shading_normals(&self) -> Vec<V3> {
        let mut normals = vec![V3::zero(); self.layout.normals()];
        self.normals_of_faces(|corners, at| {
            let [a, b, c] = corners.map(|v| self.vertices[v as usize]);
            for n in at {
                normals[n as usize] += (b - a).cross(c - a);
            }
        });
        for (m, first) in self.scene.meshes.iter().zip(&self.layout.first_normal) {
            if let (Shading::Given, Some(own)) = (m.shading, m.shape.normals()) {
                let turn = Quat::exp(Vec3(m.rotation)).to_mat();
                for (n, place) in own.values().iter().zip(&mut normals[*first..]) {
                    *place = turn * *n;
                }
            }
        }
        normals
    }

    /// Visits every face whose normal its corners' normals are sums of: its corners, and their normals.
    pub(crate) fn normals_of_faces(&self, mut each: impl FnMut([u32; 3], [u32; 3])) {
        for face in &self.faces {
            if let Some(normals) = face.normals
                && self.scene.meshes[face.mesh as usize].shading == Shading::Smooth
            {
                each(face.corners, normals);
            }
        }
    }

    /// Adds to the cotangents of points what those of normals that follow them are.
    pub(crate) fn normals_pullback(&self, normals: &[V3], points: &mut [V3]) {
        self.normals_of_faces(|corners, at| {
            let bar = at.iter().fold(V3::zero(), |sum, n| sum + normals[*n as usize]);
            let bars = normal_pullback(corners.map(|v| self.vertices[v as usize]), bar);
            for (corner, bar) in corners.iter().zip(bars) {
                points[*corner as usize] += bar;
            }
        });
    }

    /// The scene that it was built from.
    pub fn scene(&self) -> &Scene {
        &self.scene
    }

    /// All edges: those of the meshes, and where faces cut through each other.
    pub(crate) fn edges(&self) -> &Edges {
        self.edges.get_or_init(|| {
            let shapes = self.scene.meshes.iter().map(|m| &*m.shape);
            let mut edges = overlaid(shapes, &self.vertices, &self.faces);
            for crossing in crossings(&self.vertices, &self.faces, &self.bvh) {
                crossing.push_to(&mut edges);
            }
            edges.along_curve()
        })
    }

    /// Pairs of meshes that cut through each other, or one mesh twice that cuts through itself.
    pub fn cuts(&self) -> Vec<MeshCut> {
        let mut cuts: Vec<(MeshCut, [u32; 2])> = Vec::new();
        for edge in &self.edges().all {
            let Some(faces) = edge.cut else { continue };
            let mut pair = faces.map(|f| self.faces[f as usize].mesh);
            pair.sort_unstable();
            if cuts.iter().all(|c| c.1 != pair) {
                let meshes = pair.map(|m| self.scene.meshes[m as usize].name.clone());
                let near = ((edge.points[0] + edge.points[1]) * 0.5).0;
                cuts.push((MeshCut { meshes, near }, pair));
            }
        }
        cuts.into_iter().map(|c| c.0).collect()
    }

    /// Corners of a face.
    #[inline]
    pub(crate) fn corners(&self, face: u32) -> [V3; 3] {
        let [a, b, c] = self.faces[face as usize].corners;
        [self.vertices[a as usize], self.vertices[b as usize], self.vertices[c as usize]]
    }

    /// The surface of a face.
    #[inline]
    pub(crate) fn surface(&self, face: u32) -> &Surface {
        &self.surfaces[self.faces[face as usize].mesh as usize]
    }

    /// Whether any surface reflects some directions much more than others.
    pub(crate) fn is_glossy(&self) -> bool {
        self.surfaces.iter().any(|s| s.material != Material::Diffuse)
    }

    /// The factor of a face's colours at a point of it.
    #[inline]
    pub(crate) fn tone(&self, face: u32, barycentric: [f64; 3]) -> Tone {
        self.surface(face).tone(&self.uv, &self.faces[face as usize], barycentric)
    }

    /// Fraction that is reflected at a point of a face.
    #[inline]
    pub(crate) fn albedo(&self, face: u32, barycentric: [f64; 3]) -> Rgb {
        let surface = self.surface(face);
        if surface.is_plain() {
            return surface.albedo;
        }
        surface.albedo * self.tone(face, barycentric).value()
    }

    /// Radiance of the front at a point of a face.
    #[inline]
    pub(crate) fn emission(&self, face: u32, barycentric: [f64; 3]) -> Rgb {
        let surface = self.surface(face);
        match surface.emission {
            None => Rgb::BLACK,
            Some(e) if surface.is_plain() => e,
            Some(e) => e * self.tone(face, barycentric).value(),
        }
    }
}

/// Corner cotangents of a face for the cotangent of `(b - a) x (c - a)`.
#[inline]
pub(crate) fn normal_pullback([a, b, c]: [V3; 3], bar: V3) -> [V3; 3] {
    let (by_b, by_c) = ((c - a).cross(bar), bar.cross(b - a));
    [-(by_b + by_c), by_b, by_c]
}

/// Whether two meshes differ in their numbers alone: faces, and what their corners share, are the same.
fn joins_alike(a: &SceneMesh, b: &SceneMesh) -> bool {
    a.shape.same_faces(&b.shape)
        && a.shading == b.shading
        && a.texture_coordinates().0 == b.texture_coordinates().0
        && (a.shading != Shading::Given
            || a.shape.normals().map(Corners::faces) == b.shape.normals().map(Corners::faces))
}

/// All faces, whose normals are not known yet.
fn faces(scene: &Scene, layout: &Layout) -> Vec<Face> {
    let (mut faces, mut first_uv) = (Vec::new(), 0);
    for (k, m) in scene.meshes.iter().enumerate() {
        let [vertex, normal] = [layout.first_vertex[k], layout.first_normal[k]].map(id);
        let (uv_faces, uv) = m.texture_coordinates();
        let given = m.shape.normals().map_or(&[][..], Corners::faces);
        for (f, corners) in m.shape.faces().iter().enumerate() {
            let normals = match m.shading {
                Shading::Flat => None,
                Shading::Smooth => Some(corners),
                Shading::Given => given.get(f),
            };
            faces.push(Face {
                corners: corners.map(|v| vertex + v),
                mesh: id(k),
                normal: V3::zero(),
                inverse: f64::INFINITY,
                normals: normals.map(|n| n.map(|c| normal + c)),
                uv: uv_faces.get(f).map(|uv| uv.map(|c| id(first_uv) + c)),
            });
        }
        first_uv += uv.len();
    }
    faces
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
            f.inverse = length(f.normal).recip();
        }
    }
    moved
}
