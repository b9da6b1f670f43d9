//! Random expressions at kinks and poles: what is finite there has to be right.

use super::Precise;
use super::expression::{Disagreement, Expression, Operation, apply, reverse_over_reverse};
use crate::api::{VectorFn, grad, hvp, jvp};
use crate::dual::Dual;
use crate::jet::Jet;
use crate::program::Program;
use crate::random::Stream;
use crate::real::Num;

/// The kinds of operations that have an edge at 0 or 1, or lead there: sums, products, roots, powers, `|x|`, `hypot`, `acos`, `sin`,
/// `exp`, `cos`, maxima and minima.
const KINDS: [u8; 22] =
    [0, 1, 2, 2, 2, 0, 18, 18, 18, 19, 22, 24, 33, 6, 7, 28, 8, 27, 25, 26, 34, 1];
/// And those with a pole there.
const POLES: [u8; 4] = [18, 19, 22, 6];

impl Expression {
    /// Number `number` of a series of functions of `x` at 0, beside a constant of 1/2: with at most two poles, and one kink or, of
    /// what has none itself, three, so that differences tell what is differentiable.
    pub fn at_an_edge(number: u64, operations: usize) -> Self {
        let stream = Stream::new(&[0x6564_6765, number]);
        let mut drawn = 0;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a small index"
        )]
        let mut below = |n: usize| {
            drawn += 1;
            ((stream.uniform(drawn) * n as f64) as usize).min(n - 1)
        };
        let point = vec![0.0, 0.5];
        let mut values = point.clone();
        let mut made = Vec::with_capacity(operations);
        let mut is_kinked = vec![false; point.len()];
        let (mut kinks, mut poles) = (0, 0);
        while made.len() < operations {
            let kind = KINDS[below(KINDS.len())];
            let operands = [below(values.len()), below(values.len())];
            let [a, b] = operands.map(|k| values[k]);
            let value = apply(kind, a, b);
            // 0^0 jumps, and duals take an exponent that does not move for a constant
            if kind == 22 && a == 0.0 && b == 0.0 || !is_told_from_an_edge(value) {
                continue;
            }
            let is_kink = is_kink(kind, [a, b]);
            let is_pole = POLES.contains(&kind);
            let of_kinked = operands.iter().any(|k| is_kinked[*k]);
            if is_kink && (kinks == 3 || kinks > 0 && of_kinked) || is_pole && poles == 2 {
                continue;
            }
            is_kinked.push(is_kink || of_kinked);
            kinks += usize::from(is_kink);
            poles += usize::from(is_pole);
            made.push(Operation { kind, operands });
            values.push(value);
        }
        Self { inputs: 2, operations: made, point }
    }

    fn has_kink(&self) -> bool {
        let mut values = self.point.clone();
        self.operations.iter().any(|Operation { kind, operands }| {
            let [a, b] = operands.map(|k| values[k]);
            values.push(apply(*kind, a, b));
            is_kink(*kind, [a, b])
        })
    }
}

/// Whether a value is at an edge, 0 or 1 in size, or well away from it, and not so large that differences are coarse.
fn is_told_from_an_edge(value: f64) -> bool {
    let is_told = |edge: f64| {
        let distance = (value.abs() - edge).abs();
        distance == 0.0 || distance > 1e-6
    };
    value.abs() < 10.0 && is_told(0.0) && is_told(1.0)
}

/// Whether the operation's derivative is a convention at these operands.
fn is_kink(kind: u8, [a, b]: [f64; 2]) -> bool {
    match kind {
        24 => a == 0.0,
        33 => a == 0.0 && b == 0.0,
        25 | 26 => a - b == 0.0,
        _ => false,
    }
}

/// What differences say of a derivative at 0 from one side.
#[derive(Clone, Copy, Debug)]
struct Side {
    value: f64,
    /// How far it may be off; infinite where it grows beyond all bounds.
    uncertainty: f64,
}

impl Side {
    /// From the quotients of two steps, the second of which is 10^4 times smaller.
    fn of([far, near]: [f64; 2]) -> Option<Self> {
        let diverges = near.abs() > 2.0 * far.abs() && near.abs() > 1.0;
        let uncertainty = if diverges { f64::INFINITY } else { 10.0 * (far - near).abs() };
        near.is_finite().then_some(Self { value: near, uncertainty: uncertainty + 1e-7 })
    }

    fn is_settled(self) -> bool {
        self.uncertainty < 1e-3 * (1.0 + self.value.abs())
    }
}

/// Whether a finite derivative is wrong: outside of what the differences of both sides span, or where one of them diverges.
fn is_wrong(found: f64, sides: &[Side]) -> bool {
    let ends = |s: &Side| [s.value - s.uncertainty, s.value + s.uncertainty];
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for side in sides {
        if side.uncertainty.is_infinite() {
            return found.is_finite();
        }
        low = low.min(ends(side)[0]);
        high = high.max(ends(side)[1]);
    }
    found.is_finite() && !sides.is_empty() && !(low..=high).contains(&found)
}

/// The slopes and curvatures of an expression at its edge in every mode against one-sided differences in 31 digits: what is finite has
/// to lie between those of both sides, and curvatures where both agree have to be theirs.
pub fn edge_disagreement(f: &Expression) -> Option<Disagreement> {
    let x = f.point();
    let at = |t: f64| f.call(&[Precise::lit(t), Precise::lit(0.5)])[0];
    let here = at(0.0);
    let slope = |h: f64| ((at(h) - here) / h).value();
    let curvature = |h: f64| ((at(h + h) - at(h) * 2.0 + here) / h / h).value();
    let sides = |quotient: &dyn Fn(f64) -> f64| -> Vec<Side> {
        let of = |sign: f64| Side::of([1e-5, 1e-9].map(|h| quotient(sign * h)));
        [1.0, -1.0].into_iter().filter_map(of).collect()
    };
    let (slopes, curvatures) = (sides(&slope), sides(&curvature));
    let reference = slopes.first()?.value;
    if slopes.len() == 1 && slopes[0].uncertainty.is_finite() && f.has_kink() {
        return None; // the convention at a kink is the mean of both sides, of which there is one
    }
    let wrong = |found: f64| is_wrong(found, &slopes);
    if let Some((mode, found)) = slopes_by_mode(f, x).into_iter().find(|(_, found)| wrong(*found)) {
        return Some(Disagreement { mode, found, reference });
    }
    let agree = |s: &[Side]| match s {
        [a, b] => a.is_settled() && b.is_settled() && (a.value - b.value).abs() < 1e-4,
        _ => false,
    };
    if !(agree(&slopes) && agree(&curvatures)) {
        return None;
    }
    let wrong = |found: f64| is_wrong(found, &curvatures);
    let (mode, found) = curvatures_by_mode(f, x).into_iter().find(|(_, h)| wrong(*h))?;
    Some(Disagreement { mode, found, reference: curvatures[0].value })
}

fn slopes_by_mode(f: &Expression, x: &[f64]) -> [(&'static str, f64); 5] {
    let v = [1.0, 0.0];
    let program = Program::record(|x| f.call(x), x);
    let jet: Jet<f64, 2> = f.call(&[Jet::variable(x[0]), Jet::konst(x[1])])[0];
    [
        ("reverse", grad(|x| f.call(x)[0], x)[0]),
        ("forward", jvp(|x| f.call(x), x, &v).1[0]),
        ("jet", jet.derivatives()[1]),
        ("program, reverse", program.vjp(x, &[1.0]).map_or(f64::NAN, |(_, g)| g[0])),
        ("program, forward", program.jvp(x, &v).map_or(f64::NAN, |(_, d)| d[0])),
    ]
}

fn curvatures_by_mode(f: &Expression, x: &[f64]) -> [(&'static str, f64); 5] {
    let v = [1.0, 0.0];
    let program = Program::record(|x| f.call(x), x);
    let jet: Jet<f64, 3> = f.call(&[Jet::variable(x[0]), Jet::konst(x[1])])[0];
    let nested =
        [0, 1].map(|k| Dual { re: Dual { re: x[k], eps: [v[k]] }, eps: [Dual::konst(v[k])] });
    [
        ("forward over reverse", hvp(|x| f.call(x)[0], x, &v)[0]),
        ("forward over forward", f.call(&nested)[0].eps[0].eps[0]),
        ("reverse over reverse", reverse_over_reverse(f, &v)[0]),
        ("jet of second order", jet.derivatives()[2]),
        ("program, second order", program.hvp(x, &v).map_or(f64::NAN, |(_, h)| h[0])),
    ]
}
