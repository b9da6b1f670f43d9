//! Derivatives of everything that moves, against finite differences of our own images that have no truncation.
//!
//! Over an interval of a parameter the mean of the derivative is the difference of the values at its ends, however long the interval is
//! and whatever kinks there are within it. So derivatives are taken at places that fill the interval evenly, each with other random
//! numbers, and images at its ends with common ones; both means have standard errors of their own.

use cotangent_raytrace::reference::adjoint;
use cotangent_raytrace::{
    DerivativeOptions, RenderOptions, Scene, SceneError, Selection, World, render, vjp,
};

use super::{failed, scenes, statistics};
use crate::peer::{PeerError, Peers};
use crate::report::{Item, Proof};

/// Paths a pixel of the images at the ends.
const SPP: u32 = 256;
/// What the combined standard error must not exceed, relative to the difference.
const RESOLVED: f64 = 0.01;

/// One number of a scene that changes.
struct Case {
    what: &'static str,
    scene: fn() -> Result<Scene, SceneError>,
    /// A parameter, and which of its entries.
    parameter: (&'static str, usize),
    /// Half the interval.
    half: f64,
    /// How many derivatives, and how many pairs of images.
    counts: [u32; 2],
}

const fn case(
    what: &'static str,
    scene: fn() -> Result<Scene, SceneError>,
    parameter: (&'static str, usize),
    half: f64,
    counts: [u32; 2],
) -> Case {
    Case { what, scene, parameter, half, counts }
}

const CASES: &[Case] = &[
    case(
        "panel that moves in a closed room",
        scenes::room,
        ("mesh.panel.translation", 0),
        0.05,
        [128, 48],
    ),
    case(
        "panel that turns in a closed room",
        scenes::room,
        ("mesh.panel.rotation", 2),
        0.05,
        [96, 64],
    ),
    case(
        "block that moves in a closed room",
        scenes::room,
        ("mesh.block.translation", 2),
        0.04,
        [1500, 900],
    ),
    case(
        "block that turns in a closed room",
        scenes::room,
        ("mesh.block.rotation", 0),
        0.06,
        [800, 400],
    ),
    case(
        "camera that turns in a closed room",
        scenes::room,
        ("camera.main.rotation", 1),
        0.03,
        [1400, 200],
    ),
    case(
        "lamp that moves in a closed room",
        scenes::room,
        ("light.lamp.position", 1),
        0.05,
        [600, 120],
    ),
    case(
        "flat-shaded ball over a glossy floor",
        scenes::glossy_floor,
        ("mesh.ball.translation", 0),
        0.04,
        [64, 32],
    ),
    case(
        "roughness of a glossy floor",
        scenes::glossy_floor,
        ("mesh.floor.roughness", 0),
        0.02,
        [128, 32],
    ),
    case(
        "size of a ball with smooth normals",
        scenes::smooth_ball,
        ("mesh.ball.scale", 0),
        0.02,
        [64, 96],
    ),
    case(
        "vertex of a ball with smooth normals",
        scenes::smooth_ball,
        ("mesh.ball.vertices", 4),
        0.03,
        [64, 32],
    ),
    case(
        "ball under a sky with a picture",
        scenes::under_a_sky,
        ("mesh.ball.translation", 1),
        0.03,
        [192, 64],
    ),
    case(
        "ball over a picture, under a spot",
        scenes::carpet,
        ("mesh.ball.translation", 0),
        0.02,
        [64, 32],
    ),
    case(
        "block that turns within another block",
        scenes::crossing_blocks,
        ("mesh.right.rotation", 1),
        0.05,
        [64, 64],
    ),
    case(
        "camera before blocks that cut through each other",
        scenes::crossing_blocks,
        ("camera.main.translation", 0),
        0.03,
        [512, 200],
    ),
    case(
        "block that rises out of a floor and another block, light reflected three times",
        scenes::crossing_blocks_that_light_each_other,
        ("mesh.left.translation", 1),
        0.03,
        [1600, 96],
    ),
    case(
        "panel that rises into a ceiling",
        scenes::sunk_panel,
        ("mesh.panel.translation", 1),
        0.04,
        [64, 32],
    ),
    case(
        "ceiling that sinks below a panel",
        scenes::sunk_panel,
        ("mesh.ceiling.translation", 1),
        0.04,
        [192, 32],
    ),
];

/// Every case.
pub(super) fn everything_that_moves(_: &Peers) -> Result<Vec<Item>, PeerError> {
    CASES.iter().map(|c| c.proof().map_err(|e| failed(c.what, &e))).collect()
}

impl Case {
    fn proof(&self) -> Result<Item, SceneError> {
        let scene = (self.scene)()?;
        let (name, entry) = self.parameter;
        let selection = Selection::new(&scene, &[name])?;
        let [width, height] = scene.film(0);
        let weights = adjoint(width, height);
        let at = |step: f64| -> Result<World, SceneError> {
            let mut there = scene.clone();
            let mut x = selection.get(&there);
            x[entry] += step;
            selection.set(&mut there, &x)?;
            Ok(World::new(&there))
        };
        let [derivatives, pairs] = self.counts;
        let derivative = |k: u32| -> Result<f64, SceneError> {
            let place = (f64::from(k) + 0.5) / f64::from(derivatives);
            let options = DerivativeOptions { seed: u64::from(k), ..Default::default() };
            let world = at(self.half * (2.0 * place - 1.0))?;
            Ok(vjp(&world, 0, &selection, &weights, &options)[entry])
        };
        let gradients: Vec<f64> = (0..derivatives).map(derivative).collect::<Result<_, _>>()?;
        let ends = [at(self.half)?, at(-self.half)?];
        let difference = |k: u32| {
            let options = RenderOptions { spp: SPP, seed: 5000 + u64::from(k), key: 0 };
            let [high, low] = ends.each_ref().map(|w| render(w, 0, options).dot(&weights));
            (high - low) / (2.0 * self.half)
        };
        let differences: Vec<f64> = (0..pairs).map(difference).collect();
        let ((g, sg), (d, sd)) = (statistics(&gradients), statistics(&differences));
        let error = (sg / f64::from(derivatives).sqrt()).hypot(sd / f64::from(pairs).sqrt());
        let z = (g - d) / error;
        Ok(Item::Proof(Proof {
            what: format!("{}: {name}[{entry}], mean over +-{}", self.what, self.half),
            must: "|z| < 3.5 against differences, combined standard error at most 1 %".into(),
            measured: format!(
                "{g:.5e} against {d:.5e}, +- {:.2} %, z = {z:+.2}",
                100.0 * error / d.abs()
            ),
            holds: z.abs() < 3.5 && error <= RESOLVED * d.abs(),
        }))
    }
}
