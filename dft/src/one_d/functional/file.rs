//! A trained functional as a file.
//!
//! NPY (format 1.0, one axis of little-endian `f64`) of the parameters, which any numpy reads with `numpy.load`; after the
//! array stands the header that says what they are, in JSON: format, version, architecture.

use cotangent_problem::npy::{self, NpyError};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::one_d::functional::network::{Architecture, Network, NetworkError};
use crate::one_d::grid::Grid;

/// A network's architecture with its parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct FunctionalFile {
    /// The architecture.
    pub architecture: Architecture,
    /// The parameters, in the order of [`Architecture::blocks`].
    pub parameters: Vec<f64>,
}

/// What stands beside the parameters.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    format: String,
    version: u32,
    architecture: Architecture,
}

const FORMAT: &str = "cotangent-functional-1d";
const VERSION: u32 = 1;

/// Why a functional cannot be read.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum FunctionalFileError {
    /// Not such an NPY file.
    #[error("not a functional: {0}")]
    Npy(#[from] NpyError),
    /// The array is a table.
    #[error("not a functional: the parameters have {axes} axes, not one")]
    Axes {
        /// How many.
        axes: usize,
    },
    /// The JSON after the array is missing or wrong.
    #[error("the description after the {parameters} parameters cannot be read: {what}")]
    Header {
        /// Number of parameters before it.
        parameters: usize,
        /// What is wrong.
        what: String,
    },
    /// Architecture and parameters do not fit each other.
    #[error(transparent)]
    Network(#[from] NetworkError),
}

impl FunctionalFile {
    /// The bytes of the file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = npy::write(&[self.parameters.len()], &self.parameters);
        let header = Header {
            format: FORMAT.into(),
            version: VERSION,
            architecture: self.architecture.clone(),
        };
        let json = serde_json::to_vec_pretty(&header)
            .unwrap_or_else(|e| unreachable!("numbers and names serialise: {e}"));
        bytes.extend(json);
        bytes
    }

    /// Reads what [`FunctionalFile::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`FunctionalFileError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FunctionalFileError> {
        let (array, json) = npy::read(bytes)?;
        if array.shape.len() != 1 {
            return Err(FunctionalFileError::Axes { axes: array.shape.len() });
        }
        let (parameters, count) = (array.values, array.shape[0]);
        let wrong = |what: String| FunctionalFileError::Header { parameters: count, what };
        let header: Header = serde_json::from_slice(json).map_err(|e| wrong(e.to_string()))?;
        if header.format != FORMAT || header.version != VERSION {
            let found = format!("{} version {}", header.format, header.version);
            return Err(wrong(format!("it is {found}, not {FORMAT} version {VERSION}")));
        }
        let expected = header.architecture.parameter_count();
        if expected != count {
            return Err(NetworkError::ParameterCount { expected, found: count }.into());
        }
        Ok(Self { architecture: header.architecture, parameters })
    }

    /// The functional on a grid.
    ///
    /// # Errors
    /// Another grid spacing than the one that it was trained on.
    pub fn network(&self, grid: &Grid) -> Result<Network, NetworkError> {
        Network::new(self.architecture.clone(), &self.parameters, grid)
    }
}

#[cfg(test)]
mod tests {
    use super::{FunctionalFile, FunctionalFileError};
    use crate::one_d::{Architecture, Grid, NetworkError};

    fn functional() -> FunctionalFile {
        let architecture =
            Architecture { global_features: 2, hidden: vec![3], ..Architecture::paper() };
        let parameters = architecture.initial_parameters(4);
        FunctionalFile { architecture, parameters }
    }

    #[test]
    fn a_file_is_an_aligned_npy_and_is_read_back() {
        let bytes = functional().to_bytes();
        assert_eq!(FunctionalFile::from_bytes(&bytes), Ok(functional()));
        let data = bytes.iter().position(|b| *b == b'\n').unwrap() + 1;
        assert_eq!(data % 64, 0);
        assert_eq!(&bytes[data..data + 8], &functional().parameters[0].to_le_bytes());
    }

    #[test]
    fn what_is_wrong_with_a_file_is_said() {
        let bytes = functional().to_bytes();
        let read = |b: &[u8]| FunctionalFile::from_bytes(b).unwrap_err().to_string();
        assert!(read(b"PK\x03\x04").contains("no NPY"));
        assert!(read(&bytes[..100]).contains("cut short"));
        assert!(read(&bytes[..bytes.len() - 5]).contains("cannot be read"));
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let other = |from: &str, to: &str| {
            let at = bytes.windows(from.len()).position(|w| w == from.as_bytes()).unwrap();
            [&bytes[..at], to.as_bytes(), &bytes[at + from.len()..]].concat()
        };
        assert!(text.contains("\"version\": 1"));
        assert!(read(&other("\"version\": 1", "\"version\": 2")).contains("version 2"));
        let wrong =
            FunctionalFile::from_bytes(&other("\"global_features\": 2", "\"global_features\": 3"));
        assert!(matches!(
            wrong,
            Err(FunctionalFileError::Network(NetworkError::ParameterCount { .. }))
        ));
        let elsewhere = functional().network(&Grid::new(513, 0.1).unwrap()).unwrap_err();
        assert!(matches!(elsewhere, NetworkError::GridSpacing { .. }));
    }
}
