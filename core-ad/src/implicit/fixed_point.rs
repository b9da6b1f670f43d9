//! Fixed points, with a derivative that never forms a matrix of their size.

use super::{ImplicitError, Options, size};
use crate::api::{jvp, vjp};
use crate::dual::Dual;
use crate::linalg::gmres::gmres;
use crate::linalg::{Matrix, solve_spd};
use crate::real::Real;
use crate::rule::SliceRule;
use crate::tape::Var;

/// A map `G(y, p)` whose fixed points `y = G(y, p)` are sought.
pub trait Map: Clone + Send + Sync + 'static {
    /// `G(y, p)`.
    fn map<R: Real>(&self, y: &[R], p: &[R]) -> Vec<R>;
}

/// Vectors that the linear system of a derivative keeps, and most products with the slope of the map.
const KRYLOV_VECTORS: usize = 200;
/// See [`KRYLOV_VECTORS`].
const MAX_PRODUCTS: usize = 4000;
/// Depth of Anderson's mixing.
const DEPTH: usize = 5;

fn duals<R: Real>(x: &[R]) -> Vec<Dual<R, 1>> {
    x.iter().map(|x| Dual::konst(*x)).collect()
}

fn constants<R: Real>(x: &[R]) -> Vec<Var<R>> {
    x.iter().map(|x| Var::konst(*x)).collect()
}

/// `z` of `(I - G_y) z = b`, or of its transpose; arguments `y, p, b`.
#[derive(Clone, Debug)]
struct Resolvent<G> {
    map: G,
    n: usize,
    transposed: bool,
    tolerance: f64,
}

impl<G: Map> Resolvent<G> {
    /// `G_y z`, or `G_y^T z`.
    fn product<R: Real>(&self, y: &[R], p: &[R], z: &[R]) -> Vec<R> {
        if self.transposed {
            let p = constants(p);
            vjp(|y| self.map.map(y, &p), y, z).1
        } else {
            let p = duals(p);
            jvp(|y| self.map.map(y, &p), y, z).1
        }
    }

    /// `y, p, b`.
    fn split<'a, R>(&self, x: &'a [R]) -> (&'a [R], &'a [R], &'a [R]) {
        let (y, rest) = x.split_at(self.n);
        let (p, b) = rest.split_at(rest.len() - self.n);
        (y, p, b)
    }
}

impl<G: Map> SliceRule for Resolvent<G> {
    type Error = ImplicitError;

    fn primal(&self, x: &[f64]) -> Result<Vec<f64>, ImplicitError> {
        let (y, p, b) = self.split(x);
        let apply = |z: &[f64]| -> Vec<f64> {
            z.iter().zip(self.product(y, p, z)).map(|(z, g)| z - g).collect()
        };
        let limits = (self.tolerance, KRYLOV_VECTORS, MAX_PRODUCTS);
        let found = gmres(apply, <[f64]>::to_vec, b, limits);
        // what rounding leaves of a fixed point that is nearly not isolated is still a derivative
        if found.residual <= 1e-8 {
            return Ok(found.x);
        }
        if found.residual.is_nan() {
            let (what, iteration) = ("a product with G_y", found.products);
            return Err(ImplicitError::NonFinite { what, iteration });
        }
        Err(ImplicitError::NotConverged {
            what: "the linear system of a derivative",
            residual: found.residual,
            iterations: found.products,
            advice: "the fixed point may not be isolated: an eigenvalue of G_y is close to 1",
        })
    }

    /// `(I - G_y) z_dot = b_dot + d(G_y) z`.
    fn jvp<R: Real>(&self, x: &[R], z: &[R], x_dot: &[R]) -> Result<Vec<R>, ImplicitError> {
        let moving: Vec<Dual<R, 1>> =
            x.iter().zip(x_dot).map(|(x, d)| Dual { re: *x, eps: [*d] }).collect();
        let (y, p, b) = self.split(&moving);
        let changed = self.product(y, p, &duals(z));
        let right: Vec<R> = b.iter().zip(changed).map(|(b, c)| b.eps[0] + c.eps[0]).collect();
        let (y, p, _) = self.split(x);
        R::slice_rule(self, &[y, p, &right].concat())
    }

    /// `b_bar = (I - G_y)^-T z_bar`, and what `b_bar . G_y z` gives by `y` and `p`.
    fn vjp<R: Real>(&self, x: &[R], z: &[R], z_bar: &[R]) -> Result<Vec<R>, ImplicitError> {
        let (y, p, _) = self.split(x);
        let transposed = Self { transposed: !self.transposed, ..self.clone() };
        let b_bar = R::slice_rule(&transposed, &[y, p, z_bar].concat())?;
        let z = constants(z);
        let product = |yp: &[Var<R>]| self.product(&yp[..self.n], &yp[self.n..], &z);
        let (_, yp_bar) = vjp(product, &[y, p].concat(), &b_bar);
        Ok([yp_bar, b_bar].concat())
    }
}

/// `p -> y` with `y = G(y, p)`.
#[derive(Clone, Debug)]
struct FixedPoint<G> {
    map: G,
    start: Vec<f64>,
    options: Options,
}

impl<G: Map> FixedPoint<G> {
    fn resolvent(&self, transposed: bool) -> Resolvent<G> {
        let (map, n) = (self.map.clone(), self.start.len());
        Resolvent { map, n, transposed, tolerance: 1e-14 }
    }
}

/// Iterations in which a residual has to halve, if it is more than rounding.
const HALVING: usize = 8;
/// Most iterations for unknowns that are small beside others or beside 1.
const MOST_SETTLING: usize = 100;

/// Whether each unknown is settled by its own size, when all are by that of the largest.
struct Settling {
    tolerance: f64,
    /// Smallest change of each unknown that has been seen to be half of one before, and how long ago.
    least: Vec<(f64, usize)>,
    iterations: usize,
}

impl Settling {
    fn new(tolerance: f64, unknowns: usize) -> Self {
        Self { tolerance, least: vec![(f64::INFINITY, 0); unknowns], iterations: 0 }
    }

    fn is_over(&mut self, y: &[f64], r: &[f64], near: bool) -> bool {
        for ((least, since), r) in self.least.iter_mut().zip(r) {
            (*least, *since) =
                if r.abs() <= 0.5 * *least { (r.abs(), 0) } else { (*least, *since + 1) };
        }
        self.iterations += usize::from(near);
        let unsettled = |((y, r), (_, since)): ((&f64, &f64), &(f64, usize))| {
            r.abs() > self.tolerance * y.abs() && *since < HALVING
        };
        let moving = y.iter().zip(r).zip(&self.least).any(unsettled);
        near && (!moving || self.iterations > MOST_SETTLING)
    }
}

/// Weights of the last residuals whose combination is least (Walker & Ni 2011), by regularised normal equations.
fn mixing(residuals: &[Vec<f64>]) -> Option<Vec<f64>> {
    let (last, earlier) = residuals.split_last()?;
    let k = earlier.len();
    let change =
        |i: usize| -> Vec<f64> { last.iter().zip(&earlier[i]).map(|(a, b)| a - b).collect() };
    let changes: Vec<Vec<f64>> = (0..k).map(change).collect();
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let normal = Matrix::from_fn(k, k, |i, j| dot(&changes[i], &changes[j]));
    let ridge = normal.trace() * 1e-14 + f64::MIN_POSITIVE;
    let normal = &normal + &Matrix::identity(k).scale(ridge);
    let right = Matrix::new(k, 1, changes.iter().map(|c| dot(c, last)).collect());
    let mut weights = solve_spd(&normal, &right).ok()?.into_data();
    weights.push(1.0 - weights.iter().sum::<f64>());
    Some(weights)
}

impl<G: Map> SliceRule for FixedPoint<G> {
    type Error = ImplicitError;

    /// Anderson's mixing: the next iterate is the combination of the last images whose residuals cancel best.
    fn primal(&self, x: &[f64]) -> Result<Vec<f64>, ImplicitError> {
        let mut y = self.start.clone();
        let (mut images, mut residuals): (Vec<Vec<f64>>, Vec<Vec<f64>>) = (Vec::new(), Vec::new());
        let mut left = f64::INFINITY;
        let mut settling = Settling::new(self.options.tolerance, y.len());
        for iteration in 1..=self.options.max_iterations {
            let image = self.map.map(&y, x);
            if image.len() != y.len() {
                return Err(ImplicitError::Shape { expected: y.len(), found: image.len() });
            }
            let r: Vec<f64> = image.iter().zip(&y).map(|(g, y)| g - y).collect();
            left = size(&r);
            if !left.is_finite() {
                return Err(ImplicitError::NonFinite { what: "the map", iteration });
            }
            let near = left <= self.options.tolerance * (1.0 + size(&y));
            if settling.is_over(&image, &r, near)
                || near && iteration == self.options.max_iterations
            {
                return Ok(image);
            }
            images.push(image);
            residuals.push(r);
            if images.len() > DEPTH + 1 {
                images.remove(0);
                residuals.remove(0);
            }
            let weights = mixing(&residuals).unwrap_or_else(|| {
                let mut last = vec![0.0; images.len()];
                last[images.len() - 1] = 1.0;
                last
            });
            let entry = |i: usize| images.iter().zip(&weights).map(|(g, w)| g[i] * w).sum();
            y = (0..y.len()).map(entry).collect();
        }
        Err(ImplicitError::NotConverged {
            what: "the fixed point",
            residual: left,
            iterations: self.options.max_iterations,
            advice: "damp the map, or start closer",
        })
    }

    fn jvp<R: Real>(&self, x: &[R], y: &[R], x_dot: &[R]) -> Result<Vec<R>, ImplicitError> {
        let constant = duals(y);
        let (_, pushed) = jvp(|p| self.map.map(&constant, p), x, x_dot);
        R::slice_rule(&self.resolvent(false), &[y, x, &pushed].concat())
    }

    fn vjp<R: Real>(&self, x: &[R], y: &[R], y_bar: &[R]) -> Result<Vec<R>, ImplicitError> {
        let multipliers = R::slice_rule(&self.resolvent(true), &[y, x, y_bar].concat())?;
        let constant = constants(y);
        Ok(vjp(|p| self.map.map(&constant, p), x, &multipliers).1)
    }
}

/// The fixed point of `G(., p)` that Anderson's mixing finds from `start`, as a function of `p`.
///
/// # Errors
/// [`ImplicitError`].
pub fn fixed_point<R: Real, G: Map>(
    map: &G,
    start: &[f64],
    p: &[R],
    options: &Options,
) -> Result<Vec<R>, ImplicitError> {
    let rule = FixedPoint { map: map.clone(), start: start.to_vec(), options: *options };
    R::slice_rule(&rule, p)
}
