//! Random expressions, differentiated in every mode and compared.

use super::Precise;
use crate::api::{VectorFn, grad, hvp, jvp};
use crate::dual::Dual;
use crate::jet::Jet;
use crate::program::Program;
use crate::random::Stream;
use crate::real::{Num, Real};
use crate::tape::{Session, Var};

/// One operation on two values made before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Operation {
    pub(super) kind: u8,
    pub(super) operands: [usize; 2],
}

/// Kinds of operations.
const KINDS: u8 = 34;

/// A random straight-line function of some inputs, with a point at which it is smooth.
///
/// Every function of [`Num`] occurs, and branches, maxima and absolute values away from their kinks. Values stay below
/// `1e3` in size and arguments within the domains, so that all modes are expected to agree to rounding.
#[derive(Clone, Debug)]
pub struct Expression {
    pub(super) inputs: usize,
    pub(super) operations: Vec<Operation>,
    pub(super) point: Vec<f64>,
}

impl Expression {
    /// Number `number` of the series with `inputs` inputs and `operations` operations.
    pub fn random(number: u64, inputs: usize, operations: usize) -> Self {
        let stream = Stream::new(&[0x6578_7072, number]);
        let mut drawn = 0;
        let mut draw = || {
            drawn += 1;
            stream.uniform(drawn)
        };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a small index"
        )]
        let below = |n: usize, u: f64| ((u * n as f64) as usize).min(n - 1);
        let point: Vec<f64> = (0..inputs).map(|_| 3.0 * draw() - 1.5).collect();
        let mut values = point.clone();
        let mut made = Vec::with_capacity(operations);
        while made.len() < operations {
            // later values are more likely to be used: expressions are deep
            let mut operand = || {
                let back = draw() * draw();
                values.len() - 1 - below(values.len(), back)
            };
            let operands = [operand(), operand()];
            let kind = u8::try_from(below(usize::from(KINDS), draw())).unwrap_or(0);
            let [a, b] = operands.map(|k| values[k]);
            if !is_tame(kind, a, b) {
                continue;
            }
            let value = apply(kind, a, b);
            if value.is_finite() && value.abs() < 1e3 {
                made.push(Operation { kind, operands });
                values.push(value);
            }
        }
        Self { inputs, operations: made, point }
    }

    /// Where it is smooth.
    pub fn point(&self) -> &[f64] {
        &self.point
    }
}

impl VectorFn for Expression {
    fn call<R: Real>(&self, x: &[R]) -> Vec<R> {
        let mut values = x[..self.inputs].to_vec();
        for Operation { kind, operands: [a, b] } in &self.operations {
            values.push(apply(*kind, values[*a], values[*b]));
        }
        // the last value, and a little of all others, so that none is dead
        let all = values.iter().fold(R::lit(0.0), |s, v| s + v.sin() * 0.01);
        vec![values[values.len() - 1] + all]
    }
}

/// Whether an operation is smooth at its arguments, and not close to where it is not.
fn is_tame(kind: u8, a: f64, b: f64) -> bool {
    let apart = (a - b).abs() > 0.05;
    match kind {
        3 => b.abs() > 0.1,
        4 => a.cos().abs() > 0.2,
        5 | 6 | 13 => a.abs() < 0.9,
        12 => a > 1.1,
        14 | 15 | 11 | 28 => a.abs() < 5.0,
        16 | 18 => a > 0.05,
        17 => a > -0.9,
        19 => a.abs() > 0.05,
        20 | 21 | 24 | 32 => a.abs() > 0.1,
        22 => a > 0.1 && a < 10.0 && b.abs() < 3.0,
        // a full turn away from the cut of `atan2`, which is at a = 0 for b < 0
        23 => a.abs() > 0.1 || b > 0.1,
        33 => a.hypot(b) > 0.1,
        25 | 26 | 29 | 30 => apart,
        27 => a.abs() < 8.0,
        _ => true,
    }
}

/// The operation, at any scalar.
pub(super) fn apply<R: Real>(kind: u8, a: R, b: R) -> R {
    match kind {
        0 => a + b,
        1 => a - b,
        2 => a * b,
        3 => a / b,
        4 => a.tan(),
        5 => a.asin(),
        6 => a.acos(),
        7 => a.sin(),
        8 => a.cos(),
        9 => a.atan(),
        10 => a.asinh(),
        11 => a.cosh(),
        12 => a.acosh(),
        13 => a.atanh(),
        14 => a.sinh(),
        15 => a.exp_m1(),
        16 => a.ln(),
        17 => a.ln_1p(),
        18 => a.sqrt(),
        19 => a.cbrt(),
        20 => a.recip(),
        21 => a.powi(-2),
        22 => a.powf(b),
        23 => a.atan2(b),
        24 => a.abs(),
        25 => Real::max(a, b),
        26 => Real::min(a, b),
        27 => a.powi(3) * 0.1,
        28 => a.exp(),
        29 if a > b => a * b + a,
        30 if a < b => b.sin() * a,
        31 => a.tanh() + R::lit(0.3),
        32 => a.sign() * b - 0.7,
        33 => a.hypot(b),
        _ => -a + b * 0.5,
    }
}

/// Where two modes differ.
#[derive(Clone, Debug, PartialEq)]
pub struct Disagreement {
    /// The mode that differs from the reference.
    pub mode: &'static str,
    /// What it found.
    pub found: f64,
    /// The reference: differences of numbers of 31 digits.
    pub reference: f64,
}

/// Compares the values, gradients and second derivatives of an expression in every mode with differences in 31 digits.
///
/// Tolerances are relative to the largest derivative: `1e-10` for the first order and `1e-7` for the second, which rounding errors
/// in deep expressions need; where the second derivative is large, rounding of the arguments moves the first by that much.
pub fn disagreement(f: &Expression) -> Option<Disagreement> {
    let x = f.point();
    let stream = Stream::new(&[0x6469_7265]);
    let v: Vec<f64> = (0..x.len() as u64).map(|k| 2.0 * stream.uniform(k) - 1.0).collect();
    let dot = |g: &[f64]| -> f64 { g.iter().zip(&v).map(|(g, v)| g * v).sum() };
    let [slope, curvature] = differences(f, &v);
    let gradient = grad(|x| f.call(x)[0], x);
    let second = hvp(|x| f.call(x)[0], x, &v);
    let size = |g: &[f64]| g.iter().fold(1.0_f64, |s, g| s.max(g.abs()));
    let tolerances =
        [1e-10 * size(&gradient) + 1e-15 * size(&second), 1e-7 * (size(&second) + size(&gradient))];
    let program = Program::record(|x| f.call(x), x);
    let curve: Vec<Jet<f64, 3>> = x.iter().zip(&v).map(|(x, v)| Jet::new([*x, *v, 0.0])).collect();
    let jet = f.call(&curve)[0].derivatives();
    let nested: Vec<Dual<Dual<f64, 1>, 1>> = x
        .iter()
        .zip(&v)
        .map(|(x, v)| Dual { re: Dual { re: *x, eps: [*v] }, eps: [Dual::konst(*v)] })
        .collect();
    let replayed = program.hvp(x, &v);
    let first = [
        ("reverse", dot(&gradient)),
        ("forward", jvp(|x| f.call(x), x, &v).1[0]),
        ("jet", jet[1]),
        ("program, reverse", program.vjp(x, &[1.0]).map_or(f64::NAN, |(_, g)| dot(&g))),
        ("program, forward", program.jvp(x, &v).map_or(f64::NAN, |(_, d)| d[0])),
    ];
    let twice = [
        ("forward over reverse", dot(&second)),
        ("forward over forward", f.call(&nested)[0].eps[0].eps[0]),
        ("reverse over reverse", dot(&reverse_over_reverse(f, &v))),
        ("jet of second order", jet[2]),
        ("program, second order", replayed.map_or(f64::NAN, |(_, h)| dot(&h))),
    ];
    let orders = [(&first, slope, tolerances[0]), (&twice, curvature, tolerances[1])];
    orders.into_iter().find_map(|(modes, reference, tolerance)| {
        let off = |found: f64| {
            (found - reference).abs().is_nan() || (found - reference).abs() > tolerance
        };
        let (mode, found) = *modes.iter().find(|(_, found)| off(*found))?;
        Some(Disagreement { mode, found, reference })
    })
}

/// The Hessian's product with `v`.
pub(super) fn reverse_over_reverse(f: &Expression, v: &[f64]) -> Vec<f64> {
    let outer = Session::<f64>::new();
    let at: Vec<Var<f64>> = f.point().iter().map(|x| outer.input(*x)).collect();
    let gradient = grad(|x: &[Var<Var<f64>>]| f.call(x)[0], &at);
    outer.pullback(&gradient, v, &at)
}

/// The first and second derivative along `v` by central differences of numbers of 31 digits, extrapolated from two steps: so small
/// that higher derivatives of `1e24` leave nothing, and still far above rounding.
fn differences(f: &Expression, v: &[f64]) -> [f64; 2] {
    let at = |t: f64| -> Precise {
        let moved: Vec<Precise> =
            f.point().iter().zip(v).map(|(x, v)| Precise::lit(*x) + Precise::lit(*v) * t).collect();
        f.call(&moved)[0]
    };
    let here = at(0.0);
    let slope = |h: f64| (at(h) - at(-h)) / (2.0 * h);
    let curvature = |h: f64| ((at(h) - here) + (at(-h) - here)) / h / h;
    // both errors are even in the step: Richardson's extrapolation takes the square away
    let extrapolated = |fine: Precise, coarse: Precise| (fine + (fine - coarse) / 3.0).value();
    let (near, far) = (1e-12, 5e-10);
    [
        extrapolated(slope(near), slope(2.0 * near)),
        extrapolated(curvature(far), curvature(2.0 * far)),
    ]
}
