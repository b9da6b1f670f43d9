//! Formulas.

use cotangent_ad::jet::derivatives;
use cotangent_ad::{Dual, VectorFn, derivative};

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
    entry("broyden_tridiagonal8").vector(&Broyden);
}

#[test]
fn duals_nest_without_confusion_in_depth() {
    // d/dx of d/dy of x^2 y^3, both at 2
    let mixed = derivative(|x| derivative(|y| Dual::konst(x * x) * y * y * y, x), 2.0);
    assert_eq!(mixed, 3.0 * 4.0 * 8.0);
}
