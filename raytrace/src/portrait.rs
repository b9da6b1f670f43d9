//! What there is to see of a scene: where it stands, derivatives of the first camera's image by what moved most, with and without the
//! terms of moving edges, and meshes that cut through each other, which is seldom what its author meant.

use cotangent_ad::{Pose, Quat, Vec3};
use cotangent_answer::{Body, Extras, Figure, Look, Panel, Portrait};
use cotangent_problem::name::segment;
use cotangent_problem::{Simulation, with_inputs};

use crate::derivative::jacobian;
use crate::edge::follows;
use crate::film::Image;
use crate::geometry::Rgb;
use crate::options::{DerivativeOptions, Terms};
use crate::scene::{MeshCut, Scene, SceneMesh, Selection, World};
use crate::simulation::PictureSimulation;

/// Shows a scene of which some inputs are free: where it stands, derivative images by what moved, and meshes that come to cut each other.
#[derive(Clone, Debug)]
pub struct ScenePortrait {
    simulation: PictureSimulation,
    options: DerivativeOptions,
    /// Meshes that a free parameter moves.
    moving: Vec<String>,
}

/// Samples of the derivative images, as a multiple of the run's.
const FINER: u32 = 4;
/// Derivative images that are drawn.
const SHOWN: usize = 2;
/// Numbers of an input up to which it is differentiated here: a pose, and not a thousand vertices.
const MOST_NUMBERS: usize = 3;

impl ScenePortrait {
    /// Of a simulation of which the inputs of these names are free.
    pub fn new(simulation: PictureSimulation, options: DerivativeOptions, free: &[&str]) -> Self {
        let moving = moving(simulation.scene(), free);
        Self { simulation, options, moving }
    }

    /// Of each pair of meshes that cut through each other, where a free input moves one of them, what is said.
    pub fn cuts(&self) -> Vec<String> {
        cuts(self.simulation.scene(), &self.moving)
    }

    /// The entries of poses that moved most between `start` and `answer`, in their typical sizes; each of another input.
    fn moved(&self, start: &[Vec<f64>], answer: &[Vec<f64>]) -> Vec<(usize, usize)> {
        let is_pose = |name: &str| {
            let last = name.rsplit('.').next().unwrap_or_default();
            ["translation", "rotation", "scale", "position", "direction"].contains(&last)
        };
        let mut most: Vec<(f64, usize, usize)> = Vec::new();
        for (k, quantity) in self.simulation.inputs().iter().enumerate() {
            if !is_pose(&quantity.name) || quantity.len() > MOST_NUMBERS {
                continue;
            }
            let change = |e: usize| (answer[k][e] - start[k][e]).abs() / quantity.scale;
            let entry = (0..quantity.len()).max_by(|a, b| change(*a).total_cmp(&change(*b)));
            most.extend(entry.filter(|e| change(*e) > 0.0).map(|e| (change(e), k, e)));
        }
        most.sort_by(|a, b| b.0.total_cmp(&a.0));
        most.into_iter().take(SHOWN).map(|(_, k, e)| (k, e)).collect()
    }

    fn figure(&self, moved: &[(usize, usize)], answer: &[Vec<f64>]) -> Option<Figure> {
        let simulation = with_inputs(&self.simulation, answer).ok()?;
        let world = World::new(simulation.scene());
        let options =
            DerivativeOptions { spp: self.options.spp.saturating_mul(FINER), ..self.options };
        let mut panels = Vec::new();
        for &(k, e) in moved {
            let name = &simulation.inputs()[k].name;
            let selection = Selection::new(simulation.scene(), &[name]).ok()?;
            follows(&world, 0, &selection).ok()?;
            let image = |terms: Terms| {
                jacobian(&world, 0, &selection, &DerivativeOptions { terms, ..options })
                    .swap_remove(e)
            };
            let (with, without) = (image(Terms::ALL), image(Terms::INTERIOR));
            let scale = largest(&with);
            // a panel is narrow
            let short = name.split_once('.').map_or(name.as_str(), |(_, short)| short);
            panels.push(signed(&format!("by {short}[{e}], +-{scale:.1e}"), &with, scale)?);
            panels.push(signed("the same without moving edges", &without, scale)?);
        }
        let camera = &simulation.scene().cameras()[0].name;
        let title = format!("Derivatives of `{camera}`; red is brighter");
        Some(Figure { panels, ..Figure::lines("derivatives", &title, ["", ""], Vec::new()) })
    }
}

impl Portrait for ScenePortrait {
    fn figures(&self, start: &[Vec<f64>], answer: &[Vec<f64>]) -> Vec<Figure> {
        let moved = self.moved(start, answer);
        if moved.is_empty() {
            return Vec::new();
        }
        self.figure(&moved, answer).into_iter().collect()
    }

    fn extras(&self, answer: &[Vec<f64>]) -> Extras {
        let Ok(simulation) = with_inputs(&self.simulation, answer) else {
            return Extras::default();
        };
        let remedy = |cut: String| {
            format!("at the answer, {cut}: if they should not, give a parameter bounds")
        };
        let warnings = cuts(simulation.scene(), &self.moving).into_iter().map(remedy).collect();
        Extras { warnings, ..Extras::default() }
    }

    fn looks(&self, inputs: &[Vec<f64>]) -> Result<Vec<Look>, String> {
        let simulation = with_inputs(&self.simulation, inputs)?;
        Ok(vec![look(simulation.scene())])
    }
}

/// Names of the meshes that a free input moves.
fn moving(scene: &Scene, free: &[&str]) -> Vec<String> {
    let moves = |mesh: &str| {
        ["translation", "rotation", "scale", "vertices", "differential"]
            .iter()
            .any(|kind| free.contains(&format!("mesh.{}.{kind}", segment(mesh)).as_str()))
    };
    scene.meshes().iter().map(|m| &m.name).filter(|name| moves(name)).cloned().collect()
}

/// What is said of each pair of meshes that cut through each other, where one of them is `moving`: that is, a free parameter moves it.
fn cuts(scene: &Scene, moving: &[String]) -> Vec<String> {
    if moving.is_empty() {
        return Vec::new();
    }
    let said = |cut: &MeshCut| {
        let ([a, b], [x, y, z]) = (&cut.meshes, cut.near);
        let place =
            format!("near ({x:.3}, {y:.3}, {z:.3}), and derivatives follow where they meet");
        if a == b {
            format!("mesh `{a}` cuts through itself {place}")
        } else {
            format!("meshes `{a}` and `{b}` cut through each other {place}")
        }
    };
    let cuts = World::new(scene).cuts();
    cuts.iter().filter(|c| c.meshes.iter().any(|m| moving.contains(m))).map(said).collect()
}

/// The meshes of a scene, each where it stands.
fn look(scene: &Scene) -> Look {
    let body = |mesh: &SceneMesh| Body {
        name: mesh.name.clone(),
        corners: mesh.shape.vertices().iter().map(|v| (*v * mesh.scale).0).collect(),
        faces: mesh.shape.faces().to_vec(),
        colour: mesh.albedo.0,
        glow: mesh.emission.unwrap_or(Rgb::BLACK).0,
        poses: vec![Pose {
            rotation: Quat::exp(Vec3(mesh.rotation)).to_mat(),
            translation: Vec3(mesh.translation),
        }],
    };
    let bodies = scene.meshes().iter().map(body).collect();
    Look { name: "scene".into(), unit: "scene unit", up: 1, times: vec![0.0], bodies }
}

/// Mean of the channels.
fn grey(p: Rgb) -> f64 {
    p.dot(Rgb::WHITE) / 3.0
}

/// The size that 99 % of the pixels do not exceed, so that a few do not hide the rest.
fn largest(image: &Image) -> f64 {
    let mut sizes: Vec<f64> = image.pixels.iter().map(|p| grey(*p).abs()).collect();
    sizes.sort_by(f64::total_cmp);
    sizes[(sizes.len() - 1) * 99 / 100].max(f64::MIN_POSITIVE)
}

/// Red above zero, blue below, white at zero.
fn signed(label: &str, image: &Image, scale: f64) -> Option<Panel> {
    let colour = |p: &Rgb| {
        let v = (grey(*p) / scale).clamp(-1.0, 1.0);
        let away = |full: f64| byte(1.0 - v.abs() * (1.0 - full));
        if v > 0.0 {
            [away(0.698), away(0.094), away(0.169)]
        } else {
            [away(0.129), away(0.4), away(0.674)]
        }
    };
    let pixels: Vec<[u8; 3]> = image.pixels.iter().map(colour).collect();
    let size = [u32::try_from(image.width).ok()?, u32::try_from(image.height).ok()?];
    Panel::new(label, size, &pixels).ok()
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the argument is within [0, 1]"
)]
fn byte(v: f64) -> u8 {
    (255.0 * v).round() as u8
}
