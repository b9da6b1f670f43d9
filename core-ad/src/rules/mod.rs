//! The one table of partial derivatives.
//!
//! Duals, the tape, jets and recorded programs are generated from it, and the tests walk it: a function that is added here is
//! differentiated and tested everywhere. `x` is the argument, `y` the value already computed.

/// Calls `$apply!` with the functions whose derivative is algebraic in the argument, and then with what else is given.
macro_rules! algebraic_table {
    ($apply:ident $(, $($others:tt)*)?) => {
        $apply! {
            ln: |x, _y| x.recip();
            ln_1p: |x, _y| (x + 1.0).recip();
            asin: |x, _y| ((-x + 1.0) * (x + 1.0)).sqrt().recip();
            acos: |x, _y| -((-x + 1.0) * (x + 1.0)).sqrt().recip();
            atan: |x, _y| (x * x + 1.0).recip();
            asinh: |x, _y| x.hypot($crate::real::Num::lit(1.0)).recip();
            acosh: |x, _y| ((x - 1.0).sqrt() * (x + 1.0).sqrt()).recip();
            atanh: |x, _y| ((-x + 1.0) * (x + 1.0)).recip();
            $($($others)*)?
        }
    };
}

/// Calls `$apply!` with the table of functions of one argument: `name: |x, y| dy/dx`.
macro_rules! unary_table {
    ($apply:ident) => {
        $crate::rules::unary_table_but_circles! {
            $apply,
            sin: |x, _y| x.cos();
            cos: |x, _y| -x.sin();
        }
    };
}

/// The same without sine and cosine, which who evaluates value and slope at once has from one [`sin_cos`](crate::Num::sin_cos).
macro_rules! unary_table_but_circles {
    ($apply:ident $(, $($others:tt)*)?) => {
        $crate::rules::algebraic_table! {
            $apply,
            $($($others)*)?
            tan: |_x, y| y * y + 1.0;
            sinh: |x, _y| x.cosh();
            cosh: |x, _y| x.sinh();
            tanh: |_x, y| -(y * y) + 1.0;
            exp: |_x, y| y;
            exp_m1: |_x, y| y + 1.0;
            sqrt: |_x, y| (y * 2.0).recip();
            cbrt: |_x, y| $crate::rules::steep((y * y * 3.0).recip());
            recip: |_x, y| -(y * y);
        }
    };
}

/// Calls `$apply!` with the table of functions of two arguments: `name: |a, b, y| dy/da, dy/db`.
macro_rules! binary_table {
    ($apply:ident) => {
        $apply! {
            powf: |a, b, _y| $crate::rules::power_by_base(a, b, 0), a.power_log(b, 1);
            atan2: |a, b, _y| $crate::rules::over_square(b, a, b), $crate::rules::over_square(-a, a, b);
            hypot: |a, b, y| a.over_norm(y), b.over_norm(y);
        }
    };
}

/// Calls `$apply!` with the table of arithmetic: `Operator method Assigning assigning |a, b, y| a op b; dy/da, dy/db`.
macro_rules! arithmetic_table {
    ($apply:ident) => {
        $apply! {
            Add add AddAssign add_assign |a, b, _y| a + b; Num::lit(1.0), Num::lit(1.0);
            Sub sub SubAssign sub_assign |a, b, _y| a - b; Num::lit(1.0), Num::lit(-1.0);
            Mul mul MulAssign mul_assign |a, b, _y| a * b; b, a;
            Div div DivAssign div_assign |a, b, y| a / b; b.recip(), -y / b;
        }
    };
}

pub(crate) use {
    algebraic_table, arithmetic_table, binary_table, unary_table, unary_table_but_circles,
};

use crate::real::{Num, number};

/// `d (x^p ln^k x) / dx = p x^(p-1) ln^k x + k x^(p-1) ln^(k-1) x`, and exactly 0 for a constant power `x^0`.
#[track_caller]
pub(crate) fn power_by_base<T: Num>(x: T, p: T, k: u8) -> T {
    if k == 0 && x.known() == Some(0.0) && number(&p) < 0.5 && !p.is_constant_zero() {
        return steep(p * x.power_log(p - 1.0, 0));
    }
    if k > 0 && x.known() == Some(0.0) && number(&p) > 0.0 && number(&p) <= 1.0 {
        // of both terms the one with more logarithms: their difference would be inf - inf
        return T::lit(if k.is_multiple_of(2) { f64::INFINITY } else { f64::NEG_INFINITY });
    }
    let by_power = || p * x.power_log(p - 1.0, k);
    let by_logarithm = || x.power_log(p - 1.0, k - 1) * f64::from(k);
    match (p.is_constant_zero(), k) {
        (true, 0) => T::lit(0.0),
        (false, 0) => by_power(),
        (true, _) => by_logarithm(),
        (false, _) => by_power() + by_logarithm(),
    }
}

/// `x / (a^2 + b^2)`, whose squares need not be numbers that can be represented.
#[track_caller]
pub(crate) fn over_square<T: Num>(x: T, a: T, b: T) -> T {
    let r = a.hypot(b);
    x / r / r
}

/// A partial derivative that is undetermined where it is infinite, because the function is steeper there than a square root: what
/// it makes of an argument that is stationary, `cbrt(x^3)`, is no convention but a matter of the argument's higher
/// derivatives. NaN, in an expression that can be recorded.
pub(crate) fn steep<T: Num>(partial: T) -> T {
    partial + partial * 0.0
}

/// `d x^n / dx = n x^(n-1)`, and exactly 0 for `n = 0`.
#[track_caller]
pub(crate) fn integer_power<T: Num>(x: T, n: i32) -> T {
    if n == 0 { T::lit(0.0) } else { x.powi(n.saturating_sub(1)) * f64::from(n) }
}

/// Whether a value `y` that is differentiated through `partial` has to give up the derivatives that `T` itself carries.
///
/// Where a partial is infinite, or has a derivative that is, the function is not twice differentiable. The first derivative
/// there may still be the documented one; the tangents within `y` are then zeros of a convention, and a second derivative
/// made of them would be finite and wrong.
#[inline]
pub(crate) fn is_singular<T: Num>(y: T, partial: T) -> bool {
    T::ORDER > 0 && !partial.is_sound() && y.known().is_some_and(f64::is_finite)
}

/// What gives up the derivatives that it carries, unless it is a constant zero.
pub(crate) fn unless_constant<T: Num>(x: T) -> T {
    if x.is_constant_zero() { x } else { x.undifferentiable() }
}

/// A tangent times a partial derivative on the way from the inputs: exactly 0 where the tangent is a constant zero and the partial
/// is finite.
///
/// Where the partial is infinite, a tangent of zero settles nothing: `0 * inf` is NaN. The zero may be that of an argument that is
/// stationary (`sqrt(x^2)`), or stands at a kink (`sqrt |x|`), or does not move at all, and these have the slopes 0, infinity and 0.
#[inline]
#[track_caller]
pub(crate) fn along<T: Num>(tangent: T, partial: T) -> T {
    if tangent.is_constant_zero() && partial.is_sound() { tangent } else { tangent * partial }
}

/// A seed times a partial derivative: exactly 0 where the seed is a constant zero, so that what is not asked for does not
/// contribute, whatever pole it meets. Only for zeros that say so; one that was computed is no seed.
/// A cotangent times a partial derivative on the way back: exactly 0 where the first is a constant zero, so that a function's pole
/// does not turn an inactive input into NaN; and where a pole made the first infinite and the second is a constant zero, so
/// that what does not move the pole does not matter. NaN stays NaN.
#[inline]
#[track_caller]
pub(crate) fn chain<T: Num>(seed: T, partial: T) -> T {
    if seed.is_constant_zero() { seed } else { seed * partial }
}
