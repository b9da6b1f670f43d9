//! The exponential of many numbers that are not positive, as a loop that becomes vector instructions.

/// Added, it rounds to an integer that stands in the low bits.
const ROUNDER: f64 = 6_755_399_441_055_744.0;
const LN2_HIGH: f64 = 6.931_471_803_691_238e-1;
const LN2_LOW: f64 = 1.908_214_929_270_587_7e-10;
/// Below, the result would be no normal number; it is `exp(-708)` there.
const LEAST: f64 = -708.0;

/// `1/k!` up to `k = 13`: `exp r` for `|r| <= ln 2 / 2` to the last place.
const TAYLOR: [f64; 14] = [
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

/// `exp(x)` for `x <= 0`, as `2^n exp(x - n ln 2)`.
#[expect(clippy::inline_always, reason = "vector code is made where it is inlined into a loop")]
#[inline(always)]
pub(super) fn exponential(x: f64) -> f64 {
    let x = if x < LEAST { LEAST } else { x };
    let shifted = x * std::f64::consts::LOG2_E + ROUNDER;
    let n = shifted - ROUNDER;
    let r = (x - n * LN2_HIGH) - n * LN2_LOW;
    let mut y = TAYLOR[13];
    for c in TAYLOR[..13].iter().rev() {
        y = y * r + c;
    }
    y * f64::from_bits((shifted.to_bits() << 52).wrapping_add(1023 << 52))
}

#[cfg(test)]
mod tests {
    use super::exponential;

    #[test]
    fn it_is_the_exponential() {
        for k in 0..20_000 {
            let x = -f64::from(k) * 0.03537;
            let [found, exact] = [exponential(x), x.exp()];
            assert!((found - exact).abs() <= 4e-16 * exact, "{x}: {found} {exact}");
        }
        assert!(exponential(-1e300) < 1e-300);
    }
}
