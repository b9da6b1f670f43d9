//! What is measured, by area.

/// Measurements by the names of their functions: `measurements![pendulum::rows, heat::proofs]`.
macro_rules! measurements {
    ($($run:path),* $(,)?) => {
        &[$($crate::area::Measure { name: stringify!($run), run: $run }),*]
    };
}

mod ad;
mod dft;
mod doors;
mod optim;
mod physics;
mod raytrace;
mod report;
mod scenarios;

use crate::peer::{PeerError, Peers};
use crate::report::Item;

/// One measurement or proof; it may give several items.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measure {
    /// Its function's path within the area, by which `--only` finds it.
    pub name: &'static str,
    /// The function.
    pub run: fn(&Peers) -> Result<Vec<Item>, PeerError>,
}

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
    Area { name: "report", rows: report::ROWS, proofs: report::PROOFS },
    Area { name: "scenarios", rows: scenarios::ROWS, proofs: scenarios::PROOFS },
];

impl Area {
    pub(crate) fn parse(name: &str) -> Result<Self, String> {
        let names = || AREAS.iter().map(|a| a.name).collect::<Vec<_>>().join(", ");
        let found = AREAS.iter().find(|a| a.name == name).copied();
        found.ok_or_else(|| format!("no area {name:?}; there are: {}", names()))
    }

    /// Names of all measurements, those of `verify` only as well.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.rows.iter().chain(self.proofs).map(|m| m.name)
    }

    /// The measurements that one run makes: rows, with the proofs of `verify`; where a text is given, those of both whose name
    /// contains it.
    pub(crate) fn selected(
        &self,
        verify: bool,
        only: Option<&str>,
    ) -> Result<Vec<Measure>, String> {
        let proofs = if verify || only.is_some() { self.proofs } else { &[] };
        let wanted = |m: &&Measure| only.is_none_or(|text| m.name.contains(text));
        let found: Vec<_> = self.rows.iter().chain(proofs).filter(wanted).copied().collect();
        match only {
            Some(text) if found.is_empty() => {
                let names: Vec<_> = self.names().collect();
                Err(format!(
                    "no measurement of {} contains {text:?}; there are: {}",
                    self.name,
                    names.join(", ")
                ))
            }
            _ => Ok(found),
        }
    }
}
