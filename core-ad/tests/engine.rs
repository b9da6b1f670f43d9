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
use cotangent_ad::linalg::{LinalgError, Matrix, log_det};
use cotangent_ad::program::Program;
use cotangent_ad::tape::{parallel_map, parallel_sum};
use cotangent_ad::{
    DerivativeFailure, Dual, NotEnded, Num, Real, Rule, ScanMode, ScanOptions, Schedule, Session,
    SliceStep, Step, Var, VectorFn, grad, hessian, hvp, jacobian_forward, jacobian_reverse, jvp,
    try_value_and_grad, vjp,
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
            (a * b).sin_cos().1,
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
    assert_eq!(slope(|x| Real::max(x, x * 3.0), 0.0), 2.0, "the mean of what ties");
    // a tangent of zero settles nothing at a pole, and where the derivative is finite it stays zero
    let zero = Dual::<f64, 2> { re: 0.0, eps: [0.0, 1.0] };
    assert!(zero.sqrt().eps[0].is_nan() && zero.sqrt().eps[1] == f64::INFINITY);
    assert_eq!(zero.exp().eps, [0.0, 1.0]);
    let (_, y_dot) = jvp(|x| vec![x[0].hypot(x[1]) * 0.0 + x[0]], &[0.0, 0.0], &[1.0, 0.0]);
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

fn close(a: &[f64], b: &[f64]) {
    assert_eq!(a.len(), b.len());
    let size = b.iter().fold(1e-300_f64, |s, b| s.max(b.abs()));
    assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-13 * size), "{a:?} {b:?}");
}

/// Three inputs, two outputs.
fn mixed<R: Real>(x: &[R]) -> Vec<R> {
    let a = (x[0] * x[1]).sin() + x[2].exp();
    vec![a * x[0] + x[2], (a * a + x[1] * x[1]).sqrt()]
}

/// `mixed` in the middle of other operations, by way of `inner`; an input is a constant.
fn around<R: Real>(x: &[R], inner: impl Fn(&[R]) -> Vec<R>) -> R {
    let y = inner(&[x[0] * 2.0, R::lit(0.7), x[1].sin()]);
    let z = inner(&[y[1], y[0], x[0]]);
    z[0] * y[1] + z[1] * z[1]
}

/// The statement of a function whose Jacobian is computed elsewhere, by duals.
fn stated<T: Real>(x: &[Var<T>]) -> Vec<Var<T>> {
    let values: Vec<T> = x.iter().map(|x| x.value()).collect();
    Var::statement(x, mixed(&values), &jacobian_forward(|x| mixed(x), &values))
}

/// The same with a pullback that computes it when the sweep comes by.
fn pulled<T: Real>(x: &[Var<T>]) -> Vec<Var<T>> {
    let values: Vec<T> = x.iter().map(|x| x.value()).collect();
    let y = mixed(&values);
    Var::with_pullback(x, y, move |y_bar, x_bar| {
        x_bar.copy_from_slice(&vjp(|x| mixed(x), &values, y_bar).1);
    })
}

#[test]
fn statements_of_any_arity_agree_with_plain_operations_to_second_order() {
    let (x, v) = ([0.6, -0.4], [0.3, 1.1]);
    let plain = jacobian_forward(|x| vec![around(x, mixed)], &x);
    close(&grad(|x| around(x, stated), &x), &plain);
    close(&grad(|x| around(x, pulled), &x), &plain);
    close(&grad(|x| around(x, |x| Var::preaccumulate::<2>(x, |x| mixed(x))), &x), &plain);
    close(&grad(|x| around(x, |x| Var::preaccumulate::<8>(x, |x| mixed(x))), &x), &plain);
    let second = hvp(|x| around(x, mixed), &x, &v);
    close(&hvp(|x| around(x, stated), &x, &v), &second);
    close(&hvp(|x| around(x, |x| Var::preaccumulate::<2>(x, |x| mixed(x))), &x, &v), &second);
}

#[test]
fn a_statement_records_its_outputs_only_and_none_of_constants() {
    let session = Session::<f64>::new();
    let x: Vec<_> = [1.0, 2.0, 3.0].map(|x| session.input(x)).to_vec();
    let y = Var::preaccumulate::<4>(&x, |x| mixed(x));
    assert_eq!((y.len(), session.len()), (2, 3 + 2));
    let constants = Var::statement(&[Var::lit(1.0)], vec![2.0, 3.0], &[1.0, 1.0]);
    assert_eq!((constants[1].value(), session.len()), (3.0, 5));
    // a pole that the output does not weigh
    let y = Var::statement(&x[..1], vec![0.0, 1.0], &[f64::INFINITY, 4.0]);
    assert_eq!(session.pullback(&y[1..], &[1.0], &x), [4.0, 0.0, 0.0]);
}

#[test]
#[should_panic(expected = "a Jacobian of 2 outputs and 1 inputs")]
fn a_jacobian_of_another_shape_panics() {
    Var::statement(&[Session::new().input(1.0)], vec![1.0, 2.0], &[1.0]);
}

#[test]
#[should_panic(expected = "two sessions")]
fn a_statement_of_two_sessions_panics() {
    let (a, b) = (Session::new(), Session::new());
    Var::statement(&[a.input(1.0), b.input(1.0)], vec![1.0], &[1.0, 1.0]);
}

fn term<R: Real>(p: &[R], t: f64) -> R {
    (p[0] * t).sin() * p[1] + (p[2] * p[0] - t).powi(2)
}

#[test]
fn items_on_all_workers_are_one_statement_with_the_same_bits_on_any_number_of_them() {
    let items: Vec<f64> = (0..1003).map(|k| (f64::from(k) * 0.3).cos()).collect();
    let (p, v) = ([0.4, 1.3, -0.8], [1.0, 0.5, -2.0]);
    let sum = |p: &[Var<f64>]| -> Result<_, DerivativeFailure> {
        let q = [p[0] * 2.0, p[1], p[2].exp()];
        let total = parallel_sum(&items, &q, |q, t| Ok::<_, DerivativeFailure>(term(q, *t)))?;
        let means = parallel_map(&items[..3], &q, |q, t| {
            Ok::<_, DerivativeFailure>(vec![term(q, *t), q[0] * q[1]])
        })?;
        Ok(means.iter().fold(total, |s, m| s + m[0] * m[1]).ln())
    };
    let plain = jacobian_forward(
        |p| {
            let q = [p[0] * 2.0, p[1], p[2].exp()];
            let total = items.iter().fold(Dual::lit(0.0), |s, t| s + term(&q, *t));
            let all = items[..3].iter().fold(total, |s, t| s + term(&q, *t) * (q[0] * q[1]));
            vec![all.ln()]
        },
        &p,
    );
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| try_value_and_grad(sum, &p).unwrap())
    };
    let one = on(1);
    close(&one.1, &plain);
    assert!([2, 3, 7].into_iter().all(|threads| on(threads) == one));
    let summed = |p: &[Var<Dual<f64, 1>>]| {
        parallel_sum(&items, p, |p, t| Ok::<_, DerivativeFailure>(term(p, *t))).unwrap()
    };
    let second = hvp(|p| items.iter().fold(Var::lit(0.0), |s, t| s + term(p, *t)), &p, &v);
    close(&hvp(summed, &p, &v), &second);
}

#[test]
fn the_first_item_that_fails_is_the_error_of_all() {
    // the rank falls at item 2, and again at item 4
    let items = [1.0, 2.0, 0.0, 3.0, 0.0];
    let f = |x: &[Var<f64>], t: &f64| -> Result<Var<f64>, LinalgError> {
        log_det(&Matrix::new(2, 2, vec![x[0], x[1], x[1], x[0] * *t]))
    };
    let found = try_value_and_grad(|x| parallel_sum(&items, x, f), &[1.0, 0.0]);
    assert!(matches!(found, Err(LinalgError::Singular { .. })), "{found:?}");
    let none = try_value_and_grad(|x| parallel_sum(&items[..0], x, f), &[1.0, 0.0]);
    assert_eq!(none.unwrap(), (0.0, vec![0.0; 2]));
}

/// A damped swing until it has little energy left: the number of steps depends on the data.
fn until_rest<R: Real>(x: &[R], options: &ScanOptions) -> (R, usize) {
    let moving = |s: &[R; 2], p: &[R; 3]| {
        let energy = s[1] * s[1] * 0.5 + p[0] * (-(s[0].cos()) + 1.0);
        energy > R::lit(2.0)
    };
    let start = [x[0], x[1]];
    let found =
        R::scan_while(&Pendulum { dt: 0.01 }, moving, 10_000, start, [x[2], x[3], x[4]], options);
    let ([th, w], steps) = found.unwrap();
    (th * th + w * w, steps)
}

#[test]
fn a_loop_of_unknown_length_agrees_in_every_mode_and_bit_for_bit_under_every_schedule() {
    let x = [1.5, 0.2, 9.81, 0.4, 0.1];
    let steps = until_rest(&x, &ScanOptions::default()).1;
    assert!(
        steps > 100 && until_rest(&[1.2, 0.2, 9.81, 0.4, 0.1], &ScanOptions::default()).1 < steps
    );
    let reverse = |schedule| {
        let options = ScanOptions { mode: ScanMode::Reverse, schedule };
        grad(|x| until_rest(x, &options).0, &x)
    };
    let stored = reverse(Schedule::StoreAll);
    for slots in [1, 2, 7, 100, 5000] {
        assert_eq!(reverse(Schedule::Revolve { slots }), stored, "slots {slots}");
    }
    for slots in [1, 7, 100] {
        assert_eq!(reverse(Schedule::Mixed { slots }), stored, "mixed, slots {slots}");
    }
    let duals = jacobian_forward(|x| vec![until_rest(x, &ScanOptions::default()).0], &x);
    let plain = grad(
        |x| {
            let (mut s, p) = ([x[0], x[1]], [x[2], x[3], x[4]]);
            for _ in 0..steps {
                s = Pendulum { dt: 0.01 }.step(s, p);
            }
            s[0] * s[0] + s[1] * s[1]
        },
        &x,
    );
    for ((s, d), p) in stored.iter().zip(&duals).zip(&plain) {
        assert!((s - d).abs() < 1e-12 * d.abs().max(1.0), "{s} {d}");
        assert!((s - p).abs() < 1e-12 * p.abs().max(1.0), "{s} {p}");
    }
}

#[test]
fn a_loop_that_does_not_end_is_an_error() {
    let forever = |_: &[Var<f64>; 2], _: &[Var<f64>; 3]| true;
    let session = Session::new();
    let x: Vec<_> = [1.0; 5].map(|x| session.input(x)).to_vec();
    let (start, p) = ([x[0], x[1]], [x[2], x[3], x[4]]);
    let options = ScanOptions::default();
    let found = Var::scan_while(&Pendulum { dt: 0.01 }, forever, 30, start, p, &options);
    assert_eq!(found.unwrap_err(), NotEnded { steps: 30 });
    assert_eq!(session.len(), 5, "nothing was recorded");
    let zero =
        f64::scan_while(&Pendulum { dt: 0.01 }, |_, _| false, 0, [1.0; 2], [1.0; 3], &options);
    assert_eq!(zero, Ok(([1.0; 2], 0)));
}

/// A recurrent network: the state by the weights, row-major, and a clock.
#[derive(Clone)]
struct Recurrent;
impl SliceStep for Recurrent {
    fn step<R: Real>(&self, number: usize, state: &[R], weights: &[R]) -> Vec<R> {
        let clock = (number as f64 * 0.1).sin();
        let row = |w: &[R]| w.iter().zip(state).fold(R::lit(clock), |s, (w, h)| s + *w * *h).tanh();
        weights.chunks(state.len()).map(row).collect()
    }
}

fn recurrent<R: Real>(x: &[R], options: &ScanOptions) -> R {
    let (start, weights) = x.split_at(5);
    let end = R::scan_slice(&Recurrent, 60, start, weights, options);
    end.iter().fold(R::lit(0.0), |s, h| s + *h * *h)
}

#[test]
fn a_scan_of_run_time_sizes_agrees_in_every_mode_and_bit_for_bit_under_every_schedule() {
    let x: Vec<f64> = (0..30).map(|k| 0.4 * f64::from(k).sin()).collect();
    let stored = grad(|x| recurrent(x, &ScanOptions::default()), &x);
    for slots in [1, 2, 7, 60] {
        for schedule in [Schedule::Revolve { slots }, Schedule::Mixed { slots }] {
            let options = ScanOptions { schedule, ..ScanOptions::default() };
            assert_eq!(grad(|x| recurrent(x, &options), &x), stored, "{schedule:?}");
        }
    }
    let forward = ScanOptions { mode: ScanMode::Forward, ..ScanOptions::default() };
    close(&grad(|x| recurrent(x, &forward), &x), &stored);
    // duals, and the loop statement by statement
    close(&jacobian_forward(|x| vec![recurrent(x, &forward)], &x), &stored);
    let plain = |x: &[Var<f64>]| {
        let (start, weights) = x.split_at(5);
        let end = (0..60).fold(start.to_vec(), |h, k| Recurrent.step(k, &h, weights));
        end.iter().fold(Var::lit(0.0), |s, h| s + *h * *h)
    };
    close(&grad(plain, &x), &stored);
    // forward over reverse against differences of gradients
    let v: Vec<f64> = (0..30).map(|k| f64::from(k).cos()).collect();
    let second = hvp(|x| recurrent(x, &ScanOptions::default()), &x, &v);
    let moved = |t: f64| -> Vec<f64> { x.iter().zip(&v).map(|(x, v)| x + t * v).collect() };
    let gradient = |t: f64| grad(|x| recurrent(x, &ScanOptions::default()), &moved(t));
    let (above, below) = (gradient(1e-5), gradient(-1e-5));
    for k in 0..30 {
        let difference = (above[k] - below[k]) / 2e-5;
        assert!((second[k] - difference).abs() < 1e-8, "{} {difference}", second[k]);
    }
}

/// As a user writes it: sums of iterators, comparisons with literals.
fn written<R: Real>(x: &[R]) -> R {
    let squares: R = x.iter().map(|x| *x * *x).sum();
    if squares > 1.0 && x[0] != 0.0 { squares.sqrt() } else { squares }
}

#[test]
fn iterators_are_summed_and_literals_compared_at_every_level() {
    assert_eq!(written(&[3.0, 4.0]), 5.0);
    close(&grad(written, &[3.0, 4.0]), &[0.6, 0.8]);
    close(&grad(written, &[0.3, 0.4]), &[0.6, 0.8]);
    assert!((hvp(written, &[3.0, 4.0], &[1.0, 0.0])[0] - 16.0 / 125.0).abs() < 1e-15);
    let program = Program::record(|x| vec![written(x)], &[3.0, 4.0]);
    close(&program.vjp(&[6.0, 8.0], &[1.0]).unwrap().1, &[0.6, 0.8]);
    assert!(program.call(&[0.1, 0.2]).is_err());
    let none: Dual<f64, 1> = std::iter::empty().sum();
    assert_eq!(none.re, 0.0);
}

#[test]
fn partial_derivatives_are_right_next_to_their_poles_and_where_squares_overflow() {
    // values: mpmath with 50 digits
    type Function = fn(Var<f64>) -> Var<f64>;
    let cases: [(Function, f64, f64); 9] = [
        (|x| x.asin(), 1.0 - 1e-10, 70_710.675_195_108_83),
        (|x| x.acos(), -1.0 + 1e-10, -70_710.675_195_108_83),
        (|x| x.atanh(), 1.0 - 1e-10, 4_999_999_586.548_179),
        (|x| x.acosh(), 1.0 + 1e-10, 70_710.675_191_573_3),
        (|x| x.acosh(), 1e200, 1e-200),
        (|x| x.asinh(), -1e200, 1e-200),
        (|x| x.atan2(Var::lit(1e200)), 1e200, 5e-201),
        (|x| x.atan2(Var::lit(1e-200)), 1e-200, 5e199),
        (|x| x.powi(i32::MIN), 1.0, -2_147_483_648.0),
    ];
    for (k, (f, x, right)) in cases.into_iter().enumerate() {
        let found = grad(|x| f(x[0]), &[x])[0];
        assert!((found / right - 1.0).abs() < 1e-14, "case {k}: {found} is not {right}");
    }
}

#[test]
fn a_million_statements_need_no_stack() {
    // a chain, each link of which needs the one before: nothing may go along it by calling itself
    fn chain<R: Real>(x: &[R], links: u32) -> R {
        (0..links).fold(x[0], |y, _| y + (y * x[1]) * 1e-7)
    }
    const X: [f64; 2] = [0.7, 0.3];
    let run = || {
        let slope = grad(|x| chain(x, 500_000), &X);
        let bent = hvp(|x| chain(x, 500_000), &X, &[1.0, 0.0]);
        let program = Program::record(|x| vec![chain(x, 50_000)], &X);
        let replayed = program.vjp(&X, &[1.0]).unwrap().1;
        let bent_again = program.hvp(&X, &[1.0, 0.0]).unwrap().1;
        [(500_000, slope, bent), (50_000, replayed, bent_again)]
    };
    let small = std::thread::Builder::new().stack_size(256 * 1024);
    for (links, slope, bent) in small.spawn(run).unwrap().join().unwrap() {
        // x (1 + 1e-7 p)^n
        let growth = (f64::from(links) * 3e-8_f64.ln_1p()).exp();
        let bend = growth * f64::from(links) * 1e-7 / (1.0 + 3e-8);
        for (found, right) in [(slope[0], growth), (slope[1], 0.7 * bend), (bent[1], bend)] {
            assert!((found / right - 1.0).abs() < 1e-10, "{links} links: {found} is not {right}");
        }
        assert!(bent[0].abs() < 1e-12);
    }
}

#[test]
fn sine_and_cosine_of_one_call_have_the_bits_of_each() {
    let stream = cotangent_ad::random::Stream::new(&[77]);
    for (k, size) in (0..20_000).zip([0.5, 3.0, 100.0, 1e6, 1e300].into_iter().cycle()) {
        let x = (2.0 * stream.uniform(k) - 1.0) * size;
        // hidden from each other, so that no compiler makes one call of them
        let (sin, cos) = (f64::sin(std::hint::black_box(x)), f64::cos(std::hint::black_box(x)));
        assert_eq!(Num::sin_cos(x), (sin, cos), "{x}");
        let session = Session::new();
        let (dual, var) = (Dual::<f64, 1>::seed(x, 0), session.input(x));
        assert_eq!((dual.sin().re, dual.cos().re), (sin, cos), "{x}");
        assert_eq!((var.sin().value(), var.cos().value()), (sin, cos), "{x}");
        assert_eq!((dual.sin().eps, dual.cos().eps), ([cos], [-sin]), "{x}");
        assert_eq!(dual.sin_cos(), (dual.sin(), dual.cos()), "{x}");
    }
}
