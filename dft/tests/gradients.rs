//! Gradients of the self-consistent field by every kind of parameter, unrolled and implicit, restricted and spin-polarised,
//! against central differences (1e-7) and the slope of the Taylor remainder.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use cotangent_ad::check;
use cotangent_dft::one_d::field::unrolled::reverse_trajectory;
use cotangent_dft::one_d::{
    Architecture, EigenOptions, Functional, Grid, ImplicitOptions, Interaction, Lda, Model,
    Network, Prepared, Scf, ScfOptions, Stencil, System, implicit_adjoint, self_consistent_field,
};

const POINTS: usize = 81;

fn model() -> Model {
    Model {
        grid: Grid::new(POINTS, 0.25).unwrap(),
        stencil: Stencil::FivePoint,
        interaction: Interaction::SoftCoulomb { softening_bohr: 1.0 },
    }
}

/// How a gradient is made.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    /// Linear mixing that decays, reversed.
    Linear,
    /// Anderson's mixing, reversed.
    Anderson,
    /// At the fixed point.
    Implicit,
}

const WAYS: [Way; 3] = [Way::Linear, Way::Anderson, Way::Implicit];

impl Way {
    fn options(self) -> ScfOptions {
        let eigen = EigenOptions { tol_residual_ha: 1e-12 };
        let common = ScfOptions { mirror_symmetric: false, eigen, ..ScfOptions::paper() };
        match self {
            Self::Linear => ScfOptions { steps: 6, ..common },
            Self::Anderson => ScfOptions { steps: 6, history: 3, mixing_decay: 1.0, ..common },
            Self::Implicit => ScfOptions { tol_density: 1e-11, eigen, ..ScfOptions::converged() },
        }
    }
}

/// Weights of the densities in the loss, each channel of its own.
fn weights(length: usize) -> Vec<f64> {
    (0..length).map(|i| (0.2 * i as f64).sin()).collect()
}

/// `0.6 E + sum_i w_i n_i` of the last step.
fn loss(way: Way, scf: &Scf) -> f64 {
    let density = if way == Way::Implicit { &scf.last().density_out } else { &scf.density };
    let moment: f64 = density.iter().zip(weights(density.len())).map(|(n, w)| n * w).sum();
    0.6 * scf.energy_ha() + moment
}

/// Loss, its gradient by the functional's parameters, and by the nuclei: positions, then charges.
fn differentiate(
    way: Way,
    system: &System,
    prepared: &Prepared,
    functional: &dyn Functional,
) -> (f64, Vec<f64>, Vec<f64>) {
    let (model, options) = (model(), way.options());
    let scf = self_consistent_field(&model, prepared, functional, &options).unwrap();
    let bar = weights(scf.density.len());
    let (parameters, nuclei) = if way == Way::Implicit {
        let linear = ImplicitOptions::default();
        let found =
            implicit_adjoint(&model, prepared, functional, &options, &scf, 0.6, &bar, &linear)
                .unwrap();
        let nuclei = found.nuclei(&model, system);
        (found.parameters, nuclei)
    } else {
        let mut energies = vec![0.0; scf.steps.len()];
        energies[scf.steps.len() - 1] = 0.6;
        let found =
            reverse_trajectory(&model, prepared, functional, &options, &scf, &energies, &bar);
        let nuclei = found.nuclei(&model, system, prepared).unwrap();
        (found.parameters, nuclei)
    };
    let (positions, charges): (Vec<f64>, Vec<f64>) = nuclei.into_iter().unzip();
    (loss(way, &scf), parameters, [positions, charges].concat())
}

fn assert_right(what: &str, f: impl Fn(&[f64]) -> f64, x: &[f64], gradient: &[f64]) {
    let total = |x: &[f64]| Ok::<f64, ()>(f(x));
    for k in 0..x.len() {
        let moved = |t: f64| {
            let mut y = x.to_vec();
            y[k] += t;
            f(&y)
        };
        let t = 2e-4; // fourth order
        let fd = (8.0 * (moved(t) - moved(-t)) - (moved(2.0 * t) - moved(-2.0 * t))) / (12.0 * t);
        let error = (gradient[k] - fd).abs() / fd.abs().max(1.0);
        assert!(error < 1e-7, "{what}, parameter {k}: {} {fd}", gradient[k]);
    }
    let v: Vec<f64> = (0..x.len()).map(|k| (1.3 * k as f64 + 0.4).sin()).collect();
    let along = gradient.iter().zip(&v).map(|(g, v)| g * v).sum();
    let test = check::taylor(total, x, &v, along, 2e-2, 6).unwrap();
    assert!(test.slope.is_some() && test.passes(), "{what}: {test:?}");
}

fn prepared(system: &System, polarised: bool) -> Prepared {
    let make = if polarised { Prepared::polarised } else { Prepared::new };
    make(&model(), system).unwrap()
}

#[test]
fn by_positions_and_charges() {
    let system = |x: &[f64]| System::molecule(&[(x[0], x[2]), (x[1], x[3])], 3).unwrap();
    let x = [-1.1, 0.9, 1.0, 2.1];
    for way in WAYS {
        for polarised in [false, true] {
            let value = |x: &[f64]| {
                let system = system(x);
                let prepared = prepared(&system, polarised);
                let options = way.options();
                loss(
                    way,
                    &self_consistent_field(&model(), &prepared, &Lda::default(), &options).unwrap(),
                )
            };
            let at = system(&x);
            let gradient = differentiate(way, &at, &prepared(&at, polarised), &Lda::default()).2;
            assert_right(&format!("{way:?}, polarised {polarised}"), value, &x, &gradient);
        }
    }
}

#[test]
fn by_the_functional_s_parameters() {
    let architecture = Architecture {
        global_features: 2,
        hidden: vec![3],
        grid_spacing_bohr: 0.25,
        interaction: model().interaction,
        ..Architecture::paper()
    };
    parameters_are_right(&architecture, &System::chain(2, 1.0, 1.5).unwrap(), false);
    let spins = Architecture { spin_adapted: true, ..architecture };
    parameters_are_right(&spins, &System::chain(3, 1.0, 1.5).unwrap(), true);
}

fn parameters_are_right(architecture: &Architecture, system: &System, polarised: bool) {
    let x = architecture.initial_parameters(3);
    let network = |x: &[f64]| Network::new(architecture.clone(), x, &model().grid).unwrap();
    for way in WAYS {
        let prepared = prepared(system, polarised);
        let value = |x: &[f64]| {
            let scf = self_consistent_field(&model(), &prepared, &network(x), &way.options());
            loss(way, &scf.unwrap())
        };
        let gradient = differentiate(way, system, &prepared, &network(&x)).1;
        assert_right(&format!("{way:?}, polarised {polarised}"), value, &x, &gradient);
    }
}
