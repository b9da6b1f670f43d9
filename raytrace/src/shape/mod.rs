//! Triangle meshes: what they are, where their edges are, and how they are read.

mod edge;
mod file;
mod mesh;
mod obj;
mod ply;
mod polygon;
mod primitive;
mod smoothing;

pub use edge::{MeshEdge, Side};
pub use file::{MeshFile, MeshFileError, MeshNote, MeshPart, read_mesh};
pub use mesh::{Corners, MeshError, TriangleMesh};
pub use obj::parse_obj;
pub use ply::parse_ply;
pub(crate) use smoothing::Smoothing;
