//! Molecules against 73 records of another program: energies, levels, dipole moments and forces of closed and open shells.
//!
//! The records are PySCF 2.14.0's, on unpruned grids of levels 4 and 5, with these basis sets as the Basis Set Exchange has them; where
//! PySCF's own copies have other digits, a record holds the values of both and the former are taken. They stand beside the repository and
//! not in it: without them the row says so.

use std::path::Path;

use cotangent_dft::molecule::scf::Reference;
use cotangent_dft::molecule::{GridOptions, GridResponse, Pruning, StandardFunctional};
use rayon::prelude::*;
use serde::Deserialize;

use super::case::{Case, Solved};
use crate::peer::{PeerError, Peers};
use crate::report::{Item, Proof};

/// One debye, in e bohr.
const DEBYE: f64 = 0.393_430_269_5;

#[derive(Deserialize)]
struct Record {
    mol: String,
    basis: String,
    xc: String,
    grid_level: usize,
    charge: i32,
    spin: usize,
    symbols: Vec<String>,
    coords_bohr: Vec<[f64; 3]>,
    #[serde(rename = "E_bse")]
    energy_ha: f64,
    grad_grid_response: bool,
    bse: Option<Properties>,
    #[serde(flatten)]
    own: Properties,
}

#[derive(Deserialize)]
struct Properties {
    mo_energy: serde_json::Value,
    dipole_debye: [f64; 3],
    grad: Vec<[f64; 3]>,
}

/// The largest errors of a record.
#[derive(Clone, Copy)]
struct Errors {
    energy: f64,
    levels: f64,
    dipole: f64,
    forces: f64,
}

/// What they must not exceed.
struct Must {
    what: &'static str,
    of: fn(&Record) -> bool,
    error: fn(&Errors) -> f64,
    limit: f64,
}

const MUST: [Must; 6] = [
    Must {
        what: "energies of Kohn-Sham, hartree",
        of: |r| r.xc != "hf",
        error: |e| e.energy,
        limit: 1e-6,
    },
    Must {
        what: "energies of Hartree-Fock, hartree",
        of: |r| r.xc == "hf",
        error: |e| e.energy,
        limit: 1e-8,
    },
    Must { what: "levels, hartree", of: |_| true, error: |e| e.levels, limit: 1e-5 },
    Must { what: "dipole moments, debye", of: |_| true, error: |e| e.dipole, limit: 1e-4 },
    Must {
        what: "forces with the response of the grid, hartree/bohr",
        of: |r| r.grad_grid_response,
        error: |e| e.forces,
        limit: 2e-6,
    },
    Must {
        what: "forces without it, hartree/bohr",
        of: |r| !r.grad_grid_response,
        error: |e| e.forces,
        limit: 2e-5,
    },
];

#[expect(clippy::unnecessary_wraps, reason = "a measurement")]
pub(super) fn records_of_pyscf(_: &Peers) -> Result<Vec<Item>, PeerError> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/dft3d/ks_shared.json");
    let Some(records) = read(&path) else {
        return Ok(vec![Item::Proof(Proof {
            what: "molecules equal 73 records of PySCF's".into(),
            must: String::new(),
            measured: "skipped, the records are not there".into(),
            holds: true,
        })]);
    };
    let found: Vec<Errors> = records.par_iter().map(errors).collect();
    let item = |must: &Must| {
        let pairs = records.iter().zip(&found).filter(|(record, _)| (must.of)(record));
        let count = pairs.clone().count();
        let worst = pairs.max_by(|a, b| (must.error)(a.1).total_cmp(&(must.error)(b.1)));
        let (record, errors) = worst.expect("a record of each kind");
        let error = (must.error)(errors);
        Item::Proof(Proof {
            what: format!("{} of {count} records of PySCF's", must.what),
            must: format!("to {:e}", must.limit),
            measured: format!("{error:.1e} ({} {} {})", record.mol, record.basis, record.xc),
            holds: error <= must.limit,
        })
    };
    Ok(MUST.iter().map(item).collect())
}

fn read(path: &Path) -> Option<Vec<Record>> {
    serde_json::from_str(&std::fs::read_to_string(path).ok()?).ok()
}

impl Record {
    fn functional(&self) -> Option<StandardFunctional> {
        match self.xc.as_str() {
            "hf" => None,
            "lda_vwn5" => Some(StandardFunctional::LdaVwn5),
            "lda_pw92" => Some(StandardFunctional::LdaPw92),
            "pbe" => Some(StandardFunctional::Pbe),
            _ => Some(StandardFunctional::B3lyp),
        }
    }

    fn solve(&self) -> Solved {
        let level = self.grid_level;
        let with_response = self.grad_grid_response;
        let restricted = self.spin == 0;
        let case = Case {
            symbols: &self.symbols,
            positions_bohr: &self.coords_bohr,
            charge: self.charge,
            multiplicity: self.spin + 1,
            basis: &self.basis,
            functional: self.functional(),
            grid: GridOptions { level, pruning: Pruning::None, ..GridOptions::default() },
            response: if with_response { GridResponse::Included } else { GridResponse::Neglected },
            reference: if restricted { Reference::Restricted } else { Reference::Unrestricted },
        };
        case.solve()
    }
}

/// What a record's field differs in; where it did not converge, infinitely.
fn errors(record: &Record) -> Errors {
    let Solved { core, scf, gradient } = record.solve();
    let wanted = record.bse.as_ref().unwrap_or(&record.own);
    let Some(forces) = gradient else {
        let none = f64::INFINITY;
        return Errors { energy: none, levels: none, dipole: none, forces: none };
    };
    let largest = |pairs: &mut dyn Iterator<Item = (f64, f64)>| {
        pairs.fold(0.0_f64, |most, (a, b)| most.max((a - b).abs()))
    };
    let levels: Vec<Vec<f64>> = serde_json::from_value(wanted.mo_energy.clone())
        .or_else(|_| serde_json::from_value(wanted.mo_energy.clone()).map(|one| vec![one]))
        .unwrap_or_default();
    let mut own_levels = scf.orbitals.iter().map(|orbitals| &orbitals.energies_ha).zip(&levels);
    let dipole = core.dipole_moment(&scf.total_density());
    let forces = forces.as_flattened().iter().copied();
    Errors {
        energy: (scf.energy_ha() - record.energy_ha).abs(),
        levels: own_levels
            .try_fold(0.0_f64, |most, (own, wanted)| {
                let same = own.len() == wanted.len();
                // ours are in the order of their occupation
                let (own, wanted) = (ascending(own), ascending(wanted));
                let error = largest(&mut own.into_iter().zip(wanted));
                same.then_some(most.max(error))
            })
            .unwrap_or(f64::INFINITY),
        dipole: largest(&mut dipole.map(|d| d / DEBYE).into_iter().zip(wanted.dipole_debye)),
        forces: largest(&mut forces.zip(wanted.grad.as_flattened().iter().copied())),
    }
}

fn ascending(values: &[f64]) -> Vec<f64> {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values
}
