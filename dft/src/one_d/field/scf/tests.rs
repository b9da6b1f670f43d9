use super::{Model, Prepared, ScfError, ScfOptions, ScfStatus, self_consistent_field};
use crate::one_d::{Architecture, EigenError, Grid, Lda, Network, System};

#[test]
fn stopping_short_is_an_outcome_with_advice() {
    let model = Model::default();
    let prepared = Prepared::new(&model, &System::chain(2, 1.0, 1.6).unwrap()).unwrap();
    let options = ScfOptions { steps: 3, ..ScfOptions::converged() };
    let scf = self_consistent_field(&model, &prepared, &Lda::default(), &options).unwrap();
    assert!(matches!(scf.status, ScfStatus::MaxSteps { residual } if residual > 1e-9));
    assert!(scf.advice(&model).contains("more steps"), "{}", scf.advice(&model));
}

#[test]
fn a_functional_of_the_density_refuses_spins() {
    let model = Model::default();
    let system = System::chain(2, 1.0, 1.6).unwrap();
    let architecture =
        Architecture { global_features: 1, hidden: vec![2], ..Architecture::paper() };
    let theta = architecture.initial_parameters(0);
    let network = Network::new(architecture, &theta, &model.grid).unwrap();
    let prepared = Prepared::polarised(&model, &system).unwrap();
    let refused =
        self_consistent_field(&model, &prepared, &network, &ScfOptions::paper()).unwrap_err();
    assert_eq!(refused, ScfError::Channels { channels: 2 });
}

#[test]
fn more_electrons_than_the_grid_holds_are_refused() {
    let model = Model { grid: Grid::new(9, 0.5).unwrap(), ..Model::default() };
    let crowd = System::molecule(&[(0.0, 10.0)], 10).unwrap();
    for prepared in [Prepared::new(&model, &crowd), Prepared::polarised(&model, &crowd)] {
        let refused = prepared.unwrap_err();
        let source = EigenError::TooManyStates { wanted: 5, points: 9 };
        assert_eq!(refused, ScfError::Eigen { step: 0, source });
    }
}

#[test]
fn equal_spins_are_the_restricted_field() {
    let model = Model::default();
    let system = System::chain(2, 1.0, 1.6).unwrap();
    let run = |prepared: Prepared| {
        let options = ScfOptions::converged();
        self_consistent_field(&model, &prepared, &Lda::default(), &options).unwrap()
    };
    let restricted = run(Prepared::new(&model, &system).unwrap());
    let polarised = run(Prepared::polarised(&model, &system).unwrap());
    assert!((restricted.energy_ha() - polarised.energy_ha()).abs() < 1e-12);
    assert!((restricted.gap_ha(&model) - polarised.gap_ha(&model)).abs() < 1e-9);
    let pairs = restricted.total_density().into_iter().zip(polarised.total_density());
    assert!(pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max) < 1e-9);
}

#[test]
fn settings_out_of_range_are_refused() {
    let model = Model::default();
    let prepared = Prepared::new(&model, &System::chain(2, 1.0, 1.6).unwrap()).unwrap();
    let run =
        |options| self_consistent_field(&model, &prepared, &Lda::default(), &options).unwrap_err();
    let paper = ScfOptions::paper();
    assert!(matches!(
        run(ScfOptions { mixing: 1.5, ..paper }),
        ScfError::Setting { setting: "mixing", .. }
    ));
    assert!(matches!(
        run(ScfOptions { steps: 0, ..paper }),
        ScfError::Setting { setting: "steps", .. }
    ));
}
