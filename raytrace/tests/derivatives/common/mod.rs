//! What tests of derivatives share: simple scenes, means over seeds, finite differences with common random numbers.

#![allow(dead_code, unreachable_pub, reason = "each test file uses some of it")]

use cotangent_raytrace::reference::adjoint;
use cotangent_raytrace::{
    CameraView, DerivativeOptions, Image, Output, RenderOptions, Rgb, Scene, SceneCamera,
    SceneMesh, Selection, Terms, Transport, TriangleMesh, View, World, render, vjp,
};

#[derive(Clone, Copy, Debug)]
pub struct Found {
    pub mean: f64,
    pub error: f64,
}

/// Mean and standard error of `of` over so many seeds.
pub fn over(seeds: u64, of: impl Fn(u64) -> f64) -> Found {
    let values: Vec<f64> = (0..seeds).map(of).collect();
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0);
    Found { mean, error: (variance / n).sqrt() }
}

pub fn quad(c: [f64; 3], x: [f64; 3], y: [f64; 3]) -> TriangleMesh {
    TriangleMesh::parallelogram(c, x, y).expect("a quad")
}

/// The cube `[-a, a]^3` with its front outside.
pub fn cube(a: f64) -> TriangleMesh {
    TriangleMesh::cube(a).expect("a cube")
}

pub fn painted(name: &str, shape: TriangleMesh, albedo: [f64; 3]) -> SceneMesh {
    SceneMesh { albedo: Rgb(albedo), ..SceneMesh::new(name, shape) }
}

/// A pinhole that looks along -z, so that pixels are `1/focal` wide in `u = x/(-z)`.
pub fn looking_down(position: [f64; 3], pixels: usize, focal: f64) -> SceneCamera {
    let target = [position[0], position[1], position[2] - 1.0];
    let view = CameraView { position, target, up: [0.0, 1.0, 0.0], fov_deg: 90.0 };
    let mut camera = SceneCamera::new("main", &view, [pixels, pixels]).expect("a camera");
    camera.focal = focal;
    camera
}

pub fn scene(camera: SceneCamera, transport: Transport, meshes: Vec<SceneMesh>) -> Scene {
    Scene::with_cameras(vec![camera], transport, meshes).expect("a valid scene")
}

/// Entry `entry` of the derivative of the weighted image by a parameter.
pub fn derivative(
    scene: &Scene,
    (name, entry): (&str, usize),
    weights: &Image,
    options: DerivativeOptions,
) -> Found {
    let world = World::new(scene);
    let selection = Selection::new(scene, &[name]).expect("a parameter of the scene");
    over(8, |seed| {
        vjp(&world, 0, &selection, weights, &DerivativeOptions { seed, ..options })[entry]
    })
}

/// Within 3.5 standard errors of the right value, which are at most 0.3 % of `size`.
pub fn is(what: &str, found: Found, right: f64, size: f64) {
    assert!(found.error <= 0.003 * size, "{what}: {found:?} is noisy beside {size}");
    let error = found.error.max(1e-12 * size);
    assert!((found.mean - right).abs() <= 3.5 * error, "{what}: {found:?} against {right}");
}

pub const NONE: Terms = Terms { interior: false, visible: false, shadows: false, indirect: false };

/// Central difference of the weighted output by an entry of a parameter, with common random numbers.
pub fn differences(
    scene: &Scene,
    (name, entry): (&str, usize),
    (weights, output): (&Image, Output),
    (h, spp, seeds): (f64, u32, u64),
) -> Found {
    let selection = Selection::new(scene, &[name]).expect("a parameter of the scene");
    let ends = [h, -h].map(|h| {
        let mut there = scene.clone();
        let mut x = selection.get(&there);
        x[entry] += h;
        selection.set(&mut there, &x).expect("a small step stays within all ranges");
        World::new(&there)
    });
    let view = View { camera: 0, output };
    over(seeds, |seed| {
        let of = |w| render(w, view, RenderOptions { spp, seed: 500 + seed, key: 0 }).dot(weights);
        (of(&ends[0]) - of(&ends[1])) / (2.0 * h)
    })
}

/// Both agree within 3.5 standard errors, which are together at most `most` of the value.
pub fn agree(what: &str, gradient: Found, difference: Found, most: f64) {
    let error = gradient.error.hypot(difference.error);
    assert!(error < most * difference.mean.abs(), "{what}: {gradient:?} and {difference:?}: noisy");
    assert!(
        (gradient.mean - difference.mean).abs() < 3.5 * error + 1e-9 * difference.mean.abs(),
        "{what}: {gradient:?} against {difference:?}"
    );
}

/// As [`check_within`], with a combined standard error of at most 6 %: a bias of 20 % would be seen.
pub fn check(
    scene: &Scene,
    parameter: (&str, usize),
    output: Output,
    sampled: (f64, u32, u64),
    needed: &[Terms],
) {
    check_within(0.06, scene, parameter, output, sampled, needed);
}

/// A parameter of a scene: gradient against difference; and far off without each of these terms, by 5 % and by 3.5 standard errors
/// over a quarter of the seeds, beside what is better known of gradient and difference.
pub fn check_within(
    most: f64,
    scene: &Scene,
    parameter: (&str, usize),
    output: Output,
    (h, spp, seeds): (f64, u32, u64),
    needed: &[Terms],
) {
    let [width, height] = scene.film(0);
    let weights = adjoint(width, height);
    let difference = differences(scene, parameter, (&weights, output), (h, spp, seeds));
    let selection = Selection::new(scene, &[parameter.0]).expect("a parameter of the scene");
    let world = World::new(scene);
    let view = View { camera: 0, output };
    let of = |terms: Terms, seeds: u64| {
        over(seeds, |seed| {
            let options = DerivativeOptions { seed, terms, ..Default::default() };
            vjp(&world, view, &selection, &weights, &options)[parameter.1]
        })
    };
    let what = format!("{}[{}] of {output:?}", parameter.0, parameter.1);
    let gradient = of(Terms::ALL, seeds);
    agree(&what, gradient, difference, most);
    let known = if gradient.error < difference.error { gradient } else { difference };
    for without in needed {
        let found = of(*without, seeds.div_ceil(4).max(4));
        let off = (found.mean - known.mean).abs();
        assert!(
            off > 0.05 * known.mean.abs() && off > 3.5 * found.error.hypot(known.error),
            "{what} needs what {without:?} lacks: {found:?}, {known:?}"
        );
    }
}

pub const WITHOUT_INTERIOR: Terms = Terms { interior: false, ..Terms::ALL };
pub const WITHOUT_VISIBLE: Terms = Terms { visible: false, ..Terms::ALL };
pub const WITHOUT_SHADOWS: Terms = Terms { shadows: false, ..Terms::ALL };
pub const WITHOUT_INDIRECT: Terms = Terms { indirect: false, ..Terms::ALL };
