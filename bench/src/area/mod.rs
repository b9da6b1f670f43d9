//! What is measured, by area.

mod ad;
mod dft;

use crate::peer::{PeerError, Peers};
use crate::report::Item;

/// One measurement or proof; it may give several items.
pub(crate) type Measure = fn(&Peers) -> Result<Vec<Item>, PeerError>;

/// A part of the toolkit with rows of its own.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Area {
    /// The differentiation core.
    Ad,
    /// Kohn-Sham in one dimension.
    Dft,
}

impl Area {
    const ALL: [Self; 2] = [Self::Ad, Self::Dft];

    pub(crate) fn parse(name: &str) -> Result<Self, String> {
        let names = || Self::ALL.map(Self::name).join(", ");
        let found = Self::ALL.into_iter().find(|a| a.name() == name);
        found.ok_or_else(|| format!("no area {name:?}; there are: {}", names()))
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ad => "ad",
            Self::Dft => "dft",
        }
    }

    /// Speed rows.
    pub(crate) fn rows(self) -> &'static [Measure] {
        match self {
            Self::Ad => ad::ROWS,
            Self::Dft => dft::ROWS,
        }
    }

    /// Long proofs, run by `verify` only.
    pub(crate) fn proofs(self) -> &'static [Measure] {
        match self {
            Self::Ad => ad::PROOFS,
            Self::Dft => dft::PROOFS,
        }
    }
}
