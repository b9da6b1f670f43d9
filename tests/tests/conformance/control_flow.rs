//! Loops, recursion, branches, mutation, callbacks.

use cotangent_ad::special::{erfc, ln_gamma, log_sum_exp, sigmoid, softplus, sort};
use cotangent_ad::{Dual, Real, VectorFn, derivative, jacobian_forward, jacobian_reverse};

use super::{Entry, entry, function, sum};

#[test]
fn newton_sqrt_loop() {
    function!(Heron, |x: &[R]| {
        let mut y = R::lit(1.0);
        while (y * y - x[0]).abs() > R::lit(1e-8) {
            y = (y + x[0] / y) * 0.5;
        }
        vec![y]
    });
    entry("newton_sqrt_loop").hessian(&Heron);
}

enum Tree {
    Leaf(f64),
    Node(Box<Tree>, Box<Tree>),
}

impl Tree {
    fn evaluate<R: Real>(&self, cell: &dyn Fn(R, R) -> R) -> R {
        match self {
            Self::Leaf(v) => R::lit(*v),
            Self::Node(l, r) => cell(l.evaluate(cell), r.evaluate(cell)),
        }
    }
}

#[test]
fn tree_recursion() {
    fn leaf(v: f64) -> Tree {
        Tree::Leaf(v)
    }
    fn node(l: Tree, r: Tree) -> Tree {
        Tree::Node(Box::new(l), Box::new(r))
    }
    function!(Recursive, |x: &[R]| {
        let tree = node(
            node(leaf(0.3), node(leaf(0.7), leaf(-0.2))),
            node(
                node(leaf(0.1), leaf(0.9)),
                node(leaf(-0.4), node(leaf(0.5), node(leaf(0.25), leaf(-0.6)))),
            ),
        );
        let &[w1, w2, b] = x else { panic!("three inputs") };
        vec![tree.evaluate(&|l, r| (w1 * l + w2 * r + b).tanh())]
    });
    let program = entry("tree_recursion");
    program.hessian(&Recursive);
    program.two_tapes(&Recursive);
}

#[test]
fn perturbation_confusion() {
    function!(Sum, |x: &[R]| vec![x[0] * derivative(|y| Dual::konst(x[0]) + y, R::lit(1.0))]);
    entry("perturbation_confusion").gradient(&Sum);
    function!(Product, |x: &[R]| {
        vec![x[0] * derivative(|y| Dual::konst(x[0]) * y * y, R::lit(3.0))]
    });
    entry("perturbation_confusion_product").hessian(&Product);
}

#[test]
fn sort_weighted() {
    function!(Weighted, |x: &[R]| {
        vec![sum(sort(x).iter().zip(1..).map(|(s, i)| *s * *s * f64::from(i)))]
    });
    let program = entry("sort_weighted");
    program.hessian(&Weighted);
    program.two_tapes(&Weighted);
}

#[test]
fn in_place_mutation() {
    function!(InPlace, |x: &[R]| {
        let (mut a, c) = (x[..5].to_vec(), x[5]);
        for r in 0..3 {
            for i in 1..5 {
                let before = a[i - 1];
                let here = a[i];
                a[i] += c * before * here;
            }
            a.swap(r, 4 - r);
        }
        vec![sum(a.iter().map(|a| *a * *a))]
    });
    entry("in_place_mutation").hessian(&InPlace);
}

/// Adaptive Simpson quadrature with a callback.
fn simpson<R: Real>(f: &dyn Fn(f64) -> R, a: f64, b: f64, tol: f64) -> R {
    let rule = |a: f64, b: f64| (f(a) + f(0.5 * (a + b)) * 4.0 + f(b)) * ((b - a) / 6.0);
    let middle = 0.5 * (a + b);
    let (whole, halves) = (rule(a, b), rule(a, middle) + rule(middle, b));
    let correction = (halves - whole) / 15.0;
    if correction.abs() <= R::lit(tol) {
        halves + correction
    } else {
        simpson(f, a, middle, tol / 2.0) + simpson(f, middle, b, tol / 2.0)
    }
}

#[test]
fn adaptive_simpson_callback() {
    function!(Gaussian, |x: &[R]| vec![simpson(&|t| (-x[0] * (t * t)).exp(), 0.0, 2.0, 1e-7)]);
    entry("adaptive_simpson_callback").hessian(&Gaussian);
}

#[test]
fn stack_machine() {
    function!(Machine, |x: &[R]| {
        let mut stack: Vec<R> = Vec::new();
        for token in "x y * sin x exp + y dup * / dup *".split(' ') {
            let result = match token {
                "x" => x[0],
                "y" => x[1],
                "dup" => *stack.last().unwrap(),
                "sin" => stack.pop().unwrap().sin(),
                "exp" => stack.pop().unwrap().exp(),
                operator => {
                    let (b, a) = (stack.pop().unwrap(), stack.pop().unwrap());
                    match operator {
                        "+" => a + b,
                        "*" => a * b,
                        _ => a / b,
                    }
                }
            };
            stack.push(result);
        }
        stack
    });
    entry("stack_machine").hessian(&Machine);
}

#[test]
fn guarded_sqrt() {
    // both sides of the select are computed; the side that is not chosen is NaN and contributes nothing
    function!(Guarded, |x: &[R]| {
        x.iter()
            .map(|x| R::select(*x > R::lit(0.0), x.sqrt(), R::lit(0.0)) + *x * x.abs().ln())
            .collect()
    });
    let Entry { inputs, expected, rtol, .. } = entry("guarded_sqrt");
    let check = |x: f64, value: f64, slope: f64, k: usize| {
        let (value_at, slope_at) = (&expected["value"][k], &expected["grad"][k]);
        let near = |a: f64, b: f64| (a - b).abs() <= rtol * b.abs();
        assert!(near(value, value_at.as_f64().unwrap()), "value at {x}: {value}");
        assert!(near(slope, slope_at.as_f64().unwrap()), "slope at {x}: {slope}");
    };
    let value = Guarded.call(&inputs[..]);
    for jacobian in [
        jacobian_forward(|x| Guarded.call(x), &inputs),
        jacobian_reverse(|x| Guarded.call(x), &inputs),
    ] {
        check(inputs[0], value[0], jacobian[0], 0);
        check(inputs[1], value[1], jacobian[3], 1);
        assert_eq!((jacobian[1], jacobian[2]), (0.0, 0.0));
    }
}

#[test]
fn stable_functions() {
    function!(Stable, |x: &[R]| {
        vec![
            softplus(x[0]),
            log_sum_exp(&x[1..3]),
            erfc(x[3]),
            sigmoid(x[4]),
            x[5].exp_m1(),
            ln_gamma(x[6]),
        ]
    });
    Entry { floor: 0.0, ..entry("stable_functions") }.vector(&Stable);
}
