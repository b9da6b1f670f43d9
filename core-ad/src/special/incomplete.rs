//! Incomplete gamma and beta functions, regularised; their orders are numbers, by which they are not differentiated.
//!
//! Series and continued fractions: Press et al., "Numerical Recipes" (2007), section 6.2, the fractions by Lentz's method.

use std::f64::consts::PI;

use super::gamma::{LARGE, stirling_correction};
use crate::real::Real;
use crate::rule::Rule;

/// Terms of a series or fraction at most. Near the mean of a distribution of order `a` some nine roots of `a` are needed.
const TERMS: usize = 1_000_000;
/// Stands for a zero denominator in Lentz's method.
const TINY: f64 = 1e-300;

fn ln_gamma(a: f64) -> f64 {
    libm::lgamma(a)
}

/// `u - ln(1 + u)`.
fn bend<R: Real>(u: R) -> R {
    u - u.ln_1p()
}

/// `x^a e^-x / Gamma(a)`. For large `a` the powers are taken about the mean, where they cancel: `sqrt(a / 2 pi) e^(-a (u - ln(1 + u)))`
/// over Stirling's correction, `u = x/a - 1`.
fn gamma_front<R: Real>(a: f64, x: R) -> R {
    if a < LARGE {
        return (x.ln() * a - x - ln_gamma(a)).exp();
    }
    (bend((x - a) / a) * -a - stirling_correction(a)).exp() * (a / (2.0 * PI)).sqrt()
}

/// `ln B(a, b)`.
fn ln_beta(a: f64, b: f64) -> f64 {
    let (small, large) = (a.min(b), a.max(b));
    if large < LARGE {
        return ln_gamma(a) + ln_gamma(b) - ln_gamma(a + b);
    }
    let (both, half) = (small + large, large - 0.5);
    let ratio = small - small * both.ln() - half * (small / large).ln_1p();
    ln_gamma(small) + ratio + stirling_correction(large) - stirling_correction(both)
}

/// `x^a (1 - x)^b / B(a, b)`, for large `a` and `b` about the mean as in [`gamma_front`].
fn beta_front<R: Real>(a: f64, b: f64, x: R) -> R {
    if a.min(b) < LARGE {
        return (x.ln() * a + (-x).ln_1p() * b - ln_beta(a, b)).exp();
    }
    let away = x * b - (-x + 1.0) * a;
    let powers = bend(away / a) * -a - bend(away / -b) * b;
    let corrections = stirling_correction(a + b) - stirling_correction(a) - stirling_correction(b);
    (powers + corrections).exp() * (a / (2.0 * PI) * (b / (a + b))).sqrt()
}

/// A continued fraction `b_0 + a_1 / (b_1 + a_2 / (b_2 + ...))` by Lentz's method; `term(k)` is `(a_k, b_k)`. NaN where it has not
/// converged.
fn fraction(first: f64, term: impl Fn(f64) -> (f64, f64)) -> f64 {
    let guarded = |v: f64| if v.abs() < TINY { TINY } else { v };
    let mut value = guarded(first);
    let (mut c, mut d) = (value, 0.0);
    for k in 1..TERMS {
        let (a, b) = term(k as f64);
        d = guarded(b + a * d).recip();
        c = guarded(b + a / c);
        value *= c * d;
        if (c * d - 1.0).abs() < f64::EPSILON {
            return value;
        }
    }
    f64::NAN
}

/// `sum_k x^k / (a (a + 1) ... (a + k))`; NaN where it has not converged.
fn lower_series(a: f64, x: f64) -> f64 {
    let (mut sum, mut term) = (a.recip(), a.recip());
    for k in 1..TERMS {
        term *= x / (a + k as f64);
        sum += term;
        if term < sum * 1e-17 {
            return sum;
        }
    }
    f64::NAN
}

/// `P(a, x)`, or `Q = 1 - P`.
#[derive(Clone, Debug)]
struct IncompleteGamma {
    a: f64,
    complement: bool,
}

impl Rule<1, 1> for IncompleteGamma {
    fn primal(&self, [x]: [f64; 1]) -> [f64; 1] {
        let Self { a, complement } = *self;
        if x.is_nan() || x < 0.0 || a.is_nan() || a <= 0.0 {
            return [f64::NAN];
        }
        if x == 0.0 || x.is_infinite() {
            return [f64::from(u8::from((x > 0.0) != complement))];
        }
        let front = gamma_front(a, x);
        let (value, is_upper) = if x < a + 1.0 {
            (front * lower_series(a, x), false)
        } else {
            let term = |k: f64| (-k * (k - a), x + 2.0 * k + 1.0 - a);
            (front / fraction(x + 1.0 - a, term), true)
        };
        [if is_upper == complement { value } else { 1.0 - value }]
    }
    /// `x^(a-1) e^-x / Gamma(a)`.
    fn jvp<R: Real>(&self, [x]: [R; 1], _: [R; 1], [x_dot]: [R; 1]) -> [R; 1] {
        let sign = if self.complement { -1.0 } else { 1.0 };
        let power = if x > 0.0 {
            gamma_front(self.a, x) / x
        } else {
            x.powf(R::lit(self.a - 1.0)) * (-x - ln_gamma(self.a)).exp()
        };
        [power * sign * x_dot]
    }
    fn vjp<R: Real>(&self, x: [R; 1], y: [R; 1], y_bar: [R; 1]) -> [R; 1] {
        self.jvp(x, y, y_bar)
    }
}

/// `P(a, x) = int_0^x t^(a-1) e^-t dt / Gamma(a)`, the distribution function of a gamma variable of shape `a > 0`; NaN for `x < 0`,
/// and near the mean of shapes beyond 1e10, where neither series converges.
///
/// # Derivative
/// By `x`; infinite at 0 for `a < 1`.
#[track_caller]
pub fn gamma_p<R: Real>(a: f64, x: R) -> R {
    R::rule(&IncompleteGamma { a, complement: false }, [x])[0]
}

/// `1 - P(a, x)`, with full relative accuracy in the upper tail.
#[track_caller]
pub fn gamma_q<R: Real>(a: f64, x: R) -> R {
    R::rule(&IncompleteGamma { a, complement: true }, [x])[0]
}

/// `I_x(a, b)`.
#[derive(Clone, Debug)]
struct IncompleteBeta {
    a: f64,
    b: f64,
}

/// `I_x(a, b) B(a, b) / (x^a y^b)` below the mean of the distribution, where the fraction converges fast: DiDonato & Morris,
/// *ACM Trans. Math. Softw.* 18, 360 (1992), eq. 9. It takes `y = 1 - x` and `away = a y - b x`, which the caller knows better than
/// it could find them again where one of them is small.
fn lower(a: f64, b: f64, [x, y]: [f64; 2], away: f64) -> f64 {
    let term = |n: f64| {
        let [odd, even] = [a + 2.0 * n - 1.0, a + 2.0 * n];
        let product = (a + n - 1.0) / odd * ((a + b + n - 1.0) / odd) * (n * (b - n)) * x * x;
        let next = (a + n) / (even + 1.0) * (away + 1.0 + n * (1.0 + y));
        (product, n + n * (b - n) * x / odd + next)
    };
    fraction(a / (a + 1.0) * (away + 1.0), term).recip()
}

impl Rule<1, 1> for IncompleteBeta {
    fn primal(&self, [x]: [f64; 1]) -> [f64; 1] {
        let Self { a, b } = *self;
        let inside = (0.0..=1.0).contains(&x) && a > 0.0 && b > 0.0;
        [match x {
            _ if !inside => f64::NAN,
            0.0 | 1.0 => x,
            x => {
                let (y, front) = (1.0 - x, beta_front(a, b, x));
                let away = a * y - b * x;
                if away > 0.0 {
                    front * lower(a, b, [x, y], away)
                } else {
                    1.0 - front * lower(b, a, [y, x], -away)
                }
            }
        }]
    }
    /// `x^(a-1) (1 - x)^(b-1) / B(a, b)`.
    fn jvp<R: Real>(&self, [x]: [R; 1], _: [R; 1], [x_dot]: [R; 1]) -> [R; 1] {
        let Self { a, b } = *self;
        if x > 0.0 && x < 1.0 {
            return [beta_front(a, b, x) / (x * (-x + 1.0)) * x_dot];
        }
        let powers = x.powf(R::lit(a - 1.0)) * (-x + 1.0).powf(R::lit(b - 1.0));
        [powers * (-ln_beta(a, b)).exp() * x_dot]
    }
    fn vjp<R: Real>(&self, x: [R; 1], y: [R; 1], y_bar: [R; 1]) -> [R; 1] {
        self.jvp(x, y, y_bar)
    }
}

/// `I_x(a, b) = int_0^x t^(a-1) (1-t)^(b-1) dt / B(a, b)`, the distribution function of a beta variable; NaN outside of `[0, 1]`, and
/// where the fraction does not converge, near the mean of orders beyond 1e10.
///
/// # Derivative
/// By `x`; infinite at 0 for `a < 1` and at 1 for `b < 1`.
#[track_caller]
pub fn beta_inc<R: Real>(a: f64, b: f64, x: R) -> R {
    R::rule(&IncompleteBeta { a, b }, [x])[0]
}
