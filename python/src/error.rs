//! Errors as exceptions, with the text and the places that the command line shows.

use cotangent_cli::diagnostic::{MOST_AS_DATA, render};
use cotangent_harness::HarnessError;
use cotangent_problem::{CallError, TrialFailure};
use cotangent_scenarios::diagnostic::Diagnostic;
use pyo3::exceptions::{PyArithmeticError, PyNotImplementedError, PyOSError, PyValueError};
use pyo3::prelude::*;

pyo3::create_exception!(
    cotangent,
    ScenarioError,
    PyValueError,
    "Something is wrong with a scenario: the text that the command line shows. `diagnostics` is a list of dictionaries with `code`, \
     `message`, `help` and `place` (`file`, `line`, `column`)."
);
pyo3::create_exception!(
    cotangent,
    InputError,
    PyValueError,
    "A value, a shape or a name that was given does not fit; the message says which."
);
pyo3::create_exception!(
    cotangent,
    EvaluationError,
    PyArithmeticError,
    "The simulation has no value or no derivative at this point; the message says why."
);
pyo3::create_exception!(
    cotangent,
    UnsupportedError,
    PyNotImplementedError,
    "The derivative that was asked for does not exist; the message says of what and why."
);
pyo3::create_exception!(
    cotangent,
    RunError,
    PyOSError,
    "A run could not be carried out: its folder, its checkpoint, or its start."
);

/// Adds the exceptions to the module.
pub(crate) fn add(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    module.add("ScenarioError", py.get_type::<ScenarioError>())?;
    module.add("InputError", py.get_type::<InputError>())?;
    module.add("EvaluationError", py.get_type::<EvaluationError>())?;
    module.add("UnsupportedError", py.get_type::<UnsupportedError>())?;
    module.add("RunError", py.get_type::<RunError>())
}

/// What is wrong with a scenario, as the command line shows it.
pub(crate) fn scenario(py: Python<'_>, problems: &[Diagnostic]) -> PyErr {
    let error = ScenarioError::new_err(render(problems, false).trim_end().to_owned());
    let shown = problems.iter().take(MOST_AS_DATA).map(Diagnostic::to_json).collect();
    let described = crate::quantity::from_json(py, &serde_json::Value::Array(shown))
        .and_then(|list| error.value(py).setattr("diagnostics", list));
    described.map_or_else(|e| e, |()| error)
}

/// A value that does not fit.
pub(crate) fn input(message: String) -> PyErr {
    InputError::new_err(message)
}

/// A call without an answer.
pub(crate) fn call(error: &CallError) -> PyErr {
    let message = error.to_string();
    match error {
        CallError::Value(_) | CallError::Length { .. } | CallError::NotFinite { .. } => {
            InputError::new_err(message)
        }
        CallError::Unsupported(_) => UnsupportedError::new_err(message),
        CallError::Failed(failure) => trial(failure),
        _ => EvaluationError::new_err(message),
    }
}

/// A point without a value.
pub(crate) fn trial(failure: &TrialFailure) -> PyErr {
    let message = failure.to_string();
    match failure {
        TrialFailure::NotDifferentiable { .. } | TrialFailure::Contract(_) => {
            UnsupportedError::new_err(message)
        }
        _ => EvaluationError::new_err(message),
    }
}

/// A run that could not be carried out.
pub(crate) fn harness(error: &HarnessError) -> PyErr {
    RunError::new_err(error.to_string())
}
