//! Scenes whose derivative is known by other means, for tests and measurements.
//!
//! Each moves one mesh along `x`. The functional is `J = sum w_ij I_ijc / (3 H W)` with
//! `w_ij = (2 (j + 1/2)/W - 1) + (2 (i + 1/2)/H - 1)/2` over rows `i` and columns `j`: its adjoint image is [`adjoint`].

mod hostile;

pub use self::hostile::{hostile, image_and_gradient};
use crate::film::Image;
use crate::geometry::{Rgb, V3, unit};
use crate::scene::{Scene, SceneError, SceneMesh, Transport};
use crate::sensor::CameraView;
use crate::shape::TriangleMesh;

/// Pixels along each side of the film.
const FILM: usize = 64;

/// A scene and the derivative of the functional by `mesh.MOVES.translation[0]`.
#[derive(Clone, Debug)]
pub struct Reference {
    /// Name.
    pub name: &'static str,
    /// The scene.
    pub scene: Scene,
    /// Name of the mesh that moves.
    pub moves: &'static str,
    /// `J`.
    pub value: f64,
    /// `dJ/dx`.
    pub derivative: f64,
    /// Standard error of the derivative; 0 where it is exact.
    pub derivative_se: f64,
}

/// `dJ/dI` for a film of this size.
pub fn adjoint(width: usize, height: usize) -> Image {
    let (w, h) = (width as f64, height as f64);
    Image::from_fn(width, height, |i, j| {
        let weight = (2.0 * (j as f64 + 0.5) / w - 1.0) + 0.5 * (2.0 * (i as f64 + 0.5) / h - 1.0);
        Rgb([weight / (3.0 * w * h); 3])
    })
}

/// A quad with centre `c` and half sides `x` and `y`; its front is on the side of `x` cross `y`.
fn quad(c: [f64; 3], x: [f64; 3], y: [f64; 3]) -> TriangleMesh {
    TriangleMesh::parallelogram(c, x, y).expect("a quad with two sides is a mesh")
}

fn emitting(name: &str, shape: TriangleMesh, radiance: [f64; 3]) -> SceneMesh {
    let (albedo, emission) = (Rgb::BLACK, Some(Rgb(radiance)));
    SceneMesh { albedo, emission, ..SceneMesh::new(name, shape) }
}

fn reflecting(name: &str, shape: TriangleMesh, albedo: [f64; 3]) -> SceneMesh {
    SceneMesh { albedo: Rgb(albedo), ..SceneMesh::new(name, shape) }
}

fn seen(
    [position, target]: [[f64; 3]; 2],
    fov_deg: f64,
    transport: Transport,
    meshes: Vec<SceneMesh>,
) -> Result<Scene, SceneError> {
    let view = CameraView { position, target, up: [0.0, 1.0, 0.0], fov_deg };
    Scene::new(&view, [FILM, FILM], transport, meshes)
}

/// A glowing triangle, partly hidden behind another, before a glowing wall: edges that the camera sees. Exact, by polygon
/// clipping.
///
/// # Panics
/// Never: the scene is valid.
pub fn emissive_triangles() -> Reference {
    let triangle = |corners: [[f64; 3]; 3]| {
        TriangleMesh::new(&corners, &[[0, 1, 2]]).expect("three corners apart are a mesh")
    };
    let wall = quad([0.0, 0.0, -2.0], [4.0, 0.0, 0.0], [0.0, 4.0, 0.0]);
    let tri = triangle([[-1.1, -0.9, 0.0], [1.2, -0.7, 0.0], [0.15, 1.1, 0.0]]);
    let front = triangle([[0.2, -0.4, 0.7], [1.3, -0.1, 0.7], [0.7, 0.8, 0.7]]);
    let meshes = vec![
        emitting("background", wall, [0.1, 0.2, 0.5]),
        emitting("tri", tri, [1.0, 0.6, 0.2]),
        emitting("front", front, [0.2, 0.9, 0.3]),
    ];
    let scene = seen([[0.0, 0.0, 5.0], [0.0; 3]], 45.0, Transport::Emission, meshes);
    Reference {
        name: "emissive_triangles",
        scene: scene.expect("a valid scene"),
        moves: "tri",
        value: 0.0053342909667317695,
        derivative: 0.015985549927131488,
        derivative_se: 0.0,
    }
}

/// The soft shadow of a quad that is not in the picture: borders of shadows alone. Exact, by Lambert's polygon formula.
///
/// # Panics
/// Never: the scene is valid.
pub fn shadow_blocker() -> Reference {
    let (sin, cos) = 25.0_f64.to_radians().sin_cos();
    let floor = quad([0.0, 0.0, -1.5], [0.0, 0.0, 3.5], [3.0, 0.0, 0.0]);
    let light = quad([0.3, 3.0, -0.2], [0.5, 0.0, 0.0], [0.0, 0.0, 0.5]);
    let blocker = quad([0.0, 1.5, -0.3], [0.4 * cos, 0.0, -0.4 * sin], [0.3 * sin, 0.0, 0.3 * cos]);
    let meshes = vec![
        reflecting("floor", floor, [0.7, 0.6, 0.5]),
        emitting("light", light, [12.0, 11.0, 10.0]),
        reflecting("blocker", blocker, [0.5; 3]),
    ];
    let scene = seen([[0.0, 2.2, 3.2], [0.0; 3]], 35.0, Transport::Direct, meshes);
    Reference {
        name: "shadow_blocker",
        scene: scene.expect("a valid scene"),
        moves: "blocker",
        value: 0.018667565586431505,
        derivative: -0.028373481617219986,
        derivative_se: 0.0,
    }
}

/// A sphere of 320 flat triangles above a floor: silhouettes, creases, its shadow, its shading. By central differences with
/// common random numbers, `h = 0.005`, 2 x 32768 samples a pixel, of Mitsuba 3.9.1's forward renderer.
///
/// # Panics
/// Never: the scene is valid.
pub fn icosphere_shadow() -> Reference {
    let floor = quad([0.0; 3], [0.0, 0.0, 6.0], [6.0, 0.0, 0.0]);
    let light = quad([0.8, 3.0, 0.6], [0.4, 0.0, 0.0], [0.0, 0.0, 0.4]);
    let meshes = vec![
        reflecting("floor", floor, [0.5, 0.5, 0.55]),
        emitting("light", light, [20.0, 19.0, 17.0]),
        reflecting("sphere", icosphere([0.0, 0.6, 0.0], 0.5, 2), [0.7, 0.4, 0.3]),
    ];
    let scene = seen([[0.0, 1.6, 3.4], [0.0, 0.45, 0.0]], 40.0, Transport::Direct, meshes);
    Reference {
        name: "icosphere_shadow",
        scene: scene.expect("a valid scene"),
        moves: "sphere",
        value: 0.028290126147922236,
        derivative: -0.0058749865440433525,
        derivative_se: 3.059868575045684e-05,
    }
}

/// An icosahedron whose faces are cut in four `levels` times, its vertices on the sphere.
///
/// # Panics
/// Never: the mesh is valid.
pub fn icosphere(centre: [f64; 3], radius: f64, levels: usize) -> TriangleMesh {
    let g = 0.5 * (1.0 + 5.0_f64.sqrt());
    let corners = [
        [-1.0, g, 0.0],
        [1.0, g, 0.0],
        [-1.0, -g, 0.0],
        [1.0, -g, 0.0],
        [0.0, -1.0, g],
        [0.0, 1.0, g],
        [0.0, -1.0, -g],
        [0.0, 1.0, -g],
        [g, 0.0, -1.0],
        [g, 0.0, 1.0],
        [-g, 0.0, -1.0],
        [-g, 0.0, 1.0],
    ];
    let mut points: Vec<V3> = corners.iter().map(|c| unit(V3::from(*c))).collect();
    let mut faces: Vec<[usize; 3]> = vec![
        [0, 11, 5],
        [0, 5, 1],
        [0, 1, 7],
        [0, 7, 10],
        [0, 10, 11],
        [1, 5, 9],
        [5, 11, 4],
        [11, 10, 2],
        [10, 7, 6],
        [7, 1, 8],
        [3, 9, 4],
        [3, 4, 2],
        [3, 2, 6],
        [3, 6, 8],
        [3, 8, 9],
        [4, 9, 5],
        [2, 4, 11],
        [6, 2, 10],
        [8, 6, 7],
        [9, 8, 1],
    ];
    for _ in 0..levels {
        let mut halves = std::collections::BTreeMap::new();
        let mut half = |a: usize, b: usize| {
            *halves.entry((a.min(b), a.max(b))).or_insert_with(|| {
                points.push(unit(points[a] + points[b]));
                points.len() - 1
            })
        };
        let cut = |[a, b, c]: [usize; 3]| {
            let (ab, bc, ca) = (half(a, b), half(b, c), half(c, a));
            [[a, ab, ca], [b, bc, ab], [c, ca, bc], [ab, bc, ca]]
        };
        faces = faces.into_iter().flat_map(cut).collect();
    }
    let placed: Vec<[f64; 3]> = points.iter().map(|p| (*p * radius + V3::from(centre)).0).collect();
    TriangleMesh::new(&placed, &faces).expect("a subdivided icosahedron is a mesh")
}

/// A tilted floor under a tilted light, a tetrahedron between them that is seen and throws a shadow.
///
/// # Panics
/// Never: the scene is valid.
pub fn oblique() -> Scene {
    let view = CameraView {
        position: [0.4, 2.1, 3.5],
        target: [0.1, 0.3, 0.0],
        up: [0.05, 1.0, 0.0],
        fov_deg: 40.0,
    };
    let floor = SceneMesh {
        albedo: Rgb([0.7, 0.6, 0.5]),
        ..SceneMesh::new("floor", quad([0.0, 0.0, -1.0], [0.3, 0.0, 4.0], [4.0, 0.2, 0.0]))
    };
    let light = SceneMesh {
        albedo: Rgb::BLACK,
        emission: Some(Rgb([12.0, 11.0, 10.0])),
        ..SceneMesh::new("light", quad([0.5, 2.6, 0.4], [0.5, 0.1, 0.0], [0.0, -0.1, 0.4]))
    };
    let corners = [[0.0, 0.9, 0.1], [0.6, 0.35, -0.3], [-0.5, 0.4, -0.4], [0.1, 0.3, 0.5]];
    let faces = [[0, 1, 2], [0, 3, 1], [0, 2, 3], [1, 3, 2]];
    let solid = SceneMesh {
        albedo: Rgb([0.4, 0.7, 0.3]),
        rotation: [0.2, -0.4, 0.1],
        translation: [0.05, 0.1, -0.1],
        ..SceneMesh::new(
            "solid",
            TriangleMesh::new(&corners, &faces).expect("a tetrahedron is a mesh"),
        )
    };
    Scene::new(&view, [32, 24], Transport::Direct, vec![floor, light, solid])
        .expect("a valid scene")
}
