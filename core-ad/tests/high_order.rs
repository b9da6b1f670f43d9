//! Jets against nested duals and closed forms; the provenance of what is not finite.
#![allow(clippy::float_cmp, clippy::unwrap_used, reason = "equal bits are what is tested")]

use cotangent_ad::implicit::{Options, Residual, root};
use cotangent_ad::jet::{Jet, derivatives};
use cotangent_ad::linalg::{Matrix, solve};
use cotangent_ad::provenance::{NonFinite, find};
use cotangent_ad::special::{erf, ln_gamma, log_sum_exp};
use cotangent_ad::{Num, Real, VectorFn, derivative};

/// Functions of one variable `t` with `0 < t < 1`.
fn functions<R: Real>(t: R) -> Vec<R> {
    let (u, v) = (t * t + 0.1, t * 0.5 + 1.3);
    vec![
        u.sin(),
        u.cos(),
        u.tan(),
        u.asin(),
        u.acos(),
        u.atan(),
        u.sinh(),
        u.cosh(),
        u.tanh(),
        u.asinh(),
        v.acosh(),
        u.atanh(),
        u.exp(),
        u.exp_m1(),
        u.ln(),
        u.ln_1p(),
        u.sqrt(),
        u.cbrt(),
        u.recip(),
        (u - v).abs(),
        u.powi(5),
        u.powi(-3),
        u.powf(v),
        u.powf(R::lit(2.5)),
        u.atan2(v),
        u.hypot(v),
        u / v,
        v / 3.0 - u * v,
        u.max(v),
    ]
}

/// Functions through rules.
fn through_rules<R: Real>(t: R) -> Vec<R> {
    let a = Matrix::from_rows(&[[t + 2.0, t * t], [R::lit(1.0), t.exp()]]);
    let solved = solve(&a, &[t, R::lit(1.0)]).unwrap();
    let kepler = root(&Kepler, &[1.0], &[t * 0.4, t + 1.0], &Options::default()).unwrap();
    vec![erf(t), ln_gamma(t + 1.0), log_sum_exp(&[t, t * t]), solved[0], solved[1], kepler[0]]
}

#[derive(Clone)]
struct Kepler;
impl Residual for Kepler {
    fn residual<R: Real>(&self, y: &[R], p: &[R]) -> Vec<R> {
        vec![y[0] - p[0] * y[0].sin() - p[1]]
    }
}

/// Order 0 to 3 of output `k` by nested duals.
macro_rules! nested {
    ($f:ident, $k:expr, $t:expr) => {{
        let first = |t| derivative(|t| $f(t)[$k], t);
        let second = |t| derivative(|t| derivative(|t| $f(t)[$k], t), t);
        let third = |t| derivative(|t| derivative(|t| derivative(|t| $f(t)[$k], t), t), t);
        [$f($t)[$k], first($t), second($t), third($t)]
    }};
}

fn agree(jet: &[f64], dual: &[f64], what: usize) {
    for (order, (j, d)) in jet.iter().zip(dual).enumerate() {
        assert!((j - d).abs() <= 1e-12 * d.abs().max(1.0), "{what}, order {order}: {j} {d}");
    }
}

#[test]
fn jets_agree_with_nested_duals() {
    let t = 0.4;
    for k in 0..functions(t).len() {
        let jet: [f64; 4] = derivatives(|t| functions(t)[k], t);
        agree(&jet, &nested!(functions, k, t), k);
    }
    for k in 0..through_rules(t).len() {
        let jet: [f64; 4] = derivatives(|t| through_rules(t)[k], t);
        agree(&jet, &nested!(through_rules, k, t), k);
    }
}

#[test]
fn tenth_derivatives_of_closed_forms() {
    let factorial = 3_628_800.0;
    let near = |a: f64, b: f64| assert!((a - b).abs() <= 1e-12 * b.abs(), "{a} {b}");
    near(derivatives::<f64, 11>(|x| (x * 3.0).exp(), 0.5)[10], 59049.0 * 1.5_f64.exp());
    near(derivatives::<f64, 11>(Num::ln, 2.0)[10], -362_880.0 / 1024.0);
    near(derivatives::<f64, 11>(|x| (-x + 1.0).recip(), 0.5)[10], factorial * 2048.0);
    // d^10/dx^10 tan at 0 is 0, d^9 is 7936
    near(derivatives::<f64, 11>(Num::tan, 0.0)[9], 7936.0);
    near(derivatives::<f64, 11>(Num::atan, 0.0)[9], 40320.0);
    // erf^(9)(0) = 2/sqrt(pi) H_8(0)
    let hermite = 1680.0 * std::f64::consts::FRAC_2_SQRT_PI;
    near(derivatives::<f64, 11>(erf, 0.0)[9], hermite);
    // the expansion at a point where the argument vanishes
    assert_eq!(derivatives::<f64, 4>(|x| x.powi(3), 0.0), [0.0, 0.0, 0.0, 6.0]);
    assert_eq!(derivatives::<f64, 4>(|x| x.powf(Jet::lit(3.0)), 0.0), [0.0, 0.0, 0.0, 6.0]);
    // to second order x * 0 is not told from x^4, whose root has the second derivative 2
    let flat = derivatives::<f64, 3>(|x| (x * 0.0).sqrt() + x, 0.0);
    assert!(flat[..2] == [0.0, 1.0] && flat[2].is_nan(), "{flat:?}");
}

struct Pole;
impl VectorFn for Pole {
    fn call<R: Real>(&self, x: &[R]) -> Vec<R> {
        let square = x[0] + x[1] * x[1]; // linear in x0: a pole, not a kink
        let length = square.sqrt();
        vec![length, x[0]]
    }
}

struct Overflow;
impl VectorFn for Overflow {
    fn call<R: Real>(&self, x: &[R]) -> Vec<R> {
        let large = (x[0] * 1000.0).exp();
        vec![large / (large + 1.0)]
    }
}

#[test]
fn what_is_not_finite_names_its_line() {
    let source = include_str!("high_order.rs");
    let line = |text: &str| 1 + source.lines().position(|l| l.contains(text)).unwrap();
    let found = find(&Pole, &[0.0, 0.0]);
    let Some(NonFinite::Derivative { index: 0, origin: Some(origin) }) = found else {
        panic!("{found:?}")
    };
    assert_eq!(origin.location.line() as usize, line("let length = square"));
    assert!(origin.location.file().ends_with("high_order.rs"));
    let found = find(&Overflow, &[1.0]);
    let Some(NonFinite::Value { index: 0, origin: Some(origin) }) = found else {
        panic!("{found:?}")
    };
    assert_eq!((origin.operation, origin.location.line() as usize), ("exp", line("let large = ")));
    assert_eq!(origin.operands, (1000.0, None));
    assert!(found.unwrap().to_string().contains("exp(1000) = inf at"));
    assert_eq!(find(&Pole, &[f64::NAN, 0.0]), Some(NonFinite::Input { index: 0 }));
    assert_eq!(find(&Pole, &[3.0, 4.0]), None);
}
