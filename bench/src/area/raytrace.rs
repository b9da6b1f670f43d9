//! Ray tracing: images and gradients beside Mitsuba, and the long proofs that derivatives are right.

mod blocks;
mod hostile;
mod limits;
mod moving;
mod paths;
mod rays;
mod reflections;
mod scenes;

use std::process::Command;
use std::sync::Arc;

use cotangent_ad::random::Stream;
use cotangent_raytrace::accel::Bvh;
use cotangent_raytrace::reference::{
    Reference, adjoint, emissive_triangles, icosphere, icosphere_shadow, oblique, shadow_blocker,
};
use cotangent_raytrace::{
    DerivativeOptions, RenderOptions, Scene, SceneError, SceneMesh, Selection, Terms, V3, World,
    render, vjp,
};

use super::Measure;
use crate::clock;
use crate::peer::{self, PeerError, Peers};
use crate::report::{Item, Proof, Row};

pub(super) const ROWS: &[Measure] =
    measurements![beside_mitsuba, paths::images, edges, rays::beside_embree];
pub(super) const PROOFS: &[Measure] = measurements![
    known_derivatives,
    blocks::images_in_blocks,
    blocks::derivatives_in_blocks,
    every_parameter,
    moving::everything_that_moves,
    moving::mirrors_and_glass,
    watertight,
    hostile::hostile_scenes,
    limits::first_call,
    limits::reverse_memory,
    limits::two_threads,
];

const SPP: u32 = 64;
const SEEDS: u64 = 16;

/// An image may take so many times as long as theirs, which is 0.7 of their paths in a second.
const IMAGE: f64 = 1.43;
/// A derivative of a given standard error takes at most this share of their time.
const EFFICIENCY: f64 = 0.01;
/// A gradient by all vertices takes at most as many images of the same scene.
const EDGES: f64 = 6.0;
/// The greatest standard error of a known derivative, as a share of it.
const KNOWN: f64 = 2e-3;

/// Their integrator of derivatives; guiding would cost seconds more a gradient.
const GRADIENTS: &str = "Mitsuba, projective without guiding";

/// Mean and standard deviation.
fn statistics(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0);
    (mean, variance.sqrt())
}

fn failed(what: &str, error: &SceneError) -> PeerError {
    PeerError::Failed { what: what.into(), stderr: error.to_string() }
}

/// So many threads.
fn threads(count: usize) -> Result<rayon::ThreadPool, PeerError> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(count).build();
    Ok(pool.map_err(std::io::Error::other)?)
}

/// Parameters of a scene by name.
fn select(scene: &Scene, name: &str) -> Result<Selection, PeerError> {
    Selection::new(scene, &[name]).map_err(|e| failed(name, &e))
}

fn gradient(reference: &Reference, options: &DerivativeOptions) -> Result<f64, PeerError> {
    let selection = select(&reference.scene, &format!("mesh.{}.translation", reference.moves))?;
    let [width, height] = reference.scene.film(0);
    Ok(vjp(&World::new(&reference.scene), 0, &selection, &adjoint(width, height), options)[0])
}

/// Work at 64 x 64 pixels and 64 samples: an image, a gradient, and the cost of a gradient with a given standard error.
fn beside_mitsuba(peers: &Peers) -> Result<Vec<Item>, PeerError> {
    let one = threads(1)?;
    let python = peers.python("mitsuba");
    let found = match &python {
        Ok(python) => {
            let script = peer::script("raytrace_mitsuba.py");
            let words = [SPP.to_string(), SEEDS.to_string()];
            Some(peer::run(Command::new(python).arg(script).args(words))?)
        }
        Err(_) => None,
    };
    let mut items = Vec::new();
    for reference in [emissive_triangles(), shadow_blocker()] {
        let world = World::new(&reference.scene);
        let image =
            || one.install(|| render(&world, 0, RenderOptions { spp: SPP, seed: 0, key: 0 }));
        let primal = clock::best(5, image);
        let of = |seed| DerivativeOptions { spp: SPP, seed, ..DerivativeOptions::default() };
        let values: Vec<f64> = (0..SEEDS)
            .map(|s| one.install(|| gradient(&reference, &of(s))))
            .collect::<Result<_, _>>()?;
        let cost = clock::best(5, || one.install(|| gradient(&reference, &of(0))));
        let (_, sd) = statistics(&values);
        // CPU seconds until the standard error is 0.1 % of the derivative
        let until = |cpu_s: f64, sd: f64| cpu_s * (sd / (1e-3 * reference.derivative)).powi(2);
        let name = reference.name;
        let (of_primal, of_gradient) = (format!("{name}.primal"), format!("{name}.gradient"));
        let theirs = found.as_ref().map(|f| (&f[&of_primal], &f[&of_gradient]));
        let works = [
            (format!("{name}: image"), primal, theirs.map(|t| t.0.cpu_s), Some(IMAGE)),
            (format!("{name}: gradient"), cost, theirs.map(|t| t.1.cpu_s), None),
            (
                format!("{name}: gradient until its standard error is 0.1 %"),
                until(cost, sd),
                theirs.map(|t| until(t.1.cpu_s, t.1.values[1])),
                Some(EFFICIENCY),
            ),
        ];
        let peers = ["Mitsuba, path", GRADIENTS, GRADIENTS];
        for ((work, ours, theirs, must), peer) in works.into_iter().zip(peers) {
            items.push(match (theirs, &python) {
                (Some(t), _) => Row::cpu_us(&work, ours, (peer, t), must),
                (None, Err(why)) => Row::skipped(&work, ours, "Mitsuba", why),
                (None, Ok(_)) => Row::skipped(&work, ours, "Mitsuba", "it printed no such row"),
            });
        }
        items.push(Row::cpu_us(&format!("{name}: gradient"), cost, ("our image", primal), None));
    }
    Ok(items)
}

/// A gradient by all vertices of a sphere in images, as the sphere gets finer.
fn edges(_: &Peers) -> Result<Vec<Item>, PeerError> {
    let one = threads(1)?;
    let scene = icosphere_shadow().scene;
    let mut items = Vec::new();
    for level in [2, 5, 6] {
        let finer = |m: &SceneMesh| match m.name.as_str() {
            "sphere" => {
                SceneMesh { shape: Arc::new(icosphere([0.0, 0.6, 0.0], 0.5, level)), ..m.clone() }
            }
            _ => m.clone(),
        };
        let meshes = scene.meshes().iter().map(finer).collect();
        let scene = Scene::with_cameras(scene.cameras().to_vec(), scene.transport, meshes)
            .map_err(|e| failed("a finer sphere", &e))?;
        let selection = select(&scene, "mesh.sphere.vertices")?;
        let world = World::new(&scene);
        let options = DerivativeOptions { spp: SPP, ..DerivativeOptions::default() };
        let image = || one.install(|| render(&world, 0, RenderOptions::default()));
        let gradient = || one.install(|| vjp(&world, 0, &selection, &adjoint(64, 64), &options));
        let (image, gradient) = (clock::best(3, image), clock::best(3, gradient));
        let work = format!("sphere of {} edges: gradient by all vertices", 30 << (2 * level));
        items.push(Row::cpu_us(&work, gradient, ("our image", image), Some(EDGES)));
    }
    Ok(items)
}

/// Rays from inside a closed sphere at its edges and vertices.
#[expect(clippy::unnecessary_wraps, reason = "a row like the others")]
fn watertight(_: &Peers) -> Result<Vec<Item>, PeerError> {
    const RAYS: usize = 10_000_000;
    let mesh = icosphere([0.0; 3], 1.0, 5);
    let corners: Vec<[V3; 3]> =
        mesh.faces().iter().map(|f| f.map(|v| mesh.vertices()[v as usize])).collect();
    let bvh = Bvh::new(&corners);
    let stream = Stream::new(&[0x6c65_616b]);
    let leaks = (0..RAYS)
        .filter(|&k| {
            let u = |c: u64| stream.uniform(4 * k as u64 + c);
            let from = V3::from([u(0) - 0.5, u(1) - 0.5, u(2) - 0.5]);
            let [a, b, _] = corners[k % corners.len()];
            let part = if k % 3 == 0 { 0.0 } else { u(3) };
            bvh.closest(from, a + (b - a) * part - from, f64::INFINITY).is_none()
        })
        .count();
    Ok(vec![Item::Proof(Proof {
        what: format!("{RAYS} rays at edges and vertices of a closed sphere"),
        must: "none leaks".into(),
        measured: format!("{leaks} leak"),
        holds: leaks == 0,
    })])
}

/// The three reference scenes over 32 seeds, and what is missing without the boundary terms.
fn known_derivatives(_: &Peers) -> Result<Vec<Item>, PeerError> {
    let mut items = Vec::new();
    for reference in [emissive_triangles(), shadow_blocker(), icosphere_shadow()] {
        let over = |terms: Terms| {
            let of = |seed| DerivativeOptions { spp: 16, seed, terms, ..Default::default() };
            let values: Vec<f64> =
                (0..32).map(|s| gradient(&reference, &of(s))).collect::<Result<_, _>>()?;
            let (mean, sd) = statistics(&values);
            Ok::<_, PeerError>((mean, sd / 32_f64.sqrt()))
        };
        let (exact, exact_se) = (reference.derivative, reference.derivative_se);
        let (mean, se) = over(Terms::ALL)?;
        let z = (mean - exact) / se.hypot(exact_se);
        items.push(Item::Proof(Proof {
            what: format!("{}: dJ/dx = {exact:.7} (+- {exact_se:.1e})", reference.name),
            must: "|z| < 3.5, standard error at most 0.2 %".into(),
            measured: format!("{mean:.7} +- {se:.1e}, z = {z:.2}"),
            holds: z.abs() < 3.5 && se <= KNOWN * exact.abs(),
        }));
        let (mean, _) = over(Terms::INTERIOR)?;
        let off = (mean - exact) / exact.abs();
        items.push(Item::Proof(Proof {
            what: format!("{}: without moving edges", reference.name),
            must: "wrong by 10 % or more".into(),
            measured: format!("{mean:.7}, off by {:.0} %", 100.0 * off),
            holds: off.abs() > 0.1,
        }));
    }
    Ok(items)
}

/// `(parameter, step, seeds)`.
const PARAMETERS: [(&str, f64, u64); 9] = [
    ("mesh.solid.translation", 0.01, 160),
    ("mesh.solid.rotation", 0.015, 160),
    ("mesh.solid.vertices", 0.008, 160),
    ("mesh.light.translation", 0.015, 48),
    ("mesh.floor.translation", 0.01, 48),
    ("camera.main.translation", 0.01, 48),
    ("camera.main.rotation", 0.005, 48),
    ("mesh.solid.albedo", 0.01, 48),
    ("light.light.radiance", 0.1, 48),
];

/// Central differences with common random numbers along the steepest ascent, fine enough to see 2 % at three standard errors.
fn every_parameter(_: &Peers) -> Result<Vec<Item>, PeerError> {
    let scene = oblique();
    let [width, height] = scene.film(0);
    let weights = adjoint(width, height);
    let world = World::new(&scene);
    let item = |(name, h, seeds): (&str, f64, u64)| {
        let selection = select(&scene, name)?;
        let of = |seed| DerivativeOptions { seed, ..DerivativeOptions::default() };
        let ascent = vjp(&world, 0, &selection, &weights, &of(1000));
        let length = ascent.iter().map(|g| g * g).sum::<f64>().sqrt();
        let along = |g: &[f64]| g.iter().zip(&ascent).map(|(g, a)| g * a / length).sum::<f64>();
        let moved = |h: f64| -> Result<World, PeerError> {
            let mut there: Scene = scene.clone();
            let x = selection.get(&there);
            let x: Vec<f64> = x.iter().zip(&ascent).map(|(x, a)| x + h * a / length).collect();
            selection.set(&mut there, &x).map_err(|e| failed(name, &e))?;
            Ok(World::new(&there))
        };
        let ends = [moved(h)?, moved(-h)?];
        let value =
            |w: &World, seed| render(w, 0, RenderOptions { spp: 256, seed, key: 0 }).dot(&weights);
        let (mut gradients, mut differences) = (Vec::new(), Vec::new());
        for seed in 0..seeds {
            gradients.push(along(&vjp(&world, 0, &selection, &weights, &of(seed))));
            let key = 5000 + seed;
            differences.push((value(&ends[0], key) - value(&ends[1], key)) / (2.0 * h));
        }
        let ((g, sg), (d, sd)) = (statistics(&gradients), statistics(&differences));
        let se = sg.hypot(sd) / (gradients.len() as f64).sqrt();
        let off = g - d;
        Ok(Item::Proof(Proof {
            what: format!("{name} against finite differences, h = {h}, {seeds} seeds"),
            must: "|z| < 3.5, 3 standard errors below 2 %".into(),
            measured: format!("{:+.2} % +- {:.2} %", 100.0 * off / d.abs(), 100.0 * se / d.abs()),
            holds: off.abs() < 3.5 * se + 1e-10 * d.abs() && 3.0 * se < 0.02 * d.abs(),
        }))
    };
    PARAMETERS.into_iter().map(item).collect()
}
