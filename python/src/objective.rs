//! The objective of a scenario, over flat arrays of its parameters.

use std::sync::Arc;

use cotangent_problem::{Evaluation, SampleKey, Space, TrialFailure, ValueMap, Want, Workspace};
use cotangent_scenarios::{Loaded, Opened, Prepared};
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyDict, PyList};

use crate::error;
use crate::quantity::{bytes, entries, listed};

/// What is minimised. Arrays are flat, contiguous and of 64-bit floats; answers are bytes.
#[pyclass(frozen, module = "cotangent._cotangent")]
pub(crate) struct Objective {
    loaded: &'static Loaded,
    prepared: &'static dyn Prepared,
    space: Space,
    key: SampleKey,
}

impl Objective {
    /// Prepares the objective. What is prepared borrows from the scenario, so both are kept until the process ends.
    pub(crate) fn new(py: Python<'_>, opened: Arc<Opened>, seed: u64) -> PyResult<Self> {
        let opened: &'static Arc<Opened> = Box::leak(Box::new(opened));
        let Some(loaded) = &opened.loaded else {
            return Err(error::input("this scenario has no objective".into()));
        };
        let prepared = py.detach(|| loaded.scenario.prepare());
        let prepared = Box::leak(prepared.map_err(error::EvaluationError::new_err)?);
        Ok(Self { loaded, prepared, space: loaded.scenario.space(), key: SampleKey(seed) })
    }

    /// Works without the interpreter's lock, at a point that is finite and of the right length.
    fn evaluate(&self, py: Python<'_>, x: &Bound<'_, PyAny>, want: Want) -> PyResult<Evaluation> {
        let x = self.point(py, x, "the parameters")?;
        let objective = self.prepared.objective();
        let done = py.detach(|| objective.evaluate(&x, want, self.key, &mut Workspace::new()));
        let found = done.map_err(|e| error::trial(&e))?;
        let parts = [&found.gradient, &found.residuals, &found.jacobian];
        let finite = |part: &Option<Vec<f64>>| part.iter().flatten().all(|v| v.is_finite());
        if found.value.is_finite() && parts.into_iter().all(finite) {
            return Ok(found);
        }
        let what = "the objective or a derivative of it".into();
        Err(error::trial(&TrialFailure::NonFinite { what }))
    }

    fn point(&self, py: Python<'_>, x: &Bound<'_, PyAny>, what: &str) -> PyResult<Vec<f64>> {
        let x = entries(py, x)?;
        if x.len() != self.space.dim() {
            let (given, wanted) = (x.len(), self.space.dim());
            return Err(error::input(format!("{what} have {given} entries, {wanted} are needed")));
        }
        match x.iter().position(|v| !v.is_finite()) {
            Some(k) => Err(error::input(format!("entry {k} of {what} is {}", x[k]))),
            None => Ok(x),
        }
    }

    /// What was wanted, which an objective gives or refuses.
    fn wanted<'py>(py: Python<'py>, part: Option<&Vec<f64>>) -> PyResult<Bound<'py, PyByteArray>> {
        let refuse = || error::UnsupportedError::new_err("this objective does not give that");
        Ok(bytes(py, part.ok_or_else(refuse)?))
    }
}

#[pymethods]
impl Objective {
    #[getter]
    fn parameters<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let start = self.loaded.scenario.start(self.loaded.seed);
        listed(py, &ValueMap::inputs(&self.space, &start))
    }

    /// What it can give.
    #[getter]
    fn capabilities<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let can = self.prepared.objective().capabilities();
        let described = PyDict::new(py);
        described.set_item("gradient", can.gradient)?;
        described.set_item("residuals", can.residuals)?;
        described.set_item("hvp", can.hvp)?;
        described.set_item("stochastic", can.stochastic)?;
        Ok(described)
    }

    /// Where a seed starts; the scenario's own without one.
    #[pyo3(signature = (seed=None))]
    fn start<'py>(&self, py: Python<'py>, seed: Option<u64>) -> Bound<'py, PyByteArray> {
        bytes(py, &self.loaded.scenario.start(seed.unwrap_or(self.loaded.seed)))
    }

    /// The value, and its terms by name.
    fn value<'py>(
        &self,
        py: Python<'py>,
        x: &Bound<'py, PyAny>,
    ) -> PyResult<(f64, Bound<'py, PyDict>)> {
        let found = self.evaluate(py, x, Want::VALUE)?;
        let terms = PyDict::new(py);
        found.terms.iter().try_for_each(|t| terms.set_item(&t.name, t.value))?;
        Ok((found.value, terms))
    }

    /// The value and the gradient.
    fn gradient<'py>(
        &self,
        py: Python<'py>,
        x: &Bound<'py, PyAny>,
    ) -> PyResult<(f64, Bound<'py, PyByteArray>)> {
        let found = self.evaluate(py, x, Want::GRADIENT)?;
        Ok((found.value, Self::wanted(py, found.gradient.as_ref())?))
    }

    /// The residuals.
    fn residuals<'py>(
        &self,
        py: Python<'py>,
        x: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyByteArray>> {
        let found = self.evaluate(py, x, Want::RESIDUALS)?;
        Self::wanted(py, found.residuals.as_ref())
    }

    /// The Jacobian of the residuals, row after row.
    fn jacobian<'py>(
        &self,
        py: Python<'py>,
        x: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyByteArray>> {
        let found = self.evaluate(py, x, Want::JACOBIAN)?;
        Self::wanted(py, found.jacobian.as_ref())
    }

    /// The product of the Hessian with `v`.
    fn hvp<'py>(
        &self,
        py: Python<'py>,
        x: &Bound<'py, PyAny>,
        v: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyByteArray>> {
        let (x, v) = (self.point(py, x, "the parameters")?, self.point(py, v, "the directions")?);
        let objective = self.prepared.objective();
        let done = py.detach(|| objective.hvp(&x, &v, self.key, &mut Workspace::new()));
        let product = done.map_err(|e| error::trial(&e))?;
        if product.iter().all(|v| v.is_finite()) {
            return Ok(bytes(py, &product));
        }
        Err(error::trial(&TrialFailure::NonFinite { what: "the Hessian's product".into() }))
    }
}
