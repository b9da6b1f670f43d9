//! `history.csv` and `events.jsonl`: one line an iteration, whole lines only.

use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use cotangent_optim::Iteration;
use cotangent_problem::Space;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::folder::Folder;
use crate::input::hexadecimal;
use crate::whole_file::{Safe, write_safe};
use crate::{HarnessError, Score};

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
    /// Length of the step that led here.
    pub step_norm: f64,
    /// Score.
    pub score: Option<f64>,
    /// Parameters, or their norms.
    pub traces: Vec<f64>,
}

/// How much of a history belongs to a checkpoint: its length and SHA-256 of both files up to there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    rows: usize,
    csv: String,
    events: String,
}

/// A file that grows by lines, with the digest of what is in it.
#[derive(Debug)]
struct Lines {
    path: PathBuf,
    file: File,
    digest: Sha256,
}

impl Lines {
    /// Starts the file with `text`.
    fn create(path: PathBuf, text: &str, safe: Safe) -> Result<Self, HarnessError> {
        write_safe(&path, text.as_bytes(), safe)?;
        let failed = |source| HarnessError::Io { path: path.clone(), source };
        let file = OpenOptions::new().append(true).open(&path).map_err(failed)?;
        Ok(Self { file, digest: Sha256::new_with_prefix(text), path })
    }

    /// Continues the file after its first `lines`, whose digest must be `expected`.
    fn resume(path: PathBuf, lines: usize, expected: &str) -> Result<(Self, String), HarnessError> {
        let failed = |source| HarnessError::Io { path: path.clone(), source };
        let text = String::from_utf8_lossy(&fs::read(&path).map_err(failed)?).into_owned();
        let kept: String = text.split_inclusive('\n').take(lines).collect();
        if hexadecimal(Sha256::new_with_prefix(&kept)) != expected {
            let whole = text.matches('\n').count();
            let why = if whole < lines {
                format!("has {whole} whole lines where the checkpoint has {lines}")
            } else {
                "was changed since the checkpoint".to_owned()
            };
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let folder = path.parent().unwrap_or(Path::new("")).to_path_buf();
            return Err(HarnessError::Checkpoint { folder, why: format!("{name} {why}") });
        }
        Ok((Self::create(path, &kept, Safe::FromPowerFailure)?, kept))
    }

    /// Waits until its lines have reached the disk.
    fn sync(&self) -> Result<(), HarnessError> {
        let failed = |source| HarnessError::Io { path: self.path.clone(), source };
        self.file.sync_data().map_err(failed)
    }

    fn push(&mut self, line: &str) -> Result<(), HarnessError> {
        let failed = |source| HarnessError::Io { path: self.path.clone(), source };
        self.file.write_all(line.as_bytes()).map_err(failed)?;
        self.digest.update(line);
        Ok(())
    }
}

/// Both files, and the rows so far.
#[derive(Debug)]
pub struct History {
    csv: Lines,
    events: Lines,
    /// Names of the traces.
    pub trace_names: Vec<String>,
    /// Rows so far.
    pub rows: Vec<Row>,
}

const COLUMNS: &str = "iteration,objective,best,gradient_norm,step_norm,evaluations,\
gradient_evaluations,failures,score,wall_s";

/// A text as a field of CSV (RFC 4180): in quotes where it needs them.
pub fn csv_field(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
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
    /// Starts both files in `folder`.
    ///
    /// # Errors
    /// A file cannot be written.
    pub(crate) fn create(folder: &Folder, space: &Space) -> Result<Self, HarnessError> {
        let (path, safe) = (folder.path(), folder.safe());
        let trace_names = trace_names(space);
        let names: String = trace_names.iter().map(|n| format!(",{}", csv_field(n))).collect();
        Ok(Self {
            csv: Lines::create(path.join("history.csv"), &format!("{COLUMNS}{names}\n"), safe)?,
            events: Lines::create(path.join("events.jsonl"), "", safe)?,
            trace_names,
            rows: Vec::new(),
        })
    }

    /// Continues both files in `folder` after what belongs to a checkpoint.
    ///
    /// # Errors
    /// A file cannot be read or written, or has not what the checkpoint was written with: no gap is left in a history.
    pub(crate) fn resume(folder: &Path, space: &Space, mark: &Mark) -> Result<Self, HarnessError> {
        let csv = folder.join("history.csv");
        let (csv, text) = Lines::resume(csv, mark.rows + 1, &mark.csv)?;
        let events = folder.join("events.jsonl");
        let (events, _) = Lines::resume(events, mark.rows, &mark.events)?;
        let rows = text.lines().skip(1).filter_map(parse).collect();
        Ok(Self { csv, events, trace_names: trace_names(space), rows })
    }

    /// What a checkpoint records of it.
    pub fn mark(&self) -> Mark {
        Mark {
            rows: self.rows.len(),
            csv: hexadecimal(self.csv.digest.clone()),
            events: hexadecimal(self.events.digest.clone()),
        }
    }

    /// Waits until both files have reached the disk: a checkpoint may not reach it before the lines that it counts.
    pub(crate) fn sync(&self) -> Result<(), HarnessError> {
        self.csv.sync()?;
        self.events.sync()
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
        self.csv.push(&line)?;
        self.events.push(&format!("{event}\n"))?;
        self.rows.push(Row {
            index: it.index,
            evaluations: it.evaluations,
            value: it.value,
            best: it.best_value,
            gradient_norm: it.gradient_norm,
            step_norm: it.step_norm,
            score: score_value,
            traces,
        });
        Ok(())
    }
}

/// Names of the parameter columns and rows of a run's `history.csv`; a last line that was cut is left out.
///
/// # Errors
/// The file cannot be read.
pub fn read(folder: &Path) -> Result<(Vec<String>, Vec<Row>), HarnessError> {
    let path = folder.join("history.csv");
    let text = fs::read_to_string(&path).map_err(|source| HarnessError::Io { path, source })?;
    let whole = &text[..text.rfind('\n').map_or(0, |end| end + 1)];
    let names = whole.lines().next().map(split).unwrap_or_default();
    let traces = names.into_iter().skip(10).collect();
    Ok((traces, whole.lines().skip(1).filter_map(parse).collect()))
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
        step_norm: number(4)?,
        score: number(8),
        traces: (10..fields.len()).filter_map(number).collect(),
    })
}
