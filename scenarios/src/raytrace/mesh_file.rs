//! Triangles of OBJ and PLY files.

use std::path::Path;

use cotangent_raytrace::{MeshFile, parse_obj, parse_ply};

/// The triangles of a file.
pub(super) fn mesh_file(path: &Path) -> Result<MeshFile, String> {
    let bytes = std::fs::read(path).map_err(|e| e.to_string())?;
    let is_ply = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("ply"));
    if is_ply { parse_ply(&bytes) } else { parse_obj(&String::from_utf8_lossy(&bytes)) }
        .map_err(|e| e.to_string())
}
