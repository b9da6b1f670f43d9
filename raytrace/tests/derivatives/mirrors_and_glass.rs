//! Mirrors and transparent bodies: closed forms, differences with common random numbers, and what is refused.

use cotangent_raytrace::reference::{adjoint, icosphere};
use cotangent_raytrace::{
    CameraView, DerivativeOptions, Environment, Image, LampKind, Material, Output, RenderOptions,
    Rgb, Scene, SceneCamera, SceneError, SceneLamp, SceneMesh, Selection, Terms, Transport,
    TriangleMesh, World, follows, render, vjp,
};

use crate::common::{
    NONE, WITHOUT_INDIRECT, WITHOUT_INTERIOR, WITHOUT_VISIBLE, agree, check, check_within, cube,
    derivative, differences, is, looking_down, over, painted, quad, scene,
};

fn mirror(name: &str, shape: TriangleMesh, albedo: [f64; 3]) -> SceneMesh {
    SceneMesh { material: Material::Mirror, ..painted(name, shape, albedo) }
}

fn shining(name: &str, shape: TriangleMesh, radiance: [f64; 3]) -> SceneMesh {
    SceneMesh { emission: Some(Rgb(radiance)), ..painted(name, shape, [0.0; 3]) }
}

/// A square of half side `a` that shines towards -z at the distance 1 behind the camera, seen in a mirror 1 before it.
fn behind(a: f64) -> Scene {
    let wall = mirror("wall", quad([0.0, 0.0, -1.0], [3.0, 0.0, 0.0], [0.0, 3.0, 0.0]), [1.0; 3]);
    let square = shining("square", quad([0.0, 0.0, 1.0], [0.0, a, 0.0], [a, 0.0, 0.0]), [1.0; 3]);
    scene(looking_down([0.0; 3], 16, 16.0), Transport::Paths { bounces: 2 }, vec![wall, square])
}

/// Sum of the image in the plane at distance 1.
fn in_all() -> Image {
    Image::from_fn(16, 16, |_, _| Rgb([1.0 / 256.0, 0.0, 0.0]))
}

#[test]
fn a_square_in_a_mirror_has_its_closed_form() {
    let a = 0.6;
    let scene = behind(a);
    let world = World::new(&scene);
    let value =
        over(8, |seed| render(&world, 0, RenderOptions { spp: 256, seed, key: 0 }).dot(&in_all()));
    // the image stands at the distance 3
    is("value", value, 4.0 * a * a / 9.0, 4.0 * a * a / 9.0);
    let options = DerivativeOptions { spp: 4, ..Default::default() };
    let by = |name, terms| {
        derivative(&scene, (name, 2), &in_all(), DerivativeOptions { terms, ..options })
    };
    let (by_wall, by_square) = (16.0 * a * a / 27.0, -8.0 * a * a / 27.0);
    is("mirror", by("mesh.wall.translation", Terms::ALL), by_wall, by_wall);
    is("square", by("mesh.square.translation", Terms::ALL), by_square, by_wall);
    // the camera goes away from the image
    is("camera", by("camera.main.translation", Terms::ALL), by_square, by_wall);
    let visible = Terms { visible: true, ..NONE };
    is("edges alone", by("mesh.wall.translation", visible), by_wall, by_wall);
    let finer = DerivativeOptions { spp: 256, ..options };
    let radiance = derivative(&scene, ("light.square.radiance", 0), &in_all(), finer);
    is("radiance", radiance, 4.0 * a * a / 9.0, 4.0 * a * a / 9.0);
}

fn on_film(position: [f64; 3], target: [f64; 3], film: [usize; 2]) -> SceneCamera {
    let view = CameraView { position, target, up: [0.0, 1.0, 0.0], fov_deg: 42.0 };
    SceneCamera::new("main", &view, film).expect("a camera")
}

fn seen_from(position: [f64; 3], target: [f64; 3]) -> SceneCamera {
    on_film(position, target, [32, 24])
}

/// The same scene, in which all that would reflect light diffusely shines with its albedo instead: it has no noise but at edges.
fn glowing(scene: &Scene) -> Scene {
    let glow = |m: &SceneMesh| match m.material {
        Material::Diffuse if m.emission.is_none() => {
            SceneMesh { emission: Some(m.albedo), albedo: Rgb::BLACK, ..m.clone() }
        }
        _ => m.clone(),
    };
    let meshes = scene.meshes().iter().map(glow).collect();
    Scene::with_cameras(scene.cameras().to_vec(), scene.transport, meshes).expect("valid")
}

/// A block on a floor before a leaning mirror, under a panel.
fn dressing_room() -> Scene {
    let floor = painted("floor", quad([0.0; 3], [0.0, 0.0, 3.0], [3.0, 0.0, 0.0]), [0.6, 0.5, 0.4]);
    let glass = quad([0.1, 0.9, -1.0], [1.1, 0.0, 0.1], [0.0, 0.8, -0.15]);
    let panel = quad([0.5, 3.2, 0.6], [1.6, 0.0, 0.0], [0.0, 0.1, 1.6]);
    let block = SceneMesh {
        translation: [-0.2, 0.45, 0.1],
        rotation: [0.2, 0.5, 0.1],
        ..painted("block", cube(0.3), [0.7, 0.4, 0.2])
    };
    let meshes = vec![
        floor,
        block,
        mirror("mirror", glass, [0.9, 0.85, 0.8]),
        shining("panel", panel, [1.0, 1.1, 1.2]),
    ];
    scene(seen_from([0.5, 1.3, 2.9], [0.0, 0.5, 0.0]), Transport::Paths { bounces: 2 }, meshes)
}

#[test]
fn what_a_mirror_shows_has_the_derivative_of_differences() {
    let (lit, light) = (dressing_room(), Output::Radiance);
    let scene = glowing(&lit);
    // short steps: a border that runs along a row of pixels, or along the mirror's own, kinks the sum
    for name in [
        ("mesh.mirror.rotation", 2),
        ("mesh.mirror.translation", 1),
        ("mesh.block.translation", 0),
        ("camera.main.rotation", 1),
    ] {
        check(&scene, name, light, (0.004, 64, 8), &[WITHOUT_VISIBLE]);
    }
    // and with light and shadow
    check_within(
        0.1,
        &lit,
        ("mesh.block.translation", 0),
        light,
        (0.02, 64, 8),
        &[WITHOUT_VISIBLE],
    );
    check(&lit, ("mesh.mirror.albedo", 0), light, (0.05, 64, 8), &[WITHOUT_INTERIOR]);
}

#[test]
fn two_mirrors_show_each_other() {
    // a corner of two mirrors, and a thing that shines before it
    let left = mirror("left", quad([-1.0, 0.5, 0.0], [0.1, 0.0, 1.0], [0.0, 1.5, 0.0]), [0.9; 3]);
    let right = mirror("right", quad([0.2, 0.5, -1.1], [1.2, 0.0, 0.0], [0.0, 1.5, 0.1]), [0.8; 3]);
    let thing = SceneMesh {
        emission: Some(Rgb([1.0, 0.5, 0.2])),
        translation: [-0.1, 0.5, 0.2],
        ..painted("thing", cube(0.25), [0.0; 3])
    };
    let camera = seen_from([1.2, 1.0, 2.6], [-0.3, 0.5, -0.2]);
    let scene = scene(camera, Transport::Paths { bounces: 3 }, vec![left, right, thing]);
    let light = Output::Radiance;
    for (name, h) in [
        (("mesh.thing.translation", 0), 0.02),
        (("mesh.left.rotation", 0), 0.01),
        (("mesh.right.translation", 2), 0.02),
    ] {
        check_within(0.1, &scene, name, light, (h, 128, 8), &[WITHOUT_VISIBLE]);
    }
}

#[test]
fn light_by_way_of_a_mirror_has_the_derivative_of_differences() {
    // the panel shines at the ceiling's mirror alone; the floor has its light from there, past a block
    let floor = painted("floor", quad([0.0; 3], [0.0, 0.0, 2.0], [2.0, 0.0, 0.0]), [0.7; 3]);
    let above = quad([0.0, 2.0, 0.0], [1.5, 0.1, 0.0], [0.0, 0.0, 1.5]);
    let panel = quad([0.3, 0.9, 0.2], [0.0, 0.0, 0.6], [0.6, 0.0, 0.0]);
    let block = SceneMesh {
        translation: [-0.6, 0.6, 0.1],
        ..painted("block", quad([0.0; 3], [0.3, 0.0, 0.1], [0.0, 0.1, 0.4]), [0.0; 3])
    };
    let meshes =
        vec![floor, block, mirror("above", above, [0.9; 3]), shining("panel", panel, [5.0; 3])];
    let camera = seen_from([-0.5, 0.4, 2.2], [-0.6, 0.0, 0.2]);
    let scene = scene(camera, Transport::Paths { bounces: 2 }, meshes);
    let light = Output::Radiance;
    // the mirror's part of the floor's light is small beside the noise of its edges
    for (name, h, most) in
        [(("mesh.block.translation", 0), 0.03, 0.15), (("mesh.panel.translation", 0), 0.05, 0.2)]
    {
        check_within(most, &scene, name, light, (h, 128, 8), &[WITHOUT_INDIRECT]);
    }
}

fn glass(index: f64, roughness: Option<f64>, shape: TriangleMesh) -> SceneMesh {
    let material = Material::Dielectric { index, roughness };
    SceneMesh { material, ..painted("glass", shape, [0.95; 3]) }
}

fn ball(levels: usize) -> TriangleMesh {
    icosphere([0.0; 3], 0.8, levels)
}

#[test]
fn clear_glass_in_even_light_is_not_seen() {
    let camera = seen_from([0.0, 0.0, 3.0], [0.0; 3]);
    let look = |thing: SceneMesh| {
        let scene = scene(camera.clone(), Transport::Paths { bounces: 200 }, vec![thing])
            .with_environment(Environment::constant(Rgb::WHITE))
            .expect("a sky");
        let world = World::new(&scene);
        let green = Image::from_fn(32, 24, |_, _| Rgb([0.0, 1.0 / 768.0, 0.0]));
        over(8, |seed| render(&world, 0, RenderOptions { spp: 32, seed, key: 0 }).dot(&green))
    };
    let white = |roughness| SceneMesh { albedo: Rgb::WHITE, ..glass(1.5, roughness, ball(3)) };
    is("smooth", look(white(None)), 1.0, 1.0);
    // one reflection for each microfacet: what would be reflected twice is lost
    let rough = look(white(Some(0.05)));
    assert!(rough.mean < 1.0 && rough.mean > 0.98, "{rough:?}");
}

#[test]
fn a_pane_lets_through_what_fresnel_says() {
    // a distant wall that shines, seen straight through a pane: (1 - R) / (1 + R) of it, R = 0.04
    let wall = shining("wall", quad([0.0, 0.0, -9.0], [5.0, 0.0, 0.0], [0.0, 5.0, 0.0]), [1.0; 3]);
    let pane = SceneMesh {
        translation: [0.0, 0.0, -4.0],
        albedo: Rgb::WHITE,
        ..glass(1.5, None, cube(1.0))
    };
    let camera = looking_down([0.0; 3], 16, 400.0);
    let scene = scene(camera, Transport::Paths { bounces: 40 }, vec![wall, pane]);
    let world = World::new(&scene);
    let value =
        over(8, |seed| render(&world, 0, RenderOptions { spp: 256, seed, key: 0 }).dot(&in_all()));
    is("pane", value, 0.96 / 1.04, 0.96 / 1.04);
}

/// A rough block of glass before a bright stripe, under an even sky.
fn frosted() -> Scene {
    let floor = painted("floor", quad([0.0; 3], [0.0, 0.0, 3.0], [3.0, 0.0, 0.0]), [0.6, 0.5, 0.4]);
    let stripe =
        shining("stripe", quad([0.2, 0.9, -1.2], [0.7, 0.0, 0.0], [0.0, 0.9, 0.0]), [1.5; 3]);
    let block = SceneMesh {
        translation: [0.0, 0.5, 0.1],
        rotation: [0.0, 0.4, 0.0],
        ..glass(1.4, Some(0.35), cube(0.4))
    };
    let camera = on_film([0.3, 1.0, 2.9], [0.0, 0.5, 0.0], [16, 12]);
    scene(camera, Transport::Paths { bounces: 4 }, vec![floor, stripe, block])
        .with_environment(Environment::constant(Rgb([0.3, 0.4, 0.5])))
        .expect("a sky")
}

#[test]
fn rough_glass_has_the_derivative_of_differences() {
    let scene = frosted();
    let (light, weights) = (Output::Radiance, adjoint(16, 12));
    // nothing moves: many paths cost little
    let finer = DerivativeOptions { spp: 512, ..Default::default() };
    for (name, h) in [(("mesh.glass.index", 0), 0.1), (("mesh.glass.roughness", 0), 0.1)] {
        let difference = differences(&scene, name, (&weights, light), (h, 512, 8));
        agree(name.0, derivative(&scene, name, &weights, finer), difference, 0.2);
    }
    let glass = ("mesh.glass.translation", 0);
    check_within(0.15, &scene, glass, light, (0.05, 256, 8), &[WITHOUT_VISIBLE]);
}

#[test]
fn colours_behind_smooth_glass_have_the_derivative_of_differences() {
    let mut meshes = frosted().meshes().to_vec();
    meshes[2].material = Material::Dielectric { index: 1.4, roughness: None };
    let camera = frosted().cameras()[0].clone();
    let scene = scene(camera, Transport::Paths { bounces: 6 }, meshes);
    let light = Output::Radiance;
    check(&scene, ("mesh.glass.albedo", 1), light, (0.04, 128, 8), &[WITHOUT_INTERIOR]);
    let floor = ("mesh.floor.albedo", 0);
    check_within(0.12, &scene, floor, light, (0.1, 128, 8), &[WITHOUT_INTERIOR]);
}

fn refusal(scene: &Scene, name: &str) -> Option<String> {
    let selection = Selection::new(scene, &[name]).expect("a parameter of the scene");
    match follows(&World::new(scene), 0, &selection) {
        Err(SceneError::Specular { mesh, .. }) => Some(mesh),
        Err(other) => panic!("{other}"),
        Ok(()) => None,
    }
}

#[test]
fn what_is_not_followed_through_smooth_surfaces_is_refused() {
    let clear = |thing: SceneMesh| {
        let mut meshes = frosted().meshes().to_vec();
        meshes[2] = thing;
        scene(frosted().cameras()[0].clone(), Transport::Paths { bounces: 4 }, meshes)
    };
    let smooth = clear(glass(1.5, None, cube(0.4)));
    for name in ["mesh.floor.translation", "mesh.glass.index", "camera.main.rotation"] {
        assert_eq!(refusal(&smooth, name).as_deref(), Some("glass"), "{name}");
    }
    assert_eq!(refusal(&smooth, "mesh.glass.albedo"), None);
    assert_eq!(refusal(&smooth, "camera.main.exposure"), None);
    let rough = clear(glass(1.5, Some(0.1), cube(0.4)));
    for name in ["mesh.floor.translation", "mesh.glass.index", "mesh.glass.roughness"] {
        assert_eq!(refusal(&rough, name), None, "{name}");
    }
    let round = clear(mirror("round", ball(2), [0.9; 3]));
    assert_eq!(refusal(&round, "mesh.floor.translation").as_deref(), Some("round"));
    assert_eq!(refusal(&round, "mesh.round.albedo"), None);
    assert_eq!(refusal(&dressing_room(), "mesh.mirror.vertices"), None);
    let refused = std::panic::catch_unwind(|| {
        let selection = Selection::new(&smooth, &["mesh.floor.translation"]).expect("a name");
        let adjoint = Image::from_fn(16, 12, |_, _| Rgb::WHITE);
        vjp(&World::new(&smooth), 0, &selection, &adjoint, &DerivativeOptions::default())
    });
    assert!(refused.is_err(), "no number comes out where nothing follows");
    // light of a lamp by way of a mirror would never be found
    let lamp = SceneLamp {
        name: "lamp".into(),
        kind: LampKind::Point { position: [0.0, 2.0, 0.0] },
        intensity: Rgb::WHITE,
    };
    let lit = dressing_room().with_lamps(vec![lamp]);
    assert!(matches!(lit, Err(SceneError::Caustic { .. })));
}
