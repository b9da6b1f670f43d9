//! Single rays against fine meshes, and building the tree over them, beside Embree.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use cotangent_ad::random::Stream;
use cotangent_raytrace::V3;
use cotangent_raytrace::accel::Bvh;
use cotangent_raytrace::reference::icosphere;

use crate::clock;
use crate::peer::{self, PeerError, Peers};
use crate::report::{Item, Proof, Row};

/// Coherent rays stand in a square of so many a side; there are as many diffuse ones.
const SIDE: usize = 512;
const REPEATS: usize = 3;
/// A ray may take so many times as long as theirs, which is 0.6 of their rays in a second.
const RAY: f64 = 1.67;
/// Building may take so many times as long.
const BUILD: f64 = 1.5;
/// Of both, the greatest share of rays that meet nothing for one side alone: theirs are in single precision.
const APART: f64 = 1e-4;
const EMBREE: &str = "Embree 3, single rays";
const MISSING: &str = "no C++ compiler with Embree's headers: apt-get install g++ libembree-dev";

/// A mesh and rays, in single precision.
struct Field {
    vertices: Vec<[f32; 3]>,
    faces: Vec<[u32; 3]>,
    /// Origins and directions: from a pinhole, side by side; from points of the mesh, by the cosine.
    rays: [Vec<[[f32; 3]; 2]>; 2],
}

const KINDS: [&str; 2] = ["coherent", "diffuse"];

#[expect(clippy::cast_possible_truncation, reason = "both sides take rays in single precision")]
fn single(v: V3) -> [f32; 3] {
    v.0.map(|c| c as f32)
}

fn double(v: [f32; 3]) -> V3 {
    V3::from(v.map(f64::from))
}

impl Field {
    /// A sphere with bumps.
    fn new(level: usize) -> Self {
        let sphere = icosphere([0.0; 3], 1.0, level);
        let bump = |p: &V3| {
            let [x, y, z] = p.0;
            single(*p * (1.0 + 0.08 * (9.0 * x).sin() * (11.0 * y).sin() + 0.04 * (23.0 * z).sin()))
        };
        let vertices: Vec<[f32; 3]> = sphere.vertices().iter().map(bump).collect();
        let faces = sphere.faces().to_vec();
        let rays = [coherent(), diffuse(&vertices, &faces)];
        Self { vertices, faces, rays }
    }

    fn write(&self, path: &Path) -> std::io::Result<()> {
        let length = |n: usize| u32::try_from(n).map_err(std::io::Error::other);
        let sizes = [self.vertices.len(), self.faces.len(), self.rays[0].len(), self.rays[1].len()];
        let mut bytes = Vec::new();
        for size in sizes {
            bytes.extend(length(size)?.to_le_bytes());
        }
        let numbers = |v: &[f32; 3]| v.map(f32::to_le_bytes).concat();
        bytes.extend(self.vertices.iter().flat_map(numbers));
        bytes.extend(self.faces.iter().flatten().flat_map(|c| c.to_le_bytes()));
        bytes.extend(self.rays.iter().flatten().flatten().flat_map(numbers));
        fs::write(path, bytes)
    }

    fn corners(&self) -> Vec<[V3; 3]> {
        let corner = |v: u32| double(self.vertices[v as usize]);
        self.faces.iter().map(|f| f.map(corner)).collect()
    }
}

/// A picture's rays, row by row.
fn coherent() -> Vec<[[f32; 3]; 2]> {
    let part = |k: usize| (k as f64 + 0.5) / SIDE as f64 - 0.5;
    let ray = |k: usize| {
        [[0.3, 0.2, 4.0], single(V3::from([0.7 * part(k % SIDE), 0.7 * part(k / SIDE), -1.0]))]
    };
    (0..SIDE * SIDE).map(ray).collect()
}

/// From random points of random faces, a little above them; towards the cosine's share of directions, half of them into the mesh.
fn diffuse(vertices: &[[f32; 3]], faces: &[[u32; 3]]) -> Vec<[[f32; 3]; 2]> {
    let stream = Stream::new(&[0x7261_7973]);
    let ray = |k: usize| {
        let u = |c: u64| stream.uniform(8 * k as u64 + c);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range")]
        let face = (u(0) * faces.len() as f64) as usize;
        let [a, b, c] = faces[face].map(|v| double(vertices[v as usize]));
        let (root, along) = (u(1).sqrt(), u(2));
        let x = a * (1.0 - root) + b * (root * (1.0 - along)) + c * (root * along);
        let normal = (b - a).cross(c - a).normalized();
        let (z, angle) = (2.0 * u(3) - 1.0, std::f64::consts::TAU * u(4));
        let r = (1.0 - z * z).sqrt();
        // a point of the unit sphere on top of the normal is drawn by the cosine
        let d = normal + V3::from([r * angle.cos(), r * angle.sin(), z]);
        let side = if k.is_multiple_of(2) { 1.0 } else { -1.0 };
        [single(x + normal * (side * 1e-4)), single(d * side)]
    };
    (0..SIDE * SIDE).map(ray).collect()
}

/// What casting gives: hits and, of the closest, the sum of distances.
fn closest(bvh: &Bvh, rays: &[[V3; 2]]) -> (usize, f64) {
    let hits = rays.iter().filter_map(|[o, d]| bvh.closest(*o, *d, f64::INFINITY));
    hits.fold((0, 0.0), |(count, sum), hit| (count + 1, sum + hit.t))
}

fn occluded(bvh: &Bvh, rays: &[[V3; 2]]) -> usize {
    rays.iter().filter(|[o, d]| bvh.occluded(*o, *d, 0.0, f64::INFINITY, |_| false)).count()
}

/// Rays of two meshes, closest hits and whether anything is in the way, and the time that the tree takes.
pub(super) fn beside_embree(peers: &Peers) -> Result<Vec<Item>, PeerError> {
    let program: Result<PathBuf, &str> = match peers.compile("rays_embree.cpp", &["embree3"]) {
        Ok(program) => program.ok_or(MISSING),
        Err(PeerError::Failed { stderr, .. }) if stderr.contains("embree3") => Err(MISSING),
        Err(other) => return Err(other),
    };
    let mut items = Vec::new();
    for (name, level) in [("82k", 6), ("1.31M", 8)] {
        let field = Field::new(level);
        let corners = field.corners();
        let file = peers.folder().join("rays.bin");
        field.write(&file)?;
        let theirs = match &program {
            Ok(program) => {
                Some(peer::run(Command::new(program).arg(&file).arg(REPEATS.to_string()))?)
            }
            Err(_) => None,
        };
        let why = program.as_ref().err().copied().unwrap_or(MISSING);
        let mut row = |work: String, ours: f64, key: &str, must: f64| {
            items.push(match theirs.as_ref().and_then(|t| t.get(key)) {
                Some(t) => Row::cpu_us(&work, ours, (EMBREE, t.cpu_s), Some(must)),
                None => Row::skipped(&work, ours, EMBREE, why),
            });
        };
        row(
            format!("{name} triangles: the tree is built"),
            clock::best(REPEATS, || Bvh::new(&corners)),
            "build",
            BUILD,
        );
        let bvh = Bvh::new(&corners);
        let mut found = Vec::new();
        for (kind, rays) in KINDS.into_iter().zip(&field.rays) {
            let rays: Vec<[V3; 2]> = rays.iter().map(|r| r.map(double)).collect();
            let [of_closest, of_occluded] = ["closest", "occluded"].map(|q| format!("{q}.{kind}"));
            let count = SIDE * SIDE;
            row(
                format!("{name} triangles: {count} {kind} rays, closest hit"),
                clock::best(REPEATS, || closest(&bvh, &rays)),
                &of_closest,
                RAY,
            );
            row(
                format!("{name} triangles: {count} {kind} rays, whether anything is hit"),
                clock::best(REPEATS, || occluded(&bvh, &rays)),
                &of_occluded,
                RAY,
            );
            let hits = closest(&bvh, &rays);
            found.push((kind, hits, occluded(&bvh, &rays), of_closest, of_occluded));
        }
        for (kind, hits, hidden, of_closest, of_occluded) in found {
            if let Some(theirs) = &theirs {
                let by = [&theirs[&of_closest].values, &theirs[&of_occluded].values];
                items.push(agree(&format!("{name} triangles: {kind} rays"), (hits, hidden), by));
            }
        }
    }
    Ok(items)
}

/// Whether both sides hit the same: how often, and how far away in all.
fn agree(rays: &str, ((hits, sum), hidden): ((usize, f64), usize), theirs: [&Vec<f64>; 2]) -> Item {
    let share = |ours: usize, theirs: f64| (ours as f64 - theirs).abs() / (SIDE * SIDE) as f64;
    let apart = share(hits, theirs[0][0]).max(share(hidden, theirs[1][0]));
    let distance = (sum / theirs[0][1] - 1.0).abs();
    Item::Proof(Proof {
        what: format!("{rays}: hits, and the sum of their distances, are Embree's"),
        must: format!("hits within {APART:.0e} of the rays, the sum within {APART:.0e}"),
        measured: format!("{hits} hits, {apart:.1e} apart; the sum {distance:.1e}"),
        holds: apart <= APART && distance <= APART,
    })
}
