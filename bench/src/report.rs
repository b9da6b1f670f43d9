//! Rows, proofs, and the table in `docs/` that they make.

use std::fmt::{self, Write as _};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;

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
fn time(us: f64) -> String {
    match us {
        us if us < 1e4 => format!("{us:.1} us"),
        us if us < 1e7 => format!("{:.1} ms", 1e-3 * us),
        us => format!("{:.1} s", 1e-6 * us),
    }
}

/// Two decimals, or two digits of what is less than a tenth.
fn ratio(q: f64) -> String {
    let places = if q < 0.1 && q > 0.0 { (1.0 - q.log10()).ceil().min(9.0) } else { 2.0 };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most nine")]
    let places = places as usize;
    format!("{q:.places$}")
}

/// A text as a table's cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn verdict(holds: bool) -> &'static str {
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

    /// Writes `docs/verify-AREA.md`.
    pub(crate) fn write(&self) -> io::Result<PathBuf> {
        let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
        let path = docs.canonicalize()?.join(format!("verify-{}.md", self.area));
        fs::write(&path, self.markdown())?;
        Ok(path)
    }

    fn markdown(&self) -> String {
        let mut text = format!(
            "# Verified: {area}\n\nWritten by `cargo run --release -p cotangent-bench -- verify {area}`. Both sides of \
             a row are measured in turn in one run, as process CPU time; quote the ratios, not the times.\n",
            area = self.area
        );
        if cfg!(debug_assertions) {
            text.push_str(
                "\n**This run was of a build for tests, and not by that command: its times say nothing.**\n",
            );
        }
        self.write_rows(&mut text);
        self.write_proofs(&mut text);
        text
    }

    fn write_rows(&self, text: &mut String) {
        let rows: Vec<_> = self
            .items
            .iter()
            .filter_map(|i| if let Item::Row(r) = i { Some(r) } else { None })
            .collect();
        if rows.is_empty() {
            return;
        }
        text.push_str("\n| work | ours | peer | ratio | must | |\n|---|---|---|---|---|---|\n");
        for r in rows {
            let peer = r.peer.map_or(String::new(), |p| format!(" {}", time(p)));
            let ratio = r.ratio.map_or(String::new(), ratio);
            let must = r.must.map_or(String::new(), |m| format!("<= {m}"));
            let holds = r.holds.map_or("", verdict);
            let _ = writeln!(
                text,
                "| {} | {} | {}{peer} | {ratio} | {must} | {holds} |",
                cell(&r.work),
                time(r.ours),
                cell(&r.peer_name)
            );
        }
    }

    fn write_proofs(&self, text: &mut String) {
        let line = |item: &Item| match item {
            Item::Row(_) => None,
            Item::Proof(p) => Some([&p.what, &p.must, &p.measured, verdict(p.holds)].map(cell)),
            Item::Skipped(s) => Some([&s.what, &s.must, &s.why, "skipped"].map(cell)),
        };
        let lines: Vec<[String; 4]> = self.items.iter().filter_map(line).collect();
        if lines.is_empty() {
            return;
        }
        text.push_str("\n| checked | must | measured | |\n|---|---|---|---|\n");
        for cells in lines {
            let _ = writeln!(text, "| {} |", cells.join(" | "));
        }
    }
}
