//! A map from some inputs to some outputs, over flat arrays.

use std::sync::Mutex;
use std::sync::PoisonError;

use cotangent_problem::{At, CallError, CheckedMap, CheckedRun, SampleKey, Workspace};
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyList};

use crate::error;
use crate::quantity::{bytes, entries, listed};

/// A map between picked inputs and outputs. Arrays are flat, contiguous and of 64-bit floats; answers are bytes.
#[pyclass(frozen, module = "cotangent._cotangent")]
pub(crate) struct Map {
    map: CheckedMap<'static>,
    key: SampleKey,
    /// Scratch memory of calls that are over, for those that come.
    workspaces: Mutex<Vec<Workspace>>,
}

type Pair<'py> = (Bound<'py, PyByteArray>, Bound<'py, PyByteArray>);

impl Map {
    pub(crate) fn new(map: CheckedMap<'static>, key: SampleKey) -> Self {
        Self { map, key, workspaces: Mutex::new(Vec::new()) }
    }

    /// Works without the interpreter's lock.
    fn work<T: Send>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&CheckedMap<'static>, &mut Workspace) -> Result<T, CallError> + Send,
    ) -> PyResult<T> {
        let done = py.detach(|| {
            let pool = || self.workspaces.lock().unwrap_or_else(PoisonError::into_inner);
            let mut workspace = pool().pop().unwrap_or_default();
            let done = work(&self.map, &mut workspace);
            pool().push(workspace);
            done
        });
        done.map_err(|e| error::call(&e))
    }

    /// The values at `x` and what `ask` asks of the run there.
    fn linearised(
        &self,
        py: Python<'_>,
        x: &Bound<'_, PyAny>,
        ask: impl FnOnce(&CheckedRun<'_>) -> Result<Vec<f64>, CallError> + Send,
    ) -> PyResult<(Vec<f64>, Vec<f64>)> {
        let x = entries(py, x)?;
        self.work(py, |map, ws| {
            let run = map.linearise(At { x: &x, key: self.key }, ws)?;
            let asked = ask(&run)?;
            Ok((run.values().to_vec(), asked))
        })
    }
}

fn pair<'py>(py: Python<'py>, (a, b): &(Vec<f64>, Vec<f64>)) -> Pair<'py> {
    (bytes(py, a), bytes(py, b))
}

#[pymethods]
impl Map {
    #[getter]
    fn inputs<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        listed(py, self.map.inputs())
    }

    #[getter]
    fn outputs<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        listed(py, self.map.outputs())
    }

    #[getter]
    fn no_derivative(&self) -> Option<&str> {
        self.map.no_derivative()
    }

    #[getter]
    fn has_second(&self) -> bool {
        self.map.has_second()
    }

    /// `f(x)`.
    fn values<'py>(
        &self,
        py: Python<'py>,
        x: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyByteArray>> {
        let x = entries(py, x)?;
        let y = self.work(py, |map, ws| map.values(At { x: &x, key: self.key }, ws))?;
        Ok(bytes(py, &y))
    }

    /// `f(x)` and `J^T y_bar`.
    fn vjp<'py>(
        &self,
        py: Python<'py>,
        x: &Bound<'py, PyAny>,
        y_bar: &Bound<'py, PyAny>,
    ) -> PyResult<Pair<'py>> {
        let y_bar = entries(py, y_bar)?;
        Ok(pair(py, &self.linearised(py, x, |run| run.pullback(&y_bar))?))
    }

    /// `f(x)` and `J x_dot`.
    fn jvp<'py>(
        &self,
        py: Python<'py>,
        x: &Bound<'py, PyAny>,
        x_dot: &Bound<'py, PyAny>,
    ) -> PyResult<Pair<'py>> {
        let x_dot = entries(py, x_dot)?;
        Ok(pair(py, &self.linearised(py, x, |run| run.pushforward(&x_dot))?))
    }

    /// `f(x)` and `J`, row after row.
    fn jacobian<'py>(&self, py: Python<'py>, x: &Bound<'py, PyAny>) -> PyResult<Pair<'py>> {
        let rows: Vec<usize> = (0..self.map.output_len()).collect();
        let columns: Vec<usize> = (0..self.map.input_len()).collect();
        Ok(pair(py, &self.linearised(py, x, |run| run.jacobian(&rows, &columns))?))
    }

    /// The second derivative of `<y_bar, f>` along `x_dot`.
    fn second<'py>(
        &self,
        py: Python<'py>,
        x: &Bound<'py, PyAny>,
        y_bar: &Bound<'py, PyAny>,
        x_dot: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyByteArray>> {
        let (y_bar, x_dot) = (entries(py, y_bar)?, entries(py, x_dot)?);
        let found = self.linearised(py, x, |run| run.second(&y_bar, &x_dot))?;
        Ok(bytes(py, &found.1))
    }
}
