//! Kinks that meet: maxima, minima and absolute values whose one-sided slopes differ, in every mode.

use cotangent_ad::program::Program;
use cotangent_ad::special::{maximum, minimum};
use cotangent_ad::{Dual, Jet, Num, Real, Var, VectorFn, derivative, grad, hessian, vjp};

use crate::singular::{curvatures, function, right_or_refused, slopes};

fn positive<R: Real>(x: R) -> R {
    R::max(x, R::lit(0.0))
}

// smooth functions written with kinks at 0
function!(Line, |x: &[R]| positive(x[0]) - positive(-x[0]));
function!(NoSize, |x: &[R]| x[0].abs() - (-x[0]).abs() + (x[0] * 2.0).abs() - x[0].abs() * 2.0);
function!(SumOfPair, |x: &[R]| maximum(&[x[0], x[0] * -3.0]) + minimum(&[x[0], x[0] * -3.0]));
function!(NoNorm, |x: &[R]| x[0].hypot(x[0] * 2.0) - (-x[0]).hypot(x[0] * 2.0) + x[0]);
function!(Clamped, |x: &[R]| {
    let between = R::min(R::max(x[0] + 0.5, R::lit(0.5)), R::lit(2.0));
    between + R::min(x[0], R::lit(0.0))
});
function!(ExpOfLine, |x: &[R]| (positive(x[0]) - positive(-x[0])).exp());
// and squares
function!(SizeTimesSize, |x: &[R]| x[0].abs() * (-x[0]).abs());
function!(SquareOfLine, |x: &[R]| (positive(x[0]) - positive(-x[0])).powi(2));
function!(SumOfSquares, |x: &[R]| positive(x[0]).powi(2) + positive(-x[0]).powi(2));
function!(SquareOfNothing, |x: &[R]| (x[0].abs() - (-x[0]).abs()).powi(2));
function!(SizeOfSquare, |x: &[R]| (x[0] * x[0]).abs());
function!(SizeOfNegative, |x: &[R]| -(-(x[0] * x[0])).abs());
function!(LargestOfSquares, |x: &[R]| R::max(-(x[0] * x[0]), x[0] * x[0] * -3.0));
function!(Apart, |x: &[R]| (x[0] - x[1]).abs() * (x[1] - x[0]).abs());
function!(Crossed, |x: &[R]| R::max(x[0], x[1]) * R::min(x[0], x[1]));

#[test]
fn kinks_of_smooth_arguments_have_the_slope_of_what_they_make_in_every_mode() {
    let check = |name: &str, f: &dyn Fn() -> Vec<(&'static str, f64)>, right: f64| {
        for (mode, found) in f() {
            assert!((found - right).abs() < 1e-15, "{name} by {mode}: {found} is not {right}");
        }
    };
    check("max(x, 0) - max(-x, 0)", &|| slopes(&Line), 1.0);
    check("|x| - |-x| + |2 x| - 2 |x|", &|| slopes(&NoSize), 0.0);
    check("max(x, -3 x) + min(x, -3 x)", &|| slopes(&SumOfPair), -2.0);
    check("hypot(x, 2 x) - hypot(-x, 2 x) + x", &|| slopes(&NoNorm), 1.0);
    check("clamp(x + 1/2, 1/2, 2) + min(x, 0)", &|| slopes(&Clamped), 1.0);
    check("exp(max(x, 0) - max(-x, 0))", &|| slopes(&ExpOfLine), 1.0);
}

#[test]
fn second_derivatives_of_kinks_that_meet_are_right_or_refused_in_every_mode() {
    let one = |h: f64| [h, 0.0, 0.0, 0.0];
    right_or_refused(&SizeTimesSize, [0.0; 2], one(2.0));
    right_or_refused(&SquareOfLine, [0.0; 2], one(2.0));
    right_or_refused(&SumOfSquares, [0.0; 2], one(2.0));
    right_or_refused(&SquareOfNothing, [0.0; 2], one(0.0));
    right_or_refused(&SizeOfSquare, [0.0; 2], one(2.0));
    right_or_refused(&SizeOfNegative, [0.0; 2], one(-2.0));
    right_or_refused(&LargestOfSquares, [0.0; 2], one(-2.0));
    right_or_refused(&ExpOfLine, [0.0; 2], one(1.0));
    right_or_refused(&Apart, [0.3, 0.3], [2.0, -2.0, -2.0, 2.0]);
    right_or_refused(&Crossed, [0.3, 0.3], [0.0, 1.0, 1.0, 0.0]);
    for f in [curvatures(&SizeTimesSize), curvatures(&SquareOfLine), curvatures(&SumOfSquares)] {
        for (mode, found) in f {
            // tangents that lead away from the kink choose its side
            let chooses = ["forward over reverse", "forward over forward", "jet"].contains(&mode);
            assert!(if chooses { found == 2.0 } else { !found.is_finite() || found == 2.0 });
        }
    }
    assert_eq!(hessian(|x| Crossed.call(x)[0], &[0.3, 0.3]), [0.0, 1.0, 1.0, 0.0]);
    assert_eq!(hessian(|x| Apart.call(x)[0], &[0.3, 0.3]), [2.0, -2.0, -2.0, 2.0]);
}

#[test]
fn a_recorded_tangent_has_no_wrong_derivative_at_a_kink_of_its_replay() {
    // d/dx of d/dx |x|^2 and of |x| |-x|, recorded as tangents and as tapes away from the kink
    fn slope<R: Real>(x: R) -> R {
        derivative(|y| y.abs() * (-y).abs(), x)
    }
    let tangent = Program::record(|x| vec![slope(x[0])], &[0.7]);
    let taped = Program::record(|x| grad(|y| y[0].abs() * (-y[0]).abs(), &[x[0]]), &[0.7]);
    let twice = Program::record(|x| vec![derivative(slope, x[0])], &[0.7]);
    for program in [&tangent, &taped] {
        let found = program.vjp(&[0.0], &[1.0]).map_or(f64::NAN, |(_, g)| g[0]);
        assert!(!found.is_finite() || found == 2.0, "{found}");
        assert_eq!(program.vjp(&[-0.4], &[1.0]).unwrap().1, [2.0]);
    }
    let found = twice.call(&[0.0]).map_or(f64::NAN, |y| y[0]);
    assert!(!found.is_finite() || found == 2.0, "{found}");
    assert_eq!(twice.call(&[-0.4]).unwrap(), [2.0]);
}

#[test]
fn a_jet_takes_the_side_of_a_kink_that_its_curve_takes() {
    let falling = -Jet::<f64, 4>::variable(0.0);
    assert_eq!(falling.abs().coefficients(), [0.0, 1.0, 0.0, 0.0]);
    assert_eq!(Real::max(falling, Jet::lit(0.0)).coefficients(), [0.0; 4]);
    let touching = -(falling * falling);
    assert_eq!(touching.abs().coefficients(), [0.0, 0.0, 1.0, 0.0]);
    assert_eq!(Real::min(touching, Jet::lit(0.0)).coefficients(), [0.0, 0.0, -1.0, 0.0]);
    // to first order it is the mean, as in every other mode
    let first = Real::max(Jet::<f64, 2>::variable(0.0), Jet::lit(0.0));
    assert_eq!(first.coefficients(), [0.0, 0.5]);
}

#[test]
fn a_maximum_of_numbers_that_tie_or_are_none_keeps_its_value_and_passes_nothing_to_what_is_not_taken()
 {
    let both = |a: f64, b: f64| {
        vjp(|x| vec![Real::max(x[0], x[1]), Real::min(x[0], x[1])], &[a, b], &[1.0, 10.0])
    };
    assert_eq!(both(2.0, 2.0), (vec![2.0, 2.0], vec![5.5, 5.5]));
    assert_eq!(both(2.0, 1.0), (vec![2.0, 1.0], vec![1.0, 10.0]));
    assert_eq!(both(2.0, f64::NAN), (vec![2.0, 2.0], vec![11.0, 0.0]));
    assert_eq!(both(f64::INFINITY, f64::INFINITY).1, [11.0, 0.0]);
    assert_eq!(both(f64::MAX, f64::MAX), (vec![f64::MAX; 2], vec![5.5, 5.5]));
    let program =
        Program::record(|x| vec![Real::max(x[0], x[1]), Real::min(x[0], x[1])], &[0.3, 0.4]);
    for (a, b) in [
        (2.0, 2.0),
        (2.0, 1.0),
        (2.0, f64::NAN),
        (f64::INFINITY, f64::INFINITY),
        (f64::MAX, f64::MAX),
    ] {
        assert_eq!(program.vjp(&[a, b], &[1.0, 10.0]).unwrap().1, both(a, b).1);
        let (value, slopes) = program.jvp(&[a, b], &[1.0, 0.0]).unwrap();
        let pushed: Vec<_> = [
            Real::max(Dual::seed(a, 0), Dual::konst(b)),
            Real::min(Dual::seed(a, 0), Dual::konst(b)),
        ]
        .iter()
        .map(|y: &Dual<f64, 1>| (y.re, y.eps[0]))
        .collect();
        assert_eq!(value.into_iter().zip(slopes).collect::<Vec<_>>(), pushed);
    }
    // what is not taken stands at a pole
    let beside = |x: &[Var<f64>]| Real::max(x[0].sqrt(), x[1]) + Real::min(x[1], x[0].recip());
    assert_eq!(grad(beside, &[0.0, 1.0]), [0.0, 2.0]);
}
