//! PLY (Turk 1994): polygons in text or binary, of either byte order, with normals of vertices and texture coordinates of
//! vertices or of corners.

use super::file::{Corner, MeshFile, MeshFileError, Polygon, PolygonFaults, Vertices, file, part};
use crate::geometry::V3;

/// A type of number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Number {
    I8,
    U8,
    I16,
    U16,
    I32,
    U32,
    F32,
    F64,
}

impl Number {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "char" | "int8" => Self::I8,
            "uchar" | "uint8" => Self::U8,
            "short" | "int16" => Self::I16,
            "ushort" | "uint16" => Self::U16,
            "int" | "int32" => Self::I32,
            "uint" | "uint32" => Self::U32,
            "float" | "float32" => Self::F32,
            "double" | "float64" => Self::F64,
            _ => return None,
        })
    }

    fn bytes(self) -> usize {
        match self {
            Self::I8 | Self::U8 => 1,
            Self::I16 | Self::U16 => 2,
            Self::I32 | Self::U32 | Self::F32 => 4,
            Self::F64 => 8,
        }
    }

    /// The number in as many bytes, the least first.
    fn read(self, little: [u8; 8]) -> f64 {
        let [a, b, c, d, ..] = little;
        match self {
            Self::I8 => f64::from(a.cast_signed()),
            Self::U8 => f64::from(a),
            Self::I16 => f64::from(i16::from_le_bytes([a, b])),
            Self::U16 => f64::from(u16::from_le_bytes([a, b])),
            Self::I32 => f64::from(i32::from_le_bytes([a, b, c, d])),
            Self::U32 => f64::from(u32::from_le_bytes([a, b, c, d])),
            Self::F32 => f64::from(f32::from_le_bytes([a, b, c, d])),
            Self::F64 => f64::from_le_bytes(little),
        }
    }
}

/// How the numbers behind the header are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Text,
    LittleEndian,
    BigEndian,
}

#[derive(Debug)]
struct Property {
    name: String,
    /// Type of the length, of a list.
    length: Option<Number>,
    number: Number,
}

#[derive(Debug)]
struct Element {
    name: String,
    count: usize,
    properties: Vec<Property>,
}

/// The meshes of a PLY file: one part without a name.
///
/// ```
/// let text = "ply\nformat ascii 1.0\nelement vertex 3\nproperty float x\nproperty float y\nproperty float z\n\
///             element face 1\nproperty list uchar int vertex_indices\nend_header\n0 0 0\n1 0 0\n0 1 0\n3 0 1 2\n";
/// let file = cotangent_raytrace::parse_ply(text.as_bytes()).unwrap();
/// assert_eq!(file.parts[0].mesh.faces(), [[0, 1, 2]]);
/// ```
///
/// # Errors
/// A [`MeshFileError`] with the line of the header, or with what is wrong in the numbers behind it.
pub fn parse_ply(bytes: &[u8]) -> Result<MeshFile, MeshFileError> {
    let (format, elements, body) = header(bytes)?;
    let mut numbers = Numbers { format, rest: body };
    let (mut given, mut of_corners, mut polygons) = (Given::default(), Vec::new(), Vec::new());
    for element in &elements {
        match element.name.as_str() {
            "vertex" => vertices(element, &mut numbers, &mut given)?,
            "face" => faces(element, &mut numbers, &mut of_corners, &mut polygons)?,
            "tristrips" => {
                return Err(wrong("triangle strips are not read: save the mesh as faces"));
            }
            _ => {
                for _ in 0..element.count {
                    row(element, &mut numbers, |_, _| {})?;
                }
            }
        }
    }
    let (known, first_of_corners) = (given.points.len(), given.uv.len());
    given.uv.append(&mut of_corners);
    for (k, polygon) in polygons.iter_mut().enumerate() {
        if let Some(corner) = polygon.corners.iter().find(|c| c.vertex >= known) {
            let vertex = corner.vertex;
            return Err(wrong(format!("face {k} names vertex {vertex}, the file has {known}")));
        }
        for corner in &mut polygon.corners {
            corner.normal = given.has_normals.then_some(corner.vertex);
            let own = corner.uv.map(|k| first_of_corners + k);
            corner.uv = own.or(given.has_uv.then_some(corner.vertex));
        }
    }
    let mut faults = PolygonFaults::default();
    let vertices =
        Vertices { points: &given.points, lines: &[], uv: &given.uv, normals: &given.normals };
    let part = part(String::new(), &vertices, &polygons, &mut faults)?;
    file(part.into_iter().collect(), &faults, Vec::new())
}

fn wrong(why: impl Into<String>) -> MeshFileError {
    MeshFileError::Format { why: why.into() }
}

/// Format, elements, and the bytes behind the header.
fn header(bytes: &[u8]) -> Result<(Format, Vec<Element>, &[u8]), MeshFileError> {
    let mut rest = bytes;
    let (mut format, mut elements): (_, Vec<Element>) = (None, Vec::new());
    for line in 1.. {
        let fail = |why: String| MeshFileError::Syntax { line, why };
        let end = rest.iter().position(|b| *b == b'\n');
        let Some(end) = end else { return Err(wrong("the header has no `end_header`")) };
        let text = String::from_utf8_lossy(&rest[..end]).into_owned();
        rest = &rest[end + 1..];
        let words: Vec<&str> = text.split_whitespace().collect();
        let number = |name: &str| {
            Number::named(name).ok_or_else(|| fail(format!("`{name}` is not a type of number")))
        };
        match words[..] {
            [] | ["ply"] | ["comment" | "obj_info", ..] => {}
            ["format", name, ..] => {
                format = Some(match name {
                    "ascii" => Format::Text,
                    "binary_little_endian" => Format::LittleEndian,
                    "binary_big_endian" => Format::BigEndian,
                    _ => return Err(fail(format!("`{name}` is not a format of PLY"))),
                });
            }
            ["element", name, count] => {
                let count =
                    count.parse().map_err(|_| fail(format!("`{count}` is not a number")))?;
                elements.push(Element { name: name.into(), count, properties: Vec::new() });
            }
            ["property", ..] if elements.is_empty() => {
                return Err(fail("a property stands in front of all elements".into()));
            }
            ["property", "list", length, kind, name] => {
                let (length, number) = (Some(number(length)?), number(kind)?);
                declare(&mut elements, Property { name: name.into(), length, number });
            }
            ["property", kind, name] => {
                let number = number(kind)?;
                declare(&mut elements, Property { name: name.into(), length: None, number });
            }
            ["end_header"] => break,
            _ => return Err(fail(format!("`{}` is no statement of a PLY header", text.trim()))),
        }
    }
    let format = format.ok_or_else(|| wrong("the header has no `format`"))?;
    Ok((format, elements, rest))
}

/// Adds a property to the last element.
fn declare(elements: &mut [Element], property: Property) {
    if let Some(element) = elements.last_mut() {
        element.properties.push(property);
    }
}

/// Numbers behind the header.
struct Numbers<'a> {
    format: Format,
    rest: &'a [u8],
}

impl Numbers<'_> {
    fn next(&mut self, number: Number) -> Result<f64, MeshFileError> {
        let ends = || wrong("the file ends within its numbers");
        if self.format == Format::Text {
            let begin = self.rest.iter().position(|b| !b.is_ascii_whitespace()).ok_or_else(ends)?;
            let word = &self.rest[begin..];
            let end = word.iter().position(u8::is_ascii_whitespace).unwrap_or(word.len());
            self.rest = &word[end..];
            let word = String::from_utf8_lossy(&word[..end]);
            return word.parse().map_err(|_| wrong(format!("`{word}` is not a number")));
        }
        let n = number.bytes();
        let (own, rest) = self.rest.split_at_checked(n).ok_or_else(ends)?;
        self.rest = rest;
        let mut little = [0; 8];
        little[..n].copy_from_slice(own);
        if self.format == Format::BigEndian {
            little[..n].reverse();
        }
        Ok(number.read(little))
    }

    /// A number that counts or names something.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked to be a whole number that fits"
    )]
    fn index(&mut self, number: Number) -> Result<usize, MeshFileError> {
        let value = self.next(number)?;
        let whole = value >= 0.0 && value <= f64::from(u32::MAX) && value.fract() == 0.0;
        if whole { Ok(value as usize) } else { Err(wrong(format!("{value} is not an index"))) }
    }
}

/// Reads one row of an element: `each` gets the number of a property and its value, once for each entry of a list.
fn row(
    element: &Element,
    numbers: &mut Numbers,
    mut each: impl FnMut(usize, f64),
) -> Result<(), MeshFileError> {
    if element.properties.is_empty() {
        return Err(wrong(format!("the element `{}` has no properties", element.name)));
    }
    for (k, property) in element.properties.iter().enumerate() {
        let count = property.length.map_or(Ok(1), |length| numbers.index(length))?;
        for _ in 0..count {
            each(k, numbers.next(property.number)?);
        }
    }
    Ok(())
}

/// What a file says of its vertices.
#[derive(Default)]
struct Given {
    points: Vec<V3>,
    normals: Vec<[f64; 3]>,
    uv: Vec<[f64; 2]>,
    has_normals: bool,
    has_uv: bool,
}

/// Names of texture coordinates of vertices, as programs write them.
const UV: [[&str; 2]; 4] =
    [["s", "t"], ["u", "v"], ["texture_u", "texture_v"], ["texture_s", "texture_t"]];

fn vertices(
    element: &Element,
    numbers: &mut Numbers,
    given: &mut Given,
) -> Result<(), MeshFileError> {
    let of =
        |name: &str| element.properties.iter().position(|p| p.name == name && p.length.is_none());
    let all = |names: &[&str]| names.iter().map(|n| of(n)).collect::<Option<Vec<usize>>>();
    let Some(place) = all(&["x", "y", "z"]) else {
        return Err(wrong("the vertices have no x, y and z"));
    };
    let normal = all(&["nx", "ny", "nz"]);
    let uv = UV.iter().find_map(|names| all(names));
    (given.has_normals, given.has_uv) = (normal.is_some(), uv.is_some());
    let mut values = vec![0.0; element.properties.len()];
    for _ in 0..element.count {
        row(element, numbers, |k, value| values[k] = value)?;
        given.points.push(V3::from([0, 1, 2].map(|k| values[place[k]])));
        given.normals.extend(normal.iter().map(|n| [0, 1, 2].map(|k| values[n[k]])));
        given.uv.extend(uv.iter().map(|uv| [0, 1].map(|k| values[uv[k]])));
    }
    Ok(())
}

fn faces(
    element: &Element,
    numbers: &mut Numbers,
    uv: &mut Vec<[f64; 2]>,
    polygons: &mut Vec<Polygon>,
) -> Result<(), MeshFileError> {
    let is_corners =
        |p: &Property| p.length.is_some() && matches!(&*p.name, "vertex_indices" | "vertex_index");
    let Some(list) = element.properties.iter().position(is_corners) else {
        return Err(wrong("the faces have no list `vertex_indices`"));
    };
    // two numbers for each corner
    let is_uv = |p: &Property| p.length.is_some() && p.name == "texcoord";
    let of_corners = element.properties.iter().position(is_uv);
    for k in 0..element.count {
        let (mut corners, mut coordinates) = (Vec::new(), Vec::new());
        row(element, numbers, |property, value| {
            if property == list {
                corners.push(value);
            } else if of_corners == Some(property) {
                coordinates.push(value);
            }
        })?;
        let whole = |v: &f64| *v >= 0.0 && *v <= f64::from(u32::MAX) && v.fract() == 0.0;
        if let Some(v) = corners.iter().find(|v| !whole(v)) {
            return Err(wrong(format!("face {k} names vertex {v}")));
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "checked to be whole numbers that fit"
        )]
        let mut corners: Vec<Corner> =
            corners.into_iter().map(|v| Corner::bare(v as usize)).collect();
        if coordinates.len() == 2 * corners.len() {
            for (corner, pair) in corners.iter_mut().zip(coordinates.chunks_exact(2)) {
                corner.uv = Some(uv.len());
                uv.push([pair[0], pair[1]]);
            }
        } else if !coordinates.is_empty() {
            let (found, wanted) = (coordinates.len(), 2 * corners.len());
            return Err(wrong(format!("face {k} has {found} texture coordinates, not {wanted}")));
        }
        polygons.push(Polygon { corners, line: None });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::parse_ply;

    const HEADER: &str = "element vertex 4\ncomment of a quad\nproperty double x\nproperty float y\nproperty short z\n\
        property uchar red\nelement face 1\nproperty list uchar ushort vertex_index\nproperty char flag\n\
        element edge 1\nproperty int vertex1\nend_header\n";

    fn binary(big: bool) -> Vec<u8> {
        let name = if big { "binary_big_endian" } else { "binary_little_endian" };
        let mut bytes = format!("ply\nformat {name} 1.0\n{HEADER}").into_bytes();
        let mut put = |little: &[u8]| {
            let mut own = little.to_vec();
            if big {
                own.reverse();
            }
            bytes.extend(own);
        };
        for [x, y] in [[0.0, 0.0], [1.5, 0.0], [1.5, 2.5], [0.0, 2.5]] {
            put(&f64::to_le_bytes(x));
            put(&f32::to_le_bytes(y as f32));
            put(&i16::to_le_bytes(-3));
            put(&[200]);
        }
        put(&[4]);
        for k in 0..4_u16 {
            put(&k.to_le_bytes());
        }
        put(&[1]);
        put(&7_i32.to_le_bytes());
        bytes
    }

    #[test]
    fn text_and_both_byte_orders_give_one_mesh() {
        let rows = "0 0 -3 9\n1.5 0 -3 9\n1.5 2.5 -3 9\n0 2.5 -3 9\n4 0 1 2 3 1\n7\n";
        let text =
            parse_ply(format!("ply\r\nformat ascii 1.0\n{HEADER}{rows}").as_bytes()).unwrap();
        assert_eq!(text.parts[0].mesh.faces(), [[0, 1, 2], [0, 2, 3]]);
        assert_eq!(text.parts[0].mesh.vertices()[2].0, [1.5, 2.5, -3.0]);
        assert_eq!(parse_ply(&binary(false)).unwrap(), text);
        assert_eq!(parse_ply(&binary(true)).unwrap(), text);
    }

    #[test]
    fn normals_and_texture_coordinates_of_vertices_and_of_faces_are_read() {
        let point = "property float x\nproperty float y\nproperty float z\n";
        let list = "element face 1\nproperty list uchar int vertex_indices\n";
        let read = |vertex: &str, face: &str, rows: &str| {
            let header =
                format!("ply\nformat ascii 1.0\nelement vertex 3\n{point}{vertex}{list}{face}");
            parse_ply(format!("{header}end_header\n{rows}").as_bytes())
        };
        let vertex = "property float nx\nproperty float ny\nproperty float nz\nproperty float s\nproperty float t\n";
        let rows = "0 0 0 0 0 2 0.1 0.2\n1 0 0 0 1 1 0.3 0.4\n0 1 0 1 0 1 0.5 0.6\n3 0 1 2\n";
        let mesh = read(vertex, "", rows).unwrap().parts.remove(0).mesh;
        let normals = mesh.normals().expect("normals");
        assert_eq!((normals.values()[1].0, normals.faces()[0]), ([0.0, 1.0, 1.0], [0, 1, 2]));
        assert_eq!(mesh.uv().expect("coordinates").values()[2], [0.5, 0.6]);
        let rows = "0 0 0\n1 0 0\n0 1 0\n3 2 1 0 6 0.1 0.2 0.3 0.4 0.5 0.6\n";
        let face = "property list uchar float texcoord\n";
        let mesh = read("", face, rows).unwrap().parts.remove(0).mesh;
        assert!(mesh.normals().is_none());
        let uv = mesh.uv().expect("coordinates");
        assert_eq!(
            uv.faces()[0].map(|k| uv.values()[k as usize]),
            [[0.1, 0.2], [0.3, 0.4], [0.5, 0.6]]
        );
        let rows = "0 0 0\n1 0 0\n0 1 0\n3 0 1 2 2 0.1 0.2\n";
        let error = read("", face, rows).unwrap_err().to_string();
        assert_eq!(error, "face 0 has 2 texture coordinates, not 6");
    }

    #[test]
    fn what_is_wrong_is_named() {
        let bytes = binary(false);
        let why = |bytes: &[u8]| parse_ply(bytes).unwrap_err().to_string();
        assert_eq!(why(&bytes[..bytes.len() - 3]), "the file ends within its numbers");
        assert_eq!(why(b"ply\nformat ascii 1.0\n"), "the header has no `end_header`");
        assert_eq!(why(b"ply\nformat text 1.0\n"), "line 2: `text` is not a format of PLY");
        let header = "ply\nformat ascii 1.0\nelement vertex 1\nproperty float x\nproperty float y\nproperty float z\n";
        let face = "element face 1\nproperty list uchar int vertex_indices\nend_header\n";
        let with = |rows: &str| why(format!("{header}{face}{rows}").as_bytes());
        assert_eq!(with("0 0 0\n3 0 0 9\n"), "face 0 names vertex 9, the file has 1");
        assert_eq!(with("0 0 0\n3 0 0 -1\n"), "face 0 names vertex -1");
        assert_eq!(with("0 zero 0\n"), "`zero` is not a number");
        let strips = "ply\nformat ascii 1.0\nelement tristrips 1\nproperty list int int vertex_indices\nend_header\n";
        assert!(why(strips.as_bytes()).starts_with("triangle strips"));
        // a count that no file of this length can hold ends with the file
        let many = "ply\nformat ascii 1.0\nelement vertex 999999999999\nproperty float x\nproperty float y\nproperty float z\nend_header\n1 2 3\n";
        assert_eq!(why(many.as_bytes()), "the file ends within its numbers");
    }
}
