//! Scenes that nobody would build: whatever a scene is, its image and gradient are numbers, and computing them ends.

use cotangent_raytrace::Scene;
use cotangent_raytrace::reference::{hostile, image_and_gradient};

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
    let (image, gradient) = image_and_gradient(scene, number);
    let seen = image.pixels.iter().flat_map(|p| p.0).all(|v| v.is_finite() && v >= 0.0);
    seen && gradient.iter().all(|g| g.is_finite())
}
