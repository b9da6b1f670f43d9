//! Meshes from files of any kind that is understood.

use std::fs;
use std::path::Path;

use super::file::{MeshFile, MeshFileError, MeshNote};
use super::obj::parse_obj;
use super::ply::parse_ply;

/// Reads an OBJ or PLY file. Polygons are cut into triangles. Normals and texture coordinates are read as well;
/// colours and materials are not used. What had to be left out is in the file's notes.
///
/// # Errors
/// A [`MeshFileError`] where the file cannot be read, or as [`parse_obj`] and [`parse_ply`].
pub fn read_mesh(path: &Path) -> Result<MeshFile, MeshFileError> {
    let bytes =
        fs::read(path).map_err(|source| MeshFileError::Read { path: path.to_owned(), source })?;
    if bytes.starts_with(b"ply\n") || bytes.starts_with(b"ply\r") {
        return parse_ply(&bytes);
    }
    let (text, latin) = decoded(&bytes);
    let mut file = parse_obj(&text)?;
    if latin {
        let text = "the file is not UTF-8 and was read as Latin-1".into();
        file.notes.insert(0, MeshNote { line: None, text });
    }
    Ok(file)
}

/// The text of UTF-8, or of Latin-1 where it is no UTF-8; whether it was the latter.
fn decoded(bytes: &[u8]) -> (String, bool) {
    match std::str::from_utf8(bytes) {
        Ok(text) => (text.to_owned(), false),
        Err(_) => (bytes.iter().map(|b| char::from(*b)).collect(), true),
    }
}

#[cfg(test)]
mod tests {
    use super::read_mesh;

    #[test]
    fn a_file_in_latin_1_is_read_with_a_note() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.obj");
        let text = b"# B\xfcrger\no T\xfcr\nv 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n";
        std::fs::write(&path, text).unwrap();
        let file = read_mesh(&path).unwrap();
        assert_eq!(file.parts[0].name, "Tür");
        assert_eq!(file.notes[0].text, "the file is not UTF-8 and was read as Latin-1");
        let missing = read_mesh(&folder.path().join("n.obj")).unwrap_err().to_string();
        assert!(missing.contains("n.obj"), "{missing}");
    }
}
