//! Scenes of the long proofs: one of each kind of thing that moves.

use std::sync::Arc;

use cotangent_raytrace::reference::icosphere;
use cotangent_raytrace::{
    CameraView, Environment, Image, LampKind, Material, Rgb, Scene, SceneCamera, SceneError,
    SceneLamp, SceneMesh, Shading, Texture, Transport, TriangleMesh,
};

pub(super) type Built = Result<Scene, SceneError>;

/// The parallelogram with centre `c` and half sides `x` and `y`; its front is along `x` cross `y`.
pub(super) fn quad(c: [f64; 3], x: [f64; 3], y: [f64; 3]) -> TriangleMesh {
    TriangleMesh::parallelogram(c, x, y).expect("its sides span an area")
}

/// The cube `[-a, a]^3` with its front outside.
pub(super) fn cube(a: f64) -> TriangleMesh {
    TriangleMesh::cube(a).expect("a cube has faces with area")
}

pub(super) fn painted(name: &str, shape: TriangleMesh, albedo: [f64; 3]) -> SceneMesh {
    SceneMesh { albedo: Rgb(albedo), ..SceneMesh::new(name, shape) }
}

pub(super) fn shining(name: &str, shape: TriangleMesh, radiance: [f64; 3]) -> SceneMesh {
    SceneMesh { albedo: Rgb::BLACK, emission: Some(Rgb(radiance)), ..SceneMesh::new(name, shape) }
}

pub(super) fn seen(
    [position, target]: [[f64; 3]; 2],
    fov_deg: f64,
    film: [usize; 2],
    transport: Transport,
    meshes: Vec<SceneMesh>,
) -> Built {
    let view = CameraView { position, target, up: [0.0, 1.0, 0.0], fov_deg };
    let camera = SceneCamera::new("main", &view, film)?;
    Scene::with_cameras(vec![camera], transport, meshes)
}

/// The scene with other meshes.
fn with_meshes(scene: &Scene, meshes: Vec<SceneMesh>) -> Built {
    Scene::with_cameras(scene.cameras().to_vec(), scene.transport, meshes)
}

/// A closed room of quads around a block, lit by a panel under its ceiling and a lamp, light reflected three times.
pub(super) fn room() -> Built {
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
    let panel = quad([0.5, 1.9, 0.0], [0.4, 0.0, 0.0], [0.0, 0.0, 0.4]);
    meshes.push(shining("panel", panel, [9.0, 8.0, 7.0]));
    let lamp = SceneLamp {
        name: "lamp".into(),
        kind: LampKind::Point { position: [-0.9, 1.5, 0.6] },
        intensity: Rgb([0.8, 0.9, 1.0]),
    };
    let view = [[0.2, 1.1, 1.7], [-0.2, 0.6, -1.0]];
    seen(view, 70.0, [12, 9], Transport::Paths { bounces: 3 }, meshes)?.with_lamps(vec![lamp])
}

/// A round thing above a floor, seen from the side.
fn stage(transport: Transport, thing: SceneMesh) -> Built {
    let floor = quad([0.0; 3], [0.3, 0.0, 4.0], [4.0, 0.0, -0.2]);
    let meshes = vec![painted("floor", floor, [0.6, 0.5, 0.4]), thing];
    seen([[0.3, 1.5, 2.8], [0.0, 0.4, 0.0]], 42.0, [20, 16], transport, meshes)
}

fn ball(shading: Shading) -> SceneMesh {
    SceneMesh {
        shading,
        translation: [0.1, 0.6, -0.1],
        rotation: [0.3, 0.2, -0.4],
        ..painted("ball", icosphere([0.0; 3], 0.5, 1), [0.7, 0.4, 0.3])
    }
}

fn with_panel(scene: &Scene) -> Built {
    let panel = quad([0.8, 2.6, 0.9], [0.4, 0.1, 0.0], [0.0, -0.1, 0.4]);
    let panel = shining("panel", panel, [12.0, 11.0, 10.0]);
    with_meshes(scene, [scene.meshes().to_vec(), vec![panel]].concat())
}

/// A ball shaded smoothly, under a panel.
pub(super) fn smooth_ball() -> Built {
    with_panel(&stage(Transport::Direct, ball(Shading::Smooth))?)
}

/// A flat-shaded ball over a rough metal floor, which shows it, under a panel.
pub(super) fn glossy_floor() -> Built {
    let scene = with_panel(&stage(Transport::Paths { bounces: 2 }, ball(Shading::Flat))?)?;
    let mut meshes = scene.meshes().to_vec();
    meshes[0].material = Material::Conductor { roughness: 0.4 };
    with_meshes(&scene, meshes)
}

/// A flat-shaded ball under a sky with a picture.
pub(super) fn under_a_sky() -> Built {
    let picture = Image::from_fn(8, 6, |r, c| {
        Rgb([0.3 + 0.4 * ((r + c) % 3) as f64, 1.5 - 0.2 * r as f64, 0.2 + 0.3 * (c % 4) as f64])
    });
    stage(Transport::Direct, ball(Shading::Flat))?
        .with_environment(Environment::new(Texture::new(picture)?))
}

/// A flat-shaded ball over a floor with a picture, under a spot.
pub(super) fn carpet() -> Built {
    let scene = stage(Transport::Direct, ball(Shading::Flat))?;
    let picture = Image::from_fn(4, 5, |r, c| {
        Rgb([0.2 + 0.1 * ((r * c) % 5) as f64, 0.9 - 0.1 * r as f64, 0.1 + 0.2 * (c % 3) as f64])
    });
    let mut meshes = scene.meshes().to_vec();
    let shape = TriangleMesh::clone(&meshes[0].shape);
    let uv = [[0.1, -0.4], [2.1, 0.2], [1.7, 1.9], [-0.3, 1.2]];
    meshes[0].shape =
        Arc::new(shape.with_uv(&uv, &[[0, 1, 2], [0, 2, 3]]).expect("a pair for each corner"));
    meshes[0].texture = Some(Arc::new(Texture::new(picture)?));
    let lamp = SceneLamp {
        name: "spot".into(),
        kind: LampKind::Spot {
            position: [1.0, 2.4, 0.9],
            direction: [-0.9, -2.0, -0.8],
            cone: [0.2, 0.7],
        },
        intensity: Rgb([9.0, 8.0, 7.0]),
    };
    with_meshes(&scene, meshes)?.with_lamps(vec![lamp])
}

/// Two blocks that cut through each other, and a floor that both cut through, under a panel.
fn blocks(transport: Transport) -> Built {
    let floor = quad([0.0; 3], [0.3, 0.0, 4.0], [4.0, 0.0, -0.2]);
    let block = |name: &str, place: [f64; 3], turn: [f64; 3], albedo: [f64; 3]| SceneMesh {
        translation: place,
        rotation: turn,
        ..painted(name, cube(0.4), albedo)
    };
    let panel = quad([0.8, 2.6, 0.9], [0.4, 0.1, 0.0], [0.0, -0.1, 0.4]);
    let meshes = vec![
        painted("floor", floor, [0.6, 0.5, 0.4]),
        block("left", [-0.25, 0.35, 0.0], [0.2, 0.4, 0.1], [0.8, 0.2, 0.1]),
        block("right", [0.25, 0.45, 0.1], [-0.3, 0.1, 0.5], [0.2, 0.7, 0.9]),
        shining("panel", panel, [12.0, 11.0, 10.0]),
    ];
    seen([[0.3, 1.5, 2.8], [0.0, 0.4, 0.0]], 42.0, [20, 16], transport, meshes)
}

/// The same with light reflected once.
pub(super) fn crossing_blocks() -> Built {
    blocks(Transport::Direct)
}

/// The same with light reflected three times.
pub(super) fn crossing_blocks_that_light_each_other() -> Built {
    blocks(Transport::Paths { bounces: 3 })
}

/// A panel that is sunk into a sloping ceiling, so that a part of it is hidden, above a block.
pub(super) fn sunk_panel() -> Built {
    let floor = quad([0.0; 3], [0.3, 0.0, 4.0], [4.0, 0.0, -0.2]);
    let ceiling = quad([0.0, 2.0, 0.0], [3.0, 0.3, 0.0], [0.0, 0.1, 3.0]);
    let panel = quad([0.3, 2.0, 0.4], [0.6, -0.15, 0.0], [0.1, -0.05, 0.5]);
    let block = SceneMesh {
        translation: [-0.1, 0.5, 0.0],
        rotation: [0.2, 0.4, 0.1],
        ..painted("block", cube(0.3), [0.7, 0.4, 0.3])
    };
    let meshes = vec![
        painted("floor", floor, [0.6, 0.5, 0.4]),
        painted("ceiling", ceiling, [0.8; 3]),
        block,
        shining("panel", panel, [12.0, 11.0, 10.0]),
    ];
    let view = [[0.3, 1.2, 2.8], [0.0, 0.6, 0.0]];
    seen(view, 60.0, [20, 16], Transport::Direct, meshes)
}
