//! A scenario file, opened.

use std::path::PathBuf;
use std::sync::Arc;

use cotangent_problem::SampleKey;
use cotangent_scenarios::diagnostic::Diagnostic;
use cotangent_scenarios::{Opened, open};
use pyo3::prelude::*;
use pyo3::types::PyList;

use crate::error;
use crate::map::Map;
use crate::objective::Objective;
use crate::quantity::listed;

/// A scenario: its simulation, where its kind has one, and its objective, where it says what is free and asked.
#[pyclass(frozen, module = "cotangent._cotangent")]
pub(crate) struct Scenario {
    opened: Arc<Opened>,
    seed: u64,
}

#[pymethods]
impl Scenario {
    #[new]
    fn new(py: Python<'_>, path: PathBuf, overrides: Vec<String>) -> PyResult<Self> {
        let opened = py.detach(|| open(&path, &overrides)).map_err(|e| error::scenario(py, &e))?;
        let seed = opened.loaded.as_ref().map_or(0, |l| l.seed);
        Ok(Self { opened: Arc::new(opened), seed })
    }

    #[getter]
    fn has_simulation(&self) -> bool {
        self.opened.simulation.is_some()
    }

    #[getter]
    fn name(&self) -> Option<String> {
        self.opened.loaded.as_ref().map(|l| l.name().to_owned())
    }

    #[getter]
    fn inputs<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        listed(py, self.opened.simulation.as_ref().map_or(&[], |s| s.inputs()))
    }

    #[getter]
    fn outputs<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        listed(py, self.opened.simulation.as_ref().map_or(&[], |s| s.outputs()))
    }

    /// The map between names or patterns; between what the scenario speaks of where there are none.
    fn map(&self, py: Python<'_>, inputs: Vec<String>, outputs: Vec<String>) -> PyResult<Map> {
        let map = self.opened.map(&inputs, &outputs).map_err(|e| error::scenario(py, &e))?;
        Ok(Map::new(map, SampleKey(self.seed).child("simulate", 0)))
    }

    /// What is minimised, by the scenario's parameters.
    fn objective(&self, py: Python<'_>) -> PyResult<Objective> {
        if self.opened.loaded.is_none() {
            let message =
                "this scenario has no objective: it says neither what is free nor what is asked";
            let help = "add [[parameter]] and [[term]]";
            let problem = Diagnostic::plain("cotangent::objective", message, help);
            return Err(error::scenario(py, &[problem]));
        }
        Objective::new(py, Arc::clone(&self.opened), self.seed)
    }
}
