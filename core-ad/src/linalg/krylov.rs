//! Linear systems by iteration: matrices that are known by their products, sparse ones among them.
//!
//! Conjugate gradients (Hestenes & Stiefel 1952) where the matrix is symmetric and positive definite, BiCGStab (van der Vorst
//! 1992) or GMRES (Saad & Schultz 1986) elsewhere, all preconditioned. The iteration runs on plain numbers and is not differentiated: the derivative of a
//! solve is a solve with the same matrix, and a product's derivative by its parameters.

use std::sync::Arc;

use super::gmres::gmres;
use super::matrix::dot;
use super::{LinalgError, check_finite, check_shape, norm};
use crate::api::{jvp, vjp};
use crate::dual::Dual;
use crate::real::{Num, Real};
use crate::rule::SliceRule;
use crate::sparse::Pattern;
use crate::tape::Var;

/// A square matrix that depends on parameters, known by its product with a vector.
pub trait LinearOperator: Clone + Send + Sync + 'static {
    /// `A(p) x`.
    fn apply<R: Real>(&self, p: &[R], x: &[R]) -> Vec<R>;

    /// `A(p)^T x`. By the tape, unless there is a better way.
    fn apply_transposed(&self, p: &[f64], x: &[f64]) -> Vec<f64> {
        let fixed: Vec<Var<f64>> = p.iter().map(|p| Var::konst(*p)).collect();
        vjp(|y| self.apply(&fixed, y), &vec![0.0; x.len()], x).1
    }

    /// `M^-1 r` for some `M` that is close to `A(p)`, or its transpose where that is solved. Symmetric and positive definite
    /// for conjugate gradients. None by default.
    fn precondition(&self, p: &[f64], r: &[f64], transposed: bool) -> Vec<f64> {
        let _ = (p, transposed);
        r.to_vec()
    }
}

/// A matrix with entries at the places of a [`Pattern`], which are its parameters, row by row; preconditioned by its diagonal.
#[derive(Clone, Debug)]
pub struct SparseOperator {
    pattern: Arc<Pattern>,
}

impl SparseOperator {
    /// With entries at these places.
    pub fn new(pattern: Pattern) -> Self {
        Self { pattern: Arc::new(pattern) }
    }
}

impl LinearOperator for SparseOperator {
    fn apply<R: Real>(&self, entries: &[R], x: &[R]) -> Vec<R> {
        let row = |i: usize| {
            let products = self.pattern.row(i).iter().zip(&entries[self.pattern.range(i)]);
            products.map(|(j, a)| *a * x[*j]).sum()
        };
        (0..self.pattern.rows()).map(row).collect()
    }

    fn apply_transposed(&self, entries: &[f64], x: &[f64]) -> Vec<f64> {
        let mut y = vec![0.0; self.pattern.cols()];
        for i in 0..self.pattern.rows() {
            for (j, a) in self.pattern.row(i).iter().zip(&entries[self.pattern.range(i)]) {
                y[*j] += a * x[i];
            }
        }
        y
    }

    fn precondition(&self, entries: &[f64], r: &[f64], _: bool) -> Vec<f64> {
        let scaled = |(i, r): (usize, &f64)| {
            let range = self.pattern.range(i);
            match self.pattern.row(i).binary_search(&i).map(|at| entries[range.start + at]) {
                Ok(diagonal) if diagonal != 0.0 => r / diagonal,
                _ => *r,
            }
        };
        r.iter().enumerate().map(scaled).collect()
    }
}

/// Which iteration solves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Iteration {
    /// For symmetric positive definite matrices.
    #[default]
    ConjugateGradients,
    /// For all others, with the memory of a few vectors.
    BiCgStab,
    /// For all others, where BiCGStab wanders: its residual never grows. It keeps `restart` vectors and begins anew after
    /// as many products.
    Gmres {
        /// Vectors kept.
        restart: usize,
    },
}

/// How a system is solved.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KrylovOptions {
    /// Which iteration.
    pub iteration: Iteration,
    /// Solved where the residual is at most this share of the right side.
    pub tolerance: f64,
    /// Most products with the matrix.
    pub max_products: usize,
}

impl Default for KrylovOptions {
    fn default() -> Self {
        Self { iteration: Iteration::ConjugateGradients, tolerance: 1e-13, max_products: 10_000 }
    }
}

/// `(p, b) -> A(p)^-1 b`, or with the transpose.
#[derive(Clone, Debug)]
struct Krylov<A> {
    operator: A,
    /// Number of unknowns.
    n: usize,
    transposed: bool,
    options: KrylovOptions,
}

impl<A: LinearOperator> Krylov<A> {
    fn split<'a, R>(&self, x: &'a [R]) -> (&'a [R], &'a [R]) {
        x.split_at(x.len() - self.n)
    }

    fn product(&self, p: &[f64], x: &[f64]) -> Vec<f64> {
        if self.transposed {
            self.operator.apply_transposed(p, x)
        } else {
            self.operator.apply(p, x)
        }
    }

    fn not_solved(residual: f64, scale: f64, products: usize) -> LinalgError {
        LinalgError::NotSolved { residual: residual / scale, products }
    }

    fn conjugate_gradients(&self, p: &[f64], b: &[f64]) -> Result<Vec<f64>, LinalgError> {
        let scale = norm(b);
        let (mut x, mut r) = (vec![0.0; self.n], b.to_vec());
        let mut z = self.operator.precondition(p, &r, self.transposed);
        let mut direction = z.clone();
        let mut along = dot(&r, &z);
        for products in 0..self.options.max_products {
            if norm(&r) <= self.options.tolerance * scale {
                return Ok(x);
            }
            let image = self.product(p, &direction);
            let curvature = dot(&direction, &image);
            if curvature.is_nan() || curvature <= 0.0 {
                return Err(LinalgError::NotPositiveDefinite { pivot: products });
            }
            let step = along / curvature;
            add_scaled(&mut x, step, &direction);
            add_scaled(&mut r, -step, &image);
            z = self.operator.precondition(p, &r, self.transposed);
            let next = dot(&r, &z);
            let share = next / along;
            direction.iter_mut().zip(&z).for_each(|(d, z)| *d = z + share * *d);
            along = next;
        }
        Err(Self::not_solved(norm(&r), scale, self.options.max_products))
    }

    fn bicgstab(&self, p: &[f64], b: &[f64]) -> Result<Vec<f64>, LinalgError> {
        let scale = norm(b);
        let (mut x, mut r) = (vec![0.0; self.n], b.to_vec());
        let (mut shadow, mut direction, mut image) = (r.clone(), r.clone(), vec![0.0; self.n]);
        let mut along = dot(&shadow, &r);
        let mut products = 0;
        while products < self.options.max_products {
            if norm(&r) <= self.options.tolerance * scale {
                return Ok(x);
            }
            let towards = self.operator.precondition(p, &direction, self.transposed);
            image.clone_from(&self.product(p, &towards));
            let step = along / dot(&shadow, &image);
            add_scaled(&mut x, step, &towards);
            add_scaled(&mut r, -step, &image);
            let smoothing = self.operator.precondition(p, &r, self.transposed);
            let smoothed = self.product(p, &smoothing);
            products += 2;
            let size = dot(&smoothed, &smoothed);
            let weight = if size == 0.0 { 0.0 } else { dot(&smoothed, &r) / size };
            add_scaled(&mut x, weight, &smoothing);
            add_scaled(&mut r, -weight, &smoothed);
            let next = dot(&shadow, &r);
            let share = next / along * (step / weight);
            if !share.is_finite() || next.abs() <= f64::EPSILON * norm(&shadow) * norm(&r) {
                // the recurrence broke down: begin again from here
                let image = self.product(p, &x);
                products += 1;
                r = b.iter().zip(&image).map(|(b, y)| b - y).collect();
                (shadow, direction) = (r.clone(), r.clone());
                along = dot(&r, &r);
                continue;
            }
            for ((d, r), v) in direction.iter_mut().zip(&r).zip(&image) {
                *d = r + share * (*d - weight * v);
            }
            along = next;
        }
        Err(Self::not_solved(norm(&r), scale, products))
    }
}

impl<A: LinearOperator> Krylov<A> {
    fn minimal_residuals(
        &self,
        p: &[f64],
        b: &[f64],
        restart: usize,
    ) -> Result<Vec<f64>, LinalgError> {
        let limits = (self.options.tolerance, restart, self.options.max_products);
        let precondition = |r: &[f64]| self.operator.precondition(p, r, self.transposed);
        let found = gmres(|x| self.product(p, x), precondition, b, limits);
        // the true residual of a solution to rounding is a little above that of the recurrence
        if found.residual <= 10.0 * self.options.tolerance {
            return Ok(found.x);
        }
        Err(LinalgError::NotSolved { residual: found.residual, products: found.products })
    }
}

/// `x += s y`.
fn add_scaled(x: &mut [f64], s: f64, y: &[f64]) {
    x.iter_mut().zip(y).for_each(|(x, y)| *x += s * y);
}

impl<A: LinearOperator> SliceRule for Krylov<A> {
    type Error = LinalgError;

    fn primal(&self, x: &[f64]) -> Result<Vec<f64>, LinalgError> {
        check_finite(x)?;
        let (p, b) = self.split(x);
        check_shape("entries of a product with the matrix", self.n, self.product(p, b).len())?;
        if b.iter().all(|b| *b == 0.0) {
            return Ok(vec![0.0; self.n]);
        }
        match self.options.iteration {
            Iteration::ConjugateGradients => self.conjugate_gradients(p, b),
            Iteration::BiCgStab => self.bicgstab(p, b),
            Iteration::Gmres { restart } => self.minimal_residuals(p, b, restart),
        }
    }

    /// `A x_dot = b_dot - dA x`.
    fn jvp<R: Real>(&self, x: &[R], y: &[R], x_dot: &[R]) -> Result<Vec<R>, LinalgError> {
        let ((p, _), (p_dot, b_dot)) = (self.split(x), self.split(x_dot));
        let mut right = b_dot.to_vec();
        if !p_dot.iter().all(Num::is_constant_zero) {
            let changed = if self.transposed {
                // y^T dA z for all z: the derivative of A z along p_dot is linear in z, and this is its transpose
                let product = |z: &[Var<R>]| {
                    let moving: Vec<Dual<Var<R>, 1>> = p
                        .iter()
                        .zip(p_dot)
                        .map(|(p, d)| Dual { re: Var::konst(*p), eps: [Var::konst(*d)] })
                        .collect();
                    let z: Vec<_> = z.iter().map(|z| Dual::konst(*z)).collect();
                    self.operator.apply(&moving, &z).iter().map(|y| y.eps[0]).collect()
                };
                vjp(product, &vec![R::lit(0.0); self.n], y).1
            } else {
                let fixed: Vec<Dual<R, 1>> = y.iter().map(|y| Dual::konst(*y)).collect();
                jvp(|p| self.operator.apply(p, &fixed), p, p_dot).1
            };
            right.iter_mut().zip(changed).for_each(|(b, c)| *b -= c);
        }
        R::slice_rule(self, &[p, &right].concat())
    }

    /// `b_bar = A^-T x_bar`, `p_bar = -d(b_bar . A x) / dp`.
    fn vjp<R: Real>(&self, x: &[R], y: &[R], y_bar: &[R]) -> Result<Vec<R>, LinalgError> {
        let (p, _) = self.split(x);
        let other = Self { transposed: !self.transposed, ..self.clone() };
        let b_bar = R::slice_rule(&other, &[p, y_bar].concat())?;
        // A(p) applied to one of the two vectors, weighed by the other
        let (applied_to, weights) = if self.transposed { (&b_bar[..], y) } else { (y, &b_bar[..]) };
        let fixed: Vec<Var<R>> = applied_to.iter().map(|y| Var::konst(*y)).collect();
        let weights: Vec<R> = weights.iter().map(|w| -*w).collect();
        let (_, p_bar) = vjp(|p| self.operator.apply(p, &fixed), p, &weights);
        Ok([p_bar, b_bar].concat())
    }
}

/// `A(p)^-1 b` by iteration, for a matrix that is known by its products.
///
/// ```
/// use cotangent_ad::linalg::{KrylovOptions, LinearOperator, solve_operator};
/// use cotangent_ad::{Num, Real, grad};
///
/// /// A chain of springs `p`, held at both ends.
/// #[derive(Clone)]
/// struct Chain;
/// impl LinearOperator for Chain {
///     fn apply<R: Real>(&self, p: &[R], x: &[R]) -> Vec<R> {
///         let n = x.len();
///         let at = |i: usize| if i == 0 || i > n { R::lit(0.0) } else { x[i - 1] };
///         (1..=n).map(|i| p[i - 1] * (at(i) - at(i - 1)) + p[i] * (at(i) - at(i + 1))).collect()
///     }
/// }
/// // two springs in a row pulled in the middle: x = 1 / (p0 + p1)
/// let options = KrylovOptions::default();
/// let g = grad(|p| solve_operator(&Chain, p, &[Num::lit(1.0)], &options).unwrap()[0], &[2.0, 3.0]);
/// assert!((g[0] + 1.0 / 25.0).abs() < 1e-15);
/// ```
///
/// # Errors
/// [`LinalgError::NotSolved`] with the residual that is left; [`LinalgError::NotPositiveDefinite`] where conjugate gradients meet a
/// direction without positive curvature; shapes, numbers that are not finite.
pub fn solve_operator<R: Real, A: LinearOperator>(
    operator: &A,
    p: &[R],
    b: &[R],
    options: &KrylovOptions,
) -> Result<Vec<R>, LinalgError> {
    let rule =
        Krylov { operator: operator.clone(), n: b.len(), transposed: false, options: *options };
    R::slice_rule(&rule, &[p, b].concat())
}

/// `A(p)^-T b` by iteration.
///
/// # Errors
/// As [`solve_operator`].
pub(crate) fn solve_operator_transposed<R: Real, A: LinearOperator>(
    operator: &A,
    p: &[R],
    b: &[R],
    options: &KrylovOptions,
) -> Result<Vec<R>, LinalgError> {
    let rule =
        Krylov { operator: operator.clone(), n: b.len(), transposed: true, options: *options };
    R::slice_rule(&rule, &[p, b].concat())
}

/// `A^-1 b` by iteration, for a matrix with `entries` at the places of `pattern`, row by row.
///
/// # Errors
/// As [`solve_operator`].
pub fn solve_sparse<R: Real>(
    pattern: &Pattern,
    entries: &[R],
    b: &[R],
    options: &KrylovOptions,
) -> Result<Vec<R>, LinalgError> {
    check_shape("columns of a square matrix", pattern.rows(), pattern.cols())?;
    check_shape("entries of the pattern", pattern.entries(), entries.len())?;
    check_shape("rows of the right side", pattern.rows(), b.len())?;
    solve_operator(&SparseOperator::new(pattern.clone()), entries, b, options)
}
