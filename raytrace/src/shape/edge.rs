//! The edges of a mesh with all faces that meet in them.

use crate::geometry::id;

/// One face at an edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Side {
    /// The face.
    pub face: u32,
    /// Its vertex that is not on the edge.
    pub opposite: u32,
}

/// An edge of a mesh. Indices are the mesh's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MeshEdge<'a> {
    /// End vertices, the smaller index first.
    pub ends: [u32; 2],
    /// The faces that meet here: one on a border, two within a surface, more where surfaces branch.
    pub sides: &'a [Side],
}

/// All edges of a mesh, ordered by their ends.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Edges {
    /// Ends, and the first of their sides.
    edges: Vec<([u32; 2], u32)>,
    sides: Vec<Side>,
}

impl Edges {
    pub(super) fn new(faces: &[[u32; 3]]) -> Self {
        let mut half_edges = Vec::with_capacity(3 * faces.len());
        for (f, face) in faces.iter().enumerate() {
            for k in 0..3 {
                let (a, b, opposite) = (face[k], face[(k + 1) % 3], face[(k + 2) % 3]);
                half_edges.push(([a.min(b), a.max(b)], Side { face: id(f), opposite }));
            }
        }
        half_edges.sort_unstable();
        let mut edges: Vec<([u32; 2], u32)> = Vec::new();
        for (k, (ends, _)) in half_edges.iter().enumerate() {
            if edges.last().is_none_or(|e| e.0 != *ends) {
                edges.push((*ends, id(k)));
            }
        }
        Self { edges, sides: half_edges.into_iter().map(|h| h.1).collect() }
    }

    pub(super) fn len(&self) -> usize {
        self.edges.len()
    }

    pub(super) fn get(&self, k: usize) -> MeshEdge<'_> {
        let (ends, first) = self.edges[k];
        let last = self.edges.get(k + 1).map_or(self.sides.len(), |e| e.1 as usize);
        MeshEdge { ends, sides: &self.sides[first as usize..last] }
    }
}
