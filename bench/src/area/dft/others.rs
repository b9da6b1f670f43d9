//! Molecules that ask something of a field, against another program that went down every instability it found: radicals, triplets, ions, bonds
//! torn apart, levels that nearly are degenerate, bonds of the third period.
//!
//! The records are those of `dft/peers/other_molecules.py`. Two programs may end in different minima of one molecule: a field that lies lower
//! than the record's is counted apart, and one that lies higher has missed something.

use std::path::Path;

use cotangent_dft::molecule::scf::{Reference, ScfStatus};
use cotangent_dft::molecule::{GridOptions, GridResponse, StandardFunctional};
use rayon::prelude::*;
use serde::Deserialize;

use super::case::{Case, Solved};
use crate::peer::{PeerError, Peers};
use crate::report::{Item, Proof};

/// By what energies are the same, hartree.
const SAME_HA: f64 = 1e-6;

#[derive(Deserialize)]
struct Record {
    name: String,
    basis: String,
    functional: String,
    charge: i32,
    multiplicity: usize,
    unrestricted: bool,
    level: usize,
    symbols: Vec<String>,
    positions_bohr: Vec<[f64; 3]>,
    energy_ha: f64,
    dipole_e_bohr: [f64; 3],
    gradient: Vec<[f64; 3]>,
}

/// How a field compares with its record.
struct Compared {
    name: String,
    /// Its energy less the record's, hartree.
    energy: f64,
    dipole: f64,
    forces: f64,
    is_minimum: bool,
}

impl Record {
    fn solve(&self) -> Solved {
        let restricted = !self.unrestricted;
        let case = Case {
            symbols: &self.symbols,
            positions_bohr: &self.positions_bohr,
            charge: self.charge,
            multiplicity: self.multiplicity,
            basis: &self.basis,
            functional: self.functional.parse::<StandardFunctional>().ok(),
            grid: GridOptions { level: self.level, ..GridOptions::default() },
            response: GridResponse::Included,
            reference: if restricted { Reference::Restricted } else { Reference::Unrestricted },
        };
        case.solve()
    }

    /// Sizes of vectors are compared: along which axis an open shell of a degenerate level points is free.
    fn compare(&self) -> Compared {
        let Solved { core, scf, gradient } = self.solve();
        let size = |v: &[f64; 3]| v.iter().map(|x| x * x).sum::<f64>().sqrt();
        let dipole = core.dipole_moment(&scf.total_density());
        let pairs = gradient.iter().flatten().zip(&self.gradient);
        let forces = pairs.map(|(a, b)| (size(a) - size(b)).abs()).fold(0.0, f64::max);
        let theory = if self.functional.is_empty() { "hf" } else { &self.functional };
        Compared {
            name: format!("{} {theory}/{}", self.name, self.basis),
            energy: scf.energy_ha() - self.energy_ha,
            dipole: (size(&dipole) - size(&self.dipole_e_bohr)).abs(),
            forces: if gradient.is_some() { forces } else { f64::INFINITY },
            is_minimum: matches!(scf.status, ScfStatus::Minimum(_)),
        }
    }
}

#[expect(clippy::unnecessary_wraps, reason = "a measurement")]
pub(super) fn other_molecules(_: &Peers) -> Result<Vec<Item>, PeerError> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../dft/tests/data");
    let read = |name: &str| -> Vec<Record> {
        let text = std::fs::read_to_string(folder.join(name)).expect("a file of the repository");
        serde_json::from_str(&text).expect("records")
    };
    let mut records = read("other_molecules.json");
    records.extend(read("other_molecules_long.json"));
    let found: Vec<Compared> = records.par_iter().map(Record::compare).collect();
    let same: Vec<&Compared> = found.iter().filter(|c| c.energy.abs() < SAME_HA).collect();
    let lower: Vec<&Compared> = found.iter().filter(|c| c.energy <= -SAME_HA).collect();
    let missed = found.iter().filter(|c| c.energy.is_nan() || c.energy >= SAME_HA);
    let missed: Vec<&Compared> = missed.collect();
    let silent = found.iter().filter(|c| !c.is_minimum).count();
    let names = |of: &[&Compared]| -> String {
        let each = of.iter().map(|c| format!("{} by {:.1e}", c.name, c.energy.abs()));
        each.collect::<Vec<_>>().join(", ")
    };
    let or_none = |text: String| if text.is_empty() { "none".into() } else { text };
    let worst = |of: fn(&Compared) -> f64| same.iter().map(|c| of(c)).fold(0.0, f64::max);
    let (dipole, forces) = (worst(|c| c.dipole), worst(|c| c.forces));
    let count = found.len();
    Ok(vec![
        Item::Proof(Proof {
            what: format!(
                "energies of {count} fields that are hard to find, beside PySCF's down every instability"
            ),
            must: format!("none higher by {SAME_HA:e} hartree"),
            measured: format!(
                "{} the same; lower: {}; higher: {}",
                same.len(),
                or_none(names(&lower)),
                or_none(names(&missed))
            ),
            holds: missed.is_empty(),
        }),
        Item::Proof(Proof {
            what: "the verdict on these fields".into(),
            must: "each is a minimum".into(),
            measured: format!("{} of {count} are", count - silent),
            holds: silent == 0,
        }),
        Item::Proof(Proof {
            what: "dipole moments and forces of those with the same energy".into(),
            must: "to 1e-4 e bohr and 2e-5 hartree/bohr".into(),
            measured: format!("{dipole:.1e}, {forces:.1e}"),
            holds: dipole < 1e-4 && forces < 2e-5,
        }),
    ])
}
