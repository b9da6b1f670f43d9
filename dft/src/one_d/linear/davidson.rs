//! The lowest eigenpair of a symmetric operator that is only applied.
//!
//! Davidson's method, J. Comput. Phys. 17, 87 (1975): Rayleigh-Ritz in a growing subspace, to which the preconditioned
//! residual is added; at the limit of its size the subspace collapses to the current vector.

use crate::one_d::linear::eigen::jacobi;
use crate::one_d::linear::vector::{axpy, dot, normalise};

/// Where [`davidson`] arrived.
pub(in crate::one_d) struct Lowest {
    pub energy_ha: f64,
    /// Of norm 1.
    pub vector: Vec<f64>,
    /// `|H x - E x|` in hartree.
    pub residual_ha: f64,
    pub iterations: usize,
}

/// When to stop, and how large the subspace may grow.
#[derive(Clone, Copy)]
pub(in crate::one_d) struct Limits {
    pub tol_residual_ha: f64,
    pub max_iterations: usize,
    pub restart: usize,
}

/// From the vector `start`; `precondition` takes the residual and the current estimate of the eigenvalue. Without
/// convergence the last residual and the iterations made.
pub(in crate::one_d) fn davidson(
    start: Vec<f64>,
    limits: Limits,
    mut apply: impl FnMut(&[f64]) -> Vec<f64>,
    mut precondition: impl FnMut(&[f64], f64) -> Vec<f64>,
) -> Result<Lowest, (f64, usize)> {
    let mut subspace = Subspace { vectors: Vec::new(), images: Vec::new(), projected: Vec::new() };
    let mut start = start;
    normalise(&mut start);
    let image = apply(&start);
    subspace.push(start, image);
    let mut residual_ha = f64::INFINITY;
    for iteration in 0..limits.max_iterations {
        let (energy_ha, weights) = subspace.lowest();
        let residual = subspace.residual(energy_ha, &weights);
        residual_ha = dot(&residual, &residual).sqrt();
        if residual_ha <= limits.tol_residual_ha {
            let vector = combine(&subspace.vectors, &weights);
            return Ok(Lowest { energy_ha, vector, residual_ha, iterations: iteration });
        }
        if subspace.vectors.len() >= limits.restart {
            subspace.collapse(&weights);
        }
        let mut next = precondition(&residual, energy_ha);
        normalise(&mut next);
        subspace.orthogonalise(&mut next);
        let image = apply(&next);
        subspace.push(next, image);
    }
    Err((residual_ha, limits.max_iterations))
}

/// Orthonormal vectors `v_i`, their images `H v_i`, and the lower triangle of `v_i . H v_j`, by rows.
struct Subspace {
    vectors: Vec<Vec<f64>>,
    images: Vec<Vec<f64>>,
    projected: Vec<Vec<f64>>,
}

impl Subspace {
    fn push(&mut self, vector: Vec<f64>, image: Vec<f64>) {
        self.vectors.push(vector);
        self.projected.push(dots(&self.vectors, &image));
        self.images.push(image);
    }

    /// Lowest eigenpair of the operator in the subspace.
    fn lowest(&self) -> (f64, Vec<f64>) {
        let m = self.vectors.len();
        let entry = |k: usize| self.projected[(k / m).max(k % m)][(k / m).min(k % m)];
        let (values, states) = jacobi((0..m * m).map(entry).collect(), m);
        (values[0], (0..m).map(|k| states[k * m]).collect())
    }

    fn residual(&self, energy_ha: f64, weights: &[f64]) -> Vec<f64> {
        let mut residual = combine(&self.images, weights);
        let shifts: Vec<f64> = weights.iter().map(|w| -energy_ha * w).collect();
        add_combination(&mut residual, &self.vectors, &shifts);
        residual
    }

    /// Keeps the current vector only.
    fn collapse(&mut self, weights: &[f64]) {
        let (vector, image) = (combine(&self.vectors, weights), combine(&self.images, weights));
        self.vectors.clear();
        self.images.clear();
        self.projected.clear();
        self.push(vector, image);
    }

    /// Gram-Schmidt, again while most of the vector cancels.
    fn orthogonalise(&self, x: &mut [f64]) {
        for _ in 0..3 {
            let along: Vec<f64> = dots(&self.vectors, x).iter().map(|c| -c).collect();
            add_combination(x, &self.vectors, &along);
            let left = dot(x, x).sqrt();
            normalise(x);
            if left > 0.5 {
                break;
            }
        }
    }
}

/// Entries of all vectors that are worked on together: what stays in the first-level cache.
const BLOCK: usize = 1024;

/// `v . x` for each of the vectors.
fn dots(vectors: &[Vec<f64>], x: &[f64]) -> Vec<f64> {
    let mut sums = vec![0.0; vectors.len()];
    for (k, x) in x.chunks(BLOCK).enumerate() {
        let at = k * BLOCK;
        for (sum, v) in sums.iter_mut().zip(vectors) {
            *sum += dot(&v[at..at + x.len()], x);
        }
    }
    sums
}

/// `x + sum_i c_i v_i` in place.
fn add_combination(x: &mut [f64], vectors: &[Vec<f64>], c: &[f64]) {
    for (k, x) in x.chunks_mut(BLOCK).enumerate() {
        let at = k * BLOCK;
        for (c, v) in c.iter().zip(vectors) {
            axpy(x, *c, &v[at..at + x.len()]);
        }
    }
}

fn combine(vectors: &[Vec<f64>], weights: &[f64]) -> Vec<f64> {
    let mut sum = vec![0.0; vectors[0].len()];
    add_combination(&mut sum, vectors, weights);
    sum
}
