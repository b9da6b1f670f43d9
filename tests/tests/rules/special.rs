//! Special functions, stable combinations, order statistics.

use std::f64::consts::PI;

use cotangent_ad::special::{
    argsort, bessel_i, bessel_j, bessel_k, beta_inc, digamma, erf, erf_inv, erfc, erfc_inv,
    gamma_p, gamma_q, ln_gamma, log_1m_exp, log_sigmoid, log_sum_exp, maximum, median, minimum,
    norm, normal_cdf, normal_quantile, polygamma, quantile, sigmoid, softmax, softplus, sort,
    top_k, xlogy,
};
use cotangent_ad::{Dual, Num, Real, VectorFn, derivative, grad, hvp, jvp};

use crate::{numbers, prove};

struct Functions;
impl VectorFn for Functions {
    fn call<R: Real>(&self, x: &[R]) -> Vec<R> {
        let [a, b] = [x[0], x[1]]; // -1 < a < 0 < b
        vec![
            erf(a),
            erf(b),
            erfc(a),
            normal_cdf(b),
            ln_gamma(b),
            ln_gamma(a),
            digamma(b),
            digamma(a),
            polygamma(1, b),
            polygamma(2, b),
            softplus(a),
            softplus(b),
            sigmoid(a),
            sigmoid(b),
            log_sigmoid(b),
            log_1m_exp(a),
            log_1m_exp(-b),
            log_sum_exp(&[a, b, a * b]),
            softmax(&[a, b, a * b])[1],
            norm(&[a, b, a * b]),
        ]
    }
}

struct Orders;
impl VectorFn for Orders {
    fn call<R: Real>(&self, x: &[R]) -> Vec<R> {
        let squared: Vec<R> = x.iter().map(|x| *x * *x * *x).collect();
        let mut y = sort(&squared);
        y.extend([median(&squared), quantile(&squared, 0.3), maximum(&squared), minimum(&squared)]);
        y.extend(top_k(&squared, 2));
        y
    }
}

struct MoreFunctions;
impl VectorFn for MoreFunctions {
    fn call<R: Real>(&self, x: &[R]) -> Vec<R> {
        let [a, b] = [x[0], x[1]]; // -1 < a < 0 < b
        let share = sigmoid(b * 0.3);
        vec![
            erf_inv(a),
            erfc_inv(-a * 0.01),
            normal_quantile(share),
            gamma_p(2.5, b),
            gamma_q(0.7, b * 4.0),
            beta_inc(2.5, 0.7, share),
            beta_inc(0.6, 3.5, -a),
            bessel_j(0, b),
            bessel_j(-3, a * 4.0),
            bessel_j(0.3, b * 7.0),
            bessel_i(1, a),
            bessel_i(2.4, b * 3.0),
            bessel_k(0, b),
            bessel_k(-1.6, b * 0.5),
            xlogy(a, b),
        ]
    }
}

#[test]
fn values_of_special_functions_are_those_of_40_digits() {
    // by mpmath 1.3.0
    let table = [
        (erf_inv(0.3), 0.2724627147267544),
        (erf_inv(0.9999), 2.75106390571208),
        (erf_inv(-1e-12), -8.86226925452758e-13),
        (erfc_inv(1e-200), 21.37478304902626),
        (erfc_inv(1.7), -0.7328690779592167),
        (normal_quantile(0.975), 1.9599639845400538),
        (gamma_p(2.5, 1.2), 0.20852587940567532),
        (gamma_q(2.5, 30.0), 1.215456977718304e-11),
        (gamma_p(200.0, 180.0), 0.07485803498415958),
        (gamma_q(0.5, 0.02), 0.8414805811217939),
        (beta_inc(2.5, 0.7, 0.3), 0.029814024845250465),
        (beta_inc(40.0, 60.0, 0.45), 0.8462247976813987),
        (bessel_j(0, 2.5), -0.048383776468198),
        (bessel_j(3, 10.7), 0.1947599259563663),
        (bessel_j(-2, 1.5), 0.23208767214421472),
    ];
    for (k, (found, right)) in table.into_iter().enumerate() {
        let error = ((found - right) / right).abs();
        assert!(error < 3e-13, "{k}: {found} is not {right} ({error:e})");
    }
}

#[test]
fn bessel_functions_of_any_order_are_those_of_40_digits() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/bessel_reference.csv");
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.lines().count() > 300);
    for line in text.lines() {
        let (name, numbers) = line.split_once(',').unwrap();
        let numbers: Vec<f64> = numbers.split(',').map(|n| n.parse().unwrap()).collect();
        let [order, x, right] = numbers[..] else { panic!("{line}") };
        let found = match name {
            "j" => bessel_j(order, x),
            "i" => bessel_i(order, x),
            _ => bessel_k(order, x),
        };
        // beyond the turning point it oscillates, and is right to digits of its size
        let size = if name == "j" && x > order { (2.0 / (PI * x)).sqrt() } else { right.abs() };
        let error = (found - right).abs() / size;
        assert!(error < 3e-13, "{line}: {found} ({error:e})");
    }
}

#[test]
fn bessel_functions_at_their_edges() {
    let slope = |f: &dyn Fn(Dual<f64, 1>) -> Dual<f64, 1>, x: f64| f(Dual::seed(x, 0)).eps[0];
    // on both sides of zero where the order is an integer
    for (order, at_zero, by_zero) in [(0, 1.0, 0.0), (1, 0.0, 0.5), (2, 0.0, 0.0), (3, 0.0, 0.0)] {
        assert_eq!([bessel_j(order, 0.0), bessel_i(order, 0.0)], [at_zero; 2]);
        assert_eq!(
            [slope(&|x| bessel_j(order, x), 0.0), slope(&|x| bessel_i(order, x), 0.0)],
            [by_zero; 2]
        );
        let parity = if order % 2 == 0 { 1.0 } else { -1.0 };
        assert_eq!(bessel_j(order, -2.3), parity * bessel_j(order, 2.3));
        assert_eq!(bessel_i(order, -2.3), parity * bessel_i(order, 2.3));
        assert_eq!(bessel_j(-order, 2.3), parity * bessel_j(order, 2.3));
        assert_eq!(bessel_i(-order, 2.3), bessel_i(order, 2.3));
        assert_eq!(bessel_k(-order, 2.3), bessel_k(order, 2.3));
    }
    // J_0'' = -1/2 and I_0'' = 1/2 at 0
    assert_eq!(hvp(|x| bessel_j(0, x[0]), &[0.0], &[1.0]), [-0.5]);
    assert_eq!(hvp(|x| bessel_i(0, x[0]), &[0.0], &[1.0]), [0.5]);
    // between 0 and 1 it rises as a power does, and between 1 and 2 its slope does
    assert_eq!((bessel_j(0.5, 0.0), slope(&|x| bessel_j(0.5, x), 0.0)), (0.0, INF));
    assert_eq!((bessel_i(0.5, 0.0), slope(&|x| bessel_i(0.5, x), 0.0)), (0.0, INF));
    assert_eq!(slope(&|x| bessel_j(1.5, x), 0.0), 0.0);
    assert!(!hvp(|x| bessel_j(1.5, x[0]), &[0.0], &[1.0])[0].is_finite());
    assert_eq!((bessel_k(0, 0.0), slope(&|x| bessel_k(0, x), 0.0)), (INF, -INF));
    assert_eq!((bessel_j(2.5, INF), bessel_i(2.5, INF), bessel_k(2.5, INF)), (0.0, INF, 0.0));
    assert_eq!((bessel_k(1, 800.0), bessel_i(1, 800.0)), (0.0, INF));
    // where there is no number
    assert!(bessel_j(0.5, -1.0).is_nan() && bessel_i(0.5, -1.0).is_nan());
    assert!(bessel_j(-0.5, 1.0).is_nan() && bessel_i(-0.5, 1.0).is_nan());
    assert!(bessel_k(1, -1.0).is_nan() && bessel_k(f64::NAN, 1.0).is_nan());
    assert!(bessel_j(f64::NAN, 1.0).is_nan() && bessel_j(1, f64::NAN).is_nan());
}

#[test]
fn edges_of_inverses_and_of_incomplete_integrals() {
    let slope = |f: fn(Dual<f64, 1>) -> Dual<f64, 1>, x: f64| f(Dual::seed(x, 0)).eps[0];
    assert_eq!((erf_inv(1.0), erf_inv(-1.0), erfc_inv(0.0)), (INF, -INF, INF));
    assert!(erf_inv(1.1).is_nan() && erfc_inv(-0.1).is_nan() && normal_quantile(1.5).is_nan());
    assert_eq!((slope(erf_inv, 1.0), slope(erfc_inv, 0.0)), (INF, -INF));
    assert_eq!((gamma_p(2.0, 0.0), gamma_q(2.0, 0.0), gamma_p(2.0, INF)), (0.0, 1.0, 1.0));
    assert_eq!(slope(|x| gamma_p(1.0, x), 0.0), 1.0);
    assert_eq!(slope(|x| gamma_p(0.5, x), 0.0), INF);
    assert!(gamma_p(2.0, -1.0).is_nan() && gamma_p(-1.0, 2.0).is_nan());
    assert_eq!((beta_inc(2.0, 3.0, 0.0), beta_inc(2.0, 3.0, 1.0)), (0.0, 1.0));
    assert!((slope(|x| beta_inc(2.0, 1.0, x), 1.0) - 2.0).abs() < 1e-14);
    assert!(beta_inc(2.0, 3.0, 1.5).is_nan());
    // counts of zero
    assert_eq!((xlogy(0.0, 0.0), xlogy(0.0, INF), xlogy(2.0, 0.0)), (0.0, 0.0, -INF));
    assert_eq!(grad(|x| xlogy(x[0], x[1]), &[0.0, 3.0]), [3.0_f64.ln(), 0.0]);
    assert_eq!(slope(|x| xlogy(x, Dual::lit(0.0)), 0.0), -INF);
}

const INF: f64 = f64::INFINITY;

#[test]
fn special_functions() {
    prove(&MoreFunctions, &[-0.4, 1.3]);
    prove(&MoreFunctions, &[-0.9, 3.7]);
    prove(&Functions, &[-0.4, 1.3]);
    prove(&Functions, &[-0.9, 3.7]);
    prove(&Orders, &numbers(30, 6));
}

#[test]
fn edges_are_as_documented() {
    // the origin of a norm: zero in both modes; there is no second derivative
    assert_eq!(grad(|x| norm(x), &[0.0, 0.0, 0.0]), [0.0; 3]);
    assert_eq!(jvp(|x| vec![norm(x)], &[0.0, 0.0], &[1.0, 2.0]).1, [0.0]);
    assert!(hvp(|x| norm(x), &[0.0, 0.0], &[1.0, 2.0]).iter().all(|h| h.is_nan()));
    assert_eq!(norm(&[3e-200, 4e-200]), 5e-200);
    assert!(norm(&[f64::NAN, 1.0]).is_nan() && norm(&[f64::INFINITY, 1.0]).is_infinite());
    // tails keep their relative accuracy
    assert_eq!(grad(|x| softplus(x[0]), &[-800.0]), [0.0]);
    assert_eq!(grad(|x| softplus(x[0]), &[800.0]), [1.0]);
    let tail = grad(|x| sigmoid(x[0]), &[-700.0])[0];
    assert!((tail / (-700.0_f64).exp() - 1.0).abs() < 1e-15);
    // log-sum-exp of nothing and of infinities
    assert_eq!(log_sum_exp::<f64>(&[]), f64::NEG_INFINITY);
    assert_eq!(grad(|x| log_sum_exp(x), &[f64::NEG_INFINITY, 2.0]), [0.0, 1.0]);
    assert_eq!(grad(|x| log_sum_exp(x), &[f64::INFINITY, 2.0]), [1.0, 0.0]);
    assert_eq!(log_sum_exp(&[f64::NEG_INFINITY; 2]), f64::NEG_INFINITY);
    assert!(log_sum_exp(&[f64::NAN, 0.0]).is_nan());
    // ties take the first, NaN stands last, tangents do not decide
    let tied = [2.0, 1.0, 2.0].map(|re| Dual { re, eps: [-re] });
    assert_eq!(argsort(&tied), [1, 0, 2]);
    assert_eq!(argsort(&[f64::NAN, 1.0, f64::NAN, 0.5]), [3, 1, 0, 2]);
    assert_eq!(grad(|x| maximum(x), &[2.0, 1.0, 2.0]), [0.5, 0.0, 0.5]);
    assert_eq!(grad(|x| median(x), &[4.0, 1.0, 2.0, 9.0]), [0.5, 0.0, 0.5, 0.0]);
    assert!(ln_gamma(-1.0_f64).is_infinite() && digamma(0.0_f64).is_nan());
}

#[test]
#[should_panic(expected = "a quantile of no entries")]
fn the_median_of_nothing_panics() {
    median::<f64>(&[]);
}

#[test]
#[should_panic(expected = "the 3 largest of 2 entries")]
fn more_than_there_are_panics() {
    top_k(&[1.0, 2.0], 3);
}

/// Whether two numbers agree to a relative tolerance.
fn near(found: f64, right: f64, tolerance: f64) {
    let close = (found - right).abs() <= tolerance * right.abs();
    assert!(close, "{found} is not {right}: {:.1e}", (found - right).abs() / right.abs());
}

#[test]
fn distributions_of_large_orders_are_right_where_their_factors_overflow() {
    // values: mpmath with 50 digits, integrals of the density. Rounding of the argument alone makes up to 1e-16 sqrt(order)
    let slope = |f: &dyn Fn(Dual<f64, 1>) -> Dual<f64, 1>, x: f64| f(Dual::seed(x, 0)).eps[0];
    near(gamma_q(1e4, 10500.0), 4.275_872_455_059_647e-7, 1e-12);
    near(gamma_p(1e6, 1_000_500.0), 0.691_550_475_771_497_2, 1e-12);
    near(slope(&|x| gamma_p(1e6, x), 1_000_500.0), 3.519_040_096_146_755e-4, 1e-12);
    near(gamma_p(1e8, 1e8), 0.500_013_298_076_014_1, 1e-11);
    near(gamma_q(1e8, 1e8 + 2e4), 0.022_755_530_774_855_203, 1e-10);
    near(slope(&|x| gamma_p(1e8, x), 1e8), 3.989_422_800_689_808e-5, 1e-11);
    let second = derivative(|x| derivative(|x| gamma_p(1e8, x), x), 100_001_000.0);
    near(second, -3.973_415_660_671_929e-10, 1e-7);
    let betas = [
        (500.0, 500.0, 0.3, 4.326_513_207_169_085e-40, 4.141_858_260_907_922e-37),
        (500.0, 500.0, 0.4, 8.424_503_698_936_194e-11, 3.590_680_594_716_717e-8),
        (2.0, 1e8, 3e-8, 0.800_851_735_490_216_5, 14_936_120.435_678_576),
        (1e5, 1e5, 0.501, 0.814_453_255_442_433_2, 239.187_298_350_744_06),
        (30.0, 0.5, 0.99, 0.439_334_368_905_251, 22.993_064_507_856_5),
        (1e6, 20.0, 0.99998, 0.470_222_621_053_505_2, 88_836.205_420_767_77),
    ];
    for (a, b, x, value, density) in betas {
        near(beta_inc(a, b, x), value, 1e-11);
        near(slope(&|x| beta_inc(a, b, x), x), density, 1e-10);
    }
    // beyond what converges there is no number
    assert!(gamma_p(1e18, 1e18).is_nan() && gamma_q(1e18, 1e18).is_nan());
    assert!(beta_inc(1e18, 1e18, 0.5).is_nan());
}

#[test]
fn derivatives_of_the_gamma_function_are_right_on_the_whole_axis() {
    // values: mpmath with 60 digits
    near(digamma(-5.0 + 1e-10), -9_999_999_170.890_24, 1e-14);
    near(digamma(-1000.3), 9.191_055_669_255_658, 1e-13);
    near(digamma(-20.75), -0.085_143_521_734_187_15, 1e-12);
    near(digamma(-1e6 - 0.25), 16.957_103_961_553_828, 1e-14);
    let values = [
        (1, -1000.3, 15.078_414_502_249_117),
        (2, -1000.3, 68.837_542_716_168_41),
        (1, -5.0 + 1e-10, 99_999_983_451_927_853_976.0),
        (3, -0.5, 193.409_091_034_002_44),
        (6, -2.75, -11_791_224.848_871_927),
        (5, -1e9 - 0.25, 492_231.267_110_555_9),
        (20, 0.5, -5.102_165_312_739_43e24),
        // factorials and powers that no number holds
        (150, 1000.0, -4.101_778_391_925_375e-190),
        (200, 300.0, -2.034_303_512_767_49e-123),
    ];
    for (n, x, right) in values {
        near(polygamma(n, x), right, 1e-12);
        near(derivative(|x| polygamma(n - 1, x), x), right, 1e-12);
    }
    assert!(polygamma(3, -4.0).is_nan() && polygamma(3, -1e300).is_nan());
}

#[test]
fn a_logarithm_of_a_sum_does_not_hide_what_is_no_number() {
    for x in [vec![f64::NAN], vec![f64::NAN, f64::NEG_INFINITY], vec![f64::INFINITY, f64::NAN]] {
        assert!(log_sum_exp(&x).is_nan(), "{x:?}");
        assert!(grad(log_sum_exp, &x).iter().all(|g| g.is_nan()), "{x:?}");
    }
}
