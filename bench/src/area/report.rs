//! Reports, opened by a browser without a window: one of each kind of scenario.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::Measure;
use super::doors::{command, root, skipped};
use crate::peer::{self, PeerError, Peers};
use crate::report::{Item, Proof};

pub(super) const ROWS: &[Measure] = &[];
pub(super) const PROOFS: &[Measure] = measurements![in_a_browser];

/// A short scenario of each kind, and whether something in it moves.
const OF_EACH_KIND: &[(&str, &str, bool)] = &[
    ("motion", "double-pendulum", true),
    ("balls", "billiards", true),
    ("pictures", "pose-from-picture", false),
    ("equations", "lockdown", false),
    ("molecules", "water", false),
    ("dft-1d-molecules", "h2-bond", false),
    ("dft-1d", "h2-two-points", false),
    ("dft-1d-potential", "h2-stretched-potential", false),
];

const MUST: &str = "no error, no request, no empty picture, nothing wider than the window, text of 8 pixels or more, contrast of 4.5 or \
                    more, a motion plays";

/// Runs a scenario into a folder, and gives the path of its report.
fn report(program: &Path, scenario: &str, place: &Path) -> Result<PathBuf, PeerError> {
    let folder = place.join(scenario);
    let mut run = Command::new(program);
    run.arg("run").arg(root().join(format!("scenarios/{scenario}.toml")));
    run.args(["--quiet", "--out"]).arg(&folder).stdin(Stdio::null());
    let done = run.output()?;
    let page = folder.join("report.html");
    if page.exists() {
        return Ok(page);
    }
    let stderr = String::from_utf8_lossy(&done.stderr).into_owned();
    Err(PeerError::Failed { what: format!("{run:?}"), stderr })
}

fn proof(kind: &str, moves: bool, seen: &[f64]) -> Option<Item> {
    let [errors, requests, pictures, empty, overflow, smallest, contrast, plays] = *seen else {
        return None;
    };
    let faultless = [errors, requests, empty, overflow].iter().all(|count| *count == 0.0);
    let plays = plays > 0.5;
    let holds = faultless && pictures > 0.0 && smallest >= 8.0 && contrast >= 4.5 && plays == moves;
    let playing = if plays { ", plays" } else { "" };
    let measured = format!(
        "{errors} errors, {requests} requests, {pictures} pictures, {empty} empty, {overflow} pixels too wide, text from {smallest:.1} \
         pixels, contrast from {contrast:.1}{playing}"
    );
    let what =
        format!("report of kind {kind} in a browser, 400 and 1400 pixels wide, light and dark");
    Some(Item::Proof(Proof { what, must: MUST.into(), measured, holds }))
}

/// The reports in four windows each.
fn in_a_browser(peers: &Peers) -> Result<Vec<Item>, PeerError> {
    let what = "reports in a browser";
    let ready = peers.python("playwright").and_then(|python| Ok((python, command()?)));
    let (python, program) = match ready {
        Ok(ready) => ready,
        Err(why) => return Ok(vec![skipped(what, MUST, why)]),
    };
    let place = tempfile::TempDir::new()?;
    let pages = OF_EACH_KIND.iter().map(|(_, name, _)| report(&program, name, place.path()));
    let pages: Vec<PathBuf> = pages.collect::<Result<_, _>>()?;
    let script = peer::script("report_browser.py");
    let seen = peer::run(Command::new(python).arg(script).args(&pages))?;
    let judged = OF_EACH_KIND.iter().enumerate().map(|(k, (kind, _, moves))| {
        let seen = seen.get(&k.to_string()).map_or(&[][..], |m| &m.values);
        proof(kind, *moves, seen).ok_or_else(|| PeerError::Output {
            what: "report_browser.py".into(),
            line: format!("{k}: {seen:?}"),
        })
    });
    judged.collect()
}
