//! Scenes that nobody would build: whatever a scene is, its image and gradient are numbers, and computing them ends.

use cotangent_raytrace::reference::{adjoint, hostile};
use cotangent_raytrace::{
    DerivativeOptions, RenderOptions, Scene, Selection, View, World, follows, render, vjp,
};

use crate::peer::{PeerError, Peers};
use crate::report::{Item, Proof};

/// Ten thousand of them; some are refused when they are made.
#[expect(clippy::unnecessary_wraps, reason = "a row like the others")]
pub(super) fn hostile_scenes(_: &Peers) -> Result<Vec<Item>, PeerError> {
    const SCENES: u64 = 10_000;
    let scenes: Vec<(u64, Scene)> =
        (0..SCENES).filter_map(|number| Some((number, hostile(number).ok()?))).collect();
    let wrong: Vec<u64> =
        scenes.iter().filter(|(number, s)| !gives_numbers(*number, s)).map(|s| s.0).collect();
    Ok(vec![Item::Proof(Proof {
        what: format!(
            "{SCENES} scenes that nobody would build: image, and gradient by all that is followed"
        ),
        must: "all end, and give finite numbers".into(),
        measured: match wrong.first() {
            None => format!("{} are scenes, all give finite numbers", scenes.len()),
            Some(first) => {
                format!("{} of {} do not, number {first} first", wrong.len(), scenes.len())
            }
        },
        holds: wrong.is_empty(),
    })])
}

fn gives_numbers(number: u64, scene: &Scene) -> bool {
    let world = World::new(scene);
    let image = render(&world, 0, RenderOptions { spp: 4, seed: number, key: 0 });
    let can = scene.parameters().into_iter().filter(|p| p.not_differentiable.is_none());
    let selected = |names: &[String]| Selection::new(scene, names).ok();
    let followed = |name: &String| {
        let selection = selected(std::slice::from_ref(name));
        selection.is_some_and(|s| follows(&world, View::from(0), &s).is_ok())
    };
    let names: Vec<String> = can.map(|p| p.name).filter(followed).collect();
    let Some(selection) = selected(&names) else { return false };
    let options = DerivativeOptions {
        spp: 2,
        seed: number,
        edge_samples: 1,
        shadow_spp: 1,
        ..DerivativeOptions::default()
    };
    let [width, height] = scene.film(0);
    let gradient = vjp(&world, 0, &selection, &adjoint(width, height), &options);
    let seen = image.pixels.iter().flat_map(|p| p.0).all(|v| v.is_finite() && v >= 0.0);
    seen && gradient.iter().all(|g| g.is_finite())
}
