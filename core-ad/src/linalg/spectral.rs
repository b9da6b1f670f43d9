//! Functions of symmetric matrices, `f(A) = Q f(Lambda) Q^T`.
//!
//! The `k`-th derivative is a sum over paths of eigenvalues (Daleckii and Krein 1965; Noferini, "A formula for the Frechet
//! derivative of a generalized matrix function", 2017): with `B_s = Q^T E_s Q`,
//!
//! `(Q^T D^k f(A)[E_1 ... E_k] Q)_(i_0 i_k) = sum_pi sum_(i_1 ... i_(k-1)) f[l_(i_0), ..., l_(i_k)] prod_s (B_pi(s))_(i_(s-1) i_s)`
//!
//! with divided differences `f[...]`. These are smooth where eigenvalues meet, so the derivative is as well: there they are
//! summed as Taylor series, whose coefficients a [`Jet`] gives.

use super::eigh::decompose;
use super::factor::Cache;
use super::matrix::Matrix;
use super::{LinalgError, check_shape};
use crate::jet::Jet;
use crate::real::{Num, Real};
use crate::rule::SliceRule;

/// A function of one number, written over [`Real`].
pub trait ScalarFunction: Clone + Send + Sync + 'static {
    /// The value at `x`.
    fn value<R: Real>(&self, x: R) -> R;
}

/// Taylor coefficients that are kept of an eigenvalue.
const TERMS: usize = 16;

/// A symmetric matrix in its eigenvectors, with what `f` is at its eigenvalues.
#[derive(Debug)]
struct Decomposed {
    /// Ascending.
    values: Vec<f64>,
    vectors: Matrix<f64>,
    /// `f^(m)(values[i]) / m!`.
    taylor: Vec<[f64; TERMS]>,
}

impl Decomposed {
    fn new<F: ScalarFunction>(f: &F, a: &[f64], n: usize) -> Result<Self, LinalgError> {
        let (values, vectors) = decompose(a, n)?;
        let series = |x: &f64| f.value(Jet::<f64, TERMS>::variable(*x)).coefficients();
        let taylor: Vec<[f64; TERMS]> = values.iter().map(series).collect();
        match taylor.iter().position(|c| !c[0].is_finite()) {
            Some(index) => Err(LinalgError::OutsideOfDomain { eigenvalue: values[index] }),
            None => Ok(Self { values, vectors, taylor }),
        }
    }

    /// `f[values[p] for p in points]`, `points` ascending.
    ///
    /// By the series where it has converged, else by the recursion, whose points are then far enough from each other: the
    /// series of a function that is analytic within `R` converges to rounding where they are within about `R / 10`.
    fn difference(&self, points: &[usize]) -> Result<f64, LinalgError> {
        let order = points.len() - 1;
        let centre = points[points.len() / 2];
        if order == 0 {
            return Ok(self.taylor[centre][0]);
        }
        let (sum, converged) = self.series(points, centre);
        if converged {
            return Ok(sum);
        }
        let gap = self.values[points[order]] - self.values[points[0]];
        let difference =
            (self.difference(&points[1..])? - self.difference(&points[..order])?) / gap;
        if difference.is_finite() {
            Ok(difference)
        } else {
            Err(LinalgError::OutsideOfDomain { eigenvalue: self.values[centre] })
        }
    }

    /// `sum_m f^(k+m)(c) / (k+m)! h_m(x - c)` with the complete homogeneous polynomials `h_m` of the points, and whether
    /// the last terms are below rounding.
    fn series(&self, points: &[usize], centre: usize) -> (f64, bool) {
        let order = points.len() - 1;
        let mut homogeneous = [0.0; TERMS];
        homogeneous[0] = 1.0;
        for point in points {
            let distance = self.values[*point] - self.values[centre];
            for m in 1..TERMS - order {
                homogeneous[m] += distance * homogeneous[m - 1];
            }
        }
        let terms: Vec<f64> =
            (0..TERMS - order).map(|m| self.taylor[centre][order + m] * homogeneous[m]).collect();
        // equal points need no series, and its coefficients may not be finite
        if self.values[points[0]].to_bits() == self.values[points[order]].to_bits() {
            return (terms[0], terms[0].is_finite());
        }
        let size: f64 = terms.iter().map(|t| t.abs()).sum();
        let rest = terms.iter().rev().take(2).fold(0.0, |s, t| f64::max(s, t.abs()));
        (terms.iter().sum(), size.is_finite() && rest <= f64::EPSILON * 0.25 * size)
    }
}

/// All orders of `0..k`.
fn permutations(k: usize) -> Vec<Vec<usize>> {
    (0..k).fold(vec![Vec::new()], |shorter, next| {
        let longer = |p: &Vec<usize>| {
            let inserted = |at: usize| {
                let mut order = p.clone();
                order.insert(at, next);
                order
            };
            (0..=p.len()).map(inserted).collect::<Vec<_>>()
        };
        shorter.iter().flat_map(longer).collect()
    })
}

/// `D^k f(A)[E_1 ... E_k]` of `(A, E_1, ..., E_k)`, symmetric parts of all.
///
/// Its derivative is of the same kind, one order higher, and it is its own transpose in every argument: the form
/// `tr(Y D^k f(A)[E_1 ... E_k])` is a derivative of the trace of an antiderivative, so it is symmetric in all of its matrices.
#[derive(Clone, Debug)]
struct Spectral<F> {
    f: F,
    n: usize,
    order: usize,
    cache: Cache<Decomposed>,
}

impl<F: ScalarFunction> Spectral<F> {
    fn matrices<'a, R>(&self, x: &'a [R]) -> impl Iterator<Item = &'a [R]> {
        x.chunks_exact(self.n * self.n)
    }

    fn of_order<R: Real>(&self, order: usize, x: &[&[R]]) -> Result<Vec<R>, LinalgError> {
        R::slice_rule(&Self { order, ..self.clone() }, &x.concat())
    }
}

impl<F: ScalarFunction> SliceRule for Spectral<F> {
    type Error = LinalgError;

    fn primal(&self, x: &[f64]) -> Result<Vec<f64>, LinalgError> {
        let n = self.n;
        let mut matrices = self.matrices(x);
        let a = matrices.next().unwrap_or_default();
        let made = self.cache.get(a, |a| Decomposed::new(&self.f, a, n))?;
        let q = &made.vectors;
        let turned: Vec<Matrix<f64>> = matrices
            .map(|e| {
                q.transpose().matmul(&Matrix::new(n, n, e.to_vec()).symmetric_part()).matmul(q)
            })
            .collect();
        let orders = permutations(self.order);
        let mut inner = Matrix::zeros(n, n);
        // a path visits `order + 1` eigenvalues, and every order of the matrices steps along it
        let mut path = vec![0; self.order + 1];
        let paths = n.pow(u32::try_from(self.order + 1).expect("a small order"));
        for number in 0..paths {
            let mut rest = number;
            for visited in &mut path {
                (*visited, rest) = (rest % n, rest / n);
            }
            if self.order == 0 {
                inner[(path[0], path[0])] = made.difference(&path)?;
                continue;
            }
            let along = |order: &Vec<usize>| -> f64 {
                order
                    .iter()
                    .zip(path.windows(2))
                    .map(|(s, step)| turned[*s][(step[0], step[1])])
                    .product()
            };
            let weight: f64 = orders.iter().map(along).sum();
            if weight != 0.0 {
                let mut points = path.clone();
                points.sort_unstable();
                inner[(path[0], path[self.order])] += weight * made.difference(&points)?;
            }
        }
        Ok(q.matmul(&inner).matmul(&q.transpose()).into_data())
    }

    fn jvp<R: Real>(&self, x: &[R], _: &[R], x_dot: &[R]) -> Result<Vec<R>, LinalgError> {
        let at: Vec<&[R]> = self.matrices(x).collect();
        let mut y_dot = vec![R::lit(0.0); self.n * self.n];
        for (k, moved) in self.matrices(x_dot).enumerate() {
            if moved.iter().all(Num::is_constant_zero) {
                continue;
            }
            let term = if k == 0 {
                self.of_order(self.order + 1, &[at.as_slice(), &[moved]].concat())?
            } else {
                let mut replaced = at.clone();
                replaced[k] = moved;
                self.of_order(self.order, &replaced)?
            };
            y_dot.iter_mut().zip(term).for_each(|(sum, term)| *sum += term);
        }
        Ok(y_dot)
    }

    fn vjp<R: Real>(&self, x: &[R], _: &[R], y_bar: &[R]) -> Result<Vec<R>, LinalgError> {
        let at: Vec<&[R]> = self.matrices(x).collect();
        let mut x_bar = self.of_order(self.order + 1, &[at.as_slice(), &[y_bar]].concat())?;
        for k in 1..at.len() {
            let mut replaced = at.clone();
            replaced[k] = y_bar;
            x_bar.extend(self.of_order(self.order, &replaced)?);
        }
        Ok(x_bar)
    }
}

/// `f(S) = Q f(Lambda) Q^T` of the symmetric part `S = (A + A^T)/2`, `n x n`.
///
/// Derivatives of every order and in every mode are right where eigenvalues are equal or nearly so. The value costs an
/// eigen-decomposition, the `k`-th derivative `k! n^(k+1)` multiplications besides.
///
/// ```
/// use cotangent_ad::linalg::{Matrix, ScalarFunction, spectral_function};
/// use cotangent_ad::{Real, hvp};
///
/// #[derive(Clone)]
/// struct Softplus;
/// impl ScalarFunction for Softplus {
///     fn value<R: Real>(&self, x: R) -> R {
///         cotangent_ad::special::softplus(x)
///     }
/// }
/// // at 0 all eigenvalues meet: softplus''(0) = 1/4
/// let trace = |x: &[_]| spectral_function(&Matrix::new(2, 2, x.to_vec()), &Softplus).unwrap().trace();
/// let h = hvp(trace, &[0.0; 4], &[1.0, 0.0, 0.0, 1.0]);
/// assert!((h[0] - 0.25).abs() < 1e-15 && h[1] == 0.0);
/// ```
///
/// # Errors
/// [`LinalgError::OutsideOfDomain`] where `f` has no value at an eigenvalue, or no derivative there; shapes, entries that are
/// not finite.
pub fn spectral_function<R: Real, F: ScalarFunction>(
    a: &Matrix<R>,
    f: &F,
) -> Result<Matrix<R>, LinalgError> {
    let n = a.rows();
    check_shape("columns of a square matrix", n, a.cols())?;
    if n == 0 {
        return Ok(a.clone());
    }
    let rule = Spectral { f: f.clone(), n, order: 0, cache: Cache::default() };
    Ok(Matrix::new(n, n, R::slice_rule(&rule, a.data())?))
}

/// `x^p`, or an elementary function.
#[derive(Clone, Debug)]
enum Elementary {
    Exp,
    Ln,
    Sqrt,
    Power(f64),
}

impl ScalarFunction for Elementary {
    fn value<R: Real>(&self, x: R) -> R {
        match self {
            Self::Exp => x.exp(),
            Self::Ln => x.ln(),
            Self::Sqrt => x.sqrt(),
            Self::Power(p) => x.powf(R::lit(*p)),
        }
    }
}

/// `e^S` of the symmetric part; [`expm`](fn@super::expm) is of any square matrix.
///
/// # Errors
/// As [`spectral_function`].
pub fn exp_symmetric<R: Real>(a: &Matrix<R>) -> Result<Matrix<R>, LinalgError> {
    spectral_function(a, &Elementary::Exp)
}

/// The logarithm of the symmetric part.
///
/// # Errors
/// As [`spectral_function`]: an eigenvalue that is not positive.
pub fn ln_symmetric<R: Real>(a: &Matrix<R>) -> Result<Matrix<R>, LinalgError> {
    spectral_function(a, &Elementary::Ln)
}

/// The square root of the symmetric part that is positive itself.
///
/// # Errors
/// As [`spectral_function`]: a negative eigenvalue; for a derivative, one that is zero.
pub fn sqrt_symmetric<R: Real>(a: &Matrix<R>) -> Result<Matrix<R>, LinalgError> {
    spectral_function(a, &Elementary::Sqrt)
}

/// `S^p` of the symmetric part: `p = -1/2` whitens.
///
/// # Errors
/// As [`spectral_function`]: an eigenvalue whose power does not exist.
pub fn power_symmetric<R: Real>(a: &Matrix<R>, p: f64) -> Result<Matrix<R>, LinalgError> {
    spectral_function(a, &Elementary::Power(p))
}
