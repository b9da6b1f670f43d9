//! Triangle meshes, checked when they are made.

use thiserror::Error;

use super::edge::{MeshEdge, edges};
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
    /// A face without area.
    #[error("face {face} has no area: its vertices are {vertices:?}")]
    Degenerate {
        /// The face.
        face: usize,
        /// Its vertices.
        vertices: [usize; 3],
    },
    /// More than two faces meet in an edge.
    #[error("the edge between vertices {} and {} is shared by {} faces: {faces:?}", ends[0], ends[1], faces.len())]
    NonManifold {
        /// The edge.
        ends: [usize; 2],
        /// The faces.
        faces: Vec<usize>,
    },
}

/// A mesh of triangles with flat normals, in its own coordinates.
///
/// The normal of face `(a, b, c)` is that of `(b - a) x (c - a)`; light is emitted on that side.
#[derive(Clone, Debug, PartialEq)]
pub struct TriangleMesh {
    vertices: Vec<V3>,
    faces: Vec<[u32; 3]>,
    edges: Vec<MeshEdge>,
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
    /// A [`MeshError`] where the mesh has no faces, a coordinate is not finite, an index does not exist, a face
    /// has no area, or an edge has more than two faces.
    pub fn new(vertices: &[[f64; 3]], faces: &[[usize; 3]]) -> Result<Self, MeshError> {
        if faces.is_empty() {
            return Err(MeshError::Empty);
        }
        for (vertex, position) in vertices.iter().enumerate() {
            if !position.iter().all(|c| c.is_finite()) {
                return Err(MeshError::NotFinite { vertex, position: *position });
            }
        }
        for (face, corners) in faces.iter().enumerate() {
            if let Some(&index) = corners.iter().find(|&&v| v >= vertices.len()) {
                return Err(MeshError::OutOfRange { face, index, vertices: vertices.len() });
            }
            let [a, b, c] = corners.map(|v| V3::from(vertices[v]));
            let (ab, bc, ca) = (b - a, c - b, a - c);
            let longest = ab.norm_squared().max(bc.norm_squared()).max(ca.norm_squared());
            // the negation also refuses a NaN from overflow
            let has_area = length(ab.cross(ca)) > LEAST_RELATIVE_AREA * longest;
            if !has_area {
                return Err(MeshError::Degenerate { face, vertices: *corners });
            }
        }
        let faces: Vec<[u32; 3]> = faces.iter().map(|f| f.map(id)).collect();
        let edges = edges(&faces)?;
        Ok(Self { vertices: vertices.iter().map(|v| V3::from(*v)).collect(), faces, edges })
    }

    /// Vertices, in the mesh's own coordinates.
    pub fn vertices(&self) -> &[V3] {
        &self.vertices
    }

    /// Faces, three vertices each.
    pub fn faces(&self) -> &[[u32; 3]] {
        &self.faces
    }

    /// Edges, ordered by their ends.
    pub fn edges(&self) -> &[MeshEdge] {
        &self.edges
    }

    /// The same faces over other vertices.
    ///
    /// # Errors
    /// As [`TriangleMesh::new`].
    pub fn with_vertices(&self, vertices: &[[f64; 3]]) -> Result<Self, MeshError> {
        let faces: Vec<_> = self.faces.iter().map(|f| f.map(|v| v as usize)).collect();
        Self::new(vertices, &faces)
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

#[cfg(test)]
mod tests {
    use super::{MeshError, TriangleMesh};

    const SQUARE: [[f64; 3]; 4] =
        [[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [1.0, 1.0, 0.0], [0.0, 1.0, 0.0]];

    #[test]
    fn a_square_has_five_edges_one_of_them_inside() {
        let mesh = TriangleMesh::new(&SQUARE, &[[0, 1, 2], [0, 2, 3]]).unwrap();
        let inside: Vec<_> = mesh.edges().iter().filter(|e| e.other.is_some()).collect();
        assert_eq!(mesh.edges().len(), 5);
        assert_eq!(inside.len(), 1);
        assert_eq!(
            (inside[0].ends, inside[0].face, inside[0].other),
            ([0, 2], (0, 1), Some((1, 3)))
        );
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
        let fin = [SQUARE.as_slice(), &[[0.5, 0.5, 1.0]]].concat();
        let error = refused(&fin, &[[0, 1, 2], [0, 2, 3], [0, 2, 4]]);
        assert_eq!(error, MeshError::NonManifold { ends: [0, 2], faces: vec![0, 1, 2] });
        let text = "the edge between vertices 0 and 2 is shared by 3 faces: [0, 1, 2]";
        assert_eq!(error.to_string(), text);
    }
}
