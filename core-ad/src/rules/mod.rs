//! The one table of partial derivatives.
//!
//! Duals and the tape are generated from it, and the tests walk it: a function that is added here is differentiated
//! and tested everywhere. `x` is the argument, `y` the value already computed.

/// Calls `$apply!` with the table of functions of one argument: `name: |x, y| dy/dx`.
macro_rules! unary_table {
    ($apply:ident) => {
        $apply! {
            sin: |x, _y| x.cos();
            cos: |x, _y| -x.sin();
            tan: |_x, y| y * y + 1.0;
            asin: |x, _y| (-(x * x) + 1.0).sqrt().recip();
            acos: |x, _y| -(-(x * x) + 1.0).sqrt().recip();
            atan: |x, _y| (x * x + 1.0).recip();
            sinh: |x, _y| x.cosh();
            cosh: |x, _y| x.sinh();
            tanh: |_x, y| -(y * y) + 1.0;
            asinh: |x, _y| (x * x + 1.0).sqrt().recip();
            acosh: |x, _y| (x * x - 1.0).sqrt().recip();
            atanh: |x, _y| (-(x * x) + 1.0).recip();
            exp: |_x, y| y;
            exp_m1: |_x, y| y + 1.0;
            ln: |x, _y| x.recip();
            ln_1p: |x, _y| (x + 1.0).recip();
            sqrt: |_x, y| (y * 2.0).recip();
            cbrt: |_x, y| (y * y * 3.0).recip();
            recip: |_x, y| -(y * y);
            abs: |x, _y| x.sign();
        }
    };
}

/// Calls `$apply!` with the table of functions of two arguments: `name: |a, b, y| dy/da, dy/db`.
macro_rules! binary_table {
    ($apply:ident) => {
        $apply! {
            powf: |a, b, y| $crate::rules::power_by_base(a, b), $crate::rules::power_by_exponent(a, y);
            atan2: |a, b, _y| b / (a * a + b * b), -a / (a * a + b * b);
            hypot: |a, b, y| $crate::rules::over_norm(a, y), $crate::rules::over_norm(b, y);
        }
    };
}

pub(crate) use {binary_table, unary_table};

use crate::real::Num;

/// `d x^p / dx = p x^(p-1)`, and exactly 0 for a constant exponent 0.
#[track_caller]
pub(crate) fn power_by_base<T: Num>(x: T, p: T) -> T {
    if p.is_constant_zero() { T::lit(0.0) } else { p * x.powf(p - 1.0) }
}

/// `d x^p / dp = x^p ln x`, and 0 where `x^p` is 0.
#[track_caller]
pub(crate) fn power_by_exponent<T: Num>(x: T, y: T) -> T {
    if y.is_constant_zero() || x.is_constant_zero() { T::lit(0.0) } else { y * x.ln() }
}

/// `a / |(a, b)|`, and 0 at the origin.
#[track_caller]
pub(crate) fn over_norm<T: Num>(a: T, norm: T) -> T {
    if norm.is_constant_zero() { T::lit(0.0) } else { a / norm }
}

/// `d x^n / dx = n x^(n-1)`, and exactly 0 for `n = 0`.
#[track_caller]
pub(crate) fn integer_power<T: Num>(x: T, n: i32) -> T {
    if n == 0 { T::lit(0.0) } else { x.powi(n - 1) * f64::from(n) }
}

/// A tangent or cotangent times a partial derivative: exactly 0 where the first is a constant zero, so that a
/// function's pole does not turn an inactive input into NaN.
#[inline]
#[track_caller]
pub(crate) fn chain<T: Num>(sensitivity: T, partial: T) -> T {
    if sensitivity.is_constant_zero() { sensitivity } else { sensitivity * partial }
}
