//! Kohn-Sham fields and forces of molecules beside PySCF.

use std::f64::consts::FRAC_PI_3;
use std::process::Command;
use std::time::Instant;

use cotangent_dft::molecule::gradient::{EnergyGradient, Inputs};
use cotangent_dft::molecule::integrals::repulsion::store::RepulsionOptions;
use cotangent_dft::molecule::response::dipole_response;
use cotangent_dft::molecule::scf::{
    Core, Reference, Scf, ScfOptions, StabilityCheck, self_consistent_field,
};
use cotangent_dft::molecule::{
    Atom, Basis, Element, Form, GridOptions, GridResponse, KohnSham, Molecule, StandardFunctional,
    basis_set,
};

use crate::clock;
use crate::peer::{self, PeerError, Peers, script};
use crate::report::{Item, Proof, Row};

const REPEATS: usize = 2;

/// What polarisability and derivatives of the dipole moment together may cost, in PySCF's fields.
const RESPONSE_MUST: f64 = 3.0;

/// A molecule with a functional, and what ratios to PySCF must hold for field and forces.
struct Case {
    molecule: &'static str,
    functional: StandardFunctional,
    must: [f64; 2],
}

const CASES: [Case; 4] = [
    Case { molecule: "water", functional: StandardFunctional::B3lyp, must: [1.0, 1.0] },
    Case { molecule: "formaldehyde", functional: StandardFunctional::B3lyp, must: [1.3, 0.5] },
    Case { molecule: "benzene", functional: StandardFunctional::LdaVwn5, must: [1.3, 0.5] },
    Case { molecule: "benzene", functional: StandardFunctional::B3lyp, must: [1.3, 0.5] },
];

pub(super) fn molecule(name: &str) -> Molecule {
    let atom = |number: usize, position| {
        Atom::new(Element::of_number(number).expect("an element"), position)
    };
    let ring = |number: usize, radius: f64| {
        (0..6).map(move |k| {
            let angle = f64::from(k) * FRAC_PI_3;
            atom(number, [radius * angle.cos(), radius * angle.sin(), 0.0])
        })
    };
    let atoms = match name {
        "benzene" => ring(6, 2.6296).chain(ring(1, 4.6705)).collect(),
        "formaldehyde" => vec![
            atom(6, [0.0, 0.0, -0.994_94]),
            atom(8, [0.0, 0.0, 1.255_53]),
            atom(1, [0.0, 1.770_48, -2.103_07]),
            atom(1, [0.0, -1.770_48, -2.103_07]),
        ],
        _ => vec![
            atom(8, [0.0, 0.0, 0.2217]),
            atom(1, [0.0, 1.4309, -0.8867]),
            atom(1, [0.0, -1.4309, -0.8867]),
        ],
    };
    Molecule::new(atoms, 0, 1).expect("a molecule")
}

/// From nuclei to a converged field, integrals and grid included, as PySCF: the gradient to the square root of the energy.
fn field(case: &Case) -> (KohnSham, Scf) {
    field_to(case, 3e-5)
}

fn field_to(case: &Case, tol_gradient_ha: f64) -> (KohnSham, Scf) {
    let molecule = molecule(case.molecule);
    let set = basis_set("6-31G*").ok().flatten().expect("a set that the crate carries");
    let basis = Basis::new(&molecule, &set, Form::Spherical).expect("its elements are there");
    let core = Core::new(&molecule, &basis, [0.0; 3]).expect("finite integrals");
    let (repulsion, grid) = (RepulsionOptions::default(), GridOptions::default());
    let builder = KohnSham::new(core, repulsion, &case.functional.into(), &grid).expect("a grid");
    let options = ScfOptions {
        tol_energy_ha: 1e-9,
        tol_gradient_ha,
        stability: StabilityCheck::Off,
        ..ScfOptions::default()
    };
    let scf = self_consistent_field(&builder, Reference::Restricted, &options).expect("a field");
    (builder, scf)
}

/// Water's field.
pub(super) fn water_in_b3lyp() -> (KohnSham, Scf) {
    field(&CASES[0])
}

fn forces((builder, scf): &(KohnSham, Scf)) -> f64 {
    let neglected = GridResponse::Neglected;
    let found = EnergyGradient::kohn_sham(builder, scf, Inputs::Molecule, neglected);
    let positions = found.expect("the field is stationary").positions;
    positions.as_flattened().iter().map(|x| x * x).sum::<f64>().sqrt()
}

/// How the dipole moment of formaldehyde answers, from a field that is there.
fn response_seconds() -> f64 {
    let (builder, scf) = field_to(&CASES[1], 1e-7);
    clock::best(REPEATS, || dipole_response(&builder, &scf).expect("a minimum").polarisability)
}

pub(super) fn beside_pyscf(peers: &Peers) -> Result<Vec<Item>, PeerError> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("one thread");
    let label = |case: &Case, what: &str| {
        format!("{} of {} in 6-31G*, {}", what, case.molecule, case.functional)
    };
    let ours = |case: &Case| {
        pool.install(|| {
            let solved = field(case);
            let seconds = clock::best(REPEATS, || field(case));
            let of_forces = clock::best(REPEATS, || forces(&solved));
            ([seconds, of_forces], [solved.1.energy_ha(), forces(&solved)])
        })
    };
    let python = match peers.python("pyscf") {
        Ok(python) => python,
        Err(why) => {
            let skipped = |case: &Case| {
                let [field, _] = ours(case).0;
                Row::skipped(&label(case, "field"), field, "PySCF", &why)
            };
            return Ok(CASES.iter().map(skipped).collect());
        }
    };
    let mut command = Command::new(python);
    let found = peer::run(command.arg(script("kohn_sham_pyscf.py")).arg(REPEATS.to_string()))?;
    let mut items = Vec::new();
    let mut worst = 0.0_f64;
    for case in &CASES {
        let (seconds, values) = ours(case);
        for (k, what) in ["field", "forces"].into_iter().enumerate() {
            let peer = &found[&format!("{}-{}-{what}", case.molecule, case.functional)];
            worst = worst.max((values[k] - peer.values[0]).abs());
            let measured = ("PySCF", peer.cpu_s);
            items.push(Row::cpu_us(&label(case, what), seconds[k], measured, Some(case.must[k])));
        }
    }
    let response = pool.install(response_seconds);
    let peer = ("PySCF's field", found["formaldehyde-b3lyp-field"].cpu_s);
    let work = "polarisability and dipole moment's derivatives of formaldehyde in 6-31G*, b3lyp";
    items.push(Row::cpu_us(work, response, peer, Some(RESPONSE_MUST)));
    items.push(Item::Proof(Proof {
        what: "energies and forces of these fields equal PySCF's".into(),
        // PySCF's copy of the basis set has other digits
        must: "to 2e-6 hartree and hartree/bohr".into(),
        measured: format!("{worst:.1e}"),
        holds: worst < 2e-6,
    }));
    Ok(items)
}

/// Benzene's field and forces by B3LYP on two threads beside one, as a user waits for them: wall time.
#[expect(clippy::unnecessary_wraps, reason = "a measurement")]
pub(super) fn two_threads(_: &Peers) -> Result<Vec<Item>, PeerError> {
    const LEAST: f64 = 1.7;
    let pools = [1, 2].map(|threads| {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads")
    });
    let mut best = [f64::INFINITY; 2];
    for _ in 0..3 {
        for (pool, best) in pools.iter().zip(&mut best) {
            let start = Instant::now();
            pool.install(|| forces(&field(&CASES[3])));
            *best = best.min(start.elapsed().as_secs_f64());
        }
    }
    let gain = best[0] / best[1];
    Ok(vec![Item::Proof(Proof {
        what: "field and forces of benzene in 6-31G*, b3lyp, on 2 threads beside 1, wall time"
            .into(),
        must: format!("at least {LEAST} times as fast"),
        measured: format!("{gain:.2} times"),
        holds: gain >= LEAST,
    })])
}
