//! The error function. Values from libm (musl), below 1 ulp.

use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI};

use crate::real::Real;
use crate::rule::Rule;

/// `erf`, or `1 - erf`.
#[derive(Clone, Debug)]
struct Erf {
    complement: bool,
}

impl Rule<1, 1> for Erf {
    fn primal(&self, [x]: [f64; 1]) -> [f64; 1] {
        [if self.complement { libm::erfc(x) } else { libm::erf(x) }]
    }
    /// `erf' = 2/sqrt(pi) exp(-x^2)`.
    fn jvp<R: Real>(&self, [x]: [R; 1], _: [R; 1], [x_dot]: [R; 1]) -> [R; 1] {
        let slope = if self.complement { -FRAC_2_SQRT_PI } else { FRAC_2_SQRT_PI };
        [(-(x * x)).exp() * slope * x_dot]
    }
    fn vjp<R: Real>(&self, x: [R; 1], y: [R; 1], y_bar: [R; 1]) -> [R; 1] {
        self.jvp(x, y, y_bar)
    }
}

/// `erf x = 2/sqrt(pi) int_0^x exp(-t^2) dt`.
#[track_caller]
pub fn erf<R: Real>(x: R) -> R {
    R::rule(&Erf { complement: false }, [x])[0]
}

/// `1 - erf x`, with full relative accuracy in the tail.
#[track_caller]
pub fn erfc<R: Real>(x: R) -> R {
    R::rule(&Erf { complement: true }, [x])[0]
}

/// Distribution function of the standard normal, with full relative accuracy in the lower tail.
#[track_caller]
pub fn normal_cdf<R: Real>(x: R) -> R {
    erfc(x * -FRAC_1_SQRT_2) * 0.5
}
