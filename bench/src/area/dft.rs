//! Kohn-Sham in one dimension beside JAX and numpy: training through the self-consistent field, exact two-electron
//! states, and the growth of cost with the grid; functionals of molecules beside libxc and xcx, molecules beside PySCF.

mod case;
mod claim;
mod differentiated;
mod direct;
mod functionals;
mod geometry;
mod kohn_sham;
mod mixing;
mod others;
mod records;
mod references;
mod transfer;

use std::process::Command;

use cotangent_dft::one_d::{
    Architecture, ExactOptions, Grid, GroundState, Model, Molecule, Prepared, System, Training,
    TrainingOptions, two_electrons,
};
use cotangent_problem::{Objective, SampleKey, Want, Workspace};

use super::Measure;
use crate::clock;
use crate::peer::{self, PeerError, Peers, script};
use crate::report::{Item, Proof, Row};

const REPEATS: usize = 5;

pub(super) const ROWS: &[Measure] = measurements![
    training_beside_jax,
    exact_beside_numpy,
    growth_with_grid,
    functionals::beside_libxc,
    functionals::beside_xcx,
    kohn_sham::beside_pyscf,
    differentiated::beside_pyscfad,
    direct::hexadecane,
    records::records_of_pyscf,
    others::other_molecules,
    geometry::geometries,
];

pub(super) const PROOFS: &[Measure] = measurements![
    references::exact_energies,
    references::few_electrons,
    mixing::unrolled_against_implicit,
    kohn_sham::two_threads,
    claim::whole_training,
    claim::two_separations_suffice,
];

/// The weights of `peers/ksr_jax.py`.
fn weights(count: u32) -> Vec<f64> {
    let mut theta: Vec<f64> = (0..count).map(|k| 0.3 * (1.7 * f64::from(k) + 0.4).sin()).collect();
    if let Some(gate) = theta.last_mut() {
        *gate = 0.9;
    }
    theta
}

/// H2 at 1.28 and 3.84 bohr with the stand-in references of `peers/ksr_jax.py`.
fn training(model: Model) -> Training {
    let molecule = |separation: f64| {
        let system = System::chain(2, 1.0, separation).expect("H2 is a system");
        let density = Prepared::new(&model, &system).expect("H2 fits the box").start;
        let stand_in = GroundState {
            energy_ha: -2.0,
            density,
            residual_ha: 0.0,
            error_ha: 0.0,
            iterations: 0,
        };
        Molecule::new(&model, &system, stand_in).expect("H2 fits the box")
    };
    let molecules = vec![molecule(1.28), molecule(3.84)];
    Training::new(model, Architecture::paper(), molecules, TrainingOptions::paper())
}

fn evaluate(training: &Training, theta: &[f64], want: Want) -> (f64, Vec<f64>) {
    let found = training
        .evaluate(theta, want, SampleKey(0), &mut Workspace::new())
        .expect("the trajectory exists");
    (found.value, found.gradient.unwrap_or_default())
}

fn training_beside_jax(peers: &Peers) -> Result<Vec<Item>, PeerError> {
    let training = training(Model::default());
    let theta = weights(1568);
    let work = |mode: &str| format!("loss + gradient of H2 training, {mode}");
    let ours = || clock::best(REPEATS, || evaluate(&training, &theta, Want::GRADIENT));
    let python = match peers.python("jax") {
        Ok(python) => python,
        Err(why) => return Ok(vec![Row::skipped(&work("513 points"), ours(), "JAX", &why)]),
    };
    let before = ours();
    let found = peer::run(Command::new(python).arg(script("ksr_jax.py")).arg("3"))?;
    let best = before.min(ours());
    let (value, gradient) = evaluate(&training, &theta, Want::GRADIENT);
    let norm = gradient.iter().map(|g| g * g).sum::<f64>().sqrt();
    let same = [value, norm, gradient[0], gradient[15], gradient[800], gradient[1567]];
    let mut items = Vec::new();
    for (mode, must) in [("fast", 1.0 / 20.0), ("dense", 1.0 / 40.0)] {
        let measured = &found[mode];
        let worst = same.iter().zip(&measured.values).map(|(a, b)| (a - b).abs() / norm);
        let worst = worst.fold(0.0, f64::max);
        items.push(Item::Proof(Proof {
            what: format!("loss and gradient of H2 training equal JAX's ({mode})"),
            must: "to 1e-8 of the gradient's norm".into(),
            measured: format!("{worst:.1e}"),
            holds: worst < 1e-8,
        }));
        let peer = (format!("JAX, {mode}"), measured.cpu_s);
        items.push(Row::cpu_us(&work(mode), best, (&peer.0, peer.1), Some(must)));
    }
    Ok(items)
}

fn exact_beside_numpy(peers: &Peers) -> Result<Vec<Item>, PeerError> {
    const SEPARATION: f64 = 1.52;
    let work = "exact H2 at one separation, 513 points";
    let model = Model::default();
    let system = System::chain(2, 1.0, SEPARATION).expect("H2 is a system");
    let solve = || two_electrons(&model, &system, &ExactOptions::default()).expect("it converges");
    let python = match peers.python("scipy") {
        Ok(python) => python,
        Err(why) => return Ok(vec![Row::skipped(work, clock::best(2, solve), "numpy", &why)]),
    };
    let before = clock::best(2, solve);
    let arguments = ["3".to_owned(), SEPARATION.to_string()];
    let found = peer::run(Command::new(python).arg(script("exact1d.py")).args(arguments))?;
    let (best, peer) = (before.min(clock::best(2, solve)), &found["two_electrons"]);
    let difference = (solve().energy_ha - peer.values[0]).abs();
    let same = Proof {
        what: "exact energy of H2 at 1.52 bohr equals numpy's".into(),
        must: "to 1e-10 Ha".into(),
        measured: format!("{difference:.1e}"),
        holds: difference < 1e-10,
    };
    Ok(vec![Item::Proof(same), Row::cpu_us(work, best, ("numpy", peer.cpu_s), Some(1.0 / 3.0))])
}

/// The same box on finer grids.
#[expect(clippy::unnecessary_wraps, reason = "a measurement")]
fn growth_with_grid(_: &Peers) -> Result<Vec<Item>, PeerError> {
    let seconds = |factor: u32| {
        let points = 512 * factor as usize + 1;
        let grid = Grid::new(points, 0.08 / f64::from(factor)).expect("odd and positive");
        let model = Model { grid, ..Model::default() };
        let architecture =
            Architecture { grid_spacing_bohr: grid.spacing_bohr(), ..Architecture::paper() };
        let coarse = training(model);
        let molecules = coarse.molecules().to_vec();
        let training = Training::new(model, architecture, molecules, TrainingOptions::paper());
        // small weights: the potential of a wild network has kinks that a finer grid resolves
        let theta: Vec<f64> = weights(1568).iter().map(|w| 0.3 * w).collect();
        clock::best(3, || evaluate(&training, &theta, Want::GRADIENT))
    };
    let (coarse, fine) = (seconds(1), seconds(8));
    let exponent = (fine / coarse).log(8.0);
    Ok(vec![Item::Proof(Proof {
        what: "cost of SCF + gradient from 513 to 4097 points".into(),
        must: "exponent at most 1.2".into(),
        measured: format!("{:.1} ms -> {:.1} ms, exponent {exponent:.2}", coarse * 1e3, fine * 1e3),
        holds: exponent <= 1.2,
    })])
}
