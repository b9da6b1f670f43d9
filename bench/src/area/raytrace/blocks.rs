//! Blocks of 8 x 8 pixels: images against a renderer that shares no code with ours, derivative images against differences of images.

use cotangent_ad::random::Stream;
use cotangent_ad::special::gamma_q;
use cotangent_raytrace::reference::{
    Reference, emissive_triangles, icosphere_shadow, shadow_blocker,
};
use cotangent_raytrace::{
    DerivativeOptions, Image, RenderOptions, Rgb, Scene, V3, World, jvp, render,
};

use super::{failed, select, statistics};
use crate::peer::{PeerError, Peers};
use crate::report::{Item, Proof};

const BLOCK: usize = 8;
const FILM: usize = 64;
/// Blocks of a channel, and of all channels.
const BLOCKS: usize = (FILM / BLOCK) * (FILM / BLOCK);
const MOST_Z: f64 = 4.5;
const LEAST_P: f64 = 1e-4;

/// Means over blocks, channel by channel.
fn blocks(image: &Image) -> Vec<f64> {
    let mut sums = vec![0.0; 3 * BLOCKS];
    for (k, pixel) in image.pixels.iter().enumerate() {
        let block = (k / FILM / BLOCK) * (FILM / BLOCK) + k % FILM / BLOCK;
        for (c, value) in pixel.0.iter().enumerate() {
            sums[c * BLOCKS + block] += value / (BLOCK * BLOCK) as f64;
        }
    }
    sums
}

/// Mean and standard error of each block over several images.
fn over(images: &[Vec<f64>]) -> Vec<(f64, f64)> {
    let root = (images.len() as f64).sqrt();
    (0..3 * BLOCKS)
        .map(|b| {
            let (mean, sd) = statistics(&images.iter().map(|i| i[b]).collect::<Vec<f64>>());
            (mean, sd / root)
        })
        .collect()
}

/// How two sets of blocks agree. Channels share their noise, so that the sum of squares is over the blocks of the first alone; a block
/// that no sample of either side makes uncertain must be the same to rounding.
fn compared(what: String, a: &[(f64, f64)], b: &[(f64, f64)]) -> Item {
    let size = a.iter().chain(b).fold(0.0_f64, |m, a| m.max(a.0.abs()));
    let floor = 1e-9 * size;
    let error = |(a, b): (&(f64, f64), &(f64, f64))| a.1.hypot(b.1).max(floor);
    let z: Vec<f64> = a.iter().zip(b).map(|(a, b)| (a.0 - b.0) / error((a, b))).collect();
    let most = z.iter().fold(0.0_f64, |m, z| m.max(z.abs()));
    let uncertain = a.iter().zip(b).map(error).zip(&z).take(BLOCKS).filter(|(e, _)| *e > floor);
    let (chi2, degrees) = uncertain.fold((0.0, 0.0), |(sum, n), (_, z)| (sum + z * z, n + 1.0));
    let p: f64 = gamma_q(0.5 * degrees, 0.5 * chi2);
    let widest = a.iter().zip(b).map(error).fold(0.0_f64, f64::max);
    Item::Proof(Proof {
        what,
        must: format!("|z| < {MOST_Z}, p > {LEAST_P:.0e}"),
        measured: format!(
            "|z| <= {most:.2}, p = {p:.3} of {degrees} blocks; errors up to {:.2} % of the greatest",
            100.0 * widest / size
        ),
        holds: most < MOST_Z && p > LEAST_P,
    })
}

/// Triangles with what they emit from their front and reflect, as the scene's data has them.
struct Plain {
    corners: [V3; 3],
    emission: [f64; 3],
    albedo: [f64; 3],
}

impl Plain {
    fn of(scene: &Scene) -> Vec<Self> {
        let mesh = |m: &cotangent_raytrace::SceneMesh| {
            let (vertices, albedo) = (m.shape.vertices().to_vec(), m.albedo.0);
            let emission = m.emission.map_or([0.0; 3], |e| e.0);
            let face = move |f: &[u32; 3]| Self {
                corners: f.map(|v| vertices[v as usize]),
                emission,
                albedo,
            };
            m.shape.faces().iter().map(face).collect::<Vec<_>>()
        };
        scene.meshes().iter().flat_map(mesh).collect()
    }

    fn normal(&self) -> V3 {
        let [a, b, c] = self.corners;
        (b - a).cross(c - a)
    }

    /// Distance along a ray, by Cramer's rule (Moeller & Trumbore 1997).
    fn meet(&self, origin: V3, direction: V3) -> Option<f64> {
        let [a, b, c] = self.corners;
        let (p, q, s) = (b - a, c - a, origin - a);
        let det = direction.cross(q).dot(p);
        let u = direction.cross(q).dot(s) / det;
        let v = s.cross(p).dot(direction) / det;
        let t = s.cross(p).dot(q) / det;
        (det != 0.0 && u >= 0.0 && v >= 0.0 && u + v <= 1.0 && t > 0.0).then_some(t)
    }
}

fn is_black(colour: [f64; 3]) -> bool {
    Rgb(colour).is_black()
}

/// What a plain renderer sees along a ray: light that is emitted, and reflected once from a uniform point of the emitting faces.
fn plain(triangles: &[Plain], [origin, direction]: [V3; 2], u: [f64; 3]) -> [f64; 3] {
    let hit = triangles
        .iter()
        .enumerate()
        .filter_map(|(k, t)| Some((k, t.meet(origin, direction)?)))
        .min_by(|a, b| a.1.total_cmp(&b.1));
    let Some((own, t)) = hit else { return [0.0; 3] };
    let (x, face) = (origin + direction * t, &triangles[own]);
    let front = face.normal().dot(direction) < 0.0;
    let mut sum = if front { face.emission } else { [0.0; 3] };
    let lights: Vec<usize> =
        (0..triangles.len()).filter(|k| !is_black(triangles[*k].emission)).collect();
    if lights.is_empty() || is_black(face.albedo) {
        return sum;
    }
    let count = lights.len() as f64;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range")]
    let light = lights[((u[0] * count) as usize).min(lights.len() - 1)];
    let [a, b, c] = triangles[light].corners;
    let root = u[1].sqrt();
    let y = a * (1.0 - root) + b * (root * (1.0 - u[2])) + c * (root * u[2]);
    let (d, m) = (y - x, triangles[light].normal());
    let n = face.normal() * if front { 1.0 } else { -1.0 };
    let (cos, cos_light, r2) = (n.dot(d), -m.dot(d), d.dot(d));
    let hidden =
        |(k, t): (usize, &Plain)| k != own && k != light && t.meet(x, d).is_some_and(|t| t < 1.0);
    if cos <= 0.0 || cos_light <= 0.0 || triangles.iter().enumerate().any(hidden) {
        return sum;
    }
    // cosines over the lengths of normals and distance; the area is half the length of m
    let form = cos / n.dot(n).sqrt() * cos_light * 0.5 * count / (r2 * r2 * std::f64::consts::PI);
    for k in 0..3 {
        sum[k] += face.albedo[k] * triangles[light].emission[k] * form;
    }
    sum
}

/// Blocks of an image of the plain renderer.
fn plain_blocks(scene: &Scene, triangles: &[Plain], spp: u64, seed: u64) -> Vec<f64> {
    let view = scene.cameras()[0].view();
    let stream = Stream::new(&[0x706c_6169, seed]);
    let position = V3::from(view.position);
    let forward = (V3::from(view.target) - position).normalized();
    let right = forward.cross(V3::from(view.up)).normalized();
    let up = right.cross(forward);
    let half = (0.5 * view.fov_deg.to_radians()).tan();
    let part = |k: usize, u: f64| (2.0 * (k as f64 + u) / FILM as f64 - 1.0) * half;
    let mut image = Image::new(FILM, FILM);
    for (k, pixel) in image.pixels.iter_mut().enumerate() {
        for sample in 0..spp {
            let u = |c: u64| stream.uniform(8 * (k as u64 * spp + sample) + c);
            let (x, y) = (part(k % FILM, u(0)), -part(k / FILM, u(1)));
            let ray = [position, forward + right * x + up * y];
            let seen = plain(triangles, ray, [u(2), u(3), u(4)]);
            *pixel += Rgb(seen) * (spp as f64).recip();
        }
    }
    blocks(&image)
}

/// Images of the reference scenes beside those of the plain renderer.
#[expect(clippy::unnecessary_wraps, reason = "a proof like the others")]
pub(super) fn images_in_blocks(_: &Peers) -> Result<Vec<Item>, PeerError> {
    const SEEDS: u64 = 32;
    let item = |reference: Reference| {
        let scene = &reference.scene;
        let (world, triangles) = (World::new(scene), Plain::of(scene));
        let ours: Vec<Vec<f64>> = (0..SEEDS)
            .map(|seed| blocks(&render(&world, 0, RenderOptions { spp: 64, seed, key: 0 })))
            .collect();
        let plain: Vec<Vec<f64>> =
            (0..SEEDS).map(|seed| plain_blocks(scene, &triangles, 16, seed)).collect();
        let what = format!("{}: image in blocks beside a plain renderer", reference.name);
        compared(what, &over(&ours), &over(&plain))
    };
    Ok([emissive_triangles(), shadow_blocker(), icosphere_shadow()].map(item).into())
}

/// Derivative images of the reference scenes, along `x` of what moves, beside central differences with common random numbers. Scenes that
/// are symmetric have kinks at 0, where an edge lies between two blocks, so derivatives are taken at the two points whose mean is the
/// difference of a cubic (Gauss).
pub(super) fn derivatives_in_blocks(_: &Peers) -> Result<Vec<Item>, PeerError> {
    const SEEDS: u64 = 48;
    const STEP: f64 = 0.005;
    let item = |reference: Reference| -> Result<Item, PeerError> {
        let scene = &reference.scene;
        let selection = select(scene, &format!("mesh.{}.translation", reference.moves))?;
        let moved = |h: f64| -> Result<World, PeerError> {
            let mut there: Scene = scene.clone();
            let mut x = selection.get(&there);
            x[0] += h;
            selection.set(&mut there, &x).map_err(|e| failed("a small step", &e))?;
            Ok(World::new(&there))
        };
        let inner = STEP / 3.0_f64.sqrt();
        let (inner, ends) = ([moved(inner)?, moved(-inner)?], [moved(STEP)?, moved(-STEP)?]);
        let (mut ours, mut differences) = (Vec::new(), Vec::new());
        for seed in 0..SEEDS {
            let options = DerivativeOptions { spp: 64, seed, ..DerivativeOptions::default() };
            let [a, b] = [&inner[0], &inner[1]]
                .map(|w| blocks(&jvp(w, 0, &selection, &[&[1.0, 0.0, 0.0]], &options)[0]));
            ours.push(a.iter().zip(&b).map(|(a, b)| 0.5 * (a + b)).collect());
            let options = RenderOptions { spp: 1024, seed: 500 + seed, key: 0 };
            let [more, less] = [&ends[0], &ends[1]].map(|w| blocks(&render(w, 0, options)));
            let slope = |(more, less): (&f64, &f64)| (more - less) / (2.0 * STEP);
            differences.push(more.iter().zip(&less).map(slope).collect());
        }
        let what = format!(
            "{}: derivative image in blocks beside differences, h = {STEP}",
            reference.name
        );
        Ok(compared(what, &over(&ours), &over(&differences)))
    };
    [emissive_triangles(), shadow_blocker(), icosphere_shadow()].into_iter().map(item).collect()
}
