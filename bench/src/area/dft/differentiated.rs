//! Derivatives of molecules beside PySCFAD, which differentiates PySCF's steps automatically: forces of a Kohn-Sham field, and the gradient of a
//! Hartree-Fock energy by exponents, coefficients and positions together.

use std::process::Command;

use cotangent_dft::molecule::gradient::{EnergyGradient, Inputs};
use cotangent_dft::molecule::integrals::repulsion::store::RepulsionOptions;
use cotangent_dft::molecule::scf::{
    Core, HartreeFock, Reference, ScfOptions, StabilityCheck, self_consistent_field,
};
use cotangent_dft::molecule::{Basis, Form, GridResponse, KohnSham, basis_set};

use super::kohn_sham::{molecule, water_in_b3lyp};
use crate::clock;
use crate::memory::most_held;
use crate::peer::{self, PeerError, Peers, script};
use crate::report::{Item, Proof, Row};

const REPEATS: usize = 3;

/// An energy, and the lengths of its gradients by positions and by exponents.
struct Found {
    energy_ha: f64,
    by_positions: f64,
    by_exponents: f64,
}

fn length<'a>(entries: impl Iterator<Item = &'a f64>) -> f64 {
    entries.map(|x| x * x).sum::<f64>().sqrt()
}

fn found(energy_ha: f64, gradient: &EnergyGradient) -> Found {
    let by_positions = length(gradient.positions.as_flattened().iter());
    // one number for both hydrogens, as the peer has it: their two shells each stand last
    let mut exponents = gradient.exponents.clone();
    if let [first, second, third, fourth] =
        exponents.split_off(exponents.len().saturating_sub(4)).as_slice()
    {
        let sum = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a + b).collect();
        exponents.extend([sum(first, third), sum(second, fourth)]);
    }
    let by_exponents = length(exponents.iter().flatten());
    Found { energy_ha, by_positions, by_exponents }
}

/// Field and forces of water by B3LYP; the grid moves with the atoms without counting, as PySCFAD has it.
fn kohn_sham() -> Found {
    let (builder, scf): (KohnSham, _) = water_in_b3lyp();
    let neglected = GridResponse::Neglected;
    let gradient = EnergyGradient::kohn_sham(&builder, &scf, Inputs::Molecule, neglected);
    found(scf.energy_ha(), &gradient.expect("the field is stationary"))
}

/// Water's Hartree-Fock field, and its energy's gradient by everything that a basis function has.
fn by_the_basis() -> Found {
    let molecule = molecule("water");
    let set = basis_set("6-31G*").ok().flatten().expect("a set that the crate carries");
    let basis = Basis::new(&molecule, &set, Form::Spherical).expect("its elements are there");
    let core = Core::new(&molecule, &basis, [0.0; 3]).expect("finite integrals");
    let builder = HartreeFock::new(core, RepulsionOptions::default());
    let options = ScfOptions {
        tol_energy_ha: 1e-9,
        tol_gradient_ha: 3e-5,
        stability: StabilityCheck::Off,
        ..ScfOptions::default()
    };
    let scf = self_consistent_field(&builder, Reference::Restricted, &options).expect("a field");
    let gradient = EnergyGradient::hartree_fock(&builder, &scf, Inputs::MoleculeAndBasis);
    found(scf.energy_ha(), &gradient.expect("the field is stationary"))
}

pub(super) fn beside_pyscfad(peers: &Peers) -> Result<Vec<Item>, PeerError> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("one thread");
    let cases = [
        ("water-b3lyp", "field and forces of water in 6-31G*, b3lyp", 12.0, kohn_sham as fn() -> _),
        (
            "water-basis",
            "field and gradient by 19 exponents, 19 coefficients and positions of water in 6-31G*, Hartree-Fock",
            10.0,
            by_the_basis,
        ),
    ];
    let seconds = |work: fn() -> Found| pool.install(|| clock::best(REPEATS, work));
    let python = match peers.python("pyscfad") {
        Ok(python) => python,
        Err(why) => {
            let skipped = |(_, work, _, ours): (_, &str, _, _)| {
                Row::skipped(work, seconds(ours), "PySCFAD", &why)
            };
            return Ok(cases.map(skipped).into());
        }
    };
    let mut command = Command::new(python);
    command.arg(script("molecules_ad.py")).arg("pyscfad").arg(REPEATS.to_string());
    let peer = peer::run(&mut command)?;
    let (mut items, mut worst) = (Vec::new(), 0.0_f64);
    for (name, work, faster, ours) in cases {
        let theirs = &peer[name];
        let measured = ("PySCFAD, warm", theirs.cpu_s);
        items.push(Row::cpu_us(work, seconds(ours), measured, Some(1.0 / faster)));
        let own = ours();
        let pairs = [own.energy_ha, own.by_positions, own.by_exponents].into_iter();
        let values = &theirs.values;
        let of_peer = [values[0], values[1], values.get(2).copied().unwrap_or(own.by_exponents)];
        worst = pairs.zip(of_peer).map(|(a, b)| (a - b).abs()).fold(worst, f64::max);
    }
    let mebibytes = most_held(|| pool.install(kohn_sham)) as f64 / f64::from(1 << 20);
    let theirs = peer["memory"].values[0];
    items.push(Item::Proof(Proof {
        what: "energies and lengths of gradients equal PySCFAD's, those by exponents central differences of PySCF's energy".into(),
        // the sets differ in their digits, and PySCFAD's fields end at 1e-9 hartree
        must: "to 1e-5 hartree and hartree/bohr".into(),
        measured: format!("{worst:.1e}"),
        holds: worst < 1e-5,
    }));
    items.push(Item::Proof(Proof {
        what: "memory of field and forces of water in 6-31G*, b3lyp".into(),
        must: "a tenth of what PySCFAD has resident".into(),
        measured: format!("{mebibytes:.0} MiB held, {theirs:.0} MiB resident"),
        holds: mebibytes < 0.1 * theirs,
    }));
    Ok(items)
}
