//! `plot` and `report`: pictures of runs that are over.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::{Failure, Voice, as_text};
use crate::exit::Exit;
use crate::export::{Export, export};
use crate::plot::{Figure, draw};
use crate::report::{self, Compared, Comparison};
use crate::run::whole_file::write_whole;
use crate::run::{HarnessError, Record, history, history_figures};
use cotangent_scenarios::diagnostic::Diagnostic;

/// Draws one run's plots anew, or the convergence of several in one picture.
pub(super) fn plot(
    runs: &[PathBuf],
    out: Option<&Path>,
    force: bool,
    voice: Voice,
) -> Result<Exit, Failure> {
    let paths = match runs {
        [run] => redraw(run, out)?,
        several => vec![together(several, out.unwrap_or(Path::new(".")), force)?],
    };
    let text: String = paths.iter().map(|p| format!("{}\n", p.display())).collect();
    let paths: Vec<_> = paths.iter().map(|p| as_text(p)).collect();
    voice.data(&text, &json!({ "figures": paths }))?;
    Ok(Exit::Done)
}

fn redraw(run: &Path, out: Option<&Path>) -> Result<Vec<PathBuf>, Failure> {
    // an unfinished run has a history all the same
    let figures = Record::read(run).map(|r| r.figures).or_else(|_| {
        let (names, rows) = history::read(run)?;
        Ok::<_, HarnessError>(history_figures(&names, &rows, None))
    })?;
    let Some(folder) = out else {
        let files = report::plots(&figures);
        Record::add_files(run, &files)?;
        return Ok(files.iter().map(|(name, _)| run.join(name)).collect());
    };
    let write = |figure: &Figure| {
        let path = folder.join(format!("{}.svg", figure.name));
        write_whole(&path, draw(figure).as_bytes()).map(|()| path)
    };
    Ok(figures.iter().map(write).collect::<Result<_, _>>()?)
}

/// The convergence of several runs in one picture.
fn together(runs: &[PathBuf], folder: &Path, force: bool) -> Result<PathBuf, Failure> {
    let path = folder.join("comparison.svg");
    if path.exists() && !force {
        let message = format!("{} exists already", path.display());
        let help = "name a folder with --out, or overwrite it with --force";
        return Err(vec![Diagnostic::plain("cotangent::plot::exists", message, help)].into());
    }
    write_whole(&path, comparison(runs)?.picture().as_bytes())?;
    Ok(path)
}

/// Runs side by side, each with a label that tells it from the others.
pub(super) fn comparison(runs: &[PathBuf]) -> Result<Comparison, HarnessError> {
    let read = |(run, label): (&PathBuf, String)| Compared::read(run, label);
    let runs: Result<Vec<_>, _> = runs.iter().zip(labels(runs)).map(read).collect();
    Ok(Comparison::new(runs?))
}

/// A name for each run: its optimizer, and as much of the end of its path as tells it from the others.
fn labels(runs: &[PathBuf]) -> Vec<String> {
    // `latest` and `.` are names of something
    let real: Vec<PathBuf> =
        runs.iter().map(|r| r.canonicalize().unwrap_or_else(|_| r.clone())).collect();
    let parts = |path: &PathBuf| {
        path.components().map(|c| c.as_os_str().to_string_lossy().into_owned()).collect::<Vec<_>>()
    };
    let parts: Vec<Vec<String>> = real.iter().map(parts).collect();
    let deepest = parts.iter().map(Vec::len).max().unwrap_or(1);
    let ends = |depth: usize| -> Vec<String> {
        parts.iter().map(|p| p[p.len().saturating_sub(depth)..].join("/")).collect()
    };
    let differ = |names: &[String]| {
        (0..names.len()).all(|i| (0..i).all(|j| names[i] != names[j] || real[i] == real[j]))
    };
    let depth = (1..=deepest).find(|d| differ(&ends(*d))).unwrap_or(deepest);
    let method = |run: &PathBuf| Record::read(run).ok().map(|r| r.summary.method);
    let named = |(run, end): (&PathBuf, String)| match method(run) {
        Some(method) => format!("{method} ({end})"),
        None => end,
    };
    runs.iter().zip(ends(depth)).map(named).collect()
}

/// Writes a finished run's plots and report anew, and its answer in these formats.
pub(super) fn report(run: &Path, formats: &[Export], voice: Voice) -> Result<Exit, Failure> {
    let record = Record::read(run)?;
    let files = export(run, formats)?;
    report::write(&record, run)?;
    Record::add_files(run, &files)?;
    let path = run.join("report.html");
    let exported: Vec<PathBuf> = files.iter().map(|(name, _)| run.join(name)).collect();
    let text: String =
        std::iter::once(&path).chain(&exported).map(|p| format!("{}\n", p.display())).collect();
    let exported: Vec<String> = exported.iter().map(|p| as_text(p)).collect();
    voice.data(&text, &json!({ "report": as_text(&path), "export": exported }))?;
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::labels;

    #[test]
    fn runs_are_told_apart_by_the_end_of_their_paths() {
        let names = |paths: &[&str]| labels(&paths.iter().map(PathBuf::from).collect::<Vec<_>>());
        assert_eq!(names(&["no/a", "no/b"]), ["a", "b"]);
        assert_eq!(names(&["no/arm/1", "no/ball/1"]), ["arm/1", "ball/1"]);
        assert_eq!(names(&["no/a", "no/a"]), ["a", "a"]);
    }
}
