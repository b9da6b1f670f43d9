//! Orbitals in a file, from which a field goes on later: JSON with a matrix a set, functions by orbitals.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::molecule::basis::Basis;
use crate::molecule::matrix::Matrix;
use crate::molecule::scf::orbitals::{Orbitals, Reference};

/// What such a file calls itself.
const FORMAT: &str = "cotangent-orbitals-1";

/// What is wrong with a file of orbitals.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum OrbitalFileError {
    /// It is no JSON of this form.
    #[error("no file of orbitals: {0}")]
    Unreadable(String),
    /// It is of something else, or of another version.
    #[error("the file calls itself {0:?}, not {FORMAT:?}")]
    Format(String),
    /// The numbers do not go together.
    #[error("set {set} of the orbitals has {what}")]
    Inconsistent {
        /// Which set, from 1.
        set: usize,
        /// What does not fit.
        what: String,
    },
    /// They are of another molecule, basis or kind.
    #[error("the file has {found}, where the molecule in its basis has {wanted}")]
    DoesNotFit {
        /// What the file has.
        found: String,
        /// What is needed.
        wanted: String,
    },
}

#[derive(Serialize, Deserialize)]
struct File {
    format: String,
    sets: Vec<Set>,
}

#[derive(Serialize, Deserialize)]
struct Set {
    occupied: usize,
    energies_ha: Vec<f64>,
    /// A row for each function.
    coefficients: Vec<Vec<f64>>,
}

/// The text of a file with these orbitals.
pub fn orbitals_to_json(orbitals: &[Orbitals]) -> String {
    let set = |orbitals: &Orbitals| {
        let columns = orbitals.coefficients.columns().max(1);
        let rows = orbitals.coefficients.entries().chunks(columns);
        Set {
            occupied: orbitals.occupied,
            energies_ha: orbitals.energies_ha.clone(),
            coefficients: rows.map(<[f64]>::to_vec).collect(),
        }
    };
    let file = File { format: FORMAT.into(), sets: orbitals.iter().map(set).collect() };
    // numbers and text have no way to fail
    serde_json::to_string(&file).unwrap_or_default()
}

/// The orbitals of a file, one set or two.
///
/// # Errors
/// [`OrbitalFileError`] for what is no such file, or has numbers that do not go together.
pub fn orbitals_from_json(text: &str) -> Result<Vec<Orbitals>, OrbitalFileError> {
    let file: File =
        serde_json::from_str(text).map_err(|e| OrbitalFileError::Unreadable(e.to_string()))?;
    if file.format != FORMAT {
        return Err(OrbitalFileError::Format(file.format));
    }
    file.sets.into_iter().enumerate().map(|(k, set)| orbitals_of(k + 1, set)).collect()
}

fn orbitals_of(number: usize, set: Set) -> Result<Orbitals, OrbitalFileError> {
    let Set { occupied, energies_ha, coefficients } = set;
    let (rows, columns) = (coefficients.len(), energies_ha.len());
    let wrong = |what: String| Err(OrbitalFileError::Inconsistent { set: number, what });
    if let Some(row) = coefficients.iter().find(|row| row.len() != columns) {
        return wrong(format!("{columns} energies and a row of {} coefficients", row.len()));
    }
    if occupied > columns {
        return wrong(format!("{occupied} occupied orbitals among {columns}"));
    }
    let entries = coefficients.concat();
    if !entries.iter().chain(&energies_ha).all(|x| x.is_finite()) {
        return wrong("a number that is not finite".into());
    }
    Ok(Orbitals {
        coefficients: Matrix::from_entries(rows, columns, entries),
        energies_ha,
        occupied,
    })
}

/// Whether orbitals are of these electrons in this basis, before anything is computed with them.
///
/// # Errors
/// [`OrbitalFileError::DoesNotFit`].
pub fn check_orbitals(
    orbitals: &[Orbitals],
    reference: Reference,
    electrons: [usize; 2],
    basis: &Basis,
) -> Result<(), OrbitalFileError> {
    let shown = |sets: &[(usize, usize)]| {
        let each: Vec<String> = sets
            .iter()
            .map(|(functions, occupied)| {
                format!("{occupied} occupied orbitals over {functions} functions")
            })
            .collect();
        format!(
            "{} set{} of {}",
            sets.len(),
            if sets.len() == 1 { "" } else { "s" },
            each.join(" and ")
        )
    };
    let found: Vec<_> = orbitals.iter().map(|o| (o.coefficients.rows(), o.occupied)).collect();
    let wanted: Vec<_> =
        electrons[..reference.sets()].iter().map(|count| (basis.len(), *count)).collect();
    if found == wanted {
        return Ok(());
    }
    Err(OrbitalFileError::DoesNotFit { found: shown(&found), wanted: shown(&wanted) })
}
