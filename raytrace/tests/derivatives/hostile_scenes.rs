//! Scenes that nobody would build: whatever a scene is, its images and derivatives are numbers, and computing them ends.

use cotangent_raytrace::reference::{hostile, image_and_gradient};

/// Scenes beyond the first that gave no numbers: a light that coincides with a face, an edge that is seen end-on.
const WORST: [u64; 2] = [5694, 2033];

#[test]
fn images_and_derivatives_of_hostile_scenes_are_numbers() {
    let (mut seen, mut lit, mut moved) = (0, 0, 0);
    for number in (0..150).chain(WORST) {
        let Ok(scene) = hostile(number) else { continue };
        seen += 1;
        let (image, gradient) = image_and_gradient(&scene, number);
        let numbers = image.pixels.iter().flat_map(|p| p.0);
        assert!(numbers.clone().all(|v| v.is_finite() && v >= 0.0), "scene {number}: {image:?}");
        lit += u32::from(numbers.sum::<f64>() > 0.0);
        assert!(gradient.iter().all(|g| g.is_finite()), "scene {number}: {gradient:?}");
        moved += u32::from(gradient.iter().any(|g| *g != 0.0));
    }
    assert!(seen > 60 && lit > 30 && moved > 30, "{seen} scenes, {lit} lit, {moved} move");
}
