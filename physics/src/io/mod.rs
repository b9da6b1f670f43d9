//! Models from files, and the surfaces of meshes.

mod mesh;
pub mod mjcf;
pub mod urdf;
