//! Functionals of molecules beside libxc, point by point.

use std::process::Command;

use cotangent_dft::molecule::StandardFunctional;
use cotangent_dft::molecule::functional::{EnergyFunctional as _, ExchangeCorrelation, Spins};

use crate::clock;
use crate::peer::{self, PeerError, Peers, script};
use crate::report::{Item, Proof, Row};

const POINTS: u32 = 200_000;
/// The point whose values are compared.
const COMPARED: usize = 7;
const FUNCTIONALS: [StandardFunctional; 5] = [
    StandardFunctional::LdaVwn5,
    StandardFunctional::LdaPw92,
    StandardFunctional::Pbe,
    StandardFunctional::B3lyp,
    StandardFunctional::R2scan,
];

/// Densities, gradients and kinetic energies of every size, spread evenly; as `peers/functionals_libxc.py`.
fn points(spins: Spins, functional: StandardFunctional) -> Vec<f64> {
    let width = spins.width(functional.ingredients());
    let point = |k: u32| {
        let fraction = |rate: f64| (rate * f64::from(k)).fract();
        let n = 10_f64.powf(7.0 * fraction(0.6180339887498949) - 6.0);
        let slope = n.powf(4.0 / 3.0) * 6.0 * fraction(0.7548776662466927);
        let uniform = 2.871234000188191 * n.powf(5.0 / 3.0);
        let tau = slope * slope / (8.0 * n) + uniform * 3.0 * fraction(0.5698402909980532);
        let sigma = slope * slope;
        let all = match spins {
            Spins::Restricted => vec![n, sigma, tau],
            Spins::Unrestricted => vec![
                0.6 * n,
                0.4 * n,
                0.36 * sigma,
                0.24 * sigma,
                0.16 * sigma,
                0.6 * tau,
                0.4 * tau,
            ],
        };
        all.into_iter().take(width).collect::<Vec<f64>>()
    };
    (1..=POINTS).flat_map(point).collect()
}

/// Energies and potentials: CPU time, and values at one point.
fn evaluated(spins: Spins, functional: StandardFunctional) -> (f64, Vec<f64>) {
    let points = points(spins, functional);
    let derived = ExchangeCorrelation::from(functional);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("one thread");
    let evaluate =
        || pool.install(|| derived.evaluate(spins, &points)).expect("finite at every density");
    let row = spins.width(functional.ingredients()) + 1;
    let values = evaluate()[COMPARED * row..(COMPARED + 1) * row].to_vec();
    (clock::best(5, evaluate), values)
}

pub(super) fn beside_libxc(peers: &Peers) -> Result<Vec<Item>, PeerError> {
    let cases = [(Spins::Restricted, "closed"), (Spins::Unrestricted, "open")];
    let all = || cases.iter().flat_map(|case| FUNCTIONALS.map(|f| (*case, f)));
    let work = |kind: &str, f: StandardFunctional| {
        format!("{f}, {kind} shell: energy and potential at {POINTS} points")
    };
    let python = match peers.python("pyscf") {
        Ok(python) => python,
        Err(why) => {
            let skipped = |((spins, kind), f)| {
                Row::skipped(&work(kind, f), evaluated(spins, f).0, "libxc", &why)
            };
            return Ok(all().map(skipped).collect());
        }
    };
    let mut command = Command::new(python);
    let found = peer::run(command.arg(script("functionals_libxc.py")).arg(POINTS.to_string()))?;
    let mut items = Vec::new();
    let mut worst = 0.0_f64;
    for ((spins, kind), f) in all() {
        let (seconds, values) = evaluated(spins, f);
        let peer = &found[&format!("{f}-{kind}")];
        for (ours, libxc) in values.iter().zip(&peer.values) {
            worst = worst.max((ours - libxc).abs() / libxc.abs());
        }
        items.push(Row::cpu_us(&work(kind, f), seconds, ("libxc", peer.cpu_s), Some(1.0)));
    }
    items.push(Item::Proof(Proof {
        what: "energies and potentials of the functionals equal libxc's".into(),
        must: "to 1e-9 of themselves".into(),
        measured: format!("{worst:.1e}"),
        holds: worst < 1e-9,
    }));
    Ok(items)
}
