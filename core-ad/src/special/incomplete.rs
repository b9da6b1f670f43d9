//! Incomplete gamma and beta functions, regularised; their orders are numbers, by which they are not differentiated.
//!
//! Series and continued fractions: Press et al., "Numerical Recipes" (2007), sections 6.2 and 6.4, the fractions by Lentz's method.

use crate::real::Real;
use crate::rule::Rule;

/// Terms of a series or fraction at most.
const TERMS: usize = 10_000;
/// Stands for a zero denominator in Lentz's method.
const TINY: f64 = 1e-300;

fn ln_gamma(a: f64) -> f64 {
    libm::lgamma(a)
}

/// A continued fraction `b_0 + a_1 / (b_1 + a_2 / (b_2 + ...))` by Lentz's method; `term(k)` is `(a_k, b_k)`.
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
            break;
        }
    }
    value
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
        let density = (a * x.ln() - x - ln_gamma(a)).exp();
        let (value, is_upper) = if x < a + 1.0 {
            let (mut sum, mut term) = (a.recip(), a.recip());
            for k in 1..TERMS {
                term *= x / (a + k as f64);
                sum += term;
                if term < sum * 1e-17 {
                    break;
                }
            }
            (density * sum, false)
        } else {
            let term = |k: f64| (-k * (k - a), x + 2.0 * k + 1.0 - a);
            (density / fraction(x + 1.0 - a, term), true)
        };
        [if is_upper == complement { value } else { 1.0 - value }]
    }
    /// `x^(a-1) e^-x / Gamma(a)`.
    fn jvp<R: Real>(&self, [x]: [R; 1], _: [R; 1], [x_dot]: [R; 1]) -> [R; 1] {
        let sign = if self.complement { -1.0 } else { 1.0 };
        let power = if x > 0.0 {
            (x.ln() * (self.a - 1.0) - x - ln_gamma(self.a)).exp()
        } else {
            x.powf(R::lit(self.a - 1.0)) * (-x - ln_gamma(self.a)).exp()
        };
        [power * sign * x_dot]
    }
    fn vjp<R: Real>(&self, x: [R; 1], y: [R; 1], y_bar: [R; 1]) -> [R; 1] {
        self.jvp(x, y, y_bar)
    }
}

/// `P(a, x) = int_0^x t^(a-1) e^-t dt / Gamma(a)`, the distribution function of a gamma variable of shape `a > 0`; NaN for `x < 0`.
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

/// `I_x(a, b)` below the mean of the distribution, where the fraction converges fast.
fn lower(a: f64, b: f64, x: f64) -> f64 {
    let ln_beta = ln_gamma(a) + ln_gamma(b) - ln_gamma(a + b);
    let front = (a * x.ln() + b * (-x).ln_1p() - ln_beta).exp() / a;
    let term = |k: f64| {
        let m = (0.5 * k).floor();
        let numerator = if k % 2.0 == 0.0 {
            m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m))
        } else {
            -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0))
        };
        (numerator, 1.0)
    };
    front / fraction(1.0, term)
}

impl Rule<1, 1> for IncompleteBeta {
    fn primal(&self, [x]: [f64; 1]) -> [f64; 1] {
        let Self { a, b } = *self;
        let inside = (0.0..=1.0).contains(&x) && a > 0.0 && b > 0.0;
        [match x {
            _ if !inside => f64::NAN,
            0.0 | 1.0 => x,
            x if x < (a + 1.0) / (a + b + 2.0) => lower(a, b, x),
            x => 1.0 - lower(b, a, 1.0 - x),
        }]
    }
    /// `x^(a-1) (1 - x)^(b-1) / B(a, b)`.
    fn jvp<R: Real>(&self, [x]: [R; 1], _: [R; 1], [x_dot]: [R; 1]) -> [R; 1] {
        let Self { a, b } = *self;
        let ln_beta = ln_gamma(a) + ln_gamma(b) - ln_gamma(a + b);
        let powers = x.powf(R::lit(a - 1.0)) * (-x + 1.0).powf(R::lit(b - 1.0));
        [powers * (-ln_beta).exp() * x_dot]
    }
    fn vjp<R: Real>(&self, x: [R; 1], y: [R; 1], y_bar: [R; 1]) -> [R; 1] {
        self.jvp(x, y, y_bar)
    }
}

/// `I_x(a, b) = int_0^x t^(a-1) (1-t)^(b-1) dt / B(a, b)`, the distribution function of a beta variable; NaN outside of `[0, 1]`.
///
/// # Derivative
/// By `x`; infinite at 0 for `a < 1` and at 1 for `b < 1`.
#[track_caller]
pub fn beta_inc<R: Real>(a: f64, b: f64, x: R) -> R {
    R::rule(&IncompleteBeta { a, b }, [x])[0]
}
