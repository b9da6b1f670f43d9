//! Wavefront OBJ: vertices and faces, with the line of everything that is wrong.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::mesh::{MeshError, TriangleMesh};

/// Why an OBJ file gives no mesh. Lines count from 1.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ObjError {
    /// The file cannot be read.
    #[error("{}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// A line makes no sense.
    #[error("line {line}: {why}")]
    Syntax {
        /// The line.
        line: usize,
        /// What is wrong with it.
        why: String,
    },
    /// The lines make sense and the mesh does not.
    #[error("{}{source}", line.map_or(String::new(), |l| format!("line {l}: ")))]
    Mesh {
        /// The line of the vertex or (last) face in question.
        line: Option<usize>,
        /// What is wrong.
        source: MeshError,
    },
}

impl ObjError {
    /// The line in question, from 1.
    pub fn line(&self) -> Option<usize> {
        match self {
            Self::Read { .. } => None,
            Self::Syntax { line, .. } => Some(*line),
            Self::Mesh { line, .. } => *line,
        }
    }
}

/// Statements that say nothing about the triangles: other attributes, groups, materials, points, lines.
const IGNORED: &[&str] = &["vn", "vt", "vp", "o", "g", "s", "usemtl", "mtllib", "l", "p"];

/// Reads the triangles of an OBJ file. Polygons are cut into fans; normals, texture coordinates, groups and
/// materials are not used.
///
/// # Errors
/// An [`ObjError`] where the file cannot be read, or as [`parse_obj`].
pub fn read_obj(path: &Path) -> Result<TriangleMesh, ObjError> {
    let text = fs::read_to_string(path)
        .map_err(|source| ObjError::Read { path: path.to_owned(), source })?;
    parse_obj(&text)
}

/// [`read_obj`] of a text.
///
/// ```
/// let quad = "v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nf 1//1 2 3 -1\n";
/// assert_eq!(cotangent_raytrace::parse_obj(quad).unwrap().faces().len(), 2);
/// let error = cotangent_raytrace::parse_obj("v 0 0 0\nv 1 zero 0\n").unwrap_err();
/// assert_eq!(error.to_string(), "line 2: `zero` is not a number");
/// ```
///
/// # Errors
/// An [`ObjError`] with the line, where a statement is malformed or unknown, or where the mesh is refused.
pub fn parse_obj(text: &str) -> Result<TriangleMesh, ObjError> {
    let mut vertices = Vec::new();
    let mut faces = Vec::new();
    let (mut vertex_lines, mut face_lines) = (Vec::new(), Vec::new());
    for (k, content) in text.lines().enumerate() {
        let line = k + 1;
        let fail = |why: String| ObjError::Syntax { line, why };
        let mut words = content.split('#').next().unwrap_or("").split_whitespace();
        match words.next() {
            Some("v") => {
                vertices.push(vertex(words).map_err(fail)?);
                vertex_lines.push(line);
            }
            Some("f") => {
                let polygon: Vec<usize> = words
                    .map(|w| index(w, vertices.len()))
                    .collect::<Result<_, _>>()
                    .map_err(fail)?;
                if polygon.len() < 3 {
                    let why =
                        format!("a face needs three vertices or more (found {})", polygon.len());
                    return Err(fail(why));
                }
                for k in 1..polygon.len() - 1 {
                    faces.push([polygon[0], polygon[k], polygon[k + 1]]);
                    face_lines.push(line);
                }
            }
            None => {}
            Some(word) if IGNORED.contains(&word) => {}
            Some(word) => return Err(fail(format!("`{word}` is not supported"))),
        }
    }
    TriangleMesh::new(&vertices, &faces).map_err(|source| {
        let line = match &source {
            MeshError::Empty => None,
            MeshError::NotFinite { vertex, .. } => Some(vertex_lines[*vertex]),
            MeshError::OutOfRange { face, .. } | MeshError::Degenerate { face, .. } => {
                Some(face_lines[*face])
            }
            MeshError::NonManifold { faces, .. } => faces.last().map(|f| face_lines[*f]),
        };
        ObjError::Mesh { line, source }
    })
}

fn vertex<'a>(words: impl Iterator<Item = &'a str>) -> Result<[f64; 3], String> {
    let parse = |w: &str| w.parse::<f64>().map_err(|_| format!("`{w}` is not a number"));
    let numbers: Vec<f64> = words.map(parse).collect::<Result<_, _>>()?;
    // a weight or a colour may follow
    match numbers[..] {
        [x, y, z, ..] => Ok([x, y, z]),
        _ => Err(format!("a vertex needs three coordinates (found {})", numbers.len())),
    }
}

/// `7`, `7/1`, `7//2`, `7/1/2`, or negative: counted back from the last vertex.
fn index(word: &str, vertices: usize) -> Result<usize, String> {
    let number = word.split('/').next().unwrap_or("");
    let index: isize = number.parse().map_err(|_| format!("`{word}` is not a vertex index"))?;
    let found = match index {
        0 => None,
        i if i > 0 => Some(i.unsigned_abs() - 1),
        i => vertices.checked_sub(i.unsigned_abs()),
    };
    found.ok_or_else(|| {
        format!("vertex {index} does not exist: {vertices} vertices are defined so far")
    })
}

#[cfg(test)]
mod tests {
    use super::parse_obj;

    #[test]
    fn every_refusal_names_its_line() {
        let corners = "v 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 1\nv 0 0 -1\n";
        let cases = [
            ("v 1 2\n", "line 1: a vertex needs three coordinates (found 2)"),
            ("\n\ncurv 1 2\n", "line 3: `curv` is not supported"),
            ("", "the mesh has no faces"),
            ("v 0 0 0\n", "the mesh has no faces"),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_obj(text).unwrap_err().to_string(), expected);
        }
        let with = |faces: &str| parse_obj(&format!("{corners}{faces}")).unwrap_err();
        assert_eq!(
            with("f 1 2\n").to_string(),
            "line 6: a face needs three vertices or more (found 2)"
        );
        assert_eq!(with("f 1 2 x\n").to_string(), "line 6: `x` is not a vertex index");
        let behind = "line 6: vertex -6 does not exist: 5 vertices are defined so far";
        assert_eq!(with("f 1 2 -6\n").to_string(), behind);
        assert_eq!(with("f 1 2 3\nf 1 2 9\n").line(), Some(7));
        assert_eq!(with("f 1 2 3\nf 1 2 2\n").line(), Some(7));
        assert_eq!(with("f 1 2 3\nf 1 2 4\nf 1 2 5\n").line(), Some(8));
        assert_eq!(
            parse_obj("v nan 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n").unwrap_err().line(),
            Some(1)
        );
    }

    #[test]
    fn polygons_slashes_and_negative_indices_are_understood() {
        let text = "# a square\no square\nv 0 0 0 1 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nvn 0 0 1\nf -4/1/1 2//1 3/1 4\n";
        let mesh = parse_obj(text).unwrap();
        assert_eq!(mesh.faces(), [[0, 1, 2], [0, 2, 3]]);
    }
}
