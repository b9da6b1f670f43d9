//! Triangle meshes, checked when they are made.

use std::sync::Arc;

use thiserror::Error;

use super::edge::{Edges, MeshEdge};
use crate::geometry::{V3, id, length};

/// A face whose area is below this fraction of the square of its longest side has no normal to speak of.
const LEAST_RELATIVE_AREA: f64 = 1e-12;

/// What is wrong with a mesh. Indices count from 0.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum MeshError {
    /// No faces.
    #[error("the mesh has no faces")]
    Empty,
    /// A coordinate is infinite or not a number.
    #[error("vertex {vertex} has a coordinate that is not finite: {position:?}")]
    NotFinite {
        /// The vertex.
        vertex: usize,
        /// Its coordinates.
        position: [f64; 3],
    },
    /// A face names a vertex that does not exist.
    #[error("face {face} names vertex {index}, the mesh has {vertices} vertices")]
    OutOfRange {
        /// The face.
        face: usize,
        /// The index it names.
        index: usize,
        /// Number of vertices.
        vertices: usize,
    },
    /// New vertices are more or fewer than the old ones.
    #[error("the mesh has {expected} vertices (found {found})")]
    Count {
        /// Vertices of the mesh.
        expected: usize,
        /// Vertices given.
        found: usize,
    },
    /// Normals or texture coordinates do not fit the faces.
    #[error("the {what} of face {face} {why}")]
    Corner {
        /// Normals or texture coordinates.
        what: &'static str,
        /// The face.
        face: usize,
        /// What is wrong.
        why: &'static str,
    },
    /// A face without area.
    #[error("face {face} has no area: its vertices are {vertices:?}")]
    Degenerate {
        /// The face.
        face: usize,
        /// Its vertices.
        vertices: [usize; 3],
    },
}

/// A mesh of triangles, in its own coordinates.
///
/// The normal of face `(a, b, c)` is that of `(b - a) x (c - a)`; light is emitted on that side. A mesh may have normals of its
/// own for shading, and texture coordinates, both at the corners of its faces.
#[derive(Clone, Debug, PartialEq)]
pub struct TriangleMesh {
    vertices: Vec<V3>,
    topology: Arc<Topology>,
    normals: Option<Corners<V3>>,
    uv: Option<Corners<[f64; 2]>>,
}

/// Values at the corners of faces; corners that name the same value share it, also across an edge.
#[derive(Clone, Debug, PartialEq)]
pub struct Corners<T> {
    values: Arc<Vec<T>>,
    faces: Arc<Vec<[u32; 3]>>,
}

impl<T> Corners<T> {
    /// The values.
    pub fn values(&self) -> &[T] {
        &self.values
    }

    /// Of each face, which value each of its corners has.
    pub fn faces(&self) -> &[[u32; 3]] {
        &self.faces
    }

    /// Where every face of a mesh names values that exist and are fit.
    fn new(
        what: &'static str,
        count: usize,
        values: Vec<T>,
        faces: &[[usize; 3]],
        fit: impl Fn(&T) -> bool,
    ) -> Result<Self, MeshError> {
        let wrong = |face: usize, why| MeshError::Corner { what, face, why };
        if faces.len() != count {
            return Err(wrong(faces.len().min(count), "are missing, or there is no such face"));
        }
        for (face, corners) in faces.iter().enumerate() {
            for corner in corners {
                match values.get(*corner) {
                    None => return Err(wrong(face, "do not exist")),
                    Some(value) if !fit(value) => {
                        return Err(wrong(face, "are zero or not finite"));
                    }
                    Some(_) => {}
                }
            }
        }
        let faces = faces.iter().map(|f| f.map(id)).collect();
        Ok(Self { values: Arc::new(values), faces: Arc::new(faces) })
    }
}

/// Which vertices are joined: meshes that differ in their points alone share it.
#[derive(Debug, PartialEq)]
struct Topology {
    faces: Vec<[u32; 3]>,
    edges: Edges,
}

impl TriangleMesh {
    /// A mesh of these vertices and faces.
    ///
    /// ```
    /// use cotangent_raytrace::{MeshError, TriangleMesh};
    /// let corners = [[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]];
    /// assert_eq!(TriangleMesh::new(&corners, &[[0, 1, 2]]).unwrap().edges().len(), 3);
    /// let error = TriangleMesh::new(&corners, &[[0, 1, 3]]).unwrap_err();
    /// assert_eq!(error, MeshError::OutOfRange { face: 0, index: 3, vertices: 3 });
    /// ```
    ///
    /// # Errors
    /// A [`MeshError`] where the mesh has no faces, a coordinate is not finite, an index does not exist, or a face has no area.
    pub fn new(vertices: &[[f64; 3]], faces: &[[usize; 3]]) -> Result<Self, MeshError> {
        if faces.is_empty() {
            return Err(MeshError::Empty);
        }
        for (face, corners) in faces.iter().enumerate() {
            if let Some(&index) = corners.iter().find(|&&v| v >= vertices.len()) {
                return Err(MeshError::OutOfRange { face, index, vertices: vertices.len() });
            }
        }
        let faces: Vec<[u32; 3]> = faces.iter().map(|f| f.map(id)).collect();
        let vertices = checked(vertices, &faces)?;
        let edges = Edges::new(&faces);
        let topology = Arc::new(Topology { faces, edges });
        Ok(Self { vertices, topology, normals: None, uv: None })
    }

    /// Vertices, in the mesh's own coordinates.
    pub fn vertices(&self) -> &[V3] {
        &self.vertices
    }

    /// Faces, three vertices each.
    pub fn faces(&self) -> &[[u32; 3]] {
        &self.topology.faces
    }

    /// Edges, ordered by their ends.
    pub fn edges(&self) -> impl ExactSizeIterator<Item = MeshEdge<'_>> {
        let edges = &self.topology.edges;
        (0..edges.len()).map(|k| edges.get(k))
    }

    /// Whether both join the same vertices because one was made of the other.
    pub(crate) fn same_faces(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.topology, &other.topology)
    }

    /// The same faces over other vertices.
    ///
    /// # Errors
    /// A [`MeshError`] where their number differs, a coordinate is not finite, or a face has no area.
    pub fn with_vertices(&self, vertices: &[[f64; 3]]) -> Result<Self, MeshError> {
        let (expected, found) = (self.vertices.len(), vertices.len());
        if expected != found {
            return Err(MeshError::Count { expected, found });
        }
        let vertices = checked(vertices, &self.topology.faces)?;
        Ok(Self { vertices, ..self.clone() })
    }

    /// With normals for shading: `faces` says which of them each corner of each face has. They need not be of unit length.
    ///
    /// # Errors
    /// [`MeshError::Corner`] where a face has none, or one that does not exist, is zero or is not finite.
    pub fn with_normals(
        self,
        normals: &[[f64; 3]],
        faces: &[[usize; 3]],
    ) -> Result<Self, MeshError> {
        let values = normals.iter().map(|n| V3::from(*n)).collect();
        let fit = |n: &V3| n.norm_squared() > 0.0 && n.norm_squared().is_finite();
        let normals = Corners::new("normals", self.faces().len(), values, faces, fit)?;
        Ok(Self { normals: Some(normals), ..self })
    }

    /// With texture coordinates: `faces` says which of them each corner of each face has. `(0, 0)` is the lower left corner of a
    /// texture, `(1, 1)` its upper right one.
    ///
    /// # Errors
    /// [`MeshError::Corner`] where a face has none, or one that does not exist or is not finite.
    pub fn with_uv(self, uv: &[[f64; 2]], faces: &[[usize; 3]]) -> Result<Self, MeshError> {
        let fit = |uv: &[f64; 2]| uv.iter().all(|c| c.is_finite());
        let what = "texture coordinates";
        let uv = Corners::new(what, self.faces().len(), uv.to_vec(), faces, fit)?;
        Ok(Self { uv: Some(uv), ..self })
    }

    /// The same mesh with other values of its normals.
    pub(crate) fn with_normal_values(&self, values: Vec<V3>) -> Result<Self, MeshError> {
        let Some(old) = &self.normals else { return Ok(self.clone()) };
        let faces = old.faces().iter().map(|f| f.map(|c| c as usize)).collect::<Vec<_>>();
        let values: Vec<[f64; 3]> = values.into_iter().map(|n| n.0).collect();
        self.clone().with_normals(&values, &faces)
    }

    /// Normals for shading, where it has its own.
    pub fn normals(&self) -> Option<&Corners<V3>> {
        self.normals.as_ref()
    }

    /// Texture coordinates, where it has any.
    pub fn uv(&self) -> Option<&Corners<[f64; 2]>> {
        self.uv.as_ref()
    }

    /// Least and greatest coordinates.
    pub fn bounds(&self) -> (V3, V3) {
        let start = (V3::lit([f64::INFINITY; 3]), V3::lit([f64::NEG_INFINITY; 3]));
        self.vertices.iter().fold(start, |(mut lo, mut hi), v| {
            for k in 0..3 {
                lo[k] = lo[k].min(v[k]);
                hi[k] = hi[k].max(v[k]);
            }
            (lo, hi)
        })
    }

    /// Length of the diagonal of the bounding box: "the object's size".
    pub fn size(&self) -> f64 {
        let (lo, hi) = self.bounds();
        length(hi - lo)
    }
}

/// The points, if they are finite and every face has an area. Indices of the faces exist.
fn checked(vertices: &[[f64; 3]], faces: &[[u32; 3]]) -> Result<Vec<V3>, MeshError> {
    for (vertex, position) in vertices.iter().enumerate() {
        if !position.iter().all(|c| c.is_finite()) {
            return Err(MeshError::NotFinite { vertex, position: *position });
        }
    }
    for (face, corners) in faces.iter().enumerate() {
        if !has_area(corners.map(|v| V3::from(vertices[v as usize]))) {
            return Err(MeshError::Degenerate { face, vertices: corners.map(|v| v as usize) });
        }
    }
    Ok(vertices.iter().map(|v| V3::from(*v)).collect())
}

/// Whether three points span a plane.
pub(super) fn has_area([a, b, c]: [V3; 3]) -> bool {
    let (ab, bc, ca) = (b - a, c - b, a - c);
    let longest = ab.norm_squared().max(bc.norm_squared()).max(ca.norm_squared());
    // false also for a NaN from overflow
    length(ab.cross(ca)) > LEAST_RELATIVE_AREA * longest
}

#[cfg(test)]
mod tests {
    use super::{MeshError, TriangleMesh};
    use crate::shape::Side;

    const SQUARE: [[f64; 3]; 4] =
        [[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [1.0, 1.0, 0.0], [0.0, 1.0, 0.0]];

    #[test]
    fn a_square_has_five_edges_one_of_them_inside() {
        let mesh = TriangleMesh::new(&SQUARE, &[[0, 1, 2], [0, 2, 3]]).unwrap();
        let inside: Vec<_> = mesh.edges().filter(|e| e.sides.len() == 2).collect();
        assert_eq!(mesh.edges().len(), 5);
        assert_eq!(inside.len(), 1);
        let sides = [Side { face: 0, opposite: 1 }, Side { face: 1, opposite: 3 }];
        assert_eq!((inside[0].ends, inside[0].sides), ([0, 2], sides.as_slice()));
    }

    #[test]
    fn what_is_no_mesh_is_refused_with_its_place() {
        let refused = |v: &[[f64; 3]], f: &[[usize; 3]]| TriangleMesh::new(v, f).unwrap_err();
        assert_eq!(refused(&SQUARE, &[]), MeshError::Empty);
        assert_eq!(
            refused(&SQUARE, &[[0, 1, 2], [0, 0, 3]]),
            MeshError::Degenerate { face: 1, vertices: [0, 0, 3] }
        );
        let mut nan = SQUARE;
        nan[2][1] = f64::NAN;
        assert!(matches!(refused(&nan, &[[0, 1, 2]]), MeshError::NotFinite { vertex: 2, .. }));
        let mesh = TriangleMesh::new(&SQUARE, &[[0, 1, 2]]).unwrap();
        let error = mesh.with_vertices(&SQUARE[..3]).unwrap_err();
        assert_eq!(error, MeshError::Count { expected: 4, found: 3 });
    }

    #[test]
    fn an_edge_may_have_any_number_of_faces() {
        let fin = [SQUARE.as_slice(), &[[0.5, 0.5, 1.0]]].concat();
        let mesh = TriangleMesh::new(&fin, &[[0, 1, 2], [0, 2, 3], [0, 2, 4]]).unwrap();
        let shared = mesh.edges().find(|e| e.ends == [0, 2]).unwrap();
        assert_eq!(shared.sides.iter().map(|s| s.face).collect::<Vec<_>>(), [0, 1, 2]);
    }
}
