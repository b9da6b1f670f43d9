//! The edges of a mesh with the faces on both sides.

use super::mesh::MeshError;
use crate::geometry::id;

/// An edge of a mesh. Indices are the mesh's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MeshEdge {
    /// End vertices, the smaller index first.
    pub ends: [u32; 2],
    /// The face, and the vertex of it that is not on the edge.
    pub face: (u32, u32),
    /// The same of the second face; `None` on a border.
    pub other: Option<(u32, u32)>,
}

/// All edges, ordered by their ends.
///
/// # Errors
/// [`MeshError::NonManifold`] where more than two faces share an edge.
pub(super) fn edges(faces: &[[u32; 3]]) -> Result<Vec<MeshEdge>, MeshError> {
    let mut sides = Vec::with_capacity(3 * faces.len());
    for (f, face) in faces.iter().enumerate() {
        for k in 0..3 {
            let (a, b, opposite) = (face[k], face[(k + 1) % 3], face[(k + 2) % 3]);
            sides.push(([a.min(b), a.max(b)], (id(f), opposite)));
        }
    }
    sides.sort_unstable();
    let same_ends = |s: &([u32; 2], (u32, u32)), t: &([u32; 2], (u32, u32))| s.0 == t.0;
    let edge = |group: &[([u32; 2], (u32, u32))]| {
        if group.len() > 2 {
            let faces = group.iter().map(|s| s.1.0 as usize).collect();
            let ends = group[0].0.map(|v| v as usize);
            return Err(MeshError::NonManifold { ends, faces });
        }
        Ok(MeshEdge { ends: group[0].0, face: group[0].1, other: group.get(1).map(|s| s.1) })
    };
    sides.chunk_by(same_ends).map(edge).collect()
}
