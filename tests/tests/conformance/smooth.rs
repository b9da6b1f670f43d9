//! Formulas.

use cotangent_ad::jet::derivatives;
use cotangent_ad::sparse::{self, Colouring, ScalarFn, hessian_pattern, jacobian_pattern};
use cotangent_ad::{Dual, Real, VectorFn, derivative, hvp};

use super::{entry, function, sum};

function!(SinExp, |x: &[R]| vec![(x[0] * x[0]).sin() * x[0].exp()]);

/// Derivatives of order 0 to the depth of nesting.
macro_rules! nested {
    ($x:expr $(, $more:ident)*) => {{
        let mut orders = vec![SinExp.call(&[$x])[0]];
        nested!(@ orders, $x, (|x| SinExp.call(&[x])[0]) $(, $more)*);
        orders
    }};
    (@ $orders:ident, $x:expr, ($f:expr)) => {};
    (@ $orders:ident, $x:expr, ($f:expr), $first:ident $(, $more:ident)*) => {
        $orders.push(derivative($f, $x));
        nested!(@ $orders, $x, (|x| derivative($f, x)) $(, $more)*);
    };
}

#[test]
fn nested_order_8() {
    let program = entry("nested_order_8");
    program.hessian(&SinExp);
    program.field("derivs", "a jet", || {
        derivatives::<f64, 9>(|x| SinExp.call(&[x])[0], program.inputs[0]).to_vec()
    });
    program.field("derivs", "nested duals", || {
        nested!(program.inputs[0], d1, d2, d3, d4, d5, d6, d7, d8)
    });
}

#[test]
fn rosenbrock6() {
    function!(Rosenbrock, |x: &[R]| {
        vec![sum(x.windows(2).map(|w| {
            let (valley, along) = (w[1] - w[0] * w[0], -w[0] + 1.0);
            valley * valley * 100.0 + along * along
        }))]
    });
    let program = entry("rosenbrock6");
    program.hessian(&Rosenbrock);
    program.product(&Rosenbrock);
    program.two_tapes(&Rosenbrock);
}

struct Valley;
impl ScalarFn for Valley {
    fn call<R: Real>(&self, x: &[R]) -> R {
        sum(x.windows(2).map(|w| {
            let (valley, along) = (w[1] - w[0] * w[0], -w[0] + 1.0);
            valley * valley * 100.0 + along * along
        }))
    }
}

#[test]
fn rosenbrock6_by_colouring() {
    let program = entry("rosenbrock6");
    program.field("hess", "colouring", || {
        let colouring = Colouring::columns(&hessian_pattern(&Valley, &program.inputs));
        assert_eq!((colouring.colours(), colouring.pattern().entries()), (3, 16));
        let found = sparse::hessian(&Valley, &program.inputs, &colouring);
        (0..36).map(|k| found.get(k / 6, k % 6)).collect()
    });
    // far more inputs than a group of marks
    let x: Vec<f64> = (0..600).map(|k| (f64::from(k) * 0.7).sin()).collect();
    let colouring = Colouring::columns(&hessian_pattern(&Valley, &x));
    assert_eq!((colouring.colours(), colouring.pattern().entries()), (3, 3 * 600 - 2));
    let (found, v) = (sparse::hessian(&Valley, &x, &colouring), vec![1.0; 600]);
    let dense = hvp(|x| Valley.call(x), &x, &v);
    for (i, exact) in dense.iter().enumerate() {
        let row: f64 = found.values[colouring.pattern().range(i)].iter().sum();
        assert!((row - exact).abs() < 1e-10 * exact.abs().max(1.0));
    }
}

#[test]
fn ackley10_hvp() {
    function!(Ackley, |x: &[R]| {
        let n = x.len() as f64;
        let spread = (sum(x.iter().map(|x| *x * *x)) / n).sqrt();
        let ripple = sum(x.iter().map(|x| (*x * std::f64::consts::TAU).cos())) / n;
        vec![(spread * -0.2).exp() * -20.0 - ripple.exp() + 20.0 + std::f64::consts::E]
    });
    entry("ackley10_hvp").product(&Ackley);
}

#[test]
fn sinh_cosh() {
    function!(Hyperbolic, |x: &[R]| vec![(x[0] * x[1]).sinh() * (x[1] + x[2]).cosh()]);
    entry("sinh_cosh").hessian(&Hyperbolic);
}

#[test]
fn broyden_tridiagonal8() {
    function!(Broyden, |x: &[R]| {
        let at = |i: Option<usize>| i.and_then(|i| x.get(i).copied()).unwrap_or(R::lit(0.0));
        let equation = |i: usize| {
            let (before, after) = (at(i.checked_sub(1)), at(Some(i + 1)));
            (-(x[i] * 2.0) + 3.0) * x[i] - before - after * 2.0 + 1.0
        };
        (0..x.len()).map(equation).collect()
    });
    let program = entry("broyden_tridiagonal8");
    program.vector(&Broyden);
    program.field("jac", "colouring", || {
        let colouring = Colouring::columns(&jacobian_pattern(&Broyden, &program.inputs));
        assert_eq!(colouring.colours(), 3);
        let found = sparse::jacobian(&Broyden, &program.inputs, &colouring);
        (0..64).map(|k| found.get(k / 8, k % 8)).collect()
    });
}

#[test]
fn duals_nest_without_confusion_in_depth() {
    // d/dx of d/dy of x^2 y^3, both at 2
    let mixed = derivative(|x| derivative(|y| Dual::konst(x * x) * y * y * y, x), 2.0);
    assert_eq!(mixed, 3.0 * 4.0 * 8.0);
}
