//! Wavefront OBJ: objects, groups, vertices and faces, with the line of everything that is wrong.

use super::file::{
    Corner, Faults, MeshFile, MeshFileError, MeshNote, Polygon, PolygonFaults, Vertices, file, part,
};
use crate::geometry::V3;

/// Statements that say nothing about where the triangles are.
const IGNORED: &[&str] =
    &["vp", "vw", "s", "usemtl", "mtllib", "l", "p", "mg", "usemap", "maplib", "lod"];

/// Statements of free-form curves and surfaces.
const FREE_FORM: &[&str] = &[
    "cstype", "deg", "bmat", "step", "curv", "curv2", "surf", "parm", "trim", "hole", "scrv", "sp",
    "end", "con",
];

/// What has been read so far.
#[derive(Default)]
struct Reader {
    points: Vec<V3>,
    lines: Vec<usize>,
    uv: Vec<[f64; 2]>,
    normals: Vec<[f64; 3]>,
    /// Name of each part with its polygons, in the order of their first faces.
    parts: Vec<(String, Vec<Polygon>)>,
    object: String,
    group: String,
    free_form: Faults,
    unknown: Faults,
    unknown_word: String,
}

/// The meshes of the text of an OBJ file, one an object and group. A line that ends in `\` goes on in the next.
///
/// ```
/// let quad = "o lid\nv 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nf 1//1 2 3 -1\n";
/// let file = cotangent_raytrace::parse_obj(quad).unwrap();
/// assert_eq!((file.parts[0].name.as_str(), file.parts[0].mesh.faces().len()), ("lid", 2));
/// let error = cotangent_raytrace::parse_obj("v 0 0 0\nv 1 zero 0\n").unwrap_err();
/// assert_eq!(error.to_string(), "line 2: `zero` is not a number");
/// ```
///
/// # Errors
/// A [`MeshFileError`] with the line, where a vertex or face is malformed, or where no face has an area.
pub fn parse_obj(text: &str) -> Result<MeshFile, MeshFileError> {
    let mut reader = Reader::default();
    let mut joined = String::new();
    let mut begin = 1;
    for (k, content) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let content = content.split('#').next().unwrap_or("").trim_end();
        if joined.is_empty() {
            begin = k + 1;
        }
        if let Some(start) = content.strip_suffix('\\') {
            joined.push_str(start);
            joined.push(' ');
            continue;
        }
        joined.push_str(content);
        reader.statement(&joined, begin)?;
        joined.clear();
    }
    reader.statement(&joined, begin)?;
    reader.finish()
}

impl Reader {
    fn statement(&mut self, content: &str, line: usize) -> Result<(), MeshFileError> {
        let fail = |why: String| MeshFileError::Syntax { line, why };
        let mut words = content.split_whitespace();
        let Some(word) = words.next() else { return Ok(()) };
        let rest = || content.trim_start()[word.len()..].trim().to_owned();
        match word {
            "v" => {
                self.points.push(vertex(words).map_err(fail)?);
                self.lines.push(line);
            }
            "vt" => {
                let uv = numbers(words, 1).map_err(fail)?;
                self.uv.push([uv[0], uv.get(1).copied().unwrap_or(0.0)]);
            }
            "vn" => {
                let n = numbers(words, 3).map_err(fail)?;
                self.normals.push([n[0], n[1], n[2]]);
            }
            "f" | "fo" => {
                let corners: Vec<Corner> =
                    words.map(|w| self.corner(w)).collect::<Result<_, _>>().map_err(fail)?;
                if corners.len() < 3 {
                    let why =
                        format!("a face needs three vertices or more (found {})", corners.len());
                    return Err(fail(why));
                }
                self.face(Polygon { corners, line: Some(line) });
            }
            "o" => {
                self.object = rest();
                self.group.clear();
            }
            "g" => self.group = rest(),
            _ if IGNORED.contains(&word) => {}
            _ if FREE_FORM.contains(&word) => self.free_form.add(Some(line)),
            _ => {
                if self.unknown.count == 0 {
                    word.clone_into(&mut self.unknown_word);
                }
                self.unknown.add(Some(line));
            }
        }
        Ok(())
    }

    fn face(&mut self, polygon: Polygon) {
        let name = match (self.object.as_str(), self.group.as_str()) {
            (name, "") | ("", name) => name.to_owned(),
            (object, group) => format!("{object}.{group}"),
        };
        // files come back to a part, and mostly stay in the last one
        match self.parts.iter_mut().rev().find(|p| p.0 == name) {
            Some(part) => part.1.push(polygon),
            None => self.parts.push((name, vec![polygon])),
        }
    }

    /// `7`, `7/1`, `7//2`, `7/1/2`: vertex, texture coordinates, normal. Those of the latter two that do not exist are as if
    /// nothing were said of them.
    fn corner(&self, word: &str) -> Result<Corner, String> {
        let mut parts = word.split('/');
        let number = |part: &str| {
            part.parse::<isize>().map_err(|_| format!("`{word}` is not a vertex index"))
        };
        let (index, vertices) = (number(parts.next().unwrap_or(""))?, self.points.len());
        let vertex = place(index, vertices).ok_or_else(|| {
            format!("vertex {index} does not exist: {vertices} vertices are defined so far")
        })?;
        let mut next = |count: usize| match parts.next() {
            None | Some("") => Ok(None),
            Some(part) => number(part).map(|index| place(index, count)),
        };
        let (uv, normal) = (next(self.uv.len())?, next(self.normals.len())?);
        Ok(Corner { vertex, uv, normal })
    }

    fn finish(self) -> Result<MeshFile, MeshFileError> {
        let vertices = Vertices {
            points: &self.points,
            lines: &self.lines,
            uv: &self.uv,
            normals: &self.normals,
        };
        let (mut parts, mut faults) = (Vec::new(), PolygonFaults::default());
        for (name, polygons) in self.parts {
            parts.extend(part(name, &vertices, &polygons, &mut faults)?);
        }
        let mut notes: Vec<MeshNote> = Vec::new();
        let unknown = format!("statements like `{}` are not known and left out", self.unknown_word);
        notes.extend(self.unknown.note(&unknown));
        let what =
            "statements of free-form curves and surfaces are left out: convert them to polygons";
        notes.extend(self.free_form.note(what));
        file(parts, &faults, notes)
    }
}

/// A point; a weight or a colour may follow.
fn vertex<'a>(words: impl Iterator<Item = &'a str>) -> Result<V3, String> {
    let found = numbers(words, 0)?;
    match found[..] {
        [x, y, z, ..] => Ok(V3::from([x, y, z])),
        _ => Err(format!("a vertex needs three coordinates (found {})", found.len())),
    }
}

/// All numbers of a line, which must be `least` or more.
fn numbers<'a>(words: impl Iterator<Item = &'a str>, least: usize) -> Result<Vec<f64>, String> {
    let parse = |w: &str| w.parse::<f64>().map_err(|_| format!("`{w}` is not a number"));
    let numbers: Vec<f64> = words.map(parse).collect::<Result<_, _>>()?;
    if numbers.len() < least {
        return Err(format!("{least} numbers are needed (found {})", numbers.len()));
    }
    Ok(numbers)
}

/// The place that an index counts from 1, or back from the last where it is negative.
fn place(index: isize, count: usize) -> Option<usize> {
    let found = match index {
        0 => None,
        i if i > 0 => Some(i.unsigned_abs() - 1),
        i => count.checked_sub(i.unsigned_abs()),
    };
    found.filter(|i| *i < count)
}

#[cfg(test)]
mod tests {
    use super::parse_obj;

    const CORNERS: &str = "v 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 1\nv 0 0 -1\n";

    #[test]
    fn every_refusal_names_its_line() {
        let cases = [
            ("v 1 2\n", "line 1: a vertex needs three coordinates (found 2)"),
            ("", "the mesh has no faces"),
            ("v 0 0 0\n", "the mesh has no faces"),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_obj(text).unwrap_err().to_string(), expected);
        }
        let with = |faces: &str| parse_obj(&format!("{CORNERS}{faces}")).unwrap_err();
        assert_eq!(
            with("f 1 2\n").to_string(),
            "line 6: a face needs three vertices or more (found 2)"
        );
        assert_eq!(with("f 1 2 x\n").to_string(), "line 6: `x` is not a vertex index");
        let behind = "line 6: vertex -6 does not exist: 5 vertices are defined so far";
        assert_eq!(with("f 1 2 -6\n").to_string(), behind);
        assert_eq!(with("f 1 2 3\nf 1 2 9\n").line(), Some(7));
        assert_eq!(with("f 1 2 2\n").to_string(), "line 6: the mesh has no faces");
        let nan = "v nan 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n";
        assert_eq!(parse_obj(nan).unwrap_err().line(), Some(1));
        let bow = "v 0 0 0\nv 1 1 0\nv 1 0 0\nv 0 1 0\nf 1 2 3 4\n";
        let crossing = parse_obj(bow).unwrap_err().to_string();
        assert!(crossing.starts_with("line 5: the sides of the polygon cross"), "{crossing}");
    }

    #[test]
    fn polygons_slashes_and_negative_indices_are_understood() {
        let text = "# a square\no square\nv 0 0 0 1 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nvn 0 0 1\nf -4/1/1 2//1 3/1 4\n";
        let file = parse_obj(text).unwrap();
        assert_eq!(file.parts[0].mesh.faces(), [[0, 1, 2], [0, 2, 3]]);
        assert!(file.notes.is_empty());
    }

    #[test]
    fn normals_and_texture_coordinates_are_those_of_the_corners() {
        let text = format!(
            "{CORNERS}vt 0 0\nvt 1 0\nvt 0 1\nvn 0 0 2\nvn 0 1 0\nf 1/1/1 2/2/1 3/3/2\nf 1/1/1 2/2/1 4/3/-1\n"
        );
        let mesh = parse_obj(&text).unwrap().merged();
        let (normals, uv) = (mesh.normals().unwrap(), mesh.uv().unwrap());
        assert_eq!(normals.faces(), [[0, 0, 1], [0, 0, 1]]);
        assert_eq!(normals.values()[0].0, [0.0, 0.0, 2.0]);
        assert_eq!((uv.faces(), uv.values()[2]), (&[[0, 1, 2], [0, 1, 2]][..], [0.0, 1.0]));
        // one face without them: the part has none, and says so
        let file = parse_obj(&format!("{text}f 1/1 2/1 5/2\n")).unwrap();
        assert!(file.parts[0].mesh.normals().is_none() && file.parts[0].mesh.uv().is_some());
        let note = &file.notes[0];
        assert!(
            note.line == Some(13) && note.text.starts_with("1 faces have no normals"),
            "{note:?}"
        );
    }

    #[test]
    fn what_people_have_is_read_with_notes() {
        // a byte order mark, a line that goes on, rational weights, a fin on an edge, faces without area, words of others
        let text = format!(
            "\u{feff}{CORNERS}vw 1 0.5\nf 1 \\\n 2 3\nf 1 2 4\nf 1 2 5\nf 1 2 2\nf 1 1 2\nshadow_obj x\ncurv 1 2\n"
        );
        let file = parse_obj(&text).unwrap();
        assert_eq!(file.parts[0].mesh.faces().len(), 3);
        let notes: Vec<_> = file.notes.iter().map(|n| (n.line, n.text.as_str())).collect();
        assert_eq!(
            notes,
            [
                (Some(13), "1 statements like `shadow_obj` are not known and left out"),
                (
                    Some(14),
                    "1 statements of free-form curves and surfaces are left out: convert them to polygons"
                ),
                (Some(11), "2 faces without area are left out"),
                (None, "1 edges are shared by more than two faces"),
            ]
        );
    }

    #[test]
    fn objects_and_groups_are_parts_by_name_and_keep_their_own_vertices() {
        let text = format!(
            "{CORNERS}o body\nf 1 2 3\ng left arm\nf 1 2 4\no head\nf 1 3 5\no body\nf 1 2 5\n"
        );
        let file = parse_obj(&text).unwrap();
        let parts: Vec<_> = file
            .parts
            .iter()
            .map(|p| (p.name.as_str(), p.mesh.vertices().len(), p.mesh.faces().len()))
            .collect();
        assert_eq!(parts, [("body", 4, 2), ("body.left arm", 3, 1), ("head", 3, 1)]);
        assert_eq!(file.merged().faces().len(), 4);
    }
}
