//! A loop within a program: a rule whose derivatives are loops again.
//!
//! The loop takes `(s, p)` to `s_n`. Its pushforward is the loop of its tangents `(s, s_dot), (p, p_dot)`; its pullback takes
//! `(s, p, b)` to `J^T b`. With the cotangents `(a, b)` of `(s_n, s_dot_n)` the tangents' pullback is
//! `(J^T a + J_dot^T b, J^T b)`, which holds both derivatives of `J^T b`: its pushforward with `a = b_dot`, and its pullback
//! along `w` with `s_dot = w, a = 0`, beside `J w` for `b`. So every order is a loop, forward or reverse, of as many tangents.

use std::sync::Arc;

use super::ScanProgram;
use crate::checkpoint::Schedule;
use crate::program::error::ReplayError;
use crate::program::record::{Derived, Traced, TracedRule};
use crate::scan::Step;

/// The loop.
#[derive(Clone)]
pub(in crate::program) struct Loop {
    program: Arc<ScanProgram>,
    /// A number a step that nobody reads: a program's loop runs over items.
    steps: Arc<[f64]>,
    schedule: Schedule,
}

/// The loop's pullback.
struct Pullback(Loop);

fn values(x: &[Traced]) -> Vec<f64> {
    x.iter().map(|x| x.value).collect()
}

/// Records `rule` at `x`.
fn apply(rule: impl TracedRule + 'static, x: &[Traced]) -> Derived {
    let y = rule.primal(&values(x))?;
    Ok(match x.iter().find_map(|x| x.checked()) {
        None => y.into_iter().map(Traced::konst).collect(),
        Some(recorder) => recorder.call(Arc::new(rule), x, &y),
    })
}

impl Loop {
    /// Records `n` steps from `state`; their step is recorded once.
    ///
    /// # Errors
    /// A step that branches otherwise than the first, a rule without a value.
    pub(in crate::program) fn record<const S: usize, const P: usize, F: Step<S, P>>(
        step: &F,
        n: usize,
        (state, p): (&[Traced; S], &[Traced; P]),
        schedule: Schedule,
    ) -> Derived {
        let one = |s: &[Traced], _: &[Traced], p: &[Traced]| {
            let next = step.step(std::array::from_fn(|k| s[k]), std::array::from_fn(|k| p[k]));
            (next.to_vec(), Vec::new())
        };
        let program = Arc::new(ScanProgram::record(one, &values(state), &[0.0], &values(p))?);
        let whole = Self { program, steps: vec![0.0; n].into(), schedule };
        apply(whole, &[&state[..], p].concat())
    }

    fn tangent(&self) -> Result<Self, ReplayError> {
        Ok(Self { program: self.program.tangent()?, ..self.clone() })
    }

    /// `((s, s_dot), (p, p_dot))` of `(s, p)` and `(s_dot, p_dot)`.
    fn with_tangents(&self, x: &[Traced], x_dot: &[Traced]) -> Vec<Traced> {
        let (s, p) = x.split_at(self.program.state);
        let (s_dot, p_dot) = x_dot.split_at(self.program.state);
        [s, s_dot, p, p_dot].concat()
    }

    /// What belongs to `s` and `p` of the tangents' cotangents.
    fn of_values(&self, bars: &[Traced]) -> Vec<Traced> {
        let (s, p) = (self.program.state, self.program.parameters);
        [&bars[..s], &bars[2 * s..2 * s + p]].concat()
    }
}

impl TracedRule for Loop {
    fn primal(&self, x: &[f64]) -> Result<Vec<f64>, ReplayError> {
        let (s, p) = x.split_at(self.program.state);
        Ok(self.program.call(s, &self.steps, p)?.0)
    }

    fn jvp(&self, x: &[Traced], _: &[Traced], x_dot: &[Traced]) -> Derived {
        let mut both = apply(self.tangent()?, &self.with_tangents(x, x_dot))?;
        Ok(both.split_off(self.program.state))
    }

    fn vjp(&self, x: &[Traced], _: &[Traced], y_bar: &[Traced]) -> Derived {
        apply(Pullback(self.clone()), &[x, y_bar].concat())
    }

    fn name(&self) -> &'static str {
        "scan"
    }
}

impl Pullback {
    /// `(s, p)` and `b`.
    fn split<'a, T>(&self, x: &'a [T]) -> (&'a [T], &'a [T]) {
        x.split_at(self.0.program.state + self.0.program.parameters)
    }
}

impl TracedRule for Pullback {
    fn primal(&self, x: &[f64]) -> Result<Vec<f64>, ReplayError> {
        let Loop { program, steps, schedule } = &self.0;
        let (x, b) = self.split(x);
        let (s, p) = x.split_at(program.state);
        let found = program.vjp(s, steps, p, b, &[], *schedule)?;
        Ok([found.state_bar, found.p_bar].concat())
    }

    fn jvp(&self, x: &[Traced], _: &[Traced], x_dot: &[Traced]) -> Derived {
        let ((x, b), (x_dot, b_dot)) = (self.split(x), self.split(x_dot));
        let of_tangents = [&self.0.with_tangents(x, x_dot)[..], b_dot, b].concat();
        Ok(self.0.of_values(&apply(Self(self.0.tangent()?), &of_tangents)?))
    }

    fn vjp(&self, x: &[Traced], _: &[Traced], w: &[Traced]) -> Derived {
        let (x, b) = self.split(x);
        let (tangent, at) = (self.0.tangent()?, self.0.with_tangents(x, w));
        let none = vec![Traced::konst(0.0); b.len()];
        let of_tangents = [&at[..], &none, b].concat();
        let mut bars = self.0.of_values(&apply(Self(tangent.clone()), &of_tangents)?);
        bars.extend(apply(tangent, &at)?.split_off(b.len()));
        Ok(bars)
    }

    fn name(&self) -> &'static str {
        "pullback of scan"
    }
}
