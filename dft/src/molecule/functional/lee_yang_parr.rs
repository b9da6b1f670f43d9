//! Correlation after Lee, Yang and Parr.

use cotangent_ad::Real;

use super::density::SpinDensity;

const A: f64 = 0.04918;
const B: f64 = 0.132;
const C: f64 = 0.2533;
const D: f64 = 0.349;

/// Energy density, in hartree/bohr^3, in the form without second derivatives of the density. With
/// `omega = exp(-c n^(-1/3)) n^(-11/3)/(1 + d n^(-1/3))`, `delta = c n^(-1/3) + d n^(-1/3)/(1 + d n^(-1/3))`:
///
/// `-4a n_u n_d/(n (1 + d n^(-1/3))) - a b omega {n_u n_d [2^(11/3) C_F (n_u^(8/3) + n_d^(8/3))
///  + (47/18 - 7 delta/18) sigma - (5/2 - delta/18)(sigma_uu + sigma_dd) - (delta - 11)/9 (n_u sigma_uu + n_d sigma_dd)/n]
///  - 2/3 n^2 sigma + (2/3 n^2 - n_u^2) sigma_dd + (2/3 n^2 - n_d^2) sigma_uu}`.
///
/// # Source
/// Lee, Yang & Parr, Phys. Rev. B 37, 785 (1988), doi:10.1103/PhysRevB.37.785; Miehlich, Savin, Stoll & Preuss, Chem. Phys. Lett.
/// 157, 200 (1989), doi:10.1016/0009-2614(89)87234-3, eq. 2.
pub fn lee_yang_parr_correlation<R: Real>(at: &SpinDensity<R>) -> R {
    let n = at.total;
    let inverse_root = at.cbrt_total.recip();
    let damping = (inverse_root * D + 1.0).recip();
    let inverse_n = inverse_root.powi(3);
    // n^(-11/3)
    let power = inverse_root * inverse_root * inverse_n * inverse_n * inverse_n;
    let omega = (-(inverse_root * C)).exp() * power * damping;
    let delta = inverse_root * C + inverse_root * damping * D;
    let c_f = 0.3 * (3.0 * std::f64::consts::PI.powi(2)).powf(2.0 / 3.0);
    let n_2 = n * n;
    let n_8_3 = n_2 * at.cbrt_total * at.cbrt_total;

    let Some([up, down]) = at.one_plus_zeta() else {
        // the sum in braces, of halves of the density and quarters of sigma: n^2 {C_F n^(8/3) - (3 + 7 delta) sigma/72}
        let braces = n_2 * (n_8_3 * c_f - at.sigma_total * (delta * 7.0 + 3.0) * (1.0 / 72.0));
        return -(n * damping * A) - omega * braces * (A * B);
    };
    let product = at.spin[0] * at.spin[1];
    let power_8_3 = |[x, root]: [R; 2]| x * x * root * root;
    // 2^(11/3) n_s^(8/3) = 2 n^(8/3) (1 +- zeta)^(8/3)
    let kinetic = n_8_3 * (power_8_3(up) + power_8_3(down)) * (2.0 * c_f);
    let [uu, _, dd] = at.sigma;
    let bracket = kinetic + at.sigma_total * (-(delta * (7.0 / 18.0)) + 47.0 / 18.0)
        - (uu + dd) * (-(delta * (1.0 / 18.0)) + 2.5)
        - (delta - 11.0) * (up[0] * uu + down[0] * dd) * (1.0 / 18.0);
    let two_thirds = n_2 * (2.0 / 3.0);
    let rest = (two_thirds - at.spin[0] * at.spin[0]) * dd
        + (two_thirds - at.spin[1] * at.spin[1]) * uu
        - two_thirds * at.sigma_total;
    -(product * inverse_n * damping * (4.0 * A)) - omega * (product * bracket + rest) * (A * B)
}
