//! What is asked of fields, as objectives: functionals that are trained, geometries, potentials of densities.

pub mod geometry;
pub mod inversion;
pub mod lieb;
pub mod training;
