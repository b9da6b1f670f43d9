//! `plot` and `report`: pictures of runs that are over.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::{Failure, Voice};
use crate::exit::Exit;
use crate::plot::{Figure, Mark, Series};
use crate::report::{Record, history_figures, write_plots};
use crate::run::history;

/// Draws one run's plots anew, or the convergence of several in one picture.
pub(super) fn plot(runs: &[PathBuf], out: Option<&Path>, voice: Voice) -> Result<Exit, Failure> {
    let (folder, figures) = match runs {
        [run] => {
            let folder = out.map_or_else(|| run.join("plots"), Path::to_path_buf);
            // an unfinished run has a history all the same
            let figures = Record::read(run).map(|r| r.figures).or_else(|_| {
                let (names, rows) = history::read(run)?;
                Ok::<_, Failure>(history_figures(&names, &rows, None))
            })?;
            (folder, figures)
        }
        several => (out.unwrap_or(Path::new(".")).to_path_buf(), vec![comparison(several)?]),
    };
    write_plots(&folder, &figures)?;
    let paths: Vec<_> = figures.iter().map(|f| folder.join(format!("{}.svg", f.name))).collect();
    let text: String = paths.iter().map(|p| format!("{}\n", p.display())).collect();
    voice.data(&text, &json!({ "figures": paths }))?;
    Ok(Exit::Done)
}

/// Least objective so far against evaluations, a line a run.
fn comparison(runs: &[PathBuf]) -> Result<Figure, Failure> {
    let marks = [Mark::Line, Mark::Dashes, Mark::Dots, Mark::Crosses];
    let mut series = Vec::new();
    for (k, run) in runs.iter().enumerate() {
        let (_, rows) = history::read(run)?;
        let points = rows.iter().map(|r| (r.evaluations as f64, r.best)).collect();
        let label = run.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
        series.push(Series { label, mark: marks[k % marks.len()], points });
    }
    let positive = series.iter().all(|s| s.points.iter().all(|p| p.1 > 0.0));
    Ok(Figure {
        name: "comparison".into(),
        title: "Least objective so far".into(),
        x_label: "evaluations".into(),
        y_label: "objective".into(),
        log_y: positive,
        series,
        panels: Vec::new(),
    })
}

/// Writes a finished run's plots and report anew.
pub(super) fn report(run: &Path, voice: Voice) -> Result<Exit, Failure> {
    Record::read(run)?.write_report(run)?;
    let path = run.join("report.html");
    voice.data(&path.display().to_string(), &json!({ "report": path }))?;
    Ok(Exit::Done)
}
