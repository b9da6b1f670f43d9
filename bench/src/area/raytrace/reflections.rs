//! Scenes of what is seen in mirrors and through glass, and the numbers of them that the long proofs move.

use cotangent_raytrace::{
    Environment, Material, Rgb, Scene, SceneError, SceneMesh, Terms, Transport, TriangleMesh,
};

use super::moving::{Case, case};
use super::scenes::{Built, cube, painted, quad, seen, shining};

const WITHOUT_INTERIOR: Terms = Terms { interior: false, ..Terms::ALL };
const WITHOUT_VISIBLE: Terms = Terms { visible: false, ..Terms::ALL };
const WITHOUT_INDIRECT: Terms = Terms { indirect: false, ..Terms::ALL };

const MIRRORED: &str = "the edges that the camera sees, all of them in the mirror";
const EDGES: &str = "the edges that the camera sees";
const INTERIOR: &str = "the interior term";

pub(super) const CASES: &[Case] = &[
    case(
        "block behind the camera, seen in a mirror",
        behind,
        ("mesh.block.translation", 0),
        0.03,
        [128, 96],
    )
    .needs(MIRRORED, WITHOUT_VISIBLE),
    case("mirror that turns", behind, ("mesh.mirror.rotation", 1), 0.02, [128, 96])
        .needs(MIRRORED, WITHOUT_VISIBLE),
    case("camera that turns before a mirror", behind, ("camera.main.rotation", 0), 0.02, [128, 96])
        .needs(MIRRORED, WITHOUT_VISIBLE),
    case("colour of a mirror", behind, ("mesh.mirror.albedo", 1), 0.05, [16, 16])
        .needs(INTERIOR, WITHOUT_INTERIOR),
    case(
        "thing between two mirrors that show each other",
        corner,
        ("mesh.thing.translation", 0),
        0.02,
        [128, 96],
    )
    .needs(EDGES, WITHOUT_VISIBLE),
    case(
        "one of two mirrors that show each other",
        corner,
        ("mesh.left.rotation", 0),
        0.03,
        [512, 400],
    )
    .needs(EDGES, WITHOUT_VISIBLE),
    case(
        "block in the light that a mirror sends down",
        lit_by_a_mirror,
        ("mesh.block.translation", 0),
        0.05,
        [500, 400],
    )
    .needs("the edges that points see", WITHOUT_INDIRECT),
    case("index of rough glass", frosted, ("mesh.glass.index", 0), 0.05, [400, 400])
        .needs(INTERIOR, WITHOUT_INTERIOR),
    case("roughness of glass", frosted, ("mesh.glass.roughness", 0), 0.05, [400, 400])
        .needs(INTERIOR, WITHOUT_INTERIOR),
    case(
        "block of rough glass that moves",
        frosted,
        ("mesh.glass.translation", 0),
        0.05,
        [500, 400],
    )
    .needs(EDGES, WITHOUT_VISIBLE),
    case("colour of clear glass", clear, ("mesh.glass.albedo", 1), 0.04, [128, 96])
        .needs(INTERIOR, WITHOUT_INTERIOR),
    case("colour of a floor behind clear glass", clear, ("mesh.floor.albedo", 0), 0.1, [128, 96])
        .needs(INTERIOR, WITHOUT_INTERIOR),
];

fn mirror(name: &str, shape: TriangleMesh, albedo: [f64; 3]) -> SceneMesh {
    SceneMesh { material: Material::Mirror, ..painted(name, shape, albedo) }
}

/// A camera that looks at a mirror, which fills its film; a block and what is behind it shine, behind the camera.
fn behind() -> Built {
    let wall = quad([0.0, 0.9, -1.0], [1.6, 0.0, 0.1], [0.0, 1.2, -0.1]);
    let backdrop = quad([0.0, 1.0, 3.4], [0.0, 2.5, 0.0], [3.0, 0.0, 0.2]);
    let block = SceneMesh {
        translation: [-0.2, 0.8, 2.2],
        rotation: [0.2, 0.5, 0.1],
        ..shining("block", cube(0.4), [0.7, 0.4, 0.2])
    };
    let meshes = vec![
        shining("backdrop", backdrop, [0.1, 0.2, 0.3]),
        block,
        mirror("mirror", wall, [0.9, 0.85, 0.8]),
    ];
    let view = [[0.1, 0.9, 1.0], [0.0, 0.9, -1.0]];
    seen(view, 40.0, [20, 16], Transport::Paths { bounces: 2 }, meshes)
}

/// A thing that shines before a corner of two mirrors.
fn corner() -> Built {
    let left = quad([-1.0, 0.5, 0.0], [0.1, 0.0, 1.0], [0.0, 1.5, 0.0]);
    let right = quad([0.2, 0.5, -1.1], [1.2, 0.0, 0.0], [0.0, 1.5, 0.1]);
    let thing = SceneMesh {
        translation: [-0.1, 0.5, 0.2],
        rotation: [0.3, 0.2, 0.1],
        ..shining("thing", cube(0.25), [1.0, 0.5, 0.2])
    };
    let meshes = vec![mirror("left", left, [0.9; 3]), mirror("right", right, [0.8; 3]), thing];
    let view = [[1.2, 1.0, 2.6], [-0.3, 0.5, -0.2]];
    seen(view, 42.0, [20, 16], Transport::Paths { bounces: 3 }, meshes)
}

/// A panel that shines up at a mirror alone; the floor has all its light from there, past a block.
fn lit_by_a_mirror() -> Built {
    let floor = painted("floor", quad([0.0; 3], [0.0, 0.0, 2.0], [2.0, 0.0, 0.0]), [0.7; 3]);
    let above = quad([0.0, 1.6, 0.0], [1.5, 0.1, 0.0], [0.0, 0.0, 1.5]);
    let panel = quad([0.9, 0.9, 0.2], [0.0, 0.0, 0.7], [0.5, 0.0, 0.0]);
    let slab = quad([0.0; 3], [0.3, 0.0, 0.1], [0.0, 0.1, 0.4]);
    let block = SceneMesh { translation: [-0.4, 0.6, 0.1], ..painted("block", slab, [0.0; 3]) };
    let meshes =
        vec![floor, block, mirror("above", above, [0.9; 3]), shining("panel", panel, [5.0; 3])];
    // below the block, which it does not see
    let view = [[-0.6, 0.45, 1.3], [-0.7, 0.0, 0.1]];
    seen(view, 42.0, [12, 10], Transport::Paths { bounces: 2 }, meshes)
}

/// A block of glass before a bright stripe, under an even sky.
fn block_of_glass(roughness: Option<f64>, bounces: u32) -> Result<Scene, SceneError> {
    let floor = quad([0.0; 3], [0.0, 0.0, 3.0], [3.0, 0.0, 0.0]);
    let stripe = quad([0.2, 0.9, -1.2], [0.7, 0.0, 0.0], [0.0, 0.9, 0.0]);
    let block = SceneMesh {
        translation: [0.0, 0.5, 0.1],
        rotation: [0.0, 0.4, 0.0],
        material: Material::Dielectric { index: 1.4, roughness },
        ..painted("glass", cube(0.4), [0.95; 3])
    };
    let meshes =
        vec![painted("floor", floor, [0.6, 0.5, 0.4]), shining("stripe", stripe, [1.5; 3]), block];
    let view = [[0.3, 1.0, 2.9], [0.0, 0.5, 0.0]];
    seen(view, 42.0, [16, 12], Transport::Paths { bounces }, meshes)?
        .with_environment(Environment::constant(Rgb([0.3, 0.4, 0.5])))
}

/// The block is rough.
fn frosted() -> Built {
    block_of_glass(Some(0.35), 4)
}

/// The block is clear.
fn clear() -> Built {
    block_of_glass(None, 6)
}
