//! Rows and proofs, and how they are told.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::page::Page;

/// One line of a report.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Item {
    /// A measurement of ours beside a peer's.
    Row(Row),
    /// A statement that was checked, with the number that was found.
    Proof(Proof),
    /// A statement that could not be checked.
    Skipped(Skipped),
}

/// Ours beside a peer's, measured in turn in the same run.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Row {
    /// What was done.
    pub work: String,
    /// Our cost.
    pub ours: f64,
    /// The peer's cost, unless it was skipped.
    pub peer: Option<f64>,
    /// Who the peer is; where it was skipped, why.
    pub peer_name: String,
    /// `ours / peer`.
    pub ratio: Option<f64>,
    /// Unit of both costs.
    pub unit: &'static str,
    /// Threads that both sides used.
    pub threads: usize,
    /// The ratio must not exceed this.
    pub must: Option<f64>,
    /// Whether it does not. Absent where nothing is required or the peer was skipped.
    pub holds: Option<bool>,
}

impl Row {
    /// A row in microseconds of one thread, from CPU seconds.
    pub(crate) fn cpu_us(work: &str, ours_s: f64, peer: (&str, f64), must: Option<f64>) -> Item {
        let ratio = ours_s / peer.1;
        Item::Row(Self {
            work: work.into(),
            ours: ours_s * 1e6,
            peer: Some(peer.1 * 1e6),
            peer_name: peer.0.into(),
            ratio: Some(ratio),
            unit: "us",
            threads: 1,
            must,
            holds: must.map(|m| ratio <= m),
        })
    }

    /// A row whose peer is not there.
    pub(crate) fn skipped(work: &str, ours_s: f64, peer: &str, why: &str) -> Item {
        Item::Row(Self {
            work: work.into(),
            ours: ours_s * 1e6,
            peer: None,
            peer_name: format!("{peer}: skipped, {why}"),
            ratio: None,
            unit: "us",
            threads: 1,
            must: None,
            holds: None,
        })
    }
}

/// A checked statement.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Proof {
    /// What was checked.
    pub what: String,
    /// What it must be.
    pub must: String,
    /// What was found.
    pub measured: String,
    /// Whether it holds.
    pub holds: bool,
}

/// A statement that could not be checked, because a peer is not there: it neither holds nor falls short.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Skipped {
    /// What would have been checked.
    pub what: String,
    /// What it must be.
    pub must: String,
    /// What is missing.
    pub why: String,
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Row(r) => {
                write!(f, "{:<44} ours {:>10}", r.work, time(r.ours))?;
                match (r.peer, r.ratio) {
                    (Some(p), Some(q)) => {
                        let (peer, ratio) = (time(p), ratio(q));
                        write!(f, "  {} {peer}  ratio {ratio}", r.peer_name)?;
                    }
                    _ => write!(f, "  {}", r.peer_name)?,
                }
                match (r.must, r.holds) {
                    (Some(m), Some(h)) => write!(f, "  (must be <= {m}: {})", verdict(h)),
                    _ => Ok(()),
                }
            }
            Self::Proof(p) => {
                write!(f, "{:<44} {} (must: {}): {}", p.what, p.measured, p.must, verdict(p.holds))
            }
            Self::Skipped(s) => write!(f, "{:<44} skipped, {} (must: {})", s.what, s.why, s.must),
        }
    }
}

/// Microseconds in a unit that leaves at most four digits before the point.
pub(crate) fn time(us: f64) -> String {
    match us {
        us if us < 1e4 => format!("{us:.1} us"),
        us if us < 1e7 => format!("{:.1} ms", 1e-3 * us),
        us => format!("{:.1} s", 1e-6 * us),
    }
}

/// Two decimals, or two digits of what is less than a tenth.
pub(crate) fn ratio(q: f64) -> String {
    let places = if q < 0.1 && q > 0.0 { (1.0 - q.log10()).ceil().min(9.0) } else { 2.0 };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most nine")]
    let places = places as usize;
    format!("{q:.places$}")
}

pub(crate) fn verdict(holds: bool) -> &'static str {
    if holds { "holds" } else { "FALLS SHORT" }
}

/// All items of an area.
#[derive(Debug)]
pub(crate) struct Report {
    area: &'static str,
    items: Vec<Item>,
}

impl Report {
    pub(crate) fn new(area: &'static str) -> Self {
        Self { area, items: Vec::new() }
    }

    pub(crate) fn push(&mut self, item: Item) {
        self.items.push(item);
    }

    /// Whether everything that is required was found.
    pub(crate) fn holds(&self) -> bool {
        self.items.iter().all(|i| match i {
            Item::Row(r) => r.holds != Some(false),
            Item::Proof(p) => p.holds,
            Item::Skipped(_) => true,
        })
    }

    /// Writes `docs/verify-AREA.md`: the whole page, or, where these are `some` of its measurements, their lines into the page that
    /// is there.
    pub(crate) fn write(&self, some: bool) -> io::Result<PathBuf> {
        let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
        let path = docs.canonicalize()?.join(format!("verify-{}.md", self.area));
        let mut page = if some && path.exists() {
            Page::of(&fs::read_to_string(&path)?)
        } else {
            Page::empty(self.area)
        };
        for item in &self.items {
            page.put(item, some);
        }
        fs::write(&path, page.text())?;
        Ok(path)
    }
}
