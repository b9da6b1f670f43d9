//! Edges as planar mirrors show them.
//!
//! By way of a chain of planar mirrors an edge is seen where its image would be seen directly: reflected by the last mirror's plane
//! first and by the first mirror's last. With `n`, `p` the unit normal and a point of a plane, `q' = q - 2 (n.(q - p)) n`, which
//! moves with `q` and with the plane. A ray that is followed from mirror to mirror finds out whether the mirrors are where
//! the planes are, and what stands in between.

use crate::accel::Hit;
use crate::geometry::{V3, id, length, unit};
use crate::integrator::{Eye, Vertex};
use crate::material::Material;
use crate::scene::{Scene, SceneError, Selection, Shading, Wanted, World, normal_pullback};
use crate::sink::{Place, Sink};

/// Faces whose planes differ by less than this, relative to the size of the scene, are one mirror.
const SAME: f64 = 1e-9;
/// The most chains of mirrors that are looked through.
const MOST_CHAINS: usize = 64;
/// Of a face that is no mirror.
const NONE: u32 = u32::MAX;

/// A plane in which mirrors lie.
#[derive(Clone, Copy, Debug)]
struct Plane {
    n: V3,
    p: V3,
    /// A mirror in it moves.
    moving: bool,
}

/// The planes of all mirrors of a world, and the ways to look through them.
#[derive(Debug)]
pub(crate) struct Mirrors {
    planes: Vec<Plane>,
    /// Of each face the plane, where it is a mirror.
    of_face: Vec<u32>,
    /// The planes of each chain, in the order in which a ray meets them; the first chain is empty.
    chains: Vec<Vec<u32>>,
}

/// What a ray meets at the end of a chain.
pub(super) struct Sight {
    /// The mirrors' faces.
    pub(super) mirrors: Vec<u32>,
    /// The face behind, which the sky has none of.
    pub(super) face: Option<u32>,
}

/// Whether derivatives by the selected parameters follow all that a view of the world shows: moving edges are followed through
/// planar mirrors, and through no other surface that is perfectly smooth.
///
/// # Errors
/// [`SceneError::Specular`] names a parameter and a mesh where they do not.
pub fn follows(
    world: &World,
    view: impl Into<crate::View>,
    selection: &Selection,
) -> Result<(), SceneError> {
    let eye = Eye::new(world, view.into());
    let scene = &world.scene;
    let Some(parameter) = selection.moves_reflections(scene, eye.index) else { return Ok(()) };
    if eye.bounces() == 0 {
        return Ok(());
    }
    let refuse = |mesh: &str, why| {
        Err(SceneError::Specular { parameter: parameter.clone(), mesh: mesh.into(), why })
    };
    for m in &scene.meshes {
        match m.material {
            Material::Dielectric { roughness: None, .. } => {
                return refuse(&m.name, "a transparent body that is perfectly smooth");
            }
            Material::Mirror if m.shading != Shading::Flat => {
                return refuse(&m.name, "a mirror with smooth normals");
            }
            _ => {}
        }
    }
    let mirror = |scene: &Scene| {
        scene.meshes.iter().find(|m| m.material == Material::Mirror).map(|m| m.name.clone())
    };
    match (Mirrors::chained(eye), mirror(scene)) {
        (None, Some(name)) => refuse(&name, "a mirror that is bent, or one of many"),
        _ => Ok(()),
    }
}

impl Mirrors {
    /// The mirrors of a world in which derivatives [follow](follows) what they show.
    pub(crate) fn new(eye: Eye, wanted: &Wanted) -> Self {
        let (mut planes, of_face) = planes(eye.world);
        for (face, plane) in of_face.iter().enumerate().filter(|(_, plane)| **plane != NONE) {
            let mesh = eye.world.faces[face].mesh as usize;
            planes[*plane as usize].moving |= wanted.moving[mesh];
        }
        let chains = Self::chained(eye).unwrap_or_else(|| vec![Vec::new()]);
        Self { planes, of_face, chains }
    }

    /// All chains of at most as many mirrors as light may be reflected; `None` where they are too many.
    fn chained(eye: Eye) -> Option<Vec<Vec<u32>>> {
        let count = if eye.bounces() == 0 { 0 } else { id(planes(eye.world).0.len()) };
        let mut chains = vec![Vec::new()];
        let mut first = 0;
        for _ in 0..eye.bounces() {
            let last = chains.len();
            for k in first..last {
                // a plane does not show itself
                let next = (0..count).filter(|p| chains[k].last() != Some(p));
                let longer: Vec<Vec<u32>> =
                    next.map(|p| [chains[k].as_slice(), &[p]].concat()).collect();
                chains.extend(longer);
                if chains.len() > 1 + MOST_CHAINS {
                    return None;
                }
            }
            if chains.len() == last {
                break;
            }
            first = last;
        }
        Some(chains)
    }

    /// Chains of at most so many mirrors.
    pub(super) fn chains(&self, most: u32) -> impl Iterator<Item = usize> + '_ {
        (0..self.chains.len()).filter(move |c| id(self.chains[*c].len()) <= most)
    }

    /// Whether a mirror of the chain moves.
    pub(super) fn moves(&self, chain: usize) -> bool {
        self.along(chain).any(|plane| plane.moving)
    }

    /// Planes in the order of a ray.
    fn along(&self, chain: usize) -> impl DoubleEndedIterator<Item = &Plane> {
        self.chains[chain].iter().map(|p| &self.planes[*p as usize])
    }

    /// Where a point is seen.
    pub(super) fn image(&self, chain: usize, q: V3) -> V3 {
        self.along(chain).rev().fold(q, |q, plane| plane.reflected(q))
    }

    /// The point from which the last mirror's side is seen as `x` sees it by way of the chain.
    pub(super) fn viewpoint(&self, chain: usize, x: V3) -> V3 {
        self.along(chain).fold(x, |x, plane| plane.reflected(x))
    }

    /// A direction before the first mirror as it is behind the last.
    pub(super) fn onwards(&self, chain: usize, d: V3) -> V3 {
        self.along(chain).fold(d, |d, plane| plane.turned(d))
    }

    /// A direction behind the last mirror as it is before the first.
    pub(super) fn back(&self, chain: usize, d: V3) -> V3 {
        self.along(chain).rev().fold(d, |d, plane| plane.turned(d))
    }

    /// Follows a ray in the direction `w` that meets `hit` along the chain; `None` where it leaves it.
    pub(super) fn sight(
        &self,
        world: &World,
        chain: usize,
        (mut w, mut hit): (V3, Option<Hit>),
    ) -> Option<Sight> {
        let mut mirrors = Vec::new();
        for plane in &self.chains[chain] {
            let at = hit.filter(|hit| self.of_face[hit.face as usize] == *plane)?;
            let vertex = Vertex::new(world, w, at);
            mirrors.push(at.face);
            w = vertex.surfel.send(0.0)?.d;
            hit = world.bvh.closest_but(vertex.x, w, at.face);
        }
        Some(Sight { mirrors, face: hit.map(|hit| hit.face) })
    }

    /// Cotangent of `q` for that of its image by way of mirrors, to whose faces theirs are handed on.
    pub(super) fn pullback(
        world: &World,
        wanted: &Wanted,
        mirrors: &[u32],
        q: V3,
        image: V3,
        place: Place,
        sink: &mut impl Sink,
    ) -> V3 {
        let plane = |face: &u32| Plane::of(world, *face);
        // before the first mirror, before the second, ..., and the point itself
        let mut points = vec![q];
        for face in mirrors.iter().rev() {
            points.push(plane(face).reflected(points[points.len() - 1]));
        }
        let mut bar = image;
        for (face, q) in mirrors.iter().zip(points.iter().rev().skip(1)) {
            let Plane { n, p, .. } = plane(face);
            let number = *face;
            let face = &world.faces[number as usize];
            if wanted.moving[face.mesh as usize] {
                let (height, along) = (n.dot(*q - p), n.dot(bar));
                let n_bar = (bar * height + (*q - p) * along) * -2.0;
                let cross_bar = (n_bar - n * n.dot(n_bar)) * length(face.normal).recip();
                for (corner, bar) in
                    face.corners.iter().zip(normal_pullback(world.corners(number), cross_bar))
                {
                    sink.point(place, *corner, bar);
                }
                sink.point(place, face.corners[0], n * (2.0 * along));
            }
            bar = bar - n * (2.0 * n.dot(bar));
        }
        bar
    }
}

impl Plane {
    fn of(world: &World, face: u32) -> Self {
        let n = unit(world.faces[face as usize].normal);
        Self { n, p: world.corners(face)[0], moving: false }
    }

    fn reflected(&self, q: V3) -> V3 {
        q - self.n * (2.0 * self.n.dot(q - self.p))
    }

    fn turned(&self, d: V3) -> V3 {
        d - self.n * (2.0 * self.n.dot(d))
    }
}

/// The planes of all mirrors, and of each face which; more than can be looked through are not told apart.
fn planes(world: &World) -> (Vec<Plane>, Vec<u32>) {
    let mut planes: Vec<Plane> = Vec::new();
    let mut of_face = vec![NONE; world.faces.len()];
    let size = world.vertices.iter().fold(0.0_f64, |m, v| m.max(length(*v)));
    for (k, face) in world.faces.iter().enumerate() {
        if world.surfaces[face.mesh as usize].material != Material::Mirror {
            continue;
        }
        let own = Plane::of(world, id(k));
        let same = |plane: &Plane| {
            length(plane.n.cross(own.n)) < SAME && plane.n.dot(own.p - plane.p).abs() < SAME * size
        };
        let found = planes.iter().position(same).unwrap_or_else(|| {
            if planes.len() <= MOST_CHAINS {
                planes.push(own);
            }
            planes.len() - 1
        });
        of_face[k] = id(found);
    }
    (planes, of_face)
}
