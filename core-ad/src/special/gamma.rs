//! The logarithm of the gamma function and its derivatives.

use std::f64::consts::PI;

use crate::real::Real;
use crate::rule::Rule;

/// `B_2k` for `k = 1..`.
const BERNOULLI: [f64; 10] = [
    1.0 / 6.0,
    -1.0 / 30.0,
    1.0 / 42.0,
    -1.0 / 30.0,
    5.0 / 66.0,
    -691.0 / 2730.0,
    7.0 / 6.0,
    -3617.0 / 510.0,
    43867.0 / 798.0,
    -174611.0 / 330.0,
];

/// From where on Stirling's series is exact to rounding.
pub(super) const LARGE: f64 = 10.0;

/// `ln Gamma(x) - (x - 1/2) ln x + x - ln sqrt(2 pi)` for `x >= LARGE`: DLMF 5.11.1.
pub(super) fn stirling_correction(x: f64) -> f64 {
    let square = x * x;
    let (mut power, mut series) = (x.recip(), 0.0);
    for (k, b) in (1_u32..).zip(BERNOULLI) {
        let two_k = f64::from(2 * k);
        series += b / (two_k * (two_k - 1.0)) * power;
        power /= square;
    }
    series
}

/// `cot(pi x)`, to relative accuracy far from 0 and next to its poles and zeros too: the integer or half next to `x` is taken off first.
fn cotangent(x: f64) -> f64 {
    let to_integer = x - x.round();
    let to_half = 0.5 - to_integer.abs();
    if to_half < 0.25 {
        (PI * to_half).tan().copysign(to_integer)
    } else {
        (PI * to_integer).tan().recip()
    }
}

/// `d^order/dx^order ln |Gamma(x)|`: `ln |Gamma|`, digamma, trigamma ...
#[derive(Clone, Debug)]
struct LnGamma {
    order: u32,
}

/// Digamma: reflection for negative `x`, recurrence to 10, then DLMF 5.11.2.
fn psi(x: f64) -> f64 {
    if x <= 0.0 {
        if x.fract() == 0.0 {
            return f64::NAN;
        }
        return psi(1.0 - x) - PI * cotangent(x);
    }
    let (mut at, mut sum) = (x, 0.0);
    while at < 10.0 {
        (sum, at) = (sum - 1.0 / at, at + 1.0);
    }
    let square = at * at;
    let (mut power, mut series) = (1.0, 0.0);
    for (k, b) in BERNOULLI.iter().enumerate() {
        power *= square;
        series += b / (2.0 * (k + 1) as f64 * power);
    }
    sum + at.ln() - 0.5 / at - series
}

/// `k! / x^m`, of which neither needs to be a number that can be represented.
fn factorial_over_power(k: u32, x: f64, m: u32) -> f64 {
    let factor = |j: u32| {
        let (up, down) = (if j <= k { f64::from(j) } else { 1.0 }, if j <= m { x } else { 1.0 });
        up / down
    };
    (1..=k.max(m)).map(factor).product()
}

/// `d^n/dx^n cot(pi x)`: a polynomial in the cotangent `c`, by `d/dx p(c) = -pi (1 + c^2) p'(c)`.
fn cotangent_derivative(n: u32, x: f64) -> f64 {
    let mut polynomial = vec![0.0, 1.0];
    for _ in 0..n {
        let slope: Vec<f64> = (1..polynomial.len()).map(|k| k as f64 * polynomial[k]).collect();
        polynomial = vec![0.0; slope.len() + 2];
        for (k, p) in slope.iter().enumerate() {
            polynomial[k] -= PI * p;
            polynomial[k + 2] -= PI * p;
        }
    }
    let c = cotangent(x);
    polynomial.iter().rev().fold(0.0, |sum, p| sum * c + p)
}

/// `psi^(n)`, `n >= 1`: reflection for negative `x`, DLMF 5.15.6; recurrence upwards, then DLMF 5.15.8.
fn psi_n(n: u32, x: f64) -> f64 {
    let sign = if n.is_multiple_of(2) { -1.0 } else { 1.0 };
    if x <= 0.0 {
        if x.fract() == 0.0 {
            return f64::NAN;
        }
        return -sign * psi_n(n, 1.0 - x) - PI * cotangent_derivative(n, x);
    }
    let order = f64::from(n);
    let (mut at, mut sum) = (x, 0.0);
    while at < 12.0 + order {
        (sum, at) = (sum + factorial_over_power(n, at, n + 1), at + 1.0);
    }
    // (2k + n - 1)! / (2k)! / x^(2k + n), from k = 0 on
    let mut ratio = factorial_over_power(n - 1, at, n);
    let mut series = ratio + factorial_over_power(n, at, n + 1) / 2.0;
    for (k, b) in (1_u32..).zip(BERNOULLI) {
        let two_k = f64::from(2 * k);
        ratio *= (two_k + order - 1.0) * (two_k + order - 2.0) / (two_k * (two_k - 1.0));
        ratio /= at * at;
        series += b * ratio;
    }
    sign * (sum + series)
}

impl Rule<1, 1> for LnGamma {
    fn primal(&self, [x]: [f64; 1]) -> [f64; 1] {
        [match self.order {
            0 => libm::lgamma(x),
            1 => psi(x),
            n => psi_n(n - 1, x),
        }]
    }
    fn jvp<R: Real>(&self, x: [R; 1], _: [R; 1], [x_dot]: [R; 1]) -> [R; 1] {
        [R::rule(&Self { order: self.order + 1 }, x)[0] * x_dot]
    }
    fn vjp<R: Real>(&self, x: [R; 1], y: [R; 1], y_bar: [R; 1]) -> [R; 1] {
        self.jvp(x, y, y_bar)
    }
}

/// `ln |Gamma(x)|`; infinite at 0, -1, -2 ...
#[track_caller]
pub fn ln_gamma<R: Real>(x: R) -> R {
    R::rule(&LnGamma { order: 0 }, [x])[0]
}

/// `psi = (ln Gamma)'`; NaN at 0, -1, -2 ...
#[track_caller]
pub fn digamma<R: Real>(x: R) -> R {
    R::rule(&LnGamma { order: 1 }, [x])[0]
}

/// `psi^(n)`, the `n`-th derivative of digamma; NaN at 0, -1, -2 ...
#[track_caller]
pub fn polygamma<R: Real>(n: u32, x: R) -> R {
    R::rule(&LnGamma { order: n + 1 }, [x])[0]
}

#[cfg(test)]
mod tests {
    use super::{digamma, polygamma};

    const EULER: f64 = 0.577_215_664_901_532_9;

    #[test]
    fn values_of_the_literature() {
        let near = |a: f64, b: f64| assert!((a - b).abs() <= 4e-15 * b.abs(), "{a} {b}");
        // Abramowitz & Stegun 6.3.2, 6.3.3, 6.4.2, 6.4.4 and their recurrences
        let ln2 = std::f64::consts::LN_2;
        let (pi2, zeta3) = (std::f64::consts::PI.powi(2), 1.202_056_903_159_594_3);
        near(digamma(1.0), -EULER);
        near(digamma(0.5), -EULER - 2.0 * ln2);
        near(digamma(-1.5), -EULER - 2.0 * ln2 + 2.0 + 2.0 / 3.0);
        // next to its zero: to the rounding of what cancels there
        let cancelled = digamma(-0.5) - (-EULER - 2.0 * ln2 + 2.0);
        assert!(cancelled.abs() <= 2.0 * f64::EPSILON * 2.0);
        near(polygamma(1, 1.0), pi2 / 6.0);
        near(polygamma(1, 0.5), pi2 / 2.0);
        near(polygamma(1, -0.5), pi2 / 2.0 + 4.0);
        near(polygamma(2, 1.0), -2.0 * zeta3);
        near(polygamma(3, 0.5), pi2 * pi2);
        assert!(digamma(-3.0_f64).is_nan());
    }
}
