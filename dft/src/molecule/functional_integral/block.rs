//! One block of points: densities of the active functions, and matrices back.

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};

use super::density_matrix::ActiveMatrix;
use crate::molecule::functional::{Ingredients, Spins};
use crate::molecule::grid::basis_values::{Active, Values};

/// `C += A^T B` or `C = A B`, column by column.
pub(super) enum Product {
    /// `C = A B`, `A` of `rows x inner`.
    Plain,
    /// `C += A^T B`, `A` of `inner x rows`.
    AddTransposed,
}

pub(super) fn multiply(
    product: &Product,
    [rows, inner, columns]: [usize; 3],
    a: &[f64],
    b: &[f64],
    c: &mut [f64],
) {
    let target = MatMut::from_column_major_slice_mut(c, rows, columns);
    let b = MatRef::from_column_major_slice(b, inner, columns);
    match product {
        Product::Plain => {
            let a = MatRef::from_column_major_slice(a, rows, inner);
            matmul(target, Accum::Replace, a, b, 1.0, Par::Seq);
        }
        Product::AddTransposed => {
            let a = MatRef::from_column_major_slice(a, inner, rows).transpose();
            matmul(target, Accum::Add, a, b, 1.0, Par::Seq);
        }
    }
}

/// Adds a matrix of the active functions and its transpose to one of all functions.
pub(super) fn scatter_symmetric(block: &[f64], active: &Active, matrix: &mut [f64], size: usize) {
    let n = active.functions.len();
    for (a, i) in active.functions.iter().enumerate() {
        for (b, j) in active.functions.iter().enumerate() {
            matrix[i * size + j] += block[a * n + b] + block[b * n + a];
        }
    }
}

/// What the density matrix of one spin, or of both together, makes at the points of a block.
#[derive(Debug, Default)]
pub(super) struct BlockDensity {
    /// `n`.
    pub(super) density: Vec<f64>,
    /// `grad n`, where it is needed.
    pub(super) gradient: [Vec<f64>; 3],
    /// `tau`, where it is needed.
    pub(super) tau: Vec<f64>,
    /// `X = phi P`, and where `tau` is needed `X_i = d_i phi P`.
    pub(super) products: Vec<Vec<f64>>,
}

/// `sum_mu a_gmu b_gmu` at every point.
fn row_sums(factor: f64, a: &[f64], b: &[f64], points: usize) -> Vec<f64> {
    let mut sums = vec![0.0; points];
    for (a, b) in a.chunks_exact(points).zip(b.chunks_exact(points)) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    sums.iter_mut().for_each(|s| *s *= factor);
    sums
}

impl BlockDensity {
    /// `n = sum P phi phi`, `grad n = 2 sum P phi grad phi`, `tau = 1/2 sum P grad phi . grad phi`.
    pub(super) fn new(values: &Values, matrix: &ActiveMatrix, ingredients: Ingredients) -> Self {
        let (n, f) = (values.points, values.functions);
        let product = |derivative: usize| matrix.times(n, f, values.of(derivative));
        let mut products = vec![product(0)];
        let density = row_sums(1.0, values.of(0), &products[0], n);
        let mut gradient = [const { Vec::new() }; 3];
        if ingredients >= Ingredients::Gradient {
            for (axis, g) in gradient.iter_mut().enumerate() {
                *g = row_sums(2.0, values.of(1 + axis), &products[0], n);
            }
        }
        let mut tau = Vec::new();
        if ingredients >= Ingredients::KineticEnergy {
            tau = vec![0.0; n];
            for axis in 0..3 {
                let x = product(1 + axis);
                let share = row_sums(0.5, values.of(1 + axis), &x, n);
                tau.iter_mut().zip(share).for_each(|(t, s)| *t += s);
                products.push(x);
            }
        }
        Self { density, gradient, tau, products }
    }

    /// Without the products, which a density by itself does not need where its matrix is factored.
    pub(super) fn without_products(
        values: &Values,
        matrix: &ActiveMatrix,
        ingredients: Ingredients,
    ) -> Self {
        match (ingredients, matrix.density(values)) {
            (Ingredients::Density, Some(density)) => Self { density, ..Self::default() },
            _ => Self::new(values, matrix, ingredients),
        }
    }

    fn gradient_at(&self, g: usize) -> [f64; 3] {
        std::array::from_fn(|x| self.gradient[x][g])
    }
}

fn dot(a: [f64; 3], b: [f64; 3]) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

/// Pairs of spins that `sigma` is of.
pub(super) const PAIRS: [[usize; 2]; 3] = [[0, 0], [0, 1], [1, 1]];

/// The numbers of every point that a functional takes, from densities of one spin, or of both together.
pub(super) fn functional_points(
    spins: Spins,
    ingredients: Ingredients,
    densities: &[BlockDensity],
) -> Vec<f64> {
    let points = densities[0].density.len();
    let mut rows = Vec::with_capacity(points * spins.width(ingredients));
    for g in 0..points {
        rows.extend(densities.iter().map(|d| d.density[g]));
        if ingredients >= Ingredients::Gradient {
            let gradients: Vec<[f64; 3]> = densities.iter().map(|d| d.gradient_at(g)).collect();
            let pairs = PAIRS.iter().filter(|p| p[1] < densities.len());
            rows.extend(pairs.map(|[a, b]| dot(gradients[*a], gradients[*b])));
        }
        if ingredients >= Ingredients::KineticEnergy {
            rows.extend(densities.iter().map(|d| d.tau[g]));
        }
    }
    rows
}

/// First order changes of [`functional_points`] by changes of the densities.
pub(super) fn functional_point_changes(
    spins: Spins,
    ingredients: Ingredients,
    densities: &[BlockDensity],
    changes: &[BlockDensity],
) -> Vec<f64> {
    let points = densities[0].density.len();
    let mut rows = Vec::with_capacity(points * spins.width(ingredients));
    for g in 0..points {
        rows.extend(changes.iter().map(|d| d.density[g]));
        if ingredients >= Ingredients::Gradient {
            for [a, b] in PAIRS.into_iter().filter(|p| p[1] < densities.len()) {
                rows.push(
                    dot(densities[a].gradient_at(g), changes[b].gradient_at(g))
                        + dot(changes[a].gradient_at(g), densities[b].gradient_at(g)),
                );
            }
        }
        if ingredients >= Ingredients::KineticEnergy {
            rows.extend(changes.iter().map(|d| d.tau[g]));
        }
    }
    rows
}

/// Derivatives of an energy by density, gradient and `tau` of one spin, or of both together, at every point of a block.
#[derive(Debug)]
pub(super) struct Potential {
    pub(super) density: Vec<f64>,
    pub(super) gradient: [Vec<f64>; 3],
    pub(super) tau: Vec<f64>,
}

/// Where the derivatives by a spin's numbers stand in a row: density; own and mixed `sigma`; `tau`.
fn places(spins: Spins, spin: usize) -> (usize, [usize; 2], usize) {
    match spins {
        Spins::Restricted => (0, [1, 1], 2),
        Spins::Unrestricted => (spin, [2 + 2 * spin, 3], 5 + spin),
    }
}

impl Potential {
    /// Of a spin, from rows of `de/dx`: `de/d grad n_s = 2 e_ss grad n_s + e_st grad n_t`; times the points' `weights`.
    pub(super) fn new(
        spins: Spins,
        ingredients: Ingredients,
        spin: usize,
        densities: &[BlockDensity],
        rows: &[f64],
        weights: &[f64],
    ) -> Self {
        let width = spins.width(ingredients);
        let (n, [own, mixed], tau) = places(spins, spin);
        let column = |k: usize| -> Vec<f64> {
            rows.chunks_exact(width).zip(weights).map(|(row, w)| row[k] * w).collect()
        };
        let mut gradient = [const { Vec::new() }; 3];
        if ingredients >= Ingredients::Gradient {
            for (axis, out) in gradient.iter_mut().enumerate() {
                let each = |(g, (row, w)): (usize, (&[f64], &f64))| {
                    let mut sum = 2.0 * row[own] * densities[spin].gradient[axis][g];
                    if spins == Spins::Unrestricted {
                        sum += row[mixed] * densities[1 - spin].gradient[axis][g];
                    }
                    sum * w
                };
                *out = rows.chunks_exact(width).zip(weights).enumerate().map(each).collect();
            }
        }
        let by_tau = ingredients >= Ingredients::KineticEnergy;
        let tau = if by_tau { column(tau) } else { Vec::new() };
        Self { density: column(n), gradient, tau }
    }

    pub(super) fn add(&mut self, other: &Self) {
        let own = [&mut self.density, &mut self.tau].into_iter().chain(&mut self.gradient);
        let others = [&other.density, &other.tau].into_iter().chain(&other.gradient);
        for (own, other) in own.zip(others) {
            own.iter_mut().zip(other).for_each(|(x, y)| *x += y);
        }
    }

    /// `factor v phi + sum_i h_i d_i phi`, a matrix of points by functions.
    pub(super) fn applied(&self, factor: f64, values: &Values) -> Vec<f64> {
        let n = values.points;
        let mut out = vec![0.0; n * values.functions];
        let mut add = |factor: f64, potential: &[f64], derivative: usize| {
            let columns = out.chunks_exact_mut(n).zip(values.of(derivative).chunks_exact(n));
            for (out, phi) in columns {
                for ((out, phi), v) in out.iter_mut().zip(phi).zip(potential) {
                    *out += factor * v * phi;
                }
            }
        };
        add(factor, &self.density, 0);
        for (axis, h) in self.gradient.iter().enumerate().filter(|(_, h)| !h.is_empty()) {
            add(1.0, h, 1 + axis);
        }
        out
    }

    /// Half of `dE/dP` of the active functions: the other half is its transpose.
    pub(super) fn half_matrix(&self, values: &Values) -> Vec<f64> {
        let (n, f) = (values.points, values.functions);
        let mut matrix = vec![0.0; f * f];
        let product = &Product::AddTransposed;
        multiply(product, [f, n, f], values.of(0), &self.applied(0.5, values), &mut matrix);
        if !self.tau.is_empty() {
            for axis in 0..3 {
                let slopes = values.of(1 + axis);
                let scaled: Vec<f64> = slopes
                    .chunks_exact(n)
                    .flat_map(|column| column.iter().zip(&self.tau).map(|(x, v)| 0.25 * v * x))
                    .collect();
                multiply(product, [f, n, f], slopes, &scaled, &mut matrix);
            }
        }
        matrix
    }
}
