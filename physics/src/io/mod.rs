//! Models from files, and the surfaces of meshes and height fields.

mod height_field;
mod mesh;
pub mod mjcf;
mod model_file;
pub mod urdf;

pub use model_file::{Effect, Keyframe, ModelFile, Note, Unsimulated};
