//! Meshes that are described in a few numbers.

use super::mesh::{MeshError, TriangleMesh};

impl TriangleMesh {
    /// The parallelogram with centre `centre` and half sides `a` and `b`, of two triangles; its front is along `a` cross `b`.
    ///
    /// ```
    /// use cotangent_raytrace::TriangleMesh;
    /// let floor = TriangleMesh::parallelogram([0.0; 3], [0.0, 0.0, 2.0], [2.0, 0.0, 0.0]).unwrap();
    /// assert_eq!((floor.vertices().len(), floor.faces().len()), (4, 2));
    /// assert!(TriangleMesh::parallelogram([0.0; 3], [1.0, 0.0, 0.0], [2.0, 0.0, 0.0]).is_err());
    /// ```
    ///
    /// # Errors
    /// A [`MeshError`] where the sides span no area or a number is not finite.
    pub fn parallelogram(centre: [f64; 3], a: [f64; 3], b: [f64; 3]) -> Result<Self, MeshError> {
        let corner = |u: f64, v: f64| [0, 1, 2].map(|k| centre[k] + u * a[k] + v * b[k]);
        let corners = [corner(-1.0, -1.0), corner(1.0, -1.0), corner(1.0, 1.0), corner(-1.0, 1.0)];
        Self::new(&corners, &[[0, 1, 2], [0, 2, 3]])
    }

    /// The cube `[-half, half]^3`, of twelve triangles with their fronts outside.
    ///
    /// ```
    /// use cotangent_raytrace::TriangleMesh;
    /// let cube = TriangleMesh::cube(0.5).unwrap();
    /// assert_eq!((cube.vertices().len(), cube.faces().len()), (8, 12));
    /// let corner = |v: u32| cube.vertices()[v as usize];
    /// for face in cube.faces() {
    ///     let [p, q, r] = face.map(corner);
    ///     assert!((q - p).cross(r - p).dot(p + q + r) > 0.0, "a front is outside");
    /// }
    /// ```
    ///
    /// # Errors
    /// A [`MeshError`] where `half` is 0 or not finite.
    pub fn cube(half: f64) -> Result<Self, MeshError> {
        let corner = |k: usize| [0, 1, 2].map(|axis| if k >> axis & 1 == 1 { half } else { -half });
        let corners: Vec<[f64; 3]> = (0..8).map(corner).collect();
        let sides =
            [[0, 4, 6, 2], [1, 3, 7, 5], [0, 1, 5, 4], [2, 6, 7, 3], [0, 2, 3, 1], [4, 5, 7, 6]];
        let faces: Vec<[usize; 3]> =
            sides.iter().flat_map(|[p, q, r, s]| [[*p, *q, *r], [*p, *r, *s]]).collect();
        Self::new(&corners, &faces)
    }
}
