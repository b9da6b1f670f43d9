//! The functions that are worth vectorising, over any [`Vector`].
//!
//! Errors, measured against `f64`'s (see the tests): `exp`, `ln`, `sin`, `cos` 2 ulp, `tanh` 3 ulp. All other functions
//! are `f64`'s, lane by lane.

#![expect(
    clippy::inline_always,
    reason = "vector code is made where it is inlined into a function with the target features"
)]

use super::vector::Vector;
use crate::program::graph::{Binary, Relation, Unary, evaluate};

/// `$each!(x => y)` with the function `$op` of `x: $v` for `y`: it is chosen once for all operands. A macro, because code in
/// closures is compiled without the target features of the function around it.
macro_rules! for_unary {
    ($v:ty, $op:expr, $each:ident) => {
        match $op {
            op if <$v>::LANES == 1 => $each!(x => functions::by_lanes(op, x)),
            Unary::neg => $each!(x => x.neg()),
            Unary::abs => $each!(x => functions::size(x)),
            Unary::sign => $each!(x => functions::sign(x)),
            Unary::sqrt => $each!(x => x.sqrt()),
            Unary::recip => $each!(x => <$v>::splat(1.0).div(x)),
            Unary::exp => $each!(x => functions::exp(x)),
            Unary::ln => $each!(x => functions::ln(x)),
            Unary::sin => $each!(x => functions::turned(x, 0, Unary::sin)),
            Unary::cos => $each!(x => functions::turned(x, 1, Unary::cos)),
            Unary::tanh => $each!(x => functions::tanh(x)),
            op => $each!(x => functions::by_lanes(op, x)),
        }
    };
}

/// The same for a function of two.
macro_rules! for_binary {
    ($v:ty, $op:expr, $each_pair:ident) => {
        match $op {
            Binary::Add => $each_pair!(a, b => a.add(b)),
            Binary::Sub => $each_pair!(a, b => a.sub(b)),
            Binary::Mul => $each_pair!(a, b => a.mul(b)),
            Binary::Div => $each_pair!(a, b => a.div(b)),
            Binary::Max => $each_pair!(a, b => a.less(b, b, a)),
            Binary::Min => $each_pair!(a, b => b.less(a, b, a)),
            Binary::Share => $each_pair!(a, b => functions::share(a, b)),
            Binary::Gated => $each_pair!(a, b => functions::gated(a, b)),
            Binary::OverNorm => $each_pair!(a, b => functions::over_norm(a, b)),
            op => $each_pair!(a, b => functions::pair_by_lanes(op, a, b)),
        }
    };
}
pub(in crate::program) use {for_binary, for_unary};

/// A function that has no vector code here.
#[inline(never)]
pub(in crate::program) fn by_lanes<V: Vector>(op: Unary, mut x: V) -> V {
    x.lanes_mut().iter_mut().for_each(|x| *x = op.value(*x));
    x
}

/// The same for a function of two.
#[inline(never)]
pub(in crate::program) fn pair_by_lanes<V: Vector>(op: Binary, mut a: V, b: V) -> V {
    a.lanes_mut().iter_mut().zip(b.lanes()).for_each(|(a, b)| *a = evaluate(op, *a, *b));
    a
}

/// -1, 0 or 1.
#[inline(always)]
pub(in crate::program) fn sign<V: Vector>(x: V) -> V {
    let (zero, one) = (V::splat(0.0), V::splat(1.0));
    zero.less(x, one, x.less(zero, one.neg(), x)).add(zero)
}

/// What a maximum takes of its first operand: 0 where the second is larger, 1/2 where they tie, else 1.
#[inline(always)]
pub(in crate::program) fn share<V: Vector>(a: V, b: V) -> V {
    let tie = V::splat(f64::from_bits(1));
    let of_larger = size(a.sub(b)).less(tie, V::splat(0.5), V::splat(1.0));
    a.less(b, V::splat(0.0), of_larger)
}

/// The second, and exactly 0 where the first is 0. What is no number is not 0.
#[inline(always)]
pub(in crate::program) fn gated<V: Vector>(a: V, b: V) -> V {
    size(a).less(V::splat(f64::from_bits(1)), V::splat(0.0), b)
}

/// The quotient, and exactly 0 where the divisor is 0.
#[inline(always)]
pub(in crate::program) fn over_norm<V: Vector>(a: V, norm: V) -> V {
    V::splat(0.0).less(size(norm), a.div(norm), V::splat(0.0))
}

/// `|x|`.
#[inline(always)]
pub(in crate::program) fn size<V: Vector>(x: V) -> V {
    x.and(u64::MAX >> 1)
}

/// `c[0] + x (c[1] + x (...))`.
#[inline(always)]
fn horner<V: Vector, const N: usize>(x: V, c: &[f64; N]) -> V {
    let mut y = V::splat(c[N - 1]);
    for k in (0..N - 1).rev() {
        y = y.fused(x, V::splat(c[k]));
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

/// `2^n` for an integer `n` of `-1022..=1023` that was rounded by adding [`ROUNDER`], given the sum.
#[inline(always)]
fn power_of_two<V: Vector>(sum: V) -> V {
    sum.shl(52).plus(1023 << 52)
}

/// `exp x = 2^n exp(x - n ln 2)`, in two factors so that it may end among the subnormal numbers.
#[inline(always)]
pub(in crate::program) fn exp<V: Vector>(x: V) -> V {
    let (low, high, rounder) = (V::splat(-746.0), V::splat(710.0), V::splat(ROUNDER));
    let x = high.less(x, high, x);
    let x = x.less(low, low, x);
    let n = x.fused(V::splat(std::f64::consts::LOG2_E), rounder).sub(rounder);
    let r = n.fused_minus(V::splat(LN2_LOW), n.fused_minus(V::splat(LN2_HIGH), x));
    let half = n.fused(V::splat(0.5), rounder);
    let other = n.sub(half.sub(rounder)).add(rounder);
    horner(r, &EXP).mul(power_of_two(half)).mul(power_of_two(other))
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
pub(in crate::program) fn ln<V: Vector>(x: V) -> V {
    let (zero, one, half) = (V::splat(0.0), V::splat(1.0), V::splat(0.5));
    let tiny = V::splat(f64::MIN_POSITIVE);
    let scaled = x.less(tiny, x.mul(V::splat(18_014_398_509_481_984.0)), x);
    // mantissa in sqrt(1/2) .. sqrt 2
    let shifted = scaled.plus(0x3ff0_0000_0000_0000 - 0x3fe6_a09e_667f_3bcd);
    let exponent = shifted.shr(52).or(0x4330_0000_0000_0000);
    let k = exponent.sub(V::splat(4_503_599_627_370_496.0 + 1023.0));
    let k = x.less(tiny, k.sub(V::splat(54.0)), k);
    let mantissa = shifted.and(0x000f_ffff_ffff_ffff).plus(0x3fe6_a09e_667f_3bcd);
    let f = mantissa.sub(one);
    let s = f.div(f.add(V::splat(2.0)));
    let z = s.mul(s);
    let r = z.mul(horner(z, &LN));
    let h = half.mul(f).mul(f);
    let low = s.mul(h.add(r)).add(k.mul(V::splat(LN2_LOW)));
    let y = k.mul(V::splat(LN2_HIGH)).sub(h.sub(low).sub(f));
    // infinity and what is no number; then 0; then what is below
    let y = x.less(V::splat(f64::INFINITY), y, x);
    let y = size(x).less(V::splat(f64::from_bits(1)), V::splat(f64::NEG_INFINITY), y);
    x.less(zero, V::splat(f64::NAN), y)
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
fn sine<V: Vector>(x: V, shift: u64) -> V {
    let (one, half) = (V::splat(1.0), V::splat(0.5));
    let n = x.fused(V::splat(std::f64::consts::FRAC_2_PI), V::splat(ROUNDER));
    let quadrant = n.plus(shift);
    let n = n.sub(V::splat(ROUNDER));
    let high = n.fused_minus(V::splat(HALF_PI[0]), x);
    let middle = n.mul(V::splat(HALF_PI[1]));
    let r = high.sub(middle);
    // what the subtraction lost, and the third part
    let tail = high.sub(r).sub(middle).sub(n.mul(V::splat(HALF_PI[2])));
    let z = r.mul(r);
    let s = r.mul(z).fused(horner(z, &SIN), tail).add(r);
    let h = half.mul(z);
    let w = one.sub(h);
    let last = z.mul(z).mul(horner(z, &COS)).sub(r.mul(tail));
    let c = w.add(one.sub(w).sub(h).add(last));
    let y = quadrant.shl(63).signed(c, s);
    y.xor(quadrant.shl(62).and(1 << 63))
}

/// Sine or cosine; lanes beyond the reduction's reach by `f64`'s.
#[inline(always)]
pub(in crate::program) fn turned<V: Vector>(x: V, shift: u64, op: Unary) -> V {
    let reach = V::holds(Relation::LessOrEqual, size(x), V::splat(REDUCED_UP_TO));
    let reach = reach == (1 << V::LANES) - 1;
    if reach { sine(x, shift) } else { by_lanes(op, x) }
}

/// Cephes' `tanh.c`: a rational function near 0, `1 - 2 / (exp 2|x| + 1)` beyond.
#[inline(always)]
pub(in crate::program) fn tanh<V: Vector>(x: V) -> V {
    use crate::special::hyperbolic::{P, Q};
    let (one, two) = (V::splat(1.0), V::splat(2.0));
    let z = x.mul(x);
    let small = x.mul(one.add(z.mul(horner(z, &P).div(horner(z, &Q)))));
    let a = size(x);
    let large = one.sub(two.div(exp(two.mul(a)).add(one)));
    let large = large.xor(x.xor(a));
    a.less(V::splat(0.625), small, large)
}

#[cfg(test)]
mod tests {
    use crate::program::code::replay::evaluated;
    use crate::program::graph::Unary;
    use crate::program::simd::{SimdLevel, simd_level};
    use crate::random::Stream;

    const LEVELS: [SimdLevel; 3] = [SimdLevel::Baseline, SimdLevel::Avx2, SimdLevel::Avx512];

    /// Largest error in units of the last place over pseudo-random points.
    fn ulps(op: Unary, low: f64, high: f64, level: SimdLevel) -> f64 {
        let stream = Stream::new(&[7]);
        let x: Vec<f64> = (0..200_000).map(|k| low + (high - low) * stream.uniform(k)).collect();
        let mut worst = 0.0_f64;
        for (x, own) in x.iter().zip(evaluated(op, &x, level)) {
            let y: f64 = op.value(*x);
            let ulp = f64::from_bits(y.abs().to_bits() + 1) - y.abs();
            worst = worst.max((own - y).abs() / ulp);
        }
        worst
    }

    #[test]
    fn own_functions_keep_their_stated_errors() {
        let ranges = [
            (Unary::exp, 2.0, vec![(-700.0, 700.0), (-1.0, 1.0)]),
            (Unary::ln, 2.0, vec![(0.3, 3.0), (0.0, 1e6)]),
            (Unary::tanh, 3.0, vec![(-2.0, 2.0), (-1e-3, 1e-3), (-30.0, 30.0)]),
            (Unary::sin, 2.0, vec![(-1.0, 1.0), (-10.0, 10.0), (-1e5, 1e5)]),
            (Unary::cos, 2.0, vec![(-1.0, 1.0), (-10.0, 10.0), (-1e5, 1e5)]),
        ];
        for level in LEVELS.into_iter().filter(|l| *l <= simd_level()) {
            for (op, bound, ranges) in &ranges {
                for &(low, high) in ranges {
                    let found = ulps(*op, low, high, level);
                    assert!(found <= *bound, "{op:?} on {low}..{high}: {found} ulp at {level:?}");
                }
            }
        }
    }

    #[test]
    fn functions_have_the_edges_of_f64() {
        let at = [
            0.0,
            -0.0,
            f64::INFINITY,
            f64::NEG_INFINITY,
            f64::NAN,
            709.7,
            -745.0,
            800.0,
            -800.0,
            5e-324,
            -5e-324,
            1e300,
            -1.5,
        ];
        let ops = [
            Unary::exp,
            Unary::ln,
            Unary::tanh,
            Unary::sin,
            Unary::cos,
            Unary::abs,
            Unary::sign,
            Unary::sqrt,
            Unary::recip,
            Unary::neg,
            Unary::exp_m1,
            Unary::cbrt,
        ];
        for level in LEVELS.into_iter().filter(|l| *l <= simd_level()) {
            for op in ops {
                for (x, own) in at.iter().zip(evaluated(op, &at, level)) {
                    let y: f64 = op.value(*x);
                    let near = (own - y).abs() <= 4e-16 * y.abs() + 5e-324;
                    let same = (own.is_nan() && y.is_nan()) || own == y || near;
                    assert!(same, "{op:?} {x}: {own} is not {y} at {level:?}");
                }
            }
            assert_eq!(evaluated(Unary::tanh, &[-0.0], level)[0].to_bits(), (-0.0_f64).to_bits());
        }
    }
}
