//! Quantities as dictionaries, JSON as Python's values, and flat arrays in and out.

use cotangent_problem::Quantity;
use pyo3::buffer::PyBuffer;
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyDict, PyList};
use serde_json::Value;

/// A quantity as a dictionary; the Python package makes an object of it.
pub(crate) fn described<'py>(py: Python<'py>, q: &Quantity) -> PyResult<Bound<'py, PyDict>> {
    let described = PyDict::new(py);
    described.set_item("name", &q.name)?;
    described.set_item("unit", &q.unit)?;
    described.set_item("shape", q.shape.clone())?;
    described.set_item("summary", &q.summary)?;
    described.set_item("value", bytes(py, &q.value))?;
    described.set_item("lower", bytes(py, &q.lower))?;
    described.set_item("upper", bytes(py, &q.upper))?;
    described.set_item("scale", q.scale)?;
    described.set_item("why_not", q.not_differentiable.as_ref())?;
    let axis = q.axis.as_ref().map(|a| (&a.name, &a.unit, bytes(py, &a.values)));
    described.set_item("axis", axis)?;
    Ok(described)
}

/// Quantities as a list of dictionaries.
pub(crate) fn listed<'py>(py: Python<'py>, all: &[Quantity]) -> PyResult<Bound<'py, PyList>> {
    let list = PyList::empty(py);
    all.iter().try_for_each(|q| list.append(described(py, q)?))?;
    Ok(list)
}

/// Numbers as bytes that NumPy looks at without copying.
pub(crate) fn bytes<'py>(py: Python<'py>, numbers: &[f64]) -> Bound<'py, PyByteArray> {
    let bytes: Vec<u8> = numbers.iter().flat_map(|v| v.to_ne_bytes()).collect();
    PyByteArray::new(py, &bytes)
}

/// The entries of a contiguous array of `f64`.
pub(crate) fn entries(py: Python<'_>, array: &Bound<'_, PyAny>) -> PyResult<Vec<f64>> {
    PyBuffer::<f64>::get(array)?.to_vec(py)
}

/// A JSON value as Python's.
pub(crate) fn from_json<'py>(py: Python<'py>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
    Ok(match value {
        Value::Null => py.None().into_bound(py),
        Value::Bool(flag) => flag.into_pyobject(py)?.to_owned().into_any(),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => whole.into_pyobject(py)?.into_any(),
            (None, float) => float.into_pyobject(py)?,
        },
        Value::String(text) => text.into_pyobject(py)?.into_any(),
        Value::Array(values) => {
            let list = PyList::empty(py);
            values.iter().try_for_each(|v| list.append(from_json(py, v)?))?;
            list.into_any()
        }
        Value::Object(fields) => {
            let dict = PyDict::new(py);
            fields.iter().try_for_each(|(k, v)| dict.set_item(k, from_json(py, v)?))?;
            dict.into_any()
        }
    })
}
