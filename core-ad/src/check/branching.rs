//! Random programs that branch.

use crate::random::Stream;
use crate::real::Real;

/// Operations of a program.
const LENGTH: usize = 12;
/// Kinds of operations.
const KINDS: usize = 17;

/// A random straight-line program of two inputs, with comparisons and numbers that leave differentiation: what a recording
/// guards, and must find unchanged where it was recorded.
#[derive(Clone, Debug)]
pub struct Branching {
    /// Kind and operands.
    operations: Vec<[usize; 3]>,
    point: [f64; 2],
}

impl Branching {
    /// Number `number` of the series.
    pub fn random(number: u64) -> Self {
        let stream = Stream::new(&[0x6272_616e, number]);
        let mut drawn = 0;
        let mut draw = || {
            drawn += 1;
            stream.uniform(drawn)
        };
        let point = [2.0 * draw() - 1.0, 2.0 * draw() - 1.0];
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a small index"
        )]
        let mut below = |n: usize| ((draw() * n as f64) as usize).min(n - 1);
        let operations = (0..LENGTH).map(|k| [below(KINDS), below(k + 2), below(k + 2)]).collect();
        Self { operations, point }
    }

    /// Where it is recorded.
    pub fn point(&self) -> [f64; 2] {
        self.point
    }

    /// Its last two values.
    pub fn call<R: Real>(&self, x: &[R]) -> Vec<R> {
        let mut values = x.to_vec();
        for [kind, a, b] in &self.operations {
            values.push(apply(*kind, values[*a], values[*b]));
        }
        values.split_off(values.len() - 2)
    }
}

/// One operation, at any scalar.
fn apply<R: Real>(kind: usize, a: R, b: R) -> R {
    match kind {
        0 => a * b + a,
        1 => a - b,
        2 => a.tanh(),
        3 => a.sin() * b.cos(),
        4 => (-(a * a)).exp(),
        5 => (a * a + 1.0).ln(),
        6 => (a * a + b * b).sqrt(),
        7 => a / (b * b + 0.5),
        8 => a.hypot(b),
        9 => a.powi(3) * 0.1,
        10 => a.max(b),
        11 if a > b => a * 2.0 + b,
        12 if a * b < a + b => a.atan(),
        13 => R::lit(a.concrete()) * b,
        14 => R::lit((a * b).tanh().concrete()) + a,
        15 => R::lit((a * a + b * b).concrete()).sin() * a,
        16 => R::lit((a.sin() * b + a.exp_m1() * 1e-3).concrete()) - b,
        _ => b,
    }
}
