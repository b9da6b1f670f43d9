//! Models from files, and the surfaces of meshes and height fields.

mod height_field;
mod mesh;
pub mod mjcf;
pub mod urdf;
