//! Derivatives of images against values that were found by other means.

use std::sync::Arc;

use cotangent_raytrace::reference::{
    Reference, adjoint, emissive_triangles, icosphere_shadow, shadow_blocker,
};
use cotangent_raytrace::{
    CameraView, DerivativeOptions, Image, LampKind, RenderOptions, Rgb, Scene, SceneCamera,
    SceneLamp, SceneMesh, Selection, Terms, Transport, TriangleMesh, World, render, vjp,
};

const SEEDS: u64 = 8;

#[derive(Clone, Copy, Debug)]
struct Found {
    mean: f64,
    standard_error: f64,
}

/// Mean over the seeds.
fn over_seeds(of_seed: impl Fn(u64) -> f64) -> Found {
    let values: Vec<f64> = (0..SEEDS).map(of_seed).collect();
    let mean = values.iter().sum::<f64>() / SEEDS as f64;
    let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (SEEDS - 1) as f64;
    Found { mean, standard_error: (variance / SEEDS as f64).sqrt() }
}

/// Derivative of the weighted image by entry `entry` of all these parameters at once.
fn along(
    scene: &Scene,
    names: &[&str],
    entry: usize,
    weights: &Image,
    options: DerivativeOptions,
) -> Found {
    let world = World::new(scene);
    let selection = Selection::new(scene, names).expect("parameters of the scene");
    let n = selection.dim() / names.len();
    over_seeds(|seed| {
        let gradient = vjp(&world, 0, &selection, weights, &DerivativeOptions { seed, ..options });
        gradient.chunks_exact(n).map(|g| g[entry]).sum()
    })
}

/// `dJ/dx`.
fn derivative(reference: &Reference, options: DerivativeOptions) -> Found {
    let name = format!("mesh.{}.translation", reference.moves);
    let [width, height] = reference.scene.film(0);
    along(&reference.scene, &[&name], 0, &adjoint(width, height), options)
}

/// Within 3.5 standard errors, which are at most 0.5 % of the value; and far outside without the boundary term.
fn agrees(reference: &Reference, options: DerivativeOptions) {
    let exact = reference.derivative;
    let found = derivative(reference, options);
    let error = found.standard_error.hypot(reference.derivative_se);
    let z = (found.mean - exact) / error;
    assert!(found.standard_error < 0.005 * exact.abs(), "{} too noisy", reference.name);
    assert!(z.abs() < 3.5, "{}: {} against {exact}, z = {z}", reference.name, found.mean);
    let without = derivative(reference, DerivativeOptions { terms: Terms::INTERIOR, ..options });
    let error = without.standard_error.max(0.005 * exact.abs());
    assert!(
        ((without.mean - exact) / error).abs() > 20.0,
        "{}: without the boundary term {} should be wrong",
        reference.name,
        without.mean
    );
}

#[test]
fn edges_that_the_camera_sees_have_their_exact_derivative() {
    agrees(&emissive_triangles(), DerivativeOptions { spp: 1, ..Default::default() });
}

#[test]
fn borders_of_shadows_have_their_exact_derivative() {
    agrees(&shadow_blocker(), DerivativeOptions { spp: 4, shadow_spp: 4, ..Default::default() });
}

#[test]
fn a_flat_shaded_sphere_has_the_derivative_of_finite_differences() {
    agrees(&icosphere_shadow(), DerivativeOptions { spp: 16, shadow_spp: 4, ..Default::default() });
}

#[test]
fn values_are_the_known_ones() {
    for reference in [emissive_triangles(), shadow_blocker(), icosphere_shadow()] {
        let world = World::new(&reference.scene);
        let [width, height] = reference.scene.film(0);
        let of_seed = |seed| {
            render(&world, 0, RenderOptions { spp: 64, seed, key: 0 }).dot(&adjoint(width, height))
        };
        let values: Vec<f64> = (0..SEEDS).map(of_seed).collect();
        let mean = values.iter().sum::<f64>() / SEEDS as f64;
        let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (SEEDS - 1) as f64;
        let error = (variance / SEEDS as f64).sqrt();
        // the value of the sphere is Mitsuba's, with a standard error of its own of about 1e-6
        assert!((mean - reference.value).abs() < 4.0 * error + 4e-6, "{}", reference.name);
    }
}

/// The mesh of a scene in other pieces.
fn replaced(scene: &Scene, name: &str, pieces: &[TriangleMesh]) -> Scene {
    let mut meshes = Vec::new();
    for mesh in scene.meshes() {
        if mesh.name != name {
            meshes.push(mesh.clone());
            continue;
        }
        meshes.extend(pieces.iter().enumerate().map(|(k, piece)| SceneMesh {
            name: format!("{name}{k}"),
            shape: Arc::new(piece.clone()),
            ..mesh.clone()
        }));
    }
    Scene::with_cameras(scene.cameras().to_vec(), scene.transport, meshes).expect("a valid scene")
}

/// Each face with vertices of its own.
fn soup<'a>(faces: impl Iterator<Item = &'a [u32; 3]>, mesh: &TriangleMesh) -> TriangleMesh {
    let points: Vec<[f64; 3]> = faces.flatten().map(|v| mesh.vertices()[*v as usize].0).collect();
    let faces: Vec<_> = (0..points.len() / 3).map(|f| [3 * f, 3 * f + 1, 3 * f + 2]).collect();
    TriangleMesh::new(&points, &faces).expect("the faces were a mesh")
}

#[test]
fn a_triangle_soup_and_two_halves_have_the_derivative_of_the_welded_sphere() {
    let reference = icosphere_shadow();
    let mesh = &reference.scene.mesh("sphere").expect("a sphere").shape;
    let options = DerivativeOptions { spp: 16, shadow_spp: 4, ..Default::default() };
    let weights = adjoint(64, 64);
    let whole = soup(mesh.faces().iter(), mesh);
    let halves = [0, 1].map(|k| soup(mesh.faces().iter().skip(k).step_by(2), mesh));
    let one = replaced(&reference.scene, "sphere", &[whole]);
    let two = replaced(&reference.scene, "sphere", &halves);
    for found in [
        along(&one, &["mesh.sphere0.translation"], 0, &weights, options),
        along(
            &two,
            &["mesh.sphere0.translation", "mesh.sphere1.translation"],
            0,
            &weights,
            options,
        ),
    ] {
        let error = found.standard_error.hypot(reference.derivative_se);
        assert!(found.standard_error < 0.01 * reference.derivative.abs(), "{found:?}");
        assert!((found.mean - reference.derivative).abs() < 3.5 * error, "{found:?}");
    }
}

fn quad(c: [f64; 3], x: [f64; 3], y: [f64; 3]) -> TriangleMesh {
    TriangleMesh::parallelogram(c, x, y).expect("a quad")
}

/// A closed room of quads of different colours, lit from under its ceiling. The floor is of two quads, so that a wall's
/// edge lies on two edges.
fn room() -> Scene {
    let view = CameraView {
        position: [0.2, 1.1, 1.6],
        target: [-0.3, 0.7, -1.0],
        up: [0.0, 1.0, 0.0],
        fov_deg: 75.0,
    };
    let parts: [(&str, TriangleMesh, [f64; 3]); 7] = [
        ("left", quad([-1.5, 1.0, 0.0], [0.0, 0.0, -2.0], [0.0, 1.0, 0.0]), [0.7, 0.2, 0.2]),
        ("right", quad([1.5, 1.0, 0.0], [0.0, 0.0, 2.0], [0.0, 1.0, 0.0]), [0.2, 0.7, 0.2]),
        ("back", quad([0.0, 1.0, -2.0], [1.5, 0.0, 0.0], [0.0, 1.0, 0.0]), [0.3, 0.3, 0.8]),
        ("front", quad([0.0, 1.0, 2.0], [-1.5, 0.0, 0.0], [0.0, 1.0, 0.0]), [0.5, 0.5, 0.5]),
        ("ceiling", quad([0.0, 2.0, 0.0], [1.5, 0.0, 0.0], [0.0, 0.0, 2.0]), [0.9, 0.9, 0.9]),
        ("near", quad([0.0, 0.0, 1.2], [1.5, 0.0, 0.0], [0.0, 0.0, -0.8]), [0.6, 0.5, 0.3]),
        ("far", quad([0.0, 0.0, -0.8], [1.5, 0.0, 0.0], [0.0, 0.0, -1.2]), [0.2, 0.5, 0.6]),
    ];
    let mut meshes: Vec<SceneMesh> = parts
        .into_iter()
        .map(|(name, shape, albedo)| SceneMesh {
            albedo: Rgb(albedo),
            ..SceneMesh::new(name, shape)
        })
        .collect();
    meshes.push(SceneMesh {
        albedo: Rgb::BLACK,
        emission: Some(Rgb([9.0, 8.0, 7.0])),
        ..SceneMesh::new("light", quad([0.3, 1.9, 0.0], [0.3, 0.0, 0.0], [0.0, 0.0, 0.3]))
    });
    Scene::new(&view, [32, 24], Transport::Direct, meshes).expect("a valid scene")
}

#[test]
fn edges_of_several_quads_in_one_place_are_counted_once() {
    let scene = room();
    let weights = adjoint(32, 24);
    for (name, entry, h) in
        [("camera.main.rotation", 1, 0.01), ("camera.main.translation", 0, 0.04)]
    {
        let selection = Selection::new(&scene, &[name]).expect("a parameter of the scene");
        let moved = |h: f64| {
            let mut there = scene.clone();
            let mut x = selection.get(&there);
            x[entry] += h;
            selection.set(&mut there, &x).expect("a small step");
            World::new(&there)
        };
        let ends = [moved(h), moved(-h)];
        let difference = over_seeds(|seed| {
            let value =
                |w: &World| render(w, 0, RenderOptions { spp: 512, seed, key: 1 }).dot(&weights);
            (value(&ends[0]) - value(&ends[1])) / (2.0 * h)
        });
        let options = DerivativeOptions { edge_samples: 256, ..DerivativeOptions::default() };
        let found = along(&scene, &[name], entry, &weights, options);
        let error = found.standard_error.hypot(difference.standard_error);
        // counted twice, they would be off by more than a tenth
        assert!(error < 0.025 * difference.mean.abs(), "{name}: {found:?} {difference:?}");
        assert!(
            (found.mean - difference.mean).abs() < 3.5 * error,
            "{name}: {found:?} {difference:?}"
        );
    }
}

#[test]
fn a_colour_of_exactly_zero_or_one_has_the_derivative_of_any_other() {
    // the image is linear in each colour
    let scene = icosphere_shadow().scene;
    let weights = adjoint(64, 64);
    let options = DerivativeOptions { spp: 1, ..Default::default() };
    for name in ["mesh.sphere.albedo", "mesh.floor.albedo", "light.light.radiance"] {
        let selection = Selection::new(&scene, &[name]).expect("a parameter of the scene");
        let at = |value: f64| {
            let mut there = scene.clone();
            selection.set(&mut there, &[value; 3]).expect("within its bounds");
            vjp(&World::new(&there), 0, &selection, &weights, &options)
        };
        let (none, half, all) = (at(0.0), at(0.5), at(1.0));
        for k in 0..3 {
            assert!(half[k].abs() > 1e-5, "{name} acts");
            assert!((none[k] - half[k]).abs() < 1e-12, "{name} at 0: {} {}", none[k], half[k]);
            assert!((all[k] - half[k]).abs() < 1e-12, "{name} at 1: {} {}", all[k], half[k]);
        }
    }
}

#[test]
fn a_dark_light_beside_a_bright_one_has_a_derivative_by_its_radiance() {
    let mut scene = shadow_blocker().scene;
    let mut meshes = scene.meshes().to_vec();
    meshes.push(SceneMesh {
        albedo: Rgb::BLACK,
        emission: Some(Rgb::BLACK),
        ..SceneMesh::new("lamp", quad([-0.9, 2.0, 0.4], [0.2, 0.0, 0.0], [0.0, 0.0, 0.2]))
    });
    scene =
        Scene::with_cameras(scene.cameras().to_vec(), scene.transport, meshes).expect("a scene");
    let weights = adjoint(64, 64);
    let options = DerivativeOptions { spp: 64, ..Default::default() };
    let selection = Selection::new(&scene, &["light.lamp.radiance"]).expect("a parameter");
    let dark = along(&scene, &["light.lamp.radiance"], 0, &weights, options);
    selection.set(&mut scene, &[8.0; 3]).expect("within its bounds");
    let bright = along(&scene, &["light.lamp.radiance"], 0, &weights, options);
    let error = dark.standard_error.hypot(bright.standard_error);
    assert!(error < 0.05 * bright.mean.abs(), "{dark:?} {bright:?}");
    assert!((dark.mean - bright.mean).abs() < 3.5 * error, "{dark:?} {bright:?}");
}

#[test]
fn an_edge_in_the_plane_of_the_pinhole_or_through_it_ends() {
    let view = CameraView {
        position: [0.0; 3],
        target: [0.0, 0.0, -1.0],
        up: [0.0, 1.0, 0.0],
        fov_deg: 60.0,
    };
    // one edge of each lies in the plane z = 0 of the pinhole; of the second it goes through the pinhole itself
    let shapes = [
        [[-0.5, -0.2, 0.0], [0.5, -0.2, 0.0], [0.0, -0.3, -2.0]],
        [[-1.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.5, -2.0]],
        [[0.0, 0.0, 1.0], [0.0, 0.0, -2.0], [0.4, 0.3, -1.0]],
    ];
    for corners in shapes {
        let shape = TriangleMesh::new(&corners, &[[0, 1, 2]]).expect("a triangle");
        let mesh = SceneMesh { emission: Some(Rgb::WHITE), ..SceneMesh::new("t", shape) };
        let scene = Scene::new(&view, [8, 8], Transport::Direct, vec![mesh]).expect("a scene");
        let names = ["mesh.t.vertices", "camera.main.translation", "camera.main.rotation"];
        let selection = Selection::new(&scene, &names).expect("parameters");
        let options = DerivativeOptions { spp: 4, ..Default::default() };
        let gradient = vjp(&World::new(&scene), 0, &selection, &adjoint(8, 8), &options);
        assert!(gradient.iter().all(|g| g.is_finite()), "{gradient:?}");
    }
}

/// A pinhole at the origin that looks along -z, with a focal length and principal point in pixels.
fn lens(film: [usize; 2], focal: f64, principal_point: [f64; 2]) -> SceneCamera {
    let view = CameraView {
        position: [0.0; 3],
        target: [0.0, 0.0, -1.0],
        up: [0.0, 1.0, 0.0],
        fov_deg: 90.0,
    };
    let mut camera = SceneCamera::new("main", &view, film).expect("a camera");
    (camera.focal, camera.principal_point) = (focal, principal_point);
    camera
}

/// An emissive rectangle at `z = -d` with radiance `1 + 0.2 x`, which fills the view.
fn sloping(d: f64, camera: SceneCamera) -> Scene {
    let shape = quad([0.0, 0.0, -d], [4.0, 0.0, 0.0], [0.0, 4.0, 0.0]);
    let tint = shape.vertices().iter().map(|v| Rgb([1.0 + 0.2 * v[0]; 3])).collect();
    let mesh = SceneMesh {
        albedo: Rgb::BLACK,
        emission: Some(Rgb::WHITE),
        tint: Some(Arc::new(tint)),
        ..SceneMesh::new("plane", shape)
    };
    Scene::with_cameras(vec![camera], Transport::Emission, vec![mesh]).expect("a scene")
}

/// Weights that are one in the red of some columns.
fn columns(width: usize, height: usize, from: usize) -> Image {
    Image::from_fn(width, height, |_, c| if c >= from { Rgb([1.0, 0.0, 0.0]) } else { Rgb::BLACK })
}

fn is_exact(what: &str, found: Found, right: f64) {
    assert!(found.standard_error <= 0.003 * right.abs(), "{what}: {found:?} is noisy");
    let error = found.standard_error.max(1e-9 * right.abs());
    assert!((found.mean - right).abs() < 3.5 * error, "{what}: {found:?} against {right}");
}

/// Case R1: `I = a + b u d`, so `dI/dd = b u`; with the texture sliding along x, `dI/dt = -b`.
#[test]
fn a_textured_light_that_moves_along_the_view_has_its_closed_form() {
    let (d, f) = (3.0, 8.0);
    let scene = sloping(d, lens([16, 16], f, [8.0, 8.0]));
    let weights = columns(16, 16, 8);
    let name = ["mesh.plane.translation"];
    let options = DerivativeOptions { spp: 64, ..Default::default() };
    let sum_u: f64 = (8..16).map(|p| (f64::from(p) + 0.5 - 8.0) / f).sum();
    is_exact("along z", along(&scene, &name, 2, &weights, options), -16.0 * 0.2 * sum_u);
    is_exact("along x", along(&scene, &name, 0, &weights, options), -0.2 * 128.0);
}

/// An emissive square of side 1, centred before an orthographic camera of `f` pixels for a scene unit, of which the right half counts:
/// `J = f^2 / 2`.
#[test]
fn an_orthographic_camera_has_closed_forms() {
    let (pixels, f, d) = (16, 4.0, 3.0);
    let view = *lens([pixels; 2], 1.0, [0.0; 2]).view();
    let camera = SceneCamera::orthographic("main", &view, [pixels; 2], pixels as f64 / f);
    let square = quad([0.0, 0.0, -d], [0.5, 0.0, 0.0], [0.0, 0.5, 0.0]);
    let light = SceneMesh { emission: Some(Rgb::WHITE), ..SceneMesh::new("light", square) };
    // what stands behind the camera's position is seen as well
    let behind = quad([0.0, 0.0, 7.0], [0.5, 0.0, 0.0], [0.0, 0.25, 0.0]);
    let options = DerivativeOptions { spp: 1, ..Default::default() };
    let weights = columns(pixels, pixels, pixels / 2);
    let of = |meshes| {
        let camera = camera.clone().expect("a camera");
        Scene::with_cameras(vec![camera], Transport::Emission, meshes).expect("a scene")
    };
    let scene = of(vec![light.clone()]);
    let by = |name: &str, entry| along(&scene, &[name], entry, &weights, options);
    let edge = f * f; // of the right border, for a scene unit
    is_exact("light to the right", by("mesh.light.translation", 0), edge);
    is_exact("camera to the right", by("camera.main.translation", 0), -edge);
    is_exact("camera to the left", by("camera.main.rotation", 1), edge * d);
    is_exact("focal", by("camera.main.focal", 0), f);
    is_exact("principal point", by("camera.main.principal_point", 0), f);
    let away = by("mesh.light.translation", 2);
    assert!(away.mean.abs() < 1e-9, "{away:?}");
    let covered =
        of(vec![light, SceneMesh { albedo: Rgb::BLACK, ..SceneMesh::new("lid", behind) }]);
    let image = render(&World::new(&covered), 0, RenderOptions { spp: 4, seed: 0, key: 0 });
    assert!((image.dot(&weights) - f * f / 4.0).abs() < 1e-9, "{}", image.dot(&weights));
}

/// A black plane of slope `k` cuts through an emissive one at the distance `d` and hides its right part: the border stands at
/// `u = 0`, and moves by `-1/(k d)` when the black plane moves towards the camera, by `1/(k d)` when the emissive one does.
#[test]
fn where_one_plane_cuts_through_another_has_its_closed_form() {
    let (d, f, slope) = (3.0, 8.0, 0.4);
    let wide = |x: [f64; 3]| quad([0.0, 0.0, -d], x, [0.0, 4.0, 0.0]);
    let black = |name: &str, shape| SceneMesh { albedo: Rgb::BLACK, ..SceneMesh::new(name, shape) };
    let light = black("light", wide([4.0, 0.0, 0.0]));
    let meshes = vec![
        SceneMesh { emission: Some(Rgb::WHITE), ..light },
        black("screen", wide([4.0, 0.0, 4.0 * slope])),
    ];
    let camera = lens([16, 16], f, [8.3, 8.0]);
    let scene = Scene::with_cameras(vec![camera], Transport::Emission, meshes).expect("a scene");
    let cuts = World::new(&scene).cuts();
    assert_eq!(cuts.len(), 1, "{cuts:?}");
    assert_eq!(cuts[0].meshes, ["light", "screen"].map(String::from));
    let weights = columns(16, 16, 0);
    let options = DerivativeOptions { spp: 1, ..Default::default() };
    let by = |name: &str, entry| along(&scene, &[name], entry, &weights, options);
    let right = 16.0 * f / (slope * d);
    is_exact("screen", by("mesh.screen.translation", 2), -right);
    is_exact("light", by("mesh.light.translation", 2), right);
    // a plane that slides within itself moves nothing
    let sliding = by("mesh.screen.translation", 0);
    is_exact("screen along x", sliding, 16.0 * f / d);
    let still = by("mesh.light.translation", 0);
    assert!(still.mean.abs() < 1e-9 * right, "{still:?}");
}

/// Case R5: `I = a + b d (p + 1/2 - c_x) / f`.
#[test]
fn the_lens_has_the_closed_forms_of_a_sloping_plane() {
    let (d, f, c) = (3.0, 8.0, 7.0);
    let scene = sloping(d, lens([16, 16], f, [c, 8.0]));
    let weights = columns(16, 16, 8);
    let options = DerivativeOptions { spp: 64, ..Default::default() };
    let by = |name, entry| along(&scene, &[name], entry, &weights, options);
    is_exact("c_x", by("camera.main.principal_point", 0), -0.2 * d / f * 128.0);
    let sum: f64 = (8..16).map(|p| f64::from(p) + 0.5 - c).sum();
    is_exact("f", by("camera.main.focal", 0), -16.0 * 0.2 * d * sum / (f * f));
}

/// Case R5, edges: the right border of a square of half side 1/2 at depth 3 is seen at `c_x + f (1/6) (1 + k_1/36)`.
#[test]
fn the_lens_moves_the_borders_that_it_shows() {
    let mesh = SceneMesh {
        albedo: Rgb::BLACK,
        emission: Some(Rgb::WHITE),
        ..SceneMesh::new("square", quad([0.0, 0.0, -3.0], [0.5, 0.0, 0.0], [0.0, 0.5, 0.0]))
    };
    let camera = lens([100, 1], 300.0, [20.0, 0.5]);
    let scene =
        Scene::with_cameras(vec![camera], Transport::Emission, vec![mesh]).expect("a scene");
    let weights = columns(100, 1, 0);
    let value = render(&World::new(&scene), 0, RenderOptions { spp: 4096, seed: 0, key: 0 });
    assert!((value.dot(&weights) - 70.0).abs() < 0.05);
    let options = DerivativeOptions { spp: 1, ..Default::default() };
    let by = |name, entry| along(&scene, &[name], entry, &weights, options);
    is_exact("c_x", by("camera.main.principal_point", 0), 1.0);
    is_exact("f", by("camera.main.focal", 0), 1.0 / 6.0);
    // the mean over the row of v^2, |v| < 1/600, beside u^2 = 1/36
    let k1 = 50.0 * (1.0 / 36.0 + 1.0 / (3.0 * 360_000.0));
    is_exact("k_1", by("camera.main.distortion", 0), k1);
}

/// A roof of half side `A`, seen from behind, whose ridge stands by `s` off the middle and by `RISE` behind its eaves: what it reflects of
/// distant light by the area on the film, `L_1 (A + s) + L_2 (A - s)`, with `L` in proportion to the cosines that turn with the ridge.
#[test]
fn an_edge_that_is_taken_for_hidden_and_is_not_has_its_closed_form() {
    const A: f64 = 0.3;
    const RISE: f64 = 0.15;
    let (tilted, straight) = (-0.6_f64, -0.8_f64); // the way of the light
    // cosine at a face that reaches so far from the ridge
    let lit = |width: f64, rise: f64| {
        (tilted * rise + straight * width).abs() / (width.hypot(rise) * std::f64::consts::PI)
    };
    let sides = |s: f64| [(A + s) * lit(A + s, RISE), (A - s) * lit(A - s, -RISE)];
    let value = |s: f64| 2.0 * A * (sides(s)[0] + sides(s)[1]);
    let (s, h) = (0.1, 1e-5);
    let right = (value(s + h) - value(s - h)) / (2.0 * h);
    let corners = [
        [-A, -A, -1.0],
        [s, -A, -1.0 - RISE],
        [A, -A, -1.0],
        [-A, A, -1.0],
        [s, A, -1.0 - RISE],
        [A, A, -1.0],
    ];
    // fronts are turned away, and no ray through the middle of a pixel meets them
    let faces = [[0, 3, 1], [1, 3, 4], [1, 4, 2], [2, 4, 5]];
    let roof = TriangleMesh::new(&corners, &faces).expect("two faces of two triangles");
    let roof = SceneMesh { albedo: Rgb([1.0; 3]), ..SceneMesh::new("roof", roof) };
    let (position, target, up) = ([0.0; 3], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]);
    let view = CameraView { position, target, up, fov_deg: 60.0 };
    let camera = SceneCamera::orthographic("main", &view, [4; 2], 4.0).expect("a camera");
    let lamp = SceneLamp {
        name: "sun".into(),
        kind: LampKind::Distant { direction: [tilted, 0.0, straight] },
        intensity: Rgb::WHITE,
    };
    let scene = Scene::with_cameras(vec![camera], Transport::Direct, vec![roof])
        .and_then(|scene| scene.with_lamps(vec![lamp]))
        .expect("a valid scene");
    let (world, red) = (World::new(&scene), Image::from_fn(4, 4, |_, _| Rgb([1.0, 0.0, 0.0])));
    let image =
        over_seeds(|seed| render(&world, 0, RenderOptions { spp: 256, seed, key: 0 }).dot(&red));
    assert!((image.mean - value(s)).abs() < 0.01 * value(s), "{image:?} against {}", value(s));
    let selection = Selection::new(&scene, &["mesh.roof.vertices"]).expect("vertices");
    let found = over_seeds(|seed| {
        let options =
            DerivativeOptions { spp: 256, seed, edge_samples: 1024, ..Default::default() };
        let by_vertices = vjp(&world, 0, &selection, &red, &options);
        by_vertices[3] + by_vertices[12]
    });
    // of what jumps at the ridge
    let jump = 2.0 * A * (lit(A + s, RISE) - lit(A - s, -RISE));
    assert!(found.standard_error < 0.01 * jump.abs(), "{found:?} beside {jump}");
    assert!((found.mean - right).abs() < 3.5 * found.standard_error, "{found:?} against {right}");
}
