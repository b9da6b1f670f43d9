//! What is measured, by area.

mod ad;
mod dft;
mod doors;
mod optim;
mod physics;
mod raytrace;

use crate::peer::{PeerError, Peers};
use crate::report::Item;

/// One measurement or proof; it may give several items.
pub(crate) type Measure = fn(&Peers) -> Result<Vec<Item>, PeerError>;

/// A part of the toolkit with rows of its own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Area {
    /// Name on the command line and of the page in `docs/`.
    pub name: &'static str,
    /// Speed rows.
    pub rows: &'static [Measure],
    /// Long proofs, run by `verify` only.
    pub proofs: &'static [Measure],
}

/// All areas.
const AREAS: &[Area] = &[
    Area { name: "ad", rows: ad::ROWS, proofs: ad::PROOFS },
    Area { name: "dft", rows: dft::ROWS, proofs: dft::PROOFS },
    Area { name: "optim", rows: optim::ROWS, proofs: optim::PROOFS },
    Area { name: "doors", rows: doors::ROWS, proofs: doors::PROOFS },
    Area { name: "physics", rows: physics::ROWS, proofs: physics::PROOFS },
    Area { name: "raytrace", rows: raytrace::ROWS, proofs: raytrace::PROOFS },
];

impl Area {
    pub(crate) fn parse(name: &str) -> Result<Self, String> {
        let names = || AREAS.iter().map(|a| a.name).collect::<Vec<_>>().join(", ");
        let found = AREAS.iter().find(|a| a.name == name).copied();
        found.ok_or_else(|| format!("no area {name:?}; there are: {}", names()))
    }
}
