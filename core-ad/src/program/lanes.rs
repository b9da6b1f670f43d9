//! Eight values side by side, and the functions that are worth vectorising.
//!
//! The loops over lanes are plain Rust: compiled inside a function with wider target features they become vector code.
//! Errors of the own functions, measured on a million points each against `f64`'s (see the tests): `exp`, `ln`, `sin`, `cos` 2 ulp,
//! `tanh` 3 ulp. All other functions are `f64`'s, lane by lane.

#![expect(
    clippy::inline_always,
    reason = "vector code is made where it is inlined into a function with the target features"
)]

use std::array::from_fn;
use std::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Sub, SubAssign};

use super::graph::Binary;
use super::traced::evaluate;
use crate::real::Num;
use crate::rules::unary_table;

/// Number of lanes.
pub(super) const LANES: usize = 8;

/// What a replay computes with: one value or a pack of them.
pub(super) trait Lane: Num {
    /// `self * b + c`.
    fn fused(self, b: Self, c: Self) -> Self;
    /// The same value everywhere.
    fn splat(v: f64) -> Self;
    /// A function of two arguments that is not an operator.
    fn apply(op: Binary, a: Self, b: Self) -> Self;
}

impl Lane for f64 {
    #[inline(always)]
    fn fused(self, b: f64, c: f64) -> f64 {
        self * b + c
    }
    #[inline(always)]
    fn splat(v: f64) -> f64 {
        v
    }
    #[inline(always)]
    fn apply(op: Binary, a: f64, b: f64) -> f64 {
        evaluate(op, a, b)
    }
}

/// Eight lanes; `FMA` where the processor multiplies and adds in one instruction.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(super) struct Pack<const FMA: bool>(pub(super) [f64; LANES]);

impl<const FMA: bool> Pack<FMA> {
    #[inline(always)]
    fn map(self, f: impl Fn(f64) -> f64) -> Self {
        Self(from_fn(|l| f(self.0[l])))
    }
    #[inline(always)]
    fn zip(self, o: Self, f: impl Fn(f64, f64) -> f64) -> Self {
        Self(from_fn(|l| f(self.0[l], o.0[l])))
    }
}

impl<const FMA: bool> Lane for Pack<FMA> {
    #[inline(always)]
    fn fused(self, b: Self, c: Self) -> Self {
        Self(from_fn(|l| fma::<FMA>(self.0[l], b.0[l], c.0[l])))
    }
    #[inline(always)]
    fn splat(v: f64) -> Self {
        Self([v; LANES])
    }
    #[inline(always)]
    fn apply(op: Binary, a: Self, b: Self) -> Self {
        match op {
            Binary::Max => a.zip(b, |a, b| if b > a { b } else { a }),
            Binary::Min => a.zip(b, |a, b| if b < a { b } else { a }),
            Binary::Greater => a.zip(b, |a, b| if a > b { 1.0 } else { 0.0 }),
            Binary::Masked => a.zip(b, |a, b| if a == 0.0 { 0.0 } else { a * b }),
            op => a.zip(b, |a, b| evaluate(op, a, b)),
        }
    }
}

/// `a b + c`: one rounding where there is the instruction, else two. Without it `f64::mul_add` is a slow library call.
#[inline(always)]
fn fma<const FMA: bool>(a: f64, b: f64, c: f64) -> f64 {
    if FMA { a.mul_add(b, c) } else { a * b + c }
}

/// `c[0] + x (c[1] + x (...))`.
#[inline(always)]
fn horner<const FMA: bool, const N: usize>(x: f64, c: &[f64; N]) -> f64 {
    let mut y = c[N - 1];
    for k in (0..N - 1).rev() {
        y = fma::<FMA>(y, x, c[k]);
    }
    y
}

/// Adding it rounds to an integer that stands in the low bits.
const ROUNDER: f64 = 6_755_399_441_055_744.0;
const LN2_HIGH: f64 = 6.931_471_803_691_238e-1;
const LN2_LOW: f64 = 1.908_214_929_270_587_7e-10;
/// `1 / k!`.
const EXP: [f64; 14] = [
    1.0,
    1.0,
    0.5,
    1.666_666_666_666_666_6e-1,
    4.166_666_666_666_666_4e-2,
    8.333_333_333_333_333e-3,
    1.388_888_888_888_889e-3,
    1.984_126_984_126_984e-4,
    2.480_158_730_158_73e-5,
    2.755_731_922_398_589_3e-6,
    2.755_731_922_398_589e-7,
    2.505_210_838_544_172e-8,
    2.087_675_698_786_81e-9,
    1.605_904_383_682_161_3e-10,
];

/// `2^n` for an integer `n` of `-1022..=1023` that was rounded by adding [`ROUNDER`], given the sum's bits.
#[inline(always)]
fn power_of_two(bits: u64) -> f64 {
    f64::from_bits((bits << 52).wrapping_add(1023 << 52))
}

/// `exp x = 2^n exp(x - n ln 2)`, in two factors so that it may end among the subnormal numbers.
#[inline(always)]
fn exp<const FMA: bool>(x: f64) -> f64 {
    let x = if x > 710.0 { 710.0 } else { x };
    let x = if x < -746.0 { -746.0 } else { x };
    let n = fma::<FMA>(x, std::f64::consts::LOG2_E, ROUNDER) - ROUNDER;
    let r = fma::<FMA>(-n, LN2_LOW, fma::<FMA>(-n, LN2_HIGH, x));
    let half = fma::<FMA>(n, 0.5, ROUNDER);
    let other = (n - (half - ROUNDER)) + ROUNDER;
    horner::<FMA, 14>(r, &EXP) * power_of_two(half.to_bits()) * power_of_two(other.to_bits())
}

/// fdlibm's `e_log.c`: `ln(2^k (1 + f)) = k ln 2 + f - (f^2/2 - s (f^2/2 + R(s^2)))`, `s = f / (2 + f)`.
const LN: [f64; 7] = [
    6.666_666_666_666_735e-1,
    3.999_999_999_940_942e-1,
    2.857_142_874_366_239e-1,
    2.222_219_843_214_978_4e-1,
    1.818_357_216_161_805e-1,
    1.531_383_769_920_937_3e-1,
    1.479_819_860_511_658_6e-1,
];

#[inline(always)]
fn ln<const FMA: bool>(x: f64) -> f64 {
    let tiny = x < f64::MIN_POSITIVE;
    let scaled = if tiny { x * 18_014_398_509_481_984.0 } else { x };
    let bits = scaled.to_bits();
    // mantissa in sqrt(1/2) .. sqrt 2
    let shifted = bits.wrapping_add(0x3ff0_0000_0000_0000 - 0x3fe6_a09e_667f_3bcd);
    let exponent = (shifted >> 52) | 0x4330_0000_0000_0000;
    let k = f64::from_bits(exponent) - (4_503_599_627_370_496.0 + 1023.0);
    let k = if tiny { k - 54.0 } else { k };
    let mantissa = (shifted & 0x000f_ffff_ffff_ffff).wrapping_add(0x3fe6_a09e_667f_3bcd);
    let f = f64::from_bits(mantissa) - 1.0;
    let s = f / (2.0 + f);
    let z = s * s;
    let r = z * horner::<FMA, 7>(z, &LN);
    let h = 0.5 * f * f;
    let y = k * LN2_HIGH - ((h - (s * (h + r) + k * LN2_LOW)) - f);
    let y = if x == f64::INFINITY { x } else { y };
    let y = if x == 0.0 { f64::NEG_INFINITY } else { y };
    if x >= 0.0 { y } else { f64::NAN }
}

/// Largest argument that is reduced here.
const REDUCED_UP_TO: f64 = 1e5;
/// fdlibm's `k_sin.c` and `k_cos.c`, for arguments up to pi/4.
const SIN: [f64; 6] = [
    -1.666_666_666_666_663_2e-1,
    8.333_333_333_322_49e-3,
    -1.984_126_982_985_795e-4,
    2.755_731_370_707_006_8e-6,
    -2.505_076_025_340_686_3e-8,
    1.589_690_995_211_55e-10,
];
const COS: [f64; 6] = [
    4.166_666_666_666_66e-2,
    -1.388_888_888_887_411e-3,
    2.480_158_728_947_673e-5,
    -2.755_731_435_139_066_3e-7,
    2.087_572_321_298_175e-9,
    -1.135_964_755_778_819_5e-11,
];
/// Parts of pi/2 of 33 bits each, so that their products with the multiple are exact.
const HALF_PI: [f64; 3] =
    [1.570_796_326_734_125_6, 6.077_100_506_303_966e-11, 2.022_266_248_795_950_6e-21];

/// Sine for `shift` 0, cosine for 1.
#[inline(always)]
fn sine<const FMA: bool>(x: f64, shift: u64) -> f64 {
    let n = fma::<FMA>(x, std::f64::consts::FRAC_2_PI, ROUNDER);
    let quadrant = n.to_bits().wrapping_add(shift);
    let n = n - ROUNDER;
    let high = fma::<FMA>(-n, HALF_PI[0], x);
    let middle = n * HALF_PI[1];
    let r = high - middle;
    // what the subtraction lost, and the third part
    let tail = ((high - r) - middle) - n * HALF_PI[2];
    let z = r * r;
    let s = fma::<FMA>(r * z, horner::<FMA, 6>(z, &SIN), tail) + r;
    let h = 0.5 * z;
    let w = 1.0 - h;
    let c = w + (((1.0 - w) - h) + (z * z * horner::<FMA, 6>(z, &COS) - r * tail));
    let y = if quadrant & 1 == 0 { s } else { c };
    if quadrant & 2 == 0 { y } else { -y }
}

/// Cephes' `tanh.c`: a rational function near 0, `1 - 2 / (exp 2|x| + 1)` beyond.
#[inline(always)]
fn tanh<const FMA: bool>(x: f64) -> f64 {
    const P: [f64; 3] =
        [-1.614_687_684_417_084_5e3, -9.928_772_310_019_185e1, -9.643_991_794_250_523e-1];
    const Q: [f64; 4] =
        [4.844_063_053_251_255e3, 2.235_488_390_601_004_5e3, 1.128_116_784_916_329_3e2, 1.0];
    let z = x * x;
    let small = x * (1.0 + z * (horner::<FMA, 3>(z, &P) / horner::<FMA, 4>(z, &Q)));
    let a = x.abs();
    let large = (1.0 - 2.0 / (exp::<FMA>(2.0 * a) + 1.0)).copysign(x);
    if a < 0.625 { small } else { large }
}

macro_rules! operator {
    ($($op:ident $method:ident $assign:ident $assigning:ident;)*) => { $(
        impl<const FMA: bool> $op for Pack<FMA> {
            type Output = Self;
            #[inline(always)]
            fn $method(self, o: Self) -> Self {
                self.zip(o, |a, b| a.$method(b))
            }
        }
        impl<const FMA: bool> $op<f64> for Pack<FMA> {
            type Output = Self;
            #[inline(always)]
            fn $method(self, o: f64) -> Self {
                self.map(|a| a.$method(o))
            }
        }
        impl<const FMA: bool> $assign for Pack<FMA> {
            #[inline(always)]
            fn $assigning(&mut self, o: Self) {
                *self = self.$method(o);
            }
        }
    )* };
}
operator! {
    Add add AddAssign add_assign;
    Sub sub SubAssign sub_assign;
    Mul mul MulAssign mul_assign;
    Div div DivAssign div_assign;
}

impl<const FMA: bool> Neg for Pack<FMA> {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        self.map(|a| -a)
    }
}

macro_rules! functions {
    ($($name:ident: |$x:ident, $y:ident| $partial:expr;)*) => {
        $(functions!(@one $name);)*
    };
    (@one exp) => { own!(exp); };
    (@one ln) => { own!(ln); };
    (@one tanh) => { own!(tanh); };
    (@one sin) => {
        #[inline(always)]
        fn sin(self) -> Self {
            self.turned(0, f64::sin)
        }
    };
    (@one cos) => {
        #[inline(always)]
        fn cos(self) -> Self {
            self.turned(1, f64::cos)
        }
    };
    (@one $name:ident) => {
        #[inline]
        fn $name(self) -> Self {
            self.map(Num::$name)
        }
    };
}
macro_rules! own {
    ($name:ident) => {
        #[inline(always)]
        fn $name(self) -> Self {
            self.map($name::<FMA>)
        }
    };
}

impl<const FMA: bool> Pack<FMA> {
    /// Sine or cosine; lanes beyond the reduction's reach by `exact`.
    #[inline(always)]
    fn turned(self, shift: u64, exact: fn(f64) -> f64) -> Self {
        let mut reach = true;
        for l in 0..LANES {
            reach &= self.0[l].abs() <= REDUCED_UP_TO;
        }
        if reach { self.map(|x| sine::<FMA>(x, shift)) } else { self.map(exact) }
    }
}

impl<const FMA: bool> Num for Pack<FMA> {
    #[inline(always)]
    fn lit(v: f64) -> Self {
        Self([v; LANES])
    }
    fn is_constant_zero(&self) -> bool {
        self.0.iter().all(|x| *x == 0.0)
    }
    unary_table!(functions);
    fn sign(self) -> Self {
        self.map(Num::sign)
    }
    fn powi(self, n: i32) -> Self {
        self.map(|x| x.powi(n))
    }
    fn powf(self, p: Self) -> Self {
        self.zip(p, f64::powf)
    }
    fn atan2(self, x: Self) -> Self {
        self.zip(x, f64::atan2)
    }
    fn hypot(self, y: Self) -> Self {
        self.zip(y, f64::hypot)
    }
}

#[cfg(test)]
mod tests {
    use super::{exp, ln, sine, tanh};
    use crate::random::Stream;

    /// Largest error in units of the last place of `exact` over pseudo-random points.
    fn ulps(low: f64, high: f64, own: fn(f64) -> f64, exact: fn(f64) -> f64) -> f64 {
        let (mut worst, stream) = (0.0_f64, Stream::new(&[7]));
        for k in 0..200_000 {
            let x = low + (high - low) * stream.uniform(k);
            let y = exact(x);
            let ulp = f64::from_bits(y.abs().to_bits() + 1) - y.abs();
            worst = worst.max((own(x) - y).abs() / ulp);
        }
        worst
    }

    #[test]
    fn own_functions_keep_their_stated_errors() {
        for (own, exact) in
            [(exp::<true> as fn(f64) -> f64, f64::exp as fn(f64) -> f64), (exp::<false>, f64::exp)]
        {
            assert!(ulps(-700.0, 700.0, own, exact) <= 2.0);
            assert!(ulps(-1.0, 1.0, own, exact) <= 2.0);
        }
        for own in [ln::<true>, ln::<false>] {
            assert!(ulps(0.3, 3.0, own, f64::ln) <= 2.0);
            assert!(ulps(0.0, 1e6, own, f64::ln) <= 2.0);
        }
        for own in [tanh::<true>, tanh::<false>] {
            assert!(ulps(-2.0, 2.0, own, f64::tanh) <= 3.0);
            assert!(ulps(-1e-3, 1e-3, own, f64::tanh) <= 3.0);
            assert!(ulps(-30.0, 30.0, own, f64::tanh) <= 3.0);
        }
        for bound in [1.0, 10.0, 1e5] {
            assert!(ulps(-bound, bound, |x| sine::<true>(x, 0), f64::sin) <= 2.0, "sin {bound}");
            assert!(ulps(-bound, bound, |x| sine::<true>(x, 1), f64::cos) <= 2.0, "cos {bound}");
            assert!(ulps(-bound, bound, |x| sine::<false>(x, 0), f64::sin) <= 2.0, "sin {bound}");
            assert!(ulps(-bound, bound, |x| sine::<false>(x, 1), f64::cos) <= 2.0, "cos {bound}");
        }
    }

    #[test]
    fn own_functions_have_the_edges_of_f64() {
        for x in
            [0.0, -0.0, f64::INFINITY, f64::NEG_INFINITY, f64::NAN, 709.7, -745.0, 800.0, -800.0]
        {
            let same = |a: f64, b: f64| {
                (a.is_nan() && b.is_nan()) || a == b || (a - b).abs() <= 4e-16 * b.abs() + 5e-324
            };
            assert!(same(exp::<true>(x), x.exp()), "exp {x} {}", exp::<true>(x));
            assert!(same(ln::<true>(x), x.ln()), "ln {x} {}", ln::<true>(x));
            assert!(same(tanh::<true>(x), x.tanh()), "tanh {x}");
        }
        assert_eq!(tanh::<true>(-0.0).to_bits(), (-0.0_f64).to_bits());
        assert!((ln::<true>(5e-324) - 5e-324_f64.ln()).abs() < 1e-12);
    }
}
