//! A trained functional as a file.
//!
//! NPY (format 1.0, one axis of little-endian `f64`) of the parameters, which any numpy reads with `numpy.load`; after the
//! array stands the header that says what they are, in JSON: format, version, architecture.

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
const MAGIC: &[u8] = b"\x93NUMPY\x01\x00";

/// Why a functional cannot be read.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum FunctionalFileError {
    /// Not such an NPY file.
    #[error("not a functional: {what}")]
    Npy {
        /// What is wrong.
        what: String,
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
        let dictionary = format!(
            "{{'descr': '<f8', 'fortran_order': False, 'shape': ({},), }}",
            self.parameters.len()
        );
        // the data start at a multiple of 64 bytes, after a newline
        let end = (MAGIC.len() + 2 + dictionary.len() + 1).next_multiple_of(64);
        let padded = format!("{dictionary:<width$}\n", width = end - MAGIC.len() - 3);
        let length = u16::try_from(padded.len()).unwrap_or_else(|_| unreachable!("a short header"));
        let mut bytes = [MAGIC, &length.to_le_bytes(), padded.as_bytes()].concat();
        bytes.extend(self.parameters.iter().flat_map(|p| p.to_le_bytes()));
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
        let npy = |what: &str| FunctionalFileError::Npy { what: what.into() };
        let rest = bytes.strip_prefix(MAGIC).ok_or_else(|| npy("no NPY format 1.0"))?;
        let (length, rest) = rest.split_first_chunk::<2>().ok_or_else(|| npy("cut short"))?;
        let length = usize::from(u16::from_le_bytes(*length));
        let (dictionary, rest) =
            rest.split_at_checked(length).ok_or_else(|| npy("cut short in its header"))?;
        let dictionary = String::from_utf8_lossy(dictionary);
        if !dictionary.contains("'descr': '<f8'") || !dictionary.contains("'fortran_order': False")
        {
            return Err(npy("the parameters are not little-endian f64 in C order"));
        }
        let shape = dictionary.split_once("'shape': (").and_then(|(_, s)| s.split_once(",)"));
        let count: usize = shape
            .and_then(|(n, _)| n.trim().parse().ok())
            .ok_or_else(|| npy("the parameters are not of one axis"))?;
        let (data, json) = count
            .checked_mul(8)
            .and_then(|size| rest.split_at_checked(size))
            .ok_or_else(|| npy("cut short in its parameters"))?;
        let parameters: Vec<f64> =
            data.as_chunks().0.iter().map(|b| f64::from_le_bytes(*b)).collect();
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
