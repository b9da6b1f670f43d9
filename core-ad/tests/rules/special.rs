//! Special functions, stable combinations, order statistics.

use cotangent_ad::special::{
    argsort, bessel_j, beta_inc, digamma, erf, erf_inv, erfc, erfc_inv, gamma_p, gamma_q, ln_gamma,
    log_1m_exp, log_sigmoid, log_sum_exp, maximum, median, minimum, norm, normal_cdf,
    normal_quantile, polygamma, quantile, sigmoid, softmax, softplus, sort, top_k, xlogy,
};
use cotangent_ad::{Dual, Num, Real, VectorFn, grad, hvp, jvp};

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
    assert_eq!(grad(|x| maximum(x), &[2.0, 2.0]), [1.0, 0.0]);
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
