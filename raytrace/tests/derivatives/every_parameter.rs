//! Every kind of parameter against finite differences with common random numbers; forward against reverse; the same bits
//! on any number of threads.

use cotangent_raytrace::reference::{adjoint, oblique};
use cotangent_raytrace::{
    DerivativeOptions, Image, RenderOptions, Rgb, Scene, SceneError, Selection, World, jacobian,
    render, vjp,
};

/// The selected parameters moved by `h` along `direction`.
fn moved(scene: &Scene, selection: &Selection, direction: &[f64], h: f64) -> World {
    let mut scene = scene.clone();
    let x = selection.get(&scene);
    let there: Vec<f64> = x.iter().zip(direction).map(|(x, d)| x + h * d).collect();
    selection.set(&mut scene, &there).expect("a small step stays within all ranges");
    World::new(&scene)
}

fn weights(scene: &Scene) -> Image {
    let [width, height] = scene.film(0);
    adjoint(width, height)
}

/// Gradient and finite difference along the direction of steepest ascent agree within 3.5 standard errors, which are below 2 %.
fn check(name: &str, h: f64, seeds: u64) {
    let scene = oblique();
    check_weighted(&scene, &weights(&scene), name, h, seeds);
}

fn check_weighted(scene: &Scene, weights: &Image, name: &str, h: f64, seeds: u64) {
    let selection = Selection::new(scene, &[name]).expect("a parameter of the scene");
    let world = World::new(scene);
    let options = DerivativeOptions { seed: 1000, ..DerivativeOptions::default() };
    let ascent = vjp(&world, 0, &selection, weights, &options);
    let length = ascent.iter().map(|g| g * g).sum::<f64>().sqrt();
    let direction: Vec<f64> = ascent.iter().map(|g| g / length).collect();
    let ends = [h, -h].map(|h| moved(scene, &selection, &direction, h));
    let (mut gradients, mut differences) = (Vec::new(), Vec::new());
    for seed in 0..seeds {
        let options = DerivativeOptions { seed, ..DerivativeOptions::default() };
        let gradient = vjp(&world, 0, &selection, weights, &options);
        gradients.push(gradient.iter().zip(&direction).map(|(g, d)| g * d).sum::<f64>());
        let value = |world| {
            render(world, 0, RenderOptions { spp: 256, seed: 100 + seed, key: 0 }).dot(weights)
        };
        differences.push((value(&ends[0]) - value(&ends[1])) / (2.0 * h));
    }
    let statistics = |values: &[f64]| {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0);
        (mean, variance / n)
    };
    let ((g, vg), (d, vd)) = (statistics(&gradients), statistics(&differences));
    let error = (vg + vd).sqrt();
    assert!(error < 0.02 * d.abs(), "{name}: {g} against {d}, standard error {error}");
    // a rounding of the sums remains where both are exact (a linear parameter under the same samples)
    assert!((g - d).abs() < 3.5 * error + 1e-10 * d.abs(), "{name}: {g} against {d} +- {error}");
}

#[test]
fn an_object_that_moves() {
    check("mesh.solid.translation", 0.02, 8);
    check("mesh.solid.rotation", 0.03, 8);
    check("mesh.solid.scale", 0.02, 8);
}

#[test]
fn a_vertex_that_moves() {
    check("mesh.solid.vertices", 0.01, 8);
}

/// The same scene, whose solid has the coordinates of large steps.
fn smoothed() -> Scene {
    let scene = oblique();
    let mut meshes = scene.meshes().to_vec();
    for mesh in meshes.iter_mut().filter(|m| m.name == "solid") {
        mesh.large_steps = Some(2.0);
    }
    Scene::with_cameras(scene.cameras().to_vec(), scene.transport, meshes).expect("valid")
}

#[test]
fn a_surface_that_moves_in_large_steps() {
    let (scene, name) = (smoothed(), "mesh.solid.differential");
    check_weighted(&scene, &weights(&scene), name, 0.05, 8);
    // they are another description of the same corners
    let selection = Selection::new(&scene, &[name]).expect("a parameter of the scene");
    let mut same = scene.clone();
    selection.set(&mut same, &selection.get(&scene)).expect("its own values");
    let corners = |s: &Scene| s.mesh("solid").expect("a mesh").shape.vertices().to_vec();
    let apart = corners(&scene).into_iter().zip(corners(&same)).map(|(a, b)| (a - b).norm());
    assert!(apart.fold(0.0, f64::max) < 1e-14);
    // one number moves all of the surface, and most where it stands
    let mut bumped = selection.get(&scene);
    bumped[0] += 1.0;
    selection.set(&mut same, &bumped).expect("still a solid");
    let moved: Vec<f64> =
        corners(&scene).into_iter().zip(corners(&same)).map(|(a, b)| b[0] - a[0]).collect();
    assert!(moved.iter().all(|m| *m > 0.0 && *m <= moved[0]), "{moved:?}");
    assert!((moved.iter().sum::<f64>() - 1.0).abs() < 1e-12, "all motions together are the step");
}

#[test]
fn a_light_that_moves() {
    check("mesh.light.translation", 0.02, 8);
    check("mesh.light.rotation", 0.02, 8);
}

#[test]
fn a_floor_that_moves() {
    check("mesh.floor.translation", 0.01, 8);
    check("mesh.floor.rotation", 0.005, 8);
}

#[test]
fn a_camera_that_moves() {
    check("camera.main.translation", 0.02, 8);
    check("camera.main.rotation", 0.01, 8);
}

#[test]
fn a_lens_that_changes() {
    let scene = oblique();
    // a focal length moves everything to or from the middle
    let outward = Image::from_fn(32, 24, |r, c| {
        let (x, y) = (c as f64 - 15.5, r as f64 - 11.5);
        Rgb([(x * x + y * y - 133.0) / 1e5; 3])
    });
    check_weighted(&scene, &outward, "camera.main.focal", 0.4, 8);
    check("camera.main.principal_point", 0.3, 8);
    check("camera.main.distortion", 0.02, 8);
}

#[test]
fn what_the_camera_makes_of_light() {
    check("camera.main.exposure", 0.1, 2);
    check("camera.main.white_balance", 0.1, 2);
}

#[test]
fn colours() {
    check("mesh.solid.albedo", 0.01, 4);
    check("mesh.floor.albedo", 0.01, 4);
    check("light.light.radiance", 0.1, 4);
}

const ALL: &[&str] = &[
    "mesh.solid.translation",
    "mesh.light.rotation",
    "mesh.floor.vertices",
    "mesh.solid.scale",
    "mesh.solid.albedo",
    "light.light.radiance",
    "camera.main.translation",
    "camera.main.rotation",
    "camera.main.focal",
    "camera.main.principal_point",
    "camera.main.distortion",
    "camera.main.exposure",
    "camera.main.white_balance",
];

#[test]
fn forward_and_reverse_are_one_matrix() {
    let large = ["mesh.solid.rotation", "mesh.solid.differential", "mesh.light.vertices"];
    for (scene, names) in [(oblique(), ALL), (smoothed(), &large)] {
        let selection = Selection::new(&scene, names).expect("parameters of the scene");
        let world = World::new(&scene);
        let options = DerivativeOptions { spp: 4, shadow_spp: 4, ..DerivativeOptions::default() };
        let weights = weights(&scene);
        let reverse = vjp(&world, 0, &selection, &weights, &options);
        let forward = jacobian(&world, 0, &selection, &options);
        let largest = reverse.iter().fold(0.0_f64, |m, r| m.max(r.abs()));
        for (column, r) in forward.iter().zip(&reverse) {
            assert!((column.dot(&weights) - r).abs() < 1e-12 * largest);
        }
    }
}

#[test]
fn a_world_that_is_moved_gives_the_bits_of_a_new_one() {
    let scene = oblique();
    let selection = Selection::new(&scene, ALL).expect("parameters of the scene");
    let options = DerivativeOptions { spp: 2, shadow_spp: 2, ..DerivativeOptions::default() };
    let weights = weights(&scene);
    let direction: Vec<f64> = (0..selection.dim()).map(|k| (k as f64 + 1.0).sin()).collect();
    let mut world = World::new(&scene);
    for h in [1e-3, -2e-3, 0.0] {
        let new = moved(&scene, &selection, &direction, h);
        world = world.moved(new.scene());
        let of = |world: &World| {
            let image = render(world, 0, RenderOptions { spp: 2, seed: 3, key: 0 });
            (image, vjp(world, 0, &selection, &weights, &options))
        };
        assert!(of(&world) == of(&new), "moved by {h}");
    }
}

#[test]
fn one_two_and_three_threads_give_the_same_bits() {
    let scene = oblique();
    let selection = Selection::new(&scene, ALL).expect("parameters of the scene");
    let options = DerivativeOptions { spp: 4, shadow_spp: 4, ..DerivativeOptions::default() };
    let weights = weights(&scene);
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.expect("a pool").install(|| {
            let world = World::new(&scene);
            let image = render(&world, 0, RenderOptions { spp: 4, seed: 3, key: 0 });
            let gradient = vjp(&world, 0, &selection, &weights, &options);
            (image, gradient, jacobian(&world, 0, &selection, &options))
        })
    };
    let one = on(1);
    assert!(one == on(2) && one == on(3));
}

#[test]
fn what_cannot_be_differentiated_says_so() {
    let scene = oblique();
    let refused = |name| Selection::new(&scene, &[name]).expect_err("no derivative");
    assert!(matches!(refused("mesh.solid.faces"), SceneError::NotDifferentiable { .. }));
    assert!(matches!(refused("mesh.light.faces"), SceneError::NotDifferentiable { .. }));
    assert!(matches!(refused("mesh.sold.translation"), SceneError::Unknown { .. }));
    assert!(matches!(refused("light.floor.radiance"), SceneError::Unknown { .. }));
}
