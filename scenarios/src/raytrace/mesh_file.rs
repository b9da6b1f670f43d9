//! Triangles of OBJ and PLY files.

use std::path::Path;

use cotangent_raytrace::{MeshFile, MeshFileError, read_mesh};

/// The triangles of a file; what is wrong does not repeat its path, which a problem of a scenario names.
pub(crate) fn mesh_file(path: &Path) -> Result<MeshFile, String> {
    read_mesh(path).map_err(|error| match error {
        MeshFileError::Read { source, .. } => source.to_string(),
        error => error.to_string(),
    })
}
