//! Linear algebra of banded matrices and of operators that are only applied.

pub mod banded;
pub(in crate::one_d) mod davidson;
pub mod eigen;
pub(in crate::one_d) mod gmres;
mod twisted;
pub(in crate::one_d) mod vector;
