//! Roots of systems whose Jacobian is sparse.

use super::root::{newton, pulled, pushed};
use super::{ImplicitError, Options, Residual};
use crate::api::VectorFn;
use crate::dual::Dual;
use crate::linalg::SparseSolve;
use crate::real::Real;
use crate::rule::SliceRule;
use crate::sparse::{Colouring, LANES, SparseMatrix, expand, jacobian_pattern};

/// `p -> y` with `F(y, p) = 0`, by sparse factors of `F_y`.
#[derive(Clone, Debug)]
struct SparseImplicit<F> {
    equations: F,
    colouring: Colouring,
    start: Vec<f64>,
    /// The order of elimination, and the factors of the last Jacobian.
    solve: SparseSolve,
    options: Options,
}

impl<F: Residual> SparseImplicit<F> {
    /// `F_y`, one tangent a colour.
    fn by_unknowns<R: Real>(&self, y: &[R], p: &[R]) -> SparseMatrix<R> {
        let constant: Vec<Dual<R, LANES>> = p.iter().map(|p| Dual::konst(*p)).collect();
        expand(y, &self.colouring, |y| self.equations.residual(y, &constant))
    }
}

impl<F: Residual> SliceRule for SparseImplicit<F> {
    type Error = ImplicitError;

    fn primal(&self, p: &[f64]) -> Result<Vec<f64>, ImplicitError> {
        let step = |y: &[f64], r: &[f64]| {
            Ok(self.solve.again(false, &self.by_unknowns(y, p).values, r)?)
        };
        newton(&self.equations, step, &self.start, p, &self.options)
    }

    /// `F_y y_dot = -F_p p_dot`.
    fn jvp<R: Real>(&self, x: &[R], y: &[R], x_dot: &[R]) -> Result<Vec<R>, ImplicitError> {
        let right: Vec<R> = pushed(&self.equations, y, x, x_dot).iter().map(|r| -*r).collect();
        Ok(self.solve.again(false, &self.by_unknowns(y, x).values, &right)?)
    }

    /// `p_bar = -F_p^T F_y^-T y_bar`.
    fn vjp<R: Real>(&self, x: &[R], y: &[R], y_bar: &[R]) -> Result<Vec<R>, ImplicitError> {
        let multipliers = self.solve.again(true, &self.by_unknowns(y, x).values, y_bar)?;
        Ok(pulled(&self.equations, y, x, &multipliers).iter().map(|r| -*r).collect())
    }
}

/// The equations as a function of the unknowns alone.
struct ByUnknowns<'a, F> {
    equations: &'a F,
    p: &'a [f64],
}

impl<F: Residual> VectorFn for ByUnknowns<'_, F> {
    fn call<R: Real>(&self, y: &[R]) -> Vec<R> {
        let p: Vec<R> = self.p.iter().map(|p| R::lit(*p)).collect();
        self.equations.residual(y, &p)
    }
}

/// The colours of the Jacobian `F_y`, from the entries that it has at `(y, p)` on the branches taken there.
pub fn unknowns_colouring<F: Residual>(equations: &F, y: &[f64], p: &[f64]) -> Colouring {
    Colouring::columns(&jacobian_pattern(&ByUnknowns { equations, p }, y))
}

/// [`root`](super::root()) of a system whose Jacobian `F_y` is sparse: formed by one tangent a colour, and solved by sparse LU
/// factors.
///
/// ```
/// use cotangent_ad::implicit::{Options, Residual, root_sparse, unknowns_colouring};
/// use cotangent_ad::{Num, Real, grad};
///
/// /// `-u'' + u^3 = p` on a hundred points between walls at 0.
/// #[derive(Clone)]
/// struct Reaction;
/// impl Residual for Reaction {
///     fn residual<R: Real>(&self, u: &[R], p: &[R]) -> Vec<R> {
///         let at = |i: usize| if i == 0 || i > u.len() { R::lit(0.0) } else { u[i - 1] };
///         let bend = |i: usize| (at(i) * 2.0 - at(i - 1) - at(i + 1)) * 1e4;
///         (1..=u.len()).map(|i| bend(i) + at(i).powi(3) - p[0]).collect()
///     }
/// }
/// let colours = unknowns_colouring(&Reaction, &[0.1; 99], &[1.0]);
/// assert_eq!(colours.colours(), 3);
/// let middle = |p: &[_]| root_sparse(&Reaction, &colours, &[0.0; 99], p, &Options::default()).unwrap()[49];
/// let slope = grad(middle, &[1.0])[0];
/// // nearly p / 8, the parabola without reaction
/// assert!((slope - 0.125).abs() < 1e-3);
/// ```
///
/// # Errors
/// [`ImplicitError`]; [`ImplicitError::Shape`] where the start is not of the size that was coloured.
pub fn root_sparse<R: Real, F: Residual>(
    equations: &F,
    colouring: &Colouring,
    start: &[f64],
    p: &[R],
    options: &Options,
) -> Result<Vec<R>, ImplicitError> {
    let (expected, found) = (colouring.pattern().cols(), start.len());
    if expected != found {
        return Err(ImplicitError::Shape { expected, found });
    }
    let rule = SparseImplicit {
        equations: equations.clone(),
        colouring: colouring.clone(),
        start: start.to_vec(),
        solve: SparseSolve::lu(colouring.pattern())?,
        options: *options,
    };
    R::slice_rule(&rule, p)
}
