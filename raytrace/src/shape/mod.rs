//! Triangle meshes: what they are, where their edges are, and how they are read.

mod edge;
mod file;
mod mesh;
mod obj;
mod ply;
mod polygon;
mod primitive;
mod read;
mod smoothing;

pub use edge::{MeshEdge, Side};
pub use file::{MeshFile, MeshFileError, MeshNote, MeshPart};
pub use mesh::{Corners, MeshError, TriangleMesh};
pub use obj::parse_obj;
pub use ply::parse_ply;
pub use read::read_mesh;
pub(crate) use smoothing::Smoothing;
