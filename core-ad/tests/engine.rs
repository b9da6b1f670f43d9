//! The three ways of differentiating agree with each other and with central differences.
#![allow(
    clippy::float_cmp,
    clippy::redundant_closure,
    clippy::redundant_closure_for_method_calls,
    clippy::unwrap_used,
    reason = "equal bits are tested, and a closure keeps a generic model generic"
)]

use std::convert::Infallible;

use cotangent_ad::check::{central_difference, dot_product, taylor};
use cotangent_ad::{
    Dual, Num, Real, Rule, ScanMode, ScanOptions, Schedule, Session, Step, Var, VectorFn, grad,
    hessian, hvp, jacobian_forward, jacobian_reverse, jvp, vjp,
};

/// Calls every function of the table at arguments inside its domain.
struct EveryFunction;
impl VectorFn for EveryFunction {
    fn call<R: Real>(&self, x: &[R]) -> Vec<R> {
        let [a, b] = [x[0], x[1]]; // 0 < a < 1 < b
        vec![
            a.sin(),
            a.cos(),
            a.tan(),
            a.asin(),
            a.acos(),
            b.atan(),
            a.sinh(),
            b.cosh(),
            a.tanh(),
            b.asinh(),
            b.acosh(),
            a.atanh(),
            a.exp(),
            a.exp_m1(),
            b.ln(),
            a.ln_1p(),
            b.sqrt(),
            b.cbrt(),
            b.recip(),
            (a - b).abs(),
            b.powi(-3),
            a.powf(b),
            a.atan2(b),
            a.hypot(b),
            a / b,
            a * b - b,
            -a / 3.0,
            a.max(b),
            a.min(b),
            (a * b).sin_cos().0,
            a.sign() * b,
        ]
    }
}

#[test]
fn every_function_agrees_in_all_modes_and_with_central_differences() {
    let x = [0.37, 1.83];
    let forward = jacobian_forward(|x| EveryFunction.call(x), &x);
    let reverse = jacobian_reverse(|x| EveryFunction.call(x), &x);
    let outputs = EveryFunction.call(&x[..]).len();
    for row in 0..outputs {
        for col in 0..2 {
            let mut e = [0.0; 2];
            e[col] = 1.0;
            let f = |x: &[f64]| Ok::<_, Infallible>(EveryFunction.call(x)[row]);
            let fd = central_difference(f, &x, &e, 1e-6).unwrap();
            let (f, r) = (forward[row * 2 + col], reverse[row * 2 + col]);
            assert!((f - r).abs() <= 1e-14 * f.abs().max(1.0), "row {row}: {f} {r}");
            assert!((f - fd).abs() <= 1e-8 * f.abs().max(1.0), "row {row} col {col}: {f} {fd}");
        }
    }
}

#[test]
fn every_function_s_second_derivative_agrees_with_differences_of_the_first() {
    let x = [0.37, 1.83];
    for row in 0..EveryFunction.call(&x[..]).len() {
        let h = hessian(|x| EveryFunction.call(x)[row], &x);
        for col in 0..2 {
            let gradient = |t: f64| {
                let mut moved = x;
                moved[col] += t;
                grad(|x| EveryFunction.call(x)[row], &moved)
            };
            let (above, below) = (gradient(1e-6), gradient(-1e-6));
            for k in 0..2 {
                let fd = (above[k] - below[k]) / 2e-6;
                assert!(
                    (h[k * 2 + col] - fd).abs() <= 2e-8 * fd.abs().max(1.0),
                    "row {row}: {h:?} {fd}"
                );
            }
        }
    }
}

#[test]
fn jvp_and_vjp_are_transposes() {
    let (x, x_dot) = ([0.37, 1.83], [0.3, -1.1]);
    let (_, y_dot) = jvp(|x| EveryFunction.call(x), &x, &x_dot);
    let y_bar: Vec<f64> = (0..y_dot.len()).map(|k| (k as f64).cos()).collect();
    let (_, x_bar) = vjp(|x| EveryFunction.call(x), &x, &y_bar);
    assert!(dot_product(&y_dot, &y_bar, &x_dot, &x_bar) < 1e-14);
}

#[test]
fn edges_are_as_documented() {
    let slope = |f: fn(Var<f64>) -> Var<f64>, x: f64| grad(|x| f(x[0]), &[x])[0];
    assert_eq!(slope(Num::abs, 0.0), 0.0);
    assert_eq!(slope(Num::sqrt, 0.0), f64::INFINITY);
    assert_eq!(slope(|x| x.powi(0), 0.0), 0.0);
    assert_eq!(slope(|x| x.powf(Var::lit(2.0)), 0.0), 0.0);
    assert_eq!(slope(|x| x.hypot(x * 0.0), 0.0), 0.0);
    assert_eq!(slope(|x| if x > Var::lit(-1.0) { x * 2.0 } else { x.ln() }, 0.0), 2.0);
    assert_eq!(slope(|x| Real::max(x, x * 3.0), 0.0), 1.0, "ties take the first");
    // an inactive tangent through a pole stays zero
    let zero = Dual::<f64, 2> { re: 0.0, eps: [0.0, 1.0] }.sqrt();
    assert_eq!(zero.eps, [0.0, f64::INFINITY]);
    let (_, y_dot) =
        jvp(|x| vec![(x[0] * x[0] + x[1] * x[1]).sqrt() * 0.0 + x[0]], &[0.0, 0.0], &[1.0, 0.0]);
    assert_eq!(y_dot, [1.0]);
}

#[test]
fn hvp_and_hessian_of_rosenbrock() {
    fn rosenbrock<R: Real>(x: &[R]) -> R {
        x.windows(2).fold(R::lit(0.0), |s, w| {
            let (a, b) = (w[1] - w[0] * w[0], -w[0] + 1.0);
            s + a * a * 100.0 + b * b
        })
    }
    let x: Vec<f64> = (0..11).map(|k| 0.9 + 0.02 * f64::from(k)).collect();
    let v: Vec<f64> = (0..11).map(|k| f64::from(k).sin()).collect();
    let h = hessian(rosenbrock, &x);
    let product = hvp(rosenbrock, &x, &v);
    for i in 0..11 {
        let row: f64 = (0..11).map(|j| h[i * 11 + j] * v[j]).sum();
        assert!((row - product[i]).abs() < 1e-11 * row.abs().max(1.0));
        assert!((0..11).all(|j| (h[i * 11 + j] - h[j * 11 + i]).abs() < 1e-12));
    }
    let g = grad(rosenbrock, &x);
    let along: f64 = g.iter().zip(&v).map(|(g, v)| g * v).sum();
    let f = |x: &[f64]| Ok::<_, Infallible>(rosenbrock(x));
    assert!(taylor(f, &x, &v, along, 0.05, 10).unwrap().passes());
}

#[derive(Clone)]
struct Pendulum {
    dt: f64,
}
impl Step<2, 3> for Pendulum {
    fn step<R: Real>(&self, [th, w]: [R; 2], [k, c, a]: [R; 3]) -> [R; 2] {
        let w = w + (a - (k * th.sin() + c * w)) * self.dt;
        [th + w * self.dt, w]
    }
}

fn swing(n: usize, options: ScanOptions, x: &[f64]) -> (f64, Vec<f64>) {
    let session = Session::<f64>::new();
    let v: Vec<_> = x.iter().map(|x| session.input(*x)).collect();
    let [th, w] =
        Var::scan_with(&Pendulum { dt: 0.01 }, n, [v[0], v[1]], [v[2], v[3], v[4]], &options);
    let y = th * th + w * w;
    (y.value(), session.pullback(&[y], &[1.0], &v))
}

#[test]
fn a_scan_agrees_in_every_mode_and_bit_for_bit_under_every_schedule() {
    let x = [1.0, 0.2, 9.81, 0.1, 0.5];
    let n = 137;
    let reverse = |schedule| swing(n, ScanOptions { mode: ScanMode::Reverse, schedule }, &x);
    let stored = reverse(Schedule::StoreAll);
    for slots in [1, 2, 3, 10, 137, 500] {
        assert_eq!(reverse(Schedule::Revolve { slots }), stored, "slots {slots}");
        assert_eq!(reverse(Schedule::Mixed { slots }), stored, "mixed, slots {slots}");
    }
    let forward = swing(n, ScanOptions { mode: ScanMode::Forward, ..Default::default() }, &x);
    assert_eq!(forward.0, stored.0);
    for (f, r) in forward.1.iter().zip(&stored.1) {
        assert!((f - r).abs() < 1e-12 * r.abs().max(1.0), "{f} {r}");
    }
    // the same loop, one statement an operation
    let plain = grad(
        |v| {
            let mut s = [v[0], v[1]];
            for _ in 0..n {
                s = Pendulum { dt: 0.01 }.step(s, [v[2], v[3], v[4]]);
            }
            s[0] * s[0] + s[1] * s[1]
        },
        &x,
    );
    for (p, r) in plain.iter().zip(&stored.1) {
        assert!((p - r).abs() < 1e-12 * r.abs().max(1.0), "{p} {r}");
    }
}

#[test]
fn a_scan_gives_second_derivatives() {
    fn model<R: Real>(x: &[R]) -> R {
        let [th, w] = R::scan(&Pendulum { dt: 0.01 }, 50, [R::lit(1.0), x[3]], [x[0], x[1], x[2]]);
        th * th + w * w
    }
    let (x, v) = ([9.81, 0.1, 0.5, 0.2], [0.3, -0.2, 0.7, 1.0]);
    let exact = hvp(model, &x, &v);
    let moved = |t: f64| -> Vec<f64> { x.iter().zip(&v).map(|(x, v)| x + t * v).collect() };
    let (above, below) = (grad(model, &moved(1e-5)), grad(model, &moved(-1e-5)));
    for k in 0..4 {
        let fd = (above[k] - below[k]) / 2e-5;
        assert!((exact[k] - fd).abs() < 1e-8 * fd.abs().max(1.0), "{} {fd}", exact[k]);
    }
}

#[derive(Clone)]
struct CubeRoot;
impl Rule<1, 1> for CubeRoot {
    fn primal(&self, [x]: [f64; 1]) -> [f64; 1] {
        [x.cbrt()]
    }
    fn jvp<R: Real>(&self, _: [R; 1], [y]: [R; 1], [dx]: [R; 1]) -> [R; 1] {
        [dx / (y * y * 3.0)]
    }
    fn vjp<R: Real>(&self, x: [R; 1], y: [R; 1], y_bar: [R; 1]) -> [R; 1] {
        self.jvp(x, y, y_bar)
    }
}

#[test]
fn a_rule_works_at_every_level() {
    let x = [2.7];
    let by_rule = |x: f64| f64::rule(&CubeRoot, [x])[0];
    assert_eq!(by_rule(2.7), 2.7_f64.cbrt());
    let g = grad(|x| Var::rule(&CubeRoot, [x[0]])[0], &x)[0];
    let (_, t) = jvp(|x| vec![Dual::rule(&CubeRoot, [x[0]])[0]], &x, &[1.0]);
    let exact = 2.7_f64.powf(-2.0 / 3.0) / 3.0;
    assert!((g - exact).abs() < 1e-15 && (t[0] - exact).abs() < 1e-15);
    let second = hvp(|x| Var::rule(&CubeRoot, [x[0]])[0], &x, &[1.0])[0];
    assert!((second + 2.0 / 9.0 * 2.7_f64.powf(-5.0 / 3.0)).abs() < 1e-15);
}

#[test]
fn nested_and_shifted_derivatives_are_not_confused() {
    // d/dx [ x * d/dy (x y^2)|_(y = x) ] = d/dx 2 x^3 = 6 x^2
    let g = grad(|x| x[0] * cotangent_ad::derivative(|y| Dual::konst(x[0]) * y * y, x[0]), &[2.0]);
    assert_eq!(g, [24.0]);
    // second derivative by nesting: d^2/dx^2 sin x
    let second = cotangent_ad::derivative(|x| cotangent_ad::derivative(Num::sin, x), 0.3);
    assert_eq!(second, -0.3_f64.sin());
}
