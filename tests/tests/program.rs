//! Recorded programs agree with the tape and with duals, and say so where they would not.
#![allow(clippy::float_cmp, reason = "equal bits are what is tested")]

use cotangent_ad::check::Branching;
use cotangent_ad::program::{ItemProgram, Program, ReplayError, Traced};
use cotangent_ad::random::Stream;
use cotangent_ad::{
    DerivativeFailure, Dual, Kernel, Num, Real, Rule, SliceRule, Var, grad, hvp, jacobian_forward,
    jvp, try_value_and_grad, value_and_grad, vjp,
};

fn close(a: &[f64], b: &[f64], tolerance: f64) {
    assert_eq!(a.len(), b.len());
    let size = b.iter().fold(0.0_f64, |s, b| s.max(b.abs()));
    for (k, (a, b)) in a.iter().zip(b).enumerate() {
        let agree = a.is_nan() && b.is_nan() || (a - b).abs() <= tolerance * size.max(1e-300);
        assert!(agree, "entry {k}: {a} is not {b}");
    }
}

/// Calls every function of the table at arguments inside its domain, 0 < a < 1 < b.
fn every_function<R: Real>(x: &[R]) -> Vec<R> {
    let [a, b] = [x[0], x[1]];
    let one =
        [a.sin(), a.cos(), a.tan(), a.asin(), a.acos(), b.atan(), a.sinh(), b.cosh(), a.tanh()];
    let two = [b.asinh(), b.acosh(), a.atanh(), a.exp(), a.exp_m1(), b.ln(), a.ln_1p(), b.sqrt()];
    let three = [b.cbrt(), b.recip(), (a - b).abs(), b.powi(-3), a.powf(b), a.atan2(b), a.hypot(b)];
    let four = [a / b, a * b - b, -a / 3.0, a.max(b), a.min(b), a.sign() * b, a * a + b * 2.0 - a];
    [&one[..], &two, &three, &four].concat()
}

#[test]
fn every_function_and_its_derivatives_agree_with_the_tape() {
    let p = Program::record(every_function, &[0.5, 1.5]);
    let x = [0.37, 1.83];
    let y = p.call(&x).unwrap();
    close(&y, &every_function(&x[..]), 1e-15);
    let y_bar: Vec<f64> = (0..y.len()).map(|k| (k as f64).cos()).collect();
    let (_, x_bar) = vjp(every_function, &x, &y_bar);
    close(&p.vjp(&x, &y_bar).unwrap().1, &x_bar, 1e-14);
    let (_, y_dot) = jvp(every_function, &x, &[0.3, -1.1]);
    close(&p.jvp(&x, &[0.3, -1.1]).unwrap().1, &y_dot, 1e-14);
    let (pattern, entries) = p.jacobian(&x).unwrap();
    let mut dense = vec![0.0; y.len() * 2];
    pattern.iter().zip(&entries).for_each(|([row, col], v)| dense[row * 2 + col] = *v);
    close(&dense, &jacobian_forward(every_function, &x), 1e-14);
}

#[test]
fn the_same_functions_over_lanes() {
    let f = |item: &[Traced], _: &[Traced]| every_function(item);
    let stream = Stream::new(&[4]);
    let items: Vec<f64> =
        (0..61).flat_map(|k| [stream.uniform(2 * k), 1.0 + stream.uniform(2 * k + 1)]).collect();
    let p = ItemProgram::record(f, 2, &[], &items).unwrap();
    let blocks = p.jacobian(&items, &[], &[0, 1]).unwrap();
    let (values, n) = (p.map(&items, &[]).unwrap(), blocks.pattern.len());
    for (k, item) in items.chunks(2).enumerate() {
        let exact = every_function(item);
        close(&values[k * exact.len()..][..exact.len()], &exact, 1e-15);
        let jacobian = jacobian_forward(every_function, item);
        let mut dense = vec![0.0; jacobian.len()];
        for ([row, col], v) in blocks.pattern.iter().zip(&blocks.entries[k * n..]) {
            dense[row * 2 + col] = *v;
        }
        close(&dense, &jacobian, 1e-13);
    }
}

fn rosenbrock<R: Real>(x: &[R]) -> R {
    x.windows(2).fold(R::lit(0.0), |s, w| {
        let (a, b) = (w[1] - w[0] * w[0], -w[0] + 1.0);
        s + a * a * 100.0 + b * b
    })
}

#[test]
fn hessian_products_agree_with_forward_over_reverse() {
    let x: Vec<f64> = (0..11).map(|k| 0.9 + 0.02 * f64::from(k)).collect();
    let v: Vec<f64> = (0..11).map(|k| f64::from(k).sin()).collect();
    let p = Program::record(|x| vec![rosenbrock(x)], &[0.5; 11]);
    let (g, h) = p.hvp(&x, &v).unwrap();
    close(&g, &grad(rosenbrock, &x), 1e-13);
    close(&h, &hvp(rosenbrock, &x, &v), 1e-13);
}

#[test]
fn poles_on_paths_without_sensitivity_contribute_nothing() {
    let f = |x: &[Traced]| vec![(x[0].sqrt() * 0.0).max(x[0] * 3.0 + 1.0), x[0].hypot(x[0] * 0.0)];
    let p = Program::record(f, &[1.0]);
    assert_eq!(p.vjp(&[0.0], &[1.0, 1.0]).unwrap().1, [3.0]);
    let f = |item: &[Traced], p: &[Traced]| vec![(item[0] * p[0]).sqrt().max(p[0])];
    let items = [4.0, 9.0, 0.0, 16.0];
    let p = ItemProgram::record(f, 1, &[1.0], &items).unwrap();
    assert_eq!(
        p.sum_vjp(&items, &[1.0], &[1.0]).unwrap(),
        (vec![10.0], vec![1.0 + 1.5 + 1.0 + 2.0])
    );
}

#[test]
fn a_flipped_branch_is_an_error_that_names_it() {
    let f = |x: &[Traced]| vec![if x[0] > x[1] { x[0] } else { x[1] * 2.0 }];
    let p = Program::record(f, &[2.0, 1.0]);
    assert_eq!(p.call(&[5.0, 3.0]).unwrap(), [5.0]);
    let error = p.vjp(&[1.0, 2.0], &[1.0]).unwrap_err();
    assert!(matches!(&error, ReplayError::GuardFlipped { item: 0, .. }));
    assert!(error.to_string().contains("(x1 < x0) is true"), "{error}");
    assert!(p.call(&[f64::NAN, 1.0]).is_err(), "a NaN takes no branch silently");
}

/// Three ways through.
fn branchy<R: Real>(item: &[R], p: &[R]) -> R {
    let t = item[0];
    if t < R::lit(-0.3) {
        p[0] * t
    } else if t < R::lit(0.4) {
        (p[1] * t).sin()
    } else {
        p[0] * p[1] * t.exp()
    }
}

#[test]
fn items_are_regrouped_by_the_path_they_take() {
    let items: Vec<f64> = (0..2000).map(|k| (f64::from(k) * 0.7).sin()).collect();
    let p = [1.3, 0.4];
    let f = |item: &[Traced], p: &[Traced]| vec![branchy(item, p)];
    let program = ItemProgram::record(f, 1, &p, &items).unwrap();
    let exact: Vec<f64> = items.iter().map(|t| branchy(&[*t], &p)).collect();
    close(&program.map(&items, &p).unwrap(), &exact, 1e-15);
    let g = grad(|p| items.iter().fold(Num::lit(0.0), |s, t| s + branchy(&[Num::lit(*t)], p)), &p);
    let first = program.sum_vjp(&items, &p, &[1.0]).unwrap();
    close(&first.1, &g, 1e-13);
    assert_eq!(program.sum_vjp(&items, &p, &[1.0]).unwrap(), first, "known paths change no bit");
}

#[test]
fn more_paths_than_are_worth_recording_are_an_error() {
    let f = |item: &[Traced], _: &[Traced]| {
        let mut x = item[0];
        while x > Traced::lit(1.0) {
            x = x - 1.0;
        }
        vec![x]
    };
    let items: Vec<f64> = (0..40).map(f64::from).collect();
    let program = ItemProgram::record(f, 1, &[], &items).unwrap();
    assert_eq!(program.map(&items[..20], &[]).unwrap()[19], 1.0);
    assert_eq!(
        program.map(&items, &[]).unwrap_err(),
        ReplayError::TooManyPaths { limit: 32, item: 33 }
    );
}

#[test]
fn the_same_bits_on_any_number_of_workers() {
    let items: Vec<f64> = (0..5003).map(|k| (f64::from(k) * 0.37).cos()).collect();
    let f = |item: &[Traced], p: &[Traced]| vec![(p[0] * item[0]).exp() * p[1]];
    let program = ItemProgram::record(f, 1, &[0.3, 2.0], &items).unwrap();
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| program.sum_vjp(&items, &[0.3, 2.0], &[1.0]).unwrap())
    };
    let one = on(1);
    for threads in [2, 3, 7] {
        assert_eq!(on(threads), one);
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
fn a_rule_passes_to_any_order_and_over_items() {
    let p = Program::record(|x| vec![Real::rule(&CubeRoot, [x[0] * 2.0])[0]], &[1.0]);
    let (x, t) = (2.7_f64, 5.4_f64);
    assert_eq!(p.call(&[x]).unwrap(), [t.cbrt()]);
    let (g, h) = p.hvp(&[x], &[1.0]).unwrap();
    close(&g, &[2.0 / 3.0 * t.powf(-2.0 / 3.0)], 1e-14);
    close(&h, &[-8.0 / 9.0 * t.powf(-5.0 / 3.0)], 1e-14);
    let f = |item: &[Traced], p: &[Traced]| vec![Real::rule(&CubeRoot, [item[0] * p[0]])[0]];
    let items: Vec<f64> = (1..12).map(f64::from).collect();
    let program = ItemProgram::record(f, 1, &[2.0], &items).unwrap();
    let (y, g) = program.sum_vjp(&items, &[2.0], &[1.0]).unwrap();
    close(&y, &[items.iter().map(|x| (2.0 * x).cbrt()).sum()], 1e-14);
    close(&g, &[items.iter().map(|x| x / 3.0 * (2.0 * x).powf(-2.0 / 3.0)).sum()], 1e-14);
}

/// `|x|`, which says that it has no derivative at 0.
#[derive(Clone)]
struct Size;
#[derive(Debug, PartialEq)]
struct Kink;
impl std::fmt::Display for Kink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a kink at 0")
    }
}
impl std::error::Error for Kink {}
impl SliceRule for Size {
    type Error = Kink;
    fn primal(&self, x: &[f64]) -> Result<Vec<f64>, Kink> {
        Ok(vec![x[0].abs()])
    }
    fn jvp<R: Real>(&self, x: &[R], _: &[R], x_dot: &[R]) -> Result<Vec<R>, Kink> {
        if x[0] == R::lit(0.0) { Err(Kink) } else { Ok(vec![x[0].sign() * x_dot[0]]) }
    }
    fn vjp<R: Real>(&self, x: &[R], y: &[R], y_bar: &[R]) -> Result<Vec<R>, Kink> {
        self.jvp(x, y, y_bar)
    }
}

#[test]
fn a_rule_without_a_derivative_is_a_typed_error() {
    let f = |x: &[Traced]| Real::slice_rule(&Size, &[x[0] * 2.0]);
    let p = Program::try_record(f, &[0.0]).unwrap();
    assert_eq!(p.call(&[-3.0]).unwrap(), [6.0]);
    let none = |error: &ReplayError| {
        assert!(matches!(error, ReplayError::NoDerivative { rule, .. } if rule.ends_with("Size")));
        assert!(error.to_string().contains("a kink at 0"), "{error}");
    };
    for _ in 0..2 {
        none(&p.vjp(&[1.0], &[1.0]).unwrap_err());
        none(&p.jvp(&[1.0], &[1.0]).unwrap_err());
        none(&p.hvp(&[1.0], &[1.0]).unwrap_err());
        none(&p.jacobian(&[1.0]).unwrap_err());
    }
    let over = move |item: &[Traced], p: &[Traced]| f(&[item[0] * p[0]]).unwrap();
    let items = ItemProgram::record(over, 1, &[0.0], &[1.0, 2.0]).unwrap();
    assert_eq!(items.sum(&[1.0, 2.0], &[1.0]).unwrap(), [6.0]);
    none(&items.sum_vjp(&[1.0, 2.0], &[1.0], &[1.0]).unwrap_err());
    none(&items.jacobian(&[1.0, 2.0], &[1.0], &[0]).unwrap_err());
    // elsewhere it is recorded with one, and guards the way there
    let p = Program::try_record(f, &[1.0]).unwrap();
    assert_eq!(p.vjp(&[1.5], &[1.0]).unwrap(), (vec![3.0], vec![2.0]));
    assert!(matches!(p.vjp(&[0.0], &[1.0]), Err(ReplayError::GuardFlipped { .. })));
}

#[test]
fn a_function_without_a_value_is_not_recorded() {
    let none = Program::try_record(|_| Err::<Vec<Traced>, _>(Kink), &[1.0]);
    assert_eq!(none.unwrap_err(), Kink);
}

/// What the program of a test computes.
fn bent<R: Real>(x: &[R]) -> Vec<R> {
    vec![(x[0] * x[1]).sin() + x[1], x[0].exp() / x[1]]
}

/// `f`, and again on what it made.
fn twice<R: Real>(x: &[R], f: impl Fn(&[R]) -> Vec<R>) -> Vec<R> {
    let y = f(&[x[0] * 0.5, x[1] + 1.0]);
    f(&[y[0] * 0.3, y[1] * x[0]])
}

#[test]
fn a_program_is_a_rule_at_every_level() {
    let program = Program::record(bent, &[0.5, 1.5]);
    let (x, v) = ([0.4, 0.9], [1.0, -0.6]);
    let plain = jacobian_forward(|x| twice(x, bent), &x);
    let duals = jacobian_forward(|x| twice(x, |x| Dual::slice_rule(&program, x).unwrap()), &x);
    close(&duals, &plain, 1e-13);
    let first = |x: &[_]| Ok(twice(x, |x| Real::slice_rule(&program, x).unwrap())[0]);
    let (_, g) = try_value_and_grad::<f64, ReplayError>(first, &x).unwrap();
    close(&g, &plain[..2], 1e-13);
    let second = hvp(|x| twice(x, |x| Real::slice_rule(&program, x).unwrap())[0], &x, &v);
    close(&second, &hvp(|x| twice(x, bent)[0], &x, &v), 1e-12);
    // inside another program
    let outer = Program::record(|x| twice(x, |x| Real::slice_rule(&program, x).unwrap()), &x);
    let (g, h) = outer.hvp(&x, &v).unwrap();
    close(&g, &plain[..2], 1e-13);
    close(&h, &second, 1e-12);
}

#[test]
fn equal_expressions_are_shared_and_printed() {
    let p = Program::record(|x| vec![x[0] * x[1] + (x[1] * x[0]).sin() + 2.0 * 3.0], &[1.0, 2.0]);
    let text = p.to_string();
    assert_eq!(text.matches('*').count(), 1, "{text}");
    assert!(text.contains("sin") && text.contains("6.0") && text.contains("return"), "{text}");
}

#[test]
fn a_long_sum_is_recorded_without_deep_recursion() {
    let n = 100_000;
    let x: Vec<f64> = (0..n).map(|k| f64::from(k) * 1e-5).collect();
    let sum = |x: &[Traced]| vec![x.iter().fold(Traced::lit(0.0), |s, x| s + *x * *x)];
    let p = Program::record(sum, &x);
    let (y, g) = p.vjp(&x, &[1.0]).unwrap();
    close(&y, &[x.iter().map(|x| x * x).sum()], 1e-12);
    close(&g, &x.iter().map(|x| 2.0 * x).collect::<Vec<_>>(), 1e-15);
}

#[test]
fn wrong_shapes_are_errors() {
    let p = Program::record(|x| vec![x[0] * x[1]], &[1.0, 2.0]);
    let shape = |what, expected, found| ReplayError::Shape { what, expected, found };
    assert_eq!(p.call(&[1.0]).unwrap_err(), shape("x", 2, 1));
    assert_eq!(p.vjp(&[1.0, 2.0], &[]).unwrap_err(), shape("y_bar", 1, 0));
    assert_eq!(p.jvp(&[1.0, 2.0], &[1.0]).unwrap_err(), shape("x_dot", 2, 1));
    assert_eq!(p.hvp(&[1.0, 2.0], &[1.0]).unwrap_err(), shape("v", 2, 1));
    let f = |item: &[Traced], p: &[Traced]| vec![item[0] * item[1] * p[0]];
    let items = ItemProgram::record(f, 2, &[1.0], &[1.0, 2.0]).unwrap();
    let ragged = ReplayError::Items { width: 2, found: 3 };
    assert_eq!(items.map(&[1.0; 3], &[1.0]).unwrap_err(), ragged);
    assert_eq!(items.sum(&[1.0; 2], &[]).unwrap_err(), shape("parameters", 1, 0));
    assert_eq!(items.jacobian(&[1.0; 2], &[1.0], &[3]).unwrap_err(), shape("by", 3, 3));
    assert_eq!(items.map(&[], &[1.0]).unwrap(), [0.0; 0]);
    assert!(ItemProgram::record(f, 2, &[1.0], &[]).is_err());
    assert!(p.call(&[f64::NAN, 1.0]).unwrap()[0].is_nan());
}

#[test]
#[should_panic(expected = "after its recording ended")]
fn a_stale_value_panics() {
    let mut kept = None;
    let _ = Program::record(
        |x| {
            kept = Some(x[0]);
            vec![x[0]]
        },
        &[1.0],
    );
    let _ = kept.unwrap() * kept.unwrap();
}

#[test]
fn programs_are_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Program>();
    shared::<ItemProgram>();
}

/// A kernel with a branch on its item, and another sum within it.
#[derive(Clone)]
struct Share;

/// `sum_k exp(-t k)` over three numbers.
#[derive(Clone)]
struct Decay;

impl Kernel<1, 1> for Decay {
    fn share<R: Real>(&self, [k]: [R; 1], p: &[R]) -> [R; 1] {
        [(-p[0] * k).exp()]
    }
}

impl Kernel<2, 2> for Share {
    fn share<R: Real>(&self, [t, y]: [R; 2], p: &[R]) -> [R; 2] {
        let [decay] = R::map_sum(&Decay, &[[0.5], [1.0], [2.0]], &[p[1] * t]);
        let r = p[0] * decay - y;
        let loss = if y > R::lit(0.5) { r * r } else { r.abs().sqrt() };
        [loss, (p[2] + t).ln()]
    }
}

fn data(n: u32) -> Vec<[f64; 2]> {
    (0..n).map(|k| f64::from(k) * 0.37).map(|t| [t.sin() + 1.1, t.cos()]).collect()
}

fn summed<R: Real>(items: &[[f64; 2]], p: &[R]) -> R {
    let [loss, log] = R::map_sum(&Share, items, p);
    loss * log
}

/// The same without the construct.
fn looped<R: Real>(items: &[[f64; 2]], p: &[R]) -> R {
    let (mut loss, mut log) = (R::lit(0.0), R::lit(0.0));
    for item in items {
        let [a, b] = Share.share(item.map(R::lit), p);
        loss += a;
        log += b;
    }
    loss * log
}

#[test]
fn a_sum_over_items_is_one_unit_at_every_level_and_order() {
    let (items, p, v) = (data(1100), [0.8, 0.6, 2.0], [0.3, -1.0, 0.5]);
    let program = Program::record(|p| vec![summed(&items, p)], &p);
    assert!(program.len() < 12, "{} values", program.len());
    let value = looped(&items, &p);
    let (y, g) = program.vjp(&p, &[1.0]).unwrap();
    close(&[y[0], summed(&items, &p)], &[value; 2], 1e-12);
    let expected = jacobian_forward(|p| vec![looped(&items, p)], &p);
    for found in [g, grad(|p| summed(&items, p), &p)] {
        close(&found, &expected, 1e-12);
    }
    let slope = expected.iter().zip(v).map(|(g, v)| g * v).sum::<f64>();
    close(&program.jvp(&p, &v).unwrap().1, &[slope], 1e-12);
    let second = hvp(|p| looped(&items, p), &p, &v);
    close(&program.hvp(&p, &v).unwrap().1, &second, 1e-11);
    close(&hvp(|p| summed(&items, p), &p, &v), &second, 1e-11);
    // elsewhere other items take the other branch, and nothing is recorded anew by the caller
    let there = [1.3, 0.2, 1.0];
    let expected = grad(|p| looped(&items, p), &there);
    close(&program.vjp(&there, &[1.0]).unwrap().1, &expected, 1e-12);
}

#[test]
fn a_sum_over_items_has_the_same_bits_on_any_number_of_workers() {
    let (items, p) = (data(3000), [0.8, 0.6, 2.0]);
    let run = |workers| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(workers).build().unwrap();
        pool.install(|| value_and_grad(|p| summed(&items, p), &p))
    };
    let one = run(1);
    assert_eq!(one, run(2));
    assert_eq!(one, run(3));
    assert_eq!(one.0, jvp(|p| vec![summed(&items, p)], &p, &[1.0; 3]).0[0], "levels add alike");
    let none = value_and_grad(|p| summed(&[], p), &p);
    assert_eq!(none, (0.0, vec![0.0; 3]));
    assert_eq!(Program::record(|p| vec![summed(&[], p)], &p).call(&p).unwrap(), [0.0]);
}

#[test]
fn a_concrete_value_is_guarded() {
    let count = |x: &[Traced]| {
        let n = x[1].concrete();
        let terms = (0..9).map(f64::from).take_while(|k| *k < n);
        vec![terms.fold(Traced::lit(0.0), |sum, k| sum + x[0] * k)]
    };
    let program = Program::record(count, &[2.0, 4.0]);
    assert_eq!(program.call(&[3.0, 4.0]).unwrap(), [18.0]);
    let flipped = program.call(&[3.0, 5.0]);
    assert!(matches!(flipped, Err(ReplayError::GuardFlipped { .. })), "{flipped:?}");
    let nan = Program::record(
        |x| vec![x[0] * f64::from(u8::from(x[0].concrete().is_nan()))],
        &[f64::NAN],
    );
    assert!(nan.call(&[f64::NAN]).unwrap()[0].is_nan() && nan.call(&[1.0]).is_err());
    assert_eq!(grad(|x| x[0] * x[0].concrete(), &[3.0]), [3.0]);
}

/// A value whose derivative does not exist.
#[derive(Clone)]
struct NoSlope;

impl SliceRule for NoSlope {
    type Error = std::fmt::Error;
    fn primal(&self, x: &[f64]) -> Result<Vec<f64>, Self::Error> {
        Ok(x.to_vec())
    }
    fn jvp<R: Real>(&self, _: &[R], _: &[R], _: &[R]) -> Result<Vec<R>, Self::Error> {
        Err(std::fmt::Error)
    }
    fn vjp<R: Real>(&self, _: &[R], _: &[R], _: &[R]) -> Result<Vec<R>, Self::Error> {
        Err(std::fmt::Error)
    }
}

impl Kernel<0, 1> for NoSlope {
    fn share<R: Real>(&self, []: [R; 0], p: &[R]) -> [R; 1] {
        [R::slice_rule(self, p).expect("a value")[0]]
    }
}

#[test]
fn a_kernel_without_a_derivative_is_a_typed_error_of_the_sweep() {
    let f = |p: &[Var<f64>]| Ok::<_, DerivativeFailure>(Real::map_sum(&NoSlope, &[[]; 3], p)[0]);
    let failure = try_value_and_grad(f, &[1.0]).unwrap_err();
    assert!(failure.downcast_ref::<std::fmt::Error>().is_some(), "{failure}");
    assert_eq!(f64::map_sum(&NoSlope, &[[]; 3], &[2.0]), [6.0]);
    let program = Program::record(|p| Real::map_sum(&NoSlope, &[[]; 3], p).to_vec(), &[1.0]);
    assert_eq!(program.call(&[2.0]).unwrap(), [6.0]);
    let failure = program.vjp(&[2.0], &[1.0]).unwrap_err();
    assert!(matches!(failure, ReplayError::NoDerivative { .. }), "{failure}");
}

#[test]
fn a_random_program_with_guards_replays_at_its_own_recording_point() {
    let mut guarded = 0;
    for seed in 0..3000 {
        let f = Branching::random(seed);
        let x = f.point();
        let program = Program::record(|x| f.call(x), &x);
        guarded += usize::from(program.to_string().contains("guard"));
        let y = program.call(&x).unwrap_or_else(|e| panic!("program {seed}: {e}\n{program}"));
        close(&y, &f.call(&x[..]), 1e-12);
        let (_, x_bar) = program.vjp(&x, &[1.0, -0.7]).unwrap();
        let (_, taped) = vjp(|x| f.call(x), &x, &[1.0, -0.7]);
        close(&x_bar, &taped, 1e-9);
        program.hvp(&x, &[0.3, 1.0]).unwrap();
        // the same over items, a block at a time
        let items: Vec<f64> = std::iter::repeat_n(x, 40).flatten().collect();
        let kernel = f.clone();
        let over = ItemProgram::record(move |item, _| kernel.call(item), 2, &[], &items).unwrap();
        over.sum(&items, &[]).unwrap_or_else(|e| panic!("items {seed}: {e}"));
    }
    assert!(guarded > 2000, "{guarded} programs have guards");
}

#[test]
fn a_number_that_leaves_differentiation_is_replayed_to_the_bit() {
    let x = [0.3, -0.441_568_015_438_477_8];
    let p = Program::record(|x| vec![Traced::konst((x[0] * x[1].tanh()).concrete())], &x);
    assert_eq!(p.call(&x).unwrap(), [0.3 * Num::tanh(x[1])]);
    assert!(matches!(p.call(&[0.3, -0.3]), Err(ReplayError::GuardFlipped { .. })));
}

#[test]
fn a_number_that_only_a_replay_knows_is_not_read_and_its_size_is_guarded() {
    let f = |x: &[Traced]| {
        assert_eq!(x[0].known(), None, "no number that an index could be made of");
        assert_eq!(Traced::lit(2.0).known(), Some(2.0));
        let grown = x[0].exp();
        vec![if grown.is_finite() { grown.recip() } else { x[0] * 0.0 }]
    };
    // at its own point a program goes the way that plain code goes
    for x in [1.5, 800.0] {
        let program = Program::record(f, &[x]);
        let plain = if x.exp().is_finite() { (-x).exp() } else { 0.0 };
        close(&program.call(&[x]).unwrap(), &[plain], 1e-14);
    }
    let program = Program::record(f, &[1.5]);
    assert!(program.call(&[800.0]).is_err(), "the other way is another program");
    close(&program.call(&[2.5]).unwrap(), &[(-2.5_f64).exp()], 1e-14);
}
