//! Quadrature of the distance from a nucleus.

/// The parameter `xi` by element, from hydrogen to krypton: Treutler and Ahlrichs' table I.
const XI: [f64; 36] = [
    0.8, 0.9, // H, He
    1.8, 1.4, 1.3, 1.1, 0.9, 0.9, 0.9, 0.9, // Li to Ne
    1.4, 1.3, 1.3, 1.2, 1.1, 1.0, 1.0, 1.0, // Na to Ar
    1.5, 1.4, 1.3, 1.2, 1.2, 1.2, 1.2, 1.2, 1.2, 1.1, 1.1, 1.1, // K to Zn
    1.1, 1.0, 0.9, 0.9, 0.9, 0.9, // Ga to Kr
];

/// Radii in bohr and weights, from the nucleus outwards: `sum w f(r)` is the integral of `r^2 f` from 0 to infinity.
///
/// `r = xi/ln 2 (1 + x)^(3/5) ln(2/(1 - x))` at the `n` points `x = cos(k pi/(n + 1))` of the Chebyshev quadrature of second kind.
///
/// # Source
/// Treutler & Ahlrichs, J. Chem. Phys. 102, 346 (1995), doi:10.1063/1.469408, eqs. 19 (M4) and 5.
pub(super) fn treutler_ahlrichs(points: usize, number: usize) -> Vec<[f64; 2]> {
    let scale = XI.get(number - 1).copied().unwrap_or(1.0) / std::f64::consts::LN_2;
    let step = std::f64::consts::PI / (points + 1) as f64;
    let at = |k: usize| {
        let (sine, x) = (k as f64 * step).sin_cos();
        let stretched = scale * (1.0 + x).powf(0.6);
        let logarithm = (0.5 * (1.0 - x)).ln();
        let radius = -stretched * logarithm;
        let slope = stretched * (1.0 / (1.0 - x) - 0.6 / (1.0 + x) * logarithm);
        [radius, step * sine * slope * radius * radius]
    };
    (1..=points).rev().map(at).collect()
}

#[cfg(test)]
mod tests {
    use super::treutler_ahlrichs;

    #[test]
    fn gaussians_and_exponentials_are_integrated() {
        for number in [1, 6, 17] {
            let rule = treutler_ahlrichs(60, number);
            assert!(rule.windows(2).all(|pair| pair[0][0] < pair[1][0]));
            for rate in [0.3_f64, 1.0, 20.0] {
                let sum: f64 = rule.iter().map(|[r, w]| w * (-rate * r * r).exp()).sum();
                let exact = 0.25 * std::f64::consts::PI.sqrt() / rate.powf(1.5);
                assert!((sum / exact - 1.0).abs() < 1e-12, "{number} {rate}: {sum} {exact}");
            }
            // as steep as the orbital of a core; the farthest point is some 20 bohr out
            let sum: f64 = rule.iter().map(|[r, w]| w * (-20.0 * r).exp()).sum();
            assert!((sum * 4000.0 - 1.0).abs() < 1e-11, "{number}: {sum}");
        }
    }
}
