//! Derivatives of images against values that were found by other means.

use cotangent_raytrace::reference::{
    Reference, adjoint, emissive_triangles, icosphere_shadow, shadow_blocker,
};
use cotangent_raytrace::{DerivativeOptions, RenderOptions, Selection, World, render, vjp};

const SEEDS: u64 = 8;

struct Found {
    mean: f64,
    standard_error: f64,
}

/// `dJ/dx` over the seeds.
fn derivative(reference: &Reference, options: DerivativeOptions) -> Found {
    let world = World::new(&reference.scene);
    let names = [format!("mesh.{}.translation", reference.moves)];
    let selection = Selection::new(&reference.scene, &names).expect("a parameter of the scene");
    let [width, height] = reference.scene.film();
    let adjoint = adjoint(width, height);
    let of_seed =
        |seed| vjp(&world, &selection, &adjoint, &DerivativeOptions { seed, ..options })[0];
    let values: Vec<f64> = (0..SEEDS).map(of_seed).collect();
    let mean = values.iter().sum::<f64>() / SEEDS as f64;
    let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (SEEDS - 1) as f64;
    Found { mean, standard_error: (variance / SEEDS as f64).sqrt() }
}

/// Within 3.5 standard errors, which are at most 0.5 % of the value; and far outside without the boundary term.
fn agrees(reference: &Reference, options: DerivativeOptions) {
    let exact = reference.derivative;
    let found = derivative(reference, options);
    let error = found.standard_error.hypot(reference.derivative_se);
    let z = (found.mean - exact) / error;
    assert!(found.standard_error < 0.005 * exact.abs(), "{} too noisy", reference.name);
    assert!(z.abs() < 3.5, "{}: {} against {exact}, z = {z}", reference.name, found.mean);
    let without = derivative(reference, DerivativeOptions { boundary: false, ..options });
    let error = without.standard_error.max(0.005 * exact.abs());
    assert!(
        ((without.mean - exact) / error).abs() > 20.0,
        "{}: without the boundary term {} should be wrong",
        reference.name,
        without.mean
    );
}

#[test]
fn edges_that_the_camera_sees_have_their_exact_derivative() {
    agrees(&emissive_triangles(), DerivativeOptions { spp: 1, ..Default::default() });
}

#[test]
fn borders_of_shadows_have_their_exact_derivative() {
    agrees(&shadow_blocker(), DerivativeOptions { spp: 4, shadow_spp: 4, ..Default::default() });
}

#[test]
fn a_flat_shaded_sphere_has_the_derivative_of_finite_differences() {
    agrees(&icosphere_shadow(), DerivativeOptions { spp: 16, shadow_spp: 4, ..Default::default() });
}

#[test]
fn values_are_the_known_ones() {
    for reference in [emissive_triangles(), shadow_blocker(), icosphere_shadow()] {
        let world = World::new(&reference.scene);
        let [width, height] = reference.scene.film();
        let of_seed =
            |seed| render(&world, RenderOptions { spp: 64, seed }).dot(&adjoint(width, height));
        let values: Vec<f64> = (0..SEEDS).map(of_seed).collect();
        let mean = values.iter().sum::<f64>() / SEEDS as f64;
        let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (SEEDS - 1) as f64;
        let error = (variance / SEEDS as f64).sqrt();
        // the value of the sphere is Mitsuba's, with a standard error of its own of about 1e-6
        assert!((mean - reference.value).abs() < 4.0 * error + 4e-6, "{}", reference.name);
    }
}
