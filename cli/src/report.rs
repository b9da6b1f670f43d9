//! Plots of the history, and one HTML page that works offline.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::plot::{Figure, Mark, Series, draw};
use crate::run::folder::write_whole;
use crate::run::history::Row;
use crate::run::{HarnessError, Summary};

/// Convergence, gradient, score and parameters. `score` is what the score measures, with its unit, where that is known.
pub fn history_figures(trace_names: &[String], rows: &[Row], score: Option<&str>) -> Vec<Figure> {
    let series = |label: &str, mark, value: &dyn Fn(&Row) -> Option<f64>| Series {
        label: label.into(),
        mark,
        points: rows.iter().filter_map(|r| value(r).map(|v| (r.index as f64, v))).collect(),
    };
    let figure = |name: &str, title: &str, y_label: &str, log_y, series| Figure {
        name: name.into(),
        title: title.into(),
        x_label: "iteration".into(),
        y_label: y_label.into(),
        log_y,
        series,
        panels: Vec::new(),
    };
    let positive = rows.iter().all(|r| r.value > 0.0);
    let mut figures = vec![figure(
        "convergence",
        "Objective",
        "objective",
        positive,
        vec![series("objective", Mark::Line, &|r| Some(r.value))],
    )];
    if rows.iter().any(|r| r.gradient_norm.is_some()) {
        let gradient = series("projected gradient", Mark::Line, &|r| r.gradient_norm);
        figures.push(figure(
            "gradient",
            "Projected gradient",
            "infinity norm, optimizer coordinates",
            true,
            vec![gradient],
        ));
    }
    if rows.iter().any(|r| r.score.is_some()) {
        let scores = series("validation", Mark::Crosses, &|r| r.score);
        figures.push(figure(
            "validation",
            "Validation score of each iterate",
            score.unwrap_or("score"),
            true,
            vec![scores],
        ));
    }
    let marks = [Mark::Line, Mark::Dashes, Mark::Dots, Mark::Crosses];
    for (page, names) in trace_names.chunks(6).enumerate() {
        let traces = names.iter().enumerate().map(|(k, name)| {
            series(name, marks[k % marks.len()], &|r| r.traces.get(6 * page + k).copied())
        });
        let suffix = if page == 0 { String::new() } else { format!("-{}", page + 1) };
        figures.push(figure(
            &format!("parameters{suffix}"),
            "Parameters",
            "value or norm",
            false,
            traces.collect(),
        ));
    }
    figures
}

/// What a finished run leaves behind, enough to draw and to report it anew.
#[derive(Clone, Debug)]
pub struct Record {
    /// `result.json`.
    pub summary: Summary,
    /// `artifacts/figures.json`.
    pub figures: Vec<Figure>,
    /// `resolved.toml`.
    pub resolved: String,
}

impl Record {
    /// Reads the record of a finished run.
    ///
    /// # Errors
    /// A file that is not there or not readable: the run did not finish.
    pub fn read(folder: &Path) -> Result<Self, HarnessError> {
        let text = |name: &str| {
            let path = folder.join(name);
            fs::read_to_string(&path).map_err(|source| HarnessError::Io { path, source })
        };
        let of = |name: &str, e| HarnessError::json(&folder.join(name), e);
        let (result, figures) = ("result.json", "artifacts/figures.json");
        Ok(Self {
            summary: serde_json::from_str(&text(result)?).map_err(|e| of(result, e))?,
            figures: serde_json::from_str(&text(figures)?).map_err(|e| of(figures, e))?,
            resolved: text("resolved.toml")?,
        })
    }

    /// Writes plots, report and, last of all, `result.json`: a run is complete where that is there.
    ///
    /// # Errors
    /// A picture that cannot be drawn, a file that cannot be written.
    pub fn write(&self, folder: &Path) -> Result<(), HarnessError> {
        let path = folder.join("artifacts").join("figures.json");
        let figures =
            serde_json::to_vec(&self.figures).map_err(|e| HarnessError::json(&path, e))?;
        write_whole(&path, &figures)?;
        self.write_report(folder)?;
        let path = folder.join("result.json");
        let result = serde_json::to_string_pretty(&self.summary)
            .map_err(|e| HarnessError::json(&path, e))?;
        write_whole(&path, result.as_bytes())
    }

    /// Draws `plots/*.svg` and writes `report.html`.
    ///
    /// # Errors
    /// As [`Record::write`].
    pub fn write_report(&self, folder: &Path) -> Result<(), HarnessError> {
        let drawn = write_plots(&folder.join("plots"), &self.figures)?;
        write_html(folder, &self.summary, &drawn, &self.resolved)
    }
}

/// Draws into `folder`; returns title and SVG of each.
///
/// # Errors
/// A picture that cannot be drawn or written.
pub fn write_plots(
    folder: &Path,
    figures: &[Figure],
) -> Result<Vec<(String, String)>, HarnessError> {
    let mut drawn = Vec::with_capacity(figures.len());
    for figure in figures {
        let svg =
            draw(figure).map_err(|why| HarnessError::Plot { figure: figure.name.clone(), why })?;
        write_whole(&folder.join(format!("{}.svg", figure.name)), svg.as_bytes())?;
        drawn.push((figure.title.clone(), svg));
    }
    Ok(drawn)
}

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:58rem;margin:2rem auto;padding:0 1rem;color:#111}\
h1{margin-bottom:.2rem}table{border-collapse:collapse;margin:1rem 0}td,th{border:1px solid #bbb;padding:.3rem .6rem;\
text-align:left}figure{margin:1.5rem 0}figure svg{max-width:100%;height:auto}pre{background:#f4f4f4;padding:1rem;\
overflow-x:auto;font-size:13px}.verdict{font-weight:600}";

/// Writes `report.html`: self-contained, no network.
fn write_html(
    folder: &Path,
    summary: &Summary,
    drawn: &[(String, String)],
    resolved: &str,
) -> Result<(), HarnessError> {
    let mut page = String::new();
    let name = escape(&summary.scenario);
    let verdict = if summary.goal_met { "goal met" } else { "goal not met" };
    let _ = write!(
        page,
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{name}</title><style>{STYLE}</style>\
         <h1>{name}</h1><p class=\"verdict\">{verdict}; optimizer: {}</p>",
        escape(&summary.status)
    );
    if !summary.advice.is_empty() && !summary.goal_met {
        let _ = write!(page, "<p>{}</p>", escape(&summary.advice));
    }
    if !summary.criteria.is_empty() {
        page.push_str("<table><tr><th>goal</th><th>must</th><th>measured</th><th>met</th></tr>");
        for c in &summary.criteria {
            let met = if c.met { "yes" } else { "NO" };
            let _ = write!(
                page,
                "<tr><td>{}</td><td>{}</td><td>{}</td><td>{met}</td></tr>",
                escape(&c.what),
                escape(&c.must),
                escape(&c.measured)
            );
        }
        page.push_str("</table>");
    }
    for warning in &summary.warnings {
        let _ = write!(page, "<p>Warning: {}</p>", escape(warning));
    }
    page.push_str("<table>");
    let score = summary
        .score
        .map_or(String::from("by the objective"), |s| format!("by the validation score, {s:.4}"));
    for (what, value) in [
        ("objective at the start", format!("{:.6e}", summary.objective_initial)),
        ("objective of the answer", format!("{:.6e}", summary.objective_final)),
        ("answer chosen", format!("iteration {}, {score}", summary.answer_iteration)),
        ("iterations", summary.iterations.to_string()),
        (
            "evaluations",
            format!(
                "{}, {} of them with gradient, {} failed",
                summary.evaluations, summary.gradient_evaluations, summary.failures
            ),
        ),
        ("wall time", format!("{:.1} s", summary.wall_s)),
    ] {
        let _ = write!(page, "<tr><th>{what}</th><td>{}</td></tr>", escape(&value));
    }
    page.push_str("</table>");
    for (title, svg) in drawn {
        let _ = write!(page, "<figure aria-label=\"{}\">{svg}</figure>", escape(title));
    }
    let _ = write!(page, "<h2>Settings</h2><pre>{}</pre>", escape(resolved));
    page.push_str("</html>\n");
    write_whole(&folder.join("report.html"), page.as_bytes())
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
