//! How far the gradient through a trajectory is from that of the fixed point, by the number of steps and by the mixing.

use cotangent_dft::one_d::field::unrolled::reverse_trajectory;
use cotangent_dft::one_d::{
    Architecture, EigenOptions, ImplicitOptions, Model, Network, Prepared, ScfOptions, System,
    implicit_adjoint, self_consistent_field,
};

use crate::peer::{PeerError, Peers};
use crate::report::{Item, Proof};

const STEPS: [usize; 4] = [15, 30, 60, 120];

#[expect(clippy::unnecessary_wraps, reason = "a measurement")]
pub(super) fn unrolled_against_implicit(_: &Peers) -> Result<Vec<Item>, PeerError> {
    let model = Model::default();
    let architecture =
        Architecture { global_features: 3, hidden: vec![4], ..Architecture::paper() };
    let theta = architecture.initial_parameters(3);
    let network = Network::new(architecture, &theta, &model.grid).expect("they fit");
    let system = System::chain(2, 1.0, 1.52).expect("H2 is a system");
    let prepared = Prepared::new(&model, &system).expect("it fits the box");
    let eigen = EigenOptions { tol_residual_ha: 1e-12 };
    let tight = ScfOptions { tol_density: 1e-11, eigen, ..ScfOptions::converged() };
    let no_density = vec![0.0; model.grid.points()];
    let scf = self_consistent_field(&model, &prepared, &network, &tight).expect("it converges");
    let linear = ImplicitOptions::default();
    let exact =
        implicit_adjoint(&model, &prepared, &network, &tight, &scf, 1.0, &no_density, &linear)
            .expect("a fixed point")
            .parameters;
    let size = exact.iter().map(|g| g * g).sum::<f64>().sqrt();
    let distance = |options: &ScfOptions| {
        let scf = self_consistent_field(&model, &prepared, &network, options).expect("steps");
        let mut energies_bar = vec![0.0; scf.steps.len()];
        energies_bar[scf.steps.len() - 1] = 1.0;
        let found = reverse_trajectory(
            &model,
            &prepared,
            &network,
            options,
            &scf,
            &energies_bar,
            &no_density,
        );
        let square: f64 = found.parameters.iter().zip(&exact).map(|(a, b)| (a - b).powi(2)).sum();
        square.sqrt() / size
    };
    let item = |kind: &Kind| {
        let found = STEPS.map(|steps| {
            let (history, mixing_decay) = (kind.history, kind.decay);
            let fixed = ScfOptions { steps, tol_density: 0.0, mixing: 0.5, ..tight };
            distance(&ScfOptions { history, mixing_decay, ..fixed })
        });
        let listed: Vec<String> =
            STEPS.iter().zip(&found).map(|(k, d)| format!("{k} steps {d:.1e}")).collect();
        Item::Proof(Proof {
            what: format!(
                "energy gradient of H2 unrolled with {}, off the implicit one",
                kind.name
            ),
            must: kind.most.map_or("as found".into(), |m| format!("{m:.0e} at the end")),
            measured: listed.join(", "),
            holds: kind.most.is_none_or(|m| found[STEPS.len() - 1] <= m),
        })
    };
    Ok(KINDS.iter().map(item).collect())
}

/// A mixing, and how near it must come.
struct Kind {
    name: &'static str,
    history: usize,
    decay: f64,
    most: Option<f64>,
}

/// With a decay the mixing dies out before the fixed point: a difference stays.
const KINDS: [Kind; 3] = [
    Kind { name: "constant mixing 0.5", history: 0, decay: 1.0, most: Some(1e-8) },
    Kind { name: "Anderson mixing over 6 steps", history: 6, decay: 1.0, most: Some(1e-8) },
    Kind { name: "the paper's decay of 0.9", history: 0, decay: 0.9, most: None },
];
