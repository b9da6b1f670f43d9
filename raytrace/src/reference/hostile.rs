//! Scenes at random that nobody would build, but that a file or an optimizer may come to.

use std::sync::Arc;

use cotangent_ad::random::Stream;

use super::{adjoint, icosphere, quad};
use crate::derivative::vjp;
use crate::edge::follows;
use crate::film::Image;
use crate::geometry::{Rgb, V3};
use crate::integrator::{RenderOptions, render};
use crate::material::{LEAST_INDEX, MOST_INDEX, Material};
use crate::options::DerivativeOptions;
use crate::scene::{
    Environment, LEAST_ROUGHNESS, LampKind, Scene, SceneCamera, SceneError, SceneLamp, SceneMesh,
    Selection, Shading, Texture, Transport, World,
};
use crate::sensor::CameraView;
use crate::shape::TriangleMesh;

/// An image of a scene at few samples, and the gradient by all parameters that derivatives follow: they must be numbers, whatever the
/// scene is, and computing them must end.
///
/// # Panics
/// Never: the parameters are the scene's own.
pub fn image_and_gradient(scene: &Scene, seed: u64) -> (Image, Vec<f64>) {
    let world = World::new(scene);
    let image = render(&world, 0, RenderOptions { spp: 4, seed, key: 0 });
    let selected = |names: &[String]| {
        Selection::new(scene, names).expect("parameters of the scene, with derivatives")
    };
    let followed =
        |name: &String| follows(&world, 0, &selected(std::slice::from_ref(name))).is_ok();
    let can = scene.parameters().into_iter().filter(|p| p.not_differentiable.is_none());
    let names: Vec<String> = can.map(|p| p.name).filter(followed).collect();
    let options = DerivativeOptions {
        spp: 2,
        seed,
        edge_samples: 1,
        shadow_spp: 1,
        ..DerivativeOptions::default()
    };
    let [width, height] = scene.film(0);
    let gradient = vjp(&world, 0, &selected(&names), &adjoint(width, height), &options);
    (image, gradient)
}

/// Numbers at random, one after the other.
struct Dice {
    stream: Stream,
    next: u64,
}

impl Dice {
    fn uniform(&mut self) -> f64 {
        self.next += 1;
        self.stream.uniform(self.next)
    }

    /// Uniform in `[-1, 1)`.
    fn signed(&mut self) -> f64 {
        2.0 * self.uniform() - 1.0
    }

    fn point(&mut self) -> [f64; 3] {
        [self.signed(), self.signed(), self.signed()]
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "below the number of choices, which is small"
    )]
    fn below(&mut self, choices: usize) -> usize {
        (self.uniform() * choices as f64) as usize
    }

    fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    /// Exactly 0, exactly 1, or between.
    fn part(&mut self) -> f64 {
        let between = self.uniform();
        self.one_of(&[0.0, 1.0, between])
    }

    fn colour(&mut self) -> Rgb {
        let mixed = Rgb([self.part(), self.part(), self.part()]);
        self.one_of(&[Rgb::BLACK, Rgb::WHITE, mixed, mixed])
    }

    /// A light, a dark light, or a light that blinds.
    fn radiance(&mut self) -> Rgb {
        let strength = self.one_of(&[0.0, 1e-6, 1.0, 10.0, 1e5]);
        self.colour() * strength
    }
}

/// Scene `number`: of a few meshes whose triangles have next to no area, coincide, cut through each other, touch lights or are lights; of
/// surfaces at the ends of all their ranges; seen from within things, from corners and from planes of faces.
///
/// # Errors
/// A [`SceneError`] where it was refused: with a lamp beside perfectly smooth surfaces, for instance.
pub fn hostile(number: u64) -> Result<Scene, SceneError> {
    let mut dice = Dice { stream: Stream::new(&[0x0068_6f73_7469_6c65, number]), next: 0 };
    let mut meshes: Vec<SceneMesh> = Vec::new();
    for k in 0..=dice.below(4) {
        let again = if k > 0 && dice.below(4) == 0 { meshes.last() } else { None };
        let shape = again.map_or_else(|| shape(&mut dice), |mesh| (*mesh.shape).clone());
        let placed = again.map(|mesh| (mesh.translation, mesh.rotation, mesh.scale));
        let mut mesh = painted(&mut dice, &format!("mesh{k}"), shape);
        if let Some(place) = placed {
            (mesh.translation, mesh.rotation, mesh.scale) = place;
        }
        meshes.push(mesh);
    }
    let paths = [1, 2, 3, 5, 30].map(|bounces| Transport::Paths { bounces });
    let transport = match dice.below(5) {
        0 => Transport::Emission,
        1 => Transport::Direct,
        _ => dice.one_of(&paths),
    };
    let corner = meshes[0].shape.vertices()[0].0;
    let camera = camera(&mut dice, corner)?;
    let scene = Scene::with_cameras(vec![camera], transport, meshes)?;
    let lamps = (0..dice.below(3)).map(|k| lamp(&mut dice, k, corner)).collect();
    let scene = scene.with_lamps(lamps)?;
    if dice.below(3) == 0 { scene.with_environment(sky(&mut dice)) } else { Ok(scene) }
}

/// Triangles: slivers that are just no degenerate ones, heaps, solids, planes of the axes.
fn shape(dice: &mut Dice) -> TriangleMesh {
    let mesh = match dice.below(6) {
        0 => {
            let (a, side) = (V3::from(dice.point()), V3::from(dice.point()));
            let thin = V3::from(dice.point()) * dice.one_of(&[1e-8, 1e-5, 1e-2]);
            TriangleMesh::new(&[a.0, (a + side).0, (a + side * 0.3 + thin).0], &[[0, 1, 2]])
        }
        1 => {
            let corners: Vec<[f64; 3]> = (0..9).map(|_| dice.point()).collect();
            let faces: Vec<[usize; 3]> = (0..5)
                .map(|k| [k, (k + 1 + dice.below(3)) % 9, (k + 4 + dice.below(3)) % 9])
                .collect();
            TriangleMesh::new(&corners, &faces)
        }
        2 => TriangleMesh::cube(dice.one_of(&[1e-6, 0.5, 1.0, 1e6])),
        3 => Ok(icosphere(dice.point(), dice.one_of(&[1e-3, 0.7, 50.0]), dice.below(2))),
        4 => {
            let height = dice.one_of(&[-1.0, 0.0, 1.0]);
            Ok(quad([0.0, height, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]))
        }
        _ => TriangleMesh::parallelogram(dice.point(), dice.point(), dice.point()),
    };
    // what is no mesh is refused where it is made; a floor then
    let mesh = mesh.unwrap_or_else(|_| quad([0.0; 3], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]));
    let corners = mesh.vertices().len();
    let uv: Vec<[f64; 2]> = (0..corners).map(|_| [3.0 * dice.signed(), dice.part()]).collect();
    let faces: Vec<[usize; 3]> =
        mesh.faces().iter().map(|f| f.map(|corner| corner as usize)).collect();
    mesh.with_uv(&uv, &faces).expect("coordinates for every corner")
}

fn painted(dice: &mut Dice, name: &str, shape: TriangleMesh) -> SceneMesh {
    let rough = LEAST_ROUGHNESS + (1.0 - LEAST_ROUGHNESS) * dice.uniform();
    let roughness = dice.one_of(&[LEAST_ROUGHNESS, 1.0, rough]);
    let index = dice.one_of(&[LEAST_INDEX, 1.5, MOST_INDEX]);
    let material = dice.one_of(&[
        Material::Diffuse,
        Material::Diffuse,
        Material::Conductor { roughness },
        Material::Mirror,
        Material::Dielectric { index, roughness: Some(roughness) },
        Material::Dielectric { index, roughness: None },
    ]);
    let corners = shape.vertices().len();
    let mut mesh = SceneMesh { albedo: dice.colour(), material, ..SceneMesh::new(name, shape) };
    mesh.scale = dice.one_of(&[1.0, 1.0, 1e-4, 30.0]);
    (mesh.translation, mesh.rotation) = match dice.below(3) {
        0 => ([0.0; 3], [0.0; 3]),
        1 => (dice.point(), dice.point()),
        _ => (dice.point().map(f64::round), [0.0, std::f64::consts::FRAC_PI_2, 0.0]),
    };
    if dice.below(3) == 0 {
        mesh.emission = Some(dice.radiance());
    }
    if dice.below(3) == 0 {
        mesh.shading = Shading::Smooth;
    }
    if dice.below(4) == 0 {
        mesh.tint = Some(Arc::new((0..corners).map(|_| dice.colour()).collect()));
    }
    if dice.below(4) == 0 {
        mesh.texture = Some(Arc::new(texture(dice)));
    }
    mesh
}

fn texture(dice: &mut Dice) -> Texture {
    let (width, height) = (1 + dice.below(3), 1 + dice.below(2));
    let pixels = (0..width * height).map(|_| dice.colour()).collect();
    Texture::new(Image { width, height, pixels }).expect("a few texels are a texture")
}

/// Within things, at a corner of the first mesh, in the plane of a floor, or outside.
fn camera(dice: &mut Dice, corner: [f64; 3]) -> Result<SceneCamera, SceneError> {
    let outside = dice.point().map(|x| 3.0 * x);
    let inside = dice.point();
    let position = dice.one_of(&[outside, inside, [0.0; 3], corner]);
    let target = match dice.below(3) {
        0 => dice.point(),
        1 => [position[0], position[1], position[2] - 1.0],
        _ => [0.0, position[1], 0.25],
    };
    let fov_deg = dice.one_of(&[0.01, 40.0, 120.0, 179.0]);
    let view = CameraView { position, target, up: [0.0, 1.0, 0.0], fov_deg };
    let film = [1 + dice.below(3), 1 + dice.below(3)];
    if dice.below(4) == 0 {
        return SceneCamera::orthographic("main", &view, film, dice.one_of(&[1e-3, 2.0, 100.0]));
    }
    let mut camera = SceneCamera::new("main", &view, film)?;
    if dice.below(3) == 0 {
        camera.distortion = [0.1 * dice.signed(), 0.0];
    }
    Ok(camera)
}

/// Anywhere, on a face, or at a corner.
fn lamp(dice: &mut Dice, number: usize, corner: [f64; 3]) -> SceneLamp {
    let anywhere = dice.point();
    let position = dice.one_of(&[anywhere, [0.1, 0.0, 0.2], corner]);
    let direction = dice.point();
    let kind = match dice.below(3) {
        0 => LampKind::Point { position },
        1 => LampKind::Spot { position, direction, cone: [0.0, 0.2 + dice.uniform()] },
        _ => LampKind::Distant { direction: dice.one_of(&[direction, [0.0, -1.0, 0.0]]) },
    };
    SceneLamp { name: format!("lamp{number}"), kind, intensity: dice.radiance() }
}

/// Even, or a picture of a few texels, which may all be black.
fn sky(dice: &mut Dice) -> Environment {
    let picture = Environment::new(texture(dice));
    let even = Environment::constant(dice.radiance());
    let sky = if dice.below(2) == 0 { picture } else { even };
    Environment { rotation: dice.point(), ..sky }
}
