//! Runs: what `cotangent run` and `cotangent resume` do, with a callback.

use std::path::{Path, PathBuf};

use cotangent_cli::report;
use cotangent_harness::{Harness, HarnessError, Judge, Manifest, Progress, Record, Score};
use cotangent_optim::{Iteration, Stop};
use cotangent_scenarios::{Loaded, load, load_text};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::error;
use crate::quantity::{bytes, from_json};

/// Tells Python of a run, and hears from it whether to stop.
struct Listener {
    callback: Option<Py<PyAny>>,
    /// What Python raised: an error of the callback, or Ctrl-C.
    raised: Option<PyErr>,
}

impl Listener {
    fn tell(&self, py: Python<'_>, it: &Iteration, score: Option<Score>) -> PyResult<()> {
        let Some(callback) = &self.callback else { return Ok(()) };
        let told = PyDict::new(py);
        told.set_item("iteration", it.index)?;
        told.set_item("value", it.value)?;
        told.set_item("best_value", it.best_value)?;
        told.set_item("gradient_norm", it.gradient_norm)?;
        told.set_item("step_norm", it.step_norm)?;
        told.set_item("evaluations", it.evaluations)?;
        told.set_item("score", score.map(|s| s.value))?;
        told.set_item("x", bytes(py, &it.x))?;
        let terms = PyDict::new(py);
        it.terms.iter().try_for_each(|t| terms.set_item(&t.name, t.value))?;
        told.set_item("terms", terms)?;
        callback.call1(py, (told,)).map(drop)
    }
}

impl Progress for Listener {
    fn iteration(&mut self, iteration: &Iteration, score: Option<Score>, _: &Stop) {
        if self.raised.is_some() {
            return;
        }
        let heard = Python::attach(|py| {
            self.tell(py, iteration, score)?;
            py.check_signals()
        });
        self.raised = heard.err();
    }

    fn is_stopped(&mut self) -> bool {
        self.raised.is_some()
    }
}

/// Runs a scenario; gives the result as a dictionary, and what Python raised meanwhile, if anything.
#[pyfunction]
pub(crate) fn run<'py>(
    py: Python<'py>,
    path: PathBuf,
    overrides: Vec<String>,
    out: Option<PathBuf>,
    force: bool,
    callback: Option<Py<PyAny>>,
) -> PyResult<Bound<'py, PyTuple>> {
    let loaded = load(&path, &overrides).map_err(|e| error::scenario(py, &e))?;
    cotangent_harness::folder::probe(loaded.name(), out.as_deref(), force)
        .map_err(|e| error::harness(&e))?;
    let mut job = loaded.job(&overrides).map_err(|e| error::harness(&e))?;
    job.folder = out;
    job.force = force;
    carry_out(py, &loaded, callback, |objective, space, judge, progress| {
        Harness::start(objective.objective(), space, &job, judge, progress)?.finish(progress)
    })
}

/// Goes on with the run in `folder`; `limits` may raise `stop.max_*`.
#[pyfunction]
pub(crate) fn resume<'py>(
    py: Python<'py>,
    folder: PathBuf,
    limits: Vec<String>,
    callback: Option<Py<PyAny>>,
) -> PyResult<Bound<'py, PyTuple>> {
    let read = |name: &str| {
        let path = folder.join(name);
        let text = std::fs::read_to_string(&path);
        text.map_err(|source| error::harness(&HarnessError::Io { path, source }))
    };
    let manifest = Manifest::of(&folder).map_err(|e| error::harness(&e))?;
    let resolved = read("resolved.toml")?;
    let loaded = load_text(&folder.join("resolved.toml"), &resolved, &limits)
        .map_err(|e| error::scenario(py, &e))?;
    let mut overrides = manifest.overrides;
    overrides.retain(|earlier| !limits.contains(earlier));
    overrides.extend_from_slice(&limits);
    let job =
        loaded.job_given(read("scenario.toml")?, &overrides).map_err(|e| error::harness(&e))?;
    carry_out(py, &loaded, callback, |objective, space, judge, progress| {
        Harness::resume(objective.objective(), space, &job, judge, &folder, progress)?
            .finish(progress)
    })
}

/// Prepares the objective, carries the run out without the interpreter's lock, and reports it.
fn carry_out<'py>(
    py: Python<'py>,
    loaded: &Loaded,
    callback: Option<Py<PyAny>>,
    work: impl Send
    + FnOnce(
        &dyn cotangent_scenarios::Prepared,
        &cotangent_problem::Space,
        &dyn Judge,
        &mut Listener,
    ) -> Result<Record, HarnessError>,
) -> PyResult<Bound<'py, PyTuple>> {
    let mut listener = Listener { callback, raised: None };
    let done = py.detach(|| {
        let prepared = loaded.scenario.prepare().map_err(Failure::Prepare)?;
        let space = loaded.scenario.space();
        let (prepared, judge): (_, &dyn Judge) = (prepared.as_ref(), prepared.as_ref());
        let record = work(prepared, &space, judge, &mut listener).map_err(Failure::Run)?;
        if record.summary.signal == 0 {
            report::write(&record, &record.summary.run_dir).map_err(Failure::Run)?;
        }
        Ok(record)
    });
    let record = done.map_err(|failure| match failure {
        Failure::Prepare(message) => error::EvaluationError::new_err(message),
        Failure::Run(error) => error::harness(&error),
    })?;
    let result = described(py, &record)?;
    let raised = listener.raised.map(|e| e.into_value(py));
    (result, raised).into_pyobject(py)
}

/// Why a run was not carried out.
enum Failure {
    Prepare(String),
    Run(HarnessError),
}

/// A record as a dictionary: `result.json`, the parameters that were found, and where they are.
fn described<'py>(py: Python<'py>, record: &Record) -> PyResult<Bound<'py, PyAny>> {
    let wrong = |e: serde_json::Error| error::RunError::new_err(e.to_string());
    let mut value = serde_json::to_value(&record.summary).map_err(wrong)?;
    let folder: &Path = &record.summary.run_dir;
    let report = folder.join("report.html");
    value["interrupted"] = (record.summary.signal != 0).into();
    value["failed"] = record.summary.failed.into();
    value["report"] =
        if report.exists() { report.to_string_lossy().into() } else { serde_json::Value::Null };
    value["parameters"] = serde_json::to_value(&record.found).map_err(wrong)?;
    from_json(py, &value)
}
