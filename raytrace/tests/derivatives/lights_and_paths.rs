//! Lamps, skies, smooth normals, textures, light that is reflected often, and what a camera records besides light: closed forms where
//! there are any, else finite differences with common random numbers. Every term that a case needs is shown to be needed.

use std::sync::Arc;

use cotangent_raytrace::reference::icosphere;
use cotangent_raytrace::{
    CameraView, DerivativeOptions, Environment, Image, LampKind, Material, Output, RenderOptions,
    Rgb, Scene, SceneCamera, SceneError, SceneLamp, SceneMesh, Shading, Terms, Texture, Transport,
    TriangleMesh, World, render,
};

use crate::common::{
    NONE, WITHOUT_INDIRECT, WITHOUT_INTERIOR, WITHOUT_SHADOWS, WITHOUT_VISIBLE, agree, check,
    check_within, cube, derivative, differences, is, looking_down, over, painted, quad, scene,
};

/// Case R7: the shadow of a square of half side 1/2 at the height `2 - D` under a lamp of intensity 1 at the height 2.
#[test]
fn the_shadow_of_a_square_under_a_lamp_has_its_closed_form() {
    let (pixels, focal) = (16, 4.0);
    let floor = painted("floor", quad([0.0; 3], [6.0, 0.0, 0.0], [0.0, 6.0, 0.0]), [0.5; 3]);
    let square = quad([0.0, 0.0, 1.0], [0.5, 0.0, 0.0], [0.0, 0.5, 0.0]);
    let meshes = vec![floor, painted("square", square, [0.0; 3])];
    let camera = looking_down([0.0, 0.0, 0.9], pixels, focal);
    let lamp = SceneLamp {
        name: "lamp".into(),
        kind: LampKind::Point { position: [0.0, 0.0, 2.0] },
        intensity: Rgb::WHITE,
    };
    let scene = scene(camera, Transport::Direct, meshes).with_lamps(vec![lamp]).expect("a lamp");
    let red = Image::from_fn(pixels, pixels, |_, _| Rgb([1.0 / (focal * focal), 0.0, 0.0]));
    let world = World::new(&scene);
    let value =
        over(8, |seed| render(&world, 0, RenderOptions { spp: 256, seed, key: 0 }).dot(&red));
    is("value", value, 0.206_410_496_9, 0.2064);
    let right = 0.256_690_3; // by D, which is against z
    let options = DerivativeOptions { spp: 16, ..Default::default() };
    let by = |name, entry, terms| {
        derivative(&scene, (name, entry), &red, DerivativeOptions { terms, ..options })
    };
    let square = "mesh.square.translation";
    is("by the distance", by(square, 2, Terms::ALL), -right, right);
    is("sideways", by(square, 0, Terms::ALL), 0.0, right);
    is("shadows", by(square, 2, Terms { shadows: true, ..NONE }), -right, right);
    for (what, terms) in [
        ("interior", Terms::INTERIOR),
        ("visible", Terms { visible: true, ..NONE }),
        ("indirect", Terms { indirect: true, ..NONE }),
    ] {
        is(what, by(square, 2, terms), 0.0, right);
    }
    is("intensity", by("light.lamp.intensity", 0, Terms::ALL), 0.206_410_496_9, 0.2064);
    // sideways nothing changes while the window is as good as endless; up and down by differences
    let name = "light.lamp.position";
    let lift = differences(&scene, (name, 2), (&red, Output::Radiance), (0.02, 512, 8));
    agree(name, by(name, 2, Terms::ALL), lift, 0.01);
}

/// Case R3: a cube of albedo 1/2 under light 1 from everywhere is seen as 1/2; it moves towards the camera.
#[test]
fn a_cube_under_an_even_sky_has_its_closed_form() {
    let (pixels, focal) = (16, 16.0);
    let meshes = vec![painted("cube", cube(1.0), [0.5; 3])];
    let camera = looking_down([0.0, 0.0, 4.0], pixels, focal);
    let scene = scene(camera, Transport::Paths { bounces: 4 }, meshes)
        .with_environment(Environment::constant(Rgb::WHITE))
        .expect("a sky");
    let red = Image::from_fn(pixels, pixels, |_, _| Rgb([1.0 / (focal * focal), 0.0, 0.0]));
    let value = over(8, |seed| {
        let world = World::new(&scene);
        render(&world, 0, RenderOptions { spp: 64, seed, key: 0 }).dot(&red)
    });
    is("value", value, 1.0 - 0.5 * 4.0 / 9.0, 1.0);
    let right = -0.5 * 8.0 / 27.0;
    let options = DerivativeOptions { spp: 4, ..Default::default() };
    let by = |name, entry, terms| {
        derivative(&scene, (name, entry), &red, DerivativeOptions { terms, ..options })
    };
    let cube = "mesh.cube.translation";
    is("all", by(cube, 2, Terms::ALL), right, right.abs());
    is("visible", by(cube, 2, Terms { visible: true, ..NONE }), right, right.abs());
    for (what, terms) in [
        ("interior", Terms::INTERIOR),
        ("shadows", Terms { shadows: true, ..NONE }),
        ("indirect", Terms { indirect: true, ..NONE }),
    ] {
        is(what, by(cube, 2, terms), 0.0, right.abs());
    }
    is("sky", by("environment.radiance", 0, Terms::ALL), 1.0 - 2.0 / 9.0, 1.0);
    is("albedo", by("mesh.cube.albedo", 0, Terms::ALL), 4.0 / 9.0, 1.0);
}

/// The furnace: inside a closed box that emits `e` and reflects the part `rho`, light is `e (1 + rho + ... + rho^n)` everywhere after `n`
/// reflections, whatever the size of the box.
#[test]
fn light_in_a_closed_box_is_the_geometric_series() {
    let inside = cube(1.0);
    let turned: Vec<[usize; 3]> =
        inside.faces().iter().map(|[a, b, c]| [*a, *c, *b].map(|v| v as usize)).collect();
    let corners: Vec<[f64; 3]> = inside.vertices().iter().map(|v| v.0).collect();
    let shape = TriangleMesh::new(&corners, &turned).expect("a box");
    let (e, rho) = (0.3, 0.6);
    let walls = SceneMesh { emission: Some(Rgb([e; 3])), ..painted("box", shape, [rho; 3]) };
    let camera = looking_down([0.2, 0.1, 0.5], 8, 5.0);
    let weights = Image::from_fn(8, 8, |_, _| Rgb([1.0 / 64.0, 0.0, 0.0]));
    for bounces in [2, 3, 200] {
        let scene = scene(camera.clone(), Transport::Paths { bounces }, vec![walls.clone()]);
        let world = World::new(&scene);
        let value = over(8, |seed| {
            render(&world, 0, RenderOptions { spp: 256, seed, key: 0 }).dot(&weights)
        });
        let n = i32::try_from(bounces).expect("a few");
        let right = e * (1.0 - rho.powi(n + 1)) / (1.0 - rho);
        assert!(value.error < 0.01 * right, "{bounces}: {value:?}");
        assert!((value.mean - right).abs() < 3.5 * value.error, "{bounces}: {value:?}, {right}");
        if bounces == 3 {
            let options = DerivativeOptions { spp: 128, shadow_spp: 16, ..Default::default() };
            let by = |name| derivative(&scene, (name, 0), &weights, options);
            // d/drho of 1 + rho + rho^2 + rho^3, in one channel
            let by_albedo = by("mesh.box.albedo");
            let right = e * (1.0 + 2.0 * rho + 3.0 * rho * rho);
            assert!(by_albedo.error < 0.02 * right, "{by_albedo:?}");
            assert!((by_albedo.mean - right).abs() < 3.5 * by_albedo.error, "{by_albedo:?}");
        }
    }
}

/// A round thing above a floor, seen from the side.
fn stage(transport: Transport, thing: SceneMesh) -> Scene {
    let view = CameraView {
        position: [0.3, 1.5, 2.8],
        target: [0.0, 0.4, 0.0],
        up: [0.0, 1.0, 0.0],
        fov_deg: 42.0,
    };
    let camera = SceneCamera::new("main", &view, [20, 16]).expect("a camera");
    let floor = quad([0.0; 3], [0.3, 0.0, 4.0], [4.0, 0.0, -0.2]);
    scene(camera, transport, vec![painted("floor", floor, [0.6, 0.5, 0.4]), thing])
}

fn ball(shading: Shading) -> SceneMesh {
    SceneMesh {
        shading,
        translation: [0.1, 0.6, -0.1],
        rotation: [0.3, 0.2, -0.4],
        ..painted("ball", icosphere([0.0; 3], 0.5, 1), [0.7, 0.4, 0.3])
    }
}

fn with_panel(scene: &Scene) -> Scene {
    let panel = SceneMesh {
        albedo: Rgb::BLACK,
        emission: Some(Rgb([12.0, 11.0, 10.0])),
        ..SceneMesh::new("panel", quad([0.8, 2.6, 0.9], [0.4, 0.1, 0.0], [0.0, -0.1, 0.4]))
    };
    let meshes = [scene.meshes().to_vec(), vec![panel]].concat();
    Scene::with_cameras(scene.cameras().to_vec(), scene.transport, meshes).expect("a valid scene")
}

#[test]
fn a_smooth_ball_has_the_derivative_of_differences() {
    let scene = with_panel(&stage(Transport::Direct, ball(Shading::Smooth)));
    for (name, entry) in [("scale", 0), ("translation", 1)] {
        let name = format!("mesh.ball.{name}");
        check(&scene, (&name, entry), Output::Radiance, (0.02, 256, 8), &[WITHOUT_INTERIOR]);
    }
    // what is smooth is 4 % of this one, too little to be told from noise
    check(&scene, ("mesh.ball.translation", 2), Output::Radiance, (0.02, 256, 8), &[]);
    check(&scene, ("mesh.ball.vertices", 4), Output::Radiance, (0.03, 512, 8), &[]);
}

#[test]
fn normals_of_a_file_have_the_derivative_of_differences() {
    let shape = icosphere([0.0; 3], 0.5, 1);
    let normals: Vec<[f64; 3]> =
        shape.vertices().iter().map(|v| [v[0] + 0.7 * v[1], v[1], 0.5 * v[2]]).collect();
    let faces: Vec<[usize; 3]> = shape.faces().iter().map(|f| f.map(|v| v as usize)).collect();
    let shape = shape.with_normals(&normals, &faces).expect("normals");
    let thing = SceneMesh { shape: Arc::new(shape), ..ball(Shading::Given) };
    let scene = with_panel(&stage(Transport::Direct, thing));
    check_within(0.15, &scene, ("mesh.ball.rotation", 1), Output::Radiance, (0.05, 256, 8), &[]);
    check(&scene, ("mesh.ball.normals", 4), Output::Radiance, (0.02, 256, 8), &[WITHOUT_INTERIOR]);
}

/// A floor with a picture on it, lit by a lamp.
fn carpet() -> Scene {
    let mut scene = stage(Transport::Direct, ball(Shading::Flat));
    let picture = Image::from_fn(4, 5, |r, c| {
        Rgb([0.2 + 0.1 * ((r * c) % 5) as f64, 0.9 - 0.1 * r as f64, 0.1 + 0.2 * (c % 3) as f64])
    });
    let mut meshes = scene.meshes().to_vec();
    let shape = TriangleMesh::clone(&meshes[0].shape);
    let uv = [[0.1, -0.4], [2.1, 0.2], [1.7, 1.9], [-0.3, 1.2]];
    let shape = shape.with_uv(&uv, &[[0, 1, 2], [0, 2, 3]]).expect("coordinates");
    meshes[0].shape = Arc::new(shape);
    meshes[0].texture = Some(Arc::new(Texture::new(picture).expect("a texture")));
    scene = Scene::with_cameras(scene.cameras().to_vec(), scene.transport, meshes).expect("valid");
    let lamp = SceneLamp {
        name: "spot".into(),
        kind: LampKind::Spot {
            position: [1.0, 2.4, 0.9],
            direction: [-0.9, -2.0, -0.8],
            cone: [0.2, 0.7],
        },
        intensity: Rgb([9.0, 8.0, 7.0]),
    };
    scene.with_lamps(vec![lamp]).expect("a lamp")
}

#[test]
fn a_texture_under_a_spot_has_the_derivative_of_differences() {
    let scene = carpet();
    let light = Output::Radiance;
    check(&scene, ("mesh.floor.texture", 20), light, (0.1, 64, 4), &[WITHOUT_INTERIOR]);
    check(&scene, ("mesh.floor.translation", 0), light, (0.02, 256, 8), &[WITHOUT_INTERIOR]);
    let shadows = &[WITHOUT_SHADOWS];
    check(&scene, ("mesh.ball.translation", 0), light, (0.02, 256, 8), shadows);
    check(&scene, ("camera.main.translation", 0), light, (0.02, 256, 8), shadows);
    check(&scene, ("light.spot.position", 0), light, (0.02, 256, 8), shadows);
    check(&scene, ("light.spot.direction", 0), light, (0.05, 64, 4), &[WITHOUT_INTERIOR]);
    check(&scene, ("light.spot.cone", 1), light, (0.01, 64, 4), &[WITHOUT_INTERIOR]);
}

#[test]
fn a_distant_lamp_has_the_derivative_of_differences() {
    let lamp = SceneLamp {
        name: "sun".into(),
        kind: LampKind::Distant { direction: [-0.5, -1.0, -0.4] },
        intensity: Rgb([3.0, 2.5, 2.0]),
    };
    let scene = stage(Transport::Direct, ball(Shading::Flat)).with_lamps(vec![lamp]).expect("sun");
    let (light, shadows) = (Output::Radiance, &[WITHOUT_SHADOWS]);
    check(&scene, ("mesh.ball.translation", 0), light, (0.02, 256, 8), shadows);
    check(&scene, ("light.sun.direction", 0), light, (0.02, 256, 8), shadows);
    check(&scene, ("mesh.floor.translation", 1), light, (0.02, 256, 8), shadows);
}

#[test]
fn a_picture_as_sky_has_the_derivative_of_differences() {
    let picture = Image::from_fn(8, 6, |r, c| {
        Rgb([0.3 + 0.4 * ((r + c) % 3) as f64, 1.5 - 0.2 * r as f64, 0.2 + 0.3 * (c % 4) as f64])
    });
    let sky = Environment::new(Texture::new(picture).expect("a texture"));
    let scene = stage(Transport::Direct, ball(Shading::Flat)).with_environment(sky).expect("a sky");
    let light = Output::Radiance;
    check(&scene, ("environment.rotation", 1), light, (0.05, 128, 8), &[]);
    check(&scene, ("environment.texels", 40), light, (0.1, 256, 8), &[]);
    check(&scene, ("mesh.ball.translation", 1), light, (0.03, 256, 8), &[WITHOUT_INDIRECT]);
    check(&scene, ("camera.main.rotation", 0), light, (0.02, 256, 8), &[WITHOUT_VISIBLE]);
}

/// A room of quads around a block, lit by a panel and a lamp, light reflected three times.
fn room() -> Scene {
    let view = CameraView {
        position: [0.2, 1.1, 1.7],
        target: [-0.2, 0.6, -1.0],
        up: [0.0, 1.0, 0.0],
        fov_deg: 70.0,
    };
    let camera = SceneCamera::new("main", &view, [12, 9]).expect("a camera");
    let walls: [(&str, TriangleMesh, [f64; 3]); 6] = [
        ("left", quad([-1.5, 1.0, 0.0], [0.0, 0.0, -2.0], [0.0, 1.0, 0.0]), [0.8, 0.2, 0.2]),
        ("right", quad([1.5, 1.0, 0.0], [0.0, 0.0, 2.0], [0.0, 1.0, 0.0]), [0.2, 0.8, 0.2]),
        ("back", quad([0.0, 1.0, -2.0], [1.5, 0.0, 0.0], [0.0, 1.0, 0.0]), [0.4, 0.4, 0.9]),
        ("front", quad([0.0, 1.0, 2.0], [-1.5, 0.0, 0.0], [0.0, 1.0, 0.0]), [0.5; 3]),
        ("ceiling", quad([0.0, 2.0, 0.0], [1.5, 0.0, 0.0], [0.0, 0.0, 2.0]), [0.9; 3]),
        ("floor", quad([0.0; 3], [1.5, 0.0, 0.0], [0.0, 0.0, -2.0]), [0.7, 0.7, 0.6]),
    ];
    let mut meshes: Vec<SceneMesh> =
        walls.into_iter().map(|(name, shape, albedo)| painted(name, shape, albedo)).collect();
    meshes.push(SceneMesh {
        translation: [-0.3, 0.7, -0.5],
        rotation: [0.2, 0.5, 0.1],
        ..painted("block", cube(0.35), [0.8, 0.7, 0.3])
    });
    meshes.push(SceneMesh {
        albedo: Rgb::BLACK,
        emission: Some(Rgb([9.0, 8.0, 7.0])),
        ..SceneMesh::new("panel", quad([0.5, 1.9, 0.0], [0.4, 0.0, 0.0], [0.0, 0.0, 0.4]))
    });
    let lamp = SceneLamp {
        name: "lamp".into(),
        kind: LampKind::Point { position: [-0.9, 1.5, 0.6] },
        intensity: Rgb([0.8, 0.9, 1.0]),
    };
    scene(camera, Transport::Paths { bounces: 3 }, meshes).with_lamps(vec![lamp]).expect("a lamp")
}

#[test]
fn a_block_in_a_room_of_many_reflections_has_the_derivative_of_differences() {
    let scene = room();
    // short: the proof to 1 % is the measured table's
    let all = |parameter: (&str, usize), h: f64| {
        check_within(0.15, &scene, parameter, Output::Radiance, (h, 128, 8), &[]);
    };
    all(("mesh.block.translation", 0), 0.04);
    all(("camera.main.rotation", 1), 0.03);
    all(("mesh.panel.translation", 0), 0.05);
    all(("light.lamp.position", 1), 0.05);
}

#[test]
fn a_glossy_floor_has_the_derivative_of_differences() {
    let mut scene = with_panel(&stage(Transport::Paths { bounces: 2 }, ball(Shading::Flat)));
    let mut meshes = scene.meshes().to_vec();
    meshes[0].material = Material::Conductor { roughness: 0.4 };
    scene = Scene::with_cameras(scene.cameras().to_vec(), scene.transport, meshes).expect("valid");
    let light = Output::Radiance;
    check(&scene, ("mesh.floor.roughness", 0), light, (0.02, 128, 8), &[WITHOUT_INTERIOR]);
    check(&scene, ("mesh.floor.albedo", 1), light, (0.05, 64, 8), &[]);
    check_within(0.15, &scene, ("mesh.ball.translation", 0), light, (0.04, 128, 8), &[]);
}

/// A panel that is sunk into a sloping ceiling above two blocks that cut through each other.
fn sunk() -> Scene {
    let block = |name: &str, place: [f64; 3], turn: [f64; 3], albedo: [f64; 3]| SceneMesh {
        translation: place,
        rotation: turn,
        ..painted(name, cube(0.4), albedo)
    };
    let ceiling = quad([0.0, 2.0, 0.0], [3.0, 0.3, 0.0], [0.0, 0.1, 3.0]);
    let panel = quad([0.3, 2.0, 0.4], [0.6, -0.15, 0.0], [0.1, -0.05, 0.5]);
    let right = block("right", [0.25, 0.5, 0.1], [-0.3, 0.1, 0.5], [0.2, 0.7, 0.9]);
    let scene = stage(Transport::Direct, right);
    let more = vec![
        block("left", [-0.25, 0.5, 0.0], [0.2, 0.4, 0.1], [0.8, 0.2, 0.1]),
        painted("ceiling", ceiling, [0.8; 3]),
        SceneMesh {
            albedo: Rgb::BLACK,
            emission: Some(Rgb([12.0, 11.0, 10.0])),
            ..SceneMesh::new("panel", panel)
        },
    ];
    let meshes = [scene.meshes().to_vec(), more].concat();
    Scene::with_cameras(scene.cameras().to_vec(), scene.transport, meshes).expect("a valid scene")
}

#[test]
fn faces_that_cut_through_each_other_have_the_derivative_of_differences() {
    let scene = sunk();
    let light = Output::Radiance;
    // moving the ceiling moves nothing but where it cuts the panel
    check(&scene, ("mesh.ceiling.translation", 1), light, (0.03, 128, 8), &[WITHOUT_SHADOWS]);
    check(&scene, ("mesh.panel.translation", 1), light, (0.03, 128, 8), &[WITHOUT_SHADOWS]);
    check(&scene, ("mesh.right.rotation", 1), light, (0.03, 512, 8), &[WITHOUT_VISIBLE]);
}

#[test]
fn what_is_no_light_has_the_derivative_of_differences() {
    let scene = stage(Transport::Direct, ball(Shading::Smooth));
    let place = ("mesh.ball.translation", 0);
    let without = &[WITHOUT_VISIBLE];
    for output in [Output::Alpha, Output::Depth, Output::Position, Output::Normal] {
        // without the floor there is a silhouette before nothing
        let alone = Scene::with_cameras(
            scene.cameras().to_vec(),
            Transport::Direct,
            vec![scene.meshes()[1].clone()],
        );
        check(&alone.expect("a valid scene"), place, output, (0.01, 256, 8), without);
    }
    let turn = ("camera.main.rotation", 0);
    for output in [Output::Depth, Output::Position, Output::Normal] {
        // a border along the rows of pixels kinks the sum where it crosses one: short steps
        check(&scene, turn, output, (0.002, 256, 8), without);
    }
}

#[test]
fn what_is_not_followed_is_refused() {
    let sharp = SceneLamp {
        name: "sharp".into(),
        kind: LampKind::Spot {
            position: [0.0, 2.0, 0.0],
            direction: [0.0, -1.0, 0.0],
            cone: [0.5, 0.5],
        },
        intensity: Rgb::WHITE,
    };
    let scene = stage(Transport::Direct, ball(Shading::Flat));
    let refused = scene.clone().with_lamps(vec![sharp]).expect_err("a sharp cone");
    assert!(matches!(refused, SceneError::Lamp { .. }), "{refused}");
    let given = SceneMesh { shading: Shading::Given, ..scene.meshes()[1].clone() };
    let refused = Scene::with_cameras(scene.cameras().to_vec(), scene.transport, vec![given]);
    assert!(matches!(refused, Err(SceneError::Lacks { .. })));
}
