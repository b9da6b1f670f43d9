//! Combinations of exponentials, logarithms and squares that stay accurate where the plain formula does not.

use std::convert::Infallible;
use std::f64::consts::LN_2;

use crate::real::Real;
use crate::rule::{Rule, SliceRule};
use crate::rules::chain;

/// `ln(1 + e^x)`.
#[track_caller]
pub fn softplus<R: Real>(x: R) -> R {
    if x > R::lit(0.0) { x + (-x).exp().ln_1p() } else { x.exp().ln_1p() }
}

/// `1 / (1 + e^-x)`, with full relative accuracy in the lower tail.
#[track_caller]
pub fn sigmoid<R: Real>(x: R) -> R {
    if x > R::lit(0.0) {
        ((-x).exp() + 1.0).recip()
    } else {
        let e = x.exp();
        e / (e + 1.0)
    }
}

/// `ln sigmoid(x)`.
#[track_caller]
pub fn log_sigmoid<R: Real>(x: R) -> R {
    -softplus(-x)
}

/// `ln(1 - e^x)` for `x < 0` (Mächler 2012).
#[track_caller]
pub fn log_1m_exp<R: Real>(x: R) -> R {
    if x > R::lit(-LN_2) { (-x.exp_m1()).ln() } else { (-x.exp()).ln_1p() }
}

#[derive(Clone, Debug)]
struct LogSumExp;

/// `exp(x_i - y)`, the derivative of log-sum-exp.
fn shares<R: Real>(x: &[R], y: R) -> impl Iterator<Item = R> {
    let infinite = y == y - 1.0;
    let share = move |x: &R| match (infinite, *x == y && y > R::lit(0.0)) {
        (true, top) => R::lit(f64::from(u8::from(top))),
        _ => (*x - y).exp(),
    };
    x.iter().map(share)
}

impl SliceRule for LogSumExp {
    type Error = Infallible;

    fn primal(&self, x: &[f64]) -> Result<Vec<f64>, Infallible> {
        if x.iter().any(|x| x.is_nan()) {
            return Ok(vec![f64::NAN]);
        }
        let top = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = x.iter().map(|x| (x - top).exp()).sum();
        Ok(vec![if top.is_infinite() { top } else { top + sum.ln() }])
    }

    fn jvp<R: Real>(&self, x: &[R], y: &[R], x_dot: &[R]) -> Result<Vec<R>, Infallible> {
        let terms = shares(x, y[0]).zip(x_dot).map(|(s, d)| s * *d);
        Ok(vec![terms.fold(R::lit(0.0), |s, t| s + t)])
    }

    fn vjp<R: Real>(&self, x: &[R], y: &[R], y_bar: &[R]) -> Result<Vec<R>, Infallible> {
        Ok(shares(x, y[0]).map(|s| s * y_bar[0]).collect())
    }
}

/// `ln sum_i e^(x_i)`, minus infinity for no terms; its derivative is [`softmax`].
#[track_caller]
pub fn log_sum_exp<R: Real>(x: &[R]) -> R {
    let Ok(y) = R::slice_rule(&LogSumExp, x);
    y[0]
}

/// `e^(x_i) / sum_j e^(x_j)`.
#[track_caller]
pub fn softmax<R: Real>(x: &[R]) -> Vec<R> {
    let total = log_sum_exp(x);
    x.iter().map(|x| (*x - total).exp()).collect()
}

/// `x ln y`.
#[derive(Clone, Debug)]
struct XLogY;

impl Rule<2, 1> for XLogY {
    fn primal(&self, [x, y]: [f64; 2]) -> [f64; 1] {
        [if x == 0.0 && !y.is_nan() { 0.0 } else { x * y.ln() }]
    }
    fn jvp<R: Real>(&self, [x, y]: [R; 2], _: [R; 1], [x_dot, y_dot]: [R; 2]) -> [R; 1] {
        [chain(x_dot, y.ln()) + chain(y_dot, x / y)]
    }
    fn vjp<R: Real>(&self, [x, y]: [R; 2], _: [R; 1], [bar]: [R; 1]) -> [R; 2] {
        [chain(bar, y.ln()), chain(bar, x / y)]
    }
}

/// `x ln y`, and 0 for `x = 0` whatever `y`: entropies and likelihoods of counts.
///
/// # Derivative
/// `ln y` and `x/y`; at `(0, 0)` minus infinity and NaN.
#[track_caller]
pub fn xlogy<R: Real>(x: R, y: R) -> R {
    R::rule(&XLogY, [x, y])[0]
}

#[derive(Clone, Debug)]
struct Norm;

impl SliceRule for Norm {
    type Error = Infallible;

    fn primal(&self, x: &[f64]) -> Result<Vec<f64>, Infallible> {
        let largest = x.iter().fold(0.0, |s, x| f64::max(s, x.abs()));
        if largest == 0.0 || !largest.is_finite() {
            return Ok(vec![x.iter().map(|x| x.abs()).sum()]);
        }
        let sum: f64 = x.iter().map(|x| (x / largest).powi(2)).sum();
        Ok(vec![largest * sum.sqrt()])
    }

    fn jvp<R: Real>(&self, x: &[R], y: &[R], x_dot: &[R]) -> Result<Vec<R>, Infallible> {
        let terms = x.iter().zip(x_dot).map(|(x, d)| x.over_norm(y[0]) * *d);
        Ok(vec![terms.fold(R::lit(0.0), |s, t| s + t)])
    }

    fn vjp<R: Real>(&self, x: &[R], y: &[R], y_bar: &[R]) -> Result<Vec<R>, Infallible> {
        Ok(x.iter().map(|x| x.over_norm(y[0]) * y_bar[0]).collect())
    }
}

/// `|x|_2` without overflow; its derivative at the origin is 0, the least of the subgradients.
///
/// There is no second derivative at the origin: there it is NaN, also of a composition that is smooth again, as `|x|^2` is
/// (a [`Jet`](crate::Jet) follows the curve for `t >= 0` and gets it right). [`provenance`](crate::provenance) names the place.
///
/// ```
/// use cotangent_ad::{grad, special::norm};
/// assert_eq!(grad(norm, &[0.0, 0.0]), [0.0, 0.0]);
/// assert!((grad(norm, &[3e200, 4e200])[0] - 0.6).abs() < 1e-15);
/// ```
#[track_caller]
pub fn norm<R: Real>(x: &[R]) -> R {
    let Ok(y) = R::slice_rule(&Norm, x);
    if y[0].known() == Some(0.0) {
        // the kink, by the function that knows how to treat it at every order
        return x.iter().fold(R::lit(0.0), |norm, x| norm.hypot(*x));
    }
    y[0]
}
