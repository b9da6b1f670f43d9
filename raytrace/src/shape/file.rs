//! What a file of meshes holds, whatever its format, and what was left out of it.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use super::mesh::{Corners, MeshError, TriangleMesh, has_area};
use super::polygon::triangulate;
use crate::geometry::V3;

/// A mesh of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct MeshPart {
    /// Name of its object or group; empty where it has none.
    pub name: String,
    /// The triangles.
    pub mesh: TriangleMesh,
}

/// Something in a file that was read in another way than its author may think.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeshNote {
    /// The first line in question, from 1, where the file has lines.
    pub line: Option<usize>,
    /// What was done.
    pub text: String,
}

/// What a file holds.
#[derive(Clone, Debug, PartialEq)]
pub struct MeshFile {
    /// Its objects and groups, in the order of their first faces.
    pub parts: Vec<MeshPart>,
    /// What was left out.
    pub notes: Vec<MeshNote>,
}

impl MeshFile {
    /// All parts as one mesh.
    ///
    /// Normals and texture coordinates are kept where every part has them.
    ///
    /// # Panics
    /// Never: the parts are meshes.
    pub fn merged(&self) -> TriangleMesh {
        let (mut vertices, mut faces) = (Vec::new(), Vec::new());
        for part in &self.parts {
            let first = vertices.len();
            vertices.extend(part.mesh.vertices().iter().map(|v| v.0));
            faces.extend(part.mesh.faces().iter().map(|f| f.map(|v| first + v as usize)));
        }
        let mesh = TriangleMesh::new(&vertices, &faces).expect("the parts were meshes");
        let mesh = match joined(self.parts.iter().map(|p| p.mesh.normals())) {
            Some((normals, faces)) => {
                let normals: Vec<[f64; 3]> = normals.iter().map(|n| n.0).collect();
                mesh.with_normals(&normals, &faces).expect("the parts had normals")
            }
            None => mesh,
        };
        match joined(self.parts.iter().map(|p| p.mesh.uv())) {
            Some((uv, faces)) => mesh.with_uv(&uv, &faces).expect("the parts had coordinates"),
            None => mesh,
        }
    }
}

/// Values of all parts, and which of them each corner of each face has; `None` where a part has none.
fn joined<'a, T: Copy + 'a>(
    parts: impl Iterator<Item = Option<&'a Corners<T>>>,
) -> Option<(Vec<T>, Vec<[usize; 3]>)> {
    let (mut values, mut faces) = (Vec::new(), Vec::new());
    for part in parts {
        let (first, part) = (values.len(), part?);
        values.extend_from_slice(part.values());
        faces.extend(part.faces().iter().map(|f| f.map(|c| first + c as usize)));
    }
    Some((values, faces))
}

/// Why a file gives no mesh. Lines count from 1.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum MeshFileError {
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
    /// A file without lines makes no sense.
    #[error("{why}")]
    Format {
        /// What is wrong with it.
        why: String,
    },
    /// The file makes sense and the mesh does not.
    #[error("{}{source}", line.map_or(String::new(), |l| format!("line {l}: ")))]
    Mesh {
        /// The line of the vertex or face in question.
        line: Option<usize>,
        /// What is wrong.
        source: MeshError,
    },
}

impl MeshFileError {
    /// The line in question, from 1.
    pub fn line(&self) -> Option<usize> {
        match self {
            Self::Read { .. } | Self::Format { .. } => None,
            Self::Syntax { line, .. } => Some(*line),
            Self::Mesh { line, .. } => *line,
        }
    }
}

/// A corner of a polygon of a file: indices of all vertices, texture coordinates and normals of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Corner {
    pub(super) vertex: usize,
    pub(super) uv: Option<usize>,
    pub(super) normal: Option<usize>,
}

impl Corner {
    /// A corner of which the file says where it is and nothing else.
    pub(super) fn bare(vertex: usize) -> Self {
        Self { vertex, uv: None, normal: None }
    }
}

/// A polygon of a file.
pub(super) struct Polygon {
    pub(super) corners: Vec<Corner>,
    pub(super) line: Option<usize>,
}

/// Vertices of a file, with their lines where it has lines; texture coordinates and normals.
#[derive(Default)]
pub(super) struct Vertices<'a> {
    pub(super) points: &'a [V3],
    pub(super) lines: &'a [usize],
    pub(super) uv: &'a [[f64; 2]],
    pub(super) normals: &'a [[f64; 3]],
}

/// The faults of polygons that are noted.
#[derive(Default)]
pub(super) struct PolygonFaults {
    /// Without area.
    pub(super) flat: Faults,
    /// Without texture coordinates in a part that has them elsewhere.
    pub(super) without_uv: Faults,
    /// Without normals, or with one that is zero, in a part that has them elsewhere.
    pub(super) without_normals: Faults,
}

/// Makes a mesh of polygons, with the vertices that they use. `None` where nothing is left.
pub(super) fn part(
    name: String,
    vertices: &Vertices,
    polygons: &[Polygon],
    faults: &mut PolygonFaults,
) -> Result<Option<MeshPart>, MeshFileError> {
    let mut own = vec![usize::MAX; vertices.points.len()];
    let (mut points, mut faces, mut corners) = (Vec::new(), Vec::new(), Vec::new());
    for polygon in polygons {
        for t in triangles(vertices, polygon, &mut faults.flat)? {
            faces.push(t.map(|corner| {
                let vertex = corner.vertex;
                if own[vertex] == usize::MAX {
                    own[vertex] = points.len();
                    points.push(vertices.points[vertex].0);
                }
                own[vertex]
            }));
            corners.push((t, polygon.line));
        }
    }
    if faces.is_empty() {
        return Ok(None);
    }
    let refuse = |source| MeshFileError::Mesh { line: None, source };
    let mut mesh = TriangleMesh::new(&points, &faces).map_err(refuse)?;
    if let Some(of) = complete(&corners, |c| c.uv, &mut faults.without_uv) {
        let (uv, faces) = compacted(vertices.uv, &of);
        mesh = mesh.with_uv(&uv, &faces).map_err(refuse)?;
    }
    let solid = |c: &Corner| c.normal.filter(|n| vertices.normals[*n].iter().any(|x| *x != 0.0));
    if let Some(of) = complete(&corners, solid, &mut faults.without_normals) {
        let (normals, faces) = compacted(vertices.normals, &of);
        mesh = mesh.with_normals(&normals, &faces).map_err(refuse)?;
    }
    Ok(Some(MeshPart { name, mesh }))
}

/// What every corner of every triangle has; `None` where one has nothing, which is a fault where another has.
fn complete(
    triangles: &[([Corner; 3], Option<usize>)],
    of: impl Fn(&Corner) -> Option<usize>,
    without: &mut Faults,
) -> Option<Vec<[usize; 3]>> {
    let all: Vec<Option<[usize; 3]>> = triangles
        .iter()
        .map(|(t, _)| match t.each_ref().map(&of) {
            [Some(a), Some(b), Some(c)] => Some([a, b, c]),
            _ => None,
        })
        .collect();
    if all.iter().any(Option::is_some) {
        let missing = triangles.iter().zip(&all).filter(|(_, found)| found.is_none());
        missing.for_each(|((_, line), _)| without.add(*line));
    }
    all.into_iter().collect()
}

/// The values that are used, and the faces by their places.
fn compacted<T: Copy>(values: &[T], faces: &[[usize; 3]]) -> (Vec<T>, Vec<[usize; 3]>) {
    let mut own = vec![usize::MAX; values.len()];
    let mut used = Vec::new();
    let mut place = |k: usize| {
        if own[k] == usize::MAX {
            own[k] = used.len();
            used.push(values[k]);
        }
        own[k]
    };
    let faces = faces.iter().map(|f| f.map(&mut place)).collect();
    (used, faces)
}

/// The triangles of a polygon that have an area; one without is counted in `flat`.
fn triangles(
    vertices: &Vertices,
    polygon: &Polygon,
    flat: &mut Faults,
) -> Result<Vec<[Corner; 3]>, MeshFileError> {
    let mut corners = polygon.corners.clone();
    corners.dedup_by_key(|c| c.vertex);
    if corners.len() > 1 && corners[0].vertex == corners[corners.len() - 1].vertex {
        corners.pop();
    }
    let at: Vec<V3> = corners.iter().map(|c| vertices.points[c.vertex]).collect();
    if let Some(k) = at.iter().position(|p| !p.0.iter().all(|x| x.is_finite())) {
        let vertex = corners[k].vertex;
        let line = vertices.lines.get(vertex).copied();
        let source = MeshError::NotFinite { vertex, position: at[k].0 };
        return Err(MeshFileError::Mesh { line, source });
    }
    let triangles = if corners.len() < 3 { Some(Vec::new()) } else { triangulate(&at) };
    let Some(triangles) = triangles else {
        if corners.len() > 3 && has_some_area(&at) {
            let why = "the sides of the polygon cross each other; cut it into triangles".into();
            return Err(match polygon.line {
                Some(line) => MeshFileError::Syntax { line, why },
                None => MeshFileError::Format { why },
            });
        }
        flat.add(polygon.line);
        return Ok(Vec::new());
    };
    let solid: Vec<_> = triangles
        .iter()
        .filter(|t| has_area(t.map(|k| at[k])))
        .map(|t| t.map(|k| corners[k]))
        .collect();
    if solid.is_empty() {
        flat.add(polygon.line);
    }
    Ok(solid)
}

/// Whether any three corners of a polygon span a plane.
fn has_some_area(points: &[V3]) -> bool {
    (2..points.len()).any(|k| has_area([points[0], points[k - 1], points[k]]))
}

/// A kind of fault that is noted once, with how often it was met.
#[derive(Default)]
pub(super) struct Faults {
    pub(super) count: usize,
    pub(super) first: Option<usize>,
}

impl Faults {
    pub(super) fn add(&mut self, line: Option<usize>) {
        self.count += 1;
        self.first = self.first.or(line);
    }

    /// The note, where the fault was met: `what` follows its number.
    pub(super) fn note(&self, what: &str) -> Option<MeshNote> {
        (self.count > 0)
            .then(|| MeshNote { line: self.first, text: format!("{} {what}", self.count) })
    }
}

/// A file of these parts with the notes that every format may need.
pub(super) fn file(
    parts: Vec<MeshPart>,
    faults: &PolygonFaults,
    mut notes: Vec<MeshNote>,
) -> Result<MeshFile, MeshFileError> {
    notes.extend(faults.flat.note("faces without area are left out"));
    notes.extend(faults.without_uv.note(
        "faces have no texture coordinates, and those of the others of their part are left out",
    ));
    notes.extend(
        faults
            .without_normals
            .note("faces have no normals, and those of the others of their part are left out"),
    );
    let branching = |part: &MeshPart| part.mesh.edges().filter(|e| e.sides.len() > 2).count();
    let branching = Faults { count: parts.iter().map(branching).sum(), first: None };
    notes.extend(branching.note("edges are shared by more than two faces"));
    if parts.is_empty() {
        return Err(MeshFileError::Mesh { line: faults.flat.first, source: MeshError::Empty });
    }
    Ok(MeshFile { parts, notes })
}
