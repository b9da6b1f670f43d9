//! Images of light that is reflected once or several times, of flat and smooth normals, beside Mitsuba.

use std::process::Command;

use cotangent_raytrace::reference::{Reference, adjoint, icosphere_shadow, shadow_blocker};
use cotangent_raytrace::{RenderOptions, Scene, SceneMesh, Shading, Transport, World, render};

use super::{IMAGE, SEEDS, SPP, failed, statistics, threads};
use crate::clock;
use crate::peer::{self, PeerError, Peers};
use crate::report::{Item, Proof, Row};

const PEER: &str = "Mitsuba, path without roulette";

/// The scene with the sphere's normals shared or not, and light reflected so often.
fn changed(reference: &Reference, smooth: bool, reflections: u32) -> Result<Scene, PeerError> {
    let transport = if reflections == 1 {
        Transport::Direct
    } else {
        Transport::Paths { bounces: reflections }
    };
    let shaded = |m: &SceneMesh| match m.name.as_str() {
        "sphere" if smooth => SceneMesh { shading: Shading::Smooth, ..m.clone() },
        _ => m.clone(),
    };
    let scene = &reference.scene;
    let meshes = scene.meshes().iter().map(shaded).collect();
    Scene::with_cameras(scene.cameras().to_vec(), transport, meshes)
        .map_err(|e| failed("a scene with other normals", &e))
}

/// Images at 64 x 64 pixels and 64 samples; those of flat normals are, in the mean, theirs.
pub(super) fn images(peers: &Peers) -> Result<Vec<Item>, PeerError> {
    let one = threads(1)?;
    let python = peers.python("mitsuba");
    let theirs = match &python {
        Ok(python) => {
            let script = peer::script("raytrace_mitsuba.py");
            let words = [SPP.to_string(), SEEDS.to_string(), "images".into()];
            Some(peer::run(Command::new(python).arg(script).args(words))?)
        }
        Err(_) => None,
    };
    let mut items = Vec::new();
    let cases = [
        (icosphere_shadow(), false, 1),
        (icosphere_shadow(), true, 1),
        (shadow_blocker(), false, 4),
        (icosphere_shadow(), false, 4),
        (icosphere_shadow(), true, 4),
    ];
    for (reference, smooth, reflections) in cases {
        let world = World::new(&changed(&reference, smooth, reflections)?);
        let image =
            |seed| one.install(|| render(&world, 0, RenderOptions { spp: SPP, seed, key: 0 }));
        let ours = clock::best(5, || image(0));
        let normals = if smooth { "smooth" } else { "flat" };
        let times = if reflections == 1 { "reflected once" } else { "reflected up to four times" };
        let work = format!("{}, {normals} normals, {times}: image", reference.name);
        let key = format!("{}.{normals}.{reflections}", reference.name);
        let found = theirs.as_ref().and_then(|t| t.get(&key));
        items.push(match (found, &python) {
            (Some(t), _) => Row::cpu_us(&work, ours, (PEER, t.cpu_s), Some(IMAGE)),
            (None, Err(why)) => Row::skipped(&work, ours, "Mitsuba", why),
            (None, Ok(_)) => Row::skipped(&work, ours, "Mitsuba", "it printed no such row"),
        });
        // smooth normals fade before the face's horizon here and do not there
        let Some(theirs) = found.filter(|_| !smooth) else { continue };
        let values: Vec<f64> = (0..SEEDS).map(|seed| image(seed).dot(&adjoint(64, 64))).collect();
        let ((mean, sd), root) = (statistics(&values), (SEEDS as f64).sqrt());
        let (other, error) = (theirs.values[0], sd.hypot(theirs.values[1]) / root);
        let z = (mean - other) / error;
        items.push(Item::Proof(Proof {
            what: format!("{}, {times}: the image's J beside Mitsuba's", reference.name),
            must: "|z| < 3.5, combined standard error at most 0.2 %".into(),
            measured: format!("{mean:.7} against {other:.7} +- {error:.1e}, z = {z:.2}"),
            holds: z.abs() < 3.5 && error <= 2e-3 * other.abs(),
        }));
    }
    Ok(items)
}
