//! At the ends of its range a parameter has the derivative of the side that is within: against one-sided differences of third order
//! with common random numbers.

use std::sync::Arc;

use cotangent_raytrace::{
    DerivativeOptions, Environment, Image, LEAST_ROUGHNESS, LampKind, Material, RenderOptions, Rgb,
    Scene, SceneError, SceneLamp, SceneMesh, Selection, Texture, Transport, World, render, vjp,
};

use crate::common::{Found, over, painted, quad};

/// A floor with a texture, a wall, a strip of metal, two panels of light and a lamp under a sky.
fn corner(transport: Transport, lamp_shines: bool) -> Scene {
    let half = Image::from_fn(2, 2, |_, _| Rgb([0.5; 3]));
    let ground = quad([0.0, 0.0, 0.0], [0.0, 0.0, 2.0], [2.0, 0.0, 0.0]);
    let uv = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]];
    let ground = ground.with_uv(&uv, &[[0, 1, 2], [0, 2, 3]]).expect("a corner for each");
    let floor = SceneMesh {
        texture: Some(Arc::new(Texture::new(half).expect("four texels"))),
        tint: Some(Arc::new(vec![Rgb([0.8; 3]); 4])),
        ..painted("floor", ground, [0.6, 0.5, 0.4])
    };
    let wall = quad([0.0, 1.0, -2.0], [2.0, 0.0, 0.0], [0.0, 1.0, 0.0]);
    let strip = quad([0.3, 0.5, -1.0], [0.8, 0.0, 0.1], [0.0, 0.4, -0.3]);
    let metal = SceneMesh {
        material: Material::Conductor { roughness: 0.4 },
        ..painted("metal", strip, [0.7, 0.8, 0.6])
    };
    let panel = |name: &str, x: f64| {
        let shape = quad([x, 2.2, 0.0], [0.4, 0.0, 0.0], [0.0, 0.0, 0.4]);
        SceneMesh { emission: Some(Rgb([6.0, 5.0, 4.0])), ..painted(name, shape, [0.0; 3]) }
    };
    let meshes = vec![
        floor,
        painted("wall", wall, [0.5; 3]),
        metal,
        panel("left", -0.9),
        panel("right", 0.9),
    ];
    let view = cotangent_raytrace::CameraView {
        position: [0.2, 1.2, 3.0],
        target: [0.0, 0.5, 0.0],
        up: [0.0, 1.0, 0.0],
        fov_deg: 55.0,
    };
    let kind = LampKind::Point { position: [0.5, 1.5, 1.0] };
    let lamp = SceneLamp { name: "lamp".into(), kind, intensity: Rgb([0.7, 0.8, 0.9]) };
    let scene = Scene::new(&view, [6, 5], transport, meshes).expect("a valid scene");
    // a lamp's glint in nearly smooth metal is too rare to be seen by few paths
    let lamps = if lamp_shines { vec![lamp] } else { vec![] };
    let scene = scene.with_lamps(lamps).expect("a lamp");
    scene.with_environment(Environment::constant(Rgb([0.3, 0.2, 0.4]))).expect("a sky")
}

/// Paths a pixel, and seeds, where differences see no noise but that of the paths they have in common.
const FEW: (u32, u64) = (64, 8);

/// One entry of a parameter, or all of them, at `end`, into the range by `h`: `(-11 J(0) + 18 J(h) - 9 J(2h) + 2 J(3h)) / 6h`.
fn check(
    transport: Transport,
    (name, entry): (&str, Option<usize>),
    end: f64,
    h: f64,
    paths: (u32, u64),
) {
    let scene = corner(transport, !name.ends_with("roughness"));
    let weights = Image::from_fn(6, 5, |_, _| Rgb([1.0 / 90.0; 3]));
    compare(&scene, &weights, (name, entry), end, h, paths);
}

/// The same of a weighted image of any scene.
fn compare(
    scene: &Scene,
    weights: &Image,
    (name, entry): (&str, Option<usize>),
    end: f64,
    h: f64,
    (spp, seeds): (u32, u64),
) {
    let selection = Selection::new(scene, &[name]).expect("a parameter of the scene");
    let wanted = |k: usize| entry.is_none_or(|entry| entry == k);
    let at = |value: f64| -> World {
        let mut there = scene.clone();
        let mut x = selection.get(&there);
        x.iter_mut().enumerate().filter(|(k, _)| wanted(*k)).for_each(|(_, x)| *x = value);
        selection.set(&mut there, &x).expect("within its range");
        World::new(&there)
    };
    let worlds = [0.0, 1.0, 2.0, 3.0].map(|steps| at(end + steps * h));
    let difference = over(seeds, |seed| {
        let value =
            |w: &World| render(w, 0, RenderOptions { spp, seed: 300 + seed, key: 0 }).dot(weights);
        let [a, b, c, d] = worlds.each_ref().map(value);
        (18.0 * b - 11.0 * a - 9.0 * c + 2.0 * d) / (6.0 * h)
    });
    let gradient = over(seeds, |seed| {
        let options = DerivativeOptions { spp, seed, ..Default::default() };
        let gradient = vjp(&worlds[0], 0, &selection, weights, &options);
        gradient.iter().enumerate().filter(|(k, _)| wanted(*k)).map(|(_, g)| g).sum()
    });
    let what = format!("{name}[{entry:?}] at {end} of {:?}", scene.transport);
    close(&what, gradient, difference);
}

/// Within 3.5 standard errors, which are together at most 2 %: a bias of 7 % would be seen, and 0 is far off.
fn close(what: &str, gradient: Found, difference: Found) {
    let error = gradient.error.hypot(difference.error);
    let size = difference.mean.abs();
    assert!(error < 0.02 * size, "{what}: {gradient:?} and {difference:?} are noisy");
    assert!(
        (gradient.mean - difference.mean).abs() < 3.5 * error + 1e-6 * size,
        "{what}: {gradient:?} against {difference:?}"
    );
}

#[test]
fn colours_at_nothing_and_at_all() {
    for transport in [Transport::Direct, Transport::Paths { bounces: 3 }] {
        for name in
            ["mesh.wall.albedo", "mesh.floor.texture", "mesh.floor.tint", "mesh.metal.albedo"]
        {
            check(transport, (name, Some(1)), 0.0, 0.05, FEW);
            check(transport, (name, Some(1)), 1.0, -0.05, FEW);
        }
    }
}

#[test]
fn lights_that_are_dark_or_one() {
    for transport in [Transport::Direct, Transport::Paths { bounces: 3 }] {
        let names = [
            "light.left.radiance",
            "light.lamp.intensity",
            "environment.radiance",
            "environment.texels",
        ];
        for name in names {
            check(transport, (name, Some(0)), 0.0, 0.1, FEW);
            check(transport, (name, Some(0)), 1.0, 0.1, FEW);
        }
    }
}

/// What is black in all channels is skipped in images, and must not be where its derivative is asked for.
#[test]
fn surfaces_and_lights_that_are_black() {
    for transport in [Transport::Direct, Transport::Paths { bounces: 3 }] {
        // cubic in albedos and linear in light, so that no step is too long
        check(transport, ("mesh.wall.albedo", None), 0.0, 0.3, FEW);
        check(transport, ("mesh.floor.tint", None), 0.0, 0.3, FEW);
        check(transport, ("light.left.radiance", None), 0.0, 3.0, (512, 16));
        check(transport, ("environment.radiance", None), 0.0, 1.0, FEW);
    }
}

/// A metal that is nearly a mirror, seen from its front; the border of a panel of light, as a mirror would show it, cuts the film in
/// halves. All within the panel's half is weighed: a rougher metal sends light across the border, about in proportion to its roughness.
fn border_in_metal() -> (Scene, Image) {
    let metal = SceneMesh {
        material: Material::Conductor { roughness: LEAST_ROUGHNESS },
        ..painted("metal", quad([0.0; 3], [2.0, 0.0, 0.0], [0.0, 2.0, 0.0]), [0.9; 3])
    };
    let shape = quad([-2.0, 0.0, 5.0], [0.0, 2.0, 0.0], [2.0, 0.0, 0.0]);
    let panel = SceneMesh { emission: Some(Rgb([1.0; 3])), ..painted("panel", shape, [0.0; 3]) };
    let view = cotangent_raytrace::CameraView {
        position: [0.0, 0.0, 3.0],
        target: [0.0; 3],
        up: [0.0, 1.0, 0.0],
        fov_deg: 2.0,
    };
    let scene = Scene::new(&view, [8, 4], Transport::Direct, vec![metal, panel]);
    let within = Image::from_fn(8, 4, |_, x| Rgb([if x < 4 { 1.0 } else { 0.0 }; 3]));
    (scene.expect("a valid scene"), within)
}

#[test]
fn roughness_at_its_least() {
    let (scene, within) = border_in_metal();
    compare(&scene, &within, ("mesh.metal.roughness", Some(0)), LEAST_ROUGHNESS, 2e-3, (1024, 24));
}

#[test]
fn roughness_at_its_greatest_and_below_its_least() {
    check(Transport::Direct, ("mesh.metal.roughness", Some(0)), 1.0, -0.08, (256, 24));
    let mut meshes = corner(Transport::Direct, false).meshes().to_vec();
    meshes[2].material = Material::Conductor { roughness: 0.0 };
    let cameras = corner(Transport::Direct, false).cameras().to_vec();
    let refused = Scene::with_cameras(cameras, Transport::Direct, meshes);
    assert!(matches!(refused, Err(SceneError::Value { .. })), "{refused:?}");
}
