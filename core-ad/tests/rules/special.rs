//! Special functions, stable combinations, order statistics.

use cotangent_ad::special::{
    argsort, digamma, erf, erfc, ln_gamma, log_1m_exp, log_sigmoid, log_sum_exp, maximum, median,
    minimum, norm, normal_cdf, polygamma, quantile, sigmoid, softmax, softplus, sort, top_k,
};
use cotangent_ad::{Dual, Real, VectorFn, grad, hvp, jvp};

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

#[test]
fn special_functions() {
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
