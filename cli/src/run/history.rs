//! `history.csv` and `events.jsonl`: one line an iteration, whole lines only.

use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use cotangent_optim::Iteration;
use cotangent_problem::Space;

use super::{HarnessError, Score};

/// Entries up to which every one has a column; beyond, each parameter has its norm.
const MOST_COLUMNS: usize = 12;

/// What the plots need of an iteration.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Iteration.
    pub index: usize,
    /// Calls of the objective so far.
    pub evaluations: u64,
    /// Objective.
    pub value: f64,
    /// Least objective so far.
    pub best: f64,
    /// Projected gradient.
    pub gradient_norm: Option<f64>,
    /// Score.
    pub score: Option<f64>,
    /// Parameters, or their norms.
    pub traces: Vec<f64>,
}

/// Both files, and the rows so far.
#[derive(Debug)]
pub struct History {
    csv: File,
    events: File,
    path: PathBuf,
    /// Names of the traces.
    pub trace_names: Vec<String>,
    /// Rows so far.
    pub rows: Vec<Row>,
}

/// Names of the parameter columns.
pub fn trace_names(space: &Space) -> Vec<String> {
    if space.dim() <= MOST_COLUMNS {
        (0..space.dim()).map(|i| space.name_of(i)).collect()
    } else {
        space.parameters().iter().map(|p| format!("|{}|", p.name)).collect()
    }
}

fn traces(space: &Space, x: &[f64]) -> Vec<f64> {
    if space.dim() <= MOST_COLUMNS {
        return x.to_vec();
    }
    let mut first = 0;
    let norm = |p: &cotangent_problem::Parameter| {
        let block = &x[first..first + p.len()];
        first += p.len();
        block.iter().map(|v| v * v).sum::<f64>().sqrt()
    };
    space.parameters().iter().map(norm).collect()
}

impl History {
    /// Starts both files in `folder`, or continues them after `keep` rows of an earlier part of the run.
    ///
    /// # Errors
    /// A file cannot be read or written.
    pub fn open(folder: &Path, space: &Space, keep: Option<usize>) -> Result<Self, HarnessError> {
        let trace_names = trace_names(space);
        let path = folder.join("history.csv");
        let failed = |path: &Path| {
            let path = path.to_path_buf();
            move |source| HarnessError::Io { path: path.clone(), source }
        };
        let events_path = folder.join("events.jsonl");
        let mut rows = Vec::new();
        if let Some(keep) = keep {
            let text = fs::read_to_string(&path).map_err(failed(&path))?;
            let kept: Vec<&str> = text.lines().take(keep + 1).collect();
            rows.extend(kept.iter().skip(1).filter_map(|line| parse(line)));
            super::folder::write_whole(&path, (kept.join("\n") + "\n").as_bytes())?;
            let text = fs::read_to_string(&events_path).unwrap_or_default();
            let kept: String = text.lines().take(keep).map(|l| format!("{l}\n")).collect();
            super::folder::write_whole(&events_path, kept.as_bytes())?;
        } else {
            let quoted = |n: &String| if n.contains(',') { format!("\"{n}\"") } else { n.clone() };
            let names: String = trace_names.iter().map(|n| format!(",{}", quoted(n))).collect();
            let head = format!(
                "iteration,objective,best,gradient_norm,step_norm,evaluations,gradient_evaluations,failures,score,wall_s{names}\n"
            );
            super::folder::write_whole(&path, head.as_bytes())?;
            super::folder::write_whole(&events_path, b"")?;
        }
        let append = |path: &Path| OpenOptions::new().append(true).open(path).map_err(failed(path));
        let (csv, events) = (append(&path)?, append(&events_path)?);
        Ok(Self { csv, events, path, trace_names, rows })
    }

    /// Appends one iteration.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn push(
        &mut self,
        space: &Space,
        it: &Iteration,
        score: Option<Score>,
        wall_s: f64,
    ) -> Result<(), HarnessError> {
        let traces = traces(space, &it.x);
        let optional = |v: Option<f64>| v.map_or(String::new(), |v| v.to_string());
        let score_value = score.map(|s| s.value);
        let mut line = format!(
            "{},{},{},{},{},{},{},{},{},{wall_s:.3}",
            it.index,
            it.value,
            it.best_value,
            optional(it.gradient_norm),
            it.step_norm,
            it.evaluations,
            it.gradient_evaluations,
            it.failures,
            optional(score_value),
        );
        for t in &traces {
            let _ = write!(line, ",{t}");
        }
        line.push('\n');
        let event = serde_json::json!({
            "v": 1,
            "event": "iteration",
            "iteration": it.index,
            "objective": it.value,
            "gradient_norm": it.gradient_norm,
            "evaluations": it.evaluations,
            "score": score_value,
            "terms": it.terms,
            "note": it.note,
            "wall_s": wall_s,
        });
        let write = |file: &mut File, text: &str| file.write_all(text.as_bytes());
        let written = write(&mut self.csv, &line)
            .and_then(|()| write(&mut self.events, &format!("{event}\n")));
        written.map_err(|source| HarnessError::Io { path: self.path.clone(), source })?;
        self.rows.push(Row {
            index: it.index,
            evaluations: it.evaluations,
            value: it.value,
            best: it.best_value,
            gradient_norm: it.gradient_norm,
            score: score_value,
            traces,
        });
        Ok(())
    }
}

/// Rows of a finished run's `history.csv`.
///
/// # Errors
/// The file cannot be read.
pub fn read(folder: &Path) -> Result<(Vec<String>, Vec<Row>), HarnessError> {
    let path = folder.join("history.csv");
    let text = fs::read_to_string(&path).map_err(|source| HarnessError::Io { path, source })?;
    let names = text.lines().next().map(split).unwrap_or_default();
    let traces = names.into_iter().skip(10).collect();
    Ok((traces, text.lines().skip(1).filter_map(parse).collect()))
}

/// Fields of a CSV line; a name with a comma is quoted.
fn split(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            c => {
                if let Some(last) = fields.last_mut() {
                    last.push(c);
                }
            }
        }
    }
    fields
}

fn parse(line: &str) -> Option<Row> {
    let fields = split(line);
    let number = |k: usize| fields.get(k).and_then(|f| f.parse::<f64>().ok());
    Some(Row {
        index: fields.first()?.parse().ok()?,
        evaluations: fields.get(5)?.parse().ok()?,
        value: number(1)?,
        best: number(2)?,
        gradient_norm: number(3),
        score: number(8),
        traces: (10..fields.len()).filter_map(number).collect(),
    })
}
