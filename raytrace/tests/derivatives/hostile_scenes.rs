//! Scenes that nobody would build: whatever a scene is, its images and derivatives are numbers, and computing them ends.

use cotangent_raytrace::reference::{adjoint, hostile};
use cotangent_raytrace::{
    DerivativeOptions, RenderOptions, Scene, Selection, View, World, follows, render, vjp,
};

/// Names of all that can be differentiated in a scene.
fn followed(scene: &Scene, world: &World) -> Vec<String> {
    let can = scene.parameters().into_iter().filter(|p| p.not_differentiable.is_none());
    let view = View::from(0);
    let follows = |name: &String| {
        let selection = Selection::new(scene, &[name]).expect("a parameter of the scene");
        follows(world, view, &selection).is_ok()
    };
    can.map(|p| p.name).filter(follows).collect()
}

#[test]
fn images_and_derivatives_of_hostile_scenes_are_numbers() {
    let (mut seen, mut lit, mut moved) = (0, 0, 0);
    for number in 0..150 {
        let Ok(scene) = hostile(number) else { continue };
        seen += 1;
        let world = World::new(&scene);
        let image = render(&world, 0, RenderOptions { spp: 4, seed: number, key: 0 });
        let numbers = image.pixels.iter().flat_map(|p| p.0);
        assert!(numbers.clone().all(|v| v.is_finite() && v >= 0.0), "scene {number}: {image:?}");
        lit += u32::from(numbers.sum::<f64>() > 0.0);
        let names = followed(&scene, &world);
        let selection = Selection::new(&scene, &names).expect("parameters of the scene");
        let options = DerivativeOptions {
            spp: 2,
            seed: number,
            edge_samples: 1,
            shadow_spp: 1,
            ..DerivativeOptions::default()
        };
        let [width, height] = scene.film(0);
        let gradient = vjp(&world, 0, &selection, &adjoint(width, height), &options);
        assert!(gradient.iter().all(|g| g.is_finite()), "scene {number}: {names:?} {gradient:?}");
        moved += u32::from(gradient.iter().any(|g| *g != 0.0));
    }
    assert!(seen > 60 && lit > 30 && moved > 30, "{seen} scenes, {lit} lit, {moved} move");
}
