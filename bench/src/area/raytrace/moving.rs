//! Derivatives of everything that moves, against finite differences of our own images that have no truncation.
//!
//! Over an interval of a parameter the mean of the derivative is the difference of the values at its ends, however long the interval is
//! and whatever kinks there are within it. So derivatives are taken at places that fill the interval evenly, each with other random
//! numbers, and images at its ends with common ones; both means have standard errors of their own.

use cotangent_raytrace::reference::adjoint;
use cotangent_raytrace::{
    DerivativeOptions, RenderOptions, Scene, SceneError, Selection, Terms, World, render, vjp,
};

use super::{failed, reflections, scenes, statistics};
use crate::peer::{PeerError, Peers};
use crate::report::{Item, Proof};

/// Paths a pixel of the images at the ends.
const SPP: u32 = 256;
/// What the combined standard error must not exceed, relative to the difference.
const RESOLVED: f64 = 0.01;

/// How far off, at least, a derivative is without a term that it needs.
const MISSED: f64 = 0.05;

/// One number of a scene that changes.
pub(super) struct Case {
    what: &'static str,
    scene: fn() -> Result<Scene, SceneError>,
    /// A parameter, and which of its entries.
    parameter: (&'static str, usize),
    /// Half the interval.
    half: f64,
    /// How many derivatives, and how many pairs of images.
    counts: [u32; 2],
    /// What is also shown to be needed: its name, and the terms without it.
    needs: Option<(&'static str, Terms)>,
}

pub(super) const fn case(
    what: &'static str,
    scene: fn() -> Result<Scene, SceneError>,
    parameter: (&'static str, usize),
    half: f64,
    counts: [u32; 2],
) -> Case {
    Case { what, scene, parameter, half, counts, needs: None }
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
        [2000, 1200],
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
        [2000, 200],
    ),
    case(
        "lamp that moves in a closed room",
        scenes::room,
        ("light.lamp.position", 1),
        0.05,
        [1000, 200],
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
        [160, 48],
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
        [640, 256],
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
    proofs(CASES)
}

/// Everything that is seen in mirrors and through glass.
pub(super) fn mirrors_and_glass(_: &Peers) -> Result<Vec<Item>, PeerError> {
    proofs(reflections::CASES)
}

fn proofs(cases: &[Case]) -> Result<Vec<Item>, PeerError> {
    let proof = |c: &Case| c.proofs().map_err(|e| failed(c.what, &e));
    Ok(cases.iter().map(proof).collect::<Result<Vec<_>, _>>()?.concat())
}

impl Case {
    /// The same case, whose derivative is far off with these `terms` alone, which lack what `name` says.
    pub(super) const fn needs(self, name: &'static str, terms: Terms) -> Self {
        Self { needs: Some((name, terms)), ..self }
    }

    /// Derivative against differences, and against what it is without a term.
    fn proofs(&self) -> Result<Vec<Item>, SceneError> {
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
        let gradients = |terms: Terms, count: u32| -> Result<Vec<f64>, SceneError> {
            let one = |k: u32| {
                let place = (f64::from(k) + 0.5) / f64::from(count);
                let options = DerivativeOptions { seed: u64::from(k), terms, ..Default::default() };
                let world = at(self.half * (2.0 * place - 1.0))?;
                Ok(vjp(&world, 0, &selection, &weights, &options)[entry])
            };
            (0..count).map(one).collect()
        };
        let ends = [at(self.half)?, at(-self.half)?];
        let difference = |k: u32| {
            let options = RenderOptions { spp: SPP, seed: 5000 + u64::from(k), key: 0 };
            let [high, low] = ends.each_ref().map(|w| render(w, 0, options).dot(&weights));
            (high - low) / (2.0 * self.half)
        };
        let differences: Vec<f64> = (0..pairs).map(difference).collect();
        let (d, sd) = statistics(&differences);
        let against = |gradients: &[f64]| {
            let (g, sg) = statistics(gradients);
            let error = (sg / (gradients.len() as f64).sqrt()).hypot(sd / f64::from(pairs).sqrt());
            (g, error, (g - d) / error)
        };
        let (g, error, z) = against(&gradients(Terms::ALL, derivatives)?);
        let what = format!("{}: {name}[{entry}], mean over +-{}", self.what, self.half);
        let right = Proof {
            what: what.clone(),
            must: "|z| < 3.5 against differences, combined standard error at most 1 %".into(),
            measured: format!(
                "{g:.5e} against {d:.5e}, +- {:.2} %, z = {z:+.2}",
                100.0 * error / d.abs()
            ),
            holds: z.abs() < 3.5 && error <= RESOLVED * d.abs(),
        };
        let mut items = vec![Item::Proof(right)];
        if let Some((missing, terms)) = self.needs {
            let (g, _, z) = against(&gradients(terms, derivatives.div_ceil(4).max(16))?);
            let off = (g - d) / d.abs();
            items.push(Item::Proof(Proof {
                what: format!("{what}, without {missing}"),
                must: "off by 5 % or more, |z| > 5".into(),
                measured: format!("off by {:+.0} %, z = {z:+.1}", 100.0 * off),
                holds: off.abs() > MISSED && z.abs() > 5.0,
            }));
        }
        Ok(items)
    }
}
