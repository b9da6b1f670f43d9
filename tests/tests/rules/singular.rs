//! Kinks and poles: right, or not finite, in every mode, and never a finite number that is wrong.

use cotangent_ad::check::{Expression, disagreement, edge_disagreement};
use cotangent_ad::program::Program;
use cotangent_ad::provenance::{self, NonFinite};
use cotangent_ad::special::norm;
use cotangent_ad::{
    Dual, Jet, Num, Real, ScanOptions, Session, SliceStep, Var, VectorFn, derivative, grad,
    hessian, jacobian_forward, jvp, vjp,
};

/// The Hessian of a function of two inputs in every mode that has one; each entry by itself.
fn hessians(f: &impl VectorFn, x: [f64; 2]) -> Vec<(&'static str, Vec<f64>)> {
    let entries = |entry: &dyn Fn(usize, usize) -> f64| -> Vec<f64> {
        (0..4).map(|k| entry(k / 2, k % 2)).collect()
    };
    let unit = |k: usize| -> Vec<f64> { (0..2).map(|i| f64::from(u8::from(i == k))).collect() };
    let forward_forward = |i: usize, j: usize| {
        let nested: Vec<Dual<Dual<f64, 1>, 1>> = (0..2)
            .map(|k| Dual {
                re: Dual { re: x[k], eps: [unit(i)[k]] },
                eps: [Dual::konst(unit(j)[k])],
            })
            .collect();
        f.call(&nested)[0].eps[0].eps[0]
    };
    let reverse_reverse = |i: usize, j: usize| {
        let outer = Session::<f64>::new();
        let at: Vec<Var<f64>> = x.iter().map(|x| outer.input(*x)).collect();
        let gradient = grad(|x: &[Var<Var<f64>>]| f.call(x)[0], &at);
        outer.pullback(&[gradient[i]], &[1.0], &at)[j]
    };
    let reverse_forward = |i: usize, j: usize| {
        let outer = Session::<f64>::new();
        let at: Vec<Var<f64>> = x.iter().map(|x| outer.input(*x)).collect();
        let along = (0..2).map(|k| Dual { re: at[k], eps: [Var::lit(unit(i)[k])] });
        let slope = f.call(&along.collect::<Vec<_>>())[0].eps[0];
        outer.pullback(&[slope], &[1.0], &at)[j]
    };
    let program = |i: usize, j: usize| {
        let program = Program::record(|x| f.call(x), &[0.7, -0.4]);
        program.hvp(&x, &unit(j)).unwrap().1[i]
    };
    let twice = |i: usize, j: usize| {
        let program = Program::record(|x| f.call(x), &[0.7, -0.4]);
        let slope = |x: &[Var<f64>]| {
            let x: Vec<_> =
                (0..2).map(|k| Dual { re: x[k], eps: [Var::lit(unit(i)[k])] }).collect();
            Real::slice_rule(&program, &x).unwrap()[0]
        };
        grad(|x| slope(x).eps[0], &x)[j]
    };
    vec![
        ("forward over reverse", hessian(|x| f.call(x)[0], &x)),
        ("forward over forward", entries(&forward_forward)),
        ("reverse over reverse", entries(&reverse_reverse)),
        ("reverse over forward", entries(&reverse_forward)),
        ("a program", entries(&program)),
        ("a program as a rule", entries(&twice)),
    ]
}

/// Every entry that is finite is right.
pub(super) fn right_or_refused(f: &impl VectorFn, x: [f64; 2], right: [f64; 4]) {
    for (mode, found) in hessians(f, x) {
        for (found, right) in found.iter().zip(right) {
            let wrong = found.is_finite() && (found - right).abs() > 1e-12;
            assert!(!wrong, "{} by {mode}: {found} is not {right}", std::any::type_name_of_val(f));
        }
    }
}

macro_rules! function {
    ($name:ident, |$x:ident: &[$r:ident]| $body:expr) => {
        struct $name;
        impl VectorFn for $name {
            fn call<$r: Real>(&self, $x: &[$r]) -> Vec<$r> {
                vec![$body]
            }
        }
    };
}

pub(super) use function;

function!(NormSquared, |x: &[R]| norm(x) * norm(x));
function!(HypotSquared, |x: &[R]| x[0].hypot(x[1]).powi(2));
function!(Bell, |x: &[R]| {
    let r = norm(x);
    (-(r * r)).exp()
});
function!(RootSquared, |x: &[R]| {
    let r = (x[0] * x[0] + x[1] * x[1]).sqrt();
    r * r
});
function!(SizeSquared, |x: &[R]| x[0].abs() * x[0].abs() + x[1].abs().powf(R::lit(3.0)));
function!(FlatHypot, |x: &[R]| (x[0] * x[0]).hypot(R::lit(0.0)) + x[1] * 0.0);
function!(ArcOfCosine, |x: &[R]| {
    let angle = (-(x[0] * x[0]) + 1.0).acos();
    angle * angle + x[1]
});

#[test]
fn a_second_derivative_at_a_kink_is_right_or_not_finite_in_every_mode() {
    let identity = [2.0, 0.0, 0.0, 2.0];
    right_or_refused(&NormSquared, [0.0; 2], identity);
    right_or_refused(&HypotSquared, [0.0; 2], identity);
    right_or_refused(&RootSquared, [0.0; 2], identity);
    right_or_refused(&Bell, [0.0; 2], identity.map(|h| -h));
    right_or_refused(&SizeSquared, [0.0; 2], [2.0, 0.0, 0.0, 0.0]);
    right_or_refused(&FlatHypot, [0.0; 2], [2.0, 0.0, 0.0, 0.0]);
    // acos(1 - x^2)^2 = 2 x^2 + ...
    right_or_refused(&ArcOfCosine, [0.0; 2], [4.0, 0.0, 0.0, 0.0]);
    // and right a little aside
    for (mode, found) in hessians(&NormSquared, [1e-3, 0.0]) {
        assert!(
            found.iter().zip(identity).all(|(f, r)| (f - r).abs() < 1e-12),
            "{mode}: {found:?}"
        );
    }
}

/// The slope of a function of one input at 0 in every mode.
pub(super) fn slopes(f: &impl VectorFn) -> Vec<(&'static str, f64)> {
    let program = Program::record(|x| f.call(x), &[0.3]);
    let as_rule = |x: &[Var<f64>]| Real::slice_rule(&program, x).unwrap()[0];
    let jet = |x: Jet<f64, 3>| f.call(&[x])[0].derivatives()[1];
    vec![
        ("reverse", grad(|x| f.call(x)[0], &[0.0])[0]),
        ("forward", jvp(|x| f.call(x), &[0.0], &[1.0]).1[0]),
        ("forward of eight", jacobian_forward(|x| f.call(x), &[0.0])[0]),
        ("forward over reverse", grad(|x| f.call(x)[0], &[Dual::<f64, 1>::lit(0.0)])[0].re),
        ("jet", jet(Jet::variable(0.0))),
        ("a program, reverse", program.vjp(&[0.0], &[1.0]).unwrap().1[0]),
        ("a program, forward", program.jvp(&[0.0], &[1.0]).unwrap().1[0]),
        ("a program as a rule", grad(as_rule, &[0.0])[0]),
    ]
}

/// The curvature likewise.
pub(super) fn curvatures(f: &impl VectorFn) -> Vec<(&'static str, f64)> {
    /// The second input does not matter.
    struct Widened<'a, F>(&'a F);
    impl<F: VectorFn> VectorFn for Widened<'_, F> {
        fn call<R: Real>(&self, x: &[R]) -> Vec<R> {
            self.0.call(&x[..1])
        }
    }
    let mut found: Vec<_> =
        hessians(&Widened(f), [0.0; 2]).into_iter().map(|(mode, h)| (mode, h[0])).collect();
    let jet = |x: Jet<f64, 3>| f.call(&[x])[0].derivatives()[2];
    found.push(("jet", jet(Jet::variable(0.0))));
    found
}

function!(RootOfCube, |x: &[R]| (x[0] * x[0] * x[0]).cbrt());
function!(RootOfSumOfCubes, |x: &[R]| (x[0].powi(3) * 2.0 - x[0].powi(3)).cbrt() + x[0]);
function!(ThirdOfCube, |x: &[R]| x[0].powi(3).powf(R::lit(1.0 / 3.0)));
function!(ThirdOfTwoInputs, |x: &[R]| x[0].powi(3).powf(x[0] + 1.0 / 3.0));
function!(QuarterOfFourth, |x: &[R]| x[0].powi(4).powf(R::lit(0.25)).powi(2));
function!(RootOfFourth, |x: &[R]| x[0].powi(4).sqrt());
function!(AngleOfCubes, |x: &[R]| (x[0].powi(3)).atan2(x[0].powi(5)));
function!(SquareOfRoot, |x: &[R]| x[0].sqrt().powi(2));
function!(ArcOfFourth, |x: &[R]| (-x[0].powi(4) + 1.0).acos());
function!(RootTimesRoot, |x: &[R]| x[0].sqrt() * x[0].sqrt());
function!(SquareOfSum, |x: &[R]| {
    let s = x[0].sqrt() + x[0];
    s * s
});
function!(SquareAfterLoop, |x: &[R]| {
    let options = ScanOptions::default();
    let s = R::scan_slice(&Rooting, 1, &[x[0], R::lit(1.0)], &[], &options)[0];
    s * s
});
function!(FourthOfQuarter, |x: &[R]| (x[0].powf(R::lit(0.25)) + x[0]).powi(4));
function!(CubeOfRoot, |x: &[R]| {
    let s = x[0].cbrt() + x[0] * 0.0;
    s * s * s
});
function!(PowerOfRoot, |x: &[R]| (x[0].sqrt() + x[0] * x[0]).powf(R::lit(2.0)));
function!(RootTimesArgument, |x: &[R]| x[0].sqrt() * x[0]);
function!(HypotOfRoot, |x: &[R]| {
    let r = x[0].sqrt().hypot(x[0]);
    r * r
});
function!(RootOfSize, |x: &[R]| x[0].abs().sqrt());
function!(RootOfRoot, |x: &[R]| (x[0] * x[0]).sqrt().sqrt());
function!(RootOfHypot, |x: &[R]| x[0].hypot(R::lit(0.0)).sqrt());
function!(ArcOfSize, |x: &[R]| (-x[0].abs() + 1.0).acos());
function!(RootByLogarithm, |x: &[R]| ((x[0] * x[0]).ln() * 0.25).exp());

/// `s0 <- sqrt(s0) + s0`, beside a state that nobody reads.
#[derive(Clone)]
struct Rooting;
impl SliceStep for Rooting {
    fn step<R: Real>(&self, _: usize, state: &[R], _: &[R]) -> Vec<R> {
        vec![state[0].sqrt() + state[0], state[1] * 0.5]
    }
}

#[test]
fn a_stationary_argument_at_a_pole_is_right_or_refused_in_every_mode() {
    fn check(name: &str, found: Vec<(&'static str, f64)>, right: f64) {
        for (mode, found) in found {
            let wrong = found.is_finite() && (found - right).abs() > 1e-12;
            assert!(!wrong, "{name} by {mode}: {found} is not {right}");
        }
    }
    check("cbrt(x^3)", slopes(&RootOfCube), 1.0);
    check("cbrt(x^3) + x", slopes(&RootOfSumOfCubes), 2.0);
    check("(x^3)^(1/3)", slopes(&ThirdOfCube), 1.0);
    check("(x^3)^(1/3 + x)", slopes(&ThirdOfTwoInputs), 1.0);
    check("((x^4)^(1/4))^2", slopes(&QuarterOfFourth), 0.0);
    check("atan2(x^3, x^5)", slopes(&AngleOfCubes), f64::NAN);
    check("sqrt(x)^2", slopes(&SquareOfRoot), 1.0);
    check("sqrt(x^4)''", curvatures(&RootOfFourth), 2.0);
    check("acos(1 - x^4)''", curvatures(&ArcOfFourth), 8.0_f64.sqrt());
    check("cbrt(x^3)''", curvatures(&RootOfCube), 0.0);
    check("(x^3)^(1/3)''", curvatures(&ThirdOfCube), 0.0);
    check("sqrt(x^4)", slopes(&RootOfFourth), 0.0);
    check("acos(1 - x^4)", slopes(&ArcOfFourth), 0.0);
    // a factor that vanishes where another grows beyond all bounds
    check("sqrt(x) sqrt(x)", slopes(&RootTimesRoot), 1.0);
    check("(sqrt(x) + x)^2", slopes(&SquareOfSum), 1.0);
    check("(sqrt(x) + x)^2 by a loop", slopes(&SquareAfterLoop), 1.0);
    check("(x^(1/4) + x)^4", slopes(&FourthOfQuarter), 1.0);
    check("cbrt(x)^3", slopes(&CubeOfRoot), 1.0);
    check("sqrt(x)^(2)", slopes(&PowerOfRoot), 1.0);
    check("sqrt(x) x", slopes(&RootTimesArgument), 0.0);
    check("hypot(sqrt(x), x)^2", slopes(&HypotOfRoot), 1.0);
    // a kink under a pole
    check("sqrt|x|", slopes(&RootOfSize), f64::INFINITY);
    check("sqrt(sqrt(x^2))", slopes(&RootOfRoot), f64::INFINITY);
    check("sqrt(hypot(x, 0))", slopes(&RootOfHypot), f64::INFINITY);
    check("acos(1 - |x|)", slopes(&ArcOfSize), f64::INFINITY);
    check("exp(ln(x^2) / 4)", slopes(&RootByLogarithm), f64::INFINITY);
    // what does not enter contributes nothing on a tape and in a program
    let beside = |x: &[Var<f64>]| x[0] * 2.0 + Var::lit(0.0).cbrt() * x[0];
    assert_eq!(grad(beside, &[0.5]), [2.0]);
}

#[test]
fn even_powers_of_an_absolute_value_have_their_second_derivative_at_zero() {
    for (mode, found) in hessians(&SizeSquared, [0.0; 2]) {
        // a program and an outer tape do not know towards which side an input moves
        let does_not_know = mode.contains("program") || mode == "reverse over reverse";
        let refused = does_not_know && found.iter().any(|h| !h.is_finite());
        assert!(refused || found == [2.0, 0.0, 0.0, 0.0], "{mode}: {found:?}");
    }
}

#[test]
fn first_derivatives_at_a_kink_are_the_documented_ones_in_every_mode() {
    for f in
        [norm as fn(&[Var<f64>]) -> Var<f64>, |x| x[0].hypot(x[1]), |x| x[0].abs() + x[1].abs()]
    {
        assert_eq!(grad(f, &[0.0, 0.0]), [0.0, 0.0]);
    }
    let program = Program::record(|x| vec![norm(x), x[0].hypot(x[1]), x[0].abs()], &[0.3, 0.4]);
    assert_eq!(program.vjp(&[0.0; 2], &[1.0; 3]).unwrap().1, [0.0; 2]);
    assert_eq!(program.jvp(&[0.0; 2], &[1.0; 2]).unwrap().1, [0.0; 3]);
}

#[test]
fn a_jet_follows_a_norm_through_the_origin() {
    // |(3t, 4t)|^2 = 25 t^2, exp(-25 t^2)
    let along = |f: fn(Jet<f64, 5>) -> Jet<f64, 5>| f(Jet::variable(0.0)).derivatives();
    let squared = along(|t| norm(&[t * 3.0, t * 4.0]).powi(2));
    assert_eq!(squared, [0.0, 0.0, 50.0, 0.0, 0.0]);
    let bell = along(|t| (-norm(&[t * 3.0, t * 4.0]).powi(2)).exp());
    assert_eq!(bell, [1.0, 0.0, -50.0, 0.0, 12.0 * 625.0]);
    let size = along(|t| t.abs() * t.abs());
    assert_eq!(size, [0.0, 0.0, 2.0, 0.0, 0.0]);
}

#[test]
fn the_root_of_a_sum_of_squares_is_refused_at_zero_in_every_mode_and_its_line_named() {
    // equal points; and a square that has underflowed
    function!(Apart, |x: &[R]| {
        let (dx, dy) = (x[0] - x[1], x[0] * 2.0 - x[1] * 2.0);
        (dx * dx + dy * dy).sqrt() + ((x[1] * -877.3).exp() * x[0] * 1e-3).sqrt()
    });
    let x = [1.0, 1.0];
    let plain = Apart.call(&x[..])[0];
    assert_eq!(plain, 0.0);
    let reverse = grad(|x| Apart.call(x)[0], &x);
    let forward: Vec<f64> =
        [[1.0, 0.0], [0.0, 1.0]].iter().map(|v| jvp(|x| Apart.call(x), &x, v).1[0]).collect();
    let program = Program::record(|x| Apart.call(x), &[0.5, -0.3]);
    let taped = program.vjp(&x, &[1.0]).unwrap().1;
    let pushed = program.jvp(&x, &[1.0, 0.0]).unwrap().1[0];
    for slope in [forward, reverse, taped, vec![pushed]].concat() {
        assert!(slope.is_nan(), "{slope}");
    }
    let found = provenance::find(&Apart, &x);
    let Some(NonFinite::Derivative { origin: Some(origin), .. }) = found else {
        panic!("{found:?}")
    };
    assert!(origin.location.file().ends_with("singular.rs"));
    // what has a derivative of its own there
    function!(Norms, |x: &[R]| {
        let apart = [x[0] - x[1], x[0] * 2.0 - x[1] * 2.0];
        norm(&apart) + apart[0].hypot(apart[1])
    });
    assert_eq!(grad(|x| Norms.call(x)[0], &x), [0.0; 2]);
    assert_eq!(jvp(|x| Norms.call(x), &x, &[1.0, 0.0]).1, [0.0]);
}

#[test]
fn what_is_not_asked_for_contributes_nothing_at_a_pole() {
    // seeds that are exactly zero, forward and back
    let program = Program::record(|x| vec![x[0].sqrt() + x[1], x[0] * 3.0 + x[1]], &[0.3, 0.4]);
    assert_eq!(program.vjp(&[0.0, 1.0], &[0.0, 1.0]).unwrap().1, [3.0, 1.0]);
    assert_eq!(program.jvp(&[0.0, 1.0], &[0.0, 2.0]).unwrap().1, [2.0, 2.0]);
    let on_a_tape = |x: &[Var<f64>]| vec![x[0].sqrt() + x[1] * x[0], x[0] * 3.0 + x[1]];
    assert_eq!(vjp(on_a_tape, &[0.0, 1.0], &[0.0, 1.0]).1, [3.0, 1.0]);
    // literals that a guard puts in the place of a variable, in second derivatives as well
    function!(Guarded, |x: &[R]| {
        let length = R::max(x[0], R::lit(0.0)).sqrt() + R::min(x[1], R::lit(1.0)).acos();
        length + x[0] * x[0] * x[1]
    });
    let at = [-0.5, 2.0];
    assert_eq!(grad(|x| Guarded.call(x)[0], &at), [-2.0, 0.25]);
    assert_eq!(hessian(|x| Guarded.call(x)[0], &at), [4.0, -1.0, -1.0, 0.0]);
    let program = Program::record(|x| Guarded.call(x), &[0.3, 0.4]);
    assert_eq!(program.vjp(&at, &[1.0]).unwrap().1, [-2.0, 0.25]);
    assert_eq!(program.hvp(&at, &[1.0, 0.0]).unwrap().1, [4.0, -1.0]);
}

#[test]
fn a_power_by_its_exponent_is_zero_at_a_zero_base_and_refused_at_the_jump() {
    fn power<R: Real>(x: &[R]) -> R {
        x[0].powf(x[1])
    }
    for b in [0.3, 0.5, 1.0, 1.5, 2.0, 3.5] {
        let by_exponent = |h: Vec<f64>| h[1];
        assert_eq!(by_exponent(grad(power, &[0.0, b])), 0.0);
        // duals do not tell a base that is at rest from |x|, whose power below 1 has a slope that is infinite
        let pushed = jvp(|x| vec![power(x)], &[0.0, b], &[0.0, 1.0]).1[0];
        assert!(pushed == 0.0 || b < 1.0 && pushed.is_nan(), "{pushed}");
        let program = Program::record(|x| vec![power(x)], &[0.7, 1.3]);
        assert_eq!(by_exponent(program.vjp(&[0.0, b], &[1.0]).unwrap().1), 0.0);
        assert_eq!(program.hvp(&[0.0, b], &[0.0, 1.0]).unwrap().1[1], 0.0);
        let jet = Jet::<f64, 3>::konst(0.0).powf(Jet::variable(b)).derivatives();
        assert_eq!(jet, [0.0; 3], "b = {b}");
        // nor from x^4 to second order: x^(4 b) is not flat for b = 1/2
        let zero_or_refused = |h: f64| h == 0.0 || b < 2.0 && h.is_nan();
        let twice = derivative(|p| derivative(|p| Dual::lit(0.0).powf(p), p), b);
        assert!(zero_or_refused(twice), "{twice}");
        assert_eq!(hessian(power, &[0.0, b])[3], 0.0, "b = {b}");
    }
    // both at once: x^2 by x and p at (0, 2) is 0
    assert_eq!(hessian(power, &[0.0, 2.0])[..2], [2.0, 0.0]);
    // 0^0 jumps
    assert!(!grad(power, &[0.0, 0.0])[1].is_finite());
    assert!(!jvp(|x| vec![power(x)], &[0.0; 2], &[0.0, 1.0]).1[0].is_finite());
    assert!(!Jet::<f64, 2>::konst(0.0).powf(Jet::variable(0.0)).coefficients()[1].is_finite());
    let program = Program::record(|x| vec![power(x)], &[0.7, 1.3]);
    assert!(!program.vjp(&[0.0; 2], &[1.0]).unwrap().1[1].is_finite());
    // a constant exponent does not ask for it
    assert_eq!(grad(|x| x[0].powf(Var::lit(0.0)), &[0.0]), [0.0]);
    // the second derivatives away from 0, against x^p ln^2 x and x^(p-1) (1 + p ln x)
    let (x, p) = (0.7_f64, 1.3);
    let h = hessian(power, &[x, p]);
    let mixed = x.powf(p - 1.0) * (1.0 + p * x.ln());
    assert!((h[1] - mixed).abs() < 1e-15 && (h[3] - x.powf(p) * x.ln().powi(2)).abs() < 1e-15);
}

#[test]
fn what_is_not_chosen_contributes_nothing_beyond_a_pole() {
    let program = Program::record(|x| vec![x[0].sqrt().max(x[1])], &[0.25, 1.0]);
    assert_eq!(program.jvp(&[0.0, 1.0], &[1.0, 3.0]).unwrap().1, [3.0]);
    assert_eq!(program.vjp(&[0.0, 1.0], &[1.0]).unwrap().1, [0.0, 1.0]);
    assert_eq!(program.hvp(&[0.0, 1.0], &[1.0, 3.0]).unwrap().1, [0.0, 0.0]);
}

#[test]
fn provenance_names_the_line_of_a_second_derivative_that_does_not_exist() {
    struct Kink;
    impl VectorFn for Kink {
        fn call<R: Real>(&self, x: &[R]) -> Vec<R> {
            let r = x[0].hypot(x[1]);
            vec![r * r]
        }
    }
    let line = line!() - 4;
    let found = provenance::find_second(&Kink, &[0.0, 0.0], &[1.0, 0.0]);
    let Some(NonFinite::SecondDerivative { origin: Some(origin), .. }) = found else {
        panic!("{found:?}")
    };
    assert_eq!((origin.location.line(), origin.location.file()), (line, file!()));
    assert!(provenance::find_second(&Kink, &[0.3, 0.1], &[1.0, 0.0]).is_none());
}

#[test]
fn random_expressions_have_the_same_derivatives_in_every_mode_and_in_31_digits() {
    // a million of them are compared by `cotangent-bench verify ad`
    for number in 0..1500 {
        let f = Expression::random(number, 3, 9);
        let found = disagreement(&f);
        assert!(found.is_none(), "expression {number}: {found:?}\n{f:?}");
    }
}

#[test]
fn random_expressions_at_kinks_and_poles_have_right_derivatives_or_none() {
    let mut finite = 0;
    for number in 0..4000 {
        let f = Expression::at_an_edge(number, 6);
        let found = edge_disagreement(&f);
        finite += usize::from(grad(|x| f.call(x)[0], f.point())[0].is_finite());
        assert!(found.is_none(), "expression {number}: {found:?}\n{f:?}");
    }
    // the test sees both: a mode that refused everything would pass otherwise
    assert!((1000..3500).contains(&finite), "{finite} of 4000 are finite");
}
