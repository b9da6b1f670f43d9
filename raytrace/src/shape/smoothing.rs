//! Coordinates of a mesh in which a step moves all of a surface, not single vertices (Nicolet, Jacobson & Jakob, "Large steps in
//! inverse rendering of geometry", ACM TOG 40(6), 2021).
//!
//! With `L` the Laplacian of the mesh's edges, `L_ii` the number of neighbours and `L_ij = -1`, the coordinates are
//! `u = (I + lambda L) v`, so that `v = (I + lambda L)^-1 u` and a cotangent of vertices is smoothed on its way,
//! `u_bar = (I + lambda L)^-1 v_bar`: every surface can be reached, and smooth ones first.

use cotangent_ad::linalg::SparseFactor;
use cotangent_ad::sparse::SparseMatrix;

use super::TriangleMesh;

/// `I + lambda L` of a mesh and its Cholesky factor.
#[derive(Debug)]
pub(crate) struct Smoothing {
    factor: SparseFactor<f64>,
}

impl Smoothing {
    /// # Panics
    /// Never for `lambda >= 0`: the matrix is square and diagonally dominant.
    pub(crate) fn new(shape: &TriangleMesh, lambda: f64) -> Self {
        let n = shape.vertices().len();
        let mut entries: Vec<(usize, usize, f64)> = (0..n).map(|i| (i, i, 1.0)).collect();
        for edge in shape.edges() {
            let [a, b] = edge.ends.map(|v| v as usize);
            entries.extend([(a, a, lambda), (b, b, lambda), (a, b, -lambda), (b, a, -lambda)]);
        }
        let matrix = SparseMatrix::from_triplets(n, n, &entries);
        Self { factor: SparseFactor::cholesky(matrix).expect("a square matrix") }
    }

    /// `(I + lambda L) v`, for triples of numbers.
    pub(crate) fn coordinates(&self, v: &[f64]) -> Vec<f64> {
        by_axis(v, |v| self.factor.matrix().matvec(v))
    }

    /// `(I + lambda L)^-1 u`, which is its own transpose.
    ///
    /// # Panics
    /// Where a number is not finite.
    pub(crate) fn smoothed(&self, u: &[f64]) -> Vec<f64> {
        by_axis(u, |u| self.factor.solve(u).expect("a positive definite matrix and finite numbers"))
    }
}

/// Applies `f` to the first, second and third numbers of triples.
fn by_axis(x: &[f64], f: impl Fn(&[f64]) -> Vec<f64>) -> Vec<f64> {
    let mut y = vec![0.0; x.len()];
    for k in 0..3 {
        let axis: Vec<f64> = x.iter().skip(k).step_by(3).copied().collect();
        y.iter_mut().skip(k).step_by(3).zip(f(&axis)).for_each(|(y, value)| *y = value);
    }
    y
}
