use std::sync::Arc;

use cotangent_problem::{Keep, Linearised, Map, MapError, SampleKey, Simulation, Workspace};

use super::{LineMolecule, LineSimulation, LineTheory};
use crate::one_d::{Architecture, FunctionalFile, Grid, Interaction, Lda, Model};

fn model() -> Model {
    let interaction = Interaction::SoftCoulomb { softening_bohr: 1.0 };
    Model { grid: Grid::new(81, 0.25).unwrap(), interaction, ..Model::default() }
}

fn molecules() -> Vec<LineMolecule> {
    let pair = LineMolecule {
        name: "pair".into(),
        positions_bohr: vec![-0.9, 1.1],
        charges: vec![1.0, 1.4],
        electrons: 2,
        masses_u: None,
    };
    let three = LineMolecule {
        name: "H 3+".into(),
        positions_bohr: vec![-2.0, 0.1, 2.2],
        charges: vec![1.0, 1.5, 1.2],
        electrons: 2,
        masses_u: None,
    };
    vec![pair, three]
}

fn trained() -> LineTheory {
    let architecture = Architecture {
        global_features: 2,
        hidden: vec![3],
        grid_spacing_bohr: 0.25,
        interaction: model().interaction,
        ..Architecture::paper()
    };
    let parameters = architecture.initial_parameters(3);
    LineTheory::Trained(FunctionalFile { architecture, parameters })
}

fn lda() -> LineTheory {
    LineTheory::KohnSham(Arc::new(Lda::default()))
}

/// The map of every differentiable input to every differentiable output, and where it is looked at.
fn everything(theory: LineTheory) -> (Box<dyn Map>, Vec<f64>) {
    let simulation = Arc::new(LineSimulation::new(model(), theory, molecules()));
    let smooth = |quantities: &[cotangent_problem::Quantity]| -> Vec<usize> {
        let has = |k: &usize| quantities[*k].not_differentiable.is_none();
        (0..quantities.len()).filter(has).collect()
    };
    let (inputs, outputs) = (smooth(simulation.inputs()), smooth(simulation.outputs()));
    let mut x = Vec::new();
    for &k in &inputs {
        let quantity = &simulation.inputs()[k];
        let is_potential = quantity.name.ends_with(".potential");
        let moved = |i: usize| if is_potential { 0.02 * (0.3 * i as f64).sin() } else { 0.0 };
        x.extend(quantity.value.iter().enumerate().map(|(i, v)| v + moved(i)));
    }
    (simulation.map(&inputs, &outputs, true).unwrap(), x)
}

fn wave(n: usize, frequency: f64) -> Vec<f64> {
    (0..n).map(|k| (frequency * k as f64 + 0.4).sin()).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn run<'a>(map: &'a dyn Map, x: &[f64]) -> Box<dyn Linearised + 'a> {
    map.run(x, Keep::Linearisation, SampleKey(0), &mut Workspace::new()).unwrap()
}

#[test]
fn every_output_agrees_with_differences_along_every_input() {
    for theory in [lda(), trained(), LineTheory::Exact] {
        let label = format!("{theory:?}");
        let (map, x) = everything(theory);
        let x_dot: Vec<f64> = wave(x.len(), 1.7).iter().map(|d| 0.3 * d).collect();
        let tangent = run(map.as_ref(), &x).pushforward(&[&x_dot]).unwrap().remove(0);
        let at = |t: f64| {
            let moved: Vec<f64> = x.iter().zip(&x_dot).map(|(x, d)| x + t * d).collect();
            run(map.as_ref(), &moved).values().entries.clone()
        };
        let t = 1e-3; // a difference of fourth order
        let ends = [t, -t, 2.0 * t, -2.0 * t].map(at);
        for (k, tangent) in tangent.iter().enumerate() {
            let near = ends[0][k] - ends[1][k];
            let difference = (8.0 * near - (ends[2][k] - ends[3][k])) / (12.0 * t);
            let error = (tangent - difference).abs();
            assert!(
                error < 2e-7 * difference.abs().max(1.0),
                "{label} {k}: {tangent} {difference}"
            );
        }
    }
}

#[test]
fn pullbacks_are_the_transpose_of_pushforwards() {
    for theory in [lda(), trained(), LineTheory::Exact] {
        let (map, x) = everything(theory);
        let run = run(map.as_ref(), &x);
        let (x_dot, y_bar) = (wave(x.len(), 1.3), wave(map.output_len(), 0.7));
        let y_dot = run.pushforward(&[&x_dot]).unwrap().remove(0);
        let x_bar = run.pullback(&[&y_bar]).unwrap().remove(0);
        let (left, right) = (dot(&y_dot, &y_bar), dot(&x_dot, &x_bar));
        assert!((left - right).abs() < 1e-7 * left.abs().max(1.0), "{left} {right}");
    }
}

#[test]
fn what_has_no_derivative_says_why() {
    let kink = Model { interaction: Interaction::BAKER, ..model() };
    let sharp = Arc::new(LineSimulation::new(kink, lda(), molecules()));
    let refused = |s: &Arc<LineSimulation>, input: &str, output: &str| {
        let input = s.inputs().iter().position(|q| q.name == input).unwrap();
        let output = s.outputs().iter().position(|q| q.name == output).unwrap();
        matches!(
            Arc::clone(s).map(&[input], &[output], true),
            Err(MapError::NotDifferentiable { .. })
        )
    };
    assert!(refused(&sharp, "molecule.pair.positions", "molecule.pair.energy"));
    assert!(refused(&sharp, "molecule.pair.charges", "molecule.pair.forces"));
    assert!(!refused(&sharp, "molecule.pair.charges", "molecule.pair.energy"));
    let exact = Arc::new(LineSimulation::new(model(), LineTheory::Exact, molecules()));
    assert!(refused(&exact, "molecule.\"H 3+\".positions", "molecule.\"H 3+\".density"));
    assert!(!refused(&exact, "molecule.\"H 3+\".positions", "molecule.\"H 3+\".energy"));
}

/// Force constants are differences of the forces (of an exact state by its own differences, of fewer digits), and a molecule of
/// elements has the vibrations that [`wave_numbers`](crate::one_d::wave_numbers) makes of them.
#[test]
fn force_constants_are_slopes_of_the_forces() {
    for (theory, tolerance) in [(lda(), 1e-6), (LineTheory::Exact, 1e-4)] {
        let mut pair = molecules().remove(0);
        pair.masses_u = Some(vec![1.0, 2.0]);
        let simulation = Arc::new(LineSimulation::new(model(), theory, vec![pair]));
        let named = |name: &str| {
            simulation.outputs().iter().position(|q| q.name == format!("molecule.pair.{name}"))
        };
        let outputs = ["forces", "force_constants", "wave_numbers"].map(|n| named(n).unwrap());
        assert!(Arc::clone(&simulation).map(&[0], &outputs, true).is_err(), "no third derivatives");
        let map = Arc::clone(&simulation).map(&[0], &outputs, false).unwrap();
        let at = |moved: f64| {
            let x = [-0.9, 1.1 + moved];
            let run = map.run(&x, Keep::Values, SampleKey(0), &mut Workspace::new()).unwrap();
            run.values().entries.clone()
        };
        let (middle, above, below) = (at(0.0), at(1e-3), at(-1e-3));
        for nucleus in 0..2 {
            let slope = -(above[nucleus] - below[nucleus]) / 2e-3;
            let constant = middle[2 + 2 * nucleus + 1];
            assert!((constant - slope).abs() < tolerance, "{constant} {slope}");
        }
        let rows: Vec<Vec<f64>> = middle[2..6].chunks(2).map(Vec::from).collect();
        assert_eq!(middle[6..], crate::one_d::wave_numbers(&rows, &[1.0, 2.0]));
    }
}
