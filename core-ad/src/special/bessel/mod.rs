//! Bessel functions of real order, ordinary of the first kind and modified of both.
//!
//! Orders are numbers, by which they are not differentiated: the derivative by the order is no combination of functions of
//! other orders, and a type that carries derivatives is not taken for one.

mod first_kind;
mod modified;

use crate::real::Real;
use crate::rule::Rule;

/// `J_v`, or `I_v`: both are `(x/2)^v / Gamma(v + 1)` times a series in `-+ x^2/4`.
#[derive(Clone, Debug)]
struct Regular {
    order: f64,
    is_modified: bool,
}

impl Regular {
    /// The function at `x >= 0` and an order that is not negative.
    fn value(&self, order: f64, x: f64) -> f64 {
        if self.is_modified { modified::first(order, x) } else { first_kind::value(order, x) }
    }

    fn of<R: Real>(&self, order: f64, x: R) -> R {
        let [y] = R::rule(&Self { order, ..*self }, [x]);
        y
    }
}

/// Of an integer.
fn is_odd(order: f64) -> bool {
    (0.5 * order).fract() != 0.0
}

impl Rule<1, 1> for Regular {
    fn primal(&self, [x]: [f64; 1]) -> [f64; 1] {
        let order = self.order;
        let is_integer = order.fract() == 0.0;
        if !(is_integer || order > 0.0 && x >= 0.0) || !order.is_finite() {
            return [f64::NAN];
        }
        // J_(-n) = (-1)^n J_n, I_(-n) = I_n, and both are even or odd in x as n is
        let turns = u8::from(x < 0.0) + u8::from(order < 0.0 && !self.is_modified);
        let sign = if is_odd(order) && turns == 1 { -1.0 } else { 1.0 };
        [sign * self.value(order.abs(), x.abs())]
    }
    /// `J_v' = (J_(v-1) - J_(v+1)) / 2`, `I_v' = (I_(v-1) + I_(v+1)) / 2`; where the order `v - 1` is negative and no integer,
    /// `v/x J_v - J_(v+1)`, and at 0 the derivative of `(x/2)^v / Gamma(v + 1)`.
    fn jvp<R: Real>(&self, [x]: [R; 1], [y]: [R; 1], [x_dot]: [R; 1]) -> [R; 1] {
        let order = self.order;
        let sign = if self.is_modified { 1.0 } else { -1.0 };
        let after = self.of(order + 1.0, x) * sign;
        let slope = if order <= 0.0 || order >= 1.0 {
            (self.of(order - 1.0, x) + after) * 0.5
        } else if x > 0.0 {
            y * order / x + after
        } else {
            x.powf(R::lit(order - 1.0)) * (0.5_f64.powf(order) / libm::tgamma(order))
        };
        [slope * x_dot]
    }
    fn vjp<R: Real>(&self, x: [R; 1], y: [R; 1], y_bar: [R; 1]) -> [R; 1] {
        self.jvp(x, y, y_bar)
    }
}

/// `J_v(x)`, to some 13 digits of its size `sqrt(2 / pi x)`. NaN where the order is negative and no integer, and for `x < 0` where
/// it is none.
///
/// # Derivative
/// By `x`; at 0 infinite where the order lies between 0 and 1, as that of `x^v` is.
///
/// ```
/// use cotangent_ad::{grad, special::bessel_j};
/// // J_(1/2) = sqrt(2 / pi x) sin x
/// let half = |x: f64| (2.0 / (std::f64::consts::PI * x)).sqrt() * x.sin();
/// assert!((bessel_j(0.5, 3.0) - half(3.0)).abs() < 1e-15);
/// assert_eq!(grad(|x| bessel_j(1, x[0]), &[0.0]), [0.5]);
/// ```
#[track_caller]
pub fn bessel_j<R: Real>(order: impl Into<f64>, x: R) -> R {
    R::rule(&Regular { order: order.into(), is_modified: false }, [x])[0]
}

/// `I_v(x)`, to some 13 digits; infinite beyond about 713, where it overflows. NaN where [`bessel_j`] is.
///
/// # Derivative
/// As that of [`bessel_j`].
#[track_caller]
pub fn bessel_i<R: Real>(order: impl Into<f64>, x: R) -> R {
    R::rule(&Regular { order: order.into(), is_modified: true }, [x])[0]
}

/// `K_v`.
#[derive(Clone, Debug)]
struct Decaying {
    order: f64,
}

impl Rule<1, 1> for Decaying {
    fn primal(&self, [x]: [f64; 1]) -> [f64; 1] {
        [modified::second(self.order.abs(), x)]
    }
    /// `K_v' = -(K_(v-1) + K_(v+1)) / 2`.
    fn jvp<R: Real>(&self, [x]: [R; 1], _: [R; 1], [x_dot]: [R; 1]) -> [R; 1] {
        let [[before], [after]] =
            [-1.0, 1.0].map(|step| R::rule(&Self { order: self.order + step }, [x]));
        [(before + after) * -0.5 * x_dot]
    }
    fn vjp<R: Real>(&self, x: [R; 1], y: [R; 1], y_bar: [R; 1]) -> [R; 1] {
        self.jvp(x, y, y_bar)
    }
}

/// `K_v(x) = K_(-v)(x)`, to some 13 digits; 0 beyond about 745, where it underflows. NaN for `x < 0`.
///
/// # Derivative
/// By `x`; value and derivative are infinite at 0.
///
/// ```
/// use cotangent_ad::{grad, special::bessel_k};
/// // K_(1/2) = sqrt(pi / 2 x) e^-x, whose logarithm has the slope -1 - 1 / 2 x
/// let slope = grad(|x| bessel_k(0.5, x[0]).ln(), &[2.0])[0];
/// assert!((slope + 1.25).abs() < 1e-14);
/// # use cotangent_ad::Num;
/// ```
#[track_caller]
pub fn bessel_k<R: Real>(order: impl Into<f64>, x: R) -> R {
    R::rule(&Decaying { order: order.into() }, [x])[0]
}
