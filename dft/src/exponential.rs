//! The exponential as straight-line arithmetic, for loops that become vector instructions.

/// `exp(x)` within 2 units in the last place for `|x| <= 708`, saturating beyond: straight-line arithmetic that a compiler
/// vectorises, the same bits on every machine.
///
/// Cody and Waite: `x = k ln 2 + r`, `|r| <= ln 2/2`, the Taylor polynomial of degree 13 (remainder 4e-18).
#[inline(always)]
pub(crate) fn exp(x: f64) -> f64 {
    const LN2_HIGH: f64 = 6.931_471_803_691_238e-1;
    const LN2_LOW: f64 = 1.908_214_929_270_587_7e-10;
    const ROUND: f64 = 6_755_399_441_055_744.0; // 1.5 * 2^52: adding it leaves k in the low bits
    let x = x.clamp(-708.0, 708.0);
    let shifted = x * std::f64::consts::LOG2_E + ROUND;
    let k = shifted - ROUND;
    let r = (x - k * LN2_HIGH) - k * LN2_LOW;
    let mut p = INVERSE_FACTORIAL[13];
    for c in INVERSE_FACTORIAL[..13].iter().rev() {
        p = p * r + c;
    }
    f64::from_bits(p.to_bits().wrapping_add(shifted.to_bits() << 52))
}

const INVERSE_FACTORIAL: [f64; 14] = {
    let mut c = [1.0; 14];
    let (mut k, mut factorial) = (1, 1.0);
    while k < 14 {
        factorial *= k as f64;
        c[k] = 1.0 / factorial;
        k += 1;
    }
    c
};

#[cfg(test)]
mod tests {
    use super::exp;

    #[test]
    fn exp_is_accurate_saturates_and_keeps_nan() {
        for k in -7000..=7000 {
            let x = f64::from(k) * 0.1 + 0.0137;
            assert!((exp(x) / x.exp() - 1.0).abs() < 5e-16, "{x}: {} {}", exp(x), x.exp());
        }
        assert_eq!(exp(0.0), 1.0);
        assert_eq!(exp(-1e4), exp(-708.0));
        assert_eq!(exp(1e4), exp(708.0));
        assert!(exp(f64::NAN).is_nan());
    }
}
