//! Functionals of molecules beside libxc and xcx, point by point.

use std::collections::BTreeMap;
use std::process::Command;

use cotangent_dft::molecule::StandardFunctional;
use cotangent_dft::molecule::functional::{EnergyFunctional as _, ExchangeCorrelation, Spins};

use crate::clock;
use crate::peer::{self, Measured, PeerError, Peers, script};
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
    let mut command = match peers.python("pyscf") {
        Ok(python) => Command::new(python),
        Err(why) => return Ok(skipped("libxc", &FUNCTIONALS, &why)),
    };
    let found = peer::run(command.arg(script("functionals_libxc.py")).arg(POINTS.to_string()))?;
    Ok(compared("libxc", &FUNCTIONALS, &found))
}

/// Those of xcx, without PW92's correlation, of which it has other digits: libxc's 12, where ours and PBE's is 13.
const OF_XCX: [StandardFunctional; 4] = [
    StandardFunctional::LdaVwn5,
    StandardFunctional::Pbe,
    StandardFunctional::B3lyp,
    StandardFunctional::R2scan,
];

/// Functionals in Rust, differentiated by dual numbers; the row compiles them.
pub(super) fn beside_xcx(peers: &Peers) -> Result<Vec<Item>, PeerError> {
    let target = peers.folder().join("xcx");
    let built = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "--release", "--locked", "--quiet", "--manifest-path"])
        .arg(script("xcx/Cargo.toml"))
        .arg("--target-dir")
        .arg(&target)
        .output();
    match built {
        Ok(out) if out.status.success() => {}
        _ => {
            let why = "cargo could not build bench/peers/xcx, or is not there";
            return Ok(skipped("xcx", &OF_XCX, why));
        }
    }
    let mut command = Command::new(target.join("release").join("functionals-xcx"));
    let found = peer::run(command.arg(POINTS.to_string()))?;
    Ok(compared("xcx", &OF_XCX, &found))
}

/// Every functional for both kinds of shells.
fn cases(
    functionals: &[StandardFunctional],
) -> impl Iterator<Item = (Spins, &'static str, StandardFunctional)> {
    let kinds = [(Spins::Restricted, "closed"), (Spins::Unrestricted, "open")];
    let of_kind = |(spins, kind)| functionals.iter().map(move |f| (spins, kind, *f));
    kinds.into_iter().flat_map(of_kind)
}

fn work(kind: &str, f: StandardFunctional, peer: &str) -> String {
    format!("{f}, {kind} shell: energy and potential at {POINTS} points, beside {peer}")
}

fn skipped(peer: &'static str, functionals: &[StandardFunctional], why: &str) -> Vec<Item> {
    let row =
        |(spins, kind, f)| Row::skipped(&work(kind, f, peer), evaluated(spins, f).0, peer, why);
    cases(functionals).map(row).collect()
}

fn compared(
    peer: &'static str,
    functionals: &[StandardFunctional],
    found: &BTreeMap<String, Measured>,
) -> Vec<Item> {
    let (mut items, mut worst) = (Vec::new(), 0.0_f64);
    for (spins, kind, f) in cases(functionals) {
        let (seconds, values) = evaluated(spins, f);
        let theirs = &found[&format!("{f}-{kind}")];
        for (ours, theirs) in values.iter().zip(&theirs.values) {
            worst = worst.max((ours - theirs).abs() / theirs.abs());
        }
        items.push(Row::cpu_us(&work(kind, f, peer), seconds, (peer, theirs.cpu_s), Some(1.0)));
    }
    items.push(Item::Proof(Proof {
        what: format!("energies and potentials of the functionals equal {peer}'s"),
        must: "to 1e-9 of themselves".into(),
        measured: format!("{worst:.1e}"),
        holds: worst < 1e-9,
    }));
    items
}
