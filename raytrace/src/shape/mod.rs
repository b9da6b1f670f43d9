//! Triangle meshes: what they are, where their edges are, and how they are read.

mod edge;
mod mesh;
mod obj;

pub use edge::MeshEdge;
pub use mesh::{MeshError, TriangleMesh};
pub use obj::{ObjError, parse_obj, read_obj};
