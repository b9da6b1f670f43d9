//! What one gradient may cost at all: seconds of its first call, bytes of its reverse pass, and what a second thread gains.

use std::time::Instant;

use cotangent_raytrace::reference::{adjoint, icosphere_shadow, shadow_blocker};
use cotangent_raytrace::{DerivativeOptions, Scene, Transport, World, vjp};

use super::{SPP, failed, gradient, select, threads};
use crate::peer::{PeerError, Peers};
use crate::report::{Item, Proof};
use crate::{clock, memory};

/// One call, from the scene to the gradient, with nothing built before and no call to warm up.
pub(super) fn first_call(_: &Peers) -> Result<Vec<Item>, PeerError> {
    const MOST_S: f64 = 0.15;
    let reference = icosphere_shadow();
    let options = DerivativeOptions { spp: SPP, ..DerivativeOptions::default() };
    let one = threads(1)?;
    let cpu_s = clock::once(|| one.install(|| gradient(&reference, &options)));
    Ok(vec![Item::Proof(Proof {
        what: format!("icosphere_shadow: one gradient call, 64 x 64, {SPP} spp, no warm-up"),
        must: format!("less than {MOST_S} CPU-s"),
        measured: format!("{cpu_s:.3} CPU-s"),
        holds: cpu_s < MOST_S,
    })])
}

/// The most that a reverse pass holds, by all vertices of a sphere, as paths get longer and more.
pub(super) fn reverse_memory(_: &Peers) -> Result<Vec<Item>, PeerError> {
    const GROWTH: f64 = 1.1;
    let scene = icosphere_shadow().scene;
    let one = threads(1)?;
    let held = |bounces: u32, spp: u32| -> Result<f64, PeerError> {
        let transport = Transport::Paths { bounces };
        let scene = Scene::with_cameras(scene.cameras().to_vec(), transport, scene.meshes().into())
            .map_err(|e| failed("light reflected more often", &e))?;
        let selection = select(&scene, "mesh.sphere.vertices")?;
        let (world, weights) = (World::new(&scene), adjoint(64, 64));
        let options = DerivativeOptions { spp, ..DerivativeOptions::default() };
        let pass = || vjp(&world, 0, &selection, &weights, &options);
        Ok(one.install(|| memory::most_held(pass)) as f64 / 1024.0)
    };
    let base = held(2, 1)?;
    let proof = |what: &str, more: f64| {
        Item::Proof(Proof {
            what: format!("memory of a reverse pass: {what}"),
            must: format!("at most {GROWTH} times as much"),
            measured: format!("{base:.0} KiB, then {more:.0} KiB"),
            holds: more <= GROWTH * base,
        })
    };
    Ok(vec![
        proof("2 reflections, then 8, at 1 spp", held(8, 1)?),
        proof("1 spp, then 16, at 2 reflections", held(2, 16)?),
    ])
}

/// Wall time of a gradient on one thread and on two, in turn.
pub(super) fn two_threads(_: &Peers) -> Result<Vec<Item>, PeerError> {
    const LEAST: f64 = 1.8;
    let reference = shadow_blocker();
    let options = DerivativeOptions { spp: SPP, ..DerivativeOptions::default() };
    let pools = [threads(1)?, threads(2)?];
    let mut best = [f64::INFINITY; 2];
    for _ in 0..5 {
        for (pool, best) in pools.iter().zip(&mut best) {
            let start = Instant::now();
            pool.install(|| gradient(&reference, &options))?;
            *best = best.min(start.elapsed().as_secs_f64());
        }
    }
    let gain = best[0] / best[1];
    Ok(vec![Item::Proof(Proof {
        what: "shadow_blocker: gradient on 2 threads beside 1, wall time".into(),
        must: format!("at least {LEAST} times as fast"),
        measured: format!("{gain:.2} times"),
        holds: gain >= LEAST,
    })])
}
