//! Hartree-Fock of a long molecule beside PySCF, integrals made anew in every iteration on both sides.

use std::process::Command;

use cotangent_dft::molecule::integrals::repulsion::store::RepulsionOptions;
use cotangent_dft::molecule::scf::{
    Core, HartreeFock, Reference, ScfOptions, StabilityCheck, self_consistent_field,
};
use cotangent_dft::molecule::{Atom, Basis, Element, Form, Molecule, basis_set};

use crate::clock;
use crate::peer::{self, PeerError, Peers, script};
use crate::report::{Item, Proof, Row};

const CARBONS: usize = 16;
/// From one carbon to the next, bohr: along the chain, and half of what it goes up and down.
const CHAIN: [f64; 2] = [2.4126, 0.8137];
/// From a carbon to its hydrogens, bohr: in the plane, and out of it.
const SIDE: [f64; 2] = [1.2253, 1.6557];
/// Of carbon and hydrogen, bohr.
const BOND: f64 = 2.0598;

/// All carbons in a plane, in a zigzag of angles of 112 degrees.
fn alkane(carbons: usize) -> Molecule {
    let atom = |number: usize, position| {
        Atom::new(Element::of_number(number).expect("an element"), position)
    };
    let [along, up] = CHAIN;
    let arm = BOND / along.hypot(2.0 * up);
    let mut atoms = Vec::new();
    for k in 0..carbons {
        let side = if k % 2 == 0 { 1.0 } else { -1.0 };
        let [x, y] = [k as f64 * along, side * up];
        atoms.push(atom(6, [x, y, 0.0]));
        atoms.extend([1.0, -1.0].map(|z| atom(1, [x, y + side * SIDE[0], z * SIDE[1]])));
        if k == 0 || k + 1 == carbons {
            let out = if k == 0 { -1.0 } else { 1.0 };
            atoms.push(atom(1, [x + out * arm * along, y - side * arm * 2.0 * up, 0.0]));
        }
    }
    Molecule::new(atoms, 0, 1).expect("a molecule")
}

fn energy() -> f64 {
    let molecule = alkane(CARBONS);
    let set = basis_set("6-31G*").ok().flatten().expect("a set that the crate carries");
    let basis = Basis::new(&molecule, &set, Form::Spherical).expect("its elements are there");
    let core = Core::new(&molecule, &basis, [0.0; 3]).expect("finite integrals");
    let repulsion = RepulsionOptions { memory_bytes: 0, ..RepulsionOptions::default() };
    let builder = HartreeFock::new(core, repulsion);
    // as PySCF: the gradient to the square root of the energy
    let options = ScfOptions {
        tol_energy_ha: 1e-9,
        tol_gradient_ha: 3e-5,
        stability: StabilityCheck::Off,
        ..ScfOptions::default()
    };
    let scf = self_consistent_field(&builder, Reference::Restricted, &options).expect("a field");
    scf.energy_ha()
}

pub(super) fn hexadecane(peers: &Peers) -> Result<Vec<Item>, PeerError> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("one thread");
    let work = "direct Hartree-Fock field of hexadecane in 6-31G*";
    let mut ours = f64::NAN;
    let seconds = pool.install(|| clock::best(1, || ours = energy()));
    let python = match peers.python("pyscf") {
        Ok(python) => python,
        Err(why) => return Ok(vec![Row::skipped(work, seconds, "PySCF", &why)]),
    };
    let found = peer::run(Command::new(python).arg(script("direct_pyscf.py")))?;
    let peer = &found["hexadecane"];
    let error = (ours - peer.values[0]).abs();
    Ok(vec![
        Row::cpu_us(work, seconds, ("PySCF", peer.cpu_s), Some(1.5)),
        Item::Proof(Proof {
            what: "energy of this field equals PySCF's".into(),
            // PySCF's copy of the basis set has other digits
            must: "to 5e-6 hartree".into(),
            measured: format!("{error:.1e}"),
            holds: error < 5e-6,
        }),
    ])
}
