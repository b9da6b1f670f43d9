//! Molecules in QCSchema: an `AtomicInput` is read, computed, and answered by an `AtomicResult`, as MolSSI's QCEngine exchanges them with programs.
//!
//! Drivers `energy`, `gradient`, `hessian` and `properties`; methods `hf` and the names of [`StandardFunctional`](crate::molecule::StandardFunctional); basis sets of the library. A keyword
//! that is not known is refused, because an option that is silently left out changes the answer. Positions are bohr, as the schema has them.
//!
//! # Source
//! Smith et al., WIREs Comput. Mol. Sci. 11, e1491 (2021), doi:10.1002/wcms.1491; schema `qcschema_input` and `qcschema_output`, version 1.

mod input;

use serde_json::{Map, Value, json};
use thiserror::Error;

use crate::molecule::gradient::{GradientError, Inputs};
use crate::molecule::integrals::repulsion::store::RepulsionOptions;
use crate::molecule::matrix::Matrix;
use crate::molecule::scf::{Core, Scf, ScfStatus, self_consistent_field};
use crate::molecule::simulation::second_derivatives;
use crate::molecule::theory::MeanField;
use cotangent_problem::TrialFailure;
use input::{Driver, Task};

/// Why there is no result.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum QcSchemaError {
    /// It is no JSON.
    #[error("the input is no JSON: {0}")]
    Json(String),
    /// A field of the input is missing, or says what cannot be computed.
    #[error("{path}: {why}")]
    Field {
        /// The field, as `model.basis`.
        path: String,
        /// What is wrong with it, and what may stand there.
        why: String,
    },
    /// The field of the electrons is not to be had.
    #[error("{0}")]
    NotConverged(String),
    /// Something else in the computation failed.
    #[error("{0}")]
    Failed(String),
}

impl QcSchemaError {
    #[expect(clippy::needless_pass_by_value, reason = "callers make the text for this alone")]
    fn field(path: impl Into<String>, why: impl ToString) -> Self {
        Self::Field { path: path.into(), why: why.to_string() }
    }

    /// The schema's word for the kind of error.
    pub fn error_type(&self) -> &'static str {
        match self {
            Self::Json(_) | Self::Field { .. } => "input_error",
            Self::NotConverged(_) => "convergence_error",
            Self::Failed(_) => "unknown_error",
        }
    }
}

impl From<TrialFailure> for QcSchemaError {
    fn from(error: TrialFailure) -> Self {
        match error {
            TrialFailure::NotConverged { .. } => Self::NotConverged(error.to_string()),
            _ => Self::Failed(error.to_string()),
        }
    }
}

impl From<GradientError> for QcSchemaError {
    fn from(error: GradientError) -> Self {
        TrialFailure::from(error).into()
    }
}

/// Computes what an `AtomicInput` asks for; the `AtomicResult`.
///
/// # Errors
/// [`QcSchemaError`]; [`failed_operation`] makes the schema's answer of it.
pub fn atomic_result(text: &str) -> Result<Value, QcSchemaError> {
    let given: Value =
        serde_json::from_str(text).map_err(|e| QcSchemaError::Json(e.to_string()))?;
    let task = Task::read(&given)?;
    let (field, scf) = solved(&task)?;
    let mut properties = properties(field.core(), &scf);
    let result = match task.driver {
        Driver::Energy => json!(scf.energy_ha()),
        Driver::Gradient => {
            let gradient = field.gradient(&scf, Inputs::Molecule)?.positions;
            json!(gradient.as_flattened())
        }
        Driver::Hessian => json!(hessian(&task, &field, &scf)?.entries()),
        Driver::Properties => {
            let charges = field.core().mulliken_charges(&scf.total_density());
            let dipole = field.core().dipole_moment(&scf.total_density());
            json!({ "scf_dipole_moment": dipole, "mulliken_charges": charges })
        }
    };
    let named = [(Driver::Gradient, "return_gradient"), (Driver::Hessian, "return_hessian")];
    if let Some((_, name)) = named.iter().find(|(driver, _)| *driver == task.driver) {
        properties.insert((*name).into(), result.clone());
    }
    Ok(answered(given, properties, result, &scf))
}

/// The schema's answer to an input that has no result.
pub fn failed_operation(text: &str, error: &QcSchemaError) -> Value {
    let input: Value = serde_json::from_str(text).unwrap_or_else(|_| json!(text));
    json!({
        "schema_name": "qcschema_failed_operation",
        "schema_version": 1,
        "success": false,
        "id": input.get("id"),
        "input_data": input,
        "error": { "error_type": error.error_type(), "error_message": error.to_string() },
    })
}

/// The self-consistent field, a minimum of its kind of orbitals.
fn solved(task: &Task) -> Result<(MeanField, Scf), QcSchemaError> {
    let failed = |e: &dyn std::error::Error| QcSchemaError::Failed(e.to_string());
    let core =
        Core::new(&task.molecule, &task.basis, task.electric_field).map_err(|e| failed(&e))?;
    let dependent = core.dependent_functions();
    if dependent > 0 {
        let why = format!(
            "{dependent} functions are combinations of others at this geometry: take a smaller set"
        );
        return Err(QcSchemaError::field("model.basis", why));
    }
    let parameters = task.parameters();
    let field = task
        .theory
        .mean_field(core, RepulsionOptions::default(), &parameters)
        .map_err(|e| failed(&e))?;
    let scf =
        self_consistent_field(field.builder(), task.reference, &task.scf).map_err(|error| {
            field
                .failure()
                .map_or_else(|| failed(&error), |why| QcSchemaError::Failed(why.to_string()))
        })?;
    match (scf.status, scf.advice()) {
        (ScfStatus::NotConverged { .. } | ScfStatus::Saddle(_), Some(advice)) => {
            Err(QcSchemaError::NotConverged(advice))
        }
        _ => Ok((field, scf)),
    }
}

fn hessian(task: &Task, field: &MeanField, scf: &Scf) -> Result<Matrix, QcSchemaError> {
    let parameters = task.parameters();
    let theory = (&task.theory, RepulsionOptions::default(), parameters.as_slice());
    Ok(second_derivatives(field, scf, &task.scf, theory)?.hessian)
}

/// What the schema calls properties.
fn properties(core: &Core, scf: &Scf) -> Map<String, Value> {
    let [up, down] = core.molecule.electrons();
    let energies = &scf.energies;
    let entries = [
        ("calcinfo_nbasis", json!(core.basis.len())),
        ("calcinfo_nmo", json!(core.orthonormal.columns())),
        ("calcinfo_nalpha", json!(up)),
        ("calcinfo_nbeta", json!(down)),
        ("calcinfo_natom", json!(core.molecule.atoms().len())),
        ("nuclear_repulsion_energy", json!(core.molecule.nuclear_repulsion_ha())),
        ("return_energy", json!(scf.energy_ha())),
        ("scf_one_electron_energy", json!(energies.one_electron)),
        ("scf_two_electron_energy", json!(energies.coulomb + energies.exchange_correlation)),
        ("scf_dipole_moment", json!(core.dipole_moment(&scf.total_density()))),
        ("scf_total_energy", json!(scf.energy_ha())),
        ("scf_iterations", json!(scf.iterations.len())),
    ];
    entries.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The input with everything that a result adds to it.
fn answered(given: Value, properties: Map<String, Value>, result: Value, scf: &Scf) -> Value {
    let Value::Object(mut answer) = given else { return given };
    let mut extras = match answer.remove("extras") {
        Some(Value::Object(extras)) => extras,
        _ => Map::new(),
    };
    let verdict = match scf.status {
        ScfStatus::Minimum(stability) => json!({
            "verdict": "minimum",
            "lowest_curvature_ha": finite(stability.internal_ha),
            "lowest_curvature_to_unrestricted_ha": stability.external_ha.map(finite),
            "advice": scf.advice(),
        }),
        _ => json!({ "verdict": "stationary, not tested for more" }),
    };
    extras.insert("cotangent".into(), verdict);
    let provenance = json!({
        "creator": "Cotangent",
        "version": env!("CARGO_PKG_VERSION"),
        "routine": "cotangent_dft::molecule::qcschema::atomic_result",
    });
    let added = [
        ("schema_name", json!("qcschema_output")),
        ("schema_version", json!(1)),
        ("success", json!(true)),
        ("properties", Value::Object(properties)),
        ("return_result", result),
        ("extras", Value::Object(extras)),
        ("provenance", provenance),
        ("wavefunction", Value::Null),
        ("stdout", Value::Null),
        ("stderr", Value::Null),
        ("error", Value::Null),
    ];
    answer.extend(added.map(|(name, value)| (name.to_owned(), value)));
    Value::Object(answer)
}

/// A number, or null where there is nothing to rotate.
fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}
